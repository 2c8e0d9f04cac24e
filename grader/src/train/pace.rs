//! The number of steps of a request: about half a second's worth, so that progress is shown and Ctrl-C takes effect,
//! and the requests cost nothing beside the training.

use std::time::Duration;

/// The time that one request should take.
const AIM: Duration = Duration::from_millis(500);

/// The first request: nothing is known yet, and a step may take a minute.
const FIRST: usize = 1;

/// The most by which the number of steps grows from one request to the next: the first ones are slow.
const GROWTH: usize = 8;

/// The speed of the last steps.
#[derive(Debug, Default)]
pub struct Pace {
    last: Option<(usize, Duration)>,
}

impl Pace {
    /// The number of steps to request, of those that are left; at least 1.
    pub fn next(&self, left: usize) -> usize {
        let steps = match self.last {
            None => FIRST,
            Some((steps, took)) => {
                let fitting = steps as f64 * AIM.as_secs_f64() / took.as_secs_f64().max(1e-6);
                (fitting as usize).clamp(1, steps.saturating_mul(GROWTH))
            }
        };
        steps.min(left).max(1)
    }

    /// That many steps took so long.
    pub fn took(&mut self, steps: usize, time: Duration) {
        self.last = Some((steps, time));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_grow_to_half_a_second_and_end_with_the_steps() {
        let mut pace = Pace::default();
        let mut asked = vec![];
        let mut left = 200;
        while left > 0 {
            let steps = pace.next(left);
            pace.took(steps, Duration::from_millis(10) * steps as u32);
            asked.push(steps);
            left -= steps;
        }
        assert_eq!(asked, [1, 8, 50, 50, 50, 41]);
    }

    #[test]
    fn a_slow_step_is_asked_for_alone() {
        let mut pace = Pace::default();
        pace.took(4, Duration::from_secs(60));
        assert_eq!(pace.next(100), 1);
        pace.took(1, Duration::ZERO);
        assert_eq!(pace.next(100), GROWTH);
    }
}
