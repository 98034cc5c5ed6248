//! The state before a moment of the past: the one place that knows where it comes from.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::bundle::Bundle;
use crate::commands::report::{Document, Fault, Progress, Tone, counted, grouped};
use crate::domain::{Control, Seq};
use crate::engine::{
    Engine, EngineLimits, PassedOver, SnapshotFault, Trail, Windows, count_again, restore_at,
};
use crate::journal::{Item, Reader};

/// What the state before a moment may be taken from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::commands) enum Origin {
    /// The newest snapshot before it that fits, and the inputs after that; without one, all inputs.
    #[default]
    Snapshot,
    /// Every input from the first one on: nothing but the journal is believed.
    FirstInput,
}

/// Where the state before a moment may come from, as an argument.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(in crate::commands) struct OriginArgs {
    /// Believe no snapshot: count every input from the first one on
    #[arg(long)]
    from_beginning: bool,
}

impl OriginArgs {
    pub(in crate::commands) const fn origin(self) -> Origin {
        if self.from_beginning { Origin::FirstInput } else { Origin::Snapshot }
    }
}

/// How an engine came to stand where it stands.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub(in crate::commands) struct Begun {
    /// The snapshot that it began with; none when it began with the first input.
    pub(in crate::commands) snapshot: Option<String>,
    /// The first input that was counted on the way, or would have been.
    pub(in crate::commands) first_counted: u64,
    /// How many were.
    pub(in crate::commands) counted: u64,
    /// Snapshots that could not be used, the newest first.
    pub(in crate::commands) passed_over: Vec<Passed>,
}

/// A snapshot that could not be used.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(in crate::commands) struct Passed {
    /// Its file's name.
    pub(in crate::commands) snapshot: String,
    /// Why.
    pub(in crate::commands) why: String,
    /// Its bytes are not those that were written, or of inputs that never were.
    pub(in crate::commands) is_damaged: bool,
    /// It was taken under other windows or limits.
    #[serde(skip)]
    is_of_other_layout: bool,
}

