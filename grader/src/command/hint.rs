//! `grader hint`: the next hint about a function or type, and the number of those that are left.

use super::{exercise_and_item, open_course};
use crate::cli::Hint;
use crate::course::{Course, Exercise};
use crate::exit::{Blame, Exit, Failure};
use crate::study::hints::{self, Hints};
use crate::study::items;
use crate::study::record::Record;
use ::hints::WithHint;
use anyhow::{Result, anyhow};
use std::path::Path;
use wire::printable_lines;

/// Runs the command.
///
/// # Errors
/// Returns an error if there is no such item, or no hint about it, or the record cannot be read or written.
pub fn hint(course: Option<&Path>, arguments: &Hint) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let (name, item) = (arguments.exercise.as_deref(), arguments.item.as_deref());
    let (exercise, item) = exercise_and_item(&course, name, item).blame_arguments()?;
    let record = Record::open(&course.root).blame_setup()?;
    let item = match &item {
        Some(name) => items::find(&exercise, name).blame_arguments()?.path.clone(),
        None => failing_item(&course, &exercise, &record).blame_arguments()?,
    };
    let shown = hints::show(&course, &exercise, &item, arguments.all).blame_arguments()?;
    let (name, subject) = (&exercise.name, &shown.subject);
    for (number, tier, text) in &shown.hints {
        say!("{subject} · hint {number} of {}: {tier}\n", shown.total);
        say!("{}\n", printable_lines(text));
    }
    match (shown.hints.is_empty(), shown.left) {
        (true, _) => say!(
            "All {} hints about {subject} have been shown. To show them again: cargo grader hint {name} {subject} --all",
            shown.total
        ),
        (false, 0) => say!("No hint about {subject} is left."),
        (false, 1) => say!("1 more: cargo grader hint {name} {subject}"),
        (false, left) => say!("{left} more, one at a time: cargo grader hint {name} {subject}"),
    }
    Ok(Exit::Success)
}

/// The item of the first test that failed in the last check.
fn failing_item(course: &Course, exercise: &Exercise, record: &Record) -> Result<String> {
    let check = record.of(exercise).and_then(|it| it.check.as_ref());
    let failing = check.and_then(|check| items::failing(exercise, check).into_iter().next());
    if let Some(item) = failing {
        return Ok(item.path.clone());
    }
    let name = &exercise.name;
    let error = match check {
        None => {
            anyhow!("{name} has not been checked yet, so its first failing test is not known")
        }
        Some(_) => anyhow!("no test of {name} failed in the last check"),
    };
    let subjects = Hints::open(course, exercise)?.subjects().join(", ");
    Err(error).hint(format!(
        "run `cargo grader check {name}`, or `cargo grader hint {name} ITEM` with one of {subjects}"
    ))
}
