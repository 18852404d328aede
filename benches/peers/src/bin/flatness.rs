//! How far polylines really are from the curves that they stand for: circlet's, lyon's and kurbo's, of the same 10,000 cubics.
//!
//! `cargo run --release --bin flatness`. Nothing is timed; `--bin curves` does that.

#[path = "../drawing.rs"]
mod drawing;

use circlet::curve::{Curve, Point};
use comfy_table::{Table, presets};
use kurbo::{ParamCurve, PathEl};
use rayon::prelude::*;

use drawing::{drawing, kurbo_cubic, kurbo_path, lyon_cubic};

const TOLERANCES: [f64; 2] = [0.1, 0.25];
/// Points of the curve that are looked at, for each side of the polyline.
const SAMPLES: usize = 32;

/// Makes a polyline of a cubic, within a tolerance.
type Flatten = fn(&Curve, f64) -> Vec<Point>;

const PEERS: [(&str, Flatten); 4] = [
    ("circlet, flatten", |curve, tolerance| curve.flatten(tolerance).expect("a tolerance above 0")),
    ("circlet, flatten_fewest", |curve, tolerance| {
        curve.flatten_fewest(tolerance).expect("a tolerance above 0")
    }),
    ("lyon, for_each_flattened", lyon),
    ("kurbo, flatten", kurbo),
];

fn lyon(curve: &Curve, tolerance: f64) -> Vec<Point> {
    let cubic = lyon_cubic(curve);
    let mut points = vec![[cubic.from.x, cubic.from.y]];
    cubic.for_each_flattened(tolerance, &mut |line| points.push([line.to.x, line.to.y]));
    points
}

fn kurbo(curve: &Curve, tolerance: f64) -> Vec<Point> {
    let mut points = Vec::new();
    kurbo::flatten(kurbo_path(&kurbo_cubic(&curve.segments()[0])), tolerance, |element| {
        if let PathEl::MoveTo(p) | PathEl::LineTo(p) = element {
            points.push([p.x, p.y]);
        }
    });
    points
}

fn main() {
    let (curves, _) = drawing();
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header([
        "10,000 cubics",
        "tolerance",
        "points",
        "largest distance, in tolerances",
        "cubics that exceed it",
    ]);
    for tolerance in TOLERANCES {
        for (name, flatten) in PEERS {
            let measured = curves.par_iter().map(|curve| {
                let polyline = flatten(curve, tolerance);
                (polyline.len(), distance(curve, &polyline) / tolerance)
            });
            let measured: Vec<(usize, f64)> = measured.collect();
            let points: usize = measured.iter().map(|(points, _)| points).sum();
            let largest = measured.iter().fold(0.0, |largest: f64, (_, distance)| largest.max(*distance));
            // What rounding alone adds is far below this.
            let beyond = measured.iter().filter(|(_, distance)| *distance > 1.0 + 1e-9).count();
            table.add_row([
                name.to_owned(),
                tolerance.to_string(),
                points.to_string(),
                format!("{largest:.4}"),
                beyond.to_string(),
            ]);
        }
    }
    println!("{table}");
}

/// Returns how far a cubic goes from its polyline, each piece of it from the side that stands for it.
///
/// Points along the cubic are given to the sides in order, so that the largest of their distances is as small as it can be
/// (Alt and Godau, Computing the Frechet distance between two polygonal curves, 1995): a side elsewhere that happens to be near
/// does not count.
fn distance(curve: &Curve, polyline: &[Point]) -> f64 {
    let cubic = kurbo_cubic(&curve.segments()[0]);
    let sides: Vec<[Point; 2]> = polyline.windows(2).map(|pair| [pair[0], pair[1]]).collect();
    let count = sides.len() * SAMPLES;
    // For each side, the least that the largest distance can be if the points up to here end at it.
    let mut least = vec![f64::INFINITY; sides.len()];
    least[0] = 0.0;
    for i in 0..=count {
        let p = cubic.eval(i as f64 / count as f64);
        // A side may be so short that no point is its own.
        let mut reached = f64::INFINITY;
        for (side, least) in sides.iter().zip(&mut least) {
            reached = reached.min(*least);
            *least = reached.max(to_side([p.x, p.y], side));
        }
    }
    least[sides.len() - 1]
}

/// Returns the distance of a point from a side.
fn to_side(point: Point, [a, b]: &[Point; 2]) -> f64 {
    let (way, from) = ([b[0] - a[0], b[1] - a[1]], [point[0] - a[0], point[1] - a[1]]);
    let square = way[0] * way[0] + way[1] * way[1];
    let part = if square > 0.0 { (from[0] * way[0] + from[1] * way[1]) / square } else { 0.0 };
    let part = part.clamp(0.0, 1.0);
    (from[0] - part * way[0]).hypot(from[1] - part * way[1])
}
