//! The commands: each parses nothing, calls the library, prints.

#[cfg(all(feature = "sandbox", target_os = "linux"))]
mod attack;
#[cfg(all(feature = "sandbox", target_os = "linux"))]
mod attempt;
#[cfg(all(feature = "sandbox", target_os = "linux"))]
mod copied;
#[cfg(not(all(feature = "sandbox", target_os = "linux")))]
mod no_attacks;
mod release;
mod verify;

#[cfg(not(all(feature = "sandbox", target_os = "linux")))]
use no_attacks::{self as attack, attempt, copied};
#[cfg(all(feature = "sandbox", target_os = "linux"))]
use {attempt::attempt, copied::copied};

use crate::cli::{Cli, Command};
use grader::exit::{Exit, Failure};

/// Runs the command that the command line names.
///
/// # Errors
/// Returns an error if the arguments are wrong, something is missing, or a proof or an attack cannot be tried.
pub fn run(cli: Cli) -> Result<Exit, Failure> {
    sandbox::confine_with(cli.grader);
    let course = cli.course.as_deref();
    match cli.command {
        Command::Attack(arguments) => attack::attack(course, &arguments),
        Command::Verify(arguments) => verify::verify(course, &arguments),
        Command::Release(arguments) => release::release(course, &arguments),
        Command::Copied(arguments) => copied(&arguments),
        Command::Attempt(arguments) => attempt(&arguments),
    }
}
