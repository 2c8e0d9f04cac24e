//! The grader's program: reads the command line, runs the command, says how it ended.

use grader::cli::{Cli, Command};
use grader::command;
use grader::exit::{Exit, Failure};
use grader::start::start;
use std::process::ExitCode;

fn main() -> ExitCode {
    start(act)
}

fn act(
    Cli {
        course, command, ..
    }: Cli,
) -> Result<Exit, Failure> {
    let course = course.as_deref();
    let Some(command) = command else {
        return command::overview(course);
    };
    match command {
        Command::Grade(arguments) => command::grade(course, &arguments),
        Command::Check(arguments) => command::check(course, &arguments),
        Command::Watch(arguments) => command::watch(course, &arguments),
        Command::Hint(arguments) => command::hint(course, &arguments),
        Command::Reset(arguments) => command::reset(course, &arguments),
        Command::Diff(arguments) => command::diff(course, &arguments),
        Command::Solution(arguments) => command::solution(course, &arguments),
        Command::List(arguments) => command::list(course, &arguments),
        Command::Next(arguments) => command::next(course, &arguments),
        Command::Call(arguments) => command::call(course, &arguments),
        Command::Train(arguments) => command::train(course, &arguments),
        Command::Draw(arguments) => command::draw(course, &arguments),
        Command::Book(arguments) => command::book(course, &arguments),
        Command::Desk(arguments) => command::desk(course, &arguments),
        Command::Cost(arguments) => command::cost(course, &arguments),
        Command::Data(arguments) => command::data(course, &arguments),
        Command::Attack(_) | Command::Release(_) | Command::Verify(_) => command::proofs(course),
        Command::New(arguments) => command::new(course, &arguments),
        Command::Setup(arguments) => command::setup(course, &arguments),
        Command::Doctor => command::doctor(course),
        Command::Completions { shell } => Ok(command::completions(shell)),
        Command::Confined(arguments) => command::confined(&arguments),
    }
}
