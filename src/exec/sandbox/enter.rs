//! The steps that a process takes into its confinement, between fork and exec: async-signal-safe calls alone, all of whose
//! arguments were made before.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use serde::{Deserialize, Serialize};

use super::bpf::Instruction;

/// A step into confinement, for who is told that it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Stage {
    /// Limits on what it may use (`setrlimit`).
    Limits = 1,
    /// Name spaces of its own (`setns`, `unshare`).
    Namespaces = 2,
    /// Mounts of its own (`mount`, `mount_setattr`).
    Mounts = 3,
    /// No capabilities (`prctl`, `capset`).
    Capabilities = 4,
    /// No privileges from programs (`PR_SET_NO_NEW_PRIVS`).
    Privileges = 5,
    /// Files, ports and signals (`landlock_restrict_self`).
    Landlock = 6,
    /// System calls (`seccomp`).
    Seccomp = 7,
    /// Descriptors that are not for it (`close_range`).
    Descriptors = 8,
}

impl Stage {
    const ALL: [Self; 8] = [
        Self::Limits,
        Self::Namespaces,
        Self::Mounts,
        Self::Capabilities,
        Self::Privileges,
        Self::Landlock,
        Self::Seccomp,
        Self::Descriptors,
    ];

    /// Returns the step with this number.
    pub(in crate::exec) fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| *stage as u8 == number)
    }
}

/// A mount of the process's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Mount {
    /// What is at this place, with all that is mounted in it, is kept as it is now, for a [`Mount::Put`].
    Taken(CString),
    /// All that is mounted cannot be written from here on.
    ReadOnly,
    /// What was taken first, of what is left, is at this place.
    Put(CString),
    /// Files in memory, which go with the last process that sees them, are at the first place; the second is the kernel's options.
    Memory(CString, CString),
    /// What is at the first place is at the second too.
    Bound(CString, CString),
    /// This one cannot be written.
    Kept(CString),
}

/// Everything that a process needs to confine itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::exec) struct Steps {
    pub(super) limits: Vec<(u32, u64)>,
    /// Whether the first of the descriptors is a network to go into. The others are rulesets of Landlock.
    pub(super) has_network: bool,
    /// Flags of `unshare`.
    pub(super) namespaces: libc::c_int,
    /// What the maps of a user name space of its own are to be: of users, and of groups.
    pub(super) maps: Option<[Vec<u8>; 2]>,
    pub(super) mounts: Vec<Mount>,
    /// For each ruleset places that are there only once the process is, and what it may do with them.
    pub(super) late: Vec<Vec<(CString, u64)>>,
    #[serde(with = "instructions")]
    pub(super) filter: Vec<Instruction>,
}

/// Instructions as numbers.
mod instructions {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Instruction;

    pub(super) fn serialize<S: Serializer>(all: &[Instruction], serializer: S) -> Result<S::Ok, S::Error> {
        let numbers: Vec<_> = all.iter().map(|one| (one.code, one.jt, one.jf, one.k)).collect();
        numbers.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Instruction>, D::Error> {
        let numbers = Vec::<(u16, u8, u8, u32)>::deserialize(deserializer)?;
        Ok(numbers.into_iter().map(|(code, jt, jf, k)| Instruction { code, jt, jf, k }).collect())
    }
}

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct PathBeneath {
    allowed_access: u64,
    parent_fd: i32,
}

/// `struct mount_attr`.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_ns: u64,
}

/// `LANDLOCK_RULE_PATH_BENEATH`, `MOUNT_ATTR_RDONLY`, `_LINUX_CAPABILITY_VERSION_3`, and the securebits that have the root user be as any other.
const RULE_PATH_BENEATH: libc::c_int = 1;
const READ_ONLY: u64 = 1;
const CAPABILITIES_3: u32 = 0x2008_0522;
const NO_ROOT_LOCKED: libc::c_ulong = 0b11;
const CAPABILITIES: libc::c_ulong = 64;
/// `MOVE_MOUNT_F_EMPTY_PATH`.
const BY_DESCRIPTOR: libc::c_uint = 4;
/// How many places a process may take at the most: it has no memory to allocate.
pub(super) const TAKEN_MAX: usize = 256;

fn done(result: libc::c_long) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

