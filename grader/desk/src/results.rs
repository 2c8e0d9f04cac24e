//! The results of a batch, as `grade --out` writes them: `results.json` and `submissions/NAME.json`.

use crate::failure::{Blame, Failure};
use anyhow::{Context, Result, anyhow, bail, ensure};
use hints::WithHint;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::path::Path;

/// The supported version of `results.json`.
const SCHEMA: u64 = 3;

/// The tolerance for sums of points, relative to 1 + |sum|: points may have been added in another order.
const ROUNDING: f64 = 1e-9;

/// All results of a batch.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Results {
    /// The conditions of grading.
    #[serde(flatten)]
    pub terms: Terms,
    /// The submissions.
    pub submissions: Vec<Submission>,
}

/// The conditions of grading: all that results depend on except the submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The grader's version.
    pub grader: String,
    /// The course's title.
    pub title: String,
    /// SHA-256 of the course.
    pub course: String,
    /// The exercises that were graded.
    pub exercises: Vec<String>,
    /// SHA-256 of the class's seed.
    pub seed: String,
    /// The data set that models were trained on: `none`, `digits` or `mnist`.
    pub train: String,
    /// The layers of the sandbox.
    pub sandbox: String,
    /// The limits set on the command line.
    #[serde(default)]
    pub limits: BTreeMap<String, serde_json::Value>,
}

/// The result of a submission.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Submission {
    /// Its name.
    pub submission: String,
    /// SHA-256 of its files; empty if it was refused.
    pub digest: String,
    /// The reason why it was refused.
    pub refused: Option<String>,
    /// The note that no exercise was found in it.
    pub note: Option<String>,
    /// Its exercises.
    pub exercises: Vec<Graded>,
}

/// The result of an exercise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Graded {
    /// Its folder.
    pub exercise: String,
    /// SHA-256 of its files.
    #[serde(default, skip_serializing)]
    pub digest: String,
    /// The outcome.
    pub outcome: Outcome,
    /// The reason, where its tests did not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Points earned.
    pub points: f64,
    /// Points that can be earned.
    pub max_points: f64,
    /// Tests and points by kind of test.
    pub kinds: BTreeMap<String, Tally>,
    /// Each test.
    pub tests: Vec<Test>,
    /// The misconceptions that were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misconceptions: Vec<Misconception>,
}

/// The outcome of an exercise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Its tests ran.
    Tested,
    /// It was not handed in.
    Missing,
    /// It does not compile.
    DoesNotCompile,
    /// It breaks a rule.
    NotAccepted,
    /// The machine, the course or the grader failed: this is not a grade.
    NotGraded,
}

impl Outcome {
    /// Its name in `results.json`.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Tested => "tested",
            Outcome::Missing => "missing",
            Outcome::DoesNotCompile => "does-not-compile",
            Outcome::NotAccepted => "not-accepted",
            Outcome::NotGraded => "not-graded",
        }
    }

    /// The outcome of a name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Outcome::Tested,
            Outcome::Missing,
            Outcome::DoesNotCompile,
            Outcome::NotAccepted,
            Outcome::NotGraded,
        ];
        all.into_iter().find(|it| it.name() == name)
    }
}

/// Tests and points of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// The number of tests that passed and count.
    pub passed: usize,
    /// The number of tests.
    pub total: usize,
    /// Points earned.
    pub points: f64,
    /// Points that can be earned.
    pub max_points: f64,
}

/// The result of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// Its name.
    pub test: String,
    /// Its kind.
    pub kind: String,
    /// True if it passed.
    pub passed: bool,
    /// The message of its failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The reason why it earns nothing although it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_counted: Option<String>,
}

impl Test {
    /// Returns whether it earns points.
    pub fn counts(&self) -> bool {
        self.passed && self.not_counted.is_none()
    }
}

/// A misconception that was named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misconception {
    /// Its name.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The explanation for the student.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub says: String,
    /// The functions that have it.
    pub operations: Vec<String>,
}

/// A file in `submissions`.
#[derive(Deserialize)]
struct Entry {
    terms: Terms,
    graded: Submission,
}

/// A batch that was read from its folder.
#[derive(Debug)]
pub struct Batch {
    /// Its results.
    pub results: Results,
    /// Names of finished results that `results.json` does not list.
    pub unlisted: Vec<String>,
}

