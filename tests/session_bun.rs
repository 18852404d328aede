//! Sessions of TypeScript. With a real Bun.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::thread;
use std::time::{Duration, Instant};

use circlet::exec::{
    Ended, Error, Event, Executor, Grace, HeapOptions, Language, Outcome, RunOptions, Session, Stopped,
    Stream,
};
use circlet::shm::Deadline;
use serde_json::{Value, json};

use sessions::{LONG, events};

fn start() -> Executor {
    Executor::builder().bun(common::bun()).library(common::library()).start().unwrap()
}

fn value(bun: &mut Executor, code: &str) -> Value {
    let outcome = bun.run(code).unwrap();
    assert_eq!(outcome.error, None, "{code}");
    outcome.value.clone().unwrap_or_else(|| panic!("{code}: {outcome:?}"))
}

#[test]
fn the_last_expression_is_the_value_and_names_stay() {
    let mut bun = start();
    assert_eq!(value(&mut bun, "6 * 7"), json!(42));
    assert_eq!(value(&mut bun, "_ + 1"), json!(43));
    assert_eq!(value(&mut bun, "const x: number[] = [1, 2]\n;({ x })"), json!({"x": [1, 2]}));
    assert_eq!(value(&mut bun, "let y = 1"), json!(null));
    assert_eq!(value(&mut bun, ""), json!(null));
    assert_eq!(
        value(&mut bun, "const x = 5; class A { z = x }; function f() { return new A().z }; x"),
        json!(5)
    );
    assert_eq!(value(&mut bun, "class A { z = 7 }; f() + y"), json!(8), "names may be declared again");
    assert_eq!(value(&mut bun, "{ a: 1 }"), json!({"a": 1}));
    assert_eq!(value(&mut bun, "enum Color { Red, Green }; Color.Green"), json!(1));
    bun.stop().unwrap();
}

#[test]
fn an_expression_is_evaluated_once() {
    let mut bun = start();
    bun.run("let count = 0; function f() { count += 1; return Symbol() }; f()").unwrap();
    assert_eq!(value(&mut bun, "count"), json!(1));
}

#[test]
fn await_and_import_work_at_the_top_level() {
    let mut bun = start();
    let code =
        "const fs = await import('node:fs')\n;[typeof require('node:os').tmpdir(), typeof fs.readFileSync]";
    assert_eq!(value(&mut bun, code), json!(["string", "function"]));
    let code = "import { basename } from 'node:path'\nconst os = await import('node:os')\nawait Bun.sleep(1);\n[basename('a/b'), typeof os.cpus]";
    assert_eq!(value(&mut bun, code), json!(["b", "function"]));
    assert_eq!(value(&mut bun, "basename('c/d')"), json!("d"), "what was imported stays");
    assert_eq!(value(&mut bun, "require('node:fs').existsSync('/')"), json!(true));
    assert_eq!(
        value(&mut bun, "let ticks = 0; const timer = setInterval(() => ticks++, 1); await null; 1"),
        json!(1)
    );
    assert_eq!(
        value(&mut bun, "while (ticks < 5) await Bun.sleep(1); clearInterval(timer); ticks >= 5"),
        json!(true),
        "timers of earlier runs go on"
    );
}

#[test]
fn timers_go_on_while_nothing_runs() {
    let mut bun = start();
    let path = common::scratch("timers").join("ticked");
    bun.run(&format!("setTimeout(() => require('node:fs').writeFileSync({path:?}, ''), 1)")).unwrap();
    let begin = Instant::now();
    while !path.exists() {
        assert!(begin.elapsed() < LONG, "the timer never came");
        thread::yield_now();
    }
}

