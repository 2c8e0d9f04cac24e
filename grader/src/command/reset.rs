//! `grader reset`: shows what goes, asks, and puts stubs back, or brings back what a reset took.

use super::{exercise_and_item, open_course};
use crate::cli;
use crate::exit::{Blame, Exit, Failure};
use crate::hint::WithHint;
use crate::study::reset::Reset;
use crate::terminal::style::change;
use anyhow::{Context, Result, anyhow};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// Returns an error if there is no such item, nothing to undo, nobody who can be asked, or the sources cannot be read or
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
            true => say!("{what} is as it was before the last reset: nothing changes"),
            false => say!("{what} is the stub already: nothing changes"),
        }
        return Ok(Exit::Success);
    }
    for line in reset.diff() {
        say!("{}", change(&line));
    }
    let question = match arguments.undo {
        true => format!("Bring back {what}?"),
        false => format!("Put back the stub: {what}?"),
    };
    if !arguments.yes && !agrees(&question).blame_arguments()? {
        say!("nothing was changed");
        return Ok(Exit::Success);
    }
    let place = reset.apply()?.unwrap_or_default();
    match arguments.undo {
        true => say!("brought back: {what}; what it replaced is in {place}"),
        false => say!(
            "put back: the stub, {what}; your code is in {place}, and this brings it back:\n\n    cargo grader reset {} --undo",
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
