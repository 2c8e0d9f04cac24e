//! What is built once for a whole class: the judges, and the libraries that submissions and workers are linked with.

use crate::course::{Course, Exercise};
use crate::hint::WithHint;
use crate::sandbox::confine::Level;
use crate::terminal::{cargo_options, running};
use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::NamedTempFile;

/// The built parts. Nothing in it is written to while submissions are graded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Workshop {
    /// `rustc` itself, not a wrapper that chooses one.
    pub rustc: PathBuf,
    /// The folder of the toolchain that it belongs to.
    pub sysroot: PathBuf,
    /// The folder of libtorch's shared libraries.
    pub torch: PathBuf,
    /// How what is built here is confined when it runs.
    pub level: Level,
    /// The folder of the workers' sources.
    sources: PathBuf,
    without_torch: Shelf,
    with_torch: Shelf,
}

/// What one build of cargo gave. Exercises that use libtorch have another shelf than those that do not, since a program
/// linked with it takes a second to start.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Shelf {
    /// The judge of each exercise, by its crate's name.
    judges: BTreeMap<String, PathBuf>,
    /// Libraries by crate name.
    libraries: BTreeMap<String, PathBuf>,
    /// Folders to look for libraries in, as rustc's `-L` takes them.
    search: BTreeSet<String>,
    /// All library files that the build gave but those of the solutions.
    files: BTreeSet<PathBuf>,
    /// The same of each solution, by crate name.
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
        executable: Option<PathBuf>,
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
    kind: Vec<String>,
}

impl Workshop {
    /// Builds what grading the exercises takes, with cargo, which says on standard error what it compiles.
    /// Nothing of a submission is part of it, nor of the exercises' own crates: one that does not compile is no
    /// hindrance.
    ///
    /// # Errors
    /// Where cargo cannot be run, or the build fails.
    pub fn build(course: &Course, exercises: &[Exercise], level: Level) -> Result<Self> {
        let (with_torch, without_torch): (Vec<_>, Vec<_>) =
            exercises.iter().partition(|exercise| exercise.uses_torch);
        let sysroot = sysroot(&course.root)?;
        let rustc = sysroot.join("bin/rustc");
        if !rustc.is_file() {
            bail!("there is no rustc at {}", rustc.display());
        }
        let sources = course.root.join("target/grader/workers");
        for exercise in exercises {
            write_where_it_differs(&sources, &source_file(exercise), &exercise.worker)?;
        }
        Ok(Self {
            sources,
            rustc,
            sysroot,
            torch: course.root.join(".libtorch/lib"),
            level,
            without_torch: Shelf::build(course, &without_torch)?,
            with_torch: Shelf::build(course, &with_torch)?,
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

    /// What was built for exercises of this one's sort.
    pub fn shelf(&self, exercise: &Exercise) -> &Shelf {
        if exercise.uses_torch {
            &self.with_torch
        } else {
            &self.without_torch
        }
    }

    /// The source of an exercise's worker.
    pub fn worker_source(&self, exercise: &Exercise) -> PathBuf {
        self.sources.join(source_file(exercise))
    }

    /// The option of rustc that lets a worker find libtorch: in the folder that it starts in. Errors of libtorch name the
    /// libraries as they were found, and so name no folder of this machine.
    pub fn torch_option(&self) -> String {
        "-Clink-arg=-Wl,-rpath,.".to_owned()
    }
}

fn source_file(exercise: &Exercise) -> String {
    format!("{}.rs", exercise.name)
}

/// Writes a file of a folder whole, unless it is there: another grader may be reading it.
fn write_where_it_differs(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    if fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let written = fs::create_dir_all(folder).and_then(|()| {
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(&path)?;
        Ok(())
    });
    written.with_context(|| format!("{} cannot be written", path.display()))
}

impl Shelf {
    fn build(course: &Course, exercises: &[&Exercise]) -> Result<Self> {
        let mut shelf = Self::default();
        let Some(first) = exercises.first() else {
            return Ok(shelf);
        };
        let mut cargo = cargo(&course.root);
        cargo.args([
            "build",
            "--message-format=json-render-diagnostics",
            "--package=judge",
        ]);
        if first.uses_torch {
            cargo.arg("--features=judge/tch");
        }
        for exercise in exercises {
            cargo.arg(format!("--test={}", exercise.name));
        }
        running(&cargo);
        let mut child = cargo
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cargo cannot be started")?;
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).lines() {
                let line = line.context("cargo's output cannot be read")?;
                // Programs that cargo runs may print lines of their own.
                if let Ok(message) = serde_json::from_str(&line) {
                    shelf.take_in(message, &course.root);
                }
            }
        }
        let status = child.wait().context("cargo cannot be waited for")?;
        if !status.success() {
            return Err(anyhow!(
                "the course's own tests do not build (cargo says why above)"
            ))
            .hint("`cargo grader doctor` says what this machine lacks");
        }
        for exercise in exercises {
            shelf.judge(exercise)?;
        }
        Ok(shelf)
    }

    fn take_in(&mut self, message: Message, root: &Path) {
        match message {
            Message::CompilerArtifact {
                target,
                executable: Some(executable),
                ..
            } => {
                if target.kind.iter().any(|kind| kind == "test") {
                    self.judges.insert(target.name, executable);
                }
            }
            Message::CompilerArtifact {
                target,
                manifest_path,
                filenames,
                ..
            } => {
                if manifest_path.starts_with(root.join("solutions")) {
                    self.solutions
                        .insert(target.name.clone(), filenames.clone());
                } else {
                    self.files.extend(filenames.iter().cloned());
                }
                let library = filenames
                    .into_iter()
                    .find(|path| path.extension().is_some_and(|end| end == "rlib"));
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

    /// The judge of an exercise.
    ///
    /// # Errors
    /// Where none was built.
    pub fn judge(&self, exercise: &Exercise) -> Result<&Path> {
        self.judges
            .get(&exercise.name)
            .map(PathBuf::as_path)
            .with_context(|| format!("cargo built no judge for {}", exercise.name))
    }

    /// A library by its crate's name.
    ///
    /// # Errors
    /// Where none of that name was built.
    pub fn library(&self, name: &str) -> Result<&Path> {
        self.libraries
            .get(&name.replace('-', "_"))
            .map(PathBuf::as_path)
            .with_context(|| format!("the library {name} was not built"))
    }

    /// The options of rustc that let it find the libraries.
    pub fn search_options(&self) -> impl Iterator<Item = String> + '_ {
        self.search.iter().map(|place| format!("-L{place}"))
    }

    /// The folders that those options name.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.search.iter().map(|place| folder_of(place))
    }

    /// What the compiler of an exercise reads of them: library files, and whole folders of libraries that are not
    /// Rust's. Of the solutions only those that the exercise builds on: nothing else is linked with them.
    pub fn files(&self, exercise: &Exercise) -> impl Iterator<Item = &Path> {
        let foreign = |place: &&String| !place.starts_with("dependency=");
        let foreign = self.search.iter().filter(foreign);
        let foreign = foreign.map(|place| folder_of(place));
        let earlier = exercise
            .earlier
            .iter()
            .filter_map(|name| self.solutions.get(&format!("{name}_solution")));
        let own = self.files.iter().chain(earlier.flatten());
        own.map(PathBuf::as_path).chain(foreign)
    }
}

/// The cargo that started this program, or the one that is found, in the course's folder. It is told nothing of the package
/// that it was started for: build scripts that ask for that would run again, and this program be replaced while it runs.
/// It is as quiet and as colourful as this program.
pub fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(cargo_options()).current_dir(root);
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in names.filter(|name| is_about_a_package(name)) {
        cargo.env_remove(name);
    }
    cargo
}

/// Whether a variable is one of those that cargo sets for the program or build script of a package.
fn is_about_a_package(variable: &str) -> bool {
    let starts = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
    ];
    // `cargo run` sets it for a package with a build script.
    variable == "OUT_DIR" || starts.iter().any(|start| variable.starts_with(start))
}

