//! The first files that a learner meets: the README, handouts and editors' settings, whose commands, times and names are
//! those of the course; hints and stubs; and one sentence where libtorch is missing.

use clap::Parser;
use clap::error::ErrorKind;
use grader::cli::Cli;
use grader::course::{Course, Exercise};
use grader::grading::lesson::Lessons;
use grader::study::explain::{Failure, TestName};
use grader::study::hints::Hints;
use grader::study::{items, reset};
use regex_lite::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn course() -> Result<Course> {
    Ok(Course::open(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(".."),
    )?)
}

fn handout(course: &Course, exercise: &Exercise) -> Result<String> {
    let folder = course.root.join("exercises").join(&exercise.folder);
    Ok(fs::read_to_string(folder.join("README.md"))?)
}

/// The commands of a page, in blocks of code and within lines.
fn commands(page: &str) -> Vec<String> {
    let mut found = vec![];
    for piece in page.split(['`', '\n', '|']) {
        let piece = piece.trim();
        let command = piece.split(" #").next().unwrap_or_default().trim();
        let command = command.split("   ").next().unwrap_or_default();
        if command.starts_with("cargo test ") || command.starts_with("cargo grader ") {
            found.push(command.to_owned());
        }
    }
    found
}

/// Checks a `cargo test` of a page: its crate and kind exist, each filter is part of a test's name, and tests of several kinds
/// run even where one kind fails, if `is_advice` and not said of something else.
fn check_test_command(course: &Course, command: &str, is_advice: bool) -> Result {
    let mut words = command.split_whitespace().skip(2);
    let (mut exercise, mut kind, mut goes_on) = (None, None, false);
    let mut filters = vec![];
    while let Some(word) = words.next() {
        match word {
            "-p" => exercise = words.next(),
            "--test" => kind = words.next(),
            "--no-fail-fast" => goes_on = true,
            "--" | "--no-default-features" => {}
            word if word.starts_with('-') => {
                return Err(format!("{command}: what is {word}?").into());
            }
            filter => filters.push(filter),
        }
    }
    let exercise = exercise.ok_or("no -p")?;
    if exercise == "grader" {
        let file = kind.map(|kind| format!("grader/tests/{kind}.rs"));
        let is_there = file.is_some_and(|file| course.root.join(file).is_file());
        return is_there
            .then_some(())
            .ok_or(format!("{command}: no such test").into());
    }
    let mut exercises = course.exercises.iter();
    let exercise = exercises
        .find(|it| it.name == exercise)
        .ok_or("no exercise")?;
    let tests: Vec<_> = exercise
        .tests()
        .filter(|(of, _)| kind.is_none_or(|kind| of.to_string() == kind))
        .collect();
    let mut kinds = BTreeSet::new();
    for filter in if filters.is_empty() {
        vec![""]
    } else {
        filters
    } {
        let matching: Vec<_> = tests
            .iter()
            .filter(|(kind, name)| name[kind.to_string().len() + 2..].contains(filter))
            .collect();
        assert!(
            !matching.is_empty(),
            "{command}: no test is called {filter}"
        );
        kinds.extend(matching.iter().map(|(kind, _)| *kind));
    }
    let is_whole = goes_on || kinds.len() == 1 || !is_advice;
    assert!(
        is_whole,
        "{command}: stops after the first of {kinds:?} that fails"
    );
    Ok(())
}

#[test]
fn commands_of_handouts_and_readme_run_what_they_say() -> Result {
    let course = course()?;
    let mut pages = vec![fs::read_to_string(course.root.join("README.md"))?];
    for exercise in &course.exercises {
        pages.push(handout(&course, exercise)?);
        assert!(
            pages[pages.len() - 1].contains("--no-fail-fast"),
            "{}",
            exercise.folder
        );
    }
    let mut count = 0;
    for (page, text) in pages.iter().enumerate() {
        for command in commands(text) {
            count += 1;
            if command.starts_with("cargo test ") {
                // The README speaks of commands, too: those that it gives stand in lines of their own.
                let is_advice = page > 0 || text.contains(&format!("\n    {command}\n"));
                check_test_command(&course, &command, is_advice)
                    .map_err(|error| format!("{command}: {error}"))?;
            } else {
                let parsed = Cli::try_parse_from(command.split_whitespace().skip(1));
                // Prose names commands without their arguments.
                let fault = parsed.err();
                let fault = fault.filter(|it| it.kind() != ErrorKind::MissingRequiredArgument);
                let fault = fault.map(|it| it.to_string());
                assert!(fault.is_none(), "{command}: {fault:?}");
            }
        }
    }
    assert!(count > 60, "only {count} commands");
    Ok(())
}

