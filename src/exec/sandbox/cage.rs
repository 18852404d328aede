//! A session's confinement, made ready by its supervisor.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::Unenforceable;
use super::bpf;
use super::calls::{self, Sockets, Wishes};
use super::check::Held;
use super::enter::Steps;
use super::fence::{Fence, PathRule, TcpPorts};
use super::limits::rlimits;
use super::places::{Namespaces, Places};
use super::runtime::{DEVICES, Runtime};
use crate::exec::Error;
use crate::exec::policy::{Access, Action, Policy};

/// Everything that confines one session, and the folder that goes with it.
#[derive(Debug)]
pub(in crate::exec) struct Cage {
    steps: Steps,
    ruleset: OwnedFd,
    canary: PathBuf,
    opens_all: bool,
    /// What the session has for temporary files.
    tmp: Option<PathBuf>,
    _places: Places,
}

const TMP: &str = "/tmp";
/// Access to one's own folder in /proc: `READ_FILE` and `READ_DIR` of Landlock's.
const OWN_ACCESS: u64 = 1 << 2 | 1 << 3;

impl Cage {
    /// Makes what a session of this interpreter is confined by.
    ///
    /// # Errors
    /// What of the policy cannot be enforced here: nothing is left out.
    pub(in crate::exec) fn new(policy: &Policy, runtime: &Runtime, library: &Path) -> Result<Self, Error> {
        let places = Places::new().map_err(Error::os("mkdir"))?;
        let here = Namespaces::here();
        let mut rules = policy_rules(policy)?;
        rules.extend(runtime_rules(runtime, library));
        if policy.fs.private_tmp {
            let access = [Access::Read, Access::Write, Access::List, Access::Create, Access::Remove];
            rules.push(rule("fs.private_tmp", places.tmp(), Action::Allow, &access));
        }
        let fence = Fence::new(&rules)?;
        if let (Some(path), Namespaces::None) = (fence.needs_mounts(), here) {
            let why = "what is denied inside of what is allowed needs a mount of its own, and this system lets no process have any: \
                       run as root or allow user name spaces, or allow less";
            return Err(Unenforceable::new(&path.display().to_string(), why).into());
        }
        let (connect, listen) = ports(policy)?;
        if policy.exec.default != Action::Deny
            || policy.exec.rules.iter().any(|rule| rule.action != Action::Deny)
        {
            return Err(Unenforceable::new("exec", "programs cannot be allowed yet: deny them").into());
        }
        let is_mounted = here != Namespaces::None;
        let own = places.tmp();
        // In the place of /tmp, unless something there is allowed, which it would hide.
        let is_in_place = is_mounted && policy.fs.private_tmp && !fence.reaches_below(Path::new(TMP), &own);
        let tmp = policy.fs.private_tmp.then(|| if is_in_place { PathBuf::from(TMP) } else { own.clone() });
        let [folder, file] = places.nothing();
        let mounts = if is_mounted {
            fence.mounts(is_in_place.then_some(&*own), [&folder, &file])
        } else {
            Vec::new()
        };
        let wishes = Wishes {
            is_mounted,
            sockets: Sockets {
                tcp: connect != TcpPorts::These(BTreeSet::new())
                    || listen != TcpPorts::These(BTreeSet::new()),
                udp: false,
                listen: listen != TcpPorts::These(BTreeSet::new()),
            },
            denied: Vec::new(),
        };
        let filter = bpf::program(&calls::verdicts(&wishes), &calls::OTHERS);
        // SAFETY: the calls take nothing.
        let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
        let own = |id: u32| format!("{id} {id} 1").into_bytes();
        let steps = Steps {
            limits: rlimits(&policy.limits),
            namespaces: match here {
                Namespaces::Privileged => libc::CLONE_NEWNS,
                Namespaces::Users => libc::CLONE_NEWNS | libc::CLONE_NEWUSER,
                Namespaces::None => 0,
            },
            maps: (here == Namespaces::Users).then(|| [own(user), own(group)]),
            mounts,
            own_access: OWN_ACCESS,
            filter,
        };
        let ruleset = fence.ruleset(&connect, &listen)?;
        // What is there for sure, and is nobody's business.
        let canary = PathBuf::from(format!("/proc/{}/status", std::process::id()));
        let opens_all = fence.opens(&canary);
        Ok(Self { steps, ruleset, canary, opens_all, tmp, _places: places })
    }

