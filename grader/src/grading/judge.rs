//! Running a judge on a worker, and reading its verdict on each test.

mod ahead;
mod deaths;
mod discretion;
mod evidence;
mod output;

pub use ahead::{Ahead, calls_in};
pub use evidence::Evidence;

use crate::course::{Exercise, Kind};
use crate::environment::Environment;
use crate::grading::rules;
use crate::grading::verdict::{Requests, Tally, Tested};
use crate::grading::{answers, seed};
use crate::machine::processors;
use crate::worker::broken::Broken;
use crate::worker::profiles;
use anyhow::{Context, Result, bail};
use deaths::Rerun;
use discretion::discreet;
use output::{Report, Verdict};
use sandbox::process::{self, CompletedProcess, NotStarted, Running};
use sandbox::{Confinement, confining_program};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use wire::words::{
    ANSWERS_VARIABLE, CASES_VARIABLE, COURSE_FAULT, FORBIDDEN, LAZY, MARGIN_VARIABLE, NOTES,
    REFERENCE, REQUEST_LOG, SUBJECT_VARIABLE, TABLE_VARIABLE, WAITS_VARIABLE, out_of_time,
};

/// The time that a judge has after the exercise's time limit, to give up the remaining tests and report why.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// MiB of the reference's answers to one operation at most.
const MOST_OF_A_TABLE: u64 = 4 << 10;

/// The results of an exercise's tests.
#[derive(Clone, Debug)]
pub struct JudgeReport {
    /// Each graded test, in the course's order.
    pub tests: Vec<Tested>,
    /// The operations that the tests requested, and those of them that are implemented.
    pub evidence: Evidence,
}

/// The subject of a judge.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A submission, or a version of the solution: a program that the judge starts, confined.
    Worker(&'a Path),
    /// The reference, in the judge's own process. Its answers are written to the folder `table`.
    Reference {
        /// An empty folder.
        table: &'a Path,
    },
    /// The reference, in the judge's own process. Requests without tensors are logged in a folder, a file for each
    /// operation with a line for each request.
    RequestLog {
        /// An empty folder.
        folder: &'a Path,
        /// The number of cases of each drawn test.
        cases: usize,
    },
    /// The reference for all operations but one, which is answered from a table, and else by a stand-in.
    Lazy {
        /// The folder of the reference's answers.
        table: &'a Path,
        /// The operation.
        operation: &'a str,
        /// The stand-in's name.
        stand_in: &'a str,
    },
}

impl Subject<'_> {
    /// The variables that tell the judge of a subject in its own process.
    fn environment(self) -> Vec<String> {
        let mut cases_set = None;
        let (subject, table) = match self {
            Self::Worker(_) => return vec![],
            Self::Reference { table } => (REFERENCE.to_owned(), table),
            Self::RequestLog { folder, cases } => {
                cases_set = Some(format!("{CASES_VARIABLE}={cases}"));
                (REQUEST_LOG.to_owned(), folder)
            }
            Self::Lazy {
                table,
                operation,
                stand_in,
            } => (format!("{LAZY} {stand_in} {operation}"), table),
        };
        let mut variables = vec![
            format!("{SUBJECT_VARIABLE}={subject}"),
            format!("{TABLE_VARIABLE}={}", table.display()),
        ];
        variables.extend(cases_set);
        variables
    }
}

/// Has the judge of an exercise try a subject, and gives each graded test's result, in the course's order; those alone that
/// `only` names, if it names any. What was asked and answered is kept in `calls`, a folder within `scratch`.
///
/// # Errors
/// Returns an error if the judge itself fails, or did not run exactly the course's tests; [`Broken::NotAccepted`] where
/// the worker called an operator that it was asked to write.
pub fn judge(
    environment: &Environment,
    exercise: &Exercise,
    subject: Subject<'_>,
    only: Option<&BTreeSet<String>>,
    scratch: &Path,
    calls: &Path,
) -> Result<JudgeReport> {
    let bench = Bench {
        environment,
        exercise,
        subject,
        scratch,
        calls,
        start: Instant::now(),
        ahead: Cell::new(None),
    };
    bench.judge(only)
}

