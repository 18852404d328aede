//! Curves at the speed of memory: each operation beside a physical limit, or beside kurbo doing the same.
//!
//!     cargo bench --bench curve

use std::hint::black_box;

use circlet::curve::{Curve, Point, Rect};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kurbo::{CubicBez, ParamCurveArclen, ParamCurveExtrema};

const SAMPLES: usize = 1_000_000;
const CUBICS: usize = 10_000;

/// A million points of one cubic into a buffer that was written before, beside a loop that only stores as many bytes.
fn sampling(criterion: &mut Criterion) {
    let curve = Curve::bezier(&[[0.0, 0.0], [120.0, 40.0], [-60.0, 40.0], [60.0, 0.0]]).expect("four points");
    let us: Vec<f64> = (0..SAMPLES).map(|i| i as f64 / (SAMPLES - 1) as f64).collect();
    let mut out = vec![[0.0; 2]; SAMPLES];
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");

    let mut group = criterion.benchmark_group("sample a cubic at 1M parameters");
    group.throughput(Throughput::Bytes(size_of_val(&out[..]) as u64));
    group.bench_function("plain stores", |bencher| {
        bencher.iter(|| {
            let value = black_box([1.0, 2.0]);
            black_box(&mut out).fill(value);
        });
    });
    group.bench_function("sample_into, 1 thread", |bencher| {
        bencher.iter(|| alone.install(|| curve.sample_into(black_box(&mut out))));
    });
    group.bench_function("sample_into", |bencher| bencher.iter(|| curve.sample_into(black_box(&mut out))));
    group.bench_function("eval_into, 1 thread", |bencher| {
        bencher.iter(|| alone.install(|| curve.eval_into(black_box(&us), &mut out)));
    });
    group.bench_function("eval_into", |bencher| bencher.iter(|| curve.eval_into(black_box(&us), &mut out)));
    group.finish();
}

/// Ten thousand cubics within a tenth of a unit, as points into a buffer.
fn flattening(criterion: &mut Criterion) {
    let (curves, cubics) = drawing();
    let count = |curve: &Curve| curve.flatten_count(0.1).expect("a tolerance above 0");
    let total: usize = curves.iter().map(count).sum();

    let mut group = criterion.benchmark_group("flatten 10k cubics at 0.1");
    group.throughput(Throughput::Elements(CUBICS as u64));
    group.bench_function("circlet", |bencher| {
        let mut out = vec![[0.0; 2]; total];
        bencher.iter(|| {
            let mut written = 0;
            for curve in black_box(&curves) {
                written += curve.flatten_into(0.1, &mut out[written..]).expect("room for all");
            }
            written
        });
    });
    group.bench_function("circlet, fewest points", |bencher| {
        let mut out = vec![[0.0; 2]; total];
        bencher.iter(|| {
            let mut written = 0;
            for curve in black_box(&curves) {
                written += curve.flatten_fewest_into(0.1, &mut out[written..]).expect("room for all");
            }
            written
        });
    });
    group.bench_function("kurbo", |bencher| {
        bencher.iter_batched_ref(
            || Vec::<Point>::with_capacity(2 * total),
            |out| {
                for cubic in black_box(&cubics) {
                    let path = [
                        kurbo::PathEl::MoveTo(cubic.p0),
                        kurbo::PathEl::CurveTo(cubic.p1, cubic.p2, cubic.p3),
                    ];
                    kurbo::flatten(path, 0.1, |element| {
                        if let kurbo::PathEl::MoveTo(p) | kurbo::PathEl::LineTo(p) = element {
                            out.push([p.x, p.y]);
                        }
                    });
                }
                out.len()
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

/// The lengths of ten thousand cubics, to a thousandth of a unit, a millionth and a billionth.
fn lengths(criterion: &mut Criterion) {
    let (curves, cubics) = drawing();
    for tolerance in [1e-3, 1e-6, 1e-9] {
        let mut group = criterion.benchmark_group(format!("length of 10k cubics at {tolerance:e}"));
        group.throughput(Throughput::Elements(CUBICS as u64));
        group.bench_function("circlet", |bencher| {
            let length = |curve: &Curve| curve.length(tolerance).expect("a tolerance above 0");
            bencher.iter(|| black_box(&curves).iter().map(length).sum::<f64>());
        });
        group.bench_function("kurbo", |bencher| {
            bencher.iter(|| black_box(&cubics).iter().map(|cubic| cubic.arclen(tolerance)).sum::<f64>());
        });
        group.finish();
    }
}

/// The box around ten thousand cubics.
fn boxes(criterion: &mut Criterion) {
    let (curves, cubics) = drawing();
    let mut group = criterion.benchmark_group("bounds of 10k cubics");
    group.throughput(Throughput::Elements(CUBICS as u64));
    group.bench_function("circlet", |bencher| {
        bencher.iter(|| black_box(&curves).iter().map(Curve::bounds).reduce(Rect::union));
    });
    group.bench_function("kurbo", |bencher| {
        let union = |a: kurbo::Rect, b: kurbo::Rect| a.union(b);
        bencher.iter(|| black_box(&cubics).iter().map(CubicBez::bounding_box).reduce(union));
    });
    group.finish();
}

/// Cubics with control points all over a square of 100 units, the same ones each time.
fn drawing() -> (Vec<Curve>, Vec<CubicBez>) {
    // The 64-bit generator of Knuth's MMIX.
    let mut state = 1_u64;
    let mut coordinate = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 * 100.0
    };
    let mut cubic = || -> [Point; 4] { std::array::from_fn(|_| [coordinate(), coordinate()]) };
    let points: Vec<_> = (0..CUBICS).map(|_| cubic()).collect();
    let curves = points.iter().map(|points| Curve::bezier(points).expect("four points"));
    let cubics = points.iter().map(|points| {
        let [a, b, c, d] = points.map(|[x, y]| kurbo::Point::new(x, y));
        CubicBez::new(a, b, c, d)
    });
    (curves.collect(), cubics.collect())
}

criterion_group!(benches, sampling, flattening, lengths, boxes);
criterion_main!(benches);
