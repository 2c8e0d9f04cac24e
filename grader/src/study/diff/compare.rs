//! The comparison of a learner's code with the nearest of the correct solutions, item by item.

use super::align::{Alignment, Sameness, Stream, align, sameness};
use super::code::{Code, Item, shown};
use super::format::Formatter;
use super::lines::{Row, count, rows};
use super::measure::Cost;
use super::pair::{Pairs, pair, used_by};
use super::rename;
use super::solutions::Solution;
use anyhow::Result;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The likeness below which code is unlike a solution.
const ALIKE: f64 = 0.4;

/// The relation of a learner's item to that of a solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The same tokens.
    Same,
    /// The same but for names of locals, parameters and helpers.
    SameButNames,
    /// Something else.
    Differs,
}

/// The selection of items and solutions, and of names to show.
#[derive(Clone, Copy)]
pub struct Choice<'a> {
    /// Returns whether an item of the public interface is compared, by its path.
    pub is_wanted: &'a dyn Fn(&str) -> bool,
    /// The number of the solution to compare with; otherwise the nearest.
    pub against: Option<usize>,
    /// True if solutions keep their names.
    pub names: bool,
}

/// The comparison of a learner's code with solutions.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The solution that is nearest on the whole, or the one that was asked for.
    pub nearest: String,
    /// True if it was asked for.
    pub asked: bool,
    /// The share of tokens that the learner's items have in common with its, names aside.
    pub likeness: f64,
    /// The lines by which the learner's code is longer than the reference's.
    pub longer: i64,
    /// The items.
    pub items: Vec<ItemDiff>,
    /// Items of the learner's that no item that is compared uses, and that no solution has.
    pub unused: Vec<String>,
}

/// The comparison of an item.
#[derive(Clone, Debug, Serialize)]
pub struct ItemDiff {
    /// Its path.
    pub item: String,
    /// Its relation to the solution's.
    pub verdict: Verdict,
    /// The solution.
    pub against: String,
    /// The share of tokens that they have in common, names aside.
    pub likeness: f64,
    /// True if it is unlike all solutions.
    pub unlike: bool,
    /// The learner's helpers that are shown below it.
    pub helpers: Vec<String>,
    /// The solution's.
    pub their_helpers: Vec<String>,
    /// The lines of code: the learner's, the solution's.
    pub lines: [usize; 2],
    /// Names of the solution, and the learner's that stand for them here.
    pub names: Vec<(String, String)>,
    /// The lines, where they differ.
    pub rows: Vec<Row>,
    /// The passages of the reference's README that are about it.
    pub why: Vec<String>,
    /// Its cost, where it differs.
    pub cost: Option<Cost>,
    /// The number of the solution, and of the learner's items and those of the solution's.
    #[serde(skip)]
    pub(super) parts: Parts,
}

/// The items of a comparison.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub(super) solution: usize,
    pub(super) yours: Vec<usize>,
    pub(super) theirs: Vec<usize>,
}

/// A learner's item beside a solution's.
struct Candidate {
    parts: Parts,
    sameness: Option<Sameness>,
    alignment: Alignment,
    weight: usize,
    streams: [Stream; 2],
}

impl Candidate {
    /// The rank: the higher, the nearer.
    fn rank(&self) -> (u8, f64) {
        let rank = match self.sameness {
            Some(Sameness::Whole) => 2,
            Some(Sameness::ButNames) => 1,
            None => 0,
        };
        (rank, self.alignment.likeness)
    }
}

