//! Points with derivatives.

use std::array::from_fn;

use super::super::error::Error;
use super::super::piecewise::{PiecewiseCubic, check_points};
use super::super::segment::Segment;
use super::Knots;

impl<const D: usize> PiecewiseCubic<D> {
    /// Goes through the points with the given derivatives by the parameter (cubic Hermite).
    ///
    /// # Errors
    ///
    /// [`Error::TooFewPoints`] below 2 points, [`Error::DerivativeCount`] unless there is a derivative for each,
    /// [`Error::Point`], [`Error::Derivative`], [`Error::Knot`] or [`Error::KnotCount`] for what is out of range.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::{Curve, Knots};
    ///
    /// let arch = Curve::hermite(&[[0.0, 0.0], [4.0, 0.0]], &[[0.0, 6.0], [0.0, -6.0]], &Knots::Uniform)?;
    /// assert_eq!(arch.segments()[0], [[0.0, 0.0], [0.0, 2.0], [4.0, 2.0], [4.0, 0.0]]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn hermite(points: &[[f64; D]], derivatives: &[[f64; D]], knots: &Knots) -> Result<Self, Error> {
        check_points(points)?;
        if points.len() < 2 {
            return Err(Error::TooFewPoints { family: "hermite", needed: 2, given: points.len() });
        }
        if derivatives.len() != points.len() {
            return Err(Error::DerivativeCount { needed: points.len(), given: derivatives.len() });
        }
        check_derivatives(derivatives)?;
        let knots = knots.of(points, false)?;
        let segments = (1..points.len())
            .map(|i| {
                segment(points[i - 1], points[i], derivatives[i - 1], derivatives[i], knots[i] - knots[i - 1])
            })
            .collect();
        Self::from_segments(segments, knots)
    }
}

/// Refuses derivatives that are not finite.
pub(super) fn check_derivatives<const D: usize>(derivatives: &[[f64; D]]) -> Result<(), Error> {
    for (index, derivative) in derivatives.iter().enumerate() {
        if let Some(axis) = derivative.iter().position(|value| !value.is_finite()) {
            return Err(Error::Derivative { index, axis, value: derivative[axis] });
        }
    }
    Ok(())
}

/// Returns the cubic from `a` to `b` whose derivatives by a parameter that goes `span` far are given.
pub(super) fn segment<const D: usize>(
    a: [f64; D],
    b: [f64; D],
    at_a: [f64; D],
    at_b: [f64; D],
    span: f64,
) -> Segment<D> {
    let third = span / 3.0;
    [a, from_fn(|i| a[i] + at_a[i] * third), from_fn(|i| b[i] - at_b[i] * third), b]
}
