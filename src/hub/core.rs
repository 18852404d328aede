//! What the threads of a hub share.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use engineioxide_core::Sid;
use tokio::runtime::Handle;

use super::addresses::Addresses;
use super::change::Change;
use super::codec::Frames;
use super::error::HubError;
use super::options::HubOptions;
use super::outbox::Outbox;
use super::recording::Recorder;
use super::room::Room;
use super::rooms::{Place, Rooms};
use super::stats::Counts;
use super::ticker::Tell;
use super::trouble::Troubles;
use super::viewer::Viewer;

/// What the threads of a hub share. Locks are taken in this order: the rooms, a viewer, a room, the addresses.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) options: HubOptions,
    /// Tells this hub from others, and from itself before it was started again. Those that share rooms have the same one.
    id: RwLock<Arc<str>>,
    pub(super) rooms: Rooms,
    pub(super) stats: Counts,
    pub(super) runtime: Handle,
    /// A ping, as all viewers get it.
    pub(super) ping: Frames,
    started: Instant,
    sessions: Mutex<HashMap<Sid, Arc<Viewer>>>,
    ticker: Sender<Tell>,
    /// Writes down what is done.
    pub(super) recorder: Option<Recorder>,
    /// Takes what other hubs are to be told.
    pub(super) shared: Option<Arc<Outbox>>,
    pub(super) troubles: Troubles,
    /// The rooms whose state is a session's.
    session_rooms: Mutex<HashSet<String>>,
    pub(super) addresses: Arc<Addresses>,
}

/// The room that says of the hub itself what it does.
pub(super) const ITSELF: &str = "hub";

/// The room that says of each ring how full it is, by its name.
pub(super) const RINGS: &str = "rings";

impl Core {
    pub(super) fn new(options: HubOptions, runtime: Handle, ticker: Sender<Tell>) -> Self {
        Self {
            id: RwLock::new(Sid::new().as_str().into()),
            recorder: None,
            shared: None,
            troubles: Troubles::default(),
            session_rooms: Mutex::default(),
            addresses: Arc::new(Addresses::new(&options)),
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

    pub(super) fn id(&self) -> Arc<str> {
        self.id.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[cfg(feature = "redis")]
    pub(super) fn set_id(&self, id: String) {
        *self.id.write().unwrap_or_else(PoisonError::into_inner) = id.into();
    }

    /// Goes on by another id, with which everybody is told the state: what they say of the one before is of no use to them any more.
    #[cfg(feature = "redis")]
    pub(super) fn go_by(self: &Arc<Self>, id: String) {
        if *self.id() == *id {
            return;
        }
        self.set_id(id);
        let viewers: Vec<_> = self.sessions().values().cloned().collect();
        for viewer in viewers {
            viewer.begin_anew(self);
        }
    }

    /// Begins to record, where that is asked for.
    pub(super) fn record(&mut self) -> Result<(), HubError> {
        if let Some(path) = &self.options.record {
            let (limits, tick) = (self.options.room(), self.options.tick());
            self.recorder = Some(Recorder::start(path, &self.id(), limits, tick, self.troubles.clone())?);
        }
        Ok(())
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

    /// Publishes a change, and returns the number of its last event; where rooms are shared with other hubs, that comes later.
    pub(super) fn publish(&self, change: Change) -> Result<Option<u64>, HubError> {
        change.check()?;
        self.stats.published.fetch_add(1, Ordering::Relaxed);
        match &self.shared {
            Some(outbox) if !Self::is_own(&change.room) => {
                self.rooms.have_place_for(&change)?;
                outbox.put(change)?;
                Ok(None)
            }
            _ => self.apply(change, None).map(Some),
        }
    }

    /// The state of a room is what a session's page says.
    pub(super) fn belongs_to_session(&self, room: &str) {
        self.session_rooms.lock().unwrap_or_else(PoisonError::into_inner).insert(room.to_owned());
    }

    /// Tells why emitters may not say something of a room: what the hub itself or a session says of it is not theirs to change.
    pub(super) fn refuses(&self, change: &Change) -> Option<String> {
        let room = &change.room;
        let is_session = || self.session_rooms.lock().unwrap_or_else(PoisonError::into_inner).contains(room);
        if Self::is_own(room) {
            return Some(format!("the room `{room}` is the hub's own: name another"));
        }
        let is_update = !change.set.is_empty() || !change.removed.is_empty();
        (is_update && is_session())
            .then(|| format!("the state of the room `{room}` is what its session says; events may be told"))
    }

    /// Tells whether a room is of this hub alone, where others are shared.
    pub(super) fn is_own(room: &str) -> bool {
        room == ITSELF || room == RINGS
    }

    /// Makes a room what it is elsewhere, where the number of the last event is `last`.
    #[cfg(feature = "redis")]
    pub(super) fn replace(&self, change: Change, last: u64) -> Result<(), HubError> {
        self.alter(&change.room.clone(), |room| {
            let told = room.replace(change, last)?;
            if let Some(recorder) = &self.recorder {
                recorder.take(told);
            }
            Ok(())
        })
    }

    /// A room has gone.
    pub(super) fn evicted(&self, place: &Place) {
        self.stats.evicted.fetch_add(1, Ordering::Relaxed);
        if let Some(recorder) = self.recorder.as_ref().filter(|_| *place.name != *ITSELF) {
            recorder.take(place.room().removal());
        }
    }

    /// Does what a change says to a room, and returns the number of its last event.
    pub(super) fn apply(&self, change: Change, last: Option<u64>) -> Result<u64, HubError> {
        self.alter(&change.room.clone(), |room| {
            let recorder = self.recorder.as_ref().filter(|_| change.room != ITSELF);
            let news = recorder.and_then(|_| room.news(&change));
            let last = room.apply(change, last)?;
            if let Some((recorder, news)) = recorder.zip(news) {
                recorder.take(news);
            }
            Ok(last)
        })
    }

    /// Does something to a room, of which viewers are told.
    pub(super) fn alter<T>(
        &self,
        room: &str,
        act: impl FnOnce(&mut Room) -> Result<T, HubError>,
    ) -> Result<T, HubError> {
        self.rooms.enter(room, self.now_ms(), |place| {
            let mut room = place.room();
            let was_dirty = room.is_dirty();
            let done = act(&mut room);
            if !was_dirty && room.is_dirty() {
                self.tell(Tell::Dirty(place.clone()));
            }
            done
        })?
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
