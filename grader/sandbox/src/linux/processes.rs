//! The processes that run, as /proc shows them.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fs;

/// The most threads that one process may have. The compiler starts a few, libtorch one for each processor.
const THREADS: u64 = 512;

/// The memory, in bytes, and the threads that a process has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct ResourceUse {
    memory: u64,
    threads: u64,
}

/// Looks once at a process and all that it started, and kills those that hold more than so many bytes, or too many threads.
pub(crate) fn look_for(process: Pid, memory: u64) {
    let mut todo = vec![process];
    while let Some(process) = todo.pop() {
        // Held before it is looked at, so that no other process of the same number is killed.
        let Ok(held) = pidfd_open(process, PidfdFlags::empty()) else {
            continue;
        };
        let id = process.as_raw_nonzero();
        let held_now = fs::read_to_string(format!("/proc/{id}/status")).map(|text| usage(&text));
        if held_now.is_ok_and(|held| held.memory > memory || held.threads > THREADS) {
            // An error means that it has ended.
            let _ = pidfd_send_signal(&held, Signal::KILL);
        }
        let threads = fs::read_dir(format!("/proc/{id}/task"));
        for thread in threads.into_iter().flatten().flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            let children = children.split_whitespace().filter_map(|id| id.parse().ok());
            todo.extend(children.filter_map(Pid::from_raw));
        }
    }
}

/// Reads /proc/PID/status; see proc_pid_status(5).
fn usage(status: &str) -> ResourceUse {
    let field = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    ResourceUse {
        memory: (field("VmRSS:") + field("VmSwap:")) << 10,
        threads: field("Threads:"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_holds_is_read() {
        let status = "Name:\tworker\nVmRSS:\t    2048 kB\nVmSwap:\t    1024 kB\nThreads:\t7\n";
        let read = ResourceUse {
            memory: 3 << 20,
            threads: 7,
        };
        assert_eq!(usage(status), read);
    }

    #[test]
    fn this_process_is_within_bounds_and_lives() {
        let own = fs::read_to_string("/proc/self/status").expect("this process's status");
        assert!(usage(&own).threads >= 1 && usage(&own).memory > 0);
        look_for(rustix::process::getpid(), crate::watch::MEMORY);
    }
}
