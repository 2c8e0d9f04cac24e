//! The items of an exercise: the public functions and types that its description names, as a learner calls them.

use crate::model::{DescribedItem, Interface};

/// A public function or type of an exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its path within the exercise's crate: `attention`, `Msa`, `Msa::forward`.
    pub path: String,
    /// Its kind.
    pub kind: ItemKind,
    /// The operations in which a worker calls it. A type has those of all its functions, and one that is only a list of values
    /// has none.
    pub operations: Vec<String>,
}

/// The kinds of item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A function.
    Function,
    /// A type.
    Type,
    /// A function of a type: a constructor or a method.
    Method,
}

impl Item {
    /// The type that a method is of.
    pub fn owner(&self) -> Option<&str> {
        self.path.split_once("::").map(|(owner, _)| owner)
    }

    /// Its name without its type's: `forward`.
    pub fn name(&self) -> &str {
        self.path
            .rsplit_once("::")
            .map_or(&self.path, |(_, name)| name)
    }
}

impl Interface {
    /// The items that are the exercise's own, each type before its functions, otherwise in the order of the description.
    pub fn items(&self) -> Vec<Item> {
        let mut items = vec![];
        let is_own = |home: &String| *home == self.name;
        for it in self.enums.iter().filter(|it| is_own(&it.home)) {
            items.push(item(&it.item.ident, ItemKind::Type, vec![]));
        }
        for it in self.structs.iter().filter(|it| is_own(&it.home)) {
            let name = &it.item.ident;
            let presets = it.presets.as_ref();
            let operations: Vec<_> = presets.map(|it| it.operation.clone()).into_iter().collect();
            items.push(item(name, ItemKind::Type, operations.clone()));
            let names = presets.into_iter().flat_map(|it| &it.names);
            items.extend(names.map(|preset| method(name, preset, operations.clone())));
        }
        for it in self.records.iter().filter(|it| is_own(&it.home)) {
            items.push(item(&it.item.ident, ItemKind::Type, vec![]));
        }
        for part in &self.parts {
            match part {
                DescribedItem::Function(it) => {
                    let operations = vec![it.operation.clone()];
                    items.push(item(&it.signature.ident, ItemKind::Function, operations));
                }
                DescribedItem::Module(it) => {
                    let new = format!("{}.new", it.operation);
                    let of_builders = it.builders.iter().map(|_| new.clone());
                    let of_methods = it.methods.iter().map(|it| it.operation.clone());
                    let functions = [(&it.new.ident, new.clone())].into_iter();
                    let builders = it.builders.iter().map(|it| &it.signature.ident);
                    let methods = it.methods.iter().map(|it| &it.signature.ident);
                    let functions = functions
                        .chain(builders.zip(of_builders))
                        .chain(methods.zip(of_methods));
                    let functions: Vec<_> = functions.collect();
                    let mut all = vec![it.operation.clone()];
                    for (_, operation) in &functions {
                        if !all.contains(operation) {
                            all.push(operation.clone());
                        }
                    }
                    items.push(item(&it.name, ItemKind::Type, all));
                    items.extend(
                        functions
                            .into_iter()
                            .map(|(name, operation)| method(&it.name, name, vec![operation])),
                    );
                }
            }
        }
        items
    }
}

fn item(name: &syn::Ident, kind: ItemKind, operations: Vec<String>) -> Item {
    Item {
        path: name.to_string(),
        kind,
        operations,
    }
}

fn method(owner: &syn::Ident, name: &syn::Ident, operations: Vec<String>) -> Item {
    Item {
        path: format!("{owner}::{name}"),
        kind: ItemKind::Method,
        operations,
    }
}
