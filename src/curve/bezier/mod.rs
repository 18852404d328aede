//! Bezier curves of any degree, as they are: nothing here goes by way of cubics but [`Bezier::to_piecewise`].

mod bounds;
mod casteljau;
mod cubics;
mod direction;
#[cfg(feature = "capi")]
mod part;
mod values;

#[cfg(feature = "capi")]
pub(crate) use part::BezierPart;
#[cfg(feature = "capi")]
pub(crate) use values::Values;

use super::affine::Affine;
use super::error::Error;
use super::piecewise::check_points;
use casteljau::{Room, casteljau};
#[cfg(not(feature = "capi"))]
use values::Values;

/// The highest degree that a Bezier curve may have.
pub const MAX_DEGREE: usize = 64;

/// Holds a Bezier curve of degree 1 to [`MAX_DEGREE`] over the parameters 0 to 1.
///
/// It is evaluated, differentiated, cut and bounded as it is. What it has no method for, such as its length, its cubic form has:
/// see [`to_piecewise`](Self::to_piecewise).
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
        casteljau(points.all_mut(), t.clamp(0.0, 1.0), |_, _| {})
    }

    /// Returns the derivative by the parameter at `t`, which is clamped to 0..=1. NaN gives NaN.
    pub fn derivative(&self, t: f64) -> [f64; D] {
        Values::of(self, 1).at(t)
    }

    /// Returns the second derivative by the parameter at `t`, which is clamped to 0..=1. NaN gives NaN.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Bezier;
    ///
    /// // x = t, y = t⁴.
    /// let quartic = Bezier::new(&[[0.0, 0.0], [0.25, 0.0], [0.5, 0.0], [0.75, 0.0], [1.0, 1.0]])?;
    /// assert_eq!(quartic.second_derivative(0.5), [0.0, 3.0]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn second_derivative(&self, t: f64) -> [f64; D] {
        Values::of(self, 2).at(t)
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
        Ok(self.halves(t.clamp(0.0, 1.0)))
    }

    fn halves(&self, t: f64) -> (Self, Self) {
        let mut after = self.points.clone();
        let mut before = after.clone();
        casteljau(&mut after, t, |k, point| before[k] = point);
        (Self { points: before }, Self { points: after })
    }

    /// Returns the curve run through backwards: at `t` it is where this is at `1 - t`.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Bezier;
    ///
    /// let curve = Bezier::new(&[[0.0, 0.0], [2.0, 4.0], [4.0, 0.0], [5.0, 1.0], [6.0, 6.0]])?;
    /// assert_eq!(curve.reversed().points()[0], [6.0, 6.0]);
    /// assert_eq!(curve.reversed().reversed(), curve);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self { points: self.points.iter().rev().copied().collect() }
    }
}

impl Bezier {
    /// Returns the curve with every control point mapped, which maps the whole curve.
    ///
    /// # Errors
    ///
    /// [`Error::Point`] if a mapped coordinate is not finite or beyond [`MAX_COORDINATE`](super::MAX_COORDINATE).
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::{Affine, Bezier};
    ///
    /// let curve = Bezier::new(&[[0.0, 0.0], [1.0, 4.0], [2.0, 0.0], [3.0, 4.0], [4.0, 0.0]])?;
    /// let moved = curve.transform(&Affine::translation([10.0, 20.0]))?;
    /// assert_eq!(moved.eval(0.5), [12.0, 22.0]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn transform(&self, matrix: &Affine) -> Result<Self, Error> {
        let points: Vec<_> = self.points.iter().map(|&point| matrix.apply(point)).collect();
        check_points(&points)?;
        Ok(Self { points })
    }
}

#[cfg(test)]
mod tests {
    use super::super::rect::Rect;
    use super::*;

    pub(super) fn wave() -> Bezier {
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
}
