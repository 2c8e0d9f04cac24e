//! Finds the exercises' pictures, and makes them a part of the grader. Says whether it has a sandbox, and on which systems it
//! is not to be had at all.

use interface::place::{entries, seen_from};
use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

/// The file of an exercise that draws what its functions give.
const PICTURES: &str = "pictures.rs";

/// The message for users of Windows. Cargo shows it as the reason why nothing is built.
const ON_WINDOWS: &str = "the course runs on Linux and macOS; on Windows, use WSL2: run `wsl --install` in PowerShell, open \
    the Ubuntu that it installs, install Rust there as rust-lang.org says for Linux, clone the course in your home folder \
    there (not below /mnt/c, which is slow), and go on as README.md says";

fn main() -> Result<(), Box<dyn Error>> {
    if env::var_os("CARGO_CFG_UNIX").is_none() {
        println!("cargo::error={ON_WINDOWS}");
        return Ok(());
    }
    // The one condition by which the sandbox, and what is of use with it alone, is compiled.
    println!("cargo::rustc-check-cfg=cfg(sandbox)");
    let is_linux = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    if is_linux && env::var_os("CARGO_FEATURE_SANDBOX").is_some() {
        println!("cargo::rustc-cfg=sandbox");
    }
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
