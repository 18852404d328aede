//! Lockfiles, manifests and caches that package managers have made, without a network.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use circlet::payload::{Cache, Lockfile, Unavailable, dependency_tree, lockfile, package_cache};

use super::common::{root, run, scratch};
use super::programs::{lacks, program};
use super::{pipe, python, write};

/// Packs packages of npm, each with the names of those it needs, which are packed too, and returns their folder.
fn packages(folder: &Path, packages: &[(&str, &[&str])]) -> PathBuf {
    for (name, needs) in packages {
        let needs: serde_json::Map<_, _> = needs
            .iter()
            .map(|need| {
                (
                    (*need).to_owned(),
                    format!("file:{}", folder.join(need).with_extension("tgz").display()).into(),
                )
            })
            .collect();
        let manifest = serde_json::json!({"name": name, "version": "1.0.0", "dependencies": needs});
        write(folder, &[("package/package.json", &manifest.to_string())]);
        let archive = folder.join(name).with_extension("tgz");
        run(Command::new("tar").arg("czf").arg(archive).arg("-C").arg(folder).arg("package"));
    }
    folder.to_owned()
}

/// Makes a project that needs `a`, `b` and `c`, of which the first two need others.
fn project(name: &str) -> PathBuf {
    let folder = scratch(name);
    let packed = packages(
        &folder.join("packed"),
        &[("e", &[]), ("d", &["e"]), ("c", &[]), ("b", &["d"]), ("a", &["d", "e"])],
    );
    let needs = |name: &str| format!("file:{}", packed.join(name).with_extension("tgz").display());
    let manifest = serde_json::json!({
        "name": "project", "version": "1.0.0",
        "dependencies": {"a": needs("a"), "c": needs("c")}, "devDependencies": {"b": needs("b")},
    });
    let folder = folder.join("project");
    write(&folder, &[("package.json", &manifest.to_string())]);
    folder
}

/// Counts what is installed in a `node_modules`.
fn installed(folder: &Path) -> u64 {
    let code =
        "import pathlib, json; print(len([p for p in pathlib.Path('node_modules').rglob('package.json')]))";
    python(folder, code).as_u64().unwrap()
}

fn total(found: &Lockfile) -> u64 {
    found.total_dependencies.unwrap()
}

#[test]
fn the_hash_is_that_of_sha256sum_and_the_path_is_within_the_project() {
    if lacks("sha256sum") {
        return;
    }
    let folder = scratch("project-hash");
    let bytes: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(folder.join("bun.lockb"), bytes).unwrap();
    let found = lockfile(&folder).unwrap();
    let said = run(Command::new("sha256sum").arg(folder.join("bun.lockb")));
    assert_eq!(found.hash.unwrap(), format!("sha256:{}", &said[..64]));
    assert_eq!(
        (found.path.as_deref(), found.total_dependencies, found.total_size_bytes),
        (Some("bun.lockb"), None, None)
    );
}

#[test]
fn what_bun_has_locked_is_what_it_has_installed_and_cached() {
    let Some(bun) = program("bun").filter(|_| !lacks("python3") && !lacks("tar")) else { return };
    let folder = project("project-bun");
    let cache = folder.with_file_name("cache");
    let bun = |arguments: &[&str]| {
        let mut command = Command::new(&bun);
        run(command.args(arguments).current_dir(&folder).env("BUN_INSTALL_CACHE_DIR", &cache))
    };
    bun(&["install", "--save-text-lockfile"]);
    let found = lockfile(&folder).unwrap();
    assert_eq!(found.path.as_deref(), Some("bun.lock"));
    assert_eq!(total(&found), installed(&folder));
    let tree = dependency_tree(&folder).unwrap();
    assert_eq!([tree.direct, tree.dev, tree.peer, tree.optional], [Some(2), Some(1), Some(0), Some(0)]);
    assert_eq!((tree.native_modules, tree.node_gyp_rebuilds), (Some(0), Some(0)));
    assert_eq!(bun(&["pm", "cache"]), cache.display().to_string());
    let measured = cache_seen_with("BUN_INSTALL_CACHE_DIR", &cache, &folder);
    assert_eq!(measured.dir.as_deref(), cache.to_str());
    assert_eq!([measured.size_bytes, measured.entries], size_and_files(&cache));
    assert_eq!(measured.hits.or(measured.misses), None);
}

