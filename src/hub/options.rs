//! How a hub is.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::error::HubError;
use super::{options_json, room};

/// The shortest of the times.
const LEAST_TIME: Duration = Duration::from_millis(10);

/// How a hub is. The defaults are for viewers on this machine. In JSON, as C gives it, every field may be left out, and times are in
/// milliseconds, with names that end in `_ms`.
///
/// ```
/// use circlet::hub::HubOptions;
///
/// let options: HubOptions = serde_json::from_str(r#"{"addr": "127.0.0.1:0", "idle_room_ms": 1500}"#)?;
/// assert_eq!((options.addr.port(), options.idle_room.as_secs_f64()), (0, 1.5));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HubOptions {
    /// Where it listens; port 0 takes a free one. Default: `127.0.0.1:3010`.
    pub addr: SocketAddr,
    /// How often what is new is told at most, a second: 1 to 60. Default: 30.
    pub hz: u32,
    /// Engine.IO's `pingInterval`. Default: 25 s.
    #[serde(rename = "ping_interval_ms", deserialize_with = "options_json::milliseconds")]
    pub ping_interval: Duration,
    /// Engine.IO's `pingTimeout`. Default: 20 s.
    #[serde(rename = "ping_timeout_ms", deserialize_with = "options_json::milliseconds")]
    pub ping_timeout: Duration,
    /// How soon a session's socket is to be connected, as Socket.IO's `connectTimeout`. Default: 45 s.
    #[serde(rename = "connect_timeout_ms", deserialize_with = "options_json::milliseconds")]
    pub connect_timeout: Duration,
    /// For how long a viewer may take nothing of what waits for it, also where its machine still acknowledges packets. Default: 10 s.
    #[serde(rename = "stalled_after_ms", deserialize_with = "options_json::milliseconds")]
    pub stalled_after: Duration,
    /// For how long a room that nobody watches stays without activity. Default: 10 minutes.
    #[serde(rename = "idle_room_ms", deserialize_with = "options_json::milliseconds")]
    pub idle_room: Duration,
    /// How many rooms there are at most. Default: 1,000.
    pub max_rooms: usize,
    /// How many keys a room has at most. Default: 10,000.
    pub max_keys: usize,
    /// About how many bytes a room's state takes at most, and its log. Default: 4 MiB.
    pub max_room_bytes: usize,
    /// How many events of a room are kept for whoever fell behind. Default: 256.
    pub log: usize,
    /// How many connections there are at most. Default: 20,000.
    pub max_connections: usize,
    /// How many of them are of one address at most, or of one /64 network of IPv6. Default: 1,000, and any number from this machine, where
    /// a proxy may be that has them all.
    pub max_connections_per_address: Option<usize>,
    /// No polling.
    pub websocket_only: bool,
    /// The origins of pages that may connect, such as `https://example.org`, beside the hub's own.
    pub origins: Vec<String>,
    /// The names by which it is reached, beside the address that it listens at, and `localhost`. A page of another name that leads to
    /// this machine (DNS rebinding) is refused by that.
    pub hosts: Vec<String>,
    /// The addresses that may connect; all, where it is empty.
    #[serde(deserialize_with = "options_json::networks")]
    pub allow: Vec<IpNet>,
    /// The addresses that may not, also where `allow` has them.
    #[serde(deserialize_with = "options_json::networks")]
    pub deny: Vec<IpNet>,
    /// What emitters say as `auth.token`. Nobody may emit without one.
    pub emit_token: Option<String>,
    /// What viewers say as `auth.token`. Everybody may watch without one.
    pub view_token: Option<String>,
    /// How much a viewer may send.
    #[serde(deserialize_with = "options_json::viewer_limits")]
    pub viewer_limits: ClientLimits,
    /// How much an emitter may send.
    #[serde(deserialize_with = "options_json::emitter_limits")]
    pub emitter_limits: ClientLimits,
    /// A file that all is written to which viewers are told, to be shown again: see [`Recording`](super::Recording). One that is there
    /// is gone on with.
    pub record: Option<PathBuf>,
    /// The Redis server by which rooms are shared with other hubs, as `redis://:password@127.0.0.1:6379/0`; with the feature `redis`.
    /// Version 6.2 or newer, or Valkey; no cluster of several. Where it does not answer, it is tried again.
    pub redis: Option<String>,
    /// What the names of its keys begin with: hubs of the same one share their rooms. Default: `circlet`.
    pub redis_prefix: String,
    /// How many threads serve connections, and how many write to a large room. Default: as many as there are processors, and at most 4.
    pub threads: usize,
}

/// How much a client may send. Twice as much as in a second may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClientLimits {
    /// How many messages in a second.
    pub messages_per_s: u32,
    /// How many bytes in a second.
    pub bytes_per_s: u32,
    /// In how many rooms it is at most.
    pub rooms: usize,
    /// How many bytes a message has at most.
    pub message_bytes: usize,
}

impl ClientLimits {
    pub(super) const VIEWER: Self =
        Self { messages_per_s: 50, bytes_per_s: 64 << 10, rooms: 64, message_bytes: 16 << 10 };
    pub(super) const EMITTER: Self =
        Self { messages_per_s: 2_000, bytes_per_s: 8 << 20, rooms: 64, message_bytes: 1 << 20 };
}

