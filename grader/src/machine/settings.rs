//! A user's own settings of cargo, in variables and in configuration files, and what stands in their place where the grader
//! builds the course: so the same is built on every machine, and once for `cargo test` and the grader.
//!
//! Taken away are settings that give another build than the course's own. Kept are those that say where crates come from, how
//! much is done at once or how it is shown; and a linker that works, since without it all would be built again.

use super::platform::Platform;
use super::tools::{Toolchain, cargo_home, on_path};
use std::collections::BTreeSet;
use std::env;
use std::env::consts::OS;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use toml::{Table, Value};

/// The separator of `CARGO_ENCODED_RUSTFLAGS`.
const SEPARATOR: &str = "\u{1f}";

/// The variable that names the folders in which the loader looks for libraries first.
pub(super) const LIBRARY_PATH: &str = if cfg!(target_os = "macos") {
    "DYLD_LIBRARY_PATH"
} else {
    "LD_LIBRARY_PATH"
};

/// Libraries of libtorch, by which a folder with another libtorch is known.
const OF_LIBTORCH: [&str; 3] = ["libtorch_cpu", "libtorch", "libc10"];

/// Variables that change what cargo builds, besides those that begin as [`BEGINNINGS`] say.
const VARIABLES: [&str; 10] = [
    "CARGO_ENCODED_RUSTDOCFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "LIBTORCH",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

/// Beginnings of the names of more of them.
const BEGINNINGS: [&str; 4] = [
    "CARGO_BUILD_",
    "CARGO_PROFILE_",
    "CARGO_UNSTABLE_",
    "LIBTORCH_",
];

/// Variables that begin so and change nothing of what the course's tests see. Without them a build would begin anew that was
/// made with them.
const HARMLESS: [&str; 3] = [
    "CARGO_BUILD_INCREMENTAL",
    "CARGO_BUILD_JOBS",
    "LIBTORCH_BYPASS_VERSION_CHECK",
];

/// Beginnings of the names of variables that cargo sets for the program or build script of a package. Build scripts that ask
/// for them would run again, and this program be replaced while it runs.
const OF_A_PACKAGE: [&str; 4] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
];

/// Returns whether a variable is one of those that cargo sets for the program or build script of a package.
pub fn is_of_a_package(variable: &str) -> bool {
    // `cargo run` sets it for a package with a build script.
    variable == "OUT_DIR" || OF_A_PACKAGE.iter().any(|start| variable.starts_with(start))
}

/// Returns whether a variable changes what cargo builds.
pub(super) fn changes_builds(variable: &str) -> bool {
    let begins = || BEGINNINGS.iter().any(|start| variable.starts_with(start));
    let of_target = variable.strip_prefix("CARGO_TARGET_").is_some_and(|rest| {
        let endings = ["_RUSTFLAGS", "_RUSTDOCFLAGS", "_RUNNER"];
        endings.iter().any(|end| rest.ends_with(end))
    });
    !HARMLESS.contains(&variable) && (VARIABLES.contains(&variable) || of_target || begins())
}

/// Has `cargo` build the course at `root` as it is built where nobody has set anything.
pub(super) fn replace(cargo: &mut Command, root: &Path, toolchain: &Toolchain) {
    remove(cargo);
    let flags = own_flags(root).join(SEPARATOR);
    cargo
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .env("CARGO_TARGET_DIR", root.join("target"))
        .env("RUSTC", toolchain.rustc())
        .env("RUSTC_WRAPPER", "");
    let files = Files::of(root);
    if files.sets(&["build", "build-dir"]) {
        cargo.env("CARGO_BUILD_BUILD_DIR", "{workspace-root}/target");
    }
    // Set even to nothing, these make another build than where they are not set.
    if files.sets(&["build", "rustc-workspace-wrapper"]) {
        cargo.env("RUSTC_WORKSPACE_WRAPPER", "");
    }
    if files.sets(&["build", "target"]) {
        cargo.env("CARGO_BUILD_TARGET", &toolchain.host);
    }
    replace_linker(cargo, &files, toolchain);
}

/// Takes the settings that change builds from a program's environment.
pub fn remove(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let is_removed = |name: &str| changes_builds(name) || is_of_a_package(name);
        if name.to_str().is_some_and(is_removed) {
            command.env_remove(name);
        }
    }
    if let Some(folders) = env::var_os(LIBRARY_PATH) {
        command.env(LIBRARY_PATH, without_libtorch(&folders));
    }
}

/// The folders of a list but those that hold a libtorch: programs would start with that one.
fn without_libtorch(folders: &OsStr) -> OsString {
    let holds = |folder: &PathBuf| {
        OF_LIBTORCH
            .iter()
            .any(|name| folder.join(Platform::HERE.library(name)).exists())
    };
    let kept = env::split_paths(folders).filter(|folder| !holds(folder));
    // They came from such a list, so they make one.
    env::join_paths(kept).unwrap_or_default()
}

