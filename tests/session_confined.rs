//! Sessions that a policy confines: what the kernel and the supervisor refuse, and what goes on working. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

#[path = "common/abilities.rs"]
mod abilities;
mod common;
#[path = "common/confined.rs"]
mod confined;
#[path = "common/sessions.rs"]
mod sessions;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use abilities::lacks;
use circlet::exec::{Ended, Error, Executor};
use confined::{TRIED, confined, policy, strict, value, with};
use serde_json::{Value, json};
use sessions::{builder, pool, ready};

/// Attempts that no policy of these tests allows, and how they are refused.
fn refused() -> [(&'static str, &'static str); 9] {
    [
        ("open('/etc/passwd').read()", "EACCES"),
        ("os.listdir('/etc')", "EACCES"),
        ("open('/proc/%d/cmdline' % os.getppid()).read()", "EACCES"),
        ("socket.socket().fileno() > 2", "EACCES"),
        ("socket.socket(socket.AF_UNIX).fileno() > 2", "EACCES"),
        ("subprocess.run(['true']).returncode == 0", "EACCES"),
        ("os.kill(os.getppid(), 0)", "EPERM"),
        ("os.setpgid(0, 0)", "EPERM"),
        ("os.getxattr('/etc/passwd', 'user.none')", "ENOTSUP"),
    ]
}

#[test]
fn a_confined_session_is_refused_what_one_without_a_policy_may() {
    let (mut free, mut held) = (builder().start().unwrap(), confined(policy(&strict())).start().unwrap());
    let tried = |python: &mut Executor, code: &str| value(python, &format!("tried(lambda: {code})"));
    for (code, error) in refused() {
        assert_eq!(tried(&mut held, code), json!(error), "{code}");
        if error != "ENOTSUP" {
            assert_ne!(tried(&mut free, code), json!(error), "{code} is refused where there is no policy");
        }
    }
    assert_eq!(value(&mut held, "import tempfile; tempfile.NamedTemporaryFile('w').write('x')"), json!(1));
    // The language and the time zone, where this process has them.
    let variables =
        "sorted(name for name in os.environ if name not in ('LANG', 'TZ') and not name.startswith('LC_'))";
    assert_eq!(value(&mut held, variables), json!(["CIRCLET_LIBRARY", "TMPDIR"]));
    held.stop().unwrap();
}

#[test]
fn a_forked_session_is_confined_as_one_that_was_started() {
    let pool = ready(confined(policy(&strict())).pool().unwrap());
    let mut python = pool.open().unwrap();
    for (code, error) in refused() {
        assert_eq!(value(&mut python, &format!("tried(lambda: {code})")), json!(error), "{code}");
    }
    assert_eq!(value(&mut python, "import tempfile; tempfile.TemporaryFile().write(b'abc')"), json!(3));
    let open = "[int(fd) for fd in os.listdir('/proc/self/fd')]";
    let descriptors = value(&mut python, open).as_array().unwrap().len();
    let mut free = sessions::pool().open().unwrap();
    assert!(descriptors <= value(&mut free, open).as_array().unwrap().len(), "{descriptors} descriptors");
}

#[test]
fn what_is_denied_inside_of_what_is_allowed_is_neither_seen_nor_written() {
    if lacks("mounts") {
        return;
    }
    let folder = common::scratch("confined-inside");
    let place = |part: &str| folder.join(part).to_str().unwrap().to_owned();
    for part in ["secrets", "kept"] {
        fs::create_dir(folder.join(part)).unwrap();
        fs::write(folder.join(part).join("file"), part).unwrap();
    }
    fs::write(folder.join("key"), "key").unwrap();
    let all = json!(["read", "list", "write", "create", "remove"]);
    let policy = with(
        "fs",
        json!({"rules": [
            {"action": "allow", "paths": [place("")], "access": all},
            {"action": "deny", "paths": [place("secrets"), place("key")], "access": all},
            {"action": "deny", "paths": [place("kept")], "access": ["write", "create", "remove"]},
        ]}),
    );
    let mut python = confined(policy).start().unwrap();
    let root = place("");
    let code = format!(
        "here = {root:?}\n[tried(lambda: open(here + '/new', 'w').write('ab')), tried(lambda: os.listdir(here + '/secrets')), \
         tried(lambda: open(here + '/secrets/file').read()), tried(lambda: open(here + '/key').read()), \
         tried(lambda: os.chmod(here + '/key', 0o777)), tried(lambda: open(here + '/kept/file').read()), \
         tried(lambda: open(here + '/kept/file', 'w')), tried(lambda: os.remove(here + '/kept/file'))]"
    );
    let wanted = json!([2, "EACCES", "EACCES", "EACCES", "EROFS", "kept", "EROFS", "EROFS"]);
    assert_eq!(value(&mut python, &code), wanted);
    assert_eq!(fs::read_to_string(folder.join("secrets/file")).unwrap(), "secrets");
}

