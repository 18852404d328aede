//! What a session has of the file system: its policies' rules as the kernel takes them, and a folder for temporary files.

use std::ffi::CString;
use std::path::{Component, Path, PathBuf};

use super::Unenforceable;
use super::aliases::Table;
use super::enter::{Mount, TAKEN_MAX};
use super::fence::{self, Fence, PathRule, TMP, TmpSize, USE, tmp_access};
use super::places::{Namespaces, Places};
use super::runtime::{DEVICES, Runtime};
use super::walk::LINKS;
use crate::exec::Error;
use crate::exec::policy::{Access, Action, Layer, Policy, Resolved, Surroundings};

/// What every session may, whatever its policy is.
pub(super) const RUNTIME: &str = "$RUNTIME";

/// Where a session has its temporary files.
#[derive(Debug)]
pub(super) enum Tmp {
    /// No policy gives it such a place.
    None,
    /// In memory, in the place of /tmp.
    InPlace,
    /// In a folder of its own.
    Folder(PathBuf),
}

impl Tmp {
    pub(super) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::None => None,
            Self::InPlace => Some(PathBuf::from(TMP)),
            Self::Folder(path) => Some(path.clone()),
        }
    }
}

/// What a session's policies say of files, each as rules and as a fence; where nothing that the kernel needs is missing.
#[derive(Debug)]
pub(super) struct Grounds {
    pub(super) resolved: Resolved,
    pub(super) rules: Vec<Vec<PathRule>>,
    pub(super) fences: Vec<Fence>,
    pub(super) tmp: Tmp,
    /// What stays as long as the session does.
    pub(super) places: Option<Places>,
    here: Namespaces,
}

impl Grounds {
    /// # Errors
    /// What of the policies cannot be enforced here.
    pub(super) fn new(
        policies: &[Policy],
        runtime: &Runtime,
        library: &Path,
        here: Namespaces,
    ) -> Result<Self, Error> {
        let put = |tmp: Option<&Path>| -> Result<_, Error> {
            let given = given(policies, runtime, tmp.unwrap_or(Path::new(TMP)).to_owned())?;
            let resolved = real(&given);
            let rules_of = |layer: &Layer| rules_of_one(layer, runtime, library, tmp);
            let rules: Vec<_> = resolved.layers().iter().map(rules_of).collect();
            let fences = rules.iter().map(|rules| Fence::new(rules)).collect::<Result<Vec<_>, _>>()?;
            check_links(&given, &fences)?;
            Ok((resolved, rules, fences))
        };
        let (mut resolved, mut rules, mut fences) = put(None)?;
        // In the place of /tmp, unless something there is allowed, which it would hide.
        let has_tmp = resolved.private_tmp().is_some();
        let reaches = fences.iter().any(|fence| fence.reaches_below(Path::new(TMP)));
        let is_in_place = here != Namespaces::None && has_tmp && !reaches;
        let mut tmp = if is_in_place { Tmp::InPlace } else { Tmp::None };
        let mut places = None;
        if has_tmp && !is_in_place || fences.iter().any(Fence::covers) {
            let made = Places::new().map_err(Error::os("mkdir"))?;
            if has_tmp && !is_in_place {
                (resolved, rules, fences) = put(Some(&made.tmp()))?;
                tmp = Tmp::Folder(made.tmp());
            }
            places = Some(made);
        }
        if let (Some(path), Namespaces::None) = (fences.iter().find_map(Fence::needs_mounts), here) {
            let why = "what is denied inside of what is allowed needs a mount of its own, and this system lets no process have \
                       any: allow less, run as root with CAP_SYS_ADMIN, or allow user name spaces and mounts in them";
            return Err(Unenforceable::new(&path.display().to_string(), why).into());
        }
        Ok(Self { resolved, rules, fences, tmp, places, here })
    }

