//! Bounds, directions, bending and lengths of curves for C.

use super::super::call::{Out, array_mut, borrow, call};
use super::{circlet_curve, through, with};
use crate::curve::Rect;

/// Gives the exact bounds: the least coordinate of each dimension, and then the greatest of each.
///
/// In the plane the least x, the least y, the greatest x, the greatest y. Returns 0.
///
/// # Safety
/// `curve` is NULL or a curve; `bounds` has room for `2 * dimensions` doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_bounds(curve: *const circlet_curve, bounds: *mut f64) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        with!(curve, curve => {
            let Rect { min, max } = curve.bounds();
            // SAFETY: the caller's promise.
            unsafe { Out::new(bounds.cast(), "bounds")? }.set([min, max]);
        });
        Ok(0)
    })
}

/// Gives the unit vectors along the curve at `count` parameters, which are clamped to its domain: one's components behind the
/// other's.
///
/// At a cusp it is the way on from there, and at the end the way to it. All components are 0 where there is no direction: on a
/// segment that is a point, and for a parameter that is no number. Returns 0, or CIRCLET_INVALID where the two arrays overlap.
///
/// # Safety
/// `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `tangents` has room for `dimensions * count`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_tangent(
    curve: *const circlet_curve,
    parameters: *const f64,
    count: u32,
    tangents: *mut f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        with!(curve, curve => {
            // SAFETY: the caller's promise.
            let (us, out) =
                unsafe { through(("parameters", parameters), ("tangents", tangents.cast()), count)? };
            for (slot, u) in out.iter_mut().zip(us) {
                *slot = curve.tangent(*u).unwrap_or_default();
            }
        });
        Ok(0)
    })
}

/// Gives the unit vectors a quarter turn to the left of the tangents of a curve of the plane; x and y in turn.
///
/// Both are 0 where there is no tangent. To the left is up from a curve along x where y goes up. Returns 0, CIRCLET_INVALID where
/// the two arrays overlap, or CIRCLET_BAD_CURVE for a curve of other dimensions than 2.
///
/// # Safety
/// `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `normals` has room for `2 * count`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_normal(
    curve: *const circlet_curve,
    parameters: *const f64,
    count: u32,
    normals: *mut f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? }.plane("has normals")?;
        // SAFETY: the caller's promise.
        let (us, out) = unsafe { through(("parameters", parameters), ("normals", normals.cast()), count)? };
        for (slot, u) in out.iter_mut().zip(us) {
            *slot = curve.normal(*u).unwrap_or_default();
        }
        Ok(0)
    })
}

/// Gives the curvatures, 1 over the radius, at `count` parameters, which are clamped to the domain.
///
/// In the plane above 0 where the curve turns to the left, below where it turns to the right; in other dimensions never below 0.
/// Infinite at a cusp. Returns 0, or CIRCLET_INVALID where the two arrays overlap.
///
/// # Safety
/// `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `curvatures` has room for as many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_curvature(
    curve: *const circlet_curve,
    parameters: *const f64,
    count: u32,
    curvatures: *mut f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        // SAFETY: the caller's promise.
        let (us, out) = unsafe { through(("parameters", parameters), ("curvatures", curvatures), count)? };
        with!(curve, curve => for (slot, u) in out.iter_mut().zip(us) {
            *slot = curve.curvature(*u);
        });
        Ok(0)
    })
}

/// Gives the length of the curve, to within `tolerance`.
///
/// Returns 0, or CIRCLET_BAD_CURVE for a tolerance that is not above 0.
///
/// # Safety
/// `curve` is NULL or a curve; `length` has room for a double.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_length(
    curve: *const circlet_curve,
    tolerance: f64,
    length: *mut f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (curve, out) = unsafe { (borrow(curve, "curve")?, Out::new(length, "length")?) };
        out.set(with!(curve, curve => curve.length(tolerance)?));
        Ok(0)
    })
}

/// Gives the lengths of the curve from its start to `count` parameters, which are clamped to its domain, each to within
/// `tolerance`.
///
/// The curve is measured once for all of them. Not a number for a parameter that is none. Returns 0, CIRCLET_INVALID where the two
/// arrays overlap, or CIRCLET_BAD_CURVE for a tolerance that is not above 0.
///
/// # Safety
/// `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `lengths` has room for as many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_length_to(
    curve: *const circlet_curve,
    parameters: *const f64,
    count: u32,
    tolerance: f64,
    lengths: *mut f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        // SAFETY: the caller's promise.
        let (us, out) = unsafe { through(("parameters", parameters), ("lengths", lengths), count)? };
        with!(curve, curve => {
            let table = curve.arc_length(tolerance)?;
            for (slot, u) in out.iter_mut().zip(us) {
                *slot = table.length_to(*u);
            }
        });
        Ok(0)
    })
}

/// Gives the parameters at which the curve has `count` lengths behind it: the true length up to each is within `tolerance` of the
/// one asked for.
///
/// The curve is measured once for all of them. A length below 0 gives the start, one beyond the curve's the end, and not a
/// number the same. Returns 0, CIRCLET_INVALID where the two arrays overlap, or CIRCLET_BAD_CURVE for a tolerance that is not
/// above 0.
///
/// # Safety
/// `curve` is NULL or a curve; `lengths` leads to `count` doubles, and `parameters` has room for as many.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_parameter_at_length(
    curve: *const circlet_curve,
    lengths: *const f64,
    count: u32,
    tolerance: f64,
    parameters: *mut f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        // SAFETY: the caller's promise.
        let (lengths, out) = unsafe { through(("lengths", lengths), ("parameters", parameters), count)? };
        with!(curve, curve => {
            let table = curve.arc_length(tolerance)?;
            for (slot, length) in out.iter_mut().zip(lengths) {
                *slot = table.parameter_at(*length);
            }
        });
        Ok(0)
    })
}

/// Gives `count` points evenly spaced by length, the first and the last exactly the ends; each has its length behind it within
/// `tolerance`.
///
/// Returns 0, or CIRCLET_BAD_CURVE for a tolerance that is not above 0.
///
/// # Safety
/// `curve` is NULL or a curve; `points` has room for `dimensions * count` doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_sample_by_length(
    curve: *const circlet_curve,
    count: u32,
    tolerance: f64,
    points: *mut f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        with!(curve, curve => {
            // SAFETY: the caller's promise.
            let out = unsafe { array_mut(points.cast(), count, "points")? };
            curve.arc_length(tolerance)?.points_into(out);
        });
        Ok(0)
    })
}
