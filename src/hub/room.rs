//! A room: the newest value of each key, and a short log of events that nobody merges. No viewer, no clock and no lock is in it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use super::State;
use super::change::{Change, Event};
use super::codec::{CODECS, Codec, Frames};
use super::error::HubError;

/// How much a room holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The keys of its state.
    pub(super) keys: usize,
    /// About how many bytes its state takes.
    pub(super) bytes: usize,
    /// The newest events that are kept for whoever fell behind.
    pub(super) log: usize,
}

/// A room's state and log.
#[derive(Debug)]
pub(super) struct Room {
    name: Arc<str>,
    limits: Limits,
    entries: BTreeMap<String, Arc<State>>,
    /// What the entries cost.
    bytes: usize,
    /// That of the last tick which changed something.
    version: u64,
    /// What became of which keys since then: a value, or gone.
    changed: BTreeMap<String, Option<Arc<State>>>,
    /// The state as whoever is behind gets it, once for each codec.
    snapshot: [Option<(Arc<str>, Frames)>; CODECS],
    log: VecDeque<Logged>,
    log_bytes: usize,
    /// The number of its first event, larger than those of a room of its name before it.
    start: u64,
    /// The number of the next event.
    next: u64,
    /// The first number that no tick has told yet.
    untold: u64,
}

#[derive(Debug)]
struct Logged {
    name: String,
    data: State,
    cost: usize,
    frames: [Option<Frames>; CODECS],
}

/// What a tick tells those who are up to date.
#[derive(Debug)]
pub(super) struct Tick {
    /// For whom it is: those who are at this version, and at this event.
    pub(super) from: Position,
    /// Where they are with it.
    pub(super) to: Position,
    /// What they get, where any of them uses the codec.
    pub(super) frames: [Frames; CODECS],
}

/// What a viewer has of a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) version: u64,
    /// The number of the next event.
    pub(super) next: u64,
}

/// What makes a viewer current.
#[derive(Debug)]
pub(super) struct CatchUp {
    pub(super) frames: Frames,
    pub(super) to: Position,
    pub(super) lost: u64,
}

/// What comes with a delta, beside the values.
#[derive(Serialize)]
struct About<'a> {
    room: &'a str,
    from: u64,
    version: u64,
    removed: Vec<&'a str>,
}

impl Room {
    /// A room without anything, whose first event has the number `start`.
    pub(super) fn new(name: Arc<str>, limits: Limits, version: u64, start: u64) -> Self {
        Self {
            name,
            limits,
            entries: BTreeMap::new(),
            bytes: 0,
            version,
            changed: BTreeMap::new(),
            snapshot: [None, None],
            log: VecDeque::new(),
            log_bytes: 0,
            start,
            next: start,
            untold: start,
        }
    }

    /// Does what a change says, and returns the number of its last event. Where rooms are shared, `last` is that number, and it is done
    /// by all: whoever published it saw that there is room for it, so that it goes beyond that by no more than what was on its way.
    ///
    /// # Errors
    /// It has no room for it: nothing is changed.
    pub(super) fn apply(&mut self, change: Change, last: Option<u64>) -> Result<u64, HubError> {
        if last.is_none() {
            self.has_place_for(&change)?;
        }
        if let Some(last) = last.filter(|_| self.is_blank()) {
            // Others have numbered what was before it, in rooms that went.
            self.start = last.saturating_add(1).saturating_sub(change.events.len() as u64).max(1);
            (self.next, self.untold) = (self.start, self.start);
        }
        for key in &change.removed {
            self.remove(key);
        }
        for (key, value) in change.set {
            self.set(key, value);
        }
        self.log_all(change.events, last);
        Ok(self.next - 1)
    }

    /// Makes the state and the log what they are elsewhere, where the number of the last event is `last`. Returns what viewers are told.
    #[cfg(feature = "redis")]
    pub(super) fn replace(&mut self, mut change: Change, last: u64) -> Result<Change, HubError> {
        let (is_new, known) = (self.is_blank(), self.next - 1);
        change.removed = self.entries.keys().filter(|key| !change.set.contains_key(*key)).cloned().collect();
        let mut told = change.clone();
        self.apply(change, Some(last))?;
        if is_new {
            // Nobody was here when it happened.
            self.untold = self.next;
            // There may have been more: who was here then is told how many events are lost.
            self.start = 1;
            told.events.clear();
        } else {
            let new = usize::try_from(last.saturating_sub(known)).unwrap_or(usize::MAX);
            told.events.drain(..told.events.len().saturating_sub(new));
        }
        Ok(told)
    }

