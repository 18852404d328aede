//! Trackers of sessions: what they measure, against what other programs say of the same processes and folders.
#![cfg(all(target_os = "linux", feature = "project"))]

mod common;
#[path = "common/programs.rs"]
mod programs;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use circlet::payload::{
    Process, ProcessProbe, SessionPayload, SessionTracker, TrackerError, TrackerOptions, read_session,
    read_session_page,
};
use circlet::pool::{Job, Pool};
use circlet::ring;
use common::{Removed, run, scratch};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(60);

/// Options that look at nothing but a process.
fn alone() -> TrackerOptions {
    TrackerOptions { project: false, ..TrackerOptions::default() }
}

/// Options that look at a folder, often.
fn of(folder: &Path) -> TrackerOptions {
    TrackerOptions { folder: folder.to_owned(), project_interval_ms: 100, ..TrackerOptions::default() }
}

/// Takes snapshots until one is as it should be.
fn wait_for(tracker: &SessionTracker, is_so: impl Fn(&SessionPayload) -> bool) -> SessionPayload {
    let until = Instant::now() + SOON;
    loop {
        let payload = tracker.snapshot().unwrap();
        if is_so(&payload) {
            return payload;
        }
        assert!(Instant::now() < until, "{}", payload.to_json());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A child that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A Python that holds 64 MiB, 50 descriptors and 4 threads, has worked for a while, and then waits.
fn busy() -> Running {
    let code = "
import os, resource, sys, threading, time
block = bytearray(os.urandom(1 << 20)) * 64
files = [open('/dev/null') for _ in range(50)]
stop = threading.Event()
for _ in range(3): threading.Thread(target=stop.wait, daemon=True).start()
while time.process_time() < 0.5: sum(range(1000))
b'x' * (64 << 20)
print('ready', flush=True)
sys.stdin.readline()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)
sys.stdin.read()
";
    let mut command = Command::new("python3");
    command.args(["-c", code]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = Running(command.spawn().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.0.stdout.as_mut().unwrap()), &mut line)
        .unwrap();
    assert_eq!(line, "ready\n");
    child
}

/// The kernel counts pages for each processor, and adds them up when there are some.
fn is_near(one: u64, other: u64) -> bool {
    one.abs_diff(other) <= 1 << 20
}

/// Asks it for the most memory that it has held, in bytes.
fn peak_of(child: &mut Running) -> u64 {
    std::io::Write::write_all(child.0.stdin.as_mut().unwrap(), b"\n").unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.0.stdout.as_mut().unwrap()), &mut line)
        .unwrap();
    line.trim().parse::<u64>().unwrap() * 1024
}

fn sampled(pid: u32) -> Process {
    ProcessProbe::of(pid).unwrap().sample().unwrap()
}

#[test]
fn another_process_is_as_ps_and_its_own_folder_say() {
    let mut child = busy();
    let pid = child.0.id();
    let process = sampled(pid);
    let ps = |field: &str| {
        run(Command::new("ps").args(["-o", &format!("{field}="), "-p", &pid.to_string()])).trim().to_owned()
    };
    let rss = ps("rss").parse::<u64>().unwrap() * 1024;
    assert!(is_near(process.rss_bytes.unwrap(), rss), "{process:?} {rss}");
    assert_eq!(process.threads.map(|threads| threads.to_string()), Some(ps("nlwp")));
    assert_eq!(process.major_faults.map(|faults| faults.to_string()), Some(ps("maj_flt")));
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64;
    assert!(process.fd_count == Some(descriptors) && descriptors >= 53, "{process:?} {descriptors}");
    // It held 64 MiB for a moment, and does so no more. Python's own `resource` says the same of it.
    let peak = process.peak_rss_bytes.unwrap();
    assert!(peak > rss + (48 << 20) && is_near(peak, peak_of(&mut child)), "{process:?}");
    // It has worked for half a second of its own, and has waited since.
    let cpu_ms = process.cpu_us().unwrap() / 1000;
    assert!((480..2_000).contains(&cpu_ms), "{cpu_ms}");
}

