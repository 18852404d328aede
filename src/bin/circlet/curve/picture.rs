//! The picture of a curve: the points it was made of, its control polygon, where its segments meet, and itself.

use std::fmt::Write;
use std::path::Path;

use circlet::curve::{Affine, Align, Curve, Fit, Point, Rect, fit_bounds};

use crate::failure::Failure;
use crate::file;

/// The longer side of the drawing, in the picture's own units.
const SIZE: f64 = 720.0;
/// The shorter side is at least this, so that there is a drawing.
const SHORTEST: f64 = 120.0;
const MARGIN: f64 = 40.0;
/// What is drawn as many times as this gets no dots any more, but lines alone.
const DOTS_MAX: usize = 2000;

/// Draws curves into a file; nothing of it is there if that fails.
pub(super) fn draw(
    curves: &[Curve],
    points: &[Point],
    family: &str,
    place: &Path,
    stretch: bool,
    up: bool,
) -> Result<(), Failure> {
    let text = svg(curves, points, family, stretch, up)?;
    file::write_whole(place, &text).map_err(|error| {
        let place = place.display();
        Failure::input(format!(
            "{place} cannot be written: {error}; give --svg a file in a folder that exists"
        ))
    })
}

fn svg(curves: &[Curve], points: &[Point], family: &str, stretch: bool, up: bool) -> Result<String, Failure> {
    let at = |point: &Point| Rect { min: *point, max: *point };
    let controls = curves.iter().flat_map(|curve| curve.segments().as_flattened());
    let bounds = controls
        .chain(points)
        .map(at)
        .reduce(Rect::union)
        .ok_or_else(|| Failure::input("there is no curve"))?;
    let (map, [width, height]) = place(bounds, stretch, up)?;
    let curves: Vec<Curve> =
        curves.iter().map(|curve| curve.transform(&map)).collect::<Result<_, _>>().map_err(Failure::run)?;

    let mut svg = String::new();
    let [full_width, full_height] = [width, height].map(|x| x + 2.0 * MARGIN);
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {full_width:.1} {full_height:.1}" width="{full_width:.0}" height="{full_height:.0}">"#
    )?;
    writeln!(svg, "<title>{family}: curve, control polygon and points</title>")?;
    // The colours are of Paul Tol's bright scheme, which colour-blind people tell apart.
    svg.push_str(
        "<style>\n\
         :root { --paper: #ffffff; --curve: #4477aa; --polygon: #999999; --point: #cc3311; --text: #333333 }\n\
         @media (prefers-color-scheme: dark) {\n\
         :root { --paper: #16181c; --curve: #77aadd; --polygon: #777777; --point: #ee7755; --text: #cccccc } }\n\
         .paper { fill: var(--paper) } text { fill: var(--text); font: 14px sans-serif }\n\
         .curve { fill: none; stroke: var(--curve); stroke-width: 3; stroke-linejoin: round; stroke-linecap: round }\n\
         .polygon { fill: none; stroke: var(--polygon); stroke-width: 1; stroke-dasharray: 4 3 }\n\
         .knot { fill: var(--paper); stroke: var(--curve); stroke-width: 2 }\n\
         .control { fill: var(--polygon) } .point { fill: none; stroke: var(--point); stroke-width: 2 }\n\
         </style>\n",
    );
    writeln!(svg, r#"<rect class="paper" width="100%" height="100%"/>"#)?;
    let mut polygon = String::new();
    for [p0, p1, p2, p3] in curves.iter().flat_map(Curve::segments) {
        write!(polygon, "M{} {} {} {}", pair(p0), pair(p1), pair(p2), pair(p3))?;
    }
    writeln!(svg, r#"<path class="polygon" d="{polygon}"/>"#)?;
    for curve in &curves {
        writeln!(svg, r#"<path class="curve" d="{}"/>"#, rounded(curve))?;
    }
    if curves.iter().map(Curve::segment_count).sum::<usize>() + points.len() <= DOTS_MAX {
        for [p0, p1, p2, p3] in curves.iter().flat_map(Curve::segments) {
            for [x, y] in [p1, p2] {
                writeln!(svg, r#"<circle class="control" cx="{x:.2}" cy="{y:.2}" r="2.5"/>"#)?;
            }
            for [x, y] in [p0, p3] {
                writeln!(svg, r#"<circle class="knot" cx="{x:.2}" cy="{y:.2}" r="4"/>"#)?;
            }
        }
        for [x, y] in points.iter().map(|point| map.apply(*point)) {
            writeln!(svg, r#"<circle class="point" cx="{x:.2}" cy="{y:.2}" r="8"/>"#)?;
        }
    }
    writeln!(svg, r#"<text x="12" y="22">{family}</text>"#)?;
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Returns the map of the bounds into the picture, and the size of what is drawn.
fn place(bounds: Rect, stretch: bool, up: bool) -> Result<(Affine, [f64; 2]), Failure> {
    let [width, height] = bounds.size();
    let longer = width.max(height);
    let size = if stretch || longer == 0.0 {
        [SIZE, SIZE / 2.0]
    } else {
        [width, height].map(|side| (SIZE * (side / longer)).max(SHORTEST))
    };
    let target = Rect::from_corner_and_size([MARGIN; 2], size);
    let fit = if stretch { Fit::Stretch } else { Fit::Contain };
    let map = fit_bounds(bounds, target, fit, Align::CENTER).map_err(Failure::input)?;
    let mirrored = Affine { d: -map.d, f: size[1] + 2.0 * MARGIN - map.f, ..map };
    Ok((if up { mirrored } else { map }, size))
}

fn pair([x, y]: &Point) -> String {
    format!("{x:.2},{y:.2}")
}

/// Writes a path to the hundredth of a unit: more than a screen shows.
fn rounded(curve: &Curve) -> String {
    let mut path = String::new();
    let mut before = None;
    for [p0, p1, p2, p3] in curve.segments() {
        if before != Some(p0) {
            path.push('M');
            path.push_str(&pair(p0));
        }
        path.push_str(&format!("C{} {} {}", pair(p1), pair(p2), pair(p3)));
        before = Some(p3);
    }
    path
}
