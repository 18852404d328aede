//! What the tests of other languages need: the C library, compilers, Python and Bun, set up under `target/` once.
#![allow(dead_code, unreachable_pub, reason = "each test program has it as a module and uses a part of it")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What scripts say of an attempt: the name of its error, else what it gave.
pub const TRIED: &str = "
import errno, os, socket, subprocess, sys
def tried(what):
    try: return what()
    except OSError as error: return errno.errorcode[error.errno]
";

/// The project's folder.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The folder that cargo builds into.
pub fn target() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    // <target>/<profile>/deps/<test>
    exe.ancestors().nth(3).unwrap().to_path_buf()
}

/// An empty folder of this test's own.
pub fn scratch(name: &str) -> PathBuf {
    let folder = target().join("scratch").join(format!("{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A folder that goes with the test, whatever becomes of that.
pub struct Removed(pub PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a command to its end and returns what it printed; its failure fails the test with all of its output.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} did not start: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}:\n{text}\n{errors}", output.status);
    text
}

/// Compares a committed file with what it should be; with `CIRCLET_BLESS=1` it is written instead.
pub fn blessed(path: &Path, wanted: &str) {
    if std::env::var_os("CIRCLET_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, wanted).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == wanted,
        "{} is out of date: run the tests with CIRCLET_BLESS=1, and read the diff",
        path.display()
    );
}

/// Does a piece of setting up once, whichever test process comes first.
fn once(name: &str, work: impl FnOnce()) {
    let lock = File::create(target().join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    work();
}

/// Builds the C library and returns its path.
pub fn library() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            once("library", || {
                let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
                run(Command::new(cargo)
                    .arg("clib")
                    .arg("--quiet")
                    .arg("--target-dir")
                    .arg(target())
                    .current_dir(root()));
            });
            target().join("release/libcirclet.so")
        })
        .clone()
}

/// Compiles a C program of the checkout against the library and returns its path.
pub fn c_program(source: &str) -> PathBuf {
    compile_c(&root().join(source))
}

/// Compiles a C program against the library and returns its path.
pub fn compile_c(source: &Path) -> PathBuf {
    let library = library();
    let folder = library.parent().unwrap();
    // A folder for each: tests that run at a time must not empty each other's.
    let stem = source.file_stem().unwrap().to_str().unwrap();
    let of = source.parent().and_then(Path::file_name).unwrap().to_str().unwrap();
    let program = scratch(&format!("c-{of}-{stem}")).join(stem);
    let mut command = Command::new("cc");
    command.args(["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"]);
    command.arg(root().join("include")).arg(source).arg("-o").arg(&program);
    command.arg("-L").arg(folder).arg("-lcirclet").arg(format!("-Wl,-rpath,{}", folder.display()));
    run(&mut command);
    program
}

/// Returns a Rust example's path. `cargo test --all-features` has built it along with the tests.
pub fn rust_example(name: &str) -> PathBuf {
    once("examples", || {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--quiet", "--all-features", "--examples", "--target-dir"]);
        run(command.arg(target()).current_dir(root()));
    });
    target().join("debug/examples").join(name)
}

/// Returns the interpreter of a virtual environment that has what the Python suite needs.
pub fn python() -> PathBuf {
    let folder = target().join("venv");
    let python = folder.join("bin/python");
    let requirements = root().join("python/tests/requirements.txt");
    let wanted = fs::read_to_string(&requirements).unwrap();
    once("venv", || {
        let made = folder.join("made-of.txt");
        if fs::read_to_string(&made).is_ok_and(|found| found == wanted) {
            return;
        }
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(requirements));
        fs::write(made, wanted).unwrap();
    });
    python
}

/// Returns a copy of the Bun package with its development dependencies, of which Bun itself is one.
pub fn bun_package() -> PathBuf {
    static COPIED: OnceLock<PathBuf> = OnceLock::new();
    let copy = || {
        let checkout = target().join("checkout");
        once("beside", || {
            fs::create_dir_all(&checkout).unwrap();
            for beside in ["include", "examples", "tests"] {
                let _ = std::os::unix::fs::symlink(root().join(beside), checkout.join(beside));
            }
        });
        npm_package("bun", "bun")
    };
    COPIED.get_or_init(copy).clone()
}

/// Returns a copy of the example of the web, installed.
pub fn web_example() -> PathBuf {
    static COPIED: OnceLock<PathBuf> = OnceLock::new();
    COPIED.get_or_init(|| npm_package("web", "examples/web")).clone()
}

/// Returns a copy of a folder of packages with what it depends on: npm installs into the folder of the package, and the checkout stays
/// clean.
fn npm_package(name: &str, source: &str) -> PathBuf {
    let folder = target().join("checkout").join(name);
    let source = root().join(source);
    once(name, || {
        fs::create_dir_all(&folder).unwrap();
        copy_sources(&source, &folder);
        let lock = fs::read(source.join("package-lock.json")).unwrap();
        let installed = target().join("checkout").join(format!("{name}-installed.json"));
        if fs::read(&installed).is_ok_and(|installed| installed == lock) {
            return;
        }
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--silent"]).current_dir(&folder));
        fs::write(installed, lock).unwrap();
    });
    folder
}

/// Returns the Bun runtime.
pub fn bun() -> PathBuf {
    bun_package().join("node_modules/.bin/bun")
}

/// Makes a folder's files those of another, but for what is installed in it. What is the same is left as it is: somebody may run it.
fn copy_sources(source: &Path, folder: &Path) {
    for entry in
        fs::read_dir(source).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != "node_modules")
    {
        let (from, to) = (entry.path(), folder.join(entry.file_name()));
        if from.is_dir() {
            fs::create_dir_all(&to).unwrap();
            for old in fs::read_dir(&to).unwrap().map(|old| old.unwrap().path()) {
                if old.is_file() && !from.join(old.file_name().unwrap()).exists() {
                    fs::remove_file(old).unwrap();
                }
            }
            copy_sources(&from, &to);
        } else if fs::read(&from).ok() != fs::read(&to).ok() {
            let new = to.with_extension("new");
            fs::copy(&from, &new).unwrap();
            fs::rename(new, &to).unwrap();
        }
    }
}
