//! `circlet repl`: a session at a prompt.

mod editor;
mod look;
mod screen;

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use circlet::exec::{Error, Event, Executor, Outcome, RunOptions, Stream, log_to_stderr};
use circlet::ring::Deadline;
use signal_hook::consts::SIGINT;

use crate::confined::Confinement;
use crate::failure::Failure;
use crate::forward::{Forward, GIVE_UP_AFTER};
use crate::secret::{self, Secret};
use crate::{confined, library, run};
use editor::{Entry, Lines};
use look::Shared;
use screen::Screen;

const PROMPT: &str = ">>> ";

/// Run Python code at a prompt, in a supervised session
///
/// The value of the last expression is shown and kept as _, and await works outside of functions. Tab
/// completes, lines that belong together are one entry of the history, Ctrl-C interrupts what runs or
/// clears what is written (twice within 2 s, it ends a session that goes on), Ctrl-D ends. A session
/// that dies is replaced. Code is confined by the same words as that of circlet run. Without a terminal,
/// code on standard input runs as by circlet run -.
///
/// At the prompt:
///   %restart   a new session, without the names of this one
///   %help      these commands and keys
///   %quit      the end
///
/// Examples:
///   circlet repl
///   circlet repl --python .venv/bin/python
///   circlet repl --policy strict
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The Python interpreter
    #[arg(long, default_value = "python3", value_name = "PROGRAM", value_hint = clap::ValueHint::CommandName)]
    python: PathBuf,
    /// Tell on standard error what the session does, in lines that begin with [Circlet] or [Python]
    #[arg(long)]
    log: bool,
    #[command(flatten)]
    confinement: Confinement,
}

const HELP: &str = "\
%restart   a new session, without the names of this one
%help      these lines
%quit      the end, as Ctrl-D
Tab completes, Ctrl-R searches the history, Ctrl-C interrupts what runs.";

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return run::run(&run::Arguments::standard_input(
            arguments.python,
            arguments.log,
            arguments.confinement,
        ));
    }
    if arguments.log {
        log_to_stderr(true);
    }
    let policies = arguments.confinement.policies()?;
    let executor = Executor::builder().python(arguments.python).library(library::find()?);
    let executor = confined::by(executor, policies);
    let mut executor = executor.output_max(usize::MAX).start().map_err(Failure::run)?;
    let version = look::prepare(&mut executor).map_err(Failure::run)?;
    let forward = Forward::start(executor.interrupter(), &[SIGINT])?;
    let shared = Shared::new(executor);
    let mut prompt = Prompt { lines: Lines::open(&shared)?, screen: Screen::default(), shared, forward };
    let own = env!("CARGO_PKG_VERSION");
    prompt.screen.line(&format!(
        "circlet {own}, Python {version} in a session of its own; %help helps, Ctrl-D ends"
    ))?;
    prompt.serve()
}

/// A session and the terminal that it is used from.
struct Prompt {
    lines: Lines,
    screen: Screen,
    shared: Shared,
    forward: Forward,
}

impl Prompt {
    fn serve(&mut self) -> Result<(), Failure> {
        loop {
            // What is written at the prompt begins in a line of its own.
            self.screen.end_line()?;
            let code = match self.lines.code(PROMPT)? {
                Entry::Text(code) => code,
                Entry::Interrupted => {
                    self.screen.line("KeyboardInterrupt")?;
                    continue;
                }
                Entry::End => return Ok(()),
            };
            match code.trim() {
                "" => {}
                "%quit" => return Ok(()),
                "%help" => self.screen.line(HELP)?,
                "%restart" => self.replace("a new session has begun")?,
                command if command.starts_with('%') => {
                    self.screen
                        .line(&format!("there is no command {command}: %help shows those that there are"))?;
                }
                _ => match self.run(&code) {
                    Ok(outcome) => {
                        if let Some(code) = exit_code(&outcome) {
                            return if code == 0 { Ok(()) } else { Err(Failure::Code(code)) };
                        }
                        self.show(&outcome)?;
                    }
                    Err(Trouble::Session(error)) => {
                        self.screen.end_line()?;
                        self.screen.line(&format!("circlet: {error}"))?;
                        self.replace("a new session has begun, without the names of that one")?;
                    }
                    Err(Trouble::Own(failure)) => return Err(failure),
                },
            }
        }
    }