impl Batch {
    /// Reads what `grade --out DIR` wrote, and compares `results.json` with the file of each submission.
    ///
    /// # Errors
    /// Returns an error if the batch is not finished, a file cannot be read, is of another version, is not consistent, or was
    /// edited.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let read = || Self::read_files(folder);
        read()
            .with_context(|| format!("cannot import {}", folder.display()))
            .blame_arguments()
    }

    fn read_files(folder: &Path) -> Result<Self> {
        let again = "run the same `cargo grader grade … --out` command again: what is finished takes no time";
        let path = folder.join("results.json");
        ensure!(folder.is_dir(), "it is not a folder");
        // Held until all is read, so that no grader replaces files meanwhile.
        let _lock = not_being_written(folder)?;
        let unfinished = || -> Result<()> {
            ensure!(
                !folder.join("submissions").is_dir() || path.is_file(),
                "the batch is not through: there is no results.json"
            );
            Ok(())
        };
        unfinished().hint(again)?;
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))
            .hint("name the folder that was given to `cargo grader grade … --out`")?;
        let results = parse(&text).with_context(|| path.display().to_string())?;
        drop(text);

        let mut listed = BTreeSet::new();
        for submission in &results.submissions {
            let name = &submission.submission;
            let is_name =
                !name.is_empty() && !name.contains(['/', '\0']) && name != ".." && name != ".";
            ensure!(is_name, "`{name}` is not the name of a submission");
            ensure!(
                listed.insert(name.clone()),
                "results.json lists {name} twice"
            );
            let path = folder.join("submissions").join(format!("{name}.json"));
            let entry = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))
                .hint(again)?;
            let entry: Entry = serde_json::from_str(&entry)
                .with_context(|| format!("{} is not a result", path.display()))
                .hint(again)?;
            let same = || -> Result<()> {
                ensure!(
                    entry.graded == *submission && entry.terms == results.terms,
                    "results.json and submissions/{name}.json differ: one of them was edited, or a later batch was not finished"
                );
                Ok(())
            };
            same().hint(again)?;
            submission
                .verify()
                .with_context(|| format!("submissions/{name}.json was edited"))
                .hint("delete it and grade again")?;
        }
        let mut unlisted = vec![];
        let entries = fs::read_dir(folder.join("submissions"))
            .into_iter()
            .flatten();
        for entry in entries {
            let file = entry?.file_name();
            let file = file.to_string_lossy();
            if let Some(name) = file.strip_suffix(".json")
                && !listed.contains(name)
            {
                unlisted.push(name.to_owned());
            }
        }
        unlisted.sort();
        Ok(Self { results, unlisted })
    }
}

/// Parses `results.json`.
fn parse(text: &str) -> Result<Results> {
    #[derive(Deserialize)]
    struct Version {
        schema: Option<u64>,
    }
    let version: Version = serde_json::from_str(text).context("it is not JSON of results")?;
    match version.schema {
        Some(SCHEMA) => {}
        Some(other) => {
            return Err(anyhow!(
                "it has version {other} of results, and version {SCHEMA} is read"
            ))
            .hint("grade and import with the same checkout of the course");
        }
        None => bail!("it has no version (`schema`)"),
    }
    Ok(serde_json::from_str(text)?)
}

/// Takes the lock that a grader holds while it writes to the folder. A folder that cannot be written, on a read-only disk
/// say, has no grader.
fn not_being_written(folder: &Path) -> Result<Option<File>> {
    let Ok(lock) = File::open(folder.join(".lock")) else {
        return Ok(None);
    };
    match lock.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            bail!("a grader is writing to it: wait until it is through")
        }
        Err(TryLockError::Error(_)) | Ok(()) => Ok(Some(lock)),
    }
}

impl Submission {
    /// Checks that points are the sums that grading makes.
    ///
    /// # Errors
    /// Returns an error that names what does not add up.
    fn verify(&self) -> Result<()> {
        let mut seen = BTreeSet::new();
        for graded in &self.exercises {
            ensure!(
                seen.insert(&graded.exercise),
                "{} stands twice",
                graded.exercise
            );
            graded.verify().with_context(|| graded.exercise.clone())?;
        }
        Ok(())
    }
}

