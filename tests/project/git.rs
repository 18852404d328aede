//! The state of repositories that a real git has made.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use circlet::payload::{Git, GitOperation, Unavailable, git_state, git_watch_paths};

use super::common::{Removed, run};
use super::pipe;
use super::programs::lacks;

/// A folder with repositories in it, outside of this one.
struct World(Removed);

impl World {
    fn new(name: &str) -> Self {
        // Not below the project, whose own repository would be found.
        let folder = std::env::temp_dir().join(format!("circlet-project-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(Removed(fs::canonicalize(folder).unwrap()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.0.join(name)
    }

    /// Makes a repository with a commit of the files `a` and `b`.
    fn repository(&self, name: &str) -> Repository {
        let repository = Repository(self.path(name));
        fs::create_dir_all(&repository.0).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch=trunk"]);
        repository.commit(&[("a", "1\n"), ("b", "1\n")]);
        repository
    }
}

struct Repository(PathBuf);

impl Repository {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]);
        command.args(["-c", "protocol.file.allow=always", "-c", "core.editor=true", "-C"]).arg(&self.0);
        command
            .args(arguments)
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE");
        command
    }

    fn git(&self, arguments: &[&str]) -> String {
        run(&mut self.command(arguments)).trim().to_owned()
    }

    /// Runs a command that stops at a conflict.
    fn stops(&self, arguments: &[&str]) {
        let Output { status, .. } = self.command(arguments).output().unwrap();
        assert!(!status.success(), "git {arguments:?}");
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).unwrap();
    }

    fn commit(&self, files: &[(&str, &str)]) {
        files.iter().for_each(|(file, text)| self.write(file, text));
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "Change files"]);
    }

    fn state(&self) -> Git {
        git_state(&self.0).unwrap()
    }

    fn operation(&self) -> GitOperation {
        self.state().operation.unwrap()
    }

    /// Makes a branch `other` whose change to `a` is in conflict with that of `trunk`.
    fn diverge(&self) {
        self.git(&["checkout", "--quiet", "-b", "other"]);
        self.commit(&[("a", "other\n")]);
        self.git(&["checkout", "--quiet", "trunk"]);
        self.commit(&[("a", "trunk\n")]);
    }
}

/// Uncommitted, unstaged, staged, untracked, in conflict.
fn counts(git: &Git) -> [u64; 5] {
    [git.uncommitted_files, git.unstaged_changes, git.staged_changes, git.untracked, git.conflicts]
        .map(Option::unwrap)
}

#[test]
fn what_is_staged_renamed_deleted_and_untracked_is_counted_as_git_lists_it() {
    if lacks("git") {
        return;
    }
    let world = World::new("counts");
    let repository = world.repository("r");
    repository.commit(&[("c", "1\n"), ("d", "1\n"), ("e", "1\n"), (".gitignore", "ignored\n")]);
    assert_eq!(counts(&repository.state()), [0; 5]);
    repository.git(&["mv", "a", "renamed\twith a tab"]);
    repository.write("b", "2\n");
    repository.git(&["add", "b"]);
    repository.write("b", "3\n");
    fs::remove_file(repository.0.join("c")).unwrap();
    repository.git(&["rm", "--quiet", "d"]);
    repository.write("ignored", "");
    repository.write("new \"one\"\n", "");
    fs::create_dir(repository.0.join("folder")).unwrap();
    repository.write("folder/1", "");
    repository.write("folder/2", "");
    // The name of a file that looks like a line of the answer.
    repository.write("# stash 9", "");
    let state = repository.state();
    assert_eq!(counts(&state), [7, 2, 3, 3, 0]);
    assert_eq!((state.dirty(), state.stashes, state.submodules_changed), (Some(true), Some(0), Some(0)));
    let listed = repository.git(&["status", "--porcelain=v1", "-z", "--no-renames"]);
    // Without renames the renamed file is two.
    assert_eq!(listed.split_terminator('\0').count(), 8);
}

