//! Files that a session uses, as its supervisor writes them down: what a policy warns of, and what it denies. With a real Python.
#![cfg(all(feature = "exec", feature = "capi", target_os = "linux"))]

#[path = "common/abilities.rs"]
mod abilities;
mod common;
#[path = "common/sessions.rs"]
mod sessions;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use abilities::lacks;
use circlet::exec::policy::Policy;
use circlet::exec::{AuditRecord, AuditTrail, Builder, Error, Executor, Outcome};
use circlet::payload::{Audit, AuditAction, SUMMARY_TOKENS, SessionPayload, SessionTracker, TrackerOptions};
use common::TRIED;
use serde_json::{Value, json};
use sessions::{builder, ready};

const ALL: [&str; 5] = ["read", "list", "write", "create", "remove"];

/// A folder in which a policy warns of a part, and what is told of a session there.
struct World {
    folder: PathBuf,
    told: Arc<Mutex<Vec<AuditRecord>>>,
}

impl World {
    fn new(name: &str) -> Self {
        let folder = common::scratch(&format!("watched-{name}")).canonicalize().unwrap();
        for part in ["plain", "warned"] {
            fs::create_dir(folder.join(part)).unwrap();
            fs::write(folder.join(part).join("file"), part).unwrap();
        }
        Self { folder, told: Arc::default() }
    }

    fn place(&self, part: &str) -> String {
        self.folder.join(part).to_str().unwrap().to_owned()
    }

    /// All is allowed in its folder; a part of it is warned of.
    fn policy(&self) -> Value {
        json!({
            "version": 1,
            "fs": {"private_tmp": true, "rules": [
                {"action": "allow", "paths": [self.folder], "access": ALL},
                {"action": "warn", "paths": [self.place("warned")], "access": ALL},
            ]},
            "audit": {"file": self.place("audit.jsonl")},
        })
    }

    fn builder(&self, policy: &Value) -> Builder {
        let tell = self.told.clone();
        let policy = Policy::from_json(&policy.to_string()).unwrap();
        builder().policy(policy).on_audit(move |record| tell.lock().unwrap().push(record.clone()))
    }

    fn run(&self, python: &mut Executor, code: &str) -> Value {
        let Outcome { value, error, .. } = python.run(code).unwrap();
        assert_eq!(error, None, "{code}");
        value.unwrap_or_default()
    }

    /// The lines of the file; the callback was told the same.
    fn lines(&self) -> Vec<Value> {
        let lines = fs::read_to_string(self.place("audit.jsonl")).unwrap();
        let mut lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(Value::from(lines.clone()), serde_json::to_value(&*self.told.lock().unwrap()).unwrap());
        // Python looks for modules in the folder that it is in.
        let here = format!("list {}", std::env::current_dir().unwrap().display());
        lines.retain(|line| line["request"] != here);
        lines
    }

    /// What was told of each request: what became of it, and what it was, with places in the folder alone.
    fn said(&self) -> Vec<String> {
        let root = self.place("");
        let lines = self.lines();
        let text = |line: &Value, key: &str| line[key].as_str().unwrap().replace(&root, "");
        lines.iter().map(|line| format!("{} {}", text(line, "action"), text(line, "request"))).collect()
    }
}