#[test]
fn another_process_is_as_psutil_says() {
    let Some(python) = programs::program("python").filter(|_| common::target().join("venv").is_dir()) else {
        return;
    };
    let child = busy();
    let pid = child.0.id();
    let code = "
import json, sys
try: import psutil
except ImportError: print('null'); sys.exit()
p = psutil.Process(int(sys.argv[1])); m = p.memory_info(); c = p.cpu_times()
print(json.dumps([m.rss, p.num_threads(), p.num_fds(), c.user, c.system, p.create_time()]))
";
    let said: Value =
        serde_json::from_str(&run(Command::new(python).args(["-c", code, &pid.to_string()]))).unwrap();
    if said.is_null() {
        eprintln!("skipped: psutil: not installed");
        return;
    }
    let probe = ProcessProbe::of(pid).unwrap();
    let process = sampled(pid);
    assert!(is_near(process.rss_bytes.unwrap(), said[0].as_u64().unwrap()), "{process:?} {said}");
    assert_eq!(json!([process.threads, process.fd_count]), json!([said[1], said[2]]));
    // Both count in ticks of a hundredth of a second.
    assert_eq!(process.user_cpu_us, Some((said[3].as_f64().unwrap() * 1e6).round() as u64));
    assert_eq!(process.system_cpu_us, Some((said[4].as_f64().unwrap() * 1e6).round() as u64));
    let apart = probe.started().unwrap().as_secs_f64() - said[5].as_f64().unwrap();
    // The time of the boot is known to a second or so.
    assert!(apart.abs() < 1.5, "{apart}");
}

#[test]
fn this_process_is_as_its_own_folder_says() {
    let block = std::hint::black_box(vec![1_u8; 64 << 20]);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(200) {
        std::hint::black_box(block.iter().map(|byte| u64::from(*byte)).sum::<u64>());
    }
    let mut probe = ProcessProbe::this().unwrap();
    let (before, after) = (sampled(std::process::id()), probe.sample().unwrap());
    let (whole, peak) = (after.cpu_us().unwrap(), after.peak_rss_bytes.unwrap());
    assert!(
        whole >= before.cpu_us().unwrap().saturating_sub(20_000) && whole > 150_000,
        "{whole} {before:?}"
    );
    assert!(peak >= 64 << 20 && peak >= after.rss_bytes.unwrap());
}

#[test]
fn a_process_that_has_ended_is_unavailable_and_not_another_of_its_id() {
    let child = busy();
    let tracker = SessionTracker::start(TrackerOptions { pid: Some(child.0.id()), ..alone() }).unwrap();
    assert!(tracker.snapshot().unwrap().process.unwrap().rss_bytes > Some(64 << 20));
    // Killed, and nobody has asked for its end.
    let mut child = child;
    child.0.kill().unwrap();
    wait_for(&tracker, |payload| payload.process.is_none());
    drop(child);
    let payload = tracker.snapshot().unwrap();
    assert_eq!(payload.unavailable.unwrap()["process"], "it has ended");
    assert_eq!(payload.process, None);
    let pid = 4_194_305;
    let error = SessionTracker::start(TrackerOptions { pid: Some(pid), ..alone() }).unwrap_err();
    assert!(matches!(error, TrackerError::Process { pid: 4_194_305, .. }), "{error}");
}

