//! Policies where they are used: each path is a place in the file system.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Given;
use super::written::{Beginning, normal, parse_sha256, split_path};
use super::{Access, Action, Env, Limits, Net, Policy, PolicyError, Request};

/// What the beginnings of paths stand for. All of it is absolute, with no symlink in it; what is relative is taken from the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The folder that the code runs in: `$CWD`.
    pub cwd: PathBuf,
    /// The user's folder: `$HOME` and `~`.
    pub home: PathBuf,
    /// The folder for temporary files as the code sees it: `$TMP`. It is the session's own where a policy has `fs.private_tmp`.
    pub tmp: PathBuf,
    /// The files and folders that the interpreter itself needs: `$RUNTIME`.
    pub runtime: Vec<PathBuf>,
}

/// One policy or several in their place, ready to [decide](Self::decide).
///
/// It holds a layer for each policy, and a request has the strictest decision of all layers. They are not made into one policy,
/// because rules have no way to say that two of them must fit: what two policies allow together, with the folders of one,
/// the defaults of the other, and warnings of both, would need a rule for each pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub(super) layers: Vec<Layer>,
}

/// One policy in its place. Its rules stand where they stand in the policy, so that a decision can name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// What people call the policy.
    pub name: Option<Arc<str>>,
    /// What becomes of files and folders that no rule fits, and that nothing else allows.
    pub fs_default: Action,
    /// Rules for files and folders.
    pub fs_rules: Vec<ResolvedFsRule>,
    /// What the interpreter needs: read, listed and executed where no rule says otherwise.
    pub runtime: Vec<PathBuf>,
    /// The session's own folder for temporary files, if it has one: all but executed where no rule says otherwise.
    pub private_tmp: Option<PathBuf>,
    /// Networks, as the policy has them.
    pub net: Net,
    /// What becomes of programs that no rule fits.
    pub exec_default: Action,
    /// Rules for programs.
    pub exec_rules: Vec<ResolvedExecRule>,
    /// Variables, as the policy has them.
    pub env: Env,
    /// Limits, as the policy has them.
    pub limits: Limits,
    /// System calls that are denied.
    pub syscalls_deny: BTreeSet<String>,
    /// The file to which decisions are added.
    pub audit_file: Option<PathBuf>,
    /// Whether refusals of files are written down too.
    pub audit_files: bool,
}

/// A rule for paths, in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedFsRule {
    /// What becomes of what it fits.
    pub action: Action,
    /// Absolute paths: they fit, and all below them.
    pub paths: BTreeSet<PathBuf>,
    /// What may be done, or may not.
    pub access: BTreeSet<Access>,
}

/// A rule for programs, in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedExecRule {
    /// What becomes of what it fits.
    pub action: Action,
    /// Absolute paths of the program or folder: they fit, and all below them.
    pub paths: BTreeSet<PathBuf>,
    /// The SHA-256 of the program's file.
    pub sha256: Option<[u8; 32]>,
}

impl Surroundings {
    /// Returns the place that a path stands for which begins as a policy's may: with `/`, `$CWD`, `$HOME`, `~` or `$TMP`.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Value`] for a path that no policy has, and for `$RUNTIME`, which is several places.
    pub fn place(&self, text: &str) -> Result<PathBuf, PolicyError> {
        let wrong = |allowed: String| {
            let (place, given) = ("path".to_owned(), Given::Text(text.to_owned()));
            PolicyError::Value { place, given, allowed }
        };
        let (folder, rest) = match split_path(text).map_err(wrong)? {
            (Beginning::Root, rest) => (Path::new("/"), rest),
            (Beginning::Cwd, rest) => (self.cwd.as_path(), rest),
            (Beginning::Home, rest) => (self.home.as_path(), rest),
            (Beginning::Tmp, rest) => (self.tmp.as_path(), rest),
            (Beginning::Runtime, _) => {
                return Err(wrong("$RUNTIME stands for several places: name one of them".to_owned()));
            }
        };
        Ok(normal(&normal(folder).join(rest)))
    }

