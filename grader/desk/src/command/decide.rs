//! `desk extend`, `excuse`, `set`, `add`, `late-days`, `note` and `withdraw`: decisions.

use super::{actor, exercise_called};
use crate::cli::{Extend, LateDays, Note, OfExercise, OfPoints, Withdraw};
use crate::decision::{Action, in_force};
use crate::failure::{Blame, Exit, Failure, WithHint};
use crate::folder::{Desk, Grades};
use crate::grading::{ExerciseGrade, State, grade};
use crate::store::NewDecision;
use crate::terminal::{points, print};
use crate::time::{Interval, parse_time};
use anyhow::{Context, Result, anyhow, bail, ensure};

/// Runs `extend`.
pub(super) fn extend(desk: &mut Desk, arguments: &Extend) -> Result<Exit, Failure> {
    let text = &arguments.by_or_until;
    let action = match Interval::parse(text) {
        Ok(Interval { days, seconds }) => Action::Extend { days, seconds },
        Err(_) if text.contains(':') => Action::ExtendUntil {
            until: parse_time(text, &desk.policy.zone).blame_arguments()?,
        },
        Err(error) => {
            return Err(error)
                .hint("or until when: 2026-12-20T23:59")
                .blame_arguments();
        }
    };
    let about = About {
        student: &arguments.student,
        exercise: arguments.exercise.as_deref(),
        by: arguments.reason.by.as_deref(),
        reason: &arguments.reason.reason,
    };
    decide(desk, &about, action)
}

/// Runs `excuse`.
pub(super) fn excuse(desk: &mut Desk, arguments: &OfExercise) -> Result<Exit, Failure> {
    let about = About {
        student: &arguments.student,
        exercise: Some(&arguments.exercise),
        by: arguments.reason.by.as_deref(),
        reason: &arguments.reason.reason,
    };
    decide(desk, &about, Action::Excuse)
}

/// Runs `set`.
pub(super) fn set(desk: &mut Desk, arguments: &OfPoints) -> Result<Exit, Failure> {
    let action = Action::Set {
        points: arguments.points,
        bonus: arguments.bonus,
    };
    decide(desk, &About::of_points(arguments), action)
}

/// Runs `add`.
pub(super) fn add(desk: &mut Desk, arguments: &OfPoints) -> Result<Exit, Failure> {
    let action = Action::Add {
        points: arguments.points,
        bonus: arguments.bonus,
    };
    decide(desk, &About::of_points(arguments), action)
}

/// Runs `late-days`.
pub(super) fn late_days(desk: &mut Desk, arguments: &LateDays) -> Result<Exit, Failure> {
    let about = About {
        student: &arguments.student,
        exercise: None,
        by: arguments.reason.by.as_deref(),
        reason: &arguments.reason.reason,
    };
    let days = arguments.days;
    decide(desk, &about, Action::LateDays { days })
}

/// Runs `note`.
pub(super) fn note(desk: &mut Desk, arguments: &Note) -> Result<Exit, Failure> {
    let about = About {
        student: &arguments.student,
        exercise: arguments.exercise.as_deref(),
        by: arguments.by.as_deref(),
        reason: &arguments.text,
    };
    decide(desk, &about, Action::Note)
}

/// Runs `withdraw`.
pub(super) fn withdraw(desk: &mut Desk, arguments: &Withdraw) -> Result<Exit, Failure> {
    let grades = desk.grades()?;
    let number = arguments.decision;
    let find = || -> Result<_> {
        let mut all = grades.decisions.iter();
        let decision = all.find(|it| it.number == number);
        let decision = decision.with_context(|| format!("there is no decision {number}"))?;
        let is_in_force = in_force(&grades.decisions)
            .iter()
            .any(|it| it.number == number);
        ensure!(is_in_force, "decision {number} is withdrawn already");
        Ok(decision)
    };
    let decision = find()
        .hint("`cargo grader desk log` lists all decisions")
        .blame_arguments()?;
    let action = Action::Withdraw { decision: number };
    let by = actor(arguments.reason.by.as_deref())?;
    let new = NewDecision {
        by: &by,
        student: &decision.student,
        exercise: decision.exercise.as_deref(),
        action,
        reason: checked(&arguments.reason.reason).blame_arguments()?,
    };
    record(desk, &new, &grades)
}

/// Whom and what a decision is about, as it stands on the command line.
struct About<'a> {
    student: &'a str,
    exercise: Option<&'a str>,
    by: Option<&'a str>,
    reason: &'a str,
}

impl<'a> About<'a> {
    fn of_points(arguments: &'a OfPoints) -> Self {
        Self {
            student: &arguments.student,
            exercise: Some(&arguments.exercise),
            by: arguments.reason.by.as_deref(),
            reason: &arguments.reason.reason,
        }
    }
}

fn checked(reason: &str) -> Result<&str> {
    ensure!(!reason.trim().is_empty(), "the reason is empty");
    Ok(reason.trim())
}

