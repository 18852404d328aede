//! Paths and names as a policy has them written, and what they may be.

use std::path::{Component, Path, PathBuf};

/// The beginnings that stand for a folder which is known where the policy is used.
const PREFIXES: [(&str, Beginning); 5] = [
    ("$CWD", Beginning::Cwd),
    ("$HOME", Beginning::Home),
    ("~", Beginning::Home),
    ("$TMP", Beginning::Tmp),
    ("$RUNTIME", Beginning::Runtime),
];

/// What a path begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// The file system's root.
    Root,
    /// The folder that the code runs in.
    Cwd,
    /// The user's folder.
    Home,
    /// The folder for temporary files.
    Tmp,
    /// Each of the folders and files that the interpreter needs.
    Runtime,
}

/// Splits a path into what it begins with, and the rest, which begins with no slash.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn split_path(text: &str) -> Result<(Beginning, &str), String> {
    if text.contains('\0') {
        return Err("no path has a NUL in it".to_owned());
    }
    if text.split('/').any(|component| component == "..") {
        return Err("write the path without `..`".to_owned());
    }
    for (prefix, beginning) in PREFIXES {
        match text.strip_prefix(prefix) {
            Some("") => return Ok((beginning, "")),
            Some(rest) if rest.starts_with('/') && beginning == Beginning::Runtime => {
                return Err(
                    "$RUNTIME stands for several folders and has nothing after it; name a folder below it by its own path"
                        .to_owned(),
                );
            }
            Some(rest) if rest.starts_with('/') => return Ok((beginning, rest.trim_start_matches('/'))),
            _ => {}
        }
    }
    if text.starts_with('/') {
        return Ok((Beginning::Root, text.trim_start_matches('/')));
    }
    Err("give an absolute path, or one that begins with $CWD, $HOME, ~, $TMP or $RUNTIME".to_owned())
}

/// Makes a path absolute, without `.`, `..` and doubled slashes, by its letters alone: no file system is asked.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut whole = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => whole.push(name),
            Component::ParentDir => {
                whole.pop();
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    whole
}

/// Tells whether a path names one place for certain: it is absolute and goes nowhere up.
pub(super) fn is_certain(path: &Path) -> bool {
    path.is_absolute() && !path.components().any(|component| component == Component::ParentDir)
}

/// Tells whether this is a domain's name: labels of letters, digits, hyphens and underscores, and no address.
pub(super) fn is_domain(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // The C library takes `1`, `127.1` and `0x7f.1` for addresses.
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|b| b.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    name.len() <= 253 && name.split('.').all(label) && !is_number
}

/// Tells whether a name fits a variable's name as it is written, where `*` at the end stands for anything.
pub(super) fn fits_name(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

/// Reads the SHA-256 of a file.
pub(super) fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let bytes: Vec<u8> =
        digits?.chunks(2).map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit)).collect();
    // An odd digit would pass for a byte of its own.
    bytes.try_into().ok().filter(|_| text.len() == 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_with_the_root_or_a_prefix_and_never_goes_up() {
        assert_eq!(split_path("/usr/lib"), Ok((Beginning::Root, "usr/lib")));
        assert_eq!(split_path("~/x"), Ok((Beginning::Home, "x")));
        assert_eq!(split_path("$CWD"), Ok((Beginning::Cwd, "")));
        assert_eq!(split_path("$TMP//a..b"), Ok((Beginning::Tmp, "a..b")));
        for wrong in ["", "x", "./x", "~user/x", "$CWDX", "$OTHER/x", "/a/../b", "/a\0", "$RUNTIME/lib", ".."]
        {
            assert!(split_path(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_normal_path_stays_below_the_root() {
        for (path, normal_path) in
            [("/a//b/./c/", "/a/b/c"), ("/../../x", "/x"), ("a/../b", "/b"), ("/", "/")]
        {
            assert_eq!(normal(Path::new(path)), Path::new(normal_path));
        }
    }

    #[test]
    fn what_the_c_library_takes_for_an_address_is_no_domain() {
        for name in ["example.org", "a", "xn--bcher-kva.example", "_sip.example", "1.example"] {
            assert!(is_domain(name), "{name}");
        }
        for name in [
            "",
            "127.1",
            "2130706433",
            "0x7f.0x1",
            "10.0.0.1",
            "-a.b",
            "a..b",
            "a.",
            "A.b",
            "a b",
            "ü.de",
            "::1",
        ] {
            assert!(!is_domain(name), "{name}");
        }
        assert!(!is_domain(&"a".repeat(64)));
        assert!(!is_domain(&["a"; 128].join(".")));
    }

    #[test]
    fn a_hash_has_64_digits() {
        assert_eq!(parse_sha256(&"0F".repeat(32)), Some([15; 32]));
        for wrong in [
            "0f".repeat(31),
            "0f".repeat(33),
            format!("{}f", "0f".repeat(31)),
            "0g".repeat(32),
            "é".repeat(32),
        ] {
            assert_eq!(parse_sha256(&wrong), None, "{wrong}");
        }
    }
}
