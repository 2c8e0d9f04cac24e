//! A judge that is started before its worker is compiled: while the compiler works on one processor, the judge loads libtorch on
//! another, and prepares its first test. It waits before its first call.

use super::{Bench, JudgeReport, Subject};
use crate::course::Exercise;
use crate::environment::Environment;
use crate::machine::lanes;
use crate::machine::processors::{self, Bound};
use anyhow::{Context, Result};
use sandbox::process::Running;
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;
use tempfile::TempDir;

/// A judge that waits for its worker. Dropped, it is ended.
#[derive(Debug)]
pub struct Ahead {
    running: Running,
    /// The processor of the judge, and then of its worker.
    _processor: Option<Bound>,
    folder: TempDir,
}

/// The name of the folder in which the judge may run a worker: no compiler can write there.
const PROGRAM: &str = "program";

impl Ahead {
    /// Starts the judge of an exercise, if the environment is to have it started early and there is a processor for it.
    ///
    /// # Errors
    /// Returns an error if it cannot be started.
    pub fn start(environment: &Environment, exercise: &Exercise) -> Result<Option<Self>> {
        if !environment.starts_judge_early || lanes::processors() < 2 {
            return Ok(None);
        }
        let folder = environment.scratch.folder()?;
        let place = folder.path().join(PROGRAM);
        fs::create_dir(&place).with_context(|| format!("{} cannot be created", place.display()))?;
        let (worker, calls) = (worker_in(folder.path()), calls_in(folder.path()));
        let bench = Bench {
            environment,
            exercise,
            subject: Subject::Worker(&worker),
            scratch: folder.path(),
            calls: &calls,
            start: Instant::now(),
            ahead: Cell::new(None),
        };
        let mut command = bench.command(&[], Some(&place))?;
        let processor = processors::bind();
        let running = Running::start(command.stdin(Stdio::piped()));
        if let Some(processor) = &processor {
            processor.let_go();
        }
        Ok(Some(Self {
            running: running?,
            _processor: processor,
            folder,
        }))
    }

    /// Has the judge try a worker, which is moved to where the judge may run it. Gives each graded test's result, in the
    /// course's order, the worker's new path, and the folder that holds it and what was asked and answered: see [`calls_in`].
    ///
    /// # Errors
    /// As [`judge`](super::judge).
    pub fn judge(
        self,
        environment: &Environment,
        exercise: &Exercise,
        worker: &Path,
    ) -> Result<(JudgeReport, PathBuf, TempDir)> {
        let place = worker_in(self.folder.path());
        fs::rename(worker, &place)
            .with_context(|| format!("{} cannot be written", place.display()))?;
        let bench = Bench {
            environment,
            exercise,
            subject: Subject::Worker(&place),
            scratch: self.folder.path(),
            calls: &calls_in(self.folder.path()),
            start: Instant::now(),
            ahead: Cell::new(Some(self.running)),
        };
        let judged = bench.judge(None)?;
        Ok((judged, place, self.folder))
    }
}

/// The path of the worker in the folder of a judge that was started before it.
fn worker_in(folder: &Path) -> PathBuf {
    folder.join(PROGRAM).join("worker")
}

/// The path of what was asked and answered in the folder of a judge.
pub fn calls_in(folder: &Path) -> PathBuf {
    folder.join("calls")
}
