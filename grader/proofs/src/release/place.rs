//! The folder of a release: written whole, and updated without touching the sources of exercises.

use super::{Files, Release};
use anyhow::{Context, Result, anyhow, bail};
use grader::course::Course;
use grader::machine::files::write_whole;
use hints::WithHint;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The file in a release that lists its other files with their digests, as `sha256sum` writes them.
pub const LIST: &str = "release.sha256";

/// The differences that an update made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// Files that are new.
    pub added: Vec<String>,
    /// Files with other contents than before.
    pub changed: Vec<String>,
    /// Files that are gone.
    pub removed: Vec<String>,
    /// Exercises whose stubs have changed, while their sources stayed.
    pub stubs: Vec<String>,
}

impl Update {
    /// Returns whether nothing was to be done.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

impl Release {
    /// Writes the release to a folder that is missing or empty; all of it or nothing.
    ///
    /// # Errors
    /// Returns an error if the folder holds something or is inside the course, or cannot be written.
    pub fn write(&self, course: &Course, folder: &Path) -> Result<()> {
        check_outside(course, folder)?;
        let is_empty = match fs::read_dir(folder) {
            Ok(mut entries) => entries.next().is_none(),
            Err(_) => folder.symlink_metadata().is_err(),
        };
        if !is_empty {
            return Err(anyhow!("{} is not empty", folder.display())).hint(
                "name a new folder; `--update` brings later files into a students' repository",
            );
        }
        let says = || format!("{} cannot be written", folder.display());
        let parent = match folder.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).with_context(says)?;
        let beside = tempfile::tempdir_in(parent).with_context(says)?;
        // Not the temporary folder itself, which nobody else may read.
        let made = beside.path().join("release");
        let mut files = self.files.clone();
        files.insert(LIST.to_owned(), self.list().into_bytes());
        write_files(&made, &files)?;
        fs::rename(&made, folder).with_context(says)
    }

    /// Brings the release into a repository that was made before. The sources of its exercises stay as they are, but for those
    /// of exercises that it did not have.
    ///
    /// # Errors
    /// Returns an error, and changes nothing, if the folder is not a release, or other files than sources were changed in it;
    /// or if a file cannot be written.
    pub fn update(&self, course: &Course, folder: &Path) -> Result<Update> {
        check_outside(course, folder)?;
        let before = list_of(folder)?;
        let mut plan = Update::default();
        let mut in_the_way = vec![];
        let paths: BTreeSet<_> = before.keys().chain(self.files.keys()).collect();
        for path in paths {
            if is_below_a_link(folder, path) {
                in_the_way.push(path.clone());
                continue;
            }
            let there = fs::read(folder.join(path)).ok();
            let (old, new) = (before.get(path), self.files.get(path));
            let is_old = match (&there, old) {
                (Some(there), Some(old)) => digest(there) == *old,
                // One that was removed comes back.
                (None, _) => true,
                (Some(_), None) => false,
            };
            if is_a_source(path) && is_known(path, &before) {
                continue;
            }
            if there.as_ref() == new {
                continue;
            }
            match (&there, new) {
                _ if !is_old => in_the_way.push(path.clone()),
                (None, Some(_)) => plan.added.push(path.clone()),
                (Some(_), Some(_)) => plan.changed.push(path.clone()),
                (_, None) => plan.removed.push(path.clone()),
            }
        }
        if !in_the_way.is_empty() {
            return Err(anyhow!(
                "files were changed in {} that are the course's: {}",
                folder.display(),
                in_the_way.join(", ")
            ))
            .hint(
                "nothing was written; put them back, for instance by `git checkout`, and try again",
            );
        }
        let stubs = plan.changed.iter().filter_map(|path| {
            let (exercise, part) = path.strip_prefix("exercises/")?.split_once('/')?;
            part.starts_with("stubs/").then(|| exercise.to_owned())
        });
        plan.stubs = stubs.collect::<BTreeSet<_>>().into_iter().collect();
        for path in plan.added.iter().chain(&plan.changed) {
            replace(folder, path, &self.files[path])?;
        }
        for path in &plan.removed {
            let path = folder.join(path);
            fs::remove_file(&path)
                .with_context(|| format!("{} cannot be removed", path.display()))?;
        }
        // Last: an update that was stopped is made again.
        replace(folder, LIST, self.list().as_bytes())?;
        Ok(plan)
    }

