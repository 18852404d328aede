//! Bezier curves of any degree.

use std::array::from_fn;

use super::error::{Error, check_tolerance};
use super::piecewise::{PiecewiseCubic, check_points};
use super::rect::Rect;
use super::segment::{Segment, max_abs};

/// The highest degree that a Bezier curve may have.
pub const MAX_DEGREE: usize = 64;

/// How often a piece is halved in the search for an extremum: the hull of what is left differs from its ends by less than
/// rounding does, for a second derivative as large as any can be.
const MAX_HALVINGS: u32 = 32;

/// Holds a Bezier curve of degree 1 to [`MAX_DEGREE`] over the parameters 0 to 1.
///
/// What it has no method for, such as its length, its cubic form has: see [`to_piecewise`](Self::to_piecewise).
#[derive(Debug, Clone, PartialEq)]
pub struct Bezier<const D: usize = 2> {
    points: Vec<[f64; D]>,
}

impl<const D: usize> Bezier<D> {
    /// Makes the curve with these control points, one more than its degree.
    ///
    /// # Errors
    ///
    /// [`Error::BezierPointCount`] unless there are 2 to 65 of them, [`Error::Point`] for a coordinate that is not finite or
    /// beyond [`MAX_COORDINATE`](super::MAX_COORDINATE).
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Bezier;
    ///
    /// let quartic = Bezier::new(&[[0.0, 0.0], [1.0, 4.0], [2.0, 0.0], [3.0, 4.0], [4.0, 0.0]])?;
    /// assert_eq!(quartic.degree(), 4);
    /// assert_eq!(quartic.eval(0.5), [2.0, 2.0]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn new(points: &[[f64; D]]) -> Result<Self, Error> {
        if !(2..=MAX_DEGREE + 1).contains(&points.len()) {
            return Err(Error::BezierPointCount { given: points.len() });
        }
        check_points(points)?;
        Ok(Self { points: points.to_vec() })
    }

    /// Returns the control points.
    pub fn points(&self) -> &[[f64; D]] {
        &self.points
    }

    /// Returns the degree, one less than there are control points.
    pub fn degree(&self) -> usize {
        self.points.len() - 1
    }

    /// Returns the point at parameter `t`, which is clamped to 0..=1. Both ends are exact. NaN gives NaN coordinates.
    ///
    /// By de Casteljau's algorithm: every step takes means, so that the point stays in the hull of the control points and the
    /// rounding error at a few units in the last place of the largest of them for each degree.
    pub fn eval(&self, t: f64) -> [f64; D] {
        let mut points = Room::of(&self.points);
        casteljau(points.all(), t.clamp(0.0, 1.0), |_, _| {})
    }

    /// Returns the derivative by the parameter at `t`, which is clamped to 0..=1. NaN gives NaN.
    pub fn derivative(&self, t: f64) -> [f64; D] {
        let degree = self.degree() as f64;
        let mut sides = Room::of(&self.points[1..]);
        for (side, before) in sides.all().iter_mut().zip(&self.points) {
            *side = from_fn(|i| side[i] - before[i]);
        }
        casteljau(sides.all(), t.clamp(0.0, 1.0), |_, _| {}).map(|x| degree * x)
    }

    /// Splits the curve at `t`, which is clamped to 0..=1, into the part before and the part after.
    ///
    /// Each has the same degree and its own parameters 0 to 1; they share the point [`eval`](Self::eval) gives for `t`.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] if `t` is NaN.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Bezier;
    ///
    /// let curve = Bezier::new(&[[0.0, 0.0], [2.0, 4.0], [4.0, 0.0]])?;
    /// let (before, after) = curve.split(0.5)?;
    /// assert_eq!(before.points(), [[0.0, 0.0], [1.0, 2.0], [2.0, 2.0]]);
    /// assert_eq!(after.points(), [[2.0, 2.0], [3.0, 2.0], [4.0, 0.0]]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn split(&self, t: f64) -> Result<(Self, Self), Error> {
        if t.is_nan() {
            return Err(Error::Parameter { given: t, first: 0.0, last: 1.0 });
        }
        let mut after = self.points.clone();
        let mut before = after.clone();
        casteljau(&mut after, t.clamp(0.0, 1.0), |k, point| before[k] = point);
        Ok((Self { points: before }, Self { points: after }))
    }

    /// Returns the smallest box around the curve itself, which may be smaller than that of its control points.
    ///
    /// It touches the curve on every side, up to the rounding of the extrema; the ends are in it exactly. On each axis the
    /// curve is halved wherever its control points leave the range of the points found so far, which converges to the extrema
    /// quadratically and misses none (Lane and Riesenfeld, Bounds on a polynomial, BIT 21, 1981).
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Bezier;
    ///
    /// let arch = Bezier::new(&[[0.0, 0.0], [0.0, 8.0], [4.0, 8.0], [8.0, 8.0], [8.0, 0.0]])?;
    /// assert_eq!(arch.bounds().max, [8.0, 7.0]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn bounds(&self) -> Rect<D> {
        let ranges: [_; D] = from_fn(|axis| {
            let mut values = Room::filled(self.points.len());
            for (value, point) in values.all().iter_mut().zip(&self.points) {
                *value = [point[axis]];
            }
            let (first, last) = (values.all()[0][0], values.all()[self.degree()][0]);
            let size = values.all().iter().map(max_abs).fold(0.0, f64::max);
            let mut range = (first.min(last), first.max(last));
            let noise = (4 + self.degree()) as f64 * f64::EPSILON * size;
            widen(&mut range, &values, noise, MAX_HALVINGS);
            range
        });
        Rect { min: ranges.map(|(low, _)| low), max: ranges.map(|(_, high)| high) }
    }

    /// Returns the curve as cubic segments that stay within `tolerance` of it, at each parameter, on knots in 0..=1.
    ///
    /// A degree up to 3 is converted as [`PiecewiseCubic::bezier`] does. A higher one is halved until a cubic is near enough:
    /// the one with the same ends and the same derivatives there, so that the segments join smoothly. Raised to the curve's
    /// degree, the cubic's control points are no farther from the curve's own than the tolerance allows, and the difference
    /// of the two is in the hull of these differences. A tolerance below 4e-15 of the largest coordinate for each degree asks
    /// for more than `f64` has: the error is then of that size.
    ///
    /// # Errors
    ///
    /// [`Error::Tolerance`] unless the tolerance is finite and above 0, [`Error::ControlPoint`] if a control point of the
    /// result is out of range where the curve's own nearly are.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Bezier;
    ///
    /// let wave = Bezier::new(&[[0.0, 0.0], [1.0, 9.0], [2.0, -9.0], [3.0, 9.0], [4.0, -9.0], [5.0, 0.0]])?;
    /// let cubics = wave.to_piecewise(1e-3)?;
    /// let (p, q) = (wave.eval(0.3), cubics.eval(0.3));
    /// assert!((p[0] - q[0]).hypot(p[1] - q[1]) <= 1e-3);
    /// let polyline = cubics.flatten(1e-2)?;
    /// assert_eq!(polyline.last(), Some(&[5.0, 0.0]));
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn to_piecewise(&self, tolerance: f64) -> Result<PiecewiseCubic<D>, Error> {
        check_tolerance(tolerance)?;
        if self.degree() <= 3 {
            return PiecewiseCubic::bezier(&self.points);
        }
        let size = self.points.iter().map(max_abs).fold(0.0, f64::max);
        let mut cubics = Cubics {
            // No component is farther off, so that the distance is within this.
            share: (tolerance / (D as f64).sqrt()).max(16.0 * self.degree() as f64 * f64::EPSILON * size),
            segments: Vec::new(),
            knots: vec![0.0],
        };
        cubics.append(&self.points, 0.0, 1.0);
        PiecewiseCubic::from_segments(cubics.segments, cubics.knots)
    }
}

