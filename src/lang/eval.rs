//! Runs a program over a row: no allocation, errors as CEL has them.
//!
//! Recursion follows the expression's depth, which its tokens bound.

use std::cmp::Ordering;

use thiserror::Error;

use crate::domain::{EventTime, FeatureVector, FieldId, Zone};

use super::code::{
    Code, FloatOp, Floats, Root, Terms, TextOp, Texts, TruthOp, Truths, WholeOp, Wholes,
};
use super::{Arithmetic, Constant, Relation, TextTest, TimePart, Type};

/// Why an expression has no value over a row.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum EvalError {
    /// A column that it needs has no value.
    #[error("a column has no value")]
    Missing(FieldId),
    /// A whole number, an amount or a moment left its range.
    #[error("a number leaves its range")]
    Overflow,
    /// A whole number or an amount was divided by zero.
    #[error("division by zero")]
    DivideByZero,
}

/// What a condition says of a row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It ends in an error, most often a missing value.
    Undetermined,
}

impl Truth {
    pub(super) const fn of(result: Result<bool, EvalError>) -> Self {
        match result {
            Ok(true) => Self::True,
            Ok(false) => Self::False,
            Err(_) => Self::Undetermined,
        }
    }
}

/// A result: like a constant, without owning its text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'r> {
    Truth(bool),
    Whole(i64),
    Float(f64),
    Text(&'r str),
}

impl Code {
    /// The result of the whole expression.
    pub(super) fn run<'r>(&'r self, row: &'r FeatureVector) -> Result<Raw<'r>, EvalError> {
        Ok(match self.root {
            Root::Truth(root) => Raw::Truth(self.truth_at(root, row)?),
            Root::Whole(root) => Raw::Whole(self.whole_at(root, row)?),
            Root::Float(root) => Raw::Float(self.float_at(root, row)?),
            Root::Text(root) => Raw::Text(self.text_at(root, row)?),
        })
    }

    /// The result as a constant of a type.
    pub(super) fn constant(
        &self,
        node_type: Type,
        row: &FeatureVector,
    ) -> Result<Constant, EvalError> {
        Ok(match (self.run(row)?, node_type) {
            (Raw::Truth(value), _) => Constant::Bool(value),
            (Raw::Float(value), _) => Constant::Float(value),
            (Raw::Text(value), _) => Constant::Text(value.into()),
            (Raw::Whole(value), Type::Money) => Constant::Money(value),
            (Raw::Whole(value), Type::Timestamp) => Constant::Timestamp(value),
            (Raw::Whole(value), Type::Duration) => Constant::Duration(value),
            (Raw::Whole(value), _) => Constant::Int(value),
        })
    }

    /// A truth; the index is one that `emit` has made, as everywhere below.
    pub(super) fn truth_at(&self, at: Truths, row: &FeatureVector) -> Result<bool, EvalError> {
        match &self.truths[at.0 as usize] {
            TruthOp::WholeColumn { field, relation, constant } => {
                Ok(relation.holds(whole_column(*field, row)?, *constant))
            }
            TruthOp::FloatColumn { field, relation, constant } => {
                Ok(relation.holds(float_column(*field, row)?, *constant))
            }
            TruthOp::TextColumn { field, equal, constant } => {
                Ok((text_column(*field, row)? == &**constant) == *equal)
            }
            TruthOp::Column(field) => Ok(whole_column(*field, row)? != 0),
            TruthOp::Has(field) => Ok(row.has(*field)),
            TruthOp::And(terms) => self.joined(*terms, row, false),
            TruthOp::Or(terms) => self.joined(*terms, row, true),
            TruthOp::Not(one) => Ok(!self.truth_at(*one, row)?),
            TruthOp::Constant(value) => Ok(*value),
            TruthOp::If(condition, then, otherwise) => {
                let chosen = if self.truth_at(*condition, row)? { then } else { otherwise };
                self.truth_at(*chosen, row)
            }
            op => self.rare_truth(op, row),
        }
    }

