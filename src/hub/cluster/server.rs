//! What is where in Redis, and as what.

use std::collections::HashMap;
use std::time::Duration;

use redis::{Client, Commands, Connection, FromRedisValue, RedisError, RedisResult, Script, ToRedisArgs};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::scripts::NEWEST;
use crate::hub::State;
use crate::hub::change::Columns;
use crate::hub::core::Core;

/// How long Redis may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// A server, and what its keys are called.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) client: Client,
    pub(super) prefix: String,
}

impl Server {
    pub(super) fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client.get_connection_with_timeout(ANSWER)?;
        connection.set_read_timeout(Some(ANSWER))?;
        connection.set_write_timeout(Some(ANSWER))?;
        Ok(connection)
    }

    /// Says what is wrong, and where.
    pub(super) fn trouble(&self, error: &RedisError) -> String {
        format!("{}: {}", self.client.get_connection_info().addr(), why(error))
    }

    pub(super) fn key(&self, kind: &str) -> String {
        format!("{}:{kind}", self.prefix)
    }

    /// Returns the keys that scripts have: those of a room, and those of all.
    pub(super) fn keys(&self, room: &str) -> Vec<String> {
        let of_room = ["state", "log"].map(|kind| self.key(&format!("{kind}:{room}")));
        of_room
            .into_iter()
            .chain(["rooms", "stream", "count", "id", "newest"].map(|kind| self.key(kind)))
            .collect()
    }

    /// Runs a script.
    pub(super) fn run<T: FromRedisValue>(
        &self,
        connection: &mut Connection,
        script: &str,
        room: &str,
        arguments: impl ToRedisArgs,
    ) -> RedisResult<T> {
        Script::new(script).key(self.keys(room)).arg(arguments).invoke(connection)
    }

    /// Returns the id that all hubs of the prefix have, which is this one where there is none.
    pub(super) fn id(&self, connection: &mut Connection, mine: &str) -> RedisResult<String> {
        let key = self.key("id");
        connection.set_nx::<_, _, ()>(&key, mine)?;
        connection.get(&key)
    }

    /// Returns how much was told, and where the newest of it is in the stream.
    pub(super) fn newest(&self, connection: &mut Connection) -> RedisResult<(u64, EntryId)> {
        let (count, id): (u64, String) = self.run(connection, NEWEST, "", &[""; 0])?;
        Ok((count, EntryId::read(&id)))
    }

    /// Returns the id of the oldest entry of the stream that is still there.
    pub(super) fn oldest(&self, connection: &mut Connection) -> RedisResult<Option<EntryId>> {
        let mut command = redis::cmd("XRANGE");
        let entries: Entries =
            command.arg(self.key("stream")).arg("-").arg("+").arg("COUNT").arg(1).query(connection)?;
        Ok(entries.first().map(|(id, _)| EntryId::read(id)))
    }
}

/// Names and values, of which nobody knows that they are text.
pub(super) type Fields = HashMap<Vec<u8>, Vec<u8>>;

/// Entries of a stream: their ids and fields.
pub(super) type Entries = Vec<(String, Fields)>;

/// Where something is in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryId {
    ms: u64,
    n: u64,
}

impl EntryId {
    pub(super) fn read(text: &str) -> Self {
        let (ms, n) = text.split_once('-').unwrap_or((text, "0"));
        Self { ms: ms.parse().unwrap_or_default(), n: n.parse().unwrap_or_default() }
    }
}

impl std::fmt::Display for EntryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.ms, self.n)
    }
}

/// The value of a key, as Redis keeps it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kept {
    Set(Value),
    Columns(Columns),
}

impl From<&State> for Kept {
    fn from(state: &State) -> Self {
        match state {
            State::Json(value) => Self::Set(value.clone()),
            State::Columns(columns) => Self::Columns(Columns::from(columns.clone())),
        }
    }
}

impl From<Kept> for State {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Set(value) => Self::Json(value),
            Kept::Columns(columns) => columns.into(),
        }
    }
}

/// Tells whether a server may answer later: it is not there, or is starting.
pub(super) fn is_away(error: &RedisError) -> bool {
    error.is_io_error() || error.is_timeout() || error.code() == Some("LOADING")
}

/// Says what is wrong.
pub(super) fn why(error: &RedisError) -> String {
    match error.clone().into_server_errors().as_deref() {
        _ if error.is_timeout() => format!("no answer within {} s", ANSWER.as_secs()),
        Some([(_, first), ..]) => first.to_string(),
        _ => error.to_string(),
    }
}

/// Returns for how many ms Redis keeps a room of which no hub says anything.
pub(super) fn ttl(core: &Core) -> u64 {
    core.options.idle_room.as_millis().saturating_mul(2).clamp(1_000, 1 << 40) as u64
}

/// Writes what a hub holds as JSON, which can always be done.
pub(super) fn text(what: &impl Serialize) -> String {
    serde_json::to_string(what).unwrap_or_default()
}
