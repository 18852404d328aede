//! Requests as people write them: `open /etc/passwd`, `connect 10.0.0.1:443`.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use circlet::exec::policy::{Access, Direction, Protocol, Request, Surroundings};
use sha2::{Digest, Sha256};

use super::arguments::found_in_path;
use crate::failure::Failure;

/// What can be asked.
const FORMS: &str = "open, read, write, list, create, remove or execute and a path; connect or listen, HOST:PORT, and tcp or udp; \
                     exec and a program; env and a variable's name; syscall and a call's name";

/// A request that has its own words.
#[derive(Debug)]
pub(super) enum Question {
    Path(PathBuf, Access),
    Address(Direction, Protocol, SocketAddr),
    Domain(String, u16),
    Program(PathBuf, Option<[u8; 32]>),
    Variable(String),
    Syscall(String),
}

impl Question {
    /// Reads what somebody asks. A path begins as a rule's does; what is relative is taken from the folder.
    pub(super) fn parse(text: &str, here: &Surroundings) -> Result<Self, Failure> {
        let text = text.trim();
        let wrong = || Failure::input(format!("`{text}` cannot be asked: give {FORMS}"));
        let (verb, what) = text.split_once(char::is_whitespace).ok_or_else(wrong)?;
        let what = what.trim();
        let path = |access| Ok(Self::Path(real(&place(what, here)?), access));
        match verb {
            "open" | "read" => path(Access::Read),
            "write" => path(Access::Write),
            "list" => path(Access::List),
            "create" => path(Access::Create),
            "remove" => path(Access::Remove),
            "execute" => path(Access::Execute),
            "connect" => connection(Direction::Connect, what).ok_or_else(wrong),
            "listen" => connection(Direction::Listen, what).ok_or_else(wrong),
            "exec" => {
                let program = if what.contains('/') { vec![what.to_owned()] } else { found_in_path(what)? };
                let program = real(&place(program.first().ok_or_else(wrong)?, here)?);
                let sha256 = fs::read(&program).ok().map(|content| Sha256::digest(content).into());
                Ok(Self::Program(program, sha256))
            }
            "env" => Ok(Self::Variable(what.to_owned())),
            "syscall" if circlet::exec::policy::is_syscall(what) => Ok(Self::Syscall(what.to_owned())),
            "syscall" => Err(Failure::input(format!("`{what}` is no system call of Linux"))),
            _ => Err(wrong()),
        }
    }

    /// Returns it as a policy is asked.
    pub(super) fn request(&self) -> Request<'_> {
        match self {
            Self::Path(path, access) => Request::Path { path, access: *access },
            Self::Address(direction, protocol, address) => Request::Address {
                direction: *direction,
                protocol: *protocol,
                address: address.ip(),
                port: address.port(),
            },
            Self::Domain(name, port) => Request::Domain { name, port: *port, address: None },
            Self::Program(path, sha256) => Request::Program { path, sha256: *sha256 },
            Self::Variable(name) => Request::Variable { name },
            Self::Syscall(name) => Request::Syscall { name },
        }
    }
}

/// Returns the place that a path names.
fn place(path: &str, here: &Surroundings) -> Result<PathBuf, Failure> {
    if path.starts_with(['~', '$']) {
        here.place(path).map_err(Failure::input)
    } else {
        Ok(here.cwd.join(path))
    }
}

/// Reads a host, its port, and the protocol.
fn connection(direction: Direction, text: &str) -> Option<Question> {
    let (place, protocol) =
        match text.split_once(char::is_whitespace).map(|(place, word)| (place, word.trim())) {
            None => (text, Protocol::Tcp),
            Some((place, "tcp")) => (place, Protocol::Tcp),
            Some((place, "udp")) => (place, Protocol::Udp),
            Some(_) => return None,
        };
    let (host, port) = place.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some(Question::Address(direction, protocol, SocketAddr::new(address, port)));
    }
    let is_name = (direction, protocol) == (Direction::Connect, Protocol::Tcp) && !host.is_empty();
    is_name.then(|| Question::Domain(host.to_owned(), port))
}

/// Returns where a path leads, as far as it is there.
fn real(path: &Path) -> PathBuf {
    for folder in path.ancestors() {
        if let Ok(found) = fs::canonicalize(folder) {
            let rest = path.strip_prefix(folder).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() { found } else { found.join(rest) };
        }
    }
    path.to_owned()
}
