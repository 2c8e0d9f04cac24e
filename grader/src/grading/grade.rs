//! Grading one submission: each exercise compiled, asked, judged and counted.

use crate::course::{Exercise, Kind};
use crate::environment::Environment;
use crate::grading::judge::{Ahead, Subject, calls_in, judge, tally};
use crate::grading::naming::{Namer, Suspicion};
use crate::grading::rules;
use crate::grading::stage::Stage;
use crate::grading::verdict::{ExerciseGrade, Outcome, SubmissionGrade, Tested};
use crate::machine::lanes;
use crate::train::graded::Training;
use crate::worker::broken::Broken;
use crate::worker::compile::{Compiled, Refused};
use anyhow::{Result, bail};
use intake::{Candidate, EscapedText, IntakeLimits, PartsDigest, Source};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use wire::{panic_text, printable_lines};

/// Grades submissions: an environment, and what names misconceptions and trains models in it.
#[derive(Clone, Debug)]
pub struct Grader {
    /// The environment that everything shares.
    pub environment: Environment,
    /// The misconceptions.
    pub namer: Arc<Namer>,
    /// The long training, if it is requested.
    pub training: Option<Arc<Training>>,
}

/// The test that a long training stands in for. Where it failed already, so would the training, after minutes.
fn trained<'a>(exercise: &Exercise, tests: &'a mut [Tested]) -> Option<&'a mut Tested> {
    let name = format!("{}::{}", Kind::Training, exercise.facts.trained.as_ref()?);
    tests
        .iter_mut()
        .find(|tested| tested.test == name && tested.passed)
}

/// The place of exercises in a submission, in words.
const PLACE_OF_EXERCISES: &str =
    "exercises lie in exercises/NN-name/src or NN-name/src, named as in the course";

/// The result of trying one exercise.
#[derive(Debug)]
pub struct Trial {
    /// The outcome of the exercise.
    pub outcome: Outcome,
    /// The result of each graded test, if they ran.
    pub tests: Vec<Tested>,
    /// The misconceptions that answer as the submission did, or the error that kept them from being found.
    pub suspicion: Result<Suspicion>,
}

/// The part of a trial that is compared with the misconceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Nothing.
    Nothing,
    /// The trial, if a test failed.
    Failures,
    /// The trial, as if every test had failed.
    Everything,
}

impl Trial {
    /// A trial that ended before a test ran.
    fn ended(outcome: Outcome) -> Self {
        Self {
            outcome,
            tests: vec![],
            suspicion: Ok(Suspicion::default()),
        }
    }

    /// A trial in which the grader failed.
    fn not_graded(error: &anyhow::Error) -> Self {
        Self::ended(Outcome::NotGraded(format!("{error:#}")))
    }
}

/// Runs `act`, and turns a panic into an error: whatever goes wrong in the grader with one submission, the batch goes
/// on.
///
/// # Errors
/// Returns an error if `act` fails or panics.
pub(crate) fn without_panic<T>(act: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|payload| {
        let text = panic_text(&*payload).unwrap_or("without a message");
        // It may quote what the submission holds.
        bail!("the grader panicked: {}", printable_lines(text))
    })
}

/// SHA-256 over the files of an exercise.
pub(crate) fn digest_of(sources: &[Source]) -> String {
    let mut digest = PartsDigest::default();
    for source in sources {
        digest.add(source.path.as_bytes());
        digest.add(&source.bytes);
    }
    digest.hex()
}

/// Returns whether an earlier result is that of the files with this digest. One that is incomplete is no reason not to try
/// again.
fn is_finished(earlier: &SubmissionGrade, digest: &str) -> bool {
    earlier.is_complete() && !earlier.digest.is_empty() && earlier.digest == digest
}

/// The earlier result of an exercise, if it was graded and its files were these.
fn kept(
    earlier: &SubmissionGrade,
    exercise: &Exercise,
    sources: &[Source],
) -> Option<ExerciseGrade> {
    let mut exercises = earlier.exercises.iter();
    let before = exercises.find(|before| before.exercise == exercise.folder)?;
    let is_graded = !matches!(before.outcome, Outcome::NotGraded(_));
    (is_graded && before.digest == digest_of(sources)).then(|| before.clone())
}

