//! The numbers of a payload as samples of metrics.

use std::collections::BTreeSet;

use serde_json::Value;

use super::SessionPayload;
use super::metric_table::METRICS;

/// What kind of number a metric is, as OpenTelemetry has it. For Prometheus the last two are gauges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instrument {
    /// Only grows.
    Counter,
    /// Adds up over processes.
    UpDownCounter,
    /// Does not.
    Gauge,
}

/// A label of a metric.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// Its name for Prometheus.
    pub(super) name: &'static str,
    /// Its value, where it is no part of the path.
    pub(super) fixed: Option<&'static str>,
}

/// One kind of fact of a payload, and the metric that it is.
#[derive(Debug)]
pub(super) struct Metric {
    /// Its path in the canonical form. `*` is any key, or an element of a list that has an `id`, and `a|b` is one of these; each of them is
    /// a label. So is, as the last, a fact that is a word, whose number is 1.
    pub(super) path: &'static str,
    pub(super) labels: &'static [Label],
    pub(super) instrument: Instrument,
    /// Its name for Prometheus, which ends with its base unit.
    pub(super) prometheus: &'static str,
    /// Its name for OpenTelemetry.
    pub(super) opentelemetry: &'static str,
    /// Its unit for OpenTelemetry, in UCUM.
    pub(super) unit: &'static str,
    pub(super) help: &'static str,
}

/// A number in the base unit of its metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Amount {
    Count(u64),
    Seconds(f64),
}

/// A number of a payload.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) metric: &'static Metric,
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) amount: Amount,
}

/// Who a payload is of.
pub(super) struct Identity<'a> {
    pub(super) session: Option<&'a str>,
    pub(super) pid: Option<u64>,
    /// The runtime's name in lower case.
    pub(super) runtime: Option<String>,
    pub(super) runtime_version: Option<&'a str>,
}

impl<'a> Identity<'a> {
    pub(super) fn of(payload: &'a SessionPayload) -> Self {
        let metadata = payload.metadata.as_ref();
        let env = metadata.and_then(|metadata| metadata.env.as_ref());
        let bun =
            metadata.and_then(|metadata| metadata.bun.as_ref()).map(|bun| ("bun".to_owned(), &bun.version));
        let others = [("nodejs", &payload.node), ("python", &payload.python), ("native", &payload.native)];
        let mut others = others.into_iter().filter_map(|(name, runtime)| {
            let runtime = runtime.as_ref()?;
            // Python's implementations have names of their own, as `cpython`.
            let own = runtime.implementation.as_ref().filter(|_| name != "nodejs");
            Some((own.map_or(name.to_owned(), |own| own.to_lowercase()), &runtime.version))
        });
        let runtime = bun.or_else(|| others.next());
        Self {
            session: env.and_then(|env| env.session.as_deref()),
            pid: env.and_then(|env| env.process_id),
            runtime_version: runtime.as_ref().and_then(|(_, version)| version.as_deref()),
            runtime: runtime.map(|(name, _)| name),
        }
    }
}

/// Returns the numbers of a payload, those of one metric with the same labels once.
pub(super) fn samples(payload: &SessionPayload) -> Vec<Sample> {
    let root = payload.to_value();
    let mut found = Vec::new();
    for metric in METRICS {
        let parts: Vec<_> = metric.path.split('.').collect();
        look(metric, &root, &parts, &mut Vec::new(), &mut found);
    }
    let mut seen = BTreeSet::new();
    found.retain(|sample| seen.insert((sample.metric.prometheus, sample.labels.clone())));
    found
}

/// Groups samples by a name of their metrics, in the table's order.
pub(super) fn families(
    samples: &[Sample],
    name: fn(&Metric) -> &'static str,
) -> Vec<(&'static Metric, Vec<&Sample>)> {
    let mut seen = BTreeSet::new();
    let first = samples.iter().map(|sample| sample.metric).filter(|metric| seen.insert(name(metric)));
    let of = |metric| samples.iter().filter(|sample| name(sample.metric) == name(metric)).collect();
    first.map(|metric| (metric, of(metric))).collect()
}

