//! The uniform cubic B-spline, and what is drawn with it.

use std::array::from_fn;

use super::super::error::Error;
use super::super::piecewise::{PiecewiseCubic, check_points};
use super::super::segment::{Segment, line};
use super::{Ends, check_part};

impl<const D: usize> PiecewiseCubic<D> {
    /// Follows the points as a uniform cubic B-spline on the knots 0, 1, 2, …, twice continuously differentiable.
    ///
    /// It stays inside the convex hull of each four points and goes through none of them. Whole, straight lines lead from the
    /// first point to it and from it to the last, as in d3's `curveBasis`; two points are a line. Open, it begins and ends
    /// beside the second point and the last but one. Closed, it begins at a sixth of the first point, the second four times,
    /// and the third.
    ///
    /// # Errors
    ///
    /// [`Error::TooFewPoints`] below 2 points, 4 where it is open; [`Error::Point`].
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::{Curve, Ends};
    ///
    /// let points = [[0.0, 0.0], [0.0, 6.0], [6.0, 6.0], [6.0, 0.0]];
    /// let spline = Curve::basis(&points, Ends::Open)?;
    /// assert_eq!(spline.segments(), [[[1.0, 5.0], [2.0, 6.0], [4.0, 6.0], [5.0, 5.0]]]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn basis(points: &[[f64; D]], ends: Ends) -> Result<Self, Error> {
        check_points(points)?;
        let count = points.len();
        let needed = if ends == Ends::Open { 4 } else { 2 };
        if count < needed {
            return Err(Error::TooFewPoints { family: "basis", needed, given: count });
        }
        let segments = match ends {
            Ends::Whole if count == 2 => vec![line(points[0], points[1])],
            Ends::Whole => {
                let (first, last) = (points[0], points[count - 1]);
                let guided = pieces((0..count - 1).map(|i| {
                    [points[i.saturating_sub(1)], points[i], points[i + 1], points[(i + 2).min(count - 1)]]
                }));
                let (start, end) = (guided[0][0], guided[guided.len() - 1][3]);
                [line(first, start)].into_iter().chain(guided).chain([line(end, last)]).collect()
            }
            Ends::Open => pieces(points.windows(4).map(|four| from_fn(|i| four[i]))),
            Ends::Closed if count == 2 => {
                let (start, end) = (toward(&points[1], &points[0]), toward(&points[0], &points[1]));
                vec![line(start, end), line(end, start)]
            }
            Ends::Closed => pieces((0..count).map(|i| from_fn(|k| points[(i + k) % count]))),
        };
        Self::from_segments_by_index(segments)
    }

    /// Follows the points as [`PiecewiseCubic::basis`] does, straightened: each point is moved towards its place on the line from the
    /// first to the last (Holten, Hierarchical Edge Bundles, 2006). As d3's `curveBundle`.
    ///
    /// `beta` is 0 for the straight line, 1 for the spline itself.
    ///
    /// # Errors
    ///
    /// As [`PiecewiseCubic::basis`], and [`Error::FamilyParameter`] unless beta is in 0..=1.
    pub fn bundle(points: &[[f64; D]], beta: f64) -> Result<Self, Error> {
        check_part("beta", beta)?;
        check_points(points)?;
        let [first, .., last] = *points else {
            return Err(Error::TooFewPoints { family: "bundle", needed: 2, given: points.len() });
        };
        let steps = (points.len() - 1) as f64;
        let straightened: Vec<[f64; D]> = points
            .iter()
            .enumerate()
            .map(|(i, point)| {
                let part = i as f64 / steps;
                from_fn(|k| beta * point[k] + (1.0 - beta) * (first[k] + part * (last[k] - first[k])))
            })
            .collect();
        Self::basis(&straightened, Ends::Whole)
    }
}

/// Returns the piece that each four points guide.
fn pieces<const D: usize>(fours: impl Iterator<Item = [[f64; D]; 4]>) -> Vec<Segment<D>> {
    fours
        .map(|[a, b, c, d]| {
            let (to, from) = (toward(&b, &c), toward(&c, &b));
            [middle(&toward(&b, &a), &to), to, from, middle(&from, &toward(&c, &d))]
        })
        .collect()
}

/// Returns the point a third of the way from `a` to `b`.
fn toward<const D: usize>(a: &[f64; D], b: &[f64; D]) -> [f64; D] {
    from_fn(|i| a[i] + (b[i] - a[i]) / 3.0)
}

fn middle<const D: usize>(a: &[f64; D], b: &[f64; D]) -> [f64; D] {
    from_fn(|i| a[i] + (b[i] - a[i]) / 2.0)
}
