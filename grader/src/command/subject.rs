//! Whose code a command runs, and its worker.

use super::prepare;
use crate::ask::Respondent;
use crate::cli::{Judging, Subject};
use crate::compile::{Compiled, compile};
use crate::course::{Course, Exercise};
use crate::exit::{Blame, Exit, Failure};
use crate::grade::Grader;
use crate::intake::{Candidate, Limits, Source};
use crate::rules;
use anyhow::{Context, anyhow};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use wire::printable_lines;

/// A worker that waits for requests, and the folder that it lies in.
pub(super) struct Started<'a> {
    pub(super) respondent: Respondent<'a>,
    // Taken away once the worker has ended.
    _folder: TempDir,
}

impl Subject {
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
        let candidate = Candidate {
            name: exercise.name.clone(),
            path: whole,
        };
        let submission = candidate
            .read(&course.folders(), &Limits::default())
            .blame_arguments()?;
        let mut exercises = submission.exercises;
        exercises.remove(&exercise.folder).ok_or_else(|| Failure {
            exit: Exit::Arguments,
            error: anyhow!("{} holds no {}", path.display(), exercise.folder),
        })
    }

    /// What it is called, fit to be shown.
    pub(super) fn name(&self) -> String {
        match (&self.submission, self.solution) {
            (Some(path), _) => {
                wire::printable(&path.file_name().unwrap_or_default().to_string_lossy())
            }
            (None, true) => "solution".to_owned(),
            (None, false) => "working copy".to_owned(),
        }
    }

    /// What compiling and asking takes.
    pub(super) fn prepare(
        &self,
        course: Course,
        exercises: Vec<Exercise>,
    ) -> Result<Grader, Failure> {
        let judging = Judging {
            sandbox: self.sandbox,
            ..Judging::default()
        };
        prepare(course, exercises, &judging)
    }
}

/// Compiles the sources into a worker that is started when it is first asked; `None` where they do not compile, which is
/// then said.
pub(super) fn start<'a>(
    grader: &'a Grader,
    exercise: &Exercise,
    sources: &[Source],
) -> Result<Option<Started<'a>>, Failure> {
    let folder = grader.scratch.folder()?;
    let Some(worker) = worker(grader, exercise, sources, folder.path())? else {
        return Ok(None);
    };
    Ok(Some(Started {
        respondent: Respondent::new(&grader.workshop, &worker, folder.path()),
        _folder: folder,
    }))
}

/// Compiles the sources into a worker, in a folder of its own.
pub(super) fn worker(
    grader: &Grader,
    exercise: &Exercise,
    sources: &[Source],
    folder: &Path,
) -> Result<Option<PathBuf>, Failure> {
    if let Some(breach) = rules::breach(exercise, sources) {
        eprintln!("it is not accepted: {}", printable_lines(&breach));
        return Ok(None);
    }
    let stop = || grader.is_stopped();
    let root = &grader.course.root;
    match compile(&grader.workshop, root, exercise, sources, folder, &stop)? {
        Compiled::Worker(worker) => Ok(Some(worker)),
        Compiled::Refused(words) => {
            eprintln!("{}", printable_lines(&words));
            Ok(None)
        }
    }
}
