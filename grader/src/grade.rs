//! Grading one submission: each exercise compiled, asked, judged and counted.

use crate::compile::{Compiled, MachineFault, Refused, compile};
use crate::confine::Level;
use crate::course::{Course, Exercise, Kind};
use crate::intake::{Candidate, Escaped, Limits as IntakeLimits, Source};
use crate::judge::{Subject, judge, tally};
use crate::lanes;
use crate::limits::{Asked, Limits};
use crate::naming::{Namer, Suspicion};
use crate::rules;
use crate::scratch::Scratch;
use crate::session::Broken;
use crate::train::graded::Training;
use crate::verdict::{Graded, GradedExercise, Outcome, Tested};
use crate::workshop::Workshop;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use wire::printable_lines;

/// Everything that grading a submission takes, and that is the same for a whole class.
#[derive(Clone, Debug)]
pub struct Grader {
    /// The course.
    pub course: Course,
    /// The exercises that are graded.
    pub exercises: Vec<Exercise>,
    /// What was built for them.
    pub workshop: Workshop,
    /// Where submissions are unpacked and compiled.
    pub scratch: Arc<Scratch>,
    /// What knows the misconceptions.
    pub namer: Arc<Namer>,
    /// How much of the sandbox is in force.
    pub level: Level,
    /// What code may take, as far as somebody asked for it.
    pub limits: Asked,
    /// The seed of property tests, where it is not the usual one.
    pub seed: Option<u64>,
    /// True if messages hold nothing that follows from the seed, which the submissions' authors must not know.
    pub is_discreet: bool,
    /// The divisor of the tolerances of drawn tests: 1, but for the proof that correct code has room to spare.
    pub margin: u8,
    /// How models are trained for long, where that is asked for.
    pub training: Option<Arc<Training>>,
    /// Set when somebody wants to stop: what runs is ended, and nothing is graded any more.
    pub stop: &'static AtomicBool,
}

/// The test that a long training stands in for. Where it failed already, so would the training, after minutes.
fn trained<'a>(exercise: &Exercise, tests: &'a mut [Tested]) -> Option<&'a mut Tested> {
    let name = format!("{}::{}", Kind::Training, exercise.facts.trained.as_ref()?);
    tests
        .iter_mut()
        .find(|tested| tested.test == name && tested.passed)
}

const NOTHING_FOUND: &str = "no exercise was found in it: exercises lie in exercises/NN-name/src or NN-name/src, named as in the course";

