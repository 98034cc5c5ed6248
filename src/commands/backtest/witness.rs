//! Who says what is true of an event: a file that was read before, or the labels of the history as
//! they come.

use std::collections::HashMap;

use super::history::Sight;
use super::labels::Labels;
use crate::domain::{Standing, Token, Truth};

/// Where truth comes from.
pub(in crate::commands) enum Witness<'a> {
    /// A file that was read before: only it counts.
    File {
        /// What it says.
        labels: &'a Labels,
        /// How many of its events were met.
        matched: u64,
    },
    /// The labels of the history, as they come.
    Inputs {
        /// The row of each event.
        rows: HashMap<Token, u32>,
        /// How the label that holds of an event stands against others.
        standings: HashMap<Token, Standing>,
        /// Labels that came before their event.
        early: HashMap<Token, Truth>,
    },
}

impl<'a> Witness<'a> {
    /// A file of labels if there is one, else the history's own.
    pub(in crate::commands) fn of(labels: Option<&'a Labels>) -> Self {
        match labels {
            Some(labels) => Self::File { labels, matched: 0 },
            None => Self::Inputs {
                rows: HashMap::new(),
                standings: HashMap::new(),
                early: HashMap::new(),
            },
        }
    }

    /// What is known by now of a decision that becomes a row of this number, and its campaign:
    /// an index into [`Labels::campaigns`], `u32::MAX` for none.
    pub(in crate::commands) fn truth(
        &mut self,
        sight: &Sight<'_>,
        row: u32,
    ) -> (Option<Truth>, u32) {
        match self {
            Self::File { labels, matched } => match labels.get(sight.event_id) {
                Some(known) => {
                    *matched += 1;
                    (Some(known.truth), known.campaign.unwrap_or(u32::MAX))
                }
                None => (labels.is_complete.then_some(Truth::Legitimate), u32::MAX),
            },
            Self::Inputs { rows, early, .. } => {
                rows.insert(sight.event, row);
                (early.remove(&sight.event), u32::MAX)
            }
        }
    }

    /// Takes a label of the history: the row that it speaks of, if it counts and is known. What was
    /// learned last by its own time holds.
    pub(in crate::commands) fn labelled(
        &mut self,
        target: Token,
        truth: Truth,
        standing: Standing,
    ) -> Option<u32> {
        let Self::Inputs { rows, standings, early } = self else { return None };
        let held = standings.entry(target).or_default();
        if standing < *held {
            return None;
        }
        *held = standing;
        let row = rows.get(&target).copied();
        if row.is_none() {
            early.insert(target, truth);
        }
        row
    }

    /// Whether labels of the history count.
    pub(in crate::commands) const fn listens(&self) -> bool {
        matches!(self, Self::Inputs { .. })
    }

    /// Labels of a file that spoke of no decision.
    pub(in crate::commands) fn unmatched(&self) -> u64 {
        match self {
            Self::File { labels, matched } => (labels.len() as u64).saturating_sub(*matched),
            Self::Inputs { .. } => 0,
        }
    }
}
