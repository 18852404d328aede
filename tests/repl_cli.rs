//! `circlet repl` at a pseudo-terminal.
#![cfg(all(feature = "cli", feature = "capi", target_os = "linux"))]
#![allow(unsafe_code, reason = "signals, and a terminal of its own for a program")]

mod common;
#[path = "common/terminal.rs"]
mod terminal;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use terminal::Terminal;

/// The terminal is told that pasted text is welcome while a line is edited, and no longer when it was entered.
const EDITING: &str = "\u{1b}[?2004h";
const ENTERED: &str = "\u{1b}[?2004l";

fn circlet(state: &PathBuf) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
    command.arg("repl").env("CIRCLET_LIBRARY", common::library()).env_remove("CIRCLET_LOG");
    command.env("XDG_STATE_HOME", state).env_remove("NO_COLOR");
    command
}

/// A prompt with a state folder of its own.
struct Repl {
    terminal: Terminal,
    state: PathBuf,
}

impl Repl {
    fn start(name: &str) -> Self {
        Self::again(common::scratch(&format!("repl-{name}")))
    }

    fn again(state: PathBuf) -> Self {
        let mut terminal = Terminal::start(circlet(&state));
        terminal.wait_for("%help helps");
        terminal.wait_for(EDITING);
        Self { terminal, state }
    }

    /// Enters code, and returns what comes until the next prompt.
    fn enter(&mut self, code: &str) -> String {
        self.terminal.press(&format!("{code}\r"));
        self.terminal.wait_for(ENTERED);
        self.terminal.wait_for(EDITING).replace("\r\n", "\n").trim_start_matches('\n').to_owned()
    }

    /// Enters code that is under way until something is pressed: waits for what it prints.
    fn begin(&mut self, code: &str, wanted: &str) {
        self.terminal.press(&format!("{code}\r"));
        self.terminal.wait_for(ENTERED);
        self.terminal.wait_for(wanted);
    }

    /// Presses a key and returns what comes until the next prompt.
    fn press(&mut self, key: &str) -> String {
        self.terminal.press(key);
        self.terminal.wait_for(EDITING).replace("\r\n", "\n")
    }

    fn end(mut self) -> PathBuf {
        self.terminal.press("\x04");
        assert!(self.terminal.end().success());
        self.state
    }
}

#[test]
fn values_are_shown_as_python_writes_them() {
    let mut repl = Repl::start("values");
    for (code, shown) in [
        ("1 + 1", "2\n"),
        ("_ * 21", "42\n"),
        ("(1, 'é'), {1: None}", "((1, 'é'), {1: None})\n"),
        ("None", ""),
        ("x = 5", ""),
        ("_", "((1, 'é'), {1: None})\n"),
        ("print(x); x", "5\n5\n"),
        ("print('no end', end='')", "no end\n"),
        ("b'\\0' * 2", "b'\\x00\\x00'\n"),
        ("import asyncio", ""),
        ("await asyncio.sleep(0, 'waited')", "'waited'\n"),
        ("import subprocess; subprocess.run(['echo', 'child']).returncode", "child\n0\n"),
    ] {
        assert_eq!(repl.enter(code), shown, "{code}");
    }
    repl.end();
}

#[test]
fn lines_that_belong_together_are_one_entry() {
    let mut repl = Repl::start("lines");
    // The editor indents what follows a colon.
    assert_eq!(repl.enter("def f(x):\rif x:\rreturn 1 / x\r"), "");
    assert_eq!(repl.enter("f(4)"), "0.25\n");
    let error = repl.enter("f()\x1b[D'a'");
    assert!(error.contains("in f\n    return 1 / x\n") && error.contains("TypeError"), "{error}");
    repl.end();
}

#[test]
fn an_entry_can_be_had_again_by_another_program() {
    let mut repl = Repl::start("history");
    assert_eq!(repl.enter("for n in range(2):\rprint(n)\r"), "0\n1\n");
    let mut repl = Repl::again(repl.end());
    assert_eq!(repl.enter("\x1b[A"), "0\n1\n");
    let state = repl.end();
    let file = state.join("circlet/repl_history");
    let mode = fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o77, 0, "others can read it: {mode:o}");
}

