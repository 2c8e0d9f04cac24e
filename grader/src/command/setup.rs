//! `grader setup`: libtorch, fetched where it is missing.

use super::open_course;
use crate::cli::Setup;
use crate::course::Course;
use crate::exit::{Blame, Exit, Failure};
use crate::machine::libtorch::{LINK, Libtorch, VERSION};
use crate::machine::platform::Platform;
use crate::machine::setup::SetupError;
use crate::terminal;
use hints::WithHint;
use indicatif::MultiProgress;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// Returns an error if libtorch cannot be set up.
pub fn setup(course: Option<&Path>, arguments: &Setup) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let libtorch = find(&course, arguments.cuda, arguments.libtorch.as_deref())?;
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
    find(course, cuda, None)
}

/// The same, with a libtorch that comes before all others.
fn find(course: &Course, cuda: bool, chosen: Option<&Path>) -> Result<Libtorch, Failure> {
    let is_there = Libtorch::at(&course.root.join(LINK)).is_ok_and(|it| it.cuda || !cuda);
    if !is_there && chosen.is_none() {
        // The bars are seen on a terminal alone.
        note!(
            "looking for libtorch {VERSION}; if it is missing, {} MB are downloaded into your cache, once",
            Platform::HERE.megabytes()
        );
    }
    let bars = MultiProgress::with_draw_target(terminal::progress());
    crate::machine::setup::ensure(&course.root, cuda, chosen, &bars)
        .with_hint(SetupError::hint)
        .blame_setup()
}
