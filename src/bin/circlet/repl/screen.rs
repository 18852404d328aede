//! What is written to the terminal, and where its last line stands.

use std::io::{self, Write};

use circlet::exec::Stream;

use crate::failure::Failure;

/// A line that is longer is not remembered whole.
const LINE_MAX: usize = 1000;

/// The terminal, as far as lines go: the editor begins each of its own at the left, over what stands there.
#[derive(Debug, Default)]
pub(super) struct Screen {
    /// What stands in the line that has not ended.
    line: String,
}

impl Screen {
    /// Writes what code printed.
    pub(super) fn show(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), Failure> {
        let written = match stream {
            Stream::Stdout => write(io::stdout().lock(), bytes),
            Stream::Stderr => write(io::stderr().lock(), bytes),
        };
        written.map_err(|error| Failure::run(format!("the terminal cannot be written to: {error}")))?;
        self.note(&String::from_utf8_lossy(bytes));
        Ok(())
    }

    fn note(&mut self, text: &str) {
        match text.rsplit_once(['\n', '\r']) {
            Some((_, rest)) => rest.clone_into(&mut self.line),
            None => self.line.push_str(text),
        }
        if self.line.len() > LINE_MAX {
            let begin = self.line.ceil_char_boundary(self.line.len() - LINE_MAX);
            self.line.drain(..begin);
        }
    }

    /// Writes a line of this program's own.
    pub(super) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.show(Stream::Stdout, format!("{text}\n").as_bytes())
    }

    /// Ends the line, if something stands in it.
    pub(super) fn end_line(&mut self) -> Result<(), Failure> {
        if self.line.is_empty() { Ok(()) } else { self.line("") }
    }

    /// Returns what stands in the line, over which the editor writes now.
    pub(super) fn forget_line(&mut self) -> String {
        std::mem::take(&mut self.line)
    }

    /// Writes a line over what stands there, and ends it.
    pub(super) fn again(&mut self, text: &str) -> Result<(), Failure> {
        self.line(&format!("\r{text}"))
    }
}

fn write(mut out: impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_has_not_ended_is_known() {
        let mut screen = Screen::default();
        for (text, line) in [("a\nb", "b"), ("c", "bc"), ("d\n", ""), ("50%\r60%", "60%")] {
            screen.note(text);
            assert_eq!(screen.line, line);
        }
        screen.note(&"é".repeat(LINE_MAX));
        assert!(screen.line.len() <= LINE_MAX);
    }
}
