//! The scripts of `tests/hostile_code`: what each is to come to, the world in which they are run, and running them.
#![allow(dead_code, unreachable_pub, reason = "each test program has it as a module and uses a part of it")]
#![allow(
    unsafe_code,
    reason = "descriptors are left open for the session, as a careless program leaves them"
)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::AtomicU8;
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use circlet::exec::{Builder, Error, Event, Executor, Outcome, RunOptions, Session, Stopped};
use circlet::shm::Deadline;
use serde_json::{Map, Value, json};

use crate::common;

/// Longer than any script takes, its deadline and the steps after that included.
const LONG: Duration = Duration::from_secs(60);
/// What is sent to code that takes nothing, at most, in pieces.
const SENT_MAX: usize = 256 << 20;

/// A script, with its entry in the manifest.
#[derive(Clone, Debug)]
pub struct Script {
    pub family: String,
    pub name: String,
    /// What a policy without network, programs and files outside makes of it.
    pub confined: Expected,
    /// What comes of it where nothing confines it, in the family `exhaustion`: `did it`, `interrupted`, `killed`, `died` or
    /// `anything`. In the others every attempt works.
    pub unconfined: String,
    pub code: String,
}

/// What a policy makes of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The attempt does not work.
    Refused,
    /// It works: a control without which a session that can do nothing would pass.
    Allowed,
    /// It comes to a limit, and the session goes on or ends.
    Limited,
    /// Its run is interrupted at its deadline.
    Interrupted,
    /// Its session is killed at its deadline, or by the policy.
    Killed,
    /// Whatever comes of it, the supervisor and all else are as they were.
    Survives,
}

/// What came of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub how: How,
    /// What it says itself, where it came so far.
    pub said: Option<String>,
    /// What the library said of an error, or the code's exception.
    pub error: Option<String>,
}

/// How the run of a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Ended,
    Interrupted,
    /// The library killed the session because the run did not stop.
    Killed,
    /// The session ended.
    Died,
    /// The run gave another error.
    Failed,
    /// Nothing ended it in time but the test.
    Hung,
}

/// How far scripts go that take what they can get.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    pub children: u32,
    pub threads: u32,
    pub memory_bytes: u64,
    pub disk_bytes: u64,
    pub descriptors: u32,
    /// For how long scripts go on that would not end, where nothing ends them.
    pub seconds: u32,
}

impl Caps {
    /// Little enough to harm nobody where there is no limit.
    pub const SMALL: Self = Self {
        children: 20,
        threads: 50,
        memory_bytes: 64 << 20,
        disk_bytes: 64 << 20,
        descriptors: 500,
        seconds: 20,
    };
    /// More than a policy gives.
    pub const LARGE: Self = Self {
        children: 2000,
        threads: 5000,
        memory_bytes: 10 << 30,
        disk_bytes: 10 << 30,
        descriptors: 100_000,
        seconds: 60,
    };
}

/// Returns the interpreter behind whatever looks for it, which may take longer than it takes to start.
pub fn python() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let arguments = ["-c", "import sys; print(sys.executable)"];
        common::run(Command::new("python3").args(arguments)).trim().into()
    });
    &PROGRAM
}

pub fn folder() -> PathBuf {
    common::root().join("tests/hostile_code")
}

/// Reads the manifest, and the scripts that it names.
pub fn scripts() -> Vec<Script> {
    let text = fs::read_to_string(folder().join("manifest.json")).unwrap();
    let entries: Vec<Map<String, Value>> = serde_json::from_str(&text).unwrap();
    entries.iter().map(Script::of).collect()
}

pub fn family(name: &str) -> Vec<Script> {
    scripts().into_iter().filter(|script| script.family == name).collect()
}

impl Script {
    fn of(entry: &Map<String, Value>) -> Self {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (family, name) = (text("family"), text("name"));
        assert!(text("reason").ends_with('.'), "{family}/{name} has no reason");
        let path = folder().join(&family).join(format!("{name}.py"));
        let code = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let confined = match text("confined").as_str() {
            "refused" => Expected::Refused,
            "allowed" => Expected::Allowed,
            "limited" => Expected::Limited,
            "interrupted" => Expected::Interrupted,
            "killed" => Expected::Killed,
            "survives" => Expected::Survives,
            other => panic!("{family}/{name}: `{other}` is nothing to expect"),
        };
        let unconfined = if family == "exhaustion" { text("unconfined") } else { "did it".to_owned() };
        Self { family, name, confined, unconfined, code }
    }
}

