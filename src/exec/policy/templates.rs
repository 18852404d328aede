//! Policies that come with the crate.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Policy, PolicyError};

/// The templates' names and texts.
const TEMPLATES: [(&str, &str); 5] = [
    ("strict", include_str!("templates/strict.json")),
    ("no-network", include_str!("templates/no-network.json")),
    ("readonly", include_str!("templates/readonly.json")),
    ("data-science", include_str!("templates/data-science.json")),
    ("networked", include_str!("templates/networked.json")),
];

impl Policy {
    /// The name of the template that stands where nobody has named a policy.
    pub const DEFAULT_TEMPLATE: &str = "no-network";

    /// Returns the names of the templates.
    pub fn template_names() -> Vec<&'static str> {
        TEMPLATES.iter().map(|(name, _)| *name).collect()
    }

    /// Returns a template's text, which is JSON.
    ///
    /// # Errors
    ///
    /// [`PolicyError::NoTemplate`] with the names of those that there are.
    pub fn template_text(name: &str) -> Result<&'static str, PolicyError> {
        let template = TEMPLATES.iter().find(|(template, _)| *template == name);
        template
            .map(|(_, text)| *text)
            .ok_or_else(|| PolicyError::NoTemplate { name: name.to_owned(), names: Self::template_names() })
    }

    /// Returns the absolute paths that templates have rules for.
    pub(super) fn template_paths() -> BTreeSet<PathBuf> {
        let policies = TEMPLATES.iter().filter_map(|(name, _)| Self::template(name).ok());
        let rules = policies.flat_map(|policy| policy.fs.rules);
        rules.flat_map(|rule| rule.paths).filter(|path| path.starts_with('/')).map(PathBuf::from).collect()
    }

    /// Reads a template.
    ///
    /// # Errors
    ///
    /// [`PolicyError::NoTemplate`] with the names of those that there are.
    ///
    /// ```
    /// use circlet::exec::policy::Policy;
    ///
    /// assert!(Policy::template(Policy::DEFAULT_TEMPLATE)?.fs.private_tmp);
    /// # Ok::<(), circlet::exec::policy::PolicyError>(())
    /// ```
    pub fn template(name: &str) -> Result<Self, PolicyError> {
        Self::from_json(Self::template_text(name)?)
    }
}
