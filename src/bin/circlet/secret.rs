//! A line of the terminal that nobody is to see.

use std::io::{self, Read, Write};

use crossterm::terminal;

/// The keys that a terminal in raw mode makes nothing of: Ctrl-C, Ctrl-D, Ctrl-U, and the two that erase.
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_U: u8 = 21;
const ERASE: [u8; 2] = [8, 127];

/// What somebody wrote, or pressed in its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Secret {
    /// A line, without its end.
    Text(String),
    /// Ctrl-D, or no terminal any more.
    End,
    /// Ctrl-C.
    Interrupted,
}

/// Reads a line of the terminal without showing it.
pub(crate) fn read() -> Secret {
    if terminal::enable_raw_mode().is_err() {
        return Secret::End;
    }
    let secret = keys(io::stdin().lock().bytes().map_while(Result::ok));
    // There is nobody to tell of a failure.
    let _ = terminal::disable_raw_mode();
    let _ = io::stdout().write_all(b"\n");
    secret
}

fn keys(keys: impl Iterator<Item = u8>) -> Secret {
    let mut line = Vec::new();
    for key in keys {
        match key {
            b'\r' | b'\n' => return Secret::Text(String::from_utf8_lossy(&line).into_owned()),
            CTRL_C => return Secret::Interrupted,
            CTRL_D if line.is_empty() => return Secret::End,
            CTRL_U => line.clear(),
            key if ERASE.contains(&key) => {
                // All bytes of one character.
                while line.pop().is_some_and(|byte| byte & 0xC0 == 0x80) {}
            }
            key => line.push(key),
        }
    }
    Secret::End
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &[u8]) -> Secret {
        keys(text.iter().copied())
    }

    #[test]
    fn keys_that_erase_erase_whole_characters() {
        assert_eq!(typed("aé\x7fb\r".as_bytes()), Secret::Text("ab".to_owned()));
        assert_eq!(typed(b"wrong\x15right\n"), Secret::Text("right".to_owned()));
    }

    #[test]
    fn ctrl_c_and_ctrl_d_are_no_line() {
        assert_eq!(typed(b"a\x03"), Secret::Interrupted);
        assert_eq!(typed(b"\x04"), Secret::End);
        assert_eq!(typed(b""), Secret::End);
    }
}
