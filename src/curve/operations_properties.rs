//! What holds for the operations on every curve, tried on random and on nasty ones, with kurbo as a second opinion.

use kurbo::{ParamCurve, ParamCurveArclen, ParamCurveCurvature, ParamCurveNearest, PathSeg};
use proptest::prelude::*;

use super::properties::{control_points, cubic, polygon, size};
use super::{Affine, Curve, Point};

fn distance([ax, ay]: Point, [bx, by]: Point) -> f64 {
    (bx - ax).hypot(by - ay)
}

/// A curve of a few of the cubics, with jumps, on knots that are not whole numbers.
fn curves() -> impl Strategy<Value = Curve> {
    prop::collection::vec((control_points(), 0.01..3.0_f64), 1..4).prop_map(|parts| {
        let (segments, spans): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let mut knots = vec![-0.7];
        knots.extend(spans.iter().scan(-0.7, |knot, span| {
            *knot += span;
            Some(*knot)
        }));
        Curve::from_segments(segments, knots).unwrap()
    })
}

fn size_of(curve: &Curve) -> f64 {
    size(curve.segments().as_flattened())
}

proptest! {
    // A failure becomes a test with a name, not a file of seeds.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn curvature_agrees_with_kurbo_where_the_curve_moves(points in control_points(), t in 0.0..=1.0) {
        let curve = Curve::bezier(&points).unwrap();
        let [x, y] = curve.derivative(t);
        let (speed, size) = (x.hypot(y), size(&points));
        if speed > 1e-2 * size && size > 0.0 {
            // Turns to the right are above 0 there.
            let (ours, other) = (curve.curvature(t), -cubic(points).curvature(t));
            prop_assert!((ours - other).abs() * size <= 1e-9 * (1.0 + other.abs() * size), "{ours}, not {other}");
            let [nx, ny] = curve.normal(t).unwrap();
            prop_assert!((nx * x + ny * y).abs() <= 1e-12 * speed && x * ny - y * nx > 0.0);
        }
    }

    #[test]
    fn tangents_are_unit_vectors_wherever_the_segment_is_no_point(points in control_points(), t in 0.0..=1.0) {
        let curve = Curve::bezier(&points).unwrap();
        match curve.tangent(t) {
            Some([x, y]) => prop_assert!((x.hypot(y) - 1.0).abs() < 1e-14),
            None => prop_assert!(points.iter().all(|point| *point == points[0])),
        }
        prop_assert!(!curve.curvature(t).is_nan());
    }

    #[test]
    fn parts_agree_with_kurbo(points in control_points(), ends in prop::array::uniform2(0.0..=1.0_f64)) {
        let [from, to] = [ends[0].min(ends[1]), ends[0].max(ends[1])];
        prop_assume!(from < to);
        let part = Curve::bezier(&points).unwrap().subcurve(from, to).unwrap();
        let other = cubic(points).subsegment(from..to);
        let rounding = 64.0 * f64::EPSILON * size(&points);
        for (ours, other) in part.segments()[0].iter().zip([other.p0, other.p1, other.p2, other.p3]) {
            prop_assert!(distance(*ours, [other.x, other.y]) <= rounding, "{ours:?}, not {other}");
        }
    }

    #[test]
    fn a_split_curve_joined_again_is_the_same(curve in curves(), part in 0.001..0.999_f64, at in 0.0..=1.0_f64) {
        let (first, last) = curve.domain();
        let (left, right) = curve.split(first + part * (last - first)).unwrap();
        let joined = left.concat(&right).unwrap();
        prop_assert_eq!(joined.domain(), (first, last));
        let u = first + at * (last - first);
        prop_assert!(distance(joined.eval(u), curve.eval(u)) <= 64.0 * f64::EPSILON * size_of(&curve) * 16.0);
    }

    #[test]
    fn reversing_mirrors_and_reversing_twice_gives_the_same(curve in curves(), at in 0.0..=1.0_f64) {
        let reversed = curve.reversed();
        prop_assert_eq!(reversed.domain(), curve.domain());
        prop_assert_eq!((reversed.start(), reversed.end()), (curve.end(), curve.start()));
        let twice = reversed.reversed();
        prop_assert_eq!(twice.segments(), curve.segments());
        prop_assert!(twice.knots().iter().zip(curve.knots()).all(|(a, b)| (a - b).abs() < 1e-14));
        let (from, to) = (curve.knots()[0], curve.knots()[1]);
        let u = from + at * (to - from) * (1.0 - 1e-9);
        let mirrored = (curve.domain().0 + (curve.domain().1 - u)).min(curve.domain().1);
        let rounding = 1e-10 * size_of(&curve);
        prop_assert!(distance(reversed.eval(mirrored), curve.eval(u)) <= rounding);
    }

    #[test]
    fn parameters_at_lengths_keep_their_tolerance(curve in curves(), part in 0.0..=1.0_f64, digits in 0..=10_i32) {
        let all: f64 = curve.segments().iter().map(|segment| polygon(segment)).sum();
        let tolerance = (all * 10.0_f64.powi(-digits)).max(f64::MIN_POSITIVE);
        let table = curve.arc_length(tolerance).unwrap();
        let length = part * table.total();
        let back = curve.length_to(table.parameter_at(length), f64::MIN_POSITIVE).unwrap();
        // Of rounding to a parameter, and of its size.
        let rounding = 1e-13 * all;
        prop_assert!((back - length).abs() <= tolerance + rounding, "{back}, not {length}, at {tolerance}");
        let u = curve.domain().0 + part * (curve.domain().1 - curve.domain().0);
        let (ours, exact) = (table.length_to(u), curve.length_to(u, f64::MIN_POSITIVE).unwrap());
        prop_assert!((ours - exact).abs() <= tolerance + rounding, "{ours}, not {exact}, at {tolerance}");
    }

    #[test]
    fn parameters_at_lengths_agree_with_kurbo(points in control_points(), part in 0.0..=1.0_f64) {
        let curve = Curve::bezier(&points).unwrap();
        let tolerance = (1e-6 * polygon(&points)).max(f64::MIN_POSITIVE);
        let length = part * curve.length(tolerance).unwrap();
        let ours = curve.parameter_at_length(length, tolerance).unwrap();
        let other = cubic(points).inv_arclen(length, tolerance);
        let apart = curve.length_to(ours, tolerance).unwrap() - curve.length_to(other, tolerance).unwrap();
        prop_assert!(apart.abs() <= 20.0 * tolerance, "{ours}, not {other}: {apart} at {tolerance}");
    }

    #[test]
    fn nothing_sampled_is_nearer_than_the_nearest(curve in curves(), [x, y] in prop::array::uniform2(-2.0..2.0)) {
        let target = [x, y].map(|x| x * size_of(&curve));
        let nearest = curve.nearest(target).unwrap();
        let rounding = 1e-14 * size_of(&curve);
        prop_assert!((distance(nearest.point, target) - nearest.distance).abs() <= rounding);
        let (first, last) = curve.domain();
        for k in 0..=1000 {
            let sample = curve.eval(first + f64::from(k) / 1000.0 * (last - first));
            prop_assert!(distance(sample, target) >= nearest.distance - rounding, "{nearest:?}, not {sample:?}");
        }
    }

    #[test]
    fn nothing_is_nearer_than_the_nearest_by_kurbo(points in control_points(), [x, y] in prop::array::uniform2(-2.0..2.0)) {
        let size = size(&points);
        let ours = Curve::bezier(&points).unwrap().nearest([x * size, y * size]).unwrap();
        let other = cubic(points).nearest(kurbo::Point::new(x * size, y * size), 1e-6 * size);
        prop_assert!(ours.distance <= other.distance_sq.sqrt() * (1.0 + 1e-9) + 1e-12 * size);
    }

    #[test]
    fn a_point_of_the_curve_is_at_no_distance(curve in curves(), at in 0.0..=1.0_f64) {
        let (first, last) = curve.domain();
        let point = curve.eval(first + at * (last - first));
        prop_assert!(curve.nearest(point).unwrap().distance <= 1e-14 * size_of(&curve));
    }

    #[test]
    fn crossings_with_a_line_agree_with_kurbo(
        points in prop::array::uniform4(prop::array::uniform2(-1.0..1.0_f64)),
        ends in prop::array::uniform2(prop::array::uniform2(-1.0..1.0_f64)),
    ) {
        let [a, b] = ends;
        let line = Curve::linear(&[a, b], false).unwrap();
        let ours = Curve::bezier(&points).unwrap().intersections(&line, 1e-9).unwrap();
        let other = PathSeg::Cubic(cubic(points))
            .intersect_line(kurbo::Line::new((a[0], a[1]), (b[0], b[1])));
        for crossing in &other {
            // Too near an end to say for kurbo.
            let clear = |t: f64| t > 1e-6 && t < 1.0 - 1e-6;
            if clear(crossing.line_t) && clear(crossing.segment_t) {
                let found = ours.iter().any(|place| (place.u - crossing.segment_t).abs() < 1e-4);
                prop_assert!(found, "{crossing:?} not in {ours:?}");
            }
        }
        prop_assert!(ours.len() <= 3);
    }

    #[test]
    fn crossings_of_polylines_of_two_curves_are_crossings_of_the_curves(a in curves(), b in curves(), scale in 0.1..1.0_f64) {
        let factor = scale * size_of(&a) / size_of(&b);
        prop_assume!(factor.is_finite() && factor > 0.0);
        let b = b.transform(&Affine { a: factor, d: factor, ..Affine::IDENTITY }).unwrap();
        let tolerance = 1e-9 * size_of(&a);
        prop_assume!(tolerance > 0.0);
        let found = a.intersections(&b, tolerance).unwrap();
        for place in &found {
            prop_assert!(distance(a.eval(place.u), place.point) <= tolerance || a.segment_count() > 1);
            prop_assert!(b.nearest(place.point).unwrap().distance <= 2.0 * tolerance, "{place:?}");
        }
        prop_assert!(found.windows(2).all(|pair| pair[0].u <= pair[1].u && pair[0] != pair[1]));
        // Chords that cross well inside both are of curves that cross nearby.
        for p in a.segments() {
            for q in b.segments() {
                let (one, two) = (Curve::bezier(p).unwrap(), Curve::bezier(q).unwrap());
                let mut samples = [[[0.0; 2]; 33]; 2];
                one.sample_into(&mut samples[0]);
                two.sample_into(&mut samples[1]);
                let bulge = |curve: &Curve| {
                    let [x, y] = [0.0, 1.0].map(|u| { let [x, y] = curve.second_derivative(u); x.hypot(y) });
                    x.max(y) / 8.0 / 32.0 / 32.0
                };
                let margin = bulge(&one) + bulge(&two) + 1e-9 * size_of(&a);
                for e in samples[0].windows(2) {
                    for f in samples[1].windows(2) {
                        if let Some(point) = crossing_by_more_than(margin, [e[0], e[1]], [f[0], f[1]]) {
                            let reach = distance(e[0], e[1]) + distance(f[0], f[1]) + 4.0 * margin;
                            let near = found.iter().any(|place| distance(place.point, point) <= reach);
                            let shared = [e[0], e[1]].iter().all(|end| two.nearest(*end).unwrap().distance <= tolerance);
                            prop_assert!(near || shared, "{point:?} not in {found:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn operations_go_with_turns_and_shifts(points in control_points(), [x, y] in prop::array::uniform2(-2.0..2.0), angle in 0.0..6.3_f64) {
        let size = size(&points);
        prop_assume!(size > 0.0);
        let (sin, cos) = angle.sin_cos();
        let turn = Affine { a: cos, b: sin, c: -sin, d: cos, e: size, f: -size };
        let (curve, target) = (Curve::bezier(&points).unwrap(), [x * size, y * size]);
        let turned = curve.transform(&turn).unwrap();
        let (a, b) = (curve.nearest(target).unwrap(), turned.nearest(turn.apply(target)).unwrap());
        prop_assert!((a.distance - b.distance).abs() <= 1e-13 * size, "{a:?} {b:?}");
        let tolerance = 1e-6 * size;
        let (s, t) = (curve.arc_length(tolerance).unwrap().total(), turned.arc_length(tolerance).unwrap().total());
        prop_assert!((s - t).abs() <= 2.0 * tolerance);
    }

    #[test]
    fn any_finite_numbers_give_numbers(
        numbers in prop::array::uniform8(prop::num::f64::POSITIVE | prop::num::f64::NEGATIVE
            | prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO),
        target in prop::array::uniform2(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::NEGATIVE),
        u in prop::num::f64::NORMAL,
        tolerance in prop::num::f64::POSITIVE | prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL,
    ) {
        let [a, b, c, d, e, f, g, h] = numbers;
        let Ok(curve) = Curve::bezier(&[[a, b], [c, d], [e, f], [g, h]]) else { return Ok(()) };
        let mut points = [[0.0; 2]; 5];
        let table = curve.arc_length(tolerance).unwrap();
        table.points_into(&mut points);
        let mut all = points.to_vec();
        all.extend(curve.tangent(u));
        all.push(curve.second_derivative(u));
        all.push([table.parameter_at(target[0]), curve.length_to(u, tolerance).unwrap()]);
        if let Ok(nearest) = curve.nearest(target) {
            all.extend([nearest.point, [nearest.u, nearest.distance]]);
        }
        for place in curve.intersections(&curve.reversed(), tolerance).unwrap() {
            all.extend([place.point, [place.u, place.v]]);
        }
        let (left, right) = curve.split(u.abs().fract().clamp(0.1, 0.9)).unwrap();
        prop_assert_eq!(left.end(), right.start());
        prop_assert!(all.as_flattened().iter().all(|x| x.is_finite()), "{all:?}");
        prop_assert!(!curve.curvature(u).is_nan());
        let (extent, far) = (curve.bounds().size(), target[0]);
        let coarse = tolerance.max(1e-4 * extent[0].max(extent[1]).max(far.abs()));
        if let Ok(beside) = curve.offset_polyline(far, coarse) {
            prop_assert!(beside.as_flattened().iter().all(|x| x.is_finite()));
        }
        let given = [[a, b], [c, d], [e, f], [g, h]];
        prop_assert!(super::simplify(&given, tolerance).is_ok());
        if let Ok(fitted) = Curve::fit_points(&given, tolerance) {
            prop_assert!(fitted.start() == given[0] && fitted.end() == given[3]);
        }
    }
}

/// Returns where two edges cross, if each end of each is farther than `margin` from the other's line.
fn crossing_by_more_than(margin: f64, e: [Point; 2], f: [Point; 2]) -> Option<Point> {
    let off = |[a, b]: [Point; 2], [x, y]: Point| {
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        (dx * (y - a[1]) - dy * (x - a[0])) / dx.hypot(dy)
    };
    let apart = |x: f64, y: f64| (x > margin && y < -margin) || (x < -margin && y > margin);
    let (s, t) = (off(e, f[0]), off(e, f[1]));
    (apart(s, t) && apart(off(f, e[0]), off(f, e[1]))).then(|| {
        let k = s / (s - t);
        [f[0][0] + k * (f[1][0] - f[0][0]), f[0][1] + k * (f[1][1] - f[0][1])]
    })
}
