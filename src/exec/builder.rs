//! What a session is started with.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::fork_server::ForkServer;
use super::policy::{Limits, Policy};
use super::process::{Killer, Launch, Process};
use super::sandbox::{self, AuditRecord, Cage, Callback, Runtime};
use super::session::{Notice, Origin, Place, Setting};
use super::spawn::Confined;
use super::{AuditTrail, Error, Executor, Grace, Language, Session, SessionPool, find_library, language};
use crate::ring::{Ring, Wait};

/// The definitions of a session's shell.
macro_rules! shell {
    ($end:expr) => {
        concat!(
            include_str!("../../python/circlet/_shell.py"),
            include_str!("../../python/circlet/_session.py"),
            $end
        )
    };
}

/// The whole of a session's shell, and of a fork server's.
const SHELL: &str = shell!("\nbegin([*map(int, sys.argv[2].split(','))], sys.argv[3])\n");
const FORK_SHELL: &str = shell!(include_str!("../../python/circlet/_fork_server.py"));
/// Rings of the caller's that one session takes: as many as go with one message, beside its own descriptors.
const RINGS_MAX: usize = 240;
/// For how long both sides look for each other before they sleep, unless the builder says: about as long as it takes to be
/// woken.
const SPIN: Duration = Duration::from_micros(50);
/// How much of what a run prints is kept unless the builder says.
const OUTPUT_MAX: usize = 16 << 20;

/// How much address space a Bun whose memory is limited reserves for machine code, 1 GiB else: the kernel counts what is
/// reserved, and where that is refused Bun has neither a compiler nor `bun:ffi`, which its shell needs.
const JIT_BYTES: (&str, &str) = ("BUN_JSC_jitMemoryReservationSize", "67108864");

/// What an [`Executor`] is started with.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    pub(crate) language: Language,
    program: Option<PathBuf>,
    library: Option<PathBuf>,
    ready_within: Duration,
    grace: Grace,
    output_max: usize,
    wait: Wait,
    rings: Vec<(String, Ring)>,
    ready: Option<usize>,
    preload: Vec<String>,
    pub(super) recycle: Recycle,
    pub(crate) policies: Vec<Policy>,
    on_audit: Option<Callback>,
    trail: Option<AuditTrail>,
    /// What policies denied and warned of, for whoever watches it, where anybody is to hear of it: to tell of what the kernel refuses
    /// takes a supervisor that is asked.
    pub(crate) watched: Option<AuditTrail>,
    /// What the interpreter itself needs, where a policy holds.
    runtime: Option<Runtime>,
}

/// When a session is replaced though it has not ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Recycle {
    /// After so many runs.
    pub(super) runs: Option<u32>,
    /// When it has so many more bytes in memory than at its start.
    pub(super) growth: Option<u64>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            language: Language::default(),
            program: None,
            library: None,
            ready_within: Duration::from_secs(10),
            grace: Grace::default(),
            output_max: OUTPUT_MAX,
            wait: if Wait::default() == Wait::SLEEP { Wait::SLEEP } else { Wait::spin_for(SPIN) },
            rings: Vec::new(),
            ready: None,
            preload: Vec::new(),
            recycle: Recycle::default(),
            policies: Vec::new(),
            on_audit: None,
            trail: None,
            watched: None,
            runtime: None,
        }
    }
}

impl Builder {
    /// Sets what the code is written in: Python else.
    pub fn language(mut self, language: Language) -> Self {
        self.language = language;
        self
    }

    /// Names the interpreter: a path, or a program on `PATH`. `python3` or `bun` else.
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// Sets Python for the language, and names its interpreter.
    pub fn python(self, program: impl Into<PathBuf>) -> Self {
        self.language(Language::Python).program(program)
    }

    /// Sets Bun for the language, and names its program.
    pub fn bun(self, program: impl Into<PathBuf>) -> Self {
        self.language(Language::Bun).program(program)
    }

    /// Names the C library that the session loads; [`find_library`] looks for it else.
    pub fn library(mut self, path: impl Into<PathBuf>) -> Self {
        self.library = Some(path.into());
        self
    }

    /// Sets how long a session has to be ready: 10 s else.
    pub fn ready_within(mut self, time: Duration) -> Self {
        self.ready_within = time;
        self
    }

    /// Sets how long code has at each step once it is to stop.
    pub fn grace(mut self, grace: Grace) -> Self {
        self.grace = grace;
        self
    }

    /// Sets how both sides wait for each other. Without it they look for 50 us and then sleep, where there are two processors:
    /// a short run that follows another is answered in a fraction of the time that it takes to wake somebody. [`Wait::SLEEP`]
    /// spares the processor.
    pub fn wait(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }

