//! The picture: the curves, and the points that went through the ring.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use super::Arguments;
use super::drawing::Drawing;
use super::report::Report;
use crate::failure::Failure;

/// Draws the picture and puts it in place whole: a picture that was there stays until then.
pub(super) fn draw(drawing: &Drawing, report: &Report, arguments: &Arguments) -> Result<(), Failure> {
    let text = svg(drawing, report, arguments).map_err(Failure::run)?;
    let output = &arguments.output;
    // Of a fixed name: what a kill leaves behind, the next start overwrites.
    let mut part = output.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    fs::write(&part, text).and_then(|()| fs::rename(&part, output)).map_err(|error| {
        let _ = fs::remove_file(&part);
        Failure::input(format!("{} cannot be written: {error}", output.display()))
    })
}

fn svg(
    drawing: &Drawing,
    report: &Report,
    arguments: &Arguments,
) -> Result<String, Box<dyn std::error::Error>> {
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
    for path in &drawing.paths {
        let mut dots = String::new();
        for curve in &path.curves {
            for [x, y] in curve.flatten(arguments.tolerance)? {
                write!(dots, "M{x:.3} {y:.3}h0")?;
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
