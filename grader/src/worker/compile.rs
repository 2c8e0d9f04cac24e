//! From a submission's sources to a worker: two calls of rustc, on clean copies, in the sandbox.

use crate::course::Exercise;
use crate::machine::tools::cargo_home;
use crate::worker::broken::Broken;
use crate::worker::linker::{folder_of_tools, linker};
use crate::worker::profiles;
use crate::worker::shelf::{external, option};
use crate::worker::workshop::Workshop;
use aho_corasick::{AhoCorasick, Input, MatchKind};
use anyhow::{Context, Result, bail};
use intake::Source;
use sandbox::process::{self, CompletedProcess};
use sandbox::{Confinement, confining_program};
use std::cmp::Reverse;
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::printable_lines;

/// The time limit on compiling one crate. The solutions take under half a second.
const LIMIT: Duration = Duration::from_secs(30);

/// The options with which rustc keeps what it made, in [`INCREMENTAL_FOLDER`]. What is to be used again must lie in many units.
const INCREMENTAL: [&str; 2] = ["-Cincremental=incremental", "-Ccodegen-units=256"];

/// The folder, in the one that rustc starts in, of what it keeps.
pub(super) const INCREMENTAL_FOLDER: &str = "incremental";

/// The result of compiling the sources.
#[derive(Debug)]
pub enum Compiled {
    /// A worker, at this path.
    Worker(PathBuf),
    /// The compiler refused the sources.
    Refused(Refused),
}

/// A compiler's refusal.
#[derive(Debug)]
pub struct Refused {
    /// The compiler's words.
    pub words: String,
    /// The fault of the machine that may be the reason instead, which the words alone do not tell: see
    /// [`Environment::compile`](crate::environment::Environment::compile).
    pub machine: Option<MachineFault>,
}

/// A possible fault of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineFault {
    /// The compiler was killed, or its time was over.
    Killed,
    /// It named no place in the sources, or failed to link the worker.
    Unplaced,
}

impl Refused {
    /// The fault of the machine that may be the reason for a failed compilation of the exercise's sources.
    fn machine(finished: &CompletedProcess, exercise: &Exercise) -> Option<MachineFault> {
        if finished.timed_out || finished.status.code().is_none() {
            return Some(MachineFault::Killed);
        }
        let place = format!("--> {}/", shown_folder(exercise));
        let mut lines = finished.stderr.lines().map(str::trim_start);
        let is_placed = lines.any(|line| line.starts_with(&place));
        (!is_placed).then_some(MachineFault::Unplaced)
    }
}

/// Compiles an exercise's sources into a worker, within `scratch`, an empty folder.
///
/// # Errors
/// Returns an error if something of the course or the system fails, which is no fault of the submission, or the run is
/// interrupted.
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
            .with_context(|| format!("{} cannot be created", folder.display()))?;
        fs::write(&path, &source.bytes)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    if !src.join("lib.rs").is_file() {
        return Ok(Compiled::Refused(Refused {
            words: format!("{}/src/lib.rs is missing", exercise.folder),
            machine: None,
        }));
    }
    let library = scratch.join(format!("lib{}.rlib", exercise.name));
    let confinement = profiles::of_compiler(workshop, exercise, scratch);
    let arguments = library_arguments(workshop, exercise, &src, &library)?;
    let finished = run(&confinement, workshop, &arguments, stop)?;
    let folders = || folders(workshop, course_root, scratch);
    if let Some(words) = refusal(&finished, &arguments, folders)? {
        let machine = Refused::machine(&finished, exercise);
        return Ok(Compiled::Refused(Refused { words, machine }));
    }
    let worker = scratch.join("worker");
    let arguments = worker_arguments(workshop, exercise, &library, &worker)?;
    let confinement = profiles::of_linker(workshop, exercise, scratch);
    let finished = run(&confinement, workshop, &arguments, stop)?;
    let Some(words) = refusal(&finished, &arguments, folders)? else {
        // A Mac starts no program that was changed after it was signed, and the linker signs it.
        if cfg!(not(target_os = "macos")) {
            conceal(&worker, &folders(), stop)
                .with_context(|| format!("{} cannot be written", worker.display()))?;
        }
        return Ok(Compiled::Worker(worker));
    };
    // The worker calls the exercise's functions as the course declares them.
    let words = if finished
        .stderr
        .contains(&*workshop.worker_source(exercise).to_string_lossy())
    {
        format!(
            "the public functions are not those of the exercise: names, arguments and results must stay as they were\n{words}"
        )
    } else {
        words
    };
    let machine = Refused::machine(&finished, exercise);
    Ok(Compiled::Refused(Refused { words, machine }))
}