#[test]
fn what_was_denied_and_warned_of_is_in_the_payload_of_whoever_watches_the_executor() {
    let world = World::new("payload");
    let options = TrackerOptions { project: false, ..TrackerOptions::default() };
    let tracker = SessionTracker::start(options).unwrap();
    let free = builder().start().unwrap();
    tracker.watch_executor("free", &free).unwrap();
    assert_eq!(tracker.snapshot().unwrap().audit, None, "nothing is confined");
    let policy = |audit: Value| {
        let mut policy = world.policy();
        policy["audit"] = audit;
        builder().policy(Policy::from_json(&policy.to_string()).unwrap())
    };
    // It is the kernel that refuses where nobody is to be told: nothing is known of it, and nothing is said.
    let deaf = policy(json!({})).start().unwrap();
    tracker.watch_executor("deaf", &deaf).unwrap();
    assert_eq!(tracker.snapshot().unwrap().audit, None);
    let mut heard = policy(json!({"payload": true})).start().unwrap();
    tracker.watch_executor("heard", &heard).unwrap();
    world.run(&mut heard, &format!("import os\nos.listdir({:?})\nNone", world.place("warned")));
    let audit = tracker.snapshot().unwrap().audit.unwrap();
    assert_eq!((audit.denied, audit.warned), (Some(0), Some(1)), "{audit:?}");
    drop((deaf, heard));
    assert_eq!(tracker.snapshot().unwrap().audit, None);
    let mut python = world.builder(&world.policy()).start().unwrap();
    // The same one by another name counts once.
    tracker.watch_executor("python", &python).unwrap();
    tracker.watch_executor("again", &python).unwrap();
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    fs::write(world.folder.join("warned").join(secret), "").unwrap();
    let before = world.run(&mut python, TRIED);
    assert_eq!(before, Value::Null);
    let code =
        format!("for name in ['file', {secret:?}]: open({:?} + '/' + name).read()", world.place("warned"));
    world.run(&mut python, &code);
    let audit = tracker.snapshot().unwrap().audit.unwrap();
    assert_eq!((audit.denied, audit.warned, audit.omitted), (Some(0), Some(2), Some(0)));
    let last = audit.last.unwrap();
    let request = |index: usize| last[index].request.as_deref().unwrap();
    assert!(request(0).starts_with("read ") && request(0).ends_with("/warned/file"), "{last:?}");
    assert_eq!(
        (last[0].action.as_ref(), last[0].rule.as_deref()),
        (Some(&AuditAction::Warn), Some("fs.rules[1]"))
    );
    assert_eq!(last[0].session, python.process_id().map(u64::from));
    // What is secret is taken out, as everywhere in the payload.
    assert!(request(1).contains("/warned/") && !request(1).contains(secret), "{last:?}");
    // It is measured: nobody says otherwise. It goes with its executor.
    assert_eq!(tracker.patch(json!({ "audit": { "warned": 7 } })).unwrap(), ["audit.warned"]);
    python.restart().unwrap();
    assert_eq!(
        tracker.snapshot().unwrap().audit.unwrap().warned,
        Some(2),
        "a new session, the same executor"
    );
    drop(python);
    assert_eq!(tracker.snapshot().unwrap().audit, None);
}

