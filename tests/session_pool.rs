//! Sessions that a fork server makes: quickly, apart from each other, and gone with their supervisor. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use circlet::exec::{Ended, Error, RunOptions};
use circlet::pool::{WorkerEnd, WorkerState};
use circlet::ring::{self, Options};
use circlet::shm::Deadline;
use serde_json::json;

use sessions::{alive, builder, pool, ready, wait_for};

fn status(process: u32, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap().trim().to_owned()
}

#[test]
fn a_forked_session_is_a_child_of_its_supervisor_and_leads_a_group() {
    let pool = pool();
    let mut python = pool.open().unwrap();
    let id = python.process_id().unwrap();
    assert_eq!(status(id, "PPid"), std::process::id().to_string());
    let outcome = python.run("import os, threading\n[os.getpid(), os.getpgid(0), os.getppid(), threading.get_native_id(), threading.active_count()]").unwrap();
    assert_eq!(outcome.value, Some(json!([id, id, std::process::id(), id, 1])), "{outcome:?}");
    python.stop().unwrap();
    assert!(!alive(id));
}

#[test]
fn forked_sessions_have_names_and_folders_and_random_numbers_of_their_own() {
    let pool = ready(builder().ready(2).preload("random").pool().unwrap());
    let (mut one, mut other) = (pool.open().unwrap(), pool.open().unwrap());
    one.run("x = 1\nimport os; os.chdir('/')").unwrap();
    let error = other.run("x").unwrap().error.unwrap();
    assert_eq!(error.kind, "NameError");
    assert_ne!(other.run("import os; os.getcwd()").unwrap().value, Some(json!("/")));
    let draw = "import random; random.random()";
    assert_ne!(one.run(draw).unwrap().value, other.run(draw).unwrap().value);
}

#[test]
fn a_forked_session_does_all_that_a_started_one_does() {
    let ring = ring::anonymous(&Options::new()).unwrap();
    let pool = ready(builder().ring("points", &ring).pool().unwrap());
    let mut python = pool.open().unwrap();
    python.run("rings['points'].send(b'through it')").unwrap();
    let mut received = Vec::new();
    ring.receiver().unwrap().recv_copy(&mut received, Deadline::now()).unwrap();
    assert_eq!(received, b"through it");
    let code = "import os, subprocess, sys\nprint('a'); os.write(1, b'b\\n'); subprocess.run(['echo', 'c']); print('d', file=sys.stderr)";
    let outcome = python.run(code).unwrap();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("a\nb\nc\n", "d\n"), "{outcome:?}");
    let outcome = python.run("import asyncio\nawait asyncio.sleep(0, 7)").unwrap();
    assert_eq!(outcome.value, Some(json!(7)), "{outcome:?}");
    let outcome = python.run("from concurrent.futures import ThreadPoolExecutor as T\nwith T(3) as t: s = sum(t.map(abs, range(5)))\ns").unwrap();
    assert_eq!(outcome.value, Some(json!(10)), "{outcome:?}");
    let outcome = python
        .run("import os\npid = os.fork()\nif pid == 0: os._exit(3)\nos.waitpid(pid, 0)[1] >> 8")
        .unwrap();
    assert_eq!(outcome.value, Some(json!(3)), "{outcome:?}");
    let stopped = python.run_timeout("while True: pass", Duration::from_millis(50)).unwrap();
    assert_eq!(stopped.error.unwrap().kind, "KeyboardInterrupt");
    let traceback = python.run("def f():\n    return 1 / 0\nf()").unwrap().error.unwrap().traceback;
    assert!(traceback.contains("return 1 / 0"), "{traceback}");
    assert_eq!(python.run("_").unwrap().value, Some(json!(3)));
}

#[test]
fn a_preloaded_module_is_there_and_one_that_starts_threads_is_refused() {
    let mut python = builder().preload("decimal").start().unwrap();
    assert_eq!(python.run("import sys; 'decimal' in sys.modules").unwrap().value, Some(json!(true)));
    let folder = common::scratch("session-pool-threads");
    let code =
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n";
    fs::write(folder.join("with_threads.py"), code).unwrap();
    let code = format!("import sys; sys.path.insert(0, {:?})", folder.display().to_string());
    fs::write(folder.join("sitecustomize.py"), code).unwrap();
    let script = folder.join("python");
    let text = format!("#!/bin/sh\nPYTHONPATH={} exec python3 \"$@\"\n", folder.display());
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    let error = builder().python(&script).preload("with_threads").pool().unwrap_err();
    assert!(matches!(error, Error::Preload { threads: 2 }), "{error}");
    let error = builder().preload("no_such_module").pool().unwrap_err();
    assert!(error.to_string().contains("no_such_module"), "{error}");
}

