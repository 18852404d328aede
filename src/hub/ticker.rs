//! The thread that tells what is new: at most so many times a second, once encoded for everybody who is up to date.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use engineioxide_core::Sid;

use super::codec::Codec;
use super::core::Core;
use super::rooms::Place;
use super::viewer::{Offered, Viewer};

/// How much it is told at most of what came before a tick that is due: whoever joins is told the state on the spot, which takes a while.
const BEFORE_TICK: usize = 256;

/// What the ticker is told.
#[derive(Debug)]
pub(super) enum Tell {
    /// A room has something new.
    Dirty(Arc<Place>),
    Joined(Arc<Place>, Arc<Viewer>),
    Left(Arc<Place>, Sid),
    Stop,
}

/// Who is in which room. It is the ticker's own, so that nobody waits while it writes to thousands.
#[derive(Default)]
struct Audiences {
    rooms: HashMap<u64, HashMap<Sid, Arc<Viewer>>>,
    dirty: Vec<Arc<Place>>,
}

impl Audiences {
    /// Takes what it was told; `false` to end.
    fn take(&mut self, core: &Arc<Core>, tell: Tell) -> bool {
        match tell {
            Tell::Dirty(place) => self.dirty.push(place),
            Tell::Joined(place, viewer) => {
                self.rooms.entry(place.id).or_default().insert(viewer.sid, viewer.clone());
                // From here on ticks find it, so that none is missed between the state and the next one.
                viewer.catch_up(core);
            }
            Tell::Left(place, sid) => {
                let viewers = self.rooms.entry(place.id).or_default();
                viewers.remove(&sid);
                if viewers.is_empty() {
                    self.rooms.remove(&place.id);
                }
            }
            Tell::Stop => return false,
        }
        true
    }

    fn tick(&mut self, core: &Arc<Core>) {
        for place in self.dirty.drain(..) {
            let nobody = HashMap::new();
            let viewers = self.rooms.get(&place.id).unwrap_or(&nobody);
            let uses = |codec| viewers.values().any(|viewer| viewer.codec == codec);
            let codecs: Vec<_> =
                [Codec::Json, Codec::MessagePack].into_iter().filter(|codec| uses(*codec)).collect();
            let tick = place.room().tick(core.rooms.next_version(), &codecs);
            let Some(tick) = tick else { continue };
            let (mut told, mut behind) = (0, 0);
            for viewer in viewers.values() {
                match viewer.offer(core, &place, &tick) {
                    Offered::Told => told += 1,
                    Offered::Behind => behind += 1,
                    Offered::Gone => {}
                }
            }
            core.stats.told.fetch_add(told, Ordering::Relaxed);
            core.stats.behind.fetch_add(behind, Ordering::Relaxed);
            core.stats.ticks.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Ticks until it is told to stop. What was published until then is told.
pub(super) fn run(core: &Arc<Core>, told: &Receiver<Tell>) {
    let interval = core.options.tick();
    let mut audiences = Audiences::default();
    let mut next = Instant::now();
    let mut goes_on = true;
    while goes_on {
        // What comes after a while of silence is told at once.
        let Ok(first) = told.recv() else { return };
        goes_on = audiences.take(core, first);
        let mut late = 0;
        while goes_on && (late < BEFORE_TICK || audiences.dirty.is_empty()) {
            let tell = match next.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => told.recv_timeout(left),
                _ => {
                    late += 1;
                    told.try_recv().map_err(|_| RecvTimeoutError::Timeout)
                }
            };
            match tell {
                Ok(tell) => goes_on = audiences.take(core, tell),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => goes_on = false,
            }
        }
        if !audiences.dirty.is_empty() {
            // One that came late makes none of those after it late.
            next = (next + interval).max(Instant::now());
            audiences.tick(core);
        }
    }
}
