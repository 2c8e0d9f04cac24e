//! `grader list`, and `grader` without a command: the exercises, the progress in each, and what is next.

use super::open_course;
use crate::cli::{List, OutputFormat};
use crate::course::Course;
use crate::exit::{Blame, Exit, Failure};
use crate::study::progress::survey;
use crate::study::record::Record;
use crate::study::table::{next_step, rows, table};
use crate::terminal;
use anyhow::Context;
use serde_json::json;
use std::path::Path;

/// The commands that are listed when the program is run without one.
const COMMANDS: &str = "\
commands:
  cargo grader check [EXERCISE]   test your code and explain what is wrong
  cargo grader next               open what is next in your editor
  cargo grader --help             all commands
";

/// Runs the command.
///
/// # Errors
/// Returns an error if there is no course, or its files or the record cannot be read.
pub fn list(course: Option<&Path>, arguments: &List) -> Result<Exit, Failure> {
    show(&open_course(course)?, arguments.format)
}

/// Runs the program without a command.
///
/// # Errors
/// As [`list`].
pub fn overview(course: Option<&Path>) -> Result<Exit, Failure> {
    let exit = show(&open_course(course)?, OutputFormat::Text)?;
    say!("\n{}", COMMANDS.trim_end());
    Ok(exit)
}

fn show(course: &Course, format: OutputFormat) -> Result<Exit, Failure> {
    let record = Record::open(&course.root).blame_setup()?;
    let all = survey(course, &record).blame_setup()?;
    match format {
        OutputFormat::Text => {
            say!("{}", table(&all, terminal::output_width()));
            say!("\n{}", next_step(course, &all).trim_end());
        }
        OutputFormat::Json => {
            let document = json!({ "course": course.title, "exercises": rows(&all) });
            let text = serde_json::to_string_pretty(&document).context("cannot write JSON")?;
            say!("{text}");
        }
    }
    Ok(Exit::Success)
}