#[test]
fn readme_lists_the_exercises_in_order_with_their_time() -> Result {
    let course = course()?;
    let page = fs::read_to_string(course.root.join("README.md"))?;
    let table = page
        .split("\n## The exercises\n")
        .nth(1)
        .ok_or("no table")?;
    let mut rows = table.lines().filter(|line| line.starts_with("| ["));
    for exercise in &course.exercises {
        let row = rows.next().ok_or("a row is missing")?;
        assert!(
            row.contains(&format!("(exercises/{})", exercise.folder)),
            "{row}"
        );
        let (hours, rest) = (exercise.facts.minutes / 60, exercise.facts.minutes % 60);
        let time = format!("| {hours}{} h |", if rest == 30 { "½" } else { "" });
        assert!(
            row.contains(&time) && [0, 30].contains(&rest),
            "{row}: not{time}"
        );
    }
    Ok(())
}

#[test]
fn handouts_say_how_long_they_take_and_where_the_answers_are() -> Result {
    let course = course()?;
    for exercise in &course.exercises {
        let page = handout(&course, exercise)?;
        let time = match exercise.facts.minutes {
            60 => "About sixty minutes",
            90 => "About ninety minutes",
            120 => "About two hours",
            180 => "About three hours",
            240 => "About four hours",
            minutes => return Err(format!("{minutes} minutes: say so in words here").into()),
        };
        assert!(page.contains(time), "{}: not \"{time}\"", exercise.folder);
        let answers = format!("solutions/{}/README.md", exercise.folder);
        assert!(page.contains(&answers), "{}", exercise.folder);
        let solution = fs::read_to_string(course.root.join(&answers))?;
        assert!(solution.contains("\n## Answers"), "{answers}");
        // The steps of a handout, if it has any, add up to the exercise's time.
        let steps: u32 = page
            .lines()
            .filter(|line| line.contains("`cargo test") && line.starts_with('|'))
            .filter_map(|line| line.split('|').nth(3)?.trim().parse::<u32>().ok())
            .sum();
        assert!(
            steps == 0 || steps == exercise.facts.minutes,
            "{}: {steps}",
            exercise.folder
        );
    }
    Ok(())
}

#[test]
fn plain_cargo_test_is_about_the_exercises() -> Result {
    let text = fs::read_to_string(course()?.root.join("Cargo.toml"))?;
    let manifest: toml::Table = text.parse()?;
    let members = &manifest["workspace"]["default-members"];
    assert_eq!(members.as_array().map(Vec::len), Some(1));
    assert_eq!(members[0].as_str(), Some("exercises/*"));
    Ok(())
}

#[test]
fn stubs_that_reset_puts_back_are_those_of_the_exercises() -> Result {
    let course = course()?;
    for exercise in &course.exercises {
        let folder = &exercise.folder;
        assert!(
            reset::is_untouched(&course, exercise)?,
            "exercises/{folder}/stubs is not a copy of src"
        );
    }
    Ok(())
}

#[test]
fn every_function_that_is_to_be_written_has_a_hint_of_each_tier() -> Result {
    let course = course()?;
    for exercise in &course.exercises {
        let hints = Hints::open(&course, exercise)?;
        for item in items::written(exercise) {
            let subject = hints.subject(&item.path);
            let subject = subject
                .ok_or_else(|| format!("{}: no hints about {}", exercise.name, item.path))?;
            let tiers: Vec<_> = hints.about(subject).iter().map(|it| it.tier).collect();
            let expected = ["Idea", "Shapes", "Pseudo-code", "Calls of the library"];
            assert_eq!(tiers, expected, "{} {subject}", exercise.name);
        }
        for subject in hints.subjects() {
            assert!(
                items::find(exercise, subject).is_ok(),
                "{} has no {subject}",
                exercise.name
            );
        }
    }
    Ok(())
}

/// The patterns of all problem matchers of the tasks.
fn matchers(root: &Path) -> Result<Vec<Vec<Regex>>> {
    let tasks: Value = serde_json::from_str(&fs::read_to_string(root.join(".vscode/tasks.json"))?)?;
    let mut found = vec![];
    for task in tasks["tasks"].as_array().ok_or("tasks")? {
        for matcher in task["problemMatcher"].as_array().ok_or("matchers")? {
            let patterns = matcher["pattern"].as_array().ok_or("patterns")?;
            let patterns = patterns
                .iter()
                .map(|it| Regex::new(it["regexp"].as_str().unwrap_or("(")));
            found.push(patterns.collect::<std::result::Result<_, _>>()?);
        }
    }
    Ok(found)
}

