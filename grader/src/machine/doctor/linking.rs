//! Tries what plain `cargo test` needs, with all that the user has set: an empty program is linked with libtorch as cargo
//! does it for an exercise, and started. If that fails, the trial is repeated with one setting at a time, and those with which
//! it fails are named.

use super::{Finding, ProgramOutput, Silence, hear};
use crate::machine::cargo::cargo;
use crate::machine::libtorch::{CPU_LIBRARY, LINK, Libtorch, printable};
use crate::machine::settings::{self, Files, LIBRARY_PATH, is_of_a_package};
use crate::machine::tools::Toolchain;
use serde::Deserialize;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const WHAT: &str = "cargo test";

/// The manifest of the program, a workspace of its own.
const MANIFEST: &str = r#"
[package]
name = "libtorch-trial"
version = "0.0.0"
edition = "2024"

[[test]]
name = "trial"
path = "main.rs"
harness = false

[workspace]
"#;

/// Finds libtorch as the build script of torch-sys does, and has the program need it.
const BUILD: &str = r#"
fn main() {
    let root = std::env::var("LIBTORCH").expect(".cargo/config.toml sets LIBTORCH");
    println!("cargo::rustc-link-search=native={root}/lib");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-link-arg=-Wl,--no-as-needed");
    }
    println!("cargo::rustc-link-arg=-ltorch_cpu");
}
"#;

/// Prints the path of the libtorch that the loader has taken, or `?` where the system does not show it.
const MAIN: &str = r#"
fn main() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else {
        return println!("libtorch: ?");
    };
    let library = maps.lines().find(|line| line.ends_with("/libtorch_cpu.so"));
    let library = library.and_then(|line| line.find('/').map(|at| &line[at..]));
    println!("libtorch: {}", library.unwrap_or_default());
}
"#;

/// The path that it prints where the system does not show it.
const UNSEEN: &str = "?";

/// Tries it in a workspace whose libtorch loads.
pub(super) fn linking(workspace: &Path, libtorch: &Libtorch) -> Finding {
    let replaced = variables(|name| name.starts_with("LIBTORCH_"));
    if !replaced.is_empty() {
        let names = replaced.join(", ");
        return Finding::fault(
            WHAT,
            format!("cargo builds the binding to libtorch with {names}, and the grader without"),
            format!("unset {names}"),
        );
    }
    let trial = match Trial::new(workspace, libtorch) {
        Ok(trial) => trial,
        Err(error) => {
            return Finding::note(WHAT, format!("it cannot be tried ({error})"), None);
        }
    };
    let Err(words) = trial.with(&UserSettings::All) else {
        return Finding::good(WHAT, "links a program with libtorch, and starts it");
    };
    trial.explain(&words)
}

/// The settings with which a trial is made.
enum UserSettings {
    /// All that the user has set.
    All,
    /// The configuration files, and no variable but these.
    Variables(Vec<String>),
    /// None: those that the grader puts in their place.
    Own,
}

/// A program that is linked with libtorch.
struct Trial<'a> {
    /// The folder of its sources, and of what is built of them.
    folder: TempDir,
    workspace: &'a Path,
    libtorch: &'a Libtorch,
}

/// The output of `cargo metadata`, as far as it is read.
#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
    /// Cargo has it since 1.91.
    build_directory: Option<PathBuf>,
}

impl<'a> Trial<'a> {
    fn new(workspace: &'a Path, libtorch: &'a Libtorch) -> std::io::Result<Self> {
        let folder = tempfile::tempdir()?;
        for (file, text) in [
            ("Cargo.toml", MANIFEST),
            ("build.rs", BUILD),
            ("main.rs", MAIN),
        ] {
            fs::write(folder.path().join(file), text)?;
        }
        Ok(Self {
            folder,
            workspace,
            libtorch,
        })
    }

