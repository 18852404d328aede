//! How the code of a session asks for lines and takes bytes, and how that ends. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::time::Duration;

use circlet::exec::{Error, Event, Executor, Grace, Outcome, RunOptions, Session, Stopped};
use circlet::ring;
use circlet::shm::Deadline;
use serde_json::{Value, json};

use sessions::{LONG, start};

fn next(session: &mut Session) -> Event {
    session.next(Deadline::after(LONG)).unwrap().expect("something comes")
}

/// Runs code whose questions get these answers, one after the other; returns the questions too.
fn asked(session: &mut Session, code: &str, answers: &[Option<&str>]) -> (Vec<(String, bool)>, Outcome) {
    session.begin(code, RunOptions::new().asks()).unwrap();
    finish(session, answers)
}

fn finish(session: &mut Session, answers: &[Option<&str>]) -> (Vec<(String, bool)>, Outcome) {
    let (mut answers, mut questions) = (answers.iter(), Vec::new());
    loop {
        match next(session) {
            Event::Ask { prompt, is_secret } => {
                questions.push((prompt, is_secret));
                session.answer(*answers.next().expect("an answer is left")).unwrap();
            }
            Event::End(outcome) => return (questions, *outcome),
            _ => {}
        }
    }
}

fn value(outcome: Outcome) -> Value {
    assert_eq!(outcome.error, None);
    outcome.value.unwrap()
}

#[test]
fn standard_input_asks_line_by_line_and_reads_as_any_text_stream() {
    let mut python = start();
    let session = python.session().unwrap();
    let code = "import sys\n[sys.stdin.readline(), sys.stdin.read(2), sys.stdin.readline(), list(sys.stdin), sys.stdin.read()]";
    let answers = [Some("eins"), Some("zwei ä"), Some(""), Some("vier"), None, Some("fünf"), None];
    let (questions, outcome) = asked(session, code, &answers);
    assert_eq!(value(outcome), json!(["eins\n", "zw", "ei ä\n", ["\n", "vier\n"], "fünf\n"]));
    assert_eq!(questions, vec![(String::new(), false); 7]);

    let long = "x".repeat(100_000);
    let (_, outcome) = asked(session, "len(sys.stdin.buffer.readline())", &[Some(&long)]);
    assert_eq!(value(outcome), json!(100_001));
    let code = "[sys.stdin.isatty(), sys.stdin.readable(), sys.stdin.writable(), sys.stdin.encoding, sys.stdin.name]";
    assert_eq!(value(python.run(code).unwrap()), json!([false, true, false, "utf-8", "<stdin>"]));
    assert_eq!(python.run("sys.stdin.fileno()").unwrap().error.unwrap().kind, "UnsupportedOperation");
}

#[test]
fn without_anybody_who_answers_the_input_is_at_its_end_and_questions_say_what_to_do() {
    let mut python = start();
    let code = "import sys\n[sys.stdin.read(), sys.stdin.readline(), list(sys.stdin), sys.stdin.buffer.read(1) == b'']";
    assert_eq!(value(python.run(code).unwrap()), json!(["", "", [], true]));
    for code in ["input('name? ')", "import getpass; getpass.getpass()"] {
        let error = python.run(code).unwrap().error.unwrap();
        assert_eq!(error.kind, "EOFError");
        assert!(error.message.contains("nobody answers"), "{error:?}");
    }
    let code = "import io\nold, sys.stdin = sys.stdin, io.StringIO('from the code\\n')\ngot = input()\nsys.stdin = old\ngot";
    assert_eq!(value(python.run(code).unwrap()), json!("from the code"));
}

#[test]
fn a_question_has_its_prompt_and_a_password_is_secret() {
    let mut python = start();
    let session = python.session().unwrap();
    let code = "from getpass import getpass\n[input('name? '), input(), getpass(), getpass('code? ')]";
    let (questions, outcome) = asked(session, code, &["Ada", "", "12", "34"].map(Some));
    assert_eq!(value(outcome), json!(["Ada", "", "12", "34"]));
    let wanted = [("name? ", false), ("", false), ("Password: ", true), ("code? ", true)];
    assert_eq!(questions, wanted.map(|(prompt, is_secret)| (prompt.to_owned(), is_secret)));
    let (_, outcome) = asked(session, "input()", &[None]);
    assert_eq!(outcome.error.unwrap().kind, "EOFError");
    let (questions, outcome) = asked(session, r"input('\ud800')", &[Some("x")]);
    assert_eq!((questions[0].0.as_str(), value(outcome)), (r"\ud800", json!("x")));
}

