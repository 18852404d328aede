//! What the kernel says of processes and threads in `/proc`. Whoever is looked at chooses its name, which may be any bytes: all of
//! it is read as bytes.

use std::fs;
use std::io;

/// Set in a thread's flags once it is on its way to its end (`PF_EXITING`).
const EXITING: u64 = 4;
/// How often to look again where threads end while they are looked at.
const TRIES: usize = 50;

/// The `stat` of a process or a thread: a line of fields.
#[derive(Debug)]
pub(crate) struct Stat(Vec<u8>);

impl Stat {
    /// Reads that of a process or a thread, by its folder.
    ///
    /// # Errors
    /// It has gone.
    pub(crate) fn of(folder: &str) -> io::Result<Self> {
        fs::read(format!("{folder}/stat")).map(Self)
    }

    /// Takes one that was read.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// Returns a field that is a number, by its own number in proc_pid_stat(5), from 4.
    pub(crate) fn field(&self, number: usize) -> Option<u64> {
        // The name, which is the second, may have blanks and brackets in it; none of the others has.
        let end = self.0.iter().rposition(|byte| *byte == b')')?;
        let fields = std::str::from_utf8(&self.0[end + 1..]).ok()?;
        fields.split_ascii_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
    }

    /// Tells whether it has ended, and nobody has asked for its end yet.
    pub(crate) fn has_ended(&self) -> bool {
        let state = self.0.iter().rposition(|byte| *byte == b')').and_then(|end| self.0.get(end + 2));
        matches!(state, Some(b'Z' | b'X' | b'x'))
    }

    /// Returns how many threads it has.
    #[cfg(feature = "exec")]
    pub(crate) fn threads(&self) -> Option<u64> {
        self.field(20)
    }

    fn is_ending(&self) -> bool {
        self.field(9).is_some_and(|flags| flags & EXITING != 0)
    }
}

/// A file of lines that each have a name and a number, such as `status`.
#[cfg(feature = "exec")]
#[derive(Debug)]
pub(crate) struct Lines(Vec<u8>);

#[cfg(feature = "exec")]
impl Lines {
    /// Reads one.
    ///
    /// # Errors
    /// Whoever it is of has gone.
    pub(crate) fn of(path: &str) -> io::Result<Self> {
        fs::read(path).map(Self)
    }

    /// Returns the number of a line. The kernel writes no end of a line into a name.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        let mut lines = self.0.split(|byte| *byte == b'\n');
        let rest = lines.find_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b":"))?;
        std::str::from_utf8(rest).ok()?.split_ascii_whitespace().next()?.parse().ok()
    }
}

/// What was found of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<T> {
    There(T),
    /// It has ended, or is about to and has nothing any more.
    Ended,
    /// It is there, and cannot be read.
    Unread,
    /// This process has no descriptors or no memory to look at anything.
    NotNow,
}

/// Tells whether the kernel refuses something for the moment, and not for good.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    let passing = [libc::EAGAIN, libc::ENOMEM, libc::EMFILE, libc::ENFILE, libc::EINTR];
    error.raw_os_error().is_some_and(|number| passing.contains(&number))
}

/// What could not be read, which may be this process's own fault: it is seen whether it can look at itself.
fn unread<T>() -> Found<T> {
    let own = fs::read_dir("/proc/self/task").and_then(|_folder| fs::read("/proc/self/stat"));
    if own.is_err_and(|error| is_passing(&error)) { Found::NotNow } else { Found::Unread }
}

/// Looks at what the threads of a process have in common: `read` is given the folder of the process, and then those of its threads
/// until it finds something. The folder of a process is that of its first thread, which has nothing once it has ended, whatever the
/// others have.
pub(crate) fn of_living<T>(process: u32, read: impl Fn(&str) -> Option<T>) -> Found<T> {
    let own = format!("/proc/{process}");
    if let Some(found) = read(&own) {
        return Found::There(found);
    }
    for _ in 0..TRIES {
        let threads = match fs::read_dir(format!("{own}/task")) {
            Ok(threads) => threads,
            Err(error) if is_gone(&error) => return Found::Ended,
            Err(_) => return unread(),
        };
        let mut have_ended = true;
        for thread in threads.flatten() {
            let folder = format!("{own}/task/{}", thread.file_name().display());
            if let Some(found) = read(&folder) {
                return Found::There(found);
            }
            // One that has gone meanwhile may have left another behind.
            have_ended &= Stat::of(&folder).is_ok_and(|stat| stat.is_ending());
        }
        if have_ended {
            return Found::Ended;
        }
    }
    unread()
}

/// Tells whether an error says that a process has gone.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH))
}

/// Returns the process of a thread.
///
/// # Errors
/// It has gone.
#[cfg(feature = "exec")]
pub(crate) fn process_of(thread: libc::pid_t) -> io::Result<libc::pid_t> {
    let id = Lines::of(&format!("/proc/{thread}/status"))?.number("Tgid");
    id.and_then(|id| id.try_into().ok()).ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_whatever_a_process_calls_itself() {
        let stat = Stat(b"7 (\xff) S 1 (\n) Z 3 12 5 -1 6 4 7".to_vec());
        let fields = [4, 5, 7, 8, 9, 99].map(|number| stat.field(number));
        assert!(stat.has_ended());
        assert!(!Stat(b"7 (Z) S 3".to_vec()).has_ended() && !Stat(b"7 (Z) ".to_vec()).has_ended());
        assert_eq!(fields, [Some(3), Some(12), None, Some(6), Some(4), None]);
        assert!(stat.is_ending());
    }
}
