//! Discovery of submissions: the paths that are submissions, and their names.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use unicode_normalization::UnicodeNormalization;

use super::escape::{as_file_name, as_plain_file_name, look_of};
use super::{Candidate, Escaped, Packing};

/// The two readings of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Reading {
    /// A class: each folder and archive in it is a submission
    Class,
    /// One submission
    Submission,
}

/// The submissions found at the paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovered {
    /// Sorted by the order of the paths, and within a folder by file name.
    pub candidates: Vec<Candidate>,
    /// The reading of each folder among the paths, in their order.
    pub folders: Vec<(PathBuf, Reading)>,
    /// The other entries of the folders, which are not submissions and are to be mentioned.
    pub skipped: Vec<Skipped>,
}

/// An entry of a folder of submissions that is not a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The path of the entry.
    pub path: PathBuf,
    /// The reason why it is not a submission: "is neither a folder nor an archive".
    pub why: &'static str,
}

impl Skipped {
    /// Returns whether it is hidden or left by the system, so that nobody handed it in.
    pub fn is_scrap(&self) -> bool {
        self.path.file_name().is_some_and(is_scrap)
    }
}

/// The reason why a path cannot be graded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// It does not exist.
    #[error("`{path}` does not exist")]
    Missing {
        /// The path.
        path: Escaped,
    },
    /// It, or the folder that it is, cannot be read.
    #[error("cannot read `{path}`")]
    Unreadable {
        /// The path.
        path: Escaped,
        /// The system's error.
        source: io::Error,
    },
    /// A file that is no archive.
    #[error("`{path}` is neither a folder nor an archive")]
    NotASubmission {
        /// The path.
        path: Escaped,
    },
    /// A folder that may be a class or one submission.
    #[error(
        "`{path}` is unclear: it may be one submission, since it holds `{exercise}`, or a class, since it also holds {others}"
    )]
    Unclear {
        /// The path.
        path: Escaped,
        /// The exercise in it that a submission would hold.
        exercise: Escaped,
        /// A description of the entries that would be submissions of a class.
        others: String,
    },
    /// A folder that holds no exercise, no folder and no archive.
    #[error("`{path}` holds no submissions")]
    NoSubmissions {
        /// The path.
        path: Escaped,
    },
}

impl DiscoverError {
    /// The hint for it, if there is one.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { .. } => return None,
            Self::Unreadable { .. } => "check its permissions",
            Self::NotASubmission { .. } => "give a folder, .zip, .tar.gz or .tgz",
            Self::Unclear { .. } => "say which with --as submission or --as class",
            Self::NoSubmissions { .. } => {
                "give a folder with exercises, or one with a folder or archive for each submission"
            }
        };
        Some(hint.to_owned())
    }
}

/// Finds the submissions that `paths` stand for; `reading` is the reading of every folder among them, if the user gave
/// one.
///
/// An archive is one submission, and so is a folder that holds any of `exercises` (folder names
/// such as `01-patchify`) directly or in `exercises/`, and nothing else that could be a submission. Any other folder is a
/// class and holds one submission per child folder or archive, a child called `exercises` among them; other files, dot
/// names and links in it are skipped. A child folder that holds one archive and no folder stands for that archive, as
/// learning platforms export what was handed in.
///
/// # Errors
///
/// Returns an error if a path is missing, cannot be read, stands for no submission, or may be a submission as well as a
/// class.
pub fn discover(
    paths: &[PathBuf],
    exercises: &[&str],
    reading: Option<Reading>,
) -> Result<Discovered, DiscoverError> {
    let mut found = Discovered::default();
    let mut candidates = vec![];
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
            candidates.push(Named::at(near, &whole));
            continue;
        }
        let children = Children::of(near)?;
        let reading = match reading {
            Some(reading) => reading,
            None => children.reading(near, exercises)?,
        };
        match reading {
            Reading::Submission => {
                candidates.push(Named::at(near, &whole));
                found.skipped.extend(children.beside(exercises));
            }
            Reading::Class if children.submissions.is_empty() => {
                return Err(DiscoverError::NoSubmissions { path: shown(near) });
            }
            Reading::Class => {
                let within = children.submissions.iter();
                candidates.extend(within.map(|path| Named::child(path)));
                found.skipped.extend(children.skipped);
            }
        }
        found.folders.push((path.clone(), reading));
    }
    found.candidates = named_apart(candidates);
    Ok(found)
}

/// The exercise that a folder holds as a submission does, below the folder.
fn exercise_in(folder: &Path, exercises: &[&str]) -> Option<PathBuf> {
    let places = exercises.iter().flat_map(|exercise| {
        [
            Path::new("exercises").join(exercise),
            PathBuf::from(exercise),
        ]
    });
    let mut places = places.filter(|place| folder.join(place).join("src").is_dir());
    places.next()
}

