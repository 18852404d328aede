//! The metrics of session payloads against who reads them: the parsers of `prometheus_client`, and OTLP's own messages.
#![cfg(feature = "cli")]

mod common;
#[path = "common/payloads.rs"]
mod payloads;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use circlet::payload::{SessionPayload, json_schema};
use common::{root, run, scratch};
use payloads::Payloads;
use serde_json::{Value, json};

const SEED: &str = include_str!("data/payload/seed.json");

/// Computes from the table in `docs/metrics.md` what the metrics of each payload are, and compares what each parser reads. Prints how
/// many numbers there were.
const COMPARE: &str = r#"
import json, sys
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

rows = []
for line in open(sys.argv[1], encoding="utf-8").read().split("<!-- The table")[1].splitlines():
    if line.startswith("| `"):
        path, prometheus, labels, kind, otel, unit, _ = (cell.strip().strip("`") for cell in line.strip("|").split(" | "))
        labels = [label.strip(" `").replace('"', "").split("=") for label in labels.split(",") if label.strip(" `")]
        rows.append((path.replace("\\|", "|").split("."), prometheus, labels, kind, otel, unit))
ATTRIBUTES = {"mode": "cpu.mode", "direction": "network.io.direction", "fault": "system.paging.fault.type"}
UNITS = {"_ms": 1e3, "_us": 1e6, "_ns": 1e9}

def facts(value, path, keys=()):
    if not path:
        yield value, keys
    elif path[0] == "*" and isinstance(value, list):
        for item in value:
            if "id" in item: yield from facts(item, path[1:], (*keys, item["id"]))
    elif isinstance(value, dict):
        for key in value if path[0] == "*" else path[0].split("|"):
            if key in value:
                yield from facts(value[key], path[1:], (*keys, key) if path[0] == "*" or "|" in path[0] else keys)

def expected(payload):
    wanted = {}
    for path, prometheus, labels, kind, otel, unit in rows:
        last = path[-1] if path[-1] != "*" else path[-2]
        for fact, keys in facts(payload, path):
            keys = iter((*keys, fact) if isinstance(fact, str) else keys)
            pairs = tuple(sorted((label[0], label[1] if len(label) > 1 else next(keys)) for label in labels))
            number = 1 if isinstance(fact, str) else fact / UNITS[last[-3:]] if last[-3:] in UNITS else fact
            wanted.setdefault((prometheus, pairs), (number, kind, otel, unit))
    return wanted

def read(families):
    found = {}
    for family in families:
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value, family.type
    return found

def points(request):
    for metric in request.resource_metrics[0].scope_metrics[0].metrics:
        data = getattr(metric, metric.WhichOneof("data"))
        kind = "gauge" if metric.HasField("gauge") else "counter" if data.is_monotonic else "up-down counter"
        assert kind == "gauge" or data.aggregation_temporality == 2
        for point in data.data_points:
            value = getattr(point, point.WhichOneof("value"))
            yield metric.name, {one.key: one.value.string_value for one in point.attributes}, value, kind, metric.unit, point

count = 0
for case in json.load(open(sys.argv[2], encoding="utf-8")):
    payload, wanted = case["payload"], expected(case["payload"])
    count += len(wanted)
    for text, parse, info in (
        (case["prometheus"], parser.text_string_to_metric_families, "gauge"),
        (case["openmetrics"], openmetrics.text_string_to_metric_families, "info"),
    ):
        found = read(parse(text))
        env = payload.get("metadata", {}).get("env", {})
        for key in [key for key in found if key[0] == "circlet_session_info"]:
            labels = dict(key[1])
            assert found.pop(key) == (1.0, info)
            assert labels.get("session") == env.get("session")
            assert labels.get("pid") == (str(env["process_id"]) if "process_id" in env else None)
        kinds = {key: (number, "counter" if kind == "counter" else "gauge") for key, (number, kind, *_) in wanted.items()}
        assert found == kinds, {key: (found.get(key), kinds.get(key)) for key in found.keys() | kinds.keys() if found.get(key) != kinds.get(key)}
    request = json_format.Parse(case["otlp"], ExportMetricsServiceRequest())
    found = {}
    captured, uptime = payload.get("captured_at_ms"), payload.get("metadata", {}).get("env", {}).get("uptime_ms")
    for name, attributes, number, kind, unit, point in points(request):
        key = name, tuple(sorted(attributes.items()))
        assert key not in found, key
        found[key] = number, kind, unit
        nanoseconds = (captured or 0) * 10**6
        assert point.time_unix_nano == (nanoseconds if nanoseconds < 2**64 else 0)
        if name == "process.cpu.time" and None not in (captured, uptime):
            start = (captured - uptime) * 10**6
            assert point.start_time_unix_nano == (start if 0 <= start < 2**64 else 0)
    attributes = lambda pairs: tuple(sorted((ATTRIBUTES.get(name, "circlet." + name), value) for name, value in pairs))
    kinds = {(otel, attributes(pairs)): (number if number < 2**63 else float(number), kind, unit) for (_, pairs), (number, kind, otel, unit) in wanted.items()}
    assert found == kinds, {key: (found.get(key), kinds.get(key)) for key in found.keys() | kinds.keys() if found.get(key) != kinds.get(key)}
