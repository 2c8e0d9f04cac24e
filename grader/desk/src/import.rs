//! The import of a batch's results into the gradebook: matches each submission with the roster and with its time.

use crate::failure::{Blame, Failure};
use crate::folder::Desk;
use crate::results::Batch;
use crate::roster::Match;
use crate::store::{ImportCounts, NewAttempt, NewImport};
use crate::time::parse_time;
use anyhow::{Context, Result, anyhow, ensure};
use hints::WithHint;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The times at which submissions were handed in.
#[derive(Clone, Debug)]
pub enum Times {
    /// The times of a table, by submission.
    Table(BTreeMap<String, SubmissionTime>),
    /// The same time for all.
    All(Timestamp),
    /// Not known.
    Unknown,
}

/// A row of a table of times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmissionTime {
    /// The time.
    pub time: Timestamp,
    /// The person or group, where the submission's name matches nobody.
    pub student: Option<String>,
}

/// The result of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The numbers of new and known attempts and results.
    pub imported: ImportCounts,
    /// The number of submissions.
    pub submissions: usize,
    /// Submissions that match nobody or several people in the roster, with the reason.
    pub strangers: Vec<(String, String)>,
    /// Ids of people for whom nothing was imported.
    pub absent: Vec<String>,
    /// Submissions that were refused, with the reason.
    pub refused: Vec<(String, String)>,
    /// The number of exercises that are not graded, through no fault of the submission.
    pub not_graded: usize,
    /// Finished results that `results.json` does not list.
    pub unlisted: Vec<String>,
    /// Submissions of the table of times that are not among the results.
    pub unused: Vec<String>,
    /// Submissions that are also recorded with the same sources at another time.
    pub repeated: Vec<String>,
}

impl Times {
    /// Reads a table of times: CSV with the columns `submission`, `time` and, if need be, `student`.
    ///
    /// # Errors
    /// Returns an error if it cannot be read, naming the line.
    pub fn read(path: &Path, zone: &TimeZone) -> Result<Self, Failure> {
        let read = || Self::parse(&std::fs::read_to_string(path)?, zone);
        read()
            .with_context(|| format!("cannot read the times {}", path.display()))
            .hint("its first line is submission,time; a column student names people or groups where names of submissions do not")
            .blame_arguments()
    }

    fn parse(text: &str, zone: &TimeZone) -> Result<Self> {
        #[derive(Deserialize)]
        struct Row {
            submission: String,
            time: String,
            #[serde(default)]
            student: String,
        }
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut times = BTreeMap::new();
        let headers = reader.headers()?.clone();
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record)? {
            let line = record.position().map_or(0, csv::Position::line);
            let says = || format!("line {line}");
            let row: Row = record.deserialize(Some(&headers))?;
            let handed = SubmissionTime {
                time: parse_time(&row.time, zone).with_context(says)?,
                student: Some(row.student).filter(|it| !it.is_empty()),
            };
            let before = times.insert(bare(&row.submission), handed);
            ensure!(
                before.is_none(),
                "line {line}: {} stands twice",
                row.submission
            );
        }
        Ok(Self::Table(times))
    }
}

