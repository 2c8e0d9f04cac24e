//! `grader attack`: every hostile submission of the corpus, tried here and now.

use super::open_course;
use crate::attack::{Attack, Ground, NO_COPY, Outcome, corpus, run_in_a_copy};
use crate::cli;
use crate::confine::{self, Layer, Sandbox};
use crate::course::Course;
use crate::exit::{Blame, Exit, Failure};
use anyhow::Result;
use std::ffi::OsString;
use std::path::Path;
use wire::printable;

/// Runs the command.
///
/// # Errors
/// Where the arguments are wrong, something is missing, or an attack cannot be tried.
pub fn attack(course: Option<&Path>, arguments: &cli::Attack) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let attacks = corpus(&course.root, &arguments.only).blame_arguments()?;
    if arguments.in_a_copy {
        return prove_here(&course, attacks, &arguments.only);
    }
    let level = confine::reach(Sandbox::Full).blame_setup()?;
    say!("sandbox: {level}\n");
    let count = if arguments.prove {
        prove(&course, attacks)?
    } else {
        try_all(&course, &attacks, &mut |line| say!("{line}"))?
    };
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

/// How many attacks came out as they must.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) as_it_must_be: usize,
    pub(super) tried: usize,
    pub(super) skipped: usize,
    /// What is wrong, attack by attack.
    pub(super) faults: Vec<String>,
}

/// Tries attacks against the whole sandbox, and says line by line what came of each.
pub(super) fn try_all(
    course: &Course,
    attacks: &[Attack],
    line: &mut dyn FnMut(&str),
) -> Result<Count> {
    let ground = Ground::prepare(course, attacks)?;
    let mut count = Count::default();
    for attack in attacks {
        line(&format!("{}: {}", attack.name, attack.tries));
        if let Some(needs) = &attack.needs {
            line(&format!("  skipped: it needs {needs}\n"));
            count.skipped += 1;
            continue;
        }
        let outcome = ground.attempt(attack, &[])?;
        let faults = faults(attack, &outcome);
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
                crate::report::points(outcome.points)
            ));
        }
        line("");
        count.tried += 1;
        count.as_it_must_be += usize::from(faults.is_empty());
        let named = faults
            .into_iter()
            .map(|fault| format!("{}: {fault}", attack.name));
        count.faults.extend(named);
    }
    Ok(count)
}

fn faults(attack: &Attack, outcome: &Outcome) -> Vec<String> {
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
            crate::report::points(outcome.points),
            crate::report::points(attack.points)
        ));
    }
    faults
}

/// Lets attacks through, each with what stops it left out, in a copy of this machine of its own.
fn prove(course: &Course, mut attacks: Vec<Attack>) -> Result<Count> {
    attacks.retain(|attack| !attack.gains_without.is_empty() && attack.needs.is_none());
    let mut count = Count::default();
    for attack in &attacks {
        let again: [OsString; 7] = [
            "--course".into(),
            course.root.clone().into(),
            "attack".into(),
            "--prove".into(),
            "--in-a-copy".into(),
            "--only".into(),
            attack.name.clone().into(),
        ];
        let status = run_in_a_copy(&again)?;
        if status.code() == Some(NO_COPY.into()) {
            say!(
                "skipped: nothing is let through but in a throw-away copy of this machine, and there can be none here"
            );
            count.skipped = attacks.len();
            return Ok(count);
        }
        count.tried += 1;
        if Exit::from(status) == Exit::Success {
            count.as_it_must_be += 1;
        } else {
            count.faults.push(attack.name.clone());
        }
    }
    Ok(count)
}

/// Lets one attack through, in the copy of this machine that this is, and says what it gains.
fn prove_here(course: &Course, mut attacks: Vec<Attack>, name: &[String]) -> Result<Exit, Failure> {
    attacks.retain(|attack| name.contains(&attack.name));
    let ground = Ground::prepare(course, &attacks)?;
    for attack in &attacks {
        let layers = attack.gains_without.iter().map(Layer::to_string);
        let layers = layers.collect::<Vec<_>>().join(", ");
        say!("{}: {}", attack.name, attack.tries);
        let outcome = ground.attempt(attack, &attack.gains_without)?;
        for gain in &outcome.gains {
            say!("  gains without {layers}: {}", printable(gain));
        }
        if outcome.gains.is_empty() {
            say!("  NO GAIN even without {layers}: it proves nothing\n");
            return Ok(Exit::Failed);
        }
        say!();
    }
    Ok(Exit::Success)
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
