//! The process that serves a submission's functions, as the judge sees it: started when it is first asked, killed
//! when a call takes too long, started again for the next test.

use crate::text::harmless;
use crate::{Exercise, notes, oracle, processor, record, subject, twin};
use std::collections::{BTreeMap, VecDeque};
use std::env;
use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{self, Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
#[cfg(feature = "tch")]
use std::sync::Once;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};
use testkit::{drawn, panics};
use wire::words::{
    FORBIDDEN, FORBIDDEN_OPERATOR, INTERRUPTED_MARK, NOT_CONFINED, PLACE, SOURCES, out_of_time,
};
use wire::{Answer, Frame, FrameLimits, Request, Tensors, WireError, read_frame, write_frame};

/// The prefix of the environment variables of the worker's command: the program in `JUDGE_WORKER_0`, its arguments in `_1`,
/// `_2`, ….
pub const COMMAND_VARIABLE: &str = "JUDGE_WORKER_";
/// The environment variable of the time limit of one call by the clock, in whole seconds.
pub const CALL_SECONDS_VARIABLE: &str = "JUDGE_CALL_SECONDS";
/// The environment variable of the time limit of all calls together, in whole seconds.
pub const EXERCISE_SECONDS_VARIABLE: &str = "JUDGE_EXERCISE_SECONDS";

/// Bytes that are kept of a worker's output: the last ones.
const KEPT_OUTPUT: usize = 4 << 10;
/// Bytes that a worker may print before it is killed.
const MOST_OUTPUT: usize = 16 << 20;

/// Asks the worker, and waits for the answer.
///
/// # Panics
/// Panics with the submission's message if its function panicked. If the worker did not answer as it must, this and
/// every further call of the same test fails. Once the exercise's time is over, every call of every test does: the
/// judge then soon ends by itself, and all messages are printed.
///
/// Panics if no worker can be started, there is no answer and no verdict: the whole judge ends, with [`NOT_CONFINED`]. Where
/// one ended at a forbidden operator, there is no further one: the judge ends with [`FORBIDDEN`].
pub fn ask(exercise: &'static Exercise, request: Request) -> Tensors {
    #[cfg(feature = "tch")]
    {
        static FIRST: Once = Once::new();
        FIRST.call_once(observer::end_at_once);
    }
    if let Some(reason) = panics::interruption() {
        panics::interrupt(&reason);
    }
    let left = time_left();
    if left.is_zero() {
        interrupt(&out_of_time(exercise_limit().as_secs()));
    }
    let operation = request.operation.clone();
    let mut request = request;
    notes::asked(&operation);
    let entry = record::begin(&mut request);
    let kept = drawn::remote::runs().then(|| request.clone());
    let is_stored = STORED.iter().any(|kind| notes::test().starts_with(kind));
    let stored = is_stored.then(|| request.clone());
    let answer = carry(exercise, request, left);
    record::end(entry, &answer);
    if !matches!(answer, Ok(Ok(_))) {
        notes::fault();
    }
    if let Some(kept) = kept {
        oracle::called(exercise, kept);
    }
    match answer {
        Ok(Ok(tensors)) => {
            if let Some(stored) = stored {
                try_twin(exercise, &stored);
            }
            tensors
        }
        Ok(Err(fault)) => {
            // A place in a library, or in an earlier exercise's reference, says nothing of the submission, and may name
            // folders of this machine.
            let message = harmless(&fault.message);
            if let Some(place) = fault.place.filter(|place| place.starts_with(SOURCES)) {
                // A test may catch the panic, and fail of something else: the place stands beside its message.
                let first = message.lines().next().unwrap_or_default();
                eprintln!("{PLACE}{}: {first}", harmless(&place));
            }
            panic!("{message}")
        }
        Err(broken) => interrupt(&format!("{operation}: {broken}")),
    }
}

/// The answer of whatever is judged: a worker, but for the proofs of a course.
fn carry(exercise: &Exercise, request: Request, left: Duration) -> Result<Answer, String> {
    match subject::answer(exercise, &request) {
        Some(answer) => Ok(answer),
        None => courier().carry(request, left),
    }
}

