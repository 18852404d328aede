//! Two pieces of segments that run along each other: where they can cross, from the polynomial of what lies between them.
//!
//! Both are cut to where they face each other across an axis, so that the places that face each other have about the same
//! parameter. There `P(t) = Q(t + d)` with a small `d`, and from Taylor's theorem the cross product `(P(t) - Q(t)) x Q'(t)`, of
//! degree 5, is 0 but for a remainder in proportion to `d` squared and to the curvature. So it is as small as the curves are
//! apart, however they bend: the number of pieces depends on their shape and not on the gap between them, which a search by
//! boxes or fat lines would have to resolve.

use super::crossing::Piece;
use super::segment::{Segment, differences, dot, minus, norm};
use super::split::piece;

/// The least part of its length that a side of the control polygon goes along the axis: the cosine of 60 degrees.
const FORWARD: f64 = 0.5;

/// What rounding makes of a parameter, with room.
const ROOM: f64 = 4.0 * f64::EPSILON;

/// A bound on the steps to a root. About ten are taken.
const STEPS: u32 = 100;

/// Two pieces cut to where they face each other.
pub(super) struct Facing {
    pub(super) p: Piece,
    pub(super) q: Piece,
    axis: [f64; 2],
    /// Whether the second one runs against the first.
    backwards: bool,
}

/// How often two facing pieces cross.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Crossings {
    None,
    /// At most once, near these parameters if at all.
    Once(f64, f64),
    /// They are within rounding of each other all along.
    Together,
    Unknown,
}

impl Facing {
    /// Cuts a piece of each of two segments; nothing where one of them turns too far from the first one's chord.
    pub(super) fn new(a: &Segment<2>, p: &Piece, b: &Segment<2>, q: &Piece, noise: f64) -> Option<Self> {
        let chord = minus(&p.points[3], &p.points[0]);
        let length = norm(&chord);
        if length <= noise {
            return None;
        }
        let axis = chord.map(|x| x / length);
        let backwards = dot(&minus(&q.points[3], &q.points[0]), &axis) < 0.0;
        let forward = |points: &Segment<2>, axis: &[f64; 2]| {
            differences(points).iter().all(|side| dot(side, axis) >= FORWARD * norm(side))
        };
        let q_axis = if backwards { axis.map(|x| -x) } else { axis };
        if !forward(&p.points, &axis) || !forward(&q.points, &q_axis) {
            return None;
        }
        let along = |points: &Segment<2>| points.map(|point| dot(&minus(&point, &p.points[0]), &axis));
        let (p_along, q_along) = (along(&p.points), along(&turned(&q.points, backwards)));
        let (low, high) = (p_along[0].max(q_along[0]), p_along[3].min(q_along[3]));
        let p_range = [low, high].map(|x| p.parameter(reach(&p_along, x), false));
        let mut q_range = [low, high].map(|x| q.parameter(reach(&q_along, x), backwards));
        if backwards {
            q_range.reverse();
        }
        Some(Self { p: p.cut(a, p_range), q: q.cut(b, q_range), axis, backwards })
    }

    /// Bounds how often the pieces cross.
    pub(super) fn crossings(&self, noise: f64) -> Crossings {
        let (p, q) = (&self.p.points, &turned(&self.q.points, self.backwards));
        let sides = differences(q);
        let along = |v: &[f64; 2]| dot(v, &self.axis);
        let pace = 3.0 * sides.iter().map(along).fold(f64::INFINITY, f64::min);
        if pace <= 0.0 {
            return Crossings::Unknown;
        }
        let gaps: Segment<2> = std::array::from_fn(|i| minus(&p[i], &q[i]));
        let bends = [minus(&sides[1], &sides[0]), minus(&sides[2], &sides[1])];
        // How far the parameters of two places that face each other differ.
        let shift = ((largest(gaps.iter().map(along)) + noise) / pace).min(1.0);
        let bend = 6.0 * largest(bends.iter().flat_map(|bend| sides.map(|side| cross(bend, &side))));
        let remainder = 0.5 * shift * shift * bend;
        let speeds = sides.map(|side| norm(&side));
        let (slowest, fastest) =
            (speeds.into_iter().fold(f64::INFINITY, f64::min), speeds.into_iter().fold(0.0, f64::max));

        let between = between(&gaps, &sides);
        let clear = remainder + noise * fastest;
        if between.iter().all(|x| *x > clear) || between.iter().all(|x| *x < -clear) {
            return Crossings::None;
        }
        if largest(between.into_iter()) + remainder <= 3.0 * noise * slowest {
            return Crossings::Together;
        }
        // The remainder's own derivative, from that of the parameter that faces.
        let drift = (3.0 * largest(differences(&gaps).iter().map(along))
            + shift * 6.0 * largest(bends.iter().map(along)))
            / pace;
        let twist = minus(&bends[1], &bends[0]);
        let change = 6.0 * largest(sides.iter().map(|side| cross(&twist, side)))
            + 12.0 * cross(&bends[0], &bends[1]).abs();
        let steep = shift * (drift * bend + 0.5 * shift * change) + 3.0 * noise * fastest;
        let mut slopes = between.windows(2).map(|pair| 5.0 * (pair[1] - pair[0]));
        let rises = slopes.clone().all(|slope| slope > steep);
        if rises || slopes.all(|slope| slope < -steep) {
            let t = root(&if rises { between } else { between.map(|x| -x) });
            return Crossings::Once(self.p.parameter(t, false), self.q.parameter(t, self.backwards));
        }
        Crossings::Unknown
    }
}

