//! circlet's curves beside kurbo, lyon, ndarray-interp and uniform-cubic-splines, and beside plain loops: the same work,
//! one thread each unless a line says otherwise, in turns within each run.
//!
//! `cargo run --release --bin curves -- --help`. Python and Bun have scripts of their own beside this crate.

#[path = "../drawing.rs"]
mod drawing;

use std::hint::black_box;
use std::time::{Duration, Instant};

use circlet::curve::{Curve, Ends, Knots, Point, SplineEnds, sample_batch};
use clap::{Parser, ValueEnum};
use comfy_table::{Table, presets};
use kurbo::{ParamCurve, ParamCurveArclen, ParamCurveExtrema};
use lyon_geom::CubicBezierSegment;
use ndarray::{Array1, Array2};
use ndarray_interp::interp1d::Interp1DBuilder;
use ndarray_interp::interp1d::cubic_spline::CubicSpline;
use rayon::ThreadPool;
use uniform_cubic_splines::prelude::CatmullRom;
use uniform_cubic_splines::spline;

use drawing::{Random, drawing, kurbo_cubic, kurbo_path, lyon_cubic};

const MILLION: usize = 1_000_000;
const KNOTS: usize = 1000;
/// One measurement repeats its work for about this long.
const MEASUREMENT: Duration = Duration::from_millis(40);

/// Measures circlet's curves beside their peers.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which tables to measure
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Row::ALL)]
    rows: Vec<Row>,
    /// Runs, of which the medians are printed; all lines take turns within a run
    #[arg(long, default_value_t = 7)]
    runs: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Row {
    /// One cubic at a million even parameters
    Even,
    /// A natural spline of 1000 knots at a million ascending parameters
    Sorted,
    /// The same at parameters in any order
    Random,
    /// A centripetal Catmull-Rom curve of 1000 points at a million ascending parameters
    CatmullRom,
    /// 1000 cubics, 100 points each
    Batch,
    /// 10,000 cubics, 500 points each, on one core and on all
    LargeBatch,
    /// 10,000 cubics as polylines within 0.1
    Flatten,
    /// The lengths of 10,000 cubics to 1e-6
    Length,
    /// The exact bounds of 10,000 cubics
    Bounds,
}

impl Row {
    const ALL: [Self; 9] = [
        Self::Even,
        Self::Sorted,
        Self::Random,
        Self::CatmullRom,
        Self::Batch,
        Self::LargeBatch,
        Self::Flatten,
        Self::Length,
        Self::Bounds,
    ];
}

/// A line of a table: who, a remark, and the work.
struct Line<'a> {
    name: &'static str,
    remark: String,
    work: Box<dyn FnMut() + 'a>,
}

fn line<'a>(name: &'static str, work: impl FnMut() + 'a) -> Line<'a> {
    Line { name, remark: String::new(), work: Box::new(work) }
}

fn main() {
    let arguments = Arguments::parse();
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    let all = rayon::ThreadPoolBuilder::new().build().expect("a pool of all cores");
    // All of it in the pool of one thread, as handing each piece over to it would take longer than some.
    alone.install(|| {
        for row in &arguments.rows {
            measure(*row, arguments.runs, &all);
        }
    });
}

/// Measures all lines in turns and prints their medians. The first is circlet's, to which the others are compared.
fn print(title: &str, runs: usize, mut lines: Vec<Line<'_>>) {
    let mut times = vec![Vec::new(); lines.len()];
    for _ in 0..runs {
        for (line, times) in lines.iter_mut().zip(&mut times) {
            // Once for the caches, and to learn how often it fits.
            let begin = Instant::now();
            (line.work)();
            let repeats = (MEASUREMENT.as_secs_f64() / begin.elapsed().as_secs_f64()).clamp(1.0, 1e6) as u32;
            let begin = Instant::now();
            (0..repeats).for_each(|_| (line.work)());
            times.push(begin.elapsed().as_secs_f64() * 1e3 / f64::from(repeats));
        }
    }
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["", "ms", "range", "times circlet's", ""]);
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    for ((line, times), median) in lines.iter().zip(&times).zip(&medians) {
        table.add_row([
            line.name.to_owned(),
            format!("{median:.3}"),
            format!("{:.3} to {:.3}", times[0], times[times.len() - 1]),
            format!("{:.2}", median / medians[0]),
            line.remark.clone(),
        ]);
    }
    println!("\n{title}: medians of {runs} runs\n\n{table}");
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn measure(row: Row, runs: usize, all: &ThreadPool) {
    match row {
        Row::Even => even(runs, all),
        Row::Sorted => {
            interpolated("natural spline, 1000 knots, 1M ascending parameters", runs, all, ascending());
        }
        Row::Random => {
            interpolated("natural spline, 1000 knots, 1M parameters in any order", runs, all, shuffled());
        }
        Row::CatmullRom => catmull_rom(runs),
        Row::Batch => batch(runs),
        Row::LargeBatch => large_batch(runs, all),
        Row::Flatten => flatten(runs),
        Row::Length => length(runs),
        Row::Bounds => bounds(runs),
    }
}

