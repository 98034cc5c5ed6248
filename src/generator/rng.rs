//! Chance from a seed: SplitMix64 and the few distributions the generator needs.
//!
//! SplitMix64 (Steele, Lea and Flood 2014) is ten lines, passes the usual test batteries and keeps
//! one word of state, so an entity's attributes can be an `Rng` begun from its index: a million
//! customers cost nothing until one of them pays. Floating point goes through `libm`, never through
//! the platform's own functions, so that every machine writes the same bytes.

/// Golden-ratio increment of SplitMix64.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// A seeded stream of numbers.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// The stream of one purpose (`salt`) and one entity (`index`) under `seed`.
    #[inline]
    pub fn of(seed: u64, salt: u64, index: u64) -> Self {
        let purpose = mix(seed ^ mix(salt.wrapping_mul(GAMMA)));
        Self { state: mix(purpose ^ index.wrapping_mul(GAMMA)) }
    }

    /// The next 64 bits.
    #[inline]
    pub fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }

    /// A number in `0..n`, by multiplication; the bias is below `n / 2^64`. Zero when `n` is zero.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(n)) >> 64) as u64
    }

    /// A whole number in `low..=high`; `low` when the range is empty.
    #[inline]
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.saturating_sub(low).max(0) as u64;
        low + self.below(span + 1) as i64
    }

    /// A number in `[0, 1)` with 53 random bits.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// True with probability `p`.
    #[inline]
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// About a standard normal: four 16-bit uniforms summed and scaled (Irwin-Hall), within ±3.46.
    #[inline]
    pub fn bell(&mut self) -> f64 {
        let bits = self.word();
        let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48);
        (sum as f64 / 65_536.0 - 2.0) * 1.732_050_807_568_877_2
    }

    /// An exponential waiting time with the given mean.
    #[inline]
    pub fn wait(&mut self, mean: f64) -> f64 {
        -libm::log(1.0 - self.unit()) * mean
    }

    /// Uniform in the logarithm between `low` and `high`, both positive.
    #[inline]
    pub fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        low * libm::exp(self.unit() * libm::log(high / low))
    }

    /// Log-normal around `median` with the given spread in natural logarithms.
    #[inline]
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * libm::exp(sigma * self.bell())
    }

    /// One entry of a table.
    ///
    /// # Panics
    /// On an empty table: every table here is a constant with entries.
    #[inline]
    pub fn pick<T: Copy>(&mut self, table: &[T]) -> T {
        table[self.below(table.len() as u64) as usize]
    }

    /// The index of one weight, with probability proportional to it; the last when all are zero.
    #[inline]
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
        let mut left = self.below(total);
        for (index, &weight) in weights.iter().enumerate() {
            if left < u64::from(weight) {
                return index;
            }
            left -= u64::from(weight);
        }
        weights.len().saturating_sub(1)
    }

    /// A rank in `0..n` by Zipf's law with exponent 1, approximated by a log-uniform draw.
    #[inline]
    pub fn zipf(&mut self, n: u64) -> u64 {
        let rank = libm::exp(self.unit() * libm::log(n as f64 + 1.0)) - 1.0;
        (rank as u64).min(n.saturating_sub(1))
    }
}

/// The output function of SplitMix64, also used as a hash of one word.
#[inline]
pub fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published first outputs of SplitMix64 for the state 1234567: if they move, every golden
    /// hash moves.
    #[test]
    fn it_is_splitmix64() {
        let mut rng = Rng { state: 1_234_567 };
        assert_eq!(rng.word(), 6_457_827_717_110_365_317);
        assert_eq!(rng.word(), 3_203_168_211_198_807_973);
    }

    /// Draws stay where their name says, or amounts, indices and times run off the tables.
    #[test]
    fn draws_stay_in_their_ranges() {
        let mut rng = Rng::of(1, 2, 3);
        let mut sum = 0.0;
        for _ in 0..20_000 {
            assert!(rng.below(7) < 7);
            assert!((-3..=3).contains(&rng.between(-3, 3)));
            assert!((0.0..1.0).contains(&rng.unit()));
            assert!((0.4..=2.5).contains(&rng.log_uniform(0.4, 2.5)));
            assert!(rng.zipf(1000) < 1000);
            assert!(rng.weighted(&[0, 3, 1]) > 0);
            sum += rng.bell();
        }
        assert!((sum / 20_000.0).abs() < 0.05, "the bell is centred");
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.between(5, 4), 5);
    }

    /// Streams of neighbouring entities must not resemble each other.
    #[test]
    fn neighbours_differ() {
        let first: Vec<u64> = (0..64).map(|index| Rng::of(7, 1, index).word() & 0xFFFF).collect();
        let mut distinct = first.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert!(distinct.len() > 60);
    }
}
