//! The live hub for C: its options, values and statistics are JSON, its columns of numbers are arrays.

use std::ffi::{c_char, c_void};
use std::io::ErrorKind;
use std::sync::{PoisonError, RwLock};

use serde_json::{Map, Value};

use super::call::{
    Failure, Out, array, borrow, call, duration, end_handle, into_handle, json, json_options, long_array,
    text,
};
use super::status::circlet_status;
use super::text::circlet_text;
use crate::hub::{Column, ColumnKind, Hub, HubError, State};

/// A live hub: rooms of state that viewers watch over Socket.IO. Any thread calls it. A child that is forked has no part in it: every
/// call fails there with CIRCLET_OS, but for `circlet_hub_addr` and `circlet_hub_free`, which leaves the parent's as it is.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_hub {
    /// The process that started it: in a forked one, somebody who is not there may hold the lock.
    process: u32,
    addr: String,
    /// `None` once it is stopped. Held to write for as long as that takes to say, and not while it stops.
    hub: RwLock<Option<Hub>>,
}

impl circlet_hub {
    fn check_process(&self) -> Result<(), Failure> {
        if self.process == std::process::id() { Ok(()) } else { Err(HubError::Forked.into()) }
    }

    /// Does something with a hub that is not stopped.
    pub(super) fn with<R>(&self, body: impl FnOnce(&Hub) -> Result<R, Failure>) -> Result<R, Failure> {
        self.check_process()?;
        let hub = self.hub.read().unwrap_or_else(PoisonError::into_inner);
        body(hub.as_ref().ok_or(HubError::Stopped)?)
    }

    /// Takes it out, so that nobody comes in any more; `None` where that was done.
    fn take(&self) -> Option<Hub> {
        self.hub.write().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for circlet_hub {
    fn drop(&mut self) {
        if self.check_process().is_err() {
            // It would wait for threads that are not here, whatever they were at.
            std::mem::forget(std::mem::take(&mut self.hub));
        }
    }
}

/// The numbers of a column are floats of 32 bits, a `Float32Array`.
pub const CIRCLET_COLUMN_F32: u32 = 1;
/// Floats of 64 bits, a `Float64Array`.
pub const CIRCLET_COLUMN_F64: u32 = 2;
/// Integers of 32 bits, an `Int32Array`.
pub const CIRCLET_COLUMN_I32: u32 = 3;
/// Bytes, an `Uint8Array`.
pub const CIRCLET_COLUMN_U8: u32 = 4;

/// A name and numbers, for `circlet_hub_set_columns`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_column {
    /// What the numbers are, such as "x".
    pub name: *const c_char,
    /// The numbers, in this machine's byte order; any alignment will do. NULL is fine where there are none.
    pub numbers: *const c_void,
    /// How many there are.
    pub count: u64,
    /// What they are: CIRCLET_COLUMN_F32, _F64, _I32 or _U8.
    pub kind: u32,
    /// 0.
    pub reserved: u32,
}

/// Starts a hub. `options` is a JSON object, or NULL for the defaults; each member may be left out: `addr` ("127.0.0.1:3010"; port 0 takes
/// a free one), `hz` (30: how often what is new is told at most, a second), `emit_token` and `view_token` (what emitters and viewers say;
/// nobody emits without one), `origins`, `hosts`, `allow` and `deny` (lists of who may connect), `websocket_only` (false), `threads`,
/// `max_rooms` (1000), `max_keys` (10000), `max_room_bytes` (4 MiB), `log` (256 events), `max_connections` (20000),
/// `max_connections_per_address` (1000, and any number from this machine), `viewer_limits` and `emitter_limits` (objects with
/// `messages_per_s`, `bytes_per_s`, `rooms`, `message_bytes`), `record` (a file that all is written to which viewers are told), `redis`
/// (a URL of the server by which rooms are shared with other hubs) and `redis_prefix`, and times in milliseconds: `idle_room_ms`,
/// `stalled_after_ms`, `ping_interval_ms`, `ping_timeout_ms`, `connect_timeout_ms`. They are those of `HubOptions` in Rust; see
/// `docs/hub.md`.
///
/// Returns 0; CIRCLET_BAD_JSON and CIRCLET_INVALID for options, with what is allowed in the message; CIRCLET_BUSY where the port is taken;
/// CIRCLET_OS, also where the recording cannot be written or Redis refuses the hub. The caller owns `*hub`. Any thread.
///
/// # Safety
/// `options` is NULL or a string; `hub` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_hub_start(options: *const c_char, hub: *mut *mut circlet_hub) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (out, options) = unsafe { (Out::new(hub, "hub")?, json_options(options)?) };
        let hub = Hub::start(options)?;
        let (process, addr) = (std::process::id(), hub.addr().to_string());
        out.set(into_handle(circlet_hub { process, addr, hub: RwLock::new(Some(hub)) }));
        Ok(0)
    })
}

