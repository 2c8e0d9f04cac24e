//! The items that help is given for: the functions and types of an exercise, and the tests that belong to each.

use super::record::{Checked, ExerciseRecord, TestResult, Versions};
use crate::course::Exercise;
use crate::terminal::suggestion;
use anyhow::{Result, anyhow};
use hints::WithHint;
use interface::{Item, ItemKind};
use std::collections::BTreeSet;
use wire::words::NEW;

/// The item of an exercise that somebody names: by its path (`Msa::forward`), by that of its operation (`msa.forward`), or by
/// its last part where no other item has the same.
///
/// # Errors
/// Returns an error, with a suggestion, if there is none of that name or more than one.
pub fn find<'a>(exercise: &'a Exercise, name: &str) -> Result<&'a Item> {
    let wanted = path_of(&exercise.name, name);
    let is_same = |path: &str| path.eq_ignore_ascii_case(&wanted);
    let items = || exercise.items.iter();
    // Upper and lower case tell `Mlp` from `mlp`.
    if let Some(item) = items().find(|item| item.path == wanted) {
        return Ok(item);
    }
    let by_path: Vec<_> = items().filter(|item| is_same(&item.path)).collect();
    let by_name: Vec<_> = items().filter(|item| is_same(item.name())).collect();
    match (by_path.as_slice(), by_name.as_slice()) {
        ([item], _) | ([], [item]) => Ok(item),
        ([], []) => {
            let paths: Vec<_> = items().map(|item| item.path.as_str()).collect();
            unknown(&exercise.name, name, &paths)
        }
        ([], several) | (several, _) => {
            let paths: Vec<_> = several.iter().map(|item| item.path.as_str()).collect();
            ambiguous(&exercise.name, name, &paths)
        }
    }
}

/// The path of an item as somebody writes it, without what may stand around it: `Msa::forward` of `msa::Msa.forward()`.
pub(super) fn path_of(exercise: &str, name: &str) -> String {
    let path = name.trim().trim_end_matches("()").replace('.', "::");
    let path = path.trim_start_matches("crate::");
    let own = format!("{exercise}::");
    path.strip_prefix(&own).unwrap_or(path).to_owned()
}

/// The error that an exercise has no item of a name, but those with these paths.
pub(super) fn unknown<T>(exercise: &str, name: &str, paths: &[&str]) -> Result<T> {
    let hint = suggestion(name, paths)
        .unwrap_or_else(|| format!("its functions and types are {}", paths.join(", ")));
    Err(anyhow!("{exercise} has no item {name:?}")).hint(hint)
}

/// The error that a name stands for several items of an exercise, with these paths.
pub(super) fn ambiguous<T>(exercise: &str, name: &str, paths: &[&str]) -> Result<T> {
    let error = anyhow!("{name:?} may be one of several items of {exercise}");
    Err(error).hint(format!("name one of {}", paths.join(", ")))
}

/// The items of an exercise with operations, which are those that a learner writes: its functions and methods, and of types
/// those that have no functions of their own here.
pub fn written(exercise: &Exercise) -> impl Iterator<Item = &Item> {
    let items = exercise.items.iter();
    items.filter(|item| item.kind != ItemKind::Type && !item.operations.is_empty())
}

/// The operations that a test belongs to: those it requested, but for constants of the course, and for constructors if it
/// requested anything else.
pub fn operations_of<'a>(exercise: &Exercise, test: &'a TestResult) -> Vec<&'a str> {
    let is_constant = |it: &&String| exercise.facts.constants.contains(it);
    let all = || test.operations.iter().filter(|it| !is_constant(it));
    let functions: Vec<_> = all().filter(|it| !it.ends_with(NEW)).collect();
    let own = match functions.is_empty() {
        true => all().collect(),
        false => functions,
    };
    own.into_iter().map(String::as_str).collect()
}

/// The tests of a check that belong to an item, by name.
pub fn tests_of<'a>(
    exercise: &'a Exercise,
    check: &'a Checked,
    item: &'a Item,
) -> impl Iterator<Item = (&'a str, &'a TestResult)> {
    let tests = check.tests.iter();
    let tests = tests.filter(|(_, test)| {
        let operations = operations_of(exercise, test);
        operations
            .iter()
            .any(|it| item.operations.iter().any(|own| own == it))
    });
    tests.map(|(name, test)| (name.as_str(), test))
}

