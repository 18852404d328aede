//! The one form that every curve has.

use super::error::Error;
use super::lookup::Lookup;
use super::segment::Segment;

/// A point of the plane, `[x, y]`.
pub type Point = [f64; 2];

/// A curve of the plane.
pub type Curve = PiecewiseCubic<2>;

/// The largest magnitude that a coordinate or a knot may have.
///
/// Far enough below `f64::MAX` that sums of control points never overflow, and so never turn into NaN.
pub const MAX_COORDINATE: f64 = 1e300;

/// Holds a curve of D dimensions as cubic Bezier segments over ascending breakpoints, called knots.
///
/// Segment i covers the parameters `knots[i]..=knots[i + 1]` and is `[p0, p1, p2, p3]` with p0 and p3 on the curve.
/// A segment need not start where the one before it ends: there the curve jumps. It always has at least one segment.
#[derive(Debug, Clone, PartialEq)]
pub struct PiecewiseCubic<const D: usize = 2> {
    segments: Vec<Segment<D>>,
    knots: Vec<f64>,
    pub(super) lookup: Lookup<D>,
}

impl<const D: usize> PiecewiseCubic<D> {
    /// Makes a curve of the given segments and the knots between them.
    ///
    /// # Errors
    ///
    /// [`Error::NoSegments`] or [`Error::KnotCount`] unless there is a segment and one knot more than segments,
    /// [`Error::Knot`] unless the knots ascend strictly, [`Error::ControlPoint`] for a coordinate that is not finite or
    /// beyond [`MAX_COORDINATE`].
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::PiecewiseCubic;
    ///
    /// let ease = PiecewiseCubic::from_segments(vec![[[0.0], [0.0], [1.0], [1.0]]], vec![0.0, 2.0])?;
    /// assert_eq!(ease.eval(1.0), [0.5]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn from_segments(segments: Vec<[[f64; D]; 4]>, knots: Vec<f64>) -> Result<Self, Error> {
        if segments.is_empty() {
            return Err(Error::NoSegments);
        }
        if knots.len() != segments.len() + 1 {
            return Err(Error::KnotCount { segments: segments.len(), given: knots.len() });
        }
        check_knots(&knots)?;
        check_segments(&segments)?;
        Ok(Self { segments, knots, lookup: Lookup::new() })
    }

    /// Makes a curve of what [`from_segments`](Self::from_segments) would take.
    pub(super) fn from_valid(segments: Vec<Segment<D>>, knots: Vec<f64>) -> Self {
        debug_assert!(Self::from_segments(segments.clone(), knots.clone()).is_ok());
        Self { segments, knots, lookup: Lookup::new() }
    }

    /// Makes a curve of segments on the knots 0, 1, 2, …
    pub(super) fn from_segments_by_index(segments: Vec<Segment<D>>) -> Result<Self, Error> {
        let knots = (0..=segments.len()).map(|i| i as f64).collect();
        Self::from_segments(segments, knots)
    }

    /// Returns the segments, each `[p0, p1, p2, p3]`.
    pub fn segments(&self) -> &[[[f64; D]; 4]] {
        &self.segments
    }

    /// Returns the knots, one more than there are segments.
    pub fn knots(&self) -> &[f64] {
        &self.knots
    }

    /// Returns how many segments there are; at least 1.
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// Returns the first and the last parameter.
    pub fn domain(&self) -> (f64, f64) {
        (self.knots[0], self.knots[self.knots.len() - 1])
    }

    /// Returns the curve's first point.
    pub fn start(&self) -> [f64; D] {
        self.segments[0][0]
    }

    /// Returns the curve's last point.
    pub fn end(&self) -> [f64; D] {
        self.segments[self.segments.len() - 1][3]
    }

    /// Replaces every control point by `map` of it, on the same knots.
    pub(super) fn map_points(&self, map: impl Fn([f64; D]) -> [f64; D]) -> Result<Self, Error> {
        let segments: Vec<_> = self.segments.iter().map(|segment| segment.map(&map)).collect();
        check_segments(&segments)?;
        Ok(Self { segments, knots: self.knots.clone(), lookup: Lookup::new() })
    }
}

