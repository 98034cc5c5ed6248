//! Whether keys are those that a journal was written with.
//!
//! Under another token key every token is another one: an event that was decided is new, a card that
//! is listed is not, and nothing says so. Each segment's header therefore holds a check of both keys.
//! Segments of before have none, and are asked by what stands in them: the token of an input's id, and
//! whether a sealed part opens.

use std::path::{Path, PathBuf};

use super::JournalError;
use super::directory::Directory;
use super::header::SegmentHeader;
use super::read_entry::ReadEntry;
use super::reader::{Item, Reader};
use super::seal::{SealKey, TokenKeyName};
use super::segment::SegmentReader;
use super::unseal::{UnsealError, Unsealed, Unsealer};
use super::writer::Opening;
use crate::domain::Token;

/// Records of a segment without checks that are looked at: nearly always the first input tells.
const RECORDS_MAX: usize = 1_000;
const TOKEN_KEY: &str = "token key";
const JOURNAL_KEY: &str = "journal key";

/// Keys, by what a journal can ask of them.
pub struct Proof<'a> {
    /// The key that makes tokens.
    pub token_key: TokenKeyName,
    /// The token that an input has under it; `None` where what is kept of the input does not tell.
    pub token_of: &'a dyn Fn(&ReadEntry) -> Option<Token>,
    /// The keys that seal and open.
    pub seal_keys: Vec<SealKey>,
}

/// What the keys are for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyUse {
    /// To go on with the journal: with the keys of its end.
    Append,
    /// To look for tokens: any token key that the journal was written under.
    Look,
}

/// Refuses keys that are not the journal's. Where nothing stands, all keys fit; a segment that cannot
/// be read says nothing here, and is for its reader to name.
pub fn check_keys(
    dir: impl Into<Directory>,
    proof: &Proof<'_>,
    purpose: KeyUse,
) -> Result<(), JournalError> {
    let dir = dir.into();
    let header = |(first, path): (u64, PathBuf)| {
        let header = SegmentReader::open_header(&dir, &path, first).ok()?.header;
        Some((path, header))
    };
    let newest_first: Vec<_> = dir.segments()?.into_iter().rev().filter_map(header).collect();
    check_token_key(&dir, &newest_first, proof, purpose)?;
    match purpose {
        KeyUse::Append => {
            proof.seal_keys.iter().try_for_each(|key| check_seal_key(&dir, &newest_first, key))
        }
        KeyUse::Look => Ok(()),
    }
}

/// The same by the newest header alone, for a writer that has the lock: nothing came between.
pub(super) fn fits_newest(dir: &Directory, opening: &Opening) -> Result<(), JournalError> {
    let Some((first, path)) = dir.segments()?.pop() else { return Ok(()) };
    let header = SegmentReader::open_header(dir, &path, first)?.header;
    if let Some(known) = header.token_key {
        compare_token_key(&path, known, opening.token_key)?;
    }
    let check = header.seal_check.filter(|_| header.key_id == opening.key.id());
    match check {
        Some(check) if check != opening.key.check() => {
            Err(JournalError::OtherKey { path, which: JOURNAL_KEY, version: header.key_id })
        }
        _ => Ok(()),
    }
}

fn compare_token_key(
    path: &Path,
    known: TokenKeyName,
    given: TokenKeyName,
) -> Result<(), JournalError> {
    let path = || path.to_owned();
    if known.version != given.version {
        let (known, given) = (known.version, given.version);
        return Err(JournalError::OtherTokenVersion { path: path(), known, given });
    }
    if known.check != given.check {
        let version = u32::from(known.version);
        return Err(JournalError::OtherKey { path: path(), which: TOKEN_KEY, version });
    }
    Ok(())
}

