//! What becomes of a request: a function of the policy and the request alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use super::special::is_special;
use super::written::{fits_name, is_certain, is_domain};
use super::{
    Access, Action, Decision, Direction, Layer, NetRule, Place, Protocol, Request, Resolved,
    ResolvedExecRule, Rule, syscall_number,
};
use crate::exec::sandbox::is_refused_to_all;

/// The variables that code always has, since Python itself reads them.
const BASICS: [&str; 3] = ["LANG", "LC_*", "TZ"];

type Said = (Action, Place);

impl Resolved {
    /// Decides on a request: of the rules that fit it deny wins over warn, warn over allow; where none fits the section's
    /// default holds. Of several policies the strictest does.
    ///
    /// ```
    /// use std::path::Path;
    /// use circlet::exec::policy::{Access, Action, Policy, Request, Surroundings};
    ///
    /// let policy = Policy::from_json(r#"{
    ///     "version": 1,
    ///     "fs": {"rules": [{"action": "allow", "paths": ["$CWD"], "access": ["read"]}]}
    /// }"#)?;
    /// let here = Surroundings {
    ///     cwd: "/srv".into(), home: "/home/ada".into(), tmp: "/tmp".into(), runtime: vec!["/usr/lib".into()],
    /// };
    /// let decision = policy.resolve(&here).decide(&Request::Path { path: Path::new("/srv/a.csv"), access: Access::Read });
    /// assert_eq!(decision.action, Action::Allow);
    /// assert_eq!(decision.rule.to_string(), "fs.rules[0]");
    /// # Ok::<(), circlet::exec::policy::PolicyError>(())
    /// ```
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        if let Some(conflict) = self.conflict(request) {
            return conflict;
        }
        let mut strictest: Option<(Said, &Layer)> = None;
        for layer in &self.layers {
            let said = layer.decide(request);
            // The first of equals is named.
            if strictest.is_none_or(|(strict, _)| said.0 > strict.0) {
                strictest = Some((said, layer));
            }
        }
        match strictest {
            Some(((action, place), layer)) => Decision { action, rule: layer.rule(place) },
            // There is always a layer. If there were none, nothing would be allowed.
            None => Decision { action: Action::Deny, rule: Rule { policy: None, place: Place::Unclear } },
        }
    }

    /// Tells whether what is in a program may decide on it, and not its path alone.
    pub fn asks_for_content(&self, path: &Path) -> bool {
        let asks = |rule: &ResolvedExecRule| rule.sha256.is_some() && fits(&rule.paths, path);
        self.layers().iter().any(|layer| layer.exec_rules.iter().any(asks))
    }

    /// Denies a variable for which two policies have set different values.
    fn conflict(&self, request: &Request<'_>) -> Option<Decision> {
        let Request::Variable { name } = request else { return None };
        let mut values = self.layers.iter().filter_map(|layer| Some((layer, layer.env.set.get(*name)?)));
        let (_, first) = values.next()?;
        let (other, _) = values.find(|(_, value)| *value != first)?;
        Some(Decision { action: Action::Deny, rule: other.rule(Place::EnvSet) })
    }
}

impl Layer {
    pub(super) fn rule(&self, place: Place) -> Rule {
        // What holds for every session is in no policy.
        let policy = self.name.clone().filter(|_| place != Place::SyscallsRefused);
        Rule { policy, place }
    }

    fn decide(&self, request: &Request<'_>) -> Said {
        match *request {
            Request::Path { path, .. } | Request::Program { path, .. } if !is_certain(path) => {
                (Action::Deny, Place::Unclear)
            }
            Request::Path { path, access } => self.decide_path(path, access),
            Request::Address { direction, protocol, address, port } => {
                self.decide_address(direction, protocol, address.to_canonical(), port)
            }
            Request::Domain { name, port, address } => self.decide_domain(name, port, address),
            Request::Program { path, sha256 } => self.decide_program(path, sha256),
            Request::Variable { name } => self.decide_variable(name),
            Request::Syscall { name } if self.syscalls_deny.contains(name) => {
                (Action::Deny, Place::SyscallsDeny)
            }
            // The filter's own lists say it, so that no decision differs from what the kernel does.
            Request::Syscall { name } if syscall_number(name).is_none_or(is_refused_to_all) => {
                (Action::Deny, Place::SyscallsRefused)
            }
            Request::Syscall { .. } => (Action::Allow, Place::SyscallsDefault),
        }
    }

    fn decide_path(&self, path: &Path, access: Access) -> Said {
        let rules = self.fs_rules.iter().enumerate();
        let fit = rules.filter(|(_, rule)| rule.access.contains(&access) && fits(&rule.paths, path));
        if let Some(said) = strictest(fit.map(|(index, rule)| (rule.action, Place::FsRule(index)))) {
            return said;
        }
        self.granted(path, access).map_or((self.fs_default, Place::FsDefault), |place| (Action::Allow, place))
    }

    /// Tells what allows a path where no rule for files fits it.
    fn granted(&self, path: &Path, access: Access) -> Option<Place> {
        if matches!(access, Access::Read | Access::List | Access::Execute) && fits(&self.runtime, path) {
            return Some(Place::Runtime);
        }
        if access != Access::Execute && fits(&self.private_tmp, path) {
            return Some(Place::PrivateTmp);
        }
        if !matches!(access, Access::Read | Access::Execute) {
            return None;
        }
        // A program that may be started is read by the kernel, or by its interpreter. Its content is looked at when it is started.
        let mut rules = self.exec_rules.iter().enumerate();
        rules.find_map(|(index, rule)| {
            (rule.action != Action::Deny && fits(&rule.paths, path)).then_some(Place::ExecRule(index))
        })
    }