    /// The text of [`LIST`].
    fn list(&self) -> String {
        let lines = self.files.iter();
        lines.fold(String::new(), |text, (path, content)| {
            text + &format!("{}  {path}\n", digest(content))
        })
    }
}

/// The folders of the exercises that a repository was made with.
///
/// # Errors
/// Returns an error if it is not a release.
pub fn exercises_in(folder: &Path) -> Result<BTreeSet<String>> {
    let list = list_of(folder)?;
    let exercises = list.keys().filter_map(|path| {
        let (exercise, _) = path.strip_prefix("exercises/")?.split_once('/')?;
        Some(exercise.to_owned())
    });
    Ok(exercises.collect())
}

/// Writes files below a folder.
///
/// # Errors
/// Returns an error if one cannot be written.
pub(super) fn write_files(folder: &Path, files: &Files) -> Result<()> {
    for (path, content) in files {
        let path = folder.join(path);
        make_room(&path)?;
        fs::write(&path, content)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// Writes a file of somebody's repository, whole or not at all.
fn replace(folder: &Path, path: &str, content: &[u8]) -> Result<()> {
    let path = folder.join(path);
    make_room(&path)?;
    write_whole(&path, content)
}

/// Makes the folder of a file.
fn make_room(path: &Path) -> Result<()> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).with_context(|| format!("{} cannot be created", parent.display()))
}

/// The digests of the files that a repository was made with.
fn list_of(folder: &Path) -> Result<BTreeMap<String, String>> {
    let path = folder.join(LIST);
    let says = || {
        format!(
            "{} is not a students' repository that `release` made",
            folder.display()
        )
    };
    let text = fs::read_to_string(&path).with_context(says)?;
    let lines = text.lines().map(|line| {
        let (digest, path) = line.split_once("  ").with_context(says)?;
        let is_inside = !path.starts_with('/') && path.split('/').all(|part| part != "..");
        if !is_inside {
            bail!("{LIST} names {path}, which is outside the repository");
        }
        Ok((path.to_owned(), digest.to_owned()))
    });
    lines.collect()
}

fn digest(content: &[u8]) -> String {
    format!("{:x}", Sha256::digest(content))
}

/// Returns whether a file is one of the sources that a learner writes.
fn is_a_source(path: &str) -> bool {
    let mut parts = path.split('/');
    parts.next() == Some("exercises") && parts.nth(1) == Some("src")
}

/// Returns whether the exercise that a path belongs to is in the list.
fn is_known(path: &str, list: &BTreeMap<String, String>) -> bool {
    let exercise: Vec<_> = path.split('/').take(2).collect();
    let below = exercise.join("/") + "/";
    list.keys().any(|path| path.starts_with(&below))
}

/// Returns whether a part of the path is a link, which may lead out of the folder.
fn is_below_a_link(folder: &Path, path: &str) -> bool {
    let mut place = folder.to_owned();
    path.split('/').any(|part| {
        place.push(part);
        place.is_symlink()
    })
}

/// Checks that the folder is outside the course: there, it would be a part of it.
fn check_outside(course: &Course, folder: &Path) -> Result<()> {
    let whole = std::path::absolute(folder)
        .with_context(|| format!("{} is not a path", folder.display()))?;
    let there = whole.ancestors().find_map(|it| it.canonicalize().ok());
    let is_inside = |place: &PathBuf| place.starts_with(&course.root);
    if there.as_ref().is_some_and(is_inside) {
        return Err(anyhow!("{} is inside the course", folder.display()))
            .hint("name a folder outside it");
    }
    Ok(())
}
