//! What did the operator write? TOML, checked as a whole.
//!
//! Each subsystem owns its settings; here the file is read over `deploy/default.toml`, which is
//! compiled in, and every fault is reported at once with file and line.

mod fault;
mod section;
mod kafka;
mod sinks;
mod storage;
mod service;
mod admin;

pub use fault::{Fault, Faults};
pub use service::Log;
pub use sinks::{Basis, Purpose, Sink, SinkKind};
pub use storage::{BundleFrom, Journal, KeysFrom, Limits, TableFiles};

use std::path::Path;

use toml::de::DeTable;

use crate::edges::{admin as admin_edge, http, kafka as kafka_edge, snapshots};

use section::{Document, Section};

/// The shipped defaults, in the words of an operator's own file.
pub const SHIPPED: &str = include_str!("../../deploy/default.toml");

/// A checked configuration: one field per subsystem.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where payments come from and where answers go.
    pub kafka: kafka_edge::Settings,
    /// Who reads each output, for what.
    pub sinks: Vec<Sink>,
    /// The journal.
    pub journal: Journal,
    /// Snapshots of the state, beside the journal.
    pub snapshots: snapshots::Settings,
    /// Where the keys come from.
    pub keys: KeysFrom,
    /// Where the rules come from.
    pub bundle: BundleFrom,
    /// Reference tables.
    pub tables: TableFiles,
    /// Bounds.
    pub limits: Limits,
    /// Changes by people while the service runs.
    pub admin: admin_edge::Settings,
    /// Metrics and health.
    pub http: http::Settings,
    /// The log.
    pub log: Log,
}

impl Config {
    /// Reads a file as far as it goes, with everything that is wrong with it: where there are
    /// faults the configuration must not be used, only examined further.
    pub fn examine(file: &Path) -> (Option<Self>, Faults) {
        match std::fs::read_to_string(file) {
            Ok(text) => Self::examine_text(file, &text),
            Err(error) => (None, Faults::of_file(file, format!("cannot be read: {error}"))),
        }
    }

    /// Checks a text; `file` is for messages and as the base of relative paths.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Faults> {
        match Self::examine_text(file, text) {
            (Some(config), faults) if faults.is_empty() => Ok(config),
            (_, faults) => Err(faults),
        }
    }

    fn examine_text(file: &Path, text: &str) -> (Option<Self>, Faults) {
        let document = Document::new(file, text);
        let (user, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = error.span().map(|span| span.start);
            document.fault(at, String::new(), first_line(error.message()).to_owned());
        }
        let (shipped, shipped_errors) = DeTable::parse_recoverable(SHIPPED);
        debug_assert!(shipped_errors.is_empty(), "the shipped defaults parse");
        // A half-parsed table would be blamed for keys that the broken line hides.
        let config = errors
            .is_empty()
            .then(|| Self::read(Section::root(&document, user.get_ref(), shipped.get_ref())));
        (config, document.into_faults())
    }

    /// Values of faulty keys are placeholders.
    fn read(mut root: Section<'_, '_>) -> Self {
        let (sinks, outputs) = sinks::read(&mut root);
        let kafka = kafka::read(root.section("kafka"), outputs);
        let limits = storage::limits(root.section("limits"));
        let journal = storage::journal(root.section("journal"), &limits);
        let config = Self {
            // What a disk does concerns whoever waits for it.
            kafka: kafka_edge::Settings { disk: journal.disk, ..kafka },
            sinks,
            journal,
            snapshots: storage::snapshots(root.section("snapshots")),
            keys: storage::keys(root.section("keys")),
            bundle: storage::bundle(root.section("bundle")),
            tables: storage::tables(root.section("tables")),
            limits,
            admin: admin::admin(root.section("admin")),
            http: service::http(root.section("http")),
            log: service::log(root.section("log")),
        };
        root.finish();
        config
    }
}

/// A parser's message may go on to quote the input.
fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or("is not valid TOML")
}

#[cfg(test)]
mod tests;