/// Checks a decision and records it.
fn decide(desk: &mut Desk, about: &About<'_>, action: Action) -> Result<Exit, Failure> {
    let by = actor(about.by)?;
    let grades = desk.grades()?;
    let check = || -> Result<_> {
        let student = desk.roster.person(about.student)?.id.clone();
        let exercise = about
            .exercise
            .map(|it| exercise_called(it, &grades, &desk.policy));
        Ok((student, exercise.transpose()?, checked(about.reason)?))
    };
    let (student, exercise, reason) = check().blame_arguments()?;
    let new = NewDecision {
        by: &by,
        student: &student,
        exercise: exercise.as_deref(),
        action,
        reason,
    };
    check_points(&new, &grades).blame_arguments()?;
    record(desk, &new, &grades)
}

/// Checks that points are such as the exercise can have.
fn check_points(new: &NewDecision<'_>, grades: &Grades) -> Result<()> {
    let (value, bonus, is_set) = match new.action {
        Action::Set { points, bonus } => (points, bonus, true),
        Action::Add { points, bonus } => (points, bonus, false),
        _ => return Ok(()),
    };
    ensure!(value.is_finite(), "{value} is not a number of points");
    ensure!(!is_set || value >= 0.0, "{value} points are below 0");
    let Some(grade) = grade_of(new, grades) else {
        let exercise = new.exercise.unwrap_or_default();
        bail!("nothing of {exercise} is graded yet: its points are not known");
    };
    if !bonus && value > grade.max_points {
        return Err(anyhow!(
            "{} points are more than the {} of {}",
            points(value),
            points(grade.max_points),
            new.exercise.unwrap_or_default()
        ))
        .hint("--bonus allows it");
    }
    Ok(())
}

fn grade_of<'a>(new: &NewDecision<'_>, grades: &'a Grades) -> Option<&'a ExerciseGrade> {
    let place = grades.gradebook.place_of(new.exercise?)?;
    grades.gradebook.student(new.student)?.exercises.get(place)
}

/// Records a decision, and prints what it changes.
fn record(desk: &mut Desk, new: &NewDecision<'_>, before: &Grades) -> Result<Exit, Failure> {
    let (roster, policy) = (&desk.roster, &desk.policy);
    let is_about_points = new.action.is_about_points();
    let number = desk.store.decide(new, |record, decisions| {
        if !is_about_points {
            return Ok(None);
        }
        // Not the points of before: another program may have recorded others meanwhile.
        let gradebook = grade(record, roster, policy, decisions);
        let place = new.exercise.and_then(|it| gradebook.place_of(it));
        let grades = gradebook.student(new.student).zip(place);
        Ok(grades.and_then(|(student, place)| student.exercises[place].raw))
    })?;
    let after = desk.grades()?;
    let person = desk.roster.get(new.student);
    let name = person
        .map(|it| it.name.as_str())
        .filter(|it| !it.is_empty());
    let name = name.map_or_else(String::new, |name| format!(" {name}"));
    let value = new.action.value(&desk.policy.zone);
    let parts = [new.action.name(), &value, new.exercise.unwrap_or_default()];
    let parts: Vec<_> = parts.into_iter().filter(|it| !it.is_empty()).collect();
    print(&format!(
        "decision {number}: {}{}: {}\n",
        wire::printable(new.student),
        wire::printable(&name),
        wire::printable(&parts.join(" "))
    ));
    for change in changes(new.student, before, &after) {
        print(&format!("  {change}\n"));
    }
    Ok(Exit::Success)
}

/// What differs between two grades of a person, in words.
fn changes(student: &str, before: &Grades, after: &Grades) -> Vec<String> {
    let both = before
        .gradebook
        .student(student)
        .zip(after.gradebook.student(student));
    let Some((before, now)) = both else {
        return vec!["the person is no longer in the roster".to_owned()];
    };
    let shown = |grade: &ExerciseGrade| match (grade.state, grade.points) {
        (State::Excused, _) => "excused".to_owned(),
        (_, Some(value)) => points(value),
        (_, None) => "not graded".to_owned(),
    };
    let mut changes = vec![];
    let columns = after.gradebook.exercises.iter();
    for ((was, is), column) in before.exercises.iter().zip(&now.exercises).zip(columns) {
        if shown(was) != shown(is) {
            changes.push(format!(
                "{}: {} → {}",
                column.exercise,
                shown(was),
                shown(is)
            ));
        }
    }
    if before.late_days != now.late_days {
        changes.push(format!(
            "late days: {} → {}",
            before.late_days, now.late_days
        ));
    }
    let total = |total: Option<f64>, most: f64| match total {
        Some(total) => format!("{} of {}", points(total), points(most)),
        None => "not complete".to_owned(),
    };
    let (was, is) = (
        total(before.total, before.max_total),
        total(now.total, now.max_total),
    );
    if was != is {
        changes.push(format!("total: {was} → {is}"));
    }
    match changes.is_empty() {
        true => vec!["no grade changes by it".to_owned()],
        false => changes,
    }
}
