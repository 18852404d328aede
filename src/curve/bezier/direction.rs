//! Direction and bending of Bezier curves: tangent, normal and curvature.

use super::Bezier;
use super::casteljau::{Room, casteljau};
use crate::curve::differential::{NOISE, NOISE_ROOT, unit, wedge};
use crate::curve::piecewise::Point;
use crate::curve::segment::{max_abs, norm, power_of_two_below};

impl<const D: usize> Bezier<D> {
    /// Returns the unit vector along the curve at `t`, which is clamped to 0..=1.
    ///
    /// Where the first derivative vanishes, the direction is the limit of those after `t`: behind a cusp, or that of the next
    /// control point that differs. At the curve's end it is the limit of those before. `None` where all control points are the
    /// same, and for NaN.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Bezier;
    ///
    /// let arch = Bezier::new(&[[0.0, 0.0], [0.0, 8.0], [4.0, 8.0], [8.0, 8.0], [8.0, 0.0]])?;
    /// assert_eq!(arch.tangent(0.5), Some([1.0, 0.0]));
    /// assert_eq!(arch.tangent(1.0), Some([0.0, -1.0]));
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn tangent(&self, t: f64) -> Option<[f64; D]> {
        self.tangent_along(t.clamp(0.0, 1.0), t >= 1.0)
    }

    /// Returns the curvature at `t`, which is clamped to 0..=1: the turn per length, 1 over the radius.
    ///
    /// In the plane it has a sign, above 0 where the curve turns to the left (counterclockwise where y goes up). In any other
    /// number of dimensions it is never below 0. Infinite at a cusp and where control points coincide on a bent end; 0 on a
    /// straight curve even where it turns back, and where all control points are the same. NaN gives NaN.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Bezier;
    ///
    /// // y = x⁴ + x², whose second derivative at 0 is 2.
    /// let bowl = Bezier::new(&[[-1.0, 2.0], [-0.5, -1.0], [0.0, 0.6666666666666666], [0.5, -1.0], [1.0, 2.0]])?;
    /// assert!((bowl.curvature(0.5) - 2.0).abs() < 1e-14);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn curvature(&self, t: f64) -> f64 {
        if t.is_nan() {
            return f64::NAN;
        }
        match self.scaled_sides() {
            Some((sides, scale)) => scaled_curvature(sides, t.clamp(0.0, 1.0)) / scale,
            None => 0.0,
        }
    }

    /// Returns the unit vector along the curve at `t`, 0 to 1: the way to there if a part of the curve ends there, else the way
    /// on.
    pub(super) fn tangent_along(&self, t: f64, ends_there: bool) -> Option<[f64; D]> {
        if t.is_nan() {
            return None;
        }
        let (mut slope, _) = self.scaled_sides()?;
        let moves = |side: &&[f64; D]| max_abs(side) > 0.0;
        if t <= 0.0 {
            return unit(slope.all().iter().find(moves)?);
        }
        if t >= 1.0 {
            return unit(slope.all().iter().rfind(moves)?);
        }
        let (mut found, mut sign) = (beyond_noise(&slope, t, first_noise(&slope)), 1.0);
        while found.is_none() && slope.all().len() > 1 {
            slope.subtract();
            found = beyond_noise(&slope, t, NOISE_ROOT);
            sign = if ends_there { -sign } else { sign };
        }
        unit(&found?.map(|x| sign * x))
    }

    /// Returns the sides of the control polygon, brought near 1 in size, and what they were divided by.
    fn scaled_sides(&self) -> Option<(Room<D>, f64)> {
        let mut sides = Room::of(&self.points);
        sides.subtract();
        let largest = sides.all().iter().map(max_abs).fold(0.0, f64::max);
        let scale = power_of_two_below(largest);
        sides.all_mut().as_flattened_mut().iter_mut().for_each(|x| *x /= scale);
        (largest > 0.0).then_some((sides, scale))
    }
}

impl Bezier {
    /// Returns the unit vector a quarter turn to the left of the [`tangent`](Self::tangent), `None` where that is.
    ///
    /// To the left is where counterclockwise turns go: up from a curve along x where y goes up.
    pub fn normal(&self, t: f64) -> Option<Point> {
        self.tangent(t).map(to_the_left)
    }
}

/// Returns a vector turned by a quarter.
pub(super) fn to_the_left([x, y]: Point) -> Point {
    [0.0 - y, x]
}

/// The part of the size of its terms below which the first derivative is rounding.
fn first_noise<const D: usize>(slope: &Room<D>) -> f64 {
    NOISE * slope.all().len() as f64
}

/// Returns the value of a polynomial with these control points.
fn value<const D: usize>(control: &Room<D>, t: f64) -> [f64; D] {
    let mut control = *control;
    casteljau(control.all_mut(), t, |_, _| {})
}

/// Returns the value of a polynomial unless it is no more than this part of the size of its terms.
fn beyond_noise<const D: usize>(control: &Room<D>, t: f64, noise: f64) -> Option<[f64; D]> {
    let mut sizes = Room::filled(control.all().len());
    for (size, point) in sizes.all_mut().iter_mut().zip(control.all()) {
        *size = [norm(point)];
    }
    let found = value(control, t);
    (norm(&found) > noise * value(&sizes, t)[0]).then_some(found)
}

