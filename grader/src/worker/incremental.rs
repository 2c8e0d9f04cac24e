//! Incremental compilation of the learner's own code and the course's, in folders that are kept: rustc compiles only what a
//! change affects. Code of other people is compiled in a folder of its own, which is removed.

use crate::course::Exercise;
use crate::machine::lanes;
use crate::worker::compile::{Compiled, INCREMENTAL_FOLDER, Refused};
use crate::worker::workshop::Workshop;
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The folder of the kept folders within the course.
const FOLDER: &str = "target/grader/incremental";

/// Has `compile_in` compile an exercise's sources in one of its kept folders, or in `scratch` if all of those are in use. The
/// worker ends up in `scratch` in any case.
///
/// # Errors
/// Returns an error if `compile_in` does, or the worker cannot be moved.
pub fn compile_again(
    workshop: &Workshop,
    course_root: &Path,
    exercise: &Exercise,
    scratch: &Path,
    compile_in: &dyn Fn(&Workshop, &Path) -> Result<Compiled>,
) -> Result<Compiled> {
    let Some(kept) = IncrementalFolder::hold(workshop, course_root, exercise) else {
        return compile_in(workshop, scratch);
    };
    let mut incremental = workshop.clone();
    incremental.is_incremental = true;
    match compile_in(&incremental, &kept.folder)? {
        Compiled::Worker(built) => {
            let worker = scratch.join("worker");
            fs::rename(&built, &worker)
                .with_context(|| format!("{} cannot be written", worker.display()))?;
            Ok(Compiled::Worker(worker))
        }
        // It may be what was kept that is at fault.
        Compiled::Refused(Refused {
            machine: Some(_), ..
        }) => {
            // A folder that cannot be removed now is tried again the next time.
            let _ = fs::remove_dir_all(&kept.folder);
            compile_in(workshop, scratch)
        }
        refused => Ok(refused),
    }
}

/// A kept folder, for this compilation alone.
struct IncrementalFolder {
    folder: PathBuf,
    _lock: File,
}

impl IncrementalFolder {
    /// Holds one of the exercise's folders, as many as there are processors; `None` if all are in use, or none can be made.
    fn hold(workshop: &Workshop, course_root: &Path, exercise: &Exercise) -> Option<Self> {
        // Other options would make what was kept useless.
        let kind = if workshop.keeps_lines { "-lines" } else { "" };
        let all = course_root.join(FOLDER);
        let name = |number| format!("{}{kind}-{number}", exercise.name);
        (1..=lanes::processors()).find_map(|number| Self::hold_one(&all, &name(number)))
    }

    /// Holds a folder, in which there is nothing else then.
    fn hold_one(all: &Path, name: &str) -> Option<Self> {
        let folder = all.join(name);
        fs::create_dir_all(&folder).ok()?;
        let lock = File::create(all.join(format!("{name}.lock"))).ok()?;
        lock.try_lock().ok()?;
        // Of what lies there, only what rustc keeps is of use: a compiler that was stopped leaves files of its own.
        for entry in fs::read_dir(&folder).ok()?.flatten() {
            let path = entry.path();
            match entry.file_type().ok()?.is_dir() {
                _ if entry.file_name() == INCREMENTAL_FOLDER => {}
                true => fs::remove_dir_all(path).ok()?,
                false => fs::remove_file(path).ok()?,
            }
        }
        Some(Self {
            folder,
            _lock: lock,
        })
    }
}