#[test]
fn what_json_says_exactly_comes_as_a_value_and_the_rest_as_bun_shows_it() {
    let mut bun = start();
    for (code, wanted) in [
        ("null", json!(null)),
        ("undefined", json!(null)),
        ("[true, 1.5, 'ä\u{1f600}\\0']", json!([true, 1.5, "ä\u{1f600}\0"])),
        ("2n ** 64n - 1n", json!(u64::MAX)),
        ("[-(2n ** 63n)]", json!([i64::MIN])),
        ("[-0]", json!([-0.0])),
        ("({ a: { b: [] } })", json!({"a": {"b": []}})),
        ("Object.create(null)", json!({})),
    ] {
        assert_eq!(value(&mut bun, code), wanted, "{code}");
    }
    assert_eq!(
        value(&mut bun, "Array.from({ length: 1e6 }, (_, at) => at).join('')").as_str().unwrap().len(),
        5_888_890
    );
    for (code, wanted) in [
        ("NaN", "NaN"),
        ("2n ** 64n", "18446744073709551616n"),
        ("[undefined]", "[ undefined ]"),
        ("[1, , 2]", "[ 1, empty item, 2 ]"),
        ("new Date(0)", "1970-01-01T00:00:00.000Z"),
        ("new Map([[1, 2]])", "Map(1) {\n  1: 2,\n}"),
        ("class B {}; B", "[class B]"),
        ("`a${String.fromCharCode(0xd800)}b`", "\"a\\ud800b\""),
        ("({ get x() { return 1 } })", "{\n  x: [Getter],\n}"),
        ("Symbol('s')", "Symbol(s)"),
        ("Promise.resolve(1)", "Promise { <resolved> }"),
    ] {
        let outcome = bun.run(code).unwrap();
        assert_eq!((outcome.repr.as_deref(), outcome.value), (Some(wanted), None), "{code}");
    }
    for code in [
        "const loop: any = {}; loop.loop = loop",
        "let deep: any = 1; for (let i = 0; i < 101; i++) deep = [deep]; deep",
    ] {
        assert!(bun.run(code).unwrap().repr.is_some(), "{code}");
    }
    let outcome = bun.run("({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<b>', 'image/png': new Uint8Array([137, 80]) }) })").unwrap();
    assert_eq!(outcome.data["text/html"], json!("<b>"));
    assert_eq!(outcome.data["image/png"], json!("iVA="));
    let code = "({ [Bun.inspect.custom]() { throw new TypeError('no') } })";
    assert_eq!(bun.run(code).unwrap().error.unwrap().kind, "TypeError");
}

#[test]
fn errors_have_a_stack_with_the_codes_own_lines() {
    let mut bun = start();
    let code = "interface Shape { sides: number }\n\n// A comment.\nfunction f(shape: Shape): never {\n  const { sides } = shape\n\n  throw new RangeError(`bad: ${sides}`)\n}\nf({ sides: 3 })";
    let error = bun.run(code).unwrap().error.unwrap();
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("RangeError", "bad: 3"));
    let lines: Vec<&str> = error.traceback.lines().collect();
    assert_eq!(lines.len(), 3, "{}", error.traceback);
    assert_eq!(lines[0], "RangeError: bad: 3");
    assert!(lines[1].starts_with("    at f (<run-1>:7:"), "{}", error.traceback);
    assert!(lines[2].starts_with("    at <anonymous> (<run-1>:9:"), "{}", error.traceback);
    let error = bun.run("\nawait Bun.sleep(1)\nf({ sides: 4 })").unwrap().error.unwrap();
    assert!(
        error.traceback.contains("f (<run-1>:7:") && error.traceback.contains("<run-2>:3:"),
        "{}",
        error.traceback
    );
    let error = bun.run("let a = 1\nlet 1 = a").unwrap().error.unwrap();
    assert_eq!(error.kind, "SyntaxError");
    assert!(error.traceback.contains("<run-3>:2:5"), "{}", error.traceback);
    let error = bun
        .run("class Own extends Error {}\nthrow new Own('o', { cause: new TypeError('why') })")
        .unwrap()
        .error
        .unwrap();
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("Own", "o"));
    assert!(error.traceback.contains("Caused by: TypeError: why"), "{}", error.traceback);
    let error = bun.run("throw 5").unwrap().error.unwrap();
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("number", "5"));
    assert_eq!(value(&mut bun, "1"), json!(1), "it goes on");
}