/// Cubic segments, as they are found.
struct Cubics<const D: usize> {
    /// What is left of the tolerance for each coordinate.
    share: f64,
    segments: Vec<Segment<D>>,
    knots: Vec<f64>,
}

impl<const D: usize> Cubics<D> {
    /// Appends what stays near the piece of the curve with these control points, which goes from one parameter to another.
    fn append(&mut self, points: &[[f64; D]], from: f64, to: f64) {
        let cubic = hermite(points);
        let middle = 0.5 * (from + to);
        // It goes with the fourth power of the length, so that the shortest piece stays far above the spacing of `f64`.
        if distance_at_most(&cubic, points) <= self.share || to - from <= 2.0 * f64::EPSILON {
            self.segments.push(cubic);
            self.knots.push(to);
            return;
        }
        let mut after = Room::of(points);
        let mut before = Room::of(points);
        casteljau(after.all(), 0.5, |k, point| before.all()[k] = point);
        self.append(before.all(), from, middle);
        self.append(after.all(), middle, to);
    }
}

/// Returns the cubic with the ends of a Bezier curve and its derivatives there.
fn hermite<const D: usize>(points: &[[f64; D]]) -> Segment<D> {
    let degree = points.len() - 1;
    let stretch = degree as f64 / 3.0;
    let [p, q, r, s] = [points[0], points[1], points[degree - 1], points[degree]];
    [p, from_fn(|i| p[i] + stretch * (q[i] - p[i])), from_fn(|i| s[i] + stretch * (r[i] - s[i])), s]
}

