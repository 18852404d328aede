//! The algebra of one cubic Bezier segment, in any number of dimensions.

use std::array::from_fn;
use std::hint::black_box;

/// Four control points; the first and the last lie on the curve.
pub(super) type Segment<const D: usize> = [[f64; D]; 4];

/// Polynomials of one segment for repeated evaluation.
///
/// There is one about each end, and each serves the half next to it. So both ends are exact, a coordinate that is the same in
/// all four control points stays the same, and the rounding error is a few units in the last place of the control points.
// In the plane each of the two is a cache line: where parameters come in any order, one is fetched for each.
#[repr(align(64))]
#[derive(Debug, Clone, Copy)]
pub(super) struct Powers<const D: usize> {
    from_start: [[f64; D]; 4],
    from_end: [[f64; D]; 4],
}

impl<const D: usize> Powers<D> {
    pub(super) fn new([p0, p1, p2, p3]: &Segment<D>) -> Self {
        Self { from_start: powers(p0, p1, p2, p3), from_end: powers(p3, p2, p1, p0) }
    }

    /// Evaluates at `t` in 0..=1; NaN gives NaN.
    #[inline(always)]
    pub(super) fn at(&self, t: f64) -> [f64; D] {
        // In the second half 1 - t is exact. Chosen, not branched to: where parameters come in any order nobody can guess it.
        let (c, t) = if t < 0.5 { (&self.from_start, t) } else { (&self.from_end, 1.0 - t) };
        horner(c, t)
    }

    /// Writes the points at `from`, `from + step` and so on; `step` is 0 or more.
    #[inline(always)]
    pub(super) fn fill(&self, from: f64, step: f64, out: &mut [[f64; D]]) {
        let half = ((0.5 - from) / step).ceil().max(0.0) as usize;
        // Around the middle both polynomials are as good: each gets whole blocks, if there are many.
        let middle = if half < LANES { half } else { half.saturating_add(LANES / 2) / LANES * LANES };
        let (first, second) = out.split_at_mut(middle.min(out.len()));
        fill(&self.from_start, from, step, first);
        fill(&self.from_end, 1.0 - (from + first.len() as f64 * step), -step, second);
    }
}

/// Writes the points of a segment at `from`, `from + step` and so on, by the polynomial about its start alone: off by some more
/// units in the last place towards its end than [`Powers::fill`], and sooner done with few points.
#[inline(always)]
pub(super) fn fill_plainly<const D: usize>(
    [p0, p1, p2, p3]: &Segment<D>,
    from: f64,
    step: f64,
    out: &mut [[f64; D]],
) {
    fill(&powers(p0, p1, p2, p3), from, step, out);
}

/// So many points are computed together.
pub(super) const LANES: usize = 8;

/// The polynomials of a segment once for each lane, so that vectors of them are loaded as they are.
pub(super) struct WidePowers<const D: usize> {
    from_start: [[[f64; D]; LANES]; 4],
    from_end: [[[f64; D]; LANES]; 4],
}

impl<const D: usize> WidePowers<D> {
    #[inline(always)]
    pub(super) fn new(powers: &Powers<D>) -> Self {
        Self { from_start: repeated(&powers.from_start), from_end: repeated(&powers.from_end) }
    }

    /// Writes the points at so many parameters, with the bits that [`Powers::at`] gives.
    #[inline(always)]
    pub(super) fn write(&self, ts: &[f64; LANES], out: &mut [[f64; D]]) {
        let mut repeated = [[0.0; D]; LANES];
        for (repeated, t) in repeated.iter_mut().zip(ts) {
            *repeated = [*t; D];
        }
        let ts = repeated.as_flattened();
        let (c, d) = (&self.from_start, &self.from_end);
        let [c0, c1, c2, c3] =
            [c[0].as_flattened(), c[1].as_flattened(), c[2].as_flattened(), c[3].as_flattened()];
        let [d0, d1, d2, d3] =
            [d[0].as_flattened(), d[1].as_flattened(), d[2].as_flattened(), d[3].as_flattened()];
        let out = &mut out.as_flattened_mut()[..LANES * D];
        for k in 0..LANES * D {
            let (t, s) = (ts[k], 1.0 - ts[k]);
            // Both are computed, so that there is nothing to branch at.
            let first = c0[k] + t * (c1[k] + t * (c2[k] + t * c3[k]));
            let second = d0[k] + s * (d1[k] + s * (d2[k] + s * d3[k]));
            out[k] = if t < 0.5 { first } else { second };
        }
    }
}

