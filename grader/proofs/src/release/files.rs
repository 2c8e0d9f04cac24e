//! The files of the course that are given out.

use super::{Files, holds};
use anyhow::{Context, Result, anyhow};
use grader::course::{Course, Exercise};
use grader::study::reset::STUBS;
use hints::WithHint;
use interface::place::entries;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use wire::words::DRAWN_ANSWERS;

/// Files at the top that every release has.
const TOP: [&str; 7] = [
    ".cargo/config.toml",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
];

/// Files that a release has if the course does.
const IF_THERE: [&str; 7] = [
    ".vscode/extensions.json",
    ".vscode/settings.json",
    ".vscode/tasks.json",
    "datasets/README.md",
    "grader/EDITORS.md",
    "rust-toolchain",
    "rust-toolchain.toml",
];

/// Packages that only instructors and authors use.
pub(super) const INSTRUCTORS: [&str; 2] = ["grader/desk", "grader/proofs"];

/// The parts of a package that building it takes. Its tests are about the grader.
const OF_A_PACKAGE: [&str; 4] = ["Cargo.toml", "assets", "build.rs", "src"];

/// The parts that every exercise has.
const OF_AN_EXERCISE: [&str; 7] = [
    "Cargo.toml",
    "README.md",
    "hints.md",
    "interface.rs",
    "src/lib.rs",
    "stubs/lib.rs",
    "tests",
];

/// The files that are given out, as the course has them.
///
/// # Errors
/// Returns an error if one is missing or cannot be read, or an exercise's stubs were changed.
pub(super) fn given_out(course: &Course, exercises: &[Exercise]) -> Result<Files> {
    let root = &course.root;
    let mut files = Files::new();
    for file in TOP {
        take(root, file, &mut files)?;
    }
    for file in IF_THERE.iter().filter(|file| root.join(file).is_file()) {
        take(root, file, &mut files)?;
    }
    for exercise in exercises {
        let folder = format!("exercises/{}", exercise.folder);
        for part in OF_AN_EXERCISE {
            let place = format!("{folder}/{part}");
            if !root.join(&place).exists() {
                return Err(anyhow!("{place} is missing"));
            }
        }
        let answers = format!("{folder}/tests/{DRAWN_ANSWERS}");
        if exercise.has_drawn_tests() && !root.join(&answers).is_file() {
            return Err(anyhow!(
                "{answers} is missing, with which `check` judges there"
            ))
            .hint("`cargo grader verify --store` writes it");
        }
        take(root, &folder, &mut files)?;
        check_stubs(exercise, &folder, &files)?;
    }
    for package in packages(root)? {
        for part in OF_A_PACKAGE {
            let place = format!("{package}/{part}");
            if root.join(&place).exists() {
                take(root, &place, &mut files)?;
            }
        }
    }
    Ok(files)
}

/// The shallowest files and folders of the course of which nothing is given out.
///
/// # Errors
/// Returns an error if a folder cannot be read.
pub(super) fn left_out(course: &Course, files: &Files) -> Result<Vec<String>> {
    let mut found = vec![];
    collect_left_out(&course.root, "", files, &mut found)?;
    // Exercises leave out the same: one line stands for all.
    let shown = found
        .iter()
        .map(|place| match place.splitn(3, '/').collect::<Vec<_>>()[..] {
            ["exercises", _, part] => format!("exercises/*/{part}"),
            _ => place.clone(),
        });
    Ok(shown.collect::<BTreeSet<_>>().into_iter().collect())
}

fn collect_left_out(
    root: &Path,
    folder: &str,
    files: &Files,
    found: &mut Vec<String>,
) -> Result<()> {
    for path in entries(&root.join(folder)).with_context(|| unreadable(folder))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_left_by_tools(&name) {
            continue;
        }
        let place = match folder {
            "" => name.into_owned(),
            _ => format!("{folder}/{name}"),
        };
        if files.contains_key(&place) {
            continue;
        }
        if holds(files, &place) {
            collect_left_out(root, &place, files, found)?;
        } else {
            found.push(place);
        }
    }
    Ok(())
}

