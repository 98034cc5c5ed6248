//! Lists that change: what was read becomes changes of bounded size, each an input.

use super::{Add, Import, Remove, sheet, values};
use crate::commands::control::Way;
use crate::commands::report::{Fault, Progress, counted};
use crate::domain::{
    Control, EntityKind, EventTime, ListAddition, ListEntry, ListRemoval, Provenance,
};
use crate::engine::ENTRIES_MAX;

/// Puts typed values on a list.
pub(super) fn add(add: &Add) -> Result<(), Fault> {
    let mut way = add.at.open()?;
    let kind = way.list_kind(&add.list)?;
    let provenance = add.why.provenance(&way.person(), way.batch())?;
    let tokens = values::read(kind, &mut |value| way.tokens(kind, value))?;
    let entry = |token| ListEntry { token, expires_at: add.expires };
    let mut entries: Vec<ListEntry> = tokens.into_iter().map(entry).collect();
    entries.sort_by_key(|entry| *entry.token.as_bytes());
    put(way, (&add.list, kind), &entries, &provenance)
}

/// Takes typed values from a list.
pub(super) fn remove(remove: &Remove) -> Result<(), Fault> {
    let mut way = remove.at.open()?;
    let (list, kind) = (&remove.list, way.list_kind(&remove.list)?);
    let provenance = remove.why.provenance(&way.person(), way.batch())?;
    let tokens = values::read(kind, &mut |value| way.tokens(kind, value))?;
    for part in tokens.chunks(ENTRIES_MAX) {
        way.send(Control::ListRemove(ListRemoval {
            list: list.clone(),
            kind,
            tokens: part.to_vec(),
            provenance: provenance.clone(),
        }))?;
    }
    way.finish()?;
    eprintln!("{list}: {} removed", counted(tokens.len() as u64, "value"));
    Ok(())
}

/// Puts a file's values on a list.
pub(super) fn import(import: &Import) -> Result<(), Fault> {
    let mut way = import.at.open()?;
    let kind = way.list_kind(&import.list)?;
    let provenance = import.why.provenance(&way.person(), way.batch())?;
    let entries =
        sheet::read(&import.file, import.expires, &mut |values| way.tokens(kind, values))?;
    put(way, (&import.list, kind), &entries, &provenance)
}

/// Sends entries, which stand in the order of their tokens: so each change touches few shards.
fn put(
    mut way: Way,
    (list, kind): (&str, EntityKind),
    entries: &[ListEntry],
    provenance: &Provenance,
) -> Result<(), Fault> {
    let now: EventTime = way.now();
    if entries.iter().any(|entry| entry.expires_at <= now) {
        let message = "an entry would have ended already: give a later expiry";
        return Err(Fault::Wrong(message.to_owned()));
    }
    let mut progress = Progress::new("adding", entries.len() as u64);
    for (at, part) in entries.chunks(ENTRIES_MAX).enumerate() {
        way.send(Control::ListAdd(ListAddition {
            list: list.to_owned(),
            kind,
            entries: part.to_vec(),
            provenance: provenance.clone(),
        }))?;
        progress.at((at * ENTRIES_MAX) as u64);
    }
    progress.clear();
    way.finish()?;
    eprintln!("{list}: {} on it now", counted(entries.len() as u64, "value"));
    Ok(())
}
