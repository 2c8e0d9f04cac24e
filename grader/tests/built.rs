//! Cargo is asked to build only if something may have changed since it did.

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// A file of the course.
fn file(name: &str) -> PathBuf {
    Path::new(HERE).join("..").join(name)
}

/// Has the quickest proof of an exercise tried with a variable set, and returns whether cargo was asked to build.
fn asks_cargo(variable: &str) -> Result<bool> {
    let proof = Command::new(env!("CARGO_BIN_EXE_grader"))
        .args([
            "--verbose",
            "verify",
            "--proof=catalogue",
            "--exercise=patchify",
        ])
        .env("BUILT_TEST", variable)
        .current_dir(HERE)
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8(proof.stderr)?;
    assert!(said.contains("built: judges and libraries"), "{said}");
    Ok(said.contains("cargo") && said.contains("--package=judge"))
}

/// Gives a file the present time, as an editor does that writes what was there.
fn touch(path: &Path) -> Result {
    let file = File::options().append(true).open(path)?;
    Ok(file.set_modified(SystemTime::now())?)
}

#[test]
fn cargo_is_asked_only_if_something_may_have_changed() -> Result {
    asks_cargo("1")?;
    assert!(!asks_cargo("1")?, "nothing has changed");
    assert!(asks_cargo("2")?, "a variable that a build may read");
    assert!(!asks_cargo("2")?);

    touch(&file("exercises/01-patchify/src/lib.rs"))?;
    assert!(!asks_cargo("2")?, "a learner's own code is no part of it");
    touch(&file("exercises/01-patchify/tests/shape.rs"))?;
    assert!(asks_cargo("2")?, "a test of the course");
    assert!(!asks_cargo("2")?);

    let judges = fs::read_dir(file("target/grader/judges"))?;
    let judges: Vec<_> = judges.map(|it| Ok(it?.path())).collect::<Result<_>>()?;
    let is_judge = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("patchify-")
    };
    let judge = judges.iter().find(is_judge).ok_or("a judge")?;
    fs::remove_file(judge)?;
    assert!(asks_cargo("2")?, "a file that was built is gone");
    assert!(judge.is_file(), "it is built again");
    assert!(!asks_cargo("2")?);

    // Half a record, as a full disk would leave one.
    for record in fs::read_dir(file("target/grader/built"))? {
        fs::write(record?.path(), "{")?;
    }
    assert!(asks_cargo("2")?);
    assert!(!asks_cargo("2")?);
    Ok(())
}
