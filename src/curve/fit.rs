//! Maps that bring curves into a box.

use super::affine::Affine;
use super::error::Error;
use super::piecewise::{Curve, Point};
use super::rect::Rect;

/// Says how bounds are scaled to a box of other proportions; [`Align`] says where in it they end up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fit {
    /// Fills the box, each axis at its own scale.
    Stretch,
    /// Fits in the box, both axes at the smaller scale.
    Contain,
    /// Covers the box, both axes at the larger scale.
    Cover,
}

/// Says where in a box of other proportions bounds are put: 0 at its least coordinate, 0.5 in its middle, 1 at its greatest.
///
/// It is the part of what they leave free, or of what sticks out, that is on the side of the least coordinate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Align {
    /// The part along x.
    pub x: f64,
    /// The part along y.
    pub y: f64,
}

impl Align {
    /// In the middle.
    pub const CENTER: Self = Self { x: 0.5, y: 0.5 };

    /// Returns the parts, or which of them is none.
    fn parts(self) -> Result<[f64; 2], Error> {
        for (axis, given) in [("x", self.x), ("y", self.y)] {
            // False for NaN.
            if !(0.0..=1.0).contains(&given) {
                return Err(Error::Align { axis, given });
            }
        }
        Ok([self.x, self.y])
    }
}

impl Default for Align {
    fn default() -> Self {
        Self::CENTER
    }
}

impl Curve {
    /// Returns the map that brings the curve's exact bounds into the box; see [`fit_bounds`].
    ///
    /// # Errors
    ///
    /// As [`fit_bounds`].
    pub fn fit_to_box(&self, target: Rect, fit: Fit, align: Align) -> Result<Affine, Error> {
        fit_bounds(self.bounds(), target, fit, align)
    }
}

