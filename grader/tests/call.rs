//! `grader call`: what is answered, refused, shown of what a function prints, and stopped.

mod common;

use common::interrupt;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use wire::Frame;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A request for what patches of this side cost on an image of 8 pixels.
fn write_request(folder: &Path, name: &str, patch: &str) -> Result {
    let arguments = [
        ("image", "8"),
        ("patch", patch),
        ("channels", "3"),
        ("dim", "5"),
    ];
    let named = arguments.map(|(name, value)| (format!("argument.{name}"), value.to_owned()));
    let request = Frame {
        metadata: BTreeMap::from(named),
        ..Frame::default()
    };
    fs::write(
        folder.join(format!("{name}.safetensors")),
        request.encode()?,
    )?;
    Ok(())
}

fn command(submission: &Path, input: &Path, output: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
    command
        .args(["call", "patchify", "cost"])
        .args([input, output])
        .arg("--submission")
        .arg(submission)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn call_cost(submission: &Path, input: &Path, output: &Path, more: &[&str]) -> Result<Output> {
    Ok(command(submission, input, output).args(more).output()?)
}

/// Patches of 2 end the process. Patches of 3 panic, as they must.
const ENDS: &str = "if patch == 2 { std::process::exit(0) }";

/// The solution, but that `cost` begins with some lines more.
fn submission(folder: &Path, begin: &str) -> Result {
    let solution =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../solutions/01-patchify/src/lib.rs");
    let right = fs::read_to_string(solution)?;
    let start = "    let patches = divide(image, patch,";
    let source = right.replacen(start, &format!("{begin}\n{start}"), 1);
    assert_ne!(source, right);
    let src = folder.join("01-patchify/src");
    fs::create_dir_all(&src)?;
    fs::write(src.join("lib.rs"), source)?;
    Ok(())
}

fn patches(file: &Path) -> Result<f64> {
    let answer = Frame::decode(&fs::read(file)?, &wire::FrameLimits::default())?;
    Ok(answer.tensors["cost"].to_f64()[0])
}

#[test]
fn each_file_of_a_folder_is_answered_and_one_that_ends_the_worker_spoils_no_other() -> Result {
    let scratch = tempfile::tempdir()?;
    let at = |name: &str| scratch.path().join(name);
    submission(&at("ada"), ENDS)?;
    fs::create_dir(at("in"))?;
    for (name, patch) in [("a", "4"), ("b", "2"), ("c", "3"), ("d", "8")] {
        write_request(&at("in"), name, patch)?;
    }

    let called = call_cost(&at("ada"), &at("in"), &at("out"), &[])?;
    let said = String::from_utf8(called.stderr)?;
    assert_eq!(called.status.code(), Some(1), "{said}");
    assert_eq!(patches(&at("out/a.safetensors"))?, 4.0);
    assert_eq!(patches(&at("out/d.safetensors"))?, 1.0);
    assert!(!at("out/b.safetensors").exists() && !at("out/c.safetensors").exists());
    let line = |name: &str| {
        said.lines()
            .find(|line| line.contains(name))
            .unwrap_or_default()
    };
    assert!(
        line("in/b.safetensors: ").contains("ended the process"),
        "{said}"
    );
    assert!(
        line("in/c.safetensors: ").contains("cannot divide 8"),
        "{said}"
    );

    // `--arg` counts for more than what a file says.
    let one = at("one.safetensors");
    let called = call_cost(
        &at("ada"),
        &at("in/b.safetensors"),
        &one,
        &["--arg", "patch=1"],
    )?;
    assert!(
        called.status.success(),
        "{}",
        String::from_utf8_lossy(&called.stderr)
    );
    assert_eq!(patches(&one)?, 64.0);
    Ok(())
}

#[test]
fn a_file_that_lacks_an_argument_is_named_before_anything_is_done() -> Result {
    let scratch = tempfile::tempdir()?;
    let at = |name: &str| scratch.path().join(name);
    submission(&at("ada"), ENDS)?;
    fs::create_dir(at("in"))?;
    write_request(&at("in"), "a", "4")?;
    fs::write(at("in/b.safetensors"), Frame::default().encode()?)?;
    let called = call_cost(&at("ada"), &at("in"), &at("out"), &[])?;
    let said = String::from_utf8(called.stderr)?;
    assert_eq!(called.status.code(), Some(2), "{said}");
    assert!(
        said.contains("b.safetensors") && said.contains("image is missing"),
        "{said}"
    );
    assert!(!at("out").exists());
    Ok(())
}

/// Calls `cost` of such a submission once, on what it can answer.
fn call_once(scratch: &Path, begin: &str) -> Result<Output> {
    submission(&scratch.join("ada"), begin)?;
    write_request(scratch, "in", "4")?;
    let [ada, input, output] =
        ["ada", "in.safetensors", "out.safetensors"].map(|name| scratch.join(name));
    call_cost(&ada, &input, &output, &[])
}

#[test]
fn what_breaks_a_rule_is_not_run() -> Result {
    let scratch = tempfile::tempdir()?;
    // Runs before the worker seals itself, where it runs.
    let early = r#"
        #[allow(unsafe_code)]
        mod early {
            #[unsafe(link_section = ".init_array")]
            #[used]
            static EARLY: extern "C" fn() = early;
            extern "C" fn early() {
                println!("early");
            }
        }"#;
    let called = call_once(scratch.path(), early)?;
    let said = String::from_utf8(called.stderr)?;
    assert_eq!(called.status.code(), Some(1), "{said}");
    assert!(
        said.contains("it is not accepted: exercises/01-patchify/src/lib.rs:"),
        "{said}"
    );
    assert!(!said.contains("early"), "{said}");
    Ok(())
}

#[test]
fn the_end_of_what_a_function_prints_is_shown_as_text() -> Result {
    let scratch = tempfile::tempdir()?;
    let begin = r#"
        eprint!("{}", "flood\n".repeat(1 << 20));
        println!("\u{1b}[2J\n::error::forged");
        dbg!(patch);"#;
    let called = call_once(scratch.path(), begin)?;
    let said = String::from_utf8(called.stderr)?;
    assert!(called.status.success(), "{said}");
    assert!(said.len() < 8 << 10, "{} bytes", said.len());
    let (_, printed) = said
        .split_once("the last it printed:\n")
        .ok_or("nothing printed")?;
    assert!(
        printed.contains("\\u{1b}[2J\n\\u{3a}:error::forged\n"),
        "{printed}"
    );
    assert!(printed.trim_end().ends_with("patch = 4"), "{printed}");
    Ok(())
}

#[test]
fn how_a_function_ended_the_process_is_told_and_what_it_said() -> Result {
    let scratch = tempfile::tempdir()?;
    for (end, status) in [("exit(7)", "exit status: 7"), ("abort()", "signal: 6")] {
        let called = call_once(
            scratch.path(),
            &format!("println!(\"farewell\"); std::process::{end};"),
        )?;
        let said = String::from_utf8(called.stderr)?;
        assert_eq!(called.status.code(), Some(1), "{said}");
        let told = format!("the function ended the process ({status}");
        assert!(
            said.contains(&told) && said.contains("the last it printed:\nfarewell"),
            "{said}"
        );
    }
    Ok(())
}

#[test]
fn a_link_to_a_submission_is_one() -> Result {
    let scratch = tempfile::tempdir()?;
    let at = |name: &str| scratch.path().join(name);
    submission(&at("ada"), ENDS)?;
    symlink(at("ada"), at("link"))?;
    write_request(scratch.path(), "in", "4")?;
    let called = call_cost(
        &at("link"),
        &at("in.safetensors"),
        &at("out.safetensors"),
        &[],
    )?;
    assert!(
        called.status.success(),
        "{}",
        String::from_utf8_lossy(&called.stderr)
    );
    assert_eq!(patches(&at("out.safetensors"))?, 4.0);
    Ok(())
}

/// The longest time that a stop may take. Code that is not stopped runs into a limit on time, of which the compiler's
/// is the shortest: 30 s.
const LIMIT: Duration = Duration::from_secs(25);

/// Presses Ctrl-C once a child of the command is a program of this name that has computed for a while; returns its
/// output, and the time until it ended.
fn interrupted(scratch: &Path, begin: &str, program: &str) -> Result<(Output, Duration)> {
    submission(&scratch.join("ada"), begin)?;
    write_request(scratch, "in", "4")?;
    let [ada, input, output] =
        ["ada", "in.safetensors", "out.safetensors"].map(|name| scratch.join(name));
    let mut child = command(&ada, &input, &output)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    while !has_child(child.id(), program) && child.try_wait()?.is_none() {
        thread::sleep(Duration::from_millis(20));
    }
    let begin = Instant::now();
    interrupt(child.id())?;
    let output = child.wait_with_output()?;
    Ok((output, begin.elapsed()))
}

/// Processor time in hundredths of a second, more than a program takes until it is asked or has read its sources.
/// Time by the clock would say nothing on a busy machine.
const STARTED: u64 = 50;

/// Returns whether a process has a child that is a program of this name, was given something in a scratch folder, and is well
/// under way.
fn has_child(process: u32, program: &str) -> bool {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let is_one = |child: &str| {
        let name = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
        let line = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        // See proc_pid_stat(5): the fields after the name.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let computed = fields.split_whitespace().nth(11);
        let computed: u64 = computed.and_then(|time| time.parse().ok()).unwrap_or(0);
        // A worker is not told where it lies.
        let is_ours =
            program == "worker" || String::from_utf8_lossy(&line).contains("grader/scratch");
        name.trim() == program && is_ours && computed >= STARTED
    };
    children.unwrap_or_default().split_whitespace().any(is_one)
}

#[test]
fn ctrl_c_ends_a_function_that_never_ends() -> Result {
    let scratch = tempfile::tempdir()?;
    let (output, taken) = interrupted(scratch.path(), "println!(\"so far\"); loop {}", "worker")?;
    let said = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(taken < LIMIT, "{taken:?}");
    assert!(
        said.ends_with("the last it printed:\nso far\nstopped\n"),
        "{said}"
    );
    Ok(())
}

#[test]
fn ctrl_c_while_it_is_compiled_is_not_blamed_on_the_code() -> Result {
    let scratch = tempfile::tempdir()?;
    let endless = "#[allow(long_running_const_eval)] const _: () = loop {};";
    let (output, taken) = interrupted(scratch.path(), endless, "rustc")?;
    let said = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(taken < LIMIT, "{taken:?}");
    assert!(
        said.ends_with("stopped\n") && !said.contains("takes more"),
        "{said}"
    );
    Ok(())
}
