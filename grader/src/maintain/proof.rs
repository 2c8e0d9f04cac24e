//! The proofs of the course: that its parts agree, that its tests tell stubs from solutions, and that the grader
//! comes to the right end with submissions of every sort.
//!
//! | proof | shows |
//! |---|---|
//! | [`catalogue`] | test files, manifests and judges name the same tests |
//! | [`api`] | a stub and its solution declare and document the same, as the description says |
//! | [`stubs`] | stubs compile without a warning and fail every graded test |
//! | [`solutions`] | solutions pass every graded test, whatever the seed |
//! | [`answers`] | the answers stored for drawn cases are those of the reference |
//! | [`lazy`] | no function earns a point by a table of answers and something cheap behind it |
//! | [`agreement`] | solutions agree with PyTorch on stored cases |
//! | [`variants`] | solutions written otherwise pass, and are accused of nothing |
//! | [`misconceptions`] | each misconception fails, each test notices one, and each is named as itself in disguise |
//! | [`pairs`] | two misconceptions at once are not named as one |
//! | [`submissions`] | small submissions come out as written beside them |
//!
//! They look at the working copy as it lies there: whoever has solved an exercise in it is told that its stub is gone.

pub mod agreement;
pub mod answers;
pub mod api;
pub mod catalogue;
pub mod lazy;
pub mod misconceptions;
pub mod pairs;
pub mod solutions;
pub mod stubs;
pub mod submissions;

pub mod variants;

mod disguise;
mod trials;

use crate::grading::grade::Grader;
use crate::grading::verdict::{Graded, Outcome};
use crate::hint::WithHint;
use anyhow::{Result, anyhow};

/// What a proof came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// How much it looked at, and what it saw: `42 of 42 graded tests fail`.
    pub showed: String,
    /// What is wrong, one text each; none is the proof.
    pub faults: Vec<String>,
}

/// One proof.
#[derive(Clone, Copy, Debug)]
pub struct Proof {
    /// Its name.
    pub name: &'static str,
    prove: fn(&Grader) -> Result<Finding>,
}

/// All proofs, the quickest first.
pub const ALL: [Proof; 11] = [
    Proof {
        name: "catalogue",
        prove: catalogue::prove,
    },
    Proof {
        name: "api",
        prove: api::prove,
    },
    Proof {
        name: "stubs",
        prove: stubs::prove,
    },
    Proof {
        name: "solutions",
        prove: solutions::prove,
    },
    Proof {
        name: "answers",
        prove: answers::prove,
    },
    Proof {
        name: "lazy",
        prove: lazy::prove,
    },
    Proof {
        name: "agreement",
        prove: agreement::prove,
    },
    Proof {
        name: "submissions",
        prove: submissions::prove,
    },
    Proof {
        name: "variants",
        prove: variants::prove,
    },
    Proof {
        name: "pairs",
        prove: pairs::prove,
    },
    Proof {
        name: "misconceptions",
        prove: misconceptions::prove,
    },
];

/// The proofs of these names; all where none is named.
///
/// # Errors
/// Where there is none of a name.
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
    /// Looks at the course.
    ///
    /// # Errors
    /// Where it could not be looked at, or somebody stopped it: that proves nothing either way.
    pub fn run(&self, grader: &Grader) -> Result<Finding> {
        (self.prove)(grader)
    }
}

/// Why exercises of a stub or solution were not tested at all.
fn untested(what: &str, graded: &Graded) -> Vec<String> {
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

/// How many graded tests there are, those included that did not run.
fn total(graded: &Graded) -> usize {
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
