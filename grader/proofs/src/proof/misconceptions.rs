//! That each misconception fails a test, that each test notices a misconception, and that each is named as itself when it
//! is handed in with other names and in another order, or written in another way; and that one which is a shortcut for an
//! operation earns nothing for it. Shows which test notices which.

use super::{Finding, disguise, trials};
use anyhow::{Context, Result};
use grader::course::Exercise;
use grader::grading::grade::{Doubt, Grader, Trial};
use grader::grading::naming::Misconception;
use grader::grading::verdict::Tested;
use std::collections::BTreeSet;
use std::fmt::Write;

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let mut finding = Finding::default();
    let (mut all, mut right, mut otherwise) = (0, 0, 0);
    let mut tables = String::new();
    for exercise in &grader.environment.exercises {
        let misconceptions = match Misconception::all(&grader.environment.course, exercise) {
            Ok(misconceptions) => misconceptions,
            Err(error) => {
                finding.faults.push(format!("{error:#}"));
                continue;
            }
        };
        let trials = trials::each(&misconceptions, |misconception| {
            let source = disguise::disguised(&misconception.source)
                .with_context(|| misconception.id.clone())?;
            trials::of_source(grader, exercise, &source, Doubt::Failures)
        })?;
        let faults: Vec<_> = misconceptions
            .iter()
            .zip(&trials)
            .filter_map(|(misconception, trial)| fault_of(exercise, misconception, trial))
            .collect();
        finding
            .faults
            .extend(shortcuts_that_count(exercise, &misconceptions, &trials));
        all += misconceptions.len();
        right += misconceptions.len() - faults.len();
        finding.faults.extend(faults);
        let others =
            Misconception::otherwise(&grader.environment.course, exercise, &misconceptions)?;
        otherwise += others.len();
        finding
            .faults
            .extend(faults_otherwise(grader, exercise, &others)?);
        let matrix = Matrix::new(exercise, &misconceptions, &trials);
        finding.faults.extend(matrix.tests_that_notice_nothing());
        let _ = write!(tables, "\n\n{matrix}");
    }
    finding.showed = format!(
        "{right} of {all} fail and are named as themselves, {otherwise} of them written in two ways{tables}"
    );
    Ok(finding)
}

/// Faults of misconceptions that are written in another way.
fn faults_otherwise(
    grader: &Grader,
    exercise: &Exercise,
    others: &[(String, String)],
) -> Result<Vec<String>> {
    let faults = trials::each(others, |(id, source)| {
        let trial = trials::of_source(grader, exercise, source, Doubt::Failures)?;
        let what = match trials::suspected(&trial) {
            Ok(named) if named == [id.as_str()] => return Ok(None),
            Ok(named) => format!("named {named:?}"),
            Err(error) => format!("not named: {error}"),
        };
        let why = trials::untested(&trial).unwrap_or(format!("is {what}"));
        Ok(Some(format!(
            "{} {id}, written in another way, {why}",
            exercise.folder
        )))
    })?;
    Ok(faults.into_iter().flatten().collect())
}

/// The fault of a misconception, given the trial of its source in disguise; None if it is named as itself.
fn fault_of(exercise: &Exercise, misconception: &Misconception, trial: &Trial) -> Option<String> {
    let own = misconception.id.as_str();
    let what = if let Some(why) = trials::untested(trial) {
        why
    } else if trials::failed(trial).is_empty() {
        "passes every test: it is not a mistake, or a test is missing".to_owned()
    } else {
        match trials::suspected(trial) {
            Ok(named) if named == [own] => return None,
            Ok(named) if named.is_empty() => "is not named".to_owned(),
            Ok(named) if named.contains(&own) => format!(
                "cannot be told from {} by any call of the tests: they are one",
                without(own, &named)
            ),
            Ok(named) => format!("is named {}", named.join(", ")),
            Err(error) => format!("is not named: {error}"),
        }
    };
    Some(format!("{} {own} {what}", exercise.folder))
}

