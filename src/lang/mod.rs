//! What does this expression mean? CEL, parsed, typed and compiled to programs over a row.
//!
//! ```text
//!  text ─▶ syntax (cel crate's parser, bounded) ─▶ check (names, types) ─▶ Node ─▶ Code ─▶ Program
//!              └─ Fault: place, caret, nearest name ─┘                       └─▶ Where (features)
//! ```
//!
//! Rules and features both speak CEL, and no stage may import another: so the language is a room of
//! its own. A missing value is an error of CEL, which `&&` and `||` absorb: a program answers true,
//! false or undetermined. The typed tree ([`Node`]) is kept beside the code, for whoever reasons
//! about an expression instead of running it.
//!
//! Differences from CEL, all on purpose: money is a type; names are the schema's columns and may
//! hold dots; a time of day is read in the bundle's zone unless another is named; the pattern of
//! `matches` and the elements of a list are constants; durations and moments are milliseconds.

mod fault;
mod suggest;
mod types;
mod literal;
mod scope;
mod syntax;
mod node;
mod check;
mod code;
mod emit;
mod eval;
mod program;
mod filter;
mod conditions;
mod reckon;
#[cfg(test)]
pub(crate) mod tests;

pub use conditions::{Conditions, Marks, Subset};
pub use eval::{EvalError, Truth};
pub use fault::{Fault, Place};
pub use filter::{StateBit, StateBits, Where, compile_where};
pub use literal::{duration_text, parse_duration};
pub use node::{Arithmetic, Node, NodeKind, Pattern, Relation, Span, TextTest, TimePart};
pub use program::{Expected, Program, compile, compile_constant};
pub use reckon::{CelMap, CelValue, NoValue, reckon};
pub use scope::Scope;
pub use suggest::nearest;
pub use types::{Constant, Type};
