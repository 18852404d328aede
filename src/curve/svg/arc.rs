//! Elliptical arcs of path data as cubic segments.
//!
//! svgtypes has a conversion of its own, but one for sizes around a pixel and up: it takes radii below 1e-5 for straight lines,
//! allows an error of 0.1 at any size, and needs time without bound for huge radii. This one has the same relative error at
//! every size.

use std::f64::consts::{PI, TAU};

use super::super::piecewise::Point;
use super::super::segment::{Segment, line};

/// The largest angle of one cubic. At 45 degrees it leaves the circle by less than 4.3e-6 of the radius.
const LARGEST_ANGLE: f64 = PI / 4.0;

/// An arc as path data gives it, in absolute coordinates.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arc {
    pub(super) from: Point,
    pub(super) to: Point,
    pub(super) radii: [f64; 2],
    pub(super) rotation_degrees: f64,
    pub(super) large: bool,
    pub(super) sweep: bool,
}

impl Arc {
    /// Appends the arc's cubics; none if it goes nowhere, a straight line if a radius is 0.
    ///
    /// Follows the implementation notes of SVG 2 (B.2), in the frame where the ellipse is the unit circle: there the ends are
    /// `middle - half` and `middle + half` seen from the chord's middle. Radii too small to reach are scaled up.
    pub(super) fn append_to(&self, segments: &mut Vec<Segment<2>>) {
        if self.from == self.to {
            return;
        }
        let (sin, cos) = self.rotation_degrees.to_radians().sin_cos();
        let [rx, ry] = self.radii.map(f64::abs);
        let [dx, dy] = [0, 1].map(|i| self.to[i] / 2.0 - self.from[i] / 2.0);
        let half = [(cos * dx + sin * dy) / rx, (cos * dy - sin * dx) / ry];
        let reach = half[0].hypot(half[1]);
        // Infinite or NaN where a radius is 0, or so small beside the chord that it might as well be.
        if reach == 0.0 || !reach.is_finite() {
            segments.push(line(self.from, self.to));
            return;
        }
        let grown = reach.max(1.0);
        let [rx, ry] = [rx * grown, ry * grown];
        let sine = reach.min(1.0);
        let direction = half.map(|x| x / reach);

        // The center lies across the chord, to its left where just one of the flags is set.
        let side = if self.large == self.sweep { -1.0 } else { 1.0 };
        let distance = side * (1.0 - sine * sine).sqrt();
        let center = [-direction[1] * distance, direction[0] * distance];
        let start_angle = (-direction[1] * sine - center[1]).atan2(-direction[0] * sine - center[0]);
        let small_angle = 2.0 * sine.asin();
        let angle = if self.large { TAU - small_angle } else { small_angle };
        let count = (angle / LARGEST_ANGLE * (1.0 - 4.0 * f64::EPSILON)).ceil().max(1.0);
        let step = if self.sweep { angle } else { -angle } / count;

        let to_plane = |x: f64, y: f64| [cos * (rx * x) - sin * (ry * y), sin * (rx * x) + cos * (ry * y)];
        let middle = [0, 1].map(|i| self.from[i] / 2.0 + self.to[i] / 2.0);
        let on_curve = |angle: f64| {
            let offset = to_plane(center[0] + angle.cos(), center[1] + angle.sin());
            [middle[0] + offset[0], middle[1] + offset[1]]
        };
        // The cubic with these handles touches the circle in the middle too (Goldapp 1991).
        let handle = 4.0 / 3.0 * (step / 4.0).tan();
        let handle_at = |angle: f64| to_plane(-handle * angle.sin(), handle * angle.cos());

        let mut here = self.from;
        let mut here_angle = start_angle;
        for i in 1..=count as u32 {
            let next_angle = start_angle + f64::from(i) * step;
            // The ends of the arc are given, and one that spans little of a huge circle has no others.
            let next = if f64::from(i) == count { self.to } else { on_curve(next_angle) };
            let (leave, arrive) = (handle_at(here_angle), handle_at(next_angle));
            segments.push([
                here,
                [here[0] + leave[0], here[1] + leave[1]],
                [next[0] - arrive[0], next[1] - arrive[1]],
                next,
            ]);
            (here, here_angle) = (next, next_angle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Curve;
    use super::*;

    fn curve(arc: Arc) -> Curve {
        let mut segments = Vec::new();
        arc.append_to(&mut segments);
        Curve::from_segments_by_index(segments).unwrap()
    }

    fn samples(curve: &Curve) -> Vec<Point> {
        let mut points = vec![[0.0; 2]; 1001];
        curve.sample_into(&mut points);
        points
    }

    #[test]
    fn an_arc_leaves_its_circle_by_less_than_a_part_in_200_000_at_every_size() {
        for radius in [1e-12, 1.0, 1e12] {
            for (large, sweep) in [(false, false), (false, true), (true, false), (true, true)] {
                let arc = Arc {
                    from: [radius, 0.0],
                    to: [0.0, radius],
                    radii: [radius; 2],
                    rotation_degrees: 0.0,
                    large,
                    sweep,
                };
                // From (1, 0) to (0, 1), a positive turn is a quarter about the origin or three about (1, 1).
                let center = if large == sweep { [radius; 2] } else { [0.0; 2] };
                let curve = curve(arc);
                for [x, y] in samples(&curve) {
                    let distance = (x - center[0]).hypot(y - center[1]) / radius;
                    assert!((distance - 1.0).abs() < 4.3e-6, "{arc:?}: {distance}");
                }
                let turn = if large { 1.5 * PI } else { 0.5 * PI };
                let length = curve.length(1e-9 * radius).unwrap() / radius;
                assert!((length - turn).abs() < 1e-4, "{arc:?}: {length}");
            }
        }
    }

    #[test]
    fn the_sweep_flag_turns_from_x_to_y() {
        let arc = Arc {
            from: [1.0, 0.0],
            to: [0.0, 1.0],
            radii: [1.0; 2],
            rotation_degrees: 0.0,
            large: false,
            sweep: true,
        };
        let middle = curve(arc).eval(1.0);
        assert!(
            (middle[0] - 0.5_f64.sqrt()).abs() < 1e-15 && (middle[1] - 0.5_f64.sqrt()).abs() < 1e-15,
            "{middle:?}"
        );
    }

    #[test]
    fn an_inclined_ellipse_keeps_its_equation() {
        let [rx, ry, rotation] = [5.0, 2.0, 30.0_f64];
        let (sin, cos) = rotation.to_radians().sin_cos();
        let at = |angle: f64| {
            let (x, y) = (rx * angle.cos(), ry * angle.sin());
            [7.0 + cos * x - sin * y, -3.0 + sin * x + cos * y]
        };
        let arc = Arc {
            from: at(0.3),
            to: at(4.0),
            radii: [rx, -ry],
            rotation_degrees: rotation,
            large: true,
            sweep: true,
        };
        for [x, y] in samples(&curve(arc)) {
            let (x, y) = (x - 7.0, y + 3.0);
            let level = ((cos * x + sin * y) / rx).hypot((cos * y - sin * x) / ry);
            assert!((level - 1.0).abs() < 4.3e-6, "{level}");
        }
    }

    #[test]
    fn radii_too_small_grow_until_they_reach() {
        let arc = Arc {
            from: [0.0, 0.0],
            to: [10.0, 0.0],
            radii: [1.0, 2.0],
            rotation_degrees: 0.0,
            large: false,
            sweep: true,
        };
        let bounds = curve(arc).bounds();
        assert!((bounds.height() - 10.0).abs() < 1e-4, "{bounds:?}");
    }

    #[test]
    fn a_huge_radius_takes_no_longer_and_stays_near_the_chord() {
        let arc = Arc {
            from: [0.0, 0.0],
            to: [1.0, 0.0],
            radii: [1e300; 2],
            rotation_degrees: 17.0,
            large: false,
            sweep: true,
        };
        let curve = curve(arc);
        assert_eq!(curve.segment_count(), 1);
        assert!(curve.bounds().height() < 1e-9, "{:?}", curve.bounds());
    }
}
