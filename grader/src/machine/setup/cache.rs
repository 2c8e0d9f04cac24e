//! The user's cache of fetched trees: each is made apart, by one process at a time, and put in place
//! in one step, so that whatever lies in place is whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar};
use rustix::fs::{FlockOperation, flock, statvfs};
use rustix::io::Errno;

use super::fetch::Pip;
use super::unpack::unpack;
use super::{SetupError, Surroundings, check_loads};
use crate::machine::libtorch::{CACHE_FOLDER, Libtorch, VERSION};

/// A tree in the cache, fetched if it is not there yet. A tree with CUDA does for all.
pub(super) fn ensure(
    surroundings: &Surroundings,
    want_cuda: bool,
    progress: &MultiProgress,
) -> Result<Libtorch, SetupError> {
    let cache = surroundings.cache.as_ref().ok_or(SetupError::NoCache)?;
    let cache = cache.join(CACHE_FOLDER);
    if let Ok(found) = surroundings.tree_at(&cache.join(tree_name(true))) {
        return Ok(found);
    }
    let place = cache.join(tree_name(want_cuda));
    if let Ok(found) = surroundings.tree_at(&place) {
        return Ok(found);
    }

    fs::create_dir_all(&cache).map_err(SetupError::io("make the folder", &cache))?;
    let lock = cache.join(format!("{}.lock", tree_name(want_cuda)));
    let _held = hold(&lock, progress).map_err(SetupError::io("lock", &lock))?;
    if let Ok(found) = surroundings.tree_at(&place) {
        return Ok(found); // whoever held the lock has made it
    }
    let partial = cache.join(format!("{}.partial", tree_name(want_cuda)));
    let staging = Staging::at(partial)?;
    check_room(&cache, room_needed(want_cuda))?;
    make(&staging, surroundings, want_cuda, progress)?;
    staging.put_in_place(surroundings, &place)
}

fn tree_name(cuda: bool) -> String {
    format!("libtorch-{VERSION}-{}", if cuda { "cuda" } else { "cpu" })
}

/// Fetches a tree and unpacks it in the staging folder.
fn make(
    staging: &Staging,
    surroundings: &Surroundings,
    want_cuda: bool,
    progress: &MultiProgress,
) -> Result<(), SetupError> {
    let pip = Pip {
        python: &surroundings.python,
        platform: surroundings.platform,
        staging: &staging.folder,
        progress,
    };
    let wheels = pip.libtorch(want_cuda)?;
    let kind = (surroundings.platform, want_cuda);
    unpack(&wheels, &staging.tree(), kind, progress)?;
    let made = surroundings
        .tree_at(&staging.tree())
        .map_err(|why| SetupError::Wheel {
            wheel: wheels[0].clone(),
            why: why.to_string(),
        })?;
    check_loads(&made)
}

/// Bytes on disk at the most crowded moment: pip holds a wheel twice while it copies it out of its
/// temporary folder, and the tree is unpacked beside the wheels.
pub(crate) fn room_needed(want_cuda: bool) -> u64 {
    if want_cuda {
        7_000_000_000
    } else {
        1_300_000_000
    }
}

fn check_room(folder: &Path, needed: u64) -> Result<(), SetupError> {
    let free = free_bytes(folder).map_err(SetupError::io("see the free space of", folder))?;
    if free >= needed {
        return Ok(());
    }
    let path = folder.to_owned();
    Err(SetupError::NoRoom { path, free, needed })
}

/// The bytes that this user may still write on the disk that holds `folder`.
pub(crate) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Waits until no other process is at work, and keeps others out until the file is dropped, or the
/// process ends in whatever way.
fn hold(path: &Path, progress: &MultiProgress) -> io::Result<File> {
    let file = File::create(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => {}
        other => return Ok(other.map(|()| file)?),
    }
    let waiting = progress.add(ProgressBar::new_spinner());
    waiting.set_message("waiting for another set-up of libtorch to finish");
    waiting.enable_steady_tick(Duration::from_millis(100));
    rustix::io::retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))?;
    waiting.finish_and_clear();
    Ok(file)
}

/// The folder beside a tree's place in which it is made. It goes when it is dropped, or else when the
/// next one is made.
struct Staging {
    folder: PathBuf,
}

impl Staging {
    fn at(folder: PathBuf) -> Result<Self, SetupError> {
        remove(&folder).map_err(SetupError::io("remove", &folder))?;
        fs::create_dir(&folder).map_err(SetupError::io("make the folder", &folder))?;
        Ok(Self { folder })
    }

    fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    fn put_in_place(
        &self,
        surroundings: &Surroundings,
        place: &Path,
    ) -> Result<Libtorch, SetupError> {
        let put = SetupError::io("put a tree at", place);
        let broken = self.folder.join("broken"); // what lay there was looked at, and will not do
        match fs::rename(place, &broken) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(put(error)),
            _ => fs::rename(self.tree(), place).map_err(put)?,
        }
        surroundings.tree_at(place).map_err(|why| SetupError::Io {
            doing: "use",
            path: place.to_owned(),
            why: io::Error::other(why),
        })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        remove(&self.folder).ok(); // else the next set-up sees to it
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_with_too_little_room_is_refused_before_anything_is_fetched() {
        let folder = std::env::temp_dir();
        assert!(check_room(&folder, 1).is_ok());
        let error = check_room(&folder, u64::MAX).expect_err("no disk is that large");
        assert!(matches!(error, SetupError::NoRoom { .. }), "{error}");
    }

    #[test]
    fn a_disk_that_becomes_full_is_told_from_other_errors() {
        let error = |kind| SetupError::io("write", Path::new("/x"))(io::Error::from(kind));
        let full = error(io::ErrorKind::StorageFull);
        assert!(matches!(full, SetupError::DiskFull(_)), "{full}");
        let denied = error(io::ErrorKind::PermissionDenied);
        assert_eq!(denied.to_string(), "cannot write /x (permission denied)");
    }
}
