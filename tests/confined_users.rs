//! Confined sessions of whoever is not a privileged root: of a plain user with and without name spaces, and of root and a user in a
//! container. With a real Python.
//!
//! Each test runs `essentials` again in a process that has entered such a world. Root alone can do that; who is not is told so.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]
#![allow(
    unsafe_code,
    reason = "a process gives up what it may between fork and exec, which takes system calls"
)]

mod common;

use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use circlet::exec::policy::Policy;
use circlet::exec::{Abilities, Builder, Error, Executor, Outcome};
use circlet::shm::Deadline;
use serde_json::{Value, json};

/// A user that nobody is.
const USER: u32 = 54_321;
/// Where a world is described to the process in it.
const WORLD: &str = "CIRCLET_TEST_WORLD";
/// What containers of Docker have by default, as bits.
const CONTAINER_CAPABILITIES: u64 = 0xa804_25fb;
/// What Docker's filter refuses to who has none of the capabilities for it, of what confinement takes.
const CONTAINER_REFUSES: [libc::c_long; 9] = [
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_pidfd_getfd,
    libc::SYS_keyctl,
    libc::SYS_clone3,
];

/// Where a process is.
#[derive(Clone, Copy)]
struct World {
    /// Who it is: root if not a plain user.
    is_plain: bool,
    /// Whether it has processes of its own and the capabilities of a container.
    is_contained: bool,
    /// Whether nobody may look at it, as at a process that has changed its user and begun no program since.
    is_hidden: bool,
    /// Calls that a filter refuses.
    refuses: &'static [libc::c_long],
    /// What is wanted: mounts, as [`Abilities`] calls them, and what a supervisor may do.
    mounts: &'static str,
    copies: bool,
    traces: bool,
}

const PLAIN: World = World {
    is_plain: true,
    is_contained: false,
    is_hidden: false,
    refuses: &[],
    mounts: "users",
    copies: true,
    traces: true,
};

#[test]
fn a_plain_users_sessions_are_confined_with_mounts_in_a_user_name_space() {
    if let Some(why) = no_user_namespaces() {
        eprintln!("skipped: {why}");
        return;
    }
    hold("plain", PLAIN);
}

#[test]
fn a_plain_users_sessions_are_confined_without_name_spaces() {
    hold("alone", World { refuses: &[libc::SYS_unshare], mounts: "none", ..PLAIN });
}

#[test]
fn a_name_space_in_which_nothing_may_be_mounted_is_as_good_as_none() {
    let refuses = &[libc::SYS_mount, libc::SYS_mount_setattr, libc::SYS_open_tree, libc::SYS_move_mount];
    hold("unmounted", World { refuses, mounts: "none", ..PLAIN });
}

#[test]
fn sessions_of_root_are_confined_in_a_container() {
    let contained = World { is_plain: false, is_contained: true, refuses: &CONTAINER_REFUSES, ..PLAIN };
    hold("container", World { mounts: "none", copies: false, ..contained });
}

#[test]
fn sessions_are_confined_where_nobody_may_be_traced() {
    let refuses = &[libc::SYS_unshare, libc::SYS_pidfd_getfd, libc::SYS_ptrace];
    hold("untraced", World { refuses, mounts: "none", copies: false, traces: false, ..PLAIN });
}

#[test]
fn a_service_that_has_changed_its_user_confines_sessions() {
    hold("hidden", World { is_hidden: true, mounts: "none", ..PLAIN });
}

#[test]
fn a_service_that_has_changed_its_user_confines_sessions_in_a_container() {
    let contained = World { is_contained: true, refuses: &CONTAINER_REFUSES, copies: false, ..PLAIN };
    hold("hidden-container", World { is_hidden: true, mounts: "none", ..contained });
}

#[test]
fn what_was_read_only_stays_so_for_root_too() {
    hold("root", World { is_plain: false, mounts: "privileged", ..PLAIN });
}

