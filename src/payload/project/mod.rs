//! The project that the session works on: dependencies, cache, tests, git, files.

#[cfg(feature = "project")]
mod dependency_tree;
mod git;
mod git_folder;
#[cfg(feature = "project")]
mod junit;
#[cfg(feature = "project")]
mod lcov;
#[cfg(feature = "project")]
mod lock_formats;
#[cfg(feature = "project")]
mod lockfile;
#[cfg(feature = "project")]
mod native_modules;
#[cfg(feature = "project")]
mod package_cache;
mod reading;
mod unavailable;
mod walk;

use super::section::section;
use super::words::words;
use super::worker_threads::ratio;

#[cfg(feature = "project")]
pub use dependency_tree::dependency_tree;
pub use git::git_state;
pub use git_folder::git_watch_paths;
#[cfg(feature = "project")]
pub use junit::{junit_report, parse_junit};
#[cfg(feature = "project")]
pub use lcov::{lcov_report, parse_lcov};
#[cfg(feature = "project")]
pub use lockfile::lockfile;
#[cfg(feature = "project")]
pub(super) use lockfile::lockfile_places;
#[cfg(feature = "project")]
pub use package_cache::package_cache;
pub use unavailable::Unavailable;

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
        /// Counts the packages that it lists.
        pub total_dependencies: Option<u64>,
        /// Gives the size of those packages, in bytes.
        pub total_size_bytes: Option<u64>,
    }
}

