//! Exports of grades to other programs: one trait, and a file for each format.

pub mod canvas;
pub mod csv;
pub mod dodona;
pub mod feedback;
mod finding;
pub mod github;
pub mod gitlab;
pub mod gradescope;
pub mod junit;
pub mod moodle;
pub mod prairielearn;
pub mod sarif;
pub mod sheet;
mod visible;

use crate::folder::Grades;
use crate::policy::Policy;
use crate::store::Store;
use anyhow::Result;
use jiff::Timestamp;

/// A format that grades are written in.
pub trait Export {
    /// Writes the grades.
    ///
    /// # Errors
    /// Returns an error if the format cannot hold them, or the file to fill in is not one of this format.
    fn export(&self, class: &Class<'_>) -> Result<ExportOutput>;
}

/// The data that exports read.
#[derive(Clone, Copy, Debug)]
pub struct Class<'a> {
    /// The grades.
    pub grades: &'a Grades,
    /// The policy.
    pub policy: &'a Policy,
    /// The gradebook, for the tests of each result.
    pub store: &'a Store,
    /// The time that decides what students see: after the due date, or not.
    pub at: Timestamp,
}

/// The output of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportOutput {
    /// Names and contents of files. A format of one file has one, with an empty name.
    pub files: Vec<(String, Vec<u8>)>,
    /// Rows without a grade, or that the platform would skip.
    pub skipped: Vec<SkippedRow>,
    /// Further notes for the instructor.
    pub notes: Vec<String>,
}

/// A row without a grade, or one that the platform would skip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedRow {
    /// The person, or the row as the file names it.
    pub row: String,
    /// The reason.
    pub why: String,
}

impl ExportOutput {
    /// An export of one file.
    fn file(content: Vec<u8>) -> Self {
        Self {
            files: vec![(String::new(), content)],
            ..Self::default()
        }
    }

    /// Adds a file of a person.
    fn add(&mut self, id: &str, ending: &str, content: Vec<u8>) {
        self.files.push((file_name(id, ending), content));
    }

    fn skip(&mut self, row: impl Into<String>, why: impl Into<String>) {
        self.skipped.push(SkippedRow {
            row: row.into(),
            why: why.into(),
        });
    }
}

/// The source of a column: the points of an exercise, or the total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An exercise, by its index in the gradebook.
    Exercise(usize),
    /// The total.
    Total,
}

impl Source {
    /// The source that a name stands for, an exercise or `total`.
    pub fn named(name: &str, class: &Class<'_>) -> Option<Self> {
        if name.eq_ignore_ascii_case("total") {
            return Some(Source::Total);
        }
        class.grades.gradebook.place_of(name).map(Source::Exercise)
    }

    /// The maximum points.
    fn max(self, class: &Class<'_>) -> f64 {
        let columns = &class.grades.gradebook.exercises;
        match self {
            Source::Exercise(place) => columns[place].max_points,
            Source::Total => columns.iter().map(|it| it.weight).sum(),
        }
    }
}

/// The name of a person's file: of the id, letters, digits, `-`, `_`, `@` and `.` stay, but for a leading `.`; all other bytes
/// become `%XX`.
fn file_name(id: &str, ending: &str) -> String {
    let name = percent_encoded(id, "-_.@");
    match name.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}.{ending}"),
        None => format!("{name}.{ending}"),
    }
}

/// A text in which all bytes but letters, digits and the signs `kept`, all of ASCII, are `%XX`.
fn percent_encoded(text: &str, kept: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) {
            encoded.push(byte.into());
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_make_safe_names() {
        assert_eq!(super::file_name("../a b", "xml"), "%2E.%2Fa%20b.xml");
        assert_eq!(super::file_name("s1@x.edu", "json"), "s1@x.edu.json");
    }
}
