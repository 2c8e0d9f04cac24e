//! The evidence that an operation was implemented: a judge's notes of the operations that each test requested, and of
//! those that agree with the reference on drawn inputs. A test's points count if its operations do.

use crate::course::Exercise;
use crate::grading::verdict::LastCall;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use wire::words::NEW;

/// Bytes of one test's notes at most. A test asks for a few operations.
const MOST: u64 = 64 << 10;

/// The judge's notes on all tests of an exercise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The operations that each test requested.
    pub asked: BTreeMap<String, BTreeSet<String>>,
    /// Of each operation, the drawn cases that agree with the reference, and all.
    pub cases: BTreeMap<String, (usize, usize)>,
    /// The tests of stored values, and their operations that answer wrongly on other values of the same sizes.
    pub failed_twins: BTreeMap<String, BTreeSet<String>>,
    /// The sizes of the first drawn case of a test that failed.
    pub sizes: BTreeMap<String, String>,
    /// The operation that each test requested last.
    pub last: BTreeMap<String, LastCall>,
}

impl Evidence {
    /// Reads the notes of these tests, a file for each test that requested an operation.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read or a line is not a judge's.
    pub fn read<'a>(folder: &Path, tests: impl Iterator<Item = &'a str>) -> Result<Self> {
        let mut evidence = Self::default();
        for test in tests {
            let path = folder.join(test);
            if !path.exists() {
                continue;
            }
            let mut text = String::new();
            File::open(&path)
                .and_then(|file| file.take(MOST).read_to_string(&mut text))
                .with_context(|| format!("{} cannot be read", path.display()))?;
            for line in text.lines() {
                if evidence.take(test, line).is_none() {
                    bail!("the judge's note {line:?} on {test} is not one");
                }
            }
        }
        Ok(evidence)
    }

    fn take(&mut self, test: &str, line: &str) -> Option<()> {
        let (word, rest) = line.split_once(' ')?;
        let operations = match word {
            "asked" => &mut self.asked,
            "twin" => &mut self.failed_twins,
            "last" | "fault" => {
                let last = LastCall {
                    operation: rest.to_owned(),
                    is_fault: word == "fault",
                };
                self.last.insert(test.to_owned(), last);
                return Some(());
            }
            "sizes" => {
                self.sizes.insert(test.to_owned(), rest.to_owned());
                return Some(());
            }
            "agreed" => {
                let mut words = rest.split(' ');
                let operation = words.next()?.to_owned();
                let (agreed, of) = (words.next()?.parse().ok()?, words.nth(1)?.parse().ok()?);
                let (all_agreed, all): &mut (usize, usize) =
                    self.cases.entry(operation).or_default();
                *all_agreed = all_agreed.checked_add(agreed)?;
                *all = all.checked_add(of)?;
                return Some(());
            }
            _ => return None,
        };
        let operations = operations.entry(test.to_owned()).or_default();
        operations.insert(rest.to_owned());
        Some(())
    }

    /// Returns whether an operation agrees with the reference on at least half of the drawn cases.
    ///
    /// Half, not all: who has made a mistake that shows in some sizes has implemented the function, and loses the tests
    /// that notice it. Cases are drawn so that nothing cheaper than the function agrees on half of them.
    pub fn is_implemented(&self, operation: &str) -> bool {
        let (agreed, of) = self.cases.get(operation).copied().unwrap_or_default();
        agreed > 0 && 2 * agreed >= of
    }

    /// The operations that a test belongs to: those it requested; constructors only if it requested nothing else.
    pub fn belongs_to<'a>(&'a self, exercise: &'a Exercise, test: &str) -> Vec<&'a str> {
        let asked = self.asked.get(test).into_iter().flatten();
        let asked: Vec<_> = asked
            .map(String::as_str)
            .filter(|operation| {
                !exercise
                    .facts
                    .constants
                    .iter()
                    .any(|constant| constant == operation)
            })
            .collect();
        let functions = asked
            .iter()
            .copied()
            .filter(|operation| !operation.ends_with(NEW));
        let functions: Vec<_> = functions.collect();
        if functions.is_empty() {
            asked
        } else {
            functions
        }
    }

    /// The reason why a test that passed does not count, if it does not.
    pub fn not_counted(&self, exercise: &Exercise, test: &str) -> Option<String> {
        if !exercise.has_drawn_tests() {
            return None;
        }
        let operations = self.belongs_to(exercise, test);
        if let Some(missing) = operations.into_iter().find(|it| !self.is_implemented(it)) {
            return Some(format!(
                "right, not yet counted: {missing} agrees with the reference on less than half of the drawn inputs"
            ));
        }
        let twin = self.failed_twins.get(test)?.first()?;
        Some(format!(
            "right for the stored values, not counted: {twin} gives other results than the reference on other values of the same sizes"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::Course;
    use crate::course::Kind;
    use std::fs;

    fn exercise() -> Exercise {
        let course = Course::open(concat!(env!("CARGO_MANIFEST_DIR"), "/..").as_ref());
        let mut exercise = course.expect("the course").exercises.remove(0);
        exercise.facts.tests.entry(Kind::Drawn).or_default();
        exercise.facts.constants = vec!["config".to_owned()];
        exercise
    }

    fn evidence(notes: &[(&str, &str)]) -> Result<Evidence> {
        let folder = tempfile::tempdir()?;
        for (test, text) in notes {
            fs::write(folder.path().join(test), text)?;
        }
        Evidence::read(folder.path(), notes.iter().map(|(test, _)| *test))
    }

    #[test]
    fn a_test_counts_where_its_operations_agree_on_half_of_the_drawn_cases() -> Result<()> {
        let evidence = evidence(&[
            ("drawn::a", "asked f\nagreed f 4 of 8\n"),
            ("drawn::b", "asked g\nagreed g 3 of 8\n"),
            ("shape::f", "asked f\nasked m.new\nasked config\n"),
            ("shape::g", "asked g\nasked f\n"),
            ("shape::h", "asked h\n"),
            ("shape::new", "asked m.new\n"),
        ])?;
        let why = |test: &str| evidence.not_counted(&exercise(), test);
        assert_eq!(why("shape::f"), None);
        assert_eq!(why("shape::nothing_asked"), None);
        for (test, missing) in [
            ("shape::g", "g"),
            ("shape::h", "h"),
            ("shape::new", "m.new"),
        ] {
            let why = why(test).unwrap_or_default();
            assert!(why.contains(&format!(": {missing} agrees")), "{why}");
        }
        Ok(())
    }

    #[test]
    fn a_stored_case_counts_only_with_its_twin() -> Result<()> {
        let evidence = evidence(&[
            ("drawn::a", "asked f\nagreed f 8 of 8\n"),
            ("snapshot::f", "asked f\ntwin f\n"),
        ])?;
        let why = evidence.not_counted(&exercise(), "snapshot::f");
        assert!(why.is_some_and(|why| why.contains("other values of the same sizes")));
        Ok(())
    }

    #[test]
    fn the_last_call_of_a_test_and_the_sizes_of_a_failed_case_are_known() -> Result<()> {
        let evidence = evidence(&[
            ("shape::a", "asked f\nasked g\nlast f\n"),
            ("shape::b", "asked g\nfault g\n"),
            ("drawn::g", "asked g\nsizes side = 4, grid = 3\n"),
        ])?;
        assert_eq!(evidence.sizes["drawn::g"], "side = 4, grid = 3");
        let last = |test: &str| {
            let last = &evidence.last[test];
            (last.operation.as_str(), last.is_fault)
        };
        assert_eq!(last("shape::a"), ("f", false));
        assert_eq!(last("shape::b"), ("g", true));
        Ok(())
    }

    #[test]
    fn notes_that_no_judge_writes_are_an_error() {
        for text in ["asked\n", "agreed f 3\n", "agreed f x of 2\n", "paid f\n"] {
            assert!(evidence(&[("shape::f", text)]).is_err(), "{text:?}");
        }
    }
}
