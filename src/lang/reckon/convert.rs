//! Conversions between the types of CEL.

use super::operators::OVERFLOW;
use super::times;
use super::value::CelValue as V;

/// Bytes that a conversion may make anew.
pub(super) fn growth(value: &V) -> usize {
    match value {
        V::Text(text) => text.len(),
        V::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}

/// The value as the named type; `None` when there is no such conversion.
pub(super) fn convert(name: &str, value: &V) -> Option<Result<V, String>> {
    let overflow = || OVERFLOW.to_owned();
    Some(match (name, value) {
        ("int", V::Int(_))
        | ("uint", V::UInt(_))
        | ("double", V::Double(_))
        | ("string", V::Text(_))
        | ("bytes", V::Bytes(_))
        | ("bool", V::Bool(_))
        | ("timestamp", V::Timestamp(_))
        | ("duration", V::Duration(_)) => Ok(value.clone()),
        ("int", V::UInt(number)) => i64::try_from(*number).map(V::Int).map_err(|_| overflow()),
        ("int", V::Double(number)) => int_of(*number).map(V::Int).ok_or_else(overflow),
        ("int", V::Text(text)) => {
            text.parse().map(V::Int).map_err(|_| "the text is no int of 64 bits".into())
        }
        // Toward the past, as Unix time counts.
        ("int", V::Timestamp(ns)) => Ok(V::Int(ns.div_euclid(1_000_000_000) as i64)),
        ("uint", V::Int(number)) => u64::try_from(*number).map(V::UInt).map_err(|_| overflow()),
        ("uint", V::Double(number)) => uint_of(*number).map(V::UInt).ok_or_else(overflow),
        ("uint", V::Text(text)) => {
            text.parse().map(V::UInt).map_err(|_| "the text is no uint of 64 bits".into())
        }
        ("double", V::Int(number)) => Ok(V::Double(*number as f64)),
        ("double", V::UInt(number)) => Ok(V::Double(*number as f64)),
        ("double", V::Text(text)) => {
            text.parse().map(V::Double).map_err(|_| "the text is no double".into())
        }
        ("string", V::Int(number)) => Ok(V::text(number.to_string())),
        ("string", V::UInt(number)) => Ok(V::text(number.to_string())),
        ("string", V::Double(number)) => Ok(V::text(double_text(*number))),
        ("string", V::Bool(value)) => Ok(V::text(value.to_string())),
        ("string", V::Bytes(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(V::text(text)),
            Err(_) => Err("invalid UTF-8 in bytes".into()),
        },
        ("string", V::Timestamp(ns)) => Ok(V::text(times::moment_text(*ns))),
        ("string", V::Duration(ns)) => Ok(V::text(times::length_text(*ns))),
        ("bytes", V::Text(text)) => Ok(V::Bytes(text.as_bytes().into())),
        ("bool", V::Text(text)) => match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(V::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(V::Bool(false)),
            _ => Err("the text is neither true nor false".into()),
        },
        ("timestamp", V::Text(text)) => times::read_moment(text).map(V::Timestamp),
        ("timestamp", V::Int(seconds)) => {
            times::moment(i128::from(*seconds) * 1_000_000_000).map(V::Timestamp)
        }
        ("duration", V::Text(text)) => times::read_length(text).map(V::Duration),
        _ => return None,
    })
}

/// 2^63 and 2^64: the first doubles past the whole numbers.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_64: f64 = 18_446_744_073_709_551_616.0;

/// Toward zero; strictly within 64 bits, as cel-spec has it.
fn int_of(number: f64) -> Option<i64> {
    (number > -TWO_63 && number < TWO_63).then_some(number as i64)
}

fn uint_of(number: f64) -> Option<u64> {
    (0.0..TWO_64).contains(&number).then_some(number as u64)
}

/// The shortest text that reads back as the number, with an exponent where it is below -4 or above
/// 20: nobody counts more zeros.
fn double_text(number: f64) -> String {
    if !number.is_finite() {
        let sign = if number > 0.0 { "+" } else { "-" };
        return if number.is_nan() { "NaN".into() } else { format!("{sign}Inf") };
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..21).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}
