//! The search for misconceptions that answer a submission's calls as it did.
//!
//! Each family of operations is judged by itself: a misconception is matched in it if it gives every answer that the
//! submission gave, and some otherwise than the solution. It is acquitted altogether if it changes an answer that the
//! submission has right. Where a submission has several mistakes, operations that call others show them together: such an
//! answer is that of several misconceptions in one program ([`versions`](super::versions)).

use super::bench::{AnswerEvidence, Bench, Replay};
use super::functions::Functions;
use super::recorded::RecordedCall;
use super::versions::JOINED_BY;
use super::{Misconception, corner};
use crate::grading::verdict::MatchedMisconception;
use anyhow::Result;
use std::collections::BTreeSet;

/// The misconceptions that answer as a submission did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suspicion {
    /// Those that alone do so in some operations.
    pub named: Vec<Named>,
    /// Those that others cannot be told from.
    pub tied: Vec<Misconception>,
    /// Further things to look at.
    pub look_at: Vec<String>,
}

/// One that is named, in all that was asked.
impl From<Misconception> for Suspicion {
    fn from(misconception: Misconception) -> Self {
        let named = Named {
            misconception,
            operations: vec![],
        };
        Self {
            named: vec![named],
            ..Self::default()
        }
    }
}

/// A misconception that alone gives a submission's answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The misconception.
    pub misconception: Misconception,
    /// The functions in which it does.
    pub operations: Vec<String>,
}

impl From<Named> for MatchedMisconception {
    fn from(named: Named) -> Self {
        let Named {
            misconception: Misconception {
                id, title, says, ..
            },
            operations,
        } = named;
        Self {
            id,
            title,
            says,
            operations,
        }
    }
}

/// Finds the misconceptions that answer as the submission did, at least once wrongly. `functions` are those that each
/// misconception changes, where it can be joined with others.
///
/// # Errors
/// Returns an error if a version does not answer.
pub fn find(
    misconceptions: &[Misconception],
    functions: &[Option<Functions>],
    calls: &[RecordedCall],
    replay: &mut dyn Replay,
) -> Result<Suspicion> {
    let mut bench = Bench::new(calls, replay);
    let candidates = candidates(misconceptions, &mut bench)?;
    let (complete, partial): (Vec<_>, Vec<_>) = candidates
        .into_iter()
        .partition(|it| it.others().is_empty());
    let (named, tied) = match complete.len() {
        // One that explains all there is needs no second.
        1 => (complete, vec![]),
        0 => alone_or_tied(best_of(partial)),
        _ => (vec![], complete),
    };
    let mut suspicion = Suspicion {
        named: named
            .iter()
            .map(|it| named_in(misconceptions, &bench, it.index, &it.explained()))
            .collect(),
        tied: tied
            .iter()
            .map(|it| misconceptions[it.index].clone())
            .collect(),
        look_at: vec![],
    };
    let mut explained: BTreeSet<_> = named
        .iter()
        .chain(&tied)
        .flat_map(Suspect::explained)
        .collect();
    if let Some((index, families)) = second(misconceptions, functions, &named, &mut bench)? {
        let second = named_in(misconceptions, &bench, index, &families);
        suspicion.named.push(second);
        explained.extend(families);
    }
    suspicion.look_at = corner::look_at(&mut bench, &explained)?;
    Ok(suspicion)
}

/// Those that explain what no other does, and the rest.
fn alone_or_tied(best: Vec<Suspect>) -> (Vec<Suspect>, Vec<Suspect>) {
    let is_alone = |it: &Suspect| {
        let mut others = best.iter().filter(|other| other.index != it.index);
        others.all(|other| other.explained().is_disjoint(&it.explained()))
    };
    best.iter().cloned().partition(is_alone)
}

fn named_in(
    misconceptions: &[Misconception],
    bench: &Bench<'_>,
    index: usize,
    families: &BTreeSet<usize>,
) -> Named {
    let names = families.iter().map(|&family| bench.families()[family]);
    Named {
        misconception: misconceptions[index].clone(),
        operations: names.map(str::to_owned).collect(),
    }
}

/// A version that is compared with the submission.
#[derive(Clone, Debug)]
struct Suspect {
    /// The number of its misconception.
    index: usize,
    /// Its state in each family.
    families: Vec<Matching>,
    /// True if it changes an answer that the submission has right.
    is_acquitted: bool,
}

