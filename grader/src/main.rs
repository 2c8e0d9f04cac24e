//! The grader's program: reads the command line, runs the command, says how it ended.

use clap::Parser;
use grader::cli::{Cli, Command};
use grader::command;
use grader::exit::{Exit, Failure};
use rustix::fs::Mode;
use rustix::process::umask;
use std::process::ExitCode;

/// Has the owner of files that this run makes be able to use them, whatever the umask takes away. Under one of 0777 no
/// worker could be read by the process that becomes it, and every submission would fail.
fn keep_own_rights() {
    let given = umask(Mode::RWXG | Mode::RWXO);
    umask(given.difference(Mode::RWXU));
}

fn main() -> ExitCode {
    keep_own_rights();
    let Cli { course, command } = Cli::parse();
    let course = course.as_deref();
    let done = match command {
        Command::Grade(arguments) => command::grade(course, &arguments),
        Command::Check(arguments) => command::check(course, &arguments),
        Command::Call(arguments) => command::call(course, &arguments),
        Command::Train(arguments) => command::train(course, &arguments),
        Command::Draw(arguments) => command::draw(course, &arguments),
        Command::Cost(arguments) => command::cost(course, &arguments),
        Command::Data(arguments) => command::data(course, &arguments),
        Command::Attack(arguments) => command::attack(course, &arguments),
        Command::New(arguments) => command::new(course, &arguments),
        Command::Verify(arguments) => command::verify(course, &arguments),
        Command::Setup(arguments) => command::setup(course, &arguments),
        Command::Doctor => command::doctor(course),
        Command::Confined(arguments) => command::confined(&arguments),
        Command::Copied(arguments) => command::copied(&arguments),
        Command::Attempt(arguments) => command::attempt(&arguments),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(Failure { exit, error }) => {
            match exit {
                Exit::Stopped => eprintln!("stopped"),
                _ => eprintln!("error: {error:#}"),
            }
            exit.into()
        }
    }
}
