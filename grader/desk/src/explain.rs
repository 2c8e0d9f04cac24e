//! The explanation of a person's grades: from attempt to points, each step with its numbers.

use crate::folder::{Desk, Grades};
use crate::grading::{Column, ExerciseGrade, Flag, State, Student};
use crate::import::listed;
use crate::policy::{Counts, Penalty, Policy};
use crate::results::Outcome;
use crate::terminal::points;
use crate::time::{Interval, shown, shown_seconds};
use anyhow::{Context, Result};
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use wire::printable;

/// The explanation of the grades of a person, in one exercise or in all.
///
/// # Errors
/// Returns an error if the person is not in the gradebook, or a result cannot be read.
pub fn explain(desk: &Desk, grades: &Grades, id: &str, exercise: Option<&str>) -> Result<String> {
    let student = grades.gradebook.student(id);
    let student = student.with_context(|| format!("{id} is not in the gradebook"))?;
    let person = &student.person;
    let mut text = printable(&person.id);
    for (before, value, after) in [
        (" ", &person.name, ""),
        (" <", &person.email, ">"),
        (", group ", &person.group, ""),
        (", section ", &person.section, ""),
    ] {
        if !value.is_empty() {
            let _ = write!(text, "{before}{}{after}", printable(value));
        }
    }
    text.push('\n');
    let columns = grades.gradebook.exercises.iter().zip(&student.exercises);
    let mut found = false;
    for (column, grade) in
        columns.filter(|(column, _)| exercise.is_none_or(|it| it == column.exercise))
    {
        found = true;
        let step = Steps {
            desk,
            grades,
            column,
            grade,
            zone: &desk.policy.zone,
            text: String::new(),
        };
        text.push('\n');
        text += &step.explain()?;
    }
    if !found {
        let _ = writeln!(text, "\nnothing is graded yet");
    }
    if exercise.is_none() {
        text += &total(student, &grades.gradebook.exercises, grades, &desk.policy);
    }
    Ok(text)
}

/// The total, late days, refused attempts, and decisions that are on no single exercise.
fn total(student: &Student, columns: &[Column], grades: &Grades, policy: &Policy) -> String {
    let mut text = String::from("\ntotal\n");
    let names = columns.iter().map(|it| it.exercise.chars().count());
    let width = names.max().unwrap_or_default().max(11);
    let mut line = |what: &str, value: &str| {
        let _ = writeln!(text, "  {what:<width$} {value}");
    };
    for (column, grade) in columns.iter().zip(&student.exercises) {
        let exercise = printable(&column.exercise);
        let value = match (grade.state, grade.points) {
            (State::Excused, _) => "excused: does not count".to_owned(),
            (_, None) => "not graded: no total".to_owned(),
            (_, Some(value)) if grade.max_points == column.weight => points(value),
            (_, Some(value)) => format!(
                "{} / {} × {} = {}",
                points(value),
                points(grade.max_points),
                points(column.weight),
                points(value / grade.max_points.max(f64::MIN_POSITIVE) * column.weight)
            ),
        };
        line(&exercise, &value);
    }
    match student.total {
        Some(total) => line(
            "sum",
            &format!("{} of {}", points(total), points(student.max_total)),
        ),
        None => line("sum", "none, until all is graded"),
    }
    if student.late_days > 0 {
        line(
            "late days",
            &format!(
                "{} used of {} ({} by the policy)",
                student.late_days_used, student.late_days, policy.late_days
            ),
        );
    }
    for refused in &student.refused {
        line(
            "refused",
            &format!("attempt {}: {}", refused.attempt, printable(&refused.why)),
        );
    }
    let notes = grades.decisions.iter().filter(|it| {
        it.student == student.person.id
            && it.exercise.is_none()
            && it.action.kind() != Some(crate::decision::Kind::Extend)
    });
    for decision in notes {
        let parts = [
            decision.action.name().to_owned(),
            decision.action.value(&policy.zone),
        ];
        line(
            &format!("decision {}", decision.number),
            &format!(
                "{}: {}, by {}",
                parts.join(" ").trim(),
                printable(&decision.reason),
                printable(&decision.by)
            ),
        );
    }
    text
}

/// The steps of one exercise.
struct Steps<'a> {
    desk: &'a Desk,
    grades: &'a Grades,
    column: &'a Column,
    grade: &'a ExerciseGrade,
    zone: &'a TimeZone,
    text: String,
}

