//! Table tests, with sums done by hand, and the invariants of grading as property tests.

use super::*;
use crate::decision::Action;
use crate::policy::Policy;
use proptest::prelude::*;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// 2026-12-01T00:00:00Z, when everything is due.
const DUE: i64 = 1_796_083_200;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(DUE + seconds).expect("a time")
}

fn person(id: &str, group: &str) -> Person {
    Person {
        id: id.to_owned(),
        group: group.to_owned(),
        ..Person::default()
    }
}

fn roster(ids: &[&str]) -> Roster {
    Roster::new(ids.iter().map(|id| person(id, "")).collect()).expect("a roster")
}

fn policy(rest: &str) -> Policy {
    let text = format!("zone = \"UTC\"\ndue = \"2026-12-01T00:00\"\n{rest}");
    Policy::parse(&text).expect("a policy")
}

/// Exercises `a`, `b`, … of 10 points each.
fn exercises(count: usize) -> Vec<Exercise> {
    let names = ["01-a", "02-b", "03-c"].iter().take(count);
    names
        .map(|&name| Exercise {
            name: name.into(),
            max_points: 10.0,
        })
        .collect()
}

fn result(points: f64) -> ExerciseResult {
    ExerciseResult {
        number: 1,
        outcome: Outcome::Tested,
        points,
        max_points: 10.0,
    }
}

/// An attempt of `s1`, some seconds after the due date.
fn attempt(number: i64, seconds: i64, points: &[f64]) -> Attempt {
    Attempt {
        number,
        submission: "s1".to_owned(),
        time: Some(at(seconds)),
        refused: None,
        members: vec!["s1".to_owned()],
        results: points.iter().map(|it| result(*it)).enumerate().collect(),
    }
}

fn record(attempts: Vec<Attempt>) -> Record {
    let count = attempts
        .iter()
        .map(|it| it.results.len())
        .max()
        .unwrap_or(0);
    Record {
        exercises: exercises(count),
        attempts,
    }
}

fn decision(number: i64, exercise: Option<&str>, action: Action, made_on: Option<f64>) -> Decision {
    Decision {
        number,
        time: Timestamp::UNIX_EPOCH,
        by: "ada".to_owned(),
        student: "s1".to_owned(),
        exercise: exercise.map(str::to_owned),
        action,
        made_on,
        reason: "because".to_owned(),
    }
}

fn set(points: f64) -> Action {
    Action::Set {
        points,
        bonus: false,
    }
}

fn add(points: f64) -> Action {
    Action::Add {
        points,
        bonus: false,
    }
}

fn days(days: i64) -> Action {
    Action::Extend { days, seconds: 0 }
}

/// The grades of `s1`.
fn student(record: &Record, policy: &Policy, decisions: &[Decision]) -> Student {
    let gradebook = grade(record, &roster(&["s1"]), policy, decisions);
    gradebook.students[0].clone()
}

const PER_DAY: &str =
    "[penalty]\nkind = \"per-day\"\npercent = 10\nat-most = 50\ncut-off = \"7d\"\n";
const STEPS: &str = "[penalty]\nkind = \"steps\"\n\
    steps = [{ within = \"1h\", percent = 5 }, { within = \"2d\", percent = 20 }]\n";

/// Late by so much, 8 points are worth so many.
#[test]
fn penalties_are_those_of_the_table() {
    let cut_off = "[penalty]\nkind = \"cut-off\"\n";
    for (rules, seconds, points) in [
        (PER_DAY, -1, 8.0),
        (PER_DAY, 0, 8.0),
        (PER_DAY, 1, 7.2),           // a day begun: 10 %
        (PER_DAY, DAY, 7.2),         // a day is not over before it is
        (PER_DAY, DAY + 1, 6.4),     // 20 %
        (PER_DAY, 5 * DAY, 4.0),     // 50 %
        (PER_DAY, 5 * DAY + 1, 4.0), // at most 50 %
        (PER_DAY, 7 * DAY, 4.0),
        (PER_DAY, 7 * DAY + 1, 0.0), // cut off
        (STEPS, HOUR, 7.6),          // 5 %
        (STEPS, HOUR + 1, 6.4),      // 20 %
        (STEPS, 2 * DAY, 6.4),
        (STEPS, 2 * DAY + 1, 0.0),
        (cut_off, 0, 8.0),
        (cut_off, 1, 0.0),
        ("", 100 * DAY, 8.0),
    ] {
        let grade = student(
            &record(vec![attempt(1, seconds, &[8.0])]),
            &policy(rules),
            &[],
        );
        let grade = &grade.exercises[0];
        let adjusted = grade.adjusted.expect("points");
        assert!(
            (adjusted - points).abs() < 1e-12,
            "{rules} {seconds}: {adjusted}"
        );
        assert_eq!(grade.raw, Some(8.0));
        assert!((grade.penalty - (8.0 - points)).abs() < 1e-12);
    }
}

