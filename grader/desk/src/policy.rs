//! The policy of a class, from `policy.toml`: due dates, late penalty, which attempt counts, weights.

use crate::failure::{Blame, Failure};
use crate::time::{Interval, parse_time};
use anyhow::{Context, Result, anyhow, ensure};
use hints::WithHint;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The policy of a new desk.
pub const TEMPLATE: &str = include_str!("../assets/policy.toml");

/// The most late days that anybody can have.
pub const MOST_LATE_DAYS: u32 = 1000;

/// The policy of a class.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The zone of times without an offset, and of the calendar days of lateness.
    pub zone: TimeZone,
    /// The due date of exercises that have none of their own.
    pub due: Option<Timestamp>,
    /// The time after the due date that is not late.
    pub grace: Interval,
    /// The attempt that counts.
    pub counts: Counts,
    /// The late days of each person.
    pub late_days: u32,
    /// The penalty for lateness.
    pub penalty: Penalty,
    /// The parts of results that students see.
    pub students_see: StudentsSee,
    /// The parts that they see of tests of single kinds.
    pub kinds: BTreeMap<String, StudentsSee>,
    /// Rules of single exercises, by folder.
    pub exercises: BTreeMap<String, ExerciseRule>,
}

/// Rules of one exercise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExerciseRule {
    /// Its due date.
    pub due: Option<Timestamp>,
    /// The points that full marks contribute to the total; by default those of the exercise.
    pub weight: Option<f64>,
}

/// The attempt that counts, of all attempts of a person at an exercise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// The last.
    #[default]
    Latest,
    /// The one with the most points before the penalty; the first of several.
    Best,
    /// The one with the most points after the penalty; the first of several.
    BestAdjusted,
}

/// The penalty for lateness, in per cent of the points earned.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Penalty {
    /// None.
    #[default]
    Zero,
    /// By steps: a percentage within each interval after the due date; after the last, 100 %.
    Steps(Vec<(Interval, f64)>),
    /// For each day begun after the due date.
    PerDay {
        /// The penalty of a day.
        percent: f64,
        /// The largest penalty.
        at_most: f64,
        /// The interval after which nothing counts.
        cut_off: Option<Interval>,
    },
    /// Everything: what is late does not count.
    CutOff,
}

/// The parts of results that students see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StudentsSee {
    /// Points and each test.
    #[default]
    Full,
    /// The points of each exercise.
    Summary,
    /// The points of each exercise; each test after the due date.
    UntilDue,
}

impl StudentsSee {
    /// Returns whether the single tests of an exercise that is due at a time are shown at another. What has no due date is
    /// never after it.
    pub fn shows_tests(self, due: Option<Timestamp>, at: Timestamp) -> bool {
        match self {
            StudentsSee::Full => true,
            StudentsSee::Summary => false,
            StudentsSee::UntilDue => due.is_some_and(|due| at > due),
        }
    }
}

