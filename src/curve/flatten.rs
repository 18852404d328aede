//! Polylines that stay within a tolerance of the curve.

use std::array::from_fn;

use super::error::{Error, check_tolerance};
use super::piecewise::PiecewiseCubic;
use super::segment::{Segment, dot, fill_plainly, max_abs, norm};
use super::simd;

/// The most points that a polyline may have: one gibibyte of them, in the plane.
pub(super) const LIMIT: u32 = 1 << 26;

impl<const D: usize> PiecewiseCubic<D> {
    /// Counts the points that [`flatten_into`](Self::flatten_into) writes, so that room for them can be made first.
    ///
    /// # Errors
    ///
    /// [`Error::Tolerance`] unless the tolerance is finite and above 0, [`Error::TooManyPoints`] beyond 2^26 points.
    pub fn flatten_count(&self, tolerance: f64) -> Result<usize, Error> {
        check_tolerance(tolerance)?;
        let mut needed = 1.0;
        simd::widest(Count { curve: self, tolerance, needed: &mut needed });
        if needed > f64::from(LIMIT) {
            return Err(Error::TooManyPoints { tolerance, needed, limit: LIMIT });
        }
        Ok(needed as usize)
    }

    /// Writes a polyline within `tolerance` of the curve into `out` and returns how many points it has.
    ///
    /// Every point of the curve lies within `tolerance` of the polyline, up to the rounding of the coordinates; the polyline's
    /// points lie on the curve, from its first to its last. A straight segment with evenly spaced control points costs one
    /// point. Where the curve jumps, a straight edge crosses the gap.
    ///
    /// Each segment is cut evenly into as few steps as Wang's formula asks for: sqrt(3/4 m / tolerance), with m the larger
    /// second difference of its control points (Goldman, Pyramid Algorithms, 2003, section 5.6.3).
    ///
    /// # Errors
    ///
    /// As [`flatten_count`](Self::flatten_count), and [`Error::BufferLength`] if `out` is too short; nothing is written then.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let hill = Curve::bezier(&[[0.0, 0.0], [0.0, 4.0], [8.0, 4.0], [8.0, 0.0]])?;
    /// let mut room = vec![[0.0; 2]; hill.flatten_count(0.01)?];
    /// assert_eq!(hill.flatten_into(0.01, &mut room)?, room.len());
    /// assert_eq!(room.last(), Some(&[8.0, 0.0]));
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn flatten_into(&self, tolerance: f64, out: &mut [[f64; D]]) -> Result<usize, Error> {
        let count = self.flatten_count(tolerance)?;
        let given = out.len();
        let Some(out) = out.get_mut(..count) else {
            return Err(Error::BufferLength { needed: count, given });
        };
        simd::widest(Cut { curve: self, tolerance, out });
        Ok(count)
    }

    /// Returns a polyline within `tolerance` of the curve; see [`flatten_into`](Self::flatten_into).
    ///
    /// # Errors
    ///
    /// As [`flatten_count`](Self::flatten_count).
    pub fn flatten(&self, tolerance: f64) -> Result<Vec<[f64; D]>, Error> {
        let mut points = vec![[0.0; D]; self.flatten_count(tolerance)?];
        self.flatten_into(tolerance, &mut points)?;
        Ok(points)
    }

    /// Returns a polyline for drawing at `scale` pixels per unit, within `pixel_tolerance` pixels of the curve.
    ///
    /// That is [`flatten`](Self::flatten) with the tolerance `pixel_tolerance / scale`, in the curve's own units: the polyline
    /// is not scaled, but its density follows the scale.
    ///
    /// # Errors
    ///
    /// [`Error::Scaled`], which names both values, unless both are finite and above 0 and so is their quotient, and beyond
    /// 2^26 points.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let arch = Curve::bezier(&[[0.0, 0.0], [0.0, 40.0], [60.0, 40.0], [60.0, 0.0]])?;
    /// assert_eq!(arch.flatten_scaled(8.0, 0.25)?, arch.flatten(0.03125)?);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn flatten_scaled(&self, scale: f64, pixel_tolerance: f64) -> Result<Vec<[f64; D]>, Error> {
        scaled(scale, pixel_tolerance, |tolerance| self.flatten(tolerance))
    }

    /// Counts the points that [`flatten_scaled_into`](Self::flatten_scaled_into) writes, so that room for them can be made
    /// first.
    ///
    /// # Errors
    ///
    /// As [`flatten_scaled`](Self::flatten_scaled).
    pub fn flatten_scaled_count(&self, scale: f64, pixel_tolerance: f64) -> Result<usize, Error> {
        scaled(scale, pixel_tolerance, |tolerance| self.flatten_count(tolerance))
    }

    /// Writes the polyline of [`flatten_scaled`](Self::flatten_scaled) into `out` and returns how many points it has.
    ///
    /// # Errors
    ///
    /// As [`flatten_scaled`](Self::flatten_scaled), and [`Error::BufferLength`] in the same way if `out` is too short; nothing is
    /// written then.
    pub fn flatten_scaled_into(
        &self,
        scale: f64,
        pixel_tolerance: f64,
        out: &mut [[f64; D]],
    ) -> Result<usize, Error> {
        scaled(scale, pixel_tolerance, |tolerance| self.flatten_into(tolerance, out))
    }
}