#[test]
fn a_rule_by_a_link_that_code_could_have_made_starts_nothing() {
    let folder = common::scratch("confined-links").canonicalize().unwrap();
    fs::create_dir(folder.join("secret")).unwrap();
    fs::write(folder.join("secret/file"), "secret").unwrap();
    fs::create_dir_all(folder.join("work")).unwrap();
    std::os::unix::fs::symlink(folder.join("secret"), folder.join("work/data")).unwrap();
    let mut json = strict();
    json["fs"]["rules"] = json!([
        {"action": "allow", "paths": [folder.join("work")], "access": ["read", "list", "write", "create", "remove"]},
        {"action": "allow", "paths": [folder.join("work/data/file")], "access": ["read"]},
    ]);
    match confined(policy(&json)).start() {
        Err(Error::Unenforceable(refused)) => assert_eq!(refused.what, "fs.rules[1]"),
        other => panic!("{other:?}"),
    }
    // Nor by the user's own link to one that code could have made.
    std::os::unix::fs::symlink(folder.join("work/data"), folder.join("current")).unwrap();
    json["fs"]["rules"][1]["paths"] = json!([folder.join("current/file")]);
    match confined(policy(&json)).start() {
        Err(Error::Unenforceable(refused)) => {
            assert!(refused.why.contains("work/data is a link"), "{refused}");
        }
        other => panic!("{other:?}"),
    }
    // A link that it cannot make is the user's own.
    std::os::unix::fs::symlink(folder.join("secret"), folder.join("own")).unwrap();
    json["fs"]["rules"][1]["paths"] = json!([folder.join("own/file")]);
    let mut python = confined(policy(&json)).start().unwrap();
    let code = format!("open({:?}).read()", folder.join("own/file"));
    assert_eq!(value(&mut python, &code), json!("secret"));
}

#[test]
fn connections_are_made_where_a_network_is_allowed_and_nowhere_else() {
    if lacks("copies of sockets") {
        return;
    }
    let (allowed, denied) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.2:0").unwrap());
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let rules = json!({"rules": [
        {"action": "allow", "protocol": "tcp", "addresses": ["127.0.0.1/32"], "ports": [port(&allowed), "1-2"]},
    ]});
    let mut python = confined(with("net", rules)).start().unwrap();
    let connect = |python: &mut Executor, host: &str, port: u16| {
        let code = format!("tried(lambda: socket.create_connection(({host:?}, {port}), 5).getpeername()[0])");
        value(python, &code)
    };
    assert_eq!(connect(&mut python, "127.0.0.1", port(&allowed)), json!("127.0.0.1"));
    assert_eq!(connect(&mut python, "127.0.0.2", port(&denied)), json!("EACCES"));
    assert_eq!(connect(&mut python, "127.0.0.1", 1), json!("ECONNREFUSED"), "what the network says");
    let blocking = format!(
        "s = socket.socket(); [tried(lambda: s.connect(('127.0.0.1', {}))), s.getpeername()[0], \
         tried(lambda: socket.socket(socket.AF_INET6).connect(('::ffff:127.0.0.2', 80))), \
         tried(lambda: socket.socket().bind(('127.0.0.1', 0))), tried(lambda: s.listen())]",
        port(&allowed)
    );
    assert_eq!(value(&mut python, &blocking), json!([null, "127.0.0.1", "EACCES", "EACCES", "EACCES"]));
    assert!(allowed.accept().is_ok());
    denied.set_nonblocking(true).unwrap();
    assert!(denied.accept().is_err(), "nobody came");
}

