//! `grader attack` and what it starts, where there is no sandbox that could be attacked.

use crate::cli::{Attempt, Copied};
use crate::proof::Finding;
use anyhow::{Result, anyhow};
use grader::cli::Attack;
use grader::exit::{Blame, Exit, Failure};
use grader::grading::grade::Grader;
use hints::WithHint;
use std::path::Path;

/// Refuses the command.
///
/// # Errors
/// Returns an error in any case.
pub(super) fn attack(_: Option<&Path>, _: &Attack) -> Result<Exit, Failure> {
    refuse()
}

/// Refuses the command.
///
/// # Errors
/// Returns an error in any case.
pub(super) fn attempt(_: &Attempt) -> Result<Exit, Failure> {
    refuse()
}

/// Refuses the command.
///
/// # Errors
/// Returns an error in any case.
pub(super) fn copied(_: &Copied) -> Result<Exit, Failure> {
    refuse()
}

fn refuse() -> Result<Exit, Failure> {
    Err(anyhow!("this grader has no sandbox that could be attacked"))
        .hint(
            "run it on Linux, built with its feature `sandbox`, as `cargo grader` builds it there",
        )
        .blame_setup()
}

/// The attacks that `verify` tries: none.
///
/// # Errors
/// Returns none.
pub(super) fn of_the_corpus(_: &Grader) -> Result<Option<(usize, Finding)>> {
    Ok(None)
}
