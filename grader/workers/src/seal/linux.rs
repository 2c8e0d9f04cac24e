//! The sealing of a worker on Linux: it gives up every system call but those that computing takes.
//!
//! The filter is a list of what stays allowed; all else is answered "not implemented", as an old kernel would, for
//! which every library has another way. So what future kernels add is refused too. The process opens files only to
//! read them (Landlock says which), starts threads and no processes, signals nobody but itself, and takes no memory
//! but what its limit counts: RLIMIT_DATA counts neither shared mappings nor those that grow down. See seccomp(2).
//!
//! And it gives up what it read to start: itself, and what the kernel says of it in /proc/self, where folders of the
//! machine are named. It is in no folder of its own, and no link is read.

use landlock::{
    AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    path_beneath_rules,
};
use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, apply_filter,
};
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io;
use std::path::Path;

/// The variable that tells a worker to give up the files that it read to start.
const FILES_VARIABLE: &str = "WORKER_FILES";

/// The variable that tells a worker that a GPU was requested.
const GPU_VARIABLE: &str = "WORKER_GPU";

/// The system calls that CUDA takes besides, whatever the arguments: it talks to the driver by `ioctl`, and to itself
/// by pipes, events and a Unix socket that it binds and to which nothing connects.
const ALLOWED_FOR_GPU: &[c_long] = &[
    libc::SYS_ioctl,
    libc::SYS_readlinkat,
    libc::SYS_pipe2,
    libc::SYS_eventfd2,
    libc::SYS_bind,
    libc::SYS_getsockname,
    libc::SYS_mincore,
    libc::SYS_mbind,
    libc::SYS_get_mempolicy,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_getppid,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_getparam,
];

/// Calls that are allowed whatever their arguments.
const ALLOWED: &[c_long] = &[
    // Frames, and files that Landlock allows.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_ppoll,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    // Memory, but for new mappings.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Threads, but for new ones.
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Signals that it gets.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Time, randomness, and what the machine is.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrusage,
    libc::SYS_getrandom,
    libc::SYS_sysinfo,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
];

/// The older forms that only x86-64 has. `open` is not among them: its flags would have to be looked at too.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OLD: &[c_long] = &[
    libc::SYS_poll,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_getrlimit,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OLD: &[c_long] = &[];

/// The files that libtorch may read at any time: of the processors, and of random numbers.
const MACHINE: &[&str] = &[
    "/proc/cpuinfo",
    "/sys/devices/system/cpu",
    "/sys/kernel/mm/transparent_hugepage",
    "/dev/urandom",
];

/// The threads of this process, which are counted after each call.
const THREADS: &str = "/proc/self/task";

/// Seals this process, which must have one thread: no filter reaches those that run already.
///
/// # Errors
/// Returns an error if the kernel refuses the filter.
pub(super) fn seal() -> io::Result<()> {
    env::set_current_dir("/")?;
    if env::var_os(FILES_VARIABLE).is_some() {
        give_up_files().map_err(io::Error::other)?;
    }
    put_on(env::var_os(GPU_VARIABLE).is_some()).map_err(io::Error::other)
}

/// From here on, opens only what libtorch may ask for, and where the libraries are that it was started with, some of which
/// load others later.
fn give_up_files() -> Result<(), RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let own = env::current_exe().unwrap_or_default();
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mapped = maps
        .lines()
        .filter_map(|line| Some(Path::new(&line[line.find('/')?..])));
    let libraries: BTreeSet<_> = mapped
        .filter(|file| *file != own)
        .filter_map(Path::parent)
        .collect();
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(read)?
        .create()?
        .add_rules(path_beneath_rules(MACHINE, read))?
        .add_rules(path_beneath_rules(libraries, read))?
        .add_rules(path_beneath_rules([THREADS], AccessFs::ReadDir))?
        .restrict_self()?;
    Ok(())
}

fn put_on(gpu: bool) -> Result<(), seccompiler::Error> {
    let architecture = env::consts::ARCH.try_into()?;
    let mut rules = rules()?;
    if gpu {
        allow_gpu(&mut rules)?;
    }
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::ENOSYS as u32),
        SeccompAction::Allow,
        architecture,
    )?;
    let program: BpfProgram = filter.try_into()?;
    apply_filter(&program)
}

