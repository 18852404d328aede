//! What becomes of code in a session: its lines in tracebacks, its interrupts, its last words. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::time::{Duration, Instant};

use circlet::exec::{Error, Executor, Stopped};
use serde_json::json;

use sessions::start;

#[test]
fn tracebacks_have_the_lines_that_python_has() {
    let mut python = start();
    for (code, line) in [
        ("s='a\u{2028}b\u{c}c'\n\n(1).foo\n", "(1).foo"),
        ("x=1\u{c}\ny=2\n\ndef f():\n    return x.zz\nf()", "return x.zz"),
        ("x=1\r\ny=2\r\n(1).foo", "(1).foo"),
    ] {
        let traceback = python.run(code).unwrap().error.unwrap().traceback;
        assert!(traceback.contains(&format!("    {line}\n")), "{code:?}: {traceback}");
    }
    let caret = |code: &str, python: &mut Executor| {
        let traceback = python.run(code).unwrap().error.unwrap().traceback;
        traceback.lines().find(|line| line.contains('^')).map(|line| line.to_owned())
    };
    assert_eq!(caret("1/0", &mut python), caret("1/0\n", &mut python));
}

#[test]
fn an_interrupt_that_the_code_has_handled_does_not_come_again() {
    let mut python = start();
    let code = "import time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: print('handled')\n[1]";
    let outcome = python.run_timeout(code, Duration::from_millis(100)).unwrap();
    assert_eq!((outcome.value, outcome.error), (Some(json!([1])), None));
    let outcome = python.run_timeout("while True: pass", Duration::from_millis(50)).unwrap();
    let traceback = outcome.error.unwrap().traceback;
    assert_eq!(traceback.matches("KeyboardInterrupt").count(), 1, "{traceback}");
    assert!(traceback.contains("while True: pass"), "{traceback}");
}

#[test]
fn code_that_awaits_is_interrupted_at_once_wherever_its_loop_is() {
    let mut python = start();
    let code = "import asyncio\nawait asyncio.gather(*(asyncio.sleep(60) for _ in range(500)))";
    python.run("import asyncio; kept = 1").unwrap();
    for moment in 0..200 {
        let outcome = python.run_timeout(code, Duration::from_micros(2000 + 20 * moment)).unwrap();
        assert_eq!(outcome.error.unwrap().kind, "KeyboardInterrupt");
        assert_eq!(outcome.stopped, Some(Stopped::Interrupted), "{moment}");
    }
    // Code that does not let the loop go on is interrupted too.
    let outcome =
        python.run_timeout("await asyncio.sleep(0)\nwhile True: pass", Duration::from_millis(50)).unwrap();
    assert_eq!(outcome.stopped, Some(Stopped::Interrupted));
    assert_eq!(python.run("await asyncio.sleep(0, kept)").unwrap().value, Some(json!(1)));
}

#[test]
fn a_session_that_ends_has_its_last_words_whichever_way_they_were_written() {
    let mut python = start();
    let code = "import os, sys\nprint('why', file=sys.stderr)\nos.write(2, b'because')\nos._exit(9)";
    let error = python.run(code).unwrap_err();
    assert!(matches!(&error, Error::Died { said, .. } if said == "why\nbecause"), "{error}");
}

#[test]
fn a_value_that_cannot_be_looked_at_does_not_fail_the_run() {
    let mut python = start();
    let code = "class Meta(type):\n    def __getattr__(self, name): raise RuntimeError(name)\nclass Odd(metaclass=Meta):\n    __module__ = 3\nOdd()";
    let outcome = python.run(code).unwrap();
    assert_eq!(outcome.error, None);
    let outcome = python.run("view = memoryview(b'x')\nview.release()\nview").unwrap();
    assert!(outcome.error.is_none() && outcome.repr.unwrap().contains("released"));
}

#[test]
fn threads_of_the_code_end_with_its_session() {
    let mut python = start();
    let code = "import threading, time, atexit\natexit.register(print, 'in order', flush=True)\nthreading.Thread(target=time.sleep, args=(60,)).start()";
    assert_eq!(python.run(code).unwrap().error, None);
    let begin = Instant::now();
    python.stop().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}
