//! Scripts that try to get out of a session, or to bring it and its supervisor down: `tests/hostile_code`. With a real Python.
//!
//! Here they run where nothing confines them, and each of them works: a policy under which one fails has refused it then, and
//! no mistake of the script's own.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/hostile_code.rs"]
mod hostile_code;

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use circlet::exec::policy::Policy;
use circlet::exec::{Builder, Executor, Grace};
use serde_json::json;

use hostile_code::{Caps, Ending, Expected, Half, How, Script, Surroundings, family, folder, scripts};

const FAMILIES: [&str; 4] = ["files", "network", "processes", "exhaustion"];

/// A session without a policy.
fn unconfined(_: &Surroundings) -> Builder {
    let grace = Grace { group: Duration::from_millis(300), kill: Duration::from_millis(300) };
    Executor::builder().program(hostile_code::python()).library(common::library()).grace(grace)
}

/// The half in which nothing confines the scripts. The other one has a builder of its own, and large caps.
fn free(within: Duration) -> Half {
    Half { builder: unconfined, is_confined: false, caps: Caps::SMALL, within }
}

/// A session that may read and write one folder, read another, and connect to one port. Nothing else.
fn confined(surroundings: &Surroundings) -> Builder {
    confined_with(surroundings, &[("tcp", "allowed_port")])
}

/// The same, and it may send datagrams to one port: its supervisor is asked of each.
fn confined_with_datagrams(surroundings: &Surroundings) -> Builder {
    confined_with(surroundings, &[("tcp", "allowed_port"), ("udp", "allowed_udp_port")])
}

fn confined_with(surroundings: &Surroundings, ports: &[(&str, &str)]) -> Builder {
    let ports: Vec<_> = ports
        .iter()
        .map(|(protocol, key)| {
            json!({
                "action": "allow", "protocol": protocol, "addresses": ["127.0.0.1"], "ports": [surroundings.port(key)],
            })
        })
        .collect();
    let path = |key| surroundings.path(key).to_str().unwrap().to_owned();
    let policy = json!({
        "version": 1,
        "fs": {
            "rules": [
                {"action": "allow", "paths": [path("work")], "access": ["read", "list", "write", "create", "remove"]},
                {"action": "allow", "paths": [path("visible")], "access": ["read", "list"]},
            ],
            "private_tmp": true,
        },
        "net": {"rules": ports},
        "limits": {
            "cpu_ms": 30_000, "memory_bytes": 1_u64 << 30, "processes": 100, "file_bytes": 100_u64 << 20,
            "descriptors": 512,
        },
    });
    unconfined(surroundings).policy(Policy::from_json(&policy.to_string()).unwrap())
}

/// The half in which the kernel confines them.
fn held(within: Duration) -> Half {
    Half { builder: confined, is_confined: true, caps: Caps::LARGE, within }
}

/// Runs all scripts of a family, and fails with all that did not come to what they should. Where a policy confines them,
/// nothing outside may have changed either, whatever they say themselves.
fn each(name: &str, half: &Half) {
    // What one of them sends about may reach another's world.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let surroundings = Surroundings::new(&format!("hostile-{name}-{}", half.name()));
    let mut faults = Vec::new();
    for script in family(name) {
        let ending = surroundings.attempt(&script, half, |executor, ending| {
            if script.family == "exhaustion" {
                goes_on(executor, &script, ending);
            }
        });
        if ending.is_not_here() {
            eprintln!("{name}/{}: {}", script.name, ending.said.as_deref().unwrap_or_default());
        }
        if script.name == "orphan" {
            faults.extend(orphan(&surroundings, half));
        }
        if half.is_confined {
            let changes = surroundings.changes();
            faults.extend(changes.map(|what| format!("{name}/{} has changed {what}", script.name)));
            faults.extend(ending.fault_confined(&script));
        } else {
            faults.extend(ending.fault_unconfined(&script));
        }
    }
    assert!(faults.is_empty(), "{} of {name}:\n{}", faults.len(), faults.join("\n"));
}

/// Whatever a script did, the next session works.
fn goes_on(executor: &mut Executor, script: &Script, ending: &Ending) {
    let begun = Instant::now();
    executor.restart().unwrap_or_else(|error| panic!("{}: {error}, after {ending:?}", script.name));
    let outcome = executor.run("6 * 7").unwrap();
    assert_eq!(outcome.value, Some(42.into()), "{}", script.name);
    assert!(begun.elapsed() < Duration::from_secs(20), "{}: {:?}", script.name, begun.elapsed());
}

/// Returns what is wrong with the file that a process which was left behind writes after the end of its session: without
/// a policy the file comes, and under one it does not.
fn orphan(surroundings: &Surroundings, half: &Half) -> Option<String> {
    let (marker, begun) = (surroundings.path("marker"), Instant::now());
    // It is written 2 s after the process was left behind.
    let patience = Duration::from_secs(if half.is_confined { 4 } else { 20 });
    while !marker.exists() && begun.elapsed() < patience {
        thread::sleep(Duration::from_millis(20));
    }
    (marker.exists() == half.is_confined).then(|| format!("the orphan's file: {}", marker.exists()))
}

