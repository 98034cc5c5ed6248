//! The typed tree of an expression: what it means, for whoever reasons about it.
//!
//! It is in a canonical form. `&&` and `||` are flat lists of at least two; in a comparison with
//! one constant the constant is on the right; an arithmetic over constants is a constant; an int
//! constant that meets a float column is a float where that is exact.

use regex::Regex;

use crate::domain::{FieldId, Zone};

use super::{Constant, StateBit, Type};

/// A range of bytes of the expression's text.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

/// A sub-expression with its type and its place in the text.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The type of its value.
    pub node_type: Type,
    /// Its text.
    pub span: Span,
}

/// What a sub-expression is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// A value known when the bundle loads; never a list.
    Constant(Constant),
    /// A column's value; missing is an error.
    Column(FieldId),
    /// Whether a column has a value; never an error.
    Has(FieldId),
    /// What became of an event; only in a feature's `where:`.
    State(StateBit),
    /// `!x`.
    Not(Box<Node>),
    /// False when any is false, else an error when any is one.
    And(Vec<Node>),
    /// True when any is true, else an error when any is one.
    Or(Vec<Node>),
    /// `condition ? then : otherwise`.
    If {
        /// Of type bool.
        condition: Box<Node>,
        /// The value when it is true.
        then: Box<Node>,
        /// The value when it is false; of the same type.
        otherwise: Box<Node>,
    },
    /// Two values of one type, or an int and a float, which compare exactly.
    Compare {
        /// How they stand.
        relation: Relation,
        /// The left value.
        left: Box<Node>,
        /// The right value; the constant if only one side is.
        right: Box<Node>,
    },
    /// `value in [..]`: constants of the value's type (an int and a float may meet).
    OneOf {
        /// What is looked for.
        value: Box<Node>,
        /// Among which values.
        list: Vec<Constant>,
    },
    /// `left + right` and the like.
    Arithmetic {
        /// What is computed.
        operator: Arithmetic,
        /// The left value.
        left: Box<Node>,
        /// The right value.
        right: Box<Node>,
    },
    /// `-x`.
    Negate(Box<Node>),
    /// `text.startsWith(argument)` and the like.
    Text {
        /// What is asked.
        test: TextTest,
        /// Of which text.
        text: Box<Node>,
        /// With which text.
        argument: Box<Node>,
    },
    /// `text.matches("pattern")`.
    Matches {
        /// The text.
        text: Box<Node>,
        /// The pattern, found anywhere in it.
        pattern: Pattern,
    },
    /// `size(text)`: its code points.
    Size(Box<Node>),
    /// `int(x)` or `double(x)`, as the node's type says.
    Convert(Box<Node>),
    /// A part of a moment on the wall clock of a zone.
    Part {
        /// Which part.
        part: TimePart,
        /// Of which moment.
        moment: Box<Node>,
        /// In which zone.
        zone: Zone,
    },
    /// A duration counted in whole units of so many milliseconds, toward zero.
    WholeUnits {
        /// The duration.
        duration: Box<Node>,
        /// Milliseconds of one unit.
        unit_ms: i64,
    },
    /// `distance_km(lat, lon, lat, lon)`: kilometres on a sphere between two places in degrees.
    Distance(Box<[Node; 4]>),
    /// The lesser of two.
    Least(Box<Node>, Box<Node>),
    /// The greater of two.
    Greatest(Box<Node>, Box<Node>),
    /// The value without its sign.
    Absolute(Box<Node>),
}

/// How two values stand.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Relation {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Relation {
    /// The relation with its sides exchanged: `a < b` is `b > a`.
    #[must_use]
    pub const fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }

    /// The relation that holds between two ordered values exactly when this one does not.
    #[must_use]
    pub const fn negated(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }

    /// Whether it holds between two comparable values.
    #[inline]
    pub fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// What an arithmetic computes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`: toward zero for ints, a float for money over money.
    Divide,
    /// `%`, with the sign of the left side.
    Remainder,
}

/// What is asked of a text.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TextTest {
    /// `startsWith`
    StartsWith,
    /// `endsWith`
    EndsWith,
    /// `contains`
    Contains,
}

