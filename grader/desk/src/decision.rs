//! Decisions of instructors: an append-only list, in which the last of a kind is in force.

use crate::time::{Interval, shown};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A decision on a person.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// Its number; later ones are larger.
    pub number: i64,
    /// The time when it was made.
    pub time: Timestamp,
    /// The name of the person who made it.
    pub by: String,
    /// The id of the person that it is about.
    pub student: String,
    /// The exercise that it is about; all of them if there is none.
    pub exercise: Option<String>,
    /// The action.
    pub action: Action,
    /// The points before the penalty that the exercise had then; none if it was not graded.
    pub made_on: Option<f64>,
    /// The reason.
    pub reason: String,
}

/// The action that a decision takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Action {
    /// The due date is moved by an interval; an interval of 0 is no extension.
    Extend {
        /// The interval in calendar days.
        days: i64,
        /// The seconds besides.
        seconds: i64,
    },
    /// The due date is moved to a time, unless the due date is later.
    ExtendUntil {
        /// The time.
        until: Timestamp,
    },
    /// The exercise does not count.
    Excuse,
    /// The exercise has these points, whatever was earned.
    Set {
        /// The points.
        points: f64,
        /// True if they may exceed those of the exercise.
        bonus: bool,
    },
    /// These points are added to those of the exercise; negative ones are subtracted.
    Add {
        /// The points.
        points: f64,
        /// True if the sum may exceed the points of the exercise.
        bonus: bool,
    },
    /// The person has these late days in addition to the policy's.
    LateDays {
        /// The number of days.
        days: u32,
    },
    /// Nothing: a note.
    Note,
    /// An earlier decision is as if it had not been made.
    Withdraw {
        /// Its number.
        decision: i64,
    },
}

/// The kinds of which the last decision is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Extensions of either form.
    Extend,
    /// Excuses.
    Excuse,
    /// Points that replace others.
    Set,
    /// Points that are added.
    Add,
    /// Late days.
    LateDays,
}

impl Action {
    /// The kind, if of its kind only the last decision is in force.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Action::Extend { .. } | Action::ExtendUntil { .. } => Kind::Extend,
            Action::Excuse => Kind::Excuse,
            Action::Set { .. } => Kind::Set,
            Action::Add { .. } => Kind::Add,
            Action::LateDays { .. } => Kind::LateDays,
            Action::Note | Action::Withdraw { .. } => return None,
        })
    }

    /// Returns whether it sets or adds points.
    pub fn is_about_points(&self) -> bool {
        matches!(self.kind(), Some(Kind::Set | Kind::Add))
    }

    /// The name of its command.
    pub fn name(&self) -> &'static str {
        match self {
            Action::Extend { .. } | Action::ExtendUntil { .. } => "extend",
            Action::Excuse => "excuse",
            Action::Set { .. } => "set",
            Action::Add { .. } => "add",
            Action::LateDays { .. } => "late-days",
            Action::Note => "note",
            Action::Withdraw { .. } => "withdraw",
        }
    }

    /// Its value in words: `3d`, `7.5 with bonus`, `decision 4`.
    pub fn value(&self, zone: &TimeZone) -> String {
        let points = |points: f64, bonus: bool, sign: &str| {
            let bonus = if bonus { " with bonus" } else { "" };
            format!("{sign}{}{bonus}", crate::terminal::points(points))
        };
        match *self {
            Action::Extend { days, seconds } => Interval { days, seconds }.to_string(),
            Action::ExtendUntil { until } => format!("until {}", shown(until, zone)),
            Action::Excuse | Action::Note => String::new(),
            Action::Set {
                points: value,
                bonus,
            } => points(value, bonus, ""),
            Action::Add {
                points: value,
                bonus,
            } => points(value, bonus, if value > 0.0 { "+" } else { "" }),
            Action::LateDays { days } => days.to_string(),
            Action::Withdraw { decision } => format!("decision {decision}"),
        }
    }
}

/// The decisions that are not withdrawn, in their order. The withdrawal of a withdrawal puts a decision in force again.
pub fn in_force(decisions: &[Decision]) -> Vec<&Decision> {
    let mut sorted: Vec<_> = decisions.iter().collect();
    sorted.sort_by_key(|it| it.number);
    let mut withdrawn = BTreeSet::new();
    for decision in sorted.iter().rev() {
        if let Action::Withdraw { decision: other } = decision.action
            && !withdrawn.contains(&decision.number)
        {
            withdrawn.insert(other);
        }
    }
    sorted.retain(|it| !withdrawn.contains(&it.number));
    sorted
}

/// The last decision of a kind among some of one person, on an exercise or on all.
pub fn last<'a>(
    decisions: &[&'a Decision],
    kind: Kind,
    exercise: Option<&str>,
) -> Option<&'a Decision> {
    let mut latest_first = decisions.iter().rev();
    let found = latest_first.find(|it| {
        it.action.kind() == Some(kind)
            && (it.exercise.is_none() || it.exercise.as_deref() == exercise)
    });
    found.copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(number: i64, action: Action) -> Decision {
        Decision {
            number,
            time: Timestamp::UNIX_EPOCH,
            by: "ada".to_owned(),
            student: "s1".to_owned(),
            exercise: None,
            action,
            made_on: None,
            reason: String::new(),
        }
    }

    #[test]
    fn a_withdrawal_can_be_withdrawn() {
        let withdraw = |decision| Action::Withdraw { decision };
        let mut all = vec![
            decision(1, Action::Excuse),
            decision(2, Action::LateDays { days: 2 }),
            decision(3, withdraw(1)),
        ];
        let numbers =
            |all: &[Decision]| -> Vec<i64> { in_force(all).iter().map(|it| it.number).collect() };
        assert_eq!(numbers(&all), [2, 3]);
        all.push(decision(4, withdraw(3)));
        assert_eq!(numbers(&all), [1, 2, 4]);
        all.push(decision(5, withdraw(4)));
        assert_eq!(numbers(&all), [2, 3, 5]);
    }

    #[test]
    fn the_last_of_a_kind_is_in_force_on_its_exercise_and_on_all() {
        let mut one = decision(
            1,
            Action::Extend {
                days: 5,
                seconds: 0,
            },
        );
        one.exercise = Some("03-msa".to_owned());
        let all = decision(
            2,
            Action::Extend {
                days: 1,
                seconds: 0,
            },
        );
        let decisions = [&one, &all];
        let number = |decisions: &[&Decision], exercise| {
            last(decisions, Kind::Extend, Some(exercise)).map(|it| it.number)
        };
        assert_eq!(number(&decisions, "03-msa"), Some(2));
        assert_eq!(number(&decisions[..1], "03-msa"), Some(1));
        assert_eq!(number(&decisions[..1], "04-blocks"), None);
    }
}
