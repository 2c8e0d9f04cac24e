//! The process that serves a submission's functions, as the judge sees it: started when it is first asked, killed
//! when a call takes too long, started again for the next test.

use crate::record;
use crate::text::harmless;
use std::collections::{BTreeMap, VecDeque};
use std::env;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};
use testkit::panics;
use wire::words::{INTERRUPTED_MARK, PLACE, out_of_time};
use wire::{Answer, Frame, Limits, Request, Tensors, WireError, read_frame, write_frame};

/// Where the grader puts the worker's command: the program in `JUDGE_WORKER_0`, its arguments in `_1`, `_2`, ….
pub const COMMAND_VARIABLE: &str = "JUDGE_WORKER_";
/// Where the grader puts the time limit of one call, in whole seconds.
pub const CALL_SECONDS_VARIABLE: &str = "JUDGE_CALL_SECONDS";
/// Where the grader puts the time limit of all calls together, in whole seconds.
pub const EXERCISE_SECONDS_VARIABLE: &str = "JUDGE_EXERCISE_SECONDS";

/// What is kept of what a worker prints.
const KEPT_OUTPUT: usize = 4 << 10;
/// What a worker may print before it is killed.
const MOST_OUTPUT: usize = 16 << 20;

/// Asks the worker, and waits for the answer.
///
/// # Panics
/// With the submission's message, where its function panicked. Where the worker did not answer as it must, this and
/// every further call of the same test fails. Once the exercise's time is over, every call of every test does: the
/// judge then soon ends by itself, and all messages are printed.
pub fn ask(request: Request) -> Tensors {
    if let Some(reason) = panics::interruption() {
        panics::interrupt(&reason);
    }
    let left = time_left();
    if left.is_zero() {
        interrupt(&out_of_time(exercise_limit().as_secs()));
    }
    let operation = request.operation.clone();
    let mut request = request;
    let entry = record::begin(&mut request);
    let answer = courier().carry(request, left);
    record::end(entry, &answer);
    match answer {
        Ok(Ok(tensors)) => tensors,
        Ok(Err(fault)) => {
            // A place in a library says nothing of the submission, and names folders of this machine.
            let message = harmless(&fault.message);
            if let Some(place) = fault.place.filter(|place| !place.starts_with('/')) {
                // A test may catch the panic, and fail of something else: the place stands beside its message.
                let first = message.lines().next().unwrap_or_default();
                eprintln!("{PLACE}{}: {first}", harmless(&place));
            }
            panic!("{message}")
        }
        Err(broken) => interrupt(&format!("{operation}: {broken}")),
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
    answers: Receiver<Result<Answer, String>>,
    current: Arc<Mutex<Option<Running>>>,
    /// How often each operation took too long.
    hung: BTreeMap<String, usize>,
    /// The thread that asked last: each test has its own.
    last: Option<ThreadId>,
    /// Whether the next request goes to another worker.
    dismissed: bool,
}

/// A request on its way.
struct Asked {
    request: Request,
    /// Whether it is the first of its test, which is not to blame for what it finds.
    is_first: bool,
    /// Whether the worker that runs is not to be asked.
    dismissed: bool,
}

/// How often an operation may take too long before it is not asked any more: one function that hangs is not to take the
/// time that the tests of the others need.
const MOST_HANGS: usize = 2;

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
        thread::spawn(move || {
            let mut channel = None;
            for asked in incoming {
                let answer = exchange(&mut channel, &shared, asked);
                if answer.is_err() {
                    channel = None;
                }
                if outgoing.send(answer).is_err() {
                    break;
                }
            }
        });
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
        let limit = seconds(CALL_SECONDS_VARIABLE, 10);
        let operation = request.operation.clone();
        if self
            .hung
            .get(&operation)
            .is_some_and(|&times| times >= MOST_HANGS)
        {
            return Err(format!(
                "no answer within {} s in {MOST_HANGS} other tests: it is not asked any more",
                limit.as_secs()
            ));
        }
        let closed = |_| "the courier is gone".to_owned();
        let test = thread::current().id();
        let is_first = self.last.replace(test) != Some(test);
        self.requests
            .send(Asked {
                request,
                is_first,
                dismissed: std::mem::take(&mut self.dismissed),
            })
            .map_err(|error| closed(error.to_string()))?;
        match self.answers.recv_timeout(limit.min(left)) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Disconnected) => Err(closed(String::new())),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(running) = lock(&self.current).as_mut() {
                    running.kill();
                }
                // The courier now finds the channel closed and says so; that answer is of no use.
                let _ = self.answers.recv();
                if left < limit {
                    return Err(out_of_time(exercise_limit().as_secs()));
                }
                *self.hung.entry(operation).or_default() += 1;
                Err(format!(
                    "no answer within {} s: the worker was stopped",
                    limit.as_secs()
                ))
            }
        }
    }
}

