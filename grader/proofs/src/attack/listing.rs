//! Listings of folders, in which any change is seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The entries of a folder, by path.
pub(super) type Listing = BTreeMap<PathBuf, Facts>;

/// The facts of an entry: size, mode, inode, and the times of the last change of its content and of anything. The
/// latter no program can set back. Of a folder only the mode: what is made or removed in it is an entry itself.
pub(super) type Facts = [i64; 7];

/// Lists all below a folder but what `is_passed_over`. Links are not followed, and other file systems not entered. Each
/// path is given, and passed over, as if the folder were `shown_as`.
pub(super) fn list(
    folder: &Path,
    shown_as: &Path,
    is_passed_over: &dyn Fn(&Path) -> bool,
) -> Listing {
    let mut found = Listing::new();
    let Ok(top) = fs::symlink_metadata(folder) else {
        return found;
    };
    let mut todo = vec![(folder.to_owned(), shown_as.to_owned())];
    while let Some((folder, shown_as)) = todo.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let shown_as = shown_as.join(entry.file_name());
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if is_passed_over(&shown_as) {
                continue;
            }
            if metadata.is_dir() && metadata.dev() == top.dev() {
                todo.push((entry.path(), shown_as.clone()));
            }
            found.insert(shown_as, facts(&metadata));
        }
    }
    found
}

fn facts(metadata: &Metadata) -> Facts {
    if metadata.is_dir() {
        return [0, metadata.mode().into(), 0, 0, 0, 0, 0];
    }
    [
        metadata.size() as i64,
        metadata.mode().into(),
        metadata.ino() as i64,
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ]
}

/// The entries that one has and the other has not, or not so, but for folders in which there are some.
pub(super) fn differences(before: &Listing, after: &Listing) -> Vec<PathBuf> {
    let both: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let is_changed = |path: &&&PathBuf| before.get(**path) != after.get(**path);
    let changed: Vec<_> = both.iter().filter(is_changed).copied().collect();
    // In their order, what is below a folder comes right after it.
    let has_more = |at: usize| {
        changed
            .get(at + 1)
            .is_some_and(|it| it.starts_with(changed[at]))
    };
    let deepest = (0..changed.len()).filter(|at| !has_more(*at));
    deepest.map(|at| changed[at].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_seen() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("a/b");
        fs::create_dir(folder.path().join("a")).expect("a new folder");
        fs::write(&file, "one").expect("a new file");
        let shown = Path::new("/shown");
        let list = || list(folder.path(), shown, &|path| path.ends_with("target"));
        let before = list();
        assert_eq!(before.len(), 2);
        fs::write(&file, "two").expect("the file");
        assert_eq!(differences(&before, &list()), [shown.join("a/b")]);
        fs::remove_file(&file).expect("the file");
        assert_eq!(differences(&before, &list()), [shown.join("a/b")]);
        let before = list();
        fs::write(folder.path().join("target"), "").expect("a new file");
        assert_eq!(differences(&before, &list()), Vec::<PathBuf>::new());
        fs::create_dir(folder.path().join("c")).expect("a new folder");
        assert_eq!(differences(&before, &list()), [shown.join("c")]);
        fs::write(folder.path().join("c/d"), "").expect("a new file");
        assert_eq!(differences(&before, &list()), [shown.join("c/d")]);
    }
}
