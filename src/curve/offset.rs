//! Polylines that run beside a curve of the plane.

use super::error::{Error, check_tolerance};
use super::flatten::LIMIT;
use super::piecewise::{Curve, MAX_COORDINATE, Point};
use super::segment::{Segment, differences, dot, halves, minus, norm, power_of_two_below, size};

/// The least tolerance, and the most that a piece may be long to count as a corner, as parts of the size of all.
const FINEST: f64 = 1.0 / (1_u64 << 40) as f64;
const CORNER: f64 = 1.0 / (1_u64 << 46) as f64;

/// Pieces of a segment that wait while the one before them is followed: each is half of the one below it, which are at most 16
/// in size, so that 64 are more than [`CORNER`] lets there be.
const HALVINGS: usize = 64;

/// Turns below this, in radians, are rounding.
const SMOOTH: f64 = 1e-12;

impl Curve {
    /// Returns a polyline within `tolerance` of the curve that runs beside this one at `distance`, to the left, or to the right
    /// where `distance` is below 0.
    ///
    /// That curve is c(u) + distance · [`normal`](Self::normal)(u). Corners and cusps are joined round, by the arc of radius
    /// |`distance`| about them that turns the shorter way, and about the tip where the curve turns back. That is the limit of
    /// ever tighter bends, so it holds on the inner side of a corner too: there, and where a bend is tighter than the
    /// distance, the result crosses itself, as the true offset does, and it has a cusp where the radius is just the distance.
    /// Nothing is cut off. Where the curve jumps, a straight edge crosses the gap. A closed curve has a closed result. A curve
    /// that is one single point has no sides: the result is empty.
    ///
    /// A piece of a segment becomes one edge when it bends little enough: its directions within an angle f of its chord, and
    /// itself in a strip of width w along it, put the offset in a strip of width w + |distance| (1 - cos f), and unless it
    /// turns back there, between its ends. Otherwise it is halved.
    ///
    /// A tolerance below 1e-12 of the larger of the curve's size and the distance is taken as that.
    ///
    /// # Errors
    ///
    /// [`Error::Distance`] unless the distance is within [`MAX_COORDINATE`] of 0, [`Error::Tolerance`] unless the tolerance is
    /// finite and above 0, [`Error::TooManyPoints`] beyond 2^26 points.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let corner = Curve::linear(&[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0]], false)?;
    /// let outside = corner.offset_polyline(-1.0, 0.1)?;
    /// assert_eq!((outside[0], outside[1]), ([0.0, -1.0], [4.0, -1.0]));
    /// assert_eq!(outside[outside.len() - 2..], [[5.0, 0.0], [5.0, 4.0]]);
    /// assert!(outside[1..outside.len() - 1].iter().all(|[x, y]| ((x - 4.0).hypot(*y) - 1.0).abs() < 1e-15));
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn offset_polyline(&self, distance: f64, tolerance: f64) -> Result<Vec<Point>, Error> {
        let mut points = vec![[0.0; 2]; self.offset_polyline_count(distance, tolerance)?];
        self.offset_polyline_into(distance, tolerance, &mut points)?;
        Ok(points)
    }

    /// Returns how many points [`offset_polyline_into`](Self::offset_polyline_into) writes. It takes as long as to write them.
    ///
    /// # Errors
    ///
    /// As [`offset_polyline`](Self::offset_polyline).
    pub fn offset_polyline_count(&self, distance: f64, tolerance: f64) -> Result<usize, Error> {
        self.trace(distance, tolerance, &mut [])
    }

    /// Writes what [`offset_polyline`](Self::offset_polyline) returns into the front of `out`, and returns how many points that
    /// are. It allocates nothing.
    ///
    /// # Errors
    ///
    /// As [`offset_polyline`](Self::offset_polyline), and [`Error::BufferLength`] if `out` is too short; what it holds then is
    /// of no use.
    pub fn offset_polyline_into(
        &self,
        distance: f64,
        tolerance: f64,
        out: &mut [Point],
    ) -> Result<usize, Error> {
        let given = out.len();
        let needed = self.trace(distance, tolerance, out)?;
        if needed > given { Err(Error::BufferLength { needed, given }) } else { Ok(needed) }
    }

