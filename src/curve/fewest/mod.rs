//! Polylines that stay within a tolerance of the curve and have few points.
//!
//! `density.rs` lays the points, `proof.rs` proves the edges between them, and moves them where it cannot.

mod density;
mod proof;

use std::array::from_fn;

use super::error::Error;
use super::flatten::steps;
use super::piecewise::PiecewiseCubic;
use super::segment::{
    LANES, Powers, Segment, WidePowers, differences, max_abs, norm, reciprocal_power_of_two,
};
use super::simd;
use density::Layout;

impl<const D: usize> PiecewiseCubic<D> {
    /// Counts the points that [`flatten_fewest_into`](Self::flatten_fewest_into) writes. It takes as long as writing them.
    ///
    /// # Errors
    ///
    /// As [`flatten_count`](Self::flatten_count), which is never smaller.
    pub fn flatten_fewest_count(&self, tolerance: f64) -> Result<usize, Error> {
        self.flatten_count(tolerance)?;
        let mut count = Count(0);
        simd::widest(Walk { curve: self, tolerance, sink: &mut count });
        Ok(count.0)
    }

    /// Writes a polyline within `tolerance` of the curve into `out` and returns how many points it has: about half as many as
    /// [`flatten_into`](Self::flatten_into) takes, in several times the time.
    ///
    /// Every point of the curve lies within `tolerance` of the polyline, up to the rounding of the coordinates; the polyline's
    /// points lie on the curve, from its first to its last. A straight piece costs one point. Where the curve jumps, a
    /// straight edge crosses the gap. There are never more points than [`flatten_count`](Self::flatten_count) says.
    ///
    /// The points are laid where all edges have about the same error, by a density that follows the curvature. An edge stands
    /// only if the distance of its piece of the curve is proved to be small enough; another is cut by search. Across the
    /// chord, that piece is s (1 - s) times a linear function of its parameter s in 0..=1, which Cauchy's inequality bounds;
    /// and along it, the piece stays between the chord's ends, or else the distance at equal parameters counts, which Wang's
    /// formula bounds.
    ///
    /// # Errors
    ///
    /// As [`flatten_count`](Self::flatten_count), and [`Error::BufferLength`] if `out` is too short; it then holds the
    /// polyline's beginning.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let hook = Curve::bezier(&[[0.0, 0.0], [100.0, 0.0], [100.0, 0.0], [100.0, 9.0]])?;
    /// let mut room = vec![[0.0; 2]; hook.flatten_count(0.01)?];
    /// let count = hook.flatten_fewest_into(0.01, &mut room)?;
    /// assert_eq!(room[count - 1], [100.0, 9.0]);
    /// assert!(3 * count < 2 * room.len());
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn flatten_fewest_into(&self, tolerance: f64, out: &mut [[f64; D]]) -> Result<usize, Error> {
        self.flatten_count(tolerance)?;
        let given = out.len();
        let mut room = Room { out, needed: 0 };
        simd::widest(Walk { curve: self, tolerance, sink: &mut room });
        let needed = room.needed;
        if needed > given { Err(Error::BufferLength { needed, given }) } else { Ok(needed) }
    }

    /// Returns a polyline of few points within `tolerance` of the curve; see
    /// [`flatten_fewest_into`](Self::flatten_fewest_into).
    ///
    /// # Errors
    ///
    /// As [`flatten_count`](Self::flatten_count).
    pub fn flatten_fewest(&self, tolerance: f64) -> Result<Vec<[f64; D]>, Error> {
        self.flatten_count(tolerance)?;
        let mut points = Vec::new();
        simd::widest(Walk { curve: self, tolerance, sink: &mut points });
        Ok(points)
    }
}

/// Takes a polyline's points.
trait Sink<const D: usize> {
    fn put(&mut self, point: [f64; D]);

    /// Takes the points of a segment at parameters that ascend.
    fn put_all(&mut self, powers: &Powers<D>, ts: &[f64]);
}

