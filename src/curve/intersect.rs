//! Where two curves of the plane meet.

use super::crossing::{Meeting, meetings};
use super::error::{Error, check_tolerance};
use super::nearest::{box_distance, nearest_in_segment};
use super::piecewise::{Curve, Point};
use super::segment::{Powers, Segment, minus, norm, power_of_two_below, size};
use super::split::piece;

/// What rounding makes of points about 1 in size.
const NOISE: f64 = 32.0 * f64::EPSILON;

/// Places between two others at which segments are compared: two different cubics have at most 9 points in common.
const SAMPLES: u32 = 9;

/// Holds a place where two curves meet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intersection {
    /// The first curve's parameter there.
    pub u: f64,
    /// The second curve's parameter there.
    pub v: f64,
    /// The point on the first curve.
    pub point: Point,
}

impl Curve {
    /// Returns where this curve meets `other`, by ascending `u` and then `v`.
    ///
    /// Every common point is near a result: at most `tolerance` away, or on a stretch over which the curves stay within
    /// `tolerance` of each other from that result on. So
    ///
    /// * a crossing is one result, exact up to rounding, and so is a touch;
    /// * an end of a segment that comes within `tolerance` of the other curve counts as meeting it;
    /// * where the curves run along each other, from an end of one of their segments to another, the two ends of that stretch
    ///   are the results. Where a shared stretch crosses itself is not looked at;
    /// * crossings between which the curves stay within `tolerance` are one result, that with the least distance;
    /// * of a closed curve's two parameters for the point where it closes, the first is given, except for the end of a shared
    ///   stretch.
    ///
    /// A tolerance below about 1e-14 of the segments' size is taken as that: `f64` has no more. So where two curves run along
    /// each other at a distance `e` of their size, crossings are known to about 1e-14 / `e` of their length, and nearer ones
    /// are one.
    ///
    /// The work is at most in proportion to the pairs of segments whose boxes meet: a pair, or each part of it beside a shared
    /// stretch, is halved at most 4096 times, and how often depends on the shape of the segments and not on how near they are.
    /// No pair that was tried, copies next to cusps among them, came to 500; one that did need more than 4096 would get one
    /// result for what is left. See `crossing.rs` for how a pair is searched.
    ///
    /// # Errors
    ///
    /// [`Error::Tolerance`] unless the tolerance is finite and above 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let hill = Curve::bezier(&[[0.0, 0.0], [0.0, 4.0], [8.0, 4.0], [8.0, 0.0]])?;
    /// let top = Curve::linear(&[[0.0, 3.0], [8.0, 3.0]], false)?;
    /// let middle = Curve::linear(&[[4.0, 0.0], [4.0, 9.0]], false)?;
    /// assert_eq!(hill.intersections(&top, 1e-9)?.len(), 1);
    /// let crossing = hill.intersections(&middle, 1e-9)?[0];
    /// assert!((crossing.u - 0.5).abs() < 1e-12 && (crossing.v - 1.0 / 3.0).abs() < 1e-12);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn intersections(&self, other: &Self, tolerance: f64) -> Result<Vec<Intersection>, Error> {
        check_tolerance(tolerance)?;
        let mut found = Found { curves: [self, other], tolerance, points: Vec::new(), stretches: Vec::new() };
        let mut boxes: Vec<_> = other.segments().iter().enumerate().map(|(j, b)| (x_range(b), j)).collect();
        boxes.sort_by(|(a, i), (b, j)| a[0].total_cmp(&b[0]).then(i.cmp(j)));
        for (i, a) in self.segments().iter().enumerate() {
            let [low, high] = x_range(a);
            for &(range, j) in boxes.iter().take_while(|(range, _)| range[0] - high <= tolerance) {
                if low - range[1] <= tolerance {
                    found.look_into(i, j);
                }
            }
        }
        Ok(found.into_results())
    }
}

fn x_range(segment: &Segment<2>) -> [f64; 2] {
    let xs = segment.map(|[x, _]| x);
    [xs.into_iter().fold(f64::INFINITY, f64::min), xs.into_iter().fold(f64::NEG_INFINITY, f64::max)]
}

/// What has been found on two curves.
struct Found<'a> {
    curves: [&'a Curve; 2],
    tolerance: f64,
    points: Vec<Intersection>,
    stretches: Vec<[Intersection; 2]>,
}

