//! Session payloads for C, as JSON.

use std::ffi::c_char;

use super::call::{Failure, Out, call, text};
use super::status::circlet_status;
use super::text::circlet_text;
use crate::payload::{self, SUMMARY_TOKENS, SessionPayload};

/// Makes a payload that says where this process runs: its host, its id, its memory, as JSON.
///
/// Returns 0; the caller owns `*json`. Any thread.
///
/// # Safety
/// `json` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_session_snapshot(json: *mut *mut circlet_text) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::new(json, "json")? };
        let session = SessionPayload {
            metadata: Some(payload::host(&payload::new_session_id())),
            process: payload::process(),
            ..SessionPayload::default()
        };
        out.set(circlet_text::handle(session.to_json())?);
        Ok(0)
    })
}

/// Says a session payload, given as JSON, in lines of at most 450 tokens, as a part of a prompt; see circlet_session_summary_within.
///
/// Returns 0, or CIRCLET_BAD_JSON with the field and its place in the message; the caller owns `*summary`. Any thread.
///
/// # Safety
/// `json` is a string; `summary` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_session_summary(
    json: *const c_char,
    summary: *mut *mut circlet_text,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { circlet_session_summary_within(json, SUMMARY_TOKENS, summary) }
}

/// Says a session payload, given as JSON, in lines of at most `tokens` tokens of o200k_base together. The last line has no newline.
///
/// The same payload and budget give the same bytes. The least important lines are left out first, and counted in the last line.
///
/// Returns 0, or CIRCLET_BAD_JSON with the field and its place in the message; the caller owns `*summary`. Any thread.
///
/// # Safety
/// `json` is a string; `summary` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_session_summary_within(
    json: *const c_char,
    tokens: u64,
    summary: *mut *mut circlet_text,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (json, out) = unsafe { (text(json, "json")?, Out::new(summary, "summary")?) };
        out.set(circlet_text::handle(SessionPayload::from_json(json)?.summary(tokens).to_string())?);
        Ok(0)
    })
}

impl From<payload::Error> for Failure {
    fn from(error: payload::Error) -> Self {
        Self::new(circlet_status::CIRCLET_BAD_JSON, error.to_string())
    }
}
