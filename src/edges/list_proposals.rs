//! Changes of lists that wait for another person: beside the journal, each in a file named by the hash
//! of its content. A file holds tokens and reasons, never a value.
//!
//! What waits has changed nothing: the journal learns of it when somebody approves it, and names both
//! people then. The first line is a JSON object, each line after it a token and the millisecond of
//! its end.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::domain::{EntityKind, EventTime, ListEntry, ListSource, Provenance, Token};
use crate::wire::json_depth;

/// Most entries of one change, and of everything of one person that waits.
pub const ENTRIES_MAX: usize = 10_000_000;
/// Most changes of one person that wait; his own oldest gives way.
const PERSON_MAX: usize = 8;
/// Most changes that wait.
const WAITING_MAX: usize = 256;
/// What nobody has approved by then is forgotten.
const WAIT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// Longest first line.
const HEAD_MAX: u64 = 64 << 10;
/// Fewest digits that name a change.
const PREFIX_MIN: usize = 8;
const EXTENSION: &str = ".list";

/// What is done with the entries.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ListAct {
    /// They come onto the list.
    Add,
    /// They leave it; their ends say nothing.
    Remove,
}

/// A change of a list, as somebody wants it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListProposal {
    /// The list's name.
    pub list: String,
    /// What its entries are.
    pub kind: EntityKind,
    /// What is done.
    pub act: ListAct,
    /// Whom it is about.
    pub entries: Vec<ListEntry>,
    /// Why, and who wants it; nobody has approved it.
    pub provenance: Provenance,
    /// When it was proposed.
    pub at: EventTime,
}

/// A change that waits, without its entries.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Waiting {
    /// 64 hexadecimal digits: the hash of the whole change.
    pub id: String,
    /// Everything but the entries, of which there are none here.
    pub proposal: ListProposal,
    /// How many entries there are.
    pub count: u64,
}

/// Why a change cannot wait, or is not there.
#[derive(Debug, thiserror::Error)]
pub enum ProposalError {
    /// No such change.
    #[error("no change of a list of that name waits: `tidegate lists waiting` shows those that do")]
    Unknown,
    /// The beginning of a name is too short, or none.
    #[error("a change is named by at least 8 of its 64 hexadecimal digits")]
    NoName,
    /// Several begin so.
    #[error("several changes begin with these digits: give more")]
    Several,
    /// There is no room.
    #[error("too many changes of lists wait for an approver: approve some first")]
    Full,
    /// What is stored is not what was proposed.
    #[error("the stored change is not the one that was proposed: propose it again")]
    Altered,
    /// The disk.
    #[error("{}: {error}", .path.display())]
    Disk {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// The first line.
#[derive(Debug, Deserialize, Serialize)]
struct Head {
    list: String,
    kind: String,
    act: ListAct,
    sources: Vec<String>,
    reason: String,
    creator: String,
    appeal: String,
    legal_basis: String,
    batch: u64,
    at: String,
    count: u64,
}

/// The changes that wait beside a journal.
#[derive(Clone, Debug)]
pub struct ListProposals {
    dir: PathBuf,
    /// One thread at a time writes here.
    writing: Arc<Mutex<()>>,
}

impl ListProposals {
    /// Those of a journal.
    pub fn of(journal: &Path) -> Self {
        Self { dir: journal.join("lists"), writing: Arc::default() }
    }

    /// Keeps a change until somebody approves it: its name.
    pub fn put(&self, proposal: &ListProposal) -> Result<String, ProposalError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.make_room(proposal)?;
        self.write(proposal).map_err(|error| self.disk(error))
    }

    /// Every change that waits at a moment, oldest first.
    pub fn waiting(&self, at: EventTime) -> Vec<Waiting> {
        let heads = self.names().into_iter().filter_map(|id| self.head(&id));
        let is_young = |one: &Waiting| at.as_ms() - one.proposal.at.as_ms() < WAIT_MS;
        let mut waiting: Vec<Waiting> = heads.filter(is_young).collect();
        waiting.sort_by(|a, b| (a.proposal.at, &a.id).cmp(&(b.proposal.at, &b.id)));
        waiting
    }

    /// The change that waits under the beginning of a name.
    pub fn get(&self, name: &str, at: EventTime) -> Result<(String, ListProposal), ProposalError> {
        let digits = name.to_ascii_lowercase();
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || !(PREFIX_MIN..=64).contains(&digits.len()) {
            return Err(ProposalError::NoName);
        }
        let waiting = self.waiting(at);
        let mut found = waiting.into_iter().filter(|one| one.id.starts_with(&digits));
        let one = found.next().ok_or(ProposalError::Unknown)?;
        if found.next().is_some() {
            return Err(ProposalError::Several);
        }
        let proposal = self.read(&one).map_err(|error| self.disk(error))?;
        Ok((one.id, proposal.ok_or(ProposalError::Altered)?))
    }

    /// Forgets a change.
    pub fn remove(&self, id: &str) -> Result<(), ProposalError> {
        let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            return Err(ProposalError::NoName);
        }
        fs::remove_file(self.path(id)).map_err(|error| self.disk(error))
    }

