//! Feedback as the archive that Canvas and Moodle take back: the pages, under the names of a download.

use super::super::{Class, Export, ExportOutput};
use super::Feedback;
use crate::roster::Roster;
use anyhow::{Result, anyhow};
use hints::WithHint;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};
use wire::printable;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// A learning platform that takes files of feedback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Canvas, "Upload submissions": the names of a download, in which the numbers of user and attachment count.
    Canvas,
    /// Moodle, "Upload multiple feedback files in a zip": the folders of a download.
    Moodle,
}

/// The export as an archive for a platform.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The platform.
    pub platform: Platform,
    /// The paths in the download of submissions.
    pub download: Vec<String>,
    /// The pages.
    pub feedback: Feedback,
}

/// A submission of a download.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Downloaded {
    /// The name under which `grade` lists it: the person's, and the platform's number.
    submission: String,
    /// The path of the feedback.
    feedback: String,
}

impl Platform {
    fn name(self) -> &'static str {
        match self {
            Platform::Canvas => "Canvas",
            Platform::Moodle => "Moodle",
        }
    }

    /// The submissions of a download, by its paths.
    fn submissions(self, paths: &[String]) -> Vec<Downloaded> {
        let found = paths.iter().filter_map(|path| match self {
            Platform::Canvas => of_canvas(path),
            Platform::Moodle => of_moodle(path),
        });
        // Of several files of a person, the last takes the comment.
        let by_name: BTreeMap<_, _> = found.map(|it| (it.submission, it.feedback)).collect();
        let submissions = by_name.into_iter();
        submissions
            .map(|(submission, feedback)| Downloaded {
                submission,
                feedback,
            })
            .collect()
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit())
}

/// `leeanna_LATE_12_4711_work.zip`: Canvas takes the first two parts of digits for the numbers of user and attachment.
fn of_canvas(path: &str) -> Option<Downloaded> {
    let file = path.rsplit('/').next()?;
    let parts: Vec<_> = file.split('_').collect();
    let user = parts.iter().position(|it| is_number(it))?;
    let attachment = user + 1;
    let is_file = !file.starts_with('.') && parts.get(attachment).is_some_and(|it| is_number(it));
    let named = &parts[..user];
    let named = named.strip_suffix(&["LATE"]).unwrap_or(named);
    (is_file && !named.is_empty()).then(|| Downloaded {
        submission: format!("{}_{}", named.join("_"), parts[user]),
        feedback: format!("{}_feedback.html", parts[..=attachment].join("_")),
    })
}

/// `Anna Lee_100_assignsubmission_file`: Moodle takes a part of the path that begins so, whatever follows.
fn of_moodle(path: &str) -> Option<Downloaded> {
    path.split('/').find_map(|part| {
        let (person, _) = part.split_once("_assignsubmission_")?;
        let (name, number) = person.rsplit_once('_')?;
        (!name.is_empty() && is_number(number)).then(|| Downloaded {
            submission: person.to_owned(),
            // Moodle splits at `_`: in a name it would move the number.
            feedback: format!(
                "{}_{number}_assignsubmission_file/feedback.html",
                name.replace('_', " ")
            ),
        })
    })
}

