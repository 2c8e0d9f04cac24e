//! The progress of a batch: a bar with the number of finished submissions, the running ones, the number with failures
//! and the time left; above it, the table of each finished submission.

use crate::grading::batch::Audience;
use crate::grading::grade::Grader;
use crate::grading::report;
use crate::grading::stage::Stage;
use crate::grading::verdict::{Outcome, SubmissionGrade};
use crate::terminal::{self, ProgressLog, style_of};
use indicatif::{HumanDuration, MultiProgress, ProgressBar};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use wire::printable_lines;

/// Shows a batch: bars on a terminal, or a line now and then in a log; and each finished submission.
pub(super) struct GradingProgress<'a> {
    grader: &'a Grader,
    total: usize,
    bars: MultiProgress,
    whole: ProgressBar,
    /// The lines that stand for the bar, if none can be drawn.
    log: Option<ProgressLog>,
    began: Instant,
    shown: Mutex<ScreenState>,
}

#[derive(Default)]
struct ScreenState {
    /// A line for each job that runs.
    running: BTreeMap<usize, ProgressBar>,
    rows: Vec<report::Row>,
    attention: Vec<report::Attention>,
    imperfect: usize,
    /// The number of those that this run graded itself.
    graded: usize,
}

impl<'a> GradingProgress<'a> {
    pub(super) fn new(grader: &'a Grader, total: usize) -> Self {
        let bars = MultiProgress::with_draw_target(terminal::progress());
        let whole = bars.add(ProgressBar::new(total as u64));
        whole.set_style(style_of("{wide_bar} {pos}/{len} · {prefix} · {eta} left"));
        whole.set_prefix("0 with failures");
        whole.enable_steady_tick(Duration::from_millis(200));
        Self {
            grader,
            total,
            bars,
            whole,
            log: terminal::logs_progress().then(ProgressLog::later),
            began: Instant::now(),
            shown: Mutex::default(),
        }
    }

    fn shown(&self) -> MutexGuard<'_, ScreenState> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line on what is done and what is left.
    fn left(&self, number: usize, graded: usize, imperfect: usize) -> String {
        let each = self.began.elapsed().as_secs_f64() / graded.max(1) as f64;
        let left = Duration::from_secs_f64(each * (self.total - number) as f64);
        format!(
            "{number} of {}: {imperfect} with failures, {} left",
            self.total,
            HumanDuration(left)
        )
    }

    /// Takes the bar away; gives a row a submission, and what needs a person, in the order of their names.
    pub(super) fn finish(self) -> (Vec<report::Row>, Vec<report::Attention>) {
        let ScreenState {
            running,
            mut rows,
            mut attention,
            ..
        } = self
            .shown
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        for line in running.values().chain([&self.whole]) {
            line.finish_and_clear();
        }
        rows.sort_by(|a, b| a.submission.cmp(&b.submission));
        attention.sort_by(|a, b| a.what.cmp(&b.what));
        (rows, attention)
    }
}

impl Audience for GradingProgress<'_> {
    fn at(&self, job: usize, submission: &str, stage: Stage<'_>) {
        let mut shown = self.shown();
        let line = shown.running.entry(job);
        let line = line.or_insert_with(|| self.bars.add(spinner()));
        line.set_message(doing(submission, stage));
    }

    fn finished(&self, job: usize, graded: &SubmissionGrade, before: bool) {
        let mut shown = self.shown();
        if let Some(line) = shown.running.remove(&job) {
            line.finish_and_clear();
        }
        shown.rows.push(report::Row::of(graded));
        shown.attention.extend(report::Attention::of(graded));
        shown.imperfect += usize::from(!graded.is_perfect());
        shown.graded += usize::from(!before);
        self.whole
            .set_prefix(format!("{} with failures", shown.imperfect));
        self.whole.set_position(shown.rows.len() as u64);
        let number = shown.rows.len();
        let finished_before = if before {
            ", graded by an earlier run"
        } else {
            ""
        };
        self.bars.suspend(|| {
            say!(
                "{} ({number} of {}{finished_before})",
                graded.submission,
                self.total
            );
            if let Some(refusal) = &graded.refused {
                say!("refused: {}\n", printable_lines(refusal));
                return;
            }
            for remark in &graded.remarks {
                say!("{}", printable_lines(remark));
            }
            if let Some(note) = &graded.note {
                say!("{}\n", printable_lines(note));
                return;
            }
            for exercise in graded.exercises.iter().filter(|_| !before) {
                detail!("graded: {} ({:.1} s)", exercise.exercise, exercise.seconds);
            }
            say!("{}", report::table(&self.grader.environment.course, graded));
            for exercise in &graded.exercises {
                for misconception in &exercise.misconceptions {
                    say!("{}: {}", exercise.exercise, misconception.title);
                }
                match &exercise.outcome {
                    Outcome::Tested | Outcome::Missing => {}
                    Outcome::DoesNotCompile(words) => {
                        say!("{}: {}", exercise.exercise, first_error(words));
                    }
                    Outcome::NotAccepted(why) => say!("{}", printable_lines(why)),
                    Outcome::NotGraded(reason) => {
                        say!(
                            "{}: not graded, and no fault of the submission: {}",
                            exercise.exercise,
                            printable_lines(reason)
                        );
                    }
                }
            }
            say!();
        });
        if let Some(log) = &self.log
            && number < self.total
            && log.is_due()
        {
            note!("{}", self.left(number, shown.graded, shown.imperfect));
        }
    }
}

/// A line that shows what is done now.
pub(super) fn spinner() -> ProgressBar {
    let line = ProgressBar::with_draw_target(None, terminal::progress());
    line.set_style(style_of("{spinner} {msg}"));
    line.enable_steady_tick(Duration::from_millis(200));
    line
}

/// A description of the stage at which a submission is.
pub(super) fn doing(submission: &str, stage: Stage<'_>) -> String {
    match stage {
        Stage::Reading => format!("{submission}: reading"),
        Stage::Compiling(exercise) => format!("{submission}: compiling {exercise}"),
        Stage::Judging(exercise) => format!("{submission}: testing {exercise}"),
        Stage::Training(exercise) => format!("{submission}: training {exercise}"),
        Stage::Gathering(exercise) => format!("compiling the misconceptions of {exercise}, once"),
        Stage::Naming(exercise) => {
            format!("{submission}: looking for what is wrong with {exercise}")
        }
    }
}

/// The first error of the compiler's words, and where it is.
fn first_error(words: &str) -> String {
    let start = words.find("error").unwrap_or(0);
    let lines: Vec<_> = words[start..].lines().take(2).map(str::trim).collect();
    printable_lines(&lines.join(" "))
}
