//! Messages of tests that failed under a class's seed, as pages may show them. Whoever could read drawn values there
//! would know what the next attempt is asked; so a page says what kind of failure it was and how large the inputs were,
//! in the judge's own words. No word and no number that a submission could have chosen is passed on: it may hold what
//! it was asked.

use wire::words::{INTERRUPTED_MARK, NOT_TO_ITS_END, PLACE};

/// The message of a failed test without anything of the submission: `message` decides which sentence is told, and nothing
/// else. `sizes` are those of the failed case, as the judge noted them.
pub(super) fn discreet(message: &str, sizes: Option<&str>) -> String {
    let mut lines = vec![failure(message).to_owned()];
    lines.extend(sizes.map(|sizes| format!("with {sizes}")));
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

#[cfg(test)]
mod tests {
    use super::*;

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
            let text = discreet(message, None);
            assert_eq!(text.lines().next(), Some(kind));
            assert!(!text.contains("0.25") && !text.contains('7'), "{text}");
        }
    }

    #[test]
    fn sizes_are_the_ones_that_the_judge_noted() {
        let message = "y\n  off 3\n\n  in 3 of 8 drawn cases, first with side = 4, grid = 3";
        let text = discreet(message, Some("side = 5, grid = 2"));
        assert!(text.contains("\nwith side = 5, grid = 2\n"), "{text}");
    }

    #[test]
    fn a_panic_that_speaks_as_the_judge_does_is_not_believed() {
        for message in [
            "in the submission, at src/lib.rs:1:1\nwith 1234",
            "with 1234",
            "not yet implemented: in 3 of 8 drawn cases, first with 1234",
            "y\n  off 1\nminimal failing input: 1234\nwith 1234",
            "f: it ended the process with exit code 1; the last it printed:\n  | 1234\n(the rest of this test was not run)",
        ] {
            let text = discreet(message, None);
            assert!(!text.contains("1234"), "{text}");
        }
    }
}