impl ClientLimits {
    /// Tells what cannot be, of the option that has it.
    fn check(&self, of: &'static str) -> Result<(), HubError> {
        let counts = [
            ("messages_per_s", self.messages_per_s as usize),
            ("bytes_per_s", self.bytes_per_s as usize),
            ("rooms", self.rooms),
            ("message_bytes", self.message_bytes),
        ];
        let refused = |given, allowed| Err(HubError::Option { option: of, given, allowed });
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return refused(format!("{{{name}: 0}}"), "1 or more of each");
        }
        let (bytes, most) = (self.message_bytes, u64::from(self.bytes_per_s) * 2);
        if bytes as u64 > most {
            let given = format!("{{message_bytes: {bytes}, bytes_per_s: {}}}", self.bytes_per_s);
            return refused(
                given,
                "a message of as many bytes as come in two seconds, the most that may come at once",
            );
        }
        Ok(())
    }
}

impl Default for HubOptions {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self {
            addr: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3010),
            hz: 30,
            ping_interval: s(25),
            ping_timeout: s(20),
            connect_timeout: s(45),
            stalled_after: s(10),
            idle_room: s(600),
            max_rooms: 1_000,
            max_keys: 10_000,
            max_room_bytes: 4 << 20,
            log: 256,
            max_connections: 20_000,
            max_connections_per_address: None,
            websocket_only: false,
            origins: Vec::new(),
            hosts: Vec::new(),
            allow: Vec::new(),
            deny: Vec::new(),
            emit_token: None,
            view_token: None,
            viewer_limits: ClientLimits::VIEWER,
            emitter_limits: ClientLimits::EMITTER,
            record: None,
            redis: None,
            redis_prefix: "circlet".to_owned(),
            threads: std::thread::available_parallelism().map_or(2, usize::from).min(4),
        }
    }
}

impl HubOptions {
    /// Tells what cannot be.
    pub(super) fn check(&self) -> Result<(), HubError> {
        let refused = |option, given: String, allowed| Err(HubError::Option { option, given, allowed });
        if !(1..=60).contains(&self.hz) {
            return refused("hz", self.hz.to_string(), "1 to 60");
        }
        if self.threads == 0 || self.threads > 64 {
            return refused("threads", self.threads.to_string(), "1 to 64");
        }
        let least = [
            ("max_rooms", self.max_rooms),
            ("max_keys", self.max_keys),
            ("max_room_bytes", self.max_room_bytes),
            ("log", self.log),
            ("max_connections", self.max_connections),
            ("max_connections_per_address", self.max_connections_per_address.unwrap_or(1)),
        ];
        if let Some((option, _)) = least.into_iter().find(|(_, least)| *least == 0) {
            return refused(option, "0".to_owned(), "1 or more");
        }
        self.viewer_limits.check("viewer_limits")?;
        self.emitter_limits.check("emitter_limits")?;
        if let Some(origin) = self.origins.iter().find(|origin| !is_origin(origin)) {
            return refused(
                "origins",
                format!("`{origin}`"),
                "scheme and host, as https://example.org or http://example.org:8080",
            );
        }
        if let Some(host) =
            self.hosts.iter().find(|host| host.is_empty() || host.contains(['/', '@', '*', ' ']))
        {
            return refused("hosts", format!("`{host}`"), "names without a scheme, as example.org");
        }
        if self.redis_prefix.is_empty() || self.redis_prefix.len() > 100 {
            return refused("redis_prefix", format!("`{}`", self.redis_prefix), "1 to 100 bytes");
        }
        if cfg!(not(feature = "redis")) && self.redis.is_some() {
            return refused(
                "redis",
                "set".to_owned(),
                "nothing, as this is built without the feature `redis`",
            );
        }
        let durations = [
            ("ping_interval", self.ping_interval),
            ("ping_timeout", self.ping_timeout),
            ("connect_timeout", self.connect_timeout),
            ("stalled_after", self.stalled_after),
        ];
        let day = Duration::from_secs(86_400);
        for (option, duration) in durations {
            if !(LEAST_TIME..=day).contains(&duration) {
                return refused(option, format!("{duration:?}"), "10 ms to a day");
            }
        }
        if !(LEAST_TIME..=365 * day).contains(&self.idle_room) {
            return refused("idle_room", format!("{:?}", self.idle_room), "10 ms to a year");
        }
        for (option, token) in [("emit_token", &self.emit_token), ("view_token", &self.view_token)] {
            if token.as_ref().is_some_and(String::is_empty) {
                return refused(option, "empty".to_owned(), "a secret, or none at all");
            }
        }
        Ok(())
    }

    pub(super) fn room(&self) -> room::Limits {
        room::Limits { keys: self.max_keys, bytes: self.max_room_bytes, log: self.log }
    }

    pub(super) fn tick(&self) -> Duration {
        Duration::from_secs(1) / self.hz
    }

    pub(super) fn ping_interval_ms(&self) -> u64 {
        self.ping_interval.as_millis() as u64
    }

    pub(super) fn ping_timeout_ms(&self) -> u64 {
        self.ping_timeout.as_millis() as u64
    }

    pub(super) fn connect_timeout_ms(&self) -> u64 {
        self.connect_timeout.as_millis() as u64
    }

    pub(super) fn stalled_ms(&self) -> u64 {
        self.stalled_after.as_millis() as u64
    }
}

/// Tells whether a text is an origin as browsers say it (RFC 6454): a scheme, a host, and perhaps a port.
fn is_origin(text: &str) -> bool {
    let of_host = |host: &str| !host.is_empty() && !host.contains(['/', '@', '*', ' ', '?', '#']);
    text.split_once("://").is_some_and(|(scheme, host)| !scheme.is_empty() && of_host(host))
}