impl Steps {
    /// Takes all steps, with what it has descriptors of. Those but for the first three and `kept`, which are in order, are closed; at the next exec, if there is to be one.
    ///
    /// # Errors
    /// The step that failed, and why. The process must not go on.
    ///
    /// # Safety
    /// This is the only thread of its process, which is between fork and exec or was made by a fork.
    pub(in crate::exec) unsafe fn take(
        &self,
        handles: &[OwnedFd],
        kept: &[RawFd],
        is_exec: bool,
    ) -> Result<(), (Stage, io::Error)> {
        let at = |stage| move |error| (stage, error);
        let (network, rulesets) = handles.split_at(usize::from(self.has_network).min(handles.len()));
        for network in network {
            // SAFETY: the call takes integers.
            done(unsafe { libc::setns(network.as_raw_fd(), libc::CLONE_NEWNET) }.into())
                .map_err(at(Stage::Namespaces))?;
        }
        self.unshare().map_err(at(Stage::Namespaces))?;
        self.mount().map_err(at(Stage::Mounts))?;
        drop_capabilities().map_err(at(Stage::Capabilities))?;
        // SAFETY: the call takes integers.
        done(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }.into())
            .map_err(at(Stage::Privileges))?;
        rulesets
            .iter()
            .zip(&self.late)
            .try_for_each(|(ruleset, late)| restrict(ruleset.as_raw_fd(), late))
            .map_err(at(Stage::Landlock))?;
        close_others(kept, is_exec).map_err(at(Stage::Descriptors))?;
        // Not before: until here it has the descriptors of its supervisor, which may be more than it may have.
        self.limit().map_err(at(Stage::Limits))?;
        self.filter().map_err(at(Stage::Seccomp))
    }

    fn limit(&self) -> io::Result<()> {
        self.limits.iter().try_for_each(|(resource, most)| {
            let mut there = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: the limits outlive the calls.
            unsafe {
                done(libc::syscall(libc::SYS_prlimit64, 0, *resource, 0, &raw mut there))?;
                // It may have less already, which it could not raise.
                let most = (*most).min(there.rlim_max);
                let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
                done(libc::syscall(libc::SYS_prlimit64, 0, *resource, &raw const limit, 0))
            }
        })
    }

    /// Leaves name spaces, if it is to leave any: a container may refuse the call whatever it asks for.
    pub(super) fn unshare(&self) -> io::Result<()> {
        if self.namespaces == 0 {
            return Ok(());
        }
        // SAFETY: the call takes an integer.
        done(unsafe { libc::unshare(self.namespaces) }.into())?;
        self.map_users()
    }

    /// Has a user be itself in a name space of its own.
    fn map_users(&self) -> io::Result<()> {
        let Some([users, groups]) = &self.maps else { return Ok(()) };
        write_to(c"/proc/self/setgroups", b"deny")?;
        write_to(c"/proc/self/uid_map", users)?;
        write_to(c"/proc/self/gid_map", groups)
    }

    /// Makes its mounts, in the name space that it has.
    pub(super) fn mount(&self) -> io::Result<()> {
        if self.mounts.is_empty() {
            return Ok(());
        }
        let root = c"/".as_ptr();
        let null = std::ptr::null();
        let mut folder = [0_u8; libc::PATH_MAX as usize];
        let mut trees = Trees { taken: [-1; TAKEN_MAX], count: 0, put: 0 };
        // SAFETY: the strings outlive the calls, and what is NULL may be.
        unsafe {
            let found = libc::syscall(libc::SYS_getcwd, folder.as_mut_ptr(), folder.len());
            done(libc::mount(null, root, null, libc::MS_REC | libc::MS_PRIVATE, null.cast()).into())?;
            self.mounts.iter().try_for_each(|mount| match mount {
                Mount::Taken(place) => trees.take(place),
                Mount::Put(place) => trees.put(place),
                Mount::Memory(place, options) => {
                    let (kind, flags) = (c"tmpfs".as_ptr(), libc::MS_NOSUID | libc::MS_NODEV);
                    done(libc::mount(kind, place.as_ptr(), kind, flags, options.as_ptr().cast()).into())
                }
                Mount::ReadOnly => set_read_only(root),
                Mount::Bound(from, to) => {
                    let flags = libc::MS_BIND | libc::MS_REC;
                    done(libc::mount(from.as_ptr(), to.as_ptr(), null, flags, null.cast()).into())
                }
                Mount::Kept(place) => set_read_only(place.as_ptr()),
            })?;
            // The folder that it is in is still that below the mounts: paths from there would go past them.
            if found > 0 && libc::chdir(folder.as_ptr().cast()) == 0 {
                return Ok(());
            }
            done(libc::chdir(root).into())
        }
    }

    fn filter(&self) -> io::Result<()> {
        install(&self.filter, 0).map(drop)
    }
}

