//! Rooms that several hubs share, by a Redis server.
//!
//! What is done to a room goes to a stream of Redis, and is done by all hubs, also the one that it came from, in the order of that stream:
//! so they have the same states, and the same numbers of events, and a viewer that goes from one to another is told what it missed. Beside
//! the stream, Redis has the newest state and log of each room, for a hub that starts or was away for longer than the stream goes back.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engineioxide_core::Sid;
use redis::{Client, Commands, Connection, ConnectionLike, RedisError, RedisResult, Script};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::State;
use super::change::{Change, Columns, Event};
use super::core::Core;
use super::error::HubError;
use super::outbox::Outbox;
use super::rooms::Place;

/// How long Redis may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// How long the reader waits for something new before it looks whether it is to end.
const WAIT_MS: usize = 250;

/// How long it takes until it is tried again to reach a server that does not answer.
const RETRY: Duration = Duration::from_millis(250);

/// What does not work where it does not answer.
const READING: &str = "reading from redis";
const WRITING: &str = "writing to redis";

/// Publishes a change: keeps the state and the log of the room, gives its events their numbers, and tells all hubs. One that is sent twice,
/// as its answer was lost, is done once. A server that has forgotten everything takes none before it was told what hubs know.
///
/// The stream goes back for a minute; a hub that was away for longer reads states and logs instead.
const PUBLISH: &str = r"
local state, log, seen, rooms, stream = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local at = 0
local function next() at = at + 1; return ARGV[at] end
if redis.call('GET', KEYS[6]) ~= next() then return redis.error_reply('FORGOTTEN it has lost what hubs told it') end
local sequence, room, floor, ttl, log_max, change = tonumber(next()), next(), tonumber(next()), next(), tonumber(next()), next()
if sequence <= tonumber(redis.call('GET', seen) or '0') then return 0 end
redis.call('SET', seen, sequence, 'EX', 86400)
for _ = 1, tonumber(next()) do redis.call('HDEL', state, next()) end
for _ = 1, tonumber(next()) do local key = next(); redis.call('HSET', state, key, next()) end
local last = math.max(tonumber(redis.call('HGET', state, '') or '0'), floor)
for _ = 1, tonumber(next()) do last = last + 1; redis.call('RPUSH', log, next()) end
redis.call('LTRIM', log, -log_max, -1)
redis.call('HSET', state, '', string.format('%d', last))
redis.call('PEXPIRE', state, ttl)
redis.call('PEXPIRE', log, ttl)
redis.call('SADD', rooms, room)
local oldest = string.format('%d', (redis.call('TIME')[1] - 60) * 1000)
redis.call('XADD', stream, 'MINID', '~', oldest, '*', 'n', string.format('%d', last), 'change', change)
redis.call('EXPIRE', stream, 86400)
return 1
";

/// Tells a server that has forgotten a room what a hub knows of it. Where another hub has told it something by now, that holds, and the
/// numbers of events go on from the larger one.
const RESTORE: &str = r"
local state, log, rooms, stream = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local at = 0
local function next() at = at + 1; return ARGV[at] end
local room, last, ttl, change = next(), tonumber(next()), next(), next()
local known = redis.call('HGET', state, '')
redis.call('HSET', state, '', string.format('%d', math.max(tonumber(known or '0'), last)))
if known then return 0 end
for _ = 1, tonumber(next()) do local key = next(); redis.call('HSET', state, key, next()) end
for _ = 1, tonumber(next()) do redis.call('RPUSH', log, next()) end
redis.call('PEXPIRE', state, ttl)
redis.call('PEXPIRE', log, ttl)
redis.call('SADD', rooms, room)
redis.call('XADD', stream, '*', 'n', string.format('%d', last), 'change', change)
return 1
";

/// Reads the state and the log of a room; forgets a room that has gone.
const LOAD: &str = r"
local state = redis.call('HGETALL', KEYS[1])
if #state == 0 then redis.call('SREM', KEYS[3], ARGV[1]) end
return {state, redis.call('LRANGE', KEYS[2], 0, -1)}
";

