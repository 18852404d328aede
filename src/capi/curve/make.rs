//! Curves for C: how they are made and ended, and what they hold.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use serde_json::Value;

use super::super::call::{self, Failure, Out, array, array_mut, borrow, call, end_handle, long_array, text};
use super::super::status::circlet_status;
use super::form::Form;
use super::{circlet_curve, doubles, handle, in_dimensions, with};
use crate::curve::{Curve, Family, PiecewiseCubic};

/// Makes the curve of a family from `count` points of 1 to 4 `dimensions`, one point's coordinates behind the other's.
///
/// The parameters are an object of JSON, such as {"alpha": 0.5, "ends": "closed"}; what is left out has its default, and
/// NULL leaves out all:
///
/// | family | parameters |
/// |---|---|
/// | "bezier" (2 to 65 points) | "degree", to have it checked; above 3 "tolerance", as a part of the size (1e-9) |
/// | "linear", "basis" | "ends" |
/// | "step" | "position" 0 to 1 (0.5) |
/// | "catmull_rom" | "alpha" 0 to 1 (0.5), "ends" |
/// | "cardinal" | "tension" 0 to 1 (0), "ends" |
/// | "bundle" | "beta" 0 to 1 (0.85) |
/// | "natural", "not_a_knot", "periodic" | "knots" |
/// | "clamped" | "start" and "end", the derivatives there, such as [x, y] in the plane; "knots" |
/// | "hermite" | "derivatives", one for each point; "knots" |
/// | "bump_x", "bump_y", "monotone_x", "monotone_y", "pchip", "fritsch_carlson", "akima", "makima" | |
///
/// "ends" is "d3" (the default: from the first point to the last), "open" or "closed"; "knots" is "uniform" (the
/// default), "centripetal", "chordal", the power of the distances 0 to 1, or the list of the knots.
///
/// A "bezier" above degree 3 is evaluated, differentiated, bounded, cut, reversed and mapped as the curve that it is. All else
/// goes by its segments, which are within the tolerance of it at each parameter: lengths, polylines, places, path data, and what
/// `circlet_curve_concat` makes of it.
///
/// Returns 0, CIRCLET_INVALID for other dimensions, CIRCLET_BAD_JSON where `params_json` is no JSON, or CIRCLET_BAD_CURVE for a
/// family that there is not and for points or parameters that it does not take; the caller owns `*curve`.
///
/// # Safety
/// `family` is a string, and so is `params_json` unless it is NULL; `points` leads to `dimensions * count` doubles; `curve` is
/// NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_new(
    family: *const c_char,
    params_json: *const c_char,
    dimensions: u32,
    points: *const f64,
    count: u32,
    curve: *mut *mut circlet_curve,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (family, out) = unsafe { (text(family, "family")?, Out::new(curve, "curve")?) };
        let params = if params_json.is_null() {
            Value::Null
        } else {
            // SAFETY: the caller's promise.
            serde_json::from_str(unsafe { text(params_json, "params_json")? }).map_err(|error| {
                Failure::new(circlet_status::CIRCLET_BAD_JSON, format!("params_json is no JSON: {error}"))
            })?
        };
        out.set(in_dimensions!(dimensions, D => {
            // SAFETY: the caller's promise; a point is so many doubles.
            let points = unsafe { array(points.cast::<[f64; D]>(), count, "points")? };
            handle(Form::make(&Family::named(family, params)?, points)?)
        }));
        Ok(0)
    })
}

/// Makes a curve of `count` cubic Bezier segments in 1 to 4 `dimensions`, each its four control points one behind the other,
/// over the `count + 1` ascending knots between them.
///
/// A segment need not start where the one before it ends: there the curve jumps. Returns 0, CIRCLET_INVALID for other dimensions,
/// or CIRCLET_BAD_CURVE for no segment, knots that do not ascend strictly, and numbers beyond 1e300; the caller owns `*curve`.
///
/// # Safety
/// `segments` leads to `4 * dimensions * count` doubles, and `knots` to `count + 1`; `curve` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_new_segments(
    dimensions: u32,
    segments: *const f64,
    knots: *const f64,
    count: u32,
    curve: *mut *mut circlet_curve,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (knots, out) =
            unsafe { (long_array(knots, count as usize + 1, "knots")?, Out::new(curve, "curve")?) };
        out.set(in_dimensions!(dimensions, D => {
            // SAFETY: the caller's promise; a segment is four points of so many doubles.
            let segments = unsafe { array(segments.cast::<[[f64; D]; 4]>(), count, "segments")? };
            handle(PiecewiseCubic::from_segments(segments.to_vec(), knots.to_vec())?)
        }));
        Ok(0)
    })
}

