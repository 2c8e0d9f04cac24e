//! Faults of the machine cost nobody a point: they are reported, the exercise is not graded, and the same command grades it later.

use rustix::process::Signal;
use serde_json::Value;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

mod common;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A folder with a class in it.
struct Class {
    folder: tempfile::TempDir,
}

impl Class {
    /// A class in which each of these has handed in the reference, with their name in a comment.
    fn of(names: &[&str]) -> Result<Self> {
        let class = Self {
            folder: tempfile::tempdir()?,
        };
        for name in names {
            class.hand_in(name)?;
        }
        Ok(class)
    }

    fn hand_in(&self, name: &str) -> Result {
        let solution =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../solutions/01-patchify/src/lib.rs");
        let src = self.path().join(name).join("01-patchify/src");
        fs::create_dir_all(&src)?;
        let text = format!("{}\n// {name}\n", fs::read_to_string(solution)?);
        Ok(fs::write(src.join("lib.rs"), text)?)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("class")
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// The grader on this class, one submission at a time.
    fn grader(&self, options: &[&str]) -> Command {
        let mut command = common::heeding_signals(env!("CARGO_BIN_EXE_grader"));
        command
            .args(["grade", "--exercise=patchify", "--jobs=1"])
            .args(options)
            .arg("--out")
            .args([self.out(), self.path()])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::null());
        command
    }

    /// The results, by submission.
    fn result(&self, name: &str) -> Result<Value> {
        let results: Value = serde_json::from_slice(&fs::read(self.out().join("results.json"))?)?;
        let submissions = results["submissions"].as_array().ok_or("submissions")?;
        let found = submissions.iter().find(|it| it["submission"] == name);
        Ok(found.ok_or("the submission")?.clone())
    }
}

fn said(output: &Output) -> String {
    let parts = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    parts.concat()
}

/// Waits until a program prints a line with these words, and gives all up to there.
fn wait_for(words: &str, from: impl Read) -> Result<String> {
    let mut all = String::new();
    for line in BufReader::new(from).lines() {
        all.push_str(&line?);
        all.push('\n');
        if all.contains(words) {
            return Ok(all);
        }
    }
    Err(format!("it never said {words:?}: {all}").into())
}

/// A linker that works until a file lies beside it.
fn linker(folder: &Path) -> Result<(String, PathBuf)> {
    let bin = folder.join("tools/bin");
    fs::create_dir_all(&bin)?;
    let off = folder.join("tools/off");
    let real = std::env::split_paths(&std::env::var_os("PATH").ok_or("PATH")?)
        .map(|folder| folder.join("cc"))
        .find(|cc| cc.is_file())
        .ok_or("a linker")?;
    let script = format!(
        "#!/bin/sh\n[ -e {off} ] && {{ echo 'cc: cannot find ld' >&2; exit 1; }}\nexec {real} \"$@\"\n",
        off = off.display(),
        real = real.display()
    );
    fs::write(bin.join("cc"), script)?;
    fs::set_permissions(bin.join("cc"), fs::Permissions::from_mode(0o755))?;
    let path = std::env::var("PATH")?;
    Ok((format!("{}:{path}", bin.display()), off))
}

#[test]
fn a_linker_that_fails_costs_nobody_a_point_and_is_no_grade_once_it_is_back() -> Result {
    let class = Class::of(&["ada"])?;
    // All is built, while there is a linker.
    let built = class.grader(&["--train-on=none"]).output()?;
    assert_eq!(built.status.code(), Some(0), "{}", said(&built));
    fs::remove_dir_all(class.out())?;
    let (path, off) = linker(class.folder.path())?;
    let grade = || {
        class
            .grader(&["--train-on=none"])
            .env("PATH", &path)
            .output()
    };

    fs::write(&off, "")?;
    let refused = grade()?;
    let words = said(&refused);
    assert_eq!(refused.status.code(), Some(3), "{words}");
    assert!(
        words.contains("the reference does not get full marks"),
        "{words}"
    );
    assert!(
        words.contains("cannot find ld") && words.contains("hint: "),
        "{words}"
    );

    fs::remove_file(&off)?;
    let sound = grade()?;
    assert_eq!(sound.status.code(), Some(0), "{}", said(&sound));

    // The reference has full marks by now, and is not graded again.
    class.hand_in("bob")?;
    fs::write(&off, "")?;
    let broken = grade()?;
    let words = said(&broken);
    assert_eq!(broken.status.code(), Some(4), "{words}");
    assert!(words.contains("1 needs a person"), "{words}");
    let exercise = &class.result("bob")?["exercises"][0];
    assert_eq!(exercise["outcome"], "not-graded", "{exercise}");
    let ada = class.result("ada")?;
    assert_eq!(ada["points"], ada["max_points"], "{ada}");

    fs::remove_file(&off)?;
    let mended = grade()?;
    assert_eq!(mended.status.code(), Some(0), "{}", said(&mended));
    let bob = class.result("bob")?;
    assert_eq!(bob["points"], bob["max_points"], "{bob}");
    Ok(())
}