/// Within 15 minutes nothing is late; after them, lateness counts from the due date.
#[test]
fn grace_is_not_late_and_ends() {
    let policy = policy(&format!("grace = \"15min\"\n{PER_DAY}"));
    let late = |seconds| {
        student(&record(vec![attempt(1, seconds, &[10.0])]), &policy, &[]).exercises[0].late
    };
    assert_eq!(late(900), Lateness::default());
    assert_eq!(
        late(901),
        Lateness {
            seconds: 901,
            days: 1
        }
    );
    assert_eq!(late(DAY + 1).days, 2);
}

/// In Berlin, 25 October 2026 has 25 hours: what is handed in 24.5 hours after 23:59 of the day before is one day late.
#[test]
fn days_are_those_of_the_calendar() {
    let berlin = format!("zone = \"Europe/Berlin\"\ndue = \"2026-10-24T23:59\"\n{PER_DAY}");
    let berlin = Policy::parse(&berlin).expect("a policy");
    let handed = |text: &str| {
        let mut attempt = attempt(1, 0, &[10.0]);
        attempt.time = Some(text.parse().expect("a time"));
        student(&record(vec![attempt]), &berlin, &[]).exercises[0].late
    };
    // 23:59 in summer is 21:59 UTC; a calendar day later, in winter, 22:59 UTC.
    assert_eq!(
        handed("2026-10-25T22:29:00Z"),
        Lateness {
            seconds: 88_200,
            days: 1
        }
    );
    assert_eq!(handed("2026-10-25T22:59:00Z").days, 1);
    assert_eq!(handed("2026-10-25T22:59:01Z").days, 2);
}

#[test]
fn the_policy_says_which_attempt_counts() {
    // 6 in time; 9 two days late, which is 9 · 0.8 = 7.2; 5 three days late, 5 · 0.7 = 3.5.
    let attempts = vec![
        attempt(1, -1, &[6.0]),
        attempt(2, 2 * DAY, &[9.0]),
        attempt(3, 3 * DAY, &[5.0]),
    ];
    for (counts, number, points) in [
        ("latest", 3, 3.5),
        ("best", 2, 7.2),
        ("best-adjusted", 2, 7.2),
    ] {
        let policy = policy(&format!("counts = \"{counts}\"\n{PER_DAY}"));
        let grade = &student(&record(attempts.clone()), &policy, &[]).exercises[0];
        assert_eq!(grade.attempt, Some(number), "{counts}");
        assert!(
            (grade.points.expect("points") - points).abs() < 1e-12,
            "{counts}"
        );
    }
    // 9 points six days late are 4.5: less than the 6 in time.
    let attempts = vec![attempt(1, -1, &[6.0]), attempt(2, 6 * DAY, &[9.0])];
    for (counts, number) in [("best", 2), ("best-adjusted", 1)] {
        let policy = policy(&format!("counts = \"{counts}\"\n{PER_DAY}"));
        let grade = &student(&record(attempts.clone()), &policy, &[]).exercises[0];
        assert_eq!(grade.attempt, Some(number), "{counts}");
    }
    // Of equal ones, the first.
    let attempts = vec![attempt(1, -9, &[6.0]), attempt(2, -5, &[6.0])];
    let best = student(&record(attempts), &policy("counts = \"best\"\n"), &[]);
    assert_eq!(best.exercises[0].attempt, Some(1));
}

