//! The packages with machine code in a `node_modules`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::Unavailable;
use super::walk::{Bounds, walk};

const BOUNDS: Bounds = Bounds { entries: 400_000, depth: 64, time: Duration::from_secs(3) };

/// How many packages have machine code, and how many of these were compiled where they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NativeModules {
    pub(super) native: u64,
    pub(super) rebuilt: u64,
}

/// What was seen of one package.
#[derive(Default)]
struct Package {
    has_recipe: bool,
    has_code: bool,
    has_built_code: bool,
}

impl NativeModules {
    /// Counts the packages in a `node_modules` and in those within it.
    pub(super) fn of(folder: &Path) -> Result<Self, Unavailable> {
        let mut packages: BTreeMap<PathBuf, Package> = BTreeMap::new();
        walk(folder, BOUNDS, |entry, file_type| {
            let name = entry.file_name();
            let is_recipe = name == "binding.gyp";
            let is_code = Path::new(&name).extension() == Some(OsStr::new("node"));
            if !(file_type.is_file() && (is_recipe || is_code)) {
                return;
            }
            let path = entry.path();
            let Some(inner) = path.strip_prefix(folder).ok().and_then(package_of) else { return };
            let within = path.strip_prefix(folder.join(&inner)).unwrap_or(&path);
            let package = packages.entry(inner).or_default();
            package.has_recipe |= within == Path::new("binding.gyp");
            package.has_code |= is_code;
            package.has_built_code |= is_code && within.starts_with("build");
        })?;
        let count =
            |holds: fn(&Package) -> bool| packages.values().filter(|package| holds(package)).count() as u64;
        Ok(Self {
            native: count(|package| package.has_code),
            rebuilt: count(|package| package.has_recipe && package.has_built_code),
        })
    }
}

/// Returns the folder of the package that a file below a `node_modules` belongs to: `a/node_modules/@s/b` of
/// `a/node_modules/@s/b/build/c.node`.
fn package_of(file: &Path) -> Option<PathBuf> {
    let parts: Vec<&OsStr> = file
        .components()
        .map(|part| match part {
            Component::Normal(name) => Some(name),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let first = parts.iter().rposition(|part| *part == "node_modules").map_or(0, |index| index + 1);
    let is_scoped = parts.get(first)?.as_encoded_bytes().starts_with(b"@");
    let end = first + if is_scoped { 2 } else { 1 };
    // The last part is the file.
    (end < parts.len()).then(|| parts[..end].iter().collect())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::package_of;

    #[test]
    fn a_file_belongs_to_the_package_nearest_to_it() {
        for (file, package) in [
            ("a/b.node", Some("a")),
            ("@s/a/build/Release/b.node", Some("@s/a")),
            ("a/node_modules/@s/b/c.node", Some("a/node_modules/@s/b")),
            (".pnpm/a@1/node_modules/a/c.node", Some(".pnpm/a@1/node_modules/a")),
            ("a.node", None),
            ("@s/a.node", None),
            ("a/node_modules/b.node", None),
        ] {
            assert_eq!(package_of(Path::new(file)), package.map(PathBuf::from), "{file}");
        }
    }
}
