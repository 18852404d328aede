//! A session's confinement, made ready by its supervisor.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::audit::{Audit, Callback, Witness};
use super::bpf;
use super::calls::{self, Sockets, Wishes};
use super::check::Held;
use super::enter::Steps;
use super::fence::TMP;
use super::files::{self, Watch};
use super::grounds::{self, Grounds, RUNTIME};
use super::limits::rlimits;
use super::memory::MemoryWatch;
use super::network::{self, Ports};
use super::no_network::NoNetwork;
use super::places::{Namespaces, Places};
use super::proxy::Proxy;
use super::reach::Reach;
use super::runtime::Runtime;
use crate::exec::Error;
use crate::exec::policy::{Action, Layer, Policy, Resolved, syscall_number};

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
        let here = Namespaces::here().map_err(Error::os("unshare"))?;
        let is_mounted = here != Namespaces::None;
        let mut grounds = Grounds::new(policies, runtime, library, here)?;
        let audit = Audit::new(grounds.resolved.audit_files(), callback)?;
        grounds.keep_audit()?;
        let mounts = grounds.mounts()?;
        let Grounds { resolved, rules, fences, tmp, places, .. } = grounds;
        let mut ports = resolved.layers().iter().map(network::ports).collect::<Vec<Ports>>();
        let denied = resolved.denied_syscalls().into_iter().filter_map(syscall_number);
        let mut sockets = network::sockets(&ports);
        let no_network = if sockets == Sockets::default() {
            NoNetwork::here().map_err(Error::os("unshare"))?
        } else {
            NoNetwork::None
        };
        // What is refused is asked about where somebody wants to know of it, and the supervisor can answer.
        let tells = audit.is_heard() && Reach::here().map_err(Error::os("fork"))?.is_whole();
        if tells {
            (sockets.tcp, sockets.listen) = (true, true);
        }
        let wishes = Wishes { is_mounted, sockets, denied: denied.collect() };
        network::alone(&mut ports, sockets, tells);
        let network = no_network.shared().map_err(Error::os("dup"))?;
        let has_network = network.is_some();
        let rulesets = fences.iter().zip(&ports).map(|(fence, ports)| fence.ruleset(ports));
        let handles = network.into_iter().map(Ok).chain(rulesets).collect::<Result<Vec<_>, _>>()?;
        let steps = Steps {
            limits: rlimits(&resolved.limits()),
            has_network,
            namespaces: here.flags() | no_network.flags(),
            maps: here.maps(),
            mounts,
            late: resolved.layers().iter().map(|layer| grounds::own_folders(layer, &tmp)).collect(),
            filter: bpf::program(&calls::verdicts(&wishes), &calls::OTHERS),
        };
        // What is there for sure, and is nobody's business.
        let canary = PathBuf::from(format!("/proc/{}/status", std::process::id()));
        let opens_all = fences.iter().all(|fence| fence.opens(&canary));
        let is_watched = audit.is_heard() && files::is_wanted(&resolved);
        let proxy = network::needs_proxy(&ports).then(Proxy::new).transpose().map_err(Error::os("bind"))?;
        let asks = asks(&resolved, &ports, sockets)
            | if is_watched { calls::ASK_FILES } else { 0 }
            | if tells { calls::TELL_PROGRAMS } else { 0 };
        let watch = is_watched.then(|| {
            let needs = rules.into_iter().flatten().filter(|rule| rule.place == RUNTIME).collect();
            Arc::new(Watch::new(&resolved, fences, needs, is_mounted))
        });
        let hands_over = asks != 0 && {
            let reach = Reach::here().map_err(Error::os("fork"))?;
            reach.answers(asks)?;
            reach.copies.is_err()
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
            tmp: tmp.path(),
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
        self.memory_bytes().map(|most| MemoryWatch::new(most, has_files, self.audit.clone()))
    }

    /// How much memory it may have with all that it starts.
    pub(in crate::exec) fn memory_bytes(&self) -> Option<u64> {
        self.policy.limits().memory_bytes
    }

    /// Has somebody say what else is known of the session, as long as it is there.
    pub(in crate::exec) fn hears(&self, witness: &Arc<dyn Witness>) {
        self.audit.hears(witness);
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