/// The prefixes of the names of tests that compare with stored values.
const STORED: [&str; 2] = ["snapshot::", "gradient::"];

/// Asks for the twin of a stored case, if it has one, and notes whether the answer is the reference's.
fn try_twin(exercise: &Exercise, stored: &Request) {
    let Some(twin) = twin::of(stored) else { return };
    let answer = carry(exercise, twin.clone(), time_left());
    let agrees = answer.is_ok_and(|answer| twin::agrees(exercise, stored, &twin, &answer));
    if !agrees {
        notes::failed_twin(&twin.operation);
    }
}

/// Fails this test for good, as [`panics::interrupt`] does, and marks its message.
///
/// # Panics
/// Always.
pub(crate) fn interrupt(reason: &str) -> ! {
    panics::interrupt(&format!("{reason}\n{INTERRUPTED_MARK}"))
}

/// Sends what comes next to another worker: this one gave an answer to something else than it was asked, and more of the
/// sort may wait.
pub(crate) fn dismiss() {
    courier().dismissed = true;
}

/// The thread that owns the worker. It lives as long as the judge: a worker is killed by the kernel when the thread that
/// started it ends, and the threads of tests do.
struct Courier {
    requests: Sender<Asked>,
    answers: Receiver<Result<Answer, Broken>>,
    current: Arc<Mutex<Option<Running>>>,
    /// By operation: the number of calls that took too long.
    hung: BTreeMap<String, Hung>,
    /// The thread that asked last: each test has its own.
    last: Option<ThreadId>,
    /// True if the next request goes to another worker.
    dismissed: bool,
}

/// A request on its way.
struct Asked {
    request: Request,
    /// True if it is the first of its test, which is not to blame for what it finds.
    is_first: bool,
    /// True if the worker that runs is not to be asked.
    dismissed: bool,
}

/// The reason why there is no answer.
#[derive(Debug)]
enum Broken {
    /// The worker's doing: the test fails.
    Ended(String),
    /// No worker was started, and no line of the submission ran: nobody's test is to fail for it.
    NotStarted(String),
}

impl Broken {
    /// The message that the test fails with. Ends the judge if no worker was started.
    fn blamed(self) -> String {
        match self {
            Self::Ended(words) => words,
            Self::NotStarted(words) => give_up(&words),
        }
    }
}

/// Ends the judge without a verdict: the machine lacks something, which is no fault of the submission.
fn give_up(words: &str) -> ! {
    // The harness would keep a macro's output for a report that never comes.
    let _ = writeln!(io::stderr(), "no worker can be started: {words}");
    process::exit(NOT_CONFINED.into())
}

/// Ends the judge where its worker ended at a forbidden operator: no test counts any more. What the worker printed names it.
fn give_up_if_forbidden(status: ExitStatus, printed: &[u8]) {
    if status.code() != Some(FORBIDDEN.into()) {
        return;
    }
    let printed = String::from_utf8_lossy(printed);
    let named = printed.lines().rev();
    let named = named.filter_map(|line| line.strip_prefix(FORBIDDEN_OPERATOR));
    let named = harmless(
        named
            .into_iter()
            .next()
            .unwrap_or("an operator that it did not name"),
    );
    let _ = writeln!(io::stderr(), "{FORBIDDEN_OPERATOR}{named}");
    process::exit(FORBIDDEN.into())
}

/// The calls of an operation that took too long.
struct Hung {
    /// Their number.
    times: usize,
    /// The limit that the last of them exceeded.
    limit: CallLimit,
}

/// A limit on the time of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallLimit {
    /// By the clock. A machine that is busy may be the reason, too.
    Clock(Duration),
    /// In processor time of the worker, which a busy machine hardly changes.
    Processor(Duration),
}

impl CallLimit {
    /// The number of calls of an operation that may exceed it before the operation is not asked any more: one function that
    /// hangs is not to take the time that the tests of the others need.
    fn most_hangs(self) -> usize {
        match self {
            Self::Clock(_) => 2,
            Self::Processor(_) => 1,
        }
    }
}

