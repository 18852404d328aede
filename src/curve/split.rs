//! Parts of curves, curves backwards, and one curve after another.

use std::array::from_fn;

use super::error::Error;
use super::piecewise::PiecewiseCubic;
use super::segment::{Powers, Segment};

impl<const D: usize> PiecewiseCubic<D> {
    /// Cuts the curve at parameter `u` into what is before and what is after; both keep their knots.
    ///
    /// They meet at the same point, to the bit, unless the curve jumps at `u`. A cut at a knot cuts no segment; one inside a
    /// segment splits it by de Casteljau's algorithm.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] unless `u` lies inside the domain: a curve has at least one segment, so none is cut off at an end.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let hill = Curve::bezier(&[[0.0, 0.0], [0.0, 4.0], [8.0, 4.0], [8.0, 0.0]])?;
    /// let (up, down) = hill.split(0.5)?;
    /// assert_eq!(up.end(), [4.0, 3.0]);
    /// assert_eq!(down.start(), up.end());
    /// assert_eq!(down.domain(), (0.5, 1.0));
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn split(&self, u: f64) -> Result<(Self, Self), Error> {
        let (first, last) = self.domain();
        // False for NaN.
        if !(u > first && u < last) {
            return Err(Error::Parameter { given: u, first, last });
        }
        Ok((self.part(first, u), self.part(u, last)))
    }

    /// Returns the part of the curve from parameter `from` to `to`, each clamped to the domain; it keeps its knots.
    ///
    /// Parts that share a parameter meet there at the same point, to the bit, unless the curve jumps.
    ///
    /// # Errors
    ///
    /// [`Error::Stretch`] unless `from` is below `to` after clamping, and for NaN.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let corner = Curve::linear(&[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0]], false)?;
    /// let part = corner.subcurve(0.5, 9.0)?;
    /// assert_eq!((part.start(), part.end()), ([2.0, 0.0], [4.0, 4.0]));
    /// assert_eq!(part.knots(), [0.5, 1.0, 2.0]);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn subcurve(&self, from: f64, to: f64) -> Result<Self, Error> {
        let (start, end) = (self.clamp(from), self.clamp(to));
        if start < end {
            Ok(self.part(start, end))
        } else {
            let (first, last) = self.domain();
            Err(Error::Stretch { from, to, first, last })
        }
    }

    /// Returns the curve run through backwards, over the same domain: at `u` it is where this is at `first + last - u`.
    ///
    /// Control points keep their bits. Mirrored knots are rounded, and moved on by single units in the last place where two
    /// would fall on one number.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let curve = Curve::bezier(&[[0.0, 0.0], [0.0, 4.0], [8.0, 0.0]])?;
    /// assert_eq!(curve.reversed().start(), curve.end());
    /// assert_eq!(curve.reversed().reversed(), curve);
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    #[must_use]
    pub fn reversed(&self) -> Self {
        let segments = self.segments().iter().rev().map(|&[a, b, c, d]| [d, c, b, a]).collect();
        Self::from_valid(segments, mirrored(self.knots()))
    }

    /// Returns this curve with `next` behind it, whose knots are moved so that they go on from this one's last.
    ///
    /// Where `next` does not start at this curve's end, the result jumps. Knots that go on already keep their bits, so that
    /// the two halves of a [`split`](Self::split) go together again, with one knot more.
    ///
    /// # Errors
    ///
    /// [`Error::Knot`] if a moved knot is beyond [`MAX_COORDINATE`](super::MAX_COORDINATE), or rounds to the one before it.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Curve;
    ///
    /// let there = Curve::linear(&[[0.0, 0.0], [4.0, 0.0]], false)?;
    /// let and_back = there.concat(&there.reversed())?;
    /// assert_eq!(and_back.domain(), (0.0, 2.0));
    /// assert_eq!(and_back.end(), there.start());
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn concat(&self, next: &Self) -> Result<Self, Error> {
        let (first, last) = (next.knots()[0], self.domain().1);
        let moved =
            next.knots()[1..].iter().map(|&knot| if first == last { knot } else { last + (knot - first) });
        let knots = self.knots().iter().copied().chain(moved).collect();
        Self::from_segments([self.segments(), next.segments()].concat(), knots)
    }

    /// Returns the part from `from` to `to` of the domain, `from` below `to`.
    fn part(&self, from: f64, to: f64) -> Self {
        let (a, b) = (self.segment_at(from), self.last_segment_before(to));
        let inner = &self.knots()[a + 1..=b];
        let knots = [&[from], inner, &[to]].concat();
        let mut segments = self.segments()[a..=b].to_vec();
        let (start, end) = (self.local(a, from), self.local(b, to));
        if a == b {
            segments[0] = piece(&segments[0], start, end);
        } else {
            segments[0] = piece(&segments[0], start, 1.0);
            segments[b - a] = piece(&segments[b - a], 0.0, end);
        }
        Self::from_valid(segments, knots)
    }

    /// Returns the segment that ends at `u` or has it inside.
    fn last_segment_before(&self, u: f64) -> usize {
        self.knots()[1..self.segment_count()].partition_point(|&knot| knot < u)
    }
}

/// Returns the part of a segment from `from` to `to`, both in 0..=1.
///
/// Its ends are those of [`Powers::at`], its inner control points the segment's blossom at two times one end and once the
/// other (Goldman, Pyramid Algorithms, 2003, chapter 6). No coordinate leaves the range of the four.
pub(super) fn piece<const D: usize>(segment: &Segment<D>, from: f64, to: f64) -> Segment<D> {
    if from <= 0.0 && to >= 1.0 {
        return *segment;
    }
    let powers = Powers::new(segment);
    let at = |t| {
        let point = powers.at(t);
        from_fn(|i| {
            let (low, high) = (0..4).fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), k| {
                (low.min(segment[k][i]), high.max(segment[k][i]))
            });
            point[i].clamp(low, high)
        })
    };
    [at(from), blossom(segment, from, from, to), blossom(segment, from, to, to), at(to)]
}

