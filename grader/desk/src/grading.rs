//! Grades as a pure function of attempts, roster, policy and decisions: same inputs, same grades. It reads no clock.

mod late;

#[cfg(test)]
mod tests;

use crate::decision::{Action, Decision, Kind, in_force, last};
use crate::policy::{Counts, MOST_LATE_DAYS, Policy};
use crate::results::Outcome;
use crate::roster::{Person, Roster};
use jiff::Timestamp;
use late::{Deadline, Lateness};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;

/// The attempts of a class, and the exercises that have results.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The exercises of which there are results, in the course's order.
    pub exercises: Vec<Exercise>,
    /// All attempts.
    pub attempts: Vec<Attempt>,
}

/// An exercise of which there are results.
#[derive(Clone, Debug, PartialEq)]
pub struct Exercise {
    /// Its folder: `03-msa`.
    pub name: Arc<str>,
    /// The points that can be earned, as of its newest result.
    pub max_points: f64,
}

/// A submission, as it was handed in at one time.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// Its number in the gradebook.
    pub number: i64,
    /// The submission's name.
    pub submission: String,
    /// The time when it was handed in.
    pub time: Option<Timestamp>,
    /// The reason why it was refused as a whole.
    pub refused: Option<String>,
    /// The ids of the people that it counts for.
    pub members: Vec<String>,
    /// The results of exercises, by the exercise's index in [`Record::exercises`].
    pub results: Vec<(usize, ExerciseResult)>,
}

/// The newest result of an exercise of an attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExerciseResult {
    /// Its number in the gradebook.
    pub number: i64,
    /// The outcome.
    pub outcome: Outcome,
    /// Points earned.
    pub points: f64,
    /// Points that can be earned.
    pub max_points: f64,
}

/// The grades of a class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gradebook {
    /// The exercises, in the course's order.
    pub exercises: Vec<Column>,
    /// The people of the roster, by id.
    pub students: Vec<Student>,
}

/// An exercise of a gradebook.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// Its folder.
    pub exercise: String,
    /// The points that can be earned.
    pub max_points: f64,
    /// The points that full marks contribute to the total.
    pub weight: f64,
}

/// The grades of a person.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Student {
    /// The person.
    #[serde(flatten)]
    pub person: Person,
    /// The grade of each exercise, in the order of the columns.
    pub exercises: Vec<ExerciseGrade>,
    /// Late days that the person has in all.
    pub late_days: u32,
    /// Late days that are used.
    pub late_days_used: u32,
    /// Weighted points; none while an exercise is not graded.
    pub total: Option<f64>,
    /// The maximum of the total, without bonus.
    pub max_total: f64,
    /// Attempts that were refused as a whole and are later than any that was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedAttempt>,
}

/// An attempt that was refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedAttempt {
    /// Its number.
    pub attempt: i64,
    /// The reason.
    pub why: String,
}

/// The grade of an exercise, with all that led to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExerciseGrade {
    /// The state.
    pub state: State,
    /// The number of attempts that hold the exercise.
    pub attempts: usize,
    /// The attempt that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<i64>,
    /// The number of its result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<i64>,
    /// The outcome of that attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The time of that attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// The due date, with the extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Points that can be earned.
    pub max_points: f64,
    /// Points earned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<f64>,
    /// Lateness after the due date, in seconds and days begun; zero within the grace.
    pub late: Lateness,
    /// Late days that are used for the exercise.
    pub late_days: u32,
    /// The penalty in per cent of the points earned, after late days.
    pub percent: f64,
    /// The penalty in points.
    pub penalty: f64,
    /// Points after the penalty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjusted: Option<f64>,
    /// Points that a decision set instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<f64>,
    /// Points that a decision added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add: Option<f64>,
    /// The grade; none if it is not graded, or excused.
    #[serde(rename = "final", skip_serializing_if = "Option::is_none")]
    pub points: Option<f64>,
    /// The numbers of the decisions that led to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<i64>,
    /// Flags that need an instructor.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

