//! Makes each exercise's judge from its description, and puts the solution within it.

use interface::place::{entries, seen_from};
use interface::{BY_HAND, DESCRIPTION, Interface, JudgeFiles};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    // Asked for at run time: a copied checkout has the program that was built for the one that it was copied from.
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).canonicalize()?;
    let course = package.join("../..").canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?).canonicalize()?;
    let exercises = course.join("exercises");
    for exercise in entries(&exercises)? {
        if !exercise.join(DESCRIPTION).is_file() {
            continue;
        }
        for part in [DESCRIPTION, BY_HAND, "tests"] {
            let part = exercise.join(part);
            // Cargo takes what is not there for changed.
            if part.exists() {
                watch(&seen_from(&package, &course, &part));
            }
        }
        let folder = exercise.file_name().unwrap_or_default().to_string_lossy();
        let interface = Interface::open(&course, &folder)?;
        let mut tests = entries(&exercise.join("tests"))?;
        tests.retain(|path| path.extension().is_some_and(|end| end == "rs"));
        let tests = tests.iter().map(|path| seen_from(&out, &course, path));
        let tests = tests.collect();
        let solution = course.join("solutions").join(&*folder).join("src/lib.rs");
        watch(&seen_from(&package, &course, &solution));
        let files = JudgeFiles {
            tests,
            solution_in_f32: match interface.is_in_f32() {
                true => Some(fs::read_to_string(&solution)?),
                false => None,
            },
        };
        let name = interface.crate_name();
        fs::write(out.join(format!("{name}.rs")), interface.judge(&files)?)?;
    }
    Ok(())
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}
