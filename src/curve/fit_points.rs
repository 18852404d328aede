//! Curves through clouds of ordered points, with few segments.

use std::array::from_fn;

use super::corners::Corners;
use super::error::{Error, check_tolerance};
use super::piecewise::{PiecewiseCubic, check_points};
use super::segment::{
    Powers, Segment, differences, dot, max_abs, minus, norm, power_of_two_below, quadratic_at,
};
use super::trend::Trend;

/// How far around a point its direction is taken from, in tolerances.
const WINDOW: f64 = 8.0;

/// How far from their point two segments may join, in tolerances.
const JOIN: f64 = 0.875;

/// Rounds of moving the points' parameters closer, before a stretch is cut in two.
const ROUNDS: u32 = 16;

/// How far beyond the tolerance a first try may be to be worth those rounds.
const WORTH: f64 = 64.0;

/// The least tolerance, as a part of the points' extent.
const FINEST: f64 = 1.0 / (1_u64 << 44) as f64;

/// The largest that makes a difference.
const COARSEST: f64 = 1e9;

impl<const D: usize> PiecewiseCubic<D> {
    /// Makes a curve that passes every one of the points, in their order, within `tolerance`, on the knots 0, 1, 2, …
    ///
    /// It starts at the first point and ends at the last. Noise below the tolerance costs few segments or none; noise above it
    /// is followed. Where the points turn by more than 60 degrees, seen at the scale of the tolerance, the curve has a corner,
    /// exactly at a point; its other segments meet in one direction (G1), though not at one speed, and within the tolerance of
    /// a point. If the last point is the first, that holds where the curve closes too. Between points it is as smooth as its
    /// segments are, and not held to anything.
    ///
    /// A segment is fitted by least squares, with parameters by chord length and Newton's method to improve them; where that
    /// is not enough the points are cut in two at the worst (Schneider, "An algorithm for automatically fitting digitized
    /// curves", Graphics Gems, 1990). Corners are looked for among the points of [`simplify`](super::simplify), by lines fitted
    /// to both sides. Where segments meet, place and direction are those of a polynomial fitted to the points up to 8
    /// tolerances around. The time is n log n for most points and n² at worst.
    ///
    /// A tolerance below 1e-13 of the points' extent is taken as that.
    ///
    /// # Errors
    ///
    /// [`Error::TooFewPoints`] below 2 points, [`Error::Point`] for a coordinate out of range, [`Error::Tolerance`] unless the
    /// tolerance is finite and above 0, [`Error::ControlPoint`] where a control point falls beyond
    /// [`MAX_COORDINATE`](super::MAX_COORDINATE).
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let points: Vec<_> = (0..=100).map(|i| f64::from(i) / 20.0).map(|x| [x, x.sin()]).collect();
    /// let curve = Curve::fit_points(&points, 0.01)?;
    /// assert!(curve.segment_count() <= 4);
    /// assert!(points.iter().all(|point| curve.nearest(*point).is_ok_and(|place| place.distance <= 0.01)));
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn fit_points(points: &[[f64; D]], tolerance: f64) -> Result<Self, Error> {
        check_points(points)?;
        check_tolerance(tolerance)?;
        let [origin, _, ..] = *points else {
            return Err(Error::TooFewPoints { family: "fitted", needed: 2, given: points.len() });
        };
        let mut relative: Vec<_> = points.iter().map(|point| minus(point, &origin)).collect();
        relative.dedup();
        let scale = power_of_two_below(relative.iter().map(max_abs).fold(0.0, f64::max));
        let scaled: Vec<_> = relative.iter().map(|point| point.map(|x| x / scale)).collect();
        let place = |point: [f64; D]| from_fn(|i| origin[i] + scale * point[i]);
        let fitted = fit(&scaled, (tolerance / scale).clamp(FINEST, COARSEST))?;
        let mut segments: Vec<_> = fitted.iter().map(|segment| segment.map(place)).collect();
        if let [.., last] = &mut segments[..] {
            last[3] = points[points.len() - 1];
        }
        Self::from_segments_by_index(segments)
    }
}

