//! Where the C library is that a worker loads.

use std::env;
use std::path::{Path, PathBuf};

use super::Error;

/// The library's file name.
const FILE: &str = "libcirclet.so";

/// Finds the C library: `given`, else the variable `CIRCLET_LIBRARY`, else beside the running program, in `../lib`, and
/// in the cargo target folder that the program lies in.
///
/// The variable comes before the neighbour, as somebody who sets it means it.
///
/// # Errors
/// [`Error::NoLibrary`] with every place that was looked at.
pub fn find_library(given: Option<&Path>) -> Result<PathBuf, Error> {
    let named = given.map(Path::to_path_buf).or_else(|| env::var_os("CIRCLET_LIBRARY").map(PathBuf::from));
    let looked = match named {
        Some(named) => vec![named],
        None => env::current_exe().map(|program| beside(&program)).unwrap_or_default(),
    };
    let found = looked.iter().find(|place| place.is_file()).cloned();
    found.ok_or(Error::NoLibrary { looked })
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