impl Ending {
    fn of(result: &Result<Outcome, Error>) -> Self {
        let how = match result {
            Ok(Outcome { stopped: None, .. }) => How::Ended,
            Ok(Outcome { stopped: Some(Stopped::Killed), .. }) | Err(Error::Stopped) => How::Killed,
            Ok(_) => How::Interrupted,
            Err(Error::Died { .. }) => How::Died,
            Err(_) => How::Failed,
        };
        let error = match result {
            Ok(outcome) => outcome.error.as_ref().map(|error| format!("{}: {}", error.kind, error.message)),
            Err(error) => Some(error.to_string()),
        };
        // Some of the scripts raise messages of megabytes.
        let error = error.map(|text| text.chars().take(2000).collect());
        Self { how, said: None, error }
    }

    /// Tells whether it says of itself what begins so.
    fn says(&self, beginning: &str) -> bool {
        self.said.as_deref().is_some_and(|said| said.starts_with(beginning))
    }

    pub fn did_it(&self) -> bool {
        self.says("did it")
    }

    pub fn is_not_here(&self) -> bool {
        self.says("not here")
    }

    /// Returns what is wrong with it where nothing confines the script.
    pub fn fault_unconfined(&self, script: &Script) -> Option<String> {
        let holds = match script.unconfined.as_str() {
            "did it" => self.how == How::Ended && (self.did_it() || self.is_not_here()),
            "interrupted" => self.how == How::Interrupted,
            "killed" => self.how == How::Killed,
            "died" => self.how == How::Died,
            "anything" => self.how != How::Hung,
            other => panic!("{}: `{other}` is nothing to expect", script.name),
        };
        self.fault(holds, script, &script.unconfined)
    }

    /// Returns what is wrong with it where a policy confines the script.
    ///
    /// An attempt that says of itself that it was refused has that to be true only if its control half says "did it": the
    /// tests of that half are what makes this one mean anything.
    pub fn fault_confined(&self, script: &Script) -> Option<String> {
        let holds = match script.confined {
            // What was left behind is judged by its file: the attempt to leave it may well work.
            Expected::Refused if script.name == "orphan" => self.how != How::Hung,
            Expected::Refused => self.how == How::Ended && (self.says("refused: ") || self.is_not_here()),
            Expected::Allowed => self.how == How::Ended && self.did_it(),
            Expected::Limited => {
                matches!(self.how, How::Ended | How::Died | How::Interrupted) && !self.did_it()
            }
            Expected::Interrupted => self.how == How::Interrupted,
            Expected::Killed => matches!(self.how, How::Killed | How::Died),
            Expected::Survives => self.how != How::Hung,
        };
        self.fault(holds, script, &format!("{:?}", script.confined))
    }

    fn fault(&self, holds: bool, script: &Script, wanted: &str) -> Option<String> {
        (!holds).then(|| format!("{}/{}: {wanted} was wanted: {self:?}", script.family, script.name))
    }
}

/// The world of the scripts: files and folders, a process outside that listens, and descriptors that are left open. Its
/// processes end with it.
#[derive(Debug)]
pub struct Surroundings {
    root: PathBuf,
    content: String,
    given: Map<String, Value>,
    outside: Child,
    /// Its end is the end of the process outside.
    _until: ChildStdin,
    _left_open: LeftOpen,
}

/// What a careless supervisor has open without closing it in its children, and one file that it does close there.
#[derive(Debug)]
struct LeftOpen {
    secret: File,
    inherited: File,
    listener: TcpListener,
    /// Connections that nobody has taken yet.
    waiting: Vec<TcpStream>,
    datagrams: UdpSocket,
}

