//! What can be wrong with the input of a curve, with the numbers that tell what to change.

use super::bezier::MAX_DEGREE;
use super::piecewise::MAX_COORDINATE;
use super::rect::Rect;

/// Says why a curve could not be made or an operation on one could not be carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A Bezier curve of a degree other than 1, 2 or 3.
    #[error("a Bezier curve takes 2, 3 or 4 control points (degree 1 to 3), not {given}")]
    ControlPointCount {
        /// How many control points were given.
        given: usize,
    },

    /// A Bezier curve of a degree out of range.
    #[error("a Bezier curve takes 2 to {} control points (degree 1 to {MAX_DEGREE}), not {given}", MAX_DEGREE + 1)]
    BezierPointCount {
        /// How many control points were given.
        given: usize,
    },

    /// Too few points for the family.
    #[error("a {family} curve takes at least {needed} points, not {given}")]
    TooFewPoints {
        /// The family that was asked for.
        family: &'static str,
        /// How many points it takes.
        needed: usize,
        /// How many were given.
        given: usize,
    },

    /// A family that there is not, or parameters that it does not take.
    #[error("the family {name:?}: {problem}")]
    Family {
        /// The family's name as given.
        name: String,
        /// What is wrong.
        problem: String,
    },

    /// A parameter of a family that is out of its range.
    #[error("{what} is {given:?}; it must be from 0 to 1")]
    FamilyParameter {
        /// Which parameter.
        what: &'static str,
        /// Its value.
        given: f64,
    },

    /// A number of coordinates that does not go with the points.
    #[error("{needed} coordinates are needed, not {given}")]
    Dimension {
        /// How many are needed.
        needed: usize,
        /// How many were given.
        given: usize,
    },

    /// Two points at the same place, between which no knot spacing by distance exists.
    #[error(
        "points {index} and {next} are {first:?} and {second:?}: the same, or so near that their distance vanishes beside those \
         before, so that knots by distance do not ascend; leave one out, or use uniform knots"
    )]
    PointsCoincide {
        /// The first of the two, counted from 0.
        index: usize,
        /// The second of the two: the first point of all where a closed curve goes back to it.
        next: usize,
        /// The first one's coordinates.
        first: Vec<f64>,
        /// The second one's coordinates.
        second: Vec<f64>,
    },

    /// Derivatives that do not go with the points.
    #[error("{needed} points take {needed} derivatives, not {given}")]
    DerivativeCount {
        /// How many points there are.
        needed: usize,
        /// How many derivatives were given.
        given: usize,
    },

    /// A derivative that is NaN or infinite.
    #[error("coordinate {axis} of derivative {index} is {value:?}; it must be finite")]
    Derivative {
        /// Which derivative, counted from 0.
        index: usize,
        /// Which coordinate of it.
        axis: usize,
        /// Its value.
        value: f64,
    },

    /// A curve of no segments.
    #[error("a curve takes at least 1 segment, not 0")]
    NoSegments,

    /// Knots that do not go with the segments.
    #[error("{segments} segments take {} knots, not {given}", segments + 1)]
    KnotCount {
        /// How many segments were given.
        segments: usize,
        /// How many knots were given.
        given: usize,
    },

    /// A knot that is out of range, or not above the one before it.
    #[error("knot {index} is {value:?}; knots must ascend strictly and lie within {MAX_COORDINATE:e} of 0")]
    Knot {
        /// Which knot, counted from 0.
        index: usize,
        /// Its value.
        value: f64,
    },

    /// An input point with a coordinate that is NaN, infinite or too large.
    #[error("coordinate {axis} of point {index} is {value:?}; it must lie within {MAX_COORDINATE:e} of 0")]
    Point {
        /// Which point, counted from 0.
        index: usize,
        /// Which coordinate of it: 0 for x, 1 for y.
        axis: usize,
        /// Its value.
        value: f64,
    },

    /// A control point with a coordinate that is NaN, infinite or too large, as given or as computed.
    #[error(
        "coordinate {axis} of control point {point} of segment {segment} is {value:?}; \
         it must lie within {MAX_COORDINATE:e} of 0"
    )]
    ControlPoint {
        /// Which segment, counted from 0.
        segment: usize,
        /// Which of its four control points, counted from 0.
        point: usize,
        /// Which coordinate of it: 0 for x, 1 for y.
        axis: usize,
        /// Its value.
        value: f64,
    },

    /// A parameter at which a curve cannot be cut.
    #[error("parameter is {given:?}; it must lie between {first:?} and {last:?}, without the ends")]
    Parameter {
        /// The parameter that was given.
        given: f64,
        /// The curve's first parameter.
        first: f64,
        /// The curve's last parameter.
        last: f64,
    },

    /// A stretch of a curve's domain that is none.
    #[error(
        "parameters {from:?} to {to:?} are no stretch of {first:?} to {last:?}; they must ascend, and meet it in more than a point"
    )]
    Stretch {
        /// Where it was to start.
        from: f64,
        /// Where it was to end.
        to: f64,
        /// The curve's first parameter.
        first: f64,
        /// The curve's last parameter.
        last: f64,
    },

    /// A distance to offset by that is NaN, infinite or too large.
    #[error("the offset distance is {given:?}; it must lie within {MAX_COORDINATE:e} of 0")]
    Distance {
        /// The distance that was given.
        given: f64,
    },

    /// A tolerance that no approximation can keep.
    #[error("tolerance is {given:?}; it must be a finite number above 0")]
    Tolerance {
        /// The tolerance that was given.
        given: f64,
    },

    /// A scale that is no scale.
    #[error("scale is {given:?}; it must be a finite number above 0")]
    Scale {
        /// The scale that was given.
        given: f64,
    },

    /// A polyline that could not be made for a scale.
    #[error("at scale {scale:?} with a pixel tolerance of {pixel_tolerance:?}: {reason}")]
    Scaled {
        /// The scale, in pixels per unit.
        scale: f64,
        /// The tolerance, in pixels.
        pixel_tolerance: f64,
        /// What is wrong with them.
        reason: Box<Error>,
    },

    /// A tolerance so small that the polyline would not fit anywhere.
    #[error(
        "a tolerance of {tolerance:?} takes about {needed:.3e} points, more than {limit}; use a larger one"
    )]
    TooManyPoints {
        /// The tolerance that was given.
        tolerance: f64,
        /// About how many points it takes.
        needed: f64,
        /// How many points there may be.
        limit: u32,
    },

    /// An output buffer of the wrong size.
    #[error("the output buffer holds {given} points; {needed} are needed")]
    BufferLength {
        /// How many points the result has.
        needed: usize,
        /// How many points the buffer holds.
        given: usize,
    },

    /// Bytes that are no whole number of points.
    #[error(
        "{given} bytes are no whole number of points of {each} bytes; give {} or {}",
        given - given % each, given - given % each + each
    )]
    PointBytes {
        /// How many bytes were given.
        given: usize,
        /// How many a point takes.
        each: usize,
    },

    /// Bytes that begin where no double may lie.
    #[error(
        "the bytes begin {beyond} bytes after a multiple of 8, where doubles cannot lie in place; \
         begin at a multiple of 8, as the payloads of rings do, or copy them"
    )]
    PointAddress {
        /// How many bytes after a multiple of 8 they begin.
        beyond: usize,
    },

    /// A box to fit into, or bounds to fit, that are not a box.
    #[error(
        "the {role} box from ({:?}, {:?}) to ({:?}, {:?}) must have finite corners and {}",
        rect.min[0], rect.min[1], rect.max[0], rect.max[1],
        if *role == "target" { "a width and a height above 0" } else { "no negative width or height" }
    )]
    Box {
        /// Which box: `target` is fitted into, `source` is fitted.
        role: &'static str,
        /// The box as given.
        rect: Rect,
    },

    /// A place in a box that is outside of it.
    #[error(
        "the alignment along {axis} is {given:?}; it must be from 0 (at the box's least {axis}) to 1 (at its greatest)"
    )]
    Align {
        /// Which axis: `x` or `y`.
        axis: &'static str,
        /// The alignment that was given.
        given: f64,
    },

    /// Bounds that no finite scale brings to the size asked for.
    #[error(
        "bounds of {width:?} by {height:?} cannot be scaled to {target_width:?} by {target_height:?} in numbers up to {:e}",
        f64::MAX
    )]
    FitOverflow {
        /// Width of the bounds.
        width: f64,
        /// Height of the bounds.
        height: f64,
        /// Width of the target box.
        target_width: f64,
        /// Height of the target box.
        target_height: f64,
    },

    /// SVG path data with nothing in it.
    #[error("the path data is empty")]
    EmptyPath,

    /// SVG path data that breaks its grammar.
    #[error("path data is malformed at byte {offset}: found {found}, expected {expected}")]
    PathData {
        /// Where, in bytes from the start of the path data.
        offset: usize,
        /// What stands there.
        found: String,
        /// What may stand there.
        expected: &'static str,
    },

    /// A text that is not well-formed XML.
    #[error("not an SVG document, line {line}, column {column}: {message}")]
    Xml {
        /// Line in the text, counted from 1.
        line: u32,
        /// Column in that line, counted from 1.
        column: u32,
        /// What is wrong there.
        message: String,
    },

    /// A document that draws no path.
    #[error("the document draws no <path> with a d attribute ({definitions} stand in definitions, undrawn)")]
    NoPath {
        /// How many paths stand inside `defs`, `symbol` and the like.
        definitions: usize,
    },

    /// A path of a document that could not be read.
    #[error("path {index} (id {id:?}, line {line}): {reason}")]
    Path {
        /// Which `<path>` of the document, counted from 0.
        index: usize,
        /// Its `id`, or `path-N` with N its index.
        id: String,
        /// Line in the document, counted from 1.
        line: u32,
        /// What is wrong with it.
        reason: Box<Error>,
    },

    /// An attribute that places paths in a document and cannot be read.
    #[error("attribute {name} on line {line} is {value:?}: {message}")]
    Attribute {
        /// The attribute's name.
        name: &'static str,
        /// Line in the document, counted from 1.
        line: u32,
        /// Its value.
        value: String,
        /// What is wrong with it.
        message: String,
    },
}

/// Refuses a tolerance that is not a finite number above 0.
pub(super) fn check_tolerance(given: f64) -> Result<(), Error> {
    if given.is_finite() && given > 0.0 { Ok(()) } else { Err(Error::Tolerance { given }) }
}
