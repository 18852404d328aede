//! What holds for every curve, tried on random and on nasty ones, with kurbo as a second opinion.

use kurbo::{CubicBez, ParamCurve, ParamCurveArclen, ParamCurveExtrema};
use proptest::prelude::*;

use super::{Align, Bezier, Curve, Fit, Point, Rect};

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

/// Control points of degree 1 to 16.
fn many_control_points() -> impl Strategy<Value = Vec<Point>> {
    let free = prop::collection::vec(prop::array::uniform2(-1.0..1.0), 2..=17);
    let grid =
        prop::collection::vec(prop::array::uniform2((-2..=2).prop_map(|x| f64::from(x) / 2.0)), 2..=17);
    let scale = prop_oneof![Just(1.0), Just(1e-12), Just(1e12)];
    (prop_oneof![free, grid], scale)
        .prop_map(|(points, scale)| points.iter().map(|p| p.map(|x| x * scale)).collect())
}

/// The sum of the control points by their Bernstein polynomials.
fn bernstein(points: &[Point], t: f64) -> Point {
    let n = points.len() - 1;
    let mut binomial = 1.0;
    points.iter().enumerate().fold([0.0; 2], |sum, (k, point)| {
        let weight = binomial * t.powi(k as i32) * (1.0 - t).powi((n - k) as i32);
        binomial *= (n - k) as f64 / (k + 1) as f64;
        [sum[0] + weight * point[0], sum[1] + weight * point[1]]
    })
}

