//! A compiled expression: what the stages hold and run.

use std::fmt;

use crate::domain::{FeatureVector, FieldId, FieldType, Value};

use super::check::{Room, check, check_constant};
use super::code::{Code, Root};
use super::eval::Raw;
use super::{Constant, EvalError, Fault, Node, Place, Scope, Truth, Type};

/// Which type an expression must have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expected {
    /// Bool: a rule's `when:`.
    Condition,
    /// Whatever a column can hold: a derived value.
    Value,
    /// The type of one column.
    Exactly(FieldType),
    /// Any type; a duration's value is its milliseconds.
    Anything,
}

/// A checked and compiled expression over the rows of one schema.
#[derive(Clone)]
pub struct Program {
    node: Node,
    code: Code,
    fields: Vec<FieldId>,
    result_type: FieldType,
    source: String,
}

/// Compiles an expression; the error holds every fault.
pub fn compile(
    text: &str,
    place: &Place,
    scope: &Scope<'_>,
    expected: Expected,
) -> Result<Program, Vec<Fault>> {
    let node = check(text, place, scope, Room::Row)?;
    let wanted = match expected {
        Expected::Condition => Some(Type::Bool),
        Expected::Exactly(field_type) => Some(Type::of(field_type)),
        Expected::Value | Expected::Anything => None,
    };
    let wrong = match wanted {
        Some(wanted) if wanted != node.node_type => {
            Some(format!("{} is needed here, this is {}", wanted.name(), node.node_type.name()))
        }
        None if expected == Expected::Value && node.node_type.field_type().is_none() => {
            Some("a duration is no column: count it by `x.getSeconds()`".into())
        }
        _ => None,
    };
    match wrong {
        Some(message) => Err(vec![Fault::at(place, text, node.span.start as usize, message)]),
        None => Ok(Program::new(node, text)),
    }
}

/// Reads a constant of a bundle: a literal, an arithmetic over constants, or a list of them.
pub fn compile_constant(
    text: &str,
    place: &Place,
    scope: &Scope<'_>,
) -> Result<Constant, Vec<Fault>> {
    check_constant(text, place, scope)
}

impl Program {
    /// Compiles a checked tree; `text` is the text that its spans point into. A duration's type is
    /// that of its milliseconds, for the callers that let none through.
    pub(super) fn new(node: Node, text: &str) -> Self {
        Self {
            code: Code::of(&node),
            fields: node.fields(),
            result_type: node.node_type.field_type().unwrap_or(FieldType::Int),
            source: text.to_owned(),
            node,
        }
    }

    /// One part of its tree as a program of its own, for whoever asks why it says what it says.
    pub fn part(&self, part: &Node) -> Self {
        Self::new(part.clone(), &self.source)
    }

    /// What it says of a row; of an expression that is no condition, nothing.
    ///
    /// The row is one of the schema that the expression was compiled against, as below.
    #[inline]
    pub fn truth(&self, row: &FeatureVector) -> Truth {
        match self.code.root {
            Root::Truth(root) => Truth::of(self.code.truth_at(root, row)),
            _ => Truth::Undetermined,
        }
    }

    /// Its value over a row.
    pub fn value<'r>(&'r self, row: &'r FeatureVector) -> Result<Value<'r>, EvalError> {
        Ok(match (self.code.run(row)?, self.result_type) {
            (Raw::Truth(value), _) => Value::Bool(value),
            (Raw::Float(value), _) => Value::Float(value),
            (Raw::Text(value), _) => Value::Text(value),
            (Raw::Whole(value), FieldType::Money) => Value::Money(value),
            (Raw::Whole(value), FieldType::Timestamp) => Value::Timestamp(value),
            (Raw::Whole(value), FieldType::Id) => Value::Id(value.cast_unsigned()),
            (Raw::Whole(value), _) => Value::Int(value),
        })
    }

    /// What a part computes, as a text that is equal when it computes the same: places and the names
    /// of constants are not in it.
    pub fn meaning(&self, part: &Node) -> String {
        format!("{:?}", Code::of(part))
    }

    /// Whether the other program computes the same, whatever its text: two features that ask the
    /// same of an event share one answer.
    pub fn is_same(&self, other: &Self) -> bool {
        self.code == other.code
    }

    /// What it computes, as a text: equal for two programs of which one would do.
    pub fn canonical(&self) -> String {
        format!("{:?}", self.code)
    }

    /// The columns that it reads or asks for, sorted, each once.
    pub fn fields(&self) -> &[FieldId] {
        &self.fields
    }

    /// The type of its value.
    pub fn result_type(&self) -> FieldType {
        self.result_type
    }

    /// Its text; the spans of [`Self::node`] point into it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its typed tree.
    pub fn node(&self) -> &Node {
        &self.node
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Program({})", self.source)
    }
}
