//! Which system calls confined code may make.
//!
//! What is not listed fails: as a call that this kernel does not have (`ENOSYS`), so that libraries fall back to older ones, or
//! with `EPERM` where it is known and no fallback exists. The lists are for both families of processors; a call that one of
//! them does not have is left out there.

use super::bpf::{Condition, Verdict};
use super::options;

/// What of system calls a policy wishes.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    /// Whether files that may not be written are mounted so that their modes, times and attributes cannot be changed either.
    pub(super) is_mounted: bool,
    /// Whether the code may connect or listen at all, by which protocols.
    pub(super) sockets: Sockets,
    /// Calls that it may not make beside.
    pub(super) denied: Vec<libc::c_long>,
}

/// Which kinds of sockets code may make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sockets {
    pub(super) tcp: bool,
    pub(super) udp: bool,
    pub(super) listen: bool,
}

macro_rules! numbers {
    ($($name:ident)*) => { &[$(libc::$name),*] };
}

/// Calls that do nothing to anybody else, or that Landlock and the limits decide.
const ALLOWED: &[libc::c_long] = numbers![
    // Descriptors.
    SYS_read SYS_write SYS_pread64 SYS_pwrite64 SYS_readv SYS_writev SYS_preadv SYS_pwritev SYS_preadv2 SYS_pwritev2
    SYS_lseek SYS_close SYS_close_range SYS_dup SYS_dup3 SYS_flock SYS_fsync SYS_fdatasync SYS_sync_file_range
    SYS_fallocate SYS_ftruncate SYS_readahead SYS_fadvise64 SYS_sendfile SYS_splice SYS_tee SYS_vmsplice
    SYS_copy_file_range SYS_pipe2 SYS_eventfd2 SYS_epoll_create1 SYS_epoll_ctl SYS_epoll_pwait SYS_epoll_pwait2
    SYS_ppoll SYS_pselect6 SYS_timerfd_create SYS_timerfd_settime SYS_timerfd_gettime SYS_signalfd4
    // Files and folders.
    SYS_faccessat SYS_faccessat2 SYS_newfstatat SYS_fstat SYS_statx SYS_statfs SYS_fstatfs
    SYS_readlinkat SYS_getdents64 SYS_mkdirat SYS_unlinkat SYS_renameat SYS_renameat2 SYS_linkat
    SYS_symlinkat SYS_truncate SYS_getcwd SYS_chdir SYS_fchdir SYS_umask SYS_inotify_rm_watch
    SYS_fgetxattr SYS_flistxattr
    // Memory.
    SYS_mmap SYS_mprotect SYS_munmap SYS_mremap SYS_brk SYS_madvise SYS_mlock SYS_mlock2 SYS_munlock SYS_mlockall
    SYS_munlockall SYS_mincore SYS_msync SYS_membarrier SYS_memfd_create SYS_pkey_alloc SYS_pkey_free SYS_pkey_mprotect
    SYS_get_mempolicy SYS_set_mempolicy
    // Processes and threads.
    SYS_getpid SYS_getppid SYS_gettid SYS_getuid SYS_geteuid SYS_getgid SYS_getegid SYS_getresuid SYS_getresgid
    SYS_getgroups SYS_getpgid SYS_getsid SYS_exit SYS_exit_group SYS_wait4 SYS_waitid SYS_tkill SYS_tgkill
    SYS_pidfd_open SYS_pidfd_send_signal SYS_rt_sigaction SYS_rt_sigprocmask SYS_rt_sigreturn SYS_rt_sigpending
    SYS_rt_sigtimedwait SYS_rt_sigqueueinfo SYS_rt_tgsigqueueinfo SYS_rt_sigsuspend SYS_sigaltstack SYS_set_tid_address
    SYS_set_robust_list SYS_get_robust_list SYS_rseq SYS_futex SYS_futex_waitv SYS_sched_yield SYS_sched_getaffinity
    SYS_sched_getparam SYS_sched_getscheduler SYS_sched_getattr SYS_sched_get_priority_max
    SYS_sched_get_priority_min SYS_sched_rr_get_interval SYS_getpriority SYS_setrlimit SYS_getrlimit SYS_getrusage
    SYS_times SYS_uname SYS_sysinfo SYS_getcpu SYS_capget SYS_ioprio_get SYS_restart_syscall SYS_execve SYS_execveat
    SYS_seccomp SYS_landlock_create_ruleset SYS_landlock_add_rule SYS_landlock_restrict_self
    // Time and chance.
    SYS_clock_gettime SYS_clock_getres SYS_clock_nanosleep SYS_nanosleep SYS_gettimeofday SYS_timer_create
    SYS_timer_settime SYS_timer_gettime SYS_timer_getoverrun SYS_timer_delete SYS_getitimer SYS_setitimer SYS_getrandom
    // Sockets that there are.
    SYS_recvfrom SYS_recvmsg SYS_recvmmsg SYS_shutdown SYS_getsockname SYS_getpeername SYS_getsockopt
];