/// Returns whether a matcher finds `place` and then `message` in a text.
fn finds(matchers: &[Vec<Regex>], text: &str, place: [&str; 3], message: &str) -> bool {
    // As VS Code does.
    let text = anstream::adapter::strip_str(text).to_string();
    let lines: Vec<_> = text.lines().collect();
    matchers.iter().any(|patterns| {
        lines.windows(patterns.len()).any(|lines| {
            let found = patterns
                .iter()
                .zip(lines)
                .map(|(it, line)| it.captures(line));
            let Some(found) = found.collect::<Option<Vec<_>>>() else {
                return false;
            };
            let groups = found.iter().flat_map(|it| it.iter().skip(1).flatten());
            let groups: Vec<_> = groups.map(|it| it.as_str()).collect();
            place.iter().all(|part| groups.contains(part))
                && groups.iter().any(|it| it.contains(message))
        })
    })
}

#[test]
fn editors_find_the_places_in_what_check_cargo_and_rustc_print() -> Result {
    let course = course()?;
    let exercise = &course.exercises[0];
    let matchers = matchers(&course.root)?;
    let file = format!("exercises/{}/src/lib.rs", exercise.folder);
    let place = [file.as_str(), "41", "5"];
    let failure = |message: &str, is_stub| Failure {
        tests: exercise
            .tests()
            .take(3)
            .map(|(kind, name)| TestName { kind, name })
            .collect(),
        place: Some(place.join(":")),
        message: message.to_owned(),
        is_stub,
    };
    let panic = failure("cannot divide 28 rows", false);
    let full = panic.full(exercise, &Lessons::default(), 100);
    assert!(
        finds(&matchers, &full, place, "cannot divide 28 rows"),
        "{full}"
    );
    let line = panic.line(200);
    assert!(
        finds(&matchers, &line, place, "cannot divide 28 rows"),
        "{line}"
    );
    let stub = failure("not yet implemented: count patches", true);
    let line = stub.line(200);
    assert!(finds(&matchers, &line, place, "count patches"), "{line}");
    let full = stub.full(exercise, &Lessons::default(), 100);
    assert!(finds(&matchers, &full, place, "3 tests wait"), "{full}");
    let rustc = format!(
        "error[E0308]: mismatched types\n  --> {}\n",
        place.join(":")
    );
    assert!(finds(&matchers, &rustc, place, "mismatched types"));
    let test = format!(
        "thread 'a_test' (7) panicked at {}:\nnot yet implemented: x\n",
        place.join(":")
    );
    assert!(finds(&matchers, &test, place, "not yet implemented: x"));
    assert!(!finds(
        &matchers,
        &full.replace("exercises/", ""),
        place,
        ""
    ));
    Ok(())
}

#[test]
fn a_missing_libtorch_ends_a_build_with_one_sentence_that_names_setup() -> Result {
    let (root, target) = (course()?.root, tempfile::tempdir()?);
    let lock: toml::Table = fs::read_to_string(root.join("Cargo.lock"))?.parse()?;
    let packages = lock["package"].as_array().ok_or("packages")?;
    let named = |name: &str, version: &str| {
        let mut packages = packages.iter();
        packages
            .find(|it| it["name"].as_str() == Some(name) && it["version"].as_str() == Some(version))
    };
    // It is the course's own crate that torch-sys waits for.
    let own = named("zip", "0.6.6").ok_or("zip 0.6.6")?;
    assert!(own.get("source").is_none());
    let binding = packages
        .iter()
        .find(|it| it["name"].as_str() == Some("torch-sys"));
    let needs = binding.ok_or("torch-sys")?["dependencies"].to_string();
    assert!(
        needs.contains("\"zip 0.6.6\"") || needs.contains("\"zip\""),
        "{needs}"
    );

    let build = |headers: &Path| -> Result<Output> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args([
                "check",
                "--offline",
                "--quiet",
                "--package=zip@0.6.6",
                "--color=never",
            ])
            .current_dir(&root)
            .env("CARGO_TARGET_DIR", target.path())
            .env_remove("LIBTORCH_USE_PYTORCH")
            .env("LIBTORCH_INCLUDE", headers);
        Ok(cargo.output()?)
    };
    let missing = build(Path::new("/nowhere"))?;
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(!missing.status.success());
    let expected = "error: zip@0.6.6: libtorch is not set up yet: run `cargo grader setup`, then this command again\n";
    assert!(
        said.contains(expected) && said.lines().count() <= 3,
        "{said}"
    );
    // Once it is there, nothing is in the way.
    let header = target
        .path()
        .join("include/torch/csrc/api/include/torch/torch.h");
    fs::create_dir_all(header.parent().ok_or("a folder")?)?;
    fs::write(header, "")?;
    let there = build(target.path())?;
    assert!(
        there.status.success(),
        "{}",
        String::from_utf8_lossy(&there.stderr)
    );
    Ok(())
}

