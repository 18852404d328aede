//! Arc length, to a tolerance.
//!
//! `speed.rs` has what is integrated and where it is smooth, `gauss.rs` the rules that integrate it.

mod gauss;
mod speed;

use std::array::from_fn;

use super::error::{Error, check_tolerance};
use super::piecewise::PiecewiseCubic;
use super::segment::{Segment, differences, max_abs, norm, power_of_two_below};
use super::simd;
use gauss::Needed;
use speed::{Smoothness, Speed};

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
    /// (Gravesen 1997), are close enough, or its speed is proved to be so smooth that a Gauss-Legendre rule of 16, 32 or 48
    /// points is. So a cusp is halved towards, down to the tolerance, and not stepped over.
    ///
    /// Where a function is analytic in the ellipse with foci -1 and 1 and half axes that sum to r, and at most M there, the rule
    /// of n + 1 points misses its integral by 64/15 M / (r^2n (1 - r^-2)) at most (Trefethen, Approximation Theory and
    /// Approximation Practice, 2013, theorem 19.3). The speed is the root of a product of two quadratics in the plane, and
    /// analytic but at their roots; in space, it is as long as the derivative's real part is longer than the imaginary one.
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
        let (share, mut sum) = (tolerance / self.segment_count() as f64, 0.0);
        simd::widest(Sum { segments: self.segments(), tolerance: share, sum: &mut sum });
        Ok(sum)
    }
}

/// The lengths of segments that are to be added.
struct Sum<'a, const D: usize> {
    segments: &'a [Segment<D>],
    /// For each of them.
    tolerance: f64,
    sum: &'a mut f64,
}

impl<const D: usize> simd::Work for Sum<'_, D> {
    #[inline(always)]
    fn run(self) {
        for segment in self.segments {
            if let Some(Scaled { sides, scale, polygon, tolerance }) =
                scaled(&differences(segment), self.tolerance)
            {
                *self.sum += scale * length_of(&Speed::new(&sides), polygon, tolerance);
            }
        }
    }
}

/// One length that is to be computed.
struct One<'a, const D: usize> {
    sides: &'a [[f64; D]; 3],
    tolerance: f64,
    length: &'a mut f64,
}

impl<const D: usize> simd::Work for One<'_, D> {
    #[inline(always)]
    fn run(self) {
        let speed = Speed::new(self.sides);
        *self.length = length_of(&speed, speed.polygon(), self.tolerance);
    }
}

/// A third of the control points of a derivative, made at most 2 in size.
pub(super) struct Scaled<const D: usize> {
    pub(super) sides: [[f64; D]; 3],
    /// What they were divided by.
    pub(super) scale: f64,
    /// The length of all three.
    polygon: f64,
    /// What goes with them.
    pub(super) tolerance: f64,
}

/// Scales, where there is any length.
#[inline(always)]
pub(super) fn scaled<const D: usize>(hodograph: &[[f64; D]; 3], tolerance: f64) -> Option<Scaled<D>> {
    let [a, b, c] = hodograph;
    let largest = max_abs(a).max(max_abs(b)).max(max_abs(c));
    if largest == 0.0 {
        return None;
    }
    let scale = power_of_two_below(largest);
    let inverse = 1.0 / scale;
    let sides: [[f64; D]; 3] =
        [from_fn(|i| a[i] * inverse), from_fn(|i| b[i] * inverse), from_fn(|i| c[i] * inverse)];
    let polygon = norm(&sides[0]) + norm(&sides[1]) + norm(&sides[2]);
    Some(Scaled { sides, scale, polygon, tolerance: (tolerance / scale).max(ROUNDING * polygon) })
}

/// Returns the length of the curve that starts anywhere and has three times `sides` for the control points of its derivative.
pub(super) fn piece_length<const D: usize>(sides: &[[f64; D]; 3], tolerance: f64) -> f64 {
    let mut length = 0.0;
    simd::widest(One { sides, tolerance, length: &mut length });
    length
}

/// Returns the length of a piece if it need not be halved for it.
pub(super) fn length_at_once<const D: usize>(sides: &[[f64; D]; 3], tolerance: f64) -> Option<f64> {
    let (speed, tolerance) = (Speed::new(sides), 0.5 * tolerance);
    let polygon = speed.polygon();
    let integral = || {
        let rule =
            Needed::for_error(tolerance / polygon).rule(Smoothness::of(&speed).reach(0.0, 1.0, 1.0))?;
        Some(3.0 * speed.mean(rule))
    };
    speed.chord_or_polygon(polygon, tolerance).or_else(integral)
}

/// A piece is not halved more often than that, even towards a cusp: its length is the rounding's then.
const DEEPEST: u32 = 55;

#[inline(always)]
fn length_of<const D: usize>(whole: &Speed<D>, polygon: f64, tolerance: f64) -> f64 {
    // A half for the pieces that a rule measures, in proportion to their polygons, and a half for the others.
    let tolerance = 0.5 * tolerance;
    if let Some(length) = whole.chord_or_polygon(polygon, tolerance) {
        return length;
    }
    let (needed, smoothness) = (Needed::for_error(tolerance / polygon), Smoothness::of(whole));
    // Piece `index` of those that halving `level` times makes, from the first one on.
    let (mut level, mut index, mut sum) = (0_u32, 0_u64, 0.0);
    loop {
        let inverse = (1_u64 << level) as f64;
        let half = 1.0 / inverse;
        let center = (2 * index + 1) as f64 * half - 1.0;
        if let Some(rule) = needed.rule(smoothness.reach(center, half, inverse)) {
            sum += 3.0 * whole.part(center, half).mean(rule);
        } else {
            // It takes a few halvings for a piece to become straight, and only a cusp takes so many.
            let piece = whole.part(center, half);
            let tolerance = if level < DEEPEST { tolerance * half } else { f64::INFINITY };
            let straight =
                if level % 4 == 3 { piece.chord_or_polygon(piece.polygon(), tolerance) } else { None };
            let Some(length) = straight else {
                (level, index) = (level + 1, 2 * index);
                continue;
            };
            sum += length;
        }
        // After a right half, what comes next begins where a larger piece ended.
        index += 1;
        let up = index.trailing_zeros().min(level);
        (level, index) = (level - up, index >> up);
        if level == 0 {
            return sum;
        }
    }
}

/// Splits at the middle. The halves' parameters run half as fast, which halves the derivatives.
pub(super) fn halves<const D: usize>([a, b, c]: &[[f64; D]; 3]) -> [[[f64; D]; 3]; 2] {
    let ab: [f64; D] = from_fn(|i| (a[i] + b[i]) / 2.0);
    let bc: [f64; D] = from_fn(|i| (b[i] + c[i]) / 2.0);
    let middle: [f64; D] = from_fn(|i| (ab[i] + bc[i]) / 2.0);
    [[*a, ab, middle], [middle, bc, *c]].map(|side| side.map(|v| v.map(|x| x / 2.0)))
}

#[cfg(test)]
mod tests {
    use super::super::Curve;

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
