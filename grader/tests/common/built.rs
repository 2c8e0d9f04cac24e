//! What cargo has built in a checkout, copied to another: it need not be compiled there again.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The folders of what cargo builds, in the target folder.
pub(crate) const BUILT: [&str; 3] = ["debug/.fingerprint", "debug/build", "debug/deps"];

/// Copies files and folders, with their times, by which cargo knows that they are fresh.
pub(crate) fn cp(from: &[PathBuf], to: &Path) -> Result {
    let status = Command::new("cp")
        .args(["--archive", "--"])
        .args(from)
        .arg(to)
        .status()?;
    assert!(status.success(), "cp ended with {status}");
    Ok(())
}

/// Copies a folder of what is built, but for what is large: files whose names begin so, and programs among the libraries, which are
/// tests.
pub(crate) fn copy_built(from: &Path, to: &Path, large: &[&str]) -> Result {
    fs::create_dir_all(to)?;
    let mut files = vec![];
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let is_program = from.ends_with("deps") && path.extension().is_none() && path.is_file();
        if !is_program && !large.iter().any(|start| name.starts_with(start)) {
            files.push(path);
        }
    }
    for files in files.chunks(500) {
        cp(files, to)?;
    }
    Ok(())
}
