//! The calls of the tests and their answers, which the grader compares with the answers of known mistakes.
//!
//! Each test has a file of its own, with the test's name, in the folder of [`FOLDER_VARIABLE`]: a request and its answer
//! after the other, as frames. Of a call that was not answered, the frame after the request says so ([`wire::UNANSWERED`]).
//! It is written when the test ends, passed or failed.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::env;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use wire::{
    Answer, Frame, FrameLimits, RawTensor, Request, SEED, Tensors, UNANSWERED, WireError,
    write_frame,
};

/// The environment variable of the folder for the calls. Without it, nothing is kept.
pub(crate) const FOLDER_VARIABLE: &str = "JUDGE_CALLS_FOLDER";

/// Calls that are kept of a test: the first, and the last, which in a property test are those of the smallest failing
/// input.
const FIRST: usize = 8;
const LAST: usize = 16;
/// Bytes of the tensors of a request, beyond which the call is not kept. A call of a model as large as those of the papers
/// says no more than one of a small model.
const MOST_OF_A_REQUEST: usize = 4 << 20;
/// Bytes of the tensors of an answer, beyond which the call is not kept. Where sizes must be refused, they may be large.
const MOST_OF_AN_ANSWER: usize = 16 << 20;
/// Bytes that all tests together may keep.
const MOST: usize = 64 << 20;

/// A call, as it is kept.
struct Call {
    request: Frame,
    answer: Frame,
}

/// The calls of the test that runs in this thread.
#[derive(Default)]
struct Record {
    test: String,
    asked: u64,
    first: Vec<Call>,
    last: VecDeque<Call>,
}

thread_local! {
    static RECORD: RefCell<Record> = RefCell::default();
}

/// Gives the request a seed of its own: what is drawn depends on how many calls the test made before, and on nothing that
/// other tests did. Returns what is to be kept of it.
pub(crate) fn begin(request: &mut Request) -> Option<Request> {
    let asked = RECORD.with_borrow_mut(|record| {
        if record.asked == 0 {
            // The name of a thread is not known any more when it ends.
            record.test = thread::current().name().unwrap_or_default().to_owned();
        }
        record.asked += 1;
        record.asked
    });
    request.arguments.insert(SEED.to_owned(), asked.to_string());
    (calls_folder().is_some() && size(&request.tensors) <= MOST_OF_A_REQUEST)
        .then(|| request.clone())
}

/// Keeps the call with its answer.
pub(crate) fn end(request: Option<Request>, answer: &Result<Answer, String>) {
    let Some(request) = request else { return };
    let answer = match answer {
        Ok(Ok(tensors)) if size(tensors) > MOST_OF_AN_ANSWER => return,
        Ok(answer) => Frame::of_answer(answer.clone()),
        Err(broken) => Frame {
            metadata: [(UNANSWERED.to_owned(), broken.clone())].into(),
            tensors: Tensors::new(),
        },
    };
    let request = Frame::from(request);
    RECORD.with_borrow_mut(|record| record.keep(Call { request, answer }));
}

fn size(tensors: &Tensors) -> usize {
    tensors
        .values()
        .map(RawTensor::bytes)
        .map(<[u8]>::len)
        .sum()
}

pub(crate) fn calls_folder() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER
        .get_or_init(|| env::var_os(FOLDER_VARIABLE).map(PathBuf::from))
        .as_deref()
}

impl Record {
    fn keep(&mut self, call: Call) {
        if self.first.len() < FIRST {
            self.first.push(call);
            return;
        }
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(call);
    }

    fn write(&self, folder: &Path) -> Result<(), WireError> {
        static KEPT: AtomicUsize = AtomicUsize::new(0);
        let calls = || self.first.iter().chain(&self.last);
        let bytes = calls().map(|call| size(&call.request.tensors) + size(&call.answer.tensors));
        let bytes: usize = bytes.sum();
        if calls().next().is_none() || KEPT.fetch_add(bytes, Ordering::Relaxed) + bytes > MOST {
            return Ok(());
        }
        let mut file = BufWriter::new(File::create(folder.join(&self.test))?);
        let limits = FrameLimits::default();
        for call in calls() {
            write_frame(&mut file, &call.request, &limits)?;
            write_frame(&mut file, &call.answer, &limits)?;
        }
        Ok(file.flush()?)
    }
}

/// Each test has a thread of its own, which ends with the test.
impl Drop for Record {
    fn drop(&mut self) {
        if let Some(folder) = calls_folder() {
            // A record that cannot be written is missed by nobody who asks for the grade.
            let _ = self.write(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::read_frame;

    fn call(number: usize) -> Call {
        let request = Request {
            operation: number.to_string(),
            ..Request::default()
        };
        Call {
            request: request.into(),
            answer: Frame::of_answer(Ok(Tensors::new())),
        }
    }

    #[test]
    fn the_first_and_the_last_calls_are_kept() {
        let mut record = Record::default();
        record.test.push_str("shape::x");
        (0..FIRST + LAST + 3).for_each(|number| record.keep(call(number)));
        let folder = tempfile::tempdir().expect("a temporary folder");
        record.write(folder.path()).expect("a file");
        record.first.clear();
        let mut file = File::open(folder.path().join("shape::x")).expect("the file");
        let mut operations = vec![];
        while let Ok(frame) = read_frame(&mut file, &FrameLimits::default()) {
            let request = Request::try_from(frame).expect("a request");
            let answer = read_frame(&mut file, &FrameLimits::default()).expect("an answer");
            assert_eq!(answer.into_answer().ok(), Some(Ok(Tensors::new())));
            operations.push(request.operation);
        }
        let kept = (0..FIRST).chain(FIRST + 3..FIRST + LAST + 3);
        assert_eq!(
            operations,
            kept.map(|it| it.to_string()).collect::<Vec<_>>()
        );
    }

    #[test]
    fn each_call_of_a_test_has_a_seed_of_its_own() {
        let seeds = thread::spawn(|| {
            [(); 3].map(|()| {
                let mut request = Request::default();
                begin(&mut request);
                request.arguments.remove(SEED)
            })
        });
        let seeds = seeds.join().expect("a thread that ends");
        assert_eq!(seeds, ["1", "2", "3"].map(|it| Some(it.to_owned())));
    }
}