impl Steps<'_> {
    fn line(&mut self, what: &str, value: &str) {
        let _ = writeln!(self.text, "  {what:<11} {}", printable(value));
    }

    fn explain(mut self) -> Result<String> {
        let grade = self.grade;
        let outcome = match (grade.state, grade.points) {
            (State::Excused, _) => "excused".to_owned(),
            (_, Some(value)) => format!("{} of {}", points(value), points(grade.max_points)),
            (_, None) => "not graded".to_owned(),
        };
        let _ = writeln!(self.text, "{}: {outcome}", printable(&self.column.exercise));
        self.attempt()?;
        self.lateness();
        self.decisions();
        Ok(self.text)
    }

    /// The attempt that counts, its result, and the points of its tests.
    fn attempt(&mut self) -> Result<()> {
        let grade = self.grade;
        let counts = match self.desk.policy.counts {
            Counts::Latest => "the latest counts",
            Counts::Best => "the one with the most points before the penalty counts",
            Counts::BestAdjusted => "the one with the most points after the penalty counts",
        };
        match grade.attempts {
            0 => self.line("attempts", "none"),
            1 => self.line("attempts", "1"),
            several => self.line("attempts", &format!("{several}: {counts}")),
        }
        let Some((attempt, result)) = grade.attempt.zip(grade.result) else {
            return Ok(());
        };
        let origin = self.desk.store.provenance(result)?;
        let handed = match grade.time {
            Some(time) => format!("handed in {}", shown(time, self.zone)),
            None => "at a time that is not known".to_owned(),
        };
        self.line(
            &format!("attempt {attempt}"),
            &format!("{}, {handed}", origin.submission),
        );
        let short = |digest: &str| digest.chars().take(12).collect::<String>();
        self.line("sources", &format!("{}…", short(&origin.sources)));
        self.line(
            &format!("result {result}"),
            &format!(
                "{}, course {}…, seed {}…, imported {} by {} from {}",
                origin.graded.outcome.name(),
                short(&origin.course),
                short(&origin.seed),
                shown(origin.imported, self.zone),
                origin.by,
                origin.folder
            ),
        );
        if origin.earlier > 0 {
            self.line(
                "regraded",
                &format!(
                    "{} earlier results of this attempt do not count any more",
                    origin.earlier
                ),
            );
        }
        for (kind, tally) in &origin.graded.kinds {
            self.line(
                kind,
                &format!(
                    "{} of {} tests: {} × {}/{} = {}",
                    tally.passed,
                    tally.total,
                    points(tally.max_points),
                    tally.passed,
                    tally.total,
                    points(tally.points)
                ),
            );
        }
        let names = |wanted: &dyn Fn(&crate::results::Test) -> bool| -> Vec<String> {
            let tests = origin.graded.tests.iter().filter(|it| wanted(it));
            tests.map(|it| it.test.clone()).collect()
        };
        for (what, tests) in [
            ("failed", names(&|it| !it.passed)),
            ("not counted", names(&|it| it.passed && !it.counts())),
        ] {
            if !tests.is_empty() {
                self.line(what, &listed(&tests));
            }
        }
        for misconception in &origin.graded.misconceptions {
            self.line(
                "mistake",
                &format!("{} ({})", misconception.title, misconception.id),
            );
        }
        if let Some(message) = &origin.graded.message
            && origin.graded.outcome != Outcome::Tested
        {
            self.line("because", message.lines().next().unwrap_or_default());
        }
        if let Some(raw) = grade.raw {
            self.line(
                "raw",
                &format!("{} of {}", points(raw), points(grade.max_points)),
            );
        }
        Ok(())
    }

    /// Due date, lateness, late days and penalty.
    fn lateness(&mut self) {
        let (grade, policy) = (self.grade, &self.desk.policy);
        let Some(due) = grade.due else {
            self.line("due", "at no date: nothing is late");
            return;
        };
        let before = policy
            .due_of(&self.column.exercise)
            .filter(|before| *before != due);
        let extended = before.map_or_else(String::new, |before| {
            format!(", extended from {}", shown(before, self.zone))
        });
        self.line("due", &format!("{}{extended}", shown(due, self.zone)));
        let (Some(raw), Some(adjusted)) = (grade.raw, grade.adjusted) else {
            return;
        };
        if grade.late.days == 0 {
            let grace = match policy.grace.is_zero() {
                true => String::new(),
                false => format!(" (with {} of grace)", policy.grace),
            };
            self.line("late", &format!("no{grace}: {} stay", points(raw)));
            return;
        }
        let late = format!(
            "{}: {} begun",
            shown_seconds(grade.late.seconds),
            days(grade.late.days)
        );
        self.line("late", &late);
        if grade.late_days > 0 {
            let moved = Interval::of_days(grade.late_days).after(due, self.zone);
            self.line(
                "late days",
                &format!("{} used: due {}", grade.late_days, shown(moved, self.zone)),
            );
        }
        self.line(
            "penalty",
            &format!(
                "{} % of {} = {} ({})",
                points(grade.percent),
                points(raw),
                points(grade.penalty),
                rule(policy)
            ),
        );
        self.line(
            "adjusted",
            &format!(
                "{} − {} = {}",
                points(raw),
                points(grade.penalty),
                points(adjusted)
            ),
        );
    }

    /// The decisions, those without effect included, and what they make of the points.
    fn decisions(&mut self) {
        let (grade, grades) = (self.grade, self.grades);
        let all = grades.decisions.iter().filter(|it| {
            let is_of_exercise = it.exercise.as_deref() == Some(&self.column.exercise);
            is_of_exercise || grade.decisions.contains(&it.number)
        });
        let student = grades
            .gradebook
            .students
            .iter()
            .find(|it| it.exercises.iter().any(|of| std::ptr::eq(of, grade)));
        let id = student.map(|it| it.person.id.as_str());
        for decision in all.filter(|it| Some(it.student.as_str()) == id) {
            let mut value = decision.action.name().to_owned();
            for part in [decision.action.value(self.zone), String::new()] {
                if !part.is_empty() {
                    let _ = write!(value, " {part}");
                }
            }
            if let Some(made_on) = decision.made_on {
                let _ = write!(value, " (made on {})", points(made_on));
            }
            let _ = write!(
                value,
                ": {}, by {}, {}",
                decision.reason,
                decision.by,
                shown(decision.time, self.zone)
            );
            if decision.action.kind().is_some() && !grade.decisions.contains(&decision.number) {
                value += "; a later one is in force, or it is withdrawn";
            }
            self.line(&format!("decision {}", decision.number), &value);
        }
        for flag in &grade.flags {
            let raw = |value: &Option<f64>| value.map_or_else(|| "nothing".to_owned(), points);
            let value = match flag {
                Flag::OtherRaw {
                    decision,
                    made_on,
                    now,
                } => {
                    format!(
                        "decision {decision} was made on {}, now {}",
                        raw(made_on),
                        raw(now)
                    )
                }
                Flag::NotGraded { attempt } => format!("attempt {attempt} is not graded"),
                Flag::NoTime { attempt } => {
                    format!("the time of attempt {attempt} is not known: taken as in time")
                }
                Flag::Limited { points: value } => format!(
                    "{} are limited to what the exercise can have",
                    points(*value)
                ),
            };
            self.line("needs you", &value);
        }
        let base = grade.set.or(grade.adjusted).unwrap_or(0.0);
        let last = match (grade.state, grade.points, grade.add) {
            (State::Excused, ..) => "none: excused".to_owned(),
            (_, None, _) => "none: not graded".to_owned(),
            (_, Some(value), Some(add)) => {
                let sign = if add < 0.0 { '−' } else { '+' };
                format!(
                    "{} {sign} {} = {}",
                    points(base),
                    points(add.abs()),
                    points(value)
                )
            }
            (_, Some(value), None) => points(value),
        };
        self.line("final", &last);
    }
}

/// `1 day`, `2 days`.
pub(crate) fn days(count: u32) -> String {
    match count {
        1 => "1 day".to_owned(),
        count => format!("{count} days"),
    }
}

/// The penalty of a policy, in words.
pub(crate) fn rule(policy: &Policy) -> String {
    match &policy.penalty {
        Penalty::Zero => "the policy has no penalty".to_owned(),
        Penalty::CutOff => "what is late does not count".to_owned(),
        Penalty::Steps(steps) => {
            let steps = steps
                .iter()
                .map(|(within, percent)| format!("within {within} {} %", points(*percent)));
            format!("{}, later all", steps.collect::<Vec<_>>().join(", "))
        }
        Penalty::PerDay {
            percent,
            at_most,
            cut_off,
        } => {
            let cut_off = cut_off.map_or_else(String::new, |it| format!(", all after {it}"));
            format!(
                "{} % a day, at most {} %{cut_off}",
                points(*percent),
                points(*at_most)
            )
        }
    }
}
