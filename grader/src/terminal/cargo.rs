//! Commands that are run: the output options of cargo, and a line for each command.

use super::{Verbosity, verbosity};
use anstream::ColorChoice;
use std::process::Command;
use wire::printable;

/// Options of cargo that make it as quiet and as colourful as this program.
pub(crate) fn cargo_options() -> Vec<&'static str> {
    let mut options = vec![];
    if verbosity() == Verbosity::Quiet {
        options.push("--quiet");
    }
    match ColorChoice::global() {
        ColorChoice::Auto => {}
        ColorChoice::Never => options.push("--color=never"),
        ColorChoice::Always | ColorChoice::AlwaysAnsi => options.push("--color=always"),
    }
    options
}

/// Shows, with `--verbose`, a command that is about to be run.
pub(crate) fn running(command: &Command) {
    detail!("running: {}", shown(command));
}

/// A command as a shell takes it: words that are not plain are quoted.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| {
        let word = printable(&word.to_string_lossy());
        let is_plain = |c: char| c.is_alphanumeric() || "-_=+:,./@%".contains(c);
        if !word.is_empty() && word.chars().all(is_plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_a_shell_takes_it() {
        let mut command = Command::new("cargo");
        command.args(["build", "--test=msa", "", "it's", "\u{1b}[2J"]);
        let expected = "cargo build --test=msa '' 'it'\\''s' '\\u{1b}[2J'";
        assert_eq!(shown(&command), expected);
    }
}
