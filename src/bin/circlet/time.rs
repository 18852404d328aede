//! Times on the command line.

use std::time::Duration;

/// Reads a time such as `1s`, `250ms`, `10m`, `2h` or `0.5`, which is in seconds.
fn seconds(text: &str) -> Option<f64> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let unit = match unit {
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * unit)
}

/// Reads how often something is done.
pub(crate) fn parse_interval(text: &str) -> Result<Duration, String> {
    let seconds = seconds(text).filter(|seconds| (0.01..=3_600.0).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "give 10ms to 1h, as in 1s, 250ms or 0.5 (seconds)".to_owned())
}

/// Reads how long something is, or where in it.
pub(crate) fn parse_length(text: &str) -> Result<Duration, String> {
    let seconds = seconds(text).filter(|seconds| (0.0..=1e7).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "give a time, as in 90s, 10m or 0.5 (seconds)".to_owned())
}
