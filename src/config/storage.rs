//! `[journal]`, `[keys]`, `[bundle]`, `[tables]`, `[limits]`: what stands on the disk, how much.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::EntityKind;
use crate::edges::closed_segments;
use crate::edges::kafka::{DiskPolicy, OnDiskFull};
use crate::edges::snapshots;
use crate::edges::tables::TablePaths;
use crate::engine::EngineLimits;
use crate::journal::Durability;
use crate::stages::decode::{Door, TimeLimits};
use crate::stages::features::StateLimits;

use super::section::Section;

/// Where the journal is and when a record counts as kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Journal {
    /// Its directory; made when absent.
    pub dir: PathBuf,
    /// When an answer may go out.
    pub durability: Durability,
    /// Bytes of one segment.
    pub segment_bytes: u64,
    /// What to do about a full or slow disk.
    pub disk: DiskPolicy,
    /// What becomes of closed segments.
    pub closed: closed_segments::Settings,
}

const DURABILITY: [(&str, Durability); 2] =
    [("written", Durability::Written), ("synced", Durability::Synced)];

/// Where the keys come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeysFrom {
    /// A file that only its owner may read.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

/// Where the rules come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BundleFrom {
    /// The bundle that is compiled in.
    Shipped,
    /// A rules directory.
    Dir(PathBuf),
}

/// Reference tables; a table that is not named is missing, which decisions say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TableFiles {
    /// Where each is.
    pub paths: TablePaths,
    /// Between two looks at the files.
    pub reload: Duration,
}

/// Bounds of what is taken and what is laid out.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How much a message may ask of us.
    pub door: Door,
    /// How far an event's own time may lie from its arrival.
    pub time: TimeLimits,
    /// How much is remembered.
    pub engine: EngineLimits,
}

pub(super) fn journal(mut section: Section<'_, '_>, limits: &Limits) -> Journal {
    let journal = Journal {
        dir: section.path("dir"),
        durability: section.choice("durability", &DURABILITY).unwrap_or(Durability::Written),
        segment_bytes: section.integer("segment_mb", 1..=4_096) << 20,
        disk: DiskPolicy {
            on_full: section.choice("on_disk_full", &OnDiskFull::NAMED).unwrap_or(OnDiskFull::Stop),
            slow: Duration::from_millis(section.integer("slow_disk_ms", 1..=600_000)),
        },
        closed: closed_segments::Settings {
            archive_command: archive_command(&mut section),
            keep_days: section.integer("keep_days", 0..=36_500) as u32,
            remember_days: section.integer("remember_days", 0..=36_500) as u32,
        },
    };
    let is_within = |days: u32| i64::from(days) * 86_400_000 <= limits.time.age_ms_max;
    let remember_days = journal.closed.remember_days;
    if remember_days > 0 && is_within(remember_days) {
        let message = "is not above limits.horizon_days: a retry would be decided twice";
        section.fault("remember_days", message);
    }
    let keep_days = journal.closed.keep_days;
    if keep_days > 0 && is_within(keep_days) {
        let message = "is not above limits.horizon_days: a retry would be decided twice";
        section.fault("keep_days", message);
    }
    if journal.dir.exists() && !journal.dir.is_dir() {
        section.fault("dir", format!("{} is no directory", journal.dir.display()));
    }
    section.finish();
    journal
}

pub(super) fn snapshots(mut section: Section<'_, '_>) -> snapshots::Settings {
    let settings = snapshots::Settings {
        every_events: section.integer("every_events", 1_000..=1_000_000_000),
        every: Duration::from_secs(section.integer("every_seconds", 10..=86_400)),
        anchor_days: section.integer("anchor_days", 0..=3_650) as u32,
    };
    section.finish();
    settings
}

/// A program and its arguments, one of which names the segment.
fn archive_command(section: &mut Section<'_, '_>) -> Vec<String> {
    const SEGMENT: &str = closed_segments::SEGMENT;
    let key = "archive_command";
    if !section.is_given(key) {
        section.allow(key);
        return Vec::new();
    }
    let command = section.texts(key);
    match command.split_first() {
        Some((program, _)) if !Path::new(program).is_absolute() => {
            section.fault(key, format!("begins with {program:?}: write the program's whole path"));
        }
        Some((program, _)) if !Path::new(program).is_file() => {
            section.fault(key, format!("{program} is no file"));
        }
        Some((_, arguments)) if !arguments.iter().any(|argument| argument.contains(SEGMENT)) => {
            section.fault(key, format!("names no segment: give {SEGMENT:?} as an argument"));
        }
        _ => {}
    }
    command
}

pub(super) fn keys(mut section: Section<'_, '_>) -> KeysFrom {
    let file = section.optional_path("file");
    let env = section.text("env");
    if file.is_some() && section.is_given("env") {
        section.fault("env", "and file: only one of them");
    }
    section.finish();
    file.map_or(KeysFrom::Env(env), KeysFrom::File)
}

pub(super) fn bundle(mut section: Section<'_, '_>) -> BundleFrom {
    let dir = section.optional_path("dir");
    if let Some(dir) = &dir
        && !dir.is_dir()
    {
        section.fault("dir", format!("{} is no directory", dir.display()));
    }
    section.finish();
    dir.map_or(BundleFrom::Shipped, BundleFrom::Dir)
}

pub(super) fn tables(mut section: Section<'_, '_>) -> TableFiles {
    let mut file = |key| section.optional_path(key);
    let paths = TablePaths {
        geo: file("geo"),
        asn: file("asn"),
        networks: file("networks"),
        bins: file("bins"),
        merchants: file("merchants"),
        terminals: file("terminals"),
        fx: file("fx"),
        hosts: file("hosts"),
    };
    let reload = Duration::from_secs(section.integer("reload_seconds", 1..=86_400));
    let tables = TableFiles { paths, reload };
    section.finish();
    tables
}

pub(super) fn limits(mut section: Section<'_, '_>) -> Limits {
    const DAY_MS: u64 = 86_400_000;
    let bytes_max = section.integer("event_kb", 1..=1_024) as usize * 1_024;
    let ahead_ms_max = (section.integer("ahead_seconds", 0..=86_400) * 1_000) as i64;
    // Windows reach back 45 days at most: an older event would count nowhere.
    let age_ms_max = (section.integer("horizon_days", 1..=45) * DAY_MS) as i64;
    let unknown = section.choice("unknown_fields", &[("drop", false), ("refuse", true)]);
    let refuses_unknown = unknown.unwrap_or_default();
    let entities_max = section.integer("entities_max", 1_000..=1_000_000_000) as u32;
    let limits = Limits {
        door: Door { bytes_max, refuses_unknown, ..Door::default() },
        time: TimeLimits { ahead_ms_max, age_ms_max },
        engine: EngineLimits {
            state: StateLimits {
                keys: [entities_max; EntityKind::COUNT],
                devices: entities_max,
                lateness_ms: age_ms_max,
            },
            recent_events: section.integer("recent_events", 1_000..=1_000_000_000) as u32,
            parked_amendments: section.integer("waiting_outcomes", 0..=100_000_000) as u32,
            patience_ms: age_ms_max,
        },
    };
    section.finish();
    limits
}