/// A stretch of points to fit with one segment, where that is to begin and end, and the unit vectors in which it is to leave its
/// two ends, inwards.
struct Stretch<'a, const D: usize> {
    points: &'a [[f64; D]],
    ends: [[f64; D]; 2],
    directions: [[f64; D]; 2],
}

fn fit<const D: usize>(points: &[[f64; D]], tolerance: f64) -> Result<Vec<Segment<D>>, Error> {
    let last = points.len() - 1;
    if last == 0 {
        return Ok(vec![[points[0]; 4]]);
    }
    let corners = Corners::find(points, tolerance)?;
    let reach = WINDOW * tolerance;
    let seam = corners.smooth_seam.then(|| direction_at_seam(points, reach));
    let mut segments = Vec::new();
    let mut start = 0;
    for end in corners.inner.into_iter().chain([last]) {
        let points = &points[start..=end];
        let first = seam.filter(|_| start == 0);
        let first = first.unwrap_or_else(|| Trend::around(points, 0, reach).direction);
        let back = seam.filter(|_| end == last);
        let back = back.unwrap_or_else(|| Trend::around(points, end - start, reach).direction).map(|x| -x);
        let ends = [points[0], points[end - start]];
        fit_smooth(Stretch { points, ends, directions: [first, back] }, tolerance, &mut segments);
        start = end;
    }
    Ok(segments)
}

/// Returns the direction of a closed polyline where it begins and ends.
fn direction_at_seam<const D: usize>(points: &[[f64; D]], reach: f64) -> [f64; D] {
    let last = points.len() - 1;
    let half = last / 2;
    let around: Vec<_> = points[last - half..last].iter().chain(&points[..=half]).copied().collect();
    Trend::around(&around, half, reach).direction
}

fn fit_smooth<const D: usize>(whole: Stretch<D>, tolerance: f64, segments: &mut Vec<Segment<D>>) {
    let mut stack = vec![whole];
    while let Some(stretch) = stack.pop() {
        match fit_one(&stretch, tolerance) {
            Ok(segment) => segments.push(segment),
            Err(worst) => {
                let Stretch { points, ends: [start, end], directions: [first, last] } = stretch;
                let Trend { at, direction } = Trend::around(points, worst, WINDOW * tolerance);
                let moved = minus(&at, &points[worst]);
                let part = (JOIN * tolerance / norm(&moved)).min(1.0);
                let join = from_fn(|i| points[worst][i] + part * moved[i]);
                let back = direction.map(|x| -x);
                stack.push(Stretch {
                    points: &points[worst..],
                    ends: [join, end],
                    directions: [direction, last],
                });
                stack.push(Stretch {
                    points: &points[..=worst],
                    ends: [start, join],
                    directions: [first, back],
                });
            }
        }
    }
}

/// Returns a segment within the tolerance of all points, or the inner point that is worst off.
fn fit_one<const D: usize>(stretch: &Stretch<D>, tolerance: f64) -> Result<Segment<D>, usize> {
    let points = stretch.points;
    let mut ts = by_chord_length(points);
    for round in 0..=ROUNDS {
        let segment = least_squares(stretch, &ts);
        let (worst, miss) = worst(&segment, points, &ts);
        if miss <= tolerance {
            return Ok(segment);
        }
        if round == ROUNDS || miss > WORTH * tolerance {
            return Err(worst);
        }
        move_closer(&segment, points, &mut ts);
    }
    unreachable!("the last round returns")
}

/// Returns parameters from 0 to 1 in proportion to the length of the polyline.
fn by_chord_length<const D: usize>(points: &[[f64; D]]) -> Vec<f64> {
    let mut length = 0.0;
    let edges = points.windows(2).map(|pair| {
        length += norm(&minus(&pair[1], &pair[0]));
        length
    });
    let lengths: Vec<_> = std::iter::once(0.0).chain(edges).collect();
    lengths.iter().map(|part| part / length).collect()
}

