//! The effort of taking one submission in: its processor time, which is compared with the limit, and an ear for whoever stops the
//! grader.

use std::io::{self, Read, Seek, SeekFrom};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::{IntakeLimits, Refusal};

/// The cost of one submission, from when this was made, in the thread that made it.
pub(super) struct Effort<'a> {
    began: Duration,
    seconds: u64,
    stop: &'a dyn Fn() -> bool,
}

impl<'a> Effort<'a> {
    pub(super) fn new(limits: &IntakeLimits, stop: &'a dyn Fn() -> bool) -> Self {
        Self {
            began: processor_time(),
            seconds: limits.seconds,
            stop,
        }
    }

    /// Returns an error once it cost too much or was interrupted, and from then on always.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if (self.stop)() {
            return Err(Refusal::Stopped);
        }
        let spent = processor_time().saturating_sub(self.began);
        if spent > Duration::from_secs(self.seconds) {
            return Err(Refusal::TooSlow {
                limit: self.seconds,
            });
        }
        Ok(())
    }
}

/// Of this thread. The clock on the wall would count what else the machine does.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// A reader whose every read counts as effort, however little comes out of it in the end.
pub(super) struct MeteredReader<'a, R> {
    pub(super) inner: R,
    pub(super) effort: &'a Effort<'a>,
}

impl<R: Read> Read for MeteredReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.effort.check().map_err(io::Error::other)?;
        self.inner.read(buffer)
    }
}

impl<R: Seek> Seek for MeteredReader<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::hint::black_box;

    use super::*;

    #[test]
    fn what_costs_too_much_ends_and_what_only_waits_does_not() {
        let limits = IntakeLimits {
            seconds: 0,
            ..IntakeLimits::default()
        };
        let never = || false;
        let effort = Effort::new(
            &IntakeLimits {
                seconds: 1,
                ..limits.clone()
            },
            &never,
        );
        std::thread::sleep(Duration::from_millis(1100));
        effort.check().expect("sleeping costs nothing");
        let effort = Effort::new(&limits, &never);
        let mut read = Ok(0);
        for _ in 0..1 << 30 {
            let mut zeros = MeteredReader {
                inner: io::repeat(0),
                effort: &effort,
            };
            read = zeros.read(&mut black_box([0; 1 << 10]));
            if read.is_err() {
                break;
            }
        }
        let error = read.expect_err("its time is over");
        assert!(error.to_string().contains("more than 0 s"), "{error}");
    }

    #[test]
    fn who_wants_to_stop_is_heard() {
        let stopped = Cell::new(false);
        let stop = || stopped.get();
        let effort = Effort::new(&IntakeLimits::default(), &stop);
        effort.check().expect("nobody stopped it");
        stopped.set(true);
        assert!(matches!(effort.check(), Err(Refusal::Stopped)));
    }
}
