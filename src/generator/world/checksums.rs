//! Check digits of invented identifiers (Luhn, ISO 7064 MOD 11-2), and numbers without twins.

use crate::generator::rng::mix;

/// The Luhn check digit (as ASCII) for a body of ASCII digits, ISO/IEC 7812-1 annex B.
pub(super) fn luhn_digit(body: &[u8]) -> u8 {
    let sum: u32 = body
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit.wrapping_sub(b'0'));
            // The digit beside the check digit is doubled, then every second one.
            match (place % 2, digit) {
                (0, 0..5) => digit * 2,
                (0, _) => digit * 2 - 9,
                _ => digit,
            }
        })
        .sum();
    b'0' + ((10 - sum % 10) % 10) as u8
}

/// The check character of a 17-digit resident identity number, GB 11643-1999.
pub(super) fn resident_id_digit(body: &[u8; 17]) -> u8 {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 =
        body.iter().zip(WEIGHTS).map(|(digit, w)| u32::from(digit.wrapping_sub(b'0')) * w).sum();
    // The remainder is below 11, and the table has 11 entries.
    b"10X98765432"[(sum % 11) as usize]
}

/// A number that is different for every `index < 10^digits`, spread over all of them.
///
/// An affine map with a multiplier prime to ten is a bijection modulo a power of ten, so numbers
/// built on it never collide. Each `purpose` has a map of its own, so that a phone tells nothing of
/// the account beside it.
pub(super) fn scatter(index: u64, digits: u32, purpose: u64) -> u64 {
    let modulus = u128::from(10_u64.pow(digits.min(18)));
    let (factor, offset) = (mix(purpose), mix(!purpose));
    let last_digit = [1, 3, 7, 9][(factor & 3) as usize];
    let multiplier = u128::from(factor / 10) * 10 + last_digit;
    ((u128::from(index) * multiplier + u128::from(offset)) % modulus) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known numbers from the standards' own examples.
    #[test]
    fn check_digits_match_known_numbers() {
        assert_eq!(luhn_digit(b"7992739871"), b'3');
        assert_eq!(luhn_digit(b"411111111111111"), b'1');
        assert_eq!(luhn_digit(b"49015420323751"), b'8');
        assert_eq!(resident_id_digit(b"11010519491231002"), b'X');
        assert_eq!(resident_id_digit(b"44052418800101001"), b'4');
    }

    /// Two customers with one card would be a fault of the generator, not a fraud.
    #[test]
    fn scattered_numbers_do_not_collide() {
        for purpose in 0..20 {
            let mut seen: Vec<u64> = (0..10_000).map(|index| scatter(index, 4, purpose)).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), 10_000);
        }
    }
}
