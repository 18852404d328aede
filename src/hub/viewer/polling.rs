//! A viewer that polls, and its way to a websocket.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};

use super::super::codec::{Frames, SEPARATOR};
use super::super::core::Core;
use super::super::websocket::CloseCode;
use super::{Line, Viewer, Wire};

/// How many packets an answer has at most: python-engineio takes no more.
const ANSWER_PACKETS: usize = 16;

/// An answer that has so many bytes gets no more packets: each may be a whole state.
const ANSWER_BYTES: usize = 64 << 10;

/// The packet of Engine.IO that ends a session. Clients in Python do not come back after it.
const CLOSE: &[u8] = b"1";

/// The packet that says nothing: what a poll is answered with where there is nothing to say.
pub(in super::super) const NOOP: &[u8] = b"6";

impl Line {
    /// Has a websocket tried for a session that polls; `false` where it does not, or another is being tried.
    pub(in super::super) fn begin_upgrade(&mut self) -> bool {
        self.is_polling() && !std::mem::replace(&mut self.is_upgrading, true)
    }

    /// Goes on by polling, if it does.
    pub(in super::super) fn end_upgrade(&mut self) {
        self.is_upgrading = false;
    }

    /// Goes on over a websocket, and the poll that waits ends; `false` where the session is closed.
    pub(in super::super) fn upgrade(
        &mut self,
        viewer: &Arc<Viewer>,
        core: &Arc<Core>,
        stream: Arc<TcpStream>,
    ) -> bool {
        self.is_upgrading = false;
        if !self.is_polling() {
            return false;
        }
        self.wire = Wire::WebSocket(stream);
        self.flush(viewer, core);
        true
    }

    /// Returns what has one answer at a time be written.
    pub(in super::super) fn turn(&mut self) -> Arc<Semaphore> {
        self.turn.get_or_insert_with(|| Arc::new(Semaphore::new(1))).clone()
    }

    /// Waits with a poll. There is one at a time: `None` where another waits.
    pub(in super::super) fn poll(&mut self) -> Option<oneshot::Receiver<()>> {
        let Wire::Polling(waiting) = &mut self.wire else { return None };
        if waiting.as_ref().is_some_and(|waiting| !waiting.is_closed()) {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        *waiting = Some(sender);
        Some(receiver)
    }

    /// Answers a poll that waits, though there is nothing to say.
    pub(in super::super) fn end_poll(&mut self) {
        if let Wire::Polling(waiting) = &mut self.wire {
            *waiting = None;
        }
    }

    /// Takes what a poll is answered with: empty where there is nothing to say.
    pub(in super::super) fn answer(&mut self, viewer: &Arc<Viewer>, core: &Arc<Core>) -> Vec<u8> {
        self.answer_of(ANSWER_PACKETS, viewer, core)
    }

    fn answer_of(&mut self, mut places: usize, viewer: &Arc<Viewer>, core: &Arc<Core>) -> Vec<u8> {
        self.stalled_ms = None;
        let mut payload = Vec::new();
        while places > 0 && payload.len() < ANSWER_BYTES {
            let Some(mut frames) = self.next_for_poll(viewer, core) else { break };
            let rest = frames.split_off(places);
            places -= frames.packets();
            frames.poll(&mut payload);
            self.unanswered = (rest.packets() > 0).then(|| Box::new(rest));
        }
        payload
    }

    /// Keeps for the last poll what there is to say, and that the session is closed, unless the viewer is to come back.
    pub(super) fn take_leave(&mut self, viewer: &Arc<Viewer>, core: &Arc<Core>, code: CloseCode) {
        let mut payload = self.answer_of(ANSWER_PACKETS - 1, viewer, core);
        let comes_back = matches!(code, CloseCode::Again | CloseCode::Away);
        if !comes_back && !payload.is_empty() {
            payload.push(SEPARATOR);
        }
        if !comes_back || payload.is_empty() {
            payload.extend(if comes_back { NOOP } else { CLOSE });
        }
        self.leave = Some(payload.into());
    }

    /// Takes what the last poll is answered with of a session that is closed, if anything.
    pub(in super::super) fn last_answer(&mut self) -> Option<Box<[u8]>> {
        self.leave.take()
    }

    /// Takes what is to be said next: what had no place before, what waits, and then what is missing of the rooms.
    fn next_for_poll(&mut self, viewer: &Arc<Viewer>, core: &Arc<Core>) -> Option<Frames> {
        if let Some(rest) = self.unanswered.take() {
            return Some(*rest);
        }
        if let Some(frames) = self.queue.pop_front() {
            self.queued_bytes -= frames.bytes().len();
            return Some(frames);
        }
        self.missing(viewer, core).next()
    }

    /// Has a poll that waits be answered.
    pub(super) fn wake(&mut self) {
        if let Wire::Polling(waiting) = &mut self.wire
            && let Some(waiting) = waiting.take()
        {
            // It may have gone away meanwhile.
            let _ = waiting.send(());
        }
    }
}