/// Has a room go that nobody watches and in which nothing was done for a time, and tells all hubs.
const EVICT: &str = r"
if redis.call('PTTL', KEYS[1]) > tonumber(ARGV[2]) then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('XADD', KEYS[4], '*', 'gone', ARGV[1])
return 1
";

/// The value of a key, as Redis keeps it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
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

/// A server, and what its keys are called.
#[derive(Clone, Debug)]
struct Server {
    client: Client,
    prefix: String,
}

impl Server {
    fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client.get_connection_with_timeout(ANSWER)?;
        connection.set_read_timeout(Some(ANSWER))?;
        connection.set_write_timeout(Some(ANSWER))?;
        Ok(connection)
    }

    fn key(&self, kind: &str) -> String {
        format!("{}:{kind}", self.prefix)
    }

    fn state(&self, room: &str) -> String {
        format!("{}:state:{room}", self.prefix)
    }

    fn log(&self, room: &str) -> String {
        format!("{}:log:{room}", self.prefix)
    }

    /// Returns the id that all hubs of the prefix have, which is this one where there is none.
    fn id(&self, connection: &mut Connection, mine: &str) -> RedisResult<String> {
        let key = self.key("id");
        connection.set_nx::<_, _, ()>(&key, mine)?;
        connection.get(&key)
    }

    /// Returns the id of the newest entry of the stream.
    fn newest(&self, connection: &mut Connection) -> RedisResult<EntryId> {
        let mut command = redis::cmd("XREVRANGE");
        let entries: Entries =
            command.arg(self.key("stream")).arg("+").arg("-").arg("COUNT").arg(1).query(connection)?;
        Ok(entries.first().map_or(EntryId::default(), |(id, _)| EntryId::read(id)))
    }

    /// Returns the id of the oldest entry of the stream that is still there.
    fn oldest(&self, connection: &mut Connection) -> RedisResult<Option<EntryId>> {
        let mut command = redis::cmd("XRANGE");
        let entries: Entries =
            command.arg(self.key("stream")).arg("-").arg("+").arg("COUNT").arg(1).query(connection)?;
        Ok(entries.first().map(|(id, _)| EntryId::read(id)))
    }
}

type Entries = Vec<(String, HashMap<String, Vec<u8>>)>;

/// Where something is in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct EntryId {
    ms: u64,
    n: u64,
}

impl EntryId {
    fn read(text: &str) -> Self {
        let (ms, n) = text.split_once('-').unwrap_or((text, "0"));
        Self { ms: ms.parse().unwrap_or_default(), n: n.parse().unwrap_or_default() }
    }
}

impl std::fmt::Display for EntryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.ms, self.n)
    }
}

/// A hub's part in the rooms that are shared.
#[derive(Debug)]
pub(super) struct Cluster {
    server: Server,
    /// Where it is, without a password.
    at: String,
    reader: Connected,
    outbox: Arc<Outbox>,
}

/// A connection, of which there is nothing to show.
struct Connected(Connection);

impl std::fmt::Debug for Connected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

impl Cluster {
    /// Reaches the server that a hub's options name, if they do, and has the hub share its rooms.
    ///
    /// # Errors
    /// The URL is none, nobody answers, or it is refused.
    pub(super) fn reach(core: &mut Core) -> Result<Option<Self>, HubError> {
        let Some(url) = &core.options.redis else { return Ok(None) };
        let client = Client::open(url.as_str()).map_err(|error| {
            let why = format!("a URL as redis://127.0.0.1:6379/0 is needed: {}", why(&error));
            HubError::Redis { at: "the address that is given".to_owned(), why }
        })?;
        let at = client.get_connection_info().addr().to_string();
        let wrong = |error: RedisError| HubError::Redis { at: at.clone(), why: why(&error) };
        let server = Server { client, prefix: core.options.redis_prefix.clone() };
        let mut reader = server.connect().map_err(wrong)?;
        let id = server.id(&mut reader, &core.id()).map_err(wrong)?;
        let outbox = Arc::new(Outbox::new(core.options.room()));
        // Of them all, as the numbers of events are.
        core.set_id(id);
        core.shared = Some(outbox.clone());
        Ok(Some(Self { server, at, reader: Connected(reader), outbox }))
    }

