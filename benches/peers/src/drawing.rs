//! The curves that are measured, in each crate's own form.
#![allow(dead_code, reason = "each program has it as a module and uses a part of it")]

use circlet::curve::{Curve, Point};
use kurbo::{CubicBez, PathEl};
use lyon_geom::CubicBezierSegment;

const CUBICS: usize = 10_000;

/// The 64-bit generator of Knuth's MMIX.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Returns a number from 0 on, below 1.
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Cubics with control points all over a square of 310 units, the same ones each time.
pub(crate) fn drawing() -> (Vec<Curve>, Vec<CubicBez>) {
    let mut random = Random(1);
    let mut cubic =
        || -> [Point; 4] { std::array::from_fn(|_| [random.next() * 310.0, random.next() * 310.0]) };
    let points: Vec<_> = (0..CUBICS).map(|_| cubic()).collect();
    let curves = points.iter().map(|points| Curve::bezier(points).expect("four points"));
    (curves.collect(), points.iter().map(kurbo_cubic).collect())
}

pub(crate) fn kurbo_cubic(points: &[Point; 4]) -> CubicBez {
    let [a, b, c, d] = points.map(|[x, y]| kurbo::Point::new(x, y));
    CubicBez::new(a, b, c, d)
}

pub(crate) fn lyon_cubic(curve: &Curve) -> CubicBezierSegment<f64> {
    let [from, ctrl1, ctrl2, to] = curve.segments()[0].map(|[x, y]| lyon_geom::point(x, y));
    CubicBezierSegment { from, ctrl1, ctrl2, to }
}

pub(crate) fn kurbo_path(cubic: &CubicBez) -> [PathEl; 2] {
    [PathEl::MoveTo(cubic.p0), PathEl::CurveTo(cubic.p1, cubic.p2, cubic.p3)]
}
