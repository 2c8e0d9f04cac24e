//! Moodle: fills in a grading worksheet that was downloaded from an assignment. Rules from
//! `mod/assign/feedback/offline/importgradeslib.php` and `locallib.php` of moodle/moodle.

use super::sheet::Sheet;
use super::{Class, Export, ExportOutput, Source};
use crate::grading::{State, Student};
use crate::import::listed;
use anyhow::{Context, Result, anyhow};
use hints::WithHint;
use std::collections::BTreeSet;

/// A grading worksheet of Moodle to fill in.
#[derive(Clone, Debug)]
pub struct Moodle {
    /// The file's content.
    pub file: Vec<u8>,
    /// The source of the grades: an exercise, or `total`.
    pub exercise: String,
    /// The name of the grade column, if it is not the English, German, French or Spanish one.
    pub grade_column: Option<String>,
}

const GRADE: [&str; 4] = ["Grade", "Bewertung", "Note", "Calificación"];
const MAXIMUM: [&str; 4] = [
    "Maximum grade",
    "Bestwertung",
    "Note maximale",
    "Calificación máxima",
];
const EMAIL: [&str; 5] = [
    "Email address",
    "E-Mail-Adresse",
    "Adresse de courriel",
    "Dirección de correo",
    "Dirección Email",
];
const ID: [&str; 4] = [
    "ID number",
    "ID-Nummer",
    "Numéro d’identification",
    "Número de ID",
];
const NAME: [&str; 4] = [
    "Full name",
    "Vollständiger Name",
    "Nom complet",
    "Nombre completo",
];
const CHANGEABLE: [&str; 4] = [
    "Grade can be changed",
    "Bewertung kann geändert werden",
    "La note peut être modifiée",
    "La calificación puede ser cambiada",
];
const NO: [&str; 4] = ["No", "Nein", "Non", "No"];

impl Export for Moodle {
    fn export(&self, class: &Class<'_>) -> Result<ExportOutput> {
        let mut sheet = Sheet::parse(self.file.clone())?;
        let source = Source::named(&self.exercise, class)
            .with_context(|| format!("there is no exercise {} with results", self.exercise))?;
        let named = self.grade_column.as_deref();
        let column = named.map_or_else(|| sheet.column(&GRADE), |name| sheet.column(&[name]));
        let header = sheet.header().join(", ");
        let column = column
            .ok_or_else(|| anyhow!("it has no column {}", named.unwrap_or(GRADE[0])))
            .hint(format!(
                "name the column of grades with --grade-column; columns of the file: {header}"
            ))?;
        let keys = [sheet.column(&ID), sheet.column(&EMAIL), sheet.column(&NAME)];
        if keys.iter().all(Option::is_none) {
            return Err(anyhow!(
                "it has no column {}, {} or {}",
                ID[0],
                EMAIL[0],
                NAME[0]
            ))
            .hint(
                "download the worksheet with the setting to show e-mail addresses or ID numbers",
            );
        }
        let (maximum, changeable) = (sheet.column(&MAXIMUM), sheet.column(&CHANGEABLE));

        let mut exported = ExportOutput::default();
        let mut seen = BTreeSet::new();
        for row in 1..sheet.rows() {
            let label = keys
                .iter()
                .flatten()
                .map(|it| sheet.get(row, *it))
                .find(|it| !it.is_empty());
            let label = label.unwrap_or("a row without a name").to_owned();
            let found = whose(&sheet, row, keys, &class.grades.gradebook.students);
            let student = match found.as_slice() {
                [student] => *student,
                [] => {
                    exported.skip(label, "the row is of nobody in the roster: left as it is");
                    continue;
                }
                several => {
                    let ids: Vec<_> = several.iter().map(|it| it.person.id.as_str()).collect();
                    exported.skip(
                        label,
                        format!("the row may be of {}: left as it is", listed(&ids)),
                    );
                    continue;
                }
            };
            if !seen.insert(&student.person.id) {
                exported.skip(
                    label,
                    format!("a second row of {}: left as it is", student.person.id),
                );
                continue;
            }
            let points = match source {
                Source::Total => student.total,
                Source::Exercise(place) if student.exercises[place].state == State::Excused => {
                    exported.skip(
                        label,
                        "excused, which Moodle's worksheet cannot say: left as it is",
                    );
                    continue;
                }
                Source::Exercise(place) => student.exercises[place].points,
            };
            let Some(points) = points else {
                exported.skip(label, "not graded: left as it is");
                continue;
            };
            let number = |text: &str| text.replace(',', ".").parse::<f64>().ok();
            let before = sheet.get(row, column).to_owned();
            let most = maximum.and_then(|it| number(sheet.get(row, it)));
            let uses_comma = before.contains(',')
                || maximum.is_some_and(|it| sheet.get(row, it).contains(','))
                || sheet.delimiter == ';';
            let is_locked = changeable.is_some_and(|it| NO.contains(&sheet.get(row, it)));
            let rounded = crate::terminal::points(points);
            if number(&before).is_some_and(|it| Some(it) == number(&rounded)) {
                exported.skip(label, "Moodle passes the row over: the grade is the same");
                continue;
            }
            if is_locked {
                exported.skip(
                    label,
                    "Moodle passes the row over: the grade is locked there",
                );
            } else if let Some(most) = most.filter(|most| points > *most) {
                exported.skip(
                    label,
                    format!("Moodle passes the row over: {rounded} is above the maximum of {most}"),
                );
            }
            let text = match uses_comma {
                true => rounded.replace('.', ","),
                false => rounded,
            };
            sheet.set(row, column, &text)?;
        }
        for student in &class.grades.gradebook.students {
            if !seen.contains(&student.person.id) {
                exported.skip(
                    &student.person.id,
                    "Moodle's file has no row of this person",
                );
            }
        }
        exported.notes.push(
            "Moodle also passes over grades that were changed there more than a minute after this worksheet was downloaded"
                .to_owned(),
        );
        exported.files = vec![(String::new(), sheet.into_bytes())];
        Ok(exported)
    }
}

/// The people that a row matches: by ID number, else by e-mail address, else by name.
fn whose<'a>(
    sheet: &Sheet,
    row: usize,
    keys: [Option<usize>; 3],
    students: &'a [Student],
) -> Vec<&'a Student> {
    let fields: [fn(&Student) -> &str; 3] = [
        |it| &it.person.id,
        |it| &it.person.email,
        |it| &it.person.name,
    ];
    for (key, field) in keys.into_iter().zip(fields) {
        let value = key.map_or("", |it| sheet.get(row, it)).to_lowercase();
        if value.is_empty() {
            continue;
        }
        let found: Vec<_> = students
            .iter()
            .filter(|it| field(it).to_lowercase() == value)
            .collect();
        if !found.is_empty() {
            return found;
        }
    }
    vec![]
}
