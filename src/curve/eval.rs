//! Points and derivatives at parameters, one by one or by the million.

use rayon::prelude::*;

use super::error::Error;
use super::piecewise::PiecewiseCubic;
use super::segment::{Powers, differences, quadratic_at};

/// Points per piece of work: 256 KiB of output in the plane, so that a piece stays in a core's own cache.
const CHUNK: usize = 16_384;

/// Outputs up to this many points are filled by the calling thread: they take less time than waking others.
const SERIAL: usize = 65_536;

impl<const D: usize> PiecewiseCubic<D> {
    /// Returns the point at parameter `u`, which is clamped to the domain.
    ///
    /// Where two segments meet, the later one answers, so after a jump. Both ends are exact. NaN gives NaN coordinates.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let curve = Curve::linear(&[[0.0, 0.0], [2.0, 0.0], [2.0, 2.0]], false)?;
    /// assert_eq!(curve.eval(1.5), [2.0, 1.0]);
    /// assert_eq!(curve.eval(99.0), curve.end());
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn eval(&self, u: f64) -> [f64; D] {
        let u = self.clamp(u);
        let i = self.segment_at(u);
        Powers::new(&self.segments()[i]).at(self.local(i, u))
    }

    /// Writes the point at each parameter of `us` into `out`, the same bits as [`eval`](Self::eval).
    ///
    /// Fastest where neighbouring parameters fall into the same segment. More than 65,536 points are shared among the threads
    /// of the rayon pool that is current where this is called, by default the global one.
    ///
    /// # Errors
    ///
    /// [`Error::BufferLength`] unless `out` is as long as `us`; nothing is written then.
    pub fn eval_into(&self, us: &[f64], out: &mut [[f64; D]]) -> Result<(), Error> {
        if us.len() != out.len() {
            return Err(Error::BufferLength { needed: us.len(), given: out.len() });
        }
        if out.len() <= SERIAL {
            self.eval_chunk(us, out);
        } else {
            let chunks = us.par_chunks(CHUNK).zip(out.par_chunks_mut(CHUNK));
            chunks.for_each(|(us, out)| self.eval_chunk(us, out));
        }
        Ok(())
    }

    /// Fills `out` with the points at evenly spaced parameters over the domain, the first and the last exactly the ends.
    ///
    /// Parameter j of n is `a + j * ((b - a) / (n - 1))` on the domain a to b; a single point is the start. The result has the
    /// same bits for any number of threads: more than 65,536 points are shared among the threads of the rayon pool that is
    /// current where this is called, by default the global one.
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
        let (first, last) = self.domain();
        let grid = Grid { first, last, step: (last - first) / count.saturating_sub(1).max(1) as f64 };
        if count <= SERIAL {
            out.chunks_mut(CHUNK)
                .enumerate()
                .for_each(|(i, chunk)| self.sample_chunk(&grid, i * CHUNK, chunk));
        } else {
            let chunks = out.par_chunks_mut(CHUNK).enumerate();
            chunks.for_each(|(i, chunk)| self.sample_chunk(&grid, i * CHUNK, chunk));
        }
        if count > 1 {
            out[count - 1] = self.end();
        }
    }

    /// Returns the derivative by the parameter at `u`, which is clamped to the domain.
    ///
    /// Where two segments meet it is the later one's, at the last knot the last one's. NaN gives NaN. A component overflows to
    /// infinity where a knot span is so short that the true value is beyond `f64`.
    pub fn derivative(&self, u: f64) -> [f64; D] {
        let u = self.clamp(u);
        let i = self.segment_at(u);
        let span = self.knots()[i + 1] - self.knots()[i];
        quadratic_at(&differences(&self.segments()[i]), self.local(i, u)).map(|d| 3.0 * d / span)
    }

    pub(super) fn clamp(&self, u: f64) -> f64 {
        let (first, last) = self.domain();
        u.clamp(first, last)
    }

    /// Returns which segment answers for `u` of the domain; the first for NaN.
    pub(super) fn segment_at(&self, u: f64) -> usize {
        let inner = &self.knots()[1..self.segment_count()];
        inner.partition_point(|&knot| knot <= u)
    }

    /// Returns where in segment `i` the parameter lies, 0 to 1.
    #[inline]
    pub(super) fn local(&self, i: usize, u: f64) -> f64 {
        let (from, to) = (self.knots()[i], self.knots()[i + 1]);
        (u - from) / (to - from)
    }

    /// Returns the parameter of the curve that lies at `t`, 0 to 1, in segment `i`: never outside that segment.
    pub(super) fn global(&self, i: usize, t: f64) -> f64 {
        let (from, to) = (self.knots()[i], self.knots()[i + 1]);
        if t >= 1.0 { to } else { (from + t * (to - from)).clamp(from, to) }
    }

    fn eval_chunk(&self, us: &[f64], out: &mut [[f64; D]]) {
        let last = self.segment_count() - 1;
        let mut i = 0;
        let mut powers = Powers::new(&self.segments()[0]);
        for (&u, point) in us.iter().zip(out) {
            let u = self.clamp(u);
            let inside = self.knots()[i] <= u && (u < self.knots()[i + 1] || i == last);
            if !inside {
                i = self.segment_at(u);
                powers = Powers::new(&self.segments()[i]);
            }
            *point = powers.at(self.local(i, u));
        }
    }

    /// Fills `out` with the points `start`, `start + 1`, … of the grid. At most [`CHUNK`] of them.
    fn sample_chunk(&self, grid: &Grid, start: usize, out: &mut [[f64; D]]) {
        let mut done = 0;
        while done < out.len() {
            let i = self.segment_at(grid.at(start, done));
            let powers = Powers::new(&self.segments()[i]);
            let run_end = if i + 1 == self.segment_count() {
                out.len()
            } else {
                partition_point(done, out.len(), |k| grid.at(start, k) < self.knots()[i + 1])
            };
            let middle = partition_point(done, run_end, |k| self.local(i, grid.at(start, k)) < 0.5);
            for (k, point) in (done..middle).zip(&mut out[done..middle]) {
                *point = powers.first_half(self.local(i, grid.at(start, k)));
            }
            for (k, point) in (middle..run_end).zip(&mut out[middle..run_end]) {
                *point = powers.second_half(self.local(i, grid.at(start, k)));
            }
            done = run_end;
        }
    }
}

