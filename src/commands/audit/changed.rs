//! A person's change as a line shows it: what, who, why; of a list's entries only how many.

use super::line::{Json, Map};
use crate::domain::{Control, Ground, Provenance, RuleDiff};

/// What was changed, by name.
pub(super) fn changed(control: &Control) -> Map {
    let mut map = Map::default();
    let mut text = |name: &str, value: &str| {
        if !value.is_empty() {
            map.push(name, Json::Text(value.to_owned()));
        }
    };
    text("change", control.name());
    match control {
        Control::ListAdd(addition) => {
            text("list", &addition.list);
            text("entries", &addition.entries.len().to_string());
            provenance(&addition.provenance, text);
        }
        Control::ListRemove(removal) => {
            text("list", &removal.list);
            text("entries", &removal.tokens.len().to_string());
            provenance(&removal.provenance, text);
        }
        Control::Propose(proposal) => {
            text("bundle", &hex(&proposal.bundle));
            text("proposer", &proposal.proposer);
            diff(&proposal.diff, text);
        }
        Control::Activate(activation) => {
            text("bundle", &hex(&activation.bundle));
            text("before", &hex(&activation.before));
            match &activation.ground {
                Ground::Approved { proposer, approver, signature } => {
                    text("proposer", proposer);
                    text("approver", approver);
                    text("signed", if signature.is_some() { "yes" } else { "" });
                }
                Ground::RolledBack { by } => text("rolled_back_by", by),
            }
            diff(&activation.diff, text);
        }
        Control::Guard(trip) => {
            text("measure", trip.measure.name());
            text("about", trip.about.as_deref().unwrap_or("the whole bundle"));
            text("rules", &trip.rules.join(" "));
            text("found", &trip.found.to_string());
            text("limit", &trip.limit.to_string());
        }
        Control::SwitchOff(off) => {
            text("rule", &off.rule);
            text("by", &off.by);
            text("reason", &off.reason);
        }
    }
    map
}

fn provenance(provenance: &Provenance, mut text: impl FnMut(&str, &str)) {
    let sources: Vec<_> = provenance.sources.iter().map(|source| source.name()).collect();
    text("sources", &sources.join(" "));
    text("reason", &provenance.reason);
    text("creator", &provenance.creator);
    text("approver", &provenance.approver);
    text("appeal", &provenance.appeal);
    text("legal_basis", &provenance.legal_basis);
    text("batch", &provenance.batch.to_string());
}

fn diff(diff: &RuleDiff, mut text: impl FnMut(&str, &str)) {
    text("added", &diff.added.join(" "));
    text("removed", &diff.removed.join(" "));
    text("changed", &diff.changed.join(" "));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