#[test]
fn each_operation_that_is_under_way_is_named_and_none_when_it_ends() {
    if lacks("git") {
        return;
    }
    let world = World::new("operations");
    let repository = world.repository("r");
    repository.diverge();
    assert_eq!(repository.operation(), GitOperation::Nothing);
    for (begin, end, operation) in [
        (&["merge", "other"][..], &["merge", "--abort"][..], GitOperation::Merge),
        (&["cherry-pick", "other"], &["cherry-pick", "--abort"], GitOperation::CherryPick),
        (&["rebase", "other"], &["rebase", "--abort"], GitOperation::Rebase),
        (&["rebase", "--apply", "other"], &["rebase", "--abort"], GitOperation::Rebase),
        (&["revert", "--no-edit", "HEAD~1"], &["revert", "--abort"], GitOperation::Revert),
    ] {
        repository.stops(begin);
        assert_eq!(repository.operation(), operation, "{begin:?}");
        let state = repository.state();
        assert_eq!(state.conflicts, Some(1), "{begin:?}");
        assert_eq!(state.detached, Some(operation == GitOperation::Rebase), "{begin:?}");
        repository.git(end);
        assert_eq!(
            (repository.operation(), repository.state().dirty()),
            (GitOperation::Nothing, Some(false))
        );
    }
    let patch =
        repository.git(&["format-patch", "-1", "other", "-o", world.path("patches").to_str().unwrap()]);
    repository.stops(&["am", &patch]);
    assert_eq!(repository.operation(), GitOperation::Am);
    repository.git(&["am", "--abort"]);
    repository.git(&["bisect", "start", "HEAD", "HEAD~2"]);
    assert_eq!(repository.operation(), GitOperation::Bisect);
    repository.git(&["bisect", "reset"]);
    assert_eq!(repository.operation(), GitOperation::Nothing);
}

#[test]
fn a_series_of_cherry_picks_is_under_way_between_two_of_them_too() {
    if lacks("git") {
        return;
    }
    let world = World::new("series");
    let repository = world.repository("r");
    repository.diverge();
    repository.git(&["checkout", "--quiet", "other"]);
    repository.commit(&[("x", "1\n")]);
    repository.commit(&[("y", "1\n")]);
    repository.git(&["checkout", "--quiet", "trunk"]);
    repository.stops(&["cherry-pick", "trunk..other"]);
    repository.write("a", "solved\n");
    repository.git(&["commit", "--quiet", "--all", "--message", "Solve it"]);
    assert!(!repository.0.join(".git/CHERRY_PICK_HEAD").exists());
    assert_eq!(repository.operation(), GitOperation::CherryPick);
    repository.git(&["cherry-pick", "--continue"]);
    assert_eq!(repository.operation(), GitOperation::Nothing);
}

#[test]
fn the_distance_to_the_upstream_is_what_git_counts() {
    if lacks("git") {
        return;
    }
    let world = World::new("upstream");
    let origin = world.repository("origin");
    assert_eq!((origin.state().ahead, origin.state().behind), (None, None));
    origin.git(&["clone", "--quiet", ".", world.path("clone").to_str().unwrap()]);
    let clone = Repository(world.path("clone"));
    assert_eq!((clone.state().ahead, clone.state().behind), (Some(0), Some(0)));
    origin.commit(&[("a", "2\n")]);
    clone.commit(&[("c", "1\n")]);
    clone.commit(&[("c", "2\n")]);
    clone.git(&["fetch", "--quiet"]);
    // Even where a person has told git not to count.
    clone.git(&["config", "status.aheadBehind", "false"]);
    let state = clone.state();
    let counted = clone.git(&["rev-list", "--left-right", "--count", "HEAD...@{upstream}"]);
    assert_eq!(format!("{}\t{}", state.ahead.unwrap(), state.behind.unwrap()), counted);
    clone.git(&["update-ref", "-d", "refs/remotes/origin/trunk"]);
    assert_eq!((clone.state().ahead, clone.state().behind), (None, None));
}

#[test]
fn stashes_are_counted() {
    if lacks("git") {
        return;
    }
    let world = World::new("stashes");
    let repository = world.repository("r");
    for text in ["2\n", "3\n"] {
        repository.write("a", text);
        repository.git(&["stash", "--quiet"]);
    }
    let stashes = repository.state().stashes.unwrap();
    assert_eq!(stashes, repository.git(&["stash", "list"]).lines().count() as u64);
    repository.git(&["stash", "clear"]);
    assert_eq!(repository.state().stashes, Some(0));
}

