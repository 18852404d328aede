//! What an interpreter itself needs, whatever its code may do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::exec::{Error, Language};

/// What an interpreter needs.
#[derive(Clone, Debug)]
pub(in crate::exec) struct Runtime {
    /// The interpreter itself, and no script that looks for it.
    pub(in crate::exec) program: PathBuf,
    /// Files and folders that it reads.
    pub(in crate::exec) reads: BTreeSet<PathBuf>,
}

/// What every program may need of a system: libraries, time zones, languages, how many processors there are.
const SYSTEM: [&str; 21] = [
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/timezone",
    "/usr/share/zoneinfo",
    "/usr/share/locale",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/filesystems",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/kernel/osrelease",
    "/sys/devices/system/cpu",
];

/// Devices that hold nothing.
pub(super) const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Where a Python finds what is its own.
const ASK: &str = "import sys; print('\\0'.join([sys.executable, sys.prefix, sys.base_prefix, sys.exec_prefix, \
                   sys.base_exec_prefix, *sys.path]))";

impl Runtime {
    /// Finds what an interpreter needs. It is asked once.
    ///
    /// # Errors
    /// [`Error::NoPython`].
    pub(in crate::exec) fn of(language: Language, program: &Path) -> Result<Self, Error> {
        static KNOWN: Mutex<BTreeMap<PathBuf, Runtime>> = Mutex::new(BTreeMap::new());
        if let Some(known) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(program) {
            return Ok(known.clone());
        }
        let found = Self::found(language, program)?;
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(program.to_owned(), found.clone());
        Ok(found)
    }

    fn found(language: Language, program: &Path) -> Result<Self, Error> {
        let none =
            |source| Error::NoPython { language: language.name(), program: program.to_owned(), source };
        let ask = match language {
            Language::Python => ["-c", ASK],
            Language::Bun => ["-e", "process.stdout.write(process.execPath)"],
        };
        let output = Command::new(program).args(ask).output().map_err(none)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut said =
            text.trim_end_matches('\n').split('\0').filter(|path| !path.is_empty()).map(PathBuf::from);
        let Some(own) = said.next().filter(|_| output.status.success()) else {
            return Err(none(std::io::Error::other(
                String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            )));
        };
        let system = SYSTEM.iter().map(PathBuf::from);
        // A prefix such as /usr or / is more than an interpreter's own.
        let is_own = |path: &PathBuf| path.is_absolute() && path.components().count() > 2 && path.exists();
        let mut reads: BTreeSet<PathBuf> = said.filter(is_own).chain(system).collect();
        reads.insert(own.clone());
        if let Ok(real) = own.canonicalize() {
            reads.insert(real);
        }
        Ok(Self { program: own, reads })
    }
}
