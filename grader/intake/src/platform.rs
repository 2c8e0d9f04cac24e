//! Downloads of a whole class as learning platforms make them, recognised by the shape of all names in a folder.
//!
//! | platform | names | source |
//! |---|---|---|
//! | Canvas | files `NAME[_LATE]_USER_ATTACHMENT_FILE`, all in one folder | `lib/content_zipper.rb` of canvas-lms |
//! | Moodle | folders `NAME_ID_assignsubmission_file`, or files that begin so | `mod/assign/classes/downloader.php` |
//! | Gradescope | folders `submission_ID` beside `submission_metadata.yml` | the platform's export |

use super::discover::{Children, NamedPath, is_archive, numbered};
use super::packing::stem;
use super::{EscapedText, SkippedEntry};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// A learning platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Canvas, "Download submissions".
    Canvas,
    /// Moodle, "Download all submissions".
    Moodle,
    /// Gradescope, "Download submissions".
    Gradescope,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Canvas => "Canvas",
            Self::Moodle => "Moodle",
            Self::Gradescope => "Gradescope",
        })
    }
}

/// The file in which Gradescope names the people of each submission.
const GRADESCOPE_FILE: &str = "submission_metadata.yml";

/// The content of a download.
#[derive(Debug)]
pub(super) struct Download {
    pub(super) platform: Platform,
    pub(super) submissions: Vec<NamedPath>,
    pub(super) skipped: Vec<SkippedEntry>,
}

/// The download that a folder with these entries is, if all its names have the shape of one platform's.
pub(super) fn recognise(children: &Children, exercises: &[&str]) -> Option<Download> {
    gradescope(children, exercises)
        .or_else(|| moodle(children, exercises))
        .or_else(|| canvas(children))
}

/// The name of a path's last part.
fn name_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

fn gradescope(children: &Children, exercises: &[&str]) -> Option<Download> {
    let is_metadata = |entry: &SkippedEntry| name_of(&entry.path) == Some(GRADESCOPE_FILE);
    let is_submission = |path: &PathBuf| {
        let number = name_of(path).and_then(|name| name.strip_prefix("submission_"));
        path.is_dir() && number.is_some_and(is_number)
    };
    if !children.skipped.iter().any(is_metadata) || !children.submissions.iter().all(is_submission)
    {
        return None;
    }
    let mut skipped = children.skipped.clone();
    skipped.retain(|entry| !is_metadata(entry));
    let mut submissions = vec![];
    for path in &children.submissions {
        let (named, beside) = NamedPath::child(path, exercises);
        submissions.push(named);
        skipped.extend(beside);
    }
    Some(Download {
        platform: Platform::Gradescope,
        submissions,
        skipped,
    })
}

/// A file that a platform hands out by itself.
struct PersonalFile<'a> {
    path: &'a Path,
    /// The name that the student gave it.
    given: &'a str,
    /// The platform's number of the file; files of a person are ordered by it.
    number: u64,
}

/// The submissions of people, by their names, made of the files that belong to each, and the files that are left out. Of
/// archives that are versions of one file (`lab.zip`, `lab-1.zip`), the last one counts; otherwise all do.
fn of_files(
    people: BTreeMap<String, Vec<PersonalFile<'_>>>,
) -> (Vec<NamedPath>, Vec<SkippedEntry>) {
    let (mut submissions, mut skipped) = (vec![], vec![]);
    for (name, mut files) in people {
        // By the number that makes `lab-10.zip` later than `lab-2.zip`.
        let version = |file: &PersonalFile<'_>| {
            let (base, version) = numbered(stem(file.given.as_bytes()));
            (base.to_owned(), version)
        };
        files.sort_by_key(|file| (version(file).1, file.number));
        let bases: BTreeSet<_> = files.iter().map(|file| version(file).0).collect();
        if bases.len() == 1
            && let Some(last) = files.pop()
        {
            for earlier in &files {
                let why = format!(
                    "is an earlier version of `{}`, which is taken",
                    EscapedText::from(last.given)
                );
                skipped.push(SkippedEntry::new(earlier.path.to_owned(), why));
            }
            files = vec![last];
        }
        let mut paths = files.iter().map(|file| file.path.to_owned());
        let Some(path) = paths.next() else {
            continue;
        };
        submissions.push(NamedPath {
            name: name.into_bytes(),
            path,
            further: paths.collect(),
        });
    }
    (submissions, skipped)
}

