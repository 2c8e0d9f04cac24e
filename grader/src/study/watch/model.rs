//! The state of the watcher that is shown: the exercise, its verdict, the run, and a text above them that was asked for.

use super::verdict::{Failure, Verdict};
use std::time::Instant;

/// The state that is shown. Session and views share it.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// The exercise: its folder and title.
    pub(super) exercise: (String, String),
    /// The run, while there is one.
    pub(super) running: Option<Running>,
    /// The last verdict on the exercise.
    pub(super) verdict: Option<Verdict>,
    /// The number of the failure that is shown.
    pub(super) failure: usize,
    /// The first line that is shown of it.
    pub(super) scroll: usize,
    /// The text above the verdict.
    pub(super) pane: Option<Pane>,
    /// The question that `y` answers.
    pub(super) question: Option<String>,
    /// Events besides the verdict, the latest last.
    pub(super) notes: Vec<String>,
    /// The last line that was written to standard error, while something is built.
    pub(super) progress: String,
}

/// A run.
#[derive(Debug)]
pub(super) struct Running {
    /// The time at which the save was noticed.
    pub(super) since: Instant,
    /// The stage, in words.
    pub(super) stage: String,
}

/// A text above the verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pane {
    /// Its heading.
    pub(super) title: String,
    /// The text, with the styles of a terminal.
    pub(super) text: String,
    /// The first line that is shown.
    pub(super) scroll: usize,
}

/// The most notes that are kept.
const NOTES: usize = 2;

impl Model {
    /// The failure that is shown, with its number.
    pub(super) fn failure(&self) -> Option<(usize, &Failure)> {
        let failures = &self.verdict.as_ref()?.failures;
        let number = self.failure.min(failures.len().checked_sub(1)?);
        Some((number, failures.get(number)?))
    }

    /// Shows the next failure or the one before, round and round.
    pub(super) fn step(&mut self, forward: bool) {
        let Some((number, _)) = self.failure() else {
            return;
        };
        let count = self.verdict.as_ref().map_or(1, |it| it.failures.len());
        let by = if forward { 1 } else { count - 1 };
        self.failure = (number + by) % count;
        self.scroll = 0;
    }

    /// Takes a verdict. The failure that was shown stays if it still fails, the first one is shown otherwise.
    pub(super) fn take(&mut self, verdict: Verdict) {
        let shown = self.failure().map(|(_, failure)| failure.name.clone());
        let position = (verdict.failures.iter())
            .position(|failure| Some(&failure.name) == shown.as_ref())
            .filter(|_| self.failure != 0);
        let same = self.verdict.as_ref().is_some_and(|before| {
            before.failures.get(self.failure) == verdict.failures.get(position.unwrap_or(0))
        });
        if !same {
            self.scroll = 0;
        }
        self.failure = position.unwrap_or(0);
        self.verdict = Some(verdict);
    }

    /// Keeps a note, unless it is the last one.
    pub(super) fn note(&mut self, note: &str) {
        if self.notes.last().is_some_and(|last| last == note) {
            return;
        }
        self.notes.push(note.to_owned());
        let surplus = self.notes.len().saturating_sub(NOTES);
        self.notes.drain(..surplus);
    }

    /// The first line that is shown, of the pane or the failure.
    pub(super) fn scroll_mut(&mut self) -> &mut usize {
        match &mut self.pane {
            Some(pane) => &mut pane.scroll,
            None => &mut self.scroll,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::verdict::Changes;
    use super::*;

    fn verdict(names: &[&str]) -> Verdict {
        let failures = names.iter().map(|&name| Failure {
            name: name.to_owned(),
            text: String::new(),
            item: None,
        });
        Verdict {
            headline: String::new(),
            is_done: names.is_empty(),
            failures: failures.collect(),
            text: String::new(),
            changes: Changes::default(),
            seconds: 0.0,
        }
    }

    fn shown(model: &Model) -> Option<&str> {
        Some(model.failure()?.1.name.as_str())
    }

    #[test]
    fn failures_go_round() {
        let mut model = Model::default();
        model.step(true);
        assert_eq!(shown(&model), None);
        model.take(verdict(&["a", "b", "c"]));
        assert_eq!(shown(&model), Some("a"));
        model.step(false);
        assert_eq!(shown(&model), Some("c"));
        model.step(true);
        model.step(true);
        assert_eq!(shown(&model), Some("b"));
    }

    #[test]
    fn the_failure_that_was_chosen_stays_while_it_fails() {
        let mut model = Model::default();
        model.take(verdict(&["a", "b", "c"]));
        model.step(true);
        model.take(verdict(&["new", "a", "b"]));
        assert_eq!(shown(&model), Some("b"));
        model.take(verdict(&["new", "a"]));
        assert_eq!(shown(&model), Some("new"));
        model.take(verdict(&[]));
        assert_eq!(shown(&model), None);
        model.take(verdict(&["a"]));
        assert_eq!(shown(&model), Some("a"));
    }

    #[test]
    fn the_first_failure_is_shown_where_none_was_chosen() {
        let mut model = Model::default();
        model.take(verdict(&["b", "c"]));
        model.take(verdict(&["a", "b", "c"]));
        assert_eq!(shown(&model), Some("a"));
    }
}
