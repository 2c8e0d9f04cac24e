//! That everybody means the same tests: the test files, the manifest, the judge and the solution's own suite; and that
//! what a student reads beside an exercise is there.

use super::Finding;
use anyhow::Result;
use grader::course::{Course, Exercise};
use grader::grading::grade::Grader;
use grader::grading::judge::tests_of;
use grader::grading::lesson::Lessons;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use syn::{Expr, Item, Lit, Meta};

/// The tiers of hints.md, in their order.
const TIERS: [&str; 4] = [
    "## Idea",
    "## Shapes",
    "## Pseudo-code",
    "## Calls of the library",
];

pub(super) fn prove(grader: &Grader) -> Result<Finding> {
    let mut faults = vec![];
    let mut tests = 0;
    for exercise in &grader.environment.exercises {
        let scratch = grader.environment.scratch.folder()?;
        let in_judge = tests_of(&grader.environment, exercise, scratch.path())?;
        faults.extend(faults_of_tests(
            &grader.environment.course,
            exercise,
            &in_judge,
        ));
        faults.extend(faults_of_pages(&grader.environment.course.root, exercise));
        tests += in_judge.len();
    }
    Ok(Finding {
        showed: format!("{tests} tests compared in all places"),
        faults,
    })
}

fn faults_of_tests(course: &Course, exercise: &Exercise, in_judge: &[String]) -> Vec<String> {
    let folder = &exercise.folder;
    let manifest = format!("exercises/{folder}/Cargo.toml");
    let files = format!("exercises/{folder}/tests");
    let judge = format!("the judge of {}", exercise.name);
    let lessons = Lessons::of(course, exercise);

    let listed: Vec<_> = exercise.tests().map(|(_, name)| name).collect();
    let listed_once: BTreeSet<_> = listed.iter().map(String::as_str).collect();
    let written: BTreeSet<_> = lessons.names().collect();
    let judged: BTreeSet<_> = in_judge.iter().map(String::as_str).collect();

    let mut faults = vec![];
    if listed.len() != listed_once.len() {
        faults.push(format!("{manifest} lists a test twice"));
    }
    faults.extend(only_in(&manifest, &listed_once, &files, &written));
    faults.extend(only_in(&files, &written, &manifest, &listed_once));
    faults.extend(only_in(&judge, &judged, &manifest, &listed_once));
    faults.extend(only_in(&manifest, &listed_once, &judge, &judged));

    let without_claim = written.iter().filter(|name| {
        lessons
            .of_test(name)
            .is_none_or(|lesson| lesson.claim.is_empty())
    });
    faults.extend(without_claim.map(|name| {
        format!("{files} {name} has no doc comment: whoever fails it reads there what must hold")
    }));

    let kinds: BTreeSet<_> = exercise
        .facts
        .tests
        .keys()
        .map(ToString::to_string)
        .collect();
    let kinds: BTreeSet<_> = kinds.iter().map(String::as_str).collect();
    let in_folder = test_files(&course.root.join(&files));
    let in_folder: BTreeSet<_> = in_folder.iter().map(String::as_str).collect();
    faults.extend(only_in(&files, &in_folder, &manifest, &kinds));

    let suite = format!("solutions/{folder}/tests/suite.rs");
    let source = fs::read_to_string(course.root.join(&suite)).unwrap_or_default();
    let in_suite = modules_of_suite(&source, folder);
    let in_suite: BTreeSet<_> = in_suite.iter().map(String::as_str).collect();
    faults.extend(only_in(&manifest, &kinds, &suite, &in_suite));
    faults
}

fn only_in(
    here: &str,
    names: &BTreeSet<&str>,
    there: &str,
    others: &BTreeSet<&str>,
) -> Vec<String> {
    let missing = names.difference(others);
    missing
        .map(|name| format!("{here} has {name}, which {there} has not"))
        .collect()
}

/// The names of the Rust files of a folder, without their ending.
fn test_files(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return BTreeSet::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect()
}

/// The exercise's test files that a solution's suite holds as modules, by `#[path = "…"] mod NAME;`.
fn modules_of_suite(source: &str, folder: &str) -> BTreeSet<String> {
    let Ok(file) = syn::parse_file(source) else {
        return BTreeSet::new();
    };
    let modules = file.items.into_iter().filter_map(|item| {
        let Item::Mod(module) = item else { return None };
        let name = module.ident.to_string();
        let expected = format!("../../../exercises/{folder}/tests/{name}.rs");
        let has_path = module.attrs.iter().any(|attribute| {
            let Meta::NameValue(pair) = &attribute.meta else {
                return false;
            };
            let Expr::Lit(value) = &pair.value else {
                return false;
            };
            let Lit::Str(text) = &value.lit else {
                return false;
            };
            pair.path.is_ident("path") && text.value() == expected
        });
        has_path.then_some(name)
    });
    modules.collect()
}

