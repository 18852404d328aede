//! What a curve is asked so often that it keeps the answers.

use std::fmt;
use std::sync::OnceLock;

use super::locate::Buckets;
use super::piecewise::PiecewiseCubic;
use super::segment::Powers;

/// What is made of a curve for many parameters: once, and kept, so that the calls after the first allocate nothing.
///
/// It follows from the curve, so that it takes no part in comparisons, and a clone begins without it.
pub(super) struct Lookup<const D: usize> {
    buckets: OnceLock<Buckets>,
    powers: OnceLock<Box<[Powers<D>]>>,
}

impl<const D: usize> Lookup<D> {
    pub(super) const fn new() -> Self {
        Self { buckets: OnceLock::new(), powers: OnceLock::new() }
    }

    /// Returns the buckets that the inner knots of the curve lie in.
    pub(super) fn buckets(&self, make: impl FnOnce() -> Buckets) -> &Buckets {
        self.buckets.get_or_init(make)
    }

    /// Returns the polynomials of each segment of the curve.
    pub(super) fn powers(&self, curve: &PiecewiseCubic<D>) -> &[Powers<D>] {
        self.powers.get_or_init(|| curve.segments().iter().map(Powers::new).collect())
    }
}

impl<const D: usize> Clone for Lookup<D> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<const D: usize> PartialEq for Lookup<D> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<const D: usize> fmt::Debug for Lookup<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").finish_non_exhaustive()
    }
}