/// Does something with the tolerance that a scale and a tolerance in pixels come to.
fn scaled<T>(
    scale: f64,
    pixel_tolerance: f64,
    flatten: impl FnOnce(f64) -> Result<T, Error>,
) -> Result<T, Error> {
    let fail = |reason| Error::Scaled { scale, pixel_tolerance, reason: Box::new(reason) };
    if !(scale.is_finite() && scale > 0.0) {
        return Err(fail(Error::Scale { given: scale }));
    }
    check_tolerance(pixel_tolerance).and_then(|()| flatten(pixel_tolerance / scale)).map_err(fail)
}

/// The points of a polyline that are to be counted.
struct Count<'a, const D: usize> {
    curve: &'a PiecewiseCubic<D>,
    tolerance: f64,
    needed: &'a mut f64,
}

impl<const D: usize> simd::Work for Count<'_, D> {
    #[inline(always)]
    fn run(self) {
        let Self { curve, tolerance, needed } = self;
        let (mut before, scale) = (curve.start(), 1.0 / tolerance.sqrt());
        for segment in curve.segments() {
            if segment[0] != before {
                *needed += 1.0;
            }
            *needed += steps(segment, scale);
            before = segment[3];
        }
    }
}

/// A polyline that is to be written, where there is exactly room for it.
struct Cut<'a, const D: usize> {
    curve: &'a PiecewiseCubic<D>,
    tolerance: f64,
    out: &'a mut [[f64; D]],
}

impl<const D: usize> simd::Work for Cut<'_, D> {
    #[inline(always)]
    fn run(self) {
        let Self { curve, tolerance, out } = self;
        let (mut before, scale) = (curve.start(), 1.0 / tolerance.sqrt());
        // What a lone segment takes was counted.
        let counted = (curve.segment_count() == 1).then_some((out.len() - 1) as f64);
        out[0] = before;
        let mut written = 1;
        for segment in curve.segments() {
            if segment[0] != before {
                out[written] = segment[0];
                written += 1;
            }
            let steps = match counted {
                Some(steps) => steps,
                None => steps(segment, scale),
            };
            let last = written + steps as usize - 1;
            if written < last {
                let step = 1.0 / steps;
                fill_plainly(segment, step, step, &mut out[written..last]);
            }
            before = segment[3];
            out[last] = before;
            written = last + 1;
        }
    }
}

