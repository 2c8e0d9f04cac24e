//! The students' repository, made of the course: exercises, tests, data sets and the parts of the grader that `check` and
//! `watch` take, without a solution, a misconception or a part that only instructors use.
//!
//! Its content is a function of the course's files alone. [`Release::write`] makes a new repository, [`Release::update`] brings
//! later files into one that was made before.

mod files;
mod leaks;
mod manifests;
mod place;
mod readme;

pub use leaks::{LENGTH, Leak, Secrets};
pub use place::{LIST, Update, exercises_in};

use anyhow::{Result, bail};
use grader::course::{Course, Exercise};
use std::collections::BTreeMap;

/// The files of a release by their paths from its top, with `/` between folders.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A students' repository that is to be written.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its files.
    pub files: Files,
    /// The folders of its exercises.
    pub exercises: Vec<String>,
    /// Those of them that others build on, and that were not named.
    pub added: Vec<String>,
    /// The files and folders of the course that are left out.
    pub left_out: Vec<String>,
}

impl Release {
    /// The release of these exercises, and of those that they build on.
    ///
    /// # Errors
    /// Returns an error if a file is missing or cannot be read, stubs were changed, the lock file cannot be made, the README
    /// names what is left out, or a file holds part of a solution.
    pub fn of(course: &Course, named: &[Exercise]) -> Result<Self> {
        let is_named = |it: &&Exercise| named.iter().any(|named| named.name == it.name);
        let is_below = |it: &&Exercise| named.iter().any(|named| named.earlier.contains(&it.name));
        let all = course.exercises.iter();
        let exercises: Vec<_> = all
            .filter(|it| is_named(it) || is_below(it))
            .cloned()
            .collect();
        for exercise in &course.exercises {
            course.check_reference(exercise)?;
        }
        let mut files = files::given_out(course, &exercises)?;
        manifests::adapt(course, &mut files)?;
        readme::adapt(&mut files)?;
        if let Some(leak) = Secrets::of(course)?.leaks(&files).first() {
            bail!("{leak}");
        }
        let left_out = files::left_out(course, &files)?;
        let added = exercises.iter().filter(|it| !is_named(it));
        let added = added.map(|it| it.folder.clone()).collect();
        Ok(Self {
            files,
            exercises: exercises.into_iter().map(|it| it.folder).collect(),
            added,
            left_out,
        })
    }
}

/// Returns whether a release has a file of this path, or one below this folder.
fn holds(files: &Files, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let below = format!("{path}/");
    let mut later = files.range(below.clone()..);
    files.contains_key(path)
        || later
            .next()
            .is_some_and(|(file, _)| file.starts_with(&below))
}
