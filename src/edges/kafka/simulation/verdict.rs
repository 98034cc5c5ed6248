//! What must hold after every course of events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{Activation, Applied, Control, Ground, Plan, Seq};
use crate::engine::{Copying, Engine, Fixed, Intent, Outcome, recover};
use crate::journal::{Directory, Item, JournalError, JournalId, Reader};
use crate::telemetry::Output;

use super::disk::Crash;
use super::world::{World, is_snapshot, name};

/// All that an engine knows, as its next snapshot says it.
fn words(engine: &mut Engine, journal: JournalId) -> Vec<u64> {
    let mut words = engine.begin_snapshot(journal).unwrap_or_default();
    while engine.copy_some(1 << 16, &mut Vec::new, &mut |frames| words.extend(frames))
        == Copying::Going
    {}
    words
}

/// What a journal says of an input, as far as it is compared.
#[derive(Debug, Eq, PartialEq)]
struct Said {
    seq: Seq,
    event: String,
    applied: Applied,
    /// The record's open part.
    open: Vec<u8>,
    /// What kind of change it was.
    change: Option<String>,
}

/// All that a journal says.
fn read(dir: &Directory) -> Result<Vec<Said>, JournalError> {
    let Some(mut reader) = Reader::open(dir)? else { return Ok(Vec::new()) };
    let mut said = Vec::new();
    while let Some(item) = reader.read()? {
        let Item::Entry(entry) = item else { continue };
        let (seq, event, applied) = (entry.seq, entry.input.event_id.clone(), entry.applied);
        let change = entry.input.control.as_deref().map(kind_of);
        let open = reader.open_part().as_bytes().to_vec();
        said.push(Said { seq, event, applied, open, change });
    }
    Ok(said)
}

fn kind_of(control: &Control) -> String {
    let how = match control {
        Control::Activate(Activation { ground: Ground::Approved { .. }, .. }) => "approved",
        Control::Activate(Activation { ground: Ground::RolledBack { .. }, .. }) => "rolled back",
        Control::Guard(trip) => trip.measure.name(),
        _ => "",
    };
    format!("{} {how}", control.name()).trim_end().to_owned()
}

