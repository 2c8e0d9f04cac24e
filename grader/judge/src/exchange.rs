//! One request and its answer: from the worker that runs, or from one that is started for it.

use crate::courier::lock;
use crate::text::{barred, harmless};
use client::{Channel, End, ExchangeError, Process};
use std::io::{self, Write};
use std::process::{self, Command};
use std::sync::Mutex;
use wire::words::{FORBIDDEN, FORBIDDEN_OPERATOR, NOT_CONFINED};
use wire::{Answer, Frame, FrameLimits, Request, WireError};

/// A request on its way.
pub(crate) struct Asked {
    pub(crate) request: Request,
    /// True if it is the first of its test, which is not to blame for what it finds.
    pub(crate) is_first: bool,
    /// True if the worker that runs is not to be asked.
    pub(crate) dismissed: bool,
}

/// The reason why there is no answer.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The worker's doing: the test fails.
    Ended(String),
    /// No worker was started, and no line of the submission ran: nobody's test is to fail for it.
    NotStarted(String),
}

impl Broken {
    /// The message that the test fails with. Ends the judge if no worker was started.
    pub(crate) fn blamed(self) -> String {
        match self {
            Self::Ended(words) => words,
            Self::NotStarted(words) => give_up(&words),
        }
    }
}

/// Ends the judge without a verdict: the machine lacks something, which is no fault of the submission.
pub(crate) fn give_up(words: &str) -> ! {
    // The harness would keep a macro's output for a report that never comes.
    let _ = writeln!(io::stderr(), "no worker can be started: {words}");
    process::exit(NOT_CONFINED.into())
}

/// Ends the judge where its worker ended at a forbidden operator: no test counts any more.
fn give_up_if_forbidden(end: &End) {
    let Some(named) = end.forbidden() else { return };
    let named = match named {
        "" => "an operator that it did not name".to_owned(),
        named => harmless(named),
    };
    let _ = writeln!(io::stderr(), "{FORBIDDEN_OPERATOR}{named}");
    process::exit(FORBIDDEN.into())
}

/// The source of the command that starts a worker.
pub(crate) type Start<'a> = &'a dyn Fn() -> Result<Command, String>;

/// Bytes that a worker may print before it is stopped.
const MOST_OUTPUT: usize = 16 << 20;

/// Starts a worker, without any variable of this process.
pub(crate) fn start(mut command: Command) -> Result<(Process, Channel), String> {
    client::start(command.env_clear(), MOST_OUTPUT)
        .map_err(|error| format!("{}: {error}", command.get_program().to_string_lossy()))
}

/// Sends one request and reads its answer, starting the worker if none runs.
pub(crate) fn exchange(
    channel: &mut Option<Channel>,
    current: &Mutex<Option<Process>>,
    asked: Asked,
    command: Start<'_>,
) -> Result<Answer, Broken> {
    // Bytes that wait now were sent before the first request, or after the last answer. Taken for an answer, they would
    // shift each later one to the request after its own.
    let is_unasked = channel.as_ref().is_some_and(Channel::holds_answers);
    if is_unasked || asked.dismissed {
        *channel = None;
        let running = lock(current).take();
        if let Some(mut running) = running {
            give_up_if_forbidden(&running.stop());
        }
        if is_unasked && !asked.is_first {
            let words = "it sent an answer that nobody had asked for, and was stopped";
            return Err(Broken::Ended(words.to_owned()));
        }
    }
    let most = most_answered(&asked.request);
    let request = Frame::from(asked.request);
    if let Some(channel) = channel {
        match converse(channel, current, &request, most) {
            // It ended between two tests, or what an earlier test left running in it ended it.
            Err(Failed {
                was_read: false, ..
            }) if asked.is_first => {}
            done => return done.map_err(|failed| Broken::Ended(failed.words)),
        }
    }
    let (running, opened) = command().and_then(start).map_err(Broken::NotStarted)?;
    lock(current).replace(running);
    converse(channel.insert(opened), current, &request, most).map_err(|failed| match failed {
        Failed {
            words,
            code: Some(code),
            was_read: false,
        } if [i32::from(NOT_CONFINED), NOT_LOADED].contains(&code) => Broken::NotStarted(words),
        Failed { words, .. } => Broken::Ended(words),
    })
}

