//! The exact box around a curve.

use std::array::from_fn;

use super::piecewise::PiecewiseCubic;
use super::rect::Rect;
use super::segment::{Segment, differences, reciprocal_power_of_two};

impl<const D: usize> PiecewiseCubic<D> {
    /// Returns the smallest box around the curve itself, which may be smaller than that of its control points.
    ///
    /// It touches the curve on every side, up to the rounding of the extrema between the ends of segments; those ends are in
    /// it exactly. Where the curve jumps, the gap counts for nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let hill = Curve::bezier(&[[0.0, 0.0], [0.0, 4.0], [8.0, 4.0], [8.0, 0.0]])?;
    /// assert_eq!(hill.bounds().max, [8.0, 3.0]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn bounds(&self) -> Rect<D> {
        let start = self.start();
        let (mut min, mut max) = (start, start);
        for segment in self.segments() {
            include(segment, &mut min, &mut max);
        }
        Rect { min, max }
    }
}

/// Widens `min` and `max` to hold a segment.
///
/// The curve lies in the hull of its control points, so that an axis on which the ends hold the others needs no roots.
/// Elsewhere all axes go the same way without a branch: every parameter from 0 to 1 gives a point of the curve, so that one
/// that is no root does no harm.
#[inline]
fn include<const D: usize>(segment: &Segment<D>, min: &mut [f64; D], max: &mut [f64; D]) {
    let [p0, p1, p2, p3] = segment;
    *min = from_fn(|i| lesser(min[i], lesser(p0[i], p3[i])));
    *max = from_fn(|i| greater(max[i], greater(p0[i], p3[i])));
    let low: [f64; D] = from_fn(|i| lesser(p1[i], p2[i]));
    let high: [f64; D] = from_fn(|i| greater(p1[i], p2[i]));
    let outside = (0..D).fold(false, |outside, i| outside | (low[i] < min[i]) | (high[i] > max[i]));
    if !outside {
        return;
    }
    let sides = differences(segment);
    let roots = stationary(&sides);
    let [a, b, c] = sides;
    // The two polynomials of `Powers`, which differ in signs: one about each end, for the half next to it.
    let cube: [f64; D] = from_fn(|i| (p3[i] - p0[i]) - 3.0 * b[i]);
    for t in roots {
        let value: [f64; D] = from_fn(|i| {
            let s = 1.0 - t[i];
            let from_start = p0[i] + t[i] * (3.0 * a[i] + t[i] * (3.0 * (b[i] - a[i]) + t[i] * cube[i]));
            let from_end = p3[i] + s * (-3.0 * c[i] + s * (3.0 * (c[i] - b[i]) - s * cube[i]));
            chosen(t[i] < 0.5, from_start, from_end)
        });
        // No farther than the hull: rounding must not take an axis past its ends.
        *min = from_fn(|i| lesser(min[i], greater(value[i], low[i])));
        *max = from_fn(|i| greater(max[i], lesser(value[i], high[i])));
    }
}

/// Returns for each axis the two roots of the quadratic with Bernstein coefficients `a`, `b`, `c`, or anything else from 0 to 1
/// where one is missing.
///
/// In powers of t that is (a - 2b + c) t² + 2 (b - a) t + a. Both roots come from the sum that does not cancel (Press et al.,
/// Numerical Recipes, 3rd ed. 2007, section 5.6). A leading coefficient of 0 makes one of them infinite, and the other right.
#[inline]
fn stationary<const D: usize>([a, b, c]: &[[f64; D]; 3]) -> [[f64; D]; 2] {
    let largest: [f64; D] = from_fn(|i| greater(greater(a[i].abs(), b[i].abs()), c[i].abs()));
    // Squares fit in `f64` without more ado.
    let tame = largest.iter().fold(true, |tame, &x| tame & (x < 1e140) & ((x > 1e-70) | (x == 0.0)));
    if tame {
        return from_bernstein(a, b, c);
    }
    let scale = largest.map(reciprocal_power_of_two);
    let [a, b, c] = [a, b, c].map(|v| from_fn(|i| v[i] * scale[i]));
    from_bernstein(&a, &b, &c)
}

