//! The resources of a process that compiles or runs a submission's code, and the one place where they are limited. A worker
//! then gives up, in `workers::serve`, all calls of the system that it needs no more.

use crate::level::{Layer, Level};
use crate::program::confining_program;
use crate::{resources, system};
use anyhow::Result;
use clap::Args;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The resources that a confined process may use.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Confinement {
    /// The layers in force besides the limits
    #[command(flatten)]
    pub level: Level,
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
    /// Whether it may do what CUDA takes: a GPU was asked for
    #[arg(long)]
    pub gpu: bool,
    /// Set if a judge starts it, and ends it
    #[arg(long)]
    pub judged: bool,
    /// A folder whose entries it may list, here and below, without reading them
    #[arg(long)]
    pub list: Vec<PathBuf>,
    /// A file or folder it may read
    #[arg(long)]
    pub read: Vec<PathBuf>,
    /// A file or folder it may read and run
    #[arg(long)]
    pub run: Vec<PathBuf>,
    /// A file or folder it may do anything with
    #[arg(long)]
    pub write: Vec<PathBuf>,
}

impl Confinement {
    /// The arguments with which the [`confining_program`] starts `program` under this confinement.
    pub fn arguments(&self, program: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["confined".into()];
        let level = self.level;
        let switches = [
            ("--seccomp", level.seccomp),
            ("--namespaces", level.namespaces),
            ("--gpu", self.gpu),
            ("--judged", self.judged),
        ];
        let switches = switches.into_iter().filter(|(_, on)| *on);
        arguments.extend(switches.map(|(name, _)| name.into()));
        let mut option = |name: &str, value: OsString| arguments.extend([name.into(), value]);
        option("--landlock", level.landlock.to_string().into());
        option("--folder", self.folder.clone().into());
        option("--memory", self.memory.to_string().into());
        option("--cpu", self.cpu.to_string().into());
        option("--file", self.file.to_string().into());
        for variable in &self.environment {
            option("--env", variable.into());
        }
        let places = [
            ("--list", &self.list),
            ("--read", &self.read),
            ("--run", &self.run),
            ("--write", &self.write),
        ];
        for (name, paths) in places {
            for path in paths {
                option(name, path.into());
            }
        }
        arguments.extend(["--".into(), program.into()]);
        arguments
    }

    /// The same for a worker that a judge starts: it is born into the judge's namespaces, and may make none of its own.
    #[must_use]
    pub fn within_judge(mut self) -> Self {
        self.judged = true;
        self.level = self.level.without(&[Layer::Namespaces]);
        self
    }

    /// A command that runs `program` under this confinement.
    ///
    /// # Errors
    /// Returns an error if the [`confining_program`]'s file cannot be found.
    pub fn command(&self, program: &Path) -> Result<Command> {
        let mut command = Command::new(confining_program()?);
        command.args(self.arguments(program)).env_clear();
        Ok(command)
    }
}

/// Confines this process and runs `program` in it; returns only if that fails.
pub fn enter(
    confinement: &Confinement,
    program: &OsString,
    arguments: &[OsString],
) -> anyhow::Error {
    match confine_this_process(confinement) {
        Err(error) => error,
        Ok(()) => {
            let variables = confinement
                .environment
                .iter()
                .filter_map(|variable| variable.split_once('='));
            // Its path is nothing that it needs to know.
            let name = Path::new(program).file_name().unwrap_or(program);
            let error = Command::new(program)
                .arg0(name)
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

fn confine_this_process(confinement: &Confinement) -> Result<()> {
    system::begin(confinement)?;
    resources::set(confinement)?;
    resources::block_requests_to_stop()?;
    system::finish(confinement)
}
