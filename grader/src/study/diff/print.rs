//! Items of a solution as they are written, documentation included.

use super::code::{Code, Item};
use super::pair::used_by;
use std::collections::BTreeSet;

/// The items of the public interface that are shown, given by their paths, and the helpers that they use.
pub(super) fn print(code: &Code, shows: &dyn Fn(&str) -> bool) -> String {
    let all = 0..code.items.len();
    let is_shown = |it: &usize| code.items[*it].is_public && shows(&code.items[*it].path);
    let mut items: Vec<_> = all.clone().filter(is_shown).collect();
    let mut helpers: BTreeSet<_> = all.filter(|it| !code.items[*it].is_public).collect();
    items.extend(used_by(code, &items, &mut helpers));
    items.sort_unstable();
    let mut page = String::new();
    let mut open: Option<&str> = None;
    for item in items.into_iter().map(|it| &code.items[it]) {
        let owner = owner(item);
        if open != owner {
            if open.is_some() {
                page.push_str("}\n");
            }
            if !page.is_empty() {
                page.push('\n');
            }
            if let Some(owner) = owner {
                page.push_str(&format!("impl {owner} {{\n"));
            }
            open = owner;
        } else if !page.is_empty() {
            page.push('\n');
        }
        page.push_str(&code.files[item.file].text[item.range.clone()]);
        page.push('\n');
    }
    if open.is_some() {
        page.push_str("}\n");
    }
    page
}

/// The head of the block of a method, without `impl`.
fn owner(item: &Item) -> Option<&str> {
    let (owner, _) = item.path.rsplit_once("::")?;
    let last = owner.rsplit("::").next().unwrap_or(owner);
    last.starts_with(|it: char| it.is_uppercase() || it == '<')
        .then_some(owner)
}
