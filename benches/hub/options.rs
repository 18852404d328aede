//! What the program is told to do.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::Outcome;
use crate::peers::NAMES;
use crate::rows::ROWS;

pub(crate) const HELP: &str = "\
The hub under load, beside other servers, each a process of its own on loopback.

cargo bench --features hub --bench hub -- [OPTION...]

  --peers=NAME,...  circlet, node, bun, socketioxide, socketioxide-nagle, native, floor [all]
                    floor is a bare loop of send(2), in the rows that fan out: what is possible here at most
  --rows=NAME,...   memory, connect, join, fanout200, fanout1000, slow, held [all]
  --rounds=N        the peers in turns, each time with another first [3]
  --hub=COMMAND     another hub than that of this program: prints its port, takes orders as other peers do
  --node=PROGRAM    [node]
  --bun=PROGRAM     [bun/node_modules/.bin/bun, or bun]
  --threads=N       of circlet's hub, of socketioxide's runtime and of the floor [one for each core]
  --json=FILE       has all figures of all rounds
  --smoke, --test   every row once, with 20 viewers for one second: shows that all of it runs, measures nothing
  --serve=NAME      is one of the servers: circlet, socketioxide, socketioxide-nagle, floor

What cannot run here is said and left out. Linux, two cores that nothing else uses.";

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) peers: Vec<&'static str>,
    pub(crate) rows: Vec<&'static str>,
    pub(crate) rounds: usize,
    pub(crate) hub: Option<String>,
    pub(crate) node: Option<OsString>,
    pub(crate) bun: Option<OsString>,
    pub(crate) threads: Option<usize>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) smoke: bool,
    pub(crate) serve: Option<String>,
    pub(crate) help: bool,
}

impl Options {
    /// Reads `--name=value` and `--name value`.
    pub(crate) fn read() -> Outcome<Self> {
        let mut options = Self {
            peers: NAMES.to_vec(),
            rows: ROWS.to_vec(),
            rounds: 3,
            hub: None,
            node: None,
            bun: None,
            threads: None,
            json: None,
            smoke: false,
            serve: None,
            help: false,
        };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            match name {
                // What cargo itself adds.
                "--bench" => continue,
                "--smoke" | "--test" => options.smoke = true,
                "--help" | "-h" => options.help = true,
                _ => {
                    let value =
                        value.or_else(|| arguments.next()).ok_or_else(|| format!("{name} has no value"))?;
                    options.set(name, value)?;
                }
            }
        }
        if options.smoke {
            options.rounds = 1;
        }
        Ok(options)
    }

    /// Tells one of the servers how many threads to have.
    pub(crate) fn threads_argument(&self) -> Option<OsString> {
        Some(format!("--threads={}", self.threads?).into())
    }

    fn set(&mut self, name: &str, value: String) -> Outcome<()> {
        match name {
            "--peers" => self.peers = chosen(&NAMES, &value)?,
            "--rows" => self.rows = chosen(&ROWS, &value)?,
            "--rounds" => self.rounds = value.parse::<usize>()?.max(1),
            "--hub" => self.hub = Some(value),
            "--node" => self.node = Some(value.into()),
            "--bun" => self.bun = Some(value.into()),
            "--threads" => self.threads = Some(value.parse::<usize>()?.max(1)),
            "--json" => self.json = Some(value.into()),
            "--serve" => self.serve = Some(value),
            _ => return Err(format!("there is no option {name}\n\n{HELP}").into()),
        }
        Ok(())
    }
}

/// Gives those of `known` that are named, in its order.
fn chosen(known: &[&'static str], named: &str) -> Outcome<Vec<&'static str>> {
    match named.split(',').find(|name| !known.contains(name)) {
        Some(unknown) => Err(format!("{unknown} is none of {}", known.join(", ")).into()),
        None => Ok(known.iter().copied().filter(|name| named.split(',').any(|word| word == *name)).collect()),
    }
}
