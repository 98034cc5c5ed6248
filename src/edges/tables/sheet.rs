//! A strict sheet of cells: the header decides, every row has every cell, every fault is noted.

use super::fault::{FaultKind, FileFaults};

/// A column that a table has.
#[derive(Clone, Copy)]
pub(super) enum Column {
    /// The header must have it.
    Needed(&'static str),
    /// The header may have it.
    Optional(&'static str),
}

impl Column {
    const fn name(self) -> &'static str {
        match self {
            Self::Needed(name) | Self::Optional(name) => name,
        }
    }
}

/// One row of a sheet.
pub(super) struct Row<'r> {
    /// Its line in the file, from 1.
    pub line: u64,
    cells: &'r csv::StringRecord,
    places: &'r [Option<usize>],
    columns: &'r [Column],
}

impl<'r> Row<'r> {
    /// The cell of the column with this index in the table's columns; empty when absent.
    pub(super) fn cell(&self, column: usize) -> &'r str {
        let place = self.places.get(column).copied().flatten();
        place.and_then(|place| self.cells.get(place)).unwrap_or("").trim()
    }

    /// The column's name, for faults.
    pub(super) fn name(&self, column: usize) -> &'static str {
        self.columns.get(column).map_or("", |column| column.name())
    }

    /// The cell read by `read`; a fault and `None` when it cannot be.
    pub(super) fn read<T>(
        &self,
        column: usize,
        expected: &'static str,
        faults: &mut FileFaults,
        read: impl FnOnce(&'r str) -> Option<T>,
    ) -> Option<T> {
        let value = read(self.cell(column));
        if value.is_none() {
            faults.add(self.line, FaultKind::Cell { column: self.name(column), expected });
        }
        value
    }

    /// As [`Self::read`], but an empty cell is no value and no fault.
    pub(super) fn read_optional<T>(
        &self,
        column: usize,
        expected: &'static str,
        faults: &mut FileFaults,
        read: impl FnOnce(&'r str) -> Option<T>,
    ) -> Option<T> {
        if self.cell(column).is_empty() {
            return None;
        }
        self.read(column, expected, faults, read)
    }
}

/// Calls `each` with every sound row. Lines that begin with `#` are comments; a byte order mark is
/// skipped; columns stand in any order.
pub(super) fn rows(
    content: &[u8],
    columns: &[Column],
    faults: &mut FileFaults,
    mut each: impl FnMut(&Row<'_>, &mut FileFaults),
) {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(content);
    let places = match reader.headers() {
        Ok(header) => places(header, columns, faults),
        Err(error) => return note(&error, faults),
    };
    let Some(places) = places else { return };
    let mut cells = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut cells) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                note(&error, faults);
                continue;
            }
        }
        let line = cells.position().map_or(0, csv::Position::line);
        // A quote that is never closed swallows the rows after it.
        if cells.iter().any(|cell| cell.contains(['\n', '\r'])) {
            faults.add(line, FaultKind::NotCsv("a quoted cell goes on past its line"));
            continue;
        }
        each(&Row { line, cells: &cells, places: &places, columns }, faults);
    }
}

/// Where each column stands; `None` when the header cannot be used.
fn places(
    header: &csv::StringRecord,
    columns: &[Column],
    faults: &mut FileFaults,
) -> Option<Vec<Option<usize>>> {
    let line = header.position().map_or(1, csv::Position::line).max(1);
    let mut places = vec![None; columns.len()];
    let mut sound = true;
    for (number, name) in header.iter().enumerate() {
        let known = columns.iter().position(|column| column.name() == name.trim());
        let fault = match known.and_then(|column| Some((columns.get(column)?, column))) {
            None => {
                let names: Vec<_> = columns.iter().map(|column| column.name()).collect();
                FaultKind::UnknownColumn { number: number + 1, expected: names.join(", ") }
            }
            Some((column, place)) => match places.get_mut(place) {
                Some(free @ None) => {
                    *free = Some(number);
                    continue;
                }
                _ => FaultKind::RepeatedColumn { column: column.name() },
            },
        };
        faults.add(line, fault);
        sound = false;
    }
    for (column, place) in columns.iter().zip(&places) {
        if let (Column::Needed(column), None) = (column, place) {
            faults.add(line, FaultKind::MissingColumn { column });
            sound = false;
        }
    }
    sound.then_some(places)
}

fn note(error: &csv::Error, faults: &mut FileFaults) {
    let line = error.position().map(csv::Position::line);
    faults.add(
        line,
        match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                FaultKind::Cells { expected: *expected_len, found: *len }
            }
            csv::ErrorKind::Utf8 { .. } => FaultKind::NotCsv("a cell is not UTF-8"),
            _ => FaultKind::NotCsv("the file ends early"),
        },
    );
}
