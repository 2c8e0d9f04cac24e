//! The ground on which attacks are tried: places of their own, each attack by a process of its own, which adopts
//! whatever it leaves running. Where user namespaces are to be had, that process runs in a copy of the machine that is
//! thrown away.

use super::copy;
use super::corpus::Attack;
use super::places::Places;
use super::trial::{AttackOutcome, Facts, honest_result};
use anyhow::{Context, Result, anyhow, bail};
use grader::exit::Exit;
use grader::grading::grade::Grader;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use tempfile::TempDir;

/// The ground on which attacks are tried.
pub struct Ground {
    places: Places,
    /// The reason why there can be no copy of the machine, if there can be none.
    no_copy: Option<anyhow::Error>,
    _folder: TempDir,
}

impl Ground {
    /// Lays the places out, and grades honest submissions of the attacks' exercises there, alone.
    ///
    /// # Errors
    /// Returns an error if these do not earn all points, or something cannot be copied.
    pub fn prepare(grader: &Grader, attacks: &[Attack]) -> Result<Self> {
        let exercises = grader.environment.exercises.iter().filter(|exercise| {
            let mut tried = attacks.iter().filter(|attack| attack.needs.is_none());
            tried.any(|attack| attack.exercise == exercise.name)
        });
        let exercises: Vec<_> = exercises.collect();
        let folder = grader.environment.scratch.folder()?;
        let places = Places::lay(folder.path(), grader, &exercises)?;
        let course = places.open_course()?;
        let mut honest = BTreeMap::new();
        for exercise in exercises {
            let result = honest_result(&places, &course, exercise)?;
            honest.insert(exercise.name.clone(), result);
        }
        let facts = Facts {
            honest,
            level: grader.environment.level.to_string(),
        };
        fs::write(places.facts(), serde_json::to_vec(&facts)?)?;
        let mut ground = Self {
            places,
            no_copy: None,
            _folder: folder,
        };
        ground.no_copy = ground.run(&["--copied".into()], true).err();
        Ok(ground)
    }

    /// The reason why attacks are not tried in a copy of the machine, if they are not.
    pub fn why_no_copy(&self) -> Option<&anyhow::Error> {
        self.no_copy.as_ref()
    }

    /// Tries an attack; with `let_through`, without the layers that stop it, which is done in a copy of the machine alone.
    ///
    /// # Errors
    /// Returns an error if it cannot be made or graded, which is no gain and no defence.
    pub fn attempt(&self, attack: &Attack, let_through: bool) -> Result<AttackOutcome> {
        let is_copied = self.no_copy.is_none();
        if let_through && !is_copied {
            bail!("nothing is let through but in a copy of this machine");
        }
        let mut arguments: Vec<OsString> = vec!["--attack".into(), attack.name.clone().into()];
        arguments.extend(is_copied.then(|| "--copied".into()));
        arguments.extend(let_through.then(|| "--let-through".into()));
        let said = self
            .run(&arguments, is_copied)
            .with_context(|| attack.name.clone())?;
        serde_json::from_slice(&said).with_context(|| format!("{}: no outcome came", attack.name))
    }

    /// Runs `attempt`, and returns its output.
    fn run(&self, arguments: &[OsString], is_copied: bool) -> Result<Vec<u8>> {
        let mut program = self.places.command();
        let mut attempt: Vec<OsString> = vec!["attempt".into(), "--places".into()];
        attempt.push(self.places.0.clone().into());
        attempt.extend_from_slice(arguments);
        let ended = if is_copied {
            copy::run(program, &attempt)?
        } else {
            // In a copy, the user's own home is one that nothing can happen to.
            program
                .args(attempt)
                .env("HOME", self.places.home())
                .env("CARGO_HOME", self.places.cargo_home())
                .output()
                .context("the program cannot be started again")?
        };
        if Exit::from(ended.status) != Exit::Success {
            let said = String::from_utf8_lossy(&ended.stderr);
            return Err(anyhow!("{}", said.trim().trim_start_matches("error: ")));
        }
        Ok(ended.stdout)
    }
}