    /// Writes as many points as there is room for, and returns how many there are.
    fn trace(&self, distance: f64, tolerance: f64, out: &mut [Point]) -> Result<usize, Error> {
        if distance.is_nan() || distance.abs() > MAX_COORDINATE {
            return Err(Error::Distance { given: distance });
        }
        check_tolerance(tolerance)?;
        let origin = self.start();
        let relative = |segment: &Segment<2>| segment.map(|p| minus(&p, &origin));
        let largest =
            self.segments().iter().map(|segment| size(&relative(segment))).fold(distance.abs(), f64::max);
        let scale = power_of_two_below(largest);
        let mut tracer = Tracer {
            distance: distance / scale,
            tolerance: (tolerance / scale).max(FINEST),
            origin,
            scale,
            out,
            count: 0,
            ends: None,
            first: None,
            last: None,
        };
        for segment in self.segments() {
            tracer.follow(&relative(segment).map(|p| p.map(|x| x / scale)));
            if tracer.count > LIMIT as usize {
                return Err(Error::TooManyPoints { tolerance, needed: tracer.count as f64, limit: LIMIT });
            }
        }
        tracer.close();
        Ok(tracer.count)
    }
}

/// A point of the curve, and the unit normal there.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stand {
    at: Point,
    normal: Point,
}

/// Follows a curve about 1 in size.
struct Tracer<'a> {
    distance: f64,
    tolerance: f64,
    /// What the points are moved and scaled by where they are written.
    origin: Point,
    scale: f64,
    out: &'a mut [Point],
    count: usize,
    /// The first and the last point, as they are before that.
    ends: Option<[Point; 2]>,
    first: Option<Stand>,
    last: Option<Stand>,
}

/// Pieces that are yet to be followed, halved so often that what is left of them counts as a corner before this is full.
struct Pieces {
    stack: [Segment<2>; HALVINGS],
    len: usize,
}

impl Pieces {
    fn push(&mut self, piece: Segment<2>) {
        self.stack[self.len] = piece;
        self.len += 1;
    }

    fn pop(&mut self) -> Option<Segment<2>> {
        self.len = self.len.checked_sub(1)?;
        Some(self.stack[self.len])
    }

    fn is_full(&self) -> bool {
        self.len + 2 > HALVINGS
    }
}

