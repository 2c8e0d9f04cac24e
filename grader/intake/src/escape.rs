//! Names from outside, made safe to show and safe as file names.

use std::ffi::OsStr;
use std::fmt::{self, Write as _};

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{UnicodeNormalization, is_nfc};
use wire::{is_hidden, printable};

/// A name or text from outside that is safe to print: bytes that are not UTF-8, control characters,
/// characters that cannot be seen or turn the line around, and what commands a build are escaped, so
/// are the accents of a text that also has a shorter way to write them, which looks the same, and it
/// is cut at 200 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscapedText(String);

impl EscapedText {
    const CHARS: usize = 200;
}

impl From<&[u8]> for EscapedText {
    fn from(bytes: &[u8]) -> Self {
        Self(printable(&abridged(bytes)))
    }
}

/// The beginning of a text, with what is hidden or no text escaped.
fn abridged(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut room = EscapedText::CHARS;
    for chunk in bytes.utf8_chunks() {
        let is_one_of_two = !is_nfc(beginning(chunk.valid()));
        for c in chunk.valid().chars() {
            if room == 0 {
                return text + "…";
            }
            room -= 1;
            match c {
                '\\' => text.push_str("\\\\"),
                c if is_hidden(c) => text.extend(c.escape_default()),
                c if is_one_of_two && is_written_otherwise(c) => text.extend(c.escape_unicode()),
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            if room == 0 {
                return text + "…";
            }
            room -= 1;
            let _ = write!(text, "\\x{byte:02x}"); // a String takes everything
        }
    }
    text
}

/// As much of a text as is shown at most.
fn beginning(text: &str) -> &str {
    let end = text.char_indices().nth(EscapedText::CHARS + 1);
    end.map_or(text, |(end, _)| &text[..end])
}

/// Returns whether a character of a text in no normal form is why it is in none: an accent of its own, or a sign that
/// has another code point.
fn is_written_otherwise(c: char) -> bool {
    is_combining_mark(c) || !is_nfc(c.encode_utf8(&mut [0; 4]))
}

impl From<&str> for EscapedText {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}

impl From<&OsStr> for EscapedText {
    fn from(name: &OsStr) -> Self {
        Self::from(name.as_encoded_bytes())
    }
}

impl fmt::Display for EscapedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file name that is safe on every system, and in a build's log: separators, wildcards, `#`, hidden
/// characters and bytes that are not UTF-8 become `%XX`, so do a dot at the front and every blank that cannot be counted
/// by eye: at the front, at the end, after another; at most 100 bytes.
pub(super) fn as_file_name(name: &[u8]) -> String {
    file_name_with(name, |_| false)
}

/// As [`as_file_name`], with every character that is not ASCII as its bytes: no two names give the same one that looks
/// like the other.
pub(super) fn as_plain_file_name(name: &[u8]) -> String {
    file_name_with(name, |c| !c.is_ascii())
}

fn file_name_with(name: &[u8], is_escaped: impl Fn(char) -> bool) -> String {
    const BYTES: usize = 100;
    let mut safe = String::new();
    for chunk in name.utf8_chunks() {
        for c in chunk.valid().chars() {
            let unsafe_here = matches!(
                c,
                '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '%' | '#'
            ) || (matches!(c, '.' | ' ') && safe.is_empty())
                || (c == ' ' && safe.ends_with(' '));
            if unsafe_here || is_hidden(c) || is_escaped(c) {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(safe, "%{byte:02X}");
                }
            } else {
                safe.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    if let Some(shown) = safe.strip_suffix(' ') {
        safe = format!("{shown}%20");
    }
    while safe.len() > BYTES {
        safe.pop();
    }
    if safe.is_empty() {
        safe.push_str("submission");
    }
    safe
}

/// The look of a name, which it shares with all that look like it: its letters without their accents' way of writing, their width
/// and their case.
pub(super) fn look_of(name: &str) -> String {
    // Lower case first: `İ` has an accent of its own there.
    let lower: String = name.nfkc().collect::<String>().to_lowercase();
    lower.nfkc().collect()
}

/// As [`look_of`], of a name in any encoding: what is not UTF-8 looks like nothing else.
pub(super) fn look_of_bytes(name: &[u8]) -> String {
    let mut look = String::new();
    for chunk in name.utf8_chunks() {
        look.push_str(&look_of(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(look, "\0{byte:02x}"); // no name has a NUL
        }
    }
    look
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_has_no_control_bidi_or_broken_characters() {
        let shown = EscapedText::from(&b"a\x1b[31m\n\xff\xe2\x80\xaeb\\"[..]).to_string();
        assert_eq!(shown, r"a\u{1b}[31m\n\xff\u{202e}b\\");
    }

    #[test]
    fn no_name_commands_a_build() {
        let shown = EscapedText::from("##vso[task.setvariable]x").to_string();
        assert!(!wire::is_command(&shown), "{shown}");
        assert_eq!(as_file_name(b"##[error]x"), "%23%23[error]x");
    }

    #[test]
    fn escaped_text_is_cut() {
        let shown = EscapedText::from("x".repeat(5000).as_str()).to_string();
        assert_eq!(shown.chars().count(), 201);
    }

    #[test]
    fn what_looks_the_same_is_shown_otherwise() {
        let shown = |text: &str| EscapedText::from(text).to_string();
        assert_eq!(shown("Zo\u{eb}"), "Zo\u{eb}");
        assert_eq!(shown("Zoe\u{308}"), r"Zoe\u{308}");
        assert_eq!(shown("\u{212b}ngstr\u{f6}m"), "\\u{212b}ngstr\u{f6}m");
        // Letters that only exist with a mark of their own stay.
        assert_eq!(shown("हिन्दी"), "हिन्दी");
        assert_eq!(look_of("Zo\u{eb}"), look_of("zoe\u{308}"));
        assert_eq!(look_of("ﬁn Ａ"), look_of("fin a"));
        assert_ne!(look_of("Zoë"), look_of("Zoe"));
        assert_eq!(look_of_bytes("Zo\u{eb}".as_bytes()), look_of("Zoë"));
        assert_ne!(look_of_bytes(b"\x81"), look_of_bytes(b"\x82"));
        assert_eq!(as_plain_file_name("Zoë".as_bytes()), "Zo%C3%AB");
        assert_eq!(as_file_name(b" ada  b "), "%20ada %20b%20");
    }

    #[test]
    fn letters_of_every_language_stay_in_file_names() {
        assert_eq!(as_file_name("Zoë Müller 李".as_bytes()), "Zoë Müller 李");
    }

    #[test]
    fn separators_and_broken_bytes_are_escaped_in_file_names() {
        assert_eq!(as_file_name(b"..\\a/b\n\xff%"), "%2E.%5Ca%2Fb%0A%FF%25");
        assert_eq!(as_file_name(b""), "submission");
    }

    #[test]
    fn file_names_are_cut_between_characters() {
        let name = as_file_name("é".repeat(99).as_bytes());
        assert_eq!(name, "é".repeat(50));
        assert_eq!(as_file_name(format!("x{name}").as_bytes()).len(), 99);
    }
}
