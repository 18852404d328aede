//! Points from a file or standard input, as lines or as JSON.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;

use crate::failure::Failure;
use circlet::curve::JsonNumber;

pub(super) enum Points {
    Plane(Vec<[f64; 2]>),
    Space(Vec<[f64; 3]>),
}

/// Reads all of a file, or of standard input.
pub(super) fn read(file: Option<&Path>) -> Result<String, Failure> {
    let blame = |what: &str, error: &io::Error| Failure::input(format!("{what} cannot be read: {error}"));
    match file.filter(|file| file.as_os_str() != "-") {
        Some(file) => fs::read_to_string(file).map_err(|error| blame(&file.display().to_string(), &error)),
        None => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map_err(|error| blame("standard input", &error))?;
            Ok(text)
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Bare(Vec<Vec<JsonNumber>>),
    Named { points: Vec<Vec<JsonNumber>> },
}

/// Reads points that all have two coordinates, or all three.
pub(super) fn points(text: &str) -> Result<Points, Failure> {
    let rows = match text.trim_start().chars().next() {
        Some('[' | '{') => match serde_json::from_str(text) {
            Ok(Document::Bare(points) | Document::Named { points }) => {
                points.into_iter().map(|point| point.into_iter().map(|number| number.0).collect()).collect()
            }
            Err(error) if error.is_syntax() || error.is_eof() => {
                return Err(Failure::input(format!("the points are no JSON: {error}")));
            }
            Err(_) => {
                return Err(Failure::input(
                    "as JSON, points are [[x, y], ...] or {\"points\": [[x, y], ...]}",
                ));
            }
        },
        _ => lines(text)?,
    };
    let width = rows.first().map_or(2, Vec::len);
    if !(2..=3).contains(&width) {
        return Err(Failure::input(format!("point 0 has {width} coordinates; 2 or 3 are needed")));
    }
    if let Some((index, row)) = rows.iter().enumerate().find(|(_, row)| row.len() != width) {
        let given = row.len();
        return Err(Failure::input(format!(
            "point {index} has {given} coordinates, and those before it {width}"
        )));
    }
    Ok(if width == 2 {
        Points::Plane(rows.iter().map(|row| [row[0], row[1]]).collect())
    } else {
        Points::Space(rows.iter().map(|row| [row[0], row[1], row[2]]).collect())
    })
}

/// Reads a point a line. Empty lines, those that begin with `#`, and a first line of names are skipped.
fn lines(text: &str) -> Result<Vec<Vec<f64>>, Failure> {
    let mut rows = Vec::new();
    let mut is_first = true;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim().trim_start_matches('\u{feff}');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let separator = |c: char| c == ',' || c == ';' || c.is_whitespace();
        let fields: Vec<&str> = line.split(separator).filter(|field| !field.is_empty()).collect();
        let row: Result<Vec<f64>, _> = fields.iter().map(|field| field.parse()).collect();
        match row {
            Ok(row) => rows.push(row),
            // Names of the columns: nothing in it is a number.
            Err(_) if is_first && fields.iter().all(|field| field.parse::<f64>().is_err()) => {}
            Err(_) => {
                let text = crate::output::harmless(line);
                return Err(Failure::input(format!(
                    "line {} is {text:?}; give two or three numbers",
                    number + 1
                )));
            }
        }
        is_first = false;
    }
    Ok(rows)
}
