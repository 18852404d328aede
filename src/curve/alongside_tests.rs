//! Curves next to copies of themselves: every crossing that sampling shows is found.

use proptest::prelude::*;

use super::properties::control_points;
use super::{Affine, Curve, Knots, Point, SplineEnds};

fn shifted(curve: &Curve, [x, y]: Point) -> Curve {
    curve.transform(&Affine { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: x, f: y }).unwrap()
}

/// Returns between which parameters of `a` it gets from one side of `b` to the other, by more than `least` on either.
///
/// The side comes from the nearest point of `b`, which must be inside `b` and go on about as far as on `a` from sample to
/// sample, without a turn.
fn changes_of_side(a: &Curve, b: &Curve, samples: u32, least: f64) -> Vec<[f64; 2]> {
    let mut changes = Vec::new();
    let (mut last, mut last_v, mut last_tangent): (Option<(f64, bool)>, _, _) = (None, f64::NAN, [0.0; 2]);
    for k in 0..=samples {
        let u = f64::from(k) / f64::from(samples);
        let point = a.eval(u);
        let nearest = b.nearest(point).unwrap();
        let jumps = (f64::from(samples) * (nearest.u - last_v) - 1.0).abs() > 2.0;
        let [x, y] = b.tangent(nearest.u).unwrap_or_default();
        let turns = x * last_tangent[0] + y * last_tangent[1] < 0.9;
        (last_v, last_tangent) = (nearest.u, [x, y]);
        if jumps || turns || nearest.u <= 0.0 || nearest.u >= 1.0 {
            last = None;
        }
        if nearest.distance <= least || nearest.u <= 0.0 || nearest.u >= 1.0 {
            continue;
        }
        let [dx, dy] = [point[0] - nearest.point[0], point[1] - nearest.point[1]];
        let side = x * dy - y * dx;
        // Nearest at a cusp or an end, where the foot is not at right angles.
        if side.abs() < 0.9 * nearest.distance {
            last = None;
            continue;
        }
        let left = side > 0.0;
        if let Some((from, was_left)) = last
            && was_left != left
        {
            changes.push([from, u]);
        }
        last = Some((u, left));
    }
    changes
}

/// Returns how many crossings sampling shows, and which of them are not among the results.
fn missed(a: &Curve, b: &Curve, tolerance: f64, samples: u32) -> (usize, Vec<[f64; 2]>) {
    let size = a.segments()[0].as_flattened().iter().fold(0.0, |size: f64, x| size.max(x.abs()));
    let changes = changes_of_side(a, b, samples, (2.0 * tolerance).max(1e-13 * size));
    let found = a.intersections(b, tolerance).unwrap();
    assert!(found.len() <= 9, "{found:?}");
    let count = changes.len();
    let margin = 1e-9;
    let is_missed =
        |[from, to]: &[f64; 2]| !found.iter().any(|place| place.u >= from - margin && place.u <= to + margin);
    (count, changes.into_iter().filter(is_missed).collect())
}

/// Returns cubics with coordinates from -1 to 1, always the same ones, and a direction for each.
fn cubics(count: usize) -> impl Iterator<Item = (Curve, Point)> {
    let mut state = 1_u64;
    let mut number = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..count).map(move |_| {
        let points: [Point; 4] = std::array::from_fn(|_| [number(), number()]);
        let (sin, cos) = (4.0 * number()).sin_cos();
        (Curve::bezier(&points).unwrap(), [cos, sin])
    })
}

#[test]
fn a_copy_next_to_a_cubic_crosses_it_where_the_tangent_is_parallel_to_the_shift() {
    let points = [
        [0.8754774695841541, -0.17712148418946883],
        [-0.3182860288057012, -0.9347318971346268],
        [0.016747582570368014, 0.7374985175923741],
        [0.9666405786925594, 0.2729140427229657],
    ];
    let curve = Curve::bezier(&points).unwrap();
    let copy = shifted(&curve, [9.158303816235655e-09, 4.015653273070702e-09]);
    let found = curve.intersections(&copy, 1e-12).unwrap();
    assert!(found.iter().any(|place| (place.u - 0.7715).abs() < 1e-3), "{found:?}");
    assert_eq!(missed(&curve, &copy, 1e-12, 4000).1, [[0.0; 2]; 0]);
}

#[test]
fn no_crossing_of_a_copy_is_lost_however_close_it_is() {
    for exponent in [-3, -5, -7, -8, -9, -10, -11] {
        let shift = 10.0_f64.powi(exponent);
        let mut all = 0;
        for (curve, direction) in cubics(40) {
            let copy = shifted(&curve, direction.map(|x| x * shift));
            let (count, missed) = missed(&curve, &copy, 1e-4 * shift, 300);
            assert!(missed.is_empty(), "{:?} shifted by 1e{exponent}: {missed:?}", curve.segments());
            all += count;
        }
        assert!(all >= 15, "{all} at 1e{exponent}");
    }
}

#[test]
fn a_spiral_and_its_copy_cross_wherever_it_runs_along_the_shift() {
    let points: Vec<Point> = (0..200).map(f64::from).map(|i| [i * i.cos(), i * i.sin()]).collect();
    let spiral = Curve::spline(&points, &Knots::Uniform, SplineEnds::Natural).unwrap();
    let found = spiral.intersections(&shifted(&spiral, [1e-7, 0.0]), 1e-9).unwrap();
    let heights: Vec<_> =
        (0..=199_000_u32).map(|k| f64::from(k) / 1000.0).map(|u| (u, spiral.derivative(u)[1])).collect();
    let turns: Vec<_> =
        heights.windows(2).filter(|pair| pair[0].1 * pair[1].1 < 0.0).map(|pair| pair[0].0).collect();
    assert_eq!(turns.len(), 63);
    for u in turns {
        assert!(found.iter().any(|place| (place.u - u).abs() < 2e-3 && (place.v - u).abs() < 2e-3), "{u}");
    }
}

#[test]
fn a_copy_that_runs_the_other_way_crosses_at_the_same_places() {
    for (curve, direction) in cubics(40) {
        let copy = shifted(&curve, direction.map(|x| x * 1e-8));
        let (there, back) = (
            curve.intersections(&copy, 1e-12).unwrap(),
            curve.intersections(&copy.reversed(), 1e-12).unwrap(),
        );
        assert_eq!(there.len(), back.len(), "{:?}", curve.segments());
        assert!(
            there.iter().zip(&back).all(|(x, y)| (x.u - y.u).abs() < 1e-6 && (x.v + y.v - 1.0).abs() < 1e-6)
        );
    }
}

proptest! {
    // A failure becomes a test with a name, not a file of seeds.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_crossing_of_a_copy_of_any_cubic_is_lost(points in control_points(), angle in 0.0..6.3_f64, exponent in -12.0..-3.0_f64) {
        let curve = Curve::bezier(&points).unwrap();
        let size = points.as_flattened().iter().fold(0.0, |size: f64, x| size.max(x.abs()));
        let shift = size * 10.0_f64.powf(exponent);
        if shift > 1e-290 {
            let copy = shifted(&curve, [shift * angle.cos(), shift * angle.sin()]);
            let (_, missed) = missed(&curve, &copy, 1e-4 * shift, 200);
            prop_assert!(missed.is_empty(), "{missed:?}");
        }
    }
}
