//! Gauss-Legendre rules, in blocks that fill vectors, and what each is good for.
//!
//! Where a function is analytic in the ellipse with foci -1 and 1 and half axes that sum to r, and at most M there, the rule of
//! n + 1 points misses its integral by 64/15 M / (r^2n (1 - r^-2)) at most (Trefethen, Approximation Theory and Approximation
//! Practice, 2013, theorem 19.3).

/// The nodes above 0 of a rule on -1 to 1, eight at a time, each with its weight.
///
/// Computed with 40 digits as roots of the Legendre polynomials (Abramowitz and Stegun 1964, 25.4.29).
#[derive(Debug)]
pub(super) struct Block {
    pub(super) x: [f64; 8],
    pub(super) weight: [f64; 8],
}

/// The rules of 16, 32 and 48 nodes.
const RULES: [&[Block]; 3] = [&SIXTEEN, &THIRTY_TWO, &FORTY_EIGHT];

/// The reach that a speed needs for each rule to miss its mean by no more than 2^-k of the control polygon's length, by k.
static NEEDED: [[f64; 3]; ERRORS] = {
    let (mut needed, mut k, mut error) = ([[0.0; 3]; ERRORS], 0, 1.0);
    while k < ERRORS {
        needed[k] = [needed_reach(15, error), needed_reach(31, error), needed_reach(47, error)];
        (k, error) = (k + 1, 0.5 * error);
    }
    needed
};
const ERRORS: usize = 64;

/// Returns the least reach with which the error is small enough, where a rule has one more point than `half_degree`.
///
/// Each of the three parts of the derivative is at most 3/2 as long as the control polygon, whose length is 1. In an ellipse
/// with a larger half axis of s the speed is therefore at most 3/2 (1 + s + s²), and so below 9/8 (3 + c) with the reach c.
const fn needed_reach(half_degree: u32, error: f64) -> f64 {
    // By halving, over w = r^-2.
    let (mut good, mut bad) = (0.0, 1.0);
    let mut round = 0;
    while round < 60 {
        let w = 0.5 * (good + bad);
        let (mut power, mut n) = (1.0, 0);
        while n < half_degree {
            (power, n) = (power * w, n + 1);
        }
        let miss = 32.0 / 15.0 * 9.0 / 8.0 * (3.0 + reach(w)) * power / (1.0 - w);
        if miss <= error {
            good = w;
        } else {
            bad = w;
        }
        round += 1;
    }
    reach(good)
}

/// Returns half of the sum of w and its inverse.
const fn reach(w: f64) -> f64 {
    0.5 * (w + 1.0 / w)
}

/// What the rules need for an error.
#[derive(Clone, Copy)]
pub(super) struct Needed(&'static [f64; 3]);

impl Needed {
    /// For a part of the control polygon's length.
    #[inline(always)]
    pub(super) fn for_error(error: f64) -> Self {
        // The exponent of a number below 1.
        let k = 1023_u64.saturating_sub(error.to_bits() >> 52);
        Self(&NEEDED[(k as usize).min(ERRORS - 1)])
    }

    /// Returns the smallest rule that is good enough for a function of this reach.
    #[inline(always)]
    pub(super) fn rule(self, reach: f64) -> Option<&'static [Block]> {
        let [sixteen, thirty_two, forty_eight] = *self.0;
        if reach >= forty_eight {
            Some(RULES[usize::from(reach < sixteen) + usize::from(reach < thirty_two)])
        } else {
            None
        }
    }
}

const SIXTEEN: [Block; 1] = [Block {
    x: [
        0.989_400_934_991_649_9,
        0.944_575_023_073_232_6,
        0.865_631_202_387_831_8,
        0.755_404_408_355_003,
        0.617_876_244_402_643_8,
        0.458_016_777_657_227_37,
        0.281_603_550_779_258_9,
        0.095_012_509_837_637_44,
    ],
    weight: [
        0.027_152_459_411_754_096,
        0.062_253_523_938_647_894,
        0.095_158_511_682_492_79,
        0.124_628_971_255_533_88,
        0.149_595_988_816_576_74,
        0.169_156_519_395_002_54,
        0.182_603_415_044_923_58,
        0.189_450_610_455_068_5,
    ],
}];

