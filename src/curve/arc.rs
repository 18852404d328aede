//! Parameters by arc length.

use std::array::from_fn;

use super::error::{Error, check_tolerance};
use super::length::{ROUNDING, Scaled, halves, length_at_once, piece_length, scaled};
use super::piecewise::PiecewiseCubic;
use super::segment::{Powers, differences, norm, quadratic_at};

/// More steps than bisection takes to the last bit.
const STEPS: usize = 200;

/// Holds a curve's arc length in pieces short enough that a query needs to look at one of them only.
///
/// Made by [`PiecewiseCubic::arc_length`]. A query costs a binary search and a few steps of Newton's method, kept between
/// bounds that bisection narrows where Newton would not (Press et al., Numerical Recipes, 3rd ed. 2007, section 9.4).
#[derive(Debug, Clone)]
pub struct ArcLength<'a, const D: usize = 2> {
    curve: &'a PiecewiseCubic<D>,
    pieces: Vec<Piece<D>>,
    total: f64,
    tolerance: f64,
}

/// A piece of a segment, and the curve's length before it.
#[derive(Debug, Clone)]
struct Piece<const D: usize> {
    segment: usize,
    /// Where in the segment it is, 0 to 1.
    from: f64,
    to: f64,
    before: f64,
    /// Control points of a third of its derivative, divided by `scale`.
    sides: [[f64; D]; 3],
    scale: f64,
}

impl<const D: usize> PiecewiseCubic<D> {
    /// Returns the arc length from the start to parameter `u`, within `tolerance` of the true one.
    ///
    /// `u` is clamped to the domain; NaN gives NaN. For the tolerance and for jumps, see [`length`](Self::length).
    ///
    /// # Errors
    ///
    /// [`Error::Tolerance`] unless the tolerance is finite and above 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let corner = Curve::linear(&[[0.0, 0.0], [3.0, 4.0], [3.0, 14.0]], false)?;
    /// assert!((corner.length_to(1.5, 1e-9)? - 10.0).abs() <= 1e-9);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn length_to(&self, u: f64, tolerance: f64) -> Result<f64, Error> {
        check_tolerance(tolerance)?;
        if u.is_nan() {
            return Ok(f64::NAN);
        }
        let u = self.clamp(u);
        let last = self.segment_at(u);
        let share = tolerance / (last + 1) as f64;
        let lengths = self.segments()[..=last].iter().enumerate().map(|(i, segment)| {
            let Some(Scaled { sides, scale, tolerance, .. }) = scaled(&differences(segment), share) else {
                return 0.0;
            };
            let sides = if i == last { up_to(&sides, self.local(i, u)) } else { sides };
            scale * piece_length(&sides, tolerance)
        });
        Ok(lengths.sum())
    }

    /// Returns the parameter at which the curve has the arc length `length` behind it; for many, use
    /// [`arc_length`](Self::arc_length).
    ///
    /// The true length up to the result is within `tolerance` of what was asked for, unless the parameter itself, rounded to
    /// `f64`, leaves more: it does where knots are far from 0 and close to each other. Lengths below 0 give the start, those
    /// beyond the curve's the end, NaN gives NaN. Of a stretch that the curve rests on, it is one parameter.
    ///
    /// # Errors
    ///
    /// [`Error::Tolerance`] unless the tolerance is finite and above 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let corner = Curve::linear(&[[0.0, 0.0], [3.0, 4.0], [3.0, 14.0]], false)?;
    /// assert!((corner.parameter_at_length(10.0, 1e-9)? - 1.5).abs() <= 1e-9);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn parameter_at_length(&self, length: f64, tolerance: f64) -> Result<f64, Error> {
        Ok(self.arc_length(tolerance)?.parameter_at(length))
    }

    /// Measures the curve once, for many queries by length that are each within `tolerance`.
    ///
    /// # Errors
    ///
    /// [`Error::Tolerance`] unless the tolerance is finite and above 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// // Slow at first; evenly spaced by length all the same.
    /// let line = Curve::bezier(&[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [9.0, 0.0]])?;
    /// let mut points = [[0.0; 2]; 4];
    /// line.arc_length(1e-9)?.points_into(&mut points);
    /// assert!(points.iter().zip([0.0, 3.0, 6.0, 9.0]).all(|(p, x)| (p[0] - x).abs() <= 1e-9));
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn arc_length(&self, tolerance: f64) -> Result<ArcLength<'_, D>, Error> {
        check_tolerance(tolerance)?;
        let share = tolerance / 2.0 / self.segment_count() as f64;
        let mut table = ArcLength { curve: self, pieces: Vec::new(), total: 0.0, tolerance };
        for (i, segment) in self.segments().iter().enumerate() {
            if let Some(Scaled { sides, scale, tolerance, .. }) = scaled(&differences(segment), share) {
                let piece = Piece { segment: i, from: 0.0, to: 1.0, before: 0.0, sides, scale };
                table.measure(piece, tolerance);
            }
        }
        Ok(table)
    }
}

