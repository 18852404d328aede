//! Evenly spaced points, at the speed of memory.

use rayon::prelude::*;

use super::eval::{CHUNK, SERIAL};
use super::piecewise::PiecewiseCubic;
use super::segment::Powers;
use super::simd;

impl<const D: usize> PiecewiseCubic<D> {
    /// Fills `out` with the points at evenly spaced parameters over the domain, the first and the last exactly the ends.
    ///
    /// Parameter j of n is `a + j * ((b - a) / (n - 1))` on the domain a to b; a single point is the start. A point may differ from
    /// what [`eval`](Self::eval) gives there by the rounding of that parameter. The result has the same bits for any number of
    /// threads: more than 262,144 points are shared among the threads of the rayon pool that is current where this is called,
    /// by default the global one.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let line = Curve::bezier(&[[0.0, 0.0], [8.0, 4.0]])?;
    /// let mut points = [[0.0; 2]; 5];
    /// line.sample_into(&mut points);
    /// assert_eq!(points, [[0.0, 0.0], [2.0, 1.0], [4.0, 2.0], [6.0, 3.0], [8.0, 4.0]]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn sample_into(&self, out: &mut [[f64; D]]) {
        let count = out.len();
        let grid = self.grid(count);
        let fill = |(i, out): (usize, &mut [[f64; D]])| self.sample_chunk(&grid, i * CHUNK, out);
        if count <= SERIAL {
            out.chunks_mut(CHUNK).enumerate().for_each(fill);
        } else {
            out.par_chunks_mut(CHUNK).enumerate().for_each(fill);
        }
        if count > 1 {
            out[count - 1] = self.end();
        }
    }

    /// Returns `count` evenly spaced parameters over the domain.
    pub(super) fn grid(&self, count: usize) -> Grid {
        let (first, last) = self.domain();
        Grid { first, last, step: (last - first) / count.saturating_sub(1).max(1) as f64 }
    }

    /// Fills `out` with the points `start`, `start + 1`, … of the grid. At most [`CHUNK`] of them: rounding grows with a chunk.
    pub(super) fn sample_chunk(&self, grid: &Grid, start: usize, out: &mut [[f64; D]]) {
        simd::widest(Chunk { curve: self, grid, start, out });
    }

    /// Returns the segment of `u`, which is most often the one after `i`.
    #[inline(always)]
    fn next_segment(&self, i: usize, u: f64) -> usize {
        match self.knots().get(i + 2) {
            Some(&knot) if u >= knot && i + 2 < self.segment_count() => self.segment_at(u),
            _ => i + 1,
        }
    }
}

/// The points `start`, `start + 1`, … of the grid. At most [`CHUNK`] of them.
struct Chunk<'a, const D: usize> {
    curve: &'a PiecewiseCubic<D>,
    grid: &'a Grid,
    start: usize,
    out: &'a mut [[f64; D]],
}

impl<const D: usize> simd::Work for Chunk<'_, D> {
    #[inline(always)]
    fn run(self) {
        let Self { curve, grid, start, out } = self;
        let (mut done, last) = (0, curve.segment_count() - 1);
        let mut i = curve.segment_at(grid.at(start));
        loop {
            let knot = curve.knots()[i + 1];
            let end = if i == last { out.len() } else { grid.first_from(knot, start, done, out.len()) };
            if done < end {
                let from = curve.local(i, grid.at(start + done));
                // Where it overflows, one point is all that the segment has, and 0 times infinity would be NaN.
                let step = (grid.step / (knot - curve.knots()[i])).min(f64::MAX);
                Powers::new(&curve.segments()[i]).fill(from, step, &mut out[done..end]);
                done = end;
            }
            if done == out.len() {
                return;
            }
            // Segments that lie between two parameters are passed over.
            i = curve.next_segment(i, grid.at(start + done));
        }
    }
}

/// Evenly spaced parameters.
pub(super) struct Grid {
    first: f64,
    last: f64,
    step: f64,
}

impl Grid {
    /// Returns parameter `j`.
    #[inline(always)]
    fn at(&self, j: usize) -> f64 {
        (self.first + j as f64 * self.step).min(self.last)
    }

