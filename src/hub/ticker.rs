//! Who tells what is new: at most so many times a second, once encoded for everybody who is up to date. One thread decides what is told;
//! where an audience is large, others help it to write.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use engineioxide_core::Sid;
use indexmap::IndexMap;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::codec::Codec;
use super::core::Core;
use super::room::Tick;
use super::rooms::Place;
use super::viewer::{Offered, Viewer};

/// How much it is told at most of what came before a tick that is due: whoever joins is told the state on the spot, which takes a while.
const BEFORE_TICK: usize = 256;

/// How many viewers a thread writes to before it looks for more: few, so that all end at about the same time.
const AT_A_TIME: usize = 16;

/// What the ticker is told.
#[derive(Debug)]
pub(super) enum Tell {
    /// A room has something new.
    Dirty(Arc<Place>),
    Joined(Arc<Place>, Arc<Viewer>),
    Left(Arc<Place>, Sid),
    Stop,
}

type Audience = IndexMap<Sid, Arc<Viewer>>;

/// Who is in which room. It is the ticker's own, so that nobody waits while it writes to thousands.
#[derive(Default)]
struct Audiences {
    /// About in the order in which they came, in which what they have in memory lies too.
    rooms: HashMap<u64, Audience>,
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
                viewers.swap_remove(&sid);
                if viewers.is_empty() {
                    self.rooms.remove(&place.id);
                }
            }
            Tell::Stop => return false,
        }
        true
    }

    fn tick(&mut self, core: &Arc<Core>, helpers: Option<&ThreadPool>) {
        for place in self.dirty.drain(..) {
            let nobody = Audience::new();
            let viewers = self.rooms.get(&place.id).unwrap_or(&nobody);
            let uses = |codec| viewers.values().any(|viewer| viewer.codec == codec);
            let codecs: Vec<_> =
                [Codec::Json, Codec::MessagePack].into_iter().filter(|codec| uses(*codec)).collect();
            let tick = place.room().tick(core.rooms.next_version(), &codecs);
            let Some(tick) = tick else { continue };
            offer(core, helpers, &place, &tick, viewers);
            core.stats.ticks.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Offers a tick to all viewers of a room, who are shared among the threads as each comes to them: one that is kept from running leaves
/// more to the others.
fn offer(
    core: &Arc<Core>,
    helpers: Option<&ThreadPool>,
    place: &Arc<Place>,
    tick: &Tick,
    viewers: &Audience,
) {
    let (next, told, behind) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let offer = || {
        let (mut these_told, mut these_behind) = (0, 0);
        loop {
            let begin = next.fetch_add(AT_A_TIME, Ordering::Relaxed);
            let Some(some) = viewers.get_range(begin..(begin + AT_A_TIME).min(viewers.len())) else { break };
            for viewer in some.values() {
                match viewer.offer(core, place, tick) {
                    Offered::Told => these_told += 1,
                    Offered::Behind => these_behind += 1,
                    Offered::Gone => {}
                }
            }
            if some.len() < AT_A_TIME {
                break;
            }
        }
        told.fetch_add(these_told, Ordering::Relaxed);
        behind.fetch_add(these_behind, Ordering::Relaxed);
    };
    match helpers {
        Some(helpers) if viewers.len() > AT_A_TIME => helpers.in_place_scope(|scope| {
            for _ in 0..helpers.current_num_threads().min(viewers.len() / AT_A_TIME) {
                scope.spawn(|_| offer());
            }
            offer();
        }),
        _ => offer(),
    }
    core.stats.told.fetch_add(told.into_inner(), Ordering::Relaxed);
    core.stats.behind.fetch_add(behind.into_inner(), Ordering::Relaxed);
}

/// Ticks until it is told to stop, with as many threads as write. What was published until then is told.
pub(super) fn run(core: &Arc<Core>, told: &Receiver<Tell>) {
    let mut threads = Vec::new();
    let helpers = match core.options.threads - 1 {
        0 => None,
        // Also where no more threads are to be had, it ticks.
        count => ThreadPoolBuilder::new()
            .num_threads(count)
            .spawn_handler(|helper| {
                let thread = std::thread::Builder::new().name("circlet-hub-wri".to_owned());
                threads.push(thread.spawn(|| helper.run())?);
                Ok(())
            })
            .build()
            .ok(),
    };
    tick_until_stopped(core, told, helpers.as_ref());
    drop(helpers);
    // To the end of each: those of a scope may still be giving back what is theirs when it is over.
    for thread in threads {
        // It has no work that could fail.
        let _ = thread.join();
    }
}

fn tick_until_stopped(core: &Arc<Core>, told: &Receiver<Tell>, helpers: Option<&ThreadPool>) {
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
            audiences.tick(core, helpers);
        }
    }
}
