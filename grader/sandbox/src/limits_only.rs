//! The confinement where there is no sandbox: a session of its own for each process that the grader starts, which ends it
//! with all that it started; and no layer.

use crate::{Confinement, Level};
use anyhow::{Result, bail};
use rustix::process::{Pid, setsid};

/// True if other people's code can be confined, given a kernel that supports it.
pub(super) const CONFINES: bool = false;

/// Gives this process a session of its own, so that all it starts can be ended together. A worker stays in its judge's:
/// no system but Linux ends it with the process that started it.
///
/// # Errors
/// Returns an error if a layer is asked for.
pub(super) fn begin(confinement: &Confinement) -> Result<()> {
    let Level {
        landlock,
        seccomp,
        namespaces,
        ..
    } = confinement.level;
    if landlock > 0 || seccomp || namespaces {
        bail!("this grader was built without a sandbox");
    }
    if !confinement.judged {
        // The process leads one already where a terminal's shell started it.
        let _ = setsid();
    }
    Ok(())
}

/// Leaves this process as it is.
///
/// # Errors
/// Returns none.
pub(super) fn finish(_: &Confinement) -> Result<()> {
    Ok(())
}

/// The level at which other people's code is confined: there is none.
///
/// # Errors
/// Returns an error in any case, with the reason.
pub(super) fn reach() -> Result<Level> {
    bail!(if cfg!(target_os = "linux") {
        "this grader was built without a sandbox"
    } else {
        "the sandbox needs Linux"
    })
}

/// The reason why user namespaces are not available in addition to `level`: none is looked for.
pub(super) fn why_no_namespaces(_: Level) -> Option<anyhow::Error> {
    None
}

/// Watches nothing: only the system's limits hold.
pub(super) fn look_for(_: Pid, _: u64) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_layer_is_taken_for_one_that_is_in_force() {
        assert!(reach().is_err());
        let confinement = |level| Confinement {
            level,
            folder: "/".into(),
            memory: 1,
            cpu: 1,
            file: 1,
            environment: vec![],
            gpu: false,
            judged: true,
            list: vec![],
            read: vec![],
            run: vec![],
            write: vec![],
        };
        let none = Level::default();
        for level in [
            Level {
                landlock: 1,
                ..none
            },
            Level {
                seccomp: true,
                ..none
            },
            Level {
                namespaces: true,
                ..none
            },
        ] {
            assert!(begin(&confinement(level)).is_err(), "{level:?}");
        }
        assert!(begin(&confinement(none)).is_ok());
    }
}
