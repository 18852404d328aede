//! The program `circlet`: a thin user of the library, for demos, operations and scripts.

mod confined;
mod curve;
mod demo;
mod doctor;
mod failure;
mod file;
mod forward;
mod hub;
mod interrupt;
mod jupyter;
mod library;
mod output;
mod policy;
mod pool;
mod repl;
mod ring;
mod run;
mod screen;
mod secret;
mod session;
mod size;
mod time;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    version,
    about = "Rings in shared memory, curves, a worker pool and Python workers",
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Run(run::Arguments),
    Repl(repl::Arguments),
    #[command(subcommand)]
    Jupyter(jupyter::Command),
    Curve(curve::Arguments),
    #[command(subcommand)]
    Ring(ring::Command),
    #[command(subcommand)]
    Pool(pool::Command),
    #[command(subcommand)]
    Policy(policy::Command),
    #[command(subcommand)]
    Session(session::Command),
    Serve(hub::serve::Arguments),
    Replay(hub::replay::Arguments),
    Doctor(doctor::Arguments),
    /// Print what makes the shell complete this program's words
    ///
    /// Examples:
    ///   circlet completions bash > ~/.local/share/bash-completion/completions/circlet
    #[command(verbatim_doc_comment)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    // Wrong words end with code 2 here, like all wrong input.
    let done = match Cli::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Repl(arguments) => repl::run(arguments),
        Command::Jupyter(command) => jupyter::run(&command),
        Command::Curve(arguments) => curve::run(&arguments),
        Command::Ring(command) => ring::run(&command),
        Command::Pool(command) => pool::run(&command),
        Command::Policy(command) => policy::run(&command),
        Command::Session(command) => session::run(&command),
        Command::Serve(arguments) => hub::serve::run(&arguments),
        Command::Replay(arguments) => hub::replay::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "circlet", &mut script);
            output::print(String::from_utf8_lossy(&script).trim_end())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
