//! How much memory a session may have with all that it starts, where its code hides what it has. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

#[path = "common/abilities.rs"]
mod abilities;
mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::fs;
use std::path::{Path, PathBuf};

use abilities::lacks;
use circlet::exec::policy::Policy;
use circlet::exec::{Ended, Error, Executor};
use serde_json::{Value, json};
use sessions::{builder, wait_for};

/// What all sessions of these tests may have together.
const MOST: u64 = 120 << 20;
/// Memory that no limit of a process's own is for, and threads and names as no library makes them.
const PRELUDE: &str = "
import _thread, ctypes, mmap, os, threading, time
LIBC = ctypes.CDLL(None, use_errno=True)
def hold(mib):
    held = mmap.mmap(-1, mib << 20)
    for at in range(0, len(held), 4096): held[at] = 1
    return held
def forked(code):
    child = os.fork()
    if child == 0:
        try: code()
        finally: os._exit(1)
    return child
def end_first_thread():
    LIBC.syscall({'x86_64': 60, 'aarch64': 93}[os.uname().machine], 0)
";

/// A session that may have little memory, a folder to write to, and what is told of it.
struct World {
    folder: PathBuf,
}

impl World {
    fn new(name: &str) -> Self {
        Self { folder: common::scratch(&format!("memory-{name}")).canonicalize().unwrap() }
    }

    fn place(&self, part: &str) -> PathBuf {
        self.folder.join(part)
    }

    fn start(&self) -> Executor {
        self.start_with(json!([
            {"action": "allow", "paths": [self.folder], "access": ["read", "list", "write", "create"]},
        ]))
    }

    fn start_with(&self, rules: Value) -> Executor {
        let policy = json!({
            "version": 1,
            "fs": {"private_tmp": true, "rules": rules},
            "limits": {"memory_bytes": MOST, "processes": 50},
            "audit": {"file": self.place("audit.jsonl")},
        });
        let python = builder().policy(Policy::from_json(&policy.to_string()).unwrap()).start();
        let mut python = python.unwrap();
        assert_eq!(python.run(PRELUDE).unwrap().error, None);
        python
    }

    /// What was told of memory.
    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.place("audit.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["rule"] == "limits.memory_bytes").collect()
    }

    /// Runs code that is to be ended for its memory before it comes to its end, and before it makes the file that it is given.
    fn is_ended(&self, code: &str) {
        self.is_ended_in(self.start(), code);
    }

    fn is_ended_in(&self, mut python: Executor, code: &str) {
        let late = self.place("late");
        let error = python.run(&format!("late = {late:?}\n{code}\ntime.sleep(20)")).unwrap_err();
        assert!(matches!(error, Error::Died { how: Ended::Killed(9), .. }), "{error}");
        assert!(error.to_string().contains("bytes of memory"), "{error}");
        assert!(!late.exists(), "it was found late");
        let lines = self.lines();
        assert!(lines.len() == 1 && lines[0]["run"] == 2, "{lines:?}");
    }
}

#[test]
fn a_process_whose_name_is_no_text_is_counted() {
    World::new("name").is_ended(
        "
def child():
    LIBC.prctl(15, b'\\xff) \\xfe', 0, 0, 0)
    held = hold(300)
    time.sleep(20)
forked(child)",
    );
}

#[test]
fn a_process_whose_first_thread_has_ended_is_counted() {
    World::new("first-thread").is_ended(
        "
def child():
    def grow():
        time.sleep(0.2)
        held = hold(300)
        time.sleep(20)
    threading.Thread(target=grow).start()
    end_first_thread()
forked(child)",
    );
}

#[test]
fn a_process_whose_threads_replace_each_other_is_counted() {
    World::new("relay").is_ended(
        "
def child():
    held = mmap.mmap(-1, 300 << 20)
    def on(part):
        for at in range(part << 18, part + 1 << 18, 4096): held[at] = 1
        _thread.start_new_thread(on, ((part + 1) % 1200,))
    _thread.start_new_thread(on, (0,))
    end_first_thread()
forked(child)",
    );
}

#[test]
fn files_in_memory_are_counted_of_a_session_whose_first_thread_has_ended() {
    if lacks("mounts") {
        return;
    }
    let world = World::new("files");
    // No rule is for anything in `/tmp`, where the folder of this test may be.
    world.is_ended_in(
        world.start_with(json!([])),
        "
def grow():
    time.sleep(0.2)
    for at in range(10): open(f'/tmp/{at}', 'wb').write(bytes(10 << 20))
    held = hold(60)
    time.sleep(20)
threading.Thread(target=grow).start()
end_first_thread()",
    );
}

/// Has processes whose memory takes long to count: as many areas as one may have, each beside one of another kind.
const SLOW: &str = "
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
place = LIBC.mmap(None, 60000 * 4096, 1, 0x22, -1, 0)
for at in range(0, 60000, 2): LIBC.mprotect(place + at * 4096, 4096, 0)
ends = [os.pipe() for _ in range(15)]
def child(end):
    busy()
    os.write(end, b'.')
    while True: time.sleep(20)
def busy(): pass
";

#[test]
fn processes_that_take_long_to_look_at_hide_no_other() {
    let code = "
for _, end in ends: forked(lambda: child(end))
for end, _ in ends: os.read(end, 1)
time.sleep(1)
def grow():
    held = hold(600)
    time.sleep(1)
    open(late, 'w')
forked(grow)";
    World::new("slow").is_ended(&format!("{SLOW}{code}"));
}

#[test]
fn a_process_that_holds_up_whoever_looks_at_it_is_counted_whole() {
    let code = "
shared = hold(40)
def held_up():
    # What changes its areas all the time keeps whoever walks through them waiting.
    def change():
        while True:
            area = LIBC.mmap(None, 32 << 20, 1, 0x8022, -1, 0)
            LIBC.munmap(ctypes.c_void_p(area), ctypes.c_size_t(32 << 20))
    for _ in range(12): threading.Thread(target=change, daemon=True).start()
def grow():
    held_up()
    held = hold(300)
    time.sleep(3)
    open(late, 'w')
forked(grow)";
    World::new("held-up").is_ended(&format!("{SLOW}{code}"));
}

#[test]
fn a_session_that_is_ended_between_two_runs_is_written_down_once() {
    let world = World::new("between");
    let mut python = world.start();
    let id = python.process_id().unwrap();
    let over = world.place("over");
    let code = format!(
        "
def grow():
    while not os.path.exists({over:?}): time.sleep(0.01)
    held = hold(300)
    time.sleep(20)
threading.Thread(target=grow, daemon=True).start()"
    );
    assert_eq!(python.run(&code).unwrap().error, None);
    fs::write(&over, "").unwrap();
    wait_for("the end of the session", || !Path::new(&format!("/proc/{id}/root")).exists());
    python.stop().unwrap_err();
    let lines = world.lines();
    assert!(lines.len() == 1 && lines[0]["run"].is_null() && lines[0]["session"] == id, "{lines:?}");
}
