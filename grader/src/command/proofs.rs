//! `grader verify`, `grader attack` and `grader release`: the proofs of the course, the hostile submissions and the students'
//! repository, which a program of its own tries and makes, so that only those who use it compile it.

use super::{open_course, program};
use crate::exit::{Blame, Exit, Failure};
use crate::machine::checkout;
use crate::terminal::running;
use anyhow::Context;
use sandbox::this_program;
use std::env;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Runs the command: becomes the program, which reads the same command line again. So Ctrl-C and other signals are the
/// program's, and so is the exit code.
///
/// # Errors
/// Returns an error if the program cannot be built or started. What it cannot do, it reports itself.
pub fn proofs(named: Option<&Path>) -> Result<Exit, Failure> {
    let course = open_course(named)?;
    checkout::check(&course.root).blame_setup()?;
    let program = program::build(&course, "proofs").blame_setup()?;
    let mut proofs = Command::new(program);
    proofs.arg("--grader").arg(this_program()?);
    if named.is_none() {
        proofs.arg("--course").arg(&course.root);
    }
    proofs.args(env::args_os().skip(1));
    running(&proofs);
    Err(proofs.exec()).context("cannot start the program of the proofs")?
}
