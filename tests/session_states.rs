//! What a session and its supervisor tell of a run to whoever keeps a log. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::time::Duration;

use circlet::exec::{Error, Event, Executor, Grace, Recycled, RunOptions, Session, StateKind, Stopped};
use circlet::shm::Deadline;
use serde_json::{Value, json};

use sessions::{LONG, start};

/// Runs code to its end, and returns what came before that, and how it ended.
fn events(session: &mut Session, code: &str, options: RunOptions) -> (Vec<Event>, Result<(), Error>) {
    session.begin(code, options).unwrap();
    let mut events = Vec::new();
    loop {
        match session.next(Deadline::after(LONG)) {
            Ok(Some(Event::End(_))) => return (events, Ok(())),
            Ok(event) => events.push(event.expect("something comes")),
            Err(error) => return (events, Err(error)),
        }
    }
}

/// Interrupts code once it has printed something, and returns what came, and how it ended.
fn interrupted(session: &mut Session, code: &str) -> (Vec<Event>, Result<(), Error>) {
    session.begin(code, RunOptions::new().states()).unwrap();
    let interrupter = session.interrupter();
    let (mut events, mut is_asked) = (Vec::new(), false);
    loop {
        match session.next(Deadline::after(LONG)) {
            Ok(Some(Event::End(_))) => return (events, Ok(())),
            Ok(event) => events.push(event.expect("something comes")),
            Err(error) => return (events, Err(error)),
        }
        if !is_asked && matches!(events.last(), Some(Event::Output(..))) {
            is_asked = interrupter.interrupt();
        }
    }
}

fn kinds(events: &[Event]) -> Vec<StateKind> {
    let kind = |event: &Event| match event {
        Event::State(state) => Some(state.what.clone()),
        _ => None,
    };
    events.iter().filter_map(kind).collect()
}

fn raised(kind: &str, message: &str) -> StateKind {
    StateKind::Exception { kind: kind.to_owned(), message: message.to_owned() }
}

#[test]
fn states_come_in_order_among_what_is_printed_and_only_where_they_are_asked_for() {
    let mut python = start();
    let session = python.session().unwrap();
    let code = "print('one', end='')\nraise ValueError('no')";
    let (came, _) = events(session, code, RunOptions::new().states());
    let states = kinds(&came);
    let exception = raised("ValueError", "no");
    assert_eq!(states, [StateKind::CodeReceived, StateKind::ExecStart, exception, StateKind::ExecEnd]);
    assert!(matches!(came[2], Event::Output(..)), "{came:?}");
    let (came, _) = events(session, code, RunOptions::new());
    assert!(came.iter().all(|event| matches!(event, Event::Output(..))), "{came:?}");
    let (came, _) = events(session, "1 +", RunOptions::new().states());
    assert!(matches!(&kinds(&came)[2], StateKind::Exception { kind, .. } if kind == "SyntaxError"));
}

#[test]
fn a_state_is_an_object_with_the_runs_number_and_two_times_that_never_go_back() {
    let mut python = start();
    let session = python.session().unwrap();
    session.run("1", RunOptions::new()).unwrap();
    let (came, _) = events(session, "2", RunOptions::new().states());
    let states: Vec<Value> = came
        .iter()
        .map(|event| match event {
            Event::State(state) => serde_json::to_value(state).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(states[0]["state"], json!("code_received"));
    assert!(states.iter().all(|state| state["request"] == json!(2)), "{states:?}");
    assert!(states.iter().all(|state| state["unix_ms"].as_f64().unwrap() > 1.7e12), "{states:?}");
    assert!(states.is_sorted_by_key(|state| state["monotonic_ms"].as_f64().unwrap()), "{states:?}");
}

#[test]
fn each_step_to_stop_a_run_is_told_before_what_the_code_did_then() {
    let mut python = start();
    let session = python.session().unwrap();
    let (came, end) = interrupted(session, "print('runs', end='')\nwhile True: pass");
    end.unwrap();
    let step = |how| StateKind::Interrupted { how };
    assert_eq!(
        kinds(&came)[2..],
        [step(Stopped::Interrupted), raised("KeyboardInterrupt", ""), StateKind::ExecEnd]
    );
}

#[test]
fn a_kill_is_told_and_the_new_session_tells_that_it_is_one() {
    let short = Duration::from_millis(20);
    let grace = Grace { group: short, kill: short };
    let mut python = Executor::builder().library(common::library()).grace(grace).start().unwrap();
    let code = "while True:\n  try:\n    print('runs', end='')\n    for _ in iter(int, 1): pass\n  except BaseException: pass";
    let (came, end) = interrupted(python.session().unwrap(), code);
    assert!(matches!(end, Err(Error::Stopped)), "{end:?}");
    let steps = [Stopped::Interrupted, Stopped::GroupInterrupted, Stopped::Killed];
    assert_eq!(kinds(&came)[2..], steps.map(|how| StateKind::Interrupted { how }));

    let again =
        |python: &mut Executor| kinds(&events(python.session().unwrap(), "1", RunOptions::new().states()).0);
    let recycled = StateKind::Recycled { why: Recycled::Ended };
    let ordinary = [StateKind::CodeReceived, StateKind::ExecStart, StateKind::ExecEnd];
    assert_eq!(again(&mut python), [vec![recycled], ordinary.to_vec()].concat());
    assert_eq!(again(&mut python), ordinary, "it is told once");
    python.restart().unwrap();
    assert_eq!(again(&mut python)[0], StateKind::Recycled { why: Recycled::Restarted });
}
