//! Polylines of curves for C, maps that place curves, and path data.

use super::super::call::{self, Failure, Out, array, array_mut, borrow, call};
use super::super::text::circlet_text;
use super::{circlet_curve, doubles, handle, with};
use crate::curve::{Affine, Align, Error, Fit, Rect};

/// Fits each axis by a scale of its own.
pub const CIRCLET_FIT_STRETCH: i32 = 0;
/// Fits the whole drawing into the box, with one scale.
pub const CIRCLET_FIT_CONTAIN: i32 = 1;
/// Covers the whole box, with one scale.
pub const CIRCLET_FIT_COVER: i32 = 2;

/// Gives a polyline from the first to the last point with every point of the curve within `tolerance` of it.
///
/// Returns how many points it has. They are written, one's coordinates behind the other's, if `max` is enough for all of them:
/// call with 0 first to learn how many there will be. CIRCLET_BAD_CURVE for a tolerance that is not above 0.
///
/// # Safety
/// `curve` is NULL or a curve; `points` has room for `dimensions * max` doubles, or is NULL where `max` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_flatten(
    curve: *const circlet_curve,
    tolerance: f64,
    points: *mut f64,
    max: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        with!(curve, curve => {
            // SAFETY: the caller's promise.
            let out = unsafe { array_mut(points.cast(), max, "points")? };
            needed(curve.flatten_into(tolerance, out))
        })
    })
}

/// Gives a polyline as `circlet_curve_flatten` does, of about half as many points in several times the time.
///
/// Returns how many points it has: all are written if `max` is enough for them, else the first `max`. To count them takes as long
/// as to write them, so give room from the first: `circlet_curve_flatten` never needs less, and says how much quickly.
/// CIRCLET_BAD_CURVE for a tolerance that is not above 0.
///
/// # Safety
/// `curve` is NULL or a curve; `points` has room for `dimensions * max` doubles, or is NULL where `max` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_flatten_fewest(
    curve: *const circlet_curve,
    tolerance: f64,
    points: *mut f64,
    max: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        with!(curve, curve => {
            // SAFETY: the caller's promise.
            let out = unsafe { array_mut(points.cast(), max, "points")? };
            needed(curve.flatten_fewest_into(tolerance, out))
        })
    })
}

/// Gives a polyline for drawing at `scale` pixels per unit, within `pixel_tolerance` pixels of the curve: that of
/// `circlet_curve_flatten` with the tolerance `pixel_tolerance / scale`, in the curve's own units.
///
/// Returns how many points it has. They are written if `max` is enough for all of them. CIRCLET_BAD_CURVE unless both numbers and
/// their quotient are above 0.
///
/// # Safety
/// `curve` is NULL or a curve; `points` has room for `dimensions * max` doubles, or is NULL where `max` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_flatten_scaled(
    curve: *const circlet_curve,
    scale: f64,
    pixel_tolerance: f64,
    points: *mut f64,
    max: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        with!(curve, curve => {
            // SAFETY: the caller's promise.
            let out = unsafe { array_mut(points.cast(), max, "points")? };
            match curve.flatten_scaled_count(scale, pixel_tolerance)? {
                count if count > out.len() => call::count(count),
                _ => needed(curve.flatten_scaled_into(scale, pixel_tolerance, out)),
            }
        })
    })
}

/// Gives a polyline within `tolerance` of the curve that runs beside a curve of the plane at `distance`: to the left, or to the
/// right where `distance` is below 0. Corners are joined round, and nothing is cut off where the result crosses itself.
///
/// Returns how many points it has, which is 0 for a curve that is a point. They are written, x and y in turn, if `max` is enough
/// for all of them. To count them takes as long as to write them, so give room from the first. CIRCLET_BAD_CURVE for a distance
/// beyond 1e300, a tolerance that is not above 0, more than 2^26 points, and a curve of other dimensions than 2.
///
/// # Safety
/// `curve` is NULL or a curve; `points` has room for `2 * max` doubles, or is NULL where `max` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_offset(
    curve: *const circlet_curve,
    distance: f64,
    tolerance: f64,
    points: *mut f64,
    max: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (curve, out) = unsafe { (borrow(curve, "curve")?, array_mut(points.cast(), max, "points")?) };
        match curve.plane("can be offset")?.offset_polyline_into(distance, tolerance, out) {
            Err(Error::BufferLength { needed, .. }) => call::count(needed),
            written => call::count(written?),
        }
    })
}

/// Writes a curve of the plane as SVG path data, with every number in as few digits as read back to the same bits.
///
/// Straight segments become L, all others C; where the curve jumps, an M starts a new subpath. The knots are lost. Returns 0, or
/// CIRCLET_BAD_CURVE for a curve of other dimensions than 2; the caller owns `*d`.
///
/// # Safety
/// `curve` is NULL or a curve; `d` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_to_svg(curve: *const circlet_curve, d: *mut *mut circlet_text) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (curve, out) = unsafe { (borrow(curve, "curve")?, Out::new(d, "d")?) };
        out.set(circlet_text::handle(curve.plane("has path data")?.to_svg())?);
        Ok(0)
    })
}

/// Gives the map a b c d e f (x' = a x + c y + e, y' = b x + d y + f) that fits the exact bounds of a curve of the plane into a
/// box, which is x, y, width, height; `fit` is CIRCLET_FIT_STRETCH, CIRCLET_FIT_CONTAIN or CIRCLET_FIT_COVER.
///
/// `align` says where in the box the bounds are, along x and along y: 0 at its least coordinate, 0.5 in the middle and 1 at its
/// greatest; NULL is the middle for both. Returns 0, or CIRCLET_BAD_CURVE for a box without a size, another alignment, and a
/// curve of other dimensions than 2.
///
/// # Safety
/// `curve` is NULL or a curve; `target` leads to 4 doubles, `align` is NULL or leads to 2, and `map` has room for 6.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_fit_to_box(
    curve: *const circlet_curve,
    target: *const f64,
    fit: i32,
    align: *const f64,
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
        let align = if align.is_null() {
            Align::CENTER
        } else {
            // SAFETY: the caller's promise.
            let align = unsafe { array(align, 2, "align")? };
            Align { x: align[0], y: align[1] }
        };
        let target = Rect::from_corner_and_size([target[0], target[1]], [target[2], target[3]]);
        let curve = curve.plane("can be fitted into a box")?;
        let Affine { a, b, c, d, e, f } = curve.fit_to_box(target, fit, align)?;
        out.set([a, b, c, d, e, f]);
        Ok(0)
    })
}

/// Makes the image of a curve of the plane under a map a b c d e f, as `circlet_curve_fit_to_box` gives it.
///
/// Returns 0, or CIRCLET_BAD_CURVE where a coordinate is no number any more, and for a curve of other dimensions than 2; the
/// caller owns `*image`.
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
        out.set(handle(curve.plane("can be mapped")?.transform(&map)?));
        Ok(0)
    })
}

/// Returns how many points a polyline has, whether or not there was room for them.
fn needed(written: Result<usize, Error>) -> Result<i32, Failure> {
    match written {
        Ok(needed) | Err(Error::BufferLength { needed, .. }) => call::count(needed),
        Err(other) => Err(other.into()),
    }
}