/// Evenly spaced parameters.
struct Grid {
    first: f64,
    last: f64,
    step: f64,
}

impl Grid {
    /// Returns parameter `start + k`. `k` is below [`CHUNK`], and an `i32` turns into an `f64` in one vector instruction.
    #[inline]
    fn at(&self, start: usize, k: usize) -> f64 {
        (self.first + (start as f64 + f64::from(k as i32)) * self.step).min(self.last)
    }
}

/// Returns the first index of `from..to` for which `before` is false, if it is false from there on.
fn partition_point(mut from: usize, mut to: usize, before: impl Fn(usize) -> bool) -> usize {
    while from < to {
        let middle = from + (to - from) / 2;
        if before(middle) { from = middle + 1 } else { to = middle }
    }
    from
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::*;

    fn wave() -> Curve {
        let segments = vec![
            [[0.0, 0.0], [1.0, 3.0], [2.0, -3.0], [3.0, 0.1]],
            [[3.0, 0.1], [4.0, 5.0], [4.0, 5.0], [5.0, 1.0]],
            [[7.0, 1.0], [8.0, 1.0], [9.0, 2.0], [9.7, 0.3]],
        ];
        Curve::from_segments(segments, vec![-0.3, 0.4, 2.9, 3.1]).unwrap()
    }

    #[test]
    fn the_later_segment_answers_at_a_knot() {
        assert_eq!(wave().eval(2.9), [7.0, 1.0]);
        assert_eq!(wave().derivative(0.4), [3.0 * 1.0 / 2.5, 3.0 * 4.9 / 2.5]);
    }

    #[test]
    fn parameters_outside_the_domain_give_the_ends() {
        assert_eq!(wave().eval(f64::NEG_INFINITY), [0.0, 0.0]);
        assert_eq!(wave().eval(1e9), [9.7, 0.3]);
    }

    #[test]
    fn a_nan_parameter_gives_nan_and_no_panic() {
        assert!(wave().eval(f64::NAN).iter().all(|x| x.is_nan()));
        assert!(wave().derivative(f64::NAN).iter().all(|x| x.is_nan()));
        let mut out = [[0.0; 2]; 3];
        wave().eval_into(&[1.0, f64::NAN, 2.0], &mut out).unwrap();
        assert_eq!((out[0], out[2]), (wave().eval(1.0), wave().eval(2.0)));
        assert!(out[1][0].is_nan());
    }

    #[test]
    fn sampling_and_evaluating_agree_to_the_bit() {
        let curve = wave();
        for count in [0, 1, 2, 3, 1000, SERIAL, SERIAL + 1, 200_003] {
            let mut samples = vec![[f64::NAN; 2]; count];
            curve.sample_into(&mut samples);
            let step = 3.4 / (count.max(2) - 1) as f64;
            let mut us: Vec<_> = (0..count).map(|j| -0.3 + j as f64 * step).collect();
            if count > 1 {
                us[count - 1] = 3.1;
            }
            let mut points = vec![[f64::NAN; 2]; count];
            curve.eval_into(&us, &mut points).unwrap();
            assert!(samples == points, "{count} samples");
            assert!(us.iter().zip(&points).all(|(&u, &point)| curve.eval(u) == point), "{count} samples");
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
    fn a_buffer_of_another_length_is_refused_untouched() {
        let mut out = [[7.0; 2]; 2];
        let error = wave().eval_into(&[0.0; 3], &mut out).unwrap_err();
        assert_eq!(error, Error::BufferLength { needed: 3, given: 2 });
        assert_eq!(out, [[7.0; 2]; 2]);
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
