//! Points and derivatives of curves for C, written into arrays of the caller's.

use super::super::call::{Failure, array, array_mut, borrow, call, long_array_mut};
use super::form::Real;
use super::{Shaped, apart, circlet_curve, through, with};
use crate::curve::share;

/// Evaluates the curve at `count` parameters, which are clamped to its domain: one point's coordinates behind the other's.
///
/// Above 262,144 points several threads share the work. Returns 0, or CIRCLET_INVALID where the two arrays overlap.
///
/// # Safety
/// `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `points` has room for `dimensions * count`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_eval(
    curve: *const circlet_curve,
    parameters: *const f64,
    count: u32,
    points: *mut f64,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { write(curve, 0, parameters, count, ("points", points)) }
}

/// Evaluates the curve as `circlet_curve_eval` does, and rounds to floats.
///
/// A coordinate beyond the range of floats becomes infinite. Returns 0, or CIRCLET_INVALID where the two arrays overlap.
///
/// # Safety
/// `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `points` has room for `dimensions * count` floats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_eval_f32(
    curve: *const circlet_curve,
    parameters: *const f64,
    count: u32,
    points: *mut f32,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { write(curve, 0, parameters, count, ("points", points)) }
}

/// Evaluates the curve as `circlet_curve_eval` does, into one array for each of its dimensions.
///
/// Returns 0, or CIRCLET_INVALID where two of the arrays overlap.
///
/// # Safety
/// `curve` is NULL or a curve; `parameters` leads to `count` doubles; `columns` leads to as many pointers as the curve has
/// dimensions, each with room for `count` doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_eval_columns(
    curve: *const circlet_curve,
    parameters: *const f64,
    count: u32,
    columns: *const *mut f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        with!(curve, curve => {
            // SAFETY: the caller's promise.
            let rooms = unsafe { rooms(columns, count)? };
            for (what, room) in COLUMNS.into_iter().zip(rooms) {
                apart((what, room, count), ("parameters", parameters, count))?;
            }
            // SAFETY: the caller's promise; all lie apart.
            let (us, out) = unsafe { (array(parameters, count, "parameters")?, each(rooms, count)?) };
            curve.eval_into_columns(us, out)?;
        });
        Ok(0)
    })
}

/// Gives the first (`order` 1) or second (2) derivatives by the parameter at `count` parameters, which are clamped to the domain:
/// one's components behind the other's.
///
/// Where two segments meet it is the later one's. Above 262,144 several threads share the work. Returns 0, or CIRCLET_INVALID for
/// another order, and where the two arrays overlap.
///
/// # Safety
/// `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `derivatives` has room for `dimensions * count`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_derivative(
    curve: *const circlet_curve,
    order: u32,
    parameters: *const f64,
    count: u32,
    derivatives: *mut f64,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { differentiate(curve, order, parameters, count, derivatives) }
}

/// Gives derivatives as `circlet_curve_derivative` does, and rounds to floats.
///
/// A component beyond the range of floats becomes infinite. Returns 0, or CIRCLET_INVALID for another order, and where the two
/// arrays overlap.
///
/// # Safety
/// `curve` is NULL or a curve; `parameters` leads to `count` doubles, and `derivatives` has room for `dimensions * count` floats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_derivative_f32(
    curve: *const circlet_curve,
    order: u32,
    parameters: *const f64,
    count: u32,
    derivatives: *mut f32,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { differentiate(curve, order, parameters, count, derivatives) }
}

/// Evaluates the curve at `count` evenly spaced parameters from its start to its end: one point's coordinates behind the
/// other's.
///
/// Above 262,144 points several threads share the work. Returns 0.
///
/// # Safety
/// `curve` is NULL or a curve; `points` has room for `dimensions * count` doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_sample(
    curve: *const circlet_curve,
    count: u32,
    points: *mut f64,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { sample(curve, count, points) }
}

/// Samples the curve as `circlet_curve_sample` does, and rounds to floats.
///
/// A coordinate beyond the range of floats becomes infinite. Returns 0.
///
/// # Safety
/// `curve` is NULL or a curve; `points` has room for `dimensions * count` floats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_sample_f32(
    curve: *const circlet_curve,
    count: u32,
    points: *mut f32,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { sample(curve, count, points) }
}

/// Samples the curve as `circlet_curve_sample` does, up to rounding, into one array for each of its dimensions.
///
/// Returns 0, or CIRCLET_INVALID where two of the arrays overlap.
///
/// # Safety
/// `curve` is NULL or a curve; `columns` leads to as many pointers as the curve has dimensions, each with room for `count`
/// doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_sample_columns(
    curve: *const circlet_curve,
    count: u32,
    columns: *const *mut f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        // SAFETY: the caller's promise; they lie apart.
        with!(curve, curve => curve.sample_into_columns(unsafe { each(rooms(columns, count)?, count)? })?);
        Ok(0)
    })
}

/// Samples many curves of the same dimensions as `circlet_curve_sample` does, each at `points_each` parameters, one curve's
/// points behind the other's.
///
/// Above 262,144 points in all several threads share the work. Returns 0, CIRCLET_INVALID for a curve that is NULL, or
/// CIRCLET_BAD_CURVE for one of other dimensions than the first.
///
/// # Safety
/// `curves` leads to `curves_count` pointers, each NULL or a curve; `points` has room for
/// `dimensions * points_each * curves_count` doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_batch_sample(
    curves: *const *const circlet_curve,
    curves_count: u32,
    points_each: u32,
    points: *mut f64,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { batch_sample(curves, curves_count, points_each, points) }
}

