//! Times on the command line.

use std::time::Duration;

/// Reads a time such as `1s`, `250ms`, `10m`, `2h`, `1d` or `0.5`, which is in seconds.
fn seconds(text: &str) -> Option<f64> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let unit = match unit {
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
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

/// Reads for how long something stays or may take.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let seconds = seconds(text).filter(|seconds| (0.01..=365.0 * 86_400.0).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "give 10ms to 365d, as in 90s, 10m, 2h or 1d".to_owned())
}

/// Reads how long something is, or where in it.
pub(crate) fn parse_length(text: &str) -> Result<Duration, String> {
    let seconds = seconds(text).filter(|seconds| (0.0..=1e7).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "give a time, as in 90s, 10m or 0.5 (seconds)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_up_to_days_and_bounds() {
        let s = |text| parse_duration(text).map(|duration| duration.as_secs_f64());
        assert_eq!([s("10ms"), s("90"), s("2h"), s("1d")], [Ok(0.01), Ok(90.0), Ok(7_200.0), Ok(86_400.0)]);
        for wrong in ["", "0s", "1ms", "366d", "h", "1w", "NaN", "-1s", "inf"] {
            assert!(parse_duration(wrong).unwrap_err().contains("as in 90s, 10m, 2h or 1d"), "{wrong}");
        }
        assert!(parse_interval("2h").is_err());
    }
}
