//! Twice continuously differentiable cubic splines through points.

use std::array::from_fn;

use super::super::error::Error;
use super::super::piecewise::{PiecewiseCubic, check_points};
use super::super::segment::line;
use super::Knots;
use super::hermite::{check_derivatives, segment};
use super::not_a_knot;

/// What holds at the ends of a spline, where the points leave two conditions open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SplineEnds<const D: usize> {
    /// The second derivative is 0 at both ends.
    Natural,
    /// The derivative by the parameter is given at both ends.
    Clamped {
        /// At the first point.
        start: [f64; D],
        /// At the last point.
        end: [f64; D],
    },
    /// The third derivative is continuous at the second point and the last but one: the first two segments are one cubic, and the
    /// last two. Three points make a parabola.
    NotAKnot,
    /// The curve goes on from the last point to the first and is as smooth there as everywhere. There is a knot more than points.
    Periodic,
}

impl<const D: usize> PiecewiseCubic<D> {
    /// Goes through the points as a cubic spline: twice continuously differentiable by its parameter.
    ///
    /// The derivatives at the points solve a tridiagonal system (de Boor, A Practical Guide to Splines, 2001, chapter IV), in time
    /// and memory linear in the points. Conventions are those of SciPy's `CubicSpline`, but for a periodic one the first
    /// point is not repeated. Two points make a line, except between clamped ends.
    ///
    /// # Errors
    ///
    /// [`Error::TooFewPoints`] below 2 points; [`Error::Point`]; [`Error::KnotCount`], [`Error::Knot`] for given knots that do not fit,
    /// [`Error::PointsCoincide`] where spaced knots would not ascend; [`Error::Derivative`] for an end's that is not finite;
    /// [`Error::ControlPoint`] where the spline itself goes beyond [`MAX_COORDINATE`](crate::curve::MAX_COORDINATE).
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::{Curve, Knots, SplineEnds};
    ///
    /// let points = [[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]];
    /// let natural = Curve::spline(&points, &Knots::Uniform, SplineEnds::Natural)?;
    /// assert_eq!(natural.eval(1.0), [1.0, 2.0]);
    /// assert!((natural.derivative(0.0)[1] - 3.0).abs() < 1e-12);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn spline(points: &[[f64; D]], knots: &Knots, ends: SplineEnds<D>) -> Result<Self, Error> {
        check_points(points)?;
        let count = points.len();
        if count < 2 {
            return Err(Error::TooFewPoints { family: "spline", needed: 2, given: count });
        }
        if let SplineEnds::Clamped { start, end } = ends {
            check_derivatives(&[start, end])?;
        }
        let closed = ends == SplineEnds::Periodic;
        let knots = knots.of(points, closed)?;
        super::super::piecewise::check_knots(&knots)?;
        if count == 2 && matches!(ends, SplineEnds::Natural | SplineEnds::NotAKnot) {
            return Self::from_segments(vec![line(points[0], points[1])], knots);
        }
        // Spans of at most 1, so that nothing overflows on the way that does not in the end.
        let longest = knots.windows(2).fold(0.0, |longest: f64, pair| longest.max(pair[1] - pair[0]));
        let spans: Vec<f64> = knots.windows(2).map(|pair| (pair[1] - pair[0]) / longest).collect();
        let slopes: Vec<[f64; D]> = (0..spans.len())
            .map(|i| from_fn(|axis| (points[(i + 1) % count][axis] - points[i][axis]) / spans[i]))
            .collect();
        let derivatives = match ends {
            SplineEnds::Natural => {
                between(&spans, &slopes, End::natural(&slopes[0]), End::natural(&slopes[count - 2]))
            }
            SplineEnds::Clamped { start, end } => {
                let [start, end] = [start, end].map(|d| End::given(d.map(|x| x * longest)));
                between(&spans, &slopes, start, end)
            }
            SplineEnds::NotAKnot if count == 3 => parabola(&spans, &slopes),
            SplineEnds::NotAKnot => not_a_knot::derivatives(&spans, &slopes),
            SplineEnds::Periodic => around(&spans, &slopes),
        };
        let segments = (0..spans.len())
            .map(|i| {
                let next = (i + 1) % count;
                let [from, to] = [i, next].map(|i| derivatives[i % derivatives.len()]);
                segment(points[i], points[next], from, to, spans[i])
            })
            .collect();
        Self::from_segments(segments, knots)
    }
}

/// The equation of an end: `own` times its derivative and `next` times the one beside it are `sum`.
struct End<const D: usize> {
    own: f64,
    next: f64,
    sum: [f64; D],
}

impl<const D: usize> End<D> {
    fn natural(slope: &[f64; D]) -> Self {
        Self { own: 2.0, next: 1.0, sum: slope.map(|s| 3.0 * s) }
    }

    fn given(derivative: [f64; D]) -> Self {
        Self { own: 1.0, next: 0.0, sum: derivative }
    }
}

