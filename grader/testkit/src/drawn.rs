//! Drawn tests: a function is compared with the reference on sizes and values that are drawn from the seed.
//!
//! In the judge the expected values come from the reference, in `f64`, whatever the seed. In a student's own process they
//! are read from the answers that are stored beside the test for the usual seed. A test does not know which of the two it
//! is: it draws, calls, and says which result must agree. See [`drawn!`](crate::drawn!).

mod answers;
mod draw;
pub mod remote;

pub use answers::{Answers, SAMPLED};
pub(crate) use draw::seed_for;
pub use draw::{Draw, Spread};

use crate::panics::{interruption, message_of};
use crate::{AsValues, close};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wire::words::CASES_VARIABLE;

/// One case of a drawn test: what it draws, and how its results are compared.
pub struct Case<'a> {
    draw: Draw,
    key: String,
    stored: &'a Answers,
    /// The number of comparisons so far, by the result's name.
    compared: RefCell<BTreeMap<String, usize>>,
}

impl std::ops::Deref for Case<'_> {
    type Target = Draw;

    fn deref(&self) -> &Draw {
        &self.draw
    }
}

impl std::ops::DerefMut for Case<'_> {
    fn deref_mut(&mut self) -> &mut Draw {
        &mut self.draw
    }
}

impl Case<'_> {
    /// Fails unless `actual` agrees with the reference's result `name` of the function that was called last.
    ///
    /// Names are those of the exercise's interface; a gradient is called `grad.INPUT`.
    ///
    /// # Panics
    /// Panics if they differ, stating the difference, or if there is nothing to compare with.
    pub fn agrees(&self, name: &str, actual: &impl AsValues) {
        self.agrees_within(name, actual, 0.0);
    }

    /// As [`agrees`](Self::agrees), but values may be off by `absolute` more: where a function may round its arguments, which
    /// are no tensors. Say in the test why it is as much.
    ///
    /// # Panics
    /// As [`agrees`](Self::agrees).
    pub fn agrees_within(&self, name: &str, actual: &impl AsValues, absolute: f64) {
        let key = self.key_of(name);
        let difference = match remote::expected(&key, name) {
            Some(Ok((expected, tolerance))) => close(actual, &expected, tolerance.wider(absolute)),
            Some(Err(why)) => panic!("{name}: {why}"),
            None => self.stored.compare(&key, actual, absolute),
        };
        if let Err(difference) = difference {
            panic!("{name}, against the reference\n{difference}");
        }
    }
}

impl Case<'_> {
    /// The key of a result's next comparison: a case may make several calls.
    fn key_of(&self, name: &str) -> String {
        let mut compared = self.compared.borrow_mut();
        let times = compared.entry(name.to_owned()).or_default();
        *times += 1;
        match *times {
            1 => format!("{}/{name}", self.key),
            times => format!("{}/{name}#{times}", self.key),
        }
    }

    /// Says that the test itself compares what the function that was called last gives, since it is drawn at random: its
    /// distribution.
    pub fn compares(&self) {
        remote::compared();
    }
}

#[cfg(feature = "tch")]
impl Case<'_> {
    /// Fails unless the gradients of Σ output · cotangent agree with the reference's, for each of the named ones among
    /// `inputs`, which are the tensors that `function` uses. The cotangent, of the output's `shape`, is drawn. Gives the output.
    ///
    /// # Panics
    /// As [`agrees`](Self::agrees), and where no gradient reaches an input.
    pub fn gradients_agree(
        &mut self,
        shape: &[i64],
        function: impl Fn() -> tch::Tensor,
        inputs: &[(String, tch::Tensor)],
        named: &[&str],
    ) -> tch::Tensor {
        let kind = inputs.first().map_or(tch::Kind::Float, |it| it.1.kind());
        let cotangent = self.tensor(shape, kind, Spread::UNIT);
        let vjp = crate::gradient::vjp(function, inputs, &cotangent);
        for name in named {
            let gradient = vjp.gradients.get(*name);
            let gradient = gradient.unwrap_or_else(|| panic!("no gradient reaches {name}"));
            self.agrees(&format!("grad.{name}"), gradient);
        }
        vjp.output
    }
}

