//! Rooms that several hubs share, by a Redis server.
//!
//! What is done to a room goes to a stream of Redis, and is done by all hubs, also the one that it came from, in the order of that stream:
//! so they have the same states, and the same numbers of events, and a viewer that goes from one to another is told what it missed. Beside
//! the stream, Redis has the newest state and log of each room, for a hub that starts or was away for longer than the stream goes back.

mod follower;
mod scripts;
mod server;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use redis::{Client, Connection, RedisError};

use self::follower::Follower;
use self::server::{Server, is_away, why};
use self::writer::Writer;
use super::core::Core;
use super::error::HubError;
use super::outbox::Outbox;

/// How long it takes until it is tried again to reach a server that does not answer.
const RETRY: Duration = Duration::from_millis(250);

/// A hub's part in the rooms that are shared.
#[derive(Debug)]
pub(super) struct Cluster {
    server: Server,
    /// Where it is, without a password.
    at: String,
    /// `None` where it does not answer yet.
    reader: Option<Connected>,
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
    /// Reaches the server that a hub's options name, if they do, and has the hub share its rooms. One that does not answer is tried again
    /// later, as one that goes away is: hubs and their server may start in any order.
    ///
    /// # Errors
    /// The URL is none, or the server refuses the hub.
    pub(super) fn reach(core: &mut Core) -> Result<Option<Self>, HubError> {
        let Some(url) = &core.options.redis else { return Ok(None) };
        let client = Client::open(url.as_str()).map_err(|error| {
            let why = format!("a URL as redis://127.0.0.1:6379/0 is needed: {}", why(&error));
            HubError::Redis { at: "the address that is given".to_owned(), why }
        })?;
        let at = client.get_connection_info().addr().to_string();
        let wrong = |error: RedisError| HubError::Redis { at: at.clone(), why: why(&error) };
        let server = Server { client, prefix: core.options.redis_prefix.clone() };
        let reached = server.connect().and_then(|mut reader| {
            let id = server.id(&mut reader, &core.id())?;
            Ok((reader, id))
        });
        let reader = match reached {
            Ok((reader, id)) => {
                // Of them all, as the numbers of events are.
                core.set_id(id);
                Some(Connected(reader))
            }
            Err(error) if is_away(&error) => {
                core.troubles.set(follower::TROUBLE, server.trouble(&error));
                None
            }
            Err(error) => return Err(wrong(error)),
        };
        let outbox = Arc::new(Outbox::new(core.options.room(), core.options.max_rooms));
        core.shared = Some(outbox.clone());
        Ok(Some(Self { server, at, reader, outbox }))
    }

    /// Reads the rooms that there are, and follows what is done to them, until the outbox is closed.
    ///
    /// # Errors
    /// They cannot be read, or no thread can be started.
    pub(super) fn start(self, core: &Arc<Core>) -> Result<Sharing, HubError> {
        let mut follower = Follower::new(core.clone(), self.server.clone());
        let mut connection = self.reader.map(|reader| reader.0);
        if let Some(connection) = &mut connection {
            let loaded = follower.load(connection);
            loaded.map_err(|error| HubError::Redis { at: self.at.clone(), why: why(&error) })?;
        }
        let writer = Writer::new(core.clone(), self.server, follower.has_forgotten());
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(HubError::Thread)
        };
        let mut sharing = Sharing { outbox: self.outbox, ends: Arc::default(), threads: Vec::new() };
        let outbox = sharing.outbox.clone();
        // As soon as it is there, it is ended with what is returned.
        sharing.threads.push(spawn("circlet-hub-put", Box::new(move || writer.run(&outbox)))?);
        let (outbox, ends) = (sharing.outbox.clone(), sharing.ends.clone());
        let follow = move || follower.run(connection, &outbox, &ends);
        sharing.threads.push(spawn("circlet-hub-get", Box::new(follow))?);
        Ok(sharing)
    }
}

/// The threads of a hub that shares rooms: the writer, and then the follower.
#[derive(Debug)]
pub(super) struct Sharing {
    outbox: Arc<Outbox>,
    ends: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Sharing {
    /// Writes what waits, reads it again as all hubs do, and ends. A server that does not answer is waited for no longer than this.
    pub(super) fn end(&mut self, patience: Duration) {
        self.outbox.close();
        let until = Instant::now() + patience;
        for thread in self.threads.drain(..) {
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(1));
            }
            // The follower ends after the writer has.
            self.ends.store(true, Ordering::Release);
        }
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        self.end(Duration::from_secs(1));
    }
}
