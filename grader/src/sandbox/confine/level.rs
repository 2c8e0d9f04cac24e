//! The layers of the sandbox that are in force: chosen on the command line, and found by trying them.

use super::{Confinement, calls, files, namespaces};
use crate::hint::WithHint;
use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::thread;

/// The confinement chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Sandbox {
    /// Namespaces, Landlock, seccomp and limits: for other people's code
    #[default]
    Full,
    /// Limits on time, memory and files alone: for code that you trust
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

/// One layer, which can be left out to show what it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// User namespaces
    Namespaces,
    /// Landlock
    Landlock,
    /// The filter that compiler, judge and worker start with
    Seccomp,
    /// The filter that a worker puts on itself
    Seal,
    /// The rules on a submission's source
    Rules,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Layer::Namespaces => "namespaces",
            Layer::Landlock => "landlock",
            Layer::Seccomp => "seccomp",
            Layer::Seal => "seal",
            Layer::Rules => "rules",
        })
    }
}

/// The layers in force, written into every result. The resource limits always are in force.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// The version of Landlock; 6 is the newest that anything is asked of. 0 is none
    #[arg(long, default_value_t)]
    pub landlock: u32,
    /// Whether seccomp refuses what no program here needs
    #[arg(long)]
    pub seccomp: bool,
    /// Whether user namespaces keep the network, shared memory and all rights out of reach
    #[arg(long)]
    pub namespaces: bool,
    /// Whether a worker gives up all but computing: it does that itself
    #[arg(skip)]
    pub seal: bool,
    /// Whether sources are held against what they may not say: before anything is started
    #[arg(skip)]
    pub rules: bool,
}

impl Level {
    /// The limits alone, and the rules, which cost nothing.
    const LIMITS: Self = Self {
        landlock: 0,
        seccomp: false,
        namespaces: false,
        seal: false,
        rules: true,
    };

    /// This without some of its layers, which shows what they stop.
    #[must_use]
    pub fn without(mut self, layers: &[Layer]) -> Self {
        for layer in layers {
            match layer {
                Layer::Namespaces => self.namespaces = false,
                Layer::Landlock => self.landlock = 0,
                Layer::Seccomp => self.seccomp = false,
                Layer::Seal => self.seal = false,
                Layer::Rules => self.rules = false,
            }
        }
        self
    }

    /// The layers that are missing. User namespaces are not among them: many systems grant none.
    fn missing(self) -> Vec<Layer> {
        let parts = [
            (Layer::Landlock, self.landlock > 0),
            (Layer::Seccomp, self.seccomp),
            (Layer::Seal, self.seal),
            (Layer::Rules, self.rules),
        ];
        let missing = parts.into_iter().filter(|(_, there)| !there);
        missing.map(|(layer, _)| layer).collect()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::LIMITS {
            return f.write_str("limits only");
        }
        if self.landlock > 0 {
            write!(f, "Landlock {}, ", self.landlock)?;
        }
        if self.seccomp {
            f.write_str("seccomp, ")?;
        }
        if self.namespaces {
            f.write_str("user namespaces, ")?;
        }
        f.write_str("limits")?;
        for layer in self.missing() {
            write!(f, ", no {layer}")?;
        }
        Ok(())
    }
}

/// Finds out what can be had, by having it: a thread confines itself, tries what it must not do, and ends; and a
/// process is started in namespaces of its own, which are used where they can be had.
///
/// # Errors
/// Returns an error if the chosen level cannot be reached, naming the layers that are missing.
pub fn reach(sandbox: Sandbox) -> Result<Level> {
    if sandbox == Sandbox::None {
        return Ok(Level::LIMITS);
    }
    let level = thread::spawn(try_it)
        .join()
        .unwrap_or_else(|_| Err(anyhow!("the thread that tries the sandbox panicked")))
        .context("submissions cannot be confined on this machine")
        .hint("`cargo grader doctor` says more; `--sandbox none` confines nothing, for code that you trust")?;
    Ok(Level {
        namespaces: why_no_namespaces(level).is_none(),
        ..level
    })
}

/// The reason why user namespaces cannot be had in addition to `level`, if they cannot.
pub fn why_no_namespaces(level: Level) -> Option<anyhow::Error> {
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
        let level = reach(Sandbox::Full).expect("a machine that confines");
        assert!(level.landlock >= 1 && level.seccomp && level.seal && level.rules);
        assert!(File::open("/proc/self/status").is_ok());
    }

    #[test]
    fn a_level_says_what_is_in_force_and_what_was_left_out() {
        let full = Level {
            landlock: 6,
            seccomp: true,
            namespaces: true,
            seal: true,
            rules: true,
        };
        let says = |layers: &[Layer]| full.without(layers).to_string();
        assert_eq!(says(&[]), "Landlock 6, seccomp, user namespaces, limits");
        assert_eq!(says(&[Layer::Namespaces]), "Landlock 6, seccomp, limits");
        assert_eq!(
            says(&[Layer::Landlock, Layer::Seal]),
            "seccomp, user namespaces, limits, no landlock, no seal"
        );
        assert_eq!(Level::LIMITS.to_string(), "limits only");
        assert_eq!(
            Level::LIMITS.without(&[Layer::Rules]).to_string(),
            "limits, no landlock, no seccomp, no seal, no rules"
        );
    }
}