    /// Removes what waits for too long and, of this person, what is too much.
    fn make_room(&self, next: &ListProposal) -> Result<(), ProposalError> {
        let young = self.waiting(next.at);
        for id in self.names() {
            if young.iter().all(|one| one.id != id) {
                self.remove(&id)?;
            }
        }
        let mut own: Vec<&Waiting> = young
            .iter()
            .filter(|one| one.proposal.provenance.creator == next.provenance.creator)
            .collect();
        let mut removed = 0;
        let sum = |own: &[&Waiting]| own.iter().map(|one| one.count).sum::<u64>();
        let room = ENTRIES_MAX.saturating_sub(next.entries.len()) as u64;
        while own.len() >= PERSON_MAX || !own.is_empty() && sum(&own) > room {
            self.remove(&own.remove(0).id)?;
            removed += 1;
        }
        if young.len() - removed >= WAITING_MAX { Err(ProposalError::Full) } else { Ok(()) }
    }

    fn write(&self, proposal: &ListProposal) -> io::Result<String> {
        fs::create_dir_all(&self.dir)?;
        let unfinished = self.dir.join("unfinished.new");
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut out = Hashed {
            file: BufWriter::new(File::create_new(&unfinished)?),
            hash: Context::new(&SHA256),
        };
        out.put(head_text(proposal)?.as_bytes())?;
        let mut line = String::new();
        for entry in &proposal.entries {
            line.clear();
            let _ = writeln!(line, "{:?} {}", entry.token, entry.expires_at.as_ms());
            out.put(line.as_bytes())?;
        }
        let id = hex(out.hash.finish().as_ref());
        let file = out.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&unfinished, self.path(&id))?;
        File::open(&self.dir)?.sync_all()?;
        Ok(id)
    }

    /// The whole change; `None` when it is not the one of that name.
    fn read(&self, waiting: &Waiting) -> io::Result<Option<ListProposal>> {
        let mut hash = Context::new(&SHA256);
        let mut input = BufReader::new(File::open(self.path(&waiting.id))?);
        let mut line = Vec::new();
        input.by_ref().take(HEAD_MAX).read_until(b'\n', &mut line)?;
        hash.update(&line);
        let mut proposal = waiting.proposal.clone();
        loop {
            line.clear();
            if input.by_ref().take(HEAD_MAX).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            hash.update(&line);
            match entry(&line) {
                Some(entry) if proposal.entries.len() < ENTRIES_MAX => proposal.entries.push(entry),
                _ => return Ok(None),
            }
        }
        let is_it = hex(hash.finish().as_ref()) == waiting.id;
        Ok(is_it.then_some(proposal))
    }

    fn head(&self, id: &str) -> Option<Waiting> {
        let mut line = Vec::new();
        let file = File::open(self.path(id)).ok()?;
        BufReader::new(file).take(HEAD_MAX).read_until(b'\n', &mut line).ok()?;
        if json_depth(&line) > 2 {
            return None;
        }
        let head: Head = sonic_rs::from_slice(&line).ok()?;
        let sources = head.sources.iter().map(|word| ListSource::parse(word));
        let provenance = Provenance {
            sources: sources.collect::<Option<_>>()?,
            reason: head.reason,
            creator: head.creator,
            appeal: head.appeal,
            legal_basis: head.legal_basis,
            batch: head.batch,
            approver: String::new(),
        };
        let proposal = ListProposal {
            list: head.list,
            kind: EntityKind::parse(&head.kind)?,
            act: head.act,
            entries: Vec::new(),
            provenance,
            at: EventTime::parse_rfc3339(&head.at).ok()?,
        };
        Some(Waiting { id: id.to_owned(), proposal, count: head.count })
    }

    /// The names of all files here that are changes.
    fn names(&self) -> Vec<String> {
        let files = fs::read_dir(&self.dir).into_iter().flatten().filter_map(Result::ok);
        // A link is no file of ours.
        let files = files.filter(|file| file.file_type().is_ok_and(|kind| kind.is_file()));
        let names = files.filter_map(|file| file.file_name().into_string().ok());
        let ids = names.filter_map(|name| name.strip_suffix(EXTENSION).map(str::to_owned));
        ids.filter(|id| id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).collect()
    }

    fn path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}{EXTENSION}"))
    }

    fn disk(&self, error: io::Error) -> ProposalError {
        ProposalError::Disk { path: self.dir.clone(), error }
    }
}

