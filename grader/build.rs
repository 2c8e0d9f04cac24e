//! Finds the exercises' pictures, and makes them a part of the grader.

use interface::place::{entries, seen_from};
use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

/// The file of an exercise that draws what its functions give.
const PICTURES: &str = "pictures.rs";

fn main() -> Result<(), Box<dyn Error>> {
    // Asked for at run time: a copied checkout has the program that was built for the one that it was copied from.
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).canonicalize()?;
    let course = package.join("..").canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?).canonicalize()?;
    let (mut modules, mut table) = (String::new(), String::new());
    for exercise in entries(&course.join("exercises"))? {
        let pictures = exercise.join(PICTURES);
        if !pictures.is_file() {
            continue;
        }
        let folder = exercise.file_name().unwrap_or_default().to_string_lossy();
        let name = folder.split_once('-').map_or(&*folder, |(_, name)| name);
        let seen = seen_from(&out, &course, &pictures);
        let watched = seen_from(&package, &course, &pictures);
        println!("cargo::rerun-if-changed={}", watched.display());
        modules += &format!("#[path = {:?}]\nmod {name};\n", seen.display().to_string());
        table += &format!("    ({name:?}, {name}::draw),\n");
    }
    // A new exercise is in the lock file. The folder itself is not watched: whoever solves an exercise changes it.
    println!("cargo::rerun-if-changed=../Cargo.lock");
    let table = format!("pub(super) const ALL: &[(&str, super::Draw)] = &[\n{table}];\n");
    fs::write(out.join(PICTURES), modules + &table)?;
    Ok(())
}
