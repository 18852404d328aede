//! Curves for C, and what their functions share.
//!
//! `shape.rs` and `form.rs` say what a curve is, `make.rs` makes curves and looks at what they hold, `eval.rs` has points and derivatives,
//! `measure.rs` directions and lengths, `cut.rs` parts, `find.rs` places, and `draw.rs` polylines, maps and path data. `batch.rs` is what
//! the pool samples.

mod batch;
mod cut;
mod draw;
mod eval;
mod find;
mod form;
mod make;
mod measure;
mod shape;

pub(super) use batch::Batch;
pub use cut::*;
pub use draw::*;
pub use eval::*;
pub use find::*;
pub(super) use form::Real;
pub use make::*;
pub use measure::*;
pub use shape::circlet_curve;

use shape::{Shaped, in_dimensions, with};

use super::call::{Failure, Out, array, array_mut, into_handle};
use super::status::circlet_status;
use crate::curve::Error;

fn handle(curve: impl Into<circlet_curve>) -> *mut circlet_curve {
    into_handle(curve.into())
}

/// Borrows an array and room for as many values; the two must lie apart.
///
/// # Safety
/// Each that is not NULL leads to `count` values, or has room for them, during `'a`, when nobody else writes either.
unsafe fn through<'a, A, B>(
    (what, values): (&str, *const A),
    (result, room): (&str, *mut B),
    count: u32,
) -> Result<(&'a [A], &'a mut [B]), Failure> {
    apart((result, room, count), (what, values, count))?;
    // SAFETY: the caller's promise; they lie apart.
    unsafe { Ok((array(values, count, what)?, array_mut(room, count, result)?)) }
}

/// Refuses room for values that overlaps other values.
fn apart<A, B>(
    (what, room, room_count): (&str, *const A, u32),
    (beside, other, other_count): (&str, *const B, u32),
) -> Result<(), Failure> {
    let room = room.addr()..room.addr().saturating_add(size_of::<A>() * room_count as usize);
    let other = other.addr()..other.addr().saturating_add(size_of::<B>() * other_count as usize);
    // What is NULL is refused for that.
    if room.start != 0 && other.start != 0 && room.start < other.end && other.start < room.end {
        return Err(Failure::invalid(format!("{what} overlaps {beside}: give room of its own")));
    }
    Ok(())
}

/// # Safety
/// If it is not NULL, it has room for `N` doubles until the function returns.
unsafe fn doubles<const N: usize>(pointer: *mut f64, what: &str) -> Result<Out<[f64; N]>, Failure> {
    // SAFETY: the caller's promise.
    unsafe { Out::new(pointer.cast(), what) }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(circlet_status::CIRCLET_BAD_CURVE, error.to_string())
    }
}
