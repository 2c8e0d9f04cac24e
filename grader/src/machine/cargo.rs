//! Cargo, as the grader runs it for the course.

use crate::machine::settings;
use crate::machine::tools::Toolchain;
use crate::terminal::{cargo_options, running};
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// The cargo of a toolchain, in the course's folder. It builds the same whatever the user has set (see
/// [`settings`]), and is as quiet and as colourful as this program.
pub fn cargo(root: &Path, toolchain: &Toolchain) -> Command {
    let mut cargo = Command::new(toolchain.cargo());
    cargo.args(cargo_options()).current_dir(root);
    settings::replace(&mut cargo, root, toolchain);
    cargo
}

/// Runs cargo, and passes each line of its standard output to `line`.
///
/// # Errors
/// Returns an error if cargo cannot be run, or its output cannot be read.
pub fn each_line(cargo: &mut Command, line: &mut dyn FnMut(&str)) -> Result<ExitStatus> {
    running(cargo);
    let mut child = cargo
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo cannot be started")?;
    if let Some(output) = child.stdout.take() {
        for bytes in BufReader::new(output).split(b'\n') {
            let bytes = bytes.context("cargo's output cannot be read")?;
            line(&String::from_utf8_lossy(&bytes));
        }
    }
    child.wait().context("cargo cannot be waited for")
}
