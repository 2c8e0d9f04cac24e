//! Commands as a shell takes them.

use std::ffi::OsStr;
use wire::is_hidden;

/// A command as a shell takes it, on one line: words that are not plain are quoted, and nothing in it is hidden from who
/// reads it.
pub(crate) fn in_shell<'a>(words: impl IntoIterator<Item = &'a OsStr>) -> String {
    let words: Vec<_> = words.into_iter().map(word).collect();
    words.join(" ")
}

fn word(word: &OsStr) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_=+:,./@%".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.contains(is_hidden) => format!("'{}'", text.replace('\'', "'\\''")),
        _ => {
            let bytes = word.as_encoded_bytes().iter();
            let quoted: String = bytes.map(|&byte| ansi_c(byte)).collect();
            format!("$'{quoted}'")
        }
    }
}

/// A byte within `$'…'`, as bash, zsh and POSIX of 2024 have it.
fn ansi_c(byte: u8) -> String {
    match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    #[test]
    fn a_command_is_shown_as_a_shell_takes_it() {
        let words = ["cargo", "build", "--test=msa", "", "it's", "\u{1b}[2J"];
        let expected = "cargo build --test=msa '' 'it'\\''s' $'\\033[2J'";
        assert_eq!(in_shell(words.map(OsStr::new)), expected);
    }

    #[test]
    fn bash_reads_back_every_word() -> Result<(), Box<dyn Error>> {
        let words: [&[u8]; 7] = [
            b"plain",
            b"a b; $(c) `d` \"e\"",
            b"it's",
            "Übung ~ 100 %".as_bytes(),
            b"Latin-1: \xdcbung's",
            b"two\nlines\\1",
            b"",
        ];
        let line = in_shell(words.map(OsStr::from_bytes));
        assert!(!line.contains(['\n', '\u{fffd}']), "{line}");
        let output = Command::new("bash")
            .args(["-c", &format!("printf '%s\\0' {line}")])
            .output()?;
        let mut expected = vec![];
        for word in words {
            expected.extend_from_slice(word);
            expected.push(0);
        }
        assert_eq!(output.stdout, expected, "{line}");
        Ok(())
    }
}
