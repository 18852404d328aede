//! Curves that meet in every way there is.

use super::{Curve, Error, Intersection};

const TOLERANCE: f64 = 1e-9;

fn places(a: &Curve, b: &Curve) -> Vec<Intersection> {
    let places = a.intersections(b, TOLERANCE).unwrap();
    for place in &places {
        let (p, q) = (a.eval(place.u), b.eval(place.v));
        let size = p.iter().chain(&q).fold(1.0, |size: f64, x| x.abs().max(size));
        let miss = (p[0] - q[0]).hypot(p[1] - q[1]);
        assert!(miss <= 2.0 * TOLERANCE * size, "{place:?} misses by {miss}");
    }
    places
}

fn parameters(a: &Curve, b: &Curve) -> Vec<[f64; 2]> {
    places(a, b).iter().map(|place| [place.u, place.v]).collect()
}

fn near(found: &[[f64; 2]], expected: &[[f64; 2]]) -> bool {
    let close = |(a, b): (&[f64; 2], &[f64; 2])| (a[0] - b[0]).abs() < 1e-7 && (a[1] - b[1]).abs() < 1e-7;
    found.len() == expected.len() && found.iter().zip(expected).all(close)
}

fn line(a: [f64; 2], b: [f64; 2]) -> Curve {
    Curve::linear(&[a, b], false).unwrap()
}

fn hill() -> Curve {
    Curve::bezier(&[[0.0, 0.0], [0.0, 4.0], [8.0, 4.0], [8.0, 0.0]]).unwrap()
}

#[test]
fn two_cubics_cross_nine_times() {
    let a = Curve::bezier(&[[0.0, 0.0], [0.35, 3.4], [0.65, -2.4], [1.0, 1.0]]).unwrap();
    let b = Curve::bezier(&[[0.0, 0.0], [3.4, 0.35], [-2.4, 0.65], [1.0, 1.0]]).unwrap();
    assert_eq!(places(&a, &b).len(), 9, "{:?}", places(&a, &b));
}

#[test]
fn shared_ends_are_found_once_and_exactly() {
    let (left, right) = hill().split(0.3).unwrap();
    assert_eq!(parameters(&left, &right), [[0.3, 0.3]]);
    assert_eq!(parameters(&line([0.0, 0.0], [3.0, 0.1]), &line([0.0, 0.0], [-1.0, 7.0])), [[0.0, 0.0]]);
    assert_eq!(parameters(&line([0.0, 0.0], [1.0, 0.0]), &line([1.0, 0.0], [3.0, 0.0])), [[1.0, 0.0]]);
}

#[test]
fn a_touch_is_one_result() {
    for bend in [1.0, 1e-3, 1e3] {
        let bowl = Curve::bezier(&[[-1.0, bend], [0.1, -bend], [1.0, bend]]).unwrap();
        let low = bowl.bounds().min[1];
        assert_eq!(places(&bowl, &line([-3.0, low], [2.0, low])).len(), 1, "{bend}");
    }
    // Two parabolas, one inside the other.
    let outer = Curve::bezier(&[[-1.0, 1.0], [0.0, -1.0], [1.0, 1.0]]).unwrap();
    let inner = Curve::bezier(&[[-1.0, 3.0], [0.0, -3.0], [1.0, 3.0]]).unwrap();
    assert!(near(&parameters(&outer, &inner), &[[0.5, 0.5]]), "{:?}", places(&outer, &inner));
    // Of third order: an inflection and its tangent.
    let cubic = Curve::bezier(&[[-1.0, -1.0], [-0.3, 1.0], [0.3, -1.0], [1.0, 1.0]]).unwrap();
    let [x, y] = cubic.derivative(0.5);
    assert_eq!(places(&cubic, &line([-x, -y], [x, y])).len(), 1);
}

#[test]
fn close_crossings_are_told_apart() {
    let bowl = Curve::bezier(&[[-1.0, 1.0], [0.0, -1.0], [1.0, 1.0]]).unwrap();
    for depth in [1e-2, 1e-4, 1e-6, 1e-8] {
        assert_eq!(places(&bowl, &line([-3.0, depth], [2.0, depth])).len(), 2, "{depth}");
    }
}

#[test]
fn of_a_shared_stretch_the_ends_are_the_results() {
    let whole = hill();
    assert!(near(&parameters(&whole, &whole), &[[0.0, 0.0], [1.0, 1.0]]));
    assert!(near(&parameters(&whole, &whole.reversed()), &[[0.0, 1.0], [1.0, 0.0]]));
    let part = whole.subcurve(0.25, 0.75).unwrap();
    assert!(near(&parameters(&whole, &part), &[[0.25, 0.25], [0.75, 0.75]]));
    let (early, late) = (whole.subcurve(0.0, 0.6).unwrap(), whole.subcurve(0.4, 1.0).unwrap());
    assert!(near(&parameters(&early, &late), &[[0.4, 0.4], [0.6, 0.6]]), "{:?}", parameters(&early, &late));
    let (a, b) = (line([0.0, 0.0], [3.0, 3.0]), line([1.0, 1.0], [7.0, 7.0]));
    assert!(near(&parameters(&a, &b), &[[1.0 / 3.0, 0.0], [1.0, 1.0 / 3.0]]));
}

