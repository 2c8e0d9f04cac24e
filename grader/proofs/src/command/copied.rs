//! `grader copied`: the grader in a copy of this machine that is thrown away.

use crate::attack::{begin, enter};
use crate::cli::Copied;
use grader::exit::{Exit, Failure};

/// Runs the command; ends as what ran in the copy did.
///
/// # Errors
/// Returns an error if this machine cannot be copied.
pub(super) fn copied(arguments: &Copied) -> Result<Exit, Failure> {
    let no_copy = |error| Failure {
        exit: Exit::NoCopy,
        error,
    };
    let Some(place) = &arguments.place else {
        return Err(no_copy(begin(&arguments.arguments)));
    };
    let status = enter(place, &arguments.arguments).map_err(no_copy)?;
    Ok(status.into())
}
