//! The places of panics. Of one in a library, as in libtorch's binding, the place that helps is that of the call in the
//! submission: the innermost of its frames. It is looked for where the worker was built with the submission's line numbers,
//! and only when a panic happens.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::env;
use wire::words::{LINES_VARIABLE, SOURCES};

thread_local! {
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Returns whether the worker was built with line numbers.
fn has_lines() -> bool {
    env::var_os(LINES_VARIABLE).is_some()
}

/// Reads the line numbers, if there are any: a sealed worker can read no file, itself included.
pub(crate) fn read_lines() {
    if has_lines() {
        // The result is not used. The standard library caches the files that it read.
        let _ = Backtrace::force_capture().to_string();
    }
}

/// Keeps the place of each panic. A message without a place helps nobody; a submission that sets a hook of its own loses this.
pub(crate) fn remember() {
    let has_lines = has_lines();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string);
        let is_own = place.as_deref().is_some_and(is_own);
        let called_at = match has_lines && !is_own {
            true => innermost(&Backtrace::force_capture().to_string()),
            false => None,
        };
        PLACE.set(called_at.or(place));
    }));
}

/// The place of the last panic in this thread.
pub(crate) fn take() -> Option<String> {
    PLACE.take()
}

fn is_own(place: &str) -> bool {
    place.starts_with(SOURCES)
}

/// The place in the submission's sources in a backtrace that is the innermost.
fn innermost(backtrace: &str) -> Option<String> {
    let places = backtrace
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("at "));
    // The compiler puts the folder that it ran in before a path, which is nobody's business.
    let mut own = places.filter_map(|place| {
        // A folder above the course may have the same name: of an exercise's, `src` is the one after the next.
        let mut ends = place.match_indices(SOURCES).map(|(at, _)| &place[at..]);
        ends.find(|end| end.split('/').nth(2) == Some("src"))
    });
    own.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_frame_of_the_submission_is_found_without_folders_of_the_machine() {
        let backtrace = "\
   2: core::result::unwrap_failed
             at /rustc/1159e78/library/core/src/result.rs:1855:5
   4: tch::wrappers::tensor_generated::<impl tch::wrappers::tensor::Tensor>::matmul
             at /~~~~~~~/tch-0.24.0/src/wrappers/tensor_generated.rs:12:3
   5: a::attention
             at /~~~~~/run-x/exercises/03-a/src/lib.rs:41:9
   6: a::Layer::forward
             at /~~~~~/run-x/exercises/03-a/src/lib.rs:99:9
   7: <unknown>";
        let place = innermost(backtrace);
        assert_eq!(place.as_deref(), Some("exercises/03-a/src/lib.rs:41:9"));
        assert_eq!(innermost("   0: <unknown>\n   1: main\n"), None);
        let elsewhere = "at /home/exercises/me/course/run-x/exercises/03-a/src/exercises/b.rs:4:2";
        let place = innermost(elsewhere);
        assert_eq!(
            place.as_deref(),
            Some("exercises/03-a/src/exercises/b.rs:4:2")
        );
    }
}
