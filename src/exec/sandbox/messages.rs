//! Messages that calls to send name: copied once from the session, with bounds, before anything is decided.

use std::io;

use super::asker::Asker;
use super::control::{Control, DESCRIPTORS};
use super::socket::{ADDRESS_BYTES, Kind, Socket};
use crate::exec::policy::Protocol;

/// The most bytes that are copied for one call.
pub(super) const CALL_BYTES: usize = 1 << 18;
/// The most bytes of a datagram.
const DATAGRAM_BYTES: usize = 0xffff;
/// The most messages of one call.
const MESSAGES: usize = 64;
/// The most pieces of a message, and the longest name of anything, as the kernel has them.
const PIECES: u64 = 1024;
const NAME_BYTES: u64 = 128;
/// `struct msghdr`, in words, and `struct mmsghdr`, which has the length that was sent behind one.
const HEADER_WORDS: usize = size_of::<libc::msghdr>() / 8;
pub(super) const MULTIPLE_BYTES: usize = size_of::<libc::mmsghdr>();

/// A message that is to be sent.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// Whom to, if it says so and its socket's kind takes that.
    pub(super) name: Option<Vec<u8>>,
    pub(super) data: Vec<u8>,
    pub(super) control: Control,
    /// How many bytes it has for who sends it: of a stream the rest is left.
    pub(super) full_bytes: usize,
}

/// What may still be copied for a call.
struct Room {
    bytes: usize,
    descriptors: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { bytes: CALL_BYTES, descriptors: DESCRIPTORS }
    }
}

/// Where the parts of a message are, as the session says.
struct Parts {
    /// Address and length of each.
    name: Option<(u64, u64)>,
    pieces: Vec<(u64, usize)>,
    control: (u64, u64),
}

/// Reads what `sendto` is to send.
///
/// # Errors
/// As the kernel's for what cannot be sent.
pub(super) fn of_sendto(asker: &Asker, socket: &Socket, arguments: &[u64; 6]) -> io::Result<Message> {
    let [_, data, length, _, name, name_length] = *arguments;
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(libc::c_int::MAX as usize);
    let name_length = u64::from(name_length as u32);
    if name_length > NAME_BYTES {
        return fail(libc::EINVAL);
    }
    let name = (name != 0).then_some((name, name_length));
    read(asker, socket, Parts { name, pieces: vec![(data, length)], control: (0, 0) }, &mut Room::default())
}

/// Reads what `sendmsg` is to send.
///
/// # Errors
/// As the kernel's for what cannot be sent.
pub(super) fn of_sendmsg(asker: &Asker, socket: &Socket, header: u64) -> io::Result<Message> {
    read(asker, socket, parts(asker, header)?, &mut Room::default())
}

/// Reads what `sendmmsg` is to send: as many messages as there is room for, up to the first that cannot be sent.
///
/// # Errors
/// As the kernel's, where that is the first of all.
pub(super) fn of_sendmmsg(
    asker: &Asker,
    socket: &Socket,
    headers: u64,
    count: u64,
) -> io::Result<Vec<Message>> {
    let count = (count as u32 as usize).min(MESSAGES);
    let (mut messages, mut room) = (Vec::new(), Room::default());
    for at in 0..count {
        let header = headers.wrapping_add((at * MULTIPLE_BYTES) as u64);
        match parts(asker, header).and_then(|parts| read(asker, socket, parts, &mut room)) {
            Ok(message) => messages.push(message),
            Err(error) if at == 0 => return Err(error),
            // It is the first of the next call.
            Err(_) => break,
        }
    }
    Ok(messages)
}

fn parts(asker: &Asker, header: u64) -> io::Result<Parts> {
    let mut bytes = [0; HEADER_WORDS * 8];
    asker.read(header, &mut bytes)?;
    let words = bytes.as_chunks().0;
    let [name, name_length, pieces, count, control, control_length, ..] = words else {
        return fail(libc::EINVAL);
    };
    let [name, pieces, count, control, control_length] =
        [name, pieces, count, control, control_length].map(|word| u64::from_ne_bytes(*word));
    // An integer, in the lower half of the word.
    let name_length = u64::from(u64::from_ne_bytes(*name_length) as u32);
    if name != 0 && name_length > i32::MAX as u64 {
        return fail(libc::EINVAL);
    }
    if count > PIECES {
        return fail(libc::EMSGSIZE);
    }
    let mut listed = vec![0; count as usize * 16];
    asker.read(pieces, &mut listed)?;
    let listed = listed.as_chunks::<16>().0.iter().map(|piece| {
        let (address, length) = piece.split_at(8);
        let word = |bytes: &[u8]| bytes.first_chunk().map_or(0, |word| u64::from_ne_bytes(*word));
        match isize::try_from(word(length)) {
            Ok(length) => Ok((word(address), length.unsigned_abs())),
            Err(_) => fail(libc::EINVAL),
        }
    });
    let name = (name != 0 && name_length != 0).then_some((name, name_length.min(NAME_BYTES)));
    Ok(Parts { name, pieces: listed.collect::<io::Result<_>>()?, control: (control, control_length) })
}

