//! What is asked of a policy, and what it says.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use super::{Access, Action, Direction, Protocol};

/// Something that code is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// A file or a folder is used. One of these is asked for each access: what is created and removed is named by the entry.
    Path {
        /// Where it really is: absolute, without `..`, and with no symlink in it. Any other is denied.
        path: &'a Path,
        /// What is done to it.
        access: Access,
    },
    /// An address is connected to, sent to, or listened at.
    Address {
        /// Which side the code is.
        direction: Direction,
        /// The protocol.
        protocol: Protocol,
        /// The address; an IPv4-mapped IPv6 address is the IPv4 address.
        address: IpAddr,
        /// The port.
        port: u16,
    },
    /// A domain is connected to, by TCP and by its name.
    Domain {
        /// Its name. A name that is an address is decided as that address.
        name: &'a str,
        /// The port.
        port: u16,
        /// The address that the name leads to, once it is known: rules that deny the address, or warn of it, hold for the name too. One
        /// that is not the public's, such as those of loopback and of private networks, must be allowed as an address as well.
        address: Option<IpAddr>,
    },
    /// A program is started.
    Program {
        /// Where it really is, as with [`Request::Path`].
        path: &'a Path,
        /// The SHA-256 of its file, if it is known. Where it is not, no rule that wants one allows, and each that wants one denies.
        sha256: Option<[u8; 32]>,
    },
    /// A variable of the environment is taken over.
    Variable {
        /// Its name.
        name: &'a str,
    },
    /// A system call is made.
    Syscall {
        /// Its name.
        name: &'a str,
    },
}

/// What a policy says to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of the request.
    pub action: Action,
    /// What says so.
    pub rule: Rule,
}

/// What a decision comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What people call the policy.
    pub policy: Option<Arc<str>>,
    /// Where in the policy it is.
    pub place: Place,
}

/// A place in a policy; it is written as the JSON's path: `fs.rules[3]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A rule for files and folders.
    FsRule(usize),
    /// The default for files and folders.
    FsDefault,
    /// The session has the folder for itself.
    PrivateTmp,
    /// The interpreter needs it.
    Runtime,
    /// A rule for networks.
    NetRule(usize),
    /// The default for networks.
    NetDefault,
    /// A rule for programs.
    ExecRule(usize),
    /// The default for programs.
    ExecDefault,
    /// Variables that the code has not.
    EnvDeny,
    /// Variables that have a value here.
    EnvSet,
    /// Variables that the code has.
    EnvAllow,
    /// The variables that code always has.
    EnvBasics,
    /// What is said of no other variable.
    EnvDefault,
    /// System calls that are denied.
    SyscallsDeny,
    /// System calls that no policy allows, and that this machine has not.
    SyscallsRefused,
    /// What is said of no other system call.
    SyscallsDefault,
    /// No rule: a relative path, a path with `..`, or a name that no domain has.
    Unclear,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FsRule(index) => write!(f, "fs.rules[{index}]"),
            Self::FsDefault => f.write_str("fs.default"),
            Self::PrivateTmp => f.write_str("fs.private_tmp"),
            Self::Runtime => f.write_str("$RUNTIME"),
            Self::NetRule(index) => write!(f, "net.rules[{index}]"),
            Self::NetDefault => f.write_str("net.default"),
            Self::ExecRule(index) => write!(f, "exec.rules[{index}]"),
            Self::ExecDefault => f.write_str("exec.default"),
            Self::EnvDeny => f.write_str("env.deny"),
            Self::EnvSet => f.write_str("env.set"),
            Self::EnvAllow => f.write_str("env.allow"),
            Self::EnvBasics => f.write_str("env (always there)"),
            Self::EnvDefault => f.write_str("env (not named)"),
            Self::SyscallsDeny => f.write_str("syscalls.deny"),
            Self::SyscallsRefused => f.write_str("syscalls (refused to every session)"),
            Self::SyscallsDefault => f.write_str("syscalls (not named)"),
            Self::Unclear => f.write_str("no rule, for it names no place for certain"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)?;
        match &self.policy {
            Some(policy) if self.place != Place::Unclear => write!(f, " of {policy}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { path, access } => write!(f, "{} {}", access.name(), path.display()),
            Self::Address { direction, protocol, address, port } => {
                let address = SocketAddr::new(address.to_canonical(), *port);
                write!(f, "{} {address} {}", direction.name(), protocol.name())
            }
            Self::Domain { name, port, .. } => write!(f, "connect {name}:{port} tcp"),
            Self::Program { path, .. } => write!(f, "exec {}", path.display()),
            Self::Variable { name } => write!(f, "env {name}"),
            Self::Syscall { name } => write!(f, "syscall {name}"),
        }
    }
}
