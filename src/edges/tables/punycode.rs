//! Host names beyond ASCII as browsers send them: punycode (RFC 3492) with the `xn--` prefix.

/// A lower-case host name with every label in ASCII; `None` when a label cannot be encoded.
pub(super) fn host_to_ascii(host: &str) -> Option<String> {
    let labels: Option<Vec<String>> = host
        .split('.')
        .map(|label| {
            if label.is_ascii() {
                Some(label.to_owned())
            } else {
                encode(label).map(|encoded| format!("xn--{encoded}"))
            }
        })
        .collect();
    labels.map(|labels| labels.join("."))
}

/// RFC 3492 section 6.3. A label has at most 63 characters, so the numbers stay small.
fn encode(label: &str) -> Option<String> {
    let letters: Vec<u32> = label.chars().map(u32::from).collect();
    if letters.len() > 63 {
        return None;
    }
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = out.len();
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias, mut handled) = (128_u32, 0_u32, 72_u32, basic);
    while handled < letters.len() {
        let next = letters.iter().copied().filter(|letter| *letter >= n).min()?;
        // Below 0x110000 x 64 by the two bounds above.
        delta += (next - n) * (handled as u32 + 1);
        n = next;
        for letter in &letters {
            if *letter < n {
                delta += 1;
            } else if *letter == n {
                push_number(delta, bias, &mut out);
                bias = adapt(delta, handled as u32 + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta += 1;
        n += 1;
    }
    Some(out)
}

fn push_number(mut value: u32, bias: u32, out: &mut String) {
    let mut k = 36_u32;
    loop {
        let threshold = k.saturating_sub(bias).clamp(1, 26);
        if value < threshold {
            break;
        }
        out.push(digit(threshold + (value - threshold) % (36 - threshold)));
        value = (value - threshold) / (36 - threshold);
        k += 36;
    }
    out.push(digit(value));
}

fn digit(value: u32) -> char {
    char::from_digit(if value < 26 { value + 10 } else { value - 26 }, 36).unwrap_or('a')
}

fn adapt(delta: u32, points: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names as registries publish them, in both spellings.
    #[test]
    fn names_are_written_as_browsers_send_them() {
        for (host, expected) in [
            ("中国.example", "xn--fiqs8s.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("支付宝.cn", "xn--bnq242a7nh.cn"),
            ("plain.example", "plain.example"),
        ] {
            assert_eq!(host_to_ascii(host).as_deref(), Some(expected), "{host}");
        }
        assert_eq!(host_to_ascii(&"字".repeat(64)), None);
    }
}
