//! The environment that everything shares: the course, the programs and libraries that were built for it, the sandbox, the
//! limits, and the request to stop.

use crate::course::{Course, Exercise};
use crate::limits::{LimitOverrides, Limits};
use crate::machine::scratch::Scratch;
use crate::worker::compile::{Compiled, MachineFault, Refused, compile};
use crate::worker::incremental::compile_again;
use crate::worker::workshop::Workshop;
use anyhow::{Context, Result, bail};
use intake::{Candidate, IntakeLimits, Source};
use sandbox::Level;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The conditions of a run, the same for a whole class.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The course.
    pub course: Course,
    /// The exercises that are graded.
    pub exercises: Vec<Exercise>,
    /// The judges and libraries that were built for them.
    pub workshop: Workshop,
    /// The folder in which submissions are unpacked and compiled.
    pub scratch: Arc<Scratch>,
    /// The layers of the sandbox that are in force.
    pub level: Level,
    /// The limits set on the command line.
    pub limits: LimitOverrides,
    /// The seed of property tests, where it is not the usual one.
    pub seed: Option<u64>,
    /// True if messages hold nothing that follows from the seed, which the submissions' authors must not know.
    pub is_discreet: bool,
    /// True if submissions are the learner's own code or the course's, compiled again and again: see [`compile_again`].
    pub is_own_code: bool,
    /// True if somebody waits for the result of one exercise: its judge is started while the compiler works, on another processor.
    pub starts_judge_early: bool,
    /// True if what is judged is the course's own: the judge keeps the reference's answers for those that come after it.
    pub keeps_answers: bool,
    /// The divisor of the tolerances of drawn tests: 1, but for the proof that correct code has room to spare.
    pub margin: u8,
    /// Set on an interruption: running processes are ended, and nothing more is graded.
    pub stop: &'static AtomicBool,
}

impl Environment {
    /// Compiles an exercise's sources into a worker, within `folder`, which is empty. Where it may be the machine that
    /// failed, the reference is compiled in the same surroundings, which then decides.
    ///
    /// # Errors
    /// Returns an error if something of the course or the machine fails, or the run is interrupted.
    pub fn compile(
        &self,
        exercise: &Exercise,
        sources: &[Source],
        folder: &Path,
    ) -> Result<Compiled> {
        let stop = || self.is_stopped();
        let root = &self.course.root;
        let compile_in = |workshop: &Workshop, folder: &Path| {
            compile(workshop, root, exercise, sources, folder, &stop)
        };
        let compile = || match self.is_own_code {
            true => compile_again(&self.workshop, root, exercise, folder, &compile_in),
            false => compile_in(&self.workshop, folder),
        };
        let compiled = compile()?;
        let Compiled::Refused(Refused {
            machine: Some(fault),
            ..
        }) = &compiled
        else {
            return Ok(compiled);
        };
        if !self.course.has_reference(exercise) {
            return Ok(compiled);
        }
        let scratch = self.scratch.folder()?;
        self.compile_reference(exercise, scratch.path())
            .context("this machine cannot compile the reference either")?;
        match fault {
            MachineFault::Killed => Ok(compiled),
            // A resource that was short for a moment may be available again.
            MachineFault::Unplaced => compile(),
        }
    }

    /// The limits of an exercise's code.
    pub fn limits_of(&self, exercise: &Exercise) -> Limits {
        Limits::of(self.limits, exercise.facts.limits)
    }

    /// The sources of an exercise's reference.
    ///
    /// # Errors
    /// Returns an error if it is missing: the course is at fault.
    pub fn reference(&self, exercise: &Exercise) -> Result<Vec<Source>> {
        let folder = exercise.folder.as_str();
        self.course.check_reference(exercise)?;
        let solutions = Candidate::new("solutions", self.course.root.join("solutions"));
        let mut solutions = solutions.read(&[folder], &IntakeLimits::default())?;
        if let Some(why) = solutions.left_out.remove(folder) {
            bail!(why);
        }
        let sources = solutions.exercises.remove(folder);
        sources.with_context(|| format!("{folder} has no solution"))
    }

    /// Compiles the reference of an exercise into a worker, within `folder`, which is empty.
    ///
    /// # Errors
    /// Returns an error if it is missing or does not compile: the course is at fault.
    pub fn compile_reference(&self, exercise: &Exercise, folder: &Path) -> Result<PathBuf> {
        let sources = self.reference(exercise)?;
        let (root, stop) = (&self.course.root, || self.is_stopped());
        match compile(&self.workshop, root, exercise, &sources, folder, &stop)? {
            Compiled::Worker(worker) => Ok(worker),
            Compiled::Refused(Refused { words, .. }) => bail!(
                "the solution of {} does not compile: {words}",
                exercise.folder
            ),
        }
    }

    /// Returns whether the run is interrupted.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
