//! Processes that an attack leaves running: children that this process has adopted.

use rustix::process::{Pid, WaitOptions, wait};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The time in which a process that nobody has ended must end by itself.
const LAST_BREATH: Duration = Duration::from_secs(2);

/// The flag of a task that is ending; see PF_EXITING in the kernel's include/linux/sched.h.
const EXITING: u64 = 0x4;

/// The bit of SIGKILL among the signals that wait for a task.
const KILLED: u64 = 1 << 8;

/// Counts the adopted children that do not end. Those that were killed are waited for, however long a busy machine takes.
pub(super) fn left() -> usize {
    let deadline = Instant::now() + LAST_BREATH;
    loop {
        // Those that have ended are let go; an error means that there is none at all.
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        let children = children();
        let running = children.iter().filter(|child| !is_ending(**child)).count();
        if children.is_empty() || (running > 0 && Instant::now() > deadline) {
            return running;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn children() -> Vec<Pid> {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten();
    let mut children = vec![];
    for thread in threads.flatten() {
        let text = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        let numbers = text.split_whitespace().filter_map(|id| id.parse().ok());
        children.extend(numbers.filter_map(Pid::from_raw));
    }
    children
}

/// Returns whether each thread of a process has ended, is ending, or was killed.
fn is_ending(process: Pid) -> bool {
    let threads = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero()));
    let mut threads = threads.into_iter().flatten().flatten();
    threads.all(|thread| {
        let is = |file: &str, says: fn(&str) -> bool| {
            // A process that cannot be read any more is gone.
            read(&thread.path().join(file)).is_none_or(|text| says(&text))
        };
        is("stat", is_exiting) || is("status", is_killed)
    })
}

fn read(path: &Path) -> Option<String> {
    fs::read(path)
        .ok()
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads /proc/PID/stat; see proc_pid_stat(5).
fn is_exiting(stat: &str) -> bool {
    // The name before may hold anything.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut fields = rest.split_whitespace();
    let state = fields.next().unwrap_or_default();
    let flags = fields.nth(5).and_then(|flags| flags.parse::<u64>().ok());
    matches!(state, "Z" | "X") || flags.is_some_and(|flags| flags & EXITING != 0)
}

/// Reads /proc/PID/status; see proc_pid_status(5).
fn is_killed(status: &str) -> bool {
    status.lines().any(|line| {
        let waiting = line
            .strip_prefix("SigPnd:")
            .or(line.strip_prefix("ShdPnd:"));
        let waiting = waiting.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        waiting.is_some_and(|mask| mask & KILLED != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn what_was_killed_is_told_from_what_runs() {
        assert!(is_killed(
            "Name:\tsh\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000100\n"
        ));
        assert!(!is_killed(
            "SigPnd:\t0000000000000001\nShdPnd:\t0000000000000000\n"
        ));
        assert!(is_exiting("7 (a) b) Z 1 7 7 0 -1 4194308 0"));
        assert!(is_exiting("7 (sh) R 1 7 7 0 -1 4194308 0"));
        assert!(!is_exiting("7 (sh) S 1 7 7 0 -1 4194304 0"));
    }

    #[test]
    fn a_process_that_runs_is_not_ending_and_one_that_has_ended_is() {
        let mut sleeper = Command::new("sleep")
            .arg("600")
            .spawn()
            .expect("sleep starts");
        let pid = Pid::from_child(&sleeper);
        assert!(children().contains(&pid));
        assert!(!is_ending(pid));
        sleeper.kill().expect("it runs");
        assert!(is_ending(pid), "it was killed, and waits for nobody");
        sleeper.wait().expect("it was started here");
    }
}
