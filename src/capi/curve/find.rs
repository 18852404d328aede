//! Places on curves for C: the nearest, where two meet; and the points that matter of a polyline.

use super::super::call::{self, array, array_mut, borrow, call};
use super::{apart, circlet_curve, in_dimensions, with};
use crate::curve::{Error, simplify};

/// Finds the place on the curve nearest to each of `count` points: its parameter, and its distance.
///
/// Among equally near places it is that of the smallest parameter. `parameters` and `distances` may each be NULL where they are
/// not wanted. Returns 0, CIRCLET_INVALID where two arrays overlap, or CIRCLET_BAD_CURVE for a coordinate beyond 1e300, which the
/// message names.
///
/// # Safety
/// `curve` is NULL or a curve; `points` leads to `dimensions * count` doubles; `parameters` and `distances` are each NULL or have
/// room for `count`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_nearest(
    curve: *const circlet_curve,
    points: *const f64,
    count: u32,
    parameters: *mut f64,
    distances: *mut f64,
) -> i32 {
    call(|| {
        apart(("distances", distances, count), ("parameters", parameters, count))?;
        // SAFETY: the caller's promise.
        let curve = unsafe { borrow(curve, "curve")? };
        let places: Vec<_> = with!(curve, curve => {
            let points = points.cast();
            apart(("parameters", parameters, count), ("points", points, count))?;
            apart(("distances", distances, count), ("points", points, count))?;
            // SAFETY: the caller's promise.
            let points = unsafe { array(points, count, "points")? };
            let place = |(index, point)| match curve.nearest(point) {
                Ok(place) => Ok([place.u, place.distance]),
                Err(Error::Point { axis, value, .. }) => Err(Error::Point { index, axis, value }),
                Err(other) => Err(other),
            };
            points.iter().copied().enumerate().map(place).collect::<Result<_, _>>()?
        });
        for (room, what, part) in [(parameters, "parameters", 0), (distances, "distances", 1)] {
            if !room.is_null() {
                // SAFETY: the caller's promise; it lies apart from the other.
                let out = unsafe { array_mut(room, count, what)? };
                for (slot, place) in out.iter_mut().zip(&places) {
                    *slot = place[part];
                }
            }
        }
        Ok(0)
    })
}

/// Finds where two curves of the plane meet: pairs of parameters, that of `a` and that of `b`, by ascending ones of `a`.
///
/// Every common point is near a result: at most `tolerance` away, or on a stretch over which the curves stay that near; of such a
/// stretch the two ends are given. Writes the first `max` pairs and returns how many there are in all, or CIRCLET_BAD_CURVE for a
/// tolerance that is not above 0, and for a curve of other dimensions than 2.
///
/// # Safety
/// `a` and `b` are each NULL or a curve, perhaps the same; `parameters` has room for `2 * max` doubles, or is NULL where `max` is
/// 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_curve_intersections(
    a: *const circlet_curve,
    b: *const circlet_curve,
    tolerance: f64,
    parameters: *mut f64,
    max: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (a, b) = unsafe { (borrow(a, "a")?, borrow(b, "b")?) };
        // SAFETY: the caller's promise.
        let out = unsafe { array_mut(parameters.cast::<[f64; 2]>(), max, "parameters")? };
        let found = a.plane(MEETS)?.intersections(b.plane(MEETS)?, tolerance)?;
        for (slot, place) in out.iter_mut().zip(&found) {
            *slot = [place.u, place.v];
        }
        call::count(found.len())
    })
}

const MEETS: &str = "has intersections with another";

/// Finds the points that stand for a polyline of `count` points of 1 to 4 `dimensions` within `tolerance`: the indices, ascending,
/// of those to keep.
///
/// The first and the last are among them. Writes the first `max` indices and returns how many there are in all, which is never
/// more than `count`; or CIRCLET_INVALID for other dimensions and where the two arrays overlap, or CIRCLET_BAD_CURVE for numbers
/// beyond 1e300 and a tolerance that is not above 0. Any thread.
///
/// # Safety
/// `points` leads to `dimensions * count` doubles; `indices` has room for `max`, or is NULL where `max` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_simplify(
    dimensions: u32,
    points: *const f64,
    count: u32,
    tolerance: f64,
    indices: *mut u32,
    max: u32,
) -> i32 {
    call(|| {
        let kept = in_dimensions!(dimensions, D => {
            let points = points.cast::<[f64; D]>();
            apart(("indices", indices, max), ("points", points, count))?;
            // SAFETY: the caller's promise; a point is so many doubles.
            simplify(unsafe { array(points, count, "points")? }, tolerance)?
        });
        // SAFETY: the caller's promise.
        let out = unsafe { array_mut(indices, max, "indices")? };
        for (slot, index) in out.iter_mut().zip(&kept) {
            // There are no more points than `count`.
            *slot = *index as u32;
        }
        call::count(kept.len())
    })
}