/// Returns an upper bound of how far any coordinate of a cubic is from that of a Bezier curve at the same parameter.
fn distance_at_most<const D: usize>(cubic: &Segment<D>, points: &[[f64; D]]) -> f64 {
    let mut raised = Room::of(cubic);
    for _ in 3..points.len() - 1 {
        raised.elevate();
    }
    let differences = raised.all().iter().zip(points).flat_map(|(a, b)| (0..D).map(|i| (a[i] - b[i]).abs()));
    differences.fold(0.0, f64::max)
}

/// Widens a range to hold a polynomial, given in Bernstein form, whose ends it holds.
///
/// What is beyond it by less than `noise` counts for nothing.
fn widen(range: &mut (f64, f64), values: &Room<1>, noise: f64, halvings: u32) {
    let mut values = *values;
    let all = values.all();
    let (first, last) = (all[0][0], all[all.len() - 1][0]);
    *range = (range.0.min(first).min(last), range.1.max(first).max(last));
    let beyond = all.iter().any(|&[x]| x < range.0 - noise || x > range.1 + noise);
    if !beyond || halvings == 0 {
        return;
    }
    let mut before = values;
    casteljau(values.all(), 0.5, |k, point| before.all()[k] = point);
    // The half that reaches farther first: what it finds may spare the other.
    let reach = |half: &mut Room<1>| {
        half.all().iter().fold(0.0, |far: f64, &[x]| far.max(range.0 - x).max(x - range.1))
    };
    let (near, far) =
        if reach(&mut before) > reach(&mut values) { (values, before) } else { (before, values) };
    widen(range, &far, noise, halvings - 1);
    widen(range, &near, noise, halvings - 1);
}

/// Room for the control points of any Bezier curve, off the heap.
#[derive(Clone, Copy)]
struct Room<const D: usize> {
    points: [[f64; D]; MAX_DEGREE + 1],
    count: usize,
}

impl<const D: usize> Room<D> {
    fn filled(count: usize) -> Self {
        Self { points: [[0.0; D]; MAX_DEGREE + 1], count }
    }

    fn of(points: &[[f64; D]]) -> Self {
        let mut room = Self::filled(points.len());
        room.all().copy_from_slice(points);
        room
    }

    fn all(&mut self) -> &mut [[f64; D]] {
        &mut self.points[..self.count]
    }

    /// Raises the degree by one, which keeps the curve.
    fn elevate(&mut self) {
        let degree = self.count;
        self.points[degree] = self.points[degree - 1];
        for k in (1..degree).rev() {
            let part = k as f64 / degree as f64;
            let before = self.points[k - 1];
            self.points[k] = from_fn(|i| mean(self.points[k][i], before[i], part));
        }
        self.count += 1;
    }
}

/// Runs de Casteljau's algorithm: the points become the control points of the part after `t`, the first of them the point at
/// `t`, which is returned. `emit` gets the control points of the part before, with their indices.
fn casteljau<const D: usize>(
    points: &mut [[f64; D]],
    t: f64,
    mut emit: impl FnMut(usize, [f64; D]),
) -> [f64; D] {
    for k in 0..points.len() {
        emit(k, points[0]);
        for j in 0..points.len() - 1 - k {
            let after = points[j + 1];
            points[j] = from_fn(|i| mean(points[j][i], after[i], t));
        }
    }
    points[0]
}