/// Runs `essentials` in a world.
fn hold(name: &str, world: World) {
    if let Some(why) = no_worlds() {
        eprintln!("skipped: {why}");
        return;
    }
    let Some(python) = python() else {
        eprintln!("skipped: no python3 in PATH that a plain user may run");
        return;
    };
    // In a place that everybody can reach, which a target folder need not be; and not where sessions have temporary files.
    let folder = PathBuf::from("/var/tmp").join(format!("circlet-users-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    let removed = common::Removed(folder.clone());
    let copied = |from: &Path| {
        let to = folder.join(from.file_name().unwrap());
        fs::copy(from, &to).unwrap();
        to
    };
    let (program, library) = (copied(&std::env::current_exe().unwrap()), copied(&common::library()));
    let (work, fixed) = (folder.join("work"), folder.join("work/fixed"));
    // The same folder again, in another place.
    let (alias, temporary) = (folder.join("alias"), folder.join("tmp"));
    for made in [&work, &fixed, &alias, &temporary, &folder.join("work/secrets")] {
        fs::create_dir(made).unwrap();
        chown(made, Some(owner(world)), Some(owner(world))).unwrap();
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let World { is_hidden, mounts, copies, traces, .. } = world;
    let said = json!({
        "is_hidden": is_hidden, "mounts": mounts, "copies": copies, "traces": traces, "python": python, "library": library, "work": work,
        "alias": alias,
    });
    let mut command = Command::new(program);
    command.args(["--ignored", "--exact", "--nocapture", "essentials"]).env_clear();
    command.env(WORLD, said.to_string()).env("PATH", "/usr/bin:/bin").current_dir(&work);
    command.env("TMPDIR", &temporary);
    let [fixed, work, alias] = [fixed, work, alias].map(|path| c_string(&path));
    // SAFETY: the closure makes system calls alone, with what was made before.
    unsafe { command.pre_exec(move || enter(world, &fixed, [&work, &alias])) };
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{name}: {}\n{text}", output.status);
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [""; 0], "{name}: sessions left this");
    drop(removed);
}

/// What holds in every world, and what differs.
#[test]
#[ignore = "the other tests run it, each in a world of its own"]
fn essentials() {
    let Ok(world) = std::env::var(WORLD) else { return };
    let world: Value = serde_json::from_str(&world).unwrap();
    let [is_mounted, copies, traces] =
        [world["mounts"] != "none", world["copies"] == true, world["traces"] == true];
    if world["is_hidden"] == true {
        // SAFETY: the call takes integers.
        unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
    }
    the_doctor_says_so(&world);
    no_file_network_or_program_is_there_that_the_policy_does_not_name(&world, is_mounted);
    all_templates_start(&world);
    what_is_denied_inside_needs_mounts(&world, is_mounted);
    what_is_asked_is_answered_or_refused_at_the_start(&world, copies, traces);
    what_was_read_only_stays_so(&world);
    memory_is_limited_of_all_processes_together(&world);
}

fn the_doctor_says_so(world: &Value) {
    let here = Abilities::here();
    assert!(here.enforce_policies(), "{here:?}");
    assert_eq!(serde_json::to_value(here.mounts).unwrap(), world["mounts"], "{here:?}");
    assert_eq!(json!(here.not_reached.is_none()), world["copies"], "{here:?}");
    assert_eq!(json!(here.not_traced.is_none()), world["traces"], "{here:?}");
}

fn no_file_network_or_program_is_there_that_the_policy_does_not_name(world: &Value, is_mounted: bool) {
    let policy = json!({
        "version": 1,
        "fs": {"private_tmp": true, "rules": [everything("allow", &world["work"])]},
        "limits": {"processes": 10},
    });
    let builder = confined(world, &policy);
    let pool = builder.clone().ready(1).pool().unwrap();
    assert!(pool.wait_ready(Deadline::after(std::time::Duration::from_secs(20))).unwrap());
    for mut python in [builder.start().unwrap(), pool.open().unwrap()] {
        let code = format!(
            "import tempfile
outside = tempfile.gettempdir() == '/tmp'
[tried(lambda: open('/etc/passwd').read()), tried(lambda: os.listdir('/')), tried(socket.socket),
 tried(lambda: subprocess.run(['/bin/true'])), tried(lambda: os.kill(os.getppid(), 0)),
 tried(lambda: open('/proc/%d/environ' % os.getppid()).read()), tried(lambda: tempfile.TemporaryFile().write(b'ab')),
 tried(lambda: open({:?} + '/made', 'w').write('abc')), tried(lambda: os.chmod({:?} + '/made', 0o600)), outside,
 tried(lambda: [os.fork() or os._exit(0) for _ in range(20)])]",
            work(world),
            work(world),
        );
        let chmod = if is_mounted { Value::Null } else { json!("EPERM") };
        let (refused, none) = (json!("EACCES"), json!("EPERM"));
        let wanted =
            json!([refused, refused, refused, refused, none, refused, 2, 3, chmod, is_mounted, "EAGAIN",]);
        assert_eq!(value(&mut python, &code), wanted, "{world}");
        python.stop().unwrap();
    }
}

fn all_templates_start(world: &Value) {
    for name in ["strict", "no-network", "readonly", "data-science"] {
        let mut python = builder(world).policy(Policy::template(name).unwrap()).start().unwrap();
        assert_eq!(value(&mut python, "6 * 7"), json!(42), "{name}");
    }
}

fn what_is_denied_inside_needs_mounts(world: &Value, is_mounted: bool) {
    let secrets = format!("{}/secrets", work(world));
    let rules = [everything("allow", &world["work"]), everything("deny", &json!(secrets))];
    let policy = json!({"version": 1, "fs": {"private_tmp": true, "rules": rules}});
    match confined(world, &policy).start() {
        Ok(mut python) => {
            assert!(is_mounted, "{world}");
            let alias = format!("{}/secrets", world["alias"].as_str().unwrap());
            let code =
                format!("[tried(lambda: os.listdir({secrets:?})), tried(lambda: os.listdir({alias:?}))]");
            assert_eq!(value(&mut python, &code), json!(["EACCES", "EACCES"]), "{world}");
        }
        Err(Error::Unenforceable(what)) => {
            assert!(!is_mounted && what.what == secrets && what.why.contains("user name spaces"), "{what}");
        }
        Err(error) => panic!("{error}"),
    }
}

fn what_is_asked_is_answered_or_refused_at_the_start(world: &Value, copies: bool, traces: bool) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect =
        format!("tried(lambda: socket.create_connection(('127.0.0.1', {port}), 5).getpeername()[1])");
    let run = "tried(lambda: subprocess.run(['/bin/echo', 'x'], capture_output=True).stdout.decode())";
    let port_rule = json!({"action": "allow", "protocol": "tcp", "ports": [port]});
    let address_rule = json!({"action": "allow", "protocol": "tcp", "addresses": ["127.0.0.1"]});
    let programs = json!({"rules": [{"action": "allow", "path": "/bin/echo"}]});
    for (section, rules, is_answered, code, wanted) in [
        ("net", json!({"rules": [port_rule]}), true, &*connect, json!(port)),
        ("net", json!({"rules": [address_rule]}), copies && traces, &*connect, json!(port)),
        ("exec", programs, traces, run, json!("x\n")),
    ] {
        let mut policy = json!({"version": 1, "fs": {"private_tmp": true}});
        policy[section] = rules;
        match confined(world, &policy).start() {
            Ok(mut python) => {
                assert!(is_answered, "{world}: {policy}");
                assert_eq!(value(&mut python, code), wanted, "{world}: {policy}");
                let other = "tried(lambda: subprocess.run(['/bin/true']))";
                assert_eq!(value(&mut python, other), "EACCES");
            }
            Err(Error::Unenforceable(what)) => {
                assert!(!is_answered && what.what == section, "{world}: {policy}: {what}");
                assert!(what.why.contains("ptrace") || what.why.contains("CAP_SYS_PTRACE"), "{what}");
            }
            Err(error) => panic!("{world}: {policy}: {error}"),
        }
    }
}

/// What was mounted read-only inside of what may be written.
fn what_was_read_only_stays_so(world: &Value) {
    let rules = json!({"rules": [everything("allow", &world["work"])]});
    for fs in [rules, json!({"default": "allow"})] {
        let mut python = confined(world, &json!({"version": 1, "fs": fs})).start().unwrap();
        let code = format!(
            "[tried(lambda: open({0:?} + '/fixed/x', 'w')), tried(lambda: open({0:?} + '/x', 'w').close())]",
            work(world)
        );
        assert_eq!(value(&mut python, &code), json!(["EROFS", null]), "{world}: {fs}");
    }
}

fn memory_is_limited_of_all_processes_together(world: &Value) {
    let policy = json!({"version": 1, "limits": {"memory_bytes": 100 << 20}});
    let mut python = confined(world, &policy).start().unwrap();
    let code = "
import mmap, time
shared = mmap.mmap(-1, 200 << 20)
for at in range(0, len(shared), 4096): shared[at] = 1
time.sleep(60)";
    let error = python.run(code).unwrap_err();
    assert!(error.to_string().contains("more than 104857600 bytes of memory"), "{error}");
}

fn everything(action: &str, path: &Value) -> Value {
    json!({"action": action, "paths": [path], "access": ["read", "list", "write", "create", "remove"]})
}

fn work(world: &Value) -> &str {
    world["work"].as_str().unwrap()
}

fn builder(world: &Value) -> Builder {
    let path = |key: &str| world[key].as_str().unwrap().to_owned();
    Executor::builder().program(path("python")).library(path("library"))
}

fn confined(world: &Value, policy: &Value) -> Builder {
    builder(world).policy(Policy::from_json(&policy.to_string()).unwrap())
}

/// Runs code that may say `tried`, which gives the name of what it failed with, else what it gave.
fn value(python: &mut Executor, code: &str) -> Value {
    let Outcome { value, error, .. } = python.run(&format!("{}{code}", common::TRIED)).unwrap();
    assert_eq!(error, None, "{code}");
    value.unwrap_or_default()
}

/// Tells why no world can be entered here.
fn no_worlds() -> Option<&'static str> {
    // SAFETY: the call takes nothing.
    if unsafe { libc::geteuid() } != 0 {
        return Some("only root can become others");
    }
    // SAFETY: the closure makes one system call.
    let can = succeeds(|| done(unsafe { libc::unshare(libc::CLONE_NEWNS | libc::CLONE_NEWPID) }));
    (!can).then_some("root has no CAP_SYS_ADMIN here, as in a container")
}