    /// Sets how many bytes of what a run prints are kept, 16 MiB else: what comes after them is read and forgotten, with a
    /// notice in its place.
    pub fn output_max(mut self, bytes: usize) -> Self {
        self.output_max = bytes;
        self
    }

    /// Gives the session a ring of yours, which its code has as `rings[name]`.
    ///
    /// An anonymous ring goes as a descriptor. A named one is opened by its name, and whoever has that can truncate it
    /// under you: give it to code that you trust alone.
    pub fn ring(mut self, name: impl Into<String>, ring: &Ring) -> Self {
        self.rings.push((name.into(), ring.clone()));
        self
    }

    /// Keeps so many sessions of Python ready, by a fork server: a process that has the interpreter and the modules loaded, and is forked for
    /// each session. Without it an executor starts its sessions one by one, and a pool keeps one ready.
    ///
    /// Forked sessions have the environment and the folder that this program had when the server was started, and what the
    /// system and the interpreter drew by lot for the server: the places in memory, and the seed of hashes.
    pub fn ready(mut self, sessions: usize) -> Self {
        self.ready = Some(sessions);
        self
    }

    /// Has the fork server import a module, so that its sessions need no time for that. One that starts threads is refused.
    pub fn preload(mut self, module: impl Into<String>) -> Self {
        self.preload.push(module.into());
        self
    }

    /// Replaces the session after so many runs, between two of them. Its names are gone then.
    pub fn recycle_after(mut self, runs: u32) -> Self {
        self.recycle.runs = Some(runs.max(1));
        self
    }

    /// Replaces the session, between two runs, once it has so many more bytes in memory than at its start. Its names are gone
    /// then.
    pub fn recycle_above(mut self, growth: u64) -> Self {
        self.recycle.growth = Some(growth);
        self
    }

