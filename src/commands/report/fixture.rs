//! A small generated journal for tests: several segments, a restart, and what must not be shown.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use crate::bundle::{Bundle, shipped_files};
use crate::commands::assemble::{Assembly, assemble, keep_snapshots};
use crate::edges::keys::Keys;
use crate::edges::snapshots;
use crate::engine::{EngineLimits, Intent, Pace};
use crate::generator::{Generator, Settings};
use crate::journal::Durability;
use crate::stages::decode::{Door, TimeLimits};
use crate::stages::enrich::Tables;
use crate::stages::mask::Profile;

/// A journal, and the personal values of those who occur in it.
pub(in crate::commands) struct Fixture {
    dir: TempDir,
    /// Matches every personal value of everybody in the generator's world.
    secrets: regex::Regex,
}

/// Small limits: what a test keeps fits in them, and setting them up is quick.
pub(in crate::commands) fn limits() -> EngineLimits {
    EngineLimits { recent_events: 20_000, ..EngineLimits::default() }
}

/// The shipped rules with a piece of one file replaced.
pub(in crate::commands) fn rules_with(
    file: &str,
    old: &str,
    new: &str,
) -> BTreeMap<String, Vec<u8>> {
    let mut files = shipped_files();
    let text = String::from_utf8(files[file].clone()).unwrap();
    assert!(text.contains(old), "{file} has no {old}");
    files.insert(file.to_owned(), text.replace(old, new).into_bytes());
    files
}

impl Fixture {
    /// A journal of so many generated messages, written in as many sittings as there are rules.
    pub(in crate::commands) fn of(events: u64, sittings: &[BTreeMap<String, Vec<u8>>]) -> Self {
        Self::with_snapshots(events, sittings, u64::MAX)
    }

    /// The same with a snapshot after every so many inputs, and one at the end of each sitting.
    pub(in crate::commands) fn with_snapshots(
        events: u64,
        sittings: &[BTreeMap<String, Vec<u8>>],
        every: u64,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            events,
            customers: 300,
            fraud_share: 0.1,
            rate_per_s: 0.05,
            ..Settings::default()
        };
        let mut generator = Generator::new(settings);
        let mut secrets = Vec::new();
        let world = generator.world();
        for person in 0..world.people() {
            secrets.extend(world.secrets(person).map(|(_, value)| regex::escape(&value)));
        }
        // A value of a few characters occurs in anything.
        secrets.retain(|value| value.len() >= 8);
        let secrets = regex::RegexBuilder::new(&secrets.join("|")).size_limit(1 << 28).build();
        let fixture = Self { dir, secrets: secrets.unwrap() };
        for files in sittings {
            fixture.sit(&mut generator, (events / sittings.len() as u64, every), files);
        }
        fixture
    }

    /// One sitting under the shipped rules.
    pub(in crate::commands) fn small() -> Self {
        Self::of(2_500, &[shipped_files()])
    }

    fn sit(
        &self,
        generator: &mut Generator,
        (lines, every_events): (u64, u64),
        files: &BTreeMap<String, Vec<u8>>,
    ) {
        let keys = Keys::demo();
        let bundle = Bundle::compile(files).unwrap();
        let assembly = Assembly {
            bundle: Arc::new(bundle),
            bundle_files: files,
            keys: &keys,
            // Small segments: a journal of one is a special case.
            journal: Some((self.dir.path().to_owned(), 100 << 10, Durability::Written)),
            door: Door::default(),
            times: TimeLimits::default(),
            limits: limits(),
            profile: Profile::shipped("default").unwrap(),
            pace: Pace::Unhurried,
        };
        let (mut pipeline, recovered) = assemble(assembly).unwrap();
        let settings = snapshots::Settings {
            every_events,
            every: std::time::Duration::MAX,
            ..snapshots::Settings::default()
        };
        let mut keeper = match every_events {
            u64::MAX => None,
            _ => keep_snapshots(self.dir.path(), settings, &pipeline, &recovered).unwrap(),
        };
        let (mut line, token_keys) = (Vec::new(), keys.token_keys());
        for _ in 0..lines {
            generator.next_into(&mut line).unwrap();
            let lookups = (&Tables::default(), &token_keys);
            pipeline.process(&line, (None, None), Intent::Decide, lookups).unwrap();
            if let Some(keeper) = &mut keeper {
                keeper.turn(pipeline.engine_mut());
            }
        }
        pipeline.flush().unwrap();
        if let Some(keeper) = keeper {
            keeper.finish(pipeline.engine_mut());
        }
        pipeline.close().unwrap();
    }

    /// Where it is.
    pub(in crate::commands) fn path(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// Nothing that is shown may hold a personal value.
    #[track_caller]
    pub(in crate::commands) fn assert_nothing_personal(&self, shown: &str) {
        assert!(!shown.is_empty());
        let found = self.secrets.find(shown).map(|found| found.len());
        assert_eq!(found, None, "a personal value of so many bytes is shown");
    }
}
