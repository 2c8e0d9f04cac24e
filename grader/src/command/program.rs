//! Programs of the course that have libraries of their own: cargo builds each when a command first starts it.

use crate::course::Course;
use crate::machine::cargo::{cargo, each_line};
use crate::machine::tools::Toolchain;
use anyhow::{Result, anyhow};
use hints::WithHint;
use serde::Deserialize;
use std::path::PathBuf;

/// A line of `cargo build --message-format=json`, as far as it is read.
#[derive(Deserialize)]
struct Message {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Builds the program of a package of the same name, with cargo, which says on standard error what it compiles.
///
/// # Errors
/// Returns an error if it does not build.
pub(super) fn build(course: &Course, package: &str) -> Result<PathBuf> {
    if !course.root.join("grader").join(package).is_dir() {
        return Err(anyhow!(
            "this course was given out without the program `{package}`"
        ))
        .hint("this command is for instructors: run it in their checkout");
    }
    let mut cargo = cargo(&course.root, &Toolchain::of(&course.root)?);
    cargo.args([
        "build",
        "--message-format=json-render-diagnostics",
        "--package",
        package,
    ]);
    if cfg!(not(feature = "sandbox")) {
        // The choice with which this grader was compiled, else its library would be compiled once more.
        cargo.arg("--no-default-features");
    }
    let mut program = None;
    let status = each_line(&mut cargo, &mut |line| {
        // Other messages have neither.
        if let Ok(Message { target, executable }) = serde_json::from_str(line)
            && target.name == package
            && executable.is_some()
        {
            program = executable;
        }
    })?;
    let program = program.filter(|_| status.success());
    program
        .ok_or_else(|| anyhow!("the program `{package}` does not build (cargo says why above)"))
        .hint("its libraries are downloaded the first time: that needs a connection")
}
