//! The confinement of compiler and judge, tested with system calls that safe Rust does not reach, and with attempts to
//! read the machine's files.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

/// Runs a program as the grader starts what it confines.
fn confined(layers: &[&str], program: &Path, arguments: &[&str]) -> Output {
    confined_for(10, layers, program, arguments)
}

/// The same, for so many seconds of processor time.
fn confined_for(seconds: u64, layers: &[&str], program: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_grader"))
        .arg("confined")
        .args(layers)
        .args(["--folder=/", "--memory=1024", "--file=0"])
        .arg(format!("--cpu={seconds}"))
        .args(["--run=/", "--"])
        .arg(program)
        .args(arguments)
        .output()
        .expect("the grader can be started")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Unconfined it is never started: it would stop the process that started it.
#[cfg(target_arch = "x86_64")]
#[test]
fn calls_that_no_compiler_needs_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("main.rs");
    let raw = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/raw.rs");
    let main = format!(
        "#[path = {raw:?}] mod raw;\nfn main() {{ for (name, _) in raw::not_refused() {{ println!(\"{{name}}\"); }} }}"
    );
    std::fs::write(&source, main).expect("a new file");
    let program = folder.path().join("main");
    let compiled = Command::new("rustc")
        .arg("--edition=2024")
        .arg("-o")
        .args([&program, &source])
        .status();
    assert!(compiled.is_ok_and(|status| status.success()));

    let output = confined(&["--landlock=6", "--seccomp"], &program, &[]);
    // Programs may be started: the compiler starts the linker.
    assert_eq!(said(&output), "execveat of nothing", "{output:?}");
}

#[test]
fn in_namespaces_there_is_no_network_and_no_right() {
    let show = ["/proc/self/net/dev", "/proc/self/status"];
    let output = confined(&["--namespaces"], Path::new("/bin/cat"), &show);
    let words = String::from_utf8_lossy(&output.stderr);
    if words.contains("grants no user namespace") || words.contains("cannot be written") {
        println!("skipped: {words}");
        return;
    }
    let said = said(&output);
    let devices = said
        .lines()
        .filter(|line| line.contains(": ") && line.ends_with(" 0"));
    let devices: Vec<_> = devices.filter_map(|line| line.split(':').next()).collect();
    assert_eq!(
        devices.first().map(|name| name.trim()),
        Some("lo"),
        "{said}"
    );
    assert_eq!(devices.len(), 1, "{devices:?}");
    assert!(said.contains("CapEff:\t0000000000000000"), "{said}");
    assert!(said.contains("Uid:\t65534"), "{said}");
}

#[test]
fn who_is_over_its_processor_time_is_told_so_by_the_signal() {
    let endless = ["-c", "while :; do :; done"];
    let output = confined_for(1, &[], Path::new("/bin/sh"), &endless);
    assert_eq!(output.status.signal(), Some(libc::SIGXCPU), "{output:?}");
}
