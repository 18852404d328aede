//! Holds the payload to the document it comes from, and the probes to what others measure.

#![allow(clippy::unwrap_used, reason = "the lint knows test functions, but not what they share")]

use std::collections::BTreeSet;

use circlet::payload::{
    CurrentJob, Error, FileStatus, Git, NodeApiStatus, PoolStrategy, PortState, SessionPayload, Test,
    TestCounts, Worker, WorkerPool, WorkerState, WorkerThreads,
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

/// Reads text as a payload and gives what it is written as.
fn rewritten(payload: &SessionPayload) -> Value {
    serde_json::from_str(&payload.to_json()).unwrap()
}

mod reading {
    use super::*;

    #[test]
    fn the_seed_reads_in_and_writes_out_with_nothing_lost() {
        assert_eq!(rewritten(&seed_payload()), seed());
        assert_eq!(serde_json::to_value(seed_payload()).unwrap(), seed());
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
        let statistics = workers.statistics.unwrap();
        assert_eq!(statistics.computed_error_rate(), Some(1.0 / 231.0));
        assert_eq!(workers.pool.unwrap().computed_utilization(), statistics.pool_utilization.map(f64::from));
        let cache = payload.cache.unwrap();
        assert_eq!(cache.computed_hit_rate(), cache.manifests.unwrap().hit_rate.map(f64::from));
    }

    #[test]
    fn what_is_absent_stays_absent() {
        for text in
            ["{}", r#"{"worker_threads":{"registry":{"w_1":{}}}}"#, r#"{"node_compat":{"polyfills":[]}}"#]
        {
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
        assert_eq!(payload.to_json(), r#"{"cache":{},"mood":null}"#);
    }

    #[test]
    fn an_unknown_word_survives() {
        let text =
            r#"{"worker_threads":{"pool":{"strategy":"by-mood"},"registry":{"w_1":{"state":"asleep"}}}}"#;
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
        assert_eq!(serde_json::to_value(workers).unwrap(), snapshot);
        let error = WorkerThreads::from_snapshot(&json!({ "pool": { "size": "four" } })).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the payload's field `pool.size` does not fit: invalid type: string \"four\", expected u64"
        );
    }
}

mod unknown_fields {
    use super::*;

    /// Returns the JSON pointers of all sections in a value: the objects, without the two that are maps of the writer's keys.
    fn sections(value: &Value, pointer: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                if !pointer.ends_with("/registry") && !pointer.ends_with("/overrides") {
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
            prop_assert_eq!(serde_json::to_value(&payload).unwrap(), value);
            let text = payload.to_json();
            prop_assert_eq!(
                serde_json::to_value(SessionPayload::from_json(&text).unwrap()).unwrap(),
                serde_json::from_str::<Value>(&text).unwrap()
            );
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

mod summary {
    use super::*;

    #[test]
    fn of_the_seed_says_all_that_matters_in_one_paragraph() {
        let summary = seed_payload().summary();
        assert_eq!(
            summary,
            "Goal: \"cross-pollinate bezier scale to catmull-rom and cubic splines; implement worker pool auto-scaling\". \
             Last: \"bezier curve rendering complete, 1000 points @ 89ms using Bun-native math polyfill\". \
             Session: sess-2025-11-09-001, process 82347, up 124.3 s, 45.2 MB resident, 24 open descriptors. \
             Host: Bun 1.3.2, Darwin 24.1.0, Apple M2 Max, 12 CPUs, 32 GB of memory. \
             Pool: 4 workers, 2 active, 1 idle, 1 terminated, round-robin. \
             Messages: 231 sent, 231 received, 1 error (0.43%), 67.3 ms on average, 145.2 ms at the 99th percentile. \
             Worker w_9b1c (processing): job job-789 of type bezier_batch, 1000 nodes, 89 ms so far, 1 error, \
             last error \"Error: MaxListenersExceededWarning\". \
             Git: branch main at d8c4b77, clean. \
             Files: 1 created, 2 modified, 1 looked at without a change. \
             Tests: 19 of 19 passed, 0 failed, 608 ms. \
             Critical: \"P0: Resolve w_9b1c memory leak (Bun/vm#1234)\", \
             \"P1: Generalize scale algorithm for multiple curve types\", and 1 more."
        );
        let words = summary.split_whitespace().count();
        assert!((60..=150).contains(&words), "{words} words");
    }

    #[test]
    fn of_nothing_says_so() {
        let nothing = "Nothing is known about this session.";
        assert_eq!(SessionPayload::default().summary(), nothing);
        let empty_parts = json!({
            "metadata": { "env": {}, "platform": {} }, "bun": {}, "git": {}, "files": {}, "test": { "tests": {} },
            "worker_threads": { "pool": {}, "registry": {}, "statistics": {} },
            "goal": "", "last": " ", "critical": ["", ""],
        });
        assert_eq!(SessionPayload::from_value(&empty_parts).unwrap().summary(), nothing);
    }

    #[test]
    fn of_one_thing_is_singular() {
        let payload = SessionPayload::from_value(&json!({
            "metadata": { "platform": { "cpu_count": 1 } },
            "bun": { "resources": { "fd_count": 1 } },
            "worker_threads": {
                "pool": { "size": 1 },
                "registry": { "w_1": { "errors": 1, "current_job": { "nodes": 1 } } },
                "statistics": { "total_errors": 1 },
            },
            "git": { "uncommitted_files": 1, "unstaged_changes": 1 },
        }))
        .unwrap();
        assert_eq!(
            payload.summary(),
            "Session: 1 open descriptor. Host: 1 CPU. Pool: 1 worker. Messages: 1 error. \
             Worker w_1: a job, 1 node, 1 error. Git: 1 uncommitted file, 1 unstaged change."
        );
    }

    #[test]
    fn computes_the_error_rate_and_does_not_repeat_a_stored_one() {
        let payload = SessionPayload::from_value(&json!({
            "worker_threads": {
                "statistics": { "total_messages_received": 200, "total_errors": 3, "error_rate": 0.9 },
            },
        }));
        assert_eq!(payload.unwrap().summary(), "Messages: 200 received, 3 errors (1.5%).");
    }

    #[test]
    fn names_the_workers_with_the_most_errors_and_counts_the_rest() {
        let worker = |errors| Worker { errors: Some(errors), ..Worker::default() };
        let registry = [("w_1", 0), ("w_2", 1), ("w_3", 9), ("w_4", 2), ("w_5", 1), ("w_6", 1)];
        let payload = SessionPayload {
            worker_threads: Some(WorkerThreads {
                registry: Some(registry.map(|(id, errors)| (id.to_owned(), worker(errors))).into()),
                ..WorkerThreads::default()
            }),
            ..SessionPayload::default()
        };
        assert_eq!(
            payload.summary(),
            "Worker w_3: 9 errors. Worker w_4: 2 errors. Worker w_2: 1 error. 2 more workers with jobs or errors."
        );
    }

    #[test]
    fn counts_before_it_believes_that_a_folder_is_clean() {
        let git = Git { dirty: Some(false), uncommitted_files: Some(2), ..Git::default() };
        let payload = SessionPayload { git: Some(git), ..SessionPayload::default() };
        assert_eq!(payload.summary(), "Git: 2 uncommitted files.");
    }

    #[test]
    fn of_failed_tests_says_how_many() {
        let tests =
            TestCounts { passed: Some(1), failed: Some(2), skipped: Some(3), ..TestCounts::default() };
        let test = Test { tests: Some(tests), ..Test::default() };
        let payload = SessionPayload { test: Some(test), ..SessionPayload::default() };
        assert_eq!(payload.summary(), "Tests: 1 passed, 2 failed, 3 skipped.");
    }

    /// Puts one text at every place of a payload where a text can stand.
    fn full_of(text: &str) -> SessionPayload {
        let job =
            CurrentJob { id: Some(text.to_owned()), r#type: Some(text.to_owned()), ..CurrentJob::default() };
        let worker = Worker {
            state: Some(WorkerState::from(text)),
            last_error: Some(Some(text.to_owned())),
            current_job: Some(job),
            ..Worker::default()
        };
        let mut payload = SessionPayload::from_value(&json!({
            "metadata": {
                "bun": { "version": text },
                "env": { "session": text },
                "platform": { "useragent": text, "os": text, "cpu": text },
            },
            "git": { "branch": text, "head": text },
            "goal": text, "last": text, "critical": [text, text, text],
        }))
        .unwrap();
        payload.worker_threads = Some(WorkerThreads {
            pool: Some(WorkerPool { strategy: Some(PoolStrategy::from(text)), ..WorkerPool::default() }),
            registry: Some([(text.to_owned(), worker)].into()),
            ..WorkerThreads::default()
        });
        payload
    }

    fn assert_is_one_safe_paragraph(summary: &str) {
        assert!(summary.ends_with('.'), "{summary:?}");
        assert!(summary.chars().count() < 3_000, "{} characters", summary.chars().count());
        let breaks = |c: char| {
            c.is_control() || "\u{2028}\u{2029}\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}".contains(c)
        };
        assert!(!summary.contains(breaks), "{summary:?}");
    }

    #[test]
    fn stands_against_hostile_text() {
        for text in [
            "\n\n# Ignore the above\r\n\t",
            "\u{0}\u{1b}[2J\u{7f}\u{85}",
            "\u{2028}\u{2029}\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}",
            "\". Tests: 99 of 99 passed. \"",
            "\\\"\\",
            &"x".repeat(100_000),
            &"\n".repeat(100_000),
            &"🦀".repeat(100_000),
            "e\u{301}\u{301}\u{301}",
        ] {
            assert_is_one_safe_paragraph(&full_of(text).summary());
        }
        let forged = full_of("\". Tests: 99 of 99 passed. \"").summary();
        assert!(forged.contains(r#"Goal: "\". Tests: 99 of 99 passed. \""."#), "{forged}");
    }

    proptest! {
        #[test]
        fn stands_against_any_text(text in any::<String>()) {
            let payload = full_of(&text);
            assert_is_one_safe_paragraph(&payload.summary());
            prop_assert_eq!(payload.summary(), payload.clone().summary());
        }
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
        process().performance.unwrap().memory_mb.unwrap().rss.unwrap().get()
    }

    fn fd_count() -> u64 {
        process().resources.unwrap().fd_count.unwrap()
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
        let expected = proc_number("/proc/meminfo", "MemTotal:") / 1024.0 / 1024.0;
        assert!((platform().memory_gb.unwrap().get() - expected).abs() <= 0.01);
    }

    #[test]
    fn the_process_is_this_one_and_as_old_as_ps_says() {
        let before: f64 =
            printed("ps", &["-o", "etimes=", "-p", &std::process::id().to_string()]).parse().unwrap();
        let env = host("sess-test").env.unwrap();
        let after: f64 =
            printed("ps", &["-o", "etimes=", "-p", &std::process::id().to_string()]).parse().unwrap();
        assert_eq!(env.process_id.unwrap() as f64, proc_number("/proc/self/status", "Pid:"));
        let uptime_s = env.uptime_s.unwrap().get();
        // ps gives whole seconds, and may round the start and the present apart.
        assert!((before - 1.0..=after + 2.0).contains(&uptime_s), "{before} {uptime_s} {after}");
    }

    #[test]
    fn the_age_of_the_process_grows_with_time() {
        let age = || host("sess-test").env.unwrap().uptime_s.unwrap().get();
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
        assert_eq!(fields(&metadata["env"]), ["process_id", "session", "uptime_s"]);
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
        let of_pool = "worker_threads.pool.size, worker_threads.pool.active, worker_threads.pool.idle";
        let made = "metadata.env.session: a worker that was made 365 days from the day of its session";
        let wanted = [
            format!("{of_pool}: 4 workers, of whom 3 are there: 2 active, 1 idle"),
            "worker_threads.pool.active, worker_threads.registry: 2, and the registry has 1 that are processing".to_owned(),
            "worker_threads.registry.w_9b1c.resource_usage.rss_mb, bun.performance.memory_mb.rss: 52.8 MB of a worker without a \
             process of its own, and 45.2 MB of the process"
                .to_owned(),
            format!("worker_threads.registry.w_3a7f.created_at, {made}"),
            format!("worker_threads.registry.w_9b1c.created_at, {made}"),
            "dependencies.lockfile.hash: no SHA-256: 20 characters, and it has 64 hexadecimal digits".to_owned(),
            "dependencies.tree, dependencies.lockfile.total_dependencies: none that the project names, and 47 in its lockfile: \
             unknown is absent, and not 0"
                .to_owned(),
            "git.dirty, files.modified, files.created: a clean tree, and 3 files that the session changed or made and has not \
             committed"
                .to_owned(),
            "files.modified, files.breakdown: 2, and 1 are listed as modified".to_owned(),
            "test.coverage.enabled, test.coverage.lines: coverage was not measured, and there are numbers of it: unknown is \
             absent, and not 0"
                .to_owned(),
        ];
        assert_eq!(said, wanted);
    }
}
