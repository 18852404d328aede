//! Points of many curves at a time.

use std::borrow::Borrow;

use rayon::prelude::*;

use super::error::Error;
use super::eval::SERIAL;
use super::narrow::check_length;
use super::piecewise::PiecewiseCubic;

/// Points that a thread computes before another may take over.
const SHARE: usize = 8192;

/// Samples many curves alike: curve i fills points `i * points_each` and on, as
/// [`sample_into`](PiecewiseCubic::sample_into) does, to the bit.
///
/// More than 262,144 points in all are shared among the threads of the rayon pool that is current where this is called, by
/// default the global one; their number changes no bit.
///
/// # Errors
///
/// [`Error::BufferLength`] unless `out` has room for `points_each` points of each curve; nothing is written then.
///
/// # Examples
///
/// ```
/// use circlet::curve::{Curve, sample_batch};
///
/// let lines = [Curve::bezier(&[[0.0, 0.0], [4.0, 0.0]])?, Curve::bezier(&[[1.0, 1.0], [1.0, 5.0]])?];
/// let mut points = [[0.0; 2]; 6];
/// sample_batch(&lines, 3, &mut points)?;
/// assert_eq!(points, [[0.0, 0.0], [2.0, 0.0], [4.0, 0.0], [1.0, 1.0], [1.0, 3.0], [1.0, 5.0]]);
/// # Ok::<(), circlet::curve::Error>(())
/// ```
pub fn sample_batch<const D: usize, C: Borrow<PiecewiseCubic<D>> + Sync>(
    curves: &[C],
    points_each: usize,
    out: &mut [[f64; D]],
) -> Result<(), Error> {
    share(curves, points_each, out, |curve, out| curve.borrow().sample_into(out))
}

/// Samples many curves as [`sample_batch`] does, rounded to `f32`: each as
/// [`sample_into_f32`](PiecewiseCubic::sample_into_f32) does, to the bit.
///
/// # Errors
///
/// As [`sample_batch`].
///
/// # Examples
///
/// ```
/// use circlet::curve::{Curve, sample_batch_f32};
///
/// let lines = [Curve::bezier(&[[0.0, 0.0], [0.1, 0.0]])?, Curve::bezier(&[[1.0, 1.0], [1.0, 5.0]])?];
/// let mut points = [[0.0_f32; 2]; 4];
/// sample_batch_f32(&lines, 2, &mut points)?;
/// assert_eq!(points, [[0.0, 0.0], [0.1, 0.0], [1.0, 1.0], [1.0, 5.0]]);
/// # Ok::<(), circlet::curve::Error>(())
/// ```
pub fn sample_batch_f32<const D: usize, C: Borrow<PiecewiseCubic<D>> + Sync>(
    curves: &[C],
    points_each: usize,
    out: &mut [[f32; D]],
) -> Result<(), Error> {
    share(curves, points_each, out, |curve, out| curve.borrow().sample_into_f32(out))
}

/// Has each curve fill its points, by several threads if there are many.
pub(crate) fn share<C: Sync, P: Send>(
    curves: &[C],
    points_each: usize,
    out: &mut [P],
    sample: impl Fn(&C, &mut [P]) + Sync,
) -> Result<(), Error> {
    let needed = curves.len().saturating_mul(points_each);
    check_length(needed, out.len())?;
    if needed == 0 {
        return Ok(());
    }
    let sample = |(curve, out): (&C, &mut [P])| sample(curve, out);
    if needed <= SERIAL {
        curves.iter().zip(out.chunks_mut(points_each)).for_each(sample);
    } else {
        let shares = curves.par_iter().zip(out.par_chunks_mut(points_each));
        shares.with_min_len(SHARE.div_ceil(points_each)).for_each(sample);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Curve, Point};
    use super::*;

    fn arches(count: usize) -> Vec<Curve> {
        let arch = |i| {
            let height = i as f64 / 7.0;
            Curve::bezier(&[[0.1, 0.0], [0.3, height], [3.0, height], [4.0, 1.0]]).unwrap()
        };
        (0..count).map(arch).collect()
    }

    const SIZES: [(usize, usize); 7] =
        [(0, 5), (5, 0), (1, 1), (3, 64), (9000, 33), (270_000, 1), (3, 100_001)];

    fn one_by_one(curves: &[Curve], points_each: usize) -> Vec<Point> {
        let sampled = curves.iter().map(|curve| {
            let mut points = vec![[0.0; 2]; points_each];
            curve.sample_into(&mut points);
            points
        });
        sampled.flatten().collect()
    }

    #[test]
    fn a_batch_has_the_bits_of_its_curves_whatever_the_number_of_threads() {
        for (count, points_each) in SIZES {
            let curves = arches(count);
            let wanted = one_by_one(&curves, points_each);
            for threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let mut out = vec![[f64::NAN; 2]; wanted.len()];
                pool.install(|| sample_batch(&curves, points_each, &mut out)).unwrap();
                assert!(out == wanted, "{count} curves of {points_each} points, {threads} threads");
            }
        }
    }

    #[test]
    fn a_batch_of_floats_has_the_bits_of_its_curves_whatever_the_number_of_threads() {
        for (count, points_each) in SIZES {
            let curves = arches(count);
            let mut wanted = vec![[f32::NAN; 2]; count * points_each];
            for (curve, points) in curves.iter().zip(wanted.chunks_mut(points_each.max(1))) {
                curve.sample_into_f32(points);
            }
            for threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let mut out = vec![[f32::NAN; 2]; wanted.len()];
                pool.install(|| sample_batch_f32(&curves, points_each, &mut out)).unwrap();
                assert!(out == wanted, "{count} curves of {points_each} points, {threads} threads");
            }
        }
        let error = sample_batch_f32(&arches(2), 4, &mut [[0.0; 2]; 9]).unwrap_err();
        assert_eq!(error, Error::BufferLength { needed: 8, given: 9 });
    }

    #[test]
    fn curves_may_be_borrowed() {
        let curves = arches(2);
        let mut out = [[0.0; 2]; 8];
        sample_batch(&curves.iter().collect::<Vec<_>>(), 4, &mut out).unwrap();
        assert_eq!(out[..], one_by_one(&curves, 4));
    }

    #[test]
    fn room_of_another_length_is_refused_untouched() {
        let mut out = [[7.0; 2]; 9];
        for (points_each, needed) in [(4, 8), (5, 10), (usize::MAX, usize::MAX)] {
            let error = sample_batch(&arches(2), points_each, &mut out).unwrap_err();
            assert_eq!(error, Error::BufferLength { needed, given: 9 });
        }
        assert_eq!(out, [[7.0; 2]; 9]);
    }
}
