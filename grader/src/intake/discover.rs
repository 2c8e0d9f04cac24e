//! Which paths are submissions, and what they are called.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::escape::as_file_name;
use super::{Candidate, Escaped, Packing};

/// What was found below the paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovered {
    /// In the order of the paths, and within a folder by file name.
    pub candidates: Vec<Candidate>,
    /// What lay between them and is no submission, to be mentioned.
    pub skipped: Vec<Skipped>,
}

/// Something in a folder of submissions that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it lies.
    pub path: PathBuf,
    /// Why it is no submission: "is neither a folder nor an archive".
    pub why: &'static str,
}

impl Skipped {
    /// Whether it is hidden or left by the system, so that nobody handed it in.
    pub fn is_scrap(&self) -> bool {
        self.path.file_name().is_some_and(is_scrap)
    }
}

/// Why a path cannot be graded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// It does not exist.
    #[error("`{path}` does not exist; give a folder or archive that does")]
    Missing {
        /// The path.
        path: Escaped,
    },
    /// It, or the folder that it is, cannot be read.
    #[error("cannot read `{path}`: {source}; check its permissions")]
    Unreadable {
        /// The path.
        path: Escaped,
        /// What the system said.
        source: io::Error,
    },
    /// A file that is no archive.
    #[error("`{path}` is neither a folder nor an archive; give a folder, .zip, .tar.gz or .tgz")]
    NotASubmission {
        /// The path.
        path: Escaped,
    },
    /// A folder that holds no exercise, no folder and no archive.
    #[error(
        "`{path}` holds no submissions; give a folder with exercises, or one with a folder or archive for each submission"
    )]
    NoSubmissions {
        /// The path.
        path: Escaped,
    },
}

/// Finds the submissions that `paths` stand for.
///
/// An archive is one submission, and so is a folder that holds any of `exercises` (folder names
/// such as `01-patchify`) directly or in `exercises/`. Any other folder holds one submission per
/// child folder or archive; other files, dot names and links in it are skipped. A child folder that holds one
/// archive and no folder stands for that archive, as learning platforms export what was handed in.
///
/// # Errors
///
/// If a path is missing, cannot be read, or stands for no submission.
pub fn discover(paths: &[PathBuf], exercises: &[&str]) -> Result<Discovered, DiscoverError> {
    let mut found = Discovered::default();
    for path in paths {
        let unreadable = |source| unreadable(path, source);
        // Also a link to a folder is fine where the caller gives it, so it is resolved here.
        let whole = fs::canonicalize(path).map_err(unreadable)?;
        let is_link = path.is_symlink();
        let near = if is_link { &whole } else { path };
        if !whole.is_dir() {
            if !whole.is_file() || Packing::of(&whole).is_none() {
                return Err(DiscoverError::NotASubmission { path: shown(path) });
            }
            found.candidates.push(candidate(near, &whole));
        } else if holds_exercises(&whole, exercises) {
            found.candidates.push(candidate(near, &whole));
        } else {
            children(near, &mut found)?;
        }
    }
    make_unique(&mut found.candidates);
    Ok(found)
}

fn holds_exercises(folder: &Path, exercises: &[&str]) -> bool {
    exercises.iter().any(|exercise| {
        folder.join("exercises").join(exercise).join("src").is_dir()
            || folder.join(exercise).join("src").is_dir()
    })
}

/// One candidate for each folder and archive in `folder`.
fn children(folder: &Path, found: &mut Discovered) -> Result<(), DiscoverError> {
    let unreadable = |source| unreadable(folder, source);
    let mut entries = fs::read_dir(folder)
        .and_then(|entries| entries.collect::<io::Result<Vec<_>>>())
        .map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let before = found.candidates.len();
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(unreadable)?;
        let why = if is_scrap(&entry.file_name()) {
            "is hidden, or left by the system"
        } else if kind.is_symlink() {
            "is a symbolic link"
        } else if kind.is_dir() || kind.is_file() && Packing::of(&path).is_some() {
            let mut submission = candidate(&path, &path);
            if let Some(archive) = lone_archive(&path) {
                submission.path = archive;
            }
            found.candidates.push(submission);
            continue;
        } else {
            "is neither a folder nor an archive"
        };
        found.skipped.push(Skipped { path, why });
    }
    if found.candidates.len() == before {
        return Err(DiscoverError::NoSubmissions {
            path: shown(folder),
        });
    }
    Ok(())
}

