//! The contents of a `d` attribute, read and written.

use std::fmt::Write;

use svgtypes::{PathParser, PathSegment};

use super::super::error::Error;
use super::super::piecewise::{Curve, Point};
use super::super::segment::{Segment, line, max_abs, quadratic};
use super::arc::Arc;

impl Curve {
    /// Reads SVG path data: one curve for each subpath that draws something, on the knots 0, 1, 2, …
    ///
    /// Lines and quadratics are elevated, elliptical arcs become cubics of at most 45 degrees that leave the ellipse by less
    /// than 4.3e-6 of its radius. `Z` adds a straight segment back to the start, unless the subpath ends there already.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyPath`] if there is nothing but white space, [`Error::PathData`] where the grammar is broken, also by a
    /// number that is beyond `f64`, [`Error::ControlPoint`] (segments counted through all subpaths) for a coordinate that gets
    /// out of range by relative steps.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let curves = Curve::from_svg("M0 0 h4 v3 z m10 0 q5 5 10 0")?;
    /// assert_eq!(curves.len(), 2);
    /// assert_eq!(curves[0].length(1e-9)?, 12.0);
    /// assert_eq!(curves[1].end(), [20.0, 0.0]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn from_svg(d: &str) -> Result<Vec<Self>, Error> {
        let mut reader = Reader::default();
        let mut empty = true;
        for command in PathParser::from(d) {
            reader.draw(command.map_err(|error| grammar_error(d, &error))?)?;
            empty = false;
        }
        if empty { Err(Error::EmptyPath) } else { reader.finish() }
    }

    /// Writes the curve as SVG path data, with every number in as few digits as read back to the same bits.
    ///
    /// Straight segments with evenly spaced control points become `L`, all others `C`; where the curve jumps, an `M` starts a
    /// new subpath. The knots are lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let curve = Curve::linear(&[[0.0, 0.5], [10.0, 0.0]], false)?;
    /// assert_eq!(curve.to_svg(), "M0 0.5L10 0");
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn to_svg(&self) -> String {
        let mut d = String::new();
        let mut before = None;
        for segment in self.segments() {
            let &[p0, p1, p2, p3] = segment;
            if before != Some(p0) {
                write_command(&mut d, 'M', &[p0]);
            }
            if *segment == line(p0, p3) {
                write_command(&mut d, 'L', &[p3]);
            } else {
                write_command(&mut d, 'C', &[p1, p2, p3]);
            }
            before = Some(p3);
        }
        d
    }
}

fn write_command(d: &mut String, letter: char, points: &[Point]) {
    d.push(letter);
    for (i, [x, y]) in points.iter().enumerate() {
        let space = if i == 0 { "" } else { " " };
        write!(d, "{space}{} {}", shortest(*x), shortest(*y)).expect("a String takes any text");
    }
}

/// The fewest digits that read back to the same bits, with an exponent where there would be many zeros.
fn shortest(x: f64) -> String {
    if x == 0.0 || (1e-6..1e16).contains(&x.abs()) { format!("{x}") } else { format!("{x:e}") }
}

/// Turns what svgtypes says about broken grammar into an error with the byte offset and what stands there.
fn grammar_error(d: &str, error: &svgtypes::Error) -> Error {
    use svgtypes::Error::{InvalidChar, InvalidNumber, InvalidString, UnexpectedData};
    let (position, expected) = match *error {
        InvalidNumber(position) => (Some(position), "a finite number"),
        UnexpectedData(position) if !skip_white_space(d).starts_with(['M', 'm']) => {
            (Some(position), "a moveto, M or m")
        }
        UnexpectedData(position) => (Some(position), "a command, a number or an arc's flag, 0 or 1"),
        InvalidChar(_, position) | InvalidString(_, position) => (Some(position), "path data"),
        _ => (None, "more numbers"),
    };
    // svgtypes counts characters from 1.
    let offset = position
        .and_then(|position| d.char_indices().nth(position.saturating_sub(1)))
        .map_or(d.len(), |(offset, _)| offset);
    let rest = skip_white_space(&d[offset..]);
    let token: String = rest.chars().take_while(|c| !c.is_whitespace() && *c != ',').take(20).collect();
    let found = match (rest.chars().next(), token.is_empty()) {
        (None, _) => "the end".to_owned(),
        (Some(c), true) => format!("`{}`", c.escape_default()),
        (Some(_), false) => format!("`{token}`"),
    };
    Error::PathData { offset, found, expected }
}

