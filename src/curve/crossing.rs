//! Where two segments of the plane cross or touch, by exclusion, Newton's method and a bounded number of halvings.
//!
//! Halving goes on only until the pieces face each other (see `alongside.rs`) and what lies between them has no critical point
//! or is within rounding. So the number of pieces comes from the shape of the segments: it does not grow where they come close.

use super::alongside::{Crossings, Facing};
use super::nearest::nearest_in_segment;
use super::piecewise::Point;
use super::segment::{Powers, Segment, differences, dot, halves, minus, norm, quadratic_at};
use super::split::piece;

/// Pairs of pieces after which what is left is taken as one touch, of which one place is looked for: the bound on the work.
///
/// A crossing takes a few pairs, a touch a few dozen, and copies a few roundings away from a cusp, the most seen, 400.
const PAIRS: u32 = 1 << 12;

/// More places than two cubics that differ have in common, which is 9, even if four pieces that share a corner find each. What
/// is beyond that is rounding on a stretch where they do not differ, and counts to the place before.
const PLACES: usize = 64;

/// The parameter width below which a piece is not halved.
const NARROW: f64 = 1.0 / (1_u64 << 50) as f64;

/// Parameters on the two segments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Meeting {
    pub(super) t: f64,
    pub(super) s: f64,
}

/// The stretches that two segments have within rounding of each other, without a transversal crossing.
#[derive(Debug, Clone, Copy)]
struct Touch {
    a: [f64; 2],
    b: [f64; 2],
    /// The same of a single one of the pairs of pieces in it.
    one: ([f64; 2], [f64; 2]),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) points: Segment<2>,
    pub(super) from: f64,
    pub(super) to: f64,
}

/// Returns where `a` on `a_range` meets `b` on `b_range`: each crossing, and one place of each touch.
///
/// The segments are about 1 in size, and `noise` is what rounding makes of points at that size. Pieces are left out where a
/// line separates them: along or across either chord, or along an axis (fat lines: Sederberg and Nishita, "Curve intersection
/// using Bezier clipping", 1990). No two directions of the pieces parallel: then they cross at most once (Sederberg and
/// Meyers, "Loop detection in surface patch intersections", 1988), and Newton's method finds where. Pieces that run in about the
/// same direction are cut to where they face each other; the polynomial of what lies between them, with a bound on what it leaves
/// out, says whether they cross not at all, at most once or within rounding everywhere (`alongside.rs`).
pub(super) fn meetings(
    a: &Segment<2>,
    a_range: [f64; 2],
    b: &Segment<2>,
    b_range: [f64; 2],
    noise: f64,
) -> Vec<Meeting> {
    let whole = |segment, [from, to]: [f64; 2]| Piece { points: piece(segment, from, to), from, to };
    let mut stack = vec![(whole(a, a_range), whole(b, b_range))];
    let (mut found, mut touches) = (Vec::new(), Vec::new());
    let mut pairs = 0;
    while let Some((p, q)) = stack.pop() {
        if apart(&p.points, &q.points, noise) {
            continue;
        }
        pairs += 1;
        let directions = directions(&p.points, &q.points, noise);
        if directions == Directions::Apart {
            let middle = (f64::midpoint(p.from, p.to), f64::midpoint(q.from, q.to));
            if let Some(meeting) = newton(a, &p, b, &q, middle, noise) {
                found.push(meeting);
                continue;
            }
        }
        let (p_extent, q_extent) = (extent(&p.points), extent(&q.points));
        let alike =
            directions == Directions::Parallel && straight(&p.points, noise) && straight(&q.points, noise);
        let (p_narrow, q_narrow) = (p.to - p.from <= NARROW, q.to - q.from <= NARROW);
        let small = p_extent.max(q_extent) <= noise || (p_narrow && q_narrow);
        if alike || small || pairs > PAIRS {
            let (a, b) = ([p.from, p.to], [q.from, q.to]);
            add(&mut touches, Touch { a, b, one: (a, b) });
            continue;
        }
        if let Some(facing) = Facing::new(a, &p, b, &q, noise) {
            let (p, q) = (facing.p, facing.q);
            match facing.crossings(noise) {
                Crossings::None => continue,
                Crossings::Once(t, s) => {
                    if let Some(meeting) = newton(a, &p, b, &q, (t, s), noise) {
                        found.push(meeting);
                        continue;
                    }
                }
                Crossings::Together => {
                    let (a, b) = ([p.from, p.to], [q.from, q.to]);
                    add(&mut touches, Touch { a, b, one: (a, b) });
                    continue;
                }
                Crossings::Unknown => {}
            }
            let [left, right] = p.halves();
            stack.extend([(right, q), (left, q)]);
        } else if q_narrow || (p_extent >= q_extent && !p_narrow) {
            let [left, right] = p.halves();
            stack.extend([(right, q), (left, q)]);
        } else {
            let [left, right] = q.halves();
            stack.extend([(p, right), (p, left)]);
        }
    }
    found.truncate(PLACES);
    found.extend(touches.iter().filter_map(|touch| closest(a, b, touch, noise)));
    found
}

