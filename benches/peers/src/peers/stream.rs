//! The kernel's own: a pipe, and Unix sockets of bytes or of packets.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use crate::peer::{Ask, Consume, Echo, Part, Peer, Place, Produce, Shared, sized};
use crate::row::Row;
use crate::work::{self, Tally};

/// What the kernel lets anybody have for a pipe; sockets take as much of it as they may.
const BUFFER_BYTES: libc::c_int = 1 << 20;
/// A reader asks for so much at once, and for one frame at least.
const READ_BYTES: usize = 64 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Pipe,
    Socket,
    Packets,
}

pub(crate) struct Stream {
    pub(crate) kind: Kind,
    /// Many frames in one write; a reader always takes what there is.
    pub(crate) batches: bool,
}

impl Peer for Stream {
    fn name(&self) -> &'static str {
        match (self.kind, self.batches) {
            (Kind::Pipe, false) => "pipe",
            (Kind::Pipe, true) => "pipe, many frames in a write",
            (Kind::Socket, false) => "Unix socket",
            (Kind::Socket, true) => "Unix socket, many frames in a write",
            (Kind::Packets, _) => "Unix socket of packets",
        }
    }

    fn part(&self, row: Row) -> Part {
        match row {
            Row::Mpsc => Part::No,
            Row::Bytes64k => Part::yes_if(!self.batches && self.kind != Kind::Packets),
            _ => Part::yes_if(!self.batches || !row.is_round_trip()),
        }
    }

    fn prepare(&self, row: Row, name: String) -> Shared {
        let mut shared = Shared::named(name);
        for _ in 0..2 {
            let (read, write) = match self.kind {
                Kind::Pipe => pipe(),
                Kind::Socket => sockets(libc::SOCK_STREAM),
                Kind::Packets => sockets(libc::SOCK_SEQPACKET),
            };
            for fd in [read, write] {
                if row == Row::Spin {
                    set_nonblocking(&fd);
                }
                shared = shared.fd(fd.as_raw_fd()).keep(fd);
            }
        }
        shared
    }

    fn producer(&self, row: Row, place: &Place, _index: usize) -> Box<dyn Produce> {
        let batch = if self.batches { row.batch() } else { 1 };
        let batch = vec![0; batch * row.frame_bytes()];
        let file = file(place.fds[1]);
        sized!(row, N => Box::new(Sending::<N> { file, batch }))
    }

    fn consumer(&self, row: Row, place: &Place) -> Box<dyn Consume> {
        let buffer = vec![0; READ_BYTES.max(row.frame_bytes())];
        let file = file(place.fds[0]);
        sized!(row, N => Box::new(Receiving::<N> { file, buffer, filled: 0 }))
    }

    fn asker(&self, _row: Row, place: &Place) -> Box<dyn Ask> {
        Box::new(Both { reads: file(place.fds[2]), writes: file(place.fds[1]) })
    }

    fn echoer(&self, _row: Row, place: &Place) -> Box<dyn Echo> {
        Box::new(Both { reads: file(place.fds[0]), writes: file(place.fds[3]) })
    }
}

/// Returns a descriptor's copy that a child inherits.
pub(crate) fn inheritable(fd: &impl AsFd) -> OwnedFd {
    // SAFETY: dup touches no memory, and what it returns belongs to nobody else.
    unsafe {
        let copy = libc::dup(fd.as_fd().as_raw_fd());
        assert!(copy >= 0, "no descriptor is free");
        OwnedFd::from_raw_fd(copy)
    }
}

/// Takes a descriptor that the parent made for this process.
pub(crate) fn file(fd: RawFd) -> File {
    // SAFETY: the parent made the descriptor for this process, where nothing else owns it.
    unsafe { File::from_raw_fd(fd) }
}

fn pipe() -> (OwnedFd, OwnedFd) {
    let mut fds = [0; 2];
    // SAFETY: the array has room for the two descriptors, which belong to nobody else.
    unsafe {
        assert_eq!(libc::pipe(fds.as_mut_ptr()), 0, "no pipe is free");
        libc::fcntl(fds[1], libc::F_SETPIPE_SZ, BUFFER_BYTES);
        (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1]))
    }
}

/// Returns a connected pair of Unix sockets.
pub(crate) fn sockets(kind: libc::c_int) -> (OwnedFd, OwnedFd) {
    let mut fds = [0; 2];
    // SAFETY: the array has room for the two descriptors, which belong to nobody else; the option is an int of ours.
    unsafe {
        assert_eq!(libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()), 0, "no socket is free");
        for fd in fds {
            let (size, len) = (BUFFER_BYTES, size_of_val(&BUFFER_BYTES) as libc::socklen_t);
            libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_SNDBUF, (&raw const size).cast(), len);
        }
        (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1]))
    }
}

fn set_nonblocking(fd: &OwnedFd) {
    // SAFETY: the call touches no memory.
    unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
}

struct Sending<const N: usize> {
    file: File,
    batch: Vec<u8>,
}

impl<const N: usize> Produce for Sending<N> {
    fn produce(&mut self, first: u64, count: u64) {
        let mut number = first;
        while number < first + count {
            let left = (first + count - number) as usize;
            let len = self.batch.len().min(left.saturating_mul(N * 8));
            for frame in self.batch[..len].chunks_exact_mut(N * 8) {
                work::write_bytes::<N>(frame, number);
                number += 1;
            }
            self.file.write_all(&self.batch[..len]).expect("the reader lives");
        }
    }
}

struct Receiving<const N: usize> {
    file: File,
    buffer: Vec<u8>,
    /// Bytes of a frame that has not come whole yet.
    filled: usize,
}

impl<const N: usize> Consume for Receiving<N> {
    fn consume(&mut self, count: u64, tally: &mut Tally) {
        let mut left = count;
        while left > 0 {
            self.filled += self.file.read(&mut self.buffer[self.filled..]).expect("the writer lives");
            let whole = self.filled / (N * 8) * (N * 8);
            for frame in self.buffer[..whole].chunks_exact(N * 8) {
                tally.bytes::<N>(frame);
                left -= 1;
            }
            self.buffer.copy_within(whole..self.filled, 0);
            self.filled -= whole;
        }
    }
}

/// Files of a pipe or socket each way.
struct Both {
    reads: File,
    writes: File,
}

impl Both {
    fn receive(&mut self) -> u64 {
        let mut number = [0; 8];
        work::spin(|| match self.reads.read(&mut number) {
            Ok(len) => {
                assert_eq!(len, 8, "8 bytes come whole");
                Some(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        });
        u64::from_ne_bytes(number)
    }

    fn send(&mut self, number: u64) {
        self.writes.write_all(&number.to_ne_bytes()).expect("the reader lives");
    }
}

impl Ask for Both {
    fn ask(&mut self, number: u64) -> u64 {
        self.send(number);
        self.receive()
    }
}

impl Echo for Both {
    fn echo(&mut self) {
        let number = self.receive();
        self.send(number);
    }
}
