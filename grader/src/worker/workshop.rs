//! The parts that are built once for a whole class: the judges, and the libraries that submissions and workers are linked
//! with.

use crate::course::{Course, Exercise};
use crate::machine::files::write_if_changed;
use crate::machine::tools::Toolchain;
use crate::worker::built::BuildRecord;
use crate::worker::judges;
use crate::worker::shelf::{Shelf, option};
use anyhow::{Context, Result};
use sandbox::Level;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The built parts. Nothing in it is written to while submissions are graded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Workshop {
    /// `rustc` itself, not a wrapper that chooses one.
    pub rustc: PathBuf,
    /// The folder of the toolchain that it belongs to.
    pub sysroot: PathBuf,
    /// The files of the shared libraries that it loads, but for those of its toolchain; none if the system does not tell.
    pub compilers_libraries: Vec<PathBuf>,
    /// The folder of libtorch's shared libraries.
    pub torch: PathBuf,
    /// The sandbox level of the programs that are built here.
    pub level: Level,
    /// True if workers are built with the line numbers of a submission's code, which takes longer.
    #[serde(skip)]
    pub keeps_lines: bool,
    /// True if rustc keeps, in the folder that it compiles in, what the next compilation there can use.
    #[serde(skip)]
    pub(super) is_incremental: bool,
    /// The folder of the workers' sources.
    sources: PathBuf,
    without_torch: Shelf,
    with_torch: Shelf,
    /// The judge of each exercise, by its crate's name.
    judges: BTreeMap<String, PathBuf>,
}

impl Workshop {
    /// The parts that grading the exercises takes. Cargo builds them, and says on standard error what it compiles, unless
    /// nothing has changed since it did. Nothing of a submission is part of them, nor of the exercises' own crates: one that
    /// does not compile is no hindrance.
    ///
    /// # Errors
    /// Returns an error if cargo cannot be run, or the build fails.
    pub fn build(course: &Course, exercises: &[Exercise], level: Level) -> Result<Self> {
        let record = BuildRecord::of(course, exercises)?;
        let workshop = match record.read() {
            Some(workshop) => workshop,
            None => {
                let workshop = Self::build_anew(course, exercises, level)?;
                record.write(&workshop, workshop.files())?;
                workshop
            }
        };
        Ok(Self { level, ..workshop })
    }

    /// The files that were built, and the compiler that did it.
    fn files(&self) -> Vec<PathBuf> {
        let shelves = [&self.without_torch, &self.with_torch].into_iter();
        let libraries = shelves.flat_map(Shelf::all_files).map(Path::to_owned);
        let sources = self
            .judges
            .keys()
            .map(|name| self.sources.join(source_file(name)));
        let judges = self.judges.values().cloned();
        let compiler = [self.rustc.clone()];
        libraries
            .chain(sources)
            .chain(judges)
            .chain(compiler)
            .collect()
    }

    fn build_anew(course: &Course, exercises: &[Exercise], level: Level) -> Result<Self> {
        let (with_torch, without_torch): (Vec<_>, Vec<_>) =
            exercises.iter().partition(|exercise| exercise.uses_torch);
        let toolchain = Toolchain::of(&course.root)?;
        let rustc = toolchain.rustc();
        let sources = course.root.join("target/grader/workers");
        for exercise in exercises {
            write_if_changed(&sources.join(source_file(&exercise.name)), &exercise.worker)?;
        }
        let mut built = BTreeMap::new();
        let shelves = [without_torch, with_torch].map(|exercises| {
            let shelf = Shelf::build(course, &toolchain, &exercises)?;
            let judges = judges::build(course, &rustc, &shelf, &exercises)?;
            let names = exercises.iter().map(|exercise| exercise.name.clone());
            built.extend(names.zip(judges));
            Ok::<_, anyhow::Error>(shelf)
        });
        let [without_torch, with_torch] = shelves;
        Ok(Self {
            without_torch: without_torch?,
            with_torch: with_torch?,
            judges: built,
            sources,
            compilers_libraries: libraries_of(&rustc),
            rustc,
            sysroot: toolchain.sysroot,
            torch: course.root.join(".libtorch/lib"),
            level,
            keeps_lines: false,
            is_incremental: false,
        })
    }

