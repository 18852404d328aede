//! Where points go so that all edges have about the same error.

use super::Steps;
use crate::curve::segment::LANES;

/// The density is computed at so many parameters of a range, and linear between them.
const NODES: usize = 32;

/// So many points are placed together.
const WIDE: usize = 16;

/// A range with more steps than this is halved.
const MOST: usize = 96;

/// The part of the tolerance's share of a step that is aimed at, as the density between nodes is not quite linear.
const AIM: f64 = 0.97;

/// Two to the power of 23.
const ROUND: f32 = (1_u32 << 23) as f32;

/// The parameters at which a range is cut: room that is used again and again.
pub(super) struct Layout {
    /// The density at each node: steps per unit of the parameter.
    density: [f32; NODES],
    /// The steps before each node.
    before: [f32; NODES],
    /// The node before each point.
    node: [u32; MOST + 2 * LANES],
    ts: [f64; MOST + 2 * LANES],
    proved: [bool; MOST + LANES],
    /// How many lie inside of the range.
    len: usize,
}

impl Layout {
    pub(super) fn new() -> Self {
        Self {
            density: [0.0; NODES],
            before: [0.0; NODES],
            node: [0; MOST + 2 * LANES],
            ts: [0.0; MOST + 2 * LANES],
            proved: [false; MOST + LANES],
            len: 0,
        }
    }

    /// Returns the parameters inside of the range that was laid out last.
    #[inline(always)]
    pub(super) fn inner(&self) -> &[f64] {
        &self.ts[1..1 + self.len]
    }

    /// Lays out the range between two numbers of even steps, and says whether there was room for it.
    #[inline(always)]
    pub(super) fn lay<const D: usize>(&mut self, steps: &Steps<D>, (from, to): (f64, f64)) -> bool {
        self.len = 0;
        let even = to - from;
        if even <= 1.0 {
            return true;
        }
        let (start, end) = (from / steps.even, to / steps.even);
        let spacing = (end - start) / (NODES - 1) as f64;
        let total = f64::from(self.measure(steps, start, spacing)) * (spacing * steps.steps_per_density());
        let count = (total * (1.0 / AIM)).ceil().max(1.0);
        if count >= even {
            return self.cut_evenly(steps.even, from, even);
        }
        if count > MOST as f64 {
            return false;
        }
        let count = count as usize;
        self.place(count, start, spacing);
        self.ts[0] = start;
        self.ts[count] = end;
        if self.prove(steps, count) {
            self.len = count - 1;
            return true;
        }
        self.mend(steps, count) && (self.len + 1) as f64 <= even || self.cut_evenly(steps.even, from, even)
    }

    /// Computes the density at the nodes and its sum before each, and returns the sum of all.
    #[inline(always)]
    fn measure<const D: usize>(&mut self, steps: &Steps<D>, start: f64, spacing: f64) -> f32 {
        let (start, spacing) = (start as f32, spacing as f32);
        for k in 0..NODES {
            self.density[k] = steps.density(start + k as f32 * spacing);
        }
        let mut means = [0.0; NODES];
        for (mean, pair) in means[1..].iter_mut().zip(self.density.windows(2)) {
            *mean = 0.5 * (pair[0] + pair[1]);
        }
        let mut sums = [0.0; NODES / LANES];
        let blocks = means.as_chunks::<LANES>().0.iter().zip(self.before.as_chunks_mut::<LANES>().0);
        for (sum, (means, befores)) in sums.iter_mut().zip(blocks) {
            for (mean, before) in means.iter().zip(befores) {
                *sum += mean;
                *before = *sum;
            }
        }
        let mut offset = 0.0;
        for (sum, befores) in sums.iter().zip(self.before.as_chunks_mut::<LANES>().0) {
            for before in befores {
                *before += offset;
            }
            offset += sum;
        }
        offset
    }

