//! The folders in which submissions are unpacked and compiled: one for each run of the grader, in it one for each
//! exercise of each submission. Both are removed after use; the folder of a killed run is removed by the next run.

use anyhow::{Context, Result};
use std::fs::{self, File};
use std::path::Path;
use tempfile::TempDir;

/// Names the folders of runs, and the file in each whose lock its run holds.
const RUN: &str = "run-";
const LOCK: &str = ".lock";

/// The file whose lock a run holds while it makes its folder.
const TURN: &str = ".turn";

/// The scratch folder of one run.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    /// Held as long as the run; a part of a run has none of its own.
    _lock: Option<File>,
}

impl Scratch {
    /// Makes the folder, in the course's target folder, and removes those of runs that have ended.
    ///
    /// # Errors
    /// Returns an error if it cannot be made: no room, no right.
    pub fn new(course_root: &Path) -> Result<Self> {
        let all = course_root.join("target/grader/scratch");
        let says = || format!("no scratch folder can be made in {}", all.display());
        fs::create_dir_all(&all).with_context(says)?;
        // One run at a time makes its folder and looks at those of others.
        let turn = File::create(all.join(TURN)).with_context(says)?;
        turn.lock().with_context(says)?;
        remove_abandoned(&all);
        let folder = tempfile::Builder::new()
            .prefix(RUN)
            .tempdir_in(&all)
            .with_context(says)?;
        let lock = File::create(folder.path().join(LOCK)).with_context(says)?;
        lock.lock().with_context(says)?;
        Ok(Self {
            folder,
            _lock: Some(lock),
        })
    }

    /// A scratch folder of its own within this one.
    ///
    /// # Errors
    /// Returns an error if it cannot be made.
    pub fn part(&self) -> Result<Self> {
        let folder = self.folder()?;
        Ok(Self {
            folder,
            _lock: None,
        })
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// An empty folder in it, removed when it is dropped.
    ///
    /// # Errors
    /// Returns an error if it cannot be made.
    pub fn folder(&self) -> Result<TempDir> {
        let parent = self.folder.path();
        tempfile::tempdir_in(parent)
            .with_context(|| format!("no scratch folder can be made in {}", parent.display()))
    }
}

/// Removes the folders whose runs hold no lock any more. What cannot be removed is left for the next run.
fn remove_abandoned(all: &Path) {
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_run = entry.file_name().to_string_lossy().starts_with(RUN);
        let is_held = File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_err());
        let abandoned = is_run && !is_held;
        if abandoned {
            let _ = fs::remove_dir_all(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(root: &Path) -> usize {
        let entries = fs::read_dir(root.join("target/grader/scratch"))
            .into_iter()
            .flatten()
            .flatten();
        entries.filter(|entry| entry.path().is_dir()).count()
    }

    #[test]
    fn a_finished_run_leaves_nothing() -> Result<()> {
        let root = tempfile::tempdir()?;
        let run = Scratch::new(root.path())?;
        fs::write(run.folder()?.keep().join("left"), "behind")?;
        drop(run);
        assert_eq!(folders(root.path()), 0);
        Ok(())
    }

    #[test]
    fn what_a_killed_run_left_is_removed_and_what_runs_is_not() -> Result<()> {
        let root = tempfile::tempdir()?;
        let killed = Scratch::new(root.path())?;
        let Scratch { folder, _lock } = killed;
        let abandoned = folder.keep();
        drop(_lock);
        let running = Scratch::new(root.path())?;
        let next = Scratch::new(root.path())?;
        assert!(!abandoned.exists());
        assert!(running.folder.path().exists() && next.folder.path().exists());
        Ok(())
    }
}
