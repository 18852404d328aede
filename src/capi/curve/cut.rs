//! Parts of curves for C, curves backwards, and one curve after another.

use super::super::call::{Out, borrow, call};
use super::{apart, circlet_curve, handle, with};

/// Cuts the curve at a parameter inside its domain into what is before and what is after; both keep their knots.
///
/// Returns 0, or CIRCLET_BAD_CURVE for a parameter outside of the domain or at its ends; the caller owns `*left` and `*right`.
///
/// # Safety
/// `curve` is NULL or a curve; `left` and `right` are NULL or have room for a pointer each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_split(
    curve: *const circlet_curve,
    parameter: f64,
    left: *mut *mut circlet_curve,
    right: *mut *mut circlet_curve,
) -> i32 {
    call(|| {
        apart(("right", right, 1), ("left", left, 1))?;
        // SAFETY: the caller's promise.
        let (curve, left, right) =
            unsafe { (borrow(curve, "curve")?, Out::new(left, "left")?, Out::new(right, "right")?) };
        with!(curve, curve => {
            let (before, after) = curve.split(parameter)?;
            left.set(handle(before));
            right.set(handle(after));
        });
        Ok(0)
    })
}

/// Makes the part of the curve between two parameters, each clamped to its domain; it keeps its knots.
///
/// Returns 0, or CIRCLET_BAD_CURVE unless `from` is below `to` after that; the caller owns `*part`.
///
/// # Safety
/// `curve` is NULL or a curve; `part` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_subcurve(
    curve: *const circlet_curve,
    from: f64,
    to: f64,
    part: *mut *mut circlet_curve,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (curve, out) = unsafe { (borrow(curve, "curve")?, Out::new(part, "part")?) };
        out.set(with!(curve, curve => handle(curve.subcurve(from, to)?)));
        Ok(0)
    })
}

/// Makes the curve that runs backwards over the same domain.
///
/// Returns 0; the caller owns `*reversed`.
///
/// # Safety
/// `curve` is NULL or a curve; `reversed` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_reversed(
    curve: *const circlet_curve,
    reversed: *mut *mut circlet_curve,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (curve, out) = unsafe { (borrow(curve, "curve")?, Out::new(reversed, "reversed")?) };
        out.set(with!(curve, curve => handle(curve.reversed())));
        Ok(0)
    })
}

/// Makes the curve of `a` with `b` behind it, whose knots are moved so that they go on from the last of `a`.
///
/// Where `b` does not start at the end of `a` the result jumps. Returns 0, or CIRCLET_BAD_CURVE for curves of different
/// dimensions, and where moved knots do not ascend or are beyond 1e300; the caller owns `*joined`.
///
/// # Safety
/// `a` and `b` are each NULL or a curve, perhaps the same; `joined` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_concat(
    a: *const circlet_curve,
    b: *const circlet_curve,
    joined: *mut *mut circlet_curve,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (a, b, out) = unsafe { (borrow(a, "a")?, borrow(b, "b")?, Out::new(joined, "joined")?) };
        out.set(with!(a, first => handle(first.concat(b.like(a, ["b", "a"])?)?)));
        Ok(0)
    })
}
