//! Which segment a parameter is in: asked once, or by the million.

use super::piecewise::PiecewiseCubic;
use super::segment::Powers;

/// So few knots are searched by halves as fast.
const FEW: usize = 8;

impl<const D: usize> PiecewiseCubic<D> {
    #[inline(always)]
    pub(super) fn clamp(&self, u: f64) -> f64 {
        let (first, last) = self.domain();
        u.clamp(first, last)
    }

    /// Returns which segment answers for `u` of the domain; the first for NaN.
    pub(super) fn segment_at(&self, u: f64) -> usize {
        let inner = &self.knots()[1..self.segment_count()];
        inner.partition_point(|&knot| knot <= u)
    }

    /// Returns where in segment `i` the parameter lies, 0 to 1.
    #[inline(always)]
    pub(super) fn local(&self, i: usize, u: f64) -> f64 {
        let (from, to) = (self.knots()[i], self.knots()[i + 1]);
        (u - from) / (to - from)
    }

    /// Returns the parameter of the curve that lies at `t`, 0 to 1, in segment `i`: never outside that segment.
    pub(super) fn global(&self, i: usize, t: f64) -> f64 {
        let (from, to) = (self.knots()[i], self.knots()[i + 1]);
        if t >= 1.0 { to } else { (from + t * (to - from)).clamp(from, to) }
    }
}

/// Finds segments for many parameters in any order.
#[derive(Debug)]
pub(super) struct Locator<'a> {
    /// The knots between segments.
    inner: &'a [f64],
    buckets: Option<&'a Buckets>,
}

/// Even buckets over the domain, which lead to the few knots nearby.
#[derive(Debug)]
pub(super) struct Buckets {
    first: f64,
    per_unit: f64,
    buckets: Box<[Bucket]>,
}

/// What lies between two parameters.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// The first knot in it, or infinity.
    knot: f64,
    /// How many inner knots lie before it.
    before: u32,
    /// How many lie in it.
    count: u32,
}

impl Buckets {
    fn new(inner: &[f64], first: f64, per_unit: f64, count: usize) -> Self {
        let buckets = vec![Bucket { knot: f64::INFINITY, before: 0, count: 0 }; count + 1];
        let mut made = Self { first, per_unit, buckets: buckets.into() };
        for &knot in inner {
            // A parameter in the same bucket as a knot may lie on either side of it.
            let at = made.place(knot);
            let bucket = &mut made.buckets[at];
            bucket.knot = bucket.knot.min(knot);
            bucket.count += 1;
        }
        let mut before = 0;
        for bucket in &mut made.buckets {
            bucket.before = before;
            before += bucket.count;
        }
        made
    }

    /// Returns which segment answers for `u`, which is in bucket `at`.
    #[inline(always)]
    fn segment_in(&self, inner: &[f64], at: usize, u: f64) -> usize {
        let bucket = &self.buckets[at];
        if bucket.count <= 1 {
            // Nearly always, and without a branch on what is as good as random.
            return bucket.before as usize + usize::from(bucket.knot <= u);
        }
        let from = bucket.before as usize;
        from + inner[from..from + bucket.count as usize].partition_point(|&knot| knot <= u)
    }

    /// Rises with `u`, so that knots in buckets before that of `u` are not above it.
    #[inline(always)]
    fn place(&self, u: f64) -> usize {
        // What is added leaves the rounded number in the lowest bits.
        const ROUND: f64 = (1_u64 << 52) as f64;
        let rounded = (((u - self.first) * self.per_unit) + ROUND).to_bits() as u32;
        (rounded as usize).min(self.buckets.len() - 1)
    }
}

impl<'a> Locator<'a> {
    /// Prepares for about `queries` parameters: without buckets where making them would take longer than they save.
    pub(super) fn new<const D: usize>(curve: &'a PiecewiseCubic<D>, queries: usize) -> Self {
        let inner = &curve.knots()[1..curve.segment_count()];
        let (first, last) = curve.domain();
        let count = (2 * inner.len()).min(u32::MAX as usize / 2);
        let per_unit = count as f64 / (last - first);
        let pays = inner.len() >= FEW && queries >= inner.len() && per_unit.is_normal();
        let make = || Buckets::new(inner, first, per_unit, count);
        Self { inner, buckets: pays.then(|| curve.lookup.buckets(make)) }
    }