/// Evaluates a polynomial at `from`, `from + step` and so on.
#[inline(always)]
fn fill<const D: usize>(c: &[[f64; D]; 4], from: f64, step: f64, out: &mut [[f64; D]]) {
    let even = Even { c: repeated(c), from, step };
    // Read back from memory, or the compiler mixes the lanes.
    let even = black_box(&even);
    let count = out.len();
    let (blocks, rest) = out.as_chunks_mut::<LANES>();
    let mut base = 0.0;
    for block in blocks {
        even.write(base, block);
        base += LANES as f64;
    }
    if rest.is_empty() {
        return;
    }
    // The last ones are a block too, which overlaps the one before: the same bits once more.
    match out.last_chunk_mut::<LANES>() {
        Some(block) => even.write((count - LANES) as f64, block),
        None => {
            for (k, point) in out.iter_mut().enumerate() {
                *point = horner(c, from + k as f64 * step);
            }
        }
    }
}

/// Returns the coefficients once for each lane.
#[inline(always)]
fn repeated<const D: usize>(c: &[[f64; D]; 4]) -> [[[f64; D]; LANES]; 4] {
    // One by one: what `map` makes of arrays this large is not always inlined.
    [[c[0]; LANES], [c[1]; LANES], [c[2]; LANES], [c[3]; LANES]]
}

/// A polynomial at even parameters, with its coefficients once for each lane.
///
/// Coordinate by coordinate as they lie in memory, each with the coefficients and the number of its point: so vectors are stored
/// as they are computed.
struct Even<const D: usize> {
    c: [[[f64; D]; LANES]; 4],
    from: f64,
    step: f64,
}

impl<const D: usize> Even<D> {
    /// The number of each point of a block, once for each of its coordinates.
    const NUMBERS: [[f64; D]; LANES] = {
        let (mut numbers, mut lane) = ([[0.0; D]; LANES], 0);
        while lane < LANES {
            numbers[lane] = [lane as f64; D];
            lane += 1;
        }
        numbers
    };

    /// Writes the points `base`, `base + 1` and so on.
    #[inline(always)]
    fn write(&self, base: f64, block: &mut [[f64; D]; LANES]) {
        let [c0, c1, c2, c3] = [
            self.c[0].as_flattened(),
            self.c[1].as_flattened(),
            self.c[2].as_flattened(),
            self.c[3].as_flattened(),
        ];
        let numbers = Self::NUMBERS.as_flattened();
        let block = block.as_flattened_mut();
        for k in 0..LANES * D {
            let t = self.from + (base + numbers[k]) * self.step;
            block[k] = c0[k] + t * (c1[k] + t * (c2[k] + t * c3[k]));
        }
    }
}

#[inline(always)]
fn powers<const D: usize>(p0: &[f64; D], p1: &[f64; D], p2: &[f64; D], p3: &[f64; D]) -> [[f64; D]; 4] {
    [
        *p0,
        from_fn(|i| 3.0 * (p1[i] - p0[i])),
        from_fn(|i| 3.0 * ((p2[i] - p1[i]) - (p1[i] - p0[i]))),
        from_fn(|i| (p3[i] - p0[i]) - 3.0 * (p2[i] - p1[i])),
    ]
}

#[inline(always)]
fn horner<const D: usize>(c: &[[f64; D]; 4], t: f64) -> [f64; D] {
    from_fn(|i| c[0][i] + t * (c[1][i] + t * (c[2][i] + t * c[3][i])))
}

/// Returns the three differences between neighbouring control points: a third of the derivative's own control points.
pub(super) fn differences<const D: usize>([p0, p1, p2, p3]: &Segment<D>) -> [[f64; D]; 3] {
    [from_fn(|i| p1[i] - p0[i]), from_fn(|i| p2[i] - p1[i]), from_fn(|i| p3[i] - p2[i])]
}

/// Evaluates the quadratic Bezier with the given control points.
#[inline]
pub(super) fn quadratic_at<const D: usize>([a, b, c]: &[[f64; D]; 3], t: f64) -> [f64; D] {
    let s = 1.0 - t;
    from_fn(|i| s * (s * a[i] + t * b[i]) + t * (s * b[i] + t * c[i]))
}

/// Returns the straight line from `a` to `b` as a cubic with its control points at the thirds.
pub(super) fn line<const D: usize>(a: [f64; D], b: [f64; D]) -> Segment<D> {
    [a, from_fn(|i| a[i] + (b[i] - a[i]) / 3.0), from_fn(|i| b[i] + (a[i] - b[i]) / 3.0), b]
}

