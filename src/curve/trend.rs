//! Where a run of noisy points is heading.

use std::array::from_fn;

use super::segment::{dot, max_abs, minus, norm};

/// How much more than each degree of freedom that is left a higher degree is to explain, to be taken for more than noise.
const SIGNIFICANT: f64 = 8.0;

/// The highest degree of a trend.
const HIGHEST: usize = 3;

/// So many neighbours on each side always count.
const LEAST: usize = 2;

/// What a polynomial, fitted to neighbouring points, says about one of them.
pub(super) struct Trend<const D: usize> {
    /// Where the point would be without noise.
    pub(super) at: [f64; D],
    /// The unit vector in which the points go on there.
    pub(super) direction: [f64; D],
}

impl<const D: usize> Trend<D> {
    /// Returns the trend at `points[index]` of the points around it, up to the first on each side farther than `reach` from it.
    ///
    /// There are two or more points, and no two neighbours are equal. Two neighbours on each side always count, where there are,
    /// and never more than a quarter of the points. A polynomial over the length of the polyline is fitted by least squares: a
    /// line, or of degree 2 or 3 where that explains more than noise would.
    pub(super) fn around(points: &[[f64; D]], index: usize, reach: f64) -> Self {
        let center = points[index];
        let window = window(points, index, reach);
        let run = &points[window.clone()];
        let samples = samples(run, index - window.start);
        let fitted = fitted(&samples).filter(|trend| max_abs(&trend.direction) > 0.0);
        let ahead = unit(minus(&run[run.len() - 1], &run[0]));
        let Some(Self { at, direction }) = fitted else {
            let before = index.saturating_sub(1);
            let edge = unit(minus(&points[before + 1], &points[before]));
            return Self { at: center, direction: if max_abs(&ahead) > 0.0 { ahead } else { edge } };
        };
        Self { at: from_fn(|i| center[i] + at[i]), direction: unit(direction) }
    }
}

/// Returns the unit vector along the line through the points, which are two or more with no two equal neighbours.
pub(super) fn heading<const D: usize>(points: &[[f64; D]]) -> [f64; D] {
    let samples = samples(points, 0);
    let mut line = Fitting::new(&samples);
    line.add_degree(&samples);
    line.add_degree(&samples);
    unit(line.slope)
}

/// Returns the indices around `index` that count.
fn window<const D: usize>(points: &[[f64; D]], index: usize, reach: f64) -> std::ops::Range<usize> {
    let near = |point: &&[f64; D]| norm(&minus(point, &points[index])) <= reach;
    let most = (points.len() / 4).max(LEAST);
    let before = points[..index].iter().rev().take(most).take_while(near).count().max(LEAST.min(index));
    let after = &points[index + 1..];
    let after = after.iter().take(most).take_while(near).count().max(LEAST.min(after.len()));
    index - before..index + after + 1
}

/// Returns each point relative to `points[index]`, and how far along the polyline from there it is, in parts of the whole.
fn samples<const D: usize>(points: &[[f64; D]], index: usize) -> Vec<(f64, [f64; D])> {
    let mut length = 0.0;
    let mut along: Vec<_> = vec![0.0];
    along.extend(points.windows(2).map(|pair| {
        length += norm(&minus(&pair[1], &pair[0]));
        length
    }));
    let origin = along[index];
    along.iter().zip(points).map(|(s, point)| ((s - origin) / length, minus(point, &points[index]))).collect()
}

/// Fits polynomials to samples by least squares, degree by degree, with polynomials that are orthogonal over them (Forsythe,
/// "Generation and use of orthogonal polynomials for data-fitting with a digital computer", 1957).
struct Fitting<const D: usize> {
    /// What the polynomial of the next degree, and the one before, are at each sample, and value and slope at 0.
    now: Vec<f64>,
    before: Vec<f64>,
    now_at_0: [f64; 2],
    before_at_0: [f64; 2],
    squares_before: f64,
    /// What the fit leaves of each sample.
    left: Vec<[f64; D]>,
    /// The fit's value and slope at 0.
    value: [f64; D],
    slope: [f64; D],
}

impl<const D: usize> Fitting<D> {
    fn new(samples: &[(f64, [f64; D])]) -> Self {
        let count = samples.len();
        Self {
            now: vec![1.0; count],
            before: vec![0.0; count],
            now_at_0: [1.0, 0.0],
            before_at_0: [0.0; 2],
            squares_before: 1.0,
            left: samples.iter().map(|(_, point)| *point).collect(),
            value: [0.0; D],
            slope: [0.0; D],
        }
    }

