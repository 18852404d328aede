//! The rooms of a hub by their names, and when they go.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::change::{Change, check_name};
use super::core::Core;
use super::error::HubError;
use super::options::HubOptions;
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
    /// How many are doing something in it, and have it stay meanwhile.
    guests: AtomicUsize,
    /// When something was last done in it, in ms of the hub's time.
    touched_ms: AtomicU64,
}

/// Has a room stay.
struct Guest(Arc<Place>);

impl Drop for Guest {
    fn drop(&mut self) {
        // Whoever sees this sees the viewer that came by it.
        self.0.guests.fetch_sub(1, Ordering::Release);
    }
}

impl Place {
    /// The room. No other lock is taken while it is held.
    pub(super) fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn touch(&self, now_ms: u64) {
        self.touched_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Tells whether nobody watches it, and nothing was done in it for so long.
    pub(super) fn is_idle(&self, now_ms: u64, idle_ms: u64) -> bool {
        let idle = now_ms.saturating_sub(self.touched_ms.load(Ordering::Relaxed));
        !self.is_in_use() && idle >= idle_ms
    }

    /// Tells whether somebody watches it or does something in it. Who is new is in it while the rooms are locked.
    fn is_in_use(&self) -> bool {
        self.guests.load(Ordering::Acquire) > 0 || self.viewers.load(Ordering::Relaxed) > 0
    }
}

/// Rooms by name.
#[derive(Debug)]
pub(super) struct Rooms {
    limit: usize,
    limits: Limits,
    /// The version that the last tick bore; no two ticks of a hub bear the same.
    version: AtomicU64,
    /// The number of the first event in a room that is made: no number that viewers know of a room that went comes again.
    /// Where rooms are shared, Redis sees to that.
    start: AtomicU64,
    /// How many rooms were made.
    made: AtomicU64,
    places: Mutex<HashMap<Arc<str>, Arc<Place>>>,
}

impl Rooms {
    pub(super) fn new(limit: usize, limits: Limits) -> Self {
        Self {
            limit,
            limits,
            version: AtomicU64::new(0),
            start: AtomicU64::new(1),
            made: AtomicU64::new(0),
            places: Mutex::default(),
        }
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
        // Others are not kept waiting for what is done in this one.
        let guest = self.guest(name, now_ms)?;
        Ok(act(&guest.0))
    }

    fn guest(&self, name: &str, now_ms: u64) -> Result<Guest, HubError> {
        check_name("room", name)?;
        let mut places = self.places();
        let place = match places.get(name) {
            Some(place) => place,
            None if places.len() >= self.limit => return Err(self.has_no_place_for(name)),
            None => {
                let name: Arc<str> = name.into();
                let place = self.place(&name);
                places.entry(name).or_insert(place)
            }
        };
        place.touch(now_ms);
        place.guests.fetch_add(1, Ordering::Relaxed);
        Ok(Guest(place.clone()))
    }

    fn has_no_place_for(&self, name: &str) -> HubError {
        HubError::Rooms { room: name.to_owned(), limit: self.limit }
    }

    fn place(&self, name: &Arc<str>) -> Arc<Place> {
        let (version, start) = (self.version.load(Ordering::Relaxed), self.start.load(Ordering::Relaxed));
        // What the hub says of itself has place for it, however little others have.
        let limits = if Core::is_own(name) { HubOptions::default().room() } else { self.limits };
        let room = Room::new(name.clone(), limits, version, start);
        Arc::new(Place {
            id: self.made.fetch_add(1, Ordering::Relaxed),
            name: name.clone(),
            room: Mutex::new(room),
            viewers: AtomicUsize::new(0),
            guests: AtomicUsize::new(0),
            touched_ms: AtomicU64::new(0),
        })
    }

    /// Tells whether there is room for a change.
    pub(super) fn have_place_for(&self, change: &Change) -> Result<(), HubError> {
        match self.get(&change.room) {
            Some(place) => place.room().has_place_for(change),
            None if self.places().len() >= self.limit => Err(self.has_no_place_for(&change.room)),
            None => Room::new(change.room.as_str().into(), self.limits, 0, 1).has_place_for(change),
        }
    }

    /// Returns a room that is there.
    pub(super) fn get(&self, name: &str) -> Option<Arc<Place>> {
        self.places().get(name).cloned()
    }

    /// Takes out the rooms that nobody watches and in which nothing was done for so long, or is anything. None of their names can come
    /// again before `went` has seen them.
    pub(super) fn evict(&self, now_ms: u64, idle_ms: u64, went: impl Fn(&Place)) {
        let goes = |place: &Place| {
            place.is_idle(now_ms, idle_ms) || (place.is_idle(now_ms, 0) && place.room().is_blank())
        };
        let mut places = self.places();
        for (_, place) in places.extract_if(|_, place| goes(place)) {
            let room = place.room();
            if !room.is_blank() {
                // One is left out, which tells a viewer that had all of this room from one that has some of the next.
                self.start.fetch_max(room.last() + 2, Ordering::Relaxed);
            }
            drop(room);
            went(&place);
        }
    }

    /// Takes out a room and returns it, unless somebody watches it or does something in it.
    #[cfg(feature = "redis")]
    pub(super) fn remove_unwatched(&self, name: &str) -> Result<Option<Arc<Place>>, Arc<Place>> {
        let mut places = self.places();
        match places.get(name) {
            Some(place) if place.is_in_use() => Err(place.clone()),
            _ => Ok(places.remove(name)),
        }
    }

    /// Returns all rooms.
    pub(super) fn all(&self) -> Vec<Arc<Place>> {
        self.places().values().cloned().collect()
    }
}