/// What the grader is doing with a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage<'a> {
    /// Its files are taken in.
    Reading,
    /// An exercise is compiled.
    Compiling(&'a str),
    /// An exercise's tests run.
    Judging(&'a str),
    /// An exercise's model is trained.
    Training(&'a str),
    /// Its misconceptions are compiled, which is done once and kept.
    Gathering(&'a str),
    /// What failed is held against the exercise's misconceptions.
    Naming(&'a str),
}

/// What came of trying one exercise.
#[derive(Debug)]
pub struct Trial {
    /// What became of it.
    pub outcome: Outcome,
    /// Each graded test, where they ran.
    pub tests: Vec<Tested>,
    /// Which misconceptions answer as it did, or why that could not be found out.
    pub suspicion: Result<Suspicion>,
}

/// What of a trial is held against the misconceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Nothing.
    Nothing,
    /// It, where a test failed.
    Failures,
    /// It, as if every test had failed.
    Everything,
}

impl Trial {
    /// One that came to its end before a test ran.
    fn ended(outcome: Outcome) -> Self {
        Self {
            outcome,
            tests: vec![],
            suspicion: Ok(Suspicion::default()),
        }
    }

    /// One that the grader failed in.
    fn not_graded(error: &anyhow::Error) -> Self {
        Self::ended(Outcome::NotGraded(format!("{error:#}")))
    }
}

/// Does something that may fail; a panic is one of its failures. Whatever the grader stumbles over in one submission, the
/// batch goes on.
///
/// # Errors
/// Where `act` fails or panics.
pub(crate) fn without_panic<T>(act: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("without a message");
        // It may quote what the submission holds.
        bail!("the grader panicked: {}", printable_lines(text))
    })
}

impl Grader {
    /// Reads and grades a submission, as many of its exercises at a time as there are lanes; nothing where it was stopped.
    pub fn grade(
        &self,
        candidate: &Candidate,
        lanes: usize,
        stage: &(dyn Fn(Stage<'_>) + Sync),
    ) -> Option<Graded> {
        stage(Stage::Reading);
        let start = Instant::now();
        let (stop, limits) = (|| self.is_stopped(), IntakeLimits::default());
        let read = || Ok(candidate.read_unless(&stop, &self.course.folders(), &limits));
        let (digest, refused, sources) = match without_panic(read) {
            Ok(Ok(submission)) => (submission.digest, None, Ok(submission.exercises)),
            Ok(Err(refusal)) if refusal.is_of_the_machine() => {
                (String::new(), None, Err(refusal.into()))
            }
            Ok(Err(refusal)) => (
                String::new(),
                Some(refusal.to_string()),
                Ok(BTreeMap::new()),
            ),
            Err(error) => (String::new(), None, Err(error)),
        };
        let is_empty = sources.as_ref().is_ok_and(BTreeMap::is_empty);
        let note = (refused.is_none() && is_empty).then(|| NOTHING_FOUND.to_owned());
        // What takes longest is begun first, so that no lane is idle at the end: that with libtorch, and the later the longer.
        let mut longest_first: Vec<_> = self.exercises.iter().rev().collect();
        longest_first.sort_by_key(|exercise| !exercise.uses_torch);
        let exercises = lanes::each(&longest_first, lanes, |_, exercise| {
            (!self.is_stopped()).then(|| match &sources {
                Ok(sources) => {
                    let sources = sources.get(&exercise.folder).map(Vec::as_slice);
                    self.grade_exercise(exercise, sources, stage)
                }
                Err(error) => self.count(exercise, Trial::not_graded(error), Instant::now()),
            })
        });
        let mut exercises = exercises.into_iter().collect::<Option<Vec<_>>>()?;
        exercises.sort_by(|a, b| a.exercise.cmp(&b.exercise));
        if self.is_stopped() {
            return None;
        }
        Some(Graded {
            submission: candidate.name.clone(),
            path: Escaped::from(candidate.path.as_os_str()).to_string(),
            digest,
            sandbox: self.level.to_string(),
            refused,
            note,
            points: exercises.iter().map(|exercise| exercise.points).sum(),
            max_points: exercises.iter().map(|exercise| exercise.max_points).sum(),
            exercises,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// Grades one exercise of which these are the sources.
    pub fn grade_exercise(
        &self,
        exercise: &Exercise,
        sources: Option<&[Source]>,
        stage: &dyn Fn(Stage<'_>),
    ) -> GradedExercise {
        let start = Instant::now();
        let trial = match sources {
            None => Trial::ended(Outcome::Missing),
            Some(sources) => {
                let act = || self.try_exercise(exercise, sources, Doubt::Failures, stage);
                without_panic(act).unwrap_or_else(|error| Trial::not_graded(&error))
            }
        };
        self.count(exercise, trial, start)
    }

    /// What a trial that was begun then is worth.
    fn count(&self, exercise: &Exercise, trial: Trial, start: Instant) -> GradedExercise {
        let Trial {
            outcome,
            tests,
            suspicion,
        } = trial;
        let Suspicion { named, look_at, .. } = suspicion.unwrap_or_else(|error| {
            if !self.is_stopped() {
                // The grade stands without it.
                eprintln!("{}: no misconception is named: {error:#}", exercise.folder);
            }
            Suspicion::default()
        });
        let kinds = tally(exercise, &tests);
        GradedExercise {
            limits: self.limits_of(exercise),
            exercise: exercise.folder.clone(),
            outcome,
            points: kinds.values().map(|tally| tally.points).sum(),
            max_points: exercise.max_points(),
            kinds,
            tests,
            misconceptions: named.into_iter().map(Into::into).collect(),
            look_at,
            seconds: start.elapsed().as_secs_f64(),
        }
    }

    /// Compiles and judges one exercise, and holds it against the misconceptions.
    ///
    /// # Errors
    /// Where the grader fails, which is no fault of the submission.
    pub fn try_exercise(
        &self,
        exercise: &Exercise,
        sources: &[Source],
        doubt: Doubt,
        stage: &dyn Fn(Stage<'_>),
    ) -> Result<Trial> {
        let tried = self.compile_and_judge(exercise, sources, doubt, stage);
        tried.or_else(|error| match error.downcast_ref() {
            Some(Broken::NotAccepted(why)) => Ok(Trial::ended(Outcome::NotAccepted(why.clone()))),
            _ => Err(error),
        })
    }

    fn compile_and_judge(
        &self,
        exercise: &Exercise,
        sources: &[Source],
        doubt: Doubt,
        stage: &dyn Fn(Stage<'_>),
    ) -> Result<Trial> {
        let stop = || self.is_stopped();
        if self.level.rules
            && let Some(breach) = rules::breach(exercise, sources, &stop)?
        {
            return Ok(Trial::ended(Outcome::NotAccepted(breach)));
        }
        let scratch = self.scratch.folder()?;
        stage(Stage::Compiling(&exercise.name));
        let worker = match self.compile(exercise, sources, scratch.path())? {
            Compiled::Worker(worker) => worker,
            Compiled::Refused(Refused { words, .. }) => {
                return Ok(Trial::ended(Outcome::DoesNotCompile(words)));
            }
        };
        stage(Stage::Judging(&exercise.name));
        let calls = scratch.path().join("calls");
        let subject = Subject::Worker(&worker);
        let judged = judge(self, exercise, subject, None, scratch.path(), &calls)?;
        let mut tests = judged.tests;
        if let (Some(training), Some(tested)) = (&self.training, trained(exercise, &mut tests)) {
            stage(Stage::Training(&exercise.name));
            let fault = training.test(self, exercise, &worker, scratch.path())?;
            tested.passed = fault.is_none();
            tested.message = fault;
        }
        let doubted = |tested: &Tested| Tested {
            passed: tested.passed && doubt == Doubt::Failures,
            ..tested.clone()
        };
        let doubted: Vec<_> = tests.iter().map(doubted).collect();
        if doubt == Doubt::Nothing {
            return Ok(Trial {
                outcome: Outcome::Tested,
                tests,
                suspicion: Ok(Suspicion::default()),
            });
        }
        // Whatever comes of it, the grade stands.
        let suspect = || self.namer.suspect(self, exercise, &calls, &doubted, stage);
        let suspicion = without_panic(suspect);
        Ok(Trial {
            outcome: Outcome::Tested,
            tests,
            suspicion,
        })
    }

    /// Compiles an exercise's sources into a worker, within `folder`, which is empty. Where it may be the machine that
    /// failed, the reference is compiled in the same surroundings, which then decides.
    ///
    /// # Errors
    /// Returns an error if something of the course or the machine fails, or somebody wants to stop.
    pub fn compile(
        &self,
        exercise: &Exercise,
        sources: &[Source],
        folder: &Path,
    ) -> Result<Compiled> {
        let stop = || self.is_stopped();
        let root = &self.course.root;
        let compile = || compile(&self.workshop, root, exercise, sources, folder, &stop);
        let compiled = compile()?;
        let Compiled::Refused(Refused {
            machine: Some(fault),
            ..
        }) = &compiled
        else {
            return Ok(compiled);
        };
        if !self.has_reference(exercise) {
            return Ok(compiled);
        }
        let scratch = self.scratch.folder()?;
        self.compile_reference(exercise, scratch.path())
            .context("this machine cannot compile the reference either")?;
        match fault {
            MachineFault::Killed => Ok(compiled),
            // What the machine lacked for a moment it may have again.
            MachineFault::Unplaced => compile(),
        }
    }

    /// Returns whether the course holds the reference of an exercise, and was not given out without it.
    pub fn has_reference(&self, exercise: &Exercise) -> bool {
        let solution = self.course.root.join("solutions").join(&exercise.folder);
        solution.is_dir()
    }

    /// What an exercise's code may take.
    pub fn limits_of(&self, exercise: &Exercise) -> Limits {
        Limits::of(self.limits, exercise.facts.limits)
    }

    /// The sources of an exercise's reference.
    ///
    /// # Errors
    /// Where it is not there: the course is at fault.
    pub fn reference(&self, exercise: &Exercise) -> Result<Vec<Source>> {
        let solutions = Candidate {
            name: "solutions".to_owned(),
            path: self.course.root.join("solutions"),
        };
        let folder = exercise.folder.as_str();
        let mut solutions = solutions.read(&[folder], &IntakeLimits::default())?;
        let sources = solutions.exercises.remove(folder);
        sources.with_context(|| format!("{folder} has no solution"))
    }

    /// Compiles the reference of an exercise into a worker, within `folder`, which is empty.
    ///
    /// # Errors
    /// Where it is not there or does not compile: the course is at fault.
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

    /// Whether somebody wants to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_grader_ends_one_exercise_and_not_the_batch() -> Result<()> {
        static STOP: AtomicBool = AtomicBool::new(false);
        let folder = tempfile::tempdir()?;
        let course = Course::open(concat!(env!("CARGO_MANIFEST_DIR"), "/..").as_ref())?;
        let candidate = Candidate {
            name: "solutions".to_owned(),
            path: course.root.join("solutions"),
        };
        let grader = Grader {
            exercises: course.exercises.clone(),
            workshop: Workshop::build(&course, &[], Level::default())?,
            scratch: Arc::new(Scratch::new(folder.path())?),
            namer: Arc::default(),
            level: Level::default(),
            limits: Asked::default(),
            seed: None,
            is_discreet: false,
            margin: 1,
            training: None,
            stop: &STOP,
            course,
        };
        let stumble = |stage: Stage<'_>| assert_eq!(stage, Stage::Reading, "a stone");
        let graded = grader.grade(&candidate, 2, &stumble);
        let graded = graded.context("nobody stopped it")?;
        assert!(!graded.is_complete());
        assert_eq!(graded.exercises.len(), grader.exercises.len());
        for exercise in graded.exercises {
            assert!(
                matches!(&exercise.outcome, Outcome::NotGraded(why) if why.contains("a stone")),
                "{:?}",
                exercise.outcome
            );
        }
        Ok(())
    }
}