/// Adds what CUDA takes. Devices are opened to be written, and their memory is shared; which files those are, Landlock
/// says. Memory that is shared is counted by the grader's watch alone.
fn allow_gpu(rules: &mut BTreeMap<i64, Vec<SeccompRule>>) -> Result<(), BackendError> {
    use SeccompCmpOp::{Eq, MaskedEq};
    rules.extend(ALLOWED_FOR_GPU.iter().map(|&call| (call, vec![])));
    let made = libc::O_CREAT | libc::O_TRUNC | (libc::O_TMPFILE & !libc::O_DIRECTORY);
    let shared = (libc::MAP_TYPE | libc::MAP_GROWSDOWN) as u64;
    for (call, argument, is, value) in [
        (libc::SYS_openat, 2, MaskedEq(made as u64), 0),
        (libc::SYS_mmap, 3, MaskedEq(shared), libc::MAP_SHARED as u64),
        (libc::SYS_socket, 0, Eq, libc::AF_UNIX as u64),
    ] {
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, is, value)?;
        let rule = SeccompRule::new(vec![condition])?;
        rules.entry(call).or_default().push(rule);
    }
    Ok(())
}

/// The calls that are allowed, and for some, with which arguments.
fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    use SeccompCmpOp::{Eq, MaskedEq};
    let any = [ALLOWED, ALLOWED_OLD].concat().into_iter();
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = any.map(|call| (call, vec![])).collect();
    // Each entry allows the call where this argument is so.
    let mut allow = |call, argument, is: SeccompCmpOp, value: u64| -> Result<(), BackendError> {
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, is, value)?;
        let rule = SeccompRule::new(vec![condition])?;
        rules.entry(call).or_default().push(rule);
        Ok(())
    };

    // Files are opened to be read: not written, made, emptied, nor without a name.
    let to_change =
        libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | (libc::O_TMPFILE & !libc::O_DIRECTORY);
    allow(
        libc::SYS_openat,
        2,
        MaskedEq(to_change as u64),
        libc::O_RDONLY as u64,
    )?;
    // New memory is the process's own, and counted.
    let kind = libc::MAP_TYPE | libc::MAP_GROWSDOWN;
    allow(
        libc::SYS_mmap,
        3,
        MaskedEq(kind as u64),
        libc::MAP_PRIVATE as u64,
    )?;
    // A clone is a thread. `clone3` is left out, whose flags are in memory, where a filter cannot look.
    let thread = libc::CLONE_THREAD as u64;
    allow(libc::SYS_clone, 0, MaskedEq(thread), thread)?;
    // Its own threads are all that it signals: `abort` does.
    allow(libc::SYS_tgkill, 0, Eq, std::process::id().into())?;
    // A descriptor is copied and asked about, not made to signal anybody.
    for command in [
        libc::F_GETFD,
        libc::F_SETFD,
        libc::F_GETFL,
        libc::F_DUPFD,
        libc::F_DUPFD_CLOEXEC,
    ] {
        allow(libc::SYS_fcntl, 1, Eq, command as u64)?;
    }
    allow(libc::SYS_ioctl, 1, Eq, libc::TCGETS)?;
    // Names of threads and of memory. Not the signal that ends it with its parent.
    for option in [libc::PR_SET_NAME, libc::PR_GET_NAME, libc::PR_SET_VMA] {
        allow(libc::SYS_prctl, 0, Eq, option as u64)?;
    }
    // Limits are asked for, not set: the address of new ones is null.
    let asks = SeccompCondition::new(2, SeccompCmpArgLen::Qword, Eq, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![asks])?]);
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{MemfdFlags, memfd_create};
    use rustix::process::{PidfdFlags, Signal, getpid, kill_process, pidfd_open, setsid};
    use std::fs::{File, OpenOptions, Permissions};
    use std::net::{TcpListener, UdpSocket};
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
    use std::os::unix::net::{UnixDatagram, UnixStream};
    use std::process::Command;
    use std::thread;

    /// A filter holds for the thread that puts it on, and for those that this one starts.
    fn sealed<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
        let sealed = thread::spawn(|| {
            seal().expect("a kernel with seccomp");
            act()
        });
        sealed.join().expect("what is allowed works")
    }

    #[test]
    fn a_sealed_worker_computes_on_threads_and_reads() {
        let sum = sealed(|| {
            let parts: Vec<_> = (0..4)
                .map(|i| thread::spawn(move || vec![i; 1 << 20].iter().sum::<u64>()))
                .collect();
            let sum: u64 = parts.into_iter().filter_map(|part| part.join().ok()).sum();
            let own = fs::read_to_string("/proc/self/status").expect("reading");
            assert!(own.contains("Seccomp:"));
            sum
        });
        assert_eq!(sum, 6 << 20);
    }

    #[test]
    fn a_worker_that_gave_up_files_reads_of_itself_no_more_than_how_many_threads_it_has() {
        let read = thread::spawn(|| {
            give_up_files().expect("a kernel with Landlock");
            let files = ["environ", "maps", "mountinfo", "cmdline", "exe", "status"];
            let files = files.map(|file| fs::read(format!("/proc/self/{file}")).map(|_| file));
            let threads = fs::read_dir(THREADS).map(Iterator::count);
            let cpu = fs::read_to_string("/proc/cpuinfo");
            (files, threads, cpu)
        });
        let (files, threads, cpu) = read.join().expect("what is allowed works");
        for file in files {
            let error = file.expect_err("it is given up");
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        }
        assert!(threads.is_ok_and(|count| count > 0) && cpu.is_ok());
    }

    #[test]
    fn for_a_gpu_devices_are_opened_and_nothing_else_is_given_up() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let device = folder.path().join("device");
        fs::write(&device, "as it was").expect("writing while it may");
        let sealed = thread::spawn(move || {
            put_on(true).expect("a kernel with seccomp");
            let opened = OpenOptions::new().read(true).write(true).open(&device);
            opened.expect("a device that Landlock would allow");
            UnixDatagram::unbound().expect("a socket that reaches nobody");
            [
                TcpListener::bind("127.0.0.1:0").err(),
                UdpSocket::bind("127.0.0.1:0").err(),
                UnixStream::connect(&device).err(),
                Command::new("/bin/true").spawn().err(),
                File::create(device.with_extension("new")).err(),
                File::create(&device).err(),
                fs::remove_file(&device).err(),
            ]
        });
        for error in sealed.join().expect("what is allowed works") {
            let refused = error.as_ref().and_then(io::Error::raw_os_error) == Some(libc::ENOSYS);
            assert!(refused, "{error:?}");
        }
    }

    #[test]
    fn a_sealed_worker_can_do_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        fs::write(&path, "as it was").expect("writing while it may");
        let outcomes = sealed({
            let path = path.clone();
            move || attempts(&path)
        });
        for (attempt, error) in outcomes {
            let refused = error.as_ref().and_then(io::Error::raw_os_error) == Some(libc::ENOSYS);
            assert!(refused, "{attempt}: {error:?}");
        }
        assert_eq!(fs::read_to_string(&path).ok().as_deref(), Some("as it was"));
        let entries = fs::read_dir(folder.path()).map(Iterator::count);
        assert_eq!(entries.ok(), Some(1));
    }

    fn attempts(path: &std::path::Path) -> Vec<(&'static str, Option<io::Error>)> {
        let emptied = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_TRUNC)
            .open(path);
        let none = PidfdFlags::empty();
        vec![
            ("TCP", TcpListener::bind("127.0.0.1:0").err()),
            ("UDP", UdpSocket::bind("127.0.0.1:0").err()),
            ("a pair of sockets", UnixStream::pair().err()),
            ("a program", Command::new("/bin/true").spawn().err()),
            (
                "another file",
                File::create(path.with_extension("new")).err(),
            ),
            ("writing", OpenOptions::new().append(true).open(path).err()),
            ("emptying", emptied.err()),
            (
                "renaming",
                fs::rename(path, path.with_extension("new")).err(),
            ),
            ("removing", fs::remove_file(path).err()),
            (
                "rights",
                fs::set_permissions(path, Permissions::from_mode(0o777)).err(),
            ),
            ("a link", symlink(path, path.with_extension("link")).err()),
            ("a folder", fs::create_dir(path.with_extension("d")).err()),
            (
                "memory with a name",
                memfd_create("x", MemfdFlags::empty()).err().map(Into::into),
            ),
            (
                "a signal",
                kill_process(getpid(), Signal::WINCH).err().map(Into::into),
            ),
            (
                "a process's handle",
                pidfd_open(getpid(), none).err().map(Into::into),
            ),
            ("a session", setsid().err().map(Into::into)),
            ("its own path", env::current_exe().err()),
            ("a link", fs::read_link("/proc/self/cwd").err()),
        ]
    }
}
