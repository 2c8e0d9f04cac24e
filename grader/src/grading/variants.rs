//! Solutions written otherwise. They lie in `solutions/NN-name/variants`: `NAME.rs` is a whole lib.rs, `NAME.diff` a diff of the
//! solution's below a sentence on what is different, for one that differs in few lines.

use super::naming::misconception::{apply, solution_of, words_and_diff};
use crate::course::{Course, Exercise};
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// A solution written otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its file's name: `einsum`.
    pub name: String,
    /// A sentence on what is different.
    pub about: String,
    /// Its `lib.rs`.
    pub source: String,
}

impl Variant {
    /// The variants of an exercise, by name.
    ///
    /// # Errors
    /// Returns an error if a file is not a variant, or does not apply to the solution.
    pub fn all(course: &Course, exercise: &Exercise) -> Result<Vec<Self>> {
        let solution = course.root.join("solutions").join(&exercise.folder);
        let folder = solution.join("variants");
        let solved = solution_of(course, exercise)?;
        let mut variants = vec![];
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry
                .with_context(|| format!("{} cannot be read", folder.display()))?
                .path();
            variants.push(Self::open(&path, &solved)?);
        }
        variants.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(variants)
    }

    fn open(path: &Path, solved: &str) -> Result<Self> {
        let shown = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("{shown} cannot be read"))?;
        let (about, source) = match path.extension().and_then(OsStr::to_str) {
            Some("rs") => (first_sentence(&text), text),
            Some("diff") => changed(&text, solved).with_context(|| shown.to_string())?,
            _ => bail!("{shown} is no variant: its name must be NAME.rs or NAME.diff"),
        };
        let name = path.file_stem().unwrap_or_default();
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            about,
            source,
        })
    }
}

/// The words above a diff, and the solution with the diff applied.
fn changed(text: &str, solved: &str) -> Result<(String, String)> {
    let (words, diff) = words_and_diff(text)?;
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() {
        bail!("it must begin with a sentence on what is different");
    }
    Ok((words, apply(diff, solved)?))
}

/// The documentation of a file, up to its first blank line.
fn first_sentence(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let lines = lines.map(str::trim).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_is_a_whole_source_or_a_diff_below_words() -> Result<()> {
        const SOLVED: &str = "one\ntwo\nthree\n";
        const DIFF: &str =
            "--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";
        let folder = tempfile::tempdir()?;
        let read = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text)?;
            Variant::open(&path, SOLVED)
        };
        let of = |about: &str, source: &str| Variant {
            name: "a".to_owned(),
            about: about.to_owned(),
            source: source.to_owned(),
        };
        let whole = "//! Written with a digit,\n//! and a word.\n//!\n//! More.\nuse one;\n";
        let about = "Written with a digit, and a word.";
        assert_eq!(read("a.rs", whole)?, of(about, whole));
        let text = format!("Written with a digit.\n\n{DIFF}");
        assert_eq!(
            read("a.diff", &text)?,
            of("Written with a digit.", "one\n2\nthree\n")
        );
        let error = |name, text: &str| read(name, text).map_err(|error| format!("{error:#}"));
        for (name, text, words) in [
            ("a.diff", "Words alone.\n", "holds no diff"),
            ("a.diff", &format!("\n{DIFF}"), "must begin with a sentence"),
            ("a.diff", &text.replace("-two", "-tow"), "does not apply"),
            ("a.txt", &text, "NAME.rs or NAME.diff"),
        ] {
            let error = error(name, text).expect_err("it is no variant");
            assert!(error.contains(words), "{error}");
        }
        Ok(())
    }
}
