//! A run on the terminal.

use crate::terminal::{self, Part, ProgressLog, fitting, style_of};
use crate::train::history::Epoch;
use crate::train::score::Score;
use crate::train::{Audience, Run};
use indicatif::{HumanDuration, ProgressBar};
use std::time::{Duration, Instant};

/// Shows a run: a bar on a terminal, or a line now and then in a log; and a line for each epoch that is over.
pub(super) struct TrainingProgress {
    bar: ProgressBar,
    /// The lines that stand for the bar, if none can be drawn.
    log: Option<ProgressLog>,
    epochs: usize,
    per_epoch: usize,
    began: Instant,
    /// The first step of this sitting: a run that goes on has not taken those before it now.
    first: usize,
}

impl TrainingProgress {
    pub(super) fn new(run: &Run) -> Self {
        let bar = ProgressBar::with_draw_target(Some(run.total() as u64), terminal::progress());
        bar.set_style(style_of("{wide_bar} {msg}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        say!("epoch train loss accuracy  validation loss accuracy   images/s");
        Self {
            bar,
            log: terminal::logs_progress().then(ProgressLog::default),
            epochs: run.plan.epochs,
            per_epoch: (run.total() / run.plan.epochs).max(1),
            began: Instant::now(),
            first: run.progress.step,
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Audience for TrainingProgress {
    fn learnt(&self, step: usize, total: usize, epoch: Score, speed: f64) {
        let done = step.saturating_sub(self.first).max(1) as f64;
        let left = self.began.elapsed().as_secs_f64() / done * (total - step) as f64;
        let left = HumanDuration(Duration::from_secs_f64(left));
        let of_epoch = format!("epoch {} of {}", step.div_ceil(self.per_epoch), self.epochs);
        let loss = format!("loss {:.3}", epoch.loss);
        let accuracy = format!("accuracy {:.1} %", 100.0 * epoch.accuracy());
        let speed = format!("{speed:.0} images/s");
        if let Some(log) = &self.log {
            if log.is_due() {
                note!(
                    "step {step} of {total}: {of_epoch}, {loss}, {accuracy}, {speed}, {left} left"
                );
            }
            return;
        }
        self.bar.set_position(step as u64);
        self.bar.set_message(fitting(&[
            Part::new(1, of_epoch),
            Part::new(3, loss),
            Part::new(2, accuracy),
            Part::new(4, speed),
            Part::new(0, format!("{left} left")),
        ]));
    }

    fn epoch_over(&self, epoch: &Epoch, is_best: bool) {
        let Epoch {
            train, validation, ..
        } = epoch;
        self.bar.suspend(|| {
            say!(
                "{:>5} {:>10.4} {:>6.2} % {:>16.4} {:>6.2} % {:>10.0}{}",
                epoch.epoch,
                train.loss,
                100.0 * train.accuracy(),
                validation.loss,
                100.0 * validation.accuracy(),
                train.images as f64 / epoch.seconds,
                if is_best { "  best so far" } else { "" }
            );
        });
    }
}
