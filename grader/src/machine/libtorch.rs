//! A libtorch tree: whether it is whole, which version it holds, and whether the loader takes it.

use super::platform::{Platform, System};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The one version that tch 0.24 binds.
pub const VERSION: &str = "2.11.0";

/// The link in the workspace root at which builds, programs and editors find libtorch.
pub const LINK: &str = ".libtorch";

/// A libtorch tree that is whole and of the right version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Libtorch {
    /// The folder with `include/` and `lib/`, with all links resolved.
    pub root: PathBuf,
    /// The version, with what its builder added to it, such as `2.11.0+cu130`.
    pub version: String,
    /// The origin of the tree.
    pub origin: Origin,
    /// Whether it has `libtorch_cuda.so`.
    pub cuda: bool,
    /// The platform that it is for.
    pub platform: Platform,
}

/// The origin of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Set-up fetched it into the user's cache.
    Cache,
    /// It belongs to PyTorch in a Python environment.
    Python,
    /// The user put it there.
    User,
}

/// The reason why a folder will not do as libtorch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LibtorchFault {
    /// Nothing is there, or nothing that can be read.
    #[error("there is no folder at {}", printable(.0))]
    Absent(PathBuf),
    /// A file that builds or programs need is not there.
    #[error("{} has no {file}", printable(.root))]
    Incomplete {
        /// The folder.
        root: PathBuf,
        /// The file, from the folder.
        file: String,
    },
    /// No file states its version.
    #[error("nothing in {} says which version it is", printable(.0))]
    Unversioned(PathBuf),
    /// It is another version than [`VERSION`].
    #[error("{} holds libtorch {version}, and this course needs {VERSION}", printable(.root))]
    WrongVersion {
        /// The folder.
        root: PathBuf,
        /// The version found there.
        version: String,
    },
}

impl Libtorch {
    /// Judges the tree at `root` by a few looks at the disk.
    ///
    /// # Errors
    /// Says what is missing or wrong.
    pub fn at(root: &Path) -> Result<Self, LibtorchFault> {
        Self::of(Platform::HERE, root)
    }

    /// As [`at`](Self::at), for another platform.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn of(platform: Platform, root: &Path) -> Result<Self, LibtorchFault> {
        let absent = |_| LibtorchFault::Absent(root.to_owned());
        let real = root.canonicalize().map_err(absent)?;
        let library = |name: &str| format!("lib/{}", platform.library(name));
        let needed = [
            library("libtorch"),
            library("libtorch_cpu"),
            library("libc10"),
            "include/ATen/ATen.h".to_owned(),
            "include/torch/csrc/api/include/torch/torch.h".to_owned(),
        ];
        for file in needed {
            if !real.join(&file).is_file() {
                let root = root.to_owned();
                return Err(LibtorchFault::Incomplete { root, file });
            }
        }
        let version = version(&real).ok_or_else(|| LibtorchFault::Unversioned(root.to_owned()))?;
        if version.split('+').next() != Some(VERSION) {
            let root = root.to_owned();
            return Err(LibtorchFault::WrongVersion { root, version });
        }
        Ok(Self {
            cuda: real.join(library("libtorch_cuda")).is_file(),
            origin: Origin::of(&real),
            version,
            root: real,
            platform,
        })
    }

    /// Lets the system's loader take one of the tree's libraries with all that it needs, which takes
    /// half a second or more.
    ///
    /// # Errors
    /// The loader's complaint.
    pub fn load(&self, library: &str) -> Result<(), String> {
        // Other systems' loaders are not asked this way.
        let is_asked = cfg!(target_os = "linux") && self.platform.system != System::MacOs;
        match is_asked {
            true => load(&self.root.join("lib"), library),
            false => Ok(()),
        }
    }
}

impl Origin {
    fn of(root: &Path) -> Self {
        let packages = |part| part == "site-packages" || part == "dist-packages";
        if root.parent().is_some_and(|it| it.ends_with(CACHE_FOLDER)) {
            Self::Cache
        } else if root.iter().any(packages) {
            Self::Python
        } else {
            Self::User
        }
    }
}

/// The library that everything uses.
pub const CPU_LIBRARY: &str = if cfg!(target_os = "macos") {
    "libtorch_cpu.dylib"
} else {
    "libtorch_cpu.so"
};

/// The library that is loaded where there is a GPU to use.
pub const CUDA_LIBRARY: &str = "libtorch_cuda.so";

/// The folder of the user's cache that holds what set-up fetched.
pub(crate) const CACHE_FOLDER: &str = "vit-course";

/// Reads the version from the first file that has it: a libtorch archive, PyTorch and plain headers
/// keep it in different places.
fn version(root: &Path) -> Option<String> {
    let read = |file: &str| fs::read_to_string(root.join(file)).ok();
    let version = read("build-version")
        .or_else(|| quoted_after(&read("version.py")?, "__version__ = "))
        .or_else(|| {
            let header = read("include/torch/headeronly/version.h")?;
            quoted_after(&header, "#define TORCH_VERSION ")
        })
        .or_else(|| {
            let header = read("include/torch/csrc/api/include/torch/version.h")?;
            quoted_after(&header, "#define TORCH_VERSION ")
        })?;
    let version = printable(version.trim());
    (!version.is_empty()).then_some(version)
}