impl Grader {
    /// Reads and grades a submission, as many of its exercises at a time as there are lanes; nothing where it was stopped.
    /// If its files are those of an `earlier` result under the same terms, that is returned; if only those of some exercises
    /// are, these keep theirs.
    pub fn grade(
        &self,
        candidate: &Candidate,
        earlier: Option<&SubmissionGrade>,
        lanes: usize,
        stage: &(dyn Fn(Stage<'_>) + Sync),
    ) -> Option<SubmissionGrade> {
        stage(Stage::Reading);
        let start = Instant::now();
        let (stop, limits) = (|| self.environment.is_stopped(), IntakeLimits::default());
        let read = || Ok(candidate.read_unless(&stop, &self.environment.course.folders(), &limits));
        let read = match without_panic(read) {
            Ok(Err(refusal)) if refusal.is_of_the_machine() => Err(refusal.into()),
            read => read,
        };
        let mut graded = SubmissionGrade {
            submission: candidate.name.clone(),
            path: EscapedText::from(candidate.path.as_os_str()).to_string(),
            digest: String::new(),
            sandbox: self.environment.level.to_string(),
            refused: None,
            note: None,
            remarks: vec![],
            points: 0.0,
            max_points: 0.0,
            exercises: vec![],
            seconds: 0.0,
        };
        let sources = match read {
            Ok(Ok(submission)) => {
                if let Some(earlier) = earlier
                    && is_finished(earlier, &submission.digest)
                {
                    return Some(earlier.clone());
                }
                if submission.exercises.is_empty() && submission.left_out.is_empty() {
                    // Remarks name the exercises, if it is clear which they are.
                    let found = submission
                        .elsewhere
                        .filter(|_| submission.remarks.is_empty());
                    let found = found.map(|found| format!(" ({found})"));
                    let found = found.unwrap_or_default();
                    graded.note = Some(format!(
                        "no exercise was found in it{found}: {PLACE_OF_EXERCISES}"
                    ));
                }
                graded.digest = submission.digest;
                graded.remarks = submission.remarks;
                let left_out = submission.left_out.into_iter();
                let left_out = left_out.map(|(exercise, why)| (exercise, Err(why)));
                let taken = submission.exercises.into_iter();
                let taken = taken.map(|(exercise, sources)| (exercise, Ok(sources)));
                Ok(taken.chain(left_out).collect::<BTreeMap<_, _>>())
            }
            Ok(Err(refusal)) => {
                graded.refused = Some(refusal.to_string());
                Ok(BTreeMap::new())
            }
            Err(error) => Err(error),
        };
        // The longest exercise begins first, so that no lane is idle at the end: those with libtorch, and the later the longer.
        let mut longest_first: Vec<_> = self.environment.exercises.iter().rev().collect();
        longest_first.sort_by_key(|exercise| !exercise.uses_torch);
        let exercises = lanes::each(&longest_first, lanes, |_, exercise| {
            (!self.environment.is_stopped()).then(|| match &sources {
                Ok(sources) => match sources.get(&exercise.folder) {
                    Some(Err(why)) => self.leave_out(exercise, why),
                    Some(Ok(sources)) => earlier
                        .and_then(|earlier| kept(earlier, exercise, sources))
                        .unwrap_or_else(|| self.grade_exercise(exercise, Some(sources), stage)),
                    None => self.grade_exercise(exercise, None, stage),
                },
                Err(error) => self.count(exercise, Trial::not_graded(error), Instant::now()),
            })
        });
        let mut exercises = exercises.into_iter().collect::<Option<Vec<_>>>()?;
        exercises.sort_by(|a, b| a.exercise.cmp(&b.exercise));
        if self.environment.is_stopped() {
            return None;
        }
        graded.points = exercises.iter().map(|exercise| exercise.points).sum();
        graded.max_points = exercises.iter().map(|exercise| exercise.max_points).sum();
        graded.exercises = exercises;
        graded.seconds = start.elapsed().as_secs_f64();
        Some(graded)
    }

    /// The grade of an exercise that was handed in and cannot be taken, and why.
    pub fn leave_out(&self, exercise: &Exercise, why: &str) -> ExerciseGrade {
        let outcome = Outcome::NotAccepted(why.to_owned());
        self.count(exercise, Trial::ended(outcome), Instant::now())
    }

    /// Grades one exercise of which these are the sources.
    pub fn grade_exercise(
        &self,
        exercise: &Exercise,
        sources: Option<&[Source]>,
        stage: &dyn Fn(Stage<'_>),
    ) -> ExerciseGrade {
        let start = Instant::now();
        let trial = match sources {
            None => Trial::ended(Outcome::Missing),
            Some(sources) => {
                let act = || self.try_exercise(exercise, sources, Doubt::Failures, stage);
                without_panic(act).unwrap_or_else(|error| Trial::not_graded(&error))
            }
        };
        let digest = sources.map(digest_of).unwrap_or_default();
        ExerciseGrade {
            digest,
            ..self.count(exercise, trial, start)
        }
    }

    /// The grade of a trial that began at `start`.
    fn count(&self, exercise: &Exercise, trial: Trial, start: Instant) -> ExerciseGrade {
        let Trial {
            outcome,
            tests,
            suspicion,
        } = trial;
        let Suspicion { named, look_at, .. } = suspicion.unwrap_or_else(|error| {
            if !self.environment.is_stopped() {
                // The grade stands without it.
                warn!("{}: no misconception is named: {error:#}", exercise.folder);
            }
            Suspicion::default()
        });
        let kinds = tally(exercise, &tests);
        ExerciseGrade {
            limits: self.environment.limits_of(exercise),
            exercise: exercise.folder.clone(),
            digest: String::new(),
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

    /// Compiles and judges one exercise, and compares its answers with those of the misconceptions.
    ///
    /// # Errors
    /// Returns an error if the grader itself fails, which is no fault of the submission.
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
        let stop = || self.environment.is_stopped();
        if self.environment.level.rules
            && let Some(breach) = rules::breach(exercise, sources, &stop)?
        {
            return Ok(Trial::ended(Outcome::NotAccepted(breach)));
        }
        let scratch = self.environment.scratch.folder()?;
        stage(Stage::Compiling(&exercise.name));
        // An error here is reported when the judge is started after compiling.
        let ahead = Ahead::start(&self.environment, exercise).ok().flatten();
        let worker = match self
            .environment
            .compile(exercise, sources, scratch.path())?
        {
            Compiled::Worker(worker) => worker,
            Compiled::Refused(Refused { words, .. }) => {
                return Ok(Trial::ended(Outcome::DoesNotCompile(words)));
            }
        };
        stage(Stage::Judging(&exercise.name));
        let (judged, worker, scratch) = match ahead {
            Some(ahead) => ahead.judge(&self.environment, exercise, &worker)?,
            None => {
                let (subject, folder) = (Subject::Worker(&worker), scratch.path());
                let calls = calls_in(folder);
                let judged = judge(&self.environment, exercise, subject, None, folder, &calls)?;
                (judged, worker, scratch)
            }
        };
        let calls = calls_in(scratch.path());
        let mut tests = judged.tests;
        if let (Some(training), Some(tested)) = (&self.training, trained(exercise, &mut tests)) {
            stage(Stage::Training(&exercise.name));
            let fault = training.test(&self.environment, exercise, &worker, scratch.path())?;
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
        let suspect = || {
            self.namer
                .suspect(&self.environment, exercise, &calls, &doubted, stage)
        };
        let suspicion = without_panic(suspect);
        Ok(Trial {
            outcome: Outcome::Tested,
            tests,
            suspicion,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::Course;
    use crate::limits::LimitOverrides;
    use crate::machine::scratch::Scratch;
    use crate::worker::workshop::Workshop;
    use anyhow::Context;
    use sandbox::Level;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_panic_of_the_grader_ends_one_exercise_and_not_the_batch() -> Result<()> {
        static STOP: AtomicBool = AtomicBool::new(false);
        let folder = tempfile::tempdir()?;
        let course = Course::open(concat!(env!("CARGO_MANIFEST_DIR"), "/..").as_ref())?;
        let candidate = Candidate::new("solutions", course.root.join("solutions"));
        let environment = Environment {
            exercises: course.exercises.clone(),
            workshop: Workshop::build(&course, &[], Level::default())?,
            scratch: Arc::new(Scratch::new(folder.path())?),
            level: Level::default(),
            limits: LimitOverrides::default(),
            seed: None,
            is_discreet: false,
            is_own_code: false,
            starts_judge_early: false,
            keeps_answers: false,
            margin: 1,
            stop: &STOP,
            course,
        };
        let grader = Grader {
            environment,
            namer: Arc::default(),
            training: None,
        };
        let stumble = |stage: Stage<'_>| assert_eq!(stage, Stage::Reading, "a stone");
        let graded = grader.grade(&candidate, None, 2, &stumble);
        let graded = graded.context("nobody stopped it")?;
        assert!(!graded.is_complete());
        assert_eq!(graded.exercises.len(), grader.environment.exercises.len());
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
