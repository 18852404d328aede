//! The fork server's side: orders taken, and a process forked for each.
//!
//! A forked process is a child of the supervisor, and not of the server: it is reaped by whom it works for, and lives on
//! when the server ends.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use super::passing;
use super::sandbox::Steps;
use super::session::Words;
use super::spawn::{confine, die_with};

/// The longest order.
pub(super) const ORDER_BYTES: usize = 1 << 16;
/// Descriptors at the head of an order: what stands for standard output and error, then those of a session.
pub(super) const OUTPUTS: usize = 2;
/// Where among a session's descriptors its words are.
pub(super) const WORDS: usize = 2;

/// What a forked process is to be.
#[derive(Debug)]
pub struct Forked {
    /// Its descriptors, as those of a session that was started.
    pub descriptors: Vec<OwnedFd>,
    /// The rest of the order.
    pub body: Vec<u8>,
}

/// What the language wants to do around a fork.
#[derive(Clone, Copy, Debug)]
pub struct AroundFork {
    /// Before it.
    pub before: unsafe extern "C" fn(),
    /// After it, in the server.
    pub parent: unsafe extern "C" fn(),
    /// After it, in the forked process.
    pub child: unsafe extern "C" fn(),
}

/// Says to the supervisor that orders can come, and how many threads the server has: no more than one may be forked.
///
/// # Errors
/// What the kernel says; there is no supervisor any more.
pub fn ready_to_fork(socket: impl AsFd) -> io::Result<()> {
    let threads = std::fs::read_dir("/proc/self/task")?.count() as u32;
    passing::send(socket, &threads.to_le_bytes(), &[] as &[OwnedFd]).map(|_| ())
}

/// Takes orders, and returns in each process that is forked for one. `None` when there is no supervisor any more, in the server.
///
/// # Safety
/// This process has one thread, and the functions are the language's own.
pub unsafe fn serve_forks(socket: OwnedFd, around: AroundFork) -> Option<Forked> {
    let mut order = vec![0; ORDER_BYTES];
    loop {
        let (len, descriptors) =
            passing::receive_all(&socket, &mut order).ok().filter(|(len, _)| *len > 0)?;
        let forked = Order::read(&order[..len], descriptors).and_then(|order| {
            // SAFETY: the caller's promise.
            unsafe { fork(&order, around) }.map(|id| (id, order))
        });
        match forked {
            Ok((0, order)) => {
                if let Some((_, handles)) = order.steps {
                    // They are closed already, and the last is the session's.
                    std::mem::forget((socket, handles, order.hand));
                }
                let descriptors = order.descriptors.into_iter().skip(OUTPUTS).collect();
                return Some(Forked { descriptors, body: order.body });
            }
            forked => {
                let refused = |error: io::Error| -error.raw_os_error().unwrap_or(libc::EINVAL);
                let answer = forked.map_or_else(refused, |(id, _)| id);
                passing::send(&socket, &answer.to_le_bytes(), &[] as &[OwnedFd]).ok()?;
            }
        }
    }
}

/// What a process is to be forked for.
struct Order {
    /// How it is confined, if it is, with what its steps have descriptors of, the first of all.
    steps: Option<(Steps, Vec<OwnedFd>)>,
    /// By what it hands over where it asks, if it is to do that: the next of the descriptors.
    hand: Option<OwnedFd>,
    descriptors: Vec<OwnedFd>,
    body: Vec<u8>,
}

impl Order {
    fn read(order: &[u8], mut descriptors: Vec<OwnedFd>) -> io::Result<Self> {
        let invalid = || io::Error::from_raw_os_error(libc::EINVAL);
        let (len, rest) = order.split_first_chunk().ok_or_else(invalid)?;
        let (steps, body) = rest.split_at_checked(u32::from_le_bytes(*len) as usize).ok_or_else(invalid)?;
        let mut hand = None;
        let steps = match steps {
            [] => None,
            steps => {
                let (count, has_hand, steps): (usize, bool, _) =
                    serde_json::from_slice(steps).map_err(|_| invalid())?;
                if count + usize::from(has_hand) > descriptors.len() {
                    return Err(invalid());
                }
                let mut rest = descriptors.split_off(count);
                hand = has_hand.then(|| rest.remove(0));
                Some((steps, std::mem::replace(&mut descriptors, rest)))
            }
        };
        if descriptors.len() <= OUTPUTS + WORDS {
            return Err(invalid());
        }
        Ok(Self { steps, hand, descriptors, body: body.to_vec() })
    }
}

