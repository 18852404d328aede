//! What git says about a folder.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::git_folder::GitFolder;
use super::{Git, Unavailable};

/// How long `git status` may take. A folder so large that it takes longer has no state that is worth the wait.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Bytes of output, of which each path that differs takes about a hundred.
const OUTPUT_LIMIT: u64 = 64 << 20;
/// Bytes of an error that are kept.
const ERROR_LIMIT: u64 = 1 << 12;
/// How often to look whether a program has ended that has closed its output.
const PAUSE: Duration = Duration::from_millis(1);

/// Variables that make git look elsewhere than at the folder, such as those of a git that runs the caller as its hook.
const ELSEWHERE: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
];

/// Asks git for the state of the repository that `folder` is in.
///
/// Runs `git status` once, with two threads that read its output; all end before this returns, or soon after a timeout. Nothing
/// is written to the repository. Git reads the repository's own configuration, so ask about folders that you trust. Without a
/// repository git is not started.
///
/// Absent stay `branch` without one or with a name that is not UTF-8, `head` before the first commit, `ahead` and `behind`
/// without an upstream, `stashes` where there are some and git is older than 2.35, and `operation` of a kind that is not known.
///
/// # Errors
///
/// There is no repository or no git, git refuses the folder, its answer takes more than 3 seconds or 64 MiB.
///
/// ```no_run
/// match circlet::payload::git_state(".".as_ref()) {
///     Ok(git) => println!("{:?}, {:?} ahead", git.branch, git.ahead),
///     Err(unavailable) => println!("no git: {unavailable}"),
/// }
/// ```
pub fn git_state(folder: &Path) -> Result<Git, Unavailable> {
    let found = GitFolder::of(folder)?;
    let mut command = Command::new("git");
    command
        // No refresh of the index, no file watcher of the repository's choice, and no choice not to count.
        .args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "status.aheadBehind=true", "-C"])
        .arg(folder)
        .args(["status", "--porcelain=v2", "--branch", "--show-stash", "--untracked-files=normal"])
        .env("LC_ALL", "C")
        // Not even a clone that lacks objects asks the network for them.
        .env("GIT_NO_LAZY_FETCH", "1");
    for variable in ELSEWHERE {
        command.env_remove(variable);
    }
    let mut git = parse(&output("git", &mut command, TIMEOUT)?);
    git.worktree = Some(found.is_linked());
    git.operation = found.operation();
    if git.stashes.is_none() && found.has_no_stash() {
        git.stashes = Some(0);
    }
    Ok(git)
}

/// Runs a command and returns what it printed. It has ended then, or is on its way to its end.
fn output(program: &'static str, command: &mut Command, timeout: Duration) -> Result<Vec<u8>, Unavailable> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = command.spawn();
    let mut child = started.map_err(|cause| Unavailable::NotStarted { program, cause })?;
    let printed = answer(program, &mut child, timeout);
    if printed.is_err() {
        // It may have ended just now; then there is nothing to kill.
        let _ = child.kill();
        // Not here: a process that waits for a disk that is gone does not even end when it is killed.
        let _ = thread::Builder::new().name("circlet-git-end".to_owned()).spawn(move || child.wait());
    }
    printed
}