/// Refuses knots that do not ascend strictly or are out of range.
pub(super) fn check_knots(knots: &[f64]) -> Result<(), Error> {
    let mut before = f64::NEG_INFINITY;
    for (index, &value) in knots.iter().enumerate() {
        if !in_range(value) || value <= before {
            return Err(Error::Knot { index, value });
        }
        before = value;
    }
    Ok(())
}

/// Refuses input points with a coordinate out of range.
pub(super) fn check_points<const D: usize>(points: &[[f64; D]]) -> Result<(), Error> {
    match find_out_of_range(points) {
        Some((index, axis, value)) => Err(Error::Point { index, axis, value }),
        None => Ok(()),
    }
}

fn check_segments<const D: usize>(segments: &[Segment<D>]) -> Result<(), Error> {
    match find_out_of_range(segments.as_flattened()) {
        Some((index, axis, value)) => {
            Err(Error::ControlPoint { segment: index / 4, point: index % 4, axis, value })
        }
        None => Ok(()),
    }
}

fn find_out_of_range<const D: usize>(points: &[[f64; D]]) -> Option<(usize, usize, f64)> {
    points.iter().enumerate().find_map(|(index, point)| {
        let axis = point.iter().position(|&value| !in_range(value))?;
        Some((index, axis, point[axis]))
    })
}

fn in_range(value: f64) -> bool {
    // False for NaN.
    value.abs() <= MAX_COORDINATE
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: Segment<2> = [[0.0, 0.0], [1.0, 2.0], [2.0, 2.0], [3.0, 0.0]];

    #[test]
    fn a_curve_without_segments_is_refused() {
        assert_eq!(Curve::from_segments(vec![], vec![0.0]), Err(Error::NoSegments));
    }

    #[test]
    fn a_knot_too_few_is_refused_with_both_counts() {
        let error = Curve::from_segments(vec![SEGMENT, SEGMENT], vec![0.0, 1.0]).unwrap_err();
        assert_eq!(error.to_string(), "2 segments take 3 knots, not 2");
    }

    #[test]
    fn knots_must_ascend_strictly_and_be_finite() {
        for bad in [1.0, 0.5, f64::NAN, f64::INFINITY, 2e300] {
            let error = Curve::from_segments(vec![SEGMENT, SEGMENT], vec![0.0, 1.0, bad]).unwrap_err();
            assert!(matches!(error, Error::Knot { index: 2, .. }), "{bad}: {error}");
        }
        let error = Curve::from_segments(vec![SEGMENT], vec![f64::NEG_INFINITY, 1.0]).unwrap_err();
        assert!(matches!(error, Error::Knot { index: 0, .. }), "{error}");
    }

    #[test]
    fn a_bad_coordinate_is_named_with_its_place_and_value() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.1e300] {
            let mut spoilt = SEGMENT;
            spoilt[2][1] = bad;
            let error = Curve::from_segments(vec![SEGMENT, spoilt], vec![0.0, 1.0, 2.0]).unwrap_err();
            assert!(matches!(error, Error::ControlPoint { segment: 1, point: 2, axis: 1, .. }), "{error}");
            assert!(error.to_string().contains(&format!("is {bad:?};")), "{error}");
        }
    }

    #[test]
    fn the_accessors_say_what_was_given() {
        let curve = Curve::from_segments(vec![SEGMENT], vec![-1.0, 4.0]).unwrap();
        assert_eq!(curve.segments(), [SEGMENT]);
        assert_eq!(curve.knots(), [-1.0, 4.0]);
        assert_eq!(curve.segment_count(), 1);
        assert_eq!(curve.domain(), (-1.0, 4.0));
        assert_eq!((curve.start(), curve.end()), ([0.0, 0.0], [3.0, 0.0]));
    }
}
