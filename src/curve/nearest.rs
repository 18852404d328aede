//! The point of a curve nearest to a point.

use std::array::from_fn;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::error::Error;
use super::piecewise::{PiecewiseCubic, check_points};
use super::segment::{
    Powers, Segment, differences, dot, halves, minus, norm, power_of_two_below, quadratic_at, size,
};

/// Halvings after which a piece is no more than the rounding of its parameter.
const DEPTH: u32 = 52;

/// Pieces of one segment after which what is left is decided by its ends. A handful is usual; only where the distance is
/// the same up to rounding all along are there more.
const PIECES: u32 = 1 << 14;

/// More steps than bisection takes to the last bit.
const STEPS: usize = 200;

/// Holds the place on a curve nearest to a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearest<const D: usize = 2> {
    /// The curve's parameter there.
    pub u: f64,
    /// The point on the curve; where the curve jumps at `u`, on the side that is nearer.
    pub point: [f64; D],
    /// The distance to it.
    pub distance: f64,
}

/// A place in a segment, or in a stretch of one, where the distance may be least.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<const D: usize> {
    pub(super) segment: usize,
    pub(super) t: f64,
    pub(super) point: [f64; D],
    pub(super) distance: f64,
    /// How much of the distance may be rounding.
    noise: f64,
}

impl<const D: usize> PiecewiseCubic<D> {
    /// Returns the place on the whole curve nearest to `point`; among equally near ones that of the smallest parameter.
    ///
    /// The distance is the least one up to rounding, that is within a few units in the last place of the larger of the
    /// distance itself and the extent of the segment, and what is equal up to that counts as equally near.
    ///
    /// The square of the distance is a polynomial of degree 6 on each segment, and no less than the least of its Bernstein
    /// coefficients. A piece whose bound is above the least distance so far is left out; one on which the coefficients are
    /// convex has one minimum, which Newton's method finds between bounds; any other is halved (Chen et al., "Computing the
    /// minimum distance between a point and a NURBS curve", 2008, bounds the same polynomial).
    ///
    /// # Errors
    ///
    /// [`Error::Point`], with index 0, if a coordinate is not finite or beyond [`MAX_COORDINATE`](super::MAX_COORDINATE).
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let hill = Curve::bezier(&[[0.0, 0.0], [0.0, 4.0], [8.0, 4.0], [8.0, 0.0]])?;
    /// let top = hill.nearest([4.0, 10.0])?;
    /// assert!((top.u - 0.5).abs() < 1e-12 && (top.distance - 7.0).abs() < 1e-12);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn nearest(&self, point: [f64; D]) -> Result<Nearest<D>, Error> {
        check_points(&[point])?;
        let mut search = Search::new(point);
        for (i, segment) in self.segments().iter().enumerate() {
            search.look_at(i, segment, &[0.0, 1.0]);
        }
        for (i, segment) in self.segments().iter().enumerate() {
            search.look_into(i, segment);
        }
        let Place { segment, t, point, distance, .. } = search.first();
        Ok(Nearest { u: self.global(segment, t), point, distance })
    }
}

/// Returns the place in a segment nearest to `point`.
pub(super) fn nearest_in_segment<const D: usize>(segment: &Segment<D>, point: [f64; D]) -> Place<D> {
    let mut search = Search::new(point);
    search.look_at(0, segment, &[0.0, 1.0]);
    search.look_into(0, segment);
    search.first()
}

struct Search<const D: usize> {
    target: [f64; D],
    least: f64,
    /// All that are no farther than the least distance, up to rounding.
    places: Vec<Place<D>>,
}

impl<const D: usize> Search<D> {
    fn new(target: [f64; D]) -> Self {
        Self { target, least: f64::INFINITY, places: Vec::new() }
    }

    fn look_at(&mut self, i: usize, segment: &Segment<D>, ts: &[f64]) {
        let powers = Powers::new(segment);
        let noise = rounding(size(&segment.map(|p| minus(&p, &self.target))));
        for &t in ts {
            let point = powers.at(t);
            let distance = norm(&minus(&point, &self.target));
            if distance - noise > self.least {
                continue;
            }
            if distance < self.least {
                self.least = distance;
                self.places.retain(|place| place.distance - place.noise <= distance);
            }
            self.places.push(Place { segment: i, t, point, distance, noise });
        }
    }

