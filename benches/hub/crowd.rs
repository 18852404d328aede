//! Many viewers of one server, on one thread.

use std::cell::Cell;
use std::io;
use std::mem;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use crate::Outcome;
use crate::frames::Order;
use crate::meter::Meter;
use crate::protocol::{Join, Protocol};
use crate::system::monotonic_ns;
use crate::viewer::{Kind, Stage, Viewer};

/// How many are on their way to be connected at a time.
const AT_A_TIME: usize = 64;
/// How long nothing may happen before nothing more is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);
const BUFFER: usize = 256 << 10;

pub(crate) struct Crowd {
    protocol: Protocol,
    port: u16,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    /// The first one gives the orders and joins no room.
    viewers: Vec<Viewer>,
    source: u8,
    pub(crate) meter: Meter,
    stages: Stages,
}

/// How many viewers are how far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Stages {
    pub(crate) dialed: usize,
    pub(crate) connected: usize,
    pub(crate) joined: usize,
    pub(crate) closed: usize,
    /// Of those that are closed, the ones that were never connected.
    pub(crate) refused: usize,
}

impl Stages {
    fn on_their_way(&self) -> usize {
        self.dialed - self.connected - self.refused
    }

    /// Notes that a viewer has come from one stage to another.
    fn note(&mut self, before: Stage, after: Stage) {
        if before == after {
            return;
        }
        let is_new = before < Stage::Connected;
        match after {
            Stage::Closed => {
                self.closed += 1;
                self.refused += usize::from(is_new);
            }
            Stage::Connected | Stage::Joined => {
                self.connected += usize::from(is_new);
                self.joined += usize::from(after == Stage::Joined);
            }
            _ => {}
        }
    }
}

impl Crowd {
    /// A crowd of nobody but the one that gives orders.
    pub(crate) fn new(protocol: Protocol, port: u16) -> Outcome<Self> {
        let mut crowd = Self {
            protocol,
            port,
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            buffer: vec![0; BUFFER],
            viewers: Vec::new(),
            source: 1,
            meter: Meter::new()?,
            stages: Stages::default(),
        };
        crowd.dial(Kind::joining(Join::Later))?;
        crowd.settle(PATIENCE, |crowd| crowd.stages.on_their_way() == 0)?;
        match crowd.viewers[0].is_connected() {
            true => Ok(crowd),
            false => Err("the server takes no connections".into()),
        }
    }

    /// How many viewers are how far, without the one that gives orders.
    pub(crate) fn stages(&self) -> Stages {
        Stages { dialed: self.stages.dialed - 1, connected: self.stages.connected - 1, ..self.stages }
    }

    pub(crate) fn viewers(&self) -> &[Viewer] {
        &self.viewers[1..]
    }

    /// Has viewers connect, some at a time, and gives how many of them did in a second.
    pub(crate) fn connect(&mut self, count: usize, kind: Kind) -> Outcome<f64> {
        let (begin, before) = (Instant::now(), self.stages);
        let all = before.dialed + count;
        while self.stages.dialed < all || self.stages.on_their_way() > 0 {
            while self.stages.dialed < all && self.stages.on_their_way() < AT_A_TIME {
                self.dial(kind)?;
            }
            let already = self.stages;
            if !self.settle(PATIENCE, |crowd| crowd.stages != already)? {
                break;
            }
        }
        Ok((self.stages.connected - before.connected) as f64 / begin.elapsed().as_secs_f64())
    }

    /// Has all join that have not, and waits for their acknowledgements.
    pub(crate) fn join(&mut self) -> Outcome<()> {
        for index in 1..self.viewers.len() {
            if self.viewers[index].stage == Stage::Connected {
                self.attend(index, |viewer, _, _| viewer.ask_to_join());
            }
        }
        self.wait_for_joins()
    }

    /// Waits until all that are connected have joined, or nothing more happens.
    pub(crate) fn wait_for_joins(&mut self) -> Outcome<()> {
        self.settle(PATIENCE, |crowd| crowd.stages.joined + crowd.stages.closed + 1 >= crowd.stages.dialed)?;
        Ok(())
    }

    /// Measures what is sent from here on.
    pub(crate) fn begin(&mut self) {
        self.meter.begin(monotonic_ns());
        for viewer in &mut self.viewers {
            viewer.frames = 0;
        }
    }

