//! Curves against numbers that other programs made; `tests/data/curve/README.md` says which.

#![expect(clippy::unwrap_used, reason = "what is missing from the data fails the test")]

use circlet::curve::{Affine, Bezier, Curve, Fit, Point, Rect};
use serde_json::Value;

#[test]
fn bezier_curves_agree_with_mpmath() {
    let checked =
        check_family(include_str!("data/curve/bezier.json"), |points, _| Curve::bezier(points).unwrap());
    assert_eq!(checked, 5);
}

#[test]
fn bezier_curves_of_any_degree_agree_with_mpmath() {
    let mut checked = 0;
    for text in [include_str!("data/curve/bezier.json"), include_str!("data/curve/bezier_high.json")] {
        let file: Value = serde_json::from_str(text).unwrap();
        for case in file["cases"].as_array().unwrap() {
            let id = case["id"].as_str().unwrap();
            let points: Vec<Point> = case["points"].as_array().unwrap().iter().map(numbers).collect();
            let curve = Bezier::new(&points).unwrap();
            let expect = &case["expect"];
            let tolerance = numbers::<2>(&expect["tol"]["points"]).map(|t| 4.0 * t);
            let cubics = curve.to_piecewise(tolerance[0].min(tolerance[1])).unwrap();
            for value in expect["eval"].as_array().unwrap() {
                let (u, golden) = (number(&value["u"]), numbers(&value["p"]));
                assert_near(id, "point", curve.eval(u), golden, tolerance);
                assert_near(id, "point of the cubics", cubics.eval(u), golden, tolerance.map(|t| 2.0 * t));
                assert_near(
                    id,
                    "derivative",
                    curve.derivative(u),
                    numbers(&value["d1"]),
                    numbers(&expect["tol"]["d1"]),
                );
            }
            if let Some(golden) = expect.get("bounds") {
                let Rect { min, max } = curve.bounds();
                let bounds = [min[0], min[1], max[0], max[1]];
                assert_near(id, "bounds", bounds, numbers(golden), numbers(&expect["tol"]["bounds"]));
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 6);
}

#[test]
fn polylines_agree_with_d3() {
    let checked = check_family(include_str!("data/curve/linear.json"), |points, params| {
        Curve::linear(points, params["ends"] == "closed").unwrap()
    });
    assert_eq!(checked, 2);
}

/// Holds every case of a family against the curve that `make` gives for it, and returns how many there were.
fn check_family(text: &str, make: impl Fn(&[Point], &Value) -> Curve) -> usize {
    let file: Value = serde_json::from_str(text).unwrap();
    let cases = file["cases"].as_array().unwrap();
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let points: Vec<Point> = case["points"].as_array().unwrap().iter().map(numbers).collect();
        let curve = make(&points, &case["params"]);
        let expect = &case["expect"];
        check_segments(id, &curve, expect);
        check_values(id, &curve, expect);
        check_measures(id, &curve, expect);
        check_flatten(id, &curve, expect);
        if let Some(fit) = expect.get("fit") {
            check_fit(id, &curve, fit);
        }
    }
    cases.len()
}

fn check_segments(id: &str, curve: &Curve, expect: &Value) {
    let golden = expect["segments"].as_array().unwrap();
    assert_eq!(curve.segment_count(), golden.len(), "{id}: segments");
    for (segment, golden) in curve.segments().iter().zip(golden) {
        let golden: [f64; 8] = numbers(golden);
        for (point, golden) in segment.iter().zip(golden.as_chunks().0) {
            assert_near(id, "control point", *point, *golden, numbers(&expect["tol"]["points"]));
        }
    }
    let knots: Vec<f64> = expect["knots"].as_array().unwrap().iter().map(number).collect();
    assert_eq!(curve.knots(), knots, "{id}: knots");
}

fn check_values(id: &str, curve: &Curve, expect: &Value) {
    let tolerance: Point = numbers(&expect["tol"]["points"]);
    let values = expect["eval"].as_array().unwrap();
    let us: Vec<f64> = values.iter().map(|value| number(&value["u"])).collect();
    let mut points = vec![[0.0; 2]; us.len()];
    curve.eval_into(&us, &mut points).unwrap();
    for ((value, &u), point) in values.iter().zip(&us).zip(points) {
        assert_eq!(curve.eval(u), point, "{id}: eval and eval_into at {u}");
        assert_near(id, "point", point, numbers(&value["p"]), tolerance.map(|t| 4.0 * t));
        if let Some(d1) = value.get("d1") {
            assert_near(id, "derivative", curve.derivative(u), numbers(d1), numbers(&expect["tol"]["d1"]));
        }
    }
}

fn check_measures(id: &str, curve: &Curve, expect: &Value) {
    let Rect { min, max } = curve.bounds();
    let bounds = [min[0], min[1], max[0], max[1]];
    assert_near(id, "bounds", bounds, numbers(&expect["bounds"]), numbers(&expect["tol"]["bounds"]));

    let golden = &expect["length"];
    let (value, tolerance) = (number(&golden["value"]), number(&golden["tol"]));
    for tolerance in [1.0, 1e-3, tolerance, 1e-9] {
        let length = curve.length(tolerance).unwrap();
        assert!((length - value).abs() <= tolerance, "{id}: length {length}, not {value}, at {tolerance}");
    }
}

fn check_flatten(id: &str, curve: &Curve, expect: &Value) {
    let slack = numbers::<2>(&expect["tol"]["points"]).into_iter().fold(0.0, f64::max);
    for golden in expect.get("flatten").and_then(Value::as_array).into_iter().flatten() {
        let tolerance = number(&golden["tol"]);
        let polyline = curve.flatten(tolerance).unwrap();
        let at_most = golden["points_at_most"].as_u64().unwrap() as usize;
        assert!(polyline.len() <= at_most, "{id}: {} points at {tolerance}, not {at_most}", polyline.len());
        assert_eq!((polyline[0], polyline[polyline.len() - 1]), (curve.start(), curve.end()), "{id}: ends");

        let mut samples = vec![[0.0; 2]; 20_001];
        curve.sample_into(&mut samples);
        let miss = samples.iter().map(|&point| distance(point, &polyline)).fold(0.0, f64::max);
        assert!(miss <= tolerance + slack, "{id}: misses by {miss} at {tolerance}");
    }
}

fn check_fit(id: &str, curve: &Curve, golden: &Value) {
    let [x, y, width, height] = numbers(&golden["box"]);
    let fit = match golden["mode"].as_str().unwrap() {
        "stretch" => Fit::Stretch,
        "contain" => Fit::Contain,
        "cover" => Fit::Cover,
        other => panic!("{id}: mode {other}"),
    };
    let matrix = curve.fit_to_box(Rect::from_corner_and_size([x, y], [width, height]), fit).unwrap();
    let tolerance = number(&golden["tol"]);
    let size =
        [curve.bounds().min, curve.bounds().max].as_flattened().iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    let Affine { a, b, c, d, e, f } = matrix;
    let scale = tolerance / size;
    let tolerances = [scale, scale, scale, scale, tolerance, tolerance];
    assert_near(id, "matrix", [a, b, c, d, e, f], numbers(&golden["matrix"]), tolerances);

    let fitted = curve.transform(&matrix).unwrap();
    for (segment, golden) in fitted.segments().iter().zip(golden["segments"].as_array().unwrap()) {
        let golden: [f64; 8] = numbers(golden);
        for (point, golden) in segment.iter().zip(golden.as_chunks().0) {
            assert_near(id, "fitted point", *point, *golden, [tolerance; 2]);
        }
    }
}

/// Returns how far a point is from the nearest edge of a polyline.
fn distance([x, y]: Point, polyline: &[Point]) -> f64 {
    let to_edge = |pair: &[Point]| {
        let ([ax, ay], [bx, by]) = (pair[0], pair[1]);
        let (dx, dy) = (bx - ax, by - ay);
        let along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy);
        let along = if along.is_nan() { 0.0 } else { along.clamp(0.0, 1.0) };
        (x - ax - along * dx).hypot(y - ay - along * dy)
    };
    polyline.windows(2).map(to_edge).fold(f64::INFINITY, f64::min)
}

fn assert_near<const N: usize>(id: &str, what: &str, given: [f64; N], golden: [f64; N], tolerance: [f64; N]) {
    let near = (0..N).all(|i| (given[i] - golden[i]).abs() <= tolerance[i]);
    assert!(near, "{id}: {what} {given:?}, not {golden:?} within {tolerance:?}");
}

fn numbers<const N: usize>(value: &Value) -> [f64; N] {
    let values: Vec<f64> = value.as_array().unwrap().iter().map(number).collect();
    values.try_into().unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}