/// Three late days: the first exercise is two days late, the second two, of which one is left to be saved.
#[test]
fn late_days_are_used_in_the_order_of_due_dates_and_only_where_they_save_points() {
    let policy = policy(&format!("late-days = 3\n{PER_DAY}"));
    let both = student(
        &record(vec![attempt(1, 2 * DAY, &[10.0, 10.0])]),
        &policy,
        &[],
    );
    let used: Vec<_> = both.exercises.iter().map(|it| it.late_days).collect();
    assert_eq!((used, both.late_days_used), (vec![2, 1], 3));
    let points: Vec<_> = both.exercises.iter().map(|it| it.points).collect();
    assert_eq!(points, [Some(10.0), Some(9.0)]);
    // Nothing is saved for 0 points, nor where the cut-off is too far away.
    let nothing = student(
        &record(vec![attempt(1, 2 * DAY, &[0.0, 10.0])]),
        &policy,
        &[],
    );
    assert_eq!(nothing.exercises[0].late_days, 0);
    assert_eq!(nothing.exercises[1].late_days, 2);
    let far = student(&record(vec![attempt(1, 20 * DAY, &[10.0])]), &policy, &[]);
    assert_eq!(
        (far.late_days_used, far.exercises[0].points),
        (0, Some(0.0))
    );
    // Six days late cost 50 %, as five do: the first of three days saves nothing, the third does (4 - 1 = 3 days: 30 %).
    let six = student(&record(vec![attempt(1, 6 * DAY, &[10.0])]), &policy, &[]);
    assert_eq!(
        (six.late_days_used, six.exercises[0].points),
        (3, Some(7.0))
    );
}

#[test]
fn late_days_that_are_granted_come_on_top_of_the_policys() {
    let policy = policy(&format!("late-days = 1\n{PER_DAY}"));
    let late = record(vec![attempt(1, 3 * DAY, &[10.0])]);
    let grants = [
        decision(1, None, Action::LateDays { days: 5 }, None),
        decision(2, None, Action::LateDays { days: 1 }, None),
    ];
    let granted = student(&late, &policy, &grants);
    assert_eq!((granted.late_days, granted.late_days_used), (2, 2));
    assert_eq!(granted.exercises[0].points, Some(9.0));
}

/// 10 points, three days late: 7; extended by two days, one day late: 9.
#[test]
fn an_extension_moves_the_due_date_and_the_penalty_follows() {
    let late = record(vec![attempt(1, 3 * DAY, &[10.0])]);
    let policy = policy(PER_DAY);
    let points = |decisions: &[Decision]| student(&late, &policy, decisions).exercises[0].points;
    assert_eq!(points(&[]), Some(7.0));
    assert_eq!(
        points(&[decision(1, Some("01-a"), days(2), None)]),
        Some(9.0)
    );
    let until = |seconds| Action::ExtendUntil { until: at(seconds) };
    assert_eq!(
        points(&[decision(1, None, until(3 * DAY), None)]),
        Some(10.0)
    );
    assert_eq!(
        points(&[decision(1, None, until(-DAY), None)]),
        Some(7.0),
        "never earlier"
    );
    assert_eq!(
        points(&[decision(1, Some("02-b"), days(2), None)]),
        Some(7.0)
    );
}

#[test]
fn the_total_is_weighted_and_leaves_out_what_is_excused() {
    // Half of 30 and four fifths of 10: 15 + 8 of 40; the second alone: 8 of 10.
    let policy = policy("[exercises.\"01-a\"]\nweight = 30\n");
    let marks = record(vec![attempt(1, -1, &[5.0, 8.0])]);
    let both = student(&marks, &policy, &[]);
    assert_eq!((both.total, both.max_total), (Some(23.0), 40.0));
    let excused = student(
        &marks,
        &policy,
        &[decision(1, Some("01-a"), Action::Excuse, None)],
    );
    assert_eq!((excused.total, excused.max_total), (Some(8.0), 10.0));
    assert_eq!(excused.exercises[0].state, State::Excused);
    assert_eq!(excused.exercises[0].raw, Some(5.0));
}

