//! Terminal output: errors with causes and hints, color, `--quiet`, `--verbose`, and output that cannot be
//! written.

#[path = "common/pty.rs"]
mod pty;

use std::error::Error;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::iter;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The grader, without what the environment says of colors.
fn grader(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grader"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("MNIST_DIR");
    // With `CI`, programs take any terminal for one with colors.
    for name in ["CI", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A command that fails, since there is no exercise of that name.
const UNKNOWN: [&str; 2] = ["check", "nothing"];

#[test]
fn an_error_is_followed_by_its_hint() -> Result {
    let output = grader(&UNKNOWN).output()?;
    assert_eq!(output.status.code(), Some(2));
    let expected = "error: there is no exercise \"nothing\"\n\n\
        hint: the exercises are patchify, positions, msa, blocks, vit, deit, rollout, flow, windows\n";
    assert_eq!(stderr(&output), expected);
    assert_eq!(stdout(&output), "");
    Ok(())
}

#[test]
fn an_error_is_followed_by_its_cause() -> Result {
    let output = grader(&["--course", "/no/such/folder", "doctor"]).output()?;
    assert_eq!(output.status.code(), Some(2));
    let expected = "error: /no/such/folder cannot be opened\n\n\
        Caused by:\n  No such file or directory (os error 2)\n";
    assert_eq!(stderr(&output), expected);
    Ok(())
}

#[test]
fn several_causes_are_numbered() -> Result {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("in"))?;
    fs::write(folder.path().join("in/a.safetensors"), b"no tensors\xff")?;
    let input = folder.path().join("in");
    let output = grader(&["call", "patchify", "cost"])
        .args([input.as_path(), "out".as_ref()])
        .output()?;
    assert_eq!(output.status.code(), Some(2));
    let words = stderr(&output);
    let mut lines = words.lines();
    let first = lines.next().ok_or("an error")?;
    assert!(
        first.ends_with("in/a.safetensors cannot be called with"),
        "{words}"
    );
    assert!(words.contains("\n\nCaused by:\n  0: "), "{words}");
    assert!(words.contains("\n  1: "), "{words}");
    Ok(())
}

#[test]
fn control_characters_of_an_error_are_escaped() -> Result {
    let output = grader(&["--course", "/no/\u{1b}[2J", "doctor"]).output()?;
    let words = stderr(&output);
    assert!(words.contains("error: /no/\\u{1b}[2J cannot be"), "{words}");
    Ok(())
}

#[test]
fn color_is_used_where_it_is_asked_for_and_nowhere_else() -> Result {
    let colored = |arguments: &[&str], variable: Option<&str>| -> Result<bool> {
        let mut command = grader(arguments);
        command.args(UNKNOWN);
        command.envs(variable.map(|name| (name, "1")));
        let words = stderr(&command.output()?);
        let plain = words.starts_with("error: ") && !words.contains('\u{1b}');
        let styled = words.contains("\u{1b}[31merror:\u{1b}[0m")
            && words.contains("\u{1b}[36mhint:\u{1b}[0m");
        assert_ne!(plain, styled, "{words:?}");
        Ok(styled)
    };
    assert!(!colored(&[], None)?);
    assert!(colored(&["--color=always"], None)?);
    assert!(colored(&["--color", "always"], Some("NO_COLOR"))?);
    assert!(colored(&[], Some("CLICOLOR_FORCE"))?);
    assert!(!colored(&["--color=never"], Some("CLICOLOR_FORCE"))?);
    assert!(!colored(&["--color=auto"], Some("NO_COLOR"))?);
    Ok(())
}

#[test]
fn help_follows_color_and_is_otherwise_the_same() -> Result {
    let help = |color: &str| -> Result<String> {
        Ok(stdout(&grader(&["--help", "--color", color]).output()?))
    };
    let [plain, styled] = [help("never")?, help("always")?];
    assert_ne!(plain, styled);
    assert_eq!(plain, help("auto")?);
    let stripped = anstream::adapter::strip_str(&styled).to_string();
    assert_eq!(stripped, plain);
    Ok(())
}

#[test]
fn marks_of_results_are_in_color_on_demand() -> Result {
    let marks =
        |color: &str| -> Result<String> { Ok(stdout(&grader(&["doctor", color]).output()?)) };
    assert!(marks("--color=auto")?.contains("✓ Rust "));
    assert!(marks("--color=always")?.contains("\u{1b}[32m✓\u{1b}[0m Rust "));
    Ok(())
}

/// A toolchain whose cargo says what it was given, and builds nothing; gives the PATH in which it comes first.
fn toolchain(folder: &Path) -> Result<OsString> {
    let bin = folder.join("bin");
    fs::create_dir(&bin)?;
    let names_itself = format!("echo {}; echo {}", folder.display(), std::env::consts::ARCH);
    let programs = [
        ("cargo", "echo \"cargo was given: $*\" >&2; exit 1"),
        ("rustc", &names_itself),
    ];
    for (name, does) in programs {
        let program = bin.join(name);
        fs::write(&program, format!("#!/bin/sh\n{does}\n"))?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    }
    let path = std::env::var_os("PATH").ok_or("PATH")?;
    let folders = iter::once(bin).chain(std::env::split_paths(&path));
    Ok(std::env::join_paths(folders)?)
}

/// The output of a command that has cargo build something.
fn building(option: &str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let arguments = ["image=8", "patch=4", "channels=3", "dim=5"];
    let output = grader(&["call", "patchify", "cost", "-", "out", "--solution"])
        .args(arguments.map(|argument| format!("--arg={argument}")))
        .args((!option.is_empty()).then_some(option))
        .env("PATH", toolchain(folder.path())?)
        .output()?;
    let words = stderr(&output);
    assert_eq!(output.status.code(), Some(3), "{words}");
    assert!(words.contains("error: the course's own crates"), "{words}");
    Ok(words)
}

#[test]
fn quiet_leaves_out_notes_and_verbose_adds_commands() -> Result {
    const NOTE: &str = "sandbox: ";
    const RUNNING: &str = "running: ";
    let words = building("")?;
    assert!(words.contains(NOTE) && !words.contains(RUNNING), "{words}");
    assert!(words.contains("cargo was given: build "), "{words}");
    let words = building("--quiet")?;
    assert!(!words.contains(NOTE) && !words.contains(RUNNING), "{words}");
    let given = "cargo was given: --quiet build ";
    assert!(words.starts_with(given), "{words}");
    let words = building("--verbose")?;
    let running = words.lines().find(|line| line.starts_with(RUNNING));
    let running = running.ok_or("no command")?;
    assert!(running.contains("/cargo build "), "{words}");
    assert!(running.ends_with("--package=patchify-solution"), "{words}");
    assert!(words.contains(NOTE), "{words}");
    let words = building("--color=never")?;
    assert!(
        words.contains("cargo was given: --color=never build "),
        "{words}"
    );
    Ok(())
}

#[test]
fn quiet_and_verbose_exclude_each_other_wherever_they_stand() -> Result {
    for arguments in [&["-q", "-v", "doctor"][..], &["--quiet", "doctor", "-v"]] {
        let output = grader(arguments).output()?;
        assert_eq!(output.status.code(), Some(2));
        let words = stderr(&output);
        assert!(words.contains("cannot be used together"), "{words}");
    }
    Ok(())
}

#[test]
fn each_shell_has_a_script_with_the_commands_that_people_use() -> Result {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = grader(&["completions", shell]).output()?;
        assert!(output.status.success(), "{shell}: {}", stderr(&output));
        let script = stdout(&output);
        for word in [
            "grade",
            "check",
            "train",
            "completions",
            "--jobs",
            "--color",
        ] {
            let word = if shell == "fish" {
                word.trim_start_matches('-')
            } else {
                word
            };
            assert!(script.contains(word), "{shell} lacks {word}");
        }
        assert!(!script.contains("confined"), "{shell}");
    }
    let output = grader(&["completions", "--help"]).output()?;
    assert!(stdout(&output).contains("~/.bashrc"));
    Ok(())
}

