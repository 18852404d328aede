//! Frames: what is ordered of a server, what it publishes, and what a viewer finds in it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::system::monotonic_ns;

/// The room that all viewers join.
pub(crate) const ROOM: &str = "g";

/// What a control client asks of a server, in the event `start`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Order {
    pub(crate) room: String,
    pub(crate) hz: f64,
    pub(crate) bytes: usize,
    pub(crate) seconds: f64,
}

impl Order {
    /// Asks for frames of 30 Hz, or for one alone in no time.
    pub(crate) fn new(bytes: usize, seconds: f64) -> Self {
        Self { room: ROOM.to_owned(), hz: HZ, bytes, seconds }
    }

    /// When a frame is due, since the order.
    pub(crate) fn due(&self, frame: u64) -> Duration {
        Duration::from_secs_f64(frame as f64 / self.hz)
    }

    pub(crate) fn count(&self) -> u64 {
        ((self.hz * self.seconds).round() as u64).max(1)
    }
}

/// How often a second.
pub(crate) const HZ: f64 = 30.0;

/// What is published: its JSON has as many bytes as were ordered. The names are in their alphabet's order, in which some servers write
/// them, so that number and time are in the beginning.
#[derive(Serialize)]
pub(crate) struct Frame {
    n: u64,
    t: String,
    x: String,
}

impl Frame {
    /// Makes the next frame of this process.
    pub(crate) fn next(bytes: usize) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let n = MADE.fetch_add(1, Ordering::Relaxed) + 1;
        let mut frame = Self { n, t: monotonic_ns().to_string(), x: String::new() };
        let bare = serde_json::to_string(&frame).map_or(0, |json| json.len());
        frame.x = "x".repeat(bytes.saturating_sub(bare));
        frame
    }
}

/// Finds the number and the time of a frame in the beginning of its JSON.
pub(crate) fn number_and_time(head: &[u8]) -> Option<(u64, u64)> {
    Some((number_after(head, b"\"n\":")?, number_after(head, b"\"t\":\"")?))
}

fn number_after(head: &[u8], name: &[u8]) -> Option<u64> {
    let begin = head.windows(name.len()).position(|window| window == name)? + name.len();
    let digits = head[begin..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&head[begin..begin + digits]).ok()?.parse().ok()
}
