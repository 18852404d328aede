//! What git says about a folder.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::Git;

/// How long `git status` may take. A folder so large that it takes longer has no state that is worth the wait.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Asks git for the state of the repository that `folder` is in; `None` when there is none, no git, or no answer in 3 seconds.
///
/// Runs `git status` once, with a thread that reads its output; both end before this returns, or soon after a timeout. Nothing
/// is written to the repository. Git reads the repository's own configuration, so ask about folders that you trust.
///
/// ```no_run
/// let git = circlet::payload::git_state(".".as_ref());
/// println!("{:?}", git.and_then(|git| git.branch));
/// ```
pub fn git_state(folder: &Path) -> Option<Git> {
    let mut command = Command::new("git");
    command
        // No refresh of the index, and no file watcher of the repository's choice.
        .args(["--no-optional-locks", "-c", "core.fsmonitor=false", "-C"])
        .arg(folder)
        .args(["status", "--porcelain=v2", "--branch", "--untracked-files=normal"])
        // The folder decides, not a repository that the caller's own git is busy with.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE");
    output(&mut command, TIMEOUT).map(|status| parse(&status))
}

/// Runs a command and returns what it printed, or `None` when it failed or took longer than `timeout`.
fn output(command: &mut Command, timeout: Duration) -> Option<String> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let printed = read_to_end(&mut child, timeout);
    if printed.is_none() {
        // It may have ended just now; then there is nothing to kill.
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    String::from_utf8(printed?).ok().filter(|_| status.success())
}

/// Reads all that a child prints. The thread is not joined after a timeout: a grandchild may still hold the pipe.
fn read_to_end(child: &mut Child, timeout: Duration) -> Option<Vec<u8>> {
    let mut stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("circlet-git".to_owned())
        .spawn(move || {
            let mut printed = Vec::new();
            if stdout.read_to_end(&mut printed).is_ok() {
                // Nobody listens any more after a timeout.
                let _ = sender.send(printed);
            }
        })
        .ok()?;
    receiver.recv_timeout(timeout).ok()
}

/// Reads the output of `git status --porcelain=v2 --branch` (git-status(1), "Porcelain Format Version 2").
fn parse(status: &str) -> Git {
    let mut git = Git::default();
    let (mut uncommitted, mut unstaged) = (0, 0);
    for line in status.lines() {
        match line.split_once(' ') {
            Some(("#", header)) => match header.split_once(' ') {
                Some(("branch.oid", oid)) if oid != "(initial)" => git.head = Some(oid.to_owned()),
                Some(("branch.head", name)) if name != "(detached)" => git.branch = Some(name.to_owned()),
                _ => {}
            },
            // `1 XY …` changed, `2 XY …` renamed, `u XY …` in conflict; Y is `.` when the file is as it is staged.
            Some(("1" | "2" | "u", entry)) => {
                uncommitted += 1;
                unstaged += u64::from(entry.as_bytes().get(1) != Some(&b'.'));
            }
            Some(("?", _)) => uncommitted += 1,
            _ => {}
        }
    }
    git.uncommitted_files = Some(uncommitted);
    git.unstaged_changes = Some(unstaged);
    git
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::process::Command;

    use super::{git_state, parse};

    #[test]
    fn every_kind_of_line_counts_once() {
        let git = parse(concat!(
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
        ));
        assert_eq!(git.branch.as_deref(), Some("topic/one"));
        assert_eq!(git.head.as_deref(), Some("9fceb02d0ae598e95dc970b74767f19372d61af8"));
        assert_eq!(git.dirty(), Some(true));
        assert_eq!(git.uncommitted_files, Some(5));
        assert_eq!(git.unstaged_changes, Some(2));
    }

    #[test]
    fn a_detached_head_has_no_branch_and_an_unborn_branch_no_head() {
        assert_eq!(parse("# branch.oid abc\n# branch.head (detached)\n").branch, None);
        let unborn = parse("# branch.oid (initial)\n# branch.head main\n");
        assert_eq!((unborn.head.clone(), unborn.branch.as_deref()), (None, Some("main")));
        assert_eq!(unborn.dirty(), Some(false));
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_hangs_is_ended_at_the_timeout() {
        use std::time::Duration;
        // Were it not ended, the wait for it would take an hour.
        assert_eq!(super::output(Command::new("sleep").arg("3600"), Duration::from_millis(50)), None);
        assert_eq!(
            super::output(Command::new("echo").arg("done"), super::TIMEOUT).as_deref(),
            Some("done\n")
        );
        assert_eq!(super::output(&mut Command::new("false"), super::TIMEOUT), None);
        assert_eq!(super::output(&mut Command::new("no-such-program-here"), super::TIMEOUT), None);
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
        assert_eq!(git_state(&folder.0), None);
        assert_eq!(git_state(&folder.0.join("missing")), None);
    }

    #[test]
    fn an_unborn_branch_has_no_head() {
        let state = git_state(&Folder::repository("unborn").0).unwrap();
        assert_eq!(
            (state.branch.as_deref(), state.head.clone(), state.dirty()),
            (Some("trunk"), None, Some(false))
        );
    }

    #[test]
    fn a_clean_repository_has_a_head_and_no_changes() {
        let folder = Folder::repository("clean");
        folder.commit("a");
        let state = git_state(&folder.0).unwrap();
        assert_eq!(state.branch.as_deref(), Some("trunk"));
        assert_eq!(state.head.clone().unwrap(), folder.git(&["rev-parse", "HEAD"]));
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
