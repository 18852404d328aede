//! The line editor: history, completion, and lines that belong together.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::{env, fs};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Cmd, CompletionType, ConditionalEventHandler, Config, Context, Editor, Event, EventContext, EventHandler,
    Helper, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use super::look::Shared;
use crate::failure::Failure;

/// How many entries the history keeps.
const HISTORY_MAX: usize = 10_000;

/// What somebody wrote.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Text(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D, or the terminal has gone.
    End,
}

/// An editor for code, and for what the code asks for.
pub(super) struct Lines {
    editor: Editor<Looks, FileHistory>,
    is_code: Arc<AtomicBool>,
    history: Option<PathBuf>,
}

impl Lines {
    /// Opens the terminal and the history.
    pub(super) fn open(shared: &Shared) -> Result<Self, Failure> {
        let config = Config::builder()
            .max_history_size(HISTORY_MAX)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(wrong)?
            .completion_type(CompletionType::List)
            .build();
        let mut editor = Editor::with_config(config).map_err(wrong)?;
        let is_code = Arc::new(AtomicBool::new(true));
        let looks = Looks { shared: shared.clone(), is_code: is_code.clone() };
        for key in [KeyEvent(KeyCode::Enter, Modifiers::NONE), KeyEvent::ctrl('J')] {
            editor.bind_sequence(key, EventHandler::Conditional(Box::new(looks.clone())));
        }
        editor
            .bind_sequence(KeyEvent(KeyCode::Tab, Modifiers::NONE), EventHandler::Conditional(Box::new(Tab)));
        editor.set_helper(Some(looks));
        let history = history_file();
        if let Some(file) = &history {
            // None yet, or one that cannot be read: the editor works without.
            let _ = editor.load_history(file);
        }
        Ok(Self { editor, is_code, history })
    }

    /// Reads code, all lines that belong together.
    pub(super) fn code(&mut self, prompt: &str) -> Result<Entry, Failure> {
        self.is_code.store(true, Relaxed);
        let entry = self.read(prompt)?;
        if let Entry::Text(text) = &entry
            && !text.trim().is_empty()
        {
            // With the empty line that ends a block, so that it is complete when it is had again.
            let entry = text.trim_end_matches([' ', '\t']);
            let added = self.editor.add_history_entry(entry).unwrap_or(false);
            if let Some(file) = self.history.as_deref().filter(|_| added) {
                // As with what cannot be loaded.
                let _ = append(&mut self.editor, file);
            }
        }
        Ok(entry)
    }

    /// Reads one line for the code.
    pub(super) fn line(&mut self, prompt: &str) -> Result<Entry, Failure> {
        self.is_code.store(false, Relaxed);
        self.read(prompt)
    }

    fn read(&mut self, prompt: &str) -> Result<Entry, Failure> {
        match self.editor.readline(prompt) {
            Ok(text) => Ok(Entry::Text(text)),
            Err(ReadlineError::Interrupted) => Ok(Entry::Interrupted),
            Err(ReadlineError::Eof) => Ok(Entry::End),
            Err(error) => Err(wrong(error)),
        }
    }
}

fn wrong(error: ReadlineError) -> Failure {
    Failure::run(format!("the terminal cannot be used: {error}"))
}

/// Returns where the history is: in the folder for the state of programs.
fn history_file() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".local/state"));
    Some(state.or_else(home)?.join("circlet/repl_history"))
}

fn append(editor: &mut Editor<Looks, FileHistory>, file: &Path) -> rustyline::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    editor.append_history(file)
}

/// What the editor asks the session.
#[derive(Clone, Debug)]
struct Looks {
    shared: Shared,
    /// Whether it is code that is written, and no answer to a question of the code.
    is_code: Arc<AtomicBool>,
}

impl Looks {
    /// Returns what the next line begins with, where one is to come.
    fn goes_on(&self, text: &str) -> Option<String> {
        let is_command = text.trim_start().starts_with('%');
        if !self.is_code.load(Relaxed) || is_command || text.trim().is_empty() {
            return None;
        }
        self.shared.is_complete(text).filter(|found| found.is_incomplete()).map(|found| found.indent)
    }
}

impl Helper for Looks {}
impl Highlighter for Looks {}
impl Hinter for Looks {
    type Hint = String;
}

impl Completer for Looks {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        if !self.is_code.load(Relaxed) {
            return Ok((pos, Vec::new()));
        }
        let found = self.shared.complete(line, pos).unwrap_or_default();
        let start = line.char_indices().nth(found.start).map_or(line.len(), |(at, _)| at);
        Ok((start.min(pos), found.matches))
    }
}

impl Validator for Looks {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        // Where there is no editing, as on a dumb terminal, lines come one by one.
        Ok(match self.goes_on(context.input()) {
            Some(_) => ValidationResult::Incomplete,
            None => ValidationResult::Valid(None),
        })
    }
}

/// Enter: a new line, where the code goes on.
impl ConditionalEventHandler for Looks {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let indent = self.goes_on(context.line())?;
        let is_at_end = context.pos() == context.line().len();
        Some(Cmd::Insert(1, if is_at_end { format!("\n{indent}") } else { "\n".to_owned() }))
    }
}

/// Tab: four spaces, where there is nothing to complete.
struct Tab;

impl ConditionalEventHandler for Tab {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let before = context.line().get(..context.pos())?;
        let line = before.rsplit('\n').next()?;
        line.trim().is_empty().then(|| Cmd::Insert(1, "    ".to_owned()))
    }
}
