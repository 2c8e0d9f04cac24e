//! The sources of the watched exercises as they lie in the working copy, and the part of the course that judges them.

use crate::course::{Course, Exercise};
use crate::machine::files::{files_below, version_of};
use intake::{Candidate, IntakeLimits, PartsDigest, Source};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The code of one exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// Its sources.
    Sources(Vec<Source>),
    /// It cannot be taken, and why.
    LeftOut(String),
    /// It has none.
    Missing,
}

/// The code of exercises, by folder.
pub(super) type Sources = BTreeMap<String, Code>;

/// Reads the sources of all exercises, as `check` takes them.
///
/// # Errors
/// Returns the reason if the working copy cannot be read, which may be over in a moment.
pub(super) fn read(course: &Course) -> Result<Sources, String> {
    let working_copy = Candidate::new("working copy", course.root.join("exercises"));
    let folders = course.folders();
    let read = working_copy.read(&folders, &IntakeLimits::default());
    let mut read = read.map_err(|refusal| refusal.to_string())?;
    let codes = folders.into_iter().map(|folder| {
        let code = match read.left_out.remove(folder) {
            Some(why) => Code::LeftOut(why),
            None => match read.exercises.remove(folder) {
                Some(sources) => Code::Sources(sources),
                None => Code::Missing,
            },
        };
        (folder.to_owned(), code)
    });
    Ok(codes.collect())
}

/// A digest of the names, sizes and times of the files by which exercises are judged: manifests, interfaces, tests and
/// solutions. It changes when git brings another version of the course.
pub(super) fn version_of_course(root: &Path) -> String {
    let mut digest = PartsDigest::default();
    for part in ["exercises", "solutions"] {
        // A file that cannot be read now counts as another version once it can.
        let mut files = files_below(&root.join(part)).unwrap_or_default();
        files.retain(|file| !is_the_learners(&root.join("exercises"), file));
        files.sort();
        for file in files {
            digest.add(file.as_os_str().as_encoded_bytes());
            digest.add(format!("{:?}", version_of(&file).ok()).as_bytes());
        }
    }
    digest.hex()
}

/// A digest of what an exercise is judged by: its manifest, interface, tests and solution.
pub(super) fn digest_of_judge(course: &Course, exercise: &Exercise) -> String {
    let mut digest = PartsDigest::default();
    let folder = course.root.join("exercises").join(&exercise.folder);
    for file in ["Cargo.toml", "interface.rs"] {
        digest.add(&fs::read(folder.join(file)).unwrap_or_default());
    }
    // A file that cannot be read now counts as changed once it can.
    let rest = course.digest_of(exercise).unwrap_or_default();
    digest.add(rest.as_bytes());
    digest.hex()
}

/// Returns whether a file decides nothing about a grade but as a learner's own code, or as text to read: `NN-name/src/…`,
/// handouts and hints. Other files that are not part of the course, such as an editor's, are not either.
fn is_the_learners(exercises: &Path, file: &Path) -> bool {
    let Ok(within) = file.strip_prefix(exercises) else {
        return false;
    };
    let mut parts = within.components().skip(1);
    let second = parts.next().map(|part| part.as_os_str());
    let is_of_the_course = match second.and_then(|name| name.to_str()) {
        Some("Cargo.toml" | "interface.rs") => true,
        Some("tests") => !super::alarm::is_an_editors(file),
        _ => false,
    };
    !is_of_the_course
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_course_is_that_of_its_tests_and_not_of_the_learners_code() {
        let root = tempfile::tempdir().expect("a folder");
        let exercise = root.path().join("exercises/01-sums");
        fs::create_dir_all(exercise.join("src")).expect("a folder");
        fs::create_dir_all(exercise.join("tests")).expect("a folder");
        let write = |file: &str, text: &str| {
            fs::write(exercise.join(file), text).expect("a file");
            version_of_course(root.path())
        };
        let first = write("tests/shape.rs", "a");
        assert_eq!(write("src/lib.rs", "mine"), first);
        assert_eq!(write("README.md", "read me"), first);
        assert_eq!(write("tests/.shape.rs.swp", "vim's"), first);
        assert_eq!(write("tests/4913", ""), first);
        let second = write("tests/shape.rs", "ab");
        assert_ne!(second, first);
        assert_ne!(write("Cargo.toml", "[package]"), second);
    }
}
