//! What the threads of a hub share.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use engineioxide_core::Sid;
use tokio::runtime::Handle;

use super::State;
use super::codec::Frames;
use super::error::HubError;
use super::options::HubOptions;
use super::room::Room;
use super::rooms::{NAME_BYTES, Place, Rooms};
use super::stats::Counts;
use super::ticker::Tell;
use super::viewer::Viewer;

/// What the threads of a hub share. Locks are taken in this order: the rooms, a viewer, a room.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) options: HubOptions,
    /// Tells this hub from others, and from itself before it was started again.
    pub(super) id: String,
    pub(super) rooms: Rooms,
    pub(super) stats: Counts,
    pub(super) runtime: Handle,
    /// A ping, as all viewers get it.
    pub(super) ping: Frames,
    started: Instant,
    sessions: Mutex<HashMap<Sid, Arc<Viewer>>>,
    ticker: Sender<Tell>,
}

impl Core {
    pub(super) fn new(options: HubOptions, runtime: Handle, ticker: Sender<Tell>) -> Self {
        Self {
            id: Sid::new().to_string(),
            rooms: Rooms::new(options.max_rooms, options.room()),
            stats: Counts::default(),
            runtime,
            ping: Frames::engine("2"),
            started: Instant::now(),
            sessions: Mutex::default(),
            ticker,
            options,
        }
    }

    /// Returns the hub's time.
    pub(super) fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    pub(super) fn sessions(&self) -> MutexGuard<'_, HashMap<Sid, Arc<Viewer>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a session.
    pub(super) fn came(&self, viewer: &Arc<Viewer>) {
        self.stats.connections.fetch_add(1, Ordering::Relaxed);
        self.sessions().insert(viewer.sid, viewer.clone());
    }

    /// Removes one that is closed.
    pub(super) fn gone(&self, viewer: &Viewer) {
        self.sessions().remove(&viewer.sid);
    }

    /// Sets the value of a key of a room.
    pub(super) fn set(&self, room: &str, key: &str, value: State) -> Result<(), HubError> {
        self.update(room, [(key, value)], [])
    }

    /// Sets and removes keys of a room at once: viewers are told of all of it together. Where there is no room for a value, those before
    /// it are set.
    pub(super) fn update<'a>(
        &self,
        room: &str,
        set: impl IntoIterator<Item = (&'a str, State)>,
        removed: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), HubError> {
        self.publish(room, |room| {
            // What goes makes room.
            for key in removed {
                room.remove(key);
            }
            for (key, value) in set {
                room.set(name("key", key)?, value)?;
            }
            Ok(())
        })?
    }

    /// Removes a key of a room, and tells whether it was there.
    pub(super) fn remove(&self, room: &str, key: &str) -> Result<bool, HubError> {
        self.publish(room, |room| room.remove(key))
    }

    /// Appends an event to the log of a room, and returns its number.
    pub(super) fn log(&self, room: &str, event: &str, data: State) -> Result<u64, HubError> {
        let event = name("event", event)?;
        self.publish(room, |room| room.log(event, data))
    }

    fn publish<T>(&self, room: &str, act: impl FnOnce(&mut Room) -> T) -> Result<T, HubError> {
        self.stats.published.fetch_add(1, Ordering::Relaxed);
        self.rooms.enter(room, self.now_ms(), |place| {
            let mut room = place.room();
            let was_dirty = room.is_dirty();
            let done = act(&mut room);
            if !was_dirty && room.is_dirty() {
                self.tell(Tell::Dirty(place.clone()));
            }
            done
        })
    }

    pub(super) fn tell(&self, tell: Tell) {
        // A ticker that has ended has nobody to tell.
        let _ = self.ticker.send(tell);
    }

    pub(super) fn tell_ticker_joined(&self, place: &Arc<Place>, viewer: &Arc<Viewer>) {
        self.tell(Tell::Joined(place.clone(), viewer.clone()));
    }

    /// A viewer has left a room.
    pub(super) fn left(&self, place: &Arc<Place>, viewer: &Viewer) {
        place.viewers.fetch_sub(1, Ordering::Relaxed);
        place.touch(self.now_ms());
        self.tell(Tell::Left(place.clone(), viewer.sid));
    }
}

/// Checks a name that is not a room's.
fn name<'a>(what: &'static str, name: &'a str) -> Result<&'a str, HubError> {
    if name.is_empty() || name.len() > NAME_BYTES {
        return Err(HubError::Name { what, bytes: name.len(), limit: NAME_BYTES });
    }
    Ok(name)
}
