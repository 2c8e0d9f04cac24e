//! How the judge takes part in a drawn test: it computes what is expected, and notes which functions agree.

use crate::{Tolerance, Values};
use std::cell::Cell;
use std::sync::OnceLock;

/// What is expected of a result, and how far it may be off; or why the reference has no such result.
pub type Expectation = Result<(Values, Tolerance), String>;

/// The judge's side of drawn tests.
pub trait Oracle: Sync {
    /// What the reference gives as the result `name` for the call that was made last. `key` names the result among all of
    /// the exercise; nothing where no call was made.
    fn expected(&self, key: &str, name: &str) -> Option<Expectation>;

    /// The call that was made last was compared in another way: by the distribution of what it draws.
    fn compared(&self);

    /// A case has ended, with agreement of all that it compared or without.
    fn end(&self, has_agreed: bool);

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

/// Whether a drawn case runs in this thread.
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

pub(super) fn finish(cases: usize) {
    if let Some(oracle) = ORACLE.get() {
        oracle.finish(cases);
    }
}