impl fmt::Display for CallLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clock(limit) => write!(f, "no answer within {} s", limit.as_secs()),
            Self::Processor(limit) => {
                write!(
                    f,
                    "no answer within {} s of processor time",
                    limit.as_secs()
                )
            }
        }
    }
}

/// The least limit of one call in processor time: the solutions take milliseconds, and a submission's loops are not optimised.
const LEAST_PROCESSOR_TIME: Duration = Duration::from_secs(2);

/// The processor time that a worker which is started for a call may take until it reads the request.
const STARTING: Duration = Duration::from_secs(1);

/// The time between two looks at the processor time that a call has taken.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// The limit of one call in processor time, which follows from the one by the clock.
fn processor_limit(clock: Duration) -> Duration {
    LEAST_PROCESSOR_TIME.max(clock / 5)
}

fn courier() -> MutexGuard<'static, Courier> {
    static COURIER: Mutex<Option<&'static Mutex<Courier>>> = Mutex::new(None);
    let mut courier = lock(&COURIER);
    lock(courier.get_or_insert_with(|| Box::leak(Box::new(Mutex::new(Courier::start())))))
}

/// A test that failed while it held the lock has left nothing half done behind it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Courier {
    fn start() -> Self {
        let (requests, incoming) = channel();
        let (outgoing, answers) = channel();
        let current = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&current);
        let carry_all = move || {
            let mut channel = None;
            for asked in incoming {
                let answer = exchange(&mut channel, &shared, asked, &command);
                if answer.is_err() {
                    channel = None;
                }
                if outgoing.send(answer).is_err() {
                    break;
                }
            }
        };
        if let Err(error) = thread::Builder::new().spawn(carry_all) {
            give_up(&error.to_string());
        }
        Self {
            requests,
            answers,
            current,
            hung: BTreeMap::new(),
            last: None,
            dismissed: false,
        }
    }

    /// The answer, or how the worker failed to give one.
    fn carry(&mut self, request: Request, left: Duration) -> Result<Answer, String> {
        let clock = seconds(CALL_SECONDS_VARIABLE, 10);
        let operation = request.operation.clone();
        if let Some(hung) = self.hung.get(&operation)
            && hung.times >= hung.limit.most_hangs()
        {
            let others = match hung.times {
                1 => "another test".to_owned(),
                times => format!("{times} other tests"),
            };
            return Err(format!(
                "{} in {others}: it is not asked any more",
                hung.limit
            ));
        }
        let test = thread::current().id();
        let is_first = self.last.replace(test) != Some(test);
        let asked = Asked {
            request,
            is_first,
            dismissed: std::mem::take(&mut self.dismissed),
        };
        let running = self.worker();
        // An error means that the courier is gone, which is found out below.
        let _ = self.requests.send(asked);
        let exceeded = match self.answer_within(clock.min(left), processor_limit(clock), running) {
            Ok(answer) => return answer.map_err(Broken::blamed),
            Err(exceeded) => exceeded,
        };
        // Where an answer has come after all, it is of no use, and the courier does not know that its worker is dead.
        if let Ok(Err(broken)) = self.end_of_call() {
            broken.blamed();
        }
        self.dismissed = true;
        if left < clock && matches!(exceeded, CallLimit::Clock(_)) {
            return Err(out_of_time(exercise_limit().as_secs()));
        }
        let times = self.hung.get(&operation).map_or(0, |hung| hung.times) + 1;
        let limit = exceeded;
        self.hung.insert(operation, Hung { times, limit });
        Err(format!("{exceeded}: the worker was stopped"))
    }

    /// Kills the worker until the courier finds the channel closed, and says so: in place of one that ends by itself just now,
    /// it may be about to start another.
    fn end_of_call(&self) -> Result<Result<Answer, Broken>, RecvTimeoutError> {
        loop {
            if let Some(running) = lock(&self.current).as_mut() {
                running.kill();
            }
            match self.answers.recv_timeout(BETWEEN_LOOKS) {
                Err(RecvTimeoutError::Timeout) => {}
                end => return end,
            }
        }
    }

    /// The answer, or the limit that was exceeded while it was waited for. `running` is the worker that ran before it was
    /// asked.
    fn answer_within(
        &self,
        clock: Duration,
        processor: Duration,
        running: Option<u32>,
    ) -> Result<Result<Answer, Broken>, CallLimit> {
        let begin = Instant::now();
        let deadline = begin + clock;
        // Its processor time when the call began. Most calls end before the first look, and so none is read for them: the time
        // until then counts in full.
        let mut before = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left.min(BETWEEN_LOOKS)) {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Disconnected) => give_up("the courier is gone"),
                Err(RecvTimeoutError::Timeout) if left <= BETWEEN_LOOKS => {
                    return Err(CallLimit::Clock(clock));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let worker = self.worker();
            let Some(now) = worker.and_then(processor::time_of) else {
                continue;
            };
            let start = match worker == running {
                true => *before.get_or_insert(now.saturating_sub(begin.elapsed())),
                false => STARTING,
            };
            if now.saturating_sub(start) > processor {
                return Err(CallLimit::Processor(processor));
            }
        }
    }

    /// The process of the worker that runs.
    fn worker(&self) -> Option<u32> {
        Some(lock(&self.current).as_ref()?.child.id())
    }
}

