//! A viewer: what it has of each room, and what is still to be written to it. Nothing grows with one that is slow: it is told the newest
//! state when it can take something again, and what is half written is shared with everybody who got it.

mod polling;

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use engineioxide_core::Sid;
use socketioxide_core::parser::ParserState;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};

pub(super) use self::polling::NOOP;
use super::addresses::Admitted;
use super::codec::{Codec, Frames};
use super::core::Core;
use super::linger;
use super::quota::Quota;
use super::room::{Position, Tick};
use super::rooms::Place;
use super::websocket::{self, CloseCode};

/// What may wait for a viewer beside the state of its rooms: answers and the like. One that asks and does not read is closed.
const QUEUE_BYTES: usize = 64 << 10;

/// How much of what waits a viewer takes at least before it is said to stall.
const PROGRESS: usize = 16 << 10;

/// The version of a viewer that has no state yet. No tick bears it.
const NO_VERSION: u64 = u64::MAX;

/// One end of a session of Engine.IO.
#[derive(Debug)]
pub(super) struct Viewer {
    pub(super) sid: Sid,
    pub(super) codec: Codec,
    pub(super) parser: ParserState,
    line: Mutex<Line>,
}

/// How a viewer is reached, and where it stands.
#[derive(Debug)]
pub(super) struct Line {
    wire: Wire,
    /// Its socket of Socket.IO, once it is connected: its id, and whether it may emit.
    pub(super) socket: Option<Socket>,
    /// Until when it is to be connected.
    connect_by_ms: u64,
    seats: Vec<Seat>,
    queue: VecDeque<Frames>,
    queued_bytes: usize,
    /// What the answer to a poll had no place for.
    unanswered: Option<Box<Frames>>,
    /// What the last poll of a session is answered with that is closed.
    leave: Option<Box<[u8]>>,
    /// Whose turn it is to answer a poll: one at a time, until that is written.
    turn: Option<Arc<Semaphore>>,
    /// A websocket is being tried, on which a session that polls is to go on.
    is_upgrading: bool,
    /// The rest of what is half written.
    partial: Bytes,
    /// Since when not enough could be written, in ms of the hub's time.
    stalled_ms: Option<u64>,
    /// How much was written since then: a byte now and then is no progress.
    taken: usize,
    /// Somebody waits until something can be written.
    is_draining: bool,
    /// When the next ping is due, or until when its answer is, in ms of the hub's time.
    heartbeat: Heartbeat,
    pub(super) quota: Quota,
    /// Its place among those of its address; `None` once it is closed.
    pub(super) admitted: Option<Admitted>,
}

/// A socket that is connected to the namespace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Socket {
    pub(super) id: Sid,
    pub(super) may_emit: bool,
}

#[derive(Clone, Copy, Debug)]
enum Heartbeat {
    PingAt(u64),
    PongBy(u64),
}

#[derive(Debug)]
enum Wire {
    /// A poll that waits for an answer, if there is one.
    Polling(Option<oneshot::Sender<()>>),
    WebSocket(Arc<TcpStream>),
    Closed,
}

/// What a viewer has of a room.
#[derive(Debug)]
struct Seat {
    place: Arc<Place>,
    at: Position,
}

/// What became of a tick that was offered to a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offered {
    /// It has it.
    Told,
    /// It could not take it, and is told the newest state when it can.
    Behind,
    /// It is closed.
    Gone,
}