#[test]
fn what_is_not_graded_has_no_grade_and_no_total() {
    let mut ungraded = attempt(2, -1, &[0.0, 5.0]);
    ungraded.results[0].1.outcome = Outcome::NotGraded;
    let record = record(vec![attempt(1, -9, &[10.0, 5.0]), ungraded]);
    let latest = student(&record, &policy(""), &[]);
    assert_eq!(latest.exercises[0].state, State::NotGraded);
    assert_eq!((latest.exercises[0].points, latest.total), (None, None));
    assert!(latest.needs_a_person());
    // If the best attempt counts, the graded one counts for now, and the ungraded one is still listed.
    let best = student(&record, &policy("counts = \"best\"\n"), &[]);
    assert_eq!(
        (best.exercises[0].attempt, best.total),
        (Some(1), Some(15.0))
    );
    assert_eq!(best.exercises[0].flags, [Flag::NotGraded { attempt: 2 }]);
    // A decision needs no result.
    let decided = student(
        &record,
        &policy(""),
        &[decision(1, Some("01-a"), set(4.0), None)],
    );
    assert_eq!(
        (decided.exercises[0].points, decided.total),
        (Some(4.0), Some(9.0))
    );
}

#[test]
fn what_is_missing_is_zero_and_an_exercise_that_was_handed_in_earlier_counts() {
    let mut first = attempt(1, -9, &[7.0, 3.0]);
    first.results.truncate(1);
    let mut second = attempt(2, -1, &[0.0, 6.0]);
    second.results[0].1.outcome = Outcome::Missing;
    let record = Record {
        exercises: exercises(3),
        attempts: vec![first, second],
    };
    let grades = student(&record, &policy(""), &[]);
    let points: Vec<_> = grades
        .exercises
        .iter()
        .map(|it| (it.attempt, it.points))
        .collect();
    assert_eq!(
        points,
        [
            (Some(1), Some(7.0)),
            (Some(2), Some(6.0)),
            (None, Some(0.0))
        ]
    );
    assert_eq!(grades.exercises[2].state, State::Missing);
}

#[test]
fn a_refused_attempt_is_shown_until_another_follows() {
    let mut refused = attempt(2, -1, &[]);
    refused.refused = Some("the archive is broken".to_owned());
    let mut record = record(vec![attempt(1, -9, &[7.0]), refused]);
    let grades = student(&record, &policy(""), &[]);
    assert_eq!(grades.refused.len(), 1);
    assert_eq!(grades.exercises[0].points, Some(7.0));
    record.attempts.push(attempt(3, 0, &[7.0]));
    assert!(student(&record, &policy(""), &[]).refused.is_empty());
}

#[test]
fn an_attempt_without_a_time_is_in_time_and_flagged() {
    let mut record = record(vec![attempt(1, 0, &[7.0])]);
    record.attempts[0].time = None;
    let grade = &student(&record, &policy(PER_DAY), &[]).exercises[0];
    assert_eq!(
        (grade.points, &grade.flags[..]),
        (Some(7.0), &[Flag::NoTime { attempt: 1 }][..])
    );
    let no_due = Policy::parse("zone = \"UTC\"").expect("a policy");
    assert!(student(&record, &no_due, &[]).exercises[0].flags.is_empty());
}

#[test]
fn set_and_add_make_the_final_grade_within_its_limits() {
    let late = record(vec![attempt(1, DAY, &[8.0])]); // 7.2 after the penalty
    let policy = policy(PER_DAY);
    let bonus = |points| Action::Add {
        points,
        bonus: true,
    };
    for (decisions, points) in [
        (vec![set(9.0)], 9.0),
        (vec![add(1.5)], 8.7),
        (vec![set(9.0), add(-2.0)], 7.0),
        (vec![add(5.0)], 10.0), // limited
        (vec![bonus(5.0)], 12.2),
        (vec![add(-9.0)], 0.0), // limited
    ] {
        let decisions: Vec<_> = (1..)
            .zip(&decisions)
            .map(|(number, it)| decision(number, Some("01-a"), it.clone(), Some(8.0)))
            .collect();
        let grade = &student(&late, &policy, &decisions).exercises[0];
        let found = grade.points.expect("points");
        assert!((found - points).abs() < 1e-12, "{decisions:?}: {found}");
        assert!(
            grade
                .flags
                .iter()
                .all(|it| matches!(it, Flag::Limited { .. }))
        );
        assert_eq!(
            (grade.raw, grade.percent),
            (Some(8.0), 10.0),
            "what was earned stays"
        );
    }
}

