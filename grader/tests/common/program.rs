//! The program under test.

use std::path::Path;
use std::process::{Command, Stdio};

/// The grader in this checkout.
pub(crate) fn grader(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
    command
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .stdin(Stdio::null());
    command
}
