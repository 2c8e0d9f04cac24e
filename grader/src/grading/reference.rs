//! The reference, graded as a submission before a batch is: where it does not get full marks, the machine or the course is
//! at fault, and no submission is to lose points for it.
//!
//! Full marks are kept in `target/grader/reference`, by all that they depend on, so that they cost nothing the second time.
//! Anything else is not: what was mended is asked again.

use crate::course::Exercise;
use crate::grading::grade::{Doubt, Grader, without_panic};
use crate::grading::stage::Stage;
use crate::grading::verdict::Outcome;
use crate::machine::files::{version_of, write_whole};
use crate::machine::lanes;
use crate::machine::libtorch::CPU_LIBRARY;
use crate::machine::tools::on_path;
use crate::worker::broken::Broken;
use anyhow::{Context, Result, anyhow, bail};
use hints::hinted;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};
use wire::printable_lines;
use wire::words::NOT_TO_ITS_END;

/// The state of the reference before it is graded.
#[derive(Debug)]
pub struct Reference<'a> {
    grader: &'a Grader,
    /// The exercises that have none in this course.
    pub missing: Vec<&'a Exercise>,
    /// The exercises whose reference got full marks earlier, as all is now.
    pub known: Vec<&'a Exercise>,
    /// Those whose reference is to be graded, and where full marks are kept.
    pub open: Vec<(&'a Exercise, PathBuf)>,
}

/// The reason why the reference of an exercise did not get full marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// The exercise's folder.
    pub exercise: String,
    /// The tests that failed, with their messages; or the reason why none ran.
    pub why: String,
    /// The remedy.
    pub remedy: &'static str,
}

impl<'a> Reference<'a> {
    /// Finds out of which of the grader's exercises the reference is to be graded. `course` is the course's digest.
    ///
    /// # Errors
    /// Returns an error if a judge was not built.
    pub fn of(grader: &'a Grader, course: &str) -> Result<Self> {
        let kept = grader
            .environment
            .course
            .root
            .join("target/grader/reference");
        let mut reference = Self {
            grader,
            missing: vec![],
            known: vec![],
            open: vec![],
        };
        for exercise in &grader.environment.exercises {
            if !grader.environment.course.has_reference(exercise) {
                reference.missing.push(exercise);
                continue;
            }
            let key = key(grader, exercise, course)?;
            let path = kept.join(format!("{}-{key}", exercise.name));
            if path.is_file() {
                reference.known.push(exercise);
            } else {
                reference.open.push((exercise, path));
            }
        }
        Ok(reference)
    }