/// What is written is hashed on its way.
struct Hashed {
    file: BufWriter<File>,
    hash: Context,
}

impl Hashed {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.file.write_all(bytes)
    }
}

fn head_text(proposal: &ListProposal) -> io::Result<String> {
    let ListProposal { list, kind, act, entries, provenance, at } = proposal;
    let head = Head {
        list: list.clone(),
        kind: kind.name().to_owned(),
        act: *act,
        sources: provenance.sources.iter().map(|source| source.name().to_owned()).collect(),
        reason: provenance.reason.clone(),
        creator: provenance.creator.clone(),
        appeal: provenance.appeal.clone(),
        legal_basis: provenance.legal_basis.clone(),
        batch: provenance.batch,
        at: at.to_string(),
        count: entries.len() as u64,
    };
    sonic_rs::to_string(&head).map(|text| text + "\n").map_err(io::Error::other)
}

fn entry(line: &[u8]) -> Option<ListEntry> {
    let text = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (token, ms) = text.split_once(' ')?;
    let bits = (token.len() == 32).then(|| u128::from_str_radix(token, 16).ok()).flatten()?;
    let expires_at = EventTime::from_ms(ms.parse().ok()?).ok()?;
    Some(ListEntry { token: Token::from_bytes(bits.to_be_bytes()), expires_at })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(creator: &str, seconds: i64, entries: u8) -> ListProposal {
        let at = |seconds: i64| EventTime::from_ms(1_800_000_000_000 + seconds * 1_000).unwrap();
        let entry =
            |byte: u8| ListEntry { token: Token::from_bytes([byte; 16]), expires_at: at(99_999) };
        ListProposal {
            list: "stolen".to_owned(),
            kind: EntityKind::Card,
            act: ListAct::Add,
            entries: (0..entries).map(entry).collect(),
            provenance: Provenance {
                sources: vec![ListSource::Investigation, ListSource::Partner],
                reason: "case \"17\"".to_owned(),
                creator: creator.to_owned(),
                appeal: "desk 3".to_owned(),
                legal_basis: "contract 7".to_owned(),
                batch: 4,
                ..Provenance::default()
            },
            at: at(seconds),
        }
    }

    /// What was proposed is what is approved, to the bit: an altered file is none, another name finds
    /// nothing, and what was approved is gone.
    #[test]
    fn a_change_waits_as_it_was_proposed() {
        let dir = tempfile::tempdir().unwrap();
        let waiting = ListProposals::of(dir.path());
        let (one, other) = (proposal("li", 0, 3), proposal("li", 1, 2));
        let (id, second) = (waiting.put(&one).unwrap(), waiting.put(&other).unwrap());
        assert_eq!(waiting.get(&id[..8].to_uppercase(), other.at).unwrap(), (id.clone(), one));
        let counts: Vec<_> = waiting.waiting(other.at).iter().map(|one| one.count).collect();
        assert_eq!(counts, [3, 2]);
        for wrong in ["", "abc", "../../../../etc/passwd", &format!("{id}0")] {
            assert!(matches!(waiting.get(wrong, other.at), Err(ProposalError::NoName)), "{wrong}");
        }
        assert!(matches!(waiting.remove("../x"), Err(ProposalError::NoName)));
        let file = dir.path().join(format!("lists/{second}.list"));
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replacen("\"li\"", "\"yu\"", 1)).unwrap();
        assert!(matches!(waiting.get(&second, other.at), Err(ProposalError::Altered)));
        waiting.remove(&id).unwrap();
        assert!(matches!(waiting.get(&id, other.at), Err(ProposalError::Unknown)));
    }

    /// Nobody's changes push out another one's, and what nobody approves is forgotten.
    #[test]
    fn a_persons_own_oldest_change_gives_way() {
        let dir = tempfile::tempdir().unwrap();
        let waiting = ListProposals::of(dir.path());
        let first = waiting.put(&proposal("li", 0, 1)).unwrap();
        for second in 0..20 {
            waiting.put(&proposal("wang", second, 1)).unwrap();
        }
        let now = proposal("li", 30, 1).at;
        assert_eq!(waiting.waiting(now).len(), 1 + PERSON_MAX);
        assert!(waiting.get(&first, now).is_ok());
        let week = WAIT_MS / 1_000;
        assert!(matches!(
            waiting.get(&first, proposal("", week, 0).at),
            Err(ProposalError::Unknown)
        ));
        waiting.put(&proposal("li", 2 * week, 1)).unwrap();
        assert_eq!(waiting.names().len(), 1);
    }
}
