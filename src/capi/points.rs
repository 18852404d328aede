//! Points of curves for C, written into arrays of the caller's.

use super::call::{Failure, array, array_mut, borrow, call, long_array_mut};
use super::curve::circlet_curve;
use crate::curve::{Point, sample_batch};

/// Evaluates the curve at `count` parameters, which are clamped to its domain; x and y in turn.
///
/// Above 65,536 points several threads share the work. Returns 0, or CIRCLET_INVALID where the two arrays overlap.
///
/// # Safety
/// `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `points` has room for `2 * count`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_eval(
    curve: *const circlet_curve,
    parameters: *const f64,
    count: u32,
    points: *mut f64,
) -> i32 {
    call(|| {
        let points = points.cast::<Point>();
        apart(("points", points), ("parameters", parameters), count)?;
        // SAFETY: the caller's promise.
        let (curve, parameters) =
            unsafe { (borrow(curve, "curve")?, array(parameters, count, "parameters")?) };
        // SAFETY: the caller's promise; the parameters lie apart.
        curve.0.eval_into(parameters, unsafe { array_mut(points, count, "points")? })?;
        Ok(0)
    })
}

/// Evaluates the curve as `circlet_curve_eval` does, and rounds to floats: x and y in turn.
///
/// A coordinate beyond the range of floats becomes infinite. Returns 0, or CIRCLET_INVALID where the two arrays overlap.
///
/// # Safety
/// `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `points` has room for `2 * count` floats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_eval_f32(
    curve: *const circlet_curve,
    parameters: *const f64,
    count: u32,
    points: *mut f32,
) -> i32 {
    call(|| {
        let points = points.cast::<[f32; 2]>();
        apart(("points", points), ("parameters", parameters), count)?;
        // SAFETY: the caller's promise.
        let (curve, parameters) =
            unsafe { (borrow(curve, "curve")?, array(parameters, count, "parameters")?) };
        // SAFETY: the caller's promise; the parameters lie apart.
        curve.0.eval_into_f32(parameters, unsafe { array_mut(points, count, "points")? })?;
        Ok(0)
    })
}

/// Evaluates the curve as `circlet_curve_eval` does, into one array for each coordinate.
///
/// Returns 0, or CIRCLET_INVALID where two of the three arrays overlap.
///
/// # Safety
/// `curve` is NULL or a curve; `parameters` leads to `count` doubles; `x` and `y` have room for `count` each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_eval_xy(
    curve: *const circlet_curve,
    parameters: *const f64,
    count: u32,
    x: *mut f64,
    y: *mut f64,
) -> i32 {
    call(|| {
        apart(("x", x), ("parameters", parameters), count)?;
        apart(("y", y), ("parameters", parameters), count)?;
        apart(("x", x), ("y", y), count)?;
        // SAFETY: the caller's promise.
        let (curve, parameters) =
            unsafe { (borrow(curve, "curve")?, array(parameters, count, "parameters")?) };
        // SAFETY: the caller's promise; the three lie apart.
        let out = unsafe { [array_mut(x, count, "x")?, array_mut(y, count, "y")?] };
        curve.0.eval_into_columns(parameters, out)?;
        Ok(0)
    })
}

/// Gives the derivatives by the parameter at `count` parameters, which are clamped to the domain; x and y in turn.
///
/// Where two segments meet it is the later one's. Returns 0, or CIRCLET_INVALID where the two arrays overlap.
///
/// # Safety
/// `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `derivatives` has room for `2 * count`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_derivative(
    curve: *const circlet_curve,
    parameters: *const f64,
    count: u32,
    derivatives: *mut f64,
) -> i32 {
    call(|| {
        let derivatives = derivatives.cast::<Point>();
        apart(("derivatives", derivatives), ("parameters", parameters), count)?;
        // SAFETY: the caller's promise.
        let (curve, parameters) =
            unsafe { (borrow(curve, "curve")?, array(parameters, count, "parameters")?) };
        // SAFETY: the caller's promise; the parameters lie apart.
        let out = unsafe { array_mut(derivatives, count, "derivatives")? };
        for (slot, parameter) in out.iter_mut().zip(parameters) {
            *slot = curve.0.derivative(*parameter);
        }
        Ok(0)
    })
}

