//! What a policy says, as it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use super::numbers;

/// What code may do, as a JSON document of version 1. What it does not name is denied.
///
/// Of the rules that fit a request deny wins over warn, warn over allow, and where none fits the section's default holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The JSON Schema by which an editor knows this document. It decides nothing.
    #[serde(default, rename = "$schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The version of this format: 1.
    #[cfg_attr(feature = "cli", schemars(range(min = 1, max = 1)))]
    pub version: u32,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Files and folders.
    #[serde(default)]
    pub fs: Fs,
    /// Networks.
    #[serde(default)]
    pub net: Net,
    /// Programs that the code may start.
    #[serde(default)]
    pub exec: Exec,
    /// The environment's variables.
    #[serde(default)]
    pub env: Env,
    /// How much the code may use.
    #[serde(default)]
    pub limits: Limits,
    /// System calls.
    #[serde(default)]
    pub syscalls: Syscalls,
    /// What is written down of decisions.
    #[serde(default)]
    pub audit: Audit,
}

/// What becomes of a request. The greater of two is the stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is done.
    Allow,
    /// It is done, and written down.
    Warn,
    /// It is refused, and written down.
    #[default]
    Deny,
}

/// Which files and folders the code may use, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Fs {
    /// What becomes of what no rule fits.
    pub default: Action,
    /// Rules, in any order.
    pub rules: Vec<FsRule>,
    /// Whether the code has a folder of its own for temporary files, which goes with its session.
    pub private_tmp: bool,
}

/// A rule for paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FsRule {
    /// What becomes of what it fits.
    pub action: Action,
    /// Files, and folders with all that is below them: absolute, or beginning with `$CWD`, `$HOME` or `~`, `$TMP`, or `$RUNTIME`, which
    /// stands for all that the interpreter itself needs.
    #[cfg_attr(feature = "cli", schemars(length(min = 1)))]
    pub paths: BTreeSet<String>,
    /// What may be done, or may not.
    #[cfg_attr(feature = "cli", schemars(length(min = 1)))]
    pub access: BTreeSet<Access>,
}

/// What is done to a file or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// A file is opened to be read.
    Read,
    /// A file is opened to be written, or truncated.
    Write,
    /// A file is started as a program.
    Execute,
    /// A folder's entries are listed.
    List,
    /// An entry is made in a folder: a file, a folder, a link, a pipe, a socket, or one from elsewhere.
    Create,
    /// An entry is removed from a folder, or goes elsewhere.
    Remove,
}

/// Which networks the code may use. All of it is denied by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Net {
    /// What becomes of what no rule fits.
    pub default: Action,
    /// Rules, in any order.
    pub rules: Vec<NetRule>,
}

/// A rule for connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NetRule {
    /// What becomes of what it fits.
    pub action: Action,
    /// To connect, or to listen.
    #[serde(default)]
    pub direction: Direction,
    /// The protocol; each of them where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Addresses and networks, such as `10.0.0.0/8` or `::1`; all where neither these nor domains are given.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[cfg_attr(feature = "cli", schemars(with = "BTreeSet<String>"))]
    pub addresses: BTreeSet<Network>,
    /// Domains, reached by the proxy alone: `example.org`, or `*.example.org` for all below it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub domains: BTreeSet<String>,
    /// Ports and ranges of ports, such as `443` or `"8000-8010"`; all where none is given.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[cfg_attr(feature = "cli", schemars(with = "BTreeSet<PortsText>"))]
    pub ports: BTreeSet<Ports>,
}

/// Which side of a connection the code is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It connects, or sends to an address.
    #[default]
    Connect,
    /// It takes an address for itself.
    Listen,
}

/// A protocol of the internet's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A network of addresses; one address is a network too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(pub IpNet);

/// Ports from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ports {
    /// The first.
    pub first: u16,
    /// The last, which may be the first.
    pub last: u16,
}

/// Ports as they are written.
#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(untagged)]
enum PortsText {
    One(u16),
    Range(String),
}

/// Which programs the code may start. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Exec {
    /// What becomes of what no rule fits.
    pub default: Action,
    /// Rules, in any order.
    pub rules: Vec<ExecRule>,
}

