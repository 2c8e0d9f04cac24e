//! A misconception: a usual mistake, as a diff against the solution, with a title and an explanation for the student.
//!
//! `solutions/NN-name/misconceptions/ID.diff` holds the title in its first line, then, between blank lines, the
//! explanation, then the diff of `src/lib.rs`. `misconceptions/otherwise/ID.diff` is a diff alone: the same mistake,
//! written in another way.

use crate::course::{Course, Exercise};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// The file that a misconception changes.
const CHANGED: &str = "src/lib.rs";

/// The folder of the misconceptions that are written in another way.
const OTHERWISE: &str = "otherwise";

/// One misconception.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Misconception {
    /// Its file's name: `no-scale`.
    pub id: String,
    /// The title: the mistake in a few words.
    pub title: String,
    /// The explanation: the mistake, its symptoms and the correct way.
    pub says: String,
    /// Its diff.
    pub diff: String,
    /// The solution's source with the diff applied.
    pub source: String,
}

impl Misconception {
    /// The misconceptions of an exercise, sorted by id.
    ///
    /// # Errors
    /// Returns an error if a file is not a misconception, or does not apply to the solution.
    pub fn all(course: &Course, exercise: &Exercise) -> Result<Vec<Self>> {
        let solution = course.root.join("solutions").join(&exercise.folder);
        let folder = solution.join("misconceptions");
        if !folder.is_dir() {
            return Ok(vec![]);
        }
        let solved = solution_of(course, exercise)?;
        let mut all = vec![];
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("{} cannot be read", folder.display()))?;
        for entry in entries {
            let path = entry
                .with_context(|| format!("{} cannot be read", folder.display()))?
                .path();
            if path.file_name().is_none_or(|name| name != OTHERWISE) {
                all.push(Self::open(&path, &solved)?);
            }
        }
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    /// The sources that make one of these misconceptions in another way, with its id.
    ///
    /// # Errors
    /// Returns an error if a file is of no misconception, or does not apply to the solution.
    pub fn otherwise(
        course: &Course,
        exercise: &Exercise,
        misconceptions: &[Self],
    ) -> Result<Vec<(String, String)>> {
        let solution = course.root.join("solutions").join(&exercise.folder);
        let folder = solution.join("misconceptions").join(OTHERWISE);
        let solved = solution_of(course, exercise)?;
        let mut all = vec![];
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry
                .with_context(|| format!("{} cannot be read", folder.display()))?
                .path();
            let id = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if !misconceptions.iter().any(|one| one.id == id) {
                bail!("{} is of no misconception", path.display());
            }
            let diff = fs::read_to_string(&path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            let diff = diff.trim_start();
            all.push((
                id,
                apply(diff, &solved).with_context(|| path.display().to_string())?,
            ));
        }
        all.sort();
        Ok(all)
    }

    fn open(path: &Path, solved: &str) -> Result<Self> {
        let id = path.file_stem().unwrap_or_default().to_string_lossy();
        let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if path.extension().is_none_or(|end| end != "diff") || !id.chars().all(is_id) {
            bail!(
                "{} is not a misconception: its name must be words-like-these.diff",
                path.display()
            );
        }
        let text = fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        Self::read(&id, &text, solved).with_context(|| path.display().to_string())
    }

    /// Reads a file's text, and applies its diff.
    fn read(id: &str, text: &str, solved: &str) -> Result<Self> {
        let (words, diff) = words_and_diff(text)?;
        let (title, says) = words
            .split_once("\n\n")
            .context("it must begin with a title, a blank line, and what its maker is told")?;
        let [title, says] = [title, says].map(|text| text.split_whitespace().collect::<Vec<_>>());
        if title.is_empty() || says.is_empty() {
            bail!("it must begin with a title, a blank line, and what its maker is told");
        }
        Ok(Self {
            id: id.to_owned(),
            title: title.join(" "),
            says: says.join(" "),
            source: apply(diff, solved)?,
            diff: diff.to_owned(),
        })
    }
}

/// The words of a file, and the diff below them.
///
/// # Errors
/// Returns an error if no line begins a diff.
pub fn words_and_diff(text: &str) -> Result<(&str, &str)> {
    let start = text
        .find("\n--- ")
        .context("it holds no diff: a line that begins with `--- ` is missing")?;
    Ok(text.split_at(start + 1))
}

/// The source of an exercise's solution.
///
/// # Errors
/// Returns an error if the source cannot be read.
pub fn solution_of(course: &Course, exercise: &Exercise) -> Result<String> {
    let path = course
        .root
        .join("solutions")
        .join(&exercise.folder)
        .join(CHANGED);
    fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Applies a diff to a source. Its context must be there word for word, at whichever line.
///
/// # Errors
/// Returns an error if the text is not a diff of `src/lib.rs`, or does not apply.
pub fn apply(diff: &str, source: &str) -> Result<String> {
    let patch = diffy::Patch::from_str(diff).context("its diff is none")?;
    let names = (patch.original(), patch.modified());
    if names != (Some("a/src/lib.rs"), Some("b/src/lib.rs")) {
        bail!("its diff must be from a/{CHANGED} to b/{CHANGED}");
    }
    let changed = diffy::apply(source, &patch)
        .context("it does not apply to the solution any more: make its diff anew")?;
    if changed == source {
        bail!("it changes nothing");
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOLVED: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";
    const DIFF: &str = "--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1,7 +1,7 @@\n one\n two\n three\n-four\n+4\n five\n six\n seven\n";

    fn read(text: &str) -> Result<Misconception> {
        Misconception::read("a-b", text, SOLVED)
    }

    fn error(text: &str) -> String {
        format!("{:#}", read(text).expect_err("this is to fail"))
    }

    #[test]
    fn a_file_has_a_title_what_is_said_and_a_diff() {
        let text = format!("Four as a digit\n\nDigits are\nno words.\n\n{DIFF}");
        let read = read(&text).expect("a misconception");
        assert_eq!(read.title, "Four as a digit");
        assert_eq!(read.says, "Digits are no words.");
        assert_eq!(read.source, SOLVED.replace("four", "4"));
    }

    #[test]
    fn a_file_without_words_or_without_a_diff_is_none() {
        assert!(error("Title\n\nSays.\n").contains("holds no diff"));
        for words in ["", "Title\n", "Title\n\n\n", "\n\nSays.\n\n"] {
            let error = error(&format!("{words}\n{DIFF}"));
            assert!(
                error.contains("must begin with a title"),
                "{words:?}: {error}"
            );
        }
    }

    #[test]
    fn a_diff_that_does_not_fit_to_the_letter_is_refused() {
        let with = |diff: String| error(&format!("Title\n\nSays.\n\n{diff}"));
        assert!(with(DIFF.replace(" three", " 3")).contains("does not apply"));
        assert!(with(DIFF.replace("-four", "-for")).contains("does not apply"));
        assert!(with(DIFF.replace("+4", "+four")).contains("changes nothing"));
        assert!(with(DIFF.replace("a/src/lib.rs", "a/src/main.rs")).contains("must be from"));
    }

    #[test]
    fn a_diff_applies_where_lines_have_moved() {
        let moved = format!("zero\n{SOLVED}");
        assert_eq!(apply(DIFF, &moved).ok(), Some(moved.replace("four", "4")));
    }
}
