//! A ring between two processes.
//!
//! ```text
//! ring                    sends 1000 frames from this process to a child, which reads them in place
//! ring send NAME COUNT    creates the ring NAME, and sends COUNT frames to whoever opens it
//! ring recv NAME          opens the ring NAME and reads until it is closed
//! ```

use std::error::Error;
use std::process::Command;
use std::time::Duration;
use std::{env, thread};

use circlet::ring::{self, Options, PeerState};
use circlet::shm;

const PATIENCE: Duration = Duration::from_secs(20);

/// The payload of a frame follows from its number: every language's example makes and checks the same.
fn payload(number: u32) -> Vec<u8> {
    (0..number * 37 % 1500).map(|at| (number * 31 + at * 7) as u8).collect()
}

fn send(name: &str, count: u32) -> Result<(), Box<dyn Error>> {
    let ring = ring::create(name, &Options::new().capacity(64 * 1024))?;
    let mut sender = ring.sender()?;
    for number in 0..count {
        let bytes = payload(number);
        let mut claim = sender.claim_timeout(bytes.len(), PATIENCE)?;
        claim.copy_from_slice(&bytes);
        claim.commit();
    }
    // The name ends with the ring: wait until the reader has drained it.
    while ring.stats().frames_received < u64::from(count)
        && matches!(sender.peer_state(), PeerState::Never | PeerState::Alive)
    {
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn recv(name: &str) -> Result<(), Box<dyn Error>> {
    let ring = loop {
        match ring::open(name) {
            Err(ring::Error::Segment(shm::Error::NotFound { .. })) => thread::sleep(Duration::from_millis(1)),
            other => break other?,
        }
    };
    let mut receiver = ring.receiver()?;
    let mut number = 0;
    loop {
        match receiver.recv_timeout(PATIENCE) {
            Ok(frame) if *frame == payload(number) => number += 1,
            Ok(_) => return Err(format!("frame {number} is not what was sent").into()),
            Err(ring::Error::Closed) => break,
            Err(other) => return Err(other.into()),
        }
    }
    println!("{number} frames received");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["send", name, count] => send(name, count.parse()?),
        ["recv", name] => recv(name),
        [] => {
            let name = format!("circlet-example-{}", std::process::id());
            let mut child = Command::new(env::current_exe()?).args(["recv", &name]).spawn()?;
            send(&name, 1000)?;
            if child.wait()?.success() { Ok(()) } else { Err("the receiver failed".into()) }
        }
        _ => Err("usage: ring | ring send NAME COUNT | ring recv NAME".into()),
    }
}
