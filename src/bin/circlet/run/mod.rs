//! `circlet run`: a program in a session of its own, as the interpreter itself would run it.

mod input;
mod program;
mod report;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use circlet::exec::{Error, Event, Executor, Outcome, RunOptions, Session, Stream, log_to_stderr};
use circlet::ring::Deadline;
use clap::Args;
use clap::error::ContextKind;

use crate::confined::Confinement;
use crate::failure::Failure;
use crate::forward::{Forward, GIVE_UP_AFTER};
use crate::{confined, library, output};
use input::{Input, Line};
use program::Program;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// How long to wait for a line before looking at what else comes.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// What `timeout` of the core utilities ends with when the time is over.
const TIMED_OUT: u8 = 124;

/// Run a Python program in a supervised session
///
/// It looks as with python3: arguments, standard input, output as it comes, tracebacks, exit code.
/// Only descriptor 0 is /dev/null: input() and sys.stdin have the input, programs that it starts have not.
/// Ctrl-C interrupts it; pressed twice within 2 s, it ends a program that goes on. The program ends
/// with this one, whatever ends this, and so does what it has started.
///
/// With --policy, with a flag that adds to it, or where POLICY_FILE names a policy, it is confined; flags
/// alone add to the template no-network. The file or folder that is run may be read, unless the policy
/// denies it; modules beside a file are found where the policy lets its folder be read. All of these
/// words come before FILE: those after it are the program's own.
///
/// Exit codes: the program's own, 124 after --timeout, 130 after Ctrl-C, 128 and the number of the
/// signal that killed it.
///
/// Examples:
///   circlet run script.py --its --options
///   circlet run -c 'print(6 * 7)'
///   echo 'print(6 * 7)' | circlet run -
///   circlet run --timeout 5s --json script.py | jq .error.type
///   circlet run --python .venv/bin/python --log script.py
///   circlet run --policy strict --allow-read=data script.py
///   circlet run --allow-env=API_KEY script.py
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Run this code, given before its arguments
    #[arg(short, value_name = "CODE")]
    code: Option<String>,
    /// The program, and its arguments: a file, or a folder or an archive with a __main__.py; - for standard input
    #[arg(value_name = "FILE", trailing_var_arg = true, allow_hyphen_values = true, required_unless_present = "code",
          value_hint = clap::ValueHint::FilePath)]
    words: Vec<OsString>,
    /// Interrupt it after that time, such as 500ms, 5s or 2m
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    timeout: Option<Duration>,
    /// The Python interpreter
    #[arg(long, default_value = "python3", value_name = "PROGRAM", value_hint = clap::ValueHint::CommandName)]
    python: PathBuf,
    /// Print nothing but one line of JSON at the end: exit code, output, what was raised, what was used
    #[arg(long)]
    json: bool,
    /// Tell on standard error what the session does, in lines that begin with [Circlet] or [Python]
    #[arg(long)]
    log: bool,
    #[command(flatten)]
    confinement: Confinement,
}

/// Reads a time with its unit; seconds without.
pub(crate) fn parse_time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match &text[digits.len()..] {
        "ms" => Some(1e-3),
        "" | "s" => Some(1.0),
        "m" | "min" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    };
    let seconds = scale.zip(digits.parse::<f64>().ok()).map(|(scale, number)| scale * number);
    let time = seconds.filter(|seconds| *seconds > 0.0).and_then(|s| Duration::try_from_secs_f64(s).ok());
    time.ok_or_else(|| "give a time above 0, such as 500ms, 5s, 2m or 1h".to_owned())
}

impl Arguments {
    /// Has the code on standard input run.
    pub(crate) fn standard_input(python: PathBuf, log: bool, confinement: Confinement) -> Self {
        Self { code: None, words: vec!["-".into()], timeout: None, python, json: false, log, confinement }
    }

