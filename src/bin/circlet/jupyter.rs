//! `circlet jupyter`: tells Jupyter of the kernel. What knows Jupyter's folders is Python's, in the package.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command as Process;

use circlet::exec::policy::Policy;

use crate::failure::Failure;
use crate::library;

/// What tells that the interpreter has what the kernel needs, and which of it is missing.
const CHECK: &str = "import circlet.jupyter, jupyter_client";

/// Have Jupyter run the cells of notebooks in supervised sessions
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Tell Jupyter of the kernel
    ///
    /// The interpreter needs the package circlet with its extra: pip install 'circlet[jupyter]'. Without
    /// --prefix and --sys-prefix the kernel is installed for this user. What PYTHONPATH and
    /// CIRCLET_LIBRARY say is kept for the kernel.
    ///
    /// Examples:
    ///   circlet jupyter install
    ///   circlet jupyter install --python .venv/bin/python --sys-prefix
    ///   circlet jupyter install --name lab --display-name 'Lab' --session-python /opt/lab/bin/python3
    ///   circlet jupyter install --name confined --policy no-network
    ///   jupyter console --kernel circlet
    #[command(verbatim_doc_comment)]
    Install {
        #[command(flatten)]
        place: Place,
        /// What notebooks call it
        #[arg(long, default_value = "Python (circlet)")]
        display_name: String,
        /// The interpreter of sessions, if it is another
        #[arg(long, value_name = "PROGRAM", value_hint = clap::ValueHint::CommandName)]
        session_python: Option<PathBuf>,
        /// What cells may do: a policy's template, its file, or its JSON
        #[arg(long, value_hint = clap::ValueHint::FilePath)]
        policy: Option<String>,
    },
    /// Take that back
    ///
    /// Examples:
    ///   circlet jupyter uninstall
    ///   circlet jupyter uninstall --name lab --prefix /opt/lab
    #[command(verbatim_doc_comment)]
    Uninstall {
        #[command(flatten)]
        place: Place,
    },
}

/// Which kernel it is, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// For this user (the default)
    #[arg(long, conflicts_with_all = ["prefix", "sys_prefix"])]
    user: bool,
    /// In FOLDER/share/jupyter/kernels
    #[arg(long, value_name = "FOLDER", conflicts_with = "sys_prefix", value_hint = clap::ValueHint::DirPath)]
    prefix: Option<PathBuf>,
    /// In the environment of the interpreter
    #[arg(long)]
    sys_prefix: bool,
    /// The kernel's name
    #[arg(long, default_value = "circlet")]
    name: String,
    /// The Python interpreter that runs the kernel
    #[arg(long, default_value = "python3", value_name = "PROGRAM", value_hint = clap::ValueHint::CommandName)]
    python: PathBuf,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    let (verb, place) = match command {
        Command::Install { place, .. } => ("install", place),
        Command::Uninstall { place } => ("uninstall", place),
    };
    let mut words: Vec<OsString> = vec![verb.into(), "--name".into(), (&place.name).into()];
    if place.user {
        words.push("--user".into());
    }
    if let Some(folder) = &place.prefix {
        words.extend(["--prefix".into(), folder.into()]);
    }
    if place.sys_prefix {
        words.push("--sys-prefix".into());
    }
    if let Command::Install { display_name, session_python, policy, .. } = command {
        words.extend(["--display-name".into(), display_name.into()]);
        words.extend(session_python.iter().flat_map(|program| ["--session-python".into(), program.into()]));
        if let Some(policy) = policy {
            Policy::given(policy).map_err(Failure::input)?;
            words.extend(["--policy".into(), policy.into()]);
        }
    }
    check(place)?;
    let done = python(place)?.args(["-m", "circlet.jupyter"]).args(words).status();
    match done.map_err(|error| not_started(place, &error))? {
        status if status.success() => Ok(()),
        // It has said why.
        status => Err(Failure::Code(status.code().map_or(1, |code| code as u8))),
    }
}

/// Looks for what the kernel needs.
fn check(place: &Place) -> Result<(), Failure> {
    let checked = python(place)?.args(["-c", CHECK]).output().map_err(|error| not_started(place, &error))?;
    if checked.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&checked.stderr);
    let last = said.trim_end().lines().last().unwrap_or("it said nothing");
    let program = place.python.display();
    Err(Failure::input(format!(
        "{program} cannot run the kernel ({last}): install it with `{program} -m pip install 'circlet[jupyter]'`, or name \
         another interpreter with --python"
    )))
}

/// Makes the interpreter's command, which finds the library that this program does.
fn python(place: &Place) -> Result<Process, Failure> {
    let mut command = Process::new(&place.python);
    if env::var_os("CIRCLET_LIBRARY").is_none()
        && let Ok(library) = library::find()
    {
        command.env("CIRCLET_LIBRARY", library);
    }
    Ok(command)
}

fn not_started(place: &Place, error: &std::io::Error) -> Failure {
    Failure::input(format!(
        "{} did not start: {error}; name another interpreter with --python",
        place.python.display()
    ))
}
