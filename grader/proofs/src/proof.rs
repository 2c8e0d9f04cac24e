//! The proofs of the course: that its parts agree, that its tests tell stubs from solutions, and that the grader gives
//! submissions of every sort the right result.
//!
//! | proof | shows |
//! |---|---|
//! | [`catalogue`] | test files, manifests and judges name the same tests |
//! | [`api`] | a stub and its solution declare and document the same, as the description says |
//! | [`stubs`] | stubs compile without a warning and fail every graded test, and `reset` puts back the same |
//! | [`solutions`] | solutions pass every graded test, whatever the seed |
//! | [`answers`] | the answers stored for drawn cases are those of the reference |
//! | [`domains`] | no table holds the answers of functions of sizes alone |
//! | [`lazy`] | no function earns a point by a table of answers and something cheap behind it |
//! | [`agreement`] | solutions agree with PyTorch on stored cases |
//! | [`variants`] | solutions written otherwise pass, and are accused of nothing |
//! | [`misconceptions`] | each misconception fails, each test notices one, and each is named as itself in disguise |
//! | [`pairs`] | two misconceptions at once are not named as one |
//! | [`submissions`] | small submissions come out as written beside them |
//!
//! They look at the working copy as it is: an exercise that is solved there is reported, since its stub is gone.

pub mod agreement;
pub mod answers;
pub mod api;
pub mod catalogue;
pub mod domains;
pub mod lazy;
pub mod misconceptions;
pub mod pairs;
pub mod solutions;
pub mod stubs;
pub mod submissions;

pub mod variants;

mod disguise;
mod trials;

use anyhow::{Result, anyhow};
use grader::grading::grade::Grader;
use grader::grading::verdict::{Outcome, SubmissionGrade};
use hints::WithHint;

/// The result of a proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// A summary of what was looked at and seen: `42 of 42 graded tests fail`.
    pub showed: String,
    /// The faults, one text each; if there is none, the course is proved.
    pub faults: Vec<String>,
}

/// One proof.
#[derive(Clone, Copy, Debug)]
pub struct Proof {
    /// Its name.
    pub name: &'static str,
    /// False if it is about the grader, whatever the exercises are.
    pub is_of_an_exercise: bool,
    prove: fn(&Grader) -> Result<Finding>,
}

/// All proofs, the quickest first.
pub const ALL: [Proof; 12] = [
    Proof {
        name: "catalogue",
        is_of_an_exercise: true,
        prove: catalogue::prove,
    },
    Proof {
        name: "api",
        is_of_an_exercise: true,
        prove: api::prove,
    },
    Proof {
        name: "stubs",
        is_of_an_exercise: true,
        prove: stubs::prove,
    },
    Proof {
        name: "solutions",
        is_of_an_exercise: true,
        prove: solutions::prove,
    },
    Proof {
        name: "answers",
        is_of_an_exercise: true,
        prove: answers::prove,
    },
    Proof {
        name: "domains",
        is_of_an_exercise: true,
        prove: domains::prove,
    },
    Proof {
        name: "lazy",
        is_of_an_exercise: true,
        prove: lazy::prove,
    },
    Proof {
        name: "agreement",
        is_of_an_exercise: true,
        prove: agreement::prove,
    },
    Proof {
        name: "submissions",
        is_of_an_exercise: false,
        prove: submissions::prove,
    },
    Proof {
        name: "variants",
        is_of_an_exercise: true,
        prove: variants::prove,
    },
    Proof {
        name: "pairs",
        is_of_an_exercise: true,
        prove: pairs::prove,
    },
    Proof {
        name: "misconceptions",
        is_of_an_exercise: true,
        prove: misconceptions::prove,
    },
];

/// The proofs of these names, or all proofs if `names` is empty.
///
/// # Errors
/// Returns an error if no proof has one of the names.
pub fn select(names: &[String]) -> Result<Vec<Proof>> {
    for name in names {
        if ALL.iter().all(|proof| proof.name != name) {
            let known: Vec<_> = ALL.iter().map(|proof| proof.name).collect();
            let hint = format!("the proofs are {}", known.join(", "));
            return Err(anyhow!("there is no proof {name:?}")).hint(hint);
        }
    }
    let wanted = |proof: &Proof| names.is_empty() || names.iter().any(|name| name == proof.name);
    Ok(ALL.into_iter().filter(wanted).collect())
}

impl Proof {
    /// Runs the proof on the course.
    ///
    /// # Errors
    /// Returns an error if the course could not be looked at, or the run was interrupted: that proves nothing either
    /// way.
    pub fn run(&self, grader: &Grader) -> Result<Finding> {
        let mut grader = grader.clone();
        // The code that is tried is the course's own, with one small change after the other.
        grader.environment.is_own_code = self.is_of_an_exercise;
        (self.prove)(&grader)
    }
}

/// The reasons why exercises of a stub or solution were not tested at all.
fn untested(what: &str, graded: &SubmissionGrade) -> Vec<String> {
    let refusal = graded
        .refused
        .iter()
        .map(|why| format!("every {what} is refused: {why}"));
    let outcomes = graded.exercises.iter().filter_map(|exercise| {
        let name = &exercise.exercise;
        match &exercise.outcome {
            Outcome::Tested => None,
            Outcome::Missing => Some(format!("{name} has no {what}")),
            Outcome::DoesNotCompile(words) => {
                Some(format!("the {what} of {name} does not compile: {words}"))
            }
            Outcome::NotAccepted(why) => {
                Some(format!("the {what} of {name} is not accepted: {why}"))
            }
            Outcome::NotGraded(reason) => {
                Some(format!("the {what} of {name} is not graded: {reason}"))
            }
        }
    });
    refusal.chain(outcomes).collect()
}

/// The number of graded tests, those included that did not run.
fn total(graded: &SubmissionGrade) -> usize {
    let kinds = graded.exercises.iter().flat_map(|it| it.kinds.values());
    kinds.map(|tally| tally.total).sum()
}

/// The first line of a text that says something.
fn first_line(text: &str) -> &str {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}
