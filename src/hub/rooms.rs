//! The rooms of a hub by their names, and when they go.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::HubError;
use super::room::{Limits, Room};

/// How long names are.
pub(super) const NAME_BYTES: usize = 200;

/// A room, and who is in it.
#[derive(Debug)]
pub(super) struct Place {
    /// Tells it from others of the same name, before and after.
    pub(super) id: u64,
    pub(super) name: Arc<str>,
    room: Mutex<Room>,
    /// How many viewers are in it.
    pub(super) viewers: AtomicUsize,
    /// When something was last done in it, in ms of the hub's time.
    touched_ms: AtomicU64,
}

impl Place {
    /// The room. No other lock is taken while it is held.
    pub(super) fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn touch(&self, now_ms: u64) {
        self.touched_ms.store(now_ms, Ordering::Relaxed);
    }
}

/// Rooms by name.
#[derive(Debug)]
pub(super) struct Rooms {
    limit: usize,
    limits: Limits,
    /// The version that the last tick bore; no two ticks of a hub bear the same.
    version: AtomicU64,
    /// How many rooms were made.
    made: AtomicU64,
    places: Mutex<HashMap<Arc<str>, Arc<Place>>>,
}

impl Rooms {
    pub(super) fn new(limit: usize, limits: Limits) -> Self {
        Self { limit, limits, version: AtomicU64::new(0), made: AtomicU64::new(0), places: Mutex::default() }
    }

    fn places(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Place>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the version for a tick.
    pub(super) fn next_version(&self) -> u64 {
        self.version.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Does something with a room that is there, or is made for it; it does not go meanwhile.
    ///
    /// # Errors
    /// It has no name, or there are too many rooms.
    pub(super) fn enter<T>(
        &self,
        name: &str,
        now_ms: u64,
        act: impl FnOnce(&Arc<Place>) -> T,
    ) -> Result<T, HubError> {
        if name.is_empty() || name.len() > NAME_BYTES {
            return Err(HubError::Name { what: "room", bytes: name.len(), limit: NAME_BYTES });
        }
        let mut places = self.places();
        if let Some(place) = places.get(name) {
            place.touch(now_ms);
            return Ok(act(place));
        }
        if places.len() >= self.limit {
            return Err(HubError::Rooms { limit: self.limit });
        }
        let name: Arc<str> = name.into();
        let room = Room::new(name.clone(), self.limits, self.version.load(Ordering::Relaxed));
        let place = Arc::new(Place {
            id: self.made.fetch_add(1, Ordering::Relaxed),
            name: name.clone(),
            room: Mutex::new(room),
            viewers: AtomicUsize::new(0),
            touched_ms: AtomicU64::new(now_ms),
        });
        places.insert(name, place.clone());
        Ok(act(&place))
    }

    /// Returns a room that is there.
    pub(super) fn get(&self, name: &str) -> Option<Arc<Place>> {
        self.places().get(name).cloned()
    }

    /// Takes out the rooms that nobody watches and in which nothing was done for so long; returns how many.
    pub(super) fn evict(&self, now_ms: u64, idle_ms: u64) -> usize {
        let mut places = self.places();
        let before = places.len();
        places.retain(|_, place| {
            let idle = now_ms.saturating_sub(place.touched_ms.load(Ordering::Relaxed));
            place.viewers.load(Ordering::Relaxed) > 0 || idle < idle_ms
        });
        before - places.len()
    }

    /// Returns all rooms.
    pub(super) fn all(&self) -> Vec<Arc<Place>> {
        self.places().values().cloned().collect()
    }
}
