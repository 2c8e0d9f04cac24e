//! A solution with the learner's names: whatever could change what it means is left as it is.

use super::code::{Item, substituted};
use super::names::{Form, Names, Occurrence};
use std::collections::BTreeMap;
use std::ops::Range;

/// Parts of an item's text, and what is to stand in their places.
pub(super) type Edits = Vec<(Range<usize>, String)>;

/// The edits that give bindings of an item other names, as many of them as leave every name's meaning as it is.
pub(super) fn edits(text: &str, item: &Item, names: &BTreeMap<usize, String>) -> Edits {
    let wanted = |(binding, name): &(&usize, &String)| {
        let binding = &item.names.bindings[**binding];
        !binding.fixed && binding.name != **name
    };
    let wanted: BTreeMap<_, _> = names.iter().filter(wanted).collect();
    let wanted: BTreeMap<_, _> = wanted.into_iter().map(|(a, b)| (*a, b.as_str())).collect();
    let all = edits_of(text, &item.names, &wanted);
    if keeps_meaning(text, &item.names, &all) {
        return all;
    }
    let mut kept = BTreeMap::new();
    // Those that are first are parameters, and are read most.
    for (binding, name) in wanted {
        kept.insert(binding, name);
        if !keeps_meaning(text, &item.names, &edits_of(text, &item.names, &kept)) {
            kept.remove(&binding);
        }
    }
    edits_of(text, &item.names, &kept)
}

/// Returns whether each name belongs to the same binding after the edits.
fn keeps_meaning(text: &str, names: &Names, edits: &Edits) -> bool {
    let Ok(after) = Names::of(&substituted(text, edits)) else {
        return false;
    };
    let fixed = |names: &Names| -> Vec<bool> { names.bindings.iter().map(|it| it.fixed).collect() };
    after.structure() == names.structure() && fixed(&after) == fixed(names)
}

fn edits_of(text: &str, names: &Names, new: &BTreeMap<usize, &str>) -> Edits {
    let occurrences = names.occurrences.iter();
    let edits = occurrences.filter_map(|it| Some(edit(text, it, new.get(&it.binding)?)));
    edits.collect()
}

fn edit(text: &str, occurrence: &Occurrence, name: &str) -> (Range<usize>, String) {
    let Range { start, end } = occurrence.range;
    match &occurrence.form {
        Form::Plain | Form::Captured => (start..end, name.to_owned()),
        Form::Shorthand(from) => {
            // Of `ref mut x`, the name is the last word.
            let (before, field) = (&text[*from..start], &text[start..end]);
            (*from..end, format!("{field}: {before}{name}"))
        }
        Form::Field(from, member) => {
            let between = &text[from + member.len()..start];
            match member == name && between.trim() == ":" {
                true => (*from..end, name.to_owned()),
                false => (start..end, name.to_owned()),
            }
        }
    }
}

/// The edits that give an item's words other names: those of helpers.
pub(super) fn words(item: &Item, names: &BTreeMap<String, String>) -> Edits {
    let tokens = item.tokens.all.iter();
    let words = tokens.filter(|it| it.is_name && it.binding.is_none());
    let words = words.filter_map(|it| Some((it.range.clone(), names.get(&it.text)?.clone())));
    words.collect()
}
