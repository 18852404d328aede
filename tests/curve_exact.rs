//! Curves against what they are if nothing rounds: fractions and numbers of 60 digits, as `tests/data/curve/exact` has them.
//!
//! Errors are counted in units in the last place of the largest coordinate that goes into the result, axis by axis. With
//! `--nocapture` each test prints the largest error that it found.

use std::collections::BTreeMap;
use std::path::Path;

use circlet::curve::{Bezier, Family, PiecewiseCubic};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// How many units the control points of each family may be off, and its knots.
///
/// The points of a spline go through a system whose condition is at most 3, and where neighbouring spans differ by much, changes of
/// its input by single units move it by more than these.
const FAMILIES: [(&str, f64, f64); 18] = [
    ("linear", 1.0, 0.0),
    ("bezier", 1.5, 0.0),
    ("bump_x", 0.5, 0.0),
    ("hermite", 1.5, 0.0),
    ("cardinal", 1.5, 0.0),
    ("catmull_rom", 2.0, 0.0),
    ("basis", 1.5, 0.0),
    ("bundle", 1.5, 0.0),
    ("monotone_x", 2.0, 0.0),
    ("monotone_y", 2.0, 0.0),
    ("pchip", 2.0, 0.0),
    ("fritsch_carlson", 2.0, 0.0),
    ("akima", 3.0, 0.0),
    ("makima", 3.0, 0.0),
    ("natural", 6.0, 2.0),
    ("clamped", 4.0, 2.0),
    ("not_a_knot", 8.0, 2.0),
    ("periodic", 5.0, 2.0),
];

/// Reads a section of the data.
fn section<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/curve/exact/exact.json");
    let mut data: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    serde_json::from_value(data[name].take()).unwrap()
}

/// Brings a list of coordinates into the form of a point.
fn point<const D: usize>(list: &[f64]) -> [f64; D] {
    list.try_into().unwrap()
}

fn points<const D: usize>(lists: &[Vec<f64>]) -> Vec<[f64; D]> {
    lists.iter().map(|list| point(list)).collect()
}

/// Cuts a chain of control points, each shared one once, into segments.
fn segments<const D: usize>(control: &[Vec<f64>]) -> Vec<[[f64; D]; 4]> {
    let control = points(control);
    (0..control.len() / 3).map(|i| control[3 * i..3 * i + 4].try_into().unwrap()).collect()
}

/// One unit in the last place of a number.
fn ulp(x: f64) -> f64 {
    x.abs().next_up() - x.abs()
}

/// The unit for each axis: that of the largest coordinate.
fn units<const D: usize>(points: &[[f64; D]]) -> [f64; D] {
    std::array::from_fn(|axis| ulp(points.iter().map(|point| point[axis].abs()).fold(0.0, f64::max)))
}

/// The largest difference, in units.
fn off<const D: usize>(found: &[[f64; D]], wanted: &[[f64; D]], units: &[f64; D]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let pairs = found.iter().zip(wanted);
    let errors = pairs.flat_map(|(a, b)| (0..D).map(|axis| (a[axis] - b[axis]).abs() / units[axis]));
    errors.fold(0.0, |largest, error| if error.is_nan() { f64::INFINITY } else { largest.max(error) })
}

/// Keeps the largest error of each kind.
#[derive(Default)]
struct Worst(BTreeMap<String, f64>);

impl Worst {
    fn add(&mut self, kind: &str, error: f64) {
        let worst = self.0.entry(kind.to_owned()).or_default();
        *worst = worst.max(error);
    }

    /// Prints what was found and holds it to what is allowed.
    fn hold(&self, allowed: &[(&str, f64)]) {
        for (kind, worst) in &self.0 {
            println!("{kind:>24}: {worst:.2} units");
        }
        assert_eq!(self.0.len(), allowed.len());
        for (kind, limit) in allowed {
            assert!(self.0[*kind] <= *limit, "{kind}: {} units, not {limit}", self.0[*kind]);
        }
    }
}