#[test]
fn what_bun_writes_for_yarn_lists_as_many_packages() {
    let Some(bun) = program("bun").filter(|_| !lacks("tar")) else { return };
    let folder = project("project-yarn");
    let cache = folder.with_file_name("cache");
    run(Command::new(bun)
        .args(["install", "--yarn"])
        .current_dir(&folder)
        .env("BUN_INSTALL_CACHE_DIR", cache));
    let locked = total(&lockfile(&folder).unwrap());
    fs::remove_file(folder.join("bun.lock")).unwrap();
    let found = lockfile(&folder).unwrap();
    assert_eq!((found.path.as_deref(), total(&found)), (Some("yarn.lock"), locked));
    assert!(matches!(package_cache(&folder), Err(Unavailable::Unknown { what: "the cache of yarn" })));
}

#[test]
fn what_npm_has_locked_is_what_it_lists_in_every_version_of_its_lockfile() {
    let Some(npm) = program("npm").filter(|_| !lacks("python3") && !lacks("tar")) else { return };
    let folder = project("project-npm");
    let cache = folder.with_file_name("cache");
    for version in ["1", "2", "3"] {
        let npm = |arguments: &[&str]| {
            let mut command = Command::new(&npm);
            command.args(arguments).args([
                "--offline",
                "--no-audit",
                "--no-fund",
                "--lockfile-version",
                version,
            ]);
            run(command.current_dir(&folder).env("npm_config_cache", &cache))
        };
        npm(&["install", "--silent"]);
        let listed = npm(&["ls", "--all", "--parseable"]).lines().count() as u64 - 1;
        let found = lockfile(&folder).unwrap();
        assert_eq!((found.path.as_deref(), total(&found)), (Some("package-lock.json"), listed), "{version}");
        assert_eq!(listed, installed(&folder));
        fs::remove_file(folder.join("package-lock.json")).unwrap();
    }
    fs::write(folder.join("package-lock.json"), "{}").unwrap();
    let measured = cache_seen_with("npm_config_cache", &cache, &folder);
    assert_eq!([measured.size_bytes, measured.entries], size_and_files(&cache.join("_cacache")));
    assert!(measured.entries > Some(0) && measured.modules.is_none());
}

#[test]
fn what_cargo_has_locked_and_named_is_what_it_says() {
    if lacks("cargo") {
        return;
    }
    let folder = scratch("project-cargo");
    for (name, needs) in [
        ("d", ""),
        ("c", "[dependencies]\nd = {path = '../d'}\n"),
        ("b", "[dependencies]\nc = {path = '../c'}\nd = {path = '../d'}\n"),
        (
            "a",
            "[dependencies]\nb = {path = '../b'}\nc = {path = '../c', optional = true}\n\
            [dev-dependencies]\nd = {path = '../d'}\n[target.'cfg(unix)'.build-dependencies]\nd = {path = '../d'}\n",
        ),
    ] {
        let manifest = format!("[package]\nname = '{name}'\nversion = '1.0.0'\nedition = '2024'\n{needs}");
        write(&folder.join(name), &[("Cargo.toml", &manifest), ("src/lib.rs", "")]);
    }
    let folder = folder.join("a");
    let said =
        run(Command::new("cargo").args(["metadata", "--offline", "--format-version=1"]).current_dir(&folder));
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(total(&lockfile(&folder).unwrap()), said["packages"].as_array().unwrap().len() as u64);
    assert_eq!(kinds_by_cargo(&said, "a"), kinds(&folder));
}

#[test]
fn what_this_package_names_and_locks_is_what_cargo_and_python_say() {
    if lacks("cargo") || lacks("python3") {
        return;
    }
    let root = root();
    let arguments = ["metadata", "--offline", "--no-deps", "--format-version=1"];
    let said = run(Command::new("cargo").args(arguments).current_dir(&root));
    assert_eq!(kinds_by_cargo(&serde_json::from_str(&said).unwrap(), "circlet"), kinds(&root));
    let code =
        "import json, re; print(len(re.findall(r'(?m)^\\[\\[package\\]\\]$', open('Cargo.lock').read())))";
    assert_eq!(total(&lockfile(&root).unwrap()), python(&root, code).as_u64().unwrap());
    let bun = root.join("bun");
    let code = "import json; print(len([k for k in json.load(open('package-lock.json'))['packages'] if k]))";
    assert_eq!(total(&lockfile(&bun).unwrap()), python(&bun, code).as_u64().unwrap());
    let code = "import json; print(len(json.load(open('package.json'))['devDependencies']))";
    assert_eq!(dependency_tree(&bun).unwrap().dev, python(&bun, code).as_u64());
}

