//! The parameters of points: given, or from their distances.

use std::array::from_fn;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::error::Error;
use super::super::segment::norm;

/// How the points of a spline are spaced along its parameter.
///
/// In JSON: `"uniform"`, `"centripetal"`, `"chordal"`, a number for [`Knots::Spaced`], or the list of the knots.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Knots {
    /// 0, 1, 2, …
    #[default]
    Uniform,
    /// From 0 on, one after the other by the distance of the points to the power of this, 0 to 1: 0.5 is centripetal, 1 chordal
    /// (Lee, Choosing nodes in parametric curve interpolation, 1989). Neighbouring points must differ.
    Spaced(f64),
    /// As given.
    Given(Vec<f64>),
}

impl Knots {
    /// The square root of the distances.
    pub const CENTRIPETAL: Self = Self::Spaced(0.5);
    /// The distances.
    pub const CHORDAL: Self = Self::Spaced(1.0);

    /// Returns the knots of points, with one more for the way back to the first if the curve is closed.
    pub(super) fn of<const D: usize>(&self, points: &[[f64; D]], closed: bool) -> Result<Vec<f64>, Error> {
        let count = points.len() + usize::from(closed);
        match self {
            Self::Uniform => Ok((0..count).map(|i| i as f64).collect()),
            Self::Given(knots) if knots.len() == count => Ok(knots.clone()),
            Self::Given(knots) => Err(Error::KnotCount { segments: count - 1, given: knots.len() }),
            Self::Spaced(alpha) => {
                super::check_part("alpha", *alpha)?;
                let mut at = 0.0;
                let mut knots = vec![at];
                for (index, point) in points.iter().enumerate().take(count - 1) {
                    let next = (index + 1) % points.len();
                    let way: [f64; D] = from_fn(|axis| points[next][axis] - point[axis]);
                    let before = at;
                    at += norm(&way).powf(*alpha);
                    if at <= before {
                        let (first, second) = (point.to_vec(), points[next].to_vec());
                        return Err(Error::PointsCoincide { index, next, first, second });
                    }
                    knots.push(at);
                }
                Ok(knots)
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Uniform,
    Centripetal,
    Chordal,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Name(Name),
    Alpha(f64),
    Given(#[serde(deserialize_with = "super::numbers")] Vec<f64>),
}

impl Serialize for Knots {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Uniform => Form::Name(Name::Uniform),
            Self::Spaced(alpha) if *alpha == 0.5 => Form::Name(Name::Centripetal),
            Self::Spaced(alpha) if *alpha == 1.0 => Form::Name(Name::Chordal),
            Self::Spaced(alpha) => Form::Alpha(*alpha),
            Self::Given(knots) => Form::Given(knots.clone()),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Knots {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        let expected =
            "knots are \"uniform\", \"centripetal\", \"chordal\", a number from 0 to 1, or a list of numbers";
        Ok(match Form::deserialize(deserializer).map_err(|_| serde::de::Error::custom(expected))? {
            Form::Name(Name::Uniform) => Self::Uniform,
            Form::Name(Name::Centripetal) => Self::CENTRIPETAL,
            Form::Name(Name::Chordal) => Self::CHORDAL,
            Form::Alpha(alpha) => Self::Spaced(alpha),
            Form::Given(knots) => Self::Given(knots),
        })
    }
}
