//! The paths of a whole SVG file.

use std::ops::Range;
use std::str::FromStr;

use roxmltree::{Node, ParsingOptions};
use svgtypes::{Align as SvgAlign, AspectRatio, Length, LengthUnit, Transform, ViewBox};

use super::super::affine::Affine;
use super::super::error::Error;
use super::super::fit::{Align, Fit, fit_bounds};
use super::super::piecewise::Curve;
use super::super::rect::Rect;

const SVG: &str = "http://www.w3.org/2000/svg";

/// Elements whose contents are drawn only where something refers to them.
const DEFINITIONS: [&str; 6] = ["defs", "marker", "symbol", "clipPath", "mask", "pattern"];

/// Holds what an SVG document draws by `<path>` elements.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Document {
    /// The drawn paths, in document order; at least one.
    pub paths: Vec<DrawnPath>,
    /// How many paths stand in `defs`, `marker`, `symbol`, `clipPath`, `mask` or `pattern`, where they are not drawn.
    pub definitions: usize,
}

/// Holds one drawn `<path>`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DrawnPath {
    /// The element's `id`, or `path-N` with N the index.
    pub id: String,
    /// Which of the document's `<path>` elements with a `d` it is, counted from 0, definitions included.
    pub index: usize,
    /// A curve for each subpath, in the coordinates of the outermost `<svg>`. None if `d` draws nothing.
    pub curves: Vec<Curve>,
}

impl Document {
    /// Returns the smallest box around all curves, or nothing if there is none.
    pub fn bounds(&self) -> Option<Rect> {
        let curves = self.paths.iter().flat_map(|path| &path.curves);
        curves.map(Curve::bounds).reduce(Rect::union)
    }
}

/// Finds every `<path d="…">` of an SVG document, with the transforms of the element and all around it applied.
///
/// Paths inside definitions are not drawn, but counted, and their `d` is checked too. A `d` without a command draws nothing. A
/// nested `<svg>` is placed by its `x`, `y`, `width`, `height` and `viewBox`, always centred in its viewport.
///
/// It reads presentation attributes, not style sheets, and so no CSS `transform` nor `display`; other shapes, text and `<use>`
/// are passed over.
///
/// # Errors
///
/// [`Error::Xml`] for a text that is not XML, [`Error::NoPath`] if no path is drawn, [`Error::Path`] for one with malformed
/// data or a coordinate that is out of range, before or after the transforms, [`Error::Attribute`] for a malformed `transform`
/// and for a nested `<svg>` whose place is relative (`%`, `em`, or a `viewBox` without a width and a height).
///
/// # Examples
///
/// ```
/// use circlet::curve::svg::read_document;
///
/// let document = read_document(r#"<svg><path d="M0 0h10"/><defs><path d="M0 0v1"/></defs></svg>"#)?;
/// assert_eq!((document.paths.len(), document.definitions), (1, 1));
/// assert_eq!(document.paths[0].id, "path-0");
///
/// let error = read_document("<svg>\n  <path id='leaf' d='M0 0 L oops'/>\n</svg>").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "path 0 (id \"leaf\", line 2): path data is malformed at byte 7: found `oops`, expected a finite number"
/// );
/// # Ok::<(), circlet::curve::Error>(())
/// ```
pub fn read_document(text: &str) -> Result<Document, Error> {
    // Files from the time of SVG 1.1 begin with a DOCTYPE.
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let xml = roxmltree::Document::parse_with_options(text, options).map_err(|error| {
        let position = error.pos();
        // It says the place too.
        let message = error.to_string().replace(&format!(" at {position}"), "");
        Error::Xml { line: position.row, column: position.col, message }
    })?;

    let mut document = Document { paths: Vec::new(), definitions: 0 };
    // A stack of its own: elements nest as deep as the file likes.
    let mut waiting = vec![(xml.root_element(), Some(Affine::IDENTITY))];
    while let Some((element, around)) = waiting.pop() {
        let matrix = if is_definition(element) { None } else { around };
        let matrix = matrix.map(|matrix| place(element, matrix, text)).transpose()?;
        if is_svg(element, "path") && element.has_attribute("d") {
            let index = document.paths.len() + document.definitions;
            let path = read_path(element, index, matrix, text)?;
            match matrix {
                Some(_) => document.paths.push(path),
                None => document.definitions += 1,
            }
        }
        waiting.extend(element.children().filter(Node::is_element).rev().map(|child| (child, matrix)));
    }
    if document.paths.is_empty() {
        return Err(Error::NoPath { definitions: document.definitions });
    }
    Ok(document)
}

