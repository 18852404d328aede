//! Programs that a test compares with, where the machine has them.
#![allow(dead_code, reason = "each test program has it as a module and uses a part of it")]

use std::path::PathBuf;

use super::common::target;

/// Finds a program in `PATH` or in what other tests have installed, or says that what is compared with it is skipped. Nothing is
/// fetched for it.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = ["venv/bin", "checkout/bun/node_modules/.bin"].map(|folder| target().join(folder));
    let mut folders = std::env::split_paths(&path).chain(installed);
    let found = folders.find_map(|folder| Some(folder.join(name)).filter(|program| program.is_file()));
    if found.is_none() {
        eprintln!("skipped: {name}: not in PATH, nor installed by other tests");
    }
    found
}

/// Tells whether a machine lacks a program, and says that a test is skipped for it.
pub(crate) fn lacks(name: &str) -> bool {
    program(name).is_none()
}