/// Compares code with solutions, of which the first is the reference.
///
/// # Errors
/// Returns an error if rustfmt cannot be started.
pub fn compare(
    yours: &Code,
    solutions: &[Solution],
    choice: Choice<'_>,
    formatter: &Formatter,
) -> Result<Comparison> {
    let pairs: Vec<_> = solutions.iter().map(|it| pair(yours, &it.code)).collect();
    let mut beside: Vec<_> = solutions
        .iter()
        .zip(&pairs)
        .enumerate()
        .map(|(number, (solution, pairs))| candidates(yours, number, solution, pairs, choice))
        .collect();
    let totals = beside.iter().map(total).collect::<Vec<_>>();
    let nearest = choice.against.unwrap_or_else(|| first_largest(&totals));
    let mut chosen: Vec<Candidate> = vec![];
    let mut shown_below = BTreeSet::new();
    let reference = beside.first().into_iter().flatten();
    let reference: BTreeSet<_> = reference
        .flat_map(|(_, it)| it.parts.theirs.clone())
        .collect();
    for own in 0..yours.items.len() {
        let mut all: Vec<(usize, Candidate)> = beside
            .iter_mut()
            .enumerate()
            .filter_map(|(number, of)| Some((number, of.remove(&own)?)))
            .collect();
        if let Some(only) = choice.against {
            all.retain(|(number, _)| *number == only);
        }
        // The nearest on the whole comes before others that are as near, and the reference before variants.
        let is_nearest = |number: usize| u8::from(number == nearest);
        let best = all.into_iter().max_by(|(a, x), (b, y)| {
            let (x, y) = (x.rank(), y.rank());
            x.0.cmp(&y.0)
                .then(x.1.total_cmp(&y.1))
                .then(is_nearest(*a).cmp(&is_nearest(*b)))
                .then(b.cmp(a))
        });
        if let Some((_, best)) = best {
            shown_below.extend(best.parts.yours.iter().skip(1).copied());
            chosen.push(best);
        }
    }
    chosen.retain(|it| !shown_below.contains(&it.parts.yours[0]));
    let reworded = match choice.names {
        true => vec![None; solutions.len()],
        false => reworded(solutions, &pairs, &chosen, formatter)?,
    };
    let mut items = vec![];
    for candidate in &chosen {
        let number = candidate.parts.solution;
        let solution = &solutions[number];
        let code = reworded[number].as_ref().unwrap_or(&solution.code);
        items.push(item(yours, candidate, solution, code, choice.names)?);
    }
    let own: BTreeSet<_> = chosen
        .iter()
        .flat_map(|it| it.parts.yours.clone())
        .collect();
    let lines = |code: &Code, items: BTreeSet<usize>| {
        let items: Vec<_> = items.into_iter().collect();
        text(code, &items).map(|text| count(&text) as i64)
    };
    let longer = lines(yours, own)? - lines(&solutions[0].code, reference)?;
    let mut met: BTreeSet<usize> = chosen
        .iter()
        .flat_map(|it| it.parts.yours.clone())
        .collect();
    met.extend(pairs.iter().flat_map(|it| it.left_of.values().copied()));
    let is_unused = |own: &usize| !met.contains(own);
    let unused = (0..yours.items.len()).filter(is_unused);
    Ok(Comparison {
        nearest: solutions[nearest].name.clone(),
        asked: choice.against.is_some(),
        likeness: totals[nearest],
        longer,
        unused: unused.map(|own| yours.items[own].path.clone()).collect(),
        items,
    })
}

/// The items that are compared with a solution's, by their numbers in the learner's code.
fn candidates(
    yours: &Code,
    number: usize,
    solution: &Solution,
    pairs: &Pairs,
    choice: Choice<'_>,
) -> BTreeMap<usize, Candidate> {
    let theirs = &solution.code;
    let right_of: BTreeMap<_, _> = pairs.left_of.iter().map(|(b, a)| (*a, *b)).collect();
    // Public ones, and the helpers that they use.
    let is_wanted = |item: &Item| item.is_public && (choice.is_wanted)(&item.path);
    let wanted = |of: &Code| -> Vec<usize> {
        (0..of.items.len())
            .filter(|it| is_wanted(&of.items[*it]))
            .collect()
    };
    let mut helpers: BTreeSet<_> = (0..yours.items.len())
        .filter(|it| !yours.items[*it].is_public)
        .collect();
    let mut all = wanted(yours);
    all.extend(used_by(yours, &all, &mut helpers));
    all.sort_unstable();
    let mut only_yours: BTreeSet<_> = (0..yours.items.len())
        .filter(|it| !right_of.contains_key(it))
        .collect();
    let mut only_theirs: BTreeSet<_> = (0..theirs.items.len())
        .filter(|it| !pairs.left_of.contains_key(it) && !theirs.items[*it].is_public)
        .collect();
    let mut candidates = BTreeMap::new();
    for own in all {
        let Some(&other) = right_of.get(&own) else {
            continue;
        };
        let with = |code: &Code, item: usize, of: &mut BTreeSet<usize>| {
            let helpers = used_by(code, &[item], of);
            [vec![item], helpers].concat()
        };
        let parts = Parts {
            solution: number,
            yours: with(yours, own, &mut only_yours),
            theirs: with(theirs, other, &mut only_theirs),
        };
        let left = Stream::of(parts.yours.iter().map(|it| &yours.items[*it]));
        let right = Stream::of(parts.theirs.iter().map(|it| &theirs.items[*it]));
        let (sameness, alignment) = match sameness(&left, &right, &pairs.renamed) {
            Some((sameness, alignment)) => (Some(sameness), alignment),
            None => (None, align(&left, &right, &pairs.renamed)),
        };
        let candidate = Candidate {
            sameness,
            alignment,
            weight: left.weight() + right.weight(),
            streams: [left, right],
            parts,
        };
        candidates.insert(own, candidate);
    }
    candidates
}

/// The likeness of all items.
fn total(of: &BTreeMap<usize, Candidate>) -> f64 {
    let all: usize = of.values().map(|it| it.weight).sum();
    let common = of
        .values()
        .map(|it| it.alignment.likeness * it.weight as f64);
    common.sum::<f64>() / all.max(1) as f64
}

fn first_largest(values: &[f64]) -> usize {
    let all = values.iter().enumerate();
    let largest = all.max_by(|(i, a), (j, b)| a.total_cmp(b).then(j.cmp(i)));
    largest.map_or(0, |(i, _)| i)
}

