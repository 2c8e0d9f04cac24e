//! The judge's part in a drawn test: it computes the expected values, and notes which functions agree.

use crate::{Tolerance, Values};
use std::cell::Cell;
use std::sync::OnceLock;

/// The expected values of a result, and their tolerance; or the reason for which the reference has no such result.
pub type Expectation = Result<(Values, Tolerance), String>;

/// The judge's side of drawn tests.
pub trait Oracle: Sync {
    /// The reference's result `name` for the call that was made last. `key` names the result among all of
    /// the exercise; nothing where no call was made.
    fn expected(&self, key: &str, name: &str) -> Option<Expectation>;

    /// The call that was made last was compared in another way: by the distribution of what it draws.
    fn compared(&self);

    /// A case has ended, with agreement of all that it compared or without.
    fn end(&self, has_agreed: bool);

    /// The first case of a test that failed drew these sizes.
    fn failed_with(&self, sizes: &str);

    /// A test of so many cases has ended, also where not all of them were run.
    fn finish(&self, cases: usize);
}

static ORACLE: OnceLock<&'static dyn Oracle> = OnceLock::new();

thread_local! {
    static RUNS: Cell<bool> = const { Cell::new(false) };
}

/// Makes drawn tests of this process ask the oracle. The first call of a drawn case is early enough.
pub fn answer_with(oracle: &'static dyn Oracle) {
    let _ = ORACLE.set(oracle);
}

/// Returns whether a drawn case runs in this thread.
pub fn runs() -> bool {
    RUNS.get()
}

pub(super) fn begin() {
    RUNS.set(true);
}

pub(super) fn expected(key: &str, name: &str) -> Option<Expectation> {
    ORACLE.get()?.expected(key, name)
}

pub(super) fn compared() {
    if let Some(oracle) = ORACLE.get() {
        oracle.compared();
    }
}

pub(super) fn end(has_agreed: bool) {
    RUNS.set(false);
    if let Some(oracle) = ORACLE.get() {
        oracle.end(has_agreed);
    }
}

pub(super) fn failed_with(sizes: &str) {
    if let Some(oracle) = ORACLE.get() {
        oracle.failed_with(sizes);
    }
}

pub(super) fn finish(cases: usize) {
    if let Some(oracle) = ORACLE.get() {
        oracle.finish(cases);
    }
}
