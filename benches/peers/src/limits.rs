//! What the machine itself can do, measured in the same run.

use std::hint;
use std::time::{Duration, Instant};

use crate::row::Row;

/// Copies a frame within the cache for a while, and returns the bytes in a second.
pub(crate) fn copy_bytes_per_second(row: Row) -> f64 {
    let (source, mut target) = (vec![1_u8; row.frame_bytes()], vec![0; row.frame_bytes()]);
    let begin = Instant::now();
    let mut copied = 0;
    while begin.elapsed() < Duration::from_millis(100) {
        for _ in 0..1000 {
            hint::black_box(&mut target).copy_from_slice(hint::black_box(&source));
        }
        copied += 1000 * source.len();
    }
    copied as f64 / begin.elapsed().as_secs_f64()
}
