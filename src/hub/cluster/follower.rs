//! What comes from Redis.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use engineioxide_core::Sid;
use redis::{Commands, Connection, RedisResult};

use super::RETRY;
use super::scripts::{EVICT, FORGET, LOAD, RESTORE};
use super::server::{Entries, EntryId, Fields, Kept, Server, text, ttl};
use crate::hub::change::{Change, Event};
use crate::hub::core::Core;
use crate::hub::outbox::Outbox;
use crate::hub::rooms::Place;

/// How long it waits for something new before it looks whether it is to end.
const WAIT_MS: usize = 250;

/// How much is read at a time.
const COUNT: usize = 64;

/// What does not work where Redis does not answer.
pub(super) const TROUBLE: &str = "reading from redis";

/// Does what the stream says.
pub(super) struct Follower {
    core: Arc<Core>,
    server: Server,
    /// What was done last, and how much was told until then.
    last: EntryId,
    count: u64,
    /// The writer was told so.
    has_forgotten: Arc<AtomicBool>,
}

impl Follower {
    pub(super) fn new(core: Arc<Core>, server: Server) -> Self {
        Self { core, server, last: EntryId::default(), count: 0, has_forgotten: Arc::default() }
    }

    /// Returns what the writer sets where it is told that Redis has forgotten everything.
    pub(super) fn has_forgotten(&self) -> Arc<AtomicBool> {
        self.has_forgotten.clone()
    }

    /// Follows the stream until it is told to end, and what is in it by then.
    pub(super) fn run(mut self, mut connection: Option<Connection>, outbox: &Outbox, ends: &AtomicBool) {
        let look_every = (self.core.options.idle_room / 4).max(Duration::from_millis(100));
        let mut look = Instant::now() + look_every;
        while !ends.load(Ordering::Acquire) {
            let is_due = Instant::now() >= look;
            let done = match &mut connection {
                Some(connection) if self.has_forgotten.swap(false, Ordering::Relaxed) => {
                    self.restore(connection)
                }
                Some(connection) if is_due => self.keep_rooms(connection, outbox),
                Some(connection) => self.read(connection, WAIT_MS).map(drop),
                None => self.reach_again().map(|found| connection = Some(found)),
            };
            if is_due {
                look = Instant::now() + look_every;
            }
            match done {
                Ok(()) => self.core.troubles.clear(TROUBLE),
                Err(error) => {
                    self.core.troubles.set(TROUBLE, self.server.trouble(&error));
                    connection = None;
                    std::thread::sleep(RETRY);
                }
            }
        }
        while let Some(connection) = &mut connection
            && let Ok(true) = self.read(connection, 1)
        {}
    }

    /// Has the rooms that somebody watches here stay there for all hubs, and those go that nobody does.
    fn keep_rooms(&self, connection: &mut Connection, outbox: &Outbox) -> RedisResult<()> {
        let idle = self.core.options.idle_room.as_millis() as u64;
        let now = self.core.now_ms();
        for place in self.shared_rooms() {
            if place.viewers.load(Ordering::Relaxed) > 0 {
                // Where as much waits as may, its room is spoken of already.
                let _ = outbox.put(Change::to(&place.name));
            } else if place.is_idle(now, idle) {
                self.server.run::<()>(connection, EVICT, &place.name, (&*place.name, idle))?;
            }
        }
        Ok(())
    }

    /// Returns the rooms that are not of this hub alone, and of which there is something to know.
    fn shared_rooms(&self) -> impl Iterator<Item = Arc<Place>> {
        let is_shared = |place: &Arc<Place>| !Core::is_own(&place.name) && !place.room().is_blank();
        self.core.rooms.all().into_iter().filter(is_shared)
    }

    /// Does what the stream has, which it waits for; tells whether there was something.
    fn read(&mut self, connection: &mut Connection, wait_ms: usize) -> RedisResult<bool> {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(COUNT).arg("BLOCK").arg(wait_ms).arg("STREAMS");
        let streams: Option<Vec<(String, Entries)>> =
            command.arg(self.server.key("stream")).arg(self.last.to_string()).query(connection)?;
        let entries: Entries = streams.into_iter().flatten().flat_map(|(_, entries)| entries).collect();
        for (id, entry) in &entries {
            match number(entry, "seq") {
                // It was trimmed before it could be read.
                Some(count) if count > self.count + 1 => {
                    self.load(connection)?;
                    return Ok(true);
                }
                Some(count) if count == self.count + 1 => {
                    match entry.get(&b"gone"[..]) {
                        Some(room) => self.room_goes(&String::from_utf8_lossy(room), connection)?,
                        None => self.apply(entry),
                    }
                    self.count = count;
                }
                // It has forgotten everything, and was told so by another hub.
                Some(_) => {
                    self.restore(connection)?;
                    return Ok(true);
                }
                None => self.refuse(),
            }
            self.last = EntryId::read(id);
        }
        Ok(!entries.is_empty())
    }

