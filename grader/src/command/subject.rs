//! The code that a command runs, and its worker.

use super::{prepare, seconds};
use crate::cli::{CodeArgs, Judging};
use crate::course::{Course, Exercise};
use crate::environment::Environment;
use crate::exit::{Blame, Failure};
use crate::grading::rules;
use crate::train::code::CodeKind;
use crate::worker::ask::Respondent;
use crate::worker::compile::Compiled;
use anyhow::{Context, anyhow};
use intake::{Candidate, IntakeLimits, Source};
use sandbox::Author;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;
use wire::{Answer, Request, printable_lines};

/// A worker that waits for requests. When it is done with, the end of what it printed is shown: somebody may look for a
/// mistake that way.
pub(super) struct WaitingWorker<'a>(Respondent<'a>);

impl<'a> WaitingWorker<'a> {
    /// The worker at the path `worker`.
    pub(super) fn new(environment: &'a Environment, worker: &Path) -> Self {
        Self(Respondent::new(environment, worker))
    }

    /// As [`Respondent::ask`].
    pub(super) fn ask(&mut self, request: Request) -> anyhow::Result<Answer> {
        self.0.ask(request)
    }
}

impl Drop for WaitingWorker<'_> {
    fn drop(&mut self) {
        match self.0.end().trim_end() {
            "" => {}
            printed => warn!("the last it printed:\n{}", printable_lines(printed)),
        }
    }
}

impl CodeArgs {
    /// The sources of an exercise.
    pub(super) fn sources(
        &self,
        course: &Course,
        exercise: &Exercise,
    ) -> Result<Vec<Source>, Failure> {
        let path = match (&self.submission, self.solution) {
            (Some(path), _) => path.clone(),
            (None, true) => course.root.join("solutions"),
            (None, false) => course.root.join("exercises"),
        };
        if !path.exists() {
            return Err(anyhow!("{} does not exist", path.display())).blame_arguments();
        }
        // Also a link to a folder is fine where the caller gives it; within, none is followed.
        let whole = fs::canonicalize(&path)
            .with_context(|| format!("{} cannot be read", path.display()))
            .blame_arguments()?;
        let candidate = Candidate::new(exercise.name.clone(), whole);
        let submission = candidate
            .read(&course.folders(), &IntakeLimits::default())
            .blame_arguments()?;
        let mut exercises = submission.exercises;
        exercises
            .remove(&exercise.folder)
            .ok_or_else(|| match submission.left_out.get(&exercise.folder) {
                Some(why) => anyhow!("{}: {why}", path.display()),
                None => anyhow!("{} holds no {}", path.display(), exercise.folder),
            })
            .blame_arguments()
    }

    /// The place that it is taken from.
    pub(super) fn kind(&self) -> CodeKind {
        match (&self.submission, self.solution) {
            (Some(_), _) => CodeKind::Submission,
            (None, true) => CodeKind::Solution,
            (None, false) => CodeKind::WorkingCopy,
        }
    }

    /// Its name, with control characters escaped.
    pub(super) fn name(&self) -> String {
        match (&self.submission, self.solution) {
            (Some(path), _) => {
                wire::printable(&path.file_name().unwrap_or_default().to_string_lossy())
            }
            (None, true) => "solution".to_owned(),
            (None, false) => "working copy".to_owned(),
        }
    }

    /// The environment in which the code is compiled and called.
    pub(super) fn prepare(
        &self,
        course: Course,
        exercises: Vec<Exercise>,
    ) -> Result<Environment, Failure> {
        let judging = Judging {
            sandbox: self.sandbox,
            author: match self.kind() {
                CodeKind::Submission => Author::Others,
                CodeKind::Solution | CodeKind::WorkingCopy => Author::Oneself,
            },
            ..Judging::default()
        };
        Ok(Environment {
            is_own_code: self.kind() == CodeKind::WorkingCopy,
            ..prepare(course, exercises, &judging)?.environment
        })
    }
}

/// As [`worker`], which is then started when it is first asked.
pub(super) fn start<'a>(
    environment: &'a Environment,
    exercise: &Exercise,
    sources: &[Source],
    folder: &Path,
) -> Result<Option<WaitingWorker<'a>>, Failure> {
    let worker = worker(environment, exercise, sources, folder)?;
    Ok(worker.map(|worker| WaitingWorker::new(environment, &worker)))
}

/// Compiles the sources into a worker, within `folder`, which is empty; `None` where they are refused, which is said.
pub(super) fn worker(
    environment: &Environment,
    exercise: &Exercise,
    sources: &[Source],
    folder: &Path,
) -> Result<Option<PathBuf>, Failure> {
    let stop = || environment.is_stopped();
    if let Some(breach) = rules::breach(exercise, sources, &stop)? {
        warn!("it is not accepted: {}", printable_lines(&breach));
        return Ok(None);
    }
    let begin = Instant::now();
    let compiled = environment.compile(exercise, sources, folder)?;
    detail!("compiled: {} ({})", exercise.folder, seconds(begin));
    match compiled {
        Compiled::Worker(worker) => Ok(Some(worker)),
        Compiled::Refused(refused) => {
            warn!("{}", printable_lines(&refused.words));
            Ok(None)
        }
    }
}
