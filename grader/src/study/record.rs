//! A learner's record: the last check of each exercise, the hints and the solutions that were shown. One readable file in the
//! checkout, `.study/progress.json`, which git ignores.
//!
//! Exercises are kept by the names of their crates, so that a course that renumbers its folders keeps the record. Fields that
//! this version does not know are kept, too. The file is written whole: killed at any moment, it is the old one or the new
//! one; and whoever changes it holds a lock, so that of two changes at once none is lost. A file that cannot be read is never
//! written over.

mod check;

pub use check::{CheckResult, Checked, TestResult, Versions};

use crate::course::Exercise;
use crate::machine::files::{hold_in_turn, write_whole};
use anyhow::{Context, Result, anyhow};
use hints::WithHint;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The folder in the checkout of all that is kept of a learner.
pub const FOLDER: &str = ".study";

/// The file in it.
const FILE: &str = "progress.json";

/// The version of the file's format. A file of a later one is not read.
const FORMAT: u32 = 1;

/// A learner's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The version of the format.
    format: u32,
    /// By crate.
    #[serde(default)]
    exercises: BTreeMap<String, ExerciseRecord>,
    /// Fields of other versions.
    #[serde(flatten)]
    other: Map<String, Value>,
}

/// The record of one exercise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExerciseRecord {
    /// The last check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Checked>,
    /// The time at which all tests passed for the first time, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
    /// The number of hints that were shown, by item.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hints: BTreeMap<String, usize>,
    /// The items whose solution was shown before their tests passed.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub given_up: BTreeSet<String>,
    /// Fields of other versions.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            format: FORMAT,
            exercises: BTreeMap::new(),
            other: Map::new(),
        }
    }
}

impl ExerciseRecord {
    /// The number of hints that were shown, of all items.
    pub fn hints_shown(&self) -> usize {
        self.hints.values().sum()
    }
}

impl Record {
    /// The file of a checkout's record.
    pub fn path(root: &Path) -> PathBuf {
        root.join(FOLDER).join(FILE)
    }

    /// Reads the record of a checkout; an empty one where there is none.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, or is not a record.
    pub fn open(root: &Path) -> Result<Self> {
        let path = Self::path(root);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let hint = format!(
            "repair the file, or delete it: what was checked and which hints were shown is then forgotten, your code stays \
             as it is (rm {})",
            crate::terminal::in_shell([path.as_os_str()])
        );
        let record: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a record of progress", path.display()))
            .hint(hint)?;
        if record.format > FORMAT {
            let format = record.format;
            let error = anyhow!(
                "{} has format {format}, and this grader knows {FORMAT}",
                path.display()
            );
            return Err(error)
                .hint("it was written by a later version of the course: update the checkout");
        }
        Ok(record)
    }

    /// Changes the record of a checkout: reads it, and writes it whole if it is another then. Another process that changes
    /// it is waited for.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or written, or is not a record: it then stays as it is.
    pub fn update<T>(root: &Path, change: impl FnOnce(&mut Self) -> T) -> Result<T> {
        let folder = root.join(FOLDER);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let _turn = hold_in_turn(&folder)?;
        // A course of somebody else's may not ignore it.
        let ignore = folder.join(".gitignore");
        if !ignore.exists() {
            write_whole(&ignore, "*\n")?;
        }
        let before = Self::open(root)?;
        let mut record = before.clone();
        let result = change(&mut record);
        if record != before {
            let mut text =
                serde_json::to_string_pretty(&record).context("cannot write the record")?;
            text.push('\n');
            write_whole(&Self::path(root), text)?;
        }
        Ok(result)
    }

    /// The record of an exercise; None where nothing is known of it.
    pub fn of(&self, exercise: &Exercise) -> Option<&ExerciseRecord> {
        self.exercises.get(&exercise.name)
    }

    /// Keeps a check, and the time of the first at which all tests passed.
    pub fn keep(&mut self, exercise: &Exercise, check: Checked) {
        let record = self.of_mut(exercise);
        if check.is_perfect() {
            record.done.get_or_insert_with(|| check.at.clone());
        }
        record.check = Some(check);
    }

