//! Arc length, to a tolerance.

use std::array::from_fn;

use super::error::{Error, check_tolerance};
use super::piecewise::PiecewiseCubic;
use super::segment::{differences, dot, max_abs, norm};

/// Nodes above 0 of the 16-point Gauss-Legendre rule on -1 to 1, each with its weight (Abramowitz and Stegun 1964, table 25.4).
const NODES: [(f64, f64); 8] = [
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_096),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_894),
    (0.865_631_202_387_831_8, 0.095_158_511_682_492_79),
    (0.755_404_408_355_003, 0.124_628_971_255_533_88),
    (0.617_876_244_402_643_8, 0.149_595_988_816_576_74),
    (0.458_016_777_657_227_37, 0.169_156_519_395_002_54),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_58),
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
];

/// The part of a segment's polygon length that rounding takes anyway, 64 units in the last place. A tolerance below it would
/// only ask for noise.
pub(super) const ROUNDING: f64 = 1.0 / (1_u64 << 46) as f64;

impl<const D: usize> PiecewiseCubic<D> {
    /// Returns the arc length, within `tolerance` of the true one.
    ///
    /// A tolerance below about 1e-14 of the length asks for more than `f64` has: the error is then of that size. Where the
    /// curve jumps, the gap counts for nothing.
    ///
    /// A piece of a segment is halved until either its chord and its control polygon, which bound its length from both sides
    /// (Gravesen 1997), are close enough, or its speed is proved to be so smooth that the 16-point Gauss-Legendre rule is. So a
    /// cusp is halved towards, down to the tolerance, and not stepped over.
    ///
    /// A function that is analytic in the ellipse with foci -1 and 1 and half axes that sum to r, and at most M there, differs
    /// from polynomials of degree n by 2 M / (r^n (r - 1)) at most, and its integral from the rule's by 4 times that, with n = 31
    /// (Trefethen, Approximation Theory and Approximation Practice, 2013, theorems 8.2 and 19.3). The speed is analytic as long
    /// as the derivative's real part is longer than the imaginary one.
    ///
    /// # Errors
    ///
    /// [`Error::Tolerance`] unless the tolerance is finite and above 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// // The parabola y = x² from 0 to 1.
    /// let parabola = Curve::bezier(&[[0.0, 0.0], [0.5, 0.0], [1.0, 1.0]])?;
    /// let exact = 5.0_f64.sqrt() / 2.0 + 2.0_f64.asinh() / 4.0;
    /// assert!((parabola.length(1e-9)? - exact).abs() <= 1e-9);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn length(&self, tolerance: f64) -> Result<f64, Error> {
        check_tolerance(tolerance)?;
        let share = tolerance / self.segment_count() as f64;
        Ok(self.segments().iter().map(|segment| segment_length(differences(segment), share)).sum())
    }
}

fn segment_length<const D: usize>(hodograph: [[f64; D]; 3], tolerance: f64) -> f64 {
    match scaled(&hodograph, tolerance) {
        Some((sides, scale, tolerance)) => scale * piece_length(&sides, tolerance),
        None => 0.0,
    }
}

/// Returns the sides of a control polygon made at most 1 in size, what they were divided by, and the tolerance that goes with
/// them; nothing where they have no length.
pub(super) fn scaled<const D: usize>(
    hodograph: &[[f64; D]; 3],
    tolerance: f64,
) -> Option<([[f64; D]; 3], f64, f64)> {
    let scale = hodograph.iter().fold(0.0_f64, |largest, side| max_abs(side).max(largest));
    if scale == 0.0 {
        return None;
    }
    let sides = hodograph.map(|side| side.map(|x| x / scale));
    let polygon: f64 = sides.iter().map(norm).sum();
    Some((sides, scale, (tolerance / scale).max(ROUNDING * polygon)))
}

/// Where the speed of a piece must be analytic for the Gauss-Legendre rule to be good enough.
struct Ellipse {
    /// The half axes.
    real: f64,
    imaginary: f64,
}

impl Ellipse {
    /// Makes the one that goes with a tolerance for a whole piece.
    fn of<const D: usize>(sides: &[[f64; D]; 3], tolerance: f64) -> Self {
        let polygon: f64 = sides.iter().map(norm).sum();
        Self::new((tolerance / polygon).max(0.5 * ROUNDING))
    }