/// Calls that a session's shell makes before any code runs, and [`last_verdicts`] takes away. A session in an event loop, as Bun's is,
/// watches the file of its requests; code that may watch any file that there is would learn when others use it, which Landlock
/// does not decide.
const UNTIL_LOCKED: &[libc::c_long] = numbers![SYS_inotify_init1 SYS_inotify_add_watch];

/// Calls that read attributes of a file by its path, whether it may be read or not: Landlock does not decide them. Programs take
/// this for a file system that has none, and find those of a file that they have open.
const ATTRIBUTES: &[libc::c_long] = numbers![SYS_getxattr SYS_lgetxattr SYS_listxattr SYS_llistxattr];

/// The older forms of some, which one family of processors alone has.
#[cfg(target_arch = "x86_64")]
const OLDER: &[libc::c_long] = numbers![
    SYS_stat SYS_lstat SYS_access SYS_readlink SYS_getdents SYS_mkdir SYS_rmdir SYS_rename SYS_link
    SYS_unlink SYS_symlink SYS_pipe SYS_dup2 SYS_select SYS_poll SYS_epoll_create SYS_epoll_wait SYS_signalfd
    SYS_eventfd SYS_fork SYS_vfork SYS_getpgrp SYS_alarm SYS_pause SYS_time SYS_arch_prctl
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[libc::c_long] = &[];

/// Calls that change what a file is like beside its content and its mode.
const METADATA: &[libc::c_long] = numbers![
    SYS_fchown SYS_fchownat SYS_utimensat SYS_setxattr SYS_lsetxattr SYS_fsetxattr SYS_removexattr SYS_lremovexattr
    SYS_fremovexattr
];
#[cfg(target_arch = "x86_64")]
const OLDER_METADATA: &[libc::c_long] = numbers![SYS_chown SYS_lchown SYS_utime SYS_utimes SYS_futimesat];
#[cfg(not(target_arch = "x86_64"))]
const OLDER_METADATA: &[libc::c_long] = &[];

/// Calls that change a file's mode, that make a file of a mode, and that open or make one, by their flags: with the argument
/// that is the mode, which comes after the flags.
const MODES: &[(libc::c_long, u8)] =
    &[(libc::SYS_fchmod, 1), (libc::SYS_fchmodat, 2), (libc::SYS_fchmodat2, 2)];
const NODES: &[(libc::c_long, u8)] = &[(libc::SYS_mknodat, 2)];
const OPENS: &[(libc::c_long, u8)] = &[(libc::SYS_openat, 3)];
#[cfg(target_arch = "x86_64")]
const OLDER_MODES: [&[(libc::c_long, u8)]; 3] =
    [&[(libc::SYS_chmod, 1)], &[(libc::SYS_mknod, 1), (libc::SYS_creat, 1)], &[(libc::SYS_open, 2)]];
#[cfg(not(target_arch = "x86_64"))]
const OLDER_MODES: [&[(libc::c_long, u8)]; 3] = [&[]; 3];

/// Calls that nobody falls back from: they concern other processes, or the machine.
const FORBIDDEN: &[libc::c_long] = numbers![
    SYS_ptrace SYS_process_vm_readv SYS_process_vm_writev SYS_process_madvise SYS_pidfd_getfd SYS_kcmp SYS_unshare
    SYS_setns SYS_mount SYS_umount2 SYS_pivot_root SYS_chroot SYS_open_tree SYS_move_mount SYS_fsopen SYS_fsconfig
    SYS_fsmount SYS_fspick SYS_mount_setattr SYS_open_by_handle_at SYS_name_to_handle_at
    SYS_fanotify_init SYS_fanotify_mark SYS_bpf SYS_perf_event_open SYS_userfaultfd SYS_add_key SYS_request_key SYS_keyctl
    SYS_setsid SYS_setpgid SYS_setuid SYS_setgid SYS_setreuid SYS_setregid SYS_setresuid SYS_setresgid SYS_setfsuid
    SYS_setfsgid SYS_setgroups SYS_capset SYS_sethostname SYS_setdomainname SYS_settimeofday SYS_clock_settime
    SYS_adjtimex SYS_clock_adjtime SYS_reboot SYS_kexec_load SYS_init_module SYS_finit_module SYS_delete_module
    SYS_swapon SYS_swapoff SYS_quotactl SYS_acct SYS_syslog SYS_vhangup SYS_migrate_pages SYS_move_pages SYS_mbind
    SYS_shmget SYS_shmat SYS_shmctl SYS_shmdt SYS_msgget SYS_msgsnd SYS_msgrcv SYS_msgctl SYS_semget SYS_semop
    SYS_semtimedop SYS_semctl SYS_mq_open SYS_mq_unlink SYS_mq_timedsend SYS_mq_timedreceive SYS_mq_notify
    SYS_mq_getsetattr
];
#[cfg(target_arch = "x86_64")]
const OLDER_FORBIDDEN: &[libc::c_long] =
    numbers![SYS_iopl SYS_ioperm SYS_modify_ldt SYS_uselib SYS_sysfs SYS_ustat];
#[cfg(not(target_arch = "x86_64"))]
const OLDER_FORBIDDEN: &[libc::c_long] = &[];

pub(super) const REFUSED: Verdict = Verdict::Fail(libc::EPERM);
const DENIED: Verdict = Verdict::Fail(libc::EACCES);

/// Returns the verdict of each call that is no plain refusal, for the filter that holds from before the interpreter starts.
pub(super) fn verdicts(wishes: &Wishes) -> Vec<(libc::c_long, Verdict)> {
    let all = |numbers: &[libc::c_long], verdict: &Verdict| -> Vec<_> {
        numbers.iter().map(|number| (*number, verdict.clone())).collect()
    };
    let metadata = if wishes.is_mounted { Verdict::Allow } else { REFUSED };
    let mut calls = [
        all(ALLOWED, &Verdict::Allow),
        all(UNTIL_LOCKED, &Verdict::Allow),
        all(ATTRIBUTES, &Verdict::Fail(libc::EOPNOTSUPP)),
        all(OLDER, &Verdict::Allow),
        all(METADATA, &metadata),
        all(OLDER_METADATA, &metadata),
        all(FORBIDDEN, &REFUSED),
        all(OLDER_FORBIDDEN, &REFUSED),
        modes(wishes.is_mounted),
        conditional(),
        sockets(wishes.sockets),
    ]
    .concat();
    calls.retain(|(number, _)| !wishes.denied.contains(number));
    calls.extend(all(&wishes.denied, &REFUSED));
    calls
}

/// Tells whether no policy lets any session make a call, with whatever arguments.
pub(in crate::exec) fn is_refused_to_all(call: libc::c_long) -> bool {
    let sockets = Sockets { tcp: true, udp: true, listen: true };
    let widest = Wishes { is_mounted: true, sockets, denied: Vec::new() };
    let asks = ASK_PROGRAMS | ASK_CONNECTIONS | ASK_PROCESSES | ASK_DATAGRAMS | ASK_FILES;
    let lets = |calls: Vec<(libc::c_long, Verdict)>, others| {
        is_open(calls.iter().find(|(number, _)| *number == call).map_or(others, |(_, verdict)| verdict))
    };
    // Code runs under both.
    !lets(verdicts(&widest), &OTHERS) || !lets(last_verdicts(asks), &Verdict::Allow)
}

/// Tells whether a verdict lets a call be made with any arguments.
fn is_open(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Allow | Verdict::Ask => true,
        Verdict::Fail(_) => false,
        Verdict::Cases(cases, others) => cases.iter().any(|(_, verdict)| is_open(verdict)) || is_open(others),
    }
}

