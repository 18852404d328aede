//! The folder where a package manager keeps what it has fetched.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::dependency_tree::{Language, language};
use super::lockfile::{self, Manager};
use super::walk::{Bounds, walk};
use super::{Cache, CacheManifests, CacheModules, Unavailable};

const BOUNDS: Bounds = Bounds { entries: 2_000_000, depth: 64, time: Duration::from_secs(5) };

/// Measures the cache of the package manager that a project uses, which its lockfile shows, or else its manifest.
///
/// Looks where the environment says, and else in the home folder: for Bun in `BUN_INSTALL_CACHE_DIR`, below `BUN_INSTALL`,
/// `XDG_CACHE_HOME` and `~/.bun`; for npm in `_cacache` of `npm_config_cache` or `~/.npm`; for Cargo in `registry` of `CARGO_HOME`
/// or `~/.cargo`; for Deno in `DENO_DIR`, for uv in `UV_CACHE_DIR`, for Poetry in `POETRY_CACHE_DIR`, for pip in `PIP_CACHE_DIR`,
/// and of these four else in `deno`, `uv`, `pypoetry` and `pip` below `XDG_CACHE_HOME` or `~/.cache`; for Go in `GOMODCACHE`, or
/// `pkg/mod` of `GOPATH` or `~/go`. Settings in files (`bunfig.toml`, `.npmrc`) are not read.
///
/// `size_bytes` is the sum of the files' lengths, of which one with several names counts once, and `entries` counts the files'
/// names. For Bun `modules.cached` counts packages and `manifests.entries` manifests; for Cargo `modules.cached` counts archives of
/// crates. Absent stay `hits`, `misses` and `modules.evicted`, which no package manager writes down, and `size_bytes`, `entries`
/// and what follows from the walk where there are more than 2 000 000 entries, 64 levels or 5 seconds of them: a part of a size is
/// no size.
///
/// # Errors
///
/// There is neither a lockfile nor a manifest, it is not known where the manager keeps its cache (as for yarn and pnpm), or there
/// is no such folder.
///
/// ```no_run
/// let cache = circlet::payload::package_cache(".".as_ref())?;
/// println!("{:?} bytes in {:?}", cache.size_bytes, cache.dir);
/// # Ok::<(), circlet::payload::Unavailable>(())
/// ```
pub fn package_cache(folder: &Path) -> Result<Cache, Unavailable> {
    let cache = cache_of(folder)?;
    let dir = cache.dir(&|name| std::env::var_os(name)).ok_or(Unavailable::Unknown { what: cache.name() })?;
    cache.measured(&dir, BOUNDS)
}

/// Whose cache it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeper {
    Bun,
    Npm,
    Cargo,
    Deno,
    Uv,
    Poetry,
    Pip,
    Go,
}

fn cache_of(folder: &Path) -> Result<Keeper, Unavailable> {
    let Some((_, manager)) = lockfile::find(folder) else {
        return match language(folder) {
            Some(Language::JavaScript) => Ok(Keeper::Npm),
            Some(Language::Rust) => Ok(Keeper::Cargo),
            Some(Language::Python) => Ok(Keeper::Pip),
            None => Err(Unavailable::Missing { what: "lockfile or manifest", folder: folder.to_owned() }),
        };
    };
    match manager {
        Manager::Bun => Ok(Keeper::Bun),
        Manager::Npm => Ok(Keeper::Npm),
        Manager::Cargo => Ok(Keeper::Cargo),
        Manager::Deno => Ok(Keeper::Deno),
        Manager::Uv => Ok(Keeper::Uv),
        Manager::Poetry => Ok(Keeper::Poetry),
        Manager::Go => Ok(Keeper::Go),
        Manager::Yarn => Err(Unavailable::Unknown { what: "the cache of yarn" }),
        Manager::Pnpm => Err(Unavailable::Unknown { what: "the store of pnpm" }),
        Manager::Pdm => Err(Unavailable::Unknown { what: "the cache of PDM" }),
        Manager::Pipenv => Err(Unavailable::Unknown { what: "the cache of Pipenv" }),
        Manager::Bundler => Err(Unavailable::Unknown { what: "the cache of Bundler" }),
        Manager::Composer => Err(Unavailable::Unknown { what: "the cache of Composer" }),
    }
}

