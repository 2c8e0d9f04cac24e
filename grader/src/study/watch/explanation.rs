//! The failures of a graded exercise, each explained by itself, and what is said after full marks.

use super::verdict::Failure;
use crate::course::{Course, Exercise};
use crate::grading::lesson::Lessons;
use crate::grading::verdict::{GradedExercise, Outcome, Tested};
use crate::terminal::style::mark;
use std::collections::BTreeMap;
use wire::printable_lines;
use wire::words::PLACE;

/// The failures, the one to look at first in front.
pub(super) fn failures(
    course: &Course,
    exercise: &Exercise,
    graded: &GradedExercise,
) -> Vec<Failure> {
    let whole = |name: &str, why: &str| {
        vec![Failure {
            name: name.to_owned(),
            text: format!("{} {name}\n\n{}", mark(false), printable_lines(why)),
        }]
    };
    match &graded.outcome {
        Outcome::Tested => of_tests(course, exercise, graded),
        Outcome::Missing => whole("there is no code", "src holds no lib.rs"),
        Outcome::DoesNotCompile(words) => whole("it does not compile", words),
        Outcome::NotAccepted(why) => whole("it is not accepted", why),
        Outcome::NotGraded(why) => whole("it could not be graded", why),
    }
}

fn of_tests(course: &Course, exercise: &Exercise, graded: &GradedExercise) -> Vec<Failure> {
    let lessons = Lessons::of(course, exercise);
    let failing = graded.tests.iter().filter(|tested| !tested.passed);
    let (unwritten, wrong): (Vec<_>, Vec<_>) =
        failing.partition(|tested| stub_of(tested).is_some());
    let mut failures: Vec<_> = wrong
        .into_iter()
        .map(|tested| {
            let message = tested.message.as_deref().unwrap_or_default();
            let mut text = format!("{} {}\n", mark(false), tested.test);
            let lesson = lessons.of_test(&tested.test);
            if let Some(lesson) = lesson {
                text += &format!("  {}\n", lesson.claim);
            }
            text.push('\n');
            for line in printable_lines(message).lines() {
                text += &format!("    {line}\n");
            }
            if let Some(advice) = lesson.and_then(|lesson| lesson.advice(message)) {
                text += &format!("\n  look at: {advice}\n");
            }
            Failure {
                name: tested.test.clone(),
                text,
            }
        })
        .collect();
    let mut waiting = BTreeMap::<&str, usize>::new();
    for tested in unwritten {
        *waiting
            .entry(stub_of(tested).unwrap_or_default())
            .or_default() += 1;
    }
    failures.extend(waiting.into_iter().map(|(stub, tests)| {
        let (place, task) = stub.split_once('\n').unwrap_or(("", stub));
        let place = printable_lines(place.trim_start_matches(PLACE));
        let task = printable_lines(task.trim());
        let waits = if tests == 1 {
            "test waits"
        } else {
            "tests wait"
        };
        Failure {
            name: task.clone(),
            text: format!("· {task}\n  {place}; {tests} {waits} for it"),
        }
    }));
    let mut named = String::new();
    for misconception in &graded.misconceptions {
        let (place, title) = (misconception.place(), &misconception.title);
        named += &format!(
            "what happened{place}: {title}\n  {}\n\n",
            misconception.says
        );
    }
    for line in &graded.look_at {
        named += &format!("look at: {line}\n\n");
    }
    if let Some(first) = failures.first_mut() {
        first.text = named + &first.text;
    }
    failures
}

/// The message of a test that met nothing worse than a stub: where it is, and what is to be written.
fn stub_of(tested: &Tested) -> Option<&str> {
    let message = tested.message.as_deref()?.split("\nwith ").next()?;
    let task = message.split_once('\n').map_or(message, |(_, task)| task);
    task.trim_start()
        .starts_with("not yet implemented: ")
        .then_some(message)
}

/// What is said if no test fails.
pub(super) fn after_success(graded: &GradedExercise) -> String {
    let waiting = graded
        .tests
        .iter()
        .filter_map(|it| it.not_counted.as_deref());
    let mut waiting: Vec<_> = waiting.collect();
    waiting.dedup();
    match waiting.as_slice() {
        [] => "Every test passes.".to_owned(),
        why => format!(
            "Every test passes, and some do not count yet: {}",
            why.join("; ")
        ),
    }
}
