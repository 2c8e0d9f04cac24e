//! The end of an explanation: the tests that passed and the time that they took, the commands that help with the rest, and
//! the message on full marks.

use super::{Failure, wrapped};
use crate::course::{Course, Exercise};
use crate::grading::report::points;
use crate::grading::verdict::{ExerciseGrade, Outcome};
use crate::study::table::listed;
use crate::terminal::style::mark;
use std::fs;

/// The tests and points of each kind of test, a line each, and of all with the time that it took.
pub(super) fn tally(graded: &ExerciseGrade) -> Vec<String> {
    let line = |mark: String, name: &str, passed, total, own, most| {
        let (own, most) = (points(own), points(most));
        format!("{mark} {name:<9} {passed:>2} of {total:<2} passed   {own:>5} of {most} points")
    };
    let mut lines = vec![];
    let (mut passed, mut total) = (0, 0);
    for (kind, tally) in &graded.kinds {
        passed += tally.passed;
        total += tally.total;
        let name = kind.to_string();
        let mark = mark(tally.passed == tally.total);
        lines.push(line(
            mark,
            &name,
            tally.passed,
            tally.total,
            tally.points,
            tally.max_points,
        ));
    }
    let sum = line(
        " ".to_owned(),
        "in all",
        passed,
        total,
        graded.points,
        graded.max_points,
    );
    lines.push(format!("{sum}, {:.1} s", graded.seconds));
    lines
}

/// The commands that help with an exercise whose tests do not all pass.
pub(super) fn help(exercise: &Exercise, failures: &[Failure], all: bool) -> String {
    let name = &exercise.name;
    let mut commands = vec![];
    if failures.len() > 1 && !all {
        commands.push((
            format!("cargo grader check {name} --all"),
            "every failure in full",
        ));
    }
    commands.push((format!("cargo grader hint {name}"), "the next hint"));
    listed(&commands)
}

/// The message on full marks: the purpose of the exercise, the file of the answers to the handout's questions, and solutions
/// to compare with; None without full marks.
pub(super) fn achievement(
    course: &Course,
    exercise: &Exercise,
    graded: &ExerciseGrade,
    width: usize,
) -> Option<String> {
    let is_perfect = graded.tests.iter().all(|tested| tested.counts());
    if graded.outcome != Outcome::Tested || !is_perfect || graded.tests.is_empty() {
        return None;
    }
    let tests = graded.tests.len();
    let about = match exercise.about.as_str() {
        "" => exercise.facts.title.clone(),
        about => about.to_owned(),
    };
    let text = format!(
        "{} All {tests} tests pass. You have written this exercise: {about}.",
        mark(true)
    );
    let mut text = textwrap::fill(&text, width);
    text.push('\n');
    if course.withholds_solutions {
        // Their README holds the answers, too.
        return Some(text);
    }
    let solution = format!("solutions/{}", exercise.folder);
    let readme = format!("{solution}/README.md");
    let answers = fs::read_to_string(course.root.join(&readme)).unwrap_or_default();
    let heading = answers
        .lines()
        .find_map(|line| line.strip_prefix("## Answers"));
    if let Some(rest) = heading {
        let answers =
            format!("The answers to the handout's questions: {readme}, \"Answers{rest}\"");
        text += &format!("{}\n", wrapped(&answers, width));
    }
    if course.root.join(&solution).is_dir() {
        let name = &exercise.name;
        text += &listed(&[(
            format!("cargo grader diff {name}"),
            "compare it with a solution",
        )]);
    }
    Some(text)
}
