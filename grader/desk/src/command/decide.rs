//! `desk extend`, `excuse`, `set`, `add`, `late-days`, `note` and `withdraw`: decisions.

use super::{actor, exercise_called};
use crate::cli::{Extend, LateDays, Note, OfExercise, OfPoints, Withdraw};
use crate::decision::{Action, in_force};
use crate::failure::{Blame, Exit, Failure};
use crate::folder::{Desk, Grades};
use crate::grading::{ExerciseGrade, Gradebook, Record, State, grade};
use crate::policy::Policy;
use crate::roster::Roster;
use crate::store::NewDecision;
use crate::terminal::{points, print};
use crate::time::{Interval, parse_time};
use anyhow::{Context, Result, anyhow, bail, ensure};
use hints::WithHint;

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
    let by = actor(arguments.reason.by.as_deref())?;
    let number = arguments.decision;
    record(desk, |_, _, grades| {
        let decision = grades.decisions.iter().find(|it| it.number == number);
        let find = || -> Result<_> {
            let decision = decision.with_context(|| format!("there is no decision {number}"))?;
            let is_in_force = in_force(&grades.decisions)
                .iter()
                .any(|it| it.number == number);
            ensure!(is_in_force, "decision {number} is withdrawn already");
            Ok(decision)
        };
        let decision = find().hint("`cargo grader desk log` lists all decisions")?;
        Ok(NewDecision {
            by,
            student: decision.student.clone(),
            exercise: decision.exercise.clone(),
            action: Action::Withdraw { decision: number },
            made_on: None,
            reason: checked(&arguments.reason.reason)?,
        })
    })
}

/// The person, exercise, author and reason of a decision, as given on the command line.
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

fn checked(reason: &str) -> Result<String> {
    ensure!(!reason.trim().is_empty(), "the reason is empty");
    Ok(reason.trim().to_owned())
}

/// Checks a decision and records it.
fn decide(desk: &mut Desk, about: &About<'_>, action: Action) -> Result<Exit, Failure> {
    let by = actor(about.by)?;
    record(desk, |roster, policy, grades| {
        let student = roster.person(about.student)?.id.clone();
        let exercise = about.exercise.map(|it| exercise_called(it, grades, policy));
        let exercise = exercise.transpose()?;
        let place = exercise
            .as_deref()
            .and_then(|it| grades.gradebook.place_of(it));
        let grade = grades.gradebook.student(&student).zip(place);
        let grade = grade.map(|(student, place)| &student.exercises[place]);
        check_points(&action, grade, exercise.as_deref().unwrap_or_default())?;
        let made_on = grade.filter(|_| action.is_about_points());
        Ok(NewDecision {
            by,
            student,
            exercise,
            made_on: made_on.and_then(|it| it.raw),
            action,
            reason: checked(about.reason)?,
        })
    })
}

/// Checks that points are within those of the exercise.
fn check_points(action: &Action, grade: Option<&ExerciseGrade>, exercise: &str) -> Result<()> {
    let (value, bonus, is_set) = match *action {
        Action::Set { points, bonus } => (points, bonus, true),
        Action::Add { points, bonus } => (points, bonus, false),
        _ => return Ok(()),
    };
    ensure!(value.is_finite(), "{value} is not a number of points");
    ensure!(!is_set || value >= 0.0, "{value} points are below 0");
    let Some(grade) = grade else {
        bail!("nothing of {exercise} is graded yet: its points are not known");
    };
    if !bonus && value > grade.max_points {
        let (value, most) = (points(value), points(grade.max_points));
        return Err(anyhow!(
            "{value} points are more than the {most} of {exercise}"
        ))
        .hint("--bonus allows it");
    }
    Ok(())
}

/// Records the decision that `make` returns for the current grades, and prints the changes. Errors of `make` are attributed to
/// the arguments.
fn record(
    desk: &mut Desk,
    make: impl FnOnce(&Roster, &Policy, &Grades) -> Result<NewDecision>,
) -> Result<Exit, Failure> {
    let (roster, policy) = (&desk.roster, &desk.policy);
    let mut before = None;
    let (decision, record, mut decisions) = desk.store.decide(|record, decisions| {
        let grades = Grades {
            gradebook: grade(record, roster, policy, decisions),
            record: Record::default(),
            decisions: decisions.to_vec(),
        };
        let made = make(roster, policy, &grades).blame_arguments();
        before = Some(grades.gradebook);
        made
    })?;
    decisions.push(decision.clone());
    let after = grade(&record, roster, policy, &decisions);

    let person = roster.get(&decision.student);
    let name = person.map_or("", |it| it.name.as_str());
    let value = decision.action.value(&policy.zone);
    let exercise = decision.exercise.as_deref().unwrap_or_default();
    let words = |words: &[&str]| {
        let words: Vec<_> = words.iter().copied().filter(|it| !it.is_empty()).collect();
        wire::printable(&words.join(" "))
    };
    print(&format!(
        "decision {}: {}: {}\n",
        decision.number,
        words(&[&decision.student, name]),
        words(&[decision.action.name(), &value, exercise])
    ));
    let before = before.unwrap_or_else(|| after.clone());
    for change in changes(&decision.student, &before, &after) {
        print(&format!("  {change}\n"));
    }
    Ok(Exit::Success)
}

/// The differences between the grades of a person before and after, in words.
fn changes(student: &str, before: &Gradebook, after: &Gradebook) -> Vec<String> {
    let both = before.student(student).zip(after.student(student));
    let Some((before, now)) = both else {
        return vec!["the person is no longer in the roster".to_owned()];
    };
    let shown = |grade: &ExerciseGrade| match (grade.state, grade.points) {
        (State::Excused, _) => "excused".to_owned(),
        (_, Some(value)) => points(value),
        (_, None) => "not graded".to_owned(),
    };
    let mut changes = vec![];
    let columns = after.exercises.iter();
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
