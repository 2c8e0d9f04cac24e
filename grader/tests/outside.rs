//! A grade does not depend on what surrounds the grader: insta and proptest cannot be switched off from outside.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Everything known to make insta, proptest or the test harness let wrong work pass, or run less.
const SWITCHES: [(&str, &str); 9] = [
    ("INSTA_FORCE_PASS", "1"),
    ("INSTA_UPDATE", "always"),
    ("INSTA_WORKSPACE_ROOT", "/"),
    ("PROPTEST_CASES", "0"),
    ("PROPTEST_MAX_GLOBAL_REJECTS", "0"),
    ("PROPTEST_RNG_SEED", "1"),
    ("COURSE_SEED", "1"),
    ("RUST_TEST_THREADS", "8"),
    ("RUST_TEST_NOCAPTURE", "1"),
];

/// The results of grading `submission`, but for times.
fn grade(submission: &Path, out: &Path, environment: &[(&str, &str)]) -> Result<serde_json::Value> {
    let status = Command::new(env!("CARGO_BIN_EXE_grader"))
        // The class's own seed is drawn anew for each folder.
        .args(["grade", "--seed=7", "--exercise", "patchify", "--out"])
        .args([out, submission])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .envs(environment.iter().copied())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    assert!(status.success(), "the grader ended with {status}");
    let mut results: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("results.json"))?)?;
    let graded = &mut results["submissions"][0];
    graded["seconds"].take();
    graded["exercises"][0]["seconds"].take();
    Ok(results)
}

#[test]
fn no_variable_of_the_environment_changes_a_grade() -> Result {
    let scratch = tempfile::tempdir()?;
    let src = scratch.path().join("01-patchify/src");
    fs::create_dir_all(&src)?;
    let solution =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../solutions/01-patchify/src/lib.rs");
    let right = fs::read_to_string(solution)?;
    // Wrong in its values alone, which only snapshots and properties notice.
    let wrong = right.replacen(
        "    let (",
        "    let images = images.mapv(|value| value * 1.5);\n    let (",
        1,
    );
    assert_ne!(wrong, right);
    fs::write(src.join("lib.rs"), wrong)?;

    let quiet = grade(scratch.path(), &scratch.path().join("quiet"), &[])?;
    let switched = grade(scratch.path(), &scratch.path().join("switched"), &SWITCHES)?;
    assert_eq!(quiet, switched);
    let exercise = &quiet["submissions"][0]["exercises"][0];
    assert_eq!(exercise["outcome"], "tested", "{exercise}");
    let kinds = &exercise["kinds"];
    for kind in ["snapshot", "property"] {
        assert!(
            kinds[kind]["passed"].as_u64() < kinds[kind]["total"].as_u64(),
            "{kinds}"
        );
    }
    Ok(())
}
