//! Lists that change: what was read is proposed, in parts of bounded size, and another person approves
//! it.

use std::io::Write as _;

use super::{Add, Approve, Import, Remove, Wait, Why, sheet, values};
use crate::commands::control::Way;
use crate::commands::report::{Fault, Progress, counted};
use crate::domain::{
    Control, EntityKind, EventTime, ListAddition, ListEntry, ListRemoval, Provenance,
};
use crate::edges::admin::{Haste, Request, WaitingText};
use crate::edges::list_proposals::ListAct;
use crate::engine::ENTRIES_MAX;

/// Digits of a change's name that tell it apart.
const SHORT: usize = 12;

/// Puts typed values on a list.
pub(super) fn add(add: &Add) -> Result<(), Fault> {
    let mut way = add.at.open()?;
    let kind = way.list_kind(&add.list)?;
    let provenance = add.why.provenance(&way.person(), way.batch())?;
    let tokens = values::read(kind, values::parts, &mut |value| way.tokens(kind, value))?;
    let entry = |token| ListEntry { token, expires_at: add.expires };
    let mut entries: Vec<ListEntry> = tokens.into_iter().map(entry).collect();
    entries.sort_by_key(|entry| *entry.token.as_bytes());
    put(way, (&add.list, kind), &entries, (&provenance, haste(add.emergency)))
}

/// Takes typed values from a list.
pub(super) fn remove(remove: &Remove) -> Result<(), Fault> {
    let mut way = remove.at.open()?;
    let (list, kind) = (&remove.list, way.list_kind(&remove.list)?);
    let provenance = remove.why.provenance(&way.person(), way.batch())?;
    let tokens = values::read(kind, values::parts, &mut |value| way.tokens(kind, value))?;
    for part in tokens.chunks(ENTRIES_MAX) {
        let removal = ListRemoval {
            list: list.clone(),
            kind,
            tokens: part.to_vec(),
            provenance: provenance.clone(),
        };
        way.list_part(Control::ListRemove(removal), Haste::Waits)?;
    }
    let count = counted(tokens.len() as u64, "value");
    propose(way, provenance.batch, &format!("{list}: {count} to be removed"))
}

/// Puts a file's values on a list.
pub(super) fn import(import: &Import) -> Result<(), Fault> {
    let mut way = import.at.open()?;
    let kind = way.list_kind(&import.list)?;
    let provenance = import.why.provenance(&way.person(), way.batch())?;
    let entries =
        sheet::read(&import.file, (kind, import.expires), &mut |values| way.tokens(kind, values))?;
    put(way, (&import.list, kind), &entries, (&provenance, haste(import.emergency)))
}

/// Puts in force what another person has proposed.
pub(super) fn approve(approve: &Approve) -> Result<(), Fault> {
    let mut way = approve.at.open()?;
    let answer = way.ask(&Request::ListApprove {
        change: approve.change.clone(),
        signature: approve.signature.clone(),
        expires: approve.expires.clone(),
    })?;
    way.finish()?;
    for finding in &answer.findings {
        eprintln!("look at: {finding}");
    }
    let count = counted(answer.count.unwrap_or(0), "value");
    eprintln!("in force: {count}, input {}", answer.seq.unwrap_or(0));
    Ok(())
}

/// Shows what waits.
pub(super) fn waiting(wait: &Wait) -> Result<(), Fault> {
    let mut way = wait.at.open()?;
    let answer = way.ask(&Request::ListWaiting)?;
    way.finish()?;
    if wait.json {
        let text = sonic_rs::to_string(&answer.waiting).unwrap_or_default();
        return writeln!(std::io::stdout(), "{text}").map_err(Fault::file("standard output"));
    }
    for one in &answer.waiting {
        let WaitingText { change, list, act, count, creator, at, sources, reason, appeal, .. } =
            one;
        let what = match act {
            ListAct::Add => "onto",
            ListAct::Remove => "off",
        };
        let short = change.get(..SHORT).unwrap_or(change);
        let (count, sources) = (counted(*count, "value"), sources.join(", "));
        eprintln!(
            "{short}  {count} {what} {list}\n    by {creator}, {at}: {reason} [{sources}]; appeal: \
             {appeal}"
        );
    }
    if answer.waiting.is_empty() {
        eprintln!("nothing waits");
    }
    Ok(())
}

const fn haste(is_emergency: bool) -> Haste {
    if is_emergency { Haste::Emergency } else { Haste::Waits }
}

/// Sends entries, which stand in the order of their tokens: so each change touches few shards.
fn put(
    mut way: Way,
    (list, kind): (&str, EntityKind),
    entries: &[ListEntry],
    (provenance, haste): (&Provenance, Haste),
) -> Result<(), Fault> {
    let now: EventTime = way.now();
    if entries.iter().any(|entry| entry.expires_at <= now) {
        let message = "an entry would have ended already: give a later expiry";
        return Err(Fault::Wrong(message.to_owned()));
    }
    let mut progress = Progress::new("adding", entries.len() as u64);
    for (at, part) in entries.chunks(ENTRIES_MAX).enumerate() {
        let addition = ListAddition {
            list: list.to_owned(),
            kind,
            entries: part.to_vec(),
            provenance: provenance.clone(),
        };
        way.list_part(Control::ListAdd(addition), haste)?;
        progress.at((at * ENTRIES_MAX) as u64);
    }
    progress.clear();
    let count = counted(entries.len() as u64, "value");
    if haste == Haste::Waits {
        return propose(way, provenance.batch, &format!("{list}: {count} to be added"));
    }
    way.finish()?;
    eprintln!("{list}: {count} on it now, by you alone, until they end");
    Ok(())
}

/// The parts are all there: says how another person puts them in force.
fn propose(mut way: Way, batch: u64, done: &str) -> Result<(), Fault> {
    let answer = way.ask(&Request::ListPropose { batch })?;
    way.finish()?;
    let change = answer.change.unwrap_or_default();
    let short = change.get(..SHORT).unwrap_or(&change);
    for finding in &answer.findings {
        eprintln!("look at: {finding}");
    }
    eprintln!("{done}, as soon as another person agrees: tidegate lists approve {short}");
    if let Some(text) = answer.to_sign {
        eprint!("an approver's key signs this text, line ends included:\n{text}");
    }
    Ok(())
}

impl Why {
    /// What is told of a change; nobody has approved it yet.
    pub(super) fn provenance(&self, creator: &str, batch: u64) -> Result<Provenance, Fault> {
        // Its parser takes no word.
        debug_assert!(self.approver.is_none());
        let provenance = Provenance {
            sources: self.sources.clone(),
            reason: self.reason.clone(),
            creator: creator.to_owned(),
            approver: String::new(),
            appeal: self.appeal.clone(),
            legal_basis: self.legal_basis.clone(),
            batch,
        };
        provenance.check().map_err(|fault| Fault::Wrong(fault.to_string()))?;
        Ok(provenance)
    }
}
