//! Programs that the grader starts: the toolchain's, and what PATH holds.

use anyhow::{Context, Result, anyhow};
use hints::WithHint;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use wire::printable;

/// The program that a name stands for in PATH, as a shell would find it.
pub fn on_path(name: &str) -> Option<PathBuf> {
    all_on_path(name).next()
}

/// All programs of a name in PATH.
pub(super) fn all_on_path(name: &str) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path).collect();
    let programs = folders.into_iter().map(move |folder| folder.join(name));
    programs.filter(|program| program.is_file())
}

/// The folder in which cargo keeps what it fetched; none where nobody says and there is no home.
pub fn cargo_home() -> Option<PathBuf> {
    let told = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    told.or_else(|| Some(std::env::home_dir()?.join(".cargo")))
}

/// The files that decide which toolchain is chosen in a folder, there or not: the programs in PATH, and what rustup reads.
pub fn files_of_the_choice(folder: &Path) -> Vec<PathBuf> {
    let programs = ["rustc", "cargo"].into_iter().filter_map(on_path);
    let rustup = env::var_os("RUSTUP_HOME").map(PathBuf::from);
    let rustup = rustup.or_else(|| Some(env::home_dir()?.join(".rustup")));
    let settings = rustup.map(|rustup| rustup.join("settings.toml"));
    let names = ["rust-toolchain", "rust-toolchain.toml"];
    let above = folder.ancestors();
    let named = above.flat_map(|above| names.map(|name| above.join(name)));
    programs.chain(settings).chain(named).collect()
}

/// The Rust toolchain in use. Its programs are started themselves, without the wrapper that chooses a toolchain: that takes
/// longer than compiling a small crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// Its folder.
    pub sysroot: PathBuf,
    /// The platform that it runs on and compiles for: `x86_64-unknown-linux-gnu`.
    pub host: String,
}

impl Toolchain {
    /// The toolchain that is chosen in a folder.
    ///
    /// # Errors
    /// Returns an error if rustc is not found, or the toolchain that was chosen is not there.
    pub fn of(folder: &Path) -> Result<Self> {
        let output = Command::new("rustc")
            .current_dir(folder)
            .args(["--print=sysroot", "--print=host-tuple"])
            .output()
            .context("rustc cannot be started")
            .hint("the folder of Rust's programs must be in PATH, mostly ~/.cargo/bin")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().find(|line| !line.trim().is_empty());
            let said = printable(said.unwrap_or("it does not say why").trim());
            return Err(anyhow!("rustc cannot be used: {said}")).hint(another_toolchain());
        }
        let text = String::from_utf8(output.stdout)
            .context("rustc names its folder in bytes that are not UTF-8")?;
        let mut lines = text.lines().map(str::trim);
        let sysroot = lines.next().filter(|line| !line.is_empty());
        let sysroot = PathBuf::from(sysroot.context("rustc does not name its folder")?);
        let host = lines.next().context("rustc does not name its platform")?;
        let toolchain = Self {
            sysroot,
            host: host.to_owned(),
        };
        let rustc = toolchain.rustc();
        if !rustc.is_file() {
            return Err(anyhow!("there is no rustc at {}", rustc.display()))
                .hint(another_toolchain());
        }
        Ok(toolchain)
    }

    /// Its compiler.
    pub fn rustc(&self) -> PathBuf {
        self.sysroot.join("bin/rustc")
    }

    /// Its cargo; where it has none, the one that started this program, or the one in PATH.
    pub(super) fn cargo(&self) -> PathBuf {
        let own = Some(self.sysroot.join("bin/cargo"));
        let starter = env::var_os("CARGO").map(PathBuf::from);
        let mut known = own.into_iter().chain(starter);
        let known = known.find(|cargo| cargo.is_absolute() && cargo.is_file());
        known.unwrap_or_else(|| "cargo".into())
    }
}

/// The way to a toolchain that can be used.
pub(super) fn another_toolchain() -> String {
    match env::var_os("RUSTUP_TOOLCHAIN") {
        Some(name) => format!(
            "RUSTUP_TOOLCHAIN is set to {}: unset it, or install that toolchain with rustup",
            printable(&name.to_string_lossy())
        ),
        None => "`rustup show` says which toolchain is chosen here, and why".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_has_its_programs() -> Result<()> {
        let toolchain = Toolchain::of(Path::new("."))?;
        assert!(toolchain.rustc().is_file());
        assert!(toolchain.host.contains(env::consts::ARCH), "{toolchain:?}");
        Ok(())
    }
}