#[test]
fn who_may_listen_at_one_address_listens_at_no_other() {
    if lacks("copies of sockets") {
        return;
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let rules =
        json!({"rules": [{"action": "allow", "direction": "listen", "protocol": "tcp", "ports": [free]}]});
    let mut python = confined(with("net", rules)).start().unwrap();
    let code = format!(
        "s, other, t = socket.socket(), socket.socket(), socket.socket()
[tried(lambda: s.bind(('127.0.0.1', {free}))), tried(lambda: s.listen()), tried(lambda: other.listen()),
 tried(lambda: t.bind(('127.0.0.1', 0))), s.getsockname()[1] == {free}]"
    );
    assert_eq!(value(&mut python, &code), json!([null, null, "EACCES", "EACCES", true]));
}

#[test]
fn processes_and_threads_are_counted_whoever_the_user_is() {
    let mut python = confined(with("limits", json!({"processes": 10}))).start().unwrap();
    let code = "
import threading, time
ready, children = threading.Event(), []
try:
    for _ in range(100): threading.Thread(target=ready.wait, daemon=True).start()
except RuntimeError as error: said = str(error)
forked = tried(os.fork)
if forked == 0: os._exit(0)
before = threading.active_count()
ready.set()
while threading.active_count() > 1: time.sleep(0.001)
for _ in range(50):
    child = os.fork()
    if child == 0: os._exit(7)
    children.append(os.waitpid(child, 0)[1] >> 8)
[said, forked, before, set(children) == {7}]";
    let wanted = json!(["can't start new thread", "EAGAIN", 10, true]);
    assert_eq!(value(&mut python, code), wanted);
}

#[test]
fn processes_that_nobody_waits_for_are_counted_too() {
    let mut python = confined(with("limits", json!({"processes": 10}))).start().unwrap();
    let code = "
def fork():
    child = os.fork()
    if child == 0: os._exit(0)
    return child
children = []
for _ in range(100):
    child = tried(fork)
    if child == 'EAGAIN': break
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    children.append(child)
left = len(children)
for child in children: os.waitpid(child, 0)
[left < 10, os.waitpid(fork(), 0)[1]]";
    assert_eq!(value(&mut python, code), json!([true, 0]));
}

#[test]
fn no_socket_of_a_pair_leads_to_a_unix_socket_outside() {
    let folder = common::scratch("confined-pairs");
    let outside = std::os::unix::net::UnixDatagram::bind(folder.join("socket")).unwrap();
    outside.set_nonblocking(true).unwrap();
    let place = format!("{:?}", folder.join("socket"));
    // What connects at all, and what does not.
    for policy in [
        policy(&strict()),
        with("net", json!({"rules": [{"action": "allow", "protocol": "tcp", "ports": [443]}]})),
    ] {
        let mut python = confined(policy).start().unwrap();
        let code = format!(
            "place = {place}
def attempts(kind):
    ours, others = socket.socketpair(socket.AF_UNIX, kind)
    with ours, others:
        for attempt in [lambda: ours.connect(place), lambda: ours.sendto(b'x', place), lambda: ours.sendmsg([b'x'], [], 0, place)]:
            tried(attempt)
    return True
[tried(lambda: attempts(kind)) for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM)]"
        );
        assert_eq!(value(&mut python, &code), json!([true, true, "EPERM"]));
        assert!(outside.recv(&mut [0; 8]).is_err(), "nothing came");
    }
}