/// The equation of an inner point, divided by its spans: `before` times the derivative before it, 2 times its own and
/// `after` times the one after it are `sum`.
struct Row<const D: usize> {
    before: f64,
    after: f64,
    sum: [f64; D],
}

fn row<const D: usize>([to, from]: [f64; 2], [slope_to, slope_from]: [&[f64; D]; 2]) -> Row<D> {
    let (before, after) = (from / (to + from), to / (to + from));
    Row { before, after, sum: from_fn(|i| 3.0 * (before * slope_to[i] + after * slope_from[i])) }
}

/// Returns the derivatives at the points between two ends (Thomas' algorithm).
fn between<const D: usize>(spans: &[f64], slopes: &[[f64; D]], start: End<D>, end: End<D>) -> Vec<[f64; D]> {
    let mut values = vec![start.sum.map(|x| x / start.own)];
    let mut factors = vec![start.next / start.own];
    for i in 1..spans.len() {
        let Row { before, after, sum } = row([spans[i - 1], spans[i]], [&slopes[i - 1], &slopes[i]]);
        let pivot = 2.0 - before * factors[i - 1];
        let last = values[i - 1];
        values.push(from_fn(|axis| (sum[axis] - before * last[axis]) / pivot));
        factors.push(after / pivot);
    }
    let last = spans.len() - 1;
    let pivot = end.own - end.next * factors[last];
    let beside = values[last];
    values.push(from_fn(|axis| (end.sum[axis] - end.next * beside[axis]) / pivot));
    for i in (0..=last).rev() {
        let next = values[i + 1];
        values[i] = from_fn(|axis| values[i][axis] - factors[i] * next[axis]);
    }
    values
}

/// Returns the derivatives at three points of the parabola through them.
fn parabola<const D: usize>(spans: &[f64], slopes: &[[f64; D]]) -> Vec<[f64; D]> {
    let (h0, h1) = (spans[0] / (spans[0] + spans[1]), spans[1] / (spans[0] + spans[1]));
    let (s0, s1) = (slopes[0], slopes[1]);
    vec![
        from_fn(|i| s0[i] - h0 * (s1[i] - s0[i])),
        from_fn(|i| h1 * s0[i] + h0 * s1[i]),
        from_fn(|i| s1[i] + h1 * (s1[i] - s0[i])),
    ]
}

/// Returns the derivatives at the points of a periodic spline, whose system has two more corners: solved without them and
/// corrected (Sherman and Morrison 1950; Press et al., Numerical Recipes, section 2.7).
fn around<const D: usize>(spans: &[f64], slopes: &[[f64; D]]) -> Vec<[f64; D]> {
    let count = spans.len();
    let rows: Vec<Row<D>> = (0..count)
        .map(|i| {
            let before = (i + count - 1) % count;
            row([spans[before], spans[i]], [&slopes[before], &slopes[i]])
        })
        .collect();
    if count == 2 {
        // Each row has both weights at the other point, and they are 1 together: the two derivatives are the same.
        return rows.iter().map(|row| row.sum.map(|x| x / 3.0)).collect();
    }
    // The corners are `first` at the last column of the first row and `last` at the first column of the last row.
    let (first, last) = (rows[0].before, rows[count - 1].after);
    let gamma = -2.0;
    let diagonal = |i: usize| match i {
        0 => 2.0 - gamma,
        _ if i == count - 1 => 2.0 - first * last / gamma,
        _ => 2.0,
    };
    let mut factors = vec![0.0; count];
    let mut values: Vec<[f64; D]> = Vec::with_capacity(count);
    let mut correction = vec![0.0; count];
    for (i, Row { before, after, sum }) in rows.iter().enumerate() {
        let (factor, value, corrected) = match i.checked_sub(1) {
            Some(i) => (factors[i], values[i], correction[i]),
            None => (0.0, [0.0; D], 0.0),
        };
        let before = if i == 0 { 0.0 } else { *before };
        let pivot = diagonal(i) - before * factor;
        factors[i] = if i == count - 1 { 0.0 } else { after / pivot };
        values.push(from_fn(|axis| (sum[axis] - before * value[axis]) / pivot));
        let corner = match i {
            0 => gamma,
            _ if i == count - 1 => last,
            _ => 0.0,
        };
        correction[i] = (corner - before * corrected) / pivot;
    }
    for i in (0..count - 1).rev() {
        let next = values[i + 1];
        values[i] = from_fn(|axis| values[i][axis] - factors[i] * next[axis]);
        correction[i] -= factors[i] * correction[i + 1];
    }
    let corner = first / gamma;
    let share = 1.0 + correction[0] + corner * correction[count - 1];
    let (start, end) = (values[0], values[count - 1]);
    let times: [f64; D] = from_fn(|axis| (start[axis] + corner * end[axis]) / share);
    values.iter().zip(&correction).map(|(value, z)| from_fn(|axis| value[axis] - times[axis] * z)).collect()
}