    /// Reads the rooms that there are, and follows what is done to them, until the outbox is closed.
    ///
    /// # Errors
    /// They cannot be read, or no thread can be started.
    pub(super) fn start(self, core: &Arc<Core>) -> Result<Vec<JoinHandle<()>>, HubError> {
        let mut follower = Follower {
            core: core.clone(),
            server: self.server.clone(),
            last: EntryId::default(),
            has_forgotten: Arc::default(),
        };
        let mut connection = self.reader.0;
        let loaded = follower.load(&mut connection);
        loaded.map_err(|error| HubError::Redis { at: self.at.clone(), why: why(&error) })?;
        let writer = Writer {
            core: core.clone(),
            server: self.server,
            me: Sid::new().to_string(),
            sequence: 0,
            has_forgotten: follower.has_forgotten.clone(),
        };
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(HubError::Thread)
        };
        let outbox = self.outbox.clone();
        let reader = spawn("circlet-hub-get", Box::new(move || follower.run(connection, &outbox)))?;
        let outbox = self.outbox.clone();
        let writer = spawn("circlet-hub-put", Box::new(move || writer.run(&outbox)));
        if writer.is_err() {
            self.outbox.close();
        }
        Ok(vec![writer?, reader])
    }
}

/// Says what is wrong.
fn why(error: &RedisError) -> String {
    match error.clone().into_server_errors().as_deref() {
        _ if error.is_timeout() => format!("no answer within {} s", ANSWER.as_secs()),
        Some([(_, first), ..]) => first.to_string(),
        _ => error.to_string(),
    }
}

/// Does what the stream says.
struct Follower {
    core: Arc<Core>,
    server: Server,
    /// What was done last.
    last: EntryId,
    /// The writer was told so.
    has_forgotten: Arc<AtomicBool>,
}

impl Follower {
    fn run(mut self, connection: Connection, outbox: &Outbox) {
        let mut connection = Some(connection);
        let look_every = (self.core.options.idle_room / 4).max(Duration::from_millis(100));
        let mut look = Instant::now() + look_every;
        while !outbox.pause(Duration::ZERO) {
            let is_due = Instant::now() >= look;
            let done = match &mut connection {
                Some(connection) if self.has_forgotten.swap(false, Ordering::Relaxed) => {
                    self.restore(connection)
                }
                Some(connection) if is_due => self.keep_rooms(connection, outbox),
                Some(connection) => self.read(connection),
                None => self.reach_again().map(|found| connection = Some(found)),
            };
            if is_due {
                look = Instant::now() + look_every;
            }
            match done {
                Ok(()) => self.core.troubles.clear(READING),
                Err(error) => {
                    self.core.troubles.set(READING, why(&error));
                    connection = None;
                    outbox.pause(RETRY);
                }
            }
        }
    }

