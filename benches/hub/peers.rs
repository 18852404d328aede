//! The servers that are measured, and what each needs to run here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::options::Options;
use crate::protocol::Protocol;
use crate::{Outcome, circlet};

/// Their names, in the order in which they are shown.
pub(crate) const NAMES: [&str; 7] =
    ["circlet", "node", "bun", "socketioxide", "socketioxide-nagle", "native", FLOOR];

/// What is no server, but what none can be faster than.
pub(crate) const FLOOR: &str = "floor";

/// Of npm's packages and the scripts that use them.
const FILES: [&str; 9] = [
    ".npmrc",
    "package.json",
    "package-lock.json",
    "clock.mjs",
    "frames.mjs",
    "viewers.mjs",
    "node.mjs",
    "bun.mjs",
    "native.mjs",
];

pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) protocol: Protocol,
    pub(crate) orders: Orders,
    /// What it is, with its version.
    pub(crate) told: String,
    program: OsString,
    arguments: Vec<OsString>,
}

/// How a server is told to publish frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Orders {
    /// By an event of a client.
    Event,
    /// By a line on its standard input.
    Line,
}

impl Peer {
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        command
    }

    /// Finds what a peer needs, and installs what npm has of it.
    pub(crate) fn prepare(name: &'static str, options: &Options) -> Outcome<Self> {
        match name {
            "circlet" => {
                let (command, orders) = circlet::command(options)?;
                let told = match orders {
                    Orders::Event => format!("circlet's hub, {}", show(&command)),
                    Orders::Line => "circlet's hub".to_owned(),
                };
                let threads = options.threads_argument().filter(|_| orders == Orders::Line);
                let command = command.into_iter().chain(threads).collect();
                Ok(Self { orders, ..Self::given(name, Protocol::SocketIo, told, command)? })
            }
            "node" => {
                let program = options.node.clone().unwrap_or_else(|| "node".into());
                let told = format!("socket.io on Node {}", version(&program)?);
                Self::given(
                    name,
                    Protocol::SocketIo,
                    told,
                    vec![program, packages()?.join("node.mjs").into()],
                )
            }
            "bun" => {
                let program = bun(options);
                let told = format!("socket.io with @socket.io/bun-engine on Bun {}", version(&program)?);
                Self::given(name, Protocol::SocketIo, told, vec![program, packages()?.join("bun.mjs").into()])
            }
            "native" => {
                let program = bun(options);
                let told = format!("publish of Bun {}, without Socket.IO", version(&program)?);
                Self::given(name, Protocol::Plain, told, vec![program, scripts()?.join("native.mjs").into()])
            }
            "socketioxide" => Self::of_this_program(name, "socketioxide on axum with TCP_NODELAY", options),
            "socketioxide-nagle" => Self::of_this_program(name, "socketioxide on axum as it is", options),
            FLOOR => {
                let floor = Self::of_this_program(name, "a bare loop of send(2)", options)?;
                Ok(Self { protocol: Protocol::Plain, orders: Orders::Line, ..floor })
            }
            _ => Err("there is no such peer".into()),
        }
    }

    /// Tells whether a row is one for it: the floor is of what fans out, and costs more than any server for each viewer.
    pub(crate) fn does(&self, row: &str) -> bool {
        self.name != FLOOR || row.starts_with("fanout")
    }

    fn of_this_program(name: &'static str, told: &str, options: &Options) -> Outcome<Self> {
        let command = [env::current_exe()?.into(), format!("--serve={name}").into()];
        let command = command.into_iter().chain(options.threads_argument());
        Self::given(name, Protocol::SocketIo, told.to_owned(), command.collect())
    }

    fn given(name: &'static str, protocol: Protocol, told: String, command: Vec<OsString>) -> Outcome<Self> {
        let mut arguments = command.into_iter();
        let program = arguments.next().ok_or("there is no program to start")?;
        let orders = Orders::Event;
        Ok(Self { name, protocol, orders, told, program, arguments: arguments.collect() })
    }
}

fn show(command: &[OsString]) -> String {
    command.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The Bun that was named, the one that the tests install, or whichever is found.
fn bun(options: &Options) -> OsString {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("bun/node_modules/.bin/bun");
    let found = || if installed.exists() { installed.into() } else { "bun".into() };
    options.bun.clone().unwrap_or_else(found)
}

fn version(program: &OsString) -> Outcome<String> {
    let output = Command::new(program).arg("--version").output();
    let output = output.map_err(|error| format!("{}: {error}", program.to_string_lossy()))?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout)?.trim().to_owned()),
        false => Err(format!("{} --version: {}", program.to_string_lossy(), output.status).into()),
    }
}

/// Puts the scripts into a folder under the target folder, where their packages are to be.
fn scripts() -> Outcome<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hub-peers");
    fs::create_dir_all(&folder)?;
    for file in FILES {
        fs::copy(source().join(file), folder.join(file)).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(folder)
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/hub/peers")
}

/// Installs what `package-lock.json` has beside the scripts, unless it is there.
fn packages() -> Outcome<PathBuf> {
    let folder = scripts()?;
    let lock = source().join("package-lock.json");
    let installed = folder.join("installed.json");
    if fs::read(&installed).ok() != Some(fs::read(&lock)?) {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&folder)
            .stdout(Stdio::null());
        match npm.status().map_err(|error| format!("npm: {error}"))? {
            status if status.success() => fs::copy(&lock, &installed)?,
            status => return Err(format!("npm ci: {status}").into()),
        };
    }
    Ok(folder)
}
