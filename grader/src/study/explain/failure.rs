//! Failed tests, as a learner reads them: those with the same panic or the same stub together.

use super::{indented, wrapped};
use crate::course::{Exercise, Kind};
use crate::grading::lesson::Lessons;
use crate::grading::verdict::{STUB, Tested};
use crate::terminal::style::mark;
use std::fmt::Write;
use wire::printable_lines;
use wire::words::PLACE;

/// The line before the smallest input that fails.
const INPUT: &str = "\nwith ";

/// The most names of further tests that are listed.
const MOST_NAMES: usize = 12;

/// Tests that fail in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The tests, in the course's order. There is at least one.
    pub tests: Vec<TestName>,
    /// The place in the learner's code, `exercises/03-msa/src/lib.rs:41:5`, if it panicked there.
    pub place: Option<String>,
    /// The message of the first test.
    pub message: String,
    /// True if the tests met a stub.
    pub is_stub: bool,
}

/// The name of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestName {
    /// The kind, which is its file and cargo's target.
    pub kind: Kind,
    /// The function: `two_grey_images`.
    pub name: String,
}

impl TestName {
    /// The name of a graded test.
    pub fn of(tested: &Tested) -> Self {
        let prefix = format!("{}::", tested.kind);
        let name = tested.test.strip_prefix(&prefix).unwrap_or(&tested.test);
        Self {
            kind: tested.kind,
            name: name.to_owned(),
        }
    }

    /// The command that runs it alone, with a debugger or `dbg!` if need be.
    pub fn command(&self, exercise: &Exercise) -> String {
        let Self { kind, name } = self;
        format!("cargo test -p {} --test {kind} -- {name}", exercise.name)
    }
}

impl Failure {
    /// The failures of an exercise: wrong results and panics first, then stubs.
    pub fn all(tests: &[Tested]) -> Vec<Self> {
        let mut failures: Vec<(String, Self)> = vec![];
        for tested in tests.iter().filter(|tested| !tested.passed) {
            let failure = Self::of(tested);
            let key = failure.key();
            match failures.iter_mut().find(|(known, _)| *known == key) {
                Some((_, known)) => known.tests.extend(failure.tests),
                None => failures.push((key, failure)),
            }
        }
        let (stubs, wrong): (Vec<_>, Vec<_>) = failures
            .into_iter()
            .map(|(_, it)| it)
            .partition(|it| it.is_stub);
        wrong.into_iter().chain(stubs).collect()
    }

    /// The failure of one test.
    pub(super) fn of(tested: &Tested) -> Self {
        let (place, words) = tested.place_and_message();
        Self {
            tests: vec![TestName::of(tested)],
            place: place.map(str::to_owned),
            message: once(words),
            is_stub: tested.meets_stub(),
        }
    }

    /// A text that failures have in common which are the same: of a panic, its place and its message but for sizes.
    fn key(&self) -> String {
        let Some(place) = &self.place else {
            let message = self.message.split(INPUT).next();
            return message.unwrap_or_default().to_owned();
        };
        let message = self.message.lines().next().unwrap_or_default();
        let mut shape = format!("{place}\n");
        for c in message.chars() {
            match c.is_ascii_digit() {
                true if shape.ends_with('#') => {}
                true => shape.push('#'),
                false => shape.push(c),
            }
        }
        shape
    }

    /// The first test.
    pub fn first(&self) -> &TestName {
        &self.tests[0]
    }

