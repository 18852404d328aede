//! The families whose segments follow from their two points alone, and Bezier curves.

use std::array::from_fn;

use super::super::error::Error;
use super::super::piecewise::{PiecewiseCubic, check_points};
use super::super::segment::{line, quadratic};
use super::check_part;

impl<const D: usize> PiecewiseCubic<D> {
    /// Makes a Bezier curve of degree 1 to 3 from its 2 to 4 control points, as one segment over 0 to 1.
    ///
    /// The lower degrees are elevated, which keeps the curve and its parametrization.
    ///
    /// # Errors
    ///
    /// [`Error::ControlPointCount`] for any other number of points, [`Error::Point`] for a coordinate out of range.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let parabola = Curve::bezier(&[[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]])?;
    /// assert_eq!(parabola.eval(0.5), [1.0, 1.0]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn bezier(points: &[[f64; D]]) -> Result<Self, Error> {
        check_points(points)?;
        let segment = match *points {
            [a, b] => line(a, b),
            [a, b, c] => quadratic(a, b, c),
            [a, b, c, d] => [a, b, c, d],
            _ => return Err(Error::ControlPointCount { given: points.len() }),
        };
        Self::from_segments_by_index(vec![segment])
    }

    /// Joins the points by straight segments on the knots 0, 1, 2, …
    ///
    /// A closed one goes back to the first point, unless the last point is there already. Repeated points stay, as segments
    /// of no length, so that knot i is point i.
    ///
    /// # Errors
    ///
    /// [`Error::TooFewPoints`] below 2 points, [`Error::Point`] for a coordinate out of range.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let triangle = Curve::linear(&[[0.0, 0.0], [4.0, 0.0], [4.0, 3.0]], true)?;
    /// assert_eq!(triangle.segment_count(), 3);
    /// assert_eq!(triangle.end(), triangle.start());
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn linear(points: &[[f64; D]], closed: bool) -> Result<Self, Error> {
        check_points(points)?;
        let [first, .., last] = *points else {
            return Err(Error::TooFewPoints { family: "linear", needed: 2, given: points.len() });
        };
        let mut segments: Vec<_> = points.windows(2).map(|pair| line(pair[0], pair[1])).collect();
        if closed && last != first {
            segments.push(line(last, first));
        }
        Self::from_segments_by_index(segments)
    }

    /// Joins the points by curves that leave and reach each of them along coordinate `axis` (0 is x), on the knots 0, 1, 2, …: the
    /// control points lie half way along it. As d3's `curveBumpX` and `curveBumpY`.
    ///
    /// # Errors
    ///
    /// [`Error::TooFewPoints`] below 2 points, [`Error::Point`], [`Error::Dimension`] for an axis that the points do not have.
    pub fn bump(points: &[[f64; D]], axis: usize) -> Result<Self, Error> {
        check_points(points)?;
        if axis >= D {
            return Err(Error::Dimension { needed: axis + 1, given: D });
        }
        if points.len() < 2 {
            return Err(Error::TooFewPoints { family: "bump", needed: 2, given: points.len() });
        }
        let segments = points.windows(2).map(|pair| {
            let (a, b) = (pair[0], pair[1]);
            let half = a[axis] / 2.0 + b[axis] / 2.0;
            let halfway = |point: [f64; D]| from_fn(|i| if i == axis { half } else { point[i] });
            [a, halfway(a), halfway(b), b]
        });
        Self::from_segments_by_index(segments.collect())
    }

    /// Joins the points by steps: the first coordinate goes alone, the others jump at `position` of the way from a point to the next,
    /// 0 at the point itself, 1 at the next. On the knots 0, 1, 2, …, one for each straight segment. As d3's `curveStep`
    /// (0.5), `curveStepBefore` (0) and `curveStepAfter` (1).
    ///
    /// # Errors
    ///
    /// [`Error::TooFewPoints`] below 2 points, [`Error::Point`], [`Error::FamilyParameter`] unless the position is in 0..=1.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let stairs = Curve::step(&[[0.0, 0.0], [2.0, 1.0], [4.0, 2.0]], 0.5)?;
    /// assert_eq!(stairs.flatten(0.1)?, [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [3.0, 1.0], [3.0, 2.0], [4.0, 2.0]]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn step(points: &[[f64; D]], position: f64) -> Result<Self, Error> {
        check_part("position", position)?;
        check_points(points)?;
        if points.len() < 2 {
            return Err(Error::TooFewPoints { family: "step", needed: 2, given: points.len() });
        }
        let mut corners = vec![points[0]];
        for pair in points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let at = a[0] * (1.0 - position) + b[0] * position;
            corners.extend([a, b].map(|point| from_fn(|i| if i == 0 { at } else { point[i] })));
        }
        if position < 1.0 {
            corners.extend(points.last());
        }
        // Where it jumps at the point itself, there is no way to go before it.
        let corners = if position == 0.0 { &corners[1..] } else { &corners[..] };
        Self::linear(corners, false)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Curve;
    use super::*;

    #[test]
    fn other_degrees_are_refused_with_the_allowed_ones() {
        for count in [0, 1, 5] {
            let error = Curve::bezier(&vec![[0.0, 0.0]; count]).unwrap_err();
            assert_eq!(error, Error::ControlPointCount { given: count });
            assert!(error.to_string().contains("2, 3 or 4 control points"), "{error}");
        }
    }

    #[test]
    fn an_infinite_coordinate_is_named_with_its_index() {
        let error = Curve::linear(&[[0.0, 0.0], [1.0, f64::NEG_INFINITY]], false).unwrap_err();
        assert_eq!(error, Error::Point { index: 1, axis: 1, value: f64::NEG_INFINITY });
        assert!(error.to_string().starts_with("coordinate 1 of point 1 is -inf"), "{error}");
    }

    #[test]
    fn fewer_than_two_points_are_no_polyline() {
        for points in [&[][..], &[[1.0, 2.0]]] {
            let error = Curve::linear(points, true).unwrap_err();
            assert_eq!(error, Error::TooFewPoints { family: "linear", needed: 2, given: points.len() });
        }
    }

    #[test]
    fn closing_adds_no_segment_where_the_polyline_is_closed_already() {
        let square = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]];
        assert_eq!(Curve::linear(&square, true).unwrap().segment_count(), 3);
        assert_eq!(Curve::linear(&square[..3], true).unwrap().segment_count(), 3);
        assert_eq!(Curve::linear(&square[..2], true).unwrap().segment_count(), 2);
    }
}