    /// Confines the code: the kernel refuses what the policy does. Where several are given, all of them hold. A session that
    /// cannot be confined is not started. See `docs/policies.md`.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policies.push(policy);
        self
    }

    /// Has a function told of each decision of the supervisor's that denies or warns, beside the policies' own files. It is called
    /// by a thread of the session's own, which what the code asks waits for: it is to be quick.
    pub fn on_audit(mut self, tell: impl Fn(&AuditRecord) + Send + Sync + 'static) -> Self {
        self.on_audit = Some(Callback(Arc::new(tell)));
        self
    }

    /// Has the last of the same decisions kept, for the payload of the program's session. Several builders may share one.
    pub fn audit_trail(mut self, trail: &AuditTrail) -> Self {
        self.trail = Some(trail.clone());
        self
    }

    /// Starts a session and waits until it is ready.
    ///
    /// # Errors
    /// [`Error::NoLibrary`], [`Error::NoPython`], [`Error::NotReady`], [`Error::Died`], [`Error::Preload`],
    /// [`Error::NoForks`], [`Error::TooManyRings`]; no process stays.
    pub fn start(self) -> Result<Executor, Error> {
        if self.ready.unwrap_or(0) > 0 || !self.preload.is_empty() {
            return self.pool()?.open();
        }
        Executor::alone(self.checked()?)
    }

    /// Starts a fork server, which keeps sessions ready, and waits until it can make them.
    ///
    /// # Errors
    /// Those of [`Builder::start`].
    pub fn pool(self) -> Result<SessionPool, Error> {
        let ready = self.ready.unwrap_or(1);
        SessionPool::start(self.checked()?, ready)
    }

    fn checked(mut self) -> Result<Self, Error> {
        if self.rings.len() > RINGS_MAX {
            return Err(Error::TooManyRings { given: self.rings.len(), max: RINGS_MAX });
        }
        self.library = Some(find_library(self.library.as_deref())?);
        if !self.policies.is_empty() {
            self.policies.iter().try_for_each(Policy::check)?;
            let program = self.program.as_deref().unwrap_or_else(|| self.language.program());
            let runtime = Runtime::of(self.language, program)?;
            self.program = Some(runtime.program.clone());
            self.runtime = Some(runtime);
            let is_told = |policy: &Policy| policy.audit.payload || policy.audit.file.is_some();
            let is_heard =
                self.on_audit.is_some() || self.trail.is_some() || self.policies.iter().any(is_told);
            self.watched = is_heard.then(AuditTrail::watched);
            let most = self.limits().output_bytes.map(usize::try_from).and_then(Result::ok);
            self.output_max = self.output_max.min(most.unwrap_or(usize::MAX));
        }
        Ok(self)
    }

    /// Starts an interpreter with a shell: what it takes for an option, and the source.
    ///
    /// # Errors
    /// The variables that confined code may have are not known.
    fn command(&self, shell: [&str; 2]) -> Result<Command, Error> {
        let program = self.program.as_deref().unwrap_or_else(|| self.language.program());
        let mut command = Command::new(program);
        let library = self.library.as_deref().unwrap_or_else(|| Path::new("libcirclet.so"));
        if let Some(variables) = self.variables()? {
            command.env_clear().envs(variables);
        }
        if self.language == Language::Bun && self.limits().memory_bytes.is_some() {
            command.env(JIT_BYTES.0, JIT_BYTES.1);
        }
        // For the package circlet, if the code imports it.
        command.args(shell).arg(library).env("CIRCLET_LIBRARY", library);
        Ok(command)
    }

    /// Starts a session: by the fork server, if there is one.
    pub(super) fn session(
        &self,
        server: Option<&Arc<ForkServer>>,
        notice: Option<Arc<Notice>>,
    ) -> Result<Session, Error> {
        let (grace, output_max, wait) = (self.grace, self.output_max, self.wait);
        let setting = Setting {
            language: self.language.name(),
            ready_within: self.ready_within,
            grace,
            output_max,
            wait,
            notice,
            within: self.limits().wall_ms.map(Duration::from_millis),
        };
        let (descriptors, rings) = self.rings()?;
        let cage = self.cage()?;
        let variables = cage.as_ref().map_or(Vec::new(), Cage::variables);
        Session::start(&setting, descriptors, cage, |place| match server {
            Some(server) => server.fork(place, &rings, &variables),
            None => self.launch(place, &rings, variables),
        })
    }

    /// Returns the least of what the policies let a session use.
    fn limits(&self) -> Limits {
        self.policies.iter().fold(Limits::default(), |least, policy| least.least(policy.limits))
    }

    /// Returns the variables that confined code has.
    fn variables(&self) -> Result<Option<BTreeMap<OsString, OsString>>, Error> {
        let Some(runtime) = &self.runtime else { return Ok(None) };
        let policies = sandbox::resolved(&self.policies, runtime, PathBuf::new())?;
        Ok(Some(policies.environment(std::env::vars_os())))
    }

    /// Makes what confines a session, where a policy does.
    fn cage(&self) -> Result<Option<Cage>, Error> {
        let (Some(runtime), Some(library)) = (&self.runtime, &self.library) else { return Ok(None) };
        let trails = [&self.trail, &self.watched].map(|trail| trail.clone().map(Callback::from));
        let told = trails.into_iter().chain([self.on_audit.clone()]).flatten().reduce(Callback::and);
        Cage::new(&self.policies, runtime, library, told).map(Some)
    }

    fn launch(
        &self,
        place: Place,
        rings: &str,
        variables: Vec<(&'static str, OsString)>,
    ) -> Result<Origin, Error> {
        let Place { descriptors: mut passed, outputs: [output, errors], shared, mut confined } = place;
        let numbers: Vec<String> = passed.iter().map(|fd| fd.as_raw_fd().to_string()).collect();
        let shell = match self.language {
            Language::Python => ["-c", SHELL],
            Language::Bun => ["-e", language::bun_session()],
        };
        if let Some(Confined { hand, words, .. }) = &mut confined {
            words.set_hand(hand.as_ref().map(AsRawFd::as_raw_fd));
            passed.extend(hand.take());
        }
        let mut command = self.command(shell)?;
        command.arg(numbers.join(",")).arg(rings);
        command.envs(variables);
        let launch = Launch {
            language: self.language.name(),
            input: std::process::Stdio::null(),
            output: output.into(),
            errors: errors.into(),
            passed,
            attendant: shared,
            confined,
        };
        Ok(Origin { process: Process::launch(command, launch)?, server: None })
    }

    /// Starts a fork server. `started` gets what ends it while it is not ready yet.
    pub(super) fn fork_server(
        &self,
        notice: Arc<Notice>,
        started: impl FnOnce(Killer),
    ) -> Result<ForkServer, Error> {
        if self.language != Language::Python {
            return Err(Error::NoForks { language: self.language.name() });
        }
        let mut command = self.command(["-c", FORK_SHELL])?;
        let command = |socket: RawFd| {
            command.arg(socket.to_string()).args(&self.preload);
            command
        };
        ForkServer::start("Python", self.ready_within, notice, command, started)
    }

    /// Returns the descriptors of the caller's rings, and what the session's code calls them.
    fn rings(&self) -> Result<(Vec<OwnedFd>, String), Error> {
        let mut descriptors = Vec::new();
        let mut rings: Vec<Value> = Vec::new();
        for (alias, ring) in &self.rings {
            let place = match ring.segment().name() {
                Some(name) => json!(name),
                None => {
                    descriptors.push(ring.export_fd()?);
                    json!(Session::DESCRIPTORS + descriptors.len() - 1)
                }
            };
            rings.push(json!([alias, place]));
        }
        Ok((descriptors, if rings.is_empty() { String::new() } else { Value::from(rings).to_string() }))
    }
}
