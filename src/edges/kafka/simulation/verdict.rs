//! What must hold after every course of events.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Applied, Plan, Seq};
use crate::engine::{Copying, Engine, Fixed, count_again, recover};
use crate::journal::{Item, JournalError, JournalId, Reader};
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

/// What a journal says, as far as it is compared.
type Said = Vec<(Seq, String, Applied)>;

impl World<'_> {
    /// Nothing lost, nothing twice, replay exact, damage named.
    pub(super) fn judge(&mut self) -> Result<(), String> {
        let said = self.replay()?;
        let mut decided: BTreeMap<&str, Seq> = BTreeMap::new();
        for (seq, event, applied) in &said {
            let is_decision = matches!(applied, Applied::Decided { .. });
            if is_decision && decided.insert(event, *seq).is_some() {
                return Err(format!("{event} was counted twice"));
            }
        }
        for event in &self.broker.events {
            // `written` may lose its end with the machine's power, and the group then knows better.
            if self.is_strict && !decided.contains_key(event.as_str()) {
                return Err(format!("{event} was never decided"));
            }
        }
        self.check_outputs(&decided)?;
        self.check_state()?;
        self.check_damage(&said)
    }

    /// An engine that was never interrupted says the same of the same inputs.
    fn replay(&self) -> Result<Said, String> {
        let text = |error: JournalError| error.to_string();
        let mut reader = Reader::open(&self.dir).map_err(text)?.ok_or("there is no journal")?;
        let mut engine = self.shared.engine();
        let mut said = Said::new();
        while let Some(item) = reader.read().map_err(text)? {
            let Item::Entry(entry) = item else { continue };
            let plan = entry.body().map_or(Plan::Full, |body| body.plan);
            let again = engine.apply(&entry.input, &mut Fixed(plan));
            if again != entry.applied {
                return Err(format!("{:?} was {:?}, is {again:?}", entry.seq, entry.applied));
            }
            said.push((entry.seq, entry.input.event_id.clone(), entry.applied));
        }
        Ok(said)
    }

    /// What left the service is what the journal has, and all of it left.
    fn check_outputs(&self, decided: &BTreeMap<&str, Seq>) -> Result<(), String> {
        if !self.is_strict {
            return Ok(());
        }
        let decisions = self.broker.decisions()?;
        for (event, (seq, _)) in &decisions {
            if decided.get(event.as_str()) != Some(seq) {
                return Err(format!("the answer to {event} left, and the journal lost it"));
            }
        }
        let audits = self.broker.outputs.iter().filter(|sent| sent.output == Output::Audit);
        let audited: BTreeSet<Option<Seq>> = audits.map(|sent| sent.seq).collect();
        for (event, seq) in decided {
            if !decisions.contains_key(*event) {
                return Err(format!("{event} was decided, and its answer never left"));
            }
            if !audited.contains(&Some(*seq)) {
                return Err(format!("the audit record of {event} never left"));
            }
        }
        Ok(())
    }

    /// From a snapshot and the inputs after it the state is word for word that of all inputs.
    fn check_state(&self) -> Result<(), String> {
        let text = |error: JournalError| error.to_string();
        let (mut near, mut far) = (self.shared.engine(), self.shared.engine());
        let recovered = recover(&mut near, &self.dir).map_err(text)?;
        let mut reader = Reader::open(&self.dir).map_err(text)?.ok_or("there is no journal")?;
        while let Some(item) = reader.read().map_err(text)? {
            if let Item::Entry(entry) = item {
                count_again(&mut far, entry);
            }
        }
        let journal = reader.journal();
        if words(&mut near, journal) == words(&mut far, journal) {
            Ok(())
        } else {
            Err(format!("the state from {:?} on is another", recovered.restored))
        }
    }

    /// One bit turns: it is named, or changes nothing.
    fn check_damage(&mut self, said: &Said) -> Result<(), String> {
        let Some(path) = self.disk.flip_a_bit(&mut self.dice, |_| true) else {
            return Err("nothing is left on the disk".to_owned());
        };
        let read = || -> Result<Said, JournalError> {
            let Some(mut reader) = Reader::open(&self.dir)? else { return Ok(Said::new()) };
            let mut said = Said::new();
            while let Some(item) = reader.read()? {
                if let Item::Entry(entry) = item {
                    said.push((entry.seq, entry.input.event_id.clone(), entry.applied));
                }
            }
            Ok(said)
        };
        let result = match read() {
            Ok(now) if now == *said => Ok(()),
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