    /// Keeps the files that records go to, which are there by now, from the code that these are about.
    ///
    /// # Errors
    /// The code could change one, and there are no mounts to keep it.
    pub(super) fn keep_audit(&mut self) -> Result<(), Unenforceable> {
        for file in self.resolved.audit_files() {
            let Ok(real) = file.canonicalize() else { continue };
            // A device, or a pipe, is written to and keeps nothing.
            if !real.is_file() || !self.fences.iter().all(|fence| fence.changes(&real)) {
                continue;
            }
            if self.here == Namespaces::None {
                let why = format!(
                    "code could change {} itself, and this system lets no process have mounts of its own to keep it: \
                     put it where no rule lets files be changed",
                    real.display()
                );
                return Err(Unenforceable::new("audit.file", &why));
            }
            self.fences.iter_mut().for_each(|fence| fence.keep(&real));
        }
        Ok(())
    }

    /// What it mounts.
    ///
    /// # Errors
    /// More than a session can.
    pub(super) fn mounts(&mut self) -> Result<Vec<Mount>, Error> {
        if self.here == Namespaces::None {
            return Ok(Vec::new());
        }
        if self.fences.iter().any(|fence| fence.needs_mounts().is_some()) {
            let table = Table::here().map_err(Error::os("open"))?;
            self.fences.iter_mut().for_each(|fence| fence.take_aliases(&table));
        }
        let nothing = self.places.as_ref().map_or_else(Default::default, Places::nothing);
        let size = TmpSize(self.resolved.limits().memory_bytes);
        let in_place = matches!(self.tmp, Tmp::InPlace).then_some(size);
        let mounts = fence::mounts(&self.fences, in_place, nothing.each_ref().map(PathBuf::as_path));
        if mounts.iter().filter(|mount| matches!(mount, Mount::Taken(_))).count() > TAKEN_MAX {
            let why = format!(
                "more than {TAKEN_MAX} places may be changed: allow folders that have several of them"
            );
            return Err(Unenforceable::new("fs", &why).into());
        }
        Ok(mounts)
    }
}

/// A process's own folder in /proc, and what it may do there: `READ_FILE` and `READ_DIR` of Landlock's.
pub(super) fn own_folder() -> Vec<(CString, u64)> {
    vec![(c"/proc/self".to_owned(), 1 << 2 | 1 << 3)]
}

/// The folders that are another for each session, and what it may do there by one policy.
pub(super) fn own_folders(layer: &Layer, tmp: &Tmp) -> Vec<(CString, u64)> {
    let has_tmp = matches!(tmp, Tmp::InPlace) && layer.private_tmp.is_some();
    let tmp = has_tmp.then(|| (c"/tmp".to_owned(), tmp_access()));
    own_folder().into_iter().chain(tmp).collect()
}

/// Puts policies in their place, which is this process's, with where their paths really lead.
///
/// # Errors
/// [`Error::Os`] where this process has no folder that it is in.
pub(in crate::exec) fn resolved(
    policies: &[Policy],
    runtime: &Runtime,
    tmp: PathBuf,
) -> Result<Resolved, Error> {
    given(policies, runtime, tmp).map(|given| real(&given))
}

/// Puts policies in their place, with paths as they are given.
fn given(policies: &[Policy], runtime: &Runtime, tmp: PathBuf) -> Result<Resolved, Error> {
    let cwd = std::env::current_dir().map_err(Error::os("getcwd"))?;
    let home = std::env::home_dir()
        .filter(|home| home.is_absolute())
        .unwrap_or_else(|| PathBuf::from("/nonexistent"));
    let runtime = runtime.reads.iter().cloned().collect();
    let here = Surroundings { cwd, home, tmp, runtime };
    let all = policies.iter().map(|policy| policy.resolve(&here)).reduce(Resolved::merged_with);
    Ok(all.ok_or_else(|| Unenforceable::new("the policy", "there is none"))?)
}

/// Follows the links in a policy's paths. A process's own folder in /proc is another for each, and is let to each by another way.
fn real(given: &Resolved) -> Resolved {
    given.clone().with_real_paths(|path| if is_own(path) { None } else { path.canonicalize().ok() })
}

