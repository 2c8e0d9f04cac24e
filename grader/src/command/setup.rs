//! `grader setup`: libtorch, fetched where it is missing.

use super::open_course;
use crate::cli::Setup;
use crate::course::Course;
use crate::exit::{Blame, Exit, Failure};
use crate::libtorch::Libtorch;
use indicatif::MultiProgress;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// Where there is no libtorch to be had.
pub fn setup(course: Option<&Path>, arguments: &Setup) -> Result<Exit, Failure> {
    let libtorch = ensure(&open_course(course)?, arguments.cuda)?;
    let cuda = if libtorch.cuda { "with" } else { "without" };
    say!(
        "libtorch {} {cuda} CUDA, at {}",
        libtorch.version,
        libtorch.root.display()
    );
    Ok(Exit::Success)
}

/// Sees to it that the course has its libtorch.
pub(super) fn ensure(course: &Course, cuda: bool) -> Result<Libtorch, Failure> {
    crate::setup::ensure(&course.root, cuda, &MultiProgress::new()).blame_setup()
}
