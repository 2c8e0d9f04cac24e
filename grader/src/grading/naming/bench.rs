//! Compares the recorded answers of a submission with those of the versions of an exercise.

use super::recorded::RecordedCall;
use super::same::{Same, drawn_alike, same};
use super::versions::SOLUTION;
use anyhow::Result;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::{Answer, Dtype, Request, SEED};

/// A request, and its digest as soon as one was made: many versions get the same request.
#[derive(Debug)]
pub struct KeyedRequest<'a> {
    /// The request.
    pub request: &'a Request,
    /// The digest of the request.
    pub digest: &'a OnceCell<[u8; 32]>,
}

/// Answers requests as one of the versions does.
pub trait Replay {
    /// The answer of the version of that name; of several misconceptions at once, where their names are joined by
    /// [`JOINED_BY`](super::versions::JOINED_BY).
    ///
    /// # Errors
    /// Returns an error if there is none.
    fn ask(&mut self, version: &str, keyed: &KeyedRequest<'_>) -> Result<Arc<Answer>>;
}

/// The recorded calls, and the versions that they are put to.
pub(super) struct Bench<'a> {
    calls: &'a [RecordedCall],
    /// The digests of the calls' requests.
    digests: Vec<OnceCell<[u8; 32]>>,
    replay: &'a mut dyn Replay,
    /// The families of operations that the calls belong to: see [`family`].
    families: Vec<&'a str>,
    /// The solution's answers, as far as it was asked.
    solutions: BTreeMap<usize, SolutionAnswer>,
}

/// The solution's answer to a call.
struct SolutionAnswer {
    answer: Arc<Answer>,
    /// True if the submission's is the same.
    given: Same,
}

/// The evidence of a version's answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerEvidence {
    /// The version gives what the submission gave, and the solution something else.
    Mistake,
    /// The version gives what the submission gave, as far as can be told.
    Nothing,
    /// The submission gave another wrong answer.
    OtherMistake,
    /// The submission is right where the version is not.
    Innocence,
}

impl<'a> Bench<'a> {
    pub(super) fn new(calls: &'a [RecordedCall], replay: &'a mut dyn Replay) -> Self {
        let mut families: Vec<_> = calls
            .iter()
            .map(|call| family(&call.request.operation))
            .collect();
        families.sort_unstable();
        families.dedup();
        Self {
            calls,
            digests: vec![OnceCell::new(); calls.len()],
            replay,
            families,
            solutions: BTreeMap::new(),
        }
    }

    pub(super) fn families(&self) -> &[&'a str] {
        &self.families
    }

    pub(super) fn calls(&self) -> impl Iterator<Item = (usize, &'a RecordedCall)> + use<'a> {
        self.calls.iter().enumerate()
    }

    /// The number of a call's family.
    pub(super) fn family_of(&self, call: usize) -> usize {
        let name = family(&self.calls[call].request.operation);
        self.families.partition_point(|family| *family < name)
    }

    /// The agreement of the submission's answer to a call with the solution's.
    pub(super) fn solved(&mut self, call: usize) -> Result<Same> {
        if let Some(solved) = self.solutions.get(&call) {
            return Ok(solved.given);
        }
        let RecordedCall { request, answer } = &self.calls[call];
        let digest = &self.digests[call];
        let mut version = Version::new(SOLUTION, KeyedRequest { request, digest }, self.replay)?;
        let right = Arc::clone(&version.first);
        let given = match answer {
            Some(answer) => version.gives(answer, Some(&right), self.replay)?,
            None => Same::No,
        };
        let answer = right;
        self.solutions
            .insert(call, SolutionAnswer { answer, given });
        Ok(given)
    }

    /// Returns whether the solution gives values in a call that was put to it.
    pub(super) fn is_answered(&self, call: usize) -> bool {
        self.solutions
            .get(&call)
            .is_some_and(|solved| solved.answer.is_ok())
    }

    /// Puts a call to a version.
    pub(super) fn compare(&mut self, name: &str, call: usize) -> Result<AnswerEvidence> {
        let of_solution = self.solved(call)?;
        let RecordedCall { request, answer } = &self.calls[call];
        let right = &self.solutions[&call].answer;
        let Some(answer) = answer else {
            // No version leaves a call unanswered.
            return Ok(AnswerEvidence::OtherMistake);
        };
        let digest = &self.digests[call];
        let mut version = Version::new(name, KeyedRequest { request, digest }, self.replay)?;
        // Most misconceptions change nothing in most calls.
        let given = if *right == version.first {
            of_solution
        } else {
            version.gives(answer, Some(right), self.replay)?
        };
        Ok(match (given, of_solution) {
            (Same::No, Same::Yes) => AnswerEvidence::Innocence,
            (Same::No, _) => AnswerEvidence::OtherMistake,
            (Same::Yes, Same::No) => {
                let mut solution = Version {
                    name: SOLUTION,
                    request,
                    first: Arc::clone(right),
                    second: None,
                };
                match solution.gives(&version.first, Some(right), self.replay)? {
                    Same::No => AnswerEvidence::Mistake,
                    _ => AnswerEvidence::Nothing,
                }
            }
            _ => AnswerEvidence::Nothing,
        })
    }
}

/// The function that an operation belongs to: several operations compute one module's outputs, each in its own way.
/// Making a module counts as a function of its own.
fn family(operation: &str) -> &str {
    match operation.split_once('.') {
        Some((_, "new")) | None => operation,
        Some((family, _)) => family,
    }
}

/// A version's answers to one request.
struct Version<'a> {
    name: &'a str,
    request: &'a Request,
    first: Arc<Answer>,
    /// With another seed; requested only when it is needed.
    second: Option<Arc<Answer>>,
}

