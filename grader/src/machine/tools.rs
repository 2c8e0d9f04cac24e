//! Programs that the grader starts: cargo, rustc and what PATH holds.

use crate::hint::WithHint;
use crate::terminal::{cargo_options, running};
use anyhow::{Context, Result};
use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// The cargo that started this program, or the one that is found, in the course's folder. It is told nothing of the package
/// that it was started for: build scripts that ask for that would run again, and this program be replaced while it runs.
/// It is as quiet and as colourful as this program.
pub fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(cargo_options()).current_dir(root);
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in names.filter(|name| is_about_a_package(name)) {
        cargo.env_remove(name);
    }
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

/// Whether a variable is one of those that cargo sets for the program or build script of a package.
fn is_about_a_package(variable: &str) -> bool {
    let starts = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
    ];
    // `cargo run` sets it for a package with a build script.
    variable == "OUT_DIR" || starts.iter().any(|start| variable.starts_with(start))
}

/// The program that a name stands for in PATH, as a shell would find it.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let mut programs = env::split_paths(&path).map(|folder| folder.join(name));
    programs.find(|program| program.is_file())
}

/// The folder in which cargo keeps what it fetched; none where nobody says and there is no home.
pub fn cargo_home() -> Option<PathBuf> {
    let told = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    told.or_else(|| Some(std::env::home_dir()?.join(".cargo")))
}

/// The folder of the toolchain that cargo uses here. Its compiler is started itself, without the wrapper that chooses
/// one, which takes longer than compiling a small crate.
///
/// # Errors
/// Returns an error if rustc is not found.
pub fn sysroot(root: &Path) -> Result<PathBuf> {
    let output = Command::new("rustc")
        .current_dir(root)
        .args(["--print", "sysroot"])
        .output()
        .context("rustc cannot be started")
        .hint("the folder of Rust's programs must be in PATH, mostly ~/.cargo/bin")?;
    let sysroot = String::from_utf8(output.stdout)
        .context("rustc names its folder in bytes that are not UTF-8")?;
    Ok(PathBuf::from(sysroot.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_told_nothing_of_the_package_that_it_was_started_for() {
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "OUT_DIR"] {
            assert!(is_about_a_package(name), "{name}");
        }
        for name in ["CARGO_HOME", "PATH", "OUT_DIRS"] {
            assert!(!is_about_a_package(name), "{name}");
        }
    }
}
