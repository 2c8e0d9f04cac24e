//! Checks: each begins when the one before has ended, and its verdict is compared with the last.

use super::super::explanation::explained;
use super::super::model::{Pane, Running};
use super::super::plain::LineEvent;
use super::super::runs::{Job, Report};
use super::super::sources::Code;
use super::super::verdict::{self, Changes, Verdict};
use super::{Current, Session};
use crate::course::Exercise;
use crate::grading::verdict::{ExerciseGrade, Outcome, Tested};
use crate::study::explain;
use crate::study::record::{Checked, Record, Versions};
use crate::terminal::full_width;
use std::sync::Arc;
use std::time::Instant;

impl Session {
    /// Begins the next check, if none runs.
    pub(super) fn begin_next(&mut self) {
        if self.running.is_some() {
            return;
        }
        let Some((name, since)) = self.queue.pop_front() else {
            return;
        };
        let Some(exercise) = self.exercise(&name).cloned() else {
            return;
        };
        let code = self.sources.get(&exercise.folder).cloned();
        self.checked_code.clone_from(&code);
        self.runs.begin(Job {
            course: Arc::clone(&self.course),
            version: self.generation,
            code: code.unwrap_or(Code::Missing),
            exercise,
        });
        self.running = Some(Current {
            name: name.clone(),
            is_void: false,
            has_verdict: false,
        });
        if self.shown().1 == name {
            self.model.progress.clear();
            self.model.running = Some(Running {
                since,
                stage: "checking".to_owned(),
            });
            self.tell(LineEvent::Began);
        }
    }

    pub(super) fn take_report(&mut self, report: Report) {
        let Some(running) = &self.running else {
            return;
        };
        let (name, is_void) = (running.name.clone(), running.is_void);
        let is_shown = self.shown().1 == name;
        match report {
            Report::Stage(stage) => {
                if let (true, Some(running)) = (is_shown, &mut self.model.running) {
                    running.stage = stage;
                    self.view.touch();
                }
            }
            Report::Graded {
                graded,
                is_last,
                is_whole,
            } => {
                if !is_void {
                    self.take_grade(&name, is_shown, &graded, is_whole);
                }
                if is_last {
                    self.end_check(is_shown);
                }
            }
            Report::Ended(why) => {
                self.end_check(is_shown);
                if let Some(why) = why.filter(|_| !is_void) {
                    self.is_scanning = false;
                    self.model.verdict = None;
                    self.model.pane = Some(Pane {
                        title: format!("{name} cannot be checked"),
                        text: why,
                        scroll: 0,
                    });
                    self.tell(LineEvent::Pane);
                }
            }
        }
    }

    fn end_check(&mut self, is_shown: bool) {
        self.running = None;
        if is_shown {
            self.model.running = None;
        }
        self.view.touch();
    }

    fn take_grade(&mut self, name: &str, is_shown: bool, graded: &ExerciseGrade, is_whole: bool) {
        let Some(exercise) = self.exercise(name).cloned() else {
            return;
        };
        let running = self.running.as_mut();
        let is_more = running.is_some_and(|it| std::mem::replace(&mut it.has_verdict, true));
        let is_done = graded.outcome == Outcome::Tested && graded.tests.iter().all(Tested::counts);
        let checked = self.keep(&exercise, graded, is_whole);
        let mut changes = Changes::default();
        if let Some(results) = verdict::results(graded) {
            let before = self.before.insert(name.to_owned(), results.clone());
            changes = before.map_or(changes, |before| Changes::between(&before, &results));
        }
        if !is_shown {
            let headline = verdict::headline(graded);
            return self.note(&format!("{}: {headline}", exercise.folder));
        }
        let running = self.model.running.as_ref();
        let seconds = running.map_or(graded.seconds, |it| it.since.elapsed().as_secs_f64());
        let width = full_width().min(explain::WIDTH);
        let (failures, text) = explained(&self.course, &exercise, graded, checked.as_ref(), width);
        let mut verdict = Verdict {
            headline: verdict::headline(graded),
            is_done,
            failures,
            text,
            changes,
            seconds,
        };
        let first = self.model.verdict.as_ref().filter(|_| is_more);
        let is_same = first.is_some_and(|first| first.failures == verdict.failures);
        if let Some(first) = first {
            // The same tests of the same code: what changed and how long it took is what it was.
            (verdict.changes, verdict.seconds) = (first.changes.clone(), first.seconds);
        }
        self.model.take(verdict);
        if !is_same {
            self.tell(LineEvent::Verdict);
        }
        self.scan_on(&exercise, is_done);
    }

    /// Keeps the result in the learner's record. That of fewer tests than the exercise has is not one to keep.
    fn keep(
        &mut self,
        exercise: &Exercise,
        graded: &ExerciseGrade,
        is_whole: bool,
    ) -> Option<Checked> {
        let Code::Sources(sources) = self.checked_code.as_ref()? else {
            return None;
        };
        let checked = Versions::of(&self.course, exercise, sources)
            .map(|versions| Checked::now(versions, graded));
        let kept = checked.and_then(|checked| {
            let Some(checked) = checked else {
                return Ok(None);
            };
            if !is_whole {
                return Ok(Some(checked));
            }
            Record::update(&self.course.root, |record| {
                record.keep(exercise, checked.clone());
            })?;
            Ok(Some(checked))
        });
        kept.unwrap_or_else(|error| {
            self.note(&format!("progress is not kept: {error:#}"));
            None
        })
    }

    /// Goes on to the next exercise, at the beginning, until one is not done.
    fn scan_on(&mut self, exercise: &Exercise, is_done: bool) {
        if !self.is_scanning {
            return;
        }
        let rest = self.watched().skip_while(|it| it.name != exercise.name);
        let next = rest.map(|it| it.name.clone()).nth(1);
        match next.filter(|_| is_done) {
            Some(next) => {
                self.focus(&next);
                self.queue.push_back((next, Instant::now()));
            }
            None => self.is_scanning = false,
        }
    }
}