#[inline]
fn from_bernstein<const D: usize>(a: &[f64; D], b: &[f64; D], c: &[f64; D]) -> [[f64; D]; 2] {
    let half: [f64; D] = from_fn(|i| b[i] - a[i]);
    let root: [f64; D] = from_fn(|i| greater(0.0, b[i] * b[i] - a[i] * c[i]).sqrt());
    let sum: [f64; D] = from_fn(|i| -(half[i] + root[i].copysign(half[i])));
    // NaN becomes 0.
    let inside = |t: f64| lesser(1.0, greater(0.0, t));
    [from_fn(|i| inside(sum[i] / (a[i] - 2.0 * b[i] + c[i]))), from_fn(|i| inside(a[i] / sum[i]))]
}

/// Chooses without a branch: which it is nobody can guess.
#[inline(always)]
fn chosen(first: bool, a: f64, b: f64) -> f64 {
    let mask = u64::from(first).wrapping_neg();
    f64::from_bits((a.to_bits() & mask) | (b.to_bits() & !mask))
}

/// `f64::min` without its care for NaN, one instruction.
#[inline]
fn lesser(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

/// `f64::max` without its care for NaN, one instruction.
#[inline]
fn greater(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::*;

    #[test]
    fn a_quadratic_in_disguise_has_its_one_extremum() {
        // Leading coefficient of the derivative 0, and 1 ulp beside it.
        for c in [-1.0, -1.0 - f64::EPSILON, -1.0 + f64::EPSILON] {
            let roots = stationary(&[[1.0], [0.0], [c]]);
            assert!(roots.iter().any(|[t]| (t - 0.5).abs() < 1e-15), "{c}: {roots:?}");
        }
    }

    #[test]
    fn a_constant_derivative_has_no_root() {
        assert_eq!(stationary(&[[1.0, 0.0]; 3]), [[0.0; 2]; 2]);
    }

    #[test]
    fn both_extrema_of_a_wiggle_count() {
        let curve = Curve::bezier(&[[0.0, 0.0], [1.0, 3.0], [2.0, -3.0], [3.0, 0.0]]).unwrap();
        let peak = 3.0_f64.sqrt() / 2.0;
        let bounds = curve.bounds();
        assert!((bounds.max[1] - peak).abs() < 1e-15 && (bounds.min[1] + peak).abs() < 1e-15, "{bounds:?}");
    }

    #[test]
    fn the_ends_are_in_the_box_exactly() {
        let curve = Curve::bezier(&[[0.1, 0.7], [0.2, 5.0], [0.25, -5.0], [0.3, 0.9]]).unwrap();
        assert_eq!((curve.bounds().min[0], curve.bounds().max[0]), (0.1, 0.3));
    }

    #[test]
    fn an_axis_of_another_size_changes_no_bit() {
        let wave = [[0.3], [2.7], [-1.9], [0.9]];
        let alone = PiecewiseCubic::bezier(&wave).unwrap().bounds();
        for other in [0.0, 1.0, 1e-200, 1e200] {
            let both = wave.map(|[x]| [x, (x + 1.0) * other]);
            let bounds = Curve::bezier(&both).unwrap().bounds();
            assert_eq!((bounds.min[0], bounds.max[0]), (alone.min[0], alone.max[0]), "{other}");
        }
    }

    #[test]
    fn extrema_are_the_bits_that_eval_gives() {
        let curve = Curve::bezier(&[[0.0, 0.1], [0.0, 0.9], [0.0, 0.4], [0.0, 0.3]]).unwrap();
        let max = curve.bounds().max[1];
        let roots = stationary(&[[0.9 - 0.1], [0.4 - 0.9], [0.3 - 0.4]]);
        assert!(roots.iter().any(|&[t]| curve.eval(t)[1] == max), "{roots:?}");
    }

    #[test]
    fn a_point_is_its_own_box() {
        let curve = Curve::bezier(&[[0.1, -0.7]; 4]).unwrap();
        assert_eq!(curve.bounds(), Rect { min: [0.1, -0.7], max: [0.1, -0.7] });
    }

    #[test]
    fn scaling_by_a_power_of_two_scales_the_box_exactly() {
        let points = [[0.3, -0.1], [2.7, 3.1], [-1.9, -2.3], [0.9, 0.4]];
        let unit = Curve::bezier(&points).unwrap().bounds();
        for exponent in [-500, -40, 40, 500] {
            let scale = 2.0_f64.powi(exponent);
            let bounds = Curve::bezier(&points.map(|p| p.map(|x| x * scale))).unwrap().bounds();
            assert_eq!(bounds.min, unit.min.map(|x| x * scale));
            assert_eq!(bounds.max, unit.max.map(|x| x * scale));
        }
    }
}