struct Running {
    child: Child,
    output: Arc<Mutex<Output>>,
    /// Gives nothing, and is closed when the worker's output is.
    output_end: Receiver<()>,
}

/// How long a worker that has closed its channel may take to end by itself, and its last output to arrive.
const LAST_BREATH: Duration = Duration::from_millis(500);

impl Running {
    fn kill(&mut self) {
        // An error here means that it has ended by itself.
        let _ = self.child.kill();
    }

    /// Ends it, whatever it is doing.
    fn end(mut self) {
        self.kill();
        // It is dead: this only lets the system forget it.
        let _ = self.child.wait();
    }

    fn has_flooded(&self) -> bool {
        lock(&self.output).flooded
    }

    /// How the worker ended, and the last it printed.
    fn obituary(mut self) -> String {
        if !self.has_flooded() {
            let _ = self.output_end.recv_timeout(LAST_BREATH);
        }
        let by_itself = self.child.try_wait().ok().flatten();
        let was_stopped = by_itself.is_none();
        self.kill();
        let end = match by_itself.map_or_else(|| self.child.wait(), Ok) {
            Ok(_) if self.has_flooded() => {
                return format!(
                    "it printed more than {} MiB and was stopped",
                    MOST_OUTPUT >> 20
                );
            }
            // One that was ending already ends as it was about to.
            Ok(status) if was_stopped && status.signal() == Some(SIGKILL) => {
                "it was stopped".to_owned()
            }
            Ok(status) => ended(status),
            Err(error) => format!("it ended: {error}"),
        };
        let printed = lock(&self.output).last.make_contiguous().to_vec();
        match String::from_utf8_lossy(&printed).trim() {
            "" => end,
            printed => format!(
                "{end}; the last it printed:{}",
                harmless(&format!("\n{printed}"))
            ),
        }
    }
}

const SIGKILL: i32 = 9;

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

/// Sends one request and reads its answer, starting the worker where none runs.
fn exchange(
    channel: &mut Option<Channel>,
    current: &Mutex<Option<Running>>,
    asked: Asked,
) -> Result<Answer, String> {
    // What waits now was sent before anything was asked, or after the last answer. Were it taken for an answer, each one
    // from here on would be that to the question before.
    let unasked = |(_, answers): &Channel| rustix::io::ioctl_fionread(answers).is_ok_and(|n| n > 0);
    let is_unasked = channel.as_ref().is_some_and(unasked);
    if is_unasked || asked.dismissed {
        *channel = None;
        if let Some(running) = lock(current).take() {
            running.end();
        }
        if is_unasked && !asked.is_first {
            return Err("it sent an answer that nobody had asked for, and was stopped".to_owned());
        }
    }
    if channel.is_none() {
        let (running, opened) = start()?;
        lock(current).replace(running);
        channel.replace(opened);
    }
    let Some((requests, answers)) = channel else {
        return Err("the worker has no channel".to_owned());
    };
    let limits = Limits::default();
    let answer = write_frame(requests, &Frame::from(asked.request), &limits)
        .and_then(|()| read_frame(answers, &limits))
        .and_then(Frame::into_answer);
    if lock(current).as_ref().is_some_and(Running::has_flooded) {
        return Err(lock(current)
            .take()
            .map(Running::obituary)
            .unwrap_or_default());
    }
    answer.map_err(|error| {
        let running = lock(current).take();
        let end = running.map(Running::obituary).unwrap_or_default();
        match error {
            WireError::Closed | WireError::Io(_) => end,
            error => format!("its answer is {}; {end}", harmless(&error.to_string())),
        }
    })
}

fn start() -> Result<(Running, Channel), String> {
    let mut parts = (0..).map_while(|i| env::var_os(format!("{COMMAND_VARIABLE}{i}")));
    let program = parts.next().ok_or_else(|| {
        format!("{COMMAND_VARIABLE}0 is not set: the judge is run by the grader, see `cargo grader check`")
    })?;
    let mut child = Command::new(&program)
        .args(parts)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", program.to_string_lossy()))?;
    let (Some(requests), Some(answers), Some(prints)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err("the worker has no channel".to_owned());
    };
    let output = Arc::new(Mutex::new(Output::default()));
    let kept = Arc::clone(&output);
    let (at_the_end, output_end) = channel();
    thread::spawn(move || {
        keep_the_end(prints, &kept);
        drop::<Sender<()>>(at_the_end);
    });
    let running = Running {
        child,
        output,
        output_end,
    };
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

/// What is left of the exercise's time, which begins with the first call.
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