#[test]
fn a_stretch_over_many_segments_has_two_ends_too() {
    let zigzag = [[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [3.0, 1.0], [4.0, 0.0]];
    let whole = Curve::linear(&zigzag, false).unwrap();
    assert_eq!(parameters(&whole, &whole), [[0.0, 0.0], [4.0, 4.0]]);
    let part = whole.subcurve(0.5, 2.5).unwrap();
    assert!(near(&parameters(&whole, &part), &[[0.5, 0.5], [2.5, 2.5]]), "{:?}", parameters(&whole, &part));
}

#[test]
fn a_closed_curve_meets_at_its_seam_once() {
    let square = Curve::linear(&[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], true).unwrap();
    assert_eq!(parameters(&square, &line([-1.0, -1.0], [0.0, 0.0])), [[0.0, 1.0]]);
    assert!(near(&parameters(&square, &line([-1.0, 1.0], [1.0, -1.0])), &[[0.0, 0.5]]));
    let drop = Curve::bezier(&[[0.0, 0.0], [3.0, 3.0], [-3.0, 3.0], [0.0, 0.0]]).unwrap();
    assert_eq!(parameters(&drop, &drop), [[0.0, 0.0], [1.0, 1.0]]);
}

#[test]
fn a_double_point_is_met_once_each_time_the_curve_passes() {
    let knot = Curve::bezier(&[[0.0, 0.0], [3.0, 3.0], [-2.0, 3.0], [1.0, 0.0]]).unwrap();
    let upright = line([0.5, -1.0], [0.5, 5.0]);
    assert_eq!(places(&knot, &upright).len(), 3, "{:?}", places(&knot, &upright));
}

#[test]
fn points_cusps_and_doubled_lines_are_met() {
    let (point, cusp) = (
        Curve::bezier(&[[4.0, 3.0]; 4]).unwrap(),
        Curve::bezier(&[[0.0, 0.0], [100.0, 100.0], [0.0, 100.0], [100.0, 0.0]]).unwrap(),
    );
    assert!(near(&parameters(&hill(), &point), &[[0.5, 0.0]]), "{:?}", places(&hill(), &point));
    assert_eq!(parameters(&point, &point), [[0.0, 0.0]]);
    assert!(near(&parameters(&point, &hill()), &[[0.0, 0.5]]));
    assert_eq!(places(&cusp, &line([0.0, 75.0], [100.0, 75.0])).len(), 1);
    assert_eq!(places(&cusp, &line([0.0, 60.0], [100.0, 60.0])).len(), 2);
    let doubled = Curve::bezier(&[[0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]).unwrap();
    assert_eq!(places(&doubled, &line([0.3, -1.0], [0.3, 1.0])).len(), 2);
    assert!(!places(&doubled, &line([-1.0, 0.0], [2.0, 0.0])).is_empty());
    assert!(!places(&doubled, &doubled).is_empty());
}

#[test]
fn lines_that_turn_back_cross() {
    let across = Curve::bezier(&[[0.5, 0.0], [0.0, 0.0], [-0.5, 0.0], [-0.5, 0.0]]).unwrap();
    let folded = Curve::bezier(&[[0.0, -0.9], [0.0, 0.0], [0.0, -0.9], [0.0, 0.9]]).unwrap();
    assert_eq!(places(&across, &folded).len(), 1);
    assert_eq!(places(&folded, &across).len(), 1);
}

#[test]
fn an_end_within_the_tolerance_meets_and_one_beyond_it_does_not() {
    let floor = line([-5.0, 0.0], [5.0, 0.0]);
    assert_eq!(places(&floor, &line([1.0, 0.9e-9], [1.0, 5.0])).len(), 1);
    assert_eq!(places(&floor, &line([1.0, 1.1e-9], [1.0, 5.0])).len(), 0);
    assert_eq!(places(&floor, &line([-5.0, 1e-8], [5.0, 1e-8])).len(), 0);
}

#[test]
fn curves_that_run_along_each_other_beyond_rounding_end_the_search() {
    let other = hill().segments()[0].map(|[x, y]| [x + 3e-16 * y, y * (1.0 + 2e-15) - 1e-15]);
    let other = Curve::bezier(&other).unwrap();
    assert!(other.intersections(&hill(), f64::MIN_POSITIVE).unwrap().len() < 100);
    let bent = Curve::bezier(&[[-1.0, -1e-13], [0.0, 0.0], [1.0, 0.0], [2.0, 1e-13]]).unwrap();
    assert!(bent.intersections(&line([-2.0, 0.0], [3.0, 0.0]), 1e-300).unwrap().len() < 100);
}

#[test]
fn curves_within_the_tolerance_as_a_whole_meet_once() {
    let curve = hill();
    for tolerance in [100.0, 1e300] {
        assert_eq!(curve.intersections(&curve, tolerance).unwrap().len(), 1);
        assert_eq!(curve.intersections(&curve.reversed(), tolerance).unwrap().len(), 1);
    }
}

#[test]
fn size_does_not_matter() {
    let (a, b) = ([[0.0, 0.0], [3.0, 4.0], [-1.0, 4.0], [2.0, 0.5]], [[0.0, 2.0], [1.0, 1.0], [2.0, 3.0]]);
    let (p, q) = (Curve::bezier(&a).unwrap(), Curve::bezier(&b).unwrap());
    let expected = p.intersections(&q, 1e-9).unwrap();
    assert!(!expected.is_empty());
    for exponent in [-900, -500, 500, 990] {
        let scale = 2.0_f64.powi(exponent);
        let p = Curve::bezier(&a.map(|x| x.map(|x| x * scale))).unwrap();
        let q = Curve::bezier(&b.map(|x| x.map(|x| x * scale))).unwrap();
        let found = p.intersections(&q, 1e-9 * scale).unwrap();
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(&expected).all(|(x, y)| (x.u - y.u).abs() + (x.v - y.v).abs() < 1e-12));
    }
}

#[test]
fn a_tolerance_that_is_not_above_0_is_refused() {
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(hill().intersections(&hill(), bad), Err(Error::Tolerance { .. })), "{bad}");
    }
}
