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
        let before = ledger.and_then(|ledger| finished_before(grader, candidate, ledger));
        let is_old = before.is_some();
        let Some(graded) = before.or_else(|| grader.grade(candidate, lanes, &stage)) else {
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

fn finished_before(grader: &Grader, candidate: &Candidate, ledger: &Ledger) -> Option<Graded> {
    let (stop, limits) = (|| grader.environment.is_stopped(), IntakeLimits::default());
    let read =
        || Ok(candidate.read_unless(&stop, &grader.environment.course.folders(), &limits)?);
    let submission = without_panic(read).ok()?;
    // A result that is none is no reason not to try again.
    ledger
        .finished(&candidate.name, &submission.digest)
        .filter(Graded::is_complete)
}
