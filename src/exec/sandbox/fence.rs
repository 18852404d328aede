//! Files and folders: what a policy's rules are in terms of Landlock and of mounts.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
};

use super::Unenforceable;
use super::aliases::Table;
use super::enter::Mount;
use super::network::Ports;
use crate::exec::policy::{Access, Action};

/// The oldest interface of Landlock's that has all that a policy needs: signals and abstract sockets are scoped from Linux 6.12 on.
pub(super) const LEAST: ABI = ABI::V6;

/// A rule for a path, which is absolute and without links in it.
#[derive(Clone, Debug)]
pub(super) struct PathRule {
    /// Where the policy has it.
    pub(super) place: String,
    pub(super) path: PathBuf,
    pub(super) action: Action,
    pub(super) access: BTreeSet<Access>,
}

/// What is granted of the paths that there are, and what of it is to be taken away by mounts.
#[derive(Debug, Default)]
pub(super) struct Fence {
    granted: Vec<(PathBuf, BTreeSet<Access>)>,
    /// Below something that is granted: these cannot be written there.
    read_only: Vec<PathBuf>,
    /// Below something that is granted: these cannot be used at all.
    covered: Vec<PathBuf>,
}

const CHANGES: [Access; 3] = [Access::Write, Access::Create, Access::Remove];

impl Fence {
    /// Works out what becomes of the rules.
    ///
    /// # Errors
    /// A rule that denies a part of what another allows, in a way that no mount can.
    pub(super) fn new(rules: &[PathRule]) -> Result<Self, Unenforceable> {
        let mut fence = Self::default();
        for rule in rules.iter().filter(|rule| rule.action != Action::Deny && rule.path.exists()) {
            let denied: BTreeSet<Access> = rules
                .iter()
                .filter(|other| other.action == Action::Deny && rule.path.starts_with(&other.path))
                .flat_map(|other| other.access.iter().copied())
                .collect();
            let access: BTreeSet<Access> = rule.access.difference(&denied).copied().collect();
            if !access.is_empty() {
                fence.granted.push((rule.path.clone(), access));
            }
        }
        for rule in rules.iter().filter(|rule| rule.action == Action::Deny) {
            fence.deny(rule)?;
        }
        Ok(fence)
    }

    fn deny(&mut self, rule: &PathRule) -> Result<(), Unenforceable> {
        let above = self.granted.iter().filter(|(path, _)| rule.path != *path && rule.path.starts_with(path));
        let granted: BTreeSet<Access> = above.flat_map(|(_, access)| access.iter().copied()).collect();
        let denied: BTreeSet<Access> = granted.intersection(&rule.access).copied().collect();
        if denied.is_empty() {
            return Ok(());
        }
        if !rule.path.exists() {
            if granted.contains(&Access::Create) {
                let why =
                    "it denies what is not there yet and could be made, inside of what another rule allows";
                return Err(Unenforceable::new(&rule.place, why));
            }
            return Ok(());
        }
        if denied.iter().all(|access| CHANGES.contains(access)) {
            self.read_only.push(rule.path.clone());
        } else if self.left(&rule.path, &granted, &rule.access).all(|access| CHANGES.contains(access)) {
            self.covered.push(rule.path.clone());
        } else {
            let why = "it denies a part of what another rule allows, and leaves another part: deny all access, or all that changes files";
            return Err(Unenforceable::new(&rule.place, why));
        }
        Ok(())
    }

