//! How a batch is shown while it runs: a bar with what is done, what runs, what failed and the time left; and each
//! finished submission's table above it.

use crate::batch::Audience;
use crate::grade::{Grader, Stage};
use crate::report;
use crate::verdict::{Graded, Outcome};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wire::printable_lines;

/// Shows a batch on the terminal. Where standard error is none, it only prints each finished submission.
pub(super) struct Progress<'a> {
    grader: &'a Grader,
    total: usize,
    bar: ProgressBar,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    /// What each job does.
    running: BTreeMap<usize, String>,
    /// Submission, points, most points.
    rows: Vec<(String, f64, f64)>,
    imperfect: usize,
}

impl<'a> Progress<'a> {
    pub(super) fn new(grader: &'a Grader, total: usize) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let bar = bars.add(ProgressBar::new(total as u64));
        let style =
            ProgressStyle::with_template("{wide_bar} {pos}/{len} · {prefix} · {eta} left\n{msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix("0 with failures");
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            grader,
            total,
            bar,
            shown: Mutex::default(),
        }
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the bar away; gives a row a submission, in the order of their names.
    pub(super) fn finish(self) -> Vec<(String, f64, f64)> {
        self.bar.finish_and_clear();
        let mut rows = self
            .shown
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .rows;
        rows.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        rows
    }
}

impl Audience for Progress<'_> {
    fn at(&self, job: usize, submission: &str, stage: Stage<'_>) {
        let doing = match stage {
            Stage::Reading => format!("{submission}: reading"),
            Stage::Compiling(exercise) => format!("{submission}: compiling {exercise}"),
            Stage::Judging(exercise) => format!("{submission}: testing {exercise}"),
        };
        let mut shown = self.shown();
        shown.running.insert(job, doing);
        let running: Vec<_> = shown.running.values().map(String::as_str).collect();
        self.bar.set_message(running.join("\n"));
    }

    fn finished(&self, job: usize, graded: &Graded, before: bool) {
        let mut shown = self.shown();
        shown.running.remove(&job);
        shown
            .rows
            .push((graded.submission.clone(), graded.points, graded.max_points));
        shown.imperfect += usize::from(!graded.is_perfect());
        self.bar
            .set_prefix(format!("{} with failures", shown.imperfect));
        self.bar.set_position(shown.rows.len() as u64);
        let number = shown.rows.len();
        let finished_before = if before {
            ", graded by an earlier run"
        } else {
            ""
        };
        self.bar.suspend(|| {
            println!(
                "{} ({number} of {}{finished_before})",
                graded.submission, self.total
            );
            println!("{}", report::table(&self.grader.course, graded));
            if let Some(refusal) = &graded.refused {
                println!("refused: {}", printable_lines(refusal));
            }
            for exercise in &graded.exercises {
                match &exercise.outcome {
                    Outcome::Tested | Outcome::Missing => {}
                    Outcome::DoesNotCompile(words) => {
                        println!("{}: {}", exercise.exercise, first_error(words));
                    }
                    Outcome::Shortcut(what) => {
                        println!("{}: {}", exercise.exercise, printable_lines(what));
                    }
                    Outcome::NotGraded(reason) => {
                        println!(
                            "{}: the grader failed: {}",
                            exercise.exercise,
                            printable_lines(reason)
                        );
                    }
                }
            }
            println!();
        });
    }
}

/// The first error of the compiler's words, and where it is.
fn first_error(words: &str) -> String {
    let start = words.find("error").unwrap_or(0);
    let lines: Vec<_> = words[start..].lines().take(2).map(str::trim).collect();
    printable_lines(&lines.join(" "))
}
