//! One attack: handed in, graded before an honest submission, and what it gained looked for from outside.

use super::canaries::{Canaries, VARIABLE};
use super::corpus::Attack;
use super::submission::{make, make_honest};
use super::surroundings;
use super::trees::{Listing, Times, differences, listing};
use crate::confine::{Layer, grader};
use crate::course::{Course, Exercise};
use crate::verdict::{Graded, Outcome as Became};
use crate::workshop::cargo_home;
use anyhow::{Context, Result, bail};
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process_group, set_child_subreaper, wait,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A grader that takes longer for two submissions hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// How long what is killed may take to be gone.
const LAST_BREATH: Duration = Duration::from_secs(2);

/// The honest submission's name, which comes after those of all attacks.
const HONEST: &str = "next-honest";

/// Where attacks are tried: the course, and what an honest submission gets there.
pub struct Ground<'a> {
    pub(super) course: &'a Course,
    /// By exercise: the honest submission's result, graded alone.
    pub(super) honest: BTreeMap<String, String>,
}

/// What came of an attack.
#[derive(Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// What it gained; nothing, if all is well.
    pub gains: Vec<String>,
    /// The line of the results that shows what stopped it, where it is there.
    pub evidence: Option<String>,
    /// The points that it got.
    pub points: f64,
    /// Whether those are fewer than its honest part earns.
    pub lost: bool,
}

#[derive(Deserialize)]
struct Results {
    submissions: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(flatten)]
    graded: Graded,
}

/// What a grader left behind.
struct Ran {
    submissions: Vec<Graded>,
    /// Everything that somebody may read: terminal, reports, results.
    texts: Vec<String>,
    hung: bool,
}

impl<'a> Ground<'a> {
    /// Grades honest submissions of the attacks' exercises alone.
    ///
    /// # Errors
    /// Where these do not earn all points, or something cannot be read.
    pub fn prepare(course: &'a Course, attacks: &[Attack]) -> Result<Self> {
        let mut ground = Self::known(course, BTreeMap::new())?;
        for attack in attacks.iter().filter(|attack| attack.needs.is_none()) {
            let exercise = ground.exercise(attack)?;
            if ground.honest.contains_key(&exercise.name) {
                continue;
            }
            let folder = tempfile::tempdir()?;
            let path = folder.path().join(HONEST);
            make_honest(course, exercise, &path)?;
            let ran = ground.grade(exercise, &[path], folder.path(), "", &[])?;
            let Some(graded) = ran.submissions.first().filter(|graded| graded.is_perfect()) else {
                bail!(
                    "the solution of {} does not earn its points here: {}",
                    exercise.name,
                    ran.texts.join("\n")
                );
            };
            ground
                .honest
                .insert(exercise.name.clone(), timeless(graded)?);
        }
        Ok(ground)
    }

    /// As [`prepare`](Self::prepare), where what honest submissions earn is known.
    ///
    /// # Errors
    /// Where this process cannot see what an attack leaves running.
    pub fn known(course: &'a Course, honest: BTreeMap<String, String>) -> Result<Self> {
        // What is left running becomes a child of this process.
        set_child_subreaper(Some(getpid())).context("orphans cannot be adopted")?;
        Ok(Self { course, honest })
    }