/// The program that a name stands for in PATH, as a shell would find it.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let mut programs = env::split_paths(&path).map(|folder| folder.join(name));
    programs.find(|program| program.is_file())
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

/// The folder of `native=FOLDER`, or of a plain one.
fn folder_of(place: &str) -> &Path {
    Path::new(place.split_once('=').map_or(place, |(_, folder)| folder))
}

/// The folder in which cargo keeps what it fetched; none where nobody says and there is no home.
pub fn cargo_home() -> Option<PathBuf> {
    let told = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    told.or_else(|| Some(std::env::home_dir()?.join(".cargo")))
}

/// The folder of the toolchain that cargo uses here. Its compiler is started itself, without the wrapper that chooses
/// one, which takes longer than compiling a small crate.
fn sysroot(root: &Path) -> Result<PathBuf> {
    let output = Command::new("rustc")
        .current_dir(root)
        .args(["--print", "sysroot"])
        .output()
        .context("rustc cannot be started")
        .hint("the folder of Rust's programs must be in PATH, mostly ~/.cargo/bin")?;
    let sysroot = String::from_utf8(output.stdout)
        .context("rustc names its folder in bytes that are not UTF-8")?;
    Ok(PathBuf::from(sysroot.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_built_is_found_where_it_was_copied_to() -> Result<()> {
        let shelf = Shelf {
            judges: BTreeMap::from([("one".to_owned(), "/c/target/debug/deps/one-1".into())]),
            search: ["dependency=/c/target/debug/deps", "native=/c/.libtorch/lib"]
                .map(str::to_owned)
                .into(),
            ..Shelf::default()
        };
        let workshop = Workshop {
            rustc: "/toolchain/bin/rustc".into(),
            sysroot: "/toolchain".into(),
            torch: "/c/.libtorch/lib".into(),
            sources: "/c/target/grader/workers".into(),
            level: Level::default(),
            without_torch: shelf,
            with_torch: Shelf::default(),
        };
        let file = tempfile::NamedTempFile::new()?;
        let relocated = workshop.relocated("/c/target/debug".as_ref(), "/d".as_ref())?;
        relocated.write(file.path())?;
        let Workshop {
            without_torch: shelf,
            torch,
            ..
        } = Workshop::read(file.path(), Level::default())?;
        assert_eq!(shelf.judges["one"], Path::new("/d/deps/one-1"));
        let folders: Vec<_> = shelf.folders().collect();
        assert_eq!(folders, ["/d/deps", "/c/.libtorch/lib"].map(Path::new));
        assert_eq!(torch, Path::new("/c/.libtorch/lib"));
        Ok(())
    }

    #[test]
    fn cargo_is_told_nothing_of_the_package_that_it_was_started_for() {
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "OUT_DIR"] {
            assert!(is_about_a_package(name), "{name}");
        }
        for name in ["CARGO_HOME", "PATH", "OUT_DIRS"] {
            assert!(!is_about_a_package(name), "{name}");
        }
    }
}
