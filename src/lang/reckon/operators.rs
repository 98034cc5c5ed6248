//! What the operators compute over two values of CEL.

use std::cmp::Ordering;

use cel::common::ast::operators as names;

use crate::lang::{Arithmetic, Relation};

use super::value::CelValue as V;
use super::{times, walk};

pub(super) const OVERFLOW: &str = "a number leaves its range";
pub(super) const DIVIDE_BY_ZERO: &str = "division by zero";

/// An operator over two values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Binary {
    Relation(Relation),
    Arithmetic(Arithmetic),
    In,
    Index,
}

/// The operator with this name in the syntax tree.
pub(super) fn binary(name: &str) -> Option<Binary> {
    Some(match name {
        names::ADD => Binary::Arithmetic(Arithmetic::Add),
        names::SUBSTRACT => Binary::Arithmetic(Arithmetic::Subtract),
        names::MULTIPLY => Binary::Arithmetic(Arithmetic::Multiply),
        names::DIVIDE => Binary::Arithmetic(Arithmetic::Divide),
        names::MODULO => Binary::Arithmetic(Arithmetic::Remainder),
        names::IN => Binary::In,
        names::INDEX => Binary::Index,
        _ => Binary::Relation(walk::relation(name)?),
    })
}

/// Bytes that the result takes beyond its operands.
pub(super) fn growth(operator: Binary, left: &V, right: &V) -> usize {
    match (operator, left, right) {
        (Binary::Arithmetic(_), V::Text(left), V::Text(right)) => left.len() + right.len(),
        (Binary::Arithmetic(_), V::Bytes(left), V::Bytes(right)) => left.len() + right.len(),
        (Binary::Arithmetic(_), V::List(left), V::List(right)) => {
            (left.len() + right.len()) * size_of::<V>()
        }
        _ => 0,
    }
}

/// Steps that the comparisons within an operation take, up to `most`.
pub(super) fn steps(operator: Binary, left: &V, right: &V, most: usize) -> usize {
    match (operator, left, right) {
        // Each entry of one is sought among those of the other.
        (Binary::Relation(_), V::Map(of), V::Map(in_)) => {
            let pairs = of.entries().len().saturating_mul(in_.entries().len());
            pairs.saturating_add(left.weight(most)).min(most)
        }
        (Binary::Relation(_), ..) => left.weight(most).min(right.weight(most)),
        (Binary::In, _, V::List(_)) => right.weight(most),
        (Binary::In, _, V::Map(map)) | (Binary::Index, V::Map(map), _) => map.entries().len(),
        _ => 0,
    }
}

/// The result, or its error; `None` when there is no such operation on such types.
pub(super) fn compute(operator: Binary, left: &V, right: &V) -> Option<Result<V, String>> {
    match operator {
        Binary::Relation(Relation::Equal) => Some(Ok(V::Bool(left.equals(right)))),
        Binary::Relation(Relation::NotEqual) => Some(Ok(V::Bool(!left.equals(right)))),
        Binary::Relation(relation) => {
            let holds = match order(left, right)? {
                Some(order) => relation.holds(order, Ordering::Equal),
                // Nothing stands before or after a NaN.
                None => false,
            };
            Some(Ok(V::Bool(holds)))
        }
        Binary::Arithmetic(operator) => arithmetic(operator, left, right),
        Binary::In => match right {
            V::List(items) => Some(Ok(V::Bool(items.iter().any(|item| item.equals(left))))),
            V::Map(map) => Some(Ok(V::Bool(map.get(left).is_some()))),
            _ => None,
        },
        Binary::Index => index(left, right),
    }
}

/// How two values stand that have an order; `Some(None)` where a NaN is met.
fn order(left: &V, right: &V) -> Option<Option<Ordering>> {
    Some(match (left, right) {
        (V::Bool(left), V::Bool(right)) => Some(left.cmp(right)),
        (V::Text(left), V::Text(right)) => Some(left.cmp(right)),
        (V::Bytes(left), V::Bytes(right)) => Some(left.cmp(right)),
        (V::Timestamp(left), V::Timestamp(right)) => Some(left.cmp(right)),
        (V::Duration(left), V::Duration(right)) => Some(left.cmp(right)),
        (V::Int(_) | V::UInt(_) | V::Double(_), V::Int(_) | V::UInt(_) | V::Double(_)) => {
            left.order_of_numbers(right)
        }
        _ => return None,
    })
}