/// The flags of rustc that the course's own configuration gives for this system.
fn own_flags(root: &Path) -> Vec<String> {
    let configuration = table(&own_file(root));
    let system = format!("cfg(target_os = {OS:?})");
    let flags = value(&configuration, &["target", &system, "rustflags"]);
    let flags = flags.and_then(Value::as_array).into_iter().flatten();
    flags
        .filter_map(|flag| flag.as_str().map(str::to_owned))
        .collect()
}

/// The configuration of the course itself.
fn own_file(root: &Path) -> PathBuf {
    root.join(".cargo/config.toml")
}

/// The content of a configuration file; nothing where cargo itself will say that it cannot be read.
fn table(file: &Path) -> Table {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.parse().unwrap_or_default()
}

/// Puts the system's linker in place of one that was set and links nothing.
fn replace_linker(cargo: &mut Command, files: &Files, toolchain: &Toolchain) {
    let variable = linker_variable(&toolchain.host);
    if let Some(linker) = env::var_os(&variable) {
        if links(toolchain, &linker) {
            return;
        }
        cargo.env_remove(&variable);
    }
    if let Some(linker) = files.linker(&toolchain.host)
        && !links(toolchain, &linker)
        && let Some(own) = on_path("cc")
    {
        cargo.env(variable, own);
    }
}

/// The variable that sets the linker of a platform.
fn linker_variable(host: &str) -> String {
    let name = host.to_uppercase().replace(['-', '.'], "_");
    format!("CARGO_TARGET_{name}_LINKER")
}

/// Returns whether an empty program can be linked by a linker.
fn links(toolchain: &Toolchain, linker: &OsStr) -> bool {
    let Ok(folder) = tempfile::tempdir() else {
        return true; // what is wrong here is not the linker
    };
    let mut option = OsString::from("-Clinker=");
    option.push(linker);
    let mut rustc = Command::new(toolchain.rustc());
    remove(&mut rustc);
    let child = rustc
        .args(["--crate-name=empty", "--edition=2024", "-"])
        .arg(option)
        .arg("-o")
        .arg(folder.path().join("empty"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    child.is_ok_and(|mut child| {
        let written = child
            .stdin
            .take()
            .map(|mut it| it.write_all(b"fn main() {}"));
        let ended = child.wait();
        written.is_some_and(|it| it.is_ok()) && ended.is_ok_and(|status| status.success())
    })
}

/// The files in which cargo looks for a user's own settings, there or not.
pub fn files_of_builds(root: &Path) -> Vec<PathBuf> {
    candidates(root).concat()
}

/// The same by folder, the nearest first. Where a folder has both, cargo reads the one without an ending.
fn candidates(root: &Path) -> Vec<[PathBuf; 2]> {
    let above = root.ancestors().skip(1).map(|folder| folder.join(".cargo"));
    let mut seen = BTreeSet::from([root.join(".cargo")]);
    let folders = above.chain(cargo_home());
    let folders = folders.map(|folder| folder.canonicalize().unwrap_or(folder));
    let folders = folders.filter(|folder| seen.insert(folder.clone()));
    folders
        .map(|folder| ["config", "config.toml"].map(|name| folder.join(name)))
        .collect()
}

/// The configuration files of cargo that are a user's own: those of the folders above the course, and the one in cargo's home.
pub(super) struct Files(Vec<(PathBuf, Table)>);

impl Files {
    /// Those that cargo reads in the course's folder, the nearest first.
    pub(super) fn of(root: &Path) -> Self {
        let files = candidates(root).into_iter().filter_map(|names| {
            let file = names.into_iter().find(|file| file.is_file())?;
            let content = table(&file);
            Some((file, content))
        });
        Self(files.collect())
    }

    /// Returns whether one of them has this key.
    fn sets(&self, key: &[&str]) -> bool {
        self.0.iter().any(|(_, table)| value(table, key).is_some())
    }

    /// The linker that they set for a platform, as rustc takes it.
    fn linker(&self, host: &str) -> Option<OsString> {
        self.0.iter().find_map(|(file, table)| {
            let targets = table.get("target")?.as_table()?;
            let mut fitting = targets.iter().filter(|(name, _)| {
                *name == host || [OS, "unix"].iter().any(|it| name.contains(it))
            });
            let linker = fitting.find_map(|(_, target)| target.get("linker")?.as_str())?;
            // With a folder in its name, it is seen from the one that holds `.cargo`.
            let folder = file.parent()?.parent()?;
            Some(match linker.contains('/') {
                true => folder.join(linker).into(),
                false => linker.into(),
            })
        })
    }

    /// The settings in them that change builds: each as its file and its key.
    pub(super) fn settings(&self) -> Vec<(&Path, String)> {
        let mut found = vec![];
        for (file, table) in &self.0 {
            let keys = keys(table)
                .into_iter()
                .filter(|key| key_changes_builds(key));
            found.extend(keys.map(|key| (file.as_path(), key)));
        }
        found
    }
}

/// The value of a key.
fn value<'a>(table: &'a Table, key: &[&str]) -> Option<&'a Value> {
    let (last, before) = key.split_last()?;
    let inner = before
        .iter()
        .try_fold(table, |table, part| table.get(*part)?.as_table());
    inner?.get(*last)
}

