//! `grader grade`: submissions in, grades out.

use super::progress::GradingProgress;
use super::reference::grade_reference;
use super::{open_course, prepare};
use crate::cli::{Grade, Judging};
use crate::environment::Environment;
use crate::exit::{Blame, Exit, Failure};
use crate::grading::batch;
use crate::grading::ledger::{Ledger, Terms};
use crate::grading::report;
use crate::grading::seed;
use crate::machine::lanes;
use anyhow::{Context, anyhow};
use hints::{WithHint, hinted};
use intake::{DiscoverError, Discovery, EscapedText, Reading, discover};
use sandbox::Author;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// Returns an error if the arguments are wrong, something is missing, or results cannot be written.
pub fn grade(course: Option<&Path>, arguments: &Grade) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let exercises = course.select(&arguments.exercise).blame_arguments()?;
    let found = discover(&arguments.paths, &course.folders(), arguments.reading)
        .with_hint(DiscoverError::hint)
        .blame_arguments()?;
    announce(&found);
    if found.candidates.is_empty() {
        return Err(anyhow!("there is no submission in what was named")).blame_arguments();
    }
    let mut judging = arguments.judging.clone();
    judging.author = Author::Others;
    if let Some(folder) = &arguments.out {
        judging.seed = Some(seed::of_class(folder, judging.seed).blame_arguments()?);
    }
    let mut grader = prepare(course, exercises, &judging)?;
    grader.environment.is_discreet = judging.seed.is_some() && !arguments.outspoken;
    let digest = grader.environment.course.digest();
    let digest = digest.context("the course cannot be read whole, so nothing is graded")?;
    let terms = Terms::of(&grader.environment, &arguments.judging, &digest);
    let ledger = arguments.out.as_ref();
    let ledger = ledger.map(|folder| Ledger::open(folder, terms));
    let ledger = ledger.transpose().blame_arguments()?;
    // Trials of attacks grade nobody: there an honest submission is compared with itself.
    if arguments.judging.without.is_empty() && !arguments.outspoken {
        grade_reference(&grader, &digest)?;
    }

    let progress = GradingProgress::new(&grader, found.candidates.len());
    let tally = batch::run(
        &grader,
        &found.candidates,
        jobs(arguments),
        ledger.as_ref(),
        &progress,
    )?;
    let (rows, mut attention) = progress.finish();
    let passed_over = found.skipped.iter();
    attention.extend(passed_over.filter_map(report::Attention::passed_over));

    if rows.len() > 1 {
        say!("{}", report::class_table(&rows));
    }
    if rows.len() > 1 || !attention.is_empty() {
        say!("{}", report::attention_box(&attention));
    }
    if let Some(ledger) = ledger.filter(|_| !tally.stopped) {
        let names: Vec<_> = found
            .candidates
            .iter()
            .map(|candidate| candidate.name.clone())
            .collect();
        note!("results: {}", ledger.write_results(&names)?.display());
    }
    if tally.stopped {
        warn!(
            "stopped: {} of {} submissions are finished{}",
            tally.finished,
            found.candidates.len(),
            if arguments.out.is_some() {
                "; the same command continues from here"
            } else {
                ""
            }
        );
        return Ok(Exit::Stopped);
    }
    if tally.incomplete > 0 {
        let error = anyhow!(
            "{} submissions could not be graded to the end (see above)",
            tally.incomplete
        );
        return Err(hinted(error, "the same command grades them again").into());
    }
    if arguments.strict && !attention.is_empty() {
        return Ok(Exit::NeedsAPerson);
    }
    Ok(Exit::Success)
}

/// Says, before anything is graded, what every folder was taken for, what is passed over, and how many submissions there
/// are.
fn announce(found: &Discovery) {
    let shown = |path: &Path| EscapedText::from(path.as_os_str());
    for folder in &found.folders {
        let reading = match (folder.reading, folder.platform) {
            (Reading::Class, Some(platform)) => {
                format!(
                    "a class, downloaded from {platform}: all files of a person are one submission"
                )
            }
            (Reading::Class, None) => {
                "a class: each folder and archive in it is a submission".to_owned()
            }
            (Reading::Submission, _) => "one submission".to_owned(),
        };
        note!("{} is read as {reading}", shown(&folder.path));
    }
    for skipped in &found.skipped {
        note!("passed over: {} {}", shown(&skipped.path), skipped.why);
    }
    match found.candidates.len() {
        1 => note!("1 submission"),
        count => note!("{count} submissions"),
    }
}

fn jobs(arguments: &Grade) -> usize {
    arguments.jobs.map_or_else(lanes::processors, usize::from)
}

impl Terms {
    fn of(environment: &Environment, judging: &Judging, course: &str) -> Self {
        let exercises = environment.exercises.iter();
        Self {
            grader: env!("CARGO_PKG_VERSION").to_owned(),
            title: environment.course.title.clone(),
            course: course.to_owned(),
            exercises: exercises.map(|exercise| exercise.folder.clone()).collect(),
            seed: environment.seed.map(seed::digest).unwrap_or_default(),
            train: judging.train_on.to_string(),
            sandbox: environment.level.to_string(),
            limits: environment.limits,
        }
    }
}
