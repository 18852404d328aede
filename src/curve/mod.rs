//! Curves as piecewise cubic Bezier segments.

mod affine;
mod bounds;
mod error;
mod eval;
mod families;
mod fit;
mod flatten;
mod length;
mod piecewise;
mod rect;
mod segment;

pub use affine::Affine;
pub use error::Error;
pub use fit::{Fit, fit_bounds};
pub use piecewise::{Curve, MAX_COORDINATE, PiecewiseCubic, Point};
pub use rect::Rect;
