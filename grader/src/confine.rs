//! The one place where confinement is put on: the limits and the surroundings of every process that runs or
//! compiles what a submission says.
//!
//! [`Confinement::command`] starts the grader itself again, as `grader confined … -- PROGRAM`; that process takes
//! its limits on ([`enter`]) and becomes the program. So they are in force before the program's first instruction,
//! and nothing has to be done between fork and exec.

use anyhow::{Context, Result};
use clap::Args;
use rustix::process::{
    Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit, setsid,
};
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How much of the sandbox is in force; written into every result.
pub const LEVEL: &str = "limits";

/// What a confined process may use.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Confinement {
    /// The folder it starts in
    #[arg(long)]
    pub folder: PathBuf,
    /// Memory of its own, in MiB
    #[arg(long)]
    pub memory: u64,
    /// Processor time, in seconds
    #[arg(long)]
    pub cpu: u64,
    /// The largest file it may write, in MiB
    #[arg(long)]
    pub file: u64,
    /// Environment variables, as NAME=VALUE; it gets no others
    #[arg(long = "env")]
    pub environment: Vec<String>,
}

impl Confinement {
    /// The compiler of a submission's code.
    pub fn of_compiler(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            memory: 4096,
            cpu: 60,
            file: 512,
            // rustc asks PATH for the linker, and the linker writes its temporary files to TMPDIR.
            environment: vec![
                format!("PATH={}", std::env::var("PATH").unwrap_or_default()),
                format!("TMPDIR={}", folder.display()),
            ],
        }
    }

    /// A worker.
    pub fn of_worker(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            memory: 2048,
            cpu: 120,
            file: 16,
            // The course's tensors are small: a second thread would only be waited for.
            environment: vec!["OMP_NUM_THREADS=1".to_owned()],
        }
    }

    /// The arguments that make the program of [`grader`] start `program` under this confinement.
    pub fn arguments(&self, program: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["confined".into()];
        let mut option = |name: &str, value: OsString| arguments.extend([name.into(), value]);
        option("--folder", self.folder.clone().into());
        option("--memory", self.memory.to_string().into());
        option("--cpu", self.cpu.to_string().into());
        option("--file", self.file.to_string().into());
        for variable in &self.environment {
            option("--env", variable.into());
        }
        arguments.extend(["--".into(), program.into()]);
        arguments
    }

    /// A command that runs `program` under this confinement.
    ///
    /// # Errors
    /// Where this program's own file cannot be found.
    pub fn command(&self, program: &Path) -> Result<Command> {
        let mut command = Command::new(grader()?);
        command.args(self.arguments(program)).env_clear();
        Ok(command)
    }
}

/// This program's own file.
///
/// # Errors
/// Where the system does not say.
pub fn grader() -> Result<PathBuf> {
    std::env::current_exe().context("the grader's own program cannot be found")
}

/// Takes the confinement on and becomes `program`; returns only where that fails.
pub fn enter(
    confinement: &Confinement,
    program: &OsString,
    arguments: &[OsString],
) -> anyhow::Error {
    match limit_this_process(confinement) {
        Err(error) => error,
        Ok(()) => {
            let variables = confinement
                .environment
                .iter()
                .filter_map(|variable| variable.split_once('='));
            let error = Command::new(program)
                .args(arguments)
                .env_clear()
                .envs(variables)
                .current_dir(&confinement.folder)
                .exec();
            anyhow::Error::new(error)
                .context(format!("{} cannot be started", program.to_string_lossy()))
        }
    }
}

fn limit_this_process(confinement: &Confinement) -> Result<()> {
    // Who asked may be killed at any moment; what it started must not outlive it.
    set_parent_process_death_signal(Some(Signal::KILL))
        .context("the death signal cannot be set")?;
    // A session of its own, so that all it starts can be ended together, and it has no terminal. The process
    // leads one already where a terminal's shell started it.
    let _ = setsid();
    let mebibytes = |count: u64| count << 20;
    let limits = [
        (Resource::Data, mebibytes(confinement.memory)),
        (Resource::Cpu, confinement.cpu),
        (Resource::Fsize, mebibytes(confinement.file)),
        (Resource::Core, 0),
        (Resource::Nofile, 256),
    ];
    for (resource, most) in limits {
        let inherited = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Some(most.min(inherited));
        setrlimit(
            resource,
            Rlimit {
                current: limit,
                maximum: limit,
            },
        )
        .with_context(|| format!("the limit {resource:?} cannot be set to {most}"))?;
    }
    Ok(())
}
