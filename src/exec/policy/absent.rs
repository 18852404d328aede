//! Rules for what is not there: the kernel takes rules for places that there are when a session starts, and no others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Access, Action, Layer, Place, Policy, Resolved, ResolvedFsRule, Rule};

impl Resolved {
    /// Returns the rules that a session which starts now would not have, each with the path that is not there: what they allow would
    /// be refused, and what they deny would be let be, once it is there. It is pure: whether a path is there is asked of `is_there`.
    ///
    /// Left out are rules that say nothing which others do not, paths of the [templates](Policy::template), which name what many machines
    /// have and others have not, and what is below a session's own folder for temporary files.
    ///
    /// ```
    /// use circlet::exec::policy::{Flags, Policy, Surroundings};
    ///
    /// let flags = Flags { allow_read: Some(vec!["/srv/data".into()]), ..Flags::default() };
    /// let here = Surroundings { cwd: "/srv".into(), home: "/home/ada".into(), tmp: "/tmp".into(), runtime: vec![] };
    /// let policy = flags.add_to(Policy::template("strict")?)?.resolve(&here);
    /// let absent = policy.absent(|path| !path.starts_with("/srv/data"));
    /// assert_eq!(absent[0].0.to_string(), "fs.rules[0] of strict");
    /// assert!(policy.absent(|_| true).is_empty());
    /// # Ok::<(), circlet::exec::policy::PolicyError>(())
    /// ```
    pub fn absent(&self, is_there: impl Fn(&Path) -> bool) -> Vec<(Rule, PathBuf)> {
        let usual = Policy::template_paths();
        let is_absent = |layer: &Layer, path: &Path| {
            let is_own = layer.private_tmp.as_deref().is_some_and(|tmp| path.starts_with(tmp));
            let is_usual = layer.runtime.iter().any(|needed| needed == path) || usual.contains(path);
            !is_own && !is_usual && !is_there(path)
        };
        let mut absent = Vec::new();
        for layer in &self.layers {
            let granted: Vec<_> = granting(&layer.fs_rules, &is_there).collect();
            for (index, rule) in layer.fs_rules.iter().enumerate() {
                let paths = rule.paths.iter().filter(|path| is_absent(layer, path));
                let paths = paths.filter(|path| layer.misses_files(rule, path, &granted));
                absent.extend(paths.map(|path| (layer.rule(Place::FsRule(index)), path.clone())));
            }
            for (index, rule) in layer.exec_rules.iter().enumerate() {
                let paths = rule.paths.iter().filter(|path| is_absent(layer, path));
                let paths = paths.filter(|path| layer.misses_program(rule.action, path, &is_there));
                absent.extend(paths.map(|path| (layer.rule(Place::ExecRule(index)), path.clone())));
            }
        }
        absent
    }
}

/// Returns the paths that are there of rules that do not deny, with what each lets be done.
fn granting(
    rules: &[ResolvedFsRule],
    is_there: impl Fn(&Path) -> bool,
) -> impl Iterator<Item = (&Path, &BTreeSet<Access>)> {
    let rules = rules.iter().filter(|rule| rule.action != Action::Deny);
    let paths = rules.flat_map(|rule| rule.paths.iter().map(|path| (path.as_path(), &rule.access)));
    paths.filter(move |(path, _)| is_there(path))
}

impl Layer {
    /// Tells whether something of a rule is missing where its path is not there, by what is granted of folders above.
    fn misses_files(
        &self,
        rule: &ResolvedFsRule,
        path: &Path,
        granted: &[(&Path, &BTreeSet<Access>)],
    ) -> bool {
        let is_granted = |access: &Access| {
            let mut above = granted.iter().filter(|(folder, _)| path.starts_with(folder));
            self.fs_default != Action::Deny || above.any(|(_, granted)| granted.contains(access))
        };
        match rule.action {
            // What nothing allows stays denied.
            Action::Deny => rule.access.iter().any(is_granted),
            Action::Allow | Action::Warn => !rule.access.iter().all(is_granted),
        }
    }

    /// As [`Self::misses_files`], of programs: who is asked of these denies by the path that it is asked of.
    fn misses_program(&self, action: Action, path: &Path, is_there: impl Fn(&Path) -> bool) -> bool {
        let rules = self.exec_rules.iter().filter(|rule| rule.action != Action::Deny);
        let mut above = rules.flat_map(|rule| &rule.paths).filter(|folder| path.starts_with(folder));
        action != Action::Deny && self.exec_default == Action::Deny && !above.any(|folder| is_there(folder))
    }
}
