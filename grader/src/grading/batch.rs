//! Grading many submissions, several at a time.

use crate::grading::grade::{Grader, without_panic};
use crate::grading::ledger::Ledger;
use crate::grading::report;
use crate::grading::stage::Stage;
use crate::grading::verdict::Graded;
use crate::intake::{Candidate, IntakeLimits};
use crate::machine::lanes;
use anyhow::Result;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

/// Receives the events of a batch, to show them.
pub trait Audience: Sync {
    /// A worker of the batch, counted from 0, begins with a submission, or is at another stage of it.
    fn at(&self, job: usize, submission: &str, stage: Stage<'_>);
    /// A submission is finished; `before` is true if an earlier run had finished it.
    fn finished(&self, job: usize, graded: &Graded, before: bool);
}

/// The counts of a batch.
#[derive(Debug, Default)]
pub struct Tally {
    /// Submissions finished.
    pub finished: usize,
    /// Submissions that hold an exercise which the grader failed to grade.
    pub incomplete: usize,
    /// Whether the batch was interrupted.
    pub stopped: bool,
}

/// Grades the submissions, `jobs` at a time, and keeps each finished result in the ledger before the next is begun.
///
/// # Errors
/// Returns an error if a result cannot be written: the batch then stops.
pub fn run(
    grader: &Grader,
    candidates: &[Candidate],
    jobs: usize,
    ledger: Option<&Ledger>,
    audience: &dyn Audience,
) -> Result<Tally> {
    let tally = Mutex::new(Tally::default());
    let jobs = jobs.clamp(1, candidates.len().max(1));
    // The processors that the jobs leave are for the exercises of each.
    let lanes = lanes::processors() / jobs;
    let act = |job: usize, candidate: &Candidate| -> Result<()> {
        if grader.environment.is_stopped() {
            return Ok(());
        }
        let stage = |stage: Stage<'_>| audience.at(job, &candidate.name, stage);
        let earlier = ledger.and_then(|ledger| ledger.earlier(&candidate.name));
        let is_old = earlier
            .as_ref()
            .is_some_and(|earlier| is_finished(grader, candidate, earlier));
        let graded = match earlier {
            Some(earlier) if is_old => Some(earlier),
            earlier => grader.grade(candidate, earlier.as_ref(), lanes, &stage),
        };
        let Some(graded) = graded else {
            return Ok(());
        };
        if let Some(ledger) = ledger.filter(|_| !is_old) {
            let page = report::markdown(&grader.environment.course, &graded);
            // What cannot be kept need not be graded: the other jobs stop too.
            ledger
                .keep(&graded, &page)
                .inspect_err(|_| grader.environment.stop.store(true, Ordering::Relaxed))?;
        }
        audience.finished(job, &graded, is_old);
        if let Ok(mut tally) = tally.lock() {
            tally.finished += 1;
            tally.incomplete += usize::from(!graded.is_complete());
        }
        Ok(())
    };
    let results = lanes::each(candidates, jobs, act);
    results.into_iter().collect::<Result<()>>()?;
    let mut tally = tally.into_inner().unwrap_or_default();
    tally.stopped = grader.environment.is_stopped();
    Ok(tally)
}

/// Returns whether an earlier result is that of the submission as it is now.
fn is_finished(grader: &Grader, candidate: &Candidate, earlier: &Graded) -> bool {
    let (stop, limits) = (|| grader.environment.is_stopped(), IntakeLimits::default());
    let read =
        || Ok(candidate.read_unless(&stop, &grader.environment.course.folders(), &limits)?);
    // A result that is none is no reason not to try again.
    earlier.is_complete()
        && !earlier.digest.is_empty()
        && without_panic(read).is_ok_and(|submission| submission.digest == earlier.digest)
}
