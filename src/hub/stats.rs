//! What a hub counts, and how it says it: one list for the counters, the statistics and the metrics.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use super::core::Core;

macro_rules! stats {
    (now: $($(#[doc = $now_doc:literal])+ $now:ident,)* since: $($(#[doc = $doc:literal])+ $count:ident,)*) => {
        /// What a hub does and has done.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
        #[non_exhaustive]
        pub struct HubStats {
            $($(#[doc = $now_doc])+ pub $now: u64,)*
            $($(#[doc = $doc])+ pub $count: u64,)*
        }

        /// What is counted as it happens.
        #[derive(Debug, Default)]
        pub(super) struct Counts {
            $(pub(super) $count: AtomicU64,)*
        }

        impl Counts {
            fn read_into(&self, stats: &mut HubStats) {
                $(stats.$count = self.$count.load(Ordering::Relaxed);)*
            }
        }

        impl HubStats {
            /// Writes them in the text format 0.0.4 of Prometheus.
            pub fn to_prometheus(&self) -> String {
                let mut text = String::new();
                $(metric(&mut text, stringify!($now), "", "gauge", concat!($($now_doc),+), self.$now);)*
                $(metric(&mut text, stringify!($count), "_total", "counter", concat!($($doc),+), self.$count);)*
                text
            }
        }
    };
}

stats! {
    now:
    /// Viewers now.
    viewers,
    /// Rooms now.
    rooms,
    /// About how many bytes the states of all rooms take.
    state_bytes,
    /// Rooms with changes that other hubs have not been told yet.
    unshared,
    /// What does not work, such as a recording that cannot be written, or a Redis that does not answer.
    troubles,
    since:
    /// Sessions that were made.
    connections,
    /// Requests, sockets and events that were refused.
    refused,
    /// Viewers that were closed for what they did or did not do.
    closed,
    /// Ticks that told something, by room.
    ticks,
    /// How often a viewer was told a tick.
    told,
    /// How often one could not take a tick.
    behind,
    /// How often one was told a whole state, as it came or had been behind.
    snapshots,
    /// Events that viewers have lost.
    lost,
    /// Bytes written to viewers over websockets.
    written_bytes,
    /// Values and events that were published.
    published,
    /// Rooms that went for want of activity.
    evicted,
}

fn metric(text: &mut String, name: &str, suffix: &str, kind: &str, help: &str, value: u64) {
    let name = format!("circlet_hub_{name}{suffix}");
    // A string takes everything.
    let _ = write!(text, "# HELP {name} {}\n# TYPE {name} {kind}\n{name} {value}\n", help.trim());
}

impl HubStats {
    pub(super) fn of(core: &Core) -> Self {
        let rooms = core.rooms.all();
        let mut stats = Self {
            viewers: core.sessions().len() as u64,
            rooms: rooms.len() as u64,
            state_bytes: rooms.iter().map(|place| place.room().size().1 as u64).sum(),
            unshared: core.shared.as_ref().map_or(0, |shared| shared.len() as u64),
            troubles: core.troubles.all().len() as u64,
            ..Self::default()
        };
        core.stats.read_into(&mut stats);
        stats
    }
}
