//! The worker of the trained code, and that of the reference that it is compared with.

use crate::cli::Train;
use crate::command::{gpu, subject};
use crate::course::Exercise;
use crate::environment::Environment;
use crate::exit::{Blame, Failure};
use crate::train::code::{CodeKind, TrainedCode};
use crate::train::device::{Device, DeviceChoice};
use crate::worker::session::Session;
use anyhow::Context;
use hints::{WithHint, hints};
use intake::Source;
use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use wire::Request;

/// The subject's worker, and the reference's, each in a folder of its own.
pub(super) struct Subjects {
    pub(super) name: String,
    /// The subject's code.
    pub(super) code: TrainedCode,
    exercise: Exercise,
    scratch: TempDir,
    worker: PathBuf,
    /// Whether the subject is the reference.
    is_reference: bool,
    /// The reference's worker, where it was needed.
    course: OnceCell<PathBuf>,
}

impl Subjects {
    /// Compiles the working copy, the solution or a submission; nothing where it is refused, once it was said why.
    pub(super) fn compile(
        environment: &Environment,
        exercise: &Exercise,
        (sources, code): (&[Source], TrainedCode),
        arguments: &Train,
    ) -> Result<Option<Self>, Failure> {
        let scratch = environment.scratch.folder()?;
        let worker = subject::worker(environment, exercise, sources, scratch.path())?;
        Ok(worker.map(|worker| Self {
            name: arguments.subject.name(),
            code,
            exercise: exercise.clone(),
            scratch,
            worker,
            is_reference: arguments.subject.solution,
            course: OnceCell::new(),
        }))
    }

    /// The reference's code.
    pub(super) fn reference_code(&self, environment: &Environment) -> Result<TrainedCode, Failure> {
        let sources = environment.reference(&self.exercise)?;
        Ok(TrainedCode::of(CodeKind::Solution, &sources))
    }

    /// A new worker of the subject's.
    pub(super) fn submission(
        &self,
        environment: &Environment,
        device: Device,
    ) -> Result<Session, Failure> {
        Ok(Session::of_trainer(environment, &self.worker, device)?)
    }

    /// A new worker of the reference's, where that is another, and the course holds it.
    pub(super) fn reference(&self, environment: &Environment) -> Result<Option<Session>, Failure> {
        if self.is_reference || !environment.course.has_reference(&self.exercise) {
            return Ok(None);
        }
        self.course(environment, Device::Cpu).map(Some)
    }

    /// A new worker of the reference's.
    pub(super) fn course(
        &self,
        environment: &Environment,
        device: Device,
    ) -> Result<Session, Failure> {
        if self.is_reference {
            return self.submission(environment, device);
        }
        // Beside the subject's, so that both are removed together.
        let folder = self.scratch.path().join("reference");
        let worker = match self.course.get() {
            Some(worker) => worker.clone(),
            None => self.compile_course(environment, &folder)?,
        };
        let _ = self.course.set(worker.clone());
        Ok(Session::of_trainer(environment, &worker, device)?)
    }

    fn compile_course(&self, environment: &Environment, folder: &Path) -> Result<PathBuf, Failure> {
        fs::create_dir(folder)
            .with_context(|| format!("{} cannot be created", folder.display()))?;
        Ok(environment.compile_reference(&self.exercise, folder)?)
    }
}

/// Starts the subject's worker with the device that was asked for, or with the one that there is.
pub(super) fn open(
    environment: &Environment,
    own: &Subjects,
    wanted: DeviceChoice,
) -> Result<(Session, Device), Failure> {
    let on_cpu = || Ok((own.submission(environment, Device::Cpu)?, Device::Cpu));
    if wanted == DeviceChoice::Cpu {
        return on_cpu();
    }
    let opened = gpu(&environment.course).and_then(|()| {
        let mut session = Session::of_trainer(environment, &own.worker, Device::Cuda)?;
        session.ask(Request {
            operation: "train.device".to_owned(),
            arguments: [("device".to_owned(), Device::Cuda.to_string())].into(),
            ..Request::default()
        })?;
        Ok(session)
    });
    match opened {
        Ok(session) => Ok((session, Device::Cuda)),
        Err(why) if wanted == DeviceChoice::Auto => {
            note!("no GPU: {why:#}");
            for hint in hints(&why) {
                note!("hint: {hint}");
            }
            on_cpu()
        }
        Err(why) => Err(why.context("no GPU can be used"))
            .hint("`--device cpu` trains without one")
            .blame_setup(),
    }
}