    /// Reads what [`write`](Self::write) wrote, to be confined as `level` says.
    ///
    /// # Errors
    /// Returns an error if it cannot be read.
    pub fn read(path: &Path, level: Level) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let workshop: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a workshop", path.display()))?;
        Ok(Self { level, ..workshop })
    }

    /// Writes where everything is, for another grader that builds nothing.
    ///
    /// # Errors
    /// Returns an error if it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(fs::write(path, serde_json::to_vec(self)?)?)
    }

    /// The same workshop, of which what lay below one folder lies below another.
    ///
    /// # Errors
    /// Returns an error if a path is not UTF-8.
    pub fn relocated(&self, from: &Path, to: &Path) -> Result<Self> {
        let [from, to] = [from, to].map(|folder| format!("{}/", folder.display()));
        let mut all = serde_json::to_value(self)?;
        relocate(&mut all, &from, &to);
        Ok(serde_json::from_value(all)?)
    }

    /// The libraries for this exercise: those with libtorch or those without.
    pub fn shelf(&self, exercise: &Exercise) -> &Shelf {
        if exercise.uses_torch {
            &self.with_torch
        } else {
            &self.without_torch
        }
    }

    /// The judge of an exercise.
    ///
    /// # Errors
    /// Returns an error if none was built.
    pub fn judge(&self, exercise: &Exercise) -> Result<&Path> {
        let judge = self.judges.get(&exercise.name);
        judge
            .map(PathBuf::as_path)
            .with_context(|| format!("no judge was built for {}", exercise.name))
    }

    /// The source of an exercise's worker.
    pub fn worker_source(&self, exercise: &Exercise) -> PathBuf {
        self.sources.join(source_file(&exercise.name))
    }

    /// The options of rustc that let a worker find libtorch: in the folder that it starts in. Errors of libtorch name the
    /// libraries as they were found, and so name no folder of this machine. The loader of macOS may take no folder that is
    /// relative to that one; no code of other people runs there.
    pub fn torch_options(&self) -> Vec<OsString> {
        let folder = match cfg!(target_os = "macos") {
            true => self.torch.as_os_str(),
            false => OsStr::new("."),
        };
        // One by one: a path may hold a comma.
        let words = ["-Xlinker", "-rpath", "-Xlinker"].map(OsStr::new);
        let words = words.into_iter().chain([folder]);
        words
            .map(|word| option("-Clink-arg=", Path::new(word)))
            .collect()
    }
}

/// The files that the system's loader loads to start a program, the loader among them, as glibc's tells where it is asked so; see
/// ld.so(8). None where there is another loader.
fn libraries_of(program: &Path) -> Vec<PathBuf> {
    if !cfg!(target_os = "linux") {
        return vec![];
    }
    let listed = Command::new(program)
        .env("LD_TRACE_LOADED_OBJECTS", "1")
        .output();
    let listed = listed.map(|listed| String::from_utf8_lossy(&listed.stdout).into_owned());
    // `libc.so.6 => /lib/libc.so.6 (0x…)`, or `/lib64/ld.so (0x…)`.
    let file = |line: &str| {
        let (file, _) = line.rsplit_once(" (0x")?;
        let file = file.rsplit_once("=> ").map_or(file, |(_, file)| file);
        let file = PathBuf::from(file.trim());
        (file.is_absolute() && file.is_file()).then_some(file)
    };
    listed
        .unwrap_or_default()
        .lines()
        .filter_map(file)
        .collect()
}

/// The name of the source of an exercise's worker.
fn source_file(exercise: &str) -> String {
    format!("{exercise}.rs")
}

/// Puts one folder for another in all texts of a value: paths, and `native=PATH`.
fn relocate(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) => *text = text.replace(from, to),
        Value::Array(values) => values.iter_mut().for_each(|it| relocate(it, from, to)),
        Value::Object(fields) => fields.values_mut().for_each(|it| relocate(it, from, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn the_libraries_of_a_program_are_known_and_its_loader() {
        let libraries = libraries_of("/bin/sh".as_ref());
        let is_there = |name: &str| {
            let mut names = libraries.iter().filter_map(|it| it.file_name());
            names.any(|it| it.to_string_lossy().starts_with(name))
        };
        assert!(is_there("libc.so") && is_there("ld-"), "{libraries:?}");
        assert!(libraries_of("/no/such/program".as_ref()).is_empty());
    }

    #[test]
    fn what_was_built_is_found_where_it_was_copied_to() -> Result<()> {
        let search = ["dependency=/c/target/debug/deps", "native=/c/.libtorch/lib"];
        let shelf = Shelf::of_places(&search);
        let judges = BTreeMap::from([("one".to_owned(), "/c/target/debug/one-1".into())]);
        let workshop = Workshop {
            rustc: "/toolchain/bin/rustc".into(),
            compilers_libraries: vec![],
            sysroot: "/toolchain".into(),
            torch: "/c/.libtorch/lib".into(),
            sources: "/c/target/grader/workers".into(),
            level: Level::default(),
            keeps_lines: false,
            is_incremental: false,
            without_torch: shelf,
            with_torch: Shelf::default(),
            judges,
        };
        let file = tempfile::NamedTempFile::new()?;
        let relocated = workshop.relocated("/c/target/debug".as_ref(), "/d".as_ref())?;
        relocated.write(file.path())?;
        let Workshop {
            without_torch: shelf,
            torch,
            judges,
            ..
        } = Workshop::read(file.path(), Level::default())?;
        assert_eq!(judges["one"], Path::new("/d/one-1"));
        let folders: Vec<_> = shelf.folders().collect();
        assert_eq!(folders, ["/d/deps", "/c/.libtorch/lib"].map(Path::new));
        assert_eq!(torch, Path::new("/c/.libtorch/lib"));
        Ok(())
    }
}