/// The exit code of the system's loader where a library is gone or cannot be read.
const NOT_LOADED: i32 = 127;

/// A worker's end, before it gave an answer.
struct Failed {
    /// The end in words.
    words: String,
    /// Its exit code, if it ended by itself.
    code: Option<i32>,
    /// True if it may have read the request. If it has not, it ended for another reason; and no code of a submission runs in a
    /// worker before the first request was read, so that such an end is not the submission's. It cannot be feigned: a worker
    /// cannot put back bytes that it has read, since it may open nothing to write.
    was_read: bool,
}

/// Bytes of an answer that are read whatever was sent: a table of positions follows from a few numbers.
const ANSWERED_ANYWAY: usize = 2 << 20;
/// The largest size of an answer, in sizes of its request. A convolution's windows, the attention of all heads and
/// gradients beside a result come to less.
const TIMES_THE_REQUEST: usize = 16;

/// The largest number of bytes of the answer to a request. A module's initial weights follow from its sizes alone: for them, all
/// that a frame may hold.
fn most_answered(request: &Request) -> usize {
    let all = FrameLimits::default().frame;
    if request.operation.ends_with(".new") {
        return all;
    }
    let sent: usize = request.tensors.values().map(|it| it.bytes().len()).sum();
    all.min(ANSWERED_ANYWAY + TIMES_THE_REQUEST * sent)
}

/// Sends one request to a worker and reads its answer, of so many bytes at most.
fn converse(
    channel: &mut Channel,
    current: &Mutex<Option<Process>>,
    request: &Frame,
    most: usize,
) -> Result<Answer, Failed> {
    let answer = channel.exchange(request, most);
    let has_flooded = lock(current).as_ref().is_some_and(Process::has_flooded);
    let (error, is_sent) = match answer {
        Ok(answer) if !has_flooded => return Ok(answer),
        Ok(_) => (None, true),
        Err(ExchangeError { error, is_sent }) => (Some(error), is_sent),
    };
    let running = lock(current).take();
    let (words, code) = running.map(obituary).unwrap_or_default();
    let was_read = is_sent && channel.is_drained();
    let words = match error {
        Some(error) if !has_flooded && !matches!(error, WireError::Closed | WireError::Io(_)) => {
            format!("its answer is {}; {words}", harmless(&error.to_string()))
        }
        _ => words,
    };
    Err(Failed {
        words,
        code,
        was_read,
    })
}

