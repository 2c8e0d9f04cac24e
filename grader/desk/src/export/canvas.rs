//! Canvas: fills in a gradebook that was downloaded from it. Rules from `lib/gradebook_importer.rb` and
//! `lib/gradebook_exporter.rb` of instructure/canvas-lms.

use super::sheet::Sheet;
use super::{Class, Export, ExportOutput, Source};
use crate::grading::{State, Student};
use crate::import::listed;
use crate::roster::Person;
use anyhow::{Result, anyhow, ensure};
use hints::WithHint;
use std::collections::BTreeSet;

/// A gradebook of Canvas to fill in.
#[derive(Clone, Debug)]
pub struct Canvas {
    /// The file's content.
    pub file: Vec<u8>,
    /// Columns with the exercise, or `total`, that fills each. If empty, columns are found by their titles.
    pub fill: Vec<(String, String)>,
}

impl Export for Canvas {
    fn export(&self, class: &Class<'_>) -> Result<ExportOutput> {
        let mut sheet = Sheet::parse(self.file.clone())?;
        let header: Vec<String> = sheet.header().iter().map(|&it| it.to_owned()).collect();
        let id = sheet.column(&["ID"]);
        let name = sheet
            .column(&["Student"])
            .or_else(|| sheet.column(&["LastName"]));
        let section = sheet.column(&["Section"]);
        let is_canvas = id.is_some() && name.is_some() && section.is_some();
        let is_canvas = || -> Result<()> {
            ensure!(
                is_canvas,
                "it has no columns Student, ID and Section: it is not a gradebook of Canvas"
            );
            Ok(())
        };
        is_canvas().hint("download it in Canvas: Grades, Export, Export Entire Gradebook")?;
        let (id, name, section) = (
            id.unwrap_or_default(),
            name.unwrap_or_default(),
            section.unwrap_or_default(),
        );
        let columns = self.columns(class, &header, section)?;
        let keys = Keys {
            id,
            name,
            sis: sheet.column(&["SIS User ID"]),
            login: sheet.column(&["SIS Login ID"]),
        };

        let mut exported = ExportOutput::default();
        // Below the header: perhaps "Manual Posting", then "Points Possible".
        let possible = (1..sheet.rows()).find(|row| sheet.get(*row, name) == "Points Possible");
        let read_only: Vec<_> = columns
            .iter()
            .map(|(column, _)| {
                possible.is_some_and(|row| sheet.get(row, *column).contains("(read only)"))
            })
            .collect();
        for ((column, source), read_only) in columns.iter().zip(&read_only) {
            if *read_only {
                exported.skip(
                    &header[*column],
                    "the column is (read only): Canvas does not take it",
                );
                continue;
            }
            let most = possible.and_then(|row| {
                sheet
                    .get(row, *column)
                    .replace(',', ".")
                    .parse::<f64>()
                    .ok()
            });
            if let Some(most) = most.filter(|most| (most - source.max(class)).abs() > 0.005) {
                exported.notes.push(format!(
                    "{} has {most} points possible in Canvas and {} here: points are written as they are",
                    header[*column],
                    source.max(class)
                ));
            }
        }
        let mut seen = BTreeSet::new();
        for row in possible.map_or(1, |row| row + 1)..sheet.rows() {
            let named = sheet.get(row, name).to_owned();
            let found: Vec<_> = class
                .grades
                .gradebook
                .students
                .iter()
                .filter(|student| keys.is_row_of(&sheet, row, &student.person))
                .collect();
            let student = match found.as_slice() {
                [student] => *student,
                [] => {
                    exported.skip(named, "the row is of nobody in the roster: left as it is");
                    continue;
                }
                _ => {
                    exported.skip(
                        named,
                        "the row may be of several people in the roster: left as it is",
                    );
                    continue;
                }
            };
            if !seen.insert(&student.person.id) {
                exported.skip(
                    named,
                    format!("a second row of {}: left as it is", student.person.id),
                );
                continue;
            }
            for ((column, source), _) in columns
                .iter()
                .zip(&read_only)
                .filter(|(_, read_only)| !**read_only)
            {
                match value(student, *source, sheet.delimiter) {
                    Some(value) => sheet.set(row, *column, &value)?,
                    None => exported.skip(
                        &student.person.id,
                        format!("{} is not graded: left as it is", header[*column]),
                    ),
                }
            }
        }
        for student in &class.grades.gradebook.students {
            if !seen.contains(&student.person.id) {
                exported.skip(&student.person.id, "Canvas' file has no row of this person");
            }
        }
        exported.files = vec![(String::new(), sheet.into_bytes())];
        Ok(exported)
    }
}

