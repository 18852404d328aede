//! How much a client may send: buckets of messages and of bytes that fill again by the second. No clock is in it.

use super::options::ClientLimits;

/// What a client has left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quota {
    limits: ClientLimits,
    messages: f32,
    bytes: f32,
    at_ms: u64,
}

/// How many seconds' worth may come at once.
const BURST_S: f32 = 2.0;

impl Quota {
    pub(super) fn new(limits: ClientLimits, now_ms: u64) -> Self {
        let full = |per_s: u32| per_s as f32 * BURST_S;
        Self { limits, messages: full(limits.messages_per_s), bytes: full(limits.bytes_per_s), at_ms: now_ms }
    }

    pub(super) fn limits(&self) -> &ClientLimits {
        &self.limits
    }

    /// Takes what a message costs.
    ///
    /// # Errors
    /// There is not so much left: what is too much.
    pub(super) fn take(&mut self, bytes: usize, now_ms: u64) -> Result<(), String> {
        let seconds = now_ms.saturating_sub(self.at_ms) as f32 / 1e3;
        self.at_ms = now_ms;
        let ClientLimits { messages_per_s, bytes_per_s, .. } = self.limits;
        let filled = |left: f32, per_s: u32| (left + seconds * per_s as f32).min(per_s as f32 * BURST_S);
        (self.messages, self.bytes) =
            (filled(self.messages, messages_per_s), filled(self.bytes, bytes_per_s));
        if self.messages < 1.0 {
            return Err(format!("more than {messages_per_s} messages a second"));
        }
        if self.bytes < bytes as f32 {
            return Err(format!("more than {bytes_per_s} bytes a second"));
        }
        // What is refused costs nothing, so that whoever waits may go on.
        self.messages -= 1.0;
        self.bytes -= bytes as f32;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_seconds_worth_may_come_at_once_and_then_what_fills_again() {
        let limits = ClientLimits { messages_per_s: 10, bytes_per_s: 1_000, rooms: 1, message_bytes: 100 };
        let mut quota = Quota::new(limits, 0);
        for _ in 0..20 {
            quota.take(1, 0).unwrap();
        }
        assert_eq!(quota.take(1, 0).unwrap_err(), "more than 10 messages a second");
        // What was refused cost nothing.
        quota.take(1, 200).unwrap();
        quota.take(1, 200).unwrap();
        assert!(quota.take(1, 200).is_err());
        quota.take(2_000, 60_000).unwrap();
        assert_eq!(quota.take(1, 60_000).unwrap_err(), "more than 1000 bytes a second");
    }
}
