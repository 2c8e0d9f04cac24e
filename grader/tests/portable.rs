//! The student's way with a grader that has nothing of Linux's, where nothing below /proc can be read: what a Mac has.
//! `cargo test --package grader --no-default-features --test portable` runs it; a grader with its sandbox has no such test.
#![cfg(all(target_os = "linux", not(sandbox)))]

#[path = "common/checkout.rs"]
mod checkout;

use checkout::{Checkout, grader, original, said};
use landlock::{AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, path_beneath_rules};
use rustix::process::{Pid, getpgid, getpgrp};
use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread;
use wire::{Dtype, Frame, RawTensor, Tensors};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The note that stands for the sandbox.
const NOTE: &str = "this machine has no sandbox: your code runs with limits only";

/// The output of a program that may read everything but what is below /proc, and so may what it starts.
fn without_proc(command: &mut Command) -> Result<Output> {
    let entries = fs::read_dir("/")?.collect::<std::io::Result<Vec<_>>>()?;
    let paths = entries.iter().map(fs::DirEntry::path);
    let paths: Vec<_> = paths.filter(|path| path != Path::new("/proc")).collect();
    // A process under any Landlock rule moves no file to another folder, unless that is granted.
    let read = AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::Refer;
    // The rules hold for the thread that puts them on, and for what that one starts.
    let run = || {
        let confined = Ruleset::default()
            .handle_access(read)
            .and_then(Ruleset::create)
            .and_then(|rules| rules.add_rules(path_beneath_rules(paths, read)))
            .and_then(|rules| rules.restrict_self());
        confined.map_err(|error| error.to_string())?;
        command.output().map_err(|error| error.to_string())
    };
    let output = thread::scope(|scope| scope.spawn(run).join());
    Ok(output.map_err(|_| "the thread panicked")??)
}

/// Has everything built that the tests of this file need, which run beside each other.
fn build() {
    static IS_BUILT: OnceLock<bool> = OnceLock::new();
    let is_built = IS_BUILT.get_or_init(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
        command.args(["verify", "--proof=catalogue"]);
        let output = original().and_then(|root| without_proc(command.current_dir(root)));
        output.is_ok_and(|output| output.status.success())
    });
    assert!(is_built, "the course is not built");
}

/// Runs the grader on this checkout, which must end with `code` and say all of `parts`.
fn expect(code: i32, arguments: &[&str], parts: &[&str]) -> Result<String> {
    build();
    let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
    command
        .args(arguments)
        .current_dir(original()?)
        .stdin(Stdio::null());
    let output = without_proc(&mut command)?;
    let words = said(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {words}");
    for part in parts {
        assert!(words.contains(part), "{part:?} is not in: {words}");
    }
    Ok(words)
}

#[test]
fn nothing_below_proc_can_be_read_here() -> Result {
    let mut cat = Command::new("cat");
    cat.arg("/proc/self/status");
    let output = without_proc(&mut cat)?;
    assert!(said(&output).contains("Permission denied"), "{output:?}");
    Ok(())
}

#[test]
fn the_grader_is_built_without_what_only_linux_has() -> Result {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "tree",
            "--offline",
            "--package=grader",
            "--no-default-features",
        ])
        .args(["--edges=normal", "--prefix=none", "--format={lib}"])
        .current_dir(original()?);
    let words = said(&cargo.output()?);
    let has = |name: &str| words.lines().any(|line| line.trim() == name);
    assert!(has("rustix"), "{words}");
    assert!(!has("landlock") && !has("seccompiler"), "{words}");
    Ok(())
}

#[test]
fn a_solved_exercise_gets_all_its_points() -> Result {
    build();
    let copy = Checkout::copy()?;
    let [solution, exercise] =
        ["solutions", "exercises"].map(|part| copy.root.join(part).join("01-patchify/src/lib.rs"));
    fs::copy(solution, exercise)?;
    let output = without_proc(&mut grader(&copy.root, &["check", "patchify"]))?;
    let words = said(&output);
    assert_eq!(output.status.code(), Some(0), "{words}");
    assert!(words.contains(NOTE) && words.contains("7 of 7"), "{words}");
    assert_eq!(words.matches("sandbox").count(), 1, "{words}");
    Ok(())
}

#[test]
fn an_exercise_that_is_not_begun_is_explained() -> Result {
    expect(1, &["check", "msa"], &[NOTE, "not yet implemented"]).map(drop)
}

