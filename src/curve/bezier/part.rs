//! Parts of Bezier curves that keep their parameters, as those of piecewise curves do.

use super::Bezier;
use super::direction::to_the_left;
use super::values::{Parameters, Values};
use crate::curve::affine::Affine;
use crate::curve::error::Error;
use crate::curve::piecewise::Point;
use crate::curve::rect::Rect;

/// A Bezier curve, or the part of one between two parameters.
///
/// A part has the control points of the whole curve, so that it gives the bits that the whole curve gave.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BezierPart<const D: usize> {
    whole: Bezier<D>,
    parameters: Parameters,
}

impl<const D: usize> From<Bezier<D>> for BezierPart<D> {
    fn from(whole: Bezier<D>) -> Self {
        Self { whole, parameters: Parameters::WHOLE }
    }
}

impl<const D: usize> BezierPart<D> {
    /// Prepares points (`order` 0) or one of the derivatives.
    pub(crate) fn values(&self, order: usize) -> Values<D> {
        Values::over(&self.whole, order, self.parameters)
    }

    /// Returns the unit vector along the curve, as [`PiecewiseCubic::tangent`](super::super::PiecewiseCubic::tangent) does.
    pub(crate) fn tangent(&self, u: f64) -> Option<[f64; D]> {
        self.whole.tangent_along(self.parameters.local(u), u >= self.parameters.last)
    }

    pub(crate) fn curvature(&self, u: f64) -> f64 {
        self.whole.curvature(self.parameters.local(u))
    }

    /// Returns the smallest box around the part, with its ends in it exactly.
    pub(crate) fn bounds(&self) -> Rect<D> {
        let Parameters { first, last, .. } = self.parameters;
        let (from, to) = (self.parameters.local(first), self.parameters.local(last));
        if from <= 0.0 && to >= 1.0 {
            return self.whole.bounds();
        }
        let (mut points, _) = self.whole.halves(to);
        points = points.halves(if to > 0.0 { from / to } else { 0.0 }).1;
        // Evaluated at once they differ by the rounding of the two cuts.
        let ends = self.values(0);
        points.points[0] = ends.at(first);
        points.points[self.whole.degree()] = ends.at(last);
        points.bounds()
    }

    /// Returns the part between two parameters of the domain, which keeps them.
    pub(crate) fn between(&self, first: f64, last: f64) -> Self {
        Self { whole: self.whole.clone(), parameters: Parameters { first, last, ..self.parameters } }
    }

    /// Returns the part run through backwards, over the same domain.
    pub(crate) fn reversed(&self) -> Self {
        let Parameters { first, last, shift } = self.parameters;
        let shift = (first - shift) + (last - 1.0);
        Self { whole: self.whole.reversed(), parameters: Parameters { first, last, shift } }
    }
}

impl BezierPart<2> {
    pub(crate) fn normal(&self, u: f64) -> Option<Point> {
        self.tangent(u).map(to_the_left)
    }

    pub(crate) fn transform(&self, matrix: &Affine) -> Result<Self, Error> {
        Ok(Self { whole: self.whole.transform(matrix)?, parameters: self.parameters })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::wave;
    use super::*;

    #[test]
    fn a_part_gives_the_bits_of_the_whole_over_its_own_parameters() {
        let whole = BezierPart::from(wave());
        let part = whole.between(0.2, 0.9).between(0.3, 0.7);
        for order in 0..3 {
            for u in [0.3, 0.4, 0.55, 0.7] {
                assert_eq!(part.values(order).at(u), whole.values(order).at(u));
            }
            assert_eq!(part.values(order).at(0.1), whole.values(order).at(0.3));
            assert_eq!(part.values(order).at(f64::INFINITY), whole.values(order).at(0.7));
            assert!(part.values(order).at(f64::NAN)[0].is_nan());
        }
        assert_eq!((part.tangent(0.4), part.curvature(0.4)), (wave().tangent(0.4), wave().curvature(0.4)));
        let mut samples = [[0.0; 2]; 5];
        part.values(0).sample(&mut samples);
        assert_eq!([samples[0], samples[4]], [wave().eval(0.3), wave().eval(0.7)]);
        assert!((samples[1][0] - wave().eval(0.4)[0]).abs() < 1e-14);
    }

    #[test]
    fn a_part_backwards_is_where_it_was_at_the_mirrored_parameter() {
        let part = BezierPart::from(wave()).between(0.2, 0.9);
        let back = part.reversed();
        let near = |a: Point, b: Point| (0..2).all(|i| (a[i] - b[i]).abs() < 1e-14 * 400.0);
        for k in 0..=20 {
            let u = 0.2 + 0.7 * f64::from(k) / 20.0;
            let v = 0.2 + (0.9 - u);
            assert!(near(back.values(0).at(u), part.values(0).at(v)), "{u}");
            assert!(near(back.values(1).at(u), part.values(1).at(v).map(|x| -x)), "{u}");
            assert!(near(back.reversed().values(0).at(u), part.values(0).at(u)), "{u}");
        }
        assert_eq!(BezierPart::from(wave()).reversed().reversed(), wave().into());
    }

    #[test]
    fn the_bounds_of_a_part_hold_its_points_and_touch_them() {
        for (first, last) in [(0.0, 1.0), (0.0, 0.3), (0.15, 0.9), (0.6, 1.0), (0.3, 0.3 + 1e-16)] {
            let part = BezierPart::from(wave()).between(first, last);
            for part in [part.reversed(), part] {
                let Rect { min, max } = part.bounds();
                let mut samples = vec![[0.0; 2]; 100_001];
                part.values(0).sample(&mut samples);
                for axis in 0..2 {
                    let values = samples.iter().map(|sample| sample[axis]);
                    let low = values.clone().fold(f64::INFINITY, f64::min);
                    let high = values.fold(f64::NEG_INFINITY, f64::max);
                    assert!(min[axis] <= low + 1e-14 && low <= min[axis] + 1e-7, "{low}, {min:?}");
                    assert!(max[axis] >= high - 1e-14 && high >= max[axis] - 1e-7, "{high}, {max:?}");
                }
            }
        }
    }
}