/// Returns whether an item passes: the last check was of these versions, and all tests passed that belong to it. A test that
/// another item ended, by a panic or without an answer, says nothing of this one. An item that no test belongs to passes with
/// the whole exercise.
pub fn passes(
    record: Option<&ExerciseRecord>,
    exercise: &Exercise,
    versions: &Versions,
    item: &Item,
) -> bool {
    let check = record.and_then(|record| record.check.as_ref());
    let Some(check) = check.filter(|check| check.versions == *versions) else {
        return false;
    };
    let is_own = |operation: &String| item.operations.contains(operation);
    let ended_elsewhere = |test: &TestResult| test.fault && !test.last.as_ref().is_some_and(is_own);
    let mut passed = 0;
    for (_, test) in tests_of(exercise, check, item) {
        match test.passed {
            true => passed += 1,
            false if ended_elsewhere(test) => {}
            false => return false,
        }
    }
    passed > 0 || check.is_perfect()
}

/// The item to blame for a failed test: the one whose operation it requested last, if it is among those that it belongs to or
/// returned no values.
pub fn item_of<'a>(exercise: &'a Exercise, test: &TestResult) -> Option<&'a Item> {
    let operations = operations_of(exercise, test);
    let last = test.last.as_deref();
    let last = last.filter(|last| test.fault || operations.contains(last));
    let operation = last.or_else(|| operations.first().copied())?;
    let serves = |item: &&Item| item.operations.iter().any(|own| own == operation);
    let own = written(exercise).find(serves);
    own.or_else(|| exercise.items.iter().find(serves))
}

