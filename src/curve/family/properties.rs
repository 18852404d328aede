//! What holds for the curves of every family.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Curve, Error, Point};
use super::Family;

/// Families with parameters, and whether their curves go through the points.
fn families() -> Vec<(&'static str, Value, bool)> {
    let mut all = vec![
        ("linear", json!({}), true),
        ("linear", json!({"ends": "closed"}), true),
        ("step", json!({"position": 0.25}), true),
        ("bump_x", Value::Null, true),
        ("bump_y", Value::Null, true),
        ("bundle", json!({"beta": 0.4}), false),
        ("natural", json!({"knots": "centripetal"}), true),
        ("not_a_knot", json!({"knots": "chordal"}), true),
        ("periodic", json!({"knots": 0.25}), true),
        ("clamped", json!({"start": [1, 2], "end": [0, -3]}), true),
        ("natural", Value::Null, true),
        ("not_a_knot", Value::Null, true),
        ("periodic", Value::Null, true),
    ];
    for ends in ["d3", "open", "closed"] {
        for part in [0.0, 0.5, 1.0] {
            all.push(("catmull_rom", json!({"alpha": part, "ends": ends}), true));
            all.push(("cardinal", json!({"tension": part, "ends": ends}), true));
        }
        all.push(("basis", json!({"ends": ends}), false));
    }
    all
}

const GRAPHS: [&str; 6] = ["monotone_x", "pchip", "fritsch_carlson", "akima", "makima", "monotone_y"];

fn made(name: &str, params: &Value, points: &[Point]) -> Result<Curve, Error> {
    Family::named(name, params.clone()).unwrap().make(points)
}

/// Points with repeats, turns back and collinear runs among them.
fn points() -> impl Strategy<Value = Vec<Point>> {
    let free = prop::array::uniform2(-1.0..1.0);
    let grid = prop::array::uniform2((-2..=2).prop_map(f64::from));
    prop::collection::vec(prop_oneof![free, grid], 2..12)
}

/// Points whose x ascends, in steps of very different lengths.
fn ascending() -> impl Strategy<Value = Vec<Point>> {
    let value = prop_oneof![Just(0.0), Just(1.0), -1.0..1.0];
    prop::collection::vec(((-12.0..0.0_f64).prop_map(f64::exp2), value), 2..12).prop_map(|steps| {
        steps
            .into_iter()
            .scan(0.0, |x, (step, y)| {
                *x += step;
                Some([*x, y])
            })
            .collect()
    })
}

fn near(a: Point, b: Point, size: f64) -> bool {
    (0..2).all(|i| (a[i] - b[i]).abs() <= 1e-9 * size)
}

proptest! {
    // A failure becomes a test with a name, not a file of seeds.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_curve_is_continuous_and_meets_its_points(points in points()) {
        for (name, params, meets) in families() {
            let Ok(curve) = made(name, &params, &points) else { continue };
            for pair in curve.segments().windows(2) {
                prop_assert!(near(pair[0][3], pair[1][0], 1.0), "{name} {params}: {pair:?}");
            }
            if meets {
                let ends: Vec<_> = curve.segments().iter().flat_map(|segment| [segment[0], segment[3]]).collect();
                let skipped = usize::from(params["ends"] == "open");
                for point in &points[skipped..points.len() - skipped] {
                    // A step goes through its inner points on the way.
                    let met = name == "step" || ends.iter().any(|end| near(*end, *point, 1.0));
                    prop_assert!(met, "{name} {params} misses {point:?}");
                }
            }
        }
    }

    #[test]
    fn a_power_of_two_scales_every_bit(points in points(), exponent in -500..=500) {
        let scale = 2.0_f64.powi(exponent);
        let scaled: Vec<_> = points.iter().map(|p| p.map(|x| x * scale)).collect();
        for (name, mut params, _) in families() {
            if name == "clamped" {
                continue;
            }
            // What is spaced by distances has other knots, and powers are rounded.
            if !params["knots"].is_null() {
                params["knots"] = json!("uniform");
            }
            match (made(name, &params, &points), made(name, &params, &scaled)) {
                (Ok(curve), Ok(other)) => {
                    for (a, b) in curve.segments().iter().zip(other.segments()) {
                        prop_assert_eq!(&a.map(|p| p.map(|x| x * scale)), b, "{} {}", name, params);
                    }
                }
                (a, b) => prop_assert_eq!(a.is_err(), b.is_err(), "{} {}: {:?} {:?}", name, params, a, b),
            }
        }
    }

    #[test]
    fn a_graph_is_a_function_of_its_coordinate(points in ascending()) {
        for name in &GRAPHS[..5] {
            let curve = made(name, &Value::Null, &points).unwrap();
            for point in &points {
                prop_assert_eq!(curve.eval(point[0]), *point, "{}", name);
            }
            let (first, last) = curve.domain();
            for k in 0..=100 {
                let u = first + (last - first) * f64::from(k) / 100.0;
                prop_assert!((curve.eval(u)[0] - u).abs() <= 1e-12, "{name} at {u}");
            }
        }
    }

    #[test]
    fn a_monotone_graph_has_no_extremum_between_its_points(points in ascending()) {
        for name in &GRAPHS[..3] {
            let curve = made(name, &Value::Null, &points).unwrap();
            for (i, pair) in points.windows(2).enumerate() {
                let segment = Curve::bezier(&curve.segments()[i]).unwrap();
                let bounds = segment.bounds();
                let (low, high) = (pair[0][1].min(pair[1][1]), pair[0][1].max(pair[1][1]));
                prop_assert!(bounds.min[1] >= low - 1e-12 && bounds.max[1] <= high + 1e-12, "{name}: {bounds:?}");
            }
        }
    }

    #[test]
    fn splines_are_twice_continuously_differentiable(points in points(), given in prop::collection::vec(0.1..2.0, 12)) {
        let knots: Vec<f64> = given.iter().scan(0.0, |at, step| { *at += step; Some(*at) }).collect();
        for name in ["natural", "not_a_knot", "clamped", "periodic"] {
            let count = points.len() + usize::from(name == "periodic");
            let mut params = json!({"knots": knots.get(..count)});
            if name == "clamped" {
                (params["start"], params["end"]) = (json!([1, 2]), json!([0, -3]));
            }
            let Ok(curve) = made(name, &params, &points) else { continue };
            let bend = |i: usize, [a, b, c]: [usize; 3]| -> Point {
                let (s, h) = (curve.segments()[i], curve.knots()[i + 1] - curve.knots()[i]);
                std::array::from_fn(|k| 6.0 * (s[a][k] - 2.0 * s[b][k] + s[c][k]) / (h * h))
            };
            let (start, end) = ([0, 1, 2], [1, 2, 3]);
            let last = curve.segment_count() - 1;
            for i in 0..last {
                prop_assert!(near(bend(i, end), bend(i + 1, start), 1e5), "{name} at knot {i}");
            }
            match name {
                "natural" => prop_assert!(near(bend(0, start), [0.0; 2], 1e5) && near(bend(last, end), [0.0; 2], 1e5)),
                "periodic" => prop_assert!(near(bend(last, end), bend(0, start), 1e5)),
                _ => {}
            }
        }
    }

    #[test]
    fn nothing_makes_a_curve_that_is_not_finite(
        points in prop::collection::vec(prop::array::uniform2(prop_oneof![
            any::<f64>(), Just(0.0), Just(1e300), Just(-1e300), Just(5e-324), -1.0..1.0
        ]), 0..6),
    ) {
        let graphs = GRAPHS.map(|name| (name, Value::Null, true));
        for (name, params, _) in families().into_iter().chain(graphs) {
            if let Ok(curve) = made(name, &params, &points) {
                prop_assert!(curve.segments().as_flattened().as_flattened().iter().all(|x| x.is_finite()));
            }
        }
    }
}

