//! Curves for C.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use super::call::{self, Failure, Out, array, array_mut, borrow, call, end_handle, into_handle, text};
use super::status::circlet_status;
use crate::curve::{Affine, Curve, Error, Fit, Point, Rect};

/// A curve in the plane. It never changes, so that any number of threads may use it at once.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_curve(Curve);

/// Fits each axis by a scale of its own.
pub const CIRCLET_FIT_STRETCH: i32 = 0;
/// Fits the whole drawing into the box, centred, with one scale.
pub const CIRCLET_FIT_CONTAIN: i32 = 1;
/// Covers the whole box, centred, with one scale.
pub const CIRCLET_FIT_COVER: i32 = 2;

/// Makes a Bezier curve of degree 1 to 3 from its `count` (2 to 4) control points, x and y in turn.
///
/// Returns 0 or CIRCLET_BAD_CURVE; the caller owns `*curve`.
///
/// # Safety
/// `points` leads to `2 * count` doubles; `curve` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_new_bezier(
    points: *const f64,
    count: u32,
    curve: *mut *mut circlet_curve,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (points, out) = unsafe { (read_points(points, count)?, Out::new(curve, "curve")?) };
        out.set(into_handle(circlet_curve(Curve::bezier(points)?)));
        Ok(0)
    })
}

/// Makes the polyline through `count` points, x and y in turn; `closed` other than 0 joins the last to the first.
///
/// Returns 0 or CIRCLET_BAD_CURVE; the caller owns `*curve`.
///
/// # Safety
/// As `circlet_curve_new_bezier`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_new_linear(
    points: *const f64,
    count: u32,
    closed: i32,
    curve: *mut *mut circlet_curve,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (points, out) = unsafe { (read_points(points, count)?, Out::new(curve, "curve")?) };
        out.set(into_handle(circlet_curve(Curve::linear(points, closed != 0)?)));
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

/// Evaluates the curve at `count` parameters, which are clamped to its domain; x and y in turn.
///
/// Returns 0, or CIRCLET_INVALID where the two arrays overlap.
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
        // SAFETY: the caller's promise.
        let (curve, parameters) =
            unsafe { (borrow(curve, "curve")?, array(parameters, count, "parameters")?) };
        let (begin, end) = (parameters.as_ptr_range().start.addr(), parameters.as_ptr_range().end.addr());
        let room = points.addr()..points.addr().saturating_add(size_of::<Point>() * count as usize);
        if begin < room.end && room.start < end {
            return Err(Failure::invalid("points overlaps parameters: give room of its own"));
        }
        // SAFETY: the caller's promise.
        let out = unsafe { array_mut(points.cast::<Point>(), count, "points")? };
        curve.0.eval_into(parameters, out)?;
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
        let Affine { a, b, c, d, e, f } = curve.0.fit_to_box(target, fit)?;
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
/// If it is not NULL, it leads to `2 * count` doubles that outlive `'a`.
unsafe fn read_points<'a>(points: *const f64, count: u32) -> Result<&'a [Point], Failure> {
    // SAFETY: the caller's promise; a point is two doubles.
    unsafe { array(points.cast::<Point>(), count, "points") }
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
