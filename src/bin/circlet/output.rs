//! Standard output: a reader that has gone is no error, and anything else is.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::Failure;

/// Prints a text and a line break.
pub(crate) fn print(text: impl Display) -> Result<(), Failure> {
    print_line(text).map(|_| ())
}

/// As [`print`], and tells whether anybody still reads.
pub(crate) fn print_line(text: impl Display) -> Result<bool, Failure> {
    write(|out| writeln!(out, "{text}"))
}

/// Writes bytes as they are, and tells whether anybody still reads.
pub(crate) fn write_bytes(bytes: &[u8]) -> Result<bool, Failure> {
    write(|out| out.write_all(bytes))
}

/// Says something beside what is printed, on standard error.
pub(crate) fn note(text: impl Display) {
    // Where nobody listens, nothing is lost.
    let _ = writeln!(io::stderr(), "circlet: {text}");
}

/// Says what happens to something that goes on for long, with the time of day (UTC).
pub(crate) fn log(text: impl Display) {
    note(format_args!("{} {text}", time_of_day(SystemTime::now())));
}

/// Returns the time of day of a moment, as 23:59:59Z.
fn time_of_day(moment: SystemTime) -> String {
    let s = moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() % 86_400;
    format!("{:02}:{:02}:{:02}Z", s / 3_600, s / 60 % 60, s % 60)
}

fn write(work: impl FnOnce(&mut io::StdoutLock<'static>) -> io::Result<()>) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    match work(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        // As with `circlet ... | head`: it has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::run(format!("standard output cannot be written: {error}"))),
    }
}

/// Makes a text that came from a file harmless to a terminal: control characters, and those that turn the direction of
/// writing, are shown as escapes.
pub(crate) fn harmless(text: &str) -> String {
    let escape = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if escape(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// As [`harmless`], of a text of several lines.
pub(crate) fn harmless_lines(text: &str) -> String {
    text.split('\n').map(harmless).collect::<Vec<_>>().join("\n")
}

/// Makes JSON harmless to a terminal, and leaves it JSON.
pub(crate) fn harmless_json(text: &str) -> String {
    let escape = |c: char| c != '\n' && harmless(c.encode_utf8(&mut [0; 4])).len() != c.len_utf8();
    text.chars().map(|c| if escape(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }).collect()
}