/// A part of a moment on a wall clock, counted as CEL does.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TimePart {
    /// `getFullYear`
    Year,
    /// `getMonth`, January is 0.
    Month,
    /// `getDate`, the first is 1.
    Date,
    /// `getDayOfMonth`, the first is 0.
    DayOfMonth,
    /// `getDayOfWeek`, Sunday is 0.
    DayOfWeek,
    /// `getDayOfYear`, the first is 0.
    DayOfYear,
    /// `getHours`
    Hours,
    /// `getMinutes`
    Minutes,
    /// `getSeconds`
    Seconds,
    /// `getMilliseconds`
    Milliseconds,
}

impl TimePart {
    /// The part that a method of this name reads.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "getFullYear" => Self::Year,
            "getMonth" => Self::Month,
            "getDate" => Self::Date,
            "getDayOfMonth" => Self::DayOfMonth,
            "getDayOfWeek" => Self::DayOfWeek,
            "getDayOfYear" => Self::DayOfYear,
            "getHours" => Self::Hours,
            "getMinutes" => Self::Minutes,
            "getSeconds" => Self::Seconds,
            "getMilliseconds" => Self::Milliseconds,
            _ => return None,
        })
    }
}

/// A compiled regular expression of bounded size; equal when its text is.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern; the error is a sentence.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        if text.len() > Self::TEXT_MAX {
            return Err(format!("a pattern has at most {} bytes", Self::TEXT_MAX));
        }
        let built = regex::RegexBuilder::new(text)
            .size_limit(Self::COMPILED_MAX)
            .dfa_size_limit(Self::COMPILED_MAX)
            .nest_limit(32)
            .build();
        match built {
            Ok(regex) => Ok(Self(regex)),
            Err(regex::Error::CompiledTooBig(_)) => {
                Err("the pattern is too large once compiled: shorten its repetitions".into())
            }
            Err(error) => {
                // The crate's message ends with the cause; what stands before is the drawing.
                let text = error.to_string();
                let cause = text.lines().last().unwrap_or("");
                Err(format!("not a pattern: {}", cause.trim_start_matches("error: ")))
            }
        }
    }

    /// Longest pattern.
    const TEXT_MAX: usize = 1_024;
    /// Most memory of one compiled pattern.
    const COMPILED_MAX: usize = 1 << 18;

    /// The compiled form.
    pub fn regex(&self) -> &Regex {
        &self.0
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Node {
    /// The constant, if it is one.
    pub fn constant(&self) -> Option<&Constant> {
        match &self.kind {
            NodeKind::Constant(constant) => Some(constant),
            _ => None,
        }
    }

    /// The direct parts, in the order of the text.
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            NodeKind::Constant(_) | NodeKind::Column(_) | NodeKind::Has(_) | NodeKind::State(_) => {
                Vec::new()
            }
            NodeKind::Not(one)
            | NodeKind::Negate(one)
            | NodeKind::Size(one)
            | NodeKind::Convert(one)
            | NodeKind::Absolute(one)
            | NodeKind::OneOf { value: one, .. }
            | NodeKind::Matches { text: one, .. }
            | NodeKind::Part { moment: one, .. }
            | NodeKind::WholeUnits { duration: one, .. } => vec![one],
            NodeKind::And(all) | NodeKind::Or(all) => all.iter().collect(),
            NodeKind::Distance(places) => places.iter().collect(),
            NodeKind::If { condition, then, otherwise } => vec![condition, then, otherwise],
            NodeKind::Compare { left, right, .. }
            | NodeKind::Arithmetic { left, right, .. }
            | NodeKind::Text { text: left, argument: right, .. }
            | NodeKind::Least(left, right)
            | NodeKind::Greatest(left, right) => vec![left, right],
        }
    }

    /// The columns that it reads, sorted, each once.
    pub fn fields(&self) -> Vec<FieldId> {
        let mut fields = Vec::new();
        self.collect_fields(&mut fields);
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    fn collect_fields(&self, fields: &mut Vec<FieldId>) {
        if let NodeKind::Column(id) | NodeKind::Has(id) = self.kind {
            fields.push(id);
        }
        for child in self.children() {
            child.collect_fields(fields);
        }
    }
}
