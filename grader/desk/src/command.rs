//! The commands: each parses its arguments, calls the library, and prints.

mod decide;
mod export;
mod grades;
mod import;
mod log;
mod status;

use crate::check::check;
use crate::cli::{Cli, Command, Explain};
use crate::explain::explain;
use crate::failure::{Blame, Exit, Failure};
use crate::folder::{Desk, Grades};
use crate::grading::without_number;
use crate::policy::Policy;
use crate::terminal::{note, print};
use anyhow::{Result, anyhow, bail};
use hints::WithHint;
use std::time::Duration;

/// Runs a command.
///
/// # Errors
/// Returns an error with the exit code that it ends the program with.
pub fn run(cli: &Cli) -> Result<Exit, Failure> {
    let wait = Duration::from_secs(cli.wait);
    if let Command::Init = cli.command {
        return init(cli, wait);
    }
    let mut desk = Desk::open(cli.desk.as_deref(), wait)?;
    match &cli.command {
        Command::Init => Ok(Exit::Success),
        Command::Import(arguments) => import::import(&mut desk, arguments),
        Command::Extend(arguments) => decide::extend(&mut desk, arguments),
        Command::Excuse(arguments) => decide::excuse(&mut desk, arguments),
        Command::Set(arguments) => decide::set(&mut desk, arguments),
        Command::Add(arguments) => decide::add(&mut desk, arguments),
        Command::LateDays(arguments) => decide::late_days(&mut desk, arguments),
        Command::Note(arguments) => decide::note(&mut desk, arguments),
        Command::Withdraw(arguments) => decide::withdraw(&mut desk, arguments),
        Command::Log(arguments) => log::log(&mut desk, arguments),
        Command::Grades(arguments) => grades::grades(&mut desk, arguments),
        Command::Explain(arguments) => show_explanation(&mut desk, arguments),
        Command::Status => status::status(&mut desk),
        Command::Check => show_check(&mut desk),
        Command::Export(what) => export::export(&mut desk, what),
    }
}

fn init(cli: &Cli, wait: Duration) -> Result<Exit, Failure> {
    let folder = cli
        .desk
        .as_deref()
        .ok_or_else(|| anyhow!("no folder is named"));
    let folder = folder
        .hint("name the folder of the new desk with --desk DIR")
        .blame_arguments()?;
    for path in Desk::create(folder, wait)? {
        print(&format!("{}\n", path.display()));
    }
    note(
        "next: fill in roster.csv and policy.toml, then `cargo grader desk import` what `grade --out` wrote",
    );
    Ok(Exit::Success)
}

fn show_explanation(desk: &mut Desk, arguments: &Explain) -> Result<Exit, Failure> {
    let id = desk
        .roster
        .person(&arguments.student)
        .blame_arguments()?
        .id
        .clone();
    let grades = desk.grades()?;
    let exercise = arguments.exercise.as_deref();
    let exercise = exercise.map(|it| exercise_called(it, &grades, &desk.policy));
    let exercise = exercise.transpose().blame_arguments()?;
    print(&explain(desk, &grades, &id, exercise.as_deref())?);
    Ok(Exit::Success)
}

fn show_check(desk: &mut Desk) -> Result<Exit, Failure> {
    let report = check(desk)?;
    print(&report.text());
    Ok(match report.faults.is_empty() {
        true => Exit::Success,
        false => Exit::Failed,
    })
}

/// The folder of the exercise that an argument names, of those that have results or rules.
fn exercise_called(name: &str, grades: &Grades, policy: &Policy) -> Result<String> {
    let known = grades
        .gradebook
        .exercises
        .iter()
        .map(|it| it.exercise.as_str());
    let known: Vec<_> = known
        .chain(policy.exercises.keys().map(String::as_str))
        .collect();
    let exactly = known.iter().find(|it| **it == name);
    let found = exactly.or_else(|| known.iter().find(|it| without_number(it) == name));
    if let Some(found) = found {
        return Ok((*found).to_owned());
    }
    if known.is_empty() {
        bail!("there is no exercise {name}: nothing is imported yet, and policy.toml names none");
    }
    let mut known = known;
    known.sort_unstable();
    known.dedup();
    let likeness = |it: &&&str| {
        (strsim::normalized_damerau_levenshtein(name, without_number(it)) * 1000.0) as u32
    };
    let hint = match known.iter().max_by_key(likeness) {
        Some(near) if likeness(&near) > 600 => format!("did you mean {near}?"),
        _ => format!("there are {}", known.join(", ")),
    };
    Err(anyhow!("there is no exercise {name}")).hint(hint)
}

/// The name of the acting person: the given one, else the user's login name.
fn actor(by: Option<&str>) -> Result<String, Failure> {
    if let Some(by) = by.map(str::trim).filter(|it| !it.is_empty()) {
        return Ok(by.to_owned());
    }
    whoami::username()
        .map_err(|error| anyhow!("your login name is not known: {error}"))
        .hint("say who you are with --by NAME")
        .blame_arguments()
}
