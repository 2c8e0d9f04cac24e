//! `grader attack`: every hostile submission of the corpus, tried here and now.

use super::open_course;
use crate::attack::{Attack, Ground, Outcome, corpus};
use crate::cli;
use crate::confine::{self, Sandbox};
use crate::exit::{Blame, Exit, Failure};
use std::path::Path;
use wire::printable;

/// Runs the command.
///
/// # Errors
/// Where the arguments are wrong, something is missing, or an attack cannot be tried.
pub fn attack(course: Option<&Path>, arguments: &cli::Attack) -> Result<Exit, Failure> {
    let course = open_course(course)?;
    let mut attacks = corpus(&course.root, &arguments.only).blame_arguments()?;
    let sandbox = if arguments.prove {
        attacks.retain(|attack| attack.works_unconfined);
        Sandbox::None
    } else {
        Sandbox::Full
    };
    let level = confine::reach(sandbox).blame_setup()?;
    say!("sandbox: {level}\n");
    let ground = Ground::prepare(&course, sandbox, &attacks)?;
    let mut as_it_must_be = 0;
    let mut skipped = 0;
    for attack in &attacks {
        say!("{}: {}", attack.name, attack.tries);
        if let Some(needs) = &attack.needs {
            say!("  skipped: it needs {needs}\n");
            skipped += 1;
            continue;
        }
        let outcome = ground.attempt(attack)?;
        let good = if arguments.prove {
            show_proof(&outcome)
        } else {
            show(attack, &outcome)
        };
        as_it_must_be += usize::from(good);
        say!();
    }
    let tried = attacks.len() - skipped;
    let became = if arguments.prove {
        "gained something unconfined"
    } else {
        "gained nothing"
    };
    say!("{as_it_must_be} of {tried} {became}, {skipped} skipped");
    Ok(if as_it_must_be == tried {
        Exit::Success
    } else {
        Exit::Failed
    })
}

fn show(attack: &Attack, outcome: &Outcome) -> bool {
    say!("  stopped by  {}", attack.stopped_by);
    for gain in &outcome.gains {
        say!("  GAINED      {}", printable(gain));
    }
    let mut was_tried = true;
    match (&outcome.evidence, &attack.evidence) {
        (Some(evidence), _) => say!("  it was told {}", shortened(evidence)),
        (None, None) => {}
        (None, Some(wanted)) => {
            was_tried = false;
            say!("  NOT TRIED   nothing in its result says {wanted:?}: it did not get that far");
        }
    }
    let gained_nothing = outcome.gains.is_empty();
    if gained_nothing {
        say!(
            "  gained nothing: {} points, which are its own",
            crate::report::points(outcome.points)
        );
    }
    gained_nothing && was_tried
}

fn show_proof(outcome: &Outcome) -> bool {
    for gain in &outcome.gains {
        say!("  gains, unconfined: {}", printable(gain));
    }
    if outcome.gains.is_empty() {
        say!("  NO GAIN even unconfined: it proves nothing");
    }
    !outcome.gains.is_empty()
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
