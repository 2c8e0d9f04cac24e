//! From a submission's sources to a worker: two calls of rustc, on clean copies, in the sandbox.

use crate::confine::Confinement;
use crate::course::Exercise;
use crate::intake::Source;
use crate::process::{self, Finished};
use crate::workshop::Workshop;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use wire::printable_lines;

/// What compiling one crate may take. The solutions take under half a second.
const LIMIT: Duration = Duration::from_secs(30);

/// What came of the sources.
#[derive(Debug)]
pub enum Compiled {
    /// A worker, at this path.
    Worker(PathBuf),
    /// The compiler refused; these are its words.
    Refused(String),
}

/// Compiles an exercise's sources into a worker, within `scratch`, an empty folder.
///
/// # Errors
/// Where something of the course or the system fails, which is no fault of the submission.
pub fn compile(
    workshop: &Workshop,
    course_root: &Path,
    exercise: &Exercise,
    sources: &[Source],
    scratch: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<Compiled> {
    let src = scratch.join("src");
    for source in sources {
        let path = src.join(&source.path);
        let folder = path.parent().unwrap_or(&src);
        fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        fs::write(&path, &source.bytes)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if let Some(refusal) = mention_of_unsafe(exercise, sources) {
        return Ok(Compiled::Refused(refusal));
    }
    if !src.join("lib.rs").is_file() {
        return Ok(Compiled::Refused(format!(
            "{}/src/lib.rs is missing",
            exercise.folder
        )));
    }
    let shelf = workshop.shelf(exercise);
    let library = scratch.join(format!("lib{}.rlib", exercise.name));
    let mut rustc = compiler(workshop, course_root, exercise, scratch)?;
    rustc
        .args(["--crate-name", &exercise.name, "--crate-type=rlib"])
        // Not `-F`: ndarray's own macros hold unsafe code, and allow it.
        .args(["-Dunsafe-code", "-Awarnings"])
        // Panics and the compiler then name files as the student knows them.
        .arg(format!(
            "--remap-path-prefix={}={}",
            src.display(),
            shown_folder(exercise)
        ))
        .arg(src.join("lib.rs"));
    for dependency in &exercise.dependencies {
        rustc.arg(format!(
            "--extern={}",
            external(dependency, shelf.library(dependency)?)
        ));
    }
    rustc.arg("-o").arg(&library);
    let finished = process::run(&mut rustc, LIMIT, stop)?;
    if let Some(refusal) = refusal(&finished) {
        return Ok(Compiled::Refused(refusal));
    }

    let worker = scratch.join("worker");
    let mut rustc = compiler(workshop, course_root, exercise, scratch)?;
    rustc
        .args(["--crate-name", "worker", "--crate-type=bin"])
        .arg(course_root.join(format!("grader/workers/src/bin/{}.rs", exercise.name)))
        .arg(format!("--extern={}", external(&exercise.name, &library)));
    for name in ["workers", "wire", "ndarray"]
        .into_iter()
        .chain(exercise.uses_torch.then_some("tch"))
    {
        rustc.arg(format!("--extern={}", external(name, shelf.library(name)?)));
    }
    if exercise.uses_torch {
        rustc.arg(workshop.torch_option());
    }
    rustc.arg("-o").arg(&worker);
    let finished = process::run(&mut rustc, LIMIT, stop)?;
    match refusal(&finished) {
        None => Ok(Compiled::Worker(worker)),
        // The worker calls the exercise's functions as the course declares them.
        Some(refusal) => Ok(Compiled::Refused(format!(
            "the public functions are not those of the exercise: names, arguments and results must stay as they were\n{refusal}"
        ))),
    }
}

/// Unsafe code could run before a worker is confined, or write where it must not. The compiler denies it, and no
/// source may take that back: the word itself is looked for, in comments and texts too, since there is no second
/// spelling of it and no doubt about where it stands.
fn mention_of_unsafe(exercise: &Exercise, sources: &[Source]) -> Option<String> {
    sources.iter().find_map(|source| {
        let text = String::from_utf8_lossy(&source.bytes);
        let line = text.lines().position(|line| line.contains("unsafe"))?;
        Some(format!(
            "{}/{}:{}: the word `unsafe` may not stand in a submission, not even in a comment",
            shown_folder(exercise),
            source.path,
            line + 1
        ))
    })
}

/// Where the student has the file: `exercises/03-msa/src`.
fn shown_folder(exercise: &Exercise) -> String {
    format!("exercises/{}/src", exercise.folder)
}

fn external(name: &str, library: &Path) -> String {
    format!("{}={}", name.replace('-', "_"), library.display())
}

fn compiler(
    workshop: &Workshop,
    course_root: &Path,
    exercise: &Exercise,
    scratch: &Path,
) -> Result<Command> {
    let mut rustc = Confinement::of_compiler(workshop, exercise, course_root, scratch)
        .command(&workshop.rustc)?;
    rustc
        .args([
            "--edition=2024",
            "--color=never",
            "-Cdebuginfo=0",
            "-Ccodegen-units=1",
            "-Cembed-bitcode=no",
        ])
        .args(workshop.shelf(exercise).search_options());
    Ok(rustc)
}

/// The compiler's words, where it did not succeed.
fn refusal(finished: &Finished) -> Option<String> {
    use std::os::unix::process::ExitStatusExt;
    let status = finished.status;
    if finished.timed_out {
        return Some(format!("compiling takes longer than {} s", LIMIT.as_secs()));
    }
    if status.success() {
        return None;
    }
    // The compiler quotes what a submission wrote, and lets some of what acts on a terminal through.
    let words = printable_lines(finished.stderr.trim());
    Some(match status.signal() {
        Some(signal) => format!(
            "the compiler was stopped by signal {signal}: the code takes more memory or time than it may\n{words}"
        ),
        None if words.is_empty() => format!("the compiler ended with {status}"),
        None => words,
    })
}

/// Makes an empty scratch folder for one exercise of one submission.
///
/// # Errors
/// Where it cannot be made.
pub fn scratch_below(folder: &Path) -> Result<tempfile::TempDir> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    match tempfile::tempdir_in(folder) {
        Ok(scratch) => Ok(scratch),
        Err(error) => bail!(
            "no scratch folder can be made in {}: {error}",
            folder.display()
        ),
    }
}