/// A submission's name without the extension of an archive, and with the `%XX` escapes of [`grade`](crate::results) decoded.
fn bare(name: &str) -> String {
    let endings = [".zip", ".tar.gz", ".tgz"];
    let lower = name.to_ascii_lowercase();
    let ending = endings.iter().find(|ending| lower.ends_with(*ending));
    let name = &name[..name.len() - ending.map_or(0, |it| it.len())];
    let mut bytes = vec![];
    let mut rest = name.as_bytes();
    while let [first, after @ ..] = rest {
        let code = match rest {
            [b'%', high, low, ..] => {
                let digits = [*high, *low];
                let text = std::str::from_utf8(&digits).ok();
                text.and_then(|text| u8::from_str_radix(text, 16).ok())
            }
            _ => None,
        };
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &rest[3..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}

/// Records a batch in the gradebook of a desk, all of it or nothing.
///
/// # Errors
/// Returns an error if a submission has no time, or the gradebook cannot be written.
pub fn import(
    desk: &mut Desk,
    batch: &Batch,
    times: &Times,
    by: &str,
    folder: &str,
) -> Result<Report, Failure> {
    let mut report = Report {
        submissions: batch.results.submissions.len(),
        unlisted: batch.unlisted.clone(),
        ..Report::default()
    };
    let mut attempts = vec![];
    let (mut timeless, mut here, mut used) = (vec![], BTreeSet::new(), BTreeSet::new());
    for submission in &batch.results.submissions {
        let name = bare(&submission.submission);
        let (time, student) = match times {
            Times::All(time) => (Some(*time), None),
            Times::Unknown => (None, None),
            Times::Table(table) => match table.get(&name) {
                Some(handed) => {
                    used.insert(name.clone());
                    (Some(handed.time), handed.student.as_deref())
                }
                None => {
                    timeless.push(submission.submission.as_str());
                    continue;
                }
            },
        };
        let members = match desk.roster.of_submission(student.unwrap_or(&name)) {
            Match::People(members) => members,
            Match::Nobody => {
                let why = match student {
                    Some(student) => {
                        format!("nobody and no group in the roster is called {student}")
                    }
                    None => "nobody and no group in the roster is called so".to_owned(),
                };
                report.strangers.push((submission.submission.clone(), why));
                BTreeSet::new()
            }
            Match::Several(ids) => {
                let why = format!("it may be of {}", ids.join(" or "));
                report.strangers.push((submission.submission.clone(), why));
                BTreeSet::new()
            }
        };
        here.extend(members.iter().cloned());
        if let Some(why) = &submission.refused {
            report
                .refused
                .push((submission.submission.clone(), why.clone()));
        }
        let exercises = submission.exercises.iter();
        report.not_graded += exercises
            .filter(|it| it.outcome == crate::results::Outcome::NotGraded)
            .count();
        if desk
            .store
            .attempts_of(&submission.submission, &submission.digest, time)?
            > 0
        {
            report.repeated.push(submission.submission.clone());
        }
        attempts.push(NewAttempt {
            submission: &submission.submission,
            time,
            sources: &submission.digest,
            refused: submission.refused.as_deref(),
            members: members.into_iter().collect(),
            results: &submission.exercises,
        });
    }
    if !timeless.is_empty() {
        return Err(anyhow!(
            "the table of times has no line for {}",
            listed(&timeless)
        ))
        .hint("nothing was imported: add them, as the platform has them")
        .blame_arguments();
    }
    if let Times::Table(table) = times {
        let unused = table.keys().filter(|name| !used.contains(*name));
        report.unused = unused.cloned().collect();
    }
    let people = desk.roster.people().iter();
    let absent = people.filter(|it| !here.contains(&it.id));
    report.absent = absent.map(|it| it.id.clone()).collect();
    report.imported = desk.store.import(&NewImport {
        by,
        folder,
        terms: &batch.results.terms,
        attempts,
    })?;
    Ok(report)
}

/// The first few of some names, and how many more there are.
pub fn listed(names: &[impl AsRef<str>]) -> String {
    const MOST: usize = 10;
    let shown: Vec<_> = names.iter().take(MOST).map(AsRef::as_ref).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_endings_and_escapes() {
        for (name, shown) in [
            ("anna.zip", "anna"),
            ("Anna Lee.tar.gz", "Anna Lee"),
            ("Zo%C3%AB", "Zoë"),
            ("100%", "100%"),
            ("%FF", "%FF"),
            ("v1.2", "v1.2"),
        ] {
            assert_eq!(bare(name), shown);
        }
    }

    #[test]
    fn faults_in_a_table_of_times_name_the_line() {
        let fault =
            |text: &str| format!("{:#}", Times::parse(text, &TimeZone::UTC).expect_err(text));
        let twice = fault("submission,time\na,2026-12-01T10:00\na.zip,2026-12-01T10:00\n");
        assert!(twice.contains("line 3: a.zip stands twice"), "{twice}");
        let time = fault("submission,time\na,yesterday\n");
        assert!(time.contains("line 2: `yesterday` is not a time"), "{time}");
        assert!(fault("name,time\na,b\n").contains("missing field `submission`"));
    }
}
