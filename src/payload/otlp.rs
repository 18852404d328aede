//! A payload as metrics of OpenTelemetry, in OTLP/JSON.

use serde_json::{Map, Value, json};

use super::SessionPayload;
use super::metrics::{Amount, Identity, Instrument, Metric, Sample, families, samples};

/// The version of the semantic conventions that names are taken from.
pub(super) const CONVENTIONS: &str = "https://opentelemetry.io/schemas/1.44.0";
/// `AGGREGATION_TEMPORALITY_CUMULATIVE`: OTLP/JSON has enums as numbers.
const CUMULATIVE: u64 = 2;

/// The attributes that the labels are whose names the conventions have; the others are `circlet.` and the label.
const ATTRIBUTES: &[(&str, &str)] =
    &[("direction", "network.io.direction"), ("fault", "system.paging.fault.type"), ("mode", "cpu.mode")];

/// What the conventions call processors, and what machines do.
const ARCHITECTURES: &[(&str, &str)] = &[
    ("x86_64", "amd64"),
    ("x64", "amd64"),
    ("amd64", "amd64"),
    ("aarch64", "arm64"),
    ("arm64", "arm64"),
    ("armv7l", "arm32"),
    ("arm", "arm32"),
    ("i686", "x86"),
    ("ia32", "x86"),
    ("ppc64le", "ppc64"),
    ("s390x", "s390x"),
];
const SYSTEMS: &[&str] = &["linux", "darwin", "windows", "freebsd", "netbsd", "openbsd", "solaris", "aix"];

impl SessionPayload {
    /// Returns the numbers of the payload as metrics of OpenTelemetry, in the JSON form of OTLP that a collector takes at `/v1/metrics`:
    /// what is absent is left out. `docs/metrics.md` has all names.
    ///
    /// ```
    /// use circlet::payload::SessionPayload;
    ///
    /// let text = r#"{"schema": 1, "captured_at_ms": 1763820676123, "process": {"threads": 3}}"#;
    /// let otlp = SessionPayload::from_json(text)?.to_otlp();
    /// let metric = &otlp["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][1];
    /// assert_eq!(metric["name"], "process.thread.count");
    /// assert_eq!(metric["sum"]["dataPoints"][0]["asInt"], "3");
    /// # Ok::<(), circlet::payload::Error>(())
    /// ```
    pub fn to_otlp(&self) -> Value {
        let samples = samples(self);
        let times = Times::of(self);
        let metrics = families(&samples, |metric| metric.opentelemetry);
        let metrics: Vec<_> = metrics.iter().map(|(first, samples)| metric(first, samples, &times)).collect();
        json!({ "resourceMetrics": [{
            "resource": { "attributes": resource(self) },
            "scopeMetrics": [{
                "scope": { "name": "circlet", "version": env!("CARGO_PKG_VERSION") },
                "metrics": metrics,
                "schemaUrl": CONVENTIONS,
            }],
            "schemaUrl": CONVENTIONS,
        }]})
    }
}

/// Since when sums are sums, and of when they are.
struct Times<'a> {
    payload: &'a SessionPayload,
    captured: Option<String>,
    /// The start of the process.
    started: Option<String>,
}

impl<'a> Times<'a> {
    fn of(payload: &'a SessionPayload) -> Self {
        let captured_ms = payload.captured_at_ms;
        let env = payload.metadata.as_ref().and_then(|metadata| metadata.env.as_ref());
        let uptime_ms = env.and_then(|env| env.uptime_ms);
        let started_ms =
            captured_ms.zip(uptime_ms).and_then(|(captured, uptime)| captured.checked_sub(uptime));
        Self {
            payload,
            captured: captured_ms.and_then(nanoseconds),
            started: started_ms.and_then(nanoseconds),
        }
    }

    /// The start of what a sample is a sum of: a worker's own, else that of the process, where it counts in the process.
    fn start_of(&self, sample: &Sample) -> Option<String> {
        let path = sample.metric.path;
        if path.starts_with("worker_threads.registry.") {
            let (_, id) = sample.labels.iter().find(|(name, _)| *name == "worker")?;
            let workers = self.payload.worker_threads.as_ref()?.registry.as_ref()?;
            return workers.get(id)?.created_at_ms.and_then(nanoseconds);
        }
        // A ring, a cache or an executor may be older or younger than the process.
        let in_process = ["process.", "bun.", "node|", "worker_threads.", "audit."];
        in_process.iter().any(|start| path.starts_with(start)).then(|| self.started.clone())?
    }
}

