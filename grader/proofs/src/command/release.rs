//! `grader release`: the students' repository, made or updated.

use crate::release::{Release, exercises_in};
use grader::cli;
use grader::command::open_course;
use grader::exit::{Blame, Exit, Failure};
use grader::say;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// Returns an error if an exercise is unknown, the folder cannot be used, or the course cannot be given out as it is.
pub(super) fn release(course: Option<&Path>, arguments: &cli::Release) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let cli::Release {
        folder,
        exercise,
        update,
    } = arguments;
    let mut names = exercise.clone();
    if *update && names.is_empty() {
        names.extend(exercises_in(folder).blame_arguments()?);
        // One that the course has no more is removed.
        names.retain(|name| course.exercises.iter().any(|it| it.folder == *name));
    }
    let exercises = course.select(&names).blame_arguments()?;
    let release = Release::of(&course, &exercises).blame_setup()?;
    if !release.added.is_empty() {
        say!(
            "with {}, which the others build on",
            release.added.join(", ")
        );
    }
    let shown = folder.display();
    if !*update {
        release.write(&course, folder).blame_arguments()?;
        say!(
            "{shown}: {} files, with the exercises {}",
            release.files.len() + 1,
            release.exercises.join(", ")
        );
        say!("left out: {}", release.left_out.join(", "));
        return Ok(Exit::Success);
    }
    let made = release.update(&course, folder).blame_arguments()?;
    if made.is_empty() {
        say!("{shown} is up to date");
    }
    for (word, paths) in [
        ("new", &made.added),
        ("changed", &made.changed),
        ("removed", &made.removed),
    ] {
        for path in paths {
            say!("{word:<7}  {path}");
        }
    }
    for exercise in &made.stubs {
        say!(
            "the stubs of {exercise} have changed; its src stays as it is, and `cargo grader reset` takes the new ones"
        );
    }
    Ok(Exit::Success)
}
