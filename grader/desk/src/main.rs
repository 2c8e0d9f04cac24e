//! `cargo grader desk` starts this program, and ends with its exit code.

use clap::Parser;
use desk::cli::Cli;
use desk::command;
use desk::failure::{Exit, Failure};
use desk::terminal;
use std::process::ExitCode;

fn main() -> ExitCode {
    let exit = run();
    let Some(fault) = terminal::fault() else {
        return exit.into();
    };
    terminal::warn(hints::error(&fault).trim_end());
    match exit {
        Exit::Success | Exit::Failed => Exit::Internal.into(),
        exit => exit.into(),
    }
}

fn run() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            let (stream, exit) = match message.use_stderr() {
                true => ("standard error", Exit::Arguments),
                false => ("standard output", Exit::Success),
            };
            terminal::keep(stream, message.print());
            return exit;
        }
    };
    terminal::set_color(cli.color);
    terminal::set_quiet(cli.quiet);
    match command::run(&cli) {
        Ok(exit) => exit,
        Err(Failure { exit, error }) => {
            terminal::warn(hints::error(&error).trim_end());
            exit
        }
    }
}