/// Forks; returns 0 in the forked process, which is prepared by then, else its id. Where it is confined, the descriptors of the
/// server are closed in it, whoever thinks to have them.
unsafe fn fork(order: &Order, around: AroundFork) -> io::Result<libc::pid_t> {
    let invalid = || io::Error::from_raw_os_error(libc::EINVAL);
    let words = order.descriptors[OUTPUTS + WORDS].try_clone()?;
    let words = Words::open(words).map_err(|_| invalid())?;
    let outputs = [order.descriptors[0].as_raw_fd(), order.descriptors[1].as_raw_fd()];
    let mut kept: Vec<RawFd> = order.descriptors.iter().chain(&order.hand).map(AsRawFd::as_raw_fd).collect();
    kept.sort_unstable();
    // SAFETY: the caller's promise; the calls take integers. The child does nothing else before it is prepared.
    unsafe {
        let supervisor = libc::getppid().unsigned_abs();
        (around.before)();
        let forked = clone_beside();
        if !matches!(forked, Ok(0)) {
            (around.parent)();
            return forked;
        }
        words.set_process(std::process::id());
        libc::setpgid(0, 0);
        let is_output = outputs.iter().zip(1..).all(|(from, to)| libc::dup2(*from, to) == to);
        if die_with(supervisor).is_err() || !is_output {
            libc::_exit(1);
        }
        if let Some((steps, handles)) = &order.steps {
            words.set_hand(order.hand.as_ref().map(AsRawFd::as_raw_fd));
            // The kernel forgets with whom it is to die where a process changes what it may do.
            let confined = confine(steps, handles, &kept, false, &words);
            if confined.and_then(|()| die_with(supervisor)).is_err() {
                libc::_exit(1);
            }
            std::mem::forget(words);
        }
        (around.child)();
    }
    Ok(0)
}

/// Forks a child of this process's own parent; returns 0 in it, else its id.
///
/// `fork` of the C library, but for the flag that makes it a sibling: the library's own call has no place for it. What that
/// does beside the call to the kernel is done here: the thread's id, which the library keeps, and the list of robust mutexes.
/// Its handlers (`pthread_atfork`) are not called. The locks of the library are free, as there is one thread.
///
/// # Safety
/// This process has one thread.
unsafe fn clone_beside() -> io::Result<libc::pid_t> {
    let (mut id_at, mut list, mut list_len) = (0_usize, 0_usize, 0_usize);
    // SAFETY: the variables outlive the calls. The new process has a copy of all memory, and goes on with this stack.
    let forked = unsafe {
        if libc::prctl(libc::PR_GET_TID_ADDRESS, &raw mut id_at) != 0 {
            return Err(io::Error::last_os_error());
        }
        libc::syscall(libc::SYS_get_robust_list, 0, &raw mut list, &raw mut list_len);
        let flags =
            libc::CLONE_PARENT | libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID | libc::SIGCHLD;
        // The place of the thread's id is the fourth argument or the fifth, as the processor's family has it. The other is
        // looked at with a flag alone that is not set.
        let forked = libc::syscall(libc::SYS_clone, flags as libc::c_ulong, 0_usize, 0_usize, id_at, id_at);
        if forked == 0 && list != 0 {
            libc::syscall(libc::SYS_set_robust_list, list, list_len);
        }
        forked
    };
    if forked < 0 { Err(io::Error::last_os_error()) } else { Ok(forked as libc::pid_t) }
}
