//! Numbers that look random, of a seed.

/// The generator SplitMix64 of Steele, Lea and Flood (2014): a counter and a mixer, which is all that a simulation of
/// some hundred thousand jobs needs.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number from 0, included, to 1, excluded.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns an exponentially distributed number with the mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -ln(1.0 - self.unit())
    }
}

/// Returns the natural logarithm of a positive normal number. The standard library's may differ in its last bit from
/// machine to machine, and a simulation with it.
fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i64 - 1023;
    let mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    // ln m = 2 artanh((m - 1) / (m + 1)), whose argument is below 1/3 here: 16 terms leave 1e-17.
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let mut sum = 0.0;
    for term in (0..16).rev() {
        sum = sum * t * t + 1.0 / f64::from(2 * term + 1);
    }
    exponent as f64 * std::f64::consts::LN_2 + 2.0 * t * sum
}

/// Returns the sine of so many turns, within 1e-6, with the same bits on every machine.
pub(super) fn sine_of_turns(turns: f64) -> f64 {
    let turn = turns - turns.floor();
    // Folded into the quarter turns around 0, where five terms of the series are enough.
    let folded = match turn {
        turn if turn < 0.25 => turn,
        turn if turn < 0.75 => 0.5 - turn,
        turn => turn - 1.0,
    };
    let x = folded * std::f64::consts::TAU;
    let y = x * x;
    x * (1.0 - y / 6.0 * (1.0 - y / 20.0 * (1.0 - y / 42.0 * (1.0 - y / 72.0 * (1.0 - y / 110.0)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        let mut random = Random::new(1_234_567);
        assert_eq!(
            [random.next(), random.next(), random.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn logarithm_and_sine_are_those_of_the_standard_library_but_for_the_last_bits() {
        for i in 1..1000 {
            let x = f64::from(i) / 1000.0;
            assert!((ln(x) - x.ln()).abs() < 1e-14, "ln {x}");
            let turns = 3.0 * x - 1.0;
            assert!((sine_of_turns(turns) - (turns * std::f64::consts::TAU).sin()).abs() < 1e-6);
        }
    }

    #[test]
    fn exponential_numbers_have_the_mean_and_the_variance_1() {
        let mut random = Random::new(7);
        let numbers: Vec<f64> = (0..100_000).map(|_| random.exponential()).collect();
        let mean = numbers.iter().sum::<f64>() / 1e5;
        let variance = numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 1e5;
        assert!((mean - 1.0).abs() < 0.02 && (variance - 1.0).abs() < 0.04, "{mean} {variance}");
    }
}
