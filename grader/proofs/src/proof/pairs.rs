//! That of two misconceptions in different functions both are named, and of two in the same function none that the other
//! hides. A few pairs of each exercise are tried, always the same ones.

use super::{Finding, trials};
use anyhow::Result;
use grader::course::Exercise;
use grader::grading::grade::{Doubt, Grader, Trial};
use grader::grading::naming::misconception::{apply, solution_of};
use grader::grading::naming::{Misconception, Named, functions};
use grader::grading::verdict::Outcome;
use quote::ToTokens;
use std::collections::BTreeSet;
use std::slice;

/// The number of pairs of an exercise that are tried, of different functions and of others.
const TRIED: usize = 4;

/// Two misconceptions in one source.
struct Pair<'a> {
    exercise: &'a Exercise,
    of: [Misconception; 2],
    source: String,
    /// True if they change different functions.
    is_apart: bool,
}

/// The result for a pair.
#[derive(Default)]
struct Naming {
    both: bool,
    fault: Option<String>,
}

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let mut pairs = vec![];
    for exercise in &grader.environment.exercises {
        let misconceptions = Misconception::all(&grader.environment.course, exercise)?;
        let solution = solution_of(&grader.environment.course, exercise)?;
        pairs.extend(pairs_of(exercise, &solution, &misconceptions)?);
    }
    let namings = trials::each(&pairs, |pair| naming_of(grader, pair))?;
    let apart = pairs.iter().filter(|pair| pair.is_apart).count();
    let named = pairs.iter().zip(&namings);
    let both = named.filter(|(pair, naming)| pair.is_apart && naming.both);
    let both = both.count();
    let faults: Vec<_> = namings.into_iter().filter_map(|it| it.fault).collect();
    Ok(Finding {
        showed: format!(
            "of {apart} pairs of misconceptions in different functions, {both} are both named; of {} in the same, none falsely",
            pairs.len() - apart
        ),
        faults,
    })
}

/// Pairs that apply together, of different functions and of others: the first with the last, the second with the one
/// before, and so on.
fn pairs_of<'a>(
    exercise: &'a Exercise,
    solution: &str,
    misconceptions: &[Misconception],
) -> Result<Vec<Pair<'a>>> {
    let functions = functions::changed(solution, misconceptions)?;
    let (mut apart, mut others) = (vec![], vec![]);
    let count = misconceptions.len();
    // All pairs, those first that are far from each other and have not been tried with another.
    let all = (1..count)
        .rev()
        .flat_map(|distance| (0..count - distance).map(move |a| (a, a + distance)));
    let mut used = [BTreeSet::new(), BTreeSet::new()];
    for (a, b) in all {
        let is_apart = match (&functions[a], &functions[b]) {
            (Some(of_a), Some(of_b)) => of_a.is_disjoint(of_b),
            _ => false,
        };
        let (pairs, used) = match is_apart {
            true => (&mut apart, &mut used[0]),
            false => (&mut others, &mut used[1]),
        };
        if pairs.len() == TRIED || used.contains(&a) || used.contains(&b) {
            continue;
        }
        let of = [a, b].map(|index| misconceptions[index].clone());
        if let Ok(source) = apply(&of[1].diff, &of[0].source) {
            used.extend([a, b]);
            pairs.push(Pair {
                exercise,
                of,
                source,
                is_apart,
            });
        }
    }
    apart.append(&mut others);
    Ok(apart)
}

fn naming_of(grader: &Grader, pair: &Pair<'_>) -> Result<Naming> {
    let Pair {
        exercise,
        of,
        source,
        ..
    } = pair;
    let both = trials::of_source(grader, exercise, source, Doubt::Failures)?;
    // Two diffs may apply and make no program.
    if both.outcome != Outcome::Tested {
        return Ok(Naming::default());
    }
    let names = of.each_ref().map(|it| it.id.as_str()).join(" and ");
    let fault = |what: String| Naming {
        both: false,
        fault: Some(format!("{} {names} at once {what}", exercise.folder)),
    };
    let named = match named(&both) {
        Ok(named) => named,
        Err(error) => return Ok(fault(format!("are not named: {error}"))),
    };
    let is_named = |one: &Misconception| named.iter().find(|it| it.misconception.id == one.id);
    let solution = solution_of(&grader.environment.course, exercise)?;
    let others = named.iter().map(|it| &it.misconception);
    for other in others.filter(|it| !of.contains(it)) {
        if !is_part_of(&solution, source, other)? {
            return Ok(fault(format!("are named {}", other.id)));
        }
    }
    if of.iter().all(|one| is_named(one).is_some()) {
        return Ok(Naming {
            both: true,
            fault: None,
        });
    }
    let mut alone = vec![];
    for one in of {
        alone.push(trials::of_source(
            grader,
            exercise,
            &one.source,
            Doubt::Failures,
        )?);
    }
    let seen: Vec<_> = alone.iter().map(operations).collect();
    let each_is_seen_alone = !seen[0].is_subset(&seen[1]) && !seen[1].is_subset(&seen[0]);
    if pair.is_apart && each_is_seen_alone {
        return Ok(fault("are not both named".to_owned()));
    }
    for (index, one) in of.iter().enumerate() {
        let Some(found) = is_named(one) else { continue };
        let other = &seen[1 - index];
        let shares_one = found
            .operations
            .iter()
            .any(|operation| other.contains(operation.as_str()));
        if !shares_one || are_alike(&both, &alone[index]) {
            continue;
        }
        // They may differ in functions that the misconception does not change.
        let changed = functions::changed(&solution, slice::from_ref(one))?.remove(0);
        let limited = functions::limited(&solution, source, &changed.unwrap_or_default())?;
        let limited = limited.to_token_stream().to_string();
        let limited = trials::of_source(grader, exercise, &limited, Doubt::Nothing)?;
        if !are_alike(&limited, &alone[index]) {
            return Ok(fault(format!(
                "are named {}, which answers otherwise",
                one.id
            )));
        }
    }
    Ok(Naming::default())
}

