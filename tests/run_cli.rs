//! `circlet run`: programs beside what the interpreter itself makes of them, and ends of every kind.
#![cfg(all(feature = "cli", feature = "capi", target_os = "linux"))]
#![allow(unsafe_code, reason = "signals, and a terminal of its own for a program")]

mod common;
#[path = "common/terminal.rs"]
mod terminal;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use terminal::Terminal;

fn circlet() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
    command.arg("run").env("CIRCLET_LIBRARY", common::library()).env_remove("CIRCLET_LOG");
    command
}

fn fed(mut command: Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn code(code: &str) -> Output {
    let mut command = circlet();
    command.args(["-c", code]);
    fed(command, b"")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn started(code: &str) -> Child {
    let mut command = circlet();
    command.args(["-c", code]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::with_capacity(1, child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line
}

fn signal(child: u32, signal: i32) {
    // SAFETY: the call takes integers; the process is a child that has not been waited for.
    unsafe { libc::kill(child as libc::pid_t, signal) };
}

/// Waits until no process has this number.
fn wait_for_end_of(process: &str) {
    let until = Instant::now() + Duration::from_secs(30);
    while Path::new("/proc").join(process.trim()).exists() {
        assert!(Instant::now() < until, "process {process} is still there");
        std::thread::yield_now();
    }
}

/// Runs the same words by the interpreter and by the program, and compares all that is seen of them.
fn looks_the_same(folder: &Path, words: &[&str], input: &[u8]) -> Output {
    let [mut python, mut ours] = [Command::new("python3"), circlet()];
    python.args(words).current_dir(folder);
    ours.args(words).current_dir(folder);
    let (python, ours) = (fed(python, input), fed(ours, input));
    assert_eq!(text(&ours.stdout), text(&python.stdout), "{words:?}");
    assert_eq!(text(&ours.stderr), text(&python.stderr), "{words:?}");
    assert_eq!(ours.status.code(), python.status.code(), "{words:?}");
    ours
}

fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = common::scratch(&format!("run-{name}"));
    for (file, text) in files {
        let place = folder.join(file);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }
    folder
}

#[test]
fn a_program_sees_what_the_interpreter_would_show_it() {
    let shown = "import sys, helper\nprint(sys.argv, __file__, sys.path[0], __name__, __spec__, __package__)\n\
                 print(sorted(globals()))\n";
    let main = "import sys; print(sys.argv, __name__, __file__, sys.path[0])";
    let folder = folder(
        "same",
        &[
            ("under/shown.py", shown),
            ("under/helper.py", ""),
            ("latin.py", "# coding: latin-1\nprint('caf\\xe9 √'.encode())\n"),
            ("package/__main__.py", main),
        ],
    );
    std::os::unix::fs::symlink("under/shown.py", folder.join("link.py")).unwrap();
    for words in [
        &["under/shown.py", "a", "--json", "-h", "--"][..],
        &["link.py"],
        &["latin.py"],
        &["package", "b"],
        &["-c", "import sys; print(sys.argv, sys.path[0], sorted(globals()))", "c", "--timeout"],
    ] {
        assert!(looks_the_same(&folder, words, b"").status.success());
    }
    looks_the_same(&folder, &["-", "d"], b"import sys; print(sys.argv, __name__)\n1 / 0\n");
}

#[test]
fn a_program_ends_as_with_the_interpreter() {
    let deep = "def f(n):\n    if n: f(n - 1)\n    raise KeyError('é') from ValueError(n)\n\nf(3)\n";
    let ends = "import atexit, threading, time\natexit.register(print, 'at exit')\n\
                threading.Thread(target=lambda: print('thread')).start()\nraise SystemExit(3)\n";
    let hook = "import sys\nsys.excepthook = lambda *a: print('hook', a[0], file=sys.stderr)\n1/0\n";
    let cause = "try:\n    1/0\nexcept ZeroDivisionError:\n    open('/nowhere')\n";
    let fork = "import os, sys\nif os.fork():\n    print(os.waitstatus_to_exitcode(os.wait()[1]))\nelse:\n    sys.exit(5)\n";
    let files = [
        ("deep.py", deep),
        ("ends.py", ends),
        ("hook.py", hook),
        ("cause.py", cause),
        ("fork.py", fork),
        ("wrong.py", "def f(:\n    pass\n"),
        ("words.py", "import sys; sys.exit('bye')"),
        ("minus.py", "import sys; sys.exit(-1)"),
        ("exit.py", "import os; print('out', flush=True); os._exit(9)"),
    ];
    let folder = folder("ends", &files);
    for (file, _) in files {
        let both = looks_the_same(&folder, &[file], b"");
        assert_eq!(both.status.success(), file == "fork.py", "{file}");
    }
}

#[test]
fn bytes_are_handed_on_as_they_are_and_streams_stay_apart() {
    let output = code(
        "import os, sys, subprocess\nsys.stdout.buffer.write(bytes(range(256)))\nos.write(2, b'\\xff\\0')\n\
         subprocess.run(['printf', 'x\\\\000'])\nprint('é', file=sys.stderr)",
    );
    assert_eq!(output.stdout, (0..=255).chain(*b"x\0").collect::<Vec<u8>>());
    assert_eq!(output.stderr, b"\xff\0\xc3\xa9\n");
}

#[test]
fn lines_of_standard_input_reach_the_code_until_their_end() {
    let mut command = circlet();
    command.args(["-c", "print([input('? '), input()])\ntry: input()\nexcept EOFError: print('end')"]);
    let output = fed(command, "ä 1\nlast".as_bytes());
    assert_eq!(text(&output.stdout), "? ['ä 1', 'last']\nend\n");
}

#[test]
fn output_comes_while_the_code_runs() {
    let mut command = circlet();
    command.args(["-c", "print('begun'); input(); print('ended')"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    assert_eq!(line(&mut child), "begun\n");
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let mut rest = String::new();
    child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "ended\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn ctrl_c_interrupts_the_code_as_often_as_it_is_pressed() {
    let mut child = started(
        "import time\nfor n in range(2):\n    try:\n        print(n)\n        time.sleep(60)\n    \
         except KeyboardInterrupt:\n        print('caught', n)\n        time.sleep(2)\ntime.sleep(60)",
    );
    for n in 0..2 {
        assert_eq!(line(&mut child), format!("{n}\n"));
        signal(child.id(), libc::SIGINT);
        assert_eq!(line(&mut child), format!("caught {n}\n"));
    }
    signal(child.id(), libc::SIGTERM);
    assert_eq!(child.wait().unwrap().code(), Some(128 + libc::SIGTERM));
    let mut child = started(
        "import asyncio, os\nasync def f():\n    print(0)\n    await asyncio.sleep(60)\nasyncio.run(f())",
    );
    line(&mut child);
    signal(child.id(), libc::SIGINT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let error = text(&output.stderr);
    assert!(error.starts_with("Traceback") && error.ends_with("KeyboardInterrupt\n"), "{error}");
}

#[test]
fn ctrl_c_pressed_twice_ends_code_that_goes_on() {
    let mut child = started(
        "import os, signal, time\nsignal.signal(2, signal.SIG_IGN)\nprint(os.getpid())\nwhile True: time.sleep(1)",
    );
    let process = line(&mut child);
    // Two that are on their way at a time are one.
    while child.try_wait().unwrap().is_none() {
        signal(child.id(), libc::SIGINT);
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(text(&output.stderr).contains("was killed"), "{}", text(&output.stderr));
    wait_for_end_of(&process);
}

#[test]
fn a_program_that_takes_too_long_is_interrupted() {
    let mut command = circlet();
    command.args(["--timeout", "200ms", "-c", "while True: pass"]);
    let output = fed(command, b"");
    assert_eq!(output.status.code(), Some(124));
    assert!(
        text(&output.stderr).ends_with("interrupted after 200ms (--timeout)\n"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_session_that_dies_is_told_with_its_signal() {
    let output = code("import os; print('out'); os.kill(os.getpid(), 11)");
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(139), &b"out\n"[..]));
    assert!(text(&output.stderr).contains("killed by signal 11"), "{}", text(&output.stderr));
}

#[test]
fn json_is_one_line_with_all_that_came_of_it() {
    let report = |words: &[&str]| {
        let mut command = circlet();
        command.arg("--json").args(words);
        let output = fed(command, b"");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(text(&output.stdout).lines().count(), 1);
        assert_eq!(report["exit_code"].as_i64(), output.status.code().map(i64::from), "{report}");
        report
    };
    let fine = report(&["-c", "import sys; print('out'); print('err', file=sys.stderr)"]);
    assert_eq!((&fine["stdout"], &fine["stderr"]), (&"out\n".into(), &"err\n".into()));
    assert!(fine["usage"]["memory_peak_bytes"].as_u64().unwrap() > 1 << 20, "{fine}");
    assert_eq!((fine.get("error"), fine.get("value")), (None, None));
    let raised = report(&["-c", "int('x')"]);
    assert_eq!(raised["error"]["type"], "ValueError");
    assert!(raised["error"]["traceback"].as_str().unwrap().contains("File \"<string>\", line 1"), "{raised}");
    let died = report(&["-c", "import os; os.abort()"]);
    assert_eq!(died["died"]["signal"], 6);
    assert_eq!(report(&["--timeout", "60", "-c", "input"]).get("stopped"), None);
    assert_eq!(report(&["--timeout", "0.1", "-c", "while 1: 1"])["stopped"], "interrupted");
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_program_quietly() {
    let mut child = started("import os\nprint(os.getpid())\nwhile True: print('x' * 1000)");
    let process = line(&mut child);
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    wait_for_end_of(&process);
}

#[test]
fn a_killed_program_takes_its_session_along() {
    let mut child = started("import os, time\nprint(os.getpid())\ntime.sleep(600)");
    let process = line(&mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for_end_of(&process);
}

#[test]
fn the_log_says_who_says_it() {
    let mut command = circlet();
    command.env("CIRCLET_LOG", "1").args(["-c", "1/0"]);
    let error = text(&fed(command, b"").stderr);
    let lines: Vec<_> = error.lines().filter(|line| line.starts_with('[')).collect();
    assert!(lines[0].starts_with("[Circlet] session ") && lines[0].contains(" is ready ("), "{error}");
    assert!(lines[2].starts_with("[Python] session ") && lines[2].contains(" ends run 1 ("), "{error}");
    assert!(lines[3].ends_with(" exited with code 0"), "{error}");
    assert!(!text(&code("1/0").stderr).contains("[Circlet]"));
}

#[test]
fn what_cannot_be_run_is_refused_with_what_can() {
    let refused = |words: &[&str]| {
        let mut command = circlet();
        command.args(words);
        let output = fed(command, b"");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        text(&output.stderr)
    };
    assert!(refused(&["/nowhere.py"]).contains("/nowhere.py cannot be opened"));
    assert!(refused(&["--timeout", "0", "x.py"]).contains("such as 500ms, 5s, 2m or 1h"));
    refused(&[]);
}

#[test]
fn at_a_terminal_the_code_knows_that_and_its_keys_reach_it() {
    let mut command = circlet();
    command.args([
        "-c",
        "import sys, time\nprint(sys.stdout.isatty(), sys.stderr.isatty())\nprint(input('name? '))\n\
         try: time.sleep(60)\nexcept KeyboardInterrupt: print('interrupted')\ninput('again? ')",
    ]);
    let mut terminal = Terminal::start(command);
    terminal.wait_for("True True");
    terminal.wait_for("name? ");
    terminal.press("circlet\n");
    terminal.wait_for("circlet\r\ncirclet\r\n");
    terminal.press("\x03");
    terminal.wait_for("interrupted\r\n");
    terminal.wait_for("again? ");
    terminal.press("\x04");
    terminal.wait_for("EOFError");
    assert_eq!(terminal.end().code(), Some(1));
}

#[test]
fn ctrl_c_ends_a_question() {
    let mut command = circlet();
    command.args([
        "-c",
        "try: input('first? ')\nexcept KeyboardInterrupt: print('no')\nprint(input('second? '))",
    ]);
    let mut terminal = Terminal::start(command);
    terminal.wait_for("first? ");
    terminal.press("\x03");
    terminal.wait_for("no\r\n");
    terminal.wait_for("second? ");
    terminal.press("yes\n");
    terminal.wait_for("yes\r\nyes\r\n");
    assert!(terminal.end().success());
}
