//! The libraries that cargo builds once for a whole class, and where rustc finds them.

use crate::course::{Course, Exercise};
use crate::machine::cargo::{cargo, each_line};
use crate::machine::tools::Toolchain;
use anyhow::{Context, Result, anyhow};
use hints::WithHint;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The libraries of one build. Exercises that use libtorch have another shelf than those that do not, since a program linked
/// with it takes a second to start.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Shelf {
    /// Libraries by crate name.
    libraries: BTreeMap<String, PathBuf>,
    /// Folders to look for libraries in, as rustc's `-L` takes them.
    search: BTreeSet<String>,
    /// All library files that the build gave but those of the solutions and of the learner's own exercises.
    files: BTreeSet<PathBuf>,
    /// The same of each solution, and of each earlier exercise that is the learner's own, by crate name.
    solutions: BTreeMap<String, Vec<PathBuf>>,
}

/// A line of `cargo build --message-format=json`, as far as it is read.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        target: Target,
        manifest_path: PathBuf,
        filenames: Vec<PathBuf>,
    },
    BuildScriptExecuted {
        linked_paths: Vec<String>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

impl Shelf {
    /// A shelf of nothing but these places to look for libraries in.
    #[cfg(test)]
    pub(super) fn of_places(places: &[&str]) -> Self {
        Self {
            search: places.iter().map(|&place| place.to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Builds the libraries that judges, submissions and workers of the exercises are linked with.
    ///
    /// # Errors
    /// Returns an error if cargo cannot be run, or a crate of the course does not compile.
    pub(super) fn build(
        course: &Course,
        toolchain: &Toolchain,
        exercises: &[&Exercise],
    ) -> Result<Self> {
        let mut shelf = Self::default();
        let Some(first) = exercises.first() else {
            return Ok(shelf);
        };
        let mut cargo = cargo(&course.root, toolchain);
        cargo.args([
            "build",
            "--message-format=json-render-diagnostics",
            "--package=judge",
        ]);
        if first.uses_torch {
            cargo.arg("--features=judge/tch");
        }
        let mut own = BTreeSet::new();
        for exercise in exercises {
            if course.has_reference(exercise) {
                cargo.arg(format!("--package={}-solution", exercise.name));
            } else {
                own.extend(exercise.earlier.iter().map(String::as_str));
            }
        }
        cargo.args(own.iter().map(|name| format!("--package={name}")));
        let status = each_line(&mut cargo, &mut |line| {
            // Programs that cargo runs may print lines of their own.
            if let Ok(message) = serde_json::from_str(line) {
                shelf.take_in(message, &course.root);
            }
        })?;
        if !status.success() {
            let error = anyhow!("the course's own crates do not build (cargo says why above)");
            let error = Err(error).hint("`cargo grader doctor` says what this machine lacks");
            return match own.is_empty() {
                true => error,
                false => {
                    let own: Vec<_> = own.into_iter().collect();
                    error.hint(format!(
                        "this course was given out without solutions, so your own {} must compile first",
                        own.join(", ")
                    ))
                }
            };
        }
        Ok(shelf)
    }

    fn take_in(&mut self, message: Message, root: &Path) {
        match message {
            Message::CompilerArtifact {
                target,
                manifest_path,
                mut filenames,
            } => {
                lead_to_the_built(&mut filenames);
                let of_exercises = ["solutions", "exercises"].map(|top| root.join(top));
                if of_exercises
                    .iter()
                    .any(|top| manifest_path.starts_with(top))
                {
                    self.solutions
                        .insert(target.name.clone(), filenames.clone());
                } else {
                    self.files.extend(filenames.iter().cloned());
                }
                let library = filenames.into_iter().find(|path| has_ending(path, "rlib"));
                if let Some(library) = library {
                    if let Some(folder) = library.parent() {
                        self.search
                            .insert(format!("dependency={}", folder.display()));
                    }
                    self.libraries
                        .insert(target.name.replace('-', "_"), library);
                }
            }
            Message::BuildScriptExecuted { linked_paths } => self.search.extend(linked_paths),
            Message::Other => {}
        }
    }

    /// All files that the build gave, the solutions' own included.
    pub(super) fn all_files(&self) -> impl Iterator<Item = &Path> {
        let solutions = self.solutions.values().flatten();
        self.files.iter().chain(solutions).map(PathBuf::as_path)
    }

    /// A library by its crate's name.
    ///
    /// # Errors
    /// Returns an error if none of that name was built.
    pub fn library(&self, name: &str) -> Result<&Path> {
        self.libraries
            .get(&name.replace('-', "_"))
            .map(PathBuf::as_path)
            .with_context(|| format!("the library {name} was not built"))
    }

    /// The library of an earlier exercise that a submission builds on: the reference's, or the learner's own where the course
    /// holds no solutions.
    ///
    /// # Errors
    /// Returns an error if neither was built.
    pub fn earlier(&self, name: &str) -> Result<&Path> {
        let reference = self.library(&format!("{name}_solution"));
        reference.or_else(|_| self.library(name))
    }

    /// The options of rustc that all crates linked with these libraries are compiled with.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let fixed = [
            "--edition=2024",
            "--color=never",
            "-Cdebuginfo=0",
            "-Ccodegen-units=1",
            "-Cembed-bitcode=no",
        ];
        let search = self.search.iter().map(|place| format!("-L{place}").into());
        fixed
            .into_iter()
            .map(OsString::from)
            .chain(search)
            .collect()
    }

    /// The folders that those options name.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.search.iter().map(|place| folder_of(place))
    }

    /// The files that the compiler of an exercise reads: libraries, and whole folders of libraries that are not Rust's.
    /// Of the solutions only those that the exercise builds on: nothing else is linked with them.
    pub fn files(&self, exercise: &Exercise) -> impl Iterator<Item = &Path> {
        let foreign = |place: &&String| !place.starts_with("dependency=");
        let foreign = self.search.iter().filter(foreign);
        let foreign = foreign.map(|place| folder_of(place));
        let earlier = exercise
            .earlier
            .iter()
            .flat_map(|name| [format!("{name}_solution"), name.clone()])
            .filter_map(|name| self.solutions.get(&name));
        let own = self.files.iter().chain(earlier.flatten());
        own.map(PathBuf::as_path).chain(foreign)
    }
}

/// Puts the file that was built in the place of its second name. Of a package that it is asked for by name, cargo lists
/// `debug/libNAME.rlib`, which every other build of the package changes; beside its metadata, `debug/deps/libNAME-HASH.rmeta`,
/// lies the file itself.
fn lead_to_the_built(files: &mut [PathBuf]) {
    let metadata = files.iter().find(|path| has_ending(path, "rmeta")).cloned();
    let Some(built) = metadata.map(|metadata| metadata.with_extension("rlib")) else {
        return;
    };
    if built.is_file() {
        let named = files.iter_mut().filter(|path| has_ending(path, "rlib"));
        named.for_each(|path| path.clone_from(&built));
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|it| it == ending)
}

/// The option of rustc that makes a library known under a crate's name.
pub(super) fn external(name: &str, library: &Path) -> OsString {
    option(&format!("--extern={}=", name.replace('-', "_")), library)
}

/// An option whose value is a path.
pub(super) fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

/// The folder of `native=FOLDER`, or of a plain one.
fn folder_of(place: &str) -> &Path {
    Path::new(place.split_once('=').map_or(place, |(_, folder)| folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_library_is_taken_by_the_name_that_no_other_build_gives() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let (second, built, metadata) = (
            path("libone.rlib"),
            path("libone-1.rlib"),
            path("libone-1.rmeta"),
        );
        let mut files = [second.clone(), metadata.clone()];
        lead_to_the_built(&mut files);
        assert_eq!(files, [second.clone(), metadata.clone()], "it is not there");
        fs::write(&built, "").expect("a file");
        lead_to_the_built(&mut files);
        assert_eq!(files, [built, metadata]);
        let mut alone = [second.clone()];
        lead_to_the_built(&mut alone);
        assert_eq!(alone, [second]);
    }
}
