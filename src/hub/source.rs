//! What a hub shows of shared memory: rings and session pages, each followed by a thread of its own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::change::{Change, check_name};
use super::core::{Core, RINGS};
use super::error::HubError;
use super::events;
use super::{Column, ColumnKind, State};
use crate::page;
use crate::payload::{PAGE_SCHEMA, RingState};
use crate::ring::{self, Receiver, Ring};
use crate::shm::{self, PeerState};

/// How often a thread looks whether it is to end, whether what is not there has come, and how full a ring is.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Threads that follow something.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// What is shown, and in which room.
    shown: BTreeSet<(&'static str, String, String)>,
    is_ending: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Sources {
    /// Follows the ring of a name, and shows it in a room.
    pub(super) fn ring(&mut self, core: &Arc<Core>, name: &str, room: &str) -> Result<(), HubError> {
        self.show("ring", name, room)?;
        let (core, name, room) = (core.clone(), name.to_owned(), room.to_owned());
        self.spawn(move |is_ending| follow_ring(&core, &name, &room, is_ending))
    }

    /// Follows the session page of a name, and shows it in a room.
    pub(super) fn session(&mut self, core: &Arc<Core>, page: &str, room: &str) -> Result<(), HubError> {
        self.show("session", page, room)?;
        core.belongs_to_session(room);
        let (core, page, room) = (core.clone(), page.to_owned(), room.to_owned());
        self.spawn(move |is_ending| follow_session(&core, &page, &room, is_ending))
    }

    fn show(&mut self, kind: &'static str, name: &str, room: &str) -> Result<(), HubError> {
        check(name, room)?;
        if self.shown.insert((kind, name.to_owned(), room.to_owned())) {
            return Ok(());
        }
        Err(HubError::Shown { name: name.to_owned(), room: room.to_owned() })
    }

    fn spawn(&mut self, work: impl FnOnce(&AtomicBool) + Send + 'static) -> Result<(), HubError> {
        let is_ending = self.is_ending.clone();
        let thread = std::thread::Builder::new().name("circlet-hub-source".to_owned());
        self.threads.push(thread.spawn(move || work(&is_ending)).map_err(HubError::Thread)?);
        Ok(())
    }

    /// Ends them all, within a quarter of a second.
    pub(super) fn end(&mut self) {
        self.is_ending.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It has nothing to say, however it ended.
            let _ = thread.join();
        }
    }
}

/// Checks that a ring or page of a name, which may come later, could be shown in a room.
pub(super) fn check(name: &str, room: &str) -> Result<(), HubError> {
    shm::check_name(name).map_err(HubError::Source)?;
    check_name("room", room)?;
    if Core::is_own(room) { Err(HubError::Own { room: room.to_owned() }) } else { Ok(()) }
}

/// Waits for the time between two looks; `false` to end.
fn pause(is_ending: &AtomicBool) -> bool {
    std::thread::sleep(LOOK_EVERY);
    !is_ending.load(Ordering::Relaxed)
}

/// Follows a ring for as long as the hub is there: waits for one of its name, reads it until its producers are gone, and looks for it
/// again. One that somebody else reads has its statistics shown alone.
fn follow_ring(core: &Core, name: &str, room: &str, is_ending: &AtomicBool) {
    while !is_ending.load(Ordering::Relaxed) {
        let why = match ring::open(name) {
            Ok(ring) => read_ring(core, &ring, name, room, is_ending),
            Err(error) => error.to_string(),
        };
        show(core, RINGS, name, json!({ "room": room, "reads": false, "why": why }).into());
        if !pause(is_ending) {
            return;
        }
    }
}

/// Reads a ring; returns why it stopped.
fn read_ring(core: &Core, ring: &Ring, name: &str, room: &str, is_ending: &AtomicBool) -> String {
    let mut receiver = match ring.receiver() {
        Ok(receiver) => Some(receiver),
        // Somebody else reads it: what is in it is theirs.
        Err(ring::Error::Segment(shm::Error::Busy { .. })) => None,
        Err(error) => return error.to_string(),
    };
    let (mut lost, mut refused, mut why_refused) = (0, 0, None);
    let mut look = Instant::now();
    while !is_ending.load(Ordering::Relaxed) {
        match &mut receiver {
            Some(receiver) => match next(receiver, look) {
                Ok(Some(message)) => {
                    if let Err(why) = publish(core, room, &message) {
                        core.stats.refused.fetch_add(1, Ordering::Relaxed);
                        (refused, why_refused) = (refused + 1, Some(why));
                    }
                }
                Ok(None) => {}
                Err(ring::Error::Lagged { frames: more, .. }) => lost += more,
                Err(error) => return error.to_string(),
            },
            None if !pause(is_ending) => break,
            // Whoever read it may have gone.
            None => match ring.receiver() {
                Ok(mine) => receiver = Some(mine),
                Err(ring::Error::Segment(shm::Error::Busy { .. })) => {}
                Err(error) => return error.to_string(),
            },
        }
        // After the first attempt to read, so that one whose producers are gone is not said to be read each time it is opened.
        if Instant::now() >= look {
            look = Instant::now() + LOOK_EVERY;
            let mut stats = serde_json::to_value(RingState::from(&ring.stats())).unwrap_or_default();
            if let Value::Object(stats) = &mut stats {
                stats.extend([
                    ("room".to_owned(), room.into()),
                    ("reads".to_owned(), receiver.is_some().into()),
                    ("lost".to_owned(), lost.into()),
                    ("refused".to_owned(), refused.into()),
                ]);
                // Of what was refused last.
                stats.extend(why_refused.clone().map(|why| ("why_refused".to_owned(), why.into())));
                let unread =
                    receiver.as_ref().map(|receiver| ("unread".to_owned(), receiver.unread_frames().into()));
                stats.extend(unread);
            }
            show(core, RINGS, name, stats.into());
        }
    }
    "the hub stops".to_owned()
}

