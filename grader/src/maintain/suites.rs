//! The project's own tests: cargo runs them, what it prints is passed on, and what it says of their number is counted.

use crate::course::Course;
use crate::terminal::running;
use crate::worker::workshop::cargo;
use anyhow::{Context, Result};
use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// One run of `cargo test`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suite {
    /// What it tests.
    pub name: &'static str,
    /// The arguments of cargo.
    pub arguments: Vec<String>,
}

/// What came of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed.
    pub failed: usize,
    /// Whether cargo itself was content.
    pub succeeded: bool,
}

impl Suite {
    /// The runs that together are all tests of the project but the exercises' own, which are to fail.
    ///
    /// The grader is tested apart: in one run with the others it would be built with their features, and its program,
    /// which is running, replaced by one that links libtorch.
    pub fn all(course: &Course) -> [Self; 2] {
        let arguments = |words: &[&str]| {
            let words = ["test", "--no-fail-fast"].iter().chain(words);
            words.map(|&word| word.to_owned()).collect::<Vec<_>>()
        };
        let mut workspace = arguments(&["--workspace", "--all-features", "--exclude=grader"]);
        let names = course.exercises.iter().map(|exercise| &exercise.name);
        workspace.extend(names.map(|name| format!("--exclude={name}")));
        [
            Self {
                name: "grader",
                arguments: arguments(&["--package=grader"]),
            },
            Self {
                name: "workspace",
                arguments: workspace,
            },
        ]
    }

    /// Runs it, and passes each line that it prints to `line`.
    ///
    /// # Errors
    /// Where cargo cannot be run.
    pub fn run(&self, course: &Course, line: &mut dyn FnMut(&str)) -> Result<Count> {
        let mut cargo = cargo(&course.root);
        for (name, _) in env::vars_os().filter(|(name, _)| is_switch(name)) {
            cargo.env_remove(name);
        }
        cargo.args(&self.arguments);
        running(&cargo);
        let mut child = cargo
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cargo cannot be started")?;
        let mut count = Count::default();
        if let Some(output) = child.stdout.take() {
            for bytes in BufReader::new(output).split(b'\n') {
                let bytes = bytes.context("cargo's output cannot be read")?;
                let text = String::from_utf8_lossy(&bytes);
                count.take_in(&text);
                line(&text);
            }
        }
        let status = child.wait().context("cargo cannot be waited for")?;
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

    /// What is wrong with it, if anything is. A run without a test is no proof of anything.
    pub fn fault(&self) -> Option<String> {
        match self {
            Self { failed: 1.., .. } => Some(format!("{} tests fail (see above)", self.failed)),
            Self {
                succeeded: false, ..
            } => Some("cargo could not build or run them (it says why above)".to_owned()),
            Self { passed: 0, .. } => Some("no test ran".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let count = count(&[OK, "test x ... ok", EMPTY, FAILED], false);
        assert_eq!((count.passed, count.failed), (15, 2));
        assert_eq!(count.fault().as_deref(), Some("2 tests fail (see above)"));
    }

    #[test]
    fn a_run_of_which_all_tests_pass_has_no_fault() {
        assert_eq!(count(&[OK, EMPTY], true).fault(), None);
    }

    #[test]
    fn a_run_without_a_test_is_a_fault() {
        assert_eq!(
            count(&[EMPTY], true).fault().as_deref(),
            Some("no test ran")
        );
        assert_eq!(count(&[], true).fault().as_deref(), Some("no test ran"));
    }

    #[test]
    fn a_run_that_cargo_could_not_end_is_a_fault_whatever_passed_before() {
        let fault = count(&[OK], false).fault();
        assert!(fault.is_some_and(|fault| fault.starts_with("cargo could not")));
    }

    #[test]
    fn the_exercises_own_tests_and_no_others_are_left_out() {
        let course = Course::open(concat!(env!("CARGO_MANIFEST_DIR"), "/..").as_ref());
        let course = course.expect("the course of this checkout");
        let [grader, workspace] = Suite::all(&course);
        assert_eq!(
            grader.arguments,
            ["test", "--no-fail-fast", "--package=grader"]
        );
        let mut excluded: Vec<_> = workspace
            .arguments
            .iter()
            .filter_map(|argument| argument.strip_prefix("--exclude="))
            .collect();
        excluded.sort_unstable();
        let mut expected: Vec<_> = course.exercises.iter().map(|it| it.name.as_str()).collect();
        expected.push("grader");
        expected.sort_unstable();
        assert_eq!(excluded, expected);
    }
}