    /// Refuses an option that there is not, which would pass for the program or for a word of its own, and tells of options that
    /// come too late.
    fn check_words(&self) -> Result<(), Failure> {
        let before = env::args_os().rev().nth(self.words.len());
        if before.is_some_and(|word| word == "--") {
            return Ok(());
        }
        let first = self.words.first().map_or(&[][..], |word| word.as_bytes());
        if first.starts_with(b"-") && first != b"-" {
            // Read again by the same rules but one, it is an error with a suggestion.
            let command = Self::augment_args(clap::Command::new("circlet run"));
            let command = command.mut_arg("words", |words| words.allow_hyphen_values(false));
            let name = OsStr::new("circlet run");
            if let Err(error) = command.try_get_matches_from([name].into_iter().chain(self.words.iter().map(|word| &**word)))
                // After code they may be its own, as with the interpreter.
                && (self.code.is_none() || error.get(ContextKind::SuggestedArg).is_some())
            {
                // Where nobody listens, the exit code says it.
                let _ = error.print();
                return Err(Failure::Code(2));
            }
        }
        match (&self.code, &*self.words) {
            (None, [file, words @ ..]) => {
                confined::note_misplaced(&output::harmless(&file.to_string_lossy()), words);
            }
            (_, words) => confined::note_misplaced("the code", words),
        }
        Ok(())
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.log {
        log_to_stderr(true);
    }
    arguments.check_words()?;
    let mut policies = arguments.confinement.policies()?;
    let program = Program::read(arguments.code.as_deref(), &arguments.words, !policies.is_empty())?;
    if let Some(file) = program.file() {
        policies = confined::reading(policies, file);
    }
    let builder = Executor::builder().python(&arguments.python).library(library::find()?);
    let builder = confined::by(builder, policies);
    let builder = if arguments.json { builder } else { builder.output_max(usize::MAX) };
    let mut executor = builder.start().map_err(Failure::run)?;
    let session = executor.session().map_err(Failure::run)?;
    let forward = Forward::start(session.interrupter(), &[SIGINT, SIGTERM, SIGHUP])?;
    if forward.count() > 0 {
        // Nothing has begun that could take it.
        return Err(Failure::Interrupted);
    }
    let terminals = [io::stdout().is_terminal(), io::stderr().is_terminal()].map(|is| is && !arguments.json);
    let options = RunOptions::new().asks();
    let options = arguments.timeout.map_or(options, |timeout| options.within(timeout));
    let mut printed = [Vec::new(), Vec::new()];
    let ended = session.begin(&program.code(terminals, arguments.json), options).and_then(|()| {
        follow(session, &forward, |stream, bytes| {
            if arguments.json {
                printed[stream as usize].extend(bytes);
                return Ok(true);
            }
            show(stream, &bytes)
        })
    });
    let timeout = |elapsed| arguments.timeout.filter(|timeout| elapsed >= *timeout);
    let (code, words) = match &ended {
        // Nobody reads what it prints.
        Ok(None) => return Ok(()),
        Ok(Some(outcome)) => match timeout(outcome.elapsed).filter(|_| outcome.stopped.is_some()) {
            Some(timeout) => {
                (TIMED_OUT, Some(format!("the program was interrupted after {timeout:?} (--timeout)")))
            }
            None => (program::exit_code(outcome), None),
        },
        Err(error) => report::died(error, arguments.timeout),
    };
    if arguments.json {
        output::print(report::json(code, ended, printed))?;
    } else if let Ok(Some(outcome)) = &ended
        && let Some(error) = &outcome.error
    {
        // It was stopped before the program began, or after its end.
        let _ = io::stderr().write_all(error.traceback.as_bytes());
    }
    if let Some(words) = words {
        let _ = writeln!(io::stderr(), "circlet: {words}");
    }
    if code == 0 { Ok(()) } else { Err(Failure::Code(code)) }
}

/// Hands on what the code prints, and gives it the lines that it asks for, until its end; `None` where nobody reads what it
/// prints.
fn follow(
    session: &mut Session,
    forward: &Forward,
    mut print: impl FnMut(Stream, Vec<u8>) -> Result<bool, Error>,
) -> Result<Option<Box<Outcome>>, Error> {
    let mut input = Input::new();
    // Since when the code has been interrupted while it waits for a line.
    let (mut signals, mut interrupted) = (forward.count(), None::<Instant>);
    loop {
        let deadline = if input.is_wanted() {
            match input.take(LOOK_EVERY) {
                Some(Line::Bytes(line)) => session.answer_bytes(&line)?,
                Some(Line::Interrupted) => forward.get().signal(SIGINT),
                None => {}
            }
            if signals != forward.count() {
                (signals, interrupted) = (forward.count(), Some(Instant::now()));
            }
            if interrupted.is_some_and(|at| at.elapsed() > GIVE_UP_AFTER) {
                session.answer(None)?;
                input.give_up();
            }
            Deadline::now()
        } else {
            Deadline::NEVER
        };
        let event = session.next(deadline)?;
        if event.is_some() && interrupted.take().is_some() {
            // It goes on without the line.
            input.give_up();
        }
        let goes_on = match event {
            Some(Event::Output(stream, bytes)) => print(stream, bytes)?,
            Some(Event::Display(data)) => match data.get("text/plain").and_then(|text| text.as_str()) {
                Some(text) => print(Stream::Stdout, format!("{text}\n").into_bytes())?,
                None => true,
            },
            Some(Event::Ask { prompt, is_secret }) => {
                // Before anybody sees the question.
                (signals, interrupted) = (forward.count(), None);
                let goes_on = prompt.is_empty() || print(Stream::Stdout, prompt.into_bytes())?;
                input.want(is_secret);
                goes_on
            }
            Some(Event::End(outcome)) => return Ok(Some(outcome)),
            _ => true,
        };
        if !goes_on {
            session.killer().kill();
            return Ok(None);
        }
    }
}

/// Writes bytes as they are, and tells whether anybody still reads standard output.
fn show(stream: Stream, bytes: &[u8]) -> Result<bool, Error> {
    match stream {
        Stream::Stdout => {
            let mut out = io::stdout().lock();
            match out.write_all(bytes).and_then(|()| out.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
                written => written.map(|()| true).map_err(|source| Error::Os { call: "write", source }),
            }
        }
        Stream::Stderr => {
            // Where nobody listens, the exit code says it.
            let _ = io::stderr().write_all(bytes);
            Ok(true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(parse_time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_time("1.5"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_time("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "s", "0", "-1s", "5 s", "5d", "nan", "1e300h"] {
            assert!(parse_time(wrong).is_err(), "{wrong}");
        }
    }
}
