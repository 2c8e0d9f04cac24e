//! No setting of a user, no user and no machine changes a grade: if something is in the way, the grader names it at once,
//! and `doctor` says what to do.
#![cfg(target_os = "linux")]

#[path = "common/program.rs"]
mod program;
#[path = "common/training.rs"]
mod training;

use program::grader;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const GRADE: [&str; 4] = [
    "grade",
    "--exercise=patchify",
    "--train-on=none",
    "solutions",
];

/// All that a program printed.
fn said(output: &Output) -> String {
    let parts = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    parts.concat()
}

fn assert_full_marks(output: &Output) {
    let words = said(output);
    assert_eq!(output.status.code(), Some(0), "{words}");
    assert!(words.contains("10 / 10"), "{words}");
}

/// Another libtorch, and a program that fails.
struct Hostile {
    folder: TempDir,
}

impl Hostile {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let hostile = Self { folder };
        fs::create_dir(hostile.path("lib"))?;
        for library in ["libtorch_cpu.so", "libc10.so"] {
            fs::write(hostile.path("lib").join(library), "not a library")?;
        }
        fs::write(hostile.program(), "#!/bin/sh\nexit 1\n")?;
        fs::set_permissions(hostile.program(), fs::Permissions::from_mode(0o755))?;
        Ok(hostile)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self) -> PathBuf {
        self.path("fails")
    }

    /// Variables that people have in their profiles, all of them set to what does not work here.
    fn variables(&self) -> Vec<(String, PathBuf)> {
        let platform = format!(
            "CARGO_TARGET_{}_UNKNOWN_LINUX_GNU",
            std::env::consts::ARCH.to_uppercase()
        );
        let programs = [
            "CARGO",
            "CARGO_BUILD_RUSTC_WRAPPER",
            "RUSTC",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTC_WRAPPER",
            "RUSTDOC",
            &format!("{platform}_LINKER"),
            &format!("{platform}_RUNNER"),
        ]
        .map(|name| (name.to_owned(), self.program()));
        let folders = [
            "CARGO_BUILD_BUILD_DIR",
            "CARGO_BUILD_TARGET_DIR",
            "CARGO_TARGET_DIR",
            "CONDA_PREFIX",
            "LIBTORCH",
            "LIBTORCH_INCLUDE",
            "LIBTORCH_LIB",
            "PYTHONHOME",
            "PYTHONPATH",
            "VIRTUAL_ENV",
        ]
        .map(|name| (name.to_owned(), self.path("elsewhere")));
        let flags = [
            "CARGO_BUILD_RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "RUSTDOCFLAGS",
            "RUSTFLAGS",
            &format!("{platform}_RUSTFLAGS"),
        ]
        .map(|name| (name.to_owned(), "-Clinker=/no/such/linker".into()));
        let others = [
            ("CARGO_BUILD_TARGET", "wasm32-unknown-unknown"),
            ("CARGO_PROFILE_DEV_PANIC", "abort"),
            ("LIBTORCH_CXX11_ABI", "0"),
            ("LIBTORCH_STATIC", "1"),
            ("LIBTORCH_USE_PYTORCH", "1"),
            ("PIP_INDEX_URL", "http://localhost:1/"),
            ("PIP_REQUIRE_VIRTUALENV", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.into()));
        let loader = ("LD_LIBRARY_PATH".to_owned(), self.path("lib"));
        let all = programs
            .into_iter()
            .chain(folders)
            .chain(flags)
            .chain(others);
        all.chain([loader]).collect()
    }
}

/// Runs the grader as usual, so that nothing is left to build, and then with these arguments in a hostile environment: it
/// must build nothing, and nowhere else.
fn in_hostile(usual: &[&str], arguments: &[&str]) -> Result<Output> {
    let hostile = Hostile::new()?;
    let output = grader(usual).output()?;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let output = grader(arguments).envs(hostile.variables()).output()?;
    let words = said(&output);
    assert!(!words.contains("Compiling"), "built anew: {words}");
    assert!(!hostile.path("elsewhere").exists(), "{words}");
    Ok(output)
}

#[test]
fn no_variable_changes_a_grade_or_has_anything_built_anew() -> Result {
    for exercise in ["--exercise=patchify", "--exercise=msa"] {
        let grade = ["grade", exercise, "--train-on=none", "solutions"];
        assert_full_marks(&in_hostile(&grade, &grade)?);
    }
    Ok(())
}

#[test]
fn no_variable_changes_a_training() -> Result {
    let folder = tempfile::tempdir()?;
    let out = ["usual", "hostile"].map(|name| folder.path().join(name));
    let [usual, hostile] = out.each_ref().map(|out| training::arguments(out));
    let [usual, hostile] =
        [&usual, &hostile].map(|it| it.iter().map(String::as_str).collect::<Vec<_>>());
    let output = in_hostile(&usual, &hostile)?;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let [usual, hostile] = out.each_ref().map(|out| training::score(out));
    assert_eq!(hostile?, usual?);
    Ok(())
}

