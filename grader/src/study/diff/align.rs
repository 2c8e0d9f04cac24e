//! Two streams of tokens held against each other: how alike they are, and which local name of one is which of the other.

use super::code::Item;
use super::names::Binding;
use super::tokens::Token;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::collections::{BTreeMap, HashMap};

/// The tokens of an item and of the helpers that it is compared with.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    tokens: Vec<Word>,
    /// The bindings of all of its items, and the number of the item of each.
    bindings: Vec<(usize, Binding)>,
    /// The number of the first binding of each item.
    firsts: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Word {
    text: String,
    binding: Option<usize>,
    is_name: bool,
    is_body: bool,
}

/// Names of items on the left, and those of the items on the right that they are compared with.
pub(super) type NameMap = BTreeMap<String, String>;

/// The relation of two streams.
#[derive(Clone, Debug)]
pub(super) struct Alignment {
    /// For each binding on the right, that on the left.
    pub(super) bindings: HashMap<usize, usize>,
    /// The share of their tokens that they have in common, names aside.
    pub(super) likeness: f64,
}

/// The way in which two streams are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sameness {
    /// In every token.
    Whole,
    /// But for local names and names of helpers.
    ButNames,
}

impl Stream {
    /// The stream of an item and of the helpers that it is compared with, each where it is first called: as if it stood there.
    pub(super) fn of<'a>(items: impl IntoIterator<Item = &'a Item>) -> Self {
        let items: Vec<_> = items.into_iter().collect();
        let mut stream = Self::default();
        for (number, item) in items.iter().enumerate() {
            stream.firsts.push(stream.bindings.len());
            let bindings = item.names.bindings.iter().cloned();
            stream.bindings.extend(bindings.map(|it| (number, it)));
        }
        let mut writer = Writer {
            items: &items,
            is_written: vec![false; items.len()],
            stream,
        };
        for number in 0..items.len() {
            writer.write(number, &[]);
        }
        writer.stream
    }

    /// The item of a binding, and its number there.
    pub(super) fn place(&self, binding: usize) -> (usize, usize) {
        let item = self.bindings[binding].0;
        (item, binding - self.firsts[item])
    }

    /// The name of a binding.
    pub(super) fn name(&self, binding: usize) -> &str {
        &self.bindings[binding].1.name
    }

    /// The number of occurrences of each binding.
    fn counts(&self) -> HashMap<usize, usize> {
        let mut counts = HashMap::new();
        for binding in self.tokens.iter().filter_map(|it| it.binding) {
            *counts.entry(binding).or_default() += 1;
        }
        counts
    }

    /// The number of tokens that are compared.
    pub(super) fn weight(&self) -> usize {
        self.tokens.iter().filter(|it| it.is_body).count()
    }
}

struct Writer<'a> {
    items: &'a [&'a Item],
    is_written: Vec<bool>,
    stream: Stream,
}

impl Writer<'_> {
    /// Writes an item, unless it is written; `given` are the arguments of its first call, where they are plain local names.
    fn write(&mut self, number: usize, given: &[Option<usize>]) {
        if std::mem::replace(&mut self.is_written[number], true) {
            return;
        }
        let items = self.items;
        let item = items[number];
        let first = self.stream.firsts[number];
        // A parameter is what is given for it.
        let of = |binding: usize| {
            let parameter = item.names.bindings[binding].parameter;
            let given = parameter.and_then(|it| given.get(it).copied().flatten());
            given.unwrap_or(first + binding)
        };
        for (i, token) in item.tokens.all.iter().enumerate() {
            let is_helper = |it: &usize| items[*it].name == token.text && *it > 0;
            let helper = (0..items.len()).find(is_helper);
            if let Some(helper) = helper.filter(|_| token.is_name && token.binding.is_none()) {
                let given = arguments(&item.tokens.all[i + 1..]);
                let given: Vec<_> = given.into_iter().map(|it| it.map(of)).collect();
                self.write(helper, &given);
            }
            self.stream.tokens.push(Word {
                text: token.text.clone(),
                binding: token.binding.map(of),
                is_name: token.is_name,
                is_body: i >= item.tokens.head,
            });
        }
    }
}

