//! Libraries have the same features in every build of the workspace: else cargo compiles them, and all that depends on them, once
//! for each set. The crate `unified` asks for all that any build needs.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The features of a library, and the builds in which it has them.
type Builds = BTreeMap<String, BTreeSet<String>>;

/// Runs cargo in the checkout, as it is started for its commands, and returns what it prints.
fn cargo(arguments: &[String]) -> Result<String> {
    let checkout = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(checkout).args(arguments);
    let output = command.arg("--locked").output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The crates of a folder of the course that use libtorch, and the others.
fn crates(folder: &str) -> Result<[Vec<String>; 2]> {
    let arguments = ["metadata", "--no-deps", "--format-version=1"];
    let metadata: Value = serde_json::from_str(&cargo(&arguments.map(str::to_owned))?)?;
    let mut found = [vec![], vec![]];
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let text = |field: &str| package[field].as_str().map(str::to_owned);
        let (Some(name), Some(manifest)) = (text("name"), text("manifest_path")) else {
            continue;
        };
        if manifest.contains(&format!("/{folder}/")) {
            let dependencies = package["dependencies"].as_array();
            let mut dependencies = dependencies.into_iter().flatten();
            let is_without_torch = dependencies.all(|it| it["name"] != "tch");
            found[usize::from(is_without_torch)].push(name);
        }
    }
    Ok(found)
}

/// The builds of which the packages are selected: what they are for, the kinds of dependencies, and cargo's arguments.
fn builds() -> Result<Vec<(String, &'static str, Vec<String>)>> {
    const ALL: &str = "normal,build,dev";
    const PROGRAM: &str = "normal,build";
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let programs = ["grader", "proofs", "book", "desk"];
    let mut builds = programs
        .map(|name| (name.to_owned(), PROGRAM, vec![format!("-p={name}")]))
        .to_vec();
    let others = [
        ("tests of the grader", "-p=grader -p=proofs"),
        (
            "grader without a sandbox",
            "-p=grader --no-default-features",
        ),
        ("workspace", "--workspace --all-features"),
    ];
    builds.extend(others.map(|(name, selected)| (name.to_owned(), ALL, words(selected))));
    builds.push(("exercises".to_owned(), ALL, vec![]));
    let exercises = crates("exercises")?.into_iter().flatten();
    builds.extend(exercises.map(|name| {
        let arguments = vec![format!("-p={name}")];
        (format!("exercise {name}"), ALL, arguments)
    }));
    for (solutions, features) in crates("solutions")?.into_iter().zip(["judge/tch", ""]) {
        let mut arguments = words("-p=judge");
        arguments.extend(solutions.iter().map(|name| format!("-p={name}")));
        arguments.push(format!("--features={features}"));
        builds.push((format!("judges ({features})"), PROGRAM, arguments));
    }
    Ok(builds)
}

#[test]
fn each_library_has_the_same_features_in_every_build() -> Result<()> {
    let mut found: BTreeMap<String, Builds> = BTreeMap::new();
    for (name, kinds, selected) in builds()? {
        let mut arguments = [
            "tree",
            "--prefix=none",
            "--no-dedupe",
            "--format={p}|{f}",
            "--edges",
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.push(kinds.to_owned());
        arguments.extend(selected);
        for line in cargo(&arguments)?.lines() {
            // `syn v2.0.119|full`; a crate of the course has its folder behind its version.
            let Some((library, features)) = line.split_once('|') else {
                continue;
            };
            if !library.contains("(/") {
                let builds = found.entry(library.to_owned()).or_default();
                let builds = builds.entry(features.to_owned()).or_default();
                builds.insert(name.clone());
            }
        }
    }
    assert!(found.len() > 200, "cargo lists {} libraries", found.len());
    let differ: BTreeMap<_, _> = found
        .iter()
        .filter(|(_, builds)| builds.len() > 1)
        .collect();
    assert!(
        differ.is_empty(),
        "to be added to grader/unified: {differ:#?}"
    );
    Ok(())
}
