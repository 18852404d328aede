//! A curve as C has it: its cubic segments, and the Bezier curve of higher degree that these stand for, if there is one.

use std::ops::Deref;

use crate::curve::{
    Affine, Align, Bezier, BezierPart, Error, Family, Fit, PiecewiseCubic, Point, Rect, Values, fit_bounds,
};

/// Cubic segments, which do what the Bezier curve does not.
#[derive(Debug)]
pub(in crate::capi) struct Form<const D: usize> {
    cubics: PiecewiseCubic<D>,
    bezier: Option<Box<BezierPart<D>>>,
}

impl<const D: usize> From<PiecewiseCubic<D>> for Form<D> {
    fn from(cubics: PiecewiseCubic<D>) -> Self {
        Self { cubics, bezier: None }
    }
}

impl<const D: usize> Deref for Form<D> {
    type Target = PiecewiseCubic<D>;

    fn deref(&self) -> &PiecewiseCubic<D> {
        &self.cubics
    }
}

impl<const D: usize> Form<D> {
    /// Makes the curve of a family.
    pub(super) fn make(family: &Family, points: &[[f64; D]]) -> Result<Self, Error> {
        let cubics = family.make(points)?;
        let bezier = match family {
            Family::Bezier(_) if points.len() > 4 => Some(Box::new(Bezier::new(points)?.into())),
            _ => None,
        };
        Ok(Self { cubics, bezier })
    }

    /// Returns the Bezier curve's points (`order` 0) or derivatives, if it is one.
    fn values(&self, order: u32) -> Option<Values<D>> {
        self.bezier.as_ref().map(|bezier| bezier.values(order as usize))
    }

    pub(super) fn eval_into_columns(&self, us: &[f64], out: [&mut [f64]; D]) -> Result<(), Error> {
        match self.values(0) {
            Some(values) => values.write_columns(us, out),
            None => self.cubics.eval_into_columns(us, out),
        }
    }

    pub(super) fn sample_into_columns(&self, out: [&mut [f64]; D]) -> Result<(), Error> {
        match self.values(0) {
            Some(values) => values.sample_columns(out),
            None => self.cubics.sample_into_columns(out),
        }
    }

    pub(super) fn tangent(&self, u: f64) -> Option<[f64; D]> {
        match &self.bezier {
            Some(bezier) => bezier.tangent(u),
            None => self.cubics.tangent(u),
        }
    }

    pub(super) fn curvature(&self, u: f64) -> f64 {
        match &self.bezier {
            Some(bezier) => bezier.curvature(u),
            None => self.cubics.curvature(u),
        }
    }

    pub(super) fn bounds(&self) -> Rect<D> {
        match &self.bezier {
            Some(bezier) => bezier.bounds(),
            None => self.cubics.bounds(),
        }
    }

    pub(super) fn split(&self, u: f64) -> Result<(Self, Self), Error> {
        let (before, after) = self.cubics.split(u)?;
        Ok((self.part(before), self.part(after)))
    }

    pub(super) fn subcurve(&self, from: f64, to: f64) -> Result<Self, Error> {
        Ok(self.part(self.cubics.subcurve(from, to)?))
    }

    pub(super) fn reversed(&self) -> Self {
        let bezier = self.bezier.as_ref().map(|bezier| Box::new(bezier.reversed()));
        Self { cubics: self.cubics.reversed(), bezier }
    }

    /// Returns this curve with another behind it, as cubics alone.
    pub(super) fn concat(&self, next: &Self) -> Result<Self, Error> {
        self.cubics.concat(&next.cubics).map(Self::from)
    }

    /// Returns the part over the domain of its cubics.
    fn part(&self, cubics: PiecewiseCubic<D>) -> Self {
        let (first, last) = cubics.domain();
        let bezier = self.bezier.as_ref().map(|bezier| Box::new(bezier.between(first, last)));
        Self { cubics, bezier }
    }
}

impl Form<2> {
    pub(super) fn normal(&self, u: f64) -> Option<Point> {
        match &self.bezier {
            Some(bezier) => bezier.normal(u),
            None => self.cubics.normal(u),
        }
    }

    pub(super) fn fit_to_box(&self, target: Rect, fit: Fit, align: Align) -> Result<Affine, Error> {
        fit_bounds(self.bounds(), target, fit, align)
    }

    pub(super) fn transform(&self, matrix: &Affine) -> Result<Self, Error> {
        let cubics = self.cubics.transform(matrix)?;
        let bezier = self.bezier.as_ref().map(|bezier| bezier.transform(matrix).map(Box::new)).transpose()?;
        Ok(Self { cubics, bezier })
    }
}

/// What points are made of: doubles, or floats to which they are rounded.
pub(in crate::capi) trait Real: Send + Sized + 'static {
    /// Writes the points (`order` 0) or the derivatives of the order 1 or 2 at parameters.
    fn write<const D: usize>(
        curve: &Form<D>,
        order: u32,
        us: &[f64],
        out: &mut [[Self; D]],
    ) -> Result<(), Error>;

    /// Writes the points at evenly spaced parameters.
    fn sample<const D: usize>(curve: &Form<D>, out: &mut [[Self; D]]);
}

impl Real for f64 {
    fn write<const D: usize>(
        curve: &Form<D>,
        order: u32,
        us: &[f64],
        out: &mut [[Self; D]],
    ) -> Result<(), Error> {
        match (curve.values(order), order) {
            (Some(values), _) => values.write(us, out),
            (None, 0) => curve.cubics.eval_into(us, out),
            (None, 1) => curve.cubics.derivative_into(us, out),
            (None, _) => curve.cubics.second_derivative_into(us, out),
        }
    }

    fn sample<const D: usize>(curve: &Form<D>, out: &mut [[Self; D]]) {
        match curve.values(0) {
            Some(values) => values.sample(out),
            None => curve.cubics.sample_into(out),
        }
    }
}

impl Real for f32 {
    fn write<const D: usize>(
        curve: &Form<D>,
        order: u32,
        us: &[f64],
        out: &mut [[Self; D]],
    ) -> Result<(), Error> {
        match (curve.values(order), order) {
            (Some(values), _) => values.write_f32(us, out),
            (None, 0) => curve.cubics.eval_into_f32(us, out),
            (None, 1) => curve.cubics.derivative_into_f32(us, out),
            (None, _) => curve.cubics.second_derivative_into_f32(us, out),
        }
    }

    fn sample<const D: usize>(curve: &Form<D>, out: &mut [[Self; D]]) {
        match curve.values(0) {
            Some(values) => values.sample_f32(out),
            None => curve.cubics.sample_into_f32(out),
        }
    }
}
