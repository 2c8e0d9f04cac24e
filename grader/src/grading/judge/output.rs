//! The output of a judge: the verdict on each test, and the words of those that failed.

use crate::grading::verdict::OF_LIBTORCH;
use std::collections::BTreeMap;
use wire::words::{INTERRUPTED_MARK, PLACE};

/// The beginning of the panic in which tch ends at an error of libtorch.
const UNWRAPPED: &str = "called `Result::unwrap()` on an `Err` value: Torch(\"";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
}

/// The output of the test harness, parsed. The judge has made all text of a submission in it harmless: none of its
/// lines begins like one of the harness.
#[derive(Debug)]
pub(super) struct Report<'a> {
    /// The verdicts by test.
    pub(super) verdicts: BTreeMap<&'a str, Verdict>,
    messages: BTreeMap<&'a str, String>,
}

impl<'a> Report<'a> {
    /// Reads it. Output that was cut off gives the verdicts until then.
    pub(super) fn read(output: &'a str) -> Self {
        // Verdicts come first, then a section for each failure, then the failures' names.
        let (verdicts, failures) = output.split_once("\nfailures:\n").unwrap_or((output, ""));
        let verdicts = verdicts.lines().filter_map(|line| {
            let (name, verdict) = line.strip_prefix("test ")?.split_once(" ... ")?;
            match verdict {
                "ok" => Some((name, Verdict::Passed)),
                "FAILED" => Some((name, Verdict::Failed)),
                _ => None,
            }
        });
        let verdicts = verdicts.collect();
        let sections = failures.split("\nfailures:\n").next().unwrap_or_default();
        let mut messages = BTreeMap::new();
        let mut current: Option<(&str, Vec<&str>)> = None;
        for line in sections.lines() {
            let header = line
                .strip_prefix("---- ")
                .and_then(|rest| rest.strip_suffix(" stdout ----"));
            if let Some(name) = header {
                if let Some((name, lines)) = current.replace((name, vec![])) {
                    messages.insert(name, what_was_said(&lines));
                }
            } else if let Some((_, lines)) = &mut current {
                lines.push(line);
            }
        }
        if let Some((name, lines)) = current {
            messages.insert(name, what_was_said(&lines));
        }
        Self { verdicts, messages }
    }

    /// The words of a failed test, if it said any.
    pub(super) fn message(&self, test: &str) -> Option<String> {
        let message = self.messages.get(test)?;
        Some(message.clone()).filter(|message| !message.is_empty())
    }
}

/// The lines that the test itself wrote, without the frames that the harness and proptest put around a message.
fn what_was_said(lines: &[&str]) -> String {
    let is_frame = |line: &&str| {
        (line.starts_with("thread '") && line.contains("panicked at"))
            || line.starts_with("note: run with `RUST_BACKTRACE")
            || ["\tsuccesses: ", "\tlocal rejects: ", "\tglobal rejects: "]
                .iter()
                .any(|start| line.starts_with(start))
    };
    let is_place = |line: &&str| line.starts_with(PLACE);
    let said = lines
        .iter()
        .filter(|line| !is_frame(line) && !is_place(line));
    let said: Vec<_> = said.map(|line| in_words_of_libtorch(line)).collect();
    let said = said.join("\n");
    let said = said.trim().trim_start_matches("Test failed: ");
    // A property test calls again and again while it looks for the smallest failure, and a test may catch a panic: a
    // place counts where the message that stands beside it is the one that the test ends with.
    let place = lines.iter().rev().find_map(|line| {
        let (place, message) = line.strip_prefix(PLACE)?.split_once(": ")?;
        said.starts_with(&in_words_of_libtorch(message))
            .then_some(place)
    });
    let said = match place {
        Some(place) => format!("{PLACE}{place}\n{said}"),
        None => said.to_owned(),
    };
    match said.split_once(INTERRUPTED_MARK) {
        // The smallest failing input follows, and after an interruption every input fails.
        Some((reason, _)) => format!("{reason}{INTERRUPTED_MARK}"),
        None => said.replace(".\nminimal failing input: ", "\nwith "),
    }
}

/// A line in which tch panics with an error of libtorch, with the error's own words alone: `unwrap` writes it as a literal,
/// and libtorch appends the C++ stack.
fn in_words_of_libtorch(line: &str) -> String {
    let Some((before, literal)) = line.split_once(UNWRAPPED) else {
        return line.to_owned();
    };
    let words = match literal.split_once("\\nException raised from ") {
        Some((words, _)) => words,
        None => literal
            .rsplit_once("\")")
            .map_or(literal, |(words, _)| words),
    };
    let mut text = format!("{before}{OF_LIBTORCH}");
    let mut characters = words.chars();
    while let Some(c) = characters.next() {
        text.push(match (c, characters.as_str().chars().next()) {
            ('\\', Some('n')) => '\n',
            ('\\', Some(escaped @ ('"' | '\\' | '\''))) => escaped,
            _ => {
                text.push(c);
                continue;
            }
        });
        characters.next();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
running 2 tests
test shape::a ... ok
test shape::b ... FAILED

failures:

---- shape::b stdout ----

thread 'shape::b' (12) panicked at exercises/x.rs:1:2:
patches
  off 3
  | test shape::b ... ok
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace


failures:
    shape::b

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn verdicts_and_messages_are_read() {
        let report = Report::read(OUTPUT);
        let verdicts: Vec<_> = report
            .verdicts
            .iter()
            .map(|(name, verdict)| (*name, *verdict))
            .collect();
        assert_eq!(
            verdicts,
            [("shape::a", Verdict::Passed), ("shape::b", Verdict::Failed)]
        );
        assert_eq!(
            report.message("shape::b").as_deref(),
            Some("patches\n  off 3\n  | test shape::b ... ok")
        );
    }

    #[test]
    fn the_place_of_the_last_panic_comes_first_and_a_stack_of_libtorch_is_left_out() {
        let lines = [
            "in the submission, at exercises/a.rs:1:2: no such axis",
            "in the submission, at exercises/a.rs:3:4: called `Result::unwrap()` on an `Err` value: Torch(\"sizes \\\"a\\\" \
             and b\\ndiffer\\nException raised from x.cpp:1\")",
            "Test failed: called `Result::unwrap()` on an `Err` value: Torch(\"sizes \\\"a\\\" and b\\ndiffer\\nException \
             raised from x.cpp:1\\nframe #0\").",
            "minimal failing input: n = 3",
        ];
        assert_eq!(
            what_was_said(&lines),
            "in the submission, at exercises/a.rs:3:4\nlibtorch: sizes \"a\" and b\ndiffer\nminimal failing input: n = 3"
        );
        let without_stack =
            "called `Result::unwrap()` on an `Err` value: Torch(\"no (\\\\) such\").";
        assert_eq!(
            in_words_of_libtorch(without_stack),
            "libtorch: no (\\) such"
        );
    }

    #[test]
    fn the_place_of_a_panic_that_a_test_went_on_from_is_not_its_place() {
        let lines = [
            "in the submission, at exercises/a.rs:1:2: 7 does not divide 28",
            "values differ",
        ];
        assert_eq!(what_was_said(&lines), "values differ");
    }

    #[test]
    fn a_run_that_was_cut_off_gives_the_verdicts_until_then() {
        let report = Report::read("\nrunning 2 tests\ntest shape::a ... ok\ntest shape::b ... ");
        assert_eq!(report.verdicts.len(), 1);
    }
}
