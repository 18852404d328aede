//! A payload in the text formats of Prometheus and OpenMetrics.

use std::fmt::{self, Write};

use super::SessionPayload;
use super::metrics::{Amount, Identity, Instrument, Metric, families, samples};

/// The two formats, which differ in little.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    /// The text exposition format 0.0.4 of Prometheus.
    Prometheus,
    /// OpenMetrics 1.0: with units, names of counters without `_total`, and an end.
    OpenMetrics,
}

impl SessionPayload {
    /// Writes the numbers of the payload in the text format 0.0.4 of Prometheus: what is absent has no line. `docs/metrics.md` has all names.
    ///
    /// ```
    /// use circlet::payload::SessionPayload;
    ///
    /// let payload = SessionPayload::from_json(r#"{"schema": 1, "process": {"user_cpu_us": 1500000}}"#)?;
    /// let text = payload.to_prometheus();
    /// assert!(text.contains("TYPE circlet_process_cpu_seconds_total counter"));
    /// assert!(text.ends_with("\ncirclet_process_cpu_seconds_total{mode=\"user\"} 1.5\n"));
    /// # Ok::<(), circlet::payload::Error>(())
    /// ```
    pub fn to_prometheus(&self) -> String {
        written(self, Format::Prometheus)
    }

    /// Writes the same numbers in the format OpenMetrics 1.0, which has units too.
    ///
    /// ```
    /// use circlet::payload::SessionPayload;
    ///
    /// let payload = SessionPayload::from_json(r#"{"schema": 1, "process": {"rss_bytes": 4096}}"#)?;
    /// let text = payload.to_openmetrics();
    /// assert!(text.contains("# UNIT circlet_process_resident_memory_bytes bytes\n"));
    /// assert!(text.ends_with("circlet_process_resident_memory_bytes 4096\n# EOF\n"));
    /// # Ok::<(), circlet::payload::Error>(())
    /// ```
    pub fn to_openmetrics(&self) -> String {
        written(self, Format::OpenMetrics)
    }
}

fn written(payload: &SessionPayload, format: Format) -> String {
    let mut text = String::new();
    text_of(payload, format, &mut text).expect("a String takes all that is written to it");
    text
}

fn text_of(payload: &SessionPayload, format: Format, text: &mut String) -> fmt::Result {
    info(payload, format, text)?;
    for (metric, samples) in families(&samples(payload), |metric| metric.prometheus) {
        head(metric, format, text)?;
        for sample in samples {
            let labels = sample.labels.iter().map(|(name, value)| (*name, value.as_str()));
            line(metric.prometheus, labels, text)?;
            match sample.amount {
                Amount::Count(count) => writeln!(text, " {count}")?,
                // With a point or an exponent, as a reader may take digits alone for an exact integer.
                Amount::Seconds(seconds) => writeln!(text, " {seconds:?}")?,
            }
        }
    }
    if format == Format::OpenMetrics { text.write_str("# EOF\n") } else { Ok(()) }
}

fn head(metric: &Metric, format: Format, text: &mut String) -> fmt::Result {
    let family = match format {
        Format::Prometheus => metric.prometheus,
        Format::OpenMetrics => metric.prometheus.trim_end_matches("_total"),
    };
    let kind = if metric.instrument == Instrument::Counter { "counter" } else { "gauge" };
    writeln!(text, "# HELP {family} {}\n# TYPE {family} {kind}", metric.help)?;
    match ["seconds", "bytes"].iter().find(|unit| family.ends_with(&format!("_{unit}"))) {
        Some(unit) if format == Format::OpenMetrics => writeln!(text, "# UNIT {family} {unit}"),
        _ => Ok(()),
    }
}

/// Writes who the payload is of, as labels of a number that is 1.
fn info(payload: &SessionPayload, format: Format, text: &mut String) -> fmt::Result {
    let identity = Identity::of(payload);
    let pid = identity.pid.map(|pid| pid.to_string());
    let labels = [
        ("session", identity.session),
        ("pid", pid.as_deref()),
        ("runtime", identity.runtime.as_deref()),
        ("runtime_version", identity.runtime_version),
    ];
    if labels.iter().all(|(_, value)| value.is_none()) {
        return Ok(());
    }
    let (family, kind) = match format {
        Format::Prometheus => ("circlet_session_info", "gauge"),
        Format::OpenMetrics => ("circlet_session", "info"),
    };
    writeln!(text, "# HELP {family} Which session it is, and what runs it.\n# TYPE {family} {kind}")?;
    let known = labels.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    line("circlet_session_info", known, text)?;
    text.write_str(" 1\n")
}

/// Writes a name and its labels.
fn line<'a>(name: &str, labels: impl Iterator<Item = (&'a str, &'a str)>, text: &mut String) -> fmt::Result {
    text.write_str(name)?;
    let mut separator = '{';
    for (name, value) in labels {
        let value = value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
        write!(text, "{separator}{name}=\"{value}\"")?;
        separator = ',';
    }
    if separator == ',' { text.write_char('}') } else { Ok(()) }
}
