//! The families of curves: what each makes of its points, always cubic Bezier segments on knots.
//!
//! | family | goes through its points | reference |
//! |---|---|---|
//! | [`bezier`](PiecewiseCubic::bezier), degree 1 to 3 | the first and the last | Farin, Curves and Surfaces for CAGD, 2002 |
//! | [`linear`](PiecewiseCubic::linear), [`step`](PiecewiseCubic::step), [`bump`](PiecewiseCubic::bump) | yes | d3-shape |
//! | [`catmull_rom`](PiecewiseCubic::catmull_rom), [`cardinal`](PiecewiseCubic::cardinal) | yes | Catmull and Rom 1974; Yuksel, Schaefer and Keyser 2011 |
//! | [`spline`](PiecewiseCubic::spline): natural, clamped, not-a-knot, periodic | yes, twice continuously differentiable | de Boor, A Practical Guide to Splines, 2001 |
//! | [`graph`](PiecewiseCubic::graph): Steffen, Fritsch-Butland, Fritsch-Carlson, Akima, modified Akima | yes, as a function of one coordinate | Steffen 1990; Fritsch and Butland 1984; Fritsch and Carlson 1980; Akima 1970 |
//! | [`hermite`](PiecewiseCubic::hermite) | yes, with given derivatives | |
//! | [`basis`](PiecewiseCubic::basis), [`bundle`](PiecewiseCubic::bundle) | no: a uniform B-spline | de Boor 2001; Holten 2006 |
//!
//! [`Family`] is the same as a value that JSON carries.

mod basis;
mod catmull_rom;
mod graph;
mod hermite;
mod knots;
mod not_a_knot;
#[cfg(test)]
mod properties;
mod simple;
mod spline;

pub use graph::Slopes;
pub use knots::Knots;
pub use spline::SplineEnds;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::bezier::Bezier;
use super::error::{Error, check_tolerance};
use super::number::{number, numbers, rows};
use super::piecewise::PiecewiseCubic;

/// What happens at the ends of a curve that each segment of which depends on the points around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// From the first point to the last, as d3 does it.
    #[default]
    #[serde(rename = "d3", alias = "whole")]
    Whole,
    /// Where all the points that a segment depends on are there: without the first and the last segment.
    Open,
    /// Back to the beginning.
    Closed,
}

/// A family with its parameters.
///
/// In JSON it is `{"family": "catmull_rom", "params": {"alpha": 0.5}}`; parameters that are left out have the defaults that
/// their types name, and those that a family does not have are refused. [`Family::named`] takes the two apart.
///
/// # Examples
///
/// ```
/// use circlet::curve::{Curve, Family};
///
/// let family: Family = serde_json::from_str(r#"{"family": "natural", "params": {"knots": "chordal"}}"#)?;
/// let curve: Curve = family.make(&[[0.0, 0.0], [3.0, 4.0], [6.0, 0.0]])?;
/// assert_eq!(curve.knots(), [0.0, 5.0, 10.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", content = "params", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Family {
    /// [`PiecewiseCubic::bezier`], and above degree 3 the cubics of [`Bezier::to_piecewise`]; [`Bezier`] itself does without them.
    Bezier(BezierParams),
    /// [`PiecewiseCubic::linear`].
    Linear(LinearParams),
    /// [`PiecewiseCubic::step`].
    Step(StepParams),
    /// [`PiecewiseCubic::bump`] along x.
    BumpX(NoParams),
    /// [`PiecewiseCubic::bump`] along y.
    BumpY(NoParams),
    /// [`PiecewiseCubic::catmull_rom`].
    CatmullRom(CatmullRomParams),
    /// [`PiecewiseCubic::cardinal`].
    Cardinal(CardinalParams),
    /// [`PiecewiseCubic::spline`] with [`SplineEnds::Natural`].
    Natural(KnotsParams),
    /// [`PiecewiseCubic::spline`] with [`SplineEnds::Clamped`].
    Clamped(ClampedParams),
    /// [`PiecewiseCubic::spline`] with [`SplineEnds::NotAKnot`].
    NotAKnot(KnotsParams),
    /// [`PiecewiseCubic::spline`] with [`SplineEnds::Periodic`].
    Periodic(KnotsParams),
    /// [`PiecewiseCubic::graph`] over x with [`Slopes::Steffen`].
    MonotoneX(NoParams),
    /// [`PiecewiseCubic::graph`] over y with [`Slopes::Steffen`].
    MonotoneY(NoParams),
    /// [`PiecewiseCubic::graph`] over x with [`Slopes::FritschButland`].
    Pchip(NoParams),
    /// [`PiecewiseCubic::graph`] over x with [`Slopes::FritschCarlson`].
    FritschCarlson(NoParams),
    /// [`PiecewiseCubic::graph`] over x with [`Slopes::Akima`].
    Akima(NoParams),
    /// [`PiecewiseCubic::graph`] over x with [`Slopes::ModifiedAkima`].
    Makima(NoParams),
    /// [`PiecewiseCubic::hermite`].
    Hermite(HermiteParams),
    /// [`PiecewiseCubic::basis`].
    Basis(EndsParams),
    /// [`PiecewiseCubic::bundle`].
    Bundle(BundleParams),
}

