//! Landlock: a list of the files that a process may use; no TCP; no signals and no abstract sockets to processes
//! outside. See landlock(7), and the kernel's Documentation/userspace-api/landlock.rst.

use crate::Confinement;
use anyhow::{Context, Result, bail};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};

/// The newest version whose rights are requested; an older kernel grants those that it has. Those that the oldest lacks
/// (TCP, signals, truncation), `calls` and the worker's own filter refuse too.
const NEWEST: ABI = ABI::V6;

/// Confines this thread and all that it becomes or starts; returns the version of Landlock that the kernel has.
///
/// # Errors
/// Returns an error if the kernel has no Landlock.
pub(super) fn confine(confinement: &Confinement) -> Result<u32> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let rights: [(_, BitFlags<AccessFs>); 4] = [
        (&confinement.list, AccessFs::ReadDir.into()),
        (&confinement.read, read),
        (&confinement.run, read | AccessFs::Execute),
        (&confinement.write, AccessFs::from_all(NEWEST)),
    ];
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .context("Landlock takes no rules")?;
    for (paths, rights) in rights {
        // A place that is missing on this system needs no rule.
        ruleset = ruleset
            .add_rules(path_beneath_rules(paths, rights))
            .context("Landlock does not take a rule")?;
    }
    let status = ruleset
        .restrict_self()
        .context("Landlock cannot be put on")?;
    match (status.ruleset, status.landlock) {
        (
            RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced,
            LandlockStatus::Available { effective_abi, .. },
        ) => Ok(effective_abi as u32),
        (_, LandlockStatus::NotEnabled) => {
            bail!(
                "the kernel has Landlock, but it is not switched on: add it to `lsm=` on the kernel's command line"
            )
        }
        _ => bail!("the kernel has no Landlock: Linux 5.13 or newer has it"),
    }
}
