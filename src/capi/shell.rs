//! A session's side for its language's shell: requests taken, answers sent, and prints without a step of the interpreter's.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::sync::OnceLock;

use super::call::{Failure, Out, borrow, call, deadline, end_handle, infallible, into_handle, long_array};
use super::status::circlet_status;
use crate::exec::{ANY, BEGINNINGS, Lent, SessionServant, Stream};

/// A buffer that is longer is not kept for the next request.
const KEPT_BYTES: usize = 1 << 16;

/// A session's side, for the shell that runs its code. Any thread may print; the rest is for one at a time.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_shell(SessionServant);

/// A request, as the shell sees it; its bytes stay until the next.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_request {
    /// Its bytes.
    pub body: *const c_void,
    /// How many there are.
    pub len: u64,
    /// Its number.
    pub request: u64,
    /// Of a run: 1 if somebody answers questions.
    pub flags: u64,
}

/// Opens a session's side from the descriptors that its supervisor passed on. They belong to it from then on, also if this
/// fails. Returns 0 or what the descriptors are not. The caller owns `*shell`.
///
/// # Safety
/// The descriptors are open and nobody else's; `shell` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_new(
    requests: i32,
    answers: i32,
    words: i32,
    bell: i32,
    shell: *mut *mut circlet_shell,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::new(shell, "shell")? };
        let owned = |fd: RawFd| {
            if fd < 0 {
                return Err(Failure::invalid(format!("{fd} is no descriptor")));
            }
            // SAFETY: the caller's promise.
            Ok(unsafe { OwnedFd::from_raw_fd(fd) })
        };
        let (requests, answers, words, bell) =
            (owned(requests)?, owned(answers)?, owned(words)?, owned(bell)?);
        out.set(into_handle(circlet_shell(SessionServant::new(requests, answers, words, bell)?)));
        Ok(0)
    })
}

/// Says that the session can take requests: once, before the first. Returns 0, or 1 where the supervisor wants to know which
/// code asks it something, by circlet_shell_report; or CIRCLET_CLOSED, CIRCLET_PEER_DIED.
///
/// # Safety
/// `shell` is NULL or a shell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_ready(shell: *const circlet_shell) -> i32 {
    // SAFETY: the caller's promise.
    call(|| Ok(unsafe { borrow(shell, "shell")? }.0.ready()?.into()))
}

/// Says which code is about to do something in this thread: what it does, such as `open`, the file of the code, and the line in
/// it. Of long names a part is kept. Returns 0.
///
/// # Safety
/// `shell` is NULL or a shell; `event` and `file` are NULL or strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_report(
    shell: *const circlet_shell,
    event: *const c_char,
    file: *const c_char,
    line: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let shell = unsafe { borrow(shell, "shell")? };
        // SAFETY: as above.
        let bytes =
            |text: *const c_char| (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes());
        shell.0.report(bytes(event).unwrap_or_default(), bytes(file).unwrap_or_default(), line);
        Ok(0)
    })
}

/// Waits for the next request, and returns its kind: 1 a run, 2 bytes for the code, 3 a line for it, 4 a heap snapshot that is
/// wanted. CIRCLET_CLOSED and CIRCLET_PEER_DIED are the end of the session. The bytes stay until this thread takes another.
///
/// # Safety
/// `shell` is NULL or a shell; `taken` is NULL or has room for a request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_next(shell: *const circlet_shell, taken: *mut circlet_request) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { circlet_shell_take(shell, ANY, -1.0, taken) }
}

/// Waits for the next run, or heap snapshot that is wanted, and returns its kind, as [`circlet_shell_next`]: what else comes is
/// kept for those who take it.
///
/// # Safety
/// As [`circlet_shell_next`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_begin(
    shell: *const circlet_shell,
    taken: *mut circlet_request,
) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { circlet_shell_take(shell, BEGINNINGS, -1.0, taken) }
}