    /// Grades what is open, several exercises at a time, and gives what fell short.
    ///
    /// # Errors
    /// Returns an error if the run is interrupted.
    pub fn grade(&self, stage: &(dyn Fn(Stage<'_>) + Sync)) -> Result<Vec<Shortfall>> {
        let mut longest_first: Vec<_> = self.open.iter().rev().collect();
        longest_first.sort_by_key(|(exercise, _)| !exercise.uses_torch);
        let graded = lanes::each(
            &longest_first,
            lanes::processors(),
            |_, (exercise, path)| {
                let shortfall = self.grade_one(exercise, path, stage);
                shortfall.map(|why| (exercise.folder.clone(), why))
            },
        );
        if self.grader.environment.is_stopped() {
            bail!(Broken::Stopped);
        }
        let mut shortfalls: Vec<_> = graded.into_iter().flatten().collect();
        shortfalls.sort();
        let shortfalls = shortfalls.into_iter().map(|(exercise, why)| Shortfall {
            remedy: remedy(&why),
            exercise,
            why,
        });
        Ok(shortfalls.collect())
    }

    /// The shortfall of the reference of an exercise, if it has one.
    fn grade_one(
        &self,
        exercise: &Exercise,
        path: &Path,
        stage: &dyn Fn(Stage<'_>),
    ) -> Option<String> {
        if self.grader.environment.is_stopped() {
            return None;
        }
        let start = Instant::now();
        let act = || {
            let sources = self.grader.environment.reference(exercise)?;
            self.grader
                .try_exercise(exercise, &sources, Doubt::Nothing, stage)
        };
        let trial = match without_panic(act) {
            Ok(trial) => trial,
            Err(error) => return Some(format!("{error:#}")),
        };
        match trial.outcome {
            Outcome::Tested => {}
            Outcome::Missing => return Some("it is missing".to_owned()),
            Outcome::DoesNotCompile(why) | Outcome::NotAccepted(why) | Outcome::NotGraded(why) => {
                return Some(why);
            }
        }
        let failed = trial.tests.iter().filter(|tested| !tested.counts());
        let failed: Vec<_> = failed
            .map(|tested| {
                let message = tested.message.as_ref().or(tested.not_counted.as_ref());
                let message = message.map(String::as_str).unwrap_or_default();
                let first: Vec<_> = message.lines().take(LINES).collect();
                format!("{} failed: {}", tested.test, first.join("\n"))
            })
            .collect();
        if failed.is_empty() {
            keep(path, trial.tests.len(), start);
            return None;
        }
        Some(failed.join("\n"))
    }
}

/// Lines that are shown of a failed test's message.
const LINES: usize = 4;

/// Records full marks. If the record cannot be written, the reference is graded again the next time.
fn keep(path: &Path, tests: usize, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    let says = format!("all {tests} tests passed, in {seconds:.1} s\n");
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(folder)
        .context("no folder")
        .and_then(|()| write_whole(path, says));
    if let Err(error) = written {
        warn!("that the reference has full marks is not kept: {error:#}");
    }
}

/// The remedy for a shortfall, by its reason.
fn remedy(why: &str) -> &'static str {
    let is_late = ["no answer within", NOT_TO_ITS_END, "takes longer than"];
    if is_late.iter().any(|words| why.contains(words)) {
        "this machine is too busy or too slow for the limits: grade fewer at a time (--jobs), or give more \
         (--call-limit, --exercise-limit)"
    } else if why.contains("out of memory") {
        "give more memory (--memory-limit), or free some"
    } else if why.contains(" failed: ") {
        "the course's files or what was built of them were changed: look at `git status`, run `cargo clean`, and the \
         same command again"
    } else {
        "`cargo grader doctor` says what this machine lacks"
    }
}

/// All that the reference's result depends on: the course, how it is judged, and what of the machine has a part in it.
fn key(grader: &Grader, exercise: &Exercise, course: &str) -> Result<String> {
    let workshop = &grader.environment.workshop;
    let training = grader.training.as_ref().map(|training| training.device());
    let judged = (
        grader.environment.level,
        grader.environment.limits_of(exercise),
        grader.environment.seed,
        training,
        &exercise.facts.tests,
        lanes::processors(),
    );
    let mut files = vec![workshop.rustc.clone(), workshop.judge(exercise)?.to_owned()];
    files.extend(["cc", "ld"].into_iter().filter_map(on_path));
    if exercise.uses_torch {
        files.push(workshop.torch.join(CPU_LIBRARY));
    }
    let machine = ["/proc/sys/kernel/osrelease", "/proc/sys/kernel/hostname"];
    let machine = machine.map(|file| fs::read_to_string(file).unwrap_or_default());
    let files: Vec<_> = files.iter().map(|file| facts_of(file)).collect();
    let place = &grader.environment.course.root;
    let all = format!("{course}\n{place:?}\n{judged:?}\n{machine:?}\n{files:?}");
    Ok(format!("{:x}", Sha256::digest(all)))
}

/// The real place of a file, with its size and time.
fn facts_of(file: &Path) -> Option<(PathBuf, (u64, SystemTime))> {
    let real = file.canonicalize().ok()?;
    let version = version_of(&real).ok()?;
    Some((real, version))
}

/// The error for a reference that falls short, with the remedies as hints.
pub fn complaint(shortfalls: &[Shortfall]) -> anyhow::Error {
    let mut text =
        "the reference does not get full marks on this machine, so nothing is graded".to_owned();
    for shortfall in shortfalls {
        let why = printable_lines(&shortfall.why).replace('\n', "\n    ");
        text.push_str(&format!("\n  {}: {why}", shortfall.exercise));
    }
    let mut remedies: Vec<_> = shortfalls.iter().map(|it| it.remedy).collect();
    remedies.sort_unstable();
    remedies.dedup();
    remedies.into_iter().fold(anyhow!(text), hinted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hints::hints;

    #[test]
    fn each_kind_of_shortfall_has_its_remedy() {
        let has = |why: &str, words: &str| assert!(remedy(why).contains(words), "{why}");
        has(
            "shape::x failed: embed: no answer within 1 s",
            "--call-limit",
        );
        has("compiling takes longer than 30 s", "--jobs");
        has(
            "shape::x failed: it was killed: out of memory",
            "--memory-limit",
        );
        has("shape::x failed: patches\n off 3", "git status");
        has("error: linker `cc` not found", "doctor");
    }

    #[test]
    fn a_complaint_names_exercises_and_each_remedy_once() {
        let shortfall = |exercise: &str| Shortfall {
            exercise: exercise.to_owned(),
            why: "error: linker `cc` not found\n\u{1b}[2J".to_owned(),
            remedy: remedy("error"),
        };
        let complaint = complaint(&[shortfall("01-a"), shortfall("02-b")]);
        let text = complaint.to_string();
        assert!(
            text.contains("\n  01-a: error") && text.contains("\n  02-b: error"),
            "{text}"
        );
        assert_eq!(hints(&complaint).len(), 1);
        assert!(!text.contains('\u{1b}'));
    }
}