/// The prefix of a stub's message, of which no size is worth telling.
const UNWRITTEN: &str = "not yet implemented";

/// Runs the cases of a drawn test; see [`drawn!`](crate::drawn!).
///
/// All cases run, so that it is known how many of them agree.
///
/// # Panics
/// With the first case that fails: the sizes that it drew, and what differs.
pub fn run(test: &str, cases: usize, stored: &str, case: impl Fn(&mut Case<'_>)) {
    let stored = Answers::read(stored);
    let cases = cases_set().unwrap_or(cases);
    let mut failed = 0;
    let mut first = None;
    for number in 0..cases {
        let key = format!("{test}/{number}");
        let mut drawn = Case {
            draw: Draw::new(&key),
            key,
            stored: &stored,
            compared: RefCell::default(),
        };
        remote::begin();
        let result = catch_unwind(AssertUnwindSafe(|| case(&mut drawn)));
        remote::end(result.is_ok());
        let Err(payload) = result else { continue };
        failed += 1;
        first.get_or_insert_with(|| (drawn.draw.sizes(), message_of(&*payload)));
        if interruption().is_some() {
            break;
        }
    }
    remote::finish(cases);
    if let Some((sizes, message)) = first {
        let mut text = message;
        assert!(!text.starts_with(UNWRITTEN), "{text}");
        remote::failed_with(&sizes);
        let _ = write!(
            text,
            "\n\n  in {failed} of {cases} drawn cases, first with {sizes}"
        );
        panic!("{text}");
    }
}

/// The number of cases that the environment sets for every drawn test, if it sets one.
fn cases_set() -> Option<usize> {
    std::env::var(CASES_VARIABLE).ok()?.parse().ok()
}

/// Compares a function with the reference on drawn inputs:
///
/// ```ignore
/// drawn!("interpolate", 8, |case| {
///     let (side, dim) = (case.size("side", 2..=7), case.size("dim", 1..=5));
///     let grid = case.other_size("grid", 2..=9, side);
///     let positions = case.array((side * side, dim), Spread::UNIT);
///     case.agrees("positions", &interpolate(positions.view(), grid));
/// });
/// ```
///
/// The first argument names the test within its exercise, the second is the number of cases drawn. The answers for the
/// default seed are in `drawn.txt` beside the test file; `cargo grader verify --store` writes them.
#[macro_export]
macro_rules! drawn {
    ($test:literal, $cases:literal, $case:expr) => {
        $crate::drawn::run($test, $cases, include_str!("drawn.txt"), $case)
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn failure(stored: &str, case: impl Fn(&mut Case<'_>)) -> String {
        let payload = catch_unwind(AssertUnwindSafe(|| run("double", 4, stored, case)));
        message_of(&*payload.expect_err("it fails"))
    }

    #[test]
    fn all_cases_run_and_the_first_failure_is_told_with_its_sizes() {
        let seen = Cell::new(0);
        let text = failure("", |case| {
            let size = case.size("n", 3..=3);
            seen.set(seen.get() + 1);
            assert!(seen.get() == 1, "case {} of size {size}", seen.get());
        });
        assert_eq!(seen.get(), 4);
        assert_eq!(
            text,
            "case 2 of size 3\n\n  in 3 of 4 drawn cases, first with n = 3"
        );
    }

    #[test]
    fn stored_answers_are_compared_where_there_is_no_reference() {
        let stored = "double/0/y f64 [1] 0e0 1e-3 2e0\n";
        let double = |by: f64| {
            move |case: &mut Case<'_>| {
                // Only the first case is stored.
                if case.key == "double/0" {
                    case.agrees("y", &ndarray::arr1(&[by]));
                }
            }
        };
        run("double", 4, stored, double(2.0005));
        let text = failure(stored, double(2.1));
        assert!(text.contains("expected 2, got 2.1"), "{text}");
        let text = failure("", double(2.0));
        assert!(text.contains("no answer is stored"), "{text}");
    }
}
