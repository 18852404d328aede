//! Derivatives at parameters, one by one or by the million.

use std::marker::PhantomData;

use rayon::prelude::*;

use super::error::Error;
use super::eval::{CHUNK, SERIAL, Span};
use super::locate::Locator;
use super::narrow;
use super::piecewise::PiecewiseCubic;
use super::segment::{LANES, differences, quadratic_at};
use super::simd;

impl<const D: usize> PiecewiseCubic<D> {
    /// Returns the derivative by the parameter at `u`, which is clamped to the domain.
    ///
    /// Where two segments meet it is the later one's, at the last knot the last one's. NaN gives NaN. A component overflows to
    /// infinity where a knot span is so short that the true value is beyond `f64`.
    pub fn derivative(&self, u: f64) -> [f64; D] {
        self.slope::<First>(u)
    }

    /// Returns the second derivative by the parameter at `u`, in units per parameter squared.
    ///
    /// `u` is clamped, and knots and NaN are taken, as [`derivative`](Self::derivative) does. A component overflows to infinity
    /// where a knot span is so short that the true value is beyond `f64`.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let parabola = Curve::bezier(&[[0.0, 0.0], [0.5, 0.0], [1.0, 1.0]])?;
    /// let [x, y] = parabola.second_derivative(0.3);
    /// assert!(x.abs() < 1e-15 && (y - 2.0).abs() < 1e-14);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn second_derivative(&self, u: f64) -> [f64; D] {
        self.slope::<Second>(u)
    }

    /// Writes the derivative at each parameter of `us` into `out`, the same bits as [`derivative`](Self::derivative).
    ///
    /// Fastest where neighbouring parameters fall into the same segment. More than 262,144 are shared among the threads of the
    /// rayon pool that is current where this is called, by default the global one.
    ///
    /// # Errors
    ///
    /// [`Error::BufferLength`] unless `out` is as long as `us`; nothing is written then.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let hill = Curve::bezier(&[[0.0, 0.0], [0.0, 4.0], [8.0, 4.0], [8.0, 0.0]])?;
    /// let mut slopes = [[0.0; 2]; 3];
    /// hill.derivative_into(&[0.0, 0.5, 1.0], &mut slopes)?;
    /// assert_eq!(slopes, [[0.0, 12.0], [12.0, 0.0], [0.0, -12.0]]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn derivative_into(&self, us: &[f64], out: &mut [[f64; D]]) -> Result<(), Error> {
        self.slopes_into::<First>(us, out)
    }

    /// Writes the second derivative at each parameter of `us` into `out`, the same bits as
    /// [`second_derivative`](Self::second_derivative), in the way of [`derivative_into`](Self::derivative_into).
    ///
    /// # Errors
    ///
    /// As [`derivative_into`](Self::derivative_into).
    pub fn second_derivative_into(&self, us: &[f64], out: &mut [[f64; D]]) -> Result<(), Error> {
        self.slopes_into::<Second>(us, out)
    }

    /// Writes what [`derivative_into`](Self::derivative_into) gives, rounded to `f32`; a component beyond `f32::MAX` becomes
    /// infinite.
    ///
    /// # Errors
    ///
    /// As [`derivative_into`](Self::derivative_into).
    pub fn derivative_into_f32(&self, us: &[f64], out: &mut [[f32; D]]) -> Result<(), Error> {
        self.slopes_into_f32::<First>(us, out)
    }

    /// Writes what [`second_derivative_into`](Self::second_derivative_into) gives, rounded to `f32`; a component beyond `f32::MAX`
    /// becomes infinite.
    ///
    /// # Errors
    ///
    /// As [`derivative_into`](Self::derivative_into).
    pub fn second_derivative_into_f32(&self, us: &[f64], out: &mut [[f32; D]]) -> Result<(), Error> {
        self.slopes_into_f32::<Second>(us, out)
    }

    fn slope<O: Order>(&self, u: f64) -> [f64; D] {
        let u = self.clamp(u);
        let i = self.segment_at(u);
        let span = self.knots()[i + 1] - self.knots()[i];
        O::at(&differences(&self.segments()[i]), span, self.local(i, u))
    }

    fn slopes_into<O: Order>(&self, us: &[f64], out: &mut [[f64; D]]) -> Result<(), Error> {
        narrow::check_length(us.len(), out.len())?;
        let locator = Locator::new(self, us.len());
        let fill = |(us, out): (&[f64], &mut [[f64; D]])| self.fill_slopes::<O>(&locator, us, out);
        if out.len() <= SERIAL {
            fill((us, out));
        } else {
            us.par_chunks(CHUNK).zip(out.par_chunks_mut(CHUNK)).for_each(fill);
        }
        Ok(())
    }

    fn slopes_into_f32<O: Order>(&self, us: &[f64], out: &mut [[f32; D]]) -> Result<(), Error> {
        narrow::check_length(us.len(), out.len())?;
        let locator = Locator::new(self, us.len());
        narrow::fill(out, 0, &|start, slopes| {
            self.fill_slopes::<O>(&locator, &us[start..start + slopes.len()], slopes);
        });
        Ok(())
    }

    fn fill_slopes<O: Order>(&self, locator: &Locator, us: &[f64], out: &mut [[f64; D]]) {
        simd::widest(Chunk { curve: self, locator, us, out, order: PhantomData::<O> });
    }
}

