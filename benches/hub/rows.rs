//! The rows: what each has a crowd do, and the figures that come of it. Every one has a server of its own, started for it.

use std::process;
use std::time::Duration;

use crate::Outcome;
use crate::crowd::Crowd;
use crate::frames::{HZ, Order};
use crate::peers::Peer;
use crate::protocol::{Join, Protocol};
use crate::server::Server;
use crate::slow::slow_viewers;
use crate::system::{Memory, processor_seconds};
use crate::table::Figure;
use crate::viewer::Kind;

pub(crate) const ROWS: [&str; 7] = ["memory", "connect", "join", "fanout200", "fanout1000", "slow", "held"];

pub(crate) type Figures = Vec<Figure>;

/// How many viewers, for how long.
pub(crate) struct Sizes {
    idle: [usize; 2],
    /// How long nothing happens before memory is looked at.
    rest: Duration,
    connects: usize,
    joins: [usize; 2],
    small_room: usize,
    large_room: usize,
    fanout_seconds: f64,
    pub(crate) slow: usize,
    pub(crate) slow_room: usize,
    pub(crate) slow_seconds: f64,
    /// How long frames come on after the slow ones read again.
    pub(crate) catch_up: Duration,
    held: usize,
}

impl Sizes {
    pub(crate) const FULL: Self = Self {
        idle: [1_000, 5_000],
        rest: Duration::from_secs(2),
        connects: 3_000,
        joins: [1_000, 5_000],
        small_room: 200,
        large_room: 1_000,
        fanout_seconds: 10.0,
        slow: 2,
        slow_room: 200,
        slow_seconds: 20.0,
        catch_up: Duration::from_secs(2),
        held: 10_000,
    };

    pub(crate) const SMOKE: Self = Self {
        idle: [10, 20],
        rest: Duration::from_millis(100),
        connects: 20,
        joins: [10, 20],
        small_room: 20,
        large_room: 20,
        fanout_seconds: 1.0,
        slow: 2,
        slow_room: 20,
        slow_seconds: 1.0,
        catch_up: Duration::from_millis(500),
        held: 20,
    };
}

/// A server, and the crowd before it.
pub(crate) struct Stand {
    // Leaves first, so that a server never has to end connections.
    pub(crate) crowd: Crowd,
    pub(crate) server: Server,
}

impl Stand {
    pub(crate) fn start(peer: &Peer) -> Outcome<Self> {
        let server = Server::start(peer)?;
        Ok(Self { crowd: Crowd::new(peer.protocol, server.port)?, server })
    }

    /// Has viewers connect, and join once the server has had the time to be ready for that.
    pub(crate) fn gather(&mut self, count: usize) -> Outcome<f64> {
        self.gather_kind(count, Kind::joining(Join::Later))
    }

    pub(crate) fn gather_kind(&mut self, count: usize, kind: Kind) -> Outcome<f64> {
        let already = self.crowd.stages().joined;
        let rate = self.crowd.connect(count, kind)?;
        self.crowd.stay(Duration::from_millis(200))?;
        self.crowd.join()?;
        match self.crowd.stages().joined - already {
            joined if joined == count => Ok(rate),
            joined => Err(format!("{joined} of {count} joined: {:?}", self.crowd.stages()).into()),
        }
    }

    /// Has the server publish frames that are not measured: its code is compiled and its buffers are there after them.
    pub(crate) fn warm_up(&mut self, order: &Order) -> Outcome<()> {
        let viewers = self.crowd.stages().joined;
        self.order(order)?;
        self.wait_for_frames(order, viewers)?;
        Ok(())
    }

    /// Gives an order; what is sent from here on is measured.
    pub(crate) fn order(&mut self, order: &Order) -> Outcome<()> {
        self.crowd.begin();
        match self.server.order(order)? {
            true => Ok(()),
            false => self.crowd.order(order),
        }
    }

    fn wait_for_frames(&mut self, order: &Order, viewers: usize) -> Outcome<u64> {
        self.crowd.wait_for_frames(order, viewers, || self.server.done())
    }
}

/// Measures one row of one peer, once.
pub(crate) fn measure(row: &str, peer: &Peer, sizes: &Sizes) -> Outcome<Figures> {
    match row {
        "memory" => memory(peer, sizes.idle, sizes.rest),
        "connect" => connect(peer, sizes.connects),
        "join" => join(peer, sizes.joins),
        "fanout200" => fanout(peer, sizes.small_room, sizes.fanout_seconds, ["<= 2.2", "<= 0.5"]),
        "fanout1000" => fanout(peer, sizes.large_room, sizes.fanout_seconds, ["<= 8", "<= 2.4"]),
        "slow" => slow_viewers(peer, sizes),
        "held" => held(peer, sizes.held, sizes.rest),
        _ => Err(format!("there is no row {row}").into()),
    }
}