fn read_path(element: Node, index: usize, matrix: Option<Affine>, text: &str) -> Result<DrawnPath, Error> {
    let id = element.attribute("id").map_or_else(|| format!("path-{index}"), str::to_owned);
    let (d, range) = attribute(element, "d").unwrap_or_default();
    let curves = match Curve::from_svg(d) {
        Err(Error::EmptyPath) => Ok(Vec::new()),
        curves => curves,
    };
    let matrix = matrix.unwrap_or(Affine::IDENTITY);
    let curves = curves.and_then(|curves| curves.iter().map(|curve| curve.transform(&matrix)).collect());
    match curves {
        Ok(curves) => Ok(DrawnPath { id, index, curves }),
        Err(reason) => {
            let offset = if let Error::PathData { offset, .. } = reason { offset } else { 0 };
            Err(Error::Path {
                index,
                id,
                line: line_at(text, range.start + offset),
                reason: Box::new(reason),
            })
        }
    }
}

/// Returns the map from the coordinates inside an element to those of the document.
fn place(element: Node, around: Affine, text: &str) -> Result<Affine, Error> {
    let Transform { a, b, c, d, e, f } = parse(element, "transform", text)?.unwrap_or_default();
    let matrix = around * Affine { a, b, c, d, e, f };
    let nested = is_svg(element, "svg") && element.parent_element().is_some();
    if nested { Ok(matrix * place_viewport(element, text)?) } else { Ok(matrix) }
}

/// Returns the map from the coordinates inside a nested `<svg>` to those around it.
fn place_viewport(element: Node, text: &str) -> Result<Affine, Error> {
    let corner = [length(element, "x", text)?.unwrap_or(0.0), length(element, "y", text)?.unwrap_or(0.0)];
    let Some(ViewBox { x, y, w, h }) = parse(element, "viewBox", text)? else {
        return Ok(Affine::translation(corner));
    };
    let refuse = |message| attribute_error(element, "viewBox", text, message);
    let (Some(width), Some(height)) = (length(element, "width", text)?, length(element, "height", text)?)
    else {
        return Err(refuse("a nested <svg> with a viewBox needs a width and a height".to_owned()));
    };
    let ratio = parse(element, "preserveAspectRatio", text)?.unwrap_or_default();
    let fit = match ratio {
        AspectRatio { align: SvgAlign::None, .. } => Fit::Stretch,
        AspectRatio { slice: true, .. } => Fit::Cover,
        _ => Fit::Contain,
    };
    let source = Rect::from_corner_and_size([x, y], [w, h]);
    let target = Rect::from_corner_and_size(corner, [width, height]);
    fit_bounds(source, target, fit, alignment(ratio.align)).map_err(|error| refuse(error.to_string()))
}

/// Returns where a viewport has its viewBox.
fn alignment(align: SvgAlign) -> Align {
    let (x, y) = match align {
        SvgAlign::XMinYMin => (0.0, 0.0),
        SvgAlign::XMidYMin => (0.5, 0.0),
        SvgAlign::XMaxYMin => (1.0, 0.0),
        SvgAlign::XMinYMid => (0.0, 0.5),
        SvgAlign::None | SvgAlign::XMidYMid => (0.5, 0.5),
        SvgAlign::XMaxYMid => (1.0, 0.5),
        SvgAlign::XMinYMax => (0.0, 1.0),
        SvgAlign::XMidYMax => (0.5, 1.0),
        SvgAlign::XMaxYMax => (1.0, 1.0),
    };
    Align { x, y }
}

