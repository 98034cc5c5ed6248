//! The steps of one constant: `NAME=FROM..TO/STEP`, counted exactly and written as the bundle
//! writes such a value.

use crate::bundle::Bundle;

/// More steps than a plot has room for.
const STEPS_MAX: usize = 400;

/// A range as it was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Range {
    pub(super) name: String,
    from: Decimal,
    to: Decimal,
    step: Decimal,
}

/// A decimal number: digits after the point are kept, so that 0.1 stays a tenth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Decimal {
    units: i64,
    /// Digits after the point.
    scale: u32,
}

/// One step: the value as a number, and as it stands in the bundle.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) number: f64,
    /// As a person writes it, in major units for money.
    pub(super) shown: String,
    pub(super) text: String,
}

impl std::str::FromStr for Range {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write NAME=FROM..TO/STEP, such as k7_large=200..3000/200";
        let (name, rest) = text.split_once('=').ok_or(FORM)?;
        let (from, rest) = rest.split_once("..").ok_or(FORM)?;
        let (to, step) = rest.split_once('/').ok_or(FORM)?;
        let number = |text| Decimal::parse(text).ok_or(FORM);
        let (from, to, step) = (number(from)?, number(to)?, number(step)?);
        if step.units <= 0 {
            return Err("the step must be above zero");
        }
        let range = Self { name: name.trim().to_owned(), from, to, step };
        let (first, last, by) = range.scaled(range.scale()).ok_or("the numbers are too large")?;
        if first > last {
            return Err("the range ends before it begins");
        }
        if (last - first) / by >= STEPS_MAX as i64 {
            return Err("more than 400 steps; take larger ones");
        }
        Ok(range)
    }
}

impl Range {
    fn scale(&self) -> u32 {
        self.from.scale.max(self.to.scale).max(self.step.scale)
    }

    fn scaled(&self, scale: u32) -> Option<(i64, i64, i64)> {
        Some((self.from.at(scale)?, self.to.at(scale)?, self.step.at(scale)?))
    }

    /// Every step, written like `text`, the value in the bundle now; else why it cannot be.
    pub(super) fn steps(&self, text: &str, bundle: &Bundle) -> Result<Vec<Step>, String> {
        let form = Form::of(text).ok_or_else(|| {
            format!("`{}` is neither a number nor an amount: it has no steps", self.name)
        })?;
        let scale = self.scale();
        let digits = match form {
            Form::Whole => 0,
            Form::Float => u32::MAX,
            Form::Money => u32::from(bundle.base_decimals),
        };
        if scale > digits {
            return Err(match form {
                Form::Whole => format!("`{}` is a whole number, and so are its steps", self.name),
                _ => format!("`{}` is an amount with {digits} digits after the point", self.name),
            });
        }
        // Checked when it was read.
        let (first, last, by) = self.scaled(scale).unwrap_or((0, 0, 1));
        let mut steps = Vec::new();
        let mut units = first;
        while units <= last {
            let shown = Decimal { units, scale }.shown();
            let text = match form {
                Form::Whole => shown.clone(),
                Form::Float if scale == 0 => format!("{shown}.0"),
                Form::Float => shown.clone(),
                Form::Money => {
                    let scaled = Decimal { units, scale }
                        .at(digits)
                        .map(|units| Decimal { units, scale: digits }.shown());
                    let amount = scaled.ok_or("the amounts are too large")?;
                    format!("money(\"{amount} {}\")", bundle.base_currency.as_str())
                }
            };
            let number = shown.parse().unwrap_or(0.0);
            steps.push(Step { number, shown, text });
            units += by;
        }
        Ok(steps)
    }
}

/// How a constant is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Whole,
    Float,
    Money,
}

impl Form {
    fn of(text: &str) -> Option<Self> {
        if text.trim_start().starts_with("money(") {
            return Some(Self::Money);
        }
        let plain = text.replace('_', "");
        match (plain.parse::<i64>(), Decimal::parse(&plain)) {
            (Ok(_), _) => Some(Self::Whole),
            (Err(_), Some(_)) => Some(Self::Float),
            (Err(_), None) => None,
        }
    }
}

/// The value of a constant as it stands, as a number in the units of the steps.
pub(super) fn number_of(text: &str) -> Option<f64> {
    let inside = text.trim().strip_prefix("money(\"").and_then(|rest| rest.split(' ').next());
    inside.unwrap_or(text).replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
}

impl Decimal {
    /// `-12`, `0.25`, `1_000`.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().replace('_', "");
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(part) || part.len() > 9 {
            return None;
        }
        let units: i64 = format!("{whole}{part}").parse().ok()?;
        let units = if text.starts_with('-') { -units } else { units };
        Some(Self { units, scale: part.len() as u32 })
    }

    /// Its units with so many digits after the point.
    fn at(self, scale: u32) -> Option<i64> {
        // Room is left for a thousandfold, so that no sum of steps overflows.
        let units = self.units.checked_mul(10_i64.checked_pow(scale.checked_sub(self.scale)?)?)?;
        (units.unsigned_abs() < 1 << 52).then_some(units)
    }

    fn shown(self) -> String {
        let scale = 10_u64.pow(self.scale.min(18));
        let (whole, part) = (self.units.unsigned_abs() / scale, self.units.unsigned_abs() % scale);
        let sign = if self.units < 0 { "-" } else { "" };
        match self.scale as usize {
            0 => format!("{sign}{whole}"),
            width => format!("{sign}{whole}.{part:0width$}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(range: &str, text: &str, expected: &[&str]) {
        let range: Range = range.parse().unwrap();
        let steps = range.steps(text, &Bundle::shipped());
        let texts = match &steps {
            Ok(steps) => steps.iter().map(|step| &*step.text).collect(),
            Err(message) => vec![&**message],
        };
        assert_eq!(texts, expected, "{range:?}");
    }

    /// A tenth added ten times is one; what a constant cannot be is said before anything runs.
    #[test]
    fn steps_are_exact() {
        check("a=1..5/2", "10", &["1", "3", "5"]);
        check("a=1_000..1_001/1", "60_000", &["1000", "1001"]);
        check("a=0.7..1/0.1", "0.5", &["0.7", "0.8", "0.9", "1.0"]);
        check("a=-1..1/1", "2.0", &["-1.0", "0.0", "1.0"]);
        let money = "money(\"1000.00 CNY\")";
        check(
            "a=0.5..1.5/0.5",
            money,
            &["money(\"0.50 CNY\")", "money(\"1.00 CNY\")", "money(\"1.50 CNY\")"],
        );
        check("a=1..2/0.5", "10", &["`a` is a whole number, and so are its steps"]);
        check("a=0..0.01/0.001", money, &["`a` is an amount with 2 digits after the point"]);
        check("a=1..2/1", "local", &["`a` is neither a number nor an amount: it has no steps"]);
    }

    /// Slips of the pen, hostile ones among them.
    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "a",
            "a=1",
            "a=1..2",
            "a=1..2/0",
            "a=1..2/-1",
            "a=2..1/1",
            "a=1..x/1",
            "a=..2/1",
            "a=0..1000000/1",
            "a=9999999999999999..99999999999999999/1",
            "a=1e9..2e9/1e8",
            "a=nan..inf/1",
            "a=0.0000000001..1/1",
        ] {
            assert!(text.parse::<Range>().is_err(), "{text}");
        }
        assert_eq!(number_of("money(\"12.50 CNY\")"), Some(12.5));
        assert_eq!(number_of("60_000"), Some(60_000.0));
        assert_eq!(number_of("[1]"), None);
    }
}