    /// Fits one degree more, and returns how much smaller that makes the sum of squares.
    fn add_degree(&mut self, samples: &[(f64, [f64; D])]) -> f64 {
        let squares: f64 = self.now.iter().map(|x| x * x).sum();
        let sum = self
            .now
            .iter()
            .zip(&self.left)
            .fold([0.0; D], |sum, (x, left)| from_fn(|i| sum[i] + x * left[i]));
        let part = sum.map(|x| x / squares);
        for (x, left) in self.now.iter().zip(&mut self.left) {
            *left = from_fn(|i| left[i] - x * part[i]);
        }
        let [at_0, slope_at_0] = self.now_at_0;
        self.value = from_fn(|i| self.value[i] + part[i] * at_0);
        self.slope = from_fn(|i| self.slope[i] + part[i] * slope_at_0);
        // The next is (s - center) · this one - ratio · the one before.
        let center = self.now.iter().zip(samples).map(|(x, (s, _))| s * x * x).sum::<f64>() / squares;
        let ratio = squares / self.squares_before;
        for ((now, before), (s, _)) in self.now.iter_mut().zip(&mut self.before).zip(samples) {
            (*now, *before) = ((s - center) * *now - ratio * *before, *now);
        }
        let next = [
            -center * at_0 - ratio * self.before_at_0[0],
            at_0 - center * slope_at_0 - ratio * self.before_at_0[1],
        ];
        (self.now_at_0, self.before_at_0, self.squares_before) = (next, self.now_at_0, squares);
        dot(&sum, &part)
    }
}

/// Returns value and slope at 0 of the polynomial that fits the samples; `None` where the numbers overflow.
fn fitted<const D: usize>(samples: &[(f64, [f64; D])]) -> Option<Trend<D>> {
    let mut fitting = Fitting::new(samples);
    fitting.add_degree(samples);
    fitting.add_degree(samples);
    let mut best = (fitting.value, fitting.slope);
    // A parabola is taken through three points; of more, one at least is left to tell noise from a bend.
    let degrees = if samples.len() == 3 { 2 } else { samples.len().saturating_sub(2).min(HIGHEST) };
    let steps: Vec<_> =
        (2..=degrees).map(|_| (fitting.add_degree(samples), fitting.value, fitting.slope)).collect();
    let left: f64 = fitting.left.iter().map(|miss| dot(miss, miss)).sum();
    let free = samples.len().saturating_sub(degrees + 1).max(1) as f64;
    if let Some((_, value, slope)) = steps.iter().rev().find(|(gain, ..)| gain * free > SIGNIFICANT * left) {
        best = (*value, *slope);
    }
    let finite = best.0.iter().chain(&best.1).all(|x| x.is_finite());
    finite.then_some(Trend { at: best.0, direction: best.1 })
}

/// Returns the vector at length 1; 0 for a vector of length 0.
pub(super) fn unit<const D: usize>(v: [f64; D]) -> [f64; D] {
    let largest = max_abs(&v);
    if largest == 0.0 {
        return v;
    }
    let v = v.map(|x| x / largest);
    let length = norm(&v);
    v.map(|x| x / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns points of y = x³ / 3 that lie alternately above and below it.
    fn cubic(count: i32, noise: f64) -> Vec<[f64; 2]> {
        let side = |i: i32| if i % 2 == 0 { noise } else { -noise };
        (-count..=count)
            .map(|i| (f64::from(i) / f64::from(count), side(i)))
            .map(|(x, off)| [x, x * x * x / 3.0 + off])
            .collect()
    }

    #[test]
    fn noise_leaves_place_and_direction_nearly_as_they_are() {
        for (noise, bound) in [(0.0, 2e-3), (0.02, 0.04)] {
            let points = cubic(200, noise);
            let middle = Trend::around(&points, 200, 0.4);
            assert!(middle.at[1].abs() < bound && middle.direction[1].abs() < bound, "{noise}");
            let end = Trend::around(&points, 400, 0.4).direction;
            assert!((end[1] - 0.5_f64.sqrt()).abs() < 4.0 * bound, "{end:?}");
        }
    }

    #[test]
    fn a_straight_line_is_its_own_trend() {
        let points: Vec<_> = (0..9).map(|i| [3.0 * f64::from(i), 4.0 * f64::from(i)]).collect();
        for index in [0, 4, 8] {
            let Trend { at, direction } = Trend::around(&points, index, 10.0);
            assert!(norm(&minus(&at, &points[index])) < 1e-12);
            assert!(norm(&minus(&direction, &[0.6, 0.8])) < 1e-12);
        }
        assert!(norm(&minus(&heading(&points), &[0.6, 0.8])) < 1e-12);
        assert!(norm(&minus(&heading(&points[..2]), &[0.6, 0.8])) < 1e-12);
    }

    #[test]
    fn points_that_turn_back_on_themselves_have_a_direction_too() {
        for points in [vec![[0.0], [1.0]], vec![[0.0], [1.0], [0.0]], vec![[0.0], [1.0], [0.0], [1.0], [0.0]]]
        {
            for index in 0..points.len() {
                assert_eq!(
                    Trend::around(&points, index, 9.0).direction[0].abs(),
                    1.0,
                    "{index} of {points:?}"
                );
            }
        }
    }
}
