//! The linker of workers and judges: where it lies, and what it needs beside it.

use crate::machine::tools::on_path;
use std::env;
use std::path::{Path, PathBuf};

/// The folders in which systems keep a linker and the programs that it starts.
pub const TOOLS: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin", "/usr/libexec"];

/// The programs that link a worker: the compiler driver that rustc starts, and the linker that this starts.
const LINKER: &[&str] = &["cc", "ld"];

/// The linker that is found in PATH: rustc is told of it by an option.
pub fn linker() -> Option<PathBuf> {
    on_path("cc")
}

/// The folders that are told to the linker by an option, since PATH does not hold them: where it finds `ld`.
pub fn folder_of_tools() -> Option<PathBuf> {
    let folder = on_path("ld")?.parent()?.to_owned();
    let is_usual = TOOLS.iter().any(|tools| folder == Path::new(tools));
    (!is_usual).then_some(folder)
}

/// The folders of the linker's parts that are not in the usual ones.
pub fn homes() -> impl Iterator<Item = PathBuf> {
    LINKER.iter().filter_map(|program| home_of(program))
}

/// The folder of a part of the linker, if it is not one of the usual ones: the folder above the one in PATH that holds it,
/// with what it needs beside it; that one alone where the folder above is a home, or holds homes.
fn home_of(program: &str) -> Option<PathBuf> {
    let linker = on_path(program)?.canonicalize().ok()?;
    let is_usual = TOOLS.iter().any(|tools| linker.starts_with(tools));
    if is_usual {
        return None;
    }
    let mut around = linker.ancestors().skip(1).take(2).collect::<Vec<_>>();
    around.reverse();
    without_homes(&around, env::home_dir().as_deref())
}

/// The first of the folders that holds neither everything nor the home.
fn without_homes(folders: &[&Path], home: Option<&Path>) -> Option<PathBuf> {
    let holds_home = |folder: &Path| home.is_some_and(|home| home.starts_with(folder));
    let mut folders = folders.iter();
    let folder = folders.find(|folder| folder.parent().is_some() && !holds_home(folder))?;
    Some((*folder).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_linker_opens_a_home() {
        let home = Some(Path::new("/home/ada"));
        let around = |folders: [&str; 2]| without_homes(&folders.map(Path::new), home);
        assert_eq!(
            around(["/opt/gcc", "/opt/gcc/bin"]),
            Some("/opt/gcc".into())
        );
        assert_eq!(
            around(["/home/ada", "/home/ada/bin"]),
            Some("/home/ada/bin".into())
        );
        assert_eq!(around(["/home", "/home/ada"]), None);
        assert_eq!(around(["/", "/bin2"]), Some("/bin2".into()));
    }
}
