//! Jobs that sample curves, for C.

use super::submit::{Wishes, submit};
use super::{circlet_job_options, circlet_pool};
use crate::capi::call::{borrow, call};
use crate::capi::curve::{Batch, Real, circlet_curve};

/// Submits a job that does what `circlet_curve_batch_sample` does: the points of many curves of the same dimensions, each at
/// `points_each` evenly spaced parameters, one curve's points behind the other's. It looks for an abort before each curve.
///
/// A job runs on one worker; give several of them parts of the curves to use more. Only a curve of more than 262,144 points
/// each is shared among further threads. Its type is `curve_batch` and its size the number of points, unless `options`, which may be
/// NULL, say otherwise. Its result is 0. As `circlet_pool_submit` else; CIRCLET_BAD_CURVE for a curve of other dimensions than the
/// first.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says: `curves` to `curves_count` curves, which live until the job's completion was
/// fetched (the array itself is copied), and `points` to room for `dimensions * points_each * curves_count` doubles, which are
/// nobody else's until then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_submit_curves(
    pool: *const circlet_pool,
    curves: *const *const circlet_curve,
    curves_count: u32,
    points_each: u32,
    points: *mut f64,
    options: *const circlet_job_options,
    job: *mut u64,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { submit_batch(pool, (curves, curves_count), points_each, points, options, job) }
}

/// As `circlet_pool_submit_curves`, with points of floats: a coordinate beyond the largest float becomes infinite.
///
/// # Safety
/// As `circlet_pool_submit_curves`, with floats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_submit_curves_f32(
    pool: *const circlet_pool,
    curves: *const *const circlet_curve,
    curves_count: u32,
    points_each: u32,
    points: *mut f32,
    options: *const circlet_job_options,
    job: *mut u64,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { submit_batch(pool, (curves, curves_count), points_each, points, options, job) }
}

/// # Safety
/// As [`circlet_pool_submit_curves`] has it, with such numbers.
unsafe fn submit_batch<R: Real>(
    pool: *const circlet_pool,
    (curves, curves_count): (*const *const circlet_curve, u32),
    points_each: u32,
    points: *mut R,
    options: *const circlet_job_options,
    job: *mut u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, wishes) = unsafe { (borrow(pool, "pool")?, Wishes::read(options, "curve_batch")?) };
        // SAFETY: the caller's promise.
        let batch = unsafe { Batch::new(curves, curves_count, points_each, points)? };
        let work = move |context: &crate::pool::JobContext<'_>| {
            // SAFETY: the caller's promise: curves and room are there until the completion, which comes after this.
            unsafe { batch.sample(|| context.check()) }?;
            Ok(0)
        };
        // SAFETY: the caller's promise.
        unsafe {
            submit(pool, wishes.or_nodes(u64::from(points_each) * u64::from(curves_count)).job(work), job)
        }
    })
}
