//! One attack: handed in, graded before an honest submission, and what it gained looked for from outside.

use super::canaries::{Canaries, VARIABLE};
use super::corpus::{Attack, corpus};
use super::listing::differences;
use super::places::Places;
use super::running;
use super::submission::{Mark, make, make_honest};
use super::surroundings;
use anyhow::{Context, Result, bail};
use grader::course::{Course, Exercise};
use grader::grading::verdict::SubmissionGrade;
use grader::limits::Limits;
use grader::machine::tools::cargo_home;
use rustix::process::{Pid, Signal, getpid, kill_process_group, set_child_subreaper};
use sandbox::{Author, Layer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A grader that takes longer for two submissions hangs: it is more than all that it grants them together, for
/// compiling, for their tests and for naming misconceptions.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// The honest submission's name, which comes after those of all attacks.
const HONEST: &str = "next-honest";

/// Each run asks the same, so that an outcome is the same the next time; and nothing that a submission can know.
const SEED: u64 = 20_261_129;

/// Attacks that hang are not waited for as long as students are. Where models learn, none does.
const HURRY: [&str; 2] = ["--call-limit=2", "--exercise-limit=30"];

/// On a busy machine, what is no attack may take longer than that: then all is tried again with more time than anything
/// here takes.
const PATIENCE: [&str; 2] = ["--call-limit=60", "--exercise-limit=600"];

/// Facts that trials need besides their places.
#[derive(Serialize, Deserialize)]
pub(super) struct Facts {
    /// By exercise: the honest submission's result, graded alone.
    pub(super) honest: BTreeMap<String, String>,
    /// The level of the sandbox outside.
    pub(super) level: String,
}

/// The trial of one attack, by this process.
pub struct Trial {
    places: Places,
    course: Course,
    facts: Facts,
    is_copy: bool,
}

/// The outcome of an attack.
#[derive(Debug, Serialize, Deserialize)]
pub struct AttackOutcome {
    /// The gains of the attack, each described in words; empty if it was stopped.
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
    graded: SubmissionGrade,
}

/// The results and texts that a grader left behind.
struct Ran {
    submissions: Vec<SubmissionGrade>,
    /// Everything that somebody may read: terminal, reports, results.
    texts: Vec<String>,
    hung: bool,
}

impl AttackOutcome {
    /// Returns whether it is as it must be.
    fn is_right(&self, attack: &Attack) -> bool {
        self.gains.is_empty()
            && !self.lost
            && (self.evidence.is_some() || attack.evidence.is_none())
    }
}

/// Grades an honest submission alone, and gives its result.
///
/// # Errors
/// Returns an error if it does not earn all points.
pub(super) fn honest_result(
    places: &Places,
    course: &Course,
    exercise: &Exercise,
) -> Result<String> {
    let folder = tempfile::tempdir_in(&places.0)?;
    let path = folder.path().join(HONEST);
    make_honest(course, exercise, &path)?;
    let run = Run {
        places,
        exercise,
        folder: folder.path(),
        without: &[],
        time: &PATIENCE,
    };
    let ran = run.grade(&[path], "")?;
    let perfect = ran.submissions.first().filter(|graded| graded.is_perfect());
    let graded = perfect.with_context(|| {
        let exercises = ran.submissions.iter().flat_map(|graded| &graded.exercises);
        let reasons = exercises.filter_map(|graded| graded.outcome.reason());
        format!(
            "the solution of {} does not earn its points here: {}\n{}",
            exercise.name,
            reasons.collect::<Vec<_>>().join("\n"),
            ran.texts.last().map_or("", |said| said.trim())
        )
    })?;
    timeless(graded)
}

impl Trial {
    /// Opens the places that are laid out below a folder.
    ///
    /// # Errors
    /// Returns an error if they are not all there, this process cannot see what an attack leaves running, or this is a copy of the
    /// machine in which nothing can be changed, or submissions are confined otherwise.
    pub fn open(places: &Path, is_copy: bool) -> Result<Self> {
        let places = Places(places.to_owned());
        // Processes that are left running become children of this one.
        set_child_subreaper(Some(getpid())).context("orphans cannot be adopted")?;
        let facts: Facts = serde_json::from_slice(&fs::read(places.facts())?)
            .context("what trials need to know cannot be read")?;
        if is_copy {
            places.touch().context(
                "a folder cannot be changed in a copy of this machine: it and all above it, but the topmost, must be your own",
            )?;
            let level = sandbox::reach(None, Author::Others)?.to_string();
            if level != facts.level {
                bail!(
                    "in a copy of this machine, the sandbox is {level}, and outside {}",
                    facts.level
                );
            }
        }
        Ok(Self {
            course: places.open_course()?,
            places,
            facts,
            is_copy,
        })
    }

    /// Tries the attack of that name; with `let_through`, without the layers that stop it.
    ///
    /// # Errors
    /// Returns an error if it cannot be made or graded, which is no gain and no defence.
    pub fn attempt(&self, name: &str, let_through: bool) -> Result<AttackOutcome> {
        let attacks = corpus(&self.course.root, &[name.to_owned()])?;
        let mut named = attacks.iter().filter(|attack| attack.name == name);
        let attack = named.next().context("no attack is called just so")?;
        let known = self.course.exercises.iter();
        let mut known = known.filter(|exercise| exercise.name == attack.exercise);
        let exercise = known
            .next()
            .with_context(|| format!("no exercise {}", attack.exercise))?;
        let without: &[Layer] = if let_through {
            &attack.gains_without
        } else {
            &[]
        };
        let hurry: &[&str] = if exercise.uses_torch { &[] } else { &HURRY };
        let (outcome, is_of_time) = self.try_once(attack, exercise, without, hurry)?;
        if let_through || !is_of_time || outcome.is_right(attack) {
            return Ok(outcome);
        }
        Ok(self.try_once(attack, exercise, without, &PATIENCE)?.0)
    }

    /// Tries an attack, and returns whether its faults may be due to a busy machine: nothing was done that only an
    /// attack does.
    fn try_once(
        &self,
        attack: &Attack,
        exercise: &Exercise,
        without: &[Layer],
        time: &[&str],
    ) -> Result<(AttackOutcome, bool)> {
        let folder = self.places.trial(&attack.name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let place = |name: &str| -> Result<PathBuf> {
            let path = folder.join(name);
            fs::create_dir_all(&path)?;
            Ok(path)
        };
        let canaries = Canaries::set(&place("outside")?)?;
        let submissions = place("submissions")?;
        let hostile = make(
            attack,
            &self.course,
            exercise,
            &self.marks(&canaries, exercise)?,
            &submissions,
        )?;
        let honest = submissions.join(HONEST);
        make_honest(&self.course, exercise, &honest)?;
        let run = Run {
            places: &self.places,
            exercise,
            folder: &folder,
            without: &[&attack.past, without].concat(),
            time,
        };
        self.places.touch()?;
        let before = self.places.look(&attack.name, self.is_copy);
        let ran = run.grade(&[hostile, honest], &canaries.secret)?;

        let mut gains = canaries.disturbed();
        if ran.hung {
            gains.push(format!(
                "the batch did not end within {} s",
                LIMIT.as_secs()
            ));
        }
        let left = running::left();
        if left > 0 {
            gains.push(format!("{left} processes were left running"));
        }
        let after = self.places.look(&attack.name, self.is_copy);
        for path in differences(&before, &after).into_iter().take(3) {
            let path = path.strip_prefix(&self.places.0).unwrap_or(&path);
            gains.push(format!("{} was changed", path.display()));
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
        gains.extend(ran.texts.iter().filter_map(|text| live(text)));
        if ran.texts.iter().any(|text| text.contains(&canaries.secret)) {
            gains.push("the secret came out in what the grader wrote".to_owned());
        }
        let expected = attack.evidence.as_deref().unwrap_or_default();
        let leaked = |it| surroundings::leaked(&self.course.root, it, &said(it), expected);
        gains.extend(graded(false).and_then(leaked));
        let may_be_of_time = gains.is_empty();
        let next = graded(true).map(timeless).transpose()?;
        if next.as_ref() != self.facts.honest.get(&exercise.name) {
            gains.push("the honest submission after it was graded otherwise than alone".to_owned());
        }
        let evidence = graded(false).zip(attack.evidence.as_ref());
        let evidence = evidence.and_then(|(graded, evidence)| {
            let said = said(graded);
            let mut lines = said.iter().flat_map(|text| text.lines());
            lines
                .find(|line| line.contains(evidence))
                .map(|line| line.trim().to_owned())
        });
        let outcome = AttackOutcome {
            gains,
            evidence,
            lost: points < attack.points - 1e-9,
            points,
        };
        Ok((outcome, may_be_of_time))
    }

    /// The placeholders of an attack's text, with their values.
    fn marks(&self, canaries: &Canaries, exercise: &Exercise) -> Result<Vec<Mark>> {
        let text = |path: &Path| path.display().to_string();
        let home = std::env::home_dir().unwrap_or_else(|| self.places.home());
        let cargo = cargo_home().unwrap_or_else(|| self.places.cargo_home());
        let mut marks = canaries.marks()?;
        marks.extend([
            ("{{course}}", text(&self.course.root)),
            ("{{exercise}}", exercise.folder.clone()),
            ("{{home}}", text(&home)),
            ("{{cargo-home}}", text(&cargo)),
            ("{{variables}}", surroundings::variables()),
        ]);
        Ok(marks)
    }
}

/// A run of a grader of its own.
struct Run<'a> {
    places: &'a Places,
    exercise: &'a Exercise,
    /// Its temporary folder, which holds what it writes.
    folder: &'a Path,
    /// The layers of the sandbox that are left out.
    without: &'a [Layer],
    /// The limits on time.
    time: &'a [&'a str],
}

impl Run<'_> {
    /// Grades the submissions.
    fn grade(&self, submissions: &[PathBuf], secret: &str) -> Result<Ran> {
        let written = ["out", "stdout", "stderr"].map(|name| self.folder.join(name));
        let [out, stdout, stderr] = written;
        let without = self.without.iter();
        let mut child = Command::new(self.places.grader())
            .arg("--course")
            .arg(self.places.course())
            // Whatever a submission says is to come out: it shows how far the attack got, and must do no harm.
            .args(["grade", "--jobs=1", "--outspoken"])
            .args(self.time)
            .args(without.map(|layer| format!("--without={layer}")))
            .arg(format!("--exercise={}", self.exercise.name))
            .arg(format!("--seed={SEED}"))
            .arg("--workshop")
            .arg(self.places.workshop())
            .arg("--out")
            .arg(&out)
            .args(submissions)
            .env(VARIABLE, secret)
            .env("TMPDIR", self.folder)
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
                .context("results.json cannot be parsed")?
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

/// All texts of a result.
fn said(graded: &SubmissionGrade) -> Vec<&str> {
    let mut said: Vec<&str> = graded.refused.as_deref().into_iter().collect();
    for exercise in &graded.exercises {
        said.extend(exercise.outcome.reason());
        let messages = exercise.tests.iter();
        said.extend(messages.filter_map(|tested| tested.message.as_deref()));
    }
    said
}

/// A result as text, but for how long it took and might take, where it lay, and which layers were left out.
fn timeless(graded: &SubmissionGrade) -> Result<String> {
    let mut graded = graded.clone();
    graded.sandbox.clear();
    graded.seconds = 0.0;
    graded.path.clear();
    for exercise in &mut graded.exercises {
        exercise.seconds = 0.0;
        exercise.limits = Limits::default();
    }
    Ok(serde_json::to_string(&graded)?)
}

/// The first part of a text that would act on a terminal, or on a program that reads a build's log.
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
