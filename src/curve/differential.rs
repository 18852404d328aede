//! Direction and bending: tangent, normal and curvature.

use super::piecewise::{Curve, PiecewiseCubic, Point};
use super::segment::{Segment, differences, max_abs, norm, power_of_two_below, quadratic_at};

/// The part of its terms' size below which a sum of them is rounding.
pub(super) const NOISE: f64 = 8.0 * f64::EPSILON;

/// The same for the derivative where the sum is only known to be below [`NOISE`]: about its root.
pub(super) const NOISE_ROOT: f64 = 1.0 / (1_u64 << 22) as f64;

impl<const D: usize> PiecewiseCubic<D> {
    /// Returns the unit vector along the curve at `u`, which is clamped to the domain.
    ///
    /// Where the first derivative vanishes, the direction is the limit of those after `u`: behind a cusp, or that of the next
    /// control point that differs. At the curve's end it is the limit of those before. Where two segments meet, the later one
    /// answers. `None` where all four control points of the segment are the same, and for NaN.
    ///
    /// Like kurbo and Skia it takes the direction from the next higher derivative that does not vanish.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// // Up to a cusp, and down from it.
    /// let cusp = Curve::bezier(&[[0.0, 0.0], [4.0, 4.0], [0.0, 4.0], [4.0, 0.0]])?;
    /// assert_eq!(cusp.tangent(0.5), Some([0.0, -1.0]));
    /// assert_eq!(Curve::bezier(&[[1.0, 2.0]; 4])?.tangent(0.5), None);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn tangent(&self, u: f64) -> Option<[f64; D]> {
        if u.is_nan() {
            return None;
        }
        let u = self.clamp(u);
        let i = self.segment_at(u);
        let (sides, _) = scaled_sides(&self.segments()[i])?;
        unit(&direction(&sides, self.local(i, u)))
    }

    /// Returns the curvature at `u`, which is clamped to the domain: the turn per length, 1 over the radius.
    ///
    /// In the plane it has a sign, above 0 where the curve turns to the left (counterclockwise where y goes up). In any other
    /// number of dimensions it is sqrt(|c'|² |c''|² - (c'·c'')²) / |c'|³, computed without that difference (Lagrange's
    /// identity), so never below 0.
    ///
    /// Infinite at a cusp and where control points coincide on a bent end; 0 on a straight segment even where it turns back,
    /// and where all control points are the same. NaN gives NaN.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// // Twice the curvature of a circle of radius 1 at the vertex of y = x².
    /// let parabola = Curve::bezier(&[[-1.0, 1.0], [0.0, -1.0], [1.0, 1.0]])?;
    /// assert!((parabola.curvature(0.5) - 2.0).abs() < 1e-14);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn curvature(&self, u: f64) -> f64 {
        if u.is_nan() {
            return f64::NAN;
        }
        let u = self.clamp(u);
        let i = self.segment_at(u);
        match scaled_sides(&self.segments()[i]) {
            Some((sides, scale)) => scaled_curvature(&sides, self.local(i, u)) / scale,
            None => 0.0,
        }
    }
}

impl Curve {
    /// Returns the unit vector a quarter turn to the left of the [`tangent`](Self::tangent), `None` where that is.
    ///
    /// To the left is where counterclockwise turns go: up from a curve along x where y goes up.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// assert_eq!(Curve::bezier(&[[0.0, 0.0], [2.0, 0.0]])?.normal(0.5), Some([0.0, 1.0]));
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn normal(&self, u: f64) -> Option<Point> {
        self.tangent(u).map(|[x, y]| [0.0 - y, x])
    }
}

/// Returns the sides of the control polygon, brought near 1 in size, and what they were divided by.
fn scaled_sides<const D: usize>(segment: &Segment<D>) -> Option<([[f64; D]; 3], f64)> {
    let sides = differences(segment);
    let largest = sides.iter().map(max_abs).fold(0.0, f64::max);
    let scale = power_of_two_below(largest);
    (largest > 0.0).then(|| (sides.map(|side| side.map(|x| x / scale)), scale))
}