fn even(runs: usize, all: &ThreadPool) {
    let control: [Point; 4] = [[0.0, 0.0], [120.0, 40.0], [-60.0, 40.0], [60.0, 0.0]];
    let curve = Curve::bezier(&control).expect("four points");
    let cubic = kurbo_cubic(&control);
    let us: Vec<f64> = (0..MILLION).map(|i| i as f64 / (MILLION - 1) as f64).collect();
    let mut outs = [(); 6].map(|()| vec![[0.0; 2]; MILLION]);
    let [a, b, c, d, e, f] = &mut outs;
    let (curve, us) = (&curve, &us);
    print(
        "one cubic at 1M even parameters",
        runs,
        vec![
            line("circlet, sample_into", move || curve.sample_into(black_box(a))),
            line("circlet, eval_into", move || {
                curve.eval_into(black_box(us), b).expect("as long");
            }),
            line("circlet, sample_into, all cores", move || {
                all.install(|| curve.sample_into(black_box(&mut *c)));
            }),
            line("kurbo, eval", move || {
                for (i, point) in black_box(&mut *d).iter_mut().enumerate() {
                    let p = cubic.eval(i as f64 / (MILLION - 1) as f64);
                    *point = [p.x, p.y];
                }
            }),
            line("a plain loop", move || {
                let [p0, p1, p2, p3] = black_box(control);
                let c: [Point; 4] = [
                    p0,
                    std::array::from_fn(|k| 3.0 * (p1[k] - p0[k])),
                    std::array::from_fn(|k| 3.0 * (p2[k] - 2.0 * p1[k] + p0[k])),
                    std::array::from_fn(|k| p3[k] - p0[k] - 3.0 * (p2[k] - p1[k])),
                ];
                for (i, point) in black_box(&mut *e).iter_mut().enumerate() {
                    let t = i as f64 / (MILLION - 1) as f64;
                    *point = std::array::from_fn(|k| c[0][k] + t * (c[1][k] + t * (c[2][k] + t * c[3][k])));
                }
            }),
            line("the limit: storing alone", move || black_box(&mut *f).fill(black_box([1.0, 2.0]))),
        ],
    );
}

fn ascending() -> Vec<f64> {
    (0..MILLION).map(|i| i as f64 * (KNOTS - 1) as f64 / (MILLION - 1) as f64).collect()
}

fn shuffled() -> Vec<f64> {
    let mut random = Random(7);
    (0..MILLION).map(|_| random.next() * (KNOTS - 1) as f64).collect()
}

fn interpolated(title: &str, runs: usize, all: &ThreadPool, us: Vec<f64>) {
    let points = walk();
    let curve = &Curve::spline(&points, &Knots::Uniform, SplineEnds::Natural).expect("points");
    let values = Array2::from_shape_fn((KNOTS, 2), |(i, k)| points[i][k]);
    let other = Interp1DBuilder::new(values).strategy(CubicSpline::new()).build().expect("points");
    let query = Array1::from(us.clone());
    let coefficients = coefficients(curve);
    let mut outs = [(); 3].map(|()| vec![[0.0; 2]; MILLION]);
    let [a, b, c] = &mut outs;
    let us = &us;
    print(
        title,
        runs,
        vec![
            line("circlet, eval_into", move || {
                curve.eval_into(black_box(us), a).expect("as long");
            }),
            line("circlet, eval_into, all cores", move || {
                all.install(|| curve.eval_into(black_box(us), &mut *b)).expect("as long");
            }),
            line("ndarray-interp", move || {
                black_box(other.interp_array(black_box(&query)).expect("inside"));
            }),
            line("a plain loop over uniform knots", move || {
                for (u, point) in black_box(us).iter().zip(c.iter_mut()) {
                    let i = (*u as usize).min(KNOTS - 2);
                    let (t, c) = (u - i as f64, &coefficients[i]);
                    *point = std::array::from_fn(|k| c[0][k] + t * (c[1][k] + t * (c[2][k] + t * c[3][k])));
                }
            }),
        ],
    );
}