/// The packages of the workspace that are no exercises and no solutions, and are given out, with the one outside it that cargo
/// puts in the place of another.
fn packages(root: &Path) -> Result<Vec<String>> {
    let path = root.join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| unreadable("Cargo.toml"))?;
    let manifest: toml::Table = text.parse().context("Cargo.toml is not a manifest")?;
    let workspace = manifest.get("workspace");
    let listed = |key: &str| {
        let list = workspace.and_then(|it| it.get(key)?.as_array());
        let names = list.into_iter().flatten().filter_map(toml::Value::as_str);
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut packages = listed("members");
    packages.extend(listed("exclude"));
    packages.retain(|it| !it.ends_with("/*") && !INSTRUCTORS.contains(&it.as_str()));
    Ok(packages)
}

/// Takes a file, or all files below a folder.
fn take(root: &Path, place: &str, files: &mut Files) -> Result<()> {
    let path = root.join(place);
    if !path.is_dir() {
        let content = fs::read(&path).with_context(|| unreadable(place))?;
        files.insert(place.to_owned(), content);
        return Ok(());
    }
    for path in entries(&path).with_context(|| unreadable(place))? {
        let name = path.file_name().unwrap_or_default();
        let name = name
            .to_str()
            .with_context(|| format!("{} is not UTF-8", path.display()))?;
        if !is_left_by_tools(name) && !name.ends_with(".py") {
            take(root, &format!("{place}/{name}"), files)?;
        }
    }
    Ok(())
}

/// Returns whether a name is one that editors, tests and builds leave.
fn is_left_by_tools(name: &str) -> bool {
    let endings = [".new", ".orig", ".pending-snap", ".rej", "~"];
    name.starts_with('.')
        || ["__pycache__", "target"].contains(&name)
        || endings.iter().any(|end| name.ends_with(end))
}

/// Checks that the sources of an exercise are its stubs: a working copy may hold somebody's code.
fn check_stubs(exercise: &Exercise, folder: &str, files: &Files) -> Result<()> {
    let below = |part: &str| {
        let start = format!("{folder}/{part}/");
        let of_part = files.iter().filter_map(|(path, content)| {
            let path = path.strip_prefix(&start)?;
            Some((path.to_owned(), content.clone()))
        });
        of_part.collect::<Files>()
    };
    if below("src") == below(STUBS) {
        return Ok(());
    }
    Err(anyhow!(
        "{folder}/src holds other code than {folder}/{STUBS}"
    ))
    .hint(format!(
        "`cargo grader reset {}` puts the stubs back, and keeps a backup",
        exercise.name
    ))
}

fn unreadable(place: &str) -> String {
    format!("{place} cannot be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_working_copy_with_other_code_than_the_stubs_is_refused() -> Result<()> {
        let course = Course::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../..").as_ref())?;
        let exercise = course.exercises.first().context("an exercise")?;
        let check = |src: &str| {
            let files = [("x/src/lib.rs", src), ("x/stubs/lib.rs", "todo")];
            let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
            check_stubs(exercise, "x", &Files::from(files))
        };
        check("todo")?;
        let error = check("solved").expect_err("it is no stub").to_string();
        assert_eq!(error, "x/src holds other code than x/stubs");
        Ok(())
    }

    #[test]
    fn what_editors_and_builds_leave_is_not_given_out() {
        for name in [
            ".DS_Store",
            "lib.rs~",
            "x.snap.new",
            "target",
            "lib.rs.orig",
        ] {
            assert!(is_left_by_tools(name), "{name}");
        }
        for name in ["lib.rs", "drawn.txt", "images.snap"] {
            assert!(!is_left_by_tools(name), "{name}");
        }
    }
}
