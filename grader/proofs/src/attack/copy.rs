//! A throw-away copy of this machine, for attacks that are let through: the same files, of which every change goes to
//! memory and is gone with the copy, and processes that see and reach no others. It takes user namespaces, and no
//! rights. See user_namespaces(7), pid_namespaces(7) and the kernel's Documentation/filesystems/overlayfs.rst.
//!
//! Three processes make it: the first owns the empty folder where it is put together ([`run`]), the second puts it
//! together and makes it its root ([`enter`]), and the third is the first process of the copy ([`begin`]).

use super::listing::{self, Listing};
use anyhow::{Context, Result, bail};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getgid, getuid};
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind_recursive, unmount};
use rustix::process::{Signal, pivot_root, set_parent_process_death_signal};
use sandbox::{confining_program, this_program};
use std::ffi::{CString, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

/// The kernel's own file systems, which are shown as they are and not copied.
const OF_THE_KERNEL: [&str; 3] = ["/proc", "/sys", "/dev"];

/// The largest file that is copied, in bytes. Few files are: only those in a folder that also holds a mount point.
const LARGEST: u64 = 16 << 20;

/// The folder at the top of a copy that holds what is changed in it.
const CHANGES: &str = ".changes";

/// Runs this program with `arguments` in a copy of the machine and returns its output and exit status; `program` starts it.
/// If there can be no copy, the exit code is that of [`Exit::NoCopy`](grader::exit::Exit::NoCopy) and standard error says
/// why.
///
/// # Errors
/// Returns an error if the program cannot be started.
pub(super) fn run(mut program: Command, arguments: &[OsString]) -> Result<Output> {
    let place = tempfile::tempdir().context("no temporary folder can be made")?;
    program
        .arg("copied")
        .arg("--place")
        .arg(place.path())
        .arg("--")
        .args(arguments)
        .output()
        .context("the program cannot be started again")
}

/// A command that starts this program again, with the same grader.
fn again() -> Result<Command> {
    let mut program = Command::new(this_program()?);
    program.arg("--grader").arg(confining_program()?);
    Ok(program)
}

/// Puts the copy together at an empty folder, makes it the root of this process, which must have one thread, and runs
/// the copy's first process.
///
/// # Errors
/// Returns an error if the kernel grants no user namespace, or a step of putting the copy together fails.
pub fn enter(place: &Path, arguments: &[OsString]) -> Result<ExitStatus> {
    let mut program = again()?;
    let here = std::env::current_dir().context("the current folder cannot be found")?;
    let (user, group) = (getuid(), getgid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID)
        .context("the kernel grants no user namespace")?;
    set_parent_process_death_signal(Some(Signal::KILL))
        .context("the death signal cannot be set")?;
    // Whoever runs this is root in the copy, and there alone: mounting takes that.
    let facts = [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("0 {user} 1")),
        ("gid_map", format!("0 {group} 1")),
    ];
    for (file, fact) in facts {
        fs::write(Path::new("/proc/self").join(file), fact)
            .with_context(|| format!("/proc/self/{file} cannot be written"))?;
    }
    let root = Copy::at(place)?.root;
    let old = root.join(".old");
    fs::create_dir(&old)?;
    pivot_root(&root, &old).context("the copy cannot be made the root")?;
    unmount("/.old", UnmountFlags::DETACH).context("the machine itself cannot be left")?;
    std::env::set_current_dir(&here)
        .with_context(|| format!("{} is not in the copy", here.display()))?;
    program
        .args(["copied", "--"])
        .args(arguments)
        .status()
        .context("the copy's first process cannot be started")
}

/// Sees to it that the copy's processes see themselves and no others, and becomes this program with other arguments;
/// returns only where that fails.
pub fn begin(arguments: &[OsString]) -> anyhow::Error {
    let begun = set_parent_process_death_signal(Some(Signal::KILL))
        .context("the death signal cannot be set")
        .and_then(|()| {
            let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
            mount("proc", "/proc", "proc", flags, None)
                .context("the kernel grants no /proc of one's own")
        })
        .and_then(|()| again());
    match begun {
        Err(error) => error,
        Ok(mut program) => anyhow::Error::new(program.args(arguments).exec())
            .context("the program cannot be started again"),
    }
}

/// Lists whatever was changed in the copy of the machine that this process is in, by the paths that it has there, but
/// what `is_passed_over`. Nobody outside can have changed it: what others change in the machine's own files is not in it.
pub(super) fn changes(is_passed_over: &dyn Fn(&Path) -> bool) -> Listing {
    let top = Path::new("/");
    let changes = top.join(CHANGES);
    let is_elsewhere = |path: &Path| path.starts_with(&changes) || is_passed_over(path);
    let mut found = listing::list(top, top, &is_elsewhere);
    let shared = Path::new("/dev/shm");
    found.extend(listing::list(shared, shared, is_passed_over));
    for entry in fs::read_dir(&changes).into_iter().flatten().flatten() {
        if let Ok(folder) = fs::read_link(entry.path().join(OF)) {
            let upper = entry.path().join(UPPER);
            found.extend(listing::list(&upper, &folder, is_passed_over));
        }
    }
    found
}