/// What is not listed is as if the kernel did not have it.
pub(super) const OTHERS: Verdict = Verdict::Fail(libc::ENOSYS);

fn only(cases: Vec<Vec<Condition>>) -> Verdict {
    Verdict::Cases(cases.into_iter().map(|case| (case, Verdict::Allow)).collect(), Box::new(REFUSED))
}

fn but(cases: Vec<Vec<Condition>>) -> Verdict {
    Verdict::Cases(cases.into_iter().map(|case| (case, REFUSED)).collect(), Box::new(Verdict::Allow))
}

/// Calls that give a file its mode, but for one by which whoever starts it is its owner: that is the user of the supervisor, and
/// where it is root everybody outside could become root by what the code leaves. (`openat2` has the mode in memory, where a filter
/// sees nothing: it is as if the kernel did not have it, and libraries fall back to the others.)
fn modes(is_mounted: bool) -> Vec<(libc::c_long, Verdict)> {
    let set_id = libc::S_ISUID | libc::S_ISGID;
    let made = libc::O_CREAT.unsigned_abs() | TMPFILE;
    let plain = |mode| vec![Condition::masked(mode, set_id, 0)];
    let [modes, nodes, opens] = OLDER_MODES;
    let change = |mode| if is_mounted { only(vec![plain(mode)]) } else { REFUSED };
    let changes = MODES.iter().chain(modes).map(|(call, mode)| (*call, change(*mode)));
    let make = NODES.iter().chain(nodes).map(|(call, mode)| (*call, only(vec![plain(*mode)])));
    // Without these flags the mode is whatever happens to stand there.
    let opened = |mode: u8| only(vec![vec![Condition::masked(mode - 1, made, 0)], plain(mode)]);
    let open = OPENS.iter().chain(opens).map(|(call, mode)| (*call, opened(*mode)));
    changes.chain(make).chain(open).collect()
}