/// The keys of a configuration file that have a value, as cargo names them: `build.target-dir`.
fn keys(table: &Table) -> Vec<String> {
    let mut found = vec![];
    for (name, value) in table {
        match value {
            Value::Table(inner) => {
                found.extend(keys(inner).into_iter().map(|key| format!("{name}.{key}")));
            }
            _ => found.push(name.clone()),
        }
    }
    found
}

/// Returns whether a key of a configuration file changes what cargo builds.
fn key_changes_builds(key: &str) -> bool {
    const OF_BUILD: [&str; 7] = [
        "build.build-dir",
        "build.rustc",
        "build.rustc-workspace-wrapper",
        "build.rustc-wrapper",
        "build.target",
        "build.target-dir",
        "build.rustdoc",
    ];
    let of_target = || {
        let endings = [".linker", ".runner", ".rustflags"];
        key.starts_with("target.") && endings.iter().any(|end| key.ends_with(end))
    };
    let of_env = || {
        let variable = key
            .strip_prefix("env.")
            .and_then(|key| key.split('.').next());
        variable.is_some_and(|name| changes_builds(name) || name == LIBRARY_PATH)
    };
    OF_BUILD.contains(&key) || key.starts_with("profile.") || of_target() || of_env()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_change_builds_are_told_from_those_that_do_not() {
        for name in [
            "RUSTFLAGS",
            "CARGO_BUILD_TARGET_DIR",
            "CARGO_PROFILE_DEV_PANIC",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
            "LIBTORCH",
            "LIBTORCH_USE_PYTORCH",
        ] {
            assert!(changes_builds(name), "{name}");
        }
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "OUT_DIR"] {
            assert!(is_of_a_package(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "CARGO_BUILD_JOBS",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
            "LIBTORCH_BYPASS_VERSION_CHECK",
            "PATH",
            "OUT_DIRS",
        ] {
            assert!(!changes_builds(name) && !is_of_a_package(name), "{name}");
        }
    }

    #[test]
    fn keys_that_change_builds_are_told_from_those_that_do_not() {
        let text = "
            [build]
            target-dir = '/fast'
            jobs = 2
            [target.'cfg(unix)']
            linker = 'clang'
            [env]
            LIBTORCH_USE_PYTORCH = '1'
            EDITOR = 'ed'
            [env.LIBTORCH]
            value = '/opt/libtorch'
            [source.crates-io]
            replace-with = 'mirror'
            [profile.dev]
            panic = 'abort'
        ";
        let table = text.parse().expect("a configuration");
        let mut found = keys(&table);
        found.retain(|key| key_changes_builds(key));
        let expected = [
            "build.target-dir",
            "target.cfg(unix).linker",
            "env.LIBTORCH_USE_PYTORCH",
            "env.LIBTORCH.value",
            "profile.dev.panic",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_flags_of_the_course_are_those_of_its_own_configuration() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let flags = own_flags(&root).join(" ");
        let program = match OS {
            "macos" => "@loader_path",
            _ => "$ORIGIN",
        };
        let folder = format!("{program}/../../../.libtorch/lib");
        assert!(flags.contains(&folder), "{flags}");
        let others = ["$ORIGIN", "@loader_path"].into_iter();
        let mut others = others.filter(|other| *other != program);
        assert!(!others.any(|other| flags.contains(other)), "{flags}");
        assert_eq!(own_flags(Path::new("/no/such/folder")), [""; 0]);
    }

    #[test]
    fn configuration_files_above_the_course_are_read_and_its_own_is_not() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let top = folder.path().canonicalize()?;
        let root = top.join("a/course");
        for (place, text) in [
            (&root, "build.target-dir = 'own'"),
            (&top, "target.x.linker = 'tools/ld'"),
        ] {
            fs::create_dir_all(place.join(".cargo"))?;
            fs::write(place.join(".cargo/config.toml"), text)?;
        }
        let files = Files::of(&root);
        let settings = files.settings();
        let file = top.join(".cargo/config.toml");
        assert!(settings.contains(&(&file, "target.x.linker".to_owned())));
        assert!(!settings.iter().any(|(file, _)| file.starts_with(&root)));
        assert_eq!(files.linker("x"), Some(top.join("tools/ld").into()));
        assert_eq!(files.linker("y"), None);
        Ok(())
    }

    #[test]
    fn a_folder_with_another_libtorch_is_taken_from_the_loaders_list() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join(Platform::HERE.library("libc10")), "")?;
        let list = env::join_paths([Path::new("/opt/gcc/lib64"), folder.path()]);
        let kept = without_libtorch(&list.map_err(std::io::Error::other)?);
        assert_eq!(kept, "/opt/gcc/lib64");
        Ok(())
    }

    #[test]
    fn a_linker_that_links_nothing_is_known() {
        let toolchain = Toolchain::of(Path::new(".")).expect("a toolchain");
        assert!(links(&toolchain, OsStr::new("cc")));
        assert!(!links(&toolchain, OsStr::new("/bin/false")));
        assert!(!links(&toolchain, OsStr::new("/no/such/linker")));
        let variable = linker_variable("x86_64-unknown-linux-gnu");
        assert_eq!(variable, "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER");
    }
}
