//! Namespaces of the kernel, if it grants them: a network with nothing in it, memory and queues that are shared with no
//! other process, and no right over anything outside, whoever runs the grader. See user_namespaces(7),
//! network_namespaces(7) and ipc_namespaces(7).

use crate::{Confinement, Level, confining_program};
use anyhow::{Context, Result, bail};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getgid, getuid};
use std::fs;
use std::path::Path;
use std::process::Stdio;

/// The user's id inside. Not 0: a program that root starts has every right over the namespace, and with it a way to the
/// parts of the kernel that only root reaches.
const SOMEBODY: u32 = 65534;

/// Moves this process, which must have one thread, and all that it becomes or starts.
///
/// # Errors
/// Returns an error if the kernel grants no namespaces: to nobody, not to this user, or not in this container.
pub(super) fn enter() -> Result<()> {
    let (user, group) = (getuid(), getgid());
    let own = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWIPC;
    unshare(own).context("the kernel grants no user namespace")?;
    // A process that may not change its groups may map its own group; see user_namespaces(7).
    let facts = [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{SOMEBODY} {user} 1")),
        ("gid_map", format!("{SOMEBODY} {group} 1")),
    ];
    for (file, fact) in facts {
        let path = Path::new("/proc/self").join(file);
        fs::write(&path, fact).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// Whether they are to be had, found out by having this program started in them, with what `level` has besides.
///
/// # Errors
/// Returns an error if they are not granted, with the kernel's or the grader's message.
pub(super) fn try_them(level: Level) -> Result<()> {
    let program = confining_program()?;
    let confinement = Confinement {
        level: Level {
            namespaces: true,
            ..level
        },
        folder: "/".into(),
        memory: 1024,
        cpu: 10,
        file: 0,
        gpu: false,
        judged: false,
        environment: vec![],
        list: vec![],
        read: vec![],
        run: vec!["/".into()],
        write: vec![],
    };
    let output = confinement
        .command(&program)?
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .context("the grader cannot be started again")?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!("{}: {}", output.status, said.trim());
}