#[test]
fn a_linked_worktree_has_a_state_of_its_own() {
    if lacks("git") {
        return;
    }
    let world = World::new("worktrees");
    let repository = world.repository("r");
    let linked = Repository(world.path("linked"));
    repository.git(&["worktree", "add", "--quiet", "-b", "side", linked.0.to_str().unwrap()]);
    linked.write("a", "2\n");
    let states = (repository.state(), linked.state());
    assert_eq!((states.0.worktree, states.1.worktree), (Some(false), Some(true)));
    assert_eq!((states.0.branch.as_deref(), states.1.branch.as_deref()), (Some("trunk"), Some("side")));
    assert_eq!((states.0.dirty(), states.1.dirty()), (Some(false), Some(true)));
    linked.commit(&[]);
    repository.diverge();
    linked.stops(&["merge", "other"]);
    assert_eq!((repository.operation(), linked.operation()), (GitOperation::Nothing, GitOperation::Merge));
    fs::create_dir(linked.0.join("inner")).unwrap();
    symlink(linked.0.join("inner"), world.path("link")).unwrap();
    assert_eq!(git_state(&world.path("link")).unwrap().branch.as_deref(), Some("side"));
}

#[test]
fn a_submodule_that_differs_is_counted_and_has_a_state_of_its_own() {
    if lacks("git") {
        return;
    }
    let world = World::new("submodules");
    world.repository("library");
    let repository = world.repository("r");
    repository.git(&["submodule", "--quiet", "add", "../library", "inner"]);
    repository.commit(&[]);
    assert_eq!(repository.state().submodules_changed, Some(0));
    let inner = Repository(repository.0.join("inner"));
    inner.write("new", "");
    let states = (repository.state(), inner.state());
    assert_eq!((states.0.submodules_changed, states.0.unstaged_changes), (Some(1), Some(1)));
    assert_eq!(
        (states.1.worktree, states.1.untracked, states.1.submodules_changed),
        (Some(false), Some(1), Some(0))
    );
}

#[test]
fn an_unborn_branch_and_a_detached_head_are_told_apart() {
    if lacks("git") {
        return;
    }
    let world = World::new("heads");
    let repository = world.repository("r");
    repository.git(&["checkout", "--quiet", "--orphan", "unborn"]);
    let state = repository.state();
    assert_eq!((state.branch.as_deref(), state.head, state.detached), (Some("unborn"), None, Some(false)));
    repository.git(&["checkout", "--quiet", "--force", "--detach", "trunk"]);
    let state = repository.state();
    assert_eq!((state.branch, state.detached), (None, Some(true)));
    assert_eq!(state.head.unwrap(), repository.git(&["rev-parse", "HEAD"]));
}

/// What a caller compares of a file that it watches: times, size and inode.
type Stamp = Option<(i64, i64, u64, u64)>;

fn stamps(folder: &Path) -> Vec<(PathBuf, Stamp)> {
    let stamp = |found: Metadata| (found.mtime(), found.mtime_nsec(), found.len(), found.ino());
    let paths = git_watch_paths(folder).unwrap();
    paths.into_iter().map(|path| (path.clone(), fs::metadata(&path).ok().map(stamp))).collect()
}

#[test]
fn whatever_git_does_is_seen_at_the_watched_files_and_a_look_at_the_state_is_not() {
    if lacks("git") {
        return;
    }
    let world = World::new("watched");
    let origin = world.repository("origin");
    origin.git(&["branch", "team/feature"]);
    origin.git(&["clone", "--quiet", ".", world.path("clone").to_str().unwrap()]);
    let main = Repository(world.path("clone"));
    main.git(&["worktree", "add", "--quiet", "-b", "side", world.path("linked").to_str().unwrap()]);
    for folder in ["clone", "linked"] {
        let repository = Repository(world.path(folder));
        repository.git(&["branch", "--quiet", "--set-upstream-to=origin/team/feature"]);
        let changes = || {
            origin.git(&["checkout", "--quiet", "team/feature"]);
            origin.commit(&[("o", &format!("{folder}\n"))]);
        };
        changes();
        repository.git(&["pack-refs", "--all"]);
        repository.write("a", &format!("{folder}\n"));
        for arguments in [
            &["add", "a"][..],
            &["commit", "--quiet", "--message", "One"],
            &["fetch", "--quiet"],
            &["merge", "--quiet", "--no-commit", "--no-ff", "origin/team/feature"],
            &["merge", "--abort"],
            &["checkout", "--quiet", "-b", &format!("deep/{folder}")],
            &["commit", "--quiet", "--allow-empty", "--message", "Two"],
            &["reset", "--quiet", "--soft", "HEAD~2"],
            &["stash", "--quiet"],
            &["stash", "drop", "--quiet"],
            &["checkout", "--quiet", "--detach"],
            &["branch", "--quiet", "--force", &format!("deep/{folder}"), "origin/team/feature"],
            &["checkout", "--quiet", &format!("deep/{folder}")],
            &["branch", "--quiet", "--set-upstream-to=origin/trunk"],
            &["update-ref", &format!("refs/heads/deep/{folder}"), "origin/trunk"],
            &["update-ref", "refs/remotes/origin/trunk", "origin/team/feature"],
            &["pack-refs", "--all"],
            &["update-ref", "refs/remotes/origin/trunk", "HEAD"],
        ] {
            let (before, state) = (stamps(&repository.0), repository.state());
            assert_eq!(stamps(&repository.0), before, "a look changed something before {arguments:?}");
            // So that two changes have two times on any file system.
            std::thread::sleep(Duration::from_millis(10));
            repository.git(arguments);
            if repository.state() != state {
                assert_ne!(stamps(&repository.0), before, "{arguments:?} was not seen");
            }
        }
    }
}

