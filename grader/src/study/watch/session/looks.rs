//! Looks at the files: what changed is checked again.

use super::super::model::Model;
use super::super::sources;
use super::{AlarmTimes, PATIENCE, QUIET, Session, digests_of_judges};
use crate::course::{Course, Exercise};
use std::sync::Arc;
use std::time::Instant;

impl Session {
    /// Notes that something may have changed.
    pub(super) fn ring(&mut self, by_look: bool) {
        let now = Instant::now();
        let rung = self.rung.get_or_insert(AlarmTimes {
            first: now,
            last: now,
            by_look,
        });
        rung.last = now;
        rung.by_look &= by_look;
    }

    /// Looks at the files if something rang, and has been quiet since, or it is time.
    pub(super) fn look_if_due(&mut self) {
        if let Some(rung) = self.rung {
            // The event of a change that a look came before may still come.
            let is_late = rung.by_look && self.alarm.is_some();
            let quiet = if is_late { PATIENCE } else { QUIET };
            if rung.last.elapsed() >= quiet || rung.first.elapsed() >= PATIENCE {
                self.rung = None;
                if is_late {
                    self.give_up_events("a change was not reported");
                }
                self.look(rung.first);
            }
        } else if self.last_look.elapsed() >= self.poll {
            self.last_look = Instant::now();
            let now = sources::read(&self.course);
            if now.as_ref().is_ok_and(|now| *now != self.sources) {
                self.ring(true);
            } else if now.is_err() || sources::version_of_course(&self.course.root) != self.version
            {
                self.ring(false);
            }
        }
    }

    /// Reads everything anew, and has what changed be checked.
    fn look(&mut self, since: Instant) {
        self.last_look = Instant::now();
        let mut changed = self.look_at_course();
        let sources = match sources::read(&self.course) {
            Ok(sources) => sources,
            Err(why) => {
                // It is looked at again.
                self.note(&format!("exercises cannot be read: {why}"));
                return;
            }
        };
        // An exercise that git brings is not one that was saved.
        let is_new = |it: &&Exercise| {
            let before = self.sources.get(&it.folder);
            before.is_some_and(|before| sources.get(&it.folder) != Some(before))
        };
        let new = self.watched().filter(is_new).map(|it| it.name.clone());
        let new = new.filter(|name| !changed.contains(name));
        let new: Vec<_> = new.collect();
        self.sources = sources;
        changed.extend(new);
        if changed.is_empty() {
            return;
        }
        self.is_scanning = false;
        // The exercise on screen comes first, and then the course's order.
        let (_, shown) = self.shown();
        changed.sort_by_key(|name| *name != shown);
        if let Some(running) = &mut self.running {
            self.runs.stop();
            // Its verdict was wanted, though what is saved now comes first.
            let is_wanted = !running.is_void && !running.has_verdict;
            if is_wanted && !changed.contains(&running.name) {
                changed.push(running.name.clone());
            }
            running.is_void = true;
        }
        self.queue.retain(|(name, _)| !changed.contains(name));
        for name in changed.into_iter().rev() {
            self.queue.push_front((name, since));
        }
        if let Some((first, _)) = self.queue.front().cloned() {
            self.focus(&first);
        }
    }

    /// The shown exercise's folder and crate.
    pub(super) fn shown(&self) -> (String, String) {
        let folder = self.model.exercise.0.clone();
        let name = self.course.exercises.iter().find(|it| it.folder == folder);
        (folder, name.map_or_else(String::new, |it| it.name.clone()))
    }

    /// Opens the course anew if its tests changed, as git does; returns the exercises that are to be checked again.
    fn look_at_course(&mut self) -> Vec<String> {
        let version = sources::version_of_course(&self.course.root);
        if version == self.version {
            return vec![];
        }
        let course = match Course::open(&self.course.root) {
            Ok(course) => course,
            Err(error) => {
                // Half of an update, perhaps: it is looked at again.
                self.note(&format!("the course cannot be read: {error:#}"));
                return vec![];
            }
        };
        let (folder, name) = self.shown();
        let judged = digests_of_judges(&course);
        if judged == self.judged && course.folders() == self.course.folders() {
            self.version = version;
            return vec![];
        }
        // A renumbered exercise has the code that it had.
        for exercise in &course.exercises {
            let before = self.exercise(&exercise.name).map(|it| it.folder.clone());
            if let Some(before) = before.filter(|before| *before != exercise.folder)
                && let Some(code) = self.sources.remove(&before)
            {
                self.sources.insert(exercise.folder.clone(), code);
            }
        }
        let known = |name: &String| course.exercises.iter().any(|it| it.name == *name);
        let gone: Vec<_> = self
            .judged
            .keys()
            .filter(|name| !known(name))
            .cloned()
            .collect();
        let before = std::mem::replace(&mut self.judged, judged);
        (self.course, self.version) = (Arc::new(course), version);
        self.generation += 1;
        self.queue.retain(|(name, _)| !gone.contains(name));
        for gone in &gone {
            self.note(&format!("the course does not hold {gone} any more"));
        }
        if let Some(running) = &mut self.running
            && gone.contains(&running.name)
        {
            running.is_void = true;
            self.runs.stop();
        }
        let Some(shown) = self.exercise(&name).cloned() else {
            return vec![];
        };
        if shown.folder != folder {
            self.note(&format!("{folder} is now {}", shown.folder));
            self.model.exercise.0 = shown.folder;
        }
        match before.get(&name) == self.judged.get(&name) {
            true => vec![],
            false => {
                self.note("the course was updated");
                vec![name]
            }
        }
    }

    /// Shows another exercise.
    pub(super) fn focus(&mut self, name: &str) {
        let Some(exercise) = self.exercise(name) else {
            return;
        };
        let shown = (exercise.folder.clone(), exercise.facts.title.clone());
        if self.model.exercise != shown {
            self.model = Model {
                exercise: shown,
                notes: std::mem::take(&mut self.model.notes),
                ..Model::default()
            };
        }
        self.view.touch();
    }
}
