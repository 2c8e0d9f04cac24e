//! The folders of what the reference answered to a judge's drawn cases and twins. They follow from the seed, so that all
//! submissions of a class are asked the same: the reference computes its answers once, when it is graded before the batch,
//! and judges of submissions read them. A judge that finds none computes what it needs.

use crate::course::Exercise;
use crate::environment::Environment;
use crate::machine::files::version_of;
use crate::machine::libtorch::CPU_LIBRARY;
use anyhow::{Context, Result};
use interface::place::entries;
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folder of all of them within the course.
const FOLDER: &str = "target/grader/answers";

/// Folders that are kept of each exercise: the usual seed's, and those of the last classes. The answers of an exercise with
/// large models take 24 MB.
const KEPT: usize = 4;

/// Readable for whoever grades, and nobody else: the answers follow from the class's seed.
const PRIVATE: u32 = 0o700;

/// The folder of the answers to what the judge of an exercise asks.
///
/// # Errors
/// Returns an error if no judge was built.
pub(super) fn folder(environment: &Environment, exercise: &Exercise) -> Result<PathBuf> {
    let workshop = &environment.workshop;
    // The judge's name holds a digest of all that it is made of; libtorch is loaded when it starts.
    let judge = workshop.judge(exercise)?.file_name();
    let torch = version_of(&workshop.torch.join(CPU_LIBRARY)).ok();
    let all = format!("{judge:?} {torch:?} {:?}", environment.seed);
    let digest = format!("{:x}", Sha256::digest(all));
    let name = format!("{}-{}", exercise.name, &digest[..16]);
    Ok(environment.course.root.join(FOLDER).join(name))
}

/// Creates the folder, and removes the oldest of the exercise's others if there are more than are kept.
///
/// # Errors
/// Returns an error if it cannot be created.
pub(super) fn make(folder: &Path, exercise: &Exercise) -> Result<()> {
    let mut private = DirBuilder::new();
    private.recursive(true).mode(PRIVATE);
    private
        .create(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let all = folder.parent().and_then(|all| entries(all).ok());
    let is_of = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let exercise_of = name.rsplit_once('-').map(|(exercise, _)| exercise);
        path != folder && exercise_of == Some(&exercise.name)
    };
    let mut others: Vec<_> = all.into_iter().flatten().filter(is_of).collect();
    let age = |path: &PathBuf| {
        let changed = fs::metadata(path).and_then(|facts| facts.modified());
        changed.unwrap_or(SystemTime::UNIX_EPOCH)
    };
    others.sort_by_key(age);
    for other in others.iter().rev().skip(KEPT - 1) {
        // A folder that cannot be removed only takes up disk space.
        let _ = fs::remove_dir_all(other);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_oldest_folders_of_an_exercise_go_and_those_of_others_stay() -> Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let exercises = crate::course::Course::open(&root)?.exercises;
        let [exercise, other, ..] = exercises.as_slice() else {
            anyhow::bail!("two exercises");
        };
        let folder = tempfile::tempdir()?;
        let of =
            |exercise: &Exercise, i: usize| folder.path().join(format!("{}-{i}", exercise.name));
        make(&of(other, 0), other)?;
        for i in 0..KEPT + 2 {
            let made = of(exercise, i);
            make(&made, exercise)?;
            // One after the other, however coarse the clock is.
            let age = std::time::Duration::from_secs(60 * (KEPT + 2 - i) as u64);
            fs::File::open(&made)?.set_modified(SystemTime::now() - age)?;
        }
        let there: Vec<_> = (0..KEPT + 2)
            .filter(|&i| of(exercise, i).is_dir())
            .collect();
        assert_eq!(there, (2..KEPT + 2).collect::<Vec<_>>());
        assert!(of(other, 0).is_dir());
        let mode = fs::metadata(of(other, 0))?.permissions().mode();
        assert_eq!(mode & 0o777, PRIVATE);
        Ok(())
    }
}
