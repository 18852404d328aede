//! What writes into a caller's buffer allocates nothing.
#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use circlet::curve::{Bezier, Curve, Ends, sample_batch, sample_batch_f32};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator with what it was given.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts what the second of two calls allocates: the first may prepare the curve.
fn allocations(mut call: impl FnMut()) -> usize {
    call();
    let before = ALLOCATIONS.get();
    call();
    ALLOCATIONS.get() - before
}

const POINTS: usize = 10_000;

#[test]
fn points_and_slopes_into_a_buffer_allocate_nothing() {
    let points: Vec<_> = (0..200).map(|i| [f64::from(i), f64::from(i % 7)]).collect();
    let curve = Curve::catmull_rom(&points, 0.5, Ends::default()).unwrap();
    let (first, last) = curve.domain();
    let sorted: Vec<_> = (0..POINTS).map(|j| first + (last - first) * j as f64 / POINTS as f64).collect();
    let mixed: Vec<_> = (0..POINTS).map(|j| sorted[j * 7919 % POINTS]).collect();
    let (mut out, mut narrow) = (vec![[0.0; 2]; POINTS], vec![[0.0_f32; 2]; POINTS]);
    let (mut x, mut y) = (vec![0.0; POINTS], vec![0.0; POINTS]);
    for us in [&sorted, &mixed] {
        assert_eq!(allocations(|| curve.eval_into(us, &mut out).unwrap()), 0);
        assert_eq!(allocations(|| curve.eval_into_f32(us, &mut narrow).unwrap()), 0);
        assert_eq!(allocations(|| curve.eval_into_columns(us, [&mut x, &mut y]).unwrap()), 0);
        assert_eq!(allocations(|| curve.derivative_into(us, &mut out).unwrap()), 0);
        assert_eq!(allocations(|| curve.second_derivative_into(us, &mut out).unwrap()), 0);
        assert_eq!(allocations(|| curve.derivative_into_f32(us, &mut narrow).unwrap()), 0);
        assert_eq!(allocations(|| curve.second_derivative_into_f32(us, &mut narrow).unwrap()), 0);
    }
    assert_eq!(allocations(|| curve.sample_into(&mut out)), 0);
    assert_eq!(allocations(|| curve.sample_into_f32(&mut narrow)), 0);
    assert_eq!(allocations(|| curve.sample_into_columns([&mut x, &mut y]).unwrap()), 0);
    let curves = [curve.clone(), curve];
    assert_eq!(allocations(|| sample_batch(&curves, POINTS / 2, &mut out).unwrap()), 0);
    assert_eq!(allocations(|| sample_batch_f32(&curves, POINTS / 2, &mut narrow).unwrap()), 0);
}

#[test]
fn polylines_into_a_buffer_allocate_nothing() {
    let curve = Curve::bezier(&[[0.0, 0.0], [100.0, 100.0], [0.0, 100.0], [100.0, 0.0]]).unwrap();
    let mut out = vec![[0.0; 2]; POINTS];
    assert_eq!(allocations(|| assert!(curve.flatten_into(1e-3, &mut out).unwrap() > 10)), 0);
    assert_eq!(allocations(|| assert!(curve.flatten_scaled_into(8.0, 0.1, &mut out).unwrap() > 10)), 0);
    assert_eq!(allocations(|| assert!(curve.flatten_fewest_into(1e-3, &mut out).unwrap() > 10)), 0);
    assert_eq!(allocations(|| assert!(curve.flatten_fewest_count(1e-3).unwrap() > 10)), 0);
    assert_eq!(allocations(|| assert!(curve.offset_polyline_into(5.0, 1e-3, &mut out).unwrap() > 10)), 0);
    assert_eq!(allocations(|| assert!(curve.offset_polyline_count(5.0, 1e-3).unwrap() > 10)), 0);
}

#[test]
fn a_bezier_of_a_high_degree_into_a_buffer_allocates_nothing() {
    let points: Vec<_> = (0..20).map(|i| [f64::from(i), f64::from(i % 7)]).collect();
    let curve = Bezier::new(&points).unwrap();
    let us: Vec<_> = (0..POINTS).map(|j| j as f64 / POINTS as f64).collect();
    let mut out = vec![[0.0; 2]; POINTS];
    assert_eq!(allocations(|| curve.eval_into(&us, &mut out).unwrap()), 0);
    assert_eq!(allocations(|| curve.derivative_into(&us, &mut out).unwrap()), 0);
    assert_eq!(allocations(|| curve.sample_into(&mut out)), 0);
}

#[test]
fn asking_a_curve_for_numbers_allocates_nothing() {
    let curve = Curve::bezier(&[[0.0, 0.0], [100.0, 100.0], [0.0, 100.0], [100.0, 0.0]]).unwrap();
    assert_eq!(allocations(|| assert!(curve.length(1e-6).unwrap() > 100.0)), 0);
    assert_eq!(allocations(|| assert!(curve.bounds().width() > 10.0)), 0);
}