/// Returns the quadratic Bezier with control points `a`, `b`, `c` as a cubic.
pub(super) fn quadratic<const D: usize>(a: [f64; D], b: [f64; D], c: [f64; D]) -> Segment<D> {
    [a, from_fn(|i| a[i] + (b[i] - a[i]) * (2.0 / 3.0)), from_fn(|i| c[i] + (b[i] - c[i]) * (2.0 / 3.0)), c]
}

/// Returns the Euclidean length of a vector, without overflow or underflow on the way.
#[inline(always)]
pub(super) fn norm<const D: usize>(v: &[f64; D]) -> f64 {
    let square: f64 = v.iter().map(|x| x * x).sum();
    if (1e-280..1e280).contains(&square) {
        return square.sqrt();
    }
    // Powers of two, which round nothing.
    const UP: f64 = 4.149_515_568_880_993e180;
    const DOWN: f64 = 1.0 / UP;
    let (there, back) = if square < 1.0 { (UP, DOWN) } else { (DOWN, UP) };
    v.iter().map(|x| (x * there) * (x * there)).sum::<f64>().sqrt() * back
}

/// Returns the scalar product of two vectors.
#[inline]
pub(super) fn dot<const D: usize>(a: &[f64; D], b: &[f64; D]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Returns the largest magnitude among the components of a vector.
pub(super) fn max_abs<const D: usize>(v: &[f64; D]) -> f64 {
    v.iter().fold(0.0, |largest, x| x.abs().max(largest))
}

/// Returns the power of two that brings a number to between 1 and 2; the tiniest ones only near.
pub(super) fn reciprocal_power_of_two(x: f64) -> f64 {
    let exponent = (x.to_bits() >> 52).clamp(24, 2045);
    f64::from_bits((2046 - exponent) << 52)
}

/// Returns `a - b`.
#[inline]
pub(super) fn minus<const D: usize>(a: &[f64; D], b: &[f64; D]) -> [f64; D] {
    from_fn(|i| a[i] - b[i])
}

/// Returns the largest magnitude among the coordinates of four points.
pub(super) fn size<const D: usize>(segment: &Segment<D>) -> f64 {
    segment.iter().map(max_abs).fold(0.0, f64::max)
}

/// Returns the largest power of two up to `x`, and at least the smallest normal number.
///
/// To divide by it is exact and brings `x` to 1..2, or, below the normal numbers, to 2^-52..1: squares are safe then.
pub(super) fn power_of_two_below(x: f64) -> f64 {
    const EXPONENT: u64 = 0x7ff << 52;
    f64::from_bits(x.to_bits() & EXPONENT).max(f64::MIN_POSITIVE)
}

/// Splits a segment at its middle.
pub(super) fn halves<const D: usize>([p0, p1, p2, p3]: &Segment<D>) -> [Segment<D>; 2] {
    let middle = |a: &[f64; D], b: &[f64; D]| -> [f64; D] { from_fn(|i| (a[i] + b[i]) / 2.0) };
    let (p01, p12, p23) = (middle(p0, p1), middle(p1, p2), middle(p2, p3));
    let (p012, p123) = (middle(&p01, &p12), middle(&p12, &p23));
    let point = middle(&p012, &p123);
    [[*p0, p01, p012, point], [point, p123, p23, *p3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_neither_overflow_nor_vanish() {
        assert_eq!(norm(&[3e300, 4e300]), 5e300);
        assert_eq!(norm(&[3e-320, 4e-320]), 5e-320);
        assert_eq!(norm(&[0.0, 0.0, 0.0]), 0.0);
        assert_eq!(norm(&[2.0, 3.0, 6.0]), 7.0);
    }

    #[test]
    fn scales_are_powers_of_two_that_divide_exactly() {
        assert_eq!([1.0, 1.9, 3.0, 0.3].map(power_of_two_below), [1.0, 1.0, 2.0, 0.25]);
        assert_eq!([0.0, 5e-324].map(power_of_two_below), [f64::MIN_POSITIVE; 2]);
        assert_eq!(5e-324 / power_of_two_below(5e-324), f64::EPSILON);
        assert!((1.0..2.0).contains(&(1e300 / power_of_two_below(1e300))));
    }

    #[test]
    fn a_constant_coordinate_stays_constant() {
        let powers = Powers::new(&[[0.1, 0.0], [0.1, 1.0], [0.1, 1.0], [0.1, 0.0]]);
        for i in 0..=1000 {
            assert_eq!(powers.at(f64::from(i) / 1000.0)[0], 0.1);
        }
    }

    #[test]
    fn a_point_elevates_to_itself() {
        assert_eq!(line([0.1, 0.7], [0.1, 0.7]), [[0.1, 0.7]; 4]);
        assert_eq!(quadratic([0.1], [0.1], [0.1]), [[0.1]; 4]);
    }
}
