//! The program of an expression: operations by type in flat tables, children by index.
//!
//! Each table holds one type, so that no value is boxed or tagged while it is computed. Whole
//! values (int, money, moments, durations, ids) share a table: they differ in what may meet what,
//! which has been checked. The usual leaf, a column against a constant, is one operation.

use crate::domain::{FieldId, Zone};

use super::{Arithmetic, Pattern, Relation, TextTest, TimePart};

/// An index into one of the tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Truths(pub(super) u32);
/// An index into the whole values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wholes(pub(super) u32);
/// An index into the floats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Floats(pub(super) u32);
/// An index into the texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Texts(pub(super) u32);

/// Where an expression's result is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Root {
    Truth(Truths),
    Whole(Wholes),
    Float(Floats),
    Text(Texts),
}

/// Children of a list of terms: a range of [`Code::terms`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Terms {
    pub(super) first: u32,
    pub(super) count: u32,
}

/// A compiled expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Code {
    pub(super) truths: Vec<TruthOp>,
    pub(super) wholes: Vec<WholeOp>,
    pub(super) floats: Vec<FloatOp>,
    pub(super) texts: Vec<TextOp>,
    pub(super) terms: Vec<Truths>,
    pub(super) root: Root,
}

/// An operation whose value is true or false.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TruthOp {
    Constant(bool),
    Column(FieldId),
    Has(FieldId),
    Not(Truths),
    And(Terms),
    Or(Terms),
    If(Truths, Truths, Truths),
    WholeColumn {
        field: FieldId,
        relation: Relation,
        constant: i64,
    },
    FloatColumn {
        field: FieldId,
        relation: Relation,
        constant: f64,
    },
    TextColumn {
        field: FieldId,
        equal: bool,
        constant: Box<str>,
    },
    Truths {
        equal: bool,
        left: Truths,
        right: Truths,
    },
    Wholes {
        relation: Relation,
        left: Wholes,
        right: Wholes,
    },
    Floats {
        relation: Relation,
        left: Floats,
        right: Floats,
    },
    Mixed {
        relation: Relation,
        left: Wholes,
        right: Floats,
    },
    Texts {
        relation: Relation,
        left: Texts,
        right: Texts,
    },
    /// Sorted.
    WholeOneOf {
        value: Wholes,
        list: Box<[i64]>,
    },
    /// Floats among numbers, or ints among floats, in the list's order.
    FloatOneOf {
        value: Floats,
        list: Box<[f64]>,
    },
    MixedOneOf {
        value: Wholes,
        list: Box<[f64]>,
    },
    /// Ints that no float holds, looked for by a float.
    FloatAmongInts {
        value: Floats,
        list: Box<[i64]>,
    },
    /// Sorted.
    TextOneOf {
        value: Texts,
        list: Box<[Box<str>]>,
    },
    TextTest {
        test: TextTest,
        text: Texts,
        argument: Texts,
    },
    Matches {
        text: Texts,
        pattern: Box<Pattern>,
    },
}

/// An operation whose value is a whole number.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum WholeOp {
    Constant(i64),
    Column(FieldId),
    If(Truths, Wholes, Wholes),
    Arithmetic(Arithmetic, Wholes, Wholes),
    /// A sum or difference that is a moment.
    Moment(Arithmetic, Wholes, Wholes),
    Negate(Wholes),
    Absolute(Wholes),
    Least(Wholes, Wholes),
    Greatest(Wholes, Wholes),
    FromFloat(Floats),
    /// Divided, toward negative infinity: moments become seconds.
    FlooredUnits(Wholes, i64),
    /// Divided, toward zero: durations become units.
    Units(Wholes, i64),
    Size(Texts),
    Part {
        part: TimePart,
        moment: Wholes,
        zone: Box<Zone>,
    },
}

/// An operation whose value is a float.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum FloatOp {
    Constant(f64),
    Column(FieldId),
    If(Truths, Floats, Floats),
    Arithmetic(Arithmetic, Floats, Floats),
    Ratio(Wholes, Wholes),
    Negate(Floats),
    Absolute(Floats),
    Least(Floats, Floats),
    Greatest(Floats, Floats),
    FromWhole(Wholes),
    /// Between two places, latitude before longitude.
    Distance([Floats; 4]),
}

/// An operation whose value is a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TextOp {
    Constant(Box<str>),
    Column(FieldId),
    If(Truths, Texts, Texts),
}

// Rules are read from memory once an event: an operation is half a cache line.
const _: () = assert!(size_of::<TruthOp>() <= 32);
const _: () = assert!(size_of::<WholeOp>() <= 24);
