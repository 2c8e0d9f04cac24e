//! The few styles of output, as cargo has them.

use anstyle::{AnsiColor, Style};
use std::fmt::Display;

const BAD: Style = AnsiColor::Red.on_default().bold();

const GOOD: Style = AnsiColor::Green.on_default().bold();

/// A text in a style.
pub(super) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// The mark of what is right, ✓ in green, or wrong, ✗ in red.
pub fn mark(is_good: bool) -> String {
    if is_good {
        styled(GOOD, '✓')
    } else {
        styled(BAD, '✗')
    }
}

/// A line of a unified diff: what goes in red, what comes in green.
pub fn change(line: &str) -> String {
    let style = match line.as_bytes().first() {
        Some(b'-') => AnsiColor::Red.on_default(),
        Some(b'+') => AnsiColor::Green.on_default(),
        Some(b'@') => AnsiColor::Cyan.on_default(),
        _ => return line.to_owned(),
    };
    styled(style, line)
}