/// The arguments with which rustc makes the submission's library of the sources in `src`.
///
/// # Errors
/// Returns an error if a library that the exercise depends on was not built.
pub fn library_arguments(
    workshop: &Workshop,
    exercise: &Exercise,
    src: &Path,
    library: &Path,
) -> Result<Vec<OsString>> {
    let shelf = workshop.shelf(exercise);
    let mut arguments = shelf.arguments();
    if workshop.keeps_lines {
        arguments.push("-Cdebuginfo=line-tables-only".into());
    }
    arguments.extend(incremental(workshop));
    arguments.extend(["--crate-name", &exercise.name, "--crate-type=rlib"].map(OsString::from));
    // Not `-F`: ndarray's own macros hold unsafe code, and allow it. No source may: see the rules.
    arguments.extend(["-Dunsafe-code", "-Awarnings"].map(OsString::from));
    // Panics and the compiler then name files as the student knows them.
    arguments.push(
        format!(
            "--remap-path-prefix={}={}",
            src.display(),
            shown_folder(exercise)
        )
        .into(),
    );
    arguments.push(src.join("lib.rs").into());
    for dependency in &exercise.dependencies {
        // An earlier exercise is the reference's, so that one mistake costs once; the learner's own where there is none.
        let library = if exercise.earlier.contains(dependency) {
            shelf.earlier(dependency)?
        } else {
            shelf.library(dependency)?
        };
        arguments.push(external(dependency, library));
    }
    arguments.extend(["-o".into(), library.into()]);
    Ok(arguments)
}

/// The arguments with which rustc links the exercise's worker with the submission's library.
///
/// # Errors
/// Returns an error if a library that the worker depends on was not built.
pub fn worker_arguments(
    workshop: &Workshop,
    exercise: &Exercise,
    library: &Path,
    worker: &Path,
) -> Result<Vec<OsString>> {
    let shelf = workshop.shelf(exercise);
    let mut arguments = shelf.arguments();
    arguments.extend(["--crate-name", "worker", "--crate-type=bin"].map(OsString::from));
    if !workshop.keeps_lines {
        // Most of the time of linking would be spent on debugging information of libraries.
        arguments.push("-Cstrip=debuginfo".into());
    }
    arguments.extend(incremental(workshop));
    arguments.extend(linker().map(|linker| option("-Clinker=", &linker)));
    arguments.extend(folder_of_tools().map(|folder| option("-Clink-arg=-B", &folder.join(""))));
    arguments.push(workshop.worker_source(exercise).into());
    arguments.push(external(&exercise.name, library));
    for name in exercise
        .earlier
        .iter()
        .filter(|name| exercise.dependencies.contains(name))
    {
        arguments.push(external(name, shelf.earlier(name)?));
    }
    for name in ["workers", "wire", "ndarray"]
        .into_iter()
        .chain(exercise.uses_torch.then_some("tch"))
    {
        arguments.push(external(name, shelf.library(name)?));
    }
    if exercise.uses_torch {
        arguments.extend(workshop.torch_options());
    }
    arguments.extend(["-o".into(), worker.into()]);
    Ok(arguments)
}

/// The options with which rustc keeps what it made, if it is to.
fn incremental(workshop: &Workshop) -> impl Iterator<Item = OsString> {
    let options = INCREMENTAL.iter().map(OsString::from);
    options.filter(|_| workshop.is_incremental)
}

fn run(
    confinement: &Confinement,
    workshop: &Workshop,
    arguments: &[OsString],
    stop: &dyn Fn() -> bool,
) -> Result<CompletedProcess> {
    let mut rustc = confinement.command(&workshop.rustc)?;
    rustc.args(arguments);
    let finished = process::run(&mut rustc, LIMIT, stop)?;
    if stop() {
        // The compiler may have been ended in the midst of it.
        bail!(Broken::Stopped);
    }
    Ok(finished)
}