/// Calls of which some arguments are refused.
fn conditional() -> Vec<(libc::c_long, Verdict)> {
    let namespaces = libc::CLONE_NEWNS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET
        | 0x80;
    // CLONE_NEWTIME, the lowest, is a signal's number in `clone`: it is for the calls that are refused alone.
    // A child of the supervisor's own would be reaped by nobody.
    let namespaces = ((namespaces & !0xff) | libc::CLONE_PARENT) as u32;
    let ours = |argument| vec![Condition::is(argument, 0)];
    let control = |names: &[libc::c_int]| {
        names.iter().map(|name| vec![Condition::is(0, name.unsigned_abs())]).collect()
    };
    vec![
        (libc::SYS_clone, only(vec![vec![Condition::masked(0, namespaces, 0)]])),
        // What it is to do lies in memory, where a filter sees nothing; the C library falls back to the one above.
        (libc::SYS_clone3, Verdict::Fail(libc::ENOSYS)),
        // To have a terminal read what its user has not typed, attributes of files, and who is signalled.
        (
            libc::SYS_ioctl,
            but([
                libc::TIOCSTI as u32,
                TIOCLINUX,
                libc::TIOCSETD as u32,
                FIOSETOWN,
                SIOCSPGRP,
                FS_IOC_SETFLAGS,
                FS_IOC_FSSETXATTR,
            ]
            .map(|request| vec![Condition::is(1, request)])
            .to_vec()),
        ),
        // No leases, which hold up others who open the file, no word of changes, and no signals for others.
        (
            libc::SYS_fcntl,
            only(FCNTL.iter().map(|command| vec![Condition::is(1, command.unsigned_abs())]).collect()),
        ),
        // All processes at once: the kernel says that it was done where it was refused for each.
        (libc::SYS_kill, but(vec![vec![Condition::is(0, u32::MAX)]])),
        // To ask, and to be what it is.
        (libc::SYS_personality, only(vec![vec![Condition::is(0, u32::MAX)], vec![Condition::is(0, 0)]])),
        (
            libc::SYS_prctl,
            only(control(&[
                libc::PR_SET_NAME,
                libc::PR_GET_NAME,
                libc::PR_SET_PDEATHSIG,
                libc::PR_GET_PDEATHSIG,
                libc::PR_GET_DUMPABLE,
                libc::PR_CAPBSET_READ,
                libc::PR_SET_NO_NEW_PRIVS,
                libc::PR_GET_NO_NEW_PRIVS,
                libc::PR_GET_SECCOMP,
                libc::PR_GET_SECUREBITS,
                libc::PR_SET_TIMERSLACK,
                libc::PR_GET_TIMERSLACK,
                libc::PR_SET_THP_DISABLE,
                libc::PR_GET_THP_DISABLE,
                libc::PR_GET_TID_ADDRESS,
                libc::PR_SET_VMA,
                PR_GET_AUXV,
            ])),
        ),
        (libc::SYS_prlimit64, only(vec![ours(0)])),
        (libc::SYS_setpriority, only(vec![vec![Condition::is(0, libc::PRIO_PROCESS), Condition::is(1, 0)]])),
        (libc::SYS_ioprio_set, only(vec![vec![Condition::is(0, 1), Condition::is(1, 0)]])),
        (libc::SYS_sched_setaffinity, only(vec![ours(0)])),
        (libc::SYS_sched_setscheduler, only(vec![ours(0)])),
        (libc::SYS_sched_setparam, only(vec![ours(0)])),
        (libc::SYS_sched_setattr, only(vec![ours(0)])),
        // Connected ones, which stay with each other: a datagram may be sent to any address, which lies in memory.
        (
            libc::SYS_socketpair,
            only(
                [libc::SOCK_STREAM, libc::SOCK_SEQPACKET]
                    .map(|kind| {
                        let family = Condition::is(0, libc::AF_UNIX as u32);
                        vec![family, Condition::masked(1, KIND, kind as u32)]
                    })
                    .to_vec(),
            ),
        ),
    ]
}