/// Gives up the use of files but for those of the ruleset, and of these.
fn restrict(ruleset: RawFd, late: &[(CString, u64)]) -> io::Result<()> {
    // SAFETY: the calls take integers and pointers to what outlives them; the descriptors are closed once.
    unsafe {
        for (place, access) in late {
            let folder = libc::open(place.as_ptr(), libc::O_PATH | libc::O_CLOEXEC | libc::O_DIRECTORY);
            done(folder.into())?;
            let rule = PathBeneath { allowed_access: *access, parent_fd: folder };
            let (call, rule) = (libc::SYS_landlock_add_rule, &raw const rule);
            let added = done(libc::syscall(call, ruleset, RULE_PATH_BENEATH, rule, 0));
            libc::close(folder);
            added?;
        }
        done(libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0))
    }
}

/// Gives up all privileges. Who has none may not say that root is to be as any other; then nothing gives root any, as programs
/// give none (the next step).
fn drop_capabilities() -> io::Result<()> {
    // SAFETY: the calls take integers and pointers to what outlives them.
    unsafe {
        for capability in 0..CAPABILITIES {
            // There are fewer: the kernel says which is the last.
            if libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 {
                break;
            }
        }
        libc::prctl(libc::PR_SET_SECUREBITS, NO_ROOT_LOCKED, 0, 0, 0);
        done(libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0).into())?;
        let header: [u32; 2] = [CAPABILITIES_3, 0];
        let none = [0_u32; 6];
        done(libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()))
    }
}

/// Has the kernel look at each system call of this process by a program; returns what `flags` ask for.
///
/// # Errors
/// What the kernel says.
pub(super) fn install(program: &[Instruction], flags: libc::c_ulong) -> io::Result<RawFd> {
    let len = program.len() as libc::c_ushort;
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: the program outlives the call, and is as long as said.
    let given =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
    done(given).map(|()| given as RawFd)
}

fn write_to(path: &CStr, content: &[u8]) -> io::Result<()> {
    // SAFETY: the path and the content outlive the calls; the descriptor is closed once.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        done(file.into())?;
        let written = done(libc::write(file, content.as_ptr().cast(), content.len()) as libc::c_long);
        libc::close(file);
        written
    }
}

/// Copies of what is mounted, which are mounted nowhere yet.
///
/// What was read-only before stays so in them. To let everything in a place be written again would not be that, and the kernel
/// refuses it in a user name space.
struct Trees {
    taken: [RawFd; TAKEN_MAX],
    count: usize,
    put: usize,
}

impl Trees {
    fn take(&mut self, place: &CStr) -> io::Result<()> {
        let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_RECURSIVE as libc::c_uint;
        let room = self.taken.get_mut(self.count).ok_or_else(|| io::Error::from_raw_os_error(libc::E2BIG))?;
        // SAFETY: the path outlives the call.
        let tree = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, place.as_ptr(), flags) };
        done(tree)?;
        *room = tree as RawFd;
        self.count += 1;
        Ok(())
    }

    fn put(&mut self, place: &CStr) -> io::Result<()> {
        let tree =
            self.taken.get(self.put).copied().ok_or_else(|| io::Error::from_raw_os_error(libc::EBADF))?;
        self.put += 1;
        let (from, to) = (c"".as_ptr(), place.as_ptr());
        // SAFETY: the paths outlive the calls; the descriptor is closed once.
        unsafe {
            let moved = libc::syscall(libc::SYS_move_mount, tree, from, libc::AT_FDCWD, to, BY_DESCRIPTOR);
            let moved = done(moved);
            libc::close(tree);
            moved
        }
    }
}

/// Lets nothing that is mounted there, and below, be written.
///
/// # Safety
/// The path is a string that outlives the call.
unsafe fn set_read_only(path: *const libc::c_char) -> io::Result<()> {
    let attributes = MountAttributes { set: READ_ONLY, clear: 0, propagation: 0, user_ns: 0 };
    let size = size_of_val(&attributes);
    // SAFETY: the caller's promise; the attributes outlive the call, and are as long as said.
    done(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path,
            libc::AT_RECURSIVE,
            &raw const attributes,
            size,
        )
    })
}

/// Closes all descriptors but the first three and those that are kept, which are in order.
fn close_others(kept: &[RawFd], is_exec: bool) -> io::Result<()> {
    let flags = if is_exec { libc::CLOSE_RANGE_CLOEXEC } else { 0 };
    let mut first = 3_u32;
    for next in kept.iter().map(|fd| fd.unsigned_abs()).chain([u32::MAX]).filter(|next| *next >= 3) {
        if next > first {
            // SAFETY: the call takes integers. Nobody else in this process uses what is closed: it is about to begin anew.
            done(unsafe { libc::syscall(libc::SYS_close_range, first, next - 1, flags) })?;
        }
        first = next.saturating_add(1);
    }
    Ok(())
}
