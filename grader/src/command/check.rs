//! `grader check`: the tests of a grade on the working copy, with an explanation of each failure.

use super::{exercises_meant, open_course, prepare};
use crate::cli::{Check, OutputFormat};
use crate::course::{Course, Exercise};
use crate::exit::{Blame, Exit, Failure};
use crate::grading::places::add_places;
use crate::grading::stage::Stage;
use crate::grading::verdict::{ExerciseGrade, Outcome, Tested};
use crate::study::explain::{ExerciseJson, Explanation};
use crate::study::progress::survey;
use crate::study::record::{Checked, Record, Versions};
use crate::study::table::next_step;
use crate::terminal::{self, style_of};
use anyhow::Context;
use indicatif::ProgressBar;
use intake::{Candidate, IntakeLimits, Source};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// Runs the command.
///
/// # Errors
/// Returns an error if the arguments are wrong, or something is missing.
pub fn check(course: Option<&Path>, arguments: &Check) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let exercises = exercises_meant(&course, &arguments.exercises)?;
    let mut grader = prepare(course, exercises, &arguments.judging)?;
    grader.environment.is_own_code = true;
    grader.environment.starts_judge_early = true;
    let course = &grader.environment.course;
    let working_copy = Candidate::new("working copy", course.root.join("exercises"));
    let submission = working_copy
        .read(&course.folders(), &IntakeLimits::default())
        .blame_arguments()?;
    let mut exit = Exit::Success;
    let mut results = vec![];
    for exercise in &grader.environment.exercises {
        let sources = submission.exercises.get(&exercise.folder);
        let sources = sources.map(Vec::as_slice);
        let shown = spinner(exercise);
        let mut graded = match submission.left_out.get(&exercise.folder) {
            Some(why) => grader.leave_out(exercise, why),
            None => grader.grade_exercise(exercise, sources, &|stage| show_stage(&shown, stage)),
        };
        if let Some(sources) = sources
            && let Err(error) = add_places(&grader.environment, exercise, sources, &mut graded)
        {
            // The verdict stands without them.
            detail!("the places of panics are not known: {error:#}");
        }
        shown.finish_and_clear();
        if grader.environment.is_stopped() {
            return Ok(Exit::Stopped);
        }
        detail!("tested: {} ({:.1} s)", exercise.folder, graded.seconds);
        if let Some(sources) = sources {
            keep(course, exercise, sources, &graded);
        }
        match arguments.format {
            OutputFormat::Text => {
                let width = terminal::output_width();
                let explanation = Explanation::of(course, exercise, &graded, width);
                say!("{}", explanation.text(arguments.all));
            }
            OutputFormat::Json => results.push(ExerciseJson::of(course, exercise, &graded)),
        }
        let has_failed = !graded.tests.iter().all(Tested::counts);
        exit = match graded.outcome {
            Outcome::NotGraded(_) => Exit::Internal,
            Outcome::Tested if !has_failed => exit,
            _ => Exit::Failed,
        };
        if exit == Exit::Internal {
            break;
        }
    }
    match arguments.format {
        OutputFormat::Text if exit == Exit::Success => show_next(course),
        OutputFormat::Text => {}
        OutputFormat::Json => {
            let document = json!({ "course": course.title, "exercises": results });
            let text = serde_json::to_string_pretty(&document).context("cannot write JSON")?;
            say!("{text}");
        }
    }
    Ok(exit)
}

/// The line on a terminal that names the stage of an exercise's check.
fn spinner(exercise: &Exercise) -> ProgressBar {
    let shown = ProgressBar::with_draw_target(None, terminal::progress());
    shown.set_style(style_of("{spinner} {prefix}: {msg} ({elapsed})"));
    shown.set_prefix(exercise.folder.clone());
    shown.enable_steady_tick(Duration::from_millis(100));
    shown
}

fn show_stage(shown: &ProgressBar, stage: Stage<'_>) {
    shown.set_message(match stage {
        Stage::Reading => "reading",
        Stage::Compiling(_) => "compiling your code",
        Stage::Judging(_) => "testing",
        Stage::Training(_) => "training your model",
        Stage::Naming(_) => "comparing with the usual mistakes",
        Stage::Gathering(exercise) => {
            shown.suspend(|| {
                note!(
                    "compiling the usual mistakes of {exercise}, to find out whether this is one of them; this is done once"
                );
            });
            "compiling the usual mistakes"
        }
    });
}

/// Keeps the verdict in the learner's record, unless the check was of fewer tests than the exercise has.
fn keep(course: &Course, exercise: &Exercise, sources: &[Source], graded: &ExerciseGrade) {
    let whole = course.exercises.iter().find(|it| it.name == exercise.name);
    if !whole.is_some_and(|whole| whole.tests().eq(exercise.tests())) {
        return;
    }
    let kept = Versions::of(course, exercise, sources).and_then(|versions| {
        let Some(check) = Checked::now(versions, graded) else {
            return Ok(());
        };
        Record::update(&course.root, |record| record.keep(exercise, check))
    });
    if let Err(error) = kept {
        // The verdict stands without it.
        terminal::write(
            terminal::Stream::Error,
            &terminal::error(&error.context("your progress is not kept")),
        );
    }
}

/// Shows the number of exercises that are done, and what is next; nothing if the record cannot be read, as [`keep`] has
/// reported that.
fn show_next(course: &Course) {
    let all = Record::open(&course.root).and_then(|record| survey(course, &record));
    if let Ok(all) = all {
        let done = all.iter().filter(|it| it.state.is_done()).count();
        let of = all.len();
        say!(
            "{done} of {of} exercises done\n{}",
            next_step(course, &all).trim_end()
        );
    }
}