    /// `&&` (ended by false) or `||` (ended by true): an error yields to what ends the list.
    fn joined(&self, terms: Terms, row: &FeatureVector, ends: bool) -> Result<bool, EvalError> {
        let first = terms.first as usize;
        let mut error = None;
        for term in &self.terms[first..first + terms.count as usize] {
            match self.truth_at(*term, row) {
                Ok(value) if value == ends => return Ok(ends),
                Ok(_) => {}
                Err(found) => error = error.or(Some(found)),
            }
        }
        error.map_or(Ok(!ends), Err)
    }

    fn rare_truth(&self, op: &TruthOp, row: &FeatureVector) -> Result<bool, EvalError> {
        Ok(match op {
            TruthOp::Truths { equal, left, right } => {
                (self.truth_at(*left, row)? == self.truth_at(*right, row)?) == *equal
            }
            TruthOp::Wholes { relation, left, right } => {
                relation.holds(self.whole_at(*left, row)?, self.whole_at(*right, row)?)
            }
            TruthOp::Floats { relation, left, right } => {
                relation.holds(self.float_at(*left, row)?, self.float_at(*right, row)?)
            }
            TruthOp::Mixed { relation, left, right } => {
                mixed(*relation, self.whole_at(*left, row)?, self.float_at(*right, row)?)
            }
            TruthOp::Texts { relation, left, right } => {
                relation.holds(self.text_at(*left, row)?, self.text_at(*right, row)?)
            }
            TruthOp::WholeOneOf { value, list } => {
                list.binary_search(&self.whole_at(*value, row)?).is_ok()
            }
            TruthOp::FloatOneOf { value, list } => {
                let value = self.float_at(*value, row)?;
                list.iter().any(|one| Relation::Equal.holds(*one, value))
            }
            TruthOp::MixedOneOf { value, list } => {
                let value = self.whole_at(*value, row)?;
                list.iter().any(|one| mixed(Relation::Equal, value, *one))
            }
            TruthOp::FloatAmongInts { value, list } => {
                let value = self.float_at(*value, row)?;
                list.iter().any(|one| mixed(Relation::Equal, *one, value))
            }
            TruthOp::TextOneOf { value, list } => {
                let value = self.text_at(*value, row)?;
                list.binary_search_by(|one| (**one).cmp(value)).is_ok()
            }
            TruthOp::TextTest { test, text, argument } => {
                let (text, argument) = (self.text_at(*text, row)?, self.text_at(*argument, row)?);
                match test {
                    TextTest::StartsWith => text.starts_with(argument),
                    TextTest::EndsWith => text.ends_with(argument),
                    TextTest::Contains => text.contains(argument),
                }
            }
            TruthOp::Matches { text, pattern } => {
                pattern.regex().is_match(self.text_at(*text, row)?)
            }
            // The others are met in `truth_at`.
            _ => false,
        })
    }

    fn whole_at(&self, at: Wholes, row: &FeatureVector) -> Result<i64, EvalError> {
        let overflow = EvalError::Overflow;
        match &self.wholes[at.0 as usize] {
            WholeOp::Constant(value) => Ok(*value),
            WholeOp::Column(field) => whole_column(*field, row),
            WholeOp::If(condition, then, otherwise) => {
                let chosen = if self.truth_at(*condition, row)? { then } else { otherwise };
                self.whole_at(*chosen, row)
            }
            WholeOp::Arithmetic(operator, left, right) => {
                whole_arithmetic(*operator, self.whole_at(*left, row)?, self.whole_at(*right, row)?)
            }
            WholeOp::Moment(operator, left, right) => {
                let (left, right) = (self.whole_at(*left, row)?, self.whole_at(*right, row)?);
                Ok(moment(whole_arithmetic(*operator, left, right)?)?.as_ms())
            }
            WholeOp::Negate(one) => self.whole_at(*one, row)?.checked_neg().ok_or(overflow),
            WholeOp::Absolute(one) => self.whole_at(*one, row)?.checked_abs().ok_or(overflow),
            WholeOp::Least(left, right) => {
                Ok(self.whole_at(*left, row)?.min(self.whole_at(*right, row)?))
            }
            WholeOp::Greatest(left, right) => {
                Ok(self.whole_at(*left, row)?.max(self.whole_at(*right, row)?))
            }
            WholeOp::FromFloat(one) => whole_of(self.float_at(*one, row)?),
            WholeOp::FlooredUnits(one, unit) => Ok(self.whole_at(*one, row)?.div_euclid(*unit)),
            WholeOp::Units(one, unit) => Ok(self.whole_at(*one, row)? / unit),
            WholeOp::Size(text) => Ok(self.text_at(*text, row)?.chars().count() as i64),
            WholeOp::Part { part, moment: at, zone } => {
                Ok(time_part(*part, moment(self.whole_at(*at, row)?)?, zone))
            }
        }
    }