/// The parts of a folder's name, or of the beginning of a file's, that Moodle made: the person with the number, and what follows.
fn of_moodle(name: &str) -> Option<(&str, &str)> {
    let (person, rest) = name.split_once("_assignsubmission_")?;
    let (before, number) = person.rsplit_once('_')?;
    (!before.is_empty() && is_number(number)).then_some((person, rest))
}

fn moodle(children: &Children, exercises: &[&str]) -> Option<Download> {
    let mut skipped = children.skipped.clone();
    let mut files = BTreeMap::<String, Vec<PersonalFile<'_>>>::new();
    let mut folders = BTreeMap::<String, Vec<(&PathBuf, bool)>>::new();
    for path in &children.submissions {
        let (person, rest) = of_moodle(name_of(path)?)?;
        if path.is_dir() {
            let is_text = match rest.trim_end_matches('_') {
                "file" => false,
                "onlinetext" => true,
                _ => return None,
            };
            let of_person = folders.entry(person.to_owned()).or_default();
            of_person.push((path, is_text));
        } else {
            let of_person = files.entry(person.to_owned()).or_default();
            of_person.push(PersonalFile {
                path,
                given: rest.strip_prefix("file_")?,
                number: 0,
            });
        }
    }
    if folders.is_empty() && files.is_empty() {
        return None;
    }
    let (mut submissions, earlier) = of_files(files);
    skipped.extend(earlier);
    for (person, mut folders) in folders {
        folders.sort_by_key(|&(_, is_text)| is_text);
        // A person who typed a text and handed in no file is a submission, in which nothing is found.
        let mut folders = folders.into_iter().map(|(path, _)| path);
        let Some(first) = folders.next() else {
            continue;
        };
        let (named, beside) = NamedPath::child(first, exercises);
        submissions.push(NamedPath {
            name: person.into_bytes(),
            ..named
        });
        skipped.extend(beside);
        let text = "is text that was typed into Moodle";
        skipped.extend(folders.map(|path| SkippedEntry::new(path.clone(), text)));
    }
    submissions.sort_by(|a, b| a.name.cmp(&b.name));
    Some(Download {
        platform: Platform::Moodle,
        submissions,
        skipped,
    })
}

/// The parts of a file's name that Canvas made.
#[derive(Debug, PartialEq, Eq)]
struct CanvasName<'a> {
    /// The person's name, and the number of the user.
    person: (String, &'a str),
    /// The number of the file; none for a text that was typed into Canvas, or a link.
    attachment: Option<u64>,
    /// The name that the student gave it.
    given: &'a str,
}

impl<'a> CanvasName<'a> {
    /// Parses a name as Canvas does when feedback is uploaded: of the parts between `_`, the first that is a number is the
    /// user's, and the second the attachment's. An anonymous person has a word in place of the number.
    fn parse(name: &'a str) -> Option<Self> {
        let mut parts = vec![];
        let mut at = 0;
        for part in name.split('_') {
            parts.push((at, part));
            at += part.len() + 1;
        }
        let word = |i: usize| parts.get(i).map(|&(_, part)| part);
        let first = usize::from(word(0) == Some("LATE"));
        let user = match word(first) {
            Some("anon") => first + 1,
            _ => parts.iter().position(|&(_, part)| is_number(part))?,
        };
        let before = parts[..user].iter().map(|&(_, part)| part);
        let before: Vec<_> = before.filter(|part| *part != "LATE").collect();
        let person = (before.join("_"), word(user).filter(|it| !it.is_empty())?);
        if person.0.is_empty() {
            return None;
        }
        let rest = |i: usize| {
            let &(at, _) = parts.get(i)?;
            Some(&name[at..]).filter(|rest| !rest.is_empty())
        };
        if let Some(typed @ ("text.html" | "link.html")) = rest(user + 1) {
            return Some(Self {
                person,
                attachment: None,
                given: typed,
            });
        }
        let attachment = word(user + 1).filter(|part| is_number(part))?;
        Some(Self {
            person,
            attachment: Some(attachment.parse().ok()?),
            given: rest(user + 2)?,
        })
    }
}