/// The names beside each folder that is laid over: of its changes, and of a link to it.
const UPPER: &str = "upper";
const OF: &str = "of";

/// A copy of all files that is being put together.
struct Copy {
    /// The top folder of the copy.
    root: PathBuf,
    /// The folder that holds the changes made in the copy, one numbered folder for each overlay.
    changes: PathBuf,
    /// The number of folders that have been laid over.
    folders: usize,
    /// The mount points of this machine.
    mounts: Vec<PathBuf>,
}

impl Copy {
    fn at(place: &Path) -> Result<Self> {
        let mounts = mounts()?;
        mount("memory", place, "tmpfs", MountFlags::empty(), None)
            .with_context(|| format!("no memory can be mounted at {}", place.display()))?;
        let mut copy = Self {
            root: place.to_owned(),
            changes: place.join(CHANGES),
            folders: 0,
            mounts,
        };
        copy.show(Path::new("/"))?;
        Ok(copy)
    }

    /// Shows a folder and all below it. One in which file systems are mounted cannot be laid over whole: it is shown
    /// entry by entry.
    fn show(&mut self, folder: &Path) -> Result<()> {
        let shown = self.shown(folder);
        fs::create_dir_all(&shown)
            .with_context(|| format!("{} cannot be created", shown.display()))?;
        if OF_THE_KERNEL
            .iter()
            .any(|kernel| folder == Path::new(kernel))
        {
            mount_bind_recursive(folder, &shown)
                .with_context(|| format!("{} cannot be shown", folder.display()))?;
            let shared = shown.join("shm");
            if shared.is_dir() {
                mount("memory", &shared, "tmpfs", MountFlags::empty(), None)
                    .with_context(|| format!("{} cannot be hidden", shared.display()))?;
            }
            return Ok(());
        }
        let holds_mounts = self
            .mounts
            .iter()
            .any(|mount| mount != folder && mount.starts_with(folder));
        if !holds_mounts {
            return self.lay_over(folder, &shown);
        }
        let entries =
            fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
        for entry in entries.flatten() {
            let path = entry.path();
            let shown = self.shown(&path);
            let Ok(facts) = fs::symlink_metadata(&path) else {
                continue;
            };
            // A file that cannot be shown is missing from the copy, and a program that needs it reports that.
            if facts.is_dir() {
                let _ = self.show(&path);
            } else if facts.is_symlink() {
                let _ = fs::read_link(&path).and_then(|target| symlink(target, shown));
            } else if facts.is_file() && facts.len() <= LARGEST {
                let _ = fs::copy(&path, shown);
            }
        }
        Ok(())
    }

    fn shown(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Shows a folder such that every change goes to memory.
    fn lay_over(&mut self, folder: &Path, shown: &Path) -> Result<()> {
        self.folders += 1;
        let [upper, work, of] =
            [UPPER, "work", OF].map(|part| self.changes.join(format!("{}/{part}", self.folders)));
        for part in [&upper, &work] {
            fs::create_dir_all(part)?;
        }
        symlink(folder, of)?;
        let mut options = vec![];
        for (name, path) in [
            ("lowerdir", folder),
            (",upperdir", &upper),
            (",workdir", &work),
        ] {
            let path = path.as_os_str().as_bytes();
            if path.iter().any(|byte| b",:\\".contains(byte)) {
                bail!(
                    "{} cannot be laid over: its name has a character that mount takes for its own",
                    folder.display()
                );
            }
            options.extend([name.as_bytes(), b"=", path].concat());
        }
        options.extend(b",userxattr");
        let options = CString::new(options)?;
        mount(
            "copy",
            shown,
            "overlay",
            MountFlags::empty(),
            Some(options.as_c_str()),
        )
        .with_context(|| format!("{} cannot be laid over", folder.display()))
    }
}

/// The mount points of this machine; see proc_pid_mountinfo(5).
fn mounts() -> Result<Vec<PathBuf>> {
    let text = fs::read_to_string("/proc/self/mountinfo").context("the mounts cannot be listed")?;
    Ok(text.lines().filter_map(mount_point).collect())
}

fn mount_point(line: &str) -> Option<PathBuf> {
    // Blanks and the like are written as three octal digits.
    let written = line.split_whitespace().nth(4)?;
    let mut parts = written.split('\\');
    let mut path = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(3)?;
        path.push(u8::from_str_radix(digits, 8).ok()?.into());
        path.push_str(rest);
    }
    Some(path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_something_is_mounted_is_read() {
        let line = r"36 35 98:0 /mnt1 /mnt/my\040disk rw,noatime master:1 - ext3 /dev/root rw";
        assert_eq!(mount_point(line), Some("/mnt/my disk".into()));
        assert_eq!(mount_point("36 35"), None);
        assert!(mounts().is_ok_and(|mounts| mounts.contains(&"/".into())));
    }
}
