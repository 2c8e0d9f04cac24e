//! The judges: for each exercise a program made from its description, compiled once for the whole class.

use crate::course::{Course, Exercise};
use crate::machine::files::write_if_changed;
use crate::machine::lanes;
use crate::terminal::running;
use crate::worker::shelf::{Shelf, external};
use anyhow::{Context, Result, bail};
use interface::place::{entries, seen_from};
use interface::{Interface, JudgeFiles};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

/// The folder of the judges and their sources within the course.
pub const FOLDER: &str = "target/grader/judges";

/// The libraries that the tests of every exercise may use.
const LIBRARIES: [&str; 6] = ["judge", "ndarray", "proptest", "testkit", "wire", "workers"];

/// The libraries besides, of exercises that use libtorch.
const WITH_TORCH: [&str; 2] = ["datasets", "tch"];

/// As the profile of the course's packages has it: a judge makes and compares many tensors.
const OPTIONS: [&str; 4] = [
    "--test",
    "-Copt-level=1",
    "-Coverflow-checks=yes",
    // Relative to FOLDER, so that a copied checkout finds its own libtorch.
    "-Clink-arg=-Wl,-rpath,$ORIGIN/../../../.libtorch/lib",
];

/// Compiles the judges of the exercises that are not up to date, on all processors, and returns their paths in the same order.
///
/// # Errors
/// Returns an error if a description is invalid, a library was not built, or a judge does not compile.
pub(super) fn build(
    course: &Course,
    rustc: &Path,
    shelf: &Shelf,
    exercises: &[&Exercise],
) -> Result<Vec<PathBuf>> {
    let built = lanes::each(exercises, lanes::processors(), |_, exercise| {
        Judge::of(course, shelf, exercise)?.build(rustc)
    });
    built.into_iter().collect()
}

/// A judge that is to be compiled.
struct Judge<'a> {
    exercise: &'a Exercise,
    course: &'a Path,
    source: PathBuf,
    arguments: Vec<OsString>,
    /// The program. Its name holds a digest of all that it is made of: one that is there is up to date.
    program: PathBuf,
}

impl<'a> Judge<'a> {
    fn of(course: &'a Course, shelf: &Shelf, exercise: &'a Exercise) -> Result<Self> {
        let course = course.root.as_path();
        let folder = course.join(FOLDER);
        let tests = tests_of(course, exercise)?;
        let text = source_of(course, exercise, &tests)?;
        let source = folder.join(format!("{}.rs", exercise.name));
        write_if_changed(&source, &text)?;

        // The place is no part of the digest: a moved checkout keeps its judges.
        let mut digest = Sha256::new();
        digest.update(OPTIONS.concat());
        digest.update(&text);
        // Stored values are compiled in, too.
        for file in files_below(&tests_folder(course, exercise))? {
            let place = file.strip_prefix(course).unwrap_or(&file);
            digest.update(place.as_os_str().as_encoded_bytes());
            digest.update(read(&file)?);
        }
        let mut arguments = shelf.arguments();
        arguments.extend(OPTIONS.map(OsString::from));
        arguments.extend(["--crate-name", &exercise.name].map(OsString::from));
        // Errors and panics then name files as seen from the course.
        let up = folder.join("../../..");
        arguments.push(format!("--remap-path-prefix={}/=", up.display()).into());
        let solutions = exercise.earlier.iter().chain([&exercise.name]);
        let solutions = solutions.map(|name| format!("{name}_solution"));
        let with_torch = WITH_TORCH.iter().filter(|_| exercise.uses_torch);
        let libraries = LIBRARIES.iter().chain(with_torch);
        let libraries = libraries.map(|&name| name.to_owned());
        for name in libraries.chain(solutions) {
            let library = shelf.library(&name)?;
            arguments.push(external(&name, library));
            // Cargo compiles a library anew when one that it depends on changes, and so these stand for all.
            digest.update(stamp(library)?);
        }
        let digest = format!("{:x}", digest.finalize());
        Ok(Self {
            exercise,
            course,
            source,
            arguments,
            program: folder.join(format!("{}-{}", exercise.name, &digest[..16])),
        })
    }

