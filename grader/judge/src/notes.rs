//! Notes of each test for the grader: which operations it asked for, and which of them were seen to agree with the
//! reference. Points of a test count where its operations do.
//!
//! Each test has a file of its own, with the test's name, in the folder [`NOTES`] of the calls' folder, with lines:
//!
//! | line | says |
//! |---|---|
//! | `asked OPERATION` | the test asked for it |
//! | `agreed OPERATION 3 of 8` | so many of the drawn cases that compared it agreed |
//! | `twin OPERATION` | on other values of the same sizes, its answer was not the reference's |
//! | `sizes SIZES` | the first drawn case that failed had them |
//! | `last OPERATION` | it was the last that the test asked for |
//! | `fault OPERATION` | the same, and it gave no values |

use crate::record::calls_folder;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::thread;
use wire::words::NOTES;

/// The notes of the test that runs in this thread.
#[derive(Default)]
struct Notes {
    test: String,
    asked: BTreeSet<String>,
    cases: BTreeMap<String, (usize, usize)>,
    failed_twins: BTreeSet<String>,
    /// The sizes of the first drawn case that failed.
    sizes: Option<String>,
    /// The last operation asked for, and whether it gave no values.
    last: Option<(String, bool)>,
}

thread_local! {
    static OF_THIS_TEST: RefCell<Notes> = RefCell::default();
}

/// The folder of the notes, if the grader keeps any.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = calls_folder()?.join(NOTES);
    folder.is_dir().then_some(folder)
}

/// The name of the test that runs in this thread: `snapshot::two_images`.
pub(crate) fn test() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

/// Notes that the test asked for an operation.
pub(crate) fn asked(operation: &str) {
    OF_THIS_TEST.with_borrow_mut(|notes| {
        if notes.test.is_empty() {
            // The name of a thread is not known any more when it ends.
            notes.test = test();
        }
        notes.asked.insert(operation.to_owned());
        notes.last = Some((operation.to_owned(), false));
    });
}

/// Notes that the operation asked for last gave no values.
pub(crate) fn fault() {
    OF_THIS_TEST.with_borrow_mut(|notes| {
        if let Some((_, is_fault)) = &mut notes.last {
            *is_fault = true;
        }
    });
}

/// Notes how many of the drawn cases that compared an operation agreed.
pub(crate) fn cases(operation: String, agreed: usize, of: usize) {
    OF_THIS_TEST.with_borrow_mut(|notes| {
        let (all_agreed, all) = notes.cases.entry(operation).or_default();
        *all_agreed += agreed;
        *all += of;
    });
}

/// Notes that an operation does not answer as the reference does on other values of the same sizes.
pub(crate) fn failed_twin(operation: &str) {
    OF_THIS_TEST.with_borrow_mut(|notes| {
        notes.failed_twins.insert(operation.to_owned());
    });
}

/// Notes the sizes of the first drawn case that failed. They are the test's: nothing that a worker sent is among them.
pub(crate) fn sizes(sizes: &str) {
    OF_THIS_TEST.with_borrow_mut(|notes| notes.sizes = Some(sizes.to_owned()));
}

impl Notes {
    fn text(&self) -> String {
        let mut text = String::new();
        for operation in &self.asked {
            let _ = writeln!(text, "asked {operation}");
        }
        for (operation, (agreed, of)) in &self.cases {
            let _ = writeln!(text, "agreed {operation} {agreed} of {of}");
        }
        for operation in &self.failed_twins {
            let _ = writeln!(text, "twin {operation}");
        }
        if let Some(sizes) = &self.sizes {
            let _ = writeln!(text, "sizes {sizes}");
        }
        if let Some((operation, is_fault)) = &self.last {
            let word = if *is_fault { "fault" } else { "last" };
            let _ = writeln!(text, "{word} {operation}");
        }
        text
    }
}

/// Each test has a thread of its own, which ends with the test.
impl Drop for Notes {
    fn drop(&mut self) {
        if let Some(folder) = folder() {
            // Without its notes, a test does not count, and the grader says so.
            let _ = fs::write(folder.join(&self.test), self.text());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_lines_that_the_grader_reads() {
        let mut notes = Notes::default();
        notes.asked.insert("double".to_owned());
        notes.failed_twins.insert("halve".to_owned());
        notes.cases.insert("double".to_owned(), (3, 8));
        notes.sizes = Some("n = 3".to_owned());
        let first = "asked double\nagreed double 3 of 8\ntwin halve\nsizes n = 3\n";
        assert_eq!(notes.text(), first);
        for (is_fault, word) in [(false, "last"), (true, "fault")] {
            notes.last = Some(("halve".to_owned(), is_fault));
            assert_eq!(notes.text(), format!("{first}{word} halve\n"));
        }
    }
}
