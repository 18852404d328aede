//! Bezier curves of higher degree as cubic segments.

use std::array::from_fn;

use super::Bezier;
use super::casteljau::{Room, casteljau};
use crate::curve::error::{Error, check_tolerance};
use crate::curve::piecewise::PiecewiseCubic;
use crate::curve::segment::{Segment, max_abs};

impl<const D: usize> Bezier<D> {
    /// Returns the curve as cubic segments that stay within `tolerance` of it, at each parameter, on knots in 0..=1.
    ///
    /// A degree up to 3 is converted as [`PiecewiseCubic::bezier`] does. A higher one is halved until a cubic is near enough:
    /// the one with the same ends and the same derivatives there, so that the segments join smoothly. Raised to the curve's
    /// degree, the cubic's control points are no farther from the curve's own than the tolerance allows, and the difference
    /// of the two is in the hull of these differences. A tolerance below 4e-15 of the largest coordinate for each degree asks
    /// for more than `f64` has: the error is then of that size.
    ///
    /// # Errors
    ///
    /// [`Error::Tolerance`] unless the tolerance is finite and above 0, [`Error::ControlPoint`] if a control point of the
    /// result is out of range where the curve's own nearly are.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Bezier;
    ///
    /// let wave = Bezier::new(&[[0.0, 0.0], [1.0, 9.0], [2.0, -9.0], [3.0, 9.0], [4.0, -9.0], [5.0, 0.0]])?;
    /// let cubics = wave.to_piecewise(1e-3)?;
    /// let (p, q) = (wave.eval(0.3), cubics.eval(0.3));
    /// assert!((p[0] - q[0]).hypot(p[1] - q[1]) <= 1e-3);
    /// let polyline = cubics.flatten(1e-2)?;
    /// assert_eq!(polyline.last(), Some(&[5.0, 0.0]));
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn to_piecewise(&self, tolerance: f64) -> Result<PiecewiseCubic<D>, Error> {
        check_tolerance(tolerance)?;
        if self.degree() <= 3 {
            return PiecewiseCubic::bezier(&self.points);
        }
        let size = self.points.iter().map(max_abs).fold(0.0, f64::max);
        let mut cubics = Cubics {
            // No component is farther off, so that the distance is within this.
            share: (tolerance / (D as f64).sqrt()).max(16.0 * self.degree() as f64 * f64::EPSILON * size),
            segments: Vec::new(),
            knots: vec![0.0],
        };
        cubics.append(&self.points, 0.0, 1.0);
        PiecewiseCubic::from_segments(cubics.segments, cubics.knots)
    }
}

/// Cubic segments, as they are found.
struct Cubics<const D: usize> {
    /// What is left of the tolerance for each coordinate.
    share: f64,
    segments: Vec<Segment<D>>,
    knots: Vec<f64>,
}

impl<const D: usize> Cubics<D> {
    /// Appends what stays near the piece of the curve with these control points, which goes from one parameter to another.
    fn append(&mut self, points: &[[f64; D]], from: f64, to: f64) {
        let cubic = hermite(points);
        let middle = 0.5 * (from + to);
        // It goes with the fourth power of the length, so that the shortest piece stays far above the spacing of `f64`.
        if distance_at_most(&cubic, points) <= self.share || to - from <= 2.0 * f64::EPSILON {
            self.segments.push(cubic);
            self.knots.push(to);
            return;
        }
        let mut after = Room::of(points);
        let mut before = Room::of(points);
        casteljau(after.all_mut(), 0.5, |k, point| before.all_mut()[k] = point);
        self.append(before.all_mut(), from, middle);
        self.append(after.all_mut(), middle, to);
    }
}

/// Returns the cubic with the ends of a Bezier curve and its derivatives there.
fn hermite<const D: usize>(points: &[[f64; D]]) -> Segment<D> {
    let degree = points.len() - 1;
    let stretch = degree as f64 / 3.0;
    let [p, q, r, s] = [points[0], points[1], points[degree - 1], points[degree]];
    [p, from_fn(|i| p[i] + stretch * (q[i] - p[i])), from_fn(|i| s[i] + stretch * (r[i] - s[i])), s]
}

/// Returns an upper bound of how far any coordinate of a cubic is from that of a Bezier curve at the same parameter.
fn distance_at_most<const D: usize>(cubic: &Segment<D>, points: &[[f64; D]]) -> f64 {
    let mut raised = Room::of(cubic);
    for _ in 3..points.len() - 1 {
        raised.elevate();
    }
    let differences =
        raised.all_mut().iter().zip(points).flat_map(|(a, b)| (0..D).map(|i| (a[i] - b[i]).abs()));
    differences.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::super::tests::wave;
    use super::*;

    #[test]
    fn a_low_degree_is_converted_exactly() {
        let wave = wave();
        for degree in 1..=3 {
            let points = &wave.points()[..=degree];
            let cubics = Bezier::new(points).unwrap().to_piecewise(1e-300).unwrap();
            assert_eq!(cubics, PiecewiseCubic::bezier(points).unwrap());
        }
    }

    #[test]
    fn a_cubic_in_disguise_takes_one_segment() {
        let cubic = [[0.0, 0.0], [3.0, 9.0], [-2.0, 5.0], [4.0, 1.0]];
        let mut room = Room::of(&cubic);
        for _ in 3..20 {
            room.elevate();
        }
        let curve = Bezier::new(room.all_mut()).unwrap();
        let cubics = curve.to_piecewise(1e-12).unwrap();
        assert_eq!((curve.degree(), cubics.segment_count()), (20, 1));
        for (p, q) in cubics.segments()[0].iter().zip(cubic) {
            assert!((p[0] - q[0]).hypot(p[1] - q[1]) < 1e-12, "{p:?}, {q:?}");
        }
    }

    #[test]
    fn the_finest_tolerance_ends_with_what_f64_has() {
        let points: Vec<_> = (0..65).map(|k| [f64::from(k), if k % 2 == 0 { 1.0 } else { -1.0 }]).collect();
        let cubics = Bezier::new(&points).unwrap().to_piecewise(1e-300).unwrap();
        assert!(cubics.segment_count() < 20_000, "{}", cubics.segment_count());
    }
}
