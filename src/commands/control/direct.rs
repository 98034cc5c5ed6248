//! Changes straight into a journal that no service holds.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::assemble::{
    AssembleError, Assembled, Assembly, assemble_all, keep_snapshots, now,
};
use super::super::lines::Setting;
use super::super::prepare::Means;
use super::super::report::Fault;
use super::user;
use crate::bundle::Bundle;
use crate::commands::rules::try_cases;
use crate::domain::{Control, EventTime, Seq};
use crate::edges::admin::{Answer, Change, Haste, Office, People, Request, Role};
use crate::edges::machine::Machine;
use crate::edges::snapshots::Keeper;
use crate::engine::{Pace, Pipeline};
use crate::journal::JournalError;
use crate::stages::enrich::TokenKeys;

/// Changes that are flushed together.
const GROUP: u64 = 16;

/// A journal, opened as the service would.
pub(in crate::commands) struct Direct {
    pipeline: Pipeline<Machine>,
    keeper: Option<Keeper>,
    keys: TokenKeys,
    office: Office,
    sent: u64,
    /// When changes are made; the machine's time when nobody says.
    at: Option<EventTime>,
}

impl Direct {
    /// Takes the journal's lock and brings the engine to its end.
    pub(super) fn open(setting: Setting, at: Option<EventTime>) -> Result<Self, Fault> {
        let Setting { means, journal, door, times, limits, profile, snapshots, admin } = setting;
        let Means { keys, bundle, bundle_files, tables: _ } = means;
        let token_keys = keys.token_keys();
        let dir: PathBuf = journal.as_ref().map(|(dir, ..)| dir.clone()).unwrap_or_default();
        let assembled = assemble_all(Assembly {
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
        let Assembled { pipeline, recovered, files } = assembled.map_err(fault)?;
        if let Some(cut) = &recovered.cut {
            eprintln!("{cut}");
        }
        let keeper = keep_snapshots(&dir, snapshots, &pipeline, &recovered)
            .map_err(Fault::file("a thread"))?;
        let engine = pipeline.engine();
        let people = if admin.people.users.is_empty() { everything() } else { admin.people };
        let office = Office::new(people, &dir, engine.standing(), Arc::clone(engine.bundle()));
        let office = office.with_tries(try_cases).of_journal(recovered.journal);
        let office = office.with_lists(engine.lists());
        let stored = office.store().put_in_force(&engine.bundle().hash, &files);
        stored.map_err(|error| Fault::Wrong(error.to_string()))?;
        Ok(Self { pipeline, keeper, keys: token_keys, office, sent: 0, at })
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

    /// A part of a list's change.
    pub(in crate::commands) fn list_part(
        &mut self,
        part: Control,
        haste: Haste,
    ) -> Result<(), Fault> {
        self.with_office(|office, _, send| office.list_part(part, haste, &user(), send)).map(drop)
    }

    /// Does what a request asks for, in the name of the user.
    pub(in crate::commands) fn ask(&mut self, request: &Request) -> Result<Answer, Fault> {
        self.ask_as(request, &user())
    }

    /// As somebody: who this is, is for the system to say.
    pub(in crate::commands) fn ask_as(
        &mut self,
        request: &Request,
        person: &str,
    ) -> Result<Answer, Fault> {
        self.with_office(|office, now, send| {
            let answer = office.serve(request, (person, now), send);
            match answer.error {
                None => Ok(answer),
                Some(error) => Err(error),
            }
        })
    }

    fn with_office<T>(
        &mut self,
        ask: impl FnOnce(
            &Office,
            EventTime,
            &mut dyn FnMut(Change) -> Result<Seq, String>,
        ) -> Result<T, String>,
    ) -> Result<T, Fault> {
        let now = self.now();
        let Self { pipeline, keys, office, sent, .. } = self;
        let mut send = |change: Change| -> Result<Seq, String> {
            let made = match change {
                Change::Control(control) => pipeline.control(control, now, keys),
                Change::Activate(activation, prepared) => {
                    pipeline.activate(activation, *prepared, now, keys).map(|(seq, _)| seq)
                }
            };
            *sent += 1;
            if sent.is_multiple_of(GROUP) {
                pipeline.flush().map_err(|error| error.to_string())?;
            }
            made.map_err(|error| error.to_string())
        };
        ask(office, now, &mut send).map_err(Fault::Wrong)
    }

    pub(in crate::commands) fn finish(mut self) -> Result<(), Fault> {
        self.pipeline.flush()?;
        if let Some(keeper) = self.keeper {
            keeper.finish(self.pipeline.engine_mut());
        }
        Ok(self.pipeline.close()?)
    }
}

/// Who holds the journal's files and names nobody else may do everything, alone but for approvals.
fn everything() -> People {
    let roles = [Role::Analyst, Role::Approver, Role::Operator];
    People { users: roles.map(|role| (user(), role)).to_vec(), keys: Vec::new() }
}

fn fault(error: AssembleError) -> Fault {
    match error {
        AssembleError::Journal(error @ JournalError::Locked { .. }) => Fault::Wrong(format!(
            "{error}\nIf it is the service: give it an [admin] socket, and this command its --config"
        )),
        AssembleError::Journal(error) => Fault::Journal(error),
        error @ (AssembleError::Plan(_)
        | AssembleError::InForce { .. }
        | AssembleError::Rates(_)) => Fault::Wrong(error.to_string()),
    }
}
