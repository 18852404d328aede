//! Workers: what their code gives back, and how they end. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use circlet::exec::{Ended, Error, Executor, Grace, Stopped};
use circlet::ring::{self, Options, Ring};
use serde_json::json;

use sessions::{alive, start};

fn script(name: &str, text: &str) -> PathBuf {
    let path = common::scratch(name).join("python");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn the_last_expression_is_the_value() {
    let mut python = start();
    assert_eq!(python.run("6 * 7").unwrap().value, Some(json!(42)));
    assert_eq!(python.run("x = [1, 2]\n{'x': x}").unwrap().value, Some(json!({"x": [1, 2]})));
    assert_eq!(python.run("y = 1").unwrap().value, Some(json!(null)));
    assert_eq!(python.run("").unwrap().value, Some(json!(null)));
    assert_eq!(python.run("x[1] + y").unwrap().value, Some(json!(3)), "names stay from run to run");
    let outcome = python.run("object").unwrap();
    assert_eq!((outcome.value, outcome.repr.as_deref()), (None, Some("<class 'object'>")));
    python.stop().unwrap();
}

#[test]
fn what_is_printed_comes_back_in_order_and_whole() {
    let mut python = start();
    let outcome = python.run("import sys\nprint('ä', 1)\nprint('error', file=sys.stderr)\nprint(2)").unwrap();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("ä 1\n2\n", "error\n"));
    let long = python.run("for i in range(300_000): print(i)").unwrap();
    let wanted: String = (0..300_000).map(|i| format!("{i}\n")).collect();
    assert!(long.stdout == wanted, "more than the ring holds");
}

#[test]
fn what_is_printed_through_a_stream_of_an_earlier_run_belongs_to_the_run_under_way() {
    let mut python = start();
    let code = "import logging, sys\nlogging.basicConfig(stream=sys.stdout, format='%(message)s')\nlogging.error('one')";
    assert_eq!(python.run(code).unwrap().stdout, "one\n");
    assert_eq!(python.run("logging.error('two')").unwrap().stdout, "two\n");
}

#[test]
fn threads_that_print_at_any_time_do_no_harm() {
    let mut python = start();
    let code = "import threading\nstop = threading.Event()\ndef chat(n):\n    while not stop.is_set(): print(n, flush=True)\n\
                threads = [threading.Thread(target=chat, args=(n,)) for n in range(3)]\nfor t in threads: t.start()";
    assert_eq!(python.run(code).unwrap().error, None);
    for number in 0..50 {
        assert_eq!(python.run(&number.to_string()).unwrap().value, Some(json!(number)));
    }
    let outcome = python.run("stop.set()\nfor t in threads: t.join()\nprint('end')").unwrap();
    assert!(outcome.stdout.ends_with("end\n"), "{outcome:?}");
    python.stop().unwrap();
}

#[test]
fn what_json_cannot_say_exactly_comes_as_its_repr() {
    let mut python = start();
    for (code, repr) in [
        ("2**70", "1180591620717411303424"),
        ("{1: 2}", "{1: 2}"),
        ("float('nan')", "nan"),
        ("'\\ud800'", "'\\ud800'"),
        ("x = []\nfor _ in range(200): x = [x]\nx[0][0] if 0 else (1, {2})", "(1, {2})"),
    ] {
        let outcome = python.run(code).unwrap();
        assert_eq!((outcome.value, outcome.repr.as_deref()), (None, Some(repr)), "{code}");
    }
    assert!(python.run("x").unwrap().repr.is_some(), "too deep");
    let raised = python.run("raise ValueError('\\ud800')").unwrap().error.unwrap();
    assert_eq!(raised.message, "\\ud800");
    assert_eq!(
        python.run("print('\\ud800'); (1, -2**63, 2**64 - 1)").unwrap().value,
        Some(json!([1, i64::MIN, u64::MAX]))
    );
}