impl Viewer {
    pub(super) fn new(core: &Core, codec: Codec, admitted: Admitted, stream: Option<Arc<TcpStream>>) -> Self {
        let (now, options) = (core.now_ms(), &core.options);
        let line = Line {
            wire: stream.map_or(Wire::Polling(None), Wire::WebSocket),
            socket: None,
            connect_by_ms: now + options.connect_timeout_ms(),
            seats: Vec::new(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            unanswered: None,
            leave: None,
            turn: None,
            is_upgrading: false,
            partial: Bytes::new(),
            stalled_ms: None,
            taken: 0,
            is_draining: false,
            heartbeat: Heartbeat::PingAt(now + options.ping_interval_ms()),
            quota: Quota::new(options.viewer_limits, now),
            admitted: Some(admitted),
        };
        Self { sid: Sid::new(), codec, parser: ParserState::default(), line: Mutex::new(line) }
    }

    /// Its line. Of other locks, only those of rooms and of the addresses are taken while it is held.
    pub(super) fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends frames beside those of rooms.
    pub(super) fn send(self: &Arc<Self>, core: &Arc<Core>, frames: Frames) {
        self.line().send(self, core, frames);
    }

    /// Offers what a tick tells to it.
    pub(super) fn offer(self: &Arc<Self>, core: &Arc<Core>, place: &Arc<Place>, tick: &Tick) -> Offered {
        let mut line = self.line();
        let is_ready = line.is_ready();
        let Some(seat) = line.seats.iter_mut().find(|seat| Arc::ptr_eq(&seat.place, place)) else {
            return Offered::Gone;
        };
        let has_state = seat.at.version != NO_VERSION;
        if has_state && seat.at.version >= tick.to.version && seat.at.next >= tick.to.next {
            return Offered::Told;
        }
        if !is_ready {
            line.stalls(core.now_ms());
            return Offered::Behind;
        }
        if seat.at == tick.from {
            seat.at = tick.to;
            line.write(self, core, tick.frames[self.codec as usize].clone());
        } else {
            line.catch_up(self, core);
        }
        Offered::Told
    }

    /// Takes a seat in a room, from where it was before if it says so and the room is the same. It gets the answer, which says whether it
    /// is, and after that the state.
    pub(super) fn join(
        self: &Arc<Self>,
        core: &Arc<Core>,
        place: &Arc<Place>,
        next: Option<u64>,
        answer: impl FnOnce(Position, bool) -> Option<Frames>,
    ) {
        let mut line = self.line();
        if line.is_closed() {
            // Nobody would leave the room for it any more.
            return;
        }
        let (now, next) = {
            let room = place.room();
            (room.position(), next.and_then(|next| room.resumed(next, core.shared.is_some())))
        };
        let (next, is_resumed) = (next.unwrap_or(now.next), next.is_some());
        if let Some(frames) = answer(Position { next, ..now }, is_resumed) {
            line.send(self, core, frames);
        }
        let at = Position { version: NO_VERSION, next };
        match line.seats.iter_mut().find(|seat| Arc::ptr_eq(&seat.place, place)) {
            Some(seat) => seat.at = at,
            None => {
                line.seats.push(Seat { place: place.clone(), at });
                place.viewers.fetch_add(1, Ordering::Relaxed);
            }
        }
        core.tell_ticker_joined(place, self);
    }

    /// Leaves a room, and tells whether it was in it.
    pub(super) fn leave(self: &Arc<Self>, core: &Arc<Core>, name: &str) -> bool {
        let mut line = self.line();
        let Some(at) = line.seats.iter().position(|seat| *seat.place.name == *name) else { return false };
        let seat = line.seats.swap_remove(at);
        core.left(&seat.place, self);
        true
    }

    /// Its socket is connected, which it is told.
    pub(super) fn connect(self: &Arc<Self>, core: &Arc<Core>, socket: Socket, told: Frames) {
        let mut line = self.line();
        line.socket = Some(socket);
        let options = &core.options;
        let limits = if socket.may_emit { options.emitter_limits } else { options.viewer_limits };
        // Whoever connects again is not given what it has used up.
        if *line.quota.limits() != limits {
            line.quota = Quota::new(limits, core.now_ms());
        }
        line.send(self, core, told);
    }

    /// Its socket leaves all rooms; the connection stays.
    pub(super) fn disconnect(self: &Arc<Self>, core: &Arc<Core>) {
        let mut line = self.line();
        line.socket = None;
        line.connect_by_ms = core.now_ms() + core.options.connect_timeout_ms();
        for seat in std::mem::take(&mut line.seats) {
            core.left(&seat.place, self);
        }
    }

    /// Has it told the state of all its rooms, whatever it has.
    #[cfg(feature = "redis")]
    pub(super) fn begin_anew(self: &Arc<Self>, core: &Arc<Core>) {
        let mut line = self.line();
        for seat in &mut line.seats {
            seat.at.version = NO_VERSION;
        }
        line.catch_up(self, core);
    }

    /// Tells it whatever it has not been told and can take now.
    pub(super) fn catch_up(self: &Arc<Self>, core: &Arc<Core>) {
        self.line().catch_up(self, core);
    }

    /// Closes the connection, after having said why, and leaves all rooms. Does nothing for one that is closed.
    pub(super) fn close(self: &Arc<Self>, core: &Arc<Core>, why: Close<'_>) {
        let mut line = self.line();
        let wire = std::mem::replace(&mut line.wire, Wire::Closed);
        match wire {
            Wire::Closed => return,
            // The poll that waits, or was woken just now, is the last.
            Wire::Polling(_waiting) => {
                if let Close::Because(code, _) = why {
                    line.take_leave(self, core, code);
                }
            }
            Wire::WebSocket(stream) => {
                match why {
                    Close::Gone => linger::end(&stream),
                    Close::Because(code, reason) => {
                        if line.partial.is_empty() {
                            // Whoever does not take it now has no use for it.
                            let _ = stream.try_write(&websocket::close(code, reason));
                        }
                        linger::end_soon(&core.runtime, stream);
                    }
                }
            }
        }
        for seat in std::mem::take(&mut line.seats) {
            core.left(&seat.place, self);
        }
        (line.queue, line.queued_bytes, line.partial) = (VecDeque::new(), 0, Bytes::new());
        (line.unanswered, line.admitted) = (None, None);
        drop(line);
        core.gone(self);
    }

    /// Goes on with what could not be written, until all is.
    async fn drain(self: Arc<Self>, core: Arc<Core>) {
        loop {
            let Some(stream) = self.line().stream() else { return };
            if stream.writable().await.is_err() {
                return self.close(&core, Close::Gone);
            }
            let mut line = self.line();
            line.flush(&self, &core);
            if line.partial.is_empty() {
                line.is_draining = false;
                return;
            }
        }
    }
}

/// Writes some of what is there, without what the runtime notes of each write: only where nothing more can be taken does it matter to it.
fn write_some(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match socket2::SockRef::from(stream).send_with_flags(bytes, libc::MSG_NOSIGNAL) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.try_write(bytes),
        written => written,
    }
}

