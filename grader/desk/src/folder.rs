//! The desk: the folder of a class, with roster, policy and gradebook.

use crate::decision::Decision;
use crate::failure::{Blame, Exit, Failure};
use crate::files::{checkout_around, write_whole};
use crate::grading::{Gradebook, Record, grade};
use crate::policy::{self, Policy};
use crate::roster::{self, Roster};
use crate::store::Store;
use anyhow::{Context, anyhow};
use hints::WithHint;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ROSTER: &str = "roster.csv";
const POLICY: &str = "policy.toml";
const GRADEBOOK: &str = "gradebook.sqlite";

/// The environment variable that names the desk if `--desk` is not given.
pub const VARIABLE: &str = "GRADER_DESK";

/// An open desk.
#[derive(Debug)]
pub struct Desk {
    /// The roster.
    pub roster: Roster,
    /// The policy.
    pub policy: Policy,
    /// The gradebook.
    pub store: Store,
}

/// Grades, with the attempts and decisions that they are computed from.
#[derive(Clone, Debug)]
pub struct Grades {
    /// Attempts and results.
    pub record: Record,
    /// All decisions.
    pub decisions: Vec<Decision>,
    /// The grades.
    pub gradebook: Gradebook,
}

impl Desk {
    /// Creates a desk in a folder, and the folder if it does not exist; completes one that was not finished. Returns the files
    /// that were created.
    ///
    /// # Errors
    /// Returns an error if the folder lies in a checkout of a course, is a desk already, or cannot be written.
    pub fn create(folder: &Path, wait: Duration) -> Result<Vec<PathBuf>, Failure> {
        if let Some(checkout) = checkout_around(folder) {
            return Err(anyhow!(
                "a desk cannot lie in a checkout of the course: {} is in {}",
                folder.display(),
                checkout.display()
            ))
            .context("git would commit the roster and the grades with the course")
            .hint("name a folder outside it, for example --desk ../desk")
            .blame_arguments();
        }
        let gradebook = folder.join(GRADEBOOK);
        if gradebook.is_file() && Store::open(&gradebook, wait).is_ok() {
            return Err(anyhow!("{} is a desk already", folder.display()))
                .hint("edit roster.csv and policy.toml in it: grades follow")
                .blame_arguments();
        }
        let says = || format!("cannot make {}", folder.display());
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).with_context(says)?;
        let mut made = vec![];
        for (name, content) in [(ROSTER, roster::HEADER), (POLICY, policy::TEMPLATE)] {
            let path = folder.join(name);
            // A file that is there already is somebody's own.
            if !path.exists() {
                write_whole(&path, content.as_bytes())?;
                made.push(path);
            }
        }
        Store::create(&gradebook, wait)?;
        made.push(gradebook);
        Ok(made)
    }

    /// Opens a desk.
    ///
    /// # Errors
    /// Returns an error if there is none, or one of its files cannot be read or is invalid.
    pub fn open(folder: Option<&Path>, wait: Duration) -> Result<Self, Failure> {
        let variable = std::env::var_os(VARIABLE)
            .filter(|it| !it.is_empty())
            .map(PathBuf::from);
        let folder = match folder.map(Path::to_owned).or(variable) {
            Some(folder) => folder,
            None if Path::new(GRADEBOOK).is_file() => PathBuf::from("."),
            None => {
                return Err(anyhow!("no desk is named"))
                    .hint(format!(
                        "name its folder with --desk DIR, or with the variable {VARIABLE}"
                    ))
                    .blame_arguments();
            }
        };
        let gradebook = folder.join(GRADEBOOK);
        if !gradebook.is_file() {
            let error: anyhow::Result<Self> = Err(anyhow!(
                "{} is not a desk: it holds no {GRADEBOOK}",
                folder.display()
            ))
            .hint("`cargo grader desk init --desk DIR` makes one");
            return error.map_err(|error| Failure {
                exit: Exit::Setup,
                error,
            });
        }
        Ok(Self {
            roster: Roster::read(&folder.join(ROSTER))?,
            policy: Policy::read(&folder.join(POLICY))?,
            store: Store::open(&gradebook, wait)?,
        })
    }

    /// The current grades.
    ///
    /// # Errors
    /// Returns an error if the gradebook cannot be read.
    pub fn grades(&mut self) -> Result<Grades, Failure> {
        let (record, decisions) = self.store.read()?;
        let gradebook = grade(&record, &self.roster, &self.policy, &decisions);
        Ok(Grades {
            record,
            decisions,
            gradebook,
        })
    }
}