    fn decide_program(&self, path: &Path, sha256: Option<[u8; 32]>) -> Said {
        let rules = self.exec_rules.iter().enumerate();
        let fit = rules.filter(|(_, rule)| fits(&rule.paths, path) && fits_content(rule, sha256));
        let said = strictest(fit.map(|(index, rule)| (rule.action, Place::ExecRule(index))))
            .unwrap_or((self.exec_default, Place::ExecDefault));
        stricter(said, self.decide_path(path, Access::Execute))
    }

    fn decide_address(&self, direction: Direction, protocol: Protocol, address: IpAddr, port: u16) -> Said {
        let decide = |address| self.decide_net(|rule| fits_address(rule, direction, protocol, address, port));
        let said = decide(address);
        // What is sent to no address comes to this machine (RFC 1122, 3.2.1.3).
        let meant = match address {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            other => other,
        };
        if direction == Direction::Listen || meant == address {
            return said;
        }
        let also = decide(meant);
        if also.0 > said.0 { also } else { said }
    }

    fn decide_domain(&self, name: &str, port: u16, address: Option<IpAddr>) -> Said {
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        if let Ok(address) = bare.parse::<IpAddr>() {
            let address = address.to_canonical();
            return self.decide_address(Direction::Connect, Protocol::Tcp, address, port);
        }
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if !is_domain(&name) {
            return (Action::Deny, Place::Unclear);
        }
        let address = address.map(|address| address.to_canonical());
        let by_name = self.decide_net(|rule| {
            let is_for_all = rule.addresses.is_empty() && rule.domains.is_empty();
            let has_name = rule.domains.iter().any(|domain| fits_domain(domain, &name));
            // An address that is allowed says nothing of the name; one that is denied cannot be had by another name.
            let has_address = rule.action != Action::Allow && address.is_some_and(|a| has_address(rule, a));
            fits_port(rule, Direction::Connect, Protocol::Tcp, port)
                && (is_for_all || has_name || has_address)
        });
        // Who owns a name says where it leads: it opens nothing near that is not open anyway.
        match address.filter(|address| is_special(*address)) {
            Some(address) => {
                stricter(by_name, self.decide_address(Direction::Connect, Protocol::Tcp, address, port))
            }
            None => by_name,
        }
    }

    fn decide_net(&self, fits: impl Fn(&NetRule) -> bool) -> Said {
        let rules = self.net.rules.iter().enumerate();
        let fit = rules.filter(|(_, rule)| fits(rule));
        strictest(fit.map(|(index, rule)| (rule.action, Place::NetRule(index))))
            .unwrap_or((self.net.default, Place::NetDefault))
    }

    fn decide_variable(&self, name: &str) -> Said {
        if self.env.deny.iter().any(|pattern| fits_name(pattern, name)) {
            (Action::Deny, Place::EnvDeny)
        } else if self.env.set.contains_key(name) {
            (Action::Allow, Place::EnvSet)
        } else if self.env.allow.iter().any(|pattern| fits_name(pattern, name)) {
            (Action::Allow, Place::EnvAllow)
        } else if BASICS.iter().any(|pattern| fits_name(pattern, name)) {
            (Action::Allow, Place::EnvBasics)
        } else {
            (Action::Deny, Place::EnvDefault)
        }
    }
}

/// Returns the strictest, and of equals the first.
fn strictest(said: impl Iterator<Item = Said>) -> Option<Said> {
    said.reduce(stricter)
}

/// Returns the stricter of two, and of equals the first.
fn stricter(one: Said, other: Said) -> Said {
    if other.0 > one.0 { other } else { one }
}

/// Tells whether a path is one of these, or below one, by whole components.
fn fits<'a>(paths: impl IntoIterator<Item = &'a PathBuf>, path: &Path) -> bool {
    paths.into_iter().any(|beginning| path.starts_with(beginning))
}

fn fits_content(rule: &ResolvedExecRule, sha256: Option<[u8; 32]>) -> bool {
    match (rule.sha256, sha256) {
        (Some(wanted), Some(found)) => wanted == found,
        // It might be the one.
        (Some(_), None) => rule.action != Action::Allow,
        (None, _) => true,
    }
}

fn fits_address(
    rule: &NetRule,
    direction: Direction,
    protocol: Protocol,
    address: IpAddr,
    port: u16,
) -> bool {
    let has_address = has_address(rule, address) || rule.addresses.is_empty() && rule.domains.is_empty();
    has_address && fits_port(rule, direction, protocol, port)
}

fn has_address(rule: &NetRule, address: IpAddr) -> bool {
    rule.addresses.iter().any(|network| network.0.contains(&address))
}

fn fits_port(rule: &NetRule, direction: Direction, protocol: Protocol, port: u16) -> bool {
    rule.direction == direction
        && rule.protocol.is_none_or(|wanted| wanted == protocol)
        && (rule.ports.is_empty()
            || rule.ports.iter().any(|ports| (ports.first..=ports.last).contains(&port)))
}

fn fits_domain(domain: &str, name: &str) -> bool {
    match domain.strip_prefix("*.") {
        Some(parent) => {
            name.strip_suffix(parent).is_some_and(|below| below.len() > 1 && below.ends_with('.'))
        }
        None => domain == name,
    }
}