#[test]
fn the_manifest_names_each_script_once_and_each_says_what_it_tries() {
    let scripts = scripts();
    let named: BTreeSet<String> =
        scripts.iter().map(|script| format!("{}/{}.py", script.family, script.name)).collect();
    assert_eq!(named.len(), scripts.len(), "no script is named twice");
    let there: BTreeSet<String> = FAMILIES
        .iter()
        .flat_map(|family| {
            let files = fs::read_dir(folder().join(family)).unwrap();
            files.map(move |file| format!("{family}/{}", file.unwrap().file_name().into_string().unwrap()))
        })
        .collect();
    assert_eq!(named, there);
    for script in &scripts {
        let first = script.code.lines().next().unwrap();
        assert!(first.starts_with("# ") && first.len() > 15, "{}: {first}", script.name);
        let ends = first.split_once(" ends: ").map(|(_, ends)| ends);
        assert!(
            matches!(ends, None | Some("killed" | "interrupted" | "limited")),
            "{}: {first}",
            script.name
        );
    }
    for family in FAMILIES {
        let of: Vec<Expected> =
            scripts.iter().filter(|script| script.family == family).map(|script| script.confined).collect();
        let has = |expected| of.contains(&expected);
        assert!(has(Expected::Refused) && (family == "exhaustion" || has(Expected::Allowed)), "{family}");
    }
}

#[test]
fn attempts_on_files_work_where_nothing_confines_them() {
    each("files", &free(Duration::from_secs(20)));
}

#[test]
fn attempts_on_networks_work_where_nothing_confines_them() {
    each("network", &free(Duration::from_secs(20)));
}

#[test]
fn attempts_on_processes_work_where_nothing_confines_them() {
    each("processes", &free(Duration::from_secs(20)));
}

#[test]
fn what_exhausts_a_session_ends_it_at_the_most_and_the_next_one_works() {
    each("exhaustion", &free(Duration::from_secs(2)));
}

#[test]
fn attempts_on_files_end_as_the_policy_says() {
    each("files", &held(Duration::from_secs(20)));
}

#[test]
fn attempts_on_networks_end_as_the_policy_says() {
    each("network", &held(Duration::from_secs(20)));
}

#[test]
fn attempts_on_networks_end_as_the_policy_says_where_datagrams_are_allowed_to_one_port() {
    each("network", &Half { builder: confined_with_datagrams, ..held(Duration::from_secs(20)) });
}

#[test]
fn attempts_on_processes_end_as_the_policy_says() {
    each("processes", &held(Duration::from_secs(20)));
}

#[test]
fn what_exhausts_a_confined_session_comes_to_its_limits() {
    each("exhaustion", &held(Duration::from_secs(2)));
}

#[test]
fn what_an_attempt_changes_outside_is_found_though_it_says_nothing_of_it() {
    let surroundings = Surroundings::new("hostile-changes");
    assert_eq!(surroundings.changes(), None);
    let changing = [
        "write_outside",
        "append_outside",
        "remove_outside",
        "rename_over_outside",
        "change_times",
        "tcp_connect",
        "udp_sendto",
        "unix_datagrams",
        "descriptor_handed_over",
    ];
    let harmless = ["os_open", "write_in_work", "read_visible", "socketpair"];
    for name in changing.iter().chain(&harmless) {
        let script = scripts().into_iter().find(|script| script.name == *name).unwrap();
        let ending = surroundings.attempt(&script, &free(Duration::from_secs(20)), |_, _| {});
        // A datagram that gets no answer may still be on its way to the trace.
        let until = Instant::now() + Duration::from_millis(500);
        while surroundings.changes().is_none() && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(surroundings.changes().is_some(), changing.contains(name), "{name}: {ending:?}");
    }
}

#[test]
fn nothing_passes_for_a_refusal_but_a_refusal() {
    let script = |confined| Script {
        family: "files".to_owned(),
        name: "one".to_owned(),
        confined,
        unconfined: "did it".to_owned(),
        code: String::new(),
    };
    let ending = |how, said: Option<&str>| Ending { how, said: said.map(str::to_owned), error: None };
    let refused = ending(How::Ended, Some("refused: EACCES"));
    let did_it = ending(How::Ended, Some("did it: everything"));
    let silent = ending(How::Ended, None);
    let died = ending(How::Died, None);
    let hung = ending(How::Hung, None);
    let passes = |expected| {
        [&refused, &did_it, &silent, &died, &hung]
            .map(|ending| ending.fault_confined(&script(expected)).is_none())
    };
    assert_eq!(passes(Expected::Refused), [true, false, false, false, false]);
    assert_eq!(passes(Expected::Allowed), [false, true, false, false, false]);
    assert_eq!(passes(Expected::Limited), [true, false, true, true, false]);
    assert_eq!(passes(Expected::Killed), [false, false, false, true, false]);
    assert_eq!(passes(Expected::Survives), [true, true, true, true, false]);
    assert!(refused.fault_unconfined(&script(Expected::Refused)).is_some());
}
