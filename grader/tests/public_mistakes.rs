//! The mistakes that were collected from public code: each has a source, and a misconception that names it or the reason
//! why none can; README counts them.

use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// `solutions/NN-name/public-mistakes.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Collection {
    mistake: Vec<Mistake>,
}

/// One mistake.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mistake {
    what: String,
    /// Issues and pull requests, `owner/name#number`; files, `owner/name path`; papers, `arXiv:number`.
    seen: Vec<String>,
    /// The misconception that names it.
    named: Option<String>,
    /// The reason why none can name it.
    unnamed: Option<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folder of each solution that has a collection, and the collection.
fn collections() -> Vec<(PathBuf, Collection)> {
    let folders = fs::read_dir(root().join("solutions")).expect("solutions");
    let mut folders: Vec<_> = folders.map(|it| it.expect("a folder").path()).collect();
    folders.sort();
    folders.retain(|folder| folder.join("public-mistakes.toml").exists());
    let read = |folder: PathBuf| {
        let path = folder.join("public-mistakes.toml");
        let text = fs::read_to_string(&path).expect("a text");
        let collection =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (folder, collection)
    };
    folders.into_iter().map(read).collect()
}

/// Returns whether a source is written so that anybody finds it.
fn can_be_found(source: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_repository = |text: &str| {
        text.split_once('/').is_some_and(|(owner, name)| {
            let parts = [owner, name];
            parts
                .iter()
                .all(|part| !part.is_empty() && part.chars().all(is_name))
        })
    };
    let is_number = |text: &str| text.parse::<u32>().is_ok_and(|number| number > 0);
    if let Some(number) = source.strip_prefix("arXiv:") {
        return number.parse::<f64>().is_ok();
    }
    source
        .split_once('#')
        .is_some_and(|(repository, number)| is_repository(repository) && is_number(number))
        || source
            .split_once(' ')
            .is_some_and(|(repository, path)| is_repository(repository) && !path.is_empty())
}

#[test]
fn each_public_mistake_has_a_source_and_is_named_or_says_why_not() {
    for (folder, collection) in collections() {
        let mut seen_before = BTreeSet::new();
        for mistake in collection.mistake {
            let what = format!("{}: {}", folder.display(), mistake.what);
            assert!(!mistake.seen.is_empty(), "{what}: no source");
            for source in &mistake.seen {
                assert!(can_be_found(source), "{what}: what is {source:?}?");
            }
            match (mistake.named, mistake.unnamed) {
                (Some(id), None) => {
                    let diff = folder.join("misconceptions").join(format!("{id}.diff"));
                    assert!(diff.exists(), "{what}: there is no misconception {id}");
                }
                (None, Some(why)) => assert!(!why.is_empty(), "{what}: why is it not named?"),
                _ => panic!("{what}: either `named` or `unnamed`"),
            }
            assert!(seen_before.insert(mistake.what), "{what}: twice");
        }
    }
}

#[test]
fn the_readme_counts_public_mistakes() {
    let mistakes: Vec<_> = collections()
        .into_iter()
        .flat_map(|it| it.1.mistake)
        .collect();
    let named = mistakes.iter().filter(|it| it.named.is_some()).count();
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let words: Vec<_> = readme.split_whitespace().collect();
    let expected = format!(
        "{named} of {} mistakes collected from public code",
        mistakes.len()
    );
    assert!(
        words.join(" ").contains(&expected),
        "README.md does not say \"{expected}\""
    );
}
