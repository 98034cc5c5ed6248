//! What a backtest found, as one value: table, JSON, CSV and page are made from it.

use serde::Serialize;

use super::share::Share;
use crate::commands::lines::Refusals;

/// What a backtest found. Amounts are minor units of the base currency.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Report {
    /// The journal's directory, or the file of events.
    pub(super) history: String,
    /// Which part of it, in words.
    pub(super) range: String,
    /// The hash of the rules that are measured.
    pub(super) bundle: String,
    /// What they are compared with: a hash, `journal`, or nothing.
    pub(super) against: Option<String>,
    pub(super) currency: String,
    pub(super) decimals: u8,
    pub(super) truth: TruthReport,
    /// Inputs, or lines.
    pub(super) inputs: u64,
    /// Of those, before the range: they filled the windows.
    pub(super) before: u64,
    /// Lines rejected at the door.
    pub(super) rejected: u64,
    /// Lines that got no answer: these, and conflicts.
    #[serde(flatten)]
    pub(super) refusals: Refusals,
    /// The number of the journal's first input, when those before it are not kept any more.
    pub(super) begins_with: Option<u64>,
    /// Decisions that were measured.
    pub(super) decisions: u64,
    /// All decisions, by how they answered: `declined`, `stopped`, `flagged`.
    pub(super) answers: Vec<Measure>,
    /// Each rule by itself, in the order of the bundle.
    pub(super) rules: Vec<RuleReport>,
    /// Pairs of rules that held together, the most frequent first.
    pub(super) overlaps: Vec<Overlap>,
    /// Answers that differ between old and new, the most frequent first.
    pub(super) transitions: Vec<Transition>,
    pub(super) days: Vec<Slice>,
    pub(super) services: Vec<Slice>,
    /// What stopping from each score on would catch, the highest score first.
    pub(super) scores: Vec<Point>,
    /// Planted campaigns, when the truth file names them.
    pub(super) plants: Option<Plants>,
    /// Seconds of the walk through the history, reading included.
    pub(super) elapsed_s: f64,
}

/// What is known to be true.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct TruthReport {
    /// `labels of the history`, or the file.
    pub(super) source: String,
    /// `legitimate_unless_labelled`, `labelled_only` or `complete`.
    pub(super) assumption: &'static str,
    pub(super) fraud: u64,
    pub(super) fraud_amount: i64,
    /// Measured as legitimate.
    pub(super) legitimate: u64,
    /// Without a label.
    pub(super) unlabelled: u64,
    /// Labels of a file that speak of no decision in the range.
    pub(super) unmatched: u64,
}

/// Events that something picked, held against the truth.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Measure {
    pub(super) name: String,
    pub(super) hits: u64,
    pub(super) fraud: u64,
    pub(super) legitimate: u64,
    /// Of the picked, fraud.
    pub(super) precision: Share,
    /// Of the frauds, picked.
    pub(super) recall: Share,
    /// Of the legitimate, picked.
    pub(super) false_positive_rate: Share,
    /// Of the frauds that were picked.
    pub(super) amount_caught: i64,
}

/// One rule by itself.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct RuleReport {
    /// `live`, `shadow`, `canary`, `off`.
    pub(super) mode: &'static str,
    pub(super) title: String,
    /// Whether it asks for an answer or a person, or only weighs.
    pub(super) acts: bool,
    #[serde(flatten)]
    pub(super) measure: Measure,
    /// Frauds that no other rule which acts holds on.
    pub(super) unique_fraud: u64,
    /// Hits by day, in the order of `days`.
    pub(super) by_day: Vec<u64>,
}

/// Two rules that held on the same events.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Overlap {
    pub(super) one: String,
    pub(super) other: String,
    pub(super) hits: u64,
}

/// Decisions whose answer differs.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Transition {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) decisions: u64,
    pub(super) fraud: u64,
    pub(super) legitimate: u64,
    pub(super) is_stricter: bool,
}

/// Decisions of one day or service.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Slice {
    pub(super) decisions: u64,
    /// Those that were stopped or put before a person.
    #[serde(flatten)]
    pub(super) flagged: Measure,
    pub(super) stopped: u64,
    /// Decisions whose answer differs from the old one.
    pub(super) changed: u64,
}

/// Everything from one score on.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Point {
    pub(super) score: u16,
    pub(super) fraud: u64,
    pub(super) legitimate: u64,
    pub(super) precision: f64,
    pub(super) recall: f64,
    pub(super) false_positive_rate: f64,
}

/// Planted campaigns and what came of them.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Plants {
    pub(super) typologies: Vec<Typology>,
    /// Attacks at or above their threshold: flagged of planted.
    pub(super) attacks_at_or_above: Share,
    /// Attacks below it.
    pub(super) attacks_below: Share,
    /// Events without a plant that move money: stopped of all.
    pub(super) clean_stopped: Share,
    /// Of the same, passed and put before a person.
    pub(super) clean_reviewed: Share,
}

/// Campaigns of one typology.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Typology {
    pub(super) typology: String,
    pub(super) variant: String,
    /// Somebody is being robbed; else a fault of equipment or a mere circumstance.
    pub(super) is_attack: bool,
    /// Intensity below the threshold.
    pub(super) below: Band,
    /// From the threshold to a fifth above it.
    pub(super) at: Band,
    /// Beyond.
    pub(super) above: Band,
}

/// Campaigns of one intensity.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub(super) struct Band {
    pub(super) planted: u64,
    /// An event of it was challenged, declined or put before a person.
    pub(super) flagged: u64,
    /// An event of it was challenged or declined.
    pub(super) stopped: u64,
    /// A rule of the typology's own held on an event of it.
    pub(super) own_rule: u64,
}
