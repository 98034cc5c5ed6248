//! What the investigator's and the analyst's commands share: one document from a report's value, drawn twice.
//!
//! ```text
//!  report (serde) ─┬─▶ JSON
//!                  ├─▶ CSV
//!                  └─▶ Document ─┬─▶ terminal
//!                                └─▶ HTML, one self-contained file
//! ```

mod document;
mod wrap;
mod terminal;
mod html;
mod figure;
mod svg;
mod sheet;
mod number;
mod progress;
mod deliver;
mod fault;
pub(in crate::commands) mod place;
#[cfg(test)]
pub(in crate::commands) mod fixture;
#[cfg(test)]
mod tests;

use document::{Align, Block};

pub(in crate::commands) use deliver::{Screen, deliver};
pub(in crate::commands) use document::{Cell, Document, Line, Table, Tone};
pub(in crate::commands) use fault::{Fault, file_code};
pub(in crate::commands) use figure::{Axis, Bars, Curve, Curves, Figure, Mark, Matrix, Unit};
pub(in crate::commands) use html::html;
pub(in crate::commands) use number::{amount, counted, grouped, money, money_text};
pub(in crate::commands) use place::{Limits, Span, journal_end};
pub(in crate::commands) use progress::Progress;
pub(in crate::commands) use sheet::push_row;
pub(in crate::commands) use terminal::print;
