//! Holds the payload to the document it comes from, and the probes to what others measure.

#![allow(clippy::unwrap_used, reason = "the lint knows test functions, but not what they share")]

use std::collections::BTreeSet;

use circlet::payload::{
    Error, FileStatus, NodeApiStatus, PoolStrategy, PortState, SessionPayload, Worker, WorkerState,
    WorkerThreads,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const SEED: &str = include_str!("data/payload/seed.json");

fn seed() -> Value {
    serde_json::from_str(SEED).unwrap()
}

fn seed_payload() -> SessionPayload {
    SessionPayload::from_json(SEED).unwrap()
}

/// Tells whether a value has all that another has.
fn has_all(value: &Value, other: &Value) -> bool {
    match (value, other) {
        (Value::Object(members), Value::Object(others)) => {
            others.iter().all(|(key, other)| members.get(key).is_some_and(|value| has_all(value, other)))
        }
        _ => value == other,
    }
}

mod reading {
    use super::*;

    #[test]
    fn the_seed_reads_in_and_writes_out_with_nothing_lost() {
        assert_eq!(seed_payload().to_view(), seed());
        let canonical = SessionPayload::from_json(&seed_payload().to_json()).unwrap();
        assert_eq!(canonical, seed_payload());
        assert_eq!(canonical.to_view(), seed());
    }

    #[test]
    fn the_schema_has_every_field_of_the_seed() {
        assert_eq!(seed_payload().unknown_fields(), [""; 0]);
    }

    #[test]
    fn the_schema_has_every_word_of_the_seed() {
        let payload = seed_payload();
        let workers = payload.worker_threads.unwrap();
        assert_eq!(workers.pool.unwrap().strategy, Some(PoolStrategy::RoundRobin));
        let registry = workers.registry.unwrap();
        assert_eq!(registry["w_3a7f"].state, Some(WorkerState::Idle));
        assert_eq!(registry["w_9b1c"].state, Some(WorkerState::Processing));
        let ports = workers.message_port_registry.unwrap().ports.unwrap();
        assert_eq!(ports[0].state, Some(PortState::Transferred));
        let files = payload.files.unwrap().breakdown.unwrap();
        let statuses: Vec<_> = files.into_iter().flat_map(|file| file.status).collect();
        assert_eq!(statuses, [FileStatus::Created, FileStatus::Modified, FileStatus::Touched]);
        for api in payload.node_compat.unwrap().apis.unwrap() {
            assert!(matches!(api.status, Some(NodeApiStatus::Native | NodeApiStatus::Partial)), "{api:?}");
        }
    }

    #[test]
    fn the_rates_of_the_seed_follow_from_its_counts() {
        let payload = seed_payload();
        let workers = payload.worker_threads.unwrap();
        assert_eq!(workers.statistics.unwrap().error_rate(), Some(1.0 / 231.0));
        assert_eq!(payload.cache.unwrap().hit_rate(), Some(0.9976));
        // The pool says 4, and so would its utilization be: what is computed counts the workers that there are.
        assert_eq!(workers.pool.unwrap().utilization(), Some(2.0 / 3.0));
    }

    #[test]
    fn numbers_are_integers_in_the_unit_that_their_name_ends_with() {
        let value = seed_payload().to_value();
        assert_eq!(value["schema"], 1);
        assert_eq!(value["process"]["rss_bytes"], 47_395_635);
        assert_eq!(value["bun"]["performance"]["per_op_baseline_ns"], 640_000);
        assert_eq!(value["worker_threads"]["statistics"]["p99_processing_ns"], 145_200_000);
        assert_eq!(value["stated"]["worker_threads.pool.size"], 4);
        let mut fractions = Vec::new();
        fn walk(value: &Value, path: &str, found: &mut Vec<String>) {
            match value {
                Value::Object(members) => {
                    members
                        .iter()
                        .filter(|(key, _)| *key != "stated")
                        .for_each(|(key, value)| walk(value, &format!("{path}.{key}"), found));
                }
                Value::Number(number) if !number.is_u64() => found.push(path.to_owned()),
                _ => {}
            }
        }
        walk(&value, "", &mut fractions);
        assert_eq!(fractions, [""; 0]);
    }

    #[test]
    fn nothing_of_a_view_is_lost_where_its_place_is_taken() {
        for (text, kept) in [
            (
                r#"{"process": null, "bun": {"performance": {"memory": null, "memory_mb": {"rss": 45.2, "heap": 7}}}}"#,
                &["47395635", "7340032"][..],
            ),
            (r#"{"cache": {"size_mb": 1, "size_bytes": 5}}"#, &[r#""size_mb":1"#, r#""size_bytes":5"#]),
            (r#"{"stated": {"mine": 1}, "git": {"dirty": true}}"#, &[r#""mine":1"#, r#""git.dirty":true"#]),
        ] {
            let payload = SessionPayload::from_json(text).unwrap();
            let json = payload.to_json();
            assert!(kept.iter().all(|kept| json.contains(kept)), "{json}");
            assert_eq!(SessionPayload::from_json(&json).unwrap(), payload);
        }
    }

    #[test]
    fn a_later_schema_is_refused_and_says_what_is_known() {
        let error = SessionPayload::from_json(r#"{"schema": 2}"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the payload has schema 2, and version 1 is known here: read it with a newer circlet"
        );
        assert!(SessionPayload::from_value(&json!({"schema": "1"})).is_err());
    }

    #[test]
    fn a_number_that_no_integer_stands_for_is_kept_as_it_came() {
        for odd in ["-0.5", "1e300", "null"] {
            let text = format!(r#"{{"bun": {{"resources": {{"event_loop_lag_ms": {odd}}}}}}}"#);
            let payload = SessionPayload::from_json(&text).unwrap();
            assert_eq!(payload.to_view(), serde_json::from_str::<Value>(&text).unwrap(), "{odd}");
        }
    }

    #[test]
    fn what_is_absent_stays_absent() {
        for text in [
            r#"{"schema":1}"#,
            r#"{"schema":1,"worker_threads":{"registry":{"w_1":{}}}}"#,
            r#"{"schema":1,"node_compat":{"polyfills":[]}}"#,
        ] {
            assert_eq!(SessionPayload::from_json(text).unwrap().to_json(), text);
        }
        assert_eq!(SessionPayload::from_json("{}").unwrap(), SessionPayload::default());
    }

    #[test]
    fn no_last_error_is_not_the_same_as_an_unknown_one() {
        let read = |text| serde_json::from_str::<Worker>(text).unwrap();
        assert_eq!(read("{}").last_error, None);
        assert_eq!(read(r#"{"last_error":null}"#).last_error, Some(None));
        assert_eq!(read(r#"{"last_error":"late"}"#).last_error, Some(Some("late".to_owned())));
        for text in ["{}", r#"{"last_error":null}"#, r#"{"last_error":"late"}"#] {
            assert_eq!(serde_json::to_string(&read(text)).unwrap(), text);
        }
    }

    #[test]
    fn a_null_elsewhere_in_the_schema_is_read_as_absent() {
        let payload =
            SessionPayload::from_json(r#"{"git": null, "cache": {"hits": null}, "mood": null}"#).unwrap();
        assert_eq!(payload.to_json(), r#"{"schema":1,"cache":{},"mood":null}"#);
    }

    #[test]
    fn an_unknown_word_survives() {
        let text = r#"{"schema":1,"worker_threads":{"pool":{"strategy":"by-mood"},"registry":{"w_1":{"state":"asleep"}}}}"#;
        assert_eq!(SessionPayload::from_json(text).unwrap().to_json(), text);
    }

    #[test]
    fn a_wrong_type_is_named_with_its_field_and_place_and_what_was_expected() {
        let text = "{\n  \"goal\": \"x\",\n  \"worker_threads\": {\"registry\": {\"w_1\": {\"errors\": \"many\"}}}\n}";
        assert_eq!(
            SessionPayload::from_json(text).unwrap_err().to_string(),
            "the payload's field `worker_threads.registry.w_1.errors` does not fit: \
             invalid type: string \"many\", expected u64 at line 3 column 58"
        );
        let path = |text| match SessionPayload::from_json(text) {
            Err(Error::WrongShape { path, .. }) => path,
            other => panic!("{other:?}"),
        };
        assert_eq!(path(r#"{"test": 5, "goal": "x"}"#), "test");
        assert_eq!(path(r#"{"test": {"files": -1}}"#), "test.files");
        assert_eq!(path(r#"{"test": {"files": 1.5}, "goal": ""}"#), "test.files");
        assert_eq!(path(r#"{"cache": {"size_mb": "1"}}"#), "cache.size_mb");
        assert_eq!(path(r#"{"critical": {"a": 1}}"#), "critical");
        assert_eq!(path(r#"{"critical": ["a", ["b"]]}"#), "critical[1]");
        assert_eq!(path(r#"{"node_compat": {"apis": [{}, {"status": 3}]}}"#), "node_compat.apis[1].status");
        assert_eq!(path(r#"{"goal": "x", "goal": "y"}"#), "goal");
        assert_eq!(path("[]"), "");
        assert_eq!(path("5"), "");
    }

    #[test]
    fn a_text_that_is_no_json_is_refused_with_its_place() {
        for text in
            ["", "{", "{\"goal\": }", "{} {}", "{\"goal\": \"x\"", "{\"cache\": {\"size_mb\": 1e999}}"]
        {
            let error = SessionPayload::from_json(text).unwrap_err();
            assert!(matches!(error, Error::NotJson(_)), "{text}: {error:?}");
            assert!(error.to_string().contains(" at line 1 column "), "{error}");
        }
    }

    #[test]
    fn a_snapshot_of_a_pool_reads_as_the_worker_section() {
        let snapshot = seed()["worker_threads"].clone();
        let workers = WorkerThreads::from_snapshot(&snapshot).unwrap();
        assert_eq!(Some(&workers), seed_payload().worker_threads.as_ref());
        let error = WorkerThreads::from_snapshot(&json!({ "pool": { "active": "four" } })).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the payload's field `pool.active` does not fit: invalid type: string \"four\", expected u64"
        );
    }
}

mod unknown_fields {
    use super::*;

    /// Returns the JSON pointers of all sections in a value: the objects, without the two that are maps of the writer's keys.
    fn sections(value: &Value, pointer: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                // The last has another name in the canonical form.
                if !["/registry", "/overrides", "/memory_mb"].iter().any(|name| pointer.ends_with(name)) {
                    found.push(pointer.to_owned());
                }
                for (key, field) in fields {
                    sections(
                        field,
                        &format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")),
                        found,
                    );
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    sections(item, &format!("{pointer}/{index}"), found);
                }
            }
            _ => {}
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|fields| Value::Object(Map::from_iter(fields))),
            ]
        })
    }

    proptest! {
        #[test]
        fn survive_at_every_level(
            added in prop::collection::vec((any::<prop::sample::Index>(), any::<String>(), any_json()), 1..6),
            removed in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut value = seed();
            let mut pointers = Vec::new();
            sections(&value, "", &mut pointers);
            let mut expected = BTreeSet::new();
            for (index, key, field) in added {
                let pointer = index.get(&pointers);
                let key = format!("x{key}");
                expected.insert(format!("{pointer}/{key}"));
                value.pointer_mut(pointer).unwrap()[key] = field;
            }
            for index in removed {
                // A section whose parent went before it is gone already.
                if let Some((parent, key)) = index.get(&pointers).rsplit_once('/')
                    && let Some(Value::Object(fields)) = value.pointer_mut(parent)
                {
                    fields.remove(&key.replace("~1", "/"));
                    let gone = format!("{parent}/{key}/");
                    expected.retain(|pointer| !pointer.starts_with(&gone));
                }
            }
            let payload = SessionPayload::from_value(&value).unwrap();
            prop_assert_eq!(payload.unknown_fields().len(), expected.len());
            prop_assert!(has_all(&payload.to_view(), &value));
            prop_assert_eq!(SessionPayload::from_json(&payload.to_json()).unwrap(), payload);
        }
    }

    #[test]
    fn are_named_with_their_paths() {
        let payload = SessionPayload::from_value(&json!({
            "mood": "calm",
            "node_compat": { "apis": [{}, { "nmae": "node:vm" }] },
            "worker_threads": { "registry": { "w_1": { "current_job": { "type": "x", "kind": "y" } } } },
        }))
        .unwrap();
        assert_eq!(
            payload.unknown_fields(),
            ["node_compat.apis[1].nmae", "worker_threads.registry.w_1.current_job.kind", "mood"]
        );
    }
}

#[cfg(target_os = "linux")]
mod probe {
    use std::fs::File;
    use std::process::Command;

    use circlet::payload::{Platform, host, new_session_id, process};

    fn printed(program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("`{program}` is needed to compare with: {error}"));
        assert!(output.status.success(), "{program}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Reads the number of one line of a /proc file, such as `VmRSS:   1234 kB`.
    fn proc_number(file: &str, label: &str) -> f64 {
        let text = std::fs::read_to_string(file).unwrap();
        let line = text.lines().find(|line| line.starts_with(label)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn platform() -> Platform {
        host("sess-test").platform.unwrap()
    }

    fn rss_mb() -> f64 {
        process().unwrap().rss_bytes.unwrap() as f64 / 1_048_576.0
    }

    fn fd_count() -> u64 {
        process().unwrap().fd_count.unwrap()
    }

    #[test]
    fn the_kernel_is_what_uname_says() {
        assert_eq!(platform().kernel.unwrap(), printed("uname", &["-r"]));
        assert_eq!(platform().os.unwrap(), printed("uname", &["-sr"]));
        let agent = format!("circlet/{} (Linux {})", env!("CARGO_PKG_VERSION"), printed("uname", &["-m"]));
        assert_eq!(platform().useragent.unwrap(), agent);
    }

    #[test]
    fn the_processors_are_those_that_getconf_counts() {
        assert_eq!(platform().cpu_count.unwrap().to_string(), printed("getconf", &["_NPROCESSORS_ONLN"]));
    }

    #[test]
    fn the_processor_is_the_one_that_the_kernel_names() {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        // Some architectures have no line for the model.
        if let Some((_, model)) = model {
            assert_eq!(platform().cpu.unwrap(), model.trim());
        }
    }

    #[test]
    fn the_memory_is_what_the_kernel_says() {
        let expected = proc_number("/proc/meminfo", "MemTotal:") * 1024.0;
        assert_eq!(platform().memory_bytes.unwrap() as f64, expected);
    }

    #[test]
    fn the_process_is_this_one_and_as_old_as_ps_says() {
        let before: f64 =
            printed("ps", &["-o", "etimes=", "-p", &std::process::id().to_string()]).parse().unwrap();
        let env = host("sess-test").env.unwrap();
        let after: f64 =
            printed("ps", &["-o", "etimes=", "-p", &std::process::id().to_string()]).parse().unwrap();
        assert_eq!(env.process_id.unwrap() as f64, proc_number("/proc/self/status", "Pid:"));
        let uptime_s = env.uptime_ms.unwrap() as f64 / 1e3;
        // ps gives whole seconds, and may round the start and the present apart.
        assert!((before - 1.0..=after + 2.0).contains(&uptime_s), "{before} {uptime_s} {after}");
    }

    #[test]
    fn the_age_of_the_process_grows_with_time() {
        let age = || host("sess-test").env.unwrap().uptime_ms.unwrap() as f64 / 1e3;
        let first = age();
        let slept = std::time::Instant::now();
        std::thread::sleep(std::time::Duration::from_millis(300));
        let grown = age() - first;
        assert!(grown >= 0.25 && grown <= slept.elapsed().as_secs_f64() + 0.05, "{grown}");
    }

    #[test]
    fn memory_that_is_written_shows_as_resident() {
        let before = rss_mb();
        let block = std::hint::black_box(vec![1_u8; 256 << 20]);
        let after = rss_mb();
        let expected = proc_number("/proc/self/status", "VmRSS:") / 1024.0;
        assert!((after - expected).abs() < 64.0, "{after} {expected}");
        assert!(after - before > 192.0, "{before} {after}");
        drop(block);
    }

    #[test]
    fn files_that_are_opened_are_counted() {
        let before = fd_count();
        let open: Vec<File> = (0..400).map(|_| File::open("/dev/null").unwrap()).collect();
        let grown = fd_count() - before;
        // The other tests of this program open and close a few at the same time.
        assert!((350..=450).contains(&grown), "{grown}");
        drop(open);
    }

    #[test]
    fn what_is_not_known_is_absent() {
        let metadata = serde_json::to_value(host("sess-test")).unwrap();
        let fields =
            |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(fields(&metadata), ["env", "platform"]);
        assert_eq!(fields(&metadata["env"]), ["process_id", "session", "uptime_ms"]);
        assert_eq!(metadata["env"]["session"], "sess-test");
    }

    #[test]
    fn two_sessions_never_have_the_same_id() {
        let ids: std::collections::BTreeSet<String> = (0..1_000).map(|_| new_session_id()).collect();
        assert_eq!(ids.len(), 1_000);
        let today = printed("date", &["-u", "+sess-%Y-%m-%d-"]);
        let first = new_session_id();
        // Midnight may have passed in between.
        assert!(first.starts_with(&today) || first.starts_with(&printed("date", &["-u", "+sess-%Y-%m-%d-"])));
    }
}

mod contradicting {
    use super::*;

    #[test]
    fn the_seed_contradicts_itself_where_it_is_known_to() {
        let found = seed_payload().contradictions();
        let said: Vec<_> =
            found.iter().map(|one| format!("{}: {}", one.paths.join(", "), one.what)).collect();
        let made = "metadata.env.session: a worker that was made 365 days from the day of its session";
        let follows = "does not follow from the other fields, which give";
        let wanted = [
            "worker_threads.pool.active, worker_threads.registry: 2, and the registry has 1 that are processing".to_owned(),
            "worker_threads.registry.w_9b1c.resource_usage.rss_bytes, process.rss_bytes: 55364813 bytes of a worker without a \
             process of its own, and 47395635 of the process"
                .to_owned(),
            format!("worker_threads.registry.w_3a7f.created_at_ms, {made}"),
            format!("worker_threads.registry.w_9b1c.created_at_ms, {made}"),
            "dependencies.lockfile.hash: no SHA-256: 20 characters, and it has 64 hexadecimal digits".to_owned(),
            "dependencies.tree, dependencies.lockfile.total_dependencies: none that the project names, and 47 in its lockfile: \
             unknown is absent, and not 0"
                .to_owned(),
            "git.uncommitted_files, files.breakdown: a clean tree, and 2 files that the session changed or made and has not \
             committed"
                .to_owned(),
            format!("worker_threads.pool.size: 4 {follows} 3"),
            format!("worker_threads.statistics.pool_utilization: 0.5 {follows} 0.6667"),
            format!("files.modified: 2 {follows} 1"),
            "test.coverage.enabled, test.coverage.lines: coverage was not measured, and there are numbers of it: unknown is \
             absent, and not 0"
                .to_owned(),
        ];
        assert_eq!(said, wanted);
    }
}