/// Made on 6.2, now 7.0: flagged, and in force.
#[test]
fn a_decision_made_on_other_points_is_flagged_and_never_dropped() {
    let decided = [decision(1, Some("01-a"), set(9.0), Some(6.2))];
    let policy = policy("");
    let before = student(&record(vec![attempt(1, -1, &[6.2])]), &policy, &decided);
    assert!(before.exercises[0].flags.is_empty());
    let after = student(&record(vec![attempt(1, -1, &[7.0])]), &policy, &decided);
    let flag = Flag::OtherRaw {
        decision: 1,
        made_on: Some(6.2),
        now: Some(7.0),
    };
    assert_eq!(
        (after.exercises[0].points, &after.exercises[0].flags[..]),
        (Some(9.0), &[flag][..])
    );
    // Deciding anew, on the points of now, settles it.
    let again = [
        decided[0].clone(),
        decision(2, Some("01-a"), set(9.0), Some(7.0)),
    ];
    let settled = student(&record(vec![attempt(1, -1, &[7.0])]), &policy, &again);
    assert!(settled.exercises[0].flags.is_empty());
}

#[test]
fn one_submission_counts_for_all_of_a_group_each_with_their_own_extension() {
    let people = vec![person("s1", "red"), person("s2", "red")];
    let roster = Roster::new(people).expect("a roster");
    let mut shared = attempt(1, 2 * DAY, &[10.0]);
    shared.members = vec!["s1".to_owned(), "s2".to_owned()];
    let decisions = [decision(1, None, days(2), None)]; // s1's
    let policy = policy(&format!("late-days = 1\n{PER_DAY}"));
    let gradebook = grade(&record(vec![shared]), &roster, &policy, &decisions);
    let of = |id| {
        let student = gradebook.student(id).expect("a student");
        (student.exercises[0].points, student.late_days_used)
    };
    assert_eq!(of("s1"), (Some(10.0), 0));
    assert_eq!(of("s2"), (Some(9.0), 1));
}

// Property tests.

/// A class's attempts and decisions, with the policy.
#[derive(Clone, Debug)]
struct Case {
    record: Record,
    decisions: Vec<Decision>,
    rules: String,
}

impl Case {
    fn policy(&self) -> Policy {
        policy(&self.rules)
    }

    fn student(&self) -> Student {
        student(&self.record, &self.policy(), &self.decisions)
    }
}

/// Points in fiftieths of what can be had, as tests share them.
fn some_points() -> impl Strategy<Value = f64> {
    (0..=50_u32).prop_map(|it| f64::from(it) / 5.0)
}

fn some_attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let outcome = prop_oneof![
        8 => Just(Outcome::Tested),
        1 => Just(Outcome::Missing),
        1 => Just(Outcome::NotGraded),
    ];
    let results = prop::collection::vec((some_points(), outcome), 3);
    let one = (-2 * DAY..9 * DAY, results);
    prop::collection::vec(one, 0..5).prop_map(|all| {
        let mut attempts = vec![];
        for (number, (seconds, results)) in (1..).zip(all) {
            let mut attempt = attempt(number, seconds, &[0.0; 3]);
            for (place, (points, outcome)) in results.into_iter().enumerate() {
                attempt.results[place].1.outcome = outcome;
                attempt.results[place].1.points = if outcome == Outcome::Tested {
                    points
                } else {
                    0.0
                };
            }
            attempts.push(attempt);
        }
        attempts
    })
}

fn some_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        (0..4_i64, 0..DAY).prop_map(|(days, seconds)| Action::Extend { days, seconds }),
        (-DAY..4 * DAY).prop_map(|seconds| Action::ExtendUntil { until: at(seconds) }),
        Just(Action::Excuse),
        some_points().prop_map(set),
        (-10..=10_i32).prop_map(|points| add(f64::from(points))),
        (0..4_u32).prop_map(|days| Action::LateDays { days }),
        Just(Action::Note),
        (1..8_i64).prop_map(|decision| Action::Withdraw { decision }),
    ]
}

