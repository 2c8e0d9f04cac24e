//! `grader diff` and `grader solution`: what is shown, in each format, and when.

use grader::course::Course;
use grader::study::record::{CheckResult, Checked, Record, TestResult, Versions};
use intake::Source;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const FOLDER: &str = "01-patchify";

/// The checkout that is tested.
fn original() -> Result<PathBuf> {
    Ok(Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()?)
}

/// All that a program printed.
fn said(output: &Output) -> String {
    let parts = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    parts.concat()
}

/// A course of one exercise, where nothing can be built.
struct Scratch {
    _folder: TempDir,
    root: PathBuf,
}

impl Scratch {
    /// The exercise with a learner's `lib.rs`.
    fn new(lib: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().to_owned();
        for part in ["exercises", "solutions"] {
            fs::create_dir_all(root.join(part))?;
            let from = original()?.join(part).join(FOLDER);
            let status = Command::new("cp")
                .arg("-r")
                .arg(from)
                .arg(root.join(part))
                .status()?;
            assert!(status.success(), "cp ended with {status}");
        }
        fs::copy(original()?.join("Cargo.toml"), root.join("Cargo.toml"))?;
        let scratch = Self {
            _folder: folder,
            root,
        };
        fs::write(scratch.lib(), lib)?;
        Ok(scratch)
    }

    fn lib(&self) -> PathBuf {
        self.root.join("exercises").join(FOLDER).join("src/lib.rs")
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        let output = Command::new(env!("CARGO_BIN_EXE_grader"))
            .args(arguments)
            .arg("--course")
            .arg(&self.root)
            .env("COLUMNS", "200")
            .output()?;
        Ok(output)
    }

    fn diff(&self, arguments: &[&str]) -> Result<Output> {
        self.run(&[&["diff", "patchify", "--no-cost"], arguments].concat())
    }

    /// Writes a check of the sources as they are down, in which one operation failed.
    fn check(&self, failed: &str) -> Result {
        let course = Course::open(&self.root)?;
        let exercise = &course.exercises[0];
        let source = Source {
            path: "lib.rs".to_owned(),
            bytes: fs::read(self.lib())?,
        };
        let tests = exercise.operations.keys().map(|operation| {
            let result = TestResult {
                passed: operation != failed,
                operations: [operation.clone()].into(),
                last: Some(operation.clone()),
                ..TestResult::default()
            };
            (format!("shape::{operation}"), result)
        });
        let check = Checked {
            at: "2026-11-30T08:00:00Z".to_owned(),
            seconds: 1.0,
            versions: Versions::of(&course, exercise, &[source])?,
            result: CheckResult::Tested,
            tests: tests.collect(),
            other: serde_json::Map::new(),
        };
        Record::update(&self.root, |record| {
            record.of_mut(exercise).check = Some(check);
        })?;
        Ok(())
    }
}

fn solved(part: &str) -> Result<String> {
    Ok(fs::read_to_string(
        original()?.join("solutions").join(FOLDER).join(part),
    )?)
}

/// The variant with loops, with another name, and a function that is the reference's but for a number.
fn learner() -> Result<String> {
    let lib = solved("variants/loops.rs")?;
    let renamed = lib.replace("let mut patches = Array3", "let mut cut = Array3");
    let renamed = renamed.replace("in patches.indexed_iter_mut()", "in cut.indexed_iter_mut()");
    let renamed = renamed.replacen("    }\n    patches\n}", "    }\n    cut\n}", 1);
    assert_ne!(renamed, lib);
    let other = renamed.replace("patches: ArrayView3", "pieces: ArrayView3");
    assert_ne!(other, renamed);
    Ok(renamed)
}

fn json_of(output: &Output) -> Result<Value> {
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The verdict and the solution of an item.
fn verdict<'a>(comparison: &'a Value, item: &str) -> Result<(&'a str, &'a str)> {
    let items = comparison["items"].as_array().ok_or("items")?;
    let found = items
        .iter()
        .find(|it| it["item"] == item)
        .ok_or("the item")?;
    let text = |name: &str| found[name].as_str().ok_or("a text");
    Ok((text("verdict")?, text("against")?))
}