struct Running {
    child: Child,
    output: Arc<Mutex<Output>>,
    /// Gives nothing, and is closed when the worker's output is.
    output_end: Receiver<()>,
}

/// The time that a worker which has closed its channel may take to end by itself, and its last output to arrive.
const LAST_BREATH: Duration = Duration::from_millis(500);

impl Running {
    fn kill(&mut self) {
        // An error here means that it has ended by itself.
        let _ = self.child.kill();
    }

    /// Ends it, whatever it is doing.
    fn end(mut self) {
        self.kill();
        // It is dead: an error means that the system has forgotten it.
        if let Ok(status) = self.child.wait() {
            give_up_if_forbidden(status, lock(&self.output).last.make_contiguous());
        }
    }

    fn has_flooded(&self) -> bool {
        lock(&self.output).flooded
    }

    /// Lets a worker end that is about to, and its last output arrive. Returns its exit status if it ended.
    fn last_breath(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + LAST_BREATH;
        if !self.has_flooded() {
            let _ = self.output_end.recv_timeout(LAST_BREATH);
        }
        loop {
            // One with hundreds of threads has closed all it had long before the last of them is gone.
            let ended = self.child.try_wait().ok().flatten();
            if ended.is_some() || self.has_flooded() || Instant::now() > deadline {
                return ended;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The end of the worker in words, with the last of its output; and its exit code, if it ended by itself.
    fn obituary(mut self) -> (String, Option<i32>) {
        let by_itself = self.last_breath();
        let was_stopped = by_itself.is_none();
        self.kill();
        let ended_so = by_itself.map_or_else(|| self.child.wait(), Ok);
        if let Ok(status) = ended_so {
            give_up_if_forbidden(status, lock(&self.output).last.make_contiguous());
        }
        let (end, code) = match ended_so {
            Ok(_) if self.has_flooded() => {
                let most = MOST_OUTPUT >> 20;
                return (
                    format!("it printed more than {most} MiB and was stopped"),
                    None,
                );
            }
            // One that was ending already ends as it was about to.
            Ok(status) if was_stopped && status.signal() == Some(SIGKILL) => {
                ("it was stopped".to_owned(), None)
            }
            Ok(status) => (ended(status), status.code()),
            Err(error) => (format!("it ended: {error}"), None),
        };
        let printed = lock(&self.output).last.make_contiguous().to_vec();
        let words = match String::from_utf8_lossy(&printed).trim() {
            "" => end,
            printed => format!(
                "{end}; the last it printed:{}",
                harmless(&format!("\n{printed}"))
            ),
        };
        (words, code)
    }
}

const SIGKILL: i32 = 9;

/// The exit code of the system's loader where a library is gone or cannot be read.
const NOT_LOADED: i32 = 127;

fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended the process with exit code {code}"),
        (_, Some(6)) => "it aborted the process (SIGABRT)".to_owned(),
        (_, Some(SIGKILL)) => "it was killed (SIGKILL): out of memory, or over a limit".to_owned(),
        (_, Some(11)) => {
            "it crashed the process (SIGSEGV): a stack overflow, most likely".to_owned()
        }
        (_, Some(24)) => "it was killed (SIGXCPU): over the limit of processor time".to_owned(),
        (_, signal) => format!("it ended by signal {signal:?}"),
    }
}

#[derive(Default)]
struct Output {
    last: VecDeque<u8>,
    flooded: bool,
}

type Channel = (ChildStdin, ChildStdout);

/// The source of the command that starts a worker.
type Start<'a> = &'a dyn Fn() -> Result<Command, String>;

/// Sends one request and reads its answer, starting the worker where none runs.
fn exchange(
    channel: &mut Option<Channel>,
    current: &Mutex<Option<Running>>,
    asked: Asked,
    command: Start<'_>,
) -> Result<Answer, Broken> {
    // Bytes that wait now were sent before the first request, or after the last answer. Taken for an answer, they would
    // shift each later one to the request after its own.
    let unasked = |(_, answers): &Channel| rustix::io::ioctl_fionread(answers).is_ok_and(|n| n > 0);
    let is_unasked = channel.as_ref().is_some_and(unasked);
    if is_unasked || asked.dismissed {
        *channel = None;
        if let Some(running) = lock(current).take() {
            running.end();
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
            Err(End {
                was_read: false, ..
            }) if asked.is_first => {}
            done => return done.map_err(|end| Broken::Ended(end.words)),
        }
    }
    let (running, opened) = command().and_then(start).map_err(Broken::NotStarted)?;
    lock(current).replace(running);
    converse(channel.insert(opened), current, &request, most).map_err(|end| match end {
        End {
            words,
            code: Some(code),
            was_read: false,
        } if [i32::from(NOT_CONFINED), NOT_LOADED].contains(&code) => Broken::NotStarted(words),
        End { words, .. } => Broken::Ended(words),
    })
}

/// A worker's end, before it gave an answer.
struct End {
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
    (requests, answers): &mut Channel,
    current: &Mutex<Option<Running>>,
    request: &Frame,
    most: usize,
) -> Result<Answer, End> {
    let limits = FrameLimits::default();
    let sent = write_frame(requests, request, &limits);
    let is_sent = sent.is_ok();
    let limits = FrameLimits {
        frame: most,
        ..limits
    };
    let answer = sent
        .and_then(|()| read_frame(answers, &limits))
        .and_then(Frame::into_answer);
    let has_flooded = lock(current).as_ref().is_some_and(Running::has_flooded);
    let error = match answer {
        Ok(answer) if !has_flooded => return Ok(answer),
        Ok(_) => None,
        Err(error) => Some(error),
    };
    let running = lock(current).take();
    let (end, code) = running.map(Running::obituary).unwrap_or_default();
    let was_read = is_sent && rustix::io::ioctl_fionread(&*requests).is_ok_and(|left| left == 0);
    let words = match error {
        Some(error) if !has_flooded && !matches!(error, WireError::Closed | WireError::Io(_)) => {
            format!("its answer is {}; {end}", harmless(&error.to_string()))
        }
        _ => end,
    };
    Err(End {
        words,
        code,
        was_read,
    })
}

/// The worker's command, as the grader has put it into the environment.
fn command() -> Result<Command, String> {
    let mut parts = (0..).map_while(|i| env::var_os(format!("{COMMAND_VARIABLE}{i}")));
    let program = parts.next().ok_or_else(|| {
        format!("{COMMAND_VARIABLE}0 is not set: the judge is run by the grader, see `cargo grader check`")
    })?;
    let mut command = Command::new(program);
    command.args(parts);
    Ok(command)
}

fn start(mut command: Command) -> Result<(Running, Channel), String> {
    let mut child = command
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", command.get_program().to_string_lossy()))?;
    let (Some(requests), Some(answers), Some(prints)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err("it has no channel".to_owned());
    };
    let output = Arc::new(Mutex::new(Output::default()));
    let kept = Arc::clone(&output);
    let (at_the_end, output_end) = channel();
    let keep = move || {
        keep_the_end(prints, &kept);
        drop::<Sender<()>>(at_the_end);
    };
    let running = Running {
        child,
        output,
        output_end,
    };
    if let Err(error) = thread::Builder::new().spawn(keep) {
        running.end();
        return Err(error.to_string());
    }
    Ok((running, (requests, answers)))
}

/// Reads what a worker prints, so that it is never stopped by a full pipe, and keeps the end.
fn keep_the_end(mut prints: impl Read, kept: &Mutex<Output>) {
    let mut chunk = [0; 4 << 10];
    let mut total = 0;
    while let Ok(count @ 1..) = prints.read(&mut chunk) {
        total += count;
        let mut output = lock(kept);
        output.last.extend(&chunk[..count]);
        let surplus = output.last.len().saturating_sub(KEPT_OUTPUT);
        output.last.drain(..surplus);
        // It is read on: with the pipe closed, the next print would panic, and that would be blamed.
        output.flooded = total > MOST_OUTPUT;
    }
}

/// The rest of the exercise's time, which begins with the first call.
fn time_left() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = START.get_or_init(Instant::now);
    exercise_limit().saturating_sub(start.elapsed())
}

