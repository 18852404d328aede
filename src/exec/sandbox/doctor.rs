//! What of confinement a machine has: looked at by trying it in a process that ends then.

use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::process::Command;

use serde::Serialize;

use super::bpf::{self, Instruction, Verdict};
use super::calls::{self, Wishes};
use super::check::LISTENS;
use super::enter::{Mount, Stage, Steps, install};
use super::fence::{Fence, LEAST};
use super::grounds;
use super::limits::rlimits;
use super::network::Ports;
use super::places::{Namespaces, unshares};
use super::reach::{Reach, end};
use crate::exec::policy::Limits;
use crate::exec::{Language, find_library};

/// What of confinement a machine has, for this process and those that it starts.
///
/// ```no_run
/// use circlet::exec::Abilities;
///
/// let here = Abilities::here();
/// for check in here.checks().iter().filter(|check| !check.is_there) {
///     println!("{}: {}; {}", check.name, check.found, check.remedy);
/// }
/// assert!(here.enforce_policies());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Abilities {
    /// The kernel's version, as it names itself.
    pub kernel: String,
    /// The version of Landlock's interface; 0 where it is not there, or not switched on.
    pub landlock_abi: u32,
    /// Whether a process may have a user name space of its own.
    pub user_namespaces: bool,
    /// By what a session has mounts of its own.
    pub mounts: Namespaces,
    /// How far Yama lets processes trace others; `None` where it is not there.
    pub ptrace_scope: Option<u8>,
    /// Why a process could not take all steps into its confinement; `None` where one did.
    pub not_confined: Option<String>,
    /// Why the kernel would ask no supervisor about system calls; `None` where it would.
    pub not_asked: Option<String>,
    /// Why a supervisor could take no copies of a session's descriptors; `None` where it could.
    pub not_reached: Option<String>,
    /// Why a supervisor could not read a session's memory and trace it; `None` where it could.
    pub not_traced: Option<String>,
    /// The Python that is started where no other is named.
    pub python: Found,
    /// The Bun that is started where no other is named.
    pub bun: Found,
    /// The C library, which sessions load.
    pub library: Found,
}

/// Something that was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Found {
    /// It is here.
    Here {
        /// Where it is.
        path: PathBuf,
        /// Its version; the C library has none that could be read without loading it.
        version: Option<String>,
    },
    /// It is not, and why.
    Missing(String),
}

/// Something that sessions or policies need, and whether it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What it is called.
    pub name: &'static str,
    /// What was found.
    pub found: String,
    /// Whether that is enough.
    pub is_there: bool,
    /// Whether policies cannot be enforced without it.
    pub is_required: bool,
    /// What it is for.
    pub needed_for: &'static str,
    /// What to do where it is not there.
    pub remedy: &'static str,
}

/// The oldest Python that sessions run in.
const LEAST_PYTHON: (u32, u32) = (3, 10);
/// What an interpreter says of itself: its version, and where it is.
const PYTHON: &str = "import platform, sys; print(platform.python_version()); print(sys.executable)";
const BUN: &str = "console.log(Bun.version); console.log(process.execPath)";

impl Abilities {
    /// Looks at this machine. It starts three processes that end at once, and the interpreters to ask for their versions.
    pub fn here() -> Self {
        let trial = Trial::here();
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let library = find_library(None).map(|path| Found::Here { path, version: None });
        Self {
            kernel: text("/proc/sys/kernel/osrelease"),
            landlock_abi: landlock_abi(),
            user_namespaces: unshares(libc::CLONE_NEWUSER).unwrap_or(false),
            mounts: Namespaces::here().unwrap_or(Namespaces::None),
            ptrace_scope: text("/proc/sys/kernel/yama/ptrace_scope").parse().ok(),
            not_confined: trial.confined.err(),
            not_asked: trial.asked.err(),
            not_reached: trial.reach.copies.err(),
            not_traced: trial.reach.traces.err(),
            python: Found::interpreter(Language::Python),
            bun: Found::interpreter(Language::Bun),
            library: library.unwrap_or_else(|error| Found::Missing(error.to_string())),
        }
    }

    /// Tells whether policies can be enforced; one that denies something inside of what it allows needs mounts too.
    pub fn enforce_policies(&self) -> bool {
        self.checks().iter().all(|check| check.is_there || !check.is_required)
    }

