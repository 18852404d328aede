//! `circlet curve`: curves of every family through points, as points, a path or a picture.

mod input;
mod jobs;
mod picture;
mod write;

use std::path::PathBuf;

use circlet::curve::{Curve, Family, PiecewiseCubic};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use input::Points;

/// Make a curve of points, and print points of it, its path, or a picture
///
/// The points are lines of "x,y" (commas, semicolons, tabs or spaces; a header line is skipped) or JSON, [[x, y], ...],
/// from FILE or standard input. Three columns make a curve in space.
///
/// Examples:
///   circlet curve catmull_rom points.csv                       100 points, evenly spaced by the parameter
///   circlet curve natural --knots chordal points.json --points 500 --json
///   circlet curve monotone_x points.csv --at 0.5,1,2.25
///   circlet curve basis --ends closed points.csv --flatten 0.1
///   circlet curve cardinal --tension 0.3 points.csv --path
///   circlet curve makima points.csv --svg curve.svg --stretch --up
///   circlet curve path drawing.txt --info
///   circlet curve --jobs < jobs.jsonl
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The curve's family; "path" reads SVG path data instead of points
    #[arg(required_unless_present = "jobs", value_parser = clap::builder::PossibleValuesParser::new(families()))]
    family: Option<String>,
    /// Where the points are; standard input if it is left out or "-"
    file: Option<PathBuf>,
    #[command(flatten)]
    params: Params,
    #[command(flatten)]
    output: Output,
    /// Read a job of JSON from each line of standard input, and write an answer of JSON for each
    #[arg(long, exclusive = true)]
    jobs: bool,
}

/// What the families take; each refuses what it does not have.
#[derive(Debug, clap::Args)]
struct Params {
    /// catmull_rom: the power of the distances that space the points, 0 to 1
    #[arg(long, help_heading = "Parameters of families", allow_negative_numbers = true)]
    alpha: Option<f64>,
    /// cardinal: 0 for round, 1 for straight
    #[arg(long, help_heading = "Parameters of families", allow_negative_numbers = true)]
    tension: Option<f64>,
    /// bundle: 0 for straight, 1 for the spline itself
    #[arg(long, help_heading = "Parameters of families", allow_negative_numbers = true)]
    beta: Option<f64>,
    /// step: where between two points it steps, 0 to 1
    #[arg(long, help_heading = "Parameters of families", allow_negative_numbers = true)]
    position: Option<f64>,
    /// catmull_rom, cardinal, basis, linear: whole, open or closed
    #[arg(long, help_heading = "Parameters of families", value_parser = ["whole", "open", "closed"])]
    ends: Option<String>,
    /// natural, clamped, not_a_knot, periodic, hermite: uniform, centripetal, chordal, a power 0 to 1, or a list "0,1,2.5"
    #[arg(long, help_heading = "Parameters of families", allow_hyphen_values = true)]
    knots: Option<String>,
    /// clamped: the derivative at the first point, "dx,dy"
    #[arg(long, help_heading = "Parameters of families", value_delimiter = ',', allow_hyphen_values = true)]
    start: Vec<f64>,
    /// clamped: the derivative at the last point
    #[arg(long, help_heading = "Parameters of families", value_delimiter = ',', allow_hyphen_values = true)]
    end: Vec<f64>,
    /// hermite: the derivative at each point, "dx,dy:dx,dy:..."
    #[arg(
        long,
        value_name = "DX,DY:...",
        help_heading = "Parameters of families",
        allow_hyphen_values = true
    )]
    derivatives: Option<String>,
}

