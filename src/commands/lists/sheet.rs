//! A CSV file of values, each a token as soon as it is read; a wrong line is named and never quoted.

use std::io::Read;
use std::path::Path;

use super::values::{Tokenise, parts};
use crate::commands::lines::{Bar, Text};
use crate::commands::report::Fault;
use crate::domain::{EntityKind, EventTime, ListEntry};
use crate::edges::admin::{RawValue, VALUES_MAX};

/// Most entries of one file.
const ENTRIES_MAX: usize = 10_000_000;
/// Wrong lines that are named; more have one cause.
const FAULTS_MAX: usize = 20;

/// Reads the file: entries in the order of their tokens, each token once, the last line counting.
pub(super) fn read(
    path: &Path,
    (kind, expires): (EntityKind, Option<EventTime>),
    tokenise: &mut Tokenise<'_>,
) -> Result<Vec<ListEntry>, Fault> {
    let shown = path.display().to_string();
    let Text { reader, bytes } = Text::open(path).map_err(Fault::file(shown.as_str()))?;
    entries((reader, bytes), (kind, expires), tokenise).map_err(|fault| match fault {
        Fault::Wrong(message) => Fault::Wrong(format!("{shown}: {message}")),
        other => other,
    })
}

fn entries(
    (input, bytes): (impl Read, Option<u64>),
    (kind, expires): (EntityKind, Option<EventTime>),
    tokenise: &mut Tokenise<'_>,
) -> Result<Vec<ListEntry>, Fault> {
    let mut sheet = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(input);
    let broken = |error: &csv::Error| {
        // The crate's own message may quote a line.
        let line = error.position().map_or(0, csv::Position::line);
        format!("line {line}: not a line of CSV with the header's columns, in UTF-8")
    };
    let headers = sheet.headers().map_err(|error| Fault::Wrong(broken(&error)))?.clone();
    let place = |name: &str| headers.iter().position(|header| header.trim() == name);
    let (value, ends) = (place("value"), place("expires"));
    let Some(value) = value else {
        return Err(Fault::Wrong("the header has no column `value`".to_owned()));
    };
    let mut pile = Pile::default();
    let mut bar = Bar::new("reading", bytes, true);
    let (mut record, mut rows) = (csv::StringRecord::new(), 0);
    loop {
        match sheet.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let line = record.position().map_or(0, csv::Position::line);
                let cell = |at: usize| record.get(at).unwrap_or("").trim();
                let end = end(ends.map(cell), expires).map_err(str::to_owned);
                match end.and_then(|end| Ok((end, parts(kind, cell(value))?))) {
                    Ok((end, parts)) => {
                        pile.waiting.extend(parts.into_iter().map(|part| (line, end, part)));
                    }
                    Err(fault) => pile.faults.push(format!("line {line}: {fault}")),
                }
            }
            Err(error) => pile.faults.push(broken(&error)),
        }
        if pile.waiting.len() >= VALUES_MAX {
            rows += pile.waiting.len() as u64;
            pile.sort_out(tokenise)?;
            bar.at(rows, sheet.position().byte());
        }
        if pile.faults.len() >= FAULTS_MAX || pile.entries.len() > ENTRIES_MAX {
            break;
        }
    }
    pile.sort_out(tokenise)?;
    pile.finish()
}

/// What was read so far.
#[derive(Default)]
struct Pile {
    /// Line, end and value of what has no token yet.
    waiting: Vec<(u64, EventTime, RawValue)>,
    entries: Vec<ListEntry>,
    faults: Vec<String>,
}

impl Pile {
    /// What waits becomes entries.
    fn sort_out(&mut self, tokenise: &mut Tokenise<'_>) -> Result<(), Fault> {
        while !self.waiting.is_empty() {
            let first = self.waiting.len().min(VALUES_MAX);
            let (places, values): (Vec<_>, Vec<_>) =
                self.waiting.drain(..first).map(|(line, end, value)| ((line, end), value)).unzip();
            for ((line, expires_at), token) in places.into_iter().zip(tokenise(values)?) {
                match token {
                    Ok(token) => self.entries.push(ListEntry { token, expires_at }),
                    Err(fault) => self.faults.push(format!("line {line}: {fault}")),
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<ListEntry>, Fault> {
        let Self { mut entries, mut faults, .. } = self;
        if entries.len() > ENTRIES_MAX {
            faults.push(format!("more than {ENTRIES_MAX} entries: split the file"));
        }
        if !faults.is_empty() {
            faults.truncate(FAULTS_MAX);
            faults.push("nothing was imported".to_owned());
            return Err(Fault::Wrong(faults.join("\n")));
        }
        // Stable, and the last of equals is kept: a later line corrects an earlier one.
        entries.sort_by_key(|entry| *entry.token.as_bytes());
        let mut kept: Vec<ListEntry> = Vec::with_capacity(entries.len());
        for entry in entries {
            match kept.last_mut() {
                Some(last) if last.token == entry.token => *last = entry,
                _ => kept.push(entry),
            }
        }
        Ok(kept)
    }
}

/// When a line's entry ends: as it says itself, else as all do.
fn end(own: Option<&str>, all: Option<EventTime>) -> Result<EventTime, &'static str> {
    let own = own.filter(|text| !text.is_empty()).map(EventTime::parse_rfc3339).transpose();
    let own = own.map_err(|_| "`expires` is no moment such as 2027-12-31T00:00:00+08:00")?;
    own.or(all).ok_or("no `expires`: give it here or as --expires")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::keys::Keys;

    fn read(text: &str) -> Result<Vec<ListEntry>, String> {
        let keys = Keys::demo().token_keys();
        let expires = EventTime::parse_rfc3339("2027-01-01T00:00:00Z").ok();
        let mut tokenise = |values: Vec<RawValue>| {
            Ok(values.iter().map(|value| value.token(EntityKind::Card, &keys)).collect())
        };
        let Text { reader, bytes } = Text::of(text.as_bytes(), None).unwrap();
        entries((reader, bytes), (EntityKind::Card, expires), &mut tokenise)
            .map_err(|fault| fault.to_string())
    }

    /// Spellings of one value are one entry, the later line counts, lines may end by themselves.
    #[test]
    fn a_sheet_is_read_in_the_order_of_tokens() {
        let text = "\u{feff}value,expires\n6225 8812 3456 7890,\n4111111111111111,\n\
                    6225881234567890,2026-12-01T00:00:00Z\n";
        let entries = read(text).unwrap();
        assert_eq!(entries.len(), 2);
        assert!(entries[0].token.as_bytes() < entries[1].token.as_bytes());
        let card = Keys::demo().token_keys().card("6225881234567890").unwrap();
        let entry = entries.iter().find(|entry| entry.token == card).unwrap();
        assert_eq!(entry.expires_at, EventTime::parse_rfc3339("2026-12-01T00:00:00Z").unwrap());
    }

    /// One wrong line stops the whole import, is named by its number, and is never quoted.
    #[test]
    fn a_wrong_line_is_named_and_not_quoted() {
        let fault = read("value\n6225881234567890\n622588123456789012345\n").unwrap_err();
        assert!(fault.contains("line 3:") && fault.contains("nothing was imported"), "{fault}");
        assert!(!fault.contains("62258812"), "{fault}");
        assert!(read("card\n6225881234567890\n").unwrap_err().contains("no column `value`"));
        let ragged = read("value,expires\n6225881234567890\n").unwrap_err();
        assert!(ragged.contains("line 2") && !ragged.contains("6225"), "{ragged}");
    }
}