#[test]
fn what_bun_and_others_write_comes_in_the_order_in_which_it_was_written() {
    let mut bun = start();
    let code = "
import { writeSync } from 'node:fs'
for (let i = 0; i < 100; i++) {
  console.log('bun', i)
  writeSync(1, `os ${i}\\n`)
  process.stdout.write(`stream ${i}\\n`)
  if (i % 25 == 0) {
    Bun.spawnSync(['echo', 'child', String(i)], { stdout: 'inherit' })
    console.info('after child %d', i)
  }
}";
    let outcome = bun.run(code).unwrap();
    assert_eq!(outcome.error, None);
    let wanted: String = (0..100)
        .map(|i| {
            let child = if i % 25 == 0 { format!("child {i}\nafter child {i}\n") } else { String::new() };
            format!("bun {i}\nos {i}\nstream {i}\n{child}")
        })
        .collect();
    assert_eq!(outcome.stdout, wanted);
    let outcome = bun.run("console.error('e', { a: [1] }); console.group('g'); console.log('x'); console.groupEnd(); console.log(new Error('shown'))").unwrap();
    assert_eq!(outcome.stderr, "e {\n  a: [ 1 ],\n}\n");
    assert!(
        outcome.stdout.starts_with("g\n  x\nError: shown\n    at <anonymous> (<run-2>:1:"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_hundred_megabytes_come_whole_from_bun_and_from_a_child() {
    let builder = Executor::builder().bun(common::bun()).library(common::library());
    let mut bun = builder.output_max(1 << 30).start().unwrap();
    let bytes = 100 << 20;
    let code = format!("for (let i = 0; i < {}; i++) console.log('x'.repeat(65535))", bytes >> 16);
    assert_eq!(bun.run(&code).unwrap().stdout.len(), bytes);
    let code =
        format!("Bun.spawnSync(['head', '-c', '{bytes}', '/dev/zero'], {{ stdout: 'inherit' }}).exitCode");
    let outcome = bun.run(&code).unwrap();
    assert_eq!((outcome.stdout.len(), outcome.value), (bytes, Some(json!(0))));
}

#[test]
fn buffers_come_and_go_as_their_bytes() {
    let mut bun = start();
    let bytes = bun.run("new Float64Array([1.5, 2.5])").unwrap().bytes.unwrap();
    assert_eq!((bytes.format.as_str(), bytes.shape), ("d", vec![2]));
    assert_eq!(bytes.content, [1.5_f64, 2.5].map(f64::to_le_bytes).concat());
    for (code, format, len) in [
        ("new ArrayBuffer(3_000_000)", "B", 3_000_000),
        ("Buffer.from('abc')", "B", 3),
        ("new BigInt64Array(2)", "q", 2),
        ("new DataView(new ArrayBuffer(8), 2, 4)", "B", 4),
        ("new Uint8Array()", "B", 0),
        ("new Float32Array(8).subarray(1, 4)", "f", 3),
    ] {
        let bytes = bun.run(code).unwrap().bytes.unwrap();
        assert_eq!((bytes.format.as_str(), bytes.shape), (format, vec![len]), "{code}");
    }
    let session = bun.session().unwrap();
    session.send(&[7; 5_000_000]).unwrap();
    let code = "const got = await circlet.receive()\ncirclet.send(got.subarray(0, 10))\ngot.length";
    let (came, outcome) = events(session, code, RunOptions::new());
    assert_eq!((came, outcome.value), (vec![Event::Data(vec![7; 10])], Some(json!(5_000_000))));
    let (came, _) = events(session, "circlet.display([1])", RunOptions::new());
    assert_eq!(came, vec![Event::Display(json!({"text/plain": "[ 1 ]"}))]);
}

#[test]
fn data_that_comes_later_is_waited_for() {
    let mut bun = start();
    let session = bun.session().unwrap();
    session.begin("console.log('waits'); (await circlet.receive()).length", RunOptions::new()).unwrap();
    let next = |session: &mut Session| session.next(Deadline::after(LONG)).unwrap().unwrap();
    assert_eq!(next(session), Event::Output(Stream::Stdout, b"waits\n".to_vec()));
    session.send(b"four").unwrap();
    let Event::End(outcome) = next(session) else { panic!("the end") };
    assert_eq!(outcome.value, Some(json!(4)));
}

#[test]
fn code_asks_for_lines_where_somebody_answers_and_fails_at_once_where_nobody_does() {
    let mut bun = start();
    assert!(bun.run("prompt('name?')").unwrap().error.unwrap().message.contains("nobody answers"));
    let session = bun.session().unwrap();
    session.begin("[prompt('name?'), prompt('again?')]", RunOptions::new().asks()).unwrap();
    let next = |session: &mut Session| session.next(Deadline::after(LONG)).unwrap().unwrap();
    assert_eq!(next(session), Event::Ask { prompt: "name? ".to_owned(), is_secret: false });
    session.answer(Some("ä")).unwrap();
    assert_eq!(next(session), Event::Ask { prompt: "again? ".to_owned(), is_secret: false });
    session.answer(None).unwrap();
    let Event::End(outcome) = next(session) else { panic!("the end") };
    assert_eq!(outcome.value, Some(json!(["ä", null])));
}

/// Begins code that prints or asks once it runs, and stops it then.
fn interrupted(bun: &mut Executor, code: &str, options: RunOptions) -> Outcome {
    let interrupter = bun.interrupter();
    let session = bun.session().unwrap();
    session.begin(code, options).unwrap();
    let mut asked = false;
    loop {
        match session.next(Deadline::after(LONG)).unwrap().expect("the end") {
            Event::End(outcome) => return *outcome,
            Event::Output(..) if options == RunOptions::new() => asked = interrupter.interrupt(),
            Event::Ask { .. } => asked = interrupter.interrupt(),
            _ => {}
        }
        assert!(asked || options != RunOptions::new());
    }
}

#[test]
fn an_interrupt_ends_the_run_that_was_meant_and_no_other() {
    let mut bun = start();
    assert!(!bun.interrupter().interrupt(), "nothing runs");
    for code in [
        "console.log('runs'); for (;;);",
        "console.log('runs'); await null; for (;;);",
        "console.log('runs'); try { for (;;); } catch {} finally { for (;;); }",
        "console.log('runs'); await new Promise(() => {})",
        "console.log('runs'); await Bun.sleep(1e9)",
        "console.log('runs'); await circlet.receive()",
        "console.log('runs'); while (true) await Bun.sleep(0)",
        "({ [Bun.inspect.custom]() { console.log('runs'); for (;;); } })",
    ] {
        let outcome = interrupted(&mut bun, code, RunOptions::new());
        assert_eq!(outcome.stopped, Some(Stopped::Interrupted), "{code}");
        assert_eq!(outcome.error.unwrap().kind, "AbortError", "{code}");
        assert_eq!(value(&mut bun, "2"), json!(2), "after {code}");
    }
    let outcome = interrupted(&mut bun, "prompt('waits')", RunOptions::new().asks());
    assert_eq!(outcome.error.unwrap().kind, "AbortError");
    let code = "var told = 0; circlet.signal.addEventListener('abort', () => told++); console.log('runs'); await new Promise(() => {})";
    interrupted(&mut bun, code, RunOptions::new());
    assert_eq!(value(&mut bun, "told"), json!(1), "what a run has begun is told");
}

#[test]
fn code_that_spins_after_it_has_waited_is_killed_in_the_end() {
    let short = Duration::from_millis(50);
    let builder = Executor::builder().bun(common::bun()).library(common::library());
    let mut bun = builder.grace(Grace { group: short, kill: short }).start().unwrap();
    let process = bun.process_id().unwrap();
    let error = bun.run_timeout("await Bun.sleep(1); for (;;);", short).unwrap_err();
    assert!(matches!(error, Error::Stopped), "{error}");
    assert_ne!(bun.process_id(), Some(process));
    assert_eq!(value(&mut bun, "1"), json!(1));
    let outcome = bun.run_timeout("Bun.spawnSync(['sleep', '600'])", short).unwrap();
    assert_eq!(outcome.stopped, Some(Stopped::GroupInterrupted), "its child got the second signal");
}

#[test]
fn of_a_thousand_runs_that_are_interrupted_at_any_moment_each_is_accounted_for() {
    let mut bun = start();
    let (mut ended, mut stopped) = (0, 0);
    for round in 0..1000_u32 {
        let interrupter = bun.interrupter();
        let code = match round % 3 {
            0 => format!("let s = 0; for (let i = 0; i < 2000; i++) s += i; {round}"),
            1 => format!("await null; {round}"),
            _ => format!("await new Promise((next) => setImmediate(next)); {round}"),
        };
        let outcome = thread::scope(|scope| {
            let other = scope.spawn(move || {
                for _ in 0..round % 97 * 50 {
                    std::hint::spin_loop();
                }
                interrupter.interrupt()
            });
            let outcome = bun.run(&code).unwrap();
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
                    ("AbortError", Some(Stopped::Interrupted))
                );
                stopped += 1;
            }
        }
        // One that nobody interrupts, at once after it.
        assert_eq!(value(&mut bun, "[7]"), json!([7]), "{ended} ended, {stopped} were stopped");
    }
    assert_eq!(ended + stopped, 1000);
}

#[test]
fn what_is_thrown_where_nobody_waits_is_told_and_the_session_goes_on() {
    let mut bun = start();
    let code = "setTimeout(() => { throw new Error('stray') }, 0); Promise.reject(new Error('lost')); await Bun.sleep(20)";
    let outcome = bun.run(code).unwrap();
    assert_eq!(outcome.error, None);
    assert!(outcome.stderr.contains("Uncaught Error: stray"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("Uncaught (in promise) Error: lost"), "{}", outcome.stderr);
    assert_eq!(value(&mut bun, "1"), json!(1));
}

#[test]
fn code_may_take_names_that_the_session_needs_itself() {
    let mut bun = start();
    let code = "const JSON = 1, Object = 2, Symbol = 3, Reflect = 4, Bun2 = 5, process = 6, console = 7, Promise = 8, Error = 9; var _ = 'mine'";
    assert_eq!(value(&mut bun, code), json!(null));
    assert_eq!(value(&mut bun, "[_, JSON + Object]"), json!(["mine", 3]));
    assert_eq!(bun.run("new Map()").unwrap().repr.as_deref(), Some("Map {}"));
    assert_eq!(bun.run("nowhere").unwrap().error.unwrap().kind, "ReferenceError");
}

#[test]
fn an_end_is_told_and_the_next_run_has_a_new_session() {
    let mut bun = start();
    let error =
        bun.run("var x = 1; require('node:fs').writeSync(2, 'farewell'); process.exit(3)").unwrap_err();
    assert!(matches!(&error, Error::Died { how: Ended::Exited(3), said } if said == "farewell"), "{error}");
    assert_eq!(value(&mut bun, "typeof x"), json!("undefined"));
    bun.run("var x = 1").unwrap();
    bun.restart().unwrap();
    assert_eq!(value(&mut bun, "typeof x"), json!("undefined"));
    let process = bun.process_id().unwrap();
    bun.stop().unwrap();
    assert!(!std::path::Path::new(&format!("/proc/{process}")).exists());
}

#[test]
fn a_missing_bun_is_named() {
    let builder = Executor::builder().library(common::library());
    let error = builder.language(Language::Bun).program("/nowhere/bun9").start().unwrap_err();
    assert!(error.to_string().starts_with("Bun did not start: /nowhere/bun9"), "{error}");
}

#[test]
fn a_fork_server_is_refused() {
    let builder = Executor::builder().bun(common::bun()).library(common::library());
    let error = builder.ready(1).start().unwrap_err();
    assert!(matches!(error, Error::NoForks { language: "Bun" }), "{error}");
}

#[test]
fn code_of_ten_megabytes_runs() {
    let mut bun = start();
    let code = format!("const x = '{}'\nx.length", "y".repeat(10_000_000));
    assert_eq!(value(&mut bun, &code), json!(10_000_000));
}

#[test]
fn a_log_has_the_states_of_a_run_and_a_heap_snapshot_its_types() {
    let mut bun = start();
    let session = bun.session().unwrap();
    session.begin("throw new RangeError('far')", RunOptions::new().states()).unwrap();
    let mut states = Vec::new();
    while let Some(event) = session.next(Deadline::after(Duration::from_secs(20))).unwrap() {
        if let Event::State(state) = event {
            states.push(serde_json::to_value(state).unwrap());
        }
    }
    let names: Vec<_> = states.iter().map(|state| state["state"].as_str().unwrap()).collect();
    assert_eq!(names, ["code_received", "exec_start", "exception", "exec_end"]);
    assert_eq!((&states[2]["type"], &states[2]["message"]), (&json!("RangeError"), &json!("far")));
    let times: Vec<_> = states.iter().map(|state| state["monotonic_ms"].as_f64().unwrap()).collect();
    assert!(times.is_sorted() && times[0] > 0.0, "{times:?}");

    let snapshot = bun.heap_snapshot(&HeapOptions::new()).unwrap();
    assert!(snapshot.bytes > 0 && !snapshot.types.is_empty(), "{snapshot:?}");
    bun.run("var kept = Array.from({ length: 5000 }, () => new Map())").unwrap();
    let snapshot = bun.heap_snapshot(&HeapOptions::new().top(1000)).unwrap();
    let maps = snapshot.types.iter().find(|kind| kind.name == "Map").unwrap();
    assert!(maps.count_change.unwrap() >= 5000, "{maps:?}");
    assert_eq!(value(&mut bun, "kept.length"), json!(5000), "it goes on");
}