/// The state of an exercise of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is graded.
    Graded,
    /// Nothing was handed in.
    Missing,
    /// It is not graded, through no fault of the submission.
    NotGraded,
    /// It does not count.
    Excused,
}

/// A problem of a person's exercise that an instructor must resolve.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "flag", rename_all = "kebab-case")]
pub enum Flag {
    /// A decision was made on other points, before the penalty, than the current ones.
    OtherRaw {
        /// The decision.
        decision: i64,
        /// The points then.
        made_on: Option<f64>,
        /// The points now.
        now: Option<f64>,
    },
    /// An attempt is not graded, through no fault of the submission.
    NotGraded {
        /// The attempt.
        attempt: i64,
    },
    /// The time of the attempt that counts is not known: it is taken to be in time.
    NoTime {
        /// The attempt.
        attempt: i64,
    },
    /// Decisions give more points than the exercise has, or less than 0: the grade is clamped.
    Limited {
        /// The points that they give.
        points: f64,
    },
}

/// Grades a class.
pub fn grade(
    record: &Record,
    roster: &Roster,
    policy: &Policy,
    decisions: &[Decision],
) -> Gradebook {
    let columns: Vec<_> = record
        .exercises
        .iter()
        .map(|exercise| Column {
            exercise: exercise.name.to_string(),
            max_points: exercise.max_points,
            weight: policy
                .weight_of(&exercise.name)
                .unwrap_or(exercise.max_points),
        })
        .collect();
    let mut attempts: HashMap<&str, Vec<&Attempt>> = HashMap::new();
    for attempt in &record.attempts {
        for member in &attempt.members {
            attempts.entry(member).or_default().push(attempt);
        }
    }
    let mut decided: HashMap<&str, Vec<&Decision>> = HashMap::new();
    for decision in in_force(decisions) {
        decided.entry(&decision.student).or_default().push(decision);
    }
    let students = roster.people().iter().map(|person| {
        let mut of_person = attempts.remove(person.id.as_str()).unwrap_or_default();
        // Attempts whose time is not known come first: none of them can be taken for the last.
        of_person.sort_by_key(|it| (it.time, it.number));
        let decided = decided.get(person.id.as_str());
        let grading = Grading {
            columns: &columns,
            policy,
            attempts: of_person,
            decisions: decided.map_or(&[], Vec::as_slice),
        };
        grading.student(person)
    });
    let students = students.collect();
    Gradebook {
        exercises: columns,
        students,
    }
}

/// The grading of one person.
struct Grading<'a> {
    columns: &'a [Column],
    policy: &'a Policy,
    /// By time.
    attempts: Vec<&'a Attempt>,
    /// Those in force, by number.
    decisions: &'a [&'a Decision],
}