/// Samples many curves as `circlet_curve_batch_sample` does, and rounds to floats.
///
/// A coordinate beyond the range of floats becomes infinite. Returns what `circlet_curve_batch_sample` returns.
///
/// # Safety
/// `curves` leads to `curves_count` pointers, each NULL or a curve; `points` has room for
/// `dimensions * points_each * curves_count` floats.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_batch_sample_f32(
    curves: *const *const circlet_curve,
    curves_count: u32,
    points_each: u32,
    points: *mut f32,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { batch_sample(curves, curves_count, points_each, points) }
}

/// Writes points (`order` 0) or derivatives at parameters; the array's name is for messages.
///
/// # Safety
/// `curve` is NULL or a curve; `parameters` leads to `count` doubles, and the array has room for `dimensions * count` numbers.
unsafe fn write<R: Real>(
    curve: *const circlet_curve,
    order: u32,
    parameters: *const f64,
    count: u32,
    (what, values): (&str, *mut R),
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        with!(curve, curve => {
            // SAFETY: the caller's promise.
            let (us, out) = unsafe { through(("parameters", parameters), (what, values.cast()), count)? };
            R::write(curve, order, us, out)?;
        });
        Ok(0)
    })
}

/// Writes derivatives of the order 1 or 2 at parameters.
///
/// # Safety
/// As [`write`] has it.
unsafe fn differentiate<R: Real>(
    curve: *const circlet_curve,
    order: u32,
    parameters: *const f64,
    count: u32,
    derivatives: *mut R,
) -> i32 {
    if !matches!(order, 1 | 2) {
        return call(|| Err(Failure::invalid(format!("order is {order}: give 1 or 2"))));
    }
    // SAFETY: the caller's promise.
    unsafe { write(curve, order, parameters, count, ("derivatives", derivatives)) }
}

/// Writes the points at evenly spaced parameters.
///
/// # Safety
/// `curve` is NULL or a curve; `points` has room for `dimensions * count` numbers.
unsafe fn sample<R: Real>(curve: *const circlet_curve, count: u32, points: *mut R) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        // SAFETY: the caller's promise.
        with!(curve, curve => R::sample(curve, unsafe { array_mut(points.cast(), count, "points")? }));
        Ok(0)
    })
}

/// Writes the points of each curve at evenly spaced parameters.
///
/// # Safety
/// `curves` leads to `curves_count` pointers, each NULL or a curve; `points` has room for
/// `dimensions * points_each * curves_count` numbers.
unsafe fn batch_sample<R: Real>(
    curves: *const *const circlet_curve,
    curves_count: u32,
    points_each: u32,
    points: *mut R,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curves = unsafe { all(curves, curves_count)? };
        let Some(first) = curves.first() else { return Ok(0) };
        with!(first, first => {
            let (curves, count) = (alike(first, &curves)?, curves.len().saturating_mul(points_each as usize));
            // SAFETY: the caller's promise.
            let out = unsafe { long_array_mut(points.cast(), count, "points")? };
            share(&curves, points_each as usize, out, |curve, out| R::sample(curve, out))?;
        });
        Ok(0)
    })
}

const COLUMNS: [&str; 4] = ["columns[0]", "columns[1]", "columns[2]", "columns[3]"];

/// Reads where the columns are, which must lie apart.
///
/// # Safety
/// If it is not NULL, it leads to `D` pointers.
unsafe fn rooms<const D: usize>(columns: *const *mut f64, count: u32) -> Result<[*mut f64; D], Failure> {
    // SAFETY: the caller's promise.
    let rooms = *unsafe { borrow(columns.cast::<[*mut f64; D]>(), "columns")? };
    for (i, room) in rooms.into_iter().enumerate() {
        for (j, other) in rooms.into_iter().enumerate().take(i) {
            apart((COLUMNS[j], other, count), (COLUMNS[i], room, count))?;
        }
    }
    Ok(rooms)
}

/// Borrows columns to be written.
///
/// # Safety
/// Each that is not NULL has room for `count` doubles that are the callee's alone during `'a`.
unsafe fn each<'a, const D: usize>(rooms: [*mut f64; D], count: u32) -> Result<[&'a mut [f64]; D], Failure> {
    let mut all: [&mut [f64]; D] = std::array::from_fn(|_| Default::default());
    for ((column, room), what) in all.iter_mut().zip(rooms).zip(COLUMNS) {
        // SAFETY: the caller's promise.
        *column = unsafe { array_mut(room, count, what)? };
    }
    Ok(all)
}

/// Borrows many curves.
///
/// # Safety
/// If it is not NULL, it leads to `count` pointers, each NULL or a curve that nobody ends during `'a`.
pub(super) unsafe fn all<'a>(
    curves: *const *const circlet_curve,
    count: u32,
) -> Result<Vec<&'a circlet_curve>, Failure> {
    // SAFETY: the caller's promise.
    let curves = unsafe { array(curves, count, "curves")? };
    // SAFETY: the caller's promise.
    curves.iter().map(|curve| unsafe { borrow(*curve, "one of the curves") }).collect()
}

/// Returns curves that are all of the first one's kind.
pub(super) fn alike<'a, C: Shaped>(_first: &C, curves: &[&'a circlet_curve]) -> Result<Vec<&'a C>, Failure> {
    let other = |i: usize| curves[i].like(curves[0], [&format!("curve {i}"), "curve 0"]);
    curves.iter().enumerate().map(|(i, curve)| C::of(curve).map_or_else(|| other(i), Ok)).collect()
}
