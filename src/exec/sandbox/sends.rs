//! What a session's code sends by calls that may name a receiver: decided by the address, and sent by the supervisor in its place,
//! with the bytes that were decided on.
//!
//! A filter sees neither the kind of a socket nor what lies in memory. Where a policy allows UDP, all calls of this kind come here
//! therefore, those for TCP and for pairs too. None of them may be left to the kernel: by the time that it looks, the descriptor's
//! number may be another socket's.

use std::fs::File;
use std::io;
use std::mem;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::asker::Asker;
use super::connections::{Decided, judged};
use super::control::Control;
use super::deeds::Deed;
use super::in_flight::InFlight;
use super::messages::{self, MULTIPLE_BYTES, Message};
use super::notices::{Answer, Notice};
use super::socket::Socket;
use crate::exec::policy::{Action, Direction, Protocol, Resolved};

/// What may be asked of a call to send. Data that stays in this process's memory until it is sent (`MSG_ZEROCOPY`), data with a
/// connection that is still to be made (`MSG_FASTOPEN`), and data that goes by no route (`MSG_DONTROUTE`) may not.
const FLAGS: libc::c_int = libc::MSG_OOB
    | libc::MSG_DONTWAIT
    | libc::MSG_EOR
    | libc::MSG_CONFIRM
    | libc::MSG_NOSIGNAL
    | libc::MSG_MORE;

/// A call to send that is made in the place of who asked.
#[derive(Debug)]
pub(super) struct Sending {
    socket: Socket,
    messages: Vec<Message>,
    flags: libc::c_int,
    /// Where the lengths that were sent are told, of several messages.
    lengths: Option<Lengths>,
    /// How many messages have been sent, and how many bytes of the next.
    sent: usize,
    sent_bytes: usize,
    in_flight: Arc<InFlight>,
}

/// Where the session wants to know how much of each message was sent.
#[derive(Debug)]
struct Lengths {
    memory: File,
    headers: u64,
}

/// Decides on a call to send.
pub(super) fn decide(policy: &Resolved, in_flight: &Arc<InFlight>, notice: &Notice) -> Decided {
    match prepared(policy, in_flight, notice) {
        Ok(decided) => decided,
        Err(error) => Decided::Refused(error.raw_os_error().unwrap_or(libc::EACCES)),
    }
}

fn prepared(policy: &Resolved, in_flight: &Arc<InFlight>, notice: &Notice) -> io::Result<Decided> {
    let asker = Asker::new(notice.thread);
    let [number, header, count_or_flags, flags, ..] = notice.arguments;
    let socket = Socket::of(&asker, number as libc::c_int)?;
    let (mut messages, flags, lengths) = match notice.call {
        libc::SYS_sendto => (vec![messages::of_sendto(&asker, &socket, &notice.arguments)?], flags, None),
        libc::SYS_sendmsg => (vec![messages::of_sendmsg(&asker, &socket, header)?], count_or_flags, None),
        _ => {
            let lengths = Lengths { memory: asker.memory()?, headers: header };
            (messages::of_sendmmsg(&asker, &socket, header, count_or_flags)?, flags, Some(lengths))
        }
    };
    let flags = flags as libc::c_int;
    if flags & !FLAGS != 0 {
        return Ok(Decided::Refused(libc::EOPNOTSUPP));
    }
    let mut all = Vec::new();
    for at in 0..messages.len() {
        let Some(name) = messages.get(at).and_then(|message| message.name.as_deref()) else { continue };
        match judged(policy, &socket, Protocol::Udp, Direction::Connect, name) {
            Ok(asked) if asked.decision.action != Action::Deny => all.push(asked),
            Ok(asked) if at == 0 => return Ok(Decided::Denied(asked)),
            Err(error) if at == 0 => return Ok(Decided::Refused(error)),
            // It is the first of the next call.
            _ => {
                messages.truncate(at);
                break;
            }
        }
    }
    let in_flight = in_flight.clone();
    let sending = Sending { socket, messages, flags, lengths, sent: 0, sent_bytes: 0, in_flight };
    Ok(Decided::Made(all, Deed::Send(sending)))
}

