//! Points and derivatives of Bezier curves at parameters, one by one or by the million.

use rayon::prelude::*;

use super::casteljau::{Lanes, Room, casteljau, casteljau_each};
use super::{Bezier, MAX_DEGREE};
use crate::curve::error::Error;
use crate::curve::eval::{CHUNK, SERIAL};
use crate::curve::narrow::{self, check_length};
use crate::curve::segment::LANES;
use crate::curve::simd;

impl<const D: usize> Bezier<D> {
    /// Writes the point at each parameter of `ts` into `out`, the same bits as [`eval`](Self::eval).
    ///
    /// A point takes time in proportion to the square of the degree. More than 262,144 points are shared among the threads of
    /// the rayon pool that is current where this is called, by default the global one.
    ///
    /// # Errors
    ///
    /// [`Error::BufferLength`] unless `out` is as long as `ts`; nothing is written then.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Bezier;
    ///
    /// let quartic = Bezier::new(&[[0.0, 0.0], [1.0, 4.0], [2.0, 0.0], [3.0, 4.0], [4.0, 0.0]])?;
    /// let mut points = [[0.0; 2]; 3];
    /// quartic.eval_into(&[1.0, 0.5, 0.0], &mut points)?;
    /// assert_eq!(points, [[4.0, 0.0], [2.0, 2.0], [0.0, 0.0]]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn eval_into(&self, ts: &[f64], out: &mut [[f64; D]]) -> Result<(), Error> {
        Values::of(self, 0).write(ts, out)
    }

    /// Writes what [`eval_into`](Self::eval_into) gives, rounded to `f32`; a coordinate beyond `f32::MAX` becomes infinite.
    ///
    /// # Errors
    ///
    /// As [`eval_into`](Self::eval_into).
    pub fn eval_into_f32(&self, ts: &[f64], out: &mut [[f32; D]]) -> Result<(), Error> {
        Values::of(self, 0).write_f32(ts, out)
    }

    /// Writes what [`eval_into`](Self::eval_into) gives, to the bit, into an array for each coordinate.
    ///
    /// # Errors
    ///
    /// [`Error::BufferLength`] unless each array is as long as `ts`; nothing is written then.
    pub fn eval_into_columns(&self, ts: &[f64], out: [&mut [f64]; D]) -> Result<(), Error> {
        Values::of(self, 0).write_columns(ts, out)
    }

    /// Writes the derivative at each parameter of `ts` into `out`, the same bits as [`derivative`](Self::derivative), in the way
    /// of [`eval_into`](Self::eval_into).
    ///
    /// # Errors
    ///
    /// As [`eval_into`](Self::eval_into).
    pub fn derivative_into(&self, ts: &[f64], out: &mut [[f64; D]]) -> Result<(), Error> {
        Values::of(self, 1).write(ts, out)
    }

    /// Writes the second derivative at each parameter of `ts` into `out`, the same bits as
    /// [`second_derivative`](Self::second_derivative), in the way of [`eval_into`](Self::eval_into).
    ///
    /// # Errors
    ///
    /// As [`eval_into`](Self::eval_into).
    pub fn second_derivative_into(&self, ts: &[f64], out: &mut [[f64; D]]) -> Result<(), Error> {
        Values::of(self, 2).write(ts, out)
    }

    /// Writes what [`derivative_into`](Self::derivative_into) gives, rounded to `f32`; a component beyond `f32::MAX` becomes
    /// infinite.
    ///
    /// # Errors
    ///
    /// As [`eval_into`](Self::eval_into).
    pub fn derivative_into_f32(&self, ts: &[f64], out: &mut [[f32; D]]) -> Result<(), Error> {
        Values::of(self, 1).write_f32(ts, out)
    }

    /// Writes what [`second_derivative_into`](Self::second_derivative_into) gives, rounded to `f32`; a component beyond `f32::MAX`
    /// becomes infinite.
    ///
    /// # Errors
    ///
    /// As [`eval_into`](Self::eval_into).
    pub fn second_derivative_into_f32(&self, ts: &[f64], out: &mut [[f32; D]]) -> Result<(), Error> {
        Values::of(self, 2).write_f32(ts, out)
    }

    /// Fills `out` with the points at evenly spaced parameters from 0 to 1, the first and the last exactly the ends; a single
    /// point is the start.
    ///
    /// Point j of n is, to the bit, what [`eval`](Self::eval) gives for `j * (1 / (n - 1))`. More than 262,144 points are shared
    /// among the threads of the rayon pool that is current where this is called; their number changes no bit.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Bezier;
    ///
    /// let line = Bezier::new(&[[0.0, 0.0], [2.0, 1.0], [4.0, 2.0], [6.0, 3.0], [8.0, 4.0]])?;
    /// let mut points = [[0.0; 2]; 3];
    /// line.sample_into(&mut points);
    /// assert_eq!(points, [[0.0, 0.0], [4.0, 2.0], [8.0, 4.0]]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn sample_into(&self, out: &mut [[f64; D]]) {
        Values::of(self, 0).sample(out);
    }

    /// Fills `out` with what [`sample_into`](Self::sample_into) gives, rounded to `f32`; a coordinate beyond `f32::MAX` becomes
    /// infinite.
    pub fn sample_into_f32(&self, out: &mut [[f32; D]]) {
        Values::of(self, 0).sample_f32(out);
    }

    /// Fills an array for each coordinate with what [`sample_into`](Self::sample_into) gives, to the bit.
    ///
    /// # Errors
    ///
    /// [`Error::BufferLength`] unless the arrays are of one length; nothing is written then.
    pub fn sample_into_columns(&self, out: [&mut [f64]; D]) -> Result<(), Error> {
        Values::of(self, 0).sample_columns(out)
    }
}

