//! Stubs put back, of a whole exercise or of one function or type, with a backup of the code that they replace.
//!
//! The exercise's folder `stubs` holds a copy of the stubs in `src`: a learner's `src` changes, a download has no git history,
//! and the history of a clone has commits of the learner's own. A proof of the course holds the two equal.

mod backup;
mod edit;
mod outline;
mod sources;

use crate::course::{Course, Exercise};
use anyhow::{Context, Result, anyhow, bail};
use backup::Backups;
use edit::Pick;
use hints::WithHint;
use sources::Sources;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wire::printable_lines;

/// The folder of an exercise that holds its stubs a second time.
pub const STUBS: &str = "stubs";

/// A change of an exercise's sources that is prepared and not made yet.
#[derive(Clone, Debug)]
pub struct Reset {
    /// The function or type that is put back; None for the whole exercise.
    pub item: Option<String>,
    /// The exercise's folder of sources.
    folder: PathBuf,
    /// The same within the course.
    shown: String,
    changes: BTreeMap<String, Change>,
    backups: Backups,
    /// The number of the backup that this undoes.
    undoes: Option<u32>,
}

/// The contents of a file before and after; None where it is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change {
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
}

impl Reset {
    /// Prepares a reset: of all stubs, or those of one function or type and its functions.
    ///
    /// # Errors
    /// Returns an error if there is no such item, or the sources or the stubs cannot be read.
    pub fn of(course: &Course, exercise: &Exercise, item: Option<&str>) -> Result<Self> {
        let (stubs, current) = (stubs(course, exercise)?, current(course, exercise)?);
        let Some(item) = item else {
            return Ok(Self::between(course, exercise, None, &current, &stubs));
        };
        let pick = Pick::find(&stubs, &exercise.name, item)?;
        let after = pick.put(&stubs, &current).hint(format!(
            "`cargo grader reset {}` puts back the whole exercise",
            exercise.name
        ))?;
        let item = Some(pick.name());
        Ok(Self::between(course, exercise, item, &current, &after))
    }

    /// Prepares the undoing of the last reset. Where the sources have changed since, only the function or type that was reset is
    /// restored in them.
    ///
    /// # Errors
    /// Returns an error if there is nothing to undo, or the backup or the sources cannot be read.
    pub fn undo(course: &Course, exercise: &Exercise) -> Result<Self> {
        let backups = Backups::of(&course.root, &exercise.name);
        let last = backups.last()?;
        let last =
            last.with_context(|| format!("there is no reset of {} to undo", exercise.name))?;
        let current = current(course, exercise)?;
        let taken = Sources(last.before.clone());
        let is_as_left = last.is_as_left(&current.0);
        let after = match &last.item {
            Some(item) if !is_as_left => {
                let says = || format!("cannot restore {item}: its old code is in {}", last.place());
                let stubs = stubs(course, exercise)?;
                let pick = Pick::find(&stubs, &exercise.name, item).with_context(says)?;
                pick.put(&taken, &current).with_context(says)?
            }
            // Files that the reset did not touch are not in the backup, and stay.
            _ => last.restored(&current.0),
        };
        let mut reset = Self::between(course, exercise, last.item.clone(), &current, &after);
        reset.undoes = Some(last.number);
        Ok(reset)
    }

    fn between(
        course: &Course,
        exercise: &Exercise,
        item: Option<String>,
        before: &Sources,
        after: &Sources,
    ) -> Self {
        let names = before.0.keys().chain(after.0.keys());
        let change = |name: &String| Change {
            before: before.0.get(name).cloned(),
            after: after.0.get(name).cloned(),
        };
        let changes = names.map(|name| (name.clone(), change(name)));
        Self {
            item,
            folder: folder(course, exercise),
            shown: format!("exercises/{}/src", exercise.folder),
            changes: changes.filter(|(_, it)| it.before != it.after).collect(),
            backups: Backups::of(&course.root, &exercise.name),
            undoes: None,
        }
    }

    /// Returns whether nothing changes: the stubs are there already.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes as a unified diff, a line each.
    pub fn diff(&self) -> Vec<String> {
        let text = |content: &Option<Vec<u8>>| {
            let bytes = content.as_deref().unwrap_or_default();
            String::from_utf8_lossy(bytes).replace("\r\n", "\n")
        };
        let mut lines = vec![];
        for (name, change) in &self.changes {
            let (before, after) = (text(&change.before), text(&change.after));
            let (old, new) = (
                format!("{}/{name}", self.shown),
                format!("{}/{name}", self.shown),
            );
            let mut options = diffy::DiffOptions::new();
            options
                .set_original_filename(old)
                .set_modified_filename(new);
            let patch = options.create_patch(&before, &after).to_string();
            lines.extend(printable_lines(&patch).lines().map(str::to_owned));
        }
        lines
    }

    /// Makes the change, after a backup of the code that it replaces. Returns the backup's place within the course; None if
    /// nothing changes.
    ///
    /// # Errors
    /// Returns an error if the sources have changed since this was prepared, or cannot be written.
    pub fn apply(&self) -> Result<Option<String>> {
        let _turn = self.backups.hold()?;
        for (name, change) in &self.changes {
            if sources::read_file(&self.folder.join(name))? != change.before {
                bail!(
                    "{}/{name} has changed in the meantime: nothing was reset",
                    self.shown
                );
            }
        }
        if let (true, Some(number)) = (self.is_empty(), self.undoes) {
            self.backups.set_undone(number)?;
        }
        if self.is_empty() {
            return Ok(None);
        }
        let place = self
            .backups
            .keep(self.item.as_deref(), &self.changes, self.undoes)?;
        for (name, change) in &self.changes {
            sources::write_file(&self.folder.join(name), change.after.as_deref())?;
        }
        if let Some(number) = self.undoes {
            self.backups.set_undone(number)?;
        }
        Ok(Some(place))
    }
}

/// Returns whether the sources of an exercise are its stubs, as they are where nothing is solved yet.
///
/// # Errors
/// Returns an error if the sources or the stubs cannot be read.
pub fn is_untouched(course: &Course, exercise: &Exercise) -> Result<bool> {
    Ok(current(course, exercise)? == stubs(course, exercise)?)
}

fn folder(course: &Course, exercise: &Exercise) -> PathBuf {
    course
        .root
        .join("exercises")
        .join(&exercise.folder)
        .join("src")
}

fn current(course: &Course, exercise: &Exercise) -> Result<Sources> {
    Sources::read(&folder(course, exercise))
}

fn stubs(course: &Course, exercise: &Exercise) -> Result<Sources> {
    let folder = Path::new("exercises").join(&exercise.folder).join(STUBS);
    let stubs = Sources::read(&course.root.join(&folder))?;
    if stubs.0.is_empty() {
        let error = anyhow!("{} holds no stubs to put back", folder.display());
        return Err(error).hint("restore the folder from the course: it is a copy of the src that the course comes with");
    }
    Ok(stubs)
}

#[cfg(test)]
mod tests;