    /// The failure in a line.
    pub fn line(&self, width: usize) -> String {
        let message = self.message.lines().next().unwrap_or_default();
        let place = self.place.as_deref().map(|place| format!("{place}: "));
        let place = place.unwrap_or_default();
        let line = if self.is_stub {
            let task = message.trim_start_matches(STUB).trim_start_matches(": ");
            let waiting = waiting(self.tests.len());
            format!("· {place}{task} ({waiting})")
        } else {
            let TestName { kind, name } = self.first();
            let others = match self.tests.len() - 1 {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            format!("✗ {name} ({kind}){others}: {place}{message}")
        };
        let line = cut(&printable_lines(&line), width);
        match line.strip_prefix('✗') {
            Some(rest) => format!("{}{rest}", mark(false)),
            None => line,
        }
    }

    /// The failure in full: what the test claims, what it said, what to look at, and how to run it alone.
    pub fn full(&self, exercise: &Exercise, lessons: &Lessons, width: usize) -> String {
        if self.is_stub {
            return self.stub(width);
        }
        let first = self.first();
        let TestName { kind, name } = first;
        let lesson = lessons.of_test(&format!("{kind}::{name}"));
        let mut text = format!("{} {name} ({kind})\n", mark(false));
        if let Some(lesson) = lesson {
            text += &format!("{}\n", wrapped(&lesson.claim, width));
        }
        text.push('\n');
        if let Some(place) = &self.place {
            text += &format!("    in your code, at {}\n", printable_lines(place));
        }
        text += &format!("{}\n", indented(&printable_lines(&self.message), 4));
        if let [_, others @ ..] = self.tests.as_slice()
            && !others.is_empty()
        {
            let mut names: Vec<_> = others.iter().map(|it| it.name.as_str()).collect();
            let more = names.len().saturating_sub(MOST_NAMES);
            names.truncate(MOST_NAMES);
            let mut names = names.join(", ");
            if more > 0 {
                let _ = write!(names, " and {more} more");
            }
            let others = match others.len() {
                1 => "1 more test fails".to_owned(),
                others => format!("{others} more tests fail"),
            };
            text += &format!(
                "\n{}\n",
                wrapped(&format!("{others} in the same way: {names}"), width)
            );
        }
        if let Some(advice) = lesson.and_then(|lesson| lesson.advice(&self.shown())) {
            text += &format!("\n{}\n", wrapped(&format!("look at: {advice}"), width));
        }
        text += &format!("\n  alone: {}\n", first.command(exercise));
        text
    }

    /// The message as the judge gave it, by which advice is chosen.
    fn shown(&self) -> String {
        match &self.place {
            Some(place) => format!("{PLACE}{place}\n{}", self.message),
            None => self.message.clone(),
        }
    }

    fn stub(&self, width: usize) -> String {
        let message = self.message.split(INPUT).next().unwrap_or_default();
        let task = textwrap::Options::new(width)
            .initial_indent("· ")
            .subsequent_indent("  ");
        let task = textwrap::fill(&printable_lines(message), task);
        let place = self.place.as_deref().map(|place| format!("{place}; "));
        let place = printable_lines(&place.unwrap_or_default());
        format!("{task}\n  {place}{}\n", waiting(self.tests.len()))
    }
}

/// A message without the paragraphs that repeat the one before: a test that goes on after a failed case says it again.
fn once(message: &str) -> String {
    let mut parts: Vec<_> = message.split("\n\n").collect();
    parts.dedup();
    parts.join("\n\n")
}

fn waiting(tests: usize) -> String {
    match tests {
        1 => "1 test waits for it".to_owned(),
        tests => format!("{tests} tests wait for it"),
    }
}

/// A line, cut to a width.
fn cut(line: &str, width: usize) -> String {
    let line = line.replace('\n', " ");
    if textwrap::core::display_width(&line) <= width {
        return line;
    }
    let mut text = String::new();
    for c in line.chars() {
        if textwrap::core::display_width(&text) + 2 > width {
            break;
        }
        text.push(c);
    }
    format!("{text}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grading::verdict::Requests;

    fn tested(name: &str, message: Option<&str>) -> Tested {
        Tested {
            test: format!("property::{name}"),
            kind: Kind::Property,
            passed: message.is_none(),
            not_counted: None,
            message: message.map(str::to_owned),
            requests: Requests::default(),
        }
    }

    fn panic(line: u32, message: &str) -> String {
        format!("{PLACE}exercises/01-a/src/lib.rs:{line}:5\n{message}")
    }

    fn names(failure: &Failure) -> Vec<&str> {
        failure.tests.iter().map(|it| it.name.as_str()).collect()
    }

    #[test]
    fn the_same_panic_is_one_failure_whatever_its_sizes_and_stubs_come_last() {
        let stub = panic(3, "not yet implemented: cut\nwith n = 3");
        let failures = Failure::all(&[
            tested("a", Some(&stub)),
            tested("b", Some(&panic(7, "6 is not 7\nwith n = 1"))),
            tested("c", Some("values differ")),
            tested("d", Some(&panic(7, "12 is not 7"))),
            tested("e", Some(&panic(8, "6 is not 7"))),
            tested("f", None),
            tested(
                "g",
                Some(&panic(
                    3,
                    "not yet implemented: cut\n\nnot yet implemented: cut",
                )),
            ),
            tested("h", Some("others differ")),
        ]);
        let groups: Vec<_> = failures.iter().map(names).collect();
        let expected: [&[&str]; 5] = [&["b", "d"], &["c"], &["e"], &["h"], &["a", "g"]];
        assert_eq!(groups, expected);
        assert!(failures.last().is_some_and(|last| last.is_stub));
        assert_eq!(failures[4].message, "not yet implemented: cut\nwith n = 3");
    }

    #[test]
    fn a_failure_in_a_line_fits_and_holds_no_control_character() {
        let failure = Failure::of(&tested("a", Some("one\u{1b}[2J two three four\nfive")));
        let shown = |width| anstream::adapter::strip_str(&failure.line(width)).to_string();
        assert_eq!(shown(80), "✗ a (property): one\\u{1b}[2J two three four");
        assert_eq!(shown(24), "✗ a (property): one\\u{1…");
        let failure = Failure::of(&tested("a", Some("漢字漢字漢字漢字漢字")));
        assert!(textwrap::core::display_width(&failure.line(20).replace("\u{1b}", "")) < 40);
        let stub = Failure::of(&tested("a", Some(&panic(3, "not yet implemented: cut"))));
        let line = "· exercises/01-a/src/lib.rs:3:5: cut (1 test waits for it)";
        assert_eq!(stub.line(80), line);
    }
}