    /// Tells whether there is room for a change.
    pub(super) fn has_place_for(&self, change: &Change) -> Result<(), HubError> {
        let cost = |key: &str, value: &State| key.len() + value.cost();
        let (mut keys, mut bytes) = (self.entries.len(), self.bytes);
        for (key, value) in change.replaced().filter_map(|key| self.entries.get_key_value(key)) {
            keys -= 1;
            bytes -= cost(key, value);
        }
        keys += change.set.len();
        bytes += change.set.iter().map(|(key, value)| cost(key, value)).sum::<usize>();
        let full = |of, given, limit| Err(HubError::Full { room: self.name.to_string(), of, given, limit });
        // What only makes less of it is always taken.
        if keys > self.limits.keys && keys > self.entries.len() {
            return full("keys", keys, self.limits.keys);
        }
        if bytes > self.limits.bytes && bytes > self.bytes {
            return full("bytes", bytes, self.limits.bytes);
        }
        Ok(())
    }

    /// Sets the value of a key.
    fn set(&mut self, key: String, value: State) {
        let before = self.entries.get(&key);
        if before.is_some_and(|before| **before == value) {
            return;
        }
        self.bytes += key.len() + value.cost();
        self.bytes -= before.map_or(0, |before| key.len() + before.cost());
        let value = Arc::new(value);
        self.entries.insert(key.clone(), value.clone());
        self.changed.insert(key, Some(value));
    }

    /// Appends events of which the last one has a number; those that are there already are passed over, and what is missing before them
    /// is lost.
    fn log_all(&mut self, events: Vec<Event>, last: Option<u64>) {
        let first = last.map_or(self.next, |last| last.saturating_add(1).saturating_sub(events.len() as u64));
        if first > self.next {
            self.log.clear();
            self.log_bytes = 0;
            self.next = first;
        }
        let known = usize::try_from(self.next - first).unwrap_or(usize::MAX);
        for event in events.into_iter().skip(known) {
            self.log(&event.name, event.data);
        }
    }

    /// Removes a key, and tells whether it was there.
    fn remove(&mut self, key: &str) -> bool {
        let Some(value) = self.entries.remove(key) else { return false };
        self.bytes -= key.len() + value.cost();
        self.changed.insert(key.to_owned(), None);
        true
    }

    /// Appends an event to the log, and returns its number.
    fn log(&mut self, name: &str, data: State) -> u64 {
        let cost = name.len() + data.cost();
        self.log.push_back(Logged { name: name.to_owned(), data, cost, frames: [None, None] });
        self.log_bytes += cost;
        self.next += 1;
        // What one tick tells may go beyond the limit by one event, so that a large one is told at all.
        while self.log.len() > self.limits.log || (self.log_bytes > self.limits.bytes && self.log.len() > 1) {
            self.log_bytes -= self.log.pop_front().map_or(0, |first| first.cost);
        }
        self.next - 1
    }

    /// Tells whether a tick has something to tell.
    pub(super) fn is_dirty(&self) -> bool {
        !self.changed.is_empty() || self.untold < self.next
    }

    /// Returns what is new since the last tick, in these codecs, and calls it by a version that is larger than any before.
    pub(super) fn tick(&mut self, version: u64, codecs: &[Codec]) -> Option<Tick> {
        if !self.is_dirty() {
            return None;
        }
        // What left the log untold is lost to everybody: whoever is before it is told so as it catches up.
        let from = Position { version: self.version, next: self.untold.max(self.first()) };
        let changed = std::mem::take(&mut self.changed);
        if !changed.is_empty() {
            self.version = version;
        }
        self.snapshot = [None, None];
        let to = Position { version: self.version, next: self.next };
        let mut frames = [Frames::default(), Frames::default()];
        for codec in codecs {
            let delta = (!changed.is_empty()).then(|| self.delta(*codec, &from, &changed));
            let events: Vec<_> =
                (from.next..to.next).filter_map(|number| self.event(*codec, number)).collect();
            frames[*codec as usize] = Frames::joined(delta.iter().chain(&events));
        }
        self.untold = self.next;
        Some(Tick { from, to, frames })
    }