#[test]
fn a_session_that_died_says_how_and_the_next_run_has_another_one() {
    let pool = pool();
    let mut python = pool.open().unwrap();
    let error = python.run("import os, signal, sys\nprint('so long', file=sys.stderr)\nos.write(2, b'and thanks')\nos.kill(os.getpid(), signal.SIGKILL)").unwrap_err();
    assert!(
        matches!(&error, Error::Died { how: Ended::Killed(9), said } if said.contains("and thanks")),
        "{error}"
    );
    assert_eq!(python.run("1 + 1").unwrap().value, Some(json!(2)));
    assert!(matches!(python.run("import os; os._exit(7)"), Err(Error::Died { how: Ended::Exited(7), .. })));
}

#[test]
fn a_session_is_replaced_after_as_many_runs_as_it_may_have() {
    let pool = ready(builder().recycle_after(3).pool().unwrap());
    let mut python = pool.open().unwrap();
    let mut ids = Vec::new();
    for _ in 0..9 {
        ids.push(python.run("import os; os.getpid()").unwrap().value.unwrap().as_u64().unwrap());
    }
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), 3, "{ids:?}");
    assert!(ids.chunks(3).all(|runs| runs.iter().all(|id| *id == runs[0])), "{ids:?}");
    wait_for("the old ones have ended", || !alive(ids[0] as u32) && !alive(ids[3] as u32));
}

#[test]
fn a_session_that_has_grown_is_replaced_and_one_that_gave_back_is_not() {
    let mut python = builder().recycle_above(64 << 20).start().unwrap();
    let first = python.process_id();
    python.run("x = bytes(1) * (200 << 20)\nx = None").unwrap();
    python.run("1").unwrap();
    assert_eq!(python.process_id(), first, "what it had once is gone");
    python.run("x = bytearray(b'1') * (200 << 20)").unwrap();
    assert_eq!(python.run("1").unwrap().value, Some(json!(1)));
    assert_ne!(python.process_id(), first);
}

#[test]
fn a_snapshot_says_what_every_session_does() {
    let pool = ready(builder().ready(2).recycle_after(2).pool().unwrap());
    let mut python = pool.open().unwrap();
    assert!(pool.wait_ready(Deadline::after(Duration::from_secs(30))).unwrap());
    let id = python.process_id();
    assert_eq!(python.run("1 / 0").unwrap().error.unwrap().kind, "ZeroDivisionError");
    let first = pool.snapshot();
    let entry = first.registry.values().find(|entry| entry.pid == id).unwrap();
    assert_eq!((entry.messages_processed, entry.errors), (1, 1));
    assert_eq!(entry.last_error.as_deref(), Some("ZeroDivisionError: division by zero"));
    assert!(entry.resource_usage.as_ref().unwrap().rss_bytes.unwrap() > 1 << 20, "{entry:?}");
    assert_eq!(
        (first.pool.size, first.pool.idle, first.pool.ready, first.pool.active),
        (3, 1, 2, 0),
        "{first:?}"
    );
    python.session().unwrap().begin("input_was = receive()", RunOptions::new()).unwrap();
    let running = pool.snapshot();
    let entry = running.registry.values().find(|entry| entry.pid == id).unwrap();
    assert_eq!((entry.state, entry.current_job.as_ref().unwrap().id.get()), (WorkerState::Processing, 2));
    let json = serde_json::to_value(&running).unwrap();
    assert_eq!(json["pool"]["active"], json!(1));
    while python.session().unwrap().next(Deadline::NEVER).unwrap().is_some() {}
    python.run("1").unwrap();
    wait_for("the worn session has ended", || pool.snapshot().pool.terminated == 1);
    let last = pool.snapshot();
    let entry = last.registry.values().find(|entry| entry.pid == id).unwrap();
    assert_eq!((entry.state, entry.end), (WorkerState::Terminated, Some(WorkerEnd::Recycled)));
}