/// Three segments on uneven knots, with a jump before the last.
pub(super) fn wave() -> Curve {
    let segments = vec![
        [[0.0, 0.0], [1.0, 3.0], [2.0, -3.0], [3.0, 0.1]],
        [[3.0, 0.1], [4.0, 5.0], [4.0, 5.0], [5.0, 1.0]],
        [[7.0, 1.0], [8.0, 1.0], [9.0, 2.0], [9.7, 0.3]],
    ];
    Curve::from_segments(segments, vec![-0.3, 0.4, 2.9, 3.1]).unwrap()
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

fn distance(p: Point, q: Point) -> f64 {
    (p[0] - q[0]).hypot(p[1] - q[1])
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
    fn polylines_of_few_points_keep_their_tolerance_with_no_more_points(points in control_points(), part in 1e-5..1.0_f64) {
        let curve = Curve::bezier(&points).unwrap();
        let tolerance = (part * size(&points)).max(f64::MIN_POSITIVE);
        let polyline = curve.flatten_fewest(tolerance).unwrap();
        prop_assert_eq!(polyline.len(), curve.flatten_fewest_count(tolerance).unwrap());
        prop_assert!(polyline.len() <= curve.flatten_count(tolerance).unwrap());
        prop_assert_eq!((polyline[0], polyline[polyline.len() - 1]), (points[0], points[3]));

        let rounding = 16.0 * f64::EPSILON * size(&points);
        let mut samples = vec![[0.0; 2]; 16 * polyline.len() + 100];
        curve.sample_into(&mut samples);
        for sample in samples {
            let miss = polyline.windows(2).map(|edge| distance_to_edge(sample, edge[0], edge[1]));
            let miss = miss.fold(f64::INFINITY, f64::min);
            prop_assert!(miss <= tolerance + rounding, "{miss} at {tolerance}");
        }
    }

    #[test]
    fn beziers_are_the_sum_of_their_bernstein_polynomials(points in many_control_points(), t in 0.0..=1.0) {
        let curve = Bezier::new(&points).unwrap();
        let rounding = 100.0 * f64::EPSILON * size(&points);
        prop_assert!(distance(curve.eval(t), bernstein(&points, t)) <= rounding);
        let n = curve.degree() as f64;
        let sides: Vec<_> = points.windows(2).map(|p| [n * (p[1][0] - p[0][0]), n * (p[1][1] - p[0][1])]).collect();
        prop_assert!(distance(curve.derivative(t), bernstein(&sides, t)) <= 4.0 * n * rounding);
    }

    #[test]
    fn the_parts_of_a_split_bezier_are_the_whole(points in many_control_points(), t in 0.0..=1.0, u in 0.0..=1.0) {
        let curve = Bezier::new(&points).unwrap();
        let (before, after) = curve.split(t).unwrap();
        prop_assert_eq!(before.eval(1.0), curve.eval(t));
        prop_assert_eq!(after.eval(0.0), curve.eval(t));
        let rounding = 100.0 * f64::EPSILON * size(&points);
        prop_assert!(distance(before.eval(u), curve.eval(u * t)) <= rounding);
        prop_assert!(distance(after.eval(u), curve.eval(t + u * (1.0 - t))) <= rounding);
    }

    #[test]
    fn a_moved_bezier_is_the_bezier_of_the_moved_points(points in many_control_points(), t in 0.0..=1.0) {
        let moved = |[x, y]: Point| [2.0 * x - 0.5 * y + 0.25, x + 3.0 * y - 1.0];
        let image: Vec<_> = points.iter().map(|&p| moved(p)).collect();
        let (p, q) = (Bezier::new(&points).unwrap().eval(t), Bezier::new(&image).unwrap().eval(t));
        prop_assert!(distance(moved(p), q) <= 200.0 * f64::EPSILON * (size(&points) + size(&image)));
    }

    #[test]
    fn bounds_of_beziers_hold_every_sample_and_touch_one(points in many_control_points()) {
        let curve = Bezier::new(&points).unwrap();
        let Rect { min, max } = curve.bounds();
        let rounding = 100.0 * f64::EPSILON * size(&points);
        let (mut low, mut high) = (points[0], points[0]);
        for k in 0..=1000 {
            let sample = curve.eval(f64::from(k) / 1000.0);
            for i in 0..2 {
                prop_assert!(sample[i] >= min[i] - rounding && sample[i] <= max[i] + rounding);
                (low[i], high[i]) = (low[i].min(sample[i]), high[i].max(sample[i]));
            }
        }
        // Between samples the curve goes 1/8 (1/1000)² of its second derivative beyond them at most.
        let slack = (4 * curve.degree().pow(2)) as f64 * size(&points) / 8e6 + rounding;
        prop_assert!((0..2).all(|i| min[i] >= low[i] - slack && max[i] <= high[i] + slack));
    }

    #[test]
    fn cubics_of_a_bezier_keep_their_tolerance_at_every_parameter(points in many_control_points(), digits in 1..=11_i32) {
        let curve = Bezier::new(&points).unwrap();
        let tolerance = (size(&points) * 10.0_f64.powi(-digits)).max(f64::MIN_POSITIVE);
        let cubics = curve.to_piecewise(tolerance).unwrap();
        prop_assert_eq!(cubics.domain(), (0.0, 1.0));
        prop_assert_eq!((cubics.start(), cubics.end()), (points[0], points[points.len() - 1]));
        prop_assert!(cubics.segments().windows(2).all(|pair| pair[0][3] == pair[1][0]));
        let rounding = 100.0 * f64::EPSILON * size(&points);
        for k in 0..=1000 {
            let t = f64::from(k) / 1000.0;
            let miss = distance(cubics.eval(t), curve.eval(t));
            prop_assert!(miss <= tolerance + rounding, "{miss} at {tolerance}");
        }
    }

    #[test]
    fn a_fitted_curve_has_the_bounds_that_were_asked_for(
        points in control_points(),
        corner in prop::array::uniform2(-1e3..1e3),
        extent in prop::array::uniform2(1e-3..1e3),
        parts in prop::array::uniform2(0.0..=1.0),
    ) {
        let curve = Curve::bezier(&points).unwrap();
        let bounds = curve.bounds();
        // Below this, cancellation in the coordinates leaves the bounds few digits.
        if bounds.size().iter().any(|&x| x <= 1e-3 * size(&points)) {
            return Ok(());
        }
        let target = Rect::from_corner_and_size(corner, extent);
        let align = Align { x: parts[0], y: parts[1] };
        let fitted = |fit| curve.transform(&curve.fit_to_box(target, fit, align).unwrap()).unwrap().bounds();
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * 1e3;

        let stretched = fitted(Fit::Stretch);
        prop_assert!((0..2).all(|i| near(stretched.min[i], target.min[i]) && near(stretched.max[i], target.max[i])));
        let contained = fitted(Fit::Contain);
        let is_divided = |i: usize| {
            let (before, after) = (contained.min[i] - target.min[i], target.max[i] - contained.max[i]);
            near(before, parts[i] * (before + after))
        };
        prop_assert!((0..2).all(is_divided));
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
            prop_assert!(curve.flatten_fewest(tolerance).unwrap().as_flattened().iter().all(|x| x.is_finite()));
        }
        let target = Rect { min: [0.0, 0.0], max: [100.0, 50.0] };
        for fit in [Fit::Stretch, Fit::Contain, Fit::Cover] {
            if let Ok(matrix) = curve.fit_to_box(target, fit, Align::CENTER) {
                prop_assert!(matrix.apply(point).iter().all(|x| x.is_finite()));
            }
        }
    }
}
