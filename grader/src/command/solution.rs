//! `grader solution`: the reference solution of items whose tests pass.

use super::diff::DiffTarget;
use super::open_course;
use crate::cli::ShowSolution;
use crate::exit::{Blame, Exit, Failure};
use crate::study::diff::{Formatter, Solution, has_solution};
use crate::terminal::{Stream, write};
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// Returns an error if the arguments are wrong, nothing may be shown yet, or something is missing.
pub fn solution(course: Option<&Path>, arguments: &ShowSolution) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let (name, item) = (arguments.exercise.as_deref(), arguments.item.as_deref());
    let asked = DiffTarget::of(&course, name, item)?;
    has_solution(&course, &asked.exercise).blame_arguments()?;
    let solutions = Solution::all(&course, &asked.exercise, &Formatter::none())?;
    let (_, gate) = asked.open(&course, arguments.give_up)?;
    let reference = &solutions[0];
    write(Stream::Output, &reference.print(&|path| gate.shows(path)));
    if !gate.closed.is_empty() {
        let closed: Vec<_> = gate.closed.iter().map(|it| it.path.as_str()).collect();
        note!(
            "not shown, since their tests do not pass yet: {}",
            closed.join(", ")
        );
    }
    Ok(Exit::Success)
}
