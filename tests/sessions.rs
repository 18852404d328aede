//! Sessions: what their code prints, shows, asks for and sends, and how runs are stopped. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/sessions.rs"]
mod runs;

use std::thread;
use std::time::{Duration, Instant};

use circlet::exec::{Event, Executor, RunOptions, Session, Stopped, Stream};
use circlet::shm::Deadline;
use serde_json::json;

use runs::{LONG, events, start};

#[test]
fn what_python_and_others_write_comes_in_the_order_in_which_it_was_written() {
    let mut python = start();
    let code = "
import os, subprocess
for i in range(100):
    print('python', i)
    os.write(1, b'os %d\\n' % i)
    if i % 25 == 0:
        subprocess.run(['echo', 'child', str(i)])
        print('after child', i)
";
    let outcome = python.run(code).unwrap();
    assert_eq!(outcome.error, None);
    let wanted: String = (0..100)
        .map(|i| {
            let child = if i % 25 == 0 { format!("child {i}\nafter child {i}\n") } else { String::new() };
            format!("python {i}\nos {i}\n{child}")
        })
        .collect();
    assert_eq!(outcome.stdout, wanted);
}

#[test]
fn output_comes_while_the_code_runs() {
    let mut python = start();
    let session = python.session().unwrap();
    session.begin("print('first', end='')\ninput()", RunOptions::new().asks()).unwrap();
    let next = |session: &mut Session| session.next(Deadline::after(LONG)).unwrap().unwrap();
    assert_eq!(next(session), Event::Output(Stream::Stdout, b"first".to_vec()));
    assert_eq!(next(session), Event::Ask { prompt: String::new(), is_secret: false });
    assert_eq!(session.next(Deadline::now()).unwrap(), None, "it waits for the answer");
    session.answer(Some("second")).unwrap();
    let Event::End(outcome) = next(session) else { panic!("the end") };
    assert_eq!(outcome.value, Some(json!("second")));
}

#[test]
fn a_hundred_megabytes_come_whole_from_python_and_from_a_child() {
    let mut python = Executor::builder().library(common::library()).output_max(1 << 30).start().unwrap();
    let bytes = 100 << 20;
    let code = format!("import sys\nfor _ in range({}): sys.stdout.write('x' * 65535 + '\\n')", bytes >> 16);
    assert_eq!(python.run(&code).unwrap().stdout.len(), bytes);
    let code =
        format!("import subprocess; subprocess.run(['head', '-c', '{bytes}', '/dev/zero']).returncode");
    let outcome = python.run(&code).unwrap();
    assert_eq!((outcome.stdout.len(), outcome.value), (bytes, Some(json!(0))));
}

