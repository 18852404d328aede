//! Messages in fragments, and those whose parts lie in two places.

use super::{Reserved, Sender};
use crate::ring::fragment::{self, HEADER_BYTES, Header};
use crate::ring::frame::FRAGMENT;
use crate::ring::{Deadline, Error};

impl Sender {
    /// As [`Sender::send_part`], of a message whose two parts lie in different places.
    #[cfg(feature = "exec")]
    pub(crate) fn send_parts(
        &mut self,
        parts: [&[u8]; 2],
        sent: &mut usize,
        deadline: Option<Deadline>,
    ) -> Result<(), Error> {
        let len = parts[0].len() + parts[1].len();
        if self.is_long(len)? {
            return self.place_fragments(parts, sent, deadline);
        }
        let reserved = self.make_room(len as u32, deadline)?;
        self.write_parts(reserved, 0, parts);
        self.publish(reserved, len as u32, 0);
        *sent = len;
        self.wake_readers();
        Ok(())
    }

    /// Tells whether a message of that length goes in fragments.
    #[cfg(feature = "exec")]
    pub(crate) fn goes_in_fragments(&self, len: usize) -> bool {
        len > self.max_frame as usize
    }

    /// Publishes the rest of a message in fragments, and wakes the reader for each.
    pub(super) fn place_fragments(
        &mut self,
        parts: [&[u8]; 2],
        sent: &mut usize,
        deadline: Option<Deadline>,
    ) -> Result<(), Error> {
        let total = parts[0].len() + parts[1].len();
        let slot = self.seat.index() as u32;
        while *sent < total {
            let count = (total - *sent).min(fragment::piece_bytes(self.view.capacity()));
            let len = (HEADER_BYTES + count) as u32;
            let reserved = self.make_room(len, deadline)?;
            let header = Header { total: total as u32, offset: *sent as u32, slot }.encode();
            self.write_parts(reserved, 0, [&header, &[]]);
            self.write_parts(reserved, HEADER_BYTES, within(parts, *sent, count));
            self.publish(reserved, len, FRAGMENT);
            self.wake_readers();
            *sent += count;
        }
        Ok(())
    }

    /// Writes two parts into the room that was reserved for them, and for `at` bytes before them.
    fn write_parts(&mut self, reserved: Reserved, at: usize, [first, second]: [&[u8]; 2]) {
        // SAFETY: the callers have reserved so much.
        unsafe {
            self.view.write(reserved.position, at, first);
            self.view.write(reserved.position, at + first.len(), second);
        }
    }
}

/// Returns `count` bytes of two parts, from the one at `from` on, where they lie.
fn within([first, second]: [&[u8]; 2], from: usize, count: usize) -> [&[u8]; 2] {
    let left = first.get(from..).unwrap_or_default();
    let left = &left[..left.len().min(count)];
    let begin = (from + left.len()).saturating_sub(first.len());
    [left, &second[begin..begin + count - left.len()]]
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn two_parts_are_cut_as_if_they_were_one() {
        let (first, second) = (b"abc", b"defgh");
        let whole = [first.as_slice(), second].concat();
        for from in 0..whole.len() {
            for count in 0..=whole.len() - from {
                let [one, other] = within([first, second], from, count);
                assert_eq!([one, other].concat(), whole[from..from + count], "{from} {count}");
            }
        }
    }
}