fn quoted_after(text: &str, key: &str) -> Option<String> {
    let (_, rest) = text.split_once(key)?;
    let quote = ['"', '\''];
    let (_, rest) = rest.split_once(quote)?;
    let (inner, _) = rest.split_once(quote)?;
    Some(inner.to_owned())
}

/// Has a program that does nothing start with `library` of `folder` loaded into it.
///
/// The name is given from within the folder, because the loader splits `LD_PRELOAD` at spaces and
/// colons, and `LD_LIBRARY_PATH` is taken away, because graded programs run without it.
fn load(folder: &Path, library: &str) -> Result<(), String> {
    let output = Command::new("true")
        .current_dir(folder)
        .env("LD_PRELOAD", format!("./{library}"))
        .env_remove("LD_LIBRARY_PATH")
        .output()
        .map_err(|error| error.to_string())?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && !complaint.contains("cannot be preloaded") {
        return Ok(());
    }
    let complaint = complaint.trim().trim_start_matches("true: ");
    Err(printable(complaint))
}

/// A path or a program's words, fit to be shown.
pub(crate) fn printable<T: AsRef<std::ffi::OsStr> + ?Sized>(text: &T) -> String {
    wire::printable(&text.as_ref().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a tree that is whole but empty, of the given version.
    fn tree(version: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for file in [
            "lib/libtorch.so",
            "lib/libtorch_cpu.so",
            "lib/libc10.so",
            "include/ATen/ATen.h",
            "include/torch/csrc/api/include/torch/torch.h",
        ] {
            write(&dir, file, "");
        }
        write(&dir, "build-version", version);
        dir
    }

    fn write(dir: &tempfile::TempDir, file: &str, text: &str) {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    #[test]
    fn a_whole_tree_of_the_right_version_is_taken() {
        let dir = tree("2.11.0+cpu\n");
        let found = Libtorch::at(dir.path()).expect("a good tree");
        assert_eq!(found.version, "2.11.0+cpu");
        assert_eq!((found.origin, found.cuda), (Origin::User, false));
        write(&dir, "lib/libtorch_cuda.so", "");
        assert!(Libtorch::at(dir.path()).expect("a good tree").cuda);
    }

    #[test]
    fn the_version_is_found_wherever_a_distribution_keeps_it() {
        let dir = tree("2.11.0");
        let header = "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION \\\n  \"2.11.0\"\n";
        for (file, text) in [
            (
                "version.py",
                "__all__ = ['x']\n__version__ = '2.11.0+cu130'\n",
            ),
            ("include/torch/headeronly/version.h", header),
            ("include/torch/csrc/api/include/torch/version.h", header),
        ] {
            fs::remove_file(dir.path().join("build-version")).ok();
            write(&dir, file, text);
            assert!(Libtorch::at(dir.path()).is_ok(), "{file}");
            fs::remove_file(dir.path().join(file)).expect("it was written");
        }
        let unversioned = LibtorchFault::Unversioned(dir.path().to_owned());
        assert_eq!(Libtorch::at(dir.path()), Err(unversioned));
    }

    #[test]
    fn what_will_not_do_is_named() {
        let said = |dir: &Path| Libtorch::at(dir).expect_err("not good").to_string();

        let absent = Path::new("/no/such/folder");
        assert_eq!(said(absent), "there is no folder at /no/such/folder");

        let old = tree("2.3.1");
        assert!(said(old.path()).ends_with("holds libtorch 2.3.1, and this course needs 2.11.0"));
        let later = tree("2.11.01");
        assert!(said(later.path()).contains("holds libtorch 2.11.01"));

        let headless = tree("2.11.0");
        fs::remove_dir_all(headless.path().join("include/ATen")).expect("it was written");
        assert!(said(headless.path()).ends_with("has no include/ATen/ATen.h"));
    }

    #[test]
    fn the_folder_tells_whose_tree_it_is() {
        let origin = |path: &str| Origin::of(Path::new(path));
        let venv = "/home/a/venv/lib/python3.11/site-packages/torch";
        assert_eq!(origin(venv), Origin::Python);
        let cached = "/home/a/.cache/vit-course/libtorch-2.11.0-cpu";
        assert_eq!(origin(cached), Origin::Cache);
        assert_eq!(origin("/opt/libtorch"), Origin::User);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_that_is_no_library_does_not_load() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        write(&dir, "with space/x.so", "rubbish");
        let folder = dir.path().join("with space");
        let complaint_of = |name: &str| load(&folder, name).expect_err("it is no library");
        assert!(complaint_of("x.so").contains("cannot be preloaded"));
        assert!(complaint_of("y.so").contains("cannot be preloaded"));
    }
}
