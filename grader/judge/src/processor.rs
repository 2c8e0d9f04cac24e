//! The processor time of another process.

use rustix::param::clock_ticks_per_second;
use rustix::process::Pid;
use std::fs;
use std::time::Duration;

/// The processor time that a process, with all of its threads, has taken since it was started. None where the system does
/// not tell.
pub(crate) fn time_of(process: Pid) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_pid())).ok()?;
    let ticks = ticks(&stat)?;
    Some(Duration::from_secs(ticks) / u32::try_from(clock_ticks_per_second()).ok()?)
}

/// The ticks of the clock in user and kernel mode in `/proc/PID/stat`; see proc_pid_stat(5).
fn ticks(stat: &str) -> Option<u64> {
    // The second field is the program's name in parentheses, which may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::getpid;

    #[test]
    fn a_name_with_spaces_and_parentheses_moves_no_field() {
        let stat = "42 (a) (b 7) R 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 1 0 99 100 200";
        assert_eq!(ticks(stat), Some(200));
        assert_eq!(ticks("42 (a) R 1 2"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn work_takes_processor_time_and_waiting_does_not() {
        let own = || time_of(getpid()).expect("this process's time");
        let before = own();
        let mut sum = 0_u64;
        while own() < before + Duration::from_millis(50) {
            sum = (0..1000_u64).fold(sum, |sum, i| std::hint::black_box(sum.wrapping_add(i)));
        }
        assert!(own() >= before + Duration::from_millis(50), "{sum}");
        let none = Pid::from_raw(i32::MAX).expect("a number above those of all processes");
        assert_eq!(time_of(none), None);
    }
}