fn some_decisions() -> impl Strategy<Value = Vec<Decision>> {
    let exercise = prop_oneof![Just("01-a"), Just("02-b"), Just("03-c")];
    let one = (
        exercise,
        any::<bool>(),
        some_action(),
        prop::option::of(some_points()),
    );
    prop::collection::vec(one, 0..7).prop_map(|all| {
        let numbered = (1..).zip(all);
        let decisions = numbered.map(|(number, (exercise, of_all, mut action, made_on))| {
            if let Action::Withdraw { decision } = &mut action {
                *decision = (*decision).min(number - 1);
            }
            let is_on_all = matches!(action, Action::LateDays { .. })
                || (of_all && action.kind() == Some(Kind::Extend));
            decision(number, (!is_on_all).then_some(exercise), action, made_on)
        });
        decisions.collect()
    })
}

fn some_rules() -> impl Strategy<Value = String> {
    let counts = prop_oneof![Just("latest"), Just("best"), Just("best-adjusted")];
    let penalty = prop_oneof![
        Just(PER_DAY),
        Just(STEPS),
        Just("[penalty]\nkind = \"cut-off\"\n"),
        Just(""),
    ];
    (counts, 0..4_u32, 0..60_u32, penalty).prop_map(|(counts, late_days, grace, penalty)| {
        format!("counts = \"{counts}\"\nlate-days = {late_days}\ngrace = \"{grace}min\"\n{penalty}")
    })
}

fn some_case() -> impl Strategy<Value = Case> {
    (some_attempts(), some_decisions(), some_rules()).prop_map(|(attempts, decisions, rules)| {
        Case {
            record: Record {
                exercises: exercises(3),
                attempts,
            },
            decisions,
            rules,
        }
    })
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 512,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(15),
        ..ProptestConfig::default()
    }
}

/// State, points before and after the penalty, the grade, late days.
type Points = (State, Option<f64>, Option<f64>, Option<f64>, u32);