/// The agreement of a version with the submission in a family of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Matching {
    /// As the submission, as far as can be told.
    Perhaps,
    /// As the submission, and some calls otherwise than the solution.
    Matched,
    /// Otherwise than the submission, for the first time in this call.
    Other { call: usize },
}

impl Suspect {
    fn new(index: usize, bench: &Bench<'_>) -> Self {
        Self {
            index,
            families: vec![Matching::Perhaps; bench.families().len()],
            is_acquitted: false,
        }
    }

    /// Returns whether calls of a family can change the result any more.
    fn is_open(&self, family: usize) -> bool {
        !self.is_acquitted && !matches!(self.families[family], Matching::Other { .. })
    }

    fn see(&mut self, shown: AnswerEvidence, call: usize, family: usize) {
        match shown {
            AnswerEvidence::Nothing => {}
            AnswerEvidence::Mistake => self.families[family] = Matching::Matched,
            AnswerEvidence::OtherMistake => self.families[family] = Matching::Other { call },
            AnswerEvidence::Innocence => self.is_acquitted = true,
        }
    }

    fn which(&self, is: impl Fn(&Matching) -> bool) -> BTreeSet<usize> {
        let families = self.families.iter().enumerate();
        families
            .filter(|(_, it)| is(it))
            .map(|(family, _)| family)
            .collect()
    }

    /// The families in which it gives the submission's wrong answers.
    fn explained(&self) -> BTreeSet<usize> {
        self.which(|it| *it == Matching::Matched)
    }

    /// The families in which something else is wrong.
    fn others(&self) -> BTreeSet<usize> {
        self.which(|it| matches!(it, Matching::Other { .. }))
    }
}

/// The misconceptions that are matched in a family and acquitted by none.
fn candidates(misconceptions: &[Misconception], bench: &mut Bench<'_>) -> Result<Vec<Suspect>> {
    let all = 0..misconceptions.len();
    let mut suspects: Vec<_> = all.map(|index| Suspect::new(index, bench)).collect();
    for (call, _) in bench.calls() {
        let family = bench.family_of(call);
        for suspect in suspects
            .iter_mut()
            .filter(|suspect| suspect.is_open(family))
        {
            let id = &misconceptions[suspect.index].id;
            suspect.see(bench.compare(id, call)?, call, family);
        }
        suspects.retain(|suspect| {
            let families = 0..suspect.families.len();
            !suspect.is_acquitted && families.into_iter().any(|family| suspect.is_open(family))
        });
    }
    suspects.retain(|suspect| !suspect.explained().is_empty());
    // Another mistake in the same family may show in some of its calls only: the others can rule it out.
    for suspect in &mut suspects {
        let id = &misconceptions[suspect.index].id;
        for (call, _) in bench.calls() {
            let other = suspect.families[bench.family_of(call)];
            let is_left = matches!(other, Matching::Other { call: first } if call > first);
            if is_left && bench.compare(id, call)? == AnswerEvidence::Innocence {
                suspect.is_acquitted = true;
                break;
            }
        }
    }
    suspects.retain(|suspect| !suspect.is_acquitted);
    Ok(suspects)
}

/// Those that no other explains more than: the same families and others, or the same with less left over.
fn best_of(suspects: Vec<Suspect>) -> Vec<Suspect> {
    let is_better = |a: &Suspect, b: &Suspect| {
        let (a_explained, b_explained) = (a.explained(), b.explained());
        let (a_others, b_others) = (a.others(), b.others());
        a_explained.is_superset(&b_explained)
            && a_others.is_subset(&b_others)
            && (a_explained != b_explained || a_others != b_others)
    };
    let is_best = |it: &&Suspect| !suspects.iter().any(|other| is_better(other, it));
    suspects.iter().filter(is_best).cloned().collect()
}

