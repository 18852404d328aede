//! What is left of sessions and their fork server when one of them, or their supervisor, is ended: nothing. With a real Python.
//!
//! These look at all children of this process, and so take turns.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use circlet::exec::Executor;
use circlet::shm::Deadline;
use serde_json::json;

use sessions::{alive, builder, pool, ready, signal, wait_for};

/// Has a copy of this program be a supervisor that is killed.
const SUPERVISOR: &str = "CIRCLET_TEST_SUPERVISOR";

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the children of this process whose parent is this thread's process: sessions and their servers.
fn children() -> BTreeSet<u32> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<u32>>())
        .collect()
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn segments() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains("memfd:")).count()
}

/// Returns a number that is hard to foresee, below `below`.
fn random(below: u64) -> u64 {
    let bytes = fs::read("/proc/sys/kernel/random/uuid").unwrap();
    bytes.iter().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add((*byte).into())) % below
}

#[test]
fn a_ready_session_that_dies_is_replaced() {
    let _turn = turn();
    let before = children();
    let pool = pool();
    // Of the two, the session is the one that leads a group and was forked: its command is the server's, and it came later.
    let mine: Vec<u32> = children().difference(&before).copied().collect();
    let session = *mine.iter().max().unwrap();
    signal(session, "KILL");
    wait_for("it has been reaped", || !alive(session));
    let mut python = pool.open().unwrap();
    assert_eq!(python.run("1 + 1").unwrap().value, Some(json!(2)));
}

#[test]
fn sessions_outlive_the_fork_server_and_new_ones_come_from_another() {
    let _turn = turn();
    let before = children();
    let pool = builder().ready(0).pool().unwrap();
    let server: Vec<u32> = children().difference(&before).copied().collect();
    let mut python = pool.open().unwrap();
    python.run("x = 1").unwrap();
    let server = server.into_iter().find(|id| Some(*id) != python.process_id()).unwrap();
    signal(server, "KILL");
    wait_for("it has been reaped", || !alive(server));
    assert_eq!(python.run("x").unwrap().value, Some(json!(1)));
    let mut other = pool.open().unwrap();
    assert_eq!(other.run("2").unwrap().value, Some(json!(2)));
    assert_eq!(python.run("x").unwrap().value, Some(json!(1)));
}

#[test]
fn a_pool_whose_server_does_nothing_any_more_is_closed_at_once() {
    let _turn = turn();
    let (before, pool) = (children(), pool());
    let (ready, servers): (Vec<_>, Vec<_>) = {
        let snapshot = pool.snapshot();
        let ready: BTreeSet<_> = snapshot.registry.values().filter_map(|entry| entry.pid).collect();
        children().difference(&before).copied().partition(|process| ready.contains(process))
    };
    assert_eq!((ready.len(), servers.len()), (1, 1));
    signal(servers[0], "STOP");
    // The pool asks it for another, and it does not answer.
    let taken = pool.open().unwrap();
    let begin = Instant::now();
    drop((taken, pool));
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(children(), before);
}

