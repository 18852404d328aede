//! Path data and documents that anybody may have written: what the fuzzer and the tests of hostile text share.
#![allow(dead_code, unreachable_pub, reason = "each program has it as a module and uses a part of it")]

use circlet::curve::svg::read_document;
use circlet::curve::{Curve, Error, MAX_COORDINATE};

/// Reads a text as path data and as a document, and holds what comes back to its promises.
pub fn read(text: &str) {
    read_path(text);
    read_file(text);
}

/// Reads path data: every curve is finite and writes path data that reads back to it; an error points into the text.
pub fn read_path(d: &str) {
    match Curve::from_svg(d) {
        Ok(curves) => {
            let segments: usize = curves.iter().map(Curve::segment_count).sum();
            // An arc makes up to eight, of eight characters at least.
            assert!(segments <= d.len(), "{segments} segments of {} bytes", d.len());
            curves.iter().for_each(hold_curve);
            let written: String = curves.iter().map(Curve::to_svg).collect();
            match Curve::from_svg(&written) {
                Ok(again) => assert_eq!(again, curves, "{written}"),
                Err(Error::EmptyPath) => assert_eq!(curves, [], "{written}"),
                Err(error) => panic!("{written}: {error}"),
            }
        }
        Err(error) => hold_error(&error, d),
    }
}

/// Reads a document: the same for every path of it, and every error names a line that there is.
pub fn read_file(text: &str) {
    let lines = text.split('\n').count();
    let is_line = |line: u32| assert!((1..=lines).contains(&(line as usize)), "line {line} of {lines}");
    match read_document(text) {
        Ok(document) => {
            assert!(!document.paths.is_empty());
            let total = document.paths.len() + document.definitions;
            let indices: Vec<usize> = document.paths.iter().map(|path| path.index).collect();
            assert!(indices.is_sorted_by(|a, b| a < b) && indices.iter().all(|&index| index < total));
            let curves: Vec<&Curve> = document.paths.iter().flat_map(|path| &path.curves).collect();
            curves.iter().for_each(|curve| hold_curve(curve));
            assert_eq!(document.bounds().is_some(), !curves.is_empty());
        }
        Err(Error::Xml { line, column, .. }) => {
            is_line(line);
            assert!(column >= 1);
        }
        Err(Error::Path { line, reason, .. }) => {
            is_line(line);
            assert!(!matches!(*reason, Error::EmptyPath), "a path of nothing draws nothing");
        }
        Err(Error::Attribute { line, .. }) => is_line(line),
        Err(Error::NoPath { .. }) => {}
        Err(error) => panic!("no error of a document: {error}"),
    }
}

/// Holds a curve to be finite wherever it is looked at, inside its bounds, and the same after it was written.
fn hold_curve(curve: &Curve) {
    let in_range = |point: [f64; 2]| point.iter().all(|x| x.abs() <= MAX_COORDINATE);
    let points = curve.segments().as_flattened();
    assert!(points.iter().copied().all(in_range));
    let bounds = curve.bounds();
    assert!(in_range(bounds.min) && in_range(bounds.max), "{bounds:?}");

    let largest = points.as_flattened().iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let rounding = 8.0 * f64::EPSILON * largest + f64::from_bits(1);
    let mut samples = [[f64::NAN; 2]; 9];
    curve.sample_into(&mut samples);
    for sample in samples {
        let is_inside =
            |axis: usize| (bounds.min[axis] - rounding..=bounds.max[axis] + rounding).contains(&sample[axis]);
        assert!(is_inside(0) && is_inside(1), "{sample:?} is outside {bounds:?}");
    }

    let written = curve.to_svg();
    assert_eq!(Curve::from_svg(&written).as_deref(), Ok([curve.clone()].as_slice()), "{written}");
}

/// Holds an error of path data to point into it, at what it quotes.
fn hold_error(error: &Error, d: &str) {
    match error {
        Error::EmptyPath => assert_eq!(d.trim(), ""),
        Error::PathData { offset, found, .. } => {
            let rest = d.get(*offset..).unwrap_or_else(|| panic!("byte {offset} of {d:?}"));
            if found == "the end" {
                assert_eq!(rest.trim(), "", "{error}");
            } else {
                let quoted = &found[1..found.len() - 1];
                let first = rest.chars().next().map(|c| c.escape_default().to_string());
                let is_there = rest.starts_with(quoted) || first.as_deref() == Some(quoted);
                assert!(!quoted.is_empty() && is_there, "{error}: {rest:?} stands there");
            }
        }
        Error::ControlPoint { segment, point, axis, value } => {
            let is_out_of_range = value.is_nan() || value.abs() > MAX_COORDINATE;
            assert!(is_out_of_range && *point < 4 && *axis < 2, "{error}");
            assert!(*segment <= d.len(), "{error}");
        }
        error => panic!("no error of path data: {error}"),
    }
}