fn no_user_namespaces() -> Option<&'static str> {
    // SAFETY: the closure makes system calls alone.
    let can = no_worlds().is_some()
        || succeeds(|| unsafe {
            become_user()?;
            done(libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS))
        });
    (!can).then_some("this machine lets no plain user have name spaces")
}

fn succeeds(before: fn() -> io::Result<()>) -> bool {
    let mut command = Command::new("/bin/true");
    // SAFETY: what is given makes system calls alone.
    unsafe { command.pre_exec(before) };
    command.status().is_ok_and(|status| status.success())
}

/// Returns a Python that a plain user may run.
fn python() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let programs = std::env::split_paths(&path).map(|folder| folder.join("python3"));
    programs.chain(["/usr/bin/python3".into()]).find(|program| {
        let mut command = Command::new(program);
        command.args(["-c", "import sys; sys.exit(sys.version_info < (3, 10))"]).current_dir("/").env_clear();
        // SAFETY: the closure makes system calls alone.
        unsafe { command.pre_exec(|| become_user()) };
        command.output().is_ok_and(|output| output.status.success())
    })
}

fn owner(world: World) -> u32 {
    if world.is_plain { USER } else { 0 }
}

fn c_string(path: &Path) -> CString {
    CString::new(path.to_str().unwrap()).unwrap()
}

