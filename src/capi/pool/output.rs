//! What worker processes printed, for C: kept until it is asked for.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::str;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::circlet_pool;
use crate::capi::call::{Failure, Out, borrow, call};
use crate::capi::status::circlet_status;
use crate::capi::text::circlet_text;
use crate::exec::Stream;
use crate::pool::WorkerId;

/// What was printed and not yet asked for: the last of it, where it is much.
#[derive(Debug)]
pub(super) struct Kept {
    most: usize,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    parts: VecDeque<Part>,
    /// How many bytes the parts have.
    bytes: usize,
    lost: u64,
}

#[derive(Debug)]
struct Part {
    worker: WorkerId,
    stream: Stream,
    bytes: Vec<u8>,
}

/// A part as it is told.
#[derive(Debug, Serialize)]
struct Said {
    worker: WorkerId,
    stream: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct Output {
    parts: Vec<Said>,
    lost_bytes: u64,
}

/// Takes what the workers have printed since the last time, in a pool with CIRCLET_OUTPUT_KEEP.
///
/// JSON: `parts`, in the order in which they came, each with `worker` (as in the snapshot), `stream` (`stdout` or `stderr`) and `text`,
/// where what is no UTF-8 is replaced; and `lost_bytes`, of which there was no more room. What a call printed comes soon after its
/// answer, and all of it once the pool is closed.
///
/// Returns 0, or CIRCLET_INVALID for a pool that keeps nothing; the caller owns `*json`. Any thread.
///
/// # Safety
/// `pool` is NULL or a pool; `json` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_output(pool: *const circlet_pool, json: *mut *mut circlet_text) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, out) = unsafe { (borrow(pool, "pool")?, Out::new(json, "json")?) };
        let kept = pool.processes()?.output.as_ref().ok_or_else(|| {
            Failure::invalid(
                "this pool keeps no output: make it with CIRCLET_OUTPUT_KEEP (2) as options.processes.output",
            )
        })?;
        let text = serde_json::to_string(&kept.take())
            .map_err(|error| Failure::new(circlet_status::CIRCLET_BAD_JSON, error.to_string()))?;
        out.set(circlet_text::handle(text)?);
        Ok(0)
    })
}

impl Kept {
    pub(super) fn new(most: usize) -> Self {
        Self { most, inside: Mutex::default() }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what a worker printed, and lets go of the oldest where there is too much.
    pub(super) fn keep(&self, worker: WorkerId, stream: Stream, bytes: &[u8]) {
        let mut inside = self.inside();
        inside.bytes += bytes.len();
        match inside.parts.back_mut() {
            Some(last) if last.worker == worker && last.stream == stream => {
                last.bytes.extend_from_slice(bytes);
            }
            _ => inside.parts.push_back(Part { worker, stream, bytes: bytes.to_vec() }),
        }
        while let Some(surplus @ 1..) = inside.bytes.checked_sub(self.most) {
            let Some(first) = inside.parts.front_mut() else { break };
            let cut = surplus.min(first.bytes.len());
            first.bytes.drain(..cut);
            if first.bytes.is_empty() {
                inside.parts.pop_front();
            }
            inside.bytes -= cut;
            inside.lost += cut as u64;
        }
    }

    /// Takes all but the beginnings of characters whose rest has not come.
    fn take(&self) -> Output {
        let mut inside = self.inside();
        let lost_bytes = mem::take(&mut inside.lost);
        let mut begun: HashMap<(WorkerId, bool), Part> = HashMap::new();
        let mut parts = Vec::with_capacity(inside.parts.len());
        for mut part in mem::take(&mut inside.parts) {
            let source = (part.worker, part.stream == Stream::Stdout);
            if let Some(begin) = begun.remove(&source) {
                part.bytes.splice(..0, begin.bytes);
            }
            let rest = part.bytes.split_off(whole(&part.bytes));
            if !part.bytes.is_empty() {
                let text = String::from_utf8_lossy(&part.bytes).into_owned();
                let stream = if source.1 { "stdout" } else { "stderr" };
                parts.push(Said { worker: part.worker, stream, text });
            }
            if !rest.is_empty() {
                begun.insert(source, Part { bytes: rest, ..part });
            }
        }
        inside.parts.extend(begun.into_values());
        inside.bytes = inside.parts.iter().map(|part| part.bytes.len()).sum();
        Output { parts, lost_bytes }
    }
}

/// Returns how many bytes there are before a character whose end has not come.
fn whole(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match str::from_utf8(&bytes[at..]) {
            Ok(_) => return bytes.len(),
            Err(error) => match error.error_len() {
                None => return at + error.valid_up_to(),
                Some(wrong) => at += error.valid_up_to() + wrong,
            },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "no C calls a test")]
mod tests {
    use super::*;
    use crate::pool::Pool;

    fn a_worker() -> WorkerId {
        let pool = Pool::builder().workers(1).build().unwrap();
        let worker = pool.snapshot().registry.into_keys().next();
        worker.unwrap()
    }

    #[test]
    fn a_character_is_told_when_all_of_it_has_come() {
        let (kept, worker) = (Kept::new(100), a_worker());
        kept.keep(worker, Stream::Stdout, b"a\xc3");
        kept.keep(worker, Stream::Stderr, b"e\xff");
        assert_eq!(texts(&kept.take()), ["stdout a", "stderr e\u{fffd}"]);
        kept.keep(worker, Stream::Stdout, b"\xa4b");
        assert_eq!(texts(&kept.take()), ["stdout \u{e4}b"]);
        assert!(kept.take().parts.is_empty());
    }

    #[test]
    fn the_last_is_kept_and_the_rest_is_counted() {
        let (kept, worker) = (Kept::new(10), a_worker());
        kept.keep(worker, Stream::Stdout, b"0123456");
        kept.keep(worker, Stream::Stderr, b"abc");
        kept.keep(worker, Stream::Stdout, b"defghijk");
        let output = kept.take();
        assert_eq!(texts(&output), ["stderr bc", "stdout defghijk"]);
        assert_eq!((output.lost_bytes, kept.take().lost_bytes), (8, 0));
    }

    fn texts(output: &Output) -> Vec<String> {
        output.parts.iter().map(|said| format!("{} {}", said.stream, said.text)).collect()
    }
}