/// Evaluates the curve at `count` evenly spaced parameters from its start to its end; x and y in turn.
///
/// Above 65,536 points several threads share the work. Returns 0.
///
/// # Safety
/// `curve` is NULL or a curve; `points` has room for `2 * count` doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_sample(
    curve: *const circlet_curve,
    count: u32,
    points: *mut f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (curve, out) =
            unsafe { (borrow(curve, "curve")?, array_mut(points.cast::<Point>(), count, "points")?) };
        curve.0.sample_into(out);
        Ok(0)
    })
}

/// Samples the curve as `circlet_curve_sample` does, and rounds to floats: x and y in turn.
///
/// A coordinate beyond the range of floats becomes infinite. Returns 0.
///
/// # Safety
/// `curve` is NULL or a curve; `points` has room for `2 * count` floats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_sample_f32(
    curve: *const circlet_curve,
    count: u32,
    points: *mut f32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (curve, out) =
            unsafe { (borrow(curve, "curve")?, array_mut(points.cast::<[f32; 2]>(), count, "points")?) };
        curve.0.sample_into_f32(out);
        Ok(0)
    })
}

/// Samples the curve as `circlet_curve_sample` does, up to rounding, into one array for each coordinate.
///
/// Returns 0, or CIRCLET_INVALID where the two arrays overlap.
///
/// # Safety
/// `curve` is NULL or a curve; `x` and `y` have room for `count` doubles each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_sample_xy(
    curve: *const circlet_curve,
    count: u32,
    x: *mut f64,
    y: *mut f64,
) -> i32 {
    call(|| {
        apart(("x", x), ("y", y), count)?;
        // SAFETY: the caller's promise; the two lie apart.
        let (curve, out) =
            unsafe { (borrow(curve, "curve")?, [array_mut(x, count, "x")?, array_mut(y, count, "y")?]) };
        curve.0.sample_into_columns(out)?;
        Ok(0)
    })
}

/// Samples many curves as `circlet_curve_sample` does, each at `points_each` parameters, one curve's points behind the
/// other's; x and y in turn.
///
/// Above 65,536 points in all several threads share the work. Returns 0, or CIRCLET_INVALID for a curve that is NULL.
///
/// # Safety
/// `curves` leads to `curves_count` pointers, each NULL or a curve; `points` has room for
/// `2 * points_each * curves_count` doubles, and is not where the pointers are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_batch_sample(
    curves: *const *const circlet_curve,
    curves_count: u32,
    points_each: u32,
    points: *mut f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curves = unsafe { array(curves, curves_count, "curves")? };
        // SAFETY: the caller's promise.
        let curves = curves.iter().map(|curve| unsafe { borrow(*curve, "one of the curves") });
        let curves = curves.map(|curve| curve.map(|curve| &curve.0)).collect::<Result<Vec<_>, _>>()?;
        let count = curves.len().saturating_mul(points_each as usize);
        // SAFETY: the caller's promise.
        let out = unsafe { long_array_mut(points.cast::<Point>(), count, "points")? };
        sample_batch(&curves, points_each as usize, out)?;
        Ok(0)
    })
}

/// Refuses room for `count` values that overlaps another array of so many.
fn apart<A, B>(
    (what, room): (&str, *const A),
    (beside, other): (&str, *const B),
    count: u32,
) -> Result<(), Failure> {
    let count = count as usize;
    let room = room.addr()..room.addr().saturating_add(size_of::<A>() * count);
    let other = other.addr()..other.addr().saturating_add(size_of::<B>() * count);
    if room.start < other.end && other.start < room.end {
        return Err(Failure::invalid(format!("{what} overlaps {beside}: give room of its own")));
    }
    Ok(())
}
