//! Training through the real worker: stopped and gone on with, to the bit; ended early; refused; found out.

mod common;

use common::{heeding_signals, signal};
use rustix::process::Signal;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;
use wire::{Frame, FrameLimits, Tensors};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A model and a set so small that an epoch takes moments. With dropout, so that random numbers count.
const SMALL: [&str; 10] = [
    "--patch-size",
    "14",
    "--dim",
    "16",
    "--depth",
    "1",
    "--heads",
    "2",
    "--dropout",
    "0.1",
];

/// A training set that takes a moment.
const FEW: [&str; 4] = ["--train-images", "200", "--batch-size", "40"];

/// Epochs of more steps than one request has, so that a run is interrupted in the midst of an epoch.
const LONG: [&str; 8] = [
    "--train-images",
    "400",
    "--batch-size",
    "2",
    "--epochs",
    "3",
    "--lr",
    "0.003",
];

fn train(options: &[&str]) -> Command {
    let mut command = heeding_signals(env!("CARGO_BIN_EXE_grader"));
    command
        .args(["train", "--device", "cpu"])
        .args(options)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("MNIST_DIR")
        .stdin(Stdio::null());
    command
}

fn done(options: &[&str]) -> Result<Output> {
    Ok(train(options).output()?)
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn assert_ends(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

fn history(folder: &Path) -> Result<serde_json::Value> {
    Ok(serde_json::from_slice(&fs::read(
        folder.join("history.json"),
    )?)?)
}

fn named<'a>(folder: &'a Path, options: &[&'a str]) -> Result<Vec<&'a str>> {
    let folder = folder
        .to_str()
        .ok_or("a temporary folder of another name")?;
    Ok([&["--solution", "--out", folder], &SMALL[..], options].concat())
}

/// The weights of a run. The file's bytes may differ: its metadata stands in any order.
fn weights(folder: &Path) -> Result<Tensors> {
    let blob = fs::read(folder.join("best.safetensors"))?;
    Ok(Frame::decode(&blob, &FrameLimits::default())?.tensors)
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_bit() -> Result {
    let scratch = tempfile::tempdir()?;
    let (straight, stopped) = (
        scratch.path().join("straight"),
        scratch.path().join("stopped"),
    );
    let output = done(&named(&straight, &LONG)?)?;
    assert_ends(&output, 0);

    let mut child = train(&named(&stopped, &LONG)?)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    // Once the first epoch is kept it is under way, and a moment later in the midst of the second. Where a machine is so
    // fast or slow that it is elsewhere, less is tried, and nothing fails.
    let last = stopped.join("last.safetensors");
    while !last.exists() && child.try_wait()?.is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(Duration::from_millis(300));
    signal(child.id(), Signal::INT)?;
    let output = child.wait_with_output()?;
    if output.status.success() {
        println!("it was through before it could be stopped");
        assert!(weights(&straight)? == weights(&stopped)?, "other weights");
        return Ok(());
    }
    assert_ends(&output, 130);
    assert!(said(&output).contains("continue with"), "{}", said(&output));
    let before = history(&stopped)?["epochs"].as_array().map_or(0, Vec::len);
    assert!(before >= 1, "none of {before} epochs was kept");

    let folder = stopped
        .to_str()
        .ok_or("a temporary folder of another name")?;
    let output = done(&["--solution", "--resume", folder])?;
    assert_ends(&output, 0);
    assert!(weights(&straight)? == weights(&stopped)?, "other weights");
    let (straight, stopped) = (history(&straight)?, history(&stopped)?);
    assert_eq!(straight["test"], stopped["test"]);
    for (straight, stopped) in epochs(&straight).zip(epochs(&stopped)) {
        assert_eq!(straight["train"], stopped["train"]);
        assert_eq!(straight["validation"], stopped["validation"]);
    }

    // The options that the run was started with cannot be changed.
    let output = done(&["--solution", "--resume", folder, "--lr", "0.02"])?;
    assert_ends(&output, 2);
    assert!(
        said(&output).contains("begun with --lr 0.003, not 0.02"),
        "{}",
        said(&output)
    );
    Ok(())
}

/// A process that a process started, and those that they started, the first last.
fn family(process: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let children = children.unwrap_or_default();
    let children = children.split_whitespace().filter_map(|it| it.parse().ok());
    children.flat_map(family).chain([process]).collect()
}

/// A run that is told to stop right after it began to learn, by each signal in its turn; what it printed.
fn stopped_by(signals: &[Signal], options: &[&str]) -> Result<(Option<i32>, String)> {
    let mut child = train(options)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stderr.take().ok_or("standard error")?).lines();
    let mut said = String::new();
    // The first line that counts steps is printed once the first ones are taken.
    for line in lines.by_ref() {
        let line = line?;
        said += &format!("{line}\n");
        if line.starts_with("step ") {
            break;
        }
    }
    for &sent in signals {
        // As Slurm and systemd do, to all processes of a job; the worker's first, so that it cannot be saved by the grader.
        for process in family(child.id()) {
            // One may have ended meanwhile.
            let _ = signal(process, sent);
        }
    }
    for line in lines {
        said += &format!("{}\n", line?);
    }
    Ok((child.wait()?.code(), said))
}

#[test]
fn whatever_asks_a_run_to_stop_it_is_kept_from_its_first_steps_on_and_its_command_continues_it()
-> Result {
    const STEPS: [&str; 8] = [
        "--train-images",
        "600",
        "--batch-size",
        "2",
        "--epochs",
        "1",
        "--lr",
        "0.003",
    ];
    let scratch = tempfile::tempdir()?;
    let straight = scratch.path().join("straight");
    assert_ends(&done(&named(&straight, &STEPS)?)?, 0);
    // `timeout` sends its signal to the program, and then to the group that it is in.
    for (number, signals) in [
        &[Signal::TERM][..],
        &[Signal::TERM, Signal::TERM],
        &[Signal::HUP],
    ]
    .into_iter()
    .enumerate()
    {
        let stopped = scratch.path().join(format!("{number}: it's stopped"));
        let (code, said) = stopped_by(signals, &named(&stopped, &STEPS)?)?;
        assert_eq!(code, Some(130), "{signals:?}: {said}");
        assert!(stopped.join("last.safetensors").is_file(), "{said}");
        assert!(
            !stopped.join("best.safetensors").exists(),
            "no epoch is over: {said}"
        );
        let (_, command) = said
            .split_once("; continue with: cargo grader ")
            .ok_or(said.clone())?;
        let command = command.lines().next().unwrap_or_default();
        let output = Command::new("bash")
            .args(["-c", &format!("exec \"$GRADER\" {command}")])
            .env("GRADER", env!("CARGO_BIN_EXE_grader"))
            .current_dir(scratch.path())
            .output()?;
        assert_ends(&output, 0);
        assert!(weights(&straight)? == weights(&stopped)?, "other weights");
    }
    Ok(())
}

#[test]
fn a_run_does_not_go_on_with_other_code_unless_it_is_told_to() -> Result {
    let scratch = tempfile::tempdir()?;
    let text = |path: PathBuf| {
        path.into_os_string()
            .into_string()
            .map_err(|_| "a folder of another name")
    };
    let (run, ada) = (
        text(scratch.path().join("run"))?,
        text(scratch.path().join("ada"))?,
    );
    let src = Path::new(&ada).join("05-vit/src");
    fs::create_dir_all(&src)?;
    let solution = Path::new(env!("CARGO_MANIFEST_DIR")).join("../solutions/05-vit/src/lib.rs");
    fs::copy(&solution, src.join("lib.rs"))?;
    let own = ["--submission", &ada];
    let output = done(&[&own[..], &["--out", &run, "--epochs", "1"], &SMALL, &FEW].concat())?;
    assert_ends(&output, 0);

    let resume = |options: &[&str]| done(&[options, &["--resume", &run]].concat());
    let refused = |options: &[&str], why: &str, hint: &str| -> Result {
        let output = resume(options)?;
        assert_ends(&output, 2);
        let said = said(&output);
        assert!(said.contains(why) && said.contains(hint), "{said}");
        assert!(
            !said.contains("sandbox: "),
            "before anything is built: {said}"
        );
        Ok(())
    };
    let hint = "continue it with --submission PATH";
    refused(
        &["--solution"],
        "was begun with a submission, not the reference solution",
        hint,
    )?;
    refused(
        &[],
        "was begun with a submission, not the working copy",
        hint,
    )?;
    let mut changed = fs::read_to_string(&solution)?;
    changed.push_str("// Another thought.\n");
    fs::write(src.join("lib.rs"), changed)?;
    refused(
        &own,
        "the sources of a submission have changed since",
        "--allow-changed-code",
    )?;
    let output = resume(&[&own[..], &["--allow-changed-code"]].concat())?;
    assert_ends(&output, 0);
    assert!(
        said(&output).contains("it continues all the same"),
        "{}",
        said(&output)
    );
    Ok(())
}

fn epochs(history: &serde_json::Value) -> impl Iterator<Item = &serde_json::Value> {
    history["epochs"].as_array().into_iter().flatten()
}

#[test]
fn a_run_that_gets_no_better_ends_early_and_leaves_all_its_files() -> Result {
    let scratch = tempfile::tempdir()?;
    // So high a rate teaches nothing for long.
    let options = named(
        scratch.path(),
        &[
            &FEW[..],
            &["--epochs", "60", "--patience", "2", "--lr", "1.0"],
        ]
        .concat(),
    )?;
    let output = done(&options)?;
    assert_ends(&output, 0);
    assert!(said(&output).contains("stopped early"), "{}", said(&output));
    let history = history(scratch.path())?;
    let losses: Vec<_> = epochs(&history)
        .filter_map(|epoch| epoch["validation"]["loss"].as_f64())
        .collect();
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let place = losses.iter().position(|&loss| loss == best);
    assert_eq!(
        place.map(|place| place + 3),
        Some(losses.len()),
        "{losses:?}"
    );
    assert_eq!(
        history["test"]["epoch"].as_u64(),
        place.map(|place| place as u64 + 1)
    );
    let counts = history["test"]["confusion"]
        .as_array()
        .into_iter()
        .flatten();
    let counts = counts.filter_map(serde_json::Value::as_array).flatten();
    let images: u64 = counts.filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(images, 40);
    for name in ["loss", "accuracy", "confusion"] {
        for kind in ["png", "svg"] {
            assert!(scratch.path().join(format!("{name}.{kind}")).is_file());
        }
    }
    let table = fs::read_to_string(scratch.path().join("history.csv"))?;
    assert_eq!(table.lines().count(), losses.len() + 1);

    // The folder is taken.
    let output = done(&options)?;
    assert_ends(&output, 2);
    assert!(said(&output).contains("holds a run"), "{}", said(&output));
    Ok(())
}

#[test]
fn what_is_not_written_yet_is_named() -> Result {
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path().join("run");
    let folder = folder
        .to_str()
        .ok_or("a temporary folder of another name")?;
    let stubs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../exercises");
    let stubs = stubs.to_str().ok_or("a checkout of another name")?;
    let output = done(&[
        "--submission",
        stubs,
        "--out",
        folder,
        "--preset",
        "notebook",
        "--train-images",
        "50",
    ])?;
    assert_ends(&output, 1);
    let said = said(&output);
    assert!(
        said.contains("tell the three parts from each other"),
        "{said}"
    );
    assert!(said.contains("exercises/05-vit/src/lib.rs:"), "{said}");
    Ok(())
}

/// The solution, but that its logits are not those of its weights.
fn forged(folder: &Path) -> Result<PathBuf> {
    let solution = Path::new(env!("CARGO_MANIFEST_DIR")).join("../solutions/05-vit/src/lib.rs");
    let right = fs::read_to_string(solution)?;
    let wrong = right.replacen(
        "pooled.apply(&self.head)",
        "pooled.apply(&self.head) * 1.5",
        1,
    );
    assert_ne!(right, wrong);
    let src = folder.join("forged/05-vit/src");
    fs::create_dir_all(&src)?;
    fs::write(src.join("lib.rs"), wrong)?;
    Ok(folder.join("forged"))
}

#[test]
fn logits_that_the_reference_does_not_give_do_not_count() -> Result {
    let scratch = tempfile::tempdir()?;
    let (forged, out) = (forged(scratch.path())?, scratch.path().join("run"));
    let path = |path: &Path| {
        path.to_str()
            .map(str::to_owned)
            .ok_or("a folder of another name")
    };
    let (submission, folder) = (path(&forged)?, path(&out)?);
    let own = [
        "--submission",
        &submission,
        "--out",
        &folder,
        "--epochs",
        "1",
    ];
    let output = done(&[&own, &SMALL[..], &FEW].concat())?;
    assert_ends(&output, 1);
    assert!(
        said(&output).contains("this does not count"),
        "{}",
        said(&output)
    );
    assert_eq!(history(&out)?["test"]["confirmed"], false);
    Ok(())
}

#[test]
fn arguments_that_cannot_be_are_refused() -> Result {
    let refused = |options: &[&str], why: &str| -> Result {
        let output = done(options)?;
        assert_ends(&output, 2);
        assert!(said(&output).contains(why), "{}", said(&output));
        Ok(())
    };
    refused(
        &["--resume", "no/such/run"],
        "last.safetensors cannot be read",
    )?;
    refused(&["--solution", "--submission", "x"], "cannot be used with")?;
    refused(&["--patience", "0"], "--patience")?;
    let empty = tempfile::tempdir()?;
    let empty = empty.path().to_string_lossy();
    let mnist = ["--solution", "--preset", "notebook", "--data", "mnist"];
    refused(
        &[&mnist[..], &["--data-dir", &empty]].concat(),
        "`cargo grader data fetch mnist` downloads it",
    )?;
    Ok(())
}

/// As small, for a DeiT, which has no dropout, and a teacher whose training takes long enough to be interrupted.
const SMALL_DEIT: [&str; 17] = [
    "--solution",
    "--model",
    "deit",
    "--train-images",
    "100",
    "--batch-size",
    "25",
    "--patch-size",
    "14",
    "--dim",
    "16",
    "--depth",
    "1",
    "--heads",
    "2",
    "--epochs",
    "2",
];

#[test]
fn a_deit_learns_from_a_teacher_and_both_go_on_where_they_were_stopped() -> Result {
    let scratch = tempfile::tempdir()?;
    let place = |name: &str| -> Result<String> {
        let path = scratch.path().join(name);
        Ok(path.to_str().ok_or("a folder of another name")?.to_owned())
    };
    let (straight, stopped, given) = (place("straight")?, place("stopped")?, place("given")?);
    let soft = ["--distillation", "soft", "--teacher-epochs", "12", "--out"];
    let output = done(&[&SMALL_DEIT[..], &soft, &[straight.as_str()]].concat())?;
    assert_ends(&output, 0);
    for head in ["class head alone", "distillation head alone", "the teacher"] {
        assert!(said(&output).contains(head), "{}", said(&output));
    }
    let all = history(Path::new(&straight))?;
    assert_eq!(
        all["plan"]["learner"]["student"]["soft"]["temperature"],
        3.0
    );
    for score in [
        &all["test"]["heads"]["class"],
        &all["test"]["heads"]["dist"],
        &all["test"]["teacher"],
    ] {
        assert_eq!(score["images"], 20, "{all}");
    }

    let mut child = train(&[&SMALL_DEIT[..], &soft, &[stopped.as_str()]].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let last = Path::new(&stopped).join("teacher/last.safetensors");
    while !last.exists() && child.try_wait()?.is_none() {
        thread::sleep(Duration::from_millis(5));
    }
    signal(child.id(), Signal::INT)?;
    let output = child.wait_with_output()?;
    // On a busy machine it may have gone further before it was stopped, even to its end.
    let is_of_teacher = !Path::new(&stopped).join("last.safetensors").exists();
    assert!(
        !is_of_teacher || said(&output).contains("stopped while the teacher was training"),
        "{}",
        said(&output)
    );
    if !output.status.success() {
        assert_ends(&output, 130);
        let output = done(&["--solution", "--resume", &stopped])?;
        assert_ends(&output, 0);
    }
    let (of_straight, of_stopped) = (Path::new(&straight), Path::new(&stopped));
    assert!(
        weights(of_straight)? == weights(of_stopped)?,
        "other weights"
    );
    assert_eq!(history(of_stopped)?["test"], all["test"]);
    let output = done(&["--solution", "--resume", &stopped, "--alpha", "0.5"])?;
    assert_ends(&output, 2);
    assert!(
        said(&output).contains("begun with --alpha 0.9, not 0.5"),
        "{}",
        said(&output)
    );

    // The teacher of one run can teach in another; a student cannot.
    let file = format!("{straight}/teacher.safetensors");
    let output = done(&[&SMALL_DEIT[..], &["--teacher", &file, "--out", &given]].concat())?;
    assert_ends(&output, 0);
    let of_given = history(Path::new(&given))?;
    assert_eq!(of_given["test"]["teacher"], all["test"]["teacher"]);
    assert_eq!(of_given["plan"]["learner"]["student"], "hard");
    let (file, other) = (format!("{straight}/best.safetensors"), place("other")?);
    let output = done(&[&SMALL_DEIT[..], &["--teacher", &file, "--out", &other]].concat())?;
    assert_ends(&output, 2);
    assert!(
        said(&output).contains("best.safetensors does not hold a teacher's weights"),
        "{}",
        said(&output)
    );
    Ok(())
}

#[test]
fn what_is_for_a_deit_alone_is_refused_elsewhere_and_the_other_way_round() -> Result {
    let refused = |options: &[&str], why: &str| -> Result {
        let output = done(&[&["--solution"], options].concat())?;
        assert_ends(&output, 2);
        assert!(said(&output).contains(why), "{}", said(&output));
        Ok(())
    };
    refused(&["--alpha", "0.5"], "--alpha is for --model deit")?;
    let deit =
        |options: &[&'static str]| [&["--model", "deit", "--train-images", "20"], options].concat();
    refused(
        &deit(&["--temperature", "2"]),
        "--temperature is for --distillation soft",
    )?;
    refused(
        &deit(&["--distillation", "soft", "--alpha", "2"]),
        "--alpha 2 is not from 0 to 1",
    )?;
    refused(&deit(&["--dropout", "0.1"]), "--dropout is not for")?;
    refused(
        &deit(&["--label-smoothing", "0.1"]),
        "--label-smoothing is not for",
    )?;
    refused(
        &deit(&["--teacher", "no/such/file"]),
        "no/such/file cannot be read",
    )?;
    refused(&deit(&["--teacher-epochs", "0"]), "--teacher-epochs")?;
    Ok(())
}
