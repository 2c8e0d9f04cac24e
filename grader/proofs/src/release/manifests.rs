//! The manifests and the lock file of a release: those of the course without what is left out.

use super::Files;
use super::files::INSTRUCTORS;
use super::place::write_files;
use anyhow::{Context, Result, anyhow};
use grader::course::Course;
use grader::machine::cargo::cargo;
use grader::machine::tools::Toolchain;
use hints::WithHint;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;

/// The workspace's manifest.
const TOP: &str = "Cargo.toml";

/// The lock file.
const LOCK: &str = "Cargo.lock";

/// The heading of the packages' own profiles in it.
const PROFILES: &str = "[profile.dev.package]";

/// The members that are solutions.
const SOLUTIONS: &str = "solutions/*";

/// Rewrites manifests and lock file.
///
/// # Errors
/// Returns an error if one is not as it must be, or cargo cannot make the lock file.
pub(super) fn adapt(course: &Course, files: &mut Files) -> Result<()> {
    for (path, content) in files.iter_mut() {
        if path.ends_with("/Cargo.toml") {
            *content = without_targets(text(path, content)?).into_bytes();
        }
    }
    let manifest = text(TOP, &files[TOP])?.to_owned();
    let members = with_members(&manifest)?;
    files.insert(TOP.to_owned(), members.clone().into_bytes());
    let lock = lock(course, files)?;
    let adapted = without_profiles(&members, &packages(&lock)?);
    files.insert(TOP.to_owned(), adapted.into_bytes());
    files.insert(LOCK.to_owned(), lock.into_bytes());
    Ok(())
}

fn text<'a>(path: &str, content: &'a [u8]) -> Result<&'a str> {
    str::from_utf8(content).with_context(|| format!("{path} is not UTF-8"))
}

/// The workspace's manifest with the members that are given out.
fn with_members(manifest: &str) -> Result<String> {
    const KEY: &str = "\nmembers = ";
    let says = "Cargo.toml lists no members of the workspace";
    let start = manifest.find(KEY).context(says)? + KEY.len();
    let end = start + manifest[start..].find(']').context(says)? + 1;
    let table: toml::Table = format!("members = {}", &manifest[start..end])
        .parse()
        .context(says)?;
    let members = table.get("members").and_then(toml::Value::as_array);
    let kept = members.into_iter().flatten().filter(|member| {
        let left_out = |out: &str| member.as_str() == Some(out);
        !left_out(SOLUTIONS) && !INSTRUCTORS.into_iter().any(left_out)
    });
    let kept: Vec<_> = kept.map(toml::Value::to_string).collect();
    let (before, after) = (&manifest[..start], &manifest[end..]);
    Ok(format!("{before}[{}]{after}", kept.join(", ")))
}

/// A package's manifest without its tests and benchmarks, which are about the grader.
fn without_targets(manifest: &str) -> String {
    let mut is_left_out = false;
    let mut kept = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_left_out = ["[[bench]]", "[[test]]"].contains(&line.trim());
        }
        if !is_left_out {
            kept += line;
            kept.push('\n');
        }
    }
    kept.truncate(kept.trim_end().len());
    kept + "\n"
}

/// The workspace's manifest without the profiles of packages that the lock file does not name: cargo would warn of each.
fn without_profiles(manifest: &str, packages: &BTreeSet<String>) -> String {
    let mut is_of_packages = false;
    let lines = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            is_of_packages = line.trim() == PROFILES;
        }
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        let is_comment = line.is_empty() || line.starts_with(['#', '[']);
        !is_of_packages || is_comment || packages.contains(name)
    });
    lines.fold(String::new(), |text, line| text + line + "\n")
}

/// The lock file of the release, with the versions of the course's.
fn lock(course: &Course, files: &Files) -> Result<String> {
    let target = course.root.join("target");
    fs::create_dir_all(&target)
        .with_context(|| format!("{} cannot be created", target.display()))?;
    let folder = tempfile::tempdir_in(&target).context("the lock file cannot be made")?;
    write_files(folder.path(), files)?;
    // It resolves what is there, and downloads nothing.
    let output = cargo(folder.path(), &Toolchain::of(&course.root)?)
        .args(["update", "--workspace", "--offline"])
        .output()
        .context("cargo cannot be started")?;
    if !output.status.success() {
        let says = String::from_utf8_lossy(&output.stderr).into_owned();
        let error = Err(anyhow!("{}", says.trim()).context("cargo cannot make the lock file"));
        return error.hint("`cargo fetch` downloads what it needs");
    }
    fs::read_to_string(folder.path().join(LOCK)).context("cargo wrote no lock file")
}

/// The names of the packages of a lock file.
fn packages(lock: &str) -> Result<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
    }
    let lock: Lock = toml::from_str(lock).context("the lock file is damaged")?;
    Ok(lock.package.into_iter().map(|it| it.name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_are_left_out_go_and_the_rest_stays() -> Result<()> {
        let manifest = "[workspace]\nmembers = [\"exercises/*\", \"solutions/*\", \"grader/desk\",\n  \"grader\"]\n# why\n";
        let adapted = with_members(manifest)?;
        assert_eq!(
            adapted,
            "[workspace]\nmembers = [\"exercises/*\", \"grader\"]\n# why\n"
        );
        assert!(with_members("[workspace]\n").is_err());
        Ok(())
    }

    #[test]
    fn tests_and_benchmarks_of_a_package_go() {
        let manifest = "[package]\nname = \"x\"\n\n[[bench]]\nname = \"y\"\n\n[lints]\nworkspace = true\n\n[[test]]\nname = \"z\"\n";
        assert_eq!(
            without_targets(manifest),
            "[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n"
        );
    }

    #[test]
    fn profiles_of_packages_that_are_not_there_go() {
        let manifest = "a = 1\n[profile.dev.package]\nhere.opt-level = 3\ngone.opt-level = 3\n# why\ngone = { debug = false }\n[x]\ngone = 1\n";
        let packages = BTreeSet::from(["here".to_owned()]);
        assert_eq!(
            without_profiles(manifest, &packages),
            "a = 1\n[profile.dev.package]\nhere.opt-level = 3\n# why\n[x]\ngone = 1\n"
        );
    }
}
