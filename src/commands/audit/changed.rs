//! A person's change as a line shows it: what, who, why; of a list's entries only how many.

use super::line::{Json, Map};
use crate::commands::report::counted;
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
        Control::Upgrade(upgrade) => {
            text("from", &upgrade.from.to_string());
            text("to", &upgrade.to.to_string());
            text("snapshot", &upgrade.snapshot.map_or(String::new(), |next| next.0.to_string()));
        }
        Control::LookUp(asked) => {
            text("by", &asked.by);
            text("kind", asked.kind.name());
            text("values", &asked.count.to_string());
            text("reason", &asked.reason);
        }
        Control::SwitchOff(off) => {
            text("rule", &off.rule);
            text("by", &off.by);
            text("reason", &off.reason);
        }
    }
    map
}

/// The same in a few words.
pub(super) fn told(control: &Control) -> String {
    let by = |why: &Provenance| match why.approver.as_str() {
        "" => format!("by {} alone, in an emergency: {}", why.creator, why.reason),
        approver => format!("by {} and {approver}: {}", why.creator, why.reason),
    };
    let short = |digest: &[u8]| format!("sha256:{}", &hex(digest)[..12]);
    match control {
        Control::ListAdd(addition) => {
            let count = counted(addition.entries.len() as u64, "value");
            format!("{count} onto {} {}", addition.list, by(&addition.provenance))
        }
        Control::ListRemove(removal) => {
            let count = counted(removal.tokens.len() as u64, "value");
            format!("{count} off {} {}", removal.list, by(&removal.provenance))
        }
        Control::Propose(proposal) => {
            format!("{} by {}", short(&proposal.bundle), proposal.proposer)
        }
        Control::Activate(activation) => {
            let bundle = short(&activation.bundle);
            match &activation.ground {
                Ground::Approved { proposer, approver, .. } => {
                    format!("{bundle} proposed by {proposer}, approved by {approver}")
                }
                Ground::RolledBack { by } => format!("{bundle} again, by {by}"),
            }
        }
        Control::Guard(trip) => {
            let about = trip.about.as_deref().unwrap_or("the whole bundle");
            format!("{} {about}: {} found, {} allowed", trip.measure.name(), trip.found, trip.limit)
        }
        Control::Upgrade(upgrade) => {
            format!("engine semantics {} go on from {}", upgrade.to, upgrade.from)
        }
        Control::LookUp(asked) => {
            let count = counted(u64::from(asked.count), "value");
            format!("{count} of kind {} by {}: {}", asked.kind.name(), asked.by, asked.reason)
        }
        Control::SwitchOff(off) => format!("{} by {}: {}", off.rule, off.by, off.reason),
    }
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

#[cfg(test)]
mod tests {
    use super::told;
    use crate::domain::{Activation, Control, Ground, RuleDiff, SwitchedOff};

    /// Who reads the tail sees what was changed by whom without asking for JSON.
    #[test]
    fn a_change_is_told_in_a_few_words() {
        let (rule, by, reason) = ("K1".to_owned(), "zhao".to_owned(), "a whole bank".to_owned());
        let off = told(&Control::SwitchOff(SwitchedOff { rule, by, reason }));
        assert_eq!(off, "K1 by zhao: a whole bank");
        let ground = Ground::RolledBack { by: "zhao".to_owned() };
        let (bundle, before, diff) = ([0xab; 32], [0; 32], RuleDiff::default());
        let back = told(&Control::Activate(Activation { bundle, before, ground, diff }));
        assert_eq!(back, "sha256:abababababab again, by zhao");
    }
}
