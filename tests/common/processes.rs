//! Pools of processes for tests: what they are built with, and what is waited for.
#![allow(dead_code, unreachable_pub, reason = "each test program has it as a module and uses a part of it")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use circlet::exec::{Call, Exception, Workers, WorkersBuilder};
use circlet::pool::Failure;
use serde_json::{Value, json};

use crate::common;

/// Longer than anything here takes.
pub const LONG: Duration = Duration::from_secs(60);

pub fn python() -> WorkersBuilder {
    python_with(&common::library())
}

/// The same where the library is known already.
pub fn python_with(library: &Path) -> WorkersBuilder {
    /// The interpreter behind whatever looks for it, which may take longer than it takes to start.
    static PROGRAM: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let arguments = ["-c", "import sys; print(sys.executable)"];
        common::run(std::process::Command::new("python3").args(arguments)).trim().to_owned()
    });
    Workers::python()
        .program(&*PROGRAM)
        .library(library)
        .module_path(common::root().join("tests/data/workers"))
}

pub fn call(function: &str, arguments: Value) -> Call<Value> {
    Call::new(&format!("jobs:{function}"), &arguments)
}

/// Waits for a file that a call makes.
pub fn appeared(path: &Path) {
    wait_until(|| path.exists());
}

pub fn wait_until(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < deadline, "waited for too long");
        std::thread::yield_now();
    }
}

pub fn marker(name: &str) -> (PathBuf, Value) {
    let path = common::scratch(name).join("runs");
    let text = json!(path);
    (path, text)
}

pub fn exception(failure: Failure) -> Exception {
    let Failure::Error(error) = failure else { panic!("{failure:?}") };
    *error.downcast::<Exception>().unwrap()
}

pub fn bun() -> WorkersBuilder {
    let script = common::root().join("tests/data/workers/jobs.ts");
    Workers::bun(script).program(common::bun()).library(common::library())
}