fn git(folder: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-C"]).arg(folder).args(words);
    run(command.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE"))
        .trim()
        .to_owned()
}

#[test]
fn what_changes_in_the_project_is_seen_in_the_background() {
    let folder = Removed(scratch("tracked"));
    git(&folder.0, &["init", "--quiet", "--initial-branch=trunk"]);
    let tracker = SessionTracker::start(of(&folder.0)).unwrap();
    assert!(tracker.wait_for_project(SOON));
    let payload = tracker.snapshot().unwrap();
    assert_eq!(payload.git.unwrap().branch.as_deref(), Some("trunk"));
    assert!(payload.unavailable.unwrap()["dependencies.lockfile"].contains("has no lockfile"));
    // A lockfile comes, is changed in place, and is committed.
    let lockfile = folder.0.join("package-lock.json");
    let hash = || {
        let said = run(Command::new("sha256sum").arg(&lockfile));
        Some(format!("sha256:{}", said.split(' ').next().unwrap()))
    };
    let hash_of = |payload: &SessionPayload| {
        payload.dependencies.as_ref().and_then(|all| all.lockfile.as_ref()?.hash.clone())
    };
    for packages in ["{\"\": {}}", "{\"\": {}, \"node_modules/a\": {\"version\": \"1.0.0\"}}"] {
        fs::write(&lockfile, format!(r#"{{"lockfileVersion": 3, "packages": {packages}}}"#)).unwrap();
        let payload = wait_for(&tracker, |payload| hash_of(payload) == hash());
        assert!(!payload.unavailable.unwrap_or_default().contains_key("dependencies.lockfile"));
    }
    wait_for(&tracker, |payload| payload.git.as_ref().is_some_and(|git| git.untracked == Some(1)));
    git(&folder.0, &["add", "--all"]);
    git(&folder.0, &["commit", "--quiet", "--message", "Add a lockfile"]);
    let head = Some(git(&folder.0, &["rev-parse", "HEAD"]));
    let payload = wait_for(&tracker, |payload| payload.git.as_ref().is_some_and(|git| git.head == head));
    assert_eq!(payload.git.unwrap().dirty(), Some(false));
}

#[test]
fn reports_of_tests_are_followed_as_they_come() {
    let folder = Removed(scratch("reports"));
    let (junit, lcov) = (folder.0.join("junit.xml"), folder.0.join("lcov.info"));
    let options = TrackerOptions { junit: Some(junit.clone()), lcov: Some(lcov.clone()), ..of(&folder.0) };
    let tracker = SessionTracker::start(options).unwrap();
    assert!(tracker.wait_for_project(SOON));
    assert!(tracker.snapshot().unwrap().unavailable.unwrap().contains_key("test.tests"));
    fs::write(&lcov, "SF:a.ts\nLF:8\nLH:6\nend_of_record\n").unwrap();
    for passed in 1..3 {
        let cases: String = (0..passed)
            .map(|n| format!(r#"<testcase name="t{n}" classname="c" file="a.test.ts" time="0.5"/>"#))
            .collect();
        fs::write(
            &junit,
            format!(
                r#"<testsuites name="bun test"><testsuite name="a.test.ts">{cases}</testsuite></testsuites>"#
            ),
        )
        .unwrap();
        let passed_of =
            |payload: &SessionPayload| payload.test.as_ref().and_then(|test| test.tests.as_ref()?.passed);
        let payload = wait_for(&tracker, |payload| passed_of(payload) == Some(passed));
        let test = payload.test.unwrap();
        assert_eq!(test.tests.unwrap().total(), Some(passed));
    }
    let payload =
        wait_for(&tracker, |payload| payload.test.as_ref().is_some_and(|test| test.coverage.is_some()));
    assert_eq!(payload.test.unwrap().coverage.unwrap().lines(), Some(75.0));
    // What is measured is no guest's to say.
    let refused =
        tracker.patch(json!({"test": {"tests": {"passed": 99}}, "git": null, "cache": {"hits": 3}})).unwrap();
    assert_eq!(refused, ["git", "test.tests"]);
    assert_eq!(tracker.snapshot().unwrap().cache.unwrap().hits, Some(3));
}

#[test]
fn planted_secrets_leave_by_no_way_and_are_said_to_have_been_there() {
    let secrets = ["ghp_abcdefghijklmnopqrstuvwxyz0123456789", "hunter2hunter2", "AKIAABCDEFGHIJKLMNOP"];
    let home = std::env::home_dir().unwrap();
    let name = format!("circlet-test-secrets-{}", std::process::id());
    let tracker =
        SessionTracker::start(TrackerOptions { page: Some(name.clone()), interval_ms: 5, ..alone() })
            .unwrap();
    let home = home.to_str().unwrap().trim_end_matches('/').to_owned();
    tracker
        .patch(json!({
            "goal": format!("push with {}", secrets[0]),
            "context": [format!("curl --password {} https://x", secrets[1]), format!("{home}/notes.md")],
            "worker_threads": {"registry": {"w_1": {"last_error": format!("refused: key={}", secrets[2])}}},
            "env": {"DB_PASSWORD": secrets[1]},
        }))
        .unwrap();
    tracker.update_worker("w_1", json!({"last_error": format!("again {}", secrets[2])})).unwrap();
    let snapshot = tracker.snapshot().unwrap();
    let until = Instant::now() + SOON;
    let published = loop {
        match read_session(&name).unwrap() {
            Some(payload) if payload.goal.is_some() => break payload.to_json(),
            _ => assert!(Instant::now() < until),
        }
    };
    let json = tracker.snapshot_json().unwrap().to_string();
    let history = tracker.history().unwrap().join("\n");
    let diff = tracker
        .diff(serde_json::from_str::<Value>(&json).unwrap()["seq"].as_u64().unwrap())
        .unwrap()
        .to_string();
    for said in [&snapshot.to_json(), &snapshot.to_view().to_string(), &published, &json, &history, &diff] {
        for secret in secrets {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
        assert!(home.len() < 3 || !said.contains(&format!("{home}/notes")), "{said}");
    }
    let redacted = snapshot.redacted.unwrap();
    for (path, kind) in [
        ("goal", "token"),
        ("context[0]", "secret"),
        ("env.DB_PASSWORD", "secret"),
        ("worker_threads.registry.w_1.last_error", "token"),
    ] {
        assert_eq!(redacted.get(path).map(String::as_str), Some(kind), "{redacted:?}");
    }
}

#[test]
fn any_number_of_threads_say_what_they_know_at_once_and_nothing_is_lost() {
    let tracker = SessionTracker::start(alone()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let tracker = tracker.clone();
            scope.spawn(move || {
                for number in 0..50 {
                    tracker.log_api_usage(&format!("api.{number}")).unwrap();
                    tracker.register_worker(&format!("w_{thread}_{number}")).unwrap();
                    tracker.snapshot_json().unwrap();
                }
            });
        }
    });
    let payload = tracker.snapshot().unwrap();
    assert_eq!(payload.native.unwrap().apis.unwrap().len(), 50);
    assert_eq!(payload.worker_threads.unwrap().registry.unwrap().len(), 200);
    assert_eq!(payload.seq, Some(201));
}

#[test]
fn rings_are_watched_until_they_are_dropped_and_not_kept() {
    let tracker = SessionTracker::start(alone()).unwrap();
    let name = format!("circlet-watched-{}", std::process::id());
    let ring = ring::create(&name, &ring::Options::new()).unwrap();
    tracker.watch_ring("jobs", &ring).unwrap();
    assert!(matches!(tracker.watch_ring("jobs", &ring), Err(TrackerError::KnownWatch(_))));
    assert!(tracker.watch_ring("", &ring).is_err());
    let (mut sender, mut receiver) = (ring.sender().unwrap(), ring.receiver().unwrap());
    let seen = || tracker.snapshot().unwrap().rings.unwrap()["jobs"].clone();
    sender.send(&[7; 96]).unwrap();
    let (stats, one) = (ring.stats(), seen());
    assert_eq!((one.used_bytes, one.frames_sent), (Some(stats.used_bytes), Some(1)));
    assert!(one.used_bytes >= Some(96) && one.high_water_bytes >= one.used_bytes, "{one:?}");
    assert_eq!((one.producers, one.mode.as_deref()), (Some(1), Some("spsc")));
    receiver.recv().unwrap();
    drop(receiver.recv_timeout(Duration::ZERO));
    let two = seen();
    assert_eq!((two.frames_received, two.used_bytes), (Some(1), Some(0)));
    assert!(tracker.patch(json!({"rings": {"jobs": {"dropped": 7}}})).unwrap() == ["rings.jobs"]);
    // A sender alone keeps it, and nothing here does: the name is free at once.
    drop((ring, receiver));
    assert_eq!(seen().frames_sent, Some(1));
    drop(sender);
    let again = ring::create(&name, &ring::Options::new()).unwrap();
    assert_eq!(tracker.snapshot().unwrap().rings, None);
    tracker.watch_ring("jobs", &again).unwrap();
    assert_eq!(seen().frames_sent, Some(0));
    assert!(tracker.unwatch("jobs").unwrap() && !tracker.unwatch("jobs").unwrap());
    assert_eq!(tracker.snapshot().unwrap().rings, None);
}

#[test]
fn pools_are_watched_until_they_are_closed_beside_workers_of_the_programs_own() {
    let tracker = SessionTracker::start(alone()).unwrap();
    tracker.register_worker("w_own").unwrap();
    let [one, two] = [2, 3].map(|workers| Pool::builder().workers(workers).build().unwrap());
    tracker.watch_pool("one", &one).unwrap();
    one.submit(Job::new("add", |_| Ok(1 + 1))).unwrap().wait().unwrap();
    let workers = || tracker.snapshot().unwrap().worker_threads.unwrap();
    let first = wait_for(&tracker, |seen| {
        seen.worker_threads.as_ref().unwrap().pool.as_ref().unwrap().size() == Some(2)
    });
    let first = first.worker_threads.unwrap();
    assert_eq!(first.registry.as_ref().unwrap().len(), 3);
    assert_eq!(first.statistics.as_ref().unwrap().total_messages_received, Some(1));
    assert!(first.statistics.unwrap().p99_processing_ns.is_some());
    tracker.watch_pool("two", &two).unwrap();
    assert_eq!(workers().pool.unwrap().max, Some(5));
    one.close().unwrap();
    assert_eq!(workers().pool.unwrap().max, Some(3));
    drop(two);
    let left = workers();
    assert!(left.pool.is_none() && left.registry.unwrap().keys().eq(["w_own"]));
}

#[test]
fn a_page_is_read_with_its_age_and_whether_its_writer_lives() {
    let name = format!("circlet-read-{}", std::process::id());
    assert!(read_session_page(&name).is_err());
    let tracker =
        SessionTracker::start(TrackerOptions { page: Some(name.clone()), interval_ms: 60_000, ..alone() })
            .unwrap();
    let read = || read_session_page(&name).unwrap();
    let until = Instant::now() + SOON;
    while read().is_none() && Instant::now() < until {}
    std::thread::sleep(Duration::from_millis(50));
    let one = read().unwrap();
    assert!(one.is_live && one.age >= Some(Duration::from_millis(50)) && one.age < Some(SOON), "{one:?}");
    assert_eq!(Some(one.payload), read_session(&name).unwrap());
    drop(tracker);
    assert!(read_session_page(&name).is_err());
}

#[test]
fn a_folder_that_is_not_there_is_refused_and_a_project_that_nobody_looks_at_is_not_waited_for() {
    let missing = TrackerOptions { folder: "/nowhere/at/all".into(), ..TrackerOptions::default() };
    let error = SessionTracker::start(missing).unwrap_err().to_string();
    assert_eq!(error, "`folder` is `/nowhere/at/all`: give a folder that is there");
    assert!(!SessionTracker::start(alone()).unwrap().wait_for_project(Duration::MAX));
    let folder = Removed(scratch("tracked-for-ever"));
    assert!(SessionTracker::start(of(&folder.0)).unwrap().wait_for_project(Duration::MAX));
}
