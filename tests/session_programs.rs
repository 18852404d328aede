//! Programs that the code of a confined session starts: which the supervisor lets it, and which not. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

mod common;
#[path = "common/confined.rs"]
mod confined;
#[path = "common/sessions.rs"]
mod sessions;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use circlet::exec::Executor;
use confined::{confined, policy, strict, value};
use serde_json::{Value, json};

#[test]
fn programs_are_those_of_the_rules_and_no_others_whatever_they_are_called() {
    let folder = common::scratch("confined-programs");
    let place = |part: &str| folder.join(part).to_str().unwrap().to_owned();
    fs::copy("/bin/echo", folder.join("mine")).unwrap();
    fs::copy("/bin/cat", folder.join("named")).unwrap();
    fs::write(folder.join("script"), "#!/bin/sh\necho no\n").unwrap();
    fs::set_permissions(folder.join("script"), fs::Permissions::from_mode(0o755)).unwrap();
    let hash = common::run(std::process::Command::new("sha256sum").arg(folder.join("named")));
    let mut json = strict();
    json["exec"] = json!({"rules": [
        {"action": "allow", "path": "/bin/echo"},
        {"action": "allow", "path": place("named"), "sha256": hash.split_whitespace().next()},
        {"action": "allow", "path": place("mine"), "sha256": "0".repeat(64)},
        {"action": "allow", "path": place("script")},
    ]});
    json["fs"]["rules"] = json!([{"action": "allow", "paths": [place("")], "access": ["read", "list"]}]);
    let mut python = confined(policy(&json)).start().unwrap();
    let run = |python: &mut Executor, arguments: Value| {
        let code = format!(
            "tried(lambda: subprocess.run({arguments}, capture_output=True, input=b'in').stdout.decode())"
        );
        value(python, &code)
    };
    assert_eq!(run(&mut python, json!(["/bin/echo", "hello"])), json!("hello\n"));
    assert_eq!(run(&mut python, json!([place("named")])), json!("in"), "with its hash");
    assert_eq!(run(&mut python, json!([place("mine"), "hello"])), json!("EACCES"), "with another hash");
    assert_eq!(run(&mut python, json!(["/bin/true"])), json!("EACCES"));
    let loaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];
    let loader = loaders.into_iter().find(|loader| Path::new(loader).exists()).unwrap();
    assert_eq!(run(&mut python, json!([loader, "/bin/true"])), json!("EACCES"), "by the loader");
    assert_eq!(
        run(&mut python, json!([place("script")])),
        json!("EACCES"),
        "a script without its interpreter"
    );
    let code = "tried(lambda: os.memfd_create('x'))";
    assert_eq!(value(&mut python, code), json!("EPERM"), "a program in memory alone");
    assert_eq!(run(&mut python, json!(["/nowhere"])), json!("ENOENT"));
}

#[test]
fn a_program_is_read_for_its_hash_only_where_it_is_a_file_of_the_rules() {
    let folder = common::scratch("confined-hash");
    fs::copy("/bin/true", folder.join("tool")).unwrap();
    let hash = common::run(std::process::Command::new("sha256sum").arg(folder.join("tool")));
    let mut json = strict();
    json["fs"]["rules"] = json!([{"action": "allow", "paths": [folder], "access": ["read", "list", "write", "create", "remove"]}]);
    json["exec"] = json!({"rules": [
        {"action": "allow", "path": folder.join("tool"), "sha256": hash.split_whitespace().next()},
        {"action": "allow", "path": folder.join("pipe"), "sha256": "0".repeat(64)},
    ]});
    let mut python = confined(policy(&json)).start().unwrap();
    let code = format!(
        "here = {folder:?}
os.mkfifo(here + '/pipe')
os.mkfifo('/tmp/pipe')
os.truncate(os.open(here + '/sparse', os.O_CREAT | os.O_RDWR), 1 << 40)
said = [tried(lambda: os.execv(path, ['x'])) for path in ['/dev/zero', here + '/pipe', '/tmp/pipe', here + '/sparse']]
said + [tried(lambda: subprocess.run([here + '/tool']).returncode)]"
    );
    assert_eq!(value(&mut python, &code), json!(["EACCES", "EACCES", "EACCES", "EACCES", 0]));
    python.stop().unwrap();
}

