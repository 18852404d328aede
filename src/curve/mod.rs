//! Curves as piecewise cubic Bezier segments.

mod bounds;
mod error;
mod eval;
mod families;
mod flatten;
mod length;
mod piecewise;
mod rect;
mod segment;

pub use error::Error;
pub use piecewise::{Curve, MAX_COORDINATE, PiecewiseCubic, Point};
pub use rect::Rect;