/// Returns whether every function that the misconception changes stands in the source as the misconception has it:
/// then its name is true of the source, even if a longer misconception was put in.
fn is_part_of(solution: &str, source: &str, misconception: &Misconception) -> Result<bool> {
    let pair = Misconception {
        source: source.to_owned(),
        ..misconception.clone()
    };
    let changed = functions::changed(solution, slice::from_ref(misconception))?.remove(0);
    let differing = functions::changed(&misconception.source, &[pair])?.remove(0);
    Ok(match (changed, differing) {
        (Some(changed), Some(differing)) => changed.is_disjoint(&differing),
        _ => false,
    })
}

fn named(trial: &Trial) -> Result<&[Named], String> {
    let suspicion = trial
        .suspicion
        .as_ref()
        .map_err(|error| format!("{error:#}"))?;
    Ok(&suspicion.named)
}

/// The functions in which something is named.
fn operations(trial: &Trial) -> BTreeSet<&str> {
    let named = named(trial).unwrap_or_default().iter();
    named
        .flat_map(|it| &it.operations)
        .map(String::as_str)
        .collect()
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
    fn pairs_are_of_different_misconceptions_and_apply_together() -> Result<()> {
        let function = |name: &str| {
            format!(
                "fn {name}() -> u8 {{\n    // One.\n    // Two.\n    1\n    // Three.\n    // Four.\n}}\n\n"
            )
        };
        let base = ["a", "b", "c"].map(function).concat();
        let changed = |id: &str, place: usize| {
            let (before, rest) =
                base.split_at(base.match_indices("    1\n").nth(place).expect("a body").0);
            let source = format!(
                "{before}{}",
                rest.replacen("    1\n", &format!("    {}\n", id.len()), 1)
            );
            let patch = diffy::create_patch(&base, &source).to_string();
            let hunks = &patch[patch.find("@@").expect("a hunk")..];
            Misconception {
                diff: format!("--- a/src/lib.rs\n+++ b/src/lib.rs\n{hunks}"),
                source,
                ..misconception(id)
            }
        };
        // The second and the third stand in one line.
        let misconceptions = [
            changed("aa", 0),
            changed("bbb", 1),
            changed("bbbb", 1),
            changed("ccccc", 2),
        ];
        let exercise = exercise();
        let pairs = pairs_of(&exercise, &base, &misconceptions)?;
        let names: Vec<_> = pairs
            .iter()
            .map(|pair| (pair.of.each_ref().map(|it| it.id.as_str()), pair.is_apart))
            .collect();
        assert_eq!(names, [(["aa", "ccccc"], true)]);
        assert!(pairs[0].source.contains("    2\n") && pairs[0].source.contains("    5\n"));
        Ok(())
    }

    #[test]
    fn a_misconception_is_part_of_a_source_that_holds_each_of_its_functions() -> Result<()> {
        let source = |a: u8, b: u8, c: u8| {
            format!("fn a() -> u8 {{ {a} }}\nfn b() -> u8 {{ {b} }}\nfn c() -> u8 {{ {c} }}\n")
        };
        let solution = source(1, 1, 1);
        let both = Misconception {
            source: source(2, 2, 1),
            ..misconception("both")
        };
        // Beside another, alone, in part, written otherwise, not at all.
        for (held, expected) in [
            (source(2, 2, 3), true),
            (source(2, 2, 1), true),
            (source(2, 1, 3), false),
            (source(2, 3, 1), false),
            (source(1, 1, 3), false),
        ] {
            assert_eq!(is_part_of(&solution, &held, &both)?, expected, "{held}");
        }
        let more = format!("{}struct D;", source(2, 2, 1));
        assert!(!is_part_of(&solution, &more, &both)?);
        Ok(())
    }
}