/// Returns the segment between the first and the last point, in the directions there, that is best at the parameters.
fn least_squares<const D: usize>(stretch: &Stretch<D>, ts: &[f64]) -> Segment<D> {
    let Stretch { points, ends: [start, end], directions: [first, last] } = *stretch;
    let mut c = [[0.0; 2]; 2];
    let mut x = [0.0; 2];
    for (point, &t) in points.iter().zip(ts) {
        let s = 1.0 - t;
        let (b0, b1, b2, b3) = (s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t);
        let a = [first.map(|d| d * b1), last.map(|d| d * b2)];
        let rest: [f64; D] = from_fn(|i| point[i] - (start[i] * (b0 + b1) + end[i] * (b2 + b3)));
        for i in 0..2 {
            for j in 0..2 {
                c[i][j] += dot(&a[i], &a[j]);
            }
            x[i] += dot(&a[i], &rest);
        }
    }
    let determinant = c[0][0] * c[1][1] - c[0][1] * c[1][0];
    let solved = [x[0] * c[1][1] - x[1] * c[0][1], x[1] * c[0][0] - x[0] * c[1][0]].map(|y| y / determinant);
    // Handles that point backwards, or far beyond the points, make loops: a third of the chord is never far off.
    let chord = norm(&minus(&end, &start));
    let polyline: f64 = points.windows(2).map(|pair| norm(&minus(&pair[1], &pair[0]))).sum();
    let sound = determinant > 1e-12 * c[0][0] * c[1][1]
        && solved.iter().all(|&handle| handle > 1e-6 * chord && handle < 2.0 * polyline);
    let handles = if sound { solved } else { [chord / 3.0; 2] };
    [start, from_fn(|i| start[i] + handles[0] * first[i]), from_fn(|i| end[i] + handles[1] * last[i]), end]
}

/// Returns which inner point is farthest from where the segment is at its parameter, and how far; 0 where there is none.
fn worst<const D: usize>(segment: &Segment<D>, points: &[[f64; D]], ts: &[f64]) -> (usize, f64) {
    let powers = Powers::new(segment);
    let misses = points.iter().zip(ts).map(|(point, &t)| norm(&minus(&powers.at(t), point))).enumerate();
    let inner = misses.take(points.len() - 1).skip(1);
    inner.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
}