/// As [`circlet_shell_next`], of some kinds alone: `kinds` has the bit `1 << kind` set for each. Others are kept for those who
/// take them. After `timeout_ms` (below 0 never) it returns CIRCLET_TIMED_OUT, or before. Any thread may take requests.
///
/// # Safety
/// As [`circlet_shell_next`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_take(
    shell: *const circlet_shell,
    kinds: u32,
    timeout_ms: f64,
    taken: *mut circlet_request,
) -> i32 {
    thread_local! {
        static BODY: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    call(|| {
        // SAFETY: the caller's promise.
        let (shell, out) = unsafe { (borrow(shell, "shell")?, Out::new(taken, "taken")?) };
        let mut spare = BODY.take();
        if spare.capacity() > KEPT_BYTES {
            spare = Vec::new();
        }
        let Some(request) = shell.0.take(kinds, deadline(timeout_ms)?, spare)? else {
            return Ok(circlet_status::CIRCLET_TIMED_OUT as i32);
        };
        let body = request.body.unwrap_or_default();
        out.set(circlet_request {
            body: body.as_ptr().cast(),
            len: body.len() as u64,
            request: request.number.into(),
            flags: request.flags.into(),
        });
        BODY.set(body);
        if timeout_ms >= 0.0 {
            // For a shell that polls, no signal is left that was meant for the run before: the kernel hands out what is
            // pending on the way back from any call.
            // SAFETY: the call takes nothing.
            unsafe { libc::getppid() };
        }
        Ok(request.kind as i32)
    })
}

/// Returns the doorbell of the requests: a descriptor that becomes readable when one may have come since circlet_shell_arm, or an
/// error. The caller owns it and closes it; what is read from it means nothing.
///
/// # Safety
/// `shell` is NULL or a shell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_fd(shell: *const circlet_shell) -> i32 {
    // SAFETY: the caller's promise.
    call(|| Ok(unsafe { borrow(shell, "shell")? }.0.bell()?.into_raw_fd()))
}

/// Asks for the doorbell. Returns 1 where there is no need to wait: there is a request, or the end of the session, which
/// circlet_shell_take tells of; 0 where the descriptor tells when to look again.
///
/// # Safety
/// `shell` is NULL or a shell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_arm(shell: *const circlet_shell) -> i32 {
    // SAFETY: the caller's promise.
    call(|| Ok(unsafe { borrow(shell, "shell")? }.0.arm()?.into()))
}

/// Sends a frame of the run that is under way, of a kind that `docs/protocol.md` names; an outcome (2) ends the run. Waits
/// for room.
///
/// # Safety
/// `shell` is NULL or a shell; `body` leads to `len` bytes, or is NULL if `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_answer(
    shell: *const circlet_shell,
    kind: i32,
    body: *const c_void,
    len: u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (shell, body) =
            unsafe { (borrow(shell, "shell")?, long_array(body.cast::<u8>(), len as usize, "body")?) };
        Ok(shell.0.answer(kind.cast_unsigned(), body)?).map(|()| 0)
    })
}

/// Prints to standard output (1) or error (2): to the run that is under way, else to the descriptor. Waits for room.
///
/// # Safety
/// As [`circlet_shell_answer`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_print(
    shell: *const circlet_shell,
    stream: i32,
    body: *const c_void,
    len: u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (shell, mut body) =
            unsafe { (borrow(shell, "shell")?, long_array(body.cast::<u8>(), len as usize, "body")?) };
        Ok(shell.0.print(stream_of(stream)?, &mut body, true)?).map(|_| 0)
    })
}

/// Tells whether the run that is under way is to stop: 1 or 0. It costs two loads from memory.
///
/// # Safety
/// `shell` is NULL or a shell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_stopped(shell: *const circlet_shell) -> i32 {
    // SAFETY: the caller's promise.
    infallible(|| unsafe { borrow(shell, "shell") }.is_ok_and(|shell| shell.0.is_stopped()).into())
}

