//! `grader watch` on a terminal: saves are made as editors make them, and the screen is read as a person would.
//!
//! The course is a copy of one exercise without its solution, so that nothing is compiled but the code that is saved.

#[path = "common/screen.rs"]
mod screen;

#[path = "common/mod.rs"]
mod common;

use grader::course::Course;
use grader::terminal::full_screen::FullScreen;
use grader::worker::workshop::Workshop;
use rustix::process::Signal;
use sandbox::Level;
use screen::{OnTerminal, PATIENCE};
use std::error::Error;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const GRADER: &str = env!("CARGO_BIN_EXE_grader");
const EXERCISE: &str = "exercises/01-patchify";

/// A course of one exercise.
struct Scratch {
    folder: TempDir,
    solution: String,
    tests: usize,
}

fn copy(from: &Path, to: &Path) -> Result {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false => drop(fs::copy(entry.path(), to)?),
        }
    }
    Ok(())
}

impl Scratch {
    fn new() -> Result<Self> {
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let course = Course::open(&original)?;
        let exercises = course.select(&["patchify".to_owned()])?;
        let workshop = Workshop::build(&course, &exercises, Level::default())?;
        let folder = tempfile::tempdir()?;
        copy(&original.join(EXERCISE), &folder.path().join(EXERCISE))?;
        fs::copy(
            original.join("Cargo.toml"),
            folder.path().join("Cargo.toml"),
        )?;
        workshop.write(&folder.path().join("workshop.json"))?;
        let solution = original.join("solutions/01-patchify/src/lib.rs");
        Ok(Self {
            folder,
            solution: fs::read_to_string(solution)?,
            tests: exercises[0].tests().count(),
        })
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn source(&self) -> PathBuf {
        self.path(EXERCISE).join("src/lib.rs")
    }

    /// The solution with something in the place of something else.
    fn with(&self, old: &str, new: &str) -> String {
        assert!(self.solution.contains(old), "{old}");
        self.solution.replace(old, new)
    }

    /// Patches whose values lie in another order than they should.
    fn wrong(&self) -> String {
        self.with("[0, 2, 4, 1, 3, 5]", "[0, 2, 4, 3, 5, 1]")
    }

    /// Saves as some editors do: the new file is put in the place of the old one.
    fn rename_over(&self, text: &str) -> Result {
        let new = self.path(EXERCISE).join("src/lib.rs.tmp");
        fs::write(&new, text)?;
        Ok(fs::rename(new, self.source())?)
    }

    fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<String> {
        let course = self.folder.path().display().to_string();
        let workshop = self.path("workshop.json").display().to_string();
        let mut arguments = vec!["watch".to_owned()];
        arguments.extend([
            "--course".to_owned(),
            course,
            "--workshop".to_owned(),
            workshop,
        ]);
        // No limit ends an endless loop before the test does.
        let limits = ["--call-limit=3600", "--exercise-limit=86400"];
        arguments.extend(limits.iter().chain(more).map(|&it| it.to_owned()));
        arguments
    }

    fn on_terminal(&self, rows: u16, columns: u16) -> Result<OnTerminal> {
        let arguments = self.arguments(&[]);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        OnTerminal::start(OsStr::new(GRADER), &arguments, rows, columns)
    }

    fn all_pass(&self) -> String {
        format!("✓ {0} of {0} tests pass", self.tests)
    }
}

#[test]
fn a_learner_saves_and_sees_what_changed() -> Result {
    let course = Scratch::new()?;
    let mut terminal = course.on_terminal(44, 100)?;
    terminal.shows(&format!("✗ 0 of {} tests pass", course.tests));
    assert!(terminal.is_taken()?);
    let rows = terminal.rows();
    assert!(rows[0].starts_with("01-patchify · "), "{rows:#?}");
    assert!(rows[43].starts_with("h hint  d diff  n next"), "{rows:#?}");
    terminal.shows("failure 1 of ");
    let rows = terminal.rows();
    let place = rows
        .iter()
        .find_map(|row| row.strip_prefix("failure 1 of "));
    let count = place.ok_or("a failure")?.trim().to_owned();

    // One by one, and round.
    terminal.types("n")?;
    terminal.shows(&format!("failure 2 of {count}"));
    terminal.types("pp")?;
    terminal.shows(&format!("failure {count} of {count}"));

    // Another command's words, for what the failure is about.
    terminal.types("h")?;
    terminal.shows("hint patchify ");
    terminal.shows("hint 1 of ");
    terminal.types("\u{1b}")?;
    terminal.hides("hint 1 of ");

    // Saved in place, and twice.
    fs::write(course.source(), "half of a file")?;
    fs::write(course.source(), &course.solution)?;
    terminal.shows(&course.all_pass());
    terminal.shows("✓ fixed: ");

    // Renamed over. What breaks is told, and a test that still passes is not.
    course.rename_over(&course.wrong())?;
    terminal.shows("✗ newly broken: ");
    terminal.hides("fixed: ");
    terminal.shows("look at: ");
    terminal.shows("alone: cargo test -p patchify --test ");

    // A text above the verdict is closed with Esc.
    terminal.types("o")?;
    terminal.shows("exercises/01-patchify/README.md");
    terminal.types("\u{1b}")?;
    terminal.shows("look at: ");
    terminal.types("?")?;
    terminal.shows("keeps a backup");
    terminal.types("q")?;
    terminal.hides("keeps a backup");

    // Forty columns hold the whole text, and the keys.
    terminal.resize(44, 40)?;
    terminal.becomes("keys of one letter", |rows| {
        rows[43] == "h d n p l o r x ? q"
    });
    terminal.shows("✗ newly broken: ");
    terminal.resize(44, 100)?;
    terminal.becomes("keys with words", |rows| rows[43].starts_with("h hint"));

    // A learner's words act on no terminal.
    let panics = course.with(
        "let (b, c, h, w) = images.dim();",
        "let (b, c, h, w) = images.dim(); panic!(\"\\x1b[2Jgone\");",
    );
    fs::write(course.source(), panics)?;
    terminal.shows("\\u{1b}[2Jgone");

    // Other commands' words for the exercise: this course has no solutions.
    terminal.types("d")?;
    terminal.shows("given out without the solution");
    terminal.types("\u{1b}")?;
    terminal.hides("given out without the solution");

    // Nothing is put back without a yes.
    let before = fs::read_to_string(course.source())?;
    let question = "Put the stubs of 01-patchify back?";
    terminal.types("x")?;
    terminal.shows(question);
    terminal.types("n")?;
    terminal.shows("nothing was changed");
    assert_eq!(fs::read_to_string(course.source())?, before);
    terminal.types("x")?;
    terminal.shows(question);
    terminal.types("y")?;
    terminal.shows("+++ exercises/01-patchify/src/lib.rs");
    terminal.types("\u{1b}")?;
    terminal.shows(&format!("✗ 0 of {} tests pass", course.tests));
    let stub = fs::read_to_string(course.path(EXERCISE).join("stubs/lib.rs"))?;
    assert_eq!(fs::read_to_string(course.source())?, stub);

    terminal.types("\u{3}")?;
    let (status, _) = terminal.ends()?;
    assert_eq!(status.code(), Some(130));
    Ok(())
}

#[test]
fn a_save_ends_an_endless_loop_and_git_may_rename_the_exercise() -> Result {
    let course = Scratch::new()?;
    let endless = course.with(
        "let (b, c, h, w) = images.dim();",
        "let (b, c, h, w) = images.dim(); loop {}",
    );
    fs::write(course.source(), endless)?;
    let mut terminal = course.on_terminal(24, 80)?;
    terminal.shows("testing …");
    fs::write(course.source(), "fn")?;
    terminal.shows("does not compile");
    terminal.shows("error");
    fs::write(course.source(), &course.solution)?;
    terminal.shows(&course.all_pass());

    // Renumbered: it is the same exercise, and watched on.
    fs::rename(course.path(EXERCISE), course.path("exercises/02-patchify"))?;
    terminal.shows("01-patchify is now 02-patchify");
    let source = course.path("exercises/02-patchify/src/lib.rs");
    fs::write(&source, course.wrong())?;
    terminal.shows("newly broken: ");
    fs::remove_dir_all(course.path("exercises/02-patchify"))?;
    terminal.shows("exercise");
    terminal.types("q")?;
    let (status, _) = terminal.ends()?;
    assert_eq!(status.code(), Some(0));
    Ok(())
}

#[test]
fn signals_leave_the_terminal_as_it_was() -> Result {
    let course = Scratch::new()?;
    let endless = course.with(
        "let (b, c, h, w) = images.dim();",
        "let (b, c, h, w) = images.dim(); loop {}",
    );
    fs::write(course.source(), endless)?;
    for signal in [Signal::TERM, Signal::HUP] {
        let terminal = course.on_terminal(24, 80)?;
        terminal.shows("testing …");
        common::signal(terminal.process(), signal)?;
        let (status, _) = terminal.ends()?;
        assert_eq!(status.code(), Some(130), "{signal:?}");
    }
    Ok(())
}

#[test]
#[ignore = "run by the test of panics, on a terminal of its own"]
fn panics_on_the_whole_terminal() {
    let (_screen, _) = FullScreen::enter().expect("a terminal");
    panic!("a stone");
}

#[test]
fn a_panic_leaves_the_terminal_as_it_was_and_is_told() -> Result {
    let program = std::env::current_exe()?;
    let arguments = [
        "--exact",
        "panics_on_the_whole_terminal",
        "--ignored",
        "--nocapture",
    ];
    let terminal = OnTerminal::start(program.as_os_str(), &arguments, 24, 80)?;
    let (status, rows) = terminal.ends()?;
    assert!(!status.success());
    assert!(rows.iter().any(|row| row.contains("a stone")), "{rows:#?}");
    Ok(())
}

#[test]
fn without_a_terminal_lines_are_written_and_only_changes_start_a_check() -> Result {
    let course = Scratch::new()?;
    for (poll, is_dumb) in [(None, false), (Some("--poll=0.1"), true)] {
        fs::copy(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("..")
                .join(EXERCISE)
                .join("src/lib.rs"),
            course.source(),
        )?;
        let arguments = course.arguments(poll.as_slice());
        let mut child = Command::new(GRADER)
            .args(&arguments)
            .env("TERM", if is_dumb { "dumb" } else { "xterm" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (mut keys, read) = (
            child.stdin.take().ok_or("stdin")?,
            child.stdout.take().ok_or("stdout")?,
        );
        let (sender, lines) = channel();
        thread::spawn(move || {
            let read = BufReader::new(read).lines();
            read.map_while(io::Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let mut all = vec![];
        let mut until = |expected: &str| -> Result {
            while let Ok(line) = lines.recv_timeout(PATIENCE) {
                let is_there = line.contains(expected);
                all.push(line);
                if is_there {
                    return Ok(());
                }
            }
            Err(format!("no {expected} in {all:#?}").into())
        };
        until("failure 1 of ")?;
        // None of these is a change of the code.
        let source = course.source();
        File::options()
            .append(true)
            .open(&source)?
            .set_modified(std::time::SystemTime::now())?;
        fs::write(&source, fs::read(&source)?)?;
        for name in ["4913", ".lib.rs.swp", "lib.rs~", "#lib.rs#"] {
            let file = source.with_file_name(name);
            fs::write(&file, "an editor's")?;
            fs::remove_file(file)?;
        }
        keys.write_all(b"n\n")?;
        until("failure 2 of ")?;
        fs::write(&source, &course.solution)?;
        until("fixed: ")?;
        keys.write_all(b"q\n")?;
        let status = child.wait()?;
        assert!(status.success(), "{status}");
        all.extend(lines);
        let checks = all
            .iter()
            .filter(|line| line.starts_with("checking "))
            .count();
        assert_eq!(checks, 2, "{all:#?}");
        assert!(
            all.iter().any(|line| line.starts_with(&course.all_pass())),
            "{all:#?}"
        );
        assert!(all.iter().all(|line| !line.contains('\u{1b}')), "{all:#?}");
    }
    Ok(())
}