/// The misconception that, in one program with those that are named, gives the submission's answers in families that those
/// do not explain, where there is exactly one; and these families.
fn second(
    misconceptions: &[Misconception],
    functions: &[Option<Functions>],
    named: &[Suspect],
    bench: &mut Bench<'_>,
) -> Result<Option<(usize, BTreeSet<usize>)>> {
    let of_named: Option<Vec<_>> = named
        .iter()
        .map(|it| functions[it.index].as_ref())
        .collect();
    let explained: BTreeSet<_> = named.iter().flat_map(Suspect::explained).collect();
    let others = named.iter().flat_map(Suspect::others);
    let left: BTreeSet<_> = others
        .filter(|family| !explained.contains(family))
        .collect();
    let Some(of_named) = of_named.filter(|it| !it.is_empty() && !left.is_empty()) else {
        return Ok(None);
    };
    let are_apart = |a: &Functions, b: &Functions| a.is_disjoint(b);
    let all_apart = of_named.iter().enumerate().all(|(i, a)| {
        let mut later = of_named[i + 1..].iter();
        later.all(|b| are_apart(a, b))
    });
    if !all_apart {
        return Ok(None);
    }
    let names: Vec<_> = named
        .iter()
        .map(|it| misconceptions[it.index].id.as_str())
        .collect();
    let of_all = |more: Option<&str>| -> String {
        let names = names.iter().copied().chain(more);
        names.collect::<Vec<_>>().join(&JOINED_BY.to_string())
    };
    let left = if named.len() > 1 {
        let together = joined(&of_all(None), 0, &left, bench)?;
        let explained = together.map(|it| it.explained()).unwrap_or_default();
        left.difference(&explained).copied().collect()
    } else {
        left
    };
    let mut found = vec![];
    for (index, of_other) in functions.iter().enumerate() {
        let Some(of_other) = of_other else { continue };
        if !of_named.iter().all(|of_one| are_apart(of_one, of_other)) {
            continue;
        }
        let name = of_all(Some(&misconceptions[index].id));
        let Some(joint) = joined(&name, index, &left, bench)? else {
            continue;
        };
        // It must not change what the others explain.
        let before = joined(&name, index, &explained, bench)?;
        if before.is_some_and(|it| it.explained() == explained) {
            found.push(joint);
        }
    }
    let mut best = best_of(found).into_iter();
    Ok(match (best.next(), best.next()) {
        (Some(one), None) => Some((one.index, one.explained())),
        _ => None,
    })
}