    fn build(self, rustc: &Path) -> Result<PathBuf> {
        if self.program.is_file() {
            return Ok(self.program);
        }
        let Exercise { name, folder, .. } = self.exercise;
        note!("   Compiling the judge of {folder}");
        // Linked beside its place, and moved there whole: another grader may be waiting for the same one.
        let scratch = self.program.parent().context("a judge without a folder")?;
        let scratch = tempfile::tempdir_in(scratch)
            .with_context(|| format!("{} cannot be written", scratch.display()))?;
        let linked = scratch.path().join(name);
        let mut compiler = Command::new(rustc);
        compiler
            .current_dir(self.course)
            .args(&self.arguments)
            .arg(&self.source)
            .arg("-o")
            .arg(&linked);
        running(&compiler);
        let status = compiler
            .status()
            .with_context(|| format!("{} cannot be started", rustc.display()))?;
        if !status.success() {
            bail!("the tests of {folder} do not compile against its interface.rs (see above)");
        }
        remove_earlier(&self.program, name);
        fs::rename(&linked, &self.program)
            .with_context(|| format!("{} cannot be written", self.program.display()))?;
        Ok(self.program)
    }
}

fn tests_folder(course: &Path, exercise: &Exercise) -> PathBuf {
    course
        .join("exercises")
        .join(&exercise.folder)
        .join("tests")
}

/// All files below a folder, in an order that is always the same.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = vec![];
    for path in entries(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        match path.is_dir() {
            true => files.extend(files_below(&path)?),
            false => files.push(path),
        }
    }
    Ok(files)
}

/// The test files of an exercise.
fn tests_of(course: &Path, exercise: &Exercise) -> Result<Vec<PathBuf>> {
    let folder = course
        .join("exercises")
        .join(&exercise.folder)
        .join("tests");
    let mut tests =
        entries(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    tests.retain(|path| path.extension().is_some_and(|end| end == "rs"));
    Ok(tests)
}

/// The source of an exercise's judge, which names the test files as seen from [`FOLDER`].
fn source_of(course: &Path, exercise: &Exercise, tests: &[PathBuf]) -> Result<String> {
    let interface = Interface::open(course, &exercise.folder)?;
    let solution = course.join("solutions").join(&exercise.folder);
    let solution = solution.join("src/lib.rs");
    let solution_in_f32 = match interface.is_in_f32() {
        true => Some(
            String::from_utf8(read(&solution)?)
                .with_context(|| format!("{} is not UTF-8", solution.display()))?,
        ),
        false => None,
    };
    let folder = course.join(FOLDER);
    let tests = tests.iter().map(|path| seen_from(&folder, course, path));
    let files = JudgeFiles {
        tests: tests.collect(),
        solution_in_f32,
    };
    // In lines: the compiler shows those that do not fit the tests.
    let judge = syn::parse_file(&interface.judge(&files)?)?;
    Ok(prettyplease::unparse(&judge))
}

/// Removes the programs that were made for the exercise before. One that is running stays readable to whoever runs it.
fn remove_earlier(program: &Path, name: &str) {
    let others = program.parent().and_then(|folder| entries(folder).ok());
    for other in others.into_iter().flatten() {
        let stem = other.file_name().unwrap_or_default().to_string_lossy();
        let is_of_exercise = stem
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|digest| digest.len() == 16 && !digest.contains('.'));
        if is_of_exercise && other != program {
            // What cannot be removed only takes room.
            let _ = fs::remove_file(other);
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// What tells a library from the one that was built before it: name, size and time.
fn stamp(file: &Path) -> Result<String> {
    let says = || format!("{} cannot be read", file.display());
    let facts = fs::metadata(file).with_context(says)?;
    let changed = facts.modified().with_context(says)?;
    let changed = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
    let name = file.file_name().unwrap_or_default();
    Ok(format!("{name:?} {} {changed:?}\n", facts.len()))
}
