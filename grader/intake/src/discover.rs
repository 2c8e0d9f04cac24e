//! Discovery of submissions: the paths that are submissions, and their names.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use unicode_normalization::UnicodeNormalization;

use super::escape::{as_file_name, as_plain_file_name, look_of};
use super::packing::{self, Packing, foreign, stem};
use super::platform::{self, Platform};
use super::{Candidate, EscapedText, IntakeLimits, Refusal};

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
pub struct Discovery {
    /// Sorted by the order of the paths, and within a folder by file name.
    pub candidates: Vec<Candidate>,
    /// The folders among the paths, in their order.
    pub folders: Vec<FolderReading>,
    /// The other entries of the folders, which are not submissions and are to be mentioned.
    pub skipped: Vec<SkippedEntry>,
}

/// The way in which a folder was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderReading {
    /// The folder.
    pub path: PathBuf,
    /// A class, or one submission.
    pub reading: Reading,
    /// The platform whose download of a class it is, if it is one.
    pub platform: Option<Platform>,
}

/// An entry of a folder of submissions that is not a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedEntry {
    /// The path of the entry.
    pub path: PathBuf,
    /// The reason why it is not a submission: "is neither a folder nor an archive".
    pub why: Cow<'static, str>,
}

impl SkippedEntry {
    pub(super) fn new(path: PathBuf, why: impl Into<Cow<'static, str>>) -> Self {
        let why = why.into();
        Self { path, why }
    }

    /// The remedy, where it should have been graded.
    pub fn remedy(&self) -> &'static str {
        if is_archive(&self.path) {
            "where it is what counts, leave only that in the folder"
        } else {
            "where it is a submission, make it a folder, .zip or .tar.gz"
        }
    }

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
        path: EscapedText,
    },
    /// It, or the folder that it is, cannot be read.
    #[error("cannot read `{path}`")]
    Unreadable {
        /// The path.
        path: EscapedText,
        /// The system's error.
        source: io::Error,
    },
    /// A file that is no archive.
    #[error("`{path}` is neither a folder nor an archive")]
    NotASubmission {
        /// The path.
        path: EscapedText,
    },
    /// An archive of a kind that is not read.
    #[error("`{path}` is {kind}, which is not read here")]
    ForeignArchive {
        /// The path.
        path: EscapedText,
        /// The kind, with its article: "a RAR archive".
        kind: &'static str,
    },
    /// An archive that holds archives and no exercise, as a learning platform gives out a class.
    #[error(
        "`{path}` holds no exercise, but archives, as a download of a whole class does: {archives}"
    )]
    HoldsArchives {
        /// The path.
        path: EscapedText,
        /// One of them, and the number of the others.
        archives: String,
    },
    /// A folder that may be a class or one submission.
    #[error(
        "`{path}` is unclear: it may be one submission, since it holds `{exercise}`, or a class, since it also holds {others}"
    )]
    Unclear {
        /// The path.
        path: EscapedText,
        /// The exercise in it that a submission would hold.
        exercise: EscapedText,
        /// A description of the entries that would be submissions of a class.
        others: String,
    },
    /// A folder that holds nothing but folders of classes.
    #[error("`{path}` holds no submission, but a class: {below}")]
    ClassBelow {
        /// The path.
        path: EscapedText,
        /// The folders of classes below it, the first few.
        below: String,
    },
    /// A folder that holds no exercise, no folder and no archive.
    #[error("`{path}` holds no submissions")]
    NoSubmissions {
        /// The path.
        path: EscapedText,
    },
}