#[test]
fn limits_hold_and_say_so() {
    let limits = json!({"wall_ms": 100, "file_bytes": 1000, "descriptors": 64, "memory_bytes": 256 << 20, "output_bytes": 100});
    let mut python = confined(with("limits", limits)).start().unwrap();
    let outcome = python.run("while True: pass").unwrap();
    assert_eq!(outcome.error.unwrap().kind, "KeyboardInterrupt");
    assert_eq!(python.run("x = bytearray(1 << 30)").unwrap().error.unwrap().kind, "MemoryError");
    let code = "import tempfile\ntried(lambda: tempfile.TemporaryFile(buffering=0).write(bytes(5000)))";
    assert_eq!(value(&mut python, code), json!(1000), "as much as may be");
    assert_eq!(value(&mut python, "tried(lambda: [os.pipe() for _ in range(100)])"), json!("EMFILE"));
    let outcome = python.run("print('x' * 1000)").unwrap();
    assert!(
        outcome.stdout.len() < 250 && outcome.stdout.contains("more than 100 bytes"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn what_cannot_be_enforced_is_refused_with_its_place() {
    let rules = json!({"rules": [
        {"action": "allow", "paths": ["/"], "access": ["read", "list"]},
        {"action": "deny", "paths": ["/etc"], "access": ["read"]},
    ]});
    let error = confined(with("fs", rules)).start().unwrap_err();
    assert!(matches!(&error, Error::Unenforceable(what) if what.what == "fs.rules[1]"), "{error}");
}

#[test]
fn nothing_is_left_of_a_confined_session() {
    let mut python = confined(with("limits", json!({"processes": 10}))).start().unwrap();
    let id = python.process_id().unwrap();
    let kept = value(&mut python, "import tempfile; tempfile.mkdtemp()");
    let kept = Path::new(kept.as_str().unwrap()).to_owned();
    assert!(kept.exists() <= lacks("mounts"), "in memory, where there are mounts");
    python.run_timeout("while True: pass", Duration::from_millis(10)).unwrap();
    python.stop().unwrap();
    assert!(!Path::new(&format!("/proc/{id}")).exists());
    assert!(!kept.exists());
    drop(pool());
}

#[test]
fn code_cannot_watch_files_that_others_use() {
    let mut python = confined(policy(&strict())).start().unwrap();
    let code = "
import ctypes, errno
library = ctypes.CDLL(None, use_errno=True)
watch = library.inotify_add_watch(library.inotify_init1(0), b'/usr', 0xfff)
[watch, errno.errorcode[ctypes.get_errno()]]";
    assert_eq!(python.run(code).unwrap().value, Some(json!([-1, "EPERM"])));
    python.stop().unwrap();
}

#[test]
fn a_confined_session_of_bun_runs_code_with_limited_memory_and_is_refused_files_networks_and_programs() {
    let limits = json!({"memory_bytes": 512 << 20, "wall_ms": 20_000});
    let mut bun = confined(with("limits", limits)).bun(common::bun()).start().unwrap();
    let code = "
const tried = async (what: () => unknown) => {
  try { return await what() } catch (error) { return (error as { code?: string }).code ?? String(error) }
};
const [fs, os, child] = ['fs', 'os', 'child_process'].map((name) => process.getBuiltinModule(name));
const file = os.tmpdir() + '/file';
[6 * 7,
 await tried(() => fs.readFileSync('/etc/passwd')),
 await tried(() => Bun.file('/etc/passwd').text()),
 await tried(() => fs.readdirSync('/etc')),
 await tried(() => fs.writeFileSync(file, 'abc') ?? fs.readFileSync(file, 'utf8')),
 await tried(() => Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } }).port),
 child.spawnSync('/bin/true').status,
 Object.keys(process.env).includes('PATH')]";
    let outcome = bun.run(code).unwrap();
    assert!(outcome.error.is_none() && outcome.value.is_some(), "{outcome:?}");
    let value = outcome.value.unwrap();
    assert_eq!(value[0], 42);
    assert_eq!(value[1], "EACCES");
    assert_eq!(value[2], "EACCES");
    assert_eq!(value[3], "EACCES");
    assert_eq!(value[4], "abc");
    assert!(value[5].is_string(), "{value}");
    assert_ne!(value[6], 0, "{value}");
    assert_eq!(value[7], false);
    let outcome = bun.run("const all = []; for (;;) all.push(new Uint8Array(1 << 26).fill(1))").unwrap();
    assert!(outcome.error.unwrap().message.contains("memory"));
    bun.stop().unwrap();
}

#[test]
fn decisions_that_deny_or_warn_are_written_down() {
    if lacks("copies of sockets") {
        return;
    }
    let file = common::scratch("confined-audit").join("audit.jsonl");
    let mut json = strict();
    json["exec"] = json!({"rules": [{"action": "warn", "path": "/bin/echo"}]});
    json["net"] = json!({"rules": [{"action": "allow", "protocol": "tcp", "addresses": ["127.0.0.9"]}]});
    json["limits"] = json!({"processes": 5});
    json["audit"] = json!({"file": file});
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    let builder = confined(policy(&json)).on_audit(move |record| tell.lock().unwrap().push(record.clone()));
    let mut python = builder.start().unwrap();
    let id = python.process_id().unwrap();
    let code = "
[tried(lambda: subprocess.run(['/bin/echo', 'x'], capture_output=True).returncode),
 tried(lambda: subprocess.run(['/bin/true'])), tried(lambda: socket.socket().connect(('127.0.0.1', 9)))]
for _ in range(6):
    if tried(os.fork) == 0:
        import time; time.sleep(60)";
    python.run(&format!("{TRIED}{code}")).unwrap();
    python.stop().unwrap();
    let lines = fs::read_to_string(file).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(Value::from(lines.clone()), serde_json::to_value(&*told.lock().unwrap()).unwrap());
    let real = |path| fs::canonicalize(path).unwrap().display().to_string();
    let said: Vec<Value> =
        lines.iter().map(|line| json!([line["action"], line["request"], line["rule"]])).collect();
    assert_eq!(said[0], json!(["warn", format!("exec {}", real("/bin/echo")), "exec.rules[0]"]));
    assert_eq!(said[1], json!(["deny", format!("exec {}", real("/bin/true")), "exec.default"]));
    assert_eq!(said[2], json!(["deny", "connect 127.0.0.1:9 tcp", "net.default"]));
    assert_eq!(said[3], json!(["deny", "a process or thread more", "limits.processes"]));
    assert!(
        lines.iter().all(|line| line["session"] == id && line["unix_ms"].as_u64() > Some(1 << 40)),
        "{lines:?}"
    );
}