impl Found<'_> {
    fn look_into(&mut self, i: usize, j: usize) {
        let (first, second) = (&self.curves[0].segments()[i], &self.curves[1].segments()[j]);
        let origin = first[0];
        let relative = [first, second].map(|segment| segment.map(|p| minus(&p, &origin)));
        let scale = power_of_two_below(size(&relative[0]).max(size(&relative[1])));
        let [a, b] = relative.map(|segment| segment.map(|p| p.map(|x| x / scale)));
        let pair = Pair { a, b, tolerance: (self.tolerance / scale).max(NOISE) };
        let Some((points, stretches)) = pair.meet() else { return };
        let place = |Meeting { t, s }| Intersection {
            u: self.curves[0].global(i, t),
            v: self.curves[1].global(j, s),
            point: Powers::new(first).at(t),
        };
        self.points.extend(points.into_iter().map(place));
        self.stretches.extend(stretches.into_iter().map(|ends| ends.map(place)));
    }

    /// Joins stretches over the ends of segments and drops what is there twice.
    fn into_results(mut self) -> Vec<Intersection> {
        for place in &mut self.points {
            (place.u, place.v) =
                (without_seam(self.curves[0], place.u), without_seam(self.curves[1], place.v));
        }
        let mut points = std::mem::take(&mut self.points);
        let mut ends: Vec<_> =
            self.stretches.iter().flatten().zip(0_usize..).map(|(end, k)| (*end, k / 2)).collect();
        ends.sort_by(|(a, _), (b, _)| a.point[0].total_cmp(&b.point[0]));
        let reach = 2.0 * self.tolerance;
        // Says whether a stretch other than number `of` ends at a place.
        let stretch_ends_at = |place: &Intersection, of: Option<usize>| {
            let [x, _] = place.point;
            let from = ends.partition_point(|(end, _)| x - end.point[0] > reach);
            let near = ends[from..].iter().take_while(|(end, _)| end.point[0] - x <= reach);
            near.into_iter().any(|(end, k)| of != Some(*k) && self.same(place, end))
        };
        // An end that another stretch goes on from is inside both, and no result.
        let mut results: Vec<_> =
            ends.iter().filter(|(end, k)| !stretch_ends_at(end, Some(*k))).map(|(end, _)| *end).collect();
        points.retain(|place| !stretch_ends_at(place, None));
        points.sort_by(|a, b| {
            a.point[0].total_cmp(&b.point[0]).then(a.u.total_cmp(&b.u)).then(a.v.total_cmp(&b.v))
        });
        let mut kept: Vec<Intersection> = Vec::with_capacity(points.len());
        for place in points {
            let near = kept.iter().rev().take_while(|other| place.point[0] - other.point[0] <= reach);
            if !near.into_iter().any(|other| self.same(&place, other)) {
                kept.push(place);
            }
        }
        results.extend(kept);
        results.sort_by(|a, b| a.u.total_cmp(&b.u).then(a.v.total_cmp(&b.v)));
        results
    }

    /// Says whether two places are the same point, with no way on either curve between them.
    fn same(&self, a: &Intersection, b: &Intersection) -> bool {
        let rounding = NOISE * a.point[0].abs().max(a.point[1].abs());
        let near = |point: &Point| norm(&minus(point, &a.point)) <= 2.0 * self.tolerance + rounding;
        near(&b.point)
            && [0.25, 0.5, 0.75].into_iter().all(|t| {
                let (u, v) = (a.u + t * (b.u - a.u), a.v + t * (b.v - a.v));
                (a.u == b.u || near(&self.curves[0].eval(u))) && (a.v == b.v || near(&self.curves[1].eval(v)))
            })
    }
}

/// Returns the first parameter for the last of a closed curve.
fn without_seam(curve: &Curve, u: f64) -> f64 {
    let (first, last) = curve.domain();
    if u == last && curve.start() == curve.end() { first } else { u }
}

/// Two segments about 1 in size.
struct Pair {
    a: Segment<2>,
    b: Segment<2>,
    tolerance: f64,
}

impl Pair {
    /// Returns the single places and the shared stretches; nothing where the boxes are apart.
    fn meet(&self) -> Option<(Vec<Meeting>, Vec<[Meeting; 2]>)> {
        if boxes_apart(&self.a, &self.b, self.tolerance) {
            return None;
        }
        let contacts = self.contacts();
        let stretches = self.stretches(&contacts);
        let mut places = contacts;
        for a_range in rest(stretches.iter().map(|ends| ends.map(|end| end.t))) {
            places.extend(meetings(&self.a, a_range, &self.b, [0.0, 1.0], NOISE));
        }
        for b_range in rest(stretches.iter().map(|ends| ends.map(|end| end.s))) {
            for [from, to] in &stretches {
                places.extend(meetings(&self.a, [from.t, to.t], &self.b, b_range, NOISE));
            }
        }
        // One no longer than a few tolerances is a place.
        let is_long = |[from, to]: &[Meeting; 2]| self.length_between(from, to) > 4.0 * self.tolerance;
        let (long, short): (Vec<_>, Vec<_>) = stretches.into_iter().partition(is_long);
        let on = |place: &Meeting, stretches: &[[Meeting; 2]]| {
            stretches.iter().flatten().any(|end| self.together(place, end))
        };
        places.retain(|place| !on(place, &long) && !on(place, &short));
        let short = short.into_iter().map(|[from, _]| from).filter(|place| !on(place, &long));
        places.splice(0..0, short);
        Some((self.one_of_each(places), long))
    }

