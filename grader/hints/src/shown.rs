//! Errors, as cargo shows them.

use crate::hints;
use anstyle::{AnsiColor, Style};
use wire::printable_lines;

/// The style of what failed.
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// The style of what to do.
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// An error as a person reads it: what went wrong, the causes, and what to do about it. Control characters are escaped.
///
/// ```text
/// error: class/anna.zip cannot be read
///
/// Caused by:
///   permission denied
///
/// hint: check its permissions
/// ```
pub fn error(error: &anyhow::Error) -> String {
    let mut text = format!("{ERROR}error:{ERROR:#} {}\n", block(&error.to_string(), ""));
    let causes = causes(error);
    if !causes.is_empty() {
        text.push_str(&format!("\n{ERROR}Caused by:{ERROR:#}\n"));
    }
    for (number, cause) in causes.iter().enumerate() {
        let number = match causes.len() {
            1 => String::new(),
            _ => format!("{number}: "),
        };
        let indent = " ".repeat(2 + number.len());
        text.push_str(&format!("  {number}{}\n", block(cause, &indent)));
    }
    for (number, hint) in hints(error).into_iter().enumerate() {
        let before = if number == 0 { "\n" } else { "" };
        let hint = block(hint, "      ");
        text.push_str(&format!("{before}{HINT}hint:{HINT:#} {hint}\n"));
    }
    text
}

/// The causes of an error, without those that the message before already ends with.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut before = error.to_string();
    let mut causes = vec![];
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !before.ends_with(&cause) {
            causes.push(cause.clone());
        }
        before = cause;
    }
    causes
}

/// Text of one or more lines, of which all but the first are indented.
fn block(text: &str, indent: &str) -> String {
    printable_lines(text).replace('\n', &format!("\n{indent}"))
}

#[cfg(test)]
mod tests {
    use crate::WithHint;
    use anyhow::{Context, anyhow};

    fn shown(error: &anyhow::Error) -> String {
        anstream::adapter::strip_str(&super::error(error)).to_string()
    }

    #[test]
    fn a_single_cause_has_no_number_and_several_have() {
        let error = anyhow!("c").context("b");
        assert_eq!(shown(&error), "error: b\n\nCaused by:\n  c\n");
        let error = error.context("a");
        assert_eq!(shown(&error), "error: a\n\nCaused by:\n  0: b\n  1: c\n");
        assert_eq!(shown(&anyhow!("alone")), "error: alone\n");
    }

    #[test]
    fn hints_come_last() {
        let error: anyhow::Result<()> = Err(anyhow!("b"));
        let error = error.hint("do this").hint("or\nthat").context("a");
        let error = error.expect_err("an error");
        let expected = "error: a\n\nCaused by:\n  b\n\nhint: do this\nhint: or\n      that\n";
        assert_eq!(shown(&error), expected);
    }

    #[test]
    fn lines_are_indented_and_control_characters_escaped() {
        let error = anyhow!("one\n\u{1b}[2Jtwo").context("a\u{7}");
        let expected = "error: a\\u{7}\n\nCaused by:\n  one\n  \\u{1b}[2Jtwo\n";
        assert_eq!(shown(&error), expected);
    }

    #[test]
    fn what_a_message_ends_with_is_not_said_again() {
        let error = anyhow!("no room").context("cannot write: no room");
        assert_eq!(shown(&error), "error: cannot write: no room\n");
    }

    #[test]
    fn its_words_are_in_color() {
        let error: anyhow::Result<()> = Err(anyhow!("b")).context("a").hint("c");
        let text = super::error(&error.expect_err("an error"));
        for word in ["error:", "Caused by:", "hint:"] {
            assert!(text.contains(&format!("m{word}\u{1b}[0m")), "{text:?}");
        }
    }
}
