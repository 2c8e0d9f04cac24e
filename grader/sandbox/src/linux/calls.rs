//! seccomp: calls of the system that no compiler, linker, judge or worker needs, refused from the start. A worker
//! gives up far more itself, once it runs. See seccomp(2), and the kernel's
//! Documentation/userspace-api/seccomp_filter.rst.

use anyhow::{Context, Result};
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};
use std::collections::BTreeMap;

/// Calls that are refused with "operation not permitted".
const REFUSED: &[c_long] = &[
    // Talk to anybody: TCP, UDP, Unix, vsock, netlink. A `socketpair` reaches nobody else, and the compiler starts
    // the linker with one.
    libc::SYS_socket,
    // Look into other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_perf_event_open,
    // See another system of files, or another system.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_quotactl,
    libc::SYS_fanotify_init,
    // Change what Landlock does not guard: owners, attributes, devices.
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_mknodat,
    // Parts of the kernel in which holes were found again and again.
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Memory that is not counted as the process's own, and memory that can be run as a program.
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_msgget,
    libc::SYS_mq_open,
    // The machine itself: root may.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
];

/// The older forms that only x86-64 has.
#[cfg(target_arch = "x86_64")]
const REFUSED_OLD: &[c_long] = &[
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_mknod,
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_modify_ldt,
    libc::SYS_kexec_file_load,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_OLD: &[c_long] = &[];

/// New namespaces, which `clone` makes as `unshare` does.
const NAMESPACES: &[i32] = &[
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Confines this thread and all that it becomes or starts. With a GPU, Unix sockets are allowed: CUDA makes one, and
/// aborts if it cannot. Landlock restricts with whom it may connect.
///
/// # Errors
/// Returns an error if the kernel has no seccomp, or the processor is not a known one.
pub(super) fn confine(gpu: bool) -> Result<()> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = [REFUSED, REFUSED_OLD]
        .concat()
        .into_iter()
        .map(|call| (call, vec![]))
        .collect();
    if gpu {
        let is_other = SeccompCmpOp::Ne;
        let other =
            SeccompCondition::new(0, SeccompCmpArgLen::Dword, is_other, libc::AF_UNIX as u64);
        let refused = other.and_then(|other| SeccompRule::new(vec![other]));
        rules.insert(
            libc::SYS_socket,
            vec![refused.context("seccomp takes no such rule")?],
        );
    }
    let namespaces = NAMESPACES.iter().map(|&flag| {
        let flag = flag as u64;
        let is_set = SeccompCmpOp::MaskedEq(flag);
        SeccompRule::new(vec![SeccompCondition::new(
            0,
            SeccompCmpArgLen::Dword,
            is_set,
            flag,
        )?])
    });
    let namespaces = namespaces.collect::<Result<_, _>>();
    rules.insert(
        libc::SYS_clone,
        namespaces.context("seccomp takes no such rule")?,
    );
    put_on(rules, libc::EPERM)?;
    // Its flags are in memory, where a filter cannot look. Libraries that find it missing use `clone`.
    put_on(BTreeMap::from([(libc::SYS_clone3, vec![])]), libc::ENOSYS)
}

fn put_on(rules: BTreeMap<i64, Vec<SeccompRule>>, error: i32) -> Result<()> {
    let architecture = std::env::consts::ARCH
        .try_into()
        .with_context(|| format!("no filter is known for {}", std::env::consts::ARCH))?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(error as u32),
        architecture,
    );
    let program: BpfProgram = filter
        .and_then(TryInto::try_into)
        .context("the seccomp filter is not valid")?;
    apply_filter(&program).context(
        "the kernel takes no seccomp filter (it is built without CONFIG_SECCOMP_FILTER, or a container forbids it)",
    )
}
