//! Graphs: curves that are a function of one of their coordinates.

use super::super::error::Error;
use super::super::piecewise::{PiecewiseCubic, check_points};
use super::super::segment::line;

/// Where both weights of Akima's mean are this small a part of the largest, they say nothing.
const AKIMA_NOTHING: f64 = 1e-9;

/// How a graph's slope at a point follows from those of the straight lines around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slopes {
    /// Monotone: the smallest of the two slopes and half of the parabola's, doubled; at an end halfway to the parabola. As
    /// d3's `curveMonotoneX` (Steffen, A simple method for monotonic interpolation in one dimension, 1990).
    Steffen,
    /// Monotone: the weighted harmonic mean, 0 at a turn; Moler's rule at an end. As SciPy's `PchipInterpolator` (Fritsch and
    /// Butland, A method for constructing local monotone piecewise cubic interpolants, 1984).
    FritschButland,
    /// Monotone: the mean, 0 at a turn, shrunk from left to right into the circle of radius 3; an end has its line's slope. As
    /// chart.js (Fritsch and Carlson, Monotone piecewise cubic interpolation, 1980).
    FritschCarlson,
    /// Local, without overshoot at flat stretches: a mean weighted by the changes of slope on the other side, over two
    /// slopes extrapolated at each end. As SciPy's `Akima1DInterpolator` (Akima, A new method of interpolation and smooth
    /// curve fitting based on local procedures, 1970).
    Akima,
    /// The same with weights that also count the slopes themselves: as SciPy's `makima`.
    ModifiedAkima,
}

impl<const D: usize> PiecewiseCubic<D> {
    /// Goes through the points as a function of coordinate `axis` (0 is x), which is the curve's parameter: the others are each
    /// interpolated over it.
    ///
    /// A straight line is what two points make. The monotone ones have no extremum between the points.
    ///
    /// # Errors
    ///
    /// [`Error::TooFewPoints`] below 2 points, [`Error::Point`], [`Error::Dimension`] for an axis that the points do not have, and
    /// [`Error::Knot`] unless that coordinate ascends strictly.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::{Curve, Slopes};
    ///
    /// let rise = Curve::graph(&[[0.0, 0.0], [1.0, 0.0], [2.0, 1.0], [3.0, 1.0]], 0, Slopes::Steffen)?;
    /// assert_eq!(rise.eval(0.7), [0.7, 0.0]);
    /// assert_eq!(rise.eval(1.5), [1.5, 0.5]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn graph(points: &[[f64; D]], axis: usize, slopes: Slopes) -> Result<Self, Error> {
        check_points(points)?;
        if axis >= D {
            return Err(Error::Dimension { needed: axis + 1, given: D });
        }
        if points.len() < 2 {
            return Err(Error::TooFewPoints { family: "graph", needed: 2, given: points.len() });
        }
        let knots: Vec<f64> = points.iter().map(|point| point[axis]).collect();
        super::super::piecewise::check_knots(&knots)?;
        let spans: Vec<f64> = knots.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mut segments: Vec<_> = points.windows(2).map(|pair| line(pair[0], pair[1])).collect();
        for other in (0..D).filter(|other| *other != axis && points.len() > 2) {
            let lines: Vec<f64> = points
                .windows(2)
                .zip(&spans)
                .map(|(pair, span)| (pair[1][other] - pair[0][other]) / span)
                .collect();
            let at_points = slopes.at_points(&spans, &lines);
            for (i, segment) in segments.iter_mut().enumerate() {
                segment[1][other] = segment[0][other] + at_points[i] * (spans[i] / 3.0);
                segment[2][other] = segment[3][other] - at_points[i + 1] * (spans[i] / 3.0);
            }
        }
        Self::from_segments(segments, knots)
    }
}

impl Slopes {
    /// Returns the slope at each point, from the lines' lengths along the axis and their slopes; at least two lines.
    fn at_points(self, spans: &[f64], lines: &[f64]) -> Vec<f64> {
        match self {
            Self::Steffen => by_neighbours(spans, lines, steffen, steffen_end),
            Self::FritschButland => by_neighbours(spans, lines, fritsch_butland, moler_end),
            Self::FritschCarlson => fritsch_carlson(spans, lines),
            Self::Akima => akima(lines, |_| 0.0),
            Self::ModifiedAkima => akima(lines, |sum| sum.abs() / 2.0),
        }
    }
}

/// Two lines' lengths and slopes, in the order from a point on.
type Pair = [[f64; 2]; 2];