    fn look_into(&mut self, i: usize, segment: &Segment<D>) {
        if box_distance(segment, &self.target) > self.least {
            return;
        }
        let relative = segment.map(|p| minus(&p, &self.target));
        let scale = power_of_two_below(size(&relative));
        let whole = relative.map(|p| p.map(|x| x / scale));
        let noise = rounding(size(&whole));
        let mut pieces = BinaryHeap::from([Piece::new(whole, 0.0, 1.0, 0)]);
        let mut count = 0;
        // The nearest first, so that what lies about as near as the nearest so far is left for the end.
        while let Some(Piece { segment: piece, squares, bound, from, to, depth }) = pieces.pop() {
            count += 1;
            if bound - noise > self.least / scale {
                return;
            }
            let slopes: [f64; 6] = from_fn(|k| squares[k + 1] - squares[k]);
            if slopes.windows(2).all(|pair| pair[0] <= pair[1]) {
                self.look_at(i, segment, &[lowest(&whole, from, to)]);
                continue;
            }
            let middle = f64::midpoint(from, to);
            self.look_at(i, segment, &[middle]);
            if depth < DEPTH && count < PIECES && size(&differences_of(&piece)) > noise {
                let [left, right] = halves(&piece);
                pieces.push(Piece::new(left, from, middle, depth + 1));
                pieces.push(Piece::new(right, middle, to, depth + 1));
            }
        }
    }

    fn first(&self) -> Place<D> {
        let earlier =
            |a: &&Place<D>, b: &&Place<D>| (a.segment, a.t).partial_cmp(&(b.segment, b.t)).expect("no NaN");
        *self.places.iter().min_by(earlier).expect("the ends of segments were looked at")
    }
}

/// A piece of a segment that may have the nearest point. The greatest is the one that may have it nearest.
struct Piece<const D: usize> {
    segment: Segment<D>,
    /// The Bernstein coefficients of the square of its distance.
    squares: [f64; 7],
    /// A lower bound of its distance.
    bound: f64,
    from: f64,
    to: f64,
    depth: u32,
}

impl<const D: usize> Piece<D> {
    fn new(segment: Segment<D>, from: f64, to: f64, depth: u32) -> Self {
        let squares = squared_distances(&segment);
        // Terms of the size of the piece may have cancelled in it.
        let squared_noise = rounding(size(&segment).powi(2));
        let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
        Self { segment, squares, bound: (least - squared_noise).max(0.0).sqrt(), from, to, depth }
    }
}

impl<const D: usize> Ord for Piece<D> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.bound.total_cmp(&self.bound).then_with(|| other.from.total_cmp(&self.from))
    }
}

impl<const D: usize> PartialOrd for Piece<D> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const D: usize> PartialEq for Piece<D> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<const D: usize> Eq for Piece<D> {}

fn rounding(size: f64) -> f64 {
    8.0 * f64::EPSILON * size
}

/// Returns the piece as seen from its first point.
fn differences_of<const D: usize>(piece: &Segment<D>) -> Segment<D> {
    piece.map(|p| minus(&p, &piece[0]))
}

/// Returns the distance to the box around the control points, which the curve does not leave.
pub(super) fn box_distance<const D: usize>(segment: &Segment<D>, target: &[f64; D]) -> f64 {
    let gap: [f64; D] = from_fn(|i| {
        let (low, high) = segment
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), p| (low.min(p[i]), high.max(p[i])));
        (low - target[i]).max(target[i] - high).max(0.0)
    });
    // Not more than the curve's own: rounded down.
    norm(&gap) * (1.0 - 8.0 * f64::EPSILON)
}

