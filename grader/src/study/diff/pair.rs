//! The items of two sources that are compared with each other.

use super::align::{NameMap, Stream, align};
use super::code::{Code, Item};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The pairs of items of two sources.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    /// For each item on the right that has one, the item on the left.
    pub(super) left_of: BTreeMap<usize, usize>,
    /// Names of helpers on the left that are called otherwise on the right.
    pub(super) renamed: NameMap,
}

/// The likeness that helpers with the same types must have at least, and others.
const SAME_TYPES: f64 = 0.25;
const OTHER_TYPES: f64 = 0.6;

/// Pairs items by path; helpers that are left, by their types, then by their tokens.
pub(super) fn pair(left: &Code, right: &Code) -> Pairs {
    let mut pairs = Pairs::default();
    let mut taken = BTreeSet::new();
    for (b, item) in right.items.iter().enumerate() {
        let is_it = |(a, it): &(usize, &Item)| {
            !taken.contains(a) && it.path == item.path && it.kind == item.kind
        };
        let found = left.items.iter().enumerate().find(is_it);
        if let Some((a, _)) = found {
            taken.insert(a);
            pairs.left_of.insert(b, a);
        }
    }
    let mut likely = vec![];
    for (b, right) in helpers(right, |b| pairs.left_of.contains_key(&b)) {
        for (a, left) in helpers(left, |a| taken.contains(&a)) {
            if left.kind != right.kind {
                continue;
            }
            let streams = [left, right].map(|it| Stream::of([it]));
            let likeness = align(&streams[0], &streams[1], &NameMap::new()).likeness;
            let same_types = left.signature.is_some() && left.signature == right.signature;
            let least = if same_types { SAME_TYPES } else { OTHER_TYPES };
            if likeness >= least {
                likely.push((!same_types, Reverse((likeness * 1e6) as u64), b, a));
            }
        }
    }
    likely.sort_unstable();
    for (_, _, b, a) in likely {
        if !taken.contains(&a) && !pairs.left_of.contains_key(&b) {
            taken.insert(a);
            pairs.left_of.insert(b, a);
            let names = [&left.items[a].name, &right.items[b].name];
            if names[0] != names[1] {
                pairs.renamed.insert(names[0].clone(), names[1].clone());
            }
        }
    }
    pairs
}

/// The items that are no part of the interface and are not taken.
fn helpers(code: &Code, is_taken: impl Fn(usize) -> bool) -> Vec<(usize, &Item)> {
    let items = code.items.iter().enumerate();
    items
        .filter(|(i, item)| !item.is_public && !is_taken(*i))
        .collect()
}

/// The helpers that items use, directly or through others, in the order in which they stand. `of` are the items that are
/// helpers; those that are met are taken out of it.
pub(super) fn used_by(code: &Code, from: &[usize], of: &mut BTreeSet<usize>) -> Vec<usize> {
    let mut used = BTreeSet::new();
    let mut todo = from.to_vec();
    while let Some(item) = todo.pop() {
        let mentions = &code.items[item].mentions;
        let met = of
            .iter()
            .filter(|it| mentions.contains(&code.items[**it].name));
        let met: Vec<_> = met.copied().collect();
        for helper in met {
            of.remove(&helper);
            used.insert(helper);
            todo.push(helper);
        }
    }
    used.into_iter().collect()
}
