//! `grader confined`: becomes another program, within limits.

use crate::cli::Confined;
use crate::exit::{Exit, Failure};

/// Runs the command; returns only where it fails.
///
/// # Errors
/// Returns an error if a limit cannot be set, or the program cannot be started.
pub fn confined(arguments: &Confined) -> Result<Exit, Failure> {
    let Some((program, rest)) = arguments.program.split_first() else {
        return Ok(Exit::Arguments);
    };
    Err(Failure {
        exit: Exit::NotConfined,
        error: sandbox::enter(&arguments.confinement, program, rest),
    })
}
