//! `book COURSE OUT`: makes the book of the course in a folder. `cargo grader book` starts it.

use anyhow::{Context, Result};
use book::course::Course;
use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let usage = "usage: book COURSE OUT";
    let (root, out) = (
        arguments.next().context(usage)?,
        arguments.next().context(usage)?,
    );
    book::make(&Course::read(&root)?)?.write(&out)
}