    fn float_at(&self, at: Floats, row: &FeatureVector) -> Result<f64, EvalError> {
        let both = |left: &Floats, right: &Floats| {
            Ok((self.float_at(*left, row)?, self.float_at(*right, row)?))
        };
        Ok(match &self.floats[at.0 as usize] {
            FloatOp::Constant(value) => *value,
            FloatOp::Column(field) => float_column(*field, row)?,
            FloatOp::If(condition, then, otherwise) => {
                let chosen = if self.truth_at(*condition, row)? { then } else { otherwise };
                self.float_at(*chosen, row)?
            }
            FloatOp::Arithmetic(operator, left, right) => {
                let (left, right) = both(left, right)?;
                match operator {
                    Arithmetic::Add => left + right,
                    Arithmetic::Subtract => left - right,
                    Arithmetic::Multiply => left * right,
                    // Floats have no remainder in CEL; the checker lets none through.
                    Arithmetic::Divide | Arithmetic::Remainder => left / right,
                }
            }
            FloatOp::Ratio(left, right) => {
                let (left, right) = (self.whole_at(*left, row)?, self.whole_at(*right, row)?);
                if right == 0 {
                    return Err(EvalError::DivideByZero);
                }
                left as f64 / right as f64
            }
            FloatOp::Negate(one) => -self.float_at(*one, row)?,
            FloatOp::Absolute(one) => self.float_at(*one, row)?.abs(),
            FloatOp::Least(left, right) => {
                let (left, right) = both(left, right)?;
                if right < left { right } else { left }
            }
            FloatOp::Greatest(left, right) => {
                let (left, right) = both(left, right)?;
                if right > left { right } else { left }
            }
            FloatOp::FromWhole(one) => self.whole_at(*one, row)? as f64,
            FloatOp::Distance([lat, lon, other_lat, other_lon]) => {
                let here = (self.float_at(*lat, row)?, self.float_at(*lon, row)?);
                let there = (self.float_at(*other_lat, row)?, self.float_at(*other_lon, row)?);
                distance_km(here, there)?
            }
        })
    }

    fn text_at<'r>(&'r self, at: Texts, row: &'r FeatureVector) -> Result<&'r str, EvalError> {
        match &self.texts[at.0 as usize] {
            TextOp::Constant(text) => Ok(text),
            TextOp::Column(field) => text_column(*field, row),
            TextOp::If(condition, then, otherwise) => {
                let chosen = if self.truth_at(*condition, row)? { then } else { otherwise };
                self.text_at(*chosen, row)
            }
        }
    }
}

/// The great circle between two places in degrees, on a sphere of the Earth's mean radius (haversine).
fn distance_km(here: (f64, f64), there: (f64, f64)) -> Result<f64, EvalError> {
    const RADIUS_KM: f64 = 6_371.008_8;
    let is_place = |(lat, lon): (f64, f64)| lat.abs() <= 90.0 && lon.abs() <= 180.0;
    if !is_place(here) || !is_place(there) {
        return Err(EvalError::Overflow);
    }
    let half = |from: f64, to: f64| libm::sin((to - from).to_radians() / 2.0);
    let (lat, lon) = (half(here.0, there.0), half(here.1, there.1));
    let cosines = libm::cos(here.0.to_radians()) * libm::cos(there.0.to_radians());
    let square = lat * lat + cosines * lon * lon;
    Ok(2.0 * RADIUS_KM * libm::asin(square.sqrt().min(1.0)))
}

