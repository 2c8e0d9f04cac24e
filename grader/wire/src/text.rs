//! Text that a stranger wrote, made fit to be shown.

use std::fmt::{self, Write};

/// Escapes what acts on a terminal or cannot be seen, line breaks included; and the beginning of what would command the
/// service that runs a build (`::error::`, `##[error]`), where this is shown in its log.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let first = text.len() - text.trim_start().len();
    let commands = begins_as_command(&text[first..]);
    for (i, c) in text.char_indices() {
        if is_hidden(c) || (commands && i == first) || (c == '#' && is_mark(&text[i..])) {
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

/// Whether a line holds a command to the service that runs a build: GitHub's `::name …::` at its beginning, or `##[name]`,
/// Azure's `##vso[…]` or TeamCity's `##teamcity[…]` anywhere. See "Workflow commands for GitHub Actions", and the runner's
/// source, which looks for the mark in the whole line.
pub fn is_command(line: &str) -> bool {
    let mut marks = line.match_indices('#');
    begins_as_command(line.trim_start()) || marks.any(|(i, _)| is_mark(&line[i..]))
}

fn begins_as_command(line: &str) -> bool {
    let named = line.strip_prefix("::");
    named.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// Whether `##[`, `##vso[` and the like begin here.
fn is_mark(text: &str) -> bool {
    text.strip_prefix("##").is_some_and(|rest| {
        let name = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        name.starts_with('[')
    })
}

/// Returns whether a character acts on a terminal, cannot be seen, or looks like another one: control characters, line
/// separators, every blank but the usual one, Unicode's format characters (category Cf), which include those that turn the
/// direction of a line, all code points that are ignorable by default (`Default_Ignorable_Code_Point` of
/// DerivedCoreProperties.txt, unassigned ones too), the letters and signs that have no ink, and code points that never are
/// characters or are nobody's but one font's. What differs in these alone would look the same.
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || u32::from(c) & 0xfffe == 0xfffe
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffc}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1345f}'
            | '\u{16fe4}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
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
        assert_eq!(printable("ada\u{3164}\u{fe0f}"), "ada\\u{3164}\\u{fe0f}");
    }

    #[test]
    fn no_line_commands_a_build() {
        assert_eq!(
            printable_lines("a ::b\n  ::error::c\n##[error]d\n  ::: e"),
            "a ::b\n  \\u{3a}:error::c\n\\u{23}#[error]d\n  ::: e"
        );
        assert_eq!(
            printable("x ##[a]1 ##vso[b]2 ###teamcity[c] ## d [e] #[f]"),
            "x \\u{23}#[a]1 \\u{23}#vso[b]2 #\\u{23}#teamcity[c] ## d [e] #[f]"
        );
        for line in ["x ##[a]", " ::b::", "###vso[c]"] {
            assert!(is_command(line) && !is_command(&printable(line)), "{line}");
        }
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
    fn what_cannot_be_seen_or_told_from_a_blank_is_escaped() {
        let alike = [
            "ada\u{fff0}",
            "ada\u{fff8}",
            "ada\u{1d159}",
            "ad\u{34f}a",
            "ada\u{180e}",
            "ada\u{e01ef}",
            "ada\u{a0}b",
            "ada\u{2007}b",
            "ada\u{202f}b",
            "ada\u{3000}b",
            "ada\u{2065}",
            "ada\u{16fe4}",
            "ada\u{f8ff}",
            "ada\u{1ffff}",
            "ada\u{e0fff}",
            "ada\u{fffc}",
        ];
        for name in alike {
            assert!(printable(name).is_ascii(), "{}", printable(name));
        }
        assert_eq!(printable("ada b"), "ada b");
    }

    #[test]
    fn letters_of_every_language_stay() {
        assert_eq!(printable("Zoë 李 − ← é"), "Zoë 李 − ← é");
    }
}