/// Moves parameters one step of Newton's method towards the nearest place on the segment.
fn move_closer<const D: usize>(segment: &Segment<D>, points: &[[f64; D]], ts: &mut [f64]) {
    let powers = Powers::new(segment);
    let sides = differences(segment);
    for (point, t) in points.iter().zip(ts) {
        let (miss, velocity) = (minus(&powers.at(*t), point), quadratic_at(&sides, *t).map(|x| 3.0 * x));
        let bend: [f64; D] = from_fn(|i| {
            let [a, b, c] = [sides[0][i], sides[1][i], sides[2][i]];
            6.0 * ((1.0 - *t) * (b - a) + *t * (c - b))
        });
        let next = *t - dot(&miss, &velocity) / (dot(&velocity, &velocity) + dot(&miss, &bend));
        if next.is_finite() {
            *t = next.clamp(0.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::super::trend::unit;
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    fn worst_miss(curve: &Curve, points: &[[f64; 2]]) -> f64 {
        points.iter().map(|point| curve.nearest(*point).unwrap().distance).fold(0.0, f64::max)
    }

    #[test]
    fn points_of_a_cubic_give_one_cubic_back() {
        let cubic = Curve::bezier(&[[0.0, 0.0], [1.0, 3.0], [3.0, 3.0], [5.0, 1.0]]).unwrap();
        let mut points = vec![[0.0; 2]; 400];
        cubic.sample_into(&mut points);
        assert_eq!(Curve::fit_points(&points, 0.01).unwrap().segment_count(), 1);
    }

    #[test]
    fn corners_stay_and_all_other_joins_are_smooth() {
        let arc =
            (0..=50).map(|i| (f64::from(i) / 50.0 * std::f64::consts::PI).sin_cos()).map(|(s, c)| [c, s]);
        let points: Vec<_> = arc.chain([[-1.0, -1.0], [0.0, -1.0], [1.0, -1.0]]).collect();
        let curve = Curve::fit_points(&points, 1e-4).unwrap();
        assert!(worst_miss(&curve, &points) <= 1e-4 * (1.0 + 1e-9));
        assert!(curve.segments().iter().any(|segment| segment[3] == [-1.0, -1.0]));
        let kinks = curve.segments().windows(2).filter(|pair| {
            let (before, after) = (minus(&pair[0][3], &pair[0][2]), minus(&pair[1][1], &pair[1][0]));
            dot(&unit(before), &unit(after)) < 1.0 - 1e-12
        });
        assert_eq!(kinks.count(), 1);
    }

    /// Returns numbers from -1 to 1 with no visible order (xorshift, Marsaglia 2003).
    fn noise() -> impl FnMut() -> f64 {
        let mut state = 88_172_645_463_325_252_u64;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        }
    }

    /// Fits points of `shape` over 0 to 1, each coordinate off by up to `noise`, and checks that all are within the tolerance.
    fn fit_noisy<const D: usize>(
        shape: impl Fn(f64) -> [f64; D],
        (count, closed): (u32, bool),
        off: f64,
        tolerance: f64,
    ) -> PiecewiseCubic<D> {
        let mut noise = noise();
        let at = |i: u32| shape(f64::from(i) / f64::from(count));
        let mut points: Vec<_> = (0..count).map(|i| at(i).map(|x| x + off * noise())).collect();
        points.extend(closed.then_some(points[0]));
        let curve = PiecewiseCubic::fit_points(&points, tolerance).unwrap();
        for point in points.iter().step_by(points.len().div_ceil(3000)) {
            assert!(curve.nearest(*point).unwrap().distance <= tolerance * (1.0 + 1e-9));
        }
        curve
    }

    /// Returns the degrees by which a curve turns where its segments meet, and last where it closes.
    fn turns<const D: usize>(curve: &PiecewiseCubic<D>) -> Vec<f64> {
        let segments = curve.segments();
        let pairs = segments.iter().zip(segments.iter().cycle().skip(1));
        let cosine =
            |a: &Segment<D>, b: &Segment<D>| dot(&unit(minus(&a[3], &a[2])), &unit(minus(&b[1], &b[0])));
        pairs.map(|(a, b)| cosine(a, b).clamp(-1.0, 1.0).acos().to_degrees()).collect()
    }

    fn circle(t: f64) -> [f64; 2] {
        let (sin, cos) = (TAU * t).sin_cos();
        [cos, sin]
    }

    #[test]
    fn noise_below_the_tolerance_costs_a_circle_no_segments_and_it_closes_smoothly() {
        for (off, tolerance, most) in
            [(0.0, 0.1, 3), (0.0, 0.01, 4), (0.003, 0.1, 3), (0.003, 0.01, 6), (0.03, 0.1, 6)]
        {
            for closed in [false, true] {
                let curve = fit_noisy(circle, (2000, closed), off, tolerance);
                assert!(curve.segment_count() <= most, "{off} at {tolerance}: {}", curve.segment_count());
                let mut turns = turns(&curve);
                turns.truncate(curve.segment_count() - usize::from(!closed));
                assert!(turns.iter().all(|turn| *turn < 1e-5), "{turns:?}");
            }
        }
    }

    #[test]
    fn noise_in_space_is_smoothed_as_in_the_plane() {
        let knot = |t: f64| [(TAU * t).cos(), (TAU * t).sin(), 0.3 * (2.0 * TAU * t).sin()];
        for (off, tolerance, most) in [(0.0, 0.01, 6), (0.003, 0.01, 8), (0.03, 0.1, 6)] {
            let curve = fit_noisy(knot, (2000, true), off, tolerance);
            assert!(curve.segment_count() <= most, "{off} at {tolerance}: {}", curve.segment_count());
            assert!(turns(&curve).iter().all(|turn| *turn < 1e-5));
        }
    }

    #[test]
    fn a_noisy_square_keeps_its_four_corners() {
        let square = |t: f64| {
            let side = |t: f64| (4.0 * t).clamp(0.0, 1.0);
            [side(t) - side(t - 0.5), side(t - 0.25) - side(t - 0.75)]
        };
        for (off, tolerance) in [(0.0, 0.01), (0.0, 0.1), (0.003, 0.01), (0.02, 0.1)] {
            let curve = fit_noisy(square, (2000, true), off, tolerance);
            assert!(curve.segment_count() <= 6, "{off} at {tolerance}: {}", curve.segment_count());
            assert_eq!(
                turns(&curve).iter().filter(|turn| **turn > 60.0).count(),
                4,
                "{off} at {tolerance}: {:?}",
                turns(&curve)
            );
            for corner in [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]] {
                assert!(curve.nearest(corner).unwrap().distance <= tolerance);
            }
            // Begun in the middle of a side it closes smoothly there.
            let curve = fit_noisy(|t| square((t + 0.125) % 1.0), (2000, true), off, tolerance);
            let turns = turns(&curve);
            assert!(turns[turns.len() - 1] < 1e-5 && turns.iter().filter(|turn| **turn > 60.0).count() == 4);
        }
    }

    #[test]
    fn waves_and_spirals_take_little_more_with_noise_than_without() {
        let sine = |t: f64| [12.0 * t, (12.0 * t).sin()];
        let spiral = |t: f64| [36.0 * t * (36.0 * t).cos(), 36.0 * t * (36.0 * t).sin()];
        for (off, most) in [(0.0, 6), (0.001, 8)] {
            let count = fit_noisy(sine, (2000, false), off, 0.003).segment_count();
            assert!(count <= most, "{off}: {count}");
        }
        for (off, most) in [(0.0, 27), (0.03, 40)] {
            let count = fit_noisy(spiral, (3000, false), off, 0.1).segment_count();
            assert!(count <= most, "{off}: {count}");
        }
    }

    #[test]
    fn noise_above_the_tolerance_is_followed() {
        assert!(fit_noisy(circle, (2000, true), 0.03, 0.01).segment_count() > 200);
        assert!(fit_noisy(circle, (100_000, true), 0.003, 0.01).segment_count() <= 6);
    }

    #[test]
    fn two_points_are_a_line_and_equal_ones_a_point() {
        let line = Curve::fit_points(&[[0.0, 0.0], [3.0, 6.0]], 1e-9).unwrap();
        assert_eq!((line.segment_count(), line.start(), line.end()), (1, [0.0, 0.0], [3.0, 6.0]));
        assert!((line.length(1e-9).unwrap() - 45.0_f64.sqrt()).abs() < 1e-9);
        assert_eq!(Curve::fit_points(&[[1.0, 2.0]; 5], 1e-9).unwrap().segments(), [[[1.0, 2.0]; 4]]);
    }

    #[test]
    fn points_that_go_back_and_forth_end() {
        let points: Vec<_> = (0..200).map(|i| [f64::from(i % 2), f64::from(i % 3)]).collect();
        let curve = Curve::fit_points(&points, 1e-300).unwrap();
        assert!(worst_miss(&curve, &points) < 1e-12);
        let closed = [[0.0, 0.0], [1.0, 0.1], [0.0, 0.0]];
        assert_eq!(Curve::fit_points(&closed, 0.01).unwrap().end(), [0.0, 0.0]);
    }

    #[test]
    fn input_that_is_none_is_refused() {
        assert!(matches!(Curve::fit_points(&[[0.0, 0.0]], 1.0), Err(Error::TooFewPoints { given: 1, .. })));
        assert!(matches!(Curve::fit_points(&[[0.0, f64::NAN]; 2], 1.0), Err(Error::Point { .. })));
        assert!(matches!(Curve::fit_points(&[[0.0, 1.0]; 2], -1.0), Err(Error::Tolerance { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_point_is_within_the_tolerance(
            points in prop::collection::vec(prop::array::uniform2(-1.0..1.0), 2..40),
            tolerance in 1e-9..1.0_f64,
            exponent in prop_oneof![Just(0), -900..900],
        ) {
            let scale = 2.0_f64.powi(exponent);
            let points: Vec<_> = points.iter().map(|p| p.map(|x| x * scale)).collect();
            let curve = Curve::fit_points(&points, tolerance * scale).unwrap();
            let miss = worst_miss(&curve, &points) / scale;
            prop_assert!(miss <= tolerance + 1e-13, "{miss}");
            prop_assert_eq!((curve.start(), curve.end()), (points[0], points[points.len() - 1]));
        }
    }
}
