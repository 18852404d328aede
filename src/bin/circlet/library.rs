//! Where the C library is that Python workers load.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use circlet::exec;

use crate::failure::Failure;

/// Finds the library. Under `cargo run`, where the checkout may be newer than it, it is built first.
pub(crate) fn find() -> Result<PathBuf, Failure> {
    if env::var_os("CIRCLET_LIBRARY").is_none() {
        build_in_checkout()?;
    }
    exec::find_library(None).map_err(Failure::run)
}

fn build_in_checkout() -> Result<(), Failure> {
    let (Some(cargo), Some(checkout)) = (env::var_os("CARGO"), env::var_os("CARGO_MANIFEST_DIR")) else {
        return Ok(());
    };
    if env::var("CARGO_PKG_NAME").as_deref() != Ok(env!("CARGO_PKG_NAME")) {
        return Ok(());
    }
    let program = env::current_exe().map_err(Failure::run)?;
    // <target>/<profile>/circlet
    let Some(target) = program.ancestors().nth(2) else { return Ok(()) };
    let built =
        Command::new(cargo).arg("clib").arg("--target-dir").arg(target).current_dir(checkout).status();
    match built {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            Err(Failure::run(format!("`cargo clib`, which builds libcirclet.so, ended with {status}")))
        }
        Err(error) => {
            Err(Failure::run(format!("`cargo clib`, which builds libcirclet.so, did not start: {error}")))
        }
    }
}