/// Returns the map that brings `bounds` into `target`, without turning them.
///
/// A drawing of many curves is fitted by the [`union`](Rect::union) of their bounds. An axis on which the bounds have no extent
/// takes the scale of the other axis, and `align` divides the whole box there; a single point keeps the scale 1.
///
/// # Errors
///
/// [`Error::Box`] unless both boxes have finite corners and sizes, `bounds` a size of 0 or more and `target` one above 0;
/// [`Error::Align`] unless both parts are from 0 to 1; [`Error::FitOverflow`] if the scale, or where it takes the bounds, is
/// beyond `f64`.
///
/// # Examples
///
/// ```
/// use circlet::curve::{Align, Fit, Rect, fit_bounds};
///
/// let bounds = Rect { min: [0.0, 0.0], max: [10.0, 5.0] };
/// let target = Rect { min: [0.0, 0.0], max: [100.0, 100.0] };
/// let matrix = fit_bounds(bounds, target, Fit::Contain, Align::CENTER)?;
/// assert_eq!(matrix.apply([0.0, 0.0]), [0.0, 25.0]);
/// assert_eq!(matrix.apply([10.0, 5.0]), [100.0, 75.0]);
/// let matrix = fit_bounds(bounds, target, Fit::Contain, Align { x: 0.5, y: 1.0 })?;
/// assert_eq!(matrix.apply([10.0, 5.0]), [100.0, 100.0]);
/// # Ok::<(), circlet::curve::Error>(())
/// ```
pub fn fit_bounds(bounds: Rect, target: Rect, fit: Fit, align: Align) -> Result<Affine, Error> {
    let finite = |rect: &Rect| rect.min.iter().chain(&rect.max).chain(&rect.size()).all(|x| x.is_finite());
    if !(finite(&bounds) && bounds.size().iter().all(|&extent| extent >= 0.0)) {
        return Err(Error::Box { role: "source", rect: bounds });
    }
    if !(finite(&target) && target.size().iter().all(|&extent| extent > 0.0)) {
        return Err(Error::Box { role: "target", rect: target });
    }
    let parts = align.parts()?;
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
    let (from, to) = (point_in(&bounds, parts), point_in(&target, parts));
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

/// Returns the point that divides a box by the parts; its corners exactly.
fn point_in(rect: &Rect, parts: [f64; 2]) -> Point {
    std::array::from_fn(|i| {
        let size = rect.max[i] - rect.min[i];
        if parts[i] <= 0.5 { rect.min[i] + parts[i] * size } else { rect.max[i] - (1.0 - parts[i]) * size }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Rect = Rect { min: [10.0, 20.0], max: [110.0, 70.0] };
    fn centred(bounds: Rect, target: Rect, fit: Fit) -> Result<Affine, Error> {
        fit_bounds(bounds, target, fit, Align::CENTER)
    }

    const ALL: [Fit; 3] = [Fit::Stretch, Fit::Contain, Fit::Cover];

    #[test]
    fn each_mode_scales_as_it_says() {
        let bounds = Rect { min: [0.0, 0.0], max: [10.0, 10.0] };
        let scales = ALL.map(|fit| {
            let matrix = centred(bounds, TARGET, fit).unwrap();
            assert_eq!(matrix.apply(bounds.center()), TARGET.center());
            (matrix.a, matrix.d)
        });
        assert_eq!(scales, [(10.0, 5.0), (5.0, 5.0), (10.0, 10.0)]);
    }

    #[test]
    fn an_axis_without_extent_takes_the_other_axis_scale() {
        for fit in ALL {
            let upright = centred(Rect { min: [3.0, 0.0], max: [3.0, 5.0] }, TARGET, fit).unwrap();
            assert_eq!((upright.a, upright.d), (10.0, 10.0));
            assert_eq!((upright.apply([3.0, 0.0]), upright.apply([3.0, 5.0])), ([60.0, 20.0], [60.0, 70.0]));
            let level = centred(Rect { min: [0.0, 3.0], max: [5.0, 3.0] }, TARGET, fit).unwrap();
            assert_eq!((level.apply([0.0, 3.0]), level.apply([5.0, 3.0])), ([10.0, 45.0], [110.0, 45.0]));
        }
    }

    #[test]
    fn a_point_is_centred_at_scale_1() {
        for fit in ALL {
            let matrix = centred(Rect { min: [7.0, 8.0], max: [7.0, 8.0] }, TARGET, fit).unwrap();
            assert_eq!(matrix, Affine::translation([53.0, 37.0]));
        }
    }

    #[test]
    fn a_target_without_a_finite_positive_size_is_named() {
        let bounds = Rect { min: [0.0, 0.0], max: [1.0, 1.0] };
        for size in [[0.0, 1.0], [1.0, -1.0], [f64::NAN, 1.0], [1.0, f64::INFINITY]] {
            let error =
                centred(bounds, Rect::from_corner_and_size([0.0, 0.0], size), Fit::Contain).unwrap_err();
            assert!(error.to_string().starts_with("the target box from (0.0, 0.0) to ("), "{error}");
        }
        let error = centred(Rect { min: [1.0, 0.0], max: [0.0, 0.0] }, TARGET, Fit::Contain).unwrap_err();
        assert!(error.to_string().starts_with("the source box"), "{error}");
    }

    #[test]
    fn a_scale_beyond_f64_is_an_error() {
        let speck = Rect { min: [0.0, 0.0], max: [5e-324, 5e-324] };
        assert!(matches!(centred(speck, TARGET, Fit::Contain), Err(Error::FitOverflow { .. })));
        let needle = Rect { min: [0.0, 0.0], max: [1e-20, 1e290] };
        assert!(matches!(centred(needle, TARGET, Fit::Cover), Err(Error::FitOverflow { .. })));
        assert!(centred(needle, TARGET, Fit::Contain).is_ok());
    }

    #[test]
    fn the_free_space_and_the_overhang_are_divided_by_the_alignment() {
        let bounds = Rect { min: [1.0, 1.0], max: [11.0, 11.0] };
        let place = |fit, x, y| {
            let matrix = fit_bounds(bounds, TARGET, fit, Align { x, y }).unwrap();
            (matrix.apply(bounds.min), matrix.apply(bounds.max))
        };
        assert_eq!(place(Fit::Contain, 0.0, 0.3), ([10.0, 20.0], [60.0, 70.0]));
        assert_eq!(place(Fit::Contain, 0.25, 1.0), ([22.5, 20.0], [72.5, 70.0]));
        assert_eq!(place(Fit::Contain, 1.0, 0.0), ([60.0, 20.0], [110.0, 70.0]));
        assert_eq!(place(Fit::Cover, 0.7, 0.0), ([10.0, 20.0], [110.0, 120.0]));
        assert_eq!(place(Fit::Cover, 0.0, 0.75), ([10.0, -17.5], [110.0, 82.5]));
        assert_eq!(place(Fit::Cover, 1.0, 1.0), ([10.0, -30.0], [110.0, 70.0]));
        assert_eq!(place(Fit::Stretch, 0.0, 1.0), ([10.0, 20.0], [110.0, 70.0]));
    }

    #[test]
    fn without_an_extent_the_alignment_divides_the_box() {
        for fit in ALL {
            let place = |min, max, x, y| {
                let matrix = fit_bounds(Rect { min, max }, TARGET, fit, Align { x, y }).unwrap();
                (matrix.apply(min), matrix.apply(max))
            };
            assert_eq!(place([3.0, 0.0], [3.0, 5.0], 0.25, 0.0), ([35.0, 20.0], [35.0, 70.0]));
            assert_eq!(place([0.0, 3.0], [5.0, 3.0], 0.0, 1.0), ([10.0, 70.0], [110.0, 70.0]));
            assert_eq!(place([7.0, 8.0], [7.0, 8.0], 1.0, 0.0), ([110.0, 20.0], [110.0, 20.0]));
        }
    }

    #[test]
    fn an_alignment_that_is_no_part_is_named() {
        let bounds = Rect { min: [0.0, 0.0], max: [1.0, 1.0] };
        for bad in [-0.1, 1.0 + f64::EPSILON, f64::NAN, f64::INFINITY] {
            let across = fit_bounds(bounds, TARGET, Fit::Cover, Align { x: bad, y: 0.0 }).unwrap_err();
            assert!(across.to_string().starts_with(&format!("the alignment along x is {bad:?}")), "{across}");
            let up = fit_bounds(bounds, TARGET, Fit::Stretch, Align { x: 1.0, y: bad }).unwrap_err();
            assert!(up.to_string().starts_with(&format!("the alignment along y is {bad:?}")), "{up}");
        }
        assert_eq!(Align::default(), Align::CENTER);
    }
}
