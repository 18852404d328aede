//! `circlet serve`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use circlet::hub::{Hub, HubError, HubOptions};
use ipnet::IpNet;
use serde_json::json;

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::{note, print_line};
use crate::ring::parse_interval;

/// How soon a signal is heard.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// For how long viewers may take what was published last.
const PATIENCE: Duration = Duration::from_secs(2);

/// Show rings and sessions live to viewers, over Socket.IO
///
/// Its page is at the address that it says. Other viewers connect with any Socket.IO client and join rooms:
/// `ring:NAME` for a ring, `session:NAME` for a session's page, `rings` for how full the rings are, and any room that
/// emitters speak of. Emitters connect with the token, or post to /emit. docs/hub.md says what is said. It goes on
/// until Ctrl-C.
///
/// Examples:
///   circlet serve --session app --ring frames
///   circlet serve --addr 127.0.0.1:8080 --ring frames=game-1 --hz 60
///   CIRCLET_EMIT_TOKEN=secret circlet serve &
///   curl -H 'Authorization: Bearer secret' -d '{"event": "agent-action", "room": "g", "action": "edit"}' 127.0.0.1:3010/emit
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Where to listen; port 0 takes a free one. Beyond this machine only with a reason: see docs/hub.md
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:3010", value_parser = address)]
    addr: SocketAddr,
    /// Show this ring, in the room ring:NAME or in another
    #[arg(long, value_name = "NAME[=ROOM]")]
    ring: Vec<String>,
    /// Show the session on this page, in the room session:NAME or in another
    #[arg(long, value_name = "NAME[=ROOM]")]
    session: Vec<String>,
    /// How often what is new is told at most, a second
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=60))]
    hz: u32,
    /// A file whose first line emitters say as their token; else the variable CIRCLET_EMIT_TOKEN
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    emit_token: Option<PathBuf>,
    /// A file whose first line viewers say as their token; else the variable CIRCLET_VIEW_TOKEN
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    view_token: Option<PathBuf>,
    /// An origin whose pages may connect, such as https://app.example, beside the hub's own
    #[arg(long, value_name = "ORIGIN")]
    origin: Vec<String>,
    /// A name by which the hub is reached, such as hub.example
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// An address or network that may connect; all may where none is named
    #[arg(long, value_name = "CIDR", value_parser = network)]
    allow: Vec<IpNet>,
    /// An address or network that may not connect
    #[arg(long, value_name = "CIDR", value_parser = network)]
    deny: Vec<IpNet>,
    /// No polling
    #[arg(long)]
    websocket_only: bool,
    /// For how long a room that nobody watches stays without activity, as in 10s or 600 (seconds)
    #[arg(long, value_name = "TIME", default_value = "600s", value_parser = parse_interval)]
    idle_room: Duration,
    /// For how long a viewer may take nothing of what waits for it
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_interval)]
    stalled_after: Duration,
    /// How many viewers there are at most
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    max_viewers: usize,
    /// Print one line of JSON once it listens, and its statistics each second after that
    #[arg(long)]
    json: bool,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "an address and a port are needed, as 127.0.0.1:3010 or [::1]:0".to_owned())
}

fn network(text: &str) -> Result<IpNet, String> {
    let wrong = || "an address or a network is needed, as 10.0.0.7 or 10.0.0.0/8".to_owned();
    text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from).map_err(|_| wrong()))
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let interrupt = Interrupt::watch()?;
    let options = options(arguments)?;
    let is_open = !options.addr.ip().is_loopback();
    let hub = Hub::start(options).map_err(|error| match error {
        HubError::Thread(_) => Failure::run(error),
        _ => Failure::input(error),
    })?;
    for (name, room) in arguments.ring.iter().map(|ring| named("ring", ring)) {
        hub.follow_ring(name, &room).map_err(Failure::run)?;
    }
    for (name, room) in arguments.session.iter().map(|page| named("session", page)) {
        hub.follow_session(name, &room).map_err(Failure::run)?;
    }
    let said = if arguments.json {
        print_line(json!({ "addr": hub.addr().to_string() }))?
    } else {
        print_line(format_args!("listening at http://{}", hub.addr()))?
    };
    if is_open {
        note("everybody who reaches this address may watch: see --view-token, --allow and docs/hub.md");
    }
    let mut looks = 0_u32;
    while said && interrupt.check().is_ok() {
        std::thread::sleep(LOOK_EVERY);
        looks += 1;
        if arguments.json && looks.is_multiple_of(10) && !print_line(json!({ "stats": hub.stats() }))? {
            break;
        }
    }
    hub.stop(PATIENCE);
    Ok(())
}

/// Parts `NAME[=ROOM]`.
fn named<'a>(kind: &str, given: &'a str) -> (&'a str, String) {
    match given.split_once('=') {
        Some((name, room)) => (name, room.to_owned()),
        None => (given, format!("{kind}:{given}")),
    }
}

fn options(arguments: &Arguments) -> Result<HubOptions, Failure> {
    let mut options = HubOptions::default();
    options.addr = arguments.addr;
    options.hz = arguments.hz;
    options.emit_token = token(arguments.emit_token.as_ref(), "CIRCLET_EMIT_TOKEN")?;
    options.view_token = token(arguments.view_token.as_ref(), "CIRCLET_VIEW_TOKEN")?;
    options.origins.clone_from(&arguments.origin);
    options.hosts.clone_from(&arguments.host);
    options.allow.clone_from(&arguments.allow);
    options.deny.clone_from(&arguments.deny);
    options.websocket_only = arguments.websocket_only;
    options.idle_room = arguments.idle_room;
    options.stalled_after = arguments.stalled_after;
    options.max_connections = arguments.max_viewers;
    Ok(options)
}

/// Reads a token of the first line of a file, else of a variable: on the command line everybody would see it.
fn token(file: Option<&PathBuf>, variable: &str) -> Result<Option<String>, Failure> {
    let Some(file) = file else { return Ok(std::env::var(variable).ok().filter(|token| !token.is_empty())) };
    let wrong = |why: &dyn std::fmt::Display| Failure::input(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
    let first = text.lines().next().unwrap_or_default().trim();
    if first.is_empty() {
        return Err(wrong(&"its first line is empty, where a token is needed"));
    }
    Ok(Some(first.to_owned()))
}
