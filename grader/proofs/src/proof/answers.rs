//! That the answers stored for the drawn cases of the usual seed are those of the reference: with them, a course that was
//! given out without its solutions judges the same way. [`store`] writes them.

use super::Finding;
use super::lazy::{drawn_tests, try_subject};
use anyhow::{Context, Result, bail};
use grader::course::{Course, Exercise};
use grader::grading::grade::Grader;
use grader::grading::judge::Subject;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use wire::words::{DRAWN_ANSWERS, NOTES};

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let mut finding = Finding::default();
    let mut count = 0;
    for exercise in grader
        .environment
        .exercises
        .iter()
        .filter(|it| it.has_drawn_tests())
    {
        let stored =
            fs::read_to_string(place(&grader.environment.course, exercise)).unwrap_or_default();
        let current = answers(grader, exercise)?;
        let keys = |text: &str| -> BTreeSet<String> {
            let keys = text.lines().filter_map(|line| line.split(' ').next());
            keys.map(str::to_owned).collect()
        };
        let (stored, current) = (keys(&stored), keys(&current));
        count += current.len();
        let differing: Vec<_> = stored
            .symmetric_difference(&current)
            .take(3)
            .cloned()
            .collect();
        if !differing.is_empty() {
            finding.faults.push(format!(
                "{}: the stored answers are to other cases than the tests draw ({}, …): `cargo grader verify --store`",
                exercise.folder,
                differing.join(", ")
            ));
        }
    }
    // That their values are right is shown by the solutions' own tests, which read them.
    finding.showed = format!("{count} answers to drawn cases are stored");
    Ok(finding)
}

/// Makes the file of each exercise's stored answers that is not there yet, since tests do not compile without.
///
/// # Errors
/// Returns an error if one cannot be written.
pub fn begin(course: &Course, exercises: &[Exercise]) -> Result<()> {
    for exercise in exercises.iter().filter(|it| it.has_drawn_tests()) {
        let path = place(course, exercise);
        if !path.exists() {
            fs::write(&path, "")
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
    }
    Ok(())
}

/// Writes the answers of the exercises' drawn tests beside them.
///
/// # Errors
/// Returns an error if the reference fails a drawn test, or a file cannot be written.
pub fn store(grader: &Grader) -> Result<Vec<PathBuf>> {
    let drawn = grader
        .environment
        .exercises
        .iter()
        .filter(|it| it.has_drawn_tests());
    let written = drawn.map(|exercise| {
        let path = place(&grader.environment.course, exercise);
        let says = || format!("{} cannot be written", path.display());
        fs::write(&path, answers(grader, exercise)?).with_context(says)?;
        Ok(path)
    });
    written.collect()
}

/// The answers to an exercise's drawn cases under the usual seed, in the order of their keys, as the reference gives them.
///
/// # Errors
/// Returns an error if the reference cannot be judged, or a drawn test fails on it.
fn answers(grader: &Grader, exercise: &Exercise) -> Result<String> {
    let scratch = grader.environment.scratch.folder()?;
    let table = scratch.path().join("table");
    let notes = scratch.path().join("calls").join(NOTES);
    fs::create_dir(&table)?;
    fs::create_dir_all(&notes)?;
    let stored = notes.join(DRAWN_ANSWERS);
    fs::write(&stored, "")?;
    let drawn = drawn_tests(exercise).collect();
    let reference = Subject::Reference { table: &table };
    let judged = try_subject(grader, exercise, reference, Some(&drawn), scratch.path())?;
    if let Some(failed) = judged.tests.iter().find(|tested| !tested.passed) {
        let message = failed.message.as_deref().unwrap_or_default();
        bail!(
            "{} {} fails on the reference: {message}",
            exercise.folder,
            failed.test
        );
    }
    let text = fs::read_to_string(&stored)?;
    let lines: BTreeSet<_> = text.lines().collect();
    Ok(lines
        .into_iter()
        .fold(String::new(), |text, line| text + line + "\n"))
}

/// The file of an exercise's stored answers.
fn place(course: &Course, exercise: &Exercise) -> PathBuf {
    let folder = course.root.join("exercises").join(&exercise.folder);
    folder.join("tests").join(DRAWN_ANSWERS)
}
