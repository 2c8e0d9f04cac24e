//! The seed of a class: all that is drawn while its submissions are judged follows from it. It is made at random, kept in
//! the folder of the grades, and shown on no page, so that nobody can prepare answers.

use crate::course::{Course, Exercise};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::NamedTempFile;

/// The file of the seed, in the folder that `--out` names.
pub const FILE: &str = "seed";

/// Readable for whoever grades, and nobody else.
const PRIVATE: u32 = 0o600;

/// The seed that is kept in a folder of grades: `asked`, where it is given, or a random one, if none is there yet.
///
/// # Errors
/// Returns an error if another one is kept there, or it cannot be read or written.
pub fn of_class(folder: &Path, asked: Option<u64>) -> Result<u64> {
    let path = folder.join(FILE);
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let kept = match read(&path)? {
        Some(kept) => kept,
        None => {
            let seed = match asked {
                Some(seed) => seed,
                None => random().context("the system provides no random numbers")?,
            };
            // Of two that begin at once, the first one's is kept.
            write(folder, &path, seed)?;
            read(&path)?.with_context(|| format!("{} is gone", path.display()))?
        }
    };
    match asked {
        Some(asked) if asked != kept => bail!(
            "the submissions in {} are judged with another seed, which {} holds: leave --seed out, or give another --out",
            folder.display(),
            path.display()
        ),
        _ => Ok(kept),
    }
}

fn read(path: &Path) -> Result<Option<u64>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let seed = text.trim().parse();
    let seed = seed.with_context(|| format!("{} does not hold a whole number", path.display()))?;
    Ok(Some(seed))
}

fn random() -> Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Writes the file whole, unless there is one.
fn write(folder: &Path, path: &Path, seed: u64) -> Result<()> {
    let says = || format!("cannot write {}", path.display());
    let mut file = NamedTempFile::new_in(folder).with_context(says)?;
    writeln!(file, "{seed}").with_context(says)?;
    let permissions = Permissions::from_mode(PRIVATE);
    file.as_file()
        .set_permissions(permissions)
        .with_context(says)?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => {
            Err(error.error).with_context(says)
        }
        _ => Ok(()),
    }
}

/// The digest of a seed, by which results can be told to be of one class: its SHA-256.
pub fn digest(seed: u64) -> String {
    format!("{:x}", Sha256::digest(seed.to_string()))
}

/// The seed of one exercise: it changes with the exercise's tests and its solution.
///
/// # Errors
/// Returns an error if a file of the exercise cannot be read.
pub fn of_exercise(course: &Course, exercise: &Exercise, seed: u64) -> Result<u64> {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(course.digest_of(exercise)?);
    let digest = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    Ok(u64::from_le_bytes(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_keeps_the_seed_that_it_began_with() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let grades = folder.path().join("new/grades");
        let seed = of_class(&grades, None)?;
        assert_eq!(of_class(&grades, None)?, seed);
        assert_eq!(of_class(&grades, Some(seed))?, seed);
        let other = of_class(&grades, Some(seed.wrapping_add(1)));
        assert!(other.is_err_and(|error| error.to_string().contains("another seed")));
        let mode = fs::metadata(grades.join(FILE))?.permissions().mode();
        assert_eq!(mode & 0o777, PRIVATE);
        Ok(())
    }

    #[test]
    fn two_classes_have_two_seeds_and_one_that_is_given_is_kept() -> Result<()> {
        let [a, b, c] = [
            tempfile::tempdir()?,
            tempfile::tempdir()?,
            tempfile::tempdir()?,
        ];
        assert_ne!(of_class(a.path(), None)?, of_class(b.path(), None)?);
        assert_eq!(of_class(c.path(), Some(7))?, 7);
        assert_eq!(of_class(c.path(), None)?, 7);
        Ok(())
    }

    #[test]
    fn a_file_that_holds_no_number_is_an_error_and_stays() -> Result<()> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join(FILE), "seven")?;
        assert!(of_class(folder.path(), None).is_err());
        assert_eq!(fs::read_to_string(folder.path().join(FILE))?, "seven");
        Ok(())
    }

    #[test]
    fn each_exercise_has_a_seed_of_its_own() -> Result<()> {
        let course = Course::open(concat!(env!("CARGO_MANIFEST_DIR"), "/..").as_ref())?;
        let [first, second] = [0, 1].map(|i| of_exercise(&course, &course.exercises[i], 7));
        let again = of_exercise(&course, &course.exercises[0], 7)?;
        assert_eq!(first.as_ref().ok(), Some(&again));
        assert_ne!(again, second?);
        assert_ne!(again, of_exercise(&course, &course.exercises[0], 8)?);
        Ok(())
    }
}
