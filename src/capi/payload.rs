//! Session payloads for C, as JSON.

use std::ffi::c_char;

use serde_json::json;

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

/// Reads the newest snapshot on the page of a session, by the page's name, whichever process writes it: JSON with `payload`, `age_ms` (how
/// old it is; null where it does not say) and `is_live` (whether its writer lives: one that was killed leaves its last snapshot).
///
/// Returns 0, CIRCLET_EMPTY where none was written yet, CIRCLET_NOT_FOUND, CIRCLET_BAD_SCHEMA where the page is another's, or a code of a
/// page; the caller owns `*session`. Any thread.
///
/// # Safety
/// `name` is a string; `session` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_session_read(name: *const c_char, session: *mut *mut circlet_text) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (name, out) = unsafe { (text(name, "name")?, Out::new(session, "session")?) };
        let Some(read) = payload::read_session_page(name)? else {
            let message = format!("no snapshot was written to the page `{name}` yet: try again");
            return Err(Failure::new(circlet_status::CIRCLET_EMPTY, message));
        };
        let age_ms = read.age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        let read = json!({ "payload": read.payload.to_value(), "age_ms": age_ms, "is_live": read.is_live });
        out.set(circlet_text::handle(read.to_string())?);
        Ok(0)
    })
}

impl From<payload::ReadError> for Failure {
    fn from(error: payload::ReadError) -> Self {
        match error {
            payload::ReadError::Page(error) => error.into(),
            error => Self::new(circlet_status::CIRCLET_BAD_JSON, error.to_string()),
        }
    }
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
