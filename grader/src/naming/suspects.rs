//! Which misconceptions answer a submission's calls as it did.

use super::Misconception;
use super::recorded::Recorded;
use super::same::{Same, drawn_alike, same};
use super::versions::SOLUTION;
use crate::ask::Respondent;
use anyhow::{Result, bail};
use std::time::{Duration, Instant};
use wire::{Answer, Dtype, Request, SEED};

/// What all calls together may take: far more than they do, even where a machine is busy with other things.
const LIMIT: Duration = Duration::from_secs(120);

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// No misconception answers as the submission did.
    None,
    /// This one does, and no other.
    One(Misconception),
    /// These do, and cannot be told apart.
    Several(Vec<Misconception>),
}

/// Answers requests as one of the versions does.
pub trait Replay {
    /// The answer of the version of that name.
    ///
    /// # Errors
    /// Where there is none.
    fn ask(&mut self, version: &str, request: &Request) -> Result<Answer>;
}

/// Finds the misconceptions that answer all calls as the submission did, at least one of them wrongly.
///
/// # Errors
/// Where a version does not answer.
pub fn find(
    misconceptions: &[Misconception],
    calls: &[Recorded],
    respondent: Respondent<'_>,
) -> Result<Suspicion> {
    let deadline = Instant::now() + LIMIT;
    search(
        misconceptions,
        calls,
        &mut Worker {
            respondent,
            deadline,
        },
    )
}

/// One that has answered as the submission did up to now.
struct Suspect<'a> {
    misconception: &'a Misconception,
    /// Whether they gave the same answer to a call that the solution answers otherwise.
    is_caught: bool,
}

fn search(
    misconceptions: &[Misconception],
    calls: &[Recorded],
    replay: &mut dyn Replay,
) -> Result<Suspicion> {
    let mut suspects: Vec<_> = misconceptions
        .iter()
        .map(|misconception| Suspect {
            misconception,
            is_caught: false,
        })
        .collect();
    for Recorded { request, answer } in calls {
        if suspects.is_empty() {
            break;
        }
        // The solution is asked where its answer makes a difference.
        let is_open = suspects.iter().any(|suspect| !suspect.is_caught);
        let mut solution = (is_open || answer.is_err())
            .then(|| Version::new(SOLUTION, request, replay))
            .transpose()?;
        let right = solution.as_ref().map(|solution| solution.first.clone());
        let right = right.as_ref();
        let of_solution = match &mut solution {
            Some(solution) => Some(solution.gives(answer, right, replay)?),
            None => None,
        };
        let mut left = vec![];
        for mut suspect in suspects {
            let mut version = Version::new(&suspect.misconception.id, request, replay)?;
            let given = match of_solution {
                // Most misconceptions change nothing in most calls.
                Some(given) if right == Some(&version.first) => given,
                _ => version.gives(answer, right, replay)?,
            };
            if given == Same::No {
                continue;
            }
            if let Some(solution) = &mut solution
                && of_solution == Some(Same::No)
                && given == Same::Yes
            {
                suspect.is_caught |= solution.gives(&version.first, right, replay)? == Same::No;
            }
            left.push(suspect);
        }
        suspects = left;
    }
    let caught = suspects.into_iter().filter(|suspect| suspect.is_caught);
    let mut caught: Vec<_> = caught.map(|it| it.misconception.clone()).collect();
    Ok(match (caught.pop(), caught.is_empty()) {
        (None, _) => Suspicion::None,
        (Some(one), true) => Suspicion::One(one),
        (Some(last), false) => {
            caught.push(last);
            Suspicion::Several(caught)
        }
    })
}

/// A version's answers to one request.
struct Version<'a> {
    name: &'a str,
    request: &'a Request,
    first: Answer,
    /// With another seed; asked for where it is needed.
    second: Option<Answer>,
}

impl<'a> Version<'a> {
    fn new(name: &'a str, request: &'a Request, replay: &mut dyn Replay) -> Result<Self> {
        Ok(Self {
            name,
            request,
            first: replay.ask(name, request)?,
            second: None,
        })
    }

    /// Whether the version gives this answer, where the solution gives `right`; perhaps, where it draws alike, which is no
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
            self.second = Some(replay.ask(self.name, &request)?);
        }
        Ok(match &self.second {
            Some(second) if drawn_alike(answer, [&self.first, second]) => Same::Perhaps,
            _ => Same::No,
        })
    }
}

/// Whether an operation gives nothing but numbers that it draws, each for itself, as first values are. What dropout leaves
/// of its input is random too, but not number by number: there, the same seed must give the same.
fn draws(request: &Request) -> bool {
    let mut tensors = request.tensors.values();
    tensors.all(|tensor| tensor.dtype() == Dtype::I64)
}