/// The protobuf JSON mapping has integers of 64 bits as strings.
fn nanoseconds(ms: u64) -> Option<String> {
    ms.checked_mul(1_000_000).map(|nanoseconds| nanoseconds.to_string())
}

fn metric(first: &Metric, samples: &[&Sample], times: &Times<'_>) -> Value {
    let is_sum = first.instrument != Instrument::Gauge;
    let points: Vec<_> = samples.iter().map(|sample| point(sample, is_sum, times)).collect();
    let mut metric = json!({ "name": first.opentelemetry, "description": first.help, "unit": first.unit });
    if is_sum {
        metric["sum"] = json!({
            "aggregationTemporality": CUMULATIVE,
            "isMonotonic": first.instrument == Instrument::Counter,
            "dataPoints": points,
        });
    } else {
        metric["gauge"] = json!({ "dataPoints": points });
    }
    metric
}

fn point(sample: &Sample, is_sum: bool, times: &Times<'_>) -> Value {
    let mut point = Map::new();
    if !sample.labels.is_empty() {
        let attributes = sample
            .labels
            .iter()
            .map(|(name, value)| attribute(&attribute_name(name), json!({ "stringValue": value })));
        point.insert("attributes".to_owned(), attributes.collect());
    }
    if let Some(start) = times.start_of(sample).filter(|_| is_sum) {
        point.insert("startTimeUnixNano".to_owned(), json!(start));
    }
    if let Some(captured) = &times.captured {
        point.insert("timeUnixNano".to_owned(), json!(captured));
    }
    let (key, number) = match sample.amount {
        Amount::Count(count) => match i64::try_from(count) {
            Ok(count) => ("asInt", json!(count.to_string())),
            // There is no such integer in OTLP.
            Err(_) => ("asDouble", json!(count as f64)),
        },
        Amount::Seconds(seconds) => ("asDouble", json!(seconds)),
    };
    point.insert(key.to_owned(), number);
    Value::Object(point)
}

/// Returns the attribute that a label of Prometheus is.
pub(super) fn attribute_name(label: &str) -> String {
    match ATTRIBUTES.iter().find(|(name, _)| *name == label) {
        Some((_, attribute)) => (*attribute).to_owned(),
        None => format!("circlet.{label}"),
    }
}

fn attribute(key: &str, value: Value) -> Value {
    json!({ "key": key, "value": value })
}

/// Says what the metrics are of.
fn resource(payload: &SessionPayload) -> Vec<Value> {
    let identity = Identity::of(payload);
    let metadata = payload.metadata.as_ref();
    let platform = metadata.and_then(|metadata| metadata.platform.as_ref());
    let texts = [
        ("service.name", metadata.and_then(|metadata| metadata.domain.clone())),
        ("circlet.session", identity.session.map(str::to_owned)),
        ("process.runtime.name", identity.runtime),
        ("process.runtime.version", identity.runtime_version.map(str::to_owned)),
        ("os.type", platform.and_then(|platform| system(platform.os.as_deref()?))),
        ("os.description", platform.and_then(|platform| platform.os.clone())),
        ("host.arch", architecture(payload)),
        ("host.cpu.model.name", platform.and_then(|platform| platform.cpu.clone())),
    ];
    let texts =
        texts.into_iter().filter_map(|(key, text)| Some(attribute(key, json!({ "stringValue": text? }))));
    let pid = identity.pid.and_then(|pid| i64::try_from(pid).ok());
    let pid = pid.map(|pid| attribute("process.pid", json!({ "intValue": pid.to_string() })));
    texts.chain(pid).collect()
}

fn system(os: &str) -> Option<String> {
    let first = os.split_whitespace().next()?.to_lowercase();
    SYSTEMS.contains(&first.as_str()).then_some(first)
}

/// Reads the processor's architecture from how the runtime was built, else from how it names itself.
fn architecture(payload: &SessionPayload) -> Option<String> {
    let metadata = payload.metadata.as_ref()?;
    let build = metadata.bun.as_ref().and_then(|bun| bun.build.as_ref()?.arch.as_deref());
    let agent = metadata.platform.as_ref().and_then(|platform| platform.useragent.as_deref());
    let words = [build, agent].into_iter().flatten();
    let mut words = words.flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    words.find_map(|word| {
        let known = ARCHITECTURES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        known.map(|(_, architecture)| (*architecture).to_owned())
    })
}
