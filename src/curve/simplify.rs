//! Polylines with fewer points.

use super::error::{Error, check_tolerance};
use super::piecewise::check_points;
use super::segment::{dot, max_abs, minus, norm};

/// Returns the indices, ascending, of points that stand for the whole polyline within `tolerance`.
///
/// The first and the last are always among them. Every point between two neighbours in the result, and so every edge, lies
/// within `tolerance` of the straight edge between those two, up to the rounding of the coordinates. A closed polyline is one
/// whose last point is its first.
///
/// The point farthest from the edge is kept until none is too far (Ramer 1972, Douglas and Peucker 1973), by a list and not by
/// recursion. There are usually a few more points than the fewest possible. The time is n log n for most polylines, and n² at
/// worst, where each cut takes off a single point.
///
/// # Errors
///
/// [`Error::Point`] for a coordinate out of range, [`Error::Tolerance`] unless the tolerance is finite and above 0.
///
/// # Examples
///
/// ```
/// use circlet::curve::simplify;
///
/// let points = [[0.0, 0.0], [1.0, 0.1], [2.0, -0.1], [3.0, 5.0], [4.0, 6.0], [5.0, 7.0]];
/// assert_eq!(simplify(&points, 0.5)?, [0, 2, 3, 5]);
/// # Ok::<(), circlet::curve::Error>(())
/// ```
pub fn simplify<const D: usize>(points: &[[f64; D]], tolerance: f64) -> Result<Vec<usize>, Error> {
    check_points(points)?;
    check_tolerance(tolerance)?;
    let Some(last) = points.len().checked_sub(1) else { return Ok(Vec::new()) };
    let mut kept = vec![0];
    // Ends of stretches still to look at, the next one on top.
    let mut ends = vec![last];
    while let Some(&end) = ends.last() {
        let start = kept[kept.len() - 1];
        match farthest(points, start, end) {
            Some((index, distance)) if distance > tolerance => ends.push(index),
            _ => {
                ends.pop();
                if end > start {
                    kept.push(end);
                }
            }
        }
    }
    Ok(kept)
}

/// Returns the point between `start` and `end` that is farthest from the edge between those, and its distance.
fn farthest<const D: usize>(points: &[[f64; D]], start: usize, end: usize) -> Option<(usize, f64)> {
    let edge = Edge::new(&points[start], &points[end]);
    let between = points.iter().enumerate().take(end).skip(start + 1);
    between.map(|(i, point)| (i, edge.distance(point))).max_by(|a, b| a.1.total_cmp(&b.1))
}

/// A straight edge, and the unit vector along it.
struct Edge<const D: usize> {
    start: [f64; D],
    end: [f64; D],
    along: [f64; D],
    length: f64,
}

impl<const D: usize> Edge<D> {
    fn new(start: &[f64; D], end: &[f64; D]) -> Self {
        let vector = minus(end, start);
        let largest = max_abs(&vector);
        let scaled = vector.map(|x| if largest > 0.0 { x / largest } else { 0.0 });
        let length = norm(&scaled);
        let along = scaled.map(|x| if length > 0.0 { x / length } else { 0.0 });
        Self { start: *start, end: *end, along, length: norm(&vector) }
    }

    fn distance(&self, point: &[f64; D]) -> f64 {
        let from_start = minus(point, &self.start);
        let along = dot(&from_start, &self.along);
        if along <= 0.0 {
            norm(&from_start)
        } else if along >= self.length {
            norm(&minus(point, &self.end))
        } else {
            norm(&std::array::from_fn::<f64, D, _>(|i| from_start[i] - along * self.along[i]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::properties::distance_to_edge;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn straight_runs_become_their_ends() {
        let points: Vec<_> = (0..100).map(|i| [f64::from(i), 2.0 * f64::from(i)]).collect();
        assert_eq!(simplify(&points, 1e-9).unwrap(), [0, 99]);
    }

    #[test]
    fn a_run_that_turns_back_keeps_its_turn() {
        assert_eq!(simplify(&[[0.0, 0.0], [9.0, 0.0], [1.0, 0.0]], 0.5).unwrap(), [0, 1, 2]);
        assert_eq!(simplify(&[[0.0, 0.0], [9.0, 0.0], [0.0, 0.0]], 0.5).unwrap(), [0, 1, 2]);
    }

    #[test]
    fn few_and_equal_points_are_no_trouble() {
        assert_eq!(simplify::<2>(&[], 1.0).unwrap(), Vec::<usize>::new());
        assert_eq!(simplify(&[[7.0]], 1.0).unwrap(), [0]);
        assert_eq!(simplify(&[[7.0, 1.0, 3.0]; 9], 1e-300).unwrap(), [0, 8]);
    }

    #[test]
    fn a_long_zigzag_needs_no_deep_stack() {
        let points: Vec<_> = (0..3_000).map(|i| [f64::from(i), f64::from(i % 2) * f64::from(i)]).collect();
        assert_eq!(simplify(&points, 0.5).unwrap().len(), points.len());
    }

    #[test]
    fn the_largest_and_the_smallest_coordinates_are_measured() {
        let tall = [[0.0, 0.0], [1e300, 1e300], [-1e300, 1e300]];
        assert_eq!(simplify(&tall, 1e299).unwrap(), [0, 1, 2]);
        let low = [[0.0, 0.0], [1.0, 1e-200], [2.0, 0.0]];
        assert_eq!(simplify(&low, 1e-201).unwrap(), [0, 1, 2]);
        assert_eq!(simplify(&low, 1e-199).unwrap(), [0, 2]);
        assert_eq!(simplify(&[[0.0, 0.0], [1e-322, 1e-321], [2e-322, 0.0]], 5e-324).unwrap(), [0, 1, 2]);
    }

    #[test]
    fn input_that_is_none_is_refused() {
        assert!(matches!(simplify(&[[0.0], [f64::NAN]], 1.0), Err(Error::Point { index: 1, .. })));
        assert!(matches!(simplify(&[[0.0]], f64::NAN), Err(Error::Tolerance { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_point_stays_within_the_tolerance_of_its_edge(
            points in prop::collection::vec(prop::array::uniform2(-1.0..1.0), 1..60),
            tolerance in 1e-3..1.0_f64,
        ) {
            let kept = simplify(&points, tolerance).unwrap();
            prop_assert_eq!((kept[0], kept[kept.len() - 1]), (0, points.len() - 1));
            for pair in kept.windows(2) {
                for point in &points[pair[0]..=pair[1]] {
                    let miss = distance_to_edge(*point, points[pair[0]], points[pair[1]]);
                    prop_assert!(miss <= tolerance * (1.0 + 1e-12), "{miss}");
                }
            }
        }
    }
}