fn check_token_key(
    dir: &Directory,
    newest_first: &[(PathBuf, SegmentHeader)],
    proof: &Proof<'_>,
    purpose: KeyUse,
) -> Result<(), JournalError> {
    let given = proof.token_key;
    let mut refusal = None;
    for (path, header) in newest_first {
        let known = match header.token_key {
            Some(known) => Some(known),
            None => token_key_of_inputs(dir, header, proof),
        };
        let Some(known) = known else { continue };
        let compared = compare_token_key(path, known, given);
        if known.version == given.version || purpose == KeyUse::Append {
            return compared;
        }
        refusal = refusal.or(compared.err());
    }
    refusal.map_or(Ok(()), Err)
}

/// The key that made the tokens of a segment whose header does not say: ours, or one that differs.
fn token_key_of_inputs(
    dir: &Directory,
    header: &SegmentHeader,
    proof: &Proof<'_>,
) -> Option<TokenKeyName> {
    let given = proof.token_key;
    first_told(dir, header, |entry, _| {
        let version = entry.input.key_version;
        let is_ours = match version {
            0 => return None,
            version if version != given.version => false,
            _ => (proof.token_of)(entry)? == entry.input.event,
        };
        let mut check = given.check;
        if !is_ours {
            // Whichever it is, it is not the one given.
            check.0[0] ^= 1;
        }
        Some(TokenKeyName { version, check })
    })
}

fn check_seal_key(
    dir: &Directory,
    newest_first: &[(PathBuf, SegmentHeader)],
    key: &SealKey,
) -> Result<(), JournalError> {
    for (path, header) in newest_first.iter().filter(|(_, header)| header.key_id == key.id()) {
        let fits = match header.seal_check {
            Some(check) => Some(check == key.check()),
            None => opens(dir, header, key),
        };
        match fits {
            Some(true) => return Ok(()),
            Some(false) => {
                let (path, version) = (path.clone(), key.id());
                return Err(JournalError::OtherKey { path, which: JOURNAL_KEY, version });
            }
            None => {}
        }
    }
    Ok(())
}

/// Whether a key opens what a segment seals; `None` where nothing is sealed. What is opened is wiped.
fn opens(dir: &Directory, header: &SegmentHeader, key: &SealKey) -> Option<bool> {
    let mut unsealer = Unsealer::new(vec![key.clone()]);
    let mut unsealed = Unsealed::new();
    first_told(dir, header, |_, reader| match unsealer.open(&reader.sealed(), &mut unsealed) {
        Ok(()) if unsealed.parts().event.is_empty() => None,
        Ok(()) => Some(true),
        Err(UnsealError::DoesNotOpen) => Some(false),
        Err(_) => None,
    })
}

/// What the first inputs of a segment tell.
fn first_told<T>(
    dir: &Directory,
    header: &SegmentHeader,
    mut ask: impl FnMut(&ReadEntry, &Reader) -> Option<T>,
) -> Option<T> {
    let mut reader = Reader::open_segment(dir, header.first_record).ok()?;
    for _ in 0..RECORDS_MAX {
        let is_input = matches!(reader.read().ok()??, Item::Entry(_));
        if reader.position().0 != header.first_record {
            return None;
        }
        if is_input && let Some(told) = ask(reader.entry(), &reader) {
            return Some(told);
        }
    }
    None
}

/// Makes a journal what one of before is: its headers have no checks.
#[cfg(test)]
pub(crate) fn without_key_checks(dir: &Directory) -> Result<(), JournalError> {
    for (first, path) in dir.segments()? {
        let reader = SegmentReader::open_header(dir, &path, first)?;
        let header = SegmentHeader { token_key: None, seal_check: None, ..reader.header.clone() };
        let whole = std::fs::read(&path).map_err(JournalError::io(&path, "read"))?;
        let records = whole.get(reader.offset() as usize..).unwrap_or_default();
        let bytes = [&header.to_bytes()[..], records].concat();
        std::fs::write(&path, bytes).map_err(JournalError::io(&path, "write"))?;
    }
    Ok(())
}
