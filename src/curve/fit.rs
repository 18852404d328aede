//! Maps that bring curves into a box.

use super::affine::Affine;
use super::error::Error;
use super::piecewise::Curve;
use super::rect::Rect;

/// Says how bounds are scaled to a box of other proportions. They end up in its middle each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fit {
    /// Fills the box, each axis at its own scale.
    Stretch,
    /// Fits in the box, both axes at the smaller scale.
    Contain,
    /// Covers the box, both axes at the larger scale.
    Cover,
}

impl Curve {
    /// Returns the map that brings the curve's exact bounds into the box; see [`fit_bounds`].
    ///
    /// # Errors
    ///
    /// As [`fit_bounds`].
    pub fn fit_to_box(&self, target: Rect, fit: Fit) -> Result<Affine, Error> {
        fit_bounds(self.bounds(), target, fit)
    }
}

/// Returns the map that brings `bounds` into the middle of `target`, without turning them.
///
/// A drawing of many curves is fitted by the [`union`](Rect::union) of their bounds. An axis on which the bounds have no extent
/// takes the scale of the other axis; a single point keeps the scale 1.
///
/// # Errors
///
/// [`Error::Box`] unless both boxes have finite corners and sizes, `bounds` a size of 0 or more and `target` one above 0;
/// [`Error::FitOverflow`] if the scale, or where it takes the bounds, is beyond `f64`.
///
/// # Examples
///
/// ```
/// use circlet::curve::{Fit, Rect, fit_bounds};
///
/// let bounds = Rect { min: [0.0, 0.0], max: [10.0, 5.0] };
/// let target = Rect { min: [0.0, 0.0], max: [100.0, 100.0] };
/// let matrix = fit_bounds(bounds, target, Fit::Contain)?;
/// assert_eq!(matrix.apply([0.0, 0.0]), [0.0, 25.0]);
/// assert_eq!(matrix.apply([10.0, 5.0]), [100.0, 75.0]);
/// # Ok::<(), circlet::curve::Error>(())
/// ```
pub fn fit_bounds(bounds: Rect, target: Rect, fit: Fit) -> Result<Affine, Error> {
    let finite = |rect: &Rect| rect.min.iter().chain(&rect.max).chain(&rect.size()).all(|x| x.is_finite());
    if !(finite(&bounds) && bounds.size().iter().all(|&extent| extent >= 0.0)) {
        return Err(Error::Box { role: "source", rect: bounds });
    }
    if !(finite(&target) && target.size().iter().all(|&extent| extent > 0.0)) {
        return Err(Error::Box { role: "target", rect: target });
    }
    let (width, height) = (bounds.width(), bounds.height());
    let (across, up) = (target.width() / width, target.height() / height);
    let (a, d) = match (width > 0.0, height > 0.0) {
        (true, true) => match fit {
            Fit::Stretch => (across, up),
            Fit::Contain => (across.min(up), across.min(up)),
            Fit::Cover => (across.max(up), across.max(up)),
        },
        (true, false) => (across, across),
        (false, true) => (up, up),
        (false, false) => (1.0, 1.0),
    };
    let (from, to) = (bounds.center(), target.center());
    let matrix = Affine { a, b: 0.0, c: 0.0, d, e: to[0] - a * from[0], f: to[1] - d * from[1] };
    // Infinite or NaN if anything on the way was.
    let corners = [matrix.apply(bounds.min), matrix.apply(bounds.max)];
    if corners.as_flattened().iter().all(|x| x.is_finite()) {
        Ok(matrix)
    } else {
        let (target_width, target_height) = (target.width(), target.height());
        Err(Error::FitOverflow { width, height, target_width, target_height })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Rect = Rect { min: [10.0, 20.0], max: [110.0, 70.0] };
    const ALL: [Fit; 3] = [Fit::Stretch, Fit::Contain, Fit::Cover];

    #[test]
    fn each_mode_scales_as_it_says() {
        let bounds = Rect { min: [0.0, 0.0], max: [10.0, 10.0] };
        let scales = ALL.map(|fit| {
            let matrix = fit_bounds(bounds, TARGET, fit).unwrap();
            assert_eq!(matrix.apply(bounds.center()), TARGET.center());
            (matrix.a, matrix.d)
        });
        assert_eq!(scales, [(10.0, 5.0), (5.0, 5.0), (10.0, 10.0)]);
    }

    #[test]
    fn an_axis_without_extent_takes_the_other_axis_scale() {
        for fit in ALL {
            let upright = fit_bounds(Rect { min: [3.0, 0.0], max: [3.0, 5.0] }, TARGET, fit).unwrap();
            assert_eq!((upright.a, upright.d), (10.0, 10.0));
            assert_eq!((upright.apply([3.0, 0.0]), upright.apply([3.0, 5.0])), ([60.0, 20.0], [60.0, 70.0]));
            let level = fit_bounds(Rect { min: [0.0, 3.0], max: [5.0, 3.0] }, TARGET, fit).unwrap();
            assert_eq!((level.apply([0.0, 3.0]), level.apply([5.0, 3.0])), ([10.0, 45.0], [110.0, 45.0]));
        }
    }

    #[test]
    fn a_point_is_centred_at_scale_1() {
        for fit in ALL {
            let matrix = fit_bounds(Rect { min: [7.0, 8.0], max: [7.0, 8.0] }, TARGET, fit).unwrap();
            assert_eq!(matrix, Affine::translation([53.0, 37.0]));
        }
    }

    #[test]
    fn a_target_without_a_finite_positive_size_is_named() {
        let bounds = Rect { min: [0.0, 0.0], max: [1.0, 1.0] };
        for size in [[0.0, 1.0], [1.0, -1.0], [f64::NAN, 1.0], [1.0, f64::INFINITY]] {
            let error =
                fit_bounds(bounds, Rect::from_corner_and_size([0.0, 0.0], size), Fit::Contain).unwrap_err();
            assert!(error.to_string().starts_with("the target box from (0.0, 0.0) to ("), "{error}");
        }
        let error = fit_bounds(Rect { min: [1.0, 0.0], max: [0.0, 0.0] }, TARGET, Fit::Contain).unwrap_err();
        assert!(error.to_string().starts_with("the source box"), "{error}");
    }

    #[test]
    fn a_scale_beyond_f64_is_an_error() {
        let speck = Rect { min: [0.0, 0.0], max: [5e-324, 5e-324] };
        assert!(matches!(fit_bounds(speck, TARGET, Fit::Contain), Err(Error::FitOverflow { .. })));
        let needle = Rect { min: [0.0, 0.0], max: [1e-20, 1e290] };
        assert!(matches!(fit_bounds(needle, TARGET, Fit::Cover), Err(Error::FitOverflow { .. })));
        assert!(fit_bounds(needle, TARGET, Fit::Contain).is_ok());
    }
}
