//! The hostile corpus against the grader that was built here. It takes the built course, libtorch, and minutes; so it
//! runs where it is asked for: `cargo test -p grader --test attack -- --ignored`.

use std::process::Command;

#[test]
#[ignore = "takes the built course, and minutes: `cargo grader attack` shows the same to people"]
fn no_attack_gains_anything() {
    run(&[]);
}

#[test]
#[ignore = "as above"]
fn attacks_that_one_layer_stops_gain_without_it() {
    run(&["--prove"]);
}

fn run(options: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_grader"))
        .args([
            "--course",
            concat!(env!("CARGO_MANIFEST_DIR"), "/.."),
            "attack",
        ])
        .args(options)
        .output()
        .expect("the grader can be started");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
