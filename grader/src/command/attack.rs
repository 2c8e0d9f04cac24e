//! `grader attack`: every hostile submission of the corpus, tried here and now.

use super::open_course;
use crate::attack::{Attack, Ground, Outcome, corpus, run_in_a_copy, try_here};
use crate::cli;
use crate::confine::{self, Layer, Sandbox};
use crate::course::Course;
use crate::exit::{Blame, Exit, Failure};
use crate::lanes;
use crate::workshop::cargo_home;
use anyhow::Result;
use std::ffi::OsString;
use std::path::Path;
use std::process::Output;
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
    if arguments.apart {
        try_here(&course, &attacks, &arguments.only)?;
        return Ok(Exit::Success);
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

/// Tries attacks against the whole sandbox, as many at a time as there are processors, and says what came of each in
/// their order.
pub(super) fn try_all(
    course: &Course,
    attacks: &[Attack],
    line: &mut (dyn FnMut(&str) + Send),
) -> Result<Count> {
    let ground = Ground::prepare(course, attacks)?;
    let mut count = Count::default();
    lanes::in_order(
        attacks,
        lanes::processors(),
        |attack| {
            let tried = match &attack.needs {
                Some(needs) => Tried::Skipped(needs),
                None => Tried::Here(ground.attempt_apart(attack)?),
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
    Here(Outcome),
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
                crate::report::points(outcome.points)
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
    let act = |attack: &Attack| {
        let again: [OsString; 7] = [
            "--course".into(),
            course.root.clone().into(),
            "attack".into(),
            "--prove".into(),
            "--in-a-copy".into(),
            "--only".into(),
            attack.name.clone().into(),
        ];
        anyhow::Ok((attack.name.clone(), run_in_a_copy(&again)?))
    };
    let take = |(name, ended): (String, Output)| {
        let exit = Exit::from(ended.status);
        if exit == Exit::NoCopy {
            if count.skipped == 0 {
                say!("{}", String::from_utf8_lossy(&ended.stderr).trim_end());
                say!(
                    "skipped: nothing is let through but in a throw-away copy of this machine, and there can be none here"
                );
            }
            count.skipped += 1;
            return;
        }
        count.tried += 1;
        for said in [&ended.stdout, &ended.stderr] {
            say_whole(said);
        }
        if exit == Exit::Success {
            count.as_it_must_be += 1;
        } else {
            count.faults.push(name);
        }
    };
    lanes::in_order(&attacks, lanes::processors(), act, take)?;
    Ok(count)
}

/// Lets one attack through, in the copy of this machine that this is, and says what it gains.
fn prove_here(course: &Course, mut attacks: Vec<Attack>, name: &[String]) -> Result<Exit, Failure> {
    attacks.retain(|attack| name.contains(&attack.name));
    let places = [Some(course.root.join("target")), cargo_home()];
    for place in places.into_iter().flatten() {
        if let Err(error) = tempfile::NamedTempFile::new_in(&place) {
            eprintln!(
                "{} cannot be changed in a copy ({error}): it and all folders above it, but the topmost, must be your own",
                place.display()
            );
            return Ok(Exit::NoCopy);
        }
    }
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

/// What a process of this program's wrote.
fn say_whole(said: &[u8]) {
    let said = String::from_utf8_lossy(said);
    if !said.trim().is_empty() {
        say!("{}\n", said.trim_end());
    }
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