struct Count(usize);

impl<const D: usize> Sink<D> for Count {
    #[inline(always)]
    fn put(&mut self, _: [f64; D]) {
        self.0 += 1;
    }

    #[inline(always)]
    fn put_all(&mut self, _: &Powers<D>, ts: &[f64]) {
        self.0 += ts.len();
    }
}

/// Takes as many as fit, and counts the others.
struct Room<'a, const D: usize> {
    out: &'a mut [[f64; D]],
    needed: usize,
}

impl<const D: usize> Sink<D> for Room<'_, D> {
    #[inline(always)]
    fn put(&mut self, point: [f64; D]) {
        if let Some(place) = self.out.get_mut(self.needed) {
            *place = point;
        }
        self.needed += 1;
    }

    #[inline(always)]
    fn put_all(&mut self, powers: &Powers<D>, ts: &[f64]) {
        let rest = self.out.get_mut(self.needed..).unwrap_or_default();
        let wide = WidePowers::new(powers);
        let (blocks, _) = ts.as_chunks::<LANES>();
        let fit = rest.len().min(ts.len());
        let whole = (fit / LANES).min(blocks.len());
        for (block, place) in blocks[..whole].iter().zip(rest.chunks_exact_mut(LANES)) {
            wide.write(block, place);
        }
        for (place, &t) in rest[whole * LANES..].iter_mut().zip(&ts[whole * LANES..]) {
            *place = powers.at(t);
        }
        self.needed += ts.len();
    }
}

impl<const D: usize> Sink<D> for Vec<[f64; D]> {
    #[inline(always)]
    fn put(&mut self, point: [f64; D]) {
        self.push(point);
    }

    #[inline(always)]
    fn put_all(&mut self, powers: &Powers<D>, ts: &[f64]) {
        self.extend(ts.iter().map(|&t| powers.at(t)));
    }
}

/// A polyline that is to be made.
struct Walk<'a, S, const D: usize> {
    curve: &'a PiecewiseCubic<D>,
    tolerance: f64,
    sink: &'a mut S,
}

impl<S: Sink<D>, const D: usize> simd::Work for Walk<'_, S, D> {
    #[inline(always)]
    fn run(self) {
        let Self { curve, tolerance, sink } = self;
        let mut before = curve.start();
        sink.put(before);
        let mut layout = Layout::new();
        for segment in curve.segments() {
            if segment[0] != before {
                sink.put(segment[0]);
            }
            let steps = Steps::new(segment, tolerance);
            let powers = Powers::new(segment);
            let mut ranges = Ranges::all(steps.even);
            while let Some(range) = ranges.pop() {
                if !layout.lay(&steps, range) {
                    ranges.push_halves(range);
                    continue;
                }
                sink.put_all(&powers, layout.inner());
                if range.1 < steps.even {
                    sink.put(powers.at(range.1 / steps.even));
                }
            }
            before = segment[3];
            sink.put(before);
        }
    }
}

/// Parts of a segment that are still to be laid out, the next one on top; each from and to a number of even steps.
struct Ranges {
    stack: [(f64, f64); Self::DEPTH],
    len: usize,
}

impl Ranges {
    /// Enough to halve any number of steps below 2^32 down to 1.
    const DEPTH: usize = 34;

