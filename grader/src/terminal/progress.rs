//! Progress: drawn and drawn again on a terminal, as wide as that is; in a log, a line now and then.

use super::{Verbosity, verbosity};
use indicatif::{ProgressDrawTarget, ProgressStyle};
use rustix::termios::tcgetwinsize;
use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The width of a terminal that does not tell its own.
const USUAL_WIDTH: usize = 80;

/// The columns that a bar gets at least, on a terminal of the usual width.
const BAR: usize = 10;

/// Returns whether standard error is a terminal on which a line can be drawn again. A dumb one takes text alone.
fn can_draw() -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    stderr().is_terminal() && !is_dumb
}

/// The place where progress is drawn: standard error, or nowhere with `--quiet` and where it is a log.
pub(crate) fn progress() -> ProgressDrawTarget {
    match verbosity() {
        Verbosity::Normal | Verbosity::Verbose if can_draw() => ProgressDrawTarget::stderr(),
        _ => ProgressDrawTarget::hidden(),
    }
}

/// Returns whether progress is told in lines of a log, instead.
pub(crate) fn logs_progress() -> bool {
    verbosity() != Verbosity::Quiet && !can_draw()
}

/// The columns of the terminal on standard error.
fn width() -> usize {
    let size = tcgetwinsize(stderr());
    let columns = size.map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { USUAL_WIDTH } else { columns }
}

/// A part of a line of progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The order in which parts are left out: the highest goes first, 0 stays.
    pub(crate) rank: usize,
    /// The text.
    pub(crate) text: String,
}

impl Part {
    pub(crate) fn new(rank: usize, text: impl Into<String>) -> Self {
        Self {
            rank,
            text: text.into(),
        }
    }
}

/// The parts that fit on the terminal on standard error, in one line: whole ones, those of the lowest rank.
pub(crate) fn fitting(parts: &[Part]) -> String {
    within(parts, width())
}

const BETWEEN: &str = " · ";

fn within(parts: &[Part], width: usize) -> String {
    let mut ranks: Vec<_> = parts.iter().map(|part| part.rank).collect();
    ranks.sort_unstable();
    let joined = |most: usize| {
        let shown = parts.iter().filter(|part| part.rank <= most);
        let texts: Vec<_> = shown.map(|part| part.text.as_str()).collect();
        texts.join(BETWEEN)
    };
    // A space after the bar, and the last column: some terminals break a line that fills it.
    let bar = if width < USUAL_WIDTH { 0 } else { BAR };
    let room = width.saturating_sub(bar + 2);
    let lines = ranks.iter().rev().map(|&most| joined(most));
    let mut lines = lines.skip_while(|line| line.chars().count() > room);
    lines
        .next()
        .or_else(|| ranks.first().map(|&most| joined(most)))
        .unwrap_or_default()
}

/// The style of a template that is part of this program.
pub(crate) fn style_of(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The time between two lines of progress in a log.
const EVERY: Duration = Duration::from_secs(30);

/// Lines of progress in a log: the first at once, others now and then.
#[derive(Debug, Default)]
pub(crate) struct ProgressLog {
    last: Mutex<Option<Instant>>,
}

impl ProgressLog {
    /// One whose first line comes not at once, but as late as others do.
    pub(crate) fn later() -> Self {
        Self {
            last: Mutex::new(Some(Instant::now())),
        }
    }

    /// Returns whether it is time for a line, which is then printed.
    pub(crate) fn is_due(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= EVERY);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_left_out_whole_and_the_least_important_first() {
        let parts = [
            Part::new(1, "epoch 1 of 6"),
            Part::new(3, "loss 2.303"),
            Part::new(2, "accuracy 9.8 %"),
            Part::new(0, "3 minutes left"),
        ];
        let at = |width| within(&parts, width);
        assert_eq!(
            at(80),
            "epoch 1 of 6 · loss 2.303 · accuracy 9.8 % · 3 minutes left"
        );
        assert_eq!(at(50), "epoch 1 of 6 · accuracy 9.8 % · 3 minutes left");
        assert_eq!(at(40), "epoch 1 of 6 · 3 minutes left");
        assert_eq!(at(20), "3 minutes left");
        assert_eq!(at(5), "3 minutes left");
        assert_eq!(within(&[], 80), "");
        for width in 16..100 {
            assert!(
                at(width).chars().count() + 2 <= width,
                "{width}: {}",
                at(width)
            );
        }
    }

    #[test]
    fn the_first_line_of_a_log_comes_at_once() {
        let log = ProgressLog::default();
        assert!(log.is_due());
        assert!(!log.is_due());
        assert!(!ProgressLog::later().is_due());
    }
}