/// The missing parts of the handout and the hints.
fn faults_of_pages(root: &Path, exercise: &Exercise) -> Vec<String> {
    let folder = format!("exercises/{}", exercise.folder);
    let page = |name: &str| fs::read_to_string(root.join(&folder).join(name)).unwrap_or_default();
    let mut faults = vec![];
    if page("README.md").trim().is_empty() {
        faults.push(format!("{folder}/README.md, the handout, is missing"));
    }
    let hints = page("hints.md");
    let tiers: Vec<_> = hints
        .lines()
        .map(str::trim_end)
        .filter(|line| line.starts_with("## "))
        .collect();
    if tiers != TIERS {
        faults.push(format!(
            "{folder}/hints.md must have the parts {}; it has {}",
            TIERS.join(", "),
            if tiers.is_empty() {
                "none".to_owned()
            } else {
                tiers.join(", ")
            }
        ));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use tempfile::TempDir;

    /// A course with one exercise of one test, where everything agrees.
    fn course() -> TempDir {
        let dir = TempDir::new().expect("a temporary folder");
        let manifest = r#"
            [package]
            name = "one"
            [package.metadata.exercise]
            title = "One"
            minutes = 1
            difficulty = 1
            [package.metadata.exercise.points]
            shape = 1
            [package.metadata.exercise.tests]
            shape = ["holds"]
        "#;
        let suite = "#[path = \"../../../exercises/01-one/tests/shape.rs\"]\nmod shape;";
        let hints = TIERS.join("\n\ntext\n\n");
        for (path, text) in [
            ("exercises/01-one/Cargo.toml", manifest),
            ("exercises/01-one/interface.rs", ""),
            ("exercises/01-one/README.md", "# One"),
            ("exercises/01-one/hints.md", hints.as_str()),
            (
                "exercises/01-one/tests/shape.rs",
                "/// It holds.\n#[test]\nfn holds() {}",
            ),
            ("solutions/01-one/tests/suite.rs", suite),
        ] {
            write(&dir, path, text);
        }
        dir
    }

    fn write(dir: &TempDir, path: &str, text: &str) {
        let path: PathBuf = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a new folder");
        fs::write(path, text).expect("a new file");
    }

    fn change(dir: &TempDir, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(dir.path().join(path)).expect("a file of the course");
        assert!(text.contains(from), "{from} is in {path}");
        write(dir, path, &text.replace(from, to));
    }

    fn faults(dir: &TempDir, in_judge: &[&str]) -> Vec<String> {
        let course = Course::open(dir.path()).expect("a course");
        let in_judge: Vec<_> = in_judge.iter().map(|&name| name.to_owned()).collect();
        let exercise = &course.exercises[0];
        let mut faults = faults_of_tests(&course, exercise, &in_judge);
        faults.extend(faults_of_pages(&course.root, exercise));
        faults
    }

    #[test]
    fn a_course_that_agrees_has_no_faults() {
        assert_eq!(faults(&course(), &["shape::holds"]), [""; 0]);
    }

    #[test]
    fn a_test_that_the_manifest_does_not_list_is_a_fault() {
        let dir = course();
        let more = "/// It holds.\n#[test]\nfn holds() {}\n/// More.\n#[test]\nfn more() {}";
        write(&dir, "exercises/01-one/tests/shape.rs", more);
        assert_eq!(
            faults(&dir, &["shape::holds", "shape::more"]),
            [
                "exercises/01-one/tests has shape::more, which exercises/01-one/Cargo.toml has not",
                "the judge of one has shape::more, which exercises/01-one/Cargo.toml has not",
            ]
        );
    }

    #[test]
    fn a_listed_test_that_is_not_written_or_not_judged_is_a_fault() {
        let dir = course();
        change(
            &dir,
            "exercises/01-one/Cargo.toml",
            r#"["holds"]"#,
            r#"["holds", "gone"]"#,
        );
        assert_eq!(
            faults(&dir, &[]),
            [
                "exercises/01-one/Cargo.toml has shape::gone, which exercises/01-one/tests has not",
                "exercises/01-one/Cargo.toml has shape::gone, which the judge of one has not",
                "exercises/01-one/Cargo.toml has shape::holds, which the judge of one has not",
            ]
        );
    }

    #[test]
    fn a_test_listed_twice_is_a_fault() {
        let dir = course();
        change(
            &dir,
            "exercises/01-one/Cargo.toml",
            r#"["holds"]"#,
            r#"["holds", "holds"]"#,
        );
        assert_eq!(
            faults(&dir, &["shape::holds"]),
            ["exercises/01-one/Cargo.toml lists a test twice"]
        );
    }

    #[test]
    fn a_test_without_a_claim_is_a_fault() {
        let dir = course();
        write(
            &dir,
            "exercises/01-one/tests/shape.rs",
            "#[test]\nfn holds() {}",
        );
        let faults = faults(&dir, &["shape::holds"]);
        assert!(
            faults[0].contains("shape::holds has no doc comment"),
            "{faults:?}"
        );
    }

    #[test]
    fn a_test_file_of_a_kind_that_is_not_listed_is_a_fault() {
        let dir = course();
        write(&dir, "exercises/01-one/tests/gradient.rs", "");
        assert_eq!(
            faults(&dir, &["shape::holds"]),
            ["exercises/01-one/tests has gradient, which exercises/01-one/Cargo.toml has not"]
        );
    }

    #[test]
    fn a_suite_that_leaves_a_file_out_or_takes_another_is_a_fault() {
        let dir = course();
        for suite in ["", "#[path = \"shape.rs\"]\nmod shape;", "mod shape;"] {
            write(&dir, "solutions/01-one/tests/suite.rs", suite);
            assert_eq!(
                faults(&dir, &["shape::holds"]),
                [
                    "exercises/01-one/Cargo.toml has shape, which solutions/01-one/tests/suite.rs has not"
                ]
            );
        }
    }

    #[test]
    fn a_missing_handout_and_missing_tiers_are_faults() {
        let dir = course();
        write(&dir, "exercises/01-one/README.md", "\n");
        change(&dir, "exercises/01-one/hints.md", "## Shapes", "### Shapes");
        let faults = faults(&dir, &["shape::holds"]);
        let [handout, hints] = &faults[..] else {
            panic!("{faults:?}")
        };
        assert_eq!(
            handout,
            "exercises/01-one/README.md, the handout, is missing"
        );
        assert!(hints.ends_with("it has ## Idea, ## Pseudo-code, ## Calls of the library"));
    }
}