    fn delta(&self, codec: Codec, from: &Position, changed: &BTreeMap<String, Option<Arc<State>>>) -> Frames {
        let set: BTreeMap<_, _> =
            changed.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_deref()?))).collect();
        let removed =
            changed.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key.as_str()).collect();
        let about = About { room: &self.name, from: from.version, version: self.version, removed };
        Frames::event(codec, "game-state-update", &(set, about))
    }

    /// Returns the oldest number that the log still has.
    fn first(&self) -> u64 {
        self.next - self.log.len() as u64
    }

    fn event(&mut self, codec: Codec, number: u64) -> Option<Frames> {
        let first = self.first();
        let logged = self.log.get_mut(usize::try_from(number.checked_sub(first)?).ok()?)?;
        let about = json!({ "room": &*self.name, "n": number });
        let frames = logged.frames[codec as usize]
            .get_or_insert_with(|| Frames::event(codec, &logged.name, &(&logged.data, about)));
        Some(frames.clone())
    }

    /// Returns where a viewer is who gets the state now, and the events from the next one on.
    pub(super) fn position(&self) -> Position {
        Position { version: self.version, next: self.untold }
    }

    /// Returns where a viewer goes on that was to get the event of a number next, unless it has seen another room of this name. Where rooms
    /// are shared, it may have seen more of it elsewhere than is known here. No event has the number 0: that asks for all that are kept.
    pub(super) fn resumed(&self, next: u64, is_shared: bool) -> Option<u64> {
        match next {
            0 => Some(self.first().min(self.untold)),
            _ => (self.start <= next && (is_shared || next <= self.untold)).then_some(next),
        }
    }

    /// Makes a viewer current that is at some position: with the state where that is another, and the events since, of which the log
    /// may have lost some.
    pub(super) fn catch_up(&mut self, codec: Codec, at: &Position, hub: &str) -> CatchUp {
        let position = self.position();
        // What it was told elsewhere it is not told again.
        let to = Position { next: position.next.max(at.next), ..position };
        // What has a smaller number is of a room before this one.
        let at = Position { next: at.next.max(self.start).min(to.next), ..*at };
        let lost = self.first().saturating_sub(at.next).min(to.next - at.next);
        let mut frames = Vec::new();
        if at.version != to.version {
            frames.push(self.snapshot(codec, hub));
        }
        if lost > 0 {
            let lost = json!({ "room": &*self.name, "lost": lost, "next": at.next + lost });
            frames.push(Frames::event(codec, "lost", &(lost,)));
        }
        frames.extend((at.next + lost..to.next).filter_map(|number| self.event(codec, number)));
        CatchUp { frames: Frames::joined(&frames), to, lost }
    }

    /// Returns the state as it is now. It bears the version of the last tick: what changed since comes again with the next one.
    fn snapshot(&mut self, codec: Codec, hub: &str) -> Frames {
        if let Some((of, frames)) = &self.snapshot[codec as usize]
            && **of == *hub
        {
            return frames.clone();
        }
        let about = json!({ "room": &*self.name, "version": self.version, "hub": hub, "next": self.untold });
        let entries: BTreeMap<_, _> = self.entries.iter().map(|(key, value)| (key, &**value)).collect();
        let frames = Frames::event(codec, "gameState", &(entries, about));
        // What changes until the next tick comes with that to whoever gets this: many who come at once cost one of it.
        self.snapshot[codec as usize] = Some((hub.into(), frames.clone()));
        frames
    }

    /// Returns what is new in a change, if anything is.
    pub(super) fn news(&self, change: &Change) -> Option<Change> {
        let mut news = change.clone();
        news.removed.retain(|key| self.entries.contains_key(key));
        news.set.retain(|key, value| {
            news.removed.contains(key) || self.entries.get(key).is_none_or(|before| **before != *value)
        });
        let is_none = news.removed.is_empty() && news.set.is_empty() && news.events.is_empty();
        (!is_none).then_some(news)
    }

    /// Returns what takes all its keys away.
    pub(super) fn removal(&self) -> Change {
        let mut change = Change::to(&self.name);
        change.removed = self.entries.keys().cloned().collect();
        change
    }

    /// Tells whether it has a key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Returns all its keys and what its log has, as a change that makes it so.
    #[cfg(feature = "redis")]
    pub(super) fn all(&self) -> Change {
        let mut change = Change::to(&self.name);
        let event = |logged: &Logged| Event { name: logged.name.clone(), data: logged.data.clone() };
        change.events = self.log.iter().map(event).collect();
        change.set = self.entries.iter().map(|(key, value)| (key.clone(), (**value).clone())).collect();
        change
    }

    /// Returns the number of the last event.
    pub(super) fn last(&self) -> u64 {
        self.next - 1
    }

    /// Tells whether it is as any new one: whoever comes to that misses nothing.
    pub(super) fn is_blank(&self) -> bool {
        self.entries.is_empty() && self.next == self.start
    }

    /// Returns how many keys there are, and about how many bytes they take.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.bytes)
    }
}

#[cfg(test)]
mod tests;