impl Passed {
    fn of(passed: &PassedOver) -> Self {
        Self {
            snapshot: file_name(&passed.path),
            why: passed.fault.to_string(),
            is_damaged: passed.fault.is_for_good(),
            is_of_other_layout: passed.fault == SnapshotFault::OtherLayout,
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// An engine as it stood when an input was decided under a bundle: windows of bundles before it were
/// carried over then, and are now.
pub(in crate::commands) fn engine_as_it_was(
    journal: &Path,
    bundle: &Arc<Bundle>,
    limits: &EngineLimits,
    place: (Seq, Origin),
) -> Result<(Engine, Begun), Fault> {
    let found = engine_before(journal, bundle, limits, (place, Windows::AsTheyWere))?;
    if found.0.bundle().hash == bundle.hash {
        return Ok(found);
    }
    // Nobody activated it: the service was started with it, and counted the journal under it.
    engine_before(journal, bundle, limits, (place, Windows::OfBundle))
}

/// An engine that has counted every input before `before` and nothing else.
pub(in crate::commands) fn engine_before(
    journal: &Path,
    bundle: &Arc<Bundle>,
    limits: &EngineLimits,
    ((before, origin), windows): ((Seq, Origin), Windows),
) -> Result<(Engine, Begun), Fault> {
    let mut engine = Engine::new(Arc::clone(bundle), limits).map_err(|faults| {
        let texts: Vec<_> =
            faults.iter().map(|fault| format!("{}: {}", fault.feature, fault.message)).collect();
        Fault::Wrong(format!("the bundle's features cannot be laid out: {}", texts.join("; ")))
    })?;
    let mut begun = Begun { first_counted: engine.next_seq().0, ..Begun::default() };
    if before <= engine.next_seq() {
        return Ok((engine, begun));
    }
    if origin == Origin::Snapshot {
        let recovered = restore_at(&mut engine, journal, (before, windows))?;
        begun.passed_over = recovered.passed_over.iter().map(Passed::of).collect();
        begun.first_counted = engine.next_seq().0;
        let path = |next| crate::engine::Shelf::of(journal).path(next);
        begun.snapshot = recovered.restored.map(|next| file_name(&path(next)));
    }
    let missing = || Fault::NoJournal(journal.to_owned());
    let mut reader = Reader::open_from(journal, engine.next_seq())?.ok_or_else(missing)?;
    if reader.next_seq() > engine.next_seq() {
        return Err(gone(journal, reader.next_seq(), &begun));
    }
    let first = engine.next_seq().0;
    let mut progress = Progress::new("counting", before.0 - first);
    let mut trail = Trail::from(&engine);
    if let Some(active) = reader.bundle_at_segment_start() {
        trail.note(reader.read_active_bundle(active)?);
    }
    while engine.next_seq() < before
        && let Some(item) = reader.read()?
    {
        let entry = match item {
            Item::Entry(entry) => entry,
            Item::Bundle(stored) => {
                trail.note(stored);
                continue;
            }
            Item::Start(_) => continue,
        };
        if windows == Windows::AsTheyWere {
            if let Some(other) = trail.should_have_begun(&engine, entry) {
                engine = other;
                begun.counted = 0;
                reader = Reader::open_from(journal, engine.next_seq())?.ok_or_else(missing)?;
                continue;
            }
            count_again(&mut engine, entry);
            if let Some(Control::Activate(_)) = entry.input.control.as_deref() {
                trail.follow(&mut engine);
            }
        } else {
            count_again(&mut engine, entry);
        }
        // What is given up on is the edge's affair; here it would only pile up.
        engine.take_expired().for_each(drop);
        begun.counted += 1;
        progress.at(entry.seq.0 - first);
    }
    Ok((engine, begun))
}

/// The inputs that would have to be counted were deleted, and no snapshot stands in for them.
fn gone(journal: &Path, first: Seq, begun: &Begun) -> Fault {
    let mut text = format!(
        "{}: the journal begins with input {}; the state before it is not there any more, and no \
         snapshot stands in for it",
        journal.display(),
        first.0
    );
    for passed in &begun.passed_over {
        text.push_str(&format!("\n  {}: {}", passed.snapshot, passed.why));
    }
    if begun.passed_over.iter().any(|passed| passed.is_of_other_layout) {
        text.push_str("\n  --config FILE names the limits that the service runs under");
    }
    Fault::Wrong(text)
}

/// Says where the states came from, and names what could not be used for them.
pub(in crate::commands) fn tell(document: &mut Document, begun: &[Begun]) {
    let damaged = begun.iter().flat_map(|one| &one.passed_over).filter(|one| one.is_damaged);
    let mut named = Vec::new();
    for one in damaged {
        if !named.contains(&&one.snapshot) {
            let text = format!("{} was passed over: {}", one.snapshot, one.why);
            document.verdict(text, Tone::Warning);
            named.push(&one.snapshot);
        }
    }
    for one in begun {
        let count = counted(one.counted, "input");
        document.note(match &one.snapshot {
            Some(snapshot) => format!(
                "the state before is {snapshot} and {count} from input {} on",
                grouped(one.first_counted)
            ),
            None if one.counted == 0 => {
                "the state before is empty: it begins with the first input".to_owned()
            }
            None => format!("the state before was counted from the first input on: {count}"),
        });
        let foreign = one.passed_over.iter().filter(|one| one.is_of_other_layout).count() as u64;
        if foreign > 0 {
            document.note(format!(
                "{} not used: taken under other windows or limits (--config FILE names the limits \
                 that the service runs under)",
                counted(foreign, "snapshot")
            ));
        }
        let others =
            one.passed_over.iter().filter(|one| !one.is_damaged && !one.is_of_other_layout);
        for other in others {
            document.note(format!("{} was passed over: {}", other.snapshot, other.why));
        }
    }
}
