//! The progress in each exercise, by the last check and the present sources: nothing is built or run.

use super::items;
use super::record::{CheckResult, Checked, ExerciseRecord, Record, Versions};
use super::stubs::{ItemPlace, places};
use crate::course::{Course, Exercise};
use anyhow::Result;
use intake::{Candidate, IntakeLimits, Source};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The state of an exercise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its sources are missing.
    Missing,
    /// Every function is a stub.
    Untouched,
    /// It was changed, and never checked.
    Unchecked,
    /// It does not compile.
    DoesNotCompile,
    /// It breaks a rule of the course.
    NotAccepted,
    /// It compiles, and no test passes.
    Compiles,
    /// Some tests pass.
    Partly {
        /// The number of tests that pass.
        passed: usize,
        /// The number of all tests.
        total: usize,
    },
    /// All tests pass.
    Done,
    /// All tests pass, and a solution was shown before.
    DoneWithHelp,
}

/// The progress in an exercise.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// The exercise.
    pub exercise: &'a Exercise,
    /// Its state, by the last check.
    pub state: State,
    /// True if the sources or the tests are others than those of the last check.
    pub is_changed: bool,
    /// Hints that were shown.
    pub hints: usize,
    /// Items whose solution was shown before their tests passed.
    pub given_up: usize,
    /// The time of the last check, in RFC 3339.
    pub checked: Option<String>,
    /// The place to write at next, where that is known.
    pub place: Option<ItemPlace>,
}

/// The next step in an exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To read the handout.
    Read(PathBuf),
    /// To write an item.
    Write(ItemPlace),
    /// To check the sources, which begin in this file.
    Check(PathBuf),
    /// To put the stub back, since this file is missing.
    Restore(PathBuf),
    /// Nothing: it is done.
    Nothing,
}

impl State {
    /// The state in a few words.
    pub fn words(self) -> String {
        match self {
            Self::Missing => "no src/lib.rs".to_owned(),
            Self::Untouched => "untouched".to_owned(),
            Self::Unchecked => "not checked yet".to_owned(),
            Self::DoesNotCompile => "does not compile".to_owned(),
            Self::NotAccepted => "not accepted".to_owned(),
            Self::Compiles => "compiles".to_owned(),
            Self::Partly { passed, total } => format!("{passed} of {total} tests"),
            Self::Done => "done".to_owned(),
            Self::DoneWithHelp => "done with help".to_owned(),
        }
    }

    /// The state in a word, for programs.
    pub fn id(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Untouched => "untouched",
            Self::Unchecked => "unchecked",
            Self::DoesNotCompile => "does-not-compile",
            Self::NotAccepted => "not-accepted",
            Self::Compiles => "compiles",
            Self::Partly { .. } => "partly",
            Self::Done => "done",
            Self::DoneWithHelp => "done-with-help",
        }
    }

    /// Returns whether all tests pass.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Done | Self::DoneWithHelp)
    }

    /// The state after a check.
    fn after(check: &Checked, record: &ExerciseRecord) -> Self {
        let (passed, total) = check.tally();
        match check.result {
            CheckResult::DoesNotCompile => Self::DoesNotCompile,
            CheckResult::NotAccepted => Self::NotAccepted,
            CheckResult::Tested if passed == 0 => Self::Compiles,
            CheckResult::Tested if passed < total => Self::Partly { passed, total },
            CheckResult::Tested if record.given_up.is_empty() => Self::Done,
            CheckResult::Tested => Self::DoneWithHelp,
        }
    }
}

/// The sources of the working copy's exercises, by folder; those that cannot be taken are left out.
///
/// # Errors
/// Returns an error if the folder of exercises cannot be read.
pub fn sources(course: &Course) -> Result<BTreeMap<String, Vec<Source>>> {
    let working_copy = Candidate::new("working copy", course.root.join("exercises"));
    Ok(working_copy
        .read(&course.folders(), &IntakeLimits::default())?
        .exercises)
}

/// The progress in all exercises of the course.
///
/// # Errors
/// Returns an error if sources or tests cannot be read.
pub fn survey<'a>(course: &'a Course, record: &Record) -> Result<Vec<Progress<'a>>> {
    let sources = sources(course)?;
    let of = |exercise: &'a Exercise| {
        let sources = sources.get(&exercise.folder).map(Vec::as_slice);
        Progress::of(course, exercise, record, sources)
    };
    course.exercises.iter().map(of).collect()
}

impl<'a> Progress<'a> {
    /// The progress in an exercise with these sources.
    ///
    /// # Errors
    /// Returns an error if a test cannot be read.
    pub fn of(
        course: &Course,
        exercise: &'a Exercise,
        record: &Record,
        sources: Option<&[Source]>,
    ) -> Result<Self> {
        let nothing = ExerciseRecord::default();
        let record = record.of(exercise).unwrap_or(&nothing);
        let mut progress = Self {
            exercise,
            state: State::Missing,
            is_changed: false,
            hints: record.hints_shown(),
            given_up: record.given_up.len(),
            checked: record.check.as_ref().map(|check| check.at.clone()),
            place: None,
        };
        let Some(sources) = sources else {
            return Ok(progress);
        };
        let check = record.check.as_ref();
        if let Some(check) = check {
            progress.is_changed = check.versions != Versions::of(course, exercise, sources)?;
        }
        progress.state = check.map_or(State::Unchecked, |check| State::after(check, record));
        if progress.state.is_done() && !progress.is_changed {
            return Ok(progress);
        }
        let places = places(exercise, sources);
        if !places.is_empty() && places.iter().all(|place| place.is_stub) {
            progress.state = State::Untouched;
            progress.is_changed = false;
        }
        progress.place = next_place(exercise, check, &places);
        Ok(progress)
    }

    /// The next step in this exercise.
    pub fn step(&self) -> Step {
        let folder = PathBuf::from("exercises").join(&self.exercise.folder);
        let lib = folder.join("src/lib.rs");
        match (self.state, &self.place) {
            (State::Missing, _) => Step::Restore(lib),
            (State::Untouched, _) => Step::Read(folder.join("README.md")),
            (state, _) if state.is_done() => Step::Nothing,
            (State::Compiles | State::Partly { .. }, Some(place)) if !self.is_changed => {
                Step::Write(place.clone())
            }
            _ => Step::Check(lib),
        }
    }
}

/// The place of the item to write next: that of the first failing test, or the first stub.
fn next_place(
    exercise: &Exercise,
    check: Option<&Checked>,
    places: &[ItemPlace],
) -> Option<ItemPlace> {
    let failing = check.map(|check| items::failing(exercise, check));
    let failing = failing.unwrap_or_default();
    let place_of = |path: &str| places.iter().find(|place| place.item == path);
    // Functions that are written and wrong come before those that are not written.
    let places_of_failing = || failing.iter().filter_map(|item| place_of(&item.path));
    let wrong = places_of_failing().find(|place| !place.is_stub);
    let next = wrong.or_else(|| places_of_failing().next());
    next.or_else(|| places.iter().find(|it| it.is_stub))
        .cloned()
}

/// The exercise to go on with: that of the last check unless it is done, otherwise the first that is not done.
pub fn next<'a, 'b>(all: &'b [Progress<'a>]) -> Option<&'b Progress<'a>> {
    let is_open = |progress: &&Progress<'a>| !progress.state.is_done();
    let begun = all.iter().filter(is_open);
    let begun = begun.filter(|it| it.state != State::Untouched && it.checked.is_some());
    let last = begun.max_by(|a, b| a.checked.cmp(&b.checked));
    last.or_else(|| all.iter().find(is_open))
}
