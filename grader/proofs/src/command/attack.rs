//! `grader attack`: every hostile submission of the corpus, tried here and now.

use crate::attack::{Attack, AttackOutcome, Ground, corpus};
use crate::proof::Finding;
use anyhow::Result;
use grader::cli::{self, Judging};
use grader::command::{open_course, prepare, stop_if_asked};
use grader::exit::{Blame, Exit, Failure};
use grader::grading::grade::Grader;
use grader::machine::lanes;
use grader::say;
use std::path::Path;
use wire::printable;

/// Runs the command.
///
/// # Errors
/// Returns an error if the arguments are wrong, something is missing, or an attack cannot be tried.
pub(super) fn attack(course: Option<&Path>, arguments: &cli::Attack) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let attacks = corpus(&course.root, &arguments.attack).blame_arguments()?;
    let attacked = course.exercises.iter().filter(|exercise| {
        let mut names = attacks.iter().map(|attack| &attack.exercise);
        names.any(|name| *name == exercise.name)
    });
    let exercises = attacked.cloned().collect();
    let grader = prepare(course, exercises, &Judging::default())?;
    say!("sandbox: {}\n", grader.environment.level);
    let count = if arguments.prove {
        prove(&grader, attacks)
    } else {
        try_all(&grader, &attacks, &mut |line| say!("{line}"))
    };
    if grader.environment.is_stopped() {
        return Ok(Exit::Stopped);
    }
    let count = count?;
    let became = if arguments.prove {
        "gained something without what stops it"
    } else {
        "gained nothing"
    };
    say!(
        "{} of {} {became}, {} skipped",
        count.as_it_must_be,
        count.tried,
        count.skipped
    );
    Ok(if count.faults.is_empty() {
        Exit::Success
    } else {
        Exit::Failed
    })
}

/// Tries all attacks against the whole sandbox, for `verify`: the number of those that gain nothing, and what was seen.
///
/// # Errors
/// Returns an error if an attack cannot be tried.
pub(super) fn of_the_corpus(grader: &Grader) -> Result<Option<(usize, Finding)>> {
    let attacks = corpus(&grader.environment.course.root, &[])?;
    let count = try_all(grader, &attacks, &mut |line| say!("{line}"))?;
    let showed = format!(
        "{} of {} gain nothing, {} are skipped",
        count.as_it_must_be, count.tried, count.skipped
    );
    let faults = count.faults;
    Ok(Some((count.as_it_must_be, Finding { showed, faults })))
}

/// The numbers of attacks, by their results, and the faults.
#[derive(Debug, Default)]
struct Count {
    as_it_must_be: usize,
    tried: usize,
    skipped: usize,
    /// The faults, in the order of the attacks.
    faults: Vec<String>,
}

/// Tries attacks against the whole sandbox, as many at a time as there are processors, and says what came of each in
/// their order.
fn try_all(
    grader: &Grader,
    attacks: &[Attack],
    line: &mut (dyn FnMut(&str) + Send),
) -> Result<Count> {
    let ground = Ground::prepare(grader, attacks)?;
    if let Some(why) = ground.why_no_copy() {
        line(&format!(
            "each attack is seen to change its own places alone, for there can be no copy of this machine: {why:#}\n"
        ));
    }
    let mut count = Count::default();
    lanes::in_order(
        attacks,
        lanes::processors(),
        |attack| {
            stop_if_asked()?;
            let tried = match &attack.needs {
                Some(needs) => Tried::Skipped(needs),
                None => Tried::Here(ground.attempt(attack, false)?),
            };
            anyhow::Ok((attack, tried))
        },
        |(attack, tried)| count.add(attack, &tried, line),
    )?;
    Ok(count)
}

/// Whether an attack was tried.
enum Tried<'a> {
    /// It was, with this outcome.
    Here(AttackOutcome),
    /// It needs something that is not there.
    Skipped(&'a str),
}

impl Count {
    /// Counts an attack, and says what came of it.
    fn add(&mut self, attack: &Attack, tried: &Tried<'_>, line: &mut dyn FnMut(&str)) {
        line(&format!("{}: {}", attack.name, attack.tries));
        let outcome = match tried {
            Tried::Here(outcome) => outcome,
            Tried::Skipped(needs) => {
                line(&format!("  skipped: it needs {needs}\n"));
                self.skipped += 1;
                return;
            }
        };
        let faults = faults(attack, outcome);
        line(&format!("  stopped by  {}", attack.stopped_by));
        if let Some(evidence) = &outcome.evidence {
            line(&format!("  it was told {}", shortened(evidence)));
        }
        for fault in &faults {
            line(&format!("  {fault}"));
        }
        if faults.is_empty() {
            line(&format!(
                "  gained nothing: {} points, which are its own",
                grader::grading::report::points(outcome.points)
            ));
        }
        line("");
        self.tried += 1;
        self.as_it_must_be += usize::from(faults.is_empty());
        let named = faults
            .into_iter()
            .map(|fault| format!("{}: {fault}", attack.name));
        self.faults.extend(named);
    }
}

fn faults(attack: &Attack, outcome: &AttackOutcome) -> Vec<String> {
    let gained = outcome.gains.iter();
    let mut faults: Vec<_> = gained
        .map(|gain| format!("GAINED      {}", printable(gain)))
        .collect();
    if let (None, Some(wanted)) = (&outcome.evidence, &attack.evidence) {
        faults.push(format!(
            "NOT TRIED   nothing in its result says {wanted:?}: it did not get that far"
        ));
    }
    if outcome.lost {
        faults.push(format!(
            "LOST        {} points, and its honest part earns {}",
            grader::grading::report::points(outcome.points),
            grader::grading::report::points(attack.points)
        ));
    }
    faults
}

/// Lets attacks through, each with what stops it left out, in a copy of this machine of its own.
fn prove(grader: &Grader, mut attacks: Vec<Attack>) -> Result<Count> {
    attacks.retain(|attack| !attack.gains_without.is_empty() && attack.needs.is_none());
    let ground = Ground::prepare(grader, &attacks)?;
    let mut count = Count::default();
    if let Some(why) = ground.why_no_copy() {
        say!("{why:#}");
        say!(
            "skipped: nothing is let through but in a throw-away copy of this machine, and there can be none here"
        );
        count.skipped = attacks.len();
        return Ok(count);
    }
    let act = |attack| {
        stop_if_asked()?;
        anyhow::Ok((attack, ground.attempt(attack, true)?))
    };
    let take = |(attack, outcome): (&Attack, AttackOutcome)| {
        let layers = attack.gains_without.iter().map(ToString::to_string);
        let layers = layers.collect::<Vec<_>>().join(", ");
        say!("{}: {}", attack.name, attack.tries);
        for gain in &outcome.gains {
            say!("  gains without {layers}: {}", printable(gain));
        }
        count.tried += 1;
        if outcome.gains.is_empty() {
            say!("  NO GAIN even without {layers}: it proves nothing");
            count.faults.push(attack.name.clone());
        } else {
            count.as_it_must_be += 1;
        }
        say!();
    };
    lanes::in_order(&attacks, lanes::processors(), act, take)?;
    Ok(count)
}

/// The beginning of a line, made harmless.
fn shortened(line: &str) -> String {
    const MOST: usize = 120;
    let mut short: String = line.chars().take(MOST).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    printable(&short)
}