/// Which derivative.
trait Order: Copy + Sync {
    /// Returns it at `t`, 0 to 1, in a segment whose control points differ by `sides`, over so long a span of the parameter.
    fn at<const D: usize>(sides: &[[f64; D]; 3], span: f64, t: f64) -> [f64; D];
}

#[derive(Clone, Copy)]
struct First;

#[derive(Clone, Copy)]
struct Second;

impl Order for First {
    #[inline(always)]
    fn at<const D: usize>(sides: &[[f64; D]; 3], span: f64, t: f64) -> [f64; D] {
        quadratic_at(sides, t).map(|d| 3.0 * d / span)
    }
}

impl Order for Second {
    #[inline(always)]
    fn at<const D: usize>([a, b, c]: &[[f64; D]; 3], span: f64, t: f64) -> [f64; D] {
        std::array::from_fn(|i| 6.0 * ((1.0 - t) * (b[i] - a[i]) + t * (c[i] - b[i])) / span / span)
    }
}

/// The derivatives at `us`.
struct Chunk<'a, const D: usize, O> {
    curve: &'a PiecewiseCubic<D>,
    locator: &'a Locator<'a>,
    us: &'a [f64],
    out: &'a mut [[f64; D]],
    order: PhantomData<O>,
}

impl<const D: usize, O: Order> simd::Work for Chunk<'_, D, O> {
    #[inline(always)]
    fn run(self) {
        let Self { curve, locator, us, out, .. } = self;
        let width = |i: usize| curve.knots()[i + 1] - curve.knots()[i];
        let mut span = Span::new(curve, 0);
        let (mut length, mut sides) = (width(0), differences(&curve.segments()[0]));
        let one = |u: f64| {
            let u = curve.clamp(u);
            let i = locator.segment_at(u);
            O::at(&differences(&curve.segments()[i]), width(i), curve.local(i, u))
        };
        let mut done = 0;
        while let Some(block) = us[done..].first_chunk::<LANES>() {
            let mut is_here = span.has_all(block);
            if !is_here {
                let i = locator.segment_at(curve.clamp(block[0]));
                let other = Span::new(curve, i);
                is_here = other.has_all(block);
                if is_here {
                    (span, length, sides) = (other, width(i), differences(&curve.segments()[i]));
                }
            }
            let out = &mut out[done..done + LANES];
            if is_here {
                for (slope, t) in out.iter_mut().zip(span.local(block)) {
                    *slope = O::at(&sides, length, t);
                }
            } else {
                for (slope, &u) in out.iter_mut().zip(block) {
                    *slope = one(u);
                }
            }
            done += LANES;
        }
        for (slope, &u) in out[done..].iter_mut().zip(&us[done..]) {
            *slope = one(u);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::properties::wave;
    use super::super::{Curve, PiecewiseCubic};
    use super::*;

    #[test]
    fn one_by_one_and_by_the_million_give_the_same_bits_in_any_order() {
        let curve = wave();
        for count in [0, 1, 2, 3, 1000, SERIAL, SERIAL + 1, 300_003] {
            let sorted: Vec<_> = (0..count).map(|j| -0.5 + 4.0 * j as f64 / count as f64).collect();
            let mixed: Vec<_> = (0..count).map(|j| sorted[j * 7919 % count]).collect();
            for us in [sorted, mixed] {
                let (mut first, mut second) = (vec![[f64::NAN; 2]; count], vec![[f64::NAN; 2]; count]);
                curve.derivative_into(&us, &mut first).unwrap();
                curve.second_derivative_into(&us, &mut second).unwrap();
                let same = |j: usize| {
                    first[j] == curve.derivative(us[j]) && second[j] == curve.second_derivative(us[j])
                };
                assert!((0..count).all(same), "{count} parameters");
                let mut floats = vec![[f32::NAN; 2]; count];
                curve.derivative_into_f32(&us, &mut floats).unwrap();
                assert!(first.iter().map(|d| d.map(|x| x as f32)).eq(floats.iter().copied()));
                curve.second_derivative_into_f32(&us, &mut floats).unwrap();
                assert!(second.iter().map(|d| d.map(|x| x as f32)).eq(floats));
            }
        }
    }

    #[test]
    fn derivatives_in_space_are_those_of_each_coordinate() {
        let points = [[0.0, 5.0, 1.0], [1.0, 2.0, 4.0], [3.0, 2.5, 9.0], [2.0, 0.0, 16.0], [1.0, 1.0, 25.0]];
        let space = PiecewiseCubic::catmull_rom(&points, 0.0, Default::default()).unwrap();
        let us: Vec<f64> = (0..50).map(|j| f64::from(j) / 12.0).collect();
        let mut slopes = [[f64::NAN; 3]; 50];
        space.derivative_into(&us, &mut slopes).unwrap();
        for axis in 0..3 {
            let alone =
                PiecewiseCubic::catmull_rom(&points.map(|p| [p[axis]]), 0.0, Default::default()).unwrap();
            assert!(us.iter().zip(slopes).all(|(&u, slope)| alone.derivative(u) == [slope[axis]]));
        }
    }

    #[test]
    fn a_nan_parameter_gives_nan_and_no_panic() {
        let us = [1.0, f64::NAN, 2.0, 0.1, 0.1, 0.1, 0.1, 0.1, f64::NAN];
        let mut out = [[0.0; 2]; 9];
        wave().derivative_into(&us, &mut out).unwrap();
        assert!(out[1].iter().chain(&out[8]).all(|x| x.is_nan()));
        assert_eq!(out[2], wave().derivative(2.0));
        wave().second_derivative_into(&us, &mut out).unwrap();
        assert!(out[1].iter().chain(&out[8]).all(|x| x.is_nan()));
        assert!(wave().derivative(f64::NAN).iter().all(|x| x.is_nan()));
    }

    #[test]
    fn the_later_segment_answers_at_a_knot() {
        assert_eq!(wave().derivative(0.4), [3.0 * 1.0 / 2.5, 3.0 * 4.9 / 2.5]);
    }

    #[test]
    fn a_point_has_no_second_derivative() {
        let curve = Curve::bezier(&[[1e300, -3.0]; 4]).unwrap();
        assert_eq!(curve.second_derivative(0.5), [0.0, 0.0]);
    }

    #[test]
    fn room_of_another_length_is_refused_untouched() {
        let (mut out, mut floats) = ([[7.0; 2]; 2], [[7.0; 2]; 2]);
        let wanted = Err(Error::BufferLength { needed: 3, given: 2 });
        assert_eq!(wave().derivative_into(&[0.0; 3], &mut out), wanted);
        assert_eq!(wave().second_derivative_into(&[0.0; 3], &mut out), wanted);
        assert_eq!(wave().derivative_into_f32(&[0.0; 3], &mut floats), wanted);
        assert_eq!((out, floats), ([[7.0; 2]; 2], [[7.0; 2]; 2]));
    }
}
