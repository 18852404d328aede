//! Curves for C: made, looked at, measured and placed. `points.rs` has their points.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use serde_json::Value;

use super::call::{self, Failure, Out, array, array_mut, borrow, call, end_handle, into_handle, text};
use super::status::circlet_status;
use crate::curve::{Affine, Curve, Error, Family, Fit, Point, Rect};

/// A curve in the plane. It never changes, so that any number of threads may use it at once.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_curve(pub(super) Curve);

/// Fits each axis by a scale of its own.
pub const CIRCLET_FIT_STRETCH: i32 = 0;
/// Fits the whole drawing into the box, centred, with one scale.
pub const CIRCLET_FIT_CONTAIN: i32 = 1;
/// Covers the whole box, centred, with one scale.
pub const CIRCLET_FIT_COVER: i32 = 2;

/// Makes the curve of a family from `count` points, x and y in turn.
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
/// | "clamped" | "start" and "end", the derivatives [x, y] there; "knots" |
/// | "hermite" | "derivatives", an [x, y] for each point; "knots" |
/// | "bump_x", "bump_y", "monotone_x", "monotone_y", "pchip", "fritsch_carlson", "akima", "makima" | |
///
/// "ends" is "d3" (the default: from the first point to the last), "open" or "closed"; "knots" is "uniform" (the
/// default), "centripetal", "chordal", the power of the distances 0 to 1, or the list of the knots.
///
/// Returns 0, CIRCLET_BAD_JSON where `params_json` is no JSON, or CIRCLET_BAD_CURVE for a family that there is not and for
/// points or parameters that it does not take; the caller owns `*curve`.
///
/// # Safety
/// `family` is a string, and so is `params_json` unless it is NULL; `points` leads to `2 * count` doubles; `curve` is NULL or
/// has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_new(
    family: *const c_char,
    params_json: *const c_char,
    points: *const f64,
    count: u32,
    curve: *mut *mut circlet_curve,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise; a point is two doubles.
        let (family, points, out) = unsafe {
            (
                text(family, "family")?,
                array(points.cast::<Point>(), count, "points")?,
                Out::new(curve, "curve")?,
            )
        };
        let params = if params_json.is_null() {
            Value::Null
        } else {
            // SAFETY: the caller's promise.
            serde_json::from_str(unsafe { text(params_json, "params_json")? }).map_err(|error| {
                Failure::new(circlet_status::CIRCLET_BAD_JSON, format!("params_json is no JSON: {error}"))
            })?
        };
        out.set(into_handle(circlet_curve(Family::named(family, params)?.make(points)?)));
        Ok(0)
    })
}

/// Reads SVG path data: a curve for each subpath that draws something.
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
            slot.write(into_handle(circlet_curve(curve)));
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
        out.set(curve.0.domain().into());
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
        for (slot, knot) in out.iter_mut().zip(curve.0.knots()) {
            *slot = *knot;
        }
        call::count(curve.0.knots().len())
    })
}

/// Gives the cubic Bezier segments, 8 doubles each (four points, x and y in turn).
///
/// Writes the first `max` segments and returns how many there are in all.
///
/// # Safety
/// `curve` is NULL or a curve; `segments` has room for `8 * max` doubles, or is NULL where `max` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_segments(
    curve: *const circlet_curve,
    segments: *mut f64,
    max: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (curve, out) =
            unsafe { (borrow(curve, "curve")?, array_mut(segments.cast::<[Point; 4]>(), max, "segments")?) };
        for (slot, segment) in out.iter_mut().zip(curve.0.segments()) {
            *slot = *segment;
        }
        call::count(curve.0.segment_count())
    })
}

/// Gives the exact bounds: the least x, the least y, the greatest x, the greatest y.
///
/// Returns 0.
///
/// # Safety
/// `curve` is NULL or a curve; `bounds` has room for 4 doubles.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_bounds(curve: *const circlet_curve, bounds: *mut f64) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (curve, out) = unsafe { (borrow(curve, "curve")?, doubles::<4>(bounds, "bounds")?) };
        let Rect { min, max } = curve.0.bounds();
        out.set([min[0], min[1], max[0], max[1]]);
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
        out.set(curve.0.length(tolerance)?);
        Ok(0)
    })
}

/// Gives a polyline from the first to the last point with every point of the curve within `tolerance` of it.
///
/// Returns how many points it has. They are written, x and y in turn, if `max` is enough for all of them: call with 0
/// first to learn how many there will be. CIRCLET_BAD_CURVE for a tolerance that is not above 0.
///
/// # Safety
/// `curve` is NULL or a curve; `points` has room for `2 * max` doubles, or is NULL where `max` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_flatten(
    curve: *const circlet_curve,
    tolerance: f64,
    points: *mut f64,
    max: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (curve, out) =
            unsafe { (borrow(curve, "curve")?, array_mut(points.cast::<Point>(), max, "points")?) };
        let needed = curve.0.flatten_count(tolerance)?;
        if needed <= out.len() {
            curve.0.flatten_into(tolerance, out)?;
        }
        call::count(needed)
    })
}

/// Gives the map a b c d e f (x' = a x + c y + e, y' = b x + d y + f) that fits the curve's exact bounds into a box,
/// which is x, y, width, height; `fit` is CIRCLET_FIT_STRETCH, CIRCLET_FIT_CONTAIN or CIRCLET_FIT_COVER.
///
/// Returns 0, or CIRCLET_BAD_CURVE for a box without a size.
///
/// # Safety
/// `curve` is NULL or a curve; `target` leads to 4 doubles, and `map` has room for 6.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_fit_to_box(
    curve: *const circlet_curve,
    target: *const f64,
    fit: i32,
    map: *mut f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (curve, target) = unsafe { (borrow(curve, "curve")?, array(target, 4, "target")?) };
        // SAFETY: the caller's promise.
        let out = unsafe { doubles::<6>(map, "map")? };
        let fit = match fit {
            CIRCLET_FIT_STRETCH => Fit::Stretch,
            CIRCLET_FIT_CONTAIN => Fit::Contain,
            CIRCLET_FIT_COVER => Fit::Cover,
            _ => {
                return Err(Failure::invalid(format!(
                    "fit is {fit}: give 0 (stretch), 1 (contain) or 2 (cover)"
                )));
            }
        };
        let target = Rect::from_corner_and_size([target[0], target[1]], [target[2], target[3]]);
        let Affine { a, b, c, d, e, f } = curve.0.fit_to_box(target, fit, crate::curve::Align::CENTER)?;
        out.set([a, b, c, d, e, f]);
        Ok(0)
    })
}

/// Makes the curve's image under a map a b c d e f, as `circlet_curve_fit_to_box` gives it.
///
/// Returns 0, or CIRCLET_BAD_CURVE where a coordinate is no number any more; the caller owns `*image`.
///
/// # Safety
/// `curve` is NULL or a curve; `map` leads to 6 doubles; `image` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_transform(
    curve: *const circlet_curve,
    map: *const f64,
    image: *mut *mut circlet_curve,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (curve, map, out) =
            unsafe { (borrow(curve, "curve")?, array(map, 6, "map")?, Out::new(image, "image")?) };
        let map = Affine { a: map[0], b: map[1], c: map[2], d: map[3], e: map[4], f: map[5] };
        out.set(into_handle(circlet_curve(curve.0.transform(&map)?)));
        Ok(0)
    })
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