impl Graded {
    /// The result as it is stored, without what differs from run to run.
    ///
    /// # Errors
    /// Returns an error if it cannot be written as JSON.
    pub fn stored(&self) -> Result<StoredResult> {
        let tests: Vec<_> = self.tests.iter().map(|it| (&it.kind, &it.test)).collect();
        let suite = serde_json::to_string(&tests)?;
        let marks = self
            .tests
            .iter()
            .map(|it| match (it.passed, &it.not_counted) {
                (false, _) => FAILED,
                (true, None) => PASSED,
                (true, Some(_)) => NOT_COUNTED,
            });
        let detail = serde_json::to_string(&Detail {
            exercise: self.exercise.clone(),
            outcome: self.outcome,
            points: self.points,
            max_points: self.max_points,
            kinds: self.kinds.clone(),
            marks: marks.collect(),
            misconceptions: self.misconceptions.clone(),
        })?;
        let of_test = |it: &Test| match it.passed {
            true => it.not_counted.clone(),
            false => it.message.clone(),
        };
        let messages = (0..).zip(&self.tests);
        let messages = messages.filter_map(|(place, it)| Some((place, of_test(it)?)));
        let messages = serde_json::to_string(&Messages {
            of_all: self.message.clone(),
            of_tests: messages.collect(),
        })?;
        Ok(StoredResult {
            suite_digest: digest(&[&suite]),
            suite,
            detail,
            messages,
        })
    }

    /// The result that is stored; without messages if there are none.
    ///
    /// # Errors
    /// Returns an error if it is not one.
    pub fn read(suite: &Suite, detail: &str, messages: Option<&str>) -> Result<Self> {
        let detail: Detail = serde_json::from_str(detail)?;
        let messages: Messages = messages
            .map(serde_json::from_str)
            .transpose()?
            .unwrap_or_default();
        let mut of_tests: BTreeMap<usize, String> = messages.of_tests.into_iter().collect();
        ensure!(
            detail.marks.chars().count() == suite.0.len(),
            "it has results of {} tests and not of {}",
            detail.marks.chars().count(),
            suite.0.len()
        );
        let marked = suite.0.iter().zip(detail.marks.chars()).enumerate();
        let tests = marked.map(|(place, ((kind, test), mark))| {
            let message = of_tests.remove(&place);
            let is_counted = mark != NOT_COUNTED;
            Test {
                test: test.clone(),
                kind: kind.clone(),
                passed: mark != FAILED,
                message: message.clone().filter(|_| mark == FAILED),
                not_counted: (!is_counted).then(|| message.unwrap_or_default()),
            }
        });
        Ok(Self {
            exercise: detail.exercise,
            digest: String::new(),
            outcome: detail.outcome,
            message: messages.of_all,
            points: detail.points,
            max_points: detail.max_points,
            kinds: detail.kinds,
            tests: tests.collect(),
            misconceptions: detail.misconceptions,
        })
    }

    /// Checks that points follow from tests: those of a kind are shared evenly by its tests, and those of the exercise are
    /// the sum over the kinds.
    ///
    /// # Errors
    /// Returns an error that names what does not add up.
    pub fn verify(&self) -> Result<()> {
        let tests = self.tests.iter().map(|it| (it.kind.as_str(), it.counts()));
        verify(
            self.points,
            self.max_points,
            &self.kinds,
            &tests.collect::<Vec<_>>(),
        )
    }
}

/// As [`Graded::verify`], for points, maximum points, kinds, and for each test its kind and whether it counts.
fn verify(
    points: f64,
    max_points: f64,
    kinds: &BTreeMap<String, Tally>,
    tests: &[(&str, bool)],
) -> Result<()> {
    let is_points = |points: f64| points.is_finite() && points >= 0.0;
    ensure!(
        is_points(points) && is_points(max_points),
        "points are below 0 or not numbers"
    );
    let near = |a: f64, b: f64| (a - b).abs() <= ROUNDING * (1.0 + a.abs());
    let (mut sum, mut most) = (0.0, 0.0);
    for (kind, tally) in kinds {
        sum += tally.points;
        most += tally.max_points;
        let (passed, total) = (tally.passed as f64, tally.total.max(1) as f64);
        ensure!(
            near(tally.points, tally.max_points * passed / total),
            "{} of {} tests of kind {kind} do not earn {} of {} points",
            tally.passed,
            tally.total,
            tally.points,
            tally.max_points
        );
        if tests.is_empty() {
            continue;
        }
        let of_kind = tests.iter().filter(|it| it.0 == kind);
        let (mut found, mut passed) = (0, 0);
        for (_, counts) in of_kind {
            found += 1;
            passed += usize::from(*counts);
        }
        // Tests that are not run in every batch, such as long training, may be missing.
        ensure!(
            passed == tally.passed && found <= tally.total,
            "{passed} of {found} tests of kind {kind} passed and not {} of {}",
            tally.passed,
            tally.total
        );
    }
    ensure!(
        near(points, sum),
        "the points of its kinds are {sum} and not {points}"
    );
    ensure!(
        kinds.is_empty() || near(max_points, most),
        "the points that its kinds can earn are {most} and not {max_points}"
    );
    Ok(())
}

