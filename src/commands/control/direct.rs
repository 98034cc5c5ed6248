//! Changes straight into a journal that no service holds.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::assemble::{AssembleError, Assembly, assemble, keep_snapshots, now};
use super::super::lines::Setting;
use super::super::prepare::Means;
use super::super::report::Fault;

use crate::bundle::Bundle;
use crate::domain::{Control, EventTime, Seq};
use crate::edges::machine::Machine;
use crate::edges::snapshots::Keeper;
use crate::engine::{ControlError, Pace, Pipeline};
use crate::journal::JournalError;
use crate::stages::enrich::TokenKeys;

/// Changes that are flushed together.
const GROUP: u64 = 16;

/// A journal, opened as the service would.
pub(super) struct Direct {
    pipeline: Pipeline<Machine>,
    keeper: Option<Keeper>,
    keys: TokenKeys,
    sent: u64,
    /// When changes are made; the machine's time when nobody says.
    at: Option<EventTime>,
}

impl Direct {
    /// Takes the journal's lock and brings the engine to its end.
    pub(super) fn open(setting: Setting, at: Option<EventTime>) -> Result<Self, Fault> {
        let Setting { means, journal, door, times, limits, profile, snapshots } = setting;
        let Means { keys, bundle, bundle_files, tables: _ } = means;
        let token_keys = keys.token_keys();
        let dir: Option<PathBuf> = journal.as_ref().map(|(dir, ..)| dir.clone());
        let assembled = assemble(Assembly {
            bundle,
            bundle_files: &bundle_files,
            keys: &keys,
            journal,
            door,
            times,
            limits,
            profile,
            pace: Pace::Unhurried,
        });
        let (pipeline, recovered) = assembled.map_err(fault)?;
        let keeper = match &dir {
            Some(dir) => keep_snapshots(dir, snapshots, &pipeline, &recovered)
                .map_err(Fault::file("a thread"))?,
            None => None,
        };
        Ok(Self { pipeline, keeper, keys: token_keys, sent: 0, at })
    }

    pub(super) fn keys(&self) -> &TokenKeys {
        &self.keys
    }

    pub(super) fn bundle(&self) -> &Arc<Bundle> {
        self.pipeline.engine().bundle()
    }

    pub(super) fn now(&self) -> EventTime {
        let at = self.at.unwrap_or_else(now);
        at.max(self.pipeline.engine().last_received_at().unwrap_or(EventTime::MIN))
    }

    pub(super) fn send(&mut self, control: Control) -> Result<Seq, Fault> {
        let sent = self.pipeline.control(control, self.now(), &self.keys);
        let seq = sent.map_err(|error| match error {
            ControlError::Refused(refusal) => Fault::Wrong(refusal.to_string()),
            ControlError::Journal(error) => Fault::Journal(error),
        })?;
        self.sent += 1;
        if self.sent.is_multiple_of(GROUP) {
            self.pipeline.flush()?;
        }
        Ok(seq)
    }

    pub(super) fn finish(mut self) -> Result<(), Fault> {
        self.pipeline.flush()?;
        if let Some(keeper) = self.keeper {
            keeper.finish(self.pipeline.engine_mut());
        }
        Ok(self.pipeline.close()?)
    }
}

fn fault(error: AssembleError) -> Fault {
    match error {
        AssembleError::Journal(error @ JournalError::Locked { .. }) => Fault::Wrong(format!(
            "{error}\nIf it is the service: give it an [admin] socket, and this command its --config"
        )),
        AssembleError::Journal(error) => Fault::Journal(error),
        error @ AssembleError::Plan(_) => Fault::Wrong(error.to_string()),
    }
}
