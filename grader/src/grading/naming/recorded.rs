//! The calls of a submission that a judge recorded.

use crate::grading::verdict::Tested;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use wire::{Answer, FaultKind, Frame, FrameLimits, Request, UNANSWERED, WireError, read_frame};

/// The most calls of failing tests, and of passing ones, that are put to the misconceptions: a call takes a millisecond
/// or two.
const MOST: [usize; 2] = [192, 128];

/// A call, and the submission's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedCall {
    /// The request.
    pub request: Request,
    /// The answer; none if the function did not return.
    pub answer: Option<Answer>,
}

/// Reads the calls of the tests that failed and of those that passed. If a test has too many, its last calls are kept:
/// if it failed, it failed in one of those. The smallest calls come first: they acquit most misconceptions, and the
/// large ones are then put to few. Calls of functions that are not written yet are left out, since a stub is not a
/// mistake. Returns None if no test failed in a call.
///
/// # Errors
/// Returns an error if a file cannot be read, or does not hold recorded calls.
pub fn read(folder: &Path, tests: &[Tested]) -> Result<Option<Vec<RecordedCall>>> {
    let mut calls: Vec<RecordedCall> = vec![];
    for (passed, most) in [false, true].into_iter().zip(MOST) {
        let tests = tests.iter().filter(|tested| tested.passed == passed);
        let mut by_test = read_tests(folder, tests)?;
        let full = calls.len() + most;
        while by_test.iter().any(|calls| !calls.is_empty()) && calls.len() < full {
            for call in by_test.iter_mut().filter_map(Vec::pop) {
                if !calls.contains(&call) {
                    calls.push(call);
                }
            }
        }
        if calls.is_empty() {
            return Ok(None);
        }
    }
    calls.sort_by_key(RecordedCall::size);
    Ok(Some(calls))
}

impl RecordedCall {
    /// Bytes of its tensors.
    fn size(&self) -> usize {
        let answered = self.answer.iter().flatten().flatten();
        let tensors = self.request.tensors.iter().chain(answered);
        tensors.map(|(_, tensor)| tensor.bytes().len()).sum()
    }
}

/// The calls of each test.
fn read_tests<'a>(
    folder: &Path,
    tests: impl Iterator<Item = &'a Tested>,
) -> Result<Vec<Vec<RecordedCall>>> {
    let mut by_test = vec![];
    for Tested { test, .. } in tests {
        let path = folder.join(test);
        // Of a test whose calls are all too large, or that was not begun, nothing is kept.
        if !path.is_file() {
            continue;
        }
        let calls =
            read_test(&path).with_context(|| format!("the calls of {test} cannot be read"))?;
        by_test.push(calls);
    }
    Ok(by_test)
}

fn read_test(path: &Path) -> Result<Vec<RecordedCall>> {
    let mut file = BufReader::new(File::open(path)?);
    let limits = FrameLimits::default();
    let mut calls = vec![];
    loop {
        let request = match read_frame(&mut file, &limits) {
            Err(WireError::Closed) => return Ok(calls),
            request => Request::try_from(request?)?,
        };
        let answer = read_frame(&mut file, &limits)?;
        let answer = match answer.metadata.contains_key(UNANSWERED) {
            true => None,
            false => Some(Frame::into_answer(answer)?),
        };
        let is_stub =
            matches!(&answer, Some(Err(fault)) if fault.kind == FaultKind::NotImplemented);
        if !is_stub {
            calls.push(RecordedCall { request, answer });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::course::Kind;
    use crate::grading::verdict::Requests;
    use std::fs;
    use wire::{Dtype, Fault, RawTensor, Tensors, write_frame};

    fn call(operation: &str, answer: Frame) -> Vec<u8> {
        let request = Request {
            operation: operation.to_owned(),
            ..Request::default()
        };
        let mut bytes = vec![];
        for frame in [request.into(), answer] {
            write_frame(&mut bytes, &frame, &FrameLimits::default()).expect("a frame");
        }
        bytes
    }

    fn answered(operation: &str) -> Vec<u8> {
        call(operation, Frame::of_answer(Ok(Tensors::new())))
    }

    /// The operations that are read of these files, where these tests failed and passed.
    fn read_all(
        files: &[(&str, Vec<Vec<u8>>)],
        failed: &[&str],
        passed: &[&str],
    ) -> Option<Vec<String>> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (test, calls) in files {
            fs::write(folder.path().join(test), calls.concat()).expect("a file");
        }
        let tested = |tests: &[&str], passed| -> Vec<_> {
            let tests = tests.iter();
            tests
                .map(|test| Tested {
                    test: (*test).to_owned(),
                    kind: Kind::Shape,
                    passed,
                    message: None,
                    not_counted: None,
                    requests: Requests::default(),
                })
                .collect()
        };
        let tests = [tested(passed, true), tested(failed, false)].concat();
        let calls = read(folder.path(), &tests).expect("calls")?;
        let operations = calls.into_iter().map(|call| call.request.operation);
        Some(operations.collect())
    }

    #[test]
    fn the_last_calls_are_taken_each_of_them_once_and_none_where_nothing_failed() {
        let files = [
            ("shape::x", vec![answered("1"), answered("2")]),
            ("shape::y", vec![answered("2"), answered("3")]),
            ("shape::z", vec![answered("4")]),
        ];
        let failed = ["shape::x", "shape::y", "shape::not_begun"];
        let calls = read_all(&files, &failed, &["shape::z"]);
        assert_eq!(calls, Some(["2", "3", "1", "4"].map(str::to_owned).into()));
        assert_eq!(read_all(&files, &[], &["shape::z"]), None);
    }

    #[test]
    fn the_smallest_calls_come_first() {
        let of_size = |size: usize| {
            let tensor = RawTensor::new(Dtype::I64, vec![size], vec![0; 8 * size]);
            let tensors = Tensors::from([("y".to_owned(), tensor.expect("a tensor"))]);
            call(&size.to_string(), Frame::of_answer(Ok(tensors)))
        };
        let files = [("a", vec![of_size(2), of_size(3)]), ("b", vec![of_size(1)])];
        let calls = read_all(&files, &["a"], &["b"]);
        assert_eq!(calls, Some(["1", "2", "3"].map(str::to_owned).into()));
    }

    #[test]
    fn a_stub_says_nothing() {
        let fault = Fault {
            kind: FaultKind::NotImplemented,
            ..Fault::bad_request("not yet implemented")
        };
        let stub = call("1", Frame::of_answer(Err(fault)));
        assert_eq!(read_all(&[("a", vec![stub.clone()])], &["a"], &[]), None);
        let files = [("a", vec![stub, answered("2")])];
        assert_eq!(read_all(&files, &["a"], &[]), Some(vec!["2".to_owned()]));
    }

    #[test]
    fn a_call_that_was_not_answered_has_no_answer_and_hides_no_other() -> Result<()> {
        let unanswered = Frame {
            metadata: [(UNANSWERED.to_owned(), "it hung".to_owned())].into(),
            ..Frame::default()
        };
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a");
        fs::write(&path, [answered("1"), call("2", unanswered)].concat())?;
        let calls = read_test(&path)?;
        let has_answer: Vec<_> = calls.iter().map(|call| call.answer.is_some()).collect();
        assert_eq!(has_answer, [true, false]);
        Ok(())
    }
}
