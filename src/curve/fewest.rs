//! Polylines that stay within a tolerance of the curve and have few points.

use std::array::from_fn;

use super::error::Error;
use super::piecewise::PiecewiseCubic;
use super::segment::{Powers, Segment, differences, dot, max_abs, norm, reciprocal_power_of_two};

/// A step is long enough if the square of its error is at least this part of the tolerance's: it could grow by 4 %.
const FULL: f64 = 0.85;

/// The part of the longest step that is aimed at, as the aim misses a little to both sides.
const AIM: f64 = 0.99;

/// How often the length of a step is corrected at most.
const CORRECTIONS: usize = 8;

impl<const D: usize> PiecewiseCubic<D> {
    /// Counts the points that [`flatten_fewest_into`](Self::flatten_fewest_into) writes. It takes as long as writing them.
    ///
    /// # Errors
    ///
    /// As [`flatten_count`](Self::flatten_count), which is never smaller.
    pub fn flatten_fewest_count(&self, tolerance: f64) -> Result<usize, Error> {
        self.flatten_count(tolerance)?;
        let mut count = 0;
        self.walk(tolerance, |_| count += 1);
        Ok(count)
    }

    /// Writes a polyline within `tolerance` of the curve into `out` and returns how many points it has: about half as many as
    /// [`flatten_into`](Self::flatten_into) takes, in several times the time.
    ///
    /// Every point of the curve lies within `tolerance` of the polyline, up to the rounding of the coordinates; the polyline's
    /// points lie on the curve, from its first to its last. A straight piece costs one point. Where the curve jumps, a
    /// straight edge crosses the gap. There are never more points than [`flatten_count`](Self::flatten_count) says.
    ///
    /// From each point the next one is chosen about as far away as the tolerance allows. An edge stands only if the distance
    /// of its piece of the curve is proved to be small enough. Across the chord, that piece is s (1 - s) times a linear
    /// function of its parameter s in 0..=1, with its greatest value in closed form; and along it, the piece stays between the
    /// chord's ends, or else the distance at equal parameters counts, which Wang's formula bounds.
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
        let mut needed = 0;
        self.walk(tolerance, |point| {
            if let Some(place) = out.get_mut(needed) {
                *place = point;
            }
            needed += 1;
        });
        if needed > out.len() { Err(Error::BufferLength { needed, given: out.len() }) } else { Ok(needed) }
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
        self.walk(tolerance, |point| points.push(point));
        Ok(points)
    }

    /// Hands the polyline's points to `emit`, one by one.
    fn walk(&self, tolerance: f64, mut emit: impl FnMut([f64; D])) {
        let mut before = self.start();
        emit(before);
        for segment in self.segments() {
            if segment[0] != before {
                emit(segment[0]);
            }
            let powers = Powers::new(segment);
            Steps::new(segment, tolerance).walk(|t| emit(powers.at(t)));
            before = segment[3];
            emit(before);
        }
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
    /// The step that Wang's formula proves right everywhere.
    safe: f64,
}

/// A third-order expansion about a parameter: the derivative, and half the second one.
struct Local<const D: usize> {
    a: [f64; D],
    b: [f64; D],
}

impl<const D: usize> Steps<D> {
    fn new(segment: &Segment<D>, tolerance: f64) -> Self {
        let sides = differences(segment);
        let scale = reciprocal_power_of_two(sides.iter().map(max_abs).fold(0.0, f64::max));
        let [d0, d1, d2] = sides.map(|side| side.map(|x| x * scale));
        let second: [f64; D] = from_fn(|i| d1[i] - d0[i]);
        let other: [f64; D] = from_fn(|i| d2[i] - d1[i]);
        // Rounding takes this much anyway. Above 16 D, more than any distance here, the tolerance makes no difference.
        let noise = 4.0 * f64::EPSILON * segment.iter().map(max_abs).fold(0.0, f64::max);
        let tolerance = (tolerance.max(noise) * scale).min(16.0 * D as f64);
        let bend = 0.75 * norm(&second).max(norm(&other));
        Self {
            a: d0.map(|x| 3.0 * x),
            b: second.map(|x| 3.0 * x),
            c: from_fn(|i| other[i] - second[i]),
            budget: (16.0 * tolerance) * (16.0 * tolerance),
            safe: if bend <= tolerance { 1.0 } else { (tolerance / bend).sqrt() * (1.0 - 1e-12) },
        }
    }

    /// Calls `emit` with each parameter between 0 and 1 at which the segment is cut.
    fn walk(&self, mut emit: impl FnMut(f64)) {
        // What is left over by rounding must not cost a step more than Wang's formula.
        let last = self.safe * (1.0 + 1e-9);
        let (mut t, mut guess, mut before) = (0.0, self.safe, None::<f64>);
        loop {
            let rest = 1.0 - t;
            if rest <= last {
                return;
            }
            let from = self.at(t);
            let mut step = guess.max(self.safe).min(rest);
            let mut error = self.error(&from, step);
            let good = error <= 1.0 && (error >= FULL || step == rest);
            if !good {
                (step, error) = self.search(&from, step, error, rest);
            }
            if step == rest {
                return;
            }
            t += step;
            emit(t);
            // The fourth root, near 1. The error goes with the square of the step, and its change is extrapolated.
            let gap = (1.0 - error).min(0.5);
            let best = AIM * step * (1.0 + gap * (0.25 + gap * (0.156 + gap * 0.15)));
            guess = match before {
                Some(before) => (2.0 * best - before).clamp(0.5 * best, 2.0 * best),
                None => best,
            };
            before = Some(best);
        }
    }