fn answer(program: &'static str, child: &mut Child, timeout: Duration) -> Result<Vec<u8>, Unavailable> {
    let deadline = Instant::now() + timeout;
    let too_slow = || Unavailable::TooSlow { what: format!("`{program}`"), limit: timeout };
    let failed = |said: String| Unavailable::Failed { program, said };
    let printed = reader(child.stdout.take(), OUTPUT_LIMIT + 1);
    let complaint = reader(child.stderr.take(), ERROR_LIMIT);
    let wait = |from: &Receiver<Vec<u8>>| {
        from.recv_timeout(deadline.saturating_duration_since(Instant::now())).map_err(|error| match error {
            RecvTimeoutError::Timeout => too_slow(),
            RecvTimeoutError::Disconnected => failed("its output cannot be read".to_owned()),
        })
    };
    let printed = wait(&printed)?;
    if printed.len() as u64 > OUTPUT_LIMIT {
        let what = format!("the output of `{program}`");
        return Err(Unavailable::TooMuch { what, limit: OUTPUT_LIMIT, unit: "bytes" });
    }
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => thread::sleep(PAUSE),
            Ok(None) => return Err(too_slow()),
            Err(error) => return Err(failed(error.to_string())),
        }
    };
    if status.success() {
        return Ok(printed);
    }
    let complaint = wait(&complaint).unwrap_or_default();
    let complaint = String::from_utf8_lossy(&complaint);
    Err(failed(format!("{status}: {}", complaint.lines().next().unwrap_or_default())))
}