impl DiscoverError {
    /// The hint for it, if there is one.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { .. } => return None,
            Self::Unreadable { .. } => "check its permissions",
            Self::NotASubmission { .. } => "give a folder, .zip, .tar.gz or .tgz",
            Self::ForeignArchive { .. } => {
                "unpack it and give the folder, or make it a .zip or .tar.gz"
            }
            Self::HoldsArchives { .. } => "unpack it first, and give the folder",
            Self::Unclear { .. } => "say which with --as submission or --as class",
            Self::ClassBelow { .. } => "give that folder; if each is a submission, say --as class",
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
/// names and links in it are skipped. A child folder that holds archives and no exercises stands for the newest of these,
/// as learning platforms export what was handed in. The download of a whole class as Canvas, Moodle and Gradescope make it is
/// recognised by its names, and all files of a person are one submission there. An archive of a kind that is not read is a submission, too, which is
/// then refused.
///
/// # Errors
///
/// Returns an error if a path is missing, cannot be read, stands for no submission, may be a submission as well as a
/// class, or is the archive of a whole class.
pub fn discover(
    paths: &[PathBuf],
    exercises: &[&str],
    reading: Option<Reading>,
) -> Result<Discovery, DiscoverError> {
    let mut found = Discovery::default();
    let mut candidates = vec![];
    for path in paths {
        let unreadable = |source| unreadable(path, source);
        // Also a link to a folder is fine where the caller gives it, so it is resolved here.
        let whole = fs::canonicalize(path).map_err(unreadable)?;
        let is_link = path.is_symlink();
        let near = if is_link { &whole } else { path };
        if !whole.is_dir() {
            check_archive(path, &whole, exercises, paths.len() == 1)?;
            candidates.push(NamedPath::at(near, &whole));
            continue;
        }
        let children = Children::of(near)?;
        let is_given = reading.is_some();
        let reading = match reading {
            Some(reading) => reading,
            None => children.reading(near, exercises)?,
        };
        let mut platform = None;
        match reading {
            Reading::Submission => {
                candidates.push(NamedPath::at(near, &whole));
                found.skipped.extend(children.beside(exercises));
            }
            Reading::Class if children.submissions.is_empty() => {
                return Err(DiscoverError::NoSubmissions { path: shown(near) });
            }
            Reading::Class => {
                if let Some(below) = children.classes(exercises).filter(|_| !is_given) {
                    let path = shown(near);
                    return Err(DiscoverError::ClassBelow { path, below });
                }
                if let Some(download) = platform::recognise(&children, exercises) {
                    platform = Some(download.platform);
                    candidates.extend(download.submissions);
                    found.skipped.extend(download.skipped);
                } else {
                    found.skipped.extend(children.skipped);
                    for child in &children.submissions {
                        let (named, beside) = NamedPath::child(child, exercises);
                        candidates.push(named);
                        found.skipped.extend(beside);
                    }
                }
            }
        }
        found.folders.push(FolderReading {
            path: path.clone(),
            reading,
            platform,
        });
    }
    found.candidates = named_apart(candidates);
    Ok(found)
}

/// Checks that a file that somebody named is an archive; if it is all that was named, also that it can be read and is not
/// one of a whole class.
///
/// # Errors
/// Returns an error if it is anything else.
fn check_archive(
    path: &Path,
    whole: &Path,
    exercises: &[&str],
    is_only: bool,
) -> Result<(), DiscoverError> {
    let path = shown(path);
    let name = whole.file_name().unwrap_or_default().as_encoded_bytes();
    if !whole.is_file() {
        return Err(DiscoverError::NotASubmission { path });
    }
    if !packing::is_archive(name) {
        return Err(DiscoverError::NotASubmission { path });
    }
    // Beside others it is refused when it is its turn, and they are graded.
    if !is_only {
        return Ok(());
    }
    if let Some(kind) = foreign(name) {
        return Err(DiscoverError::ForeignArchive { path, kind });
    }
    let candidate = Candidate::new("", whole.to_owned());
    // Whatever else is wrong with it is found when it is graded.
    match candidate.read(exercises, &IntakeLimits::default()) {
        Err(Refusal::HoldsArchives { archives }) => {
            Err(DiscoverError::HoldsArchives { path, archives })
        }
        _ => Ok(()),
    }
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
pub(super) struct Children {
    /// Folders and archives.
    pub(super) submissions: Vec<PathBuf>,
    /// All else.
    pub(super) skipped: Vec<SkippedEntry>,
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
            } else if kind.is_dir() || kind.is_file() && is_archive(&path) {
                submissions.push(path);
                continue;
            } else {
                "is neither a folder nor an archive"
            };
            skipped.push(SkippedEntry::new(path, why));
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

    /// The names of the folders, if there are folders only and each holds a class.
    fn classes(&self, exercises: &[&str]) -> Option<String> {
        let is_class = |folder: &PathBuf| {
            // A copy of the whole course holds each exercise a second time, in its solutions.
            folder.is_dir()
                && exercise_in(folder, exercises).is_none()
                && Self::of(folder).is_ok_and(|children| children.are_surely_a_class(exercises))
        };
        let all = self.submissions.iter().all(is_class);
        all.then(|| in_words(&self.submissions.iter().collect::<Vec<_>>()))
    }

    /// Returns whether they can only be submissions of a class: a platform's download, or folders of which two hold the same
    /// exercise.
    fn are_surely_a_class(&self, exercises: &[&str]) -> bool {
        let mut held = HashSet::new();
        let folders = self.submissions.iter().filter(|child| child.is_dir());
        let mut folders = folders.take(MOST_LOOKED_AT);
        let is_repeated = folders.any(|child| {
            let inner = exercise_in(child, exercises);
            let inner = inner.and_then(|exercise| Some(exercise.file_name()?.to_owned()));
            inner.is_some_and(|exercise| !held.insert(exercise))
        });
        is_repeated || platform::recognise(self, exercises).is_some()
    }

    /// The entries that a submission in their folder leaves out, and that a user may miss.
    fn beside(self, exercises: &[&str]) -> Vec<SkippedEntry> {
        let left = self.submissions.into_iter();
        let left = left.filter(|child| !holds_exercises_of_its_folder(child, exercises));
        left.map(|path| SkippedEntry::new(path, BESIDE)).collect()
    }
}

/// The reason for leaving out what a submission does not consist of.
const BESIDE: &str = "lies beside the exercises of the submission";

/// Returns whether a file is called as an archive is, of a kind that is read or not.
pub(super) fn is_archive(path: &Path) -> bool {
    packing::is_archive(path.file_name().unwrap_or_default().as_encoded_bytes())
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
    if !child.is_dir() {
        return Packing::of(child).is_some();
    }
    let archives = archives_in(child);
    holds_exercises(child, exercises) || archives.iter().any(|path| Packing::of(path).is_some())
}

/// Returns whether a child has exercises in it, or in a folder of it.
fn holds_exercises(child: &Path, exercises: &[&str]) -> bool {
    let within = fs::read_dir(child).into_iter().flatten().flatten();
    let within = within.take(MOST_LOOKED_AT);
    let within = within.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let within = within.map(|entry| entry.path());
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

/// The archives in a folder, by name.
fn archives_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let entries = entries.take(MOST_LOOKED_AT).filter(|entry| {
        !is_scrap(&entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_file())
    });
    let mut archives: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| is_archive(path))
        .collect();
    archives.sort();
    archives
}

