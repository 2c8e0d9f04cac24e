//! One submission's page, in Markdown. What a submission said stands in fenced blocks that it cannot end.

use super::points;
use crate::course::Course;
use crate::grading::lesson::Lessons;
use crate::grading::verdict::{ExerciseGrade, MatchedMisconception, Outcome, SubmissionGrade};
use std::fmt::Write;
use wire::{printable, printable_lines};

/// The page.
pub fn markdown(course: &Course, graded: &SubmissionGrade) -> String {
    let mut page = format!(
        "# {}\n\n{} of {} points. Sandbox: {}.\n",
        inline(&graded.submission),
        points(graded.points),
        points(graded.max_points),
        graded.sandbox
    );
    if let Some(refusal) = &graded.refused {
        let _ = write!(page, "\nNothing of it was taken in:\n\n{}", block(refusal));
    }
    if let Some(note) = &graded.note {
        let _ = writeln!(page, "\nNote: {}.", inline(note));
    }
    for remark in &graded.remarks {
        let _ = writeln!(page, "\nNote: {}.", inline(remark));
    }
    // Of what was refused, or holds nothing, there is nothing to say exercise by exercise.
    let is_there = graded.refused.is_none() && graded.note.is_none();
    for exercise in graded.exercises.iter().filter(|_| is_there) {
        write_exercise(&mut page, course, exercise);
    }
    page
}

fn write_exercise(page: &mut String, course: &Course, graded: &ExerciseGrade) {
    let exercise = course
        .exercises
        .iter()
        .find(|known| known.folder == graded.exercise);
    let title = exercise.map_or("", |exercise| exercise.facts.title.as_str());
    let _ = writeln!(
        page,
        "\n## {} · {title}: {} of {} points\n",
        graded.exercise,
        points(graded.points),
        points(graded.max_points)
    );
    match &graded.outcome {
        Outcome::Tested => {}
        Outcome::Missing => page.push_str("Not handed in.\n"),
        Outcome::DoesNotCompile(words) => {
            let _ = write!(page, "It does not compile:\n\n{}", block(words));
        }
        Outcome::NotAccepted(why) => {
            let _ = write!(page, "It is not accepted:\n\n{}", block(why));
        }
        Outcome::NotGraded(reason) => {
            let _ = write!(
                page,
                "**Not graded**, through no fault of the submission: this is not a grade.\n\n{}",
                block(reason)
            );
        }
    }
    if graded.tests.is_empty() {
        return;
    }
    page.push_str("| kind | passed | points |\n|---|---:|---:|\n");
    for (kind, tally) in &graded.kinds {
        let _ = writeln!(
            page,
            "| {kind} | {}/{} | {} / {} |",
            tally.passed,
            tally.total,
            points(tally.points),
            points(tally.max_points)
        );
    }
    for misconception in &graded.misconceptions {
        let MatchedMisconception { title, says, .. } = misconception;
        let place = misconception.place();
        let _ = writeln!(page, "\n**What happened{place}: {title}.** {says}");
    }
    for line in &graded.look_at {
        let _ = writeln!(page, "\nLook at: {line}");
    }
    let waiting = graded.tests.iter();
    for (tested, why) in waiting.filter_map(|it| Some((it, it.not_counted.as_deref()?))) {
        let _ = writeln!(page, "\n- `{}`: {why}", tested.test);
    }
    let lessons = exercise
        .map(|exercise| Lessons::of(course, exercise))
        .unwrap_or_default();
    for tested in graded.tests.iter().filter(|tested| !tested.passed) {
        let _ = writeln!(page, "\n### `{}` failed\n", tested.test);
        if let Some(lesson) = lessons.of_test(&tested.test) {
            let _ = writeln!(page, "{}\n", lesson.claim);
        }
        let message = tested.message.as_deref().unwrap_or_default();
        page.push_str(&block(message));
        if let Some(advice) = lessons
            .of_test(&tested.test)
            .and_then(|lesson| lesson.advice(message))
        {
            let _ = writeln!(page, "\nLook at: {advice}");
        }
    }
}

/// A name as inline code, whatever backticks it holds.
fn inline(text: &str) -> String {
    let text = printable(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    format!("{fence} {text} {fence}")
}

/// Text as a fenced block, whatever fences it holds.
fn block(text: &str) -> String {
    let text = printable_lines(text);
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{fence}text\n{text}\n{fence}\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_end_its_block() {
        let text = block("```\n# Full marks\n````");
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("`````text"));
        assert_eq!(lines.next_back(), Some("`````"));
    }

    #[test]
    fn a_name_cannot_end_its_code() {
        assert_eq!(inline("a`b"), "`` a`b ``");
    }
}
