//! What a folder holds, noted so that any change is seen.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Each entry with its size, mode, inode and times.
pub(super) type Listing = BTreeMap<PathBuf, [i64; 7]>;

/// How carefully a folder is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    /// The time of the last change of anything, which no program can set back: for folders that nobody should touch.
    OfAnyChange,
    /// The time that the content was changed: for what cargo itself gives second names.
    OfContent,
}

/// Lists a folder and all below it but what is called as one of `without`. Links are not followed.
pub(super) fn listing(folder: &Path, times: Times, without: &[&str]) -> Listing {
    let mut found = Listing::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let is_left_out = without.iter().any(|name| entry.file_name() == *name);
            let Ok(facts) = entry.metadata() else {
                continue;
            };
            if is_left_out {
                continue;
            }
            if facts.is_dir() {
                todo.push(entry.path());
            }
            let (ctime, nanoseconds) = match times {
                Times::OfAnyChange => (facts.ctime(), facts.ctime_nsec()),
                Times::OfContent => (0, 0),
            };
            let facts = [
                facts.size() as i64,
                facts.mode().into(),
                facts.ino() as i64,
                facts.mtime(),
                facts.mtime_nsec(),
                ctime,
                nanoseconds,
            ];
            found.insert(entry.path(), facts);
        }
    }
    found
}

/// The entries that one has and the other has not, or not so.
pub(super) fn differences(before: &Listing, after: &Listing) -> Vec<PathBuf> {
    let changed = before
        .iter()
        .filter(|(path, facts)| after.get(*path) != Some(facts));
    let new = after.iter().filter(|(path, _)| !before.contains_key(*path));
    changed.chain(new).map(|(path, _)| path.clone()).collect()
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
        let list = || listing(folder.path(), Times::OfAnyChange, &["target"]);
        let before = list();
        assert_eq!(before.len(), 2);
        fs::write(&file, "two").expect("the file");
        assert_eq!(differences(&before, &list()), std::slice::from_ref(&file));
        fs::remove_file(&file).expect("the file");
        assert_eq!(
            differences(&before, &list()),
            [folder.path().join("a"), file]
        );
        let before = list();
        fs::write(folder.path().join("target"), "").expect("a new file");
        assert_eq!(differences(&before, &list()), Vec::<PathBuf>::new());
    }
}
