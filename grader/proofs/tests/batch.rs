//! A class of which half is hostile: the honest half is graded as if it were alone. It takes the built course, and
//! minutes; so it runs only on request: `cargo test -p proofs --test batch -- --ignored`.
#![cfg(all(feature = "sandbox", target_os = "linux"))]

use grader::course::Course;
use proofs::attack::{Attack, corpus, hand_in};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

const HONEST: usize = 53;
const HOSTILE: usize = 47;

/// The edits of honest submissions: none, an error in one place, an error in another.
const EDITS: [(&str, &str); 3] = [
    ("", ""),
    ("let tokens = patches + 1;", "let tokens = patches + 2;"),
    ("attention_flops: 4 * tokens", "attention_flops: 2 * tokens"),
];

fn hand_in_honest(solution: &str, number: usize, class: &Path) {
    let (right, wrong) = EDITS[number % EDITS.len()];
    assert!(solution.contains(right), "{right}");
    // Nobody hands in the same file as another.
    let text = format!("{}\n// {number}\n", solution.replacen(right, wrong, 1));
    let src = class.join(format!("honest-{number:02}/01-patchify/src"));
    fs::create_dir_all(&src).expect("a new folder");
    fs::write(src.join("lib.rs"), text).expect("a new file");
}

/// Grades a class, and gives each submission's result as text, but for times.
fn grade(course: &Course, class: &Path, out: &Path, jobs: usize) -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--package", "grader", "--"])
        .current_dir(&course.root)
        .args(["grade", "--exercise", "patchify"])
        // Less than students have, for those that hang; more than an honest one takes on a busy machine.
        // A class has a seed of its own, and these are one class.
        .args(["--seed=1", "--call-limit=5", "--exercise-limit=120"])
        .arg(format!("--jobs={jobs}"))
        .arg("--out")
        .args([out, class])
        .output()
        .expect("cargo can be run");
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(
        output.status.success(),
        "the grader ended with {}: {said:?}",
        output.status
    );
    let results = fs::read(out.join("results.json")).expect("results");
    let mut results: Value = serde_json::from_slice(&results).expect("JSON");
    let submissions = results["submissions"].as_array_mut().expect("submissions");
    let timeless = submissions.iter_mut().map(|graded| {
        graded["seconds"].take();
        for exercise in graded["exercises"].as_array_mut().expect("exercises") {
            exercise["seconds"].take();
        }
        let name = graded["submission"].as_str().expect("a name").to_owned();
        (name, graded.to_string())
    });
    timeless.collect()
}

#[test]
#[ignore = "takes the built course, and minutes"]
fn hostile_submissions_change_no_result_of_honest_ones() {
    let course = Course::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../..").as_ref());
    let course = course.expect("the course of this checkout");
    let solution = fs::read_to_string(course.root.join("solutions/01-patchify/src/lib.rs"));
    let solution = solution.expect("the solution");
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let class = scratch.path().join("class");
    for number in 0..HONEST {
        hand_in_honest(&solution, number, &class);
    }
    let alone = grade(&course, &class, &scratch.path().join("alone"), 1);
    assert_eq!(alone.len(), HONEST);

    let attacks = corpus(&course.root, &[]).expect("the corpus");
    let of_patchify = |attack: &&Attack| {
        attack.exercise == "patchify" && attack.needs.is_none() && attack.past.is_empty()
    };
    let attacks: Vec<_> = attacks.iter().filter(of_patchify).take(HOSTILE).collect();
    assert_eq!(attacks.len(), HOSTILE);
    for attack in &attacks {
        hand_in(attack, &course, &class).expect("an attack");
    }
    let mut together = grade(&course, &class, &scratch.path().join("together"), 2);
    assert_eq!(together.len(), HONEST + HOSTILE);
    together.retain(|name, _| name.starts_with("honest"));
    assert_eq!(together, alone);
}