#[test]
fn a_value_longer_than_a_frame_arrives_whole() {
    let mut python = start();
    let value = python.run("['x' * 2_000_000, 1]").unwrap().value.unwrap();
    assert_eq!((value[0].as_str().unwrap().len(), &value[1]), (2_000_000, &json!(1)));
}

#[test]
fn as_many_rings_go_to_a_worker_as_the_limit_says() {
    let ring = ring::anonymous(&Options::new().capacity(4096)).unwrap();
    let with = |count: usize| {
        let builder = Executor::builder().library(common::library());
        (0..count).fold(builder, |builder, number| builder.ring(number.to_string(), &ring)).start()
    };
    assert!(matches!(with(241), Err(Error::TooManyRings { given: 241, max: 240 })));
    assert_eq!(with(240).unwrap().run("len(rings)").unwrap().value, Some(json!(240)));
}

#[test]
fn an_exception_is_a_value_with_the_codes_own_lines() {
    let mut python = start();
    let outcome = python.run("def f():\n    return 1 / 0\nprint('before')\nf()").unwrap();
    let error = outcome.error.unwrap();
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("ZeroDivisionError", "division by zero"));
    assert!(
        error.traceback.contains("return 1 / 0") && error.traceback.contains("line 2"),
        "{}",
        error.traceback
    );
    assert!(!error.traceback.contains("worker.py"), "{}", error.traceback);
    assert_eq!(outcome.stdout, "before\n");
    assert_eq!(python.run("f(").unwrap().error.unwrap().kind, "SyntaxError");
    assert_eq!(python.run("raise SystemExit(3)").unwrap().error.unwrap().kind, "SystemExit");
    assert_eq!(python.run("1").unwrap().value, Some(json!(1)), "it goes on");
}

#[test]
fn code_works_on_a_ring_in_place() {
    measure(&ring::anonymous(&Options::new()).unwrap());
    measure(&ring::create(&format!("circlet-exec-test-{}", std::process::id()), &Options::new()).unwrap());
}

fn measure(ring: &Ring) {
    let mut sender = ring.sender().unwrap();
    let mut python = Executor::builder().library(common::library()).ring("points", ring).start().unwrap();
    for scale in [1.0, 2.0] {
        let values: Vec<u8> = (0..1000).flat_map(|i| (f64::from(i) * scale).to_le_bytes()).collect();
        sender.send(&values).unwrap();
    }
    drop(sender);
    let outcome = python.run("[sum(view.cast('d')) for view in rings['points']]").unwrap();
    assert_eq!(outcome.value, Some(json!([499_500.0, 999_000.0])), "{:?}", outcome.error);
}

#[test]
fn a_worker_that_exits_says_how_and_what_it_said_last() {
    let mut python = start();
    let error = python.run("import os; os.write(2, b'farewell'); os._exit(3)").unwrap_err();
    assert!(matches!(&error, Error::Died { how: Ended::Exited(3), said } if said == "farewell"), "{error}");
    let outcome = python.run("'os' in globals()").unwrap();
    assert_eq!(outcome.value, Some(json!(false)), "the next run has a new session");
}

#[test]
fn a_worker_that_is_killed_says_so() {
    let mut python = start();
    let process = python.process_id().unwrap();
    let error = python.run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)").unwrap_err();
    assert!(matches!(error, Error::Died { how: Ended::Killed(9), .. }), "{error}");
    assert!(!alive(process));
}

#[test]
fn a_run_can_be_ended_from_another_thread() {
    let mut python = start();
    let killer = python.killer().unwrap();
    let path = common::scratch("killed").join("runs");
    let code = format!("open({path:?}, 'w').close()\nwhile True: pass");
    std::thread::scope(|scope| {
        let run = scope.spawn(|| python.run(&code));
        while !path.exists() {
            std::thread::yield_now();
        }
        killer.kill();
        assert!(matches!(run.join().unwrap(), Err(Error::Died { how: Ended::Killed(9), .. })));
    });
}