/// The answers of several misconceptions in one program to some families, if they are matched in one and acquitted by none.
fn joined(
    name: &str,
    index: usize,
    families: &BTreeSet<usize>,
    bench: &mut Bench<'_>,
) -> Result<Option<Suspect>> {
    let mut suspect = Suspect::new(index, bench);
    for (call, _) in bench.calls() {
        let family = bench.family_of(call);
        if !families.contains(&family) || !suspect.is_open(family) {
            continue;
        }
        suspect.see(bench.compare(name, call)?, call, family);
        let is_lost =
            suspect.is_acquitted || families.iter().all(|&family| !suspect.is_open(family));
        if is_lost {
            return Ok(None);
        }
    }
    Ok(Some(suspect).filter(|suspect| !suspect.explained().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grading::naming::bench::KeyedRequest;
    use crate::grading::naming::versions::SOLUTION;
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use wire::{Answer, Dtype, Fault, FaultKind, RawTensor, Request, Tensors};

    /// Answers of each version to the requests 0, 1, ….
    type Answers = BTreeMap<&'static str, Vec<Answer>>;

    struct Versions(Answers);

    impl Replay for Versions {
        fn ask(&mut self, version: &str, keyed: &KeyedRequest<'_>) -> Result<Arc<Answer>> {
            let number: usize = keyed.request.arguments["number"].parse()?;
            Ok(Arc::new(self.0[version][number].clone()))
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

    /// The result for a submission that answers so, each call being one of these operations. Each version changes
    /// the functions that its name's letters stand for.
    fn found(
        operations: &[&str],
        answers: &[Option<Answer>],
        versions: &[(&'static str, Vec<Answer>)],
    ) -> Suspicion {
        let calls = operations.iter().zip(answers).enumerate();
        let calls = calls.map(|(number, (operation, answer))| RecordedCall {
            request: Request {
                operation: (*operation).to_owned(),
                arguments: [("number".to_owned(), number.to_string())].into(),
                ..Request::default()
            },
            answer: answer.clone(),
        });
        let names = versions.iter().map(|(name, _)| *name);
        let names: Vec<_> = names
            .filter(|name| *name != SOLUTION && !name.contains(JOINED_BY))
            .collect();
        let misconceptions: Vec<_> = names
            .iter()
            .map(|&name| Misconception {
                id: name.to_owned(),
                ..Misconception::default()
            })
            .collect();
        let functions = names
            .iter()
            .map(|name| Some(name.chars().map(String::from).collect()));
        let functions: Vec<Option<Functions>> = functions.collect();
        let calls: Vec<_> = calls.collect();
        let mut versions = Versions(versions.iter().cloned().collect());
        find(&misconceptions, &functions, &calls, &mut versions).expect("answers")
    }

    /// The names of those that are suspected of these answers of one operation.
    fn suspected(answers: &[Answer], versions: &[(&'static str, Vec<Answer>)]) -> Vec<String> {
        let answers: Vec<_> = answers.iter().cloned().map(Some).collect();
        let Suspicion { named, tied, .. } = found(&["x"; 9], &answers, versions);
        let named = named.into_iter().map(|it| it.misconception);
        named.chain(tied).map(|it| it.id).collect()
    }

    /// Those that are named, with their operations.
    fn named(suspicion: &Suspicion) -> Vec<(&str, Vec<&str>)> {
        let named = suspicion.named.iter();
        named
            .map(|it| {
                let operations = it.operations.iter().map(String::as_str);
                (it.misconception.id.as_str(), operations.collect())
            })
            .collect()
    }

    fn numbers<const N: usize>(values: [i64; N]) -> Vec<Answer> {
        values.map(number).into()
    }

    fn answered<const N: usize>(values: [i64; N]) -> Vec<Option<Answer>> {
        values.map(|value| Some(number(value))).into()
    }

    #[test]
    fn two_mistakes_in_two_functions_are_both_named() {
        let versions = [
            (SOLUTION, numbers([1, 1])),
            ("a", numbers([2, 1])),
            ("b", numbers([1, 3])),
            ("c", numbers([1, 4])),
        ];
        let found = found(&["f", "g"], &answered([2, 3]), &versions);
        assert_eq!(named(&found), [("a", vec!["f"]), ("b", vec!["g"])]);
    }

    #[test]
    fn a_mistake_is_named_beside_a_panic_an_endless_call_and_a_mistake_that_nothing_names() {
        let versions = [(SOLUTION, numbers([1, 1])), ("a", numbers([2, 1]))];
        for other in [Some(panic("no")), None, Some(number(7))] {
            let found = found(&["f", "g"], &[Some(number(2)), other], &versions);
            assert_eq!(named(&found), [("a", vec!["f"])]);
        }
    }

    #[test]
    fn what_a_misconception_changes_and_a_submission_has_right_acquits_it() {
        let versions = [(SOLUTION, numbers([1, 1, 1])), ("a", numbers([2, 2, 2]))];
        assert_eq!(named(&found(&["f", "g"], &answered([2, 1]), &versions)), []);
        // Behind another wrong answer, too.
        let found = found(&["f", "g", "g"], &answered([2, 7, 1]), &versions);
        assert_eq!(named(&found), []);
    }

    #[test]
    fn the_second_of_two_mistakes_is_named_where_both_together_give_the_answers() {
        let versions = [
            (SOLUTION, numbers([1, 1])),
            ("a", numbers([2, 2])),
            ("b", numbers([1, 3])),
            ("ab", numbers([1, 9])),
            ("c", numbers([1, 4])),
            ("a+b", numbers([2, 5])),
            ("a+c", numbers([2, 6])),
        ];
        let two = found(&["f", "g"], &answered([2, 5]), &versions);
        assert_eq!(named(&two), [("a", vec!["f"]), ("b", vec!["g"])]);
        let other = found(&["f", "g"], &answered([2, 8]), &versions);
        assert_eq!(named(&other), [("a", vec!["f"])]);
    }

    #[test]
    fn two_seconds_that_cannot_be_told_apart_are_not_named() {
        let versions = [
            (SOLUTION, numbers([1, 1])),
            ("a", numbers([2, 2])),
            ("b", numbers([1, 3])),
            ("c", numbers([1, 4])),
            ("a+b", numbers([2, 5])),
            ("a+c", numbers([2, 5])),
        ];
        let found = found(&["f", "g"], &answered([2, 5]), &versions);
        assert_eq!(named(&found), [("a", vec!["f"])]);
    }

    #[test]
    fn the_one_that_explains_more_is_named() {
        let versions = [
            (SOLUTION, numbers([1, 1, 1])),
            ("a", numbers([2, 1, 1])),
            ("b", numbers([2, 2, 1])),
            ("b+a", numbers([2, 2, 1])),
        ];
        let found = found(&["f", "g", "h"], &answered([2, 2, 7]), &versions);
        assert_eq!(named(&found), [("b", vec!["f", "g"])]);
    }

    #[test]
    fn two_mistakes_in_one_function_are_not_named_as_either() {
        let versions = [
            (SOLUTION, numbers([1])),
            ("a", numbers([2])),
            ("b", numbers([3])),
        ];
        assert_eq!(named(&found(&["f"], &answered([5]), &versions)), []);
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