/// The parameters of a curve or of a part of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Parameters {
    pub(super) first: f64,
    pub(super) last: f64,
    /// The parameter at which the whole curve starts. It ends 1 later.
    pub(super) shift: f64,
}

impl Parameters {
    pub(super) const WHOLE: Self = Self { first: 0.0, last: 1.0, shift: 0.0 };

    /// Returns where on the whole curve, 0 to 1, the parameter `u` lies, which is clamped. NaN gives NaN.
    #[inline(always)]
    pub(super) fn local(&self, u: f64) -> f64 {
        (u.clamp(self.first, self.last) - self.shift).clamp(0.0, 1.0)
    }

    /// Returns the function of `count` evenly spaced parameters.
    #[inline(always)]
    fn evenly(self, count: usize) -> impl Fn(usize) -> f64 + Sync {
        let step = (self.last - self.first) / count.saturating_sub(1).max(1) as f64;
        // The end is exact, unless it is the start.
        let end = if count > 1 { count - 1 } else { usize::MAX };
        move |j| if j == end { self.last } else { (self.first + j as f64 * step).min(self.last) }
    }
}

/// A curve or one of its derivatives, for repeated evaluation.
pub(crate) struct Values<const D: usize> {
    /// Its control points, but for the factor.
    control: Room<D>,
    factor: f64,
    parameters: Parameters,
}

impl<const D: usize> Values<D> {
    /// Prepares the curve (`order` 0) or one of its derivatives.
    pub(super) fn of(curve: &Bezier<D>, order: usize) -> Self {
        Self::over(curve, order, Parameters::WHOLE)
    }

    pub(super) fn over(curve: &Bezier<D>, order: usize, parameters: Parameters) -> Self {
        let (mut control, mut factor) = (Room::of(&curve.points), 1.0);
        for done in 0..order {
            control.subtract();
            factor *= curve.degree().saturating_sub(done) as f64;
        }
        Self { control, factor, parameters }
    }

    /// Returns the value at a parameter, which is clamped. NaN gives NaN.
    pub(crate) fn at(&self, u: f64) -> [f64; D] {
        let t = self.parameters.local(u);
        if t.is_nan() {
            return [f64::NAN; D];
        }
        let mut control = self.control;
        casteljau(control.all_mut(), t, |_, _| {}).map(|x| self.factor * x)
    }

    /// Writes the value at each parameter, the same bits as [`at`](Self::at).
    pub(crate) fn write(&self, us: &[f64], out: &mut [[f64; D]]) -> Result<(), Error> {
        check_length(us.len(), out.len())?;
        self.fill_all(|j| us[j], out);
        Ok(())
    }

    /// Writes what [`write`](Self::write) does, rounded.
    pub(crate) fn write_f32(&self, us: &[f64], out: &mut [[f32; D]]) -> Result<(), Error> {
        check_length(us.len(), out.len())?;
        narrow::fill(out, 0, &|start, values| self.fill(&|j| us[j], start, values));
        Ok(())
    }