/// The archive that was handed in last, of several, and how that is known: by its number, which a platform gives to the
/// second of a name and those after it, or by its time.
fn newest(archives: &[PathBuf]) -> Option<(&PathBuf, &'static str)> {
    // Only one of them was without a number: the first.
    let mut series = BTreeSet::new();
    let mut numbers = BTreeMap::new();
    for path in archives {
        let (name, number) = numbered(stem(path.file_name()?.as_encoded_bytes()));
        series.insert(name);
        numbers.insert(number, path);
    }
    let is_series = series.len() == 1 && numbers.len() == archives.len();
    if is_series && numbers.contains_key(&0) {
        let (_, last) = numbers.pop_last()?;
        return Some((last, "by its number"));
    }
    // Those that are not read could be anything else.
    let mut times = vec![];
    for path in archives.iter().filter(|path| Packing::of(path).is_some()) {
        let time = fs::symlink_metadata(path).and_then(|about| about.modified());
        times.push((time.ok()?, path));
    }
    times.sort();
    match times.as_slice() {
        [(_, only)] => Some((only, "since the others are not read here")),
        [.., (before, _), (last, path)] if is_later(*last, *before) => Some((path, "by its time")),
        _ => None,
    }
}

/// Returns whether a time is later by more than unpacking both takes, which gives them new times.
fn is_later(time: SystemTime, before: SystemTime) -> bool {
    const MARGIN: Duration = Duration::from_secs(10);
    time.duration_since(before)
        .is_ok_and(|later| later >= MARGIN)
}

/// A name without the number behind it, as platforms and browsers write it (`work-1`, `work_1`, `work (1)`), and the
/// number; 0 if there is none.
pub(super) fn numbered(stem: &[u8]) -> (&[u8], u32) {
    let within = stem.strip_suffix(b")");
    let digits_end = within.unwrap_or(stem);
    let digits = digits_end
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit());
    let (front, digits) = digits_end.split_at(digits_end.len() - digits.count());
    let name = match within {
        Some(_) => front.strip_suffix(b"(").map(<[u8]>::trim_ascii_end),
        None => front
            .strip_suffix(b"-")
            .or_else(|| front.strip_suffix(b"_")),
    };
    let number = str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok());
    match (name, number) {
        (Some(name), Some(number)) if !name.is_empty() && number > 0 => (name, number),
        _ => (stem, 0),
    }
}

