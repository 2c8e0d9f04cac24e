//! That no table holds the answers of a function of sizes alone: its drawn tests use so many different sizes that a table of the
//! answers to a thousand drawn requests holds few answers to others. Shows the share for each function.
//!
//! Inputs with tensors differ in each case. Constructors are left out, too: their answers are drawn at random, and compared
//! by their distribution.

use super::Finding;
use super::lazy::{drawn_tests, try_subject};
use anyhow::{Context, Result};
use grader::course::Exercise;
use grader::grading::grade::Grader;
use grader::grading::judge::{Evidence, Subject};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// The answers that a table holds.
const KNOWN: usize = 1000;

/// The largest share of other requests that it may answer. A function counts as implemented from half of its cases on; a table
/// for a quarter of them is already longer than any of these functions.
const MOST: f64 = 0.25;

/// A class's seed.
const SEED: u64 = 271_828;

/// Seconds that the drawn cases of an exercise may take together: there are many.
const SECONDS: u64 = 600;

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let mut grader = grader.clone();
    grader.environment.seed = Some(SEED);
    grader.environment.limits.exercise_seconds = Some(SECONDS);
    let mut shares = BTreeMap::new();
    for exercise in grader
        .environment
        .exercises
        .iter()
        .filter(|it| it.has_drawn_tests())
    {
        let of_sizes = of_sizes(exercise);
        if of_sizes.is_empty() {
            continue;
        }
        let drawn: BTreeSet<_> = drawn_tests(exercise).collect();
        let scratch = grader.environment.scratch.folder()?;
        let once = scratch.path().join("once");
        let evidence = log_requests(&grader, exercise, &drawn, 1, &once)?;
        let requests_one = |test: &String| {
            let asked = evidence.asked.get(test).into_iter().flatten();
            asked.into_iter().any(|it| of_sizes.contains(it.as_str()))
        };
        let tests: BTreeSet<_> = drawn.into_iter().filter(requests_one).collect();
        let folder = scratch.path().join("often");
        // A judge that is given no test runs them all.
        if !tests.is_empty() {
            log_requests(&grader, exercise, &tests, 2 * KNOWN, &folder)?;
        }
        for operation in of_sizes {
            let text = fs::read_to_string(folder.join(operation)).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            let name = (exercise.folder.clone(), operation.to_owned());
            shares.insert(name, share_known(&lines));
        }
    }
    Ok(judged(&shares))
}

/// The operations of an exercise that take no tensors, constants aside.
fn of_sizes(exercise: &Exercise) -> BTreeSet<&str> {
    let operations = exercise.operations.iter();
    let of_sizes = operations.filter(|(_, it)| it.tensors.is_empty() && !it.weights);
    let names = of_sizes.map(|(name, _)| name.as_str());
    let constants = &exercise.facts.constants;
    names
        .filter(|name| constants.iter().all(|constant| constant != name))
        .collect()
}

/// Runs drawn tests of so many cases on the reference, and logs their requests in `folder`, which is created.
fn log_requests(
    grader: &Grader,
    exercise: &Exercise,
    tests: &BTreeSet<String>,
    cases: usize,
    folder: &Path,
) -> Result<Evidence> {
    fs::create_dir(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    let scratch = grader.environment.scratch.folder()?;
    let subject = Subject::RequestLog { folder, cases };
    Ok(try_subject(grader, exercise, subject, Some(tests), scratch.path())?.evidence)
}

/// The share of drawn requests whose answers a table of [`KNOWN`] others holds; None if there are fewer. They are taken from
/// all over the log, which has one test after the other, by turns for the table and for the trial.
fn share_known(requests: &[&str]) -> Option<f64> {
    let step = requests.len() / (2 * KNOWN);
    let drawn = || requests.iter().step_by(step.max(1)).take(2 * KNOWN);
    let table: BTreeSet<_> = drawn().step_by(2).collect();
    let known = drawn().skip(1).step_by(2).filter(|it| table.contains(it));
    (step > 0).then(|| known.count() as f64 / KNOWN as f64)
}

/// The finding, given the share of each operation by exercise and name.
fn judged(shares: &BTreeMap<(String, String), Option<f64>>) -> Finding {
    let mut finding = Finding::default();
    let mut few = 0;
    let mut lines = String::new();
    for ((exercise, operation), share) in shares {
        let percent = share.map(|share| 100.0 * share);
        match percent {
            Some(percent) if percent <= 100.0 * MOST => few += 1,
            Some(percent) => finding.faults.push(format!(
                "{exercise} {operation}: a table of {KNOWN} drawn answers holds {percent:.1} % of others, at most {:.0} % may be: draw \
                 from more sizes",
                100.0 * MOST
            )),
            None => finding.faults.push(format!(
                "{exercise} {operation}: no drawn test requests it in each of its cases"
            )),
        }
        let percent = percent.map_or("-".to_owned(), |percent| format!("{percent:.1} %"));
        let name = format!("{exercise} {operation}");
        let _ = write!(lines, "\n  {name:<32} {percent:>7}");
    }
    if shares.is_empty() {
        finding.showed = "no function takes sizes alone".to_owned();
        return finding;
    }
    finding.showed = format!(
        "of {few} of {} functions of sizes alone, a table of {KNOWN} drawn answers holds at most {:.0} % of others",
        shares.len(),
        100.0 * MOST
    );
    finding.showed.push_str(&lines);
    finding
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The requests of tests that draw one of so many sizes, each `times` times in a row.
    fn requests(sizes: usize, times: usize) -> Vec<String> {
        // Knuth's generator, whose high bits look drawn.
        let mut state = 1_u64;
        let drawn = (0..2 * KNOWN).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            format!("n={}", (state >> 33) % sizes as u64)
        });
        drawn.flat_map(|line| vec![line; times]).collect()
    }

    fn share(requests: &[String]) -> Option<f64> {
        let lines: Vec<_> = requests.iter().map(String::as_str).collect();
        share_known(&lines)
    }

    #[test]
    fn the_share_that_a_table_holds_is_that_of_the_sizes_drawn() {
        assert_eq!(share(&requests(12, 1)), Some(1.0));
        // Of n sizes, all equally frequent, a table of m draws lacks (1 − 1/n)ᵐ ≈ exp(−m/n): 0.779 of 4000, and 0.990 of
        // 100,000. Four standard deviations of a share of 1000 draws are at most 4 · √(0.25/1000) = 0.063.
        for (sizes, expected) in [(4000, 0.221), (100_000, 0.010)] {
            for times in [1, 3] {
                let share = share(&requests(sizes, times)).expect("enough requests");
                assert!((share - expected).abs() < 0.063, "{sizes}: {share}");
            }
        }
        assert_eq!(share(&requests(9, 1)[1..]), None);
    }

    #[test]
    fn a_function_of_few_sizes_or_that_is_not_requested_is_a_fault() {
        assert_eq!(
            judged(&BTreeMap::new()).showed,
            "no function takes sizes alone"
        );
        let share = |name: &str, share| (("01-a".to_owned(), name.to_owned()), share);
        let finding = judged(&BTreeMap::from([
            share("f", Some(0.1)),
            share("g", Some(0.3)),
            share("h", None),
        ]));
        assert_eq!(
            finding.faults,
            [
                "01-a g: a table of 1000 drawn answers holds 30.0 % of others, at most 25 % may be: draw from more sizes",
                "01-a h: no drawn test requests it in each of its cases"
            ]
        );
        assert!(
            finding.showed.starts_with("of 1 of 3 functions"),
            "{}",
            finding.showed
        );
    }
}
