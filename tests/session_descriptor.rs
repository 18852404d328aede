//! Sessions in event loops: a descriptor that tells when there is something to take, and bytes that are sent without waiting.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]
#![allow(unsafe_code, reason = "what an event loop does: poll(2) on a descriptor")]

mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use circlet::exec::{Ended, Error, Event, Executor, Grace, Outcome, RunOptions, Session};
use circlet::shm::Deadline;
use serde_json::json;

use sessions::{LONG, start};

/// Waits as an event loop does, until the descriptor is readable; a wake that is lost fails the test.
fn ring(session: &Session) {
    let mut entry = libc::pollfd { fd: session.descriptor().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: the entry outlives the call.
    let count = unsafe { libc::poll(&raw mut entry, 1, LONG.as_millis() as libc::c_int) };
    assert_eq!(count, 1, "the descriptor tells of what came");
}

/// Takes what comes as an event loop does, which never waits anywhere but for the descriptor.
fn drive(session: &mut Session, mut see: impl FnMut(&mut Session, Event)) -> Result<Outcome, Error> {
    loop {
        while let Some(event) = session.next(Deadline::now())? {
            match event {
                Event::End(outcome) => return Ok(*outcome),
                event => see(session, event),
            }
        }
        if session.unsent() > 0 {
            thread::yield_now();
        } else if !session.arm() {
            ring(session);
        }
    }
}

#[test]
fn no_wake_is_lost_in_a_thousand_runs() {
    let mut python = start();
    let session = python.session().unwrap();
    for number in 0..1000 {
        // Some are over before the event loop waits, some after, and some print meanwhile.
        let code = match number % 4 {
            0 => format!("{number}"),
            1 => format!("import time; time.sleep(0.0005); {number}"),
            2 => format!("print('x'); {number}"),
            _ => format!("import os; _ = os.write(1, b'y'); {number}"),
        };
        session.begin(&code, RunOptions::new()).unwrap();
        let outcome = drive(session, |_, _| {}).unwrap();
        assert_eq!(outcome.value, Some(json!(number)));
    }
}

#[test]
fn an_event_loop_gets_all_of_a_long_output_and_of_a_long_value() {
    let mut python = Executor::builder().library(common::library()).output_max(1 << 30).start().unwrap();
    let session = python.session().unwrap();
    let lines = 200_000;
    let code = format!("for i in range({lines}): print('x' * 63)\nb'z' * 20_000_000");
    session.begin(&code, RunOptions::new()).unwrap();
    let mut printed = 0;
    let outcome = drive(session, |_, event| {
        if let Event::Output(_, bytes) = event {
            printed += bytes.len();
        }
    });
    assert_eq!(printed, 64 * lines);
    assert_eq!(outcome.unwrap().bytes.unwrap().content.len(), 20_000_000);
}

#[test]
fn bytes_are_posted_without_waiting_also_to_code_that_prints_before_it_takes_them() {
    let mut python = start();
    let session = python.session().unwrap();
    let code = "
from circlet.session import receive
for i in range(100_000): print('x' * 80)
first, second = receive(), receive()
[len(first), len(second), first[-1]]";
    session.begin(code, RunOptions::new()).unwrap();
    session.post(&[7; 5_000_000]).unwrap();
    session.post(&[8; 3_000_000]).unwrap();
    assert!(session.unsent() > 0, "the ring has no room for all of it");
    let outcome = drive(session, |_, _| {}).unwrap();
    assert_eq!(outcome.value, Some(json!([5_000_000, 3_000_000, 7])));
    assert_eq!(session.unsent(), 0);

    session.post(&[9; 4_000_000]).unwrap();
    let outcome =
        session.run("from circlet.session import receive; len(receive())", RunOptions::new()).unwrap();
    assert_eq!(
        outcome.value,
        Some(json!(4_000_000)),
        "what was posted between two runs comes before the next"
    );
}

#[test]
fn the_end_of_a_session_rings() {
    let mut python = start();
    let session = python.session().unwrap();
    session.begin("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", RunOptions::new()).unwrap();
    assert!(matches!(drive(session, |_, _| {}), Err(Error::Died { .. })));
    assert!(!session.arm(), "nothing comes any more");

    let grace = Grace { group: Duration::from_millis(20), kill: Duration::from_millis(20) };
    let mut python = Executor::builder().library(common::library()).grace(grace).start().unwrap();
    let session = python.session().unwrap();
    let code = "
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
input()
while True: pass";
    session.begin(code, RunOptions::new().asks()).unwrap();
    let interrupter = session.interrupter();
    let ended = drive(session, |session, _| {
        session.post_line(Some("")).unwrap();
        interrupter.interrupt();
    });
    assert!(matches!(ended, Err(Error::Stopped)), "{ended:?}");
}

#[test]
fn whoever_waits_for_an_event_can_be_called_away() {
    let mut python = start();
    let session = python.session().unwrap();
    session.begin("input()", RunOptions::new().asks()).unwrap();
    assert!(matches!(session.next(Deadline::after(LONG)), Ok(Some(Event::Ask { .. }))));
    let interrupter = session.interrupter();
    let begin = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| interrupter.wake());
        assert_eq!(session.next(Deadline::after(LONG)).unwrap(), None);
    });
    assert!(begin.elapsed() < LONG);
    session.post_line(Some("7")).unwrap();
    assert_eq!(drive(session, |_, _| {}).unwrap().value, Some(json!("7")));
}

#[test]
fn a_session_that_rings_without_end_and_fills_its_pipe_costs_looks_alone() {
    let mut python = start();
    let session = python.session().unwrap();
    let code = "
import os
links = {fd: f'/proc/self/fd/{fd}' for fd in range(3, 64)}
pipes = [fd for fd, link in links.items() if os.path.exists(link) and os.readlink(link).startswith('pipe:')]
for fd in pipes:
    os.set_blocking(fd, False)
    while True:
        try: os.write(fd, bytes(4096))
        except OSError: break
    # From now on writes to this end wait.
    os.set_blocking(fd, True)
assert pipes
os.kill(os.getpid(), 9)";
    session.begin(code, RunOptions::new()).unwrap();
    let ended = drive(session, |_, _| {});
    assert!(matches!(ended, Err(Error::Died { .. })), "{ended:?}");
}

#[test]
fn a_session_that_claims_to_have_rung_and_ends_is_told_of_all_the_same() {
    let mut python = start();
    let session = python.session().unwrap();
    // The words are the smallest of its segments, and the bell is the first of them.
    let code = "
import mmap, os, struct
links = {fd: f'/proc/self/fd/{fd}' for fd in range(3, 64)}
segments = [fd for fd, link in links.items() if os.path.exists(link) and 'memfd' in os.readlink(link)]
words = mmap.mmap(min(segments, key=lambda fd: os.fstat(fd).st_size), 0)
while struct.unpack_from('<I', words, 0x4004)[0] != 3: pass
struct.pack_into('<I', words, 0x4004, 2)
os.kill(os.getpid(), 9)";
    session.begin(code, RunOptions::new()).unwrap();
    let ended = drive(session, |_, _| {});
    assert!(matches!(ended, Err(Error::Died { how: Ended::Killed(9), .. })), "{ended:?}");
}
