//! `circlet run` and `circlet repl` where a policy confines the code.
#![cfg(all(feature = "cli", feature = "capi", target_os = "linux"))]

#[path = "common/abilities.rs"]
mod abilities;
mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use abilities::lacks;
use circlet::exec::policy::syscall_number;

/// What came of a command: exit code, standard output and standard error.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

fn circlet(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_circlet"));
    command.args(words).current_dir(folder).env("CIRCLET_LIBRARY", common::library());
    command.env_remove("CIRCLET_LOG").env_remove("POLICY_FILE").env("SECRET_TOKEN", "hunter2");
    command
}

fn ended(mut command: Command, input: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that is refused reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn run(folder: &Path, words: &[&str]) -> Ended {
    ended(circlet(folder, &[&["run"], words].concat()), "")
}

/// Two folders: one to be in, and one with a program and a module beside it.
fn folders(name: &str) -> [PathBuf; 2] {
    let folder = common::scratch(&format!("confined-{name}"));
    let [here, there] = ["here", "there"].map(|name| folder.join(name));
    fs::create_dir(&here).unwrap();
    fs::create_dir(&there).unwrap();
    fs::write(there.join("beside.py"), "value = 7\n").unwrap();
    fs::write(there.join("__main__.py"), "import beside; print(beside.value)\n").unwrap();
    let program = "import sys\nprint(sys.argv[1:])\nprint(len(open(__file__).read()) > 0)\nimport beside\n";
    fs::write(there.join("program.py"), program).unwrap();
    [here, there]
}

#[test]
fn templates_hold_where_everything_is_below_the_folder_that_they_let_code_use() {
    // As in a container that says nothing of its folder.
    for policy in ["no-network", "readonly", "data-science"] {
        let ended = run(Path::new("/"), &["--policy", policy, "-c", "print(6 * 7)"]);
        assert_eq!((ended.code, &*ended.out), (Some(0), "42\n"), "{policy}: {}", ended.err);
    }
}

#[test]
fn a_policy_confines_a_program_and_lets_it_be_read_itself() {
    let [here, there] = folders("program");
    let file = there.join("program.py");
    for policy in ["strict", "no-network"] {
        let ended = run(&here, &["--policy", policy, file.to_str().unwrap(), "--its"]);
        assert_eq!(ended.code, Some(1));
        assert_eq!(ended.out, "['--its']\nTrue\n", "{}", ended.err);
        assert!(ended.err.contains("    import beside\n"), "{}", ended.err);
        assert!(ended.err.ends_with("ModuleNotFoundError: No module named 'beside'\n"), "{}", ended.err);
    }
    let ended = run(&here, &["--policy", "strict", there.to_str().unwrap()]);
    assert_eq!((ended.code, &*ended.out), (Some(0), "7\n"), "{}", ended.err);
    let ended = run(&there, &["--policy", "readonly", "program.py"]);
    assert_eq!(ended.code, Some(0), "its folder is the one that it runs in: {}", ended.err);
}

#[test]
fn a_program_that_a_policy_denies_runs_and_cannot_read_itself() {
    let [here, there] = folders("denied");
    let file = there.join("program.py");
    let rule = serde_json::json!({"action": "deny", "paths": [file], "access": ["read", "write"]});
    let policy = serde_json::json!({"version": 1, "fs": {"rules": [rule]}});
    let ended = run(&here, &["--policy", &policy.to_string(), file.to_str().unwrap()]);
    assert_eq!((ended.code, &*ended.out), (Some(1), "[]\n"), "{}", ended.err);
    assert!(ended.err.contains("PermissionError"), "{}", ended.err);
}

#[test]
fn code_has_no_files_networks_and_variables_that_its_policy_does_not_allow() {
    let [here, _] = folders("code");
    for (code, words) in [
        ("open('/etc/shadow')", "PermissionError"),
        ("import socket; socket.socket()", "PermissionError"),
        ("import os; os.environ['SECRET_TOKEN']", "KeyError"),
        ("open('made', 'w').write('x'); raise SystemExit(open('made').read())", "x\n"),
    ] {
        let ended = run(&here, &["--policy", "no-network", "-c", code]);
        assert_eq!(ended.code, Some(1), "{code}");
        assert!(ended.err.contains(words), "{code}: {}", ended.err);
    }
    let ended = run(&here, &["--policy", "no-network", "--policy", "readonly", "-c", "open('made', 'w')"]);
    // By a mount, or by Landlock alone where there are none.
    let ways = ["Read-only file system: 'made'", "Permission denied: 'made'"];
    assert!(ways.iter().any(|way| ended.err.contains(way)), "all of several hold: {}", ended.err);
}

#[test]
fn the_environment_names_the_policy_where_the_command_line_does_not() {
    let [here, _] = folders("environment");
    fs::write(here.join("own.json"), r#"{"version": 1}"#).unwrap();
    let code = "open('/etc/passwd').close(); print('open')";
    let with = |words: &[&str], file: &str, input: &str| {
        let mut command = circlet(&here, words);
        command.env("POLICY_FILE", file);
        ended(command, input)
    };
    let refused = with(&["run", "-c", code], "own.json", "");
    assert!(refused.err.contains("PermissionError"), "{}", refused.err);
    let refused = with(&["repl"], "own.json", code);
    assert!(refused.err.contains("PermissionError"), "{}", refused.err);
    let other = with(&["run", "--policy", "no-network", "-c", code], "own.json", "");
    assert_eq!((other.code, &*other.out), (Some(0), "open\n"), "{}", other.err);
    let refused = with(&["run", "-c", code], "strict", "");
    assert!(refused.err.contains("PermissionError"), "{}", refused.err);
    for words in [&["run", "-c", code][..], &["repl"]] {
        let empty = with(words, "", code);
        assert_eq!((empty.code, &*empty.out), (Some(2), ""), "{words:?}");
        assert!(empty.err.starts_with("circlet: POLICY_FILE is set and empty: "), "{}", empty.err);
    }
    let named = with(&["run", "--policy", "no-network", "-c", code], "", "");
    assert_eq!((named.code, &*named.out), (Some(0), "open\n"), "{}", named.err);
    let missing = with(&["run", "-c", code], "none.json", "");
    assert_eq!(missing.code, Some(2));
    assert!(missing.err.starts_with("circlet: POLICY_FILE: none.json cannot be read"), "{}", missing.err);
}

#[test]
fn flags_add_to_the_first_policy_and_to_the_default_one_where_there_is_none() {
    let [here, there] = folders("flags");
    let beside = there.join("beside.py");
    let (read, folder) = (format!("open({beside:?}).read()"), format!("--allow-read={}", there.display()));
    let code = |flags: &[&str], code: &str| run(&here, &[flags, &["-c", code]].concat());
    assert_eq!(code(&["--policy", "strict", &folder], &read).code, Some(0));
    assert_eq!(code(&[&folder], &read).code, Some(0));
    assert_eq!(code(&["--policy", "strict", "--policy", "strict", &folder], &read).code, Some(1));
    // It is the default template that a flag alone adds to.
    assert_eq!(code(&["--allow-env=SECRET_TOKEN"], "import os; os.environ['SECRET_TOKEN']").code, Some(0));
    assert_eq!(code(&["--allow-env=SECRET_TOKEN"], "open('made', 'w')").code, Some(0));
    assert_eq!(code(&["--deny-env"], "import socket; socket.socket()").code, Some(1));
    // What is denied inside of what is allowed needs mounts.
    let inside = (!lacks("mounts")).then_some("--deny-write=made");
    for denied in inside.into_iter().chain(["--deny-write"]) {
        let ended = code(&[denied], "open('made', 'w')");
        assert_eq!(ended.code, Some(1), "{denied}");
        assert!(ended.err.contains("made'"), "{}", ended.err);
    }
    let program = there.join("program.py");
    let ended = run(&here, &["--policy", "strict", &folder, program.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "modules beside it are found: {}", ended.err);
    let ended = code(&["--allow-read="], "1");
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("--allow-read"), "{}", ended.err);
}

#[test]
fn paths_from_the_folder_that_code_is_in_go_past_no_rule() {
    if lacks("mounts") {
        return;
    }
    let [here, _] = folders("relative");
    fs::write(here.join("denied"), "hunter2").unwrap();
    fs::write(here.join("kept"), "hunter2").unwrap();
    for path in ["denied", "./denied", "/proc/self/cwd/denied", "kept"] {
        let code = format!("print(open({path:?}, {:?}).read())", if path == "kept" { "r+" } else { "r" });
        let flags = ["--deny-read=denied", "--deny-write=denied,kept", "-c", &code];
        let ended = run(&here, &flags);
        assert_eq!((ended.code, &*ended.out), (Some(1), ""), "{path}: {}", ended.err);
        assert!(
            ended.err.contains("Error: [Errno "),
            "the code is refused, and not the start: {}",
            ended.err
        );
    }
}

#[test]
fn code_on_standard_input_is_confined_at_the_prompt_too() {
    let [here, _] = folders("prompt");
    let refused = ended(circlet(&here, &["repl", "--policy", "strict"]), "open('/etc/passwd')");
    assert!(refused.err.contains("PermissionError"), "{}", refused.err);
}

#[test]
fn a_policy_that_is_none_is_refused_with_the_place_in_it() {
    let [here, _] = folders("refused");
    fs::write(here.join("own.json"), r#"{"version": 1, "fs": {"default": "permit"}}"#).unwrap();
    for (policy, words) in [
        ("own.json", "circlet: own.json: fs.default: unknown variant `permit`"),
        ("strikt", "circlet: `strikt` is no file and no template: the templates are strict, "),
        ("[]", "circlet: []: it is empty"),
    ] {
        for words_of in [&["run", "--policy", policy, "-c", "1"][..], &["repl", "--policy", policy]] {
            let ended = ended(circlet(&here, words_of), "1");
            assert_eq!(ended.code, Some(2), "{words_of:?}");
            assert!(ended.err.starts_with(words), "{}", ended.err);
        }
    }
}

#[test]
fn a_policy_that_warns_of_files_shows_nothing_and_writes_them_down() {
    let [here, there] = folders("watched");
    let (warns, audit) = (here.join("warns.json"), here.join("audit.jsonl"));
    let policy = serde_json::json!({
        "version": 1,
        "fs": {"rules": [{"action": "warn", "paths": [there], "access": ["read", "list"]}]},
        "audit": {"file": audit, "files": true},
    });
    fs::write(&warns, policy.to_string()).unwrap();
    let code = format!("print(open({:?}).read(), end='')", there.join("beside.py"));
    let ended = run(&here, &["--policy", warns.to_str().unwrap(), "-c", &code]);
    assert_eq!((ended.code, &*ended.out, &*ended.err), (Some(0), "value = 7\n", ""));
    let lines = fs::read_to_string(audit).unwrap();
    let is_told = |line: &str| line.contains(r#""action":"warn""#) && line.contains("there/beside.py");
    assert!(lines.lines().any(is_told), "{lines}");
}

#[test]
fn a_rule_for_what_is_not_there_is_told_of_at_the_start() {
    let [here, _] = folders("absent");
    let flags = ["--policy", "strict", "--allow-read=/nonexist"];
    let ended_run = run(&here, &[&flags[..], &["-c", "1"]].concat());
    let ended_repl = ended(circlet(&here, &[&["repl"], &flags[..]].concat()), "1");
    for ended in [ended_run, ended_repl] {
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        let note = "circlet: note: fs.rules[0] of strict: /nonexist is not there: this rule holds only for sessions that start once it is\n";
        assert_eq!(ended.err, note);
    }
}

#[test]
fn flags_after_the_file_are_the_programs_own_and_that_is_noted() {
    let [_, there] = folders("misplaced");
    let file = there.join("program.py");
    let file = file.to_str().unwrap();
    let note = |flag: &str, program: &str| {
        format!(
            "circlet: note: --{flag} after {program} is the program's own and confines nothing: give it before {program} "
        )
    };
    let ended = run(&there, &[file, "--policy", "strict", "--deny-read=/", "--its"]);
    assert_eq!(
        (ended.code, ended.out),
        (Some(0), "['--policy', 'strict', '--deny-read=/', '--its']\nTrue\n".to_owned())
    );
    assert!(
        ended.err.contains(&note("policy", file)) && ended.err.contains(&note("deny-read", file)),
        "{}",
        ended.err
    );
    let ended = run(&there, &["--", file, "--policy", "strict"]);
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    assert_eq!(run(&there, &[file, "--its", "--policies", "policy"]).err, "");
    let ended = run(&there, &["-c", "1", "word", "--allow-read"]);
    assert!(ended.err.contains(&note("allow-read", "the code")), "{}", ended.err);
}

#[test]
fn an_option_that_there_is_not_is_refused_with_the_one_that_is_meant() {
    let [here, there] = folders("misspelt");
    let file = there.join("program.py");
    let file = file.to_str().unwrap();
    for words in [
        &["--polcy", "strict", file][..],
        &["--polcy=strict", file],
        &["--json", "--polcy", "strict", "-c", "1"],
        &["-c", "1", "--polcy", "strict"],
    ] {
        let ended = run(&here, words);
        assert_eq!((ended.code, &*ended.out), (Some(2), ""), "{words:?}");
        assert!(ended.err.contains("'--polcy'") && ended.err.contains("'--policy'"), "{}", ended.err);
    }
    assert_eq!(run(&here, &["-x", file]).code, Some(2));
    let own = run(&here, &["-c", "import sys; print(sys.argv)", "-x", "--its"]);
    assert_eq!(own.out, "['-c', '-x', '--its']\n", "{}", own.err);
    // What comes after -- is a file, whatever it looks like.
    fs::write(here.join("--polcy"), "print('run')").unwrap();
    let ended = run(&here, &["--", "--polcy"]);
    assert_eq!((ended.code, &*ended.out), (Some(0), "run\n"), "{}", ended.err);
}

#[test]
fn a_file_for_the_audit_that_cannot_be_opened_is_named() {
    let [here, _] = folders("audit");
    let policy = r#"{"version": 1, "audit": {"file": "/nowhere/audit.jsonl"}}"#;
    let ended = run(&here, &["--policy", policy, "-c", "1"]);
    assert_eq!((ended.code, &*ended.out), (Some(1), ""));
    let wanted = "circlet: audit.file: /nowhere/audit.jsonl cannot be opened: No such file or directory (os error 2); name a file";
    assert!(ended.err.starts_with(wanted), "{}", ended.err);
}

#[test]
fn explain_says_of_system_calls_what_the_kernel_does() {
    let [here, _] = folders("calls");
    // With arguments that mean nothing, should the kernel carry one out.
    let names = [
        "ptrace",
        "process_vm_readv",
        "io_uring_setup",
        "io_setup",
        "userfaultfd",
        "bpf",
        "mount",
        "open_tree",
        "openat2",
        "clone3",
        "seccomp",
        "inotify_add_watch",
        "setsid",
        "kcmp",
        "name_to_handle_at",
        "mbind",
        "sync",
        "getpid",
        "umask",
        "getcwd",
        "mincore",
        "mlock2",
        "tee",
        "memfd_create",
        "dup",
        "epoll_ctl",
    ];
    let numbers: Vec<i64> = names.iter().filter_map(|name| syscall_number(name)).collect();
    let code = format!(
        "import ctypes, errno, json
def is_refused(number):
    ctypes.set_errno(0)
    failed = call(ctypes.c_long(number), *[ctypes.c_long(-1)] * 6) == -1
    return failed and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS)
call = ctypes.CDLL(None, use_errno=True).syscall
print(json.dumps([is_refused(number) for number in {numbers:?}]))"
    );
    let ended = run(&here, &["--policy", "no-network", "-c", &code]);
    let refused: Vec<bool> = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}", ended.err));
    let questions = names.iter().flat_map(|name| ["--as".to_owned(), format!("syscall {name}")]);
    let mut explain = circlet(&here, &["policy", "explain", "no-network", "--json"]);
    explain.args(questions);
    let said: Vec<serde_json::Value> = serde_json::from_str(&self::ended(explain, "").out).unwrap();
    let said = said.iter().map(|answer| answer["rule"] == "syscalls (refused to every session)");
    let pairs = |refused: &mut dyn Iterator<Item = bool>| names.into_iter().zip(refused).collect::<Vec<_>>();
    assert_eq!(pairs(&mut said.into_iter()), pairs(&mut refused.into_iter()));
}
