//! What goes to Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use engineioxide_core::Sid;
use redis::{Connection, ConnectionLike, Pipeline, RedisResult, Script};

use super::RETRY;
use super::scripts::PUBLISH;
use super::server::{Kept, Server, text, ttl};
use crate::hub::change::Change;
use crate::hub::core::Core;
use crate::hub::outbox::Outbox;

/// What does not work where Redis takes nothing.
const TROUBLE: &str = "writing to redis";

/// What is said where it has forgotten what hubs told it.
const FORGOTTEN: &str = "it does not have what hubs told it, and is told that again first";

/// Puts changes into the stream.
pub(super) struct Writer {
    core: Arc<Core>,
    server: Server,
    /// Tells what it sends from what others do.
    me: String,
    /// The number of the change that was sent last.
    sequence: u64,
    has_forgotten: Arc<AtomicBool>,
}

impl Writer {
    pub(super) fn new(core: Arc<Core>, server: Server, has_forgotten: Arc<AtomicBool>) -> Self {
        Self { core, server, me: Sid::new().to_string(), sequence: 0, has_forgotten }
    }

    pub(super) fn run(mut self, outbox: &Outbox) {
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
                let refusals = error.clone().into_server_errors().unwrap_or_else(|| Arc::new([]));
                if refusals.iter().any(|(_, refusal)| refusal.code() == "FORGOTTEN") {
                    self.has_forgotten.store(true, Ordering::Relaxed);
                    self.core.troubles.set(TROUBLE, FORGOTTEN.to_owned());
                } else {
                    self.core.troubles.set(TROUBLE, self.server.trouble(&error));
                }
                if outbox.pause(RETRY) {
                    return;
                }
            }
            self.core.troubles.clear(TROUBLE);
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

    fn publish(&self, command: &mut Pipeline, change: &Change, sequence: u64) {
        let (options, server) = (&self.core.options, &self.server);
        let floor = self.core.rooms.get(&change.room).map_or(0, |place| place.room().last());
        // For each room by itself: of a batch, one may be done where one before it is not.
        let seen = server.key(&format!("seen:{}:{}", self.me, change.room));
        let keys = server.keys(&change.room);
        command.arg(keys.len() + 1).arg(keys).arg(seen).arg(&*self.core.id());
        command
            .arg(sequence)
            .arg(&change.room)
            .arg(floor)
            .arg(ttl(&self.core))
            .arg(options.log)
            .arg(options.max_room_bytes)
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
