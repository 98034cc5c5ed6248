//! What is wrong with a table's file: where, what, and what would be right. Never a cell's value.

use std::path::{Path, PathBuf};

use crate::stages::enrich::{FxFault, GeoFault};

/// One fault of one file.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {what}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct TableFault {
    /// Which table.
    pub table: &'static str,
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; none when the file as a whole is meant.
    pub line: Option<u64>,
    /// What is wrong.
    pub what: FaultKind,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FaultKind {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::ErrorKind),
    /// It is not a table of cells.
    #[error("is not CSV: {0}")]
    NotCsv(&'static str),
    /// A row is longer or shorter than the header.
    #[error("has {found} cells where the header has {expected}")]
    Cells {
        /// Of the header.
        expected: u64,
        /// Of the row.
        found: u64,
    },
    /// The header lacks a column.
    #[error("the header has no column `{column}`")]
    MissingColumn {
        /// The column's name.
        column: &'static str,
    },
    /// The header has a column that the table does not.
    #[error("column {number} of the header is not one of: {expected}")]
    UnknownColumn {
        /// From 1.
        number: usize,
        /// The columns that there are.
        expected: String,
    },
    /// The header has a column twice.
    #[error("the header has column `{column}` twice")]
    RepeatedColumn {
        /// The column's name.
        column: &'static str,
    },
    /// A cell is not what its column holds.
    #[error("`{column}` is not {expected}")]
    Cell {
        /// The column's name.
        column: &'static str,
        /// What it holds.
        expected: &'static str,
    },
    /// A row has a key that an earlier row has.
    #[error("`{column}` is in the table already")]
    Twice {
        /// The key's column.
        column: &'static str,
    },
    /// A rate is senseless.
    #[error("{0}")]
    Rate(FxFault),
    /// Rates into another currency than the bundle's.
    #[error(
        "its rates are into {into}, the bundle counts in {wanted}: give rates into {wanted}, and \
         {wanted} itself the rate 1/1 or every row the column `base`"
    )]
    Base {
        /// The table's base currency.
        into: String,
        /// The bundle's.
        wanted: String,
    },
    /// A database is not usable.
    #[error("{0}")]
    Database(GeoFault),
    /// More faults than anybody reads.
    #[error("has more faults; these are the first {0}")]
    More(usize),
}

/// The faults of one file while it is read.
#[derive(Debug, Default)]
pub(super) struct FileFaults {
    found: Vec<(Option<u64>, FaultKind)>,
    cut: bool,
}

impl FileFaults {
    /// How many faults of one file are reported.
    const MAX: usize = 100;

    /// Notes a fault on a line, or of the whole file.
    pub(super) fn add(&mut self, line: impl Into<Option<u64>>, what: FaultKind) {
        if self.found.len() < Self::MAX {
            self.found.push((line.into(), what));
        } else {
            self.cut = true;
        }
    }

    /// The table, when nothing is wrong.
    pub(super) fn or<T>(mut self, table: T) -> Result<T, Self> {
        if self.found.is_empty() {
            return Ok(table);
        }
        if self.cut {
            self.cut = false;
            self.found.push((None, FaultKind::More(Self::MAX)));
        }
        Err(self)
    }

    /// One fault of the whole file.
    pub(super) fn whole(what: FaultKind) -> Self {
        Self { found: vec![(None, what)], cut: false }
    }

    /// The faults with the table and the file they are of.
    pub(super) fn of<'a>(
        self,
        table: &'static str,
        file: &'a Path,
    ) -> impl Iterator<Item = TableFault> + use<'a> {
        let file = file.to_path_buf();
        let with_file = move |(line, what)| TableFault { table, file: file.clone(), line, what };
        self.found.into_iter().map(with_file)
    }
}