fn done(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// # Safety
/// This is between fork and exec.
unsafe fn become_user() -> io::Result<()> {
    // SAFETY: the calls take integers, and a pointer that may be NULL where there is nothing behind it.
    unsafe {
        done(libc::setgroups(0, std::ptr::null()))?;
        done(libc::setresgid(USER, USER, USER))?;
        done(libc::setresuid(USER, USER, USER))
    }
}

/// Has this process be in a world, in which `fixed` is read-only, and a folder is at a second place too.
///
/// # Safety
/// This is between fork and exec.
unsafe fn enter(world: World, fixed: &CStr, [work, alias]: [&CStr; 2]) -> io::Result<()> {
    // SAFETY: the calls take integers and strings that outlive them.
    unsafe {
        let none = std::ptr::null();
        done(libc::unshare(libc::CLONE_NEWNS))?;
        done(libc::mount(none, c"/".as_ptr(), none, libc::MS_REC | libc::MS_PRIVATE, none.cast()))?;
        done(libc::mount(fixed.as_ptr(), fixed.as_ptr(), none, libc::MS_BIND, none.cast()))?;
        let again = libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY;
        done(libc::mount(none, fixed.as_ptr(), none, again, none.cast()))?;
        done(libc::mount(work.as_ptr(), alias.as_ptr(), none, libc::MS_BIND, none.cast()))?;
        if world.is_contained {
            done(libc::unshare(libc::CLONE_NEWPID))?;
            begin_anew()?;
            let proc = c"proc".as_ptr();
            done(libc::mount(proc, c"/proc".as_ptr(), proc, 0, none.cast()))?;
            for capability in (0..64).filter(|capability| CONTAINER_CAPABILITIES >> capability & 1 == 0) {
                if libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 {
                    break;
                }
            }
        }
        if world.is_plain {
            become_user()?;
        }
        refuse(world.refuses)
    }
}

/// Goes on in a child, the first of its name space, and ends as that does.
///
/// # Safety
/// This is between fork and exec.
unsafe fn begin_anew() -> io::Result<()> {
    // SAFETY: the calls take integers, and a status that outlives them. This process has nothing that it would have to give back.
    unsafe {
        let child = libc::fork();
        done(child)?;
        if child == 0 {
            return Ok(());
        }
        // The pipe by which whoever has forked this waits for the exec.
        libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0);
        let mut status = 0;
        while libc::waitpid(child, &raw mut status, 0) < 0 {}
        libc::_exit(if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 1 })
    }
}

/// Has the kernel refuse these calls.
///
/// # Safety
/// This is between fork and exec.
unsafe fn refuse(calls: &[libc::c_long]) -> io::Result<()> {
    const LOAD: u16 = 0x20;
    const IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let one = |code, jf, k| libc::sock_filter { code, jt: 0, jf, k };
    let mut program = [one(RETURN, 0, libc::SECCOMP_RET_ALLOW); 32];
    program[0] = one(LOAD, 0, 0);
    for (at, call) in calls.iter().enumerate() {
        // The C library has another way where this is not there, and none where it may not be used.
        let error = if *call == libc::SYS_clone3 { libc::ENOSYS } else { libc::EPERM };
        program[1 + 2 * at] = one(IF_EQUAL, 1, *call as u32);
        program[2 + 2 * at] = one(RETURN, 0, libc::SECCOMP_RET_ERRNO | error as u32);
    }
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program outlives the calls, and is as long as said.
    unsafe {
        if libc::geteuid() != 0 {
            done(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        }
        // Of root in a container, this is before the exec that leaves it without CAP_SYS_ADMIN.
        done(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter))
    }
}