/// Returns the value a part of the way from `a` to `b`: never outside of them, and exact where they are the same.
#[inline]
fn mean(a: f64, b: f64, part: f64) -> f64 {
    if part < 0.5 { a + part * (b - a) } else { b - (1.0 - part) * (b - a) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave() -> Bezier {
        Bezier::new(&[[0.0, 0.0], [1.0, 9.0], [2.0, -9.0], [3.0, 9.0], [4.0, -9.0], [5.0, 0.1]]).unwrap()
    }

    #[test]
    fn too_few_and_too_many_points_are_refused_with_their_number() {
        for given in [0, 1, 66, 1000] {
            let error = Bezier::new(&vec![[0.0; 2]; given]).unwrap_err();
            assert_eq!(error, Error::BezierPointCount { given });
        }
        assert_eq!(Bezier::new(&[[0.0; 2]; 65]).unwrap().degree(), 64);
    }

    #[test]
    fn a_bad_coordinate_is_named_with_its_place_and_value() {
        for value in [f64::NAN, f64::INFINITY, -1.1e300] {
            let error = Bezier::new(&[[0.0, 0.0], [0.0, 1.0], [0.0, value]]).unwrap_err();
            assert!(matches!(error, Error::Point { index: 2, axis: 1, .. }), "{error}");
            assert!(error.to_string().contains(&format!("{value:?}")), "{error}");
        }
    }

    #[test]
    fn a_nan_parameter_gives_nan_points_and_no_split() {
        assert!(wave().eval(f64::NAN).iter().chain(&wave().derivative(f64::NAN)).all(|x| x.is_nan()));
        assert!(matches!(wave().split(f64::NAN), Err(Error::Parameter { .. })));
    }

    #[test]
    fn parameters_outside_give_the_ends() {
        assert_eq!((wave().eval(-1.0), wave().eval(f64::INFINITY)), ([0.0, 0.0], [5.0, 0.1]));
        assert_eq!(wave().derivative(-1.0), [5.0, 45.0]);
    }

    #[test]
    fn a_low_degree_is_converted_exactly() {
        let wave = wave();
        for degree in 1..=3 {
            let points = &wave.points()[..=degree];
            let cubics = Bezier::new(points).unwrap().to_piecewise(1e-300).unwrap();
            assert_eq!(cubics, PiecewiseCubic::bezier(points).unwrap());
        }
    }

    #[test]
    fn a_cubic_in_disguise_takes_one_segment() {
        let cubic = [[0.0, 0.0], [3.0, 9.0], [-2.0, 5.0], [4.0, 1.0]];
        let mut room = Room::of(&cubic);
        for _ in 3..20 {
            room.elevate();
        }
        let curve = Bezier::new(room.all()).unwrap();
        let cubics = curve.to_piecewise(1e-12).unwrap();
        assert_eq!((curve.degree(), cubics.segment_count()), (20, 1));
        for (p, q) in cubics.segments()[0].iter().zip(cubic) {
            assert!((p[0] - q[0]).hypot(p[1] - q[1]) < 1e-12, "{p:?}, {q:?}");
        }
    }

    #[test]
    fn bounds_reach_every_extremum_of_a_chebyshev_polynomial() {
        // T16(2t - 1) swings 17 times between -1 and 1; its Bernstein coefficients go up to 1e5 (Rababah 2003).
        let binomial = |n: u32, k: u32| (0..k).fold(1.0, |c, i| c * f64::from(n - i) / f64::from(i + 1));
        let n = 16;
        let sign = |k: u32| if (n - k).is_multiple_of(2) { 1.0 } else { -1.0 };
        let points: Vec<_> = (0..=n)
            .map(|k| [sign(k) * binomial(2 * n, 2 * k) / binomial(n, k), f64::from(k) / f64::from(n)])
            .collect();
        let bounds = Bezier::new(&points).unwrap().bounds();
        let largest = points.iter().map(max_abs).fold(0.0, f64::max);
        let rounding = 40.0 * f64::EPSILON * largest;
        assert!(
            (bounds.min[0] + 1.0).abs() <= rounding && (bounds.max[0] - 1.0).abs() <= rounding,
            "{bounds:?}"
        );
        assert_eq!((bounds.min[1], bounds.max[1]), (0.0, 1.0));
    }

    #[test]
    fn a_flat_top_of_the_highest_degree_is_bounded_in_a_moment() {
        let mut points = vec![[0.1, 0.7]; 65];
        (points[0], points[64]) = ([0.0, 0.0], [0.0, 0.0]);
        let Rect { min, max } = Bezier::new(&points).unwrap().bounds();
        assert!(min == [0.0; 2] && max[0] <= 0.1 && max[1] <= 0.7 && max[1] > 0.7 - 1e-14, "{max:?}");
    }

    #[test]
    fn the_largest_and_the_smallest_coordinates_give_numbers() {
        for size in [1e300, 1e-300, 5e-324, 0.0] {
            let points: Vec<_> = wave().points().iter().map(|p| p.map(|x| x / 9.0 * size)).collect();
            let curve = Bezier::new(&points).unwrap();
            let Rect { min, max } = curve.bounds();
            let [p, q] = [curve.eval(0.3), curve.derivative(0.3)];
            assert!([min, max, p, q].as_flattened().iter().all(|x| x.is_finite()), "{size}");
            let cubics = curve.to_piecewise((1e-3 * size).max(f64::MIN_POSITIVE)).unwrap();
            assert!(cubics.segment_count() < 100, "{size}: {}", cubics.segment_count());
        }
    }

    #[test]
    fn the_finest_tolerance_ends_with_what_f64_has() {
        let points: Vec<_> = (0..65).map(|k| [f64::from(k), if k % 2 == 0 { 1.0 } else { -1.0 }]).collect();
        let cubics = Bezier::new(&points).unwrap().to_piecewise(1e-300).unwrap();
        assert!(cubics.segment_count() < 20_000, "{}", cubics.segment_count());
    }
}