/// The kinds of test.
const KINDS: [&str; 6] = [
    "shape", "snapshot", "drawn", "property", "gradient", "training",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    zone: String,
    due: Option<toml::Value>,
    grace: Option<String>,
    #[serde(default)]
    counts: Counts,
    #[serde(default)]
    late_days: u32,
    penalty: Option<PenaltyTable>,
    #[serde(default)]
    students_see: StudentsSee,
    #[serde(default)]
    kinds: BTreeMap<String, KindTable>,
    #[serde(default)]
    exercises: BTreeMap<String, ExerciseTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct KindTable {
    students_see: StudentsSee,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExerciseTable {
    due: Option<toml::Value>,
    weight: Option<f64>,
}

#[derive(Deserialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
enum PenaltyTable {
    None,
    Steps {
        steps: Vec<StepTable>,
    },
    PerDay {
        percent: f64,
        at_most: Option<f64>,
        cut_off: Option<String>,
    },
    CutOff,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTable {
    within: String,
    percent: f64,
}

impl Policy {
    /// Reads `policy.toml`.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or is not a policy, naming the key at fault.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let read = || Self::parse(&std::fs::read_to_string(path)?);
        read()
            .with_context(|| format!("cannot read the policy {}", path.display()))
            .hint("grader/desk/README.md of the course describes policy.toml")
            .blame_arguments()
    }

    /// Parses the text of `policy.toml`.
    ///
    /// # Errors
    /// Returns an error if it is not a policy.
    pub fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text)?;
        let zone = TimeZone::get(&file.zone).ok();
        let zone = zone.with_context(|| {
            format!(
                "zone: `{}` is not a time zone: write it as Europe/Berlin or UTC",
                file.zone
            )
        })?;
        ensure!(
            file.late_days <= MOST_LATE_DAYS,
            "late-days: {} are more than {MOST_LATE_DAYS}",
            file.late_days
        );
        for kind in file.kinds.keys() {
            ensure!(
                KINDS.contains(&kind.as_str()),
                "kinds.{kind}: there is no such kind of test: the kinds are {}",
                KINDS.join(", ")
            );
        }
        let kinds = file.kinds.into_iter();
        let grace = file.grace.as_deref().map(Interval::parse);
        let mut exercises = BTreeMap::new();
        for (name, table) in file.exercises {
            let rule = rule(&table, &zone).with_context(|| format!("exercises.\"{name}\""))?;
            exercises.insert(name, rule);
        }
        Ok(Self {
            due: due(file.due.as_ref(), &zone)?,
            grace: grace.transpose().context("grace")?.unwrap_or_default(),
            counts: file.counts,
            late_days: file.late_days,
            penalty: file.penalty.map(penalty).transpose()?.unwrap_or_default(),
            students_see: file.students_see,
            kinds: kinds.map(|(kind, it)| (kind, it.students_see)).collect(),
            exercises,
            zone,
        })
    }

    /// The due date of an exercise, before extensions.
    pub fn due_of(&self, exercise: &str) -> Option<Timestamp> {
        let own = self.exercises.get(exercise).and_then(|rule| rule.due);
        own.or(self.due)
    }

    /// The parts that students see of tests of a kind.
    pub fn students_see_of(&self, kind: &str) -> StudentsSee {
        self.kinds.get(kind).copied().unwrap_or(self.students_see)
    }

    /// The weight of an exercise, if the policy gives it one.
    pub fn weight_of(&self, exercise: &str) -> Option<f64> {
        self.exercises.get(exercise)?.weight
    }
}

/// A due date, written as text or as a date of TOML.
fn due(value: Option<&toml::Value>, zone: &TimeZone) -> Result<Option<Timestamp>> {
    let text = match value {
        None => return Ok(None),
        Some(toml::Value::String(text)) => text.clone(),
        Some(toml::Value::Datetime(time)) => time.to_string(),
        Some(_) => return Err(anyhow!("due: write it as \"2026-12-14T23:59\"")),
    };
    parse_time(&text, zone).map(Some).context("due")
}

fn rule(table: &ExerciseTable, zone: &TimeZone) -> Result<ExerciseRule> {
    let is_weight = |weight: &f64| weight.is_finite() && *weight >= 0.0;
    ensure!(
        table.weight.as_ref().is_none_or(is_weight),
        "weight: it is 0 or a number above"
    );
    Ok(ExerciseRule {
        due: due(table.due.as_ref(), zone)?,
        weight: table.weight,
    })
}