/// Returns an error if a library that was built for the class is gone. Files decide that, never a word of the compiler, which
/// quotes the submission: where a disk is full, the reference cannot be compiled either.
fn of_the_machine(arguments: &[OsString]) -> Result<()> {
    for argument in arguments.iter().filter_map(|argument| argument.to_str()) {
        let library = argument.strip_prefix("--extern=");
        let library = library.and_then(|library| library.split_once('='));
        if let Some((name, path)) = library
            && !Path::new(path).is_file()
        {
            bail!(
                "the library {name} that was built for the class is gone from {path}: the same command builds it again"
            );
        }
    }
    Ok(())
}

/// The student's own folder of the sources, as messages show it: `exercises/03-msa/src`.
fn shown_folder(exercise: &Exercise) -> String {
    format!("exercises/{}/src", exercise.folder)
}

/// The compiler's message, if it did not succeed. It quotes the submission, and so is escaped; `folders` are left out.
///
/// # Errors
/// Returns an error if it was the machine that failed.
fn refusal(
    finished: &CompletedProcess,
    arguments: &[OsString],
    folders: impl Fn() -> Vec<PathBuf>,
) -> Result<Option<String>> {
    use std::os::unix::process::ExitStatusExt;
    let status = finished.status;
    if status.success() && !finished.timed_out {
        return Ok(None);
    }
    of_the_machine(arguments)?;
    if finished.timed_out {
        let seconds = LIMIT.as_secs();
        return Ok(Some(format!("compiling takes longer than {seconds} s")));
    }
    let words = beginning(&printable_lines(&without(&folders(), &finished.stderr)));
    Ok(Some(match status.signal() {
        Some(signal) => format!(
            "the compiler was stopped by signal {signal}: the code takes more memory or time than it may:\n{words}"
        ),
        None if words.is_empty() => format!("the compiler ended with {status}"),
        None => words,
    }))
}

/// The folders that the compiler's words and a worker's panics name, and that are left out: they help nobody, tell of
/// whose machine it is, and differ from run to run. The longest come first: some lie in others.
fn folders(workshop: &Workshop, course_root: &Path, scratch: &Path) -> Vec<PathBuf> {
    let cargo = cargo_home();
    let registry = cargo.as_ref().map(|home| home.join("registry/src"));
    let registries = registry.and_then(|registry| fs::read_dir(registry).ok());
    let registries = registries.into_iter().flatten().flatten();
    let here = [scratch, course_root, &workshop.torch, &workshop.sysroot];
    let mut folders: Vec<_> = here.into_iter().map(Path::to_owned).collect();
    folders.extend(registries.map(|registry| registry.path()));
    folders.extend(cargo);
    folders.extend(folder_of_tools());
    folders.extend(
        [linker(), confining_program().ok()]
            .into_iter()
            .flatten()
            .filter_map(|program| program.parent().map(Path::to_owned)),
    );
    folders.extend(env::home_dir());
    // As the system names them, too, where there are links on the way.
    let whole: Vec<_> = folders
        .iter()
        .filter_map(|folder| folder.canonicalize().ok())
        .collect();
    folders.extend(whole);
    // Folders that every system has reveal nothing about this one.
    folders.retain(|folder| {
        folder.components().count() > 1
            && !folder.starts_with("/usr")
            && folder != Path::new("/bin")
    });
    folders.sort_by_key(|folder| Reverse(folder.as_os_str().len()));
    folders.dedup();
    folders
}

/// Writes over the folders in a worker's file. The libraries that were built for the class hold the paths of their
/// sources, which a submission reads where a panic of theirs happens: as many bytes take their place.
///
/// # Errors
/// Returns an error if the file cannot be read or written, or the run is interrupted.
fn conceal(worker: &Path, folders: &[PathBuf], stop: &dyn Fn() -> bool) -> Result<()> {
    // A submission decides what the file holds: one pass, however often something looks like the beginning of a path.
    let patterns = folders.iter().map(|folder| folder.join(""));
    let paths = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(patterns.map(|folder| folder.into_os_string().into_encoded_bytes()))?;
    let mut bytes = fs::read(worker)?;
    let mut start = 0;
    while let Some(found) = paths.find(Input::new(&bytes).range(start..)) {
        if stop() {
            bail!(Broken::Stopped);
        }
        // The slash behind it may be the first of another.
        start = found.end() - 1;
        bytes[found.start() + 1..start].fill(b'~');
    }
    if start > 0 {
        // The file stays the one that can be run.
        File::options()
            .write(true)
            .open(worker)?
            .write_all(&bytes)?;
    }
    Ok(())
}