section! {
    /// Counts the dependencies by kind.
    pub struct DependencyTree {
        /// Counts what the project names for its own use, and always needs.
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
        /// Gives the size of its files, in bytes.
        pub size_bytes: Option<u64>,
        /// Counts its files.
        pub entries: Option<u64>,
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
    /// Counts the parts of the code that could run in the tests (found), and those that did (hit).
    pub struct Coverage {
        /// Counts the lines with code.
        pub lines_found: Option<u64>,
        /// Counts the lines that ran.
        pub lines_hit: Option<u64>,
        /// Counts the functions.
        pub functions_found: Option<u64>,
        /// Counts the functions that ran.
        pub functions_hit: Option<u64>,
        /// Counts the branches.
        pub branches_found: Option<u64>,
        /// Counts the branches that were taken.
        pub branches_hit: Option<u64>,
    }
}

impl Coverage {
    /// Computes the lines that ran, in percent; `None` when that is unknown or there are none.
    pub fn lines(&self) -> Option<f64> {
        percent(self.lines_hit?, self.lines_found?)
    }

    /// Computes the functions that ran, in percent; `None` when that is unknown or there are none.
    pub fn functions(&self) -> Option<f64> {
        percent(self.functions_hit?, self.functions_found?)
    }

    /// Computes the branches that were taken, in percent; `None` when that is unknown or there are none.
    pub fn branches(&self) -> Option<f64> {
        percent(self.branches_hit?, self.branches_found?)
    }
}

fn percent(hit: u64, found: u64) -> Option<f64> {
    ratio(hit, found).map(|part| part * 100.0)
}

section! {
    /// Describes the state of a git repository.
    pub struct Git {
        /// Names the branch; absent when none is checked out.
        pub branch: Option<String>,
        /// Gives the commit that is checked out, as a hash of any length; absent before the first commit.
        pub head: Option<String>,
        /// Says whether a commit is checked out in the place of a branch.
        pub detached: Option<bool>,
        /// Counts the commits that the branch has and its upstream has not; absent without an upstream.
        pub ahead: Option<u64>,
        /// Counts the commits that the upstream has and the branch has not; absent without an upstream.
        pub behind: Option<u64>,
        /// Counts the paths that differ from the commit; an untracked folder counts once.
        pub uncommitted_files: Option<u64>,
        /// Counts the tracked paths that differ from what is staged, those in conflict among them.
        pub unstaged_changes: Option<u64>,
        /// Counts the paths whose staged state differs from the commit, without those in conflict.
        pub staged_changes: Option<u64>,
        /// Counts the paths that git does not track and is not told to ignore; a folder of them counts once.
        pub untracked: Option<u64>,
        /// Counts the paths in conflict.
        pub conflicts: Option<u64>,
        /// Counts the submodules that differ, by their commit or by what is in them.
        pub submodules_changed: Option<u64>,
        /// Counts the stashes.
        pub stashes: Option<u64>,
        /// Says what was begun and not ended.
        pub operation: Option<GitOperation>,
        /// Says whether the folder belongs to a linked worktree (`git worktree add`).
        pub worktree: Option<bool>,
    }
}

impl Git {
    /// Says whether anything differs from the commit, untracked files among it; `None` when that is unknown.
    pub fn dirty(&self) -> Option<bool> {
        self.uncommitted_files.map(|files| files > 0)
    }
}

words! {
    /// Says what a repository is in the middle of.
    pub enum GitOperation {
        /// Nothing.
        Nothing = "none",
        /// A merge.
        Merge = "merge",
        /// A rebase.
        Rebase = "rebase",
        /// Patches that are applied from mail.
        Am = "am",
        /// A cherry-pick.
        CherryPick = "cherry-pick",
        /// A revert.
        Revert = "revert",
        /// A search for the commit that broke something.
        Bisect = "bisect",
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
    /// Counts the files that were changed; `None` when there is no list.
    pub fn modified(&self) -> Option<u64> {
        self.count(&FileStatus::Modified)
    }

    /// Counts the files that were made; `None` when there is no list.
    pub fn created(&self) -> Option<u64> {
        self.count(&FileStatus::Created)
    }

    /// Counts the files that were looked at and left alone; `None` when there is no list.
    pub fn touched_no_change(&self) -> Option<u64> {
        self.count(&FileStatus::Touched)
    }

    fn count(&self, status: &FileStatus) -> Option<u64> {
        let files = self.breakdown.as_ref()?.iter();
        Some(files.filter(|file| file.status.as_ref() == Some(status)).count() as u64)
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
    use super::{Cache, Coverage, FileChange, FileStatus, Files, Git, TestCounts};

    #[test]
    fn a_hit_rate_counts_hits_and_misses() {
        let cache = Cache { hits: Some(1247), misses: Some(3), ..Cache::default() };
        assert_eq!(cache.hit_rate(), Some(0.9976));
        assert_eq!(Cache { misses: None, ..cache }.hit_rate(), None);
        let idle = Cache { hits: Some(0), misses: Some(0), ..Cache::default() };
        assert_eq!(idle.hit_rate(), None);
    }

    #[test]
    fn a_total_needs_those_that_passed_and_failed() {
        let tests =
            TestCounts { passed: Some(3), failed: Some(2), skipped: Some(1), ..TestCounts::default() };
        assert_eq!(tests.total(), Some(6));
        assert_eq!(TestCounts { skipped: None, ..tests.clone() }.total(), Some(5));
        assert_eq!(TestCounts { failed: None, ..tests.clone() }.total(), None);
        assert_eq!(TestCounts { failed: Some(u64::MAX), ..tests }.total(), None);
    }

    #[test]
    fn a_coverage_of_nothing_has_no_percentage() {
        let coverage = Coverage {
            lines_found: Some(8),
            lines_hit: Some(6),
            functions_found: Some(0),
            functions_hit: Some(0),
            branches_found: Some(4),
            ..Coverage::default()
        };
        let percentages = (coverage.lines(), coverage.functions(), coverage.branches());
        assert_eq!(percentages, (Some(75.0), None, None));
    }

    #[test]
    fn a_repository_is_dirty_by_its_uncommitted_files_alone() {
        let dirty = |uncommitted_files| Git { uncommitted_files, ..Git::default() }.dirty();
        assert_eq!((dirty(None), dirty(Some(0)), dirty(Some(2))), (None, Some(false), Some(true)));
    }

    #[test]
    fn files_are_counted_by_their_status_where_they_are_listed() {
        let file = |status| FileChange { status: Some(status), ..FileChange::default() };
        let listed = vec![file(FileStatus::Created), file(FileStatus::Modified), file(FileStatus::Created)];
        let files = Files { breakdown: Some(listed), ..Files::default() };
        assert_eq!(
            (files.created(), files.modified(), files.touched_no_change()),
            (Some(2), Some(1), Some(0))
        );
        assert_eq!(Files::default().created(), None);
    }
}
