//! `grader reset`: puts stubs back, after a diff and a question, or restores the code that a reset replaced.

use super::{exercise_and_item, open_course};
use crate::cli;
use crate::exit::{Blame, Exit, Failure};
use crate::study::reset::Reset;
use crate::terminal::style::change;
use anyhow::{Context, Result, anyhow};
use hints::WithHint;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// Returns an error if there is no such item, nothing to undo, no terminal to ask on, or the sources cannot be read or
/// written.
pub fn reset(course: Option<&Path>, arguments: &cli::Reset) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let (name, item) = (arguments.exercise.as_deref(), arguments.item.as_deref());
    let (exercise, item) = exercise_and_item(&course, name, item).blame_arguments()?;
    let reset = match arguments.undo {
        true => Reset::undo(&course, &exercise),
        false => Reset::of(&course, &exercise, item.as_deref()),
    };
    let reset = reset.blame_arguments()?;
    let what = match &reset.item {
        Some(item) => format!("{item} of {}", exercise.name),
        None => format!("all of {}", exercise.name),
    };
    if reset.is_empty() {
        reset.apply()?;
        match arguments.undo {
            true => say!("{what} is as it was before the last reset: nothing was changed"),
            false => say!("{what} is the stub already: nothing was changed"),
        }
        return Ok(Exit::Success);
    }
    for line in reset.diff() {
        say!("{}", change(&line));
    }
    let question = match arguments.undo {
        true => format!("Restore your code of {what}?"),
        false => format!("Replace {what} by the stub?"),
    };
    if !arguments.yes && !agrees(&question).blame_arguments()? {
        say!("nothing was changed");
        return Ok(Exit::Success);
    }
    let place = reset.apply()?.unwrap_or_default();
    match arguments.undo {
        true => say!("restored: {what}; the code that it replaced is in {place}"),
        false => say!(
            "reset: {what}; your code is in {place}, and this restores it:\n\n    cargo grader reset {} --undo",
            exercise.name
        ),
    }
    Ok(Exit::Success)
}

/// Asks on the terminal.
fn agrees(question: &str) -> Result<bool> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(anyhow!(
            "nothing was changed: there is no terminal to ask on"
        ))
        .hint("--yes does it without a question");
    }
    let mut error = io::stderr().lock();
    write!(error, "\n{question} [y/N] ")
        .and_then(|()| error.flush())
        .context("cannot ask")?;
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .context("cannot read the answer")?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