    /// What may still be done at a path or below it once some access is taken from what is granted above.
    fn left<'a>(
        &'a self,
        path: &'a Path,
        above: &'a BTreeSet<Access>,
        taken: &'a BTreeSet<Access>,
    ) -> impl Iterator<Item = &'a Access> {
        let inside = self.granted.iter().filter(move |(place, _)| place.starts_with(path));
        above.iter().chain(inside.flat_map(|(_, access)| access)).filter(|access| !taken.contains(access))
    }

    /// Tells whether a file may be read.
    pub(super) fn opens(&self, file: &Path) -> bool {
        self.granted.iter().any(|(path, access)| file.starts_with(path) && access.contains(&Access::Read))
    }

    /// Tells whether something is denied as a whole inside of what is granted.
    pub(super) fn covers(&self) -> bool {
        !self.covered.is_empty()
    }

    /// Tells whether it needs mounts of its own.
    pub(super) fn needs_mounts(&self) -> Option<&Path> {
        self.read_only.iter().chain(&self.covered).next().map(PathBuf::as_path)
    }

    /// Tells whether anything is granted below a folder.
    pub(super) fn reaches_below(&self, folder: &Path) -> bool {
        self.granted.iter().any(|(path, _)| path.starts_with(folder))
    }

    /// Tells whether a mount hides what is there.
    pub(super) fn hides(&self, path: &Path) -> bool {
        self.covered.iter().any(|place| path.starts_with(place))
    }

    /// Tells whether a mount stands between a session and what it would do.
    pub(super) fn is_mounted_over(&self, path: &Path, access: Access) -> bool {
        let is_below = |all: &[PathBuf]| all.iter().any(|place| path.starts_with(place));
        let is_kept = || is_below(&self.read_only) || !self.changed().any(|place| path.starts_with(place));
        self.hides(path) || CHANGES.contains(&access) && is_kept()
    }

    /// Returns what may be changed.
    fn changed(&self) -> impl Iterator<Item = &Path> {
        let is_changed = |access: &BTreeSet<Access>| CHANGES.iter().any(|change| access.contains(change));
        self.granted.iter().filter(move |(_, access)| is_changed(access)).map(|(path, _)| path.as_path())
    }

    /// Takes what mounts take back by the other names that it has too.
    pub(super) fn take_aliases(&mut self, table: &Table) {
        for taken in [&mut self.read_only, &mut self.covered] {
            let others = table.others(taken.iter());
            taken.extend(others);
        }
    }

    /// Takes from a file that it may be changed, which is there.
    pub(super) fn keep(&mut self, file: &Path) {
        self.read_only.push(file.to_owned());
    }

    /// Tells whether a file may be changed, or replaced. It is absolute and without links, and need not be there.
    pub(super) fn changes(&self, file: &Path) -> bool {
        let mut kept = self.read_only.iter().chain(&self.covered);
        self.changed().any(|place| file.starts_with(place)) && !kept.any(|place| file.starts_with(place))
    }

    /// Tells the same of a rule for a part of the file system alone: where all of it may be changed, a link leads nowhere else.
    pub(super) fn changes_in_part(&self, file: &Path) -> bool {
        self.changes(file) && !self.changed().any(|place| place == Path::new("/"))
    }

    /// Makes the ruleset of Landlock's: these paths, these ports, and no signals or abstract sockets of others.
    ///
    /// # Errors
    /// What this kernel does not have.
    pub(super) fn ruleset(&self, ports: &Ports) -> Result<OwnedFd, Unenforceable> {
        let made = self.made(ports).map_err(|error| error.to_string());
        made.and_then(|made| made.ok_or_else(|| "it is not switched on".to_owned())).map_err(|error| {
            Unenforceable::new(
                "this kernel's Landlock",
                &format!(
                    "{error}; it is to be Linux 6.12 or later, with `landlock` among its security modules"
                ),
            )
        })
    }

    fn made(&self, ports: &Ports) -> Result<Option<OwnedFd>, RulesetError> {
        let ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(LEAST))?
            .handle_access(AccessNet::ConnectTcp | AccessNet::BindTcp)?;
        let mut created = ruleset.scope(Scope::Signal | Scope::AbstractUnixSocket)?.create()?;
        for (path, access) in &self.granted {
            // It may have gone meanwhile.
            let Ok(opened) = PathFd::new(path) else { continue };
            let flags = flags_of(access)
                & if path.is_dir() { AccessFs::from_all(LEAST) } else { AccessFs::from_file(LEAST) };
            if !flags.is_empty() {
                created = created.add_rule(PathBeneath::new(opened, flags))?;
            }
        }
        for (ports, access) in [(&ports.connect, AccessNet::ConnectTcp), (&ports.listen, AccessNet::BindTcp)]
        {
            for port in ports {
                created = created.add_rule(NetPort::new(*port, access))?;
            }
        }
        Ok(created.into())
    }
}

