//! The grader's program: reads the command line, runs the command, says how it ended.

use grader::cli::{Cli, Command, Output};
use grader::command;
use grader::exit::{Exit, Failure};
use grader::machine::signals;
use grader::terminal::{self, Stream};
use rustix::fs::Mode;
use rustix::process::umask;
use std::ffi::OsString;
use std::process::ExitCode;

/// Has the owner of files that this run makes be able to use them, whatever the umask takes away. Under one of 0777 no
/// worker could be read by the process that becomes it, and every submission would fail.
fn keep_own_rights() {
    let given = umask(Mode::RWXG | Mode::RWXO);
    umask(given.difference(Mode::RWXU));
}

fn main() -> ExitCode {
    keep_own_rights();
    if let Err(error) = signals::outlive_large_files() {
        terminal::write(Stream::Error, &terminal::error(&error));
        return Exit::Internal.into();
    }
    let arguments: Vec<_> = std::env::args_os().collect();
    let exit = run(&arguments);
    let Some(fault) = terminal::fault() else {
        return exit.into();
    };
    terminal::write(Stream::Error, &terminal::error(&fault));
    exit.with_lost_output().into()
}

/// Reads the command line and runs the command.
fn run(arguments: &[OsString]) -> Exit {
    terminal::set_color(Output::color_of(arguments));
    let cli = match Cli::read(arguments) {
        Ok(cli) => cli,
        Err(message) => return answer(&message),
    };
    terminal::set_verbosity(cli.output.verbosity());
    let is_internal = cli.command.as_ref().is_some_and(Command::is_internal);
    match act(cli) {
        Ok(exit) => exit,
        Err(Failure { exit, error }) => {
            let shown = match exit {
                Exit::Stopped => "stopped\n".to_owned(),
                _ if is_internal => format!("error: {error:#}\n"),
                _ => terminal::error(&error),
            };
            terminal::write(Stream::Error, &shown);
            exit
        }
    }
}

/// Prints help, the version or what is wrong with the arguments.
fn answer(message: &clap::Error) -> Exit {
    let (stream, exit) = if message.use_stderr() {
        (Stream::Error, Exit::Arguments)
    } else {
        (Stream::Output, Exit::Success)
    };
    terminal::keep_fault(stream, message.print());
    exit
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
        Command::Attack(arguments) => command::attack(course, &arguments),
        Command::New(arguments) => command::new(course, &arguments),
        Command::Verify(arguments) => command::verify(course, &arguments),
        Command::Setup(arguments) => command::setup(course, &arguments),
        Command::Doctor => command::doctor(course),
        Command::Completions { shell } => Ok(command::completions(shell)),
        Command::Confined(arguments) => command::confined(&arguments),
        Command::Copied(arguments) => command::copied(&arguments),
        Command::Attempt(arguments) => command::attempt(&arguments),
    }
}