    /// Returns what sessions and policies need, and whether it is there.
    pub fn checks(&self) -> Vec<Check> {
        let tried = |failed: &Option<String>| failed.clone().unwrap_or_else(|| "works".to_owned());
        let required = |name, found, is_there, needed_for, remedy| Check {
            name,
            found,
            is_there,
            is_required: true,
            needed_for,
            remedy,
        };
        let useful = |name, found, is_there, needed_for, remedy| Check {
            is_required: false,
            ..required(name, found, is_there, needed_for, remedy)
        };
        let scope = self.ptrace_scope.map(|scope| format!(" (kernel.yama.ptrace_scope is {scope})"));
        vec![
            required(
                "Landlock",
                format!("interface {} of Linux {}", self.landlock_abi, self.kernel),
                self.landlock_abi >= LEAST as u32,
                "files, TCP ports, signals and abstract sockets: interface 6",
                "Linux 6.12 or later, with `landlock` among its security modules (`lsm=` of its command line), \
                 and a container whose filter lets its calls through",
            ),
            required(
                "confined process",
                tried(&self.not_confined),
                self.not_confined.is_none(),
                "all steps into a confinement, seccomp included, taken once",
                "what the error says of the step that failed: Landlock and seccomp may be refused by a container's filter",
            ),
            required(
                "questions",
                tried(&self.not_asked),
                self.not_asked.is_none(),
                "the limit on processes, programs, and connections by address (seccomp's notifications)",
                "Linux 5.19 or later, and no other listener on this process's own filters, as some containers have",
            ),
            useful(
                "tracing",
                format!("{}{}", tried(&self.not_traced), scope.unwrap_or_default()),
                self.not_traced.is_none(),
                "programs, and connections by address: ptrace of a session by its supervisor",
                "kernel.yama.ptrace_scope of 1 at the most, and a container whose filter lets ptrace through; without, \
                 policies that allow no programs and no addresses",
            ),
            useful(
                "copies of sockets",
                tried(&self.not_reached),
                self.not_reached.is_none(),
                "connections by address: pidfd_getfd of a session by its supervisor",
                "a container with CAP_SYS_PTRACE (Docker: --cap-add SYS_PTRACE), or whose filter lets pidfd_getfd through; \
                 without, policies that allow ports of any address",
            ),
            useful(
                "user name spaces",
                if self.user_namespaces { "allowed" } else { "refused" }.to_owned(),
                self.user_namespaces,
                "mounts without privileges",
                "user.max_user_namespaces above 0, kernel.unprivileged_userns_clone of 1 where there is such a setting, \
                 and a container that lets unshare through; root needs none",
            ),
            useful(
                "mounts",
                self.mounts.describe().to_owned(),
                self.mounts != Namespaces::None,
                "to deny inside of what is allowed, a /tmp of its own, and chmod, chown, utime and setxattr",
                "root with CAP_SYS_ADMIN, or user name spaces in which AppArmor lets a process mount \
                 (kernel.apparmor_restrict_unprivileged_userns of 0 where there is such a setting); without, policies that allow \
                 less than a whole folder and deny nothing in it",
            ),
            useful(
                "Python",
                self.python.describe(),
                self.python.is_version(LEAST_PYTHON),
                "sessions of Python: 3.10 or later",
                "a `python3` in PATH, or its path given to each session",
            ),
            useful(
                "Bun",
                self.bun.describe(),
                self.bun.is_version((0, 0)),
                "sessions of Bun",
                "a `bun` in PATH, or its path given to each session",
            ),
            useful(
                "C library",
                self.library.describe(),
                matches!(self.library, Found::Here { .. }),
                "all sessions, which load it",
                "`cargo clib`, or its path in CIRCLET_LIBRARY",
            ),
        ]
    }
}

impl Found {
    /// Asks the interpreter that is started where no other is named.
    fn interpreter(language: Language) -> Self {
        let program = language.program();
        let ask = match language {
            Language::Python => ["-c", PYTHON],
            Language::Bun => ["-e", BUN],
        };
        let output = match Command::new(program).args(ask).output() {
            Ok(output) => output,
            Err(error) => return Self::Missing(format!("{}: {error}", program.display())),
        };
        let said = String::from_utf8_lossy(&output.stdout);
        match said.lines().collect::<Vec<_>>()[..] {
            [version, path] if output.status.success() => {
                Self::Here { path: path.into(), version: Some(version.to_owned()) }
            }
            _ => {
                let error = String::from_utf8_lossy(&output.stderr);
                Self::Missing(format!("{}: {}", program.display(), error.trim().lines().last().unwrap_or("")))
            }
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Here { path, version: Some(version) } => format!("{version}, {}", path.display()),
            Self::Here { path, version: None } => path.display().to_string(),
            Self::Missing(why) => why.clone(),
        }
    }