impl<const D: usize> ArcLength<'_, D> {
    /// Returns the length of the whole curve.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// Returns the length from the start to parameter `u`, within the tolerance; see [`PiecewiseCubic::length_to`].
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let corner = Curve::linear(&[[0.0, 0.0], [3.0, 4.0], [3.0, 14.0]], false)?;
    /// let table = corner.arc_length(1e-9)?;
    /// assert!((table.length_to(1.5) - 10.0).abs() <= 1e-9);
    /// assert_eq!(table.length_to(99.0), table.total());
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn length_to(&self, u: f64) -> f64 {
        if u.is_nan() {
            return f64::NAN;
        }
        let u = self.curve.clamp(u);
        let segment = self.curve.segment_at(u);
        let t = self.curve.local(segment, u);
        let after = self.pieces.partition_point(|piece| (piece.segment, piece.from) <= (segment, t));
        let Some(piece) = after.checked_sub(1).map(|i| &self.pieces[i]) else { return 0.0 };
        // The last piece before a segment that is a point ends before it.
        if piece.segment < segment || t >= piece.to {
            return self.pieces.get(after).map_or(self.total, |next| next.before);
        }
        // The table has half the tolerance.
        let rounding = ROUNDING * piece.sides.iter().map(norm).sum::<f64>();
        let tolerance = (self.tolerance / piece.scale / 2.0).max(rounding);
        let sides = up_to(&piece.sides, (t - piece.from) / (piece.to - piece.from));
        piece.before + piece.scale * piece_length(&sides, tolerance)
    }

    /// Returns the parameter at which the curve has `length` behind it; see [`PiecewiseCubic::parameter_at_length`].
    pub fn parameter_at(&self, length: f64) -> f64 {
        if length.is_nan() {
            return f64::NAN;
        }
        let (segment, t) = self.locate(length);
        self.curve.global(segment, t)
    }

    /// Returns the point with `length` of the curve before it: the start below 0, the end beyond the whole, NaN for NaN.
    pub fn point_at(&self, length: f64) -> [f64; D] {
        if length.is_nan() {
            return [f64::NAN; D];
        }
        let (segment, t) = self.locate(length);
        Powers::new(&self.curve.segments()[segment]).at(t)
    }

    /// Fills `out` with points evenly spaced by length, the first and the last exactly the ends; a single point is the start.
    ///
    /// Points, not parameters, so that neither rests nor knots cost accuracy: each has its length before it within the
    /// tolerance, up to the rounding of the coordinates.
    pub fn points_into(&self, out: &mut [[f64; D]]) {
        let steps = out.len().saturating_sub(1).max(1) as f64;
        for (j, point) in out.iter_mut().enumerate() {
            *point = self.point_at(self.total * (j as f64 / steps));
        }
        if let [first, .., last] = out {
            (*first, *last) = (self.curve.start(), self.curve.end());
        }
    }

    /// Adds what [`piece_length`] halves a piece into.
    fn measure(&mut self, piece: Piece<D>, tolerance: f64) {
        if let Some(length) = length_at_once(&piece.sides, tolerance) {
            let before = self.total;
            self.total += piece.scale * length;
            self.pieces.push(Piece { before, ..piece });
            return;
        }
        let middle = piece.from + (piece.to - piece.from) / 2.0;
        let [left, right] = halves(&piece.sides);
        self.measure(Piece { to: middle, sides: left, ..piece }, tolerance / 2.0);
        self.measure(Piece { from: middle, sides: right, ..piece }, tolerance / 2.0);
    }

    /// Returns the segment, and where in it, 0 to 1, the curve has `length` behind it.
    fn locate(&self, length: f64) -> (usize, f64) {
        if length <= 0.0 {
            return (0, 0.0);
        }
        let after = self.pieces.partition_point(|piece| piece.before <= length);
        if length >= self.total || after == 0 {
            return (self.curve.segment_count() - 1, 1.0);
        }
        let piece = &self.pieces[after - 1];
        // The table has half the tolerance; this takes a quarter, and its measuring another eighth.
        let rounding = ROUNDING * piece.sides.iter().map(norm).sum::<f64>();
        let tolerance = (self.tolerance / piece.scale / 4.0).max(rounding);
        let t = invert(&piece.sides, (length - piece.before) / piece.scale, tolerance);
        (piece.segment, piece.from + t * (piece.to - piece.from))
    }
}

