//! Atomic writes of files, and the search for a checkout of the course, in which a desk must not lie.

use anyhow::{Context, Result};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes a file atomically: to a temporary file beside it, which is then renamed. A pipe or device is written directly.
///
/// # Errors
/// Returns an error if it cannot be written; an existing file then stays as it was.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    let says = || format!("cannot write {}", path.display());
    // A pipe or `/dev/stdout` is written to as it is.
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return fs::write(path, content).with_context(says);
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // Grades are nobody else's: its owner alone may read it, as tempfile has it.
    let mut file = tempfile::Builder::new()
        .prefix(".unfinished-")
        .tempfile_in(folder)
        .with_context(says)?;
    file.write_all(content).with_context(says)?;
    file.persist(path).with_context(says)?;
    Ok(())
}

/// The checkout of a course that a path lies in, if it lies in one. The path need not exist.
pub fn checkout_around(path: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(path).ok()?;
    let existing = whole.ancestors().find(|it| it.exists())?;
    let existing = existing.canonicalize().ok()?;
    let is_course = |folder: &&Path| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml"));
        let manifest = manifest
            .ok()
            .and_then(|text| text.parse::<toml::Table>().ok());
        let course = || {
            let metadata = manifest.as_ref()?.get("workspace")?.get("metadata")?;
            metadata.get("course")
        };
        course().is_some()
    };
    existing.ancestors().find(is_course).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_error() {
        let error = write_whole(Path::new("/dev/full"), b"grades").expect_err("a full disk");
        assert_eq!(error.to_string(), "cannot write /dev/full");
    }

    #[test]
    fn a_folder_of_the_checkout_is_known_though_it_is_not_there_yet() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().expect("the checkout");
        assert_eq!(checkout_around(&root.join("target/a/b")), Some(root));
        let other = tempfile::tempdir().expect("a folder");
        assert_eq!(checkout_around(&other.path().join("desk")), None);
    }
}
