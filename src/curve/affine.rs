//! Affine maps of the plane.

use std::ops::Mul;

use super::error::Error;
use super::piecewise::{Curve, Point};

/// Holds an affine map of the plane: x' = a x + c y + e, y' = b x + d y + f.
///
/// The six numbers stand in the order of SVG's `matrix(a b c d e f)`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the formula above says what each is")]
pub struct Affine {
    pub a: f64,
    pub b: f64,
    pub c: f64,
    pub d: f64,
    pub e: f64,
    pub f: f64,
}

impl Affine {
    /// The map that leaves every point where it is.
    pub const IDENTITY: Self = Self { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: 0.0, f: 0.0 };

    /// Makes the map that moves every point by `[x, y]`.
    pub fn translation([e, f]: [f64; 2]) -> Self {
        Self { e, f, ..Self::IDENTITY }
    }

    /// Returns where the map takes a point.
    pub fn apply(&self, [x, y]: Point) -> Point {
        [self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f]
    }
}

impl Mul for Affine {
    type Output = Self;

    /// Returns the map that applies `inner` first and `self` to the result.
    fn mul(self, inner: Self) -> Self {
        let [e, f] = self.apply([inner.e, inner.f]);
        Self {
            a: self.a * inner.a + self.c * inner.b,
            b: self.b * inner.a + self.d * inner.b,
            c: self.a * inner.c + self.c * inner.d,
            d: self.b * inner.c + self.d * inner.d,
            e,
            f,
        }
    }
}

impl Curve {
    /// Returns the curve with every control point mapped, which maps the whole curve; the knots stay.
    ///
    /// # Errors
    ///
    /// [`Error::ControlPoint`] if a mapped coordinate is not finite or beyond [`MAX_COORDINATE`](super::MAX_COORDINATE).
    pub fn transform(&self, matrix: &Affine) -> Result<Self, Error> {
        self.map_points(|point| matrix.apply(point))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_applies_its_right_side_first() {
        let quarter_turn = Affine { a: 0.0, b: 1.0, c: -1.0, d: 0.0, e: 0.0, f: 0.0 };
        let shift = Affine::translation([10.0, 20.0]);
        assert_eq!((shift * quarter_turn).apply([1.0, 2.0]), [8.0, 21.0]);
        assert_eq!((quarter_turn * shift).apply([1.0, 2.0]), [-22.0, 11.0]);
        assert_eq!(shift * Affine::IDENTITY, shift);
        assert_eq!(Affine::IDENTITY * shift, shift);
    }

    #[test]
    fn a_map_out_of_range_is_refused_with_the_place() {
        let curve = Curve::bezier(&[[0.0, 0.0], [1.0, 1e200]]).unwrap();
        let error = curve.transform(&Affine { d: 1e200, ..Affine::IDENTITY }).unwrap_err();
        assert!(matches!(error, Error::ControlPoint { segment: 0, point: 1, axis: 1, .. }), "{error}");
        let error = curve.transform(&Affine { a: f64::NAN, ..Affine::IDENTITY }).unwrap_err();
        assert!(matches!(error, Error::ControlPoint { segment: 0, point: 0, axis: 0, .. }), "{error}");
    }
}
