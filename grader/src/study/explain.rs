//! The explanation of a graded exercise, for `check` and `watch`: first what matters. Texts are returned, with styles in them;
//! whoever prints them removes those where nobody sees them.

mod end;
mod failure;
mod json;

pub use failure::{Failure, TestName};
pub use json::ExerciseJson;

use crate::course::{Course, Exercise};
use crate::grading::lesson::Lessons;
use crate::grading::verdict::{ExerciseGrade, Outcome, Tested};
use std::collections::BTreeMap;
use wire::printable_lines;

/// The width of lines where no terminal says otherwise.
pub const WIDTH: usize = 100;

/// The explanation of a graded exercise.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The folder and the title of the exercise, in a line.
    pub title: String,
    /// The reason why its tests did not run, if they did not.
    pub refusal: Option<String>,
    /// The misconceptions that were recognised, and cases in which correct code panics.
    pub diagnosis: Vec<String>,
    /// The failures, the most telling first.
    pub failures: Vec<Failure>,
    /// The tests that pass and do not count yet, by reason.
    pub not_counted: Vec<String>,
    /// Tests and points by kind of test, a line each, and of all.
    pub tally: Vec<String>,
    /// With full marks: what was achieved, and where the answers to the handout's questions are.
    pub achievement: Option<String>,
    exercise: Exercise,
    lessons: Lessons,
    width: usize,
}

impl Explanation {
    /// Explains a graded exercise, in lines of at most `width` columns where they can be wrapped.
    pub fn of(course: &Course, exercise: &Exercise, graded: &ExerciseGrade, width: usize) -> Self {
        let mut explanation = Self {
            title: format!("{} · {}", exercise.folder, exercise.facts.title),
            refusal: refusal(exercise, &graded.outcome),
            diagnosis: vec![],
            failures: Failure::all(&graded.tests),
            not_counted: not_counted(&graded.tests),
            tally: vec![],
            achievement: end::achievement(course, exercise, graded, width),
            exercise: exercise.clone(),
            lessons: Lessons::of(course, exercise),
            width,
        };
        if explanation.refusal.is_some() {
            return explanation;
        }
        for misconception in &graded.misconceptions {
            let (place, title) = (misconception.place(), &misconception.title);
            let says = wrapped(&misconception.says, width);
            let text = format!("what happened{place}: {title}\n{says}\n");
            explanation.diagnosis.push(text);
        }
        for line in &graded.look_at {
            let text = wrapped(&format!("look at: {line}"), width);
            explanation.diagnosis.push(format!("{text}\n"));
        }
        explanation.tally = end::tally(graded);
        explanation
    }

    /// A failure in full.
    pub fn full(&self, failure: &Failure) -> String {
        failure.full(&self.exercise, &self.lessons, self.width)
    }

    /// The diagnosis, the first failure in full and the others in a line each, or all in full; what passed; and what helps, or
    /// what was achieved.
    pub fn text(&self, all: bool) -> String {
        let mut parts = vec![];
        parts.extend(self.refusal.clone());
        parts.extend(self.diagnosis.iter().cloned());
        let in_full = if all { self.failures.len() } else { 1 };
        let (full, short) = self.failures.split_at(in_full.min(self.failures.len()));
        parts.extend(full.iter().map(|failure| self.full(failure)));
        if !short.is_empty() {
            let lines: Vec<_> = short.iter().map(|it| it.line(self.width) + "\n").collect();
            parts.push(lines.concat());
        }
        parts.extend(self.not_counted.iter().cloned());
        if !self.tally.is_empty() {
            parts.push(self.tally.iter().map(|line| format!("{line}\n")).collect());
        }
        match &self.achievement {
            Some(achievement) => parts.push(achievement.clone()),
            None if self.refusal.is_some() => {}
            None => parts.push(end::help(&self.exercise, &self.failures, all)),
        }
        format!("{}\n\n{}", self.title, parts.join("\n"))
    }
}

/// The reason why the tests did not run.
fn refusal(exercise: &Exercise, outcome: &Outcome) -> Option<String> {
    Some(match outcome {
        Outcome::Tested => return None,
        Outcome::Missing => format!("  exercises/{}/src has no lib.rs\n", exercise.folder),
        Outcome::DoesNotCompile(words) => {
            format!(
                "{}\n\n  Your code does not compile yet.\n",
                printable_lines(words)
            )
        }
        Outcome::NotAccepted(why) => {
            format!("  Your code is not accepted: {}\n", printable_lines(why))
        }
        Outcome::NotGraded(reason) => {
            format!(
                "  Your code could not be graded: {}\n",
                printable_lines(reason)
            )
        }
    })
}

/// The tests that pass and do not count yet, by reason.
fn not_counted(tests: &[Tested]) -> Vec<String> {
    let mut waiting = BTreeMap::<&str, usize>::new();
    let reasons = tests
        .iter()
        .filter_map(|tested| tested.not_counted.as_deref());
    for why in reasons {
        *waiting.entry(why).or_default() += 1;
    }
    let waiting = waiting.into_iter().map(|(why, tests)| {
        let tests = match tests {
            1 => "1 test".to_owned(),
            tests => format!("{tests} tests"),
        };
        format!("· {tests} {}\n", printable_lines(why))
    });
    waiting.collect()
}

/// Prose, indented, in lines of at most `width` columns.
fn wrapped(text: &str, width: usize) -> String {
    let options = textwrap::Options::new(width)
        .initial_indent("  ")
        .subsequent_indent("  ");
    textwrap::fill(text, options)
}