#[test]
fn what_a_rule_warns_of_is_done_and_written_down_and_nothing_else_is() {
    let world = World::new("warns");
    let mut python = world.builder(&world.policy()).start().unwrap();
    let id = python.process_id().unwrap();
    assert_eq!(world.run(&mut python, TRIED), Value::Null);
    assert_eq!(world.lines(), Vec::<Value>::new(), "what the interpreter opens is its own");
    let code = format!(
        "os.chdir({:?})
here = os.getcwd() + '/warned'
all = [open('plain/file').read(), open('warned/file').read(), os.listdir('warned')]
with open('warned/new', 'w') as file: file.write('new')
with open('warned/new', 'r+') as file: file.write('old')
os.truncate('warned/new', 1)
os.rename('warned/new', 'plain/new')
os.link('plain/new', 'warned/again')
os.symlink('file', 'warned/link')
open('warned/link').read()
os.symlink({:?}, 'plain/away')
tried(lambda: open('plain/away', 'x'))
open('plain/away', 'w').close()
os.mkdir('warned/folder')
os.rmdir('warned/folder')
os.unlink('warned/link')
tried(lambda: open('warned/nothing'))
tried(lambda: os.mkdir('warned'))
os.stat('warned/file')
os.close(os.open('warned/file', os.O_PATH))
folder = os.open('warned', os.O_RDONLY)
os.close(os.open('file', os.O_RDONLY, dir_fd=folder))
open('/dev/fd/%d/file' % folder).read()
os.close(folder)
place = os.open('warned', os.O_PATH)
for way in ['/proc/self/root' + here + '/file', '/proc/self/cwd/../' + os.path.basename(os.getcwd()) + '/warned/file',
            '/proc/self/fd/%d/file' % place, '/dev/fd/%d/file' % place, '/proc/thread-self/cwd/warned/file']:
    open(way).read()
os.rename('/proc/self/fd/%d/again' % place, '/proc/self/cwd/plain/again')
os.symlink('/proc/self/cwd/warned', 'plain/ways')
open('plain/ways/file').read()
name = 'n' * 250
os.chdir('warned')
for _ in range(17):
    os.mkdir(name)
    os.chdir(name)
open('deep', 'w').close()
os.chdir(os.path.dirname(here))
os.close(place)
all",
        world.folder,
        world.place("warned/by link")
    );
    assert_eq!(world.run(&mut python, &code), json!(["plain", "warned", ["file"]]));
    let wanted = [
        "warn read warned/file",
        "warn list warned",
        "warn create warned/new",
        "warn write warned/new",
        "warn write warned/new",
        "warn read warned/new",
        "warn write warned/new",
        "warn remove warned/new",
        "warn create warned/again",
        "warn create warned/link",
        "warn read warned/file",
        "warn create warned/by link",
        "warn write warned/by link",
        "warn create warned/folder",
        "warn remove warned/folder",
        "warn remove warned/link",
        "warn list warned",
        "warn read warned/file",
        "warn read warned/file",
        "warn read warned/file",
        "warn read warned/file",
        "warn read warned/file",
        "warn read warned/file",
        "warn read warned/file",
        "warn remove warned/again",
        "warn read warned/file",
    ];
    let said = world.said();
    assert_eq!(said[..wanted.len().min(said.len())], wanted);
    let deep = &said[wanted.len()..];
    assert_eq!(deep.len(), 19);
    let (made, written) = (&deep[..18], &deep[18]);
    assert!(made.iter().all(|line| line.starts_with("warn create warned/nnn")));
    assert!(written.starts_with("warn write warned/nnn") && written.ends_with("/…/deep"));
    let first = world.lines()[0].clone();
    let of = |key: &str| first[key].clone();
    assert_eq!([of("session"), of("thread"), of("run")], [json!(id), json!(id), json!(2)]);
    assert_eq!([of("rule"), of("mechanism")], [json!("fs.rules[1]"), json!("supervisor")]);
    assert_eq!(of("self_reported"), json!({"event": "open", "file": "<run-2>", "line": 3}));
    assert!(of("unix_ms").as_u64() > Some(1 << 40));
    python.stop().unwrap();
}

#[test]
fn what_a_policy_denies_is_written_down_where_it_says_so() {
    for tells in [true, false] {
        let world = World::new(if tells { "denies" } else { "silent" });
        fs::create_dir(world.folder.join("kept")).unwrap();
        let mut policy = world.policy();
        policy["fs"]["rules"] = json!([{"action": "allow", "paths": [world.place("plain")], "access": ["read", "list", "write"]}]);
        policy["audit"]["files"] = json!(tells);
        let mut python = world.builder(&policy).start().unwrap();
        world.run(&mut python, TRIED);
        assert_eq!(world.lines(), Vec::<Value>::new());
        let code = format!(
            "import tempfile
here = {:?}
[tried(lambda: open(here + 'plain/file').read()), tried(lambda: open(here + 'warned/file')),
 tried(lambda: os.listdir(here)), tried(lambda: open(here + 'kept/new', 'w')),
 tried(lambda: open(here + 'plain/new', 'w')), tried(lambda: open('/proc/%d/status' % os.getppid())),
 tried(lambda: open('/nowhere')) + tried(lambda: open(here + 'kept/none', 'r+')), tried(lambda: open('/dev/null', 'w').write('x')),
 tried(lambda: len(open('/proc/self/status').read()) > 1), tried(lambda: tempfile.TemporaryFile().write(b'abc')),
 tried(lambda: tempfile.NamedTemporaryFile().write(b'abc'))]",
            world.place("")
        );
        let value = world.run(&mut python, &code);
        let said = world.said();
        assert_eq!(value[0], "plain");
        for refused in [1, 2, 3, 4, 5] {
            assert!(["EACCES", "EROFS"].map(Value::from).contains(&value[refused]), "{value}");
        }
        assert_eq!(value[6], "ENOENTENOENT");
        assert_eq!(value[9], 3, "{value}");
        if !tells {
            assert_eq!(said, Vec::<String>::new());
            continue;
        }
        let supervisor = format!("deny read /proc/{}/status", std::process::id());
        let wanted = [
            "deny read warned/file",
            "deny list ",
            "deny create kept/new",
            "deny create plain/new",
            &supervisor,
        ];
        // The folder of the session is written without the slash that the others begin with.
        let root = world.place("").trim_end_matches('/').to_owned();
        let said: Vec<String> = said.iter().map(|line| line.replace(&root, "")).collect();
        assert_eq!(said, wanted);
        let lines = world.lines();
        assert_eq!([&lines[0]["mechanism"], &lines[0]["rule"]], ["landlock", "fs.default"]);
        let mechanism = if value[3] == "EROFS" { "mounts" } else { "landlock" };
        assert_eq!(lines[2]["mechanism"], mechanism);
        assert_eq!(lines[0]["self_reported"], json!({"event": "open", "file": "<run-2>", "line": 3}));
    }
}