/// Slopes that follow from the two lines at a point, and at an end from the end's line, the next and the slope at their point.
fn by_neighbours(
    spans: &[f64],
    lines: &[f64],
    inner: impl Fn(Pair) -> f64,
    end: impl Fn(Pair, f64) -> f64,
) -> Vec<f64> {
    let pairs = spans.windows(2).zip(lines.windows(2));
    let mut slopes: Vec<f64> = pairs.map(|(h, m)| inner([[h[0], m[0]], [h[1], m[1]]])).collect();
    let line = |i: usize| [spans[i], lines[i]];
    let last = lines.len() - 1;
    let first_slope = end([line(0), line(1)], slopes[0]);
    let last_slope = end([line(last), line(last - 1)], slopes[last - 1]);
    slopes.insert(0, first_slope);
    slopes.push(last_slope);
    slopes
}

fn steffen([[h0, s0], [h1, s1]]: Pair) -> f64 {
    let parabola = s0 * (h1 / (h0 + h1)) + s1 * (h0 / (h0 + h1));
    (s0.signum() + s1.signum()) * s0.abs().min(s1.abs()).min(parabola.abs() / 2.0)
}

fn steffen_end([[_, slope], _]: Pair, beside: f64) -> f64 {
    (3.0 * slope - beside) / 2.0
}

fn fritsch_butland([[h0, s0], [h1, s1]]: Pair) -> f64 {
    if s0 == 0.0 || s1 == 0.0 || (s0 < 0.0) != (s1 < 0.0) {
        return 0.0;
    }
    let (w0, w1) = (2.0 * h1 + h0, h1 + 2.0 * h0);
    // (w0 + w1) / (w0 / s0 + w1 / s1) with the quotient of the slopes at most 1, which neither overflows nor vanishes.
    let (small, large, w_small, w_large) =
        if s0.abs() <= s1.abs() { (s0, s1, w0, w1) } else { (s1, s0, w1, w0) };
    let total = w0 + w1;
    small / (w_small / total + w_large / total * (small / large))
}

fn moler_end([[h0, s0], [h1, s1]]: Pair, _beside: f64) -> f64 {
    let slope = s0 + (s0 - s1) * (h0 / (h0 + h1));
    let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
    if sign(slope) != sign(s0) {
        0.0
    } else if sign(s0) != sign(s1) && slope.abs() > 3.0 * s0.abs() {
        3.0 * s0
    } else {
        slope
    }
}

fn fritsch_carlson(spans: &[f64], lines: &[f64]) -> Vec<f64> {
    let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
    let mean = |[[_, s0], [_, s1]]: Pair| if sign(s0) == sign(s1) { s0 / 2.0 + s1 / 2.0 } else { 0.0 };
    let mut slopes = by_neighbours(spans, lines, mean, |[[_, slope], _], _| slope);
    for (i, &line) in lines.iter().enumerate() {
        if line == 0.0 {
            (slopes[i], slopes[i + 1]) = (0.0, 0.0);
            continue;
        }
        let (alpha, beta) = (slopes[i] / line, slopes[i + 1] / line);
        let radius = alpha.hypot(beta);
        if radius > 3.0 {
            let shrink = 3.0 / radius;
            (slopes[i], slopes[i + 1]) = (alpha * shrink * line, beta * shrink * line);
        }
    }
    slopes
}

/// Akima's slopes; `own` is what a weight has of the sum of its two slopes.
fn akima(lines: &[f64], own: impl Fn(f64) -> f64) -> Vec<f64> {
    let count = lines.len();
    let [first, second, last, before] = [lines[0], lines[1], lines[count - 1], lines[count - 2]];
    // Two more at each end, on a line through the two there.
    let (left, right) = (2.0 * first - second, 2.0 * last - before);
    let mut slopes = vec![2.0 * left - first, left];
    slopes.extend_from_slice(lines);
    slopes.extend([right, 2.0 * right - last]);

    let weight = |i: usize| (slopes[i + 1] - slopes[i]).abs() + own(slopes[i + 1] + slopes[i]);
    let weights: Vec<[f64; 2]> = (0..=count).map(|i| [weight(i + 2), weight(i)]).collect();
    let largest = weights.iter().map(|[a, b]| a + b).fold(0.0, f64::max);
    (0..=count)
        .map(|i| {
            let [before, after] = weights[i];
            let sum = before + after;
            if sum > AKIMA_NOTHING * largest {
                slopes[i + 1] * (before / sum) + slopes[i + 2] * (after / sum)
            } else {
                (slopes[i] + slopes[i + 3]) / 2.0
            }
        })
        .collect()
}