fn full() -> Result<File> {
    Ok(File::options().write(true).open("/dev/full")?)
}

#[test]
fn output_that_cannot_be_written_is_an_error() -> Result {
    for arguments in [
        &["data", "list"][..],
        &["cost", "--no-time"],
        &["call", "patchify", "--list"],
        &["completions", "bash"],
        &["--help"],
        &["--version"],
        &["doctor"],
    ] {
        let output = grader(arguments).stdout(full()?).output()?;
        let words = stderr(&output);
        assert_eq!(output.status.code(), Some(4), "{arguments:?}: {words}");
        let expected = "error: standard output cannot be written: No space left on device";
        assert!(words.starts_with(expected), "{arguments:?}: {words}");
    }
    Ok(())
}

#[test]
fn errors_that_cannot_be_written_leave_the_exit_code() -> Result {
    let output = grader(&UNKNOWN).stderr(full()?).output()?;
    assert_eq!(output.status.code(), Some(2));
    Ok(())
}

/// Draws digits into a folder, with this standard output.
fn draw(out: &Path, stdout: impl Into<std::process::Stdio>) -> Result<Output> {
    let mut command = grader(&["data", "show", "digits", "--out"]);
    let output = command.arg(out).stdout(stdout).output()?;
    assert!(out.join("digits.svg").is_file());
    assert!(out.join("digits.png").is_file());
    Ok(output)
}

