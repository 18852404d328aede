//! Policies from JSON.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Policy, PolicyError};

/// What is looked at first: a document of another version may have any other form.
#[derive(Deserialize)]
struct Head {
    version: Option<serde_json::Value>,
}

impl Policy {
    /// The version of the format that is read and written here.
    pub const VERSION: u32 = 1;

    /// Reads a policy from JSON.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] for a text that is no JSON, for fields that a policy has not, for another version, and for values that
    /// mean nothing; it says where, what was given, and what is allowed.
    ///
    /// ```
    /// use circlet::exec::policy::Policy;
    ///
    /// let error = Policy::from_json(r#"{"version": 1, "fs": {"default": "permit"}}"#).unwrap_err();
    /// assert!(error.to_string().starts_with("fs.default: unknown variant `permit`, expected one of `allow`"));
    /// ```
    pub fn from_json(text: &str) -> Result<Self, PolicyError> {
        if let Ok(Head { version: Some(version) }) = serde_json::from_str(text)
            && version != Self::VERSION
        {
            return Err(PolicyError::Version { given: version.to_string() });
        }
        let policy: Self = read(text)?;
        policy.check()?;
        Ok(policy)
    }

    /// Reads a policy from a file of JSON.
    ///
    /// # Errors
    ///
    /// Those of [`Policy::from_json`], which then name the file, and that the file cannot be read.
    pub fn read(file: &Path) -> Result<Self, PolicyError> {
        let text = fs::read_to_string(file)
            .map_err(|source| PolicyError::Unreadable { file: file.to_owned(), source })?;
        Self::from_json(&text)
            .map_err(|source| PolicyError::File { file: file.to_owned(), source: Box::new(source) })
    }

    /// Writes the policy as JSON, in lines.
    pub fn to_json(&self) -> String {
        // Nothing of it can fail: all keys and paths are texts, and no number is a fraction.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Reads JSON, and says where it is not what it should be.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, PolicyError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let found = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let place = error.path().to_string();
        // It names the whole document so, and what ends before it begins.
        let place = if place == "." || place == "?" { String::new() } else { place };
        PolicyError::Form { place, source: error.into_inner() }
    })?;
    deserializer.end().map_err(|source| PolicyError::Form { place: String::new(), source })?;
    Ok(found)
}