/// The archive in a folder that holds one, and no folder: what lies beside it is a note or a picture.
fn lone_archive(folder: &Path) -> Option<PathBuf> {
    let mut archives = vec![];
    for entry in fs::read_dir(folder).ok()? {
        let entry = entry.ok()?;
        let kind = entry.file_type().ok()?;
        if is_scrap(&entry.file_name()) {
            continue;
        }
        if kind.is_dir() {
            return None;
        }
        if kind.is_file() && Packing::of(&entry.path()).is_some() {
            archives.push(entry.path());
        }
    }
    archives.pop().filter(|_| archives.is_empty())
}

/// Names that systems leave behind, and hidden ones.
fn is_scrap(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || name == "__MACOSX"
}

/// The candidate at `path`, named after `whole`, which is the same without `.` and `..`.
fn candidate(path: &Path, whole: &Path) -> Candidate {
    let name = whole.file_name().unwrap_or_default().as_encoded_bytes();
    let stem = match Packing::split(name) {
        Some((stem, _)) if !whole.is_dir() => stem,
        _ => name,
    };
    Candidate {
        name: as_file_name(stem),
        path: path.to_owned(),
    }
}

/// Gives every name that was there before a number: `ada`, `ada-2`. Upper and lower case are one.
fn make_unique(candidates: &mut [Candidate]) {
    let plain: HashSet<String> = candidates.iter().map(|c| c.name.to_lowercase()).collect();
    let mut used = HashSet::new();
    for candidate in candidates {
        let mut name = candidate.name.clone();
        let mut number = 1;
        // A number never takes the name that another candidate has by itself.
        while used.contains(&name.to_lowercase())
            || number > 1 && plain.contains(&name.to_lowercase())
        {
            number += 1;
            name = format!("{}-{number}", candidate.name);
        }
        used.insert(name.to_lowercase());
        candidate.name = name;
    }
}

fn unreadable(path: &Path, source: io::Error) -> DiscoverError {
    let path = shown(path);
    match source.kind() {
        io::ErrorKind::NotFound => DiscoverError::Missing { path },
        _ => DiscoverError::Unreadable { path, source },
    }
}