#[test]
fn a_submission_that_is_gone_before_its_turn_is_not_graded() -> Result {
    let class = Class::of(&["ada", "zed"])?;
    // A seed of its own: the reference is graded first, and takes a while.
    let seed = format!("--seed={}", std::process::id());
    let mut child = class
        .grader(&[&seed])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut errors = child.stderr.take().ok_or("standard error")?;
    wait_for("reference: grading patchify", &mut errors)?;
    fs::remove_dir_all(class.path().join("zed"))?;
    let rest = std::thread::spawn(move || errors.read_to_end(&mut vec![]));
    let output = child.wait_with_output()?;
    let _ = rest.join();
    let words = said(&output);
    assert_eq!(output.status.code(), Some(4), "{words}");
    assert!(words.contains("1 needs a person"), "{words}");
    let zed = class.result("zed")?;
    assert_eq!(zed["exercises"][0]["outcome"], "not-graded", "{zed}");
    assert!(zed["refused"].is_null() && zed["note"].is_null(), "{zed}");
    let ada = class.result("ada")?;
    assert_eq!(ada["points"], ada["max_points"], "{ada}");
    Ok(())
}

#[test]
fn a_umask_or_a_folder_for_temporary_files_that_is_not_there_changes_no_grade() -> Result {
    let class = Class::of(&["ada"])?;
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "umask 0777; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_grader"))
        .args(["grade", "--exercise=patchify"])
        .arg(class.path().join("ada"))
        .env("TMPDIR", "/no/such/folder")
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output()?;
    let words = said(&output);
    assert_eq!(output.status.code(), Some(0), "{words}");
    assert!(words.contains("10 / 10"), "{words}");
    Ok(())
}

#[test]
fn what_needs_a_person_is_listed_last_and_strict_makes_it_an_exit_code() -> Result {
    let class = Class::of(&["ada"])?;
    fs::create_dir(class.path().join("empty"))?;
    fs::write(class.path().join("bob.rar"), "")?;
    fs::write(class.path().join("cy.zip"), "no archive")?;
    fs::write(class.path().join(".DS_Store"), "")?;
    for (options, code) in [(&[][..], 0), (&["--strict"], 5)] {
        let output = class.grader(options).output()?;
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        let shown = String::from_utf8(output.stdout)?;
        let (_, last) = shown.split_once("3 need a person").ok_or("the box")?;
        for name in ["bob.rar", "cy", "empty"] {
            assert!(last.contains(name), "{name}: {shown}");
        }
        assert!(!last.contains(".DS_Store"), "{shown}");
    }
    Ok(())
}

#[test]
fn a_batch_that_is_terminated_ends_as_one_that_ctrl_c_stopped() -> Result {
    let names: Vec<_> = (0..30).map(|number| format!("s{number:02}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let class = Class::of(&names)?;
    for stop in [Signal::TERM, Signal::HUP, Signal::INT] {
        let _ = fs::remove_dir_all(class.out());
        let mut child = class
            .grader(&[])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut shown = child.stdout.take().ok_or("standard output")?;
        wait_for("(2 of 30)", &mut shown)?;
        common::signal(child.id(), stop)?;
        std::io::copy(&mut shown, &mut std::io::sink())?;
        assert_eq!(child.wait()?.code(), Some(130));
        let kept = fs::read_dir(class.out().join("submissions"))?.count();
        assert!((2..30).contains(&kept), "{kept} results");
        assert!(!class.out().join("results.json").exists());
    }
    Ok(())
}

/// The static fits the limit, and libtorch's data does not fit beside it: the loader gives up before any line of the
/// program runs, as it would on a machine that lacks a library.
#[test]
fn a_program_that_cannot_be_loaded_is_its_authors_fault_if_the_references_can() -> Result {
    let folder = tempfile::tempdir()?;
    let src = folder.path().join("03-msa/src");
    fs::create_dir_all(&src)?;
    let solution = Path::new(env!("CARGO_MANIFEST_DIR")).join("../solutions/03-msa/src/lib.rs");
    let code = fs::read_to_string(solution)?;
    let (before, body) = code
        .split_once("    let d = q.size()")
        .ok_or("the first line of attention")?;
    let code = format!(
        "{before}    std::hint::black_box(&LARGE);\n    let d = q.size(){body}\n\
         static LARGE: std::sync::Mutex<[u8; 505 << 20]> = std::sync::Mutex::new([0; 505 << 20]);\n"
    );
    fs::write(src.join("lib.rs"), code)?;
    let graded = Command::new(env!("CARGO_BIN_EXE_grader"))
        .args([
            "grade",
            "--as=submission",
            "--exercise=msa",
            "--train-on=none",
        ])
        .arg("--memory-limit=512")
        .arg(folder.path())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()?;
    let words = said(&graded);
    assert_eq!(graded.status.code(), Some(0), "{words}");
    assert!(words.contains("(not accepted)"), "{words}");
    assert!(
        words.contains("its program cannot be loaded within the limits, and the reference's can"),
        "{words}"
    );
    Ok(())
}