/// The reason why a submission is not accepted whose program cannot be started.
const NOT_LOADED: &str = "its program cannot be loaded within the limits, and the reference's can: it declares too much memory, or memory that is \
     laid out as none can be";

/// The bench at which a subject is judged.
struct Bench<'a> {
    environment: &'a Environment,
    exercise: &'a Exercise,
    subject: Subject<'a>,
    scratch: &'a Path,
    calls: &'a Path,
    /// The time at which the exercise's time limit began.
    start: Instant,
    /// The judge that is to run all tests, if it was started before the subject was there.
    ahead: Cell<Option<Running>>,
}

impl Bench<'_> {
    /// Has the judge try the subject, as [`judge`] does.
    fn judge(&self, only: Option<&BTreeSet<String>>) -> Result<JudgeReport> {
        let (environment, exercise, calls) = (self.environment, self.exercise, self.calls);
        let limits = environment.limits_of(exercise);
        let wanted = |test: &String| only.is_none_or(|only| only.contains(test));
        let tests: Vec<_> = exercise
            .tests()
            .map(|(_, test)| test)
            .filter(wanted)
            .collect();
        let (finished, deadly) = self.hear(&tests, only.is_some())?;
        let report = Report::read(&finished.stdout);
        let mut tested = vec![];
        for (kind, test) in exercise.tests().filter(|(_, test)| wanted(test)) {
            let (passed, message) = match report.verdicts.get(test.as_str()) {
                _ if deadly.contains_key(&test) => (false, deadly.get(&test).cloned()),
                Some(Verdict::Passed) => (true, None),
                Some(Verdict::Failed) => {
                    let message = report.message(&test);
                    let without = || {
                        if finished.timed_out {
                            out_of_time(limits.exercise_seconds)
                        } else {
                            "it failed without a word".to_owned()
                        }
                    };
                    (false, Some(message.unwrap_or_else(without)))
                }
                None if finished.timed_out => (false, Some(out_of_time(limits.exercise_seconds))),
                None => bail!(
                    "the judge of {} did not run {test} ({}): {}",
                    exercise.name,
                    finished.status,
                    finished.stderr.trim()
                ),
            };
            tested.push(Tested {
                test,
                kind,
                passed,
                message,
                not_counted: None,
                requests: Requests::default(),
            });
        }
        refuse_unknown_tests(exercise, &report, &tested)?;
        let evidence =
            Evidence::read(&calls.join(NOTES), tested.iter().map(|it| it.test.as_str()))?;
        if environment.is_discreet {
            for tested in &mut tested {
                let message = tested.message.as_deref();
                let sizes = evidence.sizes.get(&tested.test);
                tested.message =
                    message.map(|message| discreet(message, sizes.map(String::as_str)));
            }
        }
        for tested in &mut tested {
            let test = &tested.test;
            tested.requests = Requests {
                operations: evidence.asked.get(test).cloned().unwrap_or_default(),
                last: evidence.last.get(test).cloned(),
            };
            if tested.passed {
                tested.not_counted = evidence.not_counted(exercise, test);
            }
        }
        Ok(JudgeReport {
            tests: tested,
            evidence,
        })
    }

    /// Runs the judge until it gets to its end, as [`deaths::hear`] does. If the submission's program cannot be started, the
    /// reference's is: only if that cannot either, the machine is at fault.
    fn hear(
        &self,
        tests: &[String],
        selective: bool,
    ) -> Result<(CompletedProcess, BTreeMap<String, String>)> {
        let heard = deaths::hear(self, tests, selective);
        let is_not_started =
            |heard: &Result<_>| matches!(heard, Err(error) if error.is::<NotStarted>());
        let is_tried_again = matches!(self.subject, Subject::Worker(_))
            && is_not_started(&heard)
            && self.environment.course.has_reference(self.exercise);
        if !is_tried_again {
            return heard;
        }
        let Some(test) = tests.first() else {
            return heard;
        };
        self.reference(std::slice::from_ref(test))
            .context("this machine cannot start the reference either")?;
        // A resource that was short for a moment may be available again.
        let heard = deaths::hear(self, tests, selective);
        if is_not_started(&heard) {
            bail!(Broken::NotAccepted(NOT_LOADED.to_owned()));
        }
        heard
    }

    /// The rest of the exercise's time.
    fn left(&self) -> Duration {
        let limit = self.environment.limits_of(self.exercise).exercise();
        limit.saturating_sub(self.start.elapsed())
    }

    /// The command of the judge, in its sandbox: of all tests, or of those of these names. A worker that is still to be compiled
    /// will lie in `place`, an empty folder, and the judge waits for it.
    fn command(&self, only: &[String], place: Option<&Path>) -> Result<Command> {
        let Self {
            environment,
            exercise,
            subject,
            scratch,
            calls,
            ..
        } = *self;
        let (limits, left) = (environment.limits_of(exercise), self.left());
        let workshop = &environment.workshop;
        let judge = workshop.judge(exercise)?;
        let notes = calls.join(NOTES);
        fs::create_dir_all(&notes)
            .with_context(|| format!("{} cannot be created", notes.display()))?;
        // A subject in the judge's own process starts no worker: the judge stands in its place.
        let worker = match subject {
            Subject::Worker(worker) => worker,
            _ => judge,
        };
        let mut variables = vec![
            // Neither insta nor proptest is told anything by whoever starts the grader, nor by a file.
            "INSTA_FORCE_PASS=0".to_owned(),
            "INSTA_UPDATE=no".to_owned(),
            format!("JUDGE_CALL_SECONDS={}", limits.call_seconds),
            format!("JUDGE_EXERCISE_SECONDS={}", left.as_secs_f64().ceil()),
            "OMP_NUM_THREADS=1".to_owned(),
            format!("COURSE_FAULT_EXIT={COURSE_FAULT}"),
            format!("{MARGIN_VARIABLE}={}", environment.margin),
        ];
        let of_worker = Confinement {
            memory: limits.memory_mib,
            cpu: limits.processor_seconds(),
            ..profiles::of_worker(workshop, worker).within_judge()
        };
        let worker_command = of_worker.arguments(worker);
        let command = std::iter::once(confining_program()?.into_os_string()).chain(worker_command);
        if let Some(seed) = environment.seed {
            let seed = seed::of_exercise(&environment.course, exercise, seed)?;
            variables.push(format!("COURSE_SEED={seed}"));
        }
        for (i, part) in command.enumerate() {
            variables.push(format!("JUDGE_WORKER_{i}={}", part.to_string_lossy()));
        }
        let of_judge = profiles::of_judge(workshop, judge, worker, scratch)?;
        let mut confinement = Confinement {
            cpu: limits.processor_seconds(),
            // A worker inherits the judge's limits, and so they must be at least the worker's.
            memory: of_judge.memory.max(limits.memory_mib),
            ..of_judge
        };
        profiles::keep_calls_in(&mut confinement, calls);
        confinement.environment.extend(variables);
        let known = answers::folder(environment, exercise)?;
        if environment.keeps_answers {
            answers::make(&known, exercise)?;
            confinement.write.push(known.clone());
        } else if known.is_dir() {
            confinement.read.push(known.clone());
        }
        let known = format!("{ANSWERS_VARIABLE}={}", known.display());
        confinement.environment.push(known);
        confinement.environment.extend(subject.environment());
        if let Some(place) = place {
            confinement.run.push(place.to_owned());
            confinement.environment.push(format!("{WAITS_VARIABLE}=1"));
        }
        if let Subject::Reference { table }
        | Subject::RequestLog { folder: table, .. }
        | Subject::Lazy { table, .. } = subject
        {
            confinement.write.push(table.to_owned());
            confinement.file = MOST_OF_A_TABLE;
        }
        let mut command = confinement.command(judge)?;
        command.args(["--test-threads=1", "--color=never"]);
        if !exercise.facts.tests.contains_key(&Kind::Training) {
            command.arg(format!("--skip={}::", Kind::Training));
        }
        if !only.is_empty() {
            command.arg("--exact").args(only);
        }
        Ok(command)
    }

    /// Runs the judge: all its tests, or those of these names.
    fn run(&self, only: &[String]) -> Result<CompletedProcess> {
        let (environment, exercise) = (self.environment, self.exercise);
        let stop = || environment.is_stopped();
        let limit = self.left() + LAST_WORDS;
        let finished = match self.ahead.take().filter(|_| only.is_empty()) {
            Some(running) => running.finish(limit, &stop),
            None => {
                let mut command = self.command(only, None)?;
                let _bound = processors::bind();
                process::run(&mut command, limit, &stop)
            }
        };
        let finished =
            finished.with_context(|| format!("the judge of {} gave no verdict", exercise.name))?;
        if finished.status.code() == Some(COURSE_FAULT.into()) {
            // Its last line: before it may stand what libraries wrote.
            let words = finished.stderr.trim().lines().next_back();
            bail!("{}", words.unwrap_or("the course is at fault"));
        }
        if finished.status.code() == Some(FORBIDDEN.into()) {
            let operator = rules::forbidden_operator(&finished.stderr);
            bail!(Broken::NotAccepted(operator));
        }
        if stop() {
            // It may have been ended in the midst of a test.
            bail!(Broken::Stopped);
        }
        Ok(finished)
    }
}