#[test]
fn an_ask_that_nobody_answers_is_ended_by_an_interrupt_and_by_the_deadline() {
    let mut python = start();
    let interrupter = python.interrupter();
    let session = python.session().unwrap();
    for code in ["input()", "import sys; sys.stdin.readline()", "from getpass import getpass; getpass()"] {
        session.begin(code, RunOptions::new().asks()).unwrap();
        assert!(matches!(next(session), Event::Ask { .. }));
        assert!(interrupter.interrupt());
        let Event::End(outcome) = next(session) else { panic!("the end") };
        assert_eq!(
            (outcome.error.unwrap().kind.as_str(), outcome.stopped),
            ("KeyboardInterrupt", Some(Stopped::Interrupted))
        );
    }
    let outcome = session.run("input()", RunOptions::new().asks().within(Duration::from_millis(50))).unwrap();
    assert_eq!(outcome.stopped, Some(Stopped::Interrupted));
    let code = "from circlet.session import receive\nreceive()";
    let outcome = session.run(code, RunOptions::new().within(Duration::from_millis(50))).unwrap();
    assert_eq!(outcome.stopped, Some(Stopped::Interrupted));
}

#[test]
fn a_late_line_answers_no_later_question() {
    let mut python = start();
    let session = python.session().unwrap();
    let code = "try: input('first')\nexcept KeyboardInterrupt: pass\ninput('second')";
    session.begin(code, RunOptions::new().asks()).unwrap();
    assert!(matches!(next(session), Event::Ask { .. }));
    assert!(session.interrupter().interrupt());
    assert!(matches!(next(session), Event::Ask { prompt, .. } if prompt == "second"));
    // Its deadline is the interrupt's grace: it is over before that.
    session.answer(Some("for the second")).unwrap();
    session.answer(Some("for none")).unwrap();
    assert_eq!(value(finish(session, &[]).1), json!("for the second"));
    session.answer(Some("for a run that is over")).unwrap();
    let (_, outcome) = asked(session, "input()", &[Some("its own")]);
    assert_eq!(value(outcome), json!("its own"));
}

#[test]
fn a_thread_that_asks_for_a_line_takes_no_run_and_is_told_when_its_run_is_over() {
    let mut python = start();
    let session = python.session().unwrap();
    let code = "
import threading
from circlet.session import receive
def ask():
    global said
    try: said = input('thread')
    except EOFError as error: said = str(error)
thread = threading.Thread(target=ask)
thread.start()
receive()";
    session.begin(code, RunOptions::new().asks()).unwrap();
    assert!(matches!(next(session), Event::Ask { prompt, .. } if prompt == "thread"));
    session.send(b"the run may end").unwrap();
    while !matches!(next(session), Event::End(_)) {}
    let said = value(python.run("thread.join(); said").unwrap());
    assert!(said.as_str().unwrap().contains("is over"), "{said}");
}

#[test]
fn bytes_that_were_sent_before_come_in_order_to_whichever_run_takes_them() {
    let mut python = start();
    let session = python.session().unwrap();
    for number in 0..3_u8 {
        session.send(&[number; 100]).unwrap();
        session.send(&vec![number; 2_000_000]).unwrap();
    }
    session.run("from circlet.session import receive", RunOptions::new()).unwrap();
    let code = "[(part[0], len(part)) for part in (receive() for _ in range(4))]";
    let outcome = session.run(code, RunOptions::new()).unwrap();
    assert_eq!(value(outcome), json!([[0, 100], [0, 2_000_000], [1, 100], [1, 2_000_000]]));
    let (_, outcome) = asked(session, "[len(receive()), input(), len(receive())]", &[Some("between")]);
    assert_eq!(value(outcome), json!([100, "between", 2_000_000]));
}

#[test]
fn large_arrays_go_there_and_back_as_they_are() {
    let mut python = start();
    let session = python.session().unwrap();
    let bytes: Vec<u8> = (0..12_345_678_u32).map(|at| (at * 7 % 251) as u8).collect();
    session
        .begin(
            "from circlet.session import receive\ntype(got := receive()).__name__, got\ngot",
            RunOptions::new(),
        )
        .unwrap();
    session.send(&bytes).unwrap();
    let Event::End(outcome) = next(session) else { panic!("the end") };
    assert!(outcome.bytes.unwrap().content == bytes);
    let code = "from circlet.session import send\nimport array\nsend(array.array('B', got))\nsend(memoryview(got))\nsend(memoryview(got)[::-1][::-1])";
    session.begin(code, RunOptions::new()).unwrap();
    for _ in 0..3 {
        assert!(matches!(next(session), Event::Data(data) if data == bytes));
    }
    assert!(matches!(next(session), Event::End(outcome) if outcome.error.is_none()));
}