    /// Writes what [`write`](Self::write) does, into an array for each component.
    pub(crate) fn write_columns(&self, us: &[f64], out: [&mut [f64]; D]) -> Result<(), Error> {
        out.iter().try_for_each(|column| check_length(us.len(), column.len()))?;
        narrow::fill(out, 0, &|start, values| self.fill(&|j| us[j], start, values));
        Ok(())
    }

    /// Writes the values at evenly spaced parameters, the last of them the end's.
    pub(crate) fn sample(&self, out: &mut [[f64; D]]) {
        self.fill_all(self.parameters.evenly(out.len()), out);
    }

    /// Writes what [`sample`](Self::sample) does, rounded.
    pub(crate) fn sample_f32(&self, out: &mut [[f32; D]]) {
        let parameter = self.parameters.evenly(out.len());
        narrow::fill(out, 0, &|start, values| self.fill(&parameter, start, values));
    }

    /// Writes what [`sample`](Self::sample) does, into an array for each component.
    pub(crate) fn sample_columns(&self, out: [&mut [f64]; D]) -> Result<(), Error> {
        let count = out.first().map_or(0, |column| column.len());
        out.iter().try_for_each(|column| check_length(count, column.len()))?;
        let parameter = self.parameters.evenly(count);
        narrow::fill(out, 0, &|start, values| self.fill(&parameter, start, values));
        Ok(())
    }

    /// Fills `out` with the value at each parameter, by several threads if there are many.
    fn fill_all(&self, parameter: impl Fn(usize) -> f64 + Sync, out: &mut [[f64; D]]) {
        if out.len() <= SERIAL {
            self.fill(&parameter, 0, out);
        } else {
            let chunks = out.par_chunks_mut(CHUNK).enumerate();
            chunks.for_each(|(i, out)| self.fill(&parameter, i * CHUNK, out));
        }
    }

    /// Fills `out` with the values at the parameters from number `start` on.
    fn fill(&self, parameter: &impl Fn(usize) -> f64, start: usize, out: &mut [[f64; D]]) {
        // A point is all that its parameter changes nothing of, but for NaN.
        if out.len() < LANES || self.control.all().len() == 1 {
            for (j, value) in out.iter_mut().enumerate() {
                *value = self.at(parameter(start + j));
            }
            return;
        }
        simd::widest(Chunk { values: self, parameter, start, out });
    }
}

/// At least one block of values, from a polynomial of degree 1 or more.
struct Chunk<'a, const D: usize, P> {
    values: &'a Values<D>,
    parameter: &'a P,
    start: usize,
    out: &'a mut [[f64; D]],
}

