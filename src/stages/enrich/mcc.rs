//! Coarse groups of merchant categories (ISO 18245), as rules and K10 use them.

/// The group of a category. Risky lines of business have groups of their own.
pub fn group(mcc: u16) -> &'static str {
    match mcc {
        6010 | 6011 => "cash",
        4829 | 6012 | 6050 | 6051 | 6211 | 6532..=6540 => "quasi_cash",
        7800..=7802 | 7995 | 9406 => "gambling",
        5815..=5818 | 7993 | 7994 => "digital_goods",
        5094 | 5944 => "jewellery",
        4812 | 5045 | 5732 | 5734 => "electronics",
        5411 | 5422 | 5441 | 5451 | 5462 | 5499 => "grocery",
        5541 | 5542 | 5172 | 5983 => "fuel",
        5811..=5814 => "restaurant",
        3000..=3999 | 4411 | 4511 | 4722 | 7011 | 7012 | 7512 | 7513 => "travel",
        4000..=4799 | 7523 | 7524 => "transport",
        4814 | 4816 | 4821 | 4899 | 4900 => "utilities",
        5122 | 5912 | 5975..=5977 | 8011..=8099 => "health",
        8211..=8299 | 8351 => "education",
        9000..=9999 => "government",
        5000..=5999 => "retail",
        6000..=6999 => "financial",
        7200..=7999 => "services",
        8000..=8999 => "professional",
        1..=2999 => "contractors",
        _ => "other",
    }
}

/// Every group that [`group`] gives.
pub const GROUPS: [&str; 21] = [
    "cash",
    "quasi_cash",
    "gambling",
    "digital_goods",
    "jewellery",
    "electronics",
    "grocery",
    "fuel",
    "restaurant",
    "travel",
    "transport",
    "utilities",
    "health",
    "education",
    "government",
    "retail",
    "financial",
    "services",
    "professional",
    "contractors",
    "other",
];

/// A category as it is written: four digits.
pub fn parse(text: &str) -> Option<u16> {
    let digits: [u8; 4] = text.trim().as_bytes().try_into().ok()?;
    digits.iter().try_fold(0, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + u16::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who names a group may name each of them, and no other.
    #[test]
    fn the_groups_are_those_that_categories_have() {
        let given: std::collections::BTreeSet<_> = (0..=9_999).map(group).collect();
        assert_eq!(given, GROUPS.into_iter().collect());
    }

    /// Four digits, with leading zeros; the risky lines are told from the ranges around them.
    #[test]
    fn categories_have_groups() {
        for (text, expected) in [
            ("5411", Some("grocery")),
            ("5399", Some("retail")),
            ("7995", Some("gambling")),
            ("6051", Some("quasi_cash")),
            ("6300", Some("financial")),
            ("0742", Some("contractors")),
            ("742", None),
            ("54 1", None),
            ("五四", None),
        ] {
            assert_eq!(parse(text).map(group), expected, "{text}");
        }
    }
}
