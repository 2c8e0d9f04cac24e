//! The command line: that of the grader, which has checked it, and commands for this program's own use.

use clap::{Args, Parser, Subcommand};
use grader::cli::{Attack, CommandLine, Output, Release, Verify};
use std::ffi::OsString;
use std::path::PathBuf;

/// Proofs of the course, attacks on the grader and the students' repository; `cargo grader` starts this program.
#[derive(Debug, Parser)]
#[command(name = "proofs", version, disable_help_subcommand = true)]
pub struct Cli {
    /// The program of the grader, which confines processes
    #[arg(long, value_name = "FILE")]
    pub grader: PathBuf,
    /// Use the course in DIR [default: the checkout that contains the current folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub course: Option<PathBuf>,
    /// The output
    #[command(flatten)]
    pub output: Output,
    /// The command
    #[command(subcommand)]
    pub command: Command,
}

impl CommandLine for Cli {
    fn output(&self) -> Output {
        self.output
    }

    fn is_internal(&self) -> bool {
        matches!(self.command, Command::Copied(_) | Command::Attempt(_))
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try the hostile submissions of the corpus on this machine
    Attack(Attack),
    /// Run the project's tests and the proofs of the course
    Verify(Verify),
    /// Make the students' repository, without solutions
    Release(Release),
    /// Run this program in a copy of this machine that is thrown away; it uses this itself
    #[command(hide = true)]
    Copied(Copied),
    /// Try one hostile submission, and write what came of it as JSON; this program uses this itself
    #[command(hide = true)]
    Attempt(Attempt),
}

/// Arguments of `copied`.
#[derive(Args, Debug)]
pub struct Copied {
    /// The empty folder where the copy is put together; without it, this is the copy's first process
    #[arg(long)]
    pub place: Option<PathBuf>,
    /// The command that runs in the copy, and its arguments
    #[arg(required = true, last = true)]
    pub arguments: Vec<OsString>,
}

/// Arguments of `attempt`.
#[derive(Args, Debug)]
pub struct Attempt {
    /// The places that are laid out for attacks
    #[arg(long, value_name = "DIR")]
    pub places: PathBuf,
    /// The attack, by its whole name; without it, it is only found out whether one can be tried here
    #[arg(long, value_name = "NAME")]
    pub attack: Option<String>,
    /// This is a copy of the machine that is thrown away
    #[arg(long)]
    pub copied: bool,
    /// Leave out the layers that stop it
    #[arg(long, requires = "copied")]
    pub let_through: bool,
}
