//! The worker that holds all versions of an exercise, and the answers that it gave.
//!
//! The tests ask every submission of a class the same, but for what follows from its own answers: so most questions have
//! been put to the versions before.

use super::bench::{KeyedRequest, Replay};
use super::versions::SOLUTION;
use crate::worker::ask::Respondent;
use anyhow::{Result, bail};
use intake::PartsDigest;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use wire::{Answer, Request, Tensors};

/// The time that all calls for one submission may take: far more than they do, even where a machine is busy with other things.
const LIMIT: Duration = Duration::from_secs(120);

/// The most bytes of tensors that are kept of an exercise. What is asked beyond them is asked anew each time.
const MOST_KEPT: usize = 64 << 20;

/// The answers of an exercise's versions, as far as they were asked.
#[derive(Debug, Default)]
pub(super) struct KnownAnswers(Mutex<AnswerCache>);

#[derive(Debug, Default)]
struct AnswerCache {
    /// By the digest of the request, then by version.
    answers: HashMap<[u8; 32], BTreeMap<String, Arc<Answer>>>,
    /// Bytes of all tensors.
    bytes: usize,
}

impl KnownAnswers {
    fn get(&self, version: &str, request: &[u8; 32]) -> Option<Arc<Answer>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.answers.get(request)?.get(version).cloned()
    }

    /// Keeps an answer if there is room. Most versions answer most requests as the solution does: these share its answer.
    fn keep(&self, version: &str, request: [u8; 32], answer: Answer) -> Arc<Answer> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let others = kept.answers.get(&request);
        let solutions = others.and_then(|others| others.get(SOLUTION));
        let (answer, bytes) = match solutions {
            Some(solutions) if **solutions == answer => (Arc::clone(solutions), 0),
            _ => {
                let tensors = answer.iter().flat_map(Tensors::values);
                let bytes = tensors.map(|tensor| tensor.bytes().len()).sum();
                (Arc::new(answer), bytes)
            }
        };
        if kept.bytes + bytes <= MOST_KEPT {
            kept.bytes += bytes;
            let of_request = kept.answers.entry(request).or_default();
            of_request.insert(version.to_owned(), Arc::clone(&answer));
        }
        answer
    }
}

fn digest(request: &Request) -> [u8; 32] {
    let Request {
        operation,
        arguments,
        tensors,
    } = request;
    let mut digest = PartsDigest::default();
    digest.add(operation.as_bytes());
    digest.add(format!("{arguments:?}").as_bytes());
    for (name, tensor) in tensors {
        digest.add(name.as_bytes());
        digest.add(format!("{:?} {:?}", tensor.dtype(), tensor.shape()).as_bytes());
        digest.add(tensor.bytes());
    }
    digest.bytes()
}

/// The worker that holds all versions, which is asked what is not known.
pub(super) struct Worker<'a, 'b> {
    known: &'a KnownAnswers,
    respondent: &'a mut Respondent<'b>,
    deadline: Instant,
}

impl<'a, 'b> Worker<'a, 'b> {
    /// A worker whose answers together may take as long as naming may.
    pub(super) fn new(known: &'a KnownAnswers, respondent: &'a mut Respondent<'b>) -> Self {
        Self {
            known,
            respondent,
            deadline: Instant::now() + LIMIT,
        }
    }
}

impl Replay for Worker<'_, '_> {
    fn ask(&mut self, version: &str, keyed: &KeyedRequest<'_>) -> Result<Arc<Answer>> {
        let request = keyed.request;
        let digest = *keyed.digest.get_or_init(|| digest(request));
        if let Some(answer) = self.known.get(version, &digest) {
            return Ok(answer);
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            bail!("its {} s were over", LIMIT.as_secs());
        }
        let mut asked = request.clone();
        asked.operation = format!("{version}/{}", request.operation);
        let answer = self.respondent.ask_within(asked, left)?;
        Ok(self.known.keep(version, digest, answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use wire::{Dtype, RawTensor};

    const REQUEST: [u8; 32] = [1; 32];

    fn answer(value: u8, length: usize) -> Answer {
        let tensor = RawTensor::new(Dtype::U8, vec![length], vec![value; length]);
        Ok(Tensors::from([("y".to_owned(), tensor.expect("a tensor"))]))
    }

    #[test]
    fn requests_that_differ_have_different_digests() {
        let tensors = |name: &str, value| -> Tensors {
            let mut tensors = answer(value, 3).expect("tensors");
            let tensor = tensors.remove("y").expect("a tensor");
            [(name.to_owned(), tensor)].into()
        };
        let request = |operation: &str, argument: &str, tensors| Request {
            operation: operation.to_owned(),
            arguments: [("grid".to_owned(), argument.to_owned())].into(),
            tensors,
        };
        let all = [
            request("a", "1", tensors("x", 7)),
            request("b", "1", tensors("x", 7)),
            request("a", "2", tensors("x", 7)),
            request("a", "1", tensors("y", 7)),
            request("a", "1", tensors("x", 8)),
            request("a", "1", Tensors::new()),
        ];
        let digests: BTreeSet<_> = all.iter().map(digest).collect();
        assert_eq!(digests.len(), all.len());
        assert_eq!(digest(&all[0]), digest(&all[0].clone()));
    }

    #[test]
    fn an_answer_is_known_to_the_same_request_of_the_same_version_alone() {
        let known = KnownAnswers::default();
        known.keep("a", REQUEST, answer(7, 3));
        let found = known.get("a", &REQUEST).map(|it| (*it).clone());
        assert_eq!(found, Some(answer(7, 3)));
        assert_eq!(known.get("b", &REQUEST), None);
        assert_eq!(known.get("a", &[2; 32]), None);
    }

    #[test]
    fn what_is_answered_as_by_the_solution_is_kept_once() {
        let known = KnownAnswers::default();
        let solutions = known.keep(SOLUTION, REQUEST, answer(7, 3));
        assert!(Arc::ptr_eq(
            &solutions,
            &known.keep("a", REQUEST, answer(7, 3))
        ));
        let other = known.keep("b", REQUEST, answer(8, 3));
        assert!(!Arc::ptr_eq(&solutions, &other));
        assert_eq!(known.0.lock().expect("no panic").bytes, 6);
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let known = KnownAnswers::default();
        for number in 0..5 {
            known.keep("a", [number; 32], answer(7, MOST_KEPT / 4));
        }
        let is_known = |number| known.get("a", &[number; 32]).is_some();
        assert_eq!([0, 3, 4].map(is_known), [true, true, false]);
        assert!(known.0.lock().expect("no panic").bytes <= MOST_KEPT);
    }
}