/// The items of the tests that fail, in the order in which a check shows the failures: what is written and wrong comes before
/// what is to be written.
pub fn failing<'a>(exercise: &'a Exercise, check: &Checked) -> Vec<&'a Item> {
    let mut seen = BTreeSet::new();
    let tests = exercise
        .tests()
        .filter_map(|(_, name)| check.tests.get(&name));
    let (stubs, wrong): (Vec<_>, Vec<_>) = tests
        .filter(|test| !test.passed)
        .partition(|test| test.stub);
    let failed = wrong.into_iter().chain(stubs);
    failed
        .filter_map(|test| item_of(exercise, test))
        .filter(|item| seen.insert(item.path.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::{Course, Kind};
    use crate::study::record::CheckResult;
    use anyhow::Context;
    use hints::hints;
    use std::collections::BTreeMap;

    const MANIFEST: &str = r#"
[package]
name = "sums"
[package.metadata.exercise]
title = "Sums"
minutes = 1
difficulty = 1
constants = ["sizes"]
[package.metadata.exercise.points]
shape = 1
[package.metadata.exercise.tests]
shape = ["a"]
"#;

    const INTERFACE: &str = r#"
use tch::{Tensor, nn};
/// the sum
#[gives(y = "[]")]
pub fn total(
    /// [N]
    x: &Tensor,
) -> Tensor;
/// a layer
pub struct Layer;
impl Layer {
    pub fn new(
        vs: &nn::Path<'_>,
        /// features
        dim: i64,
    ) -> Self;
    #[gives(y = "[N]")]
    pub fn forward(
        &self,
        /// [N]
        x: &Tensor,
    ) -> Tensor;
    #[gives(total = "[]")]
    pub fn total(
        &self,
        /// [N]
        x: &Tensor,
    ) -> Tensor;
}
"#;

    fn exercise() -> Result<Exercise> {
        let root = tempfile::tempdir()?;
        let folder = root.path().join("exercises/01-sums");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("Cargo.toml"), MANIFEST)?;
        std::fs::write(folder.join("interface.rs"), INTERFACE)?;
        Ok(Course::open(root.path())?.exercises.remove(0))
    }

    /// A test that requested these operations, the last of which returned no values if `fault`.
    fn test(passed: bool, operations: &[&str], fault: bool) -> TestResult {
        TestResult {
            passed,
            operations: operations.iter().map(|&it| it.to_owned()).collect(),
            last: operations.last().map(|&it| it.to_owned()),
            fault,
            ..TestResult::default()
        }
    }

    fn record(tests: &[(&str, TestResult)]) -> ExerciseRecord {
        let tests = tests.iter().cloned();
        let tests: BTreeMap<_, _> = tests.map(|(name, test)| (name.to_owned(), test)).collect();
        let check = Checked {
            at: String::new(),
            seconds: 0.0,
            versions: versions("now"),
            result: CheckResult::Tested,
            tests,
            other: serde_json::Map::new(),
        };
        ExerciseRecord {
            check: Some(check),
            ..ExerciseRecord::default()
        }
    }

    fn versions(sources: &str) -> Versions {
        Versions {
            sources: sources.to_owned(),
            tests: String::new(),
        }
    }

    #[test]
    fn an_item_is_found_by_its_path_its_operation_or_its_name_alone() -> Result<()> {
        let exercise = exercise()?;
        for (name, path) in [
            ("Layer", "Layer"),
            ("layer", "Layer"),
            ("Layer::forward", "Layer::forward"),
            ("layer.forward", "Layer::forward"),
            ("sums::Layer::new", "Layer::new"),
            ("forward", "Layer::forward"),
            ("total", "total"),
            ("total()", "total"),
            ("Layer::total", "Layer::total"),
        ] {
            assert_eq!(find(&exercise, name)?.path, path, "{name}");
        }
        let error = find(&exercise, "foward").expect_err("it is mistyped");
        assert_eq!(hints(&error), ["did you mean `Layer::forward`?"]);
        let error = find(&exercise, "zzz").expect_err("it is unknown");
        assert!(hints(&error)[0].contains("Layer::total"), "{error}");
        Ok(())
    }

    #[test]
    fn an_item_passes_with_all_tests_that_belong_to_it_in_a_check_of_the_same_sources() -> Result<()>
    {
        let exercise = exercise()?;
        let passing = |record: &ExerciseRecord, sources: &str| -> Vec<String> {
            let items = exercise.items.iter();
            let passing =
                items.filter(|it| passes(Some(record), &exercise, &versions(sources), it));
            passing.map(|it| it.path.clone()).collect()
        };
        let record_of_some = record(&[
            ("shape::a", test(true, &["total", "sizes"], false)),
            ("shape::b", test(true, &["layer.new"], false)),
            (
                "shape::c",
                test(true, &["layer.new", "layer.forward"], false),
            ),
            (
                "shape::d",
                test(false, &["layer.new", "layer.total"], false),
            ),
        ]);
        let passed = passing(&record_of_some, "now");
        assert_eq!(passed, ["total", "Layer::new", "Layer::forward"]);
        assert_eq!(passing(&record_of_some, "other"), [""; 0]);
        assert!(!passes(
            None,
            &exercise,
            &versions("now"),
            &exercise.items[0]
        ));
        Ok(())
    }

    #[test]
    fn a_test_that_another_items_panic_ended_says_nothing_of_an_item() -> Result<()> {
        let exercise = exercise()?;
        let item = find(&exercise, "Layer::forward")?;
        let judged = |operations: &[&str], fault| {
            let record = record(&[
                ("shape::a", test(true, &["layer.forward"], false)),
                ("shape::b", test(false, operations, fault)),
            ]);
            passes(Some(&record), &exercise, &versions("now"), item)
        };
        assert!(judged(&["layer.forward", "total"], true));
        assert!(!judged(&["layer.forward", "total"], false));
        assert!(!judged(&["total", "layer.forward"], true));
        // An item without a test of its own passes with the whole exercise.
        let unknown = record(&[("shape::b", test(false, &["total"], true))]);
        assert!(!passes(Some(&unknown), &exercise, &versions("now"), item));
        let done = record(&[("shape::b", test(true, &["total"], false))]);
        assert!(passes(Some(&done), &exercise, &versions("now"), item));
        Ok(())
    }

    #[test]
    fn what_is_wrong_comes_before_what_is_not_yet_written() -> Result<()> {
        let mut exercise = exercise()?;
        let names = ["a", "b", "c"].map(str::to_owned).to_vec();
        exercise.facts.tests.insert(Kind::Shape, names);
        let stub = TestResult {
            stub: true,
            ..test(false, &["layer.new"], true)
        };
        let record = record(&[
            ("shape::a", stub),
            ("shape::b", test(true, &["layer.forward"], false)),
            ("shape::c", test(false, &["total"], false)),
        ]);
        let check = record.check.context("there is one")?;
        let items = failing(&exercise, &check);
        let paths: Vec<_> = items.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(paths, ["total", "Layer::new"]);
        Ok(())
    }

    #[test]
    fn a_failed_test_belongs_to_the_item_that_ended_it() -> Result<()> {
        let exercise = exercise()?;
        let blamed = |operations: &[&str], fault| {
            let item = item_of(&exercise, &test(false, operations, fault));
            item.map(|item| item.path.clone()).unwrap_or_default()
        };
        assert_eq!(blamed(&["layer.new"], true), "Layer::new");
        assert_eq!(blamed(&["total", "layer.new"], true), "Layer::new");
        assert_eq!(
            blamed(&["layer.new", "layer.forward"], false),
            "Layer::forward"
        );
        assert_eq!(
            blamed(&["layer.forward", "layer.new"], false),
            "Layer::forward"
        );
        assert_eq!(blamed(&["layer"], true), "Layer");
        assert_eq!(blamed(&[], false), "");
        Ok(())
    }
}
