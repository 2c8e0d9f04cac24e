//! The import of a batch's results into the gradebook: matches each submission with the roster and with its time.

mod times;

pub use times::{Student, SubmissionTime, Times};

use crate::failure::{Blame, Failure};
use crate::folder::Desk;
use crate::results::Batch;
use crate::roster::{Match, Roster};
use crate::store::{ImportCounts, NewAttempt, NewImport};
use anyhow::anyhow;
use hints::WithHint;
use std::collections::{BTreeMap, BTreeSet};

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
    let namesakes = namesakes(&desk.roster, batch);
    let mut attempts = vec![];
    let (mut timeless, mut here, mut used) = (vec![], BTreeSet::new(), BTreeSet::new());
    for submission in &batch.results.submissions {
        let name = times::bare(&submission.submission);
        let (time, students) = match times {
            Times::All(time) => (Some(*time), &[][..]),
            Times::Unknown => (None, &[][..]),
            Times::Table(table) => match table.get(&name) {
                Some(handed) => {
                    used.insert(name.clone());
                    (Some(handed.time), handed.students.as_slice())
                }
                None => {
                    timeless.push(submission.submission.as_str());
                    continue;
                }
            },
        };
        let (members, strangers) = match students {
            [] => members_by_name(&desk.roster, &namesakes, name),
            students => members(&desk.roster, students),
        };
        let strangers = strangers.into_iter();
        let strangers = strangers.map(|why| (submission.submission.clone(), why));
        report.strangers.extend(strangers);
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

/// The number of submissions by each name that does not tell people apart: see [`Roster::namesake`].
fn namesakes(roster: &Roster, batch: &Batch) -> BTreeMap<String, usize> {
    let mut namesakes = BTreeMap::new();
    for submission in &batch.results.submissions {
        if let Some(name) = roster.namesake(&times::bare(&submission.submission)) {
            *namesakes.entry(name).or_default() += 1;
        }
    }
    namesakes
}

/// As [`members`], by the submission's own name. Where several people have it, it is nobody's: one of them may have chosen it.
fn members_by_name(
    roster: &Roster,
    namesakes: &BTreeMap<String, usize>,
    name: String,
) -> (BTreeSet<String>, Vec<String>) {
    let same = roster.namesake(&name).and_then(|it| namesakes.get(&it));
    match same {
        Some(people @ 2..) => {
            let why = format!(
                "{people} people of this name handed in, and the roster does not tell them apart"
            );
            (BTreeSet::new(), vec![why])
        }
        _ => members(roster, &[vec![name]]),
    }
}

/// The ids of the people that a submission counts for, and the reasons why others are not found.
fn members(roster: &Roster, students: &[Student]) -> (BTreeSet<String>, Vec<String>) {
    let (mut members, mut strangers) = (BTreeSet::new(), vec![]);
    for names in students {
        let mut found = names.iter().map(|name| roster.of_submission(name));
        match found.find(|found| *found != Match::Nobody) {
            Some(Match::People(ids)) => members.extend(ids),
            Some(Match::Several(ids)) => {
                strangers.push(format!("it may be of {}", ids.join(" or ")))
            }
            Some(Match::Nobody) | None => strangers.push(format!(
                "nobody and no group in the roster is called {}",
                names.join(" or ")
            )),
        }
    }
    (members, strangers)
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