/// Gives the address and port that it listens at, such as "127.0.0.1:3010", also once it is stopped.
///
/// Returns 0; the caller owns `*addr`. Any thread.
///
/// # Safety
/// `hub` is NULL or a hub; `addr` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_hub_addr(hub: *const circlet_hub, addr: *mut *mut circlet_text) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (hub, out) = unsafe { (borrow(hub, "hub")?, Out::new(addr, "addr")?) };
        out.set(circlet_text::handle(hub.addr.clone())?);
        Ok(0)
    })
}

/// Sets the value of a key of a room to this JSON. The room is made where there is none; viewers are told the newest value with the next
/// tick.
///
/// Returns 0; CIRCLET_INVALID for a name without bytes or with more than 200, CIRCLET_BAD_JSON, CIRCLET_FULL where the room or the hub has
/// no place for it, CIRCLET_CLOSED after `circlet_hub_stop`. Any thread.
///
/// # Safety
/// `hub` is NULL or a hub; each other pointer is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_hub_set(
    hub: *const circlet_hub,
    room: *const c_char,
    key: *const c_char,
    value: *const c_char,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (hub, room, key, value) =
            unsafe { (borrow(hub, "hub")?, text(room, "room")?, text(key, "key")?, json(value, "value")?) };
        hub.with(|hub| Ok(hub.set(room, key, value)?))?;
        Ok(0)
    })
}

/// As `circlet_hub_set`, of columns of numbers, which viewers get as bytes: `{"x": {"f32": ArrayBuffer}}`, for
/// `new Float32Array(value.x.f32)`. They are copied once.
///
/// # Safety
/// `hub` is NULL or a hub; `room` and `key` are NULL or strings; `columns` leads to `count` columns, each with a string and as many numbers
/// as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_hub_set_columns(
    hub: *const circlet_hub,
    room: *const c_char,
    key: *const c_char,
    columns: *const circlet_column,
    count: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (hub, room, key, given) = unsafe {
            (borrow(hub, "hub")?, text(room, "room")?, text(key, "key")?, array(columns, count, "columns")?)
        };
        hub.with(|hub| {
            // SAFETY: the caller's promise.
            let columns = given.iter().map(|column| unsafe { column_of(column) });
            Ok(hub.set(room, key, columns.collect::<Result<Vec<_>, _>>()?)?)
        })?;
        Ok(0)
    })
}

/// Sets keys of a room to the members of a JSON object, and removes those of a JSON array of names: viewers are told of all of it
/// together. Either is NULL for none; what is in both is set. Where it fails, nothing is changed.
///
/// Returns as `circlet_hub_set`. Any thread.
///
/// # Safety
/// `hub` is NULL or a hub; each other pointer is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_hub_update(
    hub: *const circlet_hub,
    room: *const c_char,
    set: *const c_char,
    removed: *const c_char,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (hub, room) = unsafe { (borrow(hub, "hub")?, text(room, "room")?) };
        let mut set = if set.is_null() {
            Map::new()
        } else {
            // SAFETY: the caller's promise.
            let set = unsafe { json(set, "set")? };
            serde_json::from_value(set)
                .map_err(|error| unfit("set", "an object of values by their keys", &error))?
        };
        let removed: Vec<String> = if removed.is_null() {
            Vec::new()
        } else {
            // SAFETY: the caller's promise.
            let removed = unsafe { json(removed, "removed")? };
            serde_json::from_value(removed).map_err(|error| unfit("removed", "an array of keys", &error))?
        };
        hub.with(|hub| {
            let set = set.iter_mut().map(|(key, value)| (key.as_str(), State::from(value.take())));
            Ok(hub.update(room, set, removed.iter().map(String::as_str))?)
        })?;
        Ok(0)
    })
}