#[test]
fn what_nothing_is_allowed_of_is_written_down_where_somebody_wants_to_know() {
    if lacks("copies of sockets") {
        return;
    }
    let world = World::new("nothing");
    let mut policy = world.policy();
    policy["fs"]["rules"] = json!([]);
    let mut python = world.builder(&policy).start().unwrap();
    let code = format!(
        "{TRIED}
[tried(lambda: socket.create_connection(('127.0.0.1', 80))), tried(lambda: socket.socket(type=socket.SOCK_DGRAM)), tried(lambda: socket.create_server(('127.0.0.1', 0))),
 tried(lambda: subprocess.run(['/bin/true'])), tried(lambda: os.memfd_create('x') > 2)]"
    );
    assert_eq!(world.run(&mut python, &code), json!(["EACCES", "EACCES", "EACCES", "EACCES", true]));
    let lines: Vec<_> =
        world.lines().iter().map(|line| (line["request"].clone(), line["rule"].clone())).collect();
    let program = fs::canonicalize("/bin/true").unwrap();
    let wanted = [
        ("connect 127.0.0.1:80 tcp".to_owned(), "net.default"),
        ("listen 127.0.0.1:0 tcp".to_owned(), "net.default"),
        (format!("exec {}", program.display()), "exec.default"),
    ];
    assert_eq!(lines, wanted.map(|(request, rule)| (json!(request), json!(rule))));
}

#[test]
fn the_payload_of_a_session_says_what_was_denied_and_what_was_warned_of() {
    let world = World::new("payload");
    let trail = AuditTrail::new(2);
    let mut python = world.builder(&world.policy()).audit_trail(&trail).start().unwrap();
    let code = format!(
        "{TRIED}\n[open({0:?}).read() for _ in range(3)] + [tried(lambda: subprocess.run(['/bin/true']))]",
        world.place("warned/file")
    );
    world.run(&mut python, &code);
    let audit = Audit::from_snapshot(&trail.snapshot()).unwrap();
    let payload = SessionPayload { audit: Some(audit), ..SessionPayload::default() };
    assert_eq!(payload.unknown_fields(), [""; 0]);
    let audit = payload.audit.as_ref().unwrap();
    let last = audit.last.as_ref().unwrap();
    assert_eq!((audit.denied, audit.warned, last.len()), (Some(1), Some(3), 2), "{last:?}");
    let program = fs::canonicalize("/bin/true").unwrap();
    assert_eq!(last[1].request, Some(format!("exec {}", program.display())));
    assert_eq!((&last[0].action, last[0].run), (&Some(AuditAction::Warn), Some(1)));
    let told = world.told.lock().unwrap();
    assert_eq!(told.len(), 4, "whoever else listens is told too");
    let said = format!("Audit: 1 denied, 3 warned of, deny \"exec {}\" by exec.default", program.display());
    let summary = payload.summary(SUMMARY_TOKENS).to_string();
    assert!(summary.starts_with(&said), "{summary}");
}

