//! `circlet curve --jobs`: a job of JSON a line in, an answer of JSON a line out, in the same order.

use std::io::{self, BufRead};

use circlet::curve::{Align, Bezier, Curve, Error, Family, Fit, JsonNumber, Point, Rect};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::write::length_tolerance;
use crate::failure::Failure;
use crate::output;

#[derive(Deserialize)]
struct Job {
    family: String,
    #[serde(default)]
    params: Value,
    points: Vec<Vec<JsonNumber>>,
    #[serde(default)]
    eval: Vec<JsonNumber>,
    #[serde(default)]
    want: Vec<Want>,
    #[serde(default)]
    flatten: Vec<JsonNumber>,
    fit: Option<FitJob>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Want {
    Segments,
    Knots,
    Bounds,
    Length,
    Flatten,
    Fit,
}

#[derive(Deserialize)]
struct FitJob {
    #[serde(rename = "box")]
    target: [f64; 4],
    mode: Mode,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Stretch,
    Contain,
    Cover,
}

/// Answers each line of standard input until it ends. A job that cannot be done gets an answer that says why.
pub(super) fn run() -> Result<(), Failure> {
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| Failure::input(format!("standard input cannot be read: {error}")))?;
        if line.trim().is_empty() {
            continue;
        }
        if !output::print_line(answer(&line))? {
            break;
        }
    }
    Ok(())
}

fn answer(line: &str) -> Value {
    let refuse = |problem: String| json!({ "error": problem });
    let (job, id) = match serde_json::from_str::<Value>(line) {
        Ok(value) => {
            let id = value.get("id").cloned();
            (serde_json::from_value::<Job>(value), id)
        }
        Err(error) => return refuse(format!("the job is no JSON: {error}")),
    };
    let mut answer = match job {
        Ok(job) => solve(&job).unwrap_or_else(|error| refuse(error.to_string())),
        Err(error) => refuse(format!("the job is not understood: {error}")),
    };
    if let (Some(id), Some(answer)) = (id, answer.as_object_mut()) {
        answer.insert("id".into(), id);
    }
    answer
}

fn solve(job: &Job) -> Result<Value, Error> {
    let family = Family::named(&job.family, job.params.clone())?;
    let points = job.points.iter().map(|point| match point[..] {
        [x, y] => Ok([x.0, y.0]),
        _ => Err(Error::Dimension { needed: 2, given: point.len() }),
    });
    let points: Vec<Point> = points.collect::<Result<_, _>>()?;
    let curve: Curve = family.make(&points)?;
    let mut answer = Map::new();
    if !job.eval.is_empty() {
        // Cubics that stand for a higher degree are near it; its own points are exact.
        let native = match family {
            Family::Bezier(_) if points.len() > 4 => Some(Bezier::new(&points)?),
            _ => None,
        };
        let values = |JsonNumber(u): &JsonNumber| match &native {
            Some(bezier) => json!({ "p": bezier.eval(*u), "d1": bezier.derivative(*u) }),
            None => {
                json!({ "p": curve.eval(*u), "d1": curve.derivative(*u), "d2": curve.second_derivative(*u) })
            }
        };
        answer.insert("eval".into(), job.eval.iter().map(values).collect());
    }
    for want in &job.want {
        let (name, value) = match want {
            Want::Segments => {
                ("segments", json!(curve.segments().iter().map(|s| s.as_flattened()).collect::<Vec<_>>()))
            }
            Want::Knots => ("knots", json!(curve.knots())),
            Want::Bounds => {
                let Rect { min, max } = curve.bounds();
                ("bounds", json!([min[0], min[1], max[0], max[1]]))
            }
            Want::Length => ("length", json!(curve.length(length_tolerance(&curve))?)),
            Want::Flatten => {
                let polylines: Result<Vec<_>, _> =
                    job.flatten.iter().map(|tolerance| curve.flatten(tolerance.0)).collect();
                ("flatten", json!(polylines?))
            }
            Want::Fit => ("fit", fit(&curve, job.fit.as_ref())?),
        };
        answer.insert(name.into(), value);
    }
    Ok(answer.into())
}

fn fit(curve: &Curve, job: Option<&FitJob>) -> Result<Value, Error> {
    let Some(FitJob { target: [x, y, width, height], mode }) = job else { return Ok(Value::Null) };
    let mode = match mode {
        Mode::Stretch => Fit::Stretch,
        Mode::Contain => Fit::Contain,
        Mode::Cover => Fit::Cover,
    };
    let target = Rect::from_corner_and_size([*x, *y], [*width, *height]);
    let map = curve.fit_to_box(target, mode, Align::CENTER)?;
    Ok(json!([map.a, map.b, map.c, map.d, map.e, map.f]))
}