    #[inline(always)]
    fn all(even: f64) -> Self {
        let mut stack = [(0.0, 0.0); Self::DEPTH];
        stack[0] = (0.0, even);
        Self { stack, len: usize::from(even > 1.0) }
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<(f64, f64)> {
        self.len = self.len.checked_sub(1)?;
        Some(self.stack[self.len])
    }

    fn push_halves(&mut self, (from, to): (f64, f64)) {
        let middle = ((from + to) / 2.0).floor();
        self.stack[self.len] = (middle, to);
        self.stack[self.len + 1] = (from, middle);
        self.len += 2;
    }
}

/// One segment about to be cut, scaled by a power of two to sides between 1 and 2, so that eighth powers fit in `f64`.
struct Steps<const D: usize> {
    /// The derivative at the start.
    a: [f64; D],
    /// Half the second derivative at the start.
    b: [f64; D],
    /// A sixth of the third derivative.
    c: [f64; D],
    /// Squares are compared with this one, of 16 times the tolerance.
    budget: f64,
    /// The number of even steps that Wang's formula proves right.
    even: f64,
}

impl<const D: usize> Steps<D> {
    #[inline(always)]
    fn new(segment: &Segment<D>, given: f64) -> Self {
        let sides = differences(segment);
        let scale = reciprocal_power_of_two(sides.iter().map(max_abs).fold(0.0, f64::max));
        let [d0, d1, d2] = sides.map(|side| side.map(|x| x * scale));
        let second: [f64; D] = from_fn(|i| d1[i] - d0[i]);
        let other: [f64; D] = from_fn(|i| d2[i] - d1[i]);
        // Rounding takes this much anyway. Above 16 D, more than any distance here, the tolerance makes no difference.
        let noise = 4.0 * f64::EPSILON * segment.iter().map(max_abs).fold(0.0, f64::max);
        let tolerance = (given.max(noise) * scale).min(16.0 * D as f64);
        let bend = 0.75 * norm(&second).max(norm(&other));
        // The roots round up a whole number now and then, which must not cost a step.
        let even = ((bend / tolerance).sqrt() * (1.0 - 8.0 * f64::EPSILON)).ceil().max(1.0);
        // They round differently from those that `flatten_count` counts, which must not cost a step either.
        let even = even.min(steps(segment, 1.0 / given.sqrt()));
        Self {
            a: d0.map(|x| 3.0 * x),
            b: second.map(|x| 3.0 * x),
            c: from_fn(|i| other[i] - second[i]),
            budget: (16.0 * tolerance) * (16.0 * tolerance),
            even,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::*;

    #[test]
    fn a_straight_piece_costs_one_point_however_its_points_are_spaced() {
        let uneven = Curve::bezier(&[[0.0, 0.0], [0.1, 0.2], [9.0, 18.0], [10.0, 20.0]]).unwrap();
        assert_eq!(uneven.flatten_fewest(1e-9).unwrap(), [[0.0, 0.0], [10.0, 20.0]]);
        assert!(uneven.flatten_count(1e-9).unwrap() > 10_000);
        let polygon = Curve::linear(&[[0.1, 0.2], [7.3, 9.1], [7.3, 9.1], [-4.7, 1.3]], true).unwrap();
        assert_eq!(polygon.flatten_fewest_count(1e-300).unwrap(), 5);
    }

    #[test]
    fn a_line_there_and_back_is_followed_to_its_turn() {
        let curve = Curve::bezier(&[[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]).unwrap();
        for tolerance in [0.5, 1e-3, 1e-6, 1e-12] {
            let points = curve.flatten_fewest(tolerance).unwrap();
            let farthest = points.iter().fold(0.0, |far: f64, p| far.max(p[0]));
            assert!((0.75 - farthest) * 2.0_f64.sqrt() <= tolerance, "{tolerance}: {farthest}");
            assert!(points.len() <= 16, "{tolerance}: {}", points.len());
        }
    }

    #[test]
    fn a_parabola_gets_about_the_steps_that_its_arc_asks_for() {
        // With a constant second derivative even steps are the best, and Wang's formula has no slack.
        let curve = Curve::bezier(&[[0.0, 0.0], [1.0, 8.0 / 3.0], [2.0, 0.0]]).unwrap();
        for tolerance in [1e-2, 1e-4, 1e-6] {
            let (most, few) = (curve.flatten_count(tolerance), curve.flatten_fewest_count(tolerance));
            assert!(few.as_ref().unwrap() <= most.as_ref().unwrap(), "{tolerance}: {few:?}, {most:?}");
        }
    }

    #[test]
    fn a_whole_number_of_steps_that_rounds_up_costs_none() {
        let there_and_back = [
            [0.34618830547769863, 0.07576200718302717],
            [0.15450653934430636, -0.3523879817772606],
            [0.15450653934430636, -0.3523879817772606],
            [0.34618830547769863, 0.07576200718302717],
        ];
        let curve = Curve::bezier(&there_and_back).unwrap();
        let mut tolerance = 0.3518246023084855_f64;
        for _ in 0..32 {
            tolerance = tolerance.next_up();
        }
        for _ in 0..64 {
            tolerance = tolerance.next_down();
            let mut room = vec![[0.0; 2]; curve.flatten_count(tolerance).unwrap()];
            assert!(curve.flatten_fewest_into(tolerance, &mut room).is_ok(), "{tolerance:?}");
        }
    }

    #[test]
    fn places_where_nothing_moves_cost_two_points() {
        let curve = Curve::bezier(&[[3.0, 4.0]; 4]).unwrap();
        assert_eq!(curve.flatten_fewest(1e-300).unwrap(), [[3.0, 4.0]; 2]);
    }

    #[test]
    fn size_does_not_matter() {
        let points = [[0.0, 0.0], [3.0, 4.0], [-1.0, 4.0], [2.0, 0.5]];
        let unit = Curve::bezier(&points).unwrap().flatten_fewest(1e-4).unwrap();
        for exponent in [-1000, -500, -40, 40, 500, 990] {
            let scale = 2.0_f64.powi(exponent);
            let curve = Curve::bezier(&points.map(|p| p.map(|x| x * scale))).unwrap();
            let scaled: Vec<_> = unit.iter().map(|p| p.map(|x| x * scale)).collect();
            assert_eq!(curve.flatten_fewest(1e-4 * scale).unwrap(), scaled, "2^{exponent}");
        }
    }

    #[test]
    fn a_short_buffer_gets_the_beginning_and_is_refused_with_what_is_needed() {
        let curve = Curve::bezier(&[[0.0, 0.0], [0.0, 4.0], [8.0, 4.0], [8.0, 0.0]]).unwrap();
        let points = curve.flatten_fewest(0.001).unwrap();
        let needed = curve.flatten_fewest_count(0.001).unwrap();
        assert_eq!(points.len(), needed);
        let mut out = vec![[7.0; 2]; needed + 1];
        let error = curve.flatten_fewest_into(0.001, &mut out[..needed - 1]).unwrap_err();
        assert_eq!(error, Error::BufferLength { needed, given: needed - 1 });
        assert_eq!(curve.flatten_fewest_into(0.001, &mut out).unwrap(), needed);
        assert_eq!((&out[..needed], out[needed]), (&points[..], [7.0; 2]));
    }

    #[test]
    fn a_jump_is_crossed_between_its_two_points() {
        let segments = vec![[[0.0], [1.0], [2.0], [3.0]], [[5.0], [6.0], [7.0], [8.0]]];
        let curve = PiecewiseCubic::from_segments(segments, vec![0.0, 1.0, 2.0]).unwrap();
        assert_eq!(curve.flatten_fewest(0.1).unwrap(), [[0.0], [3.0], [5.0], [8.0]]);
    }

    #[test]
    fn the_plane_in_space_takes_the_same_points() {
        let points = [[0.0, 0.0], [100.0, 30.0], [-20.0, 40.0], [60.0, 0.5]];
        let flat = Curve::bezier(&points).unwrap().flatten_fewest(0.01).unwrap();
        let space = PiecewiseCubic::bezier(&points.map(|[x, y]| [x, y, 7.0])).unwrap();
        let space = space.flatten_fewest(0.01).unwrap();
        assert_eq!(space.len(), flat.len());
        for (p, q) in space.iter().zip(&flat) {
            assert!((p[0] - q[0]).hypot(p[1] - q[1]) < 1e-4 && p[2] == 7.0, "{p:?}, {q:?}");
        }
    }
}
