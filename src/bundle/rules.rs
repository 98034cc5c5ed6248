//! `rules:` of a file: which condition, when and for whom, what follows, and its cases.

use super::cases::{self, Case};
use super::desk::{Constants, Desk};
use super::effect::{ReasonTable, effect};
use super::fault::{At, Report, shown};
use super::read::{Fields, Text};
use super::yaml::{Node, Shape};
use crate::domain::{Effect, EventTime, Kind, Service};
use crate::lang::{Expected, Program};

/// Most rules of a bundle.
pub(super) const RULES_MAX: usize = 20_000;

/// A rule as its file says it.
pub(super) struct RawRule {
    pub(super) id: String,
    pub(super) at: At,
    pub(super) name: String,
    pub(super) when: Program,
    pub(super) effect: Effect,
    pub(super) scope: Scope,
    pub(super) cases: Vec<Case>,
}

/// When and for whom a rule speaks.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) mode: RawMode,
    /// Services it speaks to; all when empty.
    pub(super) services: Vec<Service>,
    /// Kinds of event it speaks to; all when empty.
    pub(super) kinds: Vec<Kind>,
    /// Most declines a minute.
    pub(super) guard: Option<u32>,
    pub(super) require_warm: bool,
    pub(super) valid_from: Option<EventTime>,
    pub(super) valid_until: Option<EventTime>,
}

impl Scope {
    /// Reads the keys of a rule, a table or a scorecard.
    pub(super) fn read(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Self> {
        let mode = match fields.get("mode") {
            Some(node) => mode(node, report),
            None => Some(RawMode::Live),
        };
        let known: Vec<_> = Service::ALL.iter().map(|service| (service.name(), *service)).collect();
        let services = fields.words("services", &known, report);
        let known: Vec<_> = Kind::ALL.iter().map(|kind| (kind.name(), *kind)).collect();
        let kinds = fields.words("kinds", &known, report);
        let guard = fields.get("guard").and_then(|node| super::guards::of_rule(node, report));
        let require = fields.word("require", &[("warm", ())], report);
        let valid_from = moment(fields, "valid_from", report);
        let valid_until = moment(fields, "valid_until", report);
        if let (Some(from), Some(until)) = (valid_from, valid_until)
            && from >= until
        {
            report.fault(fields.at, "`valid_from` must be before `valid_until`");
        }
        let require_warm = require.is_some();
        Some(Self { mode: mode?, services, kinds, guard, require_warm, valid_from, valid_until })
    }
}

/// How a rule takes part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RawMode {
    Live,
    Shadow,
    /// Of this many hundredths of a percent of the subjects.
    Canary(u16),
    Off,
}

/// Reads the rules of one file. The desk's schema is the bundle's whole one.
pub(super) fn read(
    items: &[Node],
    constants: &Constants,
    desk: &Desk<'_>,
    reasons: &mut ReasonTable,
    report: &mut Report<'_>,
) -> Vec<RawRule> {
    items.iter().filter_map(|node| rule(node, constants, desk, reasons, report)).collect()
}

/// Reads every key even after a fault, so that all faults of a rule are found at once.
fn rule(
    node: &Node,
    constants: &Constants,
    desk: &Desk<'_>,
    reasons: &mut ReasonTable,
    report: &mut Report<'_>,
) -> Option<RawRule> {
    let mut fields = Fields::of(node, "a rule", report)?;
    let id = fields.need_text("id", report).filter(|id| id_is_fine(*id, report));
    let name = fields.need_text("name", report);
    let when = fields.need_text("when", report);
    let when = when.and_then(|text| desk.compile(text, Expected::Condition, constants, report));
    let reason = fields.need("reason", report).and_then(|node| reasons.read(node, report));
    let effect = fields
        .need("then", report)
        .and_then(|node| effect(node, reason.unwrap_or_default(), report));
    let scope = Scope::read(&mut fields, report);
    let cases = cases::read(fields.list("cases"), desk, constants, report);
    fields.finish(report);
    reason?;
    Some(RawRule {
        id: id?.text.to_owned(),
        at: node.at,
        name: name?.text.to_owned(),
        when: when?,
        effect: effect?,
        scope: scope?,
        cases,
    })
}

/// An id is what reports, journals and commands name a rule by.
pub(super) fn id_is_fine(id: Text<'_>, report: &mut Report<'_>) -> bool {
    let fine = (1..=32).contains(&id.text.len())
        && id.text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    if !fine {
        let shown = shown(id.text);
        report.fault(id.at, format!("id `{shown}` must be 1 to 32 of A-Z, a-z, 0-9, `_-.`"));
    }
    fine
}

/// `live`, `shadow`, `off`, `canary 5%` or `{canary: 5%}`.
fn mode(node: &Node, report: &mut Report<'_>) -> Option<RawMode> {
    let share = match &node.shape {
        Shape::Map(_) => {
            let mut fields = Fields::of(node, "`mode`", report)?;
            let share = fields.need_text("canary", report);
            fields.finish(report);
            share?.text
        }
        _ => {
            let text = super::read::text(node, report)?;
            match (text.text, text.text.strip_prefix("canary ")) {
                ("live", _) => return Some(RawMode::Live),
                ("shadow", _) => return Some(RawMode::Shadow),
                ("off", _) => return Some(RawMode::Off),
                (_, Some(share)) => share,
                (other, None) => {
                    let names = ["live", "shadow", "off", "canary 5%"];
                    report.unknown(text.at, "mode", other, names);
                    return None;
                }
            }
        }
    };
    let parsed = basis_points(share);
    if parsed.is_none() {
        report.fault(node.at, "a canary's share is above 0% and below 100%, such as 5% or 0.25%");
    }
    parsed.map(RawMode::Canary)
}

/// `5%`, `0.25%` as hundredths of a percent.
pub(super) fn basis_points(share: &str) -> Option<u16> {
    let number = share.trim().strip_suffix('%')?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() > 2 || part.len() > 2 {
        return None;
    }
    let tenfold = if part.len() == 1 { 10 } else { 1 };
    let points = whole.parse::<u16>().ok()? * 100 + part.parse::<u16>().ok()? * tenfold;
    (points > 0).then_some(points)
}

fn moment(
    fields: &mut Fields<'_>,
    name: &'static str,
    report: &mut Report<'_>,
) -> Option<EventTime> {
    let text = fields.text(name, report)?;
    let time = EventTime::parse_rfc3339(text.text).ok();
    if time.is_none() {
        report
            .fault(text.at, format!("`{name}` must be a moment such as 2026-11-23T00:00:00+08:00"));
    }
    time
}

#[cfg(test)]
mod tests {
    use super::basis_points;

    /// A canary that reaches everyone by a slip of the pen is no canary.
    #[test]
    fn a_share_is_exact() {
        for (text, expected) in [
            ("5%", Some(500)),
            ("0.25%", Some(25)),
            ("12.5%", Some(1_250)),
            ("99.99%", Some(9_999)),
            ("100%", None),
            ("0%", None),
            ("5", None),
            ("-1%", None),
            ("1.234%", None),
            ("%", None),
        ] {
            assert_eq!(basis_points(text), expected, "{text}");
        }
    }
}
