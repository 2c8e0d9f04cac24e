//! How much of the sandbox is in force: asked for, and found out by trying it.

use super::{Confinement, calls, files};
use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use std::fmt;
use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::thread;

/// How much is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Sandbox {
    /// All of it: for code of others
    #[default]
    Full,
    /// Only the limits on time, memory and files: for one's own code
    None,
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Sandbox::Full => "full",
            Sandbox::None => "none",
        })
    }
}

/// How much is in force; written into every result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Landlock of this version, seccomp, and the limits.
    Full {
        /// The version of Landlock; 6 is the newest that anything is asked of.
        landlock: u32,
    },
    /// The limits alone.
    Limits,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Level::Full { landlock } => write!(f, "Landlock {landlock}, seccomp, limits"),
            Level::Limits => f.write_str("limits only"),
        }
    }
}

/// Finds out what can be had, by having it: a thread confines itself, tries what it must not do, and ends.
///
/// # Errors
/// Saying what is missing, where the level asked for cannot be reached.
pub fn reach(sandbox: Sandbox) -> Result<Level> {
    if sandbox == Sandbox::None {
        return Ok(Level::Limits);
    }
    thread::spawn(try_it)
        .join()
        .unwrap_or_else(|_| Err(anyhow!("the thread that tries the sandbox panicked")))
        .context("submissions cannot be confined on this machine (`--sandbox none` is for your own code)")
}

fn try_it() -> Result<Level> {
    let nothing = Confinement {
        sandbox: Sandbox::Full,
        folder: PathBuf::from("/"),
        memory: 0,
        cpu: 0,
        file: 0,
        environment: vec![],
        gpu: false,
        list: vec![],
        read: vec![],
        run: vec![],
        write: vec![],
    };
    let landlock = files::confine(&nothing)?;
    calls::confine(false)?;
    if !is_refused(File::open("/proc/self/status").map(drop)) {
        bail!("Landlock was put on, and a file outside its list can still be read");
    }
    let socket = std::os::unix::net::UnixDatagram::unbound().map(drop);
    if !is_refused(socket) {
        bail!("seccomp was put on, and a socket can still be made");
    }
    Ok(Level::Full { landlock })
}

fn is_refused(attempt: std::io::Result<()>) -> bool {
    attempt.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trying_the_sandbox_leaves_this_process_free() {
        let level = reach(Sandbox::Full).expect("a machine that confines");
        assert!(matches!(level, Level::Full { landlock: 1.. }));
        assert!(File::open("/proc/self/status").is_ok());
    }
}
