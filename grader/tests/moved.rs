//! A built checkout that is copied elsewhere grades as it did before, and what is wrong with the course itself costs nobody
//! a point.

#[path = "common/checkout.rs"]
mod checkout;

#[path = "common/training.rs"]
mod training;

use checkout::{Checkout, grader, original, said};
use serde_json::Value;
use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn grade(root: &Path, exercise: &str, submission: &Path) -> Result<Output> {
    let submission = submission.to_str().ok_or("a path that is not UTF-8")?;
    let exercise = format!("--exercise={exercise}");
    let arguments = ["grade", &exercise, "--train-on=none", submission];
    Ok(grader(root, &arguments).output()?)
}

#[test]
fn a_copy_of_a_built_checkout_grades_as_the_checkout_does() -> Result {
    let original = original()?;
    // All is built, before it is copied.
    let before = grade(&original, "patchify", &original.join("solutions"))?;
    assert_eq!(before.status.code(), Some(0), "{}", said(&before));

    let Checkout { root, .. } = &Checkout::copy()?;
    let submission = root.join("solutions");
    let moved = grade(root, "patchify", &submission)?;
    let words = said(&moved);
    assert_eq!(moved.status.code(), Some(0), "{words}");
    assert!(words.contains("10 / 10"), "{words}");
    // The test libraries are those that were built elsewhere, and so are the judges; cargo builds anew only crates that name
    // their own location.
    for built in ["Compiling testkit", "Compiling the judge"] {
        assert!(!words.contains(built), "{words}");
    }
    let reference = root.join("target/grader/reference");
    assert_eq!(fs::read_dir(reference)?.count(), 1, "{words}");
    measure_a_learners_code(root)?;

    // Nobody may read a snapshot any more. Root reads it all the same; whoever else grades is told of it.
    let snapshot = root.join("exercises/01-patchify/tests/snapshots/patches.snap");
    fs::set_permissions(&snapshot, fs::Permissions::from_mode(0o000))?;
    let closed = grade(root, "patchify", &submission)?;
    let words = said(&closed);
    match closed.status.code() {
        Some(0) => assert!(words.contains("10 / 10"), "{words}"),
        code => {
            assert_eq!(code, Some(3), "{words}");
            assert!(words.contains("patches.snap cannot be read"), "{words}");
        }
    }
    fs::set_permissions(&snapshot, fs::Permissions::from_mode(0o644))?;

    // A judge that cannot be started, while the reference is known to have full marks.
    let judges = judges(root)?;
    let allow = |mode: u32| -> Result {
        for judge in &judges {
            fs::set_permissions(judge, fs::Permissions::from_mode(mode))?;
        }
        Ok(())
    };
    allow(0o644)?;
    let stuck = grade(root, "patchify", &submission)?;
    let words = said(&stuck);
    assert_eq!(stuck.status.code(), Some(4), "{words}");
    assert!(
        words.contains("NOT GRADED") && words.contains("1 needs a person"),
        "{words}"
    );
    allow(0o755)?;

    // A snapshot that holds no values.
    fs::write(&snapshot, "f32 [2, 2]\nnothing\n")?;
    let broken = grade(root, "patchify", &submission)?;
    let words = said(&broken);
    assert_eq!(broken.status.code(), Some(3), "{words}");
    assert!(
        words.contains("the reference does not get full marks"),
        "{words}"
    );
    assert!(
        words.contains("the course is at fault: the snapshot patches is not readable"),
        "{words}"
    );
    Ok(())
}

/// The binding, which names libtorch's folder, is compiled anew for it, and everything above it.
#[test]
fn a_copy_grades_an_exercise_on_libtorch_and_trains() -> Result {
    let Checkout { root, .. } = &Checkout::copy()?;
    let graded = grade(root, "msa", &root.join("solutions"))?;
    let words = said(&graded);
    assert_eq!(graded.status.code(), Some(0), "{words}");
    assert!(words.contains("10 / 10"), "{words}");

    let out = root.join("it's a run, größe 漢字");
    let arguments = training::arguments(&out);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let trained = grader(root, &arguments).output()?;
    assert_eq!(trained.status.code(), Some(0), "{}", said(&trained));
    training::score(&out)?;
    Ok(())
}

/// Has `diff` measure what a learner's code costs beside the reference's. Here, where somebody else's code may be put in the
/// place of a stub, and all is built.
fn measure_a_learners_code(root: &Path) -> Result {
    fs::copy(
        root.join("solutions/01-patchify/variants/loops.rs"),
        root.join("exercises/01-patchify/src/lib.rs"),
    )?;
    let options = ["--give-up", "--against=reference", "--format=json"];
    let arguments = [&["diff", "patchify", "patchify"][..], &options].concat();
    let output = grader(root, &arguments).output()?;
    assert!(output.status.success(), "{}", said(&output));
    let comparison: Value = serde_json::from_slice(&output.stdout)?;
    let cost = &comparison["items"][0]["cost"];
    for side in ["yours", "theirs"] {
        let seconds = cost[side]["took"]["seconds"].as_f64();
        assert!(seconds.is_some_and(|it| it > 0.0), "{cost}");
    }
    assert_eq!(cost["difference"][0], 0.0, "{cost}");
    // The largest value of the input: that both gave it back.
    assert!(cost["difference"][1].as_f64() > Some(0.9), "{cost}");
    Ok(())
}

/// The judges of 01.
fn judges(root: &Path) -> Result<Vec<PathBuf>> {
    let mut judges = vec![];
    for entry in fs::read_dir(root.join("target/grader/judges"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("patchify-") {
            judges.push(path);
        }
    }
    assert!(!judges.is_empty());
    Ok(judges)
}
