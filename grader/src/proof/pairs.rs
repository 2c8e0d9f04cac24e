//! That two misconceptions at once are not named as one of them, unless the second changes nothing that a test sees. A
//! few pairs of each exercise are tried, always the same ones.

use super::{Finding, trials};
use crate::course::Exercise;
use crate::grade::{Doubt, Grader, Trial};
use crate::naming::Misconception;
use crate::naming::misconception::apply;
use crate::verdict::Outcome;
use anyhow::Result;

/// How many pairs of an exercise are tried.
const TRIED: usize = 4;

/// Two misconceptions in one source.
struct Pair<'a> {
    exercise: &'a Exercise,
    of: [Misconception; 2],
    source: String,
}

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let mut pairs = vec![];
    for exercise in &grader.exercises {
        let misconceptions = Misconception::all(&grader.course, exercise)?;
        pairs.extend(pairs_of(exercise, &misconceptions));
    }
    let faults = trials::each(&pairs, |pair| fault_of(grader, pair))?;
    let faults: Vec<_> = faults.into_iter().flatten().collect();
    Ok(Finding {
        showed: format!(
            "{} of {} pairs of misconceptions are named as no single one",
            pairs.len() - faults.len(),
            pairs.len()
        ),
        faults,
    })
}

/// Pairs that apply together: the first with the last, the second with the one before, and so on.
fn pairs_of<'a>(exercise: &'a Exercise, misconceptions: &[Misconception]) -> Vec<Pair<'a>> {
    let pairs = misconceptions.iter().zip(misconceptions.iter().rev());
    let pairs = pairs.take(misconceptions.len() / 2);
    let pairs = pairs.filter_map(|(a, b)| {
        let source = apply(&b.diff, &a.source).ok()?;
        let of = [a.clone(), b.clone()];
        Some(Pair {
            exercise,
            of,
            source,
        })
    });
    pairs.take(TRIED).collect()
}

fn fault_of(grader: &Grader, pair: &Pair<'_>) -> Result<Option<String>> {
    let Pair {
        exercise,
        of,
        source,
    } = pair;
    let both = trials::of_source(grader, exercise, source, Doubt::Failures)?;
    // Two diffs may apply and make no program.
    if both.outcome != Outcome::Tested {
        return Ok(None);
    }
    let names = of.each_ref().map(|it| it.id.as_str()).join(" and ");
    let named = match trials::suspected(&both) {
        Ok(named) => named,
        Err(error) => return Ok(Some(format!("{} {names}: {error}", exercise.folder))),
    };
    let [named] = named[..] else {
        return Ok(None);
    };
    let Some(alone) = of.iter().find(|it| it.id == named) else {
        return Ok(Some(format!(
            "{} {names} at once are named {named}",
            exercise.folder
        )));
    };
    let alone = trials::of_source(grader, exercise, &alone.source, Doubt::Failures)?;
    Ok((!are_alike(&both, &alone)).then(|| {
        format!(
            "{} {names} at once are named {named}, which fails otherwise",
            exercise.folder
        )
    }))
}

/// Whether both fail the same tests.
fn are_alike(a: &Trial, b: &Trial) -> bool {
    let said = |trial: &Trial| -> Vec<_> {
        let tests = trial.tests.iter();
        tests
            .map(|tested| (tested.test.clone(), tested.passed))
            .collect()
    };
    said(a) == said(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::misconceptions::testing::{exercise, misconception};

    #[test]
    fn pairs_are_of_different_misconceptions_and_apply_together() {
        let base = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";
        let changed = |id: &str, word: &str| {
            let source = base.replace(word, "changed");
            let patch = diffy::create_patch(base, &source).to_string();
            let names = "--- a/src/lib.rs\n+++ b/src/lib.rs\n";
            let hunks = &patch[patch.find("@@").expect("a hunk")..];
            Misconception {
                source,
                diff: format!("{names}{hunks}"),
                ..misconception(id)
            }
        };
        let places = [("a", "one"), ("b", "four"), ("c", "five"), ("d", "ten")];
        let misconceptions = places.map(|(id, word)| changed(id, word));
        let exercise = exercise();
        let pairs = pairs_of(&exercise, &misconceptions);
        let names: Vec<_> = pairs
            .iter()
            .map(|pair| pair.of.each_ref().map(|it| it.id.as_str()))
            .collect();
        assert_eq!(names, [["a", "d"]]);
        assert_eq!(pairs[0].source.matches("changed").count(), 2);
    }
}