/// The local names that are given to a function whose call goes on with these tokens; None for what is no plain name.
fn arguments(tokens: &[Token]) -> Vec<Option<usize>> {
    let mut given = vec![];
    let [open, tokens @ ..] = tokens else {
        return given;
    };
    if open.text != "(" {
        return given;
    }
    let mut depth = 0;
    let mut argument: Vec<&Token> = vec![];
    for token in tokens {
        match token.text.as_str() {
            "," | ")" if depth == 0 => {
                let is_sign = |it: &&&Token| !["&", "mut"].contains(&it.text.as_str());
                let plain: Vec<_> = argument.iter().filter(is_sign).collect();
                given.push(match plain.as_slice() {
                    [one] => one.binding,
                    _ => None,
                });
                argument.clear();
                if token.text == ")" {
                    break;
                }
                continue;
            }
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        argument.push(token);
    }
    given
}

/// Returns how two streams are the same, and which name of one is which of the other; `None` if they are not.
pub(super) fn sameness(
    left: &Stream,
    right: &Stream,
    renamed: &NameMap,
) -> Option<(Sameness, Alignment)> {
    if left.tokens.len() != right.tokens.len() {
        return None;
    }
    let mut whole = true;
    let (mut there, mut back) = (HashMap::new(), HashMap::new());
    for (a, b) in left.tokens.iter().zip(&right.tokens) {
        match (a.binding, b.binding) {
            (Some(a), Some(b)) => {
                let is_one = *there.entry(a).or_insert(b) == b && *back.entry(b).or_insert(a) == a;
                if !is_one {
                    return None;
                }
            }
            (None, None) if a.text == b.text => {}
            (None, None) if a.is_name && renamed.get(&a.text) == Some(&b.text) => {}
            _ => return None,
        }
        whole &= a.text == b.text;
    }
    let sameness = match whole {
        true => Sameness::Whole,
        false => Sameness::ButNames,
    };
    let alignment = Alignment {
        bindings: back,
        likeness: 1.0,
    };
    Some((sameness, alignment))
}

/// The votes below which two names are not taken for one: they share nothing but being bound.
const LEAST: usize = 5;

/// Votes of parameters at the same place: that decides.
const PARAMETER: usize = 1000;

/// The share of a name's occurrences that must be where the other one is: two in five.
const SHARE: (usize, usize) = (2, 5);

/// The votes for two names.
#[derive(Clone, Copy, Debug, Default)]
struct Votes {
    /// Each place counts by how much is the same around it.
    weight: usize,
    /// The places.
    places: usize,
}

/// Aligns two streams.
pub(super) fn align(left: &Stream, right: &Stream, renamed: &NameMap) -> Alignment {
    let mut bindings = HashMap::new();
    // First, any name may be any other; then those that are known tell more of the others.
    for _ in 0..3 {
        let known = bindings.len();
        let votes = votes(left, right, renamed, &bindings);
        choose(&votes, left, right, &mut bindings);
        if bindings.len() == known {
            break;
        }
    }
    let ops = diff(left, right, renamed, &bindings, false);
    let mut common = 0;
    for op in ops {
        if let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = op
        {
            let pairs = left.tokens[old_index..old_index + len]
                .iter()
                .zip(&right.tokens[new_index..new_index + len]);
            common += pairs.filter(|(a, b)| a.is_body && b.is_body).count();
        }
    }
    let all = left.weight() + right.weight();
    Alignment {
        bindings,
        likeness: match all {
            0 => 1.0,
            all => 2.0 * common as f64 / all as f64,
        },
    }
}

/// The differences of the streams, in which paired names are the same. Others are all the same, or all different.
fn diff(
    left: &Stream,
    right: &Stream,
    renamed: &NameMap,
    bindings: &HashMap<usize, usize>,
    any_name: bool,
) -> Vec<DiffOp> {
    let back: HashMap<_, _> = bindings.iter().map(|(b, a)| (*a, *b)).collect();
    let key = |side: char, it: &Word, paired: Option<usize>| match (it.binding, paired) {
        (Some(_), Some(binding)) => format!("\0{binding}"),
        (Some(_), None) if any_name => "\0".to_owned(),
        (Some(binding), None) => format!("\0{side}{binding}"),
        (None, _) => it.text.clone(),
    };
    let lefts = left.tokens.iter();
    // Numbers are compared faster than texts.
    let mut numbers = HashMap::new();
    let mut number = |key: String| {
        let next = numbers.len();
        *numbers.entry(key).or_insert(next)
    };
    let lefts: Vec<_> = lefts
        .map(|it| match renamed.get(&it.text) {
            Some(other) if it.is_name && it.binding.is_none() => other.clone(),
            _ => key('a', it, it.binding.and_then(|it| back.get(&it).copied())),
        })
        .map(&mut number)
        .collect();
    let rights = right.tokens.iter().map(|it| {
        let paired = it.binding.filter(|it| bindings.contains_key(it));
        key('b', it, paired)
    });
    let rights: Vec<_> = rights.map(number).collect();
    capture_diff_slices(Algorithm::Myers, &lefts, &rights)
}

/// Votes for names to be the same: each place where both occur in the same surroundings is one, and the more of them are
/// the same, the more it counts.
fn votes(
    left: &Stream,
    right: &Stream,
    renamed: &NameMap,
    bindings: &HashMap<usize, usize>,
) -> BTreeMap<(usize, usize), Votes> {
    let mut votes: BTreeMap<_, Votes> = BTreeMap::new();
    for op in diff(left, right, renamed, bindings, true) {
        let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = op
        else {
            continue;
        };
        for i in 0..len {
            let pair = (
                left.tokens[old_index + i].binding,
                right.tokens[new_index + i].binding,
            );
            if let (Some(a), Some(b)) = pair {
                let votes = votes.entry((a, b)).or_default();
                votes.weight += 1 + i.min(3) + (len - 1 - i).min(3);
                votes.places += 1;
            }
        }
    }
    let parameter = |stream: &Stream, binding: usize| {
        let (item, it) = &stream.bindings[binding];
        it.parameter.filter(|_| *item == 0)
    };
    for a in 0..left.bindings.len() {
        for b in 0..right.bindings.len() {
            let place = parameter(left, a);
            if place.is_some() && place == parameter(right, b) {
                votes.entry((a, b)).or_default().weight += PARAMETER;
            }
        }
    }
    votes
}

/// Pairs names by votes, most first; each name is paired once.
fn choose(
    votes: &BTreeMap<(usize, usize), Votes>,
    left: &Stream,
    right: &Stream,
    bindings: &mut HashMap<usize, usize>,
) {
    let mut votes: Vec<_> = votes.iter().map(|(pair, votes)| (*pair, *votes)).collect();
    let is_same = |(a, b): (usize, usize)| left.name(a) == right.name(b);
    votes.sort_by_key(|&(pair, votes)| (std::cmp::Reverse(votes.weight), !is_same(pair), pair));
    let counts = [left, right].map(Stream::counts);
    for ((a, b), Votes { weight, places }) in votes {
        let is_free = !bindings.contains_key(&b) && !bindings.values().any(|it| *it == a);
        let count = |side: usize, binding| counts[side].get(&binding).copied().unwrap_or(0);
        let most = count(0, a).max(count(1, b));
        let enough = weight >= PARAMETER
            || (weight >= LEAST && places * SHARE.1 >= most * SHARE.0)
            // The same name is no weak sign.
            || (weight >= 2 && is_same((a, b)));
        if is_free && enough {
            bindings.insert(b, a);
        }
    }
}