/// Copies a message for which there is room, and takes that off.
fn read(asker: &Asker, socket: &Socket, parts: Parts, room: &mut Room) -> io::Result<Message> {
    let Parts { name, mut pieces, control: (control, control_length) } = parts;
    let full_bytes = pieces.iter().fold(0, |sum: usize, (_, length)| sum.saturating_add(*length));
    let is_stream = matches!(socket.kind, Kind::Internet(Protocol::Tcp) | Kind::Pair { is_stream: true });
    let most = if socket.kind == Kind::Internet(Protocol::Udp) { DATAGRAM_BYTES } else { CALL_BYTES };
    if !is_stream && full_bytes > most.min(room.bytes) || is_stream && room.bytes == 0 {
        return fail(libc::EMSGSIZE);
    }
    let mut left = full_bytes.min(room.bytes);
    room.bytes -= left;
    let mut data = vec![0; left];
    for (_, length) in &mut pieces {
        *length = (*length).min(left);
        left -= *length;
    }
    asker.gather(&pieces, &mut data)?;
    if name.is_some() && socket.kind == (Kind::Pair { is_stream: true }) {
        return fail(libc::EISCONN);
    }
    // Others that are connected take none, and do not look at it.
    let name = name.filter(|_| socket.kind == Kind::Internet(Protocol::Udp));
    let name = name.map(|(address, length)| {
        let mut name = vec![0; (length as usize).min(ADDRESS_BYTES)];
        asker.read(address, &mut name).map(|()| name)
    });
    let control = Control::read(asker, socket.kind, control, control_length, &mut room.descriptors)?;
    Ok(Message { name: name.transpose()?, data, control, full_bytes })
}

fn fail<T>(error: libc::c_int) -> io::Result<T> {
    Err(io::Error::from_raw_os_error(error))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn as_many_descriptors_are_copied_for_a_call_as_for_a_message() {
        // SAFETY: the call takes nothing.
        let asker = Asker::new(unsafe { libc::getpid() });
        let (near, _far) = UnixStream::pair().unwrap();
        let socket = Socket::of(&asker, near.as_raw_fd()).unwrap();
        let counts = |each: usize| {
            let head = [libc::SOL_SOCKET, libc::SCM_RIGHTS].map(libc::c_int::to_ne_bytes);
            let numbers = near.as_raw_fd().to_ne_bytes().repeat(each);
            let control =
                [&(16 + numbers.len()).to_ne_bytes()[..], head.as_flattened(), &numbers[..]].concat();
            let mut piece = libc::iovec { iov_base: control.as_ptr().cast_mut().cast(), iov_len: 1 };
            // SAFETY: the struct is plain integers and pointers, of which zero is a value.
            let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
            (header.msg_hdr.msg_iov, header.msg_hdr.msg_iovlen) = (&raw mut piece, 1);
            header.msg_hdr.msg_control = control.as_ptr().cast_mut().cast();
            header.msg_hdr.msg_controllen = control.len();
            let headers = vec![header; MESSAGES];
            let read = of_sendmmsg(&asker, &socket, headers.as_ptr().addr() as u64, MESSAGES as u64);
            read.map(|all| all.iter().map(|message| message.control.passed()).collect::<Vec<_>>())
        };
        assert_eq!(counts(DESCRIPTORS).unwrap(), [DESCRIPTORS]);
        assert_eq!(counts(30).unwrap(), [30, 30]);
        assert_eq!(counts(1).unwrap(), [1; MESSAGES]);
        assert_eq!(counts(DESCRIPTORS + 1).unwrap_err().raw_os_error(), Some(libc::ETOOMANYREFS));
    }
}
