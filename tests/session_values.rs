//! What of a value, an exception or a text comes back from a session. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;

use circlet::exec::{Executor, Outcome};
use serde_json::{Value, json};

struct Python(Executor);

impl Python {
    fn start() -> Self {
        Self(Executor::builder().library(common::library()).start().unwrap())
    }

    fn run(&mut self, code: &str) -> Outcome {
        self.0.run(code).unwrap()
    }
}

/// Lists in one another, so many.
fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[test]
fn what_json_says_exactly_comes_as_a_value() {
    let mut python = Python::start();
    let (deep, int) = (nested(100), u64::MAX);
    let wanted: [(&str, Value); 8] = [
        ("None", json!(null)),
        ("True, 1.5, 'ä\u{1f600}'", json!([true, 1.5, "ä\u{1f600}"])),
        ("[2**64 - 1, -2**63]", json!([int, i64::MIN])),
        ("{'a': {'b': ()}}", json!({"a": {"b": []}})),
        ("import collections; collections.Counter('aab')", json!({"a": 2, "b": 1})),
        ("type('Name', (str,), {'__len__': lambda self: 99})('x')", json!("x")),
        ("deep = []\nfor _ in range(99): deep = [deep]\ndeep", serde_json::from_str(&deep).unwrap()),
        (
            "''.join(map(str, range(1_000_000)))",
            json!((0..1_000_000).map(|i| i.to_string()).collect::<String>()),
        ),
    ];
    for (code, value) in wanted {
        let outcome = python.run(code);
        assert!(outcome.value == Some(value) && outcome.repr.is_none(), "{code}: {:?}", outcome.error);
    }
}

#[test]
fn what_json_cannot_say_exactly_comes_as_its_repr() {
    let mut python = Python::start();
    let deep = nested(101);
    let wanted = [
        (r"'a\ud800b'", r"'a\ud800b'"),
        (r"'\ud83d\ude00'", r"'\ud83d\ude00'"),
        (r"{'\udcff': 1}", r"{'\udcff': 1}"),
        ("2**64", "18446744073709551616"),
        ("[-2**63 - 1]", "[-9223372036854775809]"),
        ("[float('nan')]", "[nan]"),
        ("-1e999", "-inf"),
        ("{1: 2}", "{1: 2}"),
        ("{(1, 2): 3}", "{(1, 2): 3}"),
        ("loop = []; loop.append(loop); loop", "[[...]]"),
        ("deep = []\nfor _ in range(100): deep = [deep]\ndeep", &deep),
        (r"type('Odd', (), {'__repr__': lambda self: '<\udc80>'})()", r"<\udc80>"),
    ];
    for (code, text) in wanted {
        let outcome = python.run(code);
        assert_eq!((outcome.repr.as_deref(), outcome.value), (Some(text), None), "{code}");
    }
}

#[test]
fn lone_surrogates_are_escaped_wherever_they_are_said() {
    let mut python = Python::start();
    let error = python.run(r"raise ValueError('\ud800')").error.unwrap();
    assert_eq!(error.message, r"\ud800");
    assert!(error.traceback.contains(r"ValueError: \ud800"), "{}", error.traceback);
    assert_eq!(python.run(r"print('\ud800')").stdout, "\\ud800\n");
}

#[test]
fn what_is_no_text_is_refused_where_it_is_written() {
    let mut python = Python::start();
    let error = python.run("import sys; sys.stdout.write(b'bytes')").error.unwrap();
    assert_eq!(error.kind, "TypeError");
    assert_eq!(python.run("sys.stdout.write('äb')").value, Some(json!(2)));
    assert_eq!(python.run("sys.stdout.buffer.write(b'\\xff')").stdout, "\u{fffd}");
}

#[test]
fn an_exception_that_cannot_be_described_does_not_end_the_session() {
    let mut python = Python::start();
    for kind in ["SystemExit", "KeyboardInterrupt", "ValueError"] {
        let error = python.run(&format!(
            "def refuse(self): raise {kind}\n\
             raise type('Odd', (Exception,), {{'__str__': refuse, '__repr__': refuse, '__traceback__': property(refuse)}})"
        ));
        let error = error.error.unwrap();
        assert!(error.kind == "Odd" && error.message.contains(kind), "{error:?}");
        assert_eq!(python.run("1").value, Some(json!(1)));
    }
}

#[test]
fn the_sources_of_the_last_100_runs_are_kept() {
    let mut python = Python::start();
    let traceback = |python: &mut Python, code: &str| python.run(code).error.unwrap().traceback;
    assert!(traceback(&mut python, "def fail(): return 1 / 0\nfail()").contains("fail(): return 1 / 0"));
    for _ in 0..98 {
        python.run("0");
    }
    assert!(traceback(&mut python, "fail()").contains("fail(): return 1 / 0"));
    assert!(!traceback(&mut python, "fail()").contains("fail(): return 1 / 0"));
    let count = python.run("import linecache; sum(name.startswith('<run-') for name in linecache.cache)");
    assert_eq!(count.value, Some(json!(100)));
}