#[test]
fn a_program_that_is_changed_in_memory_alone_is_another_for_its_hash() {
    let mut json = strict();
    // On a file system in memory, whose files have no other times when a mapping of theirs is written to.
    let folder = PathBuf::from(format!("/dev/shm/circlet-confined-mapped-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let _removed = common::Removed(folder.clone());
    let tool = folder.join("tool");
    fs::copy("/bin/true", &tool).unwrap();
    let hash = common::run(std::process::Command::new("sha256sum").arg(&tool));
    json["fs"]["rules"] = json!([{"action": "allow", "paths": [folder, "/bin/false"], "access": ["read", "list", "write", "create", "remove"]}]);
    json["exec"] = json!({"rules": [
        {"action": "allow", "path": folder.join("tool"), "sha256": hash.split_whitespace().next()},
    ]});
    let mut python = confined(policy(&json)).start().unwrap();
    let code = format!(
        "import mmap, time
tool = {tool:?}
size, wrong = os.path.getsize(tool), open('/bin/false', 'rb').read()
time.sleep(2.5)
before = tried(lambda: subprocess.run([tool]).returncode)
file = os.open(tool, os.O_RDWR)
mapped = mmap.mmap(file, size)
# What was read once is mapped, so that the kernel does not learn of what is written.
sum(mapped[::4096])
mapped[:] = wrong[:size] + mapped[len(wrong):]
mapped.close()
os.close(file)
[before, tried(lambda: subprocess.run([tool]).returncode)]"
    );
    let outcome = value(&mut python, &code);
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    let is_noexec = mounts.lines().any(|line| line.contains(" /dev/shm ") && line.contains("noexec"));
    assert_eq!(outcome, json!([if is_noexec { json!("EACCES") } else { json!(0) }, "EACCES"]));
    python.stop().unwrap();
}

#[test]
fn a_path_that_changes_while_it_is_decided_on_starts_no_other_program() {
    let folder = common::scratch("confined-race");
    let marker = folder.join("marker").to_str().unwrap().to_owned();
    // The paths are of one length, and the second leaves a file.
    for (program, name) in [("/bin/echo", "mine"), ("/bin/touch", "none")] {
        fs::copy(program, folder.join(name)).unwrap();
    }
    let mut json = strict();
    let all = json!(["read", "list", "write", "create", "remove"]);
    json["fs"]["rules"] = json!([{"action": "allow", "paths": [folder], "access": all}]);
    json["exec"] = json!({"rules": [{"action": "allow", "path": folder.join("mine")}]});
    // Where the kernel alone decided by the path's file it would start neither: this is about what the supervisor decides.
    json["fs"]["rules"][0]["access"].as_array_mut().unwrap().push(json!("execute"));
    let mut python = confined(policy(&json)).start().unwrap();
    let code = format!(
        "
import ctypes, threading
libc, marker = ctypes.CDLL(None), {marker:?}.encode()
names = [{:?}.encode(), {:?}.encode()]
path = ctypes.create_string_buffer(names[0])
arguments = (ctypes.c_char_p * 3)(b'x', marker, None)
over, started, refused = False, 0, 0
def change():
    while not over:
        for name in names: ctypes.memmove(path, name, len(name))
thread = threading.Thread(target=change)
thread.start()
for _ in range(300):
    child = ctypes.c_int()
    error = libc.posix_spawn(ctypes.byref(child), path, None, None, arguments, None)
    if error: refused += 1
    else:
        os.waitpid(child.value, 0)
        started += 1
over = True
thread.join()
[os.path.exists(marker), started > 0, refused > 0]",
        folder.join("mine").to_str().unwrap(),
        folder.join("none").to_str().unwrap(),
    );
    assert_eq!(value(&mut python, &code), json!([false, true, true]));
}