/// Returns a length in user units, if the attribute is there.
fn length(element: Node, name: &'static str, text: &str) -> Result<Option<f64>, Error> {
    let Some(Length { number, unit }) = parse(element, name, text)? else {
        return Ok(None);
    };
    // CSS fixes 96 pixels to the inch.
    let pixels = match unit {
        LengthUnit::None | LengthUnit::Px => 1.0,
        LengthUnit::In => 96.0,
        LengthUnit::Cm => 96.0 / 2.54,
        LengthUnit::Mm => 96.0 / 25.4,
        LengthUnit::Pt => 96.0 / 72.0,
        LengthUnit::Pc => 16.0,
        LengthUnit::Em | LengthUnit::Ex | LengthUnit::Percent => {
            let message = "a nested <svg> needs a length in absolute units".to_owned();
            return Err(attribute_error(element, name, text, message));
        }
    };
    Ok(Some(number * pixels))
}

/// Reads an attribute, if it is there.
fn parse<T: FromStr<Err: ToString>>(
    element: Node,
    name: &'static str,
    text: &str,
) -> Result<Option<T>, Error> {
    let value = element.attribute(name).map(str::parse).transpose();
    value.map_err(|error: T::Err| attribute_error(element, name, text, error.to_string()))
}

fn attribute_error(element: Node, name: &'static str, text: &str, message: String) -> Error {
    let (value, range) = attribute(element, name).unwrap_or_default();
    Error::Attribute { name, line: line_at(text, range.start), value: value.to_owned(), message }
}

/// Returns an attribute's value and where it stands in the text.
fn attribute<'a>(element: Node<'a, '_>, name: &str) -> Option<(&'a str, Range<usize>)> {
    let attribute = element.attribute_node(name)?;
    Some((attribute.value(), attribute.range_value()))
}

/// Returns the line that a byte is on, counted from 1.
fn line_at(text: &str, byte: usize) -> u32 {
    let before = text.as_bytes().iter().take(byte);
    1 + before.filter(|&&b| b == b'\n').count() as u32
}

fn is_definition(element: Node) -> bool {
    DEFINITIONS.iter().any(|name| is_svg(element, name))
}

