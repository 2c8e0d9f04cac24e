//! Lateness: due dates with extensions, penalties, and the late days that avoid them.

use crate::decision::Action;
use crate::policy::{Penalty, Policy};
use crate::time::Interval;
use jiff::Timestamp;
use serde::Serialize;

/// Lateness after a due date; zero within the grace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lateness {
    /// Seconds.
    pub seconds: i64,
    /// Calendar days begun.
    pub days: u32,
}

/// The points that an attempt earns, with the late days that it uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AttemptScore {
    /// Lateness before late days.
    pub(super) late: Lateness,
    /// Late days used.
    pub(super) late_days: u32,
    /// The penalty in per cent, after late days.
    pub(super) percent: f64,
    /// Points after the penalty.
    pub(super) adjusted: f64,
}

/// The due date of an exercise of one person, with its penalty.
pub(super) struct Deadline<'a> {
    policy: &'a Policy,
    /// The due date, with the extension.
    pub(super) due: Option<Timestamp>,
}

impl<'a> Deadline<'a> {
    /// The deadline under a policy, with the extension that is in force.
    pub(super) fn of(policy: &'a Policy, exercise: &str, extension: Option<&Action>) -> Self {
        let due = policy.due_of(exercise).map(|due| match extension {
            Some(&Action::Extend { days, seconds }) => {
                Interval { days, seconds }.after(due, &policy.zone)
            }
            Some(Action::ExtendUntil { until }) => due.max(*until),
            _ => due,
        });
        Self { policy, due }
    }

    /// The points after the penalty of `raw` points handed in at `time`, with the fewest of `late_days` that save the most. In
    /// time, if there is no due date or the time is not known.
    pub(super) fn earned(&self, raw: f64, time: Option<Timestamp>, late_days: u32) -> AttemptScore {
        let in_time = AttemptScore {
            late: Lateness::default(),
            late_days: 0,
            percent: 0.0,
            adjusted: raw,
        };
        let (Some(due), Some(time)) = (self.due, time) else {
            return in_time;
        };
        let late = self.lateness(due, time);
        if late == Lateness::default() {
            return in_time;
        }
        let with = |used: u32| {
            let percent = self.percent(due, time, late, used);
            (percent, raw * (100.0 - percent) / 100.0)
        };
        let (mut percent, mut adjusted) = with(0);
        let mut used = 0;
        for days in 1..=late_days.min(late.days) {
            let (less, more) = with(days);
            if more > adjusted {
                (used, percent, adjusted) = (days, less, more);
            }
        }
        AttemptScore {
            late,
            late_days: used,
            percent,
            adjusted,
        }
    }

    /// The lateness of a time. It counts from the due date, once the grace is over.
    fn lateness(&self, due: Timestamp, time: Timestamp) -> Lateness {
        let zone = &self.policy.zone;
        if time <= due || time <= self.policy.grace.after(due, zone) {
            return Lateness::default();
        }
        let elapsed = time.duration_since(due);
        let seconds = elapsed.as_secs() + i64::from(elapsed.subsec_nanos() > 0);
        // Days of the calendar differ from days of 24 hours by an hour or two.
        let mut days = u32::try_from(seconds / 86_400)
            .unwrap_or(u32::MAX)
            .saturating_sub(1);
        while Interval::of_days(days).after(due, zone) < time {
            days += 1;
        }
        Lateness { seconds, days }
    }

    /// The penalty of a late time, in per cent of the points earned, after `used` late days moved the due date.
    fn percent(&self, due: Timestamp, time: Timestamp, late: Lateness, used: u32) -> f64 {
        let is_within = |interval: Interval| {
            let moved = Interval {
                days: interval.days + i64::from(used),
                ..interval
            };
            time <= moved.after(due, &self.policy.zone)
        };
        if used > 0 && is_within(self.policy.grace) {
            return 0.0;
        }
        match &self.policy.penalty {
            Penalty::Zero => 0.0,
            Penalty::CutOff => 100.0,
            Penalty::Steps(steps) => {
                let step = steps.iter().find(|(within, _)| is_within(*within));
                step.map_or(100.0, |(_, percent)| *percent)
            }
            Penalty::PerDay {
                percent,
                at_most,
                cut_off,
            } => match cut_off {
                Some(cut_off) if !is_within(*cut_off) => 100.0,
                _ => (percent * f64::from(late.days.saturating_sub(used))).min(*at_most),
            },
        }
    }
}