impl Piece {
    /// Returns the segment's parameter at one of the piece, which counts from the other end if `backwards`.
    fn parameter(&self, t: f64, backwards: bool) -> f64 {
        let (from, to) = if backwards { (self.to, self.from) } else { (self.from, self.to) };
        if t < 0.5 { from + t * (to - from) } else { to - (1.0 - t) * (to - from) }
    }

    fn cut(&self, segment: &Segment<2>, [from, to]: [f64; 2]) -> Self {
        let (from, to) = ((from - ROOM).max(self.from), (to + ROOM).min(self.to));
        Self { points: piece(segment, from, to), from, to }
    }
}

fn turned(points: &Segment<2>, backwards: bool) -> Segment<2> {
    let [p0, p1, p2, p3] = *points;
    if backwards { [p3, p2, p1, p0] } else { *points }
}

fn cross(a: &[f64; 2], b: &[f64; 2]) -> f64 {
    a[0] * b[1] - a[1] * b[0]
}

fn largest(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, |largest, x| x.abs().max(largest))
}

/// Returns the cross product of the two polynomials with these control points, as Bernstein coefficients.
fn between(gaps: &Segment<2>, sides: &[[f64; 2]; 3]) -> [f64; 6] {
    let mut coefficients = [0.0; 6];
    for (i, (gap, m)) in gaps.iter().zip([1.0, 3.0, 3.0, 1.0]).enumerate() {
        for (j, (side, n)) in sides.iter().zip([1.0, 2.0, 1.0]).enumerate() {
            coefficients[i + j] += m * n * cross(gap, side);
        }
    }
    for (coefficient, n) in coefficients.iter_mut().zip([1.0, 5.0, 10.0, 10.0, 5.0, 1.0]) {
        *coefficient /= n;
    }
    coefficients
}

/// Returns where a cubic with rising coefficients gets to `x`, or the end next to it.
fn reach(coefficients: &[f64; 4], x: f64) -> f64 {
    root(&coefficients.map(|c| c - x))
}

/// Returns where a polynomial with rising Bernstein coefficients is 0, or the end next to it, by secants and halvings.
fn root<const N: usize>(coefficients: &[f64; N]) -> f64 {
    let (mut low, mut high) = ((0.0, coefficients[0]), (1.0, coefficients[N - 1]));
    if low.1 >= 0.0 {
        return 0.0;
    }
    if high.1 <= 0.0 {
        return 1.0;
    }
    let mut side = 0;
    for _ in 0..STEPS {
        let middle = f64::midpoint(low.0, high.0);
        let secant = low.0 - low.1 * (high.0 - low.0) / (high.1 - low.1);
        let t = if secant > low.0 && secant < high.0 { secant } else { middle };
        if high.0 - low.0 <= f64::EPSILON * high.0 || t <= low.0 || t >= high.0 {
            break;
        }
        let x = value(coefficients, t);
        if x == 0.0 {
            return t;
        }
        // Illinois: an end that stays counts half the next time.
        if x < 0.0 {
            low = (t, x);
            if side < 0 {
                high.1 /= 2.0;
            }
            side = -1;
        } else {
            high = (t, x);
            if side > 0 {
                low.1 /= 2.0;
            }
            side = 1;
        }
    }
    f64::midpoint(low.0, high.0)
}

/// Evaluates a polynomial from its Bernstein coefficients.
fn value<const N: usize>(coefficients: &[f64; N], t: f64) -> f64 {
    let mut values = *coefficients;
    for n in (1..N).rev() {
        for k in 0..n {
            values[k] = (1.0 - t) * values[k] + t * values[k + 1];
        }
    }
    values[0]
}
