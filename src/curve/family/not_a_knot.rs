//! The spline whose first two segments are one cubic, and whose last two.
//!
//! With second derivatives M for unknowns, an inner point of spans h and k and slopes s and t has the row
//! h M₋ + 2 (h + k) M + k M₊ = 6 (t - s) (de Boor, A Practical Guide to Splines, 2001, chapter IV). A cubic over the first two spans
//! ties M₀ and M₁ to M₂; with both put in, every coefficient that is left is a sum of spans, and nothing cancels however much
//! neighbouring spans differ. (An equation for the derivative at the end, as for other splines, loses as many digits as the ratio
//! of the two spans has.)

use std::array::from_fn;

/// Returns the derivatives at the points, for three spans and more.
///
/// The unknowns are bends: a sixth of the second derivative times the two spans beside it, so that they are of the size of
/// slopes, and all factors of the system at most 3.
pub(super) fn derivatives<const D: usize>(spans: &[f64], slopes: &[[f64; D]]) -> Vec<[f64; D]> {
    let last = spans.len();
    let width = |i: usize| spans[i - 1] + spans[i];
    let bends = if last == 3 { one_cubic(spans, slopes) } else { solve(spans, slopes) };
    let mut derivatives = vec![[0.0; D]; last + 1];
    for i in 3..last.saturating_sub(2) {
        // From the shorter of its spans, where bending takes the least.
        let (before, after) = (spans[i - 1], spans[i]);
        derivatives[i] = from_fn(|axis| {
            let bend = |i: usize| bends[i][axis];
            if before <= after {
                slopes[i - 1][axis]
                    + (before / width(i - 1) * bend(i - 1) + 2.0 * (before / width(i)) * bend(i))
            } else {
                slopes[i][axis] - (2.0 * (after / width(i)) * bend(i) + after / width(i + 1) * bend(i + 1))
            }
        });
    }
    let start = end_cubic([spans[0], spans[1]], [&slopes[0], &slopes[1]], &bends[2], width(2));
    derivatives[..3].copy_from_slice(&start);
    // Seen backwards, bends keep their signs, and slopes do not.
    let bend = bends[last - 2].map(|x| -x);
    let [a, b] = [last - 1, last - 2];
    let end = end_cubic([spans[a], spans[b]], [&slopes[a], &slopes[b]], &bend, width(last - 2));
    for (k, derivative) in end.into_iter().enumerate() {
        derivatives[last - k] = derivative;
    }
    derivatives
}

/// Returns the bends at the points but for the first two and the last two, for four spans and more; 0 there.
fn solve<const D: usize>(spans: &[f64], slopes: &[[f64; D]]) -> Vec<[f64; D]> {
    let last = spans.len();
    let width = |i: usize| spans[i - 1] + spans[i];
    let turn = |i: usize| -> [f64; D] { from_fn(|axis| slopes[i][axis] - slopes[i - 1][axis]) };
    let (mut bends, mut factors) = (vec![[0.0; D]; last + 1], vec![0.0; last + 1]);
    for i in 2..=last - 2 {
        let (mut before, mut after, mut sum) = (2.0 * spans[i - 1], 2.0 * spans[i], turn(i));
        // Beside an end the row of the point next to it is put in.
        let mut put_in = |own: f64, beside: f64, turn: [f64; D]| {
            let whole = 2.0 * beside + own;
            sum = from_fn(|axis| sum[axis] - beside / (own + beside) * (beside / whole) * turn[axis]);
            3.0 * beside * ((own + beside) / whole)
        };
        if i == 2 {
            before = put_in(spans[0], spans[1], turn(1));
        }
        if i == last - 2 {
            after = put_in(spans[last - 1], spans[last - 2], turn(last - 1));
        }
        let to_before = if i == 2 { 0.0 } else { spans[i - 1] / width(i - 1) };
        let pivot = (before + after) / width(i) - to_before * factors[i - 1];
        let beside = bends[i - 1];
        bends[i] = from_fn(|axis| (sum[axis] - to_before * beside[axis]) / pivot);
        factors[i] = spans[i] / width(i + 1) / pivot;
    }
    for i in (2..last - 2).rev() {
        let next = bends[i + 1];
        bends[i] = from_fn(|axis| bends[i][axis] - factors[i] * next[axis]);
    }
    bends
}

/// Returns the bends at the two inner points of three spans, which are one cubic (Newton's divided differences).
fn one_cubic<const D: usize>(spans: &[f64], slopes: &[[f64; D]]) -> Vec<[f64; D]> {
    let whole: f64 = spans.iter().sum();
    let [width, other] = [spans[0] + spans[1], spans[1] + spans[2]];
    let mut bends = vec![[0.0; D]; 4];
    for axis in 0..D {
        let [first, second] = [1, 2].map(|i| slopes[i][axis] - slopes[i - 1][axis]);
        bends[1][axis] = (first - (spans[1] - spans[0]) / whole * (second * (width / other) - first)) / 3.0;
        bends[2][axis] = (second - (spans[2] - spans[1]) / whole * (second - first * (other / width))) / 3.0;
    }
    bends
}

/// Returns the derivatives at the three points of two spans that are one cubic, of the bend at the third and its two spans together.
fn end_cubic<const D: usize>(
    [own, beside]: [f64; 2],
    [slope, next]: [&[f64; D]; 2],
    bend: &[f64; D],
    width: f64,
) -> [[f64; D]; 3] {
    let (both, whole) = (own + beside, 2.0 * beside + own);
    let [first, second, third] = [[own, both], [own, beside], [beside, both]]
        .map(|[factor, other]| 3.0 * (factor / whole) * (other / width));
    let (turned, part) =
        (own / both * ((3.0 * beside + 2.0 * own) / whole), beside / both * (beside / whole));
    let turn: [f64; D] = from_fn(|axis| next[axis] - slope[axis]);
    [
        from_fn(|axis| slope[axis] + first * bend[axis] - turned * turn[axis]),
        from_fn(|axis| next[axis] - second * bend[axis] - 2.0 * part * turn[axis]),
        from_fn(|axis| next[axis] + third * bend[axis] + part * turn[axis]),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::super::{Curve, Knots, SplineEnds};

    #[test]
    fn one_cubic_through_all_points_is_found_again_whatever_their_number_and_spacing() {
        let cubic = |u: f64| ((u - 3.0) * u + 2.0) * u - 7.0;
        for knots in [
            vec![0.0, 1.0, 2.0, 3.0],
            vec![-4.0, 12.0, 12.5, 13.0],
            vec![0.0, 64.0, 64.5, 65.0, 96.0],
            vec![-8.0, -7.5, 0.0, 0.25, 16.0, 16.5],
            vec![0.0, 0.5, 1.0, 9.0, 9.5, 9.75, 40.0, 41.0, 42.0],
        ] {
            let points: Vec<_> = knots.iter().map(|&u| [u, cubic(u)]).collect();
            let curve = Curve::spline(&points, &Knots::Given(knots.clone()), SplineEnds::NotAKnot).unwrap();
            let largest = points.iter().fold(0.0, |largest: f64, [_, y]| largest.max(y.abs()));
            for pair in knots.windows(2) {
                let u = 0.75 * pair[0] + 0.25 * pair[1];
                let [x, y] = curve.eval(u);
                assert!((x - u).abs() <= 8.0 * f64::EPSILON * 100.0, "{knots:?} at {u}: {x}");
                assert!((y - cubic(u)).abs() <= 8.0 * f64::EPSILON * largest, "{knots:?} at {u}: {y}");
            }
        }
    }
}