/// Returns where in 0..=1 a piece has `length` behind it, within `tolerance`.
fn invert<const D: usize>(sides: &[[f64; D]; 3], length: f64, tolerance: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    let mut t = (length / sides.iter().map(norm).sum::<f64>()).clamp(0.0, 1.0);
    for step in 0..STEPS {
        let miss = piece_length(&up_to(sides, t), tolerance / 2.0) - length;
        if miss.abs() <= tolerance {
            return t;
        }
        if miss < 0.0 {
            low = t;
        } else {
            high = t;
        }
        let newton = t - miss / (3.0 * norm(&quadratic_at(sides, t)));
        // Every third step bisects, so that no slow approach from one side takes longer than that.
        let inside = newton > low && newton < high && step % 3 != 2;
        t = if inside { newton } else { low + (high - low) / 2.0 };
        if t <= low || t >= high {
            break;
        }
    }
    t
}

/// Returns the sides of the part from 0 to `t`.
fn up_to<const D: usize>(sides: &[[f64; D]; 3], t: f64) -> [[f64; D]; 3] {
    let [a, b, _] = sides;
    let ab = from_fn(|i| (1.0 - t) * a[i] + t * b[i]);
    [*a, ab, quadratic_at(sides, t)].map(|side| side.map(|x| t * x))
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::*;

    #[test]
    fn lengths_behind_a_cusp_are_found_on_both_sides_of_it() {
        let curve = Curve::bezier(&[[0.0, 0.0], [100.0, 100.0], [0.0, 100.0], [100.0, 0.0]]).unwrap();
        for tolerance in [1e-3, 1e-9] {
            let table = curve.arc_length(tolerance).unwrap();
            for k in 0..=64 {
                let length = table.total() * f64::from(k) / 64.0;
                let back = curve.length_to(table.parameter_at(length), 1e-12).unwrap();
                assert!((back - length).abs() <= tolerance, "{k}: {back}, not {length}");
            }
            assert!((table.parameter_at(table.total() / 2.0) - 0.5).abs() < 1e-3);
        }
    }

    #[test]
    fn lengths_of_a_table_are_those_of_the_curve() {
        let segments = vec![
            [[0.0, 0.0], [100.0, 100.0], [0.0, 100.0], [100.0, 0.0]],
            [[5.0, 5.0]; 4],
            [[7.0, 0.0], [9.0, 30.0], [9.0, 30.0], [-3.0, 1.0]],
            [[8.0, 5.0]; 4],
        ];
        let curve = Curve::from_segments(segments, vec![-1.0, 0.5, 2.0, 2.5, 9.0]).unwrap();
        for tolerance in [1e-3, 1e-9, 1e-300] {
            let table = curve.arc_length(tolerance).unwrap();
            for k in -5..=105 {
                let u = f64::from(k) / 10.0 - 1.0;
                let miss = (table.length_to(u) - curve.length_to(u, 1e-11).unwrap()).abs();
                assert!(miss <= tolerance + 2e-11, "{u}: {miss}");
            }
            assert_eq!([-2.0, -1.0].map(|u| table.length_to(u)), [0.0; 2]);
            assert_eq!([2.5, 3.0, 9.0, 1e9].map(|u| table.length_to(u)), [table.total(); 4]);
            assert!(table.length_to(f64::NAN).is_nan());
        }
    }

    #[test]
    fn lengths_beyond_the_ends_give_the_ends() {
        let curve = Curve::linear(&[[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 0.0]], false).unwrap();
        let table = curve.arc_length(1e-9).unwrap();
        assert_eq!([-1.0, f64::NEG_INFINITY].map(|s| table.parameter_at(s)), [0.0; 2]);
        assert_eq!([1.0, f64::INFINITY].map(|s| table.parameter_at(s)), [3.0; 2]);
        assert!((table.parameter_at(0.25) - 1.25).abs() < 1e-9);
        assert!(table.parameter_at(f64::NAN).is_nan() && curve.length_to(f64::NAN, 1.0).unwrap().is_nan());
    }

    #[test]
    fn a_point_is_at_its_ends_at_any_length() {
        let curve = Curve::bezier(&[[1.0, 2.0]; 4]).unwrap();
        let table = curve.arc_length(1e-9).unwrap();
        assert_eq!((table.total(), table.parameter_at(0.0), table.parameter_at(1.0)), (0.0, 0.0, 1.0));
        let mut points = [[0.0; 2]; 3];
        table.points_into(&mut points);
        assert_eq!(points, [[1.0, 2.0]; 3]);
    }

    #[test]
    fn points_step_evenly_over_jumps_and_segments_of_any_size() {
        let segments = vec![
            [[0.0, 0.0], [1e-9, 0.0], [2e-9, 0.0], [3e-9, 0.0]],
            [[1e6, 0.0], [1e6, 0.0], [1e6, 0.0], [1e6, 8.0]],
        ];
        let curve = Curve::from_segments(segments, vec![0.0, 1.0, 2.0]).unwrap();
        let mut points = [[0.0; 2]; 5];
        curve.arc_length(1e-12).unwrap().points_into(&mut points);
        assert_eq!((points[0], points[4]), ([0.0, 0.0], [1e6, 8.0]));
        for (j, point) in points.iter().enumerate().skip(1) {
            assert!(point[0] == 1e6 && (point[1] - 2.0 * j as f64).abs() < 1e-8, "{points:?}");
        }
    }

    #[test]
    fn size_does_not_matter() {
        let points = [[0.0, 0.0], [3.0, 4.0], [-1.0, 4.0], [2.0, 0.5]];
        let unit = Curve::bezier(&points).unwrap();
        let expected = unit.parameter_at_length(2.0, 1e-9).unwrap();
        for exponent in [-1000, -500, 500, 990] {
            let scale = 2.0_f64.powi(exponent);
            let scaled = Curve::bezier(&points.map(|p| p.map(|x| x * scale))).unwrap();
            assert_eq!(scaled.parameter_at_length(2.0 * scale, 1e-9 * scale).unwrap(), expected);
        }
    }

    #[test]
    fn a_tolerance_that_is_not_above_0_is_refused() {
        let curve = Curve::bezier(&[[0.0, 0.0], [1.0, 1.0]]).unwrap();
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(curve.length_to(0.5, bad), Err(Error::Tolerance { .. })), "{bad}");
            assert!(matches!(curve.parameter_at_length(0.5, bad), Err(Error::Tolerance { .. })), "{bad}");
            assert!(curve.arc_length(bad).is_err());
        }
    }
}
