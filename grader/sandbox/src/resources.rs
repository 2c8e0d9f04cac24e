//! The limits that every Unix has: the most that a process may use of each resource.

use crate::Confinement;
use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal as Request};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Puts the limits on this process and all that it becomes or starts.
///
/// There is none on the number of threads here: RLIMIT_NPROC counts all that the user runs, and does not hold for
/// root. the watch counts those of one process.
pub(super) fn set(confinement: &Confinement) -> Result<()> {
    let mebibytes = |count: u64| count << 20;
    let limits = [
        (Resource::Data, mebibytes(confinement.memory)),
        (Resource::Cpu, confinement.cpu),
        (Resource::Fsize, mebibytes(confinement.file)),
        (Resource::Core, 0),
        (Resource::Nofile, 256),
        (Resource::Memlock, 0),
    ];
    for (resource, most) in limits {
        let inherited = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        // Over processor time, SIGXCPU comes first, which says what was too much; and a second later SIGKILL.
        let grace = u64::from(resource == Resource::Cpu);
        setrlimit(
            resource,
            Rlimit {
                current: Some(most.min(inherited)),
                maximum: Some((most + grace).min(inherited)),
            },
        )
        .with_context(|| format!("the limit {resource:?} cannot be set to {most}"))?;
    }
    Ok(())
}

/// Has this process, and what it becomes, not be ended by a request to stop. Slurm, systemd and others send it to all
/// processes of a job: the grader is to keep what the others computed, and ends them itself.
pub(super) fn block_requests_to_stop() -> Result<()> {
    let requests: SigSet = [Request::SIGINT, Request::SIGTERM, Request::SIGHUP]
        .into_iter()
        .collect();
    requests
        .thread_block()
        .context("SIGINT, SIGTERM and SIGHUP cannot be blocked")
}
