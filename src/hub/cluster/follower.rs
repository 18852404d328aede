//! What comes from Redis.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use redis::{Commands, Connection, RedisResult, Script};

use super::RETRY;
use super::scripts::{EVICT, LOAD, RESTORE};
use super::server::{Entries, EntryId, Kept, Server, text, ttl, why};
use crate::hub::change::{Change, Event};
use crate::hub::core::Core;
use crate::hub::outbox::Outbox;
use crate::hub::rooms::Place;

/// How long it waits for something new before it looks whether it is to end.
const WAIT_MS: usize = 250;

/// What does not work where Redis does not answer.
const TROUBLE: &str = "reading from redis";

/// Does what the stream says.
pub(super) struct Follower {
    core: Arc<Core>,
    server: Server,
    /// What was done last.
    last: EntryId,
    /// The writer was told so.
    has_forgotten: Arc<AtomicBool>,
}

impl Follower {
    pub(super) fn new(core: Arc<Core>, server: Server) -> Self {
        Self { core, server, last: EntryId::default(), has_forgotten: Arc::default() }
    }

    /// Returns what the writer sets where it is told that Redis has forgotten everything.
    pub(super) fn has_forgotten(&self) -> Arc<AtomicBool> {
        self.has_forgotten.clone()
    }

    pub(super) fn run(mut self, connection: Connection, outbox: &Outbox) {
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
                Ok(()) => self.core.troubles.clear(TROUBLE),
                Err(error) => {
                    self.core.troubles.set(TROUBLE, why(&error));
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
    pub(super) fn load(&mut self, connection: &mut Connection) -> RedisResult<()> {
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
