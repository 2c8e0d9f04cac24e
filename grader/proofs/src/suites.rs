//! The project's own tests: runs them with cargo, passes on its output, and counts the tests from it.

use anyhow::Result;
use grader::course::Course;
use grader::machine::cargo::{cargo, each_line};
use grader::machine::tools::Toolchain;
use std::env;
use std::ffi::OsStr;

/// The packages that are compiled with libtorch, besides solutions.
const WITH_TORCH: [&str; 5] = ["judge", "observer", "testkit", "wire", "workers"];

/// One run of `cargo test`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suite {
    /// The part of the project that it tests.
    pub name: &'static str,
    /// The arguments of cargo.
    pub arguments: Vec<String>,
}

/// The test counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed.
    pub failed: usize,
    /// Whether cargo exited successfully.
    pub succeeded: bool,
    /// The names of failed tests, as libtest prints them.
    pub names: Vec<String>,
}

impl Suite {
    /// The runs that together are all tests of the project but the exercises' own, which are to fail.
    ///
    /// Packages with libtorch are tested apart, with the features that they have for the judges: in one run, the others would be
    /// compiled with these features once more, and the programs, which are running, replaced by ones that link libtorch.
    pub fn all(course: &Course) -> [Self; 2] {
        let exercises = course.exercises.iter().map(|exercise| &exercise.name);
        let solutions = course.exercises.iter();
        let solutions = solutions.map(|exercise| format!("{}-solution", exercise.name));
        let with_torch: Vec<_> = WITH_TORCH
            .map(str::to_owned)
            .into_iter()
            .chain(solutions)
            .collect();
        let arguments = |words: &[&str], option: &str, packages: &[String]| {
            let words = ["test", "--no-fail-fast"].iter().chain(words);
            let packages = packages.iter().map(|name| format!("--{option}={name}"));
            words.map(|&word| word.to_owned()).chain(packages).collect()
        };
        let others: Vec<_> = exercises.chain(&with_torch).cloned().collect();
        [
            Self {
                name: "grader",
                arguments: arguments(&["--workspace"], "exclude", &others),
            },
            Self {
                name: "judges, workers and solutions",
                arguments: arguments(&["--features=judge/tch"], "package", &with_torch),
            },
        ]
    }

    /// Runs the suite, and passes each line of its output to `line`.
    ///
    /// # Errors
    /// Returns an error if there is no toolchain to use, or cargo cannot be run.
    pub fn run(&self, course: &Course, line: &mut dyn FnMut(&str)) -> Result<Count> {
        let mut cargo = cargo(&course.root, &Toolchain::of(&course.root)?);
        for (name, _) in env::vars_os().filter(|(name, _)| is_switch(name)) {
            cargo.env_remove(name);
        }
        cargo.args(&self.arguments);
        let mut count = Count::default();
        let status = each_line(&mut cargo, &mut |text| {
            count.take_in(text);
            line(text);
        })?;
        count.succeeded = status.success();
        Ok(count)
    }
}

/// Whether a variable of the environment could make insta or proptest run less, or let wrong results pass.
fn is_switch(name: &OsStr) -> bool {
    ["INSTA_", "PROPTEST_", "COURSE_SEED"]
        .iter()
        .any(|start| name.as_encoded_bytes().starts_with(start.as_bytes()))
}

impl Count {
    /// Adds what a line says: `test result: ok. 3 passed; 0 failed; …`.
    fn take_in(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            let test = line.strip_prefix("test ");
            let failed = test.and_then(|test| test.strip_suffix(" ... FAILED"));
            self.names.extend(failed.map(str::to_owned));
            return;
        };
        let number = |what: &str| -> usize {
            let mut parts = result.split([';', '.']);
            parts
                .find_map(|part| part.trim().strip_suffix(what)?.trim().parse().ok())
                .unwrap_or(0)
        };
        self.passed += number(" passed");
        self.failed += number(" failed");
    }

    /// The faults of the run: one for each failed test, or another reason. A run without a test proves nothing.
    pub fn faults(&self) -> Vec<String> {
        let named = self.names.iter().map(|name| format!("{name} fails"));
        // A test that writes to the terminal itself may tear the line with its name.
        let unnamed = self.failed.saturating_sub(self.names.len());
        let unnamed = (0..unnamed).map(|_| "a test fails (see above)".to_owned());
        let faults: Vec<_> = named.chain(unnamed).collect();
        match self {
            _ if !faults.is_empty() => faults,
            Self {
                succeeded: false, ..
            } => vec!["cargo could not build or run them (see above)".to_owned()],
            Self { passed: 0, .. } => vec!["no test ran".to_owned()],
            _ => faults,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_switches_tests_off_is_taken_out_of_the_environment() {
        let is_taken = |name: &str| is_switch(OsStr::new(name));
        assert!(is_taken("PROPTEST_CASES") && is_taken("INSTA_FORCE_PASS"));
        assert!(!is_taken("PATH") && !is_taken("MNIST_DIR"));
    }

    fn count(lines: &[&str], succeeded: bool) -> Count {
        let mut count = Count {
            succeeded,
            ..Count::default()
        };
        lines.iter().for_each(|line| count.take_in(line));
        count
    }

    const OK: &str = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.30s";
    const FAILED: &str = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 2.00s";
    const EMPTY: &str = "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";

    #[test]
    fn the_tests_of_all_programs_are_counted() {
        let count = count(
            &[OK, "test x ... ok", "test y ... FAILED", EMPTY, FAILED],
            false,
        );
        assert_eq!((count.passed, count.failed), (15, 2));
        assert_eq!(count.faults(), ["y fails", "a test fails (see above)"]);
    }

    #[test]
    fn a_run_of_which_all_tests_pass_has_no_fault() {
        assert_eq!(count(&[OK, EMPTY], true).faults(), [""; 0]);
    }

    #[test]
    fn a_run_without_a_test_is_a_fault() {
        assert_eq!(count(&[EMPTY], true).faults(), ["no test ran"]);
        assert_eq!(count(&[], true).faults(), ["no test ran"]);
    }

    #[test]
    fn a_run_that_cargo_could_not_end_is_a_fault_whatever_passed_before() {
        let faults = count(&[OK], false).faults();
        assert!(faults[0].starts_with("cargo could not"), "{faults:?}");
    }

    #[test]
    fn the_exercises_own_tests_and_no_others_are_left_out() {
        let course = Course::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../..").as_ref());
        let course = course.expect("the course of this checkout");
        let [grader, with_torch] = Suite::all(&course);
        let named = |suite: &Suite, option: &str| -> BTreeSet<_> {
            let names = suite.arguments.iter();
            let names = names.filter_map(|argument| argument.strip_prefix(option));
            names.map(str::to_owned).collect()
        };
        let exercises = course.exercises.iter().map(|it| it.name.clone());
        let with_torch = named(&with_torch, "--package=");
        assert!(with_torch.is_superset(&WITH_TORCH.map(str::to_owned).into()));
        assert_eq!(
            named(&grader, "--exclude="),
            with_torch.into_iter().chain(exercises).collect()
        );
    }
}
