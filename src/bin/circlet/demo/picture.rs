//! The picture: the curves, and the points that went through the ring.

use std::fmt::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::{fs, io};

use super::Arguments;
use super::drawing::Drawing;
use super::report::Report;
use crate::failure::Failure;
use crate::file;
use crate::interrupt::Interrupt;

/// Draws the picture and puts it in place whole: a picture that was there stays until then.
pub(super) fn draw(
    drawing: &Drawing,
    report: &Report,
    arguments: &Arguments,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    file::write_whole(&arguments.output, &svg(drawing, report, arguments, interrupt)?)
        .map_err(|error| unwritable(&arguments.output, &error))
}

/// Refuses what cannot be the picture's place before any work is done.
pub(super) fn check(arguments: &Arguments) -> Result<(), Failure> {
    let output = &arguments.output;
    if let (Some(file), Ok(place)) = (&arguments.file, fs::metadata(output)) {
        let same =
            fs::metadata(file).is_ok_and(|file| (file.dev(), file.ino()) == (place.dev(), place.ino()));
        if same {
            let text = format!("{} is the drawing itself: give --output another place", output.display());
            return Err(Failure::input(text));
        }
    }
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() || output.is_dir() {
        return Err(unwritable(output, &io::ErrorKind::NotFound.into()));
    }
    Ok(())
}

fn unwritable(output: &Path, error: &io::Error) -> Failure {
    Failure::input(format!(
        "{} cannot be written: {error}; give --output a file in a folder that exists",
        output.display()
    ))
}

fn svg(
    drawing: &Drawing,
    report: &Report,
    arguments: &Arguments,
    interrupt: &Interrupt,
) -> Result<String, Failure> {
    let [width, height] = arguments.size;
    let unit = width.max(height) / 1000.0;
    let (margin, foot) = (20.0 * unit, 40.0 * unit);
    let mut svg = String::new();
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="{} {} {} {}" font-family="sans-serif">"#,
        -margin,
        -margin,
        width + 2.0 * margin,
        height + margin + foot,
    )?;
    writeln!(svg, "<title>The curves of a drawing, and the points that stand for them</title>")?;
    writeln!(svg, r#"<rect x="{0}" y="{0}" width="100%" height="100%" fill="white"/>"#, -margin)?;
    writeln!(svg, r##"<g fill="none" stroke="#4477aa" stroke-width="{unit}">"##)?;
    for curve in drawing.paths.iter().flat_map(|path| &path.curves) {
        writeln!(svg, r#"<path d="{}"/>"#, curve.to_svg())?;
    }
    writeln!(svg, "</g>")?;
    // A line of no length with round ends is a dot: one path holds all of them.
    writeln!(
        svg,
        r##"<g fill="none" stroke="#cc3311" stroke-width="{}" stroke-linecap="round">"##,
        2.2 * unit
    )?;
    // As many decimals as the box needs to tell points apart that the tolerance does.
    let decimals = (3.0 - arguments.tolerance.log10().floor()).clamp(0.0, 17.0) as usize;
    for path in &drawing.paths {
        interrupt.check()?;
        let mut dots = String::new();
        for curve in &path.curves {
            for [x, y] in curve.flatten(arguments.tolerance).map_err(Failure::run)? {
                write!(dots, "M{x:.decimals$} {y:.decimals$}h0")?;
            }
        }
        writeln!(svg, r#"<path d="{dots}"/>"#)?;
    }
    writeln!(svg, "</g>")?;
    writeln!(
        svg,
        r##"<text x="0" y="{}" font-size="{}" fill="#333">{} paths, {} points, every curve within {} of them</text>"##,
        height + foot * 0.5,
        14.0 * unit,
        report.rows.len(),
        report.points(),
        arguments.tolerance,
    )?;
    svg.push_str("</svg>\n");
    Ok(svg)
}
