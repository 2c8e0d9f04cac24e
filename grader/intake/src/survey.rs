//! The entries outside of the exercises of a submission: named where something is missing.

use std::collections::BTreeMap;

use super::EscapedText;
use super::packing::is_archive;
use super::place::is_separator;

/// The entries outside of the exercises, as far as they tell where an exercise went.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The fewest folders that lie around exercises, where these are more than was looked below.
    pub(super) nearest: Option<usize>,
    /// Archives.
    pub(super) archives: NameSummary,
    /// Files called `lib.rs`, by the exercise whose folder has nearly the name of theirs.
    pub(super) misplaced: BTreeMap<String, NameSummary>,
    /// `.rs` files.
    rust: NameSummary,
    /// All other files.
    others: NameSummary,
}

/// Some names: the first in the order of the alphabet, and how many there are.
#[derive(Debug, Default)]
pub(super) struct NameSummary {
    first: Option<Vec<u8>>,
    count: usize,
}

impl NameSummary {
    fn add(&mut self, name: &[u8]) {
        self.count += 1;
        if self
            .first
            .as_deref()
            .is_none_or(|first| (name.len(), name) < (first.len(), first))
        {
            self.first = Some(name.to_owned());
        }
    }

    /// The first, in quotes, and the number of the others; None if there are none.
    pub(super) fn in_words(&self) -> Option<String> {
        let first = EscapedText::from(self.first.as_deref()?);
        Some(match self.count {
            1 => format!("`{first}`"),
            count => format!("`{first}` and {} more", count - 1),
        })
    }
}

impl Survey {
    /// Notes exercises with as many folders around them.
    pub(super) fn see_exercise(&mut self, wrappers: usize) {
        self.nearest = Some(self.nearest.map_or(wrappers, |known| known.min(wrappers)));
    }

    /// Notes a file that lies in no exercise's `src`.
    pub(super) fn see_file(&mut self, name: &[u8]) {
        let file = name.rsplit(is_separator).next().unwrap_or_default();
        let list = if is_archive(file) {
            &mut self.archives
        } else if file.ends_with(b".rs") {
            &mut self.rust
        } else {
            &mut self.others
        };
        list.add(name);
    }

    /// Notes a file that is the source of an exercise, but for the name of a folder.
    pub(super) fn see_misplaced(&mut self, name: &[u8], exercises: &[&str]) {
        let components: Vec<_> = name.split(is_separator).collect();
        let Some((file, folders)) = components.split_last() else {
            return;
        };
        if *file != b"lib.rs" {
            return;
        }
        let exercise = exercises.iter().find(|exercise| {
            let mut folders = folders.iter();
            folders.any(|folder| is_nearly(folder, exercise))
        });
        if let Some(exercise) = exercise {
            let listed = self.misplaced.entry((*exercise).to_owned());
            listed.or_default().add(name);
        }
    }

    /// A description of the entries: those that are there instead of exercises.
    pub(super) fn in_words(&self) -> Option<String> {
        let rust = self.rust.in_words();
        let rust = rust.map(|names| format!("its .rs files lie elsewhere: {names}"));
        let others = || Some(format!("it holds {}", self.others.in_words()?));
        rust.or_else(others)
    }
}

/// Returns whether a folder is nearly called as an exercise: in other letters, without its number, or with the number of
/// a copy behind it.
pub(super) fn is_nearly(folder: &[u8], exercise: &str) -> bool {
    let plain = |name: &[u8]| -> Vec<u8> {
        let letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
        letters.map(u8::to_ascii_lowercase).collect()
    };
    let folder = plain(folder);
    let full = plain(exercise.as_bytes());
    let name = plain(
        exercise
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == '-')
            .as_bytes(),
    );
    [full, name].iter().any(|known| {
        let rest = folder.strip_prefix(known.as_slice());
        rest.is_some_and(|rest| {
            rest.len() <= 2 && rest.iter().all(u8::is_ascii_digit) || rest == b"copy"
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_are_nearly_called_as_an_exercise_are_found() {
        for folder in [
            "patchify",
            "Patchify",
            "01_patchify",
            "01-patchify (1)",
            "01-patchify - Copy",
            "patchify-2",
        ] {
            assert!(is_nearly(folder.as_bytes(), "01-patchify"), "{folder}");
        }
        for folder in ["src", "patch", "patchifying", "01", "02-positions", ""] {
            assert!(!is_nearly(folder.as_bytes(), "01-patchify"), "{folder}");
        }
    }

    #[test]
    fn what_is_there_instead_is_named() {
        let words = |names: &[&str]| {
            let mut survey = Survey::default();
            for name in names {
                survey.see_file(name.as_bytes());
            }
            survey.in_words()
        };
        assert_eq!(words(&[]), None);
        let found = words(&["onlinetext.html"]);
        assert_eq!(found.as_deref(), Some("it holds `onlinetext.html`"));
        let found = words(&["b.txt", "src/a.rs", "lib.rs"]).expect("words");
        assert_eq!(found, "its .rs files lie elsewhere: `lib.rs` and 1 more");
    }
}
