//! Places within the course, for build scripts.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// The path of a file of the course as seen from a folder, where that lies within the course: what is made for one checkout is
/// then as good for its copy, and names no file of the other.
pub fn seen_from(folder: &Path, course: &Path, path: &Path) -> PathBuf {
    match (folder.strip_prefix(course), path.strip_prefix(course)) {
        (Ok(folder), Ok(path)) => {
            let up: PathBuf = folder.components().map(|_| "..").collect();
            up.join(path)
        }
        _ => path.to_owned(),
    }
}

/// The entries of a folder, by name.
///
/// # Errors
/// Returns an error if the folder cannot be read.
pub fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut entries: Vec<_> = entries.collect::<io::Result<_>>()?;
    entries.sort();
    Ok(entries)
}
