//! Failed tests, as a learner reads them: those with the same panic or the same stub together.

use super::{indented, wrapped};
use crate::course::{Exercise, Kind};
use crate::grading::lesson::Lessons;
use crate::grading::verdict::Tested;
use crate::terminal::style::mark;
use std::fmt::Write;
use wire::printable_lines;
use wire::words::PLACE;

/// The beginning of the message of a stub.
const STUB: &str = "not yet implemented";

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
    /// Whether the tests met a stub.
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
        let message = tested.message.as_deref().unwrap_or_default();
        let (place, words) = match message.strip_prefix(PLACE) {
            Some(rest) => {
                let (place, words) = rest.split_once('\n').unwrap_or((rest, ""));
                (Some(place.to_owned()), words)
            }
            None => (None, message),
        };
        Self {
            tests: vec![TestName::of(tested)],
            place,
            message: once(words.trim()),
            is_stub: words.trim_start().starts_with(STUB),
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