print(count)
"#;

fn case(payload: &SessionPayload) -> Value {
    json!({
        "payload": payload.to_value(),
        "prometheus": payload.to_prometheus(),
        "openmetrics": payload.to_openmetrics(),
        "otlp": payload.to_otlp().to_string(),
    })
}

#[test]
fn every_parser_reads_the_numbers_that_the_payloads_have() {
    let schema = json_schema();
    let mut cases = vec![case(&SessionPayload::from_json(SEED).unwrap()), case(&SessionPayload::default())];
    cases.extend((0..200).map(|number| {
        let value = Payloads::make(&schema, number);
        case(&SessionPayload::from_value(&value).unwrap())
    }));
    let file = scratch("metrics").join("cases.json");
    fs::write(&file, Value::from(cases).to_string()).unwrap();
    let mut compare = Command::new(common::python());
    let count = run(compare.args(["-c", COMPARE]).arg(root().join("docs/metrics.md")).arg(file));
    assert!(count.trim().parse::<u64>().unwrap() > 10_000, "{count}");
}

#[test]
fn a_label_is_escaped_and_the_same_labels_come_once() {
    let payload = SessionPayload::from_json(
        r#"{"schema": 1,
            "rings": {"a\"b\\c\nd": {"producers": 2}},
            "worker_threads": {"message_port_registry": {"ports": [
                {"id": "p", "messages_queued": 1}, {"id": "p", "messages_queued": 2}, {"messages_queued": 3}]}}}"#,
    );
    let wanted = r#"# HELP circlet_port_messages_queued Messages that wait in a port.
# TYPE circlet_port_messages_queued gauge
circlet_port_messages_queued{port="p"} 1
# HELP circlet_ring_producers Producers of a ring.
# TYPE circlet_ring_producers gauge
circlet_ring_producers{ring="a\"b\\c\nd"} 2
"#;
    assert_eq!(payload.unwrap().to_prometheus(), wanted);
}

#[test]
fn the_seed_says_what_its_metrics_are_of() {
    let otlp = SessionPayload::from_json(SEED).unwrap().to_otlp();
    let attributes = &otlp["resourceMetrics"][0]["resource"]["attributes"];
    let wanted = [
        ("service.name", "perf-vis"),
        ("circlet.session", "sess-2025-11-09-001"),
        ("process.runtime.name", "bun"),
        ("process.runtime.version", "1.3.2"),
        ("os.type", "darwin"),
        ("os.description", "Darwin 24.1.0"),
        ("host.arch", "arm64"),
        ("host.cpu.model.name", "Apple M2 Max"),
    ];
    let text = |(key, text)| json!({ "key": key, "value": { "stringValue": text } });
    let pid = json!({ "key": "process.pid", "value": { "intValue": "82347" } });
    assert_eq!(*attributes, wanted.into_iter().map(text).chain([pid]).collect::<Value>());
}

#[test]
fn the_program_prints_what_the_library_writes() {
    let seed = SessionPayload::from_json(SEED).unwrap();
    let metrics = |words: &[&str], input: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
        command.args(["session", "metrics"]).args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(metrics(&["-"], SEED), seed.to_prometheus());
    assert_eq!(metrics(&["-", "--openmetrics"], SEED), seed.to_openmetrics());
    assert_eq!(metrics(&["-", "--otlp"], SEED), format!("{}\n", seed.to_otlp()));
    assert_eq!(metrics(&["-"], "{}"), "");
}