/// A course of one exercise, copied from the first.
struct Checkout {
    folder: TempDir,
    exercise: PathBuf,
}

impl Checkout {
    fn new() -> Result<Self> {
        let course = course()?;
        let (folder, name) = (tempfile::tempdir()?, &course.exercises[0].folder);
        let exercise = folder.path().join("exercises").join(name);
        let from = course.root.join("exercises").join(name);
        for part in ["src", "stubs"] {
            fs::create_dir_all(exercise.join(part))?;
        }
        let stub = from.join("stubs/lib.rs");
        fs::copy(
            course.root.join("Cargo.toml"),
            folder.path().join("Cargo.toml"),
        )?;
        for file in ["Cargo.toml", "interface.rs", "hints.md"] {
            fs::copy(from.join(file), exercise.join(file))?;
        }
        fs::copy(&stub, exercise.join("stubs/lib.rs"))?;
        let text = fs::read_to_string(stub)?.replacen("todo!(", "unreachable!(", 1);
        fs::write(exercise.join("src/lib.rs"), text)?;
        Ok(Self { folder, exercise })
    }

    fn grader(&self, arguments: &[&str]) -> Result<(Option<i32>, String)> {
        let output = Command::new(env!("CARGO_BIN_EXE_grader"))
            .arg("--course")
            .arg(self.folder.path())
            .args(arguments)
            .current_dir(&self.exercise)
            .output()?;
        let said = [output.stdout, output.stderr].concat();
        Ok((
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        ))
    }

    fn text(&self) -> Result<String> {
        Ok(fs::read_to_string(self.exercise.join("src/lib.rs"))?)
    }
}

#[test]
fn hints_come_one_at_a_time_and_are_counted() -> Result {
    let checkout = Checkout::new()?;
    let (_, said) = checkout.grader(&["hint"])?;
    assert!(said.contains("patchify has not been checked yet"), "{said}");
    for (tier, left) in [
        ("1 of 4: Idea", "3 more"),
        ("2 of 4: Shapes", "2 more"),
        ("3 of 4: Pseudo-code", "1 more"),
    ] {
        let (code, said) = checkout.grader(&["hint", "patchify", "embed"])?;
        assert_eq!(code, Some(0));
        assert!(said.contains(tier) && said.contains(left), "{said}");
    }
    // In the exercise's folder its name can be left out.
    let (_, said) = checkout.grader(&["hint", "embed"])?;
    assert!(
        said.contains("4 of 4: Calls") && said.contains("No hint about embed is left"),
        "{said}"
    );
    let (code, said) = checkout.grader(&["hint", "01", "embed"])?;
    assert!(
        said.contains("All 4 hints about embed have been shown"),
        "{said}"
    );
    assert_eq!(code, Some(0));
    let (_, said) = checkout.grader(&["hint", "01", "cost", "--all"])?;
    assert!(said.contains("1 of 4") && said.contains("4 of 4"), "{said}");
    let (code, said) = checkout.grader(&["hint", "patchify", "embedd"])?;
    assert!(said.contains("did you mean `embed`?"), "{said}");
    assert_eq!(code, Some(2));
    Ok(())
}

#[test]
fn a_stub_comes_back_only_where_somebody_agrees_and_the_code_after_it() -> Result {
    let checkout = Checkout::new()?;
    let before = checkout.text()?;
    assert!(before.contains("unreachable!("));
    let (code, said) = checkout.grader(&["reset", "patchify", "patchify"])?;
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("-    unreachable!(") && said.contains("--yes does it"),
        "{said}"
    );
    assert_eq!(checkout.text()?, before);
    let (code, said) = checkout.grader(&["reset", "--yes"])?;
    assert_eq!(code, Some(0), "{said}");
    let stub = fs::read_to_string(checkout.exercise.join("stubs/lib.rs"))?;
    assert_eq!(checkout.text()?, stub);
    let (_, said) = checkout.grader(&["reset", "--yes"])?;
    assert!(said.contains("is the stub already"), "{said}");
    let (code, said) = checkout.grader(&["reset", "patchify", "--undo", "--yes"])?;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(checkout.text()?, before);
    let (code, said) = checkout.grader(&["reset", "patchify", "--undo", "--yes"])?;
    assert_eq!(code, Some(2), "{said}");
    Ok(())
}