/// What is printed, or drawn.
#[derive(Debug, clap::Args)]
struct Output {
    /// Print so many points, evenly spaced by the parameter: 1 to 100 million
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 100, help_heading = "Output",
          value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    points: u32,
    /// Print the points at these parameters
    #[arg(long, value_name = "U,U,...", value_delimiter = ',', allow_hyphen_values = true, help_heading = "Output",
          conflicts_with_all = ["points", "flatten", "path", "info"])]
    at: Vec<f64>,
    /// Print a polyline that is nowhere farther from the curve than this
    #[arg(long, value_name = "TOLERANCE", allow_negative_numbers = true, help_heading = "Output",
          conflicts_with_all = ["points", "path", "info"])]
    flatten: Option<f64>,
    /// Print the curve as SVG path data
    #[arg(long, help_heading = "Output", conflicts_with_all = ["points", "info", "json"])]
    path: bool,
    /// Print what there is to know: segments, knots, bounds, length
    #[arg(long, help_heading = "Output", conflicts_with = "points")]
    info: bool,
    /// Print JSON instead of lines
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Draw points, control polygon and curve into this file, and print nothing else unless it is asked for
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    svg: Option<PathBuf>,
    /// Draw each axis at its own scale
    #[arg(long, requires = "svg", help_heading = "Output")]
    stretch: bool,
    /// Draw y upwards, as in a chart; downwards as in SVG if it is left out
    #[arg(long, requires = "svg", help_heading = "Output")]
    up: bool,
}

fn families() -> impl Iterator<Item = &'static str> {
    Family::NAMES.into_iter().chain(["path"])
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Some(name) = &arguments.family else { return jobs::run() };
    if arguments.output.at.iter().any(|u| u.is_nan()) {
        return Err(Failure::input(
            "--at has a NaN: give parameters of the curve, such as those that --info shows",
        ));
    }
    let text = input::read(arguments.file.as_deref())?;
    if name == "path" {
        if !arguments.params.to_json()?.is_empty() {
            return Err(Failure::input("a path takes no parameters of a family"));
        }
        let curves = Curve::from_svg(text.trim()).map_err(Failure::input)?;
        return write::plane(&curves, &[], name, &arguments.output);
    }
    let family = Family::named(name, arguments.params.to_json()?.into()).map_err(Failure::input)?;
    match input::points(&text)? {
        Points::Plane(points) => {
            let curve = family.make(&points).map_err(Failure::input)?;
            write::plane(&[curve], &points, name, &arguments.output)
        }
        Points::Space(points) => {
            let curve: PiecewiseCubic<3> = family.make(&points).map_err(Failure::input)?;
            write::space(&curve, &arguments.output)
        }
    }
}

impl Params {
    fn to_json(&self) -> Result<Map<String, Value>, Failure> {
        let mut params = Map::new();
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                params.insert(name.into(), value);
            }
        };
        // JSON has no NaN, but families are to refuse it by its name.
        let number = |given: f64| if given.is_nan() { json!("NaN") } else { json!(given) };
        add("alpha", self.alpha.map(number));
        add("tension", self.tension.map(number));
        add("beta", self.beta.map(number));
        add("position", self.position.map(number));
        add("ends", self.ends.as_ref().map(|ends| json!(ends)));
        add("knots", self.knots.as_deref().map(knots).transpose()?);
        let vector = |given: &[f64]| given.iter().map(|x| number(*x)).collect::<Value>();
        let given = |given: &[f64]| (!given.is_empty()).then(|| vector(given));
        add("start", given(&self.start));
        add("end", given(&self.end));
        let rows = self.derivatives.as_deref().map(derivatives).transpose()?;
        add("derivatives", rows.map(|rows| rows.iter().map(|row| vector(row)).collect()));
        Ok(params)
    }
}

/// Reads `0,1:-2,3`.
fn derivatives(given: &str) -> Result<Vec<Vec<f64>>, Failure> {
    let row = |row: &str| row.split(',').map(|number| number.trim().parse()).collect();
    let rows: Result<_, std::num::ParseFloatError> =
        given.trim_end_matches(':').split(':').map(row).collect();
    rows.map_err(|_| {
        Failure::input(format!(
            "--derivatives is {given:?}: give a derivative for each point, as \"dx,dy:dx,dy:...\""
        ))
    })
}

/// Reads `uniform`, `0.5` or `0,1,2.5`.
fn knots(given: &str) -> Result<Value, Failure> {
    if matches!(given, "uniform" | "centripetal" | "chordal") {
        return Ok(json!(given));
    }
    let numbers: Result<Vec<f64>, _> = given.split(',').map(|number| number.trim().parse()).collect();
    match numbers.as_deref() {
        Ok([alpha]) => Ok(json!(alpha)),
        Ok(knots) => Ok(json!(knots)),
        Err(_) => Err(Failure::input(format!(
            "--knots is {given:?}: give uniform, centripetal, chordal, a number from 0 to 1, or numbers with commas between them"
        ))),
    }
}
