//! Messages of tests that failed under a class's seed, as pages may show them. Whoever could read drawn values there
//! would know what the next attempt is asked; so a page says what kind of failure it was and how large the inputs were,
//! in the judge's own words. No word and no number that a submission could have chosen is passed on: it may hold what
//! it was asked.

use crate::course::Kind;
use wire::words::{INTERRUPTED_MARK, NOT_TO_ITS_END, PLACE};

/// The beginning of a property test's last line, which names the sizes of the smallest failing input; and the words before the
/// sizes in a drawn test's last line.
const INPUT: &str = "with ";
const CASES: &str = " drawn cases, first with ";

/// The message of a failed test without anything of the submission.
pub(super) fn discreet(test: Kind, message: &str) -> String {
    let mut lines = vec![failure(message).to_owned()];
    lines.extend(sizes(test, message).map(|sizes| format!("with {sizes}")));
    lines.push("`cargo grader check` shows the same kind of case with its values".to_owned());
    lines.join("\n")
}

/// The kind of failure.
fn failure(message: &str) -> &'static str {
    let without_place = match message.strip_prefix(PLACE) {
        Some(rest) => rest.split_once('\n').map_or("", |(_, said)| said),
        None => message,
    };
    if message.starts_with(NOT_TO_ITS_END) {
        "not run to its end: the exercise's time was over"
    } else if without_place.starts_with("not yet implemented") {
        "not yet implemented"
    } else if message.starts_with(PLACE) {
        "the function panicked"
    } else if message.contains(INTERRUPTED_MARK) && message.contains("no answer within") {
        "the function took too long"
    } else if message.contains(INTERRUPTED_MARK) {
        "the function ended its process, or its answer was invalid"
    } else {
        "the results are not the expected ones"
    }
}

/// The sizes of the case that failed, as the judge drew them. In these two kinds of test the last line is the judge's,
/// whatever a panic says before it.
fn sizes(test: Kind, message: &str) -> Option<&str> {
    let line = message.lines().last()?.trim();
    let sizes = match test {
        Kind::Drawn => line.split_once(CASES)?.1,
        Kind::Property => line.strip_prefix(INPUT)?,
        _ => return None,
    };
    let is_plain = |c: char| c.is_alphanumeric() || " =,.×[]_-{}:()".contains(c);
    (sizes.len() <= MOST && sizes.chars().all(is_plain)).then_some(sizes)
}

/// Bytes of the sizes of a case at most.
const MOST: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    fn first(message: &str) -> String {
        let text = discreet(Kind::Shape, message);
        text.lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn the_kind_of_failure_is_told_and_no_value() {
        for (message, kind) in [
            (
                "y\n  worst at [0]: expected 0.5, got 0.25",
                "the results are not the expected ones",
            ),
            (
                "in the submission, at src/lib.rs:7:1\n0.5 0.25",
                "the function panicked",
            ),
            (
                "in the submission, at src/lib.rs:7:1\nnot yet implemented: cut",
                "not yet implemented",
            ),
            ("not yet implemented: cut", "not yet implemented"),
            (
                "cut: it ended the process with exit code 7\n(the rest of this test was not run)",
                "the function ended its process, or its answer was invalid",
            ),
        ] {
            assert_eq!(first(message), kind);
            let text = discreet(Kind::Shape, message);
            assert!(!text.contains("0.25") && !text.contains('7'), "{text}");
        }
    }

    #[test]
    fn the_sizes_of_a_drawn_case_are_told() {
        let text = discreet(
            Kind::Drawn,
            "y\n  off 3\n\n  in 3 of 8 drawn cases, first with side = 4, grid = 3",
        );
        assert!(text.contains("\nwith side = 4, grid = 3\n"), "{text}");
        let text = discreet(Kind::Property, "y\n  off 3\nwith a grid of 3 × 3 to 4 × 4");
        assert!(text.contains("\nwith a grid of 3 × 3 to 4 × 4\n"), "{text}");
    }

    #[test]
    fn a_panic_that_speaks_as_the_judge_does_is_not_believed() {
        let text = discreet(
            Kind::Shape,
            "in the submission, at src/lib.rs:1:1\nwith 1234",
        );
        assert!(!text.contains("1234"), "{text}");
    }
}