/// Tells whether it is the named element of SVG. Many hand-written files declare no namespace.
fn is_svg(element: Node, name: &str) -> bool {
    let tag = element.tag_name();
    tag.name() == name && tag.namespace().is_none_or(|namespace| namespace == SVG)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(document: &Document) -> Vec<(&str, [f64; 2])> {
        document.paths.iter().map(|path| (path.id.as_str(), path.curves[0].end())).collect()
    }

    #[test]
    fn paths_come_in_document_order_with_all_transforms_around_them() {
        let document = read_document(
            r#"<?xml version="1.0"?>
            <!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 5 5">
              <path d="M0 0h1"/>
              <g transform="translate(10 20)">
                <g transform="scale(2)"><path id="deep" transform="rotate(90)" d="M0 0h1"/></g>
              </g>
              <a><path d="M0 0v1"/></a>
            </svg>"#,
        )
        .unwrap();
        let ends = ends(&document);
        assert_eq!((ends[0], ends[2]), (("path-0", [1.0, 0.0]), ("path-2", [0.0, 1.0])));
        assert_eq!(ends[1].0, "deep");
        assert!((ends[1].1[0] - 10.0).abs() < 1e-14 && ends[1].1[1] == 22.0, "{ends:?}");
        assert_eq!(document.bounds().unwrap().min, [0.0, 0.0]);
    }

    #[test]
    fn definitions_are_counted_and_not_drawn() {
        let hidden: String =
            DEFINITIONS.iter().map(|name| format!(r#"<{name}><g><path d="M0 0h1"/></g></{name}>"#)).collect();
        let document = read_document(&format!(r#"<svg>{hidden}<path d="M0 0h2"/></svg>"#)).unwrap();
        assert_eq!(document.definitions, 6);
        assert_eq!(ends(&document), [("path-6", [2.0, 0.0])]);
        assert_eq!(read_document(&format!("<svg>{hidden}</svg>")), Err(Error::NoPath { definitions: 6 }));
    }

    #[test]
    fn a_malformed_path_is_named_also_among_definitions() {
        let error = read_document(
            "<svg>\n<path d='M0 0h1'/>\n<defs>\n<path id='q'\n d='M0 0\nL1 1\nL1 oops'/></defs></svg>",
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "path 1 (id \"q\", line 7): path data is malformed at byte 13: found `oops`, expected a finite number"
        );
    }

    #[test]
    fn a_transform_out_of_range_names_the_path() {
        let error =
            read_document(r#"<svg><path transform="scale(1e200)" d="M0 0L1e200 1"/></svg>"#).unwrap_err();
        let Error::Path { index: 0, line: 1, reason, .. } = error else { panic!("{error}") };
        assert!(matches!(*reason, Error::ControlPoint { segment: 0, axis: 0, .. }), "{reason}");
    }

    #[test]
    fn a_text_that_is_no_xml_is_refused_with_the_place() {
        for text in ["", "not xml", "<svg>\n<path d='M0 0'>\n</svg>"] {
            let error = read_document(text).unwrap_err();
            assert!(matches!(error, Error::Xml { .. }), "{text:?}: {error}");
        }
        let error = read_document("<svg>\n<path d='M0 0'>\n</svg>").unwrap_err();
        assert_eq!(
            error.to_string(),
            "not an SVG document, line 3, column 1: expected 'path' tag, not 'svg'"
        );
    }

    #[test]
    fn a_path_that_draws_nothing_is_no_error() {
        let document = read_document(r#"<svg><path/><path d=""/><path d="M1 1"/></svg>"#).unwrap();
        assert_eq!(document.paths.len(), 2);
        assert!(document.paths.iter().all(|path| path.curves.is_empty()));
        assert_eq!(document.bounds(), None);
    }

    #[test]
    fn other_namespaces_are_not_svg() {
        let text = r#"<svg xmlns:x="urn:x"><x:path d="oops"/><path d="M0 0h1"/></svg>"#;
        assert_eq!(read_document(text).unwrap().paths.len(), 1);
    }

    #[test]
    fn a_nested_svg_is_placed_in_its_viewport() {
        let nested = |attributes: &str| {
            let text = format!(r#"<svg><svg {attributes}><path d="M0 0L10 10"/></svg></svg>"#);
            read_document(&text).map(|document| document.paths[0].curves[0].end())
        };
        assert_eq!(nested(r#"x="5" y="1in""#).unwrap(), [15.0, 106.0]);
        let sized = r#"x="5" width="40" height="20px" viewBox="0 0 10 10""#;
        assert_eq!(nested(sized).unwrap(), [35.0, 20.0]);
        assert_eq!(nested(&format!(r#"{sized} preserveAspectRatio="none""#)).unwrap(), [45.0, 20.0]);
        assert_eq!(
            nested(&format!(r#"{sized} preserveAspectRatio="xMidYMid slice""#)).unwrap(),
            [45.0, 30.0]
        );
        for (align, end) in
            [("xMinYMid", [25.0, 20.0]), ("xMaxYMin", [45.0, 20.0]), ("xMidYMax slice", [45.0, 20.0])]
        {
            let found = nested(&format!(r#"{sized} preserveAspectRatio="{align}""#)).unwrap();
            assert_eq!(found, end, "{align}");
        }
        for bad in [
            r#"x="5%""#,
            r#"viewBox="0 0 1 1""#,
            r#"width="0" height="1" viewBox="0 0 1 1""#,
            r#"viewBox="0""#,
        ] {
            assert!(matches!(nested(bad), Err(Error::Attribute { line: 1, .. })), "{bad}");
        }
    }

    #[test]
    fn a_malformed_transform_is_named() {
        let error = read_document("<svg>\n<g transform='spin(3)'><path d='M0 0h1'/></g></svg>").unwrap_err();
        assert!(error.to_string().starts_with("attribute transform on line 2 is \"spin(3)\""), "{error}");
    }

    #[test]
    fn elements_nested_without_end_do_not_overflow_the_stack() {
        let depth = 200_000;
        let text = format!("<svg>{}<path d='M0 0h1'/>{}</svg>", "<g>".repeat(depth), "</g>".repeat(depth));
        assert_eq!(ends(&read_document(&text).unwrap()), [("path-0", [1.0, 0.0])]);
    }
}
