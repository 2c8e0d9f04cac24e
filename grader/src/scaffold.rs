//! A new exercise from a template of `grader/template`, which is a whole exercise of one function that passes every proof.

use crate::course::Course;
use crate::machine::files::files_below;
use crate::study::reset::STUBS;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The crate, and the number, of the exercise that a template holds.
const NAME: &str = "template";
const NUMBER: &str = "00";

/// Crates that come with the compiler: an exercise of such a name could not be told from them.
const COMPILERS: [&str; 5] = ["alloc", "core", "proc_macro", "std", "test"];

/// The length of the longest name: it becomes part of file names.
const LONGEST: usize = 40;

/// The two folders of a new exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// `exercises/NN-name`.
    pub exercise: PathBuf,
    /// `solutions/NN-name`.
    pub solution: PathBuf,
}

/// Makes an exercise: with functions on libtorch's tensors if `uses_torch`, else on ndarray's arrays. Its number is the next
/// one unless `number` says which.
///
/// # Errors
/// Returns an error if the name or the number cannot be used, or the folders cannot be written; then there is neither.
pub fn make(course: &Course, name: &str, number: Option<u8>, uses_torch: bool) -> Result<Made> {
    check_name(course, name)?;
    let number = match number {
        Some(number) => number,
        None => next_number(course)?,
    };
    let number = format!("{number:02}");
    let taken = course.exercises.iter().find(|exercise| {
        let of_exercise = exercise.folder.split_once('-');
        of_exercise.is_some_and(|(taken, _)| taken == number)
    });
    if let Some(taken) = taken {
        bail!("number {number} is that of exercises/{}", taken.folder);
    }
    let folder = format!("{number}-{name}");
    let [exercise, solution] =
        ["exercises", "solutions"].map(|part| course.root.join(part).join(&folder));
    for place in [&exercise, &solution] {
        if place.symlink_metadata().is_ok() {
            bail!("{} already exists", place.display());
        }
    }
    let template = match uses_torch {
        true => "grader/template/tch",
        false => "grader/template/ndarray",
    };
    // Made beside its place, and moved there whole: half an exercise would keep cargo from building anything.
    let target = course.root.join("target");
    let says = || format!("{} cannot be written", target.display());
    fs::create_dir_all(&target).with_context(says)?;
    let scratch = tempfile::tempdir_in(&target).with_context(says)?;
    let template = course.root.join(template);
    copy(&template, scratch.path(), &|text| {
        renamed(text, &number, name)
    })?;
    let [new_exercise, new_solution] = ["exercise", "solution"].map(|it| scratch.path().join(it));
    format_sources(scratch.path())?;
    let stubs = scratch.path().join("exercise").join(STUBS);
    copy(&scratch.path().join("exercise/src"), &stubs, &str::to_owned)?;
    let moved = |from: &Path, to: &Path| {
        fs::rename(from, to).with_context(|| format!("{} cannot be written", to.display()))
    };
    moved(&new_solution, &solution)?;
    moved(&new_exercise, &exercise).inspect_err(|_| {
        // Without its exercise it would be in everybody's way.
        let _ = fs::remove_dir_all(&solution);
    })?;
    Ok(Made { exercise, solution })
}

/// Fails unless a crate of this name can be made: a word of Rust that no other crate here is called.
fn check_name(course: &Course, name: &str) -> Result<()> {
    let mut letters = name.chars();
    let is_word = letters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && name.len() <= LONGEST
        && syn::parse_str::<syn::Ident>(name).is_ok();
    if !is_word {
        bail!(
            "{name:?} cannot be the name of an exercise's crate: it takes lower-case letters, digits and `_`, \
             begins with a letter, is not a keyword of Rust, and has at most {LONGEST} characters"
        );
    }
    let crates = crates(&course.root)?;
    let is_taken = |name: &str| crates.contains(name) || COMPILERS.contains(&name);
    if is_taken(name) || is_taken(&format!("{name}_solution")) {
        bail!("there is a crate {name} already: give the exercise another name");
    }
    Ok(())
}

/// The crates that the lock file names.
fn crates(root: &Path) -> Result<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Lock {
        #[serde(default)]
        package: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
    }
    let path = root.join("Cargo.lock");
    let text =
        fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let lock: Lock =
        toml::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
    let names = lock.package.into_iter();
    Ok(names.map(|it| it.name.replace('-', "_")).collect())
}

fn next_number(course: &Course) -> Result<u8> {
    let numbers = course.exercises.iter().filter_map(|exercise| {
        let (number, _) = exercise.folder.split_once('-')?;
        number.parse::<u8>().ok()
    });
    match numbers.max().unwrap_or_default() {
        last @ 0..99 => Ok(last + 1),
        _ => bail!("there is no number after 99: give one with --number"),
    }
}

/// A text of the template, as the new exercise has it.
fn renamed(text: &str, number: &str, name: &str) -> String {
    // The number first: a name may hold such digits.
    text.replace(NUMBER, number).replace(NAME, name)
}

/// Copies a folder; texts are changed by `change`, other files are copied as they are.
fn copy(from: &Path, to: &Path, change: &dyn Fn(&str) -> String) -> Result<()> {
    for file in files_below(from)? {
        let says = || format!("{} cannot be copied", file.display());
        let place = to.join(file.strip_prefix(from).with_context(says)?);
        fs::create_dir_all(place.parent().unwrap_or(to)).with_context(says)?;
        let content = fs::read(&file).with_context(says)?;
        let written = match std::str::from_utf8(&content) {
            Ok(text) => fs::write(&place, change(text)),
            Err(_) => fs::write(&place, &content),
        };
        written.with_context(says)?;
    }
    Ok(())
}

/// Formats all sources of a folder: a name decides where its `use` stands, and which lines are too long. Without rustfmt they
/// are as good, but for their form.
fn format_sources(folder: &Path) -> Result<()> {
    let mut sources = files_below(folder)?;
    sources.retain(|path| path.extension().is_some_and(|end| end == "rs"));
    let _ = Command::new("rustfmt")
        .arg("--edition=2024")
        .args(sources)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    Ok(())
}