/// Passes over what path data takes for white space, which a no-break space is not.
fn skip_white_space(d: &str) -> &str {
    d.trim_start_matches([' ', '\t', '\r', '\n'])
}

/// Follows the commands of path data.
#[derive(Debug, Default)]
struct Reader {
    curves: Vec<Curve>,
    /// Segments of the curves done.
    segments_done: usize,
    /// The subpath under way.
    segments: Vec<Segment<2>>,
    start: Point,
    here: Point,
    handle: Handle,
}

/// The control point that a smooth command mirrors.
#[derive(Debug, Default, Clone, Copy)]
enum Handle {
    #[default]
    None,
    Cubic(Point),
    Quadratic(Point),
}

impl Reader {
    fn draw(&mut self, command: PathSegment) -> Result<(), Error> {
        let from = self.here;
        let place = |x: f64, y: f64| if command.is_abs() { [x, y] } else { [from[0] + x, from[1] + y] };
        let mirror = |handle: Point| [0, 1].map(|i| from[i] + (from[i] - handle[i]));
        let handle = std::mem::take(&mut self.handle);
        match command {
            PathSegment::MoveTo { x, y, .. } => {
                self.end_subpath()?;
                self.start = place(x, y);
                self.here = self.start;
            }
            PathSegment::LineTo { x, y, .. } => self.line_to(place(x, y)),
            PathSegment::HorizontalLineTo { abs, x } => {
                self.line_to([if abs { x } else { from[0] + x }, from[1]]);
            }
            PathSegment::VerticalLineTo { abs, y } => {
                self.line_to([from[0], if abs { y } else { from[1] + y }]);
            }
            PathSegment::CurveTo { x1, y1, x2, y2, x, y, .. } => {
                self.cubic_to(place(x1, y1), place(x2, y2), place(x, y));
            }
            PathSegment::SmoothCurveTo { x2, y2, x, y, .. } => {
                let p1 = if let Handle::Cubic(handle) = handle { mirror(handle) } else { from };
                self.cubic_to(p1, place(x2, y2), place(x, y));
            }
            PathSegment::Quadratic { x1, y1, x, y, .. } => self.quadratic_to(place(x1, y1), place(x, y)),
            PathSegment::SmoothQuadratic { x, y, .. } => {
                let p1 = if let Handle::Quadratic(handle) = handle { mirror(handle) } else { from };
                self.quadratic_to(p1, place(x, y));
            }
            PathSegment::EllipticalArc { rx, ry, x_axis_rotation, large_arc, sweep, x, y, .. } => {
                let to = place(x, y);
                let radii = [rx, ry];
                let arc = Arc { from, to, radii, rotation_degrees: x_axis_rotation, large: large_arc, sweep };
                arc.append_to(&mut self.segments);
                self.here = to;
            }
            PathSegment::ClosePath { .. } => self.close()?,
        }
        Ok(())
    }

    fn line_to(&mut self, to: Point) {
        self.segments.push(line(self.here, to));
        self.here = to;
    }

    fn cubic_to(&mut self, p1: Point, p2: Point, to: Point) {
        self.segments.push([self.here, p1, p2, to]);
        self.here = to;
        self.handle = Handle::Cubic(p2);
    }

    fn quadratic_to(&mut self, p1: Point, to: Point) {
        self.segments.push(quadratic(self.here, p1, to));
        self.here = to;
        self.handle = Handle::Quadratic(p1);
    }

    /// Goes back to the start, unless the subpath is there already but for the rounding of its relative steps.
    fn close(&mut self) -> Result<(), Error> {
        let start = self.start;
        let size = self.segments.iter().map(|[p0, ..]| max_abs(p0)).fold(max_abs(&self.here), f64::max);
        let rounding = self.segments.len() as f64 * f64::EPSILON * size;
        let near = |end: Point| [0, 1].iter().all(|&i| (end[i] - start[i]).abs() <= rounding);
        match self.segments.last_mut() {
            None => {}
            Some(last) if size.is_finite() && near(last[3]) => {
                let straight = *last == line(last[0], last[3]);
                last[3] = start;
                if straight {
                    *last = line(last[0], start);
                }
            }
            Some(_) => self.line_to(start),
        }
        self.end_subpath()?;
        self.here = start;
        Ok(())
    }