fn shown(path: &Path) -> Escaped {
    let name: &OsStr = path.as_os_str();
    Escaped::from(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::super::testing::EXERCISES;
    use super::*;

    #[test]
    fn a_folder_that_holds_one_archive_stands_for_it() {
        let class = folder(&[
            "Ada_1_file/work.zip",
            "Bob/work.zip",
            "Bob/notes.txt",
            "Cy/.DS_Store",
            "Cy/w.tgz",
        ]);
        let found = discover(&[class.path().to_owned()], &EXERCISES).expect("submissions");
        let ends: Vec<_> = found
            .candidates
            .iter()
            .map(|it| {
                (
                    it.name.as_str(),
                    it.path.strip_prefix(class.path()).expect("a child"),
                )
            })
            .collect();
        let expected = [
            ("Ada_1_file", "Ada_1_file/work.zip"),
            ("Bob", "Bob/work.zip"),
            ("Cy", "Cy/w.tgz"),
        ];
        assert_eq!(ends, expected.map(|(name, path)| (name, Path::new(path))));
    }

    /// A folder with these files; a name that ends with `/` is a folder.
    fn folder(names: &[&str]) -> TempDir {
        let dir = TempDir::new().expect("a temporary folder");
        for name in names {
            let path = dir.path().join(name);
            if name.ends_with('/') {
                fs::create_dir_all(path).expect("a new folder");
            } else {
                fs::create_dir_all(path.parent().expect("a parent")).expect("a new folder");
                fs::write(path, b"").expect("a new file");
            }
        }
        dir
    }

    fn names(paths: &[PathBuf]) -> Vec<String> {
        let found = discover(paths, &EXERCISES).expect("submissions");
        found.candidates.into_iter().map(|c| c.name).collect()
    }

    #[test]
    fn a_folder_that_holds_exercises_is_one_submission() {
        for inside in ["01-patchify/src/", "exercises/03-msa/src/"] {
            let dir = folder(&[&format!("ada/{inside}"), "ada/other/"]);
            assert_eq!(names(&[dir.path().join("ada")]), ["ada"], "{inside}");
        }
    }

    #[test]
    fn any_other_folder_holds_one_submission_per_child() {
        let dir = folder(&[
            "class/cem/",
            "class/ada/01-patchify/src/lib.rs",
            "class/bob.tar.gz",
            "class/Eve.ZIP",
            "class/dan.tgz",
            "class/grades.csv",
            "class/.git/",
        ]);
        let found = discover(&[dir.path().join("class")], &EXERCISES).expect("submissions");
        let names: Vec<_> = found.candidates.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["Eve", "ada", "bob", "cem", "dan"]);
        assert_eq!(found.candidates[1].path, dir.path().join("class/ada"));
        let skipped: Vec<_> = found.skipped.iter().map(|s| s.path.file_name()).collect();
        assert_eq!(
            skipped,
            [Some(OsStr::new(".git")), Some(OsStr::new("grades.csv"))]
        );
    }

    #[test]
    fn a_link_among_the_children_is_skipped_but_a_link_given_is_followed() {
        let dir = folder(&["class/ada/01-patchify/src/"]);
        symlink("ada", dir.path().join("class/mallory")).expect("a new link");
        let class = dir.path().join("class");
        let found = discover(std::slice::from_ref(&class), &EXERCISES).expect("submissions");
        assert_eq!(found.candidates.len(), 1);
        assert_eq!(found.skipped[0].why, "is a symbolic link");
        let found = discover(&[class.join("mallory")], &EXERCISES).expect("submissions");
        assert!(found.candidates[0].path.ends_with("class/ada"));
    }

    #[test]
    fn an_archive_given_is_a_submission_and_another_file_is_not() {
        let dir = folder(&["ada.zip", "notes.txt"]);
        assert_eq!(names(&[dir.path().join("ada.zip")]), ["ada"]);
        let error = discover(&[dir.path().join("notes.txt")], &EXERCISES);
        assert!(matches!(error, Err(DiscoverError::NotASubmission { .. })));
    }

    #[test]
    fn missing_and_empty_paths_are_errors_that_name_them() {
        let dir = folder(&["empty/", "files/notes.txt"]);
        let error = |name: &str| {
            discover(&[dir.path().join(name)], &EXERCISES)
                .expect_err("there is nothing to grade")
                .to_string()
        };
        assert!(error("no\u{1b}ne").contains(r"no\u{1b}ne` does not exist;"));
        assert!(error("empty").contains("empty` holds no submissions;"));
        assert!(error("files").contains("files` holds no submissions;"));
    }

    #[test]
    fn names_come_from_the_real_folder() {
        let dir = folder(&["solutions/01-patchify/src/"]);
        let inside = dir.path().join("solutions");
        assert_eq!(names(&[inside.join("01-patchify/..")]), ["solutions"]);
        assert_eq!(names(&[inside.join(".")]), ["solutions"]);
        assert_eq!(names(&[inside.join("")]), ["solutions"]);
    }

    #[test]
    fn names_are_unique_safe_and_stable() {
        let dir = folder(&["ada/", "ada.zip", "ada-2/", "Ada.tgz", "a:b\n/"]);
        let odd = dir.path().join(OsStr::from_bytes(b"b\xff"));
        fs::create_dir(odd).expect("a new folder");
        assert_eq!(
            names(&[dir.path().to_owned()]),
            ["Ada", "a%3Ab%0A", "ada-3", "ada-2", "ada-4", "b%FF"]
        );
    }
}
