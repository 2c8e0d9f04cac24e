//! The page of a person: one file of HTML without scripts, in which all text of submissions and roster is escaped.

use super::super::Class;
use super::super::visible::{Visible, counting, message};
use crate::decision::{Action, Decision};
use crate::explain::{days, rule};
use crate::grading::{Attempt, Column, ExerciseGrade, ExerciseResult, State, Student};
use crate::policy::Counts;
use crate::results::{Graded, Outcome, Test};
use crate::terminal::points;
use crate::time::{shown, shown_seconds};
use anyhow::Result;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use wire::{printable, printable_lines};

const STYLE: &str = include_str!("../../../assets/feedback.css");

/// The policy of the page: nothing but its own style.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A page to be written.
pub(super) struct Page<'a> {
    pub(super) class: &'a Class<'a>,
    pub(super) student: &'a Student,
    pub(super) with_reasons: bool,
}

impl Page<'_> {
    pub(super) fn html(&self) -> Result<Markup> {
        let person = &self.student.person;
        let name = match person.name.as_str() {
            "" => printable(&person.id),
            name => printable(name),
        };
        let columns = &self.class.grades.gradebook.exercises;
        let mut sections = vec![];
        for (place, (column, grade)) in columns.iter().zip(&self.student.exercises).enumerate() {
            sections.push(self.exercise(place, column, grade)?);
        }
        Ok(html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { "Feedback for " (name) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        h1 { "Feedback for " (name) }
                        p {
                            (printable(&person.id))
                            @if !person.group.is_empty() { ", group " (printable(&person.group)) }
                            @if !person.section.is_empty() { ", section " (printable(&person.section)) }
                            ". As of " (self.time(self.class.at)) "."
                        }
                        (self.total(columns))
                        @for section in &sections { (section) }
                        (self.refused())
                    }
                }
            }
        })
    }

    fn time(&self, time: Timestamp) -> String {
        shown(time, &self.class.policy.zone)
    }

    /// The points of each exercise, and their sum.
    fn total(&self, columns: &[Column]) -> Markup {
        let student = self.student;
        html! {
            table {
                caption { "Points" }
                thead {
                    tr {
                        th scope="col" { "exercise" }
                        th.number scope="col" { "points" }
                        th.number scope="col" { "of" }
                        th.number scope="col" { "in the total" }
                    }
                }
                tbody {
                    @for (place, (column, grade)) in columns.iter().zip(&student.exercises).enumerate() {
                        tr {
                            th scope="row" { a href=(format!("#{}", anchor(place))) { (printable(&column.exercise)) } }
                            td.number { (standing(grade)) }
                            td.number { (points(grade.max_points)) }
                            td.number { (share(column, grade)) }
                        }
                    }
                }
                tfoot {
                    tr {
                        th scope="row" colspan="3" { "total" }
                        td.number {
                            @match student.total {
                                Some(total) => { (points(total)) " of " (points(student.max_total)) }
                                None => "none yet: not all is graded",
                            }
                        }
                    }
                }
            }
            @if student.late_days > 0 {
                p { "Late days: " (student.late_days_used) " used of " (student.late_days) "." }
            }
        }
    }

    fn exercise(&self, place: usize, column: &Column, grade: &ExerciseGrade) -> Result<Markup> {
        let graded = counting(self.class, grade)?;
        Ok(html! {
            section {
                h2 id=(anchor(place)) {
                    (printable(&column.exercise)) ": " (standing(grade))
                    @if grade.points.is_some() { " of " (points(grade.max_points)) " points" }
                }
                (self.steps(grade))
                @if let Some(graded) = &graded { (self.result(grade, graded)) }
                (self.attempts(place, grade))
            }
        })
    }

    /// The steps from the points earned to the grade.
    fn steps(&self, grade: &ExerciseGrade) -> Markup {
        let policy = self.class.policy;
        let mut steps: Vec<(String, String)> = vec![];
        let mut step = |what: &str, value: String| steps.push((what.to_owned(), value));
        if let Some(due) = grade.due {
            step("due", self.time(due));
        }
        if grade.result.is_some() {
            let handed = grade.time.map(|it| self.time(it));
            step(
                "handed in",
                handed.unwrap_or_else(|| "at a time that is not known".to_owned()),
            );
        }
        if let Some(raw) = grade.raw {
            step("points earned", points(raw));
        }
        if grade.late.days > 0 && grade.result.is_some() {
            let late = shown_seconds(grade.late.seconds);
            step("late", format!("{late}: {} begun", days(grade.late.days)));
            if grade.late_days > 0 {
                step("late days used", grade.late_days.to_string());
            }
            step(
                "penalty",
                format!(
                    "{} % of the points earned: {} ({})",
                    points(grade.percent),
                    points(grade.penalty),
                    rule(policy)
                ),
            );
        }
        let decisions = self.class.grades.decisions.iter();
        for decision in decisions.filter(|it| grade.decisions.contains(&it.number)) {
            step("decision", self.decision(decision));
        }
        step("grade", standing(grade));
        html! {
            table {
                caption { "From the points earned to the grade" }
                thead { tr { th scope="col" { "step" } th scope="col" { "value" } } }
                tbody {
                    @for (what, value) in &steps {
                        tr { th scope="row" { (what) } td { (value) } }
                    }
                }
            }
        }
    }

    fn decision(&self, decision: &Decision) -> String {
        let value = decision.action.value(&self.class.policy.zone);
        let mut text = match decision.action {
            Action::Extend { .. } => format!("the due date was moved by {value}"),
            Action::ExtendUntil { .. } => format!("the due date was moved: {value}"),
            Action::Excuse => "the exercise does not count".to_owned(),
            Action::Set { .. } => format!("the points were set to {value}"),
            Action::Add { .. } => format!("{value} points"),
            _ => decision.action.name().to_owned(),
        };
        if self.with_reasons {
            text += &format!(": {}", printable(&decision.reason));
        }
        text
    }

    /// The result of the attempt that counts: points of each kind, misconceptions and tests.
    fn result(&self, grade: &ExerciseGrade, graded: &Graded) -> Markup {
        let why = match graded.outcome {
            Outcome::Tested => None,
            Outcome::DoesNotCompile => Some("It does not compile, so no test ran:"),
            Outcome::NotAccepted => Some("It breaks a rule, so no test ran:"),
            Outcome::NotGraded | Outcome::Missing => return html! {},
        };
        if let Some(why) = why {
            return html! {
                p { (why) }
                @if let Some(message) = &graded.message { (said(message)) }
            };
        }
        let visible = Visible::of(self.class, grade, graded);
        let shows = |kind: &str| !visible.hidden.contains(kind);
        let total: usize = graded.kinds.values().map(|it| it.total).sum();
        html! {
            @if graded.kinds.keys().any(|it| shows(it)) {
                table {
                    caption { "Tests by kind" }
                    thead {
                        tr {
                            th scope="col" { "kind" }
                            th.number scope="col" { "passed" }
                            th.number scope="col" { "points" }
                        }
                    }
                    tbody {
                        @for (kind, tally) in &graded.kinds {
                            tr {
                                th scope="row" { (printable(kind)) }
                                @if shows(kind) {
                                    td.number { (tally.passed) " of " (tally.total) }
                                } @else {
                                    td.number { "not shown" }
                                }
                                td.number { (points(tally.points)) " of " (points(tally.max_points)) }
                            }
                        }
                    }
                }
            }
            @if let Some(hint) = visible.hint() { p { (printable(&hint)) } }
            @for misconception in visible.misconceptions {
                aside {
                    h3 { "What happened: " (printable(&misconception.title)) }
                    @if !misconception.operations.is_empty() {
                        p { "In " (printable(&misconception.operations.join(", "))) "." }
                    }
                    @if !misconception.says.is_empty() { p { (printable(&misconception.says)) } }
                }
            }
            @for test in &visible.failed { (failure(test)) }
            @if visible.passed.len() == total && visible.hidden.is_empty() && total > 0 {
                p { "All " (total) " tests passed." }
            }
            @if !visible.passed.is_empty() {
                details {
                    summary { (visible.passed.len()) " of the tests that are shown passed" }
                    ul { @for test in &visible.passed { li { code { (printable(&test.test)) } } } }
                }
            }
        }
    }

    /// All attempts at an exercise.
    fn attempts(&self, place: usize, grade: &ExerciseGrade) -> Markup {
        let mut attempts: Vec<(&Attempt, &ExerciseResult)> = vec![];
        for attempt in self.own_attempts() {
            let result = attempt.results.iter().find(|(of, _)| *of == place);
            let result = result.filter(|(_, it)| it.outcome != Outcome::Missing);
            attempts.extend(result.map(|(_, it)| (attempt, it)));
        }
        if attempts.is_empty() {
            return html! { p { "Nothing was handed in." } };
        }
        let counts = match self.class.policy.counts {
            Counts::Latest => "The latest attempt counts.",
            Counts::Best => "The attempt with the most points before the penalty counts.",
            Counts::BestAdjusted => "The attempt with the most points after the penalty counts.",
        };
        html! {
            table {
                caption { "Attempts" }
                thead {
                    tr {
                        th scope="col" { "attempt" }
                        th scope="col" { "handed in" }
                        th scope="col" { "result" }
                        th scope="col" { "counts" }
                    }
                }
                tbody {
                    @for (number, (attempt, result)) in (1..).zip(&attempts) {
                        tr {
                            th scope="row" { (number) }
                            td { (attempt.time.map_or_else(|| "not known".to_owned(), |it| self.time(it))) }
                            td { (outcome(result)) }
                            td { @if grade.attempt == Some(attempt.number) { "yes" } @else { "no" } }
                        }
                    }
                }
            }
            @if attempts.len() > 1 { p { (counts) } }
        }
    }

    /// The person's attempts, by time.
    fn own_attempts(&self) -> Vec<&Attempt> {
        let id = &self.student.person.id;
        let attempts = self.class.grades.record.attempts.iter();
        let mut own: Vec<_> = attempts.filter(|it| it.members.contains(id)).collect();
        own.sort_by_key(|it| (it.time, it.number));
        own
    }

    /// The attempts that were refused as a whole.
    fn refused(&self) -> Markup {
        let attempts = self.own_attempts().into_iter();
        let refused: Vec<_> = attempts
            .filter_map(|it| Some((it.time, it.refused.as_deref()?)))
            .collect();
        html! {
            @if !refused.is_empty() {
                section {
                    h2 { "Refused attempts" }
                    @for (time, why) in &refused {
                        p { "Handed in " (time.map_or_else(|| "at a time that is not known".to_owned(), |it| self.time(it))) ":" }
                        (said(why))
                    }
                }
            }
        }
    }
}

