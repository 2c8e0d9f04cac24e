//! Many trials of single exercises, several at a time.

use anyhow::{Result, bail};
use grader::course::Exercise;
use grader::grading::grade::{Doubt, Grader, Trial};
use grader::grading::verdict::Outcome;
use grader::machine::lanes;
use grader::worker::broken::Broken;
use intake::Source;

/// Calls a function on each item, as many at a time as there are processors; returns the results in the items' order.
pub(super) fn each<T: Sync, R: Send>(
    items: &[T],
    act: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let results = lanes::each(items, lanes::processors(), |_, item| act(item));
    results.into_iter().collect()
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
    let mut sources = grader.environment.reference(exercise)?;
    sources.retain(|file| file.path != LIBRARY);
    sources.push(Source {
        path: LIBRARY.to_owned(),
        bytes: source.as_bytes().to_vec(),
    });
    let trial = grader.try_exercise(exercise, &sources, doubt, &|_| {})?;
    if grader.environment.is_stopped() {
        bail!(Broken::Stopped);
    }
    Ok(trial)
}

/// The names of the tests that failed.
pub(super) fn failed(trial: &Trial) -> Vec<&str> {
    let failed = trial.tests.iter().filter(|tested| !tested.passed);
    failed.map(|tested| tested.test.as_str()).collect()
}

/// The reason why the tests did not run at all.
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
    let suspicion = trial
        .suspicion
        .as_ref()
        .map_err(|error| format!("{error:#}"))?;
    let named = suspicion.named.iter().map(|it| &it.misconception);
    Ok(named
        .chain(&suspicion.tied)
        .map(|it| it.id.as_str())
        .collect())
}
