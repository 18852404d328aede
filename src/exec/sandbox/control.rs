//! Control messages that go with data: read from the session, and made anew of what is known.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use super::asker::Asker;
use super::copies;
use super::socket::Kind;
use crate::exec::policy::Protocol;

/// The longest list of control messages that is looked at.
const BYTES: usize = 1024;
/// The most descriptors that are passed by one call: this process has a copy of each meanwhile.
pub(super) const DESCRIPTORS: usize = 64;
/// A control message's head: its length with this head, its level and its type.
const HEAD: usize = size_of::<libc::cmsghdr>();
/// Where the next one begins is a multiple of this.
const STEP: usize = size_of::<usize>();

/// Control messages, as the kernel takes them.
#[derive(Debug, Default)]
pub(super) struct Control {
    /// In words, as they are to lie.
    words: Vec<u64>,
    /// Copies of the descriptors in them.
    passed: Vec<OwnedFd>,
}

impl Control {
    /// Reads the control messages at an address, with at most `room` descriptors, which it takes off.
    ///
    /// # Errors
    /// One that is not known: it could name another receiver or sender, or ask for what this process alone may do.
    pub(super) fn read(
        asker: &Asker,
        kind: Kind,
        address: u64,
        length: u64,
        room: &mut usize,
    ) -> io::Result<Self> {
        let fail = |error| Err(io::Error::from_raw_os_error(error));
        if address == 0 || length == 0 {
            return Ok(Self::default());
        }
        let Some(length) = usize::try_from(length).ok().filter(|length| *length <= BYTES) else {
            return fail(libc::ENOBUFS);
        };
        let mut bytes = vec![0; length];
        asker.read(address, &mut bytes)?;
        let mut control = Self::default();
        let mut rest = &bytes[..];
        while let Some((head, _)) = rest.split_at_checked(HEAD) {
            let (long, level, name) = parsed(head);
            let Some(data) = usize::try_from(long).ok().and_then(|long| rest.get(HEAD..long)) else {
                return fail(libc::EINVAL);
            };
            match (kind, level, name) {
                (Kind::Pair { .. }, libc::SOL_SOCKET, libc::SCM_RIGHTS) => control.pass(asker, data, room)?,
                (Kind::Internet(Protocol::Udp), libc::IPPROTO_UDP, libc::UDP_SEGMENT)
                | (Kind::Internet(Protocol::Udp), libc::IPPROTO_IP, libc::IP_TOS)
                | (Kind::Internet(Protocol::Udp), libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => {
                    control.add(level, name, data);
                }
                _ => return fail(libc::EPERM),
            }
            rest = rest.get((HEAD + data.len()).next_multiple_of(STEP)..).unwrap_or_default();
        }
        Ok(control)
    }

    /// Returns them as they lie in memory, and how long they are.
    pub(super) fn bytes(&mut self) -> (*mut libc::c_void, usize) {
        let length = size_of_val(&self.words[..]);
        (if length == 0 { std::ptr::null_mut() } else { self.words.as_mut_ptr().cast() }, length)
    }

    /// Returns how many descriptors are in them.
    pub(super) fn passed(&self) -> usize {
        self.passed.len()
    }

    /// Passes descriptors of the session's to the other of a pair: copies, which are the same open files.
    fn pass(&mut self, asker: &Asker, data: &[u8], room: &mut usize) -> io::Result<()> {
        *room = room
            .checked_sub(data.len() / size_of::<libc::c_int>())
            .ok_or_else(|| io::Error::from_raw_os_error(libc::ETOOMANYREFS))?;
        let mut numbers = Vec::new();
        for number in data.chunks_exact(size_of::<libc::c_int>()) {
            let number = number.try_into().map(libc::c_int::from_ne_bytes).unwrap_or(-1);
            let copy = copies::to_pass(asker, number)?;
            numbers.extend(copy.as_raw_fd().to_ne_bytes());
            self.passed.push(copy);
        }
        self.add(libc::SOL_SOCKET, libc::SCM_RIGHTS, &numbers);
        Ok(())
    }

    fn add(&mut self, level: libc::c_int, name: libc::c_int, data: &[u8]) {
        let mut bytes = (HEAD + data.len()).to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes().into_iter().chain(name.to_ne_bytes()));
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(STEP), 0);
        self.words.extend(bytes.as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word)));
    }
}

fn parsed(head: &[u8]) -> (u64, libc::c_int, libc::c_int) {
    let long = head.first_chunk().map_or(0, |long| u64::from_ne_bytes(*long));
    let of = |at: usize| {
        let four = head.get(at..).and_then(<[u8]>::first_chunk);
        four.map_or(-1, |four| libc::c_int::from_ne_bytes(*four))
    };
    (long, of(8), of(12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_anew_is_as_the_kernel_takes_it() {
        let mut control = Control::default();
        control.add(libc::IPPROTO_UDP, libc::UDP_SEGMENT, &1200_u16.to_ne_bytes());
        control.add(libc::IPPROTO_IP, libc::IP_TOS, &[2]);
        let (_, length) = control.bytes();
        assert_eq!(length, 48, "two heads, each with a word of data");
        let bytes: Vec<u8> = control.words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!(parsed(&bytes), (18, libc::IPPROTO_UDP, libc::UDP_SEGMENT));
        assert_eq!(parsed(&bytes[24..]), (17, libc::IPPROTO_IP, libc::IP_TOS));
    }
}
