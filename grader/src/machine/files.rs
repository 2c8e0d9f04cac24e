//! Files that several runs of the grader may write at once: written whole or not at all, and folders held by one of them.

use anyhow::{Context, Result, bail};
use interface::place::entries;
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Writes a file beside its place and moves it there once it is on the disk: nobody ever sees half of it, and a full disk
/// leaves what stood there. A place that is there and is no file, as a pipe or `/dev/stdout`, is written to as it is.
///
/// # Errors
/// Returns an error if it cannot be written.
pub fn write_whole(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    write_whole_by(path, |file| Ok(file.write_all(content.as_ref())?))
}

/// As [`write_whole`], but `write` writes the content.
///
/// # Errors
/// Returns an error if it cannot be written, or `write` fails.
pub fn write_whole_by(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> Result<()>,
) -> Result<()> {
    let says = || format!("{} cannot be written", path.display());
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        let mut place = File::options().write(true).open(path).with_context(says)?;
        let mut writer = BufWriter::new(&mut place);
        write(&mut writer).with_context(says)?;
        return writer.flush().with_context(says);
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".unfinished-")
        // As any new file: who may read it is the umask's to say.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .with_context(says)?;
    let mut writer = BufWriter::new(file.as_file_mut());
    write(&mut writer).with_context(says)?;
    writer.flush().with_context(says)?;
    drop(writer);
    file.as_file().sync_all().with_context(says)?;
    file.persist(path).with_context(says)?;
    Ok(())
}

/// As [`write_whole`], but leaves a file alone that has this content, and makes its folder if need be.
///
/// # Errors
/// Returns an error if it cannot be written.
pub fn write_if_changed(path: &Path, content: &str) -> Result<()> {
    if fs::read(path).is_ok_and(|there| there == content.as_bytes()) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .with_context(|| format!("{} cannot be created", folder.display()))?;
    write_whole(path, content)
}

/// All files below a folder, by name. A link to a folder is followed.
///
/// # Errors
/// Returns an error if a folder cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = vec![];
    for path in entries(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        match path.is_dir() {
            true => files.extend(files_below(&path)?),
            false => files.push(path),
        }
    }
    Ok(files)
}

/// The size and the time of a file, by which it is told from another in its place without being read.
///
/// # Errors
/// Returns an error if they cannot be read.
pub fn version_of(file: &Path) -> io::Result<(u64, SystemTime)> {
    let metadata = fs::metadata(file)?;
    Ok((metadata.len(), metadata.modified()?))
}

/// Holds a folder for this process alone, until the file is dropped. `who` else may hold it, and what to do then, are told in
/// the error: "another training".
///
/// # Errors
/// Returns an error if another process holds it, or it cannot be locked.
pub fn hold(folder: &Path, who: &str) -> Result<File> {
    let path = folder.join(".lock");
    let lock =
        File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => bail!(
            "{who} is writing to {}: wait for it, or name another folder with --out",
            folder.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} cannot be locked", path.display()))
        }
    }
}

/// As [`hold`], but waits for a process that holds the folder.
///
/// # Errors
/// Returns an error if it cannot be locked.
pub fn hold_in_turn(folder: &Path) -> Result<File> {
    let path = folder.join(".lock");
    let lock =
        File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    lock.lock()
        .with_context(|| format!("{} cannot be locked", path.display()))?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_leaves_what_stood_there() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("file");
        write_whole(&path, "as it was")?;
        let error = write_whole_by(&path, |file| {
            file.write_all(b"new")?;
            bail!("No space left on device")
        });
        let error = error.expect_err("a full disk").to_string();
        assert!(error.ends_with("file cannot be written"), "{error}");
        assert_eq!(fs::read(&path)?, b"as it was");
        assert_eq!(fs::read_dir(folder.path())?.count(), 1, "half a file");
        Ok(())
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() -> Result<()> {
        write_whole(Path::new("/dev/null"), "nothing")?;
        assert!(!fs::metadata("/dev/null")?.is_file());
        let error = write_whole(Path::new("/dev/full"), "too much").expect_err("a full disk");
        assert_eq!(error.to_string(), "/dev/full cannot be written");
        assert!(format!("{error:#}").contains("No space left"), "{error:#}");
        Ok(())
    }

    #[test]
    fn what_is_as_it_should_be_is_left_alone() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("new/file");
        write_if_changed(&path, "a")?;
        let written = || fs::metadata(&path)?.modified();
        let first = written()?;
        write_if_changed(&path, "a")?;
        assert_eq!(written()?, first);
        write_if_changed(&path, "b")?;
        assert_eq!(fs::read(&path)?, b"b");
        Ok(())
    }

    #[test]
    fn a_folder_is_held_by_one_and_the_other_is_told_by_whom() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let held = hold(folder.path(), "another training")?;
        let error = hold(folder.path(), "another training").expect_err("it is held");
        let start = format!("another training is writing to {}", folder.path().display());
        assert!(error.to_string().starts_with(&start), "{error}");
        drop(held);
        hold(folder.path(), "another training")?;
        Ok(())
    }
}