/// Follows a path through a value, and notes the keys on the way that are labels.
fn look(
    metric: &'static Metric,
    value: &Value,
    path: &[&str],
    keys: &mut Vec<String>,
    found: &mut Vec<Sample>,
) {
    let Some((part, rest)) = path.split_first() else {
        found.extend(sample(metric, value, keys));
        return;
    };
    let mut below = |key: &str, value: &Value| {
        keys.push(key.to_owned());
        look(metric, value, rest, keys, found);
        keys.pop();
    };
    match (*part, value) {
        ("*", Value::Object(members)) => members.iter().for_each(|(key, value)| below(key, value)),
        ("*", Value::Array(items)) => {
            let named = items.iter().filter_map(|item| Some((item["id"].as_str()?, item)));
            named.for_each(|(id, item)| below(id, item));
        }
        (part, Value::Object(members)) if part.contains('|') => {
            part.split('|')
                .filter_map(|key| Some((key, members.get(key)?)))
                .for_each(|(key, value)| below(key, value));
        }
        (part, Value::Object(members)) => {
            if let Some(value) = members.get(part) {
                look(metric, value, rest, keys, found);
            }
        }
        _ => {}
    }
}

fn sample(metric: &'static Metric, value: &Value, keys: &[String]) -> Option<Sample> {
    let amount = match value {
        Value::String(_) => Amount::Count(1),
        value => in_base_unit(metric.path, value.as_u64()?),
    };
    let mut keys = keys.iter().map(String::as_str).chain(value.as_str());
    let labels = metric.labels.iter().map(|label| {
        let value = label.fixed.or_else(|| keys.next()).unwrap_or_default();
        (label.name, value.to_owned())
    });
    Some(Sample { metric, labels: labels.collect(), amount })
}

