//! Corners of polylines, in spite of noise.

use super::error::Error;
use super::segment::{dot, minus, norm};
use super::simplify::simplify;
use super::trend::{heading, unit};

/// The cosine of the turn from which on a point is a corner: 60 degrees.
const CORNER: f64 = 0.5;

/// How long the two sides are that tell a corner, in tolerances.
const SIDE: f64 = 4.0;

/// How short one may be at least, in tolerances.
const SHORT: f64 = 2.5;

/// So many points at most are looked at beyond the next of the simplified polyline.
const BEYOND: usize = 256;

/// The corners of a polyline without equal neighbours.
pub(super) struct Corners {
    /// The indices of those between the first point and the last, ascending.
    pub(super) inner: Vec<usize>,
    /// Whether the polyline is closed and goes on smoothly where it begins and ends.
    pub(super) smooth_seam: bool,
}

impl Corners {
    /// Finds the corners that count at a tolerance.
    ///
    /// They are among the points that [`simplify`] keeps. To the points on each side of one a line is fitted, up to the next one
    /// kept or a few tolerances; it is a corner if the lines turn by more than 60 degrees, and somewhere there the edges do too:
    /// a bend that takes many edges is none, however tight.
    pub(super) fn find<const D: usize>(points: &[[f64; D]], tolerance: f64) -> Result<Self, Error> {
        let kept = simplify(points, tolerance)?;
        let is_corner = |before: usize, at: [usize; 2], after: usize| {
            let from = at[0] - side(points, at[0], (0..at[0]).rev(), before, tolerance);
            let to = at[1] + side(points, at[1], at[1] + 1..points.len(), after, tolerance);
            turns(&points[from..=at[0]], &points[at[1]..=to])
        };
        let inner =
            kept.windows(3).filter(|around| is_corner(around[0], [around[1]; 2], around[2])).map(|a| a[1]);
        let smooth_seam = match kept[..] {
            [first, _, .., last] if points[first] == points[last] => {
                !is_corner(kept[kept.len() - 2], [last, first], kept[1])
            }
            _ => false,
        };
        Ok(Self { inner: inner.collect(), smooth_seam })
    }
}

/// Returns how many of the points on one side count: those up to the next of the simplified polyline, and not too far; or some
/// beyond that one, if it is too near to tell.
fn side<const D: usize>(
    points: &[[f64; D]],
    at: usize,
    others: impl Iterator<Item = usize>,
    next: usize,
    tolerance: f64,
) -> usize {
    let inner = at.abs_diff(next);
    let near = |(k, i): &(usize, usize)| {
        let reach = if *k < inner { SIDE } else { SHORT };
        norm(&minus(&points[*i], &points[at])) <= reach * tolerance
    };
    others.take(inner.saturating_add(BEYOND)).enumerate().take_while(near).count().max(1)
}

/// Returns whether the first run of points, and the second that begins where it ends, make a corner.
fn turns<const D: usize>(before: &[[f64; D]], after: &[[f64; D]]) -> bool {
    let sharp = |around: &[[f64; D]]| {
        let (before, after) = (minus(&around[1], &around[0]), minus(&around[2], &around[1]));
        dot(&unit(before), &unit(after)) < CORNER
    };
    dot(&heading(before), &heading(after)) < CORNER
        && (sharp(&[before[before.len() - 2], after[0], after[1]])
            || before.windows(3).any(sharp)
            || after.windows(3).any(sharp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_beyond_the_tolerance_have_corners_and_those_below_have_none() {
        let points: Vec<_> = (0..400_i32)
            .map(|i| [i % 40, i / 40])
            .map(|[x, step]| {
                let (along, up) = (f64::from(x.min(20)) / 20.0, f64::from((x - 20).max(0)) / 20.0);
                [f64::from(step) + along, f64::from(step) + up]
            })
            .collect();
        let found = Corners::find(&points, 0.2).unwrap();
        assert_eq!(found.inner, (1..20).map(|i| 20 * i).collect::<Vec<_>>());
        assert!(Corners::find(&points, 1.0).unwrap().inner.is_empty());
    }

    #[test]
    fn a_tight_bend_of_many_edges_is_no_corner() {
        let circle: Vec<_> = (0..=90).map(|i| f64::from(i % 90) / 90.0 * std::f64::consts::TAU).collect();
        let circle: Vec<_> = circle.into_iter().map(|a| [a.cos(), a.sin()]).collect();
        for tolerance in [1e-6, 0.01, 0.5, 0.9] {
            let found = Corners::find(&circle, tolerance).unwrap();
            assert!(found.inner.is_empty() && found.smooth_seam, "{tolerance}");
        }
    }

    #[test]
    fn a_closed_line_that_turns_back_is_not_smooth_where_it_closes() {
        let found = Corners::find(&[[0.0], [1.0], [2.0], [1.0], [0.0]], 0.1).unwrap();
        assert_eq!((found.inner, found.smooth_seam), (vec![2], false));
    }
}
