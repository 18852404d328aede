//! What is to be run, as code for a session.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use circlet::exec::Outcome;
use serde_json::{Value, json};

use crate::failure::Failure;

/// What runs a program in a session as the interpreter runs it.
const SCRIPT: &str = include_str!("script.py");
/// What tracebacks call that, where they show it.
const SCRIPT_NAME: &str = "<circlet run>";

/// A program and its arguments.
#[derive(Debug)]
pub(super) struct Program {
    kind: &'static str,
    /// The code, where it is no file.
    code: String,
    /// What tracebacks call it.
    name: &'static str,
    /// What it finds in `sys.argv`.
    words: Vec<OsString>,
    /// What the file has, for a session that may not read it.
    source: Option<Vec<u8>>,
}

impl Program {
    /// Looks at what was given: code, or a file and its arguments. The session of one that `is_confined` may not be able to read
    /// the file.
    pub(super) fn read(code: Option<&str>, words: &[OsString], is_confined: bool) -> Result<Self, Failure> {
        if let Some(code) = code {
            let words = [&["-c".into()], words].concat();
            return Ok(Self { kind: "code", code: code.to_owned(), name: "<string>", words, source: None });
        }
        let words = words.to_vec();
        let Some(file) = words.first() else {
            return Err(Failure::input(
                "there is nothing to run: give a file, -c and code, or - for standard input",
            ));
        };
        if file == "-" {
            let mut code = String::new();
            io::stdin().read_to_string(&mut code).map_err(|error| {
                Failure::input(format!("the program on standard input cannot be read: {error}; give UTF-8"))
            })?;
            return Ok(Self { kind: "code", code, name: "<stdin>", words, source: None });
        }
        let opened = File::open(file).and_then(|mut opened| {
            let is_sent = is_confined && !opened.metadata()?.is_dir();
            let mut source = Vec::new();
            if is_sent {
                opened.read_to_end(&mut source)?;
            }
            Ok(is_sent.then_some(source))
        });
        match opened {
            Ok(source) => Ok(Self { kind: "file", code: String::new(), name: "", words, source }),
            Err(error) => Err(Failure::input(format!(
                "{} cannot be opened: {error}; give a Python file, or code after -c",
                file.display()
            ))),
        }
    }

    /// Returns the file or the folder that it is.
    pub(super) fn file(&self) -> Option<&Path> {
        self.words.first().filter(|_| self.kind == "file").map(Path::new)
    }

    /// Returns code whose value is the exit code, and what was raised if `is_told`. It leaves no name of its own to the program.
    pub(super) fn code(&self, terminals: [bool; 2], is_told: bool) -> String {
        let words: Vec<String> = self.words.iter().map(|word| hex(word.as_bytes())).collect();
        // A list of one or of none: JSON's null is no name of Python's.
        let source: Vec<String> = self.source.iter().map(|source| hex(source)).collect();
        let terminals = terminals.map(u8::from);
        // What JSON says of strings, numbers and lists of these, Python's own notation says as well.
        let given = json!([self.kind, self.code, self.name, words, source, terminals, u8::from(is_told)]);
        let (script, name) = (json!(SCRIPT), json!(SCRIPT_NAME));
        format!(
            "[names for names in [{{'__name__': 'circlet_run', 'main': globals(), 'given': {given}}}] \
             if exec(compile({script}, {name}, 'exec'), names) is None][0]['result']"
        )
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

/// Returns the exit code that a run of [`Program::code`] came to.
pub(super) fn exit_code(outcome: &Outcome) -> u8 {
    let code = outcome.value.as_ref().and_then(|value| value.get(0)).and_then(Value::as_u64);
    match (&outcome.error, code) {
        (None, Some(code)) => code as u8,
        (Some(error), _) if error.kind == "KeyboardInterrupt" => 130,
        _ => 1,
    }
}