    /// Has the rooms that somebody watches here stay there for all hubs, and those go that nobody does.
    fn keep_rooms(&self, connection: &mut Connection, outbox: &Outbox) -> RedisResult<()> {
        let idle = self.core.options.idle_room.as_millis() as u64;
        let now = self.core.now_ms();
        for place in self.core.rooms.all().iter().filter(|place| !Core::is_own(&place.name)) {
            if place.viewers.load(Ordering::Relaxed) > 0 {
                // Nothing is said of it that there could be no place for.
                let _ = outbox.put(Change::to(&place.name));
            } else if place.is_idle(now, idle) {
                let (state, log) = (self.server.state(&place.name), self.server.log(&place.name));
                let evict = Script::new(EVICT);
                let mut evict = evict.key(state);
                evict.key(log).key(self.server.key("rooms")).key(self.server.key("stream"));
                evict.arg(&*place.name).arg(idle).invoke::<()>(connection)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, connection: &mut Connection) -> RedisResult<()> {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(256).arg("BLOCK").arg(WAIT_MS).arg("STREAMS");
        let streams: Option<Vec<(String, Entries)>> =
            command.arg(self.server.key("stream")).arg(self.last.to_string()).query(connection)?;
        for (id, entry) in streams.into_iter().flatten().flat_map(|(_, entries)| entries) {
            self.last = EntryId::read(&id);
            match entry.get("gone") {
                Some(room) => self.room_goes(&String::from_utf8_lossy(room), connection)?,
                None => self.apply(&entry),
            }
        }
        Ok(())
    }

    /// A room went, unless somebody has come into it meanwhile.
    fn room_goes(&self, room: &str, connection: &mut Connection) -> RedisResult<()> {
        if Core::is_own(room) {
            self.core.stats.refused.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        match self.core.rooms.remove_unwatched(room) {
            Ok(evicted) => {
                self.core.stats.evicted.fetch_add(evicted, Ordering::Relaxed);
                Ok(())
            }
            Err(place) => {
                self.restore_room(&place, connection)?;
                self.load_room(room, connection)
            }
        }
    }

    fn apply(&self, entry: &HashMap<String, Vec<u8>>) {
        let n = entry.get("n").and_then(|n| std::str::from_utf8(n).ok()?.parse().ok());
        let change = entry.get("change").and_then(|change| serde_json::from_slice::<Change>(change).ok());
        let done = n.zip(change).filter(|(_, change)| change.check().is_ok() && !Core::is_own(&change.room));
        if done.is_none_or(|(n, change)| self.core.apply(change, Some(n)).is_err()) {
            self.core.stats.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Reads all rooms, and goes on from there.
    fn load(&mut self, connection: &mut Connection) -> RedisResult<()> {
        // What is done meanwhile is read twice, which changes nothing.
        self.last = self.server.newest(connection)?;
        let rooms: Vec<String> = connection.smembers(self.server.key("rooms"))?;
        rooms.iter().try_for_each(|room| self.load_room(room, connection))
    }

    fn load_room(&self, room: &str, connection: &mut Connection) -> RedisResult<()> {
        let script = Script::new(LOAD);
        let mut load = script.key(self.server.state(room));
        load.key(self.server.log(room)).key(self.server.key("rooms")).arg(room);
        let (state, log): (HashMap<String, Vec<u8>>, Vec<Vec<u8>>) = load.invoke(connection)?;
        if self.replace(room, &state, &log).is_none() {
            self.core.stats.refused.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Makes a room what Redis has of it; `None` where that is nothing that a hub wrote, or there is no place for it.
    fn replace(&self, room: &str, state: &HashMap<String, Vec<u8>>, log: &[Vec<u8>]) -> Option<()> {
        let Some(last) = state.get("") else { return Some(()) };
        let last: u64 = std::str::from_utf8(last).ok()?.parse().ok()?;
        let mut change = Change::to(room);
        for (key, value) in state.iter().filter(|(key, _)| !key.is_empty()) {
            change.set.insert(key.clone(), serde_json::from_slice::<Kept>(value).ok()?.into());
        }
        for event in log {
            change.events.push(serde_json::from_slice::<Event>(event).ok()?);
        }
        change.check().ok()?;
        self.core.replace(change, last).ok()
    }

    /// Connects again, and goes on with the stream where it was, as far as that goes back.
    fn reach_again(&mut self) -> RedisResult<Connection> {
        let mut connection = self.server.connect()?;
        let id: Option<String> = connection.get(self.server.key("id"))?;
        if id.as_deref() != Some(&*self.core.id()) {
            self.restore(&mut connection)?;
        } else if self.server.oldest(&mut connection)?.is_none_or(|oldest| oldest > self.last) {
            self.load(&mut connection)?;
        }
        Ok(connection)
    }

    /// Tells a server that has forgotten everything what this hub knows, and goes on with what it knows then.
    fn restore(&mut self, connection: &mut Connection) -> RedisResult<()> {
        for place in self.core.rooms.all().iter().filter(|place| !Core::is_own(&place.name)) {
            self.restore_room(place, connection)?;
        }
        let id = self.server.id(connection, &self.core.id())?;
        self.core.set_id(id);
        self.load(connection)
    }

    fn restore_room(&self, place: &Place, connection: &mut Connection) -> RedisResult<()> {
        let (mut all, last) = {
            let room = place.room();
            (room.all(), room.last())
        };
        let events = std::mem::take(&mut all.events);
        let script = Script::new(RESTORE);
        let mut restore = script.key(self.server.state(&place.name));
        restore
            .key(self.server.log(&place.name))
            .key(self.server.key("rooms"))
            .key(self.server.key("stream"));
        restore.arg(&*place.name).arg(last).arg(ttl(&self.core)).arg(text(&all)).arg(all.set.len());
        for (key, value) in &all.set {
            restore.arg(key).arg(text(&Kept::from(value)));
        }
        restore.arg(events.len());
        for event in &events {
            restore.arg(text(event));
        }
        restore.invoke(connection)
    }
}

/// Puts changes into the stream.
struct Writer {
    core: Arc<Core>,
    server: Server,
    /// Tells what it sends from what others do.
    me: String,
    /// The number of the change that was sent last.
    sequence: u64,
    has_forgotten: Arc<AtomicBool>,
}

impl Writer {
    fn run(mut self, outbox: &Outbox) {
        let mut connection = None;
        let mut next = Instant::now();
        while let Some(batch) = outbox.take(next) {
            next = Instant::now() + self.core.options.tick();
            let first = self.sequence + 1;
            self.sequence += batch.changes.len() as u64;
            self.core.stats.lost.fetch_add(batch.lost, Ordering::Relaxed);
            // With the same numbers until it is done, so that nothing is done twice.
            while let Err(error) = self.send(&mut connection, first, &batch.changes) {
                connection = None;
                self.core.troubles.set(WRITING, why(&error));
                let refusals = error.into_server_errors().unwrap_or_else(|| Arc::new([]));
                if refusals.iter().any(|(_, refusal)| refusal.code() == "FORGOTTEN") {
                    self.has_forgotten.store(true, Ordering::Relaxed);
                }
                if outbox.pause(RETRY) {
                    return;
                }
            }
            self.core.troubles.clear(WRITING);
        }
    }

    fn send(&self, connection: &mut Option<Connection>, first: u64, changes: &[Change]) -> RedisResult<()> {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(self.connect()?),
        };
        let script = Script::new(PUBLISH);
        let mut pipe = redis::pipe();
        for (change, sequence) in changes.iter().zip(first..) {
            self.publish(pipe.cmd("EVALSHA").arg(script.get_hash()), change, sequence);
        }
        pipe.query::<()>(connection)
    }

    fn connect(&self) -> RedisResult<Connection> {
        let mut connection = self.server.connect()?;
        let load = redis::cmd("SCRIPT").arg("LOAD").arg(PUBLISH).to_owned();
        connection.req_command(&load)?;
        Ok(connection)
    }

    fn publish(&self, command: &mut redis::Pipeline, change: &Change, sequence: u64) {
        let (options, server) = (&self.core.options, &self.server);

        let floor = self.core.rooms.get(&change.room).map_or(0, |place| place.room().last());
        command.arg(6);
        let keys = [server.state(&change.room), server.log(&change.room)];
        let seen = format!("seen:{}", self.me);
        command.arg(&keys[..]).arg(server.key(&seen)).arg(server.key("rooms")).arg(server.key("stream"));
        command.arg(server.key("id")).arg(&*self.core.id());
        command
            .arg(sequence)
            .arg(&change.room)
            .arg(floor)
            .arg(ttl(&self.core))
            .arg(options.log.max(1))
            .arg(text(change));
        command.arg(change.removed.len());
        for key in &change.removed {
            command.arg(key);
        }
        command.arg(change.set.len());
        for (key, value) in &change.set {
            command.arg(key).arg(text(&Kept::from(value)));
        }
        command.arg(change.events.len());
        for event in &change.events {
            command.arg(text(event));
        }
    }
}

/// Returns for how many ms Redis keeps a room of which no hub says anything.
fn ttl(core: &Core) -> u64 {
    core.options.idle_room.as_millis().saturating_mul(2).clamp(1_000, 1 << 40) as u64
}

/// Writes what a hub holds as JSON, which can always be done.
fn text(what: &impl Serialize) -> String {
    serde_json::to_string(what).unwrap_or_default()
}
