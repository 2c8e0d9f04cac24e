//! A program that measures a solution, compiled with optimisation.

use crate::course::Exercise;
use crate::environment::Environment;
use crate::worker::compile::{library_arguments, worker_arguments};
use crate::worker::profiles;
use anyhow::{Context, Result, bail};
use intake::Source;
use sandbox::process;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::printable_lines;

/// The time limit on each call of rustc, which optimises for seconds.
const LIMIT: Duration = Duration::from_secs(120);

/// Compiles sources, within `scratch`, an empty folder.
///
/// # Errors
/// Returns an error if they do not compile.
pub(super) fn compile(
    environment: &Environment,
    exercise: &Exercise,
    sources: &[Source],
    scratch: &Path,
) -> Result<PathBuf> {
    let workshop = &environment.workshop;
    let write = |path: &Path, content: &[u8]| {
        let folder = path.parent().unwrap_or(scratch);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(path, content))
            .with_context(|| format!("cannot write {}", path.display()))
    };
    let src = scratch.join("src");
    for source in sources {
        write(&src.join(&source.path), &source.bytes)?;
    }
    let library = scratch.join(format!("lib{}.rlib", exercise.name));
    run(
        environment,
        exercise,
        scratch,
        library_arguments(workshop, exercise, &src, &library)?,
    )?;
    // The exercise's worker, but that it measures.
    let main = scratch.join("main.rs");
    let source = exercise
        .worker
        .replacen("workers::serve(", "workers::serve_timed(", 1);
    write(&main, source.as_bytes())?;
    let program = scratch.join("worker");
    let own = workshop.worker_source(exercise);
    let arguments = worker_arguments(workshop, exercise, &library, &program)?;
    let arguments = arguments
        .into_iter()
        .map(|argument| match argument == own.as_os_str() {
            true => main.clone().into_os_string(),
            false => argument,
        });
    run(environment, exercise, scratch, arguments.collect())?;
    Ok(program)
}

fn run(
    environment: &Environment,
    exercise: &Exercise,
    scratch: &Path,
    arguments: Vec<OsString>,
) -> Result<()> {
    let workshop = &environment.workshop;
    let confinement = profiles::of_linker(workshop, exercise, scratch);
    let mut rustc = confinement.command(&workshop.rustc)?;
    rustc.args(arguments).arg("-Copt-level=3");
    let finished = process::run(&mut rustc, LIMIT, &|| environment.is_stopped())?;
    if !finished.status.success() {
        let words: String = finished.stderr.trim().chars().take(4 << 10).collect();
        bail!("rustc: {}", printable_lines(&words));
    }
    Ok(())
}
