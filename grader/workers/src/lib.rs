//! The library of the workers. A *worker* is a small program that serves one author's functions of one exercise to a
//! judge: one request in, one answer out, until the judge closes the channel.
//!
//! A worker's source is made from an exercise's description (the crate `interface`): a table of [operations](Operation),
//! which call the exercise's functions by their names. Which crate stands behind those names is decided when the worker is
//! compiled; [versions] has several behind one worker, and a judge has the solution behind them within its own process,
//! and asks it by [`answer`].

mod call;
#[cfg(feature = "tch")]
mod module;
mod places;
mod seal;
mod timed;
#[cfg(feature = "tch")]
pub mod training;
pub mod versions;

pub use call::{Call, CallResult, gives_all};
#[cfg(feature = "tch")]
pub use module::{differentiable, initial_values, numbered, sent, stacked, with_weights};
pub use timed::serve_timed;

use std::any::Any;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
#[cfg(feature = "tch")]
use wire::words::NOT_CONFINED;
use wire::{
    Answer, Fault, FaultKind, Frame, FrameLimits, Request, SEED, WireError, panic_text, read_frame,
    write_frame,
};

/// An operation's name and the function that meets a request for it.
pub type Operation = (&'static str, fn(&Call) -> CallResult);

/// Meets requests from standard input until it is closed. Answers go where standard output went; whatever the
/// served functions print goes to standard error.
///
/// Before it reads the first request, the process gives up all that computing does not take, and has libtorch's operators
/// observed: one that the operation asks to write ends it.
pub fn serve(operations: &[Operation]) -> ExitCode {
    #[cfg(feature = "tch")]
    let observer = {
        let names: Vec<_> = operations.iter().map(|(name, _)| *name).collect();
        match observer::Observer::start(&names) {
            Ok(observer) => observer,
            Err(why) => {
                eprintln!("what is forbidden cannot be observed: {why}");
                return ExitCode::from(NOT_CONFINED);
            }
        }
    };
    serve_with(|request| {
        #[cfg(feature = "tch")]
        observer.serve(&request.operation);
        meet(operations, request)
    })
}

fn serve_with(meet: impl Fn(Request) -> Answer) -> ExitCode {
    places::read_lines();
    let channel = answer_channel().and_then(|answers| {
        seal::seal()?;
        Ok(answers)
    });
    let end = match channel {
        Ok(answers) => serve_all(meet, answers),
        Err(error) => Err(error.into()),
    };
    match end {
        Err(WireError::Closed) => return ExitCode::SUCCESS,
        Err(error) => eprintln!("the worker stops: {error}"),
        Ok(TooManyThreads(left)) => eprintln!("the call left {left} threads running"),
    }
    ExitCode::FAILURE
}

/// A call left so many threads running that whatever comes next would suffer for it.
struct TooManyThreads(usize);

fn serve_all(
    meet: impl Fn(Request) -> Answer,
    mut answers: File,
) -> Result<TooManyThreads, WireError> {
    let mut requests = io::stdin().lock();
    let limits = FrameLimits::default();
    places::remember();
    loop {
        let request = Request::try_from(read_frame(&mut requests, &limits)?)?;
        let answer = Frame::of_answer(meet(request));
        let left = threads();
        if left > MOST_THREADS {
            return Ok(TooManyThreads(left));
        }
        match write_frame(&mut answers, &answer, &limits) {
            Err(error @ (WireError::Limit { .. } | WireError::Malformed(_))) => {
                let fault = Fault::wrong_shape(format!("the result cannot be sent: {error}"));
                write_frame(&mut answers, &Frame::of_answer(Err(fault)), &limits)?;
            }
            written => written?,
        }
    }
}

/// The most threads that may be left when a call is over. libtorch keeps a few of its own.
const MOST_THREADS: usize = 64;

/// The threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// Keeps standard output for answers alone: from here on, what is printed goes to standard error.
fn answer_channel() -> io::Result<File> {
    let channel = rustix::io::dup(rustix::stdio::stdout())?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(File::from(channel))
}

fn meet(operations: &[Operation], mut request: Request) -> Answer {
    seed(request.arguments.remove(SEED))?;
    answer(operations, request)
}

/// The answer of one of the operations to a request. A panic is an answer, too. Nothing is sealed, and random numbers are
/// drawn on from where the process is: the seed of a request counts where it is served.
///
/// # Errors
/// Returns an error if there is no such operation, and whatever fault the operation answers with.
pub fn answer(operations: &[Operation], mut request: Request) -> Answer {
    request.arguments.remove(SEED);
    let Some((_, function)) = operations
        .iter()
        .find(|(name, _)| *name == request.operation)
    else {
        let known: Vec<_> = operations.iter().map(|(name, _)| *name).collect();
        return Err(Fault::bad_request(format!(
            "no operation {:?}; there are {}",
            request.operation,
            known.join(", ")
        )));
    };
    let call = Call::new(request);
    catch_unwind(AssertUnwindSafe(|| function(&call)))
        .unwrap_or_else(|payload| Err(fault_of(payload)))
}

/// Makes whatever the call draws depend on the request alone, and not on what was drawn before.
fn seed(seed: Option<String>) -> Result<(), Fault> {
    let seed: i64 = seed
        .map_or(Ok(0), |seed| seed.parse())
        .map_err(|error| Fault::bad_request(format!("the argument {SEED}: {error}")))?;
    #[cfg(feature = "tch")]
    tch::manual_seed(seed);
    #[cfg(not(feature = "tch"))]
    let _ = seed;
    Ok(())
}

fn fault_of(payload: Box<dyn Any + Send>) -> Fault {
    let text = panic_text(&*payload).map(str::to_owned);
    if text.is_none() {
        // A payload of the submission's own type may panic again when it is dropped.
        std::mem::forget(payload);
    }
    let message = text.unwrap_or_else(|| "a panic without a message".to_owned());
    Fault {
        kind: if message.starts_with("not yet implemented") {
            FaultKind::NotImplemented
        } else {
            FaultKind::Panicked
        },
        message: readable(&message),
        place: places::take(),
    }
}

/// libtorch appends the C++ stack to its messages, in lines of its own; `unwrap` writes them as `\n` and ends with `")`.
fn readable(message: &str) -> String {
    const STACK: &str = "Exception raised from";
    let shown = match message.split_once(&format!("\n{STACK}")) {
        Some((shown, _)) => shown.to_owned(),
        None => match message.split_once(&format!("\\n{STACK}")) {
            Some((shown, _)) => format!("{shown}\")"),
            None => message.to_owned(),
        },
    };
    shown.chars().take(8 << 10).collect()
}