/// The entries of a folder, by file name.
struct Children {
    /// Folders and archives.
    submissions: Vec<PathBuf>,
    /// All else.
    skipped: Vec<Skipped>,
}

impl Children {
    fn of(folder: &Path) -> Result<Self, DiscoverError> {
        let unreadable = |source| unreadable(folder, source);
        let mut entries = fs::read_dir(folder)
            .and_then(|entries| entries.collect::<io::Result<Vec<_>>>())
            .map_err(unreadable)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        let (mut submissions, mut skipped) = (vec![], vec![]);
        for entry in entries {
            let path = entry.path();
            let kind = entry.file_type().map_err(unreadable)?;
            let why = if is_scrap(&entry.file_name()) {
                "is hidden, or left by the system"
            } else if kind.is_symlink() {
                "is a symbolic link"
            } else if kind.is_dir() || kind.is_file() && Packing::of(&path).is_some() {
                submissions.push(path);
                continue;
            } else {
                "is neither a folder nor an archive"
            };
            skipped.push(Skipped { path, why });
        }
        Ok(Self {
            submissions,
            skipped,
        })
    }

    /// The reading of the folder that they lie in.
    ///
    /// # Errors
    /// Returns an error if it may be a submission as well as a class.
    fn reading(&self, folder: &Path, exercises: &[&str]) -> Result<Reading, DiscoverError> {
        let Some(exercise) = exercise_in(folder, exercises) else {
            return Ok(Reading::Class);
        };
        let others: Vec<_> = self
            .submissions
            .iter()
            .filter(|child| !is_of_a_submission(child, exercises))
            .filter(|child| looks_handed_in(child, exercises))
            .collect();
        if others.is_empty() {
            return Ok(Reading::Submission);
        }
        // Were it one submission, its exercises would be more than what lies around them by chance. Were it a class, one
        // or two would have called their folder as an exercise, or as the folder of all.
        let own = exercises.iter();
        let own = own.filter(|own| folder.join(own).join("src").is_dir());
        let own = own.count() + usize::from(folder.join("exercises").is_dir());
        if own == 1 && others.len() > 1 {
            return Ok(Reading::Class);
        }
        Err(DiscoverError::Unclear {
            path: shown(folder),
            exercise: shown(&exercise),
            others: in_words(&others),
        })
    }

    /// The entries that a submission in their folder leaves out, and that a user may miss.
    fn beside(self, exercises: &[&str]) -> Vec<Skipped> {
        let left = self.submissions.into_iter();
        let left = left.filter(|child| !holds_exercises_of_its_folder(child, exercises));
        let left = left.map(|path| Skipped {
            path,
            why: "lies beside the exercises of the submission",
        });
        left.collect()
    }
}

/// Returns whether a child of a submission is where its exercises lie.
fn holds_exercises_of_its_folder(child: &Path, exercises: &[&str]) -> bool {
    let name = child.file_name().unwrap_or_default();
    child.is_dir() && (name == "exercises" || exercises.iter().any(|exercise| name == *exercise))
}

/// Returns whether a child is part of its folder, if that is a submission: an exercise, the folder of all, and in a copy
/// of the whole course the solutions and what was built.
fn is_of_a_submission(child: &Path, exercises: &[&str]) -> bool {
    let name = child.file_name().unwrap_or_default();
    let is_of_the_course = || {
        let exercises = child.with_file_name("exercises");
        child.is_dir() && exercises.is_dir() && (name == "solutions" || name == "target")
    };
    holds_exercises_of_its_folder(child, exercises) || is_of_the_course()
}

/// Returns whether a child would be a submission with exercises in it, or an archive that may be one.
fn looks_handed_in(child: &Path, exercises: &[&str]) -> bool {
    if !child.is_dir() || lone_archive(child).is_some() {
        return true;
    }
    let within = fs::read_dir(child).into_iter().flatten().flatten();
    let within = within.take(MOST_LOOKED_AT).map(|entry| entry.path());
    let mut folders = std::iter::once(child.to_owned()).chain(within);
    folders.any(|folder| exercise_in(&folder, exercises).is_some())
}

/// Entries of a child that are looked at to find what it is.
const MOST_LOOKED_AT: usize = 1000;

/// The first few of some paths' names.
fn in_words(paths: &[&PathBuf]) -> String {
    const MOST: usize = 3;
    let name = |path: &&PathBuf| {
        format!(
            "`{}`",
            shown(Path::new(path.file_name().unwrap_or_default()))
        )
    };
    let mut names: Vec<_> = paths.iter().take(MOST).map(name).collect();
    if paths.len() > MOST {
        names.push(format!("{} more", paths.len() - MOST));
    }
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => names.concat(),
    }
}

