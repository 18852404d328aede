//! Other names of a file: where else its file system is mounted.
//!
//! Landlock's rules are for files, whatever name they are reached by; a mount that takes back a part of them is over one name. A
//! folder that is mounted twice, as bind mounts of containers and chroots are, has two.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// A mount: which file system, from which of its folders on, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mounted {
    device: String,
    root: PathBuf,
    point: PathBuf,
}

/// What is mounted.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(Vec<Mounted>);

impl Table {
    /// Reads what this process has mounted.
    ///
    /// # Errors
    /// There is no /proc.
    pub(super) fn here() -> io::Result<Self> {
        fs::read("/proc/self/mountinfo").map(|text| Self::parse(&text))
    }

    /// Reads proc_pid_mountinfo(5): number, parent, device, root and mount point stand first, and blanks in them are `\040`.
    fn parse(text: &[u8]) -> Self {
        let mounted = |line: &[u8]| {
            let mut fields = line.split(|byte| *byte == b' ').skip(2);
            let device = String::from_utf8_lossy(fields.next()?).into_owned();
            Some(Mounted { device, root: unescaped(fields.next()?), point: unescaped(fields.next()?) })
        };
        Self(text.split(|byte| *byte == b'\n').filter_map(mounted).collect())
    }

    /// Returns where else the file of an absolute path without links would be, and what else of it is mounted.
    fn names(&self, path: &Path) -> Vec<PathBuf> {
        // Of mounts over one another the last is what is seen.
        let depth = |mounted: &Mounted| mounted.point.components().count();
        let above = self.0.iter().filter(|mounted| path.starts_with(&mounted.point));
        let Some(own) = above.max_by_key(|mounted| depth(mounted)) else { return Vec::new() };
        let Ok(below) = path.strip_prefix(&own.point) else { return Vec::new() };
        let inside = joined(&own.root, below);
        let others = self.0.iter().filter(|other| other.device == own.device && *other != own);
        let name = |other: &Mounted| match inside.strip_prefix(&other.root) {
            Ok(below) => Some(joined(&other.point, below)),
            Err(_) => other.root.starts_with(&inside).then(|| other.point.clone()),
        };
        others.filter_map(name).filter(|name| name != path).collect()
    }

    /// Returns the other names that these have.
    pub(super) fn others<'a>(&self, paths: impl IntoIterator<Item = &'a PathBuf>) -> Vec<PathBuf> {
        let is_there = |name: &PathBuf| name.canonicalize().is_ok_and(|real| real == *name);
        paths.into_iter().flat_map(|path| self.names(path)).filter(is_there).collect()
    }
}

fn joined(folder: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() { folder.to_owned() } else { folder.join(below) }
}

/// Reads a field in which a blank, a tab, a line's end and a backslash are three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut at = 0;
    while let Some(byte) = field.get(at) {
        let digits = field.get(at + 1..at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match (byte, code) {
            (b'\\', Some(code)) => {
                bytes.push(code);
                at += 4;
            }
            _ => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
22 21 0:20 / /proc rw - proc proc rw
30 21 254:0 /srv/data /mnt/a\\040b rw - ext4 /dev/vda rw
31 21 254:0 /srv/data/kept/deep /mnt/deep rw - ext4 /dev/vda rw
32 21 0:30 / /home rw - tmpfs tmpfs rw
33 21 0:30 /ada /srv/ada rw - tmpfs tmpfs rw
";

    fn names(path: &str) -> Vec<PathBuf> {
        Table::parse(TABLE).names(Path::new(path))
    }

    #[test]
    fn a_file_has_a_name_by_each_mount_that_has_it_or_a_part_of_it() {
        let of = |all: &[&str]| all.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(names("/srv/data/kept"), of(&["/mnt/a b/kept", "/mnt/deep"]));
        assert_eq!(names("/mnt/a b/kept"), of(&["/srv/data/kept", "/mnt/deep"]));
        assert_eq!(names("/srv/data/kept/deep/x"), of(&["/mnt/a b/kept/deep/x", "/mnt/deep/x"]));
        assert_eq!(names("/srv/data/other"), of(&["/mnt/a b/other"]));
        assert_eq!(names("/etc"), of(&[]));
        assert_eq!(names("/home/ada/key"), of(&["/srv/ada/key"]));
        assert_eq!(names("/home/bob"), of(&[]));
    }

    #[test]
    fn what_is_no_table_has_no_names() {
        for text in [&b""[..], b"\n\n", b"1 2 3", b"1 2 3 4", b"\xff \xff \xff \\9 \\", b"1 1 1:1 / /\\04"] {
            let _ = Table::parse(text).names(Path::new("/a"));
        }
        assert_eq!(unescaped(b"a\\040b\\134\\"), PathBuf::from("a b\\\\"));
    }
}
