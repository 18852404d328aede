//! The lockfile of a project.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::lock_formats::count_packages;
use super::reading::read;
use super::{Lockfile, Unavailable};

/// Bytes of a lockfile. The largest that people have are a few MiB.
const SIZE_LIMIT: u64 = 64 << 20;
/// Bytes of a lockfile whose packages are counted, for which it is held in memory as a tree of many times its size.
const COUNT_LIMIT: usize = 16 << 20;

/// Who writes a lockfile, and brings the packages in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manager {
    Bun,
    Npm,
    Yarn,
    Pnpm,
    Deno,
    Cargo,
    Uv,
    Poetry,
    Pdm,
    Pipenv,
    Go,
    Bundler,
    Composer,
}

/// The names of lockfiles. Where a folder has several, the first of them counts.
const NAMES: [(&str, Manager); 15] = [
    ("bun.lock", Manager::Bun),
    ("bun.lockb", Manager::Bun),
    ("package-lock.json", Manager::Npm),
    ("npm-shrinkwrap.json", Manager::Npm),
    ("yarn.lock", Manager::Yarn),
    ("pnpm-lock.yaml", Manager::Pnpm),
    ("deno.lock", Manager::Deno),
    ("Cargo.lock", Manager::Cargo),
    ("uv.lock", Manager::Uv),
    ("poetry.lock", Manager::Poetry),
    ("pdm.lock", Manager::Pdm),
    ("Pipfile.lock", Manager::Pipenv),
    ("go.sum", Manager::Go),
    ("Gemfile.lock", Manager::Bundler),
    ("composer.lock", Manager::Composer),
];

/// Finds the lockfile of a folder, by its name alone.
pub(super) fn find(folder: &Path) -> Option<(&'static str, Manager)> {
    let is_there = |name: &str| fs::metadata(folder.join(name)).is_ok_and(|found| found.is_file());
    NAMES.into_iter().find(|(name, _)| is_there(name))
}

/// Returns the places where a lockfile can be.
pub(in crate::payload) fn lockfile_places(folder: &Path) -> Vec<PathBuf> {
    NAMES.iter().map(|(name, _)| folder.join(name)).collect()
}

/// Finds the lockfile of a project, hashes it and counts the packages in it.
///
/// Looks in `folder` alone, in this order: `bun.lock`, `bun.lockb`, `package-lock.json`, `npm-shrinkwrap.json`, `yarn.lock`,
/// `pnpm-lock.yaml`, `deno.lock`, `Cargo.lock`, `uv.lock`, `poetry.lock`, `pdm.lock`, `Pipfile.lock`, `go.sum`, `Gemfile.lock`,
/// `composer.lock`. `hash` is `sha256:` and 64 hexadecimal digits, of the file's bytes. `total_dependencies` counts what is listed,
/// the project's own packages among it where the format lists those like others (`Cargo.lock`, `uv.lock`).
///
/// Absent stay `total_dependencies` for `bun.lockb`, `go.sum`, `Gemfile.lock`, what is larger than 16 MiB, and a text that does not
/// have its format, and `total_size_bytes`, which no lockfile tells.
///
/// # Errors
///
/// There is none, or it cannot be read or is larger than 64 MiB.
///
/// ```no_run
/// let lockfile = circlet::payload::lockfile(".".as_ref())?;
/// println!("{:?} lists {:?} packages", lockfile.path, lockfile.total_dependencies);
/// # Ok::<(), circlet::payload::Unavailable>(())
/// ```
pub fn lockfile(folder: &Path) -> Result<Lockfile, Unavailable> {
    let missing = || Unavailable::Missing { what: "lockfile", folder: folder.to_owned() };
    let (name, _) = find(folder).ok_or_else(missing)?;
    let bytes = read(&folder.join(name), SIZE_LIMIT)?;
    let text = str::from_utf8(&bytes).ok().filter(|text| text.len() <= COUNT_LIMIT);
    Ok(Lockfile {
        path: Some(name.to_owned()),
        hash: Some(format!("sha256:{}", hexadecimal(&Sha256::digest(&bytes)))),
        total_dependencies: text.and_then(|text| count_packages(name, text)),
        ..Lockfile::default()
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
