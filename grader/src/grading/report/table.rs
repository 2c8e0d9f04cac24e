//! Tables for the terminal.

use super::points;
use crate::course::Course;
use crate::grading::verdict::{ExerciseGrade, Outcome, SubmissionGrade};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

fn empty(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_header(header.iter().copied());
    table
}

/// Any rows below a header; columns from the given one on hold numbers.
pub fn columns(
    header: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
    first_number: usize,
) -> String {
    let mut table = empty(header);
    for row in rows {
        table.add_row(row);
    }
    align_numbers(&mut table, first_number);
    table.to_string()
}

/// One submission: exercise, kind, tests passed, points.
pub fn table(course: &Course, graded: &SubmissionGrade) -> String {
    let mut table = empty(&["exercise", "kind", "passed", "points"]);
    for exercise in &graded.exercises {
        add_exercise(&mut table, course, exercise);
    }
    let (passed, total) = graded
        .exercises
        .iter()
        .flat_map(|exercise| exercise.kinds.values())
        .fold((0, 0), |(passed, total), tally| {
            (passed + tally.passed, total + tally.total)
        });
    table.add_row([
        "total".to_owned(),
        String::new(),
        format!("{passed}/{total}"),
        format!("{} / {}", points(graded.points), points(graded.max_points)),
    ]);
    align_numbers(&mut table, 2);
    table.to_string()
}

fn add_exercise(table: &mut Table, course: &Course, exercise: &ExerciseGrade) {
    let title = course
        .exercises
        .iter()
        .find(|known| known.folder == exercise.exercise)
        .map_or_else(String::new, |known| format!("  {}", known.facts.title));
    let remark = match &exercise.outcome {
        Outcome::Tested => "",
        Outcome::Missing => " (not handed in)",
        Outcome::DoesNotCompile(_) => " (does not compile)",
        Outcome::NotAccepted(_) => " (not accepted)",
        Outcome::NotGraded(_) => " (NOT GRADED)",
    };
    let mut name = format!("{}{title}{remark}", exercise.exercise);
    for (kind, tally) in &exercise.kinds {
        table.add_row([
            std::mem::take(&mut name),
            kind.to_string(),
            format!("{}/{}", tally.passed, tally.total),
            format!("{} / {}", points(tally.points), points(tally.max_points)),
        ]);
    }
}

/// A submission's line in the table of a class.
#[derive(Clone, Debug)]
pub struct Row {
    /// The submission.
    pub submission: String,
    points: f64,
    max_points: f64,
    remark: &'static str,
}

impl Row {
    /// The line of a result.
    pub fn of(graded: &SubmissionGrade) -> Self {
        let outcomes = || graded.exercises.iter().map(|exercise| &exercise.outcome);
        let remark = if graded.refused.is_some() {
            "refused"
        } else if graded.note.is_some() {
            "no exercise found"
        } else if !graded.is_complete() {
            "NOT GRADED to the end"
        } else if outcomes().any(|outcome| matches!(outcome, Outcome::NotAccepted(_))) {
            "not accepted in part"
        } else if outcomes().any(|outcome| matches!(outcome, Outcome::DoesNotCompile(_))) {
            "does not compile in part"
        } else {
            ""
        };
        Self {
            submission: graded.submission.clone(),
            points: graded.points,
            max_points: graded.max_points,
            remark,
        }
    }
}

/// A class: a line a submission.
pub fn class_table(rows: &[Row]) -> String {
    let mut table = empty(&["submission", "points", "remark"]);
    for row in rows {
        table.add_row([
            row.submission.clone(),
            format!("{} / {}", points(row.points), points(row.max_points)),
            row.remark.to_owned(),
        ]);
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

fn align_numbers(table: &mut Table, first: usize) {
    for column in table.column_iter_mut().skip(first) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}