#[test]
fn a_branch_that_another_worktree_moves_and_an_operation_that_is_given_up_are_seen() {
    if lacks("git") {
        return;
    }
    let world = World::new("moved");
    let repository = world.repository("r");
    let linked = Repository(world.path("linked"));
    repository.git(&["worktree", "add", "--quiet", "-b", "side", linked.0.to_str().unwrap()]);
    repository.diverge();
    let before = stamps(&linked.0);
    repository.git(&["update-ref", "refs/heads/side", "other"]);
    assert_ne!(stamps(&linked.0), before);
    repository.stops(&["merge", "other"]);
    let before = stamps(&repository.0);
    std::thread::sleep(Duration::from_millis(10));
    repository.git(&["merge", "--quit"]);
    assert_eq!(repository.operation(), GitOperation::Nothing);
    assert_ne!(stamps(&repository.0), before);
}

#[test]
fn a_folder_whose_git_folder_is_made_up_has_no_state_and_holds_nobody_up() {
    let world = World::new("hostile");
    let begun = Instant::now();
    let folder = |name: &str| {
        let folder = world.path(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    };
    let pipes = folder("pipe");
    pipe(&pipes.join(".git"));
    assert!(matches!(git_state(&pipes), Err(Unavailable::Missing { .. })));
    for (name, text) in [("empty", ""), ("words", "gitdir:"), ("bytes", "gitdir \u{0}\n")] {
        let path = folder(name);
        fs::write(path.join(".git"), text).unwrap();
        assert!(matches!(git_watch_paths(&path), Err(Unavailable::Malformed { .. })), "{name}");
    }
    let large = folder("large");
    fs::File::create(large.join(".git")).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(git_state(&large), Err(Unavailable::TooMuch { limit: 65_536, .. })));
    let circle = folder("circle");
    symlink(".git", circle.join(".git")).unwrap();
    assert!(matches!(git_state(&circle), Err(Unavailable::Missing { .. })));
    let commondir = folder("commondir/.git");
    fs::write(commondir.join("HEAD"), "ref: ../../../etc/passwd\n").unwrap();
    pipe(&commondir.join("commondir"));
    assert!(matches!(git_watch_paths(&world.path("commondir")), Err(Unavailable::NotAFile { .. })));
    fs::remove_file(commondir.join("commondir")).unwrap();
    let watched = git_watch_paths(&world.path("commondir")).unwrap();
    assert!(watched.iter().all(|path| !path.ends_with("passwd")), "{watched:?}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn a_git_that_waits_for_a_pipe_is_ended() {
    if lacks("git") {
        return;
    }
    let world = World::new("waits");
    let repository = world.repository("r");
    fs::remove_file(repository.0.join(".git/index")).unwrap();
    pipe(&repository.0.join(".git/index"));
    let begun = Instant::now();
    let error = git_state(&repository.0).unwrap_err();
    assert!(matches!(error, Unavailable::TooSlow { .. } | Unavailable::Failed { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_git_that_refuses_says_why() {
    if lacks("git") {
        return;
    }
    let world = World::new("refuses");
    let repository = world.repository("r");
    repository.write(".git/config", "[core\n");
    let error = git_state(&repository.0).unwrap_err().to_string();
    assert!(error.starts_with("`git` failed: exit status: 128: fatal: bad config line 1"), "{error}");
}

#[test]
fn this_checkout_has_the_state_that_git_says() {
    let root = super::common::root();
    if lacks("git") || git_watch_paths(&root).is_err() {
        eprintln!("skipped: no checkout of git here");
        return;
    }
    let head = Repository(root.clone()).git(&["rev-parse", "HEAD"]);
    assert_eq!(git_state(&root).unwrap().head.unwrap(), head);
}
