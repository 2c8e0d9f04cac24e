//! Naming mistakes: the answers of a submission that fails are compared with those of its exercise's misconceptions.
//!
//! The judge records the requests of its tests and their answers ([`recorded`]). The same requests are sent to the
//! misconceptions ([`misconception`]), all of them in one worker ([`versions`]), and the answers compared ([`same`],
//! [`bench`]). For each function, the misconception is named that answers every call as the submission did, right or
//! wrong, and some calls otherwise than the solution; if there is none, or more than one, nothing is claimed
//! ([`suspects`]). If nothing but panics is wrong, the report states what the calls that panic have in common
//! ([`corner`]).

mod bench;
pub mod corner;
pub mod functions;
mod idle;
mod known;
pub mod misconception;
pub mod recorded;
pub mod same;
pub mod suspects;
pub mod versions;

pub use misconception::Misconception;
pub use suspects::{Named, Suspicion};

use crate::course::Exercise;
use crate::environment::Environment;
use crate::grading::stage::Stage;
use crate::grading::verdict::Tested;
use anyhow::{Context, Result};
use functions::Functions;
use known::{KnownAnswers, Worker};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// An exercise's misconceptions, and the worker that holds them.
#[derive(Debug)]
struct MisconceptionSet {
    misconceptions: Vec<Misconception>,
    /// The functions that each changes, where it can be joined with others.
    functions: Vec<Option<Functions>>,
    worker: PathBuf,
    known: KnownAnswers,
}

/// The gathered misconceptions of an exercise; nothing where it has none, or they cannot be had.
type Place = Arc<Mutex<Option<Option<Arc<MisconceptionSet>>>>>;

/// Knows the misconceptions of each exercise that something failed in.
#[derive(Debug, Default)]
pub struct Namer {
    exercises: Mutex<BTreeMap<String, Place>>,
}

impl Namer {
    /// The misconceptions that give the same wrong answers as a submission. `calls` is the folder of its recorded
    /// calls, and
    /// `tests` holds its results.
    ///
    /// # Errors
    /// Returns an error if the misconceptions do not apply or compile, or their worker breaks down.
    pub fn suspect(
        &self,
        environment: &Environment,
        exercise: &Exercise,
        calls: &Path,
        tests: &[Tested],
        stage: &dyn Fn(Stage<'_>),
    ) -> Result<Suspicion> {
        let Some(calls) = recorded::read(calls, tests)? else {
            return Ok(Suspicion::default());
        };
        let Some(gathered) = self.gathered(environment, exercise, stage)? else {
            return Ok(Suspicion::default());
        };
        stage(Stage::Naming(&exercise.name));
        let MisconceptionSet {
            misconceptions,
            functions,
            known,
            ..
        } = &*gathered;
        idle::with_worker(environment, &gathered.worker, |respondent| {
            let mut worker = Worker::new(known, respondent);
            suspects::find(misconceptions, functions, &calls, &mut worker)
                .context("the worker of the misconceptions broke down")
        })
    }

    /// The program that holds the misconceptions of an exercise, if it has any.
    ///
    /// # Errors
    /// Returns an error if they do not apply or compile.
    pub fn worker(
        &self,
        environment: &Environment,
        exercise: &Exercise,
    ) -> Result<Option<PathBuf>> {
        let gathered = self.gathered(environment, exercise, &|_| {})?;
        Ok(gathered.map(|gathered| gathered.worker.clone()))
    }

    /// Compiles the misconceptions of an exercise, if that was not done before. Who comes meanwhile waits.
    fn gathered(
        &self,
        environment: &Environment,
        exercise: &Exercise,
        stage: &dyn Fn(Stage<'_>),
    ) -> Result<Option<Arc<MisconceptionSet>>> {
        let mut exercises = self
            .exercises
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let place = Arc::clone(exercises.entry(exercise.name.clone()).or_default());
        drop(exercises);
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gathered) = place.as_ref() {
            return Ok(gathered.clone());
        }
        let gathered = gather(environment, exercise, stage);
        // A failure is reported once, and not tried again for each submission.
        *place = Some(gathered.as_ref().ok().cloned().flatten());
        gathered
    }
}

fn gather(
    environment: &Environment,
    exercise: &Exercise,
    stage: &dyn Fn(Stage<'_>),
) -> Result<Option<Arc<MisconceptionSet>>> {
    let misconceptions = Misconception::all(&environment.course, exercise)?;
    if misconceptions.is_empty() {
        return Ok(None);
    }
    // First: where it has to be compiled, nobody waits for the rest, which takes a second.
    let worker = versions::worker(environment, exercise, &misconceptions, stage)?;
    let solution = misconception::solution_of(&environment.course, exercise)?;
    let functions = functions::changed(&solution, &misconceptions)?;
    Ok(Some(Arc::new(MisconceptionSet {
        misconceptions,
        functions,
        worker,
        known: KnownAnswers::default(),
    })))
}