    /// Tells whether it is here, and of such a version or a later one.
    fn is_version(&self, least: (u32, u32)) -> bool {
        let Self::Here { version: Some(version), .. } = self else { return false };
        let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= least
    }
}

impl Namespaces {
    fn describe(self) -> &'static str {
        match self {
            Self::Privileged => "by privilege",
            Self::Users => "in a user name space",
            Self::None => "none",
        }
    }
}

/// Asks for the version of Landlock's interface.
fn landlock_abi() -> u32 {
    /// `LANDLOCK_CREATE_RULESET_VERSION`.
    const VERSION: libc::c_uint = 1;
    let none = std::ptr::null::<libc::c_void>();
    // SAFETY: the call takes integers and a pointer that may be NULL here.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0_usize, VERSION) };
    u32::try_from(version).unwrap_or(0)
}

/// How a process fared that took all steps into a confinement, and its supervisor with it.
struct Trial {
    confined: Result<(), String>,
    asked: Result<(), String>,
    reach: Reach,
}

/// What the process says of itself: the step that failed, or 0, and its error; the error of the filter with questions, or 0.
type Report = [u8; 9];

impl Trial {
    fn here() -> Self {
        Self::made().unwrap_or_else(|error| {
            let not_tried = || Err("not tried, as no process could be confined".to_owned());
            let reach = Reach { copies: not_tried(), traces: not_tried() };
            Self { confined: Err(error), asked: not_tried(), reach }
        })
    }

    fn made() -> Result<Self, String> {
        let rulesets = [Fence::default().ruleset(&Ports::default()).map_err(|error| error.to_string())?];
        let here = Namespaces::here().map_err(|error| error.to_string())?;
        let is_mounted = here != Namespaces::None;
        let wishes = Wishes { is_mounted, ..Wishes::default() };
        let steps = Steps {
            limits: rlimits(&Limits::default()),
            has_network: false,
            namespaces: here.flags(),
            maps: here.maps(),
            mounts: if is_mounted { vec![Mount::ReadOnly] } else { Vec::new() },
            late: vec![grounds::own_folder()],
            filter: bpf::program(&calls::verdicts(&wishes), &calls::OTHERS),
        };
        let asks = calls::ASK_PROGRAMS | calls::ASK_CONNECTIONS | calls::ASK_PROCESSES;
        let questions = bpf::program(&calls::last_verdicts(asks), &Verdict::Allow);
        let pipes = io::pipe().and_then(|said| Ok((said, io::pipe()?)));
        let ((mut said, says), (waits, ends)) = pipes.map_err(|error| format!("pipe: {error}"))?;
        // SAFETY: the child makes async-signal-safe calls alone, and ends in them.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: this is the only thread of a process that was made by a fork.
            unsafe { try_all(&steps, &rulesets, &questions, [waits.as_raw_fd(), says.as_raw_fd()]) };
        }
        if child < 0 {
            return Err(format!("fork: {}", io::Error::last_os_error()));
        }
        let descriptor = waits.as_raw_fd();
        drop(says);
        let mut report = Report::default();
        let read = said.read_exact(&mut report);
        let reach = Reach::to(child, descriptor);
        drop((waits, ends));
        end(child);
        read.map_err(|_| "the process ended before it said how it fared".to_owned())?;
        let number =
            |at: usize| i32::from_le_bytes([report[at], report[at + 1], report[at + 2], report[at + 3]]);
        let error = |what: &str, number| format!("{what}: {}", io::Error::from_raw_os_error(number));
        if let Some(stage) = Stage::of(report[0]) {
            return Err(error(&format!("{stage:?}"), number(1)));
        }
        let asked = match number(5) {
            0 => Ok(()),
            failed => Err(error("seccomp", failed)),
        };
        Ok(Self { confined: Ok(()), asked, reach })
    }
}

