//! The exact box around a Bezier curve of any degree.

use std::array::from_fn;

use super::Bezier;
use super::casteljau::{Room, casteljau};
use crate::curve::rect::Rect;
use crate::curve::segment::max_abs;

/// How often a piece is halved in the search for an extremum: the hull of what is left differs from its ends by less than
/// rounding does, for a second derivative as large as any can be.
const MAX_HALVINGS: u32 = 32;

impl<const D: usize> Bezier<D> {
    /// Returns the smallest box around the curve itself, which may be smaller than that of its control points.
    ///
    /// It touches the curve on every side, up to the rounding of the extrema; the ends are in it exactly. On each axis the
    /// curve is halved wherever its control points leave the range of the points found so far, which converges to the extrema
    /// quadratically and misses none (Lane and Riesenfeld, Bounds on a polynomial, BIT 21, 1981).
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Bezier;
    ///
    /// let arch = Bezier::new(&[[0.0, 0.0], [0.0, 8.0], [4.0, 8.0], [8.0, 8.0], [8.0, 0.0]])?;
    /// assert_eq!(arch.bounds().max, [8.0, 7.0]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn bounds(&self) -> Rect<D> {
        let ranges: [_; D] = from_fn(|axis| {
            let mut values = Room::filled(self.points.len());
            for (value, point) in values.all_mut().iter_mut().zip(&self.points) {
                *value = [point[axis]];
            }
            let (first, last) = (values.all_mut()[0][0], values.all_mut()[self.degree()][0]);
            let size = values.all_mut().iter().map(max_abs).fold(0.0, f64::max);
            let mut range = (first.min(last), first.max(last));
            let noise = (4 + self.degree()) as f64 * f64::EPSILON * size;
            widen(&mut range, &values, noise, MAX_HALVINGS);
            range
        });
        Rect { min: ranges.map(|(low, _)| low), max: ranges.map(|(_, high)| high) }
    }
}

/// Widens a range to hold a polynomial, given in Bernstein form, whose ends it holds.
///
/// What is beyond it by less than `noise` counts for nothing.
fn widen(range: &mut (f64, f64), values: &Room<1>, noise: f64, halvings: u32) {
    let mut values = *values;
    let all = values.all_mut();
    let (first, last) = (all[0][0], all[all.len() - 1][0]);
    *range = (range.0.min(first).min(last), range.1.max(first).max(last));
    let beyond = all.iter().any(|&[x]| x < range.0 - noise || x > range.1 + noise);
    if !beyond || halvings == 0 {
        return;
    }
    let mut before = values;
    casteljau(values.all_mut(), 0.5, |k, point| before.all_mut()[k] = point);
    // The half that reaches farther first: what it finds may spare the other.
    let reach = |half: &mut Room<1>| {
        half.all_mut().iter().fold(0.0, |far: f64, &[x]| far.max(range.0 - x).max(x - range.1))
    };
    let (near, far) =
        if reach(&mut before) > reach(&mut values) { (values, before) } else { (before, values) };
    widen(range, &far, noise, halvings - 1);
    widen(range, &near, noise, halvings - 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_reach_every_extremum_of_a_chebyshev_polynomial() {
        // T16(2t - 1) swings 17 times between -1 and 1; its Bernstein coefficients go up to 1e5 (Rababah 2003).
        let binomial = |n: u32, k: u32| (0..k).fold(1.0, |c, i| c * f64::from(n - i) / f64::from(i + 1));
        let n = 16;
        let sign = |k: u32| if (n - k).is_multiple_of(2) { 1.0 } else { -1.0 };
        let points: Vec<_> = (0..=n)
            .map(|k| [sign(k) * binomial(2 * n, 2 * k) / binomial(n, k), f64::from(k) / f64::from(n)])
            .collect();
        let bounds = Bezier::new(&points).unwrap().bounds();
        let largest = points.iter().map(max_abs).fold(0.0, f64::max);
        let rounding = 40.0 * f64::EPSILON * largest;
        assert!(
            (bounds.min[0] + 1.0).abs() <= rounding && (bounds.max[0] - 1.0).abs() <= rounding,
            "{bounds:?}"
        );
        assert_eq!((bounds.min[1], bounds.max[1]), (0.0, 1.0));
    }

    #[test]
    fn a_flat_top_of_the_highest_degree_is_bounded_in_a_moment() {
        let mut points = vec![[0.1, 0.7]; 65];
        (points[0], points[64]) = ([0.0, 0.0], [0.0, 0.0]);
        let Rect { min, max } = Bezier::new(&points).unwrap().bounds();
        assert!(min == [0.0; 2] && max[0] <= 0.1 && max[1] <= 0.7 && max[1] > 0.7 - 1e-14, "{max:?}");
    }
}