impl Canvas {
    /// The columns to fill, with the source of each.
    fn columns(
        &self,
        class: &Class<'_>,
        header: &[String],
        section: usize,
    ) -> Result<Vec<(usize, Source)>> {
        let assignments: Vec<_> = (section + 1..header.len())
            .filter(|it| assignment(&header[*it]).is_some())
            .collect();
        let names = || {
            listed(
                &assignments
                    .iter()
                    .map(|it| header[*it].as_str())
                    .collect::<Vec<_>>(),
            )
        };
        let source = |name: &str| {
            Source::named(name, class)
                .ok_or_else(|| anyhow!("there is no exercise {name} with results"))
        };
        let mut columns = vec![];
        for (column, exercise) in &self.fill {
            let is_it = |it: &&usize| {
                let title = header[**it].as_str();
                let (name, id) = assignment(title).unwrap_or((title, ""));
                [title, name, id].contains(&column.as_str())
            };
            let found: Vec<_> = assignments.iter().filter(is_it).collect();
            let [found] = found.as_slice() else {
                return Err(anyhow!("{} columns are called {column}", found.len()))
                    .hint(format!("assignments of the file: {}", names()));
            };
            columns.push((**found, source(exercise)?));
        }
        if self.fill.is_empty() {
            for &it in &assignments {
                let (name, _) = assignment(&header[it]).unwrap_or_default();
                if let Some(source) = Source::named(name.trim(), class) {
                    columns.push((it, source));
                }
            }
        }
        let mut places = BTreeSet::new();
        if let Some((twice, _)) = columns.iter().find(|(it, _)| !places.insert(*it)) {
            return Err(anyhow!(
                "the column {} is to be filled twice",
                header[*twice]
            ));
        }
        if columns.is_empty() {
            return Err(anyhow!("no column is called as an exercise or total")).hint(format!(
                "name one with --fill COLUMN=EXERCISE; assignments of the file: {}",
                names()
            ));
        }
        Ok(columns)
    }
}

/// The title and the id of an assignment's column: `Title (123)`.
fn assignment(title: &str) -> Option<(&str, &str)> {
    let (name, id) = title.strip_suffix(')')?.rsplit_once(" (")?;
    (!id.is_empty() && id.bytes().all(|it| it.is_ascii_digit())).then_some((name, id))
}

/// The columns that identify the person of a row.
struct Keys {
    id: usize,
    name: usize,
    sis: Option<usize>,
    login: Option<usize>,
}

impl Keys {
    /// Returns whether a row is a person's: by SIS id, login or Canvas' id; by name if it has neither SIS id nor login.
    fn is_row_of(&self, sheet: &Sheet, row: usize, person: &Person) -> bool {
        let field = |column: Option<usize>| {
            column
                .map(|it| sheet.get(row, it))
                .filter(|it| !it.is_empty())
        };
        let same = |a: &str, b: &str| !b.is_empty() && a.to_lowercase() == b.to_lowercase();
        let (sis, login) = (field(self.sis), field(self.login));
        let canvas = sheet.get(row, self.id);
        let by_id = sis.is_some_and(|it| same(it, &person.id))
            || login.is_some_and(|it| same(it, &person.id) || same(it, &person.email))
            || same(canvas, &person.id);
        let without_ids = sis.is_none() && login.is_none();
        by_id
            || (without_ids
                && same(
                    &in_order(sheet.get(row, self.name)),
                    &in_order(&person.name),
                ))
    }
}

/// A name with the first name first: `Lee, Anna` is `Anna Lee`.
fn in_order(name: &str) -> String {
    match name.split_once(", ") {
        Some((last, first)) => format!("{first} {last}"),
        None => name.to_owned(),
    }
}

/// The value of a cell, with two decimals at most. Where fields are divided by `;`, decimals have a comma.
fn value(student: &Student, source: Source, delimiter: char) -> Option<String> {
    let points = match source {
        Source::Total => student.total?,
        Source::Exercise(place) => {
            let grade = &student.exercises[place];
            if grade.state == State::Excused {
                return Some("EX".to_owned());
            }
            grade.points?
        }
    };
    let text = crate::terminal::points(points);
    Some(match delimiter {
        ';' => text.replace('.', ","),
        _ => text,
    })
}
