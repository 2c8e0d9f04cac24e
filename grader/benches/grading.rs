//! `cargo bench -p grader`: how long grading takes, beside the least that it could take.
//!
//! Figures are medians of whole processes, as a user meets them. The floor of a submission is what no grader of this
//! design can do without: the same calls of rustc and the linker, bare, and loading libtorch once.

use anyhow::{Context, Result, ensure};
use grader::course::{Course, Exercise};
use grader::worker::compile::{library_arguments, worker_arguments};
use grader::worker::workshop::Workshop;
use sandbox::{Author, reach};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const GRADER: &str = env!("CARGO_BIN_EXE_grader");
const RUNS: usize = 7;
const CLASS: usize = 20;

fn main() -> Result<()> {
    let course = Course::find(&std::env::current_dir()?)?;
    let exercises = course.select(&["patchify".into(), "msa".into()])?;
    let scratch = tempfile::tempdir()?;
    // Warms everything up, and shows what is being timed.
    grader(&course, &["grade", "solutions"])?;
    let workshop = Workshop::build(&course, &exercises, reach(None, Author::Others)?)?;

    println!("{:<52} {:>9} {:>9}", "", "median", "aim");
    let floor = median(|| floor(&course, &workshop, &exercises, scratch.path()))?;
    let one = [
        "grade",
        "solutions",
        "--exercise",
        "patchify",
        "--exercise",
        "msa",
        "--jobs",
        "1",
    ];
    let submission = median(|| timed(|| grader(&course, &one)))?;
    show(
        "floor: bare rustc and links, one load of libtorch",
        floor,
        "",
    );
    show(
        "one submission of both exercises, warm, one job",
        submission,
        "2.5 s",
    );
    println!(
        "{:<52} {:>8.2}x {:>9}",
        "  over the floor",
        ratio(submission, floor),
        "2.5x"
    );

    let all = ["grade", "solutions", "--train-on", "none", "--jobs", "1"];
    let submission = median(|| timed(|| grader(&course, &all)))?;
    let what = format!("all {} exercises, without training", course.exercises.len());
    show(&what, submission, "6 s");

    let class = scratch.path().join("class");
    for number in 1..=CLASS {
        copy(
            &course,
            &exercises,
            &class.join(format!("student-{number:02}")),
        )?;
    }
    let class = class.to_string_lossy().into_owned();
    let one = timed(|| on_processors("0", &course, &["grade", &class]))?;
    let two = timed(|| on_processors("0,1", &course, &["grade", &class]))?;
    let memory = memory(&course, &["grade", &class, "--jobs", "2"])?;
    show(&format!("{CLASS} submissions, one processor"), one, "");
    show(&format!("{CLASS} submissions, two processors"), two, "");
    println!(
        "{:<52} {:>8.2}x {:>9}",
        "  rate of two processors over one",
        ratio(one, two),
        "1.7x"
    );
    println!(
        "{:<52} {:>6} MB {:>9}",
        "  the grader's own memory at its peak",
        memory >> 20,
        "100 MB"
    );

    // A student's loop, on a course whose exercises are solved.
    for (exercise, aim) in [("patchify", "1 s"), ("msa", "2.5 s")] {
        let check = median(|| timed(|| grader_status(&course, &["check", exercise]).map(drop)))?;
        show(&format!("grader check {exercise}"), check, aim);
    }
    Ok(())
}

fn show(what: &str, time: Duration, aim: &str) {
    println!("{what:<52} {:>7.2} s {aim:>9}", time.as_secs_f64());
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

fn timed(run: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed())
}

fn median(mut run: impl FnMut() -> Result<Duration>) -> Result<Duration> {
    let mut times = (0..RUNS).map(|_| run()).collect::<Result<Vec<_>>>()?;
    times.sort();
    Ok(times[RUNS / 2])
}

fn floor(
    course: &Course,
    workshop: &Workshop,
    exercises: &[Exercise],
    scratch: &Path,
) -> Result<Duration> {
    let start = Instant::now();
    for exercise in exercises {
        let src = course
            .root
            .join("solutions")
            .join(&exercise.folder)
            .join("src");
        let library = scratch.join(format!("lib{}.rlib", exercise.name));
        let worker = scratch.join(&exercise.name);
        quietly(
            Command::new(&workshop.rustc)
                .args(library_arguments(workshop, exercise, &src, &library)?),
        )?;
        let arguments = worker_arguments(workshop, exercise, &library, &worker)?;
        quietly(Command::new(&workshop.rustc).args(arguments))?;
        if exercise.uses_torch {
            // Its input is empty: it loads libtorch, in whose folder it starts, and ends.
            quietly(Command::new(&worker).current_dir(&workshop.torch))?;
        }
    }
    Ok(start.elapsed())
}

fn quietly(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

fn grader(course: &Course, arguments: &[&str]) -> Result<()> {
    let status = grader_status(course, arguments)?;
    ensure!(status.success(), "grader {arguments:?} ended with {status}");
    Ok(())
}

fn grader_status(course: &Course, arguments: &[&str]) -> Result<std::process::ExitStatus> {
    let mut command = Command::new(GRADER);
    command
        .current_dir(&course.root)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().context("the grader cannot be started")
}

/// Lets the grader run on these processors alone.
fn on_processors(list: &str, course: &Course, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", list, GRADER]).args(arguments);
    quietly(command.current_dir(&course.root))
}

/// The largest resident size that the grader's own process reached.
fn memory(course: &Course, arguments: &[&str]) -> Result<u64> {
    let mut command = Command::new(GRADER);
    command
        .current_dir(&course.root)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn()?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_memory(
            &fs::read_to_string(&status_file).unwrap_or_default(),
        ));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    ensure!(status.success(), "grader {arguments:?} ended with {status}");
    Ok(peak)
}

fn peak_memory(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| {
        line.trim()
            .trim_end_matches("kB")
            .trim()
            .parse::<u64>()
            .ok()
    });
    kib.unwrap_or(0) << 10
}

/// A submission: the solutions' sources.
fn copy(course: &Course, exercises: &[Exercise], target: &Path) -> Result<()> {
    for exercise in exercises {
        let src = course
            .root
            .join("solutions")
            .join(&exercise.folder)
            .join("src");
        let target = target.join(&exercise.folder).join("src");
        fs::create_dir_all(&target)?;
        for entry in fs::read_dir(src)? {
            let entry = entry?;
            fs::copy(entry.path(), target.join(entry.file_name()))?;
        }
    }
    Ok(())
}
