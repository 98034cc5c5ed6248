//! The whole pipeline as several benches drive it.

#![allow(dead_code)] // Not every bench uses every item.
#![allow(unreachable_pub)] // A module of several benches, each a crate of its own.

use std::path::Path;
use std::sync::Arc;

use tidegate::bundle::{Bundle, shipped_files};
use tidegate::commands::generate::write_tables;
use tidegate::domain::{EventTime, Stage};
use tidegate::edges::journal_keeper;
use tidegate::edges::keys::Keys;
use tidegate::edges::machine::Machine;
use tidegate::edges::tables::{TablePaths, TableStore};
use tidegate::engine::{
    ENGINE_SEMANTICS, Engine, EngineLimits, Intent, Pace, Parts, Pipeline, Recovered, recover,
};
use tidegate::generator::Generator;
use tidegate::journal::{Durability, FreshRandom, Opening, Writer};
use tidegate::stages::decode::{Door, TimeLimits};
use tidegate::stages::enrich::{Tables, TokenKeys};
use tidegate::stages::mask::Profile;

/// A number from the command line: `NAME VALUE`.
pub fn argument(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
    arguments.next().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// The shipped bundle over a journal, and what it has answered.
pub struct Subject {
    pub pipeline: Pipeline<Machine>,
    pub tables: TableStore,
    pub keys: Keys,
    /// Of all decisions, so that two builds that disagree are seen.
    pub hash: u64,
    pub decided: u64,
    /// Nanoseconds by stage over all events.
    pub stage_ns: [u64; Stage::COUNT],
    /// Where it began.
    pub recovered: Recovered,
}

impl Subject {
    /// With its journal and the world's tables in a directory. A journal that is there is recovered.
    pub fn new(dir: &Path, generator: &Generator) -> Self {
        write_tables(generator.world(), &dir.join("tables")).expect("a temporary directory");
        let (files, bundle, keys) = (shipped_files(), Arc::new(Bundle::shipped()), Keys::demo());
        let paths = TablePaths::in_dir(&dir.join("tables"));
        let tables =
            TableStore::load(&paths, Arc::new(keys.token_keys())).expect("the world's own tables");
        let opening = Opening {
            key: keys.seal_key(),
            token_key: keys.token_key(),
            software: "bench".to_owned(),
            engine_semantics: ENGINE_SEMANTICS,
            opened_at: EventTime::MIN,
            segment_bytes: Opening::SEGMENT_BYTES,
            fresh: FreshRandom::draw().expect("the system's randomness"),
        };
        let journal = Writer::open(dir.join("journal"), opening).expect("a journal");
        let mut engine =
            Engine::new(Arc::clone(&bundle), &EngineLimits::default()).expect("the shipped bundle");
        let recovered = recover(&mut engine, dir.join("journal")).expect("a journal");
        let parts = Parts {
            engine,
            journal: Some(journal),
            received_after: recovered.last_received_at.unwrap_or(EventTime::MIN),
            door: Door::default(),
            times: TimeLimits::default(),
            namespace: String::new(),
            profile: Profile::shipped("default").expect("the default profile"),
            durability: Durability::Written,
            pace: Pace::Unhurried,
            surroundings: Machine::new(),
        };
        let pipeline = Pipeline::new(parts, &files).expect("a journal");
        // As the service has it: files are prepared, closed and synced by another thread.
        if let Some(keeper) = pipeline.keeper() {
            journal_keeper::keep(keeper).expect("a thread");
        }
        Self { pipeline, tables, keys, hash: 0, decided: 0, stage_ns: [0; Stage::COUNT], recovered }
    }

    /// Lines in groups, as the service takes them.
    pub fn take(&mut self, lines: &[Vec<u8>]) {
        let (tables, keys) = (self.tables.current(), self.keys.token_keys());
        for group in lines.chunks(64) {
            for line in group {
                self.take_one(line, &tables, &keys);
            }
            self.pipeline.flush().expect("the journal's disk");
        }
    }

    /// One line; nanoseconds by stage.
    pub fn take_one(
        &mut self,
        line: &[u8],
        tables: &Tables,
        keys: &TokenKeys,
    ) -> [u32; Stage::COUNT] {
        let step = self
            .pipeline
            .process(line, (None, None), Intent::Decide, (tables, keys))
            .expect("the journal's disk");
        if let Some(decision) = step.decision {
            self.decided += 1;
            let bytes = decision.as_bytes();
            // Cheap on purpose: length, and eight bytes from the middle where action and score are.
            let middle = bytes
                .get(200..208)
                .map_or(0, |eight| u64::from_le_bytes(eight.try_into().expect("eight bytes")));
            self.hash = (self.hash ^ middle ^ bytes.len() as u64).wrapping_mul(0x0100_0000_01b3);
        }
        for (sum, ns) in self.stage_ns.iter_mut().zip(step.stage_ns) {
            *sum += u64::from(ns);
        }
        step.stage_ns
    }
}
