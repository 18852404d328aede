//! What holds for every curve, tried on random and on nasty ones, with kurbo as a second opinion.

use kurbo::{CubicBez, ParamCurve, ParamCurveArclen, ParamCurveExtrema};
use proptest::prelude::*;

use super::{Curve, Fit, Point, Rect};

/// Control points of one cubic: random, on a grid (so with coincident points, cusps, loops and collinear overshoot), on a
/// line, or all the same; then made huge or tiny and moved away from the origin.
pub(super) fn control_points() -> impl Strategy<Value = [Point; 4]> {
    let free = prop::array::uniform4(prop::array::uniform2(-1.0..1.0));
    let grid = prop::array::uniform4(prop::array::uniform2((-2..=2).prop_map(|x| f64::from(x) / 2.0)));
    let on_a_line = (prop::array::uniform2(-1.0..1.0), prop::array::uniform4((-4..=4).prop_map(f64::from)))
        .prop_map(|([dx, dy], steps)| steps.map(|step| [step * dx, step * dy]));
    let point = prop::array::uniform2(-1.0..1.0).prop_map(|point| [point; 4]);
    let shape = prop_oneof![4 => free, 4 => grid, 1 => on_a_line, 1 => point];
    let scale = prop_oneof![Just(1.0), Just(1e-12), Just(1e12), (-40..=40).prop_map(|e| 2.0_f64.powi(e))];
    let offset = prop_oneof![4 => Just([0.0; 2]), 1 => prop::array::uniform2(-1e3..1e3)];
    (shape, scale, offset)
        .prop_map(|(points, scale, [x, y])| points.map(|p| [(p[0] + x) * scale, (p[1] + y) * scale]))
}

pub(super) fn cubic(points: [Point; 4]) -> CubicBez {
    let [a, b, c, d] = points.map(|[x, y]| kurbo::Point::new(x, y));
    CubicBez::new(a, b, c, d)
}

/// The largest magnitude among the coordinates: rounding errors go with it.
pub(super) fn size(points: &[Point]) -> f64 {
    points.as_flattened().iter().fold(0.0, |largest, x| x.abs().max(largest))
}

/// The length of the control polygon, which bounds the curve's.
pub(super) fn polygon(points: &[Point]) -> f64 {
    points.windows(2).map(|pair| (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1])).sum()
}

pub(super) fn distance_to_edge([x, y]: Point, [ax, ay]: Point, [bx, by]: Point) -> f64 {
    let (dx, dy) = (bx - ax, by - ay);
    let along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy);
    let along = if along.is_nan() { 0.0 } else { along.clamp(0.0, 1.0) };
    (x - ax - along * dx).hypot(y - ay - along * dy)
}

