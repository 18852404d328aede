//! Home folders, and whose they are.

use super::Found;

/// Where home folders are.
const HOMES: &[&str] = &["/home/", "/Users/", "/var/home/", "/usr/home/", "/export/home/"];
/// The same in Windows, behind the letter of a disk and its colon, and where its disks are mounted.
const HOMES_ON_DISKS: &[&str] = &["\\\\Users\\\\", "\\Users\\", "/Users/"];
const MOUNTED: &str = "/mnt/";
/// Folders there that are nobody's home.
const NOBODYS: &[&str] = &["Shared", "Public", "Default", "linuxbrew"];

/// Returns the user whose home a folder is, by where it is.
pub(super) fn user_of(home: &str) -> Option<&str> {
    let name = HOMES.iter().find_map(|homes| home.strip_prefix(homes))?.trim_end_matches('/');
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// Finds the name of a user in the path of a home that begins here.
pub(super) fn home_of_another(rest: &str, before: Option<char>, is_url: bool) -> Option<Found> {
    let homes = if !is_url && matches!(before, Some('.' | '/')) { None } else { begin(rest) };
    let kept = homes.or_else(|| on_a_disk(rest))?;
    let after = &rest[kept..];
    let end = after
        .find(|c: char| c.is_whitespace() || "/\\:;,\"'`<>()[]{}|*?$%&=!#".contains(c))
        .unwrap_or(after.len());
    // The end of a sentence is none of a name.
    let name = after[..end].trim_end_matches('.');
    (!name.is_empty() && !NOBODYS.contains(&name)).then_some((kept + name.len(), kept, "user"))
}

fn begin(rest: &str) -> Option<usize> {
    HOMES.iter().find(|homes| rest.starts_with(**homes)).map(|homes| homes.len())
}

/// `C:\Users\`, and `/mnt/c/Users/` or `/c/Users/`.
fn on_a_disk(rest: &str) -> Option<usize> {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    let bytes = rest.as_bytes();
    let disk = if is_letter(bytes.first()) && bytes.get(1) == Some(&b':') {
        2
    } else {
        let slash = if rest.starts_with(MOUNTED) { MOUNTED.len() - 1 } else { 0 };
        let is_disk = bytes.get(slash) == Some(&b'/') && is_letter(bytes.get(slash + 1));
        is_disk.then_some(slash + 2)?
    };
    let after = &rest[disk..];
    HOMES_ON_DISKS.iter().find(|homes| after.starts_with(**homes)).map(|homes| disk + homes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_names_its_user() {
        assert_eq!(user_of("/home/bob"), Some("bob"));
        assert_eq!(user_of("/Users/bob/"), Some("bob"));
        for none in ["/root", "/home/", "/home/a/b", "/app", "/var/lib/postgresql"] {
            assert_eq!(user_of(none), None, "{none}");
        }
    }
}