impl Keeper {
    fn name(self) -> &'static str {
        match self {
            Self::Bun => "the cache of Bun",
            Self::Npm => "the cache of npm",
            Self::Cargo => "the registry of Cargo",
            Self::Deno => "the cache of Deno",
            Self::Uv => "the cache of uv",
            Self::Poetry => "the cache of Poetry",
            Self::Pip => "the cache of pip",
            Self::Go => "the module cache of Go",
        }
    }

    /// Finds its folder by variables of the environment.
    fn dir(self, environment: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
        let variable = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let below = |name: &str, inner: &str| variable(name).map(|folder| folder.join(inner));
        let home = |inner: &str| below("HOME", inner).or_else(|| below("USERPROFILE", inner));
        let cached = |inner: &str| {
            below("XDG_CACHE_HOME", inner).or_else(|| home(".cache").map(|folder| folder.join(inner)))
        };
        match self {
            Self::Bun => variable("BUN_INSTALL_CACHE_DIR")
                .or_else(|| below("BUN_INSTALL", "install/cache"))
                .or_else(|| below("XDG_CACHE_HOME", ".bun/install/cache"))
                .or_else(|| home(".bun/install/cache")),
            Self::Npm => below("npm_config_cache", "_cacache")
                .or_else(|| below("NPM_CONFIG_CACHE", "_cacache"))
                .or_else(|| home(".npm/_cacache")),
            Self::Cargo => below("CARGO_HOME", "registry").or_else(|| home(".cargo/registry")),
            Self::Deno => variable("DENO_DIR").or_else(|| cached("deno")),
            Self::Uv => variable("UV_CACHE_DIR").or_else(|| cached("uv")),
            Self::Poetry => variable("POETRY_CACHE_DIR").or_else(|| cached("pypoetry")),
            Self::Pip => variable("PIP_CACHE_DIR").or_else(|| cached("pip")),
            Self::Go => variable("GOMODCACHE")
                .or_else(|| {
                    std::env::split_paths(&environment("GOPATH")?).next().map(|path| path.join("pkg/mod"))
                })
                .or_else(|| home("go/pkg/mod")),
        }
    }

    fn measured(self, dir: &Path, bounds: Bounds) -> Result<Cache, Unavailable> {
        let (mut size, mut entries, mut modules, mut manifests) = (0_u64, 0, 0, 0);
        let mut seen = HashSet::new();
        let walked = walk(dir, bounds, |entry, file_type| {
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            if file_type.is_dir() {
                // `name@version@@registry@@@1`, below `@scope` where it has one.
                modules += u64::from(self == Self::Bun && contains(name, b"@@@"));
            }
            if !file_type.is_file() {
                return;
            }
            // What has gone in between has no size.
            let Ok(found) = entry.metadata() else { return };
            manifests += u64::from(self == Self::Bun && name.ends_with(b".npm"));
            modules += u64::from(self == Self::Cargo && name.ends_with(b".crate"));
            entries += 1;
            if is_first_name(&found, &mut seen) {
                size = size.saturating_add(found.len());
            }
        });
        let mut cache = Cache { dir: Some(dir.display().to_string()), ..Cache::default() };
        match walked {
            Err(Unavailable::TooMuch { .. } | Unavailable::TooSlow { .. }) => return Ok(cache),
            Err(Unavailable::Unreadable { path, cause })
                if path == dir && cause.kind() == std::io::ErrorKind::NotFound =>
            {
                return Err(Unavailable::Missing { what: "package cache", folder: path });
            }
            walked => walked?,
        }
        cache.size_bytes = Some(size);
        cache.entries = Some(entries);
        if self == Self::Bun {
            cache.manifests = Some(CacheManifests { entries: Some(manifests), ..CacheManifests::default() });
        }
        if matches!(self, Self::Bun | Self::Cargo) {
            cache.modules = Some(CacheModules { cached: Some(modules), ..CacheModules::default() });
        }
        Ok(cache)
    }
}

