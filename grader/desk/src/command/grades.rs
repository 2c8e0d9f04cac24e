//! `desk grades`: the grades of the class.

use crate::cli::{Format, Grades};
use crate::export::csv::wide;
use crate::failure::{Blame, Exit, Failure};
use crate::folder::Desk;
use crate::grading::{ExerciseGrade, Gradebook, State, Student, without_number};
use crate::terminal::{points, print, table};
use anyhow::anyhow;
use hints::WithHint;
use std::collections::BTreeSet;

/// Runs the command.
pub(super) fn grades(desk: &mut Desk, arguments: &Grades) -> Result<Exit, Failure> {
    let mut gradebook = desk.grades()?.gradebook;
    if let Some(section) = &arguments.section {
        let sections: BTreeSet<_> = gradebook
            .students
            .iter()
            .map(|it| it.person.section.clone())
            .collect();
        if !sections.contains(section) {
            let names: Vec<_> = sections
                .iter()
                .filter(|it| !it.is_empty())
                .map(String::as_str)
                .collect();
            return Err(anyhow!("nobody in the roster is in section {section}"))
                .hint(format!("there are {}", names.join(", ")))
                .blame_arguments();
        }
        gradebook
            .students
            .retain(|it| it.person.section == *section);
    }
    match arguments.format {
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(&gradebook)?)),
        Format::Csv => print(&wide(&gradebook)?),
        Format::Table => print(&shown(&gradebook)),
    }
    Ok(Exit::Success)
}

/// The marks beside points, and their meanings.
const SIGNS: [(char, &str); 6] = [
    ('–', "nothing handed in"),
    ('?', "not graded: `desk status` says why"),
    ('E', "excused"),
    ('L', "late, with a penalty"),
    ('D', "decided by a person"),
    ('!', "needs you: `desk status` says why"),
];

/// The grades as a table, with a legend of the marks that occur.
fn shown(gradebook: &Gradebook) -> String {
    if gradebook.students.is_empty() {
        return "nobody is in roster.csv yet\n".to_owned();
    }
    let mut header = vec!["id", "name"];
    header.extend(
        gradebook
            .exercises
            .iter()
            .map(|it| without_number(&it.exercise)),
    );
    header.push("total");
    let mut rows: Vec<_> = gradebook.students.iter().map(row).collect();
    let mut most = vec!["of".to_owned(), String::new()];
    most.extend(gradebook.exercises.iter().map(|it| points(it.max_points)));
    most.push(points(gradebook.exercises.iter().map(|it| it.weight).sum()));
    rows.push(most);
    let mut text = table(&header, &rows, 2, 0);
    let occurs: String = rows
        .iter()
        .flat_map(|row| row[2..].concat().chars().collect::<Vec<_>>())
        .collect();
    for (sign, meaning) in SIGNS {
        if occurs.contains(sign) {
            text += &format!("{sign} {meaning}\n");
        }
    }
    text
}

fn row(student: &Student) -> Vec<String> {
    let mut row = vec![student.person.id.clone(), student.person.name.clone()];
    row.extend(student.exercises.iter().map(grade_cell));
    let sign = if student.refused.is_empty() { "" } else { "!" };
    row.push(match student.total {
        Some(total) => format!("{sign}{}", points(total)),
        None => format!("{sign}?"),
    });
    row
}

fn grade_cell(grade: &ExerciseGrade) -> String {
    let mut signs = String::new();
    if !grade.flags.is_empty() {
        signs.push('!');
    }
    let decided = grade.set.is_some() || grade.add.is_some();
    if decided {
        signs.push('D');
    } else if grade.penalty > 0.0 {
        signs.push('L');
    }
    match (grade.state, grade.points) {
        (State::Excused, _) => "E".to_owned(),
        (State::Missing, Some(0.0)) if !decided => "–".to_owned(),
        (_, Some(value)) => format!(
            "{signs}{}{}",
            if signs.is_empty() { "" } else { " " },
            points(value)
        ),
        (_, None) => "?".to_owned(),
    }
}