/// Returns into how many even steps a segment is cut, for 1 by the root of the tolerance: a whole number from 1 on, perhaps a
/// huge one.
#[inline(always)]
pub(super) fn steps<const D: usize>([p0, p1, p2, p3]: &Segment<D>, scale: f64) -> f64 {
    let first: [f64; D] = from_fn(|i| (p0[i] - p1[i]) - (p1[i] - p2[i]));
    let second: [f64; D] = from_fn(|i| (p1[i] - p2[i]) - (p2[i] - p3[i]));
    let square = dot(&first, &first).max(dot(&second, &second));
    let bend =
        if (1e-280..1e280).contains(&square) { square.sqrt() } else { norm(&first).max(norm(&second)) };
    // Elevating a line to a cubic rounds its control points: below this, the segment is straight as far as f64 can tell.
    let noise = 4.0 * f64::EPSILON * [p0, p1, p2, p3].into_iter().map(max_abs).fold(0.0, f64::max);
    if bend <= noise {
        return 1.0;
    }
    // Two roots, as the quotient of a huge bend by a tiny tolerance overflows. They round up a whole number now and then,
    // which must not cost a step.
    let exact = (0.75 * bend).sqrt() * scale;
    (exact * (1.0 - 8.0 * f64::EPSILON)).ceil().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::*;

    #[test]
    fn straight_segments_cost_one_point_each_at_any_size_and_tolerance() {
        for scale in [1e-12, 1.0, 1e12] {
            let points = [[0.1, 0.2], [7.3, 9.1], [7.3, 9.1], [-4.7, 1.3]].map(|p| p.map(|x| x * scale));
            let curve = Curve::linear(&points, true).unwrap();
            assert_eq!(curve.flatten_count(1e-300).unwrap(), 5);
            assert_eq!(curve.flatten(1e-300).unwrap()[..4], points);
        }
    }

    #[test]
    fn a_parabola_gets_exactly_the_steps_it_needs() {
        // Second difference 16/9 as a cubic, so that n steps miss by 4/3 / n².
        let curve = Curve::bezier(&[[0.0, 0.0], [1.0, 8.0 / 3.0], [2.0, 0.0]]).unwrap();
        for n in [1.0, 2.0, 3.0, 7.0, 100.0] {
            let miss = 4.0 / 3.0 / (n * n);
            assert_eq!(curve.flatten_count(miss).unwrap(), n as usize + 1, "{n}");
            assert_eq!(curve.flatten_count(miss * 0.999_999).unwrap(), n as usize + 2, "{n}");
        }
    }

    #[test]
    fn a_jump_is_crossed_between_its_two_points() {
        let segments = vec![[[0.0], [1.0], [2.0], [3.0]], [[5.0], [6.0], [7.0], [8.0]]];
        let curve = PiecewiseCubic::from_segments(segments, vec![0.0, 1.0, 2.0]).unwrap();
        assert_eq!(curve.flatten(0.1).unwrap(), [[0.0], [3.0], [5.0], [8.0]]);
    }

    #[test]
    fn a_short_buffer_is_refused_untouched_and_a_long_one_filled_in_front() {
        let curve = Curve::bezier(&[[0.0, 0.0], [0.0, 4.0], [8.0, 4.0], [8.0, 0.0]]).unwrap();
        let needed = curve.flatten_count(0.1).unwrap();
        let mut out = vec![[7.0; 2]; needed + 1];
        let error = curve.flatten_into(0.1, &mut out[..needed - 1]).unwrap_err();
        assert_eq!(error, Error::BufferLength { needed, given: needed - 1 });
        assert!(out.iter().all(|p| *p == [7.0; 2]));
        assert_eq!(curve.flatten_into(0.1, &mut out).unwrap(), needed);
        assert_eq!((out[needed - 1], out[needed]), ([8.0, 0.0], [7.0; 2]));
    }

    #[test]
    fn an_absurd_tolerance_is_refused_with_the_points_it_would_take() {
        let curve = Curve::bezier(&[[0.0, 0.0], [0.0, 1e300], [8.0, -1e300], [8.0, 0.0]]).unwrap();
        let error = curve.flatten_count(1e-300).unwrap_err();
        let Error::TooManyPoints { needed, .. } = error else { panic!("{error}") };
        assert!((1e300..2e300).contains(&needed), "{needed}");
        assert!(curve.flatten(1e-300).is_err());
        let message =
            Curve::bezier(&[[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]]).unwrap().flatten(1e-20).unwrap_err();
        assert_eq!(
            message.to_string(),
            "a tolerance of 1e-20 takes about 7.071e9 points, more than 67108864; use a larger one"
        );
    }

    #[test]
    fn a_tolerance_that_is_not_above_0_is_refused() {
        let curve = Curve::bezier(&[[0.0, 0.0], [1.0, 1.0]]).unwrap();
        for bad in [0.0, -0.1, f64::NAN, f64::INFINITY] {
            assert!(matches!(curve.flatten(bad), Err(Error::Tolerance { .. })), "{bad}");
        }
    }

    #[test]
    fn a_scale_makes_the_polyline_denser_and_errors_name_both_values() {
        let curve = Curve::bezier(&[[0.0, 0.0], [0.0, 4.0], [8.0, 4.0], [8.0, 0.0]]).unwrap();
        let counts = [1.0, 4.0, 1e6].map(|scale| curve.flatten_scaled(scale, 0.1).unwrap().len());
        assert!(2 * (counts[0] - 1) - 1 <= counts[1] && counts[1] < counts[2], "{counts:?}");
        for bad in [0.0, -2.0, f64::NAN, f64::INFINITY] {
            for (scale, pixel_tolerance) in [(bad, 0.5), (3.0, bad)] {
                let message = curve.flatten_scaled(scale, pixel_tolerance).unwrap_err().to_string();
                let both = format!("at scale {scale:?} with a pixel tolerance of {pixel_tolerance:?}: ");
                assert!(message.starts_with(&both), "{message}");
            }
        }
        let message = curve.flatten_scaled(1e25, 0.1).unwrap_err().to_string();
        assert!(message.contains("1e25") && message.contains("points"), "{message}");
        assert!(curve.flatten_scaled(1e300, 1e-300).is_err());
        assert_eq!(
            curve.flatten_scaled(1e-300, 1e10).unwrap_err().to_string(),
            "at scale 1e-300 with a pixel tolerance of 10000000000.0: tolerance is inf; it must be a finite number above 0"
        );
    }
}