    /// Links and starts the program.
    ///
    /// # Errors
    /// Returns the words of whatever failed.
    fn with(&self, kept: &UserSettings) -> Result<(), String> {
        let folder = format!("{}/", self.folder.path().display());
        let shown = |silence: &Silence| silence.of("cargo").replace(&folder, "");
        let metadata = self.run(kept, |cargo| {
            cargo.args(["metadata", "--offline", "--no-deps", "--format-version=1"]);
        });
        let metadata = metadata.map_err(|silence| shown(&silence))?;
        let metadata: Metadata =
            serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
        let programs = metadata
            .build_directory
            .unwrap_or(metadata.target_directory);
        // Programs look for libtorch from where they lie: here it lies as it does from there.
        let link = self.folder.path().join(LINK);
        let _ = fs::remove_file(&link);
        let there = programs.parent().map(|folder| folder.join(LINK));
        if let Some(there) = there.and_then(|link| link.canonicalize().ok()) {
            symlink(there, &link).map_err(|error| error.to_string())?;
        }
        let said = self.run(kept, |cargo| {
            let target = self.folder.path().join("target");
            let _ = fs::remove_dir_all(&target);
            cargo
                .args(["test", "--quiet", "--offline", "--test=trial"])
                .arg("--manifest-path")
                .arg(self.folder.path().join("Cargo.toml"))
                .arg("--target-dir")
                .arg(&target)
                .env("CARGO_BUILD_BUILD_DIR", "{workspace-root}/target");
        });
        let said = said.map_err(|silence| shown(&silence))?;
        let library = said
            .lines()
            .find_map(|line| line.strip_prefix("libtorch: "));
        let library = library.ok_or("the program prints nothing")?;
        if library == UNSEEN {
            return Ok(());
        }
        let own = self.libtorch.root.join("lib").join(CPU_LIBRARY);
        match Path::new(library).canonicalize() {
            Ok(library) if own.canonicalize().is_ok_and(|own| own == library) => Ok(()),
            _ => Err(format!("programs start with another libtorch, {library}")),
        }
    }

    /// Runs cargo in the workspace, so that it reads the files that it reads for an exercise.
    fn run(&self, kept: &UserSettings, arguments: impl FnOnce(&mut Command)) -> ProgramOutput {
        let mut command = match kept {
            UserSettings::Own => {
                let toolchain = Toolchain::of(self.workspace)
                    .map_err(|error| Silence::Failed(format!("{error:#}")))?;
                cargo(self.workspace, &toolchain)
            }
            UserSettings::All | UserSettings::Variables(_) => {
                Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            }
        };
        let removed = match kept {
            UserSettings::Own => vec![],
            UserSettings::All => variables(is_of_a_package),
            UserSettings::Variables(kept) => variables(|name| {
                is_of_a_package(name) || is_suspect(name) && !kept.contains(&name.to_owned())
            }),
        };
        for name in removed {
            command.env_remove(name);
        }
        arguments(command.current_dir(self.workspace));
        hear(&mut command)
    }

    /// Names what is in the way of a program that was not linked or did not start, for which cargo had these words.
    fn explain(&self, words: &str) -> Finding {
        let fails = |kept: &UserSettings| self.with(kept).is_err();
        let fault = |what: String, fix: String| {
            let detail = format!(
                "no program with libtorch is linked and started, because of {what} ({words})"
            );
            Finding::fault(
                WHAT,
                detail,
                format!("{fix}; the grader itself takes no notice of it"),
            )
        };
        if !fails(&UserSettings::Variables(vec![])) {
            let alone = |name: &String| fails(&UserSettings::Variables(vec![name.clone()]));
            let mut names = variables(is_suspect);
            // One may be in the way only beside another.
            let in_the_way: Vec<_> = names.iter().filter(|name| alone(name)).cloned().collect();
            if !in_the_way.is_empty() {
                names = in_the_way;
            }
            let fix = match names.as_slice() {
                [name] if name == LIBRARY_PATH => {
                    format!("take the folders that hold a libtorch from {name}")
                }
                names => format!("unset {}", names.join(", ")),
            };
            return fault(names.join(", "), fix);
        }
        let files = Files::of(self.workspace);
        let settings = files.settings();
        if !settings.is_empty() && !fails(&UserSettings::Own) {
            let keys = settings
                .iter()
                .map(|(file, key)| format!("{key} in {}", printable(file)));
            let keys = keys.collect::<Vec<_>>().join(", ");
            return fault(keys.clone(), format!("remove {keys}"));
        }
        Finding::fault(
            WHAT,
            format!("no program with libtorch is linked and started: {words}"),
            "`cargo test -p msa` in the checkout says more",
        )
    }
}

/// Whether a variable may be in the way of plain cargo.
fn is_suspect(name: &str) -> bool {
    let is_linker = name.starts_with("CARGO_TARGET_") && name.ends_with("_LINKER");
    settings::changes_builds(name) && !is_of_a_package(name) && name != "LIBTORCH"
        || is_linker
        || name == LIBRARY_PATH
}

/// The names of the variables that are set and that `is_wanted`.
fn variables(is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let names = env::vars_os().filter_map(|(name, _)| OsString::into_string(name).ok());
    let mut names: Vec<_> = names.filter(|name| is_wanted(name)).collect();
    names.sort();
    names
}