/// Removes a key of a room. Returns 1, 0 where it was not there, or as `circlet_hub_set`. Any thread.
///
/// # Safety
/// `hub` is NULL or a hub; each other pointer is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_hub_remove(
    hub: *const circlet_hub,
    room: *const c_char,
    key: *const c_char,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (hub, room, key) = unsafe { (borrow(hub, "hub")?, text(room, "room")?, text(key, "key")?) };
        hub.with(|hub| Ok(hub.remove(room, key)?.into()))
    })
}

/// Tells the viewers of a room of an event, such as "agent-action", with this JSON. It is not merged with others. `number` is NULL, or gets
/// its number in the room, from 1 on; 0 where rooms are shared with other hubs, as it has none before all of them are told.
///
/// Returns as `circlet_hub_set`. Any thread.
///
/// # Safety
/// `hub` is NULL or a hub; `number` is NULL or has room for one; each other pointer is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_hub_emit(
    hub: *const circlet_hub,
    room: *const c_char,
    event: *const c_char,
    data: *const c_char,
    number: *mut u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (hub, room, event, data) =
            unsafe { (borrow(hub, "hub")?, text(room, "room")?, text(event, "event")?, json(data, "data")?) };
        let out = if number.is_null() {
            None
        } else {
            // SAFETY: the caller's promise.
            Some(unsafe { Out::new(number, "number")? })
        };
        let number = hub.with(|hub| Ok(hub.emit(room, event, data)?))?;
        if let Some(out) = out {
            out.set(number.unwrap_or(0));
        }
        Ok(0)
    })
}

/// Shows the ring of a name in a room for as long as the hub is there: it may come later, and come again. What its messages say is in
/// `docs/hub.md`; the room "rings" says how full it is.
///
/// Returns 0, CIRCLET_OS where no thread can be started, CIRCLET_CLOSED after `circlet_hub_stop`. Any thread.
///
/// # Safety
/// `hub` is NULL or a hub; each other pointer is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_hub_follow_ring(
    hub: *const circlet_hub,
    name: *const c_char,
    room: *const c_char,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (hub, name, room) = unsafe { (borrow(hub, "hub")?, text(name, "name")?, text(room, "room")?) };
        hub.with(|hub| Ok(hub.follow_ring(name, room)?))?;
        Ok(0)
    })
}

/// Shows the page of a session in a room, as `circlet_hub_follow_ring` does: the payload's sections are its keys.
///
/// # Safety
/// `hub` is NULL or a hub; each other pointer is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_hub_follow_session(
    hub: *const circlet_hub,
    page: *const c_char,
    room: *const c_char,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (hub, page, room) = unsafe { (borrow(hub, "hub")?, text(page, "page")?, text(room, "room")?) };
        hub.with(|hub| Ok(hub.follow_session(page, room)?))?;
        Ok(0)
    })
}

/// Tells what it does and has done: a JSON object of counts, such as `viewers`, `rooms`, `told`, `behind`, `refused`, `published`.
///
/// Returns 0, or CIRCLET_CLOSED after `circlet_hub_stop`; the caller owns `*stats`. Any thread.
///
/// # Safety
/// `hub` is NULL or a hub; `stats` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_hub_stats(hub: *const circlet_hub, stats: *mut *mut circlet_text) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (hub, out) = unsafe { (borrow(hub, "hub")?, Out::new(stats, "stats")?) };
        let stats = hub.with(|hub| Ok(hub.stats()))?;
        let json = serde_json::to_string(&stats)
            .map_err(|error| Failure::new(circlet_status::CIRCLET_BAD_JSON, error.to_string()))?;
        out.set(circlet_text::handle(json)?);
        Ok(0)
    })
}