impl<const D: usize, P: Fn(usize) -> f64> simd::Work for Chunk<'_, D, P> {
    #[inline(always)]
    fn run(self) {
        let Self { values, parameter, start, out } = self;
        let mut lanes: Lanes<D> = [[[0.0; LANES]; D]; MAX_DEGREE];
        let count = out.len();
        for from in (0..count).step_by(LANES) {
            // The last ones are a block too, which overlaps the one before: the same bits once more.
            let from = from.min(count - LANES);
            let mut ts = [0.0; LANES];
            for (lane, t) in ts.iter_mut().enumerate() {
                *t = values.parameters.local(parameter(start + from + lane));
            }
            let block = &mut out[from..from + LANES];
            casteljau_each(values.control.all(), &ts, &mut lanes, block);
            for x in block.as_flattened_mut() {
                *x *= values.factor;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::wave;
    use super::*;

    fn parameters(count: usize) -> Vec<f64> {
        (0..count).map(|j| -0.1 + 1.2 * (j * 7919 % count) as f64 / count as f64).collect()
    }

    #[test]
    fn one_by_one_and_by_the_million_give_the_same_bits() {
        let curve = wave();
        for count in [0, 1, 7, 8, 9, 1000, SERIAL + 3] {
            let ts = parameters(count);
            let mut values = [0; 3].map(|_| vec![[f64::NAN; 2]; count]);
            curve.eval_into(&ts, &mut values[0]).unwrap();
            curve.derivative_into(&ts, &mut values[1]).unwrap();
            curve.second_derivative_into(&ts, &mut values[2]).unwrap();
            for (j, &t) in ts.iter().enumerate() {
                let found = [values[0][j], values[1][j], values[2][j]];
                let wanted = [curve.eval(t), curve.derivative(t), curve.second_derivative(t)];
                assert_eq!(found, wanted, "{j} of {count}");
            }
            let round = |values: &[[f64; 2]]| values.iter().map(|v| v.map(|x| x as f32)).collect::<Vec<_>>();
            let mut floats = vec![[f32::NAN; 2]; count];
            curve.eval_into_f32(&ts, &mut floats).unwrap();
            assert_eq!(floats, round(&values[0]));
            curve.derivative_into_f32(&ts, &mut floats).unwrap();
            assert_eq!(floats, round(&values[1]));
            curve.second_derivative_into_f32(&ts, &mut floats).unwrap();
            assert_eq!(floats, round(&values[2]));
            let (mut x, mut y) = (vec![f64::NAN; count], vec![f64::NAN; count]);
            curve.eval_into_columns(&ts, [&mut x, &mut y]).unwrap();
            assert!(x.into_iter().zip(y).map(<[f64; 2]>::from).eq(values[0].iter().copied()));
        }
    }

    #[test]
    fn samples_of_every_form_are_the_evaluated_points() {
        let curve = wave();
        for count in [0, 1, 2, 3, 9, 1000, SERIAL + 3] {
            let mut plain = vec![[f64::NAN; 2]; count];
            curve.sample_into(&mut plain);
            let step = 1.0 / count.saturating_sub(1).max(1) as f64;
            assert!((0..count.max(1) - 1).all(|j| plain[j] == curve.eval(j as f64 * step)), "{count}");
            if count > 1 {
                assert_eq!([plain[0], plain[count - 1]], [[0.0, 0.0], [5.0, 0.1]]);
            }
            let mut floats = vec![[f32::NAN; 2]; count];
            curve.sample_into_f32(&mut floats);
            assert!(plain.iter().map(|p| p.map(|x| x as f32)).eq(floats), "{count}");
            let (mut x, mut y) = (vec![f64::NAN; count], vec![f64::NAN; count]);
            curve.sample_into_columns([&mut x, &mut y]).unwrap();
            assert!(x.into_iter().zip(y).map(<[f64; 2]>::from).eq(plain), "{count}");
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let sample = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut out = vec![[0.0; 2]; SERIAL + 17];
            pool.install(|| wave().sample_into(&mut out));
            out
        };
        assert!(sample(1) == sample(3));
    }

    #[test]
    fn a_line_has_no_second_derivative_and_nan_gives_nan() {
        let line = Bezier::new(&[[1.0, 2.0], [4.0, 0.0]]).unwrap();
        let mut ts = [0.25; 17];
        ts[3] = f64::NAN;
        for curve in [line.clone(), wave()] {
            for write in [Bezier::eval_into, Bezier::derivative_into, Bezier::second_derivative_into] {
                let mut out = [[7.0; 2]; 17];
                write(&curve, &ts, &mut out).unwrap();
                assert!(out[3].iter().all(|x| x.is_nan()), "{out:?}");
                assert!(out[4..].iter().all(|value| value == &out[0]) && !out[0][0].is_nan(), "{out:?}");
            }
        }
        assert_eq!((line.derivative(0.25), line.second_derivative(0.25)), ([3.0, -2.0], [0.0, 0.0]));
        assert!(line.derivative(f64::NAN)[0].is_nan());
    }

    #[test]
    fn room_of_another_length_is_refused_untouched() {
        let (mut out, mut floats, mut x, mut y) = ([[7.0; 2]; 2], [[7.0; 2]; 2], [7.0; 3], [7.0; 2]);
        let wanted = Err(Error::BufferLength { needed: 3, given: 2 });
        assert_eq!(wave().eval_into(&[0.0; 3], &mut out), wanted);
        assert_eq!(wave().second_derivative_into_f32(&[0.0; 3], &mut floats), wanted);
        assert_eq!(wave().eval_into_columns(&[0.0; 3], [&mut x, &mut y]), wanted);
        assert_eq!(wave().sample_into_columns([&mut x, &mut y]), wanted);
        assert_eq!((out, floats, x, y), ([[7.0; 2]; 2], [[7.0; 2]; 2], [7.0; 3], [7.0; 2]));
    }
}
