//! The limits on a submission's code while it is judged: seconds and memory, for each exercise.

use clap::Args;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Limits that somebody set, and the others left open: on the command line, or in `[package.metadata.exercise.limits]`.
#[derive(
    Args, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LimitOverrides {
    /// Limit one call of a submission's function by the clock, and to a fifth of that, at least 2 s, in processor time
    /// [default: the exercise's, else 10]
    #[arg(id = "call-limit", long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_seconds: Option<u64>,
    /// Limit all tests of an exercise [default: the exercise's, else 60]
    #[arg(id = "exercise-limit", long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86400))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exercise_seconds: Option<u64>,
    /// Limit the memory of a submission's process [default: the exercise's, else 2048]
    #[arg(id = "memory-limit", long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(64..=4096))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
}

/// The limits that an exercise is judged under; written into its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// One call of a submission's function, by the clock. The solutions take milliseconds; a machine may be busy or slow.
    /// The judge derives the limit in processor time from it.
    pub call_seconds: u64,
    /// All tests of the exercise.
    pub exercise_seconds: u64,
    /// Memory of its own of the submission's process.
    pub memory_mib: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call_seconds: 10,
            exercise_seconds: 60,
            memory_mib: 2048,
        }
    }
}

impl Limits {
    /// The limits in force: each is taken from the command line, or else from the exercise, or else is the default.
    pub fn of(command_line: LimitOverrides, exercise: LimitOverrides) -> Self {
        let usual = Self::default();
        let first = |asked: Option<u64>, own: Option<u64>, usual| asked.or(own).unwrap_or(usual);
        Self {
            call_seconds: first(
                command_line.call_seconds,
                exercise.call_seconds,
                usual.call_seconds,
            ),
            exercise_seconds: first(
                command_line.exercise_seconds,
                exercise.exercise_seconds,
                usual.exercise_seconds,
            ),
            memory_mib: first(
                command_line.memory_mib,
                exercise.memory_mib,
                usual.memory_mib,
            ),
        }
    }

    /// The time of all tests.
    pub fn exercise(self) -> Duration {
        Duration::from_secs(self.exercise_seconds)
    }

    /// Processor time of the judge, and of each worker, in seconds. That of threads adds up: who has no more than four at
    /// work meets the time limit of the exercise first.
    pub fn processor_seconds(self) -> u64 {
        self.exercise_seconds * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_comes_before_the_exercise_and_the_exercise_before_what_is_usual() {
        let exercise: LimitOverrides =
            toml::from_str("call-seconds = 30\nmemory-mib = 3000").expect("limits of an exercise");
        let command_line = LimitOverrides {
            call_seconds: Some(2),
            ..LimitOverrides::default()
        };
        let limits = Limits::of(command_line, exercise);
        assert_eq!(limits.call_seconds, 2);
        assert_eq!(limits.memory_mib, 3000);
        assert_eq!(limits.exercise_seconds, Limits::default().exercise_seconds);
        assert!(toml::from_str::<LimitOverrides>("calls = 3").is_err());
    }

    #[test]
    fn who_may_take_longer_gets_more_processor_time() {
        let long = LimitOverrides {
            exercise_seconds: Some(3600),
            ..LimitOverrides::default()
        };
        let limits = Limits::of(long, LimitOverrides::default());
        assert!(limits.processor_seconds() > limits.exercise_seconds);
    }
}