fn whole_column(field: FieldId, row: &FeatureVector) -> Result<i64, EvalError> {
    if row.has(field) { Ok(row.int(field)) } else { Err(EvalError::Missing(field)) }
}

fn float_column(field: FieldId, row: &FeatureVector) -> Result<f64, EvalError> {
    if row.has(field) { Ok(row.float(field)) } else { Err(EvalError::Missing(field)) }
}

fn text_column(field: FieldId, row: &FeatureVector) -> Result<&str, EvalError> {
    if row.has(field) { Ok(row.text(field)) } else { Err(EvalError::Missing(field)) }
}

fn whole_arithmetic(operator: Arithmetic, left: i64, right: i64) -> Result<i64, EvalError> {
    let result = match operator {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide | Arithmetic::Remainder if right == 0 => {
            return Err(EvalError::DivideByZero);
        }
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Remainder => left.checked_rem(right),
    };
    result.ok_or(EvalError::Overflow)
}

/// Compares a whole number with a float as the numbers that they are: neither is rounded.
fn mixed(relation: Relation, left: i64, right: f64) -> bool {
    match compare_exactly(left, right) {
        Some(order) => relation.holds(order, Ordering::Equal),
        // Nothing equals a NaN or stands before or after it.
        None => relation == Relation::NotEqual,
    }
}

fn compare_exactly(left: i64, right: f64) -> Option<Ordering> {
    if right.is_nan() {
        return None;
    }
    if right >= TWO_63 {
        return Some(Ordering::Less);
    }
    if right < -TWO_63 {
        return Some(Ordering::Greater);
    }
    // Within 64 bits now, so the whole part converts exactly.
    let whole = right.trunc();
    let order = left.cmp(&(whole as i64));
    Some(order.then_with(|| 0.0_f64.partial_cmp(&(right - whole)).unwrap_or(Ordering::Equal)))
}

/// 2^63, the first float past the whole numbers.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;

/// Toward zero; an error outside 64 bits, as CEL has it.
fn whole_of(value: f64) -> Result<i64, EvalError> {
    // The least whole number is excluded too: CEL asks for strictly between.
    if value > -TWO_63 && value < TWO_63 { Ok(value as i64) } else { Err(EvalError::Overflow) }
}

fn moment(ms: i64) -> Result<EventTime, EvalError> {
    EventTime::from_ms(ms).map_err(|_| EvalError::Overflow)
}

fn time_part(part: TimePart, moment: EventTime, zone: &Zone) -> i64 {
    let local = zone.local_ms(moment);
    let days = local.div_euclid(86_400_000);
    let ms = local.rem_euclid(86_400_000);
    match part {
        TimePart::Hours => ms / 3_600_000,
        TimePart::Minutes => ms / 60_000 % 60,
        TimePart::Seconds => ms / 1_000 % 60,
        TimePart::Milliseconds => ms % 1_000,
        // 1970-01-01 was a Thursday.
        TimePart::DayOfWeek => (days + 4).rem_euclid(7),
        TimePart::Year | TimePart::Month | TimePart::Date => date_part(part, local),
        TimePart::DayOfMonth | TimePart::DayOfYear => date_part(part, local),
    }
}

/// A part of the calendar date of wall-clock milliseconds.
fn date_part(part: TimePart, local_ms: i64) -> i64 {
    // Within jiff's range by the range of `EventTime`.
    let Ok(moment) = jiff::Timestamp::from_millisecond(local_ms) else {
        return 0;
    };
    let date = jiff::tz::Offset::UTC.to_datetime(moment).date();
    match part {
        TimePart::Year => i64::from(date.year()),
        TimePart::Month => i64::from(date.month()) - 1,
        TimePart::DayOfYear => i64::from(date.day_of_year()) - 1,
        TimePart::DayOfMonth => i64::from(date.day()) - 1,
        _ => i64::from(date.day()),
    }
}