/// No parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// Parameters of [`Family::Bezier`].
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BezierParams {
    /// The degree, if it is to be checked: one less than there are points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degree: Option<usize>,
    /// How near the cubics are that stand for a degree above 3, as a part of the control polygon's size; 1e-9 if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<f64>,
}

/// Parameters of [`Family::Linear`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinearParams {
    /// Closed or not; there is no difference between whole and open.
    pub ends: Ends,
}

/// Parameters of [`Family::Basis`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EndsParams {
    /// What happens at the ends.
    pub ends: Ends,
}

/// Parameters of [`Family::Step`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StepParams {
    /// Where between two points it steps, 0 to 1; 0.5 if it is left out.
    #[serde(deserialize_with = "number")]
    pub position: f64,
}

/// Parameters of [`Family::CatmullRom`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CatmullRomParams {
    /// The power of the distances that space the points, 0 to 1; 0.5 (centripetal) if it is left out.
    #[serde(deserialize_with = "number")]
    pub alpha: f64,
    /// What happens at the ends.
    pub ends: Ends,
}

/// Parameters of [`Family::Cardinal`].
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CardinalParams {
    /// 0 (as uniform Catmull-Rom, if it is left out) to 1 (straight).
    #[serde(deserialize_with = "number")]
    pub tension: f64,
    /// What happens at the ends.
    pub ends: Ends,
}

/// Parameters of the splines whose ends need none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KnotsParams {
    /// The parameters of the points.
    pub knots: Knots,
}

/// Parameters of [`Family::Clamped`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClampedParams {
    /// The parameters of the points.
    #[serde(default)]
    pub knots: Knots,
    /// The derivative at the first point, a number for each coordinate.
    #[serde(deserialize_with = "numbers")]
    pub start: Vec<f64>,
    /// The derivative at the last point.
    #[serde(deserialize_with = "numbers")]
    pub end: Vec<f64>,
}

/// Parameters of [`Family::Hermite`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HermiteParams {
    /// The parameters of the points.
    #[serde(default)]
    pub knots: Knots,
    /// The derivative at each point.
    #[serde(deserialize_with = "rows")]
    pub derivatives: Vec<Vec<f64>>,
}

/// Parameters of [`Family::Bundle`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BundleParams {
    /// 0 (a straight line) to 1 (the spline itself); 0.85 if it is left out.
    #[serde(deserialize_with = "number")]
    pub beta: f64,
}

impl Default for StepParams {
    fn default() -> Self {
        Self { position: 0.5 }
    }
}

impl Default for CatmullRomParams {
    fn default() -> Self {
        Self { alpha: 0.5, ends: Ends::Whole }
    }
}

impl Default for BundleParams {
    fn default() -> Self {
        Self { beta: 0.85 }
    }
}

impl Family {
    /// The names of all families, as JSON has them.
    pub const NAMES: [&str; 20] = [
        "bezier",
        "linear",
        "step",
        "bump_x",
        "bump_y",
        "catmull_rom",
        "cardinal",
        "natural",
        "clamped",
        "not_a_knot",
        "periodic",
        "monotone_x",
        "monotone_y",
        "pchip",
        "fritsch_carlson",
        "akima",
        "makima",
        "hermite",
        "basis",
        "bundle",
    ];

    /// Returns a family by its name with parameters, an object of JSON or null for none: what the variants' names are in JSON.
    ///
    /// # Errors
    ///
    /// [`Error::Family`], which names the families there are, or the parameters.
    ///
    /// # Examples
    ///
    /// ```
    /// use circlet::curve::Family;
    ///
    /// let family = Family::named("catmull_rom", serde_json::json!({"ends": "closed"}))?;
    /// let error = Family::named("catmul_rom", serde_json::Value::Null).unwrap_err();
    /// assert!(error.to_string().contains("`catmull_rom`"));
    /// # Ok::<(), circlet::curve::Error>(())
    /// ```
    pub fn named(name: &str, params: Value) -> Result<Self, Error> {
        let refuse = |problem| Error::Family { name: name.into(), problem };
        let params = match params {
            Value::Null => json!({}),
            Value::Object(_) => params,
            // Else a list would give the parameters by their order.
            other => return Err(refuse(format!("the parameters are {other}; give an object"))),
        };
        serde_json::from_value(json!({"family": name, "params": params}))
            .map_err(|error| refuse(error.to_string()))
    }

