//! SVG in and out: path data as curves, curves as path data, and whole documents.
//!
//! [`Curve::from_svg`](super::PiecewiseCubic::from_svg) reads what stands in a `d` attribute,
//! [`to_svg`](super::PiecewiseCubic::to_svg) writes it, [`read_document`] finds every drawn `<path>` of a file.
//!
//! # Examples
//!
//! ```
//! use circlet::curve::svg::read_document;
//!
//! let document = read_document(
//!     r#"<svg xmlns="http://www.w3.org/2000/svg">
//!          <g transform="translate(10 0)"><path id="leaf" d="M0 0 Q5 10 10 0 Z"/></g>
//!        </svg>"#,
//! )?;
//! assert_eq!(document.paths[0].id, "leaf");
//! assert_eq!(document.paths[0].curves[0].start(), [10.0, 0.0]);
//! # Ok::<(), circlet::curve::Error>(())
//! ```

mod arc;
mod document;
mod path_data;

pub use document::{Document, DrawnPath, read_document};
