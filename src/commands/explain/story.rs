//! The story as one value: terminal, JSON and page are made from it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::commands::audit::line::Line;
use crate::commands::replay::Begun;

/// One decision's whole story.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Story {
    pub(super) event_id: String,
    pub(super) seq: u64,
    /// Deciding it again gave the same body and the same rules.
    pub(super) reproduced: bool,
    /// What was decided; absent for history that was only counted.
    pub(super) decision: Option<Decision>,
    pub(super) rules: Rules,
    pub(super) features: Vec<Feature>,
    pub(super) facts: Vec<NamedValue>,
    /// The events that features speak of, by number.
    pub(super) events: BTreeMap<u64, PastEvent>,
    /// Outcomes and labels that came for it.
    pub(super) later: Vec<Later>,
    pub(super) versions: Versions,
    /// Where the state before the event came from.
    pub(super) begun: Begun,
    /// The whole record, as `audit tail` shows it.
    pub(super) record: Line,
}

/// The answer and how it came about.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Decision {
    pub(super) action: &'static str,
    pub(super) follow_ups: Vec<&'static str>,
    pub(super) plan: &'static str,
    pub(super) reasons: Vec<Reason>,
    pub(super) risk_verification: &'static str,
    pub(super) flags: Vec<&'static str>,
    pub(super) missing_tables: Vec<&'static str>,
    pub(super) arithmetic: Arithmetic,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Reason {
    pub(super) code: String,
    pub(super) text: String,
}

/// From points to score to band.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Arithmetic {
    /// Points of each rule that fired, in the order of the rules.
    pub(super) rules: Vec<Points>,
    /// What the policy added: incomplete verification, or the fallback.
    pub(super) policy: i32,
    pub(super) sum: i32,
    /// The sum, cut to 0 to 1000.
    pub(super) score: u16,
    /// The band's number, from the mildest, and what the policy calls it.
    pub(super) band: u8,
    pub(super) band_name: String,
    /// The scores of the band, and what it asks for.
    pub(super) band_from: u16,
    pub(super) band_to: u16,
    pub(super) band_asks: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Points {
    pub(super) rule: String,
    pub(super) points: i32,
}

/// What the rules said, by how loud.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Rules {
    pub(super) fired: Vec<Rule>,
    /// Held, and took no effect: shadows, and canaries of other subjects.
    pub(super) shadow: Vec<Rule>,
    /// Lacked one number alone, and not by far; the nearest first.
    pub(super) near: Vec<Rule>,
    pub(super) undetermined: Vec<Rule>,
    /// Not asked: a window of theirs was warming.
    pub(super) warming: Vec<String>,
    /// Not asked: off, not valid then, or the plan had no time.
    pub(super) not_asked: u64,
    /// Did not hold.
    pub(super) silent: u64,
}

/// One rule and what it looked at.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) name: String,
    /// File and line in the bundle.
    pub(super) place: String,
    pub(super) reason: String,
    /// What it asks for when it fires.
    pub(super) asks: String,
    pub(super) points: i32,
    /// Why it is told of, when it did not fire.
    pub(super) why: Option<String>,
    /// For a near one: how far the number that it lacked is from its threshold, as a share of that.
    pub(super) distance: Option<f64>,
    /// Columns without a value that left it open.
    pub(super) missing: Vec<String>,
    /// Its condition, part by part; of a near one the comparison that it lacked.
    pub(super) parts: Vec<Part>,
    /// The columns that it reads.
    #[serde(skip)]
    pub(super) reads: Vec<String>,
}

/// A part of a condition.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Part {
    /// How deep it stands; conditions that all must hold stand at 0.
    pub(super) depth: usize,
    pub(super) text: String,
    pub(super) value: String,
    /// For a condition: whether it holds; absent for a value.
    pub(super) holds: Option<&'static str>,
}

/// A column's value.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Feature {
    pub(super) name: String,
    pub(super) meaning: String,
    pub(super) value: Option<String>,
    /// Taken from panes, not from single events.
    pub(super) approximate: bool,
    /// Amounts of its window have no rate and are not in it.
    pub(super) incomplete: bool,
    /// Its window was not filled yet.
    pub(super) warming: bool,
    /// The window and its events, for an aggregate.
    pub(super) window: Option<Window>,
}

/// The window behind a value.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Window {
    /// Whose.
    pub(super) by: &'static str,
    pub(super) entity: Option<String>,
    /// `(after, until]` of `occurred_at`.
    pub(super) after: String,
    pub(super) until: String,
    /// The numbers of the events that were counted, oldest first.
    pub(super) events: Vec<u64>,
}

/// A fact.
#[derive(Clone, Debug, Serialize)]
pub(super) struct NamedValue {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) meaning: &'static str,
}

/// An event behind a value.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PastEvent {
    pub(super) seq: u64,
    pub(super) occurred_at: String,
    pub(super) event_id: String,
    pub(super) kind: String,
    /// The amount in the bundle's base currency, as people write it.
    pub(super) amount: Option<String>,
    pub(super) amount_minor: Option<i64>,
    pub(super) amount_base: Option<i64>,
    pub(super) currency: Option<String>,
    pub(super) action: Option<&'static str>,
}

/// What became known later.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Later {
    pub(super) seq: u64,
    /// When it happened or was learned, which decides what holds.
    pub(super) occurred_at: String,
    pub(super) received_at: String,
    pub(super) what: String,
    /// The input that says otherwise and is newer, or is believed further.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) superseded_by: Option<u64>,
}

/// What it was decided under, and where it came from.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Versions {
    pub(super) bundle: String,
    /// Of the engine that decided it.
    pub(super) engine_semantics: u32,
    /// Of this one.
    pub(super) engine_semantics_here: u32,
    pub(super) token_key: u16,
    pub(super) received_at: String,
    pub(super) occurred_at: String,
    pub(super) position: Option<Position>,
}

/// A place in Kafka.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Position {
    pub(super) topic: u16,
    pub(super) partition: i32,
    pub(super) offset: i64,
}