/// What each idle viewer costs, some time after it has joined.
fn memory(peer: &Peer, counts: [usize; 2], rest: Duration) -> Outcome<Figures> {
    let mut stand = Stand::start(peer)?;
    // One viewer that has come first has the server load what it needs once.
    stand.gather(1)?;
    stand.crowd.stay(rest)?;
    let before = stand.server.memory()?;
    let mut figures = Vec::new();
    let mut gathered = 0;
    for count in counts {
        stand.gather(count - gathered)?;
        gathered = count;
        stand.crowd.stay(rest)?;
        figures.extend(growth(before, stand.server.memory()?, count));
    }
    Ok(figures)
}

fn growth(before: Memory, after: Memory, viewers: usize) -> Figures {
    let figure = |kind: &str, aim, growth: f64| {
        Figure::new(format!("{kind} for each of {viewers}"), "KiB", aim, growth / viewers as f64)
    };
    vec![
        figure("RSS", "8 to 16", after.rss - before.rss),
        figure("PSS", "", after.pss - before.pss),
        figure("anonymous memory", "", after.anonymous - before.anonymous),
    ]
}

/// How many connect in a second.
fn connect(peer: &Peer, count: usize) -> Outcome<Figures> {
    let mut stand = Stand::start(peer)?;
    let rate = stand.crowd.connect(count, Kind::joining(Join::Later))?;
    match stand.crowd.stages().connected {
        connected if connected == count => {
            Ok(vec![Figure::new(format!("{count} connect, 64 at a time"), "1/s", ">= 5000", rate)])
        }
        connected => Err(format!("{connected} of {count} connected").into()),
    }
}

/// How many joins are lost that are sent at once: neither acknowledged nor followed by a frame.
fn join(peer: &Peer, counts: [usize; 2]) -> Outcome<Figures> {
    let mut figures = Vec::new();
    let variants =
        [(Join::WithConnect, "with the CONNECT packet"), (Join::AfterConnect, "after its acknowledgement")];
    for (join, when) in variants {
        if peer.protocol == Protocol::Plain && join == Join::WithConnect {
            continue;
        }
        for count in counts {
            let mut stand = Stand::start(peer)?;
            stand.crowd.connect(count, Kind::joining(join))?;
            stand.crowd.wait_for_joins()?;
            let joined = stand.crowd.stages().joined;
            let reached = reached(&mut stand, joined)?;
            let lost = count - joined.min(reached);
            figures.push(Figure::new(format!("lost of {count} joins {when}"), "joins", "0", lost as f64));
        }
    }
    Ok(figures)
}

/// Has one frame published, and gives how many viewers have it.
fn reached(stand: &mut Stand, viewers: usize) -> Outcome<usize> {
    let one = Order::new(256, 1.0 / HZ);
    stand.order(&one)?;
    // That none has it is a figure here.
    let _ = stand.wait_for_frames(&one, viewers);
    Ok(stand.crowd.viewers().iter().filter(|viewer| viewer.frames > 0).count())
}

/// Frames of 1 KiB to one room.
fn fanout(peer: &Peer, viewers: usize, seconds: f64, aims: [&'static str; 2]) -> Outcome<Figures> {
    let mut stand = Stand::start(peer)?;
    stand.gather(viewers)?;
    stand.warm_up(&Order::new(1 << 10, 1.0))?;
    let order = Order::new(1 << 10, seconds);
    let before = [stand.server.processor_seconds()?, processor_seconds(process::id())?];
    stand.order(&order)?;
    let frames = stand.wait_for_frames(&order, viewers)?;
    let after = [stand.server.processor_seconds()?, processor_seconds(process::id())?];
    let meter = &stand.crowd.meter;
    let arrived = meter.frames as f64 / (frames as f64 * viewers as f64) * 100.0;
    let what = |what: &str| format!("{viewers} viewers, 1 KiB at 30 Hz for {seconds} s: {what}");
    Ok(vec![
        Figure::new(what("latency p50"), "ms", "", meter.latency_ms(50.0)),
        Figure::new(what("latency p99"), "ms", aims[0], meter.latency_ms(99.0)),
        Figure::new(what("server's CPU"), "s", aims[1], after[0] - before[0]),
        Figure::new(what("generator's CPU"), "s", "", after[1] - before[1]),
        Figure::new(what("frames that arrived"), "%", "100", arrived),
    ])
}

/// Whether so many stay connected, what they cost, and whether a frame reaches them.
fn held(peer: &Peer, viewers: usize, rest: Duration) -> Outcome<Figures> {
    let mut stand = Stand::start(peer)?;
    stand.crowd.stay(rest)?;
    let before = stand.server.memory()?;
    let rate = stand.gather(viewers)?;
    stand.crowd.stay(rest)?;
    let memory = growth(before, stand.server.memory()?, viewers);
    let reached = reached(&mut stand, viewers)?;
    let kept = viewers - stand.crowd.stages().closed;
    let mut figures = vec![
        Figure::new(format!("of {viewers} viewers are held"), "viewers", "all", kept as f64),
        Figure::new(format!("of {viewers} viewers get a frame"), "viewers", "all", reached as f64),
        Figure::new(format!("{viewers} connect, 64 at a time"), "1/s", "", rate),
    ];
    figures.extend(memory);
    Ok(figures)
}
