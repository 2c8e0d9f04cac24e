//! `grader check`: the same tests on one's own working copy, with all that someone who failed needs to see.

use super::{open_course, prepare};
use crate::cli::Check;
use crate::course::{Course, Exercise};
use crate::exit::{Blame, Exit, Failure};
use crate::grade::Stage;
use crate::intake::{Candidate, Limits};
use crate::lesson::Lessons;
use crate::report;
use crate::verdict::{GradedExercise, Outcome};
use std::path::Path;
use wire::printable_lines;

/// Runs the command.
///
/// # Errors
/// Where the arguments are wrong or something is missing.
pub fn check(course: Option<&Path>, arguments: &Check) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let exercises = course.select(&arguments.exercises).blame_arguments()?;
    let grader = prepare(course, exercises, &arguments.judging)?;
    let course = &grader.course;
    let working_copy = Candidate {
        name: "working copy".to_owned(),
        path: course.root.join("exercises"),
    };
    let mut submission = working_copy
        .read(&course.folders(), &Limits::default())
        .blame_arguments()?;
    let mut exit = Exit::Success;
    for exercise in &grader.exercises {
        let sources = submission.exercises.remove(&exercise.folder);
        let graded = grader.grade_exercise(exercise, sources, &|_: Stage<'_>| {});
        if grader.is_stopped() {
            return Ok(Exit::Stopped);
        }
        show(course, exercise, &graded);
        exit = match graded.outcome {
            Outcome::NotGraded(_) => return Ok(Exit::Internal),
            Outcome::Tested if graded.tests.iter().all(|tested| tested.passed) => exit,
            _ => Exit::Failed,
        };
    }
    Ok(exit)
}

fn show(course: &Course, exercise: &Exercise, graded: &GradedExercise) {
    say!("{} · {}", exercise.folder, exercise.facts.title);
    match &graded.outcome {
        Outcome::Tested => show_tests(course, exercise, graded),
        Outcome::Missing => say!("  exercises/{}/src holds no lib.rs\n", exercise.folder),
        Outcome::DoesNotCompile(words) => say!(
            "\n{}\n\n  It does not compile yet.\n",
            printable_lines(words)
        ),
        Outcome::Shortcut(what) => println!("\n  {}\n", printable_lines(what)),
        Outcome::NotGraded(reason) => {
            say!("\n  the grader failed: {}\n", printable_lines(reason))
        }
    }
}

fn show_tests(course: &Course, exercise: &Exercise, graded: &GradedExercise) {
    let lessons = Lessons::of(course, exercise);
    for tested in &graded.tests {
        let (Some(message), false) = (&tested.message, tested.passed) else {
            continue;
        };
        say!("\n✗ {}", tested.test);
        let lesson = lessons.of_test(&tested.test);
        if let Some(lesson) = lesson {
            say!("  {}", lesson.claim);
        }
        say!();
        for line in printable_lines(message).lines() {
            say!("    {line}");
        }
        let is_begun = !message.contains("not yet implemented: ");
        if let Some(place) = lesson
            .and_then(|lesson| lesson.look_at.as_ref())
            .filter(|_| is_begun)
        {
            say!("\n  look at: {place}");
        }
    }
    say!();
    for (kind, tally) in &graded.kinds {
        let mark = if tally.passed == tally.total {
            "✓"
        } else {
            "✗"
        };
        say!(
            "{mark} {kind:<9} {:>2} of {:<2} passed   {:>5} of {} points",
            tally.passed,
            tally.total,
            report::points(tally.points),
            report::points(tally.max_points)
        );
    }
    if graded.tests.iter().any(|tested| !tested.passed) {
        say!(
            "\nHints, from the idea to the calls: exercises/{0}/hints.md\nWith a debugger or dbg!: cargo test -p {1} --test {2}",
            exercise.folder,
            exercise.name,
            first_failing_kind(graded)
        );
    }
    say!();
}

fn first_failing_kind(graded: &GradedExercise) -> String {
    let failing = graded.tests.iter().find(|tested| !tested.passed);
    failing
        .map(|tested| tested.kind.to_string())
        .unwrap_or_default()
}
