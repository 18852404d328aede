//! Curves for C: what one is, in any number of dimensions, and what its functions share.
//!
//! `make.rs` makes curves and looks at what they hold, `eval.rs` has points and derivatives, `measure.rs` directions and lengths,
//! `cut.rs` parts, `find.rs` places, and `draw.rs` polylines, maps and path data.

mod cut;
mod draw;
mod eval;
mod find;
mod make;
mod measure;

pub use cut::*;
pub use draw::*;
pub use eval::*;
pub use find::*;
pub use make::*;
pub use measure::*;

use super::call::{Failure, Out, array, array_mut, into_handle};
use super::status::circlet_status;
use crate::curve::{Curve, Error, PiecewiseCubic};

/// A curve of 1 to 4 dimensions. It never changes, so that any number of threads may use it at once.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_curve(Shape);

/// What is a curve of one of the numbers of dimensions.
trait Shaped: Sized + Into<circlet_curve> {
    /// Returns the curve if it has this number of dimensions.
    fn of(curve: &circlet_curve) -> Option<&Self>;
}

/// The numbers of dimensions that C has, with a variant for each.
macro_rules! shapes {
    ($($name:ident $dimensions:literal)*) => {
        #[derive(Debug)]
        enum Shape {
            $($name(PiecewiseCubic<$dimensions>),)*
        }

        impl circlet_curve {
            fn dimensions(&self) -> i32 {
                match &self.0 {
                    $(Shape::$name(_) => $dimensions,)*
                }
            }
        }

        $(
            impl From<PiecewiseCubic<$dimensions>> for circlet_curve {
                fn from(curve: PiecewiseCubic<$dimensions>) -> Self {
                    Self(Shape::$name(curve))
                }
            }

            impl Shaped for PiecewiseCubic<$dimensions> {
                fn of(curve: &circlet_curve) -> Option<&Self> {
                    if let Shape::$name(curve) = &curve.0 { Some(curve) } else { None }
                }
            }
        )*
    };
}
shapes!(Line 1 Plane 2 Space 3 Four 4);

/// Does the same with a curve of any number of dimensions.
macro_rules! with {
    ($curve:expr, $name:ident => $body:expr) => {
        match &$curve.0 {
            $crate::capi::curve::Shape::Line($name) => $body,
            $crate::capi::curve::Shape::Plane($name) => $body,
            $crate::capi::curve::Shape::Space($name) => $body,
            $crate::capi::curve::Shape::Four($name) => $body,
        }
    };
}

/// Gives the same for a number of dimensions, as the constant of a name, or refuses the number.
macro_rules! in_dimensions {
    ($dimensions:expr, $name:ident => $body:expr) => {
        match $dimensions {
            1 => {
                const $name: usize = 1;
                $body
            }
            2 => {
                const $name: usize = 2;
                $body
            }
            3 => {
                const $name: usize = 3;
                $body
            }
            4 => {
                const $name: usize = 4;
                $body
            }
            given => {
                return Err($crate::capi::call::Failure::invalid(format!(
                    "dimensions is {given}: give 1 to 4"
                )))
            }
        }
    };
}
use {in_dimensions, with};

impl circlet_curve {
    /// Returns a curve of the plane; of any other, says what only those do.
    fn plane(&self, what: &str) -> Result<&Curve, Failure> {
        Curve::of(self).ok_or_else(|| {
            let message = format!("curve has {}: only a curve of the plane, of 2, {what}", self.in_words());
            Failure::new(circlet_status::CIRCLET_BAD_CURVE, message)
        })
    }

    /// Returns a curve of as many dimensions as another; `names` are what the two are called.
    fn like<C: Shaped>(&self, other: &Self, names: [&str; 2]) -> Result<&C, Failure> {
        C::of(self).ok_or_else(|| {
            let ([name, beside], own, others) = (names, self.in_words(), other.in_words());
            let message = format!("{name} has {own} and {beside} {others}: give curves of the same");
            Failure::new(circlet_status::CIRCLET_BAD_CURVE, message)
        })
    }

    fn in_words(&self) -> String {
        match self.dimensions() {
            1 => "1 dimension".into(),
            more => format!("{more} dimensions"),
        }
    }
}

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
