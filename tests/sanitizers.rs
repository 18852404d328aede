//! The C programs of `tests/c` and the examples, as they are, under valgrind, and built with AddressSanitizer and
//! UndefinedBehaviorSanitizer against the static library.
//!
//! The library itself is the normal one in all of them: its own code is instrumented by valgrind alone, while the
//! sanitizers see C's side, every allocation, and what libc's functions touch. No error is suppressed, and no leak but those of which
//! `tests/data/valgrind.supp` says why they are none. Where a tool is
//! missing the tests fail, and say what to install.
#![cfg(all(feature = "capi", feature = "exec", target_os = "linux"))]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use common::{library, root, run, scratch};

/// What each tool exits with where it finds something; no program ends so by itself.
const FOUND: i32 = 99;

/// What starts Python workers. Valgrind cannot run it: 3.19, which Debian 12 has, knows no `pidfd_open`, and takes the
/// thread handle that Rust's standard library keeps for the main thread for a possible leak.
const WORKERS: [&str; 4] =
    ["examples/c/workers.c", "tests/c/executor.c", "tests/c/pool_calls.c", "tests/c/tracker.c"];

/// The programs that every tool runs: all but the one whose mistakes are to be found, and [`WORKERS`].
fn programs() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("tests/c")).unwrap().map(|entry| entry.unwrap().path());
    let mut programs: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .filter(|path| !path.ends_with("misuse.c") && !WORKERS.iter().any(|worker| path.ends_with(worker)))
        .collect();
    programs.push(root().join("examples/c/ring.c"));
    programs.sort();
    assert!(programs.len() > 8, "{programs:?}");
    programs
}

/// Compiles a program: every warning is an error.
fn compile(source: &Path, folder: &Path, more: &[&str]) -> PathBuf {
    let program = folder.join(source.file_stem().unwrap());
    let mut command = Command::new("cc");
    command.args(["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"]);
    command.arg(root().join("include")).arg(source).arg("-o").arg(&program).args(more);
    run(&mut command);
    program
}

/// Compiles it against the shared library, as users do.
fn shared(source: &Path, folder: &Path) -> PathBuf {
    let lib = library().parent().unwrap().display().to_string();
    compile(source, folder, &["-L", &lib, "-lcirclet", &format!("-Wl,-rpath,{lib}")])
}

/// Compiles it with the sanitizers against the static library, and what Rust's own library needs with it.
fn sanitized(source: &Path, folder: &Path) -> PathBuf {
    let lib = library().with_extension("a").display().to_string();
    let sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];
    let needs = [lib.as_str(), "-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"];
    compile(source, folder, &[&sanitize[..], &needs].concat())
}

fn under_valgrind(program: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--leak-check=full", "--track-fds=no", &format!("--error-exitcode={FOUND}")]);
    command.arg(format!("--suppressions={}", root().join("tests/data/valgrind.supp").display()));
    let output = command.arg(program).args(arguments).output();
    output.unwrap_or_else(|error| panic!("valgrind does not start ({error}): apt-get install valgrind"))
}

fn under_sanitizers(program: &Path, arguments: &[&str]) -> Output {
    let options = format!("exitcode={FOUND}:detect_leaks=1:detect_stack_use_after_return=1");
    let mut command = Command::new(program);
    command.args(arguments).env("ASAN_OPTIONS", options).env("UBSAN_OPTIONS", "print_stacktrace=1");
    command.env("CIRCLET_LIBRARY", library());
    command.output().unwrap()
}

/// Compiles and runs all programs, two at a time; each must end well, and no tool say a word.
fn all_are_clean(
    compile: impl Fn(&Path, &Path) -> PathBuf + Sync,
    run: impl Fn(&Path, &[&str]) -> Output + Sync,
    programs: Vec<PathBuf>,
    folder: &Path,
) {
    let left = Mutex::new(programs);
    let next = || left.lock().unwrap().pop();
    let work = || {
        while let Some(source) = next() {
            let output = run(&compile(&source, folder), &[]);
            let errors = String::from_utf8_lossy(&output.stderr);
            let name = source.display();
            assert!(output.status.success(), "{name} ended with {}:\n{errors}", output.status);
            assert!(errors.is_empty(), "{name}:\n{errors}");
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
}

/// Checks that a tool finds the mistakes that were made for it to find.
fn mistakes_are_found(program: &Path, run: impl Fn(&Path, &[&str]) -> Output, words: [(&str, &str); 2]) {
    for (mistake, word) in words {
        let output = run(program, &[mistake]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(FOUND), "{mistake}: {errors}");
        assert!(errors.contains(word), "{mistake}: {word:?} is not in: {errors}");
    }
}

#[test]
fn no_c_program_leaks_or_touches_what_it_may_not_under_valgrind() {
    let folder = scratch("valgrind");
    let misuse = shared(&root().join("tests/c/misuse.c"), &folder);
    let words = [("leak", "definitely lost"), ("after-close", "Invalid read")];
    mistakes_are_found(&misuse, under_valgrind, words);
    all_are_clean(shared, under_valgrind, programs(), &folder);
}

#[test]
fn no_c_program_leaks_or_touches_what_it_may_not_under_the_sanitizers() {
    let folder = scratch("sanitizers");
    let empty = folder.join("empty.c");
    fs::write(&empty, "int main(void) { return 0; }\n").unwrap();
    let probe = Command::new("cc")
        .args(["-fsanitize=address,undefined", "-o"])
        .args([folder.join("empty"), empty])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&probe.stderr);
    assert!(probe.status.success(), "cc has no libasan or libubsan: apt-get install gcc libc6-dev\n{errors}");
    let misuse = sanitized(&root().join("tests/c/misuse.c"), &folder);
    let words = [("leak", "detected memory leaks"), ("after-close", "heap-use-after-free")];
    mistakes_are_found(&misuse, under_sanitizers, words);
    let all = [programs(), WORKERS.map(|worker| root().join(worker)).to_vec()].concat();
    all_are_clean(sanitized, under_sanitizers, all, &folder);
}