/// Returns the number of the run that was last asked to stop, which may be over: its signal is on the way, or has come. 0 for none.
///
/// # Safety
/// `shell` is NULL or a shell.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_last_stopped(shell: *const circlet_shell) -> u32 {
    // SAFETY: the caller's promise.
    infallible(|| unsafe { borrow(shell, "shell") }.map_or(0, |shell| shell.0.last_stopped()))
}

/// Makes the `write` of a stream (1 or 2) of Python: a built-in function that takes a `str`. It is for a process in which
/// Python runs, whose lock the caller has. Returns a new reference, or NULL with the exception set, or without one where this
/// is no Python.
///
/// # Safety
/// `shell` is a shell that nobody ends before the process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_writer(shell: *const circlet_shell, stream: i32) -> *mut c_void {
    let Some(python) = Python::here() else { return std::ptr::null_mut() };
    let define = |write| Definition {
        name: c"write".as_ptr(),
        write,
        flags: METH_O,
        words: c"Sends text at once.".as_ptr(),
    };
    let definition = Box::leak(Box::new(define(if stream == 1 { write_out } else { write_err })));
    // SAFETY: the definition stays for ever, and the capsule keeps the pointer alone. The lock is the caller's promise.
    unsafe {
        let own = (python.capsule)(shell.cast_mut().cast(), std::ptr::null(), std::ptr::null_mut());
        if own.is_null() {
            return own;
        }
        let made = (python.function)(definition, own, std::ptr::null_mut());
        (python.forget)(own);
        made
    }
}

/// As [`circlet_shell_take`] of one kind, for a process in which Python runs, whose lock the caller has: it waits without that.
/// Returns a new reference: the request's bytes as `bytes`, copied once from the ring to there, or a status as `int`
/// (CIRCLET_TIMED_OUT, CIRCLET_CLOSED, CIRCLET_PEER_DIED); or NULL, with the exception set where this is Python.
///
/// # Safety
/// `shell` is a shell that nobody ends before the process.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_receive(
    shell: *const circlet_shell,
    kind: i32,
    timeout_ms: f64,
) -> *mut c_void {
    let Some(python) = Python::here() else { return std::ptr::null_mut() };
    let mut made: Object = std::ptr::null_mut();
    // SAFETY: the caller's promise. Each state is that of this thread, which has let go of the lock; the bytes of an object that
    // nobody else has yet may be written, and it is kept until they are. What is let go of is owned here.
    unsafe {
        let mut state = (python.let_go)();
        let status = call(|| {
            let kinds = u32::try_from(kind).ok().and_then(|kind| 1_u32.checked_shl(kind)).unwrap_or(0);
            let lend = |len: usize| {
                if len < KEPT_BYTES {
                    return None;
                }
                (python.take_back)(state);
                let lent = python.room(&mut made, len);
                state = (python.let_go)();
                lent
            };
            let shell = borrow(shell, "shell")?;
            let Some(request) = shell.0.take_into(kinds, deadline(timeout_ms)?, Vec::new(), lend)? else {
                return Ok(circlet_status::CIRCLET_TIMED_OUT as i32);
            };
            if let Some(body) = request.body {
                (python.take_back)(state);
                python.forget_if_any(made);
                made = (python.make_bytes)(body.as_ptr().cast(), body.len().cast_signed());
                state = (python.let_go)();
            }
            Ok(0)
        });
        (python.take_back)(state);
        if status == 0 {
            return made;
        }
        python.forget_if_any(made);
        (python.number)(status as isize)
    }
}

/// Ends a session's side. NULL is fine.
///
/// # Safety
/// `shell` is NULL or a shell that nobody uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_shell_free(shell: *mut circlet_shell) {
    // SAFETY: the caller's promise.
    unsafe { end_handle(shell) };
}

