//! What proves that an edge is near enough to its piece of the curve.

use super::Steps;

/// A step is long enough if the square of its error is at least this part of the tolerance's: it could grow by 4 %.
const FULL: f64 = 0.85;

/// The part of the longest step that is aimed at, as the aim misses a little to both sides.
const AIM: f64 = 0.99;

/// How often the length of a step is corrected at most.
const CORRECTIONS: usize = 8;

impl<const D: usize> Steps<D> {
    /// Calls `emit` with each parameter between two at which the segment is cut.
    pub(super) fn walk(&self, mut t: f64, end: f64, emit: &mut impl FnMut(f64)) {
        let safe = 1.0 / self.even;
        // What is left over by rounding must not cost a step more than Wang's formula.
        let last = safe * (1.0 + 1e-9);
        let mut guess = 0.6 * (end - t);
        loop {
            let rest = end - t;
            if rest <= last {
                return;
            }
            let mut step = guess.max(safe).min(rest);
            let mut error = self.error(t, step);
            let good = error <= 1.0 && (error >= FULL || step == rest);
            if !good {
                (step, error) = self.search(t, step, error, rest);
            }
            if step == rest {
                return;
            }
            t += step;
            emit(t);
            guess = AIM * step / error.max(0.01).sqrt().sqrt();
        }
    }

    /// Returns about the longest step whose error is proved, with that error. It starts from one of known error, too short or
    /// too long.
    fn search(&self, t: f64, mut step: f64, mut error: f64, rest: f64) -> (f64, f64) {
        let safe = 1.0 / self.even;
        let (mut low, mut high) = ((0.0, 0.0), f64::INFINITY);
        for _ in 0..CORRECTIONS {
            if error <= 1.0 {
                low = (step, error);
                if step == rest || error >= FULL {
                    return low;
                }
            } else {
                high = step;
            }
            let mut next = (step * (AIM / error.sqrt().sqrt())).min(rest);
            if next <= low.0 || next >= high {
                next = 0.5 * (low.0.max(safe) + high.min(rest));
            }
            if next <= 1.01 * low.0 {
                break;
            }
            step = next.max(safe);
            error = self.error(t, step);
        }
        if error <= 1.0 && step > low.0 {
            low = (step, error);
        }
        // Wang's step needs no other proof.
        if low.0 > safe { low } else { (safe.min(rest), self.error(t, safe.min(rest)).min(1.0)) }
    }

    /// Returns the square of an upper bound of the distance between the curve from `t` on for a `step` and its chord, and the
    /// square of the tolerance, both times the same.
    ///
    /// With q the chord by the step and s in 0..=1, the curve is off the chord's point at s by
    /// step² s (1 - s) (b + step (1 + s) c), and across the chord by the part of that normal to q.
    #[inline(always)]
    pub(super) fn squares(&self, t: f64, step: f64) -> (f64, f64) {
        let (mut begin, mut middle, mut change, mut chord, mut end) =
            ([0.0; D], [0.0; D], [0.0; D], [0.0; D], [0.0; D]);
        for i in 0..D {
            let bend = self.b[i] + t * (3.0 * self.c[i]);
            begin[i] = self.a[i] + t * (2.0 * self.b[i] + t * (3.0 * self.c[i]));
            change[i] = step * self.c[i];
            middle[i] = bend + 1.5 * change[i];
            chord[i] = begin[i] + step * (bend + change[i]);
            end[i] = begin[i] + step * (2.0 * bend + 3.0 * change[i]);
        }
        let square = dot(&chord, &chord);
        // The piece's inner control points project between its ends, and with them all of it.
        let (first, last) = (dot(&begin, &chord), dot(&end, &chord));
        let beside = (square > 0.0)
            & (first >= 0.0)
            & (first <= 3.0 * square)
            & (last >= 0.0)
            & (last <= 3.0 * square);
        // Squares of what is off the chord's middle, and of its change towards an end.
        let across = (square_across(&chord, square, &middle), square_across(&chord, square, &change));
        let whole = (dot(&middle, &middle), dot(&change, &change));
        let m = if beside { across.0 } else { whole.0 };
        let n = 0.25 * if beside { across.1 } else { whole.1 };
        let square = if beside { square } else { 1.0 };
        let fourth_power = (step * step) * (step * step);
        (16.0 * fourth_power * square_of_largest(m, n), self.budget * square)
    }

    /// Returns the first of [`Steps::squares`] by the second.
    fn error(&self, t: f64, step: f64) -> f64 {
        let (error, tolerance) = self.squares(t, step);
        error / tolerance
    }
}

/// Returns an upper bound of the square of the largest (1 - x²)(m + n x) for x in 0..=1, from the squares of m and n.
///
/// By Cauchy's inequality (m + n x)² is at most (m² + k n²)(1 + x² / k) for any k above 0, and (1 - x²)² (1 + x² / k) has its
/// greatest value in closed form: 1 for k = 1/2, 1.28 for k = 1/5 and 3.43 for k = 1/20.
#[inline(always)]
fn square_of_largest(m: f64, n: f64) -> f64 {
    let (near, between, far) = (m + 0.5 * n, 1.28 * (m + 0.2 * n), 3.43 * (m + 0.05 * n));
    let least = if between < near { between } else { near };
    if far < least { far } else { least }
}

/// Returns the square of the part of `v` that is normal to `chord`, times `square`, the chord's own.
#[inline(always)]
fn square_across<const D: usize>(chord: &[f64; D], square: f64, v: &[f64; D]) -> f64 {
    if D == 2 {
        let cross = chord[0] * v[1] - chord[1] * v[0];
        return cross * cross;
    }
    let along = dot(chord, v) / square;
    let mut sum = 0.0;
    for i in 0..D {
        let across = v[i] - along * chord[i];
        sum += across * across;
    }
    sum * square
}

/// Returns the scalar product of two vectors.
#[inline(always)]
fn dot<const D: usize>(a: &[f64; D], b: &[f64; D]) -> f64 {
    let mut sum = 0.0;
    for i in 0..D {
        sum += a[i] * b[i];
    }
    sum
}
