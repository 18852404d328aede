//! How circlet's hub is started, and how its frames come about. Whatever changes with the hub changes here.
//!
//! Without `--hub` it runs in a process of this program, which takes its orders from its standard input. With it, the command prints a
//! line with its port and takes orders as the other peers do: on the event `start` it publishes that many frames to the room, each as
//! [`Frame`] has it, and acknowledges with their number.

use std::ffi::OsString;
use std::io::stdin;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, io};

use circlet::hub::{Hub, HubOptions};

use crate::Outcome;
use crate::frames::{Frame, Order};
use crate::options::Options;
use crate::peers::Orders;

/// The key of the room's state that each frame is the new value of.
const KEY: &str = "frame";

/// As often as the hub can: each frame is told when it is published, and its rate is that of the orders.
const TICKS_HZ: u32 = 60;

/// Longer than viewers stop reading here: what is measured is how they catch up, and what they cost until then. By default the hub cuts
/// them off before that.
const STALLED_AFTER: Duration = Duration::from_secs(60);

/// Gives the program that serves the hub, with its arguments, and how it takes orders.
pub(crate) fn command(options: &Options) -> Outcome<(Vec<OsString>, Orders)> {
    match &options.hub {
        Some(command) => Ok((command.split_whitespace().map(OsString::from).collect(), Orders::Event)),
        None => Ok((vec![env::current_exe()?.into(), "--serve=circlet".into()], Orders::Line)),
    }
}

/// Serves a hub until the standard input ends. Each line of it is an order, answered with `done` and the number of frames.
pub(crate) fn serve(threads: Option<usize>) -> Outcome<()> {
    let mut options = HubOptions::default();
    options.addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    options.hz = TICKS_HZ;
    options.stalled_after = STALLED_AFTER;
    options.threads = threads.unwrap_or(options.threads);
    let hub = Hub::start(options)?;
    println!("{}", hub.addr().port());
    for line in io::BufRead::lines(stdin().lock()) {
        let order: Order = serde_json::from_str(&line?)?;
        let begin = Instant::now();
        for frame in 0..order.count() {
            thread::sleep((begin + order.due(frame)).saturating_duration_since(Instant::now()));
            hub.set(&order.room, KEY, serde_json::to_value(Frame::next(order.bytes))?)?;
        }
        println!("done {}", order.count());
    }
    Ok(())
}
