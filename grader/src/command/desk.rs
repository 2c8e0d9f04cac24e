//! `grader desk`: the gradebook, kept by a program of its own, so that its libraries are compiled only for those who use it.

use super::{open_course, program};
use crate::cli::Desk;
use crate::exit::{Blame, Exit, Failure};
use crate::machine::checkout;
use crate::terminal::{Verbosity, running, verbosity};
use anstream::ColorChoice;
use anyhow::Context;
use std::path::Path;
use std::process::Command;

/// Runs the command: passes its arguments on, and ends as the program does.
///
/// # Errors
/// Returns an error if the program cannot be built or started. What it cannot do, it reports itself.
pub fn desk(course: Option<&Path>, arguments: &Desk) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    checkout::check(&course.root).blame_setup()?;
    let program = program::build(&course, "desk").blame_setup()?;
    let mut desk = Command::new(program);
    match ColorChoice::global() {
        ColorChoice::Auto => {}
        ColorChoice::Never => drop(desk.arg("--color=never")),
        ColorChoice::Always | ColorChoice::AlwaysAnsi => drop(desk.arg("--color=always")),
    }
    if verbosity() == Verbosity::Quiet {
        desk.arg("--quiet");
    }
    desk.args(&arguments.arguments);
    running(&desk);
    let status = desk
        .status()
        .context("cannot start the program that keeps the gradebook")?;
    Ok(status.into())
}