fn canvas(children: &Children) -> Option<Download> {
    let mut names = BTreeMap::<&str, String>::new();
    let mut attachments = BTreeSet::new();
    let mut people = BTreeMap::<String, Vec<PersonalFile<'_>>>::new();
    let visible = children.skipped.iter().filter(|entry| !entry.is_scrap());
    let paths = children.submissions.iter();
    for path in paths.chain(visible.map(|entry| &entry.path)) {
        let parsed = CanvasName::parse(name_of(path)?).filter(|_| path.is_file())?;
        let (name, user) = parsed.person;
        // Numbers that Canvas gave are a person's and a file's own: chance would not keep to that.
        let known = names.entry(user).or_insert_with(|| name.clone());
        let is_new = parsed.attachment.is_none_or(|it| attachments.insert(it));
        if *known != name || !is_new {
            return None;
        }
        if let Some(number) = parsed.attachment.filter(|_| is_archive(path)) {
            let of_person = people.entry(format!("{name}_{user}")).or_default();
            of_person.push(PersonalFile {
                path,
                given: parsed.given,
                number,
            });
        }
    }
    if people.is_empty() {
        return None;
    }
    let (submissions, earlier) = of_files(people);
    let mut skipped = children.skipped.clone();
    skipped.extend(earlier);
    Some(Download {
        platform: Platform::Canvas,
        submissions,
        skipped,
    })
}

#[cfg(test)]
mod tests {
    use super::super::discover::{Reading, discover};
    use super::super::testing::{EXERCISES, SOLVED, ZipEntry, zip_bytes};
    use super::super::{DiscoverError, Discovery, IntakeLimits};
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    /// A class with these files, and folders where a name ends with `/`.
    fn class(files: &[&str]) -> TempDir {
        let class = tempfile::tempdir().expect("a temporary folder");
        for file in files {
            let path = class.path().join(file);
            let folder = match file.ends_with('/') {
                true => &path,
                false => path.parent().expect("a parent"),
            };
            fs::create_dir_all(folder).expect("a new folder");
            if !file.ends_with('/') {
                fs::write(&path, "").expect("a new file");
            }
        }
        class
    }

    fn found(class: &TempDir) -> Discovery {
        discover(&[class.path().to_owned()], &EXERCISES, None).expect("submissions")
    }

    /// Each submission's name and paths, and the names of what is passed over.
    fn shown(class: &TempDir, found: &Discovery) -> (Vec<String>, Vec<String>) {
        let below = |path: &Path| {
            let path = path
                .strip_prefix(class.path())
                .expect("a path of the class");
            path.display().to_string()
        };
        let submissions = found.candidates.iter().map(|it| {
            let paths = std::iter::once(&it.path).chain(&it.further);
            let paths: Vec<_> = paths.map(|path| below(path)).collect();
            format!("{}: {}", it.name, paths.join(" "))
        });
        let skipped = found.skipped.iter();
        (
            submissions.collect(),
            skipped.map(|it| below(&it.path)).collect(),
        )
    }

    fn platform(found: &Discovery) -> Option<Platform> {
        found.folders.first()?.platform
    }

