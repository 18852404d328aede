//! The C face as C sees it: its header, its exported symbols, and C programs that use it.
#![cfg(all(feature = "capi", feature = "exec", target_os = "linux"))]

mod common;

use std::fs;
use std::process::Command;

use common::{blessed, root, run, scratch};

/// The files of the C face, in the order in which the header has them.
const SOURCES: &[&str] = &[
    "status.rs",
    "text.rs",
    "layout.rs",
    "ring/mod.rs",
    "page.rs",
    "curve/shape.rs",
    "curve/make.rs",
    "curve/eval.rs",
    "curve/measure.rs",
    "curve/cut.rs",
    "curve/find.rs",
    "curve/draw.rs",
    "pool/types.rs",
    "pool/open.rs",
    "pool/submit.rs",
    "pool/calls.rs",
    "pool/answers.rs",
    "pool/output.rs",
    "pool/heap.rs",
    "pool/curves.rs",
    "pool/job.rs",
    "pool/next.rs",
    "pool/port.rs",
    "pool/job_port.rs",
    "payload.rs",
    "hub.rs",
    "tracker.rs",
    "exec_options.rs",
    "exec.rs",
    "exec_run.rs",
    "session_pool.rs",
    "shell.rs",
    "fork_server.rs",
    "worker.rs",
    "worker_port.rs",
];

fn generated_header() -> String {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap();
    let builder = cbindgen::Builder::new().with_config(config);
    let builder =
        SOURCES.iter().fold(builder, |builder, file| builder.with_src(root().join("src/capi").join(file)));
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    String::from_utf8(header).unwrap()
}

#[test]
fn the_committed_header_is_the_generated_one() {
    blessed(&root().join("include/circlet.h"), &generated_header());
}

#[test]
fn the_header_compiles_as_c11_and_as_cpp17_without_a_warning() {
    let folder = scratch("header");
    for (compiler, standard, file) in [("cc", "-std=c11", "use.c"), ("c++", "-std=c++17", "use.cpp")] {
        let source = folder.join(file);
        fs::write(&source, "#include <circlet.h>\nint main(void) { return circlet_abi_version() == 0; }\n")
            .unwrap();
        let mut command = Command::new(compiler);
        command.args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I"]);
        run(command.arg(root().join("include")).arg(&source));
    }
}

#[test]
fn the_exported_symbols_are_the_committed_ones_and_all_declared() {
    let nm = run(Command::new("nm").args(["-D", "--defined-only"]).arg(common::library()));
    let mut symbols: Vec<_> = nm.lines().filter_map(|line| line.split_whitespace().last()).collect();
    symbols.sort_unstable();
    blessed(&root().join("tests/data/symbols.txt"), &(symbols.join("\n") + "\n"));
    let header = generated_header();
    for symbol in symbols {
        let declared =
            header.matches(&format!(" {symbol}(")).count() + header.matches(&format!("*{symbol}(")).count();
        assert_eq!(declared, 1, "{symbol} is exported, and not declared once");
    }
}

#[test]
fn a_c_program_runs_jobs_and_python() {
    let program = common::c_program("examples/c/workers.c");
    let text = run(Command::new(program).env_remove("CIRCLET_LIBRARY"));
    assert!(text.contains("10 jobs gave 285") && text.contains("\"value\":[[\"points\"],42]"), "{text}");
    assert!(text.contains("\nHost: ") && text.contains("\"circlet/"), "{text}");
}

#[test]
fn a_c_program_closes_its_pool_and_reads_what_came_of_every_job() {
    let text = run(&mut Command::new(common::c_program("examples/c/pool.c")));
    assert!(text.starts_with("the numbers from 1 to 1000 have 2893 digits\n{\"pool\":"), "{text}");
}

#[test]
fn c_programs_call_functions_of_python_and_read_what_came_of_every_call() {
    run(Command::new(common::c_program("tests/c/pool_calls.c")).env_remove("CIRCLET_LIBRARY"));
    let text = run(Command::new(common::c_program("examples/c/calls.c")).env_remove("CIRCLET_LIBRARY"));
    assert!(text.starts_with("CIRCLET_JOB_FAILED: {\"message\":\"math domain error\"...\n"), "{text}");
    assert!(text.ends_with("the roots of the numbers below 1000 sum up to 21065.8\n"), "{text}");
}

#[test]
fn c_programs_run_code_in_sessions_and_are_told_as_it_runs() {
    run(Command::new(common::c_program("tests/c/executor.c")).env_remove("CIRCLET_LIBRARY"));
    let text = run(Command::new(common::c_program("examples/c/executor.c")).env_remove("CIRCLET_LIBRARY"));
    assert!(text.starts_with("hello\n{\"value\":null") && text.contains("\n{\"value\":42,"), "{text}");
    assert!(text.contains("KeyboardInterrupt"), "{text}");
}

#[test]
fn c_programs_track_a_session_and_read_one() {
    run(Command::new(common::c_program("tests/c/tracker.c")).env_remove("CIRCLET_LIBRARY"));
}

#[test]
fn a_c_program_sends_and_receives_between_two_processes() {
    let program = common::c_program("examples/c/ring.c");
    let text = run(&mut Command::new(program));
    assert!(text.contains("1000 frames received"), "{text}");
}