#[test]
fn output_that_cannot_be_written_loses_no_file() -> Result {
    let folder = tempfile::tempdir()?;
    let output = draw(folder.path(), full()?)?;
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    Ok(())
}

#[test]
fn that_nobody_reads_on_is_not_an_error() -> Result {
    let folder = tempfile::tempdir()?;
    let (reader, writer) = std::io::pipe()?;
    drop(reader);
    let output = draw(folder.path(), writer)?;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    Ok(())
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_no_half_of_it_stays() -> Result {
    let folder = tempfile::tempdir()?;
    // Blocks of 1,024 bytes: the pictures are larger.
    let output = Command::new("bash")
        .args([
            "-c",
            "ulimit -f 1; exec \"$0\" data show digits --out \"$1\"",
        ])
        .arg(env!("CARGO_BIN_EXE_grader"))
        .arg(folder.path())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    let words = stderr(&output);
    assert!(
        output.status.code().is_some_and(|code| code != 0),
        "{:?}: {words}",
        output.status
    );
    assert!(words.contains("digits.png cannot be written"), "{words}");
    assert!(words.contains("File too large"), "{words}");
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

/// The output of a command on a terminal of so many columns, or of a kind that cannot draw.
fn on_terminal(columns: u16, term: &str, command: &mut Command) -> Result<String> {
    let (mut main, own) = pty::open(24, columns)?;
    let mut child = command
        .env("TERM", term)
        .stdout(Stdio::null())
        .stderr(own)
        .spawn()?;
    // It ends only once no process holds the other end.
    command.stderr(Stdio::null());
    let mut drawn = vec![];
    // An error is how Linux tells that nobody has the other end open any more.
    let _ = main.read_to_end(&mut drawn);
    let status = child.wait()?;
    let drawn = String::from_utf8_lossy(&drawn).into_owned();
    assert!(status.success(), "{drawn}");
    Ok(drawn)
}

/// A training that takes a few seconds.
fn training() -> Result<(tempfile::TempDir, Command)> {
    let folder = tempfile::tempdir()?;
    let mut command = grader(&["train", "--solution", "--device", "cpu"]);
    command
        .args([
            "--patch-size",
            "14",
            "--dim",
            "16",
            "--depth",
            "1",
            "--heads",
            "2",
        ])
        .args([
            "--train-images",
            "1200",
            "--batch-size",
            "2",
            "--epochs",
            "1",
        ])
        .arg("--out")
        .arg(folder.path());
    Ok((folder, command))
}

#[test]
fn progress_is_whole_on_a_narrow_terminal() -> Result {
    let (_folder, mut command) = training()?;
    let drawn = on_terminal(40, "xterm", &mut command)?;
    let plain = anstream::adapter::strip_str(&drawn).to_string();
    let lines: Vec<_> = plain
        .split(['\r', '\n'])
        .map(str::trim)
        .filter(|line| line.contains("epoch 1 of 1"))
        .collect();
    assert!(!lines.is_empty(), "{drawn:?}");
    for line in lines {
        assert!(line.ends_with(" left"), "{line:?}");
        assert!(line.chars().count() <= 40, "{line:?}");
    }
    Ok(())
}

#[test]
fn progress_in_a_log_and_on_a_dumb_terminal_is_lines_of_text() -> Result {
    let (_folder, mut command) = training()?;
    let log = stderr(&command.output()?);
    let (_folder, mut command) = training()?;
    let dumb = on_terminal(40, "dumb", &mut command)?.replace("\r\n", "\n");
    for words in [log, dumb] {
        assert!(!words.contains(['\r', '\u{1b}']), "{words:?}");
        let line = words.lines().find(|line| line.starts_with("step "));
        let line = line.ok_or(words.clone())?;
        assert!(
            line.contains(" of 600: epoch 1 of 1, loss ") && line.ends_with(" left"),
            "{line}"
        );
    }
    Ok(())
}
