//! The start and the end of a program of the grader's: rights and signals, the command line, the last error, the exit code.

use crate::cli::{CommandLine, Output};
use crate::exit::{Exit, Failure};
use crate::machine::signals;
use crate::terminal::{self, Stream};
use rustix::fs::Mode;
use rustix::process::umask;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs a program: reads its command line, lets `act` run the command, prints the error that there is, and returns the exit
/// code.
pub fn start<C: CommandLine>(act: impl FnOnce(C) -> Result<Exit, Failure>) -> ExitCode {
    keep_own_rights();
    if let Err(error) = signals::outlive_large_files() {
        terminal::write(Stream::Error, &terminal::error(&error));
        return Exit::Internal.into();
    }
    let arguments: Vec<_> = std::env::args_os().collect();
    let exit = run(&arguments, act);
    let Some(fault) = terminal::fault() else {
        return exit.into();
    };
    terminal::write(Stream::Error, &terminal::error(&fault));
    exit.with_lost_output().into()
}

/// Has the owner of files that this run makes be able to use them, whatever the umask takes away. Under one of 0777 no
/// worker could be read by the process that becomes it, and every submission would fail.
fn keep_own_rights() {
    let given = umask(Mode::RWXG | Mode::RWXO);
    umask(given.difference(Mode::RWXU));
}

/// Reads the command line and runs the command.
fn run<C: CommandLine>(
    arguments: &[OsString],
    act: impl FnOnce(C) -> Result<Exit, Failure>,
) -> Exit {
    terminal::set_color(Output::color_of(arguments));
    let cli = match C::read(arguments) {
        Ok(cli) => cli,
        Err(message) => return answer(&message),
    };
    terminal::set_verbosity(cli.output().verbosity());
    let is_internal = cli.is_internal();
    match act(cli) {
        Ok(exit) => exit,
        Err(Failure { exit, error }) => {
            let shown = match exit {
                Exit::Stopped => "stopped\n".to_owned(),
                _ if is_internal => format!("error: {error:#}\n"),
                _ => terminal::error(&error),
            };
            terminal::write(Stream::Error, &shown);
            exit
        }
    }
}

/// Prints help, the version or what is wrong with the arguments.
fn answer(message: &clap::Error) -> Exit {
    let (stream, exit) = if message.use_stderr() {
        (Stream::Error, Exit::Arguments)
    } else {
        (Stream::Output, Exit::Success)
    };
    terminal::keep_fault(stream, message.print());
    exit
}
