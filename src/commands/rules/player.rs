//! Plays events through the engine in memory, so that an expression or a case sees the row that a
//! rule would see.

use crate::commands::assemble::{Assembly, assemble};
use crate::commands::prepare::Means;
use crate::domain::{Applied, EntityKind, EventTime, FeatureVector};
use crate::edges::machine::Machine;
use crate::engine::{EngineLimits, Intent, Outcome, Pace, Pipeline};
use crate::stages::decode::{Door, TimeLimits};
use crate::stages::enrich::TokenKeys;
use crate::stages::features::StateLimits;
use crate::stages::mask::Profile;

/// More than any case or file of events that a person looks at.
const KEYS_MAX: u32 = 4_096;

/// An engine that has seen nothing, without a journal.
pub(super) struct Player<'m> {
    means: &'m Means,
    keys: TokenKeys,
    pipeline: Pipeline<Machine>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Played {
    /// It was decided: there is a row.
    Decided,
    /// It was counted, or amended one that was: there is none.
    Counted,
}

impl<'m> Player<'m> {
    pub(super) fn new(means: &'m Means) -> Result<Self, String> {
        let limits = EngineLimits {
            state: StateLimits {
                keys: [KEYS_MAX; EntityKind::COUNT],
                devices: KEYS_MAX,
                ..StateLimits::default()
            },
            recent_events: KEYS_MAX,
            parked_amendments: KEYS_MAX,
            ..EngineLimits::default()
        };
        let assembly = Assembly {
            bundle: means.bundle.clone(),
            bundle_files: &means.bundle_files,
            keys: &means.keys,
            journal: None,
            door: Door::default(),
            times: TimeLimits::default(),
            limits,
            profile: Profile::shipped("default").expect("the default profile is shipped"),
            pace: Pace::Unhurried,
        };
        let (pipeline, _) = assemble(assembly).map_err(|error| error.to_string())?;
        Ok(Self { means, keys: means.keys.token_keys(), pipeline })
    }

    /// Plays one event, outcome or label in JSON; the error says why it does not pass the door.
    pub(super) fn play(&mut self, json: &[u8]) -> Result<Played, String> {
        let tables = self.means.tables.current();
        let arrival: (Option<EventTime>, _) = (None, None);
        let step = self.pipeline.process(json, arrival, Intent::Decide, (&tables, &self.keys));
        match step.map_err(|error| error.to_string())?.outcome {
            Outcome::Rejected(reject) => Err(reject.to_string()),
            Outcome::Applied(Applied::Decided { .. }) => Ok(Played::Decided),
            Outcome::Applied(Applied::Repeated { .. } | Applied::Conflict { .. }) => {
                Err("its `event_id` was played before; give it one of its own".into())
            }
            Outcome::Applied(_) => Ok(Played::Counted),
        }
    }

    /// The row of the last decided event.
    pub(super) fn row(&self) -> &FeatureVector {
        self.pipeline.engine().row()
    }
}