fn penalty(table: PenaltyTable) -> Result<Penalty> {
    let per_cent = |key: &str, percent: f64| {
        ensure!(
            (0.0..=100.0).contains(&percent),
            "penalty.{key}: {percent} is not between 0 and 100"
        );
        Ok(percent)
    };
    Ok(match table {
        PenaltyTable::None => Penalty::Zero,
        PenaltyTable::CutOff => Penalty::CutOff,
        PenaltyTable::PerDay {
            percent,
            at_most,
            cut_off,
        } => Penalty::PerDay {
            percent: per_cent("percent", percent)?,
            at_most: per_cent("at-most", at_most.unwrap_or(100.0))?,
            cut_off: cut_off
                .map(|text| Interval::parse(&text))
                .transpose()
                .context("penalty.cut-off")?,
        },
        PenaltyTable::Steps { steps } => {
            ensure!(!steps.is_empty(), "penalty.steps: there is none");
            let mut read: Vec<(Interval, f64)> = vec![];
            for step in steps {
                let within = Interval::parse(&step.within).context("penalty.steps")?;
                let percent = per_cent("steps", step.percent)?;
                if let Some((before, less)) = read.last() {
                    // As days of 24 hours: close steps of days and of hours may be in either order.
                    let length = |it: &Interval| it.days * 86_400 + it.seconds;
                    ensure!(
                        length(before) < length(&within) && *less <= percent,
                        "penalty.steps: {within} and {percent} per cent come after {before} and {less}: later is longer, \
                         and costs no less"
                    );
                }
                read.push((within, percent));
            }
            Penalty::Steps(read)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_a_policy_without_due_date_and_penalty() -> Result<()> {
        let policy = Policy::parse(TEMPLATE)?;
        assert_eq!((policy.due, policy.penalty), (None, Penalty::Zero));
        assert_eq!(policy.counts, Counts::Latest);
        Ok(())
    }

    /// Removing the `#: ` from the template's examples gives a valid policy.
    #[test]
    fn the_examples_of_the_template_are_policies() -> Result<()> {
        let lines = TEMPLATE.lines().map(|line| match line.strip_prefix("#: ") {
            Some(example) => example,
            None => line,
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let policy = Policy::parse(&text)?;
        assert!(policy.due.is_some());
        assert!(matches!(policy.penalty, Penalty::PerDay { .. }));
        assert_eq!(policy.weight_of("NN-name"), Some(20.0));
        Ok(())
    }

    #[test]
    fn the_kinds_of_test_are_those_of_the_grader() {
        let grader = include_str!("../../src/course.rs");
        let (_, names) = grader
            .split_once("impl fmt::Display for Kind")
            .expect("the names of kinds");
        let names = names.lines().map_while(|line| match line.trim() {
            "})" => None,
            line => Some(line),
        });
        let names: Vec<_> = names
            .filter_map(|line| line.strip_prefix("Kind::")?.split('"').nth(1))
            .collect();
        assert_eq!(names, KINDS);
    }

    #[test]
    fn a_kind_of_test_has_its_own_rule_and_until_due_ends_after_the_due_date() -> Result<()> {
        let text = "zone = \"UTC\"\nstudents-see = \"until-due\"\n[kinds.drawn]\nstudents-see = \"summary\"";
        let policy = Policy::parse(text)?;
        let (due, after) = (
            "2026-12-14T23:59:00Z".parse()?,
            "2026-12-14T23:59:01Z".parse()?,
        );
        for (kind, at, shown) in [
            ("shape", due, false),
            ("shape", after, true),
            ("drawn", after, false),
        ] {
            let see = policy.students_see_of(kind);
            assert_eq!(see.shows_tests(Some(due), at), shown, "{kind} {at}");
        }
        assert!(!StudentsSee::UntilDue.shows_tests(None, after));
        Ok(())
    }

    #[test]
    fn a_due_date_is_text_or_a_date_of_toml() -> Result<()> {
        let utc = "zone = \"UTC\"\n";
        for due in [
            "\"2026-12-14T23:59\"",
            "2026-12-14T23:59:00",
            "2026-12-14T23:59:00Z",
        ] {
            let policy = Policy::parse(&format!("{utc}due = {due}"))?;
            assert_eq!(policy.due, Some("2026-12-14T23:59:00Z".parse()?), "{due}");
        }
        Ok(())
    }

    #[test]
    fn faults_name_the_key() {
        for (text, fault) in [
            ("", "missing field `zone`"),
            ("zone = \"Berlin\"", "`Berlin` is not a time zone"),
            ("zone = \"UTC\"\ndeu = 1", "unknown field `deu`"),
            ("zone = \"UTC\"\ndue = 5", "due"),
            ("zone = \"UTC\"\ngrace = \"-5min\"", "grace"),
            (
                "zone = \"UTC\"\n[penalty]\nkind = \"per-day\"\npercent = 110",
                "penalty.percent: 110",
            ),
            (
                "zone = \"UTC\"\n[penalty]\nkind = \"steps\"\nsteps = [{ within = \"2d\", percent = 20 }, { within = \"3d\", percent = 10 }]",
                "costs no less",
            ),
            (
                "zone = \"Europe/Berlin\"\n[exercises.\"03-msa\"]\ndue = \"2026-03-29T02:30\"",
                "exercises.\"03-msa\": due: `2026-03-29T02:30` does not exist",
            ),
            ("zone = \"UTC\"\n[exercises.a]\nweight = -1", "weight"),
            (
                "zone = \"UTC\"\n[kinds.drwan]\nstudents-see = \"summary\"",
                "kinds.drwan: there is no such kind of test",
            ),
        ] {
            let error = format!("{:#}", Policy::parse(text).expect_err(text));
            assert!(error.contains(fault), "{error}");
        }
    }
}