fn catmull_rom(runs: usize) {
    let points = walk();
    let curve = &Curve::catmull_rom(&points, 0.5, Ends::Whole).expect("points");
    let us = ascending();
    let columns: [Vec<f64>; 2] = std::array::from_fn(|k| points.iter().map(|point| point[k]).collect());
    let mut outs = [(); 2].map(|()| vec![[0.0; 2]; MILLION]);
    let [a, b] = &mut outs;
    let us = &us;
    print(
        "centripetal Catmull-Rom, 1000 points, 1M ascending parameters",
        runs,
        vec![
            line("circlet, eval_into", move || {
                curve.eval_into(black_box(us), a).expect("as long");
            }),
            line("uniform-cubic-splines (uniform only)", move || {
                for (u, point) in black_box(us).iter().zip(b.iter_mut()) {
                    let t = u / (KNOTS - 1) as f64;
                    *point =
                        std::array::from_fn(|k| spline::<CatmullRom, _, _>(t, &columns[k]).expect("inside"));
                }
            }),
        ],
    );
}

fn batch(runs: usize) {
    const CURVES: usize = 1000;
    const EACH: usize = 100;
    let (curves, cubics) = drawing();
    let (curves, cubics) = (&curves[..CURVES], &cubics[..CURVES]);
    let mut outs = [(); 3].map(|()| vec![[0.0; 2]; CURVES * EACH]);
    let [a, b, c] = &mut outs;
    print(
        "1000 cubics, 100 points each",
        runs,
        vec![
            line("circlet, sample_into", move || {
                for (curve, out) in black_box(curves).iter().zip(a.chunks_exact_mut(EACH)) {
                    curve.sample_into(out);
                }
            }),
            line("kurbo, eval", move || {
                for (cubic, out) in black_box(cubics).iter().zip(b.chunks_exact_mut(EACH)) {
                    for (i, point) in out.iter_mut().enumerate() {
                        let p = cubic.eval(i as f64 / (EACH - 1) as f64);
                        *point = [p.x, p.y];
                    }
                }
            }),
            line("the limit: storing alone", move || black_box(&mut *c).fill(black_box([1.0, 2.0]))),
        ],
    );
}

fn large_batch(runs: usize, all: &ThreadPool) {
    const EACH: usize = 500;
    let (curves, _) = drawing();
    let curves = &curves;
    let mut outs = [(); 3].map(|()| vec![[0.0; 2]; curves.len() * EACH]);
    let [a, b, c] = &mut outs;
    print(
        "10,000 cubics, 500 points each",
        runs,
        vec![
            line("circlet, sample_batch", move || {
                sample_batch(black_box(curves), EACH, a).expect("room for all");
            }),
            line("circlet, sample_batch, all cores", move || {
                all.install(|| sample_batch(black_box(curves), EACH, &mut *b)).expect("room for all");
            }),
            line("the limit: storing alone", move || black_box(&mut *c).fill(black_box([1.0, 2.0]))),
        ],
    );
}