/// Checks what is stored of a result: that it is of this exercise, outcome and points, and that these follow from its tests.
///
/// # Errors
/// Returns an error if they disagree, naming the values.
pub fn verify_stored(
    suite: &Suite,
    detail: &str,
    (exercise, outcome): (&str, &str),
    (points, max_points): (f64, f64),
) -> Result<()> {
    let detail: Detail = serde_json::from_str(detail).context("it cannot be read")?;
    ensure!(
        (detail.exercise.as_str(), detail.outcome.name()) == (exercise, outcome)
            && (detail.points, detail.max_points) == (points, max_points),
        "its points are not those that were imported"
    );
    ensure!(
        detail.marks.len() == suite.0.len(),
        "it has results of {} tests and not of {}",
        detail.marks.len(),
        suite.0.len()
    );
    let marked = suite.0.iter().zip(detail.marks.chars());
    let tests = marked.map(|((kind, _), mark)| (kind.as_str(), mark == PASSED));
    verify(
        points,
        max_points,
        &detail.kinds,
        &tests.collect::<Vec<_>>(),
    )
}

/// A result as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResult {
    /// The tests, as JSON.
    pub suite: String,
    /// SHA-256 of it.
    pub suite_digest: String,
    /// Points by kind, and a sign for each test, as JSON.
    pub detail: String,
    /// Messages, as JSON.
    pub messages: String,
}

impl StoredResult {
    /// SHA-256 of all of it.
    pub fn digest(&self) -> String {
        digest(&[&self.suite_digest, &self.detail, &self.messages])
    }
}

/// The tests of an exercise: kind and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Suite(Vec<(String, String)>);

/// Signs of tests.
const PASSED: char = '1';
const FAILED: char = '0';
const NOT_COUNTED: char = 'n';

#[derive(Serialize, Deserialize)]
struct Detail {
    exercise: String,
    outcome: Outcome,
    points: f64,
    max_points: f64,
    kinds: BTreeMap<String, Tally>,
    marks: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    misconceptions: Vec<Misconception>,
}

#[derive(Default, Serialize, Deserialize)]
struct Messages {
    #[serde(skip_serializing_if = "Option::is_none")]
    of_all: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    of_tests: Vec<(usize, String)>,
}

/// SHA-256 of some lines, in hexadecimal digits.
pub fn digest(lines: &[&str]) -> String {
    let mut hash = Sha256::new();
    for line in lines {
        hash.update(line);
        hash.update(b"\n");
    }
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again() -> Result<()> {
        let test = |name: &str, passed, message: Option<&str>, not_counted: Option<&str>| Test {
            test: name.to_owned(),
            kind: "shape".to_owned(),
            passed,
            message: message.map(str::to_owned),
            not_counted: not_counted.map(str::to_owned),
        };
        let tally = Tally {
            passed: 1,
            total: 3,
            points: 2.0 / 3.0,
            max_points: 2.0,
        };
        let graded = Graded {
            exercise: "03-msa".to_owned(),
            digest: String::new(),
            outcome: Outcome::Tested,
            message: None,
            points: 2.0 / 3.0,
            max_points: 2.0,
            kinds: [("shape".to_owned(), tally)].into(),
            tests: vec![
                test("a", true, None, None),
                test("b", false, Some("expected 1, actual 2"), None),
                test("c", true, None, Some("not implemented")),
            ],
            misconceptions: vec![],
        };
        let stored = graded.stored()?;
        let suite: Suite = serde_json::from_str(&stored.suite)?;
        assert_eq!(
            Graded::read(&suite, &stored.detail, Some(&stored.messages))?,
            graded
        );
        assert!(Graded::read(&Suite::default(), &stored.detail, None).is_err());
        graded.verify()?;
        // Output of `printf 'a\nb\n' | sha256sum`.
        let expected = "911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2";
        assert_eq!(digest(&["a", "b"]), expected);
        Ok(())
    }
}
