//! Points at parameters, one by one or by the million.

use rayon::prelude::*;

use super::error::Error;
use super::locate::Locator;
use super::piecewise::PiecewiseCubic;
use super::segment::{LANES, Powers, WidePowers};
use super::simd;

/// Points per piece of work: 256 KiB of output in the plane, so that a piece stays in a core's own cache.
pub(super) const CHUNK: usize = 16_384;

/// Outputs up to this many points are filled by the calling thread: they take less time than waking others.
pub(super) const SERIAL: usize = 262_144;

/// So many parameters of different segments are looked for together.
const MANY: usize = 32;

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
    /// Fastest where neighbouring parameters fall into the same segment. The first call with twice as many parameters as the
    /// curve has segments makes the polynomials of each segment, and the curve keeps them: 128 bytes for each, in the plane. The
    /// calls after it allocate nothing. More than 262,144 points are shared among the threads
    /// of the rayon pool that is current where this is called, by default the global one.
    ///
    /// # Errors
    ///
    /// [`Error::BufferLength`] unless `out` is as long as `us`; nothing is written then.
    pub fn eval_into(&self, us: &[f64], out: &mut [[f64; D]]) -> Result<(), Error> {
        if us.len() != out.len() {
            return Err(Error::BufferLength { needed: us.len(), given: out.len() });
        }
        let prepared = Prepared::new(self, us.len());
        if out.len() <= SERIAL {
            prepared.fill(us, out);
        } else {
            let chunks = us.par_chunks(CHUNK).zip(out.par_chunks_mut(CHUNK));
            chunks.for_each(|(us, out)| prepared.fill(us, out));
        }
        Ok(())
    }
}

/// A curve, and what is made of it once for many parameters.
pub(super) struct Prepared<'a, const D: usize> {
    curve: &'a PiecewiseCubic<D>,
    locator: Locator<'a>,
    /// The polynomials of each segment, or none.
    powers: &'a [Powers<D>],
}

impl<'a, const D: usize> Prepared<'a, D> {
    /// Prepares for about `queries` parameters.
    pub(super) fn new(curve: &'a PiecewiseCubic<D>, queries: usize) -> Self {
        // Made once for each segment where that pays.
        let powers = if queries >= 2 * curve.segment_count() { curve.lookup.powers(curve) } else { &[] };
        Self { curve, locator: Locator::new(curve, queries), powers }
    }

    /// Fills `out` with the points at `us`.
    pub(super) fn fill(&self, us: &[f64], out: &mut [[f64; D]]) {
        let Self { curve, locator, powers } = self;
        simd::widest(Chunk { curve, locator, prepared: powers, us, out });
    }
}

/// The points at `us`.
struct Chunk<'a, const D: usize> {
    curve: &'a PiecewiseCubic<D>,
    locator: &'a Locator<'a>,
    /// The polynomials of each segment, or none.
    prepared: &'a [Powers<D>],
    us: &'a [f64],
    out: &'a mut [[f64; D]],
}

impl<const D: usize> simd::Work for Chunk<'_, D> {
    #[inline(always)]
    fn run(self) {
        let Self { curve, us, .. } = self;
        // The segment that the last parameter was in is most often that of the next ones.
        let (mut segment, mut widened) = (0, 0);
        let mut span = Span::new(curve, 0);
        let mut powers = WidePowers::new(&Powers::new(&curve.segments()[0]));
        let mut done = 0;
        while let Some(block) = us[done..].first_chunk::<LANES>() {
            let out = &mut self.out[done..];
            if span.has_all(block) {
                if widened != segment {
                    powers = WidePowers::new(&Powers::new(&curve.segments()[segment]));
                    widened = segment;
                }
                powers.write(&span.local(block), &mut out[..LANES]);
                done += LANES;
                continue;
            }
            // Many at once, so that what one step leaves in memory is there when the next one asks for it.
            segment = match us[done..].first_chunk::<MANY>() {
                Some(many) => self.locator.eval_each(curve, self.prepared, many, &mut out[..MANY]),
                None => self.locator.eval_each(curve, self.prepared, block, &mut out[..LANES]),
            };
            span = Span::new(curve, segment);
            done += if us.len() - done < MANY { LANES } else { MANY };
        }
        for (&u, point) in us[done..].iter().zip(&mut self.out[done..]) {
            *point = self.locator.eval(curve, self.prepared, u);
        }
    }
}