#[derive(Deserialize)]
struct Conversion {
    family: String,
    params: Value,
    points: Vec<Vec<f64>>,
    control: Vec<Vec<f64>>,
    knots: Vec<f64>,
}

/// Returns how far the control points and the knots of a conversion are off.
///
/// Where the curve comes of its knots, and these of distances, each is held for itself: the curve to that on the same knots.
fn convert<const D: usize>(case: &Conversion) -> [f64; 2] {
    let make = |params: &Value| -> PiecewiseCubic<D> {
        Family::named(&case.family, params.clone()).unwrap().make(&points(&case.points)).unwrap()
    };
    let found = make(&case.params);
    let mut params = case.params.clone();
    if params.get("knots").is_some() {
        params["knots"] = json!(found.knots());
        assert_eq!(make(&params), found, "the same knots, the same curve");
        params["knots"] = json!(case.knots);
    }
    let curve = make(&params);
    let wanted = segments(&case.control);
    let units = units(wanted.as_flattened());
    let last = case.knots.last().unwrap();
    let knots = |knots: &[f64]| knots.iter().map(|knot| [*knot]).collect::<Vec<_>>();
    [
        off(curve.segments().as_flattened(), wanted.as_flattened(), &units),
        off(&knots(found.knots()), &knots(&case.knots), &[ulp(*last)]),
    ]
}

#[test]
fn every_family_has_the_exact_control_points_to_a_few_units() {
    let mut worst = Worst::default();
    for case in section::<Conversion>("conversions") {
        let [control, knots] =
            if case.points[0].len() == 2 { convert::<2>(&case) } else { convert::<3>(&case) };
        worst.add(&case.family, control);
        worst.add(&format!("{} knots", case.family), knots);
    }
    let knots: Vec<String> = FAMILIES.iter().map(|(family, ..)| format!("{family} knots")).collect();
    let of_knots = knots.iter().zip(&FAMILIES).map(|(name, (.., limit))| (name.as_str(), *limit));
    let allowed: Vec<_> =
        FAMILIES.iter().map(|(family, limit, _)| (*family, *limit)).chain(of_knots).collect();
    worst.hold(&allowed);
}

#[derive(Deserialize)]
struct Evaluation {
    control: Vec<Vec<f64>>,
    knots: Vec<f64>,
    /// Parameter, point, first and second derivative.
    at: Vec<[f64; 7]>,
    evenly: Vec<[f64; 2]>,
}

/// The differences of neighbouring points.
fn sides<const D: usize>(points: &[[f64; D]]) -> Vec<[f64; D]> {
    points.windows(2).map(|pair| std::array::from_fn(|axis| pair[1][axis] - pair[0][axis])).collect()
}

/// How far a segment's points may move where their place in it, 0 to 1, does by `rounding`.
fn moved(segment: &[[f64; 2]; 4], rounding: f64) -> [f64; 2] {
    let sides = sides(segment);
    [0, 1].map(|axis| 3.0 * rounding * sides.iter().fold(0.0, |most: f64, side| most.max(side[axis].abs())))
}

fn greater(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0].max(b[0]), a[1].max(b[1])]
}