/// Returns the mounts by which nothing can be changed but what all of these let be: files in memory are in the place of `/tmp` where
/// there is a limit on them; `nothing` is an empty folder and an empty file that nobody may use.
pub(super) fn mounts(fences: &[Fence], tmp: Option<TmpSize>, nothing: [&Path; 2]) -> Vec<Mount> {
    let is_changed =
        |path: &Path| fences.iter().all(|fence| fence.changed().any(|changed| path.starts_with(changed)));
    let writable: BTreeSet<&Path> =
        fences.iter().flat_map(Fence::changed).filter(|path| is_changed(path)).collect();
    // What is below another is writable with that: a mount of its own would keep files from being moved across it.
    let is_outer = |path: &&Path| path.ancestors().skip(1).all(|above| !writable.contains(above));
    let writable: BTreeSet<&Path> = writable.iter().copied().filter(is_outer).collect();
    let bound =
        |from: &Path, to: &Path| c_path(from).zip(c_path(to)).map(|(from, to)| Mount::Bound(from, to));
    let is_all = writable.contains(Path::new("/"));
    // Where all may be changed there is nothing to protect, and no mount could take the place of the root.
    let places: Vec<CString> = writable.into_iter().filter(|_| !is_all).filter_map(c_path).collect();
    let mut mounts: Vec<Mount> = places.iter().cloned().map(Mount::Taken).collect();
    if !is_all {
        mounts.push(Mount::ReadOnly);
    }
    mounts.extend(places.into_iter().map(Mount::Put));
    for path in fences.iter().flat_map(|fence| &fence.read_only) {
        mounts.extend(bound(path, path));
        mounts.extend(c_path(path).map(Mount::Kept));
    }
    let covered: BTreeSet<&Path> =
        fences.iter().flat_map(|fence| &fence.covered).map(PathBuf::as_path).collect();
    // What is below another is not there any more once that is covered.
    for path in covered.iter().filter(|path| path.ancestors().skip(1).all(|above| !covered.contains(above))) {
        mounts.extend(bound(nothing[usize::from(!path.is_dir())], path));
    }
    // The last: what is used in the place of what is denied lies below it, as a rule.
    let tmp = tmp.and_then(|size| CString::new(size.options()).ok());
    mounts.extend(c_path(Path::new(TMP)).zip(tmp).map(|(place, options)| Mount::Memory(place, options)));
    mounts
}

/// How many bytes files in memory may have together; as many as the kernel has for them, half of all memory, where nobody says.
#[derive(Clone, Copy, Debug)]
pub(super) struct TmpSize(pub(super) Option<u64>);

/// For how many bytes there may be a file: each takes memory of the kernel's, and what is said of it too, that no size counts.
const INODE_BYTES: u64 = 16 << 10;
const INODES_MIN: u64 = 1024;

impl TmpSize {
    fn options(self) -> String {
        let size =
            self.0.map(|bytes| format!(",size={bytes},nr_inodes={}", (bytes / INODE_BYTES).max(INODES_MIN)));
        format!("mode=0700{}", size.unwrap_or_default())
    }
}

/// All that may be done to files, but for starting programs.
pub(super) const USE: [Access; 5] =
    [Access::Read, Access::Write, Access::List, Access::Create, Access::Remove];

/// Returns what may be done with a folder for temporary files, as Landlock has it.
pub(super) fn tmp_access() -> u64 {
    flags_of(&USE.into()).bits()
}

/// Where programs put temporary files, whatever their environment says.
pub(super) const TMP: &str = "/tmp";

fn flags_of(access: &BTreeSet<Access>) -> BitFlags<AccessFs> {
    let one = |access: &Access| match access {
        Access::Read => AccessFs::ReadFile.into(),
        Access::Write => AccessFs::WriteFile | AccessFs::Truncate,
        Access::Execute => AccessFs::Execute.into(),
        Access::List => AccessFs::ReadDir.into(),
        // To link or to rename from folder to folder needs both, and gives nobody more than it had.
        Access::Create => {
            AccessFs::MakeReg
                | AccessFs::MakeDir
                | AccessFs::MakeSym
                | AccessFs::MakeSock
                | AccessFs::MakeFifo
                | AccessFs::Refer
        }
        Access::Remove => AccessFs::RemoveFile | AccessFs::RemoveDir | AccessFs::Refer,
    };
    access.iter().map(one).fold(BitFlags::empty(), |all, one| all | one)
}

/// Returns a path as the kernel takes it; one that has a NUL is none.
pub(super) fn c_path(path: &Path) -> Option<CString> {
    CString::new(path.as_os_str().as_bytes()).ok()
}