impl Surroundings {
    pub fn new(name: &str) -> Self {
        let root = common::scratch(name);
        let content = format!("the secret of process {}", std::process::id());
        let greeting = format!("greetings from outside process {}", std::process::id());
        let place = |part: &str| root.join(part).to_str().unwrap().to_owned();
        for part in ["work", "workX", "outside", "visible", "secrets", "sockets"] {
            fs::create_dir(root.join(part)).unwrap();
        }
        for part in ["secrets/secret", "secrets/opened", "secrets/inherited", "workX/secret"] {
            fs::write(root.join(part), &content).unwrap();
        }
        // The path of a Unix socket has 107 bytes at the most, wherever the target folder is.
        let sockets = std::env::temp_dir().join(format!("circlet-{name}-{}", std::process::id()));
        fs::create_dir_all(&sockets).unwrap();
        let mut outside = Command::new(python())
            .arg(folder().join("outside.py"))
            .arg(&sockets)
            .args([greeting.clone(), place("secrets/secret")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(outside.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut given: Map<String, Value> = serde_json::from_str(&line).unwrap();
        let left_open = LeftOpen::new(&root, given["udp_port"].as_u64().unwrap() as u16);
        let memory = memory(&content);
        let more = json!({
            "content": content, "greeting": greeting,
            "secret": place("secrets/secret"), "secret_dir": place("secrets"),
            "open_secret": place("secrets/opened"), "beside": place("workX/secret"),
            "work": place("work"), "outside": place("outside"), "kept": place("outside/kept"),
            "visible": place("visible"), "read_only": place("visible/read_only"), "marker": place("work/marker"),
            "sockets": sockets, "program": "/bin/echo", "allowed_program": "/bin/cat",
            "supervisor": std::process::id(), "supervisor_address": memory.as_ptr().addr(),
            "supervisor_length": memory.len(),
        });
        given.extend(more.as_object().unwrap().clone());
        let until = outside.stdin.take().unwrap();
        let made = Self { root, content, given, outside, _until: until, _left_open: left_open };
        made.restore();
        made
    }

    /// Makes all files as they were at the beginning.
    pub fn restore(&self) {
        for part in ["work", "outside", "visible"] {
            let _ = fs::remove_dir_all(self.root.join(part));
            fs::create_dir(self.root.join(part)).unwrap();
        }
        fs::write(self.root.join("secrets/secret"), &self.content).unwrap();
        fs::write(self.root.join("outside/kept"), "kept").unwrap();
        fs::write(self.trace(), "").unwrap();
        fs::write(self.root.join("visible/read_only"), "only to be read").unwrap();
        self.read_only_as_it_was();
    }

    /// Returns what an attempt has changed that was not its own: the other half of a refusal.
    pub fn changes(&self) -> Option<String> {
        let read =
            |part: &str| fs::read_to_string(self.root.join(part)).unwrap_or_else(|error| error.to_string());
        let of = |what: &str, is_so: bool| is_so.then(|| what.to_owned());
        let status = fs::metadata(self.root.join("visible/read_only"));
        let is_as_it_was =
            status.is_ok_and(|status| status.mode() & 0o7777 == READ_ONLY_MODE && status.mtime() > 1);
        of("the secret", read("secrets/secret") != self.content)
            .or_else(|| of("a file outside", read("outside/kept") != "kept"))
            .or_else(|| of("the folder outside", entries(&self.root.join("outside")) != 1))
            .or_else(|| of("the folder of the secret", entries(&self.root.join("secrets")) != 3))
            .or_else(|| of("the file to be read", read("visible/read_only") != "only to be read"))
            .or_else(|| of("what the file to be read is like", !is_as_it_was))
            .or_else(|| of("the process outside, which was reached,", !is_empty(&self.trace())))
    }

    /// The file in which the process outside notes that somebody has reached it.
    fn trace(&self) -> PathBuf {
        self.path("sockets").join("reached")
    }

    fn read_only_as_it_was(&self) {
        let mode = fs::Permissions::from_mode(READ_ONLY_MODE);
        fs::set_permissions(self.root.join("visible/read_only"), mode).unwrap();
    }

    /// The folder that code may write, and where the orphan leaves its file.
    pub fn path(&self, key: &str) -> PathBuf {
        self.given[key].as_str().unwrap().into()
    }

    pub fn port(&self, key: &str) -> u64 {
        self.given[key].as_u64().unwrap()
    }

    /// Returns the code that is run before a script: `given` and the prelude.
    fn prelude(&self, is_confined: bool, caps: &Caps) -> String {
        let mut given = self.given.clone();
        let more = json!({
            "confined": is_confined, "children_max": caps.children, "threads_max": caps.threads,
            "memory_cap": caps.memory_bytes, "disk_cap": caps.disk_bytes,
            "descriptors_max": caps.descriptors, "seconds": caps.seconds,
        });
        given.extend(more.as_object().unwrap().clone());
        let given = json!(Value::Object(given).to_string());
        let prelude = fs::read_to_string(folder().join("prelude.py")).unwrap();
        format!("import json\ngiven = json.loads({given})\n{prelude}\n")
    }

    /// Runs a script in a session of its own, which `finish` gets before it is stopped.
    pub fn attempt(
        &self,
        script: &Script,
        half: &Half,
        finish: impl FnOnce(&mut Executor, &Ending),
    ) -> Ending {
        self.restore();
        let mut executor = (half.builder)(self).start().unwrap();
        let prelude = executor.run(&self.prelude(half.is_confined, &half.caps)).unwrap();
        assert_eq!(prelude.error, None, "the prelude runs, whatever the script may do");
        let (killer, (done, is_over)) = (executor.killer().unwrap(), mpsc::channel::<()>());
        let watch = thread::spawn(move || {
            let has_hung = is_over.recv_timeout(LONG) == Err(mpsc::RecvTimeoutError::Timeout);
            has_hung.then(|| killer.kill()).is_some()
        });
        let result = run(&mut executor, script, half.within);
        let mut ending = Ending::of(&result);
        if ending.how == How::Ended {
            let said = executor.run_timeout("outcome", Duration::from_secs(5));
            ending.said = said.ok().and_then(|outcome| Some(outcome.value?.as_str()?.to_owned()));
        }
        drop(done);
        if watch.join().unwrap() {
            ending.how = How::Hung;
        }
        finish(&mut executor, &ending);
        ending
    }
}

impl Drop for Surroundings {
    fn drop(&mut self) {
        let _ = self.outside.kill();
        let _ = self.outside.wait();
        let _ = fs::remove_dir_all(self.path("sockets"));
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// One half of the suite: what its sessions are started from, and what its scripts are given.
pub struct Half {
    pub builder: fn(&Surroundings) -> Builder,
    pub is_confined: bool,
    pub caps: Caps,
    /// How long a script may take.
    pub within: Duration,
}

impl Half {
    pub fn name(&self) -> &'static str {
        if self.is_confined { "confined" } else { "free" }
    }
}

const READ_ONLY_MODE: u32 = 0o644;

fn is_empty(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|status| status.len() == 0)
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Runs a script; to one that takes nothing, much is sent meanwhile.
fn run(executor: &mut Executor, script: &Script, within: Duration) -> Result<Outcome, Error> {
    if script.name != "never_reading" {
        return executor.run_timeout(&script.code, within);
    }
    let session = executor.session()?;
    session.begin(&script.code, RunOptions::new().within(within))?;
    send_all(session);
    loop {
        match session.next(Deadline::after(LONG))? {
            Some(Event::End(outcome)) => return Ok(*outcome),
            Some(_) => {}
            None => return Err(Error::Stopped),
        }
    }
}

/// Sends as much as finds room.
fn send_all(session: &mut Session) {
    let piece = vec![7; 1 << 20];
    for _ in 0..SENT_MAX / piece.len() {
        if session.send_by(&piece, Deadline::after(Duration::from_millis(50))).is_err() {
            return;
        }
    }
}

/// Returns memory of this process that has the secret, for as long as the process is there. Others may write to it.
fn memory(content: &str) -> &'static [AtomicU8] {
    Vec::leak(content.bytes().map(AtomicU8::new).collect())
}

impl LeftOpen {
    fn new(root: &Path, udp_port: u16) -> Self {
        let secret = File::open(root.join("secrets/opened")).unwrap();
        let inherited = File::open(root.join("secrets/inherited")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let waiting = (0..4).map(|_| TcpStream::connect(address).unwrap()).collect();
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        datagrams.connect(("127.0.0.1", udp_port)).unwrap();
        for descriptor in [inherited.as_raw_fd(), listener.as_raw_fd(), datagrams.as_raw_fd()] {
            // SAFETY: the call takes integers, and the descriptors are open.
            assert_eq!(unsafe { libc::fcntl(descriptor, libc::F_SETFD, 0) }, 0);
        }
        Self { secret, inherited, listener, waiting, datagrams }
    }
}
