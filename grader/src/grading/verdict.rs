//! The grade of a submission: the data that reports are made of, and that `results.json` holds.

use crate::course::Kind;
use crate::limits::Limits;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use wire::words::PLACE;

/// The beginning of the message of a stub.
pub const STUB: &str = "not yet implemented";

/// The beginning of the message of a panic with an error of libtorch.
pub const OF_LIBTORCH: &str = "libtorch: ";

/// One submission's grade.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubmissionGrade {
    /// Its name: the folder's or archive's.
    pub submission: String,
    /// The folder or archive, as it was named on the command line or found.
    pub path: String,
    /// SHA-256 over the files that were taken; empty if the submission was refused.
    pub digest: String,
    /// The layers of the sandbox that were in force.
    pub sandbox: String,
    /// The reason for refusing the whole submission, if it was refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refused: Option<String>,
    /// A remark: that no exercise was found in it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// Remarks for the grader's user on exercises that were not found in it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub remarks: Vec<String>,
    /// Points earned.
    pub points: f64,
    /// Points that can be earned.
    pub max_points: f64,
    /// Its exercises, in the course's order.
    pub exercises: Vec<ExerciseGrade>,
    /// Seconds it took.
    pub seconds: f64,
}

/// One exercise of a submission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExerciseGrade {
    /// The exercise's folder: `03-msa`.
    pub exercise: String,
    /// SHA-256 over its files; empty if it was not handed in or could not be taken.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub digest: String,
    /// The limits on its code.
    pub limits: Limits,
    /// The outcome of the exercise.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Points earned.
    pub points: f64,
    /// Points that can be earned.
    pub max_points: f64,
    /// Tests and points, by kind of test.
    pub kinds: BTreeMap<Kind, Tally>,
    /// Each graded test, in the course's order. Empty unless the tests ran.
    pub tests: Vec<Tested>,
    /// The misconceptions that alone give the same wrong answers, each in some functions.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub misconceptions: Vec<MatchedMisconception>,
    /// Cases in which correct code panics.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub look_at: Vec<String>,
    /// Seconds it took.
    pub seconds: f64,
}

/// A mistake that was recognised by its answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchedMisconception {
    /// The name of its file in the solution's folder `misconceptions`: `no-scale`.
    pub id: String,
    /// The title: the mistake in a few words.
    pub title: String,
    /// The explanation for the student: the mistake, its symptoms and the correct way.
    pub says: String,
    /// The functions in which it gives every answer of the submission: `attention`, or `msa.new` for making an `msa`.
    pub operations: Vec<String>,
}

impl MatchedMisconception {
    /// The functions in which it was recognised, for a heading: "in `attention` and `msa`".
    pub fn place(&self) -> String {
        let names: Vec<_> = self
            .operations
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        match names.as_slice() {
            [] => String::new(),
            [one] => format!(" in {one}"),
            [all @ .., last] => format!(" in {} and {last}", all.join(", ")),
        }
    }
}

/// The outcome of an exercise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "message", rename_all = "kebab-case")]
pub enum Outcome {
    /// Its tests ran.
    Tested,
    /// The submission does not hold it.
    Missing,
    /// It does not compile; the compiler's message.
    DoesNotCompile(String),
    /// It breaks a rule: it holds the word `unsafe`, or names or calls a ready-made form of what the exercise asks to write;
    /// which, and where.
    NotAccepted(String),
    /// The machine, the course or the grader failed, which is no fault of the submission: this is no grade.
    NotGraded(String),
}

impl Outcome {
    /// The reason why its tests did not run, if one is given.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::DoesNotCompile(why) | Self::NotAccepted(why) | Self::NotGraded(why) => Some(why),
            Self::Tested | Self::Missing => None,
        }
    }
}

/// Tests and points of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Tests passed, and counted.
    pub passed: usize,
    /// Tests passed that do not count yet.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub not_counted: usize,
    /// Tests there are.
    pub total: usize,
    /// Points earned.
    pub points: f64,
    /// Points that can be earned.
    pub max_points: f64,
}

/// Returns whether there is nothing to write down.
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// One graded test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// Its name: `shape::two_grey_images`.
    pub test: String,
    /// Its kind.
    pub kind: Kind,
    /// Whether it passed.
    pub passed: bool,
    /// The reason why it earns no points although it passed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub not_counted: Option<String>,
    /// The message of its failure.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// Its requests, for who learns: no part of a grade, and not kept with it.
    #[serde(skip)]
    pub requests: Requests,
}

/// The operations that a test requested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// All of them.
    pub operations: BTreeSet<String>,
    /// The last of them.
    pub last: Option<LastCall>,
}

/// The last call of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastCall {
    /// Its operation.
    pub operation: String,
    /// True if it returned no values: it panicked, or was not answered.
    pub is_fault: bool,
}

impl Tested {
    /// Returns whether it earns its points.
    pub fn counts(&self) -> bool {
        self.passed && self.not_counted.is_none()
    }

    /// The place in the submission where a panic ended it, if that is known, and the message without it.
    pub fn place_and_message(&self) -> (Option<&str>, &str) {
        let message = self.message.as_deref().unwrap_or_default();
        match message.strip_prefix(PLACE) {
            Some(rest) => {
                let (place, words) = rest.split_once('\n').unwrap_or((rest, ""));
                (Some(place), words.trim())
            }
            None => (None, message.trim()),
        }
    }

    /// Returns whether it failed because it met a stub.
    pub fn meets_stub(&self) -> bool {
        !self.passed && self.place_and_message().1.starts_with(STUB)
    }
}

impl SubmissionGrade {
    /// Whether each exercise was graded, well or badly.
    pub fn is_complete(&self) -> bool {
        let graded = |exercise: &ExerciseGrade| !matches!(exercise.outcome, Outcome::NotGraded(_));
        self.exercises.iter().all(graded)
    }

    /// Whether every test of every exercise passed.
    pub fn is_perfect(&self) -> bool {
        let perfect = |exercise: &ExerciseGrade| {
            exercise.outcome == Outcome::Tested && exercise.tests.iter().all(Tested::counts)
        };
        self.refused.is_none() && self.exercises.iter().all(perfect)
    }
}