    fn end_subpath(&mut self) -> Result<(), Error> {
        let segments = std::mem::take(&mut self.segments);
        if segments.is_empty() {
            return Ok(());
        }
        let count = segments.len();
        let curve = Curve::from_segments_by_index(segments).map_err(|error| match error {
            Error::ControlPoint { segment, point, axis, value } => {
                Error::ControlPoint { segment: self.segments_done + segment, point, axis, value }
            }
            other => other,
        })?;
        self.segments_done += count;
        self.curves.push(curve);
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Curve>, Error> {
        self.end_subpath()?;
        Ok(self.curves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(d: &str) -> Curve {
        let curves = Curve::from_svg(d).unwrap();
        assert_eq!(curves.len(), 1, "{d}");
        curves.into_iter().next().unwrap()
    }

    #[test]
    fn every_command_goes_where_it_says() {
        let absolute = one("M1 2L3 4H5V6C7 8 9 8 9 6S10 3 12 5Q13 7 14 5T16 5A3 2 10 0 1 19 7Z");
        let relative = one("m1 2l2 2h2v2c2 2 4 2 4 0s1 -3 3 -1q1 2 2 0t2 0a3 2 10 0 1 3 2z");
        assert_eq!(absolute, relative);
        let segments = absolute.segments();
        assert_eq!(segments[0], line([1.0, 2.0], [3.0, 4.0]));
        assert_eq!(segments[1], line([3.0, 4.0], [5.0, 4.0]));
        assert_eq!(segments[2], line([5.0, 4.0], [5.0, 6.0]));
        assert_eq!(segments[3], [[5.0, 6.0], [7.0, 8.0], [9.0, 8.0], [9.0, 6.0]]);
        assert_eq!(segments[4], [[9.0, 6.0], [9.0, 4.0], [10.0, 3.0], [12.0, 5.0]]);
        assert_eq!(segments[5], quadratic([12.0, 5.0], [13.0, 7.0], [14.0, 5.0]));
        assert_eq!(segments[6], quadratic([14.0, 5.0], [15.0, 3.0], [16.0, 5.0]));
        assert_eq!(segments[7][0], [16.0, 5.0]);
        assert_eq!(segments[segments.len() - 2][3], [19.0, 7.0]);
        assert_eq!(segments[segments.len() - 1], line([19.0, 7.0], [1.0, 2.0]));
    }

    #[test]
    fn a_smooth_command_mirrors_only_its_own_kind() {
        assert_eq!(one("M0 0Q1 1 2 0S3 1 4 0").segments()[1][1], [2.0, 0.0]);
        assert_eq!(one("M0 0C1 1 2 1 3 0T6 0").segments()[1], quadratic([3.0, 0.0], [3.0, 0.0], [6.0, 0.0]));
        assert_eq!(one("M0 0Q1 1 2 0T4 0T6 0").segments()[2], quadratic([4.0, 0.0], [5.0, 1.0], [6.0, 0.0]));
    }

    #[test]
    fn each_subpath_is_a_curve_and_a_moveto_alone_is_none() {
        let curves = Curve::from_svg("M9 9M0 0L1 0M5 5Zm1 1h2z l-1 -1 M7 7").unwrap();
        let ends: Vec<_> = curves.iter().map(|curve| (curve.start(), curve.end())).collect();
        assert_eq!(ends, [([0.0, 0.0], [1.0, 0.0]), ([6.0, 6.0], [6.0, 6.0]), ([6.0, 6.0], [5.0, 5.0])]);
        assert_eq!(Curve::from_svg("M0 0Z").unwrap(), []);
    }

    #[test]
    fn closing_adds_a_segment_only_if_one_is_missing() {
        assert_eq!(one("M0 0L1 0L1 1Z").segment_count(), 3);
        assert_eq!(one("M0 0L1 0L1 1L0 0Z").segment_count(), 3);
        // 0.1 + 0.2 - 0.3 is not 0.
        let curves = Curve::from_svg("M0.1 0.1h0.2h-0.3h0.1z v1").unwrap();
        let (wobbly, next) = (&curves[0], &curves[1]);
        assert_eq!(next.start(), wobbly.start());
        assert_eq!(wobbly.segment_count(), 3);
        assert_eq!(wobbly.end(), wobbly.start());
        assert!(wobbly.to_svg().ends_with("L0.1 0.1"), "{}", wobbly.to_svg());
    }

    #[test]
    fn path_data_without_a_command_is_empty() {
        for d in ["", " \n\t"] {
            assert_eq!(Curve::from_svg(d), Err(Error::EmptyPath));
        }
    }

    #[test]
    fn broken_grammar_is_placed_and_quoted() {
        for (d, message) in [
            ("M0 0 L 1e999 0", "byte 7: found `1e999`, expected a finite number"),
            ("M0 0 L 5 x", "byte 9: found `x`, expected a finite number"),
            ("M0 0 L 5", "byte 8: found the end, expected more numbers"),
            ("  L1 1", "byte 2: found `L1`, expected a moveto, M or m"),
            (
                "M0 0 \u{e9}1 L1 1",
                "byte 5: found `\u{e9}1`, expected a command, a number or an arc's flag, 0 or 1",
            ),
            (
                "M0 0 A1 1 0 2 0 1 1",
                "byte 12: found `2`, expected a command, a number or an arc's flag, 0 or 1",
            ),
            ("M0 0Z 3 3", "byte 6: found `3`, expected a command, a number or an arc's flag, 0 or 1"),
            ("M0 0 L1 1,,2 2", "byte 10: found `,`, expected a command, a number or an arc's flag, 0 or 1"),
            ("M0 0 L NaN 1", "byte 7: found `NaN`, expected a finite number"),
            // White space elsewhere, but not here.
            ("\u{a0}M0 0", "byte 0: found `\\u{a0}`, expected a moveto, M or m"),
            ("M0 0 L 5,\u{2000}6", "byte 9: found `\\u{2000}`, expected a finite number"),
        ] {
            let error = Curve::from_svg(d).unwrap_err();
            assert_eq!(error.to_string(), format!("path data is malformed at {message}"), "{d:?}");
        }
    }

    #[test]
    fn relative_steps_out_of_range_are_named() {
        let error = Curve::from_svg("M0 0h1M1e308 0l0 1h1e308z").unwrap_err();
        assert!(
            matches!(error, Error::ControlPoint { segment: 1, point: 0, axis: 0, value: 1e308 }),
            "{error}"
        );
        let error = Curve::from_svg("M9e299 0C0 0 -9e299 0 9e299 0S0 0 0 0").unwrap_err();
        assert!(matches!(error, Error::ControlPoint { segment: 1, point: 1, axis: 0, .. }), "{error}");
    }

    #[test]
    fn arcs_of_any_numbers_give_finite_curves_or_none() {
        for numbers in [
            "0 1 0 0 0 5 5",
            "1e-300 1e300 30 1 1 1e-320 5",
            "1e300 1e300 0 1 0 1 1",
            "1e-320 1e-320 0 1 0 1e299 1e299",
            "5 5 1e300 1 0 1e-320 0",
            "5 5 0 1 0 0 0",
        ] {
            for curve in Curve::from_svg(&format!("M0 0A{numbers}")).into_iter().flatten() {
                assert!(curve.segment_count() <= 8, "{numbers}");
                assert_eq!(curve.start(), [0.0, 0.0]);
            }
        }
    }

    #[test]
    fn written_path_data_reads_back_to_the_same_bits() {
        let d = "M0.1 -0.2L3e-7 1e21C0.3 0.1 1 2 1.7976931348623157e10 0.30000000000000004L5 5M-0 0L4 4";
        let curves = Curve::from_svg(d).unwrap();
        let written: String = curves.iter().map(Curve::to_svg).collect();
        assert_eq!(Curve::from_svg(&written).unwrap(), curves);
        assert!(written.starts_with("M0.1 -0.2L3e-7 1e21C"), "{written}");
    }
}