impl Tracer<'_> {
    fn follow(&mut self, segment: &Segment<2>) {
        let mut pieces = Pieces { stack: [*segment; HALVINGS], len: 1 };
        while let Some(piece) = pieces.pop() {
            let sides = differences(&piece);
            let directed = |side: &&Point| **side != [0.0; 2];
            let (Some(first), Some(last)) = (sides.iter().find(directed), sides.iter().rfind(directed))
            else {
                continue;
            };
            let start = Stand { at: piece[0], normal: normal(first) };
            let end = Stand { at: piece[3], normal: normal(last) };
            if self.edge_is_near(&piece, &sides) {
                self.turn(start);
                self.go(end);
            } else if pieces.is_full() || sides.iter().map(norm).sum::<f64>() <= CORNER {
                self.turn(start);
                self.turn(Stand { at: start.at, ..end });
                self.go(end);
            } else {
                let [left, right] = halves(&piece);
                pieces.push(right);
                pieces.push(left);
            }
        }
    }

    /// Says whether the offset of a piece stays within the tolerance of the edge between its ends.
    fn edge_is_near(&self, piece: &Segment<2>, sides: &[Point; 3]) -> bool {
        let chord = minus(&piece[3], &piece[0]);
        let length = norm(&chord);
        let polygon: f64 = sides.iter().map(norm).sum();
        if length < polygon / 2.0 {
            return false;
        }
        let along = chord.map(|x| x / length);
        let across = [-along[1], along[0]];
        // The largest sine of an angle between the chord and a direction, none of which is beyond 60 degrees.
        let mut sine = 0.0_f64;
        for side in sides {
            let side_length = norm(side);
            if dot(side, &along) < 0.5 * side_length {
                return false;
            }
            if side_length > 0.0 {
                sine = sine.max((dot(side, &across) / side_length).abs().min(1.0));
            }
        }
        let versine = sine * sine / (1.0 + (1.0 - sine * sine).max(0.0).sqrt());
        let off = [dot(&sides[0], &across), -dot(&sides[2], &across), 0.0];
        let strip = off.into_iter().fold(0.0, f64::max) - off.into_iter().fold(0.0, f64::min);
        let distance = self.distance.abs();
        strip + distance * versine <= self.tolerance
            && (polygon + 2.0 * distance * sine <= self.tolerance || self.keeps_its_way(sides, &along))
    }

    /// Says whether the offset surely runs forwards all along, or backwards: 1 - distance · curvature has one sign.
    fn keeps_its_way(&self, sides: &[Point; 3], along: &Point) -> bool {
        let cross = |a: &Point, b: &Point| a[0] * b[1] - a[1] * b[0];
        let [a, b, c] = sides;
        let (ab, bc, ac) = (cross(a, b), cross(b, c), cross(a, c));
        // Bernstein coefficients of c' cross c'' over 18; c' is between 3 times `slowest` and 3 times `fastest`.
        let turn = [ab, (ab + ac) / 3.0, (bc + ac) / 3.0, bc].map(|x| 2.0 / 3.0 * self.distance * x);
        let slowest = sides.iter().map(|side| dot(side, along)).fold(f64::INFINITY, f64::min);
        let fastest = sides.iter().map(norm).fold(0.0, f64::max);
        turn.iter().all(|&x| x < slowest.powi(3)) || turn.iter().all(|&x| x > fastest.powi(3))
    }

    /// Adds the straight edge to a point beside `stand`.
    fn go(&mut self, stand: Stand) {
        let point = self.beside(stand.at, stand.normal);
        if self.ends.is_none_or(|[_, last]| last != point) {
            self.write(self.count, point);
            self.count += 1;
            self.ends = Some([self.ends.map_or(point, |[first, _]| first), point]);
        }
        self.first.get_or_insert(stand);
        self.last = Some(stand);
    }

    /// Adds the way to `next` from where the curve is: an arc at a corner, an edge over a gap, nothing where it goes on.
    fn turn(&mut self, next: Stand) {
        let Some(last) = self.last else { return self.go(next) };
        if last.at != next.at {
            return self.go(next);
        }
        let ([ax, ay], [bx, by]) = (last.normal, next.normal);
        let (cross, dot) = (ax * by - ay * bx, ax * bx + ay * by);
        if dot > 0.0 && cross.abs() <= SMOOTH {
            return;
        }
        let back = dot < 0.0 && cross.abs() <= SMOOTH;
        let angle = if back { -std::f64::consts::PI.copysign(self.distance) } else { cross.atan2(dot) };
        // The arc between two points of it that are 4 asin(sqrt(x / 2)) apart bulges by x times the radius.
        let bulge = (self.tolerance / self.distance.abs() / 2.0).min(1.0);
        let steps = (angle.abs() / (4.0 * bulge.sqrt().asin())).ceil().max(1.0) as u32;
        for k in 1..steps {
            let (sin, cos) = (angle * f64::from(k) / f64::from(steps)).sin_cos();
            self.go(Stand { at: next.at, normal: [cos * ax - sin * ay, sin * ax + cos * ay] });
        }
        self.go(next);
    }

    /// Turns into the first direction again if the curve is closed.
    fn close(&mut self) {
        let (Some(first), Some(last)) = (self.first, self.last) else { return };
        if first.at == last.at && self.count > 1 {
            self.turn(first);
            if let Some([start, _]) = self.ends {
                self.write(self.count - 1, start);
            }
        }
    }

    /// Writes a point to its place, if there is room.
    fn write(&mut self, place: usize, [x, y]: Point) {
        if let Some(out) = self.out.get_mut(place) {
            *out = [self.origin[0] + self.scale * x, self.origin[1] + self.scale * y];
        }
    }

    fn beside(&self, at: Point, normal: Point) -> Point {
        [at[0] + self.distance * normal[0], at[1] + self.distance * normal[1]]
    }
}

/// Returns the unit vector a quarter turn to the left of a vector that is not 0.
fn normal([x, y]: &Point) -> Point {
    let largest = x.abs().max(y.abs());
    let [x, y] = [x / largest, y / largest];
    let length = norm(&[x, y]);
    [-y / length, x / length]
}

#[cfg(test)]
mod tests {
    use super::super::properties::{control_points, distance_to_edge, size};
    use super::*;
    use proptest::prelude::*;

    const CUSP: [Point; 4] = [[0.0, 0.0], [100.0, 100.0], [0.0, 100.0], [100.0, 0.0]];

