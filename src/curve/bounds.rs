//! The exact box around a curve.

use super::piecewise::PiecewiseCubic;
use super::rect::Rect;
use super::segment::{Powers, Segment};

impl<const D: usize> PiecewiseCubic<D> {
    /// Returns the smallest box around the curve itself, which may be smaller than that of its control points.
    ///
    /// It touches the curve on every side, up to the rounding of the extrema between the ends of segments; those ends are in
    /// it exactly. Where the curve jumps, the gap counts for nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let hill = Curve::bezier(&[[0.0, 0.0], [0.0, 4.0], [8.0, 4.0], [8.0, 0.0]])?;
    /// assert_eq!(hill.bounds().max, [8.0, 3.0]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn bounds(&self) -> Rect<D> {
        let start = self.start();
        let mut bounds = Rect { min: start, max: start };
        for segment in self.segments() {
            for axis in 0..D {
                let (low, high) = axis_range(&segment.map(|point| [point[axis]]));
                bounds.min[axis] = bounds.min[axis].min(low);
                bounds.max[axis] = bounds.max[axis].max(high);
            }
        }
        bounds
    }
}

/// Returns the least and the greatest value of a cubic on 0 to 1.
fn axis_range(segment: &Segment<1>) -> (f64, f64) {
    let [[p0], [p1], [p2], [p3]] = *segment;
    let (mut low, mut high) = (p0.min(p3), p0.max(p3));
    // The curve lies in the hull of its control points, so that most segments need no roots.
    let inside = low..=high;
    if inside.contains(&p1) && inside.contains(&p2) {
        return (low, high);
    }
    let powers = Powers::new(segment);
    for t in extrema(p1 - p0, p2 - p1, p3 - p2).into_iter().flatten() {
        let [value] = powers.at(t);
        low = low.min(value);
        high = high.max(value);
    }
    (low, high)
}

/// Returns the roots strictly between 0 and 1 of the quadratic with Bernstein coefficients `a`, `b`, `c`.
///
/// In powers of t that is (a - 2b + c) t² + 2 (b - a) t + a. Both roots come from the sum that does not cancel (Press et al.,
/// Numerical Recipes, 3rd ed. 2007, section 5.6). A leading coefficient of 0 makes one of them infinite, and the other right;
/// whatever is NaN is no root either.
fn extrema(a: f64, b: f64, c: f64) -> [Option<f64>; 2] {
    let scale = a.abs().max(b.abs()).max(c.abs());
    if scale == 0.0 {
        return [None, None];
    }
    let (a, b, c) = (a / scale, b / scale, c / scale);
    let half = b - a;
    let discriminant = b * b - a * c;
    if discriminant < 0.0 {
        return [None, None];
    }
    let sum = -(half + discriminant.sqrt().copysign(half));
    [sum / (a - 2.0 * b + c), a / sum].map(|t| (t > 0.0 && t < 1.0).then_some(t))
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::*;

    #[test]
    fn a_quadratic_in_disguise_has_its_one_extremum() {
        // Leading coefficient of the derivative 0, and 1 ulp beside it.
        for c in [-1.0, -1.0 - f64::EPSILON, -1.0 + f64::EPSILON] {
            let roots: Vec<_> = extrema(1.0, 0.0, c).into_iter().flatten().collect();
            assert_eq!(roots.len(), 1, "{c}");
            assert!((roots[0] - 0.5).abs() < 1e-15, "{c}: {roots:?}");
        }
    }

    #[test]
    fn a_constant_derivative_has_no_root() {
        assert_eq!(extrema(1.0, 1.0, 1.0), [None, None]);
        assert_eq!(extrema(0.0, 0.0, 0.0), [None, None]);
    }

    #[test]
    fn both_extrema_of_a_wiggle_count() {
        let curve = Curve::bezier(&[[0.0, 0.0], [1.0, 3.0], [2.0, -3.0], [3.0, 0.0]]).unwrap();
        let peak = 3.0_f64.sqrt() / 2.0;
        let bounds = curve.bounds();
        assert!((bounds.max[1] - peak).abs() < 1e-15 && (bounds.min[1] + peak).abs() < 1e-15, "{bounds:?}");
    }

    #[test]
    fn the_ends_are_in_the_box_exactly() {
        let curve = Curve::bezier(&[[0.1, 0.7], [0.2, 5.0], [0.25, -5.0], [0.3, 0.9]]).unwrap();
        assert_eq!((curve.bounds().min[0], curve.bounds().max[0]), (0.1, 0.3));
    }

    #[test]
    fn a_point_is_its_own_box() {
        let curve = Curve::bezier(&[[0.1, -0.7]; 4]).unwrap();
        assert_eq!(curve.bounds(), Rect { min: [0.1, -0.7], max: [0.1, -0.7] });
    }

    #[test]
    fn scaling_by_a_power_of_two_scales_the_box_exactly() {
        let points = [[0.3, -0.1], [2.7, 3.1], [-1.9, -2.3], [0.9, 0.4]];
        let unit = Curve::bezier(&points).unwrap().bounds();
        for exponent in [-500, -40, 40, 500] {
            let scale = 2.0_f64.powi(exponent);
            let bounds = Curve::bezier(&points.map(|p| p.map(|x| x * scale))).unwrap().bounds();
            assert_eq!(bounds.min, unit.min.map(|x| x * scale));
            assert_eq!(bounds.max, unit.max.map(|x| x * scale));
        }
    }
}
