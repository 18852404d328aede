//! A session's confinement, made ready by its supervisor.

use std::ffi::{CString, OsString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Unenforceable;
use super::audit::{Audit, Callback};
use super::bpf;
use super::calls::{self, Sockets, Wishes};
use super::check::Held;
use super::enter::{Mount, Steps, TAKEN_MAX};
use super::fence::{self, Fence, PathRule, TMP, TmpSize, USE, tmp_access};
use super::files::{self, Watch};
use super::limits::rlimits;
use super::memory::MemoryWatch;
use super::network::{self, Ports};
use super::no_network::NoNetwork;
use super::places::{Namespaces, Places};
use super::proxy::Proxy;
use super::reach::Reach;
use super::runtime::{DEVICES, Runtime};
use crate::exec::Error;
use crate::exec::policy::{Access, Action, Layer, Policy, Resolved, Surroundings, syscall_number};

/// Everything that confines one session, and the folder that goes with it.
#[derive(Debug)]
pub(in crate::exec) struct Cage {
    steps: Steps,
    handles: Vec<OwnedFd>,
    no_network: NoNetwork,
    canary: PathBuf,
    opens_all: bool,
    policy: Arc<Resolved>,
    asks: u32,
    /// Whether the session hands over where it asks, as its supervisor may not take that.
    hands_over: bool,
    audit: Arc<Audit>,
    /// Who looks at the files that it uses, where that is wanted.
    watch: Option<Arc<Watch>>,
    /// What the session has for temporary files.
    tmp: Option<PathBuf>,
    /// By which it reaches domains.
    proxy: Option<Arc<Proxy>>,
    _places: Option<Places>,
}

/// A process's own folder in /proc, and what it may do there: `READ_FILE` and `READ_DIR` of Landlock's.
pub(super) fn own_folder() -> Vec<(CString, u64)> {
    vec![(c"/proc/self".to_owned(), 1 << 2 | 1 << 3)]
}
/// What every session may, whatever its policy is.
const RUNTIME: &str = "$RUNTIME";

impl Cage {
    /// Makes what a session of this interpreter is confined by.
    ///
    /// # Errors
    /// What of the policies cannot be enforced here: nothing is left out.
    pub(in crate::exec) fn new(
        policies: &[Policy],
        runtime: &Runtime,
        library: &Path,
        callback: Option<Callback>,
    ) -> Result<Self, Error> {
        let here = Namespaces::here();
        let is_mounted = here != Namespaces::None;
        let rules_of = |policy: &Resolved, tmp: Option<&Path>| -> Vec<Vec<PathRule>> {
            policy.layers().iter().map(|layer| rules_of_one(layer, runtime, library, tmp)).collect()
        };
        let fences_of = |rules: &[Vec<PathRule>]| -> Result<Vec<Fence>, Unenforceable> {
            rules.iter().map(|rules| Fence::new(rules)).collect()
        };
        let mut resolved = resolved(policies, runtime, PathBuf::from(TMP))?;
        let mut rules = rules_of(&resolved, None);
        let mut fences = fences_of(&rules)?;
        // In the place of /tmp, unless something there is allowed, which it would hide.
        let has_tmp = resolved.private_tmp().is_some();
        let reaches = fences.iter().any(|fence| fence.reaches_below(Path::new(TMP)));
        let is_in_place = is_mounted && has_tmp && !reaches;
        let has_folder = has_tmp && !is_in_place;
        let mut places = None;
        if has_folder || fences.iter().any(Fence::covers) {
            places = Some(Places::new().map_err(Error::os("mkdir"))?);
        }
        let mut tmp = is_in_place.then(|| PathBuf::from(TMP));
        if let Some(places) = places.as_ref().filter(|_| has_folder) {
            let own = places.tmp();
            resolved = self::resolved(policies, runtime, own.clone())?;
            rules = rules_of(&resolved, Some(&own));
            fences = fences_of(&rules)?;
            tmp = Some(own);
        }
        let needs = fences.iter().find_map(Fence::needs_mounts);
        if let (Some(path), Namespaces::None) = (needs, here) {
            let why = "what is denied inside of what is allowed needs a mount of its own, and this system lets no process have \
                       any: allow less, run as root with CAP_SYS_ADMIN, or allow user name spaces and mounts in them";
            return Err(Unenforceable::new(&path.display().to_string(), why).into());
        }
        let nothing = places.as_ref().map_or_else(Default::default, Places::nothing);
        let size = TmpSize(resolved.limits().memory_bytes);
        let mounts = if is_mounted {
            fence::mounts(&fences, is_in_place.then_some(size), nothing.each_ref().map(PathBuf::as_path))
        } else {
            Vec::new()
        };
        if mounts.iter().filter(|mount| matches!(mount, Mount::Taken(_))).count() > TAKEN_MAX {
            let why = format!(
                "more than {TAKEN_MAX} places may be changed: allow folders that have several of them"
            );
            return Err(Unenforceable::new("fs", &why).into());
        }
        let mut ports = resolved.layers().iter().map(network::ports).collect::<Vec<Ports>>();
        let denied = resolved.denied_syscalls().into_iter().filter_map(syscall_number);
        let sockets = network::sockets(&ports);
        let wishes = Wishes { is_mounted, sockets, denied: denied.collect() };
        let no_network = if sockets == Sockets::default() { NoNetwork::here() } else { NoNetwork::None };
        network::alone(&mut ports, sockets);
        let network = no_network.shared().map_err(Error::os("dup"))?;
        let has_network = network.is_some();
        let rulesets = fences.iter().zip(&ports).map(|(fence, ports)| fence.ruleset(ports));
        let handles = network.into_iter().map(Ok).chain(rulesets).collect::<Result<Vec<_>, _>>()?;
        let own_folders = |layer: &Layer| {
            let tmp =
                (is_in_place && layer.private_tmp.is_some()).then(|| (c"/tmp".to_owned(), tmp_access()));
            own_folder().into_iter().chain(tmp).collect()
        };
        let steps = Steps {
            limits: rlimits(&resolved.limits()),
            has_network,
            namespaces: here.flags() | no_network.flags(),
            maps: here.maps(),
            mounts,
            late: resolved.layers().iter().map(own_folders).collect(),
            filter: bpf::program(&calls::verdicts(&wishes), &calls::OTHERS),
        };
        // What is there for sure, and is nobody's business.
        let canary = PathBuf::from(format!("/proc/{}/status", std::process::id()));
        let opens_all = fences.iter().all(|fence| fence.opens(&canary));
        let audit = Audit::new(resolved.audit_files(), callback).map_err(Error::os("open"))?;
        let is_watched = audit.is_heard() && files::is_wanted(&resolved);
        let proxy = network::needs_proxy(&ports).then(Proxy::new).transpose().map_err(Error::os("bind"))?;
        let asks = asks(&resolved, &ports, sockets) | if is_watched { calls::ASK_FILES } else { 0 };
        let watch = is_watched.then(|| {
            let needs = rules.into_iter().flatten().filter(|rule| rule.place == RUNTIME).collect();
            Arc::new(Watch::new(&resolved, fences, needs, is_mounted))
        });
        let hands_over = asks != 0 && {
            Reach::here().answers(asks)?;
            Reach::here().copies.is_err()
        };
        let (policy, audit) = (Arc::new(resolved), Arc::new(audit));
        Ok(Self {
            steps,
            handles,
            no_network,
            canary,
            opens_all,
            policy,
            asks,
            hands_over,
            audit,
            watch,
            tmp,
            proxy: proxy.map(Arc::new),
            _places: places,
        })
    }

    pub(in crate::exec) fn steps(&self) -> &Steps {
        &self.steps
    }

    /// What its steps have descriptors of.
    pub(in crate::exec) fn handles(&self) -> &[OwnedFd] {
        &self.handles
    }

    /// What the session is to try to open.
    pub(in crate::exec) fn canary(&self) -> &Path {
        &self.canary
    }

    /// What its supervisor is to be asked.
    pub(in crate::exec) fn asks(&self) -> u32 {
        self.asks
    }

    /// Tells whether the session is to hand over where it asks.
    pub(in crate::exec) fn hands_over(&self) -> bool {
        self.hands_over
    }

    /// Tells whether somebody wants to know which code asked.
    pub(in crate::exec) fn wants_reports(&self) -> bool {
        self.asks != 0 && self.audit.is_heard()
    }

    pub(super) fn watch(&self) -> Option<&Arc<Watch>> {
        self.watch.as_ref()
    }

    pub(super) fn audit(&self) -> &Arc<Audit> {
        &self.audit
    }

    pub(super) fn policy(&self) -> &Arc<Resolved> {
        &self.policy
    }

    /// Who looks at how much memory it has with all that it starts, where that is limited.
    pub(in crate::exec) fn memory(&self) -> Option<MemoryWatch> {
        let has_files = self.tmp.as_deref() == Some(Path::new(TMP));
        self.memory_bytes().map(|most| MemoryWatch::new(most, has_files))
    }

    /// How much memory it may have with all that it starts.
    pub(in crate::exec) fn memory_bytes(&self) -> Option<u64> {
        self.policy.limits().memory_bytes
    }

    /// Notes that it had more memory than it may have.
    pub(in crate::exec) fn was_past_memory(&self, process: u32) {
        self.audit.limited(process, process.cast_signed(), "more memory", "limits.memory_bytes");
    }

    /// By what it reaches domains, if there are rules for these.
    pub(super) fn proxy(&self) -> Option<&Arc<Proxy>> {
        self.proxy.as_ref()
    }

    /// What its environment says of it, whatever else is there: where its temporary files are, and its proxy.
    pub(in crate::exec) fn variables(&self) -> Vec<(&'static str, OsString)> {
        let tmp = self.tmp.iter().map(|tmp| ("TMPDIR", tmp.into()));
        let proxy = self.proxy.iter().flat_map(|proxy| proxy.variables());
        tmp.chain(proxy.map(|(name, url)| (name, url.into()))).collect()
    }

    /// Looks whether it holds, of a process that says what it tried.
    pub(in crate::exec) fn check(&self, process: u32, failed: u32) -> Result<(), String> {
        if !self.no_network.has(process).map_err(|error| error.to_string())? {
            return Err(format!("process {process} is in the network of its supervisor"));
        }
        Held { failed, opens_all: self.opens_all }.check(process)
    }
}

/// Puts policies in their place, which is this process's.
///
/// # Errors
/// [`Error::Os`] where this process has no folder that it is in.
pub(in crate::exec) fn resolved(
    policies: &[Policy],
    runtime: &Runtime,
    tmp: PathBuf,
) -> Result<Resolved, Error> {
    let cwd = std::env::current_dir().map_err(Error::os("getcwd"))?;
    let home = std::env::home_dir()
        .filter(|home| home.is_absolute())
        .unwrap_or_else(|| PathBuf::from("/nonexistent"));
    let runtime = runtime.reads.iter().cloned().collect();
    let here = Surroundings { cwd, home, tmp, runtime };
    let all = policies.iter().map(|policy| policy.resolve(&here)).reduce(Resolved::merged_with);
    let all = all.ok_or_else(|| Unenforceable::new("the policy", "there is none"))?;
    // A process's own folder in /proc is another for each, and is let to each by another way.
    Ok(all.with_real_paths(|path| if is_own(path) { None } else { path.canonicalize().ok() }))
}

/// Tells whether a path is the same for every process, and leads to its own folder in /proc.
fn is_own(path: &Path) -> bool {
    ["/proc/self", "/proc/thread-self"].iter().any(|own| path.starts_with(own))
}

/// Returns what the supervisor is to be asked.
fn asks(policy: &Resolved, ports: &[Ports], sockets: Sockets) -> u32 {
    let allows_programs = |layer: &Layer| {
        layer.exec_default != Action::Deny || layer.exec_rules.iter().any(|rule| rule.action != Action::Deny)
    };
    let all = [
        (calls::ASK_PROGRAMS, policy.layers().iter().all(allows_programs)),
        (calls::ASK_CONNECTIONS, ports.iter().any(|ports| ports.asks)),
        (calls::ASK_DATAGRAMS, sockets.udp),
        (calls::ASK_PROCESSES, policy.limits().processes.is_some()),
    ];
    all.iter().filter(|(_, is_asked)| *is_asked).map(|(what, _)| what).sum()
}

fn rule(place: impl Into<String>, path: &Path, action: Action, access: &[Access]) -> PathRule {
    PathRule { place: place.into(), path: path.to_owned(), action, access: access.iter().copied().collect() }
}

/// Returns the rules for files of one policy, and what every interpreter may.
///
/// Its folder for temporary files is this, if it is there before the session is.
fn rules_of_one(layer: &Layer, runtime: &Runtime, library: &Path, tmp: Option<&Path>) -> Vec<PathRule> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut rules: Vec<PathRule> = Vec::new();
    for (at, given) in layer.fs_rules.iter().enumerate() {
        for path in given.paths.iter().filter(|path| !is_own(path)) {
            let access = given.access.clone();
            rules.push(PathRule {
                place: format!("fs.rules[{at}]"),
                path: real(path),
                action: given.action,
                access,
            });
        }
    }
    for (at, given) in layer.exec_rules.iter().enumerate().filter(|(_, given)| given.action != Action::Deny) {
        let access = [Access::Read, Access::Execute];
        rules.extend(
            given
                .paths
                .iter()
                .map(|path| rule(format!("exec.rules[{at}]"), &real(path), given.action, &access)),
        );
    }
    if layer.exec_default != Action::Deny {
        rules.push(rule("exec.default", Path::new("/"), Action::Allow, &[Access::Execute]));
    }
    if layer.fs_default != Action::Deny {
        rules.push(rule("fs.default", Path::new("/"), Action::Allow, &USE));
    }
    if let Some(tmp) = tmp.filter(|_| layer.private_tmp.is_some()) {
        rules.push(rule("fs.private_tmp", tmp, Action::Allow, &USE));
    }
    let reads = layer.runtime.iter().map(|path| real(path)).chain([real(library)]);
    rules.extend(reads.map(|path| rule(RUNTIME, &path, Action::Allow, &[Access::Read, Access::List])));
    let devices =
        DEVICES.map(|path| rule(RUNTIME, Path::new(path), Action::Allow, &[Access::Read, Access::Write]));
    // To begin with: once the session is locked no program is started.
    let programs = ["/lib64", "/lib", "/usr/lib", "/usr/lib64"].map(|path| real(Path::new(path)));
    let programs = programs.into_iter().chain([real(&runtime.program)]);
    rules.extend(devices);
    rules.extend(programs.map(|path| rule(RUNTIME, &path, Action::Allow, &[Access::Execute])));
    rules
}