    /// Makes the curve of this family through, or guided by, the points.
    ///
    /// # Errors
    ///
    /// What the family's constructor refuses, and [`Error::Dimension`] where a parameter has another number of coordinates than
    /// the points, or the family runs along a coordinate that they do not have.
    pub fn make<const D: usize>(&self, points: &[[f64; D]]) -> Result<PiecewiseCubic<D>, Error> {
        let axis =
            |axis| if axis < D { Ok(axis) } else { Err(Error::Dimension { needed: axis + 1, given: D }) };
        let graph = |along: usize, slopes| PiecewiseCubic::graph(points, axis(along)?, slopes);
        let spline = |knots, ends| PiecewiseCubic::spline(points, knots, ends);
        match self {
            Self::Bezier(params) => {
                let part = params.tolerance.unwrap_or(1e-9);
                check_tolerance(part)?;
                let curve = Bezier::new(points)?;
                if let Some(degree) = params.degree.filter(|&degree| degree != curve.degree()) {
                    let problem = format!(
                        "degree {degree} does not go with {} points, which make degree {}",
                        points.len(),
                        curve.degree()
                    );
                    return Err(Error::Family { name: "bezier".into(), problem });
                }
                curve.to_piecewise((part * polygon_size(points)).clamp(f64::MIN_POSITIVE, f64::MAX))
            }
            Self::Linear(params) => PiecewiseCubic::linear(points, params.ends == Ends::Closed),
            Self::Step(params) => PiecewiseCubic::step(points, params.position),
            Self::BumpX(_) => PiecewiseCubic::bump(points, axis(0)?),
            Self::BumpY(_) => PiecewiseCubic::bump(points, axis(1)?),
            Self::CatmullRom(params) => PiecewiseCubic::catmull_rom(points, params.alpha, params.ends),
            Self::Cardinal(params) => PiecewiseCubic::cardinal(points, params.tension, params.ends),
            Self::Natural(params) => spline(&params.knots, SplineEnds::Natural),
            Self::Clamped(params) => {
                let (start, end) = (vector(&params.start)?, vector(&params.end)?);
                spline(&params.knots, SplineEnds::Clamped { start, end })
            }
            Self::NotAKnot(params) => spline(&params.knots, SplineEnds::NotAKnot),
            Self::Periodic(params) => spline(&params.knots, SplineEnds::Periodic),
            Self::MonotoneX(_) => graph(0, Slopes::Steffen),
            Self::MonotoneY(_) => graph(1, Slopes::Steffen),
            Self::Pchip(_) => graph(0, Slopes::FritschButland),
            Self::FritschCarlson(_) => graph(0, Slopes::FritschCarlson),
            Self::Akima(_) => graph(0, Slopes::Akima),
            Self::Makima(_) => graph(0, Slopes::ModifiedAkima),
            Self::Hermite(params) => {
                let derivatives: Result<Vec<_>, _> = params.derivatives.iter().map(|d| vector(d)).collect();
                PiecewiseCubic::hermite(points, &derivatives?, &params.knots)
            }
            Self::Basis(params) => PiecewiseCubic::basis(points, params.ends),
            Self::Bundle(params) => PiecewiseCubic::bundle(points, params.beta),
        }
    }
}

/// Returns the longest side of the box around points.
fn polygon_size<const D: usize>(points: &[[f64; D]]) -> f64 {
    let extent = |axis: usize| {
        let values = points.iter().map(|point| point[axis]);
        values.clone().fold(f64::NEG_INFINITY, f64::max) - values.fold(f64::INFINITY, f64::min)
    };
    (0..D).map(extent).fold(0.0, f64::max)
}

fn vector<const D: usize>(given: &[f64]) -> Result<[f64; D], Error> {
    given.try_into().map_err(|_| Error::Dimension { needed: D, given: given.len() })
}

/// A parameter that has to lie within 0 to 1.
fn check_part(what: &'static str, given: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&given) { Ok(()) } else { Err(Error::FamilyParameter { what, given }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derivative_that_is_no_number_is_named_with_its_place() {
        let params = json!({"derivatives": [[0.0, 1.0], [1.0, "NaN"]]});
        let error = Family::named("hermite", params).unwrap().make(&[[0.0, 0.0], [1.0, 1.0]]).unwrap_err();
        assert_eq!(error.to_string(), "coordinate 1 of derivative 1 is NaN; it must be finite");
    }

    #[test]
    fn a_bezier_that_cannot_be_says_what_is_allowed() {
        let make = |params, count: u32| {
            let points: Vec<_> = (0..count).map(|i| [f64::from(i), f64::from(i * i % 7)]).collect();
            Family::named("bezier", params).unwrap().make(&points).unwrap_err().to_string()
        };
        assert!(make(json!({}), 1).contains("takes 2 to 65 control points"));
        for degree in [5, usize::MAX] {
            let error = make(json!({"degree": degree}), 3);
            assert!(error.contains(&format!("degree {degree} does not go with 3 points")), "{error}");
        }
        for count in [3, 9] {
            assert!(make(json!({"tolerance": -1.0}), count).starts_with("tolerance is -1.0"));
        }
    }

    #[test]
    fn parameters_go_by_their_names_alone() {
        for params in [json!([0.25]), json!([]), json!(0.25), json!("position")] {
            let error = Family::named("step", params.clone()).unwrap_err().to_string();
            assert!(error.ends_with(&format!("the parameters are {params}; give an object")), "{error}");
        }
        let without = Family::named("step", Value::Null).unwrap();
        assert_eq!(without, Family::Step(StepParams::default()));
        assert_eq!(Family::named("step", json!({})).unwrap(), without);
    }
}