fn blossom<const D: usize>([p0, p1, p2, p3]: &Segment<D>, r: f64, s: f64, t: f64) -> [f64; D] {
    let (a, b, c) = (between(p0, p1, r), between(p1, p2, r), between(p2, p3, r));
    between(&between(&a, &b, s), &between(&b, &c, s), t)
}

/// Returns the point at `t` from `a` to `b`; rounding takes no coordinate out of that range.
fn between<const D: usize>(a: &[f64; D], b: &[f64; D], t: f64) -> [f64; D] {
    from_fn(|i| ((1.0 - t) * a[i] + t * b[i]).clamp(a[i].min(b[i]), a[i].max(b[i])))
}

/// Returns ascending knots in descending order of their mirror images, so ascending again.
fn mirrored(knots: &[f64]) -> Vec<f64> {
    let (first, last) = (knots[0], knots[knots.len() - 1]);
    let mut mirrored: Vec<_> = knots.iter().rev().map(|knot| first + (last - knot)).collect();
    // Between the ends there are as many numbers as before, so that two passes make room for all.
    let end = knots.len() - 1;
    for i in 1..end {
        mirrored[i] = mirrored[i].max(mirrored[i - 1].next_up());
    }
    mirrored[end] = last;
    for i in (1..end).rev() {
        mirrored[i] = mirrored[i].min(mirrored[i + 1].next_down());
    }
    mirrored
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::super::properties::wave;
    use super::*;

    #[test]
    fn both_halves_are_the_curve_and_meet_to_the_bit() {
        for u in [-0.29, 0.0, 0.3, 0.4, 1.0, 2.0, 3.0] {
            let (left, right) = wave().split(u).unwrap();
            assert_eq!((left.end(), right.start()), (wave().eval(u), wave().eval(u)), "{u}");
            assert_eq!((left.domain(), right.domain()), ((-0.3, u), (u, 3.1)));
            for k in 0..=100 {
                let v = -0.3 + 3.4 * f64::from(k) / 100.0;
                let part = if v < u { &left } else { &right };
                let (a, b) = (part.eval(v), wave().eval(v));
                assert!((0..2).all(|i| (a[i] - b[i]).abs() < 1e-13), "{u} {v}: {a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_cut_at_a_knot_cuts_no_segment_and_a_jump_stays_one() {
        let (left, right) = wave().split(2.9).unwrap();
        assert_eq!(left.segments(), &wave().segments()[..2]);
        assert_eq!(right.segments(), &wave().segments()[2..]);
        assert_eq!((left.end(), right.start()), ([5.0, 1.0], [7.0, 1.0]));
        assert_eq!(left.concat(&right).unwrap(), wave());
    }

    #[test]
    fn a_cut_at_an_end_or_outside_is_refused_with_the_domain() {
        for u in [-0.3, 3.1, 9.0, f64::NAN, f64::NEG_INFINITY] {
            assert!(matches!(wave().split(u), Err(Error::Parameter { first: -0.3, last: 3.1, .. })), "{u}");
        }
        for (from, to) in [(1.0, 1.0), (2.0, 1.0), (4.0, 5.0), (f64::NAN, 1.0), (0.0, f64::NAN)] {
            assert!(matches!(wave().subcurve(from, to), Err(Error::Stretch { .. })), "{from} {to}");
        }
        let error = wave().split(7.0).unwrap_err();
        assert_eq!(error.to_string(), "parameter is 7.0; it must lie between -0.3 and 3.1, without the ends");
    }

    #[test]
    fn a_part_of_all_is_all() {
        assert_eq!(wave().subcurve(f64::NEG_INFINITY, f64::INFINITY).unwrap(), wave());
    }

    #[test]
    fn knots_too_close_to_mirror_apart_still_ascend() {
        let segment = [[0.0, 0.0], [1.0, 3.0], [2.0, 3.0], [3.0, 0.0]];
        let tiny = f64::MIN_POSITIVE;
        for knots in [
            vec![0.0, tiny, 2.0 * tiny, 1e300],
            vec![0.0, 5e-324, 1e-323, 1.5e-323],
            vec![-1e300, 0.0, 5e-324, 1.0],
        ] {
            let curve = Curve::from_segments(vec![segment; 3], knots.clone()).unwrap();
            let reversed = curve.reversed();
            assert!(reversed.knots().windows(2).all(|pair| pair[0] < pair[1]), "{:?}", reversed.knots());
            assert_eq!(reversed.domain(), curve.domain());
        }
    }

    #[test]
    fn a_cut_that_rounds_to_the_end_of_its_segment_gives_curves() {
        let segment = [[1e300, -1e300], [-1e300, 1e300], [1e300, 1e300], [-1e300, -1e300]];
        let curve = Curve::from_segments(vec![segment], vec![-1e300, 1.0]).unwrap();
        let (left, right) = curve.split(0.5).unwrap();
        assert_eq!(left.end(), right.start());
        assert!(curve.split(-9.9e299).is_ok());
    }

    #[test]
    fn a_second_curve_goes_on_from_the_first_ones_last_knot() {
        let both = wave().concat(&wave()).unwrap();
        assert_eq!((both.domain().0, both.segment_count()), (-0.3, 6));
        assert!((both.domain().1 - 6.5).abs() < 1e-14);
        let far = Curve::from_segments(vec![wave().segments()[0]], vec![-1e300, 1e300]).unwrap();
        assert!(matches!(wave().concat(&far), Err(Error::Knot { index: 4, .. })));
    }
}