impl Piece {
    fn halves(&self) -> [Self; 2] {
        let middle = f64::midpoint(self.from, self.to);
        let [left, right] = halves(&self.points);
        [Self { points: left, to: middle, ..*self }, Self { points: right, from: middle, ..*self }]
    }
}

/// Says whether a line with a gap of more than `noise` lies between the hulls of two pieces.
fn apart(p: &Segment<2>, q: &Segment<2>, noise: f64) -> bool {
    let gap = |axis: Point| {
        let range = |points: &Segment<2>| {
            let along = points.map(|point| dot(&point, &axis));
            (
                along.into_iter().fold(f64::INFINITY, f64::min),
                along.into_iter().fold(f64::NEG_INFINITY, f64::max),
            )
        };
        let ((p_low, p_high), (q_low, q_high)) = (range(p), range(q));
        (p_low - q_high).max(q_low - p_high) > noise
    };
    gap([1.0, 0.0])
        || gap([0.0, 1.0])
        || [p, q].into_iter().any(|points| {
            let [x, y] = minus(&points[3], &points[0]);
            let length = norm(&[x, y]);
            length > noise && (gap([-y / length, x / length]) || gap([x / length, y / length]))
        })
}

/// How the directions of one piece lie to those of another.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Directions {
    /// All on one side of all of the other's, so that the pieces cross at most once.
    Apart,
    /// All parallel, up to rounding.
    Parallel,
    Mixed,
}

fn directions(p: &Segment<2>, q: &Segment<2>, noise: f64) -> Directions {
    let (p, q) = (differences(p), differences(q));
    let (mut left, mut right, mut parallel) = (false, false, false);
    for a in p.iter().filter(|a| **a != [0.0; 2]) {
        for b in q.iter().filter(|b| **b != [0.0; 2]) {
            let cross = a[0] * b[1] - a[1] * b[0];
            let rounding = noise * (norm(a) + norm(b));
            left |= cross > rounding;
            right |= cross < -rounding;
            parallel |= cross.abs() <= rounding;
        }
    }
    match (left, right, parallel) {
        (true, false, false) | (false, true, false) => Directions::Apart,
        (false, false, _) => Directions::Parallel,
        _ => Directions::Mixed,
    }
}