    fn exercise(&self, attack: &Attack) -> Result<&'a Exercise> {
        let known = self.course.exercises.iter();
        let mut known = known.filter(|exercise| exercise.name == attack.exercise);
        known
            .next()
            .with_context(|| format!("{}: no exercise {}", attack.name, attack.exercise))
    }

    /// Tries one, with some layers of the sandbox left out.
    ///
    /// # Errors
    /// Where it cannot be made or graded, which is no gain and no defence.
    pub fn attempt(&self, attack: &Attack, without: &[Layer]) -> Result<Outcome> {
        let exercise = self.exercise(attack)?;
        let folder = tempfile::tempdir()?;
        let place = |name: &str| -> Result<PathBuf> {
            let path = folder.path().join(name);
            fs::create_dir(&path)?;
            Ok(path)
        };
        let canaries = Canaries::set(&place("outside")?)?;
        let mut marks = canaries.marks()?;
        marks.extend([
            ("{{course}}", self.course.root.display().to_string()),
            ("{{exercise}}", exercise.folder.clone()),
            ("{{variables}}", surroundings::variables()),
        ]);
        let submissions = place("submissions")?;
        let handed_in = make(attack, self.course, exercise, &marks, &submissions)?;
        let honest = submissions.join(HONEST);
        make_honest(self.course, exercise, &honest)?;
        let before = self.look();
        let ran = self.grade(
            exercise,
            &[handed_in, honest],
            folder.path(),
            &canaries.secret,
            &[&attack.past, without].concat(),
        )?;

        let mut gains = canaries.disturbed();
        if ran.hung {
            gains.push(format!(
                "the batch did not end within {} s",
                LIMIT.as_secs()
            ));
        }
        let left = still_running();
        if left > 0 {
            gains.push(format!("{left} processes were left running"));
        }
        for (before, after) in before.iter().zip(&self.look()) {
            for path in differences(before, after).into_iter().take(3) {
                gains.push(format!("{} was changed", path.display()));
            }
        }
        let graded = |honest: bool| {
            let mut all = ran.submissions.iter();
            all.find(|graded| (graded.submission == HONEST) == honest)
        };
        let points = graded(false).map_or(0.0, |graded| graded.points);
        if points > attack.points + 1e-9 {
            gains.push(format!(
                "{points} points, and its honest part earns {}",
                attack.points
            ));
        }
        let next = graded(true).map(timeless).transpose()?;
        if next.as_ref() != self.honest.get(&exercise.name) {
            gains.push("the honest submission after it was graded otherwise than alone".to_owned());
        }
        gains.extend(ran.texts.iter().filter_map(|text| live(text)));
        if ran.texts.iter().any(|text| text.contains(&canaries.secret)) {
            gains.push("the secret came out in what the grader wrote".to_owned());
        }
        let hostile = graded(false);
        gains.extend(hostile.and_then(|it| surroundings::leaked(&self.course.root, it, &said(it))));
        let evidence = graded(false).zip(attack.evidence.as_ref());
        let evidence = evidence.and_then(|(graded, evidence)| {
            let said = said(graded);
            let mut lines = said.iter().flat_map(|text| text.lines());
            lines
                .find(|line| line.contains(evidence))
                .map(|line| line.trim().to_owned())
        });
        Ok(Outcome {
            gains,
            evidence,
            lost: points < attack.points - 1e-9,
            points,
        })
    }

    /// Runs a grader of its own on the submissions.
    fn grade(
        &self,
        exercise: &Exercise,
        submissions: &[PathBuf],
        folder: &Path,
        secret: &str,
        without: &[Layer],
    ) -> Result<Ran> {
        let [out, stdout, stderr] = ["out", "stdout", "stderr"].map(|name| folder.join(name));
        // Attacks that hang are not waited for as long as students are. Where models learn, none does, and they may take
        // their time on a busy machine.
        let hurry: &[&str] = match exercise.uses_torch {
            true => &[],
            false => &["--call-limit=2", "--exercise-limit=30"],
        };
        let mut child = Command::new(grader()?)
            .arg("--course")
            .arg(&self.course.root)
            .args(["grade", "--jobs=1"])
            .args(hurry)
            .args(without.iter().map(|layer| format!("--without={layer}")))
            .arg(format!("--only={}", exercise.name))
            .arg("--out")
            .arg(&out)
            .args(submissions)
            .env(VARIABLE, secret)
            .stdin(Stdio::null())
            .stdout(File::create(&stdout)?)
            .stderr(File::create(&stderr)?)
            .process_group(0)
            .spawn()
            .context("the grader cannot be started")?;
        let hung = !ends_in_time(&mut child)?;
        let mut texts = vec![];
        collect_texts(&out, &mut texts);
        for path in [stdout, stderr] {
            texts.push(text(&path));
        }
        let submissions = match fs::read(out.join("results.json")) {
            Ok(results) => serde_json::from_slice::<Results>(&results)
                .context("results.json is not what the grader writes")?
                .submissions
                .into_iter()
                .map(|entry| entry.graded)
                .collect(),
            Err(_) if hung => vec![],
            Err(error) => bail!("the grader wrote no results: {error}: {}", texts.join("\n")),
        };
        Ok(Ran {
            submissions,
            texts,
            hung,
        })
    }

    /// Lists what nobody may change: the course, what was built for the class, and cargo's registry.
    fn look(&self) -> Vec<Listing> {
        let root = &self.course.root;
        let mut places = vec![
            (root.clone(), Times::OfAnyChange),
            (root.join(".libtorch/lib"), Times::OfAnyChange),
            (root.join("target/debug/deps"), Times::OfContent),
            (root.join("target/debug/build"), Times::OfContent),
        ];
        places.extend(cargo_home().map(|home| (home.join("registry/cache"), Times::OfAnyChange)));
        let places = places.into_iter().map(|(path, times)| {
            let without = if times == Times::OfAnyChange {
                &["target", ".git"][..]
            } else {
                &[]
            };
            listing(&path, times, without)
        });
        places.collect()
    }
}

