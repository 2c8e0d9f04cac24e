//! Workers between two submissions: starting one takes longer than asking it. They run the course's own code, and answer each
//! request for itself.

use crate::environment::Environment;
use crate::worker::ask::Respondent;
use crate::worker::session::Session;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The time for which one worker is used: far less than the processor time that it may take in all.
const LIFE: Duration = Duration::from_secs(30);

/// A worker that nobody asks now.
struct Idle {
    worker: PathBuf,
    session: Session,
    /// The time for which it was used.
    used: Duration,
}

thread_local! {
    /// The worker that this thread used last. The kernel ends a worker with the thread that started it.
    static IDLE: RefCell<Option<Idle>> = const { RefCell::new(None) };
}

/// Has `act` ask a worker: the one that this thread used last, if it is the same program and has not ended, otherwise a new one.
pub(super) fn with_worker<T>(
    environment: &Environment,
    worker: &Path,
    act: impl FnOnce(&mut Respondent<'_>) -> T,
) -> T {
    let last = IDLE.take().filter(|idle| idle.worker == worker);
    let mut used = last.as_ref().map_or(Duration::ZERO, |idle| idle.used);
    let session = last.map(|idle| idle.session);
    let session = session.and_then(|mut session| session.is_running().then_some(session));
    if session.is_none() {
        used = Duration::ZERO;
    }
    let mut respondent = Respondent::new(environment, worker);
    respondent.go_on(session);
    let begin = Instant::now();
    let result = act(&mut respondent);
    used += begin.elapsed();
    if let Some(session) = respondent.into_session().filter(|_| used < LIFE) {
        IDLE.set(Some(Idle {
            worker: worker.to_owned(),
            session,
            used,
        }));
    }
    result
}