#[test]
fn code_changes_no_file_that_its_records_go_to() {
    let world = World::new("kept-audit");
    let mut policy = world.policy();
    policy["fs"]["rules"] = json!([{"action": "allow", "paths": [world.place("")], "access": ALL}]);
    let started = world.builder(&policy).start();
    let mut python = match started {
        Err(Error::Unenforceable(refused)) if lacks("mounts") => {
            assert_eq!(refused.what, "audit.file");
            return;
        }
        started => started.unwrap(),
    };
    let code = format!(
        "{TRIED}\nfile = {:?}\n[tried(lambda: open(file, 'w')), tried(lambda: os.unlink(file)), \
         tried(lambda: os.rename(file, file + '.old')), tried(lambda: os.replace(file + '.new', file))]",
        world.place("audit.jsonl")
    );
    fs::write(world.folder.join("audit.jsonl.new"), "forged").unwrap();
    assert_eq!(world.run(&mut python, &code), json!(["EROFS", "EBUSY", "EBUSY", "EBUSY"]));
    assert_eq!(fs::read_to_string(world.folder.join("audit.jsonl")).unwrap(), "");
}

#[test]
fn what_mounts_hide_is_written_down_as_denied_by_them() {
    if lacks("mounts") {
        return;
    }
    let world = World::new("hidden");
    let mut policy = world.policy();
    policy["fs"]["rules"][1]["action"] = json!("deny");
    policy["audit"]["files"] = json!(true);
    let mut python = world.builder(&policy).start().unwrap();
    let code = format!(
        "{TRIED}\n[tried(lambda: open({:?})), tried(lambda: os.listdir({:?}))]",
        world.place("warned/file"),
        world.place("warned")
    );
    assert_eq!(world.run(&mut python, &code), json!(["EACCES", "EACCES"]));
    assert_eq!(world.said(), ["deny read warned/file", "deny list warned"]);
    assert!(world.lines().iter().all(|line| line["mechanism"] == "mounts"));
}

#[test]
fn a_default_warns_of_all_but_what_every_session_needs() {
    let world = World::new("default");
    let mut policy = world.policy();
    policy["fs"] = json!({"default": "warn"});
    let mut python = world.builder(&policy).start().unwrap();
    let code = "import json\n[open('/etc/hostname').read() != '', open('/dev/null').read(), open('/proc/self/stat').read() != '']";
    assert_eq!(world.run(&mut python, code), json!([true, "", true]));
    let said = world.said();
    assert_eq!(said.iter().filter(|line| line.ends_with("hostname")).count(), 1, "{said:?}");
    assert!(!said.iter().any(|line| line.contains("/dev/") || line.contains("/proc/")), "{said:?}");
    assert_eq!(world.lines()[0]["rule"], "fs.default");
}

#[test]
fn a_burst_of_opens_is_written_down_whole_with_the_line_of_each_thread() {
    let world = World::new("burst");
    let mut python = world.builder(&world.policy()).start().unwrap();
    let code = format!(
        "import threading
path = {:?}
def one():
    for _ in range(250): open(path).close()
def other():
    for _ in range(250): open(path).close()
threads = [threading.Thread(target=what) for what in (one, other)]
for thread in threads: thread.start()
for thread in threads: thread.join()
for _ in range(500): open(path).close()",
        world.place("warned/file")
    );
    world.run(&mut python, &code);
    let lines = world.lines();
    assert_eq!(lines.len(), 1000);
    let count = |line: u32| {
        let is = |record: &&Value| {
            record["self_reported"]["line"] == line && record["self_reported"]["file"] == "<run-1>"
        };
        lines.iter().filter(is).count()
    };
    assert_eq!(count(10), 500);
    // Two threads may have one place for what they say.
    assert!(count(4) <= 250 && count(6) <= 250, "{} {}", count(4), count(6));
    assert!(count(4) + count(6) >= 200, "{} {}", count(4), count(6));
}