/// The name by which the page's links find an exercise.
fn anchor(place: usize) -> String {
    format!("exercise-{}", place + 1)
}

/// The points of an exercise, or the reason why there are none.
fn standing(grade: &ExerciseGrade) -> String {
    match (grade.state, grade.points) {
        (State::Excused, _) => "excused".to_owned(),
        (_, None) => "not graded yet".to_owned(),
        (_, Some(value)) => points(value),
    }
}

/// The contribution of an exercise to the total.
fn share(column: &Column, grade: &ExerciseGrade) -> String {
    match (grade.state, grade.points) {
        (State::Excused, _) => "does not count".to_owned(),
        (_, None) => "–".to_owned(),
        (_, Some(_)) if grade.max_points == 0.0 => points(0.0),
        (_, Some(value)) => points(value / grade.max_points * column.weight),
    }
}

fn outcome(result: &ExerciseResult) -> String {
    match result.outcome {
        Outcome::Tested => format!(
            "{} of {} points",
            points(result.points),
            points(result.max_points)
        ),
        Outcome::Missing => "not handed in".to_owned(),
        Outcome::DoesNotCompile => "does not compile".to_owned(),
        Outcome::NotAccepted => "breaks a rule".to_owned(),
        Outcome::NotGraded => "not graded, through no fault of the submission".to_owned(),
    }
}

/// A test that earned nothing, with the judge's message.
fn failure(test: &Test) -> Markup {
    html! {
        section {
            h3 {
                code { (printable(&test.test)) }
                @if test.passed { " passed, and earns nothing" } @else { " failed" }
            }
            (said(message(test)))
        }
    }
}

/// A message, with its line breaks.
fn said(message: &str) -> Markup {
    html! { pre { (printable_lines(message)) } }
}