    /// Counts what is none of what hubs write.
    fn refuse(&self) {
        self.core.stats.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A room went, unless somebody has come into it meanwhile.
    fn room_goes(&self, room: &str, connection: &mut Connection) -> RedisResult<()> {
        if Core::is_own(room) {
            self.refuse();
            return Ok(());
        }
        match self.core.rooms.remove_unwatched(room) {
            Ok(place) => {
                place.iter().for_each(|place| self.core.evicted(place));
                Ok(())
            }
            Err(place) => {
                self.restore_room(&place, connection)?;
                self.load_room(room, connection).map(drop)
            }
        }
    }

    fn apply(&self, entry: &Fields) {
        let change =
            entry.get(&b"change"[..]).and_then(|change| serde_json::from_slice::<Change>(change).ok());
        let done = number(entry, "n").zip(change);
        let done = done.filter(|(_, change)| change.check().is_ok() && !Core::is_own(&change.room));
        if done.is_none_or(|(n, change)| self.core.apply(change, Some(n)).is_err()) {
            self.refuse();
        }
    }

    /// Reads all rooms, and goes on from there.
    pub(super) fn load(&mut self, connection: &mut Connection) -> RedisResult<()> {
        // What is done meanwhile is read twice, which changes nothing.
        (self.count, self.last) = self.server.newest(connection)?;
        let rooms: Vec<Vec<u8>> = connection.smembers(self.server.key("rooms"))?;
        let mut known = HashSet::new();
        for room in rooms {
            match String::from_utf8(room) {
                Ok(room) if !Core::is_own(&room) => {
                    if self.load_room(&room, connection)? {
                        known.insert(room);
                    }
                }
                _ => self.refuse(),
            }
        }
        // Those that went while this hub was away.
        for place in self.shared_rooms().filter(|place| !known.contains(&*place.name)) {
            self.room_goes(&place.name, connection)?;
        }
        Ok(())
    }

    /// Makes a room what Redis has of it; tells whether that has it.
    fn load_room(&self, room: &str, connection: &mut Connection) -> RedisResult<bool> {
        let (state, log): (Fields, Vec<Vec<u8>>) = self.server.run(connection, LOAD, room, room)?;
        if !state.is_empty() && self.replace(room, &state, &log).is_none() {
            self.refuse();
        }
        Ok(!state.is_empty())
    }

    /// Makes a room what Redis has of it; `None` where that is nothing that a hub wrote, or there is no place for it.
    fn replace(&self, room: &str, state: &Fields, log: &[Vec<u8>]) -> Option<()> {
        let last = number(state, "")?;
        let mut change = Change::to(room);
        for (key, value) in state.iter().filter(|(key, _)| !key.is_empty()) {
            let key = String::from_utf8(key.clone()).ok()?;
            change.set.insert(key, serde_json::from_slice::<Kept>(value).ok()?.into());
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
        let (count, _) = self.server.newest(&mut connection)?;
        if id.as_deref() != Some(&*self.core.id()) {
            self.restore(&mut connection)?;
        } else if count < self.count {
            // It came back with what it had a while ago.
            // By another id the others see it too.
            let another = Sid::new();
            let forget = (&*self.core.id(), another.as_str(), &*self.server.prefix);
            self.server.run::<()>(&mut connection, FORGET, "", forget)?;
            self.restore(&mut connection)?;
        } else if count > self.count
            && self.server.oldest(&mut connection)?.is_none_or(|oldest| oldest > self.last)
        {
            self.load(&mut connection)?;
        }
        Ok(connection)
    }

    /// Tells a server that has forgotten everything what this hub knows, and goes on with what it knows then.
    fn restore(&mut self, connection: &mut Connection) -> RedisResult<()> {
        for place in self.shared_rooms() {
            self.restore_room(&place, connection)?;
        }
        let id = self.server.id(connection, &self.core.id())?;
        self.core.go_by(id);
        self.load(connection)
    }

    fn restore_room(&self, place: &Place, connection: &mut Connection) -> RedisResult<()> {
        let (mut all, last) = {
            let room = place.room();
            (room.all(), room.last())
        };
        let events = std::mem::take(&mut all.events);
        let mut arguments =
            vec![place.name.to_string(), last.to_string(), ttl(&self.core).to_string(), text(&all)];
        arguments.push(all.set.len().to_string());
        for (key, value) in &all.set {
            arguments.extend([key.clone(), text(&Kept::from(value))]);
        }
        arguments.push(events.len().to_string());
        arguments.extend(events.iter().map(text));
        self.server.run(connection, RESTORE, &place.name, arguments)
    }
}

/// Reads a number that a hub wrote.
fn number(fields: &Fields, name: &str) -> Option<u64> {
    std::str::from_utf8(fields.get(name.as_bytes())?).ok()?.parse().ok()
}