    /// Makes the one that goes with an error for each unit of a control polygon's length, at least [`ROUNDING`] / 2.
    ///
    /// With the polygon's length 1, and so the parts of degree 0 to 2 of the derivative at most 1/2 in 3, the speed is below
    /// M = 3 / 2^0.5 (1 + x + x² + y²) in the ellipse with half axes x and y. The mean's error 4 M / (r^31 (r - 1)) is below
    /// 100 / r^31 from r = 1.3 on.
    fn new(error: f64) -> Self {
        let sum = (100.0 / error).powf(1.0 / 31.0).max(1.3);
        Self { real: 0.5 * (sum + 1.0 / sum), imaginary: 0.5 * (sum - 1.0 / sum) }
    }
}

/// Returns the length of the curve that starts anywhere and has three times `sides` for the control points of its derivative.
pub(super) fn piece_length<const D: usize>(sides: &[[f64; D]; 3], tolerance: f64) -> f64 {
    // A half for the pieces that the rule measures, in proportion to their polygons, and a half for the others.
    let tolerance = 0.5 * tolerance;
    measured(sides, tolerance, &Ellipse::of(sides, tolerance))
}

fn measured<const D: usize>(sides: &[[f64; D]; 3], tolerance: f64, ellipse: &Ellipse) -> f64 {
    if let Some(length) = measured_at_once(sides, tolerance, ellipse) {
        return length;
    }
    let [left, right] = halves(sides);
    measured(&left, tolerance / 2.0, ellipse) + measured(&right, tolerance / 2.0, ellipse)
}

/// Returns the length of a piece if it need not be halved for it.
pub(super) fn length_at_once<const D: usize>(sides: &[[f64; D]; 3], tolerance: f64) -> Option<f64> {
    measured_at_once(sides, tolerance, &Ellipse::of(sides, tolerance))
}

fn measured_at_once<const D: usize>(sides: &[[f64; D]; 3], tolerance: f64, ellipse: &Ellipse) -> Option<f64> {
    let [a, b, c] = sides;
    let polygon: f64 = sides.iter().map(norm).sum();
    let chord_vector: [f64; D] = from_fn(|i| a[i] + b[i] + c[i]);
    let chord = norm(&chord_vector);
    if polygon - chord <= 2.0 * tolerance {
        return Some((polygon + chord) / 2.0);
    }
    let speed = Speed::new(sides);
    speed.is_analytic(ellipse, &chord_vector, chord).then(|| 3.0 * speed.mean())
}

/// The length of a quadratic, in powers of x in -1..=1.
struct Speed<const D: usize> {
    middle: [f64; D],
    slope: [f64; D],
    bend: [f64; D],
}

impl<const D: usize> Speed<D> {
    fn new([a, b, c]: &[[f64; D]; 3]) -> Self {
        Self {
            middle: from_fn(|i| 0.25 * (a[i] + c[i]) + 0.5 * b[i]),
            slope: from_fn(|i| 0.5 * (c[i] - a[i])),
            bend: from_fn(|i| 0.25 * ((c[i] - b[i]) - (b[i] - a[i]))),
        }
    }

    /// Says whether the real part of the quadratic is longer than the imaginary one all over the ellipse.
    ///
    /// At x + iy they are q(x) - bend y² and q'(x) y. The length of q is no less than its part along the chord, which is no
    /// less than the least of three Bernstein coefficients.
    fn is_analytic(&self, ellipse: &Ellipse, chord_vector: &[f64; D], chord: f64) -> bool {
        let (x, y) = (ellipse.real, ellipse.imaginary);
        let [middle, slope, bend] = [
            dot(&self.middle, chord_vector),
            x * dot(&self.slope, chord_vector),
            x * x * dot(&self.bend, chord_vector),
        ];
        let least = (middle - bend).min(middle + bend - slope.abs());
        let bend = norm(&self.bend);
        least > y * (norm(&self.slope) + (2.0 * x + y) * bend) * chord
    }

    /// Integrates over -1 to 1 by the Gauss-Legendre rule, and returns half of that.
    fn mean(&self) -> f64 {
        mean(|x| {
            let even: [f64; D] = from_fn(|i| self.middle[i] + (x * x) * self.bend[i]);
            let plus: [f64; D] = from_fn(|i| even[i] + x * self.slope[i]);
            let minus: [f64; D] = from_fn(|i| even[i] - x * self.slope[i]);
            // The sides are at most 1 in size, and not much shorter than the tolerance.
            dot(&plus, &plus).sqrt() + dot(&minus, &minus).sqrt()
        })
    }
}