    /// Returns about the longest step whose error is proved, with that error. It starts from one of known error, too short or
    /// too long.
    #[cold]
    fn search(&self, from: &Local<D>, mut step: f64, mut error: f64, rest: f64) -> (f64, f64) {
        let (mut low, mut high) = ((0.0, 0.0), f64::INFINITY);
        for _ in 0..CORRECTIONS {
            if error <= 1.0 {
                low = (step, error);
                if step == rest || error >= FULL {
                    return low;
                }
            } else {
                high = step;
            }
            let mut next = (step * (AIM / error.sqrt().sqrt())).min(rest);
            if next <= low.0 || next >= high {
                next = 0.5 * (low.0.max(self.safe) + high.min(rest));
            }
            if next <= 1.01 * low.0 {
                break;
            }
            step = next.max(self.safe);
            error = self.error(from, step);
        }
        if error <= 1.0 && step > low.0 {
            low = (step, error);
        }
        // Wang's step needs no other proof.
        if low.0 > self.safe {
            low
        } else {
            (self.safe.min(rest), self.error(from, self.safe.min(rest)).min(1.0))
        }
    }

    fn at(&self, t: f64) -> Local<D> {
        Local {
            a: from_fn(|i| self.a[i] + t * (2.0 * self.b[i] + t * (3.0 * self.c[i]))),
            b: from_fn(|i| self.b[i] + t * (3.0 * self.c[i])),
        }
    }

    /// Returns the square of an upper bound of the distance between the curve on the next `step` and its chord, as a multiple
    /// of the tolerance's.
    ///
    /// With q the chord by the step and s in 0..=1, the curve is off the chord's point at s by
    /// step² s (1 - s) (b + step (1 + s) c), and across the chord by the part of that normal to q.
    #[inline]
    fn error(&self, from: &Local<D>, step: f64) -> f64 {
        let change: [f64; D] = self.c.map(|x| step * x);
        let middle: [f64; D] = from_fn(|i| from.b[i] + 1.5 * change[i]);
        let chord: [f64; D] = from_fn(|i| from.a[i] + step * (from.b[i] + change[i]));
        let end: [f64; D] = from_fn(|i| from.a[i] + step * (2.0 * from.b[i] + 3.0 * change[i]));
        let square = dot(&chord, &chord);
        // The piece's inner control points project between its ends, and with them all of it.
        let between = 0.0..=3.0 * square;
        let beside =
            square > 0.0 && between.contains(&dot(&from.a, &chord)) && between.contains(&dot(&end, &chord));
        let (middle, change, square) = if beside {
            (square_across(&chord, square, &middle), square_across(&chord, square, &change), square)
        } else {
            (dot(&middle, &middle), dot(&change, &change), 1.0)
        };
        let fourth_power = (step * step) * (step * step);
        square_of_largest(middle, 0.25 * change, fourth_power, self.budget * square)
    }
}

/// Returns the square of the part of `v` that is normal to `chord`, times `square`, the chord's own.
#[inline]
fn square_across<const D: usize>(chord: &[f64; D], square: f64, v: &[f64; D]) -> f64 {
    if D == 2 {
        let cross = chord[0] * v[1] - chord[1] * v[0];
        return cross * cross;
    }
    let along = dot(chord, v) / square;
    let across: [f64; D] = from_fn(|i| v[i] - along * chord[i]);
    dot(&across, &across) * square
}

/// Returns the square of four times an upper bound of (1 - x²)(m + n x) for x in -1..=1, from the squares of m and n, times
/// `factor`, by `divisor`.
#[inline]
fn square_of_largest(m: f64, n: f64, factor: f64, divisor: f64) -> f64 {
    if n <= 0.25 * m {
        // m + n² / (4 m): what is left out, -n x³, is below 0 where n x is above. In the end one division.
        let sum = 4.0 * m + n;
        return if m < 1e-200 { 0.0 } else { factor * (sum * sum) / (divisor * m) };
    }
    let root = m.sqrt();
    let x = n.sqrt() / (root + (m + 3.0 * n).sqrt());
    let largest = 4.0 * (1.0 - x * x) * (root + n.sqrt() * x);
    factor * (largest * largest) / divisor
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
            assert!(points.len() <= 12, "{tolerance}: {}", points.len());
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
            assert!((p[0] - q[0]).hypot(p[1] - q[1]) < 1e-6 && p[2] == 7.0, "{p:?}, {q:?}");
        }
    }
}