fn contains(name: &[u8], part: &[u8]) -> bool {
    name.windows(part.len()).any(|window| window == part)
}

/// Tells whether a file has not been seen by another name.
#[cfg(unix)]
fn is_first_name(found: &Metadata, seen: &mut HashSet<(u64, u64)>) -> bool {
    use std::os::unix::fs::MetadataExt;
    found.nlink() < 2 || seen.insert((found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn is_first_name(_: &Metadata, _: &mut HashSet<(u64, u64)>) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::{BOUNDS, Bounds, Keeper, Unavailable};

    fn dir(keeper: Keeper, variables: &[(&str, &str)]) -> Option<PathBuf> {
        keeper.dir(&|name| {
            variables.iter().find(|variable| variable.0 == name).map(|variable| OsString::from(variable.1))
        })
    }

    #[test]
    fn a_cache_is_where_the_environment_says_and_else_in_the_home_folder() {
        let home = ("HOME", "/h");
        for (keeper, variables, wanted) in [
            (Keeper::Bun, &[home][..], "/h/.bun/install/cache"),
            (Keeper::Bun, &[home, ("XDG_CACHE_HOME", "/x")], "/x/.bun/install/cache"),
            (Keeper::Bun, &[("BUN_INSTALL", "/b"), ("XDG_CACHE_HOME", "/x")], "/b/install/cache"),
            (Keeper::Bun, &[("BUN_INSTALL_CACHE_DIR", "/c"), ("BUN_INSTALL", "/b")], "/c"),
            (Keeper::Bun, &[("BUN_INSTALL_CACHE_DIR", ""), home], "/h/.bun/install/cache"),
            (Keeper::Npm, &[home], "/h/.npm/_cacache"),
            (Keeper::Npm, &[home, ("npm_config_cache", "/n")], "/n/_cacache"),
            (Keeper::Cargo, &[home, ("CARGO_HOME", "/c")], "/c/registry"),
            (Keeper::Cargo, &[home], "/h/.cargo/registry"),
            (Keeper::Pip, &[home], "/h/.cache/pip"),
            (Keeper::Uv, &[home, ("XDG_CACHE_HOME", "/x")], "/x/uv"),
            (Keeper::Go, &[home, ("GOPATH", "/g:/other")], "/g/pkg/mod"),
        ] {
            assert_eq!(dir(keeper, variables), Some(PathBuf::from(wanted)), "{keeper:?} {variables:?}");
        }
        assert_eq!(dir(Keeper::Bun, &[]), None);
    }

    #[test]
    fn a_walk_that_reaches_its_bounds_has_no_size() {
        let folder = std::env::temp_dir().join(format!("circlet-payload-{}-cache", std::process::id()));
        fs::create_dir_all(folder.join("a/b/c")).unwrap();
        fs::write(folder.join("a/one"), "12345").unwrap();
        fs::hard_link(folder.join("a/one"), folder.join("a/two")).unwrap();
        let measured = |bounds| Keeper::Npm.measured(&folder, bounds).unwrap();
        let whole = measured(BOUNDS);
        assert_eq!((whole.size_bytes, whole.entries, whole.modules), (Some(5), Some(2), None));
        let short = [
            Bounds { entries: 4, ..BOUNDS },
            Bounds { depth: 2, ..BOUNDS },
            Bounds { time: Duration::ZERO, ..BOUNDS },
        ];
        for bounds in short {
            let part = measured(bounds);
            assert_eq!((part.size_bytes, part.entries), (None, None), "{bounds:?}");
            assert!(part.dir.is_some());
        }
        fs::remove_dir_all(&folder).unwrap();
        let gone = Keeper::Npm.measured(&folder, BOUNDS).unwrap_err();
        assert!(matches!(gone, Unavailable::Missing { .. }), "{gone}");
    }
}
