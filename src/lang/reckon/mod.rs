//! CEL over literals, as cel-spec has it: the pocket calculator, and what its conformance cases run
//! through.
//!
//! Rules speak the typed language of this room's neighbours, which has columns, money and no lists.
//! This one has every value of CEL and no column: unsigned numbers, bytes, lists, maps, types,
//! macros, moments to the nanosecond. It walks the tree and allocates; no event passes through it.
//!
//! Of cel-spec's conformance suite every case that needs no variable, no protobuf message (so no
//! wrapper, `Any` or enum either) and no extension library but macros of two variables has its value
//! here. Names are always checked: the cases that switch the check off to see `x || true` absorb an
//! unknown `x`, or an unknown function, end in a fault, since an analyst's misspelt name must show.
//!
//! As cel-spec and both reference implementations have it, an int or uint that meets a double within
//! its range is rounded to a double first; rules compare the two exactly.

mod value;
mod names;
mod walk;
mod operators;
mod functions;
mod convert;
mod times;
mod literals;
mod macros;
#[cfg(test)]
mod tests;

pub use value::{CelMap, CelValue};

use super::syntax::Syntax;
use super::{Fault, Place};
use crate::domain::Zone;

/// Why an expression over literals has no value.
#[derive(Clone, Debug, PartialEq)]
pub enum NoValue {
    /// It has no meaning: its form is wrong, or it speaks of what is not there.
    Meaning(Vec<Fault>),
    /// It means something, and computing it ended in an error.
    Error(Box<Fault>),
}

/// Computes an expression over literals. A part of a day is read in `zone`; in UTC without one, as
/// CEL has it.
pub fn reckon(text: &str, place: &Place, zone: Option<&Zone>) -> Result<CelValue, NoValue> {
    let syntax = Syntax::parse(text, place).map_err(NoValue::Meaning)?;
    let faults = names::check(&syntax, text, place);
    if !faults.is_empty() {
        return Err(NoValue::Meaning(faults));
    }
    walk::Walk::new(text, &syntax, zone).answer().map_err(|error| {
        let fault = Fault::at(place, text, error.at as usize, error.message);
        NoValue::Error(Box::new(fault))
    })
}

/// An error while computing, at a byte of the text.
#[derive(Clone, Debug)]
struct Error {
    at: u32,
    message: String,
}
