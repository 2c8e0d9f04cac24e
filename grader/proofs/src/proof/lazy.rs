//! That no function earns a point unwritten: for each operation by itself, a lazy submission that knows all answers of the
//! usual seed from a table, and has a stub or something cheap behind it, earns nothing for that operation under another
//! seed. Shows how many tests each one loses.
//!
//! Everything else in such a submission is the reference, and its answers are given in the judge's own process: what is
//! proven is a property of the tests, for which no code needs to be compiled.

use super::{Finding, trials};
use anyhow::Result;
use grader::course::{Exercise, Kind};
use grader::grading::grade::Grader;
use grader::grading::judge::{Evidence, JudgeReport, Subject, judge};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// The stand-ins behind the table. A constant without a table answers no call rightly that it does not answer with one.
const STAND_INS: [&str; 7] = [
    "todo", "zeros", "ones", "uniform", "mean", "identity", "input",
];

/// The seed that the lazy ones do not know.
const ANOTHER: u64 = 271_828;

/// A lazy submission.
struct Lazy<'a> {
    operation: &'a str,
    stand_in: &'static str,
}

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let mut finding = Finding::default();
    let (mut lost, mut all) = (0, 0);
    let mut tables = String::new();
    for exercise in grader
        .environment
        .exercises
        .iter()
        .filter(|it| it.has_drawn_tests())
    {
        let scratch = grader.environment.scratch.folder()?;
        let table = scratch.path().join("table");
        std::fs::create_dir(&table)?;
        let reference = Subject::Reference { table: &table };
        let evidence = try_subject(grader, exercise, reference, None, scratch.path())?.evidence;
        let operations = operations(exercise, &evidence);
        let lazy = |operation| {
            STAND_INS.map(|stand_in| Lazy {
                operation,
                stand_in,
            })
        };
        let subjects: Vec<_> = operations.iter().flat_map(|it| lazy(it.as_str())).collect();
        let earned = trials::each(&subjects, |lazy| {
            earned(grader, exercise, lazy, &evidence, &table)
        })?;
        for (lazy, tests) in subjects.iter().zip(&earned) {
            all += 1;
            lost += usize::from(tests.is_empty());
            let Lazy {
                operation,
                stand_in,
            } = lazy;
            let folder = &exercise.folder;
            finding.faults.extend(tests.iter().map(|test| {
                format!(
                    "{folder} {test} counts for {operation} as a table with {stand_in} behind it"
                )
            }));
        }
        let _ = write!(
            tables,
            "\n\n{}: tests that a lazy operation loses",
            exercise.folder
        );
        for operation in &operations {
            let tests = belonging(&evidence, exercise, operation).len();
            let _ = write!(tables, "\n  {operation:<28} {tests:>3} of {tests}");
        }
    }
    finding.showed = format!(
        "{lost} of {all} lazy operations earn nothing (a table of the usual seed's answers, and behind it {}){tables}",
        STAND_INS.join(", ")
    );
    Ok(finding)
}

/// All operations that tests belong to.
fn operations(exercise: &Exercise, evidence: &Evidence) -> BTreeSet<String> {
    let tests = evidence.asked.keys();
    let operations = tests.flat_map(|test| evidence.belongs_to(exercise, test));
    operations.map(str::to_owned).collect()
}

/// The tests that belong to an operation.
fn belonging(evidence: &Evidence, exercise: &Exercise, operation: &str) -> BTreeSet<String> {
    let tests = evidence.asked.keys();
    let belongs = |test: &&String| evidence.belongs_to(exercise, test).contains(&operation);
    tests.filter(belongs).cloned().collect()
}

/// The tests of its operation that count for a lazy submission, if they pass.
///
/// Only drawn tests say which operations are implemented: they run, and the others are taken to pass, as those do that a
/// table or a check of sizes is enough for.
fn earned(
    grader: &Grader,
    exercise: &Exercise,
    lazy: &Lazy<'_>,
    evidence: &Evidence,
    table: &Path,
) -> Result<Vec<String>> {
    let scratch = grader.environment.scratch.folder()?;
    let mut grader = grader.clone();
    grader.environment.seed = Some(ANOTHER);
    grader.environment.keeps_answers = true;
    let own = belonging(evidence, exercise, lazy.operation);
    let subject = Subject::Lazy {
        table,
        operation: lazy.operation,
        stand_in: lazy.stand_in,
    };
    let drawn = drawn_tests(exercise)
        .filter(|test| own.contains(test))
        .collect();
    let judged = try_subject(&grader, exercise, subject, Some(&drawn), scratch.path())?;
    let failed = |test: &String| judged.tests.iter().any(|it| it.test == *test && !it.passed);
    // What the lazy one's other operations are is known from the reference.
    let mut known = evidence.clone();
    let seen = judged.evidence.cases.get(lazy.operation).copied();
    known
        .cases
        .insert(lazy.operation.to_owned(), seen.unwrap_or_default());
    let counts = |test: &String| !failed(test) && known.not_counted(exercise, test).is_none();
    Ok(own.into_iter().filter(counts).collect())
}

/// The drawn tests of an exercise.
pub(super) fn drawn_tests(exercise: &Exercise) -> impl Iterator<Item = String> {
    let drawn = exercise.tests().filter(|(kind, _)| *kind == Kind::Drawn);
    drawn.map(|(_, test)| test)
}

/// Judges a subject in the judge's own process.
pub(super) fn try_subject(
    grader: &Grader,
    exercise: &Exercise,
    subject: Subject<'_>,
    only: Option<&BTreeSet<String>>,
    scratch: &Path,
) -> Result<JudgeReport> {
    judge(
        &grader.environment,
        exercise,
        subject,
        only,
        scratch,
        &scratch.join("calls"),
    )
}
