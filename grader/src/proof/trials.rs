//! Many trials of single exercises, several at a time.

use crate::course::Exercise;
use crate::grade::{Doubt, Grader, Trial};
use crate::intake::Source;
use crate::naming::Suspicion;
use crate::verdict::Outcome;
use anyhow::{Result, bail};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does something with each item, as many at a time as there are processors; gives what came of it in their order.
pub(super) fn each<T: Sync, R: Send>(
    items: &[T],
    act: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(vec![]);
    let job = || -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else {
                return Ok(());
            };
            let result = act(item)?;
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.push((number, result));
        }
    };
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let jobs: Vec<_> = (0..jobs).map(|_| scope.spawn(job)).collect();
        let ends = jobs.into_iter().map(|job| {
            job.join()
                .unwrap_or_else(|_| bail!("a job of the proof panicked"))
        });
        ends.collect::<Vec<_>>().into_iter().collect::<Result<()>>()
    })?;
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(number, _)| *number);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// An exercise's first file.
const LIBRARY: &str = "lib.rs";

/// Tries a source in the place of an exercise's lib.rs, beside the reference's other files.
pub(super) fn of_source(
    grader: &Grader,
    exercise: &Exercise,
    source: &str,
    doubt: Doubt,
) -> Result<Trial> {
    let mut sources = grader.reference(exercise)?;
    sources.retain(|file| file.path != LIBRARY);
    sources.push(Source {
        path: LIBRARY.to_owned(),
        bytes: source.as_bytes().to_vec(),
    });
    let trial = grader.try_exercise(exercise, &sources, doubt, &|_| {})?;
    if grader.is_stopped() {
        bail!("stopped");
    }
    Ok(trial)
}

/// The names of the tests that failed.
pub(super) fn failed(trial: &Trial) -> Vec<&str> {
    let failed = trial.tests.iter().filter(|tested| !tested.passed);
    failed.map(|tested| tested.test.as_str()).collect()
}

/// Why the tests did not run at all.
pub(super) fn untested(trial: &Trial) -> Option<String> {
    match &trial.outcome {
        Outcome::Tested => None,
        Outcome::Missing => Some("is missing".to_owned()),
        Outcome::DoesNotCompile(words) => Some(format!("does not compile: {words}")),
        Outcome::NotAccepted(why) => Some(format!("is not accepted: {why}")),
        Outcome::NotGraded(reason) => Some(format!("is not graded: {reason}")),
    }
}

/// The misconceptions that a trial is suspected of.
pub(super) fn suspected(trial: &Trial) -> Result<Vec<&str>, String> {
    match &trial.suspicion {
        Ok(Suspicion::None) => Ok(vec![]),
        Ok(Suspicion::One(one)) => Ok(vec![&one.id]),
        Ok(Suspicion::Several(several)) => Ok(several.iter().map(|it| it.id.as_str()).collect()),
        Err(error) => Err(format!("{error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<_> = (0..50).collect();
        let doubled = each(&items, |item| Ok(item * 2)).expect("results");
        assert_eq!(
            doubled,
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
    }

    #[test]
    fn one_error_is_an_error_of_all() {
        let result = each(
            &[1, 2, 3],
            |item| if *item == 2 { bail!("two") } else { Ok(()) },
        );
        assert_eq!(
            result.map_err(|error| error.to_string()),
            Err("two".to_owned())
        );
    }
}