#[test]
fn programs_and_children_have_the_line_that_started_them() {
    let world = World::new("children");
    let mut policy = world.policy();
    policy["exec"] = json!({"rules": [{"action": "warn", "path": "/bin/echo"}]});
    let mut python = world.builder(&policy).start().unwrap();
    let code = format!(
        "import os, subprocess
subprocess.run(['/bin/echo'], stdout=subprocess.DEVNULL)
child = os.fork()
if child == 0:
    open({:?})
    os._exit(0)
os.waitpid(child, 0)
None",
        world.place("warned/file")
    );
    world.run(&mut python, &code);
    let lines = world.lines();
    let said: Vec<_> = lines.iter().map(|line| &line["self_reported"]).collect();
    assert_eq!(said.len(), 2, "{lines:?}");
    assert_eq!([&said[0]["file"], &said[0]["line"]], [&json!("<run-1>"), &json!(2)], "{lines:?}");
    assert_eq!(*said[1], json!({"event": "open", "file": "<run-1>", "line": 5}));
    assert_ne!(lines[1]["thread"], lines[1]["session"]);
}

#[test]
fn code_that_lies_of_its_place_changes_that_alone() {
    let world = World::new("lies");
    let mut python = world.builder(&world.policy()).start().unwrap();
    let code = format!(
        "exec(compile('\\n' * 98 + 'open({path:?})', '/a/' + '\\u00e9' * 5000 + '/end.py', 'exec'))
import os, threading
over, names = False, [{path:?}, {other:?}]
lines = [line.split() for line in open('/proc/self/maps') if 'rw-s' in line and 'memfd' in line]
spans = [[int(part, 16) for part in line[0].split('-')] for line in lines]
first, last = min(spans, key=lambda span: span[1] - span[0])
import ctypes
ctypes.memset(first + 0x4004 + 4096, 0xff, last - first - 0x4004 - 4096)
[open(name).read() for name in names]",
        path = world.place("warned/file"),
        other = world.place("plain/file")
    );
    assert_eq!(world.run(&mut python, &code), json!(["warned", "plain"]));
    let lines = world.lines();
    assert_eq!(world.said(), ["warn read warned/file"; 2]);
    let file = lines[0]["self_reported"]["file"].as_str().unwrap();
    assert!(
        file.ends_with("/end.py") && file.len() < 300 && lines[0]["self_reported"]["line"] == 99,
        "{lines:?}"
    );
    python.stop().unwrap();
}

/// Tells whether the shell of this session says where its code is.
const HOOKED: &str = "import sys
frame = sys._getframe()
while frame.f_back: frame = frame.f_back
'watched' in frame.f_globals['parts']";

#[test]
fn a_session_has_a_hook_where_somebody_hears_of_it_and_nowhere_else() {
    let world = World::new("hooks");
    let warns = world.policy();
    let mut unheard = warns.clone();
    unheard["audit"] = json!({});
    let deaf = builder().policy(Policy::from_json(&unheard.to_string()).unwrap());
    let pool = ready(world.builder(&warns).pool().unwrap());
    for (mut python, wanted) in [
        (builder().start().unwrap(), false),
        (deaf.start().unwrap(), false),
        (world.builder(&warns).start().unwrap(), true),
        (pool.open().unwrap(), true),
    ] {
        assert_eq!(world.run(&mut python, HOOKED), json!(wanted));
        world.run(&mut python, &format!("len(open({:?}).read())", world.place("warned/file")));
    }
    let lines = world.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[1]["self_reported"]["line"], 1, "in a forked session too");
}

#[test]
fn files_that_a_session_of_bun_uses_are_written_down_too() {
    let world = World::new("bun");
    let mut bun = world.builder(&world.policy()).bun(common::bun()).start().unwrap();
    let code =
        format!("process.getBuiltinModule('fs').readFileSync({:?}, 'utf8')", world.place("warned/file"));
    assert_eq!(world.run(&mut bun, &code), json!("warned"));
    assert!(world.said().contains(&"warn read warned/file".to_owned()), "{:?}", world.said());
    assert!(world.lines().iter().all(|line| line["self_reported"] == Value::Null && line["run"] == 1));
    assert!(Path::new(&world.place("audit.jsonl")).exists());
}