/// Refuses a path by a link that lies where code may change it: code of an earlier session could have made it, and have it lead
/// where nobody meant.
fn check_links(given: &Resolved, fences: &[Fence]) -> Result<(), Unenforceable> {
    let is_changed = |link: &PathBuf| fences.iter().all(|fence| fence.changes_in_part(link));
    let check = |place: &str, path: &Path| match links(path).into_iter().find(is_changed) {
        Some(link) if !is_own(path) => {
            let why = format!(
                "{} is a link in a folder that code may change, which could have made it lead anywhere: name the place that is meant",
                link.display()
            );
            Err(Unenforceable::new(place, &why))
        }
        _ => Ok(()),
    };
    for layer in given.layers() {
        for (at, rule) in layer.fs_rules.iter().enumerate() {
            rule.paths.iter().try_for_each(|path| check(&format!("fs.rules[{at}]"), path))?;
        }
        for (at, rule) in layer.exec_rules.iter().enumerate() {
            rule.paths.iter().try_for_each(|path| check(&format!("exec.rules[{at}]"), path))?;
        }
        layer.audit_file.iter().try_for_each(|path| check("audit.file", path))?;
    }
    Ok(())
}

/// Returns the links on the way to where a path leads, each by its real place.
fn links(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut at = PathBuf::from("/");
    let mut left: Vec<PathBuf> = vec![path.to_owned()];
    while let Some(rest) = left.pop() {
        let mut parts = rest.components();
        let Some(part) = parts.next() else { continue };
        left.push(parts.as_path().to_owned());
        match part {
            Component::RootDir => at = PathBuf::from("/"),
            Component::ParentDir => drop(at.pop()),
            Component::Normal(name) => {
                let next = at.join(name);
                match next.read_link() {
                    Ok(target) if found.len() < LINKS => {
                        left.push(target);
                        found.push(next);
                    }
                    _ => at = next,
                }
            }
            Component::CurDir | Component::Prefix(_) => {}
        }
    }
    found
}

/// Tells whether a path is the same for every process, and leads to its own folder in /proc.
fn is_own(path: &Path) -> bool {
    ["/proc/self", "/proc/thread-self"].iter().any(|own| path.starts_with(own))
}

fn rule(place: impl Into<String>, path: &Path, action: Action, access: &[Access]) -> PathRule {
    PathRule { place: place.into(), path: path.to_owned(), action, access: access.iter().copied().collect() }
}

/// Returns the rules for files of one policy, and what every interpreter may.
///
/// Its folder for temporary files is this, if it is there before the session is.
fn rules_of_one(layer: &Layer, runtime: &Runtime, library: &Path, tmp: Option<&Path>) -> Vec<PathRule> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut rules: Vec<PathRule> = Vec::new();
    for (at, given) in layer.fs_rules.iter().enumerate() {
        for path in given.paths.iter().filter(|path| !is_own(path)) {
            let access = given.access.clone();
            rules.push(PathRule {
                place: format!("fs.rules[{at}]"),
                path: real(path),
                action: given.action,
                access,
            });
        }
    }
    for (at, given) in layer.exec_rules.iter().enumerate().filter(|(_, given)| given.action != Action::Deny) {
        let access = [Access::Read, Access::Execute];
        rules.extend(
            given
                .paths
                .iter()
                .map(|path| rule(format!("exec.rules[{at}]"), &real(path), given.action, &access)),
        );
    }
    if layer.exec_default != Action::Deny {
        rules.push(rule("exec.default", Path::new("/"), Action::Allow, &[Access::Execute]));
    }
    if layer.fs_default != Action::Deny {
        rules.push(rule("fs.default", Path::new("/"), Action::Allow, &USE));
    }
    if let Some(tmp) = tmp.filter(|_| layer.private_tmp.is_some()) {
        rules.push(rule("fs.private_tmp", tmp, Action::Allow, &USE));
    }
    let reads = layer.runtime.iter().map(|path| real(path)).chain([real(library)]);
    rules.extend(reads.map(|path| rule(RUNTIME, &path, Action::Allow, &[Access::Read, Access::List])));
    let devices =
        DEVICES.map(|path| rule(RUNTIME, Path::new(path), Action::Allow, &[Access::Read, Access::Write]));
    // To begin with: once the session is locked no program is started.
    let programs = ["/lib64", "/lib", "/usr/lib", "/usr/lib64"].map(|path| real(Path::new(path)));
    let programs = programs.into_iter().chain([real(&runtime.program)]);
    rules.extend(devices);
    rules.extend(programs.map(|path| rule(RUNTIME, &path, Action::Allow, &[Access::Execute])));
    rules
}
