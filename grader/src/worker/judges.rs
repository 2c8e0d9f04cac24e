//! The judges: for each exercise a program made from its description, compiled once for the whole class.

use crate::course::{Course, Exercise};
use crate::machine::files::{version_of, write_if_changed};
use crate::machine::lanes;
use crate::machine::settings;
use crate::terminal::running;
use crate::worker::linker::linker;
use crate::worker::shelf::{Shelf, external, option};
use anyhow::{Context, Result, bail};
use interface::place::{entries, seen_from};
use interface::{Interface, JudgeFiles};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    if cfg!(target_os = "macos") {
        "-Clink-arg=-Wl,-rpath,@loader_path/../../../.libtorch/lib"
    } else {
        "-Clink-arg=-Wl,-rpath,$ORIGIN/../../../.libtorch/lib"
    },
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
        let folder = course.root.join(FOLDER);
        let text = source_of(course, exercise)?;
        let source = folder.join(format!("{}.rs", exercise.name));
        write_if_changed(&source, &text)?;

        // The place is no part of the digest: a moved checkout keeps its judges.
        let mut digest = Sha256::new();
        digest.update(OPTIONS.concat());
        digest.update(&text);
        // With the values that are stored beside the tests, which are compiled in.
        digest.update(course.digest_of(exercise)?);
        let mut arguments = shelf.arguments();
        arguments.extend(OPTIONS.map(OsString::from));
        arguments.extend(["--crate-name", &exercise.name].map(OsString::from));
        // Errors and panics then name files as seen from the course.
        let up = folder.join("../../..");
        arguments.push(option("--remap-path-prefix=", &up.join("=")));
        let has_reference = course.has_reference(exercise);
        let solutions = exercise.earlier.iter().chain([&exercise.name]);
        let solutions = solutions.filter(|_| has_reference);
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
            course: &course.root,
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
        let judges = self.course.join(FOLDER);
        let scratch = tempfile::tempdir_in(&judges)
            .with_context(|| format!("{} cannot be written", judges.display()))?;
        let linked = scratch.path().join(name);
        let mut compiler = Command::new(rustc);
        settings::remove(&mut compiler);
        compiler
            .current_dir(self.course)
            .args(&self.arguments)
            .args(linker().map(|linker| option("-Clinker=", &linker)))
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

/// The source of an exercise's judge, which names the test files as seen from [`FOLDER`].
fn source_of(course: &Course, exercise: &Exercise) -> Result<String> {
    let root = &course.root;
    let interface = Interface::open(root, &exercise.folder)?;
    let is_without_solution = !course.has_reference(exercise);
    let solution_in_f32 = match is_without_solution {
        true => None,
        false => in_f32(root, &interface, &exercise.folder)?,
    };
    let mut earlier_in_f32 = vec![];
    for name in exercise
        .earlier
        .iter()
        .filter(|_| solution_in_f32.is_some())
    {
        let found = course.exercises.iter().find(|it| it.name == *name);
        let folder = &found
            .with_context(|| format!("there is no exercise {name}"))?
            .folder;
        if let Some(source) = in_f32(root, &Interface::open(root, folder)?, folder)? {
            earlier_in_f32.push((name.replace('-', "_"), source));
        }
    }
    let (folder, tests) = (
        root.join(FOLDER),
        root.join("exercises").join(&exercise.folder).join("tests"),
    );
    let mut tests =
        entries(&tests).with_context(|| format!("{} cannot be read", tests.display()))?;
    tests.retain(|path| path.extension().is_some_and(|end| end == "rs"));
    let tests = tests.iter().map(|path| seen_from(&folder, root, path));
    let files = JudgeFiles {
        tests: tests.collect(),
        is_without_solution,
        solution_in_f32,
        earlier_in_f32,
    };
    // In lines: the compiler shows those that do not fit the tests.
    let judge = syn::parse_file(&interface.judge(&files)?)?;
    Ok(prettyplease::unparse(&judge))
}

/// The source of an exercise's solution, if its functions take f32 alone.
fn in_f32(root: &Path, interface: &Interface, folder: &str) -> Result<Option<String>> {
    if !interface.is_in_f32() {
        return Ok(None);
    }
    let path = root.join("solutions").join(folder).join("src/lib.rs");
    let source = fs::read_to_string(&path);
    let source = source.with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Some(source))
}

/// Removes the programs that were made for the exercise before. One that is running stays readable to whoever runs it.
fn remove_earlier(program: &Path, name: &str) {
    let others = program.parent().and_then(|folder| entries(folder).ok());
    for other in others.into_iter().flatten().filter(|it| it != program) {
        let shown = other.file_name().unwrap_or_default().to_string_lossy();
        // Its source is `NAME.rs`.
        if shown.split_once('-').is_some_and(|(of, _)| of == name) {
            // A file that cannot be removed only takes up disk space.
            let _ = fs::remove_file(other);
        }
    }
}

/// The name, size and time of a library, by which it is told from the one that was built before it.
fn stamp(library: &Path) -> Result<String> {
    let version = version_of(library);
    let version = version.with_context(|| format!("{} cannot be read", library.display()))?;
    Ok(format!("{:?} {version:?}\n", library.file_name()))
}