#[test]
fn what_a_family_does_not_take_is_refused_with_what_it_does() {
    let refused = |name: &str, params: Value| Family::named(name, params).unwrap_err().to_string();
    assert!(refused("spiral", Value::Null).contains("`catmull_rom`"));
    assert!(refused("cardinal", json!({"tensoin": 1})).contains("`tension`"));
    assert!(refused("clamped", Value::Null).contains("`start`"));
    assert!(refused("natural", json!({"knots": "even"})).contains("\"centripetal\""));
}

#[test]
fn parameters_out_of_range_are_named_with_their_value() {
    let points = [[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]];
    for (name, what) in
        [("catmull_rom", "alpha"), ("cardinal", "tension"), ("bundle", "beta"), ("step", "position")]
    {
        for (given, shown) in [(json!(-0.1), "-0.1"), (json!(1.5), "1.5"), (json!("NaN"), "NaN")] {
            let error = made(name, &json!({ what: given }), &points).unwrap_err();
            assert_eq!(error.to_string(), format!("{what} is {shown}; it must be from 0 to 1"));
        }
    }
}

#[test]
fn knots_out_of_order_and_points_at_one_place_are_named() {
    let points = [[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]];
    let error = |params| made("natural", &params, &points).unwrap_err();
    assert!(matches!(error(json!({"knots": [0, 2, 1]})), Error::Knot { index: 2, value: 1.0 }));
    assert!(matches!(error(json!({"knots": [0, 2]})), Error::KnotCount { segments: 2, given: 2 }));
    let same = error(json!({"knots": "chordal"})).to_string();
    assert!(same.starts_with("points 1 and 2 are [1.0, 1.0] and [1.0, 1.0]: the same"), "{same}");
    let ring = [[1.0, 1.0], [3.0, 1.0], [1.0, 1.0]];
    let error = made("periodic", &json!({"knots": "chordal"}), &ring).unwrap_err();
    assert!(matches!(error, Error::PointsCoincide { index: 2, next: 0, .. }), "{error}");
    assert!(matches!(
        made("pchip", &Value::Null, &points).unwrap_err(),
        Error::Knot { index: 2, value: 1.0 }
    ));
}

#[test]
fn points_of_three_and_of_six_dimensions_make_curves() {
    let family = Family::named("catmull_rom", Value::Null).unwrap();
    let helix = [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [-1.0, 0.0, 2.0], [0.0, -1.0, 3.0]];
    assert_eq!(family.make(&helix).unwrap().eval(2.0), helix[2]);
    let spline = Family::named("natural", Value::Null).unwrap();
    let joints = [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 4.0, 3.0, 2.0, 1.0, 0.0], [1.0; 6]];
    assert_eq!(spline.make(&joints).unwrap().eval(1.0), joints[1]);
    let error = Family::named("bump_y", Value::Null).unwrap().make(&[[0.0], [1.0]]).unwrap_err();
    assert_eq!(error, Error::Dimension { needed: 2, given: 1 });
}
