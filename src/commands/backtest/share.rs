//! A share with its uncertainty: the Wilson interval, which stays honest for few events.

use serde::Serialize;

/// The standard normal's 97.5 % quantile: both sides together leave 5 %.
const Z: f64 = 1.959_963_984_540_054;

/// So many of so many, with the 95 % confidence interval after Wilson (1927).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(in crate::commands) struct Share {
    /// How many.
    pub(in crate::commands) part: u64,
    /// Of how many.
    pub(in crate::commands) of: u64,
    /// The share; `None` of nothing.
    pub(in crate::commands) value: Option<f64>,
    /// The interval's lower end.
    pub(in crate::commands) low: Option<f64>,
    /// The interval's upper end.
    pub(in crate::commands) high: Option<f64>,
}

impl Share {
    /// `part` of `of`.
    pub(in crate::commands) fn of(part: u64, of: u64) -> Self {
        if of == 0 {
            return Self { part, ..Self::default() };
        }
        let (n, p) = (of as f64, part as f64 / of as f64);
        let middle = p + Z * Z / (2.0 * n);
        let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).max(0.0).sqrt();
        let whole = 1.0 + Z * Z / n;
        let low = ((middle - half) / whole).clamp(0.0, 1.0);
        let high = ((middle + half) / whole).clamp(0.0, 1.0);
        Self { part, of, value: Some(p), low: Some(low), high: Some(high) }
    }

    /// `12.3 %`; `-` of nothing.
    pub(in crate::commands) fn percent(&self) -> String {
        self.value.map_or_else(|| "-".to_owned(), percent)
    }

    /// `10.1-14.8`, the interval in percent; empty of nothing.
    pub(in crate::commands) fn interval(&self) -> String {
        match (self.low, self.high) {
            (Some(low), Some(high)) => {
                let digits = if high < 0.01 { 3 } else { 1 };
                format!("{:.digits$}-{:.digits$}", low * 100.0, high * 100.0)
            }
            _ => String::new(),
        }
    }
}

/// A share in percent, with more digits where it is small.
pub(in crate::commands) fn percent(share: f64) -> String {
    match share {
        share if share == 0.0 || share >= 0.01 => format!("{:.1} %", share * 100.0),
        share => format!("{:.3} %", share * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(part: u64, of: u64, low: f64, high: f64) {
        let share = Share::of(part, of);
        let near = |value: Option<f64>, wanted: f64| (value.unwrap() - wanted).abs() < 5e-4;
        assert!(near(share.low, low) && near(share.high, high), "{part} of {of}: {share:?}");
    }

    /// The values of Wilson's formula as textbooks print them; at the ends, where the common
    /// interval has no width, this one still says how little a few events prove.
    #[test]
    fn intervals_are_wilsons() {
        check(15, 148, 0.0624, 0.1605); // Newcombe 1998, example: without continuity correction
        check(1, 29, 0.0061, 0.1718);
        check(81, 263, 0.2553, 0.3662);
        check(0, 20, 0.0, 0.1611);
        check(20, 20, 0.8389, 1.0);
        assert_eq!(Share::of(3, 0).value, None);
    }
}