fn scaled_curvature<const D: usize>(mut slope: Room<D>, t: f64) -> f64 {
    let degree = slope.all().len() as f64;
    if let Some(velocity) = beyond_noise(&slope, t, first_noise(&slope)) {
        slope.subtract();
        let speed = norm(&velocity);
        // c' is `degree` times the velocity, and c'' that and one less times the slope.
        let turn = wedge(&velocity.map(|x| x / speed), &value(&slope, t));
        return (degree - 1.0) / degree * turn / speed / speed;
    }
    while slope.all().len() > 2 {
        slope.subtract();
        if let Some(second) = beyond_noise(&slope, t, NOISE_ROOT) {
            slope.subtract();
            let third = value(&slope, t);
            // Around a root c' runs like h w + h² k, so that its turn per length runs like (w wedge k) / (h |w|³).
            let turn = wedge(&second, &third);
            let is_straight = turn.abs() <= NOISE_ROOT * norm(&second) * norm(&third);
            return if is_straight { 0.0 } else { turn * f64::INFINITY };
        }
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::Curve;

    /// The same curve with its degree raised.
    fn raised<const D: usize>(points: &[[f64; D]], degree: usize) -> Bezier<D> {
        let mut room = Room::of(points);
        for _ in points.len() - 1..degree {
            room.elevate();
        }
        Bezier::new(room.all()).unwrap()
    }

    #[test]
    fn directions_and_bending_are_those_of_the_cubic_it_is() {
        let points = [[0.0, 0.0], [3.0, 4.0], [-1.0, 4.0], [2.0, 0.5]];
        let cubic = Curve::bezier(&points).unwrap();
        for degree in [3, 4, 7, 20] {
            let curve = raised(&points, degree);
            for t in [-1.0, 0.0, 0.1, 0.5, 0.7, 1.0, 2.0] {
                let (found, wanted) = (curve.tangent(t).unwrap(), cubic.tangent(t).unwrap());
                assert!((0..2).all(|i| (found[i] - wanted[i]).abs() < 1e-13), "{degree} {t}: {found:?}");
                assert_eq!(curve.normal(t), Some([-found[1], found[0]]));
                let (found, wanted) = (curve.curvature(t), cubic.curvature(t));
                assert!((found - wanted).abs() < 1e-11 * wanted.abs(), "{degree} {t}: {found}, not {wanted}");
            }
        }
    }

    #[test]
    fn a_cusp_goes_on_as_the_cubic_it_is() {
        let cusp = [[0.0, 0.0], [4.0, 4.0], [0.0, 4.0], [4.0, 0.0]];
        for degree in [4, 7, 20] {
            let curve = raised(&cusp, degree);
            let near = |found: Option<[f64; 2]>, y: f64| {
                found.is_some_and(|[a, b]| a.abs() < 1e-6 && (b - y).abs() < 1e-6)
            };
            assert!(near(curve.tangent(0.5), -1.0), "{degree}: {:?}", curve.tangent(0.5));
            assert!(near(curve.tangent_along(0.5, true), 1.0), "{degree}");
            assert!(curve.curvature(0.5).is_infinite(), "{degree}");
        }
    }

    #[test]
    fn coincident_control_points_leave_the_direction_to_the_next_that_differs() {
        let (a, b, c) = ([0.0, 0.0], [3.0, 4.0], [10.0, 4.0]);
        let curve = Bezier::new(&[a, a, a, b, c, b, b]).unwrap();
        assert_eq!(curve.tangent(0.0), Some([0.6, 0.8]));
        assert_eq!(curve.tangent(1.0), Some([-1.0, 0.0]));
        let bent = Bezier::new(&[a, a, b, c, c]).unwrap();
        assert!(bent.curvature(0.0).is_infinite());
    }

    #[test]
    fn a_point_has_no_direction_and_a_straight_line_does_not_bend() {
        let point = Bezier::new(&[[1e300, -3.0]; 5]).unwrap();
        assert_eq!((point.tangent(0.5), point.normal(0.0), point.curvature(1.0)), (None, None, 0.0));
        let line = Bezier::new(&[[0.0, 0.0], [1.0, 2.0], [3.0, 6.0], [2.0, 4.0], [1.0, 2.0]]).unwrap();
        for t in [0.0, 0.3, 0.5, 1.0] {
            assert!(line.curvature(t).abs() < 1e-14, "{t}: {}", line.curvature(t));
        }
        assert!(line.tangent(f64::NAN).is_none() && line.curvature(f64::NAN).is_nan());
    }

    #[test]
    fn size_changes_curvature_inversely_and_directions_not_at_all() {
        let points = [[0.0, 0.0, 1.0], [3.0, 4.0, 0.0], [-1.0, 4.0, 2.0], [2.0, 0.5, -3.0], [5.0, 1.0, 0.0]];
        let unit = Bezier::new(&points).unwrap();
        for exponent in [-500, -40, 40, 500] {
            let scale = 2.0_f64.powi(exponent);
            let scaled = Bezier::new(&points.map(|p| p.map(|x| x * scale))).unwrap();
            for t in [0.0, 0.2, 0.7, 1.0] {
                assert_eq!(scaled.tangent(t), unit.tangent(t));
                assert_eq!(scaled.curvature(t) * scale, unit.curvature(t));
            }
        }
    }
}
