//! How much there may be of what a hub serves.

use std::fmt;
use std::time::Duration;

use circlet::hub::{ClientLimits, HubOptions};
use serde_json::{Map, Value, json};

use crate::size::parse_size;
use crate::time::parse_duration;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct Limits {
    /// How many viewers there are at most
    #[arg(long, value_name = "N", default_value_t = HubOptions::default().max_connections, value_parser = count)]
    max_viewers: usize,
    /// How many of them are of one address; 1000 where it is not given, and any number from this machine
    #[arg(long, value_name = "N", value_parser = count)]
    max_viewers_per_address: Option<usize>,
    /// What a viewer may send, and in how many rooms it is; what is not named is as by default
    #[arg(long, value_name = "LIMITS", default_value_t = Client(HubOptions::default().viewer_limits), value_parser = viewer)]
    viewer_limits: Client,
    /// What an emitter may send, and post to /emit
    #[arg(long, value_name = "LIMITS", default_value_t = Client(HubOptions::default().emitter_limits), value_parser = emitter)]
    emitter_limits: Client,
    /// How many rooms there are at most; 1000 where it is not given, and any number of a replay
    #[arg(long, value_name = "N", value_parser = count)]
    max_rooms: Option<usize>,
    /// How many keys a room holds
    #[arg(long, value_name = "N", default_value_t = HubOptions::default().max_keys, value_parser = count)]
    max_keys: usize,
    /// About how many bytes the state of a room takes, and its log
    #[arg(long, value_name = "SIZE", default_value_t = Size(HubOptions::default().max_room_bytes), value_parser = size)]
    max_room_bytes: Size,
    /// How many events of a room are kept for whoever fell behind
    #[arg(long, value_name = "N", default_value_t = HubOptions::default().log, value_parser = count)]
    log: usize,
    /// For how long a room that nobody watches stays without activity, as in 10s, 2h or 1d; 10m where it is not given, and of a
    /// replay as long as that runs
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    idle_room: Option<Duration>,
    /// For how long a viewer may take nothing of what waits for it
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    stalled_after: Duration,
}

impl Limits {
    pub(super) fn set(&self, options: &mut HubOptions) {
        options.max_connections = self.max_viewers;
        options.max_connections_per_address = self.max_viewers_per_address;
        options.viewer_limits = self.viewer_limits.0;
        options.emitter_limits = self.emitter_limits.0;
        options.max_rooms = self.max_rooms.unwrap_or(options.max_rooms);
        options.max_keys = self.max_keys;
        options.max_room_bytes = self.max_room_bytes.0;
        options.log = self.log;
        options.idle_room = self.idle_room.unwrap_or(options.idle_room);
        options.stalled_after = self.stalled_after;
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "give 1 or more".to_owned())
}

/// A number of bytes.
#[derive(Clone, Copy, Debug)]
struct Size(usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes > 0 && bytes % (1 << 20) == 0 => write!(f, "{}MiB", bytes >> 20),
            bytes if bytes > 0 && bytes % (1 << 10) == 0 => write!(f, "{}KiB", bytes >> 10),
            bytes => write!(f, "{bytes}"),
        }
    }
}

fn size(text: &str) -> Result<Size, String> {
    parse_size(text).map(Size)
}

/// What a client may send, as `messages_per_s=50,rooms=64`.
#[derive(Clone, Copy, Debug)]
struct Client(ClientLimits);

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ClientLimits { messages_per_s, bytes_per_s, rooms, message_bytes } = self.0;
        let (bytes_per_s, message_bytes) = (Size(bytes_per_s as usize), Size(message_bytes));
        write!(
            f,
            "messages_per_s={messages_per_s},bytes_per_s={bytes_per_s},message_bytes={message_bytes},rooms={rooms}"
        )
    }
}

fn viewer(text: &str) -> Result<Client, String> {
    client(text, HubOptions::default().viewer_limits)
}

fn emitter(text: &str) -> Result<Client, String> {
    client(text, HubOptions::default().emitter_limits)
}

/// Reads what is another than by default, as the library has it in JSON.
fn client(text: &str, default: ClientLimits) -> Result<Client, String> {
    let mut limits: Map<String, Value> = serde_json::from_value(json!(default)).unwrap_or_default();
    for part in text.split(',') {
        let wrong = || format!("`{part}` is no limit: give some of {}, parted by commas", Client(default));
        let (name, value) = part.split_once('=').ok_or_else(wrong)?;
        let value = parse_size(value.trim()).ok().filter(|value| *value > 0).ok_or_else(wrong)?;
        *limits.get_mut(name.trim()).ok_or_else(wrong)? = value.into();
    }
    serde_json::from_value(limits.into()).map(Client).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_clients_are_read_as_they_are_shown_and_those_that_are_not_named_stay() {
        let default = HubOptions::default().viewer_limits;
        assert_eq!(viewer(&Client(default).to_string()).unwrap().0, default);
        let read = viewer("rooms=3, bytes_per_s=1MiB").unwrap().0;
        assert_eq!(read, ClientLimits { rooms: 3, bytes_per_s: 1 << 20, ..default });
        for wrong in ["", "3", "room=3", "rooms=0", "rooms=-1", "rooms=x", "rooms=1,,", "bytes_per_s=9GiB"] {
            assert!(viewer(wrong).is_err(), "{wrong}");
        }
        assert!(
            viewer("room=3").unwrap_err().contains("`room=3` is no limit: give some of messages_per_s=50,")
        );
    }
}