/// Returns the Bernstein coefficients, of degree 6, of the square of the distance from 0.
fn squared_distances<const D: usize>([p0, p1, p2, p3]: &Segment<D>) -> [f64; 7] {
    [
        dot(p0, p0),
        dot(p0, p1),
        (2.0 * dot(p0, p2) + 3.0 * dot(p1, p1)) / 5.0,
        (dot(p0, p3) + 9.0 * dot(p1, p2)) / 10.0,
        (2.0 * dot(p1, p3) + 3.0 * dot(p2, p2)) / 5.0,
        dot(p2, p3),
        dot(p3, p3),
    ]
}

/// Returns where on `from..=to` the distance from 0 is least, if it falls and then rises there.
fn lowest<const D: usize>(segment: &Segment<D>, from: f64, to: f64) -> f64 {
    let powers = Powers::new(segment);
    let sides = differences(segment);
    let slope = |t| dot(&powers.at(t), &quadratic_at(&sides, t));
    if slope(from) >= 0.0 {
        return from;
    }
    if slope(to) <= 0.0 {
        return to;
    }
    let (mut low, mut high) = (from, to);
    let mut t = f64::midpoint(low, high);
    for step in 0..STEPS {
        let here = slope(t);
        if here == 0.0 {
            break;
        }
        if here < 0.0 {
            low = t;
        } else {
            high = t;
        }
        let (velocity, bend) = (quadratic_at(&sides, t), bend(&sides, t));
        let newton = t - here / (3.0 * dot(&velocity, &velocity) + 2.0 * dot(&powers.at(t), &bend));
        // Every third step bisects, so that no slow approach from one side takes longer than that.
        let inside = newton > low && newton < high && step % 3 != 2;
        let next = if inside { newton } else { f64::midpoint(low, high) };
        if next <= low || next >= high || (next - t).abs() <= f64::EPSILON * t {
            break;
        }
        t = next;
    }
    t
}