#[test]
fn an_item_is_shown_once_its_tests_pass_or_it_is_given_up_which_is_written_down() -> Result {
    let scratch = Scratch::new(&learner()?)?;
    let output = scratch.diff(&["patchify"])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("has not been checked"),
        "{}",
        said(&output)
    );
    scratch.check("unpatchify")?;
    let output = scratch.diff(&["unpatchify"])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("unpatchify does not pass its tests yet"),
        "{}",
        said(&output)
    );
    let output = scratch.run(&["solution", "patchify", "unpatchify"])?;
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let comparison = json_of(&scratch.diff(&["--format", "json"])?)?;
    assert_eq!(comparison["closed"], json!(["unpatchify"]));
    assert_eq!(
        verdict(&comparison, "patchify")?,
        ("same-but-names", "loops")
    );
    assert!(verdict(&comparison, "unpatchify").is_err());
    let output = scratch.run(&["solution", "patchify", "unpatchify", "--give-up"])?;
    assert!(
        said(&output).contains("pub fn unpatchify("),
        "{}",
        said(&output)
    );
    assert!(said(&output).contains("fn divide("), "{}", said(&output));
    assert!(
        !said(&output).contains("pub fn patchify("),
        "{}",
        said(&output)
    );
    let record = Record::open(&scratch.root)?;
    let course = Course::open(&scratch.root)?;
    let record = record.of(&course.exercises[0]).ok_or("a record")?;
    assert_eq!(record.given_up, BTreeSet::from(["unpatchify".to_owned()]));
    let list = said(&scratch.run(&["list"])?);
    assert!(list.contains(", with help"), "{list}");
    // An item that was given up stays open.
    assert!(scratch.diff(&["unpatchify"])?.status.success());
    // In the folder of an exercise, its name may be left out.
    let here = Command::new(env!("CARGO_BIN_EXE_grader"))
        .args(["solution", "unpatchify", "--course"])
        .arg(&scratch.root)
        .current_dir(scratch.lib().parent().ok_or("a folder")?)
        .output()?;
    assert!(
        said(&here).contains("pub fn unpatchify("),
        "{}",
        said(&here)
    );
    // A record that cannot be read is the set-up's fault.
    fs::write(Record::path(&scratch.root), "{")?;
    let output = scratch.diff(&["unpatchify"])?;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    Ok(())
}

#[test]
fn names_are_checked_before_anything_is_done_and_mistyped_ones_get_a_suggestion() -> Result {
    let scratch = Scratch::new(&learner()?)?;
    scratch.check("")?;
    let output = scratch.run(&["diff", "patchify", "unpatchfy"])?;
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("did you mean `unpatchify`?"),
        "{}",
        said(&output)
    );
    let output = scratch.diff(&["--against", "lops"])?;
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("reference, loops, windows"),
        "{}",
        said(&output)
    );
    Ok(())
}

#[test]
fn what_is_withheld_or_was_not_given_out_is_one_sentence() -> Result {
    let scratch = Scratch::new(&learner()?)?;
    scratch.check("")?;
    let manifest = fs::read_to_string(scratch.root.join("Cargo.toml"))?;
    let withheld = manifest.replace(
        "[workspace.metadata.course]\n",
        "[workspace.metadata.course]\nsolutions = \"withheld\"\n",
    );
    fs::write(scratch.root.join("Cargo.toml"), withheld)?;
    for command in ["diff", "solution"] {
        let output = scratch.run(&[command, "patchify", "--give-up"])?;
        assert_eq!(output.status.code(), Some(2));
        assert!(
            said(&output).starts_with("error: this course withholds its solutions\n"),
            "{}",
            said(&output)
        );
    }
    fs::write(scratch.root.join("Cargo.toml"), manifest)?;
    fs::remove_dir_all(scratch.root.join("solutions"))?;
    let output = scratch.run(&["diff", "patchify"])?;
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("was given out without the solution"),
        "{}",
        said(&output)
    );
    Ok(())
}

#[test]
fn every_format_says_the_same_of_the_nearest_solution_and_of_another() -> Result {
    let scratch = Scratch::new(&learner()?)?;
    scratch.check("")?;
    let text = said(&scratch.diff(&[])?);
    assert!(text.contains("Yours is `loops`"), "{text}");
    assert!(text.contains("The reference is"), "{text}");
    let text = said(&scratch.diff(&["--against", "reference", "patchify"])?);
    for part in [
        "≠ patchify",
        "with your names",
        "Three moves: split, permute, join.",
        ".permuted_axes(",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("unpatchify:"), "{text}");
    let page = said(&scratch.diff(&["--against", "reference", "--format", "html"])?);
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.contains("permuted_axes"),
        "{page}"
    );
    let comparison = json_of(&scratch.diff(&["--against", "reference", "--format", "json"])?)?;
    assert_eq!(verdict(&comparison, "patchify")?, ("differs", "reference"));
    assert_eq!(comparison["nearest"], "reference");
    Ok(())
}

#[test]
fn a_patch_gives_the_solution_its_place() -> Result {
    let scratch = Scratch::new(&learner()?)?;
    scratch.check("")?;
    for (arguments, rest) in [
        (&["--against", "reference", "patchify"][..], false),
        (&["--against", "reference"][..], true),
    ] {
        scratch.check("")?;
        let output = scratch.diff(&[arguments, &["--format", "patch"]].concat())?;
        let patch = scratch.root.join("a.patch");
        fs::write(&patch, &output.stdout)?;
        let status = Command::new("patch")
            .args(["-p1", "--fuzz=0"])
            .current_dir(&scratch.root)
            .stdin(Stdio::from(fs::File::open(&patch)?))
            .output()?;
        assert!(
            status.status.success(),
            "{}{}",
            said(&status),
            String::from_utf8_lossy(&output.stdout)
        );
        scratch.check("")?;
        let comparison =
            json_of(&scratch.diff(&["--against", "reference", "--format", "json"])?)?;
        assert_eq!(verdict(&comparison, "patchify")?.0, "same");
        assert_eq!(verdict(&comparison, "unpatchify")?.0 == "same", rest);
    }
    Ok(())
}