/// Why a viewer is closed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Close<'a> {
    /// It has gone by itself.
    Gone,
    /// It is told so.
    Because(CloseCode, &'a str),
}

impl Line {
    /// Returns how it is reached by a websocket.
    pub(super) fn stream(&self) -> Option<Arc<TcpStream>> {
        match &self.wire {
            Wire::WebSocket(stream) => Some(stream.clone()),
            _ => None,
        }
    }

    /// Tells whether nothing is half written or waits.
    pub(super) fn is_settled(&self) -> bool {
        !matches!(self.wire, Wire::WebSocket(_)) || (self.partial.is_empty() && self.queue.is_empty())
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.wire, Wire::Closed)
    }

    pub(super) fn is_polling(&self) -> bool {
        matches!(self.wire, Wire::Polling(_))
    }

    pub(super) fn rooms(&self) -> usize {
        self.seats.len()
    }

    pub(super) fn is_in(&self, name: &str) -> bool {
        self.seats.iter().any(|seat| *seat.place.name == *name)
    }

    /// Tells whether it can take something now.
    fn is_ready(&self) -> bool {
        match &self.wire {
            Wire::Polling(waiting) => waiting.as_ref().is_some_and(|waiting| !waiting.is_closed()),
            Wire::WebSocket(_) => self.partial.is_empty(),
            Wire::Closed => false,
        }
    }

    fn stalls(&mut self, now_ms: u64) {
        self.stalled_ms.get_or_insert(now_ms);
    }

    /// Sends frames, at once or as soon as it can be.
    fn send(&mut self, viewer: &Arc<Viewer>, core: &Arc<Core>, frames: Frames) {
        match &self.wire {
            Wire::Closed => {}
            Wire::WebSocket(_) if self.partial.is_empty() && self.queue.is_empty() => {
                self.write(viewer, core, frames);
            }
            _ => {
                self.queued_bytes += frames.bytes().len();
                self.queue.push_back(frames);
                self.wake();
            }
        }
    }

    /// Tells whether more waits than may.
    pub(super) fn is_overrun(&self) -> bool {
        self.queued_bytes > QUEUE_BYTES
    }

    /// Writes frames of a viewer that is ready.
    fn write(&mut self, viewer: &Arc<Viewer>, core: &Arc<Core>, frames: Frames) {
        match &self.wire {
            Wire::WebSocket(_) => {
                self.partial = frames.bytes().clone();
                self.push(viewer, core);
            }
            _ => self.send(viewer, core, frames),
        }
    }

    /// Writes as much as can be of what is half written, and has somebody wait for the rest.
    fn push(&mut self, viewer: &Arc<Viewer>, core: &Arc<Core>) {
        let Wire::WebSocket(stream) = &self.wire else { return };
        while !self.partial.is_empty() {
            match write_some(stream, &self.partial) {
                Ok(written) => {
                    let rest = self.partial.split_off(written.min(self.partial.len()));
                    self.partial = rest;
                    self.taken += written;
                    if self.partial.is_empty() || self.taken >= PROGRESS {
                        (self.stalled_ms, self.taken) = (None, 0);
                    }
                    core.stats.written_bytes.fetch_add(written as u64, Ordering::Relaxed);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stalls(core.now_ms());
                    if !std::mem::replace(&mut self.is_draining, true) {
                        core.runtime.spawn(viewer.clone().drain(core.clone()));
                    }
                    return;
                }
                // Whoever reads it is told so too, and closes it.
                Err(_) => return self.partial = Bytes::new(),
            }
        }
        self.partial = Bytes::new();
    }

    /// Writes what waits, and what is missing of the rooms.
    fn flush(&mut self, viewer: &Arc<Viewer>, core: &Arc<Core>) {
        self.push(viewer, core);
        if self.is_ready()
            && let Some(frames) = self.unanswered.take()
        {
            self.write(viewer, core, *frames);
        }
        while self.is_ready()
            && let Some(frames) = self.queue.pop_front()
        {
            self.queued_bytes -= frames.bytes().len();
            self.write(viewer, core, frames);
        }
        self.catch_up(viewer, core);
    }

    /// Tells it the state of the rooms of which it has an older one.
    fn catch_up(&mut self, viewer: &Arc<Viewer>, core: &Arc<Core>) {
        match &self.wire {
            Wire::Closed => {}
            Wire::Polling(_) => self.wake(),
            Wire::WebSocket(_) => {
                // One room after the other, so that no more is half written than one of them.
                while self.is_ready() {
                    let next = self.missing(viewer, core).next();
                    let Some(frames) = next else { return };
                    self.write(viewer, core, frames);
                }
            }
        }
    }

    /// Returns what is missing, one room after the other, and takes it for told.
    fn missing<'a>(&'a mut self, viewer: &'a Viewer, core: &'a Core) -> impl Iterator<Item = Frames> + 'a {
        self.seats.iter_mut().filter_map(|seat| {
            let mut room = seat.place.room();
            let now = room.position();
            if now.version == seat.at.version && now.next <= seat.at.next {
                return None;
            }
            let caught_up = room.catch_up(viewer.codec, &seat.at, &core.id());
            drop(room);
            seat.at = caught_up.to;
            core.stats.snapshots.fetch_add(1, Ordering::Relaxed);
            core.stats.lost.fetch_add(caught_up.lost, Ordering::Relaxed);
            Some(caught_up.frames)
        })
    }

    /// Says what is due by the clock: `Some` of why it is to be closed.
    pub(super) fn beat(&mut self, viewer: &Arc<Viewer>, core: &Arc<Core>) -> Option<Close<'static>> {
        let now = core.now_ms();
        let options = &core.options;
        if self.socket.is_none() && now > self.connect_by_ms {
            return Some(Close::Because(CloseCode::Policy, "no socket was connected in time"));
        }
        if self.is_overrun() {
            return Some(Close::Because(CloseCode::Policy, "more was asked for than was read"));
        }
        if self.stalled_ms.is_some_and(|since| now.saturating_sub(since) > options.stalled_ms())
            && !self.is_polling()
        {
            return Some(Close::Because(CloseCode::Policy, "nothing was read for too long"));
        }
        match self.heartbeat {
            Heartbeat::PingAt(at) if now >= at => {
                self.heartbeat = Heartbeat::PongBy(now + options.ping_timeout_ms());
                self.send(viewer, core, core.ping.clone());
                None
            }
            Heartbeat::PongBy(by) if now > by => Some(Close::Because(CloseCode::Away, "no answer to a ping")),
            _ => None,
        }
    }

    /// It answered a ping; tells whether it was asked.
    pub(super) fn ponged(&mut self, core: &Core) -> bool {
        let is_asked = matches!(self.heartbeat, Heartbeat::PongBy(_));
        if is_asked {
            self.heartbeat = Heartbeat::PingAt(core.now_ms() + core.options.ping_interval_ms());
        }
        is_asked
    }
}
