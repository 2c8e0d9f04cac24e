//! `desk import`: imports the results that `grade --out` wrote.

use super::actor;
use crate::cli::Import;
use crate::failure::{Blame, Exit, Failure};
use crate::folder::Desk;
use crate::import::{Report, Times, listed};
use crate::results::Batch;
use crate::terminal::{note, print, warn};
use crate::time::parse_time;
use anyhow::Context;

/// Runs the command.
pub(super) fn import(desk: &mut Desk, arguments: &Import) -> Result<Exit, Failure> {
    let times = &arguments.times;
    let times = match (&times.times, &times.gradescope, &times.attempt_time) {
        (Some(path), ..) => Times::read(path, &desk.policy.zone)?,
        (_, Some(path), _) => Times::read_gradescope(path)?,
        (.., Some(text)) => {
            let time = parse_time(text, &desk.policy.zone).context("--attempt-time");
            Times::All(time.blame_arguments()?)
        }
        _ => Times::Unknown,
    };
    let by = actor(arguments.by.as_deref())?;
    let batch = Batch::read(&arguments.folder)?;
    let folder =
        std::path::absolute(&arguments.folder).unwrap_or_else(|_| arguments.folder.clone());
    let report = crate::import::import(desk, &batch, &times, &by, &folder.to_string_lossy())?;
    show(&report);
    Ok(Exit::Success)
}

/// `1 attempt`, `2 attempts`.
fn count(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

fn show(report: &Report) {
    let imported = report.imported;
    print(&format!(
        "{}: {} and {} new\n",
        count(report.submissions, "submission"),
        count(imported.attempts, "attempt"),
        count(imported.results, "result"),
    ));
    for (number, what) in [
        (
            imported.regraded,
            "of the results are of attempts that were known: a regrade, or further exercises",
        ),
        (
            imported.members,
            "people more have attempts that were known",
        ),
        (imported.known, "results were there already"),
        (
            imported.superseded,
            "of these do not count: newer ones of the same attempts do",
        ),
        (
            report.not_graded,
            "results are not graded, through no fault of the submission: grade again, and import again",
        ),
    ] {
        if number > 0 {
            note(&format!("{number} {what}"));
        }
    }
    for (name, why) in &report.refused {
        warn(&format!(
            "refused: {}: {}",
            wire::printable(name),
            wire::printable(why)
        ));
    }
    for (name, why) in &report.strangers {
        warn(&format!(
            "nobody's: {}: {}; correct roster.csv, or the column student of the table of times, and import again",
            wire::printable(name),
            wire::printable(why)
        ));
    }
    for (names, what) in [
        (
            &report.absent,
            "in the roster without a submission in this folder",
        ),
        (
            &report.unlisted,
            "finished results that results.json does not list, and that were not imported",
        ),
        (&report.unused, "in the table of times without a result"),
        (
            &report.repeated,
            "recorded with the same sources and another time, too",
        ),
    ] {
        if !names.is_empty() {
            note(&format!(
                "{} {what}: {}",
                names.len(),
                wire::printable(&listed(names))
            ));
        }
    }
}