fn flatten(runs: usize) {
    const TOLERANCE: f64 = 0.1;
    let (curves, cubics) = drawing();
    let segments: Vec<CubicBezierSegment<f64>> = curves.iter().map(lyon_cubic).collect();
    let count = |curve: &Curve| curve.flatten_count(TOLERANCE).expect("a tolerance above 0");
    let total: usize = curves.iter().map(count).sum();
    let fewest =
        curves.iter().map(|curve| curve.flatten_fewest_count(TOLERANCE).expect("a tolerance above 0")).sum();
    let mut lyon_points = curves.len();
    segments.iter().for_each(|s| s.for_each_flattened(TOLERANCE, &mut |_| lyon_points += 1));
    let mut kurbo_points = 0;
    cubics.iter().for_each(|cubic| kurbo::flatten(kurbo_path(cubic), TOLERANCE, |_| kurbo_points += 1));
    let [a, b, c, d] = [(); 4].map(|()| &mut *vec![[0.0; 2]; 2 * total].leak());
    let remarked = |mut line: Line<'static>, points: usize| {
        line.remark = format!("{points} points");
        line
    };
    let (curves, cubics, segments) = (&*curves.leak(), &*cubics.leak(), &*segments.leak());
    print(
        "10,000 cubics as polylines within 0.1",
        runs,
        vec![
            remarked(
                line("circlet, flatten_into", move || {
                    let mut written = 0;
                    for curve in black_box(curves) {
                        written += curve.flatten_into(TOLERANCE, &mut a[written..]).expect("room for all");
                    }
                    black_box(written);
                }),
                total,
            ),
            remarked(
                line("circlet, flatten_fewest_into", move || {
                    let mut written = 0;
                    for curve in black_box(curves) {
                        written +=
                            curve.flatten_fewest_into(TOLERANCE, &mut d[written..]).expect("room for all");
                    }
                    black_box(written);
                }),
                fewest,
            ),
            remarked(
                line("lyon, for_each_flattened", move || {
                    let mut out = b.iter_mut();
                    let mut put = |point: lyon_geom::Point<f64>| {
                        *out.next().expect("room for all") = [point.x, point.y];
                    };
                    for segment in black_box(segments) {
                        put(segment.from);
                        segment.for_each_flattened(TOLERANCE, &mut |line| put(line.to));
                    }
                }),
                lyon_points,
            ),
            remarked(
                line("kurbo, flatten", move || {
                    let mut out = c.iter_mut();
                    for cubic in black_box(cubics) {
                        kurbo::flatten(kurbo_path(cubic), TOLERANCE, |element| {
                            if let kurbo::PathEl::MoveTo(p) | kurbo::PathEl::LineTo(p) = element {
                                *out.next().expect("room for all") = [p.x, p.y];
                            }
                        });
                    }
                }),
                kurbo_points,
            ),
        ],
    );
}

fn length(runs: usize) {
    const TOLERANCE: f64 = 1e-6;
    let (curves, cubics) = drawing();
    let segments: Vec<CubicBezierSegment<f64>> = curves.iter().map(lyon_cubic).collect();
    print(
        "the lengths of 10,000 cubics to 1e-6",
        runs,
        vec![
            line("circlet, length", || {
                let length = |curve: &Curve| curve.length(TOLERANCE).expect("a tolerance above 0");
                black_box(black_box(&curves).iter().map(length).sum::<f64>());
            }),
            line("kurbo, arclen", || {
                black_box(black_box(&cubics).iter().map(|cubic| cubic.arclen(TOLERANCE)).sum::<f64>());
            }),
            line("lyon, approximate_length", || {
                black_box(black_box(&segments).iter().map(|s| s.approximate_length(TOLERANCE)).sum::<f64>());
            }),
        ],
    );
}

fn bounds(runs: usize) {
    let (curves, cubics) = drawing();
    let segments: Vec<CubicBezierSegment<f64>> = curves.iter().map(lyon_cubic).collect();
    print(
        "the exact bounds of 10,000 cubics",
        runs,
        vec![
            line("circlet, bounds", || {
                black_box(&curves).iter().for_each(|curve| _ = black_box(curve.bounds()));
            }),
            line("kurbo, bounding_box", || {
                black_box(&cubics).iter().for_each(|cubic| _ = black_box(cubic.bounding_box()));
            }),
            line("lyon, bounding_box", || {
                black_box(&segments).iter().for_each(|segment| _ = black_box(segment.bounding_box()));
            }),
        ],
    );
}

/// A thousand points, each not far from the one before.
fn walk() -> Vec<Point> {
    let mut random = Random(3);
    let mut at = [0.0; 2];
    (0..KNOTS)
        .map(|_| {
            at = at.map(|x| x + random.next() - 0.5);
            at
        })
        .collect()
}

/// Returns the power-basis coefficients of each segment.
fn coefficients(curve: &Curve) -> Vec<[Point; 4]> {
    let each = |[p0, p1, p2, p3]: &[Point; 4]| {
        [
            *p0,
            std::array::from_fn(|k| 3.0 * (p1[k] - p0[k])),
            std::array::from_fn(|k| 3.0 * (p2[k] - 2.0 * p1[k] + p0[k])),
            std::array::from_fn(|k| p3[k] - p0[k] - 3.0 * (p2[k] - p1[k])),
        ]
    };
    curve.segments().iter().map(each).collect()
}
