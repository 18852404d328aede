//! Arc length, to a tolerance.

use std::array::from_fn;

use super::error::{Error, check_tolerance};
use super::piecewise::PiecewiseCubic;
use super::segment::{differences, dot, max_abs, norm, quadratic_at};

/// Nodes above 0 of the 15-point Kronrod rule on -1 to 1; every second one, from the second, is a node of the 7-point Gauss
/// rule (Piessens et al., QUADPACK, 1983, routine QK15).
const NODES: [f64; 7] = [
    0.991_455_371_120_812_6,
    0.949_107_912_342_758_5,
    0.864_864_423_359_769_1,
    0.741_531_185_599_394_4,
    0.586_087_235_467_691_1,
    0.405_845_151_377_397_2,
    0.207_784_955_007_898_47,
];

/// Kronrod weights of [`NODES`], and last that of 0.
const KRONROD: [f64; 8] = [
    0.022_935_322_010_529_224,
    0.063_092_092_629_978_55,
    0.104_790_010_322_250_18,
    0.140_653_259_715_525_92,
    0.169_004_726_639_267_9,
    0.190_350_578_064_785_4,
    0.204_432_940_075_298_9,
    0.209_482_141_084_727_82,
];

/// Gauss weights of every second of [`NODES`], and last that of 0.
const GAUSS: [f64; 4] =
    [0.129_484_966_168_869_7, 0.279_705_391_489_276_64, 0.381_830_050_505_118_9, 0.417_959_183_673_469_4];

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
    /// (Gravesen 1997), are close enough, or its directions all lie near the chord's, so that the speed is smooth and the
    /// Gauss-Legendre rule and its Kronrod extension can be trusted to differ by more than the error. So a cusp is halved
    /// towards, down to the tolerance, and not stepped over.
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

/// Returns the length of the curve that starts anywhere and has three times `sides` for the control points of its derivative.
pub(super) fn piece_length<const D: usize>(sides: &[[f64; D]; 3], tolerance: f64) -> f64 {
    if let Some(length) = length_at_once(sides, tolerance) {
        return length;
    }
    let [left, right] = halves(sides);
    piece_length(&left, tolerance / 2.0) + piece_length(&right, tolerance / 2.0)
}

/// Returns what [`piece_length`] does if the piece need not be halved for it.
pub(super) fn length_at_once<const D: usize>(sides: &[[f64; D]; 3], tolerance: f64) -> Option<f64> {
    let [a, b, c] = sides;
    let norms = [norm(a), norm(b), norm(c)];
    let polygon: f64 = norms.iter().sum();
    let chord_vector: [f64; D] = from_fn(|i| a[i] + b[i] + c[i]);
    let chord = norm(&chord_vector);
    if polygon - chord <= 2.0 * tolerance {
        return Some((polygon + chord) / 2.0);
    }
    // Within 75 degrees of the chord: the speed keeps away from 0 and is smooth. The chord is then a quarter of the polygon at
    // least; one of no length has no direction.
    let tame = chord >= 0.25 * polygon
        && sides.iter().zip(norms).all(|(side, norm)| dot(side, &chord_vector) >= 0.25 * norm * chord);
    if tame {
        let (kronrod, gauss) = integrate(|t| norm(&quadratic_at(sides, t)));
        if 3.0 * (kronrod - gauss).abs() <= tolerance {
            return Some(3.0 * kronrod);
        }
    }
    None
}

/// Splits at the middle. The halves' parameters run half as fast, which halves the derivatives.
pub(super) fn halves<const D: usize>([a, b, c]: &[[f64; D]; 3]) -> [[[f64; D]; 3]; 2] {
    let ab: [f64; D] = from_fn(|i| (a[i] + b[i]) / 2.0);
    let bc: [f64; D] = from_fn(|i| (b[i] + c[i]) / 2.0);
    let middle: [f64; D] = from_fn(|i| (ab[i] + bc[i]) / 2.0);
    [[*a, ab, middle], [middle, bc, *c]].map(|side| side.map(|v| v.map(|x| x / 2.0)))
}

/// Integrates over 0 to 1 by the 15-point Kronrod rule and by the 7-point Gauss rule in it.
fn integrate(f: impl Fn(f64) -> f64) -> (f64, f64) {
    let middle = f(0.5);
    let (mut kronrod, mut gauss) = (KRONROD[7] * middle, GAUSS[3] * middle);
    for (i, &node) in NODES.iter().enumerate() {
        let pair = f(0.5 - node / 2.0) + f(0.5 + node / 2.0);
        kronrod += KRONROD[i] * pair;
        if i % 2 == 1 {
            gauss += GAUSS[i / 2] * pair;
        }
    }
    (kronrod / 2.0, gauss / 2.0)
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::*;

    #[test]
    fn the_quadrature_is_exact_to_its_degree() {
        for degree in 0..=23 {
            let (kronrod, gauss) = integrate(|t| (degree + 1) as f64 * t.powi(degree));
            assert!((kronrod - 1.0).abs() < 4e-15, "degree {degree}: {kronrod}");
            if degree <= 13 {
                assert!((gauss - 1.0).abs() < 4e-15, "degree {degree}: {gauss}");
            }
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