/// The worker that holds all versions.
struct Worker<'a> {
    respondent: Respondent<'a>,
    deadline: Instant,
}

impl Replay for Worker<'_> {
    fn ask(&mut self, version: &str, request: &Request) -> Result<Answer> {
        let mut request = request.clone();
        request.operation = format!("{version}/{}", request.operation);
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            bail!("its {} s were over", LIMIT.as_secs());
        }
        self.respondent.ask_within(request, left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use wire::{Fault, FaultKind, RawTensor, Tensors};

    /// Answers of each version to the requests 0, 1, ….
    type Answers = BTreeMap<&'static str, Vec<Answer>>;

    struct Versions(Answers);

    impl Replay for Versions {
        fn ask(&mut self, version: &str, request: &Request) -> Result<Answer> {
            let number: usize = request.operation.parse()?;
            Ok(self.0[version][number].clone())
        }
    }

    fn number(value: i64) -> Answer {
        let bytes = value.to_le_bytes().to_vec();
        let tensor = RawTensor::new(Dtype::I64, vec![], bytes).expect("a tensor");
        Ok(Tensors::from([("y".to_owned(), tensor)]))
    }

    fn panic(text: &str) -> Answer {
        Err(Fault {
            kind: FaultKind::Panicked,
            ..Fault::bad_request(text)
        })
    }

    /// The names of those that are suspected of these answers.
    fn suspected(answers: &[Answer], versions: &[(&'static str, Vec<Answer>)]) -> Vec<String> {
        let calls = answers.iter().enumerate().map(|(number, answer)| Recorded {
            request: Request {
                operation: number.to_string(),
                ..Request::default()
            },
            answer: answer.clone(),
        });
        let names = versions.iter().map(|(name, _)| *name);
        let misconceptions: Vec<_> = names
            .filter(|name| *name != SOLUTION)
            .map(|name| Misconception {
                id: name.to_owned(),
                title: String::new(),
                says: String::new(),
                diff: String::new(),
                source: String::new(),
            })
            .collect();
        let mut versions = Versions(versions.iter().cloned().collect());
        let calls: Vec<_> = calls.collect();
        let found = search(&misconceptions, &calls, &mut versions).expect("answers");
        let found = match found {
            Suspicion::None => vec![],
            Suspicion::One(one) => vec![one],
            Suspicion::Several(several) => several,
        };
        found.into_iter().map(|it| it.id).collect()
    }

    #[test]
    fn the_one_that_gives_every_answer_is_suspected() {
        let versions = [
            (SOLUTION, vec![number(1), number(1)]),
            ("a", vec![number(1), number(2)]),
            ("b", vec![number(2), number(2)]),
        ];
        assert_eq!(suspected(&[number(1), number(2)], &versions), ["a"]);
        assert_eq!(suspected(&[number(2), number(2)], &versions), ["b"]);
        assert_eq!(suspected(&[number(2), number(1)], &versions), [""; 0]);
        assert_eq!(suspected(&[number(1), number(3)], &versions), [""; 0]);
    }

    #[test]
    fn right_answers_make_nobody_suspect() {
        let versions = [
            (SOLUTION, vec![number(1), number(1)]),
            ("a", vec![number(1), number(2)]),
        ];
        assert_eq!(suspected(&[number(1)], &versions), [""; 0]);
        assert_eq!(suspected(&[number(1), number(1)], &versions), [""; 0]);
        assert_eq!(suspected(&[], &versions), [""; 0]);
    }

    #[test]
    fn two_that_give_the_same_are_both_suspected() {
        let versions = [
            (SOLUTION, vec![number(1)]),
            ("a", vec![number(2)]),
            ("b", vec![number(2)]),
        ];
        assert_eq!(suspected(&[number(2)], &versions), ["a", "b"]);
    }

    /// What ±1 in an order of its own for each seed is, times `scale`.
    struct Signs;

    impl Replay for Signs {
        fn ask(&mut self, version: &str, request: &Request) -> Result<Answer> {
            let seed = request.arguments.get(SEED).map_or(Ok(0), |it| it.parse())?;
            Ok(signs(seed, if version == SOLUTION { 1.0 } else { 3.0 }))
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
            let mut version = Version::new("a", &request, &mut Signs).expect("an answer");
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

    #[test]
    fn a_panic_in_other_words_does_not_acquit_and_proves_nothing() {
        let versions = [
            (SOLUTION, vec![number(1), number(1)]),
            ("a", vec![panic("incompatible"), number(2)]),
        ];
        assert_eq!(suspected(&[panic("overflow")], &versions), [""; 0]);
        assert_eq!(suspected(&[panic("overflow"), number(2)], &versions), ["a"]);
        assert_eq!(suspected(&[panic("incompatible")], &versions), ["a"]);
    }
}