/// The tests of an operation that count for a misconception which does less than the operation takes, and the shortcuts that
/// are no misconceptions.
fn shortcuts_that_count(
    exercise: &Exercise,
    misconceptions: &[Misconception],
    trials: &[Trial],
) -> Vec<String> {
    let mut faults = vec![];
    for (id, operations) in &exercise.facts.shortcuts {
        let mut tried = misconceptions.iter().zip(trials);
        let Some((_, trial)) = tried.find(|(misconception, _)| misconception.id == *id) else {
            faults.push(format!(
                "{}: the shortcut {id} is not a misconception",
                exercise.folder
            ));
            continue;
        };
        for operation in operations {
            let requests = |tested: &&Tested| tested.requests.operations.contains(operation);
            let own: Vec<_> = trial.tests.iter().filter(requests).collect();
            if own.is_empty() {
                let why = "no test requests it";
                faults.push(format!("{} {operation}, {id}: {why}", exercise.folder));
            }
            let counted = own.into_iter().filter(|tested| tested.counts());
            faults.extend(counted.map(|tested| {
                format!(
                    "{} {} counts for {id}, which is a shortcut for {operation}",
                    exercise.folder, tested.test
                )
            }));
        }
    }
    faults
}

fn without(own: &str, named: &[&str]) -> String {
    let others: Vec<_> = named.iter().copied().filter(|id| *id != own).collect();
    others.join(", ")
}

/// The misconceptions that each test notices.
struct Matrix<'a> {
    exercise: &'a Exercise,
    misconceptions: Vec<&'a str>,
    /// The tests that each misconception fails.
    failed: Vec<BTreeSet<&'a str>>,
}

impl<'a> Matrix<'a> {
    fn new(
        exercise: &'a Exercise,
        misconceptions: &'a [Misconception],
        trials: &'a [Trial],
    ) -> Self {
        Self {
            exercise,
            misconceptions: misconceptions.iter().map(|it| it.id.as_str()).collect(),
            failed: trials
                .iter()
                .map(|trial| trials::failed(trial).into_iter().collect())
                .collect(),
        }
    }

    fn tests_that_notice_nothing(&self) -> Vec<String> {
        let tests = self.exercise.tests().map(|(_, test)| test);
        let idle = tests.filter(|test| !self.failed.iter().any(|it| it.contains(test.as_str())));
        idle.map(|test| {
            format!(
                "{} {test} notices no misconception: it tests nothing, or one is missing",
                self.exercise.folder
            )
        })
        .collect()
    }
}