#[test]
fn endless_output_is_cut_with_a_notice_and_the_code_goes_on() {
    let mut python = Executor::builder().library(common::library()).output_max(1000).start().unwrap();
    let outcome = python.run("for i in range(100_000): print('x' * 80)\n7").unwrap();
    assert_eq!(outcome.value, Some(json!(7)));
    assert!(
        outcome.stdout.len() < 1200 && outcome.stdout.contains("more than 1000 bytes"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn buffers_come_and_go_as_their_bytes() {
    let mut python = start();
    let outcome = python.run("import array; array.array('d', [1.5, 2.5])").unwrap();
    let bytes = outcome.bytes.unwrap();
    assert_eq!((bytes.format.as_str(), bytes.shape), ("d", vec![2]));
    assert_eq!(bytes.content, [1.5_f64, 2.5].map(f64::to_le_bytes).concat());
    assert_eq!(python.run("b'\\0' * 3_000_000").unwrap().bytes.unwrap().content.len(), 3_000_000);
    assert_eq!(python.run("memoryview(b'abcdef')[::2]").unwrap().bytes.unwrap().content, b"ace");

    let session = python.session().unwrap();
    session.send(&[7; 5_000_000]).unwrap_or_else(|error| panic!("{error}"));
    let code = "from circlet.session import receive, send\ngot = receive()\nsend(got[:10])\nlen(got)";
    let (events, outcome) = events(session, code, RunOptions::new());
    assert_eq!(outcome.error, None);
    assert_eq!((events, outcome.value), (vec![Event::Data(vec![7; 10])], Some(json!(5_000_000))));
}

#[test]
fn values_show_themselves_by_mime_type() {
    let mut python = start();
    let code = "
class Shown:
    def _repr_html_(self): return '<b>x</b>'
    def _repr_png_(self): return b'\\x89PNG'
    def __repr__(self): return 'shown'
Shown()";
    let outcome = python.run(code).unwrap();
    assert_eq!(outcome.repr.as_deref(), Some("shown"));
    assert_eq!(outcome.data["text/html"], json!("<b>x</b>"));
    assert_eq!(outcome.data["image/png"], json!("iVBORw=="));
    let session = python.session().unwrap();
    let code = "from circlet.session import display\ndisplay(Shown())";
    let (events, _) = events(session, code, RunOptions::new());
    let [Event::Display(data)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&data["text/plain"], &data["text/html"]), (&json!("shown"), &json!("<b>x</b>")));
}

#[test]
fn a_run_may_await_and_the_event_loop_stays() {
    let mut python = start();
    let code = "import asyncio\nasync def later(): await asyncio.sleep(0); return 5\ntask = asyncio.ensure_future(later())\nawait later()";
    let outcome = python.run(code).unwrap();
    assert_eq!((outcome.error, outcome.value), (None, Some(json!(5))));
    assert_eq!(python.run("await task").unwrap().value, Some(json!(5)));
}

#[test]
fn the_last_value_and_what_future_imports_say_are_there_in_the_next_run() {
    let mut python = start();
    python.run("6 * 7").unwrap();
    assert_eq!(python.run("_ + 1").unwrap().value, Some(json!(43)));
    python.run("from __future__ import annotations").unwrap();
    assert_eq!(
        python.run("def f(x: nowhere): pass\nf.__annotations__['x']").unwrap().value,
        Some(json!("nowhere"))
    );
}

#[test]
fn an_expression_is_evaluated_once_and_a_repr_may_raise_or_never_end() {
    let mut python = start();
    let code = "count = 0\ndef f():\n    global count\n    count += 1\n    return object()\nf()";
    python.run(code).unwrap();
    assert_eq!(python.run("count").unwrap().value, Some(json!(1)));
    let code = "class Odd:\n    def __repr__(self): 1 / 0\nOdd()";
    assert_eq!(python.run(code).unwrap().error.unwrap().kind, "ZeroDivisionError");
    let code = "class Deep:\n    def __repr__(self): return repr(self)\nDeep()";
    assert_eq!(python.run(code).unwrap().error.unwrap().kind, "RecursionError");
    assert_eq!(python.run("'\\0 ä 😀'").unwrap().value, Some(json!("\0 ä 😀")));
    assert_eq!(python.run("1").unwrap().value, Some(json!(1)));
}

#[test]
fn nobody_who_answers_makes_input_fail_at_once() {
    let mut python = start();
    assert_eq!(python.run("input('name? ')").unwrap().error.unwrap().kind, "EOFError");
}

#[test]
fn an_interrupt_ends_the_run_that_was_meant_and_no_other() {
    let mut python = start();
    let interrupter = python.interrupter();
    assert!(!interrupter.interrupt(), "nothing runs");
    assert_eq!(python.run("1").unwrap().value, Some(json!(1)));
    let session = python.session().unwrap();
    session.begin("print('runs')\nwhile True: pass", RunOptions::new()).unwrap();
    assert!(matches!(session.next(Deadline::after(LONG)).unwrap(), Some(Event::Output(..))));
    assert!(interrupter.interrupt());
    let outcome = loop {
        match session.next(Deadline::after(LONG)).unwrap().expect("the end") {
            Event::End(outcome) => break outcome,
            event => assert!(matches!(event, Event::Output(..)), "{event:?}"),
        }
    };
    assert_eq!(outcome.stopped, Some(Stopped::Interrupted));
    assert_eq!(outcome.error.unwrap().kind, "KeyboardInterrupt");
    assert_eq!(python.run("2").unwrap().value, Some(json!(2)));
}

#[test]
fn of_a_thousand_runs_that_are_interrupted_at_any_moment_each_is_accounted_for() {
    let mut python = start();
    let (mut ended, mut stopped) = (0, 0);
    for round in 0..1000_u32 {
        let interrupter = python.interrupter();
        let outcome = thread::scope(|scope| {
            let other = scope.spawn(move || {
                for _ in 0..round % 97 * 20 {
                    std::hint::spin_loop();
                }
                interrupter.interrupt()
            });
            let outcome = python.run(&format!("x = sum(range(200)); {round}")).unwrap();
            other.join().unwrap();
            outcome
        });
        match outcome.error {
            None => {
                assert_eq!(outcome.value, Some(json!(round)));
                ended += 1;
            }
            Some(error) => {
                assert_eq!(
                    (error.kind.as_str(), outcome.stopped),
                    ("KeyboardInterrupt", Some(Stopped::Interrupted))
                );
                stopped += 1;
            }
        }
    }
    assert_eq!(ended + stopped, 1000);
    assert_eq!(python.run("3").unwrap().value, Some(json!(3)), "{ended} ended, {stopped} were stopped");
}

#[test]
fn a_child_that_the_code_forks_writes_to_the_descriptor_and_ends_where_the_run_does() {
    let mut python = start();
    let code = "import os\nprint('before')\npid = os.fork()\nif pid == 0:\n    print('child')\nelse:\n    os.waitpid(pid, 0)\n    print('parent')";
    let outcome = python.run(code).unwrap();
    assert_eq!((outcome.stdout.as_str(), outcome.error), ("before\nchild\nparent\n", None));
    assert_eq!(python.run("1").unwrap().value, Some(json!(1)));
}

#[test]
fn two_sessions_never_see_each_others_names() {
    let (mut one, mut other) = (start(), start());
    one.run("x = 1").unwrap();
    assert_eq!(other.run("x").unwrap().error.unwrap().kind, "NameError");
    assert_ne!(one.process_id(), other.process_id());
}

#[test]
fn a_run_says_what_it_used() {
    let mut python = start();
    let code = "import time\nend = time.process_time() + 0.05\nwhile time.process_time() < end: pass";
    let usage = python.run(code).unwrap().usage;
    assert!(usage.user + usage.system >= Duration::from_millis(40), "{usage:?}");
    assert!(usage.memory_peak > 1 << 20, "{usage:?}");
}

#[test]
fn output_that_is_dropped_holds_up_no_deadline_of_whoever_waits() {
    let mut python = Executor::builder().library(common::library()).output_max(10).start().unwrap();
    let session = python.session().unwrap();
    session.begin("import sys\nwhile True: sys.stdout.write('x')", RunOptions::new()).unwrap();
    let notice = |session: &mut Session| session.next(Deadline::after(LONG)).unwrap();
    while !matches!(notice(session), Some(Event::Output(_, bytes)) if bytes.ends_with(b"kept]\n")) {}
    for _ in 0..10 {
        let begin = Instant::now();
        assert_eq!(session.next(Deadline::after(Duration::from_millis(50))).unwrap(), None);
        assert!(begin.elapsed() < Duration::from_millis(500), "{:?}", begin.elapsed());
    }
    session.interrupter().interrupt();
}
