//! Guards as a bundle declares them: `guard:` of a rule, `guards:` of the policy.

use super::fault::Report;
use super::read::Fields;
use super::yaml::Node;

/// Most declines a minute that a limit may name.
const LIMIT_MAX: i64 = 1_000_000;
/// A canary that moves the share of declines by more than this, in hundredths of a percent, rolls
/// itself back where the policy names no other.
const SHIFT_BP: u32 = 500;

/// The limits of a bundle.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Guards {
    /// Declines a minute of all rules.
    pub whole: Option<u32>,
    /// Declines a minute of each rule, by its index.
    pub rules: Vec<Option<u32>>,
    /// By how much a canary may move the share of declines, in hundredths of a percent.
    pub canary_shift_bp: u32,
    /// Whether a rule is a canary.
    pub has_canary: bool,
}

impl Guards {
    /// Whether there is anything to watch.
    pub fn is_any(&self) -> bool {
        self.whole.is_some() || self.has_canary || self.rules.iter().any(Option::is_some)
    }
}

/// `guard: {declines_per_minute: 30}`.
pub(super) fn of_rule(node: &Node, report: &mut Report<'_>) -> Option<u32> {
    let mut fields = Fields::of(node, "`guard`", report)?;
    let limit = limit(&mut fields, report);
    fields.finish(report);
    limit
}

/// `guards: {declines_per_minute: 300, canary_shift: 2%}` of `policy.yaml`.
pub(super) fn of_policy(node: Option<&Node>, report: &mut Report<'_>) -> Guards {
    let mut guards = Guards { canary_shift_bp: SHIFT_BP, ..Guards::default() };
    let Some(node) = node else { return guards };
    let Some(mut fields) = Fields::of(node, "`guards`", report) else { return guards };
    if fields.get("declines_per_minute").is_some() {
        guards.whole = limit(&mut fields, report);
    }
    if let Some(text) = fields.text("canary_shift", report) {
        match super::rules::basis_points(text.text) {
            Some(points) => guards.canary_shift_bp = u32::from(points),
            None => report.fault(text.at, "a share above 0% and below 100%, such as 2% or 0.5%"),
        }
    }
    fields.finish(report);
    guards
}

fn limit(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<u32> {
    let node = fields.need("declines_per_minute", report)?;
    let number = super::read::int(node, "declines_per_minute", 1..=LIMIT_MAX, report)?;
    // Within a million by the check.
    Some(number as u32)
}
