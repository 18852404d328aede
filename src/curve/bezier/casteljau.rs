//! De Casteljau's algorithm, for one parameter and for several at a time.

use std::array::from_fn;

use super::MAX_DEGREE;
use crate::curve::segment::LANES;

/// Room for the control points of any Bezier curve, off the heap.
#[derive(Clone, Copy)]
pub(super) struct Room<const D: usize> {
    points: [[f64; D]; MAX_DEGREE + 1],
    count: usize,
}

impl<const D: usize> Room<D> {
    pub(super) fn filled(count: usize) -> Self {
        Self { points: [[0.0; D]; MAX_DEGREE + 1], count }
    }

    pub(super) fn of(points: &[[f64; D]]) -> Self {
        let mut room = Self::filled(points.len());
        room.all_mut().copy_from_slice(points);
        room
    }

    pub(super) fn all_mut(&mut self) -> &mut [[f64; D]] {
        &mut self.points[..self.count]
    }

    pub(super) fn all(&self) -> &[[f64; D]] {
        &self.points[..self.count]
    }

    /// Makes of the points their differences, one fewer: the control points of the derivative, over the degree. A single point
    /// becomes 0.
    pub(super) fn subtract(&mut self) {
        for k in 1..self.count {
            self.points[k - 1] = from_fn(|i| self.points[k][i] - self.points[k - 1][i]);
        }
        match self.count {
            1 => self.points[0] = [0.0; D],
            _ => self.count -= 1,
        }
    }

    /// Raises the degree by one, which keeps the curve.
    pub(super) fn elevate(&mut self) {
        let degree = self.count;
        self.points[degree] = self.points[degree - 1];
        for k in (1..degree).rev() {
            let part = k as f64 / degree as f64;
            let before = self.points[k - 1];
            self.points[k] = from_fn(|i| mean(self.points[k][i], before[i], part));
        }
        self.count += 1;
    }
}

/// Runs de Casteljau's algorithm: the points become the control points of the part after `t`, the first of them the point at
/// `t`, which is returned. `emit` gets the control points of the part before, with their indices.
pub(super) fn casteljau<const D: usize>(
    points: &mut [[f64; D]],
    t: f64,
    mut emit: impl FnMut(usize, [f64; D]),
) -> [f64; D] {
    for k in 0..points.len() {
        emit(k, points[0]);
        for j in 0..points.len() - 1 - k {
            let after = points[j + 1];
            points[j] = from_fn(|i| mean(points[j][i], after[i], t));
        }
    }
    points[0]
}

/// Rows of points, those of one coordinate at several parameters side by side.
pub(super) type Lanes<const D: usize> = [[[f64; LANES]; D]; MAX_DEGREE];

/// Writes the points of a curve of degree 1 or more at so many parameters, with the bits that [`casteljau`] gives.
#[inline(always)]
pub(super) fn casteljau_each<const D: usize>(
    points: &[[f64; D]],
    ts: &[f64; LANES],
    lanes: &mut Lanes<D>,
    out: &mut [[f64; D]],
) {
    let steps = Steps::new(ts);
    let degree = points.len() - 1;
    for (j, row) in lanes[..degree].iter_mut().enumerate() {
        for (i, lane) in row.iter_mut().enumerate() {
            *lane = steps.between(&[points[j][i]; LANES], &[points[j + 1][i]; LANES]);
        }
    }
    for left in (1..degree).rev() {
        for j in 0..left {
            let after = lanes[j + 1];
            for (lane, after) in lanes[j].iter_mut().zip(&after) {
                *lane = steps.between(lane, after);
            }
        }
    }
    for (lane, point) in out[..LANES].iter_mut().enumerate() {
        for (x, values) in point.iter_mut().zip(&lanes[0]) {
            *x = values[lane];
        }
    }
}

/// What [`mean`] does with the part of each lane: its two ways as one sum.
struct Steps {
    is_low: [bool; LANES],
    parts: [f64; LANES],
}

impl Steps {
    #[inline(always)]
    fn new(ts: &[f64; LANES]) -> Self {
        let (mut is_low, mut parts) = ([false; LANES], [0.0; LANES]);
        for lane in 0..LANES {
            is_low[lane] = ts[lane] < 0.5;
            parts[lane] = if is_low[lane] { ts[lane] } else { ts[lane] - 1.0 };
        }
        Self { is_low, parts }
    }

    #[inline(always)]
    fn between(&self, a: &[f64; LANES], b: &[f64; LANES]) -> [f64; LANES] {
        let mut means = [0.0; LANES];
        for lane in 0..LANES {
            let end = if self.is_low[lane] { a[lane] } else { b[lane] };
            means[lane] = end + self.parts[lane] * (b[lane] - a[lane]);
        }
        means
    }
}

/// Returns the value a part of the way from `a` to `b`: never outside of them, and exact where they are the same.
#[inline]
fn mean(a: f64, b: f64, part: f64) -> f64 {
    if part < 0.5 { a + part * (b - a) } else { b - (1.0 - part) * (b - a) }
}
