//! Where the C library is that a worker loads.

use std::ffi::{CStr, OsStr};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::Error;

/// The library's file name.
const FILE: &str = "libcirclet.so";

/// Finds the C library: `given`, else the variable `CIRCLET_LIBRARY`, else the shared object that this code runs in; for a
/// program that has it linked in, beside the program, in `../lib`, and in the cargo target folder that it lies in.
///
/// The variable comes before the neighbour, as somebody who sets it means it.
///
/// # Errors
/// [`Error::NoLibrary`] with every place that was looked at.
pub fn find_library(given: Option<&Path>) -> Result<PathBuf, Error> {
    let named = given.map(Path::to_path_buf).or_else(|| env::var_os("CIRCLET_LIBRARY").map(PathBuf::from));
    let looked = match named.or_else(own_object) {
        Some(named) => vec![named],
        None => env::current_exe().map(|program| beside(&program)).unwrap_or_default(),
    };
    let found = looked.iter().find(|place| place.is_file()).cloned();
    found.ok_or(Error::NoLibrary { looked })
}

/// Returns the path of the shared object that this code lies in; none in a program.
fn own_object() -> Option<PathBuf> {
    let mut info = MaybeUninit::<libc::Dl_info>::zeroed();
    let here = own_object as fn() -> Option<PathBuf>;
    // SAFETY: the address is one of this code, the struct outlives the call, and zero is a value of each of its fields.
    // The name that comes back belongs to the loader, which keeps it as long as this code is loaded.
    let name = unsafe {
        let found = libc::dladdr(here as *const libc::c_void, info.as_mut_ptr());
        let name = info.assume_init().dli_fname;
        (found != 0 && !name.is_null()).then(|| CStr::from_ptr(name))
    }?;
    let path = Path::new(OsStr::from_bytes(name.to_bytes()));
    let is_object = path.file_name()?.to_string_lossy().contains(".so");
    is_object.then(|| fs::canonicalize(path).ok())?
}

/// Returns the places that belong to a program at this path.
fn beside(program: &Path) -> Vec<PathBuf> {
    let Some(folder) = program.parent() else { return Vec::new() };
    let mut places = vec![folder.join(FILE)];
    if let Some(above) = folder.parent() {
        places.push(above.join("lib").join(FILE));
        // <target>/<profile>/deps and <target>/<profile>/examples
        if folder.ends_with("deps") || folder.ends_with("examples") {
            places.push(above.join(FILE));
            places.extend(above.parent().map(|target| target.join("release").join(FILE)));
        } else {
            places.push(above.join("release").join(FILE));
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_a_target_folder_finds_the_release_build() {
        let places = beside(Path::new("/p/target/debug/deps/test-1"));
        assert!(places.contains(&PathBuf::from("/p/target/release/libcirclet.so")));
        assert!(beside(Path::new("/usr/bin/circlet")).contains(&PathBuf::from("/usr/lib/libcirclet.so")));
    }

    #[test]
    fn a_missing_library_names_the_places() {
        let error = find_library(Some(Path::new("/nowhere/libcirclet.so"))).unwrap_err();
        assert!(error.to_string().contains("/nowhere/libcirclet.so"), "{error}");
    }
}