fn stream_of(number: i32) -> Result<Stream, Failure> {
    match number {
        1 => Ok(Stream::Stdout),
        2 => Ok(Stream::Stderr),
        other => {
            Err(Failure::new(circlet_status::CIRCLET_INVALID, format!("{other} is no stream: give 1 or 2")))
        }
    }
}

type Object = *mut c_void;

const METH_O: c_int = 8;

/// `PyMethodDef`, which is part of the stable ABI.
#[repr(C)]
struct Definition {
    name: *const c_char,
    write: unsafe extern "C" fn(Object, Object) -> Object,
    flags: c_int,
    words: *const c_char,
}

// SAFETY: it is never written to.
unsafe impl Send for Definition {}
// SAFETY: as above.
unsafe impl Sync for Definition {}

/// What is needed of the stable ABI of the Python in whose process this library is loaded.
struct Python {
    capsule: unsafe extern "C" fn(*mut c_void, *const c_char, Object) -> Object,
    inside: unsafe extern "C" fn(Object, *const c_char) -> *mut c_void,
    function: unsafe extern "C" fn(*const Definition, Object, Object) -> Object,
    forget: unsafe extern "C" fn(Object),
    utf8: unsafe extern "C" fn(Object, *mut isize) -> *const u8,
    encoded: unsafe extern "C" fn(Object, *const c_char, *const c_char) -> Object,
    bytes: unsafe extern "C" fn(Object, *mut *mut c_char, *mut isize) -> c_int,
    make_bytes: unsafe extern "C" fn(*const c_char, isize) -> Object,
    length: unsafe extern "C" fn(Object) -> isize,
    number: unsafe extern "C" fn(isize) -> Object,
    clear: unsafe extern "C" fn(),
    raise: unsafe extern "C" fn(Object, *const c_char),
    type_error: *const Object,
    broken_pipe: *const Object,
    let_go: unsafe extern "C" fn() -> *mut c_void,
    take_back: unsafe extern "C" fn(*mut c_void),
}

// SAFETY: the pointers lead to what stays as long as the process.
unsafe impl Send for Python {}
// SAFETY: as above.
unsafe impl Sync for Python {}

impl Python {
    /// Finds it, once.
    fn here() -> Option<&'static Self> {
        static PYTHON: OnceLock<Option<Python>> = OnceLock::new();
        PYTHON.get_or_init(Self::find).as_ref()
    }

    fn find() -> Option<Self> {
        /// Looks a name up, as a pointer to a function or to data.
        macro_rules! named {
            ($name:literal) => {{
                // SAFETY: the name is a string. What it names in Python's stable ABI is of the type that it is given.
                let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, $name.as_ptr()) };
                if found.is_null() {
                    return None;
                }
                // SAFETY: as above.
                unsafe { std::mem::transmute_copy::<*mut c_void, _>(&found) }
            }};
        }
        Some(Self {
            capsule: named!(c"PyCapsule_New"),
            inside: named!(c"PyCapsule_GetPointer"),
            function: named!(c"PyCFunction_NewEx"),
            forget: named!(c"Py_DecRef"),
            utf8: named!(c"PyUnicode_AsUTF8AndSize"),
            encoded: named!(c"PyUnicode_AsEncodedString"),
            bytes: named!(c"PyBytes_AsStringAndSize"),
            make_bytes: named!(c"PyBytes_FromStringAndSize"),
            length: named!(c"PyUnicode_GetLength"),
            number: named!(c"PyLong_FromSsize_t"),
            clear: named!(c"PyErr_Clear"),
            raise: named!(c"PyErr_SetString"),
            type_error: named!(c"PyExc_TypeError"),
            broken_pipe: named!(c"PyExc_BrokenPipeError"),
            let_go: named!(c"PyEval_SaveThread"),
            take_back: named!(c"PyEval_RestoreThread"),
        })
    }
}

