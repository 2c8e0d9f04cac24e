//! Text that a stranger wrote, made fit to be shown.

use std::fmt::{self, Write};

/// Escapes what acts on a terminal or cannot be seen, line breaks included.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
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
