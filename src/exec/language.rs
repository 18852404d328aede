//! The languages that processes of this module speak.

use std::fmt;
use std::path::Path;
use std::sync::LazyLock;

/// What a Bun session's shell uses of the global scope, where its code may declare the same names.
const BUN_GLOBALS: &str = "const { AbortController, AggregateError, Array, ArrayBuffer, BigUint64Array, Buffer, BuildMessage, \
    Bun, DOMException, Error, Infinity, JSON, Map, Math, Number, Object, Promise, Reflect, String, Symbol, TextDecoder, \
    TextEncoder, TypeError, Uint32Array, Uint8Array, console, performance, process, setImmediate } = globalThis;\n";

/// The whole of a Bun session's shell: its files as one, without the lines by which one takes names from another.
static BUN: LazyLock<String> = LazyLock::new(|| {
    let files = [
        include_str!("../../bun/src/worker_heap.ts"),
        include_str!("../../bun/src/session_link.ts"),
        include_str!("../../bun/src/session_lines.ts"),
        include_str!("../../bun/src/session_values.ts"),
        include_str!("../../bun/src/session_output.ts"),
        include_str!("../../bun/src/session_worker.ts"),
    ];
    [BUN_GLOBALS.to_owned()].into_iter().chain(files.map(own)).collect()
});

/// The whole of the shell of a pool's Bun worker.
static BUN_POOL: LazyLock<String> = LazyLock::new(|| {
    let files = [include_str!("../../bun/src/worker_heap.ts"), include_str!("../../bun/src/pool_worker.ts")];
    files.map(own).concat()
});

/// Returns the whole of the shell of a pool's Bun worker.
pub(super) fn bun_pool() -> &'static str {
    &BUN_POOL
}

/// Returns the whole of a Bun session's shell.
pub(super) fn bun_session() -> &'static str {
    &BUN
}

/// Returns a file without its imports from others beside it.
fn own(file: &str) -> String {
    let mut own = String::with_capacity(file.len());
    let mut statement = 0;
    for line in file.split_inclusive('\n') {
        if line.starts_with("import ") {
            statement = own.len();
        }
        own.push_str(line);
        if line.ends_with(";\n") && own[statement..].starts_with("import ") && line.contains("from \"./") {
            own.truncate(statement);
        }
    }
    own
}

/// What code is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// Python 3.10 or later.
    #[default]
    Python,
    /// TypeScript and JavaScript, in Bun.
    Bun,
}

impl Language {
    /// Returns what people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::Bun => "Bun",
        }
    }

    /// Returns what is started where no program was named.
    pub(super) fn program(self) -> &'static Path {
        match self {
            Self::Python => Path::new("python3"),
            Self::Bun => Path::new("bun"),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_bun_session_are_one_that_takes_nothing_from_them() {
        let source = bun_session();
        assert!(!source.contains("from \"./"), "an import of a name from beside is left");
        // Linux takes 128 KiB for one argument.
        assert!(source.len() < 100_000);
    }
}