/// A student's points, without the parts that only explain them.
fn points(student: &Student) -> Vec<Points> {
    let grades = student.exercises.iter();
    grades
        .map(|it| (it.state, it.raw, it.adjusted, it.points, it.late_days))
        .collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_grade_exceeds_the_exercise_or_falls_below_zero(case in some_case()) {
        for grade in case.student().exercises {
            let within = |points: Option<f64>| points.is_none_or(|it| (0.0..=10.0).contains(&it));
            prop_assert!(within(grade.raw) && within(grade.adjusted) && within(grade.points));
            if let (Some(raw), Some(adjusted)) = (grade.raw, grade.adjusted) {
                prop_assert!(adjusted <= raw);
                prop_assert_eq!(raw - adjusted, grade.penalty);
            }
        }
    }

    #[test]
    fn whoever_hands_in_later_never_gains(case in some_case(), later in 0..3 * DAY) {
        let mut late = case.clone();
        for attempt in &mut late.record.attempts {
            attempt.time = attempt.time.map(|it| Timestamp::from_second(it.as_second() + later).expect("a time"));
        }
        // By itself: an exercise that late days cannot save any more leaves them to others.
        for place in 0..3 {
            let alone = |case: &Case| {
                let mut case = case.clone();
                for attempt in &mut case.record.attempts {
                    attempt.results.retain(|(of, _)| *of == place);
                }
                case.student().exercises[place].points
            };
            prop_assert!(alone(&late) <= alone(&case));
        }
    }

    #[test]
    fn the_last_decision_of_a_kind_is_the_one_in_force(case in some_case()) {
        let mut case = case;
        case.decisions.retain(|it| it.action.kind().is_some());
        let all = case.student();
        let mut only_last = case.clone();
        only_last.decisions.retain(|it| {
            let mut later = case.decisions.iter().filter(|other| other.number > it.number);
            !later.any(|other| {
                other.action.kind() == it.action.kind()
                    && (other.exercise.is_none() || other.exercise == it.exercise)
            })
        });
        prop_assert_eq!(only_last.student(), all);
    }

    #[test]
    fn an_extension_of_nothing_is_none(case in some_case(), exercise in prop::option::of(Just("01-a"))) {
        let mut without = case.clone();
        without.decisions.retain(|it| it.action.kind() != Some(Kind::Extend));
        let mut with = without.clone();
        with.decisions.push(decision(99, exercise, days(0), None));
        prop_assert_eq!(points(&with.student()), points(&without.student()));
        prop_assert_eq!(with.student().exercises[0].due, Some(at(0)));
    }

    #[test]
    fn an_extension_never_costs_points(case in some_case(), longer in 0..4_i64) {
        // Without late days, which an exercise that is extended may leave to others.
        let mut case = case;
        case.rules = case.rules.replace("late-days = ", "late-days = 0 # ");
        case.decisions.retain(|it| !matches!(it.action, Action::LateDays { .. } | Action::Extend { .. } | Action::ExtendUntil { .. } | Action::Withdraw { .. }));
        let before = case.student();
        case.decisions.push(decision(99, None, days(longer), None));
        for (before, after) in before.exercises.iter().zip(case.student().exercises) {
            prop_assert!(before.adjusted <= after.adjusted);
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_bytes_in_whatever_order_they_come(case in some_case()) {
        let bytes = |case: &Case| serde_json::to_string(&case.student()).expect("JSON");
        let mut turned = case.clone();
        turned.record.attempts.reverse();
        turned.decisions.reverse();
        prop_assert_eq!(bytes(&turned), bytes(&case));
    }

    #[test]
    fn what_a_decision_replaces_uses_no_late_day(case in some_case(), excused in any::<bool>()) {
        let mut case = case;
        let action = if excused { Action::Excuse } else { set(5.0) };
        case.decisions.push(decision(99, Some("02-b"), action, None));
        prop_assert_eq!(case.student().exercises[1].late_days, 0);
    }

    #[test]
    fn nobody_uses_more_late_days_than_there_are(case in some_case()) {
        let student = case.student();
        let used: u32 = student.exercises.iter().map(|it| it.late_days).sum();
        prop_assert_eq!(used, student.late_days_used);
        prop_assert!(used <= student.late_days);
    }

    #[test]
    fn a_decision_that_is_withdrawn_was_never_made(case in some_case(), action in some_action()) {
        let mut with = case.clone();
        if matches!(action, Action::Withdraw { .. }) {
            return Ok(());
        }
        with.decisions.push(decision(98, Some("01-a"), action, Some(1.0)));
        with.decisions.push(decision(99, None, Action::Withdraw { decision: 98 }, None));
        prop_assert_eq!(with.student(), case.student());
    }

    #[test]
    fn a_regrade_changes_what_was_earned_and_no_decision(case in some_case(), other in some_points()) {
        let before = case.student();
        let mut regraded = case.clone();
        for attempt in &mut regraded.record.attempts {
            for (_, result) in &mut attempt.results {
                if result.outcome == Outcome::Tested {
                    result.points = other;
                }
            }
        }
        for (before, after) in before.exercises.iter().zip(regraded.student().exercises) {
            prop_assert_eq!(&before.decisions, &after.decisions);
            prop_assert_eq!(before.set, after.set);
            prop_assert_eq!(before.add, after.add);
            // Of the decisions in force on points, those made on other points are flagged, and no others.
            for decision in &after.decisions {
                let decision = case.decisions.iter().find(|it| it.number == *decision).expect("it");
                let flagged = after.flags.iter().any(|flag| {
                    matches!(flag, Flag::OtherRaw { decision: number, .. } if *number == decision.number)
                });
                let differs = decision.action.is_about_points() && decision.made_on != after.raw;
                prop_assert_eq!(flagged, differs);
            }
        }
    }

    #[test]
    fn decisions_on_one_member_of_a_group_are_not_those_of_another(case in some_case()) {
        let mut case = case;
        for attempt in &mut case.record.attempts {
            attempt.members.push("s2".to_owned());
        }
        let other = |decisions: &[Decision]| {
            let gradebook = grade(&case.record, &roster(&["s1", "s2"]), &case.policy(), decisions);
            gradebook.student("s2").cloned()
        };
        prop_assert_eq!(other(&case.decisions), other(&[]));
    }
}