impl Python {
    /// Makes `bytes` of that length in the place of those that were made before, and lends their room. `None` where there
    /// is no memory.
    ///
    /// # Safety
    /// The caller has Python's lock, and owns `made`, if that is any.
    unsafe fn room(&self, made: &mut Object, len: usize) -> Option<Lent> {
        // SAFETY: the caller's promise; the new object's bytes are as many as said, and nobody else has it.
        unsafe {
            self.forget_if_any(std::mem::replace(made, std::ptr::null_mut()));
            let (mut at, mut size) = (std::ptr::null_mut(), 0);
            *made = (self.make_bytes)(std::ptr::null(), len.cast_signed());
            if made.is_null() || (self.bytes)(*made, &raw mut at, &raw mut size) != 0 {
                (self.clear)();
                return None;
            }
            Some(Lent::new(NonNull::new(at.cast())?))
        }
    }

    /// # Safety
    /// The caller has Python's lock, and owns the object, if it is any.
    unsafe fn forget_if_any(&self, object: Object) {
        if !object.is_null() {
            // SAFETY: the caller's promise.
            unsafe { (self.forget)(object) };
        }
    }
}

unsafe extern "C" fn write_out(own: Object, text: Object) -> Object {
    // SAFETY: Python calls it with the capsule and an object, and has its lock.
    unsafe { write(own, text, Stream::Stdout) }
}

unsafe extern "C" fn write_err(own: Object, text: Object) -> Object {
    // SAFETY: as above.
    unsafe { write(own, text, Stream::Stderr) }
}

/// Writes text to a stream, and returns its length in characters.
///
/// # Safety
/// `own` is the capsule of a shell, `text` an object, and the caller has Python's lock.
unsafe fn write(own: Object, text: Object, stream: Stream) -> Object {
    let Some(python) = Python::here() else { return std::ptr::null_mut() };
    // SAFETY: the caller's promise. The text lives as long as the call, its UTF-8 as long as it, and the encoded bytes until
    // they are let go of.
    unsafe {
        let shell = (python.inside)(own, std::ptr::null()).cast::<circlet_shell>();
        let length = (python.length)(text);
        if shell.is_null() || length < 0 {
            (python.clear)();
            (python.raise)(*python.type_error, c"write() argument must be str".as_ptr());
            return std::ptr::null_mut();
        }
        let mut size = 0;
        let at = (python.utf8)(text, &raw mut size);
        let sent = if at.is_null() {
            // Lone surrogates.
            (python.clear)();
            let bytes = (python.encoded)(text, c"utf-8".as_ptr(), c"backslashreplace".as_ptr());
            if bytes.is_null() {
                return bytes;
            }
            let mut at = std::ptr::null_mut();
            (python.bytes)(bytes, &raw mut at, &raw mut size);
            let sent = print(python, &*shell, stream, std::slice::from_raw_parts(at.cast(), size as usize));
            (python.forget)(bytes);
            sent
        } else {
            print(python, &*shell, stream, std::slice::from_raw_parts(at, size as usize))
        };
        if !sent {
            (python.raise)(*python.broken_pipe, c"the supervisor has gone".as_ptr());
            return std::ptr::null_mut();
        }
        (python.number)(length)
    }
}

/// Prints; where that has to wait for room, without Python's lock. `false` if there is no supervisor any more.
///
/// # Safety
/// The caller has Python's lock.
unsafe fn print(python: &Python, shell: &circlet_shell, stream: Stream, mut bytes: &[u8]) -> bool {
    match shell.0.print(stream, &mut bytes, false) {
        Ok(true) => true,
        Ok(false) => {
            // SAFETY: the caller's promise.
            let state = unsafe { (python.let_go)() };
            let sent = shell.0.print(stream, &mut bytes, true);
            // SAFETY: the state is that of this thread, which has let go of the lock.
            unsafe { (python.take_back)(state) };
            sent.is_ok()
        }
        Err(_) => false,
    }
}
