//! The snapshots beside a journal: their names, their order, and which may go.

use std::io::BufReader;
use std::path::PathBuf;

use crate::domain::Seq;
use crate::journal::{Directory, FromStart};

use super::load::Snapshot;
use super::{Head, SnapshotFault};
use crate::engine::ENGINE_SEMANTICS;

/// Digits of an input's number in a file's name: all of a `u64`.
const DIGITS: usize = 20;
/// Newest snapshots that are kept: the one before is there if the newest turns out bad.
const NEWEST: usize = 2;

/// A snapshot's file, by its name.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Kept {
    /// The number of the first input that it has not seen.
    pub next: Seq,
    /// The file.
    pub path: PathBuf,
}

/// A directory of snapshots.
#[derive(Clone, Debug)]
pub struct Shelf {
    dir: Directory,
}

impl Shelf {
    /// The snapshots in a journal's directory.
    pub fn of(dir: impl Into<Directory>) -> Self {
        Self { dir: dir.into() }
    }

    /// The directory.
    pub const fn dir(&self) -> &Directory {
        &self.dir
    }

    /// Reads what a snapshot says of itself, without looking at the rest of the file.
    pub fn head(&self, kept: &Kept) -> Result<Head, SnapshotFault> {
        self.open(kept).map(|snapshot| snapshot.head)
    }

    pub(in crate::engine) fn open(
        &self,
        kept: &Kept,
    ) -> Result<Snapshot<BufReader<FromStart>>, SnapshotFault> {
        let file = self.dir.disk().open(&kept.path)?;
        let bytes = file.size()?;
        // Frames are read in two parts, head and words: small ones share a system call.
        Snapshot::open(BufReader::with_capacity(1 << 20, FromStart::of(file)), bytes)
    }

    /// The name of the snapshot that ends before an input.
    pub fn path(&self, next: Seq) -> PathBuf {
        self.dir.path().join(format!("snapshot-{:0DIGITS$}.tgs", next.0))
    }

    /// The name that it has until it is proven.
    pub fn unproven(&self, next: Seq) -> PathBuf {
        self.dir.path().join(format!("snapshot-{:0DIGITS$}.tgs.new", next.0))
    }

    /// The snapshots, oldest first. A directory that cannot be read holds none.
    pub fn kept(&self) -> Vec<Kept> {
        let Ok(listing) = self.dir.disk().list(self.dir.path()) else { return Vec::new() };
        let mut kept: Vec<Kept> = listing
            .into_iter()
            .filter_map(|path| {
                let name = path.file_name()?.to_str()?;
                let digits = name.strip_prefix("snapshot-")?.strip_suffix(".tgs")?;
                let is_number =
                    digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
                let next = is_number.then(|| digits.parse().ok()).flatten()?;
                Some(Kept { next: Seq(next), path })
            })
            .collect();
        kept.sort_unstable();
        kept
    }

    /// What a crash left behind of unproven ones.
    pub fn leftovers(&self) -> Vec<PathBuf> {
        let Ok(mut listing) = self.dir.disk().list(self.dir.path()) else { return Vec::new() };
        let is_leftover = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let digits = name.strip_prefix("snapshot-").and_then(|n| n.strip_suffix(".tgs.new"));
            digits.is_some_and(|digits| {
                digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        listing.retain(is_leftover);
        listing
    }

    /// Which may go: all but the newest ones and the anchors, for so many days of the stream's time up
    /// to the newest's: the first of each day, and the last that an older version of the engine took,
    /// from which the state of after an upgrade follows. What cannot be read is no anchor.
    pub fn surplus(&self, anchor_days: u32) -> Vec<Kept> {
        const DAY_MS: i64 = 86_400_000;
        let mut kept = self.kept();
        let newest = kept.split_off(kept.len().saturating_sub(NEWEST));
        let about = |kept: &Kept| {
            let head = self.head(kept).ok()?;
            Some((head.last.received_at.as_ms().div_euclid(DAY_MS), head.semantics))
        };
        let today = newest.iter().filter_map(about).map(|(day, _)| day).max();
        let is_older = |kept: &&Kept| about(kept).is_some_and(|(_, of)| of < ENGINE_SEMANTICS);
        let before_upgrade = kept.iter().rev().find(is_older).map(|kept| kept.next);
        let mut anchored = None;
        kept.retain(|kept| {
            let Some((day, _)) = about(kept) else { return true };
            let is_first = anchored != Some(day);
            anchored = Some(day);
            let is_recent = today.is_some_and(|today| today - day < i64::from(anchor_days));
            let is_anchor = is_first || before_upgrade == Some(kept.next);
            !(is_anchor && is_recent)
        });
        kept
    }
}