    /// Returns which segment answers for `u` of the domain; any for NaN.
    #[inline(always)]
    pub(super) fn segment_at(&self, u: f64) -> usize {
        match self.buckets {
            None => self.inner.partition_point(|&knot| knot <= u),
            Some(buckets) => buckets.segment_in(self.inner, buckets.place(u), u),
        }
    }

    /// Returns the point at `u`, with the segments' polynomials where they are prepared.
    #[inline(always)]
    pub(super) fn eval<const D: usize>(
        &self,
        curve: &PiecewiseCubic<D>,
        prepared: &[Powers<D>],
        u: f64,
    ) -> [f64; D] {
        let u = curve.clamp(u);
        let i = self.segment_at(u);
        let t = curve.local(i, u);
        match prepared.get(i) {
            Some(powers) => powers.at(t),
            None => Powers::new(&curve.segments()[i]).at(t),
        }
    }

    /// Writes the points at parameters of any segments, with the bits that [`Locator::eval`] gives, and returns the last one's
    /// segment.
    #[inline(always)]
    pub(super) fn eval_each<const N: usize, const D: usize>(
        &self,
        curve: &PiecewiseCubic<D>,
        prepared: &[Powers<D>],
        us: &[f64; N],
        out: &mut [[f64; D]],
    ) -> usize {
        let Some(index) = self.buckets.filter(|_| !prepared.is_empty()) else {
            for (&u, point) in us.iter().zip(out) {
                *point = self.eval(curve, prepared, u);
            }
            return self.segment_at(curve.clamp(us[N - 1]));
        };
        // Step by step for all of them, so that what can be done with vectors is.
        let (first, last) = curve.domain();
        let (mut clamped, mut buckets) = (*us, [0; N]);
        for (u, bucket) in clamped.iter_mut().zip(&mut buckets) {
            *u = if *u < first { first } else { *u };
            *u = if *u > last { last } else { *u };
            *bucket = index.place(*u);
        }
        let (mut segments, mut from, mut to) = ([0; N], [0.0; N], [0.0; N]);
        let knots = curve.knots();
        for k in 0..N {
            segments[k] = index.segment_in(self.inner, buckets[k], clamped[k]);
            (from[k], to[k]) = (knots[segments[k]], knots[segments[k] + 1]);
        }
        let mut ts = [0.0; N];
        for k in 0..N {
            ts[k] = (clamped[k] - from[k]) / (to[k] - from[k]);
        }
        for (k, point) in out.iter_mut().enumerate().take(N) {
            *point = prepared[segments[k]].at(ts[k]);
        }
        segments[N - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::*;

    #[test]
    fn buckets_find_what_halving_finds_however_the_knots_lie() {
        let even: Vec<f64> = (0..=1000).map(f64::from).collect();
        let wild: Vec<f64> = (0..=300).map(|i| (f64::from(i) / 10.0).exp2() - 1.0).collect();
        let clustered: Vec<f64> =
            (0..=200).map(|i| if i < 199 { f64::from(i) * 1e-9 } else { f64::from(i) }).collect();
        for knots in [even, wild, clustered] {
            let segment = [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]];
            let curve = Curve::from_segments(vec![segment; knots.len() - 1], knots.clone()).unwrap();
            let locator = Locator::new(&curve, 1_000_000);
            assert!(locator.buckets.is_some());
            let (first, last) = curve.domain();
            let spread = (0..5000).map(|i| first + (last - first) * f64::from(i) / 4999.0);
            let around = knots.iter().flat_map(|&knot| [knot.next_down(), knot, knot.next_up()]);
            for u in spread.chain(around).map(|u| curve.clamp(u)) {
                assert_eq!(locator.segment_at(u), curve.segment_at(u), "{u}");
            }
            assert!(locator.segment_at(f64::NAN) < curve.segment_count());
        }
    }
}
