//! What a request for a list comes to: one person proposes a change, another one puts it in force.

use std::time::Instant;

use super::approval::{SHOWN_FOR_MS, after, check_expiry, list_approval};
use super::office::{Office, Signed};
use super::order::Change;
use super::people::Role;
use super::request::{Answer, Haste, WaitingText};
use crate::domain::{Control, EventTime, ListAddition, ListEntry, ListRemoval, Seq};
use crate::edges::list_proposals::{ListAct, ListProposal};
use crate::engine::ENTRIES_MAX;

impl Office {
    /// A part of a change: it waits for the rest and for another person, or, where the bundle grants
    /// one person an emergency right, it is made at once and ends by itself.
    pub fn list_part(
        &self,
        part: Control,
        haste: Haste,
        person: &str,
        send: &mut dyn FnMut(Change) -> Result<Seq, String>,
    ) -> Result<Answer, String> {
        if !self.people().may(person, &[Role::Analyst, Role::Approver]) {
            return Err(format!("{person} has no role that changes lists"));
        }
        let (list, kind, count, provenance) = match &part {
            Control::ListAdd(one) => (&one.list, one.kind, one.entries.len(), &one.provenance),
            Control::ListRemove(one) => (&one.list, one.kind, one.tokens.len(), &one.provenance),
            _ => return Err("this is no change of a list".to_owned()),
        };
        if haste == Haste::Emergency {
            let seq = send(Change::Control(part))?;
            return Ok(Answer { ok: true, seq: Some(seq.0), ..Answer::default() });
        }
        let in_force = self.in_force();
        if !in_force.lists.iter().any(|spec| spec.name == *list && spec.kind == kind) {
            return Err(format!("the bundle in force has no list `{list}` of that kind"));
        }
        provenance.check().map_err(|fault| fault.to_string())?;
        if !(1..=ENTRIES_MAX).contains(&count) {
            return Err(format!("a part has 1 to {ENTRIES_MAX} entries"));
        }
        self.drafts.add(person, part, Instant::now())?;
        Ok(Answer { ok: true, ..Answer::default() })
    }

    /// The parts are all there: the change waits for another person.
    pub fn list_propose(&self, batch: u64, person: &str, now: EventTime) -> Result<Answer, String> {
        let draft = self.drafts.take(person, batch);
        let draft = draft.ok_or("nothing was given under this number: begin again")?;
        let proposal = ListProposal {
            list: draft.list,
            kind: draft.kind,
            act: draft.act,
            entries: draft.entries,
            provenance: draft.provenance,
            at: now,
        };
        let findings = self.not_there(&proposal, now)?;
        let id = self.lists.put(&proposal).map_err(|error| error.to_string())?;
        let to_sign = self.has_keys().then(|| {
            let text = |journal| list_approval(journal, &id, after(now, SHOWN_FOR_MS));
            self.journal.map(text)
        });
        let to_sign = to_sign.flatten();
        Ok(Answer { ok: true, to_sign, change: Some(id), findings, ..Answer::default() })
    }

    /// What should leave a list and does not stand there: refused if it is all, said if it is some.
    fn not_there(&self, proposal: &ListProposal, now: EventTime) -> Result<Vec<String>, String> {
        let ListProposal { list, kind, act, entries, .. } = proposal;
        if *act == ListAct::Add {
            return Ok(Vec::new());
        }
        let is_gone =
            |entry: &&ListEntry| self.listed.find(list, *kind, entry.token, now).is_none();
        let gone = entries.iter().filter(is_gone).count();
        match gone {
            0 => Ok(Vec::new()),
            all if all == entries.len() => Err(format!(
                "nothing of it stands on `{list}`: look at the list with `tidegate lists show {list} --value --reason TEXT`"
            )),
            some => Ok(vec![format!("{some} of {} do not stand on `{list}`", entries.len())]),
        }
    }

    /// Changes that wait.
    pub(super) fn list_waiting(&self, now: EventTime) -> Answer {
        let waiting = self.lists.waiting(now);
        let waiting = waiting.iter().map(WaitingText::of).collect();
        Answer { ok: true, waiting, ..Answer::default() }
    }

    /// Another person agrees: every part of the change is an input.
    pub(super) fn list_approve(
        &self,
        name: &str,
        person: &str,
        (signed, now): (Option<Signed>, EventTime),
        send: &mut dyn FnMut(Change) -> Result<Seq, String>,
    ) -> Result<Answer, String> {
        let found = self.lists.get(name, now).map_err(|error| error.to_string())?;
        let (id, mut proposal) = found;
        let approver = match &signed {
            None => person.to_owned(),
            Some(signed) => {
                check_expiry(signed.expires, now)?;
                let text = list_approval(self.journal()?, &id, signed.expires);
                self.signer(&text, &signed.signature)?
            }
        };
        if approver == proposal.provenance.creator {
            let message =
                "who proposed a change of a list cannot approve it: another person has to";
            return Err(message.to_owned());
        }
        proposal.provenance.approver = approver;
        let given = proposal.entries.len();
        if proposal.act == ListAct::Add {
            proposal.entries.retain(|entry| entry.expires_at > now);
        }
        if proposal.entries.is_empty() {
            return Err("every entry would have ended already: propose them again".to_owned());
        }
        let ended = given - proposal.entries.len();
        let mut findings = self.not_there(&proposal, now)?;
        if ended > 0 {
            findings.push(format!("{ended} entries had ended already and were left out"));
        }
        let mut last = None;
        for part in parts(&proposal) {
            last = Some(send(Change::Control(part))?.0);
        }
        // Approved again after a crash it would say the same again, and change nothing.
        self.lists.remove(&id).map_err(|error| error.to_string())?;
        let count = Some(proposal.entries.len() as u64);
        Ok(Answer { ok: true, seq: last, change: Some(id), count, findings, ..Answer::default() })
    }
}

/// A change as inputs of bounded size.
fn parts(proposal: &ListProposal) -> impl Iterator<Item = Control> {
    let ListProposal { list, kind, act, entries, provenance, .. } = proposal;
    entries.chunks(ENTRIES_MAX).map(|part| match act {
        ListAct::Add => Control::ListAdd(ListAddition {
            list: list.clone(),
            kind: *kind,
            entries: part.to_vec(),
            provenance: provenance.clone(),
        }),
        ListAct::Remove => Control::ListRemove(ListRemoval {
            list: list.clone(),
            kind: *kind,
            tokens: part.iter().map(|entry| entry.token).collect(),
            provenance: provenance.clone(),
        }),
    })
}