proptest! {
    // A failure becomes a test with a name, not a file of seeds.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn points_agree_with_kurbo(points in control_points(), t in 0.0..=1.0) {
        let [x, y] = Curve::bezier(&points).unwrap().eval(t);
        let other = cubic(points).eval(t);
        let rounding = 16.0 * f64::EPSILON * size(&points);
        prop_assert!((x - other.x).abs() <= rounding && (y - other.y).abs() <= rounding, "{x} {y}, not {other}");
    }

    #[test]
    fn bounds_agree_with_kurbo_and_hold_every_sample(points in control_points()) {
        let curve = Curve::bezier(&points).unwrap();
        let Rect { min, max } = curve.bounds();
        let other = cubic(points).bounding_box();
        let rounding = 16.0 * f64::EPSILON * size(&points);
        let pairs = [(min[0], other.x0), (min[1], other.y0), (max[0], other.x1), (max[1], other.y1)];
        prop_assert!(pairs.iter().all(|(a, b)| (a - b).abs() <= rounding), "{pairs:?}");

        let mut samples = [[0.0; 2]; 101];
        curve.sample_into(&mut samples);
        for sample in samples {
            let held = (0..2).all(|i| sample[i] >= min[i] - rounding && sample[i] <= max[i] + rounding);
            prop_assert!(held, "{sample:?} in {min:?} {max:?}");
        }
    }

    #[test]
    fn lengths_keep_their_tolerance(points in control_points(), digits in 0..=12_i32) {
        let polygon = polygon(&points);
        let tolerance = (polygon * 10.0_f64.powi(-digits)).max(f64::MIN_POSITIVE);
        let curve = Curve::bezier(&points).unwrap();
        let length = curve.length(tolerance).unwrap();
        let best = curve.length(f64::MIN_POSITIVE).unwrap();
        let rounding = 1e-13 * polygon;
        prop_assert!((length - best).abs() <= tolerance + rounding, "{length}, not {best}");
        prop_assert!(length <= polygon + rounding);
    }

    #[test]
    fn lengths_agree_with_kurbo(points in control_points()) {
        let tolerance = (1e-6 * polygon(&points)).max(f64::MIN_POSITIVE);
        let length = Curve::bezier(&points).unwrap().length(tolerance).unwrap();
        let other = cubic(points).arclen(tolerance);
        // kurbo estimates its error, where a cusp is near too low.
        prop_assert!((length - other).abs() <= 5.0 * tolerance, "{length}, not {other}, at {tolerance}");
    }

    #[test]
    fn polylines_keep_their_tolerance(points in control_points(), part in 1e-5..1.0_f64) {
        let curve = Curve::bezier(&points).unwrap();
        let tolerance = (part * size(&points)).max(f64::MIN_POSITIVE);
        let polyline = curve.flatten(tolerance).unwrap();
        prop_assert_eq!(polyline.len(), curve.flatten_count(tolerance).unwrap());
        prop_assert_eq!((polyline[0], polyline[polyline.len() - 1]), (points[0], points[3]));

        // Edge i is the chord of the i-th even part of the curve.
        let steps = polyline.len() - 1;
        let rounding = 16.0 * f64::EPSILON * size(&points);
        for (i, edge) in polyline.windows(2).enumerate() {
            for k in 0..8 {
                let point = curve.eval((i as f64 + f64::from(k) / 8.0) / steps as f64);
                let miss = distance_to_edge(point, edge[0], edge[1]);
                prop_assert!(miss <= tolerance + rounding, "{miss} at {tolerance}");
            }
        }
    }

    #[test]
    fn a_fitted_curve_has_the_bounds_that_were_asked_for(
        points in control_points(),
        corner in prop::array::uniform2(-1e3..1e3),
        extent in prop::array::uniform2(1e-3..1e3),
    ) {
        let curve = Curve::bezier(&points).unwrap();
        let bounds = curve.bounds();
        // Below this, cancellation in the coordinates leaves the bounds few digits.
        if bounds.size().iter().any(|&x| x <= 1e-3 * size(&points)) {
            return Ok(());
        }
        let target = Rect::from_corner_and_size(corner, extent);
        let fitted = |fit| curve.transform(&curve.fit_to_box(target, fit).unwrap()).unwrap().bounds();
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * 1e3;

        let stretched = fitted(Fit::Stretch);
        prop_assert!((0..2).all(|i| near(stretched.min[i], target.min[i]) && near(stretched.max[i], target.max[i])));
        let contained = fitted(Fit::Contain);
        prop_assert!((0..2).all(|i| near(contained.center()[i], target.center()[i])));
        prop_assert!((0..2).all(|i| contained.size()[i] <= extent[i] + 1e-6));
        prop_assert!((0..2).any(|i| near(contained.size()[i], extent[i])));
    }

    #[test]
    fn any_finite_numbers_give_numbers_or_an_error(
        numbers in prop::array::uniform8(prop::num::f64::POSITIVE | prop::num::f64::NEGATIVE
            | prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO),
        u in prop::num::f64::NORMAL,
        tolerance in prop::num::f64::POSITIVE | prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL,
    ) {
        let [a, b, c, d, e, f, g, h] = numbers;
        let Ok(curve) = Curve::bezier(&[[a, b], [c, d], [e, f], [g, h]]) else {
            prop_assert!(numbers.iter().any(|x| x.abs() > super::MAX_COORDINATE));
            return Ok(());
        };
        let Rect { min, max } = curve.bounds();
        let point = curve.eval(u);
        let derivative = curve.derivative(u);
        let all = [point, derivative, curve.eval(u.abs().fract()), min, max];
        prop_assert!(all.as_flattened().iter().all(|x| x.is_finite()), "{all:?}");
        prop_assert!(min[0] <= max[0] && min[1] <= max[1]);
        prop_assert!(curve.length(tolerance).unwrap().is_finite());
        if curve.flatten_count(tolerance).is_ok_and(|count| count < 10_000) {
            prop_assert!(curve.flatten(tolerance).unwrap().as_flattened().iter().all(|x| x.is_finite()));
        }
        let target = Rect { min: [0.0, 0.0], max: [100.0, 50.0] };
        for fit in [Fit::Stretch, Fit::Contain, Fit::Cover] {
            if let Ok(matrix) = curve.fit_to_box(target, fit) {
                prop_assert!(matrix.apply(point).iter().all(|x| x.is_finite()));
            }
        }
    }
}
