//! rustfmt, which makes two sources comparable line by line.

use crate::machine::tools::{Toolchain, on_path};
use anyhow::{Context, Result};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

/// The formatter of sources.
#[derive(Clone, Debug)]
pub struct Formatter {
    rustfmt: Option<PathBuf>,
}

impl Formatter {
    /// The formatter of the toolchain that a folder uses; one that changes nothing, if there is none.
    pub fn of(folder: &Path) -> Self {
        let own = Toolchain::of(folder).map(|toolchain| toolchain.sysroot.join("bin/rustfmt"));
        let own = own.ok().filter(|rustfmt| rustfmt.is_file());
        Self {
            rustfmt: own.or_else(|| on_path("rustfmt")),
        }
    }

    /// A formatter that changes nothing.
    pub fn none() -> Self {
        Self { rustfmt: None }
    }

    /// Returns whether sources are formatted.
    pub fn is_there(&self) -> bool {
        self.rustfmt.is_some()
    }

    /// The formatted source; as it is, where rustfmt cannot read it.
    ///
    /// # Errors
    /// Returns an error if rustfmt cannot be started.
    pub fn format(&self, source: &str) -> Result<String> {
        let Some(rustfmt) = &self.rustfmt else {
            return Ok(source.to_owned());
        };
        let says = || format!("cannot start {}", rustfmt.display());
        let mut child = Command::new(rustfmt)
            .args(["--edition=2024", "--emit=stdout", "--quiet"])
            // Not where a configuration of the learner's could lie: both sides are formatted alike.
            .current_dir(rustfmt.parent().unwrap_or(Path::new("/")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(says)?;
        let input = child.stdin.take();
        let text = source.to_owned();
        // A long source fills the pipe while rustfmt fills the other one.
        let writer = thread::spawn(move || {
            // An error means that rustfmt reads no further, and its status says why.
            let _ = input.map(|mut input| input.write_all(text.as_bytes()));
        });
        let output = child.wait_with_output().with_context(says)?;
        let _ = writer.join();
        Ok(match output.status.success() {
            true => String::from_utf8_lossy(&output.stdout).into_owned(),
            false => source.to_owned(),
        })
    }
}