/// Makes a curve of few segments that passes `count` points of 1 to 4 `dimensions`, in their order, within `tolerance`, on the
/// knots 0, 1, 2 and so on.
///
/// It starts at the first point and ends at the last. Where the points turn by more than 60 degrees, seen at the scale of the
/// tolerance, it has a corner; noise below the tolerance makes none, and a closed row of points closes smoothly. Returns 0,
/// CIRCLET_INVALID for other dimensions, or CIRCLET_BAD_CURVE for fewer than 2 points, numbers beyond 1e300, and a tolerance that
/// is not above 0; the caller owns `*curve`.
///
/// # Safety
/// `points` leads to `dimensions * count` doubles; `curve` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_new_fit(
    dimensions: u32,
    points: *const f64,
    count: u32,
    tolerance: f64,
    curve: *mut *mut circlet_curve,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::new(curve, "curve")? };
        out.set(in_dimensions!(dimensions, D => {
            // SAFETY: the caller's promise; a point is so many doubles.
            let points = unsafe { array(points.cast::<[f64; D]>(), count, "points")? };
            handle(PiecewiseCubic::fit_points(points, tolerance)?)
        }));
        Ok(0)
    })
}

/// Reads SVG path data: a curve of the plane for each subpath that draws something.
///
/// Writes the first `max` curves to `curves` and returns how many there are in all, or CIRCLET_BAD_CURVE with the byte
/// position in the message. The caller owns each curve written.
///
/// # Safety
/// `d` is a string; `curves` has room for `max` pointers, or is NULL where `max` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_new_svg(
    d: *const c_char,
    curves: *mut *mut circlet_curve,
    max: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (d, out) = unsafe { (text(d, "d")?, array_mut(curves.cast::<MaybeUninit<_>>(), max, "curves")?) };
        let found = Curve::from_svg(d)?;
        let count = call::count(found.len())?;
        for (slot, curve) in out.iter_mut().zip(found) {
            slot.write(handle(curve));
        }
        Ok(count)
    })
}

/// Ends a curve. NULL is fine.
///
/// # Safety
/// `curve` is NULL or a curve that nobody uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_free(curve: *mut circlet_curve) {
    // SAFETY: the caller's promise.
    unsafe { end_handle(curve) };
}

/// Returns of how many dimensions a curve is, 1 to 4: so many doubles each of its points has.
///
/// # Safety
/// `curve` is NULL or a curve.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_dimensions(curve: *const circlet_curve) -> i32 {
    // SAFETY: the caller's promise.
    call(|| Ok(unsafe { borrow(curve, "curve")? }.dimensions()))
}

/// Gives the parameters of the curve's start and end.
///
/// Returns 0.
///
/// # Safety
/// `curve` is NULL or a curve; `domain` has room for 2 doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_domain(curve: *const circlet_curve, domain: *mut f64) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (curve, out) = unsafe { (borrow(curve, "curve")?, doubles::<2>(domain, "domain")?) };
        out.set(with!(curve, curve => curve.domain()).into());
        Ok(0)
    })
}

/// Gives the knots, the parameters between which the segments lie: one more than there are segments.
///
/// Writes the first `max` knots and returns how many there are in all.
///
/// # Safety
/// `curve` is NULL or a curve; `knots` has room for `max` doubles, or is NULL where `max` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_knots(curve: *const circlet_curve, knots: *mut f64, max: u32) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (curve, out) = unsafe { (borrow(curve, "curve")?, array_mut(knots, max, "knots")?) };
        let knots = with!(curve, curve => curve.knots());
        for (slot, knot) in out.iter_mut().zip(knots) {
            *slot = *knot;
        }
        call::count(knots.len())
    })
}

/// Gives the cubic Bezier segments, each its four control points one behind the other: 8 doubles in the plane. For a Bezier curve
/// above degree 3 they are near it.
///
/// Writes the first `max` segments and returns how many there are in all.
///
/// # Safety
/// `curve` is NULL or a curve; `segments` has room for `4 * dimensions * max` doubles, or is NULL where `max` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_segments(
    curve: *const circlet_curve,
    segments: *mut f64,
    max: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        with!(curve, curve => {
            // SAFETY: the caller's promise; a segment is four points.
            let out = unsafe { array_mut(segments.cast(), max, "segments")? };
            for (slot, segment) in out.iter_mut().zip(curve.segments()) {
                *slot = *segment;
            }
            call::count(curve.segment_count())
        })
    })
}
