//! Commands that are run: the output options of cargo, and a line for each command.

use super::shell::in_shell;
use super::{Verbosity, verbosity};
use anstream::ColorChoice;
use std::iter;
use std::process::Command;

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
pub fn running(command: &Command) {
    let words = iter::once(command.get_program()).chain(command.get_args());
    detail!("running: {}", in_shell(words));
}