/// The end of a worker in words, with the last of its output; and its exit code, if it ended by itself.
fn obituary(mut running: Process) -> (String, Option<i32>) {
    let end = running.end();
    give_up_if_forbidden(&end);
    (end.told(barred), end.code())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::Cell;
    use std::fs;
    use std::time::{Duration, Instant};
    use tempfile::TempDir;
    use wire::{Dtype, RawTensor, Tensors, write_frame};

    /// The command that runs a shell's script.
    pub(crate) fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    /// A request.
    pub(crate) fn asked(is_first: bool) -> Asked {
        let operation = "divide".to_owned();
        Asked {
            request: Request {
                operation,
                ..Request::default()
            },
            is_first,
            dismissed: false,
        }
    }

    /// A shell's command that reads a whole request.
    fn reads() -> String {
        let mut request = vec![];
        let frame = Frame::from(asked(true).request);
        write_frame(&mut request, &frame, &FrameLimits::default()).expect("a small frame");
        format!("head -c {} > /dev/null", request.len())
    }

    /// A worker that reads a request and gives an answer, and the folder that this lies in.
    fn honest() -> (TempDir, String) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut answer = vec![];
        let frame = Frame::of_answer(Ok(Tensors::new()));
        write_frame(&mut answer, &frame, &FrameLimits::default()).expect("a small frame");
        fs::write(folder.path().join("answer"), answer).expect("a new file");
        let script = format!("{}; cat {}/answer", reads(), folder.path().display());
        (folder, script)
    }

    /// The answer of a new worker to one request.
    fn answer_of(command: &dyn Fn() -> Result<Command, String>) -> Result<Answer, Broken> {
        exchange(&mut None, &Mutex::new(None), asked(true), command)
    }

    #[test]
    fn a_program_that_is_not_there_is_not_the_submissions_end() {
        let missing = answer_of(&|| Ok(Command::new("/no/such/program")));
        assert!(
            matches!(&missing, Err(Broken::NotStarted(words)) if words.contains("/no/such/program")),
            "{missing:?}"
        );
    }

    #[test]
    fn what_cannot_be_confined_or_loaded_is_not_the_submissions_end() {
        let codes = [i32::from(NOT_CONFINED), NOT_LOADED];
        for (wait, code) in ["", "sleep 0.2; "].into_iter().zip(codes) {
            let script = format!("{wait}echo no memory >&2; exit {code}");
            let refused = answer_of(&|| Ok(shell(&script)));
            assert!(
                matches!(&refused, Err(Broken::NotStarted(words)) if words.contains("no memory")),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn an_answer_is_read_as_far_as_its_request_accounts_for_it() {
        let request = |operation: &str, bytes: usize| {
            let tensor = RawTensor::new(Dtype::U8, vec![bytes], vec![0; bytes]);
            Request {
                operation: operation.to_owned(),
                tensors: [("x".to_owned(), tensor.expect("bytes"))].into(),
                ..Request::default()
            }
        };
        let all = FrameLimits::default().frame;
        assert_eq!(most_answered(&request("msa", 100)), (2 << 20) + 1600);
        assert_eq!(most_answered(&request("msa", 10 << 20)), all);
        assert_eq!(most_answered(&request("msa.new", 0)), all);
        // 64 MiB are announced, and not waited for.
        let script = format!("{}; printf '\\0\\0\\0\\4\\0\\0\\0\\0'; sleep 9", reads());
        let start = Instant::now();
        let flooded = answer_of(&|| Ok(shell(&script)));
        assert!(
            matches!(&flooded, Err(Broken::Ended(words)) if words.contains("bytes 67108864, of at most")),
            "{flooded:?}"
        );
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn who_has_read_a_request_cannot_make_believe_that_it_was_never_started() {
        for code in [i32::from(NOT_CONFINED), NOT_LOADED] {
            let script = format!("{}; exit {code}", reads());
            let forged = answer_of(&|| Ok(shell(&script)));
            assert!(
                matches!(&forged, Err(Broken::Ended(words)) if words.contains("exit code 12")),
                "{forged:?}"
            );
        }
        let other = answer_of(&|| Ok(shell("exit 1")));
        assert!(matches!(other, Err(Broken::Ended(_))), "{other:?}");
    }

    #[test]
    fn a_worker_that_an_earlier_test_left_dead_fails_no_other_test() {
        let (_folder, script) = honest();
        for (is_first, starts) in [(true, 2), (false, 1)] {
            let (mut channel, current, started) = (None, Mutex::new(None), Cell::new(0));
            let command = || {
                started.set(started.get() + 1);
                Ok(shell(&script))
            };
            let first = exchange(&mut channel, &current, asked(true), &command);
            assert!(matches!(first, Ok(Ok(_))), "{first:?}");
            // It has answered all that it ever will.
            let next = exchange(&mut channel, &current, asked(is_first), &command);
            assert_eq!(matches!(next, Ok(Ok(_))), is_first, "{next:?}");
            assert_eq!(started.get(), starts);
        }
    }
}
