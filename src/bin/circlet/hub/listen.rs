//! How a hub is reached, and by whom: what `circlet serve` and `circlet replay` have in common.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use circlet::hub::{Hub, HubError, HubOptions};
use ipnet::IpNet;
use serde_json::json;

use super::limits::Limits;
use crate::failure::Failure;
use crate::output::{log, print_line};

/// How soon a signal is heard.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);

/// For how long viewers may take what was published last.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// What options are under that say who may.
const WHO: &str = "Who may";

#[derive(Debug, clap::Args)]
pub(super) struct Listen {
    /// Where to listen; port 0 takes a free one. Beyond this machine only with a reason: see docs/hub.md
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:3010", value_parser = address)]
    pub(super) addr: SocketAddr,
    /// How often what is new is told at most, a second
    #[arg(long, default_value_t = HubOptions::default().hz, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(super) hz: u32,
    /// No polling
    #[arg(long)]
    pub(super) websocket_only: bool,
    /// Print one line of JSON once it listens, and its statistics each second; it ends once nobody reads that any more
    #[arg(long)]
    pub(super) json: bool,
    /// A file whose first line emitters say as their token; else the variable CIRCLET_EMIT_TOKEN
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = WHO)]
    pub(super) emit_token: Option<PathBuf>,
    /// A file whose first line viewers say as their token; else the variable CIRCLET_VIEW_TOKEN
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = WHO)]
    pub(super) view_token: Option<PathBuf>,
    /// An origin whose pages may connect, such as https://app.example, beside the hub's own
    #[arg(long, value_name = "ORIGIN", help_heading = WHO)]
    pub(super) origin: Vec<String>,
    /// A name by which the hub is reached, such as hub.example
    #[arg(long, value_name = "HOST", help_heading = WHO)]
    pub(super) host: Vec<String>,
    /// An address or network that may connect; all may where none is named
    #[arg(long, value_name = "CIDR", value_parser = network, help_heading = WHO)]
    pub(super) allow: Vec<IpNet>,
    /// An address or network that may not connect
    #[arg(long, value_name = "CIDR", value_parser = network, help_heading = WHO)]
    pub(super) deny: Vec<IpNet>,
    #[command(flatten)]
    limits: Limits,
}

impl Listen {
    /// What was given, and for the rest what is usual of `options`.
    pub(super) fn options(&self, mut options: HubOptions) -> Result<HubOptions, Failure> {
        options.addr = self.addr;
        options.hz = self.hz;
        options.emit_token = token("--emit-token", self.emit_token.as_ref(), "CIRCLET_EMIT_TOKEN")?;
        options.view_token = token("--view-token", self.view_token.as_ref(), "CIRCLET_VIEW_TOKEN")?;
        options.origins.clone_from(&self.origin);
        options.hosts.clone_from(&self.host);
        options.allow.clone_from(&self.allow);
        options.deny.clone_from(&self.deny);
        options.websocket_only = self.websocket_only;
        self.limits.set(&mut options);
        Ok(options)
    }

    /// Starts the hub and says where it is; tells whether anybody reads that.
    pub(super) fn start(&self, options: HubOptions) -> Result<(Hub, bool), Failure> {
        let is_open = !options.addr.ip().is_loopback();
        // Many a shell gives a program 1,024, of which each viewer takes one.
        let needed = options.max_connections as u64;
        let may_open = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(u64::MAX);
        if may_open < needed {
            log(format_args!(
                "at most {may_open} files may be open here, fewer than the {needed} viewers that may come: see `ulimit -n` and --max-viewers"
            ));
        }
        let hub = Hub::start(options).map_err(blame)?;
        let said = if self.json {
            print_line(json!({ "addr": hub.addr().to_string() }))?
        } else {
            print_line(format_args!("listening at http://{}", hub.addr()))?
        };
        if is_open {
            log("everybody who reaches this address may watch: see --view-token, --allow and docs/hub.md");
        }
        Ok((hub, said))
    }
}

/// Blames what was given, or what happened.
pub(super) fn blame(error: HubError) -> Failure {
    match error {
        HubError::Thread(_) => Failure::run(error),
        HubError::Redis { .. } => Failure::input(format_args!("`--redis` or CIRCLET_REDIS: {error}")),
        HubError::Option { option, given, allowed } => {
            let named = option.replace("max_connections", "max_viewers").replace('_', "-");
            let named = match &*named {
                "origins" | "hosts" => named.trim_end_matches('s'),
                named => named,
            };
            Failure::input(format_args!("`--{named}` is {given}; allowed is {allowed}"))
        }
        HubError::Recording { .. } => Failure::input(format_args!("`--record`: {error}")),
        HubError::Listen { .. } => Failure::input(format_args!("`--addr`: {error}")),
        _ => Failure::input(error),
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "an address and a port are needed, as 127.0.0.1:3010 or [::1]:0".to_owned())
}

fn network(text: &str) -> Result<IpNet, String> {
    let wrong = || "an address or a network is needed, as 10.0.0.7 or 10.0.0.0/8".to_owned();
    text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from).map_err(|_| wrong()))
}

/// Reads a token of the first line of a file, else of a variable: on the command line everybody would see it.
fn token(option: &str, file: Option<&PathBuf>, variable: &str) -> Result<Option<String>, Failure> {
    let Some(file) = file else { return Ok(std::env::var(variable).ok().filter(|token| !token.is_empty())) };
    let wrong = |why: &dyn std::fmt::Display| Failure::input(format!("`{option}` {}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
    let first = text.lines().next().unwrap_or_default().trim();
    if first.is_empty() {
        return Err(wrong(&"its first line is empty, where a token is needed"));
    }
    Ok(Some(first.to_owned()))
}
