//! `grader watch`: checks an exercise again each time that one of its files is saved.

use super::{STOP, exercises_meant, open_course, ready, stop_on_signals};
use crate::cli::Watch;
use crate::exit::{Exit, Failure};
use crate::study::watch::{Options, run};
use sandbox::this_program;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// Returns an error if the arguments are wrong, or the course cannot be watched.
pub fn watch(course: Option<&Path>, arguments: &Watch) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let exercises = exercises_meant(&course, &arguments.exercises)?;
    // Of all, the first that is not done is looked for.
    let is_all = exercises.len() == course.exercises.len();
    let names = exercises.into_iter().map(|it| it.name);
    let options = Options {
        exercises: names.filter(|_| !is_all).collect(),
        is_plain: arguments.plain,
        poll: arguments.poll,
        program: this_program()?,
        stop: &STOP,
    };
    stop_on_signals()?;
    let judging = arguments.judging.clone();
    let prepare = Box::new(move |course: &_, exercise: &_, stop| {
        let ready = ready(
            Clone::clone(course),
            vec![Clone::clone(exercise)],
            &judging,
            stop,
        );
        let mut grader = ready.map_err(|failure| failure.error)?;
        grader.environment.is_own_code = true;
        grader.environment.starts_judge_early = true;
        Ok(grader)
    });
    Ok(run(course, options, prepare)?)
}
