//! Texts that functions give back.

use std::ffi::{CString, c_char};
use std::ptr;

use super::call::{Failure, end_handle, into_handle};

/// A text that the library made: UTF-8, ended by a zero byte. It never changes; any thread may read it.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_text(CString);

impl circlet_text {
    pub(super) fn handle(text: String) -> Result<*mut Self, Failure> {
        let text = CString::new(text).map_err(|_| Failure::invalid("the text has a NUL in it"))?;
        Ok(into_handle(Self(text)))
    }
}

/// Gives a text's bytes, ended by a zero byte and valid until `circlet_text_free`. NULL for NULL.
///
/// # Safety
/// `text` is NULL or a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_text_data(text: *const circlet_text) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { text.as_ref() }.map_or(ptr::null(), |text| text.0.as_ptr())
}

/// Ends a text. NULL is fine.
///
/// # Safety
/// `text` is NULL or a text that nobody uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_text_free(text: *mut circlet_text) {
    // SAFETY: the caller's promise.
    unsafe { end_handle(text) };
}