/// Receives a message until a moment; `None` where there is none.
fn next(receiver: &mut Receiver, until: Instant) -> Result<Option<Vec<u8>>, ring::Error> {
    let timeout = until.saturating_duration_since(Instant::now());
    let mut message = Vec::new();
    match receiver.recv_copy(&mut message, ring::Deadline::after(timeout)) {
        Ok(_) => Ok(Some(message)),
        Err(ring::Error::TimedOut { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Publishes a message: an object of JSON says what its room's keys are, `null` for those that go; one with `event` is that event, and
/// one with `set` or `removed` an update, as emitters say them. What is no object is the value of the key `value`, what is no JSON the
/// column `bytes` of it.
///
/// # Errors
/// Why it is refused.
fn publish(core: &Core, room: &str, message: &[u8]) -> Result<(), String> {
    let change = match serde_json::from_slice(message) {
        Ok(Value::Object(members)) => change_of(room, members)?,
        Ok(value) => one_key(room, "value", value.into()),
        Err(_) => {
            let bytes =
                Column { name: "bytes".to_owned(), kind: ColumnKind::U8, bytes: message.to_vec().into() };
            one_key(room, "value", vec![bytes].into())
        }
    };
    // Its own room it was given by whoever started the hub.
    if change.room != room
        && let Some(refusal) = core.refuses(&change)
    {
        return Err(refusal);
    }
    core.publish(change).map(|_| ()).map_err(|error| error.to_string())
}

fn change_of(room: &str, mut members: Map<String, Value>) -> Result<Change, String> {
    let event = match members.remove("event") {
        Some(Value::String(event)) if events::EMITTED.contains(&event.as_str()) => Some(event),
        Some(other) => {
            members.insert("event".to_owned(), other);
            None
        }
        None => {
            ["set", "removed"].iter().any(|key| members.contains_key(*key)).then(|| events::UPDATE.to_owned())
        }
    };
    if let Some(event) = event {
        members.entry("room").or_insert_with(|| room.into());
        return events::said(&event, Value::Object(members));
    }
    let mut change = Change::to(room);
    for (key, value) in members {
        match value {
            Value::Null => drop(change.removed.insert(key)),
            value => drop(change.set.insert(key, value.into())),
        }
    }
    Ok(change)
}

fn one_key(room: &str, key: &str, value: State) -> Change {
    let mut change = Change::to(room);
    change.set.insert(key.to_owned(), value);
    change
}

/// Sets a value, or counts that there was no room for it.
fn show(core: &Core, room: &str, key: &str, value: State) {
    publish_change(core, one_key(room, key, value));
}

/// Publishes a change, or counts that it was refused.
fn publish_change(core: &Core, change: Change) {
    if core.publish(change).is_err() {
        core.stats.refused.fetch_add(1, Ordering::Relaxed);
    }
}

/// Follows a session's page: its sections are the keys of the room, and `page` says whether its tracker lives.
fn follow_session(core: &Core, name: &str, room: &str, is_ending: &AtomicBool) {
    while !is_ending.load(Ordering::Relaxed) {
        let options = page::Options::new().schema(PAGE_SCHEMA);
        let why = match page::open(name, &options) {
            Ok(page) => {
                let mut reader = page.reader();
                // One that was killed leaves its page: what that has last is shown, and it is not said to live each time it is opened.
                if !matches!(reader.writer_state(), PeerState::Closed | PeerState::Dead) {
                    show(core, room, "page", json!({ "name": name, "lives": true }).into());
                }
                read_page(core, &mut reader, room, is_ending)
            }
            Err(error) => error.to_string(),
        };
        show(core, room, "page", json!({ "name": name, "lives": false, "why": why }).into());
        if !pause(is_ending) {
            return;
        }
    }
}

/// Reads a page until its writer is gone; returns why it stopped.
fn read_page(core: &Core, reader: &mut page::Reader, room: &str, is_ending: &AtomicBool) -> String {
    let mut known = BTreeSet::new();
    while !is_ending.load(Ordering::Relaxed) {
        let value = match reader.wait(shm::Deadline::after(LOOK_EVERY)) {
            Ok(value) => value,
            Err(page::Error::TimedOut) => continue,
            Err(error) => return error.to_string(),
        };
        let Ok(Value::Object(sections)) = serde_json::from_slice(value.bytes) else { continue };
        let is = sections.keys().cloned().collect();
        let mut change = Change::to(room);
        change.removed = std::mem::replace(&mut known, is)
            .into_iter()
            .filter(|section| !sections.contains_key(section))
            .collect();
        change.set = sections.into_iter().map(|(section, value)| (section, value.into())).collect();
        publish_change(core, change);
    }
    "the hub stops".to_owned()
}
