//! A built checkout, copied elsewhere.

#[path = "built.rs"]
mod built;

use built::{BUILT, copy_built, cp};
use std::error::Error;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The parts of a checkout that are the course and that it is built with.
const SOURCES: [&str; 7] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "datasets",
    "exercises",
    "grader",
    "solutions",
];

/// Beginnings of the names of built files that exercises on ndarray take no part of: libtorch's binding, the programs that
/// are linked with it, and the grader's own library.
const LARGE: [&str; 9] = [
    "blocks-",
    "deit-",
    "grader-",
    "libgrader-",
    "libtch-",
    "libtorch_sys-",
    "msa-",
    "torch-sys-",
    "vit-",
];

/// The name of the folder of a copy: it holds all signs that cargo and the linker take, and that others have for their own.
const NAME: &str = "it's a \"copy\", größe 漢字 = $x #1 & \\z";

/// The settings in a folder above the copy: none of them may change what is built.
const ABOVE: &str = "
    [build]
    build-dir = 'elsewhere'
    rustc-wrapper = '/no/such/wrapper'
    rustflags = ['-Clinker=/no/such/linker']
    target-dir = 'elsewhere'
    [target.'cfg(unix)']
    rustflags = ['-Clinker=/no/such/linker']
";

/// A copy, removed when it is dropped.
pub(crate) struct Checkout {
    _folder: TempDir,
    pub(crate) root: PathBuf,
}

/// The checkout that is tested.
pub(crate) fn original() -> Result<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(package.join("..").canonicalize()?)
}

impl Checkout {
    /// Copies the course with what is built of it to an oddly named folder, below one with settings of cargo's.
    pub(crate) fn copy() -> Result<Self> {
        let (original, folder) = (original()?, tempfile::tempdir()?);
        let root = folder.path().canonicalize()?.join(NAME);
        fs::create_dir(folder.path().join(".cargo"))?;
        fs::write(folder.path().join(".cargo/config.toml"), ABOVE)?;
        fs::create_dir_all(root.join("target/debug"))?;
        cp(&SOURCES.map(|part| original.join(part)), &root)?;
        symlink(original.join(".libtorch"), root.join(".libtorch"))?;
        for part in BUILT.iter().chain(&["grader/judges"]) {
            let built = Path::new("target").join(part);
            copy_built(&original.join(&built), &root.join(&built), &LARGE)?;
        }
        let grader = original.join("target/debug/grader");
        cp(&[grader], &root.join("target/debug"))?;
        Ok(Self {
            _folder: folder,
            root,
        })
    }
}

/// The grader of a checkout, run from a folder outside of all checkouts.
pub(crate) fn grader(root: &Path, arguments: &[&str]) -> Command {
    let mut grader = Command::new(root.join("target/debug/grader"));
    grader
        .args(arguments)
        .env_remove("CARGO_TARGET_DIR")
        .current_dir("/");
    grader
}

/// All that a program printed.
pub(crate) fn said(output: &Output) -> String {
    let parts = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    parts.concat()
}