    pub(in crate::exec) fn steps(&self) -> &Steps {
        &self.steps
    }

    pub(in crate::exec) fn ruleset(&self) -> &OwnedFd {
        &self.ruleset
    }

    /// What the session is to try to open.
    pub(in crate::exec) fn canary(&self) -> &Path {
        &self.canary
    }

    /// Where its temporary files are.
    pub(in crate::exec) fn tmp(&self) -> Option<&Path> {
        self.tmp.as_deref()
    }

    /// Looks whether it holds, of a process that says what it tried.
    pub(in crate::exec) fn check(&self, process: u32, failed: u32) -> Result<(), String> {
        Held { failed, opens_all: self.opens_all }.check(process)
    }
}

fn rule(place: &str, path: PathBuf, action: Action, access: &[Access]) -> PathRule {
    PathRule { place: place.to_owned(), path, action, access: access.iter().copied().collect() }
}

/// What every interpreter may: read what is its own, and devices that hold nothing.
fn runtime_rules(runtime: &Runtime, library: &Path) -> Vec<PathRule> {
    let library = library.canonicalize().unwrap_or_else(|_| library.to_owned());
    let reads = runtime.reads.iter().cloned().chain([library]);
    let program = runtime.program.canonicalize().unwrap_or_else(|_| runtime.program.clone());
    let loaders = ["/lib64", "/lib", "/usr/lib", "/usr/lib64"].map(PathBuf::from);
    reads
        .map(|path| rule("$RUNTIME", path, Action::Allow, &[Access::Read, Access::List]))
        .chain(
            DEVICES.map(|path| rule("$RUNTIME", path.into(), Action::Allow, &[Access::Read, Access::Write])),
        )
        // To begin with: from before the first run on no program is started.
        .chain(
            [program]
                .into_iter()
                .chain(loaders)
                .map(|path| rule("$RUNTIME", path, Action::Allow, &[Access::Execute])),
        )
        .map(|rule| PathRule { path: rule.path.canonicalize().unwrap_or(rule.path), ..rule })
        .collect()
}

/// Returns the rules for paths as they are here.
fn policy_rules(policy: &Policy) -> Result<Vec<PathRule>, Error> {
    let cwd = std::env::current_dir().map_err(Error::os("getcwd"))?;
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let mut rules = Vec::new();
    for (at, given) in policy.fs.rules.iter().enumerate() {
        for path in &given.paths {
            let full = if let Some(rest) = path.strip_prefix("$CWD") {
                cwd.join(rest.trim_start_matches('/'))
            } else if let Some(rest) = path.strip_prefix("$HOME").or_else(|| path.strip_prefix('~')) {
                home.join(rest.trim_start_matches('/'))
            } else if path.starts_with('$') {
                continue;
            } else {
                PathBuf::from(path)
            };
            let full = full.canonicalize().unwrap_or(full);
            let place = format!("fs.rules[{at}] ({path})");
            rules.push(PathRule { place, path: full, action: given.action, access: given.access.clone() });
        }
    }
    Ok(rules)
}

/// Returns the ports that may be used with any address, to connect and to listen.
fn ports(policy: &Policy) -> Result<(TcpPorts, TcpPorts), Error> {
    let mut found = [BTreeSet::new(), BTreeSet::new()];
    for (at, rule) in policy.net.rules.iter().enumerate() {
        let is_plain = rule.action == Action::Allow
            && rule.protocol == Some(crate::exec::policy::Protocol::Tcp)
            && rule.addresses.is_empty()
            && rule.domains.is_empty()
            && !rule.ports.is_empty();
        if !is_plain {
            let why = "connections are allowed by TCP ports alone yet: give `protocol` tcp, `ports`, and no addresses or domains";
            return Err(Unenforceable::new(&format!("net.rules[{at}]"), why).into());
        }
        let ports = rule.ports.iter().flat_map(|ports| ports.first..=ports.last);
        found[rule.direction as usize].extend(ports);
    }
    if policy.net.default != Action::Deny {
        return Err(Unenforceable::new(
            "net.default",
            "networks cannot be allowed as a whole yet: deny them",
        )
        .into());
    }
    let [connect, listen] = found.map(TcpPorts::These);
    Ok((connect, listen))
}
