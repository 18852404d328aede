//! A process is killed at every store that it makes in a seat that another keeps, and the next one goes on there.

use std::io;
use std::os::fd::AsFd;
use std::process::Stdio;

use super::{
    Case, FRAMES, SOON, Script, claim_all, frame, near_the_end, options, receive_all, send, send_all,
};
use crate::ring::{Mode, PeerState, Receiver, Ring, Role, Sender, adopt, mend};
use crate::shm::KeptSeat;
use crate::shm::layout::SLOTS;

/// What a child does in a kept seat.
pub(super) const SCRIPTS: [(&str, Script); 3] = [
    ("lent-send", |_, done| send_all(&seat(Role::Producer), done)),
    ("lent-claim", |_, done| claim_all(&seat(Role::Producer), done)),
    ("lent-recv", |_, done| receive_all(&seat(Role::Consumer), done)),
];

/// Opens the ring whose description the child has as its standard input.
fn seat(role: Role) -> Ring {
    let description = io::stdin().as_fd().try_clone_to_owned().unwrap();
    // The first producer's seat, or the consumer's.
    adopt(description, role, if role == Role::Producer { 0 } else { SLOTS }).unwrap()
}

impl Case {
    /// Runs a script in a kept seat, killed before a store of it.
    fn run_in(&self, kept: &KeptSeat, script: &str, stores: u64) -> (bool, u64) {
        let description = kept.segment().description().try_clone_to_owned().unwrap();
        self.run_with(script, Some(stores), Stdio::from(description))
    }
}

#[test]
fn the_next_in_the_seat_of_a_killed_producer_goes_on_and_the_reader_never_learns_of_it() {
    for (mode, script) in [
        (Mode::Spsc, "lent-send"),
        (Mode::Mpsc, "lent-send"),
        (Mode::Spsc, "lent-claim"),
        (Mode::Mpsc, "lent-claim"),
    ] {
        for stores in 0.. {
            let case = Case::new();
            let ring = case.ring(&options(mode).capacity(1 << 16));
            near_the_end(&ring);
            let mut receiver = ring.receiver().unwrap();
            let kept = ring.keep(Role::Producer).unwrap();
            let other = (mode == Mode::Mpsc).then(|| ring.sender().unwrap());
            let (killed, done) = case.run_in(&kept, script, stores);
            assert_eq!(receiver.peer_state(), PeerState::Alive);
            mend(&kept);
            // What is settled bars nobody's way, before there is a next one.
            let mut expected = Vec::new();
            if let Some(mut other) = other {
                send(&mut other, 200);
                expected.push(200);
            }
            let mut next = Sender::seated(kept.lend().sit(kept.segment(), Role::Producer).unwrap()).unwrap();
            for number in 100..103 {
                send(&mut next, number);
                expected.push(number);
            }
            drop(next);
            let mut found = Vec::new();
            while found.last() != Some(&102) {
                let frame_found = receiver.recv_timeout(SOON).unwrap();
                let number = u64::from_le_bytes(*frame_found.first_chunk().unwrap());
                assert_eq!(&*frame_found, frame(number));
                found.push(number);
            }
            let of_the_dead = found.len() - expected.len();
            assert!((done..=done + 1).contains(&(of_the_dead as u64)), "{found:?}, and {done} were sent");
            assert!(found[..of_the_dead].iter().copied().eq(0..of_the_dead as u64), "{found:?}");
            assert_eq!(found[of_the_dead..], expected);
            assert!(receiver.try_recv().unwrap().is_none(), "the seat is kept");
            drop(kept);
            assert_eq!(receiver.peer_state(), PeerState::Closed);
            if !killed {
                println!("{script} ({mode}): killed at {stores} stores");
                break;
            }
        }
    }
}

#[test]
fn the_next_in_the_seat_of_a_killed_reader_begins_with_what_that_had_not_released() {
    for mode in [Mode::Spsc, Mode::Mpsc] {
        for stores in 0.. {
            let case = Case::new();
            let ring = case.ring(&options(mode).capacity(1 << 16));
            let mut sender = ring.sender().unwrap();
            (0..FRAMES).for_each(|number| send(&mut sender, number));
            let kept = ring.keep(Role::Consumer).unwrap();
            let (killed, done) = case.run_in(&kept, "lent-recv", stores);
            assert_eq!(sender.peer_state(), PeerState::Alive);
            mend(&kept);
            let mut next =
                Receiver::seated(kept.lend().sit(kept.segment(), Role::Consumer).unwrap()).unwrap();
            send(&mut sender, FRAMES);
            let mut found = Vec::new();
            while found.last() != Some(&FRAMES) {
                let frame_found = next.recv_timeout(SOON).unwrap();
                found.push(u64::from_le_bytes(*frame_found.first_chunk().unwrap()));
            }
            assert!((done..=done + 1).contains(&found[0]), "{found:?} were left, and {done} received");
            assert!(found.iter().copied().eq(found[0]..=FRAMES), "{found:?}");
            if !killed {
                println!("lent-recv ({mode}): killed at {stores} stores");
                break;
            }
        }
    }
}
