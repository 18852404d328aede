//! Segments whose control points follow from the points before and after: Catmull-Rom and cardinal.

use std::array::from_fn;

use super::super::error::Error;
use super::super::piecewise::{PiecewiseCubic, check_points};
use super::super::segment::{Segment, line, norm};
use super::{Ends, check_part};

/// Beyond this the quotient of two distances says no more than that one of them is nothing.
const RATIO_MAX: f64 = 1e150;

impl<const D: usize> PiecewiseCubic<D> {
    /// Goes through the points as a Catmull-Rom spline on the knots 0, 1, 2, …
    ///
    /// `alpha` spaces the points by their distances to that power: 0 is uniform, 0.5 centripetal (no cusps and no loops within
    /// a segment), 1 chordal (Yuksel, Schaefer and Keyser, Parameterization and Applications of Catmull-Rom Curves, 2011).
    /// Each segment runs over one unit of the parameter whatever the spacing. The control point beside an end of the curve,
    /// and beside a point that is repeated, is the point itself, as in d3's `curveCatmullRom`. Two points make a line, closed
    /// there and back. A closed curve begins at the first point (d3's at the second).
    ///
    /// It is affine-invariant only for alpha 0: transform the curve, not the points, where that matters.
    ///
    /// # Errors
    ///
    /// [`Error::TooFewPoints`] below 2 points, 4 for open ends; [`Error::Point`]; [`Error::FamilyParameter`] unless alpha is in 0..=1.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::{Curve, Ends};
    ///
    /// let points = [[0.0, 0.0], [6.0, 0.0], [6.0, 6.0], [0.0, 6.0]];
    /// let closed = Curve::catmull_rom(&points, 0.5, Ends::Closed)?;
    /// assert_eq!(closed.segment_count(), 4);
    /// assert_eq!(closed.segments()[0][1], [1.0, -1.0]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn catmull_rom(points: &[[f64; D]], alpha: f64, ends: Ends) -> Result<Self, Error> {
        check_part("alpha", alpha)?;
        joined("catmull_rom", points, ends, |before, at, after| {
            let (to, from) = (difference(at, before), difference(after, at));
            if alpha == 0.0 {
                return from_fn(|i| (to[i] + from[i]) / 6.0);
            }
            let (to_length, from_length) = (norm(&to), norm(&from));
            if to_length == 0.0 || from_length == 0.0 {
                return [0.0; D];
            }
            // Of the spacings: after the point by before it.
            let ratio = (from_length / to_length).powf(alpha).min(RATIO_MAX);
            let (weight_to, weight_from) = (ratio * (ratio / (1.0 + ratio)), 1.0 / (1.0 + ratio));
            from_fn(|i| (to[i] * weight_to + from[i] * weight_from) / 3.0)
        })
    }

    /// Goes through the points as a cardinal spline on the knots 0, 1, 2, …: the derivative at a point is `1 - tension` times half
    /// of the way from the one before to the one after.
    ///
    /// Tension 0 is the uniform Catmull-Rom spline, tension 1 straight lines. At the ends as [`PiecewiseCubic::catmull_rom`].
    ///
    /// # Errors
    ///
    /// As [`PiecewiseCubic::catmull_rom`], with the tension in 0..=1.
    pub fn cardinal(points: &[[f64; D]], tension: f64, ends: Ends) -> Result<Self, Error> {
        check_part("tension", tension)?;
        let share = (1.0 - tension) / 6.0;
        joined("cardinal", points, ends, |before, at, after| {
            let (to, from) = (difference(at, before), difference(after, at));
            from_fn(|i| (to[i] + from[i]) * share)
        })
    }
}

fn difference<const D: usize>(a: &[f64; D], b: &[f64; D]) -> [f64; D] {
    from_fn(|i| a[i] - b[i])
}

/// Joins points by segments. `arm` gives the way from a point to its control point after it, from the point before, the point
/// and the one after; it is asked with the order turned around for the control point before a point.
fn joined<const D: usize>(
    family: &'static str,
    points: &[[f64; D]],
    ends: Ends,
    arm: impl Fn(&[f64; D], &[f64; D], &[f64; D]) -> [f64; D],
) -> Result<PiecewiseCubic<D>, Error> {
    check_points(points)?;
    let count = points.len();
    let needed = if ends == Ends::Open { 4 } else { 2 };
    if count < needed {
        return Err(Error::TooFewPoints { family, needed, given: count });
    }
    if let [a, b] = *points {
        let there = line(a, b);
        let back = (ends == Ends::Closed).then(|| line(b, a));
        return PiecewiseCubic::from_segments_by_index([there].into_iter().chain(back).collect());
    }
    let neighbour = |i: usize, step: isize| match ends {
        Ends::Closed => Some(&points[(i as isize + step).rem_euclid(count as isize) as usize]),
        _ => i.checked_add_signed(step).and_then(|i| points.get(i)),
    };
    // The way to the control point on the side of the neighbour that `step` leads to.
    let control = |i: usize, step: isize| -> [f64; D] {
        let at = &points[i % count];
        match (neighbour(i % count, -step), neighbour(i % count, step)) {
            (Some(before), Some(after)) => {
                let way = arm(before, at, after);
                from_fn(|axis| at[axis] + way[axis])
            }
            _ => *at,
        }
    };
    let from_to = match ends {
        Ends::Whole => 0..count - 1,
        Ends::Open => 1..count - 2,
        Ends::Closed => 0..count,
    };
    let segments: Vec<Segment<D>> =
        from_to.map(|i| [points[i], control(i, 1), control(i + 1, -1), points[(i + 1) % count]]).collect();
    PiecewiseCubic::from_segments_by_index(segments)
}
