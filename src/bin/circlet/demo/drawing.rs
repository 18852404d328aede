//! The drawing: read from a file and fitted into the box.

use std::fs;
use std::path::Path;

use circlet::curve::svg::{DrawnPath, read_document};
use circlet::curve::{Align, Error, Fit, Rect, fit_bounds};

use super::{Arguments, FitArgument};
use crate::failure::Failure;

/// What is drawn when no file is given.
const BUILT_IN: &str = include_str!("../../../../examples/data/flowchart.svg");

/// The paths of a file, in the coordinates of the box.
#[derive(Debug)]
pub(super) struct Drawing {
    /// Where it came from, for people.
    pub(super) source: String,
    /// Each path and its curves.
    pub(super) paths: Vec<DrawnPath>,
    /// Paths of the file that are not drawn: markers and the like.
    pub(super) definitions: usize,
}

impl Drawing {
    /// Reads the file and fits what it draws, by its exact bounds, into the box.
    pub(super) fn read(arguments: &Arguments) -> Result<Self, Failure> {
        let tolerance = arguments.tolerance;
        if !(tolerance.is_finite() && tolerance > 0.0) {
            return Err(Failure::input(Error::Tolerance { given: tolerance }));
        }
        let (source, text) = match &arguments.file {
            None => ("the built-in flowchart".to_owned(), BUILT_IN.to_owned()),
            Some(file) => (file.display().to_string(), read_text(file)?),
        };
        let blame = |error: Error| Failure::input(format!("{source}: {error}"));
        let document = read_document(&text).map_err(blame)?;
        let bounds =
            document.bounds().ok_or_else(|| Failure::input(format!("{source}: its paths draw nothing")))?;
        let target = Rect::from_corner_and_size([0.0; 2], arguments.size);
        let fit = match arguments.fit {
            FitArgument::Contain => Fit::Contain,
            FitArgument::Cover => Fit::Cover,
            FitArgument::Stretch => Fit::Stretch,
        };
        let map = fit_bounds(bounds, target, fit, Align::CENTER).map_err(Failure::input)?;
        let mut paths = document.paths;
        for path in &mut paths {
            for curve in &mut path.curves {
                *curve = curve.transform(&map).map_err(blame)?;
            }
        }
        Ok(Self { source, paths, definitions: document.definitions })
    }

    /// Returns how many cubic segments a path has.
    pub(super) fn segments(&self, number: usize) -> usize {
        self.paths[number].curves.iter().map(|curve| curve.segment_count()).sum()
    }
}

fn read_text(file: &Path) -> Result<String, Failure> {
    let name = file.display();
    let bytes = fs::read(file)
        .map_err(|error| Failure::input(format!("{name} cannot be read: {error}; give an SVG file")))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(Failure::input(format!("{name} is compressed: unpack it first (gzip -dc)")));
    }
    String::from_utf8(bytes)
        .map_err(|_| Failure::input(format!("{name} is not UTF-8 text; give an SVG file")))
}
