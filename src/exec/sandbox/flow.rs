//! How much is told of one kind of thing: a disk is not to be filled by code that is refused the same for ever.

use std::time::Instant;

/// So many records of a session are told at once, and so many each second from then on.
const AT_ONCE: f64 = 10_000.0;
const A_SECOND: f64 = 1000.0;

/// How many more may be told, and how many were left out: a bucket that fills with time.
#[derive(Debug)]
pub(super) struct Flow {
    room: f64,
    since: Instant,
    pub(super) omitted: u64,
    /// Whose the last one was.
    pub(super) session: u32,
}

impl Default for Flow {
    fn default() -> Self {
        Self { room: AT_ONCE, since: Instant::now(), omitted: 0, session: 0 }
    }
}

impl Flow {
    /// Takes room for one, and tells how many had none before it. `None` where there is none.
    pub(super) fn take(&mut self, session: u32, now: Instant) -> Option<u64> {
        self.session = session;
        let more = now.saturating_duration_since(self.since).as_secs_f64() * A_SECOND;
        (self.room, self.since) = ((self.room + more).min(AT_ONCE), now);
        if self.room < 1.0 {
            self.omitted += 1;
            return None;
        }
        self.room -= 1.0;
        Some(std::mem::take(&mut self.omitted))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn more_records_than_a_disk_is_for_are_left_out_and_counted() {
        let begin = Instant::now();
        let mut flow = Flow { since: begin, ..Flow::default() };
        let told = (0..15_000).filter(|_| flow.take(1, begin) == Some(0)).count();
        assert_eq!(told, 10_000);
        assert_eq!(flow.take(1, begin + Duration::from_millis(10)), Some(5000));
        let later = begin + Duration::from_secs(60);
        assert_eq!((0..20_000).filter(|_| flow.take(1, later).is_some()).count(), 10_000);
        assert_eq!(flow.take(1, begin), None, "a clock that goes back gives nothing");
    }
}