fn exercise_limit() -> Duration {
    seconds(EXERCISE_SECONDS_VARIABLE, 60)
}

fn seconds(variable: &str, usual: u64) -> Duration {
    let seconds = env::var(variable).ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(usual))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::fs;
    use tempfile::TempDir;
    use wire::{Dtype, RawTensor};

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    fn asked(is_first: bool) -> Asked {
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

    /// A courier of which the test plays the thread.
    fn played() -> (Courier, Receiver<Asked>, Sender<Result<Answer, Broken>>) {
        let (requests, incoming) = channel();
        let (outgoing, answers) = channel();
        let courier = Courier {
            requests,
            answers,
            current: Arc::default(),
            hung: BTreeMap::new(),
            last: None,
            dismissed: false,
        };
        (courier, incoming, outgoing)
    }

    #[test]
    fn a_worker_that_is_started_as_the_time_ends_is_not_waited_for() {
        let (mut courier, incoming, outgoing) = played();
        let current = Arc::clone(&courier.current);
        let slow = thread::spawn(move || {
            let _ = incoming.recv();
            thread::sleep(Duration::from_millis(200));
            let (running, (_requests, mut answers)) =
                start(shell("exec sleep 9")).expect("a shell");
            lock(&current).replace(running);
            let end = answers.read(&mut [0]);
            let _ = outgoing.send(Err(Broken::Ended(format!("{end:?}"))));
        });
        let start = Instant::now();
        let late = courier.carry(asked(true).request, Duration::from_millis(10));
        assert!(late.is_err(), "{late:?}");
        assert!(start.elapsed() < Duration::from_secs(5));
        slow.join().expect("a thread that ends");
    }

    #[test]
    fn an_answer_that_comes_too_late_leaves_no_dead_worker_to_the_next_test() {
        let (mut courier, incoming, outgoing) = played();
        let slow = thread::spawn(move || {
            let asked: Vec<_> = incoming
                .iter()
                .map(|asked| {
                    thread::sleep(Duration::from_millis(100));
                    let _ = outgoing.send(Ok(Ok(Tensors::new())));
                    asked.dismissed
                })
                .collect();
            asked
        });
        let late = courier.carry(asked(true).request, Duration::from_millis(10));
        assert!(late.is_err(), "{late:?}");
        let next = courier.carry(asked(true).request, Duration::from_secs(9));
        assert!(matches!(next, Ok(Ok(_))), "{next:?}");
        drop(courier);
        let dismissed = slow.join().expect("a thread that ends");
        assert_eq!(dismissed, [false, true]);
    }
}