/// Returns where the segments meet within the two pieces, if steps from `(t, s)` lead there.
fn newton(
    a: &Segment<2>,
    p: &Piece,
    b: &Segment<2>,
    q: &Piece,
    (mut t, mut s): (f64, f64),
    noise: f64,
) -> Option<Meeting> {
    let (a_powers, b_powers) = (Powers::new(a), Powers::new(b));
    let (a_sides, b_sides) = (differences(a), differences(b));
    for _ in 0..16 {
        let miss = minus(&b_powers.at(s), &a_powers.at(t));
        let ([ax, ay], [bx, by]) = (quadratic_at(&a_sides, t), quadratic_at(&b_sides, s));
        let cross = 3.0 * (ax * by - ay * bx);
        if cross == 0.0 {
            break;
        }
        let next_t = (t + (miss[0] * by - miss[1] * bx) / cross).clamp(p.from, p.to);
        let next_s = (s + (miss[0] * ay - miss[1] * ax) / cross).clamp(q.from, q.to);
        let still = (next_t - t).abs() <= f64::EPSILON * t && (next_s - s).abs() <= f64::EPSILON * s;
        (t, s) = (next_t, next_s);
        if still {
            break;
        }
    }
    let miss = norm(&minus(&b_powers.at(s), &a_powers.at(t)));
    (miss <= noise).then_some(Meeting { t, s })
}

/// Returns the diagonal of the box around the control points, or a little less.
fn extent(points: &Segment<2>) -> f64 {
    points.iter().map(|point| norm(&minus(point, &points[0]))).fold(0.0, f64::max)
}

fn straight([p0, p1, p2, p3]: &Segment<2>, noise: f64) -> bool {
    let [x, y] = minus(p3, p0);
    let length = norm(&[x, y]);
    let off = |p: &Point| {
        let [dx, dy] = minus(p, p0);
        if length <= noise { norm(&[dx, dy]) } else { ((dx * y - dy * x) / length).abs() }
    };
    off(p1).max(off(p2)) <= noise
}

/// Adds a touch, as part of one that it borders on where there is one.
fn add(touches: &mut Vec<Touch>, touch: Touch) {
    let near = |x: &[f64; 2], y: &[f64; 2]| x[0] <= y[1] + NARROW && y[0] <= x[1] + NARROW;
    let full = touches.len() >= PLACES;
    match touches
        .iter_mut()
        .rev()
        .find(|other| full || (near(&other.a, &touch.a) && near(&other.b, &touch.b)))
    {
        Some(other) => {
            let around = |x: [f64; 2], y: [f64; 2]| [x[0].min(y[0]), x[1].max(y[1])];
            *other = Touch { a: around(other.a, touch.a), b: around(other.b, touch.b), ..*other };
        }
        None => touches.push(touch),
    }
}

/// Returns the middle of a touch, or the closest of its ends where that is not near; nothing where those are not near either.
fn closest(a: &Segment<2>, b: &Segment<2>, touch: &Touch, noise: f64) -> Option<Meeting> {
    closest_in(a, touch.a, b, touch.b, noise).or_else(|| closest_in(a, touch.one.0, b, touch.one.1, noise))
}

fn closest_in(
    a: &Segment<2>,
    a_range: [f64; 2],
    b: &Segment<2>,
    b_range: [f64; 2],
    noise: f64,
) -> Option<Meeting> {
    let [a_piece, b_piece] = [piece(a, a_range[0], a_range[1]), piece(b, b_range[0], b_range[1])];
    let along = |[from, to]: [f64; 2], t: f64| if t >= 1.0 { to } else { from + t * (to - from) };
    let from_a = |t: f64| {
        let place = nearest_in_segment(&b_piece, Powers::new(&a_piece).at(t));
        (place.distance, Meeting { t: along(a_range, t), s: along(b_range, place.t) })
    };
    let from_b = |s: f64| {
        let place = nearest_in_segment(&a_piece, Powers::new(&b_piece).at(s));
        (place.distance, Meeting { t: along(a_range, place.t), s: along(b_range, s) })
    };
    let limit = 4.0 * noise;
    let middle = from_a(0.5);
    if middle.0 <= limit {
        return Some(middle.1);
    }
    let ends = [from_a(0.0), from_a(1.0), from_b(0.0), from_b(1.0), from_b(0.5)];
    let (distance, meeting) = ends.into_iter().min_by(|x, y| x.0.total_cmp(&y.0))?;
    (distance <= limit).then_some(meeting)
}
