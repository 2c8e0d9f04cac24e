//! A program that measures what an operation costs: the time of each of several calls, and the memory that the first takes.

use crate::{Operation, answer, meet, serve_with};
use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use wire::Answer;
use wire::words::{CALL_SECONDS, MEASURE, PEAK_BYTES};

/// The time for which calls are repeated, and the most calls.
const TIME: Duration = Duration::from_millis(400);
const CALLS: usize = 200;

/// Meets requests as [`serve`](crate::serve) does, though what is forbidden is not observed. The answer to a request that
/// names the argument [`MEASURE`] also holds the seconds of each call, and the bytes that the first one took, if they can be
/// told.
pub fn serve_timed(operations: &[Operation]) -> ExitCode {
    serve_with(|mut request| {
        if request.arguments.remove(MEASURE).is_none() {
            return meet(operations, request);
        }
        measured(&|| answer(operations, request.clone()))
    })
}

fn measured(call: &dyn Fn() -> Answer) -> Answer {
    let before = memory("VmRSS:").zip(memory("VmHWM:"));
    let begin = Instant::now();
    let mut tensors = call()?;
    // The peak is the whole process's: one that a call does not exceed says nothing of it.
    let peak = memory("VmHWM:");
    let took = before.zip(peak).and_then(|((used, peak_before), peak)| {
        (peak > peak_before).then(|| peak.saturating_sub(used))
    });
    // The first call also sets libraries up, and is not counted.
    let mut seconds = vec![];
    while seconds.is_empty() || (begin.elapsed() < TIME && seconds.len() < CALLS) {
        let begin = Instant::now();
        call()?;
        seconds.push(begin.elapsed().as_secs_f64());
    }
    let seconds = ndarray::Array1::from(seconds);
    tensors.insert(CALL_SECONDS.to_owned(), (&seconds).into());
    if let Some(took) = took.and_then(|took| i64::try_from(took).ok()) {
        tensors.insert(PEAK_BYTES.to_owned(), (&ndarray::arr0(took)).into());
    }
    Ok(tensors)
}

/// A number of bytes that the system states of this process.
fn memory(line: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|it| it.strip_prefix(line))?;
    let kibibytes: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(1024 * kibibytes)
}
