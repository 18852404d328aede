//! What a session says of the code that asks its supervisor something: the last place in the code for each thread, in the memory
//! that both share. Whatever is in there, reading it gives some text of a bounded length.
//!
//! A thread writes before it makes a call, and is looked up while it waits in that: nobody else has its place then, unless two
//! threads come to the same.

use std::sync::atomic::Ordering::SeqCst;

use super::words::{REPORTS, Words};
use crate::exec::sandbox::SelfReported;
use crate::shm::Shared;

/// Places for threads, by their number.
const PLACES: u64 = 8;
/// Bytes of the words of a place: the thread, an order, the line, and the lengths of both texts, of 16 bits each; then the texts.
const THREAD: u64 = 0;
const ORDER: u64 = 8;
const LINE: u64 = 16;
const LENGTHS: u64 = 24;
const TEXTS: u64 = 32;
/// The longest texts: what is done, and the file.
const EVENT_BYTES: usize = 32;
const FILE_BYTES: usize = 96;
/// Each word has 4 bytes, and is 8 from the next.
const PLACE: u64 = TEXTS + 2 * (EVENT_BYTES + FILE_BYTES) as u64;
/// How many reports there were.
const COUNT: u64 = REPORTS + PLACES * PLACE;

/// A place as it was read.
struct Found {
    thread: u32,
    order: u32,
    report: SelfReported,
}

impl Words {
    /// Says which code is about to do something in this thread.
    pub(super) fn report(&self, event: &[u8], file: &[u8], line: u32) {
        // SAFETY: the call takes nothing.
        let thread = unsafe { libc::gettid() }.unsigned_abs();
        let place = place_of(thread);
        let event = &event[..event.len().min(EVENT_BYTES)];
        let file = &file[file.len().saturating_sub(FILE_BYTES)..];
        let order = self.word(COUNT).load(SeqCst).wrapping_add(1);
        self.word(place + THREAD).store(0, SeqCst);
        self.word(COUNT).store(order, SeqCst);
        self.word(place + ORDER).store(order, SeqCst);
        self.word(place + LINE).store(line, SeqCst);
        self.word(place + LENGTHS).store(event.len() as u32 | (file.len() as u32) << 16, SeqCst);
        let file_at = place + TEXTS + 2 * EVENT_BYTES as u64;
        for (text, at) in [(event, place + TEXTS), (file, file_at)] {
            for (part, at) in text.chunks(4).zip((at..).step_by(8)) {
                let mut bytes = [0; 4];
                bytes[..part.len()].copy_from_slice(part);
                self.word(at).store(u32::from_le_bytes(bytes), SeqCst);
            }
        }
        self.word(place + THREAD).store(thread, SeqCst);
    }

    /// Returns what a thread has said last; if it never has and `or_any`, what any other has.
    pub(super) fn reported(&self, thread: u32, or_any: bool) -> Option<SelfReported> {
        if let Some(found) = self.found(place_of(thread)).filter(|found| found.thread == thread) {
            return Some(found.report);
        }
        let all = (0..PLACES).filter_map(|number| self.found(place_of(number as u32)));
        let last = self.word(COUNT).load(SeqCst);
        let newest = all.min_by_key(|found| last.wrapping_sub(found.order));
        newest.filter(|_| or_any).map(|found| found.report)
    }

    fn found(&self, place: u64) -> Option<Found> {
        let thread = self.word(place + THREAD).load(SeqCst);
        if thread == 0 {
            return None;
        }
        let lengths = self.word(place + LENGTHS).load(SeqCst);
        let text = |at: u64, len: u32, most: usize| {
            let words = (place + at..).step_by(8).take(most / 4);
            let bytes: Vec<u8> = words.flat_map(|at| self.word(at).load(SeqCst).to_le_bytes()).collect();
            String::from_utf8_lossy(&bytes[..most.min(len as usize)]).into_owned()
        };
        let event = text(TEXTS, lengths & 0xffff, EVENT_BYTES);
        let file = text(TEXTS + 2 * EVENT_BYTES as u64, lengths >> 16, FILE_BYTES);
        let line = self.word(place + LINE).load(SeqCst);
        let order = self.word(place + ORDER).load(SeqCst);
        let is_whole = self.word(place + THREAD).load(SeqCst) == thread;
        is_whole.then_some(Found { thread, order, report: SelfReported { event, file, line } })
    }
}

fn place_of(thread: u32) -> u64 {
    REPORTS + u64::from(thread) % PLACES * PLACE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::Wait;

    #[test]
    fn each_thread_has_its_own_report_and_a_new_process_the_last() {
        let words = Words::new(Wait::SLEEP).unwrap();
        let other = Words::open(words.export_fd().unwrap()).unwrap();
        // SAFETY: the call takes nothing.
        let own = unsafe { libc::gettid() }.unsigned_abs();
        assert_eq!(other.reported(own, true), None);
        words.report(b"open", "<run-1>".as_bytes(), 7);
        let wanted = SelfReported { event: "open".to_owned(), file: "<run-1>".to_owned(), line: 7 };
        assert_eq!(other.reported(own, false).as_ref(), Some(&wanted));
        assert_eq!(other.reported(own + 1, false), None);
        assert_eq!(other.reported(own + 1, true), Some(wanted));
    }

    #[test]
    fn long_names_are_cut_and_whatever_is_in_memory_gives_texts_of_bounded_lengths() {
        let words = Words::new(Wait::SLEEP).unwrap();
        // SAFETY: the call takes nothing.
        let own = unsafe { libc::gettid() }.unsigned_abs();
        words.report(&[b'e'; 100], format!("{}/end.py", "é".repeat(500)).as_bytes(), 1);
        let report = words.reported(own, false).unwrap();
        assert_eq!(report.event.len(), EVENT_BYTES);
        assert!(report.file.ends_with("/end.py") && report.file.len() < FILE_BYTES + 3, "{report:?}");
        for at in (REPORTS..=COUNT).step_by(8) {
            words.word(at).store(u32::MAX, SeqCst);
        }
        let report = words.reported(1, true).unwrap();
        // Each byte that is none of a character's becomes one of three.
        assert!(report.event.len() <= 3 * EVENT_BYTES && report.file.len() <= 3 * FILE_BYTES);
    }
}