fn second_differences<const D: usize>([a, b, c]: &[[f64; D]; 3]) -> [[f64; D]; 2] {
    [std::array::from_fn(|i| b[i] - a[i]), std::array::from_fn(|i| c[i] - b[i])]
}

/// Returns a vector along the curve at `t`: its derivative, or where that vanishes the first that does not.
fn direction<const D: usize>(sides: &[[f64; D]; 3], t: f64) -> [f64; D] {
    let first_of = |sides: [&[f64; D]; 3]| *sides.into_iter().find(|v| max_abs(v) > 0.0).unwrap_or(sides[0]);
    let [a, b, c] = sides;
    if t <= 0.0 {
        return first_of([a, b, c]);
    }
    if t >= 1.0 {
        return first_of([c, b, a]);
    }
    let velocity = quadratic_at(sides, t);
    if !vanishes(sides, t, &velocity) {
        return velocity;
    }
    let (second, third) = higher(sides, t);
    if norm(&second) > NOISE_ROOT { second } else { third }
}

/// Says whether the derivative at `t` is no more than the rounding of its terms.
fn vanishes<const D: usize>([a, b, c]: &[[f64; D]; 3], t: f64, velocity: &[f64; D]) -> bool {
    let s = 1.0 - t;
    norm(velocity) <= NOISE * (s * s * norm(a) + 2.0 * s * t * norm(b) + t * t * norm(c))
}

/// Returns the first and the second derivative of the quadratic with control points `sides`, each over 2.
fn higher<const D: usize>(sides: &[[f64; D]; 3], t: f64) -> ([f64; D], [f64; D]) {
    let [from, to] = second_differences(sides);
    (std::array::from_fn(|i| (1.0 - t) * from[i] + t * to[i]), std::array::from_fn(|i| to[i] - from[i]))
}

pub(super) fn unit<const D: usize>(v: &[f64; D]) -> Option<[f64; D]> {
    let largest = max_abs(v);
    let v = v.map(|x| x / largest);
    let length = norm(&v);
    (length > 0.0).then(|| v.map(|x| x / length))
}

fn scaled_curvature<const D: usize>(sides: &[[f64; D]; 3], t: f64) -> f64 {
    let velocity = quadratic_at(sides, t);
    let (second, third) = higher(sides, t);
    if max_abs(&velocity) > 0.0 && !vanishes(sides, t, &velocity) {
        let speed = norm(&velocity);
        // c' is 3 times the velocity and c'' 6 times `second`.
        return 2.0 / 3.0 * wedge(&velocity.map(|x| x / speed), &second) / speed / speed;
    }
    // Around a root c' runs like h w + h² k, so that its turn per length runs like (w wedge k) / (h |w|³).
    let turn = wedge(&second, &third);
    if turn.abs() <= NOISE_ROOT * norm(&second) * norm(&third) { 0.0 } else { turn * f64::INFINITY }
}

