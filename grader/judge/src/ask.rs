//! Asking a worker, as the stand-ins do: what comes of an answer, or of none, for the test that runs.

use crate::courier::courier;
use crate::text::harmless;
use crate::{Exercise, notes, oracle, record, subject, twin};
use std::env;
use std::io;
use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};
use testkit::{drawn, panics};
use wire::words::{INTERRUPTED_MARK, PLACE, SOURCES, WAITS_VARIABLE, out_of_time};
use wire::{Answer, Request, Tensors};

/// The environment variable of the time limit of all calls together, in whole seconds.
const EXERCISE_SECONDS_VARIABLE: &str = "JUDGE_EXERCISE_SECONDS";

/// Asks the worker, and waits for the answer.
///
/// # Panics
/// Panics with the submission's message if its function panicked. If the worker did not answer as it must, this and
/// every further call of the same test fails. Once the exercise's time is over, every call of every test does: the
/// judge then soon ends by itself, and all messages are printed.
///
/// Panics if no worker can be started, there is no answer and no verdict: the whole judge ends, with [`NOT_CONFINED`]. Where
/// one ended at a forbidden operator, there is no further one: the judge ends with [`FORBIDDEN`].
pub(crate) fn ask(exercise: &'static Exercise, request: Request) -> Tensors {
    static FIRST: Once = Once::new();
    FIRST.call_once(|| {
        #[cfg(feature = "tch")]
        observer::end_at_once();
        wait_for_the_worker();
    });
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
            if let Some(stored) = stored.filter(|_| exercise.reference.is_some()) {
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

/// Waits until the worker is compiled, if the judge was started before: until standard input is closed.
fn wait_for_the_worker() {
    if env::var_os(WAITS_VARIABLE).is_some() {
        // An error is an end, too.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
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

/// The rest of the exercise's time, which begins with the first call.
fn time_left() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = START.get_or_init(Instant::now);
    exercise_limit().saturating_sub(start.elapsed())
}

pub(crate) fn exercise_limit() -> Duration {
    seconds(EXERCISE_SECONDS_VARIABLE, 60)
}

pub(crate) fn seconds(variable: &str, usual: u64) -> Duration {
    let seconds = env::var(variable).ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(usual))
}