#[test]
fn doctor_names_the_variables_that_are_in_the_way_of_plain_cargo() -> Result {
    let hostile = Hostile::new()?;
    let elsewhere = hostile.path("elsewhere");
    let lib = hostile.path("lib");
    for (name, value) in [
        ("RUSTFLAGS", Path::new("-Cdebuginfo=0")),
        ("CARGO_TARGET_DIR", &elsewhere),
        ("RUSTC_WRAPPER", &hostile.program()),
        ("LD_LIBRARY_PATH", &lib),
        ("LIBTORCH_USE_PYTORCH", Path::new("1")),
    ] {
        let mut doctor = grader(&["doctor"]);
        // Whoever starts this test may have set some already, as `cargo grader verify` does.
        for (other, _) in hostile.variables() {
            doctor.env_remove(other);
        }
        let output = doctor
            .env(name, value)
            .env("LIBTORCH", &elsewhere)
            .output()?;
        let words = said(&output);
        let mut lines = words
            .lines()
            .skip_while(|line| !line.starts_with("✗ cargo test"));
        let (fault, fix) = (lines.next(), lines.next());
        assert!(fault.is_some_and(|line| line.contains(name)), "{words}");
        assert!(fix.is_some_and(|line| line.contains(name)), "{words}");
        // Builds pass it over.
        assert!(
            words.contains("LIBTORCH is passed over: there is no folder"),
            "{words}"
        );
    }
    Ok(())
}

#[test]
fn a_toolchain_that_is_not_there_is_named_before_anything_is_built() -> Result {
    // As rustup's rustc ends where the toolchain is not there.
    let bin = tempfile::tempdir()?;
    let rustc = bin.path().join("rustc");
    fs::write(
        &rustc,
        "#!/bin/sh\necho \"error: toolchain '$RUSTUP_TOOLCHAIN' is not installed\" >&2\nexit 1\n",
    )?;
    fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755))?;
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH")?);
    let in_it = |arguments: &[&str]| {
        grader(arguments)
            .env("RUSTUP_TOOLCHAIN", "nonsense")
            .env("PATH", &path)
            .output()
    };
    let output = in_it(&GRADE)?;
    let words = said(&output);
    assert_eq!(output.status.code(), Some(3), "{words}");
    for part in [
        "rustc cannot be used: error: toolchain 'nonsense' is not installed",
        "hint: RUSTUP_TOOLCHAIN is set to nonsense",
    ] {
        assert!(words.contains(part), "{words}");
    }
    let words = said(&in_it(&["doctor"])?);
    assert!(
        words.contains("→ RUSTUP_TOOLCHAIN is set to nonsense"),
        "{words}"
    );
    Ok(())
}

/// The output of a program that is started where the kernel answers a system call with an error, as the filters of
/// containers do.
fn without_call(number: i64, error: u32, mut command: Command) -> Result<Output> {
    let rules = BTreeMap::from([(number, vec![])]);
    let (usual, answer) = (SeccompAction::Allow, SeccompAction::Errno(error));
    let filter = SeccompFilter::new(rules, usual, answer, std::env::consts::ARCH.try_into()?)?;
    let filter: BpfProgram = filter.try_into()?;
    // A filter holds for the thread that puts it on, and for what that one starts.
    let output = thread::spawn(move || {
        seccompiler::apply_filter(&filter).map_err(|error| error.to_string())?;
        command.output().map_err(|error| error.to_string())
    });
    Ok(output.join().map_err(|_| "the thread panicked")??)
}

#[test]
fn a_container_without_user_namespaces_grades() -> Result {
    let refused = libc::EPERM.try_into()?;
    let output = without_call(libc::SYS_unshare, refused, grader(&GRADE))?;
    assert_full_marks(&output);
    assert!(
        !said(&output).contains("user namespaces"),
        "{}",
        said(&output)
    );
    let words = said(&without_call(
        libc::SYS_unshare,
        refused,
        grader(&["doctor"]),
    )?);
    assert!(words.contains("(no user namespaces: "), "{words}");
    Ok(())
}

#[test]
fn without_landlock_only_code_that_is_trusted_is_graded() -> Result {
    let (call, missing) = (libc::SYS_landlock_create_ruleset, libc::ENOSYS.try_into()?);
    let output = without_call(call, missing, grader(&GRADE))?;
    let words = said(&output);
    assert_eq!(output.status.code(), Some(3), "{words}");
    for part in [
        "submissions cannot be confined",
        "the kernel has no Landlock",
        "--sandbox none",
    ] {
        assert!(words.contains(part), "{words}");
    }
    let trusted = [&GRADE[..], &["--sandbox=none"]].concat();
    assert_full_marks(&without_call(call, missing, grader(&trusted))?);
    let words = said(&without_call(call, missing, grader(&["doctor"]))?);
    assert!(
        words.contains("✗ sandbox") && words.contains("Landlock"),
        "{words}"
    );
    Ok(())
}

/// The output of the grader, started by an ordinary user; nothing if there can be none here. In a user namespace the files are
/// still one's own, and root's rights are gone.
fn of_ordinary_user(arguments: &[&str]) -> Result<Option<Output>> {
    let own = grader(arguments);
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-user=1000", "--map-group=1000", "--"])
        .arg(own.get_program())
        .args(own.get_args())
        .current_dir(own.get_current_dir().ok_or("a folder")?);
    if !rustix::process::geteuid().is_root() {
        command = own;
    }
    let output = command.output()?;
    let is_tried = !said(&output).starts_with("unshare: ");
    if !is_tried {
        println!("not tried: {}", said(&output));
    }
    Ok(is_tried.then_some(output))
}

#[test]
fn an_ordinary_user_grades_and_trains() -> Result {
    for exercise in ["--exercise=patchify", "--exercise=msa"] {
        let arguments = ["grade", exercise, "--train-on=none", "solutions"];
        let Some(output) = of_ordinary_user(&arguments)? else {
            return Ok(());
        };
        assert_full_marks(&output);
    }
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("run");
    let arguments = training::arguments(&out);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    if let Some(output) = of_ordinary_user(&arguments)? {
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        training::score(&out)?;
    }
    Ok(())
}