#[test]
fn a_pool_is_closed_at_once_while_its_next_server_is_starting() {
    let _turn = turn();
    let folder = common::scratch("slow-module");
    // The first server imports it at once, and the next never comes to its end.
    let code = "import os, time\nif os.path.exists(__file__ + '.again'): time.sleep(60)\nopen(__file__ + '.again', 'w')";
    fs::write(folder.join("slow_module.py"), code).unwrap();
    let program = folder.join("python");
    let script = format!("#!/bin/sh\nPYTHONPATH={} exec python3 \"$@\"\n", folder.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let before = children();
    let pool = ready(builder().program(&program).preload("slow_module").pool().unwrap());
    let ready: BTreeSet<_> = pool.snapshot().registry.values().filter_map(|entry| entry.pid).collect();
    let server = children().into_iter().find(|child| !before.contains(child) && !ready.contains(child));
    signal(server.unwrap(), "KILL");
    wait_for("another server", || {
        let now = children();
        !now.contains(&server.unwrap()) && now.difference(&before).any(|child| !ready.contains(child))
    });
    let begin = Instant::now();
    drop(pool);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(children(), before);
}

#[test]
fn nothing_is_left_of_a_pool() {
    let _turn = turn();
    let (before, open) = (children(), descriptors());
    let pool = ready(builder().ready(3).pool().unwrap());
    let mut python = pool.open().unwrap();
    python.run("1").unwrap();
    drop(pool);
    assert_eq!(python.run("2").unwrap().value, Some(json!(2)), "an executor keeps its pool");
    drop(python);
    wait_for("no process is left", || children().difference(&before).next().is_none());
    wait_for("no descriptor is left", || descriptors() <= open);
}

#[test]
fn a_thousand_sessions_leave_no_process_descriptor_or_segment() {
    let _turn = turn();
    let before = children();
    let pool = pool();
    let (open, mapped, there) = (descriptors(), segments(), children().len());
    for number in 0..1000 {
        let mut python = pool.open().unwrap();
        assert_eq!(python.run(&format!("{number} + 1")).unwrap().value, Some(json!(number + 1)));
        if number % 2 == 0 { python.stop().unwrap() } else { drop(python) }
    }
    assert!(pool.wait_ready(Deadline::after(Duration::from_secs(30))).unwrap());
    wait_for("what was open at the start", || descriptors() <= open && segments() <= mapped);
    assert_eq!(children().len(), there);
    drop(pool);
    assert_eq!(children().difference(&before).count(), 0);
}

#[test]
fn a_fork_server_that_is_killed_at_any_moment_loses_no_session() {
    let _turn = turn();
    let before = children();
    let pool = builder().ready(1).pool().unwrap();
    for _ in 0..40 {
        let killer = std::thread::spawn({
            let before = before.clone();
            let (delay, start) = (Duration::from_micros(random(4000)), Instant::now());
            move || {
                while start.elapsed() < delay {
                    std::hint::spin_loop();
                }
                let is_server = |id: &u32| {
                    let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
                    let count =
                        command.split(|byte| *byte == 0).filter(|word| word.starts_with(b"-c")).count();
                    let group = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
                    count == 1 && group.contains(") S")
                };
                // The server is the oldest of all.
                children()
                    .difference(&before)
                    .copied()
                    .filter(|id| is_server(id))
                    .min()
                    .into_iter()
                    .for_each(|id| signal(id, "KILL"));
            }
        });
        let opened: Vec<Executor> = (0..3).filter_map(|_| pool.open().ok()).collect();
        killer.join().unwrap();
        for mut python in opened {
            // One that was taken for the server says so.
            if let Ok(outcome) = python.run("6 * 7") {
                assert_eq!(outcome.value, Some(json!(42)));
            }
        }
    }
    wait_for("the pool is well again", || pool.open().is_ok_and(|mut python| python.run("1").is_ok()));
    drop(pool);
    let left: Vec<String> = children()
        .difference(&before)
        .map(|id| {
            let [line, stat] = ["cmdline", "stat"].map(|part| {
                fs::read_to_string(format!("/proc/{id}/{part}")).unwrap_or_default().replace('\0', " ")
            });
            format!("{stat}: {}", line.chars().take(60).collect::<String>())
        })
        .collect();
    assert!(left.is_empty(), "processes are left that nobody knows of: {left:?}");
}

#[test]
fn a_supervisor_that_is_killed_at_any_moment_leaves_no_process() {
    let _turn = turn();
    for _ in 0..10 {
        let mut supervisor = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_supervisor_that_is_killed", "--nocapture", "--test-threads=1"])
            .env(SUPERVISOR, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(supervisor.stdout.take().unwrap()).lines();
        let mut known = BTreeSet::new();
        for line in lines.by_ref().take(3 + random(40) as usize) {
            known.extend(line.unwrap().split_whitespace().filter_map(|word| word.parse::<u32>().ok()));
        }
        supervisor.kill().unwrap();
        supervisor.wait().unwrap();
        // What it wrote before its end.
        known.extend(lines.map_while(Result::ok).filter_map(|line| line.trim().parse::<u32>().ok()));
        assert!(!known.is_empty());
        wait_for("all have ended", || !known.iter().any(|id| is_python(*id)));
    }
}

fn is_python(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/cmdline")).is_ok_and(|command| command.contains("circlet"))
}

#[test]
fn the_supervisor_that_is_killed() {
    if env::var_os(SUPERVISOR).is_none() {
        return;
    }
    let pool = builder().ready(2).pool().unwrap();
    let mut open = Vec::new();
    for _ in 0..10_000 {
        let mut python = pool.open().unwrap();
        for id in children() {
            println!("{id}");
        }
        python.run("import threading, time\nthreading.Thread(target=time.sleep, args=(100,), daemon=True).start()").unwrap();
        open.push(python);
        if open.len() > 4 {
            open.remove(0);
        }
    }
}