impl Sending {
    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Sends what can be sent without waiting; `None` if nothing was, or only a part of what is sent as a whole.
    pub(super) fn attempt(&mut self) -> Option<Answer> {
        // Copies of descriptors are not kept for as long as somebody likes: there are only so many.
        let passes = self.messages.iter().any(|message| message.control.passed() > 0);
        let waits = self.flags & libc::MSG_DONTWAIT == 0 && self.socket.is_blocking() && !passes;
        while self.sent < self.messages.len() {
            match self.send_next() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => match error.raw_os_error() {
                    Some(libc::EAGAIN) if waits && self.sent == 0 => return None,
                    _ if self.sent_bytes > 0 => {
                        self.end_message();
                        break;
                    }
                    _ if self.sent > 0 => break,
                    error => return Some(Answer::Fail(error.unwrap_or(libc::EACCES))),
                },
            }
        }
        Some(self.outcome())
    }

    /// Says what was sent where nobody waits for the rest.
    pub(super) fn unfinished(&self) -> Answer {
        match self.lengths {
            _ if self.sent_bytes == 0 => Answer::Fail(libc::EAGAIN),
            None => Answer::Done(self.sent_bytes as i64),
            Some(_) if self.tell_length() => Answer::Done(1),
            Some(_) => Answer::Fail(libc::EFAULT),
        }
    }

    fn outcome(&self) -> Answer {
        let first = self.messages.first().map_or(0, |message| message.data.len());
        match self.lengths {
            None => Answer::Done(first as i64),
            // It was sent, and that could not be told.
            Some(_) if self.sent == 0 && !self.messages.is_empty() => Answer::Fail(libc::EFAULT),
            Some(_) => Answer::Done(self.sent as i64),
        }
    }

    /// Sends a message, or a part of one of a stream; tells whether the next may follow.
    fn send_next(&mut self) -> io::Result<bool> {
        let Some(message) = self.messages.get_mut(self.sent) else { return Ok(false) };
        // SAFETY: the struct is plain integers and pointers, of which zero is a value.
        let mut header: libc::msghdr = unsafe { mem::zeroed() };
        if let Some(name) = &mut message.name {
            (header.msg_name, header.msg_namelen) = (name.as_mut_ptr().cast(), name.len() as libc::socklen_t);
        }
        let rest = message.data.get_mut(self.sent_bytes..).unwrap_or_default();
        let mut piece = libc::iovec { iov_base: rest.as_mut_ptr().cast(), iov_len: rest.len() };
        (header.msg_iov, header.msg_iovlen) = (&raw mut piece, 1);
        (header.msg_control, header.msg_controllen) = message.control.bytes();
        let flags = self.flags | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        let passed = message.control.passed();
        let place = if passed > 0 { Some(self.in_flight.add(&self.socket, passed)?) } else { None };
        let sent = loop {
            // SAFETY: the header, the name, the data and the control messages outlive the call, and are as long as said.
            let sent = unsafe { libc::sendmsg(self.socket.number(), &raw const header, flags) };
            if sent >= 0 {
                break sent.unsigned_abs();
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                place.into_iter().for_each(|place| self.in_flight.take_back(place, passed));
                return Err(error);
            }
        };
        let is_whole = sent >= rest.len();
        self.sent_bytes += sent;
        // They went with the first part.
        message.control = Control::default();
        if !is_whole {
            return Ok(true);
        }
        let is_all = message.data.len() == message.full_bytes;
        Ok(self.end_message() && is_all)
    }

    /// Goes on with the next message, and tells how much was sent of this one; whether that could be told.
    fn end_message(&mut self) -> bool {
        let Some(message) = self.messages.get_mut(self.sent) else { return false };
        message.data.truncate(self.sent_bytes);
        if !self.tell_length() {
            return false;
        }
        (self.sent, self.sent_bytes) = (self.sent + 1, 0);
        true
    }

    /// Tells how much was sent of the message that is sent now, where the session wants to know; whether that could be told.
    fn tell_length(&self) -> bool {
        self.lengths.as_ref().is_none_or(|Lengths { memory, headers }| {
            let at = self.sent * MULTIPLE_BYTES + size_of::<libc::msghdr>();
            let bytes = (self.sent_bytes as u32).to_ne_bytes();
            memory.write_all_at(&bytes, headers.wrapping_add(at as u64)).is_ok()
        })
    }
}