    /// Runs code to its end, with all that it prints and asks for meanwhile.
    fn run(&mut self, code: &str) -> Result<Outcome, Trouble> {
        let shared = self.shared.clone();
        let mut executor = shared.lock();
        if executor.process_id().is_none() {
            return Err(Trouble::Session("the session has ended since its last run".to_owned()));
        }
        let session = executor.session()?;
        session.begin(code, RunOptions::new().asks())?;
        let mut is_interrupted = false;
        loop {
            let deadline = if is_interrupted { Deadline::after(GIVE_UP_AFTER) } else { Deadline::NEVER };
            let event = session.next(deadline)?;
            if std::mem::take(&mut is_interrupted) && event.is_none() {
                session.answer(None)?;
            }
            match event {
                Some(Event::Output(stream, bytes)) => self.screen.show(stream, &bytes)?,
                Some(Event::Display(data)) => {
                    let text = data.get("text/plain").and_then(|text| text.as_str()).unwrap_or_default();
                    self.screen.line(text)?;
                }
                Some(Event::Ask { prompt, is_secret }) => match self.answer(&prompt, is_secret)? {
                    Entry::Text(line) => session.answer(Some(&line))?,
                    Entry::End => session.answer(None)?,
                    Entry::Interrupted => {
                        self.forward.get().signal(SIGINT);
                        is_interrupted = true;
                    }
                },
                Some(Event::End(outcome)) => return Ok(*outcome),
                _ => {}
            }
        }
    }

    /// Reads a line for the code, after what it has written in this line.
    fn answer(&mut self, prompt: &str, is_secret: bool) -> Result<Entry, Failure> {
        if is_secret {
            self.screen.show(Stream::Stdout, prompt.as_bytes())?;
            self.screen.forget_line();
            return Ok(match secret::read() {
                Secret::Text(text) => Entry::Text(text),
                Secret::End => Entry::End,
                Secret::Interrupted => Entry::Interrupted,
            });
        }
        let written = self.screen.forget_line();
        let (above, prompt) = match prompt.rsplit_once('\n') {
            Some((above, rest)) => (Some(written + above), rest.to_owned()),
            None => (None, written + prompt),
        };
        if let Some(above) = above {
            self.screen.again(&above)?;
        }
        self.lines.line(&prompt)
    }

    /// Shows what came of a run.
    fn show(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        if let Some(repr) = &outcome.repr {
            self.screen.end_line()?;
            self.screen.line(repr)?;
        }
        if let Some(error) = &outcome.error {
            self.screen.end_line()?;
            self.screen.show(Stream::Stderr, error.traceback.as_bytes())?;
        }
        Ok(())
    }

    /// Begins a new session.
    fn replace(&mut self, words: &str) -> Result<(), Failure> {
        let mut executor = self.shared.lock();
        executor.restart().and_then(|()| look::prepare(&mut executor)).map_err(Failure::run)?;
        self.forward.set(executor.interrupter());
        drop(executor);
        self.screen.line(&format!("circlet: {words}"))
    }
}

/// What ends a run without an outcome.
enum Trouble {
    /// Its session: there will be another.
    Session(String),
    /// This program.
    Own(Failure),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Session(error.to_string())
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Own(failure)
    }
}

/// Returns the exit code of code that asked for the end, as `exit()` does.
fn exit_code(outcome: &Outcome) -> Option<u8> {
    let error = outcome.error.as_ref().filter(|error| error.kind == "SystemExit")?;
    Some(match error.message.as_str() {
        "" | "None" => 0,
        code => match code.parse::<i64>() {
            Ok(code) => code as u8,
            Err(_) => {
                eprintln!("{code}");
                1
            }
        },
    })
}
