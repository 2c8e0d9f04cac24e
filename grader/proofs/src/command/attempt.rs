//! `grader attempt`: one hostile submission, tried by this process.

use crate::attack::Trial;
use crate::cli::Attempt;
use grader::exit::{Exit, Failure};
use std::io;

/// Runs the command.
///
/// # Errors
/// Returns an error if the attack cannot be tried here.
pub(super) fn attempt(arguments: &Attempt) -> Result<Exit, Failure> {
    let trial = Trial::open(&arguments.places, arguments.copied)?;
    if let Some(name) = &arguments.attack {
        let outcome = trial.attempt(name, arguments.let_through)?;
        serde_json::to_writer(io::stdout().lock(), &outcome).map_err(anyhow::Error::from)?;
    }
    Ok(Exit::Success)
}
