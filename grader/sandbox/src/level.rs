//! The layers of the sandbox that are in force: chosen on the command line, and found by trying them.

use crate::system;
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::fmt;

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

    /// Returns whether nothing but limits is in force.
    pub fn is_limits_only(self) -> bool {
        self == Self::LIMITS
    }

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
        if self.is_limits_only() {
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

/// The reason why user namespaces cannot be had in addition to `level`, if they cannot.
pub fn why_no_namespaces(level: Level) -> Option<anyhow::Error> {
    system::why_no_namespaces(level)
}

/// The author of the code that is to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Author {
    /// Whoever runs the grader, or the course: their own code needs no confinement.
    #[default]
    Oneself,
    /// Other people.
    Others,
}

/// The level of the confinement that was chosen, found out by having it. Where nothing was chosen it is the full one; but
/// where there is no sandbox at all, one's own code runs with limits only.
///
/// # Errors
/// Returns an error if the level cannot be reached, naming what is missing.
pub fn reach(chosen: Option<Sandbox>, author: Author) -> Result<Level> {
    match (chosen, author) {
        (Some(Sandbox::None), _) => return Ok(Level::LIMITS),
        (None, Author::Oneself) if !system::CONFINES => return Ok(Level::LIMITS),
        _ => {}
    }
    system::reach().context("submissions cannot be confined on this machine")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_peoples_code_runs_with_limits_only_if_that_was_chosen() {
        let limits = |chosen, author| reach(chosen, author).is_ok_and(|it| it == Level::LIMITS);
        for author in [Author::Oneself, Author::Others] {
            assert!(limits(Some(Sandbox::None), author));
            assert!(!limits(Some(Sandbox::Full), author));
        }
        assert!(!limits(None, Author::Others));
        assert_eq!(limits(None, Author::Oneself), !system::CONFINES);
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