/// A unit is that of the coordinates, or what the rounding of the parameter does, where that is more. Derivatives are off
/// by as much as the sides of the control polygon, times what they are of sides.
#[test]
fn points_and_derivatives_are_exact_to_a_few_units() {
    let mut worst = Worst::default();
    for case in section::<Evaluation>("evaluations") {
        let curve = PiecewiseCubic::from_segments(segments::<2>(&case.control), case.knots.clone()).unwrap();
        // Over 0 to 1 the parameter is the place itself.
        let rounding = if case.knots == [0.0, 1.0] { 0.0 } else { f64::EPSILON };
        for [u, px, py, dx, dy, ax, ay] in case.at {
            let i = case.knots[1..curve.segment_count()].partition_point(|&knot| knot <= u);
            let segment = &curve.segments()[i];
            let span = case.knots[i + 1] - case.knots[i];
            let unit = greater(units(segment), moved(segment, rounding));
            worst.add("eval", off(&[curve.eval(u)], &[[px, py]], &unit));
            let mut many = [[f64::NAN; 2]; 9];
            curve.eval_into(&[u; 9], &mut many).unwrap();
            worst.add("eval_into", off(&many, &[[px, py]; 9], &unit));
            let side = units(&sides(segment));
            let first = side.map(|x| 3.0 * x / span);
            worst.add("derivative", off(&[curve.derivative(u)], &[[dx, dy]], &first));
            let second = side.map(|x| 6.0 * x / span / span);
            worst.add("second_derivative", off(&[curve.second_derivative(u)], &[[ax, ay]], &second));
        }
        let grid = ulp(case.knots.iter().fold(0.0, |largest: f64, knot| knot.abs().max(largest)));
        let spans = case.knots.windows(2).map(|pair| pair[1] - pair[0]);
        let moves = curve.segments().iter().zip(spans).map(|(segment, span)| moved(segment, grid / span));
        let unit = moves.fold(units(curve.segments().as_flattened()), greater);
        let mut evenly = vec![[f64::NAN; 2]; case.evenly.len()];
        curve.sample_into(&mut evenly);
        worst.add("sample_into", off(&evenly, &case.evenly, &unit));
    }
    worst.hold(&[
        ("eval", 3.0),
        ("eval_into", 3.0),
        ("derivative", 8.0),
        ("second_derivative", 16.0),
        ("sample_into", 1.0),
    ]);
}

#[derive(Deserialize)]
struct Bernstein {
    points: Vec<Vec<f64>>,
    /// Parameter, point, first and second derivative.
    at: Vec<[f64; 7]>,
    #[serde(rename = "box")]
    corners: [[f64; 2]; 2],
}

/// A unit is that of the control points, for derivatives that of their differences, for each degree.
#[test]
fn a_bezier_curve_of_any_degree_is_exact_to_a_unit_for_each_degree() {
    let mut worst = Worst::default();
    for case in section::<Bernstein>("bernstein") {
        let bezier = Bezier::<2>::new(&points(&case.points)).unwrap();
        let degree = bezier.degree() as f64;
        let first = sides(bezier.points());
        let unit = units(bezier.points()).map(|x| x * degree);
        let side = units(&first).map(|x| x * degree * degree);
        let bend = units(&sides(&first)).map(|x| x * degree * (degree - 1.0) * degree);
        for [t, px, py, dx, dy, ax, ay] in case.at {
            let mut many = [[f64::NAN; 2]; 9];
            bezier.eval_into(&[t; 9], &mut many).unwrap();
            worst.add("eval_into", off(&many, &[[px, py]; 9], &unit));
            worst.add("eval", off(&[bezier.eval(t)], &[[px, py]], &unit));
            worst.add("derivative", off(&[bezier.derivative(t)], &[[dx, dy]], &side));
            worst.add("second_derivative", off(&[bezier.second_derivative(t)], &[[ax, ay]], &bend));
            let (before, after) = bezier.split(t).unwrap();
            assert_eq!((before.eval(1.0), after.eval(0.0)), (bezier.eval(t), bezier.eval(t)));
        }
        let bounds = bezier.bounds();
        worst.add("bounds", off(&[bounds.min, bounds.max], &case.corners, &unit));
    }
    worst.hold(&[
        ("eval", 1.0),
        ("eval_into", 1.0),
        ("derivative", 1.0),
        ("second_derivative", 1.0),
        // What is beyond the box by less counts for nothing.
        ("bounds", 4.0),
    ]);
}

#[derive(Deserialize)]
struct Whole {
    control: Vec<Vec<f64>>,
    knots: Vec<f64>,
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    from: f64,
    to: f64,
    control: Vec<Vec<f64>>,
}