    /// Returns the places that a path of a policy stands for. One that [`Policy::check`] refuses is taken from `$CWD`.
    fn places(&self, text: &str) -> BTreeSet<PathBuf> {
        if let Ok((Beginning::Runtime, _)) = split_path(text) {
            return self.runtime.iter().map(|path| normal(path)).collect();
        }
        let place = self.place(text).unwrap_or_else(|_| normal(&normal(&self.cwd).join(text)));
        BTreeSet::from([place])
    }
}

impl Policy {
    /// Puts the policy in its place. It is pure: no file system is asked, and symlinks stay what they are; see
    /// [`Resolved::with_real_paths`].
    pub fn resolve(&self, surroundings: &Surroundings) -> Resolved {
        let fs_rule = |rule: &super::FsRule| ResolvedFsRule {
            action: rule.action,
            paths: rule.paths.iter().flat_map(|path| surroundings.places(path)).collect(),
            access: rule.access.clone(),
        };
        let exec_rule = |rule: &super::ExecRule| {
            let sha256 = rule.sha256.as_deref().and_then(parse_sha256);
            // Without its hash, which `check` refuses, a rule would allow any content.
            let is_whole = sha256.is_some() == rule.sha256.is_some();
            let action = if is_whole { rule.action } else { Action::Deny };
            ResolvedExecRule { action, paths: surroundings.places(&rule.path), sha256 }
        };
        let audit_file = self.audit.file.as_deref();
        let layer = Layer {
            name: self.name.as_deref().map(Arc::from),
            fs_default: self.fs.default,
            fs_rules: self.fs.rules.iter().map(fs_rule).collect(),
            runtime: surroundings.runtime.iter().map(|path| normal(path)).collect(),
            private_tmp: self.fs.private_tmp.then(|| normal(&surroundings.tmp)),
            net: self.net.clone(),
            exec_default: self.exec.default,
            exec_rules: self.exec.rules.iter().map(exec_rule).collect(),
            env: self.env.clone(),
            limits: self.limits,
            syscalls_deny: self.syscalls.deny.clone(),
            audit_file: audit_file.and_then(|file| surroundings.places(file).pop_first()),
            audit_files: self.audit.files,
        };
        Resolved { layers: vec![layer] }
    }
}

impl Resolved {
    /// Returns the policies that it is made of: one at least.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Adds to each path the one that `real` makes of it, for a rule whose path is a symlink, or goes through one: the kernel
    /// knows where it leads, and a request has that.
    #[must_use]
    pub fn with_real_paths(mut self, real: impl Fn(&Path) -> Option<PathBuf>) -> Self {
        let add = |paths: &mut BTreeSet<PathBuf>| {
            let real: Vec<_> = paths.iter().filter_map(|path| real(path)).map(|path| normal(&path)).collect();
            paths.extend(real);
        };
        for layer in &mut self.layers {
            layer.fs_rules.iter_mut().for_each(|rule| add(&mut rule.paths));
            layer.exec_rules.iter_mut().for_each(|rule| add(&mut rule.paths));
            let mut runtime: BTreeSet<_> = layer.runtime.drain(..).collect();
            add(&mut runtime);
            layer.runtime = runtime.into_iter().collect();
        }
        self
    }

    /// Returns the variables that the code has, of those that the supervisor has.
    ///
    /// A value that a policy sets stands in the place of the supervisor's.
    pub fn environment(
        &self,
        supervisor: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> BTreeMap<OsString, OsString> {
        let set = self.layers.iter().flat_map(|layer| &layer.env.set);
        let set = set.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        // What is set comes later, and takes the place.
        let wanted = supervisor.into_iter().chain(set);
        wanted.filter(|(name, _)| self.has_variable(name)).collect()
    }

    fn has_variable(&self, name: &OsStr) -> bool {
        // A name that is no text is none that a policy could have.
        let name = name.to_str();
        name.is_some_and(|name| self.decide(&Request::Variable { name }).action != Action::Deny)
    }
}
