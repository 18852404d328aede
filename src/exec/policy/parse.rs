//! Policies from JSON.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Policy, PolicyError};

/// What is looked at first: a document of another version may have any other form.
#[derive(Deserialize)]
struct Head {
    #[serde(default, deserialize_with = "there")]
    version: Option<serde_json::Value>,
}

/// Reads what is there, null too.
fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
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
        let text = without_mark(text);
        if let Ok(Head { version: Some(version) }) = serde_json::from_str(text)
            && version != Self::VERSION
        {
            return Err(PolicyError::Version { given: version.to_string() });
        }
        let policy: Self = read(text)?;
        policy.check()?;
        Ok(policy)
    }

    /// Reads a policy from a regular file of JSON, which has at most 16 MiB.
    ///
    /// # Errors
    ///
    /// Those of [`Policy::from_json`], which then name the file, and that the file cannot be read.
    pub fn read(file: &Path) -> Result<Self, PolicyError> {
        let text =
            read_file(file).map_err(|source| PolicyError::Unreadable { file: file.to_owned(), source })?;
        Self::from_json(&text)
            .map_err(|source| PolicyError::File { file: file.to_owned(), source: Box::new(source) })
    }

    /// Writes the policy as JSON, in lines.
    pub fn to_json(&self) -> String {
        // Nothing of it can fail: all keys and paths are texts, and no number is a fraction.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// The longest file that is read as a policy.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Reads a file that has an end, and not too far.
fn read_file(file: &Path) -> io::Result<String> {
    // A pipe that nobody writes into would hold up whoever opens it, and a terminal could become this process's own.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(file)?;
    let found = file.metadata()?;
    if !found.is_file() {
        let kind = if found.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(io::Error::other(format!("it is {kind}: give a regular file of JSON")));
    }
    let mut content = Vec::new();
    // It may grow while it is read.
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
    if read as u64 > FILE_BYTES_MAX {
        let given = found.len().max(read as u64);
        return Err(io::Error::other(format!(
            "it has {given} bytes: a policy has at most {FILE_BYTES_MAX} bytes (16 MiB)"
        )));
    }
    String::from_utf8(content).map_err(|_| io::Error::other("it is no UTF-8: give JSON"))
}

/// Returns a text without the mark of the order of bytes that some editors begin a file with.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
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