    /// Gives an order, in an event.
    pub(crate) fn order(&mut self, order: &Order) -> Outcome<()> {
        Ok(self.viewers[0].ask_for_frames(order)?)
    }

    /// Waits until an order is done, which `done` may tell too, and `viewers` have all its frames, or nothing more comes. Gives the
    /// number of its frames.
    pub(crate) fn wait_for_frames(
        &mut self,
        order: &Order,
        viewers: usize,
        done: impl Fn() -> Option<u64>,
    ) -> Outcome<u64> {
        let patience = Duration::from_secs_f64(order.seconds) + PATIENCE;
        let frames = Cell::new(None);
        self.settle(patience, |crowd| {
            frames.set(crowd.meter.done.or_else(&done));
            frames.get().is_some()
        })?;
        let frames = frames.get().ok_or("the order was never done")?;
        self.settle(PATIENCE, |crowd| crowd.meter.frames >= frames * viewers as u64)?;
        match self.meter.unreadable {
            0 if self.meter.frames == 0 && viewers > 0 => {
                Err(format!("none of {frames} frames arrived").into())
            }
            0 => Ok(frames),
            unreadable => Err(format!("{unreadable} frames had no number or time in their beginning").into()),
        }
    }

    /// Has the viewers from `first` on take nothing any more.
    pub(crate) fn stop_reading(&mut self, first: usize) {
        self.viewers[first + 1..].iter_mut().for_each(|viewer| viewer.reads = false);
    }

    /// Has them read again, with room for it, and note when they have a frame that is sent after now.
    pub(crate) fn read_again(&mut self, first: usize, room: usize) {
        let now = monotonic_ns();
        for index in first + 1..self.viewers.len() {
            let viewer = &mut self.viewers[index];
            viewer.reads = true;
            viewer.first_since = Some((now, None));
            viewer.widen(room);
            self.attend(index, |viewer, buffer, meter| viewer.read(buffer, false, meter));
        }
    }

    /// Attends to the viewers for a time.
    pub(crate) fn stay(&mut self, time: Duration) -> Outcome<()> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            self.turn(left)?;
        }
        Ok(())
    }

    /// Attends to the viewers until something holds, or nothing has come from the server for a time. Tells whether it holds.
    fn settle(&mut self, patience: Duration, holds: impl Fn(&Self) -> bool) -> Outcome<bool> {
        let (mut since, mut known) = (Instant::now(), self.progress());
        while !holds(self) {
            self.turn(Duration::from_millis(50))?;
            if self.progress() != known {
                (since, known) = (Instant::now(), self.progress());
            } else if since.elapsed() > patience {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn progress(&self) -> (Stages, u64) {
        (self.stages, self.meter.frames)
    }

    fn turn(&mut self, longest: Duration) -> Outcome<()> {
        match self.poll.poll(&mut self.events, Some(longest)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        let events = mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            self.attend(event.token().0, |viewer, buffer, meter| {
                if event.is_writable() {
                    viewer.write();
                }
                if event.is_readable() || event.is_read_closed() {
                    viewer.read(buffer, event.is_read_closed(), meter);
                }
            });
        }
        self.events = events;
        Ok(())
    }

    /// Does something with one viewer, and notes how far it has come.
    fn attend(&mut self, index: usize, act: impl FnOnce(&mut Viewer, &mut [u8], &mut Meter)) {
        let viewer = &mut self.viewers[index];
        let before = viewer.stage;
        act(viewer, &mut self.buffer, &mut self.meter);
        self.stages.note(before, viewer.stage);
    }

    /// Begins a connection, from a further address of loopback where one has no port left.
    fn dial(&mut self, kind: Kind) -> Outcome<()> {
        let mut viewer = loop {
            let source = Ipv4Addr::new(127, 0, 0, self.source);
            match Viewer::dial(self.protocol, self.port, kind, source) {
                Err(error)
                    if matches!(error.raw_os_error(), Some(libc::EADDRNOTAVAIL | libc::EADDRINUSE)) =>
                {
                    self.source =
                        self.source.checked_add(1).ok_or("no address of loopback has a port left")?;
                }
                dialed => break dialed?,
            }
        };
        let token = Token(self.viewers.len());
        self.poll.registry().register(&mut viewer.socket, token, Interest::READABLE | Interest::WRITABLE)?;
        self.viewers.push(viewer);
        self.stages.dialed += 1;
        Ok(())
    }
}
