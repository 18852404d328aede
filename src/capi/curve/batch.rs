//! Many curves that are to be sampled on another thread, some time after this was asked for.

use std::slice;

use super::super::call::{Failure, check_array};
use super::circlet_curve;
use super::eval::{alike, all};
use super::form::Real;
use super::with;
use crate::pool::Aborted;

/// What is to be sampled, and where to.
pub(in crate::capi) struct Batch<R> {
    curves: Vec<*const circlet_curve>,
    points_each: usize,
    points: *mut R,
}

// SAFETY: curves may be used by any thread, and whoever makes it promises that the room is nobody else's.
unsafe impl<R: Send> Send for Batch<R> {}

impl<R: Real> Batch<R> {
    /// Checks what there is to check before the curves are sampled: that there are so many, and of the same dimensions.
    ///
    /// # Safety
    /// If it is not NULL, `curves` leads to `count` pointers, each NULL or a curve.
    pub(in crate::capi) unsafe fn new(
        curves: *const *const circlet_curve,
        count: u32,
        points_each: u32,
        points: *mut R,
    ) -> Result<Self, Failure> {
        // SAFETY: the caller's promise.
        let curves = unsafe { all(curves, count)? };
        if let Some(first) = curves.first() {
            with!(first, first => drop(alike(first, &curves)?));
            let numbers = curves.len() as u64 * u64::from(points_each) * first.dimensions() as u64;
            check_array(points, usize::try_from(numbers).unwrap_or(usize::MAX), "points")?;
        }
        Ok(Self {
            curves: curves.into_iter().map(|curve| curve as _).collect(),
            points_each: points_each as usize,
            points,
        })
    }

    /// Writes the points of one curve after the other, unless `check` has something against the next.
    ///
    /// # Safety
    /// Every curve is still there, and the room is as long as all points and nobody else's.
    pub(in crate::capi) unsafe fn sample(
        self,
        check: impl Fn() -> Result<(), Aborted>,
    ) -> Result<(), Aborted> {
        let mut room = self.points;
        for curve in self.curves {
            check()?;
            // SAFETY: the caller's promise.
            let curve = unsafe { &*curve };
            if self.points_each == 0 {
                continue;
            }
            with!(curve, curve => {
                // SAFETY: the room is there for all points, `new` has seen that it is not NULL and aligned, and all curves have as
                // many dimensions.
                let out = unsafe { slice::from_raw_parts_mut(room.cast(), self.points_each) };
                R::sample(curve, out);
            });
            // SAFETY: as above; behind the last curve's points it is the end of the room.
            room = unsafe { room.add(self.points_each * curve.dimensions() as usize) };
        }
        Ok(())
    }
}
