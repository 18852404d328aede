//! Changes on their way to a thread that writes them somewhere: merged by room while they wait, so that a place that is slow or away costs
//! a bounded amount of memory and nobody's time.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::change::{Change, Event};
use super::error::HubError;
use super::room::Limits;

/// What waits, by room.
#[derive(Debug)]
pub(super) struct Outbox {
    limits: Limits,
    /// For how many rooms something may wait.
    rooms: usize,
    waiting: Mutex<Waiting>,
    came: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    rooms: BTreeMap<String, Pending>,
    /// How many changes were taken and are being written.
    taken: usize,
    /// Events that there was no place for.
    lost: u64,
    is_closed: bool,
}

/// What waits for a room.
#[derive(Debug, Default)]
struct Pending {
    change: Change,
    /// What its values cost, and its events.
    set_bytes: usize,
    event_bytes: usize,
}

/// What is taken out of an outbox.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) changes: Vec<Change>,
    /// Events that there was no place for since the batch before.
    pub(super) lost: u64,
}

impl Outbox {
    pub(super) fn new(limits: Limits, rooms: usize) -> Self {
        Self { limits, rooms, waiting: Mutex::default(), came: Condvar::new() }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a change behind those that wait.
    ///
    /// # Errors
    /// More values wait for its room than that may have, something waits for too many rooms, or it is closed: the change is not put
    /// there. Of events the oldest are lost instead.
    pub(super) fn put(&self, change: Change) -> Result<(), HubError> {
        let mut waiting = self.waiting();
        if waiting.is_closed {
            return Err(HubError::Stopped);
        }
        match waiting.rooms.get(&change.room) {
            Some(pending) => pending.has_place_for(&change, &self.limits)?,
            None if waiting.rooms.len() >= self.rooms => {
                return Err(HubError::Rooms { room: change.room, limit: self.rooms });
            }
            None => Pending::to(&change.room).has_place_for(&change, &self.limits)?,
        }
        let pending = waiting.rooms.entry(change.room.clone()).or_insert_with(|| Pending::to(&change.room));
        pending.merge(change);
        let lost = pending.trim(&self.limits);
        waiting.lost += lost;
        // More than one may wait here, each for something else.
        self.came.notify_all();
        Ok(())
    }

    /// Counts what there was no place for.
    pub(super) fn lose(&self, lost: u64) {
        self.waiting().lost += lost;
    }

    /// Puts back what could not be written: it goes before what came since.
    pub(super) fn put_back(&self, batch: Batch) {
        let mut waiting = self.waiting();
        waiting.taken = 0;
        waiting.lost += batch.lost;
        for change in batch.changes {
            let mut pending = Pending::to(&change.room);
            let later = waiting.rooms.remove(&change.room);
            pending.merge(change);
            // What came since was taken with the promise that it is written.
            later.into_iter().for_each(|later| pending.merge(later.change));
            waiting.lost += pending.trim(&self.limits);
            waiting.rooms.insert(pending.change.room.clone(), pending);
        }
    }

    /// Waits until there is something, takes it, and returns it, while what was taken before is written; `None` once it is closed and empty. It waits until `not_before`
    /// unless it is closed meanwhile, so that what comes often is merged.
    pub(super) fn take(&self, not_before: Instant) -> Option<Batch> {
        let mut waiting = self.waiting();
        waiting.taken = 0;
        loop {
            let is_empty = waiting.rooms.is_empty() && waiting.lost == 0;
            let left = not_before.saturating_duration_since(Instant::now());
            if is_empty && waiting.is_closed {
                return None;
            }
            if !is_empty && (left.is_zero() || waiting.is_closed) {
                let rooms = std::mem::take(&mut waiting.rooms);
                let changes: Vec<_> = rooms.into_values().map(|pending| pending.change).collect();
                waiting.taken = changes.len();
                return Some(Batch { changes, lost: std::mem::take(&mut waiting.lost) });
            }
            let timeout = if is_empty { Duration::from_secs(3600) } else { left };
            waiting = self.came.wait_timeout(waiting, timeout).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for some time, or until it is closed; tells whether it is.
    pub(super) fn pause(&self, timeout: Duration) -> bool {
        let waiting = self.waiting();
        let closed = self.came.wait_timeout_while(waiting, timeout, |waiting| !waiting.is_closed);
        closed.unwrap_or_else(PoisonError::into_inner).0.is_closed
    }

    /// Has no more put into it.
    pub(super) fn close(&self) {
        self.waiting().is_closed = true;
        self.came.notify_all();
    }

    /// Returns how many changes wait or are being written.
    pub(super) fn len(&self) -> usize {
        let waiting = self.waiting();
        waiting.rooms.len() + waiting.taken
    }
}

impl Pending {
    fn to(room: &str) -> Self {
        Self { change: Change::to(room), ..Self::default() }
    }

    fn has_place_for(&self, change: &Change, limits: &Limits) -> Result<(), HubError> {
        let new = change.set.keys().filter(|key| !self.change.set.contains_key(*key)).count();
        let full =
            |of, given, limit| Err(HubError::Full { room: self.change.room.clone(), of, given, limit });
        // A key that goes waits as well as one that is set.
        let keys = self.change.set.len() + self.change.removed.len() + new;
        if keys > limits.keys.saturating_mul(2) {
            return full("keys", keys, limits.keys);
        }
        let more: usize = change.set.iter().map(|(key, value)| key.len() + value.cost()).sum();
        let less: usize = change.replaced().filter_map(|key| self.cost_of(key)).sum();
        let bytes = self.set_bytes + more - less;
        if bytes > limits.bytes {
            return full("bytes", bytes, limits.bytes);
        }
        Ok(())
    }

    fn cost_of(&self, key: &str) -> Option<usize> {
        self.change.set.get(key).map(|value| key.len() + value.cost())
    }

    fn merge(&mut self, later: Change) {
        let gone: usize = later.replaced().filter_map(|key| self.cost_of(key)).sum();
        self.set_bytes += later.set.iter().map(|(key, value)| key.len() + value.cost()).sum::<usize>();
        self.set_bytes -= gone;
        self.event_bytes += later.events.iter().map(Event::cost).sum::<usize>();
        self.change.merge(later);
    }

    /// Drops the oldest events of those that are too many, and returns how many those were.
    fn trim(&mut self, limits: &Limits) -> u64 {
        let mut lost = 0;
        for event in &self.change.events {
            let left = self.change.events.len() - lost;
            if left <= 1 || (left <= limits.log && self.event_bytes <= limits.bytes) {
                break;
            }
            self.event_bytes -= event.cost();
            lost += 1;
        }
        self.change.events.drain(..lost);
        lost as u64
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LIMITS: Limits = Limits { keys: 4, bytes: 1_000, log: 3 };

    fn set(key: &str, value: &serde_json::Value) -> Change {
        let mut change = Change::to("g");
        change.set.insert(key.to_owned(), value.clone().into());
        change
    }

    fn event(n: u64) -> Change {
        let mut change = Change::to("g");
        change.events.push(Event { name: "happened".to_owned(), data: json!(n).into() });
        change
    }

    #[test]
    fn what_waits_is_merged_and_what_was_put_back_goes_first() {
        let outbox = Outbox::new(LIMITS, 2);
        for n in 0..100 {
            outbox.put(set("a", &json!(n))).unwrap();
        }
        let batch = outbox.take(Instant::now()).unwrap();
        assert_eq!(batch.changes, [set("a", &json!(99))]);
        outbox.put(set("a", &json!(100))).unwrap();
        outbox.put(event(1)).unwrap();
        outbox.put_back(Batch { changes: vec![set("a", &json!(99)), set("b", &json!(1))], lost: 0 });
        let mut expected = set("a", &json!(100));
        expected.merge(set("b", &json!(1)));
        expected.merge(event(1));
        assert_eq!(outbox.take(Instant::now()).unwrap().changes, [expected]);
    }

    #[test]
    fn nothing_grows_while_nobody_takes_it() {
        let outbox = Outbox::new(LIMITS, 2);
        for n in 0..10 {
            outbox.put(event(n)).unwrap();
        }
        let large = json!("x".repeat(400));
        assert!((0..3).map(|n| outbox.put(set(&n.to_string(), &large))).filter(Result::is_err).count() == 1);
        outbox.put(set("0", &large)).unwrap();
        let batch = outbox.take(Instant::now()).unwrap();
        assert_eq!((batch.lost, batch.changes[0].events.len(), batch.changes[0].set.len()), (7, 3, 2));
    }

    #[test]
    fn what_was_put_before_it_was_closed_is_taken() {
        let outbox = Outbox::new(LIMITS, 2);
        outbox.put(event(1)).unwrap();
        outbox.close();
        let far = Instant::now() + Duration::from_secs(60);
        assert_eq!(outbox.take(far).unwrap().changes, [event(1)]);
        assert!(outbox.take(far).is_none());
        assert!(outbox.pause(Duration::from_secs(60)));
    }
}