/// Direct, for development, optional.
fn kinds(folder: &Path) -> [u64; 3] {
    let tree = dependency_tree(folder).unwrap();
    assert_eq!((tree.peer, tree.native_modules), (None, None));
    [tree.direct, tree.dev, tree.optional].map(Option::unwrap)
}

fn kinds_by_cargo(said: &serde_json::Value, package: &str) -> [u64; 3] {
    let mut packages = said["packages"].as_array().unwrap().iter();
    let package = packages.find(|one| one["name"] == package).unwrap();
    let names = |holds: fn(&serde_json::Value) -> bool| {
        let named = package["dependencies"].as_array().unwrap().iter().filter(|one| holds(one));
        let names: std::collections::BTreeSet<_> = named.map(|one| one["name"].as_str().unwrap()).collect();
        names.len() as u64
    };
    [
        names(|one| one["kind"] != "dev" && one["optional"] == false),
        names(|one| one["kind"] == "dev"),
        names(|one| one["kind"] != "dev" && one["optional"] == true),
    ]
}

#[test]
fn packages_with_machine_code_are_counted_wherever_they_stand() {
    let folder = scratch("project-native");
    write(
        &folder,
        &[
            ("package.json", "{}"),
            ("node_modules/built/binding.gyp", "{}"),
            ("node_modules/built/build/Release/one.node", ""),
            ("node_modules/built/build/Release/obj.target/one.node", ""),
            ("node_modules/@scope/prebuilt/prebuilds/linux-x64/two.node", ""),
            ("node_modules/@scope/prebuilt/binding.gyp", "{}"),
            ("node_modules/plain/node_modules/nested/three.node", ""),
            ("node_modules/plain/index.js", ""),
            ("node_modules/.pnpm/deep@1.0.0/node_modules/deep/binding.gyp", "{}"),
            ("node_modules/.pnpm/deep@1.0.0/node_modules/deep/build/Debug/four.node", ""),
            ("node_modules/recipe/binding.gyp", "{}"),
        ],
    );
    // Neither a circle nor a pipe of that name is looked into.
    symlink("..", folder.join("node_modules/plain/circle")).unwrap();
    symlink(".pnpm/deep@1.0.0/node_modules/deep", folder.join("node_modules/deep")).unwrap();
    pipe(&folder.join("node_modules/plain/five.node"));
    let tree = dependency_tree(&folder).unwrap();
    assert_eq!((tree.native_modules, tree.node_gyp_rebuilds), (Some(4), Some(2)));
    fs::remove_dir_all(folder.join("node_modules")).unwrap();
    let tree = dependency_tree(&folder).unwrap();
    assert_eq!((tree.native_modules, tree.node_gyp_rebuilds, tree.direct), (None, None, Some(0)));
}

#[test]
fn a_node_modules_without_a_bottom_has_no_counts() {
    let folder = scratch("project-deep");
    let deep: PathBuf = std::iter::repeat_n("d", 100).collect();
    fs::create_dir_all(folder.join("node_modules").join(deep)).unwrap();
    write(&folder, &[("package.json", "\u{feff}{\"dependencies\": {\"a\": \"1\"}}")]);
    let tree = dependency_tree(&folder).unwrap();
    assert_eq!((tree.direct, tree.native_modules), (Some(1), None));
}