#[test]
fn a_run_beyond_its_deadline_is_interrupted_and_the_names_stay() {
    let mut python = start();
    let begin = Instant::now();
    let outcome = python.run_timeout("x = 1\nwhile True: pass", Duration::from_millis(200)).unwrap();
    assert_eq!(outcome.error.unwrap().kind, "KeyboardInterrupt");
    assert_eq!(outcome.stopped, Some(Stopped::Interrupted));
    assert!(begin.elapsed() >= Duration::from_millis(200));
    assert_eq!(python.run("x").unwrap().value, Some(json!(1)));
}

#[test]
fn a_run_that_does_not_stop_is_made_to_and_the_next_has_a_new_session() {
    let short = Duration::from_millis(50);
    let builder = Executor::builder().library(common::library());
    let mut python = builder.grace(Grace { group: short, kill: short }).start().unwrap();
    let process = python.process_id().unwrap();
    let code = "while True:\n  try:\n    for _ in iter(int, 1): pass\n  except BaseException: pass";
    let error = python.run_timeout(code, short).unwrap_err();
    assert!(matches!(error, Error::Stopped), "{error}");
    assert!(!alive(process));
    assert_eq!(python.run("1").unwrap().value, Some(json!(1)));

    // The second signal goes to the whole group.
    let code = "try:\n  for _ in iter(int, 1): pass\nexcept KeyboardInterrupt: pass\nwhile True: pass";
    let outcome = python.run_timeout(code, short).unwrap();
    assert_eq!(outcome.stopped, Some(Stopped::GroupInterrupted));
}

#[test]
fn a_missing_python_is_named() {
    let error =
        Executor::builder().library(common::library()).python("/nowhere/python9").start().unwrap_err();
    assert!(matches!(&error, Error::NoPython { .. }), "{error}");
    assert!(error.to_string().starts_with("Python did not start: /nowhere/python9"), "{error}");
}

#[test]
fn a_missing_library_is_told_before_anything_starts() {
    let error = Executor::builder().library("/nowhere/libcirclet.so").start().unwrap_err();
    assert!(matches!(error, Error::NoLibrary { .. }), "{error}");
}

#[test]
fn a_worker_that_never_gets_ready_is_ended() {
    let folder = common::scratch("mute-pid");
    let text = format!(
        "#!/bin/sh\necho $$ > {0}/pid\necho 'still thinking' >&2\nexec sleep 600\n",
        folder.display()
    );
    let builder = Executor::builder().library(common::library()).python(script("mute", &text));
    let error = builder.ready_within(Duration::from_millis(300)).start().unwrap_err();
    assert!(matches!(&error, Error::NotReady { said, .. } if said.contains("still thinking")), "{error}");
    let process = fs::read_to_string(folder.join("pid")).unwrap().trim().parse().unwrap();
    assert!(!alive(process));
}

#[test]
fn a_worker_that_dies_before_it_is_ready_says_why() {
    let broken = script("broken", "#!/bin/sh\necho 'no such interpreter' >&2\nexit 7\n");
    let error = Executor::builder().library(common::library()).python(broken).start().unwrap_err();
    assert!(
        matches!(&error, Error::Died { how: Ended::Exited(7), said } if said.contains("no such interpreter")),
        "{error}"
    );
}

#[test]
fn a_stopped_worker_leaves_no_process_and_its_children_neither() {
    let mut python = start();
    let worker = python.process_id().unwrap();
    let child =
        python.run("import subprocess; subprocess.Popen(['sleep', '600']).pid").unwrap().value.unwrap();
    let child = u32::try_from(child.as_u64().unwrap()).unwrap();
    assert!(alive(worker) && alive(child));
    python.stop().unwrap();
    assert!(!alive(worker));
    // An orphan is reaped by init, in its own time.
    let deadline = Instant::now() + Duration::from_secs(10);
    while fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(Instant::now() < deadline, "the worker's child still runs");
        std::thread::yield_now();
    }
}

#[test]
fn code_of_ten_megabytes_runs() {
    let mut python = start();
    let code = format!("x = '{}'\nlen(x)", "y".repeat(10_000_000));
    assert_eq!(python.run(&code).unwrap().value, Some(json!(10_000_000)));
}
