//! The project that the session works on: dependencies, cache, tests, git, files.

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
        /// Gives the size of those packages in bytes.
        pub total_size_bytes: Option<u64>,
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
        /// Gives its size in bytes.
        pub size_bytes: Option<u64>,
        /// Describes the cached manifests.
        pub manifests: Option<CacheManifests>,
        /// Describes the cached modules.
        pub modules: Option<CacheModules>,
    }
}

impl Cache {
    /// Computes the part of the look-ups that hit, 0 to 1; `None` when it is unknown or nothing was looked up.
    pub fn hit_rate(&self) -> Option<f64> {
        let hits = self.hits?;
        ratio(hits, hits.saturating_add(self.misses?))
    }
}

section! {
    /// Describes the cached manifests.
    pub struct CacheManifests {
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
        /// Counts those that passed.
        pub passed: Option<u64>,
        /// Counts those that failed.
        pub failed: Option<u64>,
        /// Counts those that did not run.
        pub skipped: Option<u64>,
        /// Gives the time of the run, in microseconds.
        pub duration_us: Option<u64>,
    }
}

impl TestCounts {
    /// Computes how many tests there are; `None` where it is not known how many passed and failed.
    pub fn total(&self) -> Option<u64> {
        self.passed?.checked_add(self.failed?)?.checked_add(self.skipped.unwrap_or(0))
    }
}

section! {
    /// Counts the parts of the code, and those that the tests ran, as lcov does.
    pub struct Coverage {
        /// Counts the lines.
        pub lines_found: Option<u64>,
        /// Counts those that ran.
        pub lines_hit: Option<u64>,
        /// Counts the functions.
        pub functions_found: Option<u64>,
        /// Counts those that ran.
        pub functions_hit: Option<u64>,
        /// Counts the branches.
        pub branches_found: Option<u64>,
        /// Counts those that ran.
        pub branches_hit: Option<u64>,
    }
}

impl Coverage {
    /// Computes the lines that ran, in percent; `None` where it is unknown or there are none.
    pub fn lines(&self) -> Option<f64> {
        percent(self.lines_hit?, self.lines_found?)
    }

    /// Computes the functions that ran, in percent; `None` where it is unknown or there are none.
    pub fn functions(&self) -> Option<f64> {
        percent(self.functions_hit?, self.functions_found?)
    }

    /// Computes the branches that ran, in percent; `None` where it is unknown or there are none.
    pub fn branches(&self) -> Option<f64> {
        percent(self.branches_hit?, self.branches_found?)
    }
}

fn percent(hit: u64, found: u64) -> Option<f64> {
    ratio(hit, found).map(|ratio| ratio * 100.0)
}

section! {
    /// Describes the state of a git repository.
    pub struct Git {
        /// Names the branch; absent when none is checked out.
        pub branch: Option<String>,
        /// Gives the commit that is checked out, as a hash of any length; absent before the first commit.
        pub head: Option<String>,
        /// Counts the paths that differ from the commit; an untracked folder counts once.
        pub uncommitted_files: Option<u64>,
        /// Counts the tracked paths that differ from what is staged.
        pub unstaged_changes: Option<u64>,
    }
}

impl Git {
    /// Says whether anything differs from the commit, untracked files among it.
    pub fn dirty(&self) -> Option<bool> {
        self.uncommitted_files.map(|files| files > 0)
    }
}

section! {
    /// Says which files the session touched.
    pub struct Files {
        /// Lists the files.
        pub breakdown: Option<Vec<FileChange>>,
    }
}

impl Files {
    /// Counts the files that were changed.
    pub fn modified(&self) -> Option<u64> {
        self.count(&FileStatus::Modified)
    }

    /// Counts the files that were made.
    pub fn created(&self) -> Option<u64> {
        self.count(&FileStatus::Created)
    }

    /// Counts the files that were looked at and left alone.
    pub fn touched_no_change(&self) -> Option<u64> {
        self.count(&FileStatus::Touched)
    }

    fn count(&self, status: &FileStatus) -> Option<u64> {
        let files = self.breakdown.as_ref()?;
        Some(files.iter().filter(|file| file.status.as_ref() == Some(status)).count() as u64)
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
        assert_eq!(cache.hit_rate(), Some(0.9976));
        assert_eq!(Cache { misses: None, ..cache }.hit_rate(), None);
        let idle = Cache { hits: Some(0), misses: Some(0), ..Cache::default() };
        assert_eq!(idle.hit_rate(), None);
    }
}
