//! The row of viewers that stop reading: what they cost the server and the others, and what they have when they read again.

use std::time::Duration;

use crate::Outcome;
use crate::frames::{HZ, Order};
use crate::peers::Peer;
use crate::protocol::Join;
use crate::rows::{Figures, Sizes, Stand};
use crate::system::monotonic_ns;
use crate::table::Figure;
use crate::viewer::{Kind, Stage};

const FRAME_BYTES: usize = 32 << 10;
/// The kernel has no less for a socket than about this.
const SMALL_BUFFER: usize = 4 << 10;
const LARGE_BUFFER: usize = 1 << 20;
/// How often the server's memory is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// One run, in which the last viewers stop reading, or do not.
struct Run {
    /// The most that the server had beyond what it had at first, in KiB.
    growth: f64,
    /// What of it is there at the end, of anonymous memory alone, in KiB.
    anonymous: f64,
    p99_ms: f64,
    cut_off: usize,
    /// How many frames the slowest is behind the others, one tick after it reads again.
    behind: f64,
    /// When the slowest has a frame that was sent after it read again, in milliseconds.
    fresh_ms: f64,
}

pub(crate) fn slow_viewers(peer: &Peer, sizes: &Sizes) -> Outcome<Figures> {
    let all_reading = run(peer, sizes, false)?;
    let slow = run(peer, sizes, true)?;
    let what = |what: &str| {
        let (seconds, slow, room) = (sizes.slow_seconds, sizes.slow, sizes.slow_room);
        format!("{slow} of {room} stop reading, 32 KiB at 30 Hz for {seconds} s: {what}")
    };
    Ok(vec![
        Figure::new(what("server's RSS growth, at most"), "MiB", "<= 1", slow.growth / 1024.0),
        Figure::new(what("the same when all read"), "MiB", "", all_reading.growth / 1024.0),
        Figure::new(what("its anonymous growth at the end"), "MiB", "<= 1", slow.anonymous / 1024.0),
        Figure::new(what("the same at the end when all read"), "MiB", "", all_reading.anonymous / 1024.0),
        Figure::new(what("p99 of the others"), "ms", "", slow.p99_ms),
        Figure::new(what("p99 when all read"), "ms", "", all_reading.p99_ms),
        Figure::new(what("the first beside the second"), "x", "<= 1.1", slow.p99_ms / all_reading.p99_ms),
        Figure::new(what("cut off"), "viewers", "", slow.cut_off as f64),
        Figure::new(what("behind, one tick after reading again"), "frames", "<= 1", slow.behind),
        Figure::new(what("until a frame that is sent since"), "ms", "", slow.fresh_ms),
    ])
}

fn run(peer: &Peer, sizes: &Sizes, stops: bool) -> Outcome<Run> {
    let others = sizes.slow_room - sizes.slow;
    let mut stand = Stand::start(peer)?;
    stand.gather(others)?;
    stand.warm_up(&Order::new(FRAME_BYTES, 1.0))?;
    let receive_buffer = stops.then_some(SMALL_BUFFER);
    stand.gather_kind(sizes.slow, Kind { join: Join::Later, receive_buffer })?;
    if stops {
        stand.crowd.stop_reading(others);
    }
    let (anonymous, before) = (stand.server.memory()?.anonymous, stand.server.rss()?);
    let mut most = before;
    let order = Order::new(FRAME_BYTES, sizes.slow_seconds + sizes.catch_up.as_secs_f64());
    let end = monotonic_ns() + (sizes.slow_seconds * 1e9) as u64;
    stand.order(&order)?;
    while monotonic_ns() < end {
        stand.crowd.stay(LOOK)?;
        most = stand.server.rss()?.max(most);
    }
    stand.crowd.meter.records = false;
    let p99_ms = stand.crowd.meter.latency_ms(99.0);
    let anonymous = stand.server.memory()?.anonymous - anonymous;
    let slow = |stand: &Stand| {
        let viewers = stand.crowd.viewers()[others..].iter();
        viewers
            .map(|viewer| (viewer.stage == Stage::Closed, viewer.newest, viewer.first_since))
            .collect::<Vec<_>>()
    };
    stand.crowd.read_again(others, LARGE_BUFFER);
    stand.crowd.stay(Duration::from_secs_f64(1.0 / HZ))?;
    let newest = stand.crowd.meter.newest;
    let behind = slow(&stand).into_iter().map(|(closed, number, _)| match closed {
        false => newest.saturating_sub(number) as f64,
        true => f64::INFINITY,
    });
    let behind = behind.fold(0.0, f64::max);
    stand.crowd.stay(sizes.catch_up)?;
    let after = slow(&stand);
    let fresh_ms = after.iter().map(|(_, _, since)| match since {
        Some((since, Some(first))) => first.saturating_sub(*since) as f64 / 1e6,
        _ => f64::INFINITY,
    });
    Ok(Run {
        growth: most - before,
        anonymous,
        p99_ms,
        cut_off: after.iter().filter(|(closed, ..)| *closed).count(),
        behind,
        fresh_ms: fresh_ms.fold(0.0, f64::max),
    })
}
