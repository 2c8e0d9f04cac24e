//! The last check of an exercise, as the record keeps it.

use crate::course::{Course, Exercise};
use crate::grading::grade::digest_of;
use crate::grading::verdict::{ExerciseGrade, Outcome, Tested};
use crate::machine::files::files_below;
use anyhow::{Context, Result};
use intake::{PartsDigest, Source};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The digests of all that a verdict is about. Where they are the same, so is the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// SHA-256 of the learner's sources.
    pub sources: String,
    /// SHA-256 of the exercise's tests and of their list.
    pub tests: String,
}

/// The last check of an exercise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Its time, in RFC 3339.
    pub at: String,
    /// Seconds it took.
    pub seconds: f64,
    /// The digests of what was checked.
    pub versions: Versions,
    /// Its result.
    pub result: CheckResult,
    /// The result of each test, if they ran.
    #[serde(default)]
    pub tests: BTreeMap<String, TestResult>,
    /// Fields of other versions.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckResult {
    /// The tests ran.
    Tested,
    /// It does not compile.
    DoesNotCompile,
    /// It breaks a rule of the course.
    NotAccepted,
}

/// The result of one test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TestResult {
    /// True if it passed and counts.
    pub passed: bool,
    /// The operations that it requested.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub operations: BTreeSet<String>,
    /// The operation that it requested last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// True if that returned no values: it panicked, or was not answered.
    #[serde(skip_serializing_if = "is_false")]
    pub fault: bool,
    /// True if it met a stub.
    #[serde(skip_serializing_if = "is_false")]
    pub stub: bool,
    /// Fields of other versions.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl TestResult {
    /// The result of a graded test.
    pub fn of(tested: &Tested) -> Self {
        let last = tested.requests.last.as_ref();
        Self {
            passed: tested.counts(),
            operations: tested.requests.operations.clone(),
            last: last.map(|last| last.operation.clone()),
            fault: last.is_some_and(|last| last.is_fault),
            stub: tested.meets_stub(),
            other: Map::new(),
        }
    }
}

impl Versions {
    /// The digests of these sources and of the exercise's tests.
    ///
    /// # Errors
    /// Returns an error if a test cannot be read.
    pub fn of(course: &Course, exercise: &Exercise, sources: &[Source]) -> Result<Self> {
        // By names within the exercise: a folder that is renumbered holds the same tests.
        let folder = course.root.join("exercises").join(&exercise.folder);
        let mut of_tests = PartsDigest::default();
        for path in files_below(&folder.join("tests"))? {
            let content =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let name = path.strip_prefix(&folder).unwrap_or(&path);
            of_tests.add(name.as_os_str().as_encoded_bytes());
            of_tests.add(&content);
        }
        for (_, test) in exercise.tests() {
            of_tests.add(test.as_bytes());
        }
        Ok(Self {
            sources: digest_of(sources),
            tests: of_tests.hex(),
        })
    }
}

impl Checked {
    /// The check that gave this verdict just now; None where the grader failed, which is no verdict, or the sources are
    /// missing.
    pub fn now(versions: Versions, graded: &ExerciseGrade) -> Option<Self> {
        let result = match graded.outcome {
            Outcome::Tested => CheckResult::Tested,
            Outcome::DoesNotCompile(_) => CheckResult::DoesNotCompile,
            Outcome::NotAccepted(_) => CheckResult::NotAccepted,
            Outcome::Missing | Outcome::NotGraded(_) => return None,
        };
        let of_test = |tested: &Tested| (tested.test.clone(), TestResult::of(tested));
        Some(Self {
            at: now(),
            seconds: (graded.seconds * 1000.0).round() / 1000.0,
            versions,
            result,
            tests: graded.tests.iter().map(of_test).collect(),
            other: Map::new(),
        })
    }

    /// The tests that passed, and all.
    pub fn tally(&self) -> (usize, usize) {
        let passed = self.tests.values().filter(|test| test.passed).count();
        (passed, self.tests.len())
    }

    /// Returns whether every test ran and passed.
    pub fn is_perfect(&self) -> bool {
        self.result == CheckResult::Tested && self.tests.values().all(|test| test.passed)
    }
}

/// Returns whether there is nothing to write down.
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The time, in RFC 3339.
pub(super) fn now() -> String {
    let now = OffsetDateTime::now_utc();
    let second = now.replace_nanosecond(0).unwrap_or(now);
    second.format(&Rfc3339).unwrap_or_default()
}