    /// Returns the first index of `from..to`, counted from `start`, whose parameter is not below `knot`; `to` if there is none.
    #[inline(always)]
    fn first_from(&self, knot: f64, start: usize, from: usize, to: usize) -> usize {
        let guess = ((knot - self.first) / self.step).ceil() - start as f64;
        // Rounding makes it one too many or too few.
        let mut k = (guess as usize).clamp(from, to);
        while k > from && self.at(start + k - 1) >= knot {
            k -= 1;
        }
        while k < to && self.at(start + k) < knot {
            k += 1;
        }
        k
    }
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::super::properties::wave;
    use super::*;

    #[test]
    fn a_segment_much_shorter_than_the_step_gives_its_point() {
        let segment = [[3.0, 4.0], [3.0, 5.0], [4.0, 5.0], [4.0, 4.0]];
        let curve = Curve::from_segments(vec![segment; 2], vec![0.0, 1e-300, 1e300]).unwrap();
        for count in [2, 3, 5, 1000] {
            let mut points = vec![[f64::NAN; 2]; count];
            curve.sample_into(&mut points);
            assert_eq!(points[0], [3.0, 4.0], "{count}");
            assert!(points.as_flattened().iter().all(|x| x.is_finite()), "{count}");
        }
    }

    #[test]
    fn sampling_is_evaluating_but_for_the_parameters_rounding() {
        let curve = wave();
        for count in [0, 1, 2, 3, 1000, SERIAL, SERIAL + 1, 300_003] {
            let mut samples = vec![[f64::NAN; 2]; count];
            curve.sample_into(&mut samples);
            let step = 3.4 / (count.max(2) - 1) as f64;
            let near = |a: [f64; 2], b: [f64; 2]| (0..2).all(|i| (a[i] - b[i]).abs() <= 1e-12);
            for (j, &sample) in samples.iter().enumerate() {
                let u = -0.3 + j as f64 * step;
                // At the jump, either side of it.
                let at_jump = (u - 2.9).abs() < 1e-12;
                assert!(at_jump || near(sample, curve.eval(u)), "{count} samples: {j}");
            }
            if count > 1 {
                assert_eq!((samples[0], samples[count - 1]), (curve.start(), curve.end()));
            }
        }
    }

    #[test]
    fn the_number_of_threads_does_not_change_a_bit() {
        let sample = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut out = vec![[0.0; 2]; 3 * SERIAL + 17];
            pool.install(|| wave().sample_into(&mut out));
            out
        };
        assert!(sample(1) == sample(3));
    }

    #[test]
    fn segments_between_two_parameters_are_passed_over() {
        let knots: Vec<f64> = (0..=1000).map(|i| f64::from(i) / 7.0).collect();
        let points: Vec<_> = (0..=1000).map(|i| [f64::from(i), f64::from(i % 2)]).collect();
        let segments = Curve::linear(&points, false).unwrap().segments().to_vec();
        let curve = Curve::from_segments(segments, knots).unwrap();
        for count in [2, 5, 11, 101, 334] {
            let mut samples = vec![[0.0; 2]; count];
            curve.sample_into(&mut samples);
            for (j, sample) in samples.iter().enumerate() {
                let x = 1000.0 * j as f64 / (count - 1) as f64;
                assert!((sample[0] - x).abs() < 1e-9, "{count} samples: {j} is {sample:?}, not at {x}");
            }
        }
    }

    #[test]
    fn a_constant_coordinate_stays_constant_in_every_sample() {
        let curve = Curve::bezier(&[[0.1, 0.0], [0.1, 1.0], [0.1, 1.0], [0.1, 0.0]]).unwrap();
        let mut samples = vec![[0.0; 2]; 1001];
        curve.sample_into(&mut samples);
        assert!(samples.iter().all(|sample| sample[0] == 0.1));
    }

    #[test]
    fn the_shortest_and_the_widest_knot_spans_give_numbers() {
        let segment = [[0.0, 0.0], [1.0, 3.0], [2.0, 3.0], [3.0, 0.0]];
        for knots in [vec![0.0, 5e-324], vec![-1e300, 1e300], vec![1.0, 1.0 + f64::EPSILON]] {
            let curve = Curve::from_segments(vec![segment], knots.clone()).unwrap();
            let mut out = [[0.0; 2]; 9];
            curve.sample_into(&mut out);
            assert!(out.as_flattened().iter().all(|x| x.is_finite()), "{knots:?}: {out:?}");
            assert_eq!((out[0], out[8]), ([0.0, 0.0], [3.0, 0.0]));
            assert!(curve.derivative(knots[1]).iter().all(|x| !x.is_nan()));
        }
    }
}
