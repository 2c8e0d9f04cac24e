//! The worker that serves a submission's functions: started when it is first asked, killed when a call takes too long,
//! started again for the next test.

use crate::ask::{exercise_limit, seconds};
use crate::exchange::{Asked, Broken, exchange, give_up};
use crate::processor;
use client::Process;
use rustix::process::Pid;
use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::mem;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};
use wire::words::out_of_time;
use wire::{Answer, Request};

/// The prefix of the environment variables of the worker's command: the program in `JUDGE_WORKER_0`, its arguments in `_1`,
/// `_2`, ….
const COMMAND_VARIABLE: &str = "JUDGE_WORKER_";
/// The environment variable of the time limit of one call by the clock, in whole seconds.
const CALL_SECONDS_VARIABLE: &str = "JUDGE_CALL_SECONDS";

/// The thread that owns the worker. It lives as long as the judge: a worker is killed by the kernel when the thread that
/// started it ends, and the threads of tests do.
pub(crate) struct Courier {
    requests: Sender<Asked>,
    answers: Receiver<Result<Answer, Broken>>,
    current: Arc<Mutex<Option<Process>>>,
    /// By operation: the number of calls that took too long.
    hung: BTreeMap<String, Hung>,
    /// The thread that asked last: each test has its own.
    last: Option<ThreadId>,
    /// True if the next request goes to another worker.
    pub(crate) dismissed: bool,
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

pub(crate) fn courier() -> MutexGuard<'static, Courier> {
    static COURIER: Mutex<Option<&'static Mutex<Courier>>> = Mutex::new(None);
    let mut courier = lock(&COURIER);
    lock(courier.get_or_insert_with(|| Box::leak(Box::new(Mutex::new(Courier::start())))))
}

/// A test that failed while it held the lock has left nothing half done behind it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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
    pub(crate) fn carry(&mut self, request: Request, left: Duration) -> Result<Answer, String> {
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
            dismissed: mem::take(&mut self.dismissed),
        };
        let running = self.worker();
        // An error means that the courier is gone, which is found out below.
        let _ = self.requests.send(asked);
        let exceeded = match self.answer_within(clock.min(left), processor_limit(clock), running) {
            Ok(answer) => return answer.map_err(Broken::blamed),
            Err(exceeded) => exceeded,
        };
        // An answer that has come after all is of no use, and the courier does not know that its worker is dead.
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
        running: Option<Pid>,
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
    fn worker(&self) -> Option<Pid> {
        Some(lock(&self.current).as_ref()?.pid())
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::start;
    use crate::exchange::tests::{asked, shell};
    use wire::{Frame, Tensors};

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
            let (running, mut channel) = start(shell("exec sleep 9")).expect("a shell");
            lock(&current).replace(running);
            let end = channel.exchange(&Frame::from(asked(true).request), 0);
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
