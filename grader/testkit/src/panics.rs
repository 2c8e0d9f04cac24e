//! The panic that a bad size must get.

use std::any::Any;
use std::cell::RefCell;
use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process;
use wire::panic_text;

thread_local! {
    static INTERRUPTION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Fails this test for good, whatever it catches: the process it asks is gone. Called by the judge; each further call
/// fails for the first reason.
///
/// # Panics
/// Always.
pub fn interrupt(reason: &str) -> ! {
    let first = INTERRUPTION
        .with_borrow_mut(|first| first.get_or_insert_with(|| reason.to_owned()).clone());
    panic!("{first}")
}

/// The environment variable in which the grader asks a judge to end with an exit code where the course is at fault. A
/// message could be made to look like a submission's, and the other way round; an exit code of the judge's process cannot.
pub const FAULT_VARIABLE: &str = "COURSE_FAULT_EXIT";

/// Ends the test for a fault of the course or of this crate, which is nobody's failure: in a judge, the process.
///
/// # Panics
/// Panics unless the process ends.
#[track_caller]
pub fn fault(reason: &str) -> ! {
    let words = format!("the course is at fault: {reason}");
    let code = env::var(FAULT_VARIABLE).ok();
    if let Some(code) = code.and_then(|code| code.parse().ok()) {
        // The harness would capture a macro's output for a report that never comes.
        let _ = writeln!(io::stderr(), "{words}");
        process::exit(code);
    }
    panic!("{words}")
}

/// The reason why this test was [interrupted](interrupt), if it was.
pub fn interruption() -> Option<String> {
    INTERRUPTION.with_borrow(Clone::clone)
}

/// Runs a call that must panic, and returns the panic's message.
///
/// # Panics
/// Panics if the call returns; if it is not yet implemented; if the message holds more numbers than a sentence does, as
/// the message of a guess would; or if the test was [interrupted](interrupt).
pub fn panic_message<T>(call: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(call)) else {
        panic!("the call must panic, but it returned a value");
    };
    let message = message_of(&*payload);
    if interruption().is_some() || message.starts_with("not yet implemented") {
        resume_unwind(payload);
    }
    let numbers = message.split(|c: char| !c.is_ascii_digit());
    let numbers = numbers.filter(|number| !number.is_empty()).count();
    assert!(
        numbers <= MOST_NUMBERS,
        "the panic's message holds {numbers} numbers: it must name those that are wrong"
    );
    message
}

/// Fails unless a panic's message names each of these numbers, none of them as a part of another: 1000 does not name 100.
///
/// # Panics
/// With the message, where one is missing.
#[track_caller]
pub fn assert_names<N: Display>(message: &str, numbers: &[N]) {
    let words = message.split(|c: char| !c.is_ascii_digit() && c != '.');
    // 0..13 holds two numbers, and a sentence ends with a full stop.
    let words = words.flat_map(|word| word.split(".."));
    let named: Vec<f64> = words
        .filter_map(|word| word.trim_matches('.').parse().ok())
        .collect();
    let wanted: Vec<String> = numbers.iter().map(N::to_string).collect();
    let is_named = |number: &String| number.parse().is_ok_and(|number| named.contains(&number));
    assert!(
        wanted.iter().all(is_named),
        "the panic's message must name {}, but it says: {message}",
        wanted.join(" and "),
    );
}

/// Numbers that a panic's message may hold. Two shapes of four axes and what is wrong with them are twelve.
const MOST_NUMBERS: usize = 20;

/// The message of a panic's payload.
pub(crate) fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = panic_text(payload);
    text.unwrap_or("a panic without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure<T>(call: impl FnOnce() -> T) -> String {
        let payload = catch_unwind(AssertUnwindSafe(|| panic_message(call))).expect_err("it fails");
        message_of(&*payload)
    }

    #[test]
    fn the_message_of_the_panic_comes_back() {
        assert_eq!(
            panic_message(|| panic!("7 does not divide {}", 28)),
            "7 does not divide 28"
        );
    }

    #[test]
    fn a_call_that_returns_fails_the_test() {
        assert_eq!(
            failure(|| 1),
            "the call must panic, but it returned a value"
        );
    }

    #[test]
    fn numbers_are_named_whole_or_not_at_all() {
        let message = "1.5 is not in 0..13, as 7.0 is, and 9.";
        assert_names(message, &[1.5, 0.0]);
        assert_names(message, &[13, 7, 9]);
        for number in [1, 5, 3, 77] {
            let missed = catch_unwind(|| assert_names(message, &[13, number]));
            let text = message_of(&*missed.expect_err("it is not named"));
            let wanted = format!("must name 13 and {number}, but it says: {message}");
            assert!(text.contains(&wanted), "{text}");
        }
    }

    #[test]
    #[allow(clippy::todo)]
    fn a_stub_does_not_count_as_the_panic_asked_for() {
        assert_eq!(
            failure(|| todo!("write it")),
            "not yet implemented: write it"
        );
    }

    #[test]
    fn an_interrupted_test_fails_whatever_it_expects() {
        let text = failure(|| interrupt("the worker is gone"));
        assert!(text.starts_with("the worker is gone"), "{text}");
        let text = failure(|| interrupt("something else"));
        assert!(text.starts_with("the worker is gone"), "{text}");
    }
}
