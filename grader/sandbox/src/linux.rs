//! The layers of the sandbox on Linux: namespaces, Landlock, seccomp, and an end with the parent process.

mod calls;
mod files;
mod namespaces;
mod processes;

pub(super) use processes::look_for;

use crate::{Confinement, Level};
use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Signal, set_parent_process_death_signal, setsid};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::thread;

/// True if other people's code can be confined, given a kernel that supports it.
pub(super) const CONFINES: bool = true;

/// Confines this process as far as it must be before its limits are set.
///
/// # Errors
/// Returns an error if the kernel refuses something.
pub(super) fn begin(confinement: &Confinement) -> Result<()> {
    // First: a change of rights takes back the signal that ends this process with its parent's.
    if confinement.level.namespaces {
        namespaces::enter()?;
    }
    // The parent may be killed at any moment; no process that it started may outlive it.
    set_parent_process_death_signal(Some(Signal::KILL))
        .context("the death signal cannot be set")?;
    // A session of its own, so that all it starts can be ended together, and it has no terminal. The process
    // leads one already where a terminal's shell started it.
    let _ = setsid();
    Ok(())
}

/// Confines this process as far as it can be once its limits are set.
///
/// # Errors
/// Returns an error if the kernel refuses a layer.
pub(super) fn finish(confinement: &Confinement) -> Result<()> {
    close_what_was_inherited()?;
    if confinement.level.landlock > 0 {
        files::confine(confinement)?;
    }
    if confinement.level.seccomp {
        calls::confine(confinement.gpu)?;
    }
    Ok(())
}

/// Closes all but the three standard descriptors: whoever started the grader may have had the gradebook open.
fn close_what_was_inherited() -> Result<()> {
    let says = "the open descriptors cannot be listed";
    let open: Vec<i32> = fs::read_dir("/proc/self/fd")
        .context(says)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().parse()?))
        .collect::<Result<_>>()
        .context(says)?;
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // One is gone already: that of the folder that was just read.
        let _ = nix::unistd::close(descriptor);
    }
    Ok(())
}

/// Finds out what can be had, by having it: a thread confines itself, tries what it must not do, and ends; and a
/// process is started in namespaces of its own, which are used where they can be had.
///
/// # Errors
/// Returns an error if a layer is missing, naming it.
pub(super) fn reach() -> Result<Level> {
    let level = thread::spawn(try_it)
        .join()
        .unwrap_or_else(|_| Err(anyhow!("the thread that tries the sandbox panicked")))?;
    Ok(Level {
        namespaces: why_no_namespaces(level).is_none(),
        ..level
    })
}

/// The reason why user namespaces cannot be had in addition to `level`, if they cannot.
pub(super) fn why_no_namespaces(level: Level) -> Option<anyhow::Error> {
    namespaces::try_them(level).err()
}

fn try_it() -> Result<Level> {
    let nothing = Confinement {
        level: Level::default(),
        folder: PathBuf::from("/"),
        memory: 0,
        cpu: 0,
        file: 0,
        environment: vec![],
        gpu: false,
        judged: false,
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
    Ok(Level {
        landlock,
        seccomp: true,
        namespaces: false,
        seal: true,
        rules: true,
    })
}

fn is_refused(attempt: std::io::Result<()>) -> bool {
    attempt.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trying_the_sandbox_leaves_this_process_free() {
        let level = reach().expect("a machine that confines");
        assert!(level.landlock >= 1 && level.seccomp && level.seal && level.rules);
        assert!(File::open("/proc/self/status").is_ok());
    }
}
