//! `grader check`: the same tests on one's own working copy, with all that someone who failed needs to see.

use super::{open_course, prepare};
use crate::cli::Check;
use crate::course::{Course, Exercise};
use crate::exit::{Blame, Exit, Failure};
use crate::grading::lesson::{Lesson, Lessons};
use crate::grading::report;
use crate::grading::stage::Stage;
use crate::grading::verdict::{GradedExercise, Outcome, Tested};
use crate::intake::{Candidate, IntakeLimits};
use crate::terminal::style::mark;
use std::collections::BTreeMap;
use std::path::Path;
use wire::printable_lines;
use wire::words::PLACE;

/// Runs the command.
///
/// # Errors
/// Returns an error if the arguments are wrong, or something is missing.
pub fn check(course: Option<&Path>, arguments: &Check) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let exercises = course.select(&arguments.exercises).blame_arguments()?;
    let grader = prepare(course, exercises, &arguments.judging)?;
    let course = &grader.environment.course;
    let working_copy = Candidate {
        name: "working copy".to_owned(),
        path: course.root.join("exercises"),
    };
    let submission = working_copy
        .read(&course.folders(), &IntakeLimits::default())
        .blame_arguments()?;
    let mut exit = Exit::Success;
    for exercise in &grader.environment.exercises {
        let sources = submission.exercises.get(&exercise.folder);
        let stage = |stage: Stage<'_>| {
            if let Stage::Gathering(exercise) = stage {
                note!(
                    "compiling the usual mistakes of {exercise}, to tell which one this is; this is done once"
                );
            }
        };
        let graded = match submission.left_out.get(&exercise.folder) {
            Some(why) => grader.leave_out(exercise, why),
            None => grader.grade_exercise(exercise, sources.map(Vec::as_slice), &stage),
        };
        if grader.environment.is_stopped() {
            return Ok(Exit::Stopped);
        }
        detail!("tested: {} ({:.1} s)", exercise.folder, graded.seconds);
        show(course, exercise, &graded);
        exit = match graded.outcome {
            Outcome::NotGraded(_) => return Ok(Exit::Internal),
            Outcome::Tested if graded.tests.iter().all(Tested::counts) => exit,
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
        Outcome::NotAccepted(why) => say!("\n  It is not accepted: {}\n", printable_lines(why)),
        Outcome::NotGraded(reason) => {
            say!("\n  It could not be graded: {}\n", printable_lines(reason))
        }
    }
}

fn show_tests(course: &Course, exercise: &Exercise, graded: &GradedExercise) {
    let lessons = Lessons::of(course, exercise);
    let failing = graded.tests.iter().filter(|tested| !tested.passed);
    let (unwritten, wrong): (Vec<_>, Vec<_>) =
        failing.partition(|tested| stub_of(tested).is_some());
    for tested in wrong {
        show_failure(tested, lessons.of_test(&tested.test));
    }
    show_unwritten(&unwritten);
    show_not_counted(&graded.tests);
    for misconception in &graded.misconceptions {
        let (place, title) = (misconception.place(), &misconception.title);
        say!("\nwhat happened{place}: {title}");
        say!("{}", wrapped(&misconception.says));
    }
    for line in &graded.look_at {
        say!("\n{}", wrapped(&format!("look at: {line}")));
    }
    say!();
    for (kind, tally) in &graded.kinds {
        let mark = mark(tally.passed == tally.total);
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

fn show_failure(tested: &Tested, lesson: Option<&Lesson>) {
    let message = tested.message.as_deref().unwrap_or_default();
    say!("\n{} {}", mark(false), tested.test);
    if let Some(lesson) = lesson {
        say!("{}", wrapped(&lesson.claim));
    }
    say!();
    for line in printable_lines(message).lines() {
        say!("    {line}");
    }
    if let Some(advice) = lesson.and_then(|lesson| lesson.advice(message)) {
        say!("\n{}", wrapped(&format!("look at: {advice}")));
    }
}

/// The tests that pass and do not count yet, by reason.
fn show_not_counted(tests: &[Tested]) {
    let mut waiting = BTreeMap::<&str, usize>::new();
    for why in tests
        .iter()
        .filter_map(|tested| tested.not_counted.as_deref())
    {
        *waiting.entry(why).or_default() += 1;
    }
    for (why, tests) in waiting {
        let tests = match tests {
            1 => "1 test".to_owned(),
            tests => format!("{tests} tests"),
        };
        say!("\n· {tests} {}", printable_lines(why));
    }
}

/// Prose, indented, in lines that fit a terminal.
fn wrapped(text: &str) -> String {
    let options = textwrap::Options::new(100)
        .initial_indent("  ")
        .subsequent_indent("  ");
    textwrap::fill(text, options)
}

/// The stubs that tests met, each with what is to be written and how many tests wait for it.
fn show_unwritten(tests: &[&Tested]) {
    let mut waiting = BTreeMap::<&str, usize>::new();
    for tested in tests {
        *waiting
            .entry(stub_of(tested).unwrap_or_default())
            .or_default() += 1;
    }
    for (stub, tests) in waiting {
        let (place, task) = stub.split_once('\n').unwrap_or(("", stub));
        let place = place.trim_start_matches(PLACE);
        say!("\n· {}", printable_lines(task.trim()));
        say!(
            "  {}; {tests} test{} for it",
            printable_lines(place),
            if tests == 1 { " waits" } else { "s wait" }
        );
    }
}

/// The message of a test that met nothing worse than a stub: where it is, and what is to be written.
fn stub_of(tested: &Tested) -> Option<&str> {
    let message = tested.message.as_deref()?.split("\nwith ").next()?;
    let task = message.split_once('\n').map_or(message, |(_, task)| task);
    task.trim_start()
        .starts_with("not yet implemented: ")
        .then_some(message)
}

fn first_failing_kind(graded: &GradedExercise) -> String {
    let failing = graded.tests.iter().find(|tested| !tested.passed);
    failing
        .map(|tested| tested.kind.to_string())
        .unwrap_or_default()
}