/// `__O_TMPFILE`.
const TMPFILE: u32 = 0o20_000_000;
const TIOCLINUX: u32 = 0x541C;
const FIOSETOWN: u32 = 0x8901;
const SIOCSPGRP: u32 = 0x8902;
const FCNTL: &[libc::c_int] = &[
    libc::F_DUPFD,
    libc::F_DUPFD_CLOEXEC,
    F_DUPFD_QUERY,
    libc::F_GETFD,
    libc::F_SETFD,
    libc::F_GETFL,
    libc::F_SETFL,
    libc::F_GETLK,
    libc::F_SETLK,
    libc::F_SETLKW,
    libc::F_OFD_GETLK,
    libc::F_OFD_SETLK,
    libc::F_OFD_SETLKW,
    libc::F_GETOWN,
    libc::F_GETLEASE,
    libc::F_SETPIPE_SZ,
    libc::F_GETPIPE_SZ,
    libc::F_ADD_SEALS,
    libc::F_GET_SEALS,
    F_GET_RW_HINT,
    F_SET_RW_HINT,
];
const F_DUPFD_QUERY: libc::c_int = 1027;
const F_GET_RW_HINT: libc::c_int = 1035;
const F_SET_RW_HINT: libc::c_int = 1036;
const FS_IOC_SETFLAGS: u32 = 0x4008_6602;
const FS_IOC_FSSETXATTR: u32 = 0x401C_5820;
const PR_GET_AUXV: libc::c_int = 0x4155_5856;

/// Flags and the like that a socket's kind may have in the same argument.
const KIND: u32 = 0xf;

/// Sockets: those of the internet, by the protocols that some rule allows, and no others. What is sent to may be named with
/// a datagram alone, and data with a connection that is still to be made (TCP fast open) would go past who decides on connections.
fn sockets(wished: Sockets) -> Vec<(libc::c_long, Verdict)> {
    let mut kinds = Vec::new();
    for (is_wished, kind, protocol) in [
        (wished.tcp, libc::SOCK_STREAM, libc::IPPROTO_TCP),
        (wished.udp, libc::SOCK_DGRAM, libc::IPPROTO_UDP),
    ] {
        for family in [libc::AF_INET, libc::AF_INET6] {
            for protocol in [0, protocol] {
                let case = vec![
                    Condition::is(0, family as u32),
                    Condition::masked(1, KIND, kind as u32),
                    Condition::is(2, protocol as u32),
                ];
                kinds.extend(is_wished.then_some((case, Verdict::Allow)));
            }
        }
    }
    let any = wished.tcp || wished.udp;
    let if_any = |is_so: bool| if is_so { Verdict::Allow } else { DENIED };
    let fast = libc::MSG_FASTOPEN as u32;
    let slow = |argument| vec![Condition::masked(argument, fast, 0)];
    let unnamed = [slow(3), Condition::is_null(4).to_vec()].concat();
    vec![
        (libc::SYS_socket, Verdict::Cases(kinds, Box::new(DENIED))),
        (libc::SYS_connect, if_any(any)),
        (libc::SYS_bind, if_any(any)),
        (libc::SYS_listen, if_any(wished.listen)),
        (libc::SYS_accept, if_any(wished.listen)),
        (libc::SYS_accept4, if_any(wished.listen)),
        (libc::SYS_sendto, only(vec![if wished.udp { slow(3) } else { unnamed }])),
        (libc::SYS_sendmsg, only(vec![slow(2)])),
        (libc::SYS_sendmmsg, only(vec![slow(3)])),
        (libc::SYS_setsockopt, options::verdict()),
    ]
}