/// Splits at the middle. The halves' parameters run half as fast, which halves the derivatives.
pub(super) fn halves<const D: usize>([a, b, c]: &[[f64; D]; 3]) -> [[[f64; D]; 3]; 2] {
    let ab: [f64; D] = from_fn(|i| (a[i] + b[i]) / 2.0);
    let bc: [f64; D] = from_fn(|i| (b[i] + c[i]) / 2.0);
    let middle: [f64; D] = from_fn(|i| (ab[i] + bc[i]) / 2.0);
    [[*a, ab, middle], [middle, bc, *c]].map(|side| side.map(|v| v.map(|x| x / 2.0)))
}

/// Returns the mean over -1 to 1 from the sums of the values at -x and x.
#[inline]
fn mean(pair: impl Fn(f64) -> f64) -> f64 {
    0.5 * NODES.map(|(x, weight)| weight * pair(x)).iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::*;

    #[test]
    fn the_quadrature_is_exact_to_its_degree() {
        for degree in 0..=31 {
            let f = |x: f64| f64::from(degree + 1) * (0.5 + x / 2.0).powi(degree);
            let mean = mean(|x| f(-x) + f(x));
            assert!((mean - 1.0).abs() < 8e-15, "degree {degree}: {mean}");
        }
    }

    #[test]
    fn a_cusp_costs_no_accuracy() {
        // Both halves of it are parabolas with their length in closed form.
        let curve = Curve::bezier(&[[0.0, 0.0], [100.0, 100.0], [0.0, 100.0], [100.0, 0.0]]).unwrap();
        for tolerance in [1.0, 1e-3, 1e-6, 1e-9, 1e-12, 1e-300] {
            let error = (curve.length(tolerance).unwrap() - 182.842_712_474_619).abs();
            assert!(error <= tolerance.max(1e-11), "{tolerance}: {error}");
        }
    }

    #[test]
    fn a_line_there_and_back_is_measured_both_ways() {
        // x = 3t(1-t): out to 3/4 and back.
        let curve = Curve::bezier(&[[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]).unwrap();
        assert!((curve.length(1e-12).unwrap() - 1.5).abs() <= 1e-12);
    }

    #[test]
    fn a_segment_that_ends_where_it_starts_is_not_taken_for_smooth() {
        // The chord is exactly 0, and the two rules agree to 0.006 where both miss by 0.014.
        let (a, b) = (-2.952_524_134_317_965_6, -1.968_349_422_878_643_8);
        let curve = Curve::bezier(&[[0.0, 0.0], [0.0, a], [0.0, b], [0.0, 0.0]]).unwrap();
        let turn = curve.bounds().min[1];
        for tolerance in [0.006, 1e-6, 1e-12] {
            let error = (curve.length(tolerance).unwrap() + 2.0 * turn).abs();
            assert!(error <= tolerance, "{tolerance}: {error}");
        }
    }

    #[test]
    fn a_point_has_no_length() {
        assert_eq!(Curve::bezier(&[[1e12, -3.0]; 4]).unwrap().length(1e-300).unwrap(), 0.0);
    }

    #[test]
    fn size_and_place_do_not_matter() {
        let points = [[0.0, 0.0], [3.0, 4.0], [-1.0, 4.0], [2.0, 0.5]];
        let unit = Curve::bezier(&points).unwrap().length(1e-12).unwrap();
        for exponent in [-1000, -500, -40, 40, 500, 990] {
            let scale = 2.0_f64.powi(exponent);
            let scaled = Curve::bezier(&points.map(|p| p.map(|x| x * scale))).unwrap();
            assert_eq!(scaled.length(1e-12 * scale).unwrap(), unit * scale, "2^{exponent}");
        }
        let far = Curve::bezier(&points.map(|p| p.map(|x| x + 1_048_576.0))).unwrap();
        assert!((far.length(1e-12).unwrap() - unit).abs() <= 1e-12);
    }

    #[test]
    fn a_tolerance_that_is_not_above_0_is_refused() {
        let curve = Curve::bezier(&[[0.0, 0.0], [1.0, 1.0]]).unwrap();
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = curve.length(bad).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("tolerance is {bad:?}; it must be a finite number above 0")
            );
        }
    }
}