/// The id of the only person that sees a submission's feedback, or the reason why there is nobody.
fn person(class: &Class<'_>, roster: &Roster, submission: &str) -> Result<String, &'static str> {
    if let Some(person) = roster.person_of_download(submission) {
        return Ok(person.id.clone());
    }
    // A table of times may have named the person.
    let attempts = class.grades.record.attempts.iter();
    let attempts = attempts.filter(|it| it.submission == submission);
    let members: BTreeSet<_> = attempts.flat_map(|it| &it.members).collect();
    let is_known = |id: &str| {
        let mut students = class.grades.gradebook.students.iter();
        students.any(|it| it.person.id == id)
    };
    match members.into_iter().collect::<Vec<_>>()[..] {
        [] => Err("it is of nobody in the roster, or may be of several people"),
        [id] if is_known(id) => Ok(id.clone()),
        [_] => Err("the person is not in the roster any more"),
        _ => Err("it is of a group, all of which would see one person's page"),
    }
}

impl Export for Upload {
    fn export(&self, class: &Class<'_>) -> Result<ExportOutput> {
        let mut exported = ExportOutput {
            notes: Feedback::notes(class),
            ..ExportOutput::default()
        };
        let people = class.grades.gradebook.students.iter();
        let roster = Roster::new(people.map(|it| it.person.clone()).collect())?;
        let submissions = self.platform.submissions(&self.download);
        if submissions.is_empty() {
            let platform = self.platform.name();
            return Err(anyhow!("it is not a download of submissions from {platform}")).hint(
                match self.platform {
                    Platform::Canvas => "in Canvas: Assignment, Download Submissions; names are like leeanna_12_4711_work.zip",
                    Platform::Moodle => "in Moodle: Download all submissions, in folders; names are like Anna Lee_100_assignsubmission_file",
                },
            );
        }
        let mut of_person: BTreeMap<String, Vec<&Downloaded>> = BTreeMap::new();
        for downloaded in &submissions {
            match person(class, &roster, &downloaded.submission) {
                Ok(id) => of_person.entry(id).or_default().push(downloaded),
                Err(why) => exported.skip(&downloaded.submission, why),
            }
        }
        let mut archive = ZipWriter::new(Cursor::new(vec![]));
        // The same input, the same bytes: without the time of writing.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default());
        for (place, student) in class.grades.gradebook.students.iter().enumerate() {
            let id = &student.person.id;
            match of_person.get(id).map(Vec::as_slice) {
                Some([downloaded]) => {
                    archive.start_file(downloaded.feedback.as_str(), options)?;
                    archive.write_all(&self.feedback.page(class, place)?)?;
                }
                Some(several) => {
                    let names: Vec<_> =
                        several.iter().map(|it| printable(&it.submission)).collect();
                    exported.skip(
                        id,
                        format!("{} may all be this person's", names.join(" and ")),
                    );
                }
                None => exported.skip(id, "the download has no submission of this person"),
            }
        }
        exported.files = vec![(String::new(), archive.finish()?.into_inner())];
        Ok(exported)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(platform: Platform, paths: &[&str]) -> Vec<(String, String)> {
        let paths: Vec<_> = paths.iter().map(|it| (*it).to_owned()).collect();
        let found = platform.submissions(&paths).into_iter();
        found.map(|it| (it.submission, it.feedback)).collect()
    }

    #[test]
    fn canvas_finds_user_and_attachment_in_the_first_two_numbers() {
        let names = [
            "leeanna_12_4711_work_3.zip",
            "class/sun2eve_LATE_13_4712_a.rs",
            "._leeanna_12_4713_work.zip",
            "notes.txt",
            "12_4711_work.zip",
            "leeanna_12_work.zip",
        ];
        let expected = [
            ("leeanna_12", "leeanna_12_4711_feedback.html"),
            ("sun2eve_13", "sun2eve_LATE_13_4712_feedback.html"),
        ];
        let expected = expected.map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(found(Platform::Canvas, &names), expected);
    }

    /// As `is_valid_filename_for_import` of mod/assign/feedback/file/importziplib.php splits: at `_`, at most five parts.
    #[test]
    fn moodle_finds_the_number_in_the_second_part() {
        let names = [
            "Anna Lee_100_assignsubmission_file/work.zip",
            "Anna Lee_100_assignsubmission_onlinetext/onlinetext.html",
            "course/Eve_Sun_101_assignsubmission_file_/src/lib.rs",
            "readme.txt",
        ];
        let found = found(Platform::Moodle, &names);
        let submissions: Vec<_> = found.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(submissions, ["Anna Lee_100", "Eve_Sun_101"]);
        for ((_, path), number) in found.iter().zip(["100", "101"]) {
            let part = path.split('/').next().expect("a folder");
            let parts: Vec<_> = part.splitn(5, '_').collect();
            assert_eq!(parts[1..], [number, "assignsubmission", "file"], "{path}");
        }
    }
}