/// Names that systems leave behind, and hidden ones.
fn is_scrap(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || name == "__MACOSX"
}

/// A submission, and its name in its folder.
#[derive(Debug)]
pub(super) struct NamedPath {
    pub(super) name: Vec<u8>,
    pub(super) path: PathBuf,
    /// Further archives of the same submission.
    pub(super) further: Vec<PathBuf>,
}

impl NamedPath {
    /// The submission at `path`, named after `whole`, which is the same without `.` and `..`.
    fn at(path: &Path, whole: &Path) -> Self {
        let name = whole.file_name().unwrap_or_default().as_encoded_bytes();
        let name = if whole.is_dir() { name } else { stem(name) };
        Self {
            name: name.to_owned(),
            path: path.to_owned(),
            further: vec![],
        }
    }

    /// The submission that a child of a class is, and what in it is left out.
    pub(super) fn child(path: &Path, exercises: &[&str]) -> (Self, Vec<SkippedEntry>) {
        let named = Self::at(path, path);
        let archives = if path.is_dir() {
            archives_in(path)
        } else {
            vec![]
        };
        if !archives.is_empty() && holds_exercises(path, exercises) {
            let beside = archives.into_iter();
            return (
                named,
                beside.map(|path| SkippedEntry::new(path, BESIDE)).collect(),
            );
        }
        let chosen = match archives.as_slice() {
            [] => None,
            [only] => Some((only, "")),
            several => newest(several),
        };
        // A folder in which it is unclear which one counts is refused, with the reason.
        let Some((chosen, how)) = chosen else {
            return (named, vec![]);
        };
        let name = shown(Path::new(chosen.file_name().unwrap_or_default()));
        let others = archives.iter().filter(|path| *path != chosen);
        let others = others.map(|path| {
            let why = format!("lies beside `{name}`, which is taken, {how}");
            SkippedEntry::new(path.clone(), why)
        });
        let others = others.collect();
        let path = chosen.clone();
        (Self { path, ..named }, others)
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
fn named_apart(found: Vec<NamedPath>) -> Vec<Candidate> {
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
            further: named.further,
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

fn shown(path: &Path) -> EscapedText {
    let name: &OsStr = path.as_os_str();
    EscapedText::from(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::super::testing::EXERCISES;
    use super::*;

    /// The submissions of a class with these files, by their paths, and the paths that are skipped, with the reasons.
    fn of_class(class: &TempDir) -> (Vec<String>, Vec<String>) {
        let found = discover(&[class.path().to_owned()], &EXERCISES, None).expect("submissions");
        let below = |path: &Path| {
            let path = path.strip_prefix(class.path()).expect("a child");
            path.display().to_string()
        };
        let candidates = found.candidates.iter();
        let candidates = candidates.map(|it| format!("{} {}", it.name, below(&it.path)));
        let skipped = found.skipped.iter();
        let skipped = skipped.map(|it| format!("{} {}", below(&it.path), it.why));
        (candidates.collect(), skipped.collect())
    }

    #[test]
    fn a_folder_that_holds_one_archive_stands_for_it() {
        let class = folder(&[
            "Ada_1_file/work.zip",
            "Bob/work.zip",
            "Bob/notes.txt",
            "Bob/screenshots/",
            "Cy/.DS_Store",
            "Cy/w.tgz",
            "Dan/work.rar",
            "Eve.7z",
            "Fay/onlinetext.html",
        ]);
        let (candidates, skipped) = of_class(&class);
        let expected = [
            "Ada_1_file Ada_1_file/work.zip",
            "Bob Bob/work.zip",
            "Cy Cy/w.tgz",
            "Dan Dan/work.rar",
            "Eve Eve.7z",
            "Fay Fay",
        ];
        assert_eq!(candidates, expected);
        assert_eq!(skipped, [""; 0]);
    }

    #[test]
    fn an_archive_beside_exercises_is_left_out_and_said() {
        for home in [
            "Ada/01-patchify/src/",
            "Ada/work/exercises/01-patchify/src/",
        ] {
            let class = folder(&[home, "Ada/work.zip", "Bob/"]);
            let (candidates, skipped) = of_class(&class);
            assert_eq!(candidates, ["Ada Ada", "Bob Bob"]);
            assert_eq!(
                skipped,
                ["Ada/work.zip lies beside the exercises of the submission"]
            );
        }
    }

    #[test]
    fn of_several_archives_the_newest_is_taken_by_the_platforms_number() {
        for (archives, last) in [
            (&["work.zip", "work-1.zip"][..], "work-1.zip"),
            (&["work.zip", "work-2.zip", "work-10.zip"], "work-10.zip"),
            (&["work (1).zip", "work.zip"], "work (1).zip"),
            (&["a_1.tar.gz", "a_2.zip", "a.tgz"], "a_2.zip"),
            // Of the last one, it is said that it cannot be read.
            (&["work.zip", "work-1.rar"], "work-1.rar"),
            (&["work.zip", "work.rar"], "work.zip"),
            (&["work.zip", "data.7z"], "work.zip"),
        ] {
            let files = archives.iter().map(|name| format!("Ada/{name}"));
            let class = folder(&files.collect::<Vec<_>>());
            let (candidates, skipped) = of_class(&class);
            assert_eq!(candidates, [format!("Ada Ada/{last}")]);
            assert_eq!(skipped.len(), archives.len() - 1);
            for said in skipped {
                let end = format!("lies beside `{last}`, which is taken, ");
                assert!(said.contains(&end), "{said}");
            }
        }
    }

    #[test]
    fn of_several_archives_the_newest_is_taken_by_its_time_where_that_is_clear() {
        for names in [["hw1.zip", "hw2.zip"], ["work-1.zip", "work-2.zip"]] {
            let class = folder(&names.map(|name| format!("Ada/{name}")));
            // They are as old as each other: the folder is refused when it is read.
            let (candidates, skipped) = of_class(&class);
            assert_eq!((candidates, skipped), (vec!["Ada Ada".to_owned()], vec![]));
            let late = class.path().join("Ada").join(names[0]);
            let late = fs::File::options().append(true).open(late).expect("a file");
            late.set_modified(SystemTime::now() + Duration::from_secs(3600))
                .expect("a time");
            let (candidates, skipped) = of_class(&class);
            assert_eq!(candidates, [format!("Ada Ada/{}", names[0])]);
            let end = format!("lies beside `{}`, which is taken, by its time", names[0]);
            assert!(skipped[0].ends_with(&end), "{skipped:?}");
        }
    }

    #[test]
    fn numbers_behind_names_are_read_as_platforms_write_them() {
        for (name, expected) in [
            ("work", ("work", 0)),
            ("work-1", ("work", 1)),
            ("work_12", ("work", 12)),
            ("work (3)", ("work", 3)),
            ("work(3)", ("work", 3)),
            ("hw2", ("hw2", 0)),
            ("work-", ("work-", 0)),
            ("-1", ("-1", 0)),
            ("work-99999999999", ("work-99999999999", 0)),
            ("", ("", 0)),
        ] {
            let (stem, number) = numbered(name.as_bytes());
            assert_eq!((stem, number), (expected.0.as_bytes(), expected.1));
        }
    }

    #[test]
    fn an_archive_of_a_class_or_of_another_kind_is_told_at_once() {
        let dir = folder(&["work.rar", "ada.zip"]);
        let inner = super::super::testing::zip_bytes(&[]);
        let entry = super::super::testing::ZipEntry::file("Ada_1_file_/work.zip", &inner);
        let class = dir.path().join("moodle.zip");
        fs::write(&class, super::super::testing::zip_bytes(&[entry])).expect("a new file");
        for (path, says, hint) in [
            (dir.path().join("work.rar"), "is a RAR archive", "unpack it"),
            (
                class,
                "archives, as a download of a whole class does: `Ada_1_file_/work.zip`",
                "unpack it first",
            ),
        ] {
            let several = [path.clone(), dir.path().join("ada.zip")];
            let found = discover(&several, &EXERCISES, None).expect("two submissions");
            assert_eq!(found.candidates.len(), 2);
            let error = discover(&[path], &EXERCISES, None).expect_err("it is none");
            assert!(error.to_string().contains(says), "{error}");
            assert!(
                error.hint().is_some_and(|it| it.starts_with(hint)),
                "{error}"
            );
        }
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
        assert_eq!(found.folders[0].reading, Reading::Submission);
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
