//! `grader book`: the course as a website, made by a program of its own, so that its libraries are compiled only for those
//! who use it.

use super::{open_course, program};
use crate::cli::Book;
use crate::exit::{Blame, Exit, Failure};
use crate::machine::checkout;
use crate::terminal::running;
use anyhow::Context;
use std::path::Path;
use std::process::Command;

/// Runs the command.
///
/// # Errors
/// Returns an error if the program cannot be built or started. What it cannot do, it reports itself.
pub fn book(course: Option<&Path>, arguments: &Book) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    checkout::check(&course.root).blame_setup()?;
    let program = program::build(&course, "book").blame_setup()?;
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