/// Reads an integer in the unit that the end of its path says.
fn in_base_unit(path: &str, integer: u64) -> Amount {
    let path = path.trim_end_matches(".*");
    for (unit, per_second) in [("_ms", 1e3), ("_us", 1e6), ("_ns", 1e9)] {
        if path.ends_with(unit) {
            return Amount::Seconds(integer as f64 / per_second);
        }
    }
    Amount::Count(integer)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use super::super::otlp::{CONVENTIONS, attribute_name};
    use super::*;

    /// Begins the table in `docs/metrics.md`.
    const MARK: &str = "<!-- The table of src/payload/metric_table.rs -->\n";

    /// Says how far the conventions are settled from which an OpenTelemetry name is.
    fn status(name: &str) -> &'static str {
        match name.split('.').next() {
            Some("circlet") => "ours",
            Some("process") => "candidate",
            Some("system" | "nodejs") => "development",
            _ => panic!("{name}: look up how far it is settled in {CONVENTIONS}"),
        }
    }

    fn row(metric: &Metric) -> String {
        let label = |label: &Label| match label.fixed {
            Some(value) => format!("`{}=\"{value}\"`", label.name),
            None => format!("`{}`", label.name),
        };
        let labels: Vec<_> = metric.labels.iter().map(label).collect();
        let kind = match metric.instrument {
            Instrument::Counter => "counter",
            Instrument::UpDownCounter => "up-down counter",
            Instrument::Gauge => "gauge",
        };
        let Metric { prometheus, opentelemetry, unit, .. } = metric;
        let (path, labels, status) =
            (metric.path.replace('|', "\\|"), labels.join(", "), status(opentelemetry));
        format!(
            "| `{path}` | `{prometheus}` | {labels} | {kind} | `{opentelemetry}` | `{unit}` | {status} |\n"
        )
    }

    #[test]
    fn the_documentation_has_the_table() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
        let text = fs::read_to_string(&file).unwrap();
        let (prose, _) = text.split_once(MARK).unwrap();
        let head = "| fact | Prometheus | labels | kind | OpenTelemetry | unit | status |\n|---|---|---|---|---|---|---|\n";
        let rows: String = METRICS.iter().map(row).collect();
        let wanted = format!("{prose}{MARK}\n{head}{rows}");
        if std::env::var_os("CIRCLET_BLESS").is_some() {
            fs::write(&file, &wanted).unwrap();
        }
        assert!(
            fs::read_to_string(&file).unwrap() == wanted,
            "run the tests with CIRCLET_BLESS=1, and read the diff"
        );
        assert!(prose.contains(CONVENTIONS));
        let labels = METRICS.iter().flat_map(|metric| metric.labels).map(|label| attribute_name(label.name));
        for attribute in labels.filter(|name| !name.starts_with("circlet.")) {
            assert!(prose.contains(&format!("`{attribute}`")), "{attribute}");
        }
    }

    #[test]
    fn names_say_the_base_unit_and_what_only_grows() {
        for metric in METRICS {
            let name = metric.prometheus;
            assert_eq!(name.ends_with("_total"), metric.instrument == Instrument::Counter, "{name}");
            let unit = match in_base_unit(metric.path, 0) {
                Amount::Seconds(_) => "s",
                Amount::Count(_) if metric.path.contains("bytes") => "By",
                Amount::Count(_) => "",
            };
            let base = name.trim_end_matches("_total");
            assert_eq!(base.ends_with("_seconds"), unit == "s", "{name}");
            assert_eq!(base.ends_with("_bytes"), unit == "By", "{name}");
            assert_eq!(["s", "By"].contains(&metric.unit), !unit.is_empty(), "{name}: {}", metric.unit);
            let fixed = metric.labels.iter().filter(|label| label.fixed.is_some()).count();
            let keys = metric.path.matches(['*']).count() + usize::from(metric.path.contains('|'));
            let word = usize::from(metric.path.ends_with(".state"));
            assert_eq!(metric.labels.len(), fixed + keys + word, "{name}");
        }
    }

    #[test]
    fn rows_of_one_name_are_one_metric() {
        let mut by_name = BTreeMap::new();
        for metric in METRICS {
            let labels: Vec<_> = metric.labels.iter().map(|label| label.name).collect();
            let said = (metric.instrument, metric.unit, metric.help, labels);
            for name in [metric.prometheus, metric.opentelemetry] {
                assert_eq!(by_name.entry(name).or_insert_with(|| said.clone()), &said, "{name}");
            }
        }
        let mut paths = BTreeSet::new();
        assert!(METRICS.iter().all(|metric| paths.insert(metric.path)));
        // A name of OpenTelemetry is no namespace of others.
        for name in by_name.keys() {
            assert!(!by_name.keys().any(|other| other.starts_with(&format!("{name}."))), "{name}");
        }
    }

    /// Numbers that are no metric: ids, versions, a record of its own each, and amounts of a unit that another field says.
    #[cfg(feature = "cli")]
    const NO_METRICS: &[&str] = &[
        "audit.last.*.omitted",
        "audit.last.*.run",
        "audit.last.*.self_reported.line",
        "audit.last.*.session",
        "audit.last.*.thread",
        "audit.last.*.unix_ms",
        "executors.*.pid",
        "metadata.env.process_id",
        "policies.*.version",
        "worker_threads.limits.*.requested",
        "worker_threads.registry.*.pid",
    ];

    #[cfg(feature = "cli")]
    fn numbers(root: &Value, schema: &Value, path: &str, found: &mut Vec<String>) {
        let schema = match schema["$ref"].as_str() {
            Some(place) => root.pointer(place.trim_start_matches('#')).unwrap(),
            None => schema,
        };
        let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match schema["type"].as_str() {
            Some("integer") => found.push(path.to_owned()),
            Some("array") => numbers(root, &schema["items"], &at("*"), found),
            Some("object") => match schema["properties"].as_object() {
                Some(fields) => {
                    fields.iter().for_each(|(name, field)| numbers(root, field, &at(name), found));
                }
                None => numbers(root, &schema["additionalProperties"], &at("*"), found),
            },
            _ => {}
        }
    }

    #[cfg(feature = "cli")]
    #[test]
    fn every_number_of_the_schema_is_a_metric_or_known_to_be_none() {
        let schema = crate::payload::json_schema();
        let mut found = Vec::new();
        numbers(&schema, &schema, "", &mut found);
        assert!(found.len() > 100);
        let fits = |pattern: &str, path: &str| {
            let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('.').collect(), path.split('.').collect());
            pattern.len() == path.len()
                && pattern.iter().zip(path).all(|(part, key)| part.split('|').any(|word| word == key))
        };
        found.retain(|path| !METRICS.iter().any(|metric| fits(metric.path, path)));
        assert_eq!(found, NO_METRICS, "add them to the table, or say why they are no metrics");
    }
}