fn ends_in_time(child: &mut Child) -> Result<bool> {
    let deadline = Instant::now() + LIMIT;
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            // Nothing of the group may be left to hold anything up.
            let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
            child.wait()?;
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(true)
}

/// How many children this process has adopted that do not end.
fn still_running() -> usize {
    let deadline = Instant::now() + LAST_BREATH;
    loop {
        // Those that have ended are let go; an error means that there is none at all.
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        let threads = fs::read_dir("/proc/self/task").into_iter().flatten();
        let children = threads.flatten().map(|thread| {
            let children = text(&thread.path().join("children"));
            children.split_whitespace().count()
        });
        let children = children.sum();
        if children == 0 || Instant::now() > deadline {
            return children;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

fn collect_texts(path: &Path, texts: &mut Vec<String>) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            collect_texts(&entry.path(), texts);
        } else {
            texts.push(text(&entry.path()));
        }
    }
}

/// All that a result says in words.
fn said(graded: &Graded) -> Vec<&str> {
    let mut said: Vec<&str> = graded.refused.as_deref().into_iter().collect();
    for exercise in &graded.exercises {
        match &exercise.outcome {
            Became::DoesNotCompile(words)
            | Became::NotAccepted(words)
            | Became::NotGraded(words) => said.push(words),
            _ => {}
        }
        let messages = exercise.tests.iter();
        said.extend(messages.filter_map(|tested| tested.message.as_deref()));
    }
    said
}

/// A result as text, but for how long it took, where it lay, and which layers were left out.
fn timeless(graded: &Graded) -> Result<String> {
    let mut graded = graded.clone();
    graded.sandbox.clear();
    graded.seconds = 0.0;
    graded.path.clear();
    for exercise in &mut graded.exercises {
        exercise.seconds = 0.0;
    }
    Ok(serde_json::to_string(&graded)?)
}

/// What in a text would act on a terminal, or on what reads a build's log.
fn live(text: &str) -> Option<String> {
    let acts = |c: char| c != '\n' && c != '\t' && (c.is_control() || wire::is_hidden(c));
    if let Some(c) = text.chars().find(|c| acts(*c)) {
        return Some(format!("a live {} came out", c.escape_unicode()));
    }
    let command = text.lines().find(|line| wire::is_command(line))?;
    Some(format!("a line that commands a build came out: {command}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_told_from_what_is_read() {
        assert_eq!(live("a\tb\n\\u{1b}[2J ✓"), None);
        assert!(live("a\u{1b}[2J").is_some());
        assert!(live("a\u{202e}b").is_some());
        assert!(live("ok\n ::error::b").is_some());
    }
}