/// Reads a pipe in a thread, and keeps as much. The thread is not joined: after a timeout a grandchild may still hold the pipe.
fn reader(pipe: Option<impl Read + Send + 'static>, limit: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let Some(mut pipe) = pipe else { return receiver };
    // Where there can be no thread the sender goes, which the receiver sees.
    let _ = thread::Builder::new().name("circlet-git".to_owned()).spawn(move || {
        let mut printed = Vec::new();
        if (&mut pipe).take(limit).read_to_end(&mut printed).is_ok() {
            // Nobody listens any more after a timeout.
            let _ = sender.send(printed);
            // The rest has no reader, and must not keep its writer waiting.
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
    });
    receiver
}

/// Reads the output of `git status --porcelain=v2 --branch --show-stash` (git-status(1), "Porcelain Format Version 2").
fn parse(status: &[u8]) -> Git {
    let mut git = Git { detached: Some(false), ..Git::default() };
    let [mut staged, mut unstaged, mut conflicts, mut untracked, mut tracked, mut submodules] = [0; 6];
    for line in status.split(|byte| *byte == b'\n') {
        let Some((kind, entry)) = split(line) else { continue };
        match kind {
            b"#" => header(entry, &mut git),
            // `1 XY sub …` changed, `2 XY sub …` renamed, `u XY sub …` in conflict. X is `.` when the staged file is as it is
            // committed, Y when the file is as it is staged; `sub` begins with an `S` for a submodule.
            b"1" | b"2" | b"u" => {
                tracked += 1;
                unstaged += u64::from(entry.get(1) != Some(&b'.'));
                if kind == b"u" {
                    conflicts += 1;
                } else {
                    staged += u64::from(entry.first() != Some(&b'.'));
                }
                submodules += u64::from(entry.get(3) == Some(&b'S'));
            }
            b"?" => untracked += 1,
            _ => {}
        }
    }
    git.uncommitted_files = Some(tracked + untracked);
    git.unstaged_changes = Some(unstaged);
    git.staged_changes = Some(staged);
    git.untracked = Some(untracked);
    git.conflicts = Some(conflicts);
    git.submodules_changed = Some(submodules);
    git
}

fn header(header: &[u8], git: &mut Git) {
    // None of them has a path in it, and a branch need not be UTF-8.
    let Ok(header) = str::from_utf8(header) else { return };
    let Some((name, value)) = header.split_once(' ') else { return };
    match name {
        "branch.oid" if value != "(initial)" => git.head = Some(value.to_owned()),
        "branch.head" if value == "(detached)" => git.detached = Some(true),
        "branch.head" => git.branch = Some(value.to_owned()),
        "branch.ab" => {
            let (ahead, behind) = value.split_once(' ').unwrap_or((value, ""));
            git.ahead = ahead.strip_prefix('+').and_then(|count| count.parse().ok());
            git.behind = behind.strip_prefix('-').and_then(|count| count.parse().ok());
        }
        "stash" => git.stashes = value.parse().ok(),
        _ => {}
    }
}

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = line.iter().position(|byte| *byte == b' ')?;
    Some((&line[..blank], &line[blank + 1..]))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::process::Command;

    use super::{Unavailable, git_state, parse};

    #[test]
    fn every_kind_of_line_counts_once() {
        let git = parse(
            concat!(
                "# branch.oid 9fceb02d0ae598e95dc970b74767f19372d61af8\n",
                "# branch.head topic/one\n",
                "# branch.upstream origin/topic/one\n",
                "# branch.ab +1 -0\n",
                "1 M. N... 100644 100644 100644 aaaa bbbb staged.rs\n",
                "1 .M N... 100644 100644 100644 aaaa bbbb unstaged.rs\n",
                "2 R. N... 100644 100644 100644 aaaa bbbb R100 new name.rs\told.rs\n",
                "u UU N... 100644 100644 100644 100644 aaaa bbbb cccc conflict.rs\n",
                "? untracked/\n",
                "! ignored\n",
                "# stash 3\n",
                "1 .M SC.. 160000 160000 160000 aaaa aaaa module\n",
            )
            .as_bytes(),
        );
        assert_eq!(git.branch.as_deref(), Some("topic/one"));
        assert_eq!(git.head.as_deref(), Some("9fceb02d0ae598e95dc970b74767f19372d61af8"));
        assert_eq!((git.ahead, git.behind, git.stashes), (Some(1), Some(0), Some(3)));
        assert_eq!((git.dirty(), git.detached), (Some(true), Some(false)));
        assert_eq!(
            (git.uncommitted_files, git.unstaged_changes, git.staged_changes),
            (Some(6), Some(3), Some(2))
        );
        assert_eq!((git.untracked, git.conflicts, git.submodules_changed), (Some(1), Some(1), Some(1)));
    }

    #[test]
    fn a_detached_head_has_no_branch_and_an_unborn_branch_no_head() {
        let detached = parse(b"# branch.oid abc\n# branch.head (detached)\n");
        assert_eq!((detached.branch, detached.detached, detached.ahead), (None, Some(true), None));
        let unborn = parse(b"# branch.oid (initial)\n# branch.head main\n");
        assert_eq!((unborn.head.as_deref(), unborn.branch.as_deref()), (None, Some("main")));
        assert_eq!(unborn.dirty(), Some(false));
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_hangs_is_ended_at_the_timeout() {
        use std::time::Duration;
        // Were it not ended, the wait for it would take an hour.
        let printed = |command: &mut Command, timeout| super::output("it", command, timeout);
        let late = printed(Command::new("sleep").arg("3600"), Duration::from_millis(50));
        assert!(matches!(late, Err(Unavailable::TooSlow { .. })), "{late:?}");
        let done = printed(Command::new("echo").arg("done"), super::TIMEOUT);
        assert_eq!(done.unwrap(), b"done\n");
        let failed = printed(Command::new("sh").args(["-c", "echo no >&2; exit 3"]), super::TIMEOUT);
        assert_eq!(failed.unwrap_err().to_string(), "`it` failed: exit status: 3: no");
        let missing = printed(&mut Command::new("no-such-program-here"), super::TIMEOUT);
        assert!(matches!(missing, Err(Unavailable::NotStarted { .. })), "{missing:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_closes_its_output_and_stays_is_ended_at_the_timeout() {
        let mut command = Command::new("sh");
        command.args(["-c", "exec >&- 2>&-; sleep 3600"]);
        let late = super::output("it", &mut command, std::time::Duration::from_millis(50));
        assert!(matches!(late, Err(Unavailable::TooSlow { .. })), "{late:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_prints_without_end_is_ended_at_the_limit() {
        let endless = super::output("it", &mut Command::new("yes"), super::TIMEOUT * 10);
        assert!(matches!(endless, Err(Unavailable::TooMuch { limit: super::OUTPUT_LIMIT, .. })));
    }

    /// A folder of its own, removed at the end of the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("circlet-payload-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn repository(name: &str) -> Self {
            let folder = Self::new(name);
            folder.git(&["init", "--quiet", "--initial-branch=trunk"]);
            folder
        }

        fn git(&self, arguments: &[&str]) -> String {
            let output = Command::new("git")
                .args([
                    "-c",
                    "user.name=t",
                    "-c",
                    "user.email=t@example.org",
                    "-c",
                    "commit.gpgsign=false",
                    "-C",
                ])
                .arg(&self.0)
                .args(arguments)
                .env_remove("GIT_DIR")
                .env_remove("GIT_WORK_TREE")
                .env_remove("GIT_INDEX_FILE")
                .output()
                .unwrap_or_else(|error| panic!("`git` is needed for this test: {error}"));
            assert!(output.status.success(), "git {arguments:?}: {output:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        }

        fn write(&self, file: &str, text: &str) {
            fs::write(self.0.join(file), text).unwrap();
        }

        fn commit(&self, file: &str) {
            self.write(file, "first\n");
            self.git(&["add", "--all"]);
            self.git(&["commit", "--quiet", "--message", "Add a file"]);
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_folder_without_a_repository_has_no_state() {
        let folder = Folder::new("none");
        let none = git_state(&folder.0).unwrap_err();
        assert_eq!(none.to_string(), format!("{} has no git repository", folder.0.display()));
        let missing = git_state(&folder.0.join("missing"));
        assert!(matches!(missing, Err(Unavailable::Unreadable { .. })), "{missing:?}");
    }

    #[test]
    fn an_unborn_branch_has_no_head() {
        let state = git_state(&Folder::repository("unborn").0).unwrap();
        assert_eq!(
            (state.branch.as_deref(), state.head.as_deref(), state.dirty()),
            (Some("trunk"), None, Some(false))
        );
    }

    #[test]
    fn a_clean_repository_has_a_head_and_no_changes() {
        let folder = Folder::repository("clean");
        folder.commit("a");
        let state = git_state(&folder.0).unwrap();
        assert_eq!(state.branch.as_deref(), Some("trunk"));
        assert_eq!(state.head.as_deref().unwrap(), folder.git(&["rev-parse", "HEAD"]));
        assert_eq!(state.dirty(), Some(false));
        assert_eq!((state.uncommitted_files, state.unstaged_changes), (Some(0), Some(0)));
    }

    #[test]
    fn a_dirty_repository_counts_staged_unstaged_and_untracked_files() {
        let folder = Folder::repository("dirty");
        folder.commit("a");
        folder.commit("b");
        folder.write("a", "second\n");
        folder.git(&["add", "a"]);
        folder.write("b", "second\n");
        folder.write("c\nwith a line break", "new\n");
        let state = git_state(&folder.0).unwrap();
        assert_eq!(state.dirty(), Some(true));
        assert_eq!((state.uncommitted_files, state.unstaged_changes), (Some(3), Some(1)));
    }

    #[test]
    fn a_detached_head_has_no_branch() {
        let folder = Folder::repository("detached");
        folder.commit("a");
        folder.git(&["checkout", "--quiet", "--detach"]);
        let state = git_state(&folder.0).unwrap();
        assert_eq!(state.branch, None);
        assert!(state.head.is_some());
    }

    #[cfg(unix)]
    #[test]
    fn the_file_watcher_of_a_repository_is_not_started() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::repository("watcher");
        folder.commit("a");
        let hook = folder.0.join(".git/watcher");
        fs::write(&hook, "#!/bin/sh\ntouch \"$(dirname \"$0\")/started\"\n").unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        folder.git(&["config", "core.fsmonitor", hook.to_str().unwrap()]);
        let started = folder.0.join(".git/started");
        assert_eq!(git_state(&folder.0).unwrap().dirty(), Some(false));
        assert!(!started.exists());
        // With git's own defaults it is started, so the line above can fail.
        folder.git(&["status"]);
        assert!(started.exists());
    }
}