/// Returns half the derivative of the quadratic with control points `sides`.
fn bend<const D: usize>([a, b, c]: &[[f64; D]; 3], t: f64) -> [f64; D] {
    from_fn(|i| (1.0 - t) * (b[i] - a[i]) + t * (c[i] - b[i]))
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::*;

    #[test]
    fn of_two_equally_near_places_the_first_answers() {
        let hill = Curve::bezier(&[[0.0, 0.0], [0.0, 4.0], [8.0, 4.0], [8.0, 0.0]]).unwrap();
        let nearest = hill.nearest([4.0, -100.0]).unwrap();
        assert_eq!((nearest.u, nearest.point), (0.0, [0.0, 0.0]));
        let square = Curve::linear(&[[1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]], true).unwrap();
        let nearest = square.nearest([0.0, 0.0]).unwrap();
        assert!((nearest.u - 0.5).abs() < 1e-15 && (nearest.distance - 1.0).abs() < 1e-15, "{nearest:?}");
    }

    #[test]
    fn a_place_that_is_flat_to_rounding_does_not_hide_a_nearer_one() {
        let points = [
            [-0.767_020_799_456_332_7, 0.324_017_042_282_213_56],
            [0.865_043_024_504_706_4, -0.607_409_363_247_952_5],
            [-0.964_248_882_134_109_1, 0.803_693_359_934_546_2],
            [-0.640_897_172_531_899_9, 0.699_590_684_293_929_2],
        ];
        let (sin, cos) = 4.063_421_530_918_456_f64.sin_cos();
        let by = 0.964_248_882_134_109_1 * 10_f64.powf(-6.499_469_885_279_152);
        let moved = Curve::bezier(&points.map(|[x, y]| [x + by * cos, y + by * sin])).unwrap();
        let curve = Curve::bezier(&points).unwrap();
        for k in 0..=1000 {
            let u = f64::from(k) / 1000.0;
            let nearest = moved.nearest(curve.eval(u)).unwrap();
            assert!(nearest.distance <= 1.000_001 * by, "{u}: {nearest:?}");
        }
    }

    #[test]
    fn points_of_the_curve_are_their_own_nearest() {
        let curve = Curve::bezier(&[[0.0, 0.0], [3.0, 4.0], [-1.0, 4.0], [2.0, 0.5]]).unwrap();
        assert_eq!(
            (curve.nearest(curve.start()).unwrap().u, curve.nearest(curve.end()).unwrap().u),
            (0.0, 1.0)
        );
        for k in 1..100 {
            let u = f64::from(k) / 100.0;
            let nearest = curve.nearest(curve.eval(u)).unwrap();
            assert!(nearest.distance < 1e-14 && (nearest.u - u).abs() < 1e-12, "{u}: {nearest:?}");
        }
    }

    #[test]
    fn a_cusp_a_loop_and_a_doubled_line_have_nearest_points() {
        let cusp = Curve::bezier(&[[0.0, 0.0], [100.0, 100.0], [0.0, 100.0], [100.0, 0.0]]).unwrap();
        let nearest = cusp.nearest([50.0, 80.0]).unwrap();
        assert!((nearest.u - 0.5).abs() < 1e-6 && (nearest.distance - 5.0).abs() < 1e-12, "{nearest:?}");
        // Through the same point at two parameters: the first.
        let loop_ = Curve::bezier(&[[0.0, 0.0], [3.0, 3.0], [-2.0, 3.0], [1.0, 0.0]]).unwrap();
        let crossing = loop_.nearest([0.5, -9.0]).unwrap();
        assert_eq!(crossing.u, 0.0);
        let doubled = Curve::bezier(&[[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]).unwrap();
        let nearest = doubled.nearest([0.75, 2.0]).unwrap();
        assert!((nearest.u - 0.5).abs() < 1e-6 && nearest.distance == 2.0, "{nearest:?}");
        let nearest = doubled.nearest([0.3, 2.0]).unwrap();
        assert!(nearest.u < 0.5 && (nearest.distance - 2.0).abs() < 1e-15, "{nearest:?}");
    }

    #[test]
    fn all_points_of_an_arc_are_near_its_centre_and_one_is_found() {
        let k = 4.0 / 3.0 * (std::f64::consts::PI / 8e3).tan();
        let (sin, cos) = (std::f64::consts::PI / 2e3).sin_cos();
        let arc = [[1.0, 0.0], [1.0, k], [cos + k * sin, sin - k * cos], [cos, sin]];
        let nearest = Curve::bezier(&arc).unwrap().nearest([0.0, 0.0]).unwrap();
        assert!((nearest.distance - 1.0).abs() < 1e-14);
    }

    #[test]
    fn the_nearer_side_of_a_jump_is_the_point() {
        let segments = vec![[[0.0], [1.0], [2.0], [3.0]], [[9.0], [8.0], [7.0], [6.0]]];
        let curve = PiecewiseCubic::from_segments(segments, vec![0.0, 1.0, 2.0]).unwrap();
        assert_eq!(curve.nearest([4.0]).unwrap(), Nearest { u: 1.0, point: [3.0], distance: 1.0 });
        assert_eq!(curve.nearest([10.0]).unwrap(), Nearest { u: 1.0, point: [9.0], distance: 1.0 });
    }

    #[test]
    fn size_does_not_matter_and_nothing_overflows() {
        let points = [[0.0, 0.0], [3.0, 4.0], [-1.0, 4.0], [2.0, 0.5]];
        let expected = Curve::bezier(&points).unwrap().nearest([1.0, 2.0]).unwrap();
        for exponent in [-1000, -500, 500, 990] {
            let scale = 2.0_f64.powi(exponent);
            let scaled = Curve::bezier(&points.map(|p| p.map(|x| x * scale))).unwrap();
            let nearest = scaled.nearest([scale, 2.0 * scale]).unwrap();
            assert_eq!((nearest.u, nearest.distance), (expected.u, expected.distance * scale));
        }
        let point = Curve::bezier(&[[1e300, -1e300]; 4]).unwrap();
        let nearest = point.nearest([-1e300, 1e300]).unwrap();
        assert!(nearest.u == 0.0 && (nearest.distance / 8.0_f64.sqrt() - 1e300).abs() < 1e285);
    }

    #[test]
    fn a_point_that_is_none_is_refused_with_its_axis() {
        let curve = Curve::bezier(&[[0.0, 0.0], [1.0, 1.0]]).unwrap();
        assert!(matches!(curve.nearest([0.0, f64::NAN]), Err(Error::Point { index: 0, axis: 1, .. })));
    }
}