#[test]
fn functions_are_called_and_drawn() -> Result {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let [input, output, pictures] = ["in", "out", "pictures"].map(path);
    let values = (0..48_u8).flat_map(|value| f32::from(value).to_le_bytes());
    let images = RawTensor::new(Dtype::F32, vec![1, 3, 4, 4], values.collect())?;
    let tensors: Tensors = [("images".to_owned(), images)].into();
    let request = Frame {
        tensors,
        ..Frame::default()
    };
    fs::write(&input, request.encode()?)?;
    let call = ["call", "patchify", "patchify", &input, &output];
    let call = [&call[..], &["--arg=grid=2", "--solution"]].concat();
    expect(0, &call, &[NOTE])?;
    assert!(fs::metadata(output)?.len() > 48 * 4);
    let draw = ["draw", "msa", "--solution", "--out", &pictures];
    expect(0, &draw, &[NOTE])?;
    assert!(fs::read_dir(pictures)?.count() >= 2);
    Ok(())
}

#[test]
fn a_model_is_trained() -> Result {
    let folder = tempfile::tempdir()?;
    let out = format!("--out={}", folder.path().join("run").display());
    let sizes = ["--patch-size=14", "--dim=16", "--depth=1", "--heads=2"];
    let amount = ["--train-images=100", "--batch-size=50", "--epochs=1"];
    let train = [&["train", "--solution", &out][..], &sizes, &amount].concat();
    expect(0, &train, &[NOTE, "test accuracy"]).map(drop)
}

#[test]
fn a_proof_of_the_course_is_made() -> Result {
    let verify = ["verify", "--proof=solutions", "--exercise=patchify"];
    expect(0, &verify, &[NOTE, "1 passed, 0 failed"]).map(drop)
}

#[test]
fn doctor_and_setup_are_content() -> Result {
    let words = expect(
        0,
        &["doctor"],
        &["sandbox", "your own code runs with limits only"],
    )?;
    assert!(!words.contains('✗'), "{words}");
    expect(0, &["setup"], &["libtorch 2.11.0"]).map(drop)
}

#[test]
fn other_peoples_code_runs_only_if_that_was_chosen() -> Result {
    let refused = ["submissions cannot be confined", "--sandbox none"];
    let one = ["--exercise=patchify", "--train-on=none", "solutions"];
    expect(3, &[&["grade"][..], &one].concat(), &refused)?;
    let full = [&["grade", "--sandbox=full"][..], &one].concat();
    expect(3, &full, &refused)?;
    let submission = ["draw", "patchify", "--submission=solutions"];
    expect(3, &submission, &refused)?;
    let none = [&["grade", "--sandbox=none"][..], &one].concat();
    expect(0, &none, &["sandbox: limits only", "10 / 10"])?;
    expect(3, &["attack"], &["no sandbox", "Linux"]).map(drop)
}

/// A submission to 01 whose function never ends.
fn endless(folder: &Path) -> Result<PathBuf> {
    let src = folder.join("01-patchify/src");
    fs::create_dir_all(&src)?;
    let solution = original()?.join("solutions/01-patchify/src/lib.rs");
    let endless = "-> Array3<f32> { #[allow(clippy::empty_loop)] loop { std::hint::spin_loop(); } }\nfn right(";
    let source = fs::read_to_string(solution)?;
    let begin = "pub fn patchify(";
    assert!(source.contains(begin));
    let head = "pub fn patchify(_: ArrayView4<'_, f32>, _: usize) ";
    let source = source.replacen(begin, &format!("{head}{endless}"), 1);
    fs::write(src.join("lib.rs"), source)?;
    Ok(src)
}

#[test]
fn a_function_that_never_ends_costs_its_tests_alone() -> Result {
    let folder = tempfile::tempdir()?;
    endless(&folder.path().join("ada"))?;
    let [path, out] = ["ada", "out"].map(|name| folder.path().join(name).display().to_string());
    let grade = [
        "grade",
        "--exercise=patchify",
        "--train-on=none",
        "--sandbox=none",
    ];
    let more = ["--call-limit=1", "--outspoken", "--out", &out, &path];
    expect(0, &[&grade[..], &more].concat(), &["results: "])?;
    let results = fs::read_to_string(folder.path().join("out/results.json"))?;
    assert!(results.contains("no answer within 1 s"), "{results}");
    Ok(())
}

/// Starts a program as the grader does; returns its process, and the group of processes that it is in.
fn group_of(options: &[&str]) -> Result<[Pid; 2]> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_grader"))
        .arg("confined")
        .args(options)
        .args(["--folder=/", "--memory=1024", "--cpu=10", "--file=0", "--"])
        .args(["/bin/sh", "-c", "echo started; exec sleep 60"])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut started = [0; 7];
    child
        .stdout
        .take()
        .ok_or("a pipe")?
        .read_exact(&mut started)?;
    let process = Pid::from_child(&child);
    let group = getpgid(Some(process))?;
    child.kill()?;
    child.wait()?;
    Ok([process, group])
}

#[test]
fn what_the_grader_starts_leads_a_group_and_a_worker_is_in_its_judges() -> Result {
    let [process, group] = group_of(&[])?;
    assert_eq!(process, group);
    let [_, group] = group_of(&["--judged"])?;
    assert_eq!(group, getpgrp());
    Ok(())
}