/// The parameters of a segment.
pub(super) struct Span {
    from: f64,
    to: f64,
    /// Those that the segment answers for, with those outside of the domain.
    lowest: f64,
    below: f64,
}

impl Span {
    #[inline(always)]
    pub(super) fn new<const D: usize>(curve: &PiecewiseCubic<D>, i: usize) -> Self {
        let (from, to) = (curve.knots()[i], curve.knots()[i + 1]);
        let lowest = if i == 0 { f64::NEG_INFINITY } else { from };
        let below = if i + 1 == curve.segment_count() { f64::INFINITY } else { to };
        Self { from, to, lowest, below }
    }

    /// Tells whether the segment answers for all of them; no short cut, as all at once is faster.
    #[inline(always)]
    pub(super) fn has_all(&self, us: &[f64; LANES]) -> bool {
        let mut all = true;
        for &u in us {
            all &= (u >= self.lowest) & (u < self.below);
        }
        all
    }

    /// Returns where in the segment they lie, 0 to 1.
    #[inline(always)]
    pub(super) fn local(&self, us: &[f64; LANES]) -> [f64; LANES] {
        let length = self.to - self.from;
        let mut ts = [0.0; LANES];
        for (t, &u) in ts.iter_mut().zip(us) {
            *t = (u.max(self.from).min(self.to) - self.from) / length;
        }
        ts
    }
}

#[cfg(test)]
mod tests {
    use super::super::properties::wave;
    use super::*;

    #[test]
    fn the_later_segment_answers_at_a_knot() {
        assert_eq!(wave().eval(2.9), [7.0, 1.0]);
    }

    #[test]
    fn parameters_outside_the_domain_give_the_ends() {
        assert_eq!(wave().eval(f64::NEG_INFINITY), [0.0, 0.0]);
        assert_eq!(wave().eval(1e9), [9.7, 0.3]);
    }

    #[test]
    fn a_nan_parameter_gives_nan_and_no_panic() {
        assert!(wave().eval(f64::NAN).iter().all(|x| x.is_nan()));
        let mut out = [[0.0; 2]; 3];
        wave().eval_into(&[1.0, f64::NAN, 2.0], &mut out).unwrap();
        assert_eq!((out[0], out[2]), (wave().eval(1.0), wave().eval(2.0)));
        assert!(out[1][0].is_nan());
    }

    #[test]
    fn one_by_one_and_by_the_million_give_the_same_bits_in_any_order() {
        let curve = wave();
        for count in [0, 1, 2, 3, 1000, SERIAL, SERIAL + 1, 300_003] {
            let sorted: Vec<_> = (0..count).map(|j| -0.5 + 4.0 * j as f64 / count as f64).collect();
            let mixed: Vec<_> = (0..count).map(|j| sorted[j * 7919 % count]).collect();
            for us in [sorted, mixed] {
                let mut points = vec![[f64::NAN; 2]; count];
                curve.eval_into(&us, &mut points).unwrap();
                assert!(
                    us.iter().zip(&points).all(|(&u, &point)| curve.eval(u) == point),
                    "{count} parameters"
                );
            }
        }
    }

    #[test]
    fn a_buffer_of_another_length_is_refused_untouched() {
        let mut out = [[7.0; 2]; 2];
        let error = wave().eval_into(&[0.0; 3], &mut out).unwrap_err();
        assert_eq!(error, Error::BufferLength { needed: 3, given: 2 });
        assert_eq!(out, [[7.0; 2]; 2]);
    }
}