#[test]
fn parts_have_the_exact_control_points_to_a_few_units() {
    let mut worst = Worst::default();
    for case in section::<Whole>("parts") {
        let curve = PiecewiseCubic::from_segments(segments::<2>(&case.control), case.knots).unwrap();
        let (first, last) = curve.domain();
        let unit = units(curve.segments().as_flattened());
        for part in case.parts {
            let wanted = segments::<2>(&part.control);
            let error = |found: &PiecewiseCubic<2>| {
                off(found.segments().as_flattened(), wanted.as_flattened(), &unit)
            };
            let found = curve.subcurve(part.from, part.to).unwrap();
            assert_eq!(found.domain(), (part.from, part.to));
            worst.add("subcurve", error(&found));
            if part.from == first {
                worst.add("split", error(&curve.split(part.to).unwrap().0));
            }
            if part.to == last {
                worst.add("split", error(&curve.split(part.from).unwrap().1));
            }
        }
    }
    worst.hold(&[("subcurve", 4.0), ("split", 4.0)]);
}

#[derive(Deserialize)]
struct Bounded {
    control: Vec<Vec<f64>>,
    #[serde(rename = "box")]
    corners: [[f64; 2]; 2],
}

#[test]
fn bounds_are_exact_to_a_few_units() {
    let mut worst = Worst::default();
    for case in section::<Bounded>("bounds") {
        let segments = segments::<2>(&case.control);
        let knots = (0..=segments.len()).map(|i| i as f64).collect();
        let curve = PiecewiseCubic::from_segments(segments, knots).unwrap();
        let bounds = curve.bounds();
        worst.add(
            "bounds",
            off(&[bounds.min, bounds.max], &case.corners, &units(curve.segments().as_flattened())),
        );
    }
    worst.hold(&[("bounds", 4.0)]);
}

#[derive(Deserialize)]
struct Measured {
    control: Vec<Vec<f64>>,
    length: f64,
}

#[test]
fn lengths_keep_every_tolerance_down_to_64_units_of_the_polygon() {
    for case in section::<Measured>("lengths") {
        let segments = segments::<2>(&case.control);
        let sides = segments.iter().flat_map(|segment| segment.windows(2));
        let polygon: f64 = sides.map(|pair| (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1])).sum();
        let knots = (0..=segments.len()).map(|i| i as f64).collect();
        let curve = PiecewiseCubic::from_segments(segments, knots).unwrap();
        for part in [1e-1, 1e-3, 1e-6, 1e-9, 1e-12, 1e-300] {
            let tolerance = part * polygon.max(1e-3);
            let error = (curve.length(tolerance).unwrap() - case.length).abs();
            assert!(
                error <= tolerance.max(64.0 * ulp(polygon)),
                "{:?} within {tolerance:e}: {error:e}",
                case.control
            );
        }
    }
}

#[derive(Deserialize)]
struct SciPy {
    points: Vec<Vec<f64>>,
    params: Value,
    /// Parameter, point and derivative.
    at: Vec<[f64; 5]>,
}

#[test]
fn hermite_curves_are_those_of_scipy() {
    let mut worst = Worst::default();
    for case in section::<SciPy>("scipy_hermite") {
        let family = Family::named("hermite", case.params).unwrap();
        let curve: PiecewiseCubic<2> = family.make(&points(&case.points)).unwrap();
        let unit = units(curve.segments().as_flattened());
        for [u, px, py, dx, dy] in case.at {
            worst.add("eval", off(&[curve.eval(u)], &[[px, py]], &unit));
            worst.add("derivative", off(&[curve.derivative(u)], &[[dx, dy]], &unit));
        }
    }
    // SciPy's own rounding is in it: it evaluates powers of the parameter.
    worst.hold(&[("eval", 16.0), ("derivative", 32.0)]);
}
