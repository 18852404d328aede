//! The counters of a ring, which lie in its segment.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use super::frame::Rules;
use super::protocol::Noted;
use crate::shm::layout::{consumer, producer, slot};
use crate::shm::{self, Geometry, Memory, Mode, Overflow, PeerState, Role, Segment, Shared, View};

/// The counters of a ring, of all its producers together.
///
/// They belong to the ring and survive its users; a producer of an mpsc ring that is killed between a frame and its counters
/// leaves them one behind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Who may write and read.
    pub mode: Mode,
    /// What a producer does that finds no room, unless it says otherwise for itself.
    pub overflow: Overflow,
    /// The tag that says what the frames hold, empty where there is none.
    pub schema: String,
    /// The longest payload of one frame in bytes.
    pub max_frame: u32,
    /// The longest message in bytes.
    pub max_message: u32,
    /// Bytes of the data area.
    pub capacity_bytes: u64,
    /// Bytes committed and not yet released; 0 in a broadcast ring, where nobody releases.
    pub used_bytes: u64,
    /// The most bytes that were seen unreleased, to within a sixteenth of the capacity, and no less than there are now.
    pub high_water_bytes: u64,
    /// Frames committed since the ring was made; each fragment of a message is one.
    pub frames_sent: u64,
    /// Frames released since the ring was made; 0 in a broadcast ring.
    pub frames_received: u64,
    /// Payload bytes committed since the ring was made.
    pub payload_bytes_sent: u64,
    /// How often a frame found no room at first.
    pub full_events: u64,
    /// Frames dropped because there was no room.
    pub dropped: u64,
    /// How often a producer slept for room.
    pub producer_waits: u64,
    /// How often the consumer slept for a frame; 0 in a broadcast ring.
    pub consumer_waits: u64,
    /// How many producers live.
    pub producers: usize,
    /// What is known of the producers: alive if one of them is.
    pub producer: PeerState,
    /// What is known of the consumer; never in a broadcast ring, whose readers have no seat.
    pub consumer: PeerState,
}

impl Stats {
    pub(super) fn read(segment: &Arc<Segment>) -> Self {
        let view = View::new(Arc::clone(segment));
        let geometry = segment.geometry();
        let mode = geometry.mode();
        let read = |offset| view.u64_at(offset).load(Relaxed);
        let each = |field| (0..mode.slots()).map(move |slot| (slot, field));
        let sum = |field| {
            each(field).fold(0_u64, |sum, (slot, field)| sum.wrapping_add(read(slot::at(slot, field))))
        };
        // First, so that it is not more than what was sent.
        let received = read(consumer::FRAMES);
        let sent = match mode {
            Mode::Spsc | Mode::Broadcast => Noted::read(&view, &Rules::of(geometry)),
            _ => Noted { tail: 0, frames: sum(slot::FRAMES), bytes: sum(slot::BYTES) },
        };
        let used = if mode == Mode::Broadcast { 0 } else { used_bytes(&view, geometry) };
        Self {
            mode,
            overflow: geometry.overflow(),
            schema: geometry.schema().to_owned(),
            max_frame: geometry.max_frame(),
            max_message: geometry.max_message(),
            capacity_bytes: geometry.capacity(),
            used_bytes: used,
            high_water_bytes: each(slot::HIGH_WATER)
                .map(|(slot, field)| read(slot::at(slot, field)))
                .max()
                .unwrap_or(0)
                // A producer that knows of room does not look at how much is used.
                .max(used),
            frames_sent: sent.frames,
            frames_received: received,
            payload_bytes_sent: sent.bytes,
            full_events: sum(slot::FULL_EVENTS),
            dropped: sum(slot::DROPPED),
            producer_waits: sum(slot::WAITS),
            consumer_waits: read(consumer::WAITS),
            producers: (0..mode.slots())
                .filter(|slot| shm::seat_state(&view, *slot) == PeerState::Alive)
                .count(),
            producer: shm::state(&view, mode, Role::Producer),
            consumer: shm::state(&view, mode, Role::Consumer),
        }
    }
}

/// Reads the tail and then the head, which may have passed it by then: as if nothing were there.
fn used_bytes(view: &View, geometry: &Geometry) -> u64 {
    let rules = Rules::of(geometry);
    let tail = match geometry.mode() {
        Mode::Spsc => Noted::read(view, &rules).tail,
        _ => view.u64_at(producer::TAIL).load(Acquire),
    };
    let used = tail.wrapping_sub(view.u64_at(consumer::HEAD).load(Acquire));
    if used as i64 > 0 { used.min(rules.capacity) } else { 0 }
}