    /// Places points 1 to `count - 1` where the steps before them are even.
    #[inline(always)]
    fn place(&mut self, count: usize, start: f64, spacing: f64) {
        let each = self.before[NODES - 1] / count as f32;
        let per_step = 1.0 / each;
        self.node[..count].fill(0);
        // The first point that is not before each node. What is added leaves the rounded number in the lowest bits.
        let mut points = [0; NODES];
        for (point, before) in points.iter_mut().zip(&self.before) {
            *point = ((before * per_step + 0.5) + ROUND).to_bits() & 0xff;
        }
        for (k, &point) in points.iter().enumerate() {
            self.node[(point as usize).min(count)] = k as u32;
        }
        let mut node = 0;
        for slot in &mut self.node[..count] {
            node = node.max(*slot);
            *slot = node;
        }
        for block in 0..count.div_ceil(WIDE) {
            let at = block * WIDE;
            let (Some(nodes), Some(ts)) =
                (self.node[at..].first_chunk::<WIDE>(), self.ts[at..].first_chunk_mut::<WIDE>())
            else {
                break;
            };
            let mut parts = [0.0; WIDE];
            for k in 0..WIDE {
                let node = (nodes[k] as usize).min(NODES - 2);
                let (d0, d1) = (self.density[node], self.density[node + 1]);
                let rest = ((at + k) as f32 * each - self.before[node]).max(0.0);
                let root = (d0 * d0 + 2.0 * (d1 - d0) * rest).max(0.0).sqrt();
                let part = (2.0 * rest / (d0 + root).max(f32::MIN_POSITIVE)).min(1.0);
                parts[k] = node as f32 + part;
            }
            for k in 0..WIDE {
                ts[k] = start + f64::from(parts[k]) * spacing;
            }
        }
    }

    /// Notes which edges are near enough to the curve, and tells whether all are.
    #[inline(always)]
    fn prove<const D: usize>(&mut self, steps: &Steps<D>, count: usize) -> bool {
        let mut all = true;
        for block in 0..count.div_ceil(LANES) {
            let at = block * LANES;
            let (Some(begins), Some(ends), Some(proved)) = (
                self.ts[at..].first_chunk::<LANES>(),
                self.ts[at + 1..].first_chunk::<LANES>(),
                self.proved[at..].first_chunk_mut::<LANES>(),
            ) else {
                break;
            };
            let mut proofs = [0_u64; LANES];
            for k in 0..LANES {
                let (error, tolerance) = steps.squares(begins[k], ends[k] - begins[k]);
                proofs[k] = u64::from((error <= tolerance) | (at + k >= count));
            }
            for k in 0..LANES {
                all &= proofs[k] != 0;
                proved[k] = proofs[k] != 0;
            }
        }
        all
    }

    #[cold]
    fn mend<const D: usize>(&mut self, steps: &Steps<D>, count: usize) -> bool {
        let (mut cuts, mut len) = ([0.0; MOST], 0);
        let mut put = |t: f64| {
            if let Some(cut) = cuts.get_mut(len) {
                *cut = t;
            }
            len += 1;
        };
        for k in 0..count {
            if k > 0 {
                put(self.ts[k]);
            }
            if !self.proved[k] {
                steps.walk(self.ts[k], self.ts[k + 1], &mut put);
            }
        }
        self.ts[1..=MOST].copy_from_slice(&cuts);
        self.len = len;
        len <= MOST
    }

    #[inline(always)]
    fn cut_evenly(&mut self, all: f64, from: f64, even: f64) -> bool {
        if even > MOST as f64 {
            return false;
        }
        self.len = even as usize - 1;
        for (k, cut) in self.ts[1..=self.len].iter_mut().enumerate() {
            *cut = (from + (k + 1) as f64) / all;
        }
        true
    }
}

impl<const D: usize> Steps<D> {
    /// Returns how many steps for each unit of the parameter the tolerance takes about `t`, but for a constant.
    ///
    /// A short step is off its chord by step² / 4 times the second derivative's part across the first one.
    #[inline(always)]
    fn density(&self, t: f32) -> f32 {
        let (mut velocity, mut bend, mut both) = (0.0, 0.0, 0.0);
        let mut v = [0.0; D];
        let mut h = [0.0; D];
        for i in 0..D {
            let (a, b, c) = (self.a[i] as f32, self.b[i] as f32, self.c[i] as f32);
            v[i] = a + t * (2.0 * b + t * (3.0 * c));
            h[i] = b + t * (3.0 * c);
            velocity += v[i] * v[i];
            bend += h[i] * h[i];
            both += v[i] * h[i];
        }
        let across = if D == 2 {
            let cross = v[0] * h[1] - v[1] * h[0];
            cross * cross
        } else {
            (velocity * bend - both * both).max(0.0)
        };
        (across / velocity.max(f32::MIN_POSITIVE)).sqrt().sqrt()
    }

    /// Returns the constant.
    #[inline(always)]
    fn steps_per_density(&self) -> f64 {
        (16.0 / self.budget).sqrt().sqrt()
    }
}
