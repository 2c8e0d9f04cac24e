//! `grader completions`: a script for a shell.

use crate::cli::Cli;
use crate::exit::Exit;
use crate::terminal::{Stream, write};
use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};

/// The program that the script completes. `cargo grader` is cargo to a shell.
const PROGRAM: &str = "grader";

/// Runs the command.
pub fn completions(shell: Shell) -> Exit {
    let mut script = vec![];
    generate(
        shell,
        &mut without_hidden(&Cli::command()),
        PROGRAM,
        &mut script,
    );
    write(Stream::Output, &String::from_utf8_lossy(&script));
    Exit::Success
}

/// The command line without the commands that the grader uses itself: scripts would offer them.
fn without_hidden(cli: &Command) -> Command {
    let shown = cli.get_subcommands().filter(|it| !it.is_hide_set());
    Command::new(PROGRAM)
        .disable_help_subcommand(true)
        .args(cli.get_arguments())
        .subcommands(shown)
}