/// The archive in a folder that holds one, and no folder: what lies beside it is a note or a picture.
fn lone_archive(folder: &Path) -> Option<PathBuf> {
    let mut archives = vec![];
    for (i, entry) in fs::read_dir(folder).ok()?.enumerate() {
        let entry = entry.ok()?;
        let kind = entry.file_type().ok()?;
        if i == MOST_LOOKED_AT {
            return None;
        }
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

/// A submission, and what it is called where it lies.
struct Named {
    name: Vec<u8>,
    path: PathBuf,
}

impl Named {
    /// The submission at `path`, named after `whole`, which is the same without `.` and `..`.
    fn at(path: &Path, whole: &Path) -> Self {
        let name = whole.file_name().unwrap_or_default().as_encoded_bytes();
        let stem = match Packing::split(name) {
            Some((stem, _)) if !whole.is_dir() => stem,
            _ => name,
        };
        Self {
            name: stem.to_owned(),
            path: path.to_owned(),
        }
    }

    /// The submission that a child of a class is.
    fn child(path: &Path) -> Self {
        Self {
            path: lone_archive(path).unwrap_or_else(|| path.to_owned()),
            ..Self::at(path, path)
        }
    }

    /// Its name in the shortest of the ways to write its letters.
    fn normal(&self) -> String {
        match str::from_utf8(&self.name) {
            Ok(text) => as_file_name(text.nfc().collect::<String>().as_bytes()),
            Err(_) => as_file_name(&self.name),
        }
    }
}

/// Gives each a name of its own that also looks like no other: where names differ in what cannot be told by eye, they are
/// shown by their bytes; one that was there before gets a number: `ada`, `ada-2`. Upper and lower case are one.
fn named_apart(found: Vec<Named>) -> Vec<Candidate> {
    let mut alike = BTreeMap::<String, BTreeSet<String>>::new();
    for named in &found {
        let writings = alike.entry(look_of(&named.normal())).or_default();
        writings.insert(String::from_utf8_lossy(&named.name).to_lowercase());
    }
    let candidates = found.into_iter().map(|named| {
        let name = named.normal();
        let is_alone = alike
            .get(&look_of(&name))
            .is_none_or(|writings| writings.len() == 1);
        Candidate {
            name: if is_alone {
                name
            } else {
                as_plain_file_name(&named.name)
            },
            path: named.path,
        }
    });
    let mut candidates: Vec<_> = candidates.collect();
    make_unique(&mut candidates);
    candidates
}

fn make_unique(candidates: &mut [Candidate]) {
    let plain: HashSet<String> = candidates.iter().map(|c| look_of(&c.name)).collect();
    let mut used = HashSet::new();
    for candidate in candidates {
        let mut name = candidate.name.clone();
        let mut number = 1;
        // A number never takes the name that another candidate has by itself.
        while used.contains(&look_of(&name)) || number > 1 && plain.contains(&look_of(&name)) {
            number += 1;
            name = format!("{}-{number}", candidate.name);
        }
        used.insert(look_of(&name));
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
        let found = discover(&[class.path().to_owned()], &EXERCISES, None).expect("submissions");
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
    fn folder(names: &[impl AsRef<str>]) -> TempDir {
        let dir = TempDir::new().expect("a temporary folder");
        for name in names {
            let name = name.as_ref();
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
        let found = discover(paths, &EXERCISES, None).expect("submissions");
        found.candidates.into_iter().map(|c| c.name).collect()
    }

    /// The submissions of a folder with these files, or the error.
    fn read_as(files: &[&str], reading: Option<Reading>) -> Result<Vec<String>, String> {
        let dir = folder(
            &files
                .iter()
                .map(|file| format!("x/{file}"))
                .collect::<Vec<_>>(),
        );
        match discover(&[dir.path().join("x")], &EXERCISES, reading) {
            Ok(found) => Ok(found.candidates.into_iter().map(|c| c.name).collect()),
            Err(error) => Err(format!("{error}\n{}", error.hint().unwrap_or_default())),
        }
    }

    #[test]
    fn a_class_stays_one_whatever_its_children_are_called() {
        let [ada, bob] = ["ada/01-patchify/src/", "bob/exercises/03-msa/src/"];
        for child in [
            "exercises/01-patchify/src/",
            "01-patchify/src/",
            "exercises/ada/01-patchify/src/",
            "exercises.zip",
            "exercises/exercises.zip",
        ] {
            let name = child.split(['/', '.']).next().expect("a name");
            let graded = read_as(&[ada, bob, "notes.txt", child], None).expect("a class");
            let mut expected = vec![name.to_owned(), "ada".to_owned(), "bob".to_owned()];
            expected.sort();
            assert_eq!(graded, expected, "{child}");
        }
        let archives = ["ada.zip", "bob.tgz", "exercises/01-patchify/src/"];
        assert_eq!(
            read_as(&archives, None),
            Ok(vec!["ada".into(), "bob".into(), "exercises".into()])
        );
    }

    #[test]
    fn a_submission_stays_one_whatever_lies_beside_its_exercises() {
        for beside in [
            &["Cargo.toml", "notes/", "datasets/src/lib.rs"][..],
            &["solutions/01-patchify/src/lib.rs", "target/debug/x"],
            &["03-msa/src/"],
            &["exercises/03-msa/src/", "exercises/02-other/"],
        ] {
            let files = [&["exercises/01-patchify/src/"], beside].concat();
            assert_eq!(read_as(&files, None), Ok(vec!["x".into()]), "{beside:?}");
        }
    }

    #[test]
    fn what_is_unclear_is_refused_with_both_readings_until_somebody_says_which() {
        for files in [
            &["exercises/01-patchify/src/", "ada/01-patchify/src/"][..],
            &["01-patchify/src/", "ada.zip"],
            &["01-patchify/src/", "ada/work/exercises/01-patchify/src/"],
            &["01-patchify/src/", "ada/work.zip"],
            &["01-patchify/src/", "03-msa/src/", "ada.zip", "bob.zip"],
        ] {
            let why = read_as(files, None).expect_err("it is unclear");
            let says = |words: &str| assert!(why.contains(words), "{why}");
            says("may be one submission, since it holds `");
            says("or a class, since it also holds `ada");
            says("--as submission or --as class");
            let one = read_as(files, Some(Reading::Submission));
            assert_eq!(one, Ok(vec!["x".into()]));
            let all = read_as(files, Some(Reading::Class)).expect("a class");
            assert!(all.len() > 1 && all.contains(&"ada".to_owned()), "{all:?}");
        }
    }

    #[test]
    fn what_is_passed_over_is_told() {
        let dir = folder(&["ada/01-patchify/src/", "ada/notes/", "ada/Cargo.toml"]);
        let found = discover(&[dir.path().join("ada")], &EXERCISES, None).expect("a submission");
        assert_eq!(found.folders[0].1, Reading::Submission);
        let skipped: Vec<_> = found.skipped.iter().map(|s| s.path.file_name()).collect();
        assert_eq!(skipped, [Some(OsStr::new("notes"))]);
    }

    #[test]
    fn names_that_look_alike_are_told_apart() {
        let names = |folders: &[&str]| {
            let dir = folder(folders);
            names(&[dir.path().to_owned()])
        };
        assert_eq!(
            names(&["Zo\u{eb}/", "Zoe\u{308}/", "Zoe/"]),
            ["Zoe", "Zoe%CC%88", "Zo%C3%AB"]
        );
        // By itself it is only written in the usual way.
        assert_eq!(names(&["Zoe\u{308}/"]), ["Zo\u{eb}"]);
        for alike in [
            "ada\u{fff0}/",
            "ada\u{fff8}/",
            "ada\u{1d159}/",
            "ada\u{a0}/",
            "ada /",
            "ada\u{200b}/",
        ] {
            let names = names(&["ada/", alike]);
            assert!(names[1].starts_with("ada%"), "{names:?}");
        }
        assert_eq!(
            names(&["a b/", "a\u{a0}b/", "a  b/"]),
            ["a %20b", "a b", "a%C2%A0b"]
        );
        assert_eq!(names(&["fin/", "\u{fb01}n/"]), ["fin", "%EF%AC%81n"]);
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
        let found = discover(&[dir.path().join("class")], &EXERCISES, None).expect("submissions");
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
        let found = discover(std::slice::from_ref(&class), &EXERCISES, None).expect("submissions");
        assert_eq!(found.candidates.len(), 1);
        assert_eq!(found.skipped[0].why, "is a symbolic link");
        let found = discover(&[class.join("mallory")], &EXERCISES, None).expect("submissions");
        assert!(found.candidates[0].path.ends_with("class/ada"));
    }

    #[test]
    fn an_archive_given_is_a_submission_and_another_file_is_not() {
        let dir = folder(&["ada.zip", "notes.txt"]);
        assert_eq!(names(&[dir.path().join("ada.zip")]), ["ada"]);
        let error = discover(&[dir.path().join("notes.txt")], &EXERCISES, None);
        assert!(matches!(error, Err(DiscoverError::NotASubmission { .. })));
    }

    #[test]
    fn missing_and_empty_paths_are_errors_that_name_them() {
        let dir = folder(&["empty/", "files/notes.txt"]);
        let error = |name: &str| {
            discover(&[dir.path().join(name)], &EXERCISES, None)
                .expect_err("there is nothing to grade")
                .to_string()
        };
        assert!(error("no\u{1b}ne").contains(r"no\u{1b}ne` does not exist"));
        assert!(error("empty").contains("empty` holds no submissions"));
        assert!(error("files").contains("files` holds no submissions"));
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
