//! Descriptors that go over a Unix socket beside bytes (SCM_RIGHTS).

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// Sends bytes with descriptors beside them, which stay open here; returns how many bytes went.
pub(super) fn send(socket: impl AsFd, bytes: &[u8], descriptors: &[impl AsFd]) -> io::Result<usize> {
    let raw: Vec<libc::c_int> = descriptors.iter().map(|fd| fd.as_fd().as_raw_fd()).collect();
    let payload = u32::try_from(size_of_val(raw.as_slice())).map_err(io::Error::other)?;
    // SAFETY: the macros compute sizes only.
    let (space, len) = unsafe { (libc::CMSG_SPACE(payload), libc::CMSG_LEN(payload)) };
    // Of u64, so that the header in it is aligned.
    let mut buffer = vec![0_u64; (space as usize).div_ceil(8)];
    let mut vector = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: the struct is plain integers and pointers, and zero is a value of each.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    if !raw.is_empty() {
        message.msg_control = buffer.as_mut_ptr().cast();
        message.msg_controllen = space as _;
        // SAFETY: the control buffer has room for one header and the descriptors, as CMSG_SPACE says, and is aligned.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = len as _;
            libc::CMSG_DATA(header).cast::<libc::c_int>().copy_from_nonoverlapping(raw.as_ptr(), raw.len());
        }
    }
    // SAFETY: every pointer in the message leads to what outlives the call.
    let sent = unsafe { libc::sendmsg(socket.as_fd().as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// The most descriptors that go with one message: SCM_MAX_FD of the kernel.
pub(super) const MOST: usize = 253;

/// Waits for a message, and takes the descriptor that came with it, if one did; returns how many bytes came.
pub(super) fn receive(socket: impl AsFd, bytes: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    let (len, mut passed) = receive_all(socket, bytes)?;
    Ok((len, if passed.is_empty() { None } else { Some(passed.swap_remove(0)) }))
}

/// Waits for a message, and takes all descriptors that came with it; returns how many bytes came.
pub(super) fn receive_all(socket: impl AsFd, bytes: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    // Room for a header and as many descriptors as a message can have; of u64, so that the header is aligned.
    let mut buffer = [0_u64; MOST.div_ceil(2) + 4];
    let mut vector = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    loop {
        // SAFETY: the struct is plain integers and pointers, and zero is a value of each.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = &raw mut vector;
        message.msg_iovlen = 1;
        message.msg_control = buffer.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&buffer) as _;
        // SAFETY: every pointer in the message leads to what outlives the call, and is as long as said.
        let received =
            unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
        let Ok(received) = usize::try_from(received) else {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return Err(error);
        };
        let mut passed = Vec::new();
        // SAFETY: the kernel has filled the control buffer with as many bytes as the message says by now, with one header of
        // this type at the most, and as many descriptors behind it as the header's length says. They belong to nobody else.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            if !header.is_null()
                && (*header).cmsg_level == libc::SOL_SOCKET
                && (*header).cmsg_type == libc::SCM_RIGHTS
            {
                let count =
                    ((*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize) / size_of::<libc::c_int>();
                let first = libc::CMSG_DATA(header).cast::<libc::c_int>();
                passed
                    .extend((0..count).map(|index| OwnedFd::from_raw_fd(first.add(index).read_unaligned())));
            }
        }
        return Ok((received, passed));
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write, pipe};
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn a_descriptor_arrives_with_its_message_and_none_with_the_next() {
        let (near, far) = UnixDatagram::pair().unwrap();
        let (reader, mut writer) = pipe().unwrap();
        send(&near, b"with", &[&reader]).unwrap();
        send(&near, b"without", &[] as &[OwnedFd]).unwrap();
        drop(reader);
        let mut bytes = [0; 16];
        let (len, passed) = receive(&far, &mut bytes).unwrap();
        assert_eq!(&bytes[..len], b"with");
        writer.write_all(b"x").unwrap();
        drop(writer);
        let mut read = String::new();
        File::from(passed.unwrap()).read_to_string(&mut read).unwrap();
        assert_eq!(read, "x");
        let (len, passed) = receive(&far, &mut bytes).unwrap();
        assert_eq!((&bytes[..len], passed.is_none()), (b"without".as_slice(), true));
    }

    #[test]
    fn as_many_descriptors_arrive_as_a_message_can_have() {
        let (near, far) = UnixDatagram::pair().unwrap();
        let (reader, _writer) = pipe().unwrap();
        let many: Vec<_> = (0..MOST).map(|_| reader.try_clone().unwrap()).collect();
        send(&near, b"many", &many).unwrap();
        let (len, passed) = receive_all(&far, &mut [0; 16]).unwrap();
        assert_eq!((len, passed.len()), (4, MOST));
    }
}
