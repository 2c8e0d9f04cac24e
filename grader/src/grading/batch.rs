//! Grading many submissions, several at a time.

use crate::grading::grade::Grader;
use crate::grading::ledger::Ledger;
use crate::grading::report;
use crate::grading::stage::Stage;
use crate::grading::verdict::SubmissionGrade;
use crate::machine::lanes;
use anyhow::Result;
use intake::Candidate;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

/// Receives the events of a batch, to show them.
pub trait Audience: Sync {
    /// A worker of the batch, counted from 0, begins with a submission, or is at another stage of it.
    fn at(&self, job: usize, submission: &str, stage: Stage<'_>);
    /// A submission is finished; `before` is true if an earlier run had finished it.
    fn finished(&self, job: usize, graded: &SubmissionGrade, before: bool);
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
        let Some(graded) = grader.grade(candidate, earlier.as_ref(), lanes, &stage) else {
            return Ok(());
        };
        let is_old = earlier.is_some_and(|earlier| earlier == graded);
        if let Some(ledger) = ledger.filter(|_| !is_old) {
            let page = report::markdown(&grader.environment.course, &graded);
            // A result that cannot be stored is of no use: the other jobs stop too.
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