impl Rerun for Bench<'_> {
    fn submission(&self, tests: &[String]) -> Result<CompletedProcess> {
        self.run(tests)
    }

    fn reference(&self, tests: &[String]) -> Result<bool> {
        let (environment, exercise) = (self.environment, self.exercise);
        if !environment.course.has_reference(exercise) {
            // Nothing shows that it is the machine.
            return Ok(true);
        }
        let scratch = environment.scratch.folder()?;
        let calls = scratch.path().join("calls");
        let worker = environment.compile_reference(exercise, scratch.path())?;
        let bench = Bench {
            subject: Subject::Worker(&worker),
            scratch: scratch.path(),
            calls: &calls,
            start: Instant::now(),
            ahead: Cell::new(None),
            ..*self
        };
        let finished = bench.run(tests)?;
        let verdicts = Report::read(&finished.stdout).verdicts;
        Ok(match tests {
            [] => finished.status.signal().is_none(),
            tests => tests
                .iter()
                .all(|test| verdicts.contains_key(test.as_str())),
        })
    }
}

/// The names of the tests that a judge holds, as it lists them.
///
/// # Errors
/// Returns an error if the judge does not list them.
pub fn tests_of(
    environment: &Environment,
    exercise: &Exercise,
    scratch: &Path,
) -> Result<Vec<String>> {
    let judge = environment.workshop.judge(exercise)?;
    // Listing starts no worker: the judge stands in its place.
    let confinement = profiles::of_judge(&environment.workshop, judge, judge, scratch)?;
    let mut command = confinement.command(judge)?;
    command.args(["--list", "--format=terse"]);
    let limit = environment.limits_of(exercise).exercise();
    let finished = process::run(&mut command, limit, &|| environment.is_stopped())?;
    if !finished.status.success() {
        bail!(
            "the judge of {} does not list its tests ({}): {}",
            exercise.name,
            finished.status,
            finished.stderr.trim()
        );
    }
    let names = finished
        .stdout
        .lines()
        .filter_map(|line| line.strip_suffix(": test"));
    Ok(names.map(str::to_owned).collect())
}

fn refuse_unknown_tests(exercise: &Exercise, report: &Report<'_>, tested: &[Tested]) -> Result<()> {
    for name in report.verdicts.keys() {
        if !tested.iter().any(|known| known.test == *name) {
            bail!(
                "the judge of {} ran {name}, which exercises/{}/Cargo.toml does not list",
                exercise.name,
                exercise.folder
            );
        }
    }
    Ok(())
}

/// Counts passed tests and their points by kind.
pub fn tally(exercise: &Exercise, tested: &[Tested]) -> BTreeMap<Kind, Tally> {
    exercise
        .facts
        .points
        .iter()
        .map(|(&kind, &max_points)| {
            let of_kind = || tested.iter().filter(|tested| tested.kind == kind);
            let passed = of_kind().filter(|tested| tested.counts()).count();
            let total = exercise.facts.tests.get(&kind).map_or(0, Vec::len);
            let tally = Tally {
                passed,
                not_counted: of_kind()
                    .filter(|tested| tested.not_counted.is_some())
                    .count(),
                total,
                points: if total == 0 {
                    0.0
                } else {
                    max_points * passed as f64 / total as f64
                },
                max_points,
            };
            (kind, tally)
        })
        .collect()
}
