//! `grader book`: the course as a website, made by a program of its own, so that its libraries are compiled only for those
//! who use it.

use super::open_course;
use crate::cli::Book;
use crate::course::Course;
use crate::exit::{Blame, Exit, Failure};
use crate::hint::WithHint;
use crate::machine::cargo::{cargo, each_line};
use crate::machine::checkout;
use crate::machine::tools::Toolchain;
use crate::terminal::running;
use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package of the program.
const PACKAGE: &str = "book";

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

/// Runs the command.
///
/// # Errors
/// Returns an error if the program cannot be built or started. What it cannot do, it reports itself.
pub fn book(course: Option<&Path>, arguments: &Book) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    checkout::check(&course.root).blame_setup()?;
    let program = build(&course).blame_setup()?;
    let out = arguments.out.clone();
    let mut book = Command::new(program);
    book.arg(&course.root)
        .arg(out.unwrap_or_else(|| course.root.join("target/book")));
    if arguments.open {
        book.arg("--open");
    }
    running(&book);
    let status = book
        .status()
        .context("cannot start the program that makes the book")?;
    Ok(status.into())
}

/// Builds the program, with cargo, which says on standard error what it compiles.
fn build(course: &Course) -> Result<PathBuf> {
    let mut cargo = cargo(&course.root, &Toolchain::of(&course.root)?);
    cargo.args([
        "build",
        "--message-format=json-render-diagnostics",
        "--package",
        PACKAGE,
    ]);
    let mut program = None;
    let status = each_line(&mut cargo, &mut |line| {
        // Other messages have neither.
        if let Ok(Message { target, executable }) = serde_json::from_str(line)
            && target.name == PACKAGE
            && executable.is_some()
        {
            program = executable;
        }
    })?;
    let program = program.filter(|_| status.success());
    program
        .ok_or_else(|| {
            anyhow!("the program that makes the book does not build (cargo says why above)")
        })
        .hint("its libraries are downloaded the first time: that needs a connection")
}