/// Takes all steps, says how it fared by the second descriptor, and waits at the first until it is killed.
///
/// # Safety
/// As [`Steps::take`].
unsafe fn try_all(steps: &Steps, rulesets: &[OwnedFd], questions: &[Instruction], pipes: [RawFd; 2]) -> ! {
    let mut kept = pipes;
    kept.sort_unstable();
    let mut report = Report::default();
    // SAFETY: the caller's promise.
    match unsafe { steps.take(rulesets, &kept, false) } {
        Err((stage, error)) => {
            report[0] = stage as u8;
            report[1..5].copy_from_slice(&error.raw_os_error().unwrap_or(0).to_le_bytes());
        }
        Ok(()) => {
            if let Err(error) = install(questions, LISTENS) {
                report[5..].copy_from_slice(&error.raw_os_error().unwrap_or(0).to_le_bytes());
            }
        }
    }
    let [waits, says] = pipes;
    let mut byte = 0_u8;
    // SAFETY: the buffers outlive the calls, and are as long as said.
    unsafe {
        libc::write(says, report.as_ptr().cast(), report.len());
        libc::read(waits, (&raw mut byte).cast(), 1);
        libc::_exit(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn able() -> Abilities {
        let found = |version: Option<&str>| Found::Here {
            path: "/usr/bin/it".into(),
            version: version.map(str::to_owned),
        };
        Abilities {
            kernel: "6.12.0".to_owned(),
            landlock_abi: 6,
            user_namespaces: true,
            mounts: Namespaces::Users,
            ptrace_scope: Some(1),
            not_confined: None,
            not_asked: None,
            not_reached: None,
            not_traced: None,
            python: found(Some("3.10.4")),
            bun: found(Some("1.2.0")),
            library: found(None),
        }
    }

    fn missing(abilities: &Abilities) -> Vec<&'static str> {
        abilities.checks().iter().filter(|check| !check.is_there).map(|check| check.name).collect()
    }

    #[test]
    fn a_machine_with_everything_misses_nothing() {
        assert_eq!(missing(&able()), [""; 0]);
        assert!(able().enforce_policies());
    }

    #[test]
    fn policies_cannot_be_enforced_without_what_all_of_them_need() {
        let refused = || Some("Operation not permitted".to_owned());
        for (without, name) in [
            (Abilities { landlock_abi: 5, ..able() }, "Landlock"),
            (Abilities { not_confined: refused(), ..able() }, "confined process"),
            (Abilities { not_asked: refused(), ..able() }, "questions"),
        ] {
            assert_eq!(missing(&without), [name]);
            assert!(!without.enforce_policies(), "{name}");
        }
    }

    #[test]
    fn policies_are_enforced_without_mounts_reach_interpreters_and_the_library() {
        let refused = || Some("Operation not permitted".to_owned());
        let none = || Found::Missing("nowhere".to_owned());
        let bare = Abilities {
            user_namespaces: false,
            mounts: Namespaces::None,
            ptrace_scope: None,
            not_reached: refused(),
            not_traced: refused(),
            python: none(),
            bun: none(),
            library: none(),
            ..able()
        };
        let names =
            ["tracing", "copies of sockets", "user name spaces", "mounts", "Python", "Bun", "C library"];
        assert_eq!(missing(&bare), names);
        assert!(bare.enforce_policies());
    }

    #[test]
    fn a_python_is_as_old_as_its_numbers_say() {
        let python = |version: &str| Found::Here { path: "/p".into(), version: Some(version.to_owned()) };
        assert!(python("3.10.0").is_version(LEAST_PYTHON) && python("4.0.0rc1").is_version(LEAST_PYTHON));
        assert!(!python("3.9.18").is_version(LEAST_PYTHON) && !python("").is_version(LEAST_PYTHON));
    }

    #[test]
    fn what_a_process_could_not_do_is_told_with_the_step() {
        let here = Abilities::here();
        // A machine that has all of it, or one that says what it lacks.
        let required = here.not_confined.iter().chain(&here.not_asked);
        let mut told = required.clone().chain(&here.not_reached).chain(&here.not_traced);
        assert!(told.all(|why| why.contains(": ") || why.starts_with("not tried")), "{here:?}");
        assert_eq!(here.enforce_policies(), required.count() == 0 && here.landlock_abi >= LEAST as u32);
    }
}