    fn miss(point: Point, polyline: &[Point]) -> f64 {
        polyline
            .windows(2)
            .map(|edge| distance_to_edge(point, edge[0], edge[1]))
            .fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn a_cusp_is_rounded_about_its_tip() {
        let curve = Curve::bezier(&CUSP).unwrap();
        for distance in [5.0, -5.0] {
            let polyline = curve.offset_polyline(distance, 0.01).unwrap();
            assert!(miss([50.0, 80.0], &polyline) < 0.02, "{distance}");
            assert!(polyline.as_flattened().iter().all(|x| x.is_finite()));
        }
        let there_and_back = Curve::linear(&[[0.0, 0.0], [4.0, 0.0], [0.0, 0.0]], false).unwrap();
        for distance in [1.0, -1.0] {
            let polyline = there_and_back.offset_polyline(distance, 0.01).unwrap();
            assert!(
                miss([5.0, 0.0], &polyline) < 0.01 && miss([-1.0, 0.0], &polyline) < 0.01,
                "{polyline:?}"
            );
        }
    }

    #[test]
    fn a_closed_curve_has_a_closed_offset() {
        let square = Curve::linear(&[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]], true).unwrap();
        for distance in [-1.0, 1.0, -9.0, 9.0] {
            let polyline = square.offset_polyline(distance, 0.01).unwrap();
            assert_eq!(polyline[0], polyline[polyline.len() - 1]);
            assert!(miss([0.0, distance], &polyline) == 0.0);
            let corner = [distance.abs() / 2.0_f64.sqrt(); 2].map(|x| if distance < 0.0 { -x } else { x });
            assert!(miss(corner, &polyline) < 0.011, "{distance}");
        }
    }

    #[test]
    fn a_bend_of_just_the_radius_gives_numbers() {
        // The parabola y = x² has the radius 1/2 at its vertex.
        let parabola = Curve::bezier(&[[-1.0, 1.0], [0.0, -1.0], [1.0, 1.0]]).unwrap();
        for distance in [0.5, 0.5 + 1e-9, 0.6, 3.0] {
            let polyline = parabola.offset_polyline(distance, 1e-6).unwrap();
            assert!(
                polyline.len() < 10_000 && miss([0.0, distance], &polyline) <= 1e-6,
                "{}",
                polyline.len()
            );
        }
    }

    #[test]
    fn a_straight_line_costs_two_points() {
        let line = Curve::bezier(&[[1.0, 1.0], [4.0, 5.0]]).unwrap();
        let polyline = line.offset_polyline(5.0, 1e-9).unwrap();
        assert!(polyline.len() == 2 && miss([-3.0, 4.0], &polyline) < 1e-14, "{polyline:?}");
    }

    #[test]
    fn a_point_has_no_sides_and_a_gap_is_crossed() {
        assert_eq!(
            Curve::bezier(&[[1.0, 2.0]; 4]).unwrap().offset_polyline(1.0, 0.1).unwrap(),
            Vec::<Point>::new()
        );
        let lines = [line([0.0, 0.0], [1.0, 0.0]), line([3.0, 0.0], [3.0, 1.0])];
        let curve = Curve::from_segments(lines.to_vec(), vec![0.0, 1.0, 2.0]).unwrap();
        let polyline = curve.offset_polyline(1.0, 0.1).unwrap();
        assert_eq!(polyline, [[0.0, 1.0], [1.0, 1.0], [2.0, 0.0], [2.0, 1.0]]);
    }

    #[test]
    fn the_largest_distances_and_the_finest_tolerances_end() {
        let curve = Curve::bezier(&[[0.0, 0.0], [1.0, 2.0], [2.0, -2.0], [3.0, 0.0]]).unwrap();
        for (distance, tolerance) in
            [(1e300, 1e290), (-1e300, 1e290), (1e-300, 1e-6), (0.0, 1e-6), (1.0, 1e-9)]
        {
            let polyline = curve.offset_polyline(distance, tolerance).unwrap();
            assert!(polyline.as_flattened().iter().all(|x| x.is_finite()), "{distance}");
        }
        for bad in [f64::NAN, f64::INFINITY, -1.1e300] {
            assert!(matches!(curve.offset_polyline(bad, 1.0), Err(Error::Distance { .. })));
        }
        assert!(matches!(curve.offset_polyline(1.0, 0.0), Err(Error::Tolerance { .. })));
    }

    fn line(a: Point, b: Point) -> Segment<2> {
        super::super::segment::line(a, b)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn offsets_keep_their_tolerance(points in control_points(), far in -2.0..2.0_f64, part in 1e-5..1e-1_f64) {
            let curve = Curve::bezier(&points).unwrap();
            let distance = far * size(&points);
            let tolerance = (part * size(&points)).max(f64::MIN_POSITIVE);
            let polyline = curve.offset_polyline(distance, tolerance).unwrap();
            for k in 0..=64 {
                let u = f64::from(k) / 64.0;
                // At a cusp, rounding alone says where the derivative leads.
                if norm(&curve.derivative(u)) <= 1e-9 * size(&points) {
                    continue;
                }
                let Some([nx, ny]) = curve.normal(u) else { continue };
                let [x, y] = curve.eval(u);
                let far_off = miss([x + distance * nx, y + distance * ny], &polyline);
                prop_assert!(far_off <= tolerance + 1e-9 * size(&points), "{far_off} at {tolerance}, {u}");
            }
        }
    }
}
