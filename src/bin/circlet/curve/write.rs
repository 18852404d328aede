//! What is printed of a curve.

use circlet::curve::{Curve, Error, PiecewiseCubic, Point};
use serde_json::{Value, json};

use super::{Output, picture};
use crate::failure::Failure;
use crate::output;

/// How exact a printed length is, as a part of the size of the curve's bounds.
pub(super) const LENGTH_TOLERANCE: f64 = 1e-13;

/// Prints, or draws, curves of the plane.
pub(super) fn plane(
    curves: &[Curve],
    points: &[Point],
    family: &str,
    output: &Output,
) -> Result<(), Failure> {
    if let Some(place) = &output.svg {
        picture::draw(curves, points, family, place, output.stretch, output.up)?;
    }
    if output.path {
        let path: String = curves.iter().map(Curve::to_svg).collect();
        return output::print(path);
    }
    let asked_for = !output.at.is_empty() || output.flatten.is_some() || output.info || output.json;
    if output.svg.is_some() && !asked_for {
        return Ok(());
    }
    print(curves, output)
}

/// Prints a curve in space.
pub(super) fn space(curve: &PiecewiseCubic<3>, output: &Output) -> Result<(), Failure> {
    if output.svg.is_some() || output.path {
        return Err(Failure::input(
            "a curve in space has no picture and no path: give points of two coordinates",
        ));
    }
    print(std::slice::from_ref(curve), output)
}

fn print<const D: usize>(curves: &[PiecewiseCubic<D>], output: &Output) -> Result<(), Failure> {
    if output.info {
        let facts: Vec<Value> = curves.iter().map(facts).collect::<Result<_, _>>().map_err(Failure::run)?;
        return if output.json {
            output::print(if let [one] = &facts[..] { one.clone() } else { facts.into() })
        } else {
            facts.iter().try_for_each(|facts| output::print(table(facts)))
        };
    }
    let points: Vec<Vec<[f64; D]>> =
        curves.iter().map(|curve| wanted(curve, output)).collect::<Result<_, _>>().map_err(Failure::input)?;
    if output.json {
        return output::print(if let [one] = &points[..] {
            rows(one)
        } else {
            points.iter().map(|one| rows(one)).collect()
        });
    }
    for (i, points) in points.iter().enumerate() {
        let gap = if i > 0 { "\n" } else { "" };
        let lines: Vec<String> = points.iter().map(|point| point.map(|x| x.to_string()).join(",")).collect();
        if !output::print_line(format_args!("{gap}{}", lines.join("\n")))? {
            break;
        }
    }
    Ok(())
}

fn rows<const D: usize>(points: &[[f64; D]]) -> Value {
    points.iter().map(|point| json!(point.as_slice())).collect()
}

fn wanted<const D: usize>(curve: &PiecewiseCubic<D>, output: &Output) -> Result<Vec<[f64; D]>, Error> {
    if let Some(tolerance) = output.flatten {
        return curve.flatten(tolerance);
    }
    let count = if output.at.is_empty() { output.points as usize } else { output.at.len() };
    let mut points = vec![[0.0; D]; count];
    if output.at.is_empty() {
        curve.sample_into(&mut points);
    } else {
        curve.eval_into(&output.at, &mut points)?;
    }
    Ok(points)
}

fn facts<const D: usize>(curve: &PiecewiseCubic<D>) -> Result<Value, Error> {
    let bounds = curve.bounds();
    Ok(json!({
        "segments": curve.segment_count(),
        "domain": [curve.domain().0, curve.domain().1],
        "start": curve.start().as_slice(),
        "end": curve.end().as_slice(),
        "min": bounds.min.as_slice(),
        "max": bounds.max.as_slice(),
        "length": curve.length(length_tolerance(curve))?,
        "knots": curve.knots(),
    }))
}

/// Returns the tolerance of a length that is to have nearly all of its digits.
pub(super) fn length_tolerance<const D: usize>(curve: &PiecewiseCubic<D>) -> f64 {
    let size = curve.bounds().size().into_iter().fold(0.0, f64::max);
    (LENGTH_TOLERANCE * size).max(f64::MIN_POSITIVE)
}

fn table(facts: &Value) -> String {
    let shown = |name: &str| match &facts[name] {
        Value::Array(numbers) => numbers.iter().map(Value::to_string).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    let names = ["segments", "domain", "start", "end", "min", "max", "length"];
    names.map(|name| format!("{name:<9} {}", shown(name))).join("\n")
}
