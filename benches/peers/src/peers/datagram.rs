//! A Unix datagram socket that two producers write to; the reader takes many datagrams in a call.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::{mem, ptr};

use crate::peer::{Consume, Part, Peer, Place, Produce, Shared};
use crate::peers::stream::{file, sockets};
use crate::row::Row;
use crate::work::{self, Tally};

/// How many datagrams a call of the reader takes at most.
const BATCH: usize = 64;
const WORDS: usize = 8;
const FRAME_BYTES: usize = WORDS * 8;

pub(crate) struct Datagrams;

impl Peer for Datagrams {
    fn name(&self) -> &'static str {
        "Unix datagram socket"
    }

    fn part(&self, row: Row) -> Part {
        Part::yes_if(row == Row::Mpsc)
    }

    fn prepare(&self, _row: Row, name: String) -> Shared {
        let (read, write) = sockets(libc::SOCK_DGRAM);
        Shared::named(name).fd(read.as_raw_fd()).fd(write.as_raw_fd()).keep((read, write))
    }

    fn producer(&self, _row: Row, place: &Place, _index: usize) -> Box<dyn Produce> {
        Box::new(Sending(file(place.fds[1])))
    }

    fn consumer(&self, _row: Row, place: &Place) -> Box<dyn Consume> {
        Box::new(Receiving(file(place.fds[0])))
    }
}

struct Sending(File);

impl Produce for Sending {
    fn produce(&mut self, first: u64, count: u64) {
        let mut frame = [0; FRAME_BYTES];
        for number in first..first + count {
            work::write_bytes::<WORDS>(&mut frame, number);
            self.0.write_all(&frame).expect("the reader lives");
        }
    }
}

struct Receiving(File);

impl Consume for Receiving {
    fn consume(&mut self, count: u64, tally: &mut Tally) {
        let mut frames = [[0_u8; FRAME_BYTES]; BATCH];
        let mut parts = frames
            .each_mut()
            .map(|frame| libc::iovec { iov_base: frame.as_mut_ptr().cast(), iov_len: FRAME_BYTES });
        // SAFETY: an mmsghdr is integers and pointers, for which zeroes are values.
        let mut messages: [libc::mmsghdr; BATCH] = unsafe { mem::zeroed() };
        for (message, part) in messages.iter_mut().zip(&mut parts) {
            message.msg_hdr.msg_iov = part;
            message.msg_hdr.msg_iovlen = 1;
        }
        let mut left = count;
        while left > 0 {
            let wanted = left.min(BATCH as u64) as libc::c_uint;
            let flags = libc::MSG_WAITFORONE;
            // SAFETY: so many messages lead to so many parts, which are frames of ours that nothing else uses meanwhile.
            let found = unsafe {
                libc::recvmmsg(self.0.as_raw_fd(), messages.as_mut_ptr(), wanted, flags, ptr::null_mut())
            };
            assert!(found > 0, "the writers live");
            for part in &parts[..found as usize] {
                // SAFETY: the part is a frame of ours, which the call that wrote it has left.
                tally.bytes::<WORDS>(unsafe { &*part.iov_base.cast::<[u8; FRAME_BYTES]>() });
            }
            left -= found as u64;
        }
    }
}