#[test]
fn tab_completes_names_and_attributes() {
    let mut repl = Repl::start("tab");
    repl.enter("import os");
    assert_eq!(repl.enter("os.path.basen\t('a/b')"), "'b'\n");
    repl.enter("überlang = 7");
    assert_eq!(repl.enter("'é', überl\t"), "('é', 7)\n");
    assert_eq!(repl.enter("if 1:\r\tprint(8)\r"), "8\n");
    repl.end();
}

#[test]
fn ctrl_c_interrupts_what_runs_and_clears_what_is_written() {
    let mut repl = Repl::start("interrupt");
    repl.enter("import time; kept = 3");
    repl.begin("print('be' 'gun'); time.sleep(60)", "begun");
    let error = repl.press("\x03");
    assert!(error.contains("Traceback") && error.contains("KeyboardInterrupt\n"), "{error}");
    assert!(repl.press("1 / 0\x03").contains("KeyboardInterrupt\n"));
    assert_eq!(repl.enter("kept"), "3\n");
    repl.end();
}

#[test]
fn code_that_goes_on_is_ended_by_ctrl_c_pressed_twice_and_a_new_session_begins() {
    let mut repl = Repl::start("twice");
    repl.enter("import time, signal; kept = 3");
    repl.terminal.press(
        "\x1b[200~signal.signal(2, lambda *_: print('go' 'es'))\nprint('be' 'gun')\nwhile True: time.sleep(1)\x1b[201~\r",
    );
    repl.terminal.wait_for("begun");
    for _ in 0..2 {
        repl.terminal.press("\x03");
        repl.terminal.wait_for("goes");
    }
    let told = repl.press("");
    assert!(told.contains("its session was killed") && told.contains("a new session has begun"), "{told}");
    assert!(repl.enter("kept").contains("NameError"));
    repl.end();
}

#[test]
fn what_the_code_asks_for_is_asked_at_the_prompt() {
    let mut repl = Repl::start("input");
    repl.terminal.press("print('so', end=' '); name = input('who? ')\r");
    repl.terminal.wait_for(EDITING);
    repl.terminal.wait_for("so who? ");
    repl.terminal.press("me\r");
    repl.terminal.wait_for(EDITING);
    assert_eq!(repl.enter("name"), "'me'\n");
    repl.terminal.press("input()\r");
    repl.terminal.wait_for(EDITING);
    assert!(repl.press("\x04").contains("EOFError"));
    repl.terminal.press("input()\r");
    repl.terminal.wait_for(EDITING);
    assert!(repl.press("\x03").contains("KeyboardInterrupt"));
    repl.end();
}

#[test]
fn a_session_that_dies_is_told_and_replaced() {
    let mut repl = Repl::start("dies");
    repl.enter("import os; kept = 3");
    let told = repl.enter("os.kill(os.getpid(), 9)");
    assert!(told.contains("was killed by signal 9") && told.contains("a new session has begun"), "{told}");
    assert!(repl.enter("kept").contains("NameError"));
    assert_eq!(repl.enter("2 + 2"), "4\n");
    repl.end();
}

#[test]
fn commands_begin_with_a_percent_sign() {
    let mut repl = Repl::start("commands");
    repl.enter("kept = 3");
    assert!(repl.enter("%restart").contains("a new session has begun"));
    assert!(repl.enter("kept").contains("NameError"));
    assert!(repl.enter("%help").contains("%restart"));
    assert!(repl.enter("%magic").contains("there is no command %magic"));
    repl.terminal.press("%quit\r");
    assert!(repl.terminal.end().success());
}

#[test]
fn exit_ends_with_its_code() {
    let mut repl = Repl::start("exit");
    repl.terminal.press("exit(3)\r");
    assert_eq!(repl.terminal.end().code(), Some(3));
}

#[test]
fn without_a_terminal_code_is_read_from_standard_input() {
    let mut command = circlet(&common::scratch("repl-piped"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"for n in range(2):\n    print(n)\nn\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), &output.stdout[..], &output.stderr[..]),
        (Some(0), &b"0\n1\n"[..], &b""[..])
    );
}