/// Tells what does not work at the moment, though the hub goes on: a JSON array of sentences, such as why a recording cannot be written or
/// that Redis does not answer.
///
/// Returns as `circlet_hub_stats`; the caller owns `*troubles`. Any thread.
///
/// # Safety
/// `hub` is NULL or a hub; `troubles` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_hub_troubles(
    hub: *const circlet_hub,
    troubles: *mut *mut circlet_text,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (hub, out) = unsafe { (borrow(hub, "hub")?, Out::new(troubles, "troubles")?) };
        let troubles = hub.with(|hub| Ok(hub.troubles()))?;
        out.set(circlet_text::handle(Value::from(troubles).to_string())?);
        Ok(0)
    })
}

/// Stops it: tells what was published, asks viewers to come back later (close code 1013), and closes all connections. What takes longer
/// than `patience_ms` is ended. Other threads get CIRCLET_CLOSED from then on.
///
/// Returns 0, also where it is stopped already. Any thread.
///
/// # Safety
/// `hub` is NULL or a hub.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_hub_stop(hub: *const circlet_hub, patience_ms: f64) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let hub = unsafe { borrow(hub, "hub")? };
        let patience = duration(patience_ms, "patience_ms")?;
        hub.check_process()?;
        if let Some(hub) = hub.take() {
            hub.stop(patience);
        }
        Ok(0)
    })
}

/// Stops it, with a second of patience, where it is not stopped, and ends the handle. NULL is fine.
///
/// # Safety
/// `hub` is NULL or a hub that nobody uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_hub_free(hub: *mut circlet_hub) {
    // SAFETY: the caller's promise.
    unsafe { end_handle(hub) };
}

/// Copies a column.
///
/// # Safety
/// Its name is NULL or a string, and its numbers are as many as it says.
unsafe fn column_of(column: &circlet_column) -> Result<Column, Failure> {
    let kind = match column.kind {
        CIRCLET_COLUMN_F32 => ColumnKind::F32,
        CIRCLET_COLUMN_F64 => ColumnKind::F64,
        CIRCLET_COLUMN_I32 => ColumnKind::I32,
        CIRCLET_COLUMN_U8 => ColumnKind::U8,
        other => {
            return Err(Failure::invalid(format!(
                "a column's kind is {other}: give CIRCLET_COLUMN_F32, _F64, _I32 or _U8 (1 to 4)"
            )));
        }
    };
    // SAFETY: the caller's promise.
    let name = unsafe { text(column.name, "a column's name")? };
    let len = usize::try_from(column.count).ok().and_then(|count| count.checked_mul(kind.size()));
    let len = len.unwrap_or(usize::MAX);
    // SAFETY: the caller's promise.
    let given = unsafe { long_array(column.numbers.cast::<u8>(), len, "a column's numbers")? };
    let mut bytes = given.to_vec();
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(kind.size()).for_each(<[u8]>::reverse);
    }
    Ok(Column { name: name.to_owned(), kind, bytes: bytes.into() })
}

fn unfit(what: &str, allowed: &str, error: &serde_json::Error) -> Failure {
    Failure::new(circlet_status::CIRCLET_BAD_JSON, format!("{what} is not {allowed}: {error}"))
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        use circlet_status::*;
        let status = match &error {
            HubError::Listen { cause, .. } if cause.kind() == ErrorKind::AddrInUse => CIRCLET_BUSY,
            HubError::Listen { .. }
            | HubError::Thread(_)
            | HubError::Recording { .. }
            | HubError::Redis { .. }
            | HubError::Forked => CIRCLET_OS,
            HubError::Option { .. }
            | HubError::Name { .. }
            | HubError::Deep { .. }
            | HubError::Source(_)
            | HubError::Event { .. }
            | HubError::Own { .. } => CIRCLET_INVALID,
            HubError::Full { .. } | HubError::Rooms { .. } => CIRCLET_FULL,
            HubError::Shown { .. } => CIRCLET_BUSY,
            HubError::Stopped => CIRCLET_CLOSED,
        };
        Self::new(status, error.to_string())
    }
}
