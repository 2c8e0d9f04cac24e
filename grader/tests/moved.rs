//! A built checkout that is copied elsewhere grades as it did before, and what is wrong with the course itself costs nobody
//! a point.

use std::error::Error;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The parts of a checkout that are the course and that it is built with.
const SOURCES: [&str; 7] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "datasets",
    "exercises",
    "grader",
    "solutions",
];

/// Beginnings of the names of built files that grading 01 takes no part of: libtorch's binding, the programs that are
/// linked with it, and the grader's own library.
const LARGE: [&str; 13] = [
    "blocks-",
    "deit-",
    "grader-",
    "libgrader-",
    "libtch-",
    "libtorch_sys-",
    "msa-",
    "torch-sys-",
    "vit-",
    "worker_blocks-",
    "worker_deit-",
    "worker_msa-",
    "worker_vit-",
];

fn cp(from: &[PathBuf], to: &Path) -> Result {
    let status = Command::new("cp")
        .args(["--archive", "--"])
        .args(from)
        .arg(to)
        .status()?;
    assert!(status.success(), "cp ended with {status}");
    Ok(())
}

/// Copies what is built, with its times, but for what is large.
fn copy_built(from: &Path, to: &Path) -> Result {
    fs::create_dir_all(to)?;
    let mut files = vec![];
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !LARGE.iter().any(|start| name.starts_with(start)) {
            files.push(entry.path());
        }
    }
    for files in files.chunks(500) {
        cp(files, to)?;
    }
    Ok(())
}

/// Runs the grader of a checkout from a folder outside of all checkouts.
fn grade(root: &Path, submission: &Path) -> Result<Output> {
    let output = Command::new(root.join("target/debug/grader"))
        .args(["grade", "--exercise=patchify", "--train-on=none"])
        .arg(submission)
        .env_remove("CARGO_TARGET_DIR")
        .current_dir("/")
        .output()?;
    Ok(output)
}

fn said(output: &Output) -> String {
    let parts = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    parts.concat()
}

#[test]
fn a_copy_of_a_built_checkout_grades_as_the_checkout_does() -> Result {
    let original = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()?;
    // All is built, before it is copied.
    let before = grade(&original, &original.join("solutions"))?;
    assert_eq!(before.status.code(), Some(0), "{}", said(&before));

    let elsewhere = tempfile::tempdir()?;
    let root = elsewhere.path().canonicalize()?.join("copy");
    fs::create_dir_all(root.join("target/debug"))?;
    cp(&SOURCES.map(|part| original.join(part)), &root)?;
    symlink(original.join(".libtorch"), root.join(".libtorch"))?;
    for part in [".fingerprint", "build", "deps"] {
        let built = Path::new("target/debug").join(part);
        copy_built(&original.join(&built), &root.join(&built))?;
    }
    cp(
        &[original.join("target/debug/grader")],
        &root.join("target/debug"),
    )?;

    let submission = root.join("solutions");
    let moved = grade(&root, &submission)?;
    let words = said(&moved);
    assert_eq!(moved.status.code(), Some(0), "{words}");
    assert!(words.contains("10 / 10"), "{words}");
    // What the tests are written with is as it was built elsewhere; cargo builds anew only what names its own place.
    assert!(!words.contains("Compiling testkit"), "{words}");
    let reference = root.join("target/grader/reference");
    assert_eq!(fs::read_dir(reference)?.count(), 1, "{words}");

    // Nobody may read a snapshot any more. Root reads it all the same; whoever else grades is told of it.
    let snapshot = root.join("exercises/01-patchify/tests/snapshots/patches.snap");
    fs::set_permissions(&snapshot, fs::Permissions::from_mode(0o000))?;
    let closed = grade(&root, &submission)?;
    let words = said(&closed);
    match closed.status.code() {
        Some(0) => assert!(words.contains("10 / 10"), "{words}"),
        code => {
            assert_eq!(code, Some(4), "{words}");
            assert!(words.contains("patches.snap cannot be read"), "{words}");
        }
    }
    fs::set_permissions(&snapshot, fs::Permissions::from_mode(0o644))?;

    // A judge that cannot be started, while the reference is known to have full marks.
    let judges = judges(&root)?;
    let allow = |mode: u32| -> Result {
        for judge in &judges {
            fs::set_permissions(judge, fs::Permissions::from_mode(mode))?;
        }
        Ok(())
    };
    allow(0o644)?;
    let stuck = grade(&root, &submission)?;
    let words = said(&stuck);
    assert_eq!(stuck.status.code(), Some(4), "{words}");
    assert!(
        words.contains("NOT GRADED") && words.contains("1 needs a person"),
        "{words}"
    );
    allow(0o755)?;

    // A snapshot that holds no values.
    fs::write(&snapshot, "f32 [2, 2]\nnothing\n")?;
    let broken = grade(&root, &submission)?;
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

/// The programs that may be the judge of 01.
fn judges(root: &Path) -> Result<Vec<PathBuf>> {
    let mut judges = vec![];
    for entry in fs::read_dir(root.join("target/debug/deps"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("patchify-") && path.extension().is_none() {
            judges.push(path);
        }
    }
    assert!(!judges.is_empty());
    Ok(judges)
}
