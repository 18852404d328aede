//! When a side that catches up with the other looks again.
//!
//! Each look at the word that the other side is about to store takes its cache line away, and that side's stores wait
//! until the line is back: a reader at the heels of a fast writer slows both down to some frames for each of a line's
//! round trips. A look that is put off for a moment lets the writer get ahead. Whether it pays cannot be known before:
//! where one side waits for the other's answers it only costs. So it is tried where frames come fast, and kept up as long
//! as they come faster with it than without it.

use std::time::{Duration, Instant};

/// How long a look is put off: some cache lines' round trips.
pub(super) const PUT_OFF: Duration = Duration::from_micros(2);
/// Frames per second below which nothing is gained: the lines are back before the next frame.
const FAST: f64 = 10e6;
/// How much faster frames have to come with it than without it.
const GAIN: f64 = 1.5;
/// Waits over which the frames' rate is taken: they come in bursts.
const WAITS: u32 = 16;
/// How many times as many waits lie between two trials where it did not pay: doubled each time,
const BETWEEN_MIN: u32 = 4;
/// up to so many.
const BETWEEN_MAX: u32 = 1 << 12;

/// Stretches with it until one without it is measured again.
const WITH_MAX: u32 = 128;

/// What a side has learnt of putting its looks off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// When this stretch of waits began, and the frames that were done by then.
    begin: Option<(Instant, u64)>,
    /// The frames that were done at the last wait.
    done: u64,
    /// The waits of this stretch.
    waits: u32,
    /// How fast frames came without it, while looks are put off.
    without: Option<f64>,
    stretches_to_trial: u32,
    stretches_between: u32,
    /// The stretches in which looks were put off since it was last measured how it goes without.
    stretches_with: u32,
}

impl Pace {
    /// Tells whether to put the next look off, now that `done` frames are done and there is nothing to do.
    pub(super) fn puts_off(&mut self, now: Instant, done: u64) -> bool {
        let (begin, before) = *self.begin.get_or_insert((now, done));
        if done == self.done {
            return false;
        }
        self.done = done;
        self.waits += 1;
        if self.waits > WAITS {
            let seconds = now.saturating_duration_since(begin).as_secs_f64();
            self.judge(done.wrapping_sub(before) as f64 / seconds.max(1e-9));
            (self.begin, self.waits) = (Some((now, done)), 0);
        }
        self.without.is_some()
    }

    /// Judges a stretch in which frames came at such a rate.
    fn judge(&mut self, rate: f64) {
        match self.without {
            Some(without) if rate < FAST.max(without * GAIN) => {
                self.without = None;
                self.stretches_between = (self.stretches_between * 2).clamp(BETWEEN_MIN, BETWEEN_MAX);
                self.stretches_to_trial = self.stretches_between;
            }
            // What came before may be over: measured again, without it, now and then.
            Some(_) if self.stretches_with >= WITH_MAX => self.without = None,
            Some(_) => {
                self.stretches_between = 0;
                self.stretches_with += 1;
            }
            None if rate < FAST => {}
            None if self.stretches_to_trial > 0 => self.stretches_to_trial -= 1,
            None => (self.without, self.stretches_with) = (Some(rate), 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets so many frames come in each drain, which takes so long, and returns how many of the waits were put off.
    fn put_off(waits: u32, drain: impl Fn(bool) -> (u64, Duration)) -> u32 {
        let (mut pace, mut now, mut done, mut count) = (Pace::default(), Instant::now(), 0, 0);
        for _ in 0..waits {
            let puts_off = pace.puts_off(now, done);
            count += u32::from(puts_off);
            let (frames, takes) = drain(puts_off);
            now += takes;
            done += frames;
        }
        count
    }

    #[test]
    fn looks_are_put_off_where_frames_come_faster_for_it() {
        let at_the_heels = |puts_off: bool| match puts_off {
            false => (7, Duration::from_nanos(350)),
            true => (130, Duration::from_nanos(1300)),
        };
        assert!(put_off(1000, at_the_heels) > 960);
    }

    #[test]
    fn looks_are_not_put_off_between_a_question_and_its_answer() {
        assert_eq!(put_off(1000, |_| (1, Duration::from_nanos(300))), 0);
    }

    #[test]
    fn looks_are_seldom_put_off_where_several_questions_wait_for_their_answers() {
        let window = |puts_off: bool| (8, Duration::from_nanos(if puts_off { 1300 } else { 300 }));
        let trials = put_off(1_000_000, window) / WAITS;
        assert!((1..40).contains(&trials), "{trials}");
    }

    #[test]
    fn a_slow_moment_does_not_make_looks_be_put_off_for_ever() {
        // Many questions under way, for whose answers waiting costs; a first stretch with a long pause in it.
        let (mut pace, mut now, mut done, mut count) = (Pace::default(), Instant::now(), 0, 0);
        for wait in 0..100_000 {
            let puts_off = pace.puts_off(now, done);
            count += u32::from(puts_off);
            now += Duration::from_micros(if wait == 3 {
                60
            } else if puts_off {
                3
            } else {
                1
            });
            done += 64;
        }
        assert!(count < 5000, "{count}");
    }

    #[test]
    fn looks_are_not_put_off_any_longer_once_frames_come_slowly() {
        let (mut pace, mut now, mut done) = (Pace::default(), Instant::now(), 0);
        let mut go = |waits: u32, frames: u64, takes: Duration| {
            (0..waits).fold(false, |_, _| {
                now += takes;
                done += frames;
                pace.puts_off(now, done)
            })
        };
        assert!(go(2 * WAITS, 7, Duration::from_nanos(350)));
        assert!(go(10 * WAITS, 137, Duration::from_nanos(1300)));
        assert!(!go(2 * WAITS, 1, Duration::from_millis(1)));
        assert!(!go(100 * WAITS, 1, Duration::from_millis(1)));
    }
}
