//! Text that a submission wrote, made harmless to whoever reads the judge's output.

use wire::printable;

/// Escapes what acts on a terminal, marks each line after the first with a bar, and keeps the first one from looking
/// like a line of the test harness.
pub(crate) fn harmless(text: &str) -> String {
    let mut lines = text.lines().map(printable);
    let first = lines.next().unwrap_or_default();
    let looks_official = ["test ", "thread ", "failures", "note: ", "----", "running "]
        .iter()
        .any(|start| first.starts_with(start));
    let mut harmless = if looks_official {
        format!(" {first}")
    } else {
        first
    };
    for line in lines {
        harmless.push('\n');
        harmless.push_str(BAR);
        harmless.push_str(&line);
    }
    harmless
}

/// The mark of a line that a submission wrote.
const BAR: &str = "  | ";

/// As [`harmless`], with a bar before the first line, too.
pub(crate) fn barred(text: &str) -> String {
    let lines = text.lines().map(|line| format!("{BAR}{}", printable(line)));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_do_not_reach_a_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\u{202e}"), "a\\u{1b}[2Jb\\u{202e}");
    }

    #[test]
    fn no_line_looks_like_one_of_the_harness() {
        let forged = "test result: ok\n---- shape::x stdout ----\r\ntest shape::x ... ok";
        for line in harmless(forged).lines() {
            assert!(line.starts_with(' '), "{line:?}");
        }
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(harmless("7 does not divide 28"), "7 does not divide 28");
    }
}