#[test]
fn whoever_sends_more_than_is_taken_waits_no_longer_than_the_deadline_and_the_code_gets_nothing_of_it() {
    let mut python = start();
    let session = python.session().unwrap();
    session.begin("print('runs')\nwhile True: pass", RunOptions::new()).unwrap();
    assert!(matches!(next(session), Event::Output(..)));
    let late = session.send_by(&[1; 5_000_000], Deadline::after(Duration::from_millis(20)));
    assert!(matches!(late, Err(Error::Ring(ring::Error::TimedOut { .. }))), "{late:?}");
    assert!(session.interrupter().interrupt());
    while !matches!(next(session), Event::End(_)) {}
    session.send(b"next").unwrap();
    let outcome = session.run("from circlet.session import receive\nreceive()", RunOptions::new()).unwrap();
    assert_eq!(outcome.bytes.unwrap().content, b"next");
}

#[test]
fn whoever_sends_to_a_session_that_ends_is_told() {
    let mut python = start();
    let session = python.session().unwrap();
    session
        .begin("import os, sys, time\nprint('runs')\nsys.stdin\nwhile os.getppid(): pass", RunOptions::new())
        .unwrap();
    assert!(matches!(next(session), Event::Output(..)));
    let killer = session.killer();
    std::thread::scope(|scope| {
        scope.spawn(|| killer.kill());
        let ended = session.send(&[1; 5_000_000]);
        assert!(matches!(ended, Err(Error::Died { .. })), "{ended:?}");
    });
    let short = Duration::from_millis(20);
    let builder = Executor::builder().library(common::library()).grace(Grace { group: short, kill: short });
    let mut python = builder.start().unwrap();
    let session = python.session().unwrap();
    let code = "while True:\n  try:\n    for _ in iter(int, 1): pass\n  except BaseException: pass";
    session.begin(code, RunOptions::new().within(short)).unwrap();
    let ended = session.send(&[1; 5_000_000]);
    assert!(matches!(ended, Err(Error::Stopped)), "{ended:?}");
}

#[test]
fn both_may_send_more_than_there_is_room_for_at_the_same_time() {
    let mut python = start();
    let session = python.session().unwrap();
    let code = "
import os, subprocess, sys
from circlet.session import receive, send
send(bytes(5_000_000))
print('x' * 5_000_000)
subprocess.run(['head', '-c', '3000000', '/dev/zero'])
len(receive())";
    session.begin(code, RunOptions::new()).unwrap();
    session.send(&[1; 5_000_000]).unwrap();
    let (mut printed, mut sent) = (0, 0);
    let outcome = loop {
        match next(session) {
            Event::Output(_, bytes) => printed += bytes.len(),
            Event::Data(bytes) => sent += bytes.len(),
            Event::End(outcome) => break *outcome,
            event => panic!("{event:?}"),
        }
    };
    assert_eq!((printed, sent, value(outcome)), (8_000_001, 5_000_000, json!(5_000_000)));
}

#[test]
fn a_session_whose_caller_has_stopped_to_read_ends_in_order_when_it_is_dropped() {
    for code in [
        "print('x' * 3_000_000)",
        "from circlet.session import send\nwhile True: send(bytes(3_000_000))",
        "import subprocess\nsubprocess.run(['yes'])",
        "from circlet.session import receive\nprint('begins')\nreceive()",
    ] {
        let mut python = start();
        let session = python.session().unwrap();
        session.begin(code, RunOptions::new()).unwrap();
        assert!(matches!(next(session), Event::Output(..) | Event::Data(_)));
        let end = python.stop();
        assert!(end.is_ok(), "{code}: {end:?}");
    }
}

#[test]
fn a_line_is_the_same_with_its_newline_and_without() {
    let mut python = start();
    let answers = [Some("a"), Some("b\n"), Some("")];
    let (_, outcome) = asked(python.session().unwrap(), "[input(), input(), input()]", &answers);
    assert_eq!(outcome.value, Some(json!(["a", "b", ""])));
}