/// Lines, indented.
fn indented(text: &str, columns: usize) -> String {
    let indent = " ".repeat(columns);
    let lines: Vec<_> = text.lines().map(|line| format!("{indent}{line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grading::judge::tally;
    use crate::grading::verdict::{MatchedMisconception, Requests};
    use crate::limits::Limits;
    use wire::words::PLACE;

    fn course() -> Course {
        let course = Course::open(concat!(env!("CARGO_MANIFEST_DIR"), "/..").as_ref());
        course.expect("the course")
    }

    /// The first exercise of the course, where each test ends as `message` says.
    fn graded(
        course: &Course,
        message: impl Fn(usize) -> Option<String>,
    ) -> (Exercise, ExerciseGrade) {
        let exercise = course.exercises[0].clone();
        let tests: Vec<_> = exercise.tests().enumerate().collect();
        let tests = tests.into_iter().map(|(i, (kind, test))| Tested {
            test,
            kind,
            passed: message(i).is_none(),
            not_counted: None,
            message: message(i),
            requests: Requests::default(),
        });
        let tests: Vec<_> = tests.collect();
        let kinds = tally(&exercise, &tests);
        let graded = ExerciseGrade {
            exercise: exercise.folder.clone(),
            digest: String::new(),
            limits: Limits::default(),
            outcome: Outcome::Tested,
            points: kinds.values().map(|tally| tally.points).sum(),
            max_points: exercise.max_points(),
            kinds,
            tests,
            misconceptions: vec![],
            look_at: vec![],
            seconds: 1.25,
        };
        (exercise, graded)
    }

    fn shown(course: &Course, (exercise, graded): &(Exercise, ExerciseGrade), all: bool) -> String {
        let text = Explanation::of(course, exercise, graded, WIDTH).text(all);
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn the_diagnosis_comes_first_then_one_failure_in_full_and_a_line_for_each_other() {
        let course = course();
        let mut graded = graded(&course, |i| Some(format!("values differ\n  case {i}")));
        graded.1.misconceptions.push(MatchedMisconception {
            id: "x".to_owned(),
            title: "A title".to_owned(),
            says: "What it is.".to_owned(),
            operations: vec!["f".to_owned()],
        });
        let text = shown(&course, &graded, false);
        let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
        assert!(
            place("what happened in `f`: A title") < place("✗ "),
            "{text}"
        );
        assert!(text.contains("    values differ\n      case 0\n"), "{text}");
        assert!(!text.contains("case 1\n"), "{text}");
        let tests = graded.1.tests.len();
        assert!(text.lines().count() < tests + 40, "{text}");
        // Each test's name stands alone, as cargo takes it.
        for tested in &graded.1.tests {
            let TestName { name, kind } = TestName::of(tested);
            assert!(text.contains(&format!("✗ {name} ({kind})")), "{text}");
        }
        let first = TestName::of(&graded.1.tests[0]);
        let exercise = &graded.0;
        let command = format!(
            "cargo test -p {} --test {} -- {}",
            exercise.name, first.kind, first.name
        );
        assert!(text.contains(&command), "{text}");
        assert!(text.contains(&format!("0 of {tests} passed")), "{text}");
        assert!(text.contains("1.2 s") || text.contains("1.3 s"), "{text}");
        assert!(text.contains(&format!("cargo grader check {} --all", exercise.name)));
        let all = shown(&course, &graded, true);
        for i in 0..tests {
            assert!(all.contains(&format!("      case {i}\n")), "{i}: {all}");
        }
    }

    #[test]
    fn a_panic_of_many_tests_is_shown_once_and_in_your_code() {
        let course = course();
        let message = format!("{PLACE}exercises/x/src/lib.rs:3:9\nno such axis");
        let graded = graded(&course, |_| Some(message.clone()));
        let text = shown(&course, &graded, false);
        assert_eq!(text.matches("no such axis").count(), 1, "{text}");
        assert!(
            text.contains("in your code, at exercises/x/src/lib.rs:3:9"),
            "{text}"
        );
        assert!(!text.contains("submission"), "{text}");
        let others = graded.1.tests.len() - 1;
        assert!(
            text.contains(&format!("{others} more tests fail in the same way")),
            "{text}"
        );
    }

    #[test]
    fn full_marks_say_what_was_achieved_and_where_the_answers_are() {
        let course = course();
        let graded = graded(&course, |_| None);
        let text = shown(&course, &graded, false);
        let exercise = &graded.0;
        let unwrapped = text.replace("\n  ", " ").replace('\n', " ");
        let tests = graded.1.tests.len();
        for part in [
            &format!("All {tests} tests pass"),
            &exercise.about,
            &format!("solutions/{}/README.md, \"Answers", exercise.folder),
            &format!("cargo grader diff {}", exercise.name),
        ] {
            assert!(unwrapped.contains(part.as_str()), "{part}: {text}");
        }
        assert!(!text.contains("cargo grader hint"), "{text}");
        let withholding = Course {
            withholds_solutions: true,
            ..course
        };
        let text = shown(&withholding, &graded, false);
        assert!(text.contains("tests pass"), "{text}");
        for part in ["solutions/", "cargo grader diff"] {
            assert!(!text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn what_does_not_compile_is_shown_without_control_characters() {
        let course = course();
        let mut graded = graded(&course, |_| None);
        graded.1.outcome = Outcome::DoesNotCompile("error: \u{1b}[2J".to_owned());
        graded.1.tests.clear();
        let text = shown(&course, &graded, false);
        assert!(text.contains("error: \\u{1b}[2J"), "{text}");
        assert!(text.contains("Your code does not compile yet."), "{text}");
        assert!(!text.contains(" of "), "{text}");
    }
}
