//! Curves as piecewise cubic Bezier segments: evaluate, sample, bound, measure, flatten and fit them.
//!
//! Every family of curves becomes a [`PiecewiseCubic`], and every operation is written once, for that form; [`Bezier`] curves of
//! higher degree are also evaluated, differentiated, cut and bounded as they are:
//!
//! | to | use |
//! |---|---|
//! | make one | [`bezier`](PiecewiseCubic::bezier), [`linear`](PiecewiseCubic::linear), [`catmull_rom`](PiecewiseCubic::catmull_rom), [`spline`](PiecewiseCubic::spline) and the other families ([`Family`]), [`Bezier`] of any degree, [`fit_points`](PiecewiseCubic::fit_points), [`from_segments`](PiecewiseCubic::from_segments), `from_svg` |
//! | evaluate it | [`eval`](PiecewiseCubic::eval), [`eval_into`](PiecewiseCubic::eval_into), [`sample_into`](PiecewiseCubic::sample_into), [`derivative`](PiecewiseCubic::derivative), [`derivative_into`](PiecewiseCubic::derivative_into), [`second_derivative`](PiecewiseCubic::second_derivative) |
//! | follow it | [`tangent`](PiecewiseCubic::tangent), [`normal`](PiecewiseCubic::normal), [`curvature`](PiecewiseCubic::curvature) |
//! | cut it | [`split`](PiecewiseCubic::split), [`subcurve`](PiecewiseCubic::subcurve), [`reversed`](PiecewiseCubic::reversed), [`concat`](PiecewiseCubic::concat) |
//! | measure it | [`bounds`](PiecewiseCubic::bounds), [`length`](PiecewiseCubic::length), [`length_to`](PiecewiseCubic::length_to) |
//! | go along it | [`parameter_at_length`](PiecewiseCubic::parameter_at_length), [`arc_length`](PiecewiseCubic::arc_length) for many of them |
//! | find points on it | [`nearest`](PiecewiseCubic::nearest), [`intersections`](PiecewiseCubic::intersections) |
//! | thin out points | [`simplify`] |
//! | draw it | [`flatten`](PiecewiseCubic::flatten), [`flatten_into`](PiecewiseCubic::flatten_into), [`flatten_fewest`](PiecewiseCubic::flatten_fewest), [`flatten_scaled`](PiecewiseCubic::flatten_scaled), [`offset_polyline`](PiecewiseCubic::offset_polyline), `to_svg` |
//! | place it | [`fit_to_box`](PiecewiseCubic::fit_to_box), [`transform`](PiecewiseCubic::transform), [`fit_bounds`] |
//! | fill other arrays | [`sample_into_f32`](PiecewiseCubic::sample_into_f32), [`sample_into_columns`](PiecewiseCubic::sample_into_columns), [`sample_batch`] and [`sample_batch_f32`] of many curves |
//! | fill frames of a ring | [`as_points_mut`] over a claim, and [`as_points`] over what was received |
//!
//! With the feature `svg`, curves come from and go to SVG path data, and `svg::read_document` reads a whole file.
//!
//! Coordinates are `f64` in the caller's own units. A curve holds finite coordinates only, of magnitude up to
//! [`MAX_COORDINATE`], so that no operation on one gives NaN.
//!
//! # Examples
//!
//! ```
//! use circlet::curve::{Align, Curve, Fit, Rect};
//!
//! let arch = Curve::bezier(&[[0.0, 0.0], [0.0, 40.0], [60.0, 40.0], [60.0, 0.0]])?;
//! assert_eq!(arch.eval(0.5), [30.0, 30.0]);
//! assert_eq!(arch.bounds(), Rect { min: [0.0, 0.0], max: [60.0, 30.0] });
//!
//! // Twice as large, in the middle of a 200 by 60 box, and within a tenth of a unit of the true curve.
//! let target = Rect::from_corner_and_size([0.0, 0.0], [200.0, 60.0]);
//! let matrix = arch.fit_to_box(target, Fit::Contain, Align::CENTER)?;
//! let polyline = arch.transform(&matrix)?.flatten(0.1)?;
//! assert_eq!(polyline.first(), Some(&[40.0, 0.0]));
//! assert_eq!(polyline.last(), Some(&[160.0, 0.0]));
//! # Ok::<(), circlet::curve::Error>(())
//! ```

mod affine;
mod alongside;
#[cfg(test)]
mod alongside_tests;
mod arc;
mod batch;
mod bezier;
mod bounds;
mod corners;
mod crossing;
mod differential;
mod error;
mod eval;
mod family;
mod fewest;
mod fit;
mod fit_points;
mod flatten;
mod intersect;
#[cfg(test)]
mod intersect_tests;
mod length;
mod locate;
mod lookup;
mod narrow;
mod nearest;
mod number;
mod offset;
#[cfg(test)]
mod operations_properties;
mod piecewise;
#[cfg(test)]
mod properties;
mod rect;
mod room;
mod sample;
mod segment;
mod simd;
mod simplify;
mod slopes;
mod split;
#[cfg(feature = "svg")]
pub mod svg;
mod trend;

pub use affine::Affine;
pub use arc::ArcLength;
#[cfg(feature = "capi")]
pub(crate) use batch::share;
pub use batch::{sample_batch, sample_batch_f32};
pub use bezier::{Bezier, MAX_DEGREE};
#[cfg(feature = "capi")]
pub(crate) use bezier::{BezierPart, Values};
pub use error::Error;
pub use family::{Ends, Family, Knots, Slopes, SplineEnds};
pub use fit::{Align, Fit, fit_bounds};
pub use intersect::Intersection;
pub use nearest::Nearest;
pub use number::JsonNumber;
pub use piecewise::{Curve, MAX_COORDINATE, PiecewiseCubic, Point};
pub use rect::Rect;
pub use room::{as_points, as_points_mut};
pub use simplify::simplify;
