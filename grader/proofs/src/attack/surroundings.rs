//! The facts that a submission could read of the machine that it is compiled and run on: the names of all variables
//! that it may ask for, and whether what it told holds a value that names the machine.

use grader::grading::verdict::SubmissionGrade;
use grader::worker::linker::TOOLS;
use sandbox::confining_program;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;

/// Begins a line in which an attack tells what it read.
const TOLD: &str = "told ";

/// Variables that confined processes have, whoever starts the grader.
const CONFINED: &[&str] = &[
    "COURSE_SEED",
    "GLIBC_TUNABLES",
    "GOMP_SPINCOUNT",
    "INSTA_FORCE_PASS",
    "INSTA_UPDATE",
    "INSTA_WORKSPACE_ROOT",
    "JUDGE_ANSWERS",
    "JUDGE_CALLS_FOLDER",
    "JUDGE_CALL_SECONDS",
    "JUDGE_EXERCISE_SECONDS",
    "JUDGE_WORKER_0",
    "JUDGE_WORKER_1",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
    "OMP_NUM_THREADS",
    "PATH",
    "RUSTC_BOOTSTRAP",
    "TMPDIR",
    "WORKER_FILES",
    "WORKER_GPU",
    "WORKER_SANDBOX",
];

/// Values that confined processes have on every machine.
const EVERYWHERE: &[&str] = &["full", "none", "given-up"];

/// Values shorter than this stand in any text.
const SHORTEST: usize = 4;

/// The names of all variables of this process and of those that are confined, as literals of Rust.
pub(super) fn variables() -> String {
    let own = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let confined = CONFINED.iter().map(|name| (*name).to_owned());
    let names: BTreeSet<String> = own.chain(confined).collect();
    let literals: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    literals.join(", ")
}

/// The first thing that names this machine in what an attack told. `expected` is what the attack tells on every
/// machine: a variable with such a value (`CI=true`) names none.
pub(super) fn leaked(
    root: &Path,
    graded: &SubmissionGrade,
    said: &[&str],
    expected: &str,
) -> Option<String> {
    let lines = said.iter().flat_map(|text| text.lines());
    let told: Vec<_> = lines.filter(|line| line.contains(TOLD)).collect();
    let values = env::vars_os().map(|(_, value)| value.to_string_lossy().into_owned());
    let names = names_of_the_machine(root, values, expected);
    let leak = told.iter().find_map(|line| leak_in(line, &names))?;
    Some(format!(
        "{} told {leak:?}, which names this machine",
        graded.submission
    ))
}

fn leak_in<'a>(line: &str, names: &'a BTreeSet<String>) -> Option<&'a String> {
    names.iter().find(|name| line.contains(name.as_str()))
}

/// All values that name the machine, its user or its folders: those of the grader's own variables, and some more.
fn names_of_the_machine(
    root: &Path,
    values: impl Iterator<Item = String>,
    expected: &str,
) -> BTreeSet<String> {
    let path = |path: &Path| path.display().to_string();
    let mut names: BTreeSet<String> = values.collect();
    names.insert(path(root));
    names.extend(root.canonicalize().ok().map(|root| path(&root)));
    names.extend(root.parent().map(path));
    names.extend(env::home_dir().map(|home| path(&home)));
    names.extend(confining_program().ok().map(|grader| path(&grader)));
    // A name that is a word of every system, such as `root`, names nobody.
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    names.insert(host.trim().to_owned());
    names.retain(|name| {
        name.len() >= SHORTEST && !is_everywhere(name) && !expected.contains(name.as_str())
    });
    names
}

/// Returns whether a value says nothing of this machine: one of those of every confined process, or usual folders of programs.
fn is_everywhere(value: &str) -> bool {
    EVERYWHERE.contains(&value) || value.split(':').all(|folder| TOOLS.contains(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_the_machine_is_found_in_what_was_told() {
        let values = env::vars().map(|(_, value)| value);
        let names = names_of_the_machine(Path::new("/home/ada/course"), values, "");
        let leak = |line: &str| leak_in(line, &names).is_some();
        assert!(leak("told [\"/home/ada/course/target\"]"));
        assert!(leak(&format!("told {}", env::var("PATH").expect("a PATH"))));
        assert!(!leak(
            "told [\".\", \"full\", \"given-up\", \"worker\", \"/\"]"
        ));
        let home = env::home_dir().expect("a home");
        assert!(leak(&format!("told {}/.cargo/registry", home.display())));
    }

    #[test]
    fn a_variable_whose_value_is_told_on_every_machine_names_none() {
        let names = |expected: &str| {
            let values = ["true", "a-cluster"].map(str::to_owned);
            names_of_the_machine(Path::new("/home/ada/course"), values.into_iter(), expected)
        };
        let line = "panicked: it was told true";
        assert!(leak_in(line, &names("")).is_some());
        assert!(leak_in(line, &names("it was told true")).is_none());
        assert!(leak_in("it was told true a-cluster", &names("it was told true")).is_some());
    }

    #[test]
    fn every_variable_of_this_process_is_asked_for() {
        let asked = variables();
        for (name, _) in env::vars() {
            assert!(asked.contains(&format!("{name:?}")), "{name}");
        }
        assert!(asked.contains("\"WORKER_SANDBOX\""));
    }
}