/// A rule for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ExecRule {
    /// What becomes of what it fits.
    pub action: Action,
    /// A program, or a folder of programs, as paths of files are.
    pub path: String,
    /// The SHA-256 of the program's file, in hexadecimal digits: another content does not fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(regex(pattern = "^[0-9a-fA-F]{64}$")))]
    pub sha256: Option<String>,
}

/// Which of the supervisor's variables the code has. None by default but for the few that Python itself reads: `LANG`, `LC_*`, `TZ`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Env {
    /// Names of variables that it has; `*` at the end stands for anything.
    pub allow: BTreeSet<String>,
    /// Names of variables that it has not, whatever else is said of them; `*` at the end stands for anything.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub deny: BTreeSet<String>,
    /// Variables that it has with this value.
    pub set: BTreeMap<String, String>,
}

/// How much a session may use. Where nothing is given there is no limit beside the system's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How long a run may take, in milliseconds. It is interrupted then.
    #[serde(deserialize_with = "numbers::milliseconds", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1)))]
    pub wall_ms: Option<u64>,
    /// How much time of a processor the session may have in all, in milliseconds; the kernel counts whole seconds.
    #[serde(deserialize_with = "numbers::milliseconds", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1)))]
    pub cpu_ms: Option<u64>,
    /// How much memory it and its children may have, in bytes.
    #[serde(deserialize_with = "numbers::bytes", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1)))]
    pub memory_bytes: Option<u64>,
    /// How many processes and threads it may have, itself included.
    #[serde(deserialize_with = "numbers::processes", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1)))]
    pub processes: Option<u64>,
    /// How long a file that it writes may become, in bytes.
    #[serde(deserialize_with = "numbers::bytes", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1)))]
    pub file_bytes: Option<u64>,
    /// How many descriptors it may have open.
    #[serde(deserialize_with = "numbers::descriptors", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1)))]
    pub descriptors: Option<u64>,
    /// How much of what a run prints is kept, in bytes.
    #[serde(deserialize_with = "numbers::bytes", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "cli", schemars(range(min = 1)))]
    pub output_bytes: Option<u64>,
}

/// Which system calls the code may not make, beside those that no policy has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Syscalls {
    /// Their names.
    pub deny: BTreeSet<String>,
}

/// What is written down of decisions that deny or warn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// The file to which a line of JSON is added for each: a path as those of files are, without `$RUNTIME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Whether refusals of files are written down too: each file that is opened is looked at by the supervisor then, which takes time.
    pub files: bool,
    /// Whether whoever watches the session has them in the payload, also where nobody else is told. Telling of them takes time too.
    pub payload: bool,
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let Ok(net) = net else {
            return Err(format!("`{text}` is no address and no network: give one such as 10.0.0.0/8 or ::1"));
        };
        if net.addr() != net.network() {
            let (net, address) = (net.trunc(), net.addr());
            return Err(format!("`{text}` is an address within a network: give {net}, or {address} alone"));
        }
        Ok(Self(canonical(net)))
    }
}

/// Has a network of IPv4-mapped IPv6 addresses be the network of IPv4 that it stands for, as addresses are when they are decided.
fn canonical(net: IpNet) -> IpNet {
    let IpNet::V6(six) = net else { return net };
    let four = six.addr().to_ipv4_mapped().zip(six.prefix_len().checked_sub(96));
    four.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok()).map_or(net, IpNet::V4)
}

impl From<Network> for String {
    fn from(Network(net): Network) -> Self {
        if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
    }
}

impl Serialize for Ports {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.first == self.last {
            serializer.serialize_u16(self.first)
        } else {
            serializer.serialize_str(&format!("{}-{}", self.first, self.last))
        }
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match PortsText::deserialize(deserializer) {
            Ok(PortsText::One(port)) => return Ok(Self { first: port, last: port }),
            Ok(PortsText::Range(text)) => text,
            Err(_) => {
                return Err(serde::de::Error::custom(
                    "no port: give 0 to 65535, or a range such as \"8000-8010\"",
                ));
            }
        };
        let (first, last) = text.split_once('-').unwrap_or((&text, &text));
        match (first.trim().parse(), last.trim().parse()) {
            (Ok(first), Ok(last)) if first <= last => Ok(Self { first, last }),
            _ => Err(serde::de::Error::custom(format!(
                "`{text}` is no port and no range of ports: give one such as 443 or \"8000-8010\""
            ))),
        }
    }
}
