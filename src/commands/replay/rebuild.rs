//! The state before a moment of the past: the one place that knows where it comes from.

use std::path::Path;
use std::sync::Arc;

use crate::bundle::Bundle;
use crate::commands::report::{Fault, Progress};
use crate::domain::Seq;
use crate::engine::{Engine, EngineLimits, count_again};
use crate::journal::{Item, Reader};

/// An engine under a bundle that has counted every input before `before` and nothing else.
///
/// Inputs are counted from the first one on, which costs as much as a restart does.
pub(in crate::commands) fn engine_before(
    journal: &Path,
    bundle: &Arc<Bundle>,
    limits: &EngineLimits,
    before: Seq,
) -> Result<Engine, Fault> {
    let mut engine = Engine::new(Arc::clone(bundle), limits).map_err(|faults| {
        let texts: Vec<_> =
            faults.iter().map(|fault| format!("{}: {}", fault.feature, fault.message)).collect();
        Fault::Wrong(format!("the bundle's features cannot be laid out: {}", texts.join("; ")))
    })?;
    if before <= engine.next_seq() {
        return Ok(engine);
    }
    let missing = || Fault::NoJournal(journal.to_owned());
    let mut reader = Reader::open(journal)?.ok_or_else(missing)?;
    let first = reader.next_seq();
    if first != engine.next_seq() {
        return Err(Fault::Wrong(format!(
            "{}: the journal begins with input {}; the state before it is not there any more",
            journal.display(),
            first.0
        )));
    }
    let mut progress = Progress::new("counting", before.0);
    while let Some(item) = reader.read()? {
        let Item::Entry(entry) = item else { continue };
        if entry.seq >= before {
            break;
        }
        count_again(&mut engine, entry);
        progress.at(entry.seq.0);
    }
    Ok(engine)
}