/// A row for each test, a column for each misconception, whose numbers stand above: at most 100 characters wide.
impl std::fmt::Display for Matrix<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.misconceptions.len();
        writeln!(
            f,
            "{}: which test notices which misconception",
            self.exercise.folder
        )?;
        let digits = |digit: fn(usize) -> usize| -> String {
            let numbers = 1..=count;
            numbers.map(|number| digit(number).to_string()).collect()
        };
        let tens = digits(|number| number / 10 % 10);
        writeln!(f, "  {}", tens.replace('0', " "))?;
        writeln!(f, "  {}", digits(|number| number % 10))?;
        for (_, test) in self.exercise.tests() {
            let mark = |failed: &BTreeSet<&str>| {
                if failed.contains(test.as_str()) {
                    'x'
                } else {
                    '·'
                }
            };
            let marks: String = self.failed.iter().map(mark).collect();
            writeln!(f, "  {marks} {test}")?;
        }
        let numbered = self.misconceptions.iter().enumerate();
        let legend: Vec<_> = numbered
            .map(|(i, id)| format!("{}\u{a0}{id}", i + 1))
            .collect();
        let options = textwrap::Options::new(100)
            .initial_indent("  ")
            .subsequent_indent("  ")
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        let legend = textwrap::fill(&legend.join("  "), options);
        write!(f, "{}", legend.replace('\u{a0}', " "))
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use grader::course::{Exercise, Facts, Kind};
    use grader::grading::naming::Misconception;
    use indexmap::IndexMap;

    /// A misconception of that name.
    pub(crate) fn misconception(id: &str) -> Misconception {
        Misconception {
            id: id.to_owned(),
            ..Misconception::default()
        }
    }

    /// An exercise with the tests `shape::x` and `shape::y`.
    pub(crate) fn exercise() -> Exercise {
        Exercise {
            folder: "01-a".to_owned(),
            name: "a".to_owned(),
            about: String::new(),
            uses_torch: false,
            earlier: vec![],
            dependencies: vec![],
            facts: Facts {
                constants: vec![],
                title: String::new(),
                minutes: 1,
                difficulty: 1,
                builds_on: vec![],
                forbidden: Default::default(),
                model: None,
                borrows_attention: false,
                trained: None,
                limits: Default::default(),
                sizes: Default::default(),
                shortcuts: Default::default(),
                points: [(Kind::Shape, 1.0)].into(),
                tests: [(Kind::Shape, vec!["x".to_owned(), "y".to_owned()])].into(),
            },
            worker: String::new(),
            operations: IndexMap::new(),
            items: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{exercise, misconception};
    use super::*;
    use crate::proof::submissions::testing::tested;
    use grader::grading::naming::Suspicion;
    use grader::grading::verdict::Outcome;

    fn trial(outcome: Outcome, failed: &[&str], suspicion: Suspicion) -> Trial {
        let message = |name| failed.contains(&name).then_some("off");
        Trial {
            outcome,
            tests: ["x", "y"].map(|name| tested(name, message(name))).into(),
            suspicion: Ok(suspicion),
        }
    }

    fn fault(trial: &Trial) -> Option<String> {
        fault_of(&exercise(), &misconception("a"), trial)
    }

    #[test]
    fn one_that_is_named_as_itself_has_no_fault() {
        let named = Suspicion::from(misconception("a"));
        assert_eq!(fault(&trial(Outcome::Tested, &["x"], named)), None);
    }

    #[test]
    fn one_that_passes_is_not_named_or_is_another_has_a_fault() {
        let several = [misconception("a"), misconception("b")];
        let fault = |failed: &[&str], suspicion| {
            fault(&trial(Outcome::Tested, failed, suspicion)).expect("a fault")
        };
        assert!(fault(&[], Suspicion::default()).starts_with("01-a a passes every test"));
        assert_eq!(fault(&["x"], Suspicion::default()), "01-a a is not named");
        let other = Suspicion::from(misconception("b"));
        assert_eq!(fault(&["x"], other), "01-a a is named b");
        let tie = fault(
            &["x"],
            Suspicion {
                tied: several.into(),
                ..Suspicion::default()
            },
        );
        assert!(tie.starts_with("01-a a cannot be told from b"), "{tie}");
    }

    #[test]
    fn one_that_does_not_compile_has_a_fault() {
        let outcome = Outcome::DoesNotCompile("error: x".to_owned());
        let fault = fault(&trial(outcome, &[], Suspicion::default()));
        assert_eq!(fault.as_deref(), Some("01-a a does not compile: error: x"));
    }

    #[test]
    fn a_shortcut_that_a_test_counts_for_is_a_fault() {
        let mut exercise = exercise();
        let operations = ["f", "g"].map(str::to_owned).to_vec();
        exercise.facts.shortcuts = ["a", "b"]
            .map(|id| (id.to_owned(), operations.clone()))
            .into();
        let mut trial = trial(Outcome::Tested, &["x"], Suspicion::default());
        let faults = |trial: &Trial| {
            shortcuts_that_count(
                &exercise,
                &[misconception("a")],
                std::slice::from_ref(trial),
            )
        };
        let unasked = [
            "01-a f, a: no test requests it",
            "01-a g, a: no test requests it",
        ];
        let unknown = "01-a: the shortcut b is not a misconception";
        assert_eq!(faults(&trial), [unasked[0], unasked[1], unknown]);
        for tested in &mut trial.tests {
            tested.requests.operations = ["f".to_owned()].into();
        }
        let counted = "01-a shape::y counts for a, which is a shortcut for f";
        assert_eq!(faults(&trial), [counted, unasked[1], unknown]);
        trial.tests[1].not_counted = Some("it is not implemented".to_owned());
        assert_eq!(faults(&trial), [unasked[1], unknown]);
    }

    #[test]
    fn the_matrix_has_a_row_for_each_test_and_a_column_for_each_misconception() {
        let misconceptions = [misconception("a"), misconception("b-c")];
        let trials = [
            trial(Outcome::Tested, &["x"], Suspicion::default()),
            trial(Outcome::Tested, &[], Suspicion::default()),
        ];
        let exercise = exercise();
        let matrix = Matrix::new(&exercise, &misconceptions, &trials);
        assert_eq!(
            matrix.to_string(),
            "01-a: which test notices which misconception\n    \n  12\n  x· shape::x\n  ·· shape::y\n  1 a  2 b-c"
        );
        let idle = matrix.tests_that_notice_nothing();
        assert_eq!(idle.len(), 1);
        assert!(idle[0].starts_with("01-a shape::y notices no misconception"));
    }
}