impl World<'_> {
    /// Nothing lost, nothing twice, replay exact, damage named. Counts what kinds of changes were met.
    pub(super) fn judge(&mut self, changes: &mut BTreeMap<String, u64>) -> Result<(), String> {
        self.replay()?;
        let said = read(&self.dir).map_err(|error| error.to_string())?;
        let mut decided: BTreeMap<&str, Seq> = BTreeMap::new();
        for Said { seq, event, applied, .. } in &said {
            let is_decision = matches!(applied, Applied::Decided { .. });
            if is_decision && decided.insert(event, *seq).is_some() {
                return Err(format!("{event} was counted twice"));
            }
        }
        for event in &self.broker.events {
            // `written` may lose its end with the machine's power, and the group then knows better.
            let is_excused = self.excused.contains(event);
            if self.is_strict && !is_excused && !decided.contains_key(event.as_str()) {
                return Err(format!("{event} was never decided"));
            }
        }
        for change in said.iter().filter_map(|said| said.change.clone()) {
            *changes.entry(change).or_default() += 1;
        }
        self.check_outputs(&decided, &said)?;
        self.check_lines()?;
        self.check_state()?;
        self.check_damage(&said)
    }

    /// An engine that was never interrupted says the same of the same inputs.
    pub(super) fn replay(&self) -> Result<(), String> {
        let text = |error: JournalError| error.to_string();
        let mut reader = Reader::open(&self.dir).map_err(text)?.ok_or("there is no journal")?;
        let mut engine = self.shared.engine();
        while let Some(item) = reader.read().map_err(text)? {
            let Item::Entry(entry) = item else { continue };
            let plan = entry.body().map_or(Plan::Full, |body| body.plan);
            let again = engine.apply(&entry.input, &mut Fixed(plan));
            if again != entry.applied {
                return Err(format!("{:?} was {:?}, is {again:?}", entry.seq, entry.applied));
            }
            if let Some(Control::Activate(activation)) = entry.input.control.as_deref() {
                engine.follow(&self.shared.rules(&activation.bundle).0);
            }
        }
        Ok(())
    }

    /// The same messages as lines of a file, under every bundle: the pipeline makes what guards ask for
    /// by itself there, and every payment still has the answer to itself.
    fn check_lines(&self) -> Result<(), String> {
        for (bundle, files) in &self.shared.bundles {
            let pipeline = self.shared.pipeline(bundle, files, &self.dir);
            let mut pipeline = pipeline.map_err(|error| error.to_string())?;
            let tables = self.shared.tables.current();
            let keys = self.shared.keys.token_keys();
            let mut decided = BTreeSet::new();
            for line in self.broker.log.iter().flatten() {
                let arrival = (Some(self.now()), None);
                let step = pipeline.process(&line[..], arrival, Intent::Decide, (&tables, &keys));
                let step = step.map_err(|error| error.to_string())?;
                if matches!(step.outcome, Outcome::Applied(Applied::Decided { .. }))
                    && !decided.insert(step.event_id.to_owned())
                {
                    return Err(format!("{} was decided twice as a line", step.event_id));
                }
            }
            if decided != self.broker.events {
                return Err(format!("of {:?} these were decided: {decided:?}", self.broker.events));
            }
        }
        Ok(())
    }

    /// What left the service is what the journal has, and all of it left.
    fn check_outputs(&self, decided: &BTreeMap<&str, Seq>, said: &[Said]) -> Result<(), String> {
        if !self.is_strict {
            return Ok(());
        }
        let decisions = self.broker.decisions()?;
        for (event, (seq, _)) in &decisions {
            if decided.get(event.as_str()) != Some(seq) {
                return Err(format!("the answer to {event} left, and the journal lost it"));
            }
        }
        for event in decided.keys() {
            if !decisions.contains_key(*event) {
                return Err(format!("{event} was decided, and its answer never left"));
            }
        }
        let of = |seq: Seq| said.iter().find(|said| said.seq == seq);
        for seq in &self.promised {
            if of(*seq).is_none_or(|said| !matches!(said.applied, Applied::Controlled { .. })) {
                return Err(format!(
                    "somebody was told of change {seq:?}, and the journal lost it"
                ));
            }
        }
        let audits = self.broker.outputs.iter().filter(|sent| sent.output == Output::Audit);
        let audits: BTreeMap<Option<Seq>, &[u8]> =
            audits.map(|sent| (sent.seq, &*sent.payload)).collect();
        if let Some(said) = said.iter().find(|said| !audits.contains_key(&Some(said.seq))) {
            return Err(format!("the audit record of {} ({:?}) never left", said.event, said.seq));
        }
        for sent in self.broker.outputs.iter().filter(|sent| sent.output == Output::Audit) {
            let is_it =
                |said: &Said| said.open == sent.payload && said.event.as_bytes() == sent.key;
            if !sent.seq.and_then(of).is_some_and(is_it) {
                return Err(format!("the audit record {:?} is not the journal's", sent.seq));
            }
        }
        Ok(())
    }

    /// From a snapshot and the inputs after it the state is word for word that of all inputs.
    fn check_state(&self) -> Result<(), String> {
        let text = |error: JournalError| error.to_string();
        let (mut near, mut far) = (self.shared.engine(), self.shared.engine());
        let recovered = recover(&mut near, &self.dir).map_err(text)?;
        let without = Arc::new(self.disk.copy_without(is_snapshot));
        recover(&mut far, Directory::on(without, self.dir.path())).map_err(text)?;
        let journal = recovered.journal.ok_or("there is no journal")?;
        if words(&mut near, journal) == words(&mut far, journal) {
            Ok(())
        } else {
            Err(format!("the state from {:?} on is another", recovered.restored))
        }
    }

    /// One bit turns: it is named, or changes nothing.
    fn check_damage(&mut self, said: &[Said]) -> Result<(), String> {
        let Some(path) = self.disk.flip_a_bit(&mut self.dice, |_| true) else {
            return Err("nothing is left on the disk".to_owned());
        };
        let result = match read(&self.dir) {
            Ok(now) if now == said => Ok(()),
            Ok(_) => Err("changed what is read, unnoticed".to_owned()),
            Err(error) if error.to_string().contains(&name(&path)) => Ok(()),
            Err(error) => Err(format!("was blamed on another: {error}")),
        };
        self.disk.restart(Crash::Process);
        if is_snapshot(&path) {
            self.note_flip(path.clone());
            let recovered = recover(&mut self.shared.engine(), &self.dir);
            self.check_snapshots(&recovered.map_err(|error| error.to_string())?)?;
        }
        result.map_err(|text| format!("a bit of {}: {text}", name(&path)))
    }
}
