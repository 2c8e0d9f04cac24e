//! Attacks tried side by side: each by a process of its own, which adopts whatever an attack leaves running, and so can
//! tell whose it is.

use super::corpus::Attack;
use super::trial::{Ground, Outcome};
use crate::confine::grader;
use crate::course::Course;
use anyhow::{Context, Result, bail};
use std::io::{self, Write};
use std::process::{Command, Stdio};

impl Ground<'_> {
    /// Tries an attack against the whole sandbox, in another process.
    ///
    /// # Errors
    /// Where it cannot be made or graded, which is no gain and no defence.
    pub fn attempt_apart(&self, attack: &Attack) -> Result<Outcome> {
        let mut child = Command::new(grader()?)
            .arg("--course")
            .arg(&self.course.root)
            .args(["attack", "--apart", "--only", &attack.name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("the grader cannot be started")?;
        if let Some(mut honest) = child.stdin.take() {
            // Where it does not listen, it says why.
            let _ = honest.write_all(&serde_json::to_vec(&self.honest)?);
        }
        let ended = child.wait_with_output()?;
        if !ended.status.success() {
            let said = String::from_utf8_lossy(&ended.stderr);
            bail!("{}: {}", attack.name, said.trim());
        }
        serde_json::from_slice(&ended.stdout)
            .with_context(|| format!("{}: no outcome came", attack.name))
    }
}

/// Tries one of the attacks, that of just this name, as the process that [`Ground::attempt_apart`] starts.
///
/// # Errors
/// As it has them.
pub fn try_here(course: &Course, attacks: &[Attack], names: &[String]) -> Result<()> {
    let honest = serde_json::from_reader(io::stdin().lock())
        .context("standard input does not say what honest submissions earn")?;
    let mut named = attacks.iter().filter(|attack| names.contains(&attack.name));
    let attack = named.next().context("no attack of this name is left")?;
    let outcome = Ground::known(course, honest)?.attempt(attack, &[])?;
    serde_json::to_writer(io::stdout().lock(), &outcome)?;
    Ok(())
}
