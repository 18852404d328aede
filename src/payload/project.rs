//! The project that the session works on: dependencies, cache, tests, git, files.

use super::Measure;
use super::section::section;
use super::words::words;
use super::worker_threads::ratio;

section! {
    /// Describes what the project depends on.
    pub struct Dependencies {
        /// Describes the lockfile.
        pub lockfile: Option<Lockfile>,
        /// Counts the dependencies by kind.
        pub tree: Option<DependencyTree>,
        /// Names the polyfills that are installed.
        pub polyfills: Option<Polyfills>,
    }
}

section! {
    /// Describes the lockfile.
    pub struct Lockfile {
        /// Gives its path within the project.
        pub path: Option<String>,
        /// Gives its hash, with the algorithm in front: `sha256:…`.
        pub hash: Option<String>,
        /// Counts the packages in it.
        pub total_dependencies: Option<u64>,
        /// Gives the size of those packages, in units of 2^20 bytes.
        pub total_size_mb: Option<Measure>,
    }
}

section! {
    /// Counts the dependencies by kind.
    pub struct DependencyTree {
        /// Counts what the project itself names.
        pub direct: Option<u64>,
        /// Counts what only development needs.
        pub dev: Option<u64>,
        /// Counts what the project's user must bring.
        pub peer: Option<u64>,
        /// Counts what may be missing.
        pub optional: Option<u64>,
        /// Counts the packages that were compiled at installation.
        pub node_gyp_rebuilds: Option<u64>,
        /// Counts the packages with machine code.
        pub native_modules: Option<u64>,
    }
}

section! {
    /// Names the polyfills that are installed.
    pub struct Polyfills {
        /// Names those that stand in for Bun's interfaces.
        pub bun: Option<Vec<String>>,
        /// Names those that stand in for Node's interfaces.
        pub node: Option<Vec<String>>,
    }
}

section! {
    /// Describes the package cache.
    pub struct Cache {
        /// Gives its folder.
        pub dir: Option<String>,
        /// Counts the look-ups that found what they asked for.
        pub hits: Option<u64>,
        /// Counts the look-ups that did not.
        pub misses: Option<u64>,
        /// Gives its size, in units of 2^20 bytes.
        pub size_mb: Option<Measure>,
        /// Describes the cached manifests.
        pub manifests: Option<CacheManifests>,
        /// Describes the cached modules.
        pub modules: Option<CacheModules>,
    }
}

impl Cache {
    /// Computes the part of the look-ups that hit, 0 to 1; `None` when it is unknown or nothing was looked up.
    pub fn computed_hit_rate(&self) -> Option<f64> {
        let hits = self.hits?;
        ratio(hits, hits.saturating_add(self.misses?))
    }
}

section! {
    /// Describes the cached manifests.
    pub struct CacheManifests {
        /// Holds the hit rate, 0 to 1, as its writer computed it. Prefer [`Cache::computed_hit_rate`].
        pub hit_rate: Option<Measure>,
        /// Counts the manifests.
        pub entries: Option<u64>,
    }
}

section! {
    /// Describes the cached modules.
    pub struct CacheModules {
        /// Counts the modules in the cache.
        pub cached: Option<u64>,
        /// Counts the modules that had to leave it.
        pub evicted: Option<u64>,
    }
}

section! {
    /// Describes the last test run.
    pub struct Test {
        /// Names the test runner, such as `bun:test`.
        pub runner: Option<String>,
        /// Counts the test files.
        pub files: Option<u64>,
        /// Counts the tests by outcome.
        pub tests: Option<TestCounts>,
        /// Gives the coverage.
        pub coverage: Option<Coverage>,
    }
}

section! {
    /// Counts tests by outcome.
    pub struct TestCounts {
        /// Counts the tests.
        pub total: Option<u64>,
        /// Counts those that passed.
        pub passed: Option<u64>,
        /// Counts those that failed.
        pub failed: Option<u64>,
        /// Counts those that did not run.
        pub skipped: Option<u64>,
        /// Gives the time of the run, in milliseconds.
        pub duration_ms: Option<Measure>,
    }
}

section! {
    /// Gives the parts of the code that the tests ran, each in percent.
    pub struct Coverage {
        /// Says whether coverage was measured. When not, the numbers mean nothing.
        pub enabled: Option<bool>,
        /// Gives the lines that ran.
        pub lines: Option<Measure>,
        /// Gives the functions that ran.
        pub functions: Option<Measure>,
        /// Gives the branches that ran.
        pub branches: Option<Measure>,
    }
}

section! {
    /// Describes the state of a git repository.
    pub struct Git {
        /// Names the branch; absent when none is checked out.
        pub branch: Option<String>,
        /// Gives the commit that is checked out, as a hash of any length; absent before the first commit.
        pub head: Option<String>,
        /// Says whether anything differs from the commit, untracked files among it.
        pub dirty: Option<bool>,
        /// Counts the paths that differ from the commit; an untracked folder counts once.
        pub uncommitted_files: Option<u64>,
        /// Counts the tracked paths that differ from what is staged.
        pub unstaged_changes: Option<u64>,
    }
}

section! {
    /// Says which files the session touched.
    pub struct Files {
        /// Counts the files that were changed.
        pub modified: Option<u64>,
        /// Counts the files that were made.
        pub created: Option<u64>,
        /// Counts the files that were looked at and left alone.
        pub touched_no_change: Option<u64>,
        /// Lists the files.
        pub breakdown: Option<Vec<FileChange>>,
    }
}

section! {
    /// Says what happened to one file.
    pub struct FileChange {
        /// Gives its path within the project.
        pub path: Option<String>,
        /// Says what happened to it.
        pub status: Option<FileStatus>,
        /// Gives the change in its number of lines, with its sign: `+150`.
        pub lines: Option<String>,
        /// Says why.
        pub rationale: Option<String>,
    }
}

words! {
    /// Says what happened to a file.
    pub enum FileStatus {
        /// It was made.
        Created = "created",
        /// It was changed.
        Modified = "modified",
        /// It was removed.
        Deleted = "deleted",
        /// It was looked at and left alone.
        Touched = "touched",
    }
}

#[cfg(test)]
mod tests {
    use super::Cache;

    #[test]
    fn a_hit_rate_counts_hits_and_misses() {
        let cache = Cache { hits: Some(1247), misses: Some(3), ..Cache::default() };
        assert_eq!(cache.computed_hit_rate(), Some(0.9976));
        assert_eq!(Cache { misses: None, ..cache }.computed_hit_rate(), None);
        let idle = Cache { hits: Some(0), misses: Some(0), ..Cache::default() };
        assert_eq!(idle.computed_hit_rate(), None);
    }
}