impl<'a> Version<'a> {
    fn new(name: &'a str, keyed: KeyedRequest<'a>, replay: &mut dyn Replay) -> Result<Self> {
        Ok(Self {
            name,
            request: keyed.request,
            first: replay.ask(name, &keyed)?,
            second: None,
        })
    }

    /// Returns whether the version gives this answer, where the solution gives `right`; perhaps, where it draws alike, which is no
    /// proof: the distribution may be another one that is much like it.
    fn gives(
        &mut self,
        answer: &Answer,
        right: Option<&Answer>,
        replay: &mut dyn Replay,
    ) -> Result<Same> {
        let same = same(answer, &self.first, right);
        if same != Same::No || answer.is_err() || self.first.is_err() || !draws(self.request) {
            return Ok(same);
        }
        if self.second.is_none() {
            let mut request = self.request.clone();
            let seed = request.arguments.get(SEED);
            let seed: i64 = seed.and_then(|seed| seed.parse().ok()).unwrap_or(0);
            // Far from the seeds of the other calls of a test.
            let other = seed + 1_000_003;
            request.arguments.insert(SEED.to_owned(), other.to_string());
            let keyed = KeyedRequest {
                request: &request,
                digest: &OnceCell::new(),
            };
            self.second = Some(replay.ask(self.name, &keyed)?);
        }
        Ok(match &self.second {
            Some(second) if drawn_alike(answer, [&self.first, second]) => Same::Perhaps,
            _ => Same::No,
        })
    }
}

/// Returns whether an operation gives nothing but numbers that it draws, each for itself, as first values are. What dropout leaves
/// of its input is random too, but not number by number: there, the same seed must give the same.
fn draws(request: &Request) -> bool {
    let mut tensors = request.tensors.values();
    tensors.all(|tensor| tensor.dtype() == Dtype::I64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{RawTensor, Tensors};

    #[test]
    fn operations_of_one_module_are_one_family_and_making_it_is_another() {
        let families = ["msa", "msa.attend", "msa.new", "attention"].map(family);
        assert_eq!(families, ["msa", "msa", "msa.new", "attention"]);
    }

    /// Versions whose answers are ±1, in an order of its own for each seed, times a scale.
    struct Signs;

    impl Replay for Signs {
        fn ask(&mut self, version: &str, keyed: &KeyedRequest<'_>) -> Result<Arc<Answer>> {
            let seed = keyed
                .request
                .arguments
                .get(SEED)
                .map_or(Ok(0), |it| it.parse())?;
            let scale = if version == SOLUTION { 1.0 } else { 3.0 };
            Ok(Arc::new(signs(seed, scale)))
        }
    }

    fn signs(seed: usize, scale: f64) -> Answer {
        let sign = |i: usize| {
            if (i * 7 + seed) % 13 < 6 {
                scale
            } else {
                -scale
            }
        };
        let bytes = (0..1300).flat_map(|i| sign(i).to_le_bytes()).collect();
        let tensor = RawTensor::new(Dtype::F64, vec![1300], bytes).expect("a tensor");
        Ok(Tensors::from([("y".to_owned(), tensor)]))
    }

    #[test]
    fn other_draws_do_not_acquit_where_everything_is_drawn_and_prove_nothing() {
        let given = |tensors: Tensors, answer: &Answer| {
            let request = Request {
                tensors,
                ..Request::default()
            };
            let keyed = KeyedRequest {
                request: &request,
                digest: &OnceCell::new(),
            };
            let mut version = Version::new("a", keyed, &mut Signs).expect("an answer");
            version.gives(answer, None, &mut Signs).expect("an answer")
        };
        let nothing = Tensors::new();
        assert_eq!(given(nothing.clone(), &signs(0, 3.0)), Same::Yes);
        assert_eq!(given(nothing.clone(), &signs(5, 3.0)), Same::Perhaps);
        assert_eq!(given(nothing, &signs(5, 1.0)), Same::No);
        let input = signs(0, 1.0).expect("tensors");
        assert_eq!(given(input.clone(), &signs(0, 3.0)), Same::Yes);
        assert_eq!(given(input, &signs(5, 3.0)), Same::No);
    }
}
