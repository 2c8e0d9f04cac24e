//! The places in somebody's own code of panics in libraries. A worker is built without line numbers, which take time: where a
//! test failed by a panic in a library, it is built once more with them, and those tests run again.

use crate::course::Exercise;
use crate::environment::Environment;
use crate::grading::judge::{Subject, judge};
use crate::grading::verdict::{ExerciseGrade, Tested};
use crate::worker::compile::Compiled;
use anyhow::Result;
use intake::Source;
use std::collections::{BTreeMap, BTreeSet};
use wire::words::{INTERRUPTED_MARK, NOT_TO_ITS_END, PLACE};

/// Adds to the messages of failed tests the place in these sources, where a panic in a library ended them. Without such tests,
/// nothing is done.
///
/// # Errors
/// Returns an error if the tests cannot run again. The exercise is then as it was.
pub fn add_places(
    environment: &Environment,
    exercise: &Exercise,
    sources: &[Source],
    graded: &mut ExerciseGrade,
) -> Result<()> {
    let placeless = graded.tests.iter().filter(|tested| is_placeless(tested));
    let placeless: BTreeSet<_> = placeless.map(|tested| tested.test.clone()).collect();
    if placeless.is_empty() {
        return Ok(());
    }
    let mut environment = environment.clone();
    environment.workshop.keeps_lines = true;
    let scratch = environment.scratch.folder()?;
    let Compiled::Worker(worker) = environment.compile(exercise, sources, scratch.path())? else {
        return Ok(());
    };
    let judged = judge(
        &environment,
        exercise,
        Subject::Worker(&worker),
        Some(&placeless),
        scratch.path(),
        &scratch.path().join("calls"),
    )?;
    let messages = judged.tests.into_iter().filter_map(|tested| {
        let message = tested.message.filter(|it| it.starts_with(PLACE))?;
        Some((tested.test, message))
    });
    let mut messages: BTreeMap<_, _> = messages.collect();
    for tested in &mut graded.tests {
        if let Some(message) = messages.remove(&tested.test) {
            tested.message = Some(message);
        }
    }
    Ok(())
}

/// Returns whether a panic of unknown place ended a test.
fn is_placeless(tested: &Tested) -> bool {
    let last = tested.requests.last.as_ref();
    let message = tested.message.as_deref().unwrap_or_default();
    let has_ended_elsewhere = message.starts_with(PLACE)
        || message.starts_with(NOT_TO_ITS_END)
        || message.contains(INTERRUPTED_MARK);
    !tested.passed && last.is_some_and(|last| last.is_fault) && !has_ended_elsewhere
}
