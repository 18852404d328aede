//! What every C function is made of: arguments that are checked, failures that are remembered, panics that stop here.

use std::borrow::Cow;
use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::status::{circlet_status, remember};
use crate::shm::Deadline;

/// A status and its message.
#[derive(Debug)]
pub(super) struct Failure {
    status: circlet_status,
    message: Cow<'static, str>,
}

impl Failure {
    pub(super) const NONE: Self = Self { status: circlet_status::CIRCLET_OK, message: Cow::Borrowed("") };

    pub(super) fn new(status: circlet_status, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(circlet_status::CIRCLET_INVALID, message)
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

/// Runs a function's body: its failure becomes a status, and so does a panic.
pub(super) fn call(body: impl FnOnce() -> Result<i32, Failure>) -> i32 {
    // What a panic left half done is a bug of ours in any case, and the status says so.
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(Failure::new(
            circlet_status::CIRCLET_PANIC,
            format!("a bug in circlet, please report it: {text}"),
        ))
    });
    outcome.unwrap_or_else(|failure| {
        let status = failure.status as i32;
        remember(failure);
        status
    })
}

/// Runs a body that has nothing to fail with.
pub(super) fn infallible<T: Default>(body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_default()
}

fn check<T>(pointer: *const T, what: &str) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(Failure::invalid(format!("{what} is NULL")));
    }
    if !pointer.is_aligned() {
        return Err(Failure::invalid(format!("{what} is not aligned to {} bytes", align_of::<T>())));
    }
    Ok(())
}

pub(super) fn check_array<T>(pointer: *const T, len: usize, what: &str) -> Result<(), Failure> {
    if len > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(Failure::invalid(format!("{what} has {len} values: more than memory can hold")));
    }
    if len == 0 { Ok(()) } else { check(pointer, what) }
}

/// Borrows what a pointer argument leads to.
///
/// # Safety
/// If it is not NULL, it leads to a `T` that outlives `'a` and is not written meanwhile.
pub(super) unsafe fn borrow<'a, T>(pointer: *const T, what: &str) -> Result<&'a T, Failure> {
    check(pointer, what)?;
    // SAFETY: not NULL, aligned, and the caller's promise.
    Ok(unsafe { &*pointer })
}

/// Borrows an array argument. NULL is fine where `len` is 0.
///
/// # Safety
/// If it is not NULL, it leads to `len` values that outlive `'a` and are not written meanwhile.
pub(super) unsafe fn array<'a, T>(pointer: *const T, len: u32, what: &str) -> Result<&'a [T], Failure> {
    // SAFETY: the caller's promise.
    unsafe { long_array(pointer, len as usize, what) }
}

/// Borrows an array argument of any length. NULL is fine where `len` is 0.
///
/// # Safety
/// If it is not NULL, it leads to `len` values that outlive `'a` and are not written meanwhile.
pub(super) unsafe fn long_array<'a, T>(
    pointer: *const T,
    len: usize,
    what: &str,
) -> Result<&'a [T], Failure> {
    check_array(pointer, len, what)?;
    if len == 0 {
        return Ok(&[]);
    }
    // SAFETY: not NULL, aligned, no longer than any memory, and the caller's promise.
    Ok(unsafe { slice::from_raw_parts(pointer, len) })
}

/// Borrows an array to be written. NULL is fine where `len` is 0.
///
/// # Safety
/// If it is not NULL, it leads to `len` values that are the callee's alone during `'a`.
pub(super) unsafe fn array_mut<'a, T>(pointer: *mut T, len: u32, what: &str) -> Result<&'a mut [T], Failure> {
    // SAFETY: the caller's promise.
    unsafe { long_array_mut(pointer, len as usize, what) }
}

/// Borrows an array to be written of any length. NULL is fine where `len` is 0.
///
/// # Safety
/// If it is not NULL, it leads to `len` values that are the callee's alone during `'a`.
pub(super) unsafe fn long_array_mut<'a, T>(
    pointer: *mut T,
    len: usize,
    what: &str,
) -> Result<&'a mut [T], Failure> {
    check_array(pointer, len, what)?;
    if len == 0 {
        return Ok(&mut []);
    }
    // SAFETY: not NULL, aligned, no longer than any memory, and the caller's promise.
    Ok(unsafe { slice::from_raw_parts_mut(pointer, len) })
}

/// Reads a string argument.
///
/// # Safety
/// If it is not NULL, it leads to a zero-terminated string that outlives `'a`.
pub(super) unsafe fn text<'a>(pointer: *const c_char, what: &str) -> Result<&'a str, Failure> {
    check(pointer, what)?;
    // SAFETY: not NULL, and the caller's promise.
    let bytes = unsafe { CStr::from_ptr(pointer) };
    bytes.to_str().map_err(|error| Failure::invalid(format!("{what} is not UTF-8: {error}")))
}

/// Reads a string argument, with U+FFFD for what is not UTF-8.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn lossy_text<'a>(pointer: *const c_char, what: &str) -> Result<Cow<'a, str>, Failure> {
    check(pointer, what)?;
    // SAFETY: not NULL, and the caller's promise.
    Ok(unsafe { CStr::from_ptr(pointer) }.to_string_lossy())
}

