//! The hostile corpus against the grader that was built here: a part of it, beside other programs. `grader attack` and
//! `grader verify` try all of it.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Runs `grader attack`, and returns its output once it has ended well.
fn attack(options: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_grader"))
        .arg("--course")
        .arg(course())
        .arg("attack")
        .args(options)
        .output()
        .expect("the grader can be started");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    said
}

fn course() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Does `act` while another program makes, changes and removes files where the present user keeps them.
fn beside_another_program<T>(act: impl FnOnce() -> T) -> T {
    let places = [
        "exercises/01-patchify",
        "target/debug/deps",
        "target/debug/build",
    ];
    let mut places: Vec<_> = places.iter().map(|place| course().join(place)).collect();
    places.push(std::env::temp_dir());
    let is_done = AtomicBool::new(false);
    let disturb = || {
        while !is_done.load(Ordering::Relaxed) {
            for place in &places {
                let named = tempfile::Builder::new()
                    .prefix("another-program-")
                    .tempfile_in(place);
                let file = named.expect("a new file");
                fs::write(file.path(), "two").expect("the file");
            }
        }
    };
    thread::scope(|scope| {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        for _ in 1..processors {
            // Nothing but busy.
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        scope.spawn(disturb);
        let done = panic::catch_unwind(AssertUnwindSafe(act));
        is_done.store(true, Ordering::Relaxed);
        done.unwrap_or_else(|failure| panic::resume_unwind(failure))
    })
}

#[test]
fn what_other_programs_change_is_no_gain() {
    let attacks =
        ["15", "21-endless", "22-files", "26-home"].map(|name| format!("--attack={name}"));
    let attacks: Vec<_> = attacks.iter().map(String::as_str).collect();
    let said = beside_another_program(|| attack(&attacks));
    assert!(said.contains("4 of 4 gained nothing, 0 skipped"), "{said}");
}

#[test]
fn what_an_attack_changes_that_is_let_through_is_a_gain() {
    let said = beside_another_program(|| attack(&["--prove", "--attack=26-home"]));
    if said.contains("there can be none here") {
        println!("skipped: {said}");
        return;
    }
    assert!(said.contains("was changed"), "{said}");
    assert!(!said.contains("another-program"), "{said}");
}