    #[test]
    fn names_of_canvas_are_parsed_as_canvas_does() {
        let parsed = |name: &'static str| {
            let it = CanvasName::parse(name)?;
            Some((it.person.0, it.person.1, it.attachment, it.given))
        };
        let is = |name: &str, user, attachment, given| {
            Some((name.to_owned(), user, Some(attachment), given))
        };
        for (name, expected) in [
            (
                "leeanna_12_345_lab.zip",
                is("leeanna", "12", 345, "lab.zip"),
            ),
            (
                "óbrienann_LATE_12_345_a_1_2.zip",
                is("óbrienann", "12", 345, "a_1_2.zip"),
            ),
            ("ann_b_12_345_x.zip", is("ann_b", "12", 345, "x.zip")),
            ("anon_Xy3zQ_345_x.zip", is("anon", "Xy3zQ", 345, "x.zip")),
            (
                "LATE_anon_12345_678_x.zip",
                is("anon", "12345", 678, "x.zip"),
            ),
            (
                "leeanna_12_text.html",
                Some(("leeanna".to_owned(), "12", None, "text.html")),
            ),
            ("leeanna_12_345_", None),
            ("leeanna_12_lab.zip", None),
            ("12_345_lab.zip", None),
            ("LATE_12_345_lab.zip", None),
            ("anna.zip", None),
        ] {
            assert_eq!(parsed(name), expected, "{name}");
        }
    }

    #[test]
    fn the_files_of_a_person_in_a_download_of_canvas_are_one_submission() {
        let class = class(&[
            "leeanna_12_345_lab.zip",
            "leeanna_12_350_lab-1.zip",
            "raybob_LATE_13_346_01-patchify.zip",
            "raybob_LATE_13_347_03-msa.zip",
            "raybob_LATE_13_348_notes.pdf",
            "suneve_14_text.html",
            ".DS_Store",
        ]);
        let found = found(&class);
        assert_eq!(platform(&found), Some(Platform::Canvas));
        let (submissions, skipped) = shown(&class, &found);
        assert_eq!(
            submissions,
            [
                "leeanna_12: leeanna_12_350_lab-1.zip",
                "raybob_13: raybob_LATE_13_346_01-patchify.zip raybob_LATE_13_347_03-msa.zip",
            ]
        );
        assert_eq!(
            skipped,
            [
                ".DS_Store",
                "raybob_LATE_13_348_notes.pdf",
                "suneve_14_text.html",
                "leeanna_12_345_lab.zip",
            ]
        );
    }

    #[test]
    fn names_that_look_like_canvas_by_chance_are_each_a_submission() {
        for files in [
            // The same number belongs to two people.
            ["ada_1_1_hw.zip", "bob_1_2_hw.zip"],
            // The same file number stands twice.
            ["ada_1_2_hw.zip", "bob_2_2_hw.zip"],
            ["ada_1_2_hw.zip", "bob.zip"],
            ["ada_1_2_hw.zip", "bob/"],
        ] {
            let class = class(&files);
            let found = found(&class);
            assert_eq!(platform(&found), None, "{files:?}");
            assert_eq!(found.candidates.len(), 2);
        }
    }

    #[test]
    fn archives_of_one_person_are_read_together() {
        let class = class(&[]);
        for (name, exercise) in [("1_01", "01-patchify"), ("2_03", "03-msa")] {
            let path = format!("{exercise}/src/lib.rs");
            let archive = zip_bytes(&[ZipEntry::file(&path, SOLVED)]);
            let file = class.path().join(format!("leeanna_12_{name}.zip"));
            fs::write(file, archive).expect("a new file");
        }
        let found = found(&class);
        assert_eq!(found.candidates.len(), 1);
        let read = found.candidates[0].read(&EXERCISES, &IntakeLimits::default());
        let exercises = read.expect("two exercises").exercises;
        let exercises: Vec<_> = exercises.into_keys().collect();
        assert_eq!(exercises, ["01-patchify", "03-msa"]);
    }

    #[test]
    fn folders_of_moodle_are_named_after_the_person() {
        let class = class(&[
            "Anna Lee_100_assignsubmission_file/work.zip",
            "Anna Lee_100_assignsubmission_onlinetext/onlinetext.html",
            "Bob von Ray_101_assignsubmission_file_/01-patchify/src/",
            "Eve_Sun_102_assignsubmission_onlinetext/onlinetext.html",
        ]);
        let found = found(&class);
        assert_eq!(platform(&found), Some(Platform::Moodle));
        let (submissions, skipped) = shown(&class, &found);
        assert_eq!(
            submissions,
            [
                "Anna Lee_100: Anna Lee_100_assignsubmission_file/work.zip",
                "Bob von Ray_101: Bob von Ray_101_assignsubmission_file_",
                "Eve_Sun_102: Eve_Sun_102_assignsubmission_onlinetext",
            ]
        );
        assert_eq!(skipped, ["Anna Lee_100_assignsubmission_onlinetext"]);
        let other = class_with(&["Anna Lee_100_assignsubmission_file/", "Bob/"]);
        assert_eq!(platform(&other), None);
    }

    fn class_with(files: &[&str]) -> Discovery {
        found(&class(files))
    }

    #[test]
    fn files_of_an_older_moodle_are_one_submission_for_each_person() {
        let class = class(&[
            "Anna Lee_100_assignsubmission_file_work.zip",
            "Anna Lee_100_assignsubmission_file_work_1.zip",
            "Bob Ray_101_assignsubmission_file_work.zip",
        ]);
        let (submissions, skipped) = shown(&class, &found(&class));
        assert_eq!(
            submissions,
            [
                "Anna Lee_100: Anna Lee_100_assignsubmission_file_work_1.zip",
                "Bob Ray_101: Bob Ray_101_assignsubmission_file_work.zip",
            ]
        );
        assert_eq!(skipped, ["Anna Lee_100_assignsubmission_file_work.zip"]);
    }

    #[test]
    fn an_export_of_gradescope_is_recognised_also_from_the_folder_above() {
        let files = [
            "assignment_7_export/submission_metadata.yml",
            "assignment_7_export/submission_41/01-patchify/src/",
            "assignment_7_export/submission_42/work.zip",
        ];
        let class = class(&files);
        let inner = class.path().join("assignment_7_export");
        let found = discover(&[inner], &EXERCISES, None).expect("submissions");
        assert_eq!(platform(&found), Some(Platform::Gradescope));
        let names: Vec<_> = found.candidates.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["submission_41", "submission_42"]);
        assert_eq!(found.skipped, []);

        let above = [class.path().to_owned()];
        let error = discover(&above, &EXERCISES, None).expect_err("a class below");
        assert!(matches!(error, DiscoverError::ClassBelow { .. }));
        assert!(error.to_string().contains("assignment_7_export"), "{error}");
        let forced = discover(&above, &EXERCISES, Some(Reading::Class));
        assert_eq!(forced.expect("as it was said").candidates.len(), 1);
    }

    #[test]
    fn a_class_one_folder_too_high_is_refused_and_a_copy_of_the_course_is_not() {
        let below = ["hw1/ada/01-patchify/src/", "hw1/bob/01-patchify/src/"];
        let class = class(&below);
        let above = [class.path().to_owned()];
        let error = discover(&above, &EXERCISES, None).expect_err("a class below");
        assert!(error.to_string().ends_with("but a class: `hw1`"), "{error}");
        let copy = [
            "ada/exercises/01-patchify/src/",
            "ada/solutions/01-patchify/src/",
            "bob/hw1/01-patchify/src/",
            "bob/hw2/03-msa/src/",
        ];
        assert_eq!(class_with(&copy).candidates.len(), 2);
    }
}
