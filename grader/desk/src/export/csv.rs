//! Plain tables: a row for each person, or for each person and exercise.

use super::{Class, Export, ExportOutput};
use crate::grading::{ExerciseGrade, Gradebook, State, Student};
use anyhow::{Context, Result};

/// The export as CSV.
#[derive(Clone, Copy, Debug)]
pub struct Csv {
    /// True for a row for each person and exercise, with every step; false for a row for each person.
    pub steps: bool,
}

impl Export for Csv {
    fn export(&self, class: &Class<'_>) -> Result<ExportOutput> {
        let gradebook = &class.grades.gradebook;
        let text = match self.steps {
            true => steps(gradebook)?,
            false => wide(gradebook)?,
        };
        let mut exported = ExportOutput::file(text.into_bytes());
        for student in &gradebook.students {
            if student.total.is_none() {
                exported.skip(
                    &student.person.id,
                    "no total: something of it is not graded",
                );
            }
        }
        Ok(exported)
    }
}

/// Text as a cell: one that a spreadsheet would take for a formula begins with an apostrophe, and control characters, which a
/// terminal would act on, are escaped. Platforms let people choose the name that they are shown by.
pub fn cell(text: &str) -> String {
    // The wide ones are signs of a formula where text is Chinese, Japanese or Korean.
    let is_formula = text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let mut cell = String::from(if is_formula { "'" } else { "" });
    for c in text.chars() {
        match c {
            c if c.is_control() => cell.extend(c.escape_default()),
            c => cell.push(c),
        }
    }
    cell
}

/// Rows as CSV.
///
/// # Errors
/// Returns an error if they cannot be written.
pub fn text(rows: &[Vec<String>]) -> Result<String> {
    let mut writer = ::csv::Writer::from_writer(vec![]);
    for row in rows {
        writer.write_record(row)?;
    }
    let bytes = writer.into_inner().context("the table cannot be written")?;
    Ok(String::from_utf8(bytes)?)
}

/// A number with all its digits, or nothing.
fn number(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A row for each person: final points of each exercise, and the total. Excused exercises are `EX`.
///
/// # Errors
/// Returns an error if it cannot be written.
pub fn wide(gradebook: &Gradebook) -> Result<String> {
    let mut header: Vec<String> = ["id", "name", "email", "group", "section"]
        .map(str::to_owned)
        .into();
    header.extend(gradebook.exercises.iter().map(|it| it.exercise.clone()));
    header.extend(["total", "max_total"].map(str::to_owned));
    let mut rows = vec![header];
    for student in &gradebook.students {
        let mut row = about(student);
        row.extend(student.exercises.iter().map(|grade| match grade.state {
            State::Excused => "EX".to_owned(),
            _ => rounded(grade.points),
        }));
        row.extend([rounded(student.total), rounded(Some(student.max_total))]);
        rows.push(row);
    }
    text(&rows)
}

/// Points with two decimals at most.
fn rounded(value: Option<f64>) -> String {
    value.map(crate::terminal::points).unwrap_or_default()
}

fn about(student: &Student) -> Vec<String> {
    let person = &student.person;
    let all = [
        &person.id,
        &person.name,
        &person.email,
        &person.group,
        &person.section,
    ];
    all.map(|it| cell(it)).to_vec()
}

/// A row for each person and exercise, with every step and all digits.
fn steps(gradebook: &Gradebook) -> Result<String> {
    let header = [
        "id",
        "name",
        "email",
        "group",
        "section",
        "exercise",
        "state",
        "outcome",
        "attempts",
        "attempt",
        "time",
        "due",
        "late_seconds",
        "late_days",
        "late_days_used",
        "raw",
        "percent",
        "penalty",
        "adjusted",
        "set",
        "add",
        "final",
        "max_points",
        "decisions",
        "flags",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for student in &gradebook.students {
        for (column, grade) in gradebook.exercises.iter().zip(&student.exercises) {
            let mut row = about(student);
            row.extend(step(&column.exercise, grade));
            rows.push(row);
        }
    }
    text(&rows)
}

fn step(exercise: &str, grade: &ExerciseGrade) -> Vec<String> {
    let state = match grade.state {
        State::Graded => "graded",
        State::Missing => "missing",
        State::NotGraded => "not-graded",
        State::Excused => "excused",
    };
    let decisions: Vec<_> = grade.decisions.iter().map(ToString::to_string).collect();
    vec![
        cell(exercise),
        state.to_owned(),
        grade
            .outcome
            .map(|it| it.name().to_owned())
            .unwrap_or_default(),
        grade.attempts.to_string(),
        grade.attempt.map(|it| it.to_string()).unwrap_or_default(),
        grade.time.map(|it| it.to_string()).unwrap_or_default(),
        grade.due.map(|it| it.to_string()).unwrap_or_default(),
        grade.late.seconds.to_string(),
        grade.late.days.to_string(),
        grade.late_days.to_string(),
        number(grade.raw),
        grade.percent.to_string(),
        grade.penalty.to_string(),
        number(grade.adjusted),
        number(grade.set),
        number(grade.add),
        number(grade.points),
        grade.max_points.to_string(),
        decisions.join(" "),
        grade.flags.len().to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text() {
        for (from, to) in [
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("＝1+1", "'＝1+1"),
            ("Anna", "Anna"),
            ("Lee-Ott", "Lee-Ott"),
            ("", ""),
        ] {
            assert_eq!(cell(from), to);
        }
    }

    #[test]
    fn no_terminal_acts_on_a_cell() {
        for (from, to) in [
            ("Anna\u{1b}[2J", "Anna\\u{1b}[2J"),
            ("\t=1", "\\t=1"),
            ("\u{9b}31m", "\\u{9b}31m"),
        ] {
            assert_eq!(cell(from), to);
        }
    }
}