fn arithmetic(operator: Arithmetic, left: &V, right: &V) -> Option<Result<V, String>> {
    use Arithmetic as A;
    Some(match (operator, left, right) {
        (_, V::Int(left), V::Int(right)) => ints(operator, *left, *right).map(V::Int),
        (_, V::UInt(left), V::UInt(right)) => uints(operator, *left, *right).map(V::UInt),
        (A::Add, V::Double(left), V::Double(right)) => Ok(V::Double(left + right)),
        (A::Subtract, V::Double(left), V::Double(right)) => Ok(V::Double(left - right)),
        (A::Multiply, V::Double(left), V::Double(right)) => Ok(V::Double(left * right)),
        (A::Divide, V::Double(left), V::Double(right)) => Ok(V::Double(left / right)),
        (A::Add, V::Text(left), V::Text(right)) => Ok(V::text(format!("{left}{right}"))),
        (A::Add, V::Bytes(left), V::Bytes(right)) => {
            Ok(V::Bytes(left.iter().chain(right.iter()).copied().collect()))
        }
        (A::Add, V::List(left), V::List(right)) => {
            Ok(V::List(left.iter().chain(right.iter()).cloned().collect()))
        }
        (A::Add, V::Timestamp(at), V::Duration(length))
        | (A::Add, V::Duration(length), V::Timestamp(at)) => {
            times::moment(at + i128::from(*length)).map(V::Timestamp)
        }
        (A::Subtract, V::Timestamp(at), V::Duration(length)) => {
            times::moment(at - i128::from(*length)).map(V::Timestamp)
        }
        (A::Subtract, V::Timestamp(left), V::Timestamp(right)) => {
            times::length(left - right).map(V::Duration)
        }
        (A::Add, V::Duration(left), V::Duration(right)) => {
            times::length(i128::from(*left) + i128::from(*right)).map(V::Duration)
        }
        (A::Subtract, V::Duration(left), V::Duration(right)) => {
            times::length(i128::from(*left) - i128::from(*right)).map(V::Duration)
        }
        _ => return None,
    })
}

fn ints(operator: Arithmetic, left: i64, right: i64) -> Result<i64, String> {
    let result = match operator {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide | Arithmetic::Remainder if right == 0 => {
            return Err(DIVIDE_BY_ZERO.into());
        }
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Remainder => left.checked_rem(right),
    };
    result.ok_or_else(|| OVERFLOW.into())
}

fn uints(operator: Arithmetic, left: u64, right: u64) -> Result<u64, String> {
    let result = match operator {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide | Arithmetic::Remainder if right == 0 => {
            return Err(DIVIDE_BY_ZERO.into());
        }
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Remainder => left.checked_rem(right),
    };
    result.ok_or_else(|| OVERFLOW.into())
}

/// `list[index]` or `map[key]`.
fn index(of: &V, key: &V) -> Option<Result<V, String>> {
    match of {
        V::Map(map) => Some(map.get(key).cloned().ok_or_else(|| match key {
            V::List(_) | V::Map(_) => format!("no such key: no {} is one", key.type_name()),
            _ => format!("no such key: {key}"),
        })),
        V::List(items) => {
            let index = match key {
                V::Int(index) => usize::try_from(*index).ok(),
                V::UInt(index) => usize::try_from(*index).ok(),
                V::Double(index) if index.fract() == 0.0 && (0.0..1e15).contains(index) => {
                    Some(*index as usize)
                }
                V::Double(_) => None,
                _ => return None,
            };
            let item = index.and_then(|index| items.get(index)).cloned();
            Some(item.ok_or_else(|| format!("index out of bounds: {key} of {}", items.len())))
        }
        _ => None,
    }
}
