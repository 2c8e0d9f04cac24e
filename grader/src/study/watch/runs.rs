//! Runs: one at a time, in a thread of its own, each of which can be ended.

use super::sources::Code;
use crate::course::{Course, Exercise};
use crate::grading::grade::{Grader, without_panic};
use crate::grading::places::add_places;
use crate::grading::stage::Stage;
use crate::grading::verdict::ExerciseGrade;
use anyhow::Result;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Prepares the grading of one exercise of a course, with this request to stop.
pub type Prepare =
    Box<dyn Fn(&Course, &Exercise, &'static AtomicBool) -> Result<Grader> + Send + 'static>;

/// The request that what runs stop, which environments hold. There is one run at a time.
static STOP: AtomicBool = AtomicBool::new(false);

/// True if it is the watcher that requests it, and the run is void.
static IS_VOID: AtomicBool = AtomicBool::new(false);

/// One exercise that is to be checked.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// The course as it is.
    pub(super) course: Arc<Course>,
    /// The number of its version: what was made ready for another one is made ready anew.
    pub(super) version: u64,
    /// The exercise.
    pub(super) exercise: Exercise,
    /// Its code.
    pub(super) code: Code,
}

/// A report of the thread.
#[derive(Debug)]
pub(super) enum Report {
    /// The stage that the run is in, in words.
    Stage(String),
    /// A verdict. More is to come of the same run if it is not the last: the usual mistakes take long to compile once.
    Graded {
        /// The grade.
        graded: Box<ExerciseGrade>,
        /// True if it is the run's last.
        is_last: bool,
        /// True if all of the exercise's tests ran.
        is_whole: bool,
    },
    /// The run ended without a verdict: it was stopped, or something that it takes is missing.
    Ended(Option<String>),
}

/// The thread that grades.
#[derive(Debug)]
pub(super) struct Runs {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    ended: Receiver<()>,
}

impl Runs {
    /// Starts the thread, which gives its reports to `report`.
    ///
    /// # Errors
    /// Returns an error if no thread can be started.
    pub(super) fn start(
        prepare: Prepare,
        report: impl Fn(Report) + Send + 'static,
    ) -> Result<Self> {
        let (jobs, incoming) = channel::<Job>();
        let (at_the_end, ended) = channel();
        let work = move || {
            let mut bench = Bench {
                prepare,
                version: 0,
                graders: BTreeMap::new(),
            };
            for job in incoming {
                bench.check(&job, &report);
            }
            drop::<Sender<()>>(at_the_end);
        };
        let thread = thread::Builder::new().spawn(work)?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            ended,
        })
    }

    /// Begins a run. The one before must have ended.
    pub(super) fn begin(&self, job: Job) {
        IS_VOID.store(false, Ordering::SeqCst);
        STOP.store(false, Ordering::SeqCst);
        if let Some(jobs) = &self.jobs {
            // The thread only ends with this.
            let _ = jobs.send(job);
        }
    }

    /// Ends the current run, if there is one.
    pub(super) fn stop(&self) {
        IS_VOID.store(true, Ordering::SeqCst);
        STOP.store(true, Ordering::SeqCst);
    }
}

impl Drop for Runs {
    /// Ends the current run, so that nothing of it is left; what cargo is building is not waited for.
    fn drop(&mut self) {
        self.stop();
        self.jobs = None;
        let late = self.ended.recv_timeout(Duration::from_secs(3));
        if late != Err(RecvTimeoutError::Timeout)
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

/// The graders that are ready, one for each exercise that was checked.
struct Bench {
    prepare: Prepare,
    version: u64,
    graders: BTreeMap<String, Grader>,
}

impl Bench {
    fn check(&mut self, job: &Job, report: &impl Fn(Report)) {
        if self.version != job.version {
            self.version = job.version;
            self.graders.clear();
        }
        let folder = &job.exercise.folder;
        if !self.graders.contains_key(folder) {
            report(Report::Stage("building its tests".to_owned()));
            let ready = without_panic(|| (self.prepare)(&job.course, &job.exercise, &STOP));
            match ready {
                Ok(grader) => self.graders.insert(folder.clone(), grader),
                Err(error) => return report(Report::Ended(Some(told(&error)))),
            };
        }
        let Some(grader) = self.graders.get_mut(folder) else {
            return;
        };
        let exercise = match grader.environment.exercises.as_slice() {
            [exercise] => exercise.clone(),
            _ => job.exercise.clone(),
        };
        let is_whole = exercise.tests().eq(job.exercise.tests());
        let tell = |graded: &ExerciseGrade, is_last| {
            report(Report::Graded {
                graded: Box::new(graded.clone()),
                is_last,
                is_whole,
            });
        };
        // First the verdict; what has to be compiled to say more comes after it.
        let (mut graded, waits) = grade(grader, &exercise, &job.code, true, report);
        if has_stopped(grader) {
            return report(Report::Ended(None));
        }
        tell(&graded, false);
        if waits {
            graded = grade(grader, &exercise, &job.code, false, report).0;
            if has_stopped(grader) {
                return report(Report::Ended(None));
            }
        }
        if let Code::Sources(sources) = &job.code {
            // The verdict stands without them.
            let _ = add_places(&grader.environment, &exercise, sources, &mut graded);
        }
        match has_stopped(grader) {
            true => report(Report::Ended(None)),
            false => tell(&graded, true),
        }
    }
}

/// Returns whether the run is void. What it interrupted by itself may run on.
fn has_stopped(grader: &mut Grader) -> bool {
    if STOP.swap(false, Ordering::SeqCst) {
        // It would keep that the mistakes could not be compiled.
        grader.namer = Arc::default();
    }
    IS_VOID.load(Ordering::SeqCst)
}

/// Grades an exercise. If `may_wait`, and the usual mistakes are not compiled yet, it ends without naming one;
/// returns whether it did.
fn grade(
    grader: &Grader,
    exercise: &Exercise,
    code: &Code,
    may_wait: bool,
    report: &impl Fn(Report),
) -> (ExerciseGrade, bool) {
    let waits = Cell::new(false);
    let stage = |stage: Stage<'_>| match stage {
        Stage::Gathering(_) if may_wait => {
            waits.set(true);
            STOP.store(true, Ordering::SeqCst);
        }
        stage => report(Report::Stage(in_words(stage).to_owned())),
    };
    let graded = match code {
        Code::Sources(sources) => grader.grade_exercise(exercise, Some(sources), &stage),
        Code::LeftOut(why) => grader.leave_out(exercise, why),
        Code::Missing => grader.grade_exercise(exercise, None, &stage),
    };
    (graded, waits.get())
}

fn in_words(stage: Stage<'_>) -> &'static str {
    match stage {
        Stage::Reading => "reading",
        Stage::Compiling(_) => "compiling your code",
        Stage::Judging(_) => "testing",
        Stage::Training(_) => "training your model",
        Stage::Gathering(_) => "compiling the usual mistakes, which is done once",
        Stage::Naming(_) => "comparing with the usual mistakes",
    }
}

/// An error and its hints, as lines.
fn told(error: &anyhow::Error) -> String {
    anstream::adapter::strip_str(&crate::terminal::error(error)).to_string()
}
