//! Words of a command line that add to a policy, in the manner of Deno's.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::error::Given;
use super::written::split_path;
use super::{Access, Action, Direction, ExecRule, FsRule, NetRule, Network, Policy, PolicyError, Ports};

/// What flags such as `--allow-read=data,/srv` say. Each is absent, or has what it names; one that names nothing is for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Files and folders that may be read, and listed.
    pub allow_read: Option<Vec<String>>,
    /// Files and folders that may be written, made and removed.
    pub allow_write: Option<Vec<String>>,
    /// Hosts that may be connected to: `example.org`, `*.example.org:443`, `10.0.0.0/8`, `[::1]:8000-8010`.
    pub allow_net: Option<Vec<String>>,
    /// Programs that may be started, by their paths.
    pub allow_run: Option<Vec<String>>,
    /// Names of variables that the code has.
    pub allow_env: Option<Vec<String>>,
    /// Files and folders that may not be read or listed.
    pub deny_read: Option<Vec<String>>,
    /// Files and folders that may not be written, made and removed.
    pub deny_write: Option<Vec<String>>,
    /// Hosts that may not be connected to.
    pub deny_net: Option<Vec<String>>,
    /// Programs that may not be started.
    pub deny_run: Option<Vec<String>>,
    /// Names of variables that the code has not.
    pub deny_env: Option<Vec<String>>,
}

const READ: [Access; 2] = [Access::Read, Access::List];
const WRITE: [Access; 3] = [Access::Write, Access::Create, Access::Remove];

impl Flags {
    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what the flags say to a policy. A path without a slash at its beginning is one below `$CWD`.
    ///
    /// All programs are allowed by a rule that has every file executable, which lets none of them be read.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] for what cannot be in a policy; the place is the flag.
    ///
    /// ```
    /// use circlet::exec::policy::{Flags, Policy};
    ///
    /// let flags = Flags { allow_read: Some(vec!["data".into()]), ..Flags::default() };
    /// let policy = flags.add_to(Policy::template("strict")?)?;
    /// assert!(policy.fs.rules[0].paths.contains("$CWD/data"));
    /// # Ok::<(), circlet::exec::policy::PolicyError>(())
    /// ```
    pub fn add_to(&self, mut policy: Policy) -> Result<Policy, PolicyError> {
        for (flag, names, action, access) in [
            ("--allow-read", &self.allow_read, Action::Allow, &READ[..]),
            ("--allow-write", &self.allow_write, Action::Allow, &WRITE[..]),
            ("--deny-read", &self.deny_read, Action::Deny, &READ[..]),
            ("--deny-write", &self.deny_write, Action::Deny, &WRITE[..]),
        ] {
            let Some(names) = names else { continue };
            let paths: Result<_, _> = all_or(names, "/").map(|name| path(flag, name)).collect();
            let access = access.iter().copied().collect();
            policy.fs.rules.push(FsRule { action, paths: paths?, access });
        }
        for (flag, names, action) in
            [("--allow-net", &self.allow_net, Action::Allow), ("--deny-net", &self.deny_net, Action::Deny)]
        {
            match names.as_deref() {
                None => {}
                Some([]) => policy.net.rules.push(everywhere(action)),
                Some(hosts) => {
                    for host in hosts {
                        policy.net.rules.push(net_rule(flag, host, action)?);
                    }
                }
            }
        }
        for (flag, names, action) in
            [("--allow-run", &self.allow_run, Action::Allow), ("--deny-run", &self.deny_run, Action::Deny)]
        {
            add_programs(&mut policy, flag, names.as_deref(), action)?;
        }
        for (names, variables) in
            [(&self.allow_env, &mut policy.env.allow), (&self.deny_env, &mut policy.env.deny)]
        {
            variables.extend(names.iter().flat_map(|names| all_or(names, "*")).map(str::to_owned));
        }
        policy.check()?;
        Ok(policy)
    }
}

/// Returns what is named, or what stands for all.
fn all_or<'a>(names: &'a [String], all: &'a str) -> impl Iterator<Item = &'a str> {
    let all = names.is_empty().then_some(all);
    names.iter().map(String::as_str).chain(all)
}

fn path(flag: &str, name: &str) -> Result<String, PolicyError> {
    let is_whole = name.starts_with(['/', '$', '~']);
    let bare = name.strip_prefix("./").unwrap_or(name);
    let path = match bare {
        _ if is_whole => name.to_owned(),
        "" if name.is_empty() => {
            return Err(wrong(flag, name, "name files and folders, with commas between"));
        }
        "" | "." => "$CWD".to_owned(),
        below => format!("$CWD/{below}"),
    };
    split_path(&path).map_err(|allowed| wrong(flag, name, &allowed))?;
    Ok(path)
}

fn add_programs(
    policy: &mut Policy,
    flag: &str,
    names: Option<&[String]>,
    action: Action,
) -> Result<(), PolicyError> {
    match names {
        None => {}
        Some([]) if action == Action::Allow => {
            let paths = BTreeSet::from(["/".to_owned()]);
            policy.fs.rules.push(FsRule { action, paths, access: BTreeSet::from([Access::Execute]) });
            policy.exec.default = action;
        }
        Some([]) => policy.exec.rules.push(ExecRule { action, path: "/".to_owned(), sha256: None }),
        Some(names) => {
            for name in names {
                if !name.contains('/') {
                    return Err(wrong(flag, name, "give the program's path, such as /usr/bin/git"));
                }
                policy.exec.rules.push(ExecRule { action, path: path(flag, name)?, sha256: None });
            }
        }
    }
    Ok(())
}

/// A rule for connections to anywhere.
fn everywhere(action: Action) -> NetRule {
    NetRule {
        action,
        direction: Direction::Connect,
        protocol: None,
        addresses: BTreeSet::new(),
        domains: BTreeSet::new(),
        ports: BTreeSet::new(),
    }
}

/// Reads a host and its ports: `example.org:443`, `10.0.0.0/8`, `[::1]:80`, `::1`.
fn net_rule(flag: &str, text: &str, action: Action) -> Result<NetRule, PolicyError> {
    let (host, ports) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or_default())),
        // An IPv6 address has colons of its own.
        None if text.matches(':').count() > 1 => (text, None),
        None => text.split_once(':').map_or((text, None), |(host, ports)| (host, Some(ports))),
    };
    let mut rule = everywhere(action);
    if let Some(ports) = ports {
        rule.ports.insert(parse_ports(ports).ok_or_else(|| {
            wrong(
                flag,
                text,
                "after the host comes a port, or a range of them: example.org:443, 10.0.0.0/8:8000-8010",
            )
        })?);
    }
    if host.contains('/') || host.parse::<IpAddr>().is_ok() {
        let network = Network::try_from(host.to_owned()).map_err(|allowed| wrong(flag, text, &allowed))?;
        rule.addresses.insert(network);
    } else {
        let domain = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if !super::written::is_domain(domain.strip_prefix("*.").unwrap_or(&domain)) {
            let allowed = "give a domain, an address or a network, and ports if need be: example.org, *.example.org:443, [::1]:80";
            return Err(wrong(flag, text, allowed));
        }
        rule.domains.insert(domain);
    }
    Ok(rule)
}

fn parse_ports(text: &str) -> Option<Ports> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(Ports { first, last })
}

fn wrong(flag: &str, given: &str, allowed: &str) -> PolicyError {
    PolicyError::Value {
        place: flag.to_owned(),
        given: Given::Text(given.to_owned()),
        allowed: allowed.to_owned(),
    }
}