const THIRTY_TWO: [Block; 2] = [
    Block {
        x: [
            0.997_263_861_849_481_6,
            0.985_611_511_545_268_4,
            0.964_762_255_587_506_4,
            0.934_906_075_937_739_7,
            0.896_321_155_766_052_1,
            0.849_367_613_732_57,
            0.794_483_795_967_942_4,
            0.732_182_118_740_289_7,
        ],
        weight: [
            0.007_018_610_009_470_096,
            0.016_274_394_730_905_67,
            0.025_392_065_309_262_06,
            0.034_273_862_913_021_43,
            0.042_835_898_022_226_68,
            0.050_998_059_262_376_175,
            0.058_684_093_478_535_544,
            0.065_822_222_776_361_85,
        ],
    },
    Block {
        x: [
            0.663_044_266_930_215_2,
            0.587_715_757_240_762_3,
            0.506_899_908_932_229_4,
            0.421_351_276_130_635_33,
            0.331_868_602_282_127_67,
            0.239_287_362_252_137_06,
            0.144_471_961_582_796_5,
            0.048_307_665_687_738_32,
        ],
        weight: [
            0.072_345_794_108_848_5,
            0.078_193_895_787_070_31,
            0.083_311_924_226_946_75,
            0.087_652_093_004_403_81,
            0.091_173_878_695_763_89,
            0.093_844_399_080_804_57,
            0.095_638_720_079_274_86,
            0.096_540_088_514_727_8,
        ],
    },
];

const FORTY_EIGHT: [Block; 3] = [
    Block {
        x: [
            0.998_771_007_252_426_1,
            0.993_530_172_266_350_8,
            0.984_124_583_722_826_9,
            0.970_591_592_546_247_3,
            0.952_987_703_160_430_9,
            0.931_386_690_706_554_3,
            0.905_879_136_715_569_6,
            0.876_572_020_274_247_9,
        ],
        weight: [
            0.003_153_346_052_305_838_5,
            0.007_327_553_901_276_262_5,
            0.011_477_234_579_234_54,
            0.015_579_315_722_943_849,
            0.019_616_160_457_355_53,
            0.023_570_760_839_324_38,
            0.027_426_509_708_356_948,
            0.031_167_227_832_798_09,
        ],
    },
    Block {
        x: [
            0.843_588_261_624_393_5,
            0.807_066_204_029_442_6,
            0.767_159_032_515_740_4,
            0.724_034_130_923_814_6,
            0.677_872_379_632_663_9,
            0.628_867_396_776_513_6,
            0.577_224_726_083_972_7,
            0.523_160_974_722_233,
        ],
        weight: [
            0.034_777_222_564_770_44,
            0.038_241_351_065_830_71,
            0.041_545_082_943_464_75,
            0.044_674_560_856_694_28,
            0.047_616_658_492_490_48,
            0.050_359_035_553_854_47,
            0.052_890_189_485_193_67,
            0.055_199_503_699_984_165,
        ],
    },
    Block {
        x: [
            0.466_902_904_750_958_4,
            0.408_686_481_990_716_7,
            0.348_755_886_292_160_75,
            0.287_362_487_355_455_55,
            0.224_763_790_394_689_05,
            0.161_222_356_068_891_7,
            0.097_004_699_209_462_7,
            0.032_380_170_962_869_36,
        ],
        weight: [
            0.057_277_292_100_403_214,
            0.059_114_839_698_395_635,
            0.060_704_439_165_893_88,
            0.062_039_423_159_892_665,
            0.063_114_192_286_254_02,
            0.063_924_238_584_648_19,
            0.064_466_164_435_950_09,
            0.064_737_696_812_683_92,
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_exact_to_their_degrees() {
        for rule in RULES {
            let mean = |f: &dyn Fn(f64) -> f64| -> f64 {
                let pairs = rule.iter().flat_map(|block| block.x.into_iter().zip(block.weight));
                pairs.map(|(x, weight)| 0.5 * weight * (f(x) + f(-x))).sum()
            };
            for degree in 0..=32 * rule.len() as i32 - 1 {
                let exact = mean(&|x| f64::from(degree + 1) * (0.5 + x / 2.0).powi(degree));
                assert!((exact - 1.0).abs() < 2e-14, "degree {degree}: {exact}");
            }
        }
    }

    #[test]
    fn a_function_of_the_reach_that_a_rule_needs_is_integrated_to_the_error() {
        // The root of (x² + y²), which is analytic but at iy, has its integral in closed form.
        for k in 1..50 {
            let needed = Needed::for_error(0.5_f64.powi(k));
            for (rule, reach) in RULES.iter().zip(*needed.0) {
                let y = (0.5 * (reach - 1.0)).sqrt();
                let exact = 0.5 * ((1.0 + y * y).sqrt() + y * y * (1.0 / y).asinh());
                let pairs = rule.iter().flat_map(|block| block.x.into_iter().zip(block.weight));
                let mean: f64 = pairs.map(|(x, weight)| weight * (x * x + y * y).sqrt()).sum();
                assert!(
                    (mean - exact).abs() <= 0.5_f64.powi(k) * (1.0 + y) + 1e-14,
                    "2^-{k}: {mean}, {exact}"
                );
            }
        }
    }
}