impl Grading<'_> {
    fn student(&self, person: &Person) -> Student {
        let late_days = self.late_days();
        let mut left = late_days;
        let mut grades: Vec<Option<ExerciseGrade>> = vec![None; self.columns.len()];
        // Late days are used in the order of the policy's due dates, so that a grade does not change when a later exercise
        // is handed in. Extensions do not change the order.
        let mut order: Vec<_> = (0..self.columns.len()).collect();
        order.sort_by_key(|&place| {
            let due = self.policy.due_of(&self.columns[place].exercise);
            (due.unwrap_or(Timestamp::MAX), place)
        });
        for place in order {
            let grade = self.exercise(place, left);
            left -= grade.late_days;
            grades[place] = Some(grade);
        }
        let exercises: Vec<_> = grades.into_iter().flatten().collect();
        let (total, max_total) = self.total(&exercises);
        Student {
            person: person.clone(),
            exercises,
            late_days,
            late_days_used: late_days - left,
            total,
            max_total,
            refused: self.refused(),
        }
    }

    fn late_days(&self) -> u32 {
        let granted = last(self.decisions, Kind::LateDays, None).map(|it| &it.action);
        let granted = match granted {
            Some(Action::LateDays { days }) => *days,
            _ => 0,
        };
        self.policy
            .late_days
            .saturating_add(granted)
            .min(2 * MOST_LATE_DAYS)
    }

    /// The weighted sum of points, and its maximum. Excused exercises count in neither.
    fn total(&self, grades: &[ExerciseGrade]) -> (Option<f64>, f64) {
        let (mut total, mut most) = (Some(0.0), 0.0);
        for (grade, column) in grades.iter().zip(self.columns) {
            if grade.state == State::Excused {
                continue;
            }
            most += column.weight;
            let share = grade.points.map(|points| match grade.max_points {
                0.0 => 0.0,
                max if max == column.weight => points,
                max => points / max * column.weight,
            });
            total = total.zip(share).map(|(total, share)| total + share);
        }
        (total, most)
    }

    /// The attempts after the last that was not refused.
    fn refused(&self) -> Vec<RefusedAttempt> {
        let latest_first = self.attempts.iter().rev();
        let refused = latest_first.map_while(|it| {
            Some(RefusedAttempt {
                attempt: it.number,
                why: it.refused.clone()?,
            })
        });
        let mut refused: Vec<_> = refused.collect();
        refused.reverse();
        refused
    }

    /// The grade of an exercise, where `late_days` are left.
    fn exercise(&self, place: usize, late_days: u32) -> ExerciseGrade {
        let column = &self.columns[place];
        let name = Some(column.exercise.as_str());
        let decided = |kind| last(self.decisions, kind, name);
        let (set, add, excuse) = (
            decided(Kind::Set),
            decided(Kind::Add),
            decided(Kind::Excuse),
        );
        let extension = decided(Kind::Extend).map(|it| &it.action);
        let deadline = Deadline::of(self.policy, &column.exercise, extension);
        // A score that a decision replaces uses no late day.
        let usable = if set.is_some() || excuse.is_some() {
            0
        } else {
            late_days
        };

        let mut grade = ExerciseGrade {
            state: State::Missing,
            attempts: 0,
            attempt: None,
            result: None,
            outcome: None,
            time: None,
            due: deadline.due,
            max_points: column.max_points,
            raw: None,
            late: Lateness::default(),
            late_days: 0,
            percent: 0.0,
            penalty: 0.0,
            adjusted: None,
            set: None,
            add: None,
            points: Some(0.0),
            decisions: vec![],
            flags: vec![],
        };
        self.choose(place, &deadline, usable, &mut grade);
        self.decide(&mut grade, set, add);
        if excuse.is_some() {
            (grade.state, grade.points) = (State::Excused, None);
        }
        let extended = decided(Kind::Extend);
        let decisions = [extended, excuse, set, add].into_iter().flatten();
        grade.decisions = decisions.map(|it| it.number).collect();
        grade.decisions.sort_unstable();
        grade
    }

    /// Fills in the attempt that counts, and the points that it earns after the penalty.
    fn choose(
        &self,
        place: usize,
        deadline: &Deadline<'_>,
        late_days: u32,
        grade: &mut ExerciseGrade,
    ) {
        let mut tries = vec![];
        for attempt in &self.attempts {
            let result = attempt.results.iter().find(|(of, _)| *of == place);
            let Some((_, result)) = result.filter(|(_, it)| it.outcome != Outcome::Missing) else {
                continue;
            };
            tries.push((*attempt, *result));
        }
        grade.attempts = tries.len();
        let is_graded = |it: &&(&Attempt, ExerciseResult)| it.1.outcome != Outcome::NotGraded;
        let Some(latest) = tries.last() else {
            return;
        };
        let counts = self.policy.counts;
        let ungraded = tries.iter().filter(|it| !is_graded(it));
        let ungraded: Vec<_> = match counts {
            Counts::Latest => ungraded
                .filter(|it| it.0.number == latest.0.number)
                .collect(),
            Counts::Best | Counts::BestAdjusted => ungraded.collect(),
        };
        let flags = ungraded.iter().map(|it| Flag::NotGraded {
            attempt: it.0.number,
        });
        grade.flags.extend(flags);

        let earned =
            |it: &(&Attempt, ExerciseResult)| deadline.earned(it.1.points, it.0.time, late_days);
        // The first of several that are alike: later ones gain nothing.
        let first_best = |value: &dyn Fn(&(&Attempt, ExerciseResult)) -> f64| {
            let graded = tries.iter().filter(is_graded);
            graded.rev().max_by(|a, b| value(a).total_cmp(&value(b)))
        };
        let chosen = match counts {
            Counts::Latest => Some(latest).filter(is_graded),
            Counts::Best => first_best(&|it| it.1.points),
            Counts::BestAdjusted => first_best(&|it| earned(it).adjusted),
        };
        let Some(chosen) = chosen else {
            (grade.state, grade.points) = (State::NotGraded, None);
            return;
        };
        let (attempt, result) = chosen;
        let earned = earned(chosen);
        grade.state = State::Graded;
        grade.attempt = Some(attempt.number);
        grade.result = Some(result.number);
        grade.outcome = Some(result.outcome);
        grade.time = attempt.time;
        grade.max_points = result.max_points;
        grade.raw = Some(result.points);
        grade.late = earned.late;
        grade.late_days = earned.late_days;
        grade.percent = earned.percent;
        grade.penalty = result.points - earned.adjusted;
        grade.adjusted = Some(earned.adjusted);
        grade.points = grade.adjusted;
        if attempt.time.is_none() && deadline.due.is_some() {
            grade.flags.push(Flag::NoTime {
                attempt: attempt.number,
            });
        }
    }

    /// Applies the decisions on points.
    fn decide(&self, grade: &mut ExerciseGrade, set: Option<&Decision>, add: Option<&Decision>) {
        let mut has_bonus = false;
        for decision in [set, add].into_iter().flatten() {
            match decision.action {
                Action::Set { points, bonus } => {
                    grade.set = Some(points);
                    grade.points = Some(points);
                    has_bonus |= bonus;
                }
                Action::Add { points, bonus } => {
                    grade.add = Some(points);
                    // Of what is not graded, nothing is known yet to which it could be added.
                    grade.points = grade.points.map(|before| before + points);
                    has_bonus |= bonus;
                }
                _ => {}
            }
            if decision.made_on != grade.raw {
                grade.flags.push(Flag::OtherRaw {
                    decision: decision.number,
                    made_on: decision.made_on,
                    now: grade.raw,
                });
            }
        }
        let Some(points) = grade.points else { return };
        let most = if has_bonus {
            f64::INFINITY
        } else {
            grade.max_points
        };
        let limited = points.clamp(0.0, most);
        if limited != points {
            grade.flags.push(Flag::Limited { points });
            grade.points = Some(limited);
        }
    }
}

impl Gradebook {
    /// The grades of a person, by id.
    pub fn student(&self, id: &str) -> Option<&Student> {
        self.students.iter().find(|it| it.person.id == id)
    }

    /// The index of an exercise, by its folder or its name without the number.
    pub fn place_of(&self, exercise: &str) -> Option<usize> {
        let names = || self.exercises.iter().map(|it| it.exercise.as_str());
        let exactly = names().position(|it| it == exercise);
        exactly.or_else(|| names().position(|it| without_number(it) == exercise))
    }
}

impl Student {
    /// Returns whether an exercise is flagged or not graded, or the latest attempts were refused.
    pub fn needs_a_person(&self) -> bool {
        let flagged = |it: &ExerciseGrade| !it.flags.is_empty() || it.state == State::NotGraded;
        !self.refused.is_empty() || self.exercises.iter().any(flagged)
    }
}

/// The name of an exercise without its number: `msa` of `03-msa`.
pub fn without_number(folder: &str) -> &str {
    match folder.split_once('-') {
        Some((number, name)) if number.bytes().all(|it| it.is_ascii_digit()) => name,
        _ => folder,
    }
}