/// Returns the area between two vectors: with its sign in the plane, without elsewhere.
pub(super) fn wedge<const D: usize>(a: &[f64; D], b: &[f64; D]) -> f64 {
    if D == 2 {
        return a[0] * b[1] - a[1] * b[0];
    }
    let pairs = (0..D).flat_map(|i| (0..i).map(move |j| a[i] * b[j] - a[j] * b[i]));
    let square = pairs.map(|area| area * area).sum::<f64>();
    square.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUSP: [Point; 4] = [[0.0, 0.0], [100.0, 100.0], [0.0, 100.0], [100.0, 0.0]];

    fn close<const D: usize>(a: Option<[f64; D]>, b: [f64; D]) -> bool {
        a.is_some_and(|a| (0..D).all(|i| (a[i] - b[i]).abs() < 1e-12))
    }

    #[test]
    fn the_tangent_at_a_cusp_is_the_way_on() {
        let curve = Curve::bezier(&CUSP).unwrap();
        assert_eq!(curve.tangent(0.5), Some([0.0, -1.0]));
        assert_eq!(curve.normal(0.5), Some([1.0, 0.0]));
        assert!(curve.curvature(0.5).is_infinite());
        assert!(close(curve.tangent(0.5 - 1e-9).map(|t| t.map(f64::round)), [0.0, 1.0]));
    }

    #[test]
    fn coincident_control_points_leave_the_direction_to_the_next_that_differs() {
        let (a, b, c) = ([0.0, 0.0], [3.0, 4.0], [10.0, 4.0]);
        let start = Curve::bezier(&[a, a, b, c]).unwrap();
        assert!(close(start.tangent(0.0), [0.6, 0.8]));
        let end = Curve::bezier(&[c, a, b, b]).unwrap();
        assert!(close(end.tangent(1.0), [0.6, 0.8]));
        assert!(close(end.tangent(1.0 - f64::EPSILON), [0.6, 0.8]));
        let thrice = Curve::bezier(&[a, a, a, b]).unwrap();
        for u in [0.0, 1e-300, 1e-9, 0.5, 1.0] {
            assert!(close(thrice.tangent(u), [0.6, 0.8]), "{u}");
            assert!(thrice.curvature(u).abs() < 1e-15, "{u}");
        }
    }

    #[test]
    fn a_stop_on_a_straight_way_does_not_turn_the_tangent() {
        // x = (t - 0.3)³ + 0.027.
        let x = |t: f64| [0.027 + t, 2.0 * t];
        let points = [x(-0.027), x(0.063), x(-0.147), x(0.343)].map(|[a, _]| [a, 2.0 * a]);
        let curve = Curve::bezier(&points).unwrap();
        let expected = [1.0 / 5.0_f64.sqrt(), 2.0 / 5.0_f64.sqrt()];
        for k in -20..=20 {
            assert!(close(curve.tangent(0.3 + f64::from(k) * 1e-9), expected), "{k}");
        }
    }

    #[test]
    fn a_line_that_turns_back_has_both_directions_and_no_curvature() {
        let curve = PiecewiseCubic::bezier(&[[0.0], [1.0], [1.0], [0.0]]).unwrap();
        assert_eq!([0.0, 0.4, 0.5, 1.0].map(|u| curve.tangent(u).unwrap()[0]), [1.0, 1.0, -1.0, -1.0]);
        let flat = Curve::bezier(&[[0.0, 0.0], [1.0, 2.0], [1.0, 2.0], [0.0, 0.0]]).unwrap();
        assert_eq!([0.0, 0.4, 0.5, 1.0].map(|u| flat.curvature(u)), [0.0; 4]);
    }

    #[test]
    fn size_changes_curvature_inversely_and_directions_not_at_all() {
        let points = [[0.0, 0.0, 1.0], [3.0, 4.0, 0.0], [-1.0, 4.0, 2.0], [2.0, 0.5, -3.0]];
        let unit = PiecewiseCubic::bezier(&points).unwrap();
        for exponent in [-500, -40, 40, 500] {
            let scale = 2.0_f64.powi(exponent);
            let scaled = PiecewiseCubic::bezier(&points.map(|p| p.map(|x| x * scale))).unwrap();
            for u in [0.0, 0.2, 0.7, 1.0] {
                assert_eq!(scaled.tangent(u), unit.tangent(u));
                assert_eq!(scaled.curvature(u) * scale, unit.curvature(u));
            }
        }
    }

    #[test]
    fn curvature_in_space_is_that_in_the_plane_without_its_sign() {
        let points = [[0.0, 0.0], [3.0, 4.0], [-1.0, 4.0], [2.0, 0.5]];
        let plane = Curve::bezier(&points).unwrap();
        let space = PiecewiseCubic::bezier(&points.map(|[x, y]| [y, 0.0, x])).unwrap();
        for u in [0.0, 0.2, 0.7, 1.0] {
            assert!((space.curvature(u) - plane.curvature(u).abs()).abs() < 1e-12);
        }
        assert!(plane.curvature(0.2) > 0.0);
    }

    #[test]
    fn a_point_has_no_direction() {
        let curve = Curve::bezier(&[[1e300, -3.0]; 4]).unwrap();
        assert_eq!((curve.tangent(0.5), curve.normal(0.0), curve.curvature(1.0)), (None, None, 0.0));
    }
}