/// The solutions with the learner's names, where some of their items are shown.
fn reworded(
    solutions: &[Solution],
    pairs: &[Pairs],
    chosen: &[Candidate],
    formatter: &Formatter,
) -> Result<Vec<Option<Code>>> {
    let mut all = vec![];
    for (number, solution) in solutions.iter().enumerate() {
        let code = &solution.code;
        let mut of_files: BTreeMap<usize, rename::Edits> = BTreeMap::new();
        let helpers = helper_names(code, &pairs[number]);
        let mut seen = BTreeSet::new();
        for candidate in chosen.iter().filter(|it| it.parts.solution == number) {
            for (part, &place) in candidate.parts.theirs.iter().enumerate() {
                if !seen.insert(place) {
                    continue;
                }
                let item = &code.items[place];
                let names = names_of(candidate, part);
                let mut edits = rename::edits(item.text(code), item, &names);
                edits.extend(rename::words(item, &helpers));
                let edits = edits.into_iter();
                let edits = edits
                    .map(|(range, new)| (item.start + range.start..item.start + range.end, new));
                of_files.entry(item.file).or_default().extend(edits);
            }
        }
        if seen.is_empty() {
            all.push(None);
            continue;
        }
        let files = code.files.iter().enumerate().map(|(number, file)| {
            let edits = of_files.remove(&number).unwrap_or_default();
            (file.path.clone(), code.with(number, &edits))
        });
        let reworded = Code::of(files.collect(), formatter).ok();
        // Formatting changes no item: should it, the names stay.
        all.push(reworded.filter(|it| it.items.len() == code.items.len()));
    }
    Ok(all)
}

/// The learner's names for the bindings of one of a solution's items.
fn names_of(candidate: &Candidate, part: usize) -> BTreeMap<usize, String> {
    let [left, right] = &candidate.streams;
    let pairs = candidate.alignment.bindings.iter();
    let of_part = pairs.filter_map(|(&b, &a)| {
        let (item, binding) = right.place(b);
        (item == part).then(|| (binding, left.name(a).to_owned()))
    });
    of_part.collect()
}

/// The learner's names for a solution's helpers, where nothing else in it is called so.
fn helper_names(theirs: &Code, pairs: &Pairs) -> BTreeMap<String, String> {
    let is_free = |name: &str| {
        theirs.items.iter().all(|item| {
            item.name != name
                && !item.mentions.contains(name)
                && item.names.bindings.iter().all(|it| it.name != name)
        })
    };
    let renamed = pairs.renamed.iter();
    renamed
        .filter(|(yours, _)| is_free(yours))
        .map(|(yours, theirs)| (theirs.clone(), yours.clone()))
        .collect()
}

fn text(code: &Code, items: &[usize]) -> Result<String> {
    let texts: Result<Vec<_>> = items
        .iter()
        .map(|item| shown(code, &code.items[*item]))
        .collect();
    Ok(texts?.join("\n\n"))
}

fn item(
    yours: &Code,
    candidate: &Candidate,
    solution: &Solution,
    code: &Code,
    names: bool,
) -> Result<ItemDiff> {
    let parts = &candidate.parts;
    let verdict = match candidate.sameness {
        Some(Sameness::Whole) => Verdict::Same,
        Some(Sameness::ButNames) => Verdict::SameButNames,
        None => Verdict::Differs,
    };
    let (own, other) = (text(yours, &parts.yours)?, text(code, &parts.theirs)?);
    let is_shown = match verdict {
        Verdict::Same => false,
        Verdict::SameButNames => names,
        Verdict::Differs => true,
    };
    let paths = |code: &Code, items: &[usize]| -> Vec<String> {
        let helpers = items.iter().skip(1);
        helpers.map(|it| code.items[*it].path.clone()).collect()
    };
    let [left, right] = &candidate.streams;
    let bindings: BTreeMap<_, _> = candidate.alignment.bindings.iter().collect();
    let mut other_names: Vec<_> = bindings
        .into_iter()
        .map(|(&b, &a)| (right.name(b).to_owned(), left.name(a).to_owned()))
        .filter(|(theirs, yours)| theirs != yours)
        .collect();
    let mut seen = BTreeSet::new();
    other_names.retain(|it| seen.insert(it.clone()));
    let likeness = match verdict {
        Verdict::Differs => candidate.alignment.likeness,
        _ => 1.0,
    };
    Ok(ItemDiff {
        item: yours.items[parts.yours[0]].path.clone(),
        verdict,
        against: solution.name.clone(),
        likeness,
        unlike: verdict == Verdict::Differs && likeness < ALIKE,
        helpers: paths(yours, &parts.yours),
        their_helpers: paths(&solution.code, &parts.theirs),
        lines: [&own, &other].map(|text| count(text)),
        names: other_names,
        rows: match is_shown {
            true => rows(&own, &other),
            false => vec![],
        },
        why: vec![],
        cost: None,
        parts: parts.clone(),
    })
}