#[test]
fn what_is_no_file_is_passed_over_and_what_is_too_large_is_refused() {
    let begun = Instant::now();
    let folder = scratch("project-hostile");
    assert!(matches!(lockfile(&folder), Err(Unavailable::Missing { what: "lockfile", .. })));
    assert!(matches!(dependency_tree(&folder), Err(Unavailable::Missing { what: "manifest", .. })));
    assert!(matches!(package_cache(&folder), Err(Unavailable::Missing { .. })));
    pipe(&folder.join("bun.lock"));
    pipe(&folder.join("package.json"));
    fs::create_dir(folder.join("yarn.lock")).unwrap();
    symlink("pnpm-lock.yaml", folder.join("pnpm-lock.yaml")).unwrap();
    symlink("/dev/zero", folder.join("deno.lock")).unwrap();
    assert!(matches!(lockfile(&folder), Err(Unavailable::Missing { .. })));
    assert!(matches!(dependency_tree(&folder), Err(Unavailable::Missing { .. })));
    File::create(folder.join("Cargo.lock")).unwrap().set_len(1 << 40).unwrap();
    let error = lockfile(&folder).unwrap_err().to_string();
    assert!(error.ends_with("Cargo.lock has more than the 67108864 bytes that are read of it"), "{error}");
    fs::write(folder.join("Cargo.lock"), format!("version = 4\n#{}", "x".repeat(16 << 20))).unwrap();
    let uncounted = lockfile(&folder).unwrap();
    assert_eq!((uncounted.hash.is_some(), uncounted.total_dependencies), (true, None));
    fs::write(folder.join("Cargo.lock"), "<<<<<<< HEAD\n").unwrap();
    let broken = lockfile(&folder).unwrap();
    assert_eq!((broken.hash.is_some(), broken.total_dependencies), (true, None));
    for text in
        ["[package", "", "[package]\nname = 5\n[dependencies]\n[dependencies]\n", &"[".repeat(100_000)]
    {
        fs::write(folder.join("Cargo.toml"), text).unwrap();
        let error = dependency_tree(&folder).unwrap_err();
        assert!(matches!(error, Unavailable::Malformed { .. }), "{error}");
    }
    fs::write(folder.join("Cargo.toml"), b"[package]\nname = '\xff'").unwrap();
    assert!(dependency_tree(&folder).unwrap_err().to_string().ends_with("no UTF-8 at byte 18"));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

/// Measures a cache in a process whose environment has a variable of the test's.
fn cache_seen_with(variable: &str, value: &Path, folder: &Path) -> Cache {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "dependencies::the_cache_of_a_folder_in_the_environment",
        "--ignored",
        "--nocapture",
    ]);
    let printed = run(command.env(variable, value).env("PROJECT", folder));
    let line = printed.lines().find_map(|line| Some(&line[line.find('{')?..])).unwrap();
    serde_json::from_str(line).unwrap()
}

#[test]
#[ignore = "run by others, with an environment of theirs"]
fn the_cache_of_a_folder_in_the_environment() {
    let Some(folder) = std::env::var_os("PROJECT") else { return };
    println!("{}", serde_json::to_string(&package_cache(folder.as_ref()).unwrap()).unwrap());
}

/// Adds up a folder's files: each inode once, and all names.
fn size_and_files(folder: &Path) -> [Option<u64>; 2] {
    let code = "
import json, os
found = [os.lstat(os.path.join(d, f)) for d, _, fs in os.walk('.') for f in fs if not os.path.islink(os.path.join(d, f))]
print(json.dumps([sum({(s.st_dev, s.st_ino): s.st_size for s in found}.values()), len(found)]))";
    let found = python(folder, code);
    [found[0].as_u64(), found[1].as_u64()]
}

#[test]
fn the_registry_of_cargo_has_a_module_for_each_archive() {
    if lacks("python3") {
        return;
    }
    let folder = scratch("project-registry");
    write(
        &folder,
        &[
            ("Cargo.toml", "[package]\nname = 'x'\n"),
            ("home/registry/cache/index.crates.io-1/a-1.0.0.crate", "12345"),
            ("home/registry/cache/index.crates.io-1/b-1.0.0.crate", "1"),
            ("home/registry/src/index.crates.io-1/a-1.0.0/src/lib.rs", "123"),
        ],
    );
    symlink("..", folder.join("home/registry/circle")).unwrap();
    let home = folder.join("home");
    let measured = cache_seen_with("CARGO_HOME", &home, &folder);
    assert_eq!([measured.size_bytes, measured.entries], [Some(9), Some(3)]);
    assert_eq!([measured.size_bytes, measured.entries], size_and_files(&home.join("registry")));
    assert_eq!(measured.modules.unwrap().cached, Some(2));
}