    /// The record of an exercise, to be changed.
    pub fn of_mut(&mut self, exercise: &Exercise) -> &mut ExerciseRecord {
        self.exercises.entry(exercise.name.clone()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::Course;
    use hints::hints;
    use std::thread;

    fn exercise() -> Exercise {
        let course = Course::open(concat!(env!("CARGO_MANIFEST_DIR"), "/..").as_ref());
        course.expect("the course").exercises.remove(0)
    }

    fn show_hint(root: &Path) -> Result<()> {
        Record::update(root, |record| {
            let hints = &mut record.of_mut(&exercise()).hints;
            *hints.entry("f".to_owned()).or_default() += 1;
        })
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_is_ignored_by_git() -> Result<()> {
        let root = tempfile::tempdir()?;
        assert_eq!(Record::open(root.path())?, Record::default());
        let exercise = exercise();
        let versions = Versions {
            sources: "a".to_owned(),
            tests: "b".to_owned(),
        };
        let tests = BTreeMap::from([("shape::f".to_owned(), TestResult::default())]);
        let check = Checked {
            at: check::now(),
            seconds: 1.5,
            versions,
            result: CheckResult::Tested,
            tests,
            other: Map::new(),
        };
        let written = Record::update(root.path(), |record| {
            record.keep(&exercise, check.clone());
            record.of_mut(&exercise).given_up.insert("T::f".to_owned());
            record.clone()
        })?;
        assert_eq!(Record::open(root.path())?, written);
        assert_eq!(
            written.of(&exercise).and_then(|it| it.check.as_ref()),
            Some(&check)
        );
        assert_eq!(written.of(&exercise).and_then(|it| it.done.as_ref()), None);
        let ignored = fs::read_to_string(root.path().join(FOLDER).join(".gitignore"))?;
        assert_eq!(ignored, "*\n");
        Ok(())
    }

    #[test]
    fn fields_of_other_versions_are_kept_at_every_level() -> Result<()> {
        let root = tempfile::tempdir()?;
        let name = exercise().name;
        let text = format!(
            r#"{{"format": 1, "x": [1], "exercises": {{"gone": {{"y": 2}}, "{name}": {{"z": {{"w": 3}}, "check":
                {{"at": "2026-01-01T00:00:00Z", "seconds": 1, "versions": {{"sources": "a", "tests": "b"}}, "result": "tested",
                "v": 4, "tests": {{"shape::f": {{"passed": true, "u": 5}}}}}}}}}}}}"#
        );
        fs::create_dir_all(root.path().join(FOLDER))?;
        fs::write(Record::path(root.path()), text)?;
        show_hint(root.path())?;
        let text = fs::read_to_string(Record::path(root.path()))?;
        let value: Value = serde_json::from_str(&text)?;
        let of = &value["exercises"][&name];
        assert_eq!(of["hints"]["f"], 1, "{text}");
        let kept = [
            &value["x"][0],
            &value["exercises"]["gone"]["y"],
            &of["z"]["w"],
            &of["check"]["v"],
            &of["check"]["tests"]["shape::f"]["u"],
        ];
        assert_eq!(kept, [1, 2, 3, 4, 5].map(Value::from).each_ref(), "{text}");
        Ok(())
    }

    #[test]
    fn a_damaged_file_is_named_with_what_to_do_and_stays_as_it_is() -> Result<()> {
        let root = tempfile::tempdir()?;
        fs::create_dir_all(root.path().join(FOLDER))?;
        let path = Record::path(root.path());
        for damaged in [
            "",
            "{",
            "[]",
            "{\"exercises\": 3}",
            "\u{0}\u{1}",
            "{\"format\": 99}",
        ] {
            fs::write(&path, damaged)?;
            for error in [
                Record::open(root.path()).err(),
                show_hint(root.path()).err(),
            ] {
                let error = error.with_context(|| format!("{damaged:?} was read"))?;
                let words = error.to_string();
                assert!(words.contains(&path.display().to_string()), "{words}");
                assert!(!hints(&error).is_empty(), "{words}");
            }
            assert_eq!(fs::read_to_string(&path)?, damaged);
        }
        fs::write(&path, b"{\"format\": 1, \"\xff\": 1}")?;
        assert!(Record::open(root.path()).is_err());
        fs::remove_file(&path)?;
        fs::create_dir(&path)?;
        let error = Record::open(root.path()).expect_err("a folder");
        assert!(error.to_string().starts_with("cannot read"), "{error}");
        Ok(())
    }

    #[test]
    fn of_changes_at_once_none_is_lost() -> Result<()> {
        let root = tempfile::tempdir()?;
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10).try_for_each(|_| show_hint(root.path())));
            }
        });
        let record = Record::open(root.path())?;
        let shown = record.of(&exercise()).map(ExerciseRecord::hints_shown);
        assert_eq!(shown, Some(40));
        Ok(())
    }

    #[test]
    fn a_change_of_nothing_writes_nothing() -> Result<()> {
        let root = tempfile::tempdir()?;
        Record::update(root.path(), |_| ())?;
        assert!(!Record::path(root.path()).exists());
        Ok(())
    }
}
