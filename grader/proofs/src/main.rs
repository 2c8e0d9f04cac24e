//! The program of the proofs: reads the command line that the grader passes on, runs the command, says how it ended.

use grader::start::start;
use proofs::cli::Cli;
use proofs::command;
use std::process::ExitCode;

fn main() -> ExitCode {
    start::<Cli>(command::run)
}