/// The time that this thread has used of a processor.
fn used() -> Duration {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(statistics.split_whitespace().next().unwrap().parse().unwrap())
}

#[test]
fn who_says_once_more_where_questions_are_asked_keeps_no_supervisor_awake() {
    let limits = with("limits", json!({"processes": 5}));
    for builder in [builder(), confined(policy(&strict())), confined(limits)] {
        let mut python = builder.start().unwrap();
        // The words that both share are in the smallest of the segments, their 97th byte is that of the question.
        let code = "
import ctypes, time
lines = [line.split() for line in open('/proc/self/maps') if 'rw-s' in line and 'memfd' in line]
spans = [[int(part, 16) for part in line[0].split('-')] for line in lines]
first, last = min(spans, key=lambda span: span[1] - span[0])
ctypes.c_uint32.from_address(first + 0x4004 + 96).value = 8
time.sleep(1)
len(spans)";
        let before = used();
        assert_eq!(value(&mut python, code), json!(3));
        let used = used() - before;
        assert!(used < Duration::from_millis(5), "{used:?} of a second");
    }
}

#[test]
fn a_session_that_may_use_no_network_is_in_one_of_its_own_that_has_nothing() {
    if lacks("mounts") {
        return;
    }
    let here = fs::read_link("/proc/self/ns/net").unwrap().display().to_string();
    let may_connect = with("net", json!({"rules": [{"action": "allow", "protocol": "tcp", "ports": [443]}]}));
    for (policy, is_here) in [(policy(&strict()), false), (may_connect, true)] {
        let pool = confined(policy.clone()).pool().unwrap();
        for mut python in [confined(policy).start().unwrap(), ready(pool).open().unwrap()] {
            let network = value(&mut python, "os.readlink('/proc/self/ns/net')");
            assert_eq!(network == json!(here), is_here);
            let interfaces = value(&mut python, "open('/proc/self/net/dev').read().count(':')");
            assert_eq!(interfaces == json!(1), !is_here, "{interfaces}");
        }
    }
}

#[test]
fn memory_is_limited_of_all_that_a_session_starts_together() {
    let file = common::scratch("confined-memory").join("audit.jsonl");
    let mut json = strict();
    json["limits"] = json!({"memory_bytes": 200 << 20, "processes": 10});
    json["audit"] = json!({"file": file});
    let children = "
import mmap, signal, time
def child(bytes):
    pipe, end = os.pipe()
    if os.fork() == 0:
        own = b'x' * bytes
        os.write(end, b'.')
        signal.pause()
    return os.read(pipe, 1)";
    // What a child has of its parent's memory is not had twice.
    let mut python = confined(policy(&json)).start().unwrap();
    let kept = "kept = b'x' * (100 << 20)\n[child(5 << 20) for _ in range(6)]\ntime.sleep(1.5)\n6 * 7";
    assert_eq!(value(&mut python, &format!("{children}\n{kept}")), json!(42));
    python.stop().unwrap();
    // Memory that several may share, and that of children, which the kernel's limit of each process lets through.
    let shared = "shared = mmap.mmap(-1, 400 << 20)\nfor at in range(0, len(shared), 4096): shared[at] = 1";
    let several = "[child(60 << 20) for _ in range(4)]";
    let files =
        "[open(f'/tmp/{at}', 'wb').write(bytes(10 << 20)) for at in range(15)]\nmuch = b'x' * (70 << 20)";
    for code in [shared, several, files] {
        let mut python = confined(policy(&json)).start().unwrap();
        let error = python.run(&format!("{TRIED}{children}\n{code}\ntime.sleep(60)")).unwrap_err();
        assert!(matches!(error, Error::Died { how: Ended::Killed(9), .. }), "{error}");
        assert!(error.to_string().contains("more than 209715200 bytes of memory"), "{error}");
    }
    let lines = fs::read_to_string(file).unwrap();
    assert_eq!(lines.matches("limits.memory_bytes").count(), 3, "{lines}");
}
