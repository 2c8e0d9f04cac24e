//! The files of pictures.

use crate::machine::files::write_whole;
use anyhow::{Context, Result};
use pictures::Picture;
use std::fs;
use std::path::{Path, PathBuf};

/// Writes `NAME.png` and `NAME.svg` into the folder, which is created if it is missing. Returns their paths.
///
/// # Errors
/// Returns an error if the picture is too large, or a file cannot be written.
pub fn write(picture: &Picture, folder: &Path, name: &str) -> Result<[PathBuf; 2]> {
    fs::create_dir_all(folder)
        .with_context(|| format!("{} cannot be created", folder.display()))?;
    let write = |extension: &str, bytes: &[u8]| {
        let path = folder.join(format!("{name}.{extension}"));
        write_whole(&path, bytes)?;
        anyhow::Ok(path)
    };
    Ok([
        write("png", &picture.png()?)?,
        write("svg", picture.svg().as_bytes())?,
    ])
}