/// What the supervisor is asked, a bit each.
pub(super) const ASK_PROGRAMS: u32 = 1;
pub(super) const ASK_CONNECTIONS: u32 = 2;
pub(super) const ASK_PROCESSES: u32 = 4;
pub(super) const ASK_DATAGRAMS: u32 = 16;
/// It is told, rather: whatever it says, these calls are made.
pub(super) const ASK_FILES: u32 = 8;
/// No program is started, whatever it says: it writes that down.
pub(super) const TELL_PROGRAMS: u32 = 32;

/// Calls that use files by their paths, in a way that policies have a word for.
const FILES: &[libc::c_long] = numbers![
    SYS_openat SYS_truncate SYS_mkdirat SYS_mknodat SYS_symlinkat SYS_linkat SYS_unlinkat SYS_renameat SYS_renameat2
];
#[cfg(target_arch = "x86_64")]
const OLDER_FILES: &[libc::c_long] = numbers![
    SYS_open SYS_creat SYS_mkdir SYS_mknod SYS_symlink SYS_link SYS_unlink SYS_rmdir SYS_rename
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER_FILES: &[libc::c_long] = &[];

/// Tells whether a call uses files by their paths.
pub(super) fn is_of_files(call: libc::c_long) -> bool {
    FILES.contains(&call) || OLDER_FILES.contains(&call)
}

/// Returns the verdicts of the filter that is added once the session's shell is there, before any code runs.
pub(super) fn last_verdicts(asks: u32) -> Vec<(libc::c_long, Verdict)> {
    let programs = if asks & (ASK_PROGRAMS | TELL_PROGRAMS) != 0 { Verdict::Ask } else { DENIED };
    let mut calls = vec![
        (libc::SYS_execve, programs.clone()),
        (libc::SYS_execveat, programs),
        (libc::SYS_seccomp, REFUSED),
    ];
    if asks & ASK_PROGRAMS != 0 {
        // What is in memory alone has no place that a rule could name.
        let sealed = vec![Condition::masked(1, MFD_NOEXEC_SEAL, MFD_NOEXEC_SEAL)];
        calls.push((libc::SYS_memfd_create, only(vec![sealed])));
    }
    if asks & ASK_CONNECTIONS != 0 {
        calls.extend([libc::SYS_connect, libc::SYS_bind, libc::SYS_listen].map(|call| (call, Verdict::Ask)));
        // Who closes the last copy of such a socket waits, and that may be the supervisor.
        calls.push((libc::SYS_setsockopt, but(vec![options::option(libc::SOL_SOCKET, libc::SO_LINGER)])));
    }
    if asks & ASK_DATAGRAMS != 0 {
        // Without a name it goes where the socket is connected to, which the supervisor has decided on.
        let unnamed = vec![(Condition::is_null(4).to_vec(), Verdict::Allow)];
        calls.push((libc::SYS_sendto, Verdict::Cases(unnamed, Box::new(Verdict::Ask))));
        calls.extend([libc::SYS_sendmsg, libc::SYS_sendmmsg].map(|call| (call, Verdict::Ask)));
    }
    if asks & ASK_PROCESSES != 0 {
        calls.extend([libc::SYS_clone].iter().chain(FORKS).map(|call| (*call, Verdict::Ask)));
    }
    if asks & ASK_FILES != 0 {
        calls.extend(FILES.iter().chain(OLDER_FILES).map(|call| (*call, Verdict::Ask)));
    }
    calls.extend(UNTIL_LOCKED.iter().map(|number| (*number, REFUSED)));
    // What has it end with its supervisor stays; who sets it for children of the code's own is told that it is done.
    let ends = vec![(vec![Condition::is(0, libc::PR_SET_PDEATHSIG as u32)], Verdict::Fail(0))];
    calls.push((libc::SYS_prctl, Verdict::Cases(ends, Box::new(Verdict::Allow))));
    calls
}

const MFD_NOEXEC_SEAL: u32 = 8;
#[cfg(target_arch = "x86_64")]
const FORKS: &[libc::c_long] = numbers![SYS_fork SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const FORKS: &[libc::c_long] = &[];
