//! A watch over confined processes, from outside: what one of them holds in memory, and how many threads it has.
//!
//! RLIMIT_DATA bounds the memory that a process takes for itself, and what it does not count a sealed worker cannot
//! have (see `workers::seal`). The watch is for what no limit of the system is for: the threads of one process, and
//! memory that some other way was found to.

use crate::system;
use rustix::process::Pid;
use std::time::Duration;

/// The time between two looks at the processes.
pub const EVERY: Duration = Duration::from_millis(20);

/// The most that one process may hold in memory, swapped out or not: what its RLIMIT_DATA lets it take, and room for
/// libtorch's libraries.
pub const MEMORY: u64 = 6 << 30;

/// Looks once at a process and all that it started, and kills those that hold too much.
pub fn look(process: Pid) {
    look_for(process, MEMORY);
}

/// As [`look`], with another limit on memory, in bytes.
pub fn look_for(process: Pid, memory: u64) {
    system::look_for(process, memory);
}
