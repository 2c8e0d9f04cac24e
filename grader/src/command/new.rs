//! `grader new`: an exercise made from a template.

use super::open_course;
use crate::cli::New;
use crate::exit::{Blame, Exit, Failure};
use crate::scaffold;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// Returns an error if the name or number cannot be used, or the folders cannot be written.
pub fn new(course: Option<&Path>, arguments: &New) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let New { name, tch, number } = arguments;
    let made = scaffold::make(&course, name, *number, *tch).blame_arguments()?;
    let shown = |folder: &Path| {
        let below = folder.strip_prefix(&course.root).unwrap_or(folder);
        below.display().to_string()
    };
    say!("{}: what students get", shown(&made.exercise));
    say!(
        "{}: solution, variants, misconceptions, agreement with PyTorch",
        shown(&made.solution)
    );
    say!();
    for (what, says) in [
        (
            format!("cargo grader verify --exercise {name}"),
            "proves its tests, which pass as they are",
        ),
        (format!("cargo test -p {name}"), "shows what a student sees"),
        (
            "grader/AUTHORING.md".to_owned(),
            "says how it becomes an exercise of your own",
        ),
    ] {
        let width = "cargo grader verify --exercise ".len() + name.len();
        say!("{what:width$}   {says}");
    }
    Ok(Exit::Success)
}
