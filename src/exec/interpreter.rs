//! The interpreter behind a program that only looks for it.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What scripts in the place of an interpreter led to, of all pools of this process.
static FOUND: Mutex<Option<HashMap<PathBuf, PathBuf>>> = Mutex::new(None);

/// Returns the script that is run where this program is started, if it is one: pyenv has such a shim in the place of
/// `python3`, which takes ten times as long as the interpreter itself.
pub(super) fn shim(program: &Path) -> Option<PathBuf> {
    let path = if program.components().count() > 1 {
        program.to_path_buf()
    } else {
        let folders = std::env::var_os("PATH")?;
        std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file())?
    };
    let mut begin = [0; 2];
    File::open(&path).and_then(|mut file| file.read_exact(&mut begin)).ok()?;
    (begin == *b"#!").then_some(path)
}

/// Returns the interpreter that a script led to before, if it is still there.
pub(super) fn behind(shim: &Path) -> Option<PathBuf> {
    found().get_or_insert_default().get(shim).filter(|path| path.is_file()).cloned()
}

/// Notes what a script led to.
pub(super) fn led_to(shim: PathBuf, interpreter: PathBuf) {
    found().get_or_insert_default().insert(shim, interpreter);
}

fn found() -> MutexGuard<'static, Option<HashMap<PathBuf, PathBuf>>> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_a_shim_and_a_program_is_none() {
        let folder = std::env::temp_dir().join(format!("circlet-shim-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let script = folder.join("python3");
        std::fs::write(&script, "#!/bin/sh\n").unwrap();
        assert_eq!(shim(&script), Some(script.clone()));
        assert_eq!(shim(&std::env::current_exe().unwrap()), None);
        assert_eq!(shim(Path::new("/nowhere/python3")), None);
        assert_eq!(behind(&script), None);
        led_to(script.clone(), PathBuf::from("/nowhere/python3"));
        assert_eq!(behind(&script), None, "it is gone");
        led_to(script.clone(), script.clone());
        assert_eq!(behind(&script), Some(script));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