fn without(folders: &[PathBuf], words: &str) -> String {
    folders
        .iter()
        .fold(words.trim().to_owned(), |words, folder| {
            words.replace(&format!("{}/", folder.display()), "")
        })
}

/// The beginning of the compiler's message: a hundred errors help nobody.
fn beginning(words: &str) -> String {
    const KEPT: usize = 16 << 10;
    match words.char_indices().nth(KEPT) {
        None => words.to_owned(),
        Some((end, _)) => format!("{}\n… and so on", &words[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    #[test]
    fn a_library_that_is_gone_is_nobodys_mistake() {
        let there = [OsString::from("--extern=a=/proc/self/exe")];
        assert!(of_the_machine(&there).is_ok());
        let gone = [OsString::from("--extern=a=/nowhere/liba.rlib")];
        let error = of_the_machine(&gone);
        assert!(error.is_err_and(|error| error.to_string().contains("library a")));
    }

    #[test]
    fn a_refusal_that_names_no_place_in_the_sources_may_be_the_machines() -> Result<()> {
        let course = crate::course::Course::find(Path::new("."))?;
        let exercise = course.exercises.first().context("an exercise")?;
        let fault = |code: i32, stderr: &str| {
            let finished = CompletedProcess {
                status: ExitStatus::from_raw(code),
                timed_out: false,
                stdout: String::new(),
                stderr: stderr.to_owned(),
            };
            Refused::machine(&finished, exercise)
        };
        let placed = format!(
            "error: x\n --> exercises/{}/src/lib.rs:1:1",
            exercise.folder
        );
        assert_eq!(fault(1 << 8, &placed), None);
        for unplaced in [
            "error: linker `cc` not found",
            "error[E0308]: x\n --> grader/workers/src/bin/sums.rs:1:1",
            "error: exercises/01-sums/src/lib.rs cannot be read",
            "error: failed to write metadata: No space left on device (os error 28)",
        ] {
            assert_eq!(
                fault(1 << 8, unplaced),
                Some(MachineFault::Unplaced),
                "{unplaced}"
            );
        }
        assert_eq!(fault(9, &placed), Some(MachineFault::Killed));
        Ok(())
    }

    #[test]
    fn a_worker_holds_no_folder_of_this_machine() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let worker = folder.path().join("worker");
        let held =
            b"\x7fELF/home/i/registry/src/a/lib.rs\0/home/ian/x\0//home/i/home/i/y/\0/rustc/1/z.rs/home/i";
        fs::write(&worker, held).expect("a new file");
        let folders = ["/home/i/registry/src/a", "/home/i"].map(PathBuf::from);
        conceal(&worker, &folders, &|| false).expect("a file to write to");
        let left = fs::read(&worker).expect("the file");
        let expected =
            b"\x7fELF/~~~~~~~~~~~~~~~~~~~~~/lib.rs\0/home/ian/x\0//~~~~~~/~~~~~~/y/\0/rustc/1/z.rs/home/i";
        assert_eq!(
            String::from_utf8_lossy(&left),
            String::from_utf8_lossy(expected)
        );
        fs::write(&worker, b"").expect("a new file");
        conceal(&worker, &folders, &|| false).expect("nothing to do");
        assert!(conceal(&worker, &[], &|| false).is_ok());
    }

    #[test]
    fn the_compilers_words_name_no_folder_of_this_machine() {
        let folders = ["/run/1", "/course", "/home/i/registry/src/index-1"].map(PathBuf::from);
        let words = "error: x\n --> /run/1/src/lib.rs:1:2\nnote: here\n --> /home/i/registry/src/index-1/ndarray-0.16.1/src/lib.rs:3:4\n";
        assert_eq!(
            without(&folders, words),
            "error: x\n --> src/lib.rs:1:2\nnote: here\n --> ndarray-0.16.1/src/lib.rs:3:4"
        );
    }
}