    /// Returns where the ends of either segment come within the tolerance of the other.
    fn contacts(&self) -> Vec<Meeting> {
        let (a, b, tolerance) = (&self.a, &self.b, self.tolerance);
        let ends = [(0.0, 0), (1.0, 3)];
        let mut contacts = Vec::new();
        for (t, k) in ends {
            let other_ends = ends.into_iter().filter(|&(_, l)| norm(&minus(&a[k], &b[l])) <= tolerance);
            contacts.extend(other_ends.map(|(s, _)| Meeting { t, s }));
        }
        for (end, k) in ends {
            if box_distance(b, &a[k]) <= tolerance {
                let place = nearest_in_segment(b, a[k]);
                contacts.extend((place.distance <= tolerance).then_some(Meeting { t: end, s: place.t }));
            }
            if box_distance(a, &b[k]) <= tolerance {
                let place = nearest_in_segment(a, b[k]);
                contacts.extend((place.distance <= tolerance).then_some(Meeting { t: place.t, s: end }));
            }
        }
        contacts.sort_by(|x, y| x.t.total_cmp(&y.t).then(x.s.total_cmp(&y.s)));
        contacts.dedup();
        contacts
    }

    /// Returns the stretches between contacts over which the segments stay together, the longest first.
    fn stretches(&self, contacts: &[Meeting]) -> Vec<[Meeting; 2]> {
        let pairs = contacts.iter().flat_map(|&from| contacts.iter().map(move |&to| [from, to]));
        let mut pairs: Vec<_> = pairs.filter(|[from, to]| from.t < to.t && from.s != to.s).collect();
        pairs.sort_by(|x, y| (y[1].t - y[0].t).total_cmp(&(x[1].t - x[0].t)));
        let mut stretches: Vec<[Meeting; 2]> = Vec::new();
        for [from, to] in pairs {
            let free = stretches.iter().all(|[start, end]| to.t <= start.t || from.t >= end.t);
            if free && self.together(&from, &to) {
                stretches.push([from, to]);
            }
        }
        stretches
    }

    /// Returns the largest distance from where a stretch begins.
    fn length_between(&self, from: &Meeting, to: &Meeting) -> f64 {
        let part = piece(&self.a, from.t, to.t);
        part.iter().map(|p| norm(&minus(p, &part[0]))).fold(0.0, f64::max)
    }

    /// Says whether the segments stay within the tolerance of each other between two places.
    fn together(&self, x: &Meeting, y: &Meeting) -> bool {
        let a = piece(&self.a, x.t.min(y.t), x.t.max(y.t));
        let b = piece(&self.b, x.s.min(y.s), x.s.max(y.s));
        let near = |p: &Segment<2>, q: &Segment<2>| {
            let powers = Powers::new(p);
            (1..=SAMPLES).all(|k| {
                let t = f64::from(k) / f64::from(SAMPLES + 1);
                nearest_in_segment(q, powers.at(t)).distance <= self.tolerance + NOISE
            })
        };
        near(&a, &b) && near(&b, &a)
    }

    /// Returns of places between which the segments stay together the one with the least distance.
    fn one_of_each(&self, mut places: Vec<Meeting>) -> Vec<Meeting> {
        let (a, b) = (Powers::new(&self.a), Powers::new(&self.b));
        // Stable: among those that rounding does not tell apart, the ends of segments stay in front.
        let distance = |place: &Meeting| norm(&minus(&a.at(place.t), &b.at(place.s))).max(NOISE);
        places.sort_by(|x, y| distance(x).total_cmp(&distance(y)));
        let mut kept: Vec<Meeting> = Vec::new();
        for place in places {
            if !kept.iter().any(|other| self.together(&place, other)) {
                kept.push(place);
            }
        }
        kept
    }
}

fn boxes_apart(a: &Segment<2>, b: &Segment<2>, tolerance: f64) -> bool {
    (0..2).any(|i| {
        let [p, q] = [a, b].map(|segment| x_range(&segment.map(|point| [point[i], 0.0])));
        (p[0] - q[1]).max(q[0] - p[1]) > tolerance
    })
}

/// Returns what is left of 0 to 1 without the given ranges, which do not overlap.
fn rest(ranges: impl Iterator<Item = [f64; 2]>) -> Vec<[f64; 2]> {
    let mut ranges: Vec<_> = ranges.map(|[x, y]| [x.min(y), x.max(y)]).collect();
    ranges.sort_by(|x, y| x[0].total_cmp(&y[0]));
    let starts = std::iter::once(0.0).chain(ranges.iter().map(|range| range[1]));
    let ends = ranges.iter().map(|range| range[0]).chain(std::iter::once(1.0));
    starts.zip(ends).filter(|(start, end)| start < end).map(|(start, end)| [start, end]).collect()
}
