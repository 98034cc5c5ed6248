//! Labels as CSV: a header, then `event_id` and `label` among whatever other columns there are.

use std::io::Read;

use csv::{ByteRecord, ErrorKind, ReaderBuilder, Trim};

use super::fault::Faults;
use super::{Known, LABEL_RULE, Labels, truth};
use crate::commands::report::Fault;

/// Reads the table; faults go to `faults`, and only a disk's fault ends it.
pub(super) fn read(
    source: impl Read,
    labels: &mut Labels,
    faults: &mut Faults<'_>,
) -> Result<(), Fault> {
    // Rows of other lengths are noted and not the end: all faults are told at once.
    let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(source);
    let header = match reader.byte_headers() {
        Ok(header) => header.clone(),
        Err(error) => return unreadable(error, faults),
    };
    let place = |name: &str| header.iter().position(|cell| cell == name.as_bytes());
    let (Some(id_at), Some(label_at)) = (place("event_id"), place("label")) else {
        faults.note(1, "the header must name the columns `event_id` and `label`");
        return Ok(());
    };
    let mut record = ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) => return unreadable(error, faults),
        }
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != header.len() {
            faults.note(line, "has not as many cells as the header");
            continue;
        }
        let cell = |at: usize| std::str::from_utf8(record.get(at).unwrap_or_default());
        match (cell(id_at), cell(label_at).map(truth)) {
            (Ok(id), Ok(Some(truth))) => {
                labels.note(id, Known { truth, campaign: None }, line, faults);
            }
            (Err(_), _) | (_, Err(_)) => faults.note(line, "is not UTF-8"),
            (Ok(_), Ok(None)) => faults.note(line, LABEL_RULE),
        }
    }
}

/// The disk's fault ends the reading, and the file's is noted.
fn unreadable(error: csv::Error, faults: &mut Faults<'_>) -> Result<(), Fault> {
    let line = error.position().map_or(1, csv::Position::line);
    match error.into_kind() {
        ErrorKind::Io(error) => Err(Fault::file("the labels")(error)),
        // The words of others may quote the line.
        _ => {
            faults.note(line, "is not CSV");
            Ok(())
        }
    }
}
