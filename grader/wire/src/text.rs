//! Text that a stranger wrote, made fit to be shown.

use std::fmt::{self, Write};

/// Escapes what acts on a terminal or cannot be seen, line breaks included; and the beginning of a line that would
/// command the service that runs a build (`::error::`, `##[error]`), where this is shown in its log.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let first = text.len() - text.trim_start().len();
    let commands = is_command(&text[first..]);
    for (i, c) in text.char_indices() {
        if is_hidden(c) || (commands && i == first) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// As [`printable`], with line breaks kept and tabs as four blanks.
pub fn printable_lines(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| printable(&line.replace('\t', "    ")));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a line is a command to GitHub's or Azure's runners: `::name …::` or `##[name]`. See "Workflow commands
/// for GitHub Actions".
pub fn is_command(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("##[")
        || line
            .strip_prefix("::")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// Whether a character acts on a terminal or cannot be seen: control characters, line separators, and Unicode's
/// format characters (category Cf), which include those that turn the direction of a line.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Characters of a fault that are shown, whatever a stranger put into it.
pub(crate) const MOST_SHOWN: usize = 300;

/// A name in quotes, cut short.
pub(crate) fn quoted(name: &str) -> String {
    format!("{:?}", abridged(name, 60))
}

/// The beginning of a text, of at most so many characters. No more of it is ever written out.
pub(crate) fn abridged(text: impl fmt::Display, most: usize) -> String {
    struct Beginning {
        text: String,
        left: usize,
    }
    impl fmt::Write for Beginning {
        fn write_str(&mut self, more: &str) -> fmt::Result {
            let mut more = more.chars();
            for c in more.by_ref().take(self.left) {
                self.text.push(c);
                self.left -= 1;
            }
            if more.next().is_none() {
                Ok(())
            } else {
                self.text.push('…');
                Err(fmt::Error)
            }
        }
    }
    let mut beginning = Beginning {
        text: String::new(),
        left: most,
    };
    // An error means that there is more, and stops the writing.
    let _ = write!(beginning, "{text}");
    beginning.text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_turned_text_are_shown_not_obeyed() {
        assert_eq!(
            printable("a\u{1b}[2Jb\u{202e}\n"),
            "a\\u{1b}[2Jb\\u{202e}\\u{a}"
        );
    }

    #[test]
    fn no_line_commands_a_build() {
        assert_eq!(
            printable_lines("a ::b\n  ::error::c\n##[error]d\n  ::: e"),
            "a ::b\n  \\u{3a}:error::c\n\\u{23}#[error]d\n  ::: e"
        );
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(printable_lines("a\r\n\tb\u{7}"), "a\n    b\\u{7}");
    }

    #[test]
    fn a_long_text_is_cut_short() {
        assert_eq!(abridged("añb", 3), "añb");
        let [a, b, c] = ["añ", "bc", "d"];
        assert_eq!(abridged(format_args!("{a}{b}{c}"), 3), "añb…");
        assert_eq!(
            quoted(&"\"".repeat(100)),
            format!("\"{}…\"", "\\\"".repeat(60))
        );
    }

    #[test]
    fn letters_of_every_language_stay() {
        assert_eq!(printable("Zoë 李 − ← é"), "Zoë 李 − ← é");
    }
}