/// Reads a string argument that is JSON.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn json(pointer: *const c_char, what: &str) -> Result<Value, Failure> {
    // SAFETY: the caller's promise.
    let text = unsafe { text(pointer, what)? };
    serde_json::from_str(text).map_err(|error| {
        Failure::new(circlet_status::CIRCLET_BAD_JSON, format!("{what} is not JSON: {error}"))
    })
}

/// Reads options that are a JSON object; NULL are the defaults.
///
/// # Safety
/// As [`text`].
pub(super) unsafe fn json_options<T: DeserializeOwned + Default>(
    pointer: *const c_char,
) -> Result<T, Failure> {
    let refused = |message| Err(Failure::new(circlet_status::CIRCLET_BAD_JSON, message));
    if pointer.is_null() {
        return Ok(T::default());
    }
    // SAFETY: the caller's promise.
    let json = unsafe { text(pointer, "options")? };
    // A list of values in the order of the fields would be taken too.
    if !json.trim_start().starts_with('{') {
        return refused("options is no JSON object: give one, such as {}, or NULL".to_owned());
    }
    let mut reader = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| error.to_string())
        .and_then(|options| reader.end().map(|()| options).map_err(|error| error.to_string()))
        .or_else(|error| refused(format!("options do not fit: {error}")))
}

/// Reads a struct of options whose first field is its size, a `u32`; `None` for NULL. `name` is that of its type.
///
/// # Safety
/// If it is not NULL, it leads to as many bytes as its first field says.
pub(super) unsafe fn sized<T: Copy>(options: *const T, what: &str, name: &str) -> Result<Option<T>, Failure> {
    if options.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise: its first field is there.
    let theirs = unsafe { *borrow(options.cast::<u32>(), what)? } as usize;
    let ours = size_of::<T>();
    // The first version had all the fields that there are; later ones may have more, which must be zero to be ignored.
    if !(ours..=4096).contains(&theirs) {
        return Err(Failure::invalid(format!(
            "{what}.struct_size is {theirs}: give sizeof({name}), which is {ours}"
        )));
    }
    // SAFETY: the caller's promise: as many bytes are there as that field says.
    let (given, beyond) = unsafe {
        (borrow(options, what)?, slice::from_raw_parts(options.cast::<u8>().add(ours), theirs - ours))
    };
    if beyond.iter().any(|byte| *byte != 0) {
        return Err(Failure::invalid(format!(
            "{what} has a field that this library does not know: it is older than its header"
        )));
    }
    Ok(Some(*given))
}

/// Copies a text into a buffer, cut to fit, with a zero byte behind it. What does not fit at all is not written.
pub(super) fn copy_text(text: &str, buffer: &mut [u8]) {
    let Some(room) = buffer.len().checked_sub(1) else { return };
    let fits = text.floor_char_boundary(room);
    buffer[..fits].copy_from_slice(&text.as_bytes()[..fits]);
    buffer[fits] = 0;
}

/// Where a value goes that a function gives back.
pub(super) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Checks an out-parameter before anything is done.
    ///
    /// # Safety
    /// If it is not NULL, it has room for a `T` until the function returns.
    pub(super) unsafe fn new(pointer: *mut T, what: &str) -> Result<Self, Failure> {
        check(pointer, what).map(|()| Self(pointer))
    }

    pub(super) fn set(self, value: T) {
        // SAFETY: checked, and promised to `new`. `write` does not read what was there.
        unsafe { self.0.write(value) };
    }
}

/// Gives a value away as a handle.
pub(super) fn into_handle<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Ends a handle; NULL is nothing to end.
///
/// # Safety
/// It is NULL or came from [`into_handle`], and nobody uses it any more.
pub(super) unsafe fn end_handle<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: the caller's promise.
        let value = unsafe { Box::from_raw(handle) };
        infallible(|| drop(value));
    }
}

/// Reads a timeout argument.
pub(super) fn deadline(timeout_ms: f64) -> Result<Deadline, Failure> {
    Deadline::after_ms(timeout_ms).ok_or_else(|| {
        Failure::invalid("timeout_ms is NaN: give milliseconds, 0 to try, or below 0 for no deadline")
    })
}

/// Reads a time that is an option.
pub(super) fn duration(milliseconds: f64, what: &str) -> Result<Duration, Failure> {
    Duration::try_from_secs_f64(milliseconds / 1e3).map_err(|error| {
        // Not with hundreds of digits.
        let given =
            if milliseconds.abs() < 1e15 { milliseconds.to_string() } else { format!("{milliseconds:e}") };
        Failure::invalid(format!("{what} is {given}: give milliseconds ({error})"))
    })
}

/// Reads a count that fits into what a function returns.
pub(super) fn count(value: usize) -> Result<i32, Failure> {
    i32::try_from(value).map_err(|_| Failure::invalid(format!("a count of {value} is beyond 2147483647")))
}
